/* Records as JSON, from packed octets, without a tree between: the hot path of the HTTP face. */
#include "proto/id/id.h"
#include "proto/pb/record_check.h"

enum {
	TIME_LENGTH = 20,   /* "2026-11-24T08:09:10Z" */
	ESCAPE_LONGEST = 6, /* "\u0001" for one octet */
	/* names, punctuation and numbers of one value; of one reference */
	VALUE_FRAME = 256,
	REFERENCE_FRAME = 48,
	HEAD_FRAME = 160,
};

static inline char *put(char *to, const char *z, size_t n)
{
	if (n) memcpy(to, z, n);
	return to + n;
}

#define PUT(to, lit) put((to), "" lit, sizeof(lit) - 1)

/* Digits from the right; how many, by comparing: most numbers here have one to five. */
static char *put_u64(char *to, uint64_t v)
{
	size_t n = 1;
	for (uint64_t most = 10; n < 20 && v >= most; most *= 10) n++;
	for (size_t i = n; i-- > 0; v /= 10) to[i] = (char)('0' + v % 10);
	return to + n;
}

/* Two digits; v below 100. */
static inline void put_two(char *to, uint32_t v)
{
	to[0] = (char)('0' + v / 10);
	to[1] = (char)('0' + v % 10);
}

/* The time printed last: the values of a record are mostly of one moment. */
struct moment {
	uint64_t seconds;
	char text[TIME_LENGTH + 2]; /* quoted */
};

/* Seconds since 1970 as RFC 3339 in UTC. Civil date from the day number by eras of 400 years that begin
 * in March, so that the leap day is the last of its year. */
static void moment_set(struct moment *m, uint64_t seconds)
{
	static const uint64_t last = UINT64_C(253402300799); /* 9999-12-31T23:59:59Z */
	m->seconds = seconds;
	if (seconds > last) seconds = last;
	uint32_t of_day = (uint32_t)(seconds % 86400), days = (uint32_t)(seconds / 86400) + 719468;
	uint32_t era = days / 146097, doe = days % 146097;
	uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	uint32_t month = mp < 10 ? mp + 3 : mp - 9;
	char *to = m->text;
	PUT(to, "\"0000-00-00T00:00:00Z\"");
	uint32_t year = yoe + era * 400 + (month <= 2), minutes = of_day / 60;
	put_two(to + 1, year / 100);
	put_two(to + 3, year % 100);
	put_two(to + 6, month);
	put_two(to + 9, doy - (153 * mp + 2) / 5 + 1);
	put_two(to + 12, minutes / 60);
	put_two(to + 15, minutes % 60);
	put_two(to + 18, of_day - minutes * 60);
}

static char *put_time(char *to, uint64_t seconds, struct moment *m)
{
	if (seconds != m->seconds) moment_set(m, seconds);
	return put(to, m->text, sizeof m->text);
}

enum text_kind { TEXT_PLAIN, TEXT_ESCAPE, TEXT_BINARY };

/* Eight octets at a time: is there one below 0x20, at or above 0x80, a quote or a backslash? */
static bool word_plain(uint64_t w)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
	uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';
	uint64_t bad = w | (w - ones * 0x20) | (quote - ones) | (slash - ones);
	return !(bad & high);
}

static bool octet_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Text with controls other than tab and line ends, or ill-formed UTF-8, is shown as base64. */
static enum text_kind classify(struct str s)
{
	size_t i = 0;
	uint64_t w;
	for (; i + 8 <= s.n; i += 8) {
		memcpy(&w, s.p + i, 8);
		if (!word_plain(w)) break;
	}
	if (i < s.n && i + 8 > s.n && i) {
		memcpy(&w, s.p + s.n - 8, 8); /* some of them for the second time */
		if (word_plain(w)) return TEXT_PLAIN;
	}
	while (i < s.n && octet_plain((unsigned char)s.p[i])) i++;
	if (i == s.n) return TEXT_PLAIN;
	for (; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return TEXT_BINARY;
	}
	return str_utf8_ok(s, NULL) ? TEXT_ESCAPE : TEXT_BINARY;
}

static char *put_escaped(char *to, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c >= 0x20 && c != '"' && c != '\\') {
			*to++ = (char)c;
			continue;
		}
		*to++ = '\\';
		if (c >= 0x20) {
			*to++ = (char)c;
		} else if (c == '\n' || c == '\r' || c == '\t') {
			*to++ = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
		} else {
			to = PUT(to, "u00");
			hex_write(&c, 1, to);
			to += 2;
		}
	}
	return to;
}

/* A quoted string; the text is well-formed UTF-8, as record_pack promises. */
static char *put_text(char *to, struct str s)
{
	*to++ = '"';
	to = classify(s) == TEXT_PLAIN ? put(to, s.p, s.n) : put_escaped(to, s);
	*to++ = '"';
	return to;
}

static char *put_base64(char *to, struct str s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)s.p;
	for (size_t i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			     (left > 2 ? p[i + 2] : 0);
		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		*to++ = left > 1 ? digits[v >> 6 & 63] : '=';
		*to++ = left > 2 ? digits[v & 63] : '=';
	}
	return to;
}

