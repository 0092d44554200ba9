/* The interface as strangers meet it: tokens, roles, scopes, other people's things, malformed messages. */
#include "tests/dataspace/fake_plane.h"
#include "tests/dataspace/node.h"

#include "base/jose.h"
#include "dataspace/negotiation.h"
#include "dataspace/transfer.h"

#include <stdio.h>

#define DATASET                                                                                            \
	"{\"title\":\"Telemetry\",\"policy\":{\"permission\":[{\"action\":\"use\",\"constraint\":["        \
	"{\"leftOperand\":\"count\",\"operator\":\"lteq\",\"rightOperand\":\"3\"}]}]}}"

static struct node here, there; /* maker and neighbour live here, buyer and thief there */
static const char *maker_owner, *buyer_owner;

static const char *format(const char *fmt, const char *a, const char *b)
{
	char *out = arena_alloc(here.arena, 4096);

	(void)snprintf(out, 4096, fmt, a, b);
	return out;
}

static int setup(void **state)
{
	static const char *const ours[] = {"maker", "neighbour"}, *const theirs[] = {"buyer", "thief"};

	(void)state;
	fake_plane = (struct fake_plane){.finish = false};
	node_open(&here, ours, 2, 1);
	node_open(&there, theirs, 2, 1);
	maker_owner = node_token(&here, "maker-owner", ROLE_OWNER, "@maker");
	buyer_owner = node_token(&there, "buyer-owner", ROLE_OWNER, "@buyer");
	assert_int_equal(
	    node_manage(&here, maker_owner, "PUT", "/participants/maker/datasets/telemetry", DATASET)
		.status,
	    201);
	node_content(&here, "maker", "telemetry");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	node_close(&here);
	node_close(&there);
	return 0;
}

static void assert_unchanged(struct node_mark before)
{
	struct node_mark now = node_mark(&here);

	assert_int_equal(now.ledger, before.ledger);
	assert_int_equal(now.feed, before.feed);
}

static bool text_has(struct str s, const char *part)
{
	return memmem(s.p, s.n, part, strlen(part)) != NULL;
}

/* ---- partners' tokens ---- */

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

/* ---- other people's things ---- */

struct things {
	const char *negotiation, *agreement, *transfer; /* the buyer's */
	const char *maker_negotiation, *maker_transfer;
};

static struct things exchange(void)
{
	struct things x;
	struct answer a = node_manage(
	    &there, buyer_owner, "POST", "/participants/buyer/negotiations",
	    format("{\"provider\":\"%s\",\"dataset\":\"%s\"}", node_did(&here, "maker"), "telemetry"));

	x.negotiation = answer_text(&a, "pid");
	a = node_manage(&there, buyer_owner, "GET",
			format("/participants/buyer/negotiations/%s?wait=%s", x.negotiation, "FINALIZED"),
			NULL);
	x.agreement = answer_text(&a, "agreement");
	x.maker_negotiation = answer_text(&a, "peer_pid");
	a = node_manage(&there, buyer_owner, "POST", "/participants/buyer/transfers",
			format("{\"agreement\":\"%s\"}%s", x.agreement, ""));
	x.transfer = answer_text(&a, "pid");
	a = node_manage(&there, buyer_owner, "GET",
			format("/participants/buyer/transfers/%s?wait=%s", x.transfer, "STARTED"), NULL);
	assert_string_equal(answer_text(&a, "state"), "STARTED");
	x.maker_transfer = answer_text(&a, "peer_pid");
	/* the last acknowledgement is durable: nothing moves any more */
	a = node_manage(&here, maker_owner, "GET",
			format("/participants/maker/transfers/%s?wait=%s", x.maker_transfer, "STARTED"),
			NULL);
	assert_string_equal(answer_text(&a, "state"), "STARTED");
	return x;
}

static struct answer as_partner(struct node *from, const char *who, const char *participant,
				const char *method, const char *path, const char *body)
{
	const char *token = node_partner_token(from, who, node_did(&here, participant));

	return node_call(&here, method, format("/p/%s/dsp/2025-1%s", participant, path), token, body);
}

