#include "dataspace/provide.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/text64.h"
#include "dataspace/participant.h"
#include "dataspace/piece.h"
#include "dataspace/range.h"
#include "dataspace/renewal.h"
#include "proto/dsp/state.h"
#include "proto/dsp/transfer.h"

/* ---- the address ---- */

/* EDC reads the endpoint among the properties alone, and shows its owner no name that is no IRI. The tokens
 * come into the message when it is sent: dataspace/renewal.h. */
static enum err address_make(struct ds *d, struct arena *a, const struct renewal *r, bool endless,
			     json_t **ret)
{
	struct str access = STR(RENEWAL_ACCESS_MARK), refresh = STR(RENEWAL_REFRESH_MARK);
	struct dsp_data_address m = {.present = true};
	json_t *j = json_keep(a, json_object());
	enum err e = j ? dsp_data_address_add(a, &m, "authorization", access) : ERR_NO_MEMORY;

	if (!e) e = dsp_data_address_add(a, &m, "authType", STR("bearer"));
	if (!e) e = dsp_data_address_add(a, &m, DSP_ADDRESS_EDC "endpoint", r->endpoint);
	if (!e) e = dsp_data_address_add(a, &m, DSP_ADDRESS_EDC "authorization", access);
	if (!e) e = renewal_put(d, a, r, refresh, &m);
	if (!e && endless) e = dsp_data_address_add(a, &m, PIECE_ADDRESS_MARK, STR("true"));
	if (e) return e;
	json_put_str(j, "@type", STR("DataAddress"));
	json_put_str(j, "endpointType", STR("https://w3id.org/idsa/v4.1/HTTP"));
	json_put_str(j, "endpoint", r->endpoint);
	json_put(j, "endpointProperties", json_incref(m.properties));
	*ret = j;
	return ERR_OK;
}

enum err dp_offer_address(struct ds *d, struct writer_txn *t, struct arena *a, struct str participant,
			  Ds__Transfer *x, json_t **ret)
{
	const struct ds_self *self;
	struct renewal r;
	struct str token;
	char jti[UUID_URN];
	enum err e = ds_self_find(d, t->store, participant, &self);

	if (e) return e;
	x->token_id = arena_strdup(a, str_of(uuid_urn(jti)));
	x->token_expires = t->now + renewal_term(d);
	x->token_sha256 = (ProtobufCBinaryData){HASH_SHA256, arena_alloc(a, HASH_SHA256)};
	if (!x->token_id || !x->token_sha256.data) return ERR_NO_MEMORY;
	r = renewal_of_transfer(a, self, x);
	e = renewal_access(a, &r, &token);
	if (e) return e;
	hash_sha256(token, x->token_sha256.data);
	return address_make(d, a, &r, x->non_finite, ret);
}

/* The token is ours when its digest is the transfer's; what else is in it the row knows. */
static enum err token_check(struct net_req *r, const Ds__Transfer *x, struct flaw *f)
{
	struct str given = net_header(r, "authorization"), scheme = STR("bearer ");
	unsigned char digest[HASH_SHA256];

	if (!str_starts_nocase(given, scheme))
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "bearer",
				"the token of the data address is needed");
	given = str_trim(str_skip(given, scheme.n));
	hash_sha256(given, digest);
	if (x->token_sha256.len != HASH_SHA256 ||
	    !secret_eq(str_n(digest, HASH_SHA256), str_n(x->token_sha256.data, HASH_SHA256)))
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "token",
				"this is not the transfer's present token");
	if (x->token_id[0] && x->token_expires <= clock_wall())
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "expired",
				"the token has expired: renew it at the address's refreshEndpoint");
	return ERR_OK;
}

/* ---- life ---- */

void stream_unref(struct stream *s)
{
	if (atomic_fetch_sub(&s->refs, 1) != 1) return;
	arena_free(s->work);
	arena_free(s->arena);
	free(s);
}

static struct stream *stream_of(struct file_out *f)
{
	return (struct stream *)(void *)f;
}

static void stream_closed(struct file_out *f)
{
	stream_unref(stream_of(f));
}

