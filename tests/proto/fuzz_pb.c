/* Protobuf messages: the first octet chooses which. What is accepted packs again, and what was packed
 * is accepted and packs to the same octets. Readers that trust their octets must survive any. */
#include "proto/pb/answer.h"
#include "proto/pb/delegation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum err record_again(struct arena *a, struct str s, struct buf *out)
{
	struct record r;
	struct flaw f;
	enum err e = record_unpack(a, s, &f, &r);
	return e ? e : record_pack(&r, out);
}

static enum err answer_again(struct arena *a, struct str s, struct buf *out)
{
	struct answer m;
	struct flaw f;
	enum err e = answer_unpack(a, s, &f, &m);
	return e ? e : answer_pack(&m, out);
}

static enum err delegation_again(struct arena *a, struct str s, struct buf *out)
{
	struct delegation d;
	struct flaw f;
	enum err e = delegation_unpack(a, s, &f, &d);
	return e ? e : delegation_pack(&d, out);
}

static enum err envelope_again(struct arena *a, struct str s, struct buf *out)
{
	struct envelope m;
	struct flaw f;
	(void)a;
	enum err e = envelope_unpack(s, &f, &m);
	return e ? e : envelope_pack(&m, out);
}

static enum err request_again(struct arena *a, struct str s, struct buf *out)
{
	struct batch_request m;
	struct flaw f;
	enum err e = batch_request_unpack(a, s, &f, &m);
	return e ? e : batch_request_pack(&m, out);
}

static enum err batch_again(struct arena *a, struct str s, struct buf *out)
{
	struct batch_answer m;
	struct flaw f;
	enum err e = batch_answer_unpack(a, s, &f, &m);
	return e ? e : batch_answer_pack(&m, out);
}

static enum err (*const again[])(struct arena *a, struct str s, struct buf *out) = {
    record_again, answer_again, delegation_again, envelope_again, request_again, batch_again,
};

/* The JSON face shows every readable value of an accepted record, and can be registered again. */
static void json_face(struct arena *a, struct str packed)
{
	struct buf out = BUF_INIT(8 << 20);
	struct record r, back;
	struct flaw f;
	json_t *j;
	if (!record_unpack(a, packed, &f, &r) && !record_write_json(packed, RECORD_ADMIN, &out)) {
		must(!json_read_large(a, buf_str(&out), &f, &j));
		must(!record_parse_json(a, j, &f, &back));
		must(str_eq(back.id, r.id));
		for (size_t i = 0, k = 0; i < r.values_n; i++) {
			if (!(r.values[i].permissions & (VALUE_PUBLIC_READ | VALUE_ADMIN_READ))) continue;
			must(k < back.values_n && str_eq(back.values[k].data, r.values[i].data));
			must(str_eq(back.values[k].type, r.values[i].type) &&
			     back.values[k].index == r.values[i].index);
			k++;
		}
	}
	buf_clear(&out);
	(void)!record_write_json(packed, RECORD_PUBLIC, &out);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!n || data[0] >= sizeof again / sizeof *again) return 0;
	struct arena *a = arena_new(16 << 20);
	struct buf one = BUF_INIT(8 << 20), two = BUF_INIT(8 << 20);
	struct str s = str_n(data + 1, n - 1);
	must(a);
	if (!again[data[0]](a, s, &one)) {
		must(!again[data[0]](a, buf_str(&one), &two));
		must(str_eq(buf_str(&one), buf_str(&two)));
	}
	if (data[0] == 0) {
		struct record_head h;
		struct value v;
		struct str rest = s;
		(void)!record_peek(s, &h);
		while (!record_next_value(&rest, &v)) must(rest.n < s.n);
		json_face(a, s);
	}
	buf_done(&one);
	buf_done(&two);
	arena_free(a);
	return 0;
}
