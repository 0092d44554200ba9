#include "resolver/series_template.h"

enum form { FORM_AUTO, FORM_RAW, FORM_URL, FORM_PATH };
enum word { WORD_NONE, WORD_BRACE, WORD_ID, WORD_SERIAL, WORD_NUMBER, WORD_PART };

static const struct {
	const char *name;
	enum word word;
} names[] = {{"id", WORD_ID}, {"serial", WORD_SERIAL}, {"number", WORD_NUMBER}};

static const struct {
	const char *name;
	enum form form;
} forms[] = {{"raw", FORM_RAW}, {"url", FORM_URL}, {"path", FORM_PATH}};

struct piece {
	enum word word;
	enum form form;
	char brace;
	size_t part;
	size_t n; /* octets of the template it takes */
};

bool template_is(struct str data)
{
	return data.n && (memchr(data.p, '{', data.n) || memchr(data.p, '}', data.n)) &&
	       str_utf8_ok(data, NULL);
}

static void piece_name(struct str inner, struct piece *p)
{
	size_t colon = str_find(inner, ':');
	struct str name = str_first(inner, colon), form = str_skip(inner, colon + 1);
	bool known = colon == inner.n;
	p->form = FORM_AUTO;
	for (size_t i = 0; i < sizeof forms / sizeof *forms && !known; i++) {
		known = str_is(form, forms[i].name);
		if (known) p->form = forms[i].form;
	}
	for (size_t i = 0; i < sizeof names / sizeof *names && known; i++)
		if (str_is(name, names[i].name)) p->word = names[i].word;
	if (!known || name.n != 1 || name.p[0] < '1' || name.p[0] > '0' + TEMPLATE_PARTS_MAX) return;
	p->word = WORD_PART;
	p->part = (size_t)(name.p[0] - '1');
}

/* What the brace at the front of rest begins; WORD_NONE: nothing known. */
static struct piece piece_at(struct str rest)
{
	struct piece p = {.brace = rest.p[0]};
	if (rest.n > 1 && rest.p[1] == rest.p[0]) {
		p.word = WORD_BRACE;
		p.n = 2;
		return p;
	}
	size_t end = str_find(rest, '}');
	if (rest.p[0] == '}' || end == rest.n) return p;
	piece_name(str_first(str_skip(rest, 1), end - 1), &p);
	p.n = end + 1;
	return p;
}

static size_t next_brace(struct str s, size_t from)
{
	while (from < s.n && s.p[from] != '{' && s.p[from] != '}') from++;
	return from;
}

enum err template_check(struct str data, bool numeric, struct flaw *f)
{
	return template_check_parts(data, numeric, 1, f);
}

enum err template_check_parts(struct str data, bool numeric, size_t parts, struct flaw *f)
{
	if (!template_is(data)) return ERR_OK;
	for (size_t i = next_brace(data, 0); i < data.n; i = next_brace(data, i)) {
		struct piece p = piece_at(str_skip(data, i));
		if (p.word == WORD_NONE)
			return flaw_set(
			    f, ERR_BAD_MESSAGE, i, "", "placeholder",
			    "expected {id}, {serial}, {number} or {1}, perhaps with :raw, :url or :path; "
			    "a brace itself is written twice");
		if (p.word == WORD_PART && p.part >= parts)
			return flaw_set(f, ERR_BAD_MESSAGE, i, "", "placeholder",
					"the pattern has %zu ranges", parts);
		if (p.word == WORD_NUMBER && !numeric)
			return flaw_set(f, ERR_BAD_MESSAGE, i, "", "placeholder",
					"{number} is known where there is one range, of digits only");
		i += p.n;
	}
	return ERR_OK;
}

static bool unreserved(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("-._~", c));
}

/* What is written: counted only where p is NULL. */
struct sink {
	char *p;
	size_t n;
	const char **from; /* or NULL */
};

static void put(struct sink *to, struct str s)
{
	if (to->p && s.n) memcpy(to->p + to->n, s.p, s.n);
	to->n += s.n;
}

