#include "tests/base/written.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/feed.h"
#include "base/ledger.h"
#include "base/sign.h"

/* A command that does what its fields say, and keeps what became of it. */
struct order {
	struct writer_cmd cmd;
	const char *key;
	enum err before, after; /* returned before the first write, or after the last */
	bool huge;              /* a key that the store refuses */
	bool must_be_absent;    /* check first: ERR_EXISTS */
	unsigned applied, done, turn;
	enum err result;
	usec_t now;
	atomic_uint *turns;
};

static enum err apply_order(struct writer_cmd *c, struct writer_txn *t)
{
	struct order *o = (struct order *)c;
	struct str v;
	char key[STORE_KEY_MAX + 1] = {1};
	o->applied++;
	o->now = t->now;
	if (o->before) return o->before;
	if (o->must_be_absent && !store_get(t->store, TABLE_A, str_of(o->key), &v)) return ERR_EXISTS;
	enum err e = store_put(t->store, TABLE_A, str_of(o->key), STR("value"));
	if (!e) e = ledger_append(t->ledger, t->store, str_of(o->key), NULL);
	if (!e && o->huge) e = store_put(t->store, TABLE_A, str_n(key, sizeof key), STR(""));
	return e ? e : o->after;
}

static void order_done(struct writer_cmd *c, enum err result)
{
	struct order *o = (struct order *)c;
	o->result = result;
	o->done++;
	o->turn = atomic_load(o->turns); /* only this thread adds */
	atomic_fetch_add(o->turns, 1);
}

/* Holds the thread inside a batch until it is let go, so that what is submitted meanwhile is one
 * batch afterwards. */
struct plug {
	struct writer_cmd cmd;
	atomic_bool inside, let_go;
};

static enum err apply_plug(struct writer_cmd *c, struct writer_txn *t)
{
	struct plug *p = (struct plug *)c;
	(void)t;
	atomic_store(&p->inside, true);
	while (!atomic_load(&p->let_go)) sched_yield();
	return ERR_OK;
}

static void plug_done(struct writer_cmd *c, enum err result)
{
	(void)c;
	must(!result);
}

static void plug_in(struct fixture *x, struct plug *p)
{
	*p = (struct plug){.cmd = {.apply = apply_plug, .done = plug_done}};
	assert_int_equal(writer_submit(x->writer, &p->cmd), ERR_OK);
	while (!atomic_load(&p->inside)) sched_yield();
}

static void run_as_one_batch(struct fixture *x, struct order *orders, size_t n)
{
	struct plug p;
	atomic_uint turns = 0;
	plug_in(x, &p);
	for (size_t i = 0; i < n; i++) {
		orders[i].cmd = (struct writer_cmd){.apply = apply_order, .done = order_done};
		orders[i].turns = &turns;
		orders[i].applied = orders[i].done = 0;
		assert_int_equal(writer_submit(x->writer, &orders[i].cmd), ERR_OK);
	}
	atomic_store(&p.let_go, true);
	while (atomic_load(&turns) < n) sched_yield();
	for (size_t i = 0; i < n; i++) assert_int_equal(orders[i].done, 1);
}

static bool has_key(struct store *s, const char *key)
{
	struct store_txn *t;
	struct str v;
	assert_int_equal(store_read(s, &t), ERR_OK);
	enum err e = store_get(t, TABLE_A, str_of(key), &v);
	store_read_end(t);
	return !e;
}

static uint64_t leaves(struct store *s)
{
	struct store_txn *t;
	assert_int_equal(store_read(s, &t), ERR_OK);
	uint64_t n = ledger_size(t);
	store_read_end(t);
	return n;
}

static uint64_t feed_head(struct fixture *x)
{
	struct store_txn *t;
	uint64_t n;
	struct feed *f = writer_feed(x->writer);
	assert_int_equal(store_read(x->store, &t), ERR_OK);
	assert_int_equal(f->driver->head(f, t, &n), ERR_OK);
	store_read_end(t);
	return n;
}

