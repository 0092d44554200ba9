#include "tests/base/cases.h"

#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "tests/base/opened.h"

static void put_now(struct store *s, unsigned table, const char *key, const char *value)
{
	struct store_txn *t;
	assert_int_equal(store_write(s, &t), ERR_OK);
	assert_int_equal(store_put(t, table, str_of(key), str_of(value)), ERR_OK);
	assert_int_equal(store_commit(t), ERR_OK);
}

static void rows_are_put_read_and_deleted(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct store_txn *t;
	struct str v;
	assert_int_equal(store_write(s, &t), ERR_OK);
	assert_false(store_dirty(t));
	assert_ptr_equal(store_of(t), s);
	assert_int_equal(store_get(t, TABLE_A, STR("k"), &v), ERR_NOT_FOUND);
	assert_int_equal(store_del(t, TABLE_A, STR("k")), ERR_NOT_FOUND);
	assert_false(store_dirty(t));
	assert_int_equal(store_put(t, TABLE_A, STR("k"), STR("1")), ERR_OK);
	assert_true(store_dirty(t));
	assert_int_equal(store_put_new(t, TABLE_A, STR("k"), STR("2")), ERR_EXISTS);
	assert_int_equal(store_put_new(t, TABLE_B, STR("k"), STR("")), ERR_OK);
	assert_int_equal(store_put(t, TABLE_A, STR("k"), STR("3")), ERR_OK);
	assert_int_equal(store_put(t, TABLE_A, STR("l"), STR("4")), ERR_OK);
	assert_int_equal(store_del(t, TABLE_A, STR("l")), ERR_OK);
	assert_int_equal(store_count(t, TABLE_A), 1);
	assert_int_equal(store_commit(t), ERR_OK);
	assert_int_equal(store_read(s, &t), ERR_OK);
	assert_int_equal(store_get(t, TABLE_A, STR("k"), &v), ERR_OK);
	assert_str(v, "3");
	assert_int_equal(store_get(t, TABLE_B, STR("k"), &v), ERR_OK);
	assert_int_equal(v.n, 0);
	assert_int_equal(store_get(t, TABLE_A, STR("l"), &v), ERR_NOT_FOUND);
	store_read_end(t);
	store_read_end(NULL);
	store_abort(NULL);
}

static void an_aborted_write_leaves_nothing(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct store_txn *t;
	struct str v;
	assert_int_equal(store_write(s, &t), ERR_OK);
	assert_int_equal(store_put(t, TABLE_A, STR("k"), STR("1")), ERR_OK);
	store_abort(t);
	assert_int_equal(store_read(s, &t), ERR_OK);
	assert_int_equal(store_get(t, TABLE_A, STR("k"), &v), ERR_NOT_FOUND);
	store_read_end(t);
}

static void a_key_out_of_bounds_poisons_the_write(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct store_txn *t;
	struct str v;
	char key[STORE_KEY_MAX + 1] = {1};
	assert_int_equal(store_write(s, &t), ERR_OK);
	assert_int_equal(store_put(t, TABLE_A, str_n(key, STORE_KEY_MAX), STR("longest")), ERR_OK);
	assert_int_equal(store_commit(t), ERR_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_write(s, &t), ERR_OK);
		assert_int_equal(store_put(t, TABLE_A, STR("k"), STR("1")), ERR_OK);
		assert_int_equal(store_put(t, TABLE_A, str_n(key, i ? sizeof key : 0), STR("1")),
				 ERR_TOO_LARGE);
		assert_int_equal(store_put(t, TABLE_A, STR("k"), STR("1")), ERR_TOO_LARGE);
		assert_int_equal(store_get(t, TABLE_A, STR("k"), &v), ERR_TOO_LARGE);
		assert_int_equal(store_commit(t), ERR_TOO_LARGE);
	}
	assert_int_equal(store_read(s, &t), ERR_OK);
	assert_int_equal(store_get(t, TABLE_A, STR("k"), &v), ERR_NOT_FOUND);
	assert_int_equal(store_get(t, TABLE_A, str_n(key, STORE_KEY_MAX), &v), ERR_OK);
	assert_int_equal(store_get(t, TABLE_A, str_n(key, sizeof key), &v), ERR_NOT_FOUND);
	store_read_end(t);
}

