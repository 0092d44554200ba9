#include "tools/kanhe/client.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/conf.h"
#include "net/courier.h"
#include "tools/kanhed/settings.h"

enum { ANSWER_MAX = 64 << 20, TOKEN_MAX = 256, ERRORS_MAX = 65536 };
#define DEADLINE (60 * USEC_PER_SEC)

static bool is_url(const char *s)
{
	return strncmp(s, "http://", 7) == 0 || strncmp(s, "https://", 8) == 0;
}

static const char *joined(struct cli *c, const char *folder, const char *rest)
{
	return arena_printf(c->arena, "%s/%s", folder, rest).p;
}

/* What the node's own configuration says about reaching it. */
static int read_folder(struct cli *c, struct target *t)
{
	struct buf errors = BUF_INIT(ERRORS_MAX);
	struct conf *conf;
	const char *file = joined(c, c->node, "kanhed.conf");
	if (access(file, R_OK)) {
		print_error(c, say(SAY_NO_NODE), c->node);
		return CLI_USAGE;
	}
	enum err e = conf_load(settings_rows, settings_n, file, NULL, 0, &errors, &conf);
	if (e) fprintf(stderr, "%.*s", STR_ARG(buf_str(&errors)));
	buf_done(&errors);
	if (e) return CLI_FAILED;
	t->folder = c->node;
	t->url = arena_dup(c->arena, str_of(conf_text(conf, "node", "url")));
	t->participant = arena_strdup(c->arena, str_of(conf_text(conf, "space", "participant")));
	if (!c->ca_file && conf_text(conf, "out", "ca")[0])
		c->ca_file = arena_strdup(c->arena, str_of(conf_text(conf, "out", "ca")));
	conf_free(conf);
	return CLI_OK;
}

int client_open(struct cli *c)
{
	if (c->target) return CLI_OK;
	struct target *t = ARENA_NEW(c->arena, struct target);
	must(t != NULL);
	t->participant = "";
	if (is_url(c->node)) {
		t->url = str_of(c->node);
		while (str_ends(t->url, STR("/"))) t->url.n--;
	} else {
		int status = read_folder(c, t);
		if (status) return status;
	}
	struct courier_options o = {.ca_file = c->ca_file, .allow_private = true};
	if (courier_start(&o, &t->courier)) {
		print_error(c, "%s", say(SAY_NO_COURIER));
		return CLI_FAILED;
	}
	if (c->token_file && access(c->token_file, R_OK)) {
		print_error(c, say(SAY_CANNOT_READ), c->token_file, strerror(errno));
		return CLI_FAILED;
	}
	c->target = t;
	return CLI_OK;
}

void client_close(struct cli *c)
{
	if (c->target) courier_stop(c->target->courier);
	c->target = NULL;
}

int file_read(struct cli *c, const char *path, size_t max, struct str *ret)
{
	struct buf b = BUF_INIT(max);
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!f) {
		print_error(c, say(SAY_CANNOT_READ), path, strerror(errno));
		return CLI_FAILED;
	}
	size_t got = 1;
	while (got && !buf_err(&b)) {
		char piece[65536];
		got = fread(piece, 1, sizeof piece, f);
		buf_add(&b, str_n(piece, got));
	}
	bool failed = ferror(f) || buf_err(&b);
	if (f != stdin) fclose(f);
	if (failed)
		print_error(c, say(SAY_CANNOT_READ), path,
			    buf_err(&b) ? err_text(buf_err(&b)) : strerror(errno));
	else
		*ret = arena_dup(c->arena, buf_str(&b));
	buf_done(&b);
	return failed ? CLI_FAILED : CLI_OK;
}

int file_json(struct cli *c, const char *path, size_t max, json_t **ret)
{
	struct str text;
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	int status = file_read(c, path, max, &text);
	if (status) return status;
	if (json_read(c->arena, text, &f, ret)) {
		print_error(c, "%s: %s", path, f.text);
		return CLI_FAILED;
	}
	json_incref(*ret);
	return CLI_OK;
}

