#include "base/retell.h"

#include "base/buf.h"
#include "base/err.h"

enum {
	ARGS = 8,    /* conversions of a row */
	DEPTH = 3,   /* sentences inside sentences */
	STEPS = 4000 /* octets compared for one sentence and row: a text that was made to be slow is not
			told again */
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
		if (!text.n || *text.p != *row || ++f->steps > STEPS) return false;
		text = str_skip(text, 1);
	}
	f->literal += literal;
	if (!*row && !text.n) return true;
	if (*row && f->args < ARGS) {
		size_t at = f->args++;

		row = behind(row);
		/* the last one takes all there is */
		for (size_t n = *row ? 0 : text.n; n <= text.n; n++) {
			f->arg[at] = str_first(text, n);
			if (fits(row, str_skip(text, n), f)) return true;
		}
		f->args = at;
	}
	f->literal -= literal;
	return false;
}

enum rows { ALL_ROWS, ROWS_OF_IDS };

static bool is_among(enum say name, enum rows rows)
{
	struct str row = str_of(say_name(name));

	if (str_starts(row, STR("FLAW_"))) return true;
	return rows == ALL_ROWS && (str_starts(row, STR("SAID_")) || str_starts(row, STR("POL_")));
}

/* The row that says most of the text; -1: none fits. */
static int best_row(struct str text, enum rows rows, struct fit *best)
{
	int found = -1;

	best->literal = 0;
	for (int i = 0; i < SAY_COUNT; i++) {
		struct fit f = {.args = 0};
		if (!is_among((enum say)i, rows) || !fits(say_in(SAY_EN, (enum say)i), text, &f)) continue;
		if (f.literal <= best->literal) continue;
		*best = f;
		found = i;
	}
	return found;
}

static struct str tell(enum say_language l, struct arena *a, struct str text, int depth);

static struct str fill(enum say_language l, struct arena *a, const char *row, const struct fit *f,
		       int depth)
{
	struct buf b = BUF_INIT(4 * RETELL_MAX);
	struct str out;
	size_t at = 0;

	while (*row) {
		if (is_conversion(row)) {
			if (at < f->args) buf_add(&b, tell(l, a, f->arg[at++], depth + 1));
			row = behind(row);
			continue;
		}
		if (row[0] == '%') row++;
		buf_byte(&b, *row++);
	}
	out = buf_err(&b) ? STR_NONE : arena_dup(a, buf_str(&b));
	buf_done(&b);
	return out;
}

/* "offer.target: …": the member stays; "the other node did not answer in time: …": both are told again. */
static struct str tell_behind_member(enum say_language l, struct arena *a, struct str text, int depth)
{
	size_t colon = str_find(text, ':');
	struct str head = str_first(text, colon), rest, first, told;

	if (colon + 2 >= text.n || text.p[colon + 1] != ' ') return text;
	rest = str_skip(text, colon + 2);
	first = tell(l, a, head, depth + 1);
	told = tell(l, a, rest, depth + 1);
	if (first.p == head.p && (told.p == rest.p || str_find(head, ' ') < head.n)) return text;
	told = arena_printf(a, "%.*s：%.*s", STR_ARG(first), STR_ARG(told));
	return told.p ? told : text;
}

static struct str tell(enum say_language l, struct arena *a, struct str text, int depth)
{
	struct fit f;
	struct str told;

	if (!text.n || text.n > RETELL_MAX || depth > DEPTH) return text;
	for (int e = 0; e < ERR_COUNT; e++)
		if (str_is(text, err_text((enum err)e))) return str_of(err_text_zh((enum err)e));
	int row = best_row(text, ALL_ROWS, &f);
	if (row < 0) return tell_behind_member(l, a, text, depth);
	told = fill(l, a, say_in(l, (enum say)row), &f, depth);
	return told.p ? told : text;
}

struct str retell(enum say_language l, struct arena *a, struct str text)
{
	return l == SAY_EN ? text : tell(l, a, text, 0);
}

struct str retell_flaw(enum say_language l, struct arena *a, const struct flaw *f)
{
	struct fit fit;
	struct str text = str_of(f->text);
	const char *of_rule = f->err == ERR_BAD_ID && l != SAY_EN ? say_rule(l, f->rule) : NULL;

	return of_rule && best_row(text, ROWS_OF_IDS, &fit) < 0 ? str_of(of_rule) : retell(l, a, text);
}
