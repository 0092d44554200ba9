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
	for (int i = 0; i < SAY_COUNT; i++) {
		const char *name = say_name((enum say)i);
		char rule[64];
		size_t n = 0;
		if (!str_starts(str_of(name), STR("RULE_"))) continue;
		for (name += 5; *name; name++)
			rule[n++] = *name == '_'                   ? '-'
				    : *name >= 'A' && *name <= 'Z' ? (char)(*name + 32)
								   : *name;
		rule[n] = 0;
		assert_ptr_equal(say_rule(SAY_ZH, rule), say_in(SAY_ZH, (enum say)i));
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
