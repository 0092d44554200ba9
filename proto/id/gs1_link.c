#include "proto/id/gs1_name.h"

enum {
	PAIRS_MAX = 1 + GS1_QUALIFIERS_MAX,
	ATTRIBUTES_MAX = 64, /* a URI of ID_TEXT_MAX octets that means it has fewer */
};

/* One part of the URI in hand: where it stands in the text, for flaws. */
struct span {
	size_t at, n;
};

/* What every step needs. */
struct link {
	struct arena *a;
	struct str text;
	struct flaw *f;
};

static struct str span_str(const struct link *l, struct span s)
{
	return str_first(str_skip(l->text, s.at), s.n);
}

/* RFC 3986 2: what may stand in a URI unencoded; the percent sign is checked when it is decoded. */
static bool uri_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("-._~:/?#[]@!$&'()*+,;=%", c));
}

static int hex(unsigned char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

static enum err decode(const struct link *l, struct span s, bool plus, struct str *ret)
{
	char *to = arena_bytes(l->a, s.n + 1);
	size_t n = 0;
	if (!to) return id__no_memory(l->f);
	for (size_t i = s.at; i < s.at + s.n; i++) {
		if (l->text.p[i] != '%') {
			to[n++] = plus && l->text.p[i] == '+' ? ' ' : l->text.p[i];
			continue;
		}
		int hi = i + 2 < s.at + s.n ? hex((unsigned char)l->text.p[i + 1]) : -1;
		int lo = hi >= 0 ? hex((unsigned char)l->text.p[i + 2]) : -1;
		if (lo < 0)
			return flaw_set(l->f, ERR_BAD_ID, i, "", "percent-encoding",
					"a percent sign is followed by two hexadecimal digits");
		to[n++] = (char)(hi << 4 | lo);
		i += 2;
	}
	*ret = str_n(to, n);
	return ERR_OK;
}

/* Offset in the text of the decoded octet `index` of a span. */
static size_t encoded_at(const struct link *l, struct span s, size_t index)
{
	size_t at = s.at;
	while (index-- && at < s.at + s.n) at += l->text.p[at] == '%' ? 3 : 1;
	return at;
}

static enum err value_read(const struct link *l, struct span s, struct gs1_element *e)
{
	size_t at = 0;
	if (!s.n)
		return flaw_set(l->f, ERR_BAD_ID, s.at, e->ai->ai, "empty-value",
				"the value of (%s) is empty", e->ai->ai);
	enum err err = decode(l, s, false, &e->value);
	if (err) return err;
	err = gs1_value_check(e->ai, e->value, l->f, &at);
	if (err && l->f) l->f->offset = encoded_at(l, s, at);
	return err;
}

/* Takes the last segment off text[from, *end), without its slash; false when there is none. */
static bool last_segment(struct str text, size_t from, size_t *end, struct span *ret)
{
	if (*end <= from || *end > text.n) return false;
	size_t i = from + str_rfind(str_n(text.p + from, *end - from), '/');
	size_t start = i < *end ? i + 1 : from;
	*ret = (struct span){start, *end - start};
	*end = i < *end ? i : from;
	return true;
}

/* The rightmost pair that is a primary key begins the name; qualifiers follow it. */
static enum err path_read(const struct link *l, struct span path, struct gs1_name *ret)
{
	struct gs1_element found[PAIRS_MAX];
	struct span spans[PAIRS_MAX], ai;
	size_t n = 0, end = path.at + path.n;
	for (;; n++) {
		if (n == PAIRS_MAX || !last_segment(l->text, path.at, &end, &spans[n]) ||
		    !last_segment(l->text, path.at, &end, &ai))
			break;
		found[n].ai = gs1_ai_find(span_str(l, ai));
		if (!found[n].ai) break;
		if (!found[n].ai->qualifiers) continue;
		ret->key.ai = found[n].ai;
		break;
	}
	if (!ret->key.ai)
		return flaw_set(l->f, ERR_BAD_ID, path.at, "path", "no-key",
				"the path has no GS1 primary key with its value and qualifiers");
	enum err e = value_read(l, spans[n], &ret->key);
	for (int last = -1; !e && n-- > 0;) {
		const struct gs1_ai *others[PAIRS_MAX];
		struct gs1_element *q = &ret->qualifiers[ret->qualifiers_n];
		gs1_ais(ret->qualifiers, ret->qualifiers_n, others);
		int rank = gs1_qualifier_rank(ret->key.ai, found[n].ai, others, ret->qualifiers_n);
		if (rank <= last)
			return flaw_set(l->f, ERR_BAD_ID, spans[n].at, found[n].ai->ai, "qualifier-order",
					"(%s) does not qualify (%s) at this place", found[n].ai->ai,
					ret->key.ai->ai);
		last = rank;
		q->ai = found[n].ai;
		ret->qualifiers_n++;
		e = value_read(l, spans[n], q);
	}
	return e;
}

static bool digits_only(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9') return false;
	return s.n > 0;
}

static enum err attribute_check(const struct link *l, struct span name, struct span value,
				const struct gs1_name *m)
{
	struct str s, ai_text = span_str(l, name);
	const struct gs1_ai *ai = gs1_ai_find(ai_text), *others[PAIRS_MAX];
	if (ai == m->key.ai)
		return flaw_set(l->f, ERR_BAD_ID, name.at, ai->ai, "duplicate", "(%s) is given twice",
				ai->ai);
	gs1_ais(m->qualifiers, m->qualifiers_n, others);
	if (ai && !ai->qualifiers && gs1_qualifier_rank(m->key.ai, ai, others, m->qualifiers_n) >= 0)
		return flaw_set(l->f, ERR_BAD_ID, name.at, ai->ai, "qualifier-in-query",
				"the qualifier (%s) belongs into the path", ai->ai);
	enum err e = decode(l, value, true, &s);
	size_t at = 0;
	if (!e && ai) {
		e = gs1_value_check(ai, s, l->f, &at);
		if (e && l->f) l->f->offset = encoded_at(l, value, at);
		return e;
	}
	for (; !e && at < s.n; at++)
		if (!gs1_set_has(GS1_X, (unsigned char)s.p[at]) && s.p[at] != '#')
			e = flaw_set(l->f, ERR_BAD_ID, encoded_at(l, value, at), "", "characters",
				     "the character stands in no GS1 value");
	return e;
}

static enum err query_check(const struct link *l, struct span query, const struct gs1_name *m)
{
	struct span seen[ATTRIBUTES_MAX];
	size_t seen_n = 0, end = query.at + query.n;
	for (size_t at = query.at; at < end;) {
		struct str rest = str_n(l->text.p + at, end - at);
		size_t n = str_find(rest, '&'), eq = str_find(str_first(rest, n), '=');
		struct span name = {at, eq}, value = {at + eq + 1, eq < n ? n - eq - 1 : 0};
		at += n + 1;
		if (!digits_only(span_str(l, name))) continue;
		for (size_t i = 0; i < seen_n; i++)
			if (str_eq(span_str(l, seen[i]), span_str(l, name)))
				return flaw_set(l->f, ERR_BAD_ID, name.at, "query", "duplicate",
						"(%.*s) is given twice", STR_ARG(span_str(l, name)));
		if (seen_n == ATTRIBUTES_MAX)
			return flaw_set(l->f, ERR_BAD_ID, name.at, "query", "too-many-attributes",
					"a link has at most %d attributes", ATTRIBUTES_MAX);
		seen[seen_n++] = name;
		enum err e = attribute_check(l, name, value, m);
		if (e) return e;
	}
	return ERR_OK;
}

static bool host_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("-._~:[]", c));
}

