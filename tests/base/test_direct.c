/* Transactions past journal and memtable: full pages, the same feed, and a map that cannot grow. */
#include "tests/base/cases.h"

#include <stdlib.h>

#include "base/feed.h"
#include "base/store_env.h"
#include "base/writer.h"
#include "tests/base/folder.h"

enum { ROW = 100 };

static struct str row_of(uint64_t i, char out[ROW])
{
	for (int k = 0; k < ROW; k++) out[k] = (char)(i * 31 + (uint64_t)k);
	return str_n(out, ROW);
}

/* Puts so many rows from `from` on. */
static enum err put_rows(struct store *s, bool directly, uint64_t from, unsigned n)
{
	struct store_txn *t;
	char row[ROW];
	unsigned char k[8];
	enum err e = directly ? store_write_directly(s, &t) : store_write(s, &t);
	if (e) return e;
	for (uint64_t i = from; i < from + n && !e; i++)
		e = store_put(t, TABLE_A, store_key_u64(k, i), row_of(i, row));
	if (!e) return store_commit(t);
	store_abort(t);
	return e;
}

static void check_rows(struct store_txn *t, uint64_t n)
{
	struct str v;
	char row[ROW];
	unsigned char k[8];
	assert_int_equal(store_count(t, TABLE_A), n);
	for (uint64_t i = 0; i < n; i++) {
		assert_int_equal(store_get(t, TABLE_A, store_key_u64(k, i), &v), ERR_OK);
		assert_true(str_eq(v, row_of(i, row)));
	}
}

/* Leaves for so many rows, a twentieth for branches, and some pages that each commit leaves free for the
 * next. */
static size_t room_of(size_t rows)
{
	enum { PER_PAGE = 34, PAGE = 4096 };
	return rows / PER_PAGE * PAGE / 20 * 21 + (1 << 20);
}

static void rows_in_order_fill_their_pages(void **state)
{
	(void)state;
	enum { N = 100000, AT_ONCE = 5000 };
	struct folder f = folder_new();
	struct store *s = folder_open(f.path);
	struct store_txn *t;
	for (uint64_t i = 0; i < N; i += AT_ONCE) assert_int_equal(put_rows(s, true, i, AT_ONCE), ERR_OK);
	assert_true(store__used(s) < room_of(N));
	assert_int_equal(store_read(s, &t), ERR_OK);
	check_rows(t, N);
	store_read_end(t);
	store_close(s);
	s = folder_open(f.path);
	assert_int_equal(store_read(s, &t), ERR_OK);
	check_rows(t, N);
	store_read_end(t);
	store_close(s);
	folder_remove(f.path);
}

/* What the test above measures would be seen: pages that are split again and again stay half empty. */
static void rows_out_of_order_do_not(void **state)
{
	(void)state;
	enum { N = 100000, AT_ONCE = 5000 };
	struct folder f = folder_new();
	struct store *s = folder_open(f.path);
	struct store_txn *t;
	for (uint64_t i = N; i > 0; i -= AT_ONCE)
		assert_int_equal(put_rows(s, true, i - AT_ONCE, AT_ONCE), ERR_OK);
	assert_true(store__used(s) > room_of(N));
	assert_int_equal(store_read(s, &t), ERR_OK);
	check_rows(t, N);
	store_read_end(t);
	store_close(s);
	folder_remove(f.path);
}

/* A reader holds the map in place: writing stops with an error once it is full, whatever the way; what was
 * committed stays, for new snapshots and the old one, and all goes on when that has gone. */
static void a_snapshot_that_is_kept_stops_growth_and_harms_nothing(void **state)
{
	(void)state;
	enum { AT_ONCE = 5000 };
	struct folder f = folder_new();
	struct store_options o = folder_options(f.path);
	struct store *s;
	struct store_txn *old, *t;
	struct store_stat before, after;
	o.map_initial = 4 << 20;
	assert_int_equal(store_open(&o, NULL, &s), ERR_OK);
	uint64_t n = 0, seen;
	for (; n < 2 * AT_ONCE; n += AT_ONCE) assert_int_equal(put_rows(s, true, n, AT_ONCE), ERR_OK);
	seen = n;
	assert_int_equal(store_read(s, &old), ERR_OK);
	store_stat(s, &before);
	enum err e = ERR_OK;
	for (bool directly = true;;) {
		e = put_rows(s, directly, n, AT_ONCE);
		if (!e) {
			n += AT_ONCE;
			continue;
		}
		assert_int_equal(e, ERR_NO_SPACE);
		assert_true(n < 1000 * AT_ONCE);
		if (!directly) break;
		directly = false; /* as the writer does */
	}
	assert_true(n > seen);
	store_stat(s, &after);
	assert_int_equal(after.map_octets, before.map_octets);
	check_rows(old, seen);
	assert_int_equal(store_read(s, &t), ERR_OK);
	check_rows(t, n);
	store_read_end(t);
	store_read_end(old);
	for (int i = 0; i < 20; i++, n += AT_ONCE) assert_int_equal(put_rows(s, i % 2, n, AT_ONCE), ERR_OK);
	store_stat(s, &after);
	assert_true(after.map_octets > before.map_octets);
	store_close(s);
	assert_int_equal(store_open(&o, NULL, &s), ERR_OK);
	assert_int_equal(store_read(s, &t), ERR_OK);
	check_rows(t, n);
	store_read_end(t);
	store_close(s);
	folder_remove(f.path);
}

