/* Records out of JSON, for registration. Unknown members are refused: a misspelt one would be lost
 * without anybody noticing. */
#include <stdio.h>

#include "base/text64.h"
#include "proto/pb/record_check.h"

enum { PATH = 64, INNER = PATH + 40 /* one step further in */ };

static enum err bad(struct flaw *f, const char *path, const char *key, const char *rule, const char *text)
{
	char at[2 * INNER];
	snprintf(at, sizeof at, "%s%s%s", path, *path && *key ? "." : "", key);
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s%s%s", at, *at ? " " : "", text);
}

/* known: names split by blanks. */
static enum err members_known(json_t *obj, const char *path, const char *known, struct flaw *f)
{
	const char *key;
	json_t *v;
	json_object_foreach(obj, key, v)
	{
		struct str rest = str_of(known), one;
		bool found = false;
		while (!found && str_split(&rest, ' ', &one)) found = str_is(one, key);
		if (!found) return bad(f, path, key, "unknown-member", "is not a member here");
	}
	return ERR_OK;
}

/* ERR_UNSUPPORTED: no such format; ERR_BAD_INPUT: the text is not of it. */
static enum err octets_read(struct arena *a, struct str format, struct str text, struct str *ret)
{
	if (str_is(format, "base64")) return base64_parse(a, text, ret);
	if (str_is(format, "string")) {
		*ret = text;
		return ERR_OK;
	}
	if (!str_is(format, "hex")) return ERR_UNSUPPORTED;
	char *p = arena_bytes(a, text.n / 2 + 1);
	if (!p) return ERR_NO_MEMORY;
	*ret = str_n(p, text.n / 2);
	return hex_parse(text, p, text.n / 2);
}

static enum err data_read(struct arena *a, json_t *obj, const char *path, struct flaw *f, struct value *v)
{
	json_t *data = json_object_get(obj, "data");
	struct str format, text;
	char inner[INNER], long_text[80];
	if (json_is_string(data)) {
		v->data = json_text(data);
	} else {
		if (data && !json_is_object(data))
			return bad(f, path, "data", "type",
				   "must be a string or an object of format and value");
		snprintf(inner, sizeof inner, "%s.data", path);
		enum err e = json_obj(obj, path, "data", f, &data);
		if (!e) e = members_known(data, inner, "format value", f);
		if (!e) e = json_str(data, inner, "format", f, &format);
		if (!e) e = json_str(data, inner, "value", f, &text);
		if (e) return e;
		e = octets_read(a, format, text, &v->data);
		if (e == ERR_UNSUPPORTED)
			return bad(f, inner, "format", "value", "is one of string, base64, hex");
		if (e == ERR_NO_MEMORY) return e;
		if (e) return bad(f, inner, "value", "format", "is not of its format");
	}
	snprintf(long_text, sizeof long_text, "has %zu octets, at most %d are allowed", v->data.n,
		 RECORD_DATA_MAX);
	return v->data.n > RECORD_DATA_MAX ? bad(f, path, "data", "length", long_text) : ERR_OK;
}

static enum err seconds_read(json_t *obj, const char *path, const char *key, const char *what,
			     struct flaw *f, uint64_t *ret)
{
	usec_t t;
	struct str s = json_text(json_object_get(obj, key));
	if (clock_parse(s, &t) || t < 0) return bad(f, path, key, "time", what);
	*ret = (uint64_t)(t / USEC_PER_SEC);
	return ERR_OK;
}

static enum err ttl_read(json_t *obj, const char *path, struct flaw *f, struct value *v)
{
	uint64_t ttl = VALUE_TTL;
	v->ttl_absolute = json_is_string(json_object_get(obj, "ttl"));
	enum err e = v->ttl_absolute
			 ? seconds_read(obj, path, "ttl",
					"is a number of seconds, or an RFC 3339 time since 1970", f, &ttl)
			 : json_u64_opt(obj, path, "ttl", f, &ttl);
	if (e) return e;
	if (ttl > UINT32_MAX) return bad(f, path, "ttl", "range", "does not fit 32 bits");
	v->ttl = (uint32_t)ttl;
	return ERR_OK;
}

static enum err permissions_read(json_t *obj, const char *path, struct flaw *f, struct value *v)
{
	struct str s = STR("1110");
	enum err e = json_str_opt(obj, path, "permissions", f, &s);
	if (e) return e;
	bool ok = s.n == 4;
	v->permissions = 0;
	for (size_t i = 0; ok && i < 4; i++) {
		ok = s.p[i] == '0' || s.p[i] == '1';
		v->permissions = (uint8_t)(v->permissions << 1 | (s.p[i] == '1'));
	}
	return ok ? ERR_OK : bad(f, path, "permissions", "format", "is four of 0 and 1");
}

static enum err references_read(struct arena *a, json_t *obj, const char *path, struct flaw *f,
				struct value *v)
{
	json_t *all = NULL, *one;
	size_t i;
	enum err e = json_arr_opt(obj, path, "references", f, &all);
	if (e || !all) return e;
	v->references_n = json_array_size(all);
	if (v->references_n > RECORD_REFERENCES_MAX)
		return bad(f, path, "references", "count", "are too many");
	v->references = ARENA_ARRAY(a, struct reference, v->references_n);
	if (!v->references) return ERR_NO_MEMORY;
	json_array_foreach(all, i, one)
	{
		char inner[INNER];
		uint64_t index = 0;
		snprintf(inner, sizeof inner, "%s.references[%zu]", path, i);
		if (!json_is_object(one)) return bad(f, inner, "", "type", "is an object");
		e = members_known(one, inner, "handle index", f);
		if (!e) e = json_str(one, inner, "handle", f, &v->references[i].handle);
		if (!e) e = json_u64(one, inner, "index", f, &index);
		struct str handle = v->references[i].handle;
		if (!e && index > UINT32_MAX) e = bad(f, inner, "index", "range", "does not fit 32 bits");
		if (!e && (!handle.n || handle.n > RECORD_ID_MAX || memchr(handle.p, 0, handle.n)))
			e = bad(f, inner, "handle", "length", "is empty, too long or holds a NUL");
		if (e) return e;
		v->references[i].index = (uint32_t)index;
	}
	return ERR_OK;
}

