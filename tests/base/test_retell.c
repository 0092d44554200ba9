#include "tests/base/cases.h"

#include "base/buf.h"
#include "base/retell.h"

static struct arena *a;

static void told(const char *english, const char *wanted)
{
	struct str got = retell(SAY_ZH, a, str_of(english));

	if (!str_is(got, wanted)) fail_msg("%s: %.*s | %s", english, STR_ARG(got), wanted);
	got = retell(SAY_EN, a, str_of(english));
	assert_true(str_is(got, english));
}

static void a_sentence_of_ours_is_told_again(void **state)
{
	(void)state;
	told("there is no such agreement", "没有该合约");
	told("not found", "未找到");
	told("count: limit 3, actual 3", "count：上限 3，实际 3");
	told("the agreement is REVOKED: only an active one can be revoked",
	     "合约状态为 REVOKED：只有有效合约可以终止");
}

static void what_stands_inside_is_told_again(void **state)
{
	(void)state;
	told("the provider answered 404: not found", "提供方答复 404：未找到");
	told("offer.target: the offer is for another dataset", "offer.target：该要约属于另一数据集");
	told("the other node did not answer in time: no route", "对端节点超时：no route");
	told("in state REQUESTED the provider may not FINALIZE",
	     "状态为 REQUESTED 时，提供方不可执行 FINALIZE");
	told("the agreement differs from the offer: permission[0].action is missing",
	     "合约与要约不同：缺少 permission[0].action");
}

static void what_nobody_of_ours_said_stays(void **state)
{
	(void)state;
	told("", "");
	told("closed on Sundays", "closed on Sundays");
	told("不合适", "不合适");
	told("there is no such agreement, Sir", "there is no such agreement, Sir");
	told("note: closed on Sundays", "note: closed on Sundays");
	told("http://x/: a ", "http://x/: a ");
}

/* Each row, with its conversions filled. */
static void each_row_is_found(void **state)
{
	(void)state;
	size_t rows = 0;

	for (int i = 0; i < SAY_COUNT; i++) {
		struct buf b = BUF_INIT(RETELL_MAX);
		struct str got;

		if (!str_starts(str_of(say_name((enum say)i)), STR("SAID_"))) continue;
		rows++;
		for (const char *p = say_in(SAY_EN, (enum say)i); *p; p++) {
			if (*p != '%') {
				buf_byte(&b, *p);
				continue;
			}
			while (!strchr("diuxcsp", *p)) p++;
			buf_add(&b, STR("QZ7"));
		}
		got = retell(SAY_ZH, a, buf_str(&b));
		if (str_eq(got, buf_str(&b)))
			fail_msg("%s stays %.*s", say_name((enum say)i), STR_ARG(got));
		buf_done(&b);
	}
	assert_true(rows > 100);
}

static void a_text_made_to_be_slow_is_let_alone(void **state)
{
	struct buf b = BUF_INIT(RETELL_MAX);

	(void)state;
	buf_add(&b, STR("it says "));
	while (b.n < RETELL_MAX - 20) buf_add(&b, STR("; negotiated wa"));
	assert_true(retell(SAY_ZH, a, buf_str(&b)).n > 0);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_sentence_of_ours_is_told_again),
	    cmocka_unit_test(what_stands_inside_is_told_again),
	    cmocka_unit_test(what_nobody_of_ours_said_stays),
	    cmocka_unit_test(each_row_is_found),
	    cmocka_unit_test(a_text_made_to_be_slow_is_let_alone),
	};
	int failed;

	a = arena_new(4 << 20);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(a);
	return failed;
}
