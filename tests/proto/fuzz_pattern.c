/* A pattern and a text, a line feed between them: refused by name, or decided within the budget; always the
 * same, and in a group as without one. */
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "proto/vc/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum err find(struct str pattern, struct str text, bool *ret)
{
	unsigned budget = VC_PATTERN_BUDGET / 10;
	const char *what = "";
	enum err e = vc_pattern_find(pattern, text, &budget, &what, ret);

	must(!e || (e == ERR_UNSUPPORTED && what[0]) || (e == ERR_TOO_LARGE && !budget));
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str all = str_n(data, n), pattern = str_first(all, str_find(all, '\n')),
		   text = str_skip(all, pattern.n + 1), grouped;
	struct arena *a = arena_new(1 << 20);
	bool found = false, again = false;
	enum err e;

	must(a);
	if (n < 8192 && str_utf8_ok(all, NULL)) {
		e = find(pattern, text, &found);
		must(find(pattern, text, &again) == e && again == found);
		grouped = arena_printf(a, "(?:%.*s)", STR_ARG(pattern));
		again = found;
		if (!find(grouped, text, &again) && !e) must(again == found);
	}
	arena_free(a);
	return 0;
}
