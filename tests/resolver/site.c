#include "tests/resolver/site.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/feed.h"
#include "base/ledger.h"

static enum err on_start(void *ctx, struct net_shard *s)
{
	return rs_shard_start(((struct site *)ctx)->rs, s);
}

static void on_turn(void *ctx, struct net_shard *s)
{
	rs_shard_turn(((struct site *)ctx)->rs, s);
}

static void on_idle(void *ctx, struct net_shard *s)
{
	rs_shard_idle(((struct site *)ctx)->rs, s);
}

static void on_stop(void *ctx, struct net_shard *s)
{
	rs_shard_stop(((struct site *)ctx)->rs, s);
}

static enum err guard(void *ctx, struct net_req *r, struct flaw *f)
{
	(void)ctx;
	return access_guard(rs_shard_txn(r->shard), rs_table_credential, r, f);
}

static enum err admit(void *ctx, struct net_req *r, struct flaw *f)
{
	(void)ctx;
	return rs_admit(r, f);
}

/* A port that is free now: the node's URL must be known before it listens. */
static uint16_t free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	must(fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof a));
	must(!getsockname(fd, (struct sockaddr *)&a, &n));
	close(fd);
	return ntohs(a.sin_port);
}

static void open_stores(struct site *s, const char *name)
{
	char sub[128], origin[128];
	struct flaw f = {0};
	snprintf(sub, sizeof sub, "%s/registry", s->folder);
	struct store_options so = {.folder = sub,
				   .tables = rs_tables,
				   .tables_n = rs_tables_n,
				   .told = rs_table_told,
				   .format = 1};
	if (store_open(&so, &f, &s->store)) fprintf(stderr, "store: %s\n", f.text);
	must(s->store);
	snprintf(origin, sizeof origin, "%s.example/registry", name);
	struct writer_options wo = {.store = s->store, .origin = origin};
	must(!writer_start(&wo, &s->writer));
}

static void open_resolver(struct site *s, const struct site_options *o)
{
	struct flaw f = {0};
	struct rs_options ro = {.store = s->store,
				.writer = s->writer,
				.key = s->key,
				.did = s->did,
				.name = o->name,
				.url = s->url,
				.authority = o->authority,
				.recursive = o->recursive,
				.courier = s->courier,
				.answer_validity = o->answer_validity,
				.find_types = o->find_types,
				.find_types_n = o->find_types_n,
				.applications = o->applications};
	memcpy(ro.rates, o->rates, sizeof ro.rates);
	while (ro.authority_n < SITE_AUTHORITIES && o->authority[ro.authority_n]) ro.authority_n++;
	if (o->anchor) {
		s->anchor = (struct rs_anchor){.prefix = o->anchor->prefix, .url = o->anchor->url};
		memcpy(s->anchor.public_key, sign_public(o->anchor->key), SIGN_PUBLIC);
		ro.anchors = &s->anchor;
		ro.anchors_n = 1;
	}
	if (rs_open(&ro, &f, &s->rs)) fprintf(stderr, "resolver: %s: %s\n", f.at, f.text);
	must(s->rs);
}

/* Everything but the key, the port and the folder. */
static void site_start(struct site *s)
{
	struct flaw f = {0};
	const struct site_options *o = &s->options;
	open_stores(s, o->name);
	struct courier_options co = {.allow_private = true};
	must(s->key && !courier_start(&co, &s->courier));
	open_resolver(s, o);
	struct net_listener l = {"127.0.0.1", s->port, false};
	struct net_options no = {.listeners = &l,
				 .listeners_n = 1,
				 .shards = o->shards ? o->shards : 1,
				 .routes = rs_routes(s->rs),
				 .routes_n = 1,
				 .hooks = {s, on_start, on_turn, on_idle, on_stop, guard},
				 .admit = admit};
	if (net_server_start(&no, &f, &s->server)) fprintf(stderr, "server: %s\n", f.text);
	must(s->server);
}

static void site_stop(struct site *s)
{
	net_server_stop(s->server, USEC_PER_SEC);
	courier_stop(s->courier);
	writer_stop(s->writer);
	rs_close(s->rs);
	store_close(s->store);
}

void site_open(const struct site_options *o, struct site *s)
{
	must(!sign_setup());
	*s = (struct site){
	    .port = free_port(), .prefix = o->authority[0], .key = sign_key_new(), .options = *o};
	snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", s->port);
	snprintf(s->did, sizeof s->did, "did:web:127.0.0.1%%3A%u", s->port);
	snprintf(s->folder, sizeof s->folder, "/tmp/kanhe-site-XXXXXX");
	must(mkdtemp(s->folder));
	site_start(s);
}

void site_restart(struct site *s)
{
	site_stop(s);
	s->store = NULL;
	s->rs = NULL;
	s->server = NULL;
	site_start(s);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *w)
{
	(void)st;
	(void)kind;
	(void)w;
	return remove(path);
}

