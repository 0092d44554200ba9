/* Reporting upwards: what a node tells its superior or a disaster-recovery node of itself, and how.
 *
 * Purpose: reports (prefixes, counts, counters) on a schedule and on demand, and the core data row by row
 * as the change feed tells it, so that a full copy stands elsewhere. The form is a driver: a row of a table
 * of function pointers; `json` is our own. The format between top-level and secondary nodes of China's
 * system is not public: it would be another row. Ownership: struct reporter is the resolver's; it runs one
 * thread of its own, which reads the registry with its own transactions, sends by the courier and waits.
 * Threads: reporter_ask from any shard; the rest as said. Invariants: 1. a change is sent after all changes
 * before it; a change that the other side has not acknowledged is sent again. 2. what the other side has
 * decides where sending goes on, the kept position only where it begins. 3. credentials, notices and
 * signatures never leave, nor how a person of an enterprise can be reached. */
#ifndef RESOLVER_REPORT_H
#define RESOLVER_REPORT_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/store.h"

struct rs;
struct reporter;

/* Core data: number in messages and copies, name, table here. */
#define REPORT_TABLES(X)                                                                                   \
	X(RECORD, 1, record)                                                                               \
	X(DELEGATION, 2, delegation)                                                                       \
	X(TEMPLATE, 3, template)                                                                           \
	X(CLASSIFICATION, 4, classification)                                                               \
	X(SERIES, 5, series)                                                                               \
	X(ENTERPRISE, 6, enterprise)                                                                       \
	X(ALLOCATION, 7, allocation)                                                                       \
	X(ACCOUNT, 8, account)                                                                             \
	X(USAGE, 9, usage)
enum report_table {
#define X(up, number, low) REPORT_##up = number,
	REPORT_TABLES(X)
#undef X
};
enum { REPORT_TABLES_N = 9 };
const char *report_table_name(unsigned table);                       /* "record"; NULL */
enum err report_table_find(struct str name, unsigned *ret) MUST_USE; /* ERR_NOT_FOUND */

/* Rows of a digest or a copy; false: enough. */
typedef bool report_row_fn(void *arg, struct str key, struct str value);
/* A running digest over rows: SHA-256 of be16 length and key, be32 length and value of each. */
struct hash;
void report_digest_row(struct hash *h, struct str key, struct str value);

/* ---- the adapter ------------------------------------------------------------------------ */

enum { REPORT_DAYS = 2, REPORT_STATISTICS_MAX = 16 }; /* today and yesterday, days of UTC */

struct report_prefix {
	struct str text;
	uint64_t active, retired;
	uint64_t days[REPORT_DAYS][REPORT_STATISTICS_MAX]; /* yesterday's first */
};
struct report_enterprises {
	uint64_t states[8]; /* enterprises in each, by enum enterprise_state */
	uint64_t accounts;
};
struct report_facts {
	struct str node, name;
	usec_t at, since; /* wall: now, start of the counters */
	const struct report_prefix *prefixes;
	size_t prefixes_n;
	struct report_enterprises enterprises;
	uint32_t today; /* since 1970 */
	const char *const *statistic_names;
	size_t statistics_n;
	const char *const *counter_names;
	const uint64_t *counters;
	size_t counters_n;
	uint64_t feed_position, ledger_size;
	unsigned char ledger_root[32];
};

struct report_batch {
	uint64_t from, to, ledger_size;
	const unsigned char *ledger_root;
	bool more, full, begin, end;
};

struct report_call {
	const char *method, *path; /* path: after the superior's URL */
	struct buf body;
	const char *content_type;
};
struct report_place { /* what the other side has */
	uint64_t position;
	bool partial;
};
struct report_page {
	uint64_t position, rows;
	char digest[64];
	struct str last; /* key of its last row; in the arena */
	bool end;
};

struct report_driver {
	const char *name;
	/* Each fills a call whose body the caller ends with buf_done. */
	void (*report)(const struct report_facts *f, struct report_call *ret);
	void (*batch_open)(const struct report_batch *b, struct report_call *ret);
	void (*batch_op)(struct report_call *c, unsigned table, struct str key, const struct str *value);
	void (*batch_close)(struct report_call *c, const struct report_batch *b);
	void (*where)(struct report_call *ret); /* asks what the other side has */
	void (*digest)(unsigned table, struct str after, struct arena *a, struct report_call *ret);
	/* Answers. ERR_UPSTREAM: not understood. */
	enum err (*read_place)(struct arena *a, struct str body, struct report_place *ret);
	enum err (*read_page)(struct arena *a, struct str body, struct report_page *ret);
};
extern const struct report_driver *const report_drivers[];
extern const size_t report_drivers_n;

/* ---- the reporter ----------------------------------------------------------------------- */

enum {
	REPORT_BODY = 4 << 20,   /* where a batch is closed; the other side takes 8 MiB */
	REPORT_ENTRIES = 1000,   /* feed entries of one batch */
	REPORT_WAITING_MAX = 64, /* requests that wait for the reporter */
	REPORT_URL_MAX = 299,
};
#define REPORT_WAIT_MIN (1 * USEC_PER_SEC)
#define REPORT_WAIT_MAX (300 * USEC_PER_SEC)

struct rs_report;
/* What is wrong with the settings. ERR_BAD_CONF. Pure. */
enum err reporter_check(const struct rs_report *o, struct flaw *f) MUST_USE;
/* ERR_BAD_CONF; without a URL *ret is NULL and ERR_OK. */
enum err reporter_open(struct rs *rs, struct flaw *f, struct reporter **ret) MUST_USE;
void reporter_close(struct reporter *r); /* ends the thread; NULL is allowed */

enum report_work { REPORT_SEND, REPORT_SEND_WHOLE, REPORT_COMPARE };
struct report_outcome {
	enum err err;
	char text[300];
	uint64_t position;              /* compared at */
	uint64_t rows[REPORT_TABLES_N]; /* of each table compared */
	bool same;
	unsigned table;  /* the first that differs, */
	char after[600]; /* after this key (base64url) */
};
struct report_ask {
	enum report_work work;
	struct report_outcome outcome;
	void (*done)(struct report_ask *a); /* on the reporter's thread, once */
	struct report_ask *next;
};
/* ERR_BUSY, ERR_STOPPING: done is not called. */
enum err reporter_ask(struct reporter *r, struct report_ask *a) MUST_USE;

struct report_status {
	char url[REPORT_URL_MAX + 1], driver[16], error[300];
	bool sync;
	uint64_t position, head, reports, batches, failures; /* position: acknowledged */
	usec_t last_report, last_sync;                       /* wall; 0: not yet */
};
void reporter_status(struct reporter *r, struct store_txn *t, struct report_status *ret);

#endif
