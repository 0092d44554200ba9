/* Right operands: from JSON to the values that their left operand compares with. */
#include "policies/policy.h"

static const char *const rules[] = {
#define X(name, rule, text) rule,
    POL_UNUSABLES(X)
#undef X
};

static const char *const texts[] = {
#define X(name, rule, text) text,
    POL_UNUSABLES(X)
#undef X
};

const char *pol__unusable_rule(enum pol_unusable u)
{
	return rules[u];
}

const char *pol__unusable_text(enum pol_unusable u)
{
	return texts[u];
}

/* The text of one value; STR_NONE when it is none. */
static struct str value_text(struct arena *a, json_t *v)
{
	if (json_is_object(v)) {
		json_t *inner = json_object_get(v, "@value");
		v = inner ? inner : json_object_get(v, "@id");
	}
	if (json_is_string(v)) return json_text(v);
	if (json_is_integer(v)) return arena_printf(a, "%lld", (long long)json_integer_value(v));
	if (json_is_boolean(v)) return json_is_true(v) ? STR("true") : STR("false");
	return STR_NONE;
}

/* "30d": a number and s, m, h or d. */
static bool offset_parse(struct str s, usec_t *ret)
{
	static const struct {
		char unit;
		usec_t usec;
	} units[] = {
	    {'s', USEC_PER_SEC}, {'m', 60 * USEC_PER_SEC}, {'h', 3600 * USEC_PER_SEC}, {'d', USEC_PER_DAY}};
	uint64_t n;
	if (s.n < 2 || s.n > 10 || str_u64(str_first(s, s.n - 1), &n) || n > 3650000) return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (s.p[s.n - 1] != units[i].unit) continue;
		*ret = (usec_t)n * units[i].usec;
		return true;
	}
	return false;
}

/* ISO 8601 durations of days, hours, minutes and seconds: months and years have no length. */
static bool span_parse(struct str s, usec_t *ret)
{
	usec_t sum = 0;
	bool time = false, some = false;
	if (!s.n || s.p[0] != 'P') return false;
	for (s = str_skip(s, 1); s.n;) {
		size_t n = 0;
		uint64_t v;
		if (s.p[0] == 'T' && !time) {
			time = true;
			some = false;
			s = str_skip(s, 1);
			continue;
		}
		while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9') n++;
		if (!n || n == s.n || n > 9 || str_u64(str_first(s, n), &v)) return false;
		char unit = s.p[n];
		usec_t each = !time         ? (unit == 'D'   ? USEC_PER_DAY
					       : unit == 'W' ? 7 * USEC_PER_DAY
							     : 0)
			      : unit == 'H' ? 3600 * USEC_PER_SEC
			      : unit == 'M' ? 60 * USEC_PER_SEC
			      : unit == 'S' ? USEC_PER_SEC
					    : 0;
		if (!each || v > 3650000u) return false;
		sum += (usec_t)v * each;
		some = true;
		s = str_skip(s, n + 1);
	}
	*ret = sum;
	return some;
}

static bool time_parse(struct str s, struct pol_right *r)
{
	struct str relative = STR("contractAgreement+");
	if (str_starts(s, relative)) {
		r->since_agreement = true;
		if (!offset_parse(str_skip(s, relative.n), &r->from)) return false;
		r->until = r->from;
		return true;
	}
	if (clock_parse(s, &r->from)) return false;
	bool day = s.n == 10; /* "2026-12-31" */
	r->until = r->from + (day ? USEC_PER_DAY - 1 : 0);
	return true;
}

static bool right_convert(enum pol_kind kind, struct pol_right *r)
{
	switch (kind) {
	case POL_TIME:
	case POL_END: return time_parse(r->text, r);
	case POL_SPAN: return span_parse(r->text, &r->from);
	case POL_NUMBER: return str_u64(r->text, &r->number) == ERR_OK;
	case POL_TERM:
	case POL_OTHER: break;
	}
	return true;
}

static bool orders(enum pol_operator o)
{
	return o == POL_LT || o == POL_LTEQ || o == POL_GT || o == POL_GTEQ;
}

static bool lists(enum pol_operator o)
{
	return o == POL_IS_ANY_OF || o == POL_IS_ALL_OF || o == POL_IS_NONE_OF || o == POL_IS_PART_OF;
}

static bool operator_fits(enum pol_kind kind, enum pol_operator o, size_t values)
{
	if (values != 1 && !lists(o)) return false;
	switch (kind) {
	case POL_TIME:
	case POL_SPAN:
	case POL_NUMBER: return orders(o) || o == POL_EQ || o == POL_NEQ;
	case POL_END: return o == POL_EQ || o == POL_LTEQ;
	case POL_TERM:
	case POL_OTHER: return !orders(o);
	}
	return false;
}

static struct str right_print(struct arena *a, const struct pol_constraint *c, bool list)
{
	enum { SHOWN_MAX = 1024 }; /* a longer list is cut in reports */
	struct buf b = BUF_INIT(SHOWN_MAX);
	if (list) buf_byte(&b, '[');
	for (size_t i = 0; i < c->right_n; i++) {
		if (i) buf_add(&b, STR(", "));
		buf_add(&b, c->right[i].text);
	}
	if (list) buf_byte(&b, ']');
	struct str out =
	    buf_err(&b) ? arena_printf(a, "[%zu values]", c->right_n) : arena_dup(a, buf_str(&b));
	buf_done(&b);
	return out;
}

enum err pol__right_parse(struct arena *a, json_t *right, struct pol_constraint *c)
{
	json_t *list = json_is_object(right) ? json_object_get(right, "@list") : NULL;
	enum pol_kind kind = pol_operand_kind(c->operand);
	if (list) right = list;
	bool array = json_is_array(right);
	size_t n = array ? json_array_size(right) : 1;
	c->right = ARENA_ARRAY(a, struct pol_right, n ? n : 1);
	if (!c->right) return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		struct pol_right *r = &c->right[c->right_n++];
		r->text = value_text(a, array ? json_array_get(right, i) : right);
		if (!r->text.p || !right_convert(kind, r)) c->unusable = POL_UNUSABLE_VALUE;
		if (!r->text.p) r->text = STR("?");
	}
	c->right_text = right_print(a, c, array);
	if (!n) c->unusable = POL_UNUSABLE_VALUE;
	if (!c->unusable && !operator_fits(kind, c->op, n)) c->unusable = POL_UNUSABLE_OPERATOR;
	return arena_overflowed(a) ? ERR_NO_MEMORY : ERR_OK;
}
