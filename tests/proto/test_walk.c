/* An attribute's rule octet by octet takes what template_check_value takes. */
#include "tests/base/cases.h"

#include <stdio.h>

#include "proto/template/walk.h"

static uint32_t seed = 20261126;

static uint32_t below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)(seed >> 4) * n) >> 28);
}

static struct arena *arena;

static bool walks(const struct template_walk *w, struct str text)
{
	unsigned char state[2][TEMPLATE_WALK_STATE_MAX];
	template_walk_begin(w, state[0]);
	for (size_t i = 0; i < text.n; i++)
		if (!template_walk_step(w, state[i & 1], text.p[i], state[(i + 1) & 1])) return false;
	return template_walk_ends(w, state[text.n & 1]);
}

/* 1: taken, 0: not, and both agree; -1: no attribute, or not walked. */
static int compare(const struct template_attribute *x, enum template_rule rule, struct str text)
{
	struct template t = {.prefix = STR("88.1"),
			     .version = STR("1"),
			     .attributes = (struct template_attribute *)(uintptr_t)x,
			     .attributes_n = 1};
	struct template_fault fault;
	struct template_walk *w;
	struct flaw f;
	struct arena_mark mark = arena_mark(arena);
	int got = -1;
	if (!template_check_rules(&t, &f) && !template_walk_new(arena, x, rule, &w)) {
		bool want = !template_check_value(arena, x, text, &fault);
		got = walks(w, text);
		if (got != want)
			fprintf(stderr, "%.*s%.*s with %.*s: %d\n", STR_ARG(x->pattern), STR_ARG(x->format),
				STR_ARG(text), got);
		assert_int_equal(got, want);
	}
	arena_rollback(arena, mark);
	return got;
}

/* ---- patterns --------------------------------------------------------------------------- */

static const char *const atoms[] = {
    "a",    "b",   "0",     "1",   ".", "[ab]", "[^a]",         "[0-9]",        "[]a]",
    "[a-]", "\\.", "\\w",   "\\S", "^", "$",    "[[:digit:]b]", "[^[:alpha:]]", "-",
    "\\(",  "é",   "[0-1a]"};
static const char *const repeats[] = {"*", "+", "?", "{2}", "{1,2}", "{0,1}", "{2,}", "{0}", "*?", "?{2}"};

static void make(struct buf *b, unsigned deep)
{
	size_t n = below(4);
	for (size_t i = 0; i < n; i++) {
		if (deep && !below(4)) {
			buf_byte(b, '(');
			make(b, deep - 1);
			buf_byte(b, ')');
		} else {
			buf_add(b, str_of(atoms[below(COUNT(atoms))]));
		}
		if (!below(3)) buf_add(b, str_of(repeats[below(COUNT(repeats))]));
	}
	if (!below(4)) {
		buf_byte(b, '|');
		make(b, deep);
	}
}

static void random_patterns_are_walked_as_regexec_matches(void **state)
{
	static const char *const pieces[] = {"a", "b", "0", "1", "-", ".", "(", "é", "]", "A", " "};
	size_t walked = 0, taken = 0;
	(void)state;
	for (size_t i = 0; i < 6000; i++) {
		struct buf b = BUF_INIT(200), text = BUF_INIT(40);
		make(&b, 2);
		struct template_attribute x = {.index = 2000,
					       .name = STR("x"),
					       .type = TEMPLATE_STRING,
					       .decimals = UINT64_MAX,
					       .pattern = buf_str(&b)};
		for (size_t k = 0; k < 30 && !buf_err(&b) && b.n; k++) {
			buf_clear(&text);
			for (size_t n = 1 + below(5); n > 0; n--)
				buf_add(&text, str_of(pieces[below(k & 1 ? 4 : COUNT(pieces))]));
			int got = compare(&x, TEMPLATE_RULE_PATTERN, buf_str(&text));
			if (got < 0) break;
			walked++;
			taken += got > 0;
		}
		buf_done(&b);
		buf_done(&text);
	}
	fprintf(stderr, "%zu comparisons, %zu taken\n", walked, taken);
	assert_true(walked > 20000 && taken > 1000);
}

