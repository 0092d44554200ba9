#include "tests/base/cases.h"

#include "proto/did/document.h"
#include "proto/did/name.h"
#include "tests/base/shared_file.h"

static struct arena *a;

static int set_up(void **state)
{
	(void)state;
	a = arena_new(16 << 20);
	return sign_setup() || !a ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

/* ---- names ------------------------------------------------------------------------------------ */

static void check_vector(json_t *c)
{
	unsigned char key[32], want[32];
	char text[DID_KEY_TEXT];
	struct str url, did = json_text(json_object_get(c, "did"));
	struct str want_url = json_text(json_object_get(c, "document_url"));
	struct str hex = json_text(json_object_get(c, "public_key_hex"));
	if (hex.p) {
		assert_int_equal(hex_parse(hex, want, 32), ERR_OK);
		assert_int_equal(did_key_parse(did, NULL, key), ERR_OK);
		assert_memory_equal(key, want, 32);
		assert_true(str_is(did, did_key_write(key, text)));
	} else if (want_url.p) {
		assert_int_equal(did_web_document_url(a, did, "https", NULL, &url), ERR_OK);
		assert_true(str_eq(url, want_url));
	} else {
		assert_true(json_is_false(json_object_get(c, "valid")));
		assert_int_equal(did_key_parse(did, NULL, key), ERR_BAD_INPUT);
		assert_int_equal(did_web_check(did, NULL), ERR_BAD_INPUT);
	}
}

static void the_vectors(void **state)
{
	(void)state;
	struct str text = shared_file(a, "vectors/did/did-names.json");
	if (!text.p) skip();
	json_t *j, *c;
	size_t i;
	assert_int_equal(json_read(a, text, NULL, &j), ERR_OK);
	json_t *cases = json_object_get(j, "cases");
	assert_true(json_array_size(cases) >= 12);
	json_array_foreach(cases, i, c) check_vector(c);
}

static void names_and_urls_are_two_forms_of_one(void **state)
{
	(void)state;
	static const struct {
		const char *did, *base, *document;
	} rows[] = {
	    {"did:web:host%3A8443:p:maker", "https://host:8443/p/maker",
	     "https://host:8443/p/maker/did.json"},
	    {"did:web:example.com", "https://example.com", "https://example.com/.well-known/did.json"},
	    {"did:web:127.0.0.1%3A1", "https://127.0.0.1:1", "https://127.0.0.1:1/.well-known/did.json"},
	    {"did:web:a-b.c%3A65535:x_y:%E4%B8%AD", "https://a-b.c:65535/x_y/%E4%B8%AD",
	     "https://a-b.c:65535/x_y/%E4%B8%AD/did.json"},
	    {"did:web:a:...:.a", "https://a/.../.a", "https://a/.../.a/did.json"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str s;
		assert_int_equal(did_web_from_url(a, str_of(rows[i].base), NULL, &s), ERR_OK);
		assert_str(s, rows[i].did);
		assert_int_equal(did_web_document_url(a, s, "https", NULL, &s), ERR_OK);
		assert_str(s, rows[i].document);
		assert_int_equal(s.p[s.n], 0);
	}
	struct str s;
	assert_int_equal(did_web_from_url(a, STR("http://h:1/p/"), NULL, &s), ERR_OK);
	assert_str(s, "did:web:h%3A1:p");
	assert_int_equal(did_web_document_url(a, STR("did:web:h%3a1"), "http", NULL, &s), ERR_OK);
	assert_str(s, "http://h:1/.well-known/did.json");
}

static const struct {
	const char *did, *rule;
	size_t offset;
} bad_names[] = {
    {"did:key:x", "method", 0},
    {"did:web", "method", 0},
    {"did:web:", "host", 8},
    {"did:web::a", "host", 8},
    {"did:web:Example.com", "host", 8},
    {"did:web:a..b", "host", 8},
    {"did:web:-a", "host", 8},
    {"did:web:a_b", "host", 8},
    {"did:web:a%2Fb", "host", 8},
    {"did:web:user%40a", "host", 8},
    {"did:web:a%3A", "port", 9},
    {"did:web:a%3A0", "port", 9},
    {"did:web:a%3A080", "port", 9},
    {"did:web:a%3A65536", "port", 9},
    {"did:web:a%3A8443%3A1", "port", 9},
    {"did:web:a:", "segment", 10},
    {"did:web:a::b", "segment", 10},
    {"did:web:a:..", "segment", 10},
    {"did:web:a:.", "segment", 10},
    {"did:web:a:%2E%2e:b", "segment", 10},
    {"did:web:a:.%2e", "segment", 10},
    {"did:web:a:b%2Fc", "segment", 11},
    {"did:web:a:b%5Cc", "segment", 11},
    {"did:web:a:b%00", "segment", 11},
    {"did:web:a:b%0D%0A", "segment", 11},
    {"did:web:a:b%4", "segment", 11},
    {"did:web:a:b%zz", "segment", 11},
    {"did:web:a:b/c", "segment", 11},
    {"did:web:a:b?c", "segment", 11},
    {"did:web:a:b#c", "segment", 11},
    {"did:web:a:b c", "segment", 11},
    {"did:web:a:b~c", "segment", 11},
};

static void bad_names_are_refused_with_offset_and_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_names); i++) {
		struct flaw f = {0};
		struct str url = STR("untouched");
		assert_int_equal(did_web_document_url(a, str_of(bad_names[i].did), "https", &f, &url),
				 ERR_BAD_INPUT);
		if (strcmp(f.rule, bad_names[i].rule) != 0 || f.offset != bad_names[i].offset)
			fail_msg("%s: %s at %zu", bad_names[i].did, f.rule, f.offset);
		assert_str(url, "untouched");
	}
}

