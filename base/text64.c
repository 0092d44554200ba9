#include "base/text64.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char bitcoin[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

static struct str write64(struct arena *a, struct str octets, const char *digits, bool pad)
{
	if (octets.n > SIZE_MAX / 2) return STR_NONE;
	size_t tail = octets.n % 3;
	size_t n = octets.n / 3 * 4 + (tail ? (pad ? 4 : tail + 1) : 0);
	char *out = arena_bytes(a, n + 1);
	if (!out) return STR_NONE;
	const unsigned char *p = (const unsigned char *)octets.p;
	char *to = out;
	for (size_t left = octets.n; left; p += 3) {
		size_t take = left < 3 ? left : 3;
		uint32_t v = (uint32_t)p[0] << 16;
		if (take > 1) v |= (uint32_t)p[1] << 8;
		if (take > 2) v |= p[2];
		for (size_t i = 0; i < take + 1; i++) *to++ = digits[v >> (18 - 6 * i) & 63];
		for (size_t i = take; pad && i < 3; i++) *to++ = '=';
		left -= take;
	}
	*to = 0;
	must((size_t)(to - out) == n);
	return str_n(out, n);
}

static int digit64(char c, const char *digits)
{
	if (c >= 'A' && c <= 'Z') return c - 'A';
	if (c >= 'a' && c <= 'z') return c - 'a' + 26;
	if (c >= '0' && c <= '9') return c - '0' + 52;
	if (c == digits[62]) return 62;
	return c == digits[63] ? 63 : -1;
}

/* text holds digits only, no padding. */
static enum err parse64(struct arena *a, struct str text, const char *digits, struct str *ret)
{
	size_t tail = text.n % 4;
	if (tail == 1) return ERR_BAD_INPUT;
	size_t n = text.n / 4 * 3 + (tail ? tail - 1 : 0);
	unsigned char *out = (unsigned char *)arena_bytes(a, n + 1);
	if (!out) return ERR_NO_MEMORY;
	uint32_t v = 0;
	size_t at = 0;
	for (size_t i = 0; i < text.n; i++) {
		int d = digit64(text.p[i], digits);
		if (d < 0) return ERR_BAD_INPUT;
		v = v << 6 | (uint32_t)d;
		if (i % 4 == 0) continue;
		unsigned spare = (unsigned)(6 - 2 * (i % 4)); /* bits of v that belong to the next octet */
		out[at++] = (unsigned char)(v >> spare);
		v &= (1u << spare) - 1;
	}
	if (v) return ERR_BAD_INPUT;
	out[n] = 0;
	*ret = str_n(out, n);
	return ERR_OK;
}

struct str base64url_write(struct arena *a, struct str octets)
{
	return write64(a, octets, url_safe, false);
}

struct str base64_write(struct arena *a, struct str octets)
{
	return write64(a, octets, standard, true);
}

enum err base64url_parse(struct arena *a, struct str text, struct str *ret)
{
	return parse64(a, text, url_safe, ret);
}

enum err base64_parse(struct arena *a, struct str text, struct str *ret)
{
	if (text.n % 4) return ERR_BAD_INPUT;
	if (str_ends(text, STR("==")))
		text.n -= 2;
	else if (str_ends(text, STR("=")))
		text.n -= 1;
	return parse64(a, text, standard, ret);
}

size_t base58_print(struct str octets, char out[BASE58_TEXT_MAX])
{
	must(octets.n <= BASE58_OCTETS_MAX);
	unsigned char digits[BASE58_TEXT_MAX];
	size_t zeros = 0, n = 0;
	while (zeros < octets.n && !octets.p[zeros]) zeros++;
	for (size_t i = zeros; i < octets.n; i++) {
		unsigned carry = (unsigned char)octets.p[i];
		for (size_t j = 0; j < n || carry; j++) {
			if (j == n) digits[n++] = 0;
			carry += 256u * digits[j];
			digits[j] = (unsigned char)(carry % 58);
			carry /= 58;
		}
	}
	memset(out, '1', zeros);
	for (size_t i = 0; i < n; i++) out[zeros + i] = bitcoin[digits[n - 1 - i]];
	return zeros + n;
}

/* Octets of the number, most significant first, into the end of out; returns how many, or SIZE_MAX. */
static size_t scan58(struct str text, unsigned char out[BASE58_OCTETS_MAX])
{
	size_t zeros = 0, n = 0;
	if (text.n > BASE58_TEXT_MAX) return SIZE_MAX;
	while (zeros < text.n && text.p[zeros] == '1') zeros++;
	for (size_t i = zeros; i < text.n; i++) {
		const char *d = text.p[i] ? strchr(bitcoin, text.p[i]) : NULL;
		if (!d) return SIZE_MAX;
		unsigned carry = (unsigned)(d - bitcoin);
		for (size_t j = 0; j < n || carry; j++) {
			if (j == BASE58_OCTETS_MAX) return SIZE_MAX;
			unsigned char *o = &out[BASE58_OCTETS_MAX - 1 - j];
			if (j == n) *o = 0, n++;
			carry += 58u * *o;
			*o = (unsigned char)carry;
			carry >>= 8;
		}
	}
	if (zeros > BASE58_OCTETS_MAX - n) return SIZE_MAX;
	memset(out + BASE58_OCTETS_MAX - n - zeros, 0, zeros);
	return n + zeros;
}

enum err base58_scan(struct str text, void *ret, size_t n)
{
	unsigned char out[BASE58_OCTETS_MAX];
	must(n <= BASE58_OCTETS_MAX);
	if (scan58(text, out) != n) return ERR_BAD_INPUT;
	memcpy(ret, out + BASE58_OCTETS_MAX - n, n);
	return ERR_OK;
}

struct str base58_write(struct arena *a, struct str octets)
{
	char text[BASE58_TEXT_MAX];
	size_t n = base58_print(octets, text);
	char *z = arena_strdup(a, str_n(text, n));
	return z ? str_n(z, n) : STR_NONE;
}

enum err base58_parse(struct arena *a, struct str text, struct str *ret)
{
	unsigned char out[BASE58_OCTETS_MAX];
	size_t n = scan58(text, out);
	if (n == SIZE_MAX) return ERR_BAD_INPUT;
	struct str s = arena_dup(a, str_n(out + BASE58_OCTETS_MAX - n, n));
	if (!s.p) return ERR_NO_MEMORY;
	*ret = s;
	return ERR_OK;
}