/* Scheme and host; *ret_path is where the path begins. All of one case, or something in front of the
 * scheme was lost (GS1 Digital Link URI Syntax 4.5). */
static enum err root_read(struct str text, struct flaw *f, size_t *ret_path)
{
	static const char *const roots[] = {"https://", "http://", "HTTPS://", "HTTP://"};
	size_t at = 0;
	for (size_t i = 0; !at && i < sizeof roots / sizeof *roots; i++)
		if (str_starts(text, str_of(roots[i]))) at = strlen(roots[i]);
	if (!at) {
		if (str_starts_nocase(text, STR("http")) && str_find(text, ':') < text.n)
			return flaw_set(f, ERR_BAD_ID, 0, "scheme", "uri-scheme",
					"the URI begins with http:// or https:// in one case");
		*ret_path = text.n && text.p[0] == '/';
		return ERR_OK;
	}
	size_t host = at;
	for (; at < text.n && text.p[at] != '/'; at++)
		if (!host_char((unsigned char)text.p[at]))
			return flaw_set(f, ERR_BAD_ID, at, "host", "host-character",
					"the host has a character that is not allowed");
	if (at == host || at == text.n)
		return flaw_set(f, ERR_BAD_ID, at, "host", "no-path", "the URI has a host and a path");
	*ret_path = at + 1;
	return ERR_OK;
}

enum err gs1_link_parse(struct arena *a, struct str text, struct flaw *f, struct gs1_name *ret)
{
	size_t at = 0;
	if (text.n > ID_TEXT_MAX)
		return flaw_set(f, ERR_BAD_ID, ID_TEXT_MAX, "", "too-long", "a URI has at most %d octets",
				ID_TEXT_MAX);
	for (size_t i = 0; i < text.n; i++)
		if (!uri_char((unsigned char)text.p[i]))
			return flaw_set(f, ERR_BAD_ID, i, "", "uri-character",
					"the character is not allowed in a URI");
	enum err e = root_read(text, f, &at);
	if (e) return e;
	size_t end = str_find(text, '#');
	size_t query = str_find(str_first(text, end), '?');
	struct span path = {at, query > at ? query - at : 0};
	const struct link l = {a, text, f};
	e = path_read(&l, path, ret);
	if (!e && query < end) e = query_check(&l, (struct span){query + 1, end - query - 1}, ret);
	return e;
}
