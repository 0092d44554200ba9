#include "proto/dsp/filter_edc.h"

#include <stdio.h>

#define EDC_NS "https://w3id.org/edc/v0.0.1/ns/"
enum { AT_MAX = 128 };

struct reading {
	const char *at;
	struct flaw *f;
	struct dsp_filter *q;
};

static enum err refuse(const struct reading *x, const char *key, const char *rule, const char *text)
{
	char at[AT_MAX];

	snprintf(at, sizeof at, "%s.%s", x->at, key);
	return flaw_set(x->f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s", text);
}

static json_t *member(json_t *o, const char *key)
{
	char prefixed[64];
	json_t *v = json_object_get(o, key);

	snprintf(prefixed, sizeof prefixed, "edc:%s", key);
	return v ? v : json_object_get(o, prefixed);
}

bool dsp_filter_edc_is(json_t *criterion)
{
	struct str type = json_text(json_object_get(criterion, "@type"));

	return str_is(type, "QuerySpec") || str_is(type, "edc:QuerySpec") ||
	       str_is(type, EDC_NS "QuerySpec");
}

static enum err count_read(const struct reading *x, json_t *o, const char *key, size_t *ret)
{
	json_t *v = member(o, key);
	json_int_t n = json_integer_value(v);

	if (!v) return ERR_OK;
	if (!json_is_integer(v) || n < 0) return refuse(x, key, "type", "a count is expected");
	*ret = (size_t)n;
	return ERR_OK;
}

static enum err text_read(const struct reading *x, json_t *o, const char *key, struct str *ret)
{
	json_t *v = member(o, key);

	*ret = json_text(v);
	if (!json_is_string(v) || !ret->n) return refuse(x, key, "type", "a text is expected");
	return ret->n > DSP_FILTER_TEXT_MAX ? refuse(x, key, "limit", "the text is too long") : ERR_OK;
}

static enum err expression_read(const struct reading *x, json_t *o)
{
	struct dsp_filter *q = x->q;
	struct str left, operator, right;
	enum err e = text_read(x, o, "operandLeft", &left);

	if (!e) e = text_read(x, o, "operator", &operator);
	if (!e) e = text_read(x, o, "operandRight", &right);
	if (e) return e;
	if (!str_is(operator, "=")) return refuse(x, "operator", "unsupported", "known is \"=\" alone");
	if (str_starts(left, STR(EDC_NS))) left = str_skip(left, sizeof EDC_NS - 1);
	if (str_is(left, "id") || str_is(left, "@id")) {
		if (q->id.p) return refuse(x, "operandLeft", "twice", "this criterion may stand once");
		q->id = right;
		return ERR_OK;
	}
	if (q->properties_n == DSP_FILTER_MAX)
		return refuse(x, "filterExpression", "limit", "too many expressions");
	q->properties[q->properties_n++] = (struct dsp_filter_property){left, right};
	return ERR_OK;
}

enum err dsp_filter_edc_read(json_t *criterion, const char *at, struct flaw *f, struct dsp_filter *q)
{
	struct reading x = {at, f, q};
	json_t *expressions = member(criterion, "filterExpression"),
	       *order = member(criterion, "sortOrder");
	enum err e = count_read(&x, criterion, "offset", &q->offset);

	if (!e) e = count_read(&x, criterion, "limit", &q->limit);
	if (!e && q->offset > DSP_FILTER_OFFSET_MAX)
		e = refuse(&x, "offset", "limit", "so far in, follow the Link of the answers");
	if (!e && member(criterion, "sortField"))
		e = refuse(&x, "sortField", "unsupported", "catalogs are ordered by @id");
	if (!e && order && !str_is(json_text(order), "ASC"))
		e = refuse(&x, "sortOrder", "unsupported", "catalogs are ordered by @id, ascending");
	if (e || !expressions) return e;
	if (json_is_object(expressions)) return expression_read(&x, expressions);
	if (!json_is_array(expressions))
		return refuse(&x, "filterExpression", "type", "an array is expected");
	for (size_t i = 0; !e && i < json_array_size(expressions); i++)
		e = expression_read(&x, json_array_get(expressions, i));
	return e;
}
