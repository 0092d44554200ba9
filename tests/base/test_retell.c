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
	told("the credential's scope does not cover the identifier", "凭证的范围不含该标识");
	told("88.1/x: it is registered, at revision 3", "88.1/x：状态为 registered，修订版本 3");
	told("88.1/x: it is retired, at revision 6; naming that revision (If-Match) brings it back",
	     "88.1/x：状态为 retired，修订版本 6；指明该修订版本（If-Match）即可恢复");
	told("values[0].tll is not a member here", "此处没有成员 values[0].tll");
	told("value 7: the record has no such value", "值 7：记录中没有");
	told("88.1/x: its enterprise is suspended", "88.1/x：所属企业已暂停");
	told("the agreement is REVOKED: only an active one can be revoked",
	     "合约状态为 REVOKED：只有有效合约可以终止");
}

static void what_stands_inside_is_told_again(void **state)
{
	(void)state;
	told("the provider answered 404: not found", "提供方答复 404：未找到");
	told("attribute power (index 2000): is above its maximum 100",
	     "属性 power（索引 2000）：大于最大值 100");
	told("88.1/V-0101: attribute kind (index 2003): is missing",
	     "88.1/V-0101：属性 kind（索引 2003）：缺失");
	told("offer.target: the offer is for another dataset", "offer.target：该要约属于另一数据集");
	told("the other node did not answer in time: no route", "对端节点超时：no route");
	told("urn:oid:1.2.3: it is not registered", "urn:oid:1.2.3：未注册");
	told("urn:oid:1.2.3: the quota of its enterprise is used up", "urn:oid:1.2.3：其企业的配额已用完");
	told("column 3 stands twice", "第 3 列重复出现");
	told("values[0].data is too long", "values[0].data 过长");
	told("attribute mass (index 2001): is no number", "属性 mass（索引 2001）：不是数");
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

static bool is_told_again(enum say row)
{
	struct str name = str_of(say_name(row));

	return str_starts(name, STR("SAID_")) || str_starts(name, STR("FLAW_")) ||
	       str_starts(name, STR("POL_"));
}

/* The row's English with QZ7 for each conversion. */
static void fill_row(enum say row, struct buf *b)
{
	for (const char *p = say_in(SAY_EN, row); *p; p++) {
		if (*p != '%') {
			buf_byte(b, *p);
			continue;
		}
		while (!strchr("diuxcsp", *p)) p++;
		buf_add(b, STR("QZ7"));
	}
}

/* By few steps, however many rows there are: to look at each of them would take one a row at the least. */
static void each_row_is_found(void **state)
{
	(void)state;
	size_t rows = 0;

	for (int i = 0; i < SAY_COUNT; i++) {
		struct buf b = BUF_INIT(RETELL_MAX);
		int steps = RETELL_STEPS;
		struct str got;

		if (!is_told_again((enum say)i)) continue;
		rows++;
		fill_row((enum say)i, &b);
		got = retell_within(SAY_ZH, a, buf_str(&b), &steps);
		if (str_eq(got, buf_str(&b)))
			fail_msg("%s stays %.*s", say_name((enum say)i), STR_ARG(got));
		if (RETELL_STEPS - steps > 400)
			fail_msg("%s took %d steps", say_name((enum say)i), RETELL_STEPS - steps);
		buf_done(&b);
	}
	assert_true(rows > 300);
}

/* What is told in Chinese of a flaw with this rule and text. */
static void said(enum err e, const char *rule, const char *text, const char *want)
{
	struct flaw f;
	flaw_set(&f, e, 0, "", rule, "%s", text);
	assert_true(str_is(retell_flaw(SAY_EN, a, &f), text));
	if (!str_is(retell_flaw(SAY_ZH, a, &f), want))
		fail_msg("%s: %.*s", text, STR_ARG(retell_flaw(SAY_ZH, a, &f)));
}

static void a_flaw_is_told_with_what_it_names(void **state)
{
	(void)state;
	said(ERR_BAD_ID, "too-short", "the value of (01) has at least 14 characters",
	     "（01）的值至少 14 个字符");
	said(ERR_BAD_ID, "missing", "(10) needs 01,02,03 beside it", "（10）须与 01,02,03 同时出现");
	said(ERR_BAD_ID, "duplicate", "(10) is given twice", "（10）重复出现");
	said(ERR_BAD_ID, "duplicate", "(10) is given twice with different values",
	     "（10）重复出现且值不同");
	said(ERR_NOT_RESPONSIBLE, "delegated",
	     "the prefix 88.1 is served by another node: https://a.example: 8443",
	     "前缀 88.1 由另一节点负责：https://a.example: 8443");
	said(ERR_NOT_FOUND, "registered", "no such identifier is registered", "没有注册该标识");
	/* by the rule, of identifiers alone; else as it is */
	said(ERR_BAD_ID, "too-short", "a label is empty", "长度不足");
	said(ERR_BAD_INPUT, "too-short", "a label is empty", "a label 为空");
	said(ERR_BAD_ID, "too-short", "seven at least", "长度不足");
	said(ERR_BAD_INPUT, "too-short", "seven at least", "seven at least");
	said(ERR_BAD_ID, "no-such-rule", "seven at least", "seven at least");
	said(ERR_BAD_ID, "duplicate", "(10) is given twice again", "重复出现");
	said(ERR_BAD_ID, "duplicate", "not (10) is given twice", "重复出现");
}

/* begin, then again as often as there is room. */
static struct str repeated(const char *begin, const char *again)
{
	struct buf b = BUF_INIT(RETELL_MAX);
	struct str text;

	buf_add(&b, str_of(begin));
	while (b.n + strlen(again) <= RETELL_MAX) buf_add(&b, str_of(again));
	text = arena_dup(a, buf_str(&b));
	buf_done(&b);
	return text;
}

static void a_long_text_of_ours_is_told(void **state)
{
	static const char begin[] = "the agreement differs from the offer: the provider answered 404: ";
	static const char zh[] = "合约与要约不同：提供方答复 404：";
	struct str text = repeated(begin, "x"), got = retell(SAY_ZH, a, text);

	(void)state;
	assert_int_equal(text.n, RETELL_MAX);
	assert_true(str_starts(got, str_of(zh)));
	assert_true(str_eq(str_skip(got, strlen(zh)), str_skip(text, strlen(begin))));
	text = repeated(begin, "xy ");
	assert_true(str_starts(retell(SAY_ZH, a, text), str_of(zh)));
}

static void a_text_made_to_be_slow_stays(void **state)
{
	static const struct {
		const char *begin, *again;
	} made[] = {{"", ": "}, {"", ": limit "}};

	(void)state;
	for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
		struct str text = repeated(made[i].begin, made[i].again);
		int steps = RETELL_STEPS;
		struct str got = retell_within(SAY_ZH, a, text, &steps);

		assert_int_equal(steps, 0);
		assert_ptr_equal(got.p, text.p);
		assert_int_equal(got.n, text.n);
	}
}