static void bad_urls_give_no_name(void **state)
{
	(void)state;
	static const char *const urls[] = {"",
					   "ftp://a",
					   "https://",
					   "https:///x",
					   "https://a:/",
					   "https://a//b",
					   "https://u@a/b",
					   "https://a/b?c",
					   "https://a/b#c",
					   "https://a/../b",
					   "https://A",
					   "https://[::1]/"};
	struct str did;
	for (size_t i = 0; i < COUNT(urls); i++)
		assert_int_equal(did_web_from_url(a, str_of(urls[i]), NULL, &did), ERR_BAD_INPUT);
}

static void names_have_a_greatest_length(void **state)
{
	(void)state;
	struct str did;
	char longest[2 * DID_MAX];
	memset(longest, 'a', sizeof longest);
	memcpy(longest, "https://a/", 10);
	assert_int_equal(did_web_from_url(a, str_n(longest, DID_MAX), NULL, &did), ERR_OK);
	assert_int_equal(did_web_from_url(a, str_n(longest, DID_MAX + 1), NULL, &did), ERR_BAD_INPUT);
	memcpy(longest, "did:web:a:", 10);
	assert_int_equal(did_web_check(str_n(longest, DID_MAX), NULL), ERR_OK);
	assert_int_equal(did_web_check(str_n(longest, DID_MAX + 1), NULL), ERR_BAD_INPUT);
}

/* ---- documents -------------------------------------------------------------------------------- */

#define DID "did:web:maker.example"
#define KEY "z6Mkf5rGMoatrSj1f4CyvuHBeXJELe9RPdzo2PKGNCKVtZxP"
#define METHOD(id)                                                                                         \
	"{\"id\":\"" id "\",\"type\":\"Multikey\",\"controller\":\"" DID                                   \
	"\",\"publicKeyMultibase\":\"" KEY "\"}"
#define DOC(members) "{\"@context\":[\"https://www.w3.org/ns/did/v1\"],\"id\":\"" DID "\"" members "}"

