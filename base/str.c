#include "base/str.h"

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool str_eq_nocase(struct str a, struct str b)
{
	return a.n == b.n && str_starts_nocase(a, b);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
	if (s.n < prefix.n) return false;
	for (size_t i = 0; i < prefix.n; i++)
		if (lower((unsigned char)s.p[i]) != lower((unsigned char)prefix.p[i])) return false;
	return true;
}

size_t str_find(struct str s, char c)
{
	const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
	return hit ? (size_t)(hit - s.p) : s.n;
}

size_t str_rfind(struct str s, char c)
{
	for (size_t i = s.n; i-- > 0;)
		if (s.p[i] == c) return i;
	return s.n;
}

bool str_split(struct str *rest, char sep, struct str *ret_part)
{
	if (!rest->p) return false;
	size_t i = str_find(*rest, sep);
	*ret_part = str_first(*rest, i);
	*rest = i < rest->n ? str_skip(*rest, i + 1) : STR_NONE;
	return true;
}

struct str str_trim(struct str s)
{
	while (s.n && strchr(" \t\r\n", s.p[0]) && s.p[0]) s = str_skip(s, 1);
	while (s.n && s.p[s.n - 1] && strchr(" \t\r\n", s.p[s.n - 1])) s.n--;
	return s;
}

/* Length of the well-formed UTF-8 sequence at p (RFC 3629 4), 0 if it is ill-formed. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
	if (p[0] < 0x80) return 1;
	size_t len = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
		     : (p[0] & 0xf0) == 0xe0        ? 3
		     : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
						    : 0;
	if (!len || len > n) return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80) return 0;
	if (p[0] == 0xe0 && p[1] < 0xa0) return 0;
	if (p[0] == 0xed && p[1] > 0x9f) return 0;
	if (p[0] == 0xf0 && p[1] < 0x90) return 0;
	if (p[0] == 0xf4 && p[1] > 0x8f) return 0;
	return len;
}

bool str_utf8_ok(struct str s, size_t *ret_bad)
{
	for (size_t i = 0; i < s.n;) {
		uint64_t eight;
		if (s.n - i >= sizeof eight) { /* most text is ASCII */
			memcpy(&eight, s.p + i, sizeof eight);
			if (!(eight & UINT64_C(0x8080808080808080))) {
				i += sizeof eight;
				continue;
			}
		}
		size_t len = utf8_len((const unsigned char *)s.p + i, s.n - i);
		if (!len) {
			if (ret_bad) *ret_bad = i;
			return false;
		}
		i += len;
	}
	return true;
}

enum err str_u64(struct str s, uint64_t *ret)
{
	uint64_t v = 0;
	if (!s.n) return ERR_BAD_INPUT;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') return ERR_BAD_INPUT;
		uint64_t d = (uint64_t)(s.p[i] - '0');
		if (v > (UINT64_MAX - d) / 10) return ERR_BAD_INPUT;
		v = v * 10 + d;
	}
	*ret = v;
	return ERR_OK;
}

void hex_write(const void *p, size_t n, char *out)
{
	const unsigned char *b = p;
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = "0123456789abcdef"[b[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[b[i] & 15];
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	if (c >= 'A' && c <= 'F') return c - 'A' + 10;
	return -1;
}

enum err hex_parse(struct str s, void *out, size_t n)
{
	unsigned char *b = out;
	if (s.n != 2 * n) return ERR_BAD_INPUT;
	for (size_t i = 0; i < n; i++) {
		int hi = hex_digit(s.p[2 * i]), lo = hex_digit(s.p[2 * i + 1]);
		if (hi < 0 || lo < 0) return ERR_BAD_INPUT;
		b[i] = (unsigned char)(hi << 4 | lo);
	}
	return ERR_OK;
}
