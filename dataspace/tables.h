/* Tables of the environment `space`. One module owns each: nobody else opens it.
 *
 * Every key starts with the participant's id and a NUL octet, so that one participant's rows are
 * one range and nothing of another can be reached by leaving a part out. Parts that follow are
 * texts, each ended by a NUL, or be64 numbers at the end. Values are the messages of proto/pb/space.proto.
 *
 * X(name, owner, key after "<participant>\0", value) */
#ifndef DATASPACE_TABLES_H
#define DATASPACE_TABLES_H

#include "base/store.h"

#define DS_TABLES(X)                                                                                       \
	X(participant, "participant.c", "", "Participant")                                                 \
	X(dataset, "dataset.c", "dataset", "Dataset")                                                      \
	X(negotiation, "negotiation_row.c", "pid", "Negotiation")                                          \
	X(negotiation_peer, "negotiation_row.c", "peer DID, peer pid", "pid")                              \
	X(agreement, "agreement.c", "agreement", "Agreement")                                              \
	X(transfer, "transfer_row.c", "pid", "Transfer")                                                   \
	X(transfer_peer, "transfer_row.c", "peer DID, peer pid", "pid")                                    \
	X(transfer_agreement, "transfer_row.c", "agreement, pid", "one octet: enum dsp_transfer_state")    \
	X(meter, "meter.c", "agreement", "Meter")                                                          \
	X(receipt, "receipt.c", "agreement, be64 sequence", "Receipt")                                     \
	X(outbox, "outbox_row.c", "be64 seq", "Outbox")                                                    \
	X(event, "event.c", "be64 leaf index", "one octet: enum ds_event_kind")                            \
	X(event_agreement, "event.c", "agreement, be64 leaf index", "one octet: the kind")                 \
	X(jti, "replay.c", "be64 expiry in seconds, 16 octets of SHA-256(iss 0 jti)", "\"\\1\"")           \
	X(usage, "meter.c", "agreement, pid", "Usage")                                                     \
	X(usage_open, "meter.c", "pid: of a transfer whose counts are not settled", "agreement")           \
	X(catalog_head, "catalog_feed.c", "", "8 octets: which catalog; be64 number of its last change")   \
	X(catalog_change, "catalog_feed.c", "be64 change", "dataset")                                      \
	X(source, "federation.c", "DID", "Source")                                                         \
	X(federated, "federated.c", "DID of the source, hex of 16 octets of SHA-256(dataset)",             \
	  "Federated")                                                                                     \
	X(inbox, "inbox.c", "pid of a negotiation that waits for its owner", "be64 microseconds: until")   \
	X(dead, "outbox_dead.c", "be64 seq", "Outbox")                                                     \
	X(credential, "wallet.c",                                                                          \
	  "held, issued, type, request, offered, asked, offer, trust or client, id; or next",              \
	  "JSON; of next: decimal, the next index of the status list")                                     \
	X(control_plane, "control_plane.c", "control plane", "ControlPlane")                               \
	X(flow, "flow_row.c", "flow", "Flow")                                                              \
	X(evidence, "evidence.c", "negotiation, be64 number", "Evidence")                                  \
	X(data_plane, "data_plane.c", "data plane", "DataPlane")                                           \
	X(watched, "watch.c", "pid of a transfer whose policy is judged on a schedule", "agreement")       \
	X(piece, "piece.c", "dataset, be64 place of its last octet in the stream", "Piece")                \
	X(readying, "flow_ready.c", "flow that is PREPARING or STARTING", "\"\\1\"")

enum ds_table {
	DS_TABLE_BEFORE = STORE_APP - 1,
#define X(name, owner, key, value) DS_TABLE_##name,
	DS_TABLES(X)
#undef X
};

/* Format of the environment, for store_options.format. */
enum { DS_FORMAT = 1 };

#endif
