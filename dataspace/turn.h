/* A turn: one message of a partner, or one wish of an owner, handled inside a command.
 *
 * Engines get everything they may know through it: the transaction, the time of the batch, the
 * partner's name and keys. They have no clock, no socket and no memory of their own, so tests play
 * whole exchanges by calling them with messages in any order. */
#ifndef DATASPACE_TURN_H
#define DATASPACE_TURN_H

#include "dataspace/dataplane.h"

struct evidence_in;

struct turn {
	struct ds *d;
	struct writer_txn *t;
	struct ds_fx *fx;
	struct arena *a;
	struct flaw *flaw;
	const struct ds_self *self;  /* the participant of ours */
	struct str who;              /* the partner's DID, or the principal's name */
	bool partner;                /* a message; otherwise a wish */
	const struct ds_did *doc;    /* the partner's keys; NULL for wishes */
	const unsigned char *digest; /* SHA-256 of the message; NULL for wishes */
	uint32_t dialect;            /* of the message: enum ds_dialect */
	struct str claims;           /* what the partner's credentials say: identity.h; may be empty */

	const struct evidence_in *evidence; /* of the message, to be kept; NULL: nothing is */
};

enum {
	TURN_HISTORY_MAX = 64, /* steps of one process: offers go to and fro a few times, not for ever */
	TURN_REASON_MAX = 2000,
};

/* Of the job's command, for a wish of who; self may be NULL and be found later. */
struct turn turn_of_job(struct ds_job *j, struct writer_txn *t, const struct ds_self *self, struct str who);
/* The same for a message of the partner's. */
struct turn turn_of_partner(struct ds_job *j, struct writer_txn *t, const struct ds_peer *peer);

/* The message was handled before: its SHA-256 is one of the history's. Messages with an "@id" (ours
 * all have a fresh one) are told apart for good; one without may mean the same thing again (a second
 * pause), so that only the partner's latest is a repetition, unless `anywhere`. */
bool turn_repeated(const struct turn *u, Ds__Step *const *history, size_t n, json_t *message,
		   bool anywhere);
/* Gives a message of ours its "@id". */
void turn_name_message(json_t *message);
/* Appends a step; texts in the arena. ERR_BAD_STATE (rule "history-limit") when there are too many. */
enum err turn_step(const struct turn *u, Ds__Step ***history, size_t *n, uint32_t state, bool by_peer,
		   struct str detail) MUST_USE;
/* The partner's pids in a message against ours. Empty ones in the row are not compared. */
enum err turn_pids(const struct turn *u, struct str consumer, struct str provider, struct str own_consumer,
		   struct str own_provider) MUST_USE;
/* A text of a partner that becomes part of a key: 1 to max octets, no control characters. */
enum err turn_name_check(struct str s, size_t max, const char *at, struct flaw *f) MUST_USE;
/* http(s) URL of at most DS_URL_MAX octets, without a trailing slash in *ret. */
enum err turn_url_check(struct str s, const char *at, struct flaw *f, struct str *ret) MUST_USE;
char *turn_text(const struct turn *u, struct str s); /* NUL-terminated; "" on overflow (sticky) */
char *turn_json(const struct turn *u, json_t *j);
/* "code" and "reason" members of an error or ending as an extra: array of the sentences. */
json_t *turn_reasons(const struct turn *u, struct str text);

/* History as the owner sees it. state_name: of the machine. */
json_t *turn_history_show(Ds__Step *const *history, size_t n, const char *(*state_name)(uint32_t));

#endif
