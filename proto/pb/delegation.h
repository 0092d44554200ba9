/* Delegations: a parent gives a prefix to a child node.
 *
 * The message Delegation of kanhe.proto, always carried inside an envelope of kind
 * ENVELOPE_DELEGATION signed by the parent. This module checks the shape; who may sign what, and
 * whether the time has come, is the resolver's decision.
 * Ownership: unpacked slices live in the arena. Threads: any. */
#ifndef PROTO_PB_DELEGATION_H
#define PROTO_PB_DELEGATION_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "proto/id/id.h"

enum {
	DELEGATION_VERSION = 1,
	DELEGATION_PACKED_MAX = 16 << 10,
	DELEGATION_KEYS_MAX = 8,       /* rotation needs two; several suites need a few more */
	DELEGATION_ENDPOINTS_MAX = 16, /* one per protocol and address */
	DELEGATION_TEXT_MAX = 2048,    /* of a DID or a URL */
};

struct node_key {
	unsigned suite;    /* SIGN_SUITE_… */
	struct str public; /* SIGN_PUBLIC octets for Ed25519 */
	struct str kid;
};

struct endpoint {
	struct str protocol; /* "http", "https", "handle", "dns": lower case */
	struct str url;
};

struct delegation {
	enum id_scheme scheme;
	struct str prefix; /* key octets ending on a boundary */
	struct str prefix_text;
	struct str parent, child; /* DIDs */
	struct node_key *keys;    /* at least one */
	size_t keys_n;
	struct endpoint *endpoints; /* at least one */
	size_t endpoints_n;
	usec_t not_before, not_after;
	uint64_t serial;
};

enum err delegation_pack(const struct delegation *d, struct buf *out) MUST_USE;
/* ERR_BAD_PROTO with field and offset; ERR_UNSUPPORTED for another version; ERR_TOO_LARGE. */
enum err delegation_unpack(struct arena *a, struct str packed, struct flaw *f,
			   struct delegation *ret) MUST_USE;
/* The URL for a protocol, STR_NONE when the child does not speak it. */
struct str delegation_endpoint(const struct delegation *d, const char *protocol);

#endif
