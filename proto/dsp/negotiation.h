/* Contract negotiation protocol (DSP 2025-1). See message.h for ownership, errors and rules. */
#ifndef PROTO_DSP_NEGOTIATION_H
#define PROTO_DSP_NEGOTIATION_H

#include "proto/dsp/message.h"
#include "proto/dsp/odrl.h"
#include "proto/dsp/state.h"

/* ContractRequestMessage: exactly one of callback and pids.provider is there. */
struct dsp_contract_request {
	struct dsp_pids pids; /* provider empty: the first request */
	struct str callback;  /* empty: a counter-offer */
	struct odrl_policy offer;
	json_t *root, *extra;
};

/* ContractOfferMessage: exactly one of callback and pids.consumer is there. */
struct dsp_contract_offer {
	struct dsp_pids pids; /* consumer empty: the provider begins */
	struct str callback;
	struct odrl_policy offer; /* with target */
	json_t *root, *extra;
};

struct dsp_contract_agreement {
	struct dsp_pids pids;
	struct odrl_policy agreement;
	json_t *root, *extra;
};

struct dsp_agreement_verification {
	struct dsp_pids pids;
	json_t *root, *extra;
};

enum dsp_event { DSP_EVENT_ACCEPTED, DSP_EVENT_FINALIZED };

struct dsp_negotiation_event {
	struct dsp_pids pids;
	enum dsp_event event;
	json_t *root, *extra;
};

struct dsp_negotiation_termination {
	struct dsp_pids pids;
	struct dsp_reason reason;
	json_t *root, *extra;
};

struct dsp_negotiation {
	struct dsp_pids pids;
	enum dsp_negotiation_state state;
	json_t *root, *extra;
};

struct dsp_negotiation_error {
	struct dsp_pids pids;
	struct dsp_reason reason;
	json_t *root, *extra;
};

enum err dsp_contract_request_parse(json_t *j, struct flaw *f, struct dsp_contract_request *ret) MUST_USE;
enum err dsp_contract_offer_parse(json_t *j, struct flaw *f, struct dsp_contract_offer *ret) MUST_USE;
enum err dsp_contract_agreement_parse(json_t *j, struct flaw *f,
				      struct dsp_contract_agreement *ret) MUST_USE;
enum err dsp_agreement_verification_parse(json_t *j, struct flaw *f,
					  struct dsp_agreement_verification *ret) MUST_USE;
enum err dsp_negotiation_event_parse(json_t *j, struct flaw *f, struct dsp_negotiation_event *ret) MUST_USE;
enum err dsp_negotiation_termination_parse(json_t *j, struct flaw *f,
					   struct dsp_negotiation_termination *ret) MUST_USE;
enum err dsp_negotiation_parse(json_t *j, struct flaw *f, struct dsp_negotiation *ret) MUST_USE;
enum err dsp_negotiation_error_parse(json_t *j, struct flaw *f, struct dsp_negotiation_error *ret) MUST_USE;

/* Policies are written from their `root` as they stand. */
json_t *dsp_contract_request_write(struct arena *a, const struct dsp_contract_request *m);
json_t *dsp_contract_offer_write(struct arena *a, const struct dsp_contract_offer *m);
json_t *dsp_contract_agreement_write(struct arena *a, const struct dsp_contract_agreement *m);
json_t *dsp_agreement_verification_write(struct arena *a, const struct dsp_agreement_verification *m);
json_t *dsp_negotiation_event_write(struct arena *a, const struct dsp_negotiation_event *m);
json_t *dsp_negotiation_termination_write(struct arena *a, const struct dsp_negotiation_termination *m);
json_t *dsp_negotiation_write(struct arena *a, const struct dsp_negotiation *m);
json_t *dsp_negotiation_error_write(struct arena *a, const struct dsp_negotiation_error *m);

#endif
