#include "tests/base/written.h"

#include <pthread.h>

#include "base/feed.h"
#include "base/ledger.h"
#include "base/sign.h"

static void start(struct fixture *x, uint64_t keep)
{
	start_writer(x, (struct writer_options){.feed_keep = keep});
}

/* Puts, overwrites and deletes by a fixed but tangled plan, with a leaf each third time. */
struct change {
	struct writer_cmd cmd;
	uint64_t seed;
};

static uint64_t next(uint64_t *s)
{
	*s = *s * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return *s >> 33;
}

static enum err apply_change(struct writer_cmd *c, struct writer_txn *t)
{
	uint64_t s = ((struct change *)c)->seed;
	unsigned char value[600];
	enum err e = ERR_OK;
	for (int i = 0; i < 5 && !e; i++) {
		unsigned char k[8];
		struct str key = store_key_u64(k, next(&s) % 50);
		unsigned table = next(&s) % 2 ? TABLE_A : TABLE_B;
		memset(value, (int)next(&s), sizeof value);
		if (next(&s) % 3)
			e = store_put(t->store, table, key, str_n(value, next(&s) % sizeof value));
		else if ((e = store_del(t->store, table, key)) == ERR_NOT_FOUND)
			e = ERR_OK;
		if (!e && next(&s) % 3 == 0) e = ledger_append(t->ledger, t->store, key, NULL);
	}
	/* always something: an empty batch would be no entry */
	return e ? e : store_put(t->store, TABLE_A, STR("seed"), str_n(&s, sizeof s));
}

static void change(struct fixture *x, uint64_t seed)
{
	struct change c = {.cmd = {.apply = apply_change}, .seed = seed};
	assert_int_equal(writer_run(x->writer, &c.cmd), ERR_OK);
}

static struct store_txn *reader(struct store *s)
{
	struct store_txn *t;
	assert_int_equal(store_read(s, &t), ERR_OK);
	return t;
}

static void positions_are_dense_from_one(void **state)
{
	struct fixture *x = *state;
	struct feed_entry e;
	uint64_t head;
	start(x, 0);
	struct store_txn *t = reader(x->store);
	assert_int_equal(x->feed->driver->head(x->feed, t, &head), ERR_OK);
	assert_int_equal(head, 0);
	assert_int_equal(x->feed->driver->read(x->feed, t, 1, &e), ERR_NOT_FOUND);
	store_read_end(t);
	for (uint64_t i = 1; i <= 30; i++) change(x, i);
	t = reader(x->store);
	assert_int_equal(x->feed->driver->head(x->feed, t, &head), ERR_OK);
	assert_int_equal(head, 30);
	usec_t last = 0;
	uint64_t size = 0;
	for (uint64_t i = 1; i <= 30; i++) {
		assert_int_equal(x->feed->driver->read(x->feed, t, i, &e), ERR_OK);
		assert_int_equal(e.position, i);
		assert_true(e.time >= last && e.ledger_size >= size && e.ops.n > 0);
		last = e.time;
		size = e.ledger_size;
	}
	struct merkle_hash root;
	assert_int_equal(ledger_root(t, &root), ERR_OK);
	assert_int_equal(e.ledger_size, ledger_size(t));
	assert_memory_equal(e.ledger_root, root.b, MERKLE_HASH);
	assert_int_equal(x->feed->driver->read(x->feed, t, 0, &e), ERR_NOT_FOUND);
	assert_int_equal(x->feed->driver->read(x->feed, t, 31, &e), ERR_NOT_FOUND);
	store_read_end(t);
}

static void replay(struct fixture *from, struct store *to)
{
	struct store_txn *t = reader(from->store), *w;
	struct feed_entry e;
	for (uint64_t i = 1; !from->feed->driver->read(from->feed, t, i, &e); i++) {
		struct feed_op op;
		struct merkle_hash root;
		enum err more;
		assert_int_equal(store_write(to, &w), ERR_OK);
		while (!(more = feed_op_next(&e.ops, &op))) {
			assert_int_not_equal(op.table, STORE_FEED);
			assert_int_equal(op.kind == FEED_PUT ? store_put(w, op.table, op.key, op.value)
							     : store_del(w, op.table, op.key),
					 ERR_OK);
		}
		assert_int_equal(more, ERR_NOT_FOUND);
		/* after each entry the replica's tree is the one that the entry names */
		assert_int_equal(ledger_size(w), e.ledger_size);
		assert_int_equal(ledger_root(w, &root), ERR_OK);
		assert_memory_equal(root.b, e.ledger_root, MERKLE_HASH);
		assert_int_equal(store_commit(w), ERR_OK);
	}
	store_read_end(t);
}

