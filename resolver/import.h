/* Imports: streams of records of any size, registered exactly once (proto/bulk has their forms).
 *
 * Purpose: an import has a name of its credential's choosing. Its row tells how far it has come: the octets
 * that were read, a digest of them, and the counts. The row is written in the transaction of each batch of
 * records, so whoever resumes goes on behind the last octet that counts, and an octet is never applied
 * twice. A record that is refused is noted by its line, with the first IMPORT_FLAWS_MAX of them in full;
 * the others go in. Refused is also a record of an identifier that the import has changed before.
 * Ownership: slices of a struct import point into the store or the caller's memory.
 * Threads: import_find and the lists with any transaction; the rest inside writer commands.
 * Invariants: 1. read = created + replaced + unchanged + refused. 2. a row's offset only grows, and only
 * from where the batch began. 3. a finished import stays as it is until it is removed. */
#ifndef RESOLVER_IMPORT_H
#define RESOLVER_IMPORT_H

#include "net/access.h"
#include "proto/bulk/bulk.h"
#include "resolver/registry.h"
#include "resolver/series.h"

enum {
	IMPORT_NAME_MAX = ACCESS_NAME_MAX, /* stands in ledger entries and paths */
	IMPORT_FLAWS_MAX = 10000, /* kept of one import: more is not read by anybody; all are counted */
	IMPORT_KEPT_MAX = 256,    /* imports of one credential that were not removed */
	/* One batch is one ledger entry, and all of it waits for one flush. Larger ones save flushes, and
	 * hold other changes up: some 10 ms of the writer's thread. */
	IMPORT_BATCH_RECORDS = 4000,
	IMPORT_BATCH_OCTETS = 1 << 20,
	IMPORT_BATCH_SERIES = 256, /* each looks for what it may overlap, and has an entry of its own */
	IMPORT_ID_SHOWN = 256,     /* octets of an identifier in a report */
};

struct import {
	struct str who, name;
	enum bulk_form form;
	bool finished, only_new, skipping; /* skipping: in the rest of a line that was too long */
	usec_t started, modified;
	uint64_t offset, lines;                               /* of the input, read */
	uint64_t read, created, replaced, unchanged, refused; /* records */
	uint64_t flaws, first_leaf; /* flaws kept; ledger index of import.started */
	struct bulk_chain chain;    /* of the octets read */
	struct str header;          /* of CSV */
};

/* A record that was refused. */
struct import_flaw {
	uint64_t line, offset; /* where its line begins, in the input */
	enum err err;          /* ERR_INTERNAL for a name that this version does not know */
	size_t position;       /* in the line or the identifier; FLAW_NO_OFFSET */
	struct str id, at, rule, text;
};

/* 1 to IMPORT_NAME_MAX characters A-Z a-z 0-9 . _ @ -. ERR_BAD_INPUT, field "name". */
enum err import_name_check(struct str name, struct flaw *f) MUST_USE;
enum err import_find(struct store_txn *t, struct str who, struct str name, struct import *ret) MUST_USE;
/* In order of name or line, behind `after` (empty, 0: from the first); false: enough. */
typedef bool import_list_fn(void *arg, const struct import *m);
enum err import_list(struct store_txn *t, struct str who, struct str after, import_list_fn *fn,
		     void *arg) MUST_USE;
typedef bool import_flaw_fn(void *arg, const struct import_flaw *x);
enum err import_flaws(struct store_txn *t, const struct import *m, uint64_t after, import_flaw_fn *fn,
		      void *arg) MUST_USE;
/* The row as people and programs see it: an object's members, braces included. */
void import_write_json(const struct import *m, struct buf *out);

/* Inside writer commands. begin sets started, modified and first_leaf, appends the ledger entry.
 * ERR_EXISTS, ERR_QUOTA. */
enum err import_begin(struct import *m, struct writer_txn *t, struct flaw *f) MUST_USE;
enum err import_put(const struct import *m, struct store_txn *t) MUST_USE;
enum err import_put_flaw(const struct import *m, const struct import_flaw *x, struct store_txn *t) MUST_USE;
/* The ledger entry of the end; the caller puts the row. */
enum err import_finish(struct import *m, struct writer_txn *t) MUST_USE;
/* ERR_NOT_FOUND. */
enum err import_remove(struct str who, struct str name, struct writer_txn *t) MUST_USE;

/* ---- a batch (import_apply.c) ----------------------------------------------------------- */

/* One record or refused line of a batch. */
struct import_line {
	uint64_t line, offset;
	struct str id; /* as far as known, for the report */
	bool judged;   /* refused while it was applied: looked at anew each time */
	enum err err;
	size_t position;
	struct str at, rule, text; /* of a refusal: in the batch's arena */
};

/* A line that is a series. */
struct import_batch;
struct import_series {
	struct series_change c;
	struct import_batch *batch;
	size_t place; /* of its line */
	struct import_series *next;
};

struct import_batch {
	struct writer_cmd cmd;
	struct arena *arena,
	    *scratch; /* everything of the batch, until import_batch_clear; of one applying */
	usec_t time;  /* of registration, of rows made ahead: when the batch was opened */
	struct registry_set set;
	struct import_line *lines;                  /* set.changes[i].place is one's index */
	size_t lines_n, refused;                    /* lines; of them those with an error */
	struct import_series *series, **series_end; /* in the order of their lines */
	size_t series_n;
	struct rs *rs;
	uint64_t from, read; /* offset where it begins; records in it */
	struct import after; /* what the row becomes; counts are filled in while it is applied */
	bool begin, finish;  /* the first, the last of its import */
	bool follows;  /* set by who submits: its import is a first load so far, and its keys followed that
			  order */
	bool in_order; /* set by who fills it: its own keys ascend */
	bool loading;  /* set while it is applied: nobody notes rows of an index */
	struct flaw flaw;
	void (*done)(void *arg, enum err e); /* on the writer's thread */
	void *arg;
};

enum err import_batch_open(struct import_batch *b, struct rs *rs) MUST_USE; /* ERR_NO_MEMORY */
void import_batch_close(struct import_batch *b);
void import_batch_clear(struct import_batch *b);
/* Notes a refusal; texts are copied. */
enum err import_batch_refuse(struct import_batch *b, struct import_line *l, enum err e,
			     const struct flaw *f) MUST_USE;
/* ERR_CONFLICT: somebody else has moved or removed the import meanwhile. Refusals of single records are
 * no error. done is not called when this fails. */
enum err import_batch_submit(struct import_batch *b) MUST_USE;

#endif
