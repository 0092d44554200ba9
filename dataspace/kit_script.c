/* What the conformance kit expects the connector under test to do by itself. */
#include "dataspace/kit.h"

#include "dataspace/negotiation_act.h"
#include "dataspace/transfer_act.h"

enum act {
	ACT_OFFER,
	ACT_AGREE,
	ACT_FINALIZE,
	ACT_ACCEPT,
	ACT_VERIFY,
	ACT_ASK_AGAIN,
	ACT_START,
	ACT_SUSPEND,
	ACT_COMPLETE,
	ACT_TERMINATE
};

/* dataset, in this state, the how manieth time (0: any), act */
#define NEGOTIATIONS(X)                                                                                    \
	X(ACN0101, REQUESTED, 0, OFFER)                                                                    \
	X(ACN0102, REQUESTED, 1, OFFER)                                                                    \
	X(ACN0102, REQUESTED, 2, TERMINATE)                                                                \
	X(ACN0103, REQUESTED, 0, OFFER)                                                                    \
	X(ACN0103, ACCEPTED, 0, AGREE)                                                                     \
	X(ACN0103, VERIFIED, 0, FINALIZE)                                                                  \
	X(ACN0104, REQUESTED, 0, AGREE)                                                                    \
	X(ACN0104, VERIFIED, 0, FINALIZE)                                                                  \
	X(ACN0201, REQUESTED, 0, TERMINATE)                                                                \
	X(ACN0203, REQUESTED, 0, AGREE)                                                                    \
	X(ACN0204, REQUESTED, 0, OFFER)                                                                    \
	X(ACN0205, REQUESTED, 0, OFFER)                                                                    \
	X(ACN0205, OFFERED, 0, TERMINATE)                                                                  \
	X(ACN0206, REQUESTED, 0, OFFER)                                                                    \
	X(ACN0206, ACCEPTED, 0, TERMINATE)                                                                 \
	X(ACN0207, REQUESTED, 0, AGREE)                                                                    \
	X(ACN0207, VERIFIED, 0, TERMINATE)                                                                 \
	X(ACN0301, REQUESTED, 0, AGREE)                                                                    \
	X(ACN0301, VERIFIED, 0, FINALIZE)                                                                  \
	X(ACN0302, REQUESTED, 0, OFFER)                                                                    \
	X(ACN0303, REQUESTED, 0, OFFER)                                                                    \
	X(ACN0304, REQUESTED, 1, OFFER)                                                                    \
	X(ACNC0101, OFFERED, 0, ACCEPT)                                                                    \
	X(ACNC0101, AGREED, 0, VERIFY)                                                                     \
	X(ACNC0102, OFFERED, 0, ASK_AGAIN)                                                                 \
	X(ACNC0103, OFFERED, 0, TERMINATE)                                                                 \
	X(ACNC0104, AGREED, 0, VERIFY)                                                                     \
	X(ACNC0202, REQUESTED, 0, TERMINATE)                                                               \
	X(ACNC0203, AGREED, 0, TERMINATE)                                                                  \
	X(ACNC0205, OFFERED, 0, ACCEPT)                                                                    \
	X(ACNC0206, AGREED, 0, VERIFY)                                                                     \
	X(ACNC0304, OFFERED, 0, ACCEPT)                                                                    \
	X(ACNC0305, OFFERED, 0, ACCEPT)                                                                    \
	X(ACNC0306, OFFERED, 0, ACCEPT)

