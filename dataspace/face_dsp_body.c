/* Error bodies: DSP 2025-1, "Error": "If the response has a body, it MUST be the error type". */
#include "dataspace/dialect.h"
#include "dataspace/face_dsp.h"
#include "dataspace/under_way.h"
#include "proto/dsp/catalog.h"
#include "proto/dsp/negotiation.h"
#include "proto/dsp/pointer.h"
#include "proto/dsp/transfer.h"
#include "proto/dsp/v2024.h"

enum { REFUSED_BODY_MAX = 64 << 10 }; /* octets that are read once more for their pids */
#define PID_UNKNOWN "unknown"         /* the schemas want both pids, also where one is not known */

static bool path_has(const struct net_req *r, const char *part)
{
	return memmem(r->path.p, r->path.n, part, strlen(part)) != NULL;
}

static struct str pid_said(struct net_req *r, const json_t *body, const char *name)
{
	struct str pid = json_text(json_object_get(body, name));

	if (!pid.n) pid = json_text(json_object_get(body, arena_printf(r->arena, "dspace:%s", name).p));
	return pid.n <= DSP_TEXT_MAX ? pid : STR_NONE;
}

/* As the refused message itself has them, so that its sender knows its process; else what the path names,
 * which may be either side's. */
static struct dsp_pids pids_of(struct net_req *r)
{
	struct str pid = ds_req_param(r, 1);
	bool named = pid.n && pid.n <= DSP_TEXT_MAX && str_utf8_ok(pid, NULL);
	struct dsp_pids p = {.consumer = STR_NONE, .provider = STR_NONE};
	json_t *body;

	if (r->body.n && r->body.n <= REFUSED_BODY_MAX && !json_read(r->arena, r->body, NULL, &body)) {
		p.consumer = pid_said(r, body, "consumerPid");
		p.provider = pid_said(r, body, "providerPid");
	}
	named = named && !p.consumer.n && !p.provider.n;
	if (!p.consumer.n) p.consumer = named ? pid : STR(PID_UNKNOWN);
	if (!p.provider.n) p.provider = named ? pid : STR(PID_UNKNOWN);
	return p;
}

static struct dsp_reason reason_of(struct net_req *r, enum err e, const struct flaw *f)
{
	struct dsp_reason reason = {.code = str_of(err_name(e)),
				    .reasons = json_keep(r->arena, json_array())};
	bool own = f && f->err && f->text[0];
	struct str text = str_of(own ? f->text : err_text(e));

	/* "offer.target is missing" has named the member already */
	if (own && f->at[0] && !str_starts(text, str_of(f->at)))
		text = arena_printf(r->arena, "%s: %s", f->at, f->text);
	if (!text.n || !str_utf8_ok(text, NULL)) text = str_of(err_text(e));
	if (reason.reasons) must(!json_array_append_new(reason.reasons, json_stringn(text.p, text.n)));
	return reason;
}

static json_t *flaw_extra(struct net_req *r, const struct flaw *f)
{
	json_t *x, *d;

	if (!f || !f->err) return NULL;
	x = json_keep(r->arena, json_object());
	d = json_object();
	must(d);
	if (!x) {
		json_decref(d);
		return NULL;
	}
	if (f->at[0]) json_put_str(d, "field", str_of(f->at));
	if (f->at[0]) json_put_str(d, "pointer", dsp_pointer(r->arena, f->at));
	if (f->rule[0]) json_put_str(d, "rule", str_of(f->rule));
	if (f->offset != FLAW_NO_OFFSET) json_put_u64(d, "offset", f->offset);
	json_put(x, "kanhe:flaw", d);
	return x;
}

/* Paths in the names of the version that the partner speaks; those that have them already keep them. */
static const struct flaw *flaw_of(const struct net_req *r, const struct flaw *f, struct flaw *room)
{
	if (!f || ds_dialect_of(r) != DS_DIALECT_2024_1) return f;
	*room = *f;
	dsp_v2024_flaw(NULL, room);
	return room;
}

void ds_dsp_refuse(struct net_req *r, enum err e, const struct flaw *why)
{
	struct flaw room;
	const struct flaw *f = flaw_of(r, why, &room);
	struct dsp_reason reason = reason_of(r, e, f);
	json_t *extra = flaw_extra(r, f), *j;

	ds_of(r)->stat.messages_refused++;
	if (!path_has(r, "/dsp/")) { /* presentations, issuance, renewal of tokens: other protocols' */
		net_reply_err(r, e, f);
		return;
	}
	if (reason.reasons) refusals_note(r, json_text(json_array_get(reason.reasons, 0)));
	if (path_has(r, "/negotiations/")) {
		struct dsp_negotiation_error m = {.pids = pids_of(r), .reason = reason, .extra = extra};

		j = dsp_negotiation_error_write(r->arena, &m);
	} else if (path_has(r, "/transfers/")) {
		struct dsp_transfer_notice m = {.pids = pids_of(r), .reason = reason, .extra = extra};

		j = dsp_transfer_error_write(r->arena, &m);
	} else {
		struct dsp_catalog_error m = {.reason = reason, .extra = extra};

		j = dsp_catalog_error_write(r->arena, &m);
	}
	j = ds_dialect_write(r->arena, ds_dialect_of(r), NULL, STR_NONE, j);
	if (!j) {
		net_reply_err(r, e, f);
		return;
	}
	net_reply(r, err_http(e), DSP_MEDIA_TYPE, json_write(r->arena, j, false));
}
