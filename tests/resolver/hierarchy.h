/* A hierarchy of nodes in memory, and the network between them and a walker: nodes answer from
 * their own little tables with messages made here, not by the code under test; time stands still
 * but for what each exchange takes. */
#ifndef TESTS_RESOLVER_HIERARCHY_H
#define TESTS_RESOLVER_HIERARCHY_H

#include "resolver/recursion.h"

enum { FAKE_NODES = 24, FAKE_CHILDREN = 4, FAKE_RECORDS = 4, FAKE_QUESTIONS = 4096 };

enum fake_fault {
	FAKE_SOUND,
	FAKE_SILENT,               /* never answers */
	FAKE_REFUSES,              /* HTTP 421 */
	FAKE_HTML,                 /* 200 with a web page */
	FAKE_GARBAGE,              /* 200, right type, octets of no message */
	FAKE_WRONG_KEY,            /* signs with a key nobody named */
	FAKE_OTHER_ID,             /* answers for another identifier */
	FAKE_OTHER_PREFIX,         /* gives another authority */
	FAKE_OLD_ANSWER,           /* a signed answer whose term is over */
	FAKE_EARLY_ANSWER,         /* one of next year */
	FAKE_OTHER_RECORD,         /* the record inside is another one's */
	FAKE_RETIRED_ALIVE,        /* says of an active record that it is retired */
	FAKE_FLIPPED,              /* one bit of the signed octets turned */
	FAKE_DELEGATION_AS_ANSWER, /* an envelope of another kind */
};

struct fake_node;

struct fake_child {
	const char *prefix;
	struct fake_node *node;
	usec_t not_before, not_after; /* 0: a day around now */
	struct sign_key *signer;      /* NULL: the parent's */
	const char *second_url;       /* one more endpoint, tried first if https */
};

struct fake_node {
	char url[64], did[64];
	const char *prefix;
	struct sign_key *key;
	enum fake_fault fault;
	struct fake_child children[FAKE_CHILDREN];
	size_t children_n;
	const char *records[FAKE_RECORDS];
	const char *retired;
	uint32_t ttl, ttl_negative;
	usec_t takes;
	unsigned asked;
};

struct fake_question {
	uint64_t walk;
	unsigned turn;
	char url[128], id[256];
	usec_t deadline;
};

struct fake_net {
	usec_t now;
	struct fake_node nodes[FAKE_NODES];
	size_t nodes_n;
	struct sign_key *stranger;
	struct fake_question *waiting;
	size_t waiting_n, asked;
	enum err refuse; /* ask itself fails with this */
	struct cache *cache;
	struct walker *walker;
	struct walk_anchor anchor;
	struct rs_counters counters;
	struct arena *arena;
};

/* A net with a fake clock and no node. */
struct fake_net *fake_net_new(size_t cache_octets);
void fake_net_free(struct fake_net *n);
struct fake_node *fake_node_add(struct fake_net *n, const char *prefix);
struct fake_child *fake_delegate(struct fake_node *parent, const char *prefix, struct fake_node *child);
/* top 88 → 88.118 → 88.118.8 → 88.118.8.1, the last with 88.118.8.1/pump, the third with
 * 88.118.8/lathe; the walker's anchor is the top. Nodes 0 to 3. */
void fake_four_levels(struct fake_net *n);
void fake_walker(struct fake_net *n, struct fake_node *anchor);
/* Delivers replies until nothing waits. */
void fake_run(struct fake_net *n);
/* Answers as the node would, packed, into out. */
void fake_answer(struct fake_net *n, struct fake_node *node, struct str id, struct buf *out);

struct fake_result {
	unsigned called;
	struct finding *finding; /* of the last call */
	enum err refused;        /* walker_ask's own error */
};
/* Asks and runs; the finding is released by fake_result_done. */
struct fake_result fake_ask(struct fake_net *n, const char *id);
void fake_done(void *arg, struct finding *f);
void fake_result_done(struct fake_result *r);
struct id fake_id(struct fake_net *n, const char *text);

#endif
