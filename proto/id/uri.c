/* Plain URIs (RFC 3986) of any scheme but those with a row of their own.
 *
 * Key octets: 0x09, the canonical text (uri.h). A prefix key ends after the scheme's colon, after the
 * authority's slash and after later slashes of the path. */
#include "proto/id/uri.h"

#include "proto/id/percent.h"

enum { SCHEME_NAME_MAX = 64, PORT_DIGITS = 5 };

/* What is being read and written: each step moves `at` and `n` on. */
struct uri {
	struct str text;
	struct flaw *f;
	size_t at;
	char *out;
	size_t n;
};

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

size_t id__uri_colon(struct str text)
{
	if (!text.n || !letter(text.p[0])) return text.n;
	for (size_t i = 1; i < text.n && i <= SCHEME_NAME_MAX; i++) {
		char c = text.p[i];
		if (c == ':') return i;
		if (!letter(c) && !digit(c) && c != '+' && c != '-' && c != '.') return text.n;
	}
	return text.n;
}

bool id__uri_is_http(struct str text)
{
	return str_starts_nocase(text, STR("http:")) || str_starts_nocase(text, STR("https:"));
}

struct str id__uri_host(struct str text)
{
	struct str rest = str_skip(text, id__uri_colon(text) + 1);
	if (!str_starts(rest, STR("//"))) return STR("");
	rest = str_skip(rest, 2);
	size_t n = str_starts(rest, STR("[")) ? str_find(rest, ']') : 0; /* colons of an IPv6 address */
	while (n < rest.n && !strchr(":/?#", rest.p[n])) n++;
	return str_first(rest, n);
}

static enum err refuse(const struct uri *u, size_t at, const char *rule, const char *why)
{
	return flaw_set(u->f, ERR_BAD_ID, at, "", rule, "%s", why);
}

static enum err scheme_read(struct uri *u)
{
	struct str rest = str_skip(u->text, u->at);
	size_t colon = id__uri_colon(rest);
	if (colon == rest.n)
		return refuse(u, u->at, "uri-scheme", "a URI begins with a scheme and a colon");
	for (size_t i = 0; i <= colon; i++) u->out[u->n++] = lower(rest.p[i]);
	u->at += colon + 1;
	return ERR_OK;
}

/* text[at, end): a registered name or an IPv4 address, or an IPv6 address in brackets. */
static enum err host_read(struct uri *u, size_t end)
{
	bool literal = u->at < end && u->text.p[u->at] == '[';
	size_t start = u->at;
	if (start == end) return refuse(u, start, "no-host", "the host is missing");
	for (; u->at < end; u->at++) {
		char c = u->text.p[u->at];
		bool good =
		    letter(c) || digit(c) || c == '.' ||
		    (literal ? c == ':' || (c == '[' && u->at == start) || (c == ']' && u->at + 1 == end)
			     : c == '-' || c == '_');
		if (!good)
			return refuse(u, u->at, "host-character", "the character is not allowed in a host");
		if (!literal && c == '.' && (u->at == start || u->text.p[u->at - 1] == '.'))
			return refuse(u, u->at, "empty-label", "a label of the host is empty");
		u->out[u->n++] = lower(c);
	}
	if (literal && u->text.p[end - 1] != ']')
		return refuse(u, end, "host-character", "the address has no closing bracket");
	return ERR_OK;
}

/* text[at, end) behind the host: nothing, or a colon and a port. */
static enum err port_read(struct uri *u, size_t end)
{
	uint64_t port;
	if (u->at == end) return ERR_OK;
	struct str digits = str_n(u->text.p + u->at + 1, end - u->at - 1);
	if (!digits.n || digits.n > PORT_DIGITS || digits.p[0] == '0' || str_u64(digits, &port) ||
	    port > UINT16_MAX)
		return refuse(u, u->at + 1, "port", "the port is not a number from 1 to 65535");
	struct str out = str_n(u->out, u->n);
	u->at = end;
	if ((port == 80 && str_starts(out, STR("http:"))) ||
	    (port == 443 && str_starts(out, STR("https:"))))
		return ERR_OK;
	u->out[u->n++] = ':';
	memcpy(u->out + u->n, digits.p, digits.n);
	u->n += digits.n;
	return ERR_OK;
}

