/* The file, line by line. inih reads lines of at most 200 octets and does not tell the handler
 * which line it is in, so the reader given to it counts the lines, hands longer ones over in
 * pieces (as continuations, which inih gives back one by one) and watches for lines that inih
 * passes over in silence. A value is read once it is complete: at the next setting or section. */
#include "base/conf.h"

#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/conf_value.h"

enum {
	FILE_MAX = 1 << 20,      /* a hundred times the longest file that makes sense */
	VALUE_MAX = 64 * 1024,   /* of one value over all its lines */
	MEMORY_MAX = 8 << 20,    /* file, values and lists together */
	NAME_MAX_COMPARED = 100, /* octets of section.key for which a suggestion is sought */
	NEAR_ENOUGH = 3,         /* typing errors a suggestion may differ by */
	HANDED_OVER = 4,         /* octets of inih's line that a piece leaves free: blank, LF, NUL */
	VARIABLE_MAX = 1024,     /* memory for the name of one variable */
	NO_ROW = -1,
	TRIED = -1 /* line of a value that came from elsewhere and was refused */
};

struct loading {
	struct conf *c;
	struct buf *errors;
	bool failed;
	struct str rest;  /* of the file */
	struct str piece; /* of the present line, not handed over yet */
	int line;
	bool awaited;  /* inih has yet to give the present line back */
	bool indented; /* the present line begins with a blank */
	bool in_piece; /* what comes back continues a line */
	bool pending;  /* a setting was begun: */
	ptrdiff_t row; /* of the table, or NO_ROW when the value is to be thrown away */
	int row_line;
	struct buf value;
};

static void complain(struct loading *l, const char *where, const struct conf_row *row, const char *why)
{
	l->failed = true;
	if (where) buf_printf(l->errors, "%s: ", where);
	if (row) buf_printf(l->errors, "%s.%s: ", row->section, row->key);
	buf_printf(l->errors, "%s\n", why);
}

static void complain_line(struct loading *l, int line, const struct conf_row *row, const char *why)
{
	char where[PATH_MAX + 16];
	snprintf(where, sizeof where, "%s:%d", l->c->file, line);
	complain(l, where, row, why);
}

static void set(struct loading *l, ptrdiff_t row, struct str text, struct conf_value origin)
{
	struct conf *c = l->c;
	char why[CONF_WHY];
	struct conf_value v;
	enum err e = conf__value(c, &c->rows[row], text, why, &v);
	c->values[row].line = origin.line ? origin.line : TRIED;
	if (e) {
		if (e == ERR_NO_MEMORY) snprintf(why, sizeof why, "%s", err_text(e));
		if (origin.source == CONF_FILE)
			complain_line(l, origin.line, &c->rows[row], why);
		else
			complain(l, origin.text, &c->rows[row], why);
		return;
	}
	v.source = origin.source;
	v.line = origin.line;
	c->values[row] = v;
}

static void end_setting(struct loading *l)
{
	if (l->pending && l->row != NO_ROW) {
		char why[CONF_WHY];
		if (buf_err(&l->value)) {
			conf__refuse(why, SAY_CONF_TEXT_LENGTH, 0LL, (long long)VALUE_MAX);
			complain_line(l, l->row_line, &l->c->rows[l->row], why);
		} else {
			set(l, l->row, buf_str(&l->value),
			    (struct conf_value){.source = CONF_FILE, .line = l->row_line});
		}
	}
	l->pending = false;
	buf_clear(&l->value);
}

static ptrdiff_t find_row(const struct conf *c, struct str section, struct str key)
{
	for (size_t i = 0; i < c->n; i++)
		if (str_is(section, c->rows[i].section) && str_is(key, c->rows[i].key)) return (ptrdiff_t)i;
	return NO_ROW;
}

/* Levenshtein distance; both at most NAME_MAX_COMPARED long. */
static size_t distance(struct str a, struct str b)
{
	size_t row[NAME_MAX_COMPARED + 1];
	for (size_t j = 0; j <= b.n; j++) row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t change = diagonal + (a.p[i - 1] != b.p[j - 1]);
			size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			diagonal = row[j];
			row[j] = change < least ? change : least;
		}
	}
	return row[b.n];
}

