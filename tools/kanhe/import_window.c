#include "tools/kanhe/import_window.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = PIECE_TAIL + PIECE_MOST };

enum err window_open(struct window *w, struct input *in)
{
	*w = (struct window){.input = in,
			     .now = {.p = malloc(ROOM), .at = PIECE_TAIL},
			     .next = {.p = malloc(ROOM), .at = PIECE_TAIL}};
	return w->now.p && w->next.p ? ERR_OK : ERR_NO_MEMORY;
}

void window_close(struct window *w)
{
	free(w->now.p);
	free(w->next.p);
	*w = (struct window){.offset = 0};
}

struct str window_octets(const struct window *w)
{
	return str_n(w->now.p + w->now.at, w->now.n);
}

bool window_is_last(const struct window *w)
{
	return w->ended && !w->next.n;
}

/* What was read ahead joins what is left, which goes in front of it: little is copied. Where much is left
 * it is sent first. */
static void join(struct window *w)
{
	struct room *now = &w->now, *next = &w->next;
	if (!next->n || now->n > next->at) return;
	next->at -= now->n;
	next->n += now->n;
	memcpy(next->p + next->at, now->p + now->at, now->n);
	struct room empty = {.p = now->p, .at = PIECE_TAIL};
	*now = *next;
	*next = empty;
}

static enum err read_more(struct window *w, struct room *r, size_t n)
{
	if (n > PIECE_MOST) n = PIECE_MOST;
	if (r->at + n > ROOM) {
		memmove(r->p, r->p + r->at, r->n);
		r->at = 0;
	}
	while (!w->ended && r->n < n) {
		size_t want = n - r->n, got;
		enum err e = input_read(w->input, r->p + r->at + r->n, want, &got);
		if (e) return e;
		r->n += got;
		w->ended = got < want;
	}
	return ERR_OK;
}

enum err window_fill(struct window *w, size_t n)
{
	join(w);
	return w->next.n ? ERR_OK : read_more(w, &w->now, n);
}

/* All but the end, of which the node may leave some. */
static void hash_ahead(struct window *w)
{
	if (w->hashed || w->now.n <= PIECE_TAIL) return;
	w->hashed_chain = w->chain;
	w->hashed = w->now.n - PIECE_TAIL;
	bulk_chain_add(&w->hashed_chain, str_first(window_octets(w), w->hashed));
}

enum err window_look_ahead(struct window *w, size_t n)
{
	enum err e = w->next.n ? ERR_OK : read_more(w, &w->next, n);
	hash_ahead(w);
	return e;
}

static void take(struct window *w, size_t n)
{
	struct str taken = str_first(window_octets(w), n);
	bool ahead = w->hashed && n >= w->hashed;
	if (ahead) w->chain = w->hashed_chain;
	bulk_chain_add(&w->chain, ahead ? str_skip(taken, w->hashed) : taken);
	w->hashed = 0;
	w->offset += n;
	w->now.at += n;
	w->now.n -= n;
}

enum err window_advance(struct window *w, uint64_t to)
{
	while (w->offset < to) {
		enum err e = w->now.n ? ERR_OK : window_fill(w, PIECE_LEAST);
		if (e) return e;
		if (!w->now.n) return ERR_NOT_FOUND;
		take(w, to - w->offset < w->now.n ? (size_t)(to - w->offset) : w->now.n);
	}
	return ERR_OK;
}

void window_digest(const struct window *w, char hex[2 * HASH_SHA256 + 1])
{
	unsigned char digest[HASH_SHA256];
	bulk_chain_digest(&w->chain, digest);
	hex_write(digest, sizeof digest, hex);
	hex[2 * HASH_SHA256] = 0;
}
