/* Dataspace Protocol 2024-1, by a mapping onto 2025-1 (and back), so that one set of parsers, writers
 * and engines speaks both.
 *
 * What differs: names carry a prefix ("dspace:", "dcat:", "dct:", "odrl:"), so do @type, states, events,
 * operators; @context is a string; every ContractRequestMessage, ContractOfferMessage and
 * ContractAgreementMessage has a callbackAddress; an offer names its assigner; a distribution has a list of
 * access services. Paths, states and transitions are the same.
 *
 * Reading is strict by the rules of the published 2024-1 schemas where 2025-1 is not (required members,
 * prefixes of constants), then by those of 2025-1: the caller parses what comes out. Left operands and
 * actions are open, as in 2025-1: the closed lists of the 2024-1 schemas leave no room for profiles. A
 * member may stand without its prefix ("target", as one published example has it), but not twice.
 * Unknown members pass both ways untouched.
 *
 * A message may also come as a JSON-LD processor compacts it, as Eclipse connectors send theirs: "@context"
 * is an object of prefixes (or a list that holds one), and what they stand for decides what a name means. A
 * single thing may stand for a list of one, {"@id": …} or {"@value": …} for a text, an empty list for
 * nothing; what the 2024-1 schemas demand beyond 2025-1 is not demanded then. Offers of such a catalog are
 * assigned by the catalog's participant. Names without prefix are of the vocabulary that "@vocab" names,
 * else they say nothing.
 *
 * Invariant: what was read comes back the same when it is written and read again, so that proofs over an
 * agreement hold on both sides. Threads: a message belongs to one thread at a time. */
#ifndef PROTO_DSP_V2024_H
#define PROTO_DSP_V2024_H

#include "proto/dsp/message.h"

#define DSP_V2024_CONTEXT "https://w3id.org/dspace/2024/1/context.json"
#define DSP_V2024 "2024-1"

/* A message of 2024-1 as the one of 2025-1; new, kept by the arena, shares what it need not change.
 * ERR_BAD_MESSAGE with the path in the names of 2024-1, rules as in message.h and "twice"; ERR_NO_MEMORY.
 */
enum err dsp_v2024_read(struct arena *a, json_t *j, struct flaw *f, json_t **ret) MUST_USE;

/* What 2024-1 demands and 2025-1 leaves out. */
struct dsp_v2024_more {
	struct str callback; /* our base for 2024-1 */
	struct str provider; /* DID: assigner of offers that name none */
};
/* A message of 2025-1 as the one of 2024-1; new, kept by the arena. NULL: no memory, or a member stands
 * there under both names. */
json_t *dsp_v2024_write(struct arena *a, json_t *j, const struct dsp_v2024_more *more);
/* For partners that read a message of ours, as dsp_v2024_write made it, by JSON-LD: their words of the
 * protocol are references, and the published context makes a text of an eventType. In place. */
void dsp_v2024_refer(json_t *j);
/* Rules of a policy (permission, prohibition, obligation) as they come back from a partner that speaks
 * 2024-1: prefixes of ODRL names are gone. NULL: no memory. */
json_t *dsp_v2024_rules(struct arena *a, json_t *rules);

/* Puts the path of a flaw of the 2025-1 parser into the names of the 2024-1 message. */
void dsp_v2024_flaw(json_t *message_2025, struct flaw *f);

#endif
