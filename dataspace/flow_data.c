/* Pull: GET /p/{participant}/flows/{flow} with the token of its data address. The request is counted by a
 * durable command before the first octet leaves, its octets after the last; a stop of the flow cuts it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/text64.h"
#include "dataspace/file_out.h"
#include "dataspace/flow.h"
#include "dataspace/participant.h"
#include "dataspace/plane.h"
#include "dataspace/range.h"

struct flow_out {
	struct file_out out; /* first */
	struct running_item item;
	struct dp *dp;
	struct net_shard *shard;
	_Atomic int refs, cut; /* cut: enum err */
	bool over;
	char participant[DS_ID_MAX + 1], id[DS_PID_MAX + 1], pid[FLOW_ITEM_MAX];
	char path[DP_PATH_MAX], etag[80];
	char media_type[256];
	unsigned char digest[32], token[32];
	uint64_t from, to;
	bool part;
};

static struct flow_out *out_of(struct file_out *f)
{
	return (struct flow_out *)(void *)f;
}

static void unref(struct flow_out *s)
{
	if (atomic_fetch_sub(&s->refs, 1) == 1) free(s);
}

/* ---- commands ---- */

struct step {
	struct flow_out *s;
	struct str participant, id;
	bool first;
	uint64_t octets;
	unsigned char token[32];
	enum err refused;
};

static enum err tell(struct writer_txn *t, const struct step *q, const Ds__Flow *x)
{
	enum err cut = (enum err)atomic_load(&q->s->cut);
	enum ds_event_kind sent = cut ? DS_EVENT_DATA_CUT : DS_EVENT_DATA_SERVED;
	struct ds_event ev = flow_data_event(q->participant, x, q->first ? DS_EVENT_DATA_GRANTED : sent);

	if (!q->first) json_put_u64(ev.detail, "octets", q->octets);
	return ds_event_append(t, &ev, NULL);
}

static bool token_is(const Ds__Flow *x, const unsigned char digest[32])
{
	return x->token_sha256.len == 32 && secret_eq(str_n(digest, 32), str_n(x->token_sha256.data, 32));
}

/* The token is the present one, and the flow STARTED, at the moment that counts. */
static enum err step_work(struct ds_job *j, struct writer_txn *t)
{
	struct step *q = j->in;
	Ds__Flow *x;
	enum err e = flow_find(t->store, j->arena, q->participant, q->id, &x);

	if (e) return e;
	q->refused = ERR_OK;
	if (q->first && x->state != DPS_STARTED_STATE)
		q->refused = dps_state_final((enum dps_state)x->state) ? ERR_GONE : ERR_CONFLICT;
	else if (q->first && !token_is(x, q->token))
		q->refused = ERR_UNAUTHORISED;
	if (q->refused) return ERR_OK;
	x->requests += q->first;
	x->octets += q->octets;
	e = tell(t, q, x);
	return e ? e : flow_put(t, q->participant, x);
}

struct back {
	struct flow_out *s;
	enum err e;
};
static void begin(void *arg);

static void step_done(struct ds_job *j, enum err result)
{
	struct step *q = j->in;
	struct back *b = q->first ? calloc(1, sizeof *b) : NULL;

	if (!q->first) {
		unref(q->s);
		return;
	}
	must(b);
	*b = (struct back){q->s, result ? result : q->refused};
	if (!ds_post(j->d, q->s->shard, begin, b)) return;
	unref(q->s); /* the loop has ended, and the answer */
	free(b);
}

static enum err step_submit(struct flow_out *s, bool first, uint64_t octets)
{
	struct ds_job *j = ds_job_new(s->dp->d, NULL);
	struct step *q = j ? ARENA_NEW(j->arena, struct step) : NULL;
	enum err e;

