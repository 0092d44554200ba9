/* Making tokens. */
#include "dataspace/renewal.h"

#include "base/jose.h"
#include "dataspace/fetch.h"
#include "dataspace/flow.h"

#define REFRESH_TYPE "refresh+jwt" /* no access token, whatever signed it */

static enum err make(struct arena *a, const struct renewal *r, const char *type, struct str aud,
		     usec_t expires, struct str *ret)
{
	json_t *claims = json_keep(a, json_object());

	if (!claims || !aud.p) return ERR_NO_MEMORY;
	json_put_str(claims, "iss", r->self->did);
	json_put_str(claims, "sub", r->subject);
	json_put_str(claims, "aud", aud);
	json_put_str(claims, "agreement", r->agreement);
	json_put_str(claims, "jti", r->id);
	if (expires) json_put_u64(claims, "exp", (uint64_t)(expires / USEC_PER_SEC));
	return jws_write(a, r->self->key, r->self->kid, type, claims, ret);
}

enum err renewal_access(struct arena *a, const struct renewal *r, struct str *ret)
{
	return make(a, r, "JWT", r->endpoint, r->expires, ret);
}

/* Good as long as the transfer is: a pause may outlast every access token. */
enum err renewal_refresh(struct arena *a, const struct renewal *r, struct str *ret)
{
	return make(a, r, REFRESH_TYPE, arena_printf(a, "%.*s/token", STR_ARG(r->endpoint)), 0, ret);
}

usec_t renewal_term(const struct ds *d)
{
	return d->o.data_token ? d->o.data_token : RENEWAL_TERM;
}

enum err renewal_put(struct ds *d, struct arena *a, const struct renewal *r, struct str refresh,
		     struct dsp_data_address *address)
{
	struct str term = arena_printf(a, "%llu", (unsigned long long)(renewal_term(d) / USEC_PER_SEC));
	struct str endpoint = arena_printf(a, "%.*s/token", STR_ARG(r->endpoint));
	enum err e = term.p && endpoint.p ? ERR_OK : ERR_NO_MEMORY;

	if (!e) e = dsp_data_address_add(a, address, "refreshToken", refresh);
	if (!e) e = dsp_data_address_add(a, address, "expiresIn", term);
	return e ? e : dsp_data_address_add(a, address, "refreshEndpoint", endpoint);
}

struct renewal renewal_of_transfer(struct arena *a, const struct ds_self *self, const Ds__Transfer *x)
{
	return (struct renewal){.self = self,
				.subject = str_of(x->pid),
				.agreement = str_of(x->agreement),
				.endpoint = arena_printf(a, "%s/data/%s", self->base, x->pid),
				.id = str_of(x->token_id),
				.expires = x->token_expires};
}

struct renewal renewal_of_flow(struct arena *a, const struct ds_self *self, const Ds__Flow *x)
{
	struct str id = fetch_segment(a, str_of(x->id));

	return (struct renewal){.self = self,
				.subject = str_of(x->id),
				.agreement = str_of(x->agreement),
				.endpoint = arena_printf(a, "%s/flows/%.*s", self->base, STR_ARG(id)),
				.id = str_of(x->token_id),
				.expires = x->token_expires};
}

/* ---- letters ---- */

static void replace(struct buf *out, struct str body, struct str mark, struct str by)
{
	while (body.n) {
		size_t at = 0;

		while (at + mark.n <= body.n && memcmp(body.p + at, mark.p, mark.n)) at++;
		if (at + mark.n > body.n) {
			buf_add(out, body);
			return;
		}
		buf_add(out, str_first(body, at));
		buf_add(out, by);
		body = str_skip(body, at + mark.n);
	}
}

/* Tokens are of letters that stand in JSON as they are. */
static enum err put_tokens(struct arena *a, struct str body, const struct renewal *r, struct str *ret)
{
	struct buf b = BUF_INIT(DS_ROW_MAX), c = BUF_INIT(DS_ROW_MAX);
	struct str access, refresh;
	enum err e = renewal_access(a, r, &access);

	if (!e) e = renewal_refresh(a, r, &refresh);
	if (!e) {
		replace(&b, body, STR(RENEWAL_ACCESS_MARK), access);
		replace(&c, buf_str(&b), STR(RENEWAL_REFRESH_MARK), refresh);
		e = buf_err(&b) ? buf_err(&b) : buf_err(&c);
	}
	if (!e) *ret = arena_dup(a, buf_str(&c));
	buf_done(&b);
	buf_done(&c);
	return e || ret->p ? e : ERR_NO_MEMORY;
}

static bool holds(struct str body, struct str mark)
{
	for (; body.n >= mark.n; body = str_skip(body, 1))
		if (!memcmp(body.p, mark.p, mark.n)) return true;
	return false;
}

static bool filled(const Ds__Outbox *e)
{
	return e->kind == DS_OUTBOX_TRANSFER || e->kind == DS_OUTBOX_FLOW_NOTICE;
}

static enum err notice_fill(struct store_txn *t, struct arena *a, const struct ds_self *self,
			    const Ds__Outbox *e, struct str *ret)
{
	struct renewal r;
	Ds__Flow *x;
	enum err err = flow_find(t, a, str_of(e->participant), str_of(e->pid), &x);

	if (err || !x->token_id[0]) return err;
	r = renewal_of_flow(a, self, x);
	return put_tokens(a, *ret, &r, ret);
}

enum err renewal_fill(struct ds *d, struct store_txn *t, struct arena *a, const Ds__Outbox *e,
		      struct str *ret)
{
	const struct ds_self *self;
	struct renewal r;
	Ds__Transfer *x;
	enum err err;

	*ret = str_of(e->body);
	if (!filled(e) || !holds(*ret, STR(RENEWAL_ACCESS_MARK))) return ERR_OK;
	err = ds_self_find(d, t, str_of(e->participant), &self);
	if (!err && e->kind == DS_OUTBOX_FLOW_NOTICE) return notice_fill(t, a, self, e, ret);
	if (!err) err = ds_transfer_find(t, a, str_of(e->participant), str_of(e->pid), &x);
	if (err) return err;
	r = renewal_of_transfer(a, self, x);
	return x->token_id[0] ? put_tokens(a, *ret, &r, ret) : ERR_NOT_FOUND;
}
