/* Participants: many on one node, each with its own DID, key, catalog and DSP base path.
 *
 * The keyring keeps their unsealed keys for the life of the process: a key is read from its row and
 * unsealed the first time it is needed, and lives in sodium_malloc memory.
 * Threads: keyring any (a lock of its own); the rest as said. */
#ifndef DATASPACE_PARTICIPANT_H
#define DATASPACE_PARTICIPANT_H

#include "dataspace/space.h"

enum err keyring_open(struct ds *d, struct keyring **ret) MUST_USE;
void keyring_close(struct keyring *k); /* NULL is allowed */

/* a-z 0-9 '-', 1 to DS_ID_MAX, neither first nor last a '-'. ERR_BAD_INPUT. */
enum err participant_id_check(struct str id, struct flaw *f) MUST_USE;
/* In a command. ERR_EXISTS. did: as did_web_from_url gives it for <url>/p/<id>. */
enum err participant_add(struct writer_txn *t, const Ds__Participant *p, struct str who) MUST_USE;
enum err participant_find(struct store_txn *t, struct arena *a, struct str id,
			  Ds__Participant **ret) MUST_USE;

/* A participant of this node by its DID; ERR_NOT_FOUND. */
enum err participant_by_did(struct ds *d, struct store_txn *t, struct str did,
			    const struct ds_self **ret) MUST_USE;

extern const struct net_route participant_routes[];
extern const size_t participant_routes_n;

#endif
