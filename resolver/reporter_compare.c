/* Comparing the superior's copy with the registry, page by page, by digests. */
#include "resolver/reporter.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/text64.h"

enum { COMPARE_TRIES = 8 };

/* ---- comparing -------------------------------------------------------------------------- */

/* Until nothing is left to hand up; then a snapshot of exactly that. */
static enum err settle(struct reporter *r, struct store_txn **ret)
{
	for (int i = 0; i < COMPARE_TRIES; i++) {
		bool more = true;
		uint64_t head;
		enum err e = ERR_OK;
		while (more && !e) e = reporter_hand_up(r, &more);
		if (!e) e = store_read(r->rs->o.store, ret);
		if (e) return e;
		e = r->feed->driver->head(r->feed, *ret, &head);
		if (!e && head == r->scanned) return ERR_OK;
		store_read_end(*ret);
		if (e) return e;
	}
	snprintf(r->exchange.text, sizeof r->exchange.text, "the registry changes too fast to be compared");
	return ERR_BUSY;
}

static enum err own_page(struct store_txn *t, size_t i, struct str after, const struct report_page *page,
			 uint64_t *ret_rows, char digest[64])
{
	unsigned char out[HASH_SHA256];
	struct store_cursor *c;
	struct str key, value;
	struct hash *h = hash_new();
	uint64_t rows = 0;
	if (!h) return ERR_NO_MEMORY;
	enum err e = store_cursor_open(t, reported_tables[i].table, &c);
	if (!e) {
		e = store_cursor_seek(c, after, &key, &value);
		if (!e && after.n && str_eq(key, after)) e = store_cursor_next(c, &key, &value);
		for (; !e && (page->end || str_cmp(key, page->last) <= 0);
		     e = store_cursor_next(c, &key, &value)) {
			struct buf room = BUF_INIT(0);
			if (!reporter_row_wanted(reported_tables[i].table, key)) continue;
			e = reporter_row(reported_tables[i].table, key, value, &room, &value);
			if (!e) report_digest_row(h, key, value);
			buf_done(&room);
			if (e) break;
			rows++;
		}
		store_cursor_close(c);
	}
	hash_finish(h, out);
	hash_free(h);
	hex_write(out, sizeof out, digest);
	*ret_rows = rows;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static void differ(struct arena *a, size_t i, struct str after, struct report_outcome *o)
{
	struct str text = base64url_write(a, after);
	o->same = false;
	o->table = reported_tables[i].number;
	snprintf(o->after, sizeof o->after, "%.*s", STR_ARG(str_first(text, sizeof o->after - 1)));
}

static enum err compare_table(struct reporter *r, struct store_txn *t, size_t i, struct report_outcome *o)
{
	struct arena *a = arena_new(STEP_ARENA);
	char own[64], room[STORE_KEY_MAX];
	struct str after = STR("");
	struct report_page page = {.end = false};
	enum err e = a ? ERR_OK : ERR_NO_MEMORY;
	while (!e && !page.end && o->same) {
		struct report_call call;
		uint64_t rows;
		arena_reset(a);
		r->driver->digest(reported_tables[i].number, after, a, &call);
		e = reporter_exchange(r, &call);
		if (!e) e = r->driver->read_page(a, buf_str(&r->exchange.body), &page);
		if (!e && page.position != r->acked) e = ERR_PRECONDITION;
		if (!e && (page.last.n > sizeof room || (!page.end && str_cmp(page.last, after) <= 0)))
			e = ERR_UPSTREAM;
		if (!e) e = own_page(t, i, after, &page, &rows, own);
		if (e) break;
		o->rows[i] += rows;
		if (rows != page.rows || memcmp(own, page.digest, sizeof own) != 0) differ(a, i, after, o);
		if (page.last.n) memcpy(room, page.last.p, page.last.n);
		after = str_n(room, page.last.n);
	}
	arena_free(a);
	return e;
}

enum err reporter_compare(struct reporter *r, struct report_outcome *o)
{
	struct store_txn *t;
	r->placed = false; /* what the other side has, not what it once acknowledged */
	enum err e = settle(r, &t);
	if (e) return e;
	o->same = true;
	o->position = r->acked;
	for (size_t i = 0; i < reported_tables_n && !e && o->same; i++) e = compare_table(r, t, i, o);
	store_read_end(t);
	return e;
}