static void put_from(struct sink *to, struct str s)
{
	for (size_t i = 0; to->from && i < s.n; i++) to->from[to->n + i] = s.p + i;
	put(to, s);
}

static void put_encoded(struct sink *to, struct str s, enum form form)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char triple[3] = {'%', hex[c >> 4], hex[c & 15]};
		bool plain = unreserved(s.p[i]) || (form == FORM_PATH && c == '/');
		if (plain)
			put_from(to, str_n(s.p + i, 1));
		else
			put(to, str_n(triple, sizeof triple));
	}
}

/* Whether the end of the literal text lies in a word with "://", the words before having said `url`. */
static bool in_url(struct str literal, bool url)
{
	for (size_t i = 0; i < literal.n; i++) {
		char c = literal.p[i];
		if ((unsigned char)c <= ' ' || c == '"' || c == '<')
			url = false;
		else if (c == ':' && str_starts(str_skip(literal, i), STR("://")))
			url = true;
	}
	return url;
}

static struct str word_of(const struct piece *p, const struct template_words *w)
{
	struct str s = w->serial;
	if (p->word == WORD_ID) return w->id;
	if (p->word == WORD_PART) return w->part[p->part];
	if (p->word == WORD_NUMBER)
		while (s.n > 1 && s.p[0] == '0') s = str_skip(s, 1);
	return s;
}

static void fill(struct str data, const struct template_words *w, struct sink *to)
{
	bool url = false;
	for (size_t at = 0;;) {
		size_t brace = next_brace(data, at);
		struct str literal = str_first(str_skip(data, at), brace - at);
		put(to, literal);
		if (brace == data.n) return;
		url = in_url(literal, url);
		struct piece p = piece_at(str_skip(data, brace));
		must(p.word != WORD_NONE);
		at = brace + p.n;
		if (p.form == FORM_AUTO) p.form = url ? FORM_URL : FORM_RAW;
		if (p.word == WORD_BRACE)
			put(to, str_n(&p.brace, 1));
		else if (p.form == FORM_RAW)
			put_from(to, word_of(&p, w));
		else
			put_encoded(to, word_of(&p, w), p.form);
	}
}

enum err template_fill(struct arena *a, struct str data, const struct template_words *w, struct str *ret)
{
	struct sink size = {.n = 0}, to = {.n = 0};
	fill(data, w, &size);
	to.p = arena_bytes(a, size.n + 1);
	if (!to.p) return ERR_NO_MEMORY;
	fill(data, w, &to);
	*ret = str_n(to.p, to.n);
	return ERR_OK;
}

enum err template_trace(struct arena *a, struct str data, const struct template_words *w, struct str *ret,
			const char *const **ret_from)
{
	struct sink size = {.n = 0}, to = {.n = 0};
	if (template_is(data))
		fill(data, w, &size);
	else
		size.n = data.n;
	to.p = arena_bytes(a, size.n + 1);
	to.from = ARENA_ARRAY(a, const char *, size.n + 1);
	if (!to.p || !to.from) return ERR_NO_MEMORY;
	memset(to.from, 0, (size.n + 1) * sizeof *to.from);
	if (template_is(data))
		fill(data, w, &to);
	else
		put(&to, data);
	*ret = str_n(to.p, to.n);
	*ret_from = to.from;
	return ERR_OK;
}

unsigned template_uses(struct str data)
{
	unsigned uses = 0;
	if (!template_is(data)) return 0;
	for (size_t i = next_brace(data, 0); i < data.n; i = next_brace(data, i)) {
		struct piece p = piece_at(str_skip(data, i));
		must(p.word != WORD_NONE);
		if (p.word == WORD_ID) uses |= TEMPLATE_USES_ID;
		if (p.word == WORD_SERIAL) uses |= TEMPLATE_USES_SERIAL;
		if (p.word == WORD_NUMBER) uses |= TEMPLATE_USES_NUMBER;
		if (p.word == WORD_PART) uses |= 1u << p.part;
		i += p.n;
	}
	return uses;
}
