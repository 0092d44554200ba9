/* Records: how a small commit is durable after one flush.
 *
 * LMDB flushes twice: the pages of a transaction, then the meta page that makes them current. For
 * a commit that comes with its record the second flush is left to the next commit, because the
 * record, which lies in the same file, is flushed together with the pages: should the machine die
 * before the meta page reaches the disk, the environment opens one transaction back, and the record
 * is applied once more. LMDB's own order (pages, flush, meta page) stays as it is, so the file is
 * whole at every moment; nobody sees a transaction before it is durable.
 *
 * Where: row "record" of STORE_META holds a value that LMDB never touches again, so its pages never
 * move. In it, from the first page boundary, lie two slots of SLOT octets; the record of transaction
 * n goes to slot n & 1. Two, because a crash during n + 1 may need the record of n. Octets:
 *   0  "kanheR1\n"
 *   8  be64 transaction that the record follows: n - 1
 *  16  be32 length of the payload
 *  20  SHA-256 of octets 8 to 19 and the payload
 *  52  payload: what base/feed_lmdb.c needs to apply the batch again
 *
 * A record counts only when its digest holds and the environment stands exactly at n - 1: it is
 * stale as soon as a later commit is current. What does not fit is committed with both flushes. */
#include "base/store_env.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/feed_state.h"
#include "base/hash.h"
#include "base/wire.h"

enum { SLOTS = 2, SLOT = 128 << 10, HEAD = 52, MAGIC = 8 };
static const char magic[MAGIC + 1] = "kanheR1\n";
static char row_name[] = "record";

static size_t row_size(size_t page)
{
	return page + SLOTS * SLOT;
}

int store__put_record_row(struct MDB_txn *t, unsigned meta, size_t page)
{
	MDB_val k = {sizeof row_name - 1, row_name}, v = {row_size(page), NULL};
	int rc = mdb_put(t, meta, &k, &v, MDB_RESERVE | MDB_NOOVERWRITE);
	if (!rc) memset(v.mv_data, 0, v.mv_size);
	return rc == MDB_KEYEXIST ? 0 : rc;
}

static int row(struct store *s, MDB_val *ret)
{
	MDB_txn *t;
	MDB_val k = {sizeof row_name - 1, row_name};
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &t);
	if (rc) return rc;
	rc = mdb_get(t, s->dbi[STORE_META], &k, ret);
	mdb_txn_abort(t); /* the row is never rewritten: the place stays where it is */
	return rc;
}

/* LMDB begins each page, also the first of a large value, with its number. Believed only if the
 * file has there what the map shows. */
static bool locate(struct store *s, MDB_val v, size_t page)
{
	char there[HEAD];
	uint64_t number;
	int fd;
	size_t before = (uintptr_t)v.mv_data % page;
	if (v.mv_size != row_size(page) || !before) return false;
	memcpy(&number, (char *)v.mv_data - before, sizeof number);
	const char *slots = (char *)v.mv_data - before + page;
	s->record_at = (number + 1) * page;
	if (mdb_env_get_fd(s->env, &fd)) return false;
	for (int i = 0; i < SLOTS; i++) {
		off_t at = (off_t)s->record_at + i * SLOT;
		if (pread(fd, there, HEAD, at) != HEAD || memcmp(there, slots + i * SLOT, HEAD) != 0)
			return false;
	}
	return true;
}

int store__find_record(struct store *s)
{
	MDB_stat st;
	MDB_val v;
	s->record_at = 0;
	int rc = mdb_env_stat(s->env, &st);
	if (!rc) rc = row(s, &v);
	if (rc) return rc;
	if (!locate(s, v, st.ms_psize)) s->record_at = 0; /* every commit has both its flushes then */
	return 0;
}

static void digest(const unsigned char head[HEAD], const struct str payload[2],
		   unsigned char out[HASH_SHA256])
{
	struct hash *h = hash_new();
	must(h != NULL);
	hash_add(h, str_n(head + MAGIC, 12));
	hash_add(h, payload[0]);
	hash_add(h, payload[1]);
	hash_finish(h, out);
	hash_free(h);
}