static char *put_data(char *to, struct str data, enum text_kind kind)
{
	to = kind == TEXT_BINARY ? PUT(to, ",\"data\":{\"format\":\"base64\",\"value\":\"")
				 : PUT(to, ",\"data\":{\"format\":\"string\",\"value\":\"");
	to = kind == TEXT_BINARY   ? put_base64(to, data)
	     : kind == TEXT_ESCAPE ? put_escaped(to, data)
				   : put(to, data.p, data.n);
	return PUT(to, "\"}");
}

static enum err put_references(struct str octets, struct buf *out)
{
	struct reference r;
	enum err e;
	bool any = false;
	while (!(e = record__next_reference(&octets, &r))) {
		char *to = buf_room(out, REFERENCE_FRAME + ESCAPE_LONGEST * r.handle.n);
		if (!to) return buf_err(out);
		char *from = to;
		to = any ? PUT(to, ",{\"handle\":") : PUT(to, ",\"references\":[{\"handle\":");
		to = put_text(to, r.handle);
		to = PUT(to, ",\"index\":");
		to = put_u64(to, r.index);
		*to++ = '}';
		buf_grew(out, (size_t)(to - from));
		any = true;
	}
	if (any) buf_byte(out, ']');
	return e == ERR_NOT_FOUND ? buf_err(out) : e;
}

static enum err put_value(const struct value *v, struct str octets, bool first, struct moment *m,
			  struct buf *out)
{
	enum text_kind kind = classify(v->data);
	size_t data = kind == TEXT_PLAIN    ? v->data.n
		      : kind == TEXT_ESCAPE ? v->data.n * ESCAPE_LONGEST
					    : v->data.n / 3 * 4 + 4;
	char *from = buf_room(out, VALUE_FRAME + ESCAPE_LONGEST * v->type.n + data), *to = from;
	if (!to) return buf_err(out);
	if (!first) *to++ = ',';
	to = PUT(to, "{\"index\":");
	to = put_u64(to, v->index);
	to = PUT(to, ",\"type\":");
	to = put_text(to, v->type);
	to = put_data(to, v->data, kind);
	to = PUT(to, ",\"ttl\":");
	to = v->ttl_absolute ? put_time(to, v->ttl, m) : put_u64(to, v->ttl);
	to = PUT(to, ",\"timestamp\":");
	to = put_time(to, v->timestamp, m);
	if (v->permissions != VALUE_PERMISSIONS) {
		to = PUT(to, ",\"permissions\":\"");
		for (unsigned bit = VALUE_ADMIN_READ; bit; bit >>= 1)
			*to++ = v->permissions & bit ? '1' : '0';
		*to++ = '"';
	}
	*to++ = '}';
	buf_grew(out, (size_t)(to - from));
	if (!octets.n) return ERR_OK;
	out->n--; /* the bracket comes after them */
	enum err e = put_references(octets, out);
	buf_byte(out, '}');
	return e;
}

static void put_head(const struct record_head *h, struct moment *m, struct buf *out)
{
	char *from = buf_room(out, HEAD_FRAME + ESCAPE_LONGEST * h->id.n), *to = from;
	if (!to) return;
	const char *scheme =
	    id_scheme_name(h->owner.n ? (enum id_scheme)(unsigned char)h->owner.p[0] : id_detect(h->id));
	to = PUT(to, "{\"id\":");
	to = put_text(to, h->id);
	to = PUT(to, ",\"scheme\":\"");
	to = put(to, scheme, strlen(scheme));
	to = PUT(to, "\",\"revision\":");
	to = put_u64(to, h->revision);
	to = PUT(to, ",\"modified\":");
	to = put_time(to, (uint64_t)(h->modified / USEC_PER_SEC), m);
	if (h->status == RECORD_RETIRED) to = PUT(to, ",\"status\":\"retired\"");
	to = PUT(to, ",\"values\":[");
	buf_grew(out, (size_t)(to - from));
}

enum err record_write_json(struct str packed, enum record_view view, struct buf *out)
{
	struct record_head head;
	enum err e = record__head(packed, &head);
	return e ? e : record_write_json_peeked(&head, view, out);
}

enum err record_write_json_peeked(const struct record_head *head, enum record_view view, struct buf *out)
{
	const unsigned readable =
	    view == RECORD_PUBLIC ? VALUE_PUBLIC_READ : VALUE_PUBLIC_READ | VALUE_ADMIN_READ;
	struct value v;
	struct moment m;
	struct str rest = head->values, octets;
	size_t from = out->n;
	bool first = true;
	enum err e;
	moment_set(&m, (uint64_t)(head->modified / USEC_PER_SEC));
	put_head(head, &m, out);
	while (!(e = record__next_value(&rest, &v, &octets))) {
		if (!(v.permissions & readable)) continue;
		e = put_value(&v, octets, first, &m, out);
		if (e) break;
		first = false;
	}
	if (e == ERR_NOT_FOUND) e = ERR_OK;
	buf_add(out, STR("]}"));
	if (!e) e = buf_err(out);
	if (e) out->n = from;
	return e;
}
