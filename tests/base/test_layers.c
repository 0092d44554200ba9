/* The store over its layers: what lies in memtables, is being folded, or is in LMDB already reads as one
 * table, and all of it is there after a crash. */
#include "tests/base/cases.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/store_env.h"
#include "tests/base/opened.h"

/* ---- against a model --------------------------------------------------------------------- */

enum { KEYS = 60, STEPS = 1500, PLACES = 4 };

struct model {
	unsigned value[KEYS]; /* 0: absent */
};

static unsigned long dice = 12345;

static unsigned toss(unsigned n)
{
	dice = dice * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice >> 33) % n;
}

static struct str key_of(unsigned i, char out[8])
{
	return str_n(out, (size_t)snprintf(out, 8, "k%02u", i));
}

static unsigned count(const struct model *m)
{
	unsigned n = 0;
	for (unsigned i = 0; i < KEYS; i++) n += m->value[i] != 0;
	return n;
}

static void assert_at(const struct model *m, unsigned i, struct str key, struct str value)
{
	char name[8], want[16];
	assert_true(str_eq(key, key_of(i, name)));
	snprintf(want, sizeof want, "%u", m->value[i]);
	assert_str(value, want);
}

/* Ahead, back, and to and fro about each place. */
static void check_cursor(struct store_txn *t, const struct model *m)
{
	struct store_cursor *c;
	struct str k, v;
	char name[8];
	assert_int_equal(store_cursor_open(t, TABLE_A, &c), ERR_OK);
	unsigned i = 0;
	for (enum err e = store_cursor_seek(c, STR(""), &k, &v); !e;
	     e = store_cursor_next(c, &k, &v), i++) {
		while (!m->value[i]) i++;
		assert_at(m, i, k, v);
	}
	while (i < KEYS && !m->value[i]) i++;
	assert_int_equal(i, KEYS);
	for (enum err e = store_cursor_last(c, &k, &v); !e; e = store_cursor_prev(c, &k, &v), i--) {
		while (!m->value[i - 1]) i--;
		assert_at(m, i - 1, k, v);
	}
	while (i && !m->value[i - 1]) i--;
	assert_int_equal(i, 0);
	for (unsigned n = 0; n < 10; n++) {
		unsigned at = toss(KEYS), next = at;
		while (next < KEYS && !m->value[next]) next++;
		enum err e = store_cursor_seek(c, key_of(at, name), &k, &v);
		assert_int_equal(e, next < KEYS ? ERR_OK : ERR_NOT_FOUND);
		if (!e) assert_at(m, next, k, v);
		while (at && !m->value[at - 1]) at--;
		e = store_cursor_prev(c, &k, &v);
		assert_int_equal(e, at ? ERR_OK : ERR_NOT_FOUND);
		if (!e) assert_at(m, at - 1, k, v);
		if (e || next == KEYS) continue;
		assert_int_equal(store_cursor_next(c, &k, &v), ERR_OK);
		assert_at(m, next, k, v);
	}
	store_cursor_close(c);
}

static void check_model(struct store_txn *t, const struct model *m)
{
	struct str v;
	char name[8];
	for (unsigned i = 0; i < KEYS; i++) {
		enum err e = store_get(t, TABLE_A, key_of(i, name), &v);
		assert_int_equal(e, m->value[i] ? ERR_OK : ERR_NOT_FOUND);
		if (!e) assert_at(m, i, str_of(name), v);
	}
	assert_int_equal(store_count(t, TABLE_A), count(m));
	check_cursor(t, m);
}

