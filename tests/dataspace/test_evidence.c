/* What is left afterwards: the audit, proof bundles, and every way to forge one. */
#include "tests/dataspace/pair.h"

#include <stdio.h>

#include "base/proof.h"
#include "dataspace/bundle.h"

static struct str bundle; /* of an agreement with two transfers, as the buyer's node proves it */
static const char *agreement;

static int setup(void **state)
{
	struct answer a;

	if (pair_setup(state)) return -1;
	publish("proven", "{\"leftOperand\":\"count\",\"operator\":\"lteq\",\"rightOperand\":2}",
		octets(5000, 7));
	agreement = agree("proven");
	for (int i = 0; i < 2; i++) {
		a = await(pull(agreement, ""), "COMPLETED,TERMINATED");
		assert_string_equal(answer_text(&a, "state"), "COMPLETED");
		assert_meters(agreement, i + 1u, i + 1u, 5000 * (i + 1u));
	}
	a = await(pull(agreement, ""), "COMPLETED,TERMINATED"); /* one too many */
	a = buyer_call("GET", text("/agreements/%s/proof", agreement), NULL);
	assert_int_equal(a.status, 200);
	bundle = a.body;
	return 0;
}

static enum err verify(struct str b, const struct bundle_pin *pins, size_t n, struct bundle_report *r)
{
	struct arena *a = arena_new(64 << 20);
	enum err e = ds_bundle_verify(a, b, pins, n, r);

	if (!e) assert_true(r->ok);
	if (e == ERR_BAD_SIGNATURE) assert_false(r->ok);
	arena_free(a);
	return e;
}

static void show(struct str b)
{
	struct arena *a = arena_new(64 << 20);
	struct bundle_report r;

	(void)!ds_bundle_verify(a, b, NULL, 0, &r);
	for (size_t i = 0; i < r.checks_n; i++)
		print_message("  %s %.*s: %.*s\n", r.check[i].ok ? "ok " : "BAD", STR_ARG(r.check[i].name),
			      STR_ARG(r.check[i].detail));
	arena_free(a);
}

static void test_both_sides_prove_it(void **state)
{
	struct answer a = maker_call("GET", text("/agreements/%s/proof", agreement), NULL);
	struct bundle_report r;

	(void)state;
	show(bundle);
	assert_int_equal(verify(bundle, NULL, 0, &r), ERR_OK);
	assert_true(r.checks_n >= 10);
	assert_int_equal(r.transfers, 2);
	assert_int_equal(r.requests, 2);
	assert_int_equal(r.octets, 10000);
	assert_int_equal(r.receipts, 2);
	assert_true(r.entries >= 8);
	assert_int_equal(a.status, 200);
	assert_int_equal(verify(a.body, NULL, 0, &r), ERR_OK);
	assert_int_equal(r.octets, 10000);
}

static void test_pinned_keys(void **state)
{
	struct bundle_pin pins[3] = {{.did = str_of(node_did(&pair.maker, "maker"))},
				     {.did = str_of(node_did(&pair.buyer, "buyer"))},
				     {.did = STR("did:web:node.test")}};
	struct bundle_report r;

	(void)state;
	memcpy(pins[0].key, sign_public(node_self(&pair.maker, "maker")->key), SIGN_PUBLIC);
	memcpy(pins[1].key, sign_public(node_self(&pair.buyer, "buyer")->key), SIGN_PUBLIC);
	memcpy(pins[2].key, sign_public(pair.buyer.key), SIGN_PUBLIC);
	assert_int_equal(verify(bundle, pins, 3, &r), ERR_OK);
	for (size_t i = 0; i < 3; i++) {
		pins[i].key[5] ^= 1;
		assert_int_equal(verify(bundle, pins, 3, &r), ERR_BAD_SIGNATURE);
		pins[i].key[5] ^= 1;
	}
}

