/* A world without network and without time of its own: one data space in a fresh folder with the
 * participants "maker" (provider), "buyer" (consumer) and "thief"; the test carries the messages that
 * lie in the outbox, in whatever order and number it likes, and moves the clock. */
#ifndef TESTS_DATASPACE_WORLD_H
#define TESTS_DATASPACE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataspace/agreement.h"
#include "dataspace/negotiation.h"
#include "dataspace/outbox.h"
#include "dataspace/transfer.h"
#include "tests/dataspace/fake_plane.h"

struct world {
	char folder[64];
	struct store *store;
	struct writer *writer;
	struct sign_sealer *sealer;
	struct sign_key *key;
	struct ds *d;
	struct arena *arena; /* of the test: reset by world_close */
	usec_t now;
	struct str claims; /* what partners' credentials say, as identity_claims writes it; empty: they have
			      none */
	bool evidence;     /* messages come with a fresh token of their sender, and are kept */
	/* NULL, or stands around every turn: nothing that it does is kept in the store (test_model). */
	enum err (*around)(const struct turn *u, enum err (*fn)(const struct turn *u, void *arg),
			   void *arg);
};

#define WORLD_URL "https://node.example:8443"

void world_open(struct world *w);
void world_reopen(struct world *w); /* as after a crash: everything in memory is gone */
void world_close(struct world *w);

/* Runs fn(turn, arg) in one command as that participant. who NULL: a wish of its owner; otherwise a
 * message of the participant who, whose octets are `message`. */
typedef enum err world_fn(const struct turn *u, void *arg);
enum err world_turn(struct world *w, const char *participant, const char *who, struct str message,
		    world_fn *fn, void *arg, struct flaw *f);

/* Publishes dataset `id` of maker under a policy (JSON), with a content. */
void world_publish(struct world *w, const char *id, const char *policy);
const char *world_offer(struct world *w, const char *id); /* its offer id */

/* buyer asks for maker's dataset as published; the negotiation's pid. */
const char *world_negotiate(struct world *w, const char *dataset);

/* Messages waiting, whatever their due time, oldest first. */
struct letter_copy {
	uint64_t seq;
	char *participant, *peer, *url, *body;
	uint32_t kind, target, attempts;
	usec_t due;
};
size_t world_letters(struct world *w, struct letter_copy *out, size_t max);
/* The receiver handles the message: status and body of its answer. The sender is not told. */
int world_deliver(struct world *w, const struct letter_copy *l, struct str *ret_body);
/* The sender hears the answer (status 0: none). */
void world_answer(struct world *w, const struct letter_copy *l, int status, struct str body);
/* Carries everything both ways until nothing is left; the number of messages carried. */
unsigned world_settle(struct world *w);

/* Posts a message as `who` to a path under participant's DSP base: status; *ret_body may be NULL. */
int world_post(struct world *w, const char *participant, const char *who, const char *path,
	       const char *body, struct str *ret_body);

Ds__Negotiation *world_negotiation(struct world *w, const char *participant, const char *pid);
Ds__Transfer *world_transfer(struct world *w, const char *participant, const char *pid);
Ds__Agreement *world_agreement(struct world *w, const char *participant, const char *id);
/* The provider's row of the buyer's negotiation. */
Ds__Negotiation *world_makers(struct world *w, const char *pid);
struct world_mark {
	uint64_t ledger, feed;
};
struct world_mark world_mark(struct world *w); /* what an unchanged world keeps */
void world_assert_unchanged(struct world *w, struct world_mark before);
bool text_has(struct str s, const char *part);
const char *world_did(struct world *w, const char *participant);

#endif
