/* A schema of a stranger and a value, as [schema, value]: it is kept, refused by a keyword, or cannot be
 * evaluated; always the same, and always at an end. */
#include <stdint.h>

#include "proto/vc/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(32 << 20);
	struct flaw f = {0}, again = {0};
	json_t *j;
	must(a);
	if (!json_read(a, str_n(data, n), NULL, &j) && json_array_size(j) == 2) {
		enum err e = vc_schema_check(json_array_get(j, 0), json_array_get(j, 1), "x", &f);
		must(!e ||
		     ((e == ERR_BAD_MESSAGE || e == ERR_BAD_INPUT) && f.err == e && f.rule[0] && f.at[0]));
		must(vc_schema_check(json_array_get(j, 0), json_array_get(j, 1), "x", &again) == e);
		must(!strcmp(f.rule, again.rule));
	}
	arena_free(a);
	return 0;
}
