/* What face_find.c and face_find_series.c share: the page of an answer. Private to them. */
#ifndef RESOLVER_FACE_FIND_H
#define RESOLVER_FACE_FIND_H

#include "resolver/face_registry.h"
#include "resolver/reverse.h"

/* Parts of the index in the order they are walked, as cursors have them. */
enum {
	PART_PUBLIC = 'p',
	PART_HIDDEN = 'h',
	PART_SERIES = 's',
	PART_SERIES_HIDDEN = 't',
};

enum { FIND_OCTETS = 4 << 20 /* values stand in the answer: a page ends here */ };

struct finding_page {
	struct net_req *req;
	struct rs_shard *shard;
	struct buf *out;
	struct reverse_query query;
	struct str type;      /* the name of the type */
	struct str beginning; /* instead of query.data, when it is not empty */
	struct id_prefix prefix;
	struct scope scope; /* of hidden values; nothing in it: none are seen */
	char part;          /* where the cursor stands, then where the walk is */
	struct str after;
	uint64_t left, looks;
	struct str last; /* identifier key, or row: borrowed from the snapshot */
	char last_part;
	bool any, more;
	enum err err;
};

/* Parts of the scope that lie in the question's prefix, in order, none in another; in the arena. */
enum err face_find_scope(struct finding_page *p, struct str **ret, size_t *ret_n) MUST_USE;
/* Whether the octets can be a row of series of this question. */
bool face_find_is_series_row(const struct finding_page *p, char part, struct str row);
/* Series with such a value, and members of series: to the page, from its cursor on. */
enum err face_find_series(struct finding_page *p, bool hidden) MUST_USE;

#endif
