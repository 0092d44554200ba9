#include "tests/base/cases.h"

#include "base/arena.h"

static void memory_is_zeroed_aligned_and_apart(void **state)
{
	(void)state;
	struct arena *a = arena_new(1 << 20);
	char *before = NULL;
	for (size_t n = 1; n < 700; n += 7) {
		arena_bytes(a, 3); /* unsettles the alignment */
		char *p = arena_alloc(a, n);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
		memset(p, 0xaa, n);
		if (before) assert_int_equal((unsigned char)*before, 0xaa);
		before = p;
	}
	arena_free(a);
}

static void the_cap_is_exact_and_sticky(void **state)
{
	(void)state;
	struct arena *a = arena_new(100);
	assert_non_null(arena_alloc(a, 60));
	assert_non_null(arena_bytes(a, 40));
	assert_int_equal(arena_used(a), 100);
	assert_false(arena_overflowed(a));
	assert_null(arena_bytes(a, 1));
	assert_true(arena_overflowed(a));
	assert_int_equal(arena_used(a), 100);
	arena_reset(a);
	assert_false(arena_overflowed(a));
	assert_int_equal(arena_used(a), 0);
	assert_null(arena_alloc(a, 101));
	assert_true(arena_overflowed(a));
	assert_non_null(arena_alloc(a, 100)); /* sticky, not stuck */
	assert_true(arena_overflowed(a));
	arena_free(a);
}

static void a_product_that_wraps_is_an_overflow(void **state)
{
	(void)state;
	struct arena *a = arena_new(1 << 20);
	assert_null(arena_array(a, SIZE_MAX / 2 + 2, 2));
	assert_true(arena_overflowed(a));
	arena_reset(a);
	uint64_t *v = ARENA_ARRAY(a, uint64_t, 9);
	assert_non_null(v);
	assert_int_equal(v[8], 0);
	arena_free(a);
}

static void allocations_span_blocks(void **state)
{
	(void)state;
	struct arena *a = arena_new(8 << 20);
	char *small = arena_strdup(a, STR("small"));
	char *big = arena_bytes(a, 3 << 20);
	assert_non_null(big);
	memset(big, 'x', 3 << 20);
	assert_string_equal(small, "small");
	assert_int_equal(arena_used(a), 6 + (3 << 20));
	arena_reset(a);
	assert_non_null(arena_bytes(a, 8 << 20));
	arena_free(a);
}

static struct str log_of;
static char log_text[64];

static void note(void *arg)
{
	const char *s = arg;
	memcpy(log_text + log_of.n, s, strlen(s));
	log_of = str_n(log_text, log_of.n + strlen(s));
}

static char one[] = "1", two[] = "2", three[] = "3";

static void cleanups_run_newest_first_and_once(void **state)
{
	(void)state;
	log_of.n = 0;
	struct arena *a = arena_new(4096);
	assert_int_equal(arena_on_reset(a, note, one), ERR_OK);
	assert_int_equal(arena_on_reset(a, note, two), ERR_OK);
	arena_reset(a);
	assert_str(log_of, "21");
	assert_int_equal(arena_on_reset(a, note, three), ERR_OK);
	arena_free(a);
	assert_str(log_of, "213");
	arena_free(NULL);
	a = arena_new(8);
	assert_int_equal(arena_on_reset(a, note, one), ERR_NO_MEMORY);
	arena_free(a);
	assert_str(log_of, "213");
}

static void rollback_undoes_what_came_after_the_mark(void **state)
{
	(void)state;
	log_of.n = 0;
	struct arena *a = arena_new(1 << 20);
	assert_int_equal(arena_on_reset(a, note, one), ERR_OK);
	char *kept = arena_strdup(a, STR("kept"));
	size_t used = arena_used(a);
	struct arena_mark m = arena_mark(a);
	assert_int_equal(arena_on_reset(a, note, two), ERR_OK);
	char *first = arena_bytes(a, 10);
	for (int i = 0; i < 50; i++) assert_non_null(arena_bytes(a, 5000)); /* many blocks */
	assert_int_equal(arena_on_reset(a, note, three), ERR_OK);
	arena_rollback(a, m);
	assert_str(log_of, "32");
	assert_int_equal(arena_used(a), used);
	assert_string_equal(kept, "kept");
	assert_int_equal(arena_on_reset(a, note, two), ERR_OK);
	assert_ptr_equal(arena_bytes(a, 10), first); /* the room is given out again */
	assert_null(arena_bytes(a, 1 << 20));
	arena_rollback(a, m);
	assert_true(arena_overflowed(a));
	arena_free(a);
	assert_str(log_of, "3221");
}

static void texts(void **state)
{
	(void)state;
	struct arena *a = arena_new(64);
	struct str s = arena_printf(a, "%s-%d", "ab", 42);
	assert_str(s, "ab-42");
	assert_int_equal(s.p[s.n], 0);
	assert_int_equal(arena_dup(a, STR("x\0y")).n, 3);
	assert_non_null(arena_dup(a, STR("")).p);
	assert_null(arena_printf(a, "%70d", 1).p);
	assert_true(arena_overflowed(a));
	assert_null(arena_dup(a, str_n(log_text, 64)).p);
	assert_null(arena_strdup(a, str_n(log_text, 64)));
	arena_free(a);
}

static void what_is_given_back_is_given_again(void **state)
{
	(void)state;
	struct arena *a = arena_new(1000);
	arena_bytes(a, 3);
	char *p = arena_raw(a, 600);
	assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
	memset(p, 0xaa, 100);
	arena_give_back(a, 500);
	assert_int_equal(arena_used(a), 103);
	assert_ptr_equal(arena_bytes(a, 897), p + 100);
	assert_int_equal((unsigned char)p[99], 0xaa);
	assert_null(arena_bytes(a, 1));
	arena_give_back(a, 897);
	assert_non_null(arena_bytes(a, 800));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
	    cmocka_unit_test(the_cap_is_exact_and_sticky),
	    cmocka_unit_test(a_product_that_wraps_is_an_overflow),
	    cmocka_unit_test(allocations_span_blocks),
	    cmocka_unit_test(cleanups_run_newest_first_and_once),
	    cmocka_unit_test(rollback_undoes_what_came_after_the_mark),
	    cmocka_unit_test(texts),
	    cmocka_unit_test(what_is_given_back_is_given_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