static void stream_leave(struct stream *s)
{
	s->over = true;
	running_remove(&s->dp->running, &s->item);
	net_timer_stop(s->timer);
	net_timer_stop(s->tick);
	s->timer = s->tick = NULL;
}

/* Instead of an answer of the file. */
static void stream_refuse(struct stream *s, enum err e, const struct flaw *f)
{
	struct net_req *r = s->out.req;

	stream_leave(s);
	if (r && e == ERR_UNAUTHORISED) net_set(r, "www-authenticate", STR("Bearer"));
	if (r) net_reply_err(r, e, f);
	file_out_drop(&s->out);
}

/* ---- commands ---- */

static void stream_back(void *arg);
static void stream_record_sent(struct stream *s);

static enum err stream_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct stream *s = (struct stream *)(void *)((char *)c - offsetof(struct stream, cmd));

	arena_reset(s->work);
	return s->recorded ? stream_record(s, t) : stream_grant(s, t);
}

static void stream_done(struct writer_cmd *c, enum err result)
{
	struct stream *s = (struct stream *)(void *)((char *)c - offsetof(struct stream, cmd));

	if (result && !s->recorded) s->got.refused = result;
	if (ds_post(s->dp->d, s->shard, stream_back, s))
		stream_unref(s); /* the loop has ended, and the answer */
}

static enum err stream_submit(struct stream *s)
{
	enum err e;

	s->cmd = (struct writer_cmd){.apply = stream_apply, .done = stream_done};
	s->busy = true;
	atomic_fetch_add(&s->refs, 1);
	e = writer_submit(s->dp->d->o.writer, &s->cmd);
	if (!e) return ERR_OK;
	s->busy = false;
	stream_unref(s);
	return e;
}

/* The policy ended it, not an owner: the transfer ends as well. */
static void stream_stop(struct stream *s, enum err why)
{
	struct str code = str_of(err_name(why));

	(void)!ds_transfer_stop(s->dp->d, s->item.participant, s->item.pid, code, str_of(s->reason));
}

static void stream_cut(struct stream *s, enum err why)
{
	int none = ERR_OK;

	if (atomic_compare_exchange_strong(&s->cut, &none, (int)why))
		atomic_fetch_add(&s->dp->stat.data_cut, 1);
	if (s->out.req && s->out.replied && !s->over) net_cut(s->out.req);
}

static void stream_begin(struct stream *s);

/* What the command gave counts from now on: it is durable. */
static void stream_take(struct stream *s)
{
	s->limited = s->got.limited;
	s->count = s->got.count;
	s->octets = s->got.octets;
	if (s->got.refused)
		memcpy(s->reason, s->got.reason, sizeof s->reason);
	else
		s->granted = s->got.granted;
}

static void stream_end(struct stream *s, enum err why)
{
	stream_stop(s, why);
	stream_cut(s, why);
}

static void stream_back(void *arg)
{
	struct stream *s = arg;

	s->busy = false;
	if (s->recorded) {
		stream_unref(s);
		return;
	}
	stream_take(s);
	if (s->first)
		stream_begin(s);
	else if (s->over)
		stream_record_sent(s);
	else if (s->got.refused)
		stream_end(s, s->got.refused);
	else
		file_out_go(&s->out);
	stream_unref(s);
}

static void stream_record_sent(struct stream *s)
{
	if (s->recorded || s->busy) return;
	s->recorded = true;
	atomic_fetch_add(&s->dp->stat.octets_served, s->out.at - s->from);
	(void)!stream_submit(s);
}

/* ---- running ---- */

static void stream_tick(void *arg)
{
	struct stream *s = arg;

	s->tick = NULL;
	file_out_go(&s->out);
}

static enum err stream_pass(struct file_out *f, size_t want, size_t *ret_n)
{
	struct stream *s = stream_of(f);
	uint64_t left = s->granted - f->at;
	enum err cut = (enum err)atomic_load(&s->cut);

