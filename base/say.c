#include "base/say.h"

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

static bool is_row_of(const char *row, const char *rule)
{
	for (; *row && *rule; row++, rule++) {
		char c = *rule == '-' ? '_' : *rule;
		if (c >= 'a' && c <= 'z') c = (char)(c - 32);
		if (*row != c) return false;
	}
	return !*row && !*rule;
}

const char *say_rule(enum say_language l, const char *rule)
{
	static const struct str group = {"RULE_", 5};
	for (int i = 0; i < SAY_COUNT; i++)
		if (str_starts(str_of(names_of_rows[i]), group) &&
		    is_row_of(names_of_rows[i] + group.n, rule))
			return say_in(l, (enum say)i);
	return NULL;
}

enum { NAMED_MAX = 3 /* things that a sentence of the catalogue names */ };

/* Is the text the pattern with something in the place of each %s? */
static bool fits(struct str pattern, struct str text, struct str named[NAMED_MAX])
{
	const struct str hole = STR("%s");
	for (size_t n = 0;; n++) {
		size_t words = 0;
		while (words < pattern.n && !str_starts(str_skip(pattern, words), hole)) words++;
		bool last = words == pattern.n;
		size_t at = 0;
		while (at <= text.n && !str_starts(str_skip(text, at), str_first(pattern, words))) at++;
		if (n && last && str_ends(text, pattern)) at = text.n - words;
		if (at > text.n || (!n && at) || (last && at + words != text.n)) return false;
		if (n) named[n - 1] = str_first(text, at);
		if (last) return true;
		must(n < NAMED_MAX);
		text = str_skip(text, at + words);
		pattern = str_skip(pattern, words + hole.n);
	}
}

static const char *fill(struct str pattern, const struct str named[NAMED_MAX], char room[SAY_FLAW_MAX])
{
	size_t n = 0;
	for (size_t i = 0; pattern.n;) {
		bool hole = str_starts(pattern, STR("%s"));
		struct str s = hole ? named[i++] : str_first(pattern, 1);
		pattern = str_skip(pattern, hole ? 2 : 1);
		must(n + s.n < SAY_FLAW_MAX);
		if (s.n) memcpy(room + n, s.p, s.n);
		n += s.n;
	}
	room[n] = 0;
	return room;
}

const char *say_flaw(enum say_language l, const struct flaw *f, char room[SAY_FLAW_MAX])
{
	static const struct str group = {"FLAW_", 5};
	struct str named[NAMED_MAX];
	if (l == SAY_EN) return f->text;
	for (int i = 0; i < SAY_COUNT; i++)
		if (str_starts(str_of(names_of_rows[i]), group) &&
		    fits(str_of(say_in(SAY_EN, (enum say)i)), str_of(f->text), named))
			return fill(str_of(say_in(l, (enum say)i)), named, room);
	const char *of_rule = f->err == ERR_BAD_ID ? say_rule(l, f->rule) : NULL;
	return of_rule ? of_rule : f->text;
}
