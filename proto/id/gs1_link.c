/* GS1 Digital Link URIs (GS1 Digital Link URI Syntax 1.3 and later), uncompressed; what is compressed
 * in them is read by gs1_packed.c. */
#include "proto/id/gs1_link.h"

#include "proto/id/gs1_packed.h"
#include "proto/id/gs1_value.h"

enum { PAIRS_MAX = 1 + GS1_QUALIFIERS_MAX };

struct pair {
	const struct gs1_ai *ai;
	struct gs1_span value;
};

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

/* RFC 3986 2.1; in a query a plus is a blank. Borrows when there is nothing to decode. */
static enum err decode(const struct gs1_reading *r, struct gs1_span s, bool query, struct str *ret)
{
	*ret = gs1__span(r, s);
	if (str_find(*ret, '%') == s.n && (!query || str_find(*ret, '+') == s.n)) return ERR_OK;
	char *to = arena_bytes(r->a, s.n);
	size_t n = 0;
	if (!to) return gs1__full(r->f);
	for (size_t i = 0; i < s.n; i++) {
		char c = ret->p[i];
		if (c != '%') {
			to[n++] = query && c == '+' ? ' ' : c;
			continue;
		}
		int hi = i + 2 < s.n ? hex(ret->p[i + 1]) : -1, lo = hi >= 0 ? hex(ret->p[i + 2]) : -1;
		if (lo < 0)
			return flaw_set(r->f, ERR_BAD_ID, s.at + i, "", "percent-encoding",
					"a percent sign is followed by two hexadecimal digits");
		to[n++] = (char)(hi << 4 | lo);
		i += 2;
	}
	*ret = str_n(to, n);
	return ERR_OK;
}

/* Offset in the text of the decoded octet `index` of a span. */
static size_t encoded_at(const struct gs1_reading *r, struct gs1_span s, size_t index)
{
	size_t at = s.at;
	while (index-- && at < s.at + s.n) at += r->text.p[at] == '%' ? 3 : 1;
	return at;
}

/* Before Digital Link 1.2 a GTIN could lack its leading zeros. */
static enum err gtin_pad(const struct gs1_reading *r, struct str *value, size_t *ret_pad)
{
	enum { GTIN = 14 };
	if (!(r->options & GS1_SHORT_GTINS) || (value->n != 8 && value->n != 12 && value->n != 13))
		return ERR_OK;
	char *to = arena_bytes(r->a, GTIN);
	if (!to) return gs1__full(r->f);
	*ret_pad = GTIN - value->n;
	memset(to, '0', *ret_pad);
	memcpy(to + *ret_pad, value->p, value->n);
	*value = str_n(to, GTIN);
	return ERR_OK;
}

static enum err element_add(const struct gs1_reading *r, const struct pair *p, bool query)
{
	struct str value;
	size_t at = 0, pad = 0;
	if (!p->value.n)
		return flaw_set(r->f, ERR_BAD_ID, p->value.at, p->ai->ai, "empty-value",
				"the value of (%s) is empty", p->ai->ai);
	enum err e = decode(r, p->value, query, &value);
	if (!e && p->ai->n == 2 && !memcmp(p->ai->ai, "01", 2)) e = gtin_pad(r, &value, &pad);
	if (e) return e;
	e = gs1_value_check(p->ai, value, r->f, &at);
	if (e && r->f) r->f->offset = encoded_at(r, p->value, at > pad ? at - pad : 0);
	return e ? e : gs1__add(r, p->ai, value, p->value.at);
}

/* The names that Digital Link 1.0 and 1.1 allowed for keys and qualifiers. */
static const struct gs1_ai *word_find(struct str word)
{
	static const char words[][2][8] = {
	    {"sscc", "00"},   {"gtin", "01"},   {"gdti", "253"},   {"gcn", "255"},      {"ginc", "401"},
	    {"gsin", "402"},  {"gln", "414"},   {"payTo", "415"},  {"partyGln", "417"}, {"grai", "8003"},
	    {"giai", "8004"}, {"itip", "8006"}, {"cpid", "8010"},  {"gmn", "8013"},     {"gsrnp", "8017"},
	    {"gsrn", "8018"}, {"lot", "10"},    {"ser", "21"},     {"cpv", "22"},       {"glnx", "254"},
	    {"cpsn", "8011"}, {"srin", "8019"}, {"refNo", "8020"},
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_eq(word, str_first(str_of(words[i][0]), 8)))
			return gs1_ai_find(str_of(words[i][1]));
	return NULL;
}

