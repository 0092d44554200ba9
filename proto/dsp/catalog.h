/* Catalog protocol: requests, catalogs, datasets, errors (DSP 2025-1, Catalog Protocol).
 * See message.h for ownership, errors and rules. */
#ifndef PROTO_DSP_CATALOG_H
#define PROTO_DSP_CATALOG_H

#include "proto/dsp/message.h"
#include "proto/dsp/odrl.h"

struct dsp_catalog_request {
	json_t *filter; /* array, NULL: absent */
	json_t *root, *extra;
};

struct dsp_dataset_request {
	struct str dataset;
	json_t *root, *extra;
};

struct dsp_service {
	struct str id, endpoint_url;
	json_t *root;
};

struct dsp_distribution {
	struct str format;
	struct str service_id;       /* of the service named or contained */
	struct dsp_service *service; /* contained, NULL: only named */
	json_t *offers;              /* hasPolicy, NULL: absent */
	json_t *root;
};

struct dsp_dataset {
	struct str id;
	json_t *offers; /* hasPolicy: array of Offers, at least one, without target */
	struct dsp_distribution *distributions; /* none: no way leads to it at present */
	size_t distributions_n;
	json_t *root, *extra;
};

struct dsp_catalog {
	struct str id;
	struct str participant_id; /* of the root catalog; may be empty in a nested one */
	struct dsp_dataset *datasets;
	size_t datasets_n;
	struct dsp_catalog *catalogs;
	size_t catalogs_n;
	struct dsp_service *services;
	size_t services_n;
	struct dsp_distribution *distributions; /* of the catalog itself, when it is nested */
	size_t distributions_n;
	json_t *root, *extra;
};

struct dsp_catalog_error {
	struct dsp_reason reason;
	json_t *root, *extra;
};

enum err dsp_catalog_request_parse(json_t *j, struct flaw *f, struct dsp_catalog_request *ret) MUST_USE;
enum err dsp_dataset_request_parse(json_t *j, struct flaw *f, struct dsp_dataset_request *ret) MUST_USE;
/* Empty arrays pass for absent ones, against the schemas' minItems: unmodified connectors write them. Only
 * a dataset's own hasPolicy needs an offer. */
enum err dsp_catalog_parse(struct arena *a, json_t *j, struct flaw *f, struct dsp_catalog *ret) MUST_USE;
/* A dataset as the root of an answer, with @context. */
enum err dsp_dataset_parse(struct arena *a, json_t *j, struct flaw *f, struct dsp_dataset *ret) MUST_USE;
enum err dsp_catalog_error_parse(json_t *j, struct flaw *f, struct dsp_catalog_error *ret) MUST_USE;

json_t *dsp_catalog_request_write(struct arena *a, const struct dsp_catalog_request *m);
json_t *dsp_dataset_request_write(struct arena *a, const struct dsp_dataset_request *m);
/* Empty arrays are left out, as the schema wants. `extra` of each dataset is added to it; so are the
 * members of a service's and distribution's `root` that are not the protocol's own. */
json_t *dsp_catalog_write(struct arena *a, const struct dsp_catalog *m);
json_t *dsp_dataset_write(struct arena *a, const struct dsp_dataset *m);
json_t *dsp_catalog_error_write(struct arena *a, const struct dsp_catalog_error *m);

#endif