static void assert_same_table(struct store *a, struct store *b, unsigned table)
{
	struct store_txn *s = reader(a), *t = reader(b);
	struct store_cursor *c, *d;
	struct str k, v, l, w;
	assert_int_equal(store_cursor_open(s, table, &c), ERR_OK);
	assert_int_equal(store_cursor_open(t, table, &d), ERR_OK);
	enum err e = store_cursor_seek(c, STR(""), &k, &v), f = store_cursor_seek(d, STR(""), &l, &w);
	for (; !e && !f; e = store_cursor_next(c, &k, &v), f = store_cursor_next(d, &l, &w)) {
		assert_true(str_eq(k, l));
		assert_true(str_eq(v, w));
	}
	assert_int_equal(e, ERR_NOT_FOUND);
	assert_int_equal(f, ERR_NOT_FOUND);
	store_cursor_close(c);
	store_cursor_close(d);
	store_read_end(s);
	store_read_end(t);
}

static void a_replay_into_an_empty_environment_gives_an_equal_one(void **state)
{
	struct fixture *x = *state;
	struct folder f = folder_new();
	start(x, 0);
	for (uint64_t i = 0; i < 200; i++) change(x, i * 7919);
	struct store *replica = folder_open(f.path);
	replay(x, replica);
	assert_same_table(x->store, replica, TABLE_A);
	assert_same_table(x->store, replica, TABLE_B);
	assert_same_table(x->store, replica, STORE_LEAF);
	store_close(replica);
	folder_remove(f.path);
}

static void what_was_trimmed_is_gone(void **state)
{
	struct fixture *x = *state;
	struct feed_entry e;
	uint64_t head, gone = 0;
	start(x, 10);
	for (uint64_t i = 1; i <= 200; i++) change(x, i);
	struct store_txn *t = reader(x->store);
	assert_int_equal(x->feed->driver->head(x->feed, t, &head), ERR_OK);
	assert_int_equal(head, 200);
	while (x->feed->driver->read(x->feed, t, gone + 1, &e) == ERR_GONE) gone++;
	assert_true(gone >= 200 - 10 - 64 && gone <= 190); /* in strides, and never one of the last ten */
	for (uint64_t i = gone + 1; i <= 200; i++)
		assert_int_equal(x->feed->driver->read(x->feed, t, i, &e), ERR_OK);
	store_read_end(t);
	writer_stop(x->writer);
	start(x, 10); /* positions go on */
	change(x, 1);
	t = reader(x->store);
	assert_int_equal(x->feed->driver->head(x->feed, t, &head), ERR_OK);
	assert_int_equal(head, 201);
	store_read_end(t);
}

struct appending {
	struct writer_cmd cmd;
	struct feed *feed;
	enum err result[3];
};

static enum err apply_append(struct writer_cmd *c, struct writer_txn *t)
{
	struct appending *x = (struct appending *)c;
	const struct feed_entry e = {.ops = STR_NONE};
	static const uint64_t expected[] = {0, 2, 1};
	for (int i = 0; i < 3; i++)
		x->result[i] = x->feed->driver->append(x->feed, t->store, expected[i], &e);
	return ERR_CONFLICT; /* nothing of it stays */
}

