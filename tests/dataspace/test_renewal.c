/* Renewal of tokens: who gets new ones, who does not, and what of the former is of use. The consumer's
 * node holds the transfer back by a rate of an octet a second, and this test asks in its name. */
#include "tests/dataspace/pair.h"

#include <unistd.h>

#include "dataspace/dataplane.h"
#include "dataspace/renewal.h"

struct grant {
	const char *path, *access, *refresh, *pid; /* path: of the data, below the maker's URL */
};

static const char *property(json_t *address, const char *name)
{
	struct str s = dsp_data_address_text(address, name);

	return text("%.*s", STR_ARG(s));
}

/* What the provider has told the consumer. */
static struct grant grant_of(const char *pid)
{
	struct grant out;
	struct store_txn *t;
	Ds__Transfer *x;
	json_t *j;

	assert_int_equal(store_read(pair.buyer.store, &t), ERR_OK);
	assert_int_equal(ds_transfer_find(t, pair.buyer.arena, STR("buyer"), str_of(pid), &x), ERR_OK);
	assert_int_equal(json_read(pair.buyer.arena, str_of(x->address), NULL, &j), ERR_OK);
	out = (struct grant){.path = property(j, "endpoint") + strlen(pair.maker.url),
			     .access = property(j, "authorization"),
			     .refresh = property(j, "refreshToken"),
			     .pid = text("%s", x->peer_pid)};
	assert_string_equal(property(j, "refreshEndpoint"), text("%s/token", property(j, "endpoint")));
	assert_string_equal(property(j, "expiresIn"), "3600");
	store_read_end(t);
	return out;
}

static const char *client_token(struct node *from, const char *who, const char *audience,
				const char *access)
{
	struct str token;

	assert_int_equal(ds_token_make_with(from->d, node_self(from, who), str_of(audience), str_of(access),
					    from->arena, &token),
			 ERR_OK);
	return token.p;
}

static struct answer ask(const struct grant *g, const char *authorization)
{
	return node_call(&pair.maker, "POST", text("%s/token", g->path), authorization,
			 text("grant_type=refresh_token&refresh_token=%s", g->refresh));
}

/* As the buyer. */
static struct answer renew(const struct grant *g)
{
	return ask(g, client_token(&pair.buyer, "buyer", node_did(&pair.maker, "maker"), g->access));
}

static const char *member(const struct answer *a, const char *name)
{
	json_t *v = json_object_get(a->json, name);

	assert_true(json_is_string(v));
	return text("%s", json_string_value(v));
}

static void assert_refused(const struct answer *a, const char *error)
{
	assert_int_equal(a->status, 400);
	assert_string_equal(member(a, "error"), error);
	assert_null(json_object_get(a->json, "access_token"));
}

static int data_status(const struct grant *g)
{
	return node_call(&pair.maker, "HEAD", g->path, text("Bearer %s", g->access), NULL).status;
}

static const char *running[4];
static size_t running_n;

/* Connections to one host are few. */
static int end_all(void **state)
{
	(void)state;
	while (running_n)
		(void)buyer_call("POST", text("/transfers/%s/terminate", running[--running_n]), "{}");
	return 0;
}

/* A transfer that runs, slowly. */
static struct grant started(const char *dataset, const char **ret_pid, const char **ret_agreement)
{
	const char *agreement, *pid;

	publish(dataset, "", octets(100000, 7));
	agreement = agree(dataset);
	pid = pull(agreement, ",\"rate\":1000");
	assert_true(running_n < 4);
	running[running_n++] = pid;
	(void)await_octets(pid, 1);
	if (ret_pid) *ret_pid = pid;
	if (ret_agreement) *ret_agreement = agreement;
	return grant_of(pid);
}

static void test_new_tokens_take_the_place_of_the_former(void **state)
{
	struct grant g = started("renewed", NULL, NULL), after = g;
	struct answer a;

	(void)state;
	assert_int_equal(data_status(&g), 200);
	a = renew(&g);
	assert_int_equal(a.status, 200);
	after.access = member(&a, "access_token");
	after.refresh = member(&a, "refresh_token");
	assert_string_equal(member(&a, "token_type"), "bearer");
	assert_int_equal(json_integer_value(json_object_get(a.json, "expires_in")), 3600);
	assert_string_not_equal(after.access, g.access);
	assert_string_not_equal(after.refresh, g.refresh);
	assert_int_equal(data_status(&g), 401);
	assert_int_equal(data_status(&after), 200);
	/* the answer may have been lost: the same once more, and nothing new */
	a = renew(&g);
	assert_int_equal(a.status, 200);
	assert_string_equal(member(&a, "access_token"), after.access);
	assert_string_equal(member(&a, "refresh_token"), after.refresh);
	/* used twice over it is of no use */
	a = renew(&after);
	assert_int_equal(a.status, 200);
	a = renew(&g);
	assert_refused(&a, "invalid_grant");
}