static void cursors_walk_in_the_order_of_keys(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct store_txn *t;
	struct store_cursor *c;
	struct str k, v;
	char key[STORE_KEY_MAX + 8];
	memset(key, 'x', sizeof key);
	assert_int_equal(store_write(s, &t), ERR_OK);
	for (uint64_t i = 0; i < 300; i++) {
		unsigned char n[8];
		assert_int_equal(store_append(t, TABLE_A, store_key_u64(n, i * 3), STR("v")), ERR_OK);
	}
	unsigned char low[8];
	assert_int_equal(store_append(t, TABLE_A, store_key_u64(low, 5), STR("v")), ERR_EXISTS);
	assert_int_equal(store_put(t, TABLE_B, str_n(key, STORE_KEY_MAX), STR("1")), ERR_OK);
	assert_int_equal(store_put(t, TABLE_B, STR("y"), STR("2")), ERR_OK);
	assert_int_equal(store_commit(t), ERR_OK);
	assert_int_equal(store_read(s, &t), ERR_OK);
	assert_int_equal(store_cursor_open(t, TABLE_A, &c), ERR_OK);
	uint64_t n = 0;
	for (enum err e = store_cursor_seek(c, STR(""), &k, &v); !e; e = store_cursor_next(c, &k, &v))
		assert_int_equal(store_u64(k), 3 * n++);
	assert_int_equal(n, 300);
	assert_int_equal(store_cursor_last(c, &k, &v), ERR_OK);
	assert_int_equal(store_u64(k), 897);
	assert_int_equal(store_cursor_next(c, &k, &v), ERR_NOT_FOUND);
	assert_int_equal(store_cursor_seek(c, store_key_u64(low, 4), &k, &v), ERR_OK);
	assert_int_equal(store_u64(k), 6);
	assert_int_equal(store_cursor_prev(c, &k, &v), ERR_OK);
	assert_int_equal(store_u64(k), 3);
	assert_int_equal(store_cursor_seek(c, store_key_u64(low, 898), &k, &v), ERR_NOT_FOUND);
	store_cursor_close(c);
	store_cursor_close(NULL);
	assert_int_equal(store_cursor_open(t, TABLE_B, &c), ERR_OK);
	assert_int_equal(store_cursor_seek(c, str_n(key, STORE_KEY_MAX), &k, &v), ERR_OK);
	assert_str(v, "1");
	/* longer than any key: the one it begins with sorts before it */
	assert_int_equal(store_cursor_seek(c, str_n(key, sizeof key), &k, &v), ERR_OK);
	assert_str(v, "2");
	store_cursor_close(c);
	store_read_end(t);
}

static void a_reader_sees_its_snapshot_until_renewed(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct store_txn *t;
	struct str v;
	put_now(s, TABLE_A, "k", "1");
	assert_int_equal(store_read(s, &t), ERR_OK);
	uint64_t version = store_txn_version(t);
	put_now(s, TABLE_A, "k", "2");
	assert_int_equal(store_get(t, TABLE_A, STR("k"), &v), ERR_OK);
	assert_str(v, "1");
	store_read_reset(t);
	assert_int_equal(store_read_renew(t), ERR_OK);
	assert_true(store_txn_version(t) > version);
	assert_int_equal(store_get(t, TABLE_A, STR("k"), &v), ERR_OK);
	assert_str(v, "2");
	store_read_reset(t);
	store_read_end(t); /* also one that was reset */
}

/* Opens in another process; its result, and the flaw's text through the pipe. */
static enum err open_elsewhere(const char *path, char text[200])
{
	int p[2], status;
	assert_int_equal(pipe(p), 0);
	pid_t child = fork();
	if (!child) {
		struct store_options o = folder_options(path);
		struct store *s;
		struct flaw f = {0};
		enum err e = store_open(&o, &f, &s);
		must(write(p[1], f.text, sizeof f.text) == sizeof f.text);
		_exit((int)e);
	}
	assert_int_equal(read(p[0], text, 200), 200);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(p[0]);
	close(p[1]);
	assert_true(WIFEXITED(status));
	return (enum err)WEXITSTATUS(status);
}

