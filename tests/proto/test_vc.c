/* Tokens, credentials and status lists of partners, and the attacks on them. */
#include "tests/base/cases.h"

#include "base/jose.h"
#include "base/text64.h"
#include "proto/vc/credential.h"
#include "proto/vc/status.h"

static struct arena *a;

static int set_up(void **state)
{
	(void)state;
	a = arena_new(64 << 20);
	return sign_setup() || !a ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static struct str part(const char *json)
{
	return base64url_write(a, str_of(json));
}

static struct str token(const char *header, const char *claims, size_t signature)
{
	char *zeros = arena_alloc(a, signature + 1);
	return arena_printf(a, "%s.%s.%s", part(header).p, part(claims).p,
			    base64url_write(a, str_n(zeros, signature)).p);
}

/* RFC 7515 A.3: the key and the token of the specification. */
static void es256_of_the_rfc(void **state)
{
	(void)state;
	static const char jwt[] =
	    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
	    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5"
	    "djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
	struct vc_key key = {.alg = VC_ES256}, other;
	struct vc_jwt j;
	struct str x, y;
	assert_int_equal(base64url_parse(a, STR("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"), &x),
			 ERR_OK);
	assert_int_equal(base64url_parse(a, STR("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"), &y),
			 ERR_OK);
	memcpy(key.pub, x.p, 32);
	memcpy(key.pub + 32, y.p, 32);
	assert_int_equal(es256_key_check(key.pub), ERR_OK);
	assert_int_equal(vc_jwt_parse(a, str_of(jwt), NULL, &j), ERR_OK);
	assert_int_equal(vc_jwt_verify(&j, &key), ERR_OK);
	other = key;
	other.alg = VC_EDDSA; /* the algorithm is the key's, not the header's */
	assert_int_equal(vc_jwt_verify(&j, &other), ERR_BAD_SIGNATURE);
	for (size_t i = 0; i < VC_SIGNATURE; i++) {
		j.signature[i] ^= 1;
		assert_int_equal(vc_jwt_verify(&j, &key), ERR_BAD_SIGNATURE);
		j.signature[i] ^= 1;
	}
	memset(j.signature, 0, 32); /* r = 0 */
	assert_int_equal(vc_jwt_verify(&j, &key), ERR_BAD_SIGNATURE);
	key.pub[5] ^= 1; /* not on the curve */
	assert_int_equal(es256_key_check(key.pub), ERR_BAD_KEY);
	assert_int_equal(vc_jwt_verify(&j, &key), ERR_BAD_SIGNATURE);
}

static void headers_that_are_attacks(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
	    {"{\"alg\":\"none\"}", "algorithm"},
	    {"{\"alg\":\"HS256\"}", "algorithm"},
	    {"{\"alg\":\"RS256\"}", "algorithm"},
	    {"{\"alg\":\"eddsa\"}", "algorithm"},
	    {"{}", "algorithm"},
	    {"{\"alg\":\"EdDSA\",\"jwk\":{}}", "header-parameter"},
	    {"{\"alg\":\"EdDSA\",\"jku\":\"http://x\"}", "header-parameter"},
	    {"{\"alg\":\"EdDSA\",\"x5u\":\"http://x\"}", "header-parameter"},
	    {"{\"alg\":\"EdDSA\",\"x5c\":[]}", "header-parameter"},
	    {"{\"alg\":\"EdDSA\",\"crit\":[\"exp\"]}", "header-parameter"},
	    {"{\"alg\":\"EdDSA\",\"b64\":false}", "header-parameter"},
	    {"{\"alg\":\"EdDSA\",\"kid\":1}", "type"},
	};
	struct vc_jwt j;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct flaw f = {0};
		assert_int_equal(vc_jwt_parse(a, token(rows[i][0], "{}", 64), &f, &j), ERR_BAD_INPUT);
		assert_string_equal(f.rule, rows[i][1]);
	}
	assert_int_equal(vc_jwt_parse(a, token("{\"alg\":\"EdDSA\"}", "{}", 63), NULL, &j), ERR_BAD_INPUT);
	assert_int_equal(vc_jwt_parse(a, token("{\"alg\":\"EdDSA\"}", "[]", 64), NULL, &j), ERR_BAD_JSON);
	assert_int_equal(vc_jwt_parse(a, STR("a.b"), NULL, &j), ERR_BAD_INPUT);
	struct flaw f = {0};
	assert_int_equal(vc_jwt_parse(a, STR("{\"proof\":{}}"), &f, &j), ERR_BAD_INPUT);
	assert_string_equal(f.rule, "format");
	assert_int_equal(vc_jwt_parse(a, STR("a.b.c.d"), NULL, &j), ERR_BAD_INPUT);
}

