/* The folder of an environment: data.mdb and lock.mdb as LMDB makes them, journal.0 and journal.1
 * (journal.h), `lock` (store_folder.c).
 *
 * Row "format" of STORE_META: be32 version of these conventions, be32 the owner's format. Version 1 had
 * no journals, but a row "record" of STORE_META whose place held the last commit once more; after a
 * clean stop its data was complete without it. */
#include "base/store_env.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/sign.h"
#include "base/wire.h"

enum { STORE_VERSION = 2, FORMAT_SIZE = 8 };
enum { READERS = 254 }; /* shards, couriers and tools of one node: a few dozen */
/* Costs address space only. Growing it later means to wait for every reader, to take a mapping of many
 * gigabytes down while they wait, and to fail as long as one of them keeps an old snapshot. */
static const size_t MAP_INITIAL = (size_t)64 << 30, MAP_LEAST = 64u << 20;
static const size_t MAP_MAX = (size_t)4 << 40;
static const usec_t GATE_PATIENCE = 50 * USEC_PER_MSEC; /* of one try to close the gate */
enum { GATE_PAUSE = 5000 };                             /* microseconds between two tries */
static const usec_t REOPEN_PATIENCE = 10 * USEC_PER_SEC;
static const char *const reserved[] = {"meta", "feed", "leaf"};
_Static_assert(sizeof reserved / sizeof *reserved == STORE_APP, "each reserved table has its name");

size_t store__used(struct store *s)
{
	MDB_envinfo info;
	MDB_stat st;
	must(!mdb_env_info(s->env, &info) && !mdb_env_stat(s->env, &st));
	return (info.me_last_pgno + 1) * st.ms_psize;
}

static size_t file_octets(struct store *s)
{
	int fd;
	struct stat st;
	must(!mdb_env_get_fd(s->env, &fd));
	return fstat(fd, &st) ? 0 : (size_t)st.st_size;
}

/* Reading ahead helps as long as the file fits into memory; after that it throws good pages out. */
static unsigned environment_flags(const char *data)
{
	struct stat st;
	size_t memory = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
	bool large = !stat(data, &st) && (size_t)st.st_size > memory / 2;
	return MDB_NOTLS | (large ? MDB_NORDAHEAD : 0);
}

static int open_environment(struct store *s, const char *data)
{
	int rc = mdb_env_create(&s->env);
	if (rc) return rc;
	rc = mdb_env_set_maxdbs(s->env, s->tables_n);
	if (!rc) rc = mdb_env_set_maxreaders(s->env, s->readers_max);
	if (!rc) rc = mdb_env_set_mapsize(s->env, s->map);
	if (!rc) rc = mdb_env_open(s->env, s->folder, environment_flags(data), 0600);
	if (rc) {
		mdb_env_close(s->env);
		s->env = NULL;
	}
	return rc;
}

static struct str format_row(unsigned char row[FORMAT_SIZE], uint32_t format)
{
	struct wire w = wire_writer(row, FORMAT_SIZE);
	wire_put_u32(&w, STORE_VERSION);
	wire_put_u32(&w, format);
	return wire_str(&w);
}

static int put_row(MDB_txn *t, MDB_dbi meta, const char *name, struct str value)
{
	MDB_val k = {strlen(name), (void *)(uintptr_t)name}, v = {value.n, (void *)(uintptr_t)value.p};
	return mdb_put(t, meta, &k, &v, 0);
}

