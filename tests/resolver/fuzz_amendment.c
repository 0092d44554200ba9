/* The body of PATCH /registry/{id}, applied to a record: what is accepted gives a record that can be
 * packed, in order of index, with what nobody may write as it was; what is refused names the rule or the
 * member. */
#include <stdlib.h>

#include "resolver/amendment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_result(struct arena *a, struct record *r)
{
	struct buf out = BUF_INIT(RECORD_PACKED_MAX);
	struct record again;
	bool kept = false;
	r->id = STR("88.118.8/x");
	must(!record_check(a, r, NULL));
	for (size_t i = 0; i < r->values_n; i++) {
		const struct value *v = &r->values[i];
		must(!i || r->values[i - 1].index < v->index);
		kept |= v->index == 9 && str_is(v->data, "fixed");
	}
	must(kept);
	enum err e = record_pack(r, &out);
	must(!e || e == ERR_TOO_LARGE);
	if (!e) must(!record_unpack(a, buf_str(&out), NULL, &again) && again.values_n == r->values_n);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct value values[] = {
	    {.index = 100, .type = STR("HS_ADMIN"), .data = STR("a"), .permissions = VALUE_PERMISSIONS},
	    {.index = 9, .type = STR("DESC"), .data = STR("fixed"), .permissions = VALUE_PUBLIC_READ},
	    {.index = 1, .type = STR("URL"), .data = STR("u"), .permissions = VALUE_PERMISSIONS},
	};
	struct record r = {.values = values, .values_n = sizeof values / sizeof *values};
	struct arena *a = arena_new(64 << 20);
	struct amendments m;
	struct flaw f = {0};
	json_t *j;
	must(a);
	if (!json_read(a, str_n(data, size), NULL, &j)) {
		enum err e = amendments_parse(a, j, &f, &m);
		must(!e || f.rule[0] || f.at[0] || e == ERR_NO_MEMORY);
		if (!e) {
			e = amendments_apply(a, &m, &f, &r);
			must(!e || f.rule[0] || e == ERR_NO_MEMORY);
			must(!e || r.values == values);
		}
		if (!e) check_result(a, &r);
	}
	arena_free(a);
	return 0;
}
