/* Templates against their own rules, records against templates. Patterns are POSIX extended regular
 * expressions without back-references, with bounded repetition: glibc matches them in linear time. */
#include "proto/template/template.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/id/id.h"

enum {
	REPEAT_MAX = 1000, /* product of all {n} of a pattern: what it is unfolded to */
	NUMBER_MAX = 64,   /* characters of a number */
};

/* ---- patterns, numbers, dates ----------------------------------------------------------- */

static bool pattern_bounded(struct str p)
{
	uint64_t product = 1, n = 0, most = 0;
	for (size_t i = 0; i < p.n; i++) {
		if (p.p[i] == '\\' && i + 1 < p.n) {
			if (p.p[i + 1] >= '1' && p.p[i + 1] <= '9') return false;
			i++;
			continue;
		}
		if (p.p[i] != '{') continue;
		for (n = most = 0, i++; i < p.n && p.p[i] != '}'; i++) {
			n = p.p[i] >= '0' && p.p[i] <= '9' ? n * 10 + (uint64_t)(p.p[i] - '0') : 0;
			if (n > REPEAT_MAX) return false;
			if (n > most) most = n;
		}
		product *= most ? most : 1;
		if (product > REPEAT_MAX) return false;
	}
	return true;
}

/* The whole text must match, whatever alternatives the pattern has. */
static bool pattern_compile(struct str p, regex_t *ret)
{
	char text[TEMPLATE_PATTERN_MAX + 8];
	if (!p.n || p.n > TEMPLATE_PATTERN_MAX || memchr(p.p, 0, p.n) || !pattern_bounded(p)) return false;
	snprintf(text, sizeof text, "^(%.*s)$", STR_ARG(p));
	return regcomp(ret, text, REG_EXTENDED | REG_NOSUB) == 0;
}

static bool number_parse(struct str s, double *ret, size_t *ret_decimals)
{
	char text[NUMBER_MAX + 1], *end;
	size_t digits = 0, point = 0, i = s.n && (s.p[0] == '-' || s.p[0] == '+');
	if (!s.n || s.n > NUMBER_MAX) return false;
	for (; i < s.n; i++) {
		if (s.p[i] == '.' && !point)
			point = i + 1;
		else if (s.p[i] >= '0' && s.p[i] <= '9')
			digits++;
		else
			return false;
	}
	if (!digits || point == s.n) return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	*ret = strtod(text, &end);
	*ret_decimals = point ? s.n - point : 0;
	return !*end;
}

