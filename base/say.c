#include "base/say.h"

#include <pthread.h>
#include <stdlib.h>

static const char *const texts[][2] = {
#define SAY(name, en, zh) [SAY_##name] = {en, zh},
#include "base/say.def"
#undef SAY
};

static const char *const names_of_rows[] = {
#define SAY(name, en, zh) [SAY_##name] = #name,
#include "base/say.def"
#undef SAY
};

static enum say_language spoken = SAY_EN;

void say_setup(void)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
	spoken = SAY_EN;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *v = getenv(names[i]);
		if (!v || !*v) continue;
		if (str_starts_nocase(str_of(v), STR("zh"))) spoken = SAY_ZH;
		return;
	}
}

void say_set_language(enum say_language l)
{
	spoken = l;
}

enum say_language say_language(void)
{
	return spoken;
}

/* weight = 0*1 digit, up to three decimals (RFC 9110 12.4.2), in thousandths; -1 when malformed. */
static int weight(struct str s)
{
	s = str_trim(s);
	if (!str_starts_nocase(s, STR("q="))) return -1;
	s = str_skip(s, 2);
	if (!s.n || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') || (s.n > 1 && s.p[1] != '.')) return -1;
	int v = (s.p[0] - '0') * 1000, unit = 100;
	for (size_t i = 2; i < s.n; i++, unit /= 10) {
		if (s.p[i] < '0' || s.p[i] > '9') return -1;
		v += (s.p[i] - '0') * unit;
	}
	return v <= 1000 ? v : -1;
}

/* Does the language range name this language, with or without subtags? */
static bool ranges(struct str range, struct str language)
{
	return str_starts_nocase(range, language) && (range.n == language.n || range.p[language.n] == '-');
}

enum say_language say_accepted(struct str header)
{
	enum { EN, ZH, ANY, KINDS };
	int best[KINDS] = {-1, -1, -1}, place[KINDS] = {0};
	struct str item;
	for (int i = 0; str_split(&header, ',', &item); i++) {
		size_t semi = str_find(item, ';');
		struct str range = str_trim(str_first(item, semi));
		int q = semi < item.n ? weight(str_skip(item, semi + 1)) : 1000;
		int kind = ranges(range, STR("en"))   ? EN
			   : ranges(range, STR("zh")) ? ZH
			   : str_is(range, "*")       ? ANY
						      : KINDS;
		if (q < 0 || kind == KINDS || q <= best[kind]) continue;
		best[kind] = q;
		place[kind] = i;
	}
	for (int k = EN; k <= ZH; k++)
		if (best[k] < 0) {
			best[k] = best[ANY];
			place[k] = place[ANY];
		}
	bool chinese =
	    best[ZH] > 0 && (best[ZH] > best[EN] || (best[ZH] == best[EN] && place[ZH] < place[EN]));
	return chinese ? SAY_ZH : SAY_EN;
}

const char *say(enum say name)
{
	return say_in(spoken, name);
}

const char *say_in(enum say_language l, enum say name)
{
	must((size_t)name < SAY_COUNT);
	return texts[name][l == SAY_ZH];
}

const char *say_name(enum say name)
{
	must((size_t)name < SAY_COUNT);
	return names_of_rows[name];
}

static const struct str rule_group = {"RULE_", 5};
static const char *rule_name[SAY_COUNT]; /* of the rows RULE_…, behind the group, sorted */
static enum say rule_row[SAY_COUNT];
static int rules;

/* Of a row's name and a rule's: BAD_KEY, bad-key. */
static int rule_order(const char *row, const char *rule)
{
	for (;; row++, rule++) {
		char c = *rule == '-' ? '_' : *rule;
		if (c >= 'a' && c <= 'z') c = (char)(c - 32);
		if (*row != c || !c) return (unsigned char)*row - (unsigned char)c;
	}
}

static void sort_rules(void)
{
	for (int i = 0; i < SAY_COUNT; i++) {
		const char *name = names_of_rows[i];
		int at = rules;
		if (!str_starts(str_of(name), rule_group)) continue;
		name += rule_group.n;
		for (rules++; at && strcmp(rule_name[at - 1], name) > 0; at--) {
			rule_name[at] = rule_name[at - 1];
			rule_row[at] = rule_row[at - 1];
		}
		rule_name[at] = name;
		rule_row[at] = (enum say)i;
	}
}

const char *say_rule(enum say_language l, const char *rule)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int low = 0, high;

	pthread_once(&once, sort_rules);
	high = rules;
	while (low < high) {
		int middle = (low + high) / 2, order = rule_order(rule_name[middle], rule);
		if (!order) return say_in(l, rule_row[middle]);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
