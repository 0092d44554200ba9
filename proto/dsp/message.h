/* Messages of the Dataspace Protocol 2025-1: what they have in common.
 *
 * Purpose: strict parse and write of every message, one family a file: catalog.h, negotiation.h,
 * transfer.h, version.h; policies' shape in odrl.h; state machines in state.h.
 * Messages are processed as plain JSON (DSP 2025-1, "JSON-LD" clause): @context must be an array of
 * strings that holds DSP_CONTEXT and is never fetched; names are unprefixed; unknown members are
 * tolerated and stay reachable through `root`.
 *
 * Parsers take a json_t (of base/json.h) and borrow from it: structs live as long as the arena that
 * the json_t belongs to. They give ERR_BAD_MESSAGE with the member's path in flaw.at and one of the
 * rules "missing", "type", "value", "context", "one-of", "empty", "limit", "not-allowed", or ERR_BAD_POLICY
 * from odrl.h. Writers give a new object kept by the arena, NULL when the arena is full (or `extra` clashes
 * with a member of the protocol, which is a programming error); they set @context and @type themselves.
 * `extra` (may be NULL): an object whose members are added at the root, for extensions under our own
 * prefix. Parsers leave it NULL. Threads: a message belongs to one thread at a time. */
#ifndef PROTO_DSP_MESSAGE_H
#define PROTO_DSP_MESSAGE_H

#include "base/clock.h"
#include "base/json.h"

#define DSP_CONTEXT "https://w3id.org/dspace/2025/1/context.jsonld"
#define DSP_VERSION "2025-1"
#define DSP_MEDIA_TYPE "application/json"

enum {
	DSP_TEXT_MAX = 4096,   /* a pid, id, URL, code or format; longer ones only serve an attacker */
	DSP_ITEMS_MAX = 10000, /* datasets, catalogs, services or distributions in one array */
	DSP_REASONS_MAX = 100, /* reasons of one error */
	DSP_DEPTH_MAX = 8,     /* catalogs inside catalogs */
};

/* name in C, @type */
#define DSP_TYPES(X)                                                                                       \
	X(CATALOG_REQUEST, "CatalogRequestMessage")                                                        \
	X(DATASET_REQUEST, "DatasetRequestMessage")                                                        \
	X(CATALOG, "Catalog")                                                                              \
	X(DATASET, "Dataset")                                                                              \
	X(CATALOG_ERROR, "CatalogError")                                                                   \
	X(CONTRACT_REQUEST, "ContractRequestMessage")                                                      \
	X(CONTRACT_OFFER, "ContractOfferMessage")                                                          \
	X(CONTRACT_AGREEMENT, "ContractAgreementMessage")                                                  \
	X(AGREEMENT_VERIFICATION, "ContractAgreementVerificationMessage")                                  \
	X(NEGOTIATION_EVENT, "ContractNegotiationEventMessage")                                            \
	X(NEGOTIATION_TERMINATION, "ContractNegotiationTerminationMessage")                                \
	X(NEGOTIATION, "ContractNegotiation")                                                              \
	X(NEGOTIATION_ERROR, "ContractNegotiationError")                                                   \
	X(TRANSFER_REQUEST, "TransferRequestMessage")                                                      \
	X(TRANSFER_START, "TransferStartMessage")                                                          \
	X(TRANSFER_COMPLETION, "TransferCompletionMessage")                                                \
	X(TRANSFER_SUSPENSION, "TransferSuspensionMessage")                                                \
	X(TRANSFER_TERMINATION, "TransferTerminationMessage")                                              \
	X(TRANSFER, "TransferProcess")                                                                     \
	X(TRANSFER_ERROR, "TransferError")

enum dsp_type {
#define X(name, type) DSP_##name,
	DSP_TYPES(X)
#undef X
	    DSP_TYPE_COUNT
};

const char *dsp_type_name(enum dsp_type t); /* the @type */
/* @context and @type are right and the type is a known one. ERR_BAD_MESSAGE. */
enum err dsp_type_of(json_t *j, struct flaw *f, enum dsp_type *ret) MUST_USE;

/* Both parties' names of a negotiation or transfer process. */
struct dsp_pids {
	struct str consumer, provider;
};

/* CatalogError, ContractNegotiationError, TransferError and the messages that end or suspend. */
struct dsp_reason {
	struct str code; /* empty: absent */
	json_t *reasons; /* array of anything, NULL: absent */
	struct str text; /* first reason that is a string, for people; STR_NONE */
};

#endif
