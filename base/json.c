#include "base/json.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The library goes on when an allocation of its reader fails, with a part of the text missing: its
 * allocations are watched, so that such a value is thrown away. */
static _Thread_local bool starved;

static void *watched_malloc(size_t n)
{
	void *p = malloc(n);
	if (!p) starved = true;
	return p;
}

static void watch_memory(void)
{
	json_set_alloc_funcs(watched_malloc, free);
}

static void release(void *j)
{
	json_decref(j);
}

json_t *json_keep(struct arena *a, json_t *j)
{
	if (!j) return NULL;
	if (!arena_on_reset(a, release, j)) return j;
	json_decref(j);
	return NULL;
}

/* The library recurses for each level, so the depth is bounded before it sees the text. */
static enum err check_depth(struct str text, struct flaw *f)
{
	size_t depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '[' || c == '{') {
			if (++depth > JSON_DEPTH_MAX)
				return flaw_set(f, ERR_BAD_JSON, i, "", "depth",
						"more than %d levels of arrays and objects",
						JSON_DEPTH_MAX);
		} else if ((c == ']' || c == '}') && depth) {
			depth--;
		}
	}
	return ERR_OK;
}

static const char *rule_of(enum json_error_code code)
{
	switch (code) {
	case json_error_duplicate_key: return "duplicate-member";
	case json_error_end_of_input_expected: return "trailing-text";
	case json_error_premature_end_of_input: return "truncated";
	case json_error_invalid_utf8: return "utf8";
	case json_error_null_character:
	case json_error_null_byte_in_key: return "nul";
	case json_error_numeric_overflow: return "number-range";
	default: return "syntax";
	}
}

static enum err refuse(struct str text, const json_error_t *why, struct flaw *f)
{
	size_t at = why->position > 0 ? (size_t)why->position : 0;
	const char *rule = rule_of(json_error_code(why));
	/* the library names a flag of its own there */
	const char *said = strcmp(rule, "nul") == 0 ? "a text may not hold \\u0000" : why->text;
	return flaw_set(f, ERR_BAD_JSON, at < text.n ? at : text.n, "", rule, "%s", said);
}

static enum err read_limited(struct arena *a, struct str text, size_t max, struct flaw *f, json_t **ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	json_error_t why = {0};
	if (text.n > max)
		return flaw_set(f, ERR_TOO_LARGE, max, "", "size", "JSON of %zu octets, more than %zu",
				text.n, max);
	if (str_starts(text, STR("\xef\xbb\xbf")))
		return flaw_set(f, ERR_BAD_JSON, 0, "", "byte-order-mark", "begins with a byte order mark");
	enum err e = check_depth(text, f);
	if (e) return e;
	pthread_once(&once, watch_memory);
	starved = false;
	json_t *j =
	    json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (starved) {
		json_decref(j);
		return ERR_NO_MEMORY;
	}
	if (!j) return refuse(text, &why, f);
	j = json_keep(a, j);
	if (!j) return ERR_NO_MEMORY;
	*ret = j;
	return ERR_OK;
}

enum err json_read(struct arena *a, struct str text, struct flaw *f, json_t **ret)
{
	return read_limited(a, text, JSON_SIZE_MAX, f, ret);
}

enum err json_read_large(struct arena *a, struct str text, struct flaw *f, json_t **ret)
{
	return read_limited(a, text, INT_MAX, f, ret); /* the library counts octets in an int */
}

static enum err refuse_member(const char *path, const char *key, struct flaw *f, const char *rule,
			      const char *what)
{
	char at[sizeof((struct flaw *)0)->at];
	snprintf(at, sizeof at, "%s%s%s", path ? path : "", path && *path ? "." : "", key);
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s %s", at, what);
}

static enum err refuse_holder(const char *path, struct flaw *f)
{
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, path, "type", "%s must be an object",
			path && *path ? path : "this");
}

enum err json_str_opt(json_t *obj, const char *path, const char *key, struct flaw *f, struct str *ret)
{
	if (!json_is_object(obj)) return refuse_holder(path, f);
	json_t *j = json_object_get(obj, key);
	if (!j) return ERR_OK;
	if (!json_is_string(j)) return refuse_member(path, key, f, "type", "must be a string");
	*ret = json_text(j);
	return ERR_OK;
}

enum err json_u64_opt(json_t *obj, const char *path, const char *key, struct flaw *f, uint64_t *ret)
{
	if (!json_is_object(obj)) return refuse_holder(path, f);
	json_t *j = json_object_get(obj, key);
	if (!j) return ERR_OK;
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return refuse_member(path, key, f, "type", "must be a whole number, zero or more");
	*ret = (uint64_t)json_integer_value(j);
	return ERR_OK;
}

enum err json_arr_opt(json_t *obj, const char *path, const char *key, struct flaw *f, json_t **ret)
{
	if (!json_is_object(obj)) return refuse_holder(path, f);
	json_t *j = json_object_get(obj, key);
	if (!j) return ERR_OK;
	if (!json_is_array(j)) return refuse_member(path, key, f, "type", "must be an array");
	*ret = j;
	return ERR_OK;
}

static enum err need(json_t *obj, const char *path, const char *key, struct flaw *f)
{
	if (!json_is_object(obj)) return refuse_holder(path, f);
	return json_object_get(obj, key) ? ERR_OK : refuse_member(path, key, f, "missing", "is missing");
}

enum err json_str(json_t *obj, const char *path, const char *key, struct flaw *f, struct str *ret)
{
	enum err e = need(obj, path, key, f);
	return e ? e : json_str_opt(obj, path, key, f, ret);
}

enum err json_u64(json_t *obj, const char *path, const char *key, struct flaw *f, uint64_t *ret)
{
	enum err e = need(obj, path, key, f);
	return e ? e : json_u64_opt(obj, path, key, f, ret);
}

enum err json_arr(json_t *obj, const char *path, const char *key, struct flaw *f, json_t **ret)
{
	enum err e = need(obj, path, key, f);
	return e ? e : json_arr_opt(obj, path, key, f, ret);
}

enum err json_obj(json_t *obj, const char *path, const char *key, struct flaw *f, json_t **ret)
{
	enum err e = need(obj, path, key, f);
	if (e) return e;
	json_t *j = json_object_get(obj, key);
	if (!json_is_object(j)) return refuse_member(path, key, f, "type", "must be an object");
	*ret = j;
	return ERR_OK;
}

struct str json_text(const json_t *string)
{
	if (!json_is_string(string)) return STR_NONE;
	return str_n(json_string_value(string), json_string_length(string));
}

void json_put(json_t *obj, const char *key, json_t *stolen)
{
	must(json_object_set_new(obj, key, stolen) == 0);
}

/* Room for s with each ill-formed octet replaced by the three of U+FFFD. */
static json_t *mended(struct str s)
{
	struct buf b = BUF_INIT(SIZE_MAX / 2);
	size_t bad;
	while (!str_utf8_ok(s, &bad)) {
		buf_add(&b, str_first(s, bad));
		buf_add(&b, STR("\xef\xbf\xbd"));
		s = str_skip(s, bad + 1);
	}
	buf_add(&b, s);
	json_t *j = buf_err(&b) ? NULL : json_stringn(b.p, b.n);
	buf_done(&b);
	return j;
}

void json_put_str(json_t *obj, const char *key, struct str s)
{
	json_put(obj, key, str_utf8_ok(s, NULL) ? json_stringn(s.n ? s.p : "", s.n) : mended(s));
}

void json_put_u64(json_t *obj, const char *key, uint64_t v)
{
	must(v <= INT64_MAX);
	json_put(obj, key, json_integer((json_int_t)v));
}