	if (!q) {
		ds_job_free(j);
		return ERR_NO_MEMORY;
	}
	*q = (struct step){.s = s,
			   .participant = arena_dup(j->arena, str_of(s->participant)),
			   .id = arena_dup(j->arena, str_of(s->id)),
			   .first = first,
			   .octets = octets};
	memcpy(q->token, s->token, 32);
	j->in = q;
	j->work = step_work;
	j->answer = step_done;
	atomic_fetch_add(&s->refs, 1);
	e = ds_job_submit(j);
	if (e) unref(s);
	return e;
}

/* ---- the answer ---- */

static void leave(struct flow_out *s)
{
	s->over = true;
	running_remove(&s->dp->running, &s->item);
}

static void refuse(struct flow_out *s, enum err e)
{
	struct net_req *r = s->out.req;

	leave(s);
	if (r && e == ERR_UNAUTHORISED) net_set(r, "www-authenticate", STR("Bearer"));
	if (r) net_reply_err(r, e, NULL);
	file_out_drop(&s->out);
}

static void headers(struct flow_out *s, struct net_req *r)
{
	struct str b64 = base64_write(r->arena, str_n(s->digest, sizeof s->digest));

	net_set(r, "etag", str_of(s->etag));
	net_set(r, "repr-digest", arena_printf(r->arena, "sha-256=:%.*s:", STR_ARG(b64)));
	net_set(r, "cache-control", STR("no-store"));
	file_out_headers(r, s->part, s->from, s->to, s->out.size);
}

static void begin(void *arg)
{
	struct back b = *(struct back *)arg;
	struct flow_out *s = b.s;
	enum err cut = (enum err)atomic_load(&s->cut);

	free(arg);
	if (b.e || cut || !s->out.req) {
		refuse(s, b.e ? b.e : cut ? ERR_CONFLICT : ERR_GONE);
	} else {
		atomic_fetch_add(&s->dp->stat.data_requests, 1);
		headers(s, s->out.req);
		file_out_reply(&s->out, s->part ? 206 : 200, s->media_type, s->from, s->to);
	}
	unref(s);
}

static void opened(struct file_out *f, enum err e)
{
	struct flow_out *s = out_of(f);
	struct net_req *r = f->req;
	struct str range = net_header(r, "range"), if_range = net_header(r, "if-range");
	enum range_kind kind;

	if (!e && if_range.p && !str_is(if_range, s->etag)) range = STR_NONE;
	kind = range_parse(range, f->size, &s->from, &s->to);
	if (!e && kind == RANGE_NONE) {
		e = ERR_BAD_RANGE;
		file_out_unsatisfied(r, f->size);
	}
	s->part = kind == RANGE_PART;
	if (!e && r->method == NET_HEAD) {
		headers(s, r);
		file_out_head(r, s->part ? 206 : 200, arena_strdup(r->arena, str_of(s->media_type)),
			      s->to - s->from);
		leave(s);
		file_out_drop(f);
		return;
	}
	if (!e) e = step_submit(s, true, 0);
	if (e) refuse(s, e);
}

static enum err pass(struct file_out *f, size_t want, size_t *ret_n)
{
	*ret_n = want;
	return (enum err)atomic_load(&out_of(f)->cut);
}

static void ended(struct file_out *f)
{
	struct flow_out *s = out_of(f);
	uint64_t octets = f->at - s->from;

	leave(s);
	atomic_fetch_add(&s->dp->stat.octets_served, octets);
	(void)!step_submit(s, false, octets);
}

static void closed(struct file_out *f)
{
	unref(out_of(f));
}

static void poke(void *arg)
{
	struct flow_out *s = arg;

	if (s->out.req && s->out.replied && !s->over) net_cut(s->out.req);
	unref(s);
}

/* From any thread, under the lock of the running ones. */
static void item_cut(struct running_item *i, enum err why)
{
	struct flow_out *s = (struct flow_out *)(void *)((char *)i - offsetof(struct flow_out, item));
	int none = ERR_OK;

	if (!atomic_compare_exchange_strong(&s->cut, &none, (int)why)) return;
	atomic_fetch_add(&s->dp->stat.data_cut, 1);
	atomic_fetch_add(&s->refs, 1);
	if (ds_post(s->dp->d, s->shard, poke, s)) unref(s);
}

