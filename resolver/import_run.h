/* Import runs: the thread that reads one request's stream while its batches are made durable.
 *
 * Purpose: parsing millions of records must not hold a shard's loop up. The shard hands octets over and
 * pauses the client when a run has enough of them; the run's thread reads lines, has a batch applied while
 * it reads the next, and posts the answer to the shard. Ownership: a run is made by a request on its shard,
 * and freed there: by its answer, or by imports_stop. Threads: import_run_start and imports_stop
 * on the shard; imports_running any; imports_new and imports_free without any run. Invariants: 1. of one
 * import at most one run applies batches: a newer request for it ends the older one, and begins once that
 * one has nothing on its way any more. 2. memory of a run is bounded: the input that waits and the input
 * being read, each of IMPORT_INPUT and a piece of the body, the latter with a line besides; IMPORT_FLIGHTS
 * batches, and one that is being read. 3. a run ends before the writer does. */
#ifndef RESOLVER_IMPORT_RUN_H
#define RESOLVER_IMPORT_RUN_H

#include "resolver/face.h"
#include "resolver/import.h"

enum {
	/* Of a node: each is a thread with batches of some 6 MiB (changes, lines, and a row or values and
	 * texts of each), twice that when values are many and tiny. */
	IMPORT_RUNS_MAX = 8,
	IMPORT_RUNS_CREDENTIAL = 2, /* of one credential: the others have to get in as well */
	IMPORT_INPUT = 4 << 20,     /* octets that wait for the thread before the client is paused */
	/* The thread is woken for so many: a piece of the body is 16 KiB, and waking costs a shard more
	 * than handing it over. Fewer are taken after a lull, or at the end. */
	IMPORT_ENOUGH = 256 << 10,
	/* Batches with the writer: those that wait are flushed together when the one before them has been,
	 * while the next is read. */
	IMPORT_FLIGHTS = 4,
};

struct imports;
struct import_run;

struct import_wish {
	struct str who, scope, name;
	uint32_t roles;
	enum bulk_form form;
	uint64_t from;     /* octet of the input where this stream begins */
	bool more;         /* the input goes on in a later request: leave a line without end */
	bool only_new;     /* refuse identifiers that are registered */
	bool digest_given; /* of the octets before `from` */
	unsigned char digest[HASH_SHA256]; /* as bulk_chain_digest makes it */
};

struct imports *imports_new(void); /* NULL without memory */
void imports_free(struct imports *i);
unsigned imports_running(struct imports *i);
/* Ends the runs of a shard whose posts no longer arrive. */
void imports_stop(struct rs_shard *s);

/* Takes the request over: it is answered later. ERR_QUOTA, ERR_NO_MEMORY: it is still the caller's. */
enum err import_run_start(struct net_req *r, const struct import_wish *w, struct flaw *f) MUST_USE;

#endif
