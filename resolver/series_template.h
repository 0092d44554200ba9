/* Templates: values of a series' members, filled from the member's identifier.
 *
 * A value's data is a template when it is UTF-8 text: {id} is the identifier in its canonical form,
 * {serial} the characters of the range, of the last one of several, as the identifier has them, {1} to {4}
 * those of each, {number} those of the only range without leading zeros (digits only). A brace itself is
 * written twice. Within a word that has "://" in front, what is put in is percent-encoded (RFC 3986 2.3:
 * all but unreserved characters), so that it stays one segment or one parameter of the URL; {id:raw} puts
 * it in as it is, {id:url} encodes it elsewhere, {id:path} encodes all but slashes. Threads: any. Pure. */
#ifndef RESOLVER_SERIES_TEMPLATE_H
#define RESOLVER_SERIES_TEMPLATE_H

#include "base/arena.h"

enum { TEMPLATE_PARTS_MAX = 4 };
struct template_words {
	struct str id, serial;
	struct str part[TEMPLATE_PARTS_MAX]; /* characters of each range */
};

/* Whether data has placeholders or doubled braces; nothing else has to be expanded. */
bool template_is(struct str data);
/* ERR_BAD_MESSAGE with the offset in data, rule "placeholder". numeric: whether {number} is known. */
enum err template_check(struct str data, bool numeric, struct flaw *f) MUST_USE;
/* The same where there are several ranges. */
enum err template_check_parts(struct str data, bool numeric, size_t parts, struct flaw *f) MUST_USE;
/* Of data that passed template_check; text in the arena. ERR_NO_MEMORY. */
enum err template_fill(struct arena *a, struct str data, const struct template_words *w,
		       struct str *ret) MUST_USE;

/* The same, and for each octet where in the words it was taken from; NULL: it is of the template. */
enum err template_trace(struct arena *a, struct str data, const struct template_words *w, struct str *ret,
			const char *const **ret_from) MUST_USE;
enum template_uses { TEMPLATE_USES_ID = 16, TEMPLATE_USES_SERIAL = 32, TEMPLATE_USES_NUMBER = 64 };
/* What it is filled from: bits of the uses, and of each range that is named (1 << 0 to 3). */
unsigned template_uses(struct str data);

#endif
