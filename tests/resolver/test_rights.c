/* Who may call which route, credentials, and what everybody may read. */
#include "tests/resolver/desk.h"

static const char *token_without(uint32_t roles)
{
	static const struct {
		uint32_t role;
		const char *token;
	} all[] = {{ROLE_OWNER, owner}, {ROLE_AGENT, agent}, {ROLE_AUDITOR, auditor},
		   {ROLE_OPERATOR, operator}, {ROLE_ENTERPRISE, enterprise}, {ROLE_REGISTRAR, registrar}};
	for (size_t i = 0; i < COUNT(all); i++)
		if (!(roles & all[i].role)) return all[i].token;
	return NULL;
}

static void path_of(const char *pattern, char out[256])
{
	size_t n = 0;
	for (const char *p = pattern; *p && n < 200; p++) {
		if (*p != '{') {
			out[n++] = *p;
			continue;
		}
		const char *close = strchr(p, '}');
		n += (size_t)snprintf(out + n, 32, "%s", close[-1] == '.' ? "88.118.8/role" : "role");
		p = close;
	}
	out[n] = 0;
}

/* Every route of the table: nobody without a credential, nobody with a wrong one. */
static void every_route_refuses_wrong_roles(void **state)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
	static const char *const open[] = {"/resolve/{id...}",
					   "/resolve",
					   "/.well-known/kanhe-node",
					   "/.well-known/did.json",
					   "/find",
					   "/enterprises/applications",
					   "/enterprises/{code}/challenge",
					   "/enterprises/{code}/proof"};
	/* these refuse in a form of their own: tests/tools/china.py tries each with wrong roles */
	static const char *const own[] = {"/identity/", "/identityv2/", "/snms/", "/api/v1/"};
	const struct net_routes *routes = rs_routes(node.rs);
	size_t guarded = 0;
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	site_heads(&node, &feed, &ledger);
	for (size_t i = 0; i < routes->n; i++) {
		const struct net_route *route = &routes->rows[i];
		char path[256];
		if (!route->roles) {
			bool known = false;
			for (size_t k = 0; k < COUNT(open); k++)
				known |= strcmp(open[k], route->pattern) == 0;
			for (size_t k = 0; k < COUNT(own); k++)
				known |= strncmp(own[k], route->pattern, strlen(own[k])) == 0;
			if (!known) fprintf(stderr, "open to all: %s\n", route->pattern);
			assert_true(known);
			continue;
		}
		path_of(route->pattern, path);
		struct http_call call = {.method = methods[route->method],
					 .path = path,
					 .body = route->body_max ? STR("{}") : STR_NONE};
		const struct {
			const char *token;
			int status;
		} tries[] = {{NULL, 401},
			     {"kt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 401},
			     {"nonsense", 401},
			     {token_without(route->roles), 403}};
		for (size_t k = 0; k < COUNT(tries); k++) {
			call.token = tries[k].token;
			struct http_reply r = http_call(&node, &call);
			if (r.status != tries[k].status)
				fprintf(stderr, "%s %s try %zu\n", call.method, path, k);
			EXPECT(r, tries[k].status);
			if (r.status == 401) assert_str(http_header(&r, "www-authenticate"), "Bearer");
			http_done(&r);
		}
		guarded++;
	}
	assert_true(guarded >= 12);
	site_heads(&node, &feed2, &ledger2);
	assert_int_equal(feed, feed2);
	assert_int_equal(ledger, ledger2);
}

