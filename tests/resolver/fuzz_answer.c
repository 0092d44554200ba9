/* What another node may send: the verification of an answer, with the question and the trust that
 * the seeds were made for. First octet: bit 0 which of two questions, bit 1 replaces the signature check
 * by a key that made the seeds' envelopes anew, so that the checks behind it are reached. */
#include <stdio.h>
#include <stdlib.h>

#include "resolver/verify.h"

#define NOON INT64_C(1800000000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Signs the payload again, so that what stands in it is judged by the later rules. */
static struct str sign_again(struct arena *a, const struct sign_key *key, struct str octets)
{
	struct envelope e;
	struct buf out = BUF_INIT(ENVELOPE_PACKED_MAX);
	struct str again = octets;
	if (!envelope_unpack(octets, NULL, &e) && !envelope_sign(e.kind, e.payload, key, e.kid, &out))
		again = arena_dup(a, buf_str(&out));
	buf_done(&out);
	return again.p ? again : octets;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sign_key *key;
	static const unsigned char seed[32] = "kanhe fuzz: verification of ans";
	struct arena *a = arena_new(16 << 20);
	struct id_prefix prefix;
	struct verified v;
	struct flaw f = {0};
	if (!key) must(!sign_setup() && (key = sign_key_from_seed(seed)));
	must(a);
	if (size) {
		struct str octets = str_n(data + 1, size - 1);
		struct expected x = {.trust.keys_n = 1, .now = NOON};
		must(!id_prefix_parse(a, STR("88.118"), NULL, &prefix));
		must(
		    !id_parse(a, data[0] & 1 ? STR("88.118.8/lathe") : STR("88.118/x"), NULL, &x.question));
		x.trust.prefix = prefix.key;
		memcpy(x.trust.keys[0], sign_public(key), SIGN_PUBLIC);
		if (data[0] & 2) octets = sign_again(a, key, octets);
		enum err e = verify_answer(a, octets, &x, &f, &v);
		must(!e || e == ERR_BOGUS || e == ERR_LOOP || e == ERR_NO_MEMORY);
		must(!e || f.rule[0] || e == ERR_NO_MEMORY);
		/* what is accepted is about the question */
		must(e || (str_eq(v.answer.key, x.question.key) && str_eq(v.answer.authority, prefix.key)));
	}
	arena_free(a);
	return 0;
}
