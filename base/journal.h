/* Journal: one file of records, each durable before the call that wrote it returns.
 *
 * Purpose: a store's commits wait here for being folded into LMDB (base/store_env.h). A store has two
 * journals in turn, one for each memtable. A file is used again from its start without being emptied:
 * a record counts only if it bears the store's number and the commit after the one before it.
 * Octets of a record, one after another without gaps:
 *   0  "kanheJ1\n"
 *   8  be64 number of the store, random at its making
 *  16  be64 number of the commit
 *  24  be32 enum journal_kind
 *  28  be32 length of the payload
 *  32  SHA-256 of octets 0 to 31 and the payload
 *  64  payload
 *
 * Threads: one at a time. Ownership: the struct is the caller's. */
#ifndef BASE_JOURNAL_H
#define BASE_JOURNAL_H

#include "base/str.h"

enum journal_kind {
	JOURNAL_OPS = 1,      /* operations as base/feed_op.h writes them */
	JOURNAL_FEED_ROW = 2, /* be64 position and a row of STORE_FEED, which names all else */
};

enum { JOURNAL_HEAD = 64, JOURNAL_PAYLOAD_MAX = 4 << 20 };

struct journal {
	int fd;
	uint64_t store;  /* number of the store */
	size_t at, laid; /* where the next record goes; octets of the file that have blocks */
};

struct journal_record {
	uint64_t commit;
	enum journal_kind kind;
	struct str payload[2]; /* one after the other; read back, all of it is in the first */
};

/* Made when absent, mode 0600. ERR_IO, ERR_NO_SPACE. */
enum err journal_open(const char *path, uint64_t store, struct journal *ret) MUST_USE;
void journal_close(struct journal *j);
/* Durable once it returns ERR_OK. Otherwise (ERR_IO, ERR_NO_SPACE) the record is struck out as far as
 * the disk still obeys, and the next one takes its place. */
enum err journal_append(struct journal *j, const struct journal_record *r) MUST_USE;
void journal_restart(struct journal *j); /* from the start; what is in it is no longer needed */
size_t journal_octets(const struct journal *j);

/* The record at *at, which moves behind it; the payload is put into memory for JOURNAL_PAYLOAD_MAX
 * octets. ERR_NOT_FOUND: none there, or a torn one; ERR_IO. */
enum err journal_read(const struct journal *j, size_t *at, char *payload,
		      struct journal_record *ret) MUST_USE;

#endif
