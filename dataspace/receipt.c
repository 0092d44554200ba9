#include "dataspace/receipt.h"

#include "base/proof.h"

#define STATEMENT "kanhe:MeterStatement"
#define PURPOSE "assertionMethod"

/* ---- the document ---- */

json_t *receipt_write(struct arena *a, const struct receipt_terms *r, const struct receipt_counts *c)
{
	json_t *doc = json_keep(a, json_object()), *transfer = json_object(), *totals = json_object();
	char when[CLOCK_TEXT];

	must(transfer && totals);
	if (!doc) {
		json_decref(transfer);
		json_decref(totals);
		return NULL;
	}
	json_put_str(doc, "@type", STR(STATEMENT));
	json_put_str(doc, "agreement", str_of(r->agreement->id));
	json_put_u64(doc, "sequence", r->sequence);
	json_put_str(doc, "provider", str_of(r->agreement->provider));
	json_put_str(doc, "consumer", str_of(r->agreement->consumer));
	json_put_str(transfer, "consumerPid", r->consumer_pid);
	json_put_str(transfer, "providerPid", r->provider_pid);
	json_put_u64(transfer, "requests", c->requests);
	json_put_u64(transfer, "octets", c->octets);
	json_put(doc, "transfer", transfer);
	json_put_u64(totals, "transfers", c->total_transfers);
	json_put_u64(totals, "requests", c->total_requests);
	json_put_u64(totals, "octets", c->total_octets);
	json_put(doc, "totals", totals);
	json_put_str(doc, "issued", str_of(clock_print(r->issued, true, when)));
	return doc;
}

enum err receipt_parse(json_t *doc, struct flaw *f, struct receipt_said *ret)
{
	struct receipt_said s = {.sequence = 0};
	struct str type;
	json_t *transfer, *totals;
	enum err e = json_str(doc, "", "@type", f, &type);

	if (!e && !str_is(type, STATEMENT))
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "@type", "value", "expected " STATEMENT);
	if (!e) e = json_str(doc, "", "agreement", f, &s.agreement);
	if (!e) e = json_u64(doc, "", "sequence", f, &s.sequence);
	if (!e) e = json_str(doc, "", "provider", f, &s.provider);
	if (!e) e = json_str(doc, "", "consumer", f, &s.consumer);
	if (!e) e = json_obj(doc, "", "transfer", f, &transfer);
	if (!e) e = json_str(transfer, "transfer", "consumerPid", f, &s.consumer_pid);
	if (!e) e = json_str(transfer, "transfer", "providerPid", f, &s.provider_pid);
	if (!e) e = json_u64(transfer, "transfer", "requests", f, &s.counts.requests);
	if (!e) e = json_u64(transfer, "transfer", "octets", f, &s.counts.octets);
	if (!e) e = json_obj(doc, "", "totals", f, &totals);
	if (!e) e = json_u64(totals, "totals", "transfers", f, &s.counts.total_transfers);
	if (!e) e = json_u64(totals, "totals", "requests", f, &s.counts.total_requests);
	if (!e) e = json_u64(totals, "totals", "octets", f, &s.counts.total_octets);
	if (!e) *ret = s;
	return e;
}

static json_t *without_proof(json_t *doc)
{
	json_t *bare = json_copy(doc);

	must(bare);
	json_object_del(bare, "proof");
	return bare;
}

bool receipt_same(json_t *doc1, json_t *doc2)
{
	json_t *a = without_proof(doc1), *b = without_proof(doc2);
	bool same = json_equal(a, b) == 1;

	json_decref(a);
	json_decref(b);
	return same;
}

/* The verification method of a proof by that DID; STR_NONE when there is none. */
static struct str method_of(json_t *proof, struct str did)
{
	json_t *one;
	size_t i;

	if (json_is_array(proof)) {
		json_array_foreach(proof, i, one)
		{
			struct str m = method_of(one, did);

			if (m.p) return m;
		}
		return STR_NONE;
	}
	struct str m = json_text(json_object_get(proof, "verificationMethod"));
	return str_starts(m, did) && m.n > did.n && m.p[did.n] == '#' ? m : STR_NONE;
}

struct known {
	const struct ds_self *self;
	const Ds__Agreement *g;
	const struct ds_did *doc_of;
};

/* NULL: not known. */
static const unsigned char *key_find(const struct known *k, struct str method)
{
	const unsigned char *key = NULL;

	if (str_is(method, k->self->method)) return sign_public(k->self->key);
	if (str_is(method, k->g->provider_method) && k->g->provider_key.len == SIGN_PUBLIC)
		return k->g->provider_key.data;
	if (str_is(method, k->g->consumer_method) && k->g->consumer_key.len == SIGN_PUBLIC)
		return k->g->consumer_key.data;
	return k->doc_of && !ds_did_key(k->doc_of, method, &key) ? key : NULL;
}

enum err receipt_verify(const struct ds_self *self, const Ds__Agreement *g, const struct ds_did *doc_of,
			json_t *doc, struct str did, struct flaw *f)
{
	struct known known = {self, g, doc_of};
	struct str method = method_of(json_object_get(doc, "proof"), did);
	const unsigned char *key = method.p ? key_find(&known, method) : NULL;

	if (!method.p)
		return flaw_set(f, ERR_BAD_SIGNATURE, FLAW_NO_OFFSET, "proof", "missing",
				"there is no proof by %.*s", STR_ARG(did));
	if (!key)
		return flaw_set(f, ERR_BAD_SIGNATURE, FLAW_NO_OFFSET, "proof", "key",
				"no key is known of %.*s", STR_ARG(method));
	return proof_verify(doc, method.p, key, f);
}

/* ---- rows ---- */

static struct ds_key receipt_key(struct str participant, struct str agreement, uint64_t sequence)
{
	struct ds_key k = ds_key(participant, agreement, STR_NONE);

	ds_key_u64(&k, sequence);
	return k;
}

enum err receipt_put(struct writer_txn *t, struct str participant, const Ds__Receipt *r)
{
	struct ds_key k = receipt_key(participant, str_of(r->agreement), r->sequence);

	return ds_row_put(t, DS_TABLE_receipt, &k, &r->base);
}

enum err receipt_find(struct store_txn *t, struct arena *a, struct str participant, struct str agreement,
		      uint64_t sequence, Ds__Receipt **ret)
{
	struct ds_key k = receipt_key(participant, agreement, sequence);
	ProtobufCMessage *m;
	enum err e = ds_row_get(t, DS_TABLE_receipt, &k, a, &ds__receipt__descriptor, &m);

	if (!e) *ret = (Ds__Receipt *)m;
	return e;
}

enum err receipt_each(struct store_txn *t, struct arena *a, struct str participant, struct str agreement,
		      receipt_fn *fn, void *arg)
{
	struct ds_key k = ds_key(participant, agreement, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	ProtobufCMessage *m;
	enum err e = ds_row_scan_open(&scan, t, DS_TABLE_receipt, &k, STR_NONE);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = ds_row_unpack(value, a, &ds__receipt__descriptor, &m);
		if (!e) e = fn(arg, (const Ds__Receipt *)m);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
