/* Which members of a series have a value: a template read backwards.
 *
 * Purpose: from `https://x.example/{serial}` and `https://x.example/0042` to the serial 0042. Every octet
 * of a filled template either stands in the template or comes from a place of the range, so the octets that
 * are asked for say what stands in those places; whatever they leave open may be anything that the range
 * allows. The member that is found is filled again and compared: a match is never taken for granted.
 * Threads: any. Pure. */
#ifndef RESOLVER_SERIES_MATCH_H
#define RESOLVER_SERIES_MATCH_H

#include "resolver/series_pattern.h"

enum { SERIES_STEM_MAX = 120 /* octets; the few that have longer ones in common are looked at */ };

/* What the data of all members have in common. */
struct series_stem {
	struct str octets; /* of a template borrowed from it or in the arena; SERIES_STEM_MAX at most */
	bool whole;        /* it is all of the data, of every member */
};
/* data: of a value that passed series_check_values. ERR_NO_MEMORY. */
enum err series_stem(struct arena *a, const struct series_pattern *p, struct str data,
		     struct series_stem *ret) MUST_USE;

enum series_matched {
	SERIES_MATCHES_NONE,
	SERIES_MATCHES_ONE,
	SERIES_MATCHES_SOME, /* or all */
};
struct series_wanted {
	struct str octets;
	bool begins; /* the data go on behind them; else they are all of the data */
};
/* Whether some member's data, filled from the value's, are as wanted; the only one that there is. ret_id:
 * of that one, in the arena. ERR_NO_MEMORY. */
enum err series_match(struct arena *a, const struct series_pattern *p, struct str data,
		      const struct series_wanted *w, enum series_matched *ret, struct id *ret_id) MUST_USE;

#endif