/* "Bearer kt_…" of the file that --token or the node's folder gives; NULL when there is none. */
static const char *bearer(struct cli *c, const char *name)
{
	struct str text;
	const char *path = c->token_file;
	if (!path) {
		if (!name || !c->target->folder) return NULL;
		path = arena_printf(c->arena, "%s/tokens/%s.token", c->target->folder, name).p;
		if (access(path, R_OK)) return NULL;
	}
	if (file_read(c, path, TOKEN_MAX, &text)) return NULL;
	text = str_trim(text);
	if (!text.n) return NULL;
	return arena_printf(c->arena, "Bearer %.*s", STR_ARG(text)).p;
}

struct sent {
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool done;
	int to_file_failed; /* an errno */
	struct courier_result result;
	struct buf body;
	char type[128];
	FILE *file;
	uint64_t got;
	struct progress progress;
	struct call call;
};

/* Only with the first octets of a 2xx answer: what is refused leaves a file as it was. */
static bool open_output(struct sent *w)
{
	const struct call *call = &w->call;
	if (!w->file && !w->to_file_failed) {
		w->file = strcmp(call->to_file, "-") == 0
			      ? stdout
			      : fopen(call->to_file, call->append ? "ae" : "we");
		if (!w->file) w->to_file_failed = errno;
	}
	return w->file != NULL;
}

static enum err on_data(void *arg, const struct courier_result *r, struct str piece)
{
	struct sent *w = arg;
	w->got += piece.n;
	if (r->status / 100 != 2) {
		buf_add(&w->body, piece);
		return buf_err(&w->body);
	}
	if (!open_output(w)) return ERR_IO;
	if (fwrite(piece.p, 1, piece.n, w->file) != piece.n) {
		w->to_file_failed = errno;
		return ERR_IO;
	}
	if (w->call.expect) progress_show(&w->progress, w->got);
	return ERR_OK;
}

static void on_done(void *arg, const struct courier_result *r)
{
	struct sent *w = arg;
	pthread_mutex_lock(&w->lock);
	w->result = *r;
	buf_add(&w->body, r->body);
	snprintf(w->type, sizeof w->type, "%.*s", STR_ARG(r->content_type));
	w->done = true;
	pthread_cond_signal(&w->over);
	pthread_mutex_unlock(&w->lock);
}

static size_t fill_headers(struct cli *c, const struct call *call, struct courier_header *h)
{
	size_t n = 0;
	const char *auth = bearer(c, call->token ? call->token : c->command->token);
	h[n++] = (struct courier_header){"accept", call->accept ? call->accept : "application/json"};
	if (auth) h[n++] = (struct courier_header){"authorization", auth};
	if (call->json)
		h[n++] = (struct courier_header){"content-type", "application/json"};
	else if (call->type)
		h[n++] = (struct courier_header){"content-type", call->type};
	if (call->if_match) h[n++] = (struct courier_header){"if-match", call->if_match};
	if (call->if_absent) h[n++] = (struct courier_header){"if-none-match", "*"};
	if (call->idempotency_key)
		h[n++] = (struct courier_header){"idempotency-key", call->idempotency_key};
	if (call->range) h[n++] = (struct courier_header){"range", call->range};
	h[n++] = (struct courier_header){"accept-language", say_language() == SAY_ZH ? "zh" : "en"};
	return n;
}

static int tell_unreachable(struct cli *c, const struct courier_result *r)
{
	print_error(c, say(SAY_UNREACHABLE), STR_ARG(c->target->url),
		    r->text[0] ? r->text : err_text(r->err));
	if (strstr(r->text, "issuer certificate") && !c->json) fprintf(stderr, "%s", say(SAY_TRY_CA));
	return r->err == ERR_IO ? CLI_FAILED : CLI_UNREACHABLE;
}

static int exit_of_status(int status)
{
	switch (status) {
	case 401:
	case 403: return CLI_UNAUTHORISED;
	case 404:
	case 410: return CLI_NOT_FOUND;
	default: return CLI_FAILED;
	}
}

