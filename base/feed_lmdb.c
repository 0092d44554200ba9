/* The driver `lmdb`: the feed is a table of the environment whose changes it tells.
 *
 * On disk. STORE_FEED: be64 position → u8 version (1), be64 wall time in µs, be64 ledger size,
 * 32 octets ledger root, operations (base/feed_kept.c). The head is the last key of the table; what
 * lies before the first was trimmed. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/feed_op.h"
#include "base/feed_state.h"
#include "base/wire.h"

enum { VERSION = 1 };
/* Entries trimmed in one batch at most: a change of feed_keep must not make one commit huge. */
enum { TRIM_MAX = 256 };
/* Entries beyond feed_keep before any is trimmed: each trimming dirties the other end of the table. */
enum { TRIM_SLACK = 64 };

struct lmdb_feed {
	struct feed feed;
	struct store *store;
	uint64_t keep;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	uint64_t announced; /* head of the last commit, for wait */
};

/* Positions of the first entry kept and the last; 1 and 0 when there is none. */
static enum err read_ends(struct store_txn *t, uint64_t *ret_first, uint64_t *ret_head)
{
	struct store_cursor *c;
	struct str first = STR_NONE, last = STR_NONE, value;
	enum err e = store_cursor_open(t, STORE_FEED, &c);
	if (e) return e;
	e = store_cursor_last(c, &last, &value);
	if (!e && ret_first) e = store_cursor_seek(c, STR(""), &first, &value);
	store_cursor_close(c);
	if (e && e != ERR_NOT_FOUND) return e;
	*ret_head = e ? 0 : store_u64(last);
	if (ret_first) *ret_first = e ? 1 : store_u64(first);
	return ERR_OK;
}

static enum err trim(struct lmdb_feed *l, struct store_txn *t, uint64_t first, uint64_t head)
{
	unsigned char k[8];
	enum err e = ERR_OK;
	if (!l->keep || head - first + 1 < l->keep + TRIM_SLACK) return ERR_OK;
	for (int i = 0; !e && i < TRIM_MAX && head - first + 1 > l->keep; i++, first++)
		e = store_del(t, STORE_FEED, store_key_u64(k, first));
	return e;
}

static enum err append_row(struct store_txn *t, uint64_t position, struct str head,
			   const struct feed_entry *entry)
{
	struct str ops = entry->ops;
	unsigned char k[8];
	struct buf value = BUF_INIT(head.n + ops.n); /* what is kept of an operation is never longer */
	enum err e = ERR_OK;
	buf_add(&value, head);
	if (entry->kept)
		buf_add(&value, ops);
	else
		e = feed_keep(t, ops, &value);
	if (!e) e = buf_err(&value);
	if (!e) e = store_append(t, STORE_FEED, store_key_u64(k, position), buf_str(&value));
	buf_done(&value);
	return e;
}

static enum err lmdb_append(struct feed *f, struct store_txn *t, uint64_t expected_head,
			    const struct feed_entry *entry)
{
	struct lmdb_feed *l = (struct lmdb_feed *)f;
	unsigned char head_octets[FEED_ROW_HEAD];
	uint64_t head, first;
	enum err e = read_ends(t, &first, &head);
	if (e) return e;
	if (head != expected_head) return ERR_PRECONDITION;
	struct wire w = wire_writer(head_octets, sizeof head_octets);
	wire_put_u8(&w, VERSION);
	wire_put_u64(&w, (uint64_t)entry->time);
	wire_put_u64(&w, entry->ledger_size);
	wire_put(&w, str_n(entry->ledger_root, 32));
	e = append_row(t, head + 1, wire_str(&w), entry);
	return e ? e : trim(l, t, head ? first : 1, head + 1);
}

static enum err parse_entry(struct str value, uint64_t position, struct feed_entry *ret)
{
	struct wire w = wire_reader(value);
	struct feed_entry entry = {.position = position};
	uint8_t version = wire_u8(&w);
	entry.time = (usec_t)wire_u64(&w);
	entry.ledger_size = wire_u64(&w);
	struct str root = wire_bytes(&w, 32);
	entry.ops = wire_bytes(&w, wire_left(&w));
	if (!wire_ok(&w) || version != VERSION) return ERR_CORRUPT;
	memcpy(entry.ledger_root, root.p, 32);
	*ret = entry;
	return ERR_OK;
}