static enum err parse(const char *text, struct flaw *f, struct did_document *ret)
{
	json_t *j;
	assert_int_equal(json_read(a, str_of(text), NULL, &j), ERR_OK);
	return did_doc_parse(a, j, STR(DID), f, ret);
}

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	struct did_document back, d = {.id = STR(DID), .keys_n = 2, .services_n = 2};
	d.keys[0] = (struct did_key){
	    STR(DID "#key-1"), {1, 2, 3}, DID_AUTHENTICATION | DID_ASSERTION, DID_MULTIKEY};
	d.keys[1] = (struct did_key){STR(DID "#key-2"), {4, 5, 6}, DID_INVOCATION, DID_JWK};
	d.services[0] =
	    (struct did_service){STR(DID "#dsp"), STR("DataService"), STR("https://maker.example/dsp")};
	d.services[1] = (struct did_service){STR("https://maker.example/x"), STR("Other"), STR("urn:x")};
	json_t *j = did_doc_make(a, &d);
	struct flaw f = {0};
	assert_int_equal(did_doc_parse(a, j, STR(DID), &f, &back), ERR_OK);
	assert_int_equal(back.keys_n, 2);
	assert_memory_equal(back.keys[1].pub, d.keys[1].pub, 32);
	assert_int_equal(back.keys[0].form, DID_MULTIKEY);
	assert_int_equal(back.keys[1].form, DID_JWK);
	assert_int_equal(back.keys[0].purposes, 3);
	assert_int_equal(back.services_n, 2);
	assert_non_null(did_key_find(&back, STR(DID "#key-1"), DID_ASSERTION));
	assert_null(did_key_find(&back, STR(DID "#key-1"), DID_INVOCATION));
	assert_null(did_key_find(&back, STR(DID "#key-2"), DID_ASSERTION));
	assert_null(did_key_find(&back, STR(DID "#key-3"), 0));
	assert_str(did_service_find(&back, "Other")->endpoint, "urn:x");
	assert_null(did_service_find(&back, "Absent"));
	assert_null(json_object_get(j, "keyAgreement"));
	assert_int_equal(json_array_size(json_object_get(j, "@context")), 3);
	d.keys_n = 1;
	assert_int_equal(json_array_size(json_object_get(did_doc_make(a, &d), "@context")), 2);
}

static void the_forms_of_keys(void **state)
{
	(void)state;
	struct did_document d;
	struct flaw f = {0};
	/* relative ids, an embedded method, a JWK, and keys of other kinds that are passed over */
	assert_int_equal(
	    parse(DOC(",\"verificationMethod\":[" METHOD(
		      "#a") ","
			    "{\"id\":\"#jwk\",\"type\":\"JsonWebKey2020\",\"controller\":\"" DID
			    "\",\"publicKeyJwk\":"
			    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_"
			    "7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}},"
			    "{\"id\":\"#p256\",\"type\":\"JsonWebKey2020\",\"controller\":\"" DID
			    "\",\"publicKeyJwk\":"
			    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
			    "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
			    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}},"
			    "{\"id\":\"#other\",\"type\":\"Future2040\",\"controller\":\"" DID "\"},"
			    "{\"id\":\"#p256b\",\"type\":\"Multikey\",\"controller\":\"" DID
			    "\",\"publicKeyMultibase\":"
			    "\"zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv\"}],"
			    "\"authentication\":[\"" DID
			    "#a\",\"#jwk\",\"#p256\",\"did:web:else.example#k\"],"
			    "\"assertionMethod\":[" METHOD("#embedded") "]"),
		  &f, &d),
	    ERR_OK);
	assert_int_equal(d.keys_n, 3);
	assert_non_null(did_key_find(&d, STR(DID "#a"), DID_AUTHENTICATION));
	assert_non_null(did_key_find(&d, STR(DID "#jwk"), DID_AUTHENTICATION));
	assert_non_null(did_key_find(&d, STR(DID "#embedded"), DID_ASSERTION));
	assert_null(did_key_find(&d, STR(DID "#embedded"), DID_AUTHENTICATION));
	/* a P-256 key is kept apart: nobody may take it for an Ed25519 key */
	assert_null(did_key_find(&d, STR(DID "#p256"), 0));
	assert_int_equal(d.ec_n, 2);
	assert_true(str_is(d.ec[0].id, DID "#p256") && d.ec[0].purposes == DID_AUTHENTICATION);
	assert_true(str_is(d.ec[1].id, DID "#p256b") && !d.ec[1].purposes);
	unsigned char same[64];
	assert_int_equal(did_key_parse_p256(
			     STR("did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv"), NULL, same),
			 ERR_OK);
	assert_memory_equal(d.ec[1].pub, same, sizeof same);
}