int client_problem(struct cli *c, const struct reply *r)
{
	const json_t *j = r->json;
	const char *title = text_of(j, "title"), *detail = text_of(j, "detail");
	bool bogus = r->status == 502 && strstr(text_of(j, "type"), "bogus");
	fprintf(stderr, "kanhe %s: %d ", c->command->name, r->status);
	print_safe(stderr, str_of(title[0] ? title : detail));
	if (title[0] && detail[0]) {
		fprintf(stderr, ": ");
		print_said(stderr, detail);
	}
	bool bare = r->status == 404 && !detail[0] && r->path;
	if (bare) {
		fprintf(stderr, ": ");
		print_safe(stderr, str_first(str_of(r->path), str_find(str_of(r->path), '?')));
	}
	if (bare || (r->status == 404 && strcmp(text_of(j, "rule"), "unknown") == 0))
		fprintf(stderr, " (%.*s)", STR_ARG(c->target->url));
	if (text_of(j, "scheme")[0]) fprintf(stderr, " [%s]", text_of(j, "scheme"));
	if (text_of(j, "rule")[0]) {
		fprintf(stderr, " (%s", text_of(j, "rule"));
		if (text_of(j, "field")[0]) fprintf(stderr, " · %s", text_of(j, "field"));
		const json_t *offset = json_object_get(j, "offset");
		if (json_is_integer(offset))
			fprintf(stderr, " @%lld", (long long)json_integer_value(offset));
		fprintf(stderr, ")");
	}
	if (text_of(j, "request_id")[0]) fprintf(stderr, " [%s]", text_of(j, "request_id"));
	fputc('\n', stderr);
	if (r->status == 401 || r->status == 403) fprintf(stderr, "%s", say(SAY_HINT_TOKEN));
	if (c->json && j) print_json(j);
	return bogus ? CLI_BOGUS : exit_of_status(r->status);
}

bool client_wait(struct sent *w, usec_t most)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += most / USEC_PER_SEC;
	until.tv_nsec += most % USEC_PER_SEC * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&w->lock);
	while (!w->done && !pthread_cond_timedwait(&w->over, &w->lock, &until)) continue;
	bool done = w->done;
	pthread_mutex_unlock(&w->lock);
	return done;
}

static void wait_for(struct sent *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->done) pthread_cond_wait(&w->over, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static int close_output(struct cli *c, const struct call *call, struct sent *w)
{
	if (!call->to_file) return CLI_OK;
	if (!w->result.err && w->result.status / 100 == 2)
		(void)open_output(w); /* nothing came: an empty file */
	if (w->file && fflush(w->file) && !w->to_file_failed) w->to_file_failed = errno;
	if (w->file && w->file != stdout && fclose(w->file) && !w->to_file_failed)
		w->to_file_failed = errno;
	if (!w->to_file_failed) return CLI_OK;
	print_error(c, say(SAY_CANNOT_WRITE), call->to_file, strerror(w->to_file_failed));
	return CLI_FAILED;
}

static void take_reply(struct cli *c, const struct sent *w, struct reply *ret)
{
	struct flaw f;
	*ret = (struct reply){.status = w->result.status, .path = w->call.path};
	ret->body = arena_dup(c->arena, buf_str(&w->body));
	ret->type = arena_dup(c->arena, str_of(w->type));
	bool json = str_starts(ret->type, STR("application/json")) ||
		    str_starts(ret->type, STR("application/ld+json")) ||
		    str_starts(ret->type, STR("application/problem+json"));
	if (json && json_read_large(c->arena, ret->body, &f, &ret->json)) ret->json = NULL;
}

static enum err submit(struct cli *c, struct sent *w)
{
	const struct call *call = &w->call;
	struct courier_header headers[8];
	uint64_t ticket;
	struct courier_req req = {
	    .method = call->method,
	    .url = arena_printf(c->arena, "%.*s%s", STR_ARG(c->target->url), call->path).p,
	    .headers = headers,
	    .headers_n = fill_headers(c, call, headers),
	    .body = call->json ? json_write(c->arena, call->json, false) : call->body,
	    .body_stays = call->body_stays,
	    .body_file = call->body_file,
	    .body_from = call->body_from,
	    .stream = call->body_file != NULL,
	    .h2_prior = true,
	    .deadline = call->deadline ? call->deadline : DEADLINE,
	    .body_max = call->to_file ? 0 : ANSWER_MAX, /* a file may be of any size */
	    .data = call->to_file ? on_data : NULL,
	    .done = on_done,
	    .arg = w};
	progress_start(&w->progress, c, say(SAY_RECEIVING),
		       call->expect == CLIENT_EXPECT_ANY ? 0 : call->expect);
	return courier_submit(c->target->courier, &req, &ticket);
}

int client_send(struct cli *c, const struct call *call, struct sent **ret)
{
	if (call->json) (void)json_keep(c->arena, call->json); /* also when nothing can be sent */
	int status = client_open(c);
	if (status) return status;
	struct sent *w = calloc(1, sizeof *w);
	pthread_condattr_t clock;
	must(w != NULL);
	pthread_mutex_init(&w->lock, NULL);
	must(!pthread_condattr_init(&clock) && !pthread_condattr_setclock(&clock, CLOCK_MONOTONIC));
	must(!pthread_cond_init(&w->over, &clock));
	pthread_condattr_destroy(&clock);
	buf_init(&w->body, ANSWER_MAX);
	w->call = *call;
	enum err e = submit(c, w);
	if (e) {
		print_error(c, "%s", err_text(e));
		status = CLI_FAILED;
	}
	if (status)
		free(w);
	else
		*ret = w;
	return status;
}

int client_finish(struct cli *c, struct sent *w, struct reply *ret)
{
	const struct call *call = &w->call;
	wait_for(w);
	progress_end(&w->progress);
	int status = close_output(c, call, w);
	take_reply(c, w, ret);
	buf_done(&w->body);
	if (w->result.err && !w->to_file_failed)
		status = call->quiet_errors ? CLI_UNREACHABLE : tell_unreachable(c, &w->result);
	else if (!status && ret->status / 100 != 2)
		status = call->quiet_errors ? exit_of_status(ret->status) : client_problem(c, ret);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->over);
	free(w);
	return status;
}