static void a_second_daemon_is_refused_by_name(void **state)
{
	struct fixture *x = *state;
	char text[200], pid[32];
	assert_int_equal(open_elsewhere(x->folder.path, text), ERR_LOCKED);
	snprintf(pid, sizeof pid, "process %ld", (long)getpid());
	assert_non_null(strstr(text, pid));
	struct store_options o = folder_options(x->folder.path);
	struct store *second;
	struct flaw f;
	assert_int_equal(store_open(&o, &f, &second), ERR_LOCKED); /* in this process too */
	store_close(x->store);
	assert_int_equal(open_elsewhere(x->folder.path, text), ERR_OK); /* and exits without closing */
	x->store = folder_open(x->folder.path);
}

static struct flaw refusal(const char *path, enum err want, const char *rule, uint32_t format)
{
	struct store_options o = folder_options(path);
	struct store *s;
	struct flaw f = {0};
	o.format = format;
	assert_int_equal(store_open(&o, &f, &s), want);
	assert_string_equal(f.rule, rule);
	assert_int_equal(f.err, want);
	assert_true(strlen(f.text) > 0);
	return f;
}

static uint32_t migrated_from;

static enum err migrate(struct store_txn *t, uint32_t from)
{
	migrated_from = from;
	return store_put(t, TABLE_A, STR("migrated"), STR("yes"));
}

static void formats_migrate_forward_only(void **state)
{
	struct fixture *x = *state;
	struct store_options o = folder_options(x->folder.path);
	struct str v;
	struct store_txn *t;
	store_close(x->store);
	refusal(x->folder.path, ERR_CORRUPT, "newer-format", 0);
	refusal(x->folder.path, ERR_CORRUPT, "older-format", 2);
	o.format = 2;
	o.migrate = migrate;
	for (int i = 0; i < 2; i++) {
		migrated_from = 0;
		assert_int_equal(store_open(&o, NULL, &x->store), ERR_OK);
		assert_int_equal(migrated_from, i ? 0 : 1); /* once */
		assert_int_equal(store_read(x->store, &t), ERR_OK);
		assert_int_equal(store_get(t, TABLE_A, STR("migrated"), &v), ERR_OK);
		store_read_end(t);
		if (!i) store_close(x->store);
	}
}

static void a_table_may_be_added(void **state)
{
	struct fixture *x = *state;
	static const struct store_table more[] = {{"a"}, {"b"}, {"c"}};
	struct store_options o = folder_options(x->folder.path);
	put_now(x->store, TABLE_B, "k", "1");
	store_close(x->store);
	o.tables = more;
	o.tables_n = 3;
	assert_int_equal(store_open(&o, NULL, &x->store), ERR_OK);
	put_now(x->store, TABLE_B + 1, "k", "new");
	struct store_txn *t;
	struct str v;
	assert_int_equal(store_read(x->store, &t), ERR_OK);
	assert_int_equal(store_get(t, TABLE_B, STR("k"), &v), ERR_OK);
	assert_int_equal(store_get(t, TABLE_B + 1, STR("k"), &v), ERR_OK);
	store_read_end(t);
}

static void write_file(const char *path, const char *octets, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, octets, n), n);
	close(fd);
}

static void what_is_not_ours_or_not_whole_is_refused_and_left(void **state)
{
	(void)state;
	struct folder f = folder_new();
	char data[128], lock[128], garbage[8192];
	struct stat before, after;
	memset(garbage, 0x5a, sizeof garbage);
	folder_file(f.path, "data.mdb", data);
	write_file(data, garbage, sizeof garbage);
	refusal(f.path, ERR_CORRUPT, "not-ours", 1);
	assert_int_equal(stat(data, &after), 0);
	assert_int_equal(after.st_size, sizeof garbage);
	unlink(data);

	struct store *s = folder_open(f.path);
	store_close(s);
	assert_int_equal(stat(data, &before), 0);
	assert_int_equal(truncate(data, before.st_size / 2), 0);
	refusal(f.path, ERR_CORRUPT, "truncated", 1);
	assert_int_equal(truncate(data, 0), 0);
	refusal(f.path, ERR_CORRUPT, "lost", 1);
	unlink(data);
	refusal(f.path, ERR_CORRUPT, "lost", 1);
	assert_int_equal(stat(data, &after), -1); /* nothing begun in its place */
	unlink(folder_file(f.path, "lock", lock));
	s = folder_open(f.path);
	store_close(s);
	unlink(folder_file(f.path, "lock.mdb", lock));
	s = folder_open(f.path); /* LMDB's own lock file is made anew */
	store_close(s);
	folder_remove(f.path);
}

