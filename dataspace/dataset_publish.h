/* A publication: read from JSON, applied in a command; one at a time or a batch.
 *
 * A publication has the members of PUT …/datasets/{d}: title, description, media_type, identifiers, policy
 * (may be left out once there is one), access (dataset_access.h), what dataset_meta.h knows, and, in a
 * batch, id and content_of (a dataset of the same participant whose content this one shares). Members that
 * are absent stay as they are. A batch is NDJSON: all of it or nothing. Threads: reading any; applying in
 * commands. */
#ifndef DATASPACE_DATASET_PUBLISH_H
#define DATASPACE_DATASET_PUBLISH_H

#include "dataspace/dataset.h"

enum {
	DATASET_FORMAT = 1,
	DATASET_TEXT_MAX = 4096,       /* title or description */
	DATASET_IDENTIFIERS_MAX = 100, /* things a dataset is about; more belong into the data */
	BATCH_MAX = 2000,              /* datasets of one request */
};

struct publishing {
	struct str participant, id, who;
	bool has_title, has_description, has_media_type, has_access, has_approval, approval;
	struct str title, description, media_type, policy, access, content_of;
	char **identifiers;
	size_t identifiers_n;
	json_t *meta;
	bool has_plane, has_non_finite, non_finite;
	/* an outside data plane that holds it; empty: none any more. A content that was here before stays
	   what is promised */
	struct str plane;
};

/* Reads one object into p, whose participant, id and who are set. */
enum err publishing_read(struct arena *a, json_t *body, struct flaw *f, struct publishing *p) MUST_USE;
enum err publishing_apply(struct writer_txn *t, struct arena *a, const struct publishing *p, struct flaw *f,
			  Ds__Dataset **ret, bool *ret_fresh) MUST_USE;
void batch_post(struct net_req *r); /* POST /participants/{p}/datasets */

/* Of dataset.c, for this family of files. */
bool ds__dataset_withdrawn(const Ds__Dataset *s);
/* The row, also a withdrawn one, or a new one. */
enum err ds__dataset_make(struct writer_txn *t, struct arena *a, struct str participant, struct str id,
			  Ds__Dataset **ret) MUST_USE;
enum err ds__dataset_put(struct writer_txn *t, struct str participant, Ds__Dataset *s) MUST_USE;
enum err ds__dataset_new_offer(struct arena *a, Ds__Dataset *s) MUST_USE;
json_t *ds__dataset_detail(const Ds__Dataset *s);
json_t *ds__dataset_json(struct arena *a, const Ds__Dataset *s);

#endif