static void what_waits_is_one_commit_in_order(void **state)
{
	struct fixture *x = *state;
	struct order o[100] = {0};
	char keys[100][8];
	struct writer_stat st;
	start_writer(x, (struct writer_options){0});
	for (int i = 0; i < 100; i++) {
		snprintf(keys[i], sizeof keys[i], "k%d", i);
		o[i].key = keys[i];
	}
	run_as_one_batch(x, o, 100);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(o[i].result, ERR_OK);
		assert_int_equal(o[i].turn, i);
		assert_int_equal(o[i].applied, 1);
		assert_int_equal(o[i].now, o[0].now);
		assert_true(has_key(x->store, keys[i]));
	}
	assert_int_equal(feed_head(x), 1); /* the plug changed nothing: no entry of its own */
	assert_int_equal(leaves(x->store), 100);
	writer_stat(x->writer, &st);
	assert_int_equal(st.commands, 101);
	assert_int_equal(st.batches, 2);
	assert_int_equal(st.largest_batch, 100);
	assert_int_equal(st.failed, 0);
	assert_int_equal(st.queue, 0);
}

static void batch_max_bounds_a_commit(void **state)
{
	struct fixture *x = *state;
	struct order o[10] = {0};
	start_writer(x, (struct writer_options){.batch_max = 3});
	for (int i = 0; i < 10; i++) o[i].key = "k";
	run_as_one_batch(x, o, 10);
	for (unsigned i = 0; i < 10; i++) assert_int_equal(o[i].turn, i);
	assert_int_equal(feed_head(x), 4);
}

static void a_refusal_before_writing_touches_nobody(void **state)
{
	struct fixture *x = *state;
	struct order o[] = {{.key = "a"},
			    {.key = "b", .before = ERR_CONFLICT},
			    {.key = "a", .must_be_absent = true},
			    {.key = "c", .must_be_absent = true}};
	struct writer_stat st;
	start_writer(x, (struct writer_options){0});
	run_as_one_batch(x, o, COUNT(o));
	assert_int_equal(o[0].result, ERR_OK);
	assert_int_equal(o[1].result, ERR_CONFLICT);
	assert_int_equal(o[2].result, ERR_EXISTS);
	assert_int_equal(o[3].result, ERR_OK);
	for (size_t i = 0; i < COUNT(o); i++) assert_int_equal(o[i].applied, 1);
	assert_false(has_key(x->store, "b"));
	assert_int_equal(leaves(x->store), 2);
	writer_stat(x->writer, &st);
	assert_int_equal(st.retried, 0);
	assert_int_equal(st.failed, 2);
}

static void a_failure_after_writing_leaves_no_trace(void **state)
{
	struct fixture *x = *state;
	struct order o[] = {{.key = "a"}, {.key = "b", .after = ERR_QUOTA},
			    {.key = "c"}, {.key = "d", .huge = true},
			    {.key = "e"}, {.key = "f", .after = ERR_CONFLICT}};
	struct writer_stat st;
	start_writer(x, (struct writer_options){0});
	run_as_one_batch(x, o, COUNT(o));
	const enum err want[] = {ERR_OK, ERR_QUOTA, ERR_OK, ERR_TOO_LARGE, ERR_OK, ERR_CONFLICT};
	for (size_t i = 0; i < COUNT(o); i++) {
		assert_int_equal(o[i].result, want[i]);
		assert_int_equal(has_key(x->store, o[i].key), want[i] == ERR_OK);
	}
	assert_int_equal(o[0].applied, 4); /* again without b, without d, without f */
	assert_int_equal(o[1].applied, 1);
	assert_int_equal(leaves(x->store), 3);
	assert_int_equal(feed_head(x), 1);
	writer_stat(x->writer, &st);
	assert_int_equal(st.retried, 3);
	assert_int_equal(st.failed, 3);
	struct order last[] = {{.key = "g"}};
	run_as_one_batch(x, last,
			 1); /* the ledger goes on where it stands, not where an aborted batch was */
	assert_int_equal(leaves(x->store), 4);
	struct store_txn *t;
	struct ledger_leaf leaf;
	assert_int_equal(store_read(x->store, &t), ERR_OK);
	for (uint64_t i = 0; i < 4; i++) {
		static const char *const left[] = {"a", "c", "e", "g"};
		assert_int_equal(ledger_read(t, i, &leaf), ERR_OK);
		assert_str(leaf.entry, left[i]);
	}
	store_read_end(t);
}