	*ret_n = 0;
	if (cut) return cut;
	/* at a limit only the command can say what limits it */
	if (left < PROVIDE_RENEW && s->granted < s->to && !s->busy && (!s->limited || !left)) {
		enum err e = stream_submit(s);
		if (e) return e;
	}
	want = left < want ? (size_t)left : want;
	*ret_n = pace_take(&s->pace, clock_mono(), want);
	if (want && !*ret_n && !s->tick) s->tick = net_timer_start(s->shard, PACE_TICK, stream_tick, s);
	return want && !*ret_n && !s->tick ? ERR_NO_MEMORY : ERR_OK;
}

static void stream_ended(struct file_out *f)
{
	struct stream *s = stream_of(f);

	stream_leave(s);
	stream_record_sent(s);
}

static void stream_poke(void *arg)
{
	struct stream *s = arg;
	enum err why = (enum err)atomic_load(&s->cut);

	if (!s->over) stream_cut(s, why);
	stream_unref(s);
}

/* From any thread, under the lock of the running ones. */
static void stream_item_cut(struct running_item *i, enum err why)
{
	struct stream *s = (struct stream *)(void *)((char *)i - offsetof(struct stream, item));
	int none = ERR_OK;

	if (!atomic_compare_exchange_strong(&s->cut, &none, (int)why)) return;
	atomic_fetch_add(&s->dp->stat.data_cut, 1);
	atomic_fetch_add(&s->refs, 1);
	if (ds_post(s->dp->d, s->shard, stream_poke, s)) stream_unref(s);
}

/* Time goes on while octets do, or do not: the policy is asked again. */
static void stream_look(void *arg)
{
	struct stream *s = arg;
	struct arena_mark mark = arena_mark(s->arena);
	struct dp_facts f = {.agreement = s->agreement,
			     .purpose = s->purpose,
			     .claims = s->claims,
			     .party = s->party,
			     .now = clock_wall(),
			     .count = s->count,
			     .count_asked = 1,
			     .octets = s->octets};
	struct dp_verdict v = {.allowed = false};
	enum err e = dp_policy_ask(s->arena, &s->policy, &f, &v);
	enum err why = e ? e : v.allowed ? ERR_OK : dp_policy_denial(&v);

	s->timer = NULL;
	if (!why) arena_rollback(s->arena, mark);
	if (why) {
		struct str reason = e ? str_of(err_text(e)) : v.reason;

		snprintf(s->reason, sizeof s->reason, "%.*s", STR_ARG(reason));
		stream_end(s, why); /* s may be freed by now */
	} else {
		s->timer = net_timer_start(s->shard, PROVIDE_LOOK, stream_look, s);
	}
}

/* ---- beginning ---- */

static void set_headers(struct stream *s, struct net_req *r, uint64_t size)
{
	struct str b64 = base64_write(r->arena, str_n(s->digest, sizeof s->digest));

	net_set(r, "etag", str_of(s->etag));
	net_set(r, "repr-digest", arena_printf(r->arena, "sha-256=:%.*s:", STR_ARG(b64)));
	net_set(r, "cache-control", STR("no-store"));
	if (s->endless)
		net_set(r, "content-range",
			arena_printf(r->arena, "bytes %llu-%llu/*", (unsigned long long)(s->base + s->from),
				     (unsigned long long)(s->base + s->to - 1)));
	else
		file_out_headers(r, s->part, s->from, s->to, size);
}

static void stream_begin(struct stream *s)
{
	struct net_req *r = s->out.req;
	enum err cut = (enum err)atomic_load(&s->cut);
	struct flaw f = {0};

	s->first = false;
	if (!r) {
		stream_refuse(s, ERR_GONE, NULL);
		return;
	}
	if (s->got.refused || cut) {
		enum err e = s->got.refused ? s->got.refused : cut;
		bool policy = e == ERR_POLICY_DENIED || (e == ERR_EXPIRED && s->limited);

		(void)flaw_set(&f, e, FLAW_NO_OFFSET, policy ? "policy" : "transfer",
			       policy ? "policy" : "state", "%s", s->reason[0] ? s->reason : err_text(e));
		if (policy) {
			atomic_fetch_add(&s->dp->stat.data_refused, 1);
			stream_stop(s, e);
		}
		stream_refuse(s, e, &f);
		return;
	}
	atomic_fetch_add(&s->dp->stat.data_requests, 1);
	set_headers(s, r, s->out.size);
	s->timer = net_timer_start(s->shard, PROVIDE_LOOK, stream_look, s);
	file_out_reply(&s->out, s->part ? 206 : 200, s->media_type.p, s->from, s->to);
}

