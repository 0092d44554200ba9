#include "proto/did/name.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/text64.h"

enum { LABEL_MAX = 63, HOST_MAX = 253, URL_MAX = 3 * DID_MAX };

#define WEB "did:web:"
#define KEY "did:key:"

static enum err refuse(struct flaw *f, size_t offset, const char *rule, const char *why)
{
	return flaw_set(f, ERR_BAD_INPUT, offset, "", rule, "%s", why);
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_host(struct str host)
{
	struct str label;
	if (!host.n || host.n > HOST_MAX) return false;
	while (str_split(&host, '.', &label)) {
		if (!label.n || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (label.p[i] != '-' &&
			    (!is_alnum(label.p[i]) || (label.p[i] >= 'A' && label.p[i] <= 'Z')))
				return false;
	}
	return true;
}

static bool is_port(struct str port)
{
	uint64_t n;
	return port.n && port.p[0] != '0' && !str_u64(port, &n) && n <= UINT16_MAX;
}

/* HOST or HOST sep PORT. */
static enum err check_authority(struct str s, struct str sep, size_t offset, struct flaw *f)
{
	size_t at = 0;
	while (at < s.n && !str_starts_nocase(str_skip(s, at), sep)) at++;
	if (!is_host(str_first(s, at)))
		return refuse(f, offset, "host", "the host is not a name in lower case or an IPv4 address");
	if (at < s.n && !is_port(str_skip(s, at + sep.n)))
		return refuse(f, offset + at, "port", "the port is not a number from 1 to 65535");
	return ERR_OK;
}

/* Octets of the idchar at s: 1, 3 for a percent-encoded one, 0 when there is none. *ret: its value. */
static size_t idchar(struct str s, unsigned char *ret)
{
	*ret = (unsigned char)s.p[0];
	if (is_alnum(s.p[0]) || s.p[0] == '.' || s.p[0] == '-' || s.p[0] == '_') return 1;
	if (s.p[0] != '%' || s.n < 3 || hex_parse(str_n(s.p + 1, 2), ret, 1)) return 0;
	return *ret < 0x20 || *ret == 0x7f || *ret == '/' || *ret == '\\' ? 0 : 3;
}

static enum err check_segment(struct str s, size_t offset, struct flaw *f)
{
	size_t octets = 0, dots = 0;
	unsigned char c;
	for (size_t at = 0, n; at < s.n; at += n) {
		n = idchar(str_skip(s, at), &c);
		if (!n)
			return refuse(f, offset + at, "segment",
				      "this octet cannot stand in a path segment");
		octets++;
		dots += c == '.';
	}
	if (octets == dots && octets <= 2)
		return refuse(f, offset, "segment", "a path segment is empty, \".\" or \"..\"");
	return ERR_OK;
}

enum err did_web_check(struct str did, struct flaw *f)
{
	struct str rest, part;
	if (!str_starts(did, STR(WEB))) return refuse(f, 0, "method", "it does not begin with did:web:");
	if (did.n > DID_MAX) return refuse(f, DID_MAX, "size", "it is longer than 512 octets");
	rest = str_skip(did, sizeof WEB - 1);
	if (!str_split(&rest, ':', &part)) return refuse(f, did.n, "host", "the host is missing");
	enum err e = check_authority(part, STR("%3A"), sizeof WEB - 1, f);
	while (!e && str_split(&rest, ':', &part)) e = check_segment(part, (size_t)(part.p - did.p), f);
	return e;
}

static enum err keep(struct arena *a, struct buf *b, struct str *ret)
{
	enum err e = buf_err(b);
	char *z = e ? NULL : arena_strdup(a, buf_str(b));
	if (z)
		*ret = str_n(z, b->n);
	else if (!e)
		e = ERR_NO_MEMORY;
	buf_done(b);
	return e;
}

enum err did_web_document_url(struct arena *a, struct str did, const char *scheme, struct flaw *f,
			      struct str *ret)
{
	struct str rest = str_skip(did, sizeof WEB - 1), part;
	struct buf b = BUF_INIT(URL_MAX);
	enum err e = did_web_check(did, f);
	if (e) return e;
	must(str_split(&rest, ':', &part));
	size_t host = str_find(part, '%');
	buf_printf(&b, "%s://%.*s", scheme, STR_ARG(str_first(part, host)));
	if (host < part.n) {
		buf_byte(&b, ':');
		buf_add(&b, str_skip(part, host + 3));
	}
	if (!rest.p) buf_add(&b, STR("/.well-known"));
	while (str_split(&rest, ':', &part)) {
		buf_byte(&b, '/');
		buf_add(&b, part);
	}
	buf_add(&b, STR("/did.json"));
	return keep(a, &b, ret);
}

static void add_authority(struct buf *b, struct str authority)
{
	size_t colon = str_find(authority, ':');
	buf_add(b, STR(WEB));
	buf_add(b, str_first(authority, colon));
	if (colon == authority.n) return;
	buf_add(b, STR("%3A"));
	buf_add(b, str_skip(authority, colon + 1));
}

enum err did_web_from_url(struct arena *a, struct str url, struct flaw *f, struct str *ret)
{
	struct buf b = BUF_INIT(DID_MAX);
	struct str rest = url, part;
	if (str_starts(url, STR("https://")))
		rest = str_skip(url, 8);
	else if (str_starts(url, STR("http://")))
		rest = str_skip(url, 7);
	else
		return refuse(f, 0, "method", "it begins with neither https:// nor http://");
	if (str_ends(rest, STR("/"))) rest.n--;
	if (!str_split(&rest, '/', &part)) return refuse(f, url.n, "host", "the host is missing");
	enum err e = check_authority(part, STR(":"), (size_t)(part.p - url.p), f);
	if (e) return e;
	add_authority(&b, part);
	while (!e && str_split(&rest, '/', &part)) {
		e = check_segment(part, (size_t)(part.p - url.p), f);
		buf_byte(&b, ':');
		buf_add(&b, part);
	}
	if (!e && buf_err(&b) == ERR_TOO_LARGE)
		e = refuse(f, DID_MAX, "size", "the name would be too long");
	if (!e) return keep(a, &b, ret);
	buf_done(&b);
	return e;
}

char *did_key_write(const unsigned char key[SIGN_PUBLIC], char out[DID_KEY_TEXT])
{
	char multibase[SIGN_MULTIBASE];
	sign_public_multibase(key, multibase);
	int n = snprintf(out, DID_KEY_TEXT, KEY "%s", multibase);
	must(n > 0 && n < DID_KEY_TEXT);
	return out;
}

enum err did_key_parse(struct str did, struct flaw *f, unsigned char ret[SIGN_PUBLIC])
{
	if (!str_starts(did, STR(KEY))) return refuse(f, 0, "method", "it does not begin with did:key:");
	if (sign_public_parse(str_skip(did, sizeof KEY - 1), ret))
		return refuse(f, sizeof KEY - 1, "key", "it is not an Ed25519 key in base58btc");
	return ERR_OK;
}

/* Multicodec p256-pub (0x1200) as an unsigned varint, then the point in its short form. */
enum err did_key_parse_p256(struct str did, struct flaw *f, unsigned char ret[ES256_PUBLIC])
{
	static const unsigned char multicodec[2] = {0x80, 0x24};
	unsigned char octets[2 + 33];
	if (!str_starts(did, STR(KEY "z")))
		return refuse(f, 0, "method", "it does not begin with did:key:z");
	if (base58_scan(str_skip(did, sizeof KEY), octets, sizeof octets) ||
	    memcmp(octets, multicodec, sizeof multicodec) != 0 || es256_point_parse(octets + 2, ret))
		return refuse(f, sizeof KEY - 1, "key", "it is not a P-256 key in base58btc");
	return ERR_OK;
}

enum err did_key_check(struct str did, struct flaw *f)
{
	unsigned char ed[SIGN_PUBLIC], ec[ES256_PUBLIC];
	enum err e = did_key_parse(did, f, ed);
	if (e && !did_key_parse_p256(did, NULL, ec)) {
		if (f) *f = (struct flaw){0};
		e = ERR_OK;
	}
	return e;
}
