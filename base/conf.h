/* Configuration: one table declares, checks, documents and explains every setting.
 *
 * Purpose: a program hands in its table (X-macro rows) and a file; the file (INI, by inih) is read
 * whole, validated whole, and refused whole on any error, every error listed. Precedence: default <
 * file < environment KANHE_SECTION_KEY < command line --set section.key=value.
 * An indented line goes on with the list above it. What a file could not say again (control
 * characters, a ';' after a blank) is refused from every source. Sentences come in the language of say.h.
 * Threads: immutable after conf_load. Ownership: strings live as long as the struct conf. */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/buf.h"

enum conf_kind {
	CONF_TEXT,     /* any text up to max octets */
	CONF_PATH,     /* made absolute against the folder of the file (no file: the working folder) */
	CONF_NUMBER,   /* min..max */
	CONF_SIZE,     /* octets, suffixes KiB MiB GiB TiB */
	CONF_DURATION, /* microseconds, suffixes us ms s m h d (one is needed, but for 0) */
	CONF_SWITCH,   /* yes, no */
	CONF_LISTEN,   /* host:port, [v6]:port, or "off" */
	CONF_CHOICE,   /* one of help's {a|b|c} */
	CONF_LIST      /* blanks or commas between items */
};

struct conf_row {
	const char *section, *key;
	enum conf_kind kind;
	const char *standard; /* the default, in the file's syntax; NULL: must be set */
	int64_t min, max;     /* of numbers, sizes, durations (0, 0: no bound above); octets of texts
			       * and lists (max 0: 1,024) */
	const char *choices;  /* "a|b|c" for CONF_CHOICE */
	const char *help, *help_zh;
};

struct conf;
enum conf_source { CONF_STANDARD, CONF_FILE, CONF_ENVIRONMENT, CONF_ARGUMENT };

/* path NULL: no file. sets: "section.key=value" texts. All errors go to *errors, one per line:
 * "kanhed.conf:12: net.https: …". ERR_BAD_CONF, ERR_NOT_FOUND (no such file). */
enum err conf_load(const struct conf_row *rows, size_t n, const char *path, const char *const *sets,
		   size_t sets_n, struct buf *errors, struct conf **ret) MUST_USE;
void conf_free(struct conf *c);

/* must() on a key that is not in the table or of another kind. */
const char *conf_text(const struct conf *c, const char *section, const char *key);
int64_t conf_number(const struct conf *c, const char *section, const char *key);
bool conf_switch(const struct conf *c, const char *section, const char *key);
size_t conf_list(const struct conf *c, const char *section, const char *key, const char *const **ret);
/* Where a setting ("section.key") came from, for a message that names it: "kanhed.conf:12", "kanhed.conf"
 * when it was not set, "KANHE_REPORT_TO", "--set". Cut at room. Of what is no setting: the file. */
void conf_place(const struct conf *c, struct str setting, char *to, size_t room);
enum conf_source conf_where(const struct conf *c, const char *section, const char *key);

/* Effective values as a file that can be read again, with "# from …" and help as comments. */
void conf_print(const struct conf *c, bool help, struct buf *out);
/* One JSON object {section: {key: {value, source}}}: numbers, octets and microseconds as numbers,
 * switches as booleans, lists as arrays; source default, file, environment or argument. */
void conf_print_json(const struct conf *c, struct buf *out);

#endif
