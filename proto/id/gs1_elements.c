#include "proto/id/gs1_name.h"

enum { ELEMENTS_MAX = 64 /* an element string of a carrier has fewer */ };

struct found {
	const struct gs1_ai *ai; /* NULL: an AI that is neither key nor qualifier */
	struct str ai_text, value;
	size_t at; /* of the value */
};

/* Reads "(AI)value" at *at; a bracket inside the value is written "\(". */
static enum err element_read(struct arena *a, struct str text, size_t *at, struct flaw *f,
			     struct found *ret)
{
	struct str rest = str_skip(text, *at);
	size_t close = str_find(rest, ')');
	if (!rest.n || rest.p[0] != '(' || close == rest.n)
		return flaw_set(f, ERR_BAD_ID, *at, "", "bracket",
				"an element begins with an AI in brackets");
	ret->ai_text = str_n(rest.p + 1, close - 1);
	bool digits = ret->ai_text.n >= 2 && ret->ai_text.n <= 4;
	for (size_t i = 0; i < ret->ai_text.n; i++)
		digits &= gs1_set_has(GS1_N, (unsigned char)ret->ai_text.p[i]);
	if (!digits) return flaw_set(f, ERR_BAD_ID, *at + 1, "", "ai", "an AI has two to four digits");
	ret->ai = gs1_ai_find(ret->ai_text);
	ret->at = *at + close + 1;
	char *to = arena_bytes(a, GS1_VALUE_MAX);
	if (!to) return id__no_memory(f);
	size_t n = 0, i = ret->at;
	for (; i < text.n && text.p[i] != '('; i++) {
		if (text.p[i] == '\\' && i + 1 < text.n && text.p[i + 1] == '(') i++;
		if (!gs1_set_has(GS1_X, (unsigned char)text.p[i]) && text.p[i] != '#')
			return flaw_set(f, ERR_BAD_ID, i, "", "characters",
					"the character stands in no GS1 value");
		if (n == GS1_VALUE_MAX)
			return flaw_set(f, ERR_BAD_ID, i, "", "too-long",
					"a GS1 value has at most %d characters", GS1_VALUE_MAX);
		to[n++] = text.p[i];
	}
	if (!n) return flaw_set(f, ERR_BAD_ID, ret->at, "", "empty-value", "the value is empty");
	ret->value = str_n(to, n);
	*at = i;
	return ERR_OK;
}

/* The same AI twice is tolerated with the same value (General Specifications 4.14). */
static enum err repeated(const struct found *all, size_t n, const struct found *one, struct flaw *f,
			 bool *ret)
{
	*ret = false;
	for (size_t i = 0; i < n; i++) {
		if (!str_eq(all[i].ai_text, one->ai_text)) continue;
		if (!str_eq(all[i].value, one->value))
			return flaw_set(f, ERR_BAD_ID, one->at, "", "duplicate",
					"(%.*s) is given twice with different values",
					STR_ARG(one->ai_text));
		*ret = true;
	}
	return ERR_OK;
}

static enum err check(const struct found *e, struct str text, struct flaw *f)
{
	size_t at = 0;
	if (!e->ai) return ERR_OK;
	enum err err = gs1_value_check(e->ai, e->value, f, &at);
	if (!err || !f) return err;
	size_t i = e->at;
	for (; at; at--) i += text.p[i] == '\\' && text.p[i + 1] == '(' ? 2 : 1;
	f->offset = i;
	return err;
}

static bool qualifies(const struct gs1_ai *key, const struct found *e)
{
	return e->ai && !e->ai->qualifiers && gs1_qualifier_rank(key, e->ai, NULL, 0) >= 0;
}

/* The qualifiers among the elements, whichever order they came in, put into the key's order. */
static enum err qualify(const struct found *all, size_t n, struct flaw *f, struct gs1_name *ret)
{
	const struct gs1_ai *present[GS1_QUALIFIERS_MAX];
	const struct found *from[GS1_QUALIFIERS_MAX];
	size_t present_n = 0;
	for (size_t i = 0; i < n; i++) {
		if (!qualifies(ret->key.ai, &all[i])) continue;
		if (present_n == GS1_QUALIFIERS_MAX ||
		    gs1_qualifier_rank(ret->key.ai, all[i].ai, present, present_n) < 0)
			return flaw_set(f, ERR_BAD_ID, all[i].at, all[i].ai->ai, "qualifiers-mixed",
					"(%s) does not go together with the other qualifiers",
					all[i].ai->ai);
		from[present_n] = &all[i];
		present[present_n++] = all[i].ai;
	}
	for (int rank = 0; rank < GS1_QUALIFIERS_MAX; rank++)
		for (size_t i = 0; i < present_n; i++)
			if (gs1_qualifier_rank(ret->key.ai, present[i], present, present_n) == rank)
				ret->qualifiers[ret->qualifiers_n++] =
				    (struct gs1_element){from[i]->ai, from[i]->value};
	return ERR_OK;
}

enum err gs1_elements_parse(struct arena *a, struct str text, struct flaw *f, struct gs1_name *ret)
{
	struct found all[ELEMENTS_MAX];
	size_t n = 0;
	if (text.n > ID_TEXT_MAX)
		return flaw_set(f, ERR_BAD_ID, ID_TEXT_MAX, "", "too-long",
				"an element string has at most %d octets", ID_TEXT_MAX);
	for (size_t at = 0; at < text.n;) {
		struct found one;
		bool again;
		size_t start = at;
		if (n == ELEMENTS_MAX)
			return flaw_set(f, ERR_BAD_ID, start, "", "too-many-elements",
					"an element string has at most %d elements", ELEMENTS_MAX);
		enum err e = element_read(a, text, &at, f, &one);
		if (!e) e = check(&one, text, f);
		if (!e) e = repeated(all, n, &one, f, &again);
		if (e) return e;
		if (!again) all[n++] = one;
	}
	for (size_t i = 0; i < n && !ret->key.ai; i++)
		if (all[i].ai && all[i].ai->qualifiers)
			ret->key = (struct gs1_element){all[i].ai, all[i].value};
	if (!ret->key.ai)
		return flaw_set(f, ERR_BAD_ID, 0, "", "no-key", "no element is a GS1 primary key");
	return qualify(all, n, f, ret);
}
