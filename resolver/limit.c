/* Rate limits on requests (rate.h): which class a request is of, and who its client is. */
#include <stdio.h>

#include "net/access.h"
#include "resolver/limit.h"
#include "resolver/state.h"

enum { V6 = 16, V6_NETWORK = 8 };

/* False: no class. Partners of the data space present no credential of ours; its own rules bound them. */
static bool class_of(const struct net_req *r, enum rate_class *ret)
{
	bool safe = r->method == NET_GET || r->method == NET_HEAD || r->method == NET_OPTIONS;
	unsigned flags = r->route->flags;
	*ret = safe || flags & NET_READ ? RATE_READ : r->principal ? RATE_CHANGE : RATE_ANONYMOUS;
	return !(flags & NET_UNMETERED) && (*ret != RATE_ANONYMOUS || flags & NET_METERED);
}

static int hex_of(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* "2001:db8:1:2::7" → its first four groups: a subscriber has a /64 of addresses to choose from. */
static struct str network_of(struct str v6, char out[V6_NETWORK])
{
	unsigned group = 0;
	size_t at = 0;
	memset(out, 0, V6_NETWORK);
	for (size_t i = 0; i < v6.n && at < V6_NETWORK; i++) {
		int digit = hex_of(v6.p[i]);
		if (digit >= 0) group = group << 4 | (unsigned)digit;
		bool end = digit < 0 || i + 1 == v6.n;
		if (!end) continue;
		if (v6.p[i] == '.') break; /* ::ffff:192.0.2.1 has zeros in front, as ::1 */
		out[at++] = (char)(group >> 8);
		out[at++] = (char)group;
		group = 0;
		if (i + 1 < v6.n && v6.p[i] == ':' && v6.p[i + 1] == ':') break;
	}
	return str_n(out, V6_NETWORK);
}

struct str limit_address(struct str peer, char out[LIMIT_ADDRESS])
{
	struct str host = str_first(peer, str_rfind(peer, ':'));
	if (host.n > 1 && host.p[0] == '[') host = str_n(host.p + 1, host.n - 2);
	if (str_find(host, ':') == host.n) return host;
	size_t mapped = str_rfind(host, ':') + 1; /* ::ffff:192.0.2.1 is an IPv4 client */
	if (str_starts_nocase(host, STR("::ffff:")) && str_find(host, '.') < host.n)
		return str_skip(host, mapped);
	return network_of(host, out);
}

/* The credential's name if there is a good one: an unknown token must not buy a new bucket. */
static uint64_t client_of(const struct rs_shard *s, struct net_req *r)
{
	const struct principal *p = r->principal;
	struct principal found;
	char room[LIMIT_ADDRESS];
	struct str header = p ? STR_NONE : net_header(r, "authorization");
	if (str_starts_nocase(header, STR("Bearer ")) &&
	    !access_find(s->txn, RS_TABLE_credential, r->arena, str_trim(str_skip(header, 7)), STR_NONE,
			 &found))
		p = &found;
	return rates_client(s->rates, p ? p->name : limit_address(r->peer, room));
}

static enum err refuse(struct rs_shard *s, struct net_req *r, enum rate_class c, usec_t wait,
		       struct flaw *f)
{
	char seconds[24];
	snprintf(seconds, sizeof seconds, "%lld", (long long)((wait + USEC_PER_SEC - 1) / USEC_PER_SEC));
	net_set(r, "retry-after", str_of(seconds));
	switch (c) {
	case RATE_READ: RS_COUNT(&s->counters, limited_reads); break;
	case RATE_CHANGE: RS_COUNT(&s->counters, limited_changes); break;
	default: RS_COUNT(&s->counters, limited_anonymous); break;
	}
	return flaw_set(f, ERR_QUOTA, FLAW_NO_OFFSET, r->principal ? "authorization" : "address",
			"rate-limit", "too many requests: try again in %s s", seconds);
}

enum err rs_admit(struct net_req *r, struct flaw *f)
{
	struct rs_shard *s = rs__shard(r);
	enum rate_class c;
	usec_t wait;
	if (!class_of(r, &c) || !rates_on(s->rates, c)) return ERR_OK;
	if (rates_enter(s->rates, c, client_of(s, r), clock_mono(), &wait)) return ERR_OK;
	return refuse(s, r, c, wait, f);
}

void limit_charge(struct net_req *r, size_t items)
{
	struct rs_shard *s = rs__shard(r);
	enum rate_class c;
	if (items < 2 || !class_of(r, &c) || !rates_on(s->rates, c)) return;
	rates_charge(s->rates, c, client_of(s, r), clock_mono(), (uint32_t)(items - 1));
}
