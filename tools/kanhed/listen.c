#include "tools/kanhed/listen.h"

#include <stdio.h>

/* "host:port" as checked by base/conf: splits at the last colon, brackets off. */
static void add(struct listen *l, const char *text, bool tls)
{
	if (strcmp(text, "off") == 0) return;
	struct str s = str_of(text), h = str_first(s, str_rfind(s, ':'));
	uint64_t port = 0;
	must(!str_u64(str_skip(s, h.n + 1), &port) && port <= UINT16_MAX);
	if (h.n > 1 && h.p[0] == '[') h = str_n(h.p + 1, h.n - 2);
	snprintf(l->hosts[l->n], LISTEN_HOST_MAX, "%.*s", STR_ARG(h));
	l->all[l->n] = (struct net_listener){l->hosts[l->n], (uint16_t)port, tls};
	l->n++;
}

static bool alike(const struct net_listener *a, const struct net_listener *b)
{
	return strcmp(a->host, b->host) == 0 && a->port == b->port;
}

static bool same(const struct listen *a, const struct listen *b)
{
	bool is = a->n == b->n && a->shards == b->shards;
	for (size_t i = 0; is && i < a->n; i++)
		is = alike(&a->all[i], &b->all[i]) && a->all[i].tls == b->all[i].tls;
	return is;
}

static bool holds(const struct listen *l, const struct net_listener *at)
{
	for (size_t i = 0; l->bound && i < l->n; i++)
		if (alike(&l->all[i], at)) return true;
	return false;
}

enum err listen_renew(struct listen *l, const struct conf *c, struct flaw *f)
{
	struct listen next = {.shards = (unsigned)conf_number(c, "net", "shards")};
	add(&next, conf_text(c, "net", "https"), true);
	add(&next, conf_text(c, "net", "http"), false);
	if (!next.n)
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "net", "listeners",
				"https and http are both off");
	if (l->bound && same(l, &next)) return ERR_OK;
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < next.n; i++)
		if (!holds(l, &next.all[i])) e = net_vacant(&next.all[i], f);
	if (!e) e = net_bind(next.all, next.n, next.shards, f, &next.bound);
	if (e) return e;
	net_unbind(l->bound);
	*l = next;
	for (size_t i = 0; i < l->n; i++) l->all[i].host = l->hosts[i];
	return ERR_OK;
}

void listen_drop(struct listen *l)
{
	net_unbind(l->bound);
	l->bound = NULL;
}