void site_close(struct site *s)
{
	site_stop(s);
	sign_key_free(s->key);
	nftw(s->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void site_grant(struct site *s, const char *name, uint32_t roles, const char *scope,
		char out[ACCESS_TOKEN_TEXT])
{
	access_token_make(out);
	must(!rs_credential_add(s->writer, str_of(name), roles, str_of(scope), str_of(out)));
}

void site_heads(struct site *s, uint64_t *ret_feed, uint64_t *ret_ledger)
{
	struct store_txn *t;
	struct feed *feed = writer_feed(s->writer);
	must(!store_read(s->store, &t));
	*ret_ledger = ledger_size(t);
	if (feed->driver->head(feed, t, ret_feed)) *ret_feed = 0;
	store_read_end(t);
}

/* ---- the client ------------------------------------------------------------------------- */

struct taking {
	struct buf body, head;
};

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
	buf_add(&((struct taking *)arg)->body, str_n(p, size * n));
	return size * n;
}

static size_t take_head(char *p, size_t size, size_t n, void *arg)
{
	struct buf *b = &((struct taking *)arg)->head;
	bool name = true;
	for (size_t i = 0; i < size * n; i++) {
		if (p[i] == ':') name = false;
		buf_byte(b, name && p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] + 32) : p[i]);
	}
	return size * n;
}

static struct curl_slist *headers_of(const struct http_call *c)
{
	char line[512];
	struct curl_slist *l = curl_slist_append(NULL, "expect:");
	if (c->token) {
		snprintf(line, sizeof line, "authorization: Bearer %s", c->token);
		l = curl_slist_append(l, line);
	}
	if (c->body.p) {
		snprintf(line, sizeof line, "content-type: %s",
			 c->content_type ? c->content_type : "application/json");
		l = curl_slist_append(l, line);
	}
	for (size_t i = 0; i < 4 && c->headers[i]; i++) l = curl_slist_append(l, c->headers[i]);
	return l;
}

struct http_reply http_call(const struct site *s, const struct http_call *c)
{
	struct taking t = {BUF_INIT(64 << 20), BUF_INIT(1 << 20)};
	struct http_reply r = {.arena = arena_new((size_t)256 << 20)};
	char url[4096];
	long status = 0;
	CURL *h = curl_easy_init();
	struct curl_slist *headers = headers_of(c);
	must(h && r.arena);
	snprintf(url, sizeof url, "%s%s", s->url, c->path);
	curl_easy_setopt(h, CURLOPT_URL, url);
	curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, c->method ? c->method : "GET");
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h, CURLOPT_TIMEOUT, 120L);
	if (c->h2) curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, &t);
	curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_head);
	curl_easy_setopt(h, CURLOPT_HEADERDATA, &t);
	if (c->body.p) {
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, c->body.p);
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.n);
	}
	CURLcode e = curl_easy_perform(h);
	if (e) fprintf(stderr, "%s: %s\n", url, curl_easy_strerror(e));
	must(!e && !buf_err(&t.body));
	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	r.status = (int)status;
	r.body = arena_dup(r.arena, buf_str(&t.body));
	r.head = arena_dup(r.arena, buf_str(&t.head));
	if (str_find(http_header(&r, "content-type"), 'j') < http_header(&r, "content-type").n &&
	    json_read_large(r.arena, r.body, NULL, &r.json))
		r.json = NULL;
	curl_slist_free_all(headers);
	curl_easy_cleanup(h);
	buf_done(&t.body);
	buf_done(&t.head);
	return r;
}

struct http_reply http_get(const struct site *s, const char *path)
{
	return http_call(s, &(struct http_call){.path = path});
}

struct str http_header(const struct http_reply *r, const char *name)
{
	struct str rest = r->head, line;
	size_t n = strlen(name);
	while (str_split(&rest, '\n', &line))
		if (str_starts(line, str_of(name)) && line.n > n && line.p[n] == ':')
			return str_trim(str_skip(line, n + 1));
	return STR_NONE;
}

const char *http_text(const struct http_reply *r, const char *member)
{
	const char *t = json_string_value(json_object_get(r->json, member));
	return t ? t : "";
}

void http_done(struct http_reply *r)
{
	arena_free(r->arena);
	*r = (struct http_reply){0};
}

int site_register(const struct site *s, const char *token, const char *id, const char *data)
{
	char path[512], body[1024];
	snprintf(path, sizeof path, "/registry/%s", id);
	snprintf(body, sizeof body, "{\"values\":[{\"type\":\"URL\",\"data\":\"%s\"}]}", data);
	struct http_reply r = http_call(
	    s, &(struct http_call){.method = "PUT", .path = path, .token = token, .body = str_of(body)});
	int status = r.status;
	if (status >= 300) fprintf(stderr, "register %s: %.*s\n", id, STR_ARG(r.body));
	http_done(&r);
	return status;
}

int site_delegate(const struct site *s, const char *token, const char *prefix, const struct site *child)
{
	char key[SIGN_MULTIBASE], body[1024];
	sign_public_multibase(sign_public(child->key), key);
	snprintf(
	    body, sizeof body,
	    "{\"prefix\":\"%s\",\"did\":\"%s\",\"keys\":[\"%s\"],\"endpoints\":[{\"protocol\":\"http\","
	    "\"url\":\"%s\"}]}",
	    prefix, child->did, key, child->url);
	struct http_reply r = http_call(
	    s, &(struct http_call){
		   .method = "POST", .path = "/delegations", .token = token, .body = str_of(body)});
	int status = r.status;
	if (status >= 300) fprintf(stderr, "delegate %s: %.*s\n", prefix, STR_ARG(r.body));
	http_done(&r);
	return status;
}