static void gone(void *arg)
{
	struct flow_out *s = arg;

	s->out.req = NULL;
	running_remove(&s->dp->running, &s->item);
}

/* ---- the request ---- */

static enum err token_check(struct net_req *r, const Ds__Flow *x, struct flow_out *s, struct flaw *f)
{
	struct str given = net_header(r, "authorization"), scheme = STR("bearer ");

	if (!str_starts_nocase(given, scheme))
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "bearer",
				"the token of the data address is needed");
	hash_sha256(str_trim(str_skip(given, scheme.n)), s->token);
	if (!token_is(x, s->token))
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "token",
				"this is not the flow's present token");
	if (x->token_expires <= clock_wall())
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "expired",
				"the token has expired: renew it at the address's refreshEndpoint");
	return ERR_OK;
}

static enum err fill(struct net_req *r, struct flow_out *s, struct flaw *f)
{
	struct str participant, id, item;
	char hex[65] = {0};
	Ds__Flow *x;
	enum err e = net_decode(r->arena, r->param[0], f, &participant);

	if (!e && participant_id_check(participant, NULL)) e = ERR_NOT_FOUND;
	if (!e) e = net_decode(r->arena, r->param[1], f, &id);
	if (!e) e = flow_find(ds_txn_fresh(r->shard), r->arena, participant, id, &x);
	if (!e && flow_pushed(x)) e = ERR_NOT_FOUND;
	if (!e) e = token_check(r, x, s, f);
	if (!e && x->digest.len != 32) e = ERR_CORRUPT;
	if (e) return e;
	if (x->state != DPS_STARTED_STATE)
		return flaw_set(f, dps_state_final((enum dps_state)x->state) ? ERR_GONE : ERR_CONFLICT,
				FLAW_NO_OFFSET, "state", "state", "the data flow is %s",
				dps_state_name((enum dps_state)x->state));
	item = flow_item(r->arena, id);
	if (!item.p) return ERR_NO_MEMORY;
	snprintf(s->participant, sizeof s->participant, "%.*s", STR_ARG(participant));
	snprintf(s->id, sizeof s->id, "%.*s", STR_ARG(id));
	snprintf(s->pid, sizeof s->pid, "%.*s", STR_ARG(item));
	snprintf(s->media_type, sizeof s->media_type, "%s",
		 x->media_type[0] ? x->media_type : "application/octet-stream");
	memcpy(s->digest, x->digest.data, 32);
	hex_write(s->digest, 32, hex);
	snprintf(s->etag, sizeof s->etag, "\"sha256-%s\"", hex);
	s->item = (struct running_item){
	    .participant = str_of(s->participant), .pid = str_of(s->pid), .cut = item_cut};
	return dp_blob_path(ds_of(r), s->digest, s->path) ? ERR_OK : ERR_IO;
}

void flow_data_get(struct net_req *r)
{
	struct flow_out *s = calloc(1, sizeof *s);
	struct flaw f = {0};
	enum err e = s ? fill(r, s, &f) : ERR_NO_MEMORY;

	if (e) {
		if (e == ERR_UNAUTHORISED) net_set(r, "www-authenticate", STR("Bearer"));
		net_reply_err(r, e, &f);
		free(s);
		return;
	}
	s->refs = 1;
	s->dp = ds_of(r)->dp;
	s->shard = r->shard;
	s->out.d = s->dp->d;
	s->out.disk = s->dp->disk;
	s->out.req = r;
	s->out.path = s->path;
	s->out.pass = pass;
	s->out.opened = opened;
	s->out.ended = ended;
	s->out.closed = closed;
	running_add(&s->dp->running, &s->item);
	net_hold(r, gone, s);
	file_out_open(&s->out);
}
