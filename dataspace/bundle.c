/* Verifying proof bundles. Pure. */
#include "dataspace/bundle_checking.h"

#include "base/proof.h"
#include "base/ledger.h"
#include "base/text64.h"

/* ---- form ---- */

static bool check_form(struct bundle_checking *k, struct str text)
{
	struct str name = STR("canonical form");
	struct flaw f = {0};
	struct buf b = BUF_INIT(BUNDLE_SIZE_MAX);
	bool same;

	if (text.n > BUNDLE_SIZE_MAX)
		return bundle_note(k, false, name, "larger than %d octets", BUNDLE_SIZE_MAX);
	if (json_read_large(k->a, text, &f, &k->doc))
		return bundle_note(k, false, name, "not JSON: %s", f.text[0] ? f.text : "malformed");
	same = !json_jcs(k->doc, &b) && !buf_err(&b) && str_eq(buf_str(&b), text);
	buf_done(&b);
	if (!same)
		return bundle_note(k, false, name,
				   "the octets are not the JCS form (RFC 8785) of what they say");
	if (!str_is(bundle_text(k->doc, "@type"), "kanhe:ProofBundle") ||
	    json_integer_value(json_object_get(k->doc, "version")) != 1)
		return bundle_note(k, false, name, "not a proof bundle of version 1");
	k->r->brief = str_is(bundle_text(k->doc, "scope"), "brief");
	return bundle_note(k, true, name, "%zu octets, RFC 8785", text.n);
}

/* ---- keys ---- */

static bool method_belongs(struct str method, struct str did)
{
	return did.n && str_starts(method, did) && method.n > did.n + 1 && method.p[did.n] == '#';
}

static void party_read(struct bundle_checking *k, struct bundle_party *p, const char *name)
{
	json_t *j = json_object_get(json_object_get(k->doc, "keys"), name);

	p->name = name;
	p->did = bundle_text(j, "did");
	p->method = bundle_text(j, "method");
	p->known = method_belongs(p->method, p->did) && !sign_public_parse(bundle_text(j, "key"), p->key);
	p->plain = p->did.n && json_object_size(j) == 1 && strcmp(name, "node") != 0;
}

/* It holds, but says only that somebody has not signed. */
static void note_plain(struct bundle_checking *k, struct str name, const struct bundle_party *p)
{
	bundle_note(k, true, name, "%.*s has NOT signed: see its messages", STR_ARG(p->did));
	k->r->check[k->r->checks_n - 1].open = true;
}

static void check_key(struct bundle_checking *k, const struct bundle_party *p,
		      const struct bundle_pin *pins, size_t n)
{
	struct str name = arena_printf(k->a, "key of the %s", p->name);
	bool pinned = false;

	if (p->plain) return;
	if (!p->known) {
		bundle_note(k, false, name, "there is no key that belongs to a DID");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!str_eq(pins[i].did, p->did)) continue;
		if (!memcmp(pins[i].key, p->key, SIGN_PUBLIC)) {
			bundle_note(k, true, name, "%.*s, as pinned", STR_ARG(p->did));
			return;
		}
		pinned = true;
	}
	if (pinned)
		bundle_note(k, false, name, "%.*s has another key than the pinned one", STR_ARG(p->did));
	else
		bundle_note(k, true, name, "%.*s, as the bundle names it (not pinned)", STR_ARG(p->did));
}

static bool check_signature(struct bundle_checking *k, const json_t *doc, const struct bundle_party *p,
			    const char *what)
{
	struct str name = arena_printf(k->a, "%s signed by the %s", what, p->name);
	struct flaw f = {0};

	if (!p->known) return bundle_note(k, false, name, "no key");
	if (proof_verify(doc, arena_strdup(k->a, p->method), p->key, &f))
		return bundle_note(k, false, name, "%s",
				   f.text[0] ? f.text : "the signature does not verify");
	return bundle_note(k, true, name, "%.*s, eddsa-jcs-2022", STR_ARG(p->method));
}