/* "//host:port", text[at, …); the next octet is a slash, a query, a fragment or the end. */
static enum err authority_read(struct uri *u)
{
	size_t start = u->at + 2, end = start, host;
	while (end < u->text.n && !strchr("/?#", u->text.p[end])) end++;
	size_t user = start + str_find(str_n(u->text.p + start, end - start), '@');
	if (user < end) return refuse(u, user, "user-information", "a URI that names holds no user");
	bool literal = start < end && u->text.p[start] == '[';
	host = literal ? start + str_find(str_n(u->text.p + start, end - start), ']') : start;
	while (host < end && u->text.p[host] != ':') host++;
	memcpy(u->out + u->n, "//", 2);
	u->n += 2;
	u->at = start;
	enum err e = host_read(u, host);
	return e ? e : port_read(u, end);
}

/* Dots in a segment that has nothing else, bare or encoded; 0 when it has. */
static size_t dots(struct str segment)
{
	size_t n = 0;
	for (size_t i = 0; i < segment.n; n++) {
		if (segment.p[i] == '.')
			i++;
		else if (str_starts_nocase(str_skip(segment, i), STR("%2e")))
			i += 3;
		else
			return 0;
	}
	return n;
}

/* Path, query and fragment: brackets stand only around addresses (RFC 3986 3.2.2). */
static enum err rest_check(const struct uri *u)
{
	size_t end = u->at, fragments = 0;
	for (size_t i = u->at; i < u->text.n; i++) {
		char c = u->text.p[i];
		fragments += c == '#';
		if (c == '[' || c == ']' || (c == '#' && fragments > 1))
			return refuse(u, i, "uri-character", "the character is not allowed in a URI");
	}
	while (end < u->text.n && u->text.p[end] != '?' && u->text.p[end] != '#') end++;
	struct str rest = str_n(u->text.p + u->at, end - u->at), segment;
	while (str_split(&rest, '/', &segment))
		if (dots(segment) == 1 || dots(segment) == 2)
			return refuse(u, (size_t)(segment.p - u->text.p), "dot-segment",
				      "the path of a name has no segments . and ..");
	return ERR_OK;
}

static enum err rest_read(struct uri *u, bool authority)
{
	size_t at = u->at, n = 0;
	if (!authority && at == u->text.n) return refuse(u, at, "no-path", "nothing follows the scheme");
	if (authority && (at == u->text.n || u->text.p[at] != '/')) u->out[u->n++] = '/';
	enum err e = rest_check(u);
	if (!e) e = id__percent_normal(u->text, at, true, u->out + u->n, u->f, &n);
	u->n += n;
	return e;
}

static enum err characters_check(struct str text, size_t from, struct flaw *f)
{
	for (size_t i = from; i < text.n; i++)
		if (!id__uri_char((unsigned char)text.p[i]))
			return flaw_set(f, ERR_BAD_ID, i, "", "uri-character",
					"the character is not allowed in a URI");
	return ERR_OK;
}

enum err id__uri_key(struct arena *a, enum id_scheme own, struct str text, size_t from, struct flaw *f,
		     struct str *ret)
{
	struct uri u = {.text = text, .f = f, .at = from};
	enum err e = id__length_check(text, from, f);
	if (!e) e = characters_check(text, from, f);
	if (e) return e;
	char *key = arena_bytes(a, text.n - from + 3); /* octet, and a slash for the path */
	if (!key) return id__no_memory(f);
	key[0] = (char)own;
	u.out = key + 1;
	e = scheme_read(&u);
	bool authority = !e && str_starts(str_skip(text, u.at), STR("//"));
	if (authority) e = authority_read(&u);
	if (!e) e = id__percent_check(a, text, u.at, f);
	if (!e) e = rest_read(&u, authority);
	if (!e && u.n > ID_TEXT_MAX)
		e = flaw_set(f, ERR_BAD_ID, text.n, "", "too-long", "an identifier has at most %d octets",
			     ID_TEXT_MAX);
	*ret = str_n(key, 1 + u.n);
	return e;
}

