#include "resolver/series_match.h"

#include "resolver/series.h"
#include "resolver/series_template.h"

/* ---- what all have in common ------------------------------------------------------------- */

static size_t common(struct str x, struct str y)
{
	size_t n = 0;
	while (n < x.n && n < y.n && x.p[n] == y.p[n]) n++;
	return n;
}

static bool within(const char *p, struct str s)
{
	return p && p >= s.p && p < s.p + s.n;
}

/* What the first and the last member have in common all have: between them the characters of a range in
 * order. But a {number} of those between may be shorter: nothing of it is common. */
enum err series_stem(struct arena *a, const struct series_pattern *p, struct str data,
		     struct series_stem *ret)
{
	struct template_words first, last;
	struct str x, y;
	const char *const *from;
	if (!template_is(data)) {
		*ret = (struct series_stem){str_first(data, SERIES_STEM_MAX), data.n <= SERIES_STEM_MAX};
		return ERR_OK;
	}
	series_words(&p->range, p->first.text, p->range.from, &first);
	series_words(&p->range, p->last.text, p->range.to, &last);
	enum err e = template_trace(a, data, &first, &x, &from);
	if (!e) e = template_fill(a, data, &last, &y);
	if (e) return e;
	size_t n = common(x, y);
	if (template_uses(data) & TEMPLATE_USES_NUMBER)
		for (size_t i = n; i-- > 0;)
			if (within(from[i], p->range.from)) n = i;
	bool whole = n == x.n && n == y.n && !template_uses(data);
	if (n > SERIES_STEM_MAX) {
		n = SERIES_STEM_MAX;
		whole = false;
	}
	*ret = (struct series_stem){str_first(x, n), whole};
	return ERR_OK;
}

/* ---- what the octets say ----------------------------------------------------------------- */

/* A sample of the members, with any characters in the range, and what is known of the one looked for. */
struct sample {
	struct str id, serial;
	char known[SERIES_WINDOW_MAX];
	bool is_known[SERIES_WINDOW_MAX];
};

static struct series_part part_at(const struct series_pattern *p, size_t i)
{
	return p->range.parts_n ? p->range.parts[i] : (struct series_part){0, (uint8_t)p->range.from.n};
}

/* Octets between the parts are the same for all, and those that a part's ends begin with. */
static void know_fixed(const struct series_pattern *p, struct sample *s)
{
	const struct series_range *r = &p->range;
	memset(s->is_known, 1, r->from.n);
	memcpy(s->known, r->from.p, r->from.n);
	for (size_t i = 0; i < p->ranges_n; i++) {
		struct series_part part = part_at(p, i);
		size_t alike = common(series_range_part(r, r->from, i), series_range_part(r, r->to, i));
		memset(s->is_known + part.at + alike, 0, part.n - alike);
	}
}

static bool know(struct sample *s, size_t place, char c)
{
	if (s->is_known[place]) return s->known[place] == c;
	s->is_known[place] = true;
	s->known[place] = c;
	return true;
}

/* c stands where the sample's octet came from that place of its id. */
static bool know_of_id(const struct series_pattern *p, struct sample *s, size_t at, char c)
{
	if (p->check_at && at == p->check_at) return true; /* seen when the member is made */
	for (size_t i = 0; i < p->ranges_n; i++)
		if (at >= p->text_at[i] && at < p->text_at[i] + part_at(p, i).n)
			return know(s, part_at(p, i).at + at - p->text_at[i], c);
	return s->id.p[at] == c;
}

static bool know_all(const struct series_pattern *p, struct sample *s, struct str filled,
		     const char *const *from, struct str wanted)
{
	for (size_t i = 0; i < wanted.n; i++) {
		char c = wanted.p[i];
		bool good = within(from[i], s->serial) ? know(s, (size_t)(from[i] - s->serial.p), c)
			    : within(from[i], s->id)   ? know_of_id(p, s, (size_t)(from[i] - s->id.p), c)
						       : c == filled.p[i];
		if (!good) return false;
	}
	return true;
}

static bool stands(const struct series_range *r, size_t place, char c)
{
	return (c == r->from.p[place] && c == r->to.p[place]) || series_range_allows(r, place, c);
}

/* Whether a part of the range has a value that begins with what is known of it. The least and the greatest
 * one that do are told apart from its ends: what lies between them has the same beginning. */
static bool part_exists(const struct series_pattern *p, const struct sample *s, struct series_part part)
{
	const struct series_range *r = &p->range;
	char low[SERIES_WINDOW_MAX], high[SERIES_WINDOW_MAX];
	for (size_t i = part.at; i < (size_t)part.at + part.n; i++) {
		low[i] = high[i] = s->is_known[i] ? s->known[i] : 0;
		if (s->is_known[i] && !stands(r, i, s->known[i])) return false;
		for (char c = '-'; c <= 'z' && !s->is_known[i]; c++) {
			if (!stands(r, i, c)) continue;
			if (!high[i] || c < low[i]) low[i] = c;
			high[i] = c;
		}
	}
	return memcmp(low + part.at, r->to.p + part.at, part.n) <= 0 &&
	       memcmp(high + part.at, r->from.p + part.at, part.n) >= 0;
}