static void test_only_who_was_given_it_renews_it(void **state)
{
	struct grant g = started("bound", NULL, NULL), other = started("another", NULL, NULL), x;
	const char *maker = node_did(&pair.maker, "maker"), *token;
	struct answer a;

	(void)state;
	/* no proof, another's proof, for somebody else */
	assert_int_equal(ask(&g, NULL).status, 401);
	assert_int_equal(ask(&g, text("Bearer %s", g.access)).status, 401);
	a = ask(&g, client_token(&pair.maker, "maker", maker, g.access));
	assert_refused(&a, "invalid_grant");
	assert_int_equal(
	    ask(&g, client_token(&pair.buyer, "buyer", "did:web:other.example", g.access)).status, 401);
	/* the same request again */
	token = client_token(&pair.buyer, "buyer", maker, g.access);
	x = g;
	x.refresh = "no-such-token";
	a = ask(&x, token);
	assert_refused(&a, "invalid_grant");
	assert_int_equal(ask(&g, token).status, 401);
	/* of another transfer; an access token in its place; with another's access token */
	x = g;
	x.refresh = other.refresh;
	a = renew(&x);
	assert_refused(&a, "invalid_grant");
	x.refresh = g.access;
	a = renew(&x);
	assert_refused(&a, "invalid_grant");
	x = g;
	x.access = other.access;
	a = renew(&x);
	assert_refused(&a, "invalid_grant");
	/* and nothing of it has changed anything */
	assert_int_equal(data_status(&g), 200);
	assert_int_equal(renew(&g).status, 200);
}

static void test_what_is_no_such_request(void **state)
{
	struct grant g = started("forms", NULL, NULL);
	const char *maker = node_did(&pair.maker, "maker"), *path = text("%s/token", g.path);
	struct answer a =
	    node_call(&pair.maker, "POST", path, client_token(&pair.buyer, "buyer", maker, g.access),
		      "grant_type=authorization_code&code=1");

	(void)state;
	assert_refused(&a, "unsupported_grant_type");
	a = node_call(&pair.maker, "POST", path, client_token(&pair.buyer, "buyer", maker, g.access),
		      "grant_type=refresh_token");
	assert_refused(&a, "invalid_request");
	a = node_call(&pair.maker, "POST", path, client_token(&pair.buyer, "buyer", maker, g.access),
		      text("grant_type=refresh_token&refresh_token=%0*d", 40000, 1));
	assert_int_equal(a.status, 413);
	/* as query, as the profile's example has it */
	a = node_call(&pair.maker, "POST",
		      text("%s?grant_type=refresh_token&refresh_token=%s", path, g.refresh),
		      client_token(&pair.buyer, "buyer", maker, g.access), "");
	assert_int_equal(a.status, 200);
	a = renew(&(struct grant){text("%sx", g.path), g.access, g.refresh, NULL});
	assert_refused(&a, "invalid_grant");
}

/* The partner's acknowledgement of the pause may be on its way. */
static void resume(const char *pid)
{
	for (int i = 0; i < 1500; i++) {
		if (maker_call("POST", text("/transfers/%s/resume", pid), "{}").status == 200) return;
		usleep(20000);
	}
	fail_msg("never resumed");
}

static void test_a_pause_and_an_end_refuse_it(void **state)
{
	const char *pid, *agreement;
	struct grant g = started("paused", &pid, &agreement), after;
	struct answer a;

	(void)state;
	assert_int_equal(maker_call("POST", text("/transfers/%s/suspend", g.pid), "{}").status, 200);
	a = renew(&g);
	assert_refused(&a, "invalid_grant");
	await(pid, "SUSPENDED");
	resume(g.pid);
	await(pid, "STARTED");
	after = grant_of(pid);
	/* what was given before the pause is of no use after it */
	a = renew(&g);
	assert_refused(&a, "invalid_grant");
	assert_int_equal(renew(&after).status, 200);
	assert_int_equal(
	    maker_call("POST", text("/agreements/%s/revoke", agreement), "{\"reason\":\"over\"}").status,
	    200);
	after = grant_of(pid);
	a = renew(&after);
	assert_refused(&a, "invalid_grant");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_new_tokens_take_the_place_of_the_former, end_all),
	    cmocka_unit_test_teardown(test_only_who_was_given_it_renews_it, end_all),
	    cmocka_unit_test_teardown(test_what_is_no_such_request, end_all),
	    cmocka_unit_test_teardown(test_a_pause_and_an_end_refuse_it, end_all),
	};

	return cmocka_run_group_tests(tests, pair_setup, pair_teardown);
}
