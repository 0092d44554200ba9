/* Contents of older formats of the environment `registry`, brought to that of this version. */
#include "resolver/resolver.h"
#include "resolver/reverse_series.h"
#include "resolver/series.h"
#include "resolver/templates.h"

enum { ROW_ARENA = 8 << 20 };

struct place {
	char key[STORE_KEY_MAX];
	size_t n;
};

/* The row behind the place: its packed record as a copy, for writes end what is borrowed. ERR_NOT_FOUND. */
static enum err next_series(struct store_txn *t, struct place *p, struct arena *a, struct str *ret)
{
	struct store_cursor *c;
	struct series s;
	struct str key, row, after = str_n(p->key, p->n);
	enum err e = store_cursor_open(t, RS_TABLE_series, &c);
	if (e) return e;
	e = store_cursor_seek(c, after, &key, &row);
	if (!e && p->n && str_eq(key, after)) e = store_cursor_next(c, &key, &row);
	if (!e) e = series_row_read(key, row, &s);
	if (!e) {
		memcpy(p->key, key.p, key.n);
		p->n = key.n;
		*ret = arena_dup(a, s.packed);
		if (!ret->p) e = ERR_NO_MEMORY;
	}
	store_cursor_close(c);
	return e;
}

static enum err note_use(struct store_txn *t, struct arena *a, struct str packed)
{
	struct template_bond b;
	struct series_pattern p;
	struct record_head head;
	enum err e = record_peek(packed, &head);
	if (!e) e = series_pattern_parse(a, head.id, NULL, &p);
	if (!e) e = series_bond_of(t, packed, &p.first, a, &b);
	if (e || !b.was) return e;
	b.is = true;
	b.was = false;
	memcpy(b.new, b.old, sizeof b.new);
	return templates_bond_series(t, &p.first, p.text, &b);
}

/* Before format 4 a series was no use of the metadata template that it names. */
static enum err note_uses(struct store_txn *t)
{
	struct arena *a = arena_new(ROW_ARENA);
	struct place p = {.n = 0};
	struct str packed;
	enum err e = a ? ERR_OK : ERR_NO_MEMORY;
	while (!e) {
		e = next_series(t, &p, a, &packed);
		if (!e) e = note_use(t, a, packed);
		arena_reset(a);
	}
	arena_free(a);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Before format 6 the reverse index knew nothing of series. */
static enum err index_series(struct store_txn *t)
{
	struct arena *a = arena_new(ROW_ARENA);
	enum err e = a ? reverse_series_make(t, a) : ERR_NO_MEMORY;
	arena_free(a);
	return e;
}

enum err rs_migrate(struct store_txn *t, uint32_t from)
{
	enum err e = from < 4 ? note_uses(t) : ERR_OK;
	return !e && from < 6 ? index_series(t) : e;
}
