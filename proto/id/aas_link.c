#include "proto/id/aas_link.h"

#include "base/text64.h"
#include "proto/id/unicode.h"

enum { NAME_MAX_OCTETS = 255 /* of a name; 64 characters in IDTA-01001 */ };

_Static_assert(1 + (int)NAME_MAX_OCTETS + 1 <= (int)ID_KEY_HEAD, "the boundary lies in the head");

struct str aas_id_write(struct arena *a, struct str id)
{
	return base64url_write(a, id);
}

static bool base64url_digit(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

size_t id__base64url_end(struct str text)
{
	size_t i = 0;
	while (i < text.n && base64url_digit(text.p[i])) i++;
	return i;
}

enum err aas_id_parse(struct arena *a, struct str text, struct flaw *f, struct str *ret)
{
	size_t bad = id__base64url_end(text);
	struct str s = STR("");
	enum err e = bad < text.n ? ERR_BAD_INPUT : base64url_parse(a, text, &s);
	if (e == ERR_NO_MEMORY) return id__no_memory(f);
	if (e)
		return flaw_set(f, ERR_BAD_ID, bad, "", "base64url",
				"this is not base64url without padding (RFC 4648 5)");
	e = id__text_check(a, s, 0, f);
	if (e == ERR_BAD_ID && f) f->offset = f->offset * 4 / 3;
	if (!e) *ret = s;
	return e;
}

/* ---- asset links ------------------------------------------------------------------------ */

struct reading {
	struct arena *a;
	struct str text;
	size_t at;
	struct flaw *f;
};

static enum err refuse(struct reading *r, const char *why)
{
	return flaw_set(r->f, ERR_BAD_ID, r->at, "", "asset-link", "%s", why);
}

static void blanks(struct reading *r)
{
	while (r->at < r->text.n && r->text.p[r->at] && strchr(" \t\r\n", r->text.p[r->at])) r->at++;
}

/* Skips blanks and takes c; false when something else stands there. */
static bool take(struct reading *r, char c)
{
	blanks(r);
	if (r->at == r->text.n || r->text.p[r->at] != c) return false;
	r->at++;
	return true;
}

static bool utf16_unit(struct str s, uint32_t *ret)
{
	unsigned char octets[2];
	if (s.n < 6 || s.p[0] != '\\' || s.p[1] != 'u' || hex_parse(str_n(s.p + 2, 4), octets, 2))
		return false;
	*ret = (uint32_t)octets[0] << 8 | octets[1];
	return true;
}

static size_t utf8_write(uint32_t c, char *to)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = n - 1; i; i--, c >>= 6) to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(first[n] | c);
	return n;
}

