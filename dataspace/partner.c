#include "dataspace/partner.h"

#include <stdlib.h>

#include "dataspace/dialect.h"
#include "dataspace/document.h"
#include "dataspace/peer.h"

struct finding {
	struct net_req *req; /* NULL once the client has gone */
	struct partner partner;
	partner_fn *then;
	void *arg;
};

enum err partner_did(struct arena *a, struct str text, struct flaw *f, struct str *ret)
{
	static const char *const tails[] = {"/", "/did.json", DS_VERSIONS_PATH, DS_DSP_PATH,
					    DS_DSP_PATH_2024};
	struct str did = text;
	enum err e = ERR_OK;

	if (!str_starts(text, STR("did:")) && !str_starts(text, STR("http")))
		return flaw_set(f, ERR_BAD_INPUT, 0, "", "partner",
				"a partner is named by its DID (did:web:…) or its URL (https://…)");
	if (!str_starts(text, STR("did:"))) {
		for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
			if (str_ends(text, str_of(tails[i]))) text.n -= strlen(tails[i]);
		e = did_web_from_url(a, text, f, &did);
	}
	if (!e) e = document_subject_check(did, f);
	if (!e) *ret = did;
	return e;
}

static void finding_gone(void *arg)
{
	struct finding *w = arg;

	w->req = NULL;
}

static void finding_refuse(struct net_req *r, struct str did, enum err e)
{
	char why[PEER_WHY];
	struct flaw f = {0};

	peers_why(ds_of(r), did, why);

	e = peer_err_passes(e) ? e : ERR_UPSTREAM;
	(void)flaw_set(&f, e, FLAW_NO_OFFSET, "provider", "did-document", "the provider's DID document: %s",
		       why[0] ? why : err_text(e));
	net_reply_flaw(r, &f);
}

/* ---- which version ---- */

struct choosing {
	struct partner partner;
	struct str root; /* of its versions */
	partner_fn *then;
	void *arg;
};

static void choosing_answer(struct net_req *r, void *arg, const struct fetched *got)
{
	struct choosing *c = arg;
	struct flaw f = {0};
	json_t *j;
	enum err e = partner_answer_check(got, &f);

	if (!e &&
	    (json_read(r->arena, got->body, &f, &j) ||
	     ds_dialect_choose(r->arena, ds_of(r), j, c->root, &f, &c->partner.dialect, &c->partner.base)))
		f.err = e = ERR_UPSTREAM;
	if (e)
		net_reply_flaw(r, &f);
	else
		c->then(r, c->arg, &c->partner);
}

static void choosing_start(struct net_req *r, const struct finding *w, const struct ds_did *doc)
{
	struct choosing *c = ARENA_NEW(r->arena, struct choosing);
	struct fetch_ask q = {.self = w->partner.self,
			      .audience = w->partner.did,
			      .method = "GET",
			      .url = arena_dup(r->arena, str_of(doc->versions)),
			      .open = true,
			      .then = choosing_answer,
			      .arg = c};
	enum err e = c && q.url.p ? ERR_OK : ERR_NO_MEMORY;

	if (!e) {
		*c = (struct choosing){.partner = w->partner, .then = w->then, .arg = w->arg};
		c->partner.did = arena_dup(r->arena, w->partner.did);
		c->root = str_first(q.url, q.url.n - strlen(DS_VERSIONS_PATH));
		e = fetch_start(r, &q);
	}
	if (e) net_reply_err(r, e, NULL);
}

bool partner_base_says(const struct ds *d, const struct ds_did *doc, uint32_t *ret)
{
	struct str base = str_of(doc->dsp);

	if (ds_dialect_of_base(base, ret)) return ds_dialect_spoken(d, *ret);
	*ret = ds_dialect_preferred(d);
	return base.n && !doc->versions[0];
}

static void finding_answer(void *arg, enum err e, const struct ds_did *doc)
{
	struct finding *w = arg;
	struct net_req *r = w->req;
	struct flaw f = {0};

	if (r && e) {
		finding_refuse(r, w->partner.did, e);
	} else if (r && doc->versions[0] && !partner_base_says(ds_of(r), doc, &w->partner.dialect)) {
		choosing_start(r, w, doc);
	} else if (r && !partner_base_says(ds_of(r), doc, &w->partner.dialect)) {
		(void)flaw_set(&f, ERR_UPSTREAM, FLAW_NO_OFFSET, "provider", "no-service",
			       "the provider's DID document names no data space service");
		net_reply_flaw(r, &f);
	} else if (r) {
		w->partner.base = arena_dup(r->arena, str_of(doc->dsp));
		if (w->partner.base.p)
			w->then(r, w->arg, &w->partner);
		else
			net_reply_err(r, ERR_NO_MEMORY, NULL);
	}
	free(w);
}

void partner_find(struct net_req *r, struct str participant, struct str provider, partner_fn *then,
		  void *arg)
{
	struct ds *d = ds_of(r);
	struct finding *w = calloc(1, sizeof *w);
	struct flaw f = {0};
	enum err e;

	must(w);
	w->req = r;
	w->then = then;
	w->arg = arg;
	e = partner_did(r->arena, provider, &f, &w->partner.did);
	if (!e) e = ds_self_find(d, ds_txn(r->shard), participant, &w->partner.self);
	if (!e && str_eq(w->partner.did, w->partner.self->did))
		e = flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "provider", "self",
			     "the provider is the participant itself");
	if (e) {
		if (!f.at[0]) memcpy(f.at, "provider", 9);
		net_reply_err(r, e, &f);
		free(w);
		return;
	}
	net_hold(r, finding_gone, w);
	peers_find(d, r->shard, w->partner.did, STR_NONE, finding_answer, w);
}

struct str partner_reason(const json_t *answer)
{
	const json_t *all = json_object_get(answer, "reason"), *first;

	if (!all) all = json_object_get(answer, "dspace:reason");
	first = json_is_array(all) ? json_array_get(all, 0) : all;
	if (json_is_object(first)) first = json_object_get(first, "@value");
	if (!json_is_string(first)) first = json_object_get(answer, "detail");
	return json_text(first);
}

/* What says more than the beginning of an answer, else that: at most room - 1 octets. */
static void reason_take(struct str body, char *out, size_t room)
{
	struct arena *a = arena_new(64 << 10);
	struct str text = body;
	json_t *j;

	if (a && body.n < 16 << 10 && !json_read(a, body, NULL, &j) && partner_reason(j).n)
		text = partner_reason(j);
	text = str_cut(text, room - 1);
	memcpy(out, text.n ? text.p : "", text.n);
	out[text.n] = 0;
	arena_free(a);
}

enum err partner_answer_check(const struct fetched *got, struct flaw *f)
{
	char reason[160];

	if (got->err)
		return flaw_set(f, got->err == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_UPSTREAM, FLAW_NO_OFFSET,
				"provider", "unreachable", "%.*s", STR_ARG(got->text));
	if (got->status >= 200 && got->status < 300) return ERR_OK;
	reason_take(got->body, reason, sizeof reason);
	if (!reason[0])
		return flaw_set(f, got->status == 404 ? ERR_NOT_FOUND : ERR_UPSTREAM, FLAW_NO_OFFSET,
				"provider", "answer", "the provider answered %d", got->status);
	return flaw_set(f, got->status == 404 ? ERR_NOT_FOUND : ERR_UPSTREAM, FLAW_NO_OFFSET, "provider",
			"answer", "the provider answered %d: %s", got->status, reason);
}