/* Flips bits of a bundle one after the other: all eight of every step-th octet, one of the others. */
static void flip(struct str whole, size_t step)
{
	char *p = arena_bytes(pair.buyer.arena, whole.n);
	struct bundle_report r;
	size_t tried = 0;

	assert_non_null(p);
	memcpy(p, whole.p, whole.n);
	for (size_t i = 0; i < whole.n; i++) {
		unsigned first = i % step ? (unsigned)(i % 8) : 0, last = i % step ? first : 7;

		for (unsigned bit = first; bit <= last; bit++, tried++) {
			p[i] = (char)(p[i] ^ 1 << bit);
			if (verify(str_n(p, whole.n), NULL, 0, &r) != ERR_BAD_SIGNATURE)
				fail_msg("octet %zu, bit %u passes", i, bit);
			p[i] = (char)(p[i] ^ 1 << bit);
		}
	}
	print_message("%zu octets, %zu flips\n", whole.n, tried);
	assert_int_equal(verify(str_n(p, whole.n), NULL, 0, &r), ERR_OK);
	for (size_t cut = 1; cut < 40; cut++)
		assert_int_equal(verify(str_n(p, whole.n - cut), NULL, 0, &r), ERR_BAD_SIGNATURE);
}

/* No octet of a bundle can be another one. */
static void test_every_flipped_bit_is_refused(void **state)
{
	const char *once;
	struct answer small, a;

	(void)state;
	publish("flipped", "", octets(500, 8));
	once = agree("flipped");
	small = buyer_call("GET", text("/agreements/%s/proof", once), NULL);
	assert_int_equal(small.status, 200);
	flip(small.body, 4);
	a = await(pull(once, ""), "COMPLETED,TERMINATED");
	assert_meters(once, 1, 1, 500);
	a = buyer_call("GET", text("/agreements/%s/proof", once), NULL);
	assert_int_equal(a.status, 200);
	flip(a.body, SIZE_MAX);
}

/* ---- forgeries by somebody who holds the node's key, and so can sign the whole anew ---- */

static json_t *opened(void)
{
	json_t *doc;

	assert_int_equal(json_read_large(pair.buyer.arena, bundle, NULL, &doc), ERR_OK);
	doc = json_deep_copy(doc);
	assert_non_null(json_keep(pair.buyer.arena, doc));
	json_object_del(doc, "proof");
	return doc;
}

static enum err resigned(json_t *doc, const struct sign_key *key, struct bundle_report *r)
{
	const char *method = json_string_value(
	    json_object_get(json_object_get(json_object_get(doc, "keys"), "node"), "method"));
	struct buf b = BUF_INIT(BUNDLE_SIZE_MAX);
	enum err e;

	assert_int_equal(proof_add(doc, key, method, "assertionMethod", clock_wall()), ERR_OK);
	assert_int_equal(json_jcs(doc, &b), ERR_OK);
	e = verify(buf_str(&b), NULL, 0, r);
	buf_done(&b);
	return e;
}

static json_t *entry_at(json_t *doc, size_t i)
{
	return json_array_get(json_object_get(doc, "entries"), i);
}

static void forge_nothing(json_t *doc)
{
	(void)doc;
}

static void forge_time(json_t *doc)
{
	json_put_str(json_object_get(entry_at(doc, 2), "entry"), "time",
		     STR("2020-01-01T00:00:00.000000Z"));
}

static void forge_salt(json_t *doc)
{
	json_put_str(entry_at(doc, 1), "salt", STR("AAAAAAAAAAAAAAAAAAAAAA=="));
}

static void forge_index(json_t *doc)
{
	json_t *last = entry_at(doc, json_array_size(json_object_get(doc, "entries")) - 1);

	json_put_u64(last, "index", (uint64_t)json_integer_value(json_object_get(last, "index")) + 1);
}

static void forge_order(json_t *doc)
{
	json_t *list = json_object_get(doc, "entries"), *first = json_incref(json_array_get(list, 0));

	json_array_remove(list, 0);
	json_array_append_new(list, first);
}

static void forge_foreign(json_t *doc)
{
	json_put_str(json_object_get(doc, "agreement"), "@id", STR("urn:uuid:another"));
}

