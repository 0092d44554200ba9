/* Messages of 2024-1: what was read comes back the same when it is written and read again; every message
 * type of 2025-1 takes or refuses it by name. */
#include "proto/dsp/catalog.h"
#include "proto/dsp/negotiation.h"
#include "proto/dsp/transfer.h"
#include "proto/dsp/v2024.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define TRY(name, type)                                                                                    \
	do {                                                                                               \
		struct type m;                                                                             \
		struct flaw g = {0};                                                                       \
		enum err e = name##_parse(j, &g, &m);                                                      \
		must(!e || (g.err == e && g.rule[0]));                                                     \
		if (e) dsp_v2024_flaw(j, &g);                                                              \
	} while (0)

static void messages(struct arena *a, json_t *j)
{
	struct dsp_catalog c;
	struct dsp_dataset s;
	struct flaw f = {0};

	TRY(dsp_catalog_request, dsp_catalog_request);
	TRY(dsp_dataset_request, dsp_dataset_request);
	TRY(dsp_catalog_error, dsp_catalog_error);
	TRY(dsp_contract_request, dsp_contract_request);
	TRY(dsp_contract_offer, dsp_contract_offer);
	TRY(dsp_contract_agreement, dsp_contract_agreement);
	TRY(dsp_agreement_verification, dsp_agreement_verification);
	TRY(dsp_negotiation_event, dsp_negotiation_event);
	TRY(dsp_negotiation_termination, dsp_negotiation_termination);
	TRY(dsp_negotiation, dsp_negotiation);
	TRY(dsp_negotiation_error, dsp_negotiation_error);
	TRY(dsp_transfer_request, dsp_transfer_request);
	TRY(dsp_transfer_start, dsp_transfer_start);
	TRY(dsp_transfer_completion, dsp_transfer_completion);
	TRY(dsp_transfer_suspension, dsp_transfer_notice);
	TRY(dsp_transfer_termination, dsp_transfer_notice);
	TRY(dsp_transfer_error, dsp_transfer_notice);
	TRY(dsp_transfer, dsp_transfer);
	if (dsp_catalog_parse(a, j, &f, &c)) dsp_v2024_flaw(j, &f);
	if (dsp_dataset_parse(a, j, &f, &s)) dsp_v2024_flaw(j, &f);
}

/* An agreement that both sides accept is the same on both sides: proofs are made over it. */
static void comes_back(struct arena *a, json_t *j)
{
	struct dsp_v2024_more more = {STR("https://us.example/dsp"), STR("did:web:us.example")};
	struct dsp_contract_agreement m;
	json_t *old, *again;

	if (dsp_contract_agreement_parse(j, NULL, &m)) return;
	old = dsp_v2024_write(a, j, &more);
	if (!old) return; /* a member under both names */
	if (dsp_v2024_read(a, old, NULL, &again)) return;
	must(json_equal(json_object_get(j, "agreement"), json_object_get(again, "agreement")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(64 << 20);
	struct flaw f = {0};
	json_t *old, *j;
	enum err e;

	must(a);
	if (!json_read(a, str_n(data, n), &f, &old)) {
		f = (struct flaw){0};
		e = dsp_v2024_read(a, old, &f, &j);
		must(!e || (f.err == e && f.rule[0]));
		if (!e) {
			messages(a, j);
			comes_back(a, j);
		}
		(void)dsp_v2024_write(a, old, NULL);
	}
	arena_free(a);
	return 0;
}
