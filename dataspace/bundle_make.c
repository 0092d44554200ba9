#include "dataspace/bundle_make.h"

#include <stdlib.h>

#include "base/proof.h"
#include "base/ledger.h"
#include "base/text64.h"
#include "dataspace/evidence.h"
#include "dataspace/receipt.h"

#define PURPOSE "assertionMethod"

enum { MAKE_ARENA = 64 << 20, ENTRIES_STEP = 256 };

struct making {
	struct ds *d;
	struct store_txn *t;
	struct arena *a;
	struct str participant;
	const Ds__Agreement *g;
	uint64_t size; /* of the tree */
	bool brief;
	uint64_t last; /* brief: sequence of the last receipt; 0: none */
	size_t octets; /* of what is in it, about: past the bound nothing more is read */
	json_t *list;
};

static json_t *object_new(void)
{
	json_t *j = json_object();

	must(j);
	return j;
}

static json_t *array_new(void)
{
	json_t *j = json_array();

	must(j);
	return j;
}

static void append(json_t *list, json_t *stolen)
{
	must(json_array_append_new(list, stolen) == 0);
}

static json_t *base64_of(struct arena *a, const void *p, size_t n)
{
	struct str s = base64_write(a, str_n(p, n));

	return json_stringn(s.p ? s.p : "", s.n);
}

/* ---- entries ---- */

static enum err room(struct making *k, size_t octets)
{
	k->octets += octets;
	return k->octets > BUNDLE_SIZE_MAX || arena_overflowed(k->a) ? ERR_TOO_LARGE : ERR_OK;
}

/* Puts index, salt, entry and proof into j. */
static enum err entry_put(struct making *k, json_t *j, uint64_t index)
{
	struct merkle_proof proof;
	struct ledger_leaf leaf;
	json_t *hashes, *entry;
	enum err e = ledger_read(k->t, index, &leaf);

	if (!e) e = json_read(k->a, leaf.entry, NULL, &entry);
	if (!e) e = ledger_prove(k->t, index, k->size, &proof);
	if (e) return e == ERR_BAD_JSON ? ERR_CORRUPT : e;
	hashes = array_new();
	json_put_u64(j, "index", index);
	json_put(j, "salt", base64_of(k->a, leaf.salt, sizeof leaf.salt));
	json_put(j, "entry", json_incref(entry));
	for (size_t i = 0; i < proof.n; i++) append(hashes, base64_of(k->a, proof.hash[i].b, MERKLE_HASH));
	json_put(j, "proof", hashes);
	return room(k, leaf.entry.n + 48 * proof.n);
}

/* A brief one holds what led to the contract and what became of it, and the last statement of its use. */
static bool entry_wanted(const struct making *k, const json_t *j)
{
	const json_t *entry = json_object_get(j, "entry");
	struct str kind = json_text(json_object_get(entry, "kind"));
	json_t *sequence = json_object_get(json_object_get(entry, "detail"), "sequence");

	if (!k->brief || str_starts(kind, STR("negotiation-")) || str_starts(kind, STR("agreement-")))
		return true;
	return str_starts(kind, STR("meter-")) && (uint64_t)json_integer_value(sequence) == k->last;
}

static enum err entry_add(struct making *k, uint64_t index)
{
	struct arena_mark mark = arena_mark(k->a);
	size_t before = k->octets;
	json_t *j = object_new();
	enum err e = entry_put(k, j, index);

	if (e || entry_wanted(k, j)) {
		append(k->list, j);
	} else {
		k->octets = before;
		json_decref(j);
	}
	if (!e) arena_rollback(k->a, mark);
	return e;
}

static enum err entries_add(struct making *k)
{
	uint64_t index[ENTRIES_STEP], next = 0;
	enum err e = ERR_OK;

	while (!e && next != UINT64_MAX) {
		size_t n, i;

		e = ds_event_list(k->t, k->participant, str_of(k->g->id), next, ENTRIES_STEP, index, &n,
				  &next);
		for (i = 0; !e && i < n; i++) e = entry_add(k, index[i]);
	}
	return e;
}

