/* What the feed keeps of tables that are told by key, or not at all. */
#include "tests/base/written.h"

#include "base/feed_op.h"
#include "base/sign.h"

enum { ROUNDS = 400, KEYS = 40, MARKED = STORE_MARK };

/* a: told by key; b: not told. */
static enum store_told told(unsigned table)
{
	return table == TABLE_A ? STORE_TOLD_BY_KEY : table == TABLE_B ? STORE_UNTOLD : STORE_TOLD;
}

static struct store *open_told(const char *path)
{
	struct store_options o = folder_options(path);
	struct store *s;
	struct flaw f;
	o.told = told;
	assert_int_equal(store_open(&o, &f, &s), ERR_OK);
	return s;
}

static void start(struct fixture *x)
{
	start_writer(x, (struct writer_options){0});
}

static int set_up_told(void **state)
{
	struct fixture *x = fixture_new(state);
	x->store = open_told(x->folder.path);
	start(x);
	return 0;
}

/* Value of a change: its number as the mark, then octets that tell it from others. */
static struct str value_of(uint64_t mark, unsigned char room[64])
{
	store_key_u64(room, mark);
	memset(room + MARKED, (int)(mark * 37 % 251), 56);
	return str_n(room, MARKED + mark % 50);
}

static struct str key_of(uint64_t i, char room[64])
{
	int n = snprintf(room, 64, "88.900/serial-%06llu%s", (unsigned long long)(i % KEYS),
			 i % 3 ? "" : "-tail");
	return str_n(room, (size_t)n);
}

struct change {
	struct writer_cmd cmd;
	uint64_t seed;
};

/* Each round puts some, some of them twice in one command, and deletes one; what they are follows from the
 * seed. */
static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	uint64_t seed = ((struct change *)c)->seed;
	unsigned char value[64];
	char key[64];
	enum err e = ERR_OK;
	for (uint64_t i = 0; i < 6 && !e; i++) {
		struct str k = key_of(seed * 7 + i * i, key), v = value_of(seed * 100 + i, value);
		e = store_put(t->store, TABLE_A, k, v);
		if (!e && i == 3) e = store_put(t->store, TABLE_A, k, value_of(seed * 100 + 50, value));
		if (!e) e = store_put(t->store, TABLE_B, k, v);
	}
	if (!e) e = store_del(t->store, TABLE_A, key_of(seed * 11, key));
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static void change(struct fixture *x, uint64_t seed)
{
	struct change c = {.cmd = {.apply = apply}, .seed = seed};
	assert_int_equal(writer_run(x->writer, &c.cmd), ERR_OK);
}

static struct store_txn *reader(struct store *s)
{
	struct store_txn *t;
	assert_int_equal(store_read(s, &t), ERR_OK);
	return t;
}

/* The value with this mark, from the entries after `position` or from the table. */
static void assert_derived(struct fixture *x, struct store_txn *t, uint64_t position, struct str key,
			   uint64_t mark)
{
	struct feed *feed = writer_feed(x->writer);
	unsigned char room[64];
	struct str want = value_of(mark, room), row;
	struct feed_entry entry;
	for (; !feed->driver->read(feed, t, position, &entry); position++) {
		struct feed_walk w;
		struct feed_op op;
		feed_walk_begin(&w, &entry);
		while (!feed_next(&w, &op)) {
			if (op.kind != FEED_WAS || !str_eq(op.key, key) ||
			    store_u64(str_first(op.value, 8)) != mark)
				continue;
			assert_true(str_eq(op.value, want));
			return;
		}
	}
	assert_int_equal(store_get(t, TABLE_A, key, &row), ERR_OK);
	assert_true(str_eq(row, want));
}

static void every_value_is_in_the_feed_or_in_the_table(void **state)
{
	struct fixture *x = *state;
	struct feed *feed = writer_feed(x->writer);
	struct feed_entry entry;
	size_t keys = 0;
	for (uint64_t i = 1; i <= ROUNDS; i++) change(x, i);
	struct store_txn *t = reader(x->store);
	for (uint64_t p = 1; !feed->driver->read(feed, t, p, &entry); p++) {
		struct feed_walk w;
		struct feed_op op;
		enum err e;
		feed_walk_begin(&w, &entry);
		while (!(e = feed_next(&w, &op))) {
			assert_int_not_equal(op.table, TABLE_B);
			assert_false(op.table == TABLE_A && op.kind == FEED_PUT);
			if (op.kind != FEED_KEY) continue;
			keys++;
			assert_int_equal(op.value.n, STORE_MARK);
			assert_derived(x, t, p, op.key, store_u64(op.value));
		}
		assert_int_equal(e, ERR_NOT_FOUND);
	}
	assert_int_equal(keys, 7 * ROUNDS);
	store_read_end(t);
}

