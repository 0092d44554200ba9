/* Reverse index of series: which series may have a member with this data of this type.
 *
 * Purpose: ten million members are one row. A row stands for what the data of all members have in common
 * (their stem): all of it, where the template has no placeholder. Whoever looks for data walks the stems
 * that they begin with, one seek for each length of stem that there is, and looks at the templates of the
 * series found (resolver/series_match.h); of series that follow each other, nearly always at one. Threads:
 * noting inside a writer command; finding with any transaction. Invariants: 1. for a type that is noted
 * (also while a load fills the registry: series are few), a row stands for each active series and each stem
 * of its values of that type, and for nothing else; public and hidden values apart. 2. rows of one stem
 * sort by the key of the series' last member. */
#ifndef RESOLVER_REVERSE_SERIES_H
#define RESOLVER_REVERSE_SERIES_H

#include "resolver/reverse_type.h"
#include "resolver/series.h"

/* The change of a series from old to new, each packed or empty (there was none, or there is none), and
 * borrowed from elsewhere than the store. The arena is rolled back. */
enum err reverse_series_note(struct store_txn *t, struct arena *a, const struct series_pattern *p,
			     const struct str old_new[2]) MUST_USE;
/* Rows of one type, some at a time; its place is that of number | REVERSE_SERIES. *ret_more: there are
 * others. */
enum { REVERSE_SERIES = 128 };
enum err reverse_series_build(struct store_txn *t, struct arena *a, unsigned char number,
			      bool *ret_more) MUST_USE;
enum err reverse_series_drop(struct store_txn *t, struct arena *a, unsigned char number,
			     bool *ret_more) MUST_USE;
/* Rows of all types that are noted, of a registry that was made before there were any. */
enum err reverse_series_make(struct store_txn *t, struct arena *a) MUST_USE;

struct reverse_series_query {
	unsigned char number;
	struct str data;
	bool begins; /* data go on behind these octets */
	bool hidden; /* the part that is not public */
	/* Beginnings of the last member's key, in order, none within another: rows of others are passed
	 * over and cost nothing. */
	const struct str *under;
	size_t under_n;
	struct str after; /* a row that was told; empty: from the first */
};
struct reverse_series_row {
	struct str key;       /* to go on behind */
	struct str series;    /* its row's key */
	unsigned char length; /* of the stem */
};
typedef bool reverse_series_fn(void *arg, const struct reverse_series_row *row); /* false: enough */
/* Rows that may have such data. Borrowed until the transaction ends. */
enum err reverse_series_find(struct store_txn *t, const struct reverse_series_query *q,
			     reverse_series_fn *fn, void *arg) MUST_USE;

#endif