/* ---- what a plain partner sent ---- */

static enum err evidence_add(void *arg, const Ds__Evidence *row)
{
	struct making *k = arg;
	json_t *j = evidence_show(k->a, row);
	enum err e = entry_put(k, j, row->leaf);

	append(k->list, j);
	return e;
}

/* ---- receipts ---- */

static enum err receipt_add(void *arg, const Ds__Receipt *r)
{
	struct making *k = arg;
	json_t *j = object_new(), *statement, *peer = NULL;

	json_put_u64(j, "sequence", r->sequence);
	json_put_str(j, "state",
		     r->peer_json[0]                   ? STR("disputed")
		     : r->own_signed && r->peer_signed ? STR("agreed")
						       : STR("stated"));
	statement = json_loads(r->json, 0, NULL);
	if (r->peer_json[0]) peer = json_loads(r->peer_json, 0, NULL);
	if (!statement || (r->peer_json[0] && !peer)) {
		json_decref(statement);
		json_decref(j);
		return ERR_CORRUPT;
	}
	json_put(j, "statement", statement);
	if (peer) json_put(j, "peer_statement", peer);
	append(k->list, j);
	return room(k, strlen(r->json) + strlen(r->peer_json));
}

static enum err receipt_last(void *arg, const Ds__Receipt *r)
{
	struct making *k = arg;

	k->last = r->sequence;
	return ERR_OK;
}

static enum err receipts_add(struct making *k)
{
	Ds__Receipt *r;
	enum err e;

	if (!k->brief) return receipt_each(k->t, k->a, k->participant, str_of(k->g->id), receipt_add, k);
	e = receipt_find(k->t, k->a, k->participant, str_of(k->g->id), k->last, &r);
	return e == ERR_NOT_FOUND ? ERR_OK : e ? e : receipt_add(k, r);
}

/* ---- keys ---- */

/* key NULL: it has not signed. */
static json_t *key_json(struct str did, const char *method, const unsigned char *key)
{
	char text[SIGN_MULTIBASE];
	json_t *j = object_new();

	json_put_str(j, "did", did);
	if (!key) return j;
	sign_public_multibase(key, text);
	json_put_str(j, "method", str_of(method));
	json_put_str(j, "key", str_of(text));
	return j;
}

static json_t *keys_json(const struct making *k, const char *node_method)
{
	const Ds__Agreement *g = k->g;
	json_t *j = object_new();

	json_put(j, "provider",
		 key_json(str_of(g->provider), g->provider_method,
			  g->provider_signed ? g->provider_key.data : NULL));
	json_put(j, "consumer",
		 key_json(str_of(g->consumer), g->consumer_method,
			  g->consumer_signed ? g->consumer_key.data : NULL));
	json_put(j, "node", key_json(str_of(k->d->o.did), node_method, sign_public(k->d->o.key)));
	return j;
}

/* ---- the whole ---- */

static enum err agreement_ready(const Ds__Agreement *g, struct flaw *f)
{
	bool provider = g->provider_signed && g->provider_key.len == SIGN_PUBLIC;
	bool consumer = g->consumer_signed && g->consumer_key.len == SIGN_PUBLIC;

	if (g->state == DS__AGREEMENT_STATE__AGREEMENT_PENDING ||
	    g->state == DS__AGREEMENT_STATE__AGREEMENT_VOID)
		return flaw_set(f, ERR_BAD_STATE, FLAW_NO_OFFSET, "agreement", "agreement-state",
				"the agreement was never in force");
	if (g->side == DS__SIDE__SIDE_PROVIDER ? !provider : !consumer)
		return flaw_set(f, ERR_BAD_STATE, FLAW_NO_OFFSET, "agreement", "signatures",
				"the agreement is not signed by our own side: it cannot be proven");
	return ERR_OK;
}

