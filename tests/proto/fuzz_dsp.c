/* Dataspace Protocol messages: what a parser accepts, its writer writes and it accepts again. */
#include "proto/dsp/catalog.h"
#include "proto/dsp/negotiation.h"
#include "proto/dsp/transfer.h"
#include "proto/dsp/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define TRY(name, type)                                                                                    \
	do {                                                                                               \
		struct type m, again;                                                                      \
		struct flaw f = {0};                                                                       \
		enum err e = name##_parse(j, &f, &m);                                                      \
		must(!e || (f.err == e && f.rule[0]));                                                     \
		if (!e) must(!name##_parse(name##_write(a, &m), &f, &again));                              \
	} while (0)
#define TRY_IN_ARENA(name, type)                                                                           \
	do {                                                                                               \
		struct type m, again;                                                                      \
		struct flaw f = {0};                                                                       \
		enum err e = name##_parse(a, j, &f, &m);                                                   \
		must(!e || (f.err == e && f.rule[0]));                                                     \
		if (!e) must(!name##_parse(a, name##_write(a, &m), &f, &again));                           \
	} while (0)

static void negotiation(struct arena *a, json_t *j)
{
	TRY(dsp_contract_request, dsp_contract_request);
	TRY(dsp_contract_offer, dsp_contract_offer);
	TRY(dsp_contract_agreement, dsp_contract_agreement);
	TRY(dsp_agreement_verification, dsp_agreement_verification);
	TRY(dsp_negotiation_event, dsp_negotiation_event);
	TRY(dsp_negotiation_termination, dsp_negotiation_termination);
	TRY(dsp_negotiation, dsp_negotiation);
	TRY(dsp_negotiation_error, dsp_negotiation_error);
}

static void transfer(struct arena *a, json_t *j)
{
	TRY(dsp_transfer_request, dsp_transfer_request);
	TRY(dsp_transfer_start, dsp_transfer_start);
	TRY(dsp_transfer_completion, dsp_transfer_completion);
	TRY(dsp_transfer_suspension, dsp_transfer_notice);
	TRY(dsp_transfer_termination, dsp_transfer_notice);
	TRY(dsp_transfer_error, dsp_transfer_notice);
	TRY(dsp_transfer, dsp_transfer);
}

static void catalog(struct arena *a, json_t *j)
{
	TRY(dsp_catalog_request, dsp_catalog_request);
	TRY(dsp_dataset_request, dsp_dataset_request);
	TRY(dsp_catalog_error, dsp_catalog_error);
	TRY_IN_ARENA(dsp_catalog, dsp_catalog);
	TRY_IN_ARENA(dsp_dataset, dsp_dataset);
	TRY_IN_ARENA(dsp_versions, dsp_versions);
	TRY(dsp_did_service, dsp_did_service);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(64 << 20);
	struct flaw f;
	json_t *j;
	enum dsp_type t;
	must(a);
	if (!json_read(a, str_n(data, n), &f, &j)) {
		(void)!dsp_type_of(j, &f, &t);
		catalog(a, j);
		negotiation(a, j);
		transfer(a, j);
		for (int kind = ODRL_OFFER; kind <= ODRL_AGREEMENT; kind++) {
			struct odrl_policy p;
			(void)!odrl_check(j, (enum odrl_kind)kind, "policy", &f, &p);
		}
	}
	arena_free(a);
	return 0;
}
