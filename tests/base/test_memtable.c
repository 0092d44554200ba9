#include "tests/base/cases.h"

#include <pthread.h>

#include "base/memtable.h"
#include "base/store.h"

static struct feed_op put(const char *key, const char *value)
{
	return (struct feed_op){FEED_PUT, 3, str_of(key), str_of(value)};
}

static void add(struct memtable *m, const char *key, const char *value, uint64_t change)
{
	struct feed_op op = put(key, value);
	if (!value) op.kind = FEED_DEL;
	assert_non_null(memtable_add(m, &op, change));
}

static void a_snapshot_sees_the_newest_of_its_time(void **state)
{
	(void)state;
	struct memtable *m = memtable_new();
	assert_true(memtable_empty(m));
	add(m, "k", "one", 1);
	add(m, "k", "three", 3);
	add(m, "k", NULL, 5);
	assert_null(memtable_find(m, 3, STR("k"), 0));
	assert_str(mem_value(memtable_find(m, 3, STR("k"), 1)), "one");
	assert_str(mem_value(memtable_find(m, 3, STR("k"), 2)), "one");
	assert_str(mem_value(memtable_find(m, 3, STR("k"), 4)), "three");
	assert_int_equal(memtable_find(m, 3, STR("k"), MEM_NEWEST)->kind, FEED_DEL);
	assert_null(memtable_find(m, 3, STR("kk"), MEM_NEWEST));
	assert_null(memtable_find(m, 3, STR(""), MEM_NEWEST));
	assert_null(memtable_find(m, 2, STR("k"), MEM_NEWEST));
	assert_null(memtable_find(m, 4, STR("k"), MEM_NEWEST));
	memtable_free(m);
	memtable_free(NULL);
}

static void neighbours_are_those_of_the_table_and_the_snapshot(void **state)
{
	(void)state;
	struct memtable *m = memtable_new();
	struct feed_op other[] = {{FEED_PUT, 2, STR("z"), STR("")}, {FEED_PUT, 4, STR("a"), STR("")}};
	for (int i = 0; i < 2; i++) assert_non_null(memtable_add(m, &other[i], 1u + (unsigned)i));
	add(m, "b", "", 3);
	add(m, "d", "", 4);
	add(m, "f", "", 9);
	add(m, "b", "", 10);
	struct str d = STR("d"), b = STR("b"), c = STR("c");
	assert_str(mem_key(memtable_at_least(m, 3, STR(""), 8)), "b");
	assert_str(mem_key(memtable_at_least(m, 3, STR("c"), 8)), "d");
	assert_str(mem_key(memtable_at_least(m, 3, STR("d"), 8)), "d");
	assert_null(memtable_at_least(m, 3, STR("e"), 8)); /* f is newer */
	assert_str(mem_key(memtable_at_least(m, 3, STR("e"), 9)), "f");
	assert_str(mem_key(memtable_after(m, 3, STR("b"), 20)), "d");
	assert_null(memtable_after(m, 3, STR("f"), 20));
	assert_str(mem_key(memtable_before(m, 3, NULL, 8)), "d");
	assert_str(mem_key(memtable_before(m, 3, NULL, 9)), "f");
	assert_str(mem_key(memtable_before(m, 3, &d, 8)), "b");
	assert_int_equal(memtable_before(m, 3, &c, 20)->change, 10);
	assert_int_equal(memtable_before(m, 3, &c, 8)->change, 3);
	assert_null(memtable_before(m, 3, &c, 2));
	assert_null(memtable_before(m, 3, &b, 20));
	memtable_free(m);
}

/* A load adds thousands of keys that no reader sees yet. Were each of them looked at, this would take hours
 * and the test would be ended. */
static void a_search_does_not_walk_over_what_is_newer(void **state)
{
	(void)state;
	enum { NEWER = 100000, SEARCHES = 1000000 };
	struct memtable *m = memtable_new();
	char key[16];
	add(m, "a", "seen", 1);
	add(m, "z", "seen", 1);
	for (int i = 0; i < NEWER; i++) {
		(void)snprintf(key, sizeof key, "k%06d", i);
		add(m, key, "", 2);
	}
	for (int i = 0; i < SEARCHES; i++) assert_null(memtable_find(m, 3, STR("b"), 1));
	assert_null(memtable_find(m, 3, STR("k000000"), 1));
	assert_non_null(memtable_find(m, 3, STR("k000000"), 2));
	assert_str(mem_value(memtable_find(m, 3, STR("z"), 1)), "seen");
	memtable_free(m);
}

