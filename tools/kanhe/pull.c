/* kanhe pull: takes a dataset under an agreement; the node fetches, checks and keeps it. */
#include "tools/kanhe/client.h"

#include <errno.h>

#include "base/clock.h"

enum { POLL_SECONDS = 1 };

static bool over(const char *state)
{
	return strcmp(state, "COMPLETED") == 0 || strcmp(state, "TERMINATED") == 0;
}

static uint64_t number_of(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static bool endless(const json_t *t)
{
	return json_is_true(json_object_get(t, "nonFinite"));
}

/* Waits in the node (long poll) until the transfer has ended, showing how far it is. */
static int follow(struct cli *c, const char *at, struct reply *r)
{
	struct progress p = {0};
	char told[UNDER_WAY_TOLD] = "";
	int status = CLI_OK;
	while (!status && !over(text_of(r->json, "state")) && !endless(r->json)) {
		struct arena_mark mark = arena_mark(c->arena);
		struct call wait = {
		    .method = "GET",
		    .path = client_path(c, "%s?wait=COMPLETED,TERMINATED&timeout=%d", at, POLL_SECONDS)};
		status = client_call(c, &wait, r);
		if (status) break;
		if (!over(text_of(r->json, "state"))) {
			if (!told[0] && !c->quiet && !number_of(r->json, "octets"))
				fprintf(stderr, say(SAY_PULL_FOLLOWS), text_of(r->json, "pid"),
					text_of(r->json, "state"));
			if (!told[0]) snprintf(told, sizeof told, "%s", text_of(r->json, "pid"));
			under_way_tell(c, r->json, told);
		}
		if (!p.started && number_of(r->json, "size"))
			progress_start(&p, c, say(SAY_RECEIVING), number_of(r->json, "size"));
		if (p.started) progress_show(&p, number_of(r->json, "octets"));
		if (!over(text_of(r->json, "state")) && !endless(r->json)) {
			r->json = NULL;
			arena_rollback(c->arena, mark);
		}
	}
	progress_end(&p);
	return status;
}

/* What does not end: written on as it comes, until one side ends it. to: NULL: only waited for. */
static int follow_stream(struct cli *c, const char *at, const char *to, struct reply *r)
{
	struct arena_mark mark = arena_mark(c->arena); /* it may go on for long: nothing piles up */
	uint64_t have = 0;
	int status = CLI_OK;
	while (!status) {
		uint64_t octets = number_of(r->json, "octets");
		bool end = over(text_of(r->json, "state"));
		if (to && octets > have) {
			struct reply piece;
			struct call get = {.method = "GET",
					   .path = client_path(c, "%s/content", at),
					   .accept = "*/*",
					   .to_file = to,
					   .append = have > 0,
					   .range = arena_printf(c->arena, "bytes=%llu-%llu",
								 (unsigned long long)have,
								 (unsigned long long)octets - 1)
							.p,
					   .deadline = 600 * USEC_PER_SEC};
			status = client_call(c, &get, &piece);
			have = octets;
		}
		if (status || end) break;
		r->json = NULL;
		arena_rollback(c->arena, mark);
		struct call wait = {.method = "GET"};
		wait.path = client_path(c, "%s?wait=COMPLETED,TERMINATED&timeout=%d", at, POLL_SECONDS);
		status = client_call(c, &wait, r);
	}
	return status;
}

/* What did not hold, with what was found instead. */
static void print_premise(const json_t *p)
{
	if (json_is_true(json_object_get(p, "satisfied"))) return;
	fprintf(stderr, "  ✗ %s %s ", safe(text_of(p, "leftOperand")), safe(text_of(p, "operator")));
	print_safe(stderr, str_of(text_of(p, "rightOperand")));
	fprintf(stderr, " — %s ", say(SAY_ACTUAL));
	print_safe(stderr, str_of(text_of(p, "actual")[0] ? text_of(p, "actual") : "—"));
	fputc('\n', stderr);
}

static void print_report(const json_t *t)
{
	size_t i, k;
	json_t *rule, *premise;
	print_said(stderr, text_of(t, "reason"));
	fputc('\n', stderr);
	json_array_foreach(json_object_get(json_object_get(t, "report"), "rules"), i, rule)
	{
		json_array_foreach(json_object_get(rule, "premises"), k, premise) print_premise(premise);
	}
}

static int tell(struct cli *c, const json_t *t, const char *to)
{
	/* what does not end is ended by somebody's wish */
	bool wished = endless(t) && strcmp(text_of(t, "code"), "TERMINATED") == 0;
	bool done = strcmp(text_of(t, "state"), "COMPLETED") == 0 || wished;
	if (c->json) {
		print_json(t);
	} else if (done && text_of(t, "dataplane")[0]) {
		printf(say(SAY_PULLED_PLANE), text_of(t, "pid"), text_of(t, "dataplane"));
	} else if (done && strstr(text_of(t, "format"), "PUSH")) {
		printf(say(SAY_PULLED_PUSHED), text_of(t, "pid"));
	} else if (done && !text_of(t, "digest")[0]) {
		printf(say(SAY_PULLED_ENDLESS), (unsigned long long)number_of(t, "octets"),
		       to ? to : text_of(t, "pid"));
	} else if (done) {
		bool promised = strcmp(text_of(t, "digest_state"), "unpromised") != 0;

		printf(say(promised ? SAY_PULLED : SAY_PULLED_UNPROMISED),
		       (unsigned long long)number_of(t, "octets"), text_of(t, "digest"),
		       to ? to : text_of(t, "pid"));
	} else {
		fprintf(stderr, "kanhe pull: %s ", text_of(t, "state"));
		print_report(t);
	}
	return done ? CLI_OK : CLI_FAILED;
}

/* Where the provider shall push to, or which outside data plane takes the data, in which format. */
struct push {
	const char *url, *token_file, *method, *plane, *format;
};

static int push_read(struct cli *c, const struct push *p, json_t *body)
{
	char token[4096];
	size_t n;
	FILE *f;

	if (p->plane) json_put_str(body, "dataplane", str_of(p->plane));
	if (p->format) json_put_str(body, "format", str_of(p->format));
	if (!p->url) return CLI_OK;
	json_put_str(body, "sink", str_of(p->url));
	if (p->method) json_put_str(body, "sinkMethod", str_of(p->method));
	if (!p->token_file) return CLI_OK;
	f = fopen(p->token_file, "re");
	if (!f) {
		print_error(c, say(SAY_CANNOT_READ), p->token_file, strerror(errno));
		return CLI_USAGE;
	}
	n = fread(token, 1, sizeof token, f);
	fclose(f);
	json_put_str(body, "sinkAuthorization", str_trim(str_n(token, n)));
	return CLI_OK;
}

static int start(struct cli *c, const char *who, const char *agreement, const char *purpose, uint64_t rate,
		 const struct push *push, struct reply *r)
{
	json_t *body = json_object();
	json_put_str(body, "agreement", str_of(agreement));
	if (purpose) json_put_str(body, "purpose", str_of(purpose));
	if (rate) json_put_u64(body, "rate", rate);
	int status = push_read(c, push, body);
	if (status) {
		json_decref(body);
		return status;
	}
	struct call call = {
	    .method = "POST", .path = client_path(c, "/participants/%s/transfers", who), .json = body};
	return client_call(c, &call, r);
}

static const char *transfer_path(struct cli *c, const char *who, const char *pid)
{
	return client_path(c, "/participants/%s/transfers/%s", who, path_word(c, pid, false));
}

int command_pull(struct cli *c, int argc, char **argv)
{
	bool no_wait = false;
	const char *to = NULL, *purpose = NULL, *rate_text = NULL, *transfer = NULL;
	struct push push = {NULL};
	uint64_t rate = 0;
	struct words words;
	struct reply r, content;
	const struct option_row own[] = {{"to", &to, NULL},
					 {"purpose", &purpose, NULL},
					 {"rate", &rate_text, NULL},
					 {"transfer", &transfer, NULL},
					 {"no-wait", NULL, &no_wait},
					 {"push", &push.url, NULL},
					 {"push-token", &push.token_file, NULL},
					 {"push-method", &push.method, NULL},
					 {"plane", &push.plane, NULL},
					 {"format", &push.format, NULL}};
	int status = options_read(c, argc, argv, own, sizeof own / sizeof *own, &words);
	if (status) return status;
	if (words.n != 1 && !transfer) return words_wrong(c, &words, 1, "AGREEMENT");
	if (rate_text && str_u64(str_of(rate_text), &rate))
		return usage_error(c, SAY_NOT_NUMBER, rate_text);
	const char *who = client_participant(c);
	if (!who) return CLI_USAGE;
	if (transfer)
		status = client_call(
		    c, &(struct call){.method = "GET", .path = transfer_path(c, who, transfer)}, &r);
	else
		status = start(c, who, words.word[0], purpose, rate, &push, &r);
	if (status) return status;
	const char *at = transfer_path(c, who, text_of(r.json, "pid"));
	if (no_wait) {
		if (c->json)
			print_json(r.json);
		else
			printf("%s: %s\n", text_of(r.json, "pid"), text_of(r.json, "state"));
		return CLI_OK;
	}
	status = follow(c, at, &r);
	if (!status && endless(r.json)) {
		status = follow_stream(c, at, to, &r);
		return status ? status : tell(c, r.json, to);
	}
	if (status) return status;
	if (to && !push.url && !text_of(r.json, "dataplane")[0] &&
	    strcmp(text_of(r.json, "state"), "COMPLETED") == 0) {
		struct call get = {.method = "GET",
				   .path = client_path(c, "%s/content", at),
				   .accept = "*/*",
				   .to_file = to,
				   .expect = number_of(r.json, "size"),
				   .deadline = 600 * USEC_PER_SEC};
		status = client_call(c, &get, &content);
		if (status) return status;
	}
	return tell(c, r.json, to);
}