static struct vc_jwt claims(const char *text)
{
	struct vc_jwt j = {0};
	assert_int_equal(json_read(a, str_of(text), NULL, &j.claims), ERR_OK);
	return j;
}

#define V1 "\"@context\":[\"" VC_11_CONTEXT "\"],"
#define V2 "\"@context\":[\"" VC_20_CONTEXT "\"],"
#define SUBJECT "\"credentialSubject\":{\"id\":\"did:web:a\"}"
#define TYPE "\"type\":[\"VerifiableCredential\",\"Member\"]"

static void credentials_of_both_models(void **state)
{
	(void)state;
	static const char *const rows[] = {
	    "{\"iss\":\"did:web:i\",\"sub\":\"did:web:a\",\"nbf\":1000,\"exp\":2000,\"vc\":{" V1 TYPE
	    "," SUBJECT "}}",
	    "{" V2
	    "\"issuer\":{\"id\":\"did:web:i\"},\"validFrom\":\"1970-01-01T00:16:40Z\",\"validUntil\":"
	    "\"1970-01-01T00:33:20Z\"," TYPE "," SUBJECT "}",
	};
	struct vc_credential c;
	for (size_t i = 0; i < 2; i++) {
		struct vc_jwt j = claims(rows[i]);
		assert_int_equal(vc_credential_read(&j, NULL, &c), ERR_OK);
		assert_true(str_is(c.issuer, "did:web:i") && str_is(c.subject, "did:web:a"));
		assert_true(vc_credential_is(&c, STR("Member")) && c.types_n == 1);
		assert_int_equal(vc_credential_time(&c, 1500 * USEC_PER_SEC, NULL), ERR_OK);
		assert_int_equal(vc_credential_time(&c, 2000 * USEC_PER_SEC, NULL), ERR_EXPIRED);
		assert_int_equal(vc_credential_time(&c, 900 * USEC_PER_SEC, NULL), ERR_UNAUTHORISED);
	}
}

static void credentials_that_contradict_themselves(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
	    {"{\"iss\":\"did:web:i\",\"vc\":{" V1 "\"issuer\":\"did:web:j\"," TYPE "," SUBJECT "}}",
	     "mismatch"},
	    {"{\"iss\":\"did:web:i\",\"sub\":\"did:web:b\",\"vc\":{" V1 TYPE "," SUBJECT "}}", "mismatch"},
	    {"{\"vc\":{" V1 TYPE "," SUBJECT "}}", "missing"},
	    {"{\"iss\":\"did:web:i\",\"vc\":{" V1 "\"type\":[\"Member\"]," SUBJECT "}}", "value"},
	    {"{\"iss\":\"did:web:i\",\"exp\":\"x\",\"vc\":{" V1 TYPE "," SUBJECT "}}", "type"},
	    {"{\"iss\":\"did:web:i\",\"exp\":1e300,\"vc\":{" V1 TYPE "," SUBJECT "}}", "type"},
	    {"{\"iss\":\"did:web:i\",\"vc\":{" V1 TYPE "," SUBJECT ",\"expirationDate\":\"never\"}}",
	     "type"},
	    {"{\"iss\":\"did:web:i\",\"vc\":{" V1 TYPE "," SUBJECT
	     ",\"credentialStatus\":{\"type\":\"Other\"}}}",
	     "type"},
	    {"{\"iss\":\"did:web:i\",\"vc\":{" V1 TYPE "," SUBJECT
	     ",\"credentialStatus\":{\"type\":\"StatusList2021Entry\",\"statusListIndex\":\"-1\"}}}",
	     "type"},
	};
	struct vc_credential c;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct vc_jwt j = claims(rows[i][0]);
		struct flaw f = {0};
		assert_int_equal(vc_credential_read(&j, &f, &c), ERR_BAD_MESSAGE);
		assert_string_equal(f.rule, rows[i][1]);
	}
	/* a claim and a member of different ends: the earlier counts */
	struct vc_jwt j = claims("{\"iss\":\"did:web:i\",\"exp\":9000,\"vc\":{" V1 TYPE "," SUBJECT
				 ",\"expirationDate\":\"1970-01-01T00:33:20Z\"}}");
	assert_int_equal(vc_credential_read(&j, NULL, &c), ERR_OK);
	assert_int_equal(vc_credential_time(&c, 2000 * USEC_PER_SEC, NULL), ERR_EXPIRED);
}