/* The rows of a store that is new, or new to journals. */
static int put_rows(struct store *s, MDB_txn *t, uint32_t format)
{
	unsigned char octets[FORMAT_SIZE], folded[16] = {0};
	char name[] = "record";
	MDB_dbi meta = s->dbi[STORE_META];
	MDB_val k = {sizeof name - 1, name};
	random_bytes(folded, 8); /* the store's number; commit 0 */
	int rc = put_row(t, meta, "format", format_row(octets, format));
	if (!rc) rc = put_row(t, meta, "folded", str_n(folded, sizeof folded));
	if (!rc) rc = mdb_del(t, meta, &k, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* To write: makes those that are missing; with `format` the rows of a new store, too. */
static int open_tables(struct store *s, unsigned txn_flags, const uint32_t *format)
{
	MDB_txn *t;
	int rc = mdb_txn_begin(s->env, NULL, txn_flags, &t);
	if (rc) return rc;
	unsigned create = txn_flags & MDB_RDONLY ? 0 : MDB_CREATE;
	for (unsigned i = 0; i < s->tables_n && !rc; i++)
		rc = mdb_dbi_open(t, s->names[i], create, &s->dbi[i]);
	if (!rc && format) rc = put_rows(s, t, *format);
	if (!rc) return mdb_txn_commit(t);
	mdb_txn_abort(t);
	return rc;
}

static enum err refuse_lmdb(struct store *s, struct flaw *f, int rc)
{
	enum err e = store__err(rc);
	if (e == ERR_OK) return ERR_OK;
	if (e != ERR_CORRUPT && e != ERR_NO_SPACE && e != ERR_NO_MEMORY) e = ERR_IO;
	return store__refuse(f, e, s->folder, e == ERR_CORRUPT ? "not-ours" : "system", mdb_strerror(rc));
}

/* The environment, big enough and whole; tables not yet. */
static enum err open_data(struct store *s, struct flaw *f)
{
	char *data = store__path(s->folder, "data.mdb");
	if (!data) return ERR_NO_MEMORY;
	int rc = open_environment(s, data);
	/* where address space is rationed */
	while (rc == ENOMEM && s->map > MAP_LEAST) {
		s->map /= 2;
		rc = open_environment(s, data);
	}
	enum err e = refuse_lmdb(s, f, rc);
	free(data);
	if (e) return e;
	int dead;
	size_t used = store__used(s);
	(void)mdb_reader_check(s->env, &dead); /* slots of processes that were killed */
	if (file_octets(s) < used)
		return store__refuse(f, ERR_CORRUPT, s->folder, "truncated",
				     "data.mdb is shorter than it was");
	size_t map = s->map;
	while (used > map / 4 * 3 && map < s->map_max) map = map <= s->map_max / 2 ? map * 2 : s->map_max;
	rc = map == s->map ? 0 : mdb_env_set_mapsize(s->env, map);
	if (!rc) s->map = map;
	return refuse_lmdb(s, f, rc);
}

static int read_row(MDB_txn *t, const char *name, unsigned char row[FORMAT_SIZE])
{
	MDB_dbi meta;
	char format[] = "format";
	MDB_val k = {.mv_data = format, .mv_size = 6}, v;
	int rc = mdb_dbi_open(t, name, 0, &meta);
	if (!rc) rc = mdb_get(t, meta, &k, &v);
	if (!rc && v.mv_size != FORMAT_SIZE) rc = MDB_INVALID;
	if (!rc) memcpy(row, v.mv_data, FORMAT_SIZE);
	return rc == MDB_NOTFOUND ? MDB_INVALID : rc;
}

/* An empty environment becomes ours; one with anything in it must be. */
static int look(struct store *s, bool *ret_fresh, unsigned char row[FORMAT_SIZE])
{
	MDB_txn *t;
	MDB_dbi unnamed;
	MDB_stat st;
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &t);
	if (rc) return rc;
	rc = mdb_dbi_open(t, NULL, 0, &unnamed);
	if (!rc) rc = mdb_stat(t, unnamed, &st);
	if (!rc) *ret_fresh = !st.ms_entries;
	if (!rc && st.ms_entries) rc = read_row(t, s->names[STORE_META], row);
	mdb_txn_abort(t);
	return rc;
}

static enum err migrate(struct store *s, const struct store_options *o, uint32_t from, struct flaw *f)
{
	struct store_txn *t;
	unsigned char row[FORMAT_SIZE];
	if (!o->migrate)
		return store__refuse(f, ERR_CORRUPT, s->folder, "older-format",
				     "no way from its old format is known");
	enum err e = store_write(s, &t);
	if (e) return store__refuse(f, e, s->folder, "system", "it cannot be written");
	e = o->migrate(t, from);
	if (!e) e = store_put(t, STORE_META, STR("format"), format_row(row, o->format));
	if (e)
		store_abort(t);
	else
		e = store_commit(t);
	return e ? store__refuse(f, e, s->folder, "migration", err_text(e)) : ERR_OK;
}

/* The first memtable. */
static enum err cover(struct store *s)
{
	struct memtable *m = memtable_new();
	struct layers *l = m ? store__layers_new(m, NULL) : NULL;
	if (!l) {
		memtable_free(m);
		return ERR_NO_MEMORY;
	}
	store__replace_layers(s, l);
	return ERR_OK;
}

static enum err open_formatted(struct store *s, const struct store_options *o, struct flaw *f)
{
	bool fresh = false;
	unsigned char row[FORMAT_SIZE];
	int rc = look(s, &fresh, row);
	if (rc) return refuse_lmdb(s, f, rc);
	struct wire w = wire_reader(str_n(row, fresh ? 0 : FORMAT_SIZE));
	uint32_t version = wire_u32(&w), format = wire_u32(&w);
	if (version > STORE_VERSION || format > o->format)
		return store__refuse(f, ERR_CORRUPT, s->folder, "newer-format", "a newer version wrote it");
	bool old = !fresh && version < STORE_VERSION;
	rc = fresh || old ? MDB_NOTFOUND
			  : open_tables(s, MDB_RDONLY, NULL); /* no flush when nothing is new */
	if (rc == MDB_NOTFOUND) rc = open_tables(s, 0, fresh ? &o->format : old ? &format : NULL);
	enum err e = refuse_lmdb(s, f, rc);
	if (!e && fresh && store__sync_folder(s->folder)) e = store__refuse_errno(f, s->folder);
	if (!e) e = cover(s);
	if (!e) e = store__recover(s, f);
	if (!e && !fresh && format < o->format) e = migrate(s, o, format, f);
	return e ? e : store__note_made(s, f);
}

static enum err note_names(struct store *s, const struct store_options *o)
{
	must(o->tables_n <= STORE_TABLES_MAX);
	for (unsigned i = 0; i < STORE_APP + o->tables_n; i++) {
		const char *name = i < STORE_APP ? reserved[i] : o->tables[i - STORE_APP].name;
		must(strlen(name) <= STORE_NAME_MAX);
		for (unsigned j = 0; j < i; j++) must(strcmp(name, s->names[j]) != 0);
		s->names[i] = strdup(name);
		if (!s->names[i]) return ERR_NO_MEMORY;
		s->told[i] = i < STORE_APP || !o->told ? STORE_TOLD : o->told(i);
		s->tables_n = i + 1;
	}
	return ERR_OK;
}

static void free_layers(struct store *s)
{
	struct layers *l = atomic_load(&s->layers);
	store__free_replaced(s);
	if (!l) return;
	must(!s->replaced);
	for (int i = 0; i < LAYERS; i++) memtable_free(l->mem[i]);
	free(l);
}

static void release(struct store *s)
{
	store__fold_stop(s);
	if (s->write) store__free_write(s);
	store__free_direct(s);
	must(!s->readers);
	free_layers(s);
	for (int i = 0; i < LAYERS; i++) journal_close(&s->journal[i]);
	if (s->env) mdb_env_close(s->env);
	for (unsigned i = 0; i < s->tables_n; i++) free(s->names[i]);
	if (s->lock_fd >= 0) close(s->lock_fd);
	buf_done(&s->ops);
	pthread_cond_destroy(&s->opened);
	pthread_cond_destroy(&s->wake);
	pthread_cond_destroy(&s->folded_once);
	pthread_mutex_destroy(&s->lock);
	free(s->folder);
	free(s);
}

static void init_locks(struct store *s)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->opened, NULL);
	pthread_cond_init(&s->wake, &monotonic);
	pthread_cond_init(&s->folded_once, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

enum err store_open(const struct store_options *o, struct flaw *f, struct store **ret)
{
	struct store *s = calloc(1, sizeof *s);
	if (!s) return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, o->folder, "memory", "no memory");
	init_locks(s);
	s->lock_fd = s->journal[0].fd = s->journal[1].fd = -1;
	s->map_max = o->map_max ? o->map_max : MAP_MAX;
	s->map = o->map_initial ? o->map_initial : MAP_INITIAL;
	if (s->map > s->map_max) s->map = s->map_max;
	s->readers_max = o->readers ? o->readers : READERS;
	s->folder = strdup(o->folder);
	enum err e = s->folder ? note_names(s, o) : ERR_NO_MEMORY;
	if (e) (void)!flaw_set(f, e, FLAW_NO_OFFSET, o->folder, "memory", "no memory");
	if (!e) e = store__make_folder(s->folder, f);
	if (!e) e = store__lock_folder(s, f);
	if (!e) e = store__check_data(s, f);
	if (!e) e = open_data(s, f);
	if (!e) e = open_formatted(s, o, f);
	if (!e && store__fold_start(s))
		e = store__refuse(f, ERR_NO_MEMORY, s->folder, "memory", "no thread");
	if (e) {
		release(s);
		return e;
	}
	*ret = s;
	return ERR_OK;
}