/* agreement, in this state, the how manieth time, act */
#define TRANSFERS(X)                                                                                       \
	X(ATP0101, REQUESTED, 0, START)                                                                    \
	X(ATP0101, STARTED, 0, TERMINATE)                                                                  \
	X(ATP0102, REQUESTED, 0, START)                                                                    \
	X(ATP0102, STARTED, 0, COMPLETE)                                                                   \
	X(ATP0103, REQUESTED, 0, START)                                                                    \
	X(ATP0103, STARTED, 0, SUSPEND)                                                                    \
	X(ATP0103, SUSPENDED, 0, TERMINATE)                                                                \
	X(ATP0104, REQUESTED, 0, START)                                                                    \
	X(ATP0104, STARTED, 1, SUSPEND)                                                                    \
	X(ATP0104, SUSPENDED, 0, START)                                                                    \
	X(ATP0104, STARTED, 2, COMPLETE)                                                                   \
	X(ATP0105, REQUESTED, 0, TERMINATE)                                                                \
	X(ATP0201, REQUESTED, 0, START)                                                                    \
	X(ATP0202, REQUESTED, 0, START)                                                                    \
	X(ATP0203, REQUESTED, 0, START)                                                                    \
	X(ATP0204, REQUESTED, 0, START)                                                                    \
	X(ATP0303, REQUESTED, 0, START)                                                                    \
	X(ATP0304, REQUESTED, 0, START)                                                                    \
	X(ATP0305, REQUESTED, 0, START)                                                                    \
	X(ATP0306, REQUESTED, 0, START)                                                                    \
	X(ATPC0201, STARTED, 0, TERMINATE)                                                                 \
	X(ATPC0202, STARTED, 0, COMPLETE)                                                                  \
	X(ATPC0203, STARTED, 0, SUSPEND)                                                                   \
	X(ATPC0203, SUSPENDED, 0, TERMINATE)                                                               \
	X(ATPC0204, STARTED, 1, SUSPEND)                                                                   \
	X(ATPC0204, SUSPENDED, 0, START)                                                                   \
	X(ATPC0204, STARTED, 2, COMPLETE)                                                                  \
	X(ATPC0205, REQUESTED, 0, TERMINATE)

struct cue {
	const char *of;
	uint32_t state;
	unsigned nth;
	enum act act;
};

static const struct cue negotiation_cues[] = {
#define X(of, state, nth, act) {#of, DSP_NEGOTIATION_##state, nth, ACT_##act},
    NEGOTIATIONS(X)
#undef X
};
static const struct cue transfer_cues[] = {
#define X(of, state, nth, act) {#of, DSP_TRANSFER_##state, nth, ACT_##act},
    TRANSFERS(X)
#undef X
};

static unsigned times(Ds__Step *const *history, size_t n, uint32_t state)
{
	unsigned count = 0;

	for (size_t i = 0; i < n; i++) count += history[i]->state == state;
	return count;
}

static const struct cue *cue_find(const struct cue *rows, size_t n, const char *of, uint32_t state,
				  unsigned nth)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rows[i].of, of) && rows[i].state == state &&
		    (!rows[i].nth || rows[i].nth == nth))
			return &rows[i];
	return NULL;
}

#define KIT_END STR("1"), STR("the script of the conformance kit ends it")

enum err kit_negotiation_step(const struct turn *u, Ds__Negotiation *n)
{
	const struct cue *c = cue_find(negotiation_cues, sizeof negotiation_cues / sizeof *negotiation_cues,
				       n->dataset, n->state, times(n->history, n->n_history, n->state));
	struct str pid = str_of(n->pid);
	Ds__Negotiation *after;
	enum err e;

	if (!c) return ERR_OK;
	switch (c->act) {
	case ACT_OFFER:
	case ACT_ASK_AGAIN: return negotiation_counter(u, pid, NULL, &after);
	case ACT_AGREE: return negotiation_agree(u, pid, &after);
	case ACT_ACCEPT: return negotiation_accept(u, pid, &after);
	case ACT_TERMINATE: return negotiation_terminate(u, pid, KIT_END, &after);
	case ACT_FINALIZE: e = negotiation_finalize(u, n); break;
	case ACT_VERIFY: e = negotiation_verify(u, n, NULL); break;
	default: return ERR_INTERNAL;
	}
	return e ? e : negotiation_put(u, n);
}

static enum err start(const struct turn *u, Ds__Transfer *x)
{
	enum err e;

	if (x->state == DSP_TRANSFER_SUSPENDED) return transfer_resume(u, str_of(x->pid), &x);
	e = transfer_open(u, x);
	return e ? e : ds_transfer_put(u->t, u->self->id, x);
}

enum err kit_transfer_step(const struct turn *u, Ds__Transfer *x)
{
	const struct cue *c = cue_find(transfer_cues, sizeof transfer_cues / sizeof *transfer_cues,
				       x->agreement, x->state, times(x->history, x->n_history, x->state));
	struct str pid = str_of(x->pid);
	Ds__Transfer *after;

	if (!c) return ERR_OK;
	switch (c->act) {
	case ACT_START: return start(u, x);
	case ACT_SUSPEND: return transfer_suspend(u, pid, STR("the script suspends it"), &after);
	case ACT_COMPLETE: return transfer_finish(u, pid);
	case ACT_TERMINATE: return transfer_terminate(u, pid, KIT_END, &after);
	default: return ERR_INTERNAL;
	}
}