/* ---- agreement ---- */

static const json_t *proof_at(const json_t *doc, size_t i)
{
	const json_t *proof = json_object_get(doc, "proof");

	return json_is_array(proof) ? json_array_get(proof, i) : i ? NULL : proof;
}

/* Whether it has signed. A party of which the bundle names no key must not have; the other one must. */
static bool check_party(struct bundle_checking *k, const json_t *g, const struct bundle_party *p)
{
	struct str name = arena_printf(k->a, "agreement signed by the %s", p->name);
	bool own = str_is(bundle_text(k->doc, "role"), p->name);
	const json_t *proof;

	if (!p->plain) return check_signature(k, g, p, "agreement");
	if (own) return bundle_note(k, false, name, "the party whose bundle it is has not signed");
	for (size_t i = 0; (proof = proof_at(g, i)); i++)
		if (method_belongs(json_text(json_object_get(proof, "verificationMethod")), p->did))
			return bundle_note(k, false, name, "there is a signature, but no key");
	note_plain(k, name, p);
	return false;
}

static void check_agreement(struct bundle_checking *k)
{
	json_t *g = json_object_get(k->doc, "agreement");
	struct str name = STR("agreement between the parties");
	bool ok = str_eq(bundle_text(g, "assigner"), k->party[BUNDLE_PROVIDER].did) &&
		  str_eq(bundle_text(g, "assignee"), k->party[BUNDLE_CONSUMER].did) &&
		  bundle_text(g, "@id").n;
	struct str role = bundle_text(k->doc, "role");

	k->r->agreement = bundle_text(g, "@id");
	k->r->provider = k->party[BUNDLE_PROVIDER].did;
	k->r->consumer = k->party[BUNDLE_CONSUMER].did;
	k->r->node = k->party[BUNDLE_NODE].did;
	k->participant = bundle_text(k->doc, "participant");
	if (!str_is(role, "provider") && !str_is(role, "consumer")) ok = false;
	bundle_note(k, ok, name, "%.*s", STR_ARG(k->r->agreement));
	if (!json_is_object(g)) return;
	k->r->provider_signed = check_party(k, g, &k->party[BUNDLE_PROVIDER]);
	k->r->consumer_signed = check_party(k, g, &k->party[BUNDLE_CONSUMER]);
}

/* ---- ledger ---- */

static void check_checkpoint(struct bundle_checking *k)
{
	struct str text = bundle_text(k->doc, "checkpoint"), name = STR("checkpoint signed by the node");
	struct flaw f = {0};

	if (!k->party[BUNDLE_NODE].known || !text.p ||
	    checkpoint_verify(text, k->party[BUNDLE_NODE].key, &f, &k->tree)) {
		bundle_note(k, false, name, "%s", f.text[0] ? f.text : "it cannot be verified");
		return;
	}
	k->has_tree = true;
	k->r->tree_size = k->tree.size;
	bundle_note(k, true, name, "%.*s, %llu entries", STR_ARG(k->tree.origin),
		    (unsigned long long)k->tree.size);
}

static const char *entry_wrong(struct bundle_checking *k, const json_t *j, int64_t *last)
{
	const char *wrong = bundle_place_wrong(k, j, last);

	if (wrong) return wrong;
	return str_eq(bundle_text(json_object_get(j, "entry"), "agreement"), k->r->agreement)
		   ? NULL
		   : "it belongs to another agreement";
}

/* Remembers what settled which statement, and what led to the agreement. */
static void entry_remember(struct bundle_checking *k, json_t *entry)
{
	struct str kind = bundle_text(entry, "kind");
	json_t *detail = json_object_get(entry, "detail");
	char sequence[24];

	if (str_is(kind, "negotiation-finalized")) k->negotiation = bundle_text(entry, "negotiation");
	if (!str_is(kind, "meter-signed") && !str_is(kind, "meter-countersigned") &&
	    !str_is(kind, "meter-disputed"))
		return;
	snprintf(sequence, sizeof sequence, "%lld",
		 (long long)json_integer_value(json_object_get(detail, "sequence")));
	json_object_set_new(k->settled, sequence,
			    json_pack("{s:O, s:O}", "kind", json_object_get(entry, "kind"), "detail",
				      detail ? detail : json_null()));
}

