/* What was pulled, for its owner: GET /participants/{p}/transfers/{pid}/content. */
#include <stdio.h>
#include <stdlib.h>

#include "dataspace/face_manage.h"
#include "dataspace/file_out.h"
#include "dataspace/flow.h"
#include "dataspace/plane.h"
#include "dataspace/range.h"

struct pulled {
	struct file_out out; /* first */
	char path[DP_PATH_MAX], etag[80];
	char *media_type;
};

static void pulled_closed(struct file_out *f)
{
	free(f);
}

static void pulled_gone(void *arg)
{
	struct pulled *p = arg;

	p->out.req = NULL;
}

static void pulled_opened(struct file_out *f, enum err e)
{
	struct pulled *p = (struct pulled *)(void *)f;
	struct net_req *r = f->req;
	uint64_t from, to;
	enum range_kind kind = range_parse(net_header(r, "range"), f->size, &from, &to);
	int status = kind == RANGE_PART ? 206 : 200;

	if (!e && kind == RANGE_NONE) {
		e = ERR_BAD_RANGE;
		file_out_unsatisfied(r, f->size);
	}
	if (e) {
		net_reply_err(r, e, NULL);
		file_out_drop(f);
		return;
	}
	if (p->etag[0]) net_set(r, "etag", str_of(p->etag));
	file_out_headers(r, status == 206, from, to, f->size);
	if (r->method == NET_HEAD) {
		file_out_head(r, status, p->media_type, to - from);
		file_out_drop(f);
		return;
	}
	file_out_reply(f, status, p->media_type, from, to);
}

static enum err pulled_find(struct net_req *r, struct pulled *p, struct flaw *f)
{
	struct store_txn *t = ds_txn(r->shard);
	struct str participant, pid;
	Ds__Transfer *x;
	Ds__Agreement *g;
	char hex[65] = {0};
	enum err e;

	e = net_decode(r->arena, r->param[0], f, &participant);
	if (!e) e = net_decode(r->arena, r->param[1], f, &pid);
	if (!e) e = ds_transfer_find(t, r->arena, participant, pid, &x);
	if (e) return e;
	if (!x->non_finite && x->digest_state != DS__DIGEST_STATE__DIGEST_OK &&
	    x->digest_state != DS__DIGEST_STATE__DIGEST_UNPROMISED)
		return flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "transfer", "content",
				x->digest_state == DS__DIGEST_STATE__DIGEST_MISMATCH
				    ? "what arrived is not what was promised"
				    : "nothing has arrived whole");
	if (x->digest.len == 32) {
		hex_write(x->digest.data, 32, hex);
		snprintf(p->etag, sizeof p->etag, "\"sha256-%s\"", hex);
	}
	e = ds_agreement_find(t, r->arena, participant, str_of(x->agreement), &g);
	if (e && e != ERR_NOT_FOUND) return e;
	/* in the request's arena: it must outlive the file */
	p->media_type = arena_strdup(
	    r->arena, str_of(!e && g->media_type[0] ? g->media_type : "application/octet-stream"));
	if (!p->media_type) return ERR_NO_MEMORY;
	/* what does not end is read while it grows */
	return dp_pulled_path(ds_of(r), participant, pid, x->non_finite ? ".part" : "", p->path)
		   ? ERR_OK
		   : ERR_NOT_FOUND;
}

/* Of a push it is a blob, of a pull a file of its own. */
static enum err flow_content(struct net_req *r, struct pulled *p, struct flaw *f)
{
	struct str participant, id;
	char hex[65] = {0};
	Ds__Flow *x;
	bool fits;
	enum err e = net_decode(r->arena, r->param[0], f, &participant);

	if (!e) e = net_decode(r->arena, r->param[1], f, &id);
	if (!e)
		e = manage_none(f, flow_find(ds_txn(r->shard), r->arena, participant, id, &x), "dataflow",
				"there is no data flow %.*s", id);
	if (e) return e;
	if (x->received.len != 32)
		return flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "dataflow", "content",
				"nothing has arrived whole");
	hex_write(x->received.data, 32, hex);
	snprintf(p->etag, sizeof p->etag, "\"sha256-%s\"", hex);
	p->media_type =
	    x->media_type[0] ? x->media_type : arena_strdup(r->arena, STR("application/octet-stream"));
	if (!p->media_type) return ERR_NO_MEMORY;
	fits = flow_pushed(x) ? dp_blob_path(ds_of(r), x->received.data, p->path)
			      : dp_pulled_path(ds_of(r), participant, flow_item(r->arena, id), "", p->path);
	return fits ? ERR_OK : ERR_NOT_FOUND;
}

typedef enum err find_fn(struct net_req *r, struct pulled *p, struct flaw *f);

static void get(struct net_req *r, find_fn *find)
{
	struct flaw f = {0};
	struct str participant;
	struct pulled *p;
	enum err e = ds_req_participant(r, &participant);

	if (e) return;
	p = calloc(1, sizeof *p);
	e = p ? find(r, p, &f) : ERR_NO_MEMORY;
	if (e) {
		net_reply_err(r, e, &f);
		free(p);
		return;
	}
	p->out.d = ds_of(r);
	p->out.disk = ds_of(r)->dp->disk;
	p->out.req = r;
	p->out.path = p->path;
	p->out.opened = pulled_opened;
	p->out.closed = pulled_closed;
	net_hold(r, pulled_gone, p);
	file_out_open(&p->out);
}

void pulled_get(struct net_req *r)
{
	get(r, pulled_find);
}

void pulled_flow_get(struct net_req *r)
{
	get(r, flow_content);
}
