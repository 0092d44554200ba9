/* Routes: patterns compiled once into a tree of path segments.
 *
 * Purpose: find the route of a method and a path in the order of the path's length. A literal
 * segment is preferred to a parameter, that to the rest of the path; where the preferred branch
 * lacks the method, the next is tried, so that two tables may share a prefix.
 * Ownership: the tree is the caller's; it borrows the tables. Threads: immutable after
 * route_compile. Pure. */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include "net/net.h"

struct route_tree;

struct route_match {
	const struct net_route *route;
	const struct net_routes *table;
	struct str param[NET_PARAMS_MAX];
	unsigned
	    allow; /* set of methods (1 << method) that the path has, when the method is not among them */
};

enum { ROUTE_SEGMENTS_MAX = 32 /* of a pattern: bounds the depth of the search */ };

/* ERR_BAD_CONF with the pattern and the rule in *f: two routes of one method and pattern,
 * malformed patterns, too many parameters. ERR_NO_MEMORY. */
enum err route_compile(const struct net_routes *tables, size_t n, struct flaw *f,
		       struct route_tree **ret) MUST_USE;
void route_free(struct route_tree *t); /* NULL is allowed */
/* ERR_OK, ERR_NOT_FOUND, ERR_BAD_METHOD (allow is set). A HEAD finds the GET route. method may be
 * NET_METHODS: a method none of ours. */
enum err route_find(const struct route_tree *t, enum net_method method, struct str path,
		    struct route_match *ret) MUST_USE;
const char *route_method_name(enum net_method m);

#endif