static void change(struct store_txn *t, struct model *m, unsigned n)
{
	char name[8], value[16];
	while (n--) {
		unsigned i = toss(KEYS), v = 1 + toss(1000);
		struct str key = key_of(i, name);
		snprintf(value, sizeof value, "%u", v);
		switch (toss(4)) {
		case 0:
			assert_int_equal(store_del(t, TABLE_A, key), m->value[i] ? ERR_OK : ERR_NOT_FOUND);
			m->value[i] = 0;
			break;
		case 1:
			assert_int_equal(store_put_new(t, TABLE_A, key, str_of(value)),
					 m->value[i] ? ERR_EXISTS : ERR_OK);
			if (!m->value[i]) m->value[i] = v;
			break;
		default:
			assert_int_equal(store_put(t, TABLE_A, key, str_of(value)), ERR_OK);
			m->value[i] = v;
		}
	}
}

/* A snapshot that is kept, and what it must show as long as it is. */
struct kept {
	struct store_txn *t;
	struct model m;
};

static void keep(struct store *s, struct kept *k, const struct model *m)
{
	if (k->t) {
		check_model(k->t, &k->m);
		store_read_reset(k->t);
		assert_int_equal(store_read_renew(k->t), ERR_OK);
	} else {
		assert_int_equal(store_read(s, &k->t), ERR_OK);
	}
	k->m = *m;
	check_model(k->t, m);
}

