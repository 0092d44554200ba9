/* Handing core data up: what the change feed tells, or a whole copy when it does not reach back. Rows are
 * read of tables that others own, as a copy of the whole store would: octets in, octets out, looked into
 * only where some must stay (reporter_rows.c). */
#include "resolver/reporter.h"

#include <stdlib.h>

#include "base/ledger.h"
#include "base/writer.h"

const struct reported_table reported_tables[] = {
#define X(up, number, low) {number, RS_TABLE_##low},
    REPORT_TABLES(X)
#undef X
};
const size_t reported_tables_n = sizeof reported_tables / sizeof *reported_tables;

static unsigned number_of(unsigned table)
{
	for (size_t i = 0; i < reported_tables_n; i++)
		if (reported_tables[i].table == table) return reported_tables[i].number;
	return 0;
}

/* ---- handing up ------------------------------------------------------------------------- */

struct note_cmd {
	struct writer_cmd cmd;
	uint64_t position;
};

static enum err apply_note(struct writer_cmd *c, struct writer_txn *t)
{
	unsigned char row[8];
	store_key_u64(row, ((struct note_cmd *)c)->position);
	return store_put(t->store, RS_TABLE_handed, STR("position"), str_n(row, sizeof row));
}

static enum err acknowledged(struct reporter *r, uint64_t position)
{
	struct note_cmd c = {.cmd = {.apply = apply_note}, .position = position};
	r->acked = r->scanned = position;
	r->offset = 0;
	pthread_mutex_lock(&r->lock);
	r->status.batches++;
	r->status.position = position;
	r->status.last_sync = clock_wall();
	r->status.error[0] = 0;
	pthread_mutex_unlock(&r->lock);
	return writer_run(r->rs->o.writer, &c.cmd);
}

/* Takes over what the other side says it has. */
static enum err take_place(struct reporter *r)
{
	struct report_place p;
	struct arena *a = arena_new(STEP_ARENA);
	enum err e = a ? r->driver->read_place(a, buf_str(&r->exchange.body), &p) : ERR_NO_MEMORY;
	arena_free(a);
	if (e) return e;
	r->acked = r->scanned = p.position;
	r->offset =
	    0; /* an entry that came in part comes again from its beginning: the same rows once more */
	r->placed = true;
	pthread_mutex_lock(&r->lock);
	r->status.position = p.position;
	pthread_mutex_unlock(&r->lock);
	return ERR_OK;
}

static enum err ask_place(struct reporter *r)
{
	struct report_call call;
	r->driver->where(&call);
	enum err e = reporter_exchange(r, &call);
	if (!e && r->exchange.status != 200) e = ERR_UPSTREAM;
	return e ? e : take_place(r);
}

static enum err send_batch(struct reporter *r, struct report_call *call, const struct report_batch *b)
{
	r->driver->batch_close(call, b);
	return reporter_exchange(r, call);
}

struct batch {
	struct report_call call;
	struct report_batch b;
	unsigned char root[32];
	size_t ops;
};

static void batch_open(struct reporter *r, struct batch *b)
{
	b->b.ledger_root = b->root;
	b->ops = 0;
	r->driver->batch_open(&b->b, &b->call);
}

/* What the table has goes up for a put that the feed tells by its key: a later change, which has an entry
 * of its own, may have come to be already. */
static enum err add_op(struct reporter *r, struct store_txn *t, struct batch *b, const struct feed_op *op)
{
	unsigned number = number_of(op->table);
	struct str value = op->value;
	bool there = op->kind == FEED_PUT || op->kind == FEED_KEY;
	if (!number || !reporter_row_wanted(op->table, op->key) || op->kind == FEED_WAS) return ERR_OK;
	enum err e = op->kind == FEED_KEY ? store_get(t, op->table, op->key, &value) : ERR_OK;
	if (e && e != ERR_NOT_FOUND) return e;
	there = there && !e;
	struct buf room = BUF_INIT(0);
	e = there ? reporter_row(op->table, op->key, value, &room, &value) : ERR_OK;
	if (!e) r->driver->batch_op(&b->call, number, op->key, there ? &value : NULL);
	b->ops += !e;
	buf_done(&room);
	return e;
}

/* Operations of one entry from an offset; *ret_full: the batch is full before its end. */
static enum err add_entry(struct reporter *r, struct store_txn *t, struct batch *b,
			  const struct feed_entry *entry, size_t *offset, bool *ret_full)
{
	struct feed_walk ops;
	struct feed_op op;
	feed_walk_begin(&ops, entry);
	enum err e = feed_walk_skip(&ops, *offset);
	while (!e && b->call.body.n < REPORT_BODY) {
		e = feed_next(&ops, &op);
		if (!e) e = add_op(r, t, b, &op);
		if (!e) *offset = entry->ops.n - ops.rest.n;
	}
	if (e && e != ERR_NOT_FOUND) return e;
	*ret_full = ops.rest.n > 0;
	b->b.to = entry->position;
	b->b.ledger_size = entry->ledger_size;
	memcpy(b->root, entry->ledger_root, 32);
	return ERR_OK;
}