static void a_batch_that_only_fails_is_no_commit(void **state)
{
	struct fixture *x = *state;
	struct order o[] = {{.key = "a", .after = ERR_QUOTA}, {.key = "b", .before = ERR_CONFLICT}};
	struct store_stat before, after;
	start_writer(x, (struct writer_options){0});
	store_stat(x->store, &before);
	run_as_one_batch(x, o, COUNT(o));
	store_stat(x->store, &after);
	assert_int_equal(o[0].result, ERR_QUOTA);
	assert_int_equal(o[1].result, ERR_CONFLICT);
	assert_int_equal(after.version, before.version);
	assert_int_equal(feed_head(x), 0);
}

static void the_queue_is_bounded(void **state)
{
	struct fixture *x = *state;
	struct plug p;
	atomic_uint turns = 0;
	struct order o[6] = {0};
	start_writer(x, (struct writer_options){.queue_max = 5});
	plug_in(x, &p);
	for (int i = 0; i < 6; i++) {
		o[i] = (struct order){
		    .cmd = {.apply = apply_order, .done = order_done}, .key = "k", .turns = &turns};
		assert_int_equal(writer_submit(x->writer, &o[i].cmd), i < 5 ? ERR_OK : ERR_BUSY);
	}
	atomic_store(&p.let_go, true);
	while (atomic_load(&turns) < 5) sched_yield();
	assert_int_equal(o[5].done, 0);
	assert_int_equal(writer_run(x->writer, &o[5].cmd), ERR_OK); /* there is room again */
	assert_int_equal(o[5].done, 1);
}

struct stopping {
	struct fixture *x;
	struct plug *plug;
};

static void *let_go_when_stopping(void *arg)
{
	struct stopping *s = arg;
	struct writer_cmd probe = {.apply = apply_plug, .done = plug_done};
	enum err e;
	/* the probe is refused from the moment that the writer is stopping: only then go on */
	while ((e = writer_submit(s->x->writer, &probe)) != ERR_STOPPING) {
		must(e == ERR_BUSY);
		sched_yield();
	}
	atomic_store(&s->plug->let_go, true);
	return NULL;
}

static void stopping_applies_what_is_queued(void **state)
{
	struct fixture *x = *state;
	struct plug p;
	atomic_uint turns = 0;
	struct order o[20] = {0};
	char keys[20][8];
	pthread_t thread;
	start_writer(x, (struct writer_options){.queue_max = 20, .batch_max = 4});
	plug_in(x, &p);
	for (int i = 0; i < 20; i++) {
		snprintf(keys[i], sizeof keys[i], "k%d", i);
		o[i] = (struct order){
		    .cmd = {.apply = apply_order, .done = order_done}, .key = keys[i], .turns = &turns};
		assert_int_equal(writer_submit(x->writer, &o[i].cmd), ERR_OK);
	}
	struct stopping s = {x, &p};
	pthread_create(&thread, NULL, let_go_when_stopping, &s);
	struct writer *w = x->writer;
	writer_stop(w);
	x->writer = NULL;
	pthread_join(thread, NULL);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(o[i].done, 1);
		assert_int_equal(o[i].result, ERR_OK);
		assert_true(has_key(x->store, keys[i]));
	}
}

/* Eight threads, each counting up a number of its own and one that all share. */
enum { THREADS = 8, EACH = 150 };

struct counting {
	struct writer_cmd cmd;
	struct writer *writer;
	unsigned me, failed;
	bool fail;
	uint64_t shared; /* as this command left it */
};