static void test_shows_processes_to_their_partner_only(void **state)
{
	struct things x = exchange();
	const char *n = format("/negotiations/%s%s", x.maker_negotiation, ""),
		   *t = format("/transfers/%s%s", x.maker_transfer, "");

	(void)state;
	assert_int_equal(as_partner(&there, "buyer", "maker", "GET", n, NULL).status, 200);
	assert_int_equal(as_partner(&there, "buyer", "maker", "GET", t, NULL).status, 200);
	assert_int_equal(as_partner(&there, "thief", "maker", "GET", n, NULL).status, 404);
	assert_int_equal(as_partner(&there, "thief", "maker", "GET", t, NULL).status, 404);
	assert_int_equal(as_partner(&there, "buyer", "neighbour", "GET", n, NULL).status, 404);
	assert_int_equal(as_partner(&there, "buyer", "neighbour", "GET", t, NULL).status, 404);
	assert_int_equal(as_partner(&here, "neighbour", "maker", "GET", n, NULL).status, 404);
	assert_int_equal(
	    as_partner(&there, "buyer", "neighbour", "GET", "/catalog/datasets/telemetry", NULL).status,
	    404);
	assert_int_equal(
	    as_partner(&there, "buyer", "maker", "GET", "/catalog/datasets/telemetry", NULL).status, 200);
	assert_int_equal(node_call(&here, "GET", "/p/nobody/did.json", NULL, NULL).status, 404);
}

/* A path for a route, with the participant and the maker's own things in it. */
static const char *path_for(const char *pattern, const char *participant, const struct things *x)
{
	struct buf b = BUF_INIT(2048);
	const char *out, *thing = strstr(pattern, "transfers")    ? x->maker_transfer
				  : strstr(pattern, "agreements") ? x->agreement
				  : strstr(pattern, "datasets")   ? "telemetry"
								  : x->maker_negotiation;

	for (const char *p = pattern; *p; p++) {
		if (*p != '{') {
			buf_byte(&b, *p);
			continue;
		}
		buf_add(&b, str_of(!strncmp(p, "{p}", 3) ? participant : thing));
		p = strchr(p, '}');
	}
	out = arena_strdup(here.arena, buf_str(&b));
	buf_done(&b);
	return out;
}

static const char *const methods[NET_METHODS] = {"GET",   "HEAD",   "POST",   "PUT",
						 "PATCH", "DELETE", "OPTIONS"};

/* Calls fn for every route that needs a role. */
static void each_managed(void (*fn)(const struct net_route *r, void *arg), void *arg)
{
	size_t tables, seen = 0;
	const struct net_routes *all = ds_routes(here.d, &tables);

	for (size_t i = 0; i < tables; i++) {
		for (size_t k = 0; k < all[i].n; k++) {
			if (!all[i].rows[k].roles) continue;
			fn(&all[i].rows[k], arg);
			seen++;
		}
	}
	assert_true(seen >= 20);
}

struct role_case {
	uint32_t role;
	const char *token;
};

struct roles {
	struct things things;
	struct role_case cases[6];
};

static void wrong_roles(const struct net_route *route, void *arg)
{
	struct roles *x = arg;
	const char *path = path_for(route->pattern, "maker", &x->things), *method = methods[route->method];
	const char *body = route->body_max ? "{}" : NULL;

	assert_int_equal(node_call(&here, method, path, NULL, body).status, 401);
	assert_int_equal(
	    node_call(&here, method, path, "Bearer kt_0000000000000000000000000000000000000000000", body)
		.status,
	    401);
	for (size_t i = 0; i < 6; i++) {
		struct answer a;

		if (route->roles & x->cases[i].role) continue;
		a = node_manage(&here, x->cases[i].token, method, path, body);
		if (a.status != 403)
			print_message("%s %s with role %u: %d\n", method, path, x->cases[i].role, a.status);
		assert_int_equal(a.status, 403);
	}
}

