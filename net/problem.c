/* Errors as application/problem+json (RFC 9457):
 * {"type":"urn:kanhe:problem:bad-id","title":"…","status":400,"detail":"…","request_id":"…",
 *  "offset":3,"field":"…","rule":"…"}; offset, field and rule where they are known. */
#include "base/retell.h"
#include "net/request.h"
#include "net/route.h"

enum { PROBLEM_MAX = 4096 }; /* octets; the texts of a flaw are bounded */

static void put_type(struct buf *b, enum err e)
{
	buf_add(b, STR("{\"type\":\"urn:kanhe:problem:"));
	for (const char *p = err_name(e); *p; p++)
		buf_byte(b, *p == '_' ? '-' : (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p));
	buf_add(b, STR("\",\"title\":"));
}

static void put_flaw(struct buf *b, const struct flaw *f)
{
	if (f->offset != FLAW_NO_OFFSET) {
		buf_add(b, STR(",\"offset\":"));
		buf_u64(b, f->offset);
	}
	if (f->at[0]) {
		buf_add(b, STR(",\"field\":"));
		buf_json(b, str_of(f->at));
	}
	if (f->rule[0]) {
		buf_add(b, STR(",\"rule\":"));
		buf_json(b, str_of(f->rule));
	}
}

static void reply_problem(struct request *r, int status, enum err e, const struct flaw *f)
{
	struct buf b = BUF_INIT(PROBLEM_MAX);
	bool zh = accept_chinese(r);
	put_type(&b, e);
	buf_json(&b, str_of(zh ? err_text_zh(e) : err_text(e)));
	buf_add(&b, STR(",\"status\":"));
	buf_u64(&b, (uint64_t)status);
	if (f && f->text[0]) {
		buf_add(&b, STR(",\"detail\":"));
		buf_json(&b, retell_flaw(zh ? SAY_ZH : SAY_EN, r->arena, f));
	}
	buf_add(&b, STR(",\"request_id\":"));
	buf_json(&b, r->pub.id);
	if (f) put_flaw(&b, f);
	buf_add(&b, STR("}\n"));
	struct str body = buf_err(&b) ? STR_NONE : arena_dup(r->arena, buf_str(&b));
	buf_done(&b);
	if (zh) net_set(&r->pub, "content-language", STR("zh"));
	net_reply(&r->pub, status, "application/problem+json", body);
}

void net_reply_err(struct net_req *r, enum err e, const struct flaw *f)
{
	int status = err_http(e);
	if (e == ERR_OK) status = err_http(e = ERR_INTERNAL);
	/* RFC 9110 15.6.6: the one rule with a status of its own */
	if (f && e == ERR_UNSUPPORTED && strcmp(f->rule, "version") == 0) status = 505;
	reply_problem(request_of(r), status, e, f);
}

void net_reply_flaw(struct net_req *r, const struct flaw *f)
{
	net_reply_err(r, f->err, f);
}

static void set_allow(struct request *r, unsigned allow)
{
	struct buf b = BUF_INIT(64);
	if (allow & 1u << NET_GET) allow |= 1u << NET_HEAD;
	allow |= 1u << NET_OPTIONS;
	for (int i = 0; i < NET_METHODS; i++) {
		if (!(allow & 1u << i)) continue;
		if (b.n) buf_add(&b, STR(", "));
		buf_add(&b, str_of(route_method_name((enum net_method)i)));
	}
	net_set(&r->pub, "allow", buf_str(&b));
	buf_done(&b);
}

void request_method_refused(struct request *r, unsigned allow)
{
	set_allow(r, allow);
	if (r->pub.method == NET_OPTIONS) {
		net_reply(&r->pub, 204, NULL, STR_NONE);
		return;
	}
	struct flaw f;
	flaw_set(&f, ERR_BAD_METHOD, FLAW_NO_OFFSET, "method", "method", "%.*s is not served at %.*s",
		 (int)(r->method_text.n > 20 ? 20 : r->method_text.n), r->method_text.p,
		 (int)(r->pub.path.n > 120 ? 120 : r->pub.path.n), r->pub.path.p);
	net_reply_err(&r->pub, ERR_BAD_METHOD, &f);
}
