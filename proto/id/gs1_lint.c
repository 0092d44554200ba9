/* The linters of the GS1 Barcode Syntax Dictionary, each over one part of a value whose characters and
 * length were checked before. Specification: GS1 General Specifications 3 and 7.9; ISO 13616-1 (IBAN). */
#include "proto/id/gs1_lint.h"

#include "proto/id/gs1_ai.h"
#include "proto/id/gs1_coupon.h"
#include "proto/id/gs1_date.h"

/* Weights 3 and 1 alternate from the right, the check digit having 1 (General Specifications 7.9.1). */
static bool csum(struct str s, size_t *ret_at)
{
	unsigned sum = 0;
	for (size_t i = 0; i < s.n; i++) sum += (unsigned)(s.p[s.n - 1 - i] - '0') * (i % 2 ? 3 : 1);
	*ret_at = s.n - 1;
	return sum % 10 == 0;
}

/* Place of a character among the 82 in their order of code points, which is its value. */
static unsigned set82_value(char c)
{
	unsigned v = 0;
	for (char i = '!'; i < c; i++) v += gs1_set_has(GS1_X, i);
	return v;
}

/* The data weighted with the primes from the right, modulo 1021, as two characters of 32
 * (General Specifications 7.9.5). */
static bool csumalpha(struct str s, size_t *ret_at)
{
	static const unsigned short primes[GS1_VALUE_MAX - 2] = {
	    2,   3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,  47,  53,  59,  61,
	    67,  71,  73,  79,  83,  89,  97,  101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151,
	    157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239, 241, 251,
	    257, 263, 269, 271, 277, 281, 283, 293, 307, 311, 313, 317, 331, 337, 347, 349, 353, 359,
	    367, 373, 379, 383, 389, 397, 401, 409, 419, 421, 431, 433, 439, 443, 449, 457,
	};
	static const char set32[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
	if (s.n < 2) return false;
	unsigned sum = 0;
	for (size_t i = 0; i < s.n - 2; i++) sum += set82_value(s.p[i]) * primes[s.n - 3 - i];
	sum %= 1021;
	*ret_at = s.n - 2;
	return s.p[s.n - 2] == set32[sum >> 5] && s.p[s.n - 1] == set32[sum & 31];
}

static bool company(struct str s, size_t from, size_t *ret_at)
{
	for (*ret_at = from; *ret_at < from + GS1_COMPANY_MIN; ++*ret_at)
		if (*ret_at >= s.n || !gs1_set_has(GS1_N, s.p[*ret_at])) return false;
	return true;
}

static bool gcppos1(struct str s, size_t *ret_at)
{
	return company(s, 0, ret_at);
}

static bool gcppos2(struct str s, size_t *ret_at)
{
	return company(s, 1, ret_at);
}

static bool yymmd0(struct str s, size_t *ret_at)
{
	return gs1__date_holds(s, true, ret_at);
}

static bool yymmdd(struct str s, size_t *ret_at)
{
	return gs1__date_holds(s, false, ret_at);
}

static bool yyyymmdd(struct str s, size_t *ret_at)
{
	return gs1__full_date_holds(s, ret_at);
}

static bool hh(struct str s, size_t *ret_at)
{
	(void)ret_at;
	return gs1__number(s, 0, 2) <= 23;
}

static bool mi(struct str s, size_t *ret_at)
{
	(void)ret_at;
	return gs1__number(s, 0, 2) <= 59;
}

static bool ss(struct str s, size_t *ret_at)
{
	return mi(s, ret_at);
}

static bool hhmi(struct str s, size_t *ret_at)
{
	if (!hh(s, ret_at)) return false;
	*ret_at = 2;
	return mi(str_skip(s, 2), ret_at);
}

static bool listed(const struct gs1_list *l, struct str code)
{
	size_t from = 0, to = l->n;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = str_cmp(code, str_of(l->codes[middle]));
		if (!order) return true;
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return false;
}

#define LISTED(name)                                                                                       \
	static bool name(struct str s, size_t *ret_at)                                                     \
	{                                                                                                  \
		(void)ret_at;                                                                              \
		return listed(&gs1_list_##name, s);                                                        \
	}
GS1_LISTS(LISTED)

static bool iso3166999(struct str s, size_t *ret_at)
{
	return str_is(s, "999") || iso3166(s, ret_at);
}

static bool one_of(struct str s, const char *chars)
{
	return s.n == 1 && s.p[0] && strchr(chars, s.p[0]);
}

static bool iso5218(struct str s, size_t *ret_at)
{
	(void)ret_at;
	return one_of(s, "0129");
}

static bool winding(struct str s, size_t *ret_at)
{
	(void)ret_at;
	return one_of(s, "019");
}

static bool yesno(struct str s, size_t *ret_at)
{
	(void)ret_at;
	return one_of(s, "01");
}

/* Country, check digits, account: read as a number with A = 10 … Z = 35 from the account on around to the
 * check digits, it leaves 1 modulo 97. */
static bool iban(struct str s, size_t *ret_at)
{
	enum { SHORTEST = 11 }; /* as the dictionary's own linter has it; real ones have 15 and more */
	unsigned rest = 0;
	if (s.n < SHORTEST || !iso3166alpha2(str_first(s, 2), ret_at)) return false;
	for (size_t i = 0; i < s.n; i++) {
		*ret_at = (i + 4) % s.n;
		char c = s.p[*ret_at];
		bool digit = gs1_set_has(GS1_N, c);
		if (!digit && (c < 'A' || c > 'Z')) return false;
		rest =
		    (digit ? rest * 10 + (unsigned)(c - '0') : rest * 100 + (unsigned)(c - 'A') + 10) % 97;
	}
	*ret_at = 2;
	return rest == 1;
}

static bool latitude(struct str s, size_t *ret_at)
{
	(void)ret_at;
	return str_cmp(s, STR("1800000000")) <= 0;
}

static bool longitude(struct str s, size_t *ret_at)
{
	(void)ret_at;
	return str_cmp(s, STR("3600000000")) <= 0;
}

static bool zeros(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '0') return false;
	return true;
}

static bool zero(struct str s, size_t *ret_at)
{
	(void)ret_at;
	return zeros(s);
}

static bool nonzero(struct str s, size_t *ret_at)
{
	return !zero(s, ret_at);
}

static bool nozeroprefix(struct str s, size_t *ret_at)
{
	(void)ret_at;
	return s.p[0] != '0';
}

static bool pieceoftotal(struct str s, size_t *ret_at)
{
	struct str piece = str_first(s, s.n / 2), total = str_skip(s, s.n / 2);
	if (!zeros(piece) && zeros(total)) *ret_at = piece.n;
	return !zeros(piece) && !zeros(total) && str_cmp(piece, total) <= 0;
}

static bool posinseqslash(struct str s, size_t *ret_at)
{
	size_t slash = str_find(s, '/');
	struct str position = str_first(s, slash), end = str_skip(s, slash + 1);
	if (!position.n || !end.n || !gs1_set_has_all(GS1_N, position) || !gs1_set_has_all(GS1_N, end))
		return false;
	if (position.p[0] == '0') return false;
	if (end.p[0] == '0') {
		*ret_at = slash + 1;
		return false;
	}
	return position.n < end.n || (position.n == end.n && str_cmp(position, end) <= 0);
}

static bool pcenc(struct str s, size_t *ret_at)
{
	for (*ret_at = 0; *ret_at < s.n; ++*ret_at) {
		unsigned char octet;
		if (s.p[*ret_at] != '%') continue;
		if (hex_parse(str_first(str_skip(s, *ret_at + 1), 2), &octet, 1)) return false;
		*ret_at += 2;
	}
	return true;
}

static bool couponcode(struct str s, size_t *ret_at)
{
	return gs1__coupon_holds(s, ret_at);
}

static bool couponposoffer(struct str s, size_t *ret_at)
{
	return gs1__coupon_offer_holds(s, ret_at);
}

static bool importeridx(struct str s, size_t *ret_at)
{
	(void)ret_at;
	return s.n == 1 && gs1_set_has(GS1_Z, s.p[0]);
}

static bool hasnondigit(struct str s, size_t *ret_at)
{
	(void)ret_at;
	return !gs1_set_has_all(GS1_N, s);
}

static bool hyphen(struct str s, size_t *ret_at)
{
	(void)ret_at;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '-') return false;
	return s.n > 0;
}

bool gs1_lint_holds(enum gs1_lint lint, struct str part, size_t *ret_at)
{
	static bool (*const lints[])(struct str s, size_t * ret_at) = {
#define X(name, rule, text) [GS1_LINT_##name] = name,
	    GS1_LINTS(X)
#undef X
	};
	return lint == GS1_NO_LINT || lints[lint](part, ret_at);
}