static void test_refuses_the_wrong_role_on_every_route(void **state)
{
	struct roles x = {.things = exchange()};
	struct node_mark before;
	size_t n = 0;

	(void)state;
#define X(up, low, bit, text)                                                                              \
	x.cases[n++] = (struct role_case){bit, node_token(&here, "every-" #low, bit, "*")};
	ACCESS_ROLES(X)
#undef X
	before = node_mark(&here);
	each_managed(wrong_roles, &x);
	assert_unchanged(before);
}

struct strangers {
	struct things things;
	const char *neighbour;
};

static void wrong_scope(const struct net_route *route, void *arg)
{
	struct strangers *x = arg;
	const char *method = methods[route->method], *body = route->body_max ? "{}" : NULL;
	struct answer a;

	if (!strstr(route->pattern, "{p}")) return;
	a = node_manage(&here, x->neighbour, method, path_for(route->pattern, "maker", &x->things), body);
	if (a.status != 403) print_message("%s %s: %d\n", method, route->pattern, a.status);
	assert_int_equal(a.status, 403);
	/* nor does one learn who lives here */
	assert_int_equal(
	    node_manage(&here, x->neighbour, method, path_for(route->pattern, "nobody", &x->things), body)
		.status,
	    403);
}

/* Things of another participant, asked for under one's own name. */
static void own_name(const struct net_route *route, void *arg)
{
	struct strangers *x = arg;
	const char *method = methods[route->method], *body = route->body_max ? "{\"reason\":\"x\"}" : NULL;
	struct answer a;

	if (!strstr(route->pattern, "{pid}") && !strstr(route->pattern, "{id}")) return;
	a = node_manage(&here, x->neighbour, method, path_for(route->pattern, "neighbour", &x->things),
			body);
	if (a.status != 404) print_message("%s %s: %d\n", method, route->pattern, a.status);
	assert_int_equal(a.status, 404);
}

static void test_keeps_participants_apart_on_every_route(void **state)
{
	struct strangers x = {exchange(), NULL};
	struct node_mark before;

	(void)state;
	x.neighbour = node_token(&here, "neighbour", ROLE_OWNER | ROLE_AGENT | ROLE_AUDITOR | ROLE_OPERATOR,
				 "@neighbour");
	before = node_mark(&here);
	each_managed(wrong_scope, &x);
	each_managed(own_name, &x);
	assert_unchanged(before);
	assert_int_equal(
	    json_array_size(json_object_get(
		node_manage(&here, x.neighbour, "GET", "/participants/neighbour/agreements", NULL).json,
		"agreements")),
	    0);
}

/* ---- malformed messages ---- */

#define CONTEXT "\"@context\":[\"" DSP_CONTEXT "\"]"
#define OFFER                                                                                              \
	"\"offer\":{\"@type\":\"Offer\",\"@id\":\"offer:telemetry:1\",\"permission\":[{\"action\":"        \
	"\"use\"}]}"

static void test_refuses_malformed_messages_by_name(void **state)
{
	static const struct {
		const char *path, *body, *said;
	} cases[] = {
	    {"/negotiations/request", "", ""},
	    {"/negotiations/request", "{", "BAD_JSON"},
	    {"/negotiations/request", "[]", ""},
	    {"/negotiations/request", "{\"@type\":\"ContractRequestMessage\"}", "@context"},
	    {"/negotiations/request", "{" CONTEXT ",\"@type\":\"ContractOfferMessage\"}", "@type"},
	    {"/negotiations/request", "{" CONTEXT ",\"@type\":\"ContractRequestMessage\"," OFFER "}",
	     "consumerPid"},
	    {"/negotiations/request",
	     "{" CONTEXT ",\"@type\":\"ContractRequestMessage\",\"consumerPid\":5," OFFER "}",
	     "consumerPid"},
	    {"/negotiations/request",
	     "{" CONTEXT ",\"@type\":\"ContractRequestMessage\",\"consumerPid\":\"urn:x\"," OFFER "}",
	     "callbackAddress"},
	    {"/negotiations/request",
	     "{" CONTEXT
	     ",\"@type\":\"ContractRequestMessage\",\"consumerPid\":\"urn:x\",\"callbackAddress\":"
	     "\"gopher://x\"," OFFER "}",
	     "callbackAddress"},
	    {"/negotiations/request",
	     "{" CONTEXT
	     ",\"@type\":\"ContractRequestMessage\",\"consumerPid\":\"urn x\",\"callbackAddress\":"
	     "\"http://x/\"," OFFER "}",
	     "consumerPid"},
	    {"/negotiations/request",
	     "{" CONTEXT
	     ",\"@type\":\"ContractRequestMessage\",\"consumerPid\":\"urn:x\",\"callbackAddress\":"
	     "\"http://x/\",\"offer\":{\"@type\":\"Offer\",\"@id\":\"offer:telemetry:1\",\"permission\":"
	     "[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"count\",\"operator\":\"atMost\","
	     "\"rightOperand\":\"3\"}]}]}}",
	     "operator"},
	    {"/negotiations/request",
	     "{" CONTEXT
	     ",\"@type\":\"ContractRequestMessage\",\"consumerPid\":\"urn:x\",\"callbackAddress\":"
	     "\"http://x/\",\"offer\":{\"@type\":\"Offer\",\"@id\":\"offer:telemetry:1\"}}",
	     "offer"},
	    {"/negotiations/offers",
	     "{" CONTEXT
	     ",\"@type\":\"ContractOfferMessage\",\"providerPid\":\"urn:x\",\"callbackAddress\":"
	     "\"http://x/\"," OFFER "}",
	     "target"},
	    {"/transfers/request", "{" CONTEXT ",\"@type\":\"TransferRequestMessage\"}", ""},
	    {"/transfers/request",
	     "{" CONTEXT
	     ",\"@type\":\"TransferRequestMessage\",\"consumerPid\":\"urn:x\",\"agreementId\":\"urn:y\","
	     "\"callbackAddress\":\"http://x\"}",
	     "format"},
	    {"/catalog/request", "{" CONTEXT ",\"@type\":\"CatalogRequestMessage\",\"filter\":[\"x\"]}",
	     "filter"},
	    {"/catalog/request", "{" CONTEXT ",\"@type\":\"CatalogRequestMessage\",\"filter\":5}",
	     "filter"},
	};
	struct node_mark before = node_mark(&here);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct answer a =
		    as_partner(&there, "buyer", "maker", "POST", cases[i].path, cases[i].body);

		if (a.status != 400 || !text_has(a.body, cases[i].said))
			print_message("case %zu: %d %.*s\n", i, a.status, STR_ARG(a.body));
		assert_int_equal(a.status, 400);
		assert_true(text_has(a.body, cases[i].said));
		assert_true(text_has(a.body, "Error\""));
	}
	assert_unchanged(before);
}

static void test_refuses_bad_management_requests(void **state)
{
	static const struct {
		const char *method, *path, *body;
		int status;
	} cases[] = {
	    {"PUT", "/participants/maker/datasets/bad%20id", DATASET, 400},
	    {"PUT", "/participants/maker/datasets/x", "{}", 400},
	    {"PUT", "/participants/maker/datasets/x", "{\"policy\":{}}", 400},
	    {"PUT", "/participants/maker/datasets/x", "{\"policy\":{\"permission\":[{}]}}", 400},
	    {"PUT", "/participants/maker/datasets/x", "{\"policy\":\"open\"}", 400},
	    {"GET", "/participants/maker/datasets/none", NULL, 404},
	    {"DELETE", "/participants/maker/datasets/none", NULL, 404},
	    {"GET", "/participants/maker/negotiations/none", NULL, 404},
	    {"GET", "/participants/maker/negotiations/none?wait=X&timeout=9999", NULL, 400},
	    {"POST", "/participants/maker/negotiations/none/terminate", "{\"reason\":\"\"}", 400},
	    {"POST", "/participants/maker/negotiations/none/terminate", NULL, 404},
	    {"POST", "/participants/maker/transfers", "{}", 400},
	    {"POST", "/participants/maker/transfers", "{\"agreement\":\"none\"}", 404},
	    {"POST", "/participants/maker/transfers", "{\"agreement\":\"none\",\"rate\":-1}", 400},
	    {"POST", "/participants/maker/agreements/none/revoke", NULL, 404},
	};
	struct node_mark before = node_mark(&here);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct answer a =
		    node_manage(&here, maker_owner, cases[i].method, cases[i].path, cases[i].body);

		if (a.status != cases[i].status)
			print_message("case %zu: %d %.*s\n", i, a.status, STR_ARG(a.body));
		assert_int_equal(a.status, cases[i].status);
	}
	assert_unchanged(before);
}

