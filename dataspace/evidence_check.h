/* Checking evidence (evidence.h) without a store: octets, digests, tokens. Pure; any thread. */
#ifndef DATASPACE_EVIDENCE_CHECK_H
#define DATASPACE_EVIDENCE_CHECK_H

#include "base/json.h"
#include "proto/vc/jwt.h"

enum { EVIDENCE_KEY_TEXT = 160 };

struct evidence_report {
	struct str type, state, time, from, to, by, method, key, negotiation, version, digest, certificate;
	uint64_t size;
	struct str octets; /* of the message, in the arena; p = NULL: only its digest was kept */
	json_t *message;   /* the same, parsed */
	bool token;        /* a token of `from` for `to` is there, and its signature verifies with `key` */
	const char *wrong; /* what does not fit; NULL: everything does */
	unsigned char record[32]; /* digest of the record, as the ledger has it */
};

/* item: as evidence_show gives it. `to`, `from`: who they must be; empty: not compared. ERR_OK,
 * ERR_BAD_SIGNATURE with ret->wrong, ERR_NO_MEMORY. */
enum err evidence_check(struct arena *a, const json_t *item, struct str from, struct str to,
			struct evidence_report *ret) MUST_USE;
/* One line for people: how it is known who sent it, and no more than that. In the arena. */
struct str evidence_says(struct arena *a, const struct evidence_report *r);

/* "z6Mk…" or "p256:" and 128 hexadecimal digits. */
const char *evidence_key_print(const struct vc_key *key, char out[EVIDENCE_KEY_TEXT]);
enum err evidence_key_parse(struct str text, struct vc_key *ret) MUST_USE;

#endif