/* ---- the feed ---------------------------------------------------------------------------- */

enum { STEPS = 40, KEYS = 30 };

struct step {
	struct writer_cmd cmd;
	unsigned n;
};

static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	unsigned i = ((struct step *)c)->n;
	char key[16], value[64];
	enum err e = ERR_OK;
	for (unsigned k = i; k < i + 7 && !e; k++) {
		snprintf(key, sizeof key, "key-%03u", k * 17 % KEYS);
		snprintf(value, sizeof value, "%08u of %s, step %u", i, key, i); /* its mark goes first */
		struct str name = str_of(key);
		e = k % 5 == 4 ? store_del(t->store, TABLE_A, name)
			       : store_put(t->store, TABLE_A, name, str_of(value));
		if (e == ERR_NOT_FOUND) e = ERR_OK;
		if (!e) e = store_put(t->store, TABLE_B, name, str_of(value));
		if (!e) e = store_put(t->store, TABLE_B + 1, name, str_of(value));
	}
	return e;
}

static enum store_told told(unsigned table)
{
	return table == TABLE_A ? STORE_TOLD_BY_KEY : table == TABLE_B ? STORE_TOLD : STORE_UNTOLD;
}

struct told_store {
	struct folder folder;
	struct store *store;
	struct writer *writer;
};

static void run_steps(struct told_store *x, enum writer_way way)
{
	static const struct store_table tables[] = {{"a"}, {"b"}, {"c"}};
	x->folder = folder_new();
	struct store_options o = {
	    .folder = x->folder.path, .tables = tables, .tables_n = 3, .format = 1, .told = told};
	assert_int_equal(store_open(&o, NULL, &x->store), ERR_OK);
	struct writer_options w = {.store = x->store, .origin = "direct"};
	assert_int_equal(writer_start(&w, &x->writer), ERR_OK);
	for (unsigned i = 0; i < STEPS; i++) {
		struct step s = {.cmd = {.apply = apply, .way = way}, .n = i};
		assert_int_equal(writer_run(x->writer, &s.cmd), ERR_OK);
	}
}

static void close_told(struct told_store *x)
{
	writer_stop(x->writer);
	store_close(x->store);
	folder_remove(x->folder.path);
}

static void check_entry(struct told_store x[2], struct store_txn *t[2], uint64_t position)
{
	struct feed_entry entry[2];
	struct feed_walk walk[2];
	struct feed_op op[2];
	for (int i = 0; i < 2; i++) {
		struct feed *f = writer_feed(x[i].writer);
		assert_int_equal(f->driver->read(f, t[i], position, &entry[i]), ERR_OK);
		feed_walk_begin(&walk[i], &entry[i]);
	}
	assert_true(str_eq(entry[0].ops, entry[1].ops)); /* octet by octet: neither keeps more */
	for (;;) {
		enum err e = feed_next(&walk[0], &op[0]);
		assert_int_equal(feed_next(&walk[1], &op[1]), e);
		if (e == ERR_NOT_FOUND) return;
		assert_int_equal(e, ERR_OK);
		assert_int_equal(op[0].kind, op[1].kind);
		assert_int_equal(op[0].table, op[1].table);
		assert_true(str_eq(op[0].key, op[1].key));
		assert_true(str_eq(op[0].value, op[1].value));
	}
}

static void the_feed_tells_the_same_of_both_ways(void **state)
{
	(void)state;
	struct told_store x[2];
	struct store_txn *t[2];
	uint64_t head[2];
	run_steps(&x[0], WRITER_SOON);
	run_steps(&x[1], WRITER_DIRECT);
	assert_true(journal_octets(&x[0].store->journal[x[0].store->active]) > 0);
	assert_int_equal(journal_octets(&x[1].store->journal[x[1].store->active]), 0);
	for (int i = 0; i < 2; i++) {
		struct feed *f = writer_feed(x[i].writer);
		assert_int_equal(store_read(x[i].store, &t[i]), ERR_OK);
		assert_int_equal(f->driver->head(f, t[i], &head[i]), ERR_OK);
	}
	assert_int_equal(head[0], STEPS);
	assert_int_equal(head[1], STEPS);
	for (uint64_t p = 1; p <= STEPS; p++) check_entry(x, t, p);
	for (int i = 0; i < 2; i++) {
		store_read_end(t[i]);
		close_told(&x[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_in_order_fill_their_pages),
	    cmocka_unit_test(rows_out_of_order_do_not),
	    cmocka_unit_test(a_snapshot_that_is_kept_stops_growth_and_harms_nothing),
	    cmocka_unit_test(the_feed_tells_the_same_of_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