static void patterns_people_write(void **state)
{
	static const struct {
		const char *pattern, *text;
		int want;
	} rows[] = {{"[0-4][0-9]{3}", "4999", 1},
		    {"[0-4][0-9]{3}", "5000", 0},
		    {"SN-[A-Z]{2}[0-9]{6}", "SN-AB123456", 1},
		    {"SN-[A-Z]{2}[0-9]{6}", "SN-AB12345", 0},
		    {"[[:alnum:]]+(-[[:alnum:]]+)*", "a-b-c0", 1},
		    {"[[:alnum:]]+(-[[:alnum:]]+)*", "a--c0", 0},
		    {"^(red|green)$|blue", "green", 1},
		    {"^(red|green)$|blue", "blue", 1},
		    {"^(red|green)$|blue", "blues", 0},
		    {"(a|ab)(c|bcd)(d*)", "abcd", 1},
		    {"[0-9]{100}[0-9]{5}", "1", 0},
		    {"a{3}{2}", "aaaaaa", 1},
		    {"x*", "xxxxxxxx", 1},
		    /* read otherwise by others, or too long: decided one by one */
		    {"\\bword", "word", -1},
		    {"a)|(b", "ax", -1},
		    {"[[.hyphen.]a]", "a", -1},
		    {"([0-9]{30}){30}a{900}", "1", -1},
		    {"[[:alnum:]]{1000}[a-z]{1}", "a", 0},
		    {"(((((([a-z]{10}){10}){10}))))x{3}", "1", -1}};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct template_attribute x = {.index = 2000,
					       .name = STR("x"),
					       .type = TEMPLATE_STRING,
					       .decimals = UINT64_MAX,
					       .pattern = str_of(rows[i].pattern)};
		int got = compare(&x, TEMPLATE_RULE_PATTERN, str_of(rows[i].text));
		if (got != rows[i].want) fprintf(stderr, "%s: %d\n", rows[i].pattern, got);
		assert_int_equal(got, rows[i].want);
	}
}

/* ---- dates and numbers ------------------------------------------------------------------ */

static void dates_are_walked_as_they_are_checked(void **state)
{
	static const char *const formats[] = {"",     "YYYYMMDD",   "DD/MM/YYYY",    "YYYY-MM-DD HH:mm:ss",
					      "MMDD", "YYYY",       "hh:mm",         "DDMMYYYYMM",
					      "YY-M", "YYMM",       "D-YYYY",        "YYYYMM",
					      "HHHH", "yyyy.MM.dd", "ssmmHHDDMMYYYY"};
	size_t walked = 0, taken = 0;
	(void)state;
	for (size_t i = 0; i < 60000; i++) {
		char text[40];
		struct str format = str_of(formats[below(COUNT(formats))]);
		struct str like = format.n ? format : STR("YYYY-MM-DD");
		for (size_t k = 0; k < like.n; k++) {
			bool letter = memchr("YyMDdHhms", like.p[k], 9) != NULL;
			bool first = k + 1 < like.n && like.p[k] == like.p[k + 1];
			text[k] = letter ? (char)('0' + below(first ? 4 : 10)) : like.p[k];
		}
		if (!below(20)) text[below((uint32_t)like.n)] = "0a-9"[below(4)];
		struct template_attribute x = {.index = 2000,
					       .name = STR("x"),
					       .type = TEMPLATE_DATE,
					       .decimals = UINT64_MAX,
					       .format = format};
		if (!format.n && below(2)) x.min = STR("0112-02-28");
		if (!format.n && below(2)) x.max = STR("2226-03-01");
		int got = compare(&x, TEMPLATE_RULE_TYPE, str_n(text, like.n - !below(50)));
		walked += got >= 0;
		taken += got > 0;
	}
	fprintf(stderr, "%zu comparisons, %zu taken\n", walked, taken);
	assert_true(walked > 30000 && taken > 3000);
}

static void numbers_are_walked_as_they_are_checked(void **state)
{
	size_t taken = 0;
	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		char text[8];
		size_t n = 1 + below(7);
		for (size_t k = 0; k < n; k++) text[k] = "0123456789.-+e"[below(k ? 14 : 13)];
		struct template_attribute x = {.index = 2000,
					       .name = STR("x"),
					       .type = TEMPLATE_NUMBER,
					       .decimals = below(2) ? below(3) : UINT64_MAX};
		taken += compare(&x, TEMPLATE_RULE_TYPE, str_n(text, n)) > 0;
	}
	assert_true(taken > 2000);
}

static int begin(void **state)
{
	(void)state;
	arena = arena_new(4 << 20);
	return !arena;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_patterns_are_walked_as_regexec_matches),
	    cmocka_unit_test(patterns_people_write),
	    cmocka_unit_test(dates_are_walked_as_they_are_checked),
	    cmocka_unit_test(numbers_are_walked_as_they_are_checked),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
