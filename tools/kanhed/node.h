/* A node: everything one worker process holds, opened from its configuration.
 *
 * Purpose: wires the halves together; used by the daemon (all of it) and by `kanhe init` (keys
 * and stores only, while no daemon runs). Threads: the main thread.
 * Invariants: 1. node_close undoes whatever node_open had reached. 2. the folder's lock is held
 * by the stores: a second opener gets ERR_LOCKED. */
#ifndef TOOLS_KANHED_NODE_H
#define TOOLS_KANHED_NODE_H

#include "base/conf.h"
#include "base/sign.h"
#include "base/writer.h"
#include "dataspace/dataspace.h"
#include "net/courier.h"
#include "resolver/resolver.h"
#include "tools/kanhed/storage.h"

enum { NODE_DID_MAX = 600, NODE_ANCHORS_MAX = 16, NODE_TOKEN_MAX = 64 };

struct node {
	const struct conf *conf;
	char did[NODE_DID_MAX];
	usec_t started;
	struct sign_key *key;
	struct sign_sealer *sealer;
	struct store *registry, *space;
	struct writer *registry_writer, *space_writer;
	struct storage registry_storage, space_storage;
	struct courier *courier;
	struct rs *rs;
	struct ds *ds;
	struct net_server *server;
	struct rs_anchor anchors[NODE_ANCHORS_MAX];
	size_t anchors_n;
	char *anchor_texts; /* backs the anchors' strings */
	char report_token[NODE_TOKEN_MAX];
	_Atomic bool stopping;
};

/* What a start would refuse of settings, without opening anything: tells each (f->at is the setting), and
 * returns the first, ERR_BAD_CONF or ERR_NO_MEMORY. */
typedef void node_tell_fn(void *arg, const struct flaw *f);
enum err node_check(const struct conf *c, node_tell_fn *tell, void *arg) MUST_USE;
/* What lets partners in unproven, in one line; "": nothing does. */
const char *node_test_mode(const struct conf *c);
/* Anchors, keys, stores and writers. *f says what failed and where. */
enum err node_open_stores(struct node *n, const struct conf *c, struct flaw *f) MUST_USE;
/* The rest: courier, resolver, data space (needs node_open_stores). */
enum err node_open_halves(struct node *n, struct flaw *f) MUST_USE;
void node_close(struct node *n);

#endif