static void check_entries(struct bundle_checking *k)
{
	json_t *list = json_object_get(k->doc, "entries"), *j;
	struct str name = STR("entries included in the ledger");
	bool finalized = false;
	int64_t last = -1;
	size_t i;

	k->r->entries = json_array_size(list);
	if (!k->has_tree || !json_is_array(list)) {
		bundle_note(k, false, name, "there is no checkpoint to lead to, or no list");
		return;
	}
	json_array_foreach(list, i, j)
	{
		struct arena_mark mark = arena_mark(k->a);
		const char *wrong = entry_wrong(k, j, &last);
		json_t *entry = json_object_get(j, "entry");

		arena_rollback(k->a, mark);
		if (wrong) {
			bundle_note(k, false, name, "entry %zu (index %lld): %s", i, (long long)last,
				    wrong);
			return;
		}
		finalized |= str_is(bundle_text(entry, "kind"), "negotiation-finalized");
		entry_remember(k, entry);
	}
	bundle_note(k, true, name, "%zu inclusion proofs%s", k->r->entries,
		    k->r->brief ? ": of the contract and the last statement only" : "");
	bundle_note(k, finalized, STR("ledger records the agreement"), "%s",
		    finalized ? "negotiation-finalized" : "no entry says that it came into force");
}

/* ---- receipts ---- */

static uint64_t number(json_t *obj, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(obj, key));
}

static const char *statement_wrong(struct bundle_checking *k, json_t *s, uint64_t sequence)
{
	if (!json_is_object(s) || !str_is(bundle_text(s, "@type"), "kanhe:MeterStatement"))
		return "it is not a meter statement";
	if (number(s, "sequence") != sequence) return "its number is another";
	if (!str_eq(bundle_text(s, "agreement"), k->r->agreement) ||
	    !str_eq(bundle_text(s, "provider"), k->party[BUNDLE_PROVIDER].did) ||
	    !str_eq(bundle_text(s, "consumer"), k->party[BUNDLE_CONSUMER].did))
		return "it is about another agreement or other parties";
	return NULL;
}

static bool signed_by(struct bundle_checking *k, json_t *s, const struct bundle_party *p)
{
	return p->known && !proof_verify(s, arena_strdup(k->a, p->method), p->key, NULL);
}

/* The ledger's entry says the same counts. */
static const char *entry_differs(struct bundle_checking *k, json_t *s, uint64_t sequence, struct str state)
{
	char key[24];
	json_t *j, *detail, *transfer = json_object_get(s, "transfer");

	snprintf(key, sizeof key, "%llu", (unsigned long long)sequence);
	j = json_object_get(k->settled, key);
	detail = json_object_get(j, "detail");
	if (!j) return "no entry of the ledger tells of it";
	if (str_is(state, "agreed") && !str_is(bundle_text(j, "kind"), "meter-countersigned"))
		return "the ledger does not tell of the second signature";
	if (number(detail, "requests") != number(transfer, "requests") ||
	    number(detail, "octets") != number(transfer, "octets"))
		return "the ledger's entry has other counts";
	return NULL;
}

