/* What of Unicode an identifier may hold, the same for all schemes.
 *
 * Purpose: one text for one identifier as people see it. Refused are ill-formed UTF-8 ("utf-8"),
 * controls ("control"), characters that turn the direction of writing, are invisible or no characters
 * ("unsafe-character"), and text that is not in normalization form C ("not-nfc"). Nothing is
 * normalised silently: identifiers are compared and signed octet for octet by other systems as well.
 * Characters that Unicode has not assigned yet pass: they may be of a later version.
 * What may be delegated is ASCII, so that no Cyrillic letter passes for a Latin one; the exception,
 * names of AAS asset links, has id__mixed_at.
 * utf8proc stops here. Memory: the arena's, given back. Threads: any. Specification: UAX #15.
 * Private to proto/id. */
#ifndef PROTO_ID_UNICODE_H
#define PROTO_ID_UNICODE_H

#include "base/arena.h"

/* Checks text[from, end). ERR_BAD_ID with the offset in text; ERR_NO_MEMORY. */
enum err id__text_check(struct arena *a, struct str text, size_t from, struct flaw *f) MUST_USE;
/* Nothing but the octets 0x20 to 0x7e. */
bool id__plain(struct str s);
/* Offset of the first octet that is no printable ASCII, blank included; s.n when there is none. */
size_t id__ascii_end(struct str s);
/* Offset of the first character of a script with letters that look like ASCII ones (Greek, Cyrillic,
 * Armenian, Cherokee, fullwidth, mathematical) in a text that has ASCII letters; s.n when there is none. */
size_t id__mixed_at(struct str s);

#endif
