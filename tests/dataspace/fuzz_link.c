/* Link fields of a peer's catalog: whatever it sends, only its own origin is followed. */
#include "dataspace/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str base = STR("https://peer.example:8443/p/x/dsp/2025-1"), next;
	struct arena *a = arena_new(1 << 20);
	struct flaw f = {0};

	if (a && !link_next(a, str_n(data, n), base, &f, &next) && next.n) {
		must(str_starts_nocase(next, STR("https://peer.example:8443")));
		must(next.n == 25 || strchr("/?#", next.p[25]));
		must(next.n <= DS_URL_MAX && !memchr(next.p, '\n', next.n));
	}
	arena_free(a);
	return 0;
}
