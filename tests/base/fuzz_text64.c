/* Each value has one text: what is read is written as the same text, and the other way round. */
#include <stdint.h>

#include "base/text64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(64 << 20);
	struct str in = str_n(data, n), octets, back;
	must(a);
	if (!base64url_parse(a, in, &octets)) must(str_eq(base64url_write(a, octets), in));
	if (!base64_parse(a, in, &octets)) must(str_eq(base64_write(a, octets), in));
	if (!base58_parse(a, in, &octets)) must(str_eq(base58_write(a, octets), in));
	must(!base64url_parse(a, base64url_write(a, in), &back) && str_eq(back, in));
	must(!base64_parse(a, base64_write(a, in), &back) && str_eq(back, in));
	if (n <= BASE58_OCTETS_MAX) must(!base58_parse(a, base58_write(a, in), &back) && str_eq(back, in));
	arena_free(a);
	return 0;
}
