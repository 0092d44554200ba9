/* The node's own routes: /, /healthz, /readyz, /metrics, /status. */
#include "tools/kanhed/serve.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/feed.h"
#include "base/json.h"
#include "base/ledger.h"
#include "base/say.h"
#include "net/access.h"
#include "net/cert.h"
#include "tools/kanhed/version.h"

enum { METRICS_MAX = 1 << 20, PAGE_MAX = 16 * 1024 };

static void get_healthz(struct net_req *r)
{
	net_reply(r, 200, "text/plain; charset=utf-8", STR("ok\n"));
}

static const char *refused(const struct storage *s)
{
	if (!s->refuses) return "";
	return strcmp(s->name, "registry") == 0 ? "registry: changes are refused, reads go on\n"
						: "space: changes are refused, reads go on\n";
}

/* A node that cannot write is ready: it resolves, which is what most ask it for, and another one that came
 * in its place would not take its changes either. */
static void get_readyz(struct net_req *r)
{
	const struct node *n = net_ctx(r);
	if (n->stopping)
		net_reply_err(r, ERR_STOPPING, NULL);
	else
		net_reply(r, 200, "text/plain; charset=utf-8",
			  arena_printf(r->arena, "ready\n%s%s%s%s", refused(&n->registry_storage),
				       refused(&n->space_storage), node_test_mode(n->conf),
				       node_test_mode(n->conf)[0] ? "\n" : ""));
}

static void metric(struct buf *out, const char *name, const char *kind, const char *help, uint64_t value)
{
	buf_printf(out, "# HELP kanhe_%s %s\n# TYPE kanhe_%s %s\nkanhe_%s ", name, help, name, kind, name);
	buf_u64(out, value);
	buf_byte(out, '\n');
}

/* What is resident: memory of the process's own, and pages of files, of the stores above all, which the
 * system takes back when it needs them. */
struct resident {
	uint64_t memory, files;
};

static struct resident resident_octets(void)
{
	unsigned long long all = 0, shared = 0;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	FILE *f = fopen("/proc/self/statm", "re");
	if (!f) return (struct resident){0, 0};
	if (fscanf(f, "%*u %llu %llu", &all, &shared) != 2 || shared > all) all = shared = 0;
	fclose(f);
	return (struct resident){(all - shared) * page, shared * page};
}

static void net_metrics(const struct node *n, struct buf *out)
{
	struct net_stat s;
	net_server_stat(n->server, &s);
	struct resident size = resident_octets();
	metric(out, "memory_bytes", "gauge", "memory of the process's own", size.memory);
	metric(out, "resident_file_bytes", "gauge",
	       "pages of files in the system's cache that the process has mapped", size.files);
#define X(name, help) metric(out, "net_" #name, strstr(#name, "_open") ? "gauge" : "counter", help, s.name);
	NET_COUNTERS(X)
#undef X
	struct courier_stat c;
	courier_stat(n->courier, &c);
	metric(out, "test_mode", "gauge", "1: partners are let in unproven, for a conformance kit",
	       node_test_mode(n->conf)[0] != 0);
	metric(out, "courier_sent_total", "counter", "outbound requests sent", c.sent);
	metric(out, "courier_failed_total", "counter", "outbound requests that failed", c.failed);
	metric(out, "courier_retried_total", "counter", "outbound attempts after the first", c.retried);
	metric(out, "courier_refused_address_total", "counter",
	       "outbound connections refused for their address", c.refused_address);
}