void store_close(struct store *s)
{
	if (!s) return;
	must(!s->writing);
	release(s);
}

/* Growth and reopening. */

static bool close_gate(struct store *s, usec_t patience)
{
	usec_t tried = 0;
	do {
		if (tried) nanosleep(&(struct timespec){.tv_nsec = GATE_PAUSE * 1000}, NULL);
		if (store__close_gate(s, patience < GATE_PATIENCE ? patience : GATE_PATIENCE)) return true;
		tried += GATE_PATIENCE + GATE_PAUSE;
	} while (tried < patience);
	return false;
}

enum err store__grow(struct store *s, usec_t patience)
{
	size_t map = s->map;
	if (map >= s->map_max) return ERR_NO_SPACE;
	map = map <= s->map_max / 2 ? map * 2 : s->map_max;
	if (!close_gate(s, patience)) return ERR_BUSY;
	int rc = mdb_env_set_mapsize(s->env, map);
	if (!rc) s->map = map;
	store__open_gate(s);
	return store__err(rc);
}

static int open_again(struct store *s)
{
	char *data = store__path(s->folder, "data.mdb");
	if (!data) return ENOMEM;
	int rc = open_environment(s, data);
	free(data);
	if (!rc) rc = open_tables(s, MDB_RDONLY, NULL);
	if (!rc && file_octets(s) < store__used(s)) rc = MDB_CORRUPTED;
	if (rc && s->env) {
		mdb_env_close(s->env);
		s->env = NULL;
	}
	return rc;
}