static const struct gs1_ai *ai_read(struct str text, unsigned options)
{
	const struct gs1_ai *ai = gs1_ai_find(text);
	return ai || !(options & GS1_WORDS) ? ai : word_find(text);
}

/* Takes the last segment off text[from, *end), without its slash; false when there is none. */
static bool last_segment(struct str text, size_t from, size_t *end, struct gs1_span *ret)
{
	if (*end <= from || *end > text.n) return false;
	size_t start = *end;
	while (start > from && text.p[start - 1] != '/') start--;
	*ret = (struct gs1_span){start, *end - start};
	*end = start > from ? start - 1 : from;
	return true;
}

/* Finds, from the right, the first pair that is a primary key: pairs[n - 1], those behind it, last
 * first, before. 0: there is none. *ret_root: where the path's own part begins. */
static size_t pairs_find(struct str text, struct gs1_span path, unsigned options, struct pair *pairs,
			 size_t *ret_root)
{
	size_t end = path.at + path.n;
	for (size_t n = 0; n < PAIRS_MAX; n++) {
		struct gs1_span ai;
		if (!last_segment(text, path.at, &end, &pairs[n].value) ||
		    !last_segment(text, path.at, &end, &ai))
			return 0;
		pairs[n].ai = ai_read(str_first(str_skip(text, ai.at), ai.n), options);
		if (!pairs[n].ai) return 0;
		*ret_root = ai.at;
		if (pairs[n].ai->key) return n + 1;
	}
	return 0;
}

static void role_set(struct gs1_message *m, enum gs1_role role)
{
	size_t i = m->n - 1;
	m->elements[i].role = role;
	if (role == GS1_KEY) m->key = i;
	if (role == GS1_QUALIFIER) m->qualifiers[m->qualifiers_n++] = i;
}

static int rank_of(const struct gs1_message *m, const struct gs1_ai *ai)
{
	const struct gs1_ai *others[GS1_QUALIFIERS_MAX];
	for (size_t i = 0; i < m->qualifiers_n; i++) others[i] = m->elements[m->qualifiers[i]].row;
	return gs1_qualifier_rank(m->elements[m->key].row, ai, others, m->qualifiers_n);
}

static enum err pairs_read(const struct gs1_reading *r, const struct pair *pairs, size_t n)
{
	enum err e = element_add(r, &pairs[n - 1], false);
	if (e) return e;
	role_set(r->m, GS1_KEY);
	for (int last = -1; n-- > 1;) {
		const struct pair *p = &pairs[n - 1];
		int rank = rank_of(r->m, p->ai);
		if (rank <= last)
			return flaw_set(r->f, ERR_BAD_ID, p->value.at, p->ai->ai, "qualifier-order",
					"(%s) does not qualify (%s) at this place", p->ai->ai,
					r->m->elements[r->m->key].row->ai);
		last = rank;
		e = element_add(r, p, false);
		if (e) return e;
		role_set(r->m, GS1_QUALIFIER);
	}
	return ERR_OK;
}

static bool has_key(const struct gs1_message *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->elements[i].row->key) return true;
	return false;
}

/* The last segment is a compressed message, or its elements belong to the key that stands before it. */
static enum err packed_read(const struct gs1_reading *r, struct gs1_span path, bool *ret_found,
			    size_t *ret_root)
{
	struct gs1_message *m = r->m;
	struct pair pair[PAIRS_MAX];
	struct gs1_span segment;
	size_t end = path.at + path.n;
	*ret_found = false;
	if (!last_segment(r->text, path.at, &end, &segment)) return ERR_OK;
	char *room = arena_bytes(r->a, 2 * segment.n + GS1_UNPACKED_MORE);
	if (!room) return gs1__full(r->f);
	if (!gs1__unpack(gs1__span(r, segment), segment.at, room, m)) return ERR_OK;
	*ret_root = segment.at;
	size_t first = has_key(m) ? 0 : 1;
	if (first) {
		struct gs1_span before = {path.at, end - path.at};
		if (pairs_find(r->text, before, r->options, pair, ret_root) != 1) return ERR_OK;
		enum err e = element_add(r, pair, false);
		if (e) return e;
		struct gs1_element key = m->elements[m->n - 1];
		memmove(m->elements + 1, m->elements, (m->n - 1) * sizeof key);
		m->elements[0] = key;
	}
	*ret_found = true;
	for (size_t i = first; i < m->n; i++) {
		size_t at = 0;
		enum err e = gs1_value_check(m->elements[i].row, m->elements[i].value, r->f, &at);
		if (e && r->f) r->f->offset = segment.at;
		if (e) return e;
	}
	enum err e = gs1__repeats_find(r, false);
	if (e) return e;
	gs1__roles_find(m);
	if (m->unlinkable)
		return flaw_set(r->f, ERR_BAD_ID, segment.at, "path", m->unlinkable,
				"the compressed elements are no link");
	gs1__elements_sort(m);
	return ERR_OK;
}

