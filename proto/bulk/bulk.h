/* Bulk: many records in one stream, as CSV, NDJSON or length-delimited protobuf.
 *
 * CSV (RFC 4180): UTF-8, a byte order mark is tolerated, lines end in LF or CRLF. The header names the
 * columns: `id` once; `TYPE` or `INDEX:TYPE` for a value of that type, without an index the lowest one
 * that no column has; `ttl`, `timestamp` for what the line's columns share (seconds; RFC 3339; empty:
 * 86400, the time of registration); `values` for values that no column can say, as the array of NDJSON. An
 * empty cell is no value. `record-status` says `retired` of tombstones (empty: active), as the member
 * `status` of NDJSON and the field of protobuf do. A type called id, ttl, timestamp, values,
 * record-status or pattern is written with its index. NDJSON:
 * {"id","values":[…]} a line, as record_parse_json reads it; empty lines are left out. Protobuf: packed
 * Record messages, each after its length as a varint.
 *
 * Series: a line with `pattern` instead of an id, {"pattern","values":[…]} as record_parse_series_json
 * reads it; of CSV a column `pattern`, where one of the two cells is empty; of protobuf the field `series`.
 *
 * Ownership: nothing is kept; slices point into the input. Threads: any, a split at one time.
 * Invariants: 1. what bulk_write wrote, bulk_record reads as an equal record, but for values that nobody
 * may read, which are left out. 2. where records begin and end does not depend on how the input is cut. */
#ifndef PROTO_BULK_BULK_H
#define PROTO_BULK_BULK_H

#include "base/hash.h"
#include "proto/bulk/csv.h"

enum {
	BULK_LINE_MAX = 1 << 20, /* octets of a line: a record of 256 KiB as JSON, escaped */
	BULK_CHAIN_BLOCK = 4096,
};

/* number, name in interfaces, media type */
#define BULK_FORMS(X)                                                                                      \
	X(CSV, 1, "csv", "text/csv")                                                                       \
	X(NDJSON, 2, "ndjson", "application/x-ndjson")                                                     \
	X(PROTOBUF, 3, "protobuf", "application/vnd.kanhe.records+protobuf")

enum bulk_form {
	BULK_NONE = 0,
#define X(name, number, text, media) BULK_##name = number,
	BULK_FORMS(X)
#undef X
};

const char *bulk_form_name(enum bulk_form f);                                    /* "" for none */
const char *bulk_form_media(enum bulk_form f);                                   /* "" for none */
enum err bulk_form_find(struct str name_or_media, enum bulk_form *ret) MUST_USE; /* ERR_NOT_FOUND */

/* ---- splitting (split.c) ---------------------------------------------------------------- */

struct bulk_split {
	enum bulk_form form;
	bool skipping; /* in the rest of a line that was too long */
	/* private: of the line that is being looked at */
	int state;
	size_t seen;
};

struct bulk_line {
	struct str octets; /* without its end; of protobuf the message, or nothing of one that is cut */
	size_t n;          /* octets of the input it takes, end included */
	uint64_t lines;    /* line ends in them; of protobuf 1 */
	bool empty;        /* nothing in it, or the rest of a line that was too long */
	bool too_long;     /* its beginning: more than BULK_LINE_MAX */
};

/* The next line of the input, which goes on where the last one ended. last: no more will come, so that the
 * end of input ends a line. ERR_NOT_FOUND: more input is needed, or nothing is left. ERR_BAD_PROTO: a
 * length that cannot be; what follows has no beginning. */
enum err bulk_next(struct bulk_split *s, struct str input, bool last, struct flaw *f,
		   struct bulk_line *ret) MUST_USE;

/* ---- reading ---------------------------------------------------------------------------- */

/* One line as a record, in the arena. columns: of CSV. ERR_BAD_INPUT, and what the readers of JSON and
 * protobuf give; ERR_BAD_PROTO with the rule cut for a message that the input's end cuts. The id or pattern
 * is taken as written, and set in *ret as soon as it is known, also on error. */
enum err bulk_record(struct arena *a, enum bulk_form form, const struct bulk_columns *columns,
		     struct str line, struct flaw *f, struct record *ret) MUST_USE;

/* ---- writing ---------------------------------------------------------------------------- */

/* One record of the registry as a line or message. The arena is for scratch. ERR_CORRUPT; errors of the
 * buffer are sticky there. */
enum err bulk_write(struct arena *a, enum bulk_form form, const struct bulk_columns *columns,
		    struct str packed, struct buf *out) MUST_USE;
/* The same of a series: its pattern is the packed record's id. */
enum err bulk_write_series(struct arena *a, enum bulk_form form, const struct bulk_columns *columns,
			   struct str packed, struct buf *out) MUST_USE;

/* ---- which octets (chain.c) ------------------------------------------------------------- */

/* A digest of all octets so far that can be kept and gone on with: 32 zero octets to begin with; for each
 * whole block of 4,096 octets, SHA-256 of the digest before and the block; then the same for the rest, if
 * any. */
struct bulk_chain {
	unsigned char digest[HASH_SHA256]; /* of whole blocks */
	unsigned char rest[BULK_CHAIN_BLOCK];
	size_t rest_n;
};

void bulk_chain_add(struct bulk_chain *c, struct str octets);
void bulk_chain_digest(const struct bulk_chain *c, unsigned char out[HASH_SHA256]);

#endif