static void seal(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	if (!store__sealed(s) && store__unfolded(s)) assert_int_equal(store__seal(s), ERR_OK);
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

static struct store_txn *begin(struct store *s, bool directly)
{
	struct store_txn *t;
	assert_int_equal(directly ? store_write_directly(s, &t) : store_write(s, &t), ERR_OK);
	return t;
}

static void the_layers_read_as_one_table(void **state)
{
	struct fixture *x = *state;
	struct model m = {{0}};
	struct kept kept[PLACES] = {{0}};
	for (unsigned step = 0; step < STEPS; step++) {
		struct store_txn *t = begin(x->store, toss(3) == 0);
		struct model before = m;
		change(t, &m, toss(6));
		check_model(t, &m); /* a write transaction sees its own */
		if (toss(5)) {
			assert_int_equal(store_commit(t), ERR_OK);
		} else {
			store_abort(t);
			m = before;
		}
		keep(x->store, &kept[toss(PLACES)], &m);
		if (toss(20) == 0) seal(x->store);
		if (toss(50) == 0) assert_int_equal(store__fold_all(x->store), ERR_OK);
	}
	for (int i = 0; i < PLACES; i++) {
		check_model(kept[i].t, &kept[i].m);
		store_read_end(kept[i].t);
	}
	store_close(x->store);
	x->store = folder_open(x->folder.path);
	struct store_txn *t;
	assert_int_equal(store_read(x->store, &t), ERR_OK);
	check_model(t, &m);
	store_read_end(t);
}

static void a_cursor_follows_what_its_transaction_changes(void **state)
{
	struct fixture *x = *state;
	struct store_txn *t;
	struct store_cursor *c;
	struct str k, v;
	char name[8];
	for (int way = 0; way < 3; way++) {
		assert_int_equal(store_write(x->store, &t), ERR_OK);
		for (unsigned i = 0; i < 20; i += 2)
			assert_int_equal(store_put(t, TABLE_A, key_of(i, name), STR("v")), ERR_OK);
		assert_int_equal(store_commit(t), ERR_OK);
		if (way) assert_int_equal(store__fold_all(x->store), ERR_OK);
		t = begin(x->store, way == 2);
		assert_int_equal(store_cursor_open(t, TABLE_A, &c), ERR_OK);
		unsigned n = 0;
		for (enum err e = store_cursor_seek(c, STR(""), &k, &v); !e;
		     e = store_cursor_next(c, &k, &v), n++) {
			assert_int_equal(store_del(t, TABLE_A, k), ERR_OK);
			if (n == 3) assert_int_equal(store_put(t, TABLE_A, STR("k07"), STR("v")), ERR_OK);
			if (n == 4) assert_str(k, "k07");
			if (n == 4) assert_int_equal(store_del(t, TABLE_A, STR("k10")), ERR_OK);
		}
		assert_int_equal(n, 10); /* one came, one went */
		assert_int_equal(store_count(t, TABLE_A), 0);
		store_cursor_close(c);
		assert_int_equal(store_commit(t), ERR_OK);
	}
}

static void an_append_is_beyond_every_key(void **state)
{
	struct fixture *x = *state;
	struct store_txn *t;
	unsigned char k[8], l[8];
	for (int i = 0; i < 4; i++) { /* in the layers, then in LMDB; the same directly */
		t = begin(x->store, i >= 2);
		assert_int_equal(store_append(t, TABLE_A, store_key_u64(k, 10), STR("v")),
				 i ? ERR_EXISTS : ERR_OK);
		assert_int_equal(store_put(t, TABLE_A, store_key_u64(k, 30), STR("v")), ERR_OK);
		assert_int_equal(store_append(t, TABLE_A, store_key_u64(k, 20), STR("v")), ERR_EXISTS);
		assert_int_equal(store_append(t, TABLE_A, store_key_u64(k, 30), STR("v")), ERR_EXISTS);
		assert_int_equal(store_append(t, TABLE_A, store_key_u64(l, 40), STR("v")), ERR_OK);
		assert_int_equal(store_del(t, TABLE_A, store_key_u64(l, 40)), ERR_OK);
		assert_int_equal(store_append(t, TABLE_A, store_key_u64(k, 35), STR("v")), ERR_OK);
		assert_int_equal(store_del(t, TABLE_A, store_key_u64(k, 35)), ERR_OK);
		assert_int_equal(store_commit(t), ERR_OK);
		assert_int_equal(store__fold_all(x->store), ERR_OK);
	}
}

/* `high` grows with every commit and `low` follows with some: no snapshot may show low above high. The
 * commits lie in layers that are sealed and folded all the time, or go to LMDB directly. */
struct racing {
	struct store *store;
	atomic_bool over;
	_Atomic unsigned rounds;
};

static uint64_t number_at(struct store_txn *t, const char *key)
{
	struct str v;
	return store_get(t, TABLE_A, str_of(key), &v) ? 0 : store_u64(v);
}

static void *race(void *arg)
{
	struct racing *r = arg;
	struct store_txn *t;
	must(!store_read(r->store, &t));
	for (uint64_t last = 0; !atomic_load(&r->over); atomic_fetch_add(&r->rounds, 1)) {
		store_read_reset(t);
		must(!store_read_renew(t));
		uint64_t high = number_at(t, "high"), low = number_at(t, "low");
		must(low <= high && high >= last);
		last = high;
	}
	store_read_end(t);
	return NULL;
}

static void grow_high(struct store *s, uint64_t n, bool both, struct str large)
{
	struct store_txn *t;
	unsigned char k[8];
	t = begin(s, n % 5 == 0);
	assert_int_equal(store_put(t, TABLE_A, STR("high"), store_key_u64(k, n)), ERR_OK);
	if (both) assert_int_equal(store_put(t, TABLE_A, STR("low"), store_key_u64(k, n)), ERR_OK);
	if (large.n) assert_int_equal(store_put(t, TABLE_B, STR("large"), large), ERR_OK);
	assert_int_equal(store_commit(t), ERR_OK);
}

static void no_snapshot_is_of_two_times(void **state)
{
	struct fixture *x = *state;
	enum { COMMITS = 600, READERS = 3 };
	struct racing r = {.store = x->store};
	pthread_t threads[READERS];
	char *large = calloc(1, JOURNAL_PAYLOAD_MAX);
	for (int i = 0; i < READERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, race, &r), 0);
	for (uint64_t n = 1; n <= COMMITS; n++) {
		bool direct = n % 12 == 0;
		grow_high(x->store, n, direct || n % 3 == 0,
			  str_n(large, direct ? JOURNAL_PAYLOAD_MAX : 0));
		if (n % 4 == 0) seal(x->store);
	}
	atomic_store(&r.over, true);
	for (int i = 0; i < READERS; i++) pthread_join(threads[i], NULL);
	assert_true(atomic_load(&r.rounds) > READERS);
	free(large);
}

