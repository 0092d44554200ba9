#include "tests/resolver/records.h"

void made(const char *id, const char *values)
{
	char path[700], body[2048];
	snprintf(path, sizeof path, "/registry/%s", id);
	snprintf(body, sizeof body, "{\"values\":[%s]}", values);
	struct http_reply r = put(registrar, path, body, NULL);
	assert_true(r.status == 200 || r.status == 201);
	http_done(&r);
}

void load_colours(unsigned n)
{
	struct buf b = BUF_INIT(8 << 20);
	for (unsigned from = 0; from < n; from += 1000) {
		buf_clear(&b);
		buf_printf(&b, "{\"records\":[");
		for (unsigned i = from; i < from + 1000; i++)
			buf_printf(&b,
				   "%s{\"id\":\"88.118.8/"
				   "c%u\",\"values\":[{\"type\":\"COLOUR\",\"data\":\"%u\"}]}",
				   i > from ? "," : "", i, i % 1000);
		buf_printf(&b, "]}");
		buf_byte(&b, 0);
		struct http_reply r = post(registrar, "/registry", b.p);
		EXPECT(r, 200);
		http_done(&r);
	}
	buf_done(&b);
}

void expect_count(const char *prefix, uint64_t active, uint64_t retired)
{
	char path[128];
	snprintf(path, sizeof path, "/count?prefix=%s", prefix);
	struct http_reply r = get(registrar, path);
	EXPECT(r, 200);
	assert_int_equal(json_integer_value(json_object_get(r.json, "active")), active);
	assert_int_equal(json_integer_value(json_object_get(r.json, "retired")), retired);
	http_done(&r);
}

void counts_now(uint64_t ret[2][2])
{
	static const char *const prefixes[] = {"88.118.8", "88.118.8.2"};
	for (size_t i = 0; i < 2; i++) {
		char path[128];
		snprintf(path, sizeof path, "/count?prefix=%s", prefixes[i]);
		struct http_reply r = get(registrar, path);
		EXPECT(r, 200);
		ret[i][0] = (uint64_t)json_integer_value(json_object_get(r.json, "active"));
		ret[i][1] = (uint64_t)json_integer_value(json_object_get(r.json, "retired"));
		http_done(&r);
	}
}

void expect_found(const char *token, const char *query, const char *want)
{
	char path[4096], got[2048] = "";
	size_t i, n = 0;
	const json_t *one;
	snprintf(path, sizeof path, "/find?%s", query);
	struct http_reply r = get(token, path);
	EXPECT(r, 200);
	json_array_foreach(json_object_get(r.json, "identifiers"), i, one) n += (size_t)snprintf(
	    got + n, sizeof got - n, "%s%s%s", i ? " " : "", json_string_value(json_object_get(one, "id")),
	    json_is_true(json_object_get(one, "public")) ? "" : "!");
	assert_string_equal(got, want);
	http_done(&r);
}
