/* Whether all members keep to a rule, against a look at each of them. */
#include "tests/base/cases.h"

#include <stdio.h>

#include "resolver/series_decide.h"
#include "resolver/series_template.h"

static uint32_t seed = 20261126;

static uint32_t below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)(seed >> 4) * n) >> 28);
}

#define PICK(list) list[below(COUNT(list))]

static bool keeps(struct arena *a, const struct series_question *q, const char *serial)
{
	struct str word = str_n(serial, q->pattern->range.from.n), text;
	struct template_words words;
	struct template_fault fault;
	struct id id;
	enum err e = series_pattern_member(a, q->pattern, word, &id);
	if (e == ERR_NOT_FOUND) return true;
	must(!e);
	series_words(&q->pattern->range, id.text, word, &words);
	must(!template_fill(a, q->data, &words, &text));
	return !template_check_value(a, q->attribute, text, &fault);
}

static bool all_keep(struct arena *a, const struct series_question *q)
{
	char serial[SERIES_WINDOW_MAX];
	memcpy(serial, q->pattern->range.from.p, q->pattern->range.from.n);
	do {
		struct arena_mark mark = arena_mark(a);
		bool one = keeps(a, q, serial);
		arena_rollback(a, mark);
		if (!one) return false;
	} while (series_range_next(&q->pattern->range, serial));
	return true;
}

static const struct {
	const char *pattern;
	size_t ranges;
	bool numeric;
} patterns[] = {{"88.1/{000..120}", 1, true},
		{"88.1/{1998..2031}", 1, true},
		{"88.1/{0228..0301}", 1, true},
		{"88.1/{00..1F:0-9A-F}", 1, false},
		{"88.1/{A0..C9}", 1, false},
		{"88.1/{01..12}-{01..28}", 2, false},
		{"88.1/{01..12}{01..30}", 2, false},
		{"88.1/{2023..2025}.{01..12}x{01..28}", 3, false},
		{"88.1/{A..C}_{00..20}", 2, false},
		{"88.1/{0-A..2-C}", 1, false},
		{"01/0952123{400000..400099}{check}", 1, true},
		{"01/0952123{4000..4009}{00..09}{check}", 2, false}};

static const char *const one_range[] = {
    "{serial}",          "{number}",   "{id}",      "2024-{1}", "a{serial}b",     "{1}{1}",
    "0.{serial}",        "0.{number}", "-{number}", "{{{1}}}",  "https://x/{id}", "2024-02-{serial}",
    "{number}-{serial}", "{id:path}"};
static const char *const more_ranges[] = {"{1}-{2}", "{serial}",  "{1}",         "2024-{1}-{2}",
					  "{2}{1}",  "{id}",      "{1}.{2}",     "202{1}{2}",
					  "{2}",     "{1}{2}{1}", "2023-02-{2}", "x{id:url}y{2}"};
static const char *const rules[] = {"[0-9]+",
				    "[0-9A-F]+",
				    "[01][0-9]{2}",
				    "0?[0-9]{1,3}",
				    "[0-9]{2}(-[0-9]{2})?",
				    "([A-C]|[0-9])*",
				    ".*[^9]",
				    "(20|19)[0-9]{2}.*",
				    "a[0-9A-C]+b",
				    "[0-2]-[A-C]",
				    "88\\.1/.*",
				    "https?://[a-z]/.*",
				    ".*[02468]",
				    "[^x]*",
				    "[1-9][0-9]*|0",
				    "https://id\\.gs1\\.org/01/[0-9]{14}",
				    "https://id\\.gs1\\.org/01/[0-9]{13}[0-8]"};
static const char *const formats[] = {"", "", "YYYY", "MM-DD", "MMDD", "YYYYMMDD", "DDMM", "MM.DD"};
static struct str choices[] = {{"01", 2},   {"02", 2}, {"03", 2}, {"2023", 4}, {"2024", 4},
			       {"2025", 4}, {"A", 1},  {"B", 1},  {"C", 1},    {"2023-01", 7}};

