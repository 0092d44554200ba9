/* Transfer process protocol (DSP 2025-1). See message.h for ownership, errors and rules. */
#ifndef PROTO_DSP_TRANSFER_H
#define PROTO_DSP_TRANSFER_H

#include "proto/dsp/message.h"
#include "proto/dsp/state.h"

/* DataAddress: where and with which credentials the data is. Properties are name and value pairs;
 * `authorization` and `authType` are in use. */
struct dsp_data_address {
	bool present;
	struct str endpoint_type;
	struct str endpoint; /* empty: absent */
	json_t *properties;  /* array of EndpointProperty, NULL: absent; written as it stands */
	json_t *root;
};

struct dsp_transfer_request {
	struct str consumer_pid, agreement_id, format, callback;
	struct dsp_data_address address; /* push only */
	json_t *root, *extra;
};

struct dsp_transfer_start {
	struct dsp_pids pids;
	struct dsp_data_address address; /* pull only */
	json_t *root, *extra;
};

struct dsp_transfer_completion {
	struct dsp_pids pids;
	json_t *root, *extra;
};

/* TransferSuspensionMessage, TransferTerminationMessage and TransferError have one shape. */
struct dsp_transfer_notice {
	struct dsp_pids pids;
	struct dsp_reason reason;
	json_t *root, *extra;
};

struct dsp_transfer {
	struct dsp_pids pids;
	enum dsp_transfer_state state;
	json_t *root, *extra;
};

enum err dsp_transfer_request_parse(json_t *j, struct flaw *f, struct dsp_transfer_request *ret) MUST_USE;
enum err dsp_transfer_start_parse(json_t *j, struct flaw *f, struct dsp_transfer_start *ret) MUST_USE;
enum err dsp_transfer_completion_parse(json_t *j, struct flaw *f,
				       struct dsp_transfer_completion *ret) MUST_USE;
enum err dsp_transfer_suspension_parse(json_t *j, struct flaw *f, struct dsp_transfer_notice *ret) MUST_USE;
enum err dsp_transfer_termination_parse(json_t *j, struct flaw *f,
					struct dsp_transfer_notice *ret) MUST_USE;
enum err dsp_transfer_parse(json_t *j, struct flaw *f, struct dsp_transfer *ret) MUST_USE;
enum err dsp_transfer_error_parse(json_t *j, struct flaw *f, struct dsp_transfer_notice *ret) MUST_USE;

json_t *dsp_transfer_request_write(struct arena *a, const struct dsp_transfer_request *m);
json_t *dsp_transfer_start_write(struct arena *a, const struct dsp_transfer_start *m);
json_t *dsp_transfer_completion_write(struct arena *a, const struct dsp_transfer_completion *m);
json_t *dsp_transfer_suspension_write(struct arena *a, const struct dsp_transfer_notice *m);
json_t *dsp_transfer_termination_write(struct arena *a, const struct dsp_transfer_notice *m);
json_t *dsp_transfer_write(struct arena *a, const struct dsp_transfer *m);
json_t *dsp_transfer_error_write(struct arena *a, const struct dsp_transfer_notice *m);

/* The value of a named endpoint property, STR_NONE when there is none. */
/* Of the names that EDC gives to endpoint properties. */
#define DSP_ADDRESS_EDC "https://w3id.org/edc/v0.0.1/ns/"

/* A text of a DataAddress as JSON: a member, or the endpoint property of that name, with or without EDC's
 * namespace before it (its connectors name even the endpoint there). Empty when there is none. */
struct str dsp_data_address_text(json_t *address, const char *name);
/* The endpoint; EDC's addresses of type HttpData have it as property "baseUrl". */
struct str dsp_data_address_url(json_t *address);
struct str dsp_data_address_property(const struct dsp_data_address *d, const char *name);
/* Appends an EndpointProperty to d->properties, which is made when NULL and kept by the arena.
 * ERR_NO_MEMORY. */
enum err dsp_data_address_add(struct arena *a, struct dsp_data_address *d, const char *name,
			      struct str value) MUST_USE;

#endif
