/* Data Plane Signaling: what a parser accepts, its writer writes and it accepts again. */
#include "proto/dps/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(64 << 20);
	json_t *j;

	must(a);
	for (int t = 0; t < DPS_TYPE_COUNT && !json_read(a, str_n(data, n), NULL, &j); t++) {
		struct dps_message m, again;
		struct flaw f = {0};
		enum err e = dps_parse((enum dps_type)t, j, &f, &m);

		must(!e || (f.err == e && f.rule[0]));
		if (!e) must(!dps_parse((enum dps_type)t, dps_write(a, (enum dps_type)t, &m), &f, &again));
	}
	arena_free(a);
	return 0;
}
