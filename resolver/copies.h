/* Copies: what nodes below have reported and handed up: their reports, and their core data row by row.
 *
 * Purpose: the receiving side of reporting upwards. A reporter is the name of a credential; what it hands
 * up is kept under that name and is served to nobody as ours. Changes come in the order of the reporter's
 * feed; each is applied with the position it leads to in one transaction, so that the same message again
 * changes nothing. A whole copy is built beside the old one (a generation) and takes its place when it is
 * complete. Threads: apply and note inside writer commands; the rest with any transaction. Invariants: 1. a
 * copy's rows are the reporter's at `position`, but while an entry comes in parts. 2. no row lies outside
 * the scope of the reporter's credential (the face checks). Ledger entries: copy.begun, copy.replaced
 * (reporter, position), report.received (reporter, digest): one for each report, none for each change
 * handed up, for those are in the reporter's own ledger, whose root comes with them. */
#ifndef RESOLVER_COPIES_H
#define RESOLVER_COPIES_H

#include "base/writer.h"
#include "proto/id/id.h"
#include "resolver/report.h"

enum {
	COPY_SWEEP = 500,     /* rows of old generations deleted with each message */
	COPY_PAGE = 2000,     /* rows of one page of a digest, at most */
	COPY_OPS_MAX = 50000, /* in one message of 8 MiB */
	REPORTS_KEPT = 1000,  /* of one reporter */
};
#define COPY_PAGE_OCTETS ((size_t)8 << 20)

struct copy_state {
	uint64_t position;    /* of the reporter's feed */
	uint64_t ledger_size; /* and its ledger there */
	unsigned char ledger_root[32];
	uint64_t generation, building; /* building 0: none */
	usec_t at;                     /* of the last change */
	bool partial;                  /* an entry has come in part */
};

struct copy_op {
	unsigned table; /* enum report_table */
	struct str key, value;
	bool remove;
};

struct copy_message {
	struct str reporter;
	uint64_t from, to; /* entries from ≤ … ≤ to; full: to alone */
	uint64_t ledger_size;
	unsigned char ledger_root[32];
	bool more;             /* the last entry goes on in the next message */
	bool full, begin, end; /* rows of a whole copy */
	struct copy_op *ops;
	size_t n;
};

/* The body of POST /sync, as the driver `json` writes it (report_json.c); the reporter is left empty.
 * ERR_BAD_MESSAGE with the member named, ERR_NO_MEMORY. */
enum err report_message_read(struct arena *a, json_t *j, struct flaw *f, struct copy_message *ret) MUST_USE;

/* ERR_NOT_FOUND: nothing has come from it. */
enum err copies_state(struct store_txn *t, struct str reporter, struct copy_state *ret) MUST_USE;
/* ERR_PRECONDITION: it does not follow on what is there (the state tells where that is). A message that is
 * known already is OK and changes nothing. */
enum err copies_apply(struct writer_txn *t, const struct copy_message *m) MUST_USE;
enum err copies_report(struct writer_txn *t, struct str reporter, struct str json) MUST_USE;

typedef bool copies_each_fn(void *arg, struct str reporter, const struct copy_state *s);
enum err copies_each(struct store_txn *t, copies_each_fn *fn, void *arg) MUST_USE;
typedef bool copies_reports_fn(void *arg, usec_t at, struct str json); /* newest first */
enum err copies_reports(struct store_txn *t, struct str reporter, copies_reports_fn *fn,
			void *arg) MUST_USE;
/* One row. ERR_NOT_FOUND. */
enum err copies_row(struct store_txn *t, struct str reporter, unsigned table, struct str key,
		    struct str *ret) MUST_USE;
/* Rows of one table after a key, in order. */
enum err copies_rows(struct store_txn *t, struct str reporter, unsigned table, struct str after,
		     report_row_fn *fn, void *arg) MUST_USE;

#endif
