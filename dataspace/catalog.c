#include "dataspace/catalog.h"

#include <stdio.h>

#include "base/hash.h"
#include "dataspace/catalog_page.h"
#include "dataspace/link.h"
#include "dataspace/dataset.h"
#include "dataspace/dataset_access.h"
#include "dataspace/dialect.h"
#include "dataspace/face_dsp.h"
#include "dataspace/held.h"
#include "dataspace/partner.h"
#include "net/zip.h"
#include "proto/dsp/catalog.h"

/* ---- ours ---- */

/* RFC 9110 13.1.2: any of the list, or "*"; compared weakly. */
static bool etag_known(const struct net_req *r, const char *etag)
{
	struct str left = net_header(r, "if-none-match"), one;

	while (left.n && str_split(&left, ',', &one)) {
		one = str_trim(one);
		if (str_is(one, "*") || str_is(one, etag)) return true;
	}
	return false;
}

static void unchanged(struct net_req *r)
{
	struct flaw f = {0};

	if (r->method == NET_GET || r->method == NET_HEAD) {
		net_reply(r, 304, NULL, STR(""));
		return;
	}
	(void)flaw_set(&f, ERR_PRECONDITION, FLAW_NO_OFFSET, "if-none-match", "unchanged",
		       "the catalog has not changed");
	ds_dsp_refuse(r, ERR_PRECONDITION, &f);
}

static void refuse(struct net_req *r, const struct catalog_ask *q, enum err e, const struct flaw *f)
{
	if (q->asker.p)
		ds_dsp_refuse(r, e, f);
	else
		net_reply_err(r, e, f);
}

/* A body of ours in the version of the asker's route. */
static json_t *in_dialect(struct net_req *r, const struct catalog_ask *q, json_t *body)
{
	uint32_t v = ds_dialect_of(r);
	json_t *service = json_array_get(json_object_get(body, "service"), 0);

	if (!q->asker.p || q->format != CATALOG_DSP || v == DS_DIALECT_2025_1) return body;
	if (service) json_put_str(service, "endpointURL", ds_dialect_base(r->arena, q->self, v));
	return ds_dialect_write(r->arena, v, q->self, q->self->did, body);
}

/* path: of the next page, up to the query. */
static void page_answer(struct net_req *r, struct catalog_ask *q, const char *path)
{
	struct store_txn *t = ds_txn(r->shard);
	struct catalog_page p;
	struct flaw f = {0};
	struct str format = STR_NONE, body;
	enum err e;

	q->offsets = ds_of(r)->offsets;
	(void)net_query(r, "cursor", &q->cursor);
	if (q->format == CATALOG_DSP && net_query(r, "format", &format))
		e = catalog_format_parse(format, &f, &q->format);
	else
		e = ERR_OK;
	if (!e) e = catalog_ask_open(t, r->arena, q, &f);
	if (e) {
		refuse(r, q, e, &f);
		return;
	}
	net_set(r, "etag", str_of(q->etag));
	if (etag_known(r, q->etag)) {
		unchanged(r);
		return;
	}
	e = catalog_page_make(t, r->arena, q, &p);
	if (e == ERR_TOO_LARGE)
		e = flaw_set(&f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "filter.offset", "far",
			     "so far in, come page by page, or follow the Link of the answers");
	/* the owner's tools read bodies, not header fields */
	if (!e && !q->asker.p && p.next.n) json_put_str(p.body, "kanhe:next", p.next);
	if (!e) p.body = in_dialect(r, q, p.body);
	body = e || !p.body ? STR_NONE : json_write(r->arena, p.body, false);
	if (!e && !body.p) e = ERR_NO_MEMORY;
	if (e) {
		refuse(r, q, e, &f);
		return;
	}
	if (p.next.n)
		net_set(r, "link",
			arena_printf(r->arena, "<%s%scursor=%.*s%s%.*s>; rel=\"next\"", path,
				     strchr(path, '?') ? "&" : "?", STR_ARG(p.next),
				     format.n ? "&format=" : "", STR_ARG(format)));
	net_reply_zip(r, 200, catalog_format_type(q->format), body);
}