static void an_append_names_the_head_it_expects(void **state)
{
	struct fixture *x = *state;
	uint64_t head;
	start(x, 0);
	change(x, 1);
	struct appending a = {.cmd = {.apply = apply_append}, .feed = x->feed};
	assert_int_equal(writer_run(x->writer, &a.cmd), ERR_CONFLICT);
	assert_int_equal(a.result[0], ERR_PRECONDITION);
	assert_int_equal(a.result[1], ERR_PRECONDITION);
	assert_int_equal(a.result[2], ERR_OK);
	struct store_txn *t = reader(x->store);
	assert_int_equal(x->feed->driver->head(x->feed, t, &head), ERR_OK);
	assert_int_equal(head, 1);
	store_read_end(t);
}

struct waiting {
	struct feed *feed;
	enum err result;
};

static void *wait_beyond_one(void *arg)
{
	struct waiting *w = arg;
	w->result = w->feed->driver->wait(w->feed, 1, 60 * USEC_PER_SEC);
	return NULL;
}

static void waiting_ends_with_the_commit(void **state)
{
	struct fixture *x = *state;
	pthread_t thread;
	start(x, 0);
	struct waiting w = {x->feed, ERR_INTERNAL};
	assert_int_equal(x->feed->driver->wait(x->feed, 0, 1000), ERR_TIMEOUT);
	change(x, 1);
	assert_int_equal(x->feed->driver->wait(x->feed, 0, 0), ERR_OK);
	assert_int_equal(x->feed->driver->wait(x->feed, 1, 1000), ERR_TIMEOUT);
	pthread_create(&thread, NULL, wait_beyond_one, &w);
	change(x, 2);
	pthread_join(thread, NULL);
	assert_int_equal(w.result, ERR_OK);
	writer_stop(x->writer);
	start(x, 0);
	assert_int_equal(x->feed->driver->wait(x->feed, 1, 0), ERR_OK); /* knows its head after a restart */
}

static void a_snapshot_holds_its_position(void **state)
{
	struct fixture *x = *state;
	struct folder f = folder_new();
	char inside[128];
	uint64_t head;
	start(x, 0);
	for (uint64_t i = 0; i < 20; i++) change(x, i);
	assert_int_equal(x->feed->driver->snapshot(x->feed, folder_file(f.path, "copy", inside)), ERR_OK);
	change(x, 99);
	struct store *copy = folder_open(inside);
	struct store_txn *t = reader(copy);
	assert_int_equal(x->feed->driver->head(x->feed, t, &head), ERR_OK);
	assert_int_equal(head, 20);
	store_read_end(t);
	store_close(copy);
	folder_remove(f.path);
}

static void broken_operations_are_refused(void **state)
{
	(void)state;
	struct feed_op op;
	static const struct {
		const char *p;
		size_t n;
	} bad[] = {
	    {"\1", 1},        {"\1\4\0\1", 4}, {"\1\4\0\1k\0\0\0\2v", 10},       {"\3\4\0\1k", 5},
	    {"\0\4\0\1k", 5}, {"\2\4\0\0", 4}, {"\1\4\0\1k\xff\xff\xff\xff", 9}, {"\2\4\xff\xffk", 5}};
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct str ops = str_n(bad[i].p, bad[i].n);
		assert_int_equal(feed_op_next(&ops, &op), ERR_CORRUPT);
	}
	struct str ops = str_n("\1\4\0\1k\0\0\0\1v\2\5\0\2ab", 16);
	assert_int_equal(feed_op_next(&ops, &op), ERR_OK);
	assert_int_equal(op.kind, FEED_PUT);
	assert_int_equal(op.table, 4);
	assert_str(op.key, "k");
	assert_str(op.value, "v");
	assert_int_equal(feed_op_next(&ops, &op), ERR_OK);
	assert_int_equal(op.kind, FEED_DEL);
	assert_int_equal(op.table, 5);
	assert_str(op.key, "ab");
	assert_int_equal(feed_op_next(&ops, &op), ERR_NOT_FOUND);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(positions_are_dense_from_one),
	    CASE(a_replay_into_an_empty_environment_gives_an_equal_one),
	    CASE(what_was_trimmed_is_gone),
	    CASE(an_append_names_the_head_it_expects),
	    CASE(waiting_ends_with_the_commit),
	    CASE(a_snapshot_holds_its_position),
	    cmocka_unit_test(broken_operations_are_refused),
	};
	if (sign_setup()) return 1;
	return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
