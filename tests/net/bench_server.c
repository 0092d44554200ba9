/* A server that answers 300 octets to anything under /resolve/: what the layer itself costs.
 * bench-net PORT [CERTIFICATE KEY]: clear text on PORT, TLS on PORT + 1 when given. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/net.h"

static char body[300];

static void answer(struct net_req *r)
{
	char *p = arena_bytes(r->arena, sizeof body);
	memcpy(p, body, sizeof body);
	net_reply(r, 200, "application/json", str_n(p, sizeof body));
}

static const struct net_route rows[] = {
    {NET_GET, "/resolve/{id...}", answer, 0, 0, 0, "300 octets"},
    {NET_GET, "/healthz", answer, 0, 0, 0, "the same"},
};

int main(int argc, char **argv)
{
	if (argc < 2) return 2;
	memset(body, 'x', sizeof body);
	struct net_routes routes = {rows, 2, NULL};
	uint16_t port = (uint16_t)strtoul(argv[1], NULL, 10);
	struct net_listener listeners[] = {{"127.0.0.1", port, false},
					   {"127.0.0.1", (uint16_t)(port + 1), true}};
	struct net_options o = {.listeners = listeners,
				.listeners_n = argc > 3 ? 2 : 1,
				.shards = 1,
				.routes = &routes,
				.routes_n = 1};
	if (argc > 3) o.tls = (struct net_tls_options){argv[2], argv[3], NULL};
	struct flaw f = {0};
	struct net_server *s;
	sigset_t set;
	int sig;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (net_server_start(&o, &f, &s)) {
		fprintf(stderr, "%s\n", f.text);
		return 1;
	}
	sigwait(&set, &sig);
	net_server_stop(s, USEC_PER_SEC);
	return 0;
}
