#include "base/retell.h"

#include "base/buf.h"
#include "base/err.h"

enum {
	ARGS = 8,             /* conversions of a row */
	DEPTH = 3,            /* sentences inside sentences */
	FLAW_ROOM = 16 << 10, /* octets for telling one flaw */
	/* Places tried for the conversions of one row: a text made to be slow is not told again. */
	STEPS = 4000
};

struct fit {
	struct str arg[ARGS];
	size_t args, literal; /* octets of the sentence that the row itself says */
	int steps;
};

static bool is_conversion(const char *p)
{
	return p[0] == '%' && p[1] != '%';
}

/* Behind a conversion: flags, width, precision and length go before its letter. */
static const char *behind(const char *p)
{
	while (*p && !strchr("diuxcsp", *p)) p++;
	return *p ? p + 1 : p;
}

static bool fits(const char *row, struct str text, struct fit *f)
{
	size_t literal = 0;

	for (; *row && !is_conversion(row); row++, literal++) {
		if (row[0] == '%') row++;
		if (!text.n || *text.p != *row) return false;
		text = str_skip(text, 1);
	}
	f->literal += literal;
	if (!*row && !text.n) return true;
	if (*row && f->args < ARGS) {
		size_t at = f->args++;

		row = behind(row);
		/* the last one takes all there is */
		for (size_t n = *row ? 0 : text.n; n <= text.n && ++f->steps < STEPS; n++) {
			f->arg[at] = str_first(text, n);
			if (fits(row, str_skip(text, n), f)) return true;
		}
		f->args = at;
	}
	f->literal -= literal;
	return false;
}

struct telling {
	enum say_language l;
	struct arena *a;
	bool flaws_only; /* what rules say of identifiers goes before sentences that fit anything */
};

static bool is_told(const struct telling *t, enum say name)
{
	struct str row = str_of(say_name(name));

	if (str_starts(row, STR("FLAW_"))) return true;
	return !t->flaws_only && (str_starts(row, STR("SAID_")) || str_starts(row, STR("POL_")));
}

static struct str tell(const struct telling *t, struct str text, int depth);

static struct str fill(const struct telling *t, const char *row, const struct fit *f, int depth)
{
	struct buf b = BUF_INIT(4 * RETELL_MAX);
	struct str out;
	size_t at = 0;

	while (*row) {
		if (is_conversion(row)) {
			if (at < f->args) buf_add(&b, tell(t, f->arg[at++], depth + 1));
			row = behind(row);
			continue;
		}
		if (row[0] == '%') row++;
		buf_byte(&b, *row++);
	}
	out = buf_err(&b) ? STR_NONE : arena_dup(t->a, buf_str(&b));
	buf_done(&b);
	return out;
}

/* "offer.target: …": the member stays; "the other node did not answer in time: …": both are told again. */
static struct str tell_behind_member(const struct telling *t, struct str text, int depth)
{
	size_t colon = str_find(text, ':');
	struct str head = str_first(text, colon), rest, first, told;

	if (colon + 2 >= text.n || text.p[colon + 1] != ' ') return text;
	rest = str_skip(text, colon + 2);
	first = tell(t, head, depth + 1);
	told = tell(t, rest, depth + 1);
	if (first.p == head.p && (told.p == rest.p || str_find(head, ' ') < head.n)) return text;
	told = arena_printf(t->a, "%.*s：%.*s", STR_ARG(first), STR_ARG(told));
	return told.p ? told : text;
}

static struct str tell(const struct telling *t, struct str text, int depth)
{
	struct fit best = {.literal = 0}, f;
	int found = -1;
	struct str told;

	if (!text.n || text.n > RETELL_MAX || depth > DEPTH) return text;
	for (int e = 0; e < ERR_COUNT; e++)
		if (str_is(text, err_text((enum err)e))) return str_of(err_text_zh((enum err)e));
	for (int i = 0; i < SAY_COUNT; i++) {
		f = (struct fit){.args = 0};
		if (!is_told(t, (enum say)i) || !fits(say_in(SAY_EN, (enum say)i), text, &f)) continue;
		if (f.literal <= best.literal) continue;
		best = f;
		found = i;
	}
	if (found < 0) return tell_behind_member(t, text, depth);
	told = fill(t, say_in(t->l, (enum say)found), &best, depth);
	return told.p ? told : text;
}

struct str retell(enum say_language l, struct arena *a, struct str text)
{
	return l == SAY_EN ? text : tell(&(struct telling){.l = l, .a = a}, text, 0);
}

const char *say_flaw(enum say_language l, const struct flaw *f, char room[SAY_FLAW_MAX])
{
	struct str text = str_of(f->text), told = text;
	struct arena *a = l == SAY_EN ? NULL : arena_new(FLAW_ROOM);
	const char *out = f->text, *of_rule;

	if (a) told = tell(&(struct telling){.l = l, .a = a, .flaws_only = f->err == ERR_BAD_ID}, text, 0);
	if (told.p != text.p) {
		snprintf(room, SAY_FLAW_MAX, "%.*s", STR_ARG(str_cut(told, SAY_FLAW_MAX - 1)));
		out = room;
	} else if (l != SAY_EN && f->err == ERR_BAD_ID && (of_rule = say_rule(l, f->rule))) {
		out = of_rule;
	}
	arena_free(a);
	return out;
}
