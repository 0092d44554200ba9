/* Two real nodes with the real data plane: maker (provider) and buyer (consumer). */
#ifndef TESTS_DATASPACE_PAIR_H
#define TESTS_DATASPACE_PAIR_H

#include "tests/dataspace/node.h"

struct pair {
	struct node maker, buyer;
	const char *maker_owner, *buyer_owner; /* tokens */
};
extern struct pair pair;

int pair_setup(void **state);
int pair_teardown(void **state);

/* As owner of the participant of the same name. path: behind "/participants/maker". */
struct answer maker_call(const char *method, const char *path, const char *body);
struct answer buyer_call(const char *method, const char *path, const char *body);
const char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* n octets that repeat nowhere near; the same for the same seed. In the arena of buyer. */
struct str octets(size_t n, unsigned seed);
const char *digest_text(struct str content); /* "sha256:…" */
/* Publishes and fills a dataset; policy: constraints of one permission to use, "" for none. */
void publish(const char *id, const char *constraints, struct str content);
const char *agree(const char *dataset); /* negotiates; the agreement's id */
/* more: further members of the request, such as ",\"rate\":1000". The pid. */
const char *pull(const char *agreement, const char *more);
/* The transfer at the buyer, or at the maker, once it is in one of the states ("A,B"). */
struct answer await_maker(const char *pid, const char *states);
struct answer await(const char *pid, const char *states);
uint64_t count(const struct answer *a, const char *member);
/* Polls at the buyer until the transfer has at least so many octets. */
uint64_t await_octets(const char *pid, uint64_t at_least);
/* The meter of an agreement at a node, once it is in that state. */
json_t *await_meter(struct answer (*call)(const char *, const char *, const char *), const char *agreement,
		    const char *state);
/* Both sides' meters agree and say this. */
void assert_meters(const char *agreement, uint64_t transfers, uint64_t requests, uint64_t octets);

#endif
