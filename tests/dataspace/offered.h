/* A world where maker offers "telemetry", to be used three times: what tests of negotiations begin with. */
#ifndef TESTS_DATASPACE_OFFERED_H
#define TESTS_DATASPACE_OFFERED_H

#include "tests/dataspace/world.h"

#define POLICY                                                                                             \
	"{\"permission\":[{\"action\":\"use\",\"constraint\":[{\"leftOperand\":\"count\","                 \
	"\"operator\":\"lteq\",\"rightOperand\":\"3\"}]}]}"

extern struct world w;

/* Of each test. */
int setup(void **state);
int teardown(void **state);

#endif