static void stream_opened(struct file_out *f, enum err e)
{
	struct stream *s = stream_of(f);
	struct net_req *r = f->req;
	struct str range = net_header(r, "range"), if_range = net_header(r, "if-range");
	enum range_kind kind;

	if (!e && if_range.p && !str_is(if_range, s->etag)) range = STR_NONE;
	if (s->endless) {
		s->to = f->size;
		kind = s->part ? RANGE_PART : RANGE_WHOLE;
		if (s->from >= f->size) e = ERR_CORRUPT;
	} else {
		kind = range_parse(range, f->size, &s->from, &s->to);
	}
	if (!e && kind == RANGE_NONE) {
		e = ERR_BAD_RANGE;
		file_out_unsatisfied(r, f->size);
	}
	s->part = kind == RANGE_PART;
	s->granted = s->from;
	if (!e && r->method == NET_HEAD) {
		set_headers(s, r, f->size);
		file_out_head(r, s->part ? 206 : 200, arena_strdup(r->arena, s->media_type),
			      s->to - s->from);
		stream_leave(s);
		file_out_drop(f);
		return;
	}
	s->first = true;
	if (!e) e = stream_submit(s);
	if (e) stream_refuse(s, e, NULL);
}

static void stream_gone(void *arg)
{
	struct stream *s = arg;

	s->out.req = NULL; /* the file's job or the command that is under way ends it */
	running_remove(&s->dp->running, &s->item);
}

/* ---- the request ---- */

/* Which piece, and from where. ERR_OK with s->waits set: there is no more yet. */
static enum err piece_of(struct net_req *r, struct str participant, const Ds__Dataset *set,
			 struct stream *s)
{
	struct str range = net_header(r, "range"), unit = STR("bytes=");
	uint64_t at = set->size ? set->size - 1 : 0;
	Ds__Piece *p;
	enum err e;

	s->endless = true;
	s->part = str_starts(range, unit);
	range = str_skip(range, s->part ? unit.n : 0);
	if (s->part && str_u64(str_first(range, str_find(range, '-')), &at)) return ERR_BAD_RANGE;
	if (at > set->size) return ERR_BAD_RANGE;
	s->waits = at == set->size;
	if (s->waits) return ERR_OK;
	e = piece_find(ds_txn(r->shard), s->arena, participant, str_of(set->id), at, &p, &s->base);
	if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	s->from = s->part ? at - s->base : 0;
	memcpy(s->digest, p->digest.data, 32);
	if (!s->media_type.n) s->media_type = str_of(set->media_type);
	return ERR_OK;
}

static enum err content_of(struct net_req *r, struct str participant, const Ds__Agreement *g,
			   struct stream *s)
{
	Ds__Dataset *set;
	enum err e;

	s->media_type = str_of(g->media_type);
	if (g->digest.len == 32) {
		memcpy(s->digest, g->digest.data, 32);
		return ERR_OK;
	}
	e = ds_dataset_find(ds_txn(r->shard), s->arena, participant, str_of(g->dataset), &set);
	if (!e && set->non_finite) return piece_of(r, participant, set, s);
	if (e || set->digest.len != 32) return e ? e : ERR_NOT_FOUND;
	memcpy(s->digest, set->digest.data, 32);
	if (!s->media_type.n) s->media_type = str_of(set->media_type);
	return ERR_OK;
}

/* A header that is a whole number from 1; 0 when absent. */
static enum err number_read(struct net_req *r, const char *header, uint64_t *ret, struct flaw *f)
{
	struct str text = net_header(r, header);

	*ret = 0;
	if (!text.p) return ERR_OK;
	if (!str_u64(text, ret) && *ret) return ERR_OK;
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, header, "number",
			"this is a whole number from 1");
}

static enum err stream_fill(struct net_req *r, struct stream *s, struct flaw *f)
{
	struct store_txn *t = ds_txn_fresh(r->shard);
	struct str participant, pid;
	Ds__Transfer *x;
	Ds__Agreement *g;
	char hex[65] = {0};
	enum err e = net_decode(s->arena, r->param[0], f, &participant);

