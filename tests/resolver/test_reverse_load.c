/* The reverse index of a load: sorted runs come back as one, and the index is exact whatever was changed
 * while it was made. */
#include "tests/resolver/records.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/writer.h"
#include "resolver/registry.h"
#include "resolver/reverse_load.h"
#include "resolver/reverse_runs.h"

static void rows_come_back_in_order_from_many_runs(void **state)
{
	enum { N = 20000, RUN = 32 << 10 };
	struct reverse_runs *r;
	struct reverse_row row;
	char key[400], last[400] = "", value[16];
	size_t n = 0;
	(void)state;
	assert_int_equal(reverse_runs_new("/tmp", RUN, &r), ERR_OK);
	for (size_t i = 0; i < N; i++) {
		size_t k = i * 7919 % N;
		/* lengths from short to near the longest: rows lie across the pieces that are read */
		int key_n = snprintf(key, sizeof key, "%06zu%*s", k, (int)(k % 350), "");
		int value_n = snprintf(value, sizeof value, "%zu", k);
		row = (struct reverse_row){str_n(key, (size_t)key_n), str_n(value, (size_t)value_n), k % 6};
		assert_int_equal(reverse_runs_add(r, &row), ERR_OK);
	}
	assert_int_equal(reverse_runs_merge(r), ERR_OK);
	enum err e;
	for (; !(e = reverse_runs_next(r, &row)); n++) {
		assert_true(str_cmp(row.key, str_of(last)) > 0);
		snprintf(last, sizeof last, "%.*s", STR_ARG(row.key));
		snprintf(value, sizeof value, "%zu", n);
		assert_true(str_is(row.value, value));
		assert_int_equal(row.key.n, 6 + n % 350);
		assert_int_equal(row.stem_n, n % 6);
	}
	assert_int_equal(e, ERR_NOT_FOUND);
	assert_int_equal(n, N);
	reverse_runs_free(r);
	assert_int_equal(reverse_runs_new("/tmp", 0, &r), ERR_OK);
	assert_int_equal(reverse_runs_merge(r), ERR_OK);
	assert_int_equal(reverse_runs_next(r, &row), ERR_NOT_FOUND);
	reverse_runs_free(r);
	assert_int_equal(reverse_runs_new("/nowhere/at/all", 0, &r), ERR_IO);
}

/* ---- the index against the records --------------------------------------------------------- */

struct checking {
	struct store_txn *txn;
	struct reverse_types types;
	struct arena *arena;
	struct reverse_runs *want;
};

static enum err want_row(void *arg, const struct reverse_row *row)
{
	return reverse_runs_add(arg, row);
}

static bool want_record(void *arg, struct str key, struct str packed)
{
	struct checking *c = arg;
	assert_int_equal(reverse_rows(&c->types, c->arena, key, packed, want_row, c->want), ERR_OK);
	return true;
}

/* Row for row what the records of the same snapshot ask for. */
static void assert_exact(void)
{
	struct checking c = {.arena = arena_new(1 << 20)};
	struct store_cursor *at;
	struct reverse_row row;
	struct str key, value;
	assert_int_equal(reverse_runs_new("/tmp", 8 << 20, &c.want), ERR_OK);
	assert_int_equal(store_read(node.store, &c.txn), ERR_OK);
	assert_int_equal(reverse_types_read(c.txn, &c.types), ERR_OK);
	for (size_t i = 0; i < c.types.n; i++) assert_int_equal(c.types.type[i].state, REVERSE_READY);
	assert_int_equal(registry_list(c.txn, STR(""), STR_NONE, want_record, &c), ERR_OK);
	assert_int_equal(reverse_runs_merge(c.want), ERR_OK);
	assert_int_equal(store_cursor_open(c.txn, RS_TABLE_reverse, &at), ERR_OK);
	enum err e = store_cursor_seek(at, STR(""), &key, &value);
	for (; !e; e = store_cursor_next(at, &key, &value)) {
		assert_int_equal(reverse_runs_next(c.want, &row), ERR_OK);
		assert_true(str_eq(key, row.key));
		assert_true(str_eq(value, row.value));
	}
	assert_int_equal(e, ERR_NOT_FOUND);
	assert_int_equal(reverse_runs_next(c.want, &row), ERR_NOT_FOUND);
	store_cursor_close(at);
	store_read_end(c.txn);
	reverse_runs_free(c.want);
	arena_free(c.arena);
}

static enum reverse_state url_state(void)
{
	struct store_txn *t;
	struct reverse_types types;
	assert_int_equal(store_read(node.store, &t), ERR_OK);
	assert_int_equal(reverse_types_read(t, &types), ERR_OK);
	enum reverse_state s = reverse_type_find(&types, STR("url"))->state;
	store_read_end(t);
	return s;
}

static void until_ready(void)
{
	for (usec_t from = clock_mono(); url_state() != REVERSE_READY; usleep(1000))
		assert_true(clock_mono() - from < 60 * USEC_PER_SEC);
}

static size_t rows(void)
{
	struct store_txn *t;
	assert_int_equal(store_read(node.store, &t), ERR_OK);
	size_t n = store_count(t, RS_TABLE_reverse);
	store_read_end(t);
	return n;
}

