#include "proto/dsp/negotiation.h"

#include "proto/dsp/fields.h"

/* ContractRequestMessage (contract-request-message-schema.json): consumerPid and offer, and exactly
 * one of callbackAddress and providerPid. */
enum err dsp_contract_request_parse(json_t *j, struct flaw *f, struct dsp_contract_request *ret)
{
	struct dsp_in in = dsp__root(j, DSP_CONTRACT_REQUEST, f);
	struct dsp_contract_request m = {.root = j};
	m.pids.consumer = dsp__text(&in, "consumerPid");
	if (dsp__has(&in, "callbackAddress") == dsp__has(&in, "providerPid"))
		dsp__fail(&in, "callbackAddress", "one-of", "or providerPid must stand, and not both");
	m.callback = dsp__text_opt(&in, "callbackAddress");
	m.pids.provider = dsp__text_opt(&in, "providerPid");
	json_t *offer = dsp__object(&in, "offer");
	if (!in.err) in.err = odrl_check(offer, ODRL_MESSAGE_OFFER, "offer", f, &m.offer);
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_contract_request_write(struct arena *a, const struct dsp_contract_request *m)
{
	json_t *j = dsp__begin(DSP_CONTRACT_REQUEST);
	dsp__put_pids(j, &m->pids);
	dsp__put_json(j, "offer", m->offer.root);
	dsp__put(j, "callbackAddress", m->callback);
	return dsp__end(a, j, m->extra);
}

/* ContractOfferMessage (contract-offer-message-schema.json): providerPid and an offer with target, and
 * exactly one of callbackAddress and consumerPid. */
enum err dsp_contract_offer_parse(json_t *j, struct flaw *f, struct dsp_contract_offer *ret)
{
	struct dsp_in in = dsp__root(j, DSP_CONTRACT_OFFER, f);
	struct dsp_contract_offer m = {.root = j};
	m.pids.provider = dsp__text(&in, "providerPid");
	if (dsp__has(&in, "callbackAddress") == dsp__has(&in, "consumerPid"))
		dsp__fail(&in, "callbackAddress", "one-of", "or consumerPid must stand, and not both");
	m.callback = dsp__text_opt(&in, "callbackAddress");
	m.pids.consumer = dsp__text_opt(&in, "consumerPid");
	json_t *offer = dsp__object(&in, "offer");
	if (!in.err) in.err = odrl_check(offer, ODRL_TARGET_OFFER, "offer", f, &m.offer);
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_contract_offer_write(struct arena *a, const struct dsp_contract_offer *m)
{
	json_t *j = dsp__begin(DSP_CONTRACT_OFFER);
	dsp__put_pids(j, &m->pids);
	dsp__put_json(j, "offer", m->offer.root);
	dsp__put(j, "callbackAddress", m->callback);
	return dsp__end(a, j, m->extra);
}

/* ContractAgreementMessage (contract-agreement-message-schema.json). */
enum err dsp_contract_agreement_parse(json_t *j, struct flaw *f, struct dsp_contract_agreement *ret)
{
	struct dsp_in in = dsp__root(j, DSP_CONTRACT_AGREEMENT, f);
	struct dsp_contract_agreement m = {.root = j};
	dsp__pids(&in, &m.pids);
	json_t *agreement = dsp__object(&in, "agreement");
	if (!in.err) in.err = odrl_check(agreement, ODRL_AGREEMENT, "agreement", f, &m.agreement);
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_contract_agreement_write(struct arena *a, const struct dsp_contract_agreement *m)
{
	json_t *j = dsp__begin(DSP_CONTRACT_AGREEMENT);
	dsp__put_pids(j, &m->pids);
	dsp__put_json(j, "agreement", m->agreement.root);
	return dsp__end(a, j, m->extra);
}

/* ContractAgreementVerificationMessage (contract-agreement-verification-message-schema.json). */
enum err dsp_agreement_verification_parse(json_t *j, struct flaw *f, struct dsp_agreement_verification *ret)
{
	struct dsp_in in = dsp__root(j, DSP_AGREEMENT_VERIFICATION, f);
	struct dsp_agreement_verification m = {.root = j};
	dsp__pids(&in, &m.pids);
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_agreement_verification_write(struct arena *a, const struct dsp_agreement_verification *m)
{
	json_t *j = dsp__begin(DSP_AGREEMENT_VERIFICATION);
	dsp__put_pids(j, &m->pids);
	return dsp__end(a, j, m->extra);
}

static const char *const events[] = {
    [DSP_EVENT_ACCEPTED] = "ACCEPTED", [DSP_EVENT_FINALIZED] = "FINALIZED"};

/* ContractNegotiationEventMessage (contract-negotiation-event-message-schema.json). */
enum err dsp_negotiation_event_parse(json_t *j, struct flaw *f, struct dsp_negotiation_event *ret)
{
	struct dsp_in in = dsp__root(j, DSP_NEGOTIATION_EVENT, f);
	struct dsp_negotiation_event m = {.root = j};
	dsp__pids(&in, &m.pids);
	struct str s = dsp__text(&in, "eventType");
	m.event = str_is(s, events[DSP_EVENT_FINALIZED]) ? DSP_EVENT_FINALIZED : DSP_EVENT_ACCEPTED;
	if (!in.err && !str_is(s, events[m.event]))
		dsp__fail(&in, "eventType", "value", "is not ACCEPTED or FINALIZED");
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_negotiation_event_write(struct arena *a, const struct dsp_negotiation_event *m)
{
	json_t *j = dsp__begin(DSP_NEGOTIATION_EVENT);
	dsp__put_pids(j, &m->pids);
	dsp__put(j, "eventType", str_of(events[m->event]));
	return dsp__end(a, j, m->extra);
}

/* ContractNegotiationTerminationMessage (contract-negotiation-termination-message-schema.json). */
enum err dsp_negotiation_termination_parse(json_t *j, struct flaw *f,
					   struct dsp_negotiation_termination *ret)
{
	struct dsp_in in = dsp__root(j, DSP_NEGOTIATION_TERMINATION, f);
	struct dsp_negotiation_termination m = {.root = j};
	dsp__pids(&in, &m.pids);
	dsp__reason(&in, 1, &m.reason);
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_negotiation_termination_write(struct arena *a, const struct dsp_negotiation_termination *m)
{
	json_t *j = dsp__begin(DSP_NEGOTIATION_TERMINATION);
	dsp__put_pids(j, &m->pids);
	dsp__put_reason(j, &m->reason);
	return dsp__end(a, j, m->extra);
}

/* ContractNegotiation (contract-negotiation-schema.json). */
enum err dsp_negotiation_parse(json_t *j, struct flaw *f, struct dsp_negotiation *ret)
{
	struct dsp_in in = dsp__root(j, DSP_NEGOTIATION, f);
	struct dsp_negotiation m = {.root = j};
	dsp__pids(&in, &m.pids);
	struct str s = dsp__text(&in, "state");
	if (!in.err && dsp_negotiation_state_parse(s, &m.state))
		dsp__fail(&in, "state", "value", "is no state of a negotiation");
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_negotiation_write(struct arena *a, const struct dsp_negotiation *m)
{
	json_t *j = dsp__begin(DSP_NEGOTIATION);
	dsp__put_pids(j, &m->pids);
	dsp__put(j, "state", str_of(dsp_negotiation_state_name(m->state)));
	return dsp__end(a, j, m->extra);
}

/* ContractNegotiationError (contract-negotiation-error-schema.json). */
enum err dsp_negotiation_error_parse(json_t *j, struct flaw *f, struct dsp_negotiation_error *ret)
{
	struct dsp_in in = dsp__root(j, DSP_NEGOTIATION_ERROR, f);
	struct dsp_negotiation_error m = {.root = j};
	dsp__pids(&in, &m.pids);
	dsp__reason(&in, 1, &m.reason);
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_negotiation_error_write(struct arena *a, const struct dsp_negotiation_error *m)
{
	json_t *j = dsp__begin(DSP_NEGOTIATION_ERROR);
	dsp__put_pids(j, &m->pids);
	dsp__put_reason(j, &m->reason);
	return dsp__end(a, j, m->extra);
}
