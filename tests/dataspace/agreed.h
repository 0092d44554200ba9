/* A world where buyer and maker have an agreement: what tests of transfers begin with. */
#ifndef TESTS_DATASPACE_AGREED_H
#define TESTS_DATASPACE_AGREED_H

#include "tests/dataspace/world.h"

#define POLICY "{\"permission\":[{\"action\":\"use\"}]}"

extern struct world w;
extern char *agreement; /* its id */

/* Of each test. */
int setup(void **state);
int teardown(void **state);

/* Either side's row of the buyer's transfer. */
Ds__Transfer *buyers(const char *pid);
Ds__Transfer *makers(const char *pid);

#endif
