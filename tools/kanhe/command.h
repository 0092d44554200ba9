/* The command line: one table of commands, one way to read options, one way to answer.
 *
 * Every command is a row of COMMANDS: name, entry, role whose token it uses by default. Results go
 * to standard output (with --json exactly one JSON value, or one per line where the help says so),
 * everything else to standard error. Threads: the main thread. */
#ifndef TOOLS_KANHE_COMMAND_H
#define TOOLS_KANHE_COMMAND_H

#include <stdio.h>

#include "base/json.h"
#include "base/say.h"

/* Exit statuses, stable. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1, /* refused or failed: the message says why */
	CLI_USAGE = 2,
	CLI_NOT_FOUND = 3,
	CLI_BOGUS = 4, /* a signature, proof or digest does not verify */
	CLI_UNREACHABLE = 5,
	CLI_UNAUTHORISED = 6
};

/* name, function, file of the token used by default (tokens/NAME.token), help text */
#define COMMANDS(X)                                                                                        \
	X(init, command_init, "operator", HELP_INIT)                                                       \
	X(node, command_node, "operator", HELP_NODE)                                                       \
	X(config, command_config, "operator", HELP_CONFIG)                                                 \
	X(id, command_id, NULL, HELP_ID)                                                                   \
	X(resolve, command_resolve, NULL, HELP_RESOLVE)                                                    \
	X(register, command_register, "registrar", HELP_REGISTER)                                          \
	X(value, command_value, "registrar", HELP_VALUE)                                                   \
	X(load, command_load, "registrar", HELP_LOAD)                                                      \
	X(find, command_find, "registrar", HELP_FIND)                                                      \
	X(list, command_list, "registrar", HELP_LIST)                                                      \
	X(count, command_count, "registrar", HELP_COUNT)                                                   \
	X(history, command_history, "registrar", HELP_HISTORY)                                             \
	X(series, command_series, "registrar", HELP_SERIES)                                                \
	X(import, command_import, "registrar", HELP_IMPORT)                                                \
	X(export, command_export, "registrar", HELP_EXPORT)                                                \
	X(delegate, command_delegate, "registrar", HELP_DELEGATE)                                          \
	X(enterprise, command_enterprise, "registrar", HELP_ENTERPRISE)                                    \
	X(statistics, command_statistics, "registrar", HELP_STATISTICS)                                    \
	X(template, command_template, "registrar", HELP_TEMPLATE)                                          \
	X(report, command_report, "operator", HELP_REPORT)                                                 \
	X(publish, command_publish, "owner", HELP_PUBLISH)                                                 \
	X(catalog, command_catalog, "owner", HELP_CATALOG)                                                 \
	X(negotiate, command_negotiate, "owner", HELP_NEGOTIATE)                                           \
	X(agreements, command_agreements, "owner", HELP_AGREEMENTS)                                        \
	X(pull, command_pull, "owner", HELP_PULL)                                                          \
	X(revoke, command_revoke, "owner", HELP_REVOKE)                                                    \
	X(audit, command_audit, "owner", HELP_AUDIT)                                                       \
	X(prove, command_prove, "owner", HELP_PROVE)                                                       \
	X(verify, command_verify, NULL, HELP_VERIFY)                                                       \
	X(status, command_status, "operator", HELP_STATUS)                                                 \
	X(inbox, command_inbox, "owner", HELP_INBOX)                                                       \
	X(outbox, command_outbox, "owner", HELP_OUTBOX)                                                    \
	X(negotiation, command_negotiation, "owner", HELP_NEGOTIATION)                                     \
	X(transfer, command_transfer, "owner", HELP_TRANSFER)                                              \
	X(agreement, command_agreement, "owner", HELP_AGREEMENT)                                           \
	X(credential, command_credential, "owner", HELP_CREDENTIAL)                                        \
	X(dataplane, command_dataplane, "owner", HELP_DATAPLANE)                                           \
	X(identity, command_identity, "registrar", HELP_IDENTITY)

struct cli;
typedef int command_fn(struct cli *c, int argc, char **argv);

struct command {
	const char *name;
	command_fn *run;
	const char *token;
	enum say help;
};

extern const struct command commands[];
extern const size_t commands_n;

#define X(name, run, token, help) command_fn run;
COMMANDS(X)
#undef X

/* What the global options and the environment said. */
struct cli {
	const struct command *command;
	const char *node;       /* folder or URL: --node, KANHE_NODE, or "." */
	const char *token_file; /* --token */
	const char *ca_file;    /* --ca */
	const char *as;         /* --as: participant */
	bool json, quiet;
	struct arena *arena;   /* for the life of the process */
	struct target *target; /* the node spoken to, filled at first use (client.c) */
};

/* ---- options (options.c) ---------------------------------------------------------------- */

struct option_row {
	const char *name;  /* without the dashes */
	const char **text; /* takes a value */
	bool *flag;        /* takes none */
};

enum { CLI_ARGS_MAX = 4096 };

struct words {
	const char *word[CLI_ARGS_MAX];
	size_t n;
};

/* Reads argv[1..]: own options, global ones, and words. CLI_USAGE with a message and a suggestion;
 * -1 when --help was asked and printed (leave with CLI_OK). */
int options_read(struct cli *c, int argc, char **argv, const struct option_row *own, size_t own_n,
		 struct words *ret);
/* Not as many words as are wanted: tells which is too many, or the name of the one that is missing.
 * CLI_USAGE. */
int words_wrong(const struct cli *c, const struct words *w, size_t wanted, const char *name);
/* The candidate nearest to word within 2 edits (1 for short words), or NULL. */
const char *suggest(const char *word, const char *const *candidates, size_t n);
int usage_error(const struct cli *c, enum say text, const char *word);
/* verb is one of verbs, "add|list". */
bool verb_known(const char *verb, const char *verbs);
/* The word that says what to do is missing ("") or none of verbs, "add|list": tells which there are, and
 * the nearest. */
int verb_error(const struct cli *c, const char *verb, const char *verbs);

/* ---- answers (answer.c) ----------------------------------------------------------------- */

bool colour_on(FILE *f); /* a terminal, and NO_COLOR unset */
/* A peer's text for a terminal: control characters and escapes as \xNN. */
void print_safe(FILE *f, struct str s);
/* print_safe of what a node said in English, in the reader's language where the catalogue has it (retell).
 */
void print_said(FILE *f, const char *text);
/* print_safe for printf: in one of SAFE_RING buffers, cut at SAFE_MAX / 12 octets. */
enum { SAFE_RING = 16, SAFE_MAX = 6144 };
const char *safe(const char *text);
void print_json(const json_t *j);        /* compact, one line, standard output */
void print_json_pretty(const json_t *j); /* for people */
void print_error(const struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
int exit_of(enum err e);

/* A bar on standard error when that is a terminal and not --quiet. total 0: a count and a rate. */
struct progress {
	const struct cli *cli;
	const char *label;
	uint64_t total, last_shown_percent;
	int64_t started, shown;
	bool on;
};
void progress_start(struct progress *p, const struct cli *c, const char *label, uint64_t total);
void progress_show(struct progress *p, uint64_t done);
void progress_end(struct progress *p);

/* Writes a token to a file of mode 0600, in the place of what is there (token.c). CLI_FAILED. */
int token_write(struct cli *c, const char *out, const char *token);

#endif