/* VCDM 1.1 4.1 and 2.0 4.3 */
static void a_context_comes_first_and_is_the_models(void **state)
{
	(void)state;
#define OLD(context) "{\"iss\":\"did:web:i\",\"vc\":{" context TYPE "," SUBJECT "}}"
#define NEW(context) "{\"issuer\":\"did:web:i\"," context TYPE "," SUBJECT "}"
	static const struct {
		const char *text, *rule;
	} rows[] = {
	    {OLD(V1), ""},
	    {OLD(V2), ""}, /* as some products write it */
	    {NEW(V2), ""},
	    {NEW("\"@context\":\"" VC_20_CONTEXT "\","), ""}, /* a set of one */
	    {OLD("\"@context\":[\"" VC_11_CONTEXT "\",\"https://example.org/more\"],"), ""},
	    {OLD(""), "missing"},
	    {NEW(""), "missing"},
	    {NEW(V1), "context"},
	    {OLD("\"@context\":[],"), "context"},
	    {OLD("\"@context\":{},"), "context"},
	    {OLD("\"@context\":null,"), "context"},
	    {OLD("\"@context\":[\"https://example.org/more\",\"" VC_11_CONTEXT "\"],"), "context"},
	    {OLD("\"@context\":[{}],"), "context"},
	    {OLD("\"@context\":[\"" VC_11_CONTEXT "x\"],"), "context"},
	};
	struct vc_credential c;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct vc_jwt j = claims(rows[i].text);
		struct flaw f = {0};
		enum err e = vc_credential_read(&j, &f, &c);
		if (e != (rows[i].rule[0] ? ERR_BAD_MESSAGE : ERR_OK) || strcmp(f.rule, rows[i].rule) ||
		    (e && strcmp(f.at, "@context")))
			fail_msg("%s: %s at %s rule %s", rows[i].text, err_name(e), f.at, f.rule);
	}
}

#define LIST(type, id, subject)                                                                            \
	"{\"iss\":\"did:web:i\",\"sub\":\"https://i/1#l\",\"vc\":{" V1 "\"id\":\"" id "\",\"type\":["      \
	"\"VerifiableCredential\",\"" type "\"],\"credentialSubject\":{" subject "}}}"
#define IS(type) "\"type\":\"" type "\""
#define FOR(purpose) ",\"statusPurpose\":" purpose
#define BITS ",\"encodedList\":\"uH4sI\""

