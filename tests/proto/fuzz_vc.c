/* JWT, credentials, presentations and status lists of strangers. The first octet chooses which is read;
 * claims are given as bare JSON too, so that the fuzzer need not find base64. */
#include <stdint.h>

#include "proto/vc/credential.h"
#include "proto/vc/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_claims(struct arena *a, struct str text)
{
	struct vc_credential *c = ARENA_NEW(a, struct vc_credential);
	struct vc_presentation *p = ARENA_NEW(a, struct vc_presentation);
	struct flaw f = {0};
	struct vc_jwt j = {0};
	struct str list;
	must(c && p);
	if (json_read(a, text, &f, &j.claims) || !json_is_object(j.claims)) return;
	if (vc_credential_read(&j, &f, c)) {
		must(f.err == ERR_BAD_MESSAGE && f.rule[0]);
	} else {
		must(c->issuer.n && c->subject.n && c->types_n <= VC_TYPES_MAX);
		(void)!vc_credential_time(c, 1, &f);
		struct vc_status_entry s = {STR("revocation"), STR("https://i/1"), 0, 1};
		if (!vc_status_list_read(c, &s, &f, &list)) must(list.n);
		(void)vc_status_list_ttl(c);
	}
	if (!vc_presentation_read(&j, STR("did:web:a"), 1, &f, p)) must(p->holder.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct vc_key ed = {.alg = VC_EDDSA}, ec = {.alg = VC_ES256};
	struct arena *a = arena_new(32 << 20);
	struct str text = str_n(data, n), octets, again;
	struct flaw f = {0};
	struct vc_jwt j;
	unsigned value;
	must(a && !sign_setup());
	switch (n ? data[0] % 3 : 0) {
	case 0:
		if (!vc_jwt_parse(a, str_skip(text, 1), &f, &j))
			must(vc_jwt_verify(&j, &ed) && vc_jwt_verify(&j, &ec));
		break;
	case 1: check_claims(a, str_skip(text, 1)); break;
	default:
		if (!vc_status_unpack(a, str_skip(text, 1), &f, &octets)) {
			must(octets.n <= VC_STATUS_OCTETS_MAX);
			for (unsigned size = 1; size <= VC_STATUS_SIZE_MAX; size++)
				must(vc_status_value(octets, octets.n * 8 / size, size, &f, &value) ==
				     ERR_BAD_INPUT);
		}
		if (!vc_status_unpack(a, vc_status_pack(a, text, n % 2), &f, &again))
			must(str_eq(again, text));
	}
	arena_free(a);
	return 0;
}
