/* Streams of records. The first octet chooses form and cut. Where lines begin and end must not depend on
 * how the input is cut; a record that was read is written and read again as an equal one. */
#include "proto/bulk/bulk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { COLUMNS = 6, STEPS_MAX = 1 << 16 };

static struct bulk_column all[COLUMNS] = {
    {BULK_ID, 0, {0}},        {BULK_VALUE, 1, {"URL", 3}}, {BULK_TTL, 0, {0}},
    {BULK_TIMESTAMP, 0, {0}}, {BULK_VALUES, 0, {0}},       {BULK_PATTERN, 0, {0}},
};
static const struct bulk_columns columns = {all, COLUMNS};

static void assert_equal(const struct record *x, const struct record *y)
{
	size_t found = 0, visible = 0;
	must(str_eq(x->id, y->id) && x->series == y->series);
	for (size_t i = 0; i < x->values_n; i++) {
		const struct value *v = &x->values[i];
		if (!(v->permissions & (VALUE_PUBLIC_READ | VALUE_ADMIN_READ))) continue;
		visible++;
		for (size_t k = 0; k < y->values_n; k++) {
			const struct value *w = &y->values[k];
			if (w->index != v->index) continue;
			must(str_eq(v->type, w->type) && str_eq(v->data, w->data) && v->ttl == w->ttl);
			must(v->ttl_absolute == w->ttl_absolute && v->permissions == w->permissions);
			must(v->references_n == w->references_n && v->timestamp == w->timestamp);
			found++;
		}
	}
	must(found == visible && y->values_n == visible);
}

static void round_trip(struct arena *a, const struct record *r)
{
	struct buf packed = BUF_INIT(RECORD_PACKED_MAX), out = BUF_INIT(8 << 20);
	bool writable = r->id.n && !memchr(r->id.p, 0, r->id.n) && !record_check(a, r, NULL);
	for (size_t i = 0; i < r->values_n; i++) /* four digits of a year */
		writable &= r->values[i].timestamp < UINT64_C(253402300800);
	if (writable && !record_pack(r, &packed)) {
		for (enum bulk_form form = BULK_CSV; form <= BULK_PROTOBUF; form++) {
			struct bulk_split s = {.form = form};
			struct bulk_line line;
			struct record back;
			struct flaw f = {0};
			buf_clear(&out);
			enum err e = r->series
					 ? bulk_write_series(a, form, &columns, buf_str(&packed), &out)
					 : bulk_write(a, form, &columns, buf_str(&packed), &out);
			must(!e && !buf_err(&out));
			e = bulk_next(&s, buf_str(&out), true, &f, &line);
			must(!e && (line.n == out.n || line.too_long));
			if (line.too_long) continue;
			must(!bulk_record(a, form, &columns, line.octets, &f, &back));
			assert_equal(r, &back);
		}
	}
	buf_done(&packed);
	buf_done(&out);
}

/* A stream that is given in pieces. */
struct stream {
	struct bulk_split split;
	struct str input;
	size_t piece, at, given;
	uint64_t lines;
};

/* The next line with something in it. */
static enum err next_line(struct stream *s, struct bulk_line *ret)
{
	for (;;) {
		struct flaw f;
		bool last = s->given == s->input.n;
		enum err e =
		    bulk_next(&s->split, str_n(s->input.p + s->at, s->given - s->at), last, &f, ret);
		if (!e) {
			must(ret->n);
			s->at += ret->n;
			s->lines += ret->lines;
			if (!ret->empty) return ERR_OK;
		} else if (e != ERR_NOT_FOUND || last) {
			return e;
		} else {
			s->given = s->input.n - s->given > s->piece ? s->given + s->piece : s->input.n;
		}
	}
}

static void cut_alike(enum bulk_form form, struct str input, size_t piece)
{
	struct stream whole = {.split = {.form = form}, .input = input, .piece = input.n},
		      cut = {.split = {.form = form}, .input = input, .piece = piece};
	for (int i = 0; i < STEPS_MAX; i++) {
		struct bulk_line x, y;
		enum err e = next_line(&whole, &x);
		must(next_line(&cut, &y) == e);
		if (e) return;
		must(str_eq(x.octets, y.octets) && x.too_long == y.too_long);
		must(whole.at == cut.at && whole.lines == cut.lines);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!n) return 0;
	enum bulk_form form = (enum bulk_form)(1 + data[0] % 3);
	struct str input = str_n(data + 1, n - 1), rest = input;
	struct bulk_split s = {.form = form};
	struct bulk_line line;
	struct bulk_columns own = columns;
	struct flaw f;
	struct arena *a = arena_new(64 << 20);
	bool header = form == BULK_CSV;
	must(a);
	cut_alike(form, input, 1 + data[0] / 3);
	while (!bulk_next(&s, rest, true, &f, &line)) {
		struct arena_mark mark = arena_mark(a);
		struct record r;
		rest = str_skip(rest, line.n);
		if (line.empty || line.too_long) continue;
		if (header) {
			header = false;
			flaw_init(&f);
			enum err e = bulk_columns_parse(a, line.octets, &f, &own);
			must(!e || e == ERR_NO_MEMORY || f.err == e);
			if (e) own = columns;
			continue;
		}
		flaw_init(&f);
		enum err e = bulk_record(a, form, &own, line.octets, &f, &r);
		must(!e || e == ERR_NO_MEMORY || f.err == e);
		if (!e) round_trip(a, &r);
		arena_rollback(a, mark);
	}
	arena_free(a);
	return 0;
}