static void keys_of_others_are_passed_over(void **state)
{
	(void)state;
	struct did_document d;
	assert_int_equal(parse(DOC(",\"verificationMethod\":[{\"id\":\"#a\",\"type\":\"Multikey\","
				   "\"controller\":\"did:web:evil.example\",\"publicKeyMultibase\":\"" KEY
				   "\"}," METHOD("did:web:evil.example#b") "," METHOD(DID "x#c") "," METHOD(
				       DID "#own") "],\"authentication\":[\"#a\"]"),
			       NULL, &d),
			 ERR_OK);
	assert_int_equal(d.keys_n, 1);
	assert_str(d.keys[0].id, DID "#own");
	assert_int_equal(d.keys[0].purposes, 0);
}

static void services_of_several_types(void **state)
{
	(void)state;
	struct did_document d;
	assert_int_equal(parse(DOC(",\"service\":[{\"id\":\"#a\",\"type\":[\"X\",\"Y\"],"
				   "\"serviceEndpoint\":\"https://a\"},"
				   "{\"id\":\"#b\",\"type\":\"Z\",\"serviceEndpoint\":{\"origins\":[]}}]"),
			       NULL, &d),
			 ERR_OK);
	assert_int_equal(d.services_n, 2);
	assert_str(did_service_find(&d, "Y")->id, DID "#a");
	assert_null(did_service_find(&d, "Z"));
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *at, *rule;
	} rows[] = {
	    {"[]", "", "type"},
	    {"{}", "id", "missing"},
	    {"{\"id\":7}", "id", "type"},
	    {"{\"id\":\"did:web:evil.example\"}", "id", "value"},
	    {"{\"id\":\"" DID "#x\"}", "id", "value"},
	    {DOC(",\"verificationMethod\":{}"), "verificationMethod", "type"},
	    {DOC(",\"verificationMethod\":[7]"), "verificationMethod[0]", "type"},
	    {DOC(",\"verificationMethod\":[{}]"), "verificationMethod[0].id", "missing"},
	    {DOC(",\"verificationMethod\":[" METHOD("#") "]"), "verificationMethod[0]", "value"},
	    {DOC(",\"verificationMethod\":[" METHOD("key") "]"), "verificationMethod[0]", "value"},
	    {DOC(",\"verificationMethod\":[" METHOD("#a") "," METHOD(DID "#a") "]"),
	     "verificationMethod[1]", "value"},
	    {DOC(",\"verificationMethod\":[{\"id\":\"#a\",\"type\":\"Multikey\",\"controller\":\"" DID
		 "\"}]"),
	     "verificationMethod[0].publicKeyMultibase", "missing"},
	    {DOC(",\"verificationMethod\":[{\"id\":\"#a\",\"type\":\"Multikey\",\"controller\":\"" DID "\","
		 "\"publicKeyMultibase\":\"" KEY "x\"}]"),
	     "verificationMethod[0]", "key"},
	    {DOC(",\"verificationMethod\":[{\"id\":\"#a\",\"type\":\"JsonWebKey\",\"controller\":\"" DID
		 "\","
		 "\"publicKeyJwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}}]"),
	     "verificationMethod[0]", "key"},
	    {DOC(",\"verificationMethod\":[{\"id\":\"#a\",\"type\":\"JsonWebKey\",\"controller\":\"" DID
		 "\","
		 "\"publicKeyJwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
		 "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp\"}}]"), /* spare bits set */
	     "verificationMethod[0]", "key"},
	    {DOC(",\"verificationMethod\":[{\"id\":\"#a\",\"type\":\"JsonWebKey\",\"controller\":\"" DID
		 "\","
		 "\"publicKeyJwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"AA\","
		 "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}}]"),
	     "verificationMethod[0]", "key"},
	    {DOC(",\"authentication\":\"#a\""), "authentication", "type"},
	    {DOC(",\"authentication\":[7]"), "authentication[0]", "type"},
	    {DOC(",\"assertionMethod\":[\"a\"]"), "assertionMethod[0]", "value"},
	    {DOC(",\"service\":{}"), "service", "type"},
	    {DOC(",\"service\":[{\"id\":\"#a\",\"type\":\"T\"}]"), "service[0]", "missing"},
	    {DOC(",\"service\":[{\"id\":\"#a\",\"type\":[7],\"serviceEndpoint\":\"x\"}]"), "service[0]",
	     "type"},
	    {DOC(",\"service\":[{\"id\":\"#a\",\"type\":\"T\",\"serviceEndpoint\":7}]"),
	     "service[0].serviceEndpoint", "type"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct flaw f = {0};
		struct did_document d;
		assert_int_equal(parse(rows[i].text, &f, &d), ERR_BAD_MESSAGE);
		if (strcmp(f.at, rows[i].at) != 0 || strcmp(f.rule, rows[i].rule) != 0)
			fail_msg("row %zu: %s %s (%s)", i, f.at, f.rule, f.text);
	}
}

