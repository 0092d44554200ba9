#include "tests/base/cases.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/say.h"

/* The conversions of a format, without flags, width and precision, but with "*": "%s%lld%*d". */
static void conversions(const char *fmt, struct buf *out)
{
	for (const char *p = fmt; *p; p++) {
		if (*p != '%') continue;
		if (*++p == '%') continue;
		buf_byte(out, '%');
		for (; *p && !strchr("diouxXeEfFgGaAcspn", *p); p++)
			if (strchr("*hljztL$", *p)) buf_byte(out, *p);
		assert_true(*p);
		buf_byte(out, *p);
	}
}

static void both_languages_take_the_same_arguments(void **state)
{
	(void)state;
	assert_true(SAY_COUNT > 0);
	for (int i = 0; i < SAY_COUNT; i++) {
		struct buf en = BUF_INIT(1000), zh = BUF_INIT(1000);
		conversions(say_in(SAY_EN, (enum say)i), &en);
		conversions(say_in(SAY_ZH, (enum say)i), &zh);
		if (!str_eq(buf_str(&en), buf_str(&zh)))
			fail_msg("%s | %s", say_in(SAY_EN, (enum say)i), say_in(SAY_ZH, (enum say)i));
		/* reordered arguments would need another check than this one */
		assert_int_equal(str_find(buf_str(&en), '$'), en.n);
		buf_done(&en);
		buf_done(&zh);
	}
}

static void a_rule_has_the_row_of_its_name(void **state)
{
	(void)state;
	assert_string_equal(say_rule(SAY_EN, "utf-8"), say(SAY_RULE_UTF_8));
	assert_string_equal(say_rule(SAY_EN, "check-digit"), say(SAY_RULE_CHECK_DIGIT));
	assert_null(say_rule(SAY_EN, "check"));
	assert_null(say_rule(SAY_EN, "check-digits"));
	assert_null(say_rule(SAY_EN, ""));
}

/* What is said in Chinese of a flaw with this rule and text. */
static void said(enum err e, const char *rule, const char *text, const char *want)
{
	char room[SAY_FLAW_MAX];
	struct flaw f;
	flaw_set(&f, e, 0, "", rule, "%s", text);
	assert_string_equal(say_flaw(SAY_EN, &f, room), text);
	assert_string_equal(say_flaw(SAY_ZH, &f, room), want);
}

static void a_flaw_is_said_with_what_it_names(void **state)
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
	said(ERR_BAD_ID, "too-short", "seven at least", "长度不足");
	said(ERR_BAD_INPUT, "too-short", "seven at least", "seven at least");
	said(ERR_BAD_ID, "no-such-rule", "seven at least", "seven at least");
	said(ERR_BAD_ID, "duplicate", "(10) is given twice again", "重复出现");
	said(ERR_BAD_ID, "duplicate", "not (10) is given twice", "重复出现");
}

/* The longest flaw, with the most words around what it names. */
static void a_flaw_that_fills_its_text_fits(void **state)
{
	(void)state;
	char room[SAY_FLAW_MAX], url[400];
	struct flaw f;
	memset(url, 'x', sizeof url);
	for (size_t n = 100; n < sizeof url; n++) {
		flaw_set(&f, ERR_NOT_RESPONSIBLE, 0, "", "delegated",
			 "the prefix 8 is served by another node: %.*s", (int)n, url);
		assert_true(str_ends(str_of(say_flaw(SAY_ZH, &f, room)), STR("xxx")));
		assert_true(str_utf8_ok(str_of(room), NULL));
	}
}

static bool has_chinese(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0xe3) return true;
	return false;
}

static void each_text_is_in_its_language(void **state)
{
	(void)state;
	for (int i = 0; i < SAY_COUNT; i++) {
		const char *en = say_in(SAY_EN, (enum say)i), *zh = say_in(SAY_ZH, (enum say)i);
		assert_true(*en && *zh);
		assert_true(str_utf8_ok(str_of(en), NULL) && str_utf8_ok(str_of(zh), NULL));
		if (has_chinese(en)) fail_msg("Chinese in the English text: %s", en);
	}
}

static void the_language_comes_from_the_first_variable_set(void **state)
{
	(void)state;
	static const struct {
		const char *all, *messages, *lang;
		enum say_language want;
	} cases[] = {
	    {NULL, NULL, NULL, SAY_EN},
	    {NULL, NULL, "zh_CN.UTF-8", SAY_ZH},
	    {NULL, "en_GB", "zh_CN.UTF-8", SAY_EN},
	    {"zh_TW", "en_GB", "en", SAY_ZH},
	    {"", "", "ZH", SAY_ZH},
	    {"C.UTF-8", "zh_CN", "zh_CN", SAY_EN},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		unsetenv("LC_ALL");
		unsetenv("LC_MESSAGES");
		unsetenv("LANG");
		if (cases[i].all) setenv("LC_ALL", cases[i].all, 1);
		if (cases[i].messages) setenv("LC_MESSAGES", cases[i].messages, 1);
		if (cases[i].lang) setenv("LANG", cases[i].lang, 1);
		say_setup();
		assert_int_equal(say_language(), cases[i].want);
	}
	say_set_language(SAY_ZH);
	assert_string_equal(say((enum say)0), say_in(SAY_ZH, (enum say)0));
	say_set_language(SAY_EN);
	assert_string_equal(say((enum say)0), say_in(SAY_EN, (enum say)0));
}

static void accept_language_is_weighed(void **state)
{
	(void)state;
	static const struct {
		const char *header;
		enum say_language want;
	} cases[] = {
	    {"", SAY_EN},
	    {"fr-FR, de;q=0.9", SAY_EN},
	    {"zh", SAY_ZH},
	    {"zh-CN,zh;q=0.9,en;q=0.8", SAY_ZH},
	    {"en-US,en;q=0.9,zh;q=0.8", SAY_EN},
	    {"en;q=0.8, ZH-Hans;q=0.9", SAY_ZH},
	    {"en, zh", SAY_EN},
	    {"zh, en", SAY_ZH},
	    {"en;q=0.2 , zh ; q=0.200", SAY_EN},
	    {"zh;q=0", SAY_EN},
	    {"zh;q=0, *", SAY_EN},
	    {"*;q=0.5, en;q=0.1", SAY_ZH},
	    {"*", SAY_EN},
	    {"fr, zh;q=0.001", SAY_ZH},
	    {"zh;q=2, en;q=0.1", SAY_EN},
	    {"zh;q=0.9999, en;q=0.1", SAY_EN},
	    {"zhx", SAY_EN},
	    {",,;q=,zh;q=1.000", SAY_ZH},
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		if (say_accepted(str_of(cases[i].header)) != cases[i].want)
			fail_msg("Accept-Language: %s", cases[i].header);
	assert_int_equal(say_accepted(STR_NONE), SAY_EN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_languages_take_the_same_arguments),
	    cmocka_unit_test(each_text_is_in_its_language),
	    cmocka_unit_test(the_language_comes_from_the_first_variable_set),
	    cmocka_unit_test(accept_language_is_weighed),
	    cmocka_unit_test(a_rule_has_the_row_of_its_name),
	    cmocka_unit_test(a_flaw_is_said_with_what_it_names),
	    cmocka_unit_test(a_flaw_that_fills_its_text_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
