#include "proto/id/gs1_ai.h"

#define N(min, max, check)                                                                                 \
	{                                                                                                  \
		GS1_N, min, max, GS1_##check                                                               \
	}
#define XX(min, max, check)                                                                                \
	{                                                                                                  \
		GS1_X, min, max, GS1_##check                                                               \
	}
#define YY(min, max, check)                                                                                \
	{                                                                                                  \
		GS1_Y, min, max, GS1_##check                                                               \
	}

static const struct gs1_ai table[] = {
    /* primary keys */
    {"00", "", 1, {N(18, 18, MOD10)}},                                  /* SSCC */
    {"01", "22,10,21|235", 1, {N(14, 14, MOD10)}},                      /* GTIN */
    {"253", "", 0, {N(13, 13, MOD10), XX(0, 17, ANY)}},                 /* GDTI */
    {"255", "", 0, {N(13, 13, MOD10), N(0, 12, ANY)}},                  /* GCN */
    {"401", "", 0, {XX(1, 30, ANY)}},                                   /* GINC */
    {"402", "", 0, {N(17, 17, MOD10)}},                                 /* GSIN */
    {"414", "254|7040", 0, {N(13, 13, MOD10)}},                         /* GLN of a location */
    {"415", "8020", 0, {N(13, 13, MOD10)}},                             /* GLN to be paid */
    {"417", "7040", 0, {N(13, 13, MOD10)}},                             /* GLN of a party */
    {"8003", "", 1, {N(1, 1, ZERO), N(13, 13, MOD10), XX(0, 16, ANY)}}, /* GRAI */
    {"8004", "7040", 0, {XX(1, 30, ANY)}},                              /* GIAI */
    {"8006", "22,10,21", 1, {N(14, 14, MOD10), N(4, 4, PIECE)}},        /* ITIP */
    {"8010", "8011", 0, {YY(1, 30, ANY)}},                              /* CPID */
    {"8013", "", 0, {XX(1, 25, PAIR)}},                                 /* GMN */
    {"8017", "8019", 0, {N(18, 18, MOD10)}},                            /* GSRN of a provider */
    {"8018", "8019", 0, {N(18, 18, MOD10)}},                            /* GSRN of a recipient */
    /* qualifiers */
    {"10", NULL, 0, {XX(1, 20, ANY)}},                           /* batch or lot */
    {"21", NULL, 0, {XX(1, 20, ANY)}},                           /* serial */
    {"22", NULL, 0, {XX(1, 20, ANY)}},                           /* consumer product variant */
    {"235", NULL, 0, {XX(1, 28, ANY)}},                          /* third-party serial */
    {"254", NULL, 0, {XX(1, 20, ANY)}},                          /* GLN extension */
    {"7040", NULL, 0, {N(1, 1, ANY), XX(3, 3, IMPORTER_INDEX)}}, /* UIC with extension */
    {"8011", NULL, 0, {N(1, 12, NO_ZERO_START)}},                /* CPID serial */
    {"8019", NULL, 0, {N(1, 10, ANY)}},                          /* service relation instance */
    {"8020", NULL, 0, {XX(1, 25, ANY)}},                         /* payment slip reference */
};

const struct gs1_ai *gs1_ai_find(struct str ai)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (str_is(ai, table[i].ai)) return &table[i];
	return NULL;
}

bool gs1_set_has(enum gs1_set set, unsigned char c)
{
	bool digit = c >= '0' && c <= '9', capital = c >= 'A' && c <= 'Z';
	switch (set) {
	case GS1_N: return digit;
	case GS1_X:
		return digit || capital || (c >= 'a' && c <= 'z') ||
		       (c && strchr("!\"%&'()*+,-./:;<=>?_", c));
	case GS1_Y: return digit || capital || c == '#' || c == '-' || c == '/';
	}
	return false;
}

static const char *set_text(enum gs1_set set)
{
	return set == GS1_N   ? "digits"
	       : set == GS1_X ? "characters of GS1 set 82"
			      : "characters of GS1 set 39";
}

/* Weights 3 and 1 alternate from the right, the check digit having 1. */
static bool mod10_ok(struct str s)
{
	unsigned sum = 0;
	for (size_t i = 0; i < s.n; i++) sum += (unsigned)(s.p[s.n - 1 - i] - '0') * (i % 2 ? 3 : 1);
	return sum % 10 == 0;
}

/* Place of a character among the 82 in their order of code points, which is its value. */
static unsigned set82_value(char c)
{
	unsigned v = 0;
	for (unsigned char i = 0x21; i < (unsigned char)c; i++) v += gs1_set_has(GS1_X, i);
	return v;
}

