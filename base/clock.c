#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static const usec_t *fake;

static usec_t read_clock(clockid_t id)
{
	struct timespec ts;
	if (fake) return *fake;
	must(clock_gettime(id, &ts) == 0);
	return ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

usec_t clock_wall(void)
{
	return read_clock(CLOCK_REALTIME);
}

usec_t clock_mono(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void clock_fake(const usec_t *at)
{
	fake = at;
}

char *clock_print(usec_t t, bool fraction, char out[CLOCK_TEXT])
{
	usec_t us = t % USEC_PER_SEC;
	time_t s = (time_t)(t / USEC_PER_SEC);
	if (us < 0) {
		us += USEC_PER_SEC;
		s--;
	}
	struct tm tm;
	if (!gmtime_r(&s, &tm) || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900) {
		snprintf(out, CLOCK_TEXT, "0000-01-01T00:00:00Z");
		return out;
	}
	/* %Y alone would leave the zeros of early years out */
	size_t n = (size_t)snprintf(out, CLOCK_TEXT, "%04u", (unsigned)(tm.tm_year + 1900) % 10000);
	n += strftime(out + n, CLOCK_TEXT - n, "-%m-%dT%H:%M:%S", &tm);
	if (fraction)
		snprintf(out + n, CLOCK_TEXT - n, ".%06dZ", (int)us);
	else
		snprintf(out + n, CLOCK_TEXT - n, "Z");
	return out;
}

/* Exactly n digits at *s, taken off; false if they are not there. */
static bool digits(struct str *s, size_t n, int *ret)
{
	uint64_t v;
	if (s->n < n || str_u64(str_first(*s, n), &v)) return false;
	*s = str_skip(*s, n);
	*ret = (int)v;
	return true;
}

static bool literal(struct str *s, char c)
{
	if (!s->n || s->p[0] != c) return false;
	*s = str_skip(*s, 1);
	return true;
}

static bool fraction_parse(struct str *s, usec_t *ret_us)
{
	usec_t unit = USEC_PER_SEC / 10, us = 0;
	size_t n = 0;
	for (; s->n && s->p[0] >= '0' && s->p[0] <= '9'; *s = str_skip(*s, 1), unit /= 10, n++)
		us += (s->p[0] - '0') * unit;
	*ret_us = us;
	return n > 0;
}

static bool offset_parse(struct str *s, int *ret_minutes)
{
	int h, m;
	*ret_minutes = 0;
	if (literal(s, 'Z') || literal(s, 'z')) return true;
	int sign = literal(s, '+') ? 1 : literal(s, '-') ? -1 : 0;
	if (!sign || !digits(s, 2, &h) || !literal(s, ':') || !digits(s, 2, &m)) return false;
	*ret_minutes = sign * (h * 60 + m);
	return h <= 23 && m <= 59;
}

static bool date_ok(const struct tm *tm)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y = tm->tm_year + 1900, m = tm->tm_mon;
	if (m < 0 || m > 11 || tm->tm_mday < 1) return false;
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	return tm->tm_mday <= days[m] + (m == 1 && leap);
}

enum err clock_parse(struct str s, usec_t *ret)
{
	struct tm tm = {0};
	usec_t us = 0;
	int offset = 0;
	if (!digits(&s, 4, &tm.tm_year) || !literal(&s, '-') || !digits(&s, 2, &tm.tm_mon) ||
	    !literal(&s, '-') || !digits(&s, 2, &tm.tm_mday))
		return ERR_BAD_INPUT;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (!date_ok(&tm)) return ERR_BAD_INPUT;
	if (s.n) {
		if (!(literal(&s, 'T') || literal(&s, 't') || literal(&s, ' ')) ||
		    !digits(&s, 2, &tm.tm_hour) || !literal(&s, ':') || !digits(&s, 2, &tm.tm_min))
			return ERR_BAD_INPUT;
		if (literal(&s, ':')) {
			if (!digits(&s, 2, &tm.tm_sec)) return ERR_BAD_INPUT;
			if (literal(&s, '.') && !fraction_parse(&s, &us)) return ERR_BAD_INPUT;
		}
		if (!offset_parse(&s, &offset) || s.n) return ERR_BAD_INPUT;
		if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60) return ERR_BAD_INPUT;
	}
	*ret = ((usec_t)timegm(&tm) - offset * 60) * USEC_PER_SEC + us;
	return ERR_OK;
}
