#include "tools/kanhed/listen.h"

#include <stdio.h>

/* "host:port" as checked by base/conf: splits at the last colon, brackets off. */
static void add(struct listen *l, const struct conf *c, const char *key, bool tls)
{
	const char *text = conf_text(c, "net", key);
	if (strcmp(text, "off") == 0) return;
	struct str s = str_of(text), h = str_first(s, str_rfind(s, ':'));
	uint64_t port = 0;
	must(!str_u64(str_skip(s, h.n + 1), &port) && port <= UINT16_MAX);
	if (h.n > 1 && h.p[0] == '[') h = str_n(h.p + 1, h.n - 2);
	snprintf(l->hosts[l->n], LISTEN_HOST_MAX, "%.*s", STR_ARG(h));
	l->all[l->n] = (struct net_listener){l->hosts[l->n], (uint16_t)port, tls};
	l->keys[l->n++] = key;
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

/* All that is not held already. */
static enum err vacant(const struct listen *l, const struct listen *next, struct flaw *f,
		       const char **ret_key)
{
	for (size_t i = 0; i < next->n; i++) {
		enum err e = holds(l, &next->all[i]) ? ERR_OK : net_vacant(&next->all[i], f);
		if (!e) continue;
		*ret_key = next->keys[i];
		snprintf(f->at, sizeof f->at, "net.%s", next->keys[i]);
		return e;
	}
	return ERR_OK;
}

enum err listen_renew(struct listen *l, const struct conf *c, struct flaw *f, const char **ret_key)
{
	struct listen next = {.shards = (unsigned)conf_number(c, "net", "shards")};
	*ret_key = NULL;
	add(&next, c, "https", true);
	add(&next, c, "http", false);
	if (!next.n)
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "net", "listeners",
				"https and http are both off");
	if (l->bound && same(l, &next)) return ERR_OK;
	enum err e = vacant(l, &next, f, ret_key);
	next.bound = l->bound;
	if (!e) e = net_rebind(&next.bound, next.all, next.n, next.shards, f);
	if (e) return e;
	*l = next;
	for (size_t i = 0; i < l->n; i++) l->all[i].host = l->hosts[i];
	return ERR_OK;
}

void listen_drop(struct listen *l)
{
	net_unbind(l->bound);
	l->bound = NULL;
}
