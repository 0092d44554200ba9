/* DIDs, used tokens, offers: the small parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataspace/did.h"
#include "dataspace/fetch.h"
#include "dataspace/offer.h"
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

static void test_did_and_url_are_one(void **state)
{
	static const char *const pairs[][2] = {
	    {"https://node.example", "did:web:node.example"},
	    {"https://node.example:8443", "did:web:node.example%3A8443"},
	    {"https://127.0.0.1:8443/p/maker", "did:web:127.0.0.1%3A8443:p:maker"},
	    {"https://node.example/p/a-b_c~d", "did:web:node.example:p:a-b_c~d"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct str did, url;

		assert_int_equal(did_from_url(a, str_of(pairs[i][0]), NULL, &did), ERR_OK);
		assert_true(str_is(did, pairs[i][1]));
		assert_int_equal(did_to_url(a, did, "https", NULL, &url), ERR_OK);
		assert_true(str_is(url, pairs[i][0]));
	}
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
		assert_int_equal(did_from_text(a, str_of(names[i]), NULL, &did), ERR_OK);
		assert_true(str_is(did, names[0]));
	}
}

static void test_refuses_what_is_no_did(void **state)
{
	static const char *const bad[] = {
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
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct flaw f = {0};

		assert_int_equal(did_from_text(a, str_of(bad[i]), &f, &did), ERR_BAD_INPUT);
		assert_int_not_equal(f.err, ERR_OK);
	}
}

static enum err parse(const char *text, struct ds_did *doc)
{
	return did_document_parse(a, str_of(text), STR("did:web:x"), NULL, doc);
}

#define KEY "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"

static void test_reads_keys_of_the_subject_only(void **state)
{
	struct ds_did doc;
	const unsigned char *key;

	(void)state;
	assert_int_equal(
	    parse(
		"{\"id\":\"did:web:x\",\"verificationMethod\":["
		"{\"id\":\"did:web:x#1\",\"publicKeyMultibase\":\"" KEY "\"},"
		"{\"id\":\"#2\",\"publicKeyMultibase\":\"" KEY "\"},"
		"{\"id\":\"did:web:xy#3\",\"publicKeyMultibase\":\"" KEY "\"},"
		"{\"id\":\"did:web:x#4\",\"publicKeyJwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}},"
		"{\"id\":\"did:web:x#5\",\"publicKeyJwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
		"\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}}],"
		"\"service\":[{\"type\":\"LinkedDomains\",\"serviceEndpoint\":\"https://no\"},"
		"{\"type\":\"CatalogService\",\"serviceEndpoint\":\"https://x/dsp/catalog\"}]}",
		&doc),
	    ERR_OK);
	assert_int_equal(doc.keys_n, 3);
	assert_int_equal(ds_did_key(&doc, STR("did:web:x#1"), &key), ERR_OK);
	assert_int_equal(ds_did_key(&doc, STR("did:web:x#2"), &key), ERR_OK);
	assert_int_equal(ds_did_key(&doc, STR("did:web:x#5"), &key), ERR_OK);
	assert_int_equal(ds_did_key(&doc, STR("did:web:xy#3"), &key), ERR_NOT_FOUND);
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
	assert_int_equal(json_array_size(offer_diff(a, offered, same)), 0);
	assert_false(offer_same(offered, other));
	assert_int_equal(json_array_size(diff), 2);
	assert_string_equal(json_string_value(json_array_get(diff, 0)),
			    "permission[0].constraint[1]: offered {\"b\":\"2\"}, asked nothing");
	assert_string_equal(json_string_value(json_array_get(diff, 1)),
			    "prohibition: offered nothing, asked [{\"action\":\"sell\"}]");
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
	    T(test_did_and_url_are_one),
	    T(test_understands_how_people_name_a_provider),
	    T(test_refuses_what_is_no_did),
	    T(test_reads_keys_of_the_subject_only),
	    T(test_refuses_documents_of_others_or_without_keys),
	    T(test_a_token_is_used_once_until_it_ends),
	    T(test_tells_offers_apart_member_by_member),
	    T(test_numbers_travel_as_texts),
	    T(test_pids_cannot_leave_their_segment),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