static void another_programs_environment_is_refused(void **state)
{
	(void)state;
	struct folder f = folder_new();
	MDB_env *env;
	MDB_txn *t;
	MDB_dbi dbi;
	char word[] = "theirs";
	MDB_val v = {6, word};
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, f.path, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &t), 0);
	assert_int_equal(mdb_dbi_open(t, NULL, 0, &dbi), 0);
	assert_int_equal(mdb_put(t, dbi, &v, &v, 0), 0);
	assert_int_equal(mdb_txn_commit(t), 0);
	mdb_env_close(env);
	refusal(f.path, ERR_CORRUPT, "not-ours", 1);
	folder_remove(f.path);
}

/* What version 1 left after a clean stop: no journals, no row "folded", but a row "record". */
static void make_old(const char *folder)
{
	MDB_env *env;
	MDB_txn *t;
	MDB_dbi meta;
	char file[128], folded[] = "folded", record[] = "record", format[] = "format";
	static char octets[300000] = {0, 0, 0, 1, 0, 0, 0, 1};
	MDB_val k[] = {{6, folded}, {6, record}, {6, format}}, whole = {sizeof octets, octets},
		v = {8, octets};
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
	assert_int_equal(mdb_env_open(env, folder, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &t), 0);
	assert_int_equal(mdb_dbi_open(t, "meta", 0, &meta), 0);
	assert_int_equal(mdb_del(t, meta, &k[0], NULL), 0);
	assert_int_equal(mdb_put(t, meta, &k[1], &whole, 0), 0);
	assert_int_equal(mdb_put(t, meta, &k[2], &v, 0), 0);
	assert_int_equal(mdb_txn_commit(t), 0);
	mdb_env_close(env);
	assert_int_equal(unlink(folder_file(folder, "journal.0", file)), 0);
	assert_int_equal(unlink(folder_file(folder, "journal.1", file)), 0);
}

static void an_environment_of_before_journals_is_taken_over(void **state)
{
	struct fixture *x = *state;
	struct str value;
	struct store_txn *r;
	put_now(x->store, TABLE_A, "k", "1");
	store_close(x->store);
	make_old(x->folder.path);
	x->store = folder_open(x->folder.path);
	put_now(x->store, TABLE_A, "l", "2");
	store_close(x->store);
	x->store = folder_open(x->folder.path);
	assert_int_equal(store_read(x->store, &r), ERR_OK);
	assert_int_equal(store_get(r, TABLE_A, STR("k"), &value), ERR_OK);
	assert_int_equal(store_get(r, TABLE_A, STR("l"), &value), ERR_OK);
	assert_int_equal(store_get(r, STORE_META, STR("record"), &value), ERR_NOT_FOUND);
	store_read_end(r);
}

