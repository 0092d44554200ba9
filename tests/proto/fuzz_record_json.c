/* Records in JSON: what is accepted packs, and its JSON face reads back to the same values. */
#include "proto/pb/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void face(struct arena *a, const struct record *r)
{
	struct buf packed = BUF_INIT(RECORD_PACKED_MAX), out = BUF_INIT(8 << 20);
	struct record back, unpacked;
	struct flaw f;
	json_t *j;
	enum err e = record_check(a, r, &f);
	must(!e || r->id.n > RECORD_ID_MAX || memchr(r->id.p, 0, r->id.n));
	if (!e && !record_pack(r, &packed) && !memchr(r->id.p, 0, r->id.n)) {
		must(!record_unpack(a, buf_str(&packed), &f, &unpacked));
		must(!record_write_json(buf_str(&packed), RECORD_ADMIN, &out));
		must(!json_read_large(a, buf_str(&out), &f, &j) && !record_parse_json(a, j, &f, &back));
		for (size_t i = 0, k = 0; i < r->values_n; i++) {
			must(str_eq(unpacked.values[i].data, r->values[i].data));
			if (!(r->values[i].permissions & (VALUE_PUBLIC_READ | VALUE_ADMIN_READ))) continue;
			must(str_eq(back.values[k].data, r->values[i].data));
			must(back.values[k].ttl == r->values[i].ttl &&
			     back.values[k].references_n == r->values[i].references_n);
			k++;
		}
	}
	buf_done(&packed);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(16 << 20);
	struct record r;
	struct flaw f = {0};
	json_t *j;
	must(a);
	if (!json_read(a, str_n(data, n), &f, &j)) {
		enum err e = record_parse_json(a, j, &f, &r);
		must(!e || f.err == e);
		if (!e) face(a, &r);
	}
	arena_free(a);
	return 0;
}