static void counts_are_bounded(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(1 << 20);
	struct flaw f = {0};
	struct did_document d;
	buf_printf(&b, "{\"id\":\"" DID "\",\"verificationMethod\":[");
	for (int i = 0; i <= DID_KEYS_MAX; i++)
		buf_printf(&b,
			   "%s{\"id\":\"#%d\",\"type\":\"Multikey\",\"controller\":\"" DID
			   "\",\"publicKeyMultibase\":\"" KEY "\"}",
			   i ? "," : "", i);
	buf_printf(&b, "]}");
	buf_byte(&b, 0);
	assert_int_equal(parse(b.p, &f, &d), ERR_BAD_MESSAGE);
	assert_string_equal(f.rule, "count");
	buf_clear(&b);
	buf_printf(&b, "{\"id\":\"" DID "\",\"service\":[");
	for (int i = 0; i <= DID_SERVICES_MAX; i++)
		buf_printf(&b, "%s{\"id\":\"#%d\",\"type\":\"T\",\"serviceEndpoint\":\"x\"}", i ? "," : "",
			   i);
	buf_printf(&b, "]}");
	buf_byte(&b, 0);
	assert_int_equal(parse(b.p, &f, &d), ERR_BAD_MESSAGE);
	assert_string_equal(f.rule, "count");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_vectors),
	    cmocka_unit_test(names_and_urls_are_two_forms_of_one),
	    cmocka_unit_test(bad_names_are_refused_with_offset_and_rule),
	    cmocka_unit_test(bad_urls_give_no_name),
	    cmocka_unit_test(names_have_a_greatest_length),
	    cmocka_unit_test(what_is_written_is_read_back),
	    cmocka_unit_test(the_forms_of_keys),
	    cmocka_unit_test(keys_of_others_are_passed_over),
	    cmocka_unit_test(services_of_several_types),
	    cmocka_unit_test(what_is_wrong_is_named),
	    cmocka_unit_test(counts_are_bounded),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
