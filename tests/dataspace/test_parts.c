/* DIDs, used tokens, offers: the small parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataspace/document.h"
#include "dataspace/fetch.h"
#include "dataspace/offer.h"
#include "dataspace/partner.h"
#include "dataspace/replay.h"

static struct arena *a;

static int setup(void **state)
{
	(void)state;
	assert_int_equal(sign_setup(), ERR_OK);
	a = arena_new(16 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static void test_understands_how_people_name_a_provider(void **state)
{
	static const char *const names[] = {
	    "did:web:node.example%3A8443:p:maker",
	    "https://node.example:8443/p/maker",
	    "https://node.example:8443/p/maker/",
	    "https://node.example:8443/p/maker/did.json",
	    "https://node.example:8443/p/maker/dsp/2025-1",
	    "https://node.example:8443/p/maker/dsp/2025-1/",
	    "https://node.example:8443/p/maker/.well-known/dspace-version",
	};
	struct str did;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_int_equal(partner_did(a, str_of(names[i]), NULL, &did), ERR_OK);
		assert_true(str_is(did, names[0]));
	}
}

static void test_refuses_what_is_no_did(void **state)
{
	static char long_url[DS_DID_MAX + 2] = "https://a/";
	const char *const bad[] = {
	    long_url,
	    "",
	    "did:",
	    "did:key:z6Mk",
	    "did:web:",
	    "did:web::p",
	    "did:web:a/b",
	    "did:web:a b",
	    "did:web:a?b",
	    "did:web:a#b",
	    "did:web:user@host",
	    "ftp://x/",
	    "https://",
	    "https://a//b",
	    "https://a/b?c",
	    "maker",
	};
	struct str did;

	(void)state;
	memset(long_url + 10, 'a', DS_DID_MAX - 9);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct flaw f = {0};

		assert_int_equal(partner_did(a, str_of(bad[i]), &f, &did), ERR_BAD_INPUT);
		assert_int_not_equal(f.err, ERR_OK);
	}
}

static enum err parse(const char *text, struct ds_did *doc)
{
	return document_parse(a, str_of(text), STR("did:web:x"), NULL, doc);
}

#define KEY "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
#define METHOD(id)                                                                                         \
	"{\"id\":\"" id                                                                                    \
	"\",\"type\":\"Multikey\",\"controller\":\"did:web:x\",\"publicKeyMultibase\":\"" KEY "\"}"
#define SERVICE(type, url) "{\"id\":\"#s\",\"type\":\"" type "\",\"serviceEndpoint\":\"" url "\"}"

static void test_keeps_keys_and_the_base_of_the_protocol(void **state)
{
	struct ds_did doc;
	const unsigned char *key;

	(void)state;
	assert_int_equal(
	    parse(
		"{\"id\":\"did:web:x\",\"verificationMethod\":[" METHOD("#1") "," METHOD("did:web:xy#2") "," METHOD(
		    "did:web:x#3") "],"
				   "\"service\":[" SERVICE("LinkedDomains", "https://no") "," SERVICE(
				       "CatalogService",
				       "https://x/dsp/catalog/") "," SERVICE("DataService",
									     "https://late") "]}",
		&doc),
	    ERR_OK);
	assert_int_equal(doc.keys_n, 2);
	assert_int_equal(ds_did_key(&doc, STR("did:web:x#1"), &key), ERR_OK);
	assert_int_equal(ds_did_key(&doc, STR("did:web:x#3"), &key), ERR_OK);
	assert_int_equal(ds_did_key(&doc, STR("did:web:xy#2"), &key), ERR_NOT_FOUND);
	assert_string_equal(doc.dsp, "https://x/dsp");
}

static void test_refuses_documents_of_others_or_without_keys(void **state)
{
	struct ds_did doc;

	(void)state;
	assert_int_equal(parse("{\"id\":\"did:web:y\",\"verificationMethod\":[{\"id\":\"did:web:y#1\","
			       "\"publicKeyMultibase\":\"" KEY "\"}]}",
			       &doc),
			 ERR_BAD_MESSAGE);
	assert_int_equal(parse("{\"id\":\"did:web:x\"}", &doc), ERR_BAD_MESSAGE);
	assert_int_equal(parse("{\"id\":\"did:web:x\",\"verificationMethod\":5}", &doc), ERR_BAD_MESSAGE);
	assert_int_equal(parse("[]", &doc), ERR_BAD_MESSAGE);
	assert_int_equal(parse("{", &doc), ERR_BAD_JSON);
}

static void test_a_token_is_used_once_until_it_ends(void **state)
{
	unsigned char id[REPLAY_ID];
	struct replays *r;

	(void)state;
	assert_int_equal(replays_open(&r), ERR_OK);
	for (unsigned i = 0; i < 5000; i++) { /* grows several times */
		replay_digest(STR("did:web:x"), arena_printf(a, "jti-%u", i), id);
		assert_int_equal(replays_use(r, id, 1000 + i, 500), ERR_OK);
		assert_int_equal(replays_use(r, id, 9000, 500), ERR_UNAUTHORISED);
	}
	for (unsigned i = 0; i < 5000; i++) {
		replay_digest(STR("did:web:x"), arena_printf(a, "jti-%u", i), id);
		assert_int_equal(replays_use(r, id, 1000 + i, 999), ERR_UNAUTHORISED);
		replay_digest(STR("did:web:y"), arena_printf(a, "jti-%u", i), id);
		assert_int_equal(replays_use(r, id, 2000, 999), ERR_OK);
	}
	replay_digest(STR("did:web:x"), STR("jti-7"), id);
	assert_int_equal(replays_use(r, id, 99999, 1007), ERR_OK); /* its end has come: forgotten */
	replays_close(r);
}