static enum err path_read(const struct gs1_reading *r, struct gs1_span path, size_t *ret_root)
{
	struct pair pairs[PAIRS_MAX];
	bool packed = false;
	size_t n = pairs_find(r->text, path, r->options, pairs, ret_root);
	if (n) return pairs_read(r, pairs, n);
	enum err e = packed_read(r, path, &packed, ret_root);
	if (e) return e;
	if (!packed)
		return flaw_set(r->f, ERR_BAD_ID, path.at, "path", "no-key",
				"the path has no GS1 primary key with its value and qualifiers");
	r->m->form = GS1_COMPRESSED;
	return ERR_OK;
}

static enum err attribute_read(const struct gs1_reading *r, struct gs1_span name, struct gs1_span value)
{
	struct gs1_message *m = r->m;
	struct str digits = gs1__span(r, name);
	const struct pair p = {gs1_ai_find(digits), value};
	if (!p.ai)
		return flaw_set(r->f, ERR_BAD_ID, name.at, "query", "ai",
				"%.*s is no GS1 Application Identifier", STR_ARG(str_first(digits, 8)));
	for (size_t i = 0; i < m->n; i++)
		if (m->elements[i].row == p.ai)
			return flaw_set(r->f, ERR_BAD_ID, name.at, p.ai->ai, "duplicate",
					"(%s) is given twice", p.ai->ai);
	if (!p.ai->key && rank_of(m, p.ai) >= 0)
		return flaw_set(r->f, ERR_BAD_ID, name.at, p.ai->ai, "qualifier-in-query",
				"the qualifier (%s) belongs into the path", p.ai->ai);
	if (!p.ai->attribute)
		return flaw_set(r->f, ERR_BAD_ID, name.at, p.ai->ai, "not-an-attribute",
				"(%s) is no attribute of links", p.ai->ai);
	return element_add(r, &p, true);
}

/* Several & in a row part like one. What is no AI with a value is ignored; after a & at the end that
 * is an empty parameter. */
static enum err query_read(const struct gs1_reading *r, struct gs1_span query)
{
	struct gs1_message *m = r->m;
	size_t end = query.at + query.n;
	for (size_t at = query.at; at < end;) {
		while (at < end && r->text.p[at] == '&') at++;
		struct str rest = str_n(r->text.p + at, end - at);
		size_t n = str_find(rest, '&'), eq = str_find(str_first(rest, n), '=');
		struct gs1_span name = {at, eq}, value = {at + eq + 1, eq < n ? n - eq - 1 : 0};
		at += n;
		if (eq > 0 && eq < n && gs1_set_has_all(GS1_N, str_first(rest, eq))) {
			enum err e = attribute_read(r, name, value);
			if (e) return e;
			continue;
		}
		if (m->ignored_n == GS1_IGNORED_MAX)
			return flaw_set(r->f, ERR_BAD_ID, name.at, "query", "too-many-parameters",
					"a link has at most %d foreign parameters", GS1_IGNORED_MAX);
		m->ignored[m->ignored_n++] = str_first(rest, n);
	}
	return ERR_OK;
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
		if (!gs1_set_has(GS1_HOST, text.p[at]))
			return flaw_set(f, ERR_BAD_ID, at, "host", "host-character",
					"the host has a character that is not allowed");
	if (at == host || at == text.n)
		return flaw_set(f, ERR_BAD_ID, at, "host", "no-path", "the URI has a host and a path");
	*ret_path = at + 1;
	return ERR_OK;
}