/* The escape at s: octets read, *ret_n written to `to` (at most 4); 0 when it is none. */
static size_t escape_read(struct str s, char *to, size_t *ret_n)
{
	static const char from[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *p = s.n > 1 && s.p[1] ? strchr(from, s.p[1]) : NULL;
	uint32_t c, low;
	if (p) {
		to[0] = means[p - from];
		*ret_n = 1;
		return 2;
	}
	if (!utf16_unit(s, &c)) return 0;
	bool high = c >= 0xd800 && c < 0xdc00;
	if (c >= 0xdc00 && c < 0xe000) return 0;
	if (high && (!utf16_unit(str_skip(s, 6), &low) || low < 0xdc00 || low >= 0xe000)) return 0;
	*ret_n = utf8_write(high ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : c, to);
	return high ? 12 : 6;
}

/* The string at r->at; *ret_at is where its first octet stands. */
static enum err string_read(struct reading *r, struct str *ret, size_t *ret_at)
{
	if (!take(r, '"')) return refuse(r, "an asset link is a JSON object of two texts, name and value");
	char *to = arena_bytes(r->a, r->text.n - r->at + 4);
	size_t n = 0, octets, more;
	if (!to) return id__no_memory(r->f);
	*ret_at = r->at;
	while (r->at < r->text.n && r->text.p[r->at] != '"') {
		if (r->text.p[r->at] != '\\') {
			if ((unsigned char)r->text.p[r->at] < 0x20)
				return refuse(r, "a control character stands in a text");
			to[n++] = r->text.p[r->at++];
			continue;
		}
		octets = escape_read(str_skip(r->text, r->at), to + n, &more);
		if (!octets) return refuse(r, "this is no escape sequence of JSON");
		n += more;
		r->at += octets;
	}
	if (r->at == r->text.n) return refuse(r, "the text has no closing quotation mark");
	r->at++;
	*ret = str_n(to, n);
	return ERR_OK;
}

size_t id__json_at(struct str text, size_t at, size_t index)
{
	char c[4];
	size_t done = 0, octets, more;
	while (done < index && at < text.n && text.p[at] != '"') {
		octets = text.p[at] == '\\' ? escape_read(str_skip(text, at), c, &more) : 0;
		done += octets ? more : 1;
		at += octets ? octets : 1;
	}
	return at;
}

static enum err member_read(struct reading *r, struct id__link *ret)
{
	struct str key, value;
	size_t key_at = 0, value_at = 0;
	enum err e = string_read(r, &key, &key_at);
	if (!e && !take(r, ':')) e = refuse(r, "a colon follows the name of a member");
	if (!e) e = string_read(r, &value, &value_at);
	if (e) return e;
	bool name = str_is(key, "name"),
	     twice = name ? ret->link.name.p != NULL : ret->link.value.p != NULL;
	if ((!name && !str_is(key, "value")) || twice) {
		r->at = key_at;
		return refuse(r, "an asset link has the members name and value, each once");
	}
	if (name) {
		ret->link.name = value;
		ret->name_at = value_at;
	} else {
		ret->link.value = value;
		ret->value_at = value_at;
	}
	return ERR_OK;
}

/* A name or value that was read from text[at, …). */
static enum err text_check(struct reading *r, struct str s, size_t at, const char *member)
{
	size_t bad;
	if (!s.n) {
		r->at = at;
		return refuse(r, "name and value are not empty");
	}
	enum err e = id__text_check(r->a, s, 0, r->f);
	bool name = *member == 'n';
	if (!e && name && s.n > NAME_MAX_OCTETS)
		e = flaw_set(r->f, ERR_BAD_ID, NAME_MAX_OCTETS, "", "too-long",
			     "a name has at most %d octets", NAME_MAX_OCTETS);
	if (!e && name && (bad = id__mixed_at(s)) < s.n)
		e = flaw_set(r->f, ERR_BAD_ID, bad, "", "mixed-script",
			     "the character looks like an ASCII one, in a name that has ASCII letters");
	if (e == ERR_BAD_ID && r->f) r->f->offset = id__json_at(r->text, at, r->f->offset);
	return e;
}

enum err id__link_read(struct arena *a, struct str text, bool open, struct flaw *f, struct id__link *ret)
{
	struct reading r = {a, text, 0, f};
	struct id__link l = {{STR_NONE, STR_NONE}, 0, 0};
	if (text.n > ID__LINK_TEXT_MAX)
		return flaw_set(f, ERR_BAD_ID, ID__LINK_TEXT_MAX, "", "too-long",
				"an asset link has at most %d octets", ID__LINK_TEXT_MAX);
	enum err e = take(&r, '{') ? ERR_OK : refuse(&r, "an asset link is a JSON object");
	do e = e ? e : member_read(&r, &l);
	while (!e && take(&r, ','));
	if (!e && !take(&r, '}')) e = refuse(&r, "the object has no closing brace");
	blanks(&r);
	if (!e && r.at < text.n) e = refuse(&r, "something follows the object");
	if (!e && (!l.link.name.p || (!l.link.value.p && !open)))
		e = refuse(&r, "an asset link has the members name and value");
	if (!e) e = text_check(&r, l.link.name, l.name_at, "name");
	if (!e && l.link.value.p) e = text_check(&r, l.link.value, l.value_at, "value");
	if (!e) *ret = l;
	return e;
}

enum err aas_link_parse(struct arena *a, struct str text, struct flaw *f, struct aas_link *ret)
{
	struct id__link l;
	enum err e = id__link_read(a, text, false, f, &l);
	if (!e) *ret = l.link;
	return e;
}

/* Texts that were checked hold no controls; `bare` octets are escaped besides what JSON asks for. */
static size_t text_write(char *to, struct str s, const char *bare)
{
	size_t n = 0;
	to[n++] = '"';
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 0x20 || (c && strchr(bare, c))) {
			memcpy(to + n, "\\u00", 4);
			hex_write(&c, 1, to + n + 4);
			n += 6;
			continue;
		}
		if (c == '"' || c == '\\') to[n++] = '\\';
		to[n++] = (char)c;
	}
	to[n++] = '"';
	return n;
}

struct str id__link_write(struct arena *a, const struct aas_link *l, const char *bare)
{
	static const struct str open = {"{\"name\":", 8}, value = {",\"value\":", 9};
	char *to = arena_bytes(a, open.n + value.n + 6 * (l->name.n + l->value.n) + 5);
	if (!to) return STR_NONE;
	memcpy(to, open.p, open.n);
	size_t n = open.n + text_write(to + open.n, l->name, bare);
	if (l->value.p) {
		memcpy(to + n, value.p, value.n);
		n += value.n;
		n += text_write(to + n, l->value, bare);
	}
	to[n++] = '}';
	return str_n(to, n);
}

struct str aas_link_write(struct arena *a, const struct aas_link *l)
{
	return id__link_write(a, l, "");
}
