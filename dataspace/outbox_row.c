/* Outbox entries in the store. Key: participant, be64 seq: sixteen times the microseconds of the batch,
 * counted up while taken or given out already by this process. Batches have the same time again and again
 * after the clock was set back, and an answer that is still under way must not find another letter. */
#include "dataspace/data_plane.h"
#include "dataspace/dataplane.h"
#include "dataspace/outbox.h"

enum { OUTBOX_FORMAT = 1 };

/* Writer threads only; of all nodes of the process. */
static _Atomic uint64_t seq_last;

static struct ds_key entry_key(struct str participant, uint64_t seq)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);

	ds_key_u64(&k, seq);
	return k;
}

enum err ds_outbox_add(struct writer_txn *t, struct ds_fx *fx, const struct ds_letter *l, uint64_t *ret_seq)
{
	Ds__Outbox row;
	uint64_t seq = (uint64_t)t->now * 16;
	struct ds_key k;
	struct str old;
	enum err e;

	must(l->kind > DS_OUTBOX_NONE && l->kind < DS_OUTBOX_END);
	if (seq <= seq_last) seq = seq_last + 1;
	for (;; seq++) {
		k = entry_key(l->participant, seq);
		e = store_get(t->store, DS_TABLE_outbox, ds_key_str(&k), &old);
		if (e == ERR_NOT_FOUND) break;
		if (e) return e;
	}
	seq_last = seq;
	ds__outbox__init(&row);
	row.format = OUTBOX_FORMAT;
	row.seq = seq;
	row.participant = arena_strdup(fx->arena, l->participant);
	row.kind = l->kind;
	row.pid = arena_strdup(fx->arena, l->pid);
	row.peer = arena_strdup(fx->arena, l->peer);
	row.url = arena_strdup(fx->arena, l->url);
	row.body = arena_strdup(fx->arena, l->body);
	row.target = l->target;
	row.due = row.created = t->now;
	if (arena_overflowed(fx->arena)) return ERR_NO_MEMORY;
	e = ds_row_put(t, DS_TABLE_outbox, &k, &row.base);
	if (e) return e;
	ds_fx_send(fx, l->participant, seq, t->now);
	if (ret_seq) *ret_seq = seq;
	return ERR_OK;
}

enum err ds_outbox_drop(struct writer_txn *t, struct str participant, uint64_t seq)
{
	struct ds_key k = entry_key(participant, seq);
	struct str old;
	enum err e = store_get(t->store, DS_TABLE_outbox, ds_key_str(&k), &old);

	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	return store_del(t->store, DS_TABLE_outbox, ds_key_str(&k));
}

enum err outbox_find(struct store_txn *t, struct arena *a, struct str participant, uint64_t seq,
		     Ds__Outbox **ret)
{
	struct ds_key k = entry_key(participant, seq);
	ProtobufCMessage *m;
	enum err e = ds_row_get(t, DS_TABLE_outbox, &k, a, &ds__outbox__descriptor, &m);

	if (!e) *ret = (Ds__Outbox *)m;
	return e;
}

enum err outbox_each(struct store_txn *t, struct arena *a, outbox_fn *fn, void *arg)
{
	struct store_cursor *c;
	struct str key, value;
	enum err e = store_cursor_open(t, DS_TABLE_outbox, &c);

	if (e) return e;
	for (e = store_cursor_seek(c, STR_NONE, &key, &value); !e; e = store_cursor_next(c, &key, &value)) {
		struct arena_mark mark = arena_mark(a);
		ProtobufCMessage *m;

		e = ds_row_unpack(value, a, &ds__outbox__descriptor, &m);
		if (!e) e = fn(arg, (const Ds__Outbox *)m);
		arena_rollback(a, mark);
		if (e) break;
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- answers ---- */

enum fate { FATE_DELIVERED, FATE_AGAIN, FATE_REFUSED };

/* Its data plane was removed: it is told so while that costs little, and not for a day. */
static enum err addressee_gone(struct writer_txn *t, struct arena *a, const Ds__Outbox *e, bool *ret)
{
	Ds__DataPlane *p;
	enum err err = e->kind == DS_OUTBOX_SIGNAL
			   ? data_plane_find(t->store, a, str_of(e->participant), str_of(e->peer), &p)
			   : ERR_OK;

	*ret = err == ERR_NOT_FOUND;
	return *ret ? ERR_OK : err;
}

static enum fate fate_of(const struct ds_options *o, const Ds__Outbox *e, bool gone, int status, usec_t now)
{
	if (status >= 200 && status < 300) return FATE_DELIVERED;
	if (now - e->created >= o->outbox_age) return FATE_REFUSED;
	if (gone || status == 401 || status == 404 || status == 409)
		return e->attempts + 1 < o->outbox_tries ? FATE_AGAIN : FATE_REFUSED;
	if (status == 0 || status == 408 || status == 425 || status == 429 || status >= 500)
		return FATE_AGAIN;
	return FATE_REFUSED;
}

static enum err again(const struct ds_options *o, struct writer_txn *t, struct ds_fx *fx, Ds__Outbox *e,
		      struct str error)
{
	struct ds_key k = entry_key(str_of(e->participant), e->seq);
	usec_t wait = o->outbox_retry;
	uint16_t dice;
	enum err err;

	for (uint32_t i = 0; i < e->attempts && wait < o->outbox_retry_max; i++) wait *= 2;
	if (wait > o->outbox_retry_max) wait = o->outbox_retry_max;
	random_bytes(&dice, sizeof dice);
	wait += wait / 4 * dice / 65536; /* so that a crowd does not come back as a crowd */
	e->attempts++;
	e->due = t->now + wait;
	e->last_error = arena_strdup(fx->arena, error);
	if (!e->last_error) return ERR_NO_MEMORY;
	err = ds_row_put(t, DS_TABLE_outbox, &k, &e->base);
	if (err) return err;
	ds_fx_send(fx, str_of(e->participant), e->seq, e->due);
	return ERR_OK;
}

enum err outbox_settle(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
		       const Ds__Outbox *e, int status, struct str body)
{
	switch ((enum ds_outbox_kind)e->kind) {
#define X(name, fn)                                                                                        \
	case DS_OUTBOX_##name: return fn(d, t, fx, a, e, status, body);
		DS_OUTBOX_KINDS(X)
#undef X
	case DS_OUTBOX_NONE:
	case DS_OUTBOX_END: break;
	}
	return ERR_CORRUPT;
}

enum err outbox_answered(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			 struct str participant, uint64_t seq, int status, struct str body,
			 struct str error)
{
	Ds__Outbox *row;
	bool gone;
	enum err e = outbox_find(t->store, a, participant, seq, &row);

	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if ((e = addressee_gone(t, a, row, &gone))) return e;
	switch (fate_of(&d->o, row, gone, status, t->now)) {
	case FATE_AGAIN:
		d->stat.messages_retried++;
		e = again(&d->o, t, fx, row, error);
		if (!e) ds_fx_changed(fx, participant, str_of(row->pid));
		return e;
	case FATE_DELIVERED: d->stat.messages_out++; break;
	case FATE_REFUSED:
		d->stat.messages_dead++;
		if ((e = outbox_bury(t, a, row, status, body.n ? body : error))) return e;
		break;
	}
	e = ds_outbox_drop(t, participant, seq);
	return e ? e : outbox_settle(d, t, fx, a, row, status, body.n || status ? body : error);
}
