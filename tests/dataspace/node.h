/* A real node for tests: store, writer, server in clear text on a loopback port, courier, credentials
 * in an environment of their own. */
#ifndef TESTS_DATASPACE_NODE_H
#define TESTS_DATASPACE_NODE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataspace/space.h"

struct node {
	char folder[64], access_folder[80], url[64];
	uint16_t port;
	unsigned shards;
	bool manual;                     /* owners agree by hand */
	const char *dsp;                 /* versions of the protocol; NULL: both */
	const char *kit;                 /* participant in test mode (dataspace/kit.h); NULL: none */
	void (*stopped)(struct node *n); /* the server has, commands are still under way; NULL: nothing */
	struct store *store, *access_store;
	struct writer *writer, *access_writer;
	struct sign_sealer *sealer;
	struct sign_key *key;
	struct courier *courier;
	struct ds *d;
	struct net_server *server;
	struct courier *client; /* the test's own */
	struct arena *arena;    /* of answers; until node_close */
};

void node_open(struct node *n, const char *const *participants, size_t participants_n, unsigned shards);
void node_stop(struct node *n);  /* the server and all of memory; the folder stays */
void node_start(struct node *n); /* again, on the same port */
void node_close(struct node *n);

/* A credential; the token lives in the arena. */
const char *node_token(struct node *n, const char *name, uint32_t roles, const char *scope);

struct answer {
	int status;
	struct str body;
	json_t *json; /* NULL when it is none */
};
/* authorization: whole header value, or NULL. path: from "/". */
struct answer node_call(struct node *n, const char *method, const char *path, const char *authorization,
			const char *body);
/* "Bearer <token>" */
struct answer node_manage(struct node *n, const char *token, const char *method, const char *path,
			  const char *body);
const char *answer_text(const struct answer *a, const char *member);

/* How long tests wait. Each step of a process waits for a flush of the disk, and a disk that others write
 * to as well has been seen to take half a minute for one: these are long enough for several, and end a wait
 * that would never end. What is waited for comes as a rule at once. */
enum {
	NODE_POLL_SECONDS = 10,     /* one long poll, the next follows */
	NODE_SILENCE_SECONDS = 120, /* an answer of a node, or more of one */
	NODE_PATIENCE_SECONDS = 300 /* a state, a count */
};
/* path: of a negotiation or transfer. Its row, once it is in one of the states ("A,B"). */
struct answer node_await(struct node *n, const char *token, const char *path, const char *states);

/* A partner's token of the participant at `from`, for a participant anywhere. */
const char *node_partner_token(struct node *from, const char *participant, const char *audience);
const char *node_did(struct node *n, const char *participant);
const struct ds_self *node_self(struct node *n, const char *participant);
/* Gives a dataset a content, as an upload would. */
void node_content(struct node *n, const char *participant, const char *dataset);

struct node_mark {
	uint64_t ledger, feed;
};
struct node_mark node_mark(struct node *n);

#endif