static enum err value_read(struct arena *a, json_t *obj, const char *path, struct flaw *f, struct value *v)
{
	uint64_t index = 0;
	if (!json_is_object(obj)) return bad(f, path, "", "type", "is an object");
	enum err e = members_known(obj, path, "index type data ttl timestamp permissions references", f);
	if (!e) e = json_u64_opt(obj, path, "index", f, &index);
	if (!e) e = json_str(obj, path, "type", f, &v->type);
	if (e) return e;
	if (json_object_get(obj, "index") && (!index || index > UINT32_MAX))
		return bad(f, path, "index", "range", "is a number from 1 to 2^32-1");
	if (!v->type.n || v->type.n > RECORD_TYPE_MAX || memchr(v->type.p, 0, v->type.n))
		return bad(f, path, "type", "length", "is empty, too long or holds a NUL");
	v->index = (uint32_t)index;
	e = data_read(a, obj, path, f, v);
	if (!e) e = ttl_read(obj, path, f, v);
	if (!e) e = permissions_read(obj, path, f, v);
	if (!e) e = references_read(a, obj, path, f, v);
	if (!e && json_object_get(obj, "timestamp"))
		e = seconds_read(obj, path, "timestamp", "is an RFC 3339 time since 1970", f,
				 &v->timestamp);
	return e;
}

enum err record_parse_value(struct arena *a, json_t *j, const char *path, struct flaw *f, struct value *ret)
{
	struct value v = {0};
	must(strlen(path) < PATH);
	enum err e = value_read(a, j, path, f, &v);
	if (e == ERR_NO_MEMORY) return flaw_set(f, e, FLAW_NO_OFFSET, path, "memory", "%s", err_text(e));
	if (!e) *ret = v;
	return e;
}

static bool index_used(const struct record *r, uint32_t index)
{
	for (size_t i = 0; i < r->values_n; i++)
		if (r->values[i].index == index) return true;
	return false;
}

static void indexes_fill(struct record *r)
{
	uint32_t next = 1;
	for (size_t i = 0; i < r->values_n; i++) {
		if (r->values[i].index) continue;
		while (index_used(r, next)) next++;
		r->values[i].index = next;
	}
}

static enum err indexes_unique(const struct record *r, struct flaw *f)
{
	for (size_t i = 0; i < r->values_n; i++)
		for (size_t k = 0; k < i; k++) {
			char path[PATH];
			if (r->values[i].index != r->values[k].index || !r->values[i].index) continue;
			snprintf(path, sizeof path, "values[%zu]", i);
			return bad(f, path, "index", "duplicate-index", "stands twice");
		}
	return ERR_OK;
}

static enum err values_read(struct arena *a, json_t *all, struct flaw *f, struct record *r)
{
	r->values_n = json_array_size(all);
	if (r->values_n > RECORD_VALUES_MAX) return bad(f, "", "values", "count", "are too many");
	r->values = ARENA_ARRAY(a, struct value, r->values_n);
	if (!r->values) return ERR_NO_MEMORY;
	for (size_t i = 0; i < r->values_n; i++) {
		char path[PATH];
		snprintf(path, sizeof path, "values[%zu]", i);
		enum err e = value_read(a, json_array_get(all, i), path, f, &r->values[i]);
		if (e) return e;
	}
	enum err e = indexes_unique(r, f);
	if (!e) indexes_fill(r);
	return e;
}

enum err record_parse_json(struct arena *a, json_t *j, struct flaw *f, struct record *ret)
{
	struct record r = {0};
	json_t *values = NULL;
	if (!json_is_object(j)) return bad(f, "", "", "type", "the record is an object");
	enum err e = members_known(j, "", "id scheme revision modified status values", f);
	if (!e) e = json_str(j, "", "id", f, &r.id);
	if (!e && !r.id.n) e = bad(f, "", "id", "empty", "is empty");
	if (!e) e = json_arr(j, "", "values", f, &values);
	if (!e) e = values_read(a, values, f, &r);
	if (e == ERR_NO_MEMORY)
		return flaw_set(f, e, FLAW_NO_OFFSET, "values", "memory", "%s", err_text(e));
	if (!e) *ret = r;
	return e;
}

enum err record_parse_series_json(struct arena *a, json_t *j, struct flaw *f, struct record *ret)
{
	static const char *const told[] = {"first", "last", "members", "overrides", "overrides_more"};
	if (!json_is_object(j)) return bad(f, "", "", "type", "the series is an object");
	struct str pattern = json_text(json_object_get(j, "pattern"));
	if (!pattern.p || json_object_get(j, "id"))
		return bad(f, "", "pattern", "pattern", "is a string, and stands in the place of id");
	json_put_str(j, "id", pattern);
	json_object_del(j, "pattern");
	for (size_t i = 0; i < sizeof told / sizeof *told; i++) json_object_del(j, told[i]);
	enum err e = record_parse_json(a, j, f, ret);
	if (!e) ret->series = true;
	return e;
}
