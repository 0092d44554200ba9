/* A start: what the journals hold beyond LMDB is put back into a memtable, for the folding thread.
 *
 * Row "folded" of STORE_META: be64 number of the store, be64 last commit that is in LMDB. */
#include "base/store_env.h"

#include <lmdb.h>
#include <stdlib.h>

#include "base/feed_state.h"
#include "base/wire.h"

static const char *const names[LAYERS] = {"journal.0", "journal.1"};

static enum err read_folded(struct store *s)
{
	struct store_txn *t;
	struct str v;
	enum err e = store_read(s, &t);
	if (e) return e;
	e = store_get(t, STORE_META, STR("folded"), &v);
	struct wire w = wire_reader(e ? STR("") : v);
	uint64_t number = wire_u64(&w), commit = wire_u64(&w);
	if (!e && (!wire_ok(&w) || wire_left(&w))) e = ERR_CORRUPT;
	store_read_end(t);
	if (e) return e;
	s->number = number;
	s->commit = s->folded = commit;
	return ERR_OK;
}

static enum err apply_ops(struct store_txn *t, struct str ops)
{
	struct feed_op op;
	enum err e = ERR_OK;
	while (!e && ops.n) {
		e = feed_op_next(&ops, &op);
		if (!e && op.table >= t->store->tables_n) e = ERR_CORRUPT;
		if (!e && op.kind == FEED_PUT) e = store_put(t, op.table, op.key, op.value);
		if (!e && op.kind == FEED_DEL) e = store_del(t, op.table, op.key);
	}
	return e;
}

static enum err apply(struct store *s, const struct journal_record *r)
{
	struct store_txn *t;
	enum err e = store_write(s, &t);
	if (e) return e;
	if (r->kind == JOURNAL_FEED_ROW)
		e = feed_replay(t, r->payload[0]);
	else
		e = r->kind == JOURNAL_OPS ? apply_ops(t, r->payload[0]) : ERR_CORRUPT;
	if (e) {
		store_abort(t);
		return e == ERR_NOT_FOUND || e == ERR_EXISTS ? ERR_CORRUPT : e;
	}
	store__commit_replayed(t);
	return ERR_OK;
}

struct replay {
	bool used[LAYERS];  /* it had commits that LMDB does not */
	bool ahead[LAYERS]; /* it begins later than those that follow */
	char *payload;
};

/* What this journal has of the commits that follow. */
static enum err replay(struct store *s, int which, struct replay *p)
{
	struct journal_record r;
	size_t at = 0;
	uint64_t last = 0;
	enum err e;
	p->ahead[which] = false;
	while (!(e = journal_read(&s->journal[which], &at, p->payload, &r))) {
		/* from an earlier use of the file: a memtable is folded as a whole, and its journal with it
		 */
		if (r.commit <= s->folded || (last && r.commit != last + 1)) return ERR_OK;
		last = r.commit;
		if (r.commit <= s->commit) continue;
		if (r.commit != s->commit + 1) {
			p->ahead[which] = true;
			return ERR_OK;
		}
		p->used[which] = true;
		e = apply(s, &r);
		if (e) return e;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err replay_all(struct store *s, struct replay *p, struct flaw *f)
{
	p->payload = malloc(JOURNAL_PAYLOAD_MAX);
	enum err e = p->payload ? replay(s, 0, p) : ERR_NO_MEMORY;
	if (!e) e = replay(s, 1, p);
	if (!e && p->ahead[0]) e = replay(s, 0, p);
	free(p->payload);
	if (e) return store__refuse(f, e, s->folder, "journal", "its last commits cannot be put back");
	if (p->ahead[0] || p->ahead[1])
		return store__refuse(
		    f, ERR_CORRUPT, s->folder, "journal",
		    "its journal does not follow its data: one of them is not of this store");
	return ERR_OK;
}

/* A journal must be free for what comes: if both have commits, they are folded now; if one has, it is
 * the sealed one's, and folded while the node serves. */
static enum err settle(struct store *s, const struct replay *p, struct flaw *f)
{
	if (!store__unfolded(s)) return ERR_OK;
	enum err e;
	if (p->used[0] && p->used[1]) {
		e = store__commit_directly(s);
		if (!e) s->commit = s->folded;
	} else {
		s->active = p->used[1];
		e = store__seal(s);
	}
	return e ? store__refuse(f, e, s->folder, "journal", "its last commits cannot be written") : ERR_OK;
}

static enum err open_journals(struct store *s, struct flaw *f)
{
	for (int i = 0; i < LAYERS; i++) {
		char *path = store__path(s->folder, names[i]);
		if (!path) return ERR_NO_MEMORY;
		enum err e = journal_open(path, s->number, &s->journal[i]);
		if (e) (void)!store__refuse_errno(f, path);
		free(path);
		if (e) return e;
	}
	if (store__sync_folder(s->folder)) return store__refuse_errno(f, s->folder);
	return ERR_OK;
}

enum err store__recover(struct store *s, struct flaw *f)
{
	enum err e = read_folded(s);
	if (e) return store__refuse(f, ERR_CORRUPT, s->folder, "journal", "it does not say what is in it");
	e = open_journals(s, f);
	struct replay p = {.payload = NULL};
	if (!e) e = replay_all(s, &p, f);
	return e ? e : settle(s, &p, f);
}
