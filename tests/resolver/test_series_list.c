/* Series over HTTP: their lists, delegations among their members, references in their templates. */
#include "tests/resolver/series_desk.h"

static void delegated_prefixes_are_left_alone(void **state)
{
	(void)state;
	assert_int_equal(site_delegate(&node, registrar, "01/09506000200002", &node), 201);
	struct http_reply r =
	    put(registrar, at("01/0950600{019990..020010}{check}"), "{\"values\":[]}", NULL);
	EXPECT(r, 421);
	assert_string_equal(http_text(&r, "rule"), "delegated");
	http_done(&r);
	r = put(registrar, at("01/09506000200002/21/{00..99}"), "{\"values\":[]}", NULL);
	EXPECT(r, 421);
	http_done(&r);
	add("01/0950600{020001..020010}{check}", "{\"values\":[]}");
	/* given away afterwards: the child answers, whatever the series says */
	assert_int_equal(status_of("01/09506000200057"), 200);
	assert_int_equal(site_delegate(&node, registrar, "01/09506000200057", &node), 201);
	assert_int_equal(status_of("01/09506000200057"), 421);
	assert_int_equal(status_of("01/09506000200064"), 200);
	/* which does not keep the rest from being changed */
	r = del(registrar, at("01/0950600{020001..020010}{check}"));
	EXPECT(r, 200);
	http_done(&r);
	assert_int_equal(status_of("01/09506000200064"), 410);
}

static void series_are_listed(void **state)
{
	char path[512], cursor[256] = "";
	size_t seen = 0, pages = 0;
	(void)state;
	for (char x = 'A'; x <= 'G'; x++) {
		char pattern[64];
		snprintf(pattern, sizeof pattern, "88.118.8.4/%c-{00..99}", x);
		add(pattern, TEMPLATE);
	}
	do {
		snprintf(path, sizeof path, "/series?prefix=88.118.8.4&limit=3%s%s",
			 cursor[0] ? "&cursor=" : "", cursor);
		struct http_reply r = get(auditor, path);
		EXPECT(r, 200);
		const json_t *all = json_object_get(r.json, "series"), *one;
		size_t i;
		json_array_foreach(all, i, one)
		{
			assert_non_null(
			    strstr(json_string_value(json_object_get(one, "pattern")), "88.118.8.4/"));
			assert_int_equal(json_integer_value(json_object_get(one, "members")), 100);
			seen++;
		}
		snprintf(cursor, sizeof cursor, "%s", http_text(&r, "next"));
		http_done(&r);
		pages++;
	} while (cursor[0]);
	assert_int_equal(seen, 7);
	assert_int_equal(pages, 3);
	/* of a company prefix, and of a member */
	add("01/0950600{013400..013499}{check}", TEMPLATE);
	struct http_reply r = get(auditor, "/series?prefix=gs1:950600");
	EXPECT(r, 200);
	assert_true(json_array_size(json_object_get(r.json, "series")) >= 2);
	http_done(&r);
	r = get(auditor, "/series?prefix=gs1:9506003");
	EXPECT(r, 200);
	assert_int_equal(json_array_size(json_object_get(r.json, "series")), 0);
	http_done(&r);
	r = get(auditor, "/series?member=88.118.8.4/C-07");
	EXPECT(r, 200);
	assert_non_null(memmem(r.body.p, r.body.n, "88.118.8.4/C-{00..99}", 21));
	http_done(&r);
	r = get(auditor, "/series?member=88.118.8.4/C-007");
	EXPECT(r, 200);
	assert_int_equal(json_array_size(json_object_get(r.json, "series")), 0);
	http_done(&r);
	r = get(enterprise, "/series?prefix=88.118.8.4");
	EXPECT(r, 403);
	http_done(&r);
	static const char *const bad[] = {"/series", "/series?prefix=88..1",
					  "/series?prefix=88.118.8&cursor=%21",
					  "/series?prefix=88.118.8&limit=5000"};
	for (size_t i = 0; i < COUNT(bad); i++) {
		r = get(auditor, bad[i]);
		EXPECT(r, 400);
		http_done(&r);
	}
}

static void references_are_kept(void **state)
{
	(void)state;
	add("88.118.8/REF-{0..9}",
	    "{\"values\":[{\"type\":\"X\",\"data\":\"{serial}\",\"references\":[{\"handle\":\"0.NA/"
	    "88\",\"index\":3}]},{\"type\":\"B\",\"data\":{\"format\":\"base64\",\"value\":\"e/8=\"}}]}");
	struct http_reply r = get(NULL, "/resolve/88.118.8/REF-7");
	EXPECT(r, 200);
	assert_string_equal(value_of(&r, 0), "7");
	assert_non_null(memmem(r.body.p, r.body.n, "0.NA/88", 7));
	assert_string_equal(value_of(&r, 1), "e/8="); /* no text, so no template */
	http_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(delegated_prefixes_are_left_alone),
	    cmocka_unit_test(series_are_listed),
	    cmocka_unit_test(references_are_kept),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