static void then_request(struct net_req *r, const struct ds_peer *peer)
{
	struct catalog_ask q = {.self = peer->self, .asker = peer->did};
	struct dsp_catalog_request m;
	struct flaw f = {0};
	json_t *j;
	enum err e = json_read(r->arena, r->body, &f, &j);

	if (!e) e = ds_dialect_read(r->arena, ds_dialect_of(r), j, &f, &j);
	if (!e) e = dsp_catalog_request_parse(j, &f, &m);
	if (e) {
		ds_dsp_refuse(r, e, &f);
		return;
	}
	q.filter = m.filter;
	page_answer(r, &q,
		    arena_printf(r->arena, "%s%s/catalog/request", peer->self->base,
				 ds_dialect_path(ds_dialect_of(r)))
			.p);
}

void catalog_on_request(struct net_req *r)
{
	ds_peer_require(r, then_request);
}

static void then_get(struct net_req *r, const struct ds_peer *peer)
{
	struct catalog_ask q = {.self = peer->self, .asker = peer->did};

	page_answer(r, &q, arena_printf(r->arena, "%s" DS_DSP_PATH "/catalog", peer->self->base).p);
}

static void on_get(struct net_req *r)
{
	ds_peer_require(r, then_get);
}

/* The owner's own catalog, for exports. */
static void on_own(struct net_req *r)
{
	struct catalog_ask q = {.asker = STR_NONE};
	struct str participant;

	if (ds_req_participant(r, &participant)) return;
	if (ds_self_find(ds_of(r), ds_txn(r->shard), participant, &q.self)) {
		net_reply_err(r, ERR_NOT_FOUND, NULL);
		return;
	}
	page_answer(r, &q, arena_printf(r->arena, "/participants/%.*s/catalog", STR_ARG(participant)).p);
}

/* Of the answer's octets: what is shown of a dataset depends on who asks and how. */
static bool one_unchanged(struct net_req *r, struct str body)
{
	unsigned char digest[HASH_SHA256];
	char hex[33] = {0}, etag[CATALOG_ETAG_MAX];

	hash_sha256(body, digest);
	hex_write(digest, 16, hex);
	snprintf(etag, sizeof etag, "W/\"%s\"", hex);
	net_set(r, "etag", arena_dup(r->arena, str_of(etag)));
	if (!etag_known(r, etag)) return false;
	unchanged(r);
	return true;
}

static void one_answer(struct net_req *r, struct catalog_ask *q, struct str param)
{
	struct flaw f = {0};
	struct str id, format = STR_NONE, body = STR_NONE;
	Ds__Dataset *s;
	json_t *j;
	enum err e = net_decode(r->arena, param, &f, &id);

	if (!e && net_query(r, "format", &format)) e = catalog_format_parse(format, &f, &q->format);
	if (!e) e = ds_dataset_find(ds_txn(r->shard), r->arena, q->self->id, id, &s);
	if (!e && !(q->asker.p ? dataset_visible(s, q->asker) : dataset_published(s))) e = ERR_NOT_FOUND;
	j = e ? NULL : json_keep(r->arena, catalog_dataset(r->arena, q->format, q->self, s, true));
	if (j) j = in_dialect(r, q, j);
	if (!e && j) body = json_write(r->arena, j, false);
	if (!e && !body.p) e = ERR_NO_MEMORY;
	if (e)
		refuse(r, q, e, &f);
	else if (!one_unchanged(r, body))
		net_reply_zip(r, 200, catalog_format_type(q->format), body);
}

static void then_dataset(struct net_req *r, const struct ds_peer *peer)
{
	struct catalog_ask q = {.self = peer->self, .asker = peer->did};

	one_answer(r, &q, r->param[1]);
}

void catalog_on_dataset(struct net_req *r)
{
	ds_peer_require(r, then_dataset);
}

static void on_own_dataset(struct net_req *r)
{
	struct catalog_ask q = {.asker = STR_NONE};
	struct str participant;

	if (ds_req_participant(r, &participant)) return;
	if (ds_self_find(ds_of(r), ds_txn(r->shard), participant, &q.self))
		net_reply_err(r, ERR_NOT_FOUND, NULL);
	else
		one_answer(r, &q, r->param[1]);
}

