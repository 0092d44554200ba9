/* The catalogs' filter language: any JSON as a filter and as a dataset. What is refused names place and
 * rule. */
#include "proto/dsp/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Input: a filter, a NUL, a dataset. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str all = str_n(data, n), filter = str_first(all, str_find(all, 0));
	struct arena *a = arena_new(8 << 20);
	struct dsp_filter q;
	struct flaw f = {0};
	json_t *j, *dataset;

	if (a && !json_read(a, filter, NULL, &j)) {
		enum err e = dsp_filter_parse(j, &f, &q);

		must(!e || (f.err == e && f.rule[0] && f.at[0]));
		if (!e && !json_read(a, str_skip(all, filter.n + 1), NULL, &dataset)) {
			bool found = dsp_filter_match(&q, dataset);

			must(!found || q.criteria == json_array_size(j));
			must(found || q.criteria);
		}
	}
	arena_free(a);
	return 0;
}