/* Path and query of text[at…]; a fragment is left out. */
static void parts_find(struct str text, size_t at, struct gs1_span *ret_path, struct gs1_span *ret_query)
{
	size_t end = str_find(text, '#'), query = str_find(str_first(text, end), '?');
	*ret_path = (struct gs1_span){at, query > at ? query - at : 0};
	*ret_query = (struct gs1_span){query + 1, query < end ? end - query - 1 : 0};
}

enum err gs1__link_parse(const struct gs1_reading *r)
{
	struct gs1_span path, query;
	size_t at = 0, root = 0;
	r->m->form = GS1_LINK;
	for (size_t i = 0; i < r->text.n; i++)
		if (!gs1_set_has(GS1_URI, r->text.p[i]))
			return flaw_set(r->f, ERR_BAD_ID, i, "", "uri-character",
					"the character is not allowed in a URI");
	enum err e = root_read(r->text, r->f, &at);
	if (e) return e;
	parts_find(r->text, at, &path, &query);
	e = path_read(r, path, &root);
	if (!e) e = query_read(r, query);
	if (!e && at > 1) r->m->root = str_first(r->text, root - 1);
	return e;
}

bool gs1__link_claims(struct str text)
{
	char room[2 * GS1_TEXT_MAX + GS1_UNPACKED_MORE];
	struct pair pairs[PAIRS_MAX];
	struct gs1_message m;
	struct gs1_span path, query, segment;
	size_t at = 0, root, bad;
	if (text.n > GS1_TEXT_MAX || root_read(text, NULL, &at)) return false;
	parts_find(text, at, &path, &query);
	if (pairs_find(text, path, 0, pairs, &root)) return true;
	m.n = m.ignored_n = 0;
	size_t end = path.at + path.n;
	if (at < 2 || !last_segment(text, path.at, &end, &segment) ||
	    !gs1__unpack(str_first(str_skip(text, segment.at), segment.n), segment.at, room, &m))
		return false;
	for (size_t i = 0; i < m.n; i++)
		if (gs1_value_check(m.elements[i].row, m.elements[i].value, NULL, &bad)) return false;
	path.n = end - path.at;
	return has_key(&m) || pairs_find(text, path, 0, pairs, &root) == 1;
}

/* RFC 3986 2.3: everything but the unreserved characters is percent-encoded. */
static size_t percent_encode(char *to, struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (gs1_set_has(GS1_UNRESERVED, s.p[i])) {
			to[n++] = s.p[i];
			continue;
		}
		to[n++] = '%';
		to[n++] = "0123456789ABCDEF"[c >> 4];
		to[n++] = "0123456789ABCDEF"[c & 15];
	}
	return n;
}

static size_t element_print(char *to, char before, char between, const struct gs1_element *e)
{
	size_t n = 0;
	to[n++] = before;
	memcpy(to + n, e->ai.p, e->ai.n);
	n += e->ai.n;
	to[n++] = between;
	return n + percent_encode(to + n, e->value);
}

enum err gs1_write_link(struct arena *a, const struct gs1_message *m, struct str root, struct str *ret)
{
	if (m->unlinkable) return ERR_UNSUPPORTED;
	if (!root.n) root = STR("https://id.gs1.org");
	size_t room = root.n, n = root.n;
	for (size_t i = 0; i < m->n; i++) room += 6 + 3 * m->elements[i].value.n;
	char *to = arena_bytes(a, room);
	if (!to) return ERR_NO_MEMORY;
	memcpy(to, root.p, n);
	n += element_print(to + n, '/', '/', &m->elements[m->key]);
	for (size_t i = 0; i < m->qualifiers_n; i++)
		n += element_print(to + n, '/', '/', &m->elements[m->qualifiers[i]]);
	char before = '?';
	for (int predefined = 1; predefined >= 0; predefined--)
		for (size_t i = 0; i < m->n; i++) {
			const struct gs1_element *e = &m->elements[i];
			if (e->role != GS1_ATTRIBUTE || e->row->predefined != predefined) continue;
			n += element_print(to + n, before, '=', e);
			before = '&';
		}
	*ret = str_n(to, n);
	return ERR_OK;
}