/* Fills a batch with what comes after what is acknowledged. */
static enum err fill(struct reporter *r, struct store_txn *t, struct batch *b, size_t *ret_offset,
		     bool *ret_idle)
{
	uint64_t head, p;
	struct feed_entry entry;
	size_t offset = r->offset;
	enum err e = r->feed->driver->head(r->feed, t, &head);
	pthread_mutex_lock(&r->lock);
	r->status.head = head;
	pthread_mutex_unlock(&r->lock);
	if (!e && r->acked > head)
		e = ERR_GONE; /* a registry put back from a backup: nothing fits any more */
	b->b = (struct report_batch){.from = r->acked + 1, .to = r->acked};
	batch_open(r, b);
	for (p = r->scanned + 1; !e && p <= head && p - r->scanned <= REPORT_ENTRIES; p++) {
		e = r->feed->driver->read(r->feed, t, p, &entry);
		if (e) break;
		e = add_entry(r, t, b, &entry, &offset, &b->b.more);
		if (e || b->b.more) break;
		offset = 0;
		if (b->call.body.n >= REPORT_BODY) break;
	}
	*ret_offset = offset;
	*ret_idle = !e && !b->ops && !b->b.more;
	if (*ret_idle) r->scanned = b->b.to > r->scanned ? b->b.to : r->scanned;
	return e;
}

enum err reporter_hand_up(struct reporter *r, bool *ret_more)
{
	struct store_txn *t;
	struct batch b;
	size_t offset;
	bool idle;
	*ret_more = false;
	enum err e = r->placed ? ERR_OK : ask_place(r);
	if (!e) e = store_read(r->rs->o.store, &t);
	if (e) return e;
	e = fill(r, t, &b, &offset, &idle);
	uint64_t head = r->status.head;
	store_read_end(t);
	if (e || idle) {
		buf_done(&b.call.body);
		*ret_more = !e && r->scanned < head;
		return e == ERR_GONE ? reporter_whole_copy(r) : e;
	}
	*ret_more = true;
	e = send_batch(r, &b.call, &b.b);
	if (e) return e;
	if (r->exchange.status == 409) return take_place(r);
	if (!b.b.more) return acknowledged(r, b.b.to);
	r->offset = offset;
	r->scanned = b.b.to - 1; /* the rest of it next */
	return ERR_OK;
}

/* ---- a whole copy ----------------------------------------------------------------------- */

static enum err flush(struct reporter *r, struct batch *b, bool end)
{
	b->b.end = end;
	enum err e = send_batch(r, &b->call, &b->b);
	if (!e && r->exchange.status != 200) e = ERR_UPSTREAM;
	b->b.begin = false;
	return e;
}

static enum err copy_table(struct reporter *r, struct store_txn *t, struct batch *b, size_t i)
{
	struct store_cursor *c;
	struct str key, value;
	enum err e = store_cursor_open(t, reported_tables[i].table, &c);
	if (e) return e;
	for (e = store_cursor_seek(c, STR(""), &key, &value); !e; e = store_cursor_next(c, &key, &value)) {
		struct buf room = BUF_INIT(0);
		if (!reporter_row_wanted(reported_tables[i].table, key)) continue;
		e = reporter_row(reported_tables[i].table, key, value, &room, &value);
		if (!e) r->driver->batch_op(&b->call, reported_tables[i].number, key, &value);
		buf_done(&room);
		if (e) break;
		if (b->call.body.n < REPORT_BODY) continue;
		e = flush(r, b, false);
		if (e) break;
		batch_open(r, b);
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Everything, from one snapshot, when the feed does not reach back any more. */
enum err reporter_whole_copy(struct reporter *r)
{
	struct store_txn *t;
	struct batch b = {.ops = 0};
	struct merkle_hash root;
	uint64_t head;
	enum err e = store_read(r->rs->o.store, &t);
	if (e) return e;
	e = r->feed->driver->head(r->feed, t, &head);
	if (!e) e = ledger_root(t, &root);
	if (!e) {
		b.b = (struct report_batch){
		    .from = head, .to = head, .ledger_size = ledger_size(t), .full = true, .begin = true};
		memcpy(b.root, &root, 32);
		batch_open(r, &b);
		for (size_t i = 0; i < reported_tables_n && !e; i++) e = copy_table(r, t, &b, i);
		if (!e)
			e = flush(r, &b, true);
		else
			buf_done(&b.call.body);
	}
	store_read_end(t);
	return e ? e : acknowledged(r, head);
}
