/* North American coupons: AI 8110 and 8112 (GS1 US: North American Coupon Application Guideline Using
 * GS1 DataBar Expanded Symbols; GS1 AI (8112) Coupon Data Specification).
 *
 * Digits in fields, many led by a digit that gives the length. 8110:
 *   company prefix (6 + 0..6), offer code (6), save value (1..5), first purchase: requirement (1..5),
 *   code, family (3); then, each led by its number and in this order, what may be absent:
 *   1 rules code and second purchase, 2 third purchase, 3 expiry, 4 start, 5 serial number,
 *   6 retailer, 9 save value code, applies to, store flag, multiply flag.
 * 8112: format (0, 1), funder (6 + 0..6), offer code (6), serial number (6 + 0..9), nothing more. */
#include "proto/id/gs1_coupon.h"

#include "proto/id/gs1_ai.h"
#include "proto/id/gs1_date.h"

/* Sticky: once a field is not there or not allowed, nothing moves any more. */
struct coupon {
	struct str s;
	size_t at;
	bool broken;
};

static bool at_end(const struct coupon *c)
{
	return c->broken || c->at == c->s.n;
}

static struct str digits_take(struct coupon *c, size_t n)
{
	struct str s = str_first(str_skip(c->s, c->at), n);
	if (c->broken || s.n < n) {
		c->broken = true;
		return STR_NONE;
	}
	c->at += n;
	return s;
}

/* One digit out of `allowed`; its value. */
static size_t digit_take(struct coupon *c, const char *allowed)
{
	if (at_end(c) || !strchr(allowed, c->s.p[c->at])) {
		c->broken = true;
		return 0;
	}
	return (size_t)(c->s.p[c->at++] - '0');
}

/* A field led by its length. */
static void field_take(struct coupon *c, const char *lengths, size_t more)
{
	size_t n = digit_take(c, lengths);
	digits_take(c, n + more);
}

static bool option_take(struct coupon *c, char number)
{
	if (at_end(c) || c->s.p[c->at] != number) return false;
	c->at++;
	return true;
}

static void purchase_take(struct coupon *c)
{
	field_take(c, "12345", 0);
	digit_take(c, "012349");
	digits_take(c, 3);
}

/* A purchase of another company's; 9: of the first's. */
static void other_purchase_take(struct coupon *c)
{
	purchase_take(c);
	if (!option_take(c, '9')) field_take(c, "0123456", 6);
}

static struct str date_take(struct coupon *c)
{
	size_t from = c->at, at = 0;
	struct str date = digits_take(c, 6);
	if (date.p && !gs1__date_holds(date, false, &at)) {
		c->broken = true;
		c->at = from;
	}
	return date;
}

static void dates_take(struct coupon *c)
{
	struct str expiry = option_take(c, '3') ? date_take(c) : STR_NONE;
	size_t from = c->at;
	struct str start = option_take(c, '4') ? date_take(c) : STR_NONE;
	if (c->broken || !expiry.p || !start.p || str_cmp(start, expiry) <= 0) return;
	c->broken = true;
	c->at = from;
}

static bool ended(const struct coupon *c, size_t *ret_at)
{
	*ret_at = c->at;
	return !c->broken && c->at == c->s.n;
}

static bool digits_only(struct str s, size_t *ret_at)
{
	for (*ret_at = 0; *ret_at < s.n; ++*ret_at)
		if (!gs1_set_has(GS1_N, s.p[*ret_at])) return false;
	return true;
}

bool gs1__coupon_holds(struct str s, size_t *ret_at)
{
	struct coupon c = {.s = s};
	if (!digits_only(s, ret_at)) return false;
	field_take(&c, "0123456", 6);
	digits_take(&c, 6);
	field_take(&c, "12345", 0);
	purchase_take(&c);
	if (option_take(&c, '1')) {
		digit_take(&c, "0123");
		other_purchase_take(&c);
	}
	if (option_take(&c, '2')) other_purchase_take(&c);
	dates_take(&c);
	if (option_take(&c, '5')) field_take(&c, "0123456789", 6);
	if (option_take(&c, '6')) field_take(&c, "1234567", 6);
	if (option_take(&c, '9')) {
		digit_take(&c, "01256");
		digit_take(&c, "012");
		digit_take(&c, "0123456789");
		digit_take(&c, "01");
	}
	return ended(&c, ret_at);
}

bool gs1__coupon_offer_holds(struct str s, size_t *ret_at)
{
	struct coupon c = {.s = s};
	if (!digits_only(s, ret_at)) return false;
	digit_take(&c, "01");
	field_take(&c, "0123456", 6);
	digits_take(&c, 6);
	field_take(&c, "0123456789", 6);
	return ended(&c, ret_at);
}
