#include "tools/kanhe/command.h"

#include <string.h>

enum { EDITS_ROW = 64, VERBS_MAX = 32, VERBS_ROOM = 512, OPTIONS_OF_ALL = 7 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein distance of short words; long ones count as far apart. */
static size_t edits(const char *a, const char *b)
{
	size_t row[EDITS_ROW], la = strlen(a), lb = strlen(b);
	if (la >= EDITS_ROW || lb >= EDITS_ROW) return EDITS_ROW;
	for (size_t j = 0; j <= lb; j++) row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t up = row[j];
			row[j] = least(least(row[j] + 1, row[j - 1] + 1), corner + (a[i - 1] != b[j - 1]));
			corner = up;
		}
	}
	return row[lb];
}

const char *suggest(const char *word, const char *const *candidates, size_t n)
{
	size_t best = strlen(word) < 4 ? 2 : 3;
	const char *found = NULL;
	for (size_t i = 0; i < n; i++) {
		size_t d = edits(word, candidates[i]);
		if (d < best) {
			best = d;
			found = candidates[i];
		}
	}
	return found;
}

int usage_error(const struct cli *c, enum say text, const char *word)
{
	fprintf(stderr, "kanhe %s: ", c->command->name);
	fprintf(stderr, say(text), word);
	fprintf(stderr, "\n");
	fprintf(stderr, say(SAY_SEE_HELP), c->command->name);
	return CLI_USAGE;
}

int words_wrong(const struct cli *c, const struct words *w, size_t wanted, const char *name)
{
	if (w->n > wanted) return usage_error(c, SAY_EXTRA_WORD, safe(w->word[wanted]));
	return usage_error(c, SAY_MISSING_WORD, name);
}

bool verb_known(const char *verb, const char *verbs)
{
	struct str rest = str_of(verbs), one;

	while (str_split(&rest, '|', &one))
		if (str_is(one, verb)) return true;
	return false;
}

int verb_error(const struct cli *c, const char *verb, const char *verbs)
{
	struct str rest = str_of(verbs), one;
	char words[VERBS_ROOM];
	const char *names[VERBS_MAX];
	size_t n = 0, at = 0;

	if (!verb[0]) return usage_error(c, SAY_MISSING_WORD, verbs);
	while (n < VERBS_MAX && str_split(&rest, '|', &one) && at + one.n < sizeof words) {
		names[n++] = memcpy(words + at, one.p, one.n);
		words[at + one.n] = 0;
		at += one.n + 1;
	}
	const char *near = suggest(verb, names, n);
	fprintf(stderr, "kanhe %s: ", c->command->name);
	fprintf(stderr, say(SAY_UNKNOWN_VERB), safe(verb));
	fprintf(stderr, ": %s\n", verbs);
	if (near) fprintf(stderr, say(SAY_DID_YOU_MEAN), near);
	fprintf(stderr, say(SAY_SEE_HELP), c->command->name);
	return CLI_USAGE;
}

static int unknown_option(const struct cli *c, const char *name, const struct option_row *rows, size_t n)
{
	const char *names[64];
	size_t count = 0;
	for (size_t i = 0; i < n && count < 64; i++) names[count++] = rows[i].name;
	const char *near = suggest(name, names, count);
	fprintf(stderr, "kanhe %s: ", c->command->name);
	fprintf(stderr, say(SAY_UNKNOWN_OPTION), name);
	if (near) fprintf(stderr, say(SAY_DID_YOU_MEAN_OPTION), near);
	fprintf(stderr, "\n");
	fprintf(stderr, say(SAY_SEE_HELP), c->command->name);
	return CLI_USAGE;
}

/* One "--name[=value]"; *i moves over a value that stands apart. */
static int read_option(const struct cli *c, int argc, char **argv, int *i, const struct option_row *rows,
		       size_t n, uint32_t *given)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	for (size_t k = 0; k < n; k++) {
		if (strlen(rows[k].name) != len || memcmp(rows[k].name, name, len) != 0) continue;
		if (rows[k].flag) {
			if (equals) return usage_error(c, SAY_OPTION_TAKES_NONE, rows[k].name);
			*rows[k].flag = true;
			return CLI_OK;
		}
		if (!equals && *i + 1 >= argc) return usage_error(c, SAY_OPTION_NEEDS_VALUE, rows[k].name);
		/* of a command's own the last does not win: half of what was meant would be done */
		if (k >= OPTIONS_OF_ALL && *given & 1U << k)
			return usage_error(c, SAY_OPTION_TWICE, rows[k].name);
		*given |= 1U << k;
		*rows[k].text = equals ? equals + 1 : argv[++*i];
		return CLI_OK;
	}
	return unknown_option(c, name, rows, n);
}

int options_read(struct cli *c, int argc, char **argv, const struct option_row *own, size_t own_n,
		 struct words *ret)
{
	bool help = false;
	static char to[] = "--to"; /* -o, as compilers and curl call it */
	struct option_row rows[32] = {{"node", &c->node, NULL},  {"token", &c->token_file, NULL},
				      {"ca", &c->ca_file, NULL}, {"as", &c->as, NULL},
				      {"json", NULL, &c->json},  {"quiet", NULL, &c->quiet},
				      {"help", NULL, &help}};
	size_t n = OPTIONS_OF_ALL;
	uint32_t given = 0;
	must(own_n <= 32 - n);
	for (size_t i = 0; i < own_n; i++) rows[n++] = own[i];
	ret->n = 0;
	for (int i = 1, words_only = 0; i < argc; i++) {
		if (!words_only && strcmp(argv[i], "-o") == 0) argv[i] = to;
		const char *a = argv[i];
		if (!words_only && strcmp(a, "--") == 0) {
			words_only = 1;
		} else if (!words_only && (strcmp(a, "-h") == 0)) {
			help = true;
		} else if (!words_only && strncmp(a, "--", 2) == 0) {
			int status = read_option(c, argc, argv, &i, rows, n, &given);
			if (status) return status;
		} else if (!words_only && a[0] == '-' && a[1]) {
			return unknown_option(c, a + 1, rows, n);
		} else {
			if (ret->n == CLI_ARGS_MAX) return usage_error(c, SAY_TOO_MANY_WORDS, a);
			ret->word[ret->n++] = a;
		}
		if (help) {
			printf("%s", say(c->command->help));
			printf("%s", say(SAY_GLOBAL_OPTIONS));
			return -1;
		}
	}
	return CLI_OK;
}
