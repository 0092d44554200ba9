#include "proto/snms/snms.h"

#include <stdio.h>

#include "base/hash.h"

enum { PATH = 96 };

static enum err bad(struct flaw *f, const char *path, const char *key, const char *rule, const char *form)
{
	char at[PATH];
	snprintf(at, sizeof at, "%s%s%s", path, *path ? "." : "", key);
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, form, at);
}

static size_t characters(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

enum err snms_text(json_t *j, const char *path, const char *key, size_t max, struct flaw *f,
		   struct str *ret)
{
	json_t *v = json_object_get(j, key);
	struct str s = json_text(v);
	if (!v || json_is_null(v) || (json_is_string(v) && !s.n))
		return bad(f, path, key, "required", "缺少必要的请求参数: %s");
	if (!json_is_string(v) || memchr(s.p, 0, s.n))
		return bad(f, path, key, "type", "请求参数类型错误: %s");
	if (characters(s) > max) return bad(f, path, key, "length", "请求参数长度超限: %s");
	*ret = s;
	return ERR_OK;
}

/* A number, or the same in digits: clients write both. */
static enum err read_index(json_t *j, const char *path, struct flaw *f, uint32_t *ret)
{
	json_t *v = json_object_get(j, "index");
	uint64_t n = 0;
	if (!v || json_is_null(v)) return bad(f, path, "index", "required", "缺少必要的请求参数: %s");
	bool ok = json_is_string(v) ? !str_u64(json_text(v), &n)
				    : json_is_integer(v) && json_integer_value(v) > 0 &&
					  (n = (uint64_t)json_integer_value(v)) > 0;
	if (!ok || !n || n > INT32_MAX) return bad(f, path, "index", "number", "请求参数类型错误: %s");
	if (n == TEMPLATE_INDEX_VERSION) return bad(f, path, "index", "reserved", "索引1001为预留索引: %s");
	*ret = (uint32_t)n;
	return ERR_OK;
}

static enum err read_value(json_t *j, const char *path, struct flaw *f, struct value *v)
{
	struct str format;
	char below[PATH];
	json_t *data = json_object_get(j, "data"), *text = json_object_get(data, "value");
	*v = (struct value){.ttl = VALUE_TTL, .permissions = VALUE_PERMISSIONS};
	if (!json_is_object(j)) return bad(f, path, "", "object", "请求参数类型错误: %s");
	enum err e = read_index(j, path, f, &v->index);
	if (!e) e = snms_text(j, path, "type", SNMS_TYPE_MAX, f, &v->type);
	if (e) return e;
	if (!json_is_object(data)) return bad(f, path, "data", "required", "缺少必要的请求参数: %s");
	snprintf(below, sizeof below, "%s.data", path);
	e = snms_text(data, below, "format", 32, f, &format);
	if (!e && !str_is(format, "string")) e = bad(f, below, "format", "format", "只支持string格式: %s");
	/* an attribute may be empty, if its template says so */
	if (!e && !json_is_string(text)) e = bad(f, below, "value", "required", "缺少必要的请求参数: %s");
	if (e) return e;
	v->data = json_text(text);
	return characters(v->data) > SNMS_VALUE_MAX
		   ? bad(f, below, "value", "length", "请求参数长度超限: %s")
		   : ERR_OK;
}

enum err snms_record_read(struct arena *a, json_t *j, struct flaw *f, struct snms_record *ret)
{
	struct snms_record r = {.values_n = 0};
	json_t *list = json_object_get(j, "value");
	char path[PATH];
	if (!json_is_object(j)) return bad(f, "", "body", "object", "请求参数类型错误: %s");
	enum err e = snms_text(j, "", "handle", SNMS_HANDLE_MAX, f, &r.handle);
	if (!e) e = snms_text(j, "", "templateVersion", SNMS_VERSION_MAX, f, &r.version);
	if (!e && !json_is_array(list)) e = bad(f, "", "value", "required", "缺少必要的请求参数: %s");
	if (e) return e;
	r.values_n = json_array_size(list);
	if (r.values_n >= RECORD_VALUES_MAX) return bad(f, "", "value", "count", "标识属性过多: %s");
	r.values = ARENA_ARRAY(a, struct value, r.values_n + 1);
	if (!r.values) return ERR_NO_MEMORY;
	for (size_t i = 0; i < r.values_n; i++) {
		snprintf(path, sizeof path, "value[%zu]", i);
		e = read_value(json_array_get(list, i), path, f, &r.values[i]);
		for (size_t k = 0; k < i && !e; k++)
			if (r.values[k].index == r.values[i].index)
				e = bad(f, path, "index", "twice", "标识属性索引重复: %s");
		if (e) return e;
	}
	*ret = r;
	return ERR_OK;
}

enum err snms_record_values(struct arena *a, const struct snms_record *r, struct value **ret, size_t *ret_n)
{
	struct value *all = ARENA_ARRAY(a, struct value, r->values_n + 1);
	if (!all) return ERR_NO_MEMORY;
	if (r->values_n) memcpy(all, r->values, r->values_n * sizeof *all);
	all[r->values_n] = (struct value){.index = TEMPLATE_INDEX_VERSION,
					  .type = STR("TEMPLATE"),
					  .data = r->version,
					  .ttl = VALUE_TTL,
					  .permissions = VALUE_PERMISSIONS};
	*ret = all;
	*ret_n = r->values_n + 1;
	return ERR_OK;
}

json_t *snms_record_write(const struct record *r, bool with_private)
{
	json_t *o = json_object(), *list = json_array();
	struct str version = STR("");
	for (size_t i = 0; i < r->values_n; i++) {
		const struct value *v = &r->values[i];
		bool open = v->permissions & VALUE_PUBLIC_READ;
		if (v->index == TEMPLATE_INDEX_VERSION && open) version = v->data;
		if (!open && !(with_private && (v->permissions & VALUE_ADMIN_READ))) continue;
		/* what is not text has no form here */
		if (!str_utf8_ok(v->data, NULL) || (v->data.n && memchr(v->data.p, 0, v->data.n))) continue;
		json_t *one = json_object(), *data = json_object();
		json_put_str(data, "format", STR("string"));
		json_put_str(data, "value", v->data.p ? v->data : STR(""));
		json_put(one, "data", data);
		json_put_str(one, "auth", open ? STR("1") : STR(""));
		json_put_u64(one, "index", v->index);
		json_put_str(one, "type", v->type);
		must(!json_array_append_new(list, one));
	}
	json_put_str(o, "code", STR("200"));
	json_put_str(o, "prefix", str_first(r->id, str_find(r->id, '/')));
	json_put_str(o, "handle", r->id);
	json_put_str(o, "templateVersion", version);
	json_put(o, "value", list);
	return o;
}

/* ---- logging in ------------------------------------------------------------------------- */

enum err snms_login_read(json_t *j, struct flaw *f, struct snms_login *ret)
{
	struct snms_login l;
	if (!json_is_object(j)) return bad(f, "", "body", "object", "请求参数类型错误: %s");
	enum err e = snms_text(j, "", "username", SNMS_USERNAME_MAX, f, &l.username);
	if (!e) e = snms_text(j, "", "password", 64, f, &l.password);
	if (!e) *ret = l;
	return e;
}

void snms_login_digest(const unsigned char secret_sha256[32], struct str date, char ret[64])
{
	unsigned char out[HASH_SHA256];
	char hex[64];
	struct buf b = BUF_INIT(256);
	hex_write(secret_sha256, 32, hex);
	buf_add(&b, str_n(hex, sizeof hex));
	buf_add(&b, date);
	must(!buf_err(&b));
	hash_sha256(buf_str(&b), out);
	hex_write(out, sizeof out, ret);
	buf_done(&b);
}
