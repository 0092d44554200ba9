/* Errors as application/problem+json (RFC 9457):
 * {"type":"urn:kanhe:problem:bad-id","title":"…","status":400,"detail":"…","offset":3,"field":"…",
 *  "rule":"…","request_id":"…"}; detail, offset, field and rule where they are known. */
#include "base/say.h"
#include "net/request.h"
#include "net/route.h"

enum { PROBLEM_MAX = 4096 }; /* octets; the texts of a flaw are bounded */

void net_problem_members(const struct net_req *r, enum err e, int status, const struct flaw *f,
			 struct buf *out)
{
	enum say_language l = say_accepted(net_header(r, "accept-language"));
	char room[SAY_FLAW_MAX];
	buf_add(out, STR("\"type\":\"urn:kanhe:problem:"));
	for (const char *p = err_name(e); *p; p++)
		buf_byte(out, *p == '_' ? '-' : (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p));
	buf_add(out, STR("\",\"title\":"));
	buf_json(out, str_of(l == SAY_ZH ? err_text_zh(e) : err_text(e)));
	buf_add(out, STR(",\"status\":"));
	buf_u64(out, (uint64_t)status);
	if (!f || f->err != e) return;
	if (f->text[0]) {
		buf_add(out, STR(",\"detail\":"));
		buf_json(out, str_of(say_flaw(l, f, room)));
	}
	if (f->offset != FLAW_NO_OFFSET) {
		buf_add(out, STR(",\"offset\":"));
		buf_u64(out, f->offset);
	}
	if (f->at[0]) {
		buf_add(out, STR(",\"field\":"));
		buf_json(out, str_of(f->at));
	}
	if (f->rule[0]) {
		buf_add(out, STR(",\"rule\":"));
		buf_json(out, str_of(f->rule));
	}
}

static void reply_problem(struct request *r, int status, enum err e, const struct flaw *f)
{
	struct buf b = BUF_INIT(PROBLEM_MAX);
	buf_byte(&b, '{');
	net_problem_members(&r->pub, e, status, f, &b);
	buf_add(&b, STR(",\"request_id\":"));
	buf_json(&b, r->pub.id);
	buf_add(&b, STR("}\n"));
	struct str body = buf_err(&b) ? STR_NONE : arena_dup(r->arena, buf_str(&b));
	buf_done(&b);
	if (say_accepted(net_header(&r->pub, "accept-language")) == SAY_ZH)
		net_set(&r->pub, "content-language", STR("zh"));
	net_reply(&r->pub, status, "application/problem+json", body);
}

void net_reply_err(struct net_req *r, enum err e, const struct flaw *f)
{
	int status = err_http(e);
	if (e == ERR_OK) status = err_http(e = ERR_INTERNAL);
	/* RFC 9110 15.6.6: the one rule with a status of its own */
	if (f && f->err == e && e == ERR_UNSUPPORTED && strcmp(f->rule, "version") == 0) status = 505;
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