static unsigned two(const char *p)
{
	return (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
}

/* Letters of the format stand for digits, all else for itself: YYYY MM DD, HH mm ss. */
static bool date_fits(struct str format, struct str s)
{
	unsigned month = 1, day = 1, hour = 0, minute = 0, second = 0, year = 2000;
	static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (s.n != format.n) return false;
	for (size_t i = 0; i < s.n; i++) {
		bool letter = memchr("YyMDdHhms", format.p[i], 9) != NULL;
		if (letter ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != format.p[i]) return false;
	}
	for (size_t i = 0; i + 1 < format.n; i++) {
		if (format.p[i] != format.p[i + 1]) continue;
		switch (format.p[i]) {
		case 'Y':
		case 'y':
			if (i + 3 < format.n) year = two(s.p + i) * 100 + two(s.p + i + 2);
			i += 3;
			continue;
		case 'M': month = two(s.p + i); break;
		case 'D':
		case 'd': day = two(s.p + i); break;
		case 'H':
		case 'h': hour = two(s.p + i); break;
		case 'm': minute = two(s.p + i); break;
		case 's': second = two(s.p + i); break;
		}
		i++;
	}
	if (!month || month > 12 || !day || hour > 23 || minute > 59 || second > 59) return false;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day <= days[month - 1] + (month == 2 && leap);
}

static bool format_ok(struct str f)
{
	for (size_t i = 0; i < f.n; i++)
		if (!memchr("YyMDdHhms-/:. T", f.p[i], 15)) return false;
	return f.n >= 4;
}

/* ---- templates -------------------------------------------------------------------------- */

static enum err wrong(struct flaw *f, size_t i, const char *member, const char *rule, const char *text)
{
	char at[64];
	snprintf(at, sizeof at, "attributes[%zu].%s", i, member);
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s %s", at, text);
}

static bool bound_ok(const struct template_attribute *x, struct str bound)
{
	double v;
	size_t d;
	if (!bound.n) return true;
	if (x->type == TEMPLATE_NUMBER) return number_parse(bound, &v, &d);
	return x->type == TEMPLATE_DATE && date_fits(x->format.n ? x->format : STR("YYYY-MM-DD"), bound);
}

static enum err check_attribute(const struct template_attribute *x, size_t i, struct flaw *f)
{
	regex_t re;
	struct str prefix, version;
	if (!x->name.n) return wrong(f, i, "name", "required", "is missing");
	for (size_t k = 0; k < x->name.n; k++)
		if ((unsigned char)x->name.p[k] <= ' ')
			return wrong(f, i, "name", "blank", "has a blank or control");
	if (x->index < TEMPLATE_INDEX_FIRST || x->index > TEMPLATE_INDEX_LAST)
		return wrong(f, i, "index", "attribute-index", "does not lie between 2000 and 999999");
	if (x->max_length && x->min_length > x->max_length)
		return wrong(f, i, "min_length", "order", "is above max_length");
	if (x->format.n && (x->type != TEMPLATE_DATE || !format_ok(x->format)))
		return wrong(f, i, "format", "date-format",
			     "is none of YYYY MM DD HH mm ss with signs between");
	if (!bound_ok(x, x->min)) return wrong(f, i, "min", "bound", "is no bound of that type");
	if (!bound_ok(x, x->max)) return wrong(f, i, "max", "bound", "is no bound of that type");
	if ((x->type == TEMPLATE_ENUM) != (x->choices.n > 0))
		return wrong(f, i, "choices", "choices", "go with the type enum, and only with it");
	if (x->reference.n &&
	    (x->type != TEMPLATE_REFERENCE || template_handle_split(x->reference, &prefix, &version)))
		return wrong(f, i, "reference", "template-handle",
			     "is no template PREFIX/VERSION of a reference");
	if (!x->pattern.n) return ERR_OK;
	if (!pattern_compile(x->pattern, &re))
		return wrong(
		    f, i, "pattern", "pattern",
		    "is no extended regular expression without back-references, repetition up to 1000");
	regfree(&re);
	return ERR_OK;
}

enum err template_check_rules(const struct template *t, struct flaw *f)
{
	if (!t->prefix.n || memchr(t->prefix.p, 0, t->prefix.n))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "prefix", "required",
				"prefix is missing");
	if (!t->version.n)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "version", "required",
				"version is missing");
	for (size_t i = 0; i < t->version.n; i++)
		if ((unsigned char)t->version.p[i] <= ' ' || t->version.p[i] == 0x7f)
			return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "version", "blank",
					"version has a blank or control character");
	for (size_t i = 0; i < t->attributes_n; i++) {
		enum err e = check_attribute(&t->attributes[i], i, f);
		if (e) return e;
		for (size_t k = 0; k < i; k++) {
			if (t->attributes[k].index == t->attributes[i].index)
				return wrong(f, i, "index", "twice", "stands twice");
			if (str_eq(t->attributes[k].name, t->attributes[i].name))
				return wrong(f, i, "name", "twice", "stands twice");
		}
	}
	return ERR_OK;
}

static bool names_eq(const struct template_names *a, const struct template_names *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!template_names_have(b, a->items[i])) return false;
	return true; /* more choices than before harm nobody */
}

static bool same_rules(const struct template_attribute *a, const struct template_attribute *b)
{
	return str_eq(a->name, b->name) && a->type == b->type && a->required == b->required &&
	       a->unique == b->unique && a->min_length == b->min_length && a->max_length == b->max_length &&
	       str_eq(a->min, b->min) && str_eq(a->max, b->max) && a->decimals == b->decimals &&
	       str_eq(a->pattern, b->pattern) && str_eq(a->format, b->format) &&
	       str_eq(a->reference, b->reference) && names_eq(&a->choices, &b->choices);
}

static enum err conflict(struct flaw *f, const struct template_attribute *x, const char *text)
{
	return flaw_set(
	    f, ERR_CONFLICT, FLAW_NO_OFFSET, "attributes", "template-in-use",
	    "identifiers use this template: the attribute %.*s (index %llu) %s; make a new version",
	    STR_ARG(str_first(x->name, 40)), (unsigned long long)x->index, text);
}