int client_call(struct cli *c, const struct call *call, struct reply *ret)
{
	struct sent *w;
	int status = client_send(c, call, &w);
	return status ? status : client_finish(c, w, ret);
}

int client_list(struct cli *c, const char *path, const char *key, json_t **ret)
{
	struct reply r;
	const char *cursor = "";
	json_t *all = json_keep(c->arena, json_object()), *rows = json_array();
	must(all != NULL);
	json_put(all, key, rows);
	do {
		const char *page =
		    cursor[0] ? client_path(c, "%s%scursor=%s", path, strchr(path, '?') ? "&" : "?",
					    path_word(c, cursor, false))
			      : path;
		int status = client_call(c, &(struct call){.method = "GET", .path = page}, &r);
		if (status) return status;
		json_array_extend(rows, json_object_get(r.json, key));
		cursor = text_of(r.json, "next");
	} while (cursor[0]);
	*ret = all;
	return CLI_OK;
}

const char *client_participant(struct cli *c)
{
	if (client_open(c)) return NULL;
	const char *p = c->as ? c->as : c->target->participant;
	if (p[0]) return path_word(c, p, false);
	print_error(c, "%s", say(SAY_NO_PARTICIPANT));
	return NULL;
}

const char *client_path(struct cli *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct str s = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	must(s.p != NULL);
	return s.p;
}

/* A segment "." or "..", which clients and proxies resolve away (RFC 3986 5.2.4). */
static bool has_dot_segment(const char *word)
{
	struct str rest = str_of(word), segment;
	while (str_split(&rest, '/', &segment))
		if (str_is(segment, ".") || str_is(segment, "..")) return true;
	return false;
}

const char *path_word(struct cli *c, const char *word, bool keep_slash)
{
	if (has_dot_segment(word)) keep_slash = false;
	size_t n = strlen(word), at = 0;
	char *to = arena_bytes(c->arena, 3 * n + 1);
	must(to != NULL);
	for (size_t i = 0; i < n; i++) {
		unsigned char ch = (unsigned char)word[i];
		bool plain = (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') ||
			     (ch >= 'a' && ch <= 'z') || strchr("-._~:", ch) || (keep_slash && ch == '/');
		if (plain)
			to[at++] = (char)ch;
		else
			at += (size_t)snprintf(to + at, 4, "%%%02X", ch);
	}
	to[at] = 0;
	return to;
}

const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

int client_ask_node(struct cli *c, const char *node, struct reply *ret)
{
	/* for a URL the command's own node's authority is the one, as for that node itself */
	bool own = is_url(node) && !is_url(c->node) && access(joined(c, c->node, "kanhed.conf"), R_OK) == 0;
	int status = own ? client_open(c) : CLI_OK;
	if (status) return status;
	struct cli other = *c;
	other.node = node;
	other.token_file = NULL;
	other.target = NULL;
	status =
	    client_call(&other, &(struct call){.method = "GET", .path = "/.well-known/kanhe-node"}, ret);
	client_close(&other);
	return status;
}