static void test_adds_participants(void **state)
{
	const char *operator= node_token(&here, "operator", ROLE_OPERATOR, "*");
	struct answer a =
	    node_manage(&here, operator, "POST", "/participants", "{\"id\":\"third\",\"title\":\"Third\"}");
	struct node_mark before;

	(void)state;
	assert_int_equal(a.status, 201);
	assert_non_null(strstr(answer_text(&a, "did"), ":p:third"));
	a = node_call(&here, "GET", "/p/third/did.json", NULL, NULL);
	assert_int_equal(a.status, 200);
	assert_int_equal(node_call(&here, "GET", "/p/third/.well-known/dspace-version", NULL, NULL).status,
			 200);
	before = node_mark(&here);
	assert_int_equal(node_manage(&here, operator, "POST", "/participants", "{\"id\":\"third\"}").status,
			 409);
	assert_int_equal(node_manage(&here, operator, "POST", "/participants", "{\"id\":\"No\"}").status,
			 400);
	assert_int_equal(node_manage(&here, operator, "POST", "/participants", "{\"id\":\"\"}").status,
			 400);
	assert_int_equal(node_manage(&here, operator, "POST", "/participants", "{}").status, 400);
	assert_unchanged(before);
}

static void test_withdraws_and_renews_offers(void **state)
{
	struct answer a =
	    node_manage(&here, maker_owner, "GET", "/participants/maker/datasets/telemetry", NULL);

	(void)state;
	assert_string_equal(answer_text(&a, "offer"), "offer:telemetry:1");
	a = node_manage(&here, maker_owner, "PUT", "/participants/maker/datasets/telemetry", DATASET);
	assert_string_equal(answer_text(&a, "offer"), "offer:telemetry:1"); /* nothing new */
	a = node_manage(&here, maker_owner, "PUT", "/participants/maker/datasets/telemetry",
			"{\"policy\":{\"permission\":[{\"action\":\"use\"}]}}");
	assert_string_equal(answer_text(&a, "offer"), "offer:telemetry:2");
	assert_string_equal(answer_text(&a, "title"), "Telemetry");
	assert_int_equal(
	    node_manage(&here, maker_owner, "DELETE", "/participants/maker/datasets/telemetry", NULL)
		.status,
	    204);
	assert_int_equal(
	    as_partner(&there, "buyer", "maker", "GET", "/catalog/datasets/telemetry", NULL).status, 404);
	a = node_manage(&here, maker_owner, "PUT", "/participants/maker/datasets/telemetry", DATASET);
	assert_int_equal(a.status, 201);
	assert_string_equal(answer_text(&a, "offer"), "offer:telemetry:3");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_takes_a_good_token_once),
	    T(test_refuses_bad_tokens_and_says_which),
	    T(test_asks_to_come_again_while_a_did_cannot_be_had),
	    T(test_remembers_used_tokens_after_a_restart),
	    T(test_shows_processes_to_their_partner_only),
	    T(test_refuses_the_wrong_role_on_every_route),
	    T(test_keeps_participants_apart_on_every_route),
	    T(test_refuses_malformed_messages_by_name),
	    T(test_refuses_bad_management_requests),
	    T(test_adds_participants),
	    T(test_withdraws_and_renews_offers),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
