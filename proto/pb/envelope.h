/* Envelopes: a payload with one signature, the message Signed of kanhe.proto.
 *
 * Signed octets = context ‖ 0x00 ‖ payload, the context following from the kind, so that a signature
 * over one kind of thing never passes for another. The payload is carried as octets and verified
 * before it is unpacked.
 * Ownership: slices borrowed from what was packed or unpacked. Threads: any. */
#ifndef PROTO_PB_ENVELOPE_H
#define PROTO_PB_ENVELOPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/sign.h"

/* name, number on the wire, context */
#define ENVELOPE_KINDS(X)                                                                                  \
	X(ANSWER, 1, "kanhe-answer-v1")                                                                    \
	X(DELEGATION, 2, "kanhe-delegation-v1")                                                            \
	X(RECEIPT, 3, "kanhe-receipt-v1")                                                                  \
	X(BUNDLE, 4, "kanhe-bundle-v1")

enum envelope_kind {
#define X(name, number, context) ENVELOPE_##name = number,
	ENVELOPE_KINDS(X)
#undef X
};

enum {
	ENVELOPE_VERSION = 1,
	ENVELOPE_PACKED_MAX = 512 << 10, /* a record, its answer and a referral's delegations */
	ENVELOPE_KID_MAX = 2048,         /* a DID URL */
};

struct envelope {
	enum envelope_kind kind;
	struct str payload;
	unsigned suite;
	struct str kid;
	struct str signature; /* SIGN_SIGNATURE octets for Ed25519 */
};

const char *envelope_context(enum envelope_kind k); /* NULL for an unknown kind */

/* Signs and appends the packed Signed message to out. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum err envelope_sign(enum envelope_kind kind, struct str payload, const struct sign_key *key,
		       struct str kid, struct buf *out) MUST_USE;
/* The shape only; slices into packed. ERR_BAD_PROTO with field and offset, ERR_UNSUPPORTED for
 * another version, kind or suite; ERR_TOO_LARGE. */
enum err envelope_unpack(struct str packed, struct flaw *f, struct envelope *ret) MUST_USE;
enum err envelope_pack(const struct envelope *e, struct buf *out) MUST_USE;
/* ERR_BAD_SIGNATURE: another kind than expected, or the signature does not verify with pub. */
enum err envelope_verify(const struct envelope *e, enum envelope_kind expected,
			 const unsigned char pub[SIGN_PUBLIC], struct flaw *f) MUST_USE;

#endif
