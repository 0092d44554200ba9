/* What a plain partner sent, in a proof bundle: each message against its ledger entry. */
#include "dataspace/bundle_checking.h"

#include "dataspace/evidence_check.h"

enum { SHA_TEXT = 7 + 64 };

static bool sha_is(struct str text, const unsigned char digest[32])
{
	char hex[SHA_TEXT];

	memcpy(hex, "sha256:", 7);
	hex_write(digest, 32, hex + 7);
	return str_eq(text, str_n(hex, sizeof hex));
}

/* "negotiation-requested" tells of REQUESTED. */
static bool kind_is(struct str kind, struct str state)
{
	return str_starts(kind, STR("negotiation-")) && str_eq_nocase(str_skip(kind, 12), state);
}

/* Of 2025-1 only: 2024-1 names the members otherwise. */
static const char *agreement_wrong(const struct bundle_checking *k, const struct evidence_report *r)
{
	json_t *theirs, *kept;
	bool same;

	if (!r->message || !str_is(r->type, "ContractAgreementMessage") || !str_is(r->version, "2025-1"))
		return NULL;
	theirs = json_copy(json_object_get(r->message, "agreement"));
	kept = json_copy(json_object_get(k->doc, "agreement"));
	if (theirs) json_object_del(theirs, "proof");
	if (kept) json_object_del(kept, "proof");
	same = json_is_object(theirs) && json_equal(theirs, kept);
	json_decref(theirs);
	json_decref(kept);
	return same ? NULL : "it brings another agreement";
}

static const char *entry_differs(const struct bundle_checking *k, const json_t *entry,
				 const struct evidence_report *r)
{
	if (!str_eq(bundle_text(entry, "negotiation"), r->negotiation) ||
	    !str_eq(r->negotiation, k->negotiation))
		return "it belongs to another negotiation";
	if (!str_eq(bundle_text(entry, "who"), r->from) || !kind_is(bundle_text(entry, "kind"), r->state))
		return "the ledger tells of another move";
	if (!str_eq(bundle_text(entry, "message"), r->digest)) return "the ledger tells of another message";
	if (!sha_is(bundle_text(json_object_get(entry, "detail"), "evidence"), r->record))
		return "the ledger cites another record";
	return NULL;
}

static void check_one(struct bundle_checking *k, const json_t *item, int64_t *last)
{
	bool provider_ours = str_is(bundle_text(k->doc, "role"), "provider");
	const struct bundle_party *own = &k->party[provider_ours ? BUNDLE_PROVIDER : BUNDLE_CONSUMER];
	const struct bundle_party *other = &k->party[provider_ours ? BUNDLE_CONSUMER : BUNDLE_PROVIDER];
	struct evidence_report r;
	const char *wrong = bundle_place_wrong(k, item, last);
	enum err e = evidence_check(k->a, item, other->did, own->did, &r);
	struct str name = arena_printf(k->a, "%.*s of the %s", STR_ARG(r.type), other->name);

	if (!wrong) wrong = e ? r.wrong : entry_differs(k, json_object_get(item, "entry"), &r);
	if (!wrong) wrong = agreement_wrong(k, &r);
	if (wrong || e) {
		bundle_note(k, false, name, "%s", wrong ? wrong : err_text(e));
		return;
	}
	struct str says = evidence_says(k->a, &r);

	bundle_note(k, true, name, "%.*s; %.*s", STR_ARG(r.time), STR_ARG(says));
	k->r->check[k->r->checks_n - 1].open = !r.token;
}

void bundle_evidence(struct bundle_checking *k)
{
	bool plain = k->party[BUNDLE_PROVIDER].plain || k->party[BUNDLE_CONSUMER].plain;
	json_t *list = json_object_get(k->doc, "evidence"), *item;
	int64_t last = -1;
	size_t i;

	k->r->evidence = json_array_size(list);
	if (!plain && !list) return;
	if (!plain || !json_is_array(list) || !k->has_tree) {
		bundle_note(k, false, STR("messages of the partner"),
			    "there is no list where one is due, or one where none is");
		return;
	}
	if (!k->r->evidence) {
		bundle_note(k, true, STR("messages of the partner"), "none was kept");
		k->r->check[k->r->checks_n - 1].open = true;
	}
	json_array_foreach(list, i, item) check_one(k, item, &last);
}
