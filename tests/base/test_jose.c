#include "tests/base/cases.h"

#include "base/jose.h"
#include "base/text64.h"

static struct arena *a;
static struct sign_key *key;
static const usec_t now = INT64_C(1790000000) * USEC_PER_SEC;

static int set_up(void **state)
{
	(void)state;
	unsigned char seed[32] = {7};
	if (sign_setup()) return -1;
	a = arena_new(16 << 20);
	key = sign_key_from_seed(seed);
	return a && key ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	sign_key_free(key);
	arena_free(a);
	return 0;
}

static struct str json64(const char *text)
{
	return base64url_write(a, str_of(text));
}

/* A token with these octets as header and claims, properly signed by our key. */
static struct str signed_token(struct str header, struct str claims)
{
	unsigned char sig[64];
	struct str input = arena_printf(a, "%.*s.%.*s", STR_ARG(header), STR_ARG(claims));
	sign_make(key, "", input, sig);
	struct str tail = base64url_write(a, str_n(sig, 64));
	return arena_printf(a, "%.*s.%.*s", STR_ARG(input), STR_ARG(tail));
}

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	struct str token;
	struct jws j;
	json_t *claims = json_keep(a, json_pack("{s:s,s:i}", "iss", "did:web:example.com", "exp", 5));
	assert_int_equal(jws_write(a, key, "did:web:example.com#k1", "JWT", claims, &token), ERR_OK);
	assert_int_equal(jws_parse(a, token, NULL, &j), ERR_OK);
	assert_str(j.kid, "did:web:example.com#k1");
	assert_str(j.typ, "JWT");
	assert_true(json_equal(j.claims, claims));
	assert_int_equal(jws_verify(&j, sign_public(key)), ERR_OK);
}