static void make_rule(struct template_attribute *x)
{
	static const enum template_type types[] = {TEMPLATE_STRING, TEMPLATE_STRING, TEMPLATE_NUMBER,
						   TEMPLATE_DATE,   TEMPLATE_DATE,   TEMPLATE_ENUM};
	*x = (struct template_attribute){
	    .index = 2000, .name = STR("x"), .type = PICK(types), .decimals = UINT64_MAX};
	if (x->type == TEMPLATE_STRING || !below(6)) x->pattern = str_of(PICK(rules));
	if (x->type == TEMPLATE_NUMBER && below(2)) x->decimals = below(4);
	if (x->type == TEMPLATE_NUMBER && below(2)) x->max = below(2) ? STR("120") : STR("0.5");
	if (x->type == TEMPLATE_NUMBER && below(2)) x->min = below(2) ? STR("-120") : STR("0");
	if (x->type == TEMPLATE_DATE) x->format = str_of(PICK(formats));
	if (x->type == TEMPLATE_DATE && !x->format.n && below(2)) x->max = STR("2024-12-28");
	if (x->type == TEMPLATE_ENUM) x->choices = (struct template_names){choices, COUNT(choices)};
}

struct counts {
	size_t kept, broken, open, doubtful;
};

static void ask(struct arena *a, struct counts *n)
{
	uint64_t budget = SERIES_BUDGET;
	struct template_attribute x;
	struct series_pattern p;
	enum series_verdict verdict;
	char serial[SERIES_WINDOW_MAX];
	struct flaw f;
	size_t i = below(COUNT(patterns));
	const char *data = patterns[i].ranges > 1 ? PICK(more_ranges) : PICK(one_range);
	make_rule(&x);
	must(!series_pattern_parse(a, str_of(patterns[i].pattern), &f, &p));
	if (template_check_parts(str_of(data), patterns[i].numeric, patterns[i].ranges, &f)) return;
	struct series_question q = {&p, &x, str_of(data), &budget};
	bool all = all_keep(a, &q);
	must(!series_decide(&q, &verdict, serial));
	bool found = verdict == SERIES_BREAKS &&
		     series_range_has(&p.range, str_n(serial, p.range.from.n)) && !keeps(a, &q, serial);
	/* only where a range or a check digit is filled in twice more texts are tried than there are */
	bool doubtful = verdict == SERIES_BREAKS && !found;
	bool twice = p.check_at || strstr(data, "{1}{1}") || strstr(data, "{2}{1}") ||
		     strstr(data, "y{2}") || strstr(data, "}-{s") || strstr(data, "{1}{2}{1}");
	if ((verdict == SERIES_KEEPS) != all && !doubtful && verdict != SERIES_OPEN)
		fprintf(stderr, "%s, %s, type %d %.*s: %d\n", patterns[i].pattern, data, x.type,
			STR_ARG(x.pattern.n ? x.pattern : x.format), verdict);
	assert_true(!doubtful || twice);
	assert_true(verdict == SERIES_KEEPS ? all : verdict == SERIES_OPEN || doubtful || !all);
	n->kept += verdict == SERIES_KEEPS;
	n->broken += found;
	n->open += verdict == SERIES_OPEN;
	n->doubtful += doubtful;
}

static void decided_as_by_a_look_at_each(void **state)
{
	struct arena *a = arena_new(16 << 20);
	struct counts n = {0};
	(void)state;
	for (size_t i = 0; i < 3000; i++) {
		ask(a, &n);
		arena_reset(a);
	}
	fprintf(stderr, "%zu keep, %zu break, %zu open, %zu doubtful\n", n.kept, n.broken, n.open,
		n.doubtful);
	assert_true(n.kept > 150 && n.broken > 1000 && n.open == 0 && n.doubtful < 100);
	arena_free(a);
}

