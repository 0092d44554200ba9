#include "base/retell.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/retell_row.h"

enum {
	DEPTH = 3, /* sentences inside sentences */
	ANY_ROW = ROW_ERROR | ROW_SAID | ROW_OF_ID
};

/* One sentence being told, with all that stands inside it. */
struct teller {
	enum say_language language;
	struct arena *arena;
	int *steps;
};

static struct str tell(const struct teller *t, struct str text, int depth);

static struct str fill(const struct teller *t, const struct row_fit *f, int depth)
{
	struct buf b = BUF_INIT(4 * RETELL_MAX);
	const char *row = f->text[t->language];
	struct str out;
	size_t at = 0;

	while (*row) {
		if (!row_is_conversion(row)) {
			buf_byte(&b, *row++);
			continue;
		}
		if (at < f->arguments) buf_add(&b, tell(t, f->argument[at++], depth + 1));
		row = row_behind(row);
	}
	out = buf_err(&b) ? STR_NONE : arena_dup(t->arena, buf_str(&b));
	buf_done(&b);
	return out;
}

/* Where ": " stands first: an identifier before it may hold colons. */
static size_t colon_of(struct str text)
{
	const char *p = memmem(text.p, text.n, ": ", 2);

	return p ? (size_t)(p - text.p) : text.n;
}

/* "offer.target: …": the member stays; "the other node did not answer in time: …": both are told again. */
static struct str tell_behind_member(const struct teller *t, struct str text, int depth)
{
	size_t colon = colon_of(text);
	struct str head = str_first(text, colon), rest, first, told;

	if (colon + 2 >= text.n) return text;
	rest = str_skip(text, colon + 2);
	first = tell(t, head, depth + 1);
	told = tell(t, rest, depth + 1);
	if (first.p == head.p && (told.p == rest.p || str_find(head, ' ') < head.n)) return text;
	told = arena_printf(t->arena, "%.*s：%.*s", STR_ARG(first), STR_ARG(told));
	return told.p ? told : text;
}

static struct str tell(const struct teller *t, struct str text, int depth)
{
	struct row_fit f;
	struct str told;

	if (!text.n || text.n > RETELL_MAX || depth > DEPTH) return text;
	if (!row_find(ANY_ROW, text, t->steps, &f)) return tell_behind_member(t, text, depth);
	told = fill(t, &f, depth);
	return told.p ? told : text;
}

struct str retell_within(enum say_language l, struct arena *a, struct str text, int *steps)
{
	struct teller t = {.language = l, .arena = a, .steps = steps};
	struct str told = l == SAY_EN ? text : tell(&t, text, 0);

	return *steps ? told : text;
}

struct str retell(enum say_language l, struct arena *a, struct str text)
{
	int steps = RETELL_STEPS;

	return retell_within(l, a, text, &steps);
}

static bool is_of_ids(struct str text)
{
	int steps = RETELL_STEPS;
	struct row_fit fit;

	return text.n <= RETELL_MAX && row_find(ROW_OF_ID, text, &steps, &fit);
}

struct str retell_flaw(enum say_language l, struct arena *a, const struct flaw *f)
{
	struct str text = str_of(f->text);
	bool by_rule = f->err == ERR_BAD_ID && l != SAY_EN && !is_of_ids(text);
	const char *of_rule = by_rule ? say_rule(l, f->rule) : NULL;

	return of_rule ? str_of(of_rule) : retell(l, a, text);
}
