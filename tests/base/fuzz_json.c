/* What is read is written as the same value, and its canonical form is a fixed point. */
#include <stdint.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_canonical(struct arena *a, const json_t *j)
{
	struct buf once = BUF_INIT(64 << 20), twice = BUF_INIT(64 << 20);
	json_t *again = NULL;
	if (!json_jcs(j, &once) && !json_read_large(a, buf_str(&once), NULL, &again)) {
		/* a whole double beyond 2^53 comes back as an integer, which has no canonical form */
		enum err e = json_jcs(again, &twice);
		must(e == ERR_BAD_JSON || (!e && str_eq(buf_str(&once), buf_str(&twice))));
	}
	buf_done(&once);
	buf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(64 << 20);
	struct flaw f = {0};
	json_t *j = NULL, *again = NULL;
	must(a);
	if (!json_read(a, str_n(data, n), &f, &j)) {
		for (int pretty = 0; pretty < 2; pretty++) {
			struct str text = json_write(a, j, pretty);
			must(text.p && !json_read_large(a, text, &f, &again) && json_equal(j, again));
		}
		check_canonical(a, j);
	} else {
		must(f.err && f.rule[0] && f.offset <= n);
	}
	arena_free(a);
	return 0;
}
