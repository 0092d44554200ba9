/* Names survive the way to a URL and back; documents are read alike after they were written. */
#include <stdint.h>

#include "proto/did/document.h"
#include "proto/did/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_name(struct arena *a, struct str did)
{
	static const struct str tails[] = {STR("/.well-known/did.json"), STR("/did.json")};
	struct flaw f = {0};
	struct str url, back;
	unsigned char key[SIGN_PUBLIC], ec[ES256_PUBLIC];
	char text[DID_KEY_TEXT];
	if (!did_key_parse(did, &f, key)) must(str_is(did, did_key_write(key, text)));
	if (!did_key_parse_p256(did, &f, ec)) must(did_key_parse(did, &f, key) && !es256_key_check(ec));
	if (did_web_document_url(a, did, "https", &f, &url)) {
		must(f.rule[0] && f.offset <= did.n);
		return;
	}
	size_t i = str_ends(url, tails[0]) ? 0 : 1;
	must(str_ends(url, tails[i]));
	url.n -= tails[i].n;
	must(!did_web_from_url(a, url, &f, &back));
	/* the two names of one document: HOST and HOST:.well-known; and %3a is %3A */
	must(str_eq_nocase(back, did) || str_ends(did, STR(":.well-known")));
}

static void check_document(struct arena *a, struct str text)
{
	struct flaw f = {0};
	struct did_document *d = ARENA_NEW(a, struct did_document),
			    *again = ARENA_NEW(a, struct did_document);
	json_t *j;
	must(d && again);
	if (json_read(a, text, &f, &j)) return;
	if (did_doc_parse(a, j, json_text(json_object_get(j, "id")), &f, d)) {
		must(f.err == ERR_BAD_MESSAGE && f.rule[0]);
		return;
	}
	must(!did_doc_parse(a, did_doc_make(a, d), d->id, &f, again));
	must(again->keys_n == d->keys_n && again->services_n == d->services_n && again->ec_n == d->ec_n);
	for (size_t i = 0; i < d->ec_n; i++) must(again->ec[i].purposes == d->ec[i].purposes);
	for (size_t i = 0; i < d->keys_n; i++)
		must(again->keys[i].purposes == d->keys[i].purposes &&
		     again->keys[i].form == d->keys[i].form);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(16 << 20);
	must(a && !sign_setup());
	check_name(a, str_n(data, n));
	check_document(a, str_n(data, n));
	arena_free(a);
	return 0;
}