static void forge_policy(json_t *doc)
{
	json_object_del(json_object_get(doc, "agreement"), "permission");
}

static void forge_counts(json_t *doc)
{
	json_t *s = json_object_get(json_array_get(json_object_get(doc, "receipts"), 1), "statement");

	json_put_u64(json_object_get(s, "totals"), "octets", 1);
}

static void forge_missing_receipt(json_t *doc)
{
	json_array_remove(json_object_get(doc, "receipts"), 0);
}

static void forge_one_signature(json_t *doc)
{
	json_t *s = json_object_get(json_array_get(json_object_get(doc, "receipts"), 0), "statement");

	json_array_remove(json_object_get(s, "proof"), 1);
}

static void forge_unsigned_agreement(json_t *doc)
{
	json_array_remove(json_object_get(json_object_get(doc, "agreement"), "proof"), 0);
}

static void forge_checkpoint(json_t *doc)
{
	struct str note = json_text(json_object_get(doc, "checkpoint"));
	char *p = arena_strdup(pair.buyer.arena, note);
	char *line = strchr(p, '\n') + 1;

	*line = *line == '1' ? '2' : '1'; /* another size */
	json_put_str(doc, "checkpoint", str_of(p));
}

static void forge_party(json_t *doc)
{
	json_t *keys = json_object_get(doc, "keys");

	json_put(keys, "provider", json_incref(json_object_get(keys, "node")));
}

static void test_forgeries(void **state)
{
	static const struct {
		const char *name;
		void (*forge)(json_t *doc);
	} cases[] = {{"time of an entry", forge_time},
		     {"salt", forge_salt},
		     {"index", forge_index},
		     {"order", forge_order},
		     {"another agreement", forge_foreign},
		     {"policy", forge_policy},
		     {"counts", forge_counts},
		     {"a receipt left out", forge_missing_receipt},
		     {"a receipt signed by one", forge_one_signature},
		     {"an agreement signed by one", forge_unsigned_agreement},
		     {"checkpoint", forge_checkpoint},
		     {"another party", forge_party}};
	struct sign_key *other = sign_key_new();
	struct bundle_report r;
	json_t *doc = opened();

	(void)state;
	forge_nothing(doc);
	assert_int_equal(resigned(doc, pair.buyer.key, &r), ERR_OK);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		doc = opened();
		cases[i].forge(doc);
		if (resigned(doc, pair.buyer.key, &r) != ERR_BAD_SIGNATURE)
			fail_msg("passes: %s", cases[i].name);
	}
	doc = opened();
	assert_int_equal(resigned(doc, other, &r), ERR_BAD_SIGNATURE);
	sign_key_free(other);
}

/* ---- audit ---- */

static bool has(json_t *entries, const char *kind, const char *who)
{
	json_t *e;
	size_t i;

	json_array_foreach(entries, i, e)
	{
		if (str_is(json_text(json_object_get(e, "kind")), kind) &&
		    (!who || str_is(json_text(json_object_get(e, "who")), who)))
			return true;
	}
	return false;
}

/* ---- brief: the contract and the last statement, whatever has happened between ---- */

static void test_brief(void **state)
{
	struct answer a = buyer_call("GET", text("/agreements/%s/proof?brief=yes", agreement), NULL);
	struct bundle_report r;
	json_t *doc;

	(void)state;
	assert_int_equal(a.status, 200);
	assert_int_equal(verify(a.body, NULL, 0, &r), ERR_OK);
	assert_true(r.brief);
	assert_int_equal(r.receipts, 1);
	assert_int_equal(r.octets, 10000); /* of both transfers */
	assert_true(r.entries >= 5 && a.body.n < bundle.n);
	a = maker_call("GET", text("/agreements/%s/proof?brief=yes", agreement), NULL);
	assert_int_equal(verify(a.body, NULL, 0, &r), ERR_OK);
	a = maker_call("GET", text("/agreements/%s/proof?brief=maybe", agreement), NULL);
	assert_int_equal(a.status, 400);
	/* a whole one does not become brief, nor a brief one whole */
	doc = opened();
	json_put_str(doc, "scope", STR("brief"));
	assert_int_equal(resigned(doc, pair.buyer.key, &r), ERR_BAD_SIGNATURE);
	doc = opened();
	json_array_remove(json_object_get(doc, "receipts"), 0);
	assert_int_equal(resigned(doc, pair.buyer.key, &r), ERR_BAD_SIGNATURE);
}