static const char *receipt_wrong(struct bundle_checking *k, json_t *j, uint64_t sequence)
{
	json_t *s = json_object_get(j, "statement"), *peer = json_object_get(j, "peer_statement");
	struct str state = bundle_text(j, "state");
	bool provider_ours = str_is(bundle_text(k->doc, "role"), "provider");
	const struct bundle_party *own = &k->party[provider_ours ? BUNDLE_PROVIDER : BUNDLE_CONSUMER];
	const struct bundle_party *other = &k->party[provider_ours ? BUNDLE_CONSUMER : BUNDLE_PROVIDER];
	const char *wrong = statement_wrong(k, s, sequence);

	if (!wrong && number(j, "sequence") != sequence) wrong = "the statements are not numbered from 1";
	if (!wrong) wrong = entry_differs(k, s, sequence, state);
	if (wrong) return wrong;
	if (!signed_by(k, s, own)) return "its own party's signature does not verify";
	if (str_is(state, "agreed") && !signed_by(k, s, other))
		return "the partner's signature does not verify";
	if (!str_is(state, "disputed"))
		return str_is(state, "agreed") || str_is(state, "stated") ? NULL : "unknown state";
	wrong = statement_wrong(k, peer, sequence);
	if (!wrong && !signed_by(k, peer, other)) wrong = "the partner's statement is not signed";
	return wrong;
}

static void check_receipts(struct bundle_checking *k)
{
	json_t *list = json_object_get(k->doc, "receipts"), *j;
	struct str name = STR("meter statements signed");
	size_t i, agreed = 0, disputed = 0;

	k->r->receipts = json_array_size(list);
	if (!json_is_array(list)) {
		bundle_note(k, false, name, "there is no list");
		return;
	}
	if (k->r->brief && k->r->receipts > 1) {
		bundle_note(k, false, name, "a brief bundle has the last one alone");
		return;
	}
	json_array_foreach(list, i, j)
	{
		struct arena_mark mark = arena_mark(k->a);
		const char *wrong = receipt_wrong(k, j, k->r->brief ? number(j, "sequence") : i + 1);
		json_t *totals = json_object_get(json_object_get(j, "statement"), "totals");

		arena_rollback(k->a, mark);
		if (wrong) {
			bundle_note(k, false, name, "statement %zu: %s", i + 1, wrong);
			return;
		}
		agreed += str_is(bundle_text(j, "state"), "agreed");
		disputed += str_is(bundle_text(j, "state"), "disputed");
		k->r->transfers = number(totals, "transfers");
		k->r->requests = number(totals, "requests");
		k->r->octets = number(totals, "octets");
	}
	bundle_note(k, true, name,
		    "%zu by both parties, %zu disputed, %zu by one party, as the ledger tells", agreed,
		    disputed, k->r->receipts - agreed - disputed);
}

/* ---- the whole ---- */

/* When this does not hold, something was changed, and nobody can say what: the rest is not looked at. */
static bool check_whole(struct bundle_checking *k)
{
	/* one proof, so that no octet of it goes unchecked */
	if (!json_is_object(json_object_get(k->doc, "proof")))
		return bundle_note(k, false, STR("bundle signed by the node"), "there must be one proof");
	return check_signature(k, k->doc, &k->party[BUNDLE_NODE], "bundle");
}

enum err ds_bundle_verify(struct arena *a, struct str text, const struct bundle_pin *pins, size_t pins_n,
			  struct bundle_report *ret)
{
	static const char *const names[BUNDLE_PARTIES] = {"provider", "consumer", "node"};
	struct bundle_checking k = {.a = a, .r = ret};

	*ret = (struct bundle_report){.ok = true};
	if (!check_form(&k, text)) return arena_overflowed(a) ? ERR_NO_MEMORY : ERR_BAD_SIGNATURE;
	k.settled = json_keep(a, json_object());
	if (!k.settled) return ERR_NO_MEMORY;
	for (size_t i = 0; i < BUNDLE_PARTIES; i++) {
		party_read(&k, &k.party[i], names[i]);
		check_key(&k, &k.party[i], pins, pins_n);
	}
	if (!check_whole(&k)) return arena_overflowed(a) ? ERR_NO_MEMORY : ERR_BAD_SIGNATURE;
	check_agreement(&k);
	check_checkpoint(&k);
	check_entries(&k);
	check_receipts(&k);
	bundle_evidence(&k);
	if (arena_overflowed(a)) return ERR_NO_MEMORY;
	return ret->ok ? ERR_OK : ERR_BAD_SIGNATURE;
}
