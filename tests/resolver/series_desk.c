#include "tests/resolver/series_desk.h"

const char *value_of(const struct http_reply *r, size_t i)
{
	const json_t *v = json_array_get(json_object_get(r->json, "values"), i);
	const char *t = json_string_value(json_object_get(json_object_get(v, "data"), "value"));
	return t ? t : "";
}

int64_t number_of(const struct http_reply *r, const char *member)
{
	return json_integer_value(json_object_get(r->json, member));
}

const char *at(const char *pattern)
{
	static char path[1024];
	size_t n = (size_t)snprintf(path, sizeof path, "/series/");
	for (const char *p = pattern; *p; p++)
		n += (size_t)snprintf(path + n, sizeof path - n, strchr("{}", *p) ? "%%%02X" : "%c", *p);
	return path;
}

void add(const char *pattern, const char *body)
{
	struct http_reply r = put(registrar, at(pattern), body, NULL);
	EXPECT(r, 201);
	assert_str(http_header(&r, "etag"), "\"1\"");
	http_done(&r);
}

int status_of(const char *id)
{
	char path[512];
	snprintf(path, sizeof path, "/resolve/%s", id);
	struct http_reply r = get(NULL, path);
	int status = r.status;
	http_done(&r);
	return status;
}
