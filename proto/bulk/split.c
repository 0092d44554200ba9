/* Where a record ends. CSV: a line end inside a quoted cell does not end the line; a quotation mark opens
 * only at the beginning of a cell, so that one that stands elsewhere spoils its own line and no other. */
#include "proto/bulk/bulk.h"

enum csv_state { CELL_START, CELL_PLAIN, CELL_QUOTED, CELL_CLOSED };
enum { VARINT_MAX = 5 /* octets of a 32-bit length */ };

static uint64_t line_ends(struct str s)
{
	uint64_t n = 0;
	for (const char *p = s.p, *end = s.p + s.n; s.n && (p = memchr(p, '\n', (size_t)(end - p))); p++)
		n++;
	return n;
}

/* The place of the LF that ends the line, or input.n; goes on where it was. */
static size_t csv_end(struct bulk_split *s, struct str input)
{
	size_t i = s->seen;
	int state = s->state;
	for (; i < input.n; i++) {
		char c = input.p[i];
		if (state == CELL_QUOTED) {
			const char *q = memchr(input.p + i, '"', input.n - i);
			if (!q) {
				i = input.n;
				break;
			}
			i = (size_t)(q - input.p);
			state = CELL_CLOSED;
		} else if (c == '\n') {
			break;
		} else if (c == '"') {
			state = state == CELL_PLAIN ? CELL_PLAIN : CELL_QUOTED;
		} else {
			state = c == ',' ? CELL_START : CELL_PLAIN;
		}
	}
	s->state = state;
	s->seen = i;
	return i;
}

static size_t plain_end(struct bulk_split *s, struct str input)
{
	const char *p = s->seen < input.n ? memchr(input.p + s->seen, '\n', input.n - s->seen) : NULL;
	s->seen = p ? (size_t)(p - input.p) : input.n;
	return s->seen;
}

static void restart(struct bulk_split *s)
{
	s->state = CELL_START;
	s->seen = 0;
}

/* The rest of a line that was too long, up to its first line end, or as far as there is input. */
static enum err skip(struct bulk_split *s, struct str input, struct bulk_line *ret)
{
	size_t end = str_find(input, '\n');
	if (!input.n) return ERR_NOT_FOUND;
	bool found = end < input.n;
	*ret = (struct bulk_line){.n = end + found, .lines = found, .empty = true};
	s->skipping = !found;
	restart(s);
	return ERR_OK;
}

static enum err next_text(struct bulk_split *s, struct str input, bool last, struct bulk_line *ret)
{
	if (s->skipping) return skip(s, input, ret);
	size_t end = s->form == BULK_CSV ? csv_end(s, input) : plain_end(s, input);
	if (end > BULK_LINE_MAX) {
		struct str head = str_first(input, BULK_LINE_MAX);
		*ret = (struct bulk_line){head, head.n, line_ends(head), .too_long = true};
		s->skipping = true;
		restart(s);
		return ERR_OK;
	}
	bool found = end < input.n;
	if (!found && (!last || !input.n)) return ERR_NOT_FOUND;
	struct str line = str_first(input, end);
	*ret = (struct bulk_line){line, end + found, line_ends(line) + 1, .empty = !str_trim(line).n};
	if (str_ends(line, STR("\r"))) ret->octets.n--;
	restart(s);
	return ERR_OK;
}

static enum err next_message(struct str input, bool last, struct flaw *f, struct bulk_line *ret)
{
	uint64_t n = 0;
	size_t i = 0;
	for (;; i++) {
		if (i == VARINT_MAX)
			return flaw_set(f, ERR_BAD_PROTO, 0, "", "length", "the length has no end");
		if (i == input.n) break;
		n |= (uint64_t)((unsigned char)input.p[i] & 0x7f) << (7 * i);
		if (!((unsigned char)input.p[i] & 0x80)) break;
	}
	if (n > BULK_LINE_MAX)
		return flaw_set(f, ERR_BAD_PROTO, 0, "", "length", "a message has at most %d octets",
				BULK_LINE_MAX);
	if (i == input.n || n > input.n - i - 1) {
		if (!last || !input.n) return ERR_NOT_FOUND;
		/* without octets: those that are there might make another record */
		*ret = (struct bulk_line){STR(""), input.n, 1, .empty = false};
		return ERR_OK;
	}
	*ret = (struct bulk_line){str_n(input.p + i + 1, (size_t)n), i + 1 + (size_t)n, 1, .empty = !n};
	return ERR_OK;
}

enum err bulk_next(struct bulk_split *s, struct str input, bool last, struct flaw *f, struct bulk_line *ret)
{
	return s->form == BULK_PROTOBUF ? next_message(input, last, f, ret)
					: next_text(s, input, last, ret);
}