static struct str lines(size_t from, size_t to)
{
	static struct buf b;
	buf_done(&b);
	b = (struct buf)BUF_INIT(64 << 20);
	for (size_t i = from; i < to; i++)
		buf_printf(&b,
			   "{\"id\":\"88.118.8/L%06zu\",\"values\":[{\"index\":1,\"type\":\"URL\",\"data\":"
			   "\"https://things/%zu\"},{\"index\":2,\"type\":\"BATCH\",\"data\":\"B%zu\"}]}\n",
			   i, i * 7919 % 100003, i % 100);
	assert_int_equal(buf_err(&b), ERR_OK);
	return buf_str(&b);
}

static void import(const char *query, struct str body)
{
	char path[256];
	snprintf(path, sizeof path, "/imports?format=ndjson&%s", query);
	struct http_reply r = http_call(&node, &(struct http_call){.method = "POST",
								   .path = path,
								   .token = registrar,
								   .body = body,
								   .content_type = "application/x-ndjson"});
	EXPECT(r, 200);
	http_done(&r);
}

static void a_load_has_its_rows_afterwards(void **state)
{
	(void)state;
	/* not at its end: another request may go on with it */
	import("name=first&more=1", lines(0, 9000));
	assert_int_equal(url_state(), REVERSE_LOADING);
	struct http_reply r = get(NULL, "/find?type=URL&value=https%3A%2F%2Fthings%2F7919");
	EXPECT(r, 503);
	assert_string_equal(http_text(&r, "rule"), "index-building");
	http_done(&r);
	/* changes that are not noted */
	made("88.118.8/L000001", PUBLIC("URL", "https://else/1"));
	made("88.118.8/between", PUBLIC("URL", "https://else/2"));
	r = del(registrar, "/registry/88.118.8/L000002?reason=gone");
	EXPECT(r, 200);
	http_done(&r);
	assert_int_equal(rows(), 0);
	/* a stop, and nobody goes on: it is known as given up */
	site_restart(&node);
	assert_int_equal(url_state(), REVERSE_LOADING);
	until_ready();
	assert_exact();
	assert_int_equal(rows(), 2 * 9000 - 4 + 2);
	/* what comes into a registry that has more is noted at once */
	import("name=second", lines(9000, 18000));
	assert_int_equal(url_state(), REVERSE_READY);
	assert_exact();
}

/* ---- changes while it is made ---------------------------------------------------------------- */

struct shifting {
	struct writer_cmd cmd;
	struct arena *arena;
	enum reverse_state from, to;
};

static enum err apply_shift(struct writer_cmd *c, struct writer_txn *t)
{
	struct shifting *s = (struct shifting *)c;
	return reverse_types_shift(t->store, s->arena, s->from, s->to);
}

static void shift(enum reverse_state from, enum reverse_state to)
{
	struct shifting s = {{.apply = apply_shift}, arena_new(1 << 20), from, to};
	assert_int_equal(writer_run(node.writer, &s.cmd), ERR_OK);
	arena_free(s.arena);
}

static atomic_bool enough;

static void *change_on(void *arg)
{
	unsigned seed = *(unsigned *)arg;
	char id[64], values[256];
	while (!atomic_load(&enough)) {
		unsigned k = (unsigned)rand_r(&seed) % 18000;
		snprintf(id, sizeof id, "88.118.8/L%06u", k);
		snprintf(values, sizeof values,
			 "{\"values\":[{\"type\":\"URL\",\"data\":\"https://new/"
			 "%u\"},{\"type\":\"BATCH\",\"data\":"
			 "\"B%u\",\"permissions\":\"%s\"}]}",
			 (unsigned)rand_r(&seed) % 50, (unsigned)rand_r(&seed) % 100,
			 k % 2 ? "1110" : "1100");
		char path[128];
		snprintf(path, sizeof path, "/registry/%s", id);
		struct http_reply r =
		    http_call(&node, &(struct http_call){.method = k % 5 ? "PUT" : "DELETE",
							 .path = path,
							 .token = registrar,
							 .body = k % 5 ? str_of(values) : STR_NONE});
		assert_true(r.status == 200 || r.status == 201 || r.status == 410);
		http_done(&r);
	}
	return NULL;
}

/* Also from the middle of a sorting that was cut short: rows that are there, of which some no longer hold.
 */
static void changes_meanwhile_are_in_it(void **state)
{
	enum { THREADS = 2, TURNS = 4 };
	pthread_t thread[THREADS];
	unsigned seeds[THREADS] = {11, 12};
	(void)state;
	for (int turn = 0; turn < TURNS; turn++) {
		shift(REVERSE_READY, turn % 2 ? REVERSE_SORTING : REVERSE_LOADING);
		atomic_store(&enough, false);
		for (size_t i = 0; i < THREADS; i++) {
			seeds[i] += (unsigned)turn * 100;
			assert_int_equal(pthread_create(&thread[i], NULL, change_on, &seeds[i]), 0);
		}
		import(turn % 2 ? "name=o1" : "name=o2",
		       lines(20000 + (size_t)turn * 10, 20005 + (size_t)turn * 10));
		until_ready();
		atomic_store(&enough, true);
		for (size_t i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
		assert_exact();
		struct http_reply r = del(registrar, turn % 2 ? "/imports/o1" : "/imports/o2");
		http_done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(rows_come_back_in_order_from_many_runs),
	    cmocka_unit_test(a_load_has_its_rows_afterwards),
	    cmocka_unit_test(changes_meanwhile_are_in_it),
	};
	return cmocka_run_group_tests(cases, setup, teardown);
}
