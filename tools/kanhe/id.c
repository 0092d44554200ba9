/* kanhe id: what identifiers are, without a node. It knows no scheme: all comes from proto/id. */
#include <unistd.h>

#include "base/buf.h"
#include "base/retell.h"
#include "proto/id/id.h"
#include "tools/kanhe/command.h"

enum {
	LINE_OCTETS_MAX = 64 << 10, /* of standard input; every identifier is shorter */
	SHOWN_COLUMNS = 76,         /* of a refused text; more is cut around the caret */
	SHOWN_BEFORE = 50,
	LABEL_COLUMNS = 22, /* names of parts */
};

struct explaining {
	struct cli *cli;
	enum id_scheme as; /* ID_NONE: as detected */
	bool some_invalid, told;
};

/* ---- JSON ------------------------------------------------------------------------------- */

static json_t *part_json(const struct id_part *p)
{
	if (p->kind == ID_PART_NUMBER) return json_integer((json_int_t)p->number);
	if (p->kind == ID_PART_TEXT) return json_stringn(p->text.p, p->text.n);
	json_t *list = json_array();
	for (size_t i = 0; i < p->list_n; i++)
		json_array_append_new(list, json_stringn(p->list[i].p, p->list[i].n));
	return list;
}

static void print_refused_json(struct arena *a, struct str input, enum id_scheme s, const struct flaw *f)
{
	json_t *o = json_object(), *error = json_object();
	json_put_str(o, "input", input);
	json_put(o, "valid", json_false());
	if (s) json_put_str(o, "scheme", str_of(id_scheme_name(s)));
	json_put_str(error, "rule", str_of(f->rule));
	if (f->offset != FLAW_NO_OFFSET) json_put_u64(error, "offset", f->offset);
	json_put_str(error, "message", retell_flaw(say_language(), a, f));
	json_put(o, "error", error);
	print_json(o);
	json_decref(o);
}

static void print_valid_json(struct str input, const struct id *id, const struct str *boundaries, size_t n,
			     const struct id_parts *parts)
{
	json_t *o = json_object(), *list = json_array();
	json_put_str(o, "input", input);
	json_put(o, "valid", json_true());
	json_put_str(o, "scheme", str_of(id_scheme_name(id->scheme)));
	json_put(o, "canonical", id->text.n ? json_stringn(id->text.p, id->text.n) : json_null());
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_stringn(boundaries[i].p, boundaries[i].n));
	json_put(o, "boundaries", list);
	for (size_t i = 0; i < parts->n; i++) json_put(o, parts->part[i].name, part_json(&parts->part[i]));
	print_json(o);
	json_decref(o);
}

/* ---- for people ------------------------------------------------------------------------- */

static size_t columns_to(struct str s, size_t end)
{
	char room[ID_SHOWN_MAX];
	size_t columns = 0;
	for (size_t i = 0, n; i < end && i < s.n; i += n) {
		n = id_character(str_skip(s, i));
		columns += id_columns(id_shown(str_n(s.p + i, n), room));
	}
	return columns;
}

/* The text, or of a long one what is around the offset, and a caret below. */
static void print_caret(struct str s, size_t offset)
{
	char room[ID_SHOWN_MAX];
	size_t caret = columns_to(s, offset), all = columns_to(s, s.n);
	size_t from = all > SHOWN_COLUMNS && caret > SHOWN_BEFORE ? caret - SHOWN_BEFORE : 0, at = 0,
	       first = 0;
	if (from) fputs("…", stdout);
	for (size_t i = 0, n; i < s.n; i += n) {
		n = id_character(str_skip(s, i));
		struct str c = id_shown(str_n(s.p + i, n), room);
		if (at >= from && at < from + SHOWN_COLUMNS) {
			if (from && !first) first = at;
			fwrite(c.p, 1, c.n, stdout);
		}
		at += id_columns(c);
	}
	if (all > from + SHOWN_COLUMNS) fputs("…", stdout);
	printf("\n%*s^\n", (int)(caret - first + (from > 0)), "");
}

static void print_refused(struct arena *a, struct str input, enum id_scheme s, const struct flaw *f)
{
	if (f->offset != FLAW_NO_OFFSET)
		print_caret(input, f->offset);
	else
		print_caret(input, input.n);
	printf("  ");
	if (s) printf("%s, ", id_scheme_name(s));
	if (f->offset != FLAW_NO_OFFSET) printf(say(SAY_ID_AT), f->rule, f->offset);
	if (f->offset == FLAW_NO_OFFSET) printf("%s", f->rule);
	printf("%s%.*s\n", say(SAY_ID_COLON), STR_ARG(retell_flaw(say_language(), a, f)));
}

static void print_label(const char *name)
{
	size_t columns = id_columns(str_of(name));
	printf("  %s%*s", name, (int)(columns < LABEL_COLUMNS ? LABEL_COLUMNS - columns : 1), "");
}

static void print_list(const char *label, const struct str *list, size_t n)
{
	print_label(label);
	for (size_t i = 0; i < n; i++) {
		if (i) fputs("  ", stdout);
		print_safe(stdout, list[i]);
	}
	putchar('\n');
}

