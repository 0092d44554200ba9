#include "dataspace/catalog.h"

#include "dataspace/agreement.h"
#include "dataspace/dataset.h"
#include "dataspace/dialect.h"
#include "dataspace/face_dsp.h"
#include "dataspace/offer.h"
#include "dataspace/partner.h"
#include "dataspace/transfer.h"
#include "proto/dsp/catalog.h"

/* ---- ours ---- */

static char *content_digest(struct arena *a, const Ds__Dataset *s)
{
	char *hex = arena_alloc(a, 65);

	if (hex) hex_write(s->digest.data, 32, hex);
	return hex;
}

static json_t *dataset_extra(struct arena *a, const Ds__Dataset *s, const char *hex)
{
	json_t *x = json_keep(a, json_object()), *ids = json_array();

	if (!x || !ids) return NULL;
	json_put(x, AGREEMENT_CONTENT,
		 json_pack("{s:o,s:I,s:s}", "digest", json_sprintf("sha256:%s", hex), "size",
			   (json_int_t)s->size, "mediaType", s->media_type));
	if (s->title[0]) json_put_str(x, "title", str_of(s->title));
	if (s->description[0]) json_put_str(x, "description", str_of(s->description));
	for (size_t i = 0; i < s->n_identifiers; i++)
		must(!json_array_append_new(ids, json_string(s->identifiers[i])));
	if (s->n_identifiers)
		json_put(x, "kanhe:identifiers", ids);
	else
		json_decref(ids);
	return x;
}

static json_t *distribution_extra(struct arena *a, const Ds__Dataset *s, const char *hex)
{
	return json_keep(a, json_pack("{s:I,s:s,s:{s:s,s:s}}", "byteSize", (json_int_t)s->size, "mediaType",
				      s->media_type, "spdx:checksum", "spdx:algorithm",
				      "spdx:checksumAlgorithm_sha256", "spdx:checksumValue", hex));
}

static enum err dataset_fill(struct arena *a, const struct ds_self *self, const Ds__Dataset *s,
			     struct dsp_dataset *ret)
{
	struct both {
		struct dsp_distribution way[2]; /* pull, push */
	} *both = ARENA_NEW(a, struct both);
	struct dsp_distribution *d = both ? both->way : NULL;
	char *hex = content_digest(a, s);
	json_t *policy, *offer;
	enum err e = d && hex ? json_read(a, str_of(s->policy), NULL, &policy) : ERR_NO_MEMORY;

	if (e) return e;
	offer = offer_write(a, policy, arena_dup(a, str_of(s->offer_id)), STR_NONE, STR_NONE);
	d->format = STR(TRANSFER_PULL);
	d->service_id = arena_printf(a, "%.*s#catalog", STR_ARG(self->did));
	d->root = distribution_extra(a, s, hex);
	d[1] = d[0];
	d[1].format = STR(TRANSFER_PUSH);
	ret->id = arena_dup(a, str_of(s->id));
	ret->offers = json_keep(a, json_array());
	ret->extra = dataset_extra(a, s, hex);
	ret->distributions = d;
	ret->distributions_n = 2;
	if (!offer || !ret->offers || !ret->extra || !d->root) return ERR_NO_MEMORY;
	must(!json_array_append(ret->offers, offer));
	return arena_overflowed(a) ? ERR_NO_MEMORY : ERR_OK;
}

struct page {
	struct arena *a;
	const struct ds_self *self;
	struct dsp_dataset *datasets;
	size_t n;
	bool more;
};

static enum err page_add(void *arg, const Ds__Dataset *s)
{
	struct page *p = arg;

	if (!dataset_published(s)) return ERR_OK;
	if (p->n == CATALOG_PAGE) {
		p->more = true;
		return ERR_NOT_FOUND;
	}
	return dataset_fill(p->a, p->self, s, &p->datasets[p->n++]);
}

static void catalog_answer(struct net_req *r, const struct ds_self *self, struct page *p)
{
	struct dsp_service service = {.id = arena_printf(r->arena, "%.*s#catalog", STR_ARG(self->did)),
				      .endpoint_url = ds_dialect_base(r->arena, self, ds_dialect_of(r))};
	struct dsp_catalog c = {.id = arena_printf(r->arena, "%s" DS_DSP_PATH "/catalog", self->base),
				.participant_id = self->did,
				.datasets = p->datasets,
				.datasets_n = p->n,
				.services = &service,
				.services_n = 1};
	json_t *j = dsp_catalog_write(r->arena, &c);

	if (!j) {
		ds_dsp_refuse(r, ERR_NO_MEMORY, NULL);
		return;
	}
	if (p->more)
		net_set(r, "link",
			arena_printf(r->arena,
				     "<%s%s/catalog/request?after=%.*s>; rel=\"next\"", self->base,
				     ds_dialect_path(ds_dialect_of(r)), STR_ARG(p->datasets[p->n - 1].id)));
	ds_dialect_reply(r, self, 200, j);
}