	if (!e && participant_id_check(participant, NULL)) e = ERR_NOT_FOUND;
	if (!e) e = net_decode(s->arena, r->param[1], f, &pid);
	if (!e) e = ds_transfer_find(t, s->arena, participant, pid, &x);
	if (!e && x->side != DS__SIDE__SIDE_PROVIDER) e = ERR_NOT_FOUND;
	if (!e) e = token_check(r, x, f);
	if (!e) e = ds_agreement_find(t, s->arena, participant, str_of(x->agreement), &g);
	if (!e) e = provide_state(x, g, f);
	if (!e) e = number_read(r, "kanhe-request", &s->number, f);
	if (!e) e = number_read(r, "kanhe-rate", &s->pace.rate, f);
	if (!e) e = content_of(r, participant, g, s);
	if (!e) e = dp_policy_open(s->arena, g, &s->policy);
	if (e) return e;
	/* what needs no decoding still lies in the request */
	participant = arena_dup(s->arena, participant);
	if (!participant.p) return ERR_NO_MEMORY;
	s->item = (struct running_item){.participant = participant,
					.agreement = str_of(x->agreement),
					.pid = str_of(x->pid),
					.cut = stream_item_cut};
	s->agreement = g;
	s->purpose = str_of(x->purpose);
	s->claims = str_of(x->claims);
	s->party = str_of(x->peer);
	if (!s->media_type.n) s->media_type = STR("application/octet-stream");
	hex_write(s->digest, 32, hex);
	snprintf(s->etag, sizeof s->etag, "\"sha256-%s\"", hex);
	return dp_blob_path(ds_of(r), s->digest, s->path) ? ERR_OK : ERR_IO;
}

/* Nothing more yet: judged like any request, and not counted. */
static void stream_wait(struct stream *s, struct net_req *r)
{
	struct dp_facts f = {.agreement = s->agreement,
			     .purpose = s->purpose,
			     .party = s->party,
			     .now = clock_wall(),
			     .count = s->agreement->transfers ? s->agreement->transfers - 1 : 0,
			     .count_asked = 1};
	struct dp_verdict v = {.allowed = false};
	struct flaw w = {0};
	enum err e = dp_policy_ask(s->arena, &s->policy, &f, &v);

	if (!e && !v.allowed) {
		e = flaw_set(&w, dp_policy_denial(&v), FLAW_NO_OFFSET, "policy", "policy", "%.*s",
			     STR_ARG(v.reason));
		snprintf(s->reason, sizeof s->reason, "%.*s", STR_ARG(v.reason));
		stream_stop(s, e);
	}
	if (e) {
		net_reply_err(r, e, &w);
	} else {
		net_set(r, "retry-after", STR("1"));
		net_set(r, "cache-control", STR("no-store"));
		net_reply(r, 204, NULL, STR(""));
	}
	stream_unref(s);
}

void data_get(struct net_req *r)
{
	struct stream *s = calloc(1, sizeof *s);
	struct flaw f = {0};
	enum err e = ERR_NO_MEMORY;

	if (s) {
		s->refs = 1;
		s->dp = ds_of(r)->dp;
		s->shard = r->shard;
		s->arena = arena_new(PROVIDE_ARENA);
		s->work = arena_new(DP_ARENA);
	}
	if (s && s->arena && s->work) e = stream_fill(r, s, &f);
	if (e) {
		if (e == ERR_UNAUTHORISED) net_set(r, "www-authenticate", STR("Bearer"));
		net_reply_err(r, e, &f);
		if (s) stream_unref(s);
		return;
	}
	if (s->waits) {
		stream_wait(s, r);
		return;
	}
	s->out.d = s->dp->d;
	s->out.disk = s->dp->disk;
	s->out.req = r;
	s->out.path = s->path;
	s->out.pass = stream_pass;
	s->out.opened = stream_opened;
	s->out.ended = stream_ended;
	s->out.closed = stream_closed;
	running_add(&s->dp->running, &s->item);
	net_hold(r, stream_gone, s);
	file_out_open(&s->out);
}