/* A closer name for what the part before it said: of use to programs only. */
static bool says_again(const struct id_part *p, const struct id_part *before)
{
	return p->kind == ID_PART_TEXT && before->kind == ID_PART_TEXT && str_eq(p->text, before->text) &&
	       strncmp(p->name, before->name, strlen(before->name)) == 0;
}

static void print_valid(struct str input, const struct id *id, const struct str *boundaries, size_t n,
			const struct id_parts *parts)
{
	print_safe(stdout, input);
	putchar('\n');
	print_label(say(SAY_ID_SCHEME));
	printf("%s\n", id_scheme_name(id->scheme));
	if (id->text.n) print_list(say(SAY_ID_CANONICAL), &id->text, 1);
	if (n) print_list(say(SAY_ID_BOUNDARIES), boundaries, n);
	for (size_t i = 0; i < parts->n; i++) {
		const struct id_part *p = &parts->part[i];
		if (i && says_again(p, p - 1)) continue;
		if (p->kind == ID_PART_TEXT) print_list(p->name, &p->text, 1);
		if (p->kind == ID_PART_LIST && p->list_n) print_list(p->name, p->list, p->list_n);
		if (p->kind != ID_PART_NUMBER) continue;
		print_label(p->name);
		printf("%llu\n", (unsigned long long)p->number);
	}
}

/* ---- the command ------------------------------------------------------------------------ */

static size_t boundaries_of(struct arena *a, const struct id *id, struct str ret[ID_BOUNDARIES_MAX])
{
	size_t ends[ID_BOUNDARIES_MAX], n = id_boundaries(id, ends), printed = 0;
	for (size_t i = 0; i < n; i++) {
		struct id_prefix p;
		if (!id_prefix_from_key(a, str_first(id->key, ends[i]), NULL, &p)) ret[printed++] = p.text;
	}
	return printed;
}

static void explain(struct explaining *x, struct str input)
{
	struct cli *c = x->cli;
	struct arena_mark mark = arena_mark(c->arena);
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct id_description d;
	struct str boundaries[ID_BOUNDARIES_MAX];
	enum err e = id_describe(x->as, c->arena, input, &f, &d);
	if (x->told && !c->json) putchar('\n');
	x->told = true;
	if (e) {
		x->some_invalid = true;
		(c->json ? print_refused_json : print_refused)(c->arena, input,
							       x->as ? x->as : id_detect(input), &f);
	} else {
		size_t n = d.id.key.n ? boundaries_of(c->arena, &d.id, boundaries) : 0;
		(c->json ? print_valid_json : print_valid)(input, &d.id, boundaries, n, &d.parts);
	}
	arena_rollback(c->arena, mark);
}

/* One identifier a line; the mark that some editors put in front and empty lines are passed over, and of a
 * longer line than any identifier only so much is kept that it is refused. */
static void explain_lines(struct explaining *x, FILE *in)
{
	static const struct str order_mark = {"\xef\xbb\xbf", 3};
	struct buf line = BUF_INIT(LINE_OCTETS_MAX);
	bool first = true;
	for (int c = 0; c != EOF;) {
		buf_clear(&line);
		while ((c = getc(in)) != EOF && c != '\n')
			if (line.n < LINE_OCTETS_MAX) buf_byte(&line, (char)c);
		struct str s = buf_str(&line);
		if (first && str_starts(s, order_mark)) s = str_skip(s, order_mark.n);
		first = false;
		if (str_ends(s, STR("\r"))) s.n--;
		if (s.n) explain(x, s);
	}
	buf_done(&line);
}

static int unknown_scheme(const struct cli *c)
{
	static const char *const names[] = {
#define X(name, octet, text, code, leads) text,
	    ID_SCHEMES(X)
#undef X
	};
	const size_t n = sizeof names / sizeof *names;
	const char *near = suggest(c->as, names, n);
	fprintf(stderr, "kanhe %s: ", c->command->name);
	fprintf(stderr, say(SAY_UNKNOWN_SCHEME), c->as);
	if (near) fprintf(stderr, say(SAY_DID_YOU_MEAN_SCHEME), near);
	fprintf(stderr, "\n%s", say(SAY_ID_SCHEMES));
	for (size_t i = 0; i < n; i++) fprintf(stderr, " %s", names[i]);
	fputc('\n', stderr);
	return CLI_USAGE;
}

int command_id(struct cli *c, int argc, char **argv)
{
	struct explaining x = {.cli = c, .as = ID_NONE};
	struct words words;
	int status = options_read(c, argc, argv, NULL, 0, &words);
	if (status) return status;
	if (c->as && id_scheme_find(str_of(c->as), &x.as)) return unknown_scheme(c);
	if (!words.n && isatty(STDIN_FILENO)) return usage_error(c, SAY_MISSING_WORD, "ID");
	for (size_t i = 0; i < words.n; i++) explain(&x, str_of(words.word[i]));
	if (!words.n) explain_lines(&x, stdin);
	return x.some_invalid ? CLI_FAILED : CLI_OK;
}