static void a_list_is_the_one_that_the_entry_means(void **state)
{
	(void)state;
	static const struct {
		const char *text, *at, *rule;
	} rows[] = {
	    {LIST("StatusList2021Credential", "https://i/1",
		  IS("StatusList2021") FOR("\"revocation\"") BITS),
	     "", ""},
	    {LIST("BitstringStatusListCredential", "https://i/1",
		  IS("BitstringStatusList") FOR("[\"suspension\",\"revocation\"]") BITS),
	     "", ""},
	    {LIST("StatusList2021Credential", "3c9c",
		  IS("StatusList2021") FOR("\"revocation\"") BITS), /* a UUID is no address */
	     "", ""},
	    {LIST("StatusList2021Credential", "https://i/2",
		  IS("StatusList2021") FOR("\"revocation\"") BITS),
	     "credentialStatus", "list-id"},
	    {LIST("OtherCredential", "https://i/1", IS("StatusList2021") FOR("\"revocation\"") BITS),
	     "type", "value"},
	    {LIST("StatusList2021Credential", "https://i/1", IS("Other") FOR("\"revocation\"") BITS),
	     "credentialSubject.type", "value"},
	    {LIST("StatusList2021Credential", "https://i/1", IS("StatusList2021") BITS), "statusPurpose",
	     "missing"},
	    {LIST("StatusList2021Credential", "https://i/1",
		  IS("StatusList2021") FOR("\"suspension\"") BITS),
	     "statusPurpose", "value"},
	    {LIST("StatusList2021Credential", "https://i/1", IS("StatusList2021") FOR("\"revocation\"")),
	     "encodedList", "missing"},
	};
	struct vc_status_entry s = {STR("revocation"), STR("https://i/1"), 0, 1};
	struct vc_credential c;
	struct str encoded;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct vc_jwt j = claims(rows[i].text);
		struct flaw f = {0};
		enum err e;
		assert_int_equal(vc_credential_read(&j, &f, &c), ERR_OK);
		e = vc_status_list_read(&c, &s, &f, &encoded);
		if (!e != !rows[i].rule[0] || strcmp(f.at, rows[i].at) || strcmp(f.rule, rows[i].rule))
			fail_msg("%s: %s at %s rule %s", rows[i].text, err_name(e), f.at, f.rule);
	}
}

static void presentations(void **state)
{
	(void)state;
	const usec_t now = 1000 * USEC_PER_SEC;
	struct vc_presentation p;
	struct vc_jwt j = claims(
	    "{\"iss\":\"did:web:h\",\"aud\":\"did:web:v\",\"exp\":1100,\"vp\":{\"verifiableCredential\":"
	    "[\"a.b.c\"]}}");
	assert_int_equal(vc_presentation_read(&j, STR("did:web:v"), now, NULL, &p), ERR_OK);
	assert_true(p.credentials_n == 1 && str_is(p.holder, "did:web:h"));
	assert_int_equal(vc_presentation_read(&j, STR("did:web:w"), now, NULL, &p), ERR_UNAUTHORISED);
	assert_int_equal(vc_presentation_read(&j, STR("did:web:v"), 2 * now, NULL, &p), ERR_EXPIRED);
	j = claims("{\"iss\":\"did:web:h\",\"aud\":[\"did:web:v\"],\"verifiableCredential\":[{\"type\":"
		   "\"EnvelopedVerifiableCredential\",\"id\":\"data:application/vc+jwt,x.y.z\"}]}");
	assert_int_equal(vc_presentation_read(&j, STR("did:web:v"), now, NULL, &p), ERR_OK);
	assert_true(p.credentials_n == 1 && str_is(p.credentials[0], "x.y.z"));
	j = claims("{\"iss\":\"did:web:h\",\"aud\":\"did:web:v\",\"vp\":{\"holder\":\"did:web:x\"}}");
	assert_int_equal(vc_presentation_read(&j, STR("did:web:v"), now, NULL, &p), ERR_BAD_MESSAGE);
}

/* BitstringStatusList: multibase base64url; and many write that without its letter. */
static void other_alphabet(struct str text)
{
	struct str octets, url, back;
	assert_int_equal(base64_parse(a, text, &octets), ERR_OK); /* what StatusList2021 says */
	url = base64url_write(a, octets);
	assert_int_equal(vc_status_unpack(a, url, NULL, &back), ERR_OK);
	assert_int_equal(vc_status_unpack(a, arena_printf(a, "u%.*s", STR_ARG(url)), NULL, &back), ERR_OK);
}

