#include "tools/kanhe/load_run.h"

#include <stdlib.h>

#include "proto/id/id.h"
#include "proto/pb/record.h"

enum {
	RUN_OCTETS = 256 << 20, /* a quarter of the largest file: most files are one run */
	ITEMS_FIRST = 4096,
	VARINT_MAX = 10,
	ITEM_MAX = ID_KEY_MAX + VARINT_MAX + RECORD_PACKED_MAX,
	RECORD_ARENA = 16 << 20 /* one record while it is read */
};

/* Places in the run's octets, which move as they grow: the key, then the record up to the end. */
struct run_item {
	uint32_t at, key_n, record_n, order;
};

_Static_assert((unsigned)RUN_OCTETS + ITEM_MAX < UINT32_MAX, "places fit");

void run_init(struct run *r)
{
	*r = (struct run){.arena = arena_new(RECORD_ARENA), .full = RUN_OCTETS};
	must(r->arena != NULL);
	buf_init(&r->octets, RUN_OCTETS + ITEM_MAX);
	buf_init(&r->packed, RECORD_PACKED_MAX);
}

void run_done(struct run *r)
{
	free(r->items);
	buf_done(&r->octets);
	buf_done(&r->packed);
	arena_free(r->arena);
}

void run_clear(struct run *r)
{
	r->n = 0;
	buf_clear(&r->octets);
}

bool run_full(const struct run *r)
{
	return r->octets.n > r->full;
}

static struct run_item *next_item(struct run *r)
{
	if (r->n == r->room) {
		size_t room = r->room ? r->room * 2 : ITEMS_FIRST;
		struct run_item *more = realloc(r->items, room * sizeof *more);
		if (!more) return NULL;
		r->items = more;
		r->room = room;
	}
	return &r->items[r->n];
}

enum err run_keep(struct run *r, struct str key, struct str packed)
{
	struct run_item *item = next_item(r);
	if (!item) return ERR_NO_MEMORY;
	size_t at = r->octets.n;
	buf_add(&r->octets, key);
	for (size_t n = packed.n;; n >>= 7) {
		buf_byte(&r->octets, (char)((n & 0x7f) | (n > 0x7f ? 0x80 : 0)));
		if (n <= 0x7f) break;
	}
	buf_add(&r->octets, packed);
	if (buf_err(&r->octets)) return buf_err(&r->octets);
	*item = (struct run_item){(uint32_t)at, (uint32_t)key.n, (uint32_t)(r->octets.n - at - key.n),
				  (uint32_t)r->n};
	r->n++;
	return ERR_OK;
}

enum err run_add(struct run *r, json_t *record, struct flaw *f)
{
	struct record m;
	struct id id;
	must(!run_full(r));
	buf_clear(&r->packed);
	enum err e = record_parse_json(r->arena, record, f, &m);
	if (!e) {
		e = id_parse(r->arena, m.id, f, &id);
		if (e && f->err == e) snprintf(f->at, sizeof f->at, "id");
	}
	if (!e) e = record_pack(&m, &r->packed);
	if (!e) e = run_keep(r, id.key, buf_str(&r->packed));
	arena_reset(r->arena);
	if (e && f->err != e) flaw_set(f, e, FLAW_NO_OFFSET, "", NULL, "%s", err_text(e));
	return e;
}

static struct str key_of(const struct run *r, const struct run_item *i)
{
	return str_n(r->octets.p + i->at, i->key_n);
}

static int by_key(const void *a, const void *b, void *run)
{
	const struct run_item *x = a, *y = b;
	int order = str_cmp(key_of(run, x), key_of(run, y));
	return order ? order : (x->order > y->order) - (x->order < y->order);
}

void run_sort(struct run *r)
{
	qsort_r(r->items, r->n, sizeof *r->items, by_key, r);
}

struct str run_record(const struct run *r, size_t i)
{
	const struct run_item *item = &r->items[i];
	return str_n(r->octets.p + item->at + item->key_n, item->record_n);
}

struct str run_key(const struct run *r, size_t i)
{
	return key_of(r, &r->items[i]);
}

bool run_again(const struct run *r, size_t i)
{
	return i && str_eq(key_of(r, &r->items[i - 1]), key_of(r, &r->items[i]));
}
