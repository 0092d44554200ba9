/* A token that is taken apart is put together again from its parts; nothing verifies by chance. */
#include <stdint.h>

#include "base/jose.h"
#include "base/text64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const unsigned char seed[32] = {7};
	static struct sign_key *key;
	struct arena *a = arena_new(4 << 20);
	struct flaw f = {0};
	struct jws j;
	struct str token = str_n(data, n);
	if (!key) {
		must(!sign_setup());
		key = sign_key_from_seed(seed);
	}
	must(a && key);
	enum err e = jws_parse(a, token, &f, &j);
	if (e) {
		must(e == ERR_BAD_INPUT || e == ERR_BAD_JSON);
		must(f.rule[0]);
	} else {
		struct str tail = base64url_write(a, str_n(j.signature, SIGN_SIGNATURE));
		struct str whole = arena_printf(a, "%.*s.%.*s", STR_ARG(j.signing_input), STR_ARG(tail));
		must(str_eq(whole, token));
		(void)!jws_verify(&j, sign_public(key));
		(void)!jwt_check(&j, STR("did:web:me"), INT64_C(1790000000) * USEC_PER_SEC, &f);
	}
	arena_free(a);
	return 0;
}
