/* Whether a transfer's data may be had just now, whatever its policy says. */
#include "dataspace/provide.h"
#include "proto/dsp/state.h"

enum err provide_state(const Ds__Transfer *x, const Ds__Agreement *g, struct flaw *f)
{
	bool open = x->pending ? x->pending == DSP_TRANSFER_STARTED : x->state == DSP_TRANSFER_STARTED;
	bool final = dsp_transfer_final((enum dsp_transfer_state)x->state);

	if (g->state == DS__AGREEMENT_STATE__AGREEMENT_REVOKED)
		return flaw_set(f, ERR_REVOKED, FLAW_NO_OFFSET, "agreement", "revoked",
				"the agreement was revoked: %s", g->reason);
	if (g->state == DS__AGREEMENT_STATE__AGREEMENT_EXPIRED)
		return flaw_set(f, ERR_EXPIRED, FLAW_NO_OFFSET, "agreement", "expired",
				"the agreement has expired: %s", g->reason);
	if (final || g->state != DS__AGREEMENT_STATE__AGREEMENT_ACTIVE)
		return flaw_set(f, ERR_GONE, FLAW_NO_OFFSET, "transfer", "state", "the transfer is %s",
				dsp_transfer_state_name((enum dsp_transfer_state)x->state));
	if (!open)
		return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "transfer", "state", "the transfer is %s",
				dsp_transfer_state_name((enum dsp_transfer_state)x->state));
	return ERR_OK;
}