static const struct {
	const char *pattern, *data;
	struct template_attribute rule;
	enum series_verdict want;
	const char *serial;
} rows[] = {
    {"88.1/{000000000..999999999}", "SN-{serial}", {.pattern = {"SN-[0-9]{9}", 11}}, SERIES_KEEPS, NULL},
    {"88.1/{000000000..999999999}", "{serial}", {.pattern = {".*[^7]", 6}}, SERIES_BREAKS, "000000007"},
    {"88.1/{000000000..899999999}", "{serial}", {.pattern = {"[0-8][0-9]*", 11}}, SERIES_KEEPS, NULL},
    {"88.1/{000000000..900000000}",
     "{serial}",
     {.pattern = {"[0-8][0-9]*", 11}},
     SERIES_BREAKS,
     "900000000"},
    {"88.1/{000000000..999999999}", "{number}", {.pattern = {"0|[1-9][0-9]{0,8}", 17}}, SERIES_KEEPS, NULL},
    {"88.1/{000000000..999999999}",
     "{number}",
     {.pattern = {"0|[1-9][0-9]{0,7}", 17}},
     SERIES_BREAKS,
     "100000000"},
    {"88.1/{1900..2099}{01..12}{01..28}-{0000..9999}",
     "{1}-{2}-{3}",
     {.type = TEMPLATE_DATE},
     SERIES_KEEPS,
     NULL},
    {"88.1/{1900..2099}{01..12}{01..29}-{0000..9999}",
     "{1}-{2}-{3}",
     {.type = TEMPLATE_DATE},
     SERIES_BREAKS,
     "19000229-0000"},
    {"88.1/{19000101..20991231}",
     "{serial}",
     {.type = TEMPLATE_DATE, .format = {"YYYYMMDD", 8}},
     SERIES_BREAKS,
     "19001301"},
    {"88.1/{2023..2025}-{000000..999999}",
     "{1}",
     {.type = TEMPLATE_ENUM, .choices = {choices + 3, 3}},
     SERIES_KEEPS,
     NULL},
    {"88.1/{2023..2026}-{000000..999999}",
     "{1}",
     {.type = TEMPLATE_ENUM, .choices = {choices + 3, 3}},
     SERIES_BREAKS,
     "2026-000000"},
    {"88.1/{000000..999999}", "{id}", {.pattern = {"88\\.1/[0-9]{6}", 14}}, SERIES_KEEPS, NULL},
    {"01/0952123{400000..499999}{check}",
     "{id}",
     {.pattern = {"https://id\\.gs1\\.org/01/[0-9]{14}", 33}},
     SERIES_KEEPS,
     NULL},
    {"88.1/{0000..9999}{AA..ZZ}", "{1}.{2}", {.type = TEMPLATE_NUMBER}, SERIES_BREAKS, "0000AA"},
    {"88.1/{000000..999999}", "{serial}{serial}", {.pattern = {"([0-9]{6})+", 11}}, SERIES_KEEPS, NULL},
    {"88.1/{000000000000000..999999999999999}",
     "{serial}{serial}",
     {.pattern = {"([0-9]*[13579][0-9]{14}|[0-9]*)", 31}},
     SERIES_OPEN,
     NULL}};

/* As many members as nobody could look at. */
static void long_series_are_decided(void **state)
{
	struct arena *a = arena_new(16 << 20);
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t budget = SERIES_BUDGET;
		enum series_verdict verdict;
		struct series_pattern p;
		struct template_attribute x = rows[i].rule;
		char serial[SERIES_WINDOW_MAX];
		struct flaw f;
		if (!x.type) x.type = TEMPLATE_STRING;
		x.decimals = UINT64_MAX;
		must(!series_pattern_parse(a, str_of(rows[i].pattern), &f, &p));
		struct series_question q = {&p, &x, str_of(rows[i].data), &budget};
		must(!series_decide(&q, &verdict, serial));
		if (verdict != rows[i].want)
			fprintf(stderr, "%s, %s: %d, %llu left\n", rows[i].pattern, rows[i].data, verdict,
				(unsigned long long)budget);
		assert_int_equal(verdict, rows[i].want);
		if (rows[i].serial) assert_str(str_n(serial, p.range.from.n), rows[i].serial);
		arena_reset(a);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decided_as_by_a_look_at_each),
	    cmocka_unit_test(long_series_are_decided),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