static void what_others_may_write_is_refused(void **state)
{
	struct fixture *x = *state;
	char data[128];
	folder_file(x->folder.path, "data.mdb", data);
	struct stat st;
	assert_int_equal(stat(data, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	store_close(x->store);
	assert_int_equal(chmod(data, 0666), 0);
	refusal(x->folder.path, ERR_IO, "permissions", 1);
	assert_int_equal(chmod(data, 0600), 0);
	assert_int_equal(chmod(x->folder.path, 0777), 0);
	refusal(x->folder.path, ERR_IO, "permissions", 1);
	assert_int_equal(chmod(x->folder.path, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(data, 1, 1), 0);
		refusal(x->folder.path, ERR_IO, "owner", 1);
		assert_int_equal(chown(data, 0, 0), 0);
	} else {
		printf("SKIPPED: another user's file, since only root can make one\n");
	}
	refusal("/proc/nothing/here", ERR_IO, "system", 1);
	x->store = folder_open(x->folder.path);
}

/* Growth. */

enum { ROWS = 64, ROW = 6000 };

struct reading {
	struct store *store;
	atomic_bool stop;
	_Atomic uint64_t rounds;
	bool two; /* holds a snapshot while it begins another */
};

/* All rows of one snapshot are of one generation. */
static void check_rows(struct store_txn *t)
{
	struct str v;
	char first = 0;
	for (unsigned i = 0; i < ROWS; i++) {
		unsigned char k[8];
		must(!store_get(t, TABLE_A, store_key_u64(k, i), &v));
		must(v.n == ROW && (v.p[0] == first || i == 0) && v.p[ROW - 1] == v.p[0]);
		first = v.p[0];
	}
}

static void *read_on(void *arg)
{
	struct reading *r = arg;
	struct store_txn *t, *other;
	must(!store_read(r->store, &t));
	while (!atomic_load(&r->stop)) {
		if (r->two) {
			must(!store_read(r->store, &other));
			check_rows(other);
			store_read_end(other);
		}
		check_rows(t);
		store_read_reset(t);
		must(!store_read_renew(t));
		atomic_fetch_add(&r->rounds, 1);
	}
	store_read_end(t);
	return NULL;
}

static enum err write_generation(struct store *s, char c, unsigned table, unsigned from)
{
	struct store_txn *t;
	static char row[ROW];
	memset(row, c, ROW);
	enum err e = store_write(s, &t);
	if (e) return e;
	for (unsigned i = 0; i < ROWS && !e; i++) {
		unsigned char k[8];
		e = store_put(t, table, store_key_u64(k, from + i), str_n(row, ROW));
	}
	if (!e) return store_commit(t);
	store_abort(t);
	return e;
}

static void the_map_grows_under_readers(void **state)
{
	(void)state;
	struct folder f = folder_new();
	struct store_options o = folder_options(f.path);
	struct store *s;
	struct store_stat st;
	o.map_initial = 2 << 20;
	assert_int_equal(store_open(&o, NULL, &s), ERR_OK);
	assert_int_equal(write_generation(s, 'a', TABLE_A, 0), ERR_OK);
	struct reading r[3] = {{.store = s}, {.store = s}, {.store = s, .two = true}};
	pthread_t threads[3];
	for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, read_on, &r[i]);
	unsigned rows = 0;
	do { /* it grows as commits are folded: no writer sees a full map */
		unsigned table = rows / ROWS % 2 ? TABLE_A : TABLE_B;
		assert_int_equal(
		    write_generation(s, (char)('a' + rows / ROWS % 26), table, table == TABLE_A ? 0 : rows),
		    ERR_OK);
		rows += ROWS;
		store_stat(s, &st);
	} while (st.map_octets < 16u << 20);
	for (int i = 0; i < 3; i++) {
		uint64_t rounds = atomic_load(&r[i].rounds);
		while (atomic_load(&r[i].rounds) == rounds) sched_yield(); /* it reads in the new map too */
		atomic_store(&r[i].stop, true);
		pthread_join(threads[i], NULL);
	}
	store_close(s);
	o.map_initial = 1 << 20; /* smaller than what is there: opened as large as it needs */
	assert_int_equal(store_open(&o, NULL, &s), ERR_OK);
	struct store_txn *t;
	assert_int_equal(store_read(s, &t), ERR_OK);
	assert_int_equal(store_count(t, TABLE_B), (rows / ROWS + 1) / 2 * ROWS);
	check_rows(t);
	store_read_end(t);
	store_close(s);
	folder_remove(f.path);
}

static void at_its_maximum_the_map_is_full_until_rows_go(void **state)
{
	(void)state;
	struct folder f = folder_new();
	struct store_options o = folder_options(f.path);
	struct store *s;
	struct store_txn *t;
	o.map_initial = 1 << 20;
	o.map_max = 3 << 20;
	assert_int_equal(store_open(&o, NULL, &s), ERR_OK);
	unsigned n = 0, failed = 0;
	while (failed < 5) {
		enum err e = write_generation(s, 'x', TABLE_A, n);
		if (e)
			failed++;
		else
			n += ROWS;
		if (e) assert_int_equal(e, ERR_NO_SPACE);
	}
	assert_true(n >= ROWS);
	assert_int_equal(store_read(s, &t), ERR_OK); /* reads go on */
	assert_int_equal(store_count(t, TABLE_A), n);
	check_rows(t);
	store_read_end(t);
	for (unsigned i = 0; i < n;) { /* a few at a time: also what is deleted needs some pages */
		assert_int_equal(store_write(s, &t), ERR_OK);
		for (unsigned end = i + 8; i < end; i++) {
			unsigned char k[8];
			assert_int_equal(store_del(t, TABLE_A, store_key_u64(k, i)), ERR_OK);
		}
		assert_int_equal(store_commit(t), ERR_OK);
	}
	put_now(s, TABLE_A, "k", "1"); /* what was deleted is free two commits later */
	put_now(s, TABLE_A, "k", "2");
	assert_int_equal(write_generation(s, 'y', TABLE_A, 0), ERR_OK);
	store_close(s);
	folder_remove(f.path);
}

static void a_copy_is_the_snapshot_while_writing_goes_on(void **state)
{
	struct fixture *x = *state;
	struct folder to = folder_new();
	char inside[128];
	assert_int_equal(write_generation(x->store, 'a', TABLE_A, 0), ERR_OK);
	folder_file(to.path, "copy", inside);
	assert_int_equal(store_copy(x->store, inside), ERR_OK);
	assert_int_equal(store_copy(x->store, inside), ERR_EXISTS); /* never over another */
	assert_int_equal(write_generation(x->store, 'b', TABLE_A, 0), ERR_OK);
	struct store *copy = folder_open(inside);
	struct store_txn *t;
	struct str v;
	unsigned char k[8];
	assert_int_equal(store_read(copy, &t), ERR_OK);
	check_rows(t);
	assert_int_equal(store_get(t, TABLE_A, store_key_u64(k, 7), &v), ERR_OK);
	assert_int_equal(v.p[0], 'a');
	store_read_end(t);
	assert_int_equal(write_generation(copy, 'c', TABLE_A, 0), ERR_OK);
	store_close(copy);
	folder_remove(to.path);
}

static void what_was_written_is_there_after_reopening(void **state)
{
	struct fixture *x = *state;
	for (char c = 'a'; c < 'd'; c++) {
		assert_int_equal(write_generation(x->store, c, TABLE_A, 0), ERR_OK);
		store_close(x->store);
		x->store = folder_open(x->folder.path);
		struct store_txn *t;
		struct str v;
		unsigned char k[8];
		assert_int_equal(store_read(x->store, &t), ERR_OK);
		check_rows(t);
		assert_int_equal(store_get(t, TABLE_A, store_key_u64(k, 0), &v), ERR_OK);
		assert_int_equal(v.p[0], c);
		store_read_end(t);
	}
	store_close(NULL);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(rows_are_put_read_and_deleted),
	    CASE(an_aborted_write_leaves_nothing),
	    CASE(a_key_out_of_bounds_poisons_the_write),
	    CASE(cursors_walk_in_the_order_of_keys),
	    CASE(a_reader_sees_its_snapshot_until_renewed),
	    CASE(a_second_daemon_is_refused_by_name),
	    CASE(formats_migrate_forward_only),
	    CASE(a_table_may_be_added),
	    cmocka_unit_test(what_is_not_ours_or_not_whole_is_refused_and_left),
	    cmocka_unit_test(another_programs_environment_is_refused),
	    CASE(an_environment_of_before_journals_is_taken_over),
	    CASE(what_others_may_write_is_refused),
	    cmocka_unit_test(the_map_grows_under_readers),
	    cmocka_unit_test(at_its_maximum_the_map_is_full_until_rows_go),
	    CASE(a_copy_is_the_snapshot_while_writing_goes_on),
	    CASE(what_was_written_is_there_after_reopening),
	};
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
