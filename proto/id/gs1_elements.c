/* Element strings: bracketed for people, with FNC1 as barcodes carry them, and plain GTINs (General
 * Specifications 4.14, 7.8). */
#include "proto/id/gs1_elements.h"

#include "proto/id/gs1_lint.h"
#include "proto/id/gs1_value.h"

/* An element string is whole: values, repetitions and roles. */
static enum err finish(const struct gs1_reading *r)
{
	if (!r->m->n)
		return flaw_set(r->f, ERR_BAD_ID, r->text.n, "", "empty", "the element string is empty");
	enum err e = gs1__repeats_find(r, true);
	if (!e) gs1__roles_find(r->m);
	return e;
}

static enum err ai_flaw(const struct gs1_reading *r, size_t at, struct str ai)
{
	if (!ai.n)
		return flaw_set(r->f, ERR_BAD_ID, at, "", "ai",
				"the brackets hold no Application Identifier");
	return flaw_set(r->f, ERR_BAD_ID, at, "", "ai", "%.*s is no GS1 Application Identifier",
			STR_ARG(str_first(ai, 8)));
}

static bool escaped(struct str text, size_t i)
{
	return text.p[i] == '\\' && i + 1 < text.n && text.p[i + 1] == '(';
}

/* The value from `from` to the next bracket; *ret_end is there. Borrows unless there is an escape. */
static enum err bracketed_value(const struct gs1_reading *r, size_t from, size_t *ret_end, struct str *ret)
{
	size_t end = from, escapes = 0;
	for (; end < r->text.n && r->text.p[end] != '('; end++) {
		if (!escaped(r->text, end)) continue;
		escapes++;
		end++;
	}
	*ret_end = end;
	*ret = str_n(r->text.p + from, end - from);
	if (!escapes) return ERR_OK;
	char *to = arena_bytes(r->a, ret->n);
	if (!to) return gs1__full(r->f);
	size_t n = 0;
	for (size_t i = from; i < end; i++) {
		i += escaped(r->text, i);
		to[n++] = r->text.p[i];
	}
	*ret = str_n(to, n);
	return ERR_OK;
}

/* The check's offset in the value, as an offset in the text with its backslashes. */
static enum err bracketed_check(const struct gs1_reading *r, const struct gs1_ai *ai, struct str value,
				size_t from)
{
	size_t at = 0;
	if (!value.n)
		return flaw_set(r->f, ERR_BAD_ID, from, ai->ai, "empty-value", "the value of (%s) is empty",
				ai->ai);
	enum err e = gs1_value_check(ai, value, r->f, &at);
	if (!e || !r->f) return e;
	size_t i = from;
	for (; at; at--) i += escaped(r->text, i) ? 2 : 1;
	r->f->offset = i;
	return e;
}

enum err gs1__bracketed_parse(const struct gs1_reading *r)
{
	r->m->form = GS1_BRACKETED;
	for (size_t at = 0; at < r->text.n;) {
		struct str rest = str_skip(r->text, at), value;
		size_t close = str_find(rest, ')');
		if (rest.p[0] != '(' || close == rest.n)
			return flaw_set(r->f, ERR_BAD_ID, at, "", "bracket",
					"an element begins with an AI in brackets");
		struct str digits = str_n(rest.p + 1, close - 1);
		const struct gs1_ai *ai = gs1_ai_find(digits);
		if (!ai) return ai_flaw(r, at + 1, digits);
		size_t from = at + close + 1;
		enum err e = bracketed_value(r, from, &at, &value);
		if (!e) e = bracketed_check(r, ai, value, from);
		if (!e) e = gs1__add(r, ai, value, from);
		if (e) return e;
	}
	return finish(r);
}

bool gs1__unmarked(struct str text)
{
	const size_t digits = str_starts(text, STR("01")) ? 14 : str_starts(text, STR("00")) ? 18 : 0;
	size_t at = 0;
	struct str value = str_first(str_skip(text, 2), digits);
	return digits && value.n == digits && gs1_set_has_all(GS1_N, value) &&
	       gs1_lint_holds(GS1_LINT_csum, value, &at);
}