const struct net_route catalog_routes[] = {
    {NET_GET, "/p/{p}" DS_DSP_PATH "/catalog", on_get, 0, 0, 0,
     "catalog without a filter; ?format=croissant or dcat-ap (partner's token)"},
    {NET_GET, "/participants/{p}/catalog", on_own, ROLE_OWNER | ROLE_AGENT | ROLE_AUDITOR, 0, 0,
     "what is offered, in pages; ?format=croissant or dcat-ap"},
    {NET_GET, "/participants/{p}/catalog/{d}", on_own_dataset, ROLE_OWNER | ROLE_AGENT | ROLE_AUDITOR, 0, 0,
     "one dataset as offered; ?format=croissant or dcat-ap"},
};
const size_t catalog_routes_n = sizeof catalog_routes / sizeof *catalog_routes;

/* ---- a partner's ---- */

struct asking {
	struct str next; /* URL; empty: the first page */
	json_t *filter;
	struct str base;
	uint32_t dialect;
	const struct ds_self *self; /* who asks */
};

static void ask_answered(struct net_req *r, void *arg, const struct fetched *got)
{
	const struct asking *x = arg;
	struct dsp_catalog c;
	struct flaw f = {0};
	struct str next = STR_NONE;
	json_t *j;
	enum err e = partner_answer_check(got, &f);

	if (!e && json_read_large(r->arena, got->body, &f, &j)) e = ERR_UPSTREAM;
	if (!e && ds_dialect_read(r->arena, x->dialect, j, &f, &j)) e = ERR_UPSTREAM;
	if (!e && dsp_catalog_parse(r->arena, j, &f, &c)) e = ERR_UPSTREAM;
	if (!e && link_next(r->arena, got->link, x->base, &f, &next)) e = ERR_UPSTREAM;
	if (e) {
		f.err = e;
		held_excuse(r, x->self->id, got, &f);
		net_reply_err(r, e, &f);
		return;
	}
	if (next.n) json_put_str(j, "kanhe:next", next);
	net_reply_zip(r, 200, DSP_MEDIA_TYPE, json_write(r->arena, j, false));
}

static void ask_found(struct net_req *r, void *arg, const struct partner *p)
{
	struct asking *x = arg;
	struct dsp_catalog_request m = {.filter = x->filter};
	struct fetch_ask q = {
	    .self = p->self, .audience = p->did, .method = "POST", .then = ask_answered, .arg = arg};
	json_t *j =
	    ds_dialect_write(r->arena, p->dialect, NULL, STR_NONE, dsp_catalog_request_write(r->arena, &m));
	struct flaw f = {0};
	enum err e = ERR_OK;

	x->base = p->base;
	x->dialect = p->dialect;
	x->self = p->self;
	q.url = x->next;
	if (!q.url.n) q.url = arena_printf(r->arena, "%.*s/catalog/request", STR_ARG(p->base));
	if (!link_allowed(q.url, p->base))
		e = flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "next", "origin",
			     "the next page lies at the partner's own address");
	if (j) q.body = json_write(r->arena, j, false);
	if (!e) e = q.body.p && q.url.p ? fetch_start(r, &q) : ERR_NO_MEMORY;
	if (e) net_reply_err(r, e, &f);
}

void catalog_on_ask(struct net_req *r)
{
	struct asking *x = ARENA_NEW(r->arena, struct asking);
	struct str participant, provider;
	struct dsp_filter q;
	struct flaw f = {0};
	json_t *body;
	enum err e = ds_req_participant(r, &participant);

	if (e) return;
	e = x ? json_read(r->arena, r->body, &f, &body) : ERR_NO_MEMORY;
	if (!e) e = json_str(body, "", "provider", &f, &provider);
	if (!e) e = json_str_opt(body, "", "next", &f, &x->next);
	if (!e) e = json_arr_opt(body, "", "filter", &f, &x->filter);
	/* a partner may know other filters: only ours are checked by us when it is one of ours */
	if (!e && json_array_size(x->filter) > DSP_FILTER_MAX) e = dsp_filter_parse(x->filter, &f, &q);
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	partner_find(r, participant, provider, ask_found, x);
}