static void credentials_are_granted_used_and_revoked(void **state)
{
	char token[ACCESS_TOKEN_TEXT];
	(void)state;
	struct http_reply r = post(operator, "/credentials",
				   "{\"name\":\"erp\",\"roles\":\"enterprise\",\"scope\":\"88.118.8.3\"}");
	EXPECT(r, 201);
	snprintf(token, sizeof token, "%s", http_text(&r, "token"));
	assert_int_equal(strlen(token), 46);
	http_done(&r);
	assert_int_equal(site_register(&node, token, "88.118.8.3/a", "https://e/"), 201);
	r = post(operator, "/credentials", "{\"name\":\"erp\",\"roles\":\"owner\",\"scope\":\"@x\"}");
	EXPECT(r, 409);
	http_done(&r);
	r = get(operator, "/credentials");
	EXPECT(r, 200);
	assert_null(memmem(r.body.p, r.body.n, token + 3, 20)); /* shown once */
	assert_non_null(memmem(r.body.p, r.body.n, "\"name\":\"erp\"", 12));
	http_done(&r);
	r = del(operator, "/credentials/erp");
	EXPECT(r, 204);
	http_done(&r);
	r = put(token, "/registry/88.118.8.3/a", "{\"values\":[]}", NULL);
	EXPECT(r, 401); /* revoked */
	http_done(&r);
	r = del(operator, "/credentials/erp");
	EXPECT(r, 404);
	http_done(&r);
	static const char *const bad[] = {
	    "{\"name\":\"a b\",\"roles\":\"owner\",\"scope\":\"*\"}",
	    "{\"name\":\"a\",\"roles\":\"king\",\"scope\":\"*\"}",
	    "{\"name\":\"a\",\"roles\":\"owner\",\"scope\":\"\"}",
	    "{\"name\":\"a\",\"roles\":\"owner\",\"scope\":\"88..1\"}",
	    "{\"name\":\"a\",\"roles\":\"owner\",\"scope\":\"*\",\"expires\":\"2001-01-01\"}",
	    "{\"name\":\"a\",\"roles\":\"owner\",\"scope\":\"*\",\"certificate\":\"abc\"}",
	    "{\"roles\":\"owner\"}",
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		r = post(operator, "/credentials", bad[i]);
		EXPECT(r, 400);
		assert_true(strlen(http_text(&r, "field")) > 0);
		http_done(&r);
	}
	r = post(operator, "/credentials",
		 "{\"name\":\"short\",\"roles\":\"auditor\",\"scope\":\"*\",\"expires\":\"2999-01-01T00:00:"
		 "00Z\"}");
	EXPECT(r, 201);
	http_done(&r);
}

static void filters_conditions_and_pages(void **state)
{
	(void)state;
	struct http_reply r = put(
	    registrar, "/registry/88.118.8/page",
	    "{\"values\":[{\"index\":1,\"type\":\"URL\",\"data\":\"https://x/?a=1&b=<2>\"},{\"index\":5,"
	    "\"type\":\"DESC\",\"data\":\"<script>alert(1)</script>\"}]}",
	    NULL);
	EXPECT(r, 201);
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/page?type=DESC");
	EXPECT(r, 200);
	assert_int_equal(json_array_size(json_object_get(r.json, "values")), 1);
	http_done(&r);
	r = get(NULL, "/resolve/88.118.8/page?index=5&trace=1");
	EXPECT(r, 200);
	assert_int_equal(json_array_size(json_object_get(json_object_get(r.json, "answer"), "values")), 1);
	assert_string_equal(http_text(&r, "state"), "authoritative");
	http_done(&r);
	r = http_call(&node, &(struct http_call){.path = "/resolve/88.118.8/page",
						 .headers = {"if-none-match: \"1\""}});
	EXPECT(r, 304);
	assert_int_equal(r.body.n, 0);
	http_done(&r);
	r = http_call(&node,
		      &(struct http_call){.path = "/resolve/88.118.8/page",
					  .headers = {"accept: text/html,application/xhtml+xml,*/*;q=0.8",
						      "accept-language: zh-CN,zh;q=0.9"}});
	EXPECT(r, 200);
	assert_str(http_header(&r, "content-type"), "text/html; charset=utf-8");
	assert_true(str_starts(http_header(&r, "content-security-policy"), STR("default-src 'none'")));
	assert_null(memmem(r.body.p, r.body.n, "<script", 7));
	assert_non_null(memmem(r.body.p, r.body.n, "权威", 6));
	http_done(&r);
}

static void well_known_says_who(void **state)
{
	char key[SIGN_MULTIBASE];
	(void)state;
	sign_public_multibase(sign_public(node.key), key);
	struct http_reply r = http_get(&node, "/.well-known/kanhe-node");
	EXPECT(r, 200);
	assert_string_equal(http_text(&r, "name"), "node");
	assert_string_equal(http_text(&r, "did"), node.did);
	assert_string_equal(json_string_value(json_array_get(json_object_get(r.json, "keys"), 0)), key);
	assert_int_equal(json_array_size(json_object_get(r.json, "authority")), 2);
	http_done(&r);
	r = http_get(&node, "/.well-known/did.json");
	EXPECT(r, 200);
	const json_t *m = json_array_get(json_object_get(r.json, "verificationMethod"), 0);
	assert_string_equal(json_string_value(json_object_get(m, "publicKeyMultibase")), key);
	http_done(&r);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(every_route_refuses_wrong_roles),
	    cmocka_unit_test(credentials_are_granted_used_and_revoked),
	    cmocka_unit_test(filters_conditions_and_pages),
	    cmocka_unit_test(well_known_says_who),
	};
	return cmocka_run_group_tests(cases, setup, teardown);
}
