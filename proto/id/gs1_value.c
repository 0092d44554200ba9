#include "proto/id/gs1_value.h"

#include "proto/id/gs1_lint.h"

static const char *set_text(unsigned set)
{
	return set == GS1_N   ? "digits"
	       : set == GS1_X ? "characters of GS1 set 82"
	       : set == GS1_Y ? "characters of GS1 set 39"
			      : "characters of GS1 set 64";
}

struct value {
	const struct gs1_ai *ai;
	struct flaw *f;
	size_t *at;
};

static enum err length_flaw(const struct value *v, bool over, size_t at, size_t limit)
{
	*v->at = at;
	return flaw_set(v->f, ERR_BAD_ID, at, v->ai->ai, over ? "too-long" : "too-short",
			"the value of (%s) has at %s %zu characters", v->ai->ai, over ? "most" : "least",
			limit);
}

/* One or two '=' may fill a base64 value up to a multiple of three (General Specifications 7.11). */
static enum err padding_take(const struct value *v, size_t at, struct str *s)
{
	size_t pads = 0, n = s->n;
	while (pads < n && s->p[n - 1 - pads] == '=') pads++;
	s->n -= pads;
	if (pads <= 2 && (!pads || n % 3 == 0)) return ERR_OK;
	*v->at = at + s->n;
	return flaw_set(v->f, ERR_BAD_ID, *v->at, v->ai->ai, "padding",
			"the value of (%s) is padded with one or two = to a multiple of three", v->ai->ai);
}

static enum err set_check(const struct value *v, unsigned set, size_t at, struct str s)
{
	enum err e = set == GS1_Z ? padding_take(v, at, &s) : ERR_OK;
	if (e) return e;
	for (size_t k = 0; k < s.n; k++) {
		if (gs1_set_has((enum gs1_set)set, s.p[k])) continue;
		*v->at = at + k;
		return flaw_set(v->f, ERR_BAD_ID, *v->at, v->ai->ai, "characters",
				"the value of (%s) has %s here", v->ai->ai, set_text(set));
	}
	return ERR_OK;
}

static enum err lints_check(const struct value *v, const struct gs1_part *part, size_t at, struct str s)
{
	static const struct {
		const char *rule, *text;
	} lints[] = {
#define X(name, rule, text) [GS1_LINT_##name] = {rule, text},
	    GS1_LINTS(X)
#undef X
	};
	for (size_t i = 0; i < GS1_PART_LINTS_MAX && part->lints[i]; i++) {
		size_t k = 0;
		if (gs1_lint_holds((enum gs1_lint)part->lints[i], s, &k)) continue;
		*v->at = at + k;
		return flaw_set(v->f, ERR_BAD_ID, *v->at, v->ai->ai, lints[part->lints[i]].rule,
				"a value of (%s) %s", v->ai->ai, lints[part->lints[i]].text);
	}
	return ERR_OK;
}

/* Of a value that is too long: a character that stands in none of its kind says more than its length does,
 * such as a blank or the bracket that was left out. */
static enum err long_flaw(const struct value *v, struct str value)
{
	size_t at = 0;
	for (size_t i = 0; i < v->ai->parts_n; i++) {
		const struct gs1_part *part = &v->ai->parts[i];
		struct str s = str_first(str_skip(value, at), part->max);
		enum err e = part->set == GS1_Z ? ERR_OK : set_check(v, part->set, at, s);
		if (e) return e;
		at += s.n;
	}
	return length_flaw(v, true, v->ai->max, v->ai->max);
}

enum err gs1_value_check(const struct gs1_ai *ai, struct str value, struct flaw *f, size_t *ret_at)
{
	const struct value v = {ai, f, ret_at};
	if (value.n > ai->max) return long_flaw(&v, value);
	if (value.n < ai->min) return length_flaw(&v, false, value.n, ai->min);
	size_t at = 0;
	for (size_t i = 0; i < ai->parts_n; i++) {
		const struct gs1_part *part = &ai->parts[i];
		struct str s = str_first(str_skip(value, at), part->max);
		if (part->optional && at == value.n) break;
		if (s.n < part->min) return length_flaw(&v, false, value.n, at + part->min);
		enum err e = set_check(&v, part->set, at, s);
		if (!e) e = lints_check(&v, part, at, s);
		if (e) return e;
		at += s.n;
	}
	return ERR_OK;
}