enum err template_check_change(const struct template *old, const struct template *new, struct flaw *f)
{
	for (size_t i = 0; i < old->attributes_n; i++) {
		const struct template_attribute *x = &old->attributes[i], *y = template_at(new, x->index);
		if (!y || !same_rules(x, y))
			return conflict(f, x, y ? "cannot change its rules" : "cannot go");
	}
	for (size_t i = 0; i < new->attributes_n; i++) {
		const struct template_attribute *y = &new->attributes[i];
		if (y->required && !template_at(old, y->index)) return conflict(f, y, "cannot be required");
	}
	return ERR_OK;
}

/* ---- records ---------------------------------------------------------------------------- */

enum err template_handle_split(struct str handle, struct str *ret_prefix, struct str *ret_version)
{
	size_t slash = str_find(handle, '/');
	if (!slash || slash + 1 >= handle.n || slash > TEMPLATE_PREFIX_MAX ||
	    handle.n - slash - 1 > TEMPLATE_VERSION_MAX)
		return ERR_BAD_MESSAGE;
	*ret_prefix = str_first(handle, slash);
	*ret_version = str_skip(handle, slash + 1);
	return ERR_OK;
}

enum err template_named(const struct value *values, size_t n, struct flaw *f, enum template_naming *ret,
			struct str *ret_name)
{
	*ret = TEMPLATE_NONE;
	for (size_t i = 0; i < n; i++) {
		bool by_id = values[i].index == TEMPLATE_INDEX_ID;
		char at[32];
		if (!by_id && values[i].index != TEMPLATE_INDEX_VERSION) continue;
		snprintf(at, sizeof at, "values[%zu]", i);
		if (!str_is(values[i].type, by_id ? "TEMPLATE_ID" : "TEMPLATE") || *ret != TEMPLATE_NONE)
			return flaw_set(
			    f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, "template-reserved",
			    "index 1000 is kept for a TEMPLATE_ID, 1001 for a TEMPLATE; a record has one");
		*ret = by_id ? TEMPLATE_BY_ID : TEMPLATE_BY_VERSION;
		*ret_name = values[i].data;
	}
	return ERR_OK;
}

