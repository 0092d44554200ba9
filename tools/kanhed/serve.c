#include "tools/kanhed/serve.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "net/access.h"
#include "net/ledger_face.h"

enum { ROUTE_TABLES_MAX = 32 };

static enum err hook_start(void *ctx, struct net_shard *s)
{
	struct node *n = ctx;
	enum err e = rs_shard_start(n->rs, s);
	if (!e && n->ds) e = ds_shard_start(n->ds, s);
	return e;
}

static void hook_turn(void *ctx, struct net_shard *s)
{
	struct node *n = ctx;
	rs_shard_turn(n->rs, s);
	if (n->ds) ds_shard_turn(n->ds, s);
}

static void hook_idle(void *ctx, struct net_shard *s)
{
	struct node *n = ctx;
	rs_shard_idle(n->rs, s);
	if (n->ds) ds_shard_idle(n->ds, s);
}

static void hook_stop(void *ctx, struct net_shard *s)
{
	struct node *n = ctx;
	if (n->ds) ds_shard_stop(n->ds, s);
	rs_shard_stop(n->rs, s);
}

static enum err hook_guard(void *ctx, struct net_req *r, struct flaw *f)
{
	(void)ctx;
	return access_guard(rs_shard_txn(r->shard), rs_table_credential, r, f);
}

static enum err hook_admit(void *ctx, struct net_req *r, struct flaw *f)
{
	(void)ctx;
	return rs_admit(r, f);
}

void notify_systemd(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	if (!path || !path[0] || strlen(path) >= sizeof to.sun_path) return;
	memcpy(to.sun_path, path, strlen(path));
	if (to.sun_path[0] == '@') to.sun_path[0] = 0; /* abstract namespace */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) return;
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, len) < 0)
		log_msg(LOG_WARN, "systemd", NULL, "cannot notify: %m");
	close(fd);
}

struct tables {
	struct net_routes all[ROUTE_TABLES_MAX];
	size_t n;
};

static void add_tables(struct tables *t, const struct net_routes *more, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		must(t->n < ROUTE_TABLES_MAX);
		t->all[t->n++] = more[i];
	}
}

static void collect_routes(struct node *n, struct tables *t, struct ledger_face *faces[2])
{
	size_t count;
	const struct net_routes *own = node_routes(n, &count);
	add_tables(t, own, count);
	add_tables(t, rs_routes(n->rs), 1);
	add_tables(t, ledger_face_routes(faces[0]), 1);
	if (!n->ds) return;
	const struct net_routes *space = ds_routes(n->ds, &count);
	add_tables(t, space, count);
	add_tables(t, ledger_face_routes(faces[1]), 1);
}

static enum err start_server(struct node *n, const struct listen *l, const struct tables *t, struct flaw *f)
{
	const struct conf *c = n->conf;
	const char *client_ca = conf_text(c, "net", "client_ca");
	struct net_options o = {.listeners = l->all,
				.listeners_n = l->n,
				.bound = l->bound,
				.tls = {.certificate = conf_text(c, "net", "certificate"),
					.key = conf_text(c, "net", "certificate_key"),
					.client_ca = client_ca[0] ? client_ca : NULL},
				.routes = t->all,
				.routes_n = t->n,
				.hooks = {n, hook_start, hook_turn, hook_idle, hook_stop, hook_guard},
				.admit = hook_admit,
				.connections_max = (unsigned)conf_number(c, "net", "connections"),
				.idle_timeout = conf_number(c, "net", "idle_timeout"),
				.header_timeout = conf_number(c, "net", "header_timeout"),
				.stall_timeout = conf_number(c, "net", "stall_timeout")};
	return net_server_start(&o, f, &n->server);
}

void log_flaw(const struct flaw *f)
{
	log_line(LOG_ERROR, "start", NULL, "error", err_name(f->err), "at", f->at, "rule", f->rule, "msg",
		 f->text, NULL);
}

static int wait_for_signal(const sigset_t *set)
{
	for (int got;;) {
		if (sigwait(set, &got) == 0 && got != SIGPIPE) return got;
	}
}

static void run_until_stopped(struct node *n, const sigset_t *set)
{
	char took[32];
	snprintf(took, sizeof took, "%.1f", (double)(clock_mono() - n->started) / USEC_PER_MSEC);
	log_line(LOG_INFO, "ready", NULL, "node", conf_text(n->conf, "node", "name"), "did", n->did, "url",
		 conf_text(n->conf, "node", "url"), "ms", took, NULL);
	notify_systemd("READY=1");
	int got = wait_for_signal(set);
	log_line(LOG_INFO, "stop", NULL, "signal", strsignal(got), NULL);
	notify_systemd("STOPPING=1");
	n->stopping = true;
	if (n->ds) ds_quiesce(n->ds);
	net_server_stop(n->server, conf_number(n->conf, "net", "grace"));
	n->server = NULL;
	enum err e = rs_flush(n->rs);
	if (e) log_msg(LOG_WARN, "stop", NULL, "the last counts of resolutions are lost: %s", err_text(e));
}

int serve(const struct conf *c, const struct listen *l)
{
	struct node n;
	struct flaw f = {0};
	struct tables t = {.n = 0};
	struct ledger_face *faces[2] = {NULL, NULL};
	sigset_t set;
	/* before any thread starts, so that all inherit the mask and only sigwait sees them */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);

	enum err e = node_open_stores(&n, c, &f);
	if (!e) e = node_open_halves(&n, &f);
	if (!e)
		e = ledger_face_open("registry", writer_ledger(n.registry_writer), rs_shard_txn, n.key,
				     &faces[0]);
	if (!e && n.ds)
		e = ledger_face_open("space", writer_ledger(n.space_writer), ds_shard_txn, n.key,
				     &faces[1]);
	if (!e) {
		collect_routes(&n, &t, faces);
		e = start_server(&n, l, &t, &f);
	}
	if (!e && n.ds) e = ds_start(n.ds, n.server);
	if (e) {
		if (!f.err) flaw_set(&f, e, FLAW_NO_OFFSET, "node", "start", "%s", err_text(e));
		log_flaw(&f);
		if (n.server) net_server_stop(n.server, 0);
	} else {
		run_until_stopped(&n, &set);
	}
	node_close(&n);
	ledger_face_close(faces[0]);
	ledger_face_close(faces[1]);
	return e ? EXIT_CONFIGURATION : EXIT_STOPPED;
}