/* What parts could be read in many ways is decided at once: no row is tried twice. */
static void a_text_with_many_readings_takes_steps_by_its_length(void **state)
{
	static const struct {
		const char *begin, *again;
	} made[] = {{"it says ", "; negotiated wa"},
		    {"the ", "the "},
		    {"", " "},
		    {"the provider offers us no dataset \"", "/catalog answered \": "}};

	(void)state;
	for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
		int steps = RETELL_STEPS;

		retell_within(SAY_ZH, a, repeated(made[i].begin, made[i].again), &steps);
		if (!steps) fail_msg("%s…%s took all steps", made[i].begin, made[i].again);
	}
}

/* However few there are: none is borrowed. */
static void steps_end_a_search_anywhere(void **state)
{
	const char *text = "the agreement differs from the offer: permission[0].action is missing";
	int enough = RETELL_STEPS, had = 0;

	(void)state;
	retell_within(SAY_ZH, a, str_of(text), &enough);
	for (int given = 1; given < RETELL_STEPS - enough; given++) {
		int steps = given;
		struct str got = retell_within(SAY_ZH, a, str_of(text), &steps);

		assert_int_equal(steps, 0);
		assert_ptr_equal(got.p, text);
		had++;
	}
	assert_true(had > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_sentence_of_ours_is_told_again),
	    cmocka_unit_test(what_stands_inside_is_told_again),
	    cmocka_unit_test(what_nobody_of_ours_said_stays),
	    cmocka_unit_test(each_row_is_found),
	    cmocka_unit_test(a_flaw_is_told_with_what_it_names),
	    cmocka_unit_test(a_long_text_of_ours_is_told),
	    cmocka_unit_test(a_text_made_to_be_slow_stays),
	    cmocka_unit_test(a_text_with_many_readings_takes_steps_by_its_length),
	    cmocka_unit_test(steps_end_a_search_anywhere),
	};
	int failed;

	a = arena_new(4 << 20);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(a);
	return failed;
}
