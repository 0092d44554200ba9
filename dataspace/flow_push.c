/* Push: the content as an entry of the outbox, sent with its patience and after a crash; what the sink
 * says. */
#include "dataspace/flow.h"

#include <stdio.h>

#include "base/text64.h"
#include "dataspace/plane.h"
#include "dataspace/push.h"

enum { TOKEN_MAX = 4096 };

/* What goes into a header must not end it. */
static enum err header_check(struct str s, const char *at, struct flaw *f)
{
	if (s.n > TOKEN_MAX)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, "limit",
				"it is too long for a header");
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || (unsigned char)s.p[i] >= 0x7f)
			return flaw_set(f, ERR_BAD_MESSAGE, i, at, "octet", "it cannot stand in a header");
	return ERR_OK;
}

enum err flow_sink_check(const struct dsp_data_address *d, struct flaw *f)
{
	struct str url;
	enum err e;

	/* of the HTTP profile, or as the Dataspace Protocol's examples have it */
	if (!str_is(d->endpoint_type, DPS_PROFILE_PUSH) &&
	    !str_is(d->endpoint_type, "https://w3id.org/idsa/v4.1/HTTP"))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "dataAddress.endpointType", "value",
				"it is not that of the http-push profile");
	if (!d->endpoint.n)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "dataAddress.endpoint", "missing",
				"the sink's URL is missing");
	e = turn_url_check(d->endpoint, "dataAddress.endpoint", f, &url);
	if (!e)
		e = header_check(dsp_data_address_property(d, "authorization"),
				 "dataAddress.endpointProperties.authorization", f);
	return e;
}

static struct str property(json_t *address, const char *name)
{
	struct dsp_data_address d = {.properties = json_object_get(address, "endpointProperties")};

	return dsp_data_address_property(&d, name);
}

static enum err authorization(struct arena *a, struct str address, const char **ret)
{
	struct str token, type;
	json_t *j;
	enum err e = json_read(a, address, NULL, &j);

	if (e) return e;
	token = property(j, "authorization");
	type = property(j, "authType");
	*ret = NULL;
	if (!token.n) return ERR_OK;
	*ret = str_is(type, "bearer") && !str_starts_nocase(token, STR("bearer "))
		   ? arena_printf(a, "Bearer %.*s", STR_ARG(token)).p
		   : arena_strdup(a, token);
	return *ret ? ERR_OK : ERR_NO_MEMORY;
}

enum err flow_push_fill(struct ds *d, struct store_txn *t, struct arena *a, const Ds__Outbox *e,
			struct courier_req *q, struct courier_header h[FLOW_HEADERS])
{
	char *path = arena_bytes(a, DP_PATH_MAX);
	const char *secret;
	Ds__Flow *x;
	enum err err = flow_find(t, a, str_of(e->participant), str_of(e->pid), &x);

	if (!err && x->entry != e->seq) err = ERR_NOT_FOUND;
	if (!err && x->digest.len != 32) err = ERR_CORRUPT;
	if (!err) err = authorization(a, str_of(e->body), &secret);
	if (!err && (!path || !dp_blob_path(d, x->digest.data, path))) err = ERR_NO_MEMORY;
	if (err) return err;
	q->headers_n = 0;
	h[q->headers_n++] = (struct courier_header){
	    "Content-Type", x->media_type[0] ? x->media_type : "application/octet-stream"};
	h[q->headers_n++] = (struct courier_header){
	    "Repr-Digest",
	    arena_printf(a, "sha-256=:%.*s:", STR_ARG(base64_write(a, str_n(x->digest.data, 32)))).p};
	if (secret) h[q->headers_n++] = (struct courier_header){"Authorization", secret};
	q->body = STR_NONE;
	q->body_file = path;
	q->deadline = PUSH_DEADLINE(x->size);
	q->body_max = PUSH_ANSWER_MAX;
	atomic_fetch_add(&d->dp->stat.pushes_attempted, 1);
	return arena_overflowed(a) ? ERR_NO_MEMORY : ERR_OK;
}

/* ---- answers, in commands ---- */

static enum err turn_fill(struct turn *u, const Ds__Outbox *e, Ds__Flow **ret_x, Ds__ControlPlane **ret_p)
{
	enum err err = ds_self_find(u->d, u->t->store, str_of(e->participant), &u->self);

	if (!err) err = flow_find(u->t->store, u->a, u->self->id, str_of(e->pid), ret_x);
	if (!err) err = control_plane_find(u->t->store, u->a, u->self->id, str_of((*ret_x)->plane), ret_p);
	return err;
}

static enum err refused(const struct turn *u, Ds__ControlPlane *p, Ds__Flow *x, int status, struct str body)
{
	struct ds_event ev = flow_event(u->self->id, x, DS_EVENT_MESSAGE_UNDELIVERED);
	struct str text = status ? arena_printf(u->a, "the sink answers %d", status)
				 : arena_printf(u->a, "the sink cannot be reached: %.*s",
						STR_ARG(str_first(body, PUSH_REASON)));

	ev.who = u->who;
	json_put_str(ev.detail, "reason", text);
	x->error = turn_text(u, text);
	x->entry = 0;
	enum err e = ds_event_append(u->t, &ev, NULL);
	if (!e) e = flow_put(u->t, u->self->id, x);
	return e ? e : flow_notify(u, p, x, "errored");
}

enum err dp_flow_pushed(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			const Ds__Outbox *entry, int status, struct str body)
{
	struct flaw f = {0};
	struct turn u = {.d = d, .t = t, .fx = fx, .a = a, .flaw = &f, .who = STR("data plane")};
	Ds__ControlPlane *p;
	Ds__Flow *x;
	enum err e = turn_fill(&u, entry, &x, &p);

	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (x->entry != entry->seq || x->state != DPS_STARTED_STATE) return ERR_OK; /* stopped meanwhile */
	x->requests++;
	if (status < 200 || status >= 300) return refused(&u, p, x, status, body);
	x->octets += x->size;
	x->entry = 0;
	e = flow_move(&u, p, x, DPS_COMPLETED_STATE);
	return e ? e : flow_notify(&u, p, x, "completed");
}

/* The control plane has it, or refuses it for good: then the ledger tells. */
enum err dp_flow_noticed(struct ds *d, struct writer_txn *t, struct ds_fx *fx, struct arena *a,
			 const Ds__Outbox *e, int status, struct str body)
{
	struct ds_event ev = {.kind = DS_EVENT_MESSAGE_UNDELIVERED,
			      .participant = str_of(e->participant),
			      .who = STR("data plane"),
			      .transfer = str_of(e->pid),
			      .peer = str_of(e->peer),
			      .detail = NULL};

	(void)d, (void)fx, (void)a;
	if (status >= 200 && status < 300) return ERR_OK;
	ev.detail = json_object();
	must(ev.detail);
	json_put_u64(ev.detail, "status", (uint64_t)status);
	json_put_str(ev.detail, "reason", str_first(body, PUSH_REASON));
	return ds_event_append(t, &ev, NULL);
}