static enum err lmdb_read(struct feed *f, struct store_txn *t, uint64_t position, struct feed_entry *ret)
{
	unsigned char k[8];
	uint64_t head, first;
	struct str v;
	(void)f;
	enum err e = read_ends(t, &first, &head);
	if (e) return e;
	if (!position || position > head) return ERR_NOT_FOUND;
	if (position < first) return ERR_GONE;
	e = store_get(t, STORE_FEED, store_key_u64(k, position), &v);
	return e ? (e == ERR_NOT_FOUND ? ERR_CORRUPT : e) : parse_entry(v, position, ret);
}

enum err feed_replay(struct store_txn *t, struct str row)
{
	struct str key = str_first(row, 8), value = str_skip(row, 8);
	struct feed_entry entry;
	struct feed_op op;
	uint64_t head;
	enum err e = read_ends(t, NULL, &head);
	if (e) return e;
	if (key.n != 8 || store_u64(key) != head + 1 || parse_entry(value, head + 1, &entry))
		return ERR_CORRUPT;
	for (struct str ops = entry.ops; !e && ops.n;) {
		e = feed_op_next(&ops, &op);
		if (!e && op.kind == FEED_PUT) e = store_put(t, op.table, op.key, op.value);
		if (!e && op.kind == FEED_DEL) e = store_del(t, op.table, op.key);
	}
	return e ? ERR_CORRUPT : append_row(t, head + 1, str_first(value, FEED_ROW_HEAD), &entry);
}

static enum err lmdb_head(struct feed *f, struct store_txn *t, uint64_t *ret)
{
	(void)f;
	return read_ends(t, NULL, ret);
}

static enum err lmdb_wait(struct feed *f, uint64_t position, usec_t at_most)
{
	struct lmdb_feed *l = (struct lmdb_feed *)f;
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	usec_t at = until.tv_sec * USEC_PER_SEC + until.tv_nsec / 1000 + at_most;
	until.tv_sec = at / USEC_PER_SEC;
	until.tv_nsec = at % USEC_PER_SEC * 1000;
	int rc = 0;
	pthread_mutex_lock(&l->lock);
	while (l->announced <= position && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&l->moved, &l->lock, &until);
	bool beyond = l->announced > position;
	pthread_mutex_unlock(&l->lock);
	return beyond ? ERR_OK : ERR_TIMEOUT;
}

static enum err lmdb_snapshot(struct feed *f, const char *folder)
{
	return store_copy(((struct lmdb_feed *)f)->store, folder);
}

static void lmdb_close(struct feed *f)
{
	struct lmdb_feed *l = (struct lmdb_feed *)f;
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->moved);
	free(l);
}

static const struct feed_driver lmdb_driver = {"lmdb",    lmdb_append,   lmdb_read, lmdb_head,
					       lmdb_wait, lmdb_snapshot, lmdb_close};

void feed_announce(struct feed *f, uint64_t head)
{
	struct lmdb_feed *l = (struct lmdb_feed *)f;
	if (f->driver != &lmdb_driver) return;
	pthread_mutex_lock(&l->lock);
	l->announced = head;
	pthread_cond_broadcast(&l->moved);
	pthread_mutex_unlock(&l->lock);
}

enum err feed_lmdb_open(struct store *s, uint64_t keep, struct feed **ret)
{
	struct store_txn *t;
	pthread_condattr_t attr;
	struct lmdb_feed *l = calloc(1, sizeof *l);
	if (!l) return ERR_NO_MEMORY;
	l->feed.driver = &lmdb_driver;
	l->store = s;
	l->keep = keep;
	enum err e = store_read(s, &t);
	if (!e) {
		e = read_ends(t, NULL, &l->announced);
		store_read_end(t);
	}
	if (e) {
		free(l);
		return e;
	}
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->moved, &attr);
	pthread_condattr_destroy(&attr);
	*ret = &l->feed;
	return ERR_OK;
}