static void complain_unknown(struct loading *l, const char *where, struct str name)
{
	char why[CONF_WHY], near[2 * NAME_MAX_COMPARED] = "", full[2 * NAME_MAX_COMPARED],
				     text[2 * CONF_WHY];
	size_t best = NEAR_ENOUGH + 1;
	name = str_first(name, NAME_MAX_COMPARED);
	for (size_t i = 0; i < l->c->n; i++) {
		snprintf(full, sizeof full, "%s.%s", l->c->rows[i].section, l->c->rows[i].key);
		if (strlen(full) > NAME_MAX_COMPARED) continue;
		size_t d = distance(name, str_of(full));
		if (d >= best || d >= name.n / 2) continue;
		best = d;
		snprintf(near, sizeof near, "%s", full);
	}
	if (*near)
		conf__refuse(why, SAY_CONF_UNKNOWN_NEAR, near);
	else
		conf__refuse(why, SAY_CONF_UNKNOWN);
	snprintf(text, sizeof text, "%.*s: %s", STR_ARG(name), why);
	complain(l, where, NULL, text);
}

static void begin_setting(struct loading *l, const char *section, const char *key, const char *value)
{
	char where[PATH_MAX + 16], name[128], why[CONF_WHY];
	end_setting(l);
	l->pending = true;
	l->row_line = l->line;
	l->row = find_row(l->c, str_of(section), str_of(key));
	if (l->row == NO_ROW) {
		snprintf(where, sizeof where, "%s:%d", l->c->file, l->line);
		snprintf(name, sizeof name, "%s.%s", section, key);
		complain_unknown(l, where, str_of(name));
		return;
	}
	int before = l->c->values[l->row].line;
	if (before) {
		conf__refuse(why, SAY_CONF_TWICE, before);
		complain_line(l, l->line, &l->c->rows[l->row], why);
		l->row = NO_ROW;
		return;
	}
	buf_add(&l->value, str_of(value));
}