static unsigned entry(struct str octets, uint64_t index, unsigned size, const char *rule)
{
	struct flaw f = {0};
	unsigned value = 99;
	enum err e = vc_status_value(octets, index, size, &f, &value);
	assert_int_equal(e, rule[0] ? ERR_BAD_INPUT : ERR_OK);
	assert_string_equal(f.rule, rule);
	return value;
}

static void status_lists(void **state)
{
	(void)state;
	static char bits[4 * 16384];
	struct str text, back, packed;
	char *longer;
	bits[1] = 0x2d; /* bits 10, 12, 13, 15, the most significant first */
	text = vc_status_pack(a, str_n(bits, 16384), false);
	assert_int_equal(vc_status_unpack(a, text, NULL, &back), ERR_OK);
	assert_true(str_eq(back, str_n(bits, 16384)));
	text = vc_status_pack(a, str_n(bits, 16384), true);
	assert_int_equal(text.p[0], 'u');
	assert_true(str_find(text, '=') == text.n && str_find(text, '+') == text.n);
	assert_int_equal(vc_status_unpack(a, text, NULL, &back), ERR_OK);
	assert_true(str_eq(back, str_n(bits, 16384)));
	text = vc_status_pack(a, str_n(bits, 16384), false);
	assert_int_equal(entry(back, 10, 1, ""), 1);
	assert_int_equal(entry(back, 11, 1, ""), 0);
	entry(back, 131071, 1, "");
	entry(back, 131072, 1, "list-index");
	entry(back, UINT64_MAX, 1, "list-index");
	/* at least 131,072 entries, however many bits each has */
	entry(str_first(back, 16383), 0, 1, "list-short");
	entry(back, 0, 2, "list-short");
	entry(STR_NONE, 0, 1, "list-short");
	back = str_n(bits, sizeof bits);
	assert_int_equal(entry(back, 3, 4, ""), 13);
	assert_int_equal(entry(back, 2, 4, ""), 2);
	entry(back, 131072, 4, "list-index");
	other_alphabet(text);
	assert_int_equal(vc_status_unpack(a, str_first(text, text.n - 8), NULL, &back), ERR_BAD_INPUT);
	assert_int_equal(vc_status_unpack(a, STR("uAAAA"), NULL, &back), ERR_BAD_INPUT);
	/* one octet behind the packed list */
	assert_int_equal(base64_parse(a, text, &packed), ERR_OK);
	longer = arena_bytes(a, packed.n + 1);
	memcpy(longer, packed.p, packed.n);
	longer[packed.n] = 0;
	text = base64_write(a, str_n(longer, packed.n + 1));
	assert_int_equal(vc_status_unpack(a, text, NULL, &back), ERR_BAD_INPUT);
}

static void a_status_list_that_is_a_bomb(void **state)
{
	(void)state;
	char *zeros = calloc(1, VC_STATUS_OCTETS_MAX + 1);
	struct flaw f = {0};
	struct str back;
	assert_non_null(zeros);
	struct str text = vc_status_pack(a, str_n(zeros, VC_STATUS_OCTETS_MAX + 1), false);
	free(zeros);
	assert_true(text.n < 8192);
	assert_int_equal(vc_status_unpack(a, text, &f, &back), ERR_TOO_LARGE);
	assert_string_equal(f.rule, "size");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(es256_of_the_rfc),
	    cmocka_unit_test(headers_that_are_attacks),
	    cmocka_unit_test(credentials_of_both_models),
	    cmocka_unit_test(credentials_that_contradict_themselves),
	    cmocka_unit_test(a_context_comes_first_and_is_the_models),
	    cmocka_unit_test(a_list_is_the_one_that_the_entry_means),
	    cmocka_unit_test(presentations),
	    cmocka_unit_test(status_lists),
	    cmocka_unit_test(a_status_list_that_is_a_bomb),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
