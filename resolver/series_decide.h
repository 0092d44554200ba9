/* Whether the values of all members keep to an attribute's rule, without making each: between
 * series_values.c and series_decide.c. */
#ifndef RESOLVER_SERIES_DECIDE_H
#define RESOLVER_SERIES_DECIDE_H

#include "proto/template/template.h"
#include "resolver/series.h"

enum {
	/* Members whose values, or records, are made and looked at one by one within the writer's command:
	 * some ten milliseconds. */
	SERIES_EACH_MAX = 1000,
};

enum series_verdict {
	SERIES_KEEPS,
	SERIES_BREAKS, /* perhaps: the one found is to be looked at */
	SERIES_OPEN,
};

struct series_question {
	const struct series_pattern *pattern;
	const struct template_attribute *attribute; /* not of type reference, unless that is decided */
	struct str data;                            /* a template that passed template_check_parts */
	uint64_t *budget;                           /* of all values of a series together; SERIES_BUDGET */
};
#define SERIES_BUDGET UINT64_C(20000000) /* nodes of patterns looked at: some hundredths of a second */

/* ret_serial: of the member that breaks it. ERR_NO_MEMORY. */
enum err series_decide(const struct series_question *q, enum series_verdict *ret,
		       char ret_serial[SERIES_WINDOW_MAX]) MUST_USE;

#endif