static enum err count_up(struct store_txn *t, struct str key, uint64_t *ret)
{
	struct str v;
	unsigned char n[8];
	enum err e = store_get(t, TABLE_B, key, &v);
	if (e && e != ERR_NOT_FOUND) return e;
	*ret = (e ? 0 : store_u64(v)) + 1;
	return store_put(t, TABLE_B, key, store_key_u64(n, *ret));
}

static enum err apply_count(struct writer_cmd *c, struct writer_txn *t)
{
	struct counting *x = (struct counting *)c;
	char key[16];
	uint64_t mine;
	int n = snprintf(key, sizeof key, "thread %u", x->me);
	enum err e = count_up(t->store, str_n(key, (size_t)n), &mine);
	if (!e) e = count_up(t->store, STR("all"), &x->shared);
	if (!e) e = ledger_append(t->ledger, t->store, str_n(key, (size_t)n), NULL);
	return e ? e : x->fail ? ERR_CONFLICT : ERR_OK;
}

static void *count_on(void *arg)
{
	struct counting *x = arg;
	uint64_t last = 0;
	for (unsigned i = 0; i < EACH; i++) {
		x->fail = (i + x->me) % 10 == 0;
		enum err e = writer_run(x->writer, &x->cmd);
		must(e == (x->fail ? ERR_CONFLICT : ERR_OK));
		if (x->fail) {
			x->failed++;
			continue;
		}
		must(x->shared > last); /* my own commands, in my order */
		last = x->shared;
	}
	return NULL;
}

static uint64_t counter(struct store *s, const char *key)
{
	struct store_txn *t;
	struct str v;
	assert_int_equal(store_read(s, &t), ERR_OK);
	assert_int_equal(store_get(t, TABLE_B, str_of(key), &v), ERR_OK);
	uint64_t n = store_u64(v);
	store_read_end(t);
	return n;
}

static void eight_threads_lose_and_double_nothing(void **state)
{
	struct fixture *x = *state;
	struct counting c[THREADS];
	pthread_t threads[THREADS];
	uint64_t want = 0;
	start_writer(x, (struct writer_options){0});
	for (unsigned i = 0; i < THREADS; i++) {
		c[i] = (struct counting){.cmd = {.apply = apply_count}, .writer = x->writer, .me = i};
		pthread_create(&threads[i], NULL, count_on, &c[i]);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		char key[16];
		pthread_join(threads[i], NULL);
		snprintf(key, sizeof key, "thread %u", i);
		assert_int_equal(counter(x->store, key), EACH - c[i].failed);
		want += EACH - c[i].failed;
	}
	assert_int_equal(counter(x->store, "all"), want);
	assert_int_equal(leaves(x->store), want);
}

static void time_never_goes_back(void **state)
{
	struct fixture *x = *state;
	usec_t at = 1000 * USEC_PER_SEC;
	struct order o[1] = {{.key = "k"}};
	clock_fake(&at);
	start_writer(x, (struct writer_options){0});
	run_as_one_batch(x, o, 1);
	assert_int_equal(o[0].now, at);
	writer_stop(x->writer);
	at -= 500 * USEC_PER_SEC; /* also over a restart: the feed's head remembers */
	start_writer(x, (struct writer_options){0});
	run_as_one_batch(x, o, 1);
	assert_int_equal(o[0].now, 1000 * USEC_PER_SEC);
	writer_stop(x->writer);
	at = 2000 * USEC_PER_SEC;
	start_writer(x, (struct writer_options){0});
	run_as_one_batch(x, o, 1);
	assert_int_equal(o[0].now, at);
	clock_fake(NULL);
}

/* A command with more than one batch holds. */
struct bulk {
	struct writer_cmd cmd;
	unsigned rows;
	size_t row;
	unsigned table;
};

static enum err apply_bulk(struct writer_cmd *c, struct writer_txn *t)
{
	struct bulk *b = (struct bulk *)c;
	enum err e = ERR_OK;
	char *row = calloc(1, b->row);
	must(row != NULL);
	for (unsigned i = 0; i < b->rows && !e; i++) {
		unsigned char k[8];
		e = store_put(t->store, TABLE_A, store_key_u64(k, i), str_n(row, b->row));
	}
	free(row);
	return e;
}