/* The data weighted with the primes from the right, modulo 1021, as two characters of 32. */
static bool pair_ok(struct str s)
{
	static const unsigned char primes[] = {2,  3,  5,  7,  11, 13, 17, 19, 23, 29, 31, 37,
					       41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83};
	static const char set32[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
	if (s.n < 3 || s.n - 2 > sizeof primes) return false;
	unsigned sum = 0;
	for (size_t i = 0; i < s.n - 2; i++) sum += set82_value(s.p[i]) * primes[s.n - 3 - i];
	sum %= 1021;
	return s.p[s.n - 2] == set32[sum >> 5] && s.p[s.n - 1] == set32[sum & 31];
}

static bool piece_ok(struct str s)
{
	int piece = (s.p[0] - '0') * 10 + s.p[1] - '0', total = (s.p[2] - '0') * 10 + s.p[3] - '0';
	return piece > 0 && piece <= total;
}

/* NULL when the part stands, else the rule it breaks. */
static const char *part_rule(enum gs1_check check, struct str s)
{
	switch (check) {
	case GS1_ANY: break;
	case GS1_MOD10: return mod10_ok(s) ? NULL : "check-digit";
	case GS1_PAIR: return pair_ok(s) ? NULL : "check-pair";
	case GS1_ZERO: return s.p[0] == '0' ? NULL : "zero";
	case GS1_PIECE: return piece_ok(s) ? NULL : "piece-of-total";
	case GS1_IMPORTER_INDEX: {
		char c = s.p[s.n - 1];
		return c == '-' || c == '_' ||
			       (c != '#' && gs1_set_has(GS1_Y, (unsigned char)c) && c != '/') ||
			       (c >= 'a' && c <= 'z')
			   ? NULL
			   : "importer-index";
	}
	case GS1_NO_ZERO_START: return s.p[0] == '0' ? "zero-start" : NULL;
	}
	return NULL;
}

static enum err length_check(const struct gs1_ai *ai, struct str value, struct flaw *f, size_t *ret_at)
{
	size_t min = 0, max = 0;
	for (size_t i = 0; i < GS1_PARTS_MAX; i++) {
		min += ai->parts[i].min;
		max += ai->parts[i].max;
	}
	if (value.n < min) {
		*ret_at = value.n;
		return flaw_set(f, ERR_BAD_ID, *ret_at, ai->ai, "too-short",
				"the value of (%s) has at least %zu characters", ai->ai, min);
	}
	if (value.n > max) {
		*ret_at = max;
		return flaw_set(f, ERR_BAD_ID, *ret_at, ai->ai, "too-long",
				"the value of (%s) has at most %zu characters", ai->ai, max);
	}
	return ERR_OK;
}

static enum err company_check(const struct gs1_ai *ai, struct str value, struct flaw *f, size_t *ret_at)
{
	for (size_t i = ai->company_at; i < ai->company_at + (size_t)GS1_COMPANY_MIN; i++) {
		if (i < value.n && gs1_set_has(GS1_N, (unsigned char)value.p[i])) continue;
		*ret_at = i;
		return flaw_set(f, ERR_BAD_ID, i, ai->ai, "company-prefix",
				"the value of (%s) begins with a company prefix of at least %d digits",
				ai->ai, GS1_COMPANY_MIN);
	}
	return ERR_OK;
}

enum err gs1_value_check(const struct gs1_ai *ai, struct str value, struct flaw *f, size_t *ret_at)
{
	enum err e = length_check(ai, value, f, ret_at);
	if (e) return e;
	size_t at = 0;
	for (size_t i = 0; i < GS1_PARTS_MAX && at < value.n; i++) {
		const struct gs1_part *part = &ai->parts[i];
		struct str s = str_first(str_skip(value, at), part->max);
		for (size_t k = 0; k < s.n; k++) {
			if (gs1_set_has(part->set, (unsigned char)s.p[k])) continue;
			*ret_at = at + k;
			return flaw_set(f, ERR_BAD_ID, *ret_at, ai->ai, "characters",
					"the value of (%s) has %s here", ai->ai, set_text(part->set));
		}
		const char *rule = part_rule(part->check, s);
		if (rule) {
			*ret_at = at + s.n - 1;
			return flaw_set(f, ERR_BAD_ID, *ret_at, ai->ai, rule,
					"the value of (%s) breaks the rule %s", ai->ai, rule);
		}
		at += s.n;
	}
	return ai->qualifiers ? company_check(ai, value, f, ret_at) : ERR_OK;
}

static int place_of(struct str alternative, const struct gs1_ai *ai)
{
	struct str one;
	for (int i = 0; str_split(&alternative, ',', &one); i++)
		if (str_is(one, ai->ai)) return i;
	return -1;
}

int gs1_qualifier_rank(const struct gs1_ai *key, const struct gs1_ai *qualifier,
		       const struct gs1_ai *const *others, size_t others_n)
{
	struct str rest = str_of(key->qualifiers), alternative;
	while (str_split(&rest, '|', &alternative)) {
		int place = place_of(alternative, qualifier);
		for (size_t i = 0; place >= 0 && i < others_n; i++)
			if (place_of(alternative, others[i]) < 0) place = -1;
		if (place >= 0) return place;
	}
	return -1;
}
