/* Two nodes and who lives there: what tests of the interface share. Threads: the test's. */
#ifndef TESTS_DATASPACE_NEIGHBOURS_H
#define TESTS_DATASPACE_NEIGHBOURS_H

#include "tests/dataspace/node.h"

#define DATASET                                                                                            \
	"{\"title\":\"Telemetry\",\"policy\":{\"permission\":[{\"action\":\"use\",\"constraint\":["        \
	"{\"leftOperand\":\"count\",\"operator\":\"lteq\",\"rightOperand\":\"3\"}]}]}}"

extern struct node here, there; /* maker and neighbour live here, buyer and thief there */
extern const char *maker_owner, *buyer_owner;

/* Of each test: the maker offers "telemetry". */
int setup(void **state);
int teardown(void **state);

/* A text in the arena of here, of two parts. */
const char *format(const char *fmt, const char *a, const char *b);
bool text_has(struct str s, const char *part);
/* Neither ledger nor feed of here have grown. */
void assert_unchanged(struct node_mark before);
/* A participant of `from` with a good token asks one of here. */
struct answer as_partner(struct node *from, const char *who, const char *participant, const char *method,
			 const char *path, const char *body);

#endif
