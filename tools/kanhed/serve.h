/* Serving: the worker's life between "ready" and "stopped". Threads: the main thread. */
#ifndef TOOLS_KANHED_SERVE_H
#define TOOLS_KANHED_SERVE_H

#include "tools/kanhed/listen.h"
#include "tools/kanhed/node.h"

/* Exit statuses of the worker; the supervisor restarts it on all but these. */
enum { EXIT_STOPPED = 0, EXIT_CONFIGURATION = 78 /* EX_CONFIG of sysexits(3) */ };

/* Opens, serves on the bound sockets until SIGTERM or SIGINT, closes. Returns an exit status; errors are
 * logged. */
int serve(const struct conf *c, const struct listen *l);
/* Why there is no start. */
void log_flaw(const struct flaw *f);

/* The node's own routes: health, metrics, status, home page (tools/kanhed/face.c). */
const struct net_routes *node_routes(struct node *n, size_t *ret_n);
/* Tells systemd (sd_notify(3) protocol) "READY=1" or "STOPPING=1"; nothing without NOTIFY_SOCKET. */
void notify_systemd(const char *state);

#endif