static int on_pair(void *arg, const char *section, const char *key, const char *value)
{
	struct loading *l = arg;
	l->awaited = false;
	if (l->in_piece) {
		buf_add(&l->value, str_of(value));
	} else if (!l->indented || !l->pending) {
		begin_setting(l, section, key, value);
	} else if (l->row != NO_ROW && l->c->rows[l->row].kind != CONF_LIST) {
		complain_line(l, l->line, &l->c->rows[l->row], say(SAY_CONF_CONTINUED));
	} else {
		buf_byte(&l->value, ' ');
		buf_add(&l->value, str_of(value));
	}
	return 1;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool complain_syntax(struct loading *l, enum say name)
{
	char why[CONF_WHY];
	conf__refuse(why, name, (int)INI_MAX_LINE);
	complain_line(l, l->line, NULL, why);
	return false;
}

/* Prepares the next line of the file as a piece; false when there is nothing in it for inih. */
static bool take_line(struct loading *l, struct str line)
{
	struct str text = str_trim(line);
	l->awaited = false;
	l->in_piece = false;
	l->indented = line.n && blank(line.p[0]);
	if (!text.n || text.p[0] == ';' || text.p[0] == '#') return false;
	if (memchr(line.p, 0, line.n)) return complain_syntax(l, SAY_CONF_NUL);
	if (text.p[0] == '[') {
		end_setting(l);
		if (text.n > INI_MAX_LINE - HANDED_OVER) return complain_syntax(l, SAY_CONF_LINE_LONG);
		if (str_find(text, ']') == text.n) return complain_syntax(l, SAY_CONF_SYNTAX);
		l->piece = text;
		return true;
	}
	for (size_t i = 1; i < line.n; i++)
		if (line.p[i] == ';' && blank(line.p[i - 1])) line = str_first(line, i);
	l->piece = line;
	l->awaited = true;
	return true;
}

/* Where a line may be cut so that both parts come back from inih as they are. */
static size_t cut_of(const struct loading *l, size_t room)
{
	struct str s = l->piece;
	if (s.n <= room) return s.n;
	size_t equals = l->in_piece || (l->indented && l->pending) ? 0 : str_find(s, '=');
	for (size_t i = room; i > equals + 1; i--)
		if (!blank(s.p[i - 1]) && !blank(s.p[i]) && !strchr(";#", s.p[i])) return i;
	return 0;
}

/* inih's reader, in the manner of fgets. */
static char *next_piece(char *to, int room, void *arg)
{
	struct loading *l = arg;
	struct str line;
	size_t n = 0, at = 0;
	if (l->awaited) complain_syntax(l, SAY_CONF_SYNTAX);
	l->awaited = false;
	if (l->piece.n) {
		l->in_piece = true;
		to[at++] = ' ';
	} else {
		if (!str_split(&l->rest, '\n', &line)) return NULL;
		l->line++;
		if (str_ends(line, STR("\r"))) line.n--;
		if (!take_line(l, line)) l->piece.n = 0;
	}
	if (l->piece.n && !(n = cut_of(l, (size_t)room - HANDED_OVER))) {
		complain_syntax(l, SAY_CONF_LINE_LONG);
		l->awaited = false;
		l->piece.n = 0;
	}
	if (n) memcpy(to + at, l->piece.p, n);
	l->piece = str_skip(l->piece, n);
	to[at + n] = '\n';
	to[at + n + 1] = 0;
	return to;
}

static enum err read_file(struct conf *c, struct str *ret)
{
	FILE *f = fopen(c->file, "rb");
	if (!f) return err_errno(errno);
	char *p = arena_bytes(c->arena, FILE_MAX + 1);
	size_t n = p ? fread(p, 1, FILE_MAX + 1, f) : 0;
	bool bad = ferror(f);
	fclose(f);
	if (!p) return ERR_NO_MEMORY;
	if (bad) return ERR_IO;
	if (n > FILE_MAX) return ERR_TOO_LARGE;
	*ret = str_n(p, n);
	if (str_starts(*ret, STR("\xef\xbb\xbf"))) *ret = str_skip(*ret, 3);
	return ERR_OK;
}

static enum err load_file(struct loading *l)
{
	char why[CONF_WHY];
	enum err e = read_file(l->c, &l->rest);
	if (e) {
		conf__refuse(why,
			     e == ERR_NOT_FOUND   ? SAY_CONF_NO_FILE
			     : e == ERR_TOO_LARGE ? SAY_CONF_FILE_LARGE
						  : SAY_CONF_UNREADABLE,
			     (int)FILE_MAX);
		complain(l, l->c->file, NULL, why);
		return e == ERR_TOO_LARGE ? ERR_BAD_CONF : e;
	}
	buf_init(&l->value, VALUE_MAX);
	ini_parse_stream(next_piece, l, on_pair, l);
	end_setting(l);
	buf_done(&l->value);
	return ERR_OK;
}

static void load_environment(struct loading *l)
{
	for (size_t i = 0; i < l->c->n; i++) {
		const char *name = conf__variable(l->c->arena, &l->c->rows[i]);
		const char *value = name ? getenv(name) : NULL;
		if (!value) continue;
		set(l, (ptrdiff_t)i, str_of(value),
		    (struct conf_value){.source = CONF_ENVIRONMENT, .text = name});
	}
}

static void load_arguments(struct loading *l, const char *const *sets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str s = str_of(sets[i]);
		size_t equals = str_find(s, '=');
		struct str name = str_trim(str_first(s, equals));
		size_t dot = str_rfind(name, '.');
		if (equals == s.n || dot == name.n) {
			complain(l, "--set", NULL, say(SAY_CONF_NOT_SET_FORM));
			continue;
		}
		ptrdiff_t row = find_row(l->c, str_first(name, dot), str_skip(name, dot + 1));
		if (row == NO_ROW)
			complain_unknown(l, "--set", name);
		else
			set(l, row, str_skip(s, equals + 1),
			    (struct conf_value){.source = CONF_ARGUMENT, .text = "--set"});
	}
}

/* Defaults come first; a default its own table refuses is a programming error. */
static enum err load_standards(struct conf *c)
{
	char why[CONF_WHY];
	for (size_t i = 0; i < c->n; i++) {
		if (!c->rows[i].standard) continue;
		enum err e = conf__value(c, &c->rows[i], str_of(c->rows[i].standard), why, &c->values[i]);
		must(e != ERR_BAD_CONF);
		if (e) return e;
	}
	return ERR_OK;
}