static void the_example_of_rfc_8037(void **state)
{
	(void)state;
	/* A.4 and A.5: the payload there is text, so only the signature is ours to check */
	unsigned char pub[32];
	struct str x, sig;
	struct jws j = {.signing_input = STR("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc")};
	assert_int_equal(base64url_parse(a, STR("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), &x),
			 ERR_OK);
	assert_int_equal(base64url_parse(a,
					 STR("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylG"
					     "jg5BhVsPt9g7sVvpAr_MuM0KAg"),
					 &sig),
			 ERR_OK);
	memcpy(pub, x.p, 32);
	memcpy(j.signature, sig.p, 64);
	assert_int_equal(jws_verify(&j, pub), ERR_OK);
}

static void the_token_does_not_choose_how_it_is_checked(void **state)
{
	(void)state;
	static const struct {
		const char *header, *at;
	} rows[] = {
	    {"{\"alg\":\"none\"}", "alg"},
	    {"{\"alg\":\"HS256\"}", "alg"},
	    {"{\"alg\":\"eddsa\"}", "alg"},
	    {"{\"alg\":\"ES256\"}", "alg"},
	    {"{\"alg\":[\"EdDSA\"]}", "alg"},
	    {"{\"typ\":\"JWT\"}", "alg"},
	    {"{\"alg\":\"EdDSA\",\"crit\":[\"b64\"],\"b64\":false}", "crit"},
	    {"{\"alg\":\"EdDSA\",\"crit\":[]}", "crit"},
	    {"{\"alg\":\"EdDSA\",\"b64\":true}", "b64"},
	    {"{\"alg\":\"EdDSA\",\"jku\":\"https://evil.example/keys\"}", "jku"},
	    {"{\"alg\":\"EdDSA\",\"x5u\":\"https://evil.example/keys\"}", "x5u"},
	    {"{\"alg\":\"EdDSA\",\"x5c\":[]}", "x5c"},
	    {"{\"alg\":\"EdDSA\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}}", "jwk"},
	    {"{\"alg\":\"EdDSA\",\"kid\":7}", "kid"},
	    {"{\"alg\":\"EdDSA\",\"typ\":null}", "typ"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct flaw f = {0};
		struct jws j = {0};
		struct str token = signed_token(json64(rows[i].header), json64("{\"exp\":1}"));
		assert_int_equal(jws_parse(a, token, &f, &j), ERR_BAD_INPUT);
		assert_string_equal(f.at, rows[i].at);
		assert_null(j.header);
	}
}

static void only_the_one_encoding_is_read(void **state)
{
	(void)state;
	struct flaw f;
	struct jws j;
	struct str h = json64("{\"alg\":\"EdDSA\"}"), c = json64("{\"exp\":1}");
	struct str good = signed_token(h, c);
	assert_int_equal(jws_parse(a, good, &f, &j), ERR_OK);

	static const char *const shapes[] = {"",    ".",   "..",  "a.b", "....", "%s.",
					     ".%s", " %s", "%s ", "%s=", "%s\n", "%s.x"};
	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct str bad = arena_printf(a, shapes[i], good.p);
		assert_int_not_equal(jws_parse(a, bad, &f, &j), ERR_OK);
	}
	/* the signature's last character carries four spare bits: only one value of them counts */
	char *text = arena_strdup(a, good), *last = text + good.n - 1;
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char kept = *last;
	for (int i = 0; i < 64; i++) {
		*last = digits[i];
		enum err e = jws_parse(a, str_n(text, good.n), &f, &j);
		if (*last == kept)
			assert_int_equal(e, ERR_OK);
		else if (i % 16)
			assert_int_equal(e, ERR_BAD_INPUT);
		else
			assert_int_equal(e ? e : jws_verify(&j, sign_public(key)), ERR_BAD_SIGNATURE);
	}
	assert_int_equal(jws_parse(a, signed_token(h, json64("[1]")), &f, &j), ERR_BAD_JSON);
	assert_int_equal(jws_parse(a, signed_token(h, json64("{\"a\":1,\"a\":2}")), &f, &j), ERR_BAD_JSON);
	assert_int_equal(
	    jws_parse(a, signed_token(json64("{\"alg\":\"EdDSA\",\"alg\":\"none\"}"), c), &f, &j),
	    ERR_BAD_JSON);
	struct str short_one = arena_printf(a, "%.*s.%.*s.AAAA", STR_ARG(h), STR_ARG(c));
	assert_int_equal(jws_parse(a, short_one, &f, &j), ERR_BAD_INPUT);
	assert_string_equal(f.at, "signature");
}

static void size_is_bounded(void **state)
{
	(void)state;
	struct flaw f;
	struct jws j;
	struct str token;
	struct arena *large_arena = arena_new(8 << 20);
	assert_non_null(large_arena);
	char *pad = arena_bytes(large_arena, JWS_WRITE_MAX);
	memset(pad, 'x', JWS_WRITE_MAX);
	json_t *claims = json_keep(large_arena, json_object());
	json_put_str(claims, "pad", str_n(pad, JWS_WRITE_MAX));
	assert_int_equal(jws_write(large_arena, key, "k", "JWT", claims, &token), ERR_TOO_LARGE);
	struct str large =
	    signed_token(json64("{\"alg\":\"EdDSA\"}"), base64url_write(a, str_n(pad, JWS_MAX)));
	assert_int_equal(jws_parse(a, large, &f, &j), ERR_BAD_INPUT);
	assert_string_equal(f.rule, "size");
	arena_free(large_arena);
}

static void any_changed_octet_fails(void **state)
{
	(void)state;
	struct str good = signed_token(json64("{\"alg\":\"EdDSA\"}"), json64("{\"sub\":\"x\",\"exp\":12}"));
	char *text = arena_strdup(a, good);
	for (size_t i = 0; i < good.n; i++) {
		struct jws j;
		struct arena_mark m = arena_mark(a);
		char was = text[i];
		text[i] = was == 'B' ? 'C' : 'B';
		enum err e = jws_parse(a, str_n(text, good.n), NULL, &j);
		if (!e) e = jws_verify(&j, sign_public(key));
		assert_int_not_equal(e, ERR_OK);
		text[i] = was;
		arena_rollback(a, m);
	}
	struct jws j;
	unsigned char other[32];
	memcpy(other, sign_public(key), 32);
	other[0] ^= 1;
	assert_int_equal(jws_parse(a, good, NULL, &j), ERR_OK);
	assert_int_equal(jws_verify(&j, other), ERR_BAD_SIGNATURE);
}

static enum err check(const char *claims, const char *aud, struct flaw *f)
{
	struct jws j = {0};
	assert_int_equal(json_read(a, str_of(claims), NULL, &j.claims), ERR_OK);
	return jwt_check(&j, str_of(aud), now, f);
}

static void claims_are_checked_with_leeway(void **state)
{
	(void)state;
	static const struct {
		const char *claims;
		enum err want;
		const char *at;
	} rows[] = {
	    {"{\"exp\":1790000100,\"aud\":\"me\"}", ERR_OK, ""},
	    {"{\"exp\":1790000100.5,\"aud\":[\"you\",\"me\"]}", ERR_OK, ""},
	    {"{\"exp\":1789999971,\"aud\":\"me\"}", ERR_OK, ""},
	    {"{\"exp\":1789999970,\"aud\":\"me\"}", ERR_EXPIRED, "exp"},
	    {"{\"exp\":-1,\"aud\":\"me\"}", ERR_EXPIRED, "exp"},
	    {"{\"aud\":\"me\"}", ERR_UNAUTHORISED, "exp"},
	    {"{\"exp\":\"1790000100\",\"aud\":\"me\"}", ERR_UNAUTHORISED, "exp"},
	    {"{\"exp\":1790000100,\"nbf\":1790000030,\"iat\":1790000030,\"aud\":\"me\"}", ERR_OK, ""},
	    {"{\"exp\":1790000100,\"nbf\":1790000031,\"aud\":\"me\"}", ERR_UNAUTHORISED, "nbf"},
	    {"{\"exp\":1790000100,\"iat\":1790000031,\"aud\":\"me\"}", ERR_UNAUTHORISED, "iat"},
	    {"{\"exp\":1790000100,\"iat\":null,\"aud\":\"me\"}", ERR_UNAUTHORISED, "iat"},
	    {"{\"exp\":1790000100}", ERR_UNAUTHORISED, "aud"},
	    {"{\"exp\":1790000100,\"aud\":\"me2\"}", ERR_UNAUTHORISED, "aud"},
	    {"{\"exp\":1790000100,\"aud\":[]}", ERR_UNAUTHORISED, "aud"},
	    {"{\"exp\":1790000100,\"aud\":[[\"me\"]]}", ERR_UNAUTHORISED, "aud"},
	    {"{\"exp\":1790000100,\"aud\":{\"me\":1}}", ERR_UNAUTHORISED, "aud"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct flaw f = {0};
		assert_int_equal(check(rows[i].claims, "me", &f), rows[i].want);
		assert_string_equal(f.at, rows[i].at);
	}
	assert_int_equal(check("{\"exp\":1790000100,\"aud\":\"\"}", "", NULL), ERR_UNAUTHORISED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_read_back),
	    cmocka_unit_test(the_example_of_rfc_8037),
	    cmocka_unit_test(the_token_does_not_choose_how_it_is_checked),
	    cmocka_unit_test(only_the_one_encoding_is_read),
	    cmocka_unit_test(size_is_bounded),
	    cmocka_unit_test(any_changed_octet_fails),
	    cmocka_unit_test(claims_are_checked_with_leeway),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
