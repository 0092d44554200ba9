/* Dossiers as anybody may hand them over: read and proved, or refused with the member or the rule. What was
 * proved once is refused with another key. */
#include "resolver/dossier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char other[SIGN_PUBLIC] = {1};
	struct arena *a = arena_new(64 << 20);
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct dossier d;
	must(a && !sign_setup());
	enum err e = dossier_verify(a, str_n(data, size), NULL, &f, &d);
	must(!e || e == ERR_NO_MEMORY || (f.err == e && f.text[0]));
	if (!e) {
		must(d.entries && d.entries <= d.tree_size && d.exported.n);
		must(dossier_verify(a, str_n(data, size), other, &f, &d) == ERR_BAD_SIGNATURE);
	}
	arena_free(a);
	return 0;
}