static void check_required(struct loading *l)
{
	for (size_t i = 0; i < l->c->n; i++)
		if (!l->c->values[i].text && !l->c->values[i].line)
			complain(l, l->c->file, &l->c->rows[i], say(SAY_CONF_UNSET));
}

static const char *folder_of(struct arena *a, const char *file)
{
	char folder[PATH_MAX];
	size_t slash = file ? str_rfind(str_of(file), '/') : 0;
	const char *named = !file || slash == strlen(file) ? "."
			    : slash == 0                   ? "/"
					 : arena_strdup(a, str_first(str_of(file), slash));
	if (!named || !realpath(named, folder)) return NULL;
	return arena_strdup(a, str_of(folder));
}

enum err conf_load(const struct conf_row *rows, size_t n, const char *path, const char *const *sets,
		   size_t sets_n, struct buf *errors, struct conf **ret)
{
	struct arena *a = arena_new(MEMORY_MAX);
	if (!a) return ERR_NO_MEMORY;
	struct conf *c = ARENA_NEW(a, struct conf);
	*c =
	    (struct conf){.arena = a, .rows = rows, .n = n, .values = ARENA_ARRAY(a, struct conf_value, n)};
	struct loading l = {.c = c, .errors = errors};
	if (path) c->file = arena_strdup(a, str_of(path));
	c->folder = folder_of(a, path);
	if (!c->folder) {
		complain(&l, path, NULL, say(SAY_CONF_NO_FILE));
		arena_free(a);
		return ERR_NOT_FOUND;
	}
	enum err e = load_standards(c);
	if (!e && path) e = load_file(&l);
	if (!e) {
		load_environment(&l);
		load_arguments(&l, sets, sets_n);
		check_required(&l);
	}
	if (!e && l.failed) e = ERR_BAD_CONF;
	if (!e && arena_overflowed(a)) e = ERR_NO_MEMORY;
	if (e) {
		arena_free(a);
		return e;
	}
	*ret = c;
	return ERR_OK;
}

void conf_free(struct conf *c)
{
	if (c) arena_free(c->arena);
}

static const struct conf_value *get(const struct conf *c, const char *section, const char *key,
				    unsigned kinds)
{
	ptrdiff_t row = find_row(c, str_of(section), str_of(key));
	must(row != NO_ROW);
	must(kinds & 1U << c->rows[row].kind);
	return &c->values[row];
}

const char *conf_text(const struct conf *c, const char *section, const char *key)
{
	return get(c, section, key,
		   1U << CONF_TEXT | 1U << CONF_PATH | 1U << CONF_LISTEN | 1U << CONF_CHOICE)
	    ->text;
}

int64_t conf_number(const struct conf *c, const char *section, const char *key)
{
	return get(c, section, key, 1U << CONF_NUMBER | 1U << CONF_SIZE | 1U << CONF_DURATION)->number;
}

bool conf_switch(const struct conf *c, const char *section, const char *key)
{
	return get(c, section, key, 1U << CONF_SWITCH)->number != 0;
}

size_t conf_list(const struct conf *c, const char *section, const char *key, const char *const **ret)
{
	const struct conf_value *v = get(c, section, key, 1U << CONF_LIST);
	*ret = v->list;
	return v->list_n;
}

void conf_place(const struct conf *c, struct str setting, char *to, size_t room)
{
	size_t dot = str_rfind(setting, '.');
	ptrdiff_t row =
	    dot < setting.n ? find_row(c, str_first(setting, dot), str_skip(setting, dot + 1)) : NO_ROW;
	const char *file = c->file ? c->file : "";
	enum conf_source from = row == NO_ROW ? CONF_STANDARD : c->values[row].source;
	snprintf(to, room, "%s", from == CONF_ARGUMENT ? "--set" : file);
	if (from == CONF_FILE) snprintf(to, room, "%s:%d", file, c->values[row].line);
	if (from != CONF_ENVIRONMENT) return;
	struct arena *a = arena_new(VARIABLE_MAX);
	const char *name = a ? conf__variable(a, &c->rows[row]) : NULL;
	if (name) snprintf(to, room, "%s", name);
	arena_free(a);
}

enum conf_source conf_where(const struct conf *c, const char *section, const char *key)
{
	return get(c, section, key, ~0U)->source;
}