static void a_walk_goes_on_at_the_place_of_any_operation(void **state)
{
	struct fixture *x = *state;
	struct feed *feed = writer_feed(x->writer);
	struct feed_entry entry;
	for (uint64_t i = 1; i <= 20; i++) change(x, i);
	struct store_txn *t = reader(x->store);
	assert_int_equal(feed->driver->read(feed, t, 20, &entry), ERR_OK);
	struct feed_walk all, some;
	struct feed_op a, b;
	feed_walk_begin(&all, &entry);
	size_t places = 0;
	for (size_t at = 0; at <= entry.ops.n; at++) {
		bool begins = at == entry.ops.n - all.rest.n;
		feed_walk_begin(&some, &entry);
		assert_int_equal(feed_walk_skip(&some, at), begins ? ERR_OK : ERR_CORRUPT);
		if (!begins || at == entry.ops.n) continue;
		assert_int_equal(feed_next(&all, &a), ERR_OK);
		assert_int_equal(feed_next(&some, &b), ERR_OK);
		assert_true(a.kind == b.kind && a.table == b.table && str_eq(a.key, b.key) &&
			    str_eq(a.value, b.value));
		places++;
	}
	assert_true(places > 7);
	assert_int_equal(feed_walk_skip(&some, entry.ops.n + 1), ERR_CORRUPT);
	store_read_end(t);
}

static void copy_file(const char *from, const char *to, const char *name)
{
	char path[128], octets[65536];
	snprintf(path, sizeof path, "%s/%s", from, name);
	FILE *in = fopen(path, "r");
	snprintf(path, sizeof path, "%s/%s", to, name);
	FILE *out = fopen(path, "w");
	assert_true(in && out);
	for (size_t n; (n = fread(octets, 1, sizeof octets, in)) > 0;)
		assert_int_equal(fwrite(octets, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

static void assert_same(struct store *a, struct store *b, unsigned table)
{
	struct store_txn *s = reader(a), *t = reader(b);
	struct store_cursor *c, *d;
	struct str k, v, l, w;
	size_t n = 0;
	assert_int_equal(store_cursor_open(s, table, &c), ERR_OK);
	assert_int_equal(store_cursor_open(t, table, &d), ERR_OK);
	enum err e = store_cursor_seek(c, STR(""), &k, &v), f = store_cursor_seek(d, STR(""), &l, &w);
	for (; !e && !f; e = store_cursor_next(c, &k, &v), f = store_cursor_next(d, &l, &w), n++)
		assert_true(str_eq(k, l) && str_eq(v, w));
	assert_int_equal(e, ERR_NOT_FOUND);
	assert_int_equal(f, ERR_NOT_FOUND);
	assert_true(n > 0);
	store_cursor_close(c);
	store_cursor_close(d);
	store_read_end(s);
	store_read_end(t);
}

/* What a killed process leaves behind: the files as they are. The journal has each operation as it was
 * made. */
static void a_start_after_a_kill_brings_the_same_rows_back(void **state)
{
	struct fixture *x = *state;
	struct folder f = folder_new();
	for (uint64_t i = 1; i <= 50; i++) change(x, i);
	copy_file(x->folder.path, f.path, "data.mdb");
	copy_file(x->folder.path, f.path, "journal.0");
	copy_file(x->folder.path, f.path, "journal.1");
	struct store *after = open_told(f.path);
	assert_same(x->store, after, STORE_FEED);
	assert_same(x->store, after, TABLE_A);
	assert_same(x->store, after, TABLE_B);
	store_close(after);
	folder_remove(f.path);
}

static void broken_keys_are_refused(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} bad[] = {{"\4\3\0\0\1k", 6},                  /* no mark yet */
		   {"\5\3\0\0\1k\0\0\0\0\0\0\0", 13},   /* a mark of seven */
		   {"\5\3\1\0\1k\0\0\0\0\0\0\0\1", 14}, /* shares with nothing */
		   {"\5\3\0\0\0\0\0\0\0\0\0\0\1", 13},  /* no rest */
		   {"\5\3\0\xff\xffk\0\0\0\0\0\0\0\1", 14},
		   {"\5\3\0", 3},
		   {"\6\3\0\0\1k", 6}};
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct feed_entry entry = {.ops = str_n(bad[i].p, bad[i].n)};
		struct feed_walk w;
		struct feed_op op;
		feed_walk_begin(&w, &entry);
		assert_int_equal(feed_next(&w, &op), ERR_CORRUPT);
	}
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up_told, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(every_value_is_in_the_feed_or_in_the_table),
	    CASE(a_walk_goes_on_at_the_place_of_any_operation),
	    CASE(a_start_after_a_kill_brings_the_same_rows_back),
	    cmocka_unit_test(broken_keys_are_refused),
	};
	if (sign_setup()) return 1;
	return cmocka_run_group_tests_name("feed-kept", tests, NULL, NULL);
}
