/* Two parties and a network that loses, doubles, delays and reorders, explored exhaustively to a bounded
 * depth. What moves are the real engines, both sides: each step puts a state's rows into a transaction,
 * runs one command, takes the rows out again and rolls back. Engines have no memory but their rows, so
 * every step also is a restart after a crash; a crash between receiving and answering is an answer that is
 * lost.
 *
 * Steps: a waiting letter is delivered and answered; delivered and its answer lost, or kept back and heard
 * later; a letter that was done with long ago comes once more; the partner stays away for a day; each owner
 * does what an owner may do, once.
 * Asserted in every state without letters under way: both sides agree (terminated, in force, or waiting at
 * the same point), both hold the same kind of agreement, and what is not over shows why: an inbox row. In
 * states after a partner has stayed away: a dead letter or the reason on the row. */
#ifndef TESTS_DATASPACE_MODEL_H
#define TESTS_DATASPACE_MODEL_H

#include "tests/dataspace/world.h"

/* What an owner may do, once. fn's arg is who. */
struct wish {
	const char *name, *who;
	world_fn *fn;
};
struct model {
	const struct wish *wish;
	size_t wishes;
	bool transfer;
	unsigned again_max, away_max;
	unsigned long states, steps, quiet; /* counted */
};

extern struct world w;
extern struct model m; /* of the test that runs */

/* Of each test: a world where the maker offers "telemetry". */
int setup(void **state);
int teardown(void **state);

/* Explores from where the world is; fails the test in a state that must not be. */
void model_run(const char *name, unsigned depth);
/* For a wish: the process of its participant, or "none". */
struct str own_pid(const struct turn *u);

#endif
