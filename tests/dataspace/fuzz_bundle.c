/* Any octets as a proof bundle; and any JSON object signed anew by a node, so that what lies behind the
 * node's signature is reached as well. */
#include "base/proof.h"
#include "dataspace/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define NODE "did:web:fuzz"

static void verify(struct str text, enum err *ret)
{
	struct arena *a = arena_new(64 << 20);
	struct bundle_pin pin = {.did = STR("did:web:elsewhere")};
	struct bundle_report r;

	must(a);
	*ret = ds_bundle_verify(a, text, &pin, 1, &r);
	must(*ret == ERR_OK || *ret == ERR_BAD_SIGNATURE);
	must(r.ok == (*ret == ERR_OK) && r.checks_n > 0 && r.checks_n <= BUNDLE_CHECKS_MAX);
	arena_free(a);
}

static void verify_signed_anew(struct str text)
{
	static const unsigned char seed[32] = {1};
	struct arena *a = arena_new(64 << 20);
	struct buf b = BUF_INIT(BUNDLE_SIZE_MAX);
	struct sign_key *key = sign_key_from_seed(seed);
	char multibase[SIGN_MULTIBASE];
	json_t *doc, *keys;
	enum err e;

	must(a && key);
	sign_public_multibase(sign_public(key), multibase);
	if (!json_read(a, text, NULL, &doc) && json_is_object(doc)) {
		json_object_del(doc, "proof");
		keys = json_object_get(doc, "keys");
		if (json_is_object(keys))
			json_put(keys, "node",
				 json_pack("{s:s, s:s, s:s}", "did", NODE, "method", NODE "#k", "key",
					   multibase));
		if (!proof_add(doc, key, NODE "#k", "assertionMethod", 0) && !json_jcs(doc, &b) &&
		    !buf_err(&b))
			verify(buf_str(&b), &e);
	}
	buf_done(&b);
	sign_key_free(key);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool ready;
	enum err e;

	if (!ready) must(!sign_setup());
	ready = true;
	verify(str_n(data, n), &e);
	verify_signed_anew(str_n(data, n));
	return 0;
}
