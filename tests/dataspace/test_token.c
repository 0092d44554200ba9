/* Tokens of partners at the door: good once, and told what is wrong with a bad one. */
#include "tests/dataspace/neighbours.h"

#include "base/jose.h"
#include "dataspace/negotiation.h"

struct claims {
	const char *iss, *sub, *aud, *jti, *kid, *typ;
	int64_t exp;
	const struct sign_key *key;
};

static struct claims good_claims(void)
{
	static unsigned serial;
	const struct ds_self *buyer = node_self(&there, "buyer");

	return (struct claims){.iss = buyer->did.p,
			       .sub = buyer->did.p,
			       .aud = node_did(&here, "maker"),
			       .jti = arena_printf(here.arena, "id-%u", serial++).p,
			       .kid = buyer->kid,
			       .typ = "JWT",
			       .exp = clock_wall() / USEC_PER_SEC + 200,
			       .key = buyer->key};
}

static const char *token_of(const struct claims *c)
{
	json_t *j = json_object();
	struct str token;

	if (c->iss) json_put_str(j, "iss", str_of(c->iss));
	if (c->sub) json_put_str(j, "sub", str_of(c->sub));
	if (c->aud) json_put_str(j, "aud", str_of(c->aud));
	if (c->jti) json_put_str(j, "jti", str_of(c->jti));
	if (c->exp) json_put_u64(j, "exp", (uint64_t)c->exp);
	assert_int_equal(jws_write(here.arena, c->key, c->kid, c->typ, j, &token), ERR_OK);
	json_decref(j);
	return arena_printf(here.arena, "Bearer %.*s", STR_ARG(token)).p;
}

static struct answer ask_catalog(const char *authorization)
{
	return node_call(&here, "POST", "/p/maker/dsp/2025-1/catalog/request", authorization,
			 "{\"@context\":[\"" DSP_CONTEXT "\"],\"@type\":\"CatalogRequestMessage\"}");
}

static void test_takes_a_good_token_once(void **state)
{
	struct claims c = good_claims();
	const char *token = token_of(&c);
	struct answer a = ask_catalog(token);

	(void)state;
	assert_int_equal(a.status, 200);
	a = ask_catalog(token);
	assert_int_equal(a.status, 401);
	assert_true(text_has(a.body, "replay"));
	/* a fragment, or nothing when the issuer had one key, is enough to find the key */
	c = good_claims();
	c.kid = "#token-1";
	assert_int_equal(ask_catalog(token_of(&c)).status, 200);
}

static void test_refuses_bad_tokens_and_says_which(void **state)
{
	const struct ds_self *thief = node_self(&there, "thief");
	int64_t now = clock_wall() / USEC_PER_SEC;
	struct claims c;
	struct answer a;

	(void)state;
#define REFUSED(change, word)                                                                              \
	do {                                                                                               \
		c = good_claims();                                                                         \
		change;                                                                                    \
		a = ask_catalog(token_of(&c));                                                             \
		if (a.status != 401 || !text_has(a.body, word))                                            \
			print_message("%s: %d %.*s\n", #change, a.status, STR_ARG(a.body));                \
		assert_int_equal(a.status, 401);                                                           \
		assert_true(text_has(a.body, word));                                                       \
		assert_true(text_has(a.body, "CatalogError"));                                             \
	} while (0)
	REFUSED(c.aud = node_did(&here, "neighbour"), "aud");
	REFUSED(c.aud = NULL, "aud");
	REFUSED(c.sub = thief->did.p, "iss");
	REFUSED(c.iss = c.sub = NULL, "iss");
	REFUSED(c.jti = NULL, "jti");
	REFUSED(c.jti = "", "jti");
	REFUSED(c.exp = 0, "exp");
	REFUSED(c.exp = now - 120, "exp");
	REFUSED(c.exp = now + 3600, "exp");
	REFUSED(c.typ = "secevent+jwt", "typ");
	REFUSED(c.key = thief->key, "signature");
	REFUSED(c.kid = thief->kid, "kid");
	REFUSED(c.kid = "#nothing", "kid");
	REFUSED((c.iss = c.sub = thief->did.p), "kid");
	REFUSED((c.iss = c.sub = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", c.kid = "#x"),
		"key-unknown");
	REFUSED((c.iss = c.sub = "did:key:z6Mk", c.kid = "#x"), "did:web");
	REFUSED((c.iss = c.sub = node_did(&there, "thief"), c.kid = thief->kid), "signature");
#undef REFUSED
	assert_int_equal(ask_catalog(NULL).status, 401);
	assert_int_equal(ask_catalog("Basic Zm9vOmJhcg==").status, 401);
	assert_int_equal(ask_catalog("Bearer").status, 401);
	assert_int_equal(ask_catalog("Bearer a.b.c").status, 401);
	/* {"alg":"none","typ":"JWT"} */
	assert_int_equal(ask_catalog("Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30.").status, 401);
	/* an owner's token is no partner's */
	assert_int_equal(ask_catalog(format("Bearer %s%s", maker_owner, "")).status, 401);
}

static void test_asks_to_come_again_while_a_did_cannot_be_had(void **state)
{
	struct claims c = good_claims();
	struct answer a;

	(void)state;
	c.iss = c.sub = "did:web:127.0.0.1%3A1:p:gone";
	c.kid = "#token-1";
	a = ask_catalog(token_of(&c));
	assert_int_equal(a.status, 503);
	/* a node that is there but has no such participant is an answer */
	c = good_claims();
	c.iss = c.sub =
	    format("%s:p:%s", arena_printf(here.arena, "did:web:127.0.0.1%%3A%u", there.port).p, "nobody");
	c.kid = "#token-1";
	assert_int_equal(ask_catalog(token_of(&c)).status, 401);
}

static void test_remembers_used_tokens_after_a_restart(void **state)
{
	struct claims c = good_claims();
	const char *token = token_of(&c), *path = "/p/maker/dsp/2025-1/negotiations/request";
	const char *body =
	    format("{\"@context\":[\"" DSP_CONTEXT "\"],\"@type\":\"ContractRequestMessage\","
		   "\"consumerPid\":\"urn:x:9\",\"callbackAddress\":\"%s/p/buyer/dsp/2025-1\",\"offer\":"
		   "{\"@type\":\"Offer\",\"@id\":\"%s\",\"permission\":[{\"action\":\"use\",\"constraint\":"
		   "[{\"leftOperand\":\"count\",\"operator\":\"lteq\",\"rightOperand\":\"3\"}]}]}}",
		   there.url, "offer:telemetry:1");

	(void)state;
	assert_int_equal(node_call(&here, "POST", path, token, body).status, 201);
	node_stop(&here);
	node_start(&here);
	assert_int_equal(node_call(&here, "POST", path, token, body).status, 401);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_takes_a_good_token_once),
	    T(test_refuses_bad_tokens_and_says_which),
	    T(test_asks_to_come_again_while_a_did_cannot_be_had),
	    T(test_remembers_used_tokens_after_a_restart),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
