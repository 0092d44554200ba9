/* Dates, numbers and patterns, one octet after the other. */
#include "proto/template/walk.h"

enum what { WALK_DATE, WALK_NUMBER, WALK_PATTERN };

/* ---- dates ------------------------------------------------------------------------------ */

enum part { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, PARTS };
/* What stands for all that is no matter any more. */
static const uint16_t usual[PARTS] = {2000, 1, 1, 0, 0, 0};

static const char date_letters[] = "YyMDdHhms"; /* stand for digits */

enum { NOWHERE = 255 };

struct date { /* a state */
	uint16_t part[PARTS];
	uint8_t at;                /* the place that comes */
	int8_t over_min, over_max; /* the text so far, beside that much of the bound */
	uint8_t none;              /* states are compared by their octets */
};

struct date_rule {
	struct str format, min, max;
	uint8_t first[PARTS], last[PARTS]; /* digits of the part that count; NOWHERE: none */
};

struct number { /* a state */
	uint8_t sign, digits, point, decimals;
};

struct template_walk {
	enum what what;
	struct date_rule date;
	uint64_t decimals;
	struct pattern *pattern;
};

static void part_put(struct date_rule *d, enum part p, size_t at, size_t n)
{
	d->first[p] = (uint8_t)at;
	d->last[p] = (uint8_t)(at + n - 1);
}

/* As date_fits reads a format: pairs of one letter, four places from a Y; the last of each kind counts. */
static void format_read(struct date_rule *d)
{
	struct str f = d->format;
	memset(d->first, NOWHERE, sizeof d->first);
	memset(d->last, NOWHERE, sizeof d->last);
	for (size_t i = 0; i + 1 < f.n; i++) {
		if (f.p[i] != f.p[i + 1]) continue;
		switch (f.p[i]) {
		case 'Y':
		case 'y':
			if (i + 3 < f.n) part_put(d, YEAR, i, 4);
			i += 3;
			continue;
		case 'M': part_put(d, MONTH, i, 2); break;
		case 'D':
		case 'd': part_put(d, DAY, i, 2); break;
		case 'H':
		case 'h': part_put(d, HOUR, i, 2); break;
		case 'm': part_put(d, MINUTE, i, 2); break;
		case 's': part_put(d, SECOND, i, 2); break;
		}
		i++;
	}
}

static enum err date_new(const struct template_attribute *x, struct date_rule *d)
{
	d->format = x->format.n ? x->format : STR("YYYY-MM-DD");
	d->min = x->min;
	d->max = x->max;
	if (d->format.n >= NOWHERE) return ERR_UNSUPPORTED;
	format_read(d);
	/* YY-M is read as a year of four places, one of which is no digit */
	for (size_t i = d->first[YEAR]; d->first[YEAR] != NOWHERE && i <= d->last[YEAR]; i++)
		if (!memchr(date_letters, d->format.p[i], sizeof date_letters - 1)) return ERR_UNSUPPORTED;
	return ERR_OK;
}

static bool part_known(const struct date_rule *d, const struct date *s, enum part p)
{
	return d->first[p] == NOWHERE || s->at > d->last[p];
}

static unsigned days_of(const struct date *s)
{
	static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned y = s->part[YEAR], m = s->part[MONTH];
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	return days[m - 1] + (m == 2 && leap);
}

/* Checks what is known by now, and forgets what tells nothing any more, so that states become the same. */
static bool date_settle(const struct date_rule *d, struct date *s)
{
	static const uint16_t most[PARTS] = {9999, 12, 31, 23, 59, 59};
	bool year = part_known(d, s, YEAR), month = part_known(d, s, MONTH), day = part_known(d, s, DAY);
	for (int p = HOUR; p < PARTS; p++) {
		if (!part_known(d, s, (enum part)p)) continue;
		if (s->part[p] > most[p]) return false;
		s->part[p] = usual[p];
	}
	if (month && (!s->part[MONTH] || s->part[MONTH] > 12)) return false;
	if (day && (!s->part[DAY] || s->part[DAY] > 31)) return false;
	if (year) {
		bool leap =
		    (s->part[YEAR] % 4 == 0 && s->part[YEAR] % 100 != 0) || s->part[YEAR] % 400 == 0;
		s->part[YEAR] = leap || (month && s->part[MONTH] != 2) ? 2000 : 2001;
	}
	if (month && s->part[MONTH] != 2) s->part[MONTH] = days_of(s) == 31 ? 1 : 4;
	if (!year || !month || !day) return true;
	if (s->part[DAY] > days_of(s)) return false;
	memcpy(s->part, usual, 3 * sizeof *usual);
	return true;
}