struct waiting {
	struct store *store;
	atomic_bool begun, has;
};

static void *wait_for_snapshot(void *arg)
{
	struct waiting *w = arg;
	struct store_txn *t;
	atomic_store(&w->begun, true);
	must(!store_read(w->store, &t));
	atomic_store(&w->has, true);
	store_read_end(t);
	return NULL;
}

/* As in the moment between a direct commit and the layers that belong to it. */
static void a_snapshot_waits_for_layers_that_cover_it(void **state)
{
	struct fixture *x = *state;
	struct waiting w = {.store = x->store};
	struct layers *l = atomic_load(&x->store->layers);
	pthread_t thread;
	uint64_t limit = atomic_exchange(&l->limit, 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_snapshot, &w), 0);
	while (!atomic_load(&w.begun)) sched_yield();
	for (int i = 0; i < 20000; i++) {
		assert_false(atomic_load(&w.has));
		sched_yield();
	}
	atomic_store(&l->limit, limit);
	pthread_join(thread, NULL);
	assert_true(atomic_load(&w.has));
}

/* ---- crashes ------------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to, const char *name)
{
	char path[128], block[65536];
	int in = open(folder_file(from, name, path), O_RDONLY);
	int out = open(folder_file(to, name, path), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(in >= 0 && out >= 0);
	for (ssize_t n; (n = read(in, block, sizeof block)) > 0;)
		assert_int_equal(write(out, block, (size_t)n), n);
	close(in);
	close(out);
}

/* What a killed process leaves. */
static void copy_folder(const char *from, const char *to)
{
	static const char *const names[] = {"data.mdb", "journal.0", "journal.1", "lock"};
	for (size_t i = 0; i < COUNT(names); i++) copy_file(from, to, names[i]);
}

static void put_number(struct store *s, unsigned i)
{
	struct store_txn *t;
	unsigned char k[8];
	assert_int_equal(store_write(s, &t), ERR_OK);
	assert_int_equal(store_append(t, TABLE_B, store_key_u64(k, i), STR("row")), ERR_OK);
	assert_int_equal(store_commit(t), ERR_OK);
}

static void assert_numbers(const char *folder, unsigned n)
{
	struct store *s = folder_open(folder);
	struct store_txn *t;
	struct str v;
	assert_int_equal(store_read(s, &t), ERR_OK);
	assert_int_equal(store_count(t, TABLE_B), n);
	for (unsigned i = 0; i < n; i++) {
		unsigned char k[8];
		assert_int_equal(store_get(t, TABLE_B, store_key_u64(k, i), &v), ERR_OK);
	}
	store_read_end(t);
	store_close(s);
}

/* In one journal or two, folded or not, once or again. */
static void each_commit_is_there_after_a_crash(void **state)
{
	struct fixture *x = *state;
	struct folder to = folder_new();
	for (unsigned i = 0; i < 40; i++) {
		put_number(x->store, i);
		if (i % 7 == 3) seal(x->store);
		if (i % 11 == 5) assert_int_equal(store__fold_all(x->store), ERR_OK);
		copy_folder(x->folder.path, to.path);
		assert_numbers(to.path, i + 1);
		assert_numbers(to.path, i + 1);
	}
	folder_remove(to.path);
}

static void a_torn_end_of_the_journal_is_no_commit(void **state)
{
	struct fixture *x = *state;
	struct folder to = folder_new();
	char path[128];
	put_number(x->store, 0);
	size_t whole = journal_octets(&x->store->journal[x->store->active]);
	put_number(x->store, 1);
	size_t end = journal_octets(&x->store->journal[x->store->active]);
	const char *name = x->store->active ? "journal.1" : "journal.0";
	for (size_t n = whole; n < end; n += 5) {
		copy_folder(x->folder.path, to.path);
		assert_int_equal(truncate(folder_file(to.path, name, path), (off_t)n), 0);
		assert_numbers(to.path, 1);
	}
	folder_remove(to.path);
}

