/* The octets of an import that are under way: a window on its input.
 *
 * Purpose: what the node has not yet acknowledged stays here, with the digest of all that lies before it,
 * so that it can be sent again from wherever the node says. While one piece is under way the next is read
 * and this one hashed: the node does not wait for either. Ownership: a window owns its two rooms, and uses
 * the input. Threads: the main thread. Invariant: `chain` is of the octets before `offset`. */
#ifndef TOOLS_KANHE_IMPORT_WINDOW_H
#define TOOLS_KANHE_IMPORT_WINDOW_H

#include "tools/kanhe/import_input.h"

enum {
	PIECE_LEAST = 4 << 20,
	PIECE_MOST = 32 << 20,
	/* Of a piece so much may be left by the node: the line that its end cuts, and some. */
	PIECE_TAIL = 2 << 20,
};

struct room {
	char *p; /* PIECE_TAIL + PIECE_MOST octets */
	size_t at, n;
};

struct window {
	struct input *input;
	uint64_t offset;
	struct bulk_chain chain;
	struct room now, next; /* what lies at offset, and behind that */
	size_t hashed;         /* octets of now that hashed_chain has besides */
	struct bulk_chain hashed_chain;
	bool ended; /* the input is read to its end */
};

enum err window_open(struct window *w, struct input *in) MUST_USE; /* ERR_NO_MEMORY */
void window_close(struct window *w);
/* Reads until there are n octets at offset, of PIECE_MOST at most, or all that may be sent at once. ERR_IO
 * with errno, and what an input that is sorted says. */
enum err window_fill(struct window *w, size_t n) MUST_USE;
/* While the octets of the window are on their way: reads and hashes ahead. Errors as of window_fill. */
enum err window_look_ahead(struct window *w, size_t n) MUST_USE;
struct str window_octets(const struct window *w);
bool window_is_last(const struct window *w); /* the end of the input is in window_octets */
/* Goes on to a later offset. ERR_NOT_FOUND: the input ends before it. */
enum err window_advance(struct window *w, uint64_t to) MUST_USE;
/* Of the octets before offset, as a text of 64 digits. */
void window_digest(const struct window *w, char hex[2 * HASH_SHA256 + 1]);

#endif
