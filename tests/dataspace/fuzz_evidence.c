/* Any JSON as a partner's message that was kept: record, octets, token. */
#include "dataspace/evidence_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool ready;
	struct arena *a = arena_new(16 << 20);
	struct evidence_report r, again;
	char text[EVIDENCE_KEY_TEXT];
	struct vc_key key, same;
	json_t *j;
	enum err e;

	if (!ready) must(!sign_setup());
	ready = true;
	must(a);
	if (!json_read(a, str_n(data, n), NULL, &j)) {
		e = evidence_check(a, j, STR_NONE, STR_NONE, &r);
		must((e == ERR_OK) == !r.wrong && (e == ERR_OK || e == ERR_BAD_SIGNATURE));
		must(evidence_says(a, &r).n);
		/* the parties that it names are those it is between, and nobody else */
		if (!e && r.from.n) {
			must(!evidence_check(a, j, r.from, r.to, &again) && again.token == r.token);
			must(evidence_check(a, j, STR("did:web:nobody"), STR_NONE, &again) ==
			     ERR_BAD_SIGNATURE);
		}
		/* a key that is written is read again as the same */
		if (!evidence_key_parse(r.key, &key)) {
			must(!evidence_key_parse(str_of(evidence_key_print(&key, text)), &same));
			must(same.alg == key.alg && !memcmp(same.pub, key.pub, sizeof key.pub));
		}
		if (r.token)
			must(r.key.n &&
			     (str_is(r.by, "did") || str_is(r.by, "dcp") || str_is(r.by, "pinned")));
	}
	arena_free(a);
	return 0;
}
