#include "resolver/upstream.h"

#include <stdlib.h>

#include "resolver/state.h"

enum { URL_ARENA = 16 * 1024, CONNECT_AGAIN = 1 };

struct asked {
	struct rs_shard *shard;
	uint64_t walk;
	unsigned turn;
	struct upstream_reply reply;
	char text[200], type[64];
	char *body;
};

static void asked_free(struct asked *a)
{
	free(a->body);
	free(a);
}

static void deliver(void *arg)
{
	struct asked *a = arg;
	if (a->shard->walker) walker_reply(a->shard->walker, a->walk, a->turn, &a->reply);
	asked_free(a);
}

/* On the courier's thread: takes copies, the result ends with this call. */
static void on_done(void *arg, const struct courier_result *r)
{
	struct asked *a = arg;
	a->reply = (struct upstream_reply){.err = r->err, .status = r->status, .text = a->text};
	snprintf(a->text, sizeof a->text, "%s", r->text);
	snprintf(a->type, sizeof a->type, "%.*s", STR_ARG(str_first(r->content_type, sizeof a->type - 1)));
	a->reply.content_type = str_of(a->type);
	if (!r->err && r->body.n) {
		a->body = malloc(r->body.n);
		if (a->body)
			memcpy(a->body, r->body.p, r->body.n);
		else
			a->reply.err = ERR_NO_MEMORY;
		a->reply.body = str_n(a->body, a->body ? r->body.n : 0);
	}
	if (rs__post(a->shard, deliver, a)) asked_free(a);
}

static bool unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.' || c == '_' || c == '~' || c == ':';
}

struct str upstream_url(struct arena *a, struct str url, struct str id)
{
	static const char digits[] = "0123456789ABCDEF";
	const struct str path = STR("/resolve/"), query = STR("?rd=0");
	char *out = arena_bytes(a, url.n + path.n + 3 * id.n + query.n + 1), *p = out;
	if (!out) return STR_NONE;
	memcpy(p, url.p, url.n);
	p += url.n;
	memcpy(p, path.p, path.n);
	p += path.n;
	for (size_t i = 0; i < id.n; i++) {
		unsigned char c = (unsigned char)id.p[i];
		if (unreserved(c)) {
			*p++ = (char)c;
			continue;
		}
		*p++ = '%';
		*p++ = digits[c >> 4];
		*p++ = digits[c & 15];
	}
	memcpy(p, query.p, query.n + 1);
	return str_n(out, (size_t)(p - out) + query.n);
}

enum err upstream_ask(void *ctx, const struct upstream_question *q)
{
	struct rs_shard *s = ctx;
	struct courier *courier = s->rs->o.courier;
	struct courier_header headers[] = {{"accept", ANSWER_MEDIA_TYPE}};
	struct arena *tmp = arena_new(URL_ARENA);
	struct asked *a = calloc(1, sizeof *a);
	struct str full = tmp ? upstream_url(tmp, q->url, q->id->text) : STR_NONE;
	uint64_t ticket;
	enum err e = ERR_NO_MEMORY;
	if (a && full.p) {
		a->shard = s;
		a->walk = q->walk;
		a->turn = q->turn;
		/* https speaks HTTP/2; over http libcurl before 8 cannot use a prior-knowledge
		 * connection twice, so HTTP/1.1 */
		struct courier_req out = {.method = "GET",
					  .url = full.p,
					  .headers = headers,
					  .headers_n = 1,
					  .deadline = q->deadline,
					  .retries = CONNECT_AGAIN,
					  .body_max = ENVELOPE_PACKED_MAX,
					  .done = on_done,
					  .arg = a};
		e = courier ? courier_submit(courier, &out, &ticket) : ERR_UNSUPPORTED;
	}
	if (e) free(a);
	arena_free(tmp);
	return e;
}