static bool is_separator(char c)
{
	return c == '^' || c == GS1_SEPARATOR;
}

enum err gs1__barcode_parse(const struct gs1_reading *r, size_t from)
{
	r->m->form = GS1_BARCODE;
	size_t at = from + (from < r->text.n && is_separator(r->text.p[from]));
	while (at < r->text.n) {
		struct str rest = str_skip(r->text, at);
		const struct gs1_ai *ai = gs1_ai_first(rest);
		if (!ai) return ai_flaw(r, at, str_first(rest, 4));
		struct str value = str_skip(rest, ai->n);
		size_t n = 0, bad = 0;
		while (n < value.n && !is_separator(value.p[n])) n++;
		/* a predefined length needs no separator behind it, and may have one */
		if (ai->predefined && n > ai->max) n = ai->max;
		value.n = n;
		at += ai->n;
		enum err e = gs1_value_check(ai, value, r->f, &bad);
		if (e && r->f) r->f->offset = at + bad;
		if (!e) e = gs1__add(r, ai, value, at);
		if (e) return e;
		at += n;
		at += at < r->text.n && is_separator(r->text.p[at]);
	}
	return finish(r);
}

enum err gs1__plain_parse(const struct gs1_reading *r, size_t from)
{
	enum { GTIN = 14 };
	struct str digits = str_skip(r->text, from);
	size_t bad = 0;
	r->m->form = GS1_PLAIN;
	if ((digits.n != 8 && digits.n < 12) || digits.n > GTIN)
		return flaw_set(r->f, ERR_BAD_ID, from, "", "gtin-length",
				"a GTIN has 8, 12, 13 or 14 digits");
	const struct gs1_ai *ai = gs1_ai_find(STR("01"));
	char *value = arena_bytes(r->a, GTIN);
	if (!value) return gs1__full(r->f);
	size_t pad = GTIN - digits.n;
	memset(value, '0', pad);
	memcpy(value + pad, digits.p, digits.n);
	enum err e = gs1_value_check(ai, str_n(value, GTIN), r->f, &bad);
	if (e && r->f) r->f->offset = from + (bad > pad ? bad - pad : 0);
	if (!e) e = gs1__add(r, ai, str_n(value, GTIN), from);
	return e ? e : finish(r);
}

enum err gs1_write_bracketed(struct arena *a, const struct gs1_message *m, struct str *ret)
{
	size_t room = 0, n = 0;
	for (size_t i = 0; i < m->n; i++) room += 6 + 2 * m->elements[i].value.n;
	char *to = arena_bytes(a, room + 1);
	if (!to) return ERR_NO_MEMORY;
	for (size_t i = 0; i < m->n; i++) {
		const struct gs1_element *e = &m->elements[i];
		to[n++] = '(';
		memcpy(to + n, e->ai.p, e->ai.n);
		n += e->ai.n;
		to[n++] = ')';
		for (size_t k = 0; k < e->value.n; k++) {
			if (e->value.p[k] == '(') to[n++] = '\\';
			to[n++] = e->value.p[k];
		}
	}
	*ret = str_n(to, n);
	return ERR_OK;
}

enum err gs1_write_barcode(struct arena *a, const struct gs1_message *m, char fnc1, struct str *ret)
{
	size_t room = 1, n = 0;
	for (size_t i = 0; i < m->n; i++) room += 5 + m->elements[i].value.n;
	char *to = arena_bytes(a, room);
	if (!to) return ERR_NO_MEMORY;
	to[n++] = fnc1;
	for (size_t i = 0; i < m->n; i++) {
		const struct gs1_element *e = &m->elements[i];
		memcpy(to + n, e->ai.p, e->ai.n);
		n += e->ai.n;
		memcpy(to + n, e->value.p, e->value.n);
		n += e->value.n;
		if (!e->row->predefined && i + 1 < m->n) to[n++] = fnc1;
	}
	*ret = str_n(to, n);
	return ERR_OK;
}