static void the_map_grows_inside_a_batch(void **state)
{
	struct fixture *x = *state;
	struct store_options o = folder_options(x->folder.path);
	struct store_txn *t;
	store_close(x->store);
	o.map_initial = 1 << 20;
	assert_int_equal(store_open(&o, NULL, &x->store), ERR_OK);
	assert_int_equal(store_read(x->store, &t), ERR_OK); /* a slot that is reset does not hold it up */
	store_read_reset(t);
	start_writer(x, (struct writer_options){0});
	struct bulk b = {.cmd = {.apply = apply_bulk}, .rows = 300, .row = 20000};
	assert_int_equal(writer_run(x->writer, &b.cmd), ERR_OK);
	assert_int_equal(store_read_renew(t), ERR_OK);
	assert_int_equal(store_count(t, TABLE_A), 300);
	store_read_end(t);
}

struct outcomes {
	atomic_uint full, good, other;
};

static void note_outcome(void *arg, enum err e)
{
	struct outcomes *o = arg;
	atomic_fetch_add(e == ERR_NO_SPACE ? &o->full : e ? &o->other : &o->good, 1);
}

static void a_full_store_fails_the_batch_and_is_tried_again(void **state)
{
	struct fixture *x = *state;
	struct store_options o = folder_options(x->folder.path);
	store_close(x->store);
	o.map_initial = o.map_max = 4 << 20;
	assert_int_equal(store_open(&o, NULL, &x->store), ERR_OK);
	struct outcomes told = {0};
	start_writer(
	    x, (struct writer_options){.feed_keep = 1, .settled = note_outcome, .settled_arg = &told});
	struct bulk large = {.cmd = {.apply = apply_bulk}, .rows = 300, .row = 20000};
	struct order small = {.cmd = {.apply = apply_order}, .key = "k"};
	atomic_uint turns = 0;
	small.turns = &turns;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(writer_run(x->writer, &large.cmd), ERR_NO_SPACE);
		assert_true(i == 0 || has_key(x->store, "k"));
		small.cmd.done = order_done;
		assert_int_equal(writer_run(x->writer, &small.cmd), ERR_OK);
	}
	assert_int_equal(leaves(x->store), 3);
	/* each batch was told before its commands were */
	assert_int_equal(atomic_load(&told.full), 3);
	assert_int_equal(atomic_load(&told.good), 3);
	assert_int_equal(atomic_load(&told.other), 0);
	assert_int_equal(store_room(x->store), STORE_MAP_FULL);
}

static void large_changes_cut_the_batch(void **state)
{
	struct fixture *x = *state;
	struct plug p;
	struct bulk b[6];
	start_writer(x, (struct writer_options){0});
	plug_in(x, &p);
	for (int i = 0; i < 6; i++) {
		b[i] = (struct bulk){
		    .cmd = {.apply = apply_bulk, .done = plug_done}, .rows = 150, .row = 20000};
		assert_int_equal(writer_submit(x->writer, &b[i].cmd), ERR_OK);
	}
	atomic_store(&p.let_go, true);
	writer_stop(x->writer);
	x->writer = NULL;
	start_writer(x, (struct writer_options){0});
	assert_int_equal(feed_head(x), 3); /* 3 MB each: two pass the bound of 4 MiB */
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(what_waits_is_one_commit_in_order),
	    CASE(batch_max_bounds_a_commit),
	    CASE(a_refusal_before_writing_touches_nobody),
	    CASE(a_failure_after_writing_leaves_no_trace),
	    CASE(a_batch_that_only_fails_is_no_commit),
	    CASE(the_queue_is_bounded),
	    CASE(stopping_applies_what_is_queued),
	    CASE(eight_threads_lose_and_double_nothing),
	    CASE(time_never_goes_back),
	    CASE(the_map_grows_inside_a_batch),
	    CASE(a_full_store_fails_the_batch_and_is_tried_again),
	    CASE(large_changes_cut_the_batch),
	};
	if (sign_setup()) return 1;
	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