static int8_t beside(int8_t so_far, struct str bound, size_t at, char c)
{
	if (so_far || at >= bound.n) return so_far;
	unsigned char x = (unsigned char)c, y = (unsigned char)bound.p[at];
	return (int8_t)((x > y) - (x < y));
}

static bool date_step(const struct date_rule *d, struct date s, char c, struct date *to)
{
	if (s.at >= d->format.n) return false;
	char f = d->format.p[s.at];
	bool letter = memchr(date_letters, f, sizeof date_letters - 1) != NULL,
	     digit = c >= '0' && c <= '9';
	if (letter ? !digit : c != f) return false;
	for (int p = 0; p < PARTS; p++) {
		if (d->first[p] == NOWHERE || s.at < d->first[p] || s.at > d->last[p]) continue;
		s.part[p] = (uint16_t)((s.at == d->first[p] ? 0 : s.part[p] * 10) + (c - '0'));
	}
	s.over_min = beside(s.over_min, d->min, s.at, c);
	s.over_max = beside(s.over_max, d->max, s.at, c);
	s.at++;
	if (!date_settle(d, &s)) return false;
	*to = s;
	return true;
}

/* ---- numbers ---------------------------------------------------------------------------- */

enum { ENOUGH = 65 /* more characters than a number has */ };

static bool number_step(const struct template_walk *w, struct number s, char c, struct number *to)
{
	bool first = !s.sign && !s.digits && !s.point;
	if (c >= '0' && c <= '9') {
		s.digits = 1;
		if (s.point && s.decimals < ENOUGH) s.decimals++;
	} else if (c == '.' && !s.point) {
		s.point = 1;
	} else if ((c == '-' || c == '+') && first) {
		s.sign = 1;
	} else {
		return false;
	}
	if (w->decimals != UINT64_MAX && s.decimals > w->decimals) return false;
	*to = s;
	return true;
}

/* ---- any -------------------------------------------------------------------------------- */

enum err template_walk_new(struct arena *a, const struct template_attribute *x, enum template_rule rule,
			   struct template_walk **ret)
{
	struct template_walk *w = ARENA_NEW(a, struct template_walk);
	enum err e = ERR_OK;
	if (!w) return ERR_NO_MEMORY;
	w->decimals = x->decimals;
	if (rule == TEMPLATE_RULE_PATTERN) {
		w->what = WALK_PATTERN;
		e = pattern_new(a, x->pattern, &w->pattern);
	} else if (x->type == TEMPLATE_DATE) {
		w->what = WALK_DATE;
		e = date_new(x, &w->date);
	} else {
		w->what = WALK_NUMBER;
		if (x->type != TEMPLATE_NUMBER) e = ERR_UNSUPPORTED;
	}
	if (!e) *ret = w;
	return e;
}

size_t template_walk_state(const struct template_walk *w)
{
	if (w->what == WALK_PATTERN) return pattern_state(w->pattern);
	return w->what == WALK_DATE ? sizeof(struct date) : sizeof(struct number);
}

void template_walk_begin(const struct template_walk *w, unsigned char *state)
{
	struct date s;
	if (w->what == WALK_PATTERN) {
		pattern_begin(w->pattern, state);
		return;
	}
	memset(state, 0, template_walk_state(w));
	if (w->what == WALK_NUMBER) return;
	s = (struct date){.at = 0};
	memcpy(s.part, usual, sizeof s.part);
	memcpy(state, &s, sizeof s);
}

bool template_walk_step(const struct template_walk *w, const unsigned char *from, char c, unsigned char *to)
{
	struct date d, date;
	struct number n, number;
	switch (w->what) {
	case WALK_PATTERN: return pattern_step(w->pattern, from, c, to);
	case WALK_NUMBER:
		memcpy(&n, from, sizeof n);
		if (!number_step(w, n, c, &number)) return false;
		memcpy(to, &number, sizeof number);
		return true;
	case WALK_DATE: break;
	}
	memcpy(&d, from, sizeof d);
	memset(&date, 0, sizeof date);
	if (!date_step(&w->date, d, c, &date)) return false;
	memcpy(to, &date, sizeof date);
	return true;
}

bool template_walk_ends(const struct template_walk *w, const unsigned char *state)
{
	struct date d;
	struct number n;
	if (w->what == WALK_PATTERN) return pattern_ends(w->pattern, state);
	if (w->what == WALK_NUMBER) {
		memcpy(&n, state, sizeof n);
		return n.digits && (!n.point || n.decimals);
	}
	memcpy(&d, state, sizeof d);
	return d.at == w->date.format.n && (!w->date.min.n || d.over_min >= 0) &&
	       (!w->date.max.n || d.over_max <= 0);
}