size_t id__uri_boundaries(struct str key, size_t max, size_t *ret)
{
	struct str text = str_skip(key, 1);
	size_t at = id__uri_colon(text) + 1, n = 0;
	if (!str_starts(str_skip(text, at), STR("//"))) return 0;
	for (at += 2; at < text.n && 1 + at < ID_KEY_HEAD && n < max; at++) {
		if (text.p[at] == '?' || text.p[at] == '#') break;
		if (text.p[at] == '/') ret[n++] = 1 + at + 1;
	}
	return n;
}

/* ---- the scheme ------------------------------------------------------------------------- */

#define ALL STR("uri:")

static enum id_claim detect(struct str text)
{
	return id__uri_colon(text) < text.n ? ID_SURE : ID_NOT;
}

static enum err parse(struct arena *a, struct str text, struct flaw *f, struct id *ret)
{
	struct str key;
	enum err e = id__uri_key(a, ID_URI, text, 0, f, &key);
	if (e) return e;
	ret->text = str_skip(key, 1);
	e = id__own_check(ID_URI, ret->text, f);
	if (!e && str_starts(ret->text, ALL))
		e = flaw_set(f, ERR_BAD_ID, 0, "", "uri-scheme", "there is no URI scheme of this name");
	if (e) return e;
	return id__key_fit(a, key, ret) ? id__no_memory(f) : ERR_OK;
}

static size_t boundaries(struct str key, size_t *ret)
{
	size_t colon = 1 + id__uri_colon(str_skip(key, 1));
	if (colon >= key.n) return 0;
	ret[0] = colon + 1;
	return 1 + id__uri_boundaries(key, URI_FOLDERS_MAX, ret + 1);
}

static enum err prefix_key(struct arena *a, struct str text, struct flaw *f, struct str *ret)
{
	size_t ends[1 + URI_FOLDERS_MAX], colon = id__uri_colon(text);
	bool scheme = colon + 1 == text.n;
	/* a scheme alone is no URI: read it with a path, and cut that off */
	struct str whole = scheme ? id__joined(a, text, STR("x")) : text;
	if (!whole.p) return id__no_memory(f);
	enum err e = id__uri_key(a, ID_URI, whole, 0, f, ret);
	if (e) return e;
	if (scheme) ret->n--;
	size_t n = boundaries(*ret, ends);
	if (!n || ends[n - 1] != ret->n)
		return flaw_set(f, ERR_BAD_ID, text.n, "", "boundary",
				"a prefix ends with the scheme's colon or a slash of the path");
	return ERR_OK;
}

static enum err prefix_parse(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret)
{
	static const char all[] = {ID_URI};
	ret->key = str_n(all, 1);
	ret->text = ALL;
	if (str_eq_nocase(text, ALL)) return ERR_OK;
	enum err e = prefix_key(a, text, f, &ret->key);
	if (e) return e;
	ret->text = str_skip(ret->key, 1);
	if (id__detect_prefix(ret->text) == ID_URI && !str_starts(ret->text, ALL)) return ERR_OK;
	return flaw_set(f, ERR_BAD_ID, 0, "", "other-scheme", "this is a prefix of another scheme");
}

static struct str print(struct arena *a, struct str key)
{
	return arena_dup(a, key.n > 1 ? str_skip(key, 1) : ALL);
}

static void parts(struct arena *a, struct str text, const struct id *id, struct id_parts *ret)
{
	(void)a;
	(void)text;
	struct str host = id__uri_host(id->text);
	id__part_text(ret, "uri_scheme", str_first(id->text, id__uri_colon(id->text)));
	if (host.n) id__part_text(ret, "host", host);
}

const struct id_scheme_ops id__ops_uri = {
    .scheme = ID_URI,
    .name = "uri",
    .detect = detect,
    .detect_prefix = detect,
    .parse = parse,
    .prefix_parse = prefix_parse,
    .print = print,
    .boundaries = boundaries,
    .parts = parts,
};
