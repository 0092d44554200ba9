/* A resolver node as the daemon wires it — store, writer, courier, server on a port of its own —
 * and a client that speaks HTTP to it. */
#ifndef TESTS_RESOLVER_SITE_H
#define TESTS_RESOLVER_SITE_H

#include "base/json.h"
#include "net/access.h"
#include "resolver/resolver.h"

enum { SITE_AUTHORITIES = 4, SITE_ROLES = 6 };

struct site_options {
	const char *name;
	const char *authority[SITE_AUTHORITIES];
	bool recursive;
	const struct site *anchor; /* NULL: none */
	unsigned shards;           /* 0: 1 */
	usec_t answer_validity;
	const char *const *find_types; /* NULL: the standard ones */
	size_t find_types_n;
	bool applications;
	struct rate_rule rates[RATE_CLASSES_N];
};

struct site {
	char folder[64], url[64], did[64];
	uint16_t port;
	struct store *store;
	struct writer *writer;
	struct sign_key *key;
	struct courier *courier;
	struct rs *rs;
	struct net_server *server;
	struct rs_anchor anchor;
	const char *prefix; /* the first authority */
	struct site_options options;
};

void site_open(const struct site_options *o, struct site *s);
void site_close(struct site *s); /* removes its folder */
/* Stops it and opens its folder again, with s->options as they are then. */
void site_restart(struct site *s);
/* A credential; the token's text is written to out. */
void site_grant(struct site *s, const char *name, uint32_t roles, const char *scope,
		char out[ACCESS_TOKEN_TEXT]);
void site_heads(struct site *s, uint64_t *ret_feed, uint64_t *ret_ledger);

struct http_call {
	const char *method, *path, *token;
	const char *headers[4];
	struct str body;
	const char *content_type; /* NULL: application/json when there is a body */
	bool h2;
};

struct http_reply {
	int status;
	struct str body, head; /* head: header lines as sent, lower-case names */
	json_t *json;          /* when it is JSON */
	struct arena *arena;
};

/* Fails the test when no answer comes. */
struct http_reply http_call(const struct site *s, const struct http_call *c);
struct http_reply http_get(const struct site *s, const char *path);
struct str http_header(const struct http_reply *r, const char *name);
const char *http_text(const struct http_reply *r, const char *member); /* "" when absent */
void http_done(struct http_reply *r);

/* Registers {"values":[{"type":"URL","data":…}]}; the status. */
int site_register(const struct site *s, const char *token, const char *id, const char *data);
/* Delegates prefix to the child; the status. */
int site_delegate(const struct site *s, const char *token, const char *prefix, const struct site *child);

#endif