static void what_is_removed_is_gone_and_the_rest_in_order(void **state)
{
	(void)state;
	struct memtable *m = memtable_new();
	char key[8];
	for (unsigned i = 1; i <= 1000; i++) {
		snprintf(key, sizeof key, "%03u", i * 7 % 500);
		add(m, key, i % 5 ? "v" : NULL, i);
	}
	memtable_remove_after(m, 500);
	memtable_remove_after(m, 500);
	unsigned n = 0;
	const struct mem_entry *last = NULL;
	for (const struct mem_entry *e = memtable_walk(m, NULL); e; e = memtable_walk(m, e), n++) {
		assert_true(e->change <= 500);
		assert_true(!last || str_cmp(mem_key(last), mem_key(e)) < 0);
		last = e;
	}
	assert_int_equal(n, 500);
	memtable_remove_after(m, 0);
	assert_true(memtable_empty(m));
	assert_null(memtable_walk(m, NULL));
	memtable_free(m);
}

/* One writer adds generations of rows, takes some back, and publishes others; readers must always see
 * whole generations. A table before theirs grows at its end meanwhile, right before their first row. */
enum { ROWS = 32, GENERATIONS = 2000 };

struct shared {
	struct memtable *m;
	_Atomic uint64_t visible;
	atomic_bool over;
};

static void check(struct shared *x)
{
	uint64_t snapshot = atomic_load(&x->visible);
	struct str first = STR_NONE;
	char key[8];
	for (unsigned i = 0; i < ROWS && snapshot; i++) {
		snprintf(key, sizeof key, "%03u", i);
		const struct mem_entry *e = memtable_find(x->m, 3, str_of(key), snapshot);
		must(e && e->change <= snapshot && (i == 0 || str_eq(mem_value(e), first)));
		first = mem_value(e);
	}
	unsigned n = 0;
	const struct mem_entry *e = memtable_at_least(x->m, 3, STR(""), snapshot);
	for (; e; e = memtable_after(x->m, 3, mem_key(e), snapshot), n++) must(str_eq(mem_value(e), first));
	must(n == (snapshot ? ROWS : 0));
	n = 0;
	struct str before;
	for (e = memtable_before(x->m, 3, NULL, snapshot); e; n++) {
		before = mem_key(e);
		e = memtable_before(x->m, 3, &before, snapshot);
	}
	must(n == (snapshot ? ROWS : 0));
}

static void grow_table_before(struct memtable *m, uint64_t change)
{
	unsigned char k[8];
	assert_non_null(
	    memtable_add(m, &(struct feed_op){FEED_PUT, 2, store_key_u64(k, change), STR("row")}, change));
}

static void *read_on(void *arg)
{
	struct shared *x = arg;
	while (!atomic_load(&x->over)) check(x);
	return NULL;
}

static void readers_see_whole_generations(void **state)
{
	(void)state;
	struct shared x = {.m = memtable_new()};
	pthread_t threads[2];
	uint64_t change = 0;
	char key[8], value[16];
	for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, read_on, &x), 0);
	for (unsigned g = 0; g < GENERATIONS; g++) {
		uint64_t before = change;
		snprintf(value, sizeof value, "generation %u", g);
		for (unsigned i = 0; i < ROWS; i++) {
			snprintf(key, sizeof key, "%03u", i * 5 % ROWS);
			add(x.m, key, value, ++change);
			grow_table_before(x.m, ++change);
		}
		if (g % 3 == 1)
			memtable_remove_after(x.m, before);
		else
			atomic_store(&x.visible, change);
	}
	atomic_store(&x.over, true);
	for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
	check(&x);
	memtable_free(x.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_snapshot_sees_the_newest_of_its_time),
	    cmocka_unit_test(neighbours_are_those_of_the_table_and_the_snapshot),
	    cmocka_unit_test(a_search_does_not_walk_over_what_is_newer),
	    cmocka_unit_test(what_is_removed_is_gone_and_the_rest_in_order),
	    cmocka_unit_test(readers_see_whole_generations),
	};
	return cmocka_run_group_tests_name("memtable", tests, NULL, NULL);
}