static void test_audit_tells_who_did_what(void **state)
{
	struct answer a = maker_call("GET", text("/audit?agreement=%s", agreement), NULL);
	json_t *entries = json_object_get(a.json, "entries"), *e;
	const char *buyer = node_did(&pair.buyer, "buyer");
	size_t i, n, pages = 0;
	struct str next;
	int64_t last = -1;

	(void)state;
	assert_int_equal(a.status, 200);
	n = json_array_size(entries);
	assert_true(has(entries, "negotiation-agreed", NULL));
	assert_true(has(entries, "negotiation-finalized", NULL));
	assert_true(has(entries, "data-granted", buyer));
	assert_true(has(entries, "data-served", buyer));
	assert_true(has(entries, "transfer-refused", buyer));
	assert_true(has(entries, "meter-countersigned", buyer));
	assert_true(json_is_null(json_object_get(a.json, "next")));
	json_array_foreach(entries, i, e)
	{
		assert_true(json_integer_value(json_object_get(e, "index")) > last);
		last = json_integer_value(json_object_get(e, "index"));
		assert_string_equal(json_string_value(json_object_get(e, "agreement")), agreement);
	}
	/* the same, page by page */
	for (next = STR("0"), i = 0; next.p; pages++) {
		a = maker_call(
		    "GET", text("/audit?agreement=%s&limit=3&cursor=%.*s", agreement, STR_ARG(next)), NULL);
		assert_int_equal(a.status, 200);
		i += json_array_size(json_object_get(a.json, "entries"));
		next = json_text(json_object_get(a.json, "next"));
	}
	assert_int_equal(i, n);
	assert_int_equal(pages, (n + 2) / 3);
	a = maker_call("GET", "/audit?since=2999-01-01", NULL);
	assert_int_equal(json_array_size(json_object_get(a.json, "entries")), 0);
	assert_int_equal(maker_call("GET", "/audit?since=yesterday", NULL).status, 400);
	assert_int_equal(maker_call("GET", "/audit?limit=1001", NULL).status, 400);
	assert_int_equal(maker_call("GET", "/audit?cursor=-1", NULL).status, 400);
}

static void test_evidence_is_for_owners_and_auditors(void **state)
{
	static const char *const paths[] = {"/participants/maker/audit", "/participants/maker/meters",
					    "/participants/maker/agreements/x/proof"};
	const char *other = node_token(&pair.maker, "other", ROLE_OWNER | ROLE_AUDITOR, "@other");
	const char *agent = node_token(&pair.maker, "agent", ROLE_AGENT | ROLE_OPERATOR, "*");

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(node_manage(&pair.maker, NULL, "GET", paths[i], NULL).status, 401);
		assert_int_equal(node_manage(&pair.maker, other, "GET", paths[i], NULL).status, 403);
		assert_int_equal(node_manage(&pair.maker, agent, "GET", paths[i], NULL).status, 403);
	}
	assert_int_equal(maker_call("GET", "/agreements/x/proof", NULL).status, 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_sides_prove_it),
	    cmocka_unit_test(test_pinned_keys),
	    cmocka_unit_test(test_every_flipped_bit_is_refused),
	    cmocka_unit_test(test_forgeries),
	    cmocka_unit_test(test_brief),
	    cmocka_unit_test(test_audit_tells_who_did_what),
	    cmocka_unit_test(test_evidence_is_for_owners_and_auditors),
	};

	return cmocka_run_group_tests(tests, setup, pair_teardown);
}
