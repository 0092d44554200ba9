/* Proactive negotiation (RFC 9110 12): quality of media types. */
#include "net/request.h"

/* Quality of the parameters after an element, in thousandths; 1000 when none is given. */
static int quality_of(struct str params)
{
	struct str p;
	while (str_split(&params, ';', &p)) {
		p = str_trim(p);
		if (p.n < 3 || (p.p[0] | 0x20) != 'q' || p.p[1] != '=') continue;
		if (p.p[2] == '1') return 1000;
		if (p.p[2] != '0') return 0;
		int q = 0, unit = 100;
		for (size_t i = 4; i < p.n && i < 7 && p.p[i] >= '0' && p.p[i] <= '9'; i++, unit /= 10)
			q += (p.p[i] - '0') * unit;
		return q;
	}
	return 1000;
}

static struct str element(struct str part, struct str *ret_params)
{
	size_t n = str_find(part, ';');
	*ret_params = n < part.n ? str_skip(part, n + 1) : STR_NONE;
	return str_trim(str_first(part, n));
}

/* 3: the type itself; 2: its range; 1: all; 0: something else. */
static int closeness(struct str range, struct str type)
{
	size_t slash = str_find(type, '/');
	if (str_eq_nocase(range, type)) return 3;
	if (str_is(range, "*/*")) return 1;
	bool wild = range.n == slash + 2 && str_ends(range, STR("/*"));
	return wild && str_eq_nocase(str_first(range, slash), str_first(type, slash)) ? 2 : 0;
}

int net_accepts(const struct net_req *r, const char *media_type)
{
	struct str left = net_header(r, "accept"), part, params, type = str_of(media_type);
	int best = 0, quality = 0;
	if (!str_trim(left).n) return 1000;
	while (str_split(&left, ',', &part)) {
		int close = closeness(element(part, &params), type);
		if (close <= best) continue;
		best = close;
		quality = quality_of(params);
	}
	return quality;
}