/* So many ids used at a time: the memory that is taken then. */
static size_t replay_wave(struct replays *r, unsigned n, int64_t now)
{
	unsigned char id[REPLAY_ID];

	for (unsigned i = 0; i < n; i++) {
		uint64_t name[2] = {(uint64_t)now * 0x9e3779b97f4a7c15 + (i + 1) * 0xbf58476d1ce4e5b9, i};

		memcpy(id, name, sizeof id);
		assert_int_equal(replays_use(r, id, now + 300, now), ERR_OK);
	}
	return replays_octets(r);
}

static void test_used_tokens_take_the_room_of_those_alive(void **state)
{
	enum { WAVE = 20000, MINUTES = 40, EACH = 24 };
	struct replays *r;
	size_t least, most = 0;
	int64_t now = 1000;

	(void)state;
	assert_int_equal(replays_open(&r), ERR_OK);
	least = replays_octets(r);
	/* five waves are alive: however many there were before, the room is that of some more */
	for (unsigned i = 0; i < MINUTES; i++, now += 60) {
		size_t kept = replay_wave(r, WAVE, now);

		most = kept > most ? kept : most;
	}
	assert_true(most <= 4 * (5 * WAVE + WAVE) * EACH);
	/* and when it has been quiet, that of who asks now */
	(void)replay_wave(r, 1, now + 300);
	assert_int_equal(replays_octets(r), least);
	replays_close(r);
}

static void test_no_more_used_tokens_than_the_maximum(void **state)
{
	unsigned char id[REPLAY_ID];
	struct replays *r;
	size_t full;

	(void)state;
	assert_int_equal(replays_open(&r), ERR_OK);
	full = replay_wave(r, REPLAY_MAX, 1000);
	assert_true(full <= 48 << 20);
	replay_digest(STR("did:web:x"), STR("one more"), id);
	for (int64_t now = 1000; now < 1300; now += 100)
		assert_int_equal(replays_use(r, id, now + 300, now), ERR_BUSY);
	assert_int_equal(replays_octets(r), full);
	assert_int_equal(replays_use(r, id, 1600, 1300), ERR_OK);
	replays_close(r);
}

static json_t *json(const char *text)
{
	json_t *j;

	assert_int_equal(json_read(a, str_of(text), NULL, &j), ERR_OK);
	return j;
}