static bool write_record(struct store *s, uint64_t txn, const struct str payload[2])
{
	unsigned char head[HEAD];
	int fd;
	size_t n = payload[0].n + payload[1].n;
	struct wire w = wire_writer(head, HEAD);
	wire_put(&w, str_n(magic, MAGIC));
	wire_put_u64(&w, txn - 1);
	wire_put_u32(&w, (uint32_t)n);
	digest(head, payload, head + HEAD - HASH_SHA256);
	struct iovec v[] = {{head, HEAD},
			    {(void *)(uintptr_t)payload[0].p, payload[0].n},
			    {(void *)(uintptr_t)payload[1].p, payload[1].n}};
	if (mdb_env_get_fd(s->env, &fd)) return false;
	return pwritev(fd, v, 3, (off_t)(s->record_at + txn % SLOTS * SLOT)) == (ssize_t)(HEAD + n);
}

void store__void_record(struct store *s, uint64_t txn)
{
	static const char none[HEAD];
	int fd;
	if (s->record_at && !mdb_env_get_fd(s->env, &fd))
		(void)!pwrite(fd, none, HEAD, (off_t)(s->record_at + txn % SLOTS * SLOT));
}

enum err store__commit_recorded(struct store_txn *t, struct str key, struct str value)
{
	struct store *s = t->store;
	struct str payload[] = {key, value};
	bool recorded = !t->poison && s->record_at && key.n + value.n <= SLOT - HEAD &&
			write_record(s, mdb_txn_id(t->mdb), payload);
	return store__commit(t, recorded);
}

/* Applying again, at open. */

static bool record_holds(const unsigned char *slot, uint64_t current, struct str *ret_payload)
{
	unsigned char want[HASH_SHA256];
	struct wire w = wire_reader(str_n(slot, HEAD));
	struct str start = wire_bytes(&w, MAGIC);
	uint64_t follows = wire_u64(&w);
	uint32_t n = wire_u32(&w);
	if (!str_is(start, magic) || follows != current || n > SLOT - HEAD) return false;
	struct str payload[] = {str_n(slot + HEAD, n), STR("")};
	digest(slot, payload, want);
	if (memcmp(want, slot + HEAD - HASH_SHA256, sizeof want) != 0) return false;
	*ret_payload = payload[0];
	return true;
}

static enum err replay_slot(struct store *s, unsigned char *slot, bool *ret_done)
{
	int fd;
	MDB_envinfo info;
	struct store_txn *t;
	struct str payload;
	int rc = mdb_env_get_fd(s->env, &fd);
	if (!rc) rc = mdb_env_info(s->env, &info);
	if (rc) return store__err(rc);
	off_t at = (off_t)(s->record_at + (info.me_last_txnid + 1) % SLOTS * SLOT);
	if (pread(fd, slot, SLOT, at) != SLOT) return ERR_IO;
	if (!record_holds(slot, info.me_last_txnid, &payload)) return ERR_OK;
	enum err e = store_write(s, &t);
	if (e) return e;
	e = feed_replay(t, payload);
	if (e) {
		store_abort(t);
		return e;
	}
	*ret_done = true;
	return store_commit(t);
}

enum err store__replay(struct store *s)
{
	enum err e = ERR_OK;
	bool again = s->record_at != 0;
	unsigned char *slot = malloc(SLOT);
	if (!slot) return ERR_NO_MEMORY;
	for (int i = 0; i < SLOTS && again && !e; i++) {
		again = false;
		e = replay_slot(s, slot, &again);
	}
	free(slot);
	return e;
}

/* A copy was made while records were written: what it says is complete without them. */
enum err store__void_copied_records(struct store *s, const char *data)
{
	static const char none[HEAD];
	if (!s->record_at) return ERR_OK;
	int fd = open(data, O_WRONLY | O_CLOEXEC);
	if (fd < 0) return ERR_IO;
	ssize_t n = HEAD;
	for (int i = 0; i < SLOTS && n == HEAD; i++)
		n = pwrite(fd, none, HEAD, (off_t)s->record_at + i * SLOT);
	close(fd);
	return n == HEAD ? ERR_OK : ERR_IO;
}
