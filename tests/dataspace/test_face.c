/* The interface as strangers meet it: roles, scopes, other people's things. */
#include "tests/dataspace/neighbours.h"

#include "dataspace/negotiation.h"
#include "dataspace/transfer.h"

#include <stdio.h>

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
	    T(test_shows_processes_to_their_partner_only),
	    T(test_refuses_the_wrong_role_on_every_route),
	    T(test_keeps_participants_apart_on_every_route),
	    T(test_adds_participants),
	    T(test_withdraws_and_renews_offers),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