static void environment_metrics(struct buf *out, const char *name, struct store *s, struct writer *w)
{
	struct store_stat st;
	struct writer_stat wt;
	store_stat(s, &st);
	writer_stat(w, &wt);
	const struct {
		const char *what, *kind, *help;
		uint64_t value;
	} rows[] = {
	    {"file_bytes", "gauge", "size of the store's file", st.file_octets},
	    {"waiting_bytes", "gauge", "commits in the journals, not folded into the file yet",
	     st.waiting_octets},
	    {"folds_total", "counter", "times that commits were folded into the file", st.folds},
	    {"fold_failures_total", "counter", "times that they could not be", st.fold_failures},
	    {"commands_total", "counter", "changes applied", wt.commands},
	    {"commands_failed_total", "counter", "changes refused", wt.failed},
	    {"commits_total", "counter", "durable commits", wt.batches},
	    {"queue", "gauge", "changes waiting", wt.queue},
	    {"direct_commits_total", "counter", "commits of loads, past the journal", wt.direct},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		buf_printf(out, "# HELP kanhe_%s_%s %s\n# TYPE kanhe_%s_%s %s\nkanhe_%s_%s %llu\n", name,
			   rows[i].what, rows[i].help, name, rows[i].what, rows[i].kind, name, rows[i].what,
			   (unsigned long long)rows[i].value);
	buf_printf(out,
		   "# HELP kanhe_%s_commit_seconds_total time spent in commits\n# TYPE "
		   "kanhe_%s_commit_seconds_total "
		   "counter\nkanhe_%s_commit_seconds_total %.6f\n",
		   name, name, name, (double)wt.commit_usec_total / USEC_PER_SEC);
}

static void buf_free(void *arg)
{
	struct buf *b = arg;
	buf_done(b);
}

/* A buffer that lives as long as the request. NULL without memory. */
static struct buf *request_buf(struct net_req *r, size_t max)
{
	struct buf *b = ARENA_NEW(r->arena, struct buf);
	if (!b) return NULL;
	buf_init(b, max);
	return arena_on_reset(r->arena, buf_free, b) ? NULL : b;
}

static void reply_buf(struct net_req *r, const char *type, const struct buf *b)
{
	if (!b || buf_err(b))
		net_reply_err(r, b ? buf_err(b) : ERR_NO_MEMORY, NULL);
	else
		net_reply(r, 200, type, buf_str(b));
}

static void get_metrics(struct net_req *r)
{
	struct node *n = net_ctx(r);
	struct buf *out = request_buf(r, METRICS_MAX);
	if (out) {
		net_metrics(n, out);
		environment_metrics(out, "registry", n->registry, n->registry_writer);
		environment_metrics(out, "space", n->space, n->space_writer);
		rs_metrics(n->rs, out);
		if (n->ds) ds_metrics(n->ds, out);
	}
	reply_buf(r, "text/plain; version=0.0.4; charset=utf-8", out);
}

static json_t *environment_status(struct store_txn *t, struct store *s, struct writer *w)
{
	struct store_stat st;
	struct feed *feed = writer_feed(w);
	uint64_t head = 0;
	json_t *o = json_object();
	store_stat(s, &st);
	if (feed->driver->head(feed, t, &head)) head = 0;
	json_put_u64(o, "feed_head", head);
	json_put_u64(o, "ledger_size", ledger_size(t));
	json_put_u64(o, "file_octets", st.file_octets);
	return o;
}

static void put_certificate_expiry(json_t *o, const struct conf *c)
{
	usec_t at;
	char text[CLOCK_TEXT];
	if (strcmp(conf_text(c, "net", "https"), "off") == 0) return;
	if (cert_expiry(conf_text(c, "net", "certificate"), NULL, &at)) return;
	json_put_str(o, "certificate_expires", str_of(clock_print(at, false, text)));
}

static void get_status(struct net_req *r)
{
	struct node *n = net_ctx(r);
	json_t *o = json_keep(r->arena, json_object());
	struct resident size = resident_octets();
	if (!o) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	json_put_str(o, "name", str_of(conf_text(n->conf, "node", "name")));
	json_put_str(o, "did", str_of(n->did));
	json_put_str(o, "url", str_of(conf_text(n->conf, "node", "url")));
	json_put_str(o, "version", STR(KANHE_VERSION));
	if (node_test_mode(n->conf)[0]) json_put_str(o, "test_mode", str_of(node_test_mode(n->conf)));
	json_put_u64(o, "uptime_seconds", (uint64_t)((clock_mono() - n->started) / USEC_PER_SEC));
	json_put_u64(o, "memory_octets", size.memory);
	json_put_u64(o, "resident_octets", size.memory + size.files);
	json_put_u64(o, "shards", net_server_shards(n->server));
	json_put_u64(o, "pid", (uint64_t)getpid());
	put_certificate_expiry(o, n->conf);
	json_put(o, "registry",
		 environment_status(rs_shard_txn(r->shard), n->registry, n->registry_writer));
	if (n->ds)
		json_put(o, "space", environment_status(ds_shard_txn(r->shard), n->space, n->space_writer));
	net_reply(r, 200, "application/json", json_write(r->arena, o, false));
}

static void get_home(struct net_req *r)
{
	struct node *n = net_ctx(r);
	enum say_language l = say_accepted(net_header(r, "accept-language"));
	struct buf *b = request_buf(r, PAGE_MAX);
	if (b) {
		struct str name = str_of(conf_text(n->conf, "node", "name"));
		buf_printf(b, "<!doctype html><html lang=\"%s\"><meta charset=\"utf-8\"><title>Kanhe · ",
			   l == SAY_ZH ? "zh" : "en");
		buf_html(b, name);
		buf_printf(b, "</title><meta name=\"viewport\" content=\"width=device-width\"><link "
			      "rel=\"stylesheet\" "
			      "href=\"/style.css\"><main><h1>Kanhe 勘合 · ");
		buf_html(b, name);
		buf_printf(
		    b,
		    "</h1><form action=\"/resolve\"><label>%s <input name=\"id\" size=\"50\" autofocus "
		    "placeholder=\"88.118.8/…\"></label> <button>%s</button></form><p><code>",
		    say_in(l, SAY_HOME_IDENTIFIER), say_in(l, SAY_HOME_RESOLVE));
		buf_html(b, str_of(n->did));
		buf_printf(b, "</code></main></html>\n");
	}
	net_set(r, "content-security-policy",
		STR("default-src 'none'; style-src 'self'; form-action 'self'; "
		    "frame-ancestors 'none'; base-uri 'none'"));
	reply_buf(r, "text/html; charset=utf-8", b);
}

static void get_style(struct net_req *r)
{
	net_set(r, "cache-control", STR("max-age=86400"));
	net_reply(
	    r, 200, "text/css; charset=utf-8",
	    STR("body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:56rem;padding:0 1rem;"
		"color:#1c1c1a;background:#faf9f5}h1{font-size:1.4rem}input,button{font:inherit;padding:."
		"4rem "
		".6rem}table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid "
		"#d8d5cc;padding:"
		".4rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}code{font-size:.9em}"
		".secure,.authoritative{color:#1f6f43}.bogus{color:#a4262c}.insecure{color:#8a6d1a}"));
}

/* The form's way to /resolve/{id}: browsers cannot put a field into the path. */
static void get_resolve_form(struct net_req *r)
{
	struct str id;
	if (!net_query(r, "id", &id) || !id.n) {
		struct flaw f;
		flaw_set(&f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "id", "required",
			 "the query parameter id is missing");
		net_reply_flaw(r, &f);
		return;
	}
	char *to = arena_bytes(r->arena, id.n * 3 + sizeof "/resolve/");
	if (!to) {
		net_reply_err(r, ERR_NO_MEMORY, NULL);
		return;
	}
	size_t at = 0;
	for (const char *p = "/resolve/"; *p;) to[at++] = *p++;
	for (size_t i = 0; i < id.n; i++) {
		unsigned char c = (unsigned char)id.p[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			     strchr("-._~/:", c);
		if (plain && c) {
			to[at++] = (char)c;
		} else {
			static const char digits[] = "0123456789ABCDEF";
			to[at++] = '%';
			to[at++] = digits[c >> 4];
			to[at++] = digits[c & 15];
		}
	}
	net_set(r, "location", str_n(to, at));
	net_reply(r, 303, "text/plain; charset=utf-8", STR("see Location\n"));
}

static const struct net_route routes[] = {
    {NET_GET, "/", get_home, 0, 0, 0, "home page with an input box"},
    {NET_GET, "/style.css", get_style, 0, 0, 0, "style of the pages"},
    {NET_GET, "/resolve", get_resolve_form, 0, 0, 0, "redirects ?id= to /resolve/{id}"},
    {NET_GET, "/healthz", get_healthz, 0, 0, NET_UNMETERED, "the process answers"},
    {NET_GET, "/readyz", get_readyz, 0, 0, NET_UNMETERED, "the node takes requests"},
    {NET_GET, "/status", get_status, ROLE_OPERATOR, 0, NET_UNMETERED, "what the node is and holds"},
};
static const struct net_route metrics_open[] = {
    {NET_GET, "/metrics", get_metrics, 0, 0, NET_UNMETERED, "Prometheus metrics"}};
static const struct net_route metrics_closed[] = {{NET_GET, "/metrics", get_metrics,
						   ROLE_OPERATOR | ROLE_AUDITOR, 0, NET_UNMETERED,
						   "Prometheus metrics"}};

const struct net_routes *node_routes(struct node *n, size_t *ret_n)
{
	static struct net_routes tables[2];
	bool open = conf_switch(n->conf, "metrics", "public");
	tables[0] = (struct net_routes){routes, sizeof routes / sizeof *routes, n};
	tables[1] = (struct net_routes){open ? metrics_open : metrics_closed, 1, n};
	*ret_n = 2;
	return tables;
}
