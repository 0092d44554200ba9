/* Dossiers: an enterprise that goes to another node, with the proof of what it is.
 *
 * Purpose: one JSON object that the node writes which gives the enterprise away, and that anybody can check
 * without a network:
 *   {"version":1,"code","node": DID,"key": multibase,"enterprise":{…},"row": base64 of its row here,
 *    "entries":[{"index","salt","entry","proof":[hash…]}…], ascending, about this enterprise,
 *    "checkpoint": the C2SP signed note of the tree that the proofs lead to}
 * Salts and hashes are base64, as the routes of the ledger give them.
 *
 * What a reader learns: the node has this enterprise, this is what happened to it, and at the end its
 * registrar wrote these files down, by lines and SHA-256 (entry enterprise.exported). A key that is not
 * pinned is the dossier's own word.
 * Ownership: slices live in the arena or borrow from the text. Threads: any; pure. */
#ifndef RESOLVER_DOSSIER_H
#define RESOLVER_DOSSIER_H

#include "resolver/enterprise.h"

enum {
	DOSSIER_SIZE_MAX = 8 << 20,
	DOSSIER_ENTRIES_MAX = 1000, /* the newest: what happened before stands in the node's ledger */
};

struct dossier {
	struct str node; /* DID */
	unsigned char key[SIGN_PUBLIC];
	struct enterprise x;
	uint64_t tree_size;
	size_t entries;
	struct enterprise_file records, templates;
	struct str exported; /* time, as the entry says it */
};

/* pin: the node's key as it is known from elsewhere; NULL: none. ERR_BAD_MESSAGE with the member,
 * ERR_BAD_SIGNATURE with the rule checkpoint, key, proof, row or exported; ERR_NO_MEMORY. */
enum err dossier_verify(struct arena *a, struct str text, const unsigned char *pin, struct flaw *f,
			struct dossier *ret) MUST_USE;

#endif
