#include "base/json_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_MAX = 17 }; /* enough to tell any two doubles apart */

/* 0.d1d2… × 10^point */
struct decimal {
	char digits[DIGITS_MAX + 1];
	int n, point;
};

/* v rounded to n digits. */
static struct decimal round_to(double v, int n)
{
	char text[64];
	struct decimal d = {.n = 0};
	snprintf(text, sizeof text, "%.*e", n - 1, v);
	const char *p = text;
	for (; *p != 'e'; p++) /* the point between them depends on the locale */
		if (*p >= '0' && *p <= '9') d.digits[d.n++] = *p;
	must(d.n == n);
	d.point = (int)strtol(p + 1, NULL, 10) + 1;
	return d;
}

static bool reads_back(const struct decimal *d, double v)
{
	char text[64];
	snprintf(text, sizeof text, "%.*se%d", d->n, d->digits, d->point - d->n);
	return strtod(text, NULL) == v;
}

/* The next larger number of as many digits. False when that takes a digit more. */
static bool step_up(struct decimal *d)
{
	for (int i = d->n - 1; i >= 0; i--) {
		if (d->digits[i] != '9') {
			d->digits[i]++;
			return true;
		}
		d->digits[i] = '0';
	}
	return false;
}

/* Below a power of two doubles lie closer together than above it: the nearest number of n digits
 * may then be beyond the half-way point, when the second nearest, on the wide side, is not. */
static bool lies_on_edge(double v)
{
	int exponent;
	return frexp(v, &exponent) == 0.5;
}

static struct decimal shortest(double v)
{
	struct decimal d;
	bool edge = lies_on_edge(v);
	for (int n = 1; n < DIGITS_MAX; n++) {
		d = round_to(v, n);
		if (reads_back(&d, v)) return d;
		if (edge && step_up(&d) && reads_back(&d, v)) return d;
	}
	return round_to(v, DIGITS_MAX);
}

static size_t put_zeros(char *out, int n)
{
	if (n <= 0) return 0;
	memset(out, '0', (size_t)n);
	return (size_t)n;
}

/* ECMA-262 6.1.6.1.20, steps 6 to 11, with n = d.point and k = d.n. */
static size_t lay_out(const struct decimal *d, char *out)
{
	size_t at = 0, k = (size_t)d->n;
	if (d->point > 21 || d->point <= -6) {
		out[at++] = d->digits[0];
		if (k > 1) {
			out[at++] = '.';
			memcpy(out + at, d->digits + 1, k - 1);
			at += k - 1;
		}
		return at + (size_t)snprintf(out + at, 8, "e%+d", d->point - 1);
	}
	if (d->point <= 0) {
		memcpy(out, "0.", 2);
		at = 2 + put_zeros(out + 2, -d->point);
		memcpy(out + at, d->digits, k);
		return at + k;
	}
	size_t whole = d->n < d->point ? k : (size_t)d->point;
	memcpy(out, d->digits, whole);
	at = whole + put_zeros(out + whole, d->point - d->n);
	if (whole == k) return at;
	out[at++] = '.';
	memcpy(out + at, d->digits + whole, k - whole);
	return at + k - whole;
}

size_t json_number_print(double v, char out[JSON_NUMBER_TEXT])
{
	must(isfinite(v));
	if (v == 0) {
		out[0] = '0'; /* minus zero as well */
		return 1;
	}
	size_t sign = v < 0;
	if (sign) out[0] = '-';
	struct decimal d = shortest(fabs(v));
	return sign + lay_out(&d, out + sign);
}
