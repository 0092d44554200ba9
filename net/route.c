#include "net/route.h"

#include <stdlib.h>

struct node {
	struct str literal;
	struct node *kids; /* literal children, a list: a dozen at most, compared by length first */
	struct node *next;
	struct node *param; /* one segment */
	struct node *rest;  /* all that is left */
	const struct net_route *route[NET_METHODS];
	const struct net_routes *table[NET_METHODS];
	unsigned methods;
};

struct route_tree {
	struct arena *arena;
	struct node *root;
};

enum { TREE_MAX = 4 << 20 /* octets; a route costs a few hundred */ };

const char *route_method_name(enum net_method m)
{
	static const char *const names[NET_METHODS] = {
	    [NET_GET] = "GET",     [NET_HEAD] = "HEAD",     [NET_POST] = "POST",      [NET_PUT] = "PUT",
	    [NET_PATCH] = "PATCH", [NET_DELETE] = "DELETE", [NET_OPTIONS] = "OPTIONS"};
	must(m < NET_METHODS);
	return names[m];
}

/* ---- compile ----------------------------------------------------------------------------- */

static struct node *child_literal(struct route_tree *t, struct node *at, struct str segment)
{
	for (struct node *k = at->kids; k; k = k->next)
		if (str_eq(k->literal, segment)) return k;
	struct node *k = ARENA_NEW(t->arena, struct node);
	if (!k) return NULL;
	k->literal = segment;
	struct node **end = &at->kids;
	while (*end) end = &(*end)->next;
	*end = k;
	return k;
}

static struct node *child_slot(struct route_tree *t, struct node **slot)
{
	if (!*slot) *slot = ARENA_NEW(t->arena, struct node);
	return *slot;
}

static enum err bad_pattern(struct flaw *f, const struct net_route *r, const char *rule)
{
	return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, r->pattern, rule, "route %s %s: %s",
			route_method_name(r->method), r->pattern, rule);
}

static enum err child_of(struct route_tree *t, struct node *at, struct str segment, struct node **ret)
{
	bool braces = segment.n > 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}';
	*ret = !braces                          ? child_literal(t, at, segment)
	       : str_ends(segment, STR("...}")) ? child_slot(t, &at->rest)
						: child_slot(t, &at->param);
	return *ret ? ERR_OK : ERR_NO_MEMORY;
}

static enum err add_route(struct route_tree *t, const struct net_routes *table, const struct net_route *r,
			  struct flaw *f)
{
	struct str left = str_of(r->pattern), segment;
	struct node *at = t->root;
	unsigned params = 0, segments = 0;
	if (!left.n || left.p[0] != '/' || !r->handler) return bad_pattern(f, r, "pattern-form");
	left = str_skip(left, 1);
	bool rest = false;
	while (left.n && str_split(&left, '/', &segment)) {
		if (!segment.n || rest || ++segments > ROUTE_SEGMENTS_MAX)
			return bad_pattern(f, r, "pattern-form");
		if (segment.p[0] == '{' && ++params > NET_PARAMS_MAX)
			return bad_pattern(f, r, "too-many-parameters");
		enum err e = child_of(t, at, segment, &at);
		if (e) return e;
		rest = segment.p[0] == '{' && str_ends(segment, STR("...}"));
	}
	if (at->route[r->method]) return bad_pattern(f, r, "two-routes-alike");
	at->route[r->method] = r;
	at->table[r->method] = table;
	at->methods |= 1u << r->method;
	return ERR_OK;
}

enum err route_compile(const struct net_routes *tables, size_t n, struct flaw *f, struct route_tree **ret)
{
	struct route_tree *t = calloc(1, sizeof *t);
	if (!t) return ERR_NO_MEMORY;
	enum err e = ERR_NO_MEMORY;
	t->arena = arena_new(TREE_MAX);
	if (t->arena) t->root = ARENA_NEW(t->arena, struct node);
	if (t->root) e = ERR_OK;
	for (size_t i = 0; !e && i < n; i++)
		for (size_t k = 0; !e && k < tables[i].n; k++)
			e = add_route(t, &tables[i], &tables[i].rows[k], f);
	if (e)
		route_free(t);
	else
		*ret = t;
	return e;
}

void route_free(struct route_tree *t)
{
	if (!t) return;
	arena_free(t->arena);
	free(t);
}

/* ---- find -------------------------------------------------------------------------------- */

struct search {
	enum net_method method;
	struct route_match *m;
};

static bool take_node(struct search *s, const struct node *at)
{
	enum net_method m = s->method;
	if (m == NET_HEAD && !at->route[NET_HEAD]) m = NET_GET;
	if (m == NET_METHODS || !at->route[m]) {
		s->m->allow |= at->methods;
		return false;
	}
	s->m->route = at->route[m];
	s->m->table = at->table[m];
	return true;
}

static bool search(struct search *s, const struct node *at, struct str left, unsigned params)
{
	if (!left.n && at->methods && take_node(s, at)) return true;
	if (!left.n) return false;
	size_t n = str_find(left, '/');
	struct str segment = str_first(left, n), after = str_skip(left, n + 1);
	for (const struct node *k = at->kids; k; k = k->next) {
		if (k->literal.n != n || memcmp(k->literal.p, segment.p, n) != 0) continue;
		if (search(s, k, after, params)) return true;
		break;
	}
	if (at->param && n) {
		s->m->param[params] = segment;
		if (search(s, at->param, after, params + 1)) return true;
	}
	if (!at->rest) return false;
	s->m->param[params] = left;
	return take_node(s, at->rest);
}

enum err route_find(const struct route_tree *t, enum net_method method, struct str path,
		    struct route_match *ret)
{
	struct search s = {method, ret};
	*ret = (struct route_match){0};
	if (search(&s, t->root, str_skip(path, 1), 0)) return ERR_OK;
	return ret->allow ? ERR_BAD_METHOD : ERR_NOT_FOUND;
}