static void assert_refused(const char *folder)
{
	struct store_options o = folder_options(folder);
	struct store *s;
	struct flaw f;
	assert_int_equal(store_open(&o, &f, &s), ERR_CORRUPT);
	assert_string_equal(f.rule, "journal");
}

static void a_journal_that_does_not_follow_its_data_is_refused(void **state)
{
	struct fixture *x = *state;
	struct folder early = folder_new(), late = folder_new();
	put_number(x->store, 0);
	assert_int_equal(store__fold_all(x->store), ERR_OK);
	copy_folder(x->folder.path, early.path);
	for (unsigned i = 1; i < 3; i++) { /* each journal is used once more */
		put_number(x->store, i);
		assert_int_equal(store__fold_all(x->store), ERR_OK);
	}
	put_number(x->store, 3);
	copy_folder(x->folder.path, late.path);
	copy_file(early.path, late.path, "data.mdb"); /* somebody puts an older copy back beside it */
	assert_refused(late.path);
	copy_folder(x->folder.path, late.path);
	assert_numbers(late.path, 4);
	folder_remove(early.path);
	folder_remove(late.path);
}

/* ---- its thread ---------------------------------------------------------------------------- */

static void what_is_quiet_is_folded(void **state)
{
	struct fixture *x = *state;
	struct store_stat st;
	put_number(x->store, 0);
	pthread_mutex_lock(&x->store->lock);
	while (store__unfolded(x->store)) pthread_cond_wait(&x->store->folded_once, &x->store->lock);
	assert_int_equal(x->store->folded, x->store->commit);
	pthread_mutex_unlock(&x->store->lock);
	store_stat(x->store, &st);
	assert_int_equal(st.waiting_octets, 0);
	assert_int_equal(st.folds, 1);
	assert_int_equal(st.fold_failures, 0);
	put_number(x->store, 1);
	store_stat(x->store, &st);
	assert_true(st.waiting_octets > 0);
}

static void a_commit_beyond_the_journal_goes_to_the_data_at_once(void **state)
{
	struct fixture *x = *state;
	struct store_txn *t;
	struct folder to = folder_new();
	char *large = calloc(1, JOURNAL_PAYLOAD_MAX);
	unsigned char k[8];
	put_number(x->store, 0);
	for (int ok = 0; ok < 2; ok++) {
		assert_int_equal(store_write(x->store, &t), ERR_OK);
		assert_int_equal(
		    store_put(t, TABLE_B, store_key_u64(k, 1), str_n(large, JOURNAL_PAYLOAD_MAX)), ERR_OK);
		if (!ok)
			store_abort(t);
		else
			assert_int_equal(store_commit(t), ERR_OK);
		copy_folder(x->folder.path, to.path);
		assert_numbers(to.path, 1 + (unsigned)ok);
	}
	assert_false(store__unfolded(x->store));
	put_number(x->store, 2);
	copy_folder(x->folder.path, to.path);
	assert_numbers(to.path, 3);
	free(large);
	folder_remove(to.path);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(the_layers_read_as_one_table),
	    CASE(a_cursor_follows_what_its_transaction_changes),
	    CASE(an_append_is_beyond_every_key),
	    CASE(no_snapshot_is_of_two_times),
	    CASE(a_snapshot_waits_for_layers_that_cover_it),
	    CASE(each_commit_is_there_after_a_crash),
	    CASE(a_torn_end_of_the_journal_is_no_commit),
	    CASE(a_journal_that_does_not_follow_its_data_is_refused),
	    CASE(what_is_quiet_is_folded),
	    CASE(a_commit_beyond_the_journal_goes_to_the_data_at_once),
	};
	return cmocka_run_group_tests_name("layers", tests, NULL, NULL);
}