enum err store__reopen(struct store *s)
{
	if (!close_gate(s, REOPEN_PATIENCE)) return ERR_BUSY;
	for (struct store_txn *t = s->readers; t; t = t->next) { /* all reset: the gate is closed */
		if (t->mdb) mdb_txn_abort(t->mdb);
		t->mdb = NULL;
	}
	if (s->env) mdb_env_close(s->env);
	s->env = NULL;
	int rc = open_again(s);
	if (!rc) {
		store__set_limit(s, atomic_load(&s->layers));
		atomic_fetch_add(&s->opening, 1);
	}
	store__open_gate(s);
	return store__err(rc);
}

static enum err copy_data(struct store *s, const char *folder, const char *data)
{
	struct store_txn *t; /* the copy reads by a snapshot of its own; this one keeps the map in place */
	enum err e = store_read(s, &t);
	if (e) return e;
	e = store__err(mdb_env_copy2(s->env, folder, 0));
	store_read_end(t);
	return e ? e : store__sync_copy(folder, data);
}

enum err store_copy(struct store *s, const char *folder)
{
	enum err e = store__empty_folder(folder);
	if (!e) e = store__fold_all(s);
	if (e) return e;
	char *data = store__path(folder, "data.mdb");
	if (!data) return ERR_NO_MEMORY;
	e = copy_data(s, folder, data);
	free(data);
	return e;
}

const char *store_folder(const struct store *s)
{
	return s->folder;
}

enum store_room store_room(struct store *s)
{
	struct store_txn *t;
	if (store__disk_is_full(s)) return STORE_DISK_FULL;
	if (store_read(s, &t)) return STORE_ROOMY;
	bool tight = store__tight(s);
	store_read_end(t);
	return tight ? STORE_MAP_FULL : STORE_ROOMY;
}

void store_stat(struct store *s, struct store_stat *ret)
{
	*ret = (struct store_stat){.map_octets = s->map};
	pthread_mutex_lock(&s->lock);
	ret->version = s->commit;
	ret->folds = s->fold_tries - s->fold_failures;
	ret->fold_failures = s->fold_failures;
	for (unsigned i = 0; i < LAYERS; i++)
		if (i == s->active || store__sealed(s))
			ret->waiting_octets += journal_octets(&s->journal[i]);
	pthread_mutex_unlock(&s->lock);
	struct store_txn *t;
	if (store_read(s, &t)) return;
	MDB_envinfo info;
	must(!mdb_env_info(s->env, &info));
	ret->file_octets = file_octets(s);
	ret->readers = info.me_numreaders;
	store_read_end(t);
}