static bool all_known(const struct series_pattern *p, const struct sample *s)
{
	for (size_t i = 0; i < p->range.from.n; i++)
		if (!s->is_known[i]) return false;
	return true;
}

/* The member of whom everything is known: is its data what is wanted? */
static enum err try_member(struct arena *a, const struct series_pattern *p, const struct sample *s,
			   struct str data, const struct series_wanted *w, bool *ret, struct id *ret_id)
{
	struct str serial = arena_dup(a, str_n(s->known, p->range.from.n)), filled = data;
	struct template_words words;
	*ret = false;
	if (!serial.p) return ERR_NO_MEMORY;
	enum err e = series_pattern_member(a, p, serial, ret_id);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	series_words(&p->range, ret_id->text, serial, &words);
	if (template_is(data)) e = template_fill(a, data, &words, &filled);
	if (!e) *ret = w->begins ? str_starts(filled, w->octets) : str_eq(filled, w->octets);
	return e;
}

/* With this sample, whose filled data are as long as the wanted member's. */
static enum err match_sample(struct arena *a, const struct series_pattern *p, struct sample *s,
			     struct str data, const struct series_wanted *w, enum series_matched *ret,
			     struct id *ret_id)
{
	struct template_words words;
	struct str filled;
	const char *const *from;
	*ret = SERIES_MATCHES_NONE;
	series_words(&p->range, s->id, s->serial, &words);
	enum err e = template_trace(a, data, &words, &filled, &from);
	if (e) return e;
	if (w->begins ? filled.n < w->octets.n : filled.n != w->octets.n) return ERR_OK;
	if (!know_all(p, s, filled, from, w->octets)) return ERR_OK;
	if (all_known(p, s)) {
		bool is;
		e = try_member(a, p, s, data, w, &is, ret_id);
		if (!e && is) *ret = SERIES_MATCHES_ONE;
		return e;
	}
	for (size_t i = 0; i < p->ranges_n; i++)
		if (!part_exists(p, s, part_at(p, i))) return ERR_OK;
	*ret = SERIES_MATCHES_SOME;
	return ERR_OK;
}

/* Those whose {number} has so many digits: what stands in front of it are zeros, if there are any such. */
static enum err sample_number(struct arena *a, const struct series_pattern *p, size_t digits,
			      struct sample *s, bool *ret)
{
	size_t n = p->range.from.n, zeros = n - digits;
	struct str id = arena_dup(a, p->first.text), serial = arena_dup(a, p->range.from);
	if (!id.p || !serial.p) return ERR_NO_MEMORY;
	char *to = memset(arena_bytes(a, n + 1), '0', n);
	to[zeros] = '1';
	s->serial = str_n(to, n);
	char *text = memcpy(arena_bytes(a, id.n + 1), id.p, id.n);
	memcpy(text + p->text_at[0], to, n);
	s->id = str_n(text, id.n);
	know_fixed(p, s);
	*ret = true;
	for (size_t i = 0; i < zeros; i++) *ret &= know(s, i, '0');
	return ERR_OK;
}

static enum err match_numbers(struct arena *a, const struct series_pattern *p, struct str data,
			      const struct series_wanted *w, enum series_matched *ret, struct id *ret_id)
{
	size_t n = p->range.from.n;
	for (size_t digits = 1; digits <= n; digits++) {
		struct sample s;
		enum series_matched one = SERIES_MATCHES_NONE;
		struct id id;
		bool any;
		enum err e = sample_number(a, p, digits, &s, &any);
		if (!e && any) e = match_sample(a, p, &s, data, w, &one, &id);
		if (e) return e;
		bool zero = digits > 1 && s.is_known[n - digits] && s.known[n - digits] == '0';
		if (zero || !one) continue;
		if (*ret) one = SERIES_MATCHES_SOME; /* 1, and 10 to 19 */
		*ret = one;
		if (one == SERIES_MATCHES_SOME) return ERR_OK;
		*ret_id = id;
	}
	return ERR_OK;
}

enum err series_match(struct arena *a, const struct series_pattern *p, struct str data,
		      const struct series_wanted *w, enum series_matched *ret, struct id *ret_id)
{
	struct sample s = {.id = p->first.text, .serial = p->range.from};
	*ret = SERIES_MATCHES_NONE;
	if (!template_is(data)) {
		if (w->begins ? str_starts(data, w->octets) : str_eq(data, w->octets))
			*ret = SERIES_MATCHES_SOME;
		return ERR_OK;
	}
	if (template_uses(data) & TEMPLATE_USES_NUMBER) return match_numbers(a, p, data, w, ret, ret_id);
	know_fixed(p, &s);
	enum err e = match_sample(a, p, &s, data, w, ret, ret_id);
	/* what names nothing of the member is said of the series, were it of one member only */
	if (!e && *ret && !template_uses(data)) *ret = SERIES_MATCHES_SOME;
	return e;
}
