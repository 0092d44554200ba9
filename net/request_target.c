/* The request target and its authority: checks, query parameters, percent-decoding. */
#include "net/request.h"
#include "net/route.h"

static bool host_octet(unsigned char c)
{
	/* RFC 3986 3.2.2, without user information: that has no place in a request */
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("-._~!$&'()*+,;=:[]%", c));
}

static enum err check_authority(struct request *r, struct flaw *f)
{
	struct str a = r->pub.authority;
	if (r->host.p && a.p && !str_eq_nocase(r->host, a))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "host", "authority-mismatch",
				"the Host field and the authority of the target differ");
	if (a.p && r->pub.h2) return ERR_OK; /* nghttp2 has looked at :authority */
	if (!a.p) a = r->pub.authority = r->host;
	for (size_t i = 0; i < a.n; i++) {
		if (host_octet((unsigned char)a.p[i])) continue;
		return flaw_set(f, ERR_BAD_INPUT, i, "host", "authority", "the authority is malformed");
	}
	return ERR_OK;
}

/* RFC 9112 3.2.2: absolute-form, "http://authority/path". */
static bool take_absolute(struct request *r)
{
	struct str t = r->pub.path;
	size_t n = str_starts_nocase(t, STR("http://")) ? 7 : str_starts_nocase(t, STR("https://")) ? 8 : 0;
	if (!n) return false;
	t = str_skip(t, n);
	size_t end = 0;
	while (end < t.n && t.p[end] != '/' && t.p[end] != '?') end++;
	if (!end || r->pub.authority.p) return false;
	r->pub.authority = str_first(t, end);
	r->pub.path = end < t.n && t.p[end] == '/' ? str_skip(t, end) : STR("/");
	if (end < t.n && t.p[end] == '?') r->pub.query = str_skip(t, end + 1);
	return true;
}

enum err request_target(struct request *r, struct flaw *f)
{
	struct net_req *q = &r->pub;
	if (!q->path.n) return flaw_set(f, ERR_BAD_INPUT, 0, "target", "target", "the target is empty");
	if (q->path.p[0] != '/' && !(q->method == NET_OPTIONS && str_is(q->path, "*")) && !take_absolute(r))
		return flaw_set(f, ERR_BAD_INPUT, 0, "target", "target", "the target begins with a slash");
	size_t end = str_find(q->path, '?');
	if (end < q->path.n) {
		q->query = str_skip(q->path, end + 1);
		q->path.n = end;
	}
	if (memchr(q->path.p, '#', q->path.n))
		return flaw_set(f, ERR_BAD_INPUT, str_find(q->path, '#'), "target", "fragment",
				"a fragment is not sent to a server");
	return check_authority(r, f);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err net_decode(struct arena *a, struct str s, struct flaw *f, struct str *ret)
{
	if (str_find(s, '%') == s.n) {
		*ret = s;
		return ERR_OK;
	}
	char *out = arena_bytes(a, s.n);
	size_t n = 0;
	if (!out) return ERR_NO_MEMORY;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '%') {
			out[n++] = s.p[i];
			continue;
		}
		bool whole = s.n - i > 2;
		int high = whole ? nibble(s.p[i + 1]) : -1, low = whole ? nibble(s.p[i + 2]) : -1;
		if (high < 0 || low < 0)
			return flaw_set(f, ERR_BAD_INPUT, i, "", "percent-encoding",
					"a percent sign is followed by two hexadecimal digits");
		out[n++] = (char)(high << 4 | low);
		i += 2;
	}
	*ret = str_n(out, n);
	return ERR_OK;
}

bool net_query(struct net_req *r, const char *name, struct str *ret)
{
	struct str left = r->query, part, key;
	if (!left.p) return false;
	while (str_split(&left, '&', &part)) {
		size_t eq = str_find(part, '=');
		if (net_decode(r->arena, str_first(part, eq), NULL, &key) || !str_is(key, name)) continue;
		struct str value = str_skip(part, eq + 1);
		if (net_decode(r->arena, value, NULL, ret)) *ret = value;
		return true;
	}
	return false;
}

enum err net_query_number(struct net_req *r, const char *name, uint64_t most, struct flaw *f, uint64_t *ret)
{
	struct str text;
	uint64_t n;
	if (!net_query(r, name, &text)) return ERR_OK;
	if (str_u64(text, &n) || n > most)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, name, "number",
				"expected a whole number up to %llu", (unsigned long long)most);
	*ret = n;
	return ERR_OK;
}