static enum err request_read(struct net_req *r, struct flaw *f, struct str *ret_after)
{
	struct dsp_catalog_request q;
	json_t *j;
	enum err e = json_read(r->arena, r->body, f, &j);

	if (!e) e = ds_dialect_read(r->arena, ds_dialect_of(r), j, f, &j);
	if (!e) e = dsp_catalog_request_parse(j, f, &q);
	if (!e && q.filter && json_array_size(q.filter))
		e = flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "filter", "unsupported",
			     "filters are not supported: leave the member out");
	*ret_after = STR_NONE;
	if (!e && net_query(r, "after", ret_after) && dataset_id_check(*ret_after, f)) e = ERR_BAD_INPUT;
	return e;
}

static void then_request(struct net_req *r, const struct ds_peer *peer)
{
	struct page p = {.a = r->arena, .self = peer->self};
	struct flaw f = {0};
	struct str after;
	enum err e = request_read(r, &f, &after);

	p.datasets = ARENA_ARRAY(r->arena, struct dsp_dataset, CATALOG_PAGE);
	if (!e && !p.datasets) e = ERR_NO_MEMORY;
	if (!e) e = dataset_each(ds_txn(r->shard), r->arena, peer->self->id, after, page_add, &p);
	if (e)
		ds_dsp_refuse(r, e, &f);
	else
		catalog_answer(r, peer->self, &p);
}

void catalog_on_request(struct net_req *r)
{
	ds_peer_require(r, then_request);
}

static void then_dataset(struct net_req *r, const struct ds_peer *peer)
{
	struct dsp_dataset out = {.distributions_n = 0};
	struct flaw f = {0};
	Ds__Dataset *s;
	struct str id;
	json_t *j;
	enum err e = net_decode(r->arena, r->param[1], &f, &id);

	if (!e) e = ds_dataset_find(ds_txn(r->shard), r->arena, peer->self->id, id, &s);
	if (!e && !dataset_published(s)) e = ERR_NOT_FOUND;
	if (!e) e = dataset_fill(r->arena, peer->self, s, &out);
	j = e ? NULL : dsp_dataset_write(r->arena, &out);
	if (!e && !j) e = ERR_NO_MEMORY;
	if (e)
		ds_dsp_refuse(r, e, &f);
	else
		ds_dialect_reply(r, peer->self, 200, j);
}

void catalog_on_dataset(struct net_req *r)
{
	ds_peer_require(r, then_dataset);
}

/* ---- a partner's ---- */

static void ask_answered(struct net_req *r, void *arg, const struct fetched *got)
{
	struct dsp_catalog c;
	struct flaw f = {0};
	json_t *j;
	const struct partner *p = arg;
	enum err e = partner_answer_check(got, &f);

	if (!e && json_read_large(r->arena, got->body, &f, &j)) e = ERR_UPSTREAM;
	if (!e && ds_dialect_read(r->arena, p->dialect, j, &f, &j)) e = ERR_UPSTREAM;
	if (!e && dsp_catalog_parse(r->arena, j, &f, &c)) e = ERR_UPSTREAM;
	if (e) {
		f.err = e;
		net_reply_err(r, e, &f);
		return;
	}
	net_reply(r, 200, DSP_MEDIA_TYPE, json_write(r->arena, j, false));
}

static void ask_found(struct net_req *r, void *arg, const struct partner *p)
{
	struct dsp_catalog_request m = {.filter = NULL};
	struct partner *copy = ARENA_NEW(r->arena, struct partner);
	struct fetch_ask q = {
	    .self = p->self, .audience = p->did, .method = "POST", .then = ask_answered, .arg = copy};
	json_t *j = ds_dialect_write(r->arena, p->dialect, NULL, STR_NONE,
				     dsp_catalog_request_write(r->arena, &m));
	struct str after;
	enum err e;

	(void)arg;
	if (copy) *copy = *p;
	q.url = arena_printf(r->arena, "%.*s/catalog/request", STR_ARG(p->base));
	if (net_query(r, "after", &after) && after.n && !dataset_id_check(after, NULL))
		q.url = arena_printf(r->arena, "%.*s?after=%.*s", STR_ARG(q.url), STR_ARG(after));
	if (j) q.body = json_write(r->arena, j, false);
	e = copy && q.body.p && q.url.p ? fetch_start(r, &q) : ERR_NO_MEMORY;
	if (e) net_reply_err(r, e, NULL);
}

void catalog_on_ask(struct net_req *r)
{
	struct str participant, provider;
	struct flaw f = {0};
	json_t *body;
	enum err e = ds_req_participant(r, &participant);

	if (e) return;
	e = json_read(r->arena, r->body, &f, &body);
	if (!e) e = json_str(body, "", "provider", &f, &provider);
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	partner_find(r, participant, provider, ask_found, NULL);
}
