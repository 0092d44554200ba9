/* What base/conf*.c share: the loaded configuration and the reading of one value. Private to base. */
#ifndef BASE_CONF_VALUE_H
#define BASE_CONF_VALUE_H

#include "base/arena.h"
#include "base/conf.h"
#include "base/say.h"

struct conf_value {
	enum conf_source source;
	int line;          /* in the file, when that is where it came from */
	const char *text;  /* in the file's syntax, paths absolute */
	int64_t number;    /* of numbers, sizes (octets), durations (microseconds); 1 for yes */
	const char **list; /* items of a list */
	size_t list_n;
};

struct conf {
	struct arena *arena; /* of everything below */
	const struct conf_row *rows;
	size_t n;
	struct conf_value *values; /* values[i] of rows[i] */
	const char *file;          /* as named by the caller, or NULL */
	const char *folder;        /* absolute: what relative paths start from */
};

enum { CONF_WHY = 256 };

/* The name of the row's environment variable. */
const char *conf__variable(struct arena *a, const struct conf_row *row);
/* Reads text as the row's kind. ERR_BAD_CONF with a sentence in why, ERR_NO_MEMORY. Sets text,
 * number and list of *ret, not source and line. */
enum err conf__value(struct conf *c, const struct conf_row *row, struct str text, char why[CONF_WHY],
		     struct conf_value *ret) MUST_USE;
/* The sentence `name`, formatted, into why; returns ERR_BAD_CONF. */
enum err conf__refuse(char why[CONF_WHY], enum say name, ...);

#endif
