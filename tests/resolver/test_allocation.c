/* Prefixes of enterprises: allocated, numbered, taken back, and clear of each other and of child nodes. */
#include "tests/resolver/enterprises.h"

static void put_series(int status, const char *path)
{
	char target[PATH];
	snprintf(target, sizeof target, "/series/%s", path);
	struct http_call call = {.method = "PUT", .path = target, .token = reg};
	call.body = STR("{\"values\":[{\"type\":\"URL\",\"data\":\"https://s/{serial}\"}]}");
	struct http_reply r = http_call(&desk, &call);
	assert_int_equal(r.status, status);
	http_done(&r);
}

/* ---- prefixes --------------------------------------------------------------------------- */
static void prefixes_do_not_overlap_and_numbers_go_on(void **state)
{
	(void)state;
	admit(CODE, "88.118.8.5", 10);
	apply_as(OTHER, "B", "");
	static const struct {
		int status;
		const char *rule, *body;
	} bad[] = {
	    {421, "authority", "{\"review\":\"x\",\"prefix\":\"88.119\"}"},
	    {421, "authority", "{\"review\":\"x\",\"prefix\":\"88.118.8\"}"},
	    {421, "authority", "{\"review\":\"x\",\"under\":\"88.118.8.5\"}"},
	    {400, "one-prefix", "{\"review\":\"x\",\"prefix\":\"88.118.8.9\",\"under\":\"88.118.8\"}"},
	    {400, "next-number", "{\"review\":\"x\",\"under\":\"gs1:950600\"}"},
	};
	for (size_t i = 0; i < COUNT(bad); i++)
		refused(bad[i].status, bad[i].rule, "POST", reg, OTHER, "approve", bad[i].body);
	/* in use already */
	register_as(reg, "88.118.8.1/x", 201, NULL);
	register_as(reg, "88.118.8.1/y", 201, NULL);
	refused(409, "prefix-in-use", "POST", reg, OTHER, "approve",
		"{\"review\":\"x\",\"prefix\":\"88.118.8.1\"}");
	done(200, "POST", reg, OTHER, "approve",
	     "{\"review\":\"x\",\"prefix\":\"88.118.8.1\",\"adopt\":true}");
	assert_int_equal(number_of(OTHER, "used"), 2);
	/* a series is one, and is not overlooked */
	put_series(201, "88.118.8.20/S-%7B00..99%7D");
	refused(409, "prefix-in-use", "POST", reg, OTHER, "prefixes", "{\"prefix\":\"88.118.8.20\"}");
	done(200, "POST", reg, OTHER, "prefixes", "{\"prefix\":\"88.118.8.20\",\"adopt\":true}");
	assert_int_equal(number_of(OTHER, "used"), 3);
	/* a member counts with its series, when it is adopted with a record of its own and when it gets one
	 */
	put_series(201, "88.118.8.21/M-%7B00..99%7D");
	register_as(reg, "88.118.8.21/M-05", 200, NULL);
	register_as(reg, "88.118.8.21/none", 201, NULL);
	done(200, "POST", reg, OTHER, "prefixes", "{\"prefix\":\"88.118.8.21\",\"adopt\":true}");
	assert_int_equal(number_of(OTHER, "used"), 5);
	register_as(reg, "88.118.8.21/M-06", 200, NULL);
	assert_int_equal(number_of(OTHER, "used"), 5);
	register_as(reg, "88.118.8.21/more", 201, NULL);
	assert_int_equal(number_of(OTHER, "used"), 6);
	/* the next numbers: 1 is taken, 5 too, and nothing is given twice */
	static const char *const next[] = {"88.118.8.2", "88.118.8.3", "88.118.8.4", "88.118.8.6"};
	for (size_t i = 0; i < COUNT(next); i++) {
		struct http_reply r =
		    expect(200, "POST", reg, OTHER, "prefixes", i % 2 ? "{}" : "{\"under\":\"88.118.8\"}");
		const json_t *all = json_object_get(r.json, "prefixes");
		assert_string_equal(json_string_value(json_array_get(all, json_array_size(all) - 1)),
				    next[i]);
		http_done(&r);
	}
}

/* While nothing was registered; then it may be given again. */
static void a_prefix_given_by_a_slip_is_taken_back(void **state)
{
	(void)state;
	refused(404, "prefix", "DELETE", reg, OTHER, "prefixes/88.118.8.5", NULL);
	refused(403, "role", "DELETE", aud, OTHER, "prefixes/88.118.8.4", NULL);
	char token[ACCESS_TOKEN_TEXT];
	account(reg, OTHER, "{\"label\":\"slip\"}", token);
	refused(409, "prefix-in-use", "DELETE", reg, OTHER, "prefixes/88.118.8.1", NULL);
	put_series(201, "88.118.8.6/S-%7B00..99%7D");
	refused(409, "prefix-in-use", "DELETE", reg, OTHER, "prefixes/88.118.8.6", NULL);
	done(200, "DELETE", reg, OTHER, "prefixes/88.118.8.4", NULL);
	register_as(token, "88.118.8.4/x", 403, "foreign-prefix"); /* its scope says so still */
	register_as(token, "88.118.8.3/x", 201, NULL);
	done(200, "POST", reg, OTHER, "prefixes", "{\"prefix\":\"88.118.8.4\"}");
	register_as(token, "88.118.8.4/x", 201, NULL);
}

static void prefixes_lie_clear_of_enterprises_and_child_nodes(void **state)
{
	(void)state;
	/* above what another enterprise has */
	admit(code_from("91350100M000800A1"), "88.118.8.95.1", 1);
	refused(409, "prefix-allocated", "POST", reg, OTHER, "prefixes", "{\"prefix\":\"88.118.8.95\"}");
	/* beside, above and below what a child node has */
	struct http_reply r = http_call(
	    &desk, &(struct http_call){
		       .method = "POST",
		       .path = "/delegations",
		       .token = reg,
		       .body = STR("{\"prefix\":\"88.118.8.90.1\",\"did\":\"did:web:x.example\",\"keys\":["
				   "\"z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp\"],\"endpoints\":[{"
				   "\"protocol\":\"http\",\"url\":\"http://x.example\"}]}")});
	EXPECT(r, 201);
	http_done(&r);
	refused(409, "prefix-delegated", "POST", reg, OTHER, "prefixes", "{\"prefix\":\"88.118.8.90\"}");
	refused(409, "prefix-delegated", "POST", reg, OTHER, "prefixes", "{\"prefix\":\"88.118.8.90.1\"}");
	refused(409, "prefix-delegated", "POST", reg, OTHER, "prefixes",
		"{\"prefix\":\"88.118.8.90.1.1\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(prefixes_do_not_overlap_and_numbers_go_on),
	    cmocka_unit_test(a_prefix_given_by_a_slip_is_taken_back),
	    cmocka_unit_test(prefixes_lie_clear_of_enterprises_and_child_nodes),
	};
	return cmocka_run_group_tests(tests, open_desk, close_desk);
}
