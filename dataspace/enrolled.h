/* Enrolled planes: the control planes that use our data plane, and the data planes that move data for us.
 *
 * Purpose: what signaling's two registrations have in common (control_plane.c, data_plane.c). An owner
 * enrols a plane with the endpoint of its signaling interface, and gets the credential that it calls us
 * with, once; of it only the digest is kept. A plane whose id is a DID may call with tokens of that DID
 * instead. We call it with tokens of the participant's own (ds_token_make), which its DID document
 * verifies: no secret of others is stored, and other kinds of authorization are refused by name.
 *
 * Invariants: 1. enrolling again replaces everything: the former credential ends. 2. each call with a
 * credential compares with those of all planes of the participant, in constant time each; so their number
 * is bounded. Rows are protobuf messages whose id and digest stand where the kind says.
 * Threads: find and each with any transaction; put, check, room, credential and tell in commands; enter and
 * what follows it on the request's shard. */
#ifndef DATASPACE_ENROLLED_H
#define DATASPACE_ENROLLED_H

#include "dataspace/turn.h"
#include "proto/dps/message.h"

struct enrolled_kind {
	enum ds_table table;
	const ProtobufCMessageDescriptor *desc;
	size_t id, token;   /* where in the row: char *, ProtobufCBinaryData */
	const char *member; /* of messages, that names it */
	const char *name;   /* "control plane" */
	const char *calls;  /* what we send it carries our token */
	const char *unknown_did;
	enum ds_event_kind event;
	size_t max;        /* of one participant */
	bool kit_unproven; /* the conformance kit is let in as one that proves nothing */
};

/* ERR_NOT_FOUND, ERR_CORRUPT. */
enum err enrolled_find(struct store_txn *t, struct arena *a, const struct enrolled_kind *k,
		       struct str participant, struct str id, ProtobufCMessage **ret) MUST_USE;
enum err enrolled_put(struct writer_txn *t, const struct enrolled_kind *k, struct str participant,
		      const ProtobufCMessage *row) MUST_USE;
enum err enrolled_delete(struct writer_txn *t, const struct enrolled_kind *k, struct str participant,
			 struct str id) MUST_USE;
/* fn ends the walk with ERR_NOT_FOUND. */
typedef enum err enrolled_fn(void *arg, const ProtobufCMessage *row);
enum err enrolled_each(struct store_txn *t, struct arena *a, const struct enrolled_kind *k,
		       struct str participant, enrolled_fn *fn, void *arg) MUST_USE;

/* ---- enrolling ---- */

/* A registration message's id, endpoint and authorization. ERR_BAD_MESSAGE. */
enum err enrolled_check(const struct turn *u, const struct enrolled_kind *k, const struct dps_message *m,
			struct str id, struct str *ret_endpoint) MUST_USE;
/* ERR_QUOTA: there are as many as may be. */
enum err enrolled_room(const struct turn *u, const struct enrolled_kind *k) MUST_USE;
/* A new credential for the row, which is put; it is told in answer, with where to call. */
enum err enrolled_credential(const struct turn *u, const struct enrolled_kind *k, ProtobufCMessage *row,
			     json_t *answer) MUST_USE;
enum err enrolled_tell(const struct turn *u, const struct enrolled_kind *k, const char *id,
		       const char *endpoint, const char *what) MUST_USE;

/* ---- calls ---- */

/* peer: of a token, else NULL. plane: empty for the conformance kit. */
typedef void enrolled_call_fn(struct net_req *r, const struct ds_self *self, struct str plane,
			      const struct ds_peer *peer);
/* Lets a plane of the participant in the route in by its credential; with a token, `signed_by` is called
 * once that is verified, and calls enrolled_signed. Refusals are answered. */
void enrolled_enter(struct net_req *r, const struct enrolled_kind *k, ds_peer_fn *signed_by,
		    enrolled_call_fn *then);
void enrolled_signed(struct net_req *r, const struct enrolled_kind *k, const struct ds_peer *peer,
		     enrolled_call_fn *then);
void enrolled_refuse(struct net_req *r, enum err e, const struct flaw *f);

/* The last `max` messageIds of a row: repeats come soon after. */
bool enrolled_seen(char *const *messages, size_t n, struct str message);
enum err enrolled_remember(const struct turn *u, struct str message, size_t max, size_t *n,
			   char ***messages) MUST_USE;

extern const struct enrolled_kind enrolled_control_planes; /* control_plane.c */
extern const struct enrolled_kind enrolled_data_planes;    /* data_plane.c */

#endif
