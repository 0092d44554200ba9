/* Push, the consumer's side: POST or PUT /p/{participant}/flows/{flow} with the token of the data address
 * that `prepare` answered. What arrives whole, and is what its sender says it is, is kept by its digest;
 * the flow's row names the last. It is taken from PREPARED on (signaling: the provider may be faster than
 * the control planes), not while the flow is suspended, nor after its end. */
#include "base/hash.h"
#include "base/text64.h"
#include "dataspace/content.h"
#include "dataspace/flow.h"
#include "dataspace/participant.h"

static bool token_is(const Ds__Flow *x, const unsigned char digest[32])
{
	return x->token_sha256.len == 32 && secret_eq(str_n(digest, 32), str_n(x->token_sha256.data, 32));
}

static enum err takes(const Ds__Flow *x, const unsigned char digest[32], struct flaw *f)
{
	bool open = x->state == DPS_PREPARED_STATE || (x->state == DPS_STARTED_STATE && x->consumer);

	if (!token_is(x, digest) || x->token_expires <= clock_wall())
		return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "token",
				"this is not the flow's present token");
	if (open) return ERR_OK;
	return flaw_set(f, dps_state_final((enum dps_state)x->state) ? ERR_GONE : ERR_CONFLICT,
			FLAW_NO_OFFSET, "state", "state", "the data flow is %s",
			dps_state_name((enum dps_state)x->state));
}

static enum err record(struct ds_job *j, struct writer_txn *t, const struct content_got *g)
{
	struct ds_event ev;
	char sha[64];
	Ds__Flow *x;
	enum err e = flow_find(t->store, j->arena, g->participant, g->name, &x);

	if (!e) e = takes(x, g->key, &j->flaw);
	if (e) return e;
	x->requests++;
	x->octets += g->size;
	x->size = g->size;
	x->received = (ProtobufCBinaryData){32, arena_alloc(j->arena, 32)};
	x->media_type = arena_strdup(j->arena, g->type);
	if (!x->received.data || !x->media_type) return ERR_NO_MEMORY;
	memcpy(x->received.data, g->digest, 32);
	ev = flow_data_event(g->participant, x, DS_EVENT_DATA_RECEIVED);
	hex_write(g->digest, 32, sha);
	json_put(ev.detail, "digest", json_sprintf("sha256:%.64s", sha));
	json_put_u64(ev.detail, "octets", g->size);
	j->body = STR("{}");
	e = ds_event_append(t, &ev, NULL);
	return e ? e : flow_put(t, g->participant, x);
}

/* "sha-256=:base64:" of Repr-Digest (RFC 9530); other algorithms are not looked at. */
static enum err promise_read(struct net_req *r, struct content_in *in, struct flaw *f)
{
	struct str h = net_header(r, "repr-digest"), one, octets;

	while (h.n && str_split(&h, ',', &one)) {
		one = str_trim(one);
		if (!str_starts_nocase(one, STR("sha-256=:")) || !str_ends(one, STR(":"))) continue;
		one = str_skip(one, 9);
		one.n--;
		if (base64_parse(r->arena, one, &octets) || octets.n != 32)
			return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "repr-digest", "digest",
					"it is no SHA-256");
		memcpy(in->want, octets.p, 32);
		in->promised = true;
	}
	return ERR_OK;
}

void flow_data_put(struct net_req *r)
{
	struct str given = net_header(r, "authorization"), scheme = STR("bearer "), participant, id;
	struct content_in in = {.record = record};
	struct flaw f = {0};
	Ds__Flow *x;
	enum err e = net_decode(r->arena, r->param[0], &f, &participant);

	if (!e && participant_id_check(participant, NULL)) e = ERR_NOT_FOUND;
	if (!e) e = net_decode(r->arena, r->param[1], &f, &id);
	if (!e) e = flow_find(ds_txn_fresh(r->shard), r->arena, participant, id, &x);
	if (!e && !flow_pushed(x)) e = ERR_NOT_FOUND;
	if (!e && !str_starts_nocase(given, scheme))
		e = flaw_set(&f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization", "bearer",
			     "the token of the data address is needed");
	if (!e) hash_sha256(str_trim(str_skip(given, scheme.n)), in.key);
	if (!e) e = takes(x, in.key, &f);
	if (!e) e = promise_read(r, &in, &f);
	if (e) {
		if (e == ERR_UNAUTHORISED) net_set(r, "www-authenticate", STR("Bearer"));
		net_reply_err(r, e, &f);
		return;
	}
	in.participant = participant;
	in.name = id;
	content_take(r, &in);
}
