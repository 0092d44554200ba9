/* A pull's tokens: asked for anew before they end, or when the provider says that they have. */
#include "dataspace/flow_fetch.h"
#include "dataspace/pull.h"
#include "proto/dsp/transfer.h"

#include <stdio.h>
#include <stdlib.h>

#define MARGIN (30 * USEC_PER_SEC) /* before the end; a tenth of the term when that is less */

static uint64_t term_of(json_t *address)
{
	struct str text = dsp_data_address_text(address, "expiresIn");
	uint64_t n;

	return text.n && !str_u64(text, &n) && n <= UINT32_MAX ? n : 0;
}

bool pull_renew_due(struct arena *a, struct pull *p, const struct pull_ask *q)
{
	uint64_t term;
	usec_t margin;
	json_t *j;

	if (json_read(a, str_of(q->x->address), NULL, &j)) return false;
	p->lasting = dsp_data_address_text(j, "refreshToken").n;
	if (!p->lasting) return false;
	if (p->denied) return true;
	term = term_of(j);
	margin = (usec_t)term * USEC_PER_SEC / 10;
	if (margin > MARGIN) margin = MARGIN;
	return term && clock_wall() >= q->x->address_taken + (usec_t)term * USEC_PER_SEC - margin;
}

static void renew_done(void *arg, const struct courier_result *r)
{
	struct pull *p = arg;
	size_t n = r->body.n < sizeof p->reply ? r->body.n : 0;

	memcpy(p->reply, n ? r->body.p : "", n);
	p->reply_n = n;
	pull_done(p, r);
}

/* OAuth 2.0, and what characters of a token a form would take for its own. */
static struct str form_make(struct arena *a, struct str refresh)
{
	char *p = arena_bytes(a, refresh.n * 3 + 1);
	size_t n = 0;

	if (!p) return STR_NONE;
	for (size_t i = 0; i < refresh.n; i++) {
		unsigned char c = (unsigned char)refresh.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			     c == '-' || c == '.' || c == '_' || c == '~';

		if (plain) {
			p[n++] = (char)c;
		} else {
			p[n++] = '%';
			p[n++] = "0123456789ABCDEF"[c >> 4];
			p[n++] = "0123456789ABCDEF"[c & 15];
		}
	}
	return arena_printf(a, "grant_type=refresh_token&refresh_token=%.*s", (int)n, p);
}

enum err pull_renew_send(struct pull *p, struct ds *d, struct arena *a, const struct pull_ask *q)
{
	struct courier_header h[3] = {{"content-type", "application/x-www-form-urlencoded"},
				      {"accept", "application/json"}};
	struct str access, refresh, endpoint, token, form;
	const struct ds_self *self;
	struct store_txn *t = NULL;
	json_t *j;
	enum err e = json_read(a, str_of(q->x->address), NULL, &j);

	if (e) return ERR_BAD_MESSAGE;
	access = dsp_data_address_text(j, "authorization");
	if (str_starts_nocase(access, STR("bearer "))) access = str_trim(str_skip(access, 7));
	refresh = dsp_data_address_text(j, "refreshToken");
	endpoint = dsp_data_address_text(j, "refreshEndpoint");
	if (!endpoint.n) endpoint = dsp_data_address_text(j, "endpoint");
	if (!str_starts(endpoint, STR("http")) || endpoint.n > DS_URL_MAX) return ERR_BAD_MESSAGE;
	e = store_read(d->o.store, &t);
	if (!e) e = ds_self_find(d, t, q->participant, &self);
	if (t) store_read_end(t);
	if (!e) e = ds_token_make_with(d, self, str_of(q->x->peer), access, a, &token);
	if (e) return e;
	form = form_make(a, refresh);
	h[2] = (struct courier_header){"authorization", token.p};
	struct courier_req r = {.method = "POST",
				.url = arena_strdup(a, endpoint),
				.headers = h,
				.headers_n = 3,
				.body = form,
				.deadline = PULL_SILENCE,
				.body_max = PULL_REPLY_MAX - 1,
				.done = renew_done,
				.arg = p};

	if (!r.url || !form.p) return ERR_NO_MEMORY;
	p->renewing = true;
	p->answered = false; /* the number was not asked with: the next attempt has it */
	e = pull_submit(p, &r);
	if (e) p->renewing = false;
	return e;
}

/* ---- what came ---- */

struct renewing {
	struct writer_cmd cmd; /* first */
	struct arena *a;
	struct arena_mark mark;
	struct str participant, pid, access, refresh;
	uint64_t expires; /* 0: not told */
};

static void put(json_t *one, const char *name, struct str value)
{
	struct str s = json_text(json_object_get(one, "name"));

	if (str_starts(s, STR(DSP_ADDRESS_EDC))) s = str_skip(s, sizeof DSP_ADDRESS_EDC - 1);
	if (value.n && str_is(s, name)) json_put_str(one, "value", value);
}

static enum err address_renew(const struct renewing *k, const char *old, char **ret)
{
	struct str term =
	    k->expires ? arena_printf(k->a, "%llu", (unsigned long long)k->expires) : STR_NONE;
	struct str text;
	json_t *j, *one;
	size_t i;
	enum err e = json_read(k->a, str_of(old), NULL, &j);

	if (e) return ERR_CORRUPT;
	json_array_foreach(json_object_get(j, "endpointProperties"), i, one)
	{
		put(one, "authorization", k->access);
		put(one, "refreshToken", k->refresh);
		put(one, "expiresIn", term);
	}
	text = json_write(k->a, j, false);
	*ret = text.p ? arena_strdup(k->a, text) : NULL;
	return *ret ? ERR_OK : ERR_NO_MEMORY;
}

static enum err renew_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct renewing *k = (struct renewing *)c;
	Ds__Transfer *x;
	Ds__Flow *f;
	enum err e;

	arena_rollback(k->a, k->mark);
	if (flow_fetched(k->pid)) {
		e = flow_find(t->store, k->a, k->participant, flow_fetched_id(k->pid), &f);
		if (!e) e = address_renew(k, f->address, &f->address);
		if (e) return e;
		f->address_taken = t->now;
		return flow_put(t, k->participant, f);
	}
	e = ds_transfer_find(t->store, k->a, k->participant, k->pid, &x);
	if (!e) e = address_renew(k, x->address, &x->address);
	if (e) return e;
	x->address_taken = t->now;
	return ds_transfer_put(t, k->participant, x);
}

enum err pull_renewed(struct pull *p, struct ds *d)
{
	struct renewing k = {.cmd = {.apply = renew_apply},
			     .a = arena_new(DP_ARENA),
			     .participant = p->item.participant,
			     .pid = p->item.pid};
	json_t *j;
	enum err e = k.a ? json_read(k.a, str_n(p->reply, p->reply_n), NULL, &j) : ERR_NO_MEMORY;

	if (!e) e = json_str(j, "", "access_token", NULL, &k.access);
	if (!e) e = json_str_opt(j, "", "refresh_token", NULL, &k.refresh);
	if (!e) (void)!json_u64_opt(j, "", "expires_in", NULL, &k.expires);
	/* it goes into a header */
	if (!e && (!k.access.n || turn_name_check(k.access, sizeof p->reply, "access_token", NULL)))
		e = ERR_BAD_MESSAGE;
	if (!e) {
		k.mark = arena_mark(k.a);
		e = writer_run(d->o.writer, &k.cmd);
	}
	arena_free(k.a);
	return e;
}