static enum err lists_put(struct making *k, json_t *doc)
{
	struct str note;
	enum err e;

	k->size = ledger_size(k->t);
	if (k->brief) json_put_str(doc, "scope", STR("brief"));
	e = k->brief ? receipt_each(k->t, k->a, k->participant, str_of(k->g->id), receipt_last, k) : ERR_OK;
	if (e) return e;
	json_put(doc, "entries", k->list = array_new());
	e = entries_add(k);
	if (!e && !(k->g->provider_signed && k->g->consumer_signed)) {
		json_put(doc, "evidence", k->list = array_new());
		e = evidence_each(k->t, k->a, k->participant, str_of(k->g->negotiation), evidence_add, k);
	}
	if (!e) e = ledger_checkpoint(writer_ledger(k->d->o.writer), k->t, k->d->o.key, k->a, &note);
	if (e) return e;
	json_put_str(doc, "checkpoint", note);
	json_put(doc, "receipts", k->list = array_new());
	return receipts_add(k);
}

static enum err doc_fill(struct making *k, json_t *doc)
{
	char when[CLOCK_TEXT], key[SIGN_MULTIBASE];
	struct str node_method;
	usec_t now = clock_wall();
	json_t *agreement = json_loads(k->g->json, 0, NULL);
	enum err e;

	if (!agreement) return ERR_CORRUPT;
	/* as in the node's DID document */
	sign_public_multibase(sign_public(k->d->o.key), key);
	node_method = arena_printf(k->a, "%s#%s", k->d->o.did, key);
	json_put_str(doc, "@type", STR("kanhe:ProofBundle"));
	json_put_u64(doc, "version", 1);
	json_put_str(doc, "issued", str_of(clock_print(now, true, when)));
	json_put_str(doc, "participant", k->participant);
	json_put_str(doc, "role",
		     k->g->side == DS__SIDE__SIDE_PROVIDER ? STR("provider") : STR("consumer"));
	json_put(doc, "agreement", agreement);
	e = node_method.p ? lists_put(k, doc) : ERR_NO_MEMORY;
	if (e) return e;
	json_put(doc, "keys", keys_json(k, node_method.p));
	return proof_add(doc, k->d->o.key, node_method.p, PURPOSE, now);
}

enum err ds_bundle_make(struct ds *d, struct store_txn *t, struct arena *a, struct str participant,
			struct str agreement, bool brief, struct flaw *f, struct buf *out)
{
	struct making k = {.d = d, .t = t, .a = a, .participant = participant, .brief = brief};
	Ds__Agreement *g;
	json_t *doc;
	enum err e = ds_agreement_find(t, a, participant, agreement, &g);

	if (!e) e = agreement_ready(g, f);
	if (e) return e;
	k.g = g;
	doc = object_new();
	e = doc_fill(&k, doc);
	if (!e) e = json_jcs(doc, out);
	if (!e) e = buf_err(out);
	json_decref(doc);
	if (e == ERR_TOO_LARGE && !brief)
		return flaw_set(
		    f, e, FLAW_NO_OFFSET, "agreement", "bundle-size",
		    "its bundle would be larger than %d MiB: a brief one (?brief=yes, kanhe prove "
		    "--brief) proves the contract and the last statement, which counts all use",
		    BUNDLE_SIZE_MAX >> 20);
	return e;
}

/* ---- GET /participants/{p}/agreements/{id}/proof ---- */

/* The export is an entry of its own; then a thread of the disk makes the bundle, which may take a while. */
struct export
{
	struct disk_job job; /* first */
	struct net_source source;
	struct ds *d;
	struct net_req *req; /* NULL once the client has gone */
	struct net_shard *shard;
	struct arena *a;
	struct str participant, agreement, who;
	bool brief;
	struct buf text;
	size_t at;
	struct flaw flaw;
	enum err err;
};

static void export_free(struct export *x)
{
	buf_done(&x->text);
	arena_free(x->a);
	free(x);
}