static void test_tells_offers_apart_member_by_member(void **state)
{
	json_t *offered =
	    offer_rules(a, json("{\"@id\":\"o\",\"target\":\"t\",\"obligation\":[],\"permission\":"
				"[{\"action\":\"use\",\"constraint\":[{\"a\":\"1\"},{\"b\":\"2\"}]}]}"));
	json_t *same =
	    offer_rules(a, json("{\"permission\":[{\"constraint\":[{\"a\":\"1\"},{\"b\":\"2\"}],\"action\":"
				"\"use\"}],\"prohibition\":[]}"));
	json_t *other =
	    offer_rules(a, json("{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"a\":\"1\"}]}],"
				"\"prohibition\":[{\"action\":\"sell\"}]}"));
	json_t *diff = offer_diff(a, offered, other);

	(void)state;
	assert_true(offer_same(offered, same));
	/* a name that no pinned context defines says nothing; a prefixed one does */
	assert_true(
	    offer_same(offer_rules(a, json("{\"permission\":[{\"action\":\"use\"}]}")),
		       offer_rules(a, json("{\"permission\":[{\"action\":\"use\",\"constraints\":[]}]}"))));
	assert_false(
	    offer_same(offer_rules(a, json("{\"permission\":[{\"action\":\"use\"}]}")),
		       offer_rules(a, json("{\"permission\":[{\"action\":\"use\",\"x:duty\":[]}]}"))));
	assert_false(
	    offer_same(offer_rules(a, json("{\"permission\":[{\"action\":\"use\"}]}")),
		       offer_rules(a, json("{\"permission\":[{\"action\":\"use\",\"duty\":[]}]}"))));
	assert_int_equal(json_array_size(offer_diff(a, offered, same)), 0);
	assert_false(offer_same(offered, other));
	assert_int_equal(json_array_size(diff), 2);
	assert_string_equal(json_string_value(json_array_get(diff, 0)),
			    "permission[0].constraint[1]: offered {\"b\":\"2\"}, asked nothing");
	assert_string_equal(json_string_value(json_array_get(diff, 1)),
			    "prohibition: offered nothing, asked [{\"action\":\"sell\"}]");
}

static json_t *of_operand(const char *left)
{
	return json(arena_printf(a,
				 "{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":%s,"
				 "\"operator\":\"eq\",\"rightOperand\":\"edc:x\"}]}]}",
				 left)
			.p);
}

static void test_operands_that_edc_has_read(void **state)
{
	static const char *const names[] = {"\"C.x\"",
					    "\"edc:C.x\"",
					    "{\"@id\":\"edc:C.x\"}",
					    "\"https://w3id.org/edc/v0.0.1/ns/C.x\"",
					    "\"odrl:C.x\"",
					    "\"http://www.w3.org/ns/odrl/2/C.x\""};
	json_t *offer = of_operand("\"edc:C.x\"");

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		assert_true(offer_same(of_operand("\"C.x\""), of_operand(names[i])));
		assert_false(offer_same(of_operand("\"C.y\""), of_operand(names[i])));
		assert_false(offer_same(of_operand("\"cx:C.x\""), of_operand(names[i])));
	}
	assert_int_equal(json_array_size(offer_diff(a, of_operand(names[0]), of_operand(names[1]))), 0);
	offer_spell_out(offer);
	assert_true(json_equal(offer, of_operand(names[3])));
}

static void test_numbers_travel_as_texts(void **state)
{
	json_t *rules =
	    json("{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"count\","
		 "\"rightOperand\":3},{\"and\":[{\"rightOperand\":true},{\"rightOperand\":[\"x\"]}]}]}]}");

	(void)state;
	assert_true(offer_same(
	    offer_rules_plain(a, rules),
	    json("{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"count\","
		 "\"rightOperand\":\"3\"},{\"and\":[{\"rightOperand\":\"true\"},{\"rightOperand\":"
		 "[\"x\"]}]}]}]}")));
}

static void test_pids_cannot_leave_their_segment(void **state)
{
	(void)state;
	assert_true(str_is(fetch_segment(a, STR("urn:uuid:1-2")), "urn:uuid:1-2"));
	assert_true(str_is(fetch_segment(a, STR("../x?y#z%/")), "..%2Fx%3Fy%23z%25%2F"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_understands_how_people_name_a_provider),
	    T(test_refuses_what_is_no_did),
	    T(test_keeps_keys_and_the_base_of_the_protocol),
	    T(test_refuses_documents_of_others_or_without_keys),
	    T(test_a_token_is_used_once_until_it_ends),
	    T(test_used_tokens_take_the_room_of_those_alive),
	    T(test_no_more_used_tokens_than_the_maximum),
	    T(test_tells_offers_apart_member_by_member),
	    T(test_operands_that_edc_has_read),
	    T(test_numbers_travel_as_texts),
	    T(test_pids_cannot_leave_their_segment),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
