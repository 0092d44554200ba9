#include "proto/id/gs1_date.h"

unsigned gs1__number(struct str s, size_t at, size_t n)
{
	unsigned v = 0;
	for (size_t i = at; i < at + n && i < s.n; i++) v = v * 10 + (unsigned)(s.p[i] - '0');
	return v;
}

/* MMDD at `at`. */
static bool day_holds(struct str s, size_t at, bool leap, size_t *ret_at)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned month = gs1__number(s, at, 2), day = gs1__number(s, at + 2, 2);
	*ret_at = at;
	if (month < 1 || month > 12) return false;
	*ret_at = at + 2;
	return day <= days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

/* The century of YY depends on today (General Specifications 7.12) and matters for one day only:
 * 29 February 00. 2000 had it; 2100 comes within reach in 2050. */
bool gs1__date_holds(struct str s, bool day_may_be_00, size_t *ret_at)
{
	return day_holds(s, 2, gs1__number(s, 0, 2) % 4 == 0, ret_at) &&
	       (day_may_be_00 || gs1__number(s, 4, 2));
}

bool gs1__full_date_holds(struct str s, size_t *ret_at)
{
	unsigned year = gs1__number(s, 0, 4);
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day_holds(s, 4, leap, ret_at) && gs1__number(s, 6, 2);
}