static enum err export_pull(struct net_source *s, char *out, size_t room, size_t *ret_n, bool *ret_end)
{
	struct export *x = (struct export *)(void *)((char *)s - offsetof(struct export, source));
	size_t n = x->text.n - x->at < room ? x->text.n - x->at : room;

	memcpy(out, x->text.p + x->at, n);
	x->at += n;
	*ret_n = n;
	*ret_end = x->at == x->text.n;
	return ERR_OK;
}

static void export_sent(struct net_source *s)
{
	export_free((struct export *)(void *)((char *)s - offsetof(struct export, source)));
}

static void export_work(struct disk_job *j)
{
	struct export *x = (struct export *)(void *)j;
	struct store_txn *t;

	x->err = store_read(x->d->o.store, &t);
	if (x->err) return;
	x->err = ds_bundle_make(x->d, t, x->a, x->participant, x->agreement, x->brief, &x->flaw, &x->text);
	store_read_end(t);
}

static void export_done(struct disk_job *j)
{
	struct export *x = (struct export *)(void *)j;

	if (j->lost || !x->req) {
		export_free(x);
		return;
	}
	if (x->err) {
		net_reply_err(x->req, x->err, &x->flaw);
		export_free(x);
		return;
	}
	x->source = (struct net_source){export_pull, export_sent};
	net_reply_stream(x->req, 200, "application/json", x->text.n, &x->source);
}

static void export_gone(void *arg)
{
	struct export *x = arg;

	x->req = NULL;
}

static enum err exported_work(struct ds_job *j, struct writer_txn *t)
{
	struct export *x = j->in;
	struct ds_event ev = {.kind = DS_EVENT_PROOF_EXPORTED,
			      .participant = x->participant,
			      .who = x->who,
			      .agreement = x->agreement};
	Ds__Agreement *g;
	enum err e = ds_agreement_find(t->store, j->arena, x->participant, x->agreement, &g);

	if (!e) e = agreement_ready(g, &j->flaw);
	return e ? e : ds_event_append(t, &ev, NULL);
}

static void exported(struct ds_job *j, enum err result)
{
	struct export *x = j->in;

	if (result) {
		net_reply_err(j->req, result, &j->flaw);
		return;
	}
	j->in = NULL; /* the disk's now */
	x->req = j->req;
	net_hold(x->req, export_gone, x);
	x->job = (struct disk_job){.work = export_work, .done = export_done, .d = x->d, .shard = x->shard};
	disk_submit(x->d->dp->disk, &x->job);
}

static void export_left(void *arg)
{
	struct ds_job *j = arg;

	if (j->in) export_free(j->in);
}

void proof_get(struct net_req *r)
{
	struct flaw f = {0};
	struct str participant, agreement, brief = STR("no");
	struct ds_job *j;
	struct export *x;
	enum err e = ds_req_participant(r, &participant);

	if (e) return;
	e = net_decode(r->arena, r->param[1], &f, &agreement);
	if (!e && net_query(r, "brief", &brief) && !str_is(brief, "yes") && !str_is(brief, "no"))
		e = flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "brief", "switch", "yes or no");
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	j = ds_job_new(ds_of(r), r);
	if (!j) return;
	x = calloc(1, sizeof *x);
	if (x && !(x->a = arena_new(MAKE_ARENA))) {
		free(x);
		x = NULL;
	}
	if (!x || arena_on_reset(j->arena, export_left, j)) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		if (x) export_free(x);
		ds_job_free(j);
		return;
	}
	x->brief = str_is(brief, "yes");
	x->d = ds_of(r);
	x->shard = r->shard;
	x->participant = arena_dup(x->a, participant);
	x->agreement = arena_dup(x->a, agreement);
	x->who = arena_dup(x->a, ds_who(r));
	buf_init(&x->text, BUNDLE_SIZE_MAX);
	j->in = x;
	j->work = exported_work;
	j->answer = exported;
	(void)!ds_job_submit(j);
}
