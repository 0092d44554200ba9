/* Version discovery: GET /.well-known/dspace-version (DSP 2025-1, Common Functionalities), and the
 * services of a DID document that announce it. See message.h for ownership, errors and rules. */
#ifndef PROTO_DSP_VERSION_H
#define PROTO_DSP_VERSION_H

#include "proto/dsp/message.h"

enum { DSP_VERSIONS_MAX = 64 };

struct dsp_version {
	struct str version, path, binding;      /* binding is "HTTPS" */
	struct str service_id, identifier_type; /* empty: absent */
	struct str auth_protocol, auth_version; /* empty: absent */
	json_t *auth_profile;                   /* array of strings, NULL: absent */
};

struct dsp_versions {
	struct dsp_version *versions; /* at least one */
	size_t versions_n;
	json_t *root;
};

/* type, id, serviceEndpoint of a DID document's service: "CatalogService" or "DataService". */
struct dsp_did_service {
	struct str type, id, endpoint;
};

enum err dsp_versions_parse(struct arena *a, json_t *j, struct flaw *f, struct dsp_versions *ret) MUST_USE;
json_t *dsp_versions_write(struct arena *a, const struct dsp_versions *m);
/* The entry for DSP_VERSION, NULL when the peer does not speak it. */
const struct dsp_version *dsp_versions_find(const struct dsp_versions *m, struct str version);

enum err dsp_did_service_parse(json_t *j, struct flaw *f, struct dsp_did_service *ret) MUST_USE;
json_t *dsp_did_service_write(struct arena *a, const struct dsp_did_service *m);

#endif