static size_t characters(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static enum err fault(struct template_fault *t, const char *rule, const char *en, const char *zh)
{
	struct str name = str_cut(t->attribute, 60);
	snprintf(t->rule, sizeof t->rule, "%s", rule);
	snprintf(t->text, sizeof t->text, "attribute %.*s (index %llu): %s", STR_ARG(name),
		 (unsigned long long)t->index, en);
	snprintf(t->zh, sizeof t->zh, "属性%.*s（索引%llu）%s", STR_ARG(name), (unsigned long long)t->index,
		 zh);
	return ERR_BAD_MESSAGE;
}

/* And what it is measured by, for people who do not know the template. */
static enum err fault_by(struct template_fault *t, const char *rule, const char *en, struct str by,
			 const char *zh)
{
	char text[120];
	bool cut = by.n > 60;
	by = str_cut(by, 60);
	snprintf(text, sizeof text, "%s %.*s%s", en, STR_ARG(by), cut ? "…" : "");
	return fault(t, rule, text, zh);
}

static enum err fault_choice(const struct template_attribute *x, struct template_fault *t)
{
	char all[120];
	size_t n = 0;
	for (size_t i = 0; i < x->choices.n && n < sizeof all - 1; i++) {
		int put = snprintf(all + n, sizeof all - n, "%s%.*s", i ? ", " : "",
				   STR_ARG(str_first(x->choices.items[i], 60)));
		n += put > 0 ? (size_t)put : 0;
	}
	if (n > sizeof all - 1) n = sizeof all - 1; /* fault_by shows half of that */
	return fault_by(t, "template-choice", "is none of its choices:", str_n(all, n), "不在枚举值内");
}

static enum err check_number(const struct template_attribute *x, struct str s, struct template_fault *t)
{
	double v, bound;
	size_t decimals, d;
	if (!number_parse(s, &v, &decimals)) return fault(t, "template-number", "is no number", "不是数值");
	if (x->decimals != UINT64_MAX && decimals > x->decimals)
		return fault(t, "template-decimals", "has too many decimals", "小数位数超限");
	if (x->min.n && number_parse(x->min, &bound, &d) && v < bound)
		return fault_by(t, "template-range", "is below its minimum", x->min, "小于最小值");
	if (x->max.n && number_parse(x->max, &bound, &d) && v > bound)
		return fault_by(t, "template-range", "is above its maximum", x->max, "大于最大值");
	return ERR_OK;
}

static enum err check_date(const struct template_attribute *x, struct str s, struct template_fault *t)
{
	struct str format = x->format.n ? x->format : STR("YYYY-MM-DD");
	if (!date_fits(format, s))
		return fault_by(t, "template-date", "is no date of its format", format,
				"不是规定格式的日期");
	if (x->min.n && str_cmp(s, x->min) < 0)
		return fault_by(t, "template-range", "is before its earliest date", x->min, "早于最早日期");
	if (x->max.n && str_cmp(s, x->max) > 0)
		return fault_by(t, "template-range", "is after its latest date", x->max, "晚于最晚日期");
	return ERR_OK;
}

static enum err check_pattern(struct arena *a, const struct template_attribute *x, struct str s,
			      struct template_fault *t)
{
	regex_t re;
	const char *text = arena_strdup(a, s);
	if (!text) return ERR_NO_MEMORY;
	if (!pattern_compile(x->pattern, &re)) return ERR_NO_MEMORY;
	bool fits = !memchr(s.p ? s.p : "", 0, s.n) && regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return fits ? ERR_OK
		    : fault_by(t, "template-pattern", "does not match its pattern", x->pattern,
			       "不符合规定格式");
}

static enum err check_type(struct arena *a, const struct template_attribute *x, struct str s,
			   struct template_fault *t)
{
	struct id id;
	switch (x->type) {
	case TEMPLATE_NUMBER: return check_number(x, s, t);
	case TEMPLATE_DATE: return check_date(x, s, t);
	case TEMPLATE_ENUM: return template_names_have(&x->choices, s) ? ERR_OK : fault_choice(x, t);
	case TEMPLATE_BOOLEAN:
		return str_is(s, "true") || str_is(s, "false")
			   ? ERR_OK
			   : fault(t, "template-boolean", "is neither true nor false", "不是true或false");
	case TEMPLATE_REFERENCE:
		return id_parse(a, s, NULL, &id)
			   ? fault(t, "template-reference", "is no identifier", "不是合法标识")
			   : ERR_OK;
	default: return ERR_OK;
	}
}

enum err template_check_value(struct arena *a, const struct template_attribute *x, struct str data,
			      struct template_fault *t)
{
	size_t n = characters(data);
	t->attribute = x->name;
	t->index = x->index;
	if (x->state != TEMPLATE_ENABLED) return fault(t, "template-disabled", "is not enabled", "未启用");
	if (!str_utf8_ok(data, NULL)) return fault(t, "template-text", "is no UTF-8 text", "不是UTF-8文本");
	if (n < x->min_length) return fault(t, "template-length", "is too short", "长度小于最小长度");
	if (x->max_length && n > x->max_length)
		return fault(t, "template-length", "is too long", "长度超过最大长度");
	enum err e = check_type(a, x, data, t);
	return e || !x->pattern.n ? e : check_pattern(a, x, data, t);
}

enum err template_check_record(struct arena *a, const struct template *t, const struct value *values,
			       size_t n, struct template_fault *ret)
{
	for (size_t i = 0; i < n; i++) {
		const struct value *v = &values[i];
		const struct template_attribute *x = template_at(t, v->index);
		*ret = (struct template_fault){.value = i, .attribute = v->type, .index = v->index};
		if (v->index < TEMPLATE_INDEX_ID || v->index == TEMPLATE_INDEX_VERSION ||
		    (v->index == TEMPLATE_INDEX_ID && str_is(v->type, "TEMPLATE_ID")) ||
		    (v->index == TEMPLATE_INDEX_GRANT && str_is(v->type, "GRANT")))
			continue;
		if (!x) {
			enum err e = fault(ret, "template-index", "is not in the template", "");
			snprintf(ret->zh, sizeof ret->zh, "非法操作，索引%u在模板中不存在",
				 (unsigned)v->index);
			return e;
		}
		if (!str_eq(x->name, v->type))
			return fault(ret, "template-type", "has another type in the template",
				     "类型与模板不一致");
		enum err e = template_check_value(a, x, v->data, ret);
		if (e) return e;
	}
	for (size_t i = 0; i < t->attributes_n; i++) {
		const struct template_attribute *x = &t->attributes[i];
		size_t k = 0;
		if (!x->required || x->state != TEMPLATE_ENABLED) continue;
		while (k < n && values[k].index != x->index) k++;
		if (k < n) continue;
		*ret = (struct template_fault){.value = SIZE_MAX, .attribute = x->name, .index = x->index};
		return fault(ret, "template-required", "is missing", "为必填项");
	}
	return ERR_OK;
}
