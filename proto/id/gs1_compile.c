/* Compiles the GS1 Barcode Syntax Dictionary and the code lists into C (gs1_ai.h); run by the build:
 *   gs1-compile DICTIONARY CODE-LISTS OUTPUT.c
 * Stops with file and line at whatever it does not understand. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/id/gs1_ai.h"
#include "proto/id/gs1_lint.h"

enum {
	ROWS_MAX = 2000,
	LINES_MAX = 1000,
	PARTS_MAX = 8,
	WORDS_MAX = 40, /* of a line */
	LINE_MAX = 1024,
	CODES_MAX = 1000,
	RULE_MAX = 200, /* octets of all req= or ex= of a line */
};

struct line {
	char first[5], last[5], title[64], flags[8], needs[RULE_MAX], excludes[RULE_MAX], chains[64];
	int number, digits;
	bool key;
	struct gs1_part parts[PARTS_MAX];
	size_t parts_n;
};

struct row {
	char ai[5];
	size_t line;
};

static struct line lines[LINES_MAX];
static struct row rows[ROWS_MAX];
static size_t lines_n, rows_n;
static char release[32] = "unknown";
static const char *file = "";
static int number; /* of the line being read or written about */
static FILE *out;

static _Noreturn void stop(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fprintf(stderr, "%s:%d: ", file, number);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static void copy(char *to, size_t room, const char *from, size_t n)
{
	if (n >= room) stop("too long: %.*s", (int)n, from);
	memcpy(to, from, n);
	to[n] = 0;
}

/* Several req= of one line are several conditions. */
static void rule_add(char *to, const char *rule)
{
	size_t n = strlen(to);
	if (n) to[n++] = ';';
	copy(to + n, RULE_MAX - n, rule, strlen(rule));
}

static unsigned char lint_of(const char *name)
{
#define X(lint, rule, text)                                                                                \
	if (!strcmp(name, #lint)) return GS1_LINT_##lint;
	GS1_LINTS(X)
#undef X
	stop("the linter %s is not in GS1_LINTS", name);
}

static unsigned set_of(char c)
{
	return c == 'N' ? GS1_N : c == 'X' ? GS1_X : c == 'Y' ? GS1_Y : c == 'Z' ? GS1_Z : 0;
}

/* "N13,csum,gcppos1", "[X..17]", "[N6],yymmdd" */
static void part_read(struct line *l, char *word)
{
	if (l->parts_n == PARTS_MAX) stop("more than %d components", PARTS_MAX);
	struct gs1_part *p = &l->parts[l->parts_n++];
	p->optional = *word == '[';
	char *s = word + p->optional, *end;
	p->set = (unsigned char)set_of(*s++);
	bool variable = !strncmp(s, "..", 2);
	unsigned long n = strtoul(s + (variable ? 2 : 0), &end, 10);
	if (!n || n > GS1_VALUE_MAX) stop("component %s: length", word);
	p->max = (unsigned char)n;
	p->min = variable ? 1 : p->max;
	if (p->optional && *end++ != ']') stop("component %s: bracket", word);
	size_t lints = 0;
	for (char *lint = strtok_r(end, ",", &end); lint; lint = strtok_r(NULL, ",", &end)) {
		if (lints == GS1_PART_LINTS_MAX) stop("too many linters: %s", lint);
		p->lints[lints++] = lint_of(lint);
	}
}

static void word_read(struct line *l, char *word)
{
	bool bracket = *word == '[';
	if (set_of(word[bracket]) && !strchr(word, '='))
		part_read(l, word);
	else if (!strncmp(word, "req=", 4))
		rule_add(l->needs, word + 4);
	else if (!strncmp(word, "ex=", 3))
		rule_add(l->excludes, word + 3);
	else if (!strncmp(word, "dlpkey", 6) && (!word[6] || word[6] == '=')) {
		l->key = true;
		if (word[6]) copy(l->chains, sizeof l->chains, word + 7, strlen(word + 7));
	} else if (strspn(word, "*?") == strlen(word))
		copy(l->flags, sizeof l->flags, word, strlen(word));
	else
		stop("not understood: %s", word);
}

static void line_read(char *text)
{
	char *title = strchr(text, '#'), *rest = NULL;
	if (lines_n == LINES_MAX) stop("too many lines");
	struct line *l = &lines[lines_n];
	l->number = number;
	if (title) {
		*title++ = 0;
		title += strspn(title, " ");
		copy(l->title, sizeof l->title, title, strcspn(title, "\r\n"));
		if (strpbrk(l->title, "\"\\")) stop("title: %s", l->title);
	}
	char *ais = strtok_r(text, " \t\r\n", &rest);
	if (!ais) return;
	size_t n = strspn(ais, "0123456789");
	if (n < 2 || n > 4) stop("AI %s", ais);
	copy(l->first, sizeof l->first, ais, n);
	copy(l->last, sizeof l->last, ais[n] == '-' ? ais + n + 1 : ais, n);
	l->digits = (int)n;
	for (char *word; (word = strtok_r(NULL, " \t\r\n", &rest));) word_read(l, word);
	if (!l->parts_n) stop("AI %s has no components", ais);
	lines_n++;
}

static void dictionary_read(void)
{
	char text[LINE_MAX];
	FILE *in = fopen(file, "r");
	if (!in) stop("cannot be read");
	for (number = 1; fgets(text, sizeof text, in); number++) {
		if (!strncmp(text, "# Release: ", 11))
			copy(release, sizeof release, text + 11, strcspn(text + 11, "\r\n"));
		if (text[0] != '#') line_read(text);
	}
	fclose(in);
	for (size_t i = 0; i < lines_n; i++) {
		number = lines[i].number;
		unsigned long from = strtoul(lines[i].first, NULL, 10),
			      to = strtoul(lines[i].last, NULL, 10);
		for (; from <= to; from++) {
			struct row *r = &rows[rows_n++];
			if (rows_n == ROWS_MAX) stop("too many AIs");
			snprintf(r->ai, sizeof r->ai, "%0*lu", lines[i].digits, from);
			r->line = i;
			if (rows_n > 1 && strcmp(rows[rows_n - 2].ai, r->ai) >= 0)
				stop("AI %s: order", r->ai);
		}
	}
}

/* "01" or "31nn" as a range of rows. */
static void range_find(const char *pattern, size_t n, size_t *ret_first, size_t *ret_last)
{
	size_t fixed = 0;
	while (fixed < n && pattern[fixed] != 'n') fixed++;
	*ret_first = rows_n;
	for (size_t i = 0; i < rows_n; i++) {
		if (strlen(rows[i].ai) != n || strncmp(rows[i].ai, pattern, fixed) != 0) continue;
		if (*ret_first == rows_n) *ret_first = i;
		if (i > *ret_first && *ret_last != i - 1) stop("%.*s is no range", (int)n, pattern);
		*ret_last = i;
	}
	if (*ret_first == rows_n) stop("no AI is %.*s", (int)n, pattern);
}

static void terms_write(const char *kind, size_t line, const char *rule)
{
	if (!*rule) return;
	fprintf(out, "static const struct gs1_term %s%zu[] = {", kind, line);
	while (*rule) {
		size_t n = strcspn(rule, "+,;"), first = 0, last = 0;
		range_find(rule, n, &first, &last);
		fprintf(out, "{%zu, %zu, ", first, last);
		fprintf(out, rule[n] ? "'%c'}, " : "0}", rule[n]);
		rule += n + (rule[n] != 0);
	}
	fprintf(out, "};\n");
}

static void chains_write(size_t line)
{
	const char *s = lines[line].chains;
	if (!lines[line].key) return;
	fprintf(out, "static const unsigned short chains%zu[] = {", line);
	for (size_t in_chain = 0; *s;) {
		size_t n = strcspn(s, ",|"), first = 0, last = 0;
		range_find(s, n, &first, &last);
		if (++in_chain > GS1_QUALIFIERS_MAX) stop("a sequence of more than %d", GS1_QUALIFIERS_MAX);
		fprintf(out, "%zu, ", first);
		if (s[n] == '|') {
			fprintf(out, "GS1_CHAIN_NEXT, ");
			in_chain = 0;
		}
		s += n + (s[n] != 0);
	}
	fprintf(out, "GS1_CHAIN_END};\n");
}

/* Digits of fixed length join such digits before them, digits that may be absent join such digits,
 * other characters join other characters. */
static size_t packs_make(const struct line *l, struct gs1_pack *ret)
{
	size_t n = 0;
	for (size_t i = 0; i < l->parts_n; i++) {
		const struct gs1_part *p = &l->parts[i];
		struct gs1_pack one = {p->set == GS1_N, !p->optional && p->min == p->max, p->max};
		struct gs1_pack *before = n ? &ret[n - 1] : NULL;
		bool joins =
		    before && before->digits == one.digits && (!one.digits || before->fixed == one.fixed);
		if (!joins) {
			ret[n++] = one;
			continue;
		}
		before->max = (unsigned char)(before->max + one.max);
		before->fixed = before->fixed && one.fixed;
	}
	return n;
}

static void parts_write(size_t line)
{
	const struct line *l = &lines[line];
	struct gs1_pack packs[PARTS_MAX];
	fprintf(out, "static const struct gs1_part parts%zu[] = {", line);
	for (size_t i = 0; i < l->parts_n; i++) {
		const struct gs1_part *p = &l->parts[i];
		fprintf(out, "{%d, %d, %d, %d, {%d, %d, %d}}, ", p->set, p->min, p->max, p->optional,
			p->lints[0], p->lints[1], p->lints[2]);
	}
	fprintf(out, "};\nstatic const struct gs1_pack packs%zu[] = {", line);
	size_t n = packs_make(l, packs);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "{%d, %d, %d}, ", packs[i].digits, packs[i].fixed, packs[i].max);
	fprintf(out, "};\nenum { PACKS%zu = %zu };\n", line, n);
}

static unsigned company_at(const struct line *l)
{
	unsigned at = 0;
	for (size_t i = 0; i < l->parts_n; at += l->parts[i++].max)
		for (size_t k = 0; k < GS1_PART_LINTS_MAX; k++) {
			if (l->parts[i].lints[k] == GS1_LINT_gcppos1) return at;
			if (l->parts[i].lints[k] == GS1_LINT_gcppos2) return at + 1;
		}
	if (l->key) stop("the primary key %s has no company prefix", l->first);
	return 0;
}

static void row_write(const struct row *r)
{
	const struct line *l = &lines[r->line];
	unsigned min = 0, max = 0;
	for (size_t i = 0; i < l->parts_n; i++) {
		min += l->parts[i].optional ? 0 : l->parts[i].min;
		max += l->parts[i].max;
	}
	if (max > GS1_VALUE_MAX) stop("AI %s is longer than %d", r->ai, GS1_VALUE_MAX);
	fprintf(out, "\t{\"%s\", %zu, %d, %d, %d, %u, %u, %zu, PACKS%zu, %u, parts%zu, packs%zu, ", r->ai,
		strlen(r->ai), l->key, strchr(l->flags, '*') != NULL, strchr(l->flags, '?') != NULL, min,
		max, l->parts_n, r->line, company_at(l), r->line, r->line);
	fprintf(out, *l->needs ? "needs%zu, " : "NULL, ", r->line);
	fprintf(out, *l->excludes ? "excludes%zu, " : "NULL, ", r->line);
	fprintf(out, "\"%s\", \"%s\", ", l->needs, l->excludes);
	fprintf(out, l->key ? "chains%zu, " : "NULL, ", r->line);
	fprintf(out, "\"%s\"},\n", l->title);
}

static void index_write(const char *type, const char *name, const unsigned short *a, size_t n)
{
	fprintf(out, "const unsigned %s %s[%zu] = {", type, name, n);
	for (size_t i = 0; i < n; i++) fprintf(out, "%s%d,", i % 32 ? "" : "\n\t", a[i]);
	fprintf(out, "\n};\n");
}

static void indexes_write(void)
{
	static unsigned short digits[100], by[3][10000];
	for (size_t i = 0; i < rows_n; i++) {
		size_t n = strlen(rows[i].ai), two = strtoul(rows[i].ai, NULL, 10);
		number = lines[rows[i].line].number;
		by[n - 2][two] = (unsigned short)(i + 1);
		while (n-- > 2) two /= 10;
		n = strlen(rows[i].ai);
		if (digits[two] && digits[two] != n) stop("AIs %02zu… differ in length", two);
		digits[two] = (unsigned short)n;
	}
	index_write("char", "gs1_digits", digits, 100);
	index_write("short", "gs1_rows2", by[0], 100);
	index_write("short", "gs1_rows3", by[1], 1000);
	index_write("short", "gs1_rows4", by[2], 10000);
}

static void chars_write(void)
{
	unsigned short sets[256];
	for (int c = 0; c < 256; c++) {
		bool digit = c >= '0' && c <= '9', capital = c >= 'A' && c <= 'Z',
		     small = c >= 'a' && c <= 'z';
		bool alnum = digit || capital || small;
		sets[c] = digit ? GS1_N : 0;
		if (alnum || (c && strchr("!\"%&'()*+,-./:;<=>?_", c))) sets[c] |= GS1_X;
		if (digit || capital || (c && strchr("#-/", c))) sets[c] |= GS1_Y;
		if (alnum || (c && strchr("-_", c))) sets[c] |= GS1_Z;
		if (alnum || (c && strchr("-._~:/?#[]@!$&'()*+,;=%", c))) sets[c] |= GS1_URI;
		if (alnum || (c && strchr("-._~:[]", c))) sets[c] |= GS1_HOST;
		if (alnum || (c && strchr("-._~", c))) sets[c] |= GS1_UNRESERVED;
	}
	index_write("char", "gs1_chars", sets, 256);
}

static void list_write(const char *name)
{
	char text[LINE_MAX], last[4] = "";
	size_t n = 0;
	FILE *in = fopen(file, "r");
	if (!in) stop("cannot be read");
	fprintf(out, "static const char codes_%s[][4] = {", name);
	for (number = 1; fgets(text, sizeof text, in); number++) {
		char *rest = NULL, *word = strtok_r(text, " \r\n", &rest);
		if (!word || strcmp(word, name) != 0) continue;
		while ((word = strtok_r(NULL, " \r\n", &rest))) {
			if (strcmp(word, last) <= 0) stop("%s: order", word);
			copy(last, sizeof last, word, strlen(word));
			fprintf(out, "%s\"%s\", ", n++ % 16 ? "" : "\n\t", word);
		}
	}
	if (!n) stop("no list %s", name);
	fprintf(out, "\n};\nconst struct gs1_list gs1_list_%s = {codes_%s, %zu};\n", name, name, n);
	fclose(in);
}

int main(int argc, char **argv)
{
	if (argc != 4) stop("usage: gs1-compile DICTIONARY CODE-LISTS OUTPUT.c");
	file = argv[1];
	dictionary_read();
	out = fopen(argv[3], "w");
	if (!out) stop("cannot write %s", argv[3]);
	fprintf(out, "#include \"proto/id/gs1_ai.h\"\n\nconst char gs1_release[] = \"%s\";\n", release);
	for (size_t i = 0; i < lines_n; i++) {
		number = lines[i].number;
		parts_write(i);
		terms_write("needs", i, lines[i].needs);
		terms_write("excludes", i, lines[i].excludes);
		chains_write(i);
	}
	fprintf(out, "const size_t gs1_ais_n = %zu;\nconst struct gs1_ai gs1_ais[] = {\n", rows_n);
	for (size_t i = 0; i < rows_n; i++) row_write(&rows[i]);
	fprintf(out, "};\n");
	indexes_write();
	chars_write();
	file = argv[2];
#define X(name) list_write(#name);
	GS1_LISTS(X)
#undef X
	if (fclose(out)) stop("cannot write %s", argv[3]);
	return 0;
}
