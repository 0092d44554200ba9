/* Full negotiations as a consumer's owner sees them: asked for, then awaited until FINALIZED.
 *
 *   bench-negotiate URL CA TOKEN PARTICIPANT PROVIDER DATASET CLIENTS SECONDS
 *
 * CLIENTS of them are under way at any time; each is one POST and one long poll. One line of JSON:
 * {"negotiations", "failed", "seconds", "rate", "p50_us", "p90_us", "p99_us", "max_us"}. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "net/courier.h"

enum { CLIENTS_MAX = 1024, SAMPLES_MAX = 1 << 20, TEXT_MAX = 1024, WAIT_SECONDS = 30 };

struct bench {
	struct courier *courier;
	struct courier_header header[2];
	char base[TEXT_MAX], authorization[TEXT_MAX], body[TEXT_MAX];
	usec_t until;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	size_t running, samples_n, failed;
	uint32_t *samples; /* microseconds */
	char failure[TEXT_MAX];
};

struct client {
	struct bench *b;
	usec_t began;
	char url[TEXT_MAX];
};

static void client_begin(struct client *c);

static bool field(const struct courier_result *r, const char *key, char out[TEXT_MAX])
{
	struct arena *a = arena_new(JSON_SIZE_MAX);
	struct str s;
	json_t *j;
	bool ok =
	    a && !json_read(a, r->body, NULL, &j) && !json_str(j, "", key, NULL, &s) && s.n < TEXT_MAX;

	if (ok) (void)snprintf(out, TEXT_MAX, "%.*s", STR_ARG(s));
	arena_free(a);
	return ok;
}

static void client_end(struct client *c, bool ok, const struct courier_result *r)
{
	struct bench *b = c->b;
	usec_t now = clock_mono();

	pthread_mutex_lock(&b->lock);
	if (ok && b->samples_n < SAMPLES_MAX) b->samples[b->samples_n++] = (uint32_t)(now - c->began);
	if (!ok && !b->failed++)
		(void)snprintf(b->failure, sizeof b->failure, "%s %d %.*s", r->text, r->status,
			       STR_ARG(str_first(r->body, 300)));
	if (now >= b->until || b->failed > 100) {
		if (!--b->running) pthread_cond_signal(&b->ended);
		c = NULL;
	}
	pthread_mutex_unlock(&b->lock);
	if (c) client_begin(c);
}

static void waited(void *arg, const struct courier_result *r)
{
	struct client *c = arg;
	char state[TEXT_MAX];

	client_end(
	    c, !r->err && r->status == 200 && field(r, "state", state) && !strcmp(state, "FINALIZED"), r);
}

static void call(struct client *c, const char *method, struct str body,
		 void (*done)(void *arg, const struct courier_result *r))
{
	struct courier_req q = {.method = method,
				.url = c->url,
				.headers = c->b->header,
				.headers_n = 2,
				.body = body,
				.deadline = 2 * WAIT_SECONDS * USEC_PER_SEC,
				.done = done,
				.arg = c};
	uint64_t ticket;

	must(!courier_submit(c->b->courier, &q, &ticket));
}

static void asked(void *arg, const struct courier_result *r)
{
	struct client *c = arg;
	char pid[TEXT_MAX];

	if (r->err || r->status != 202 || !field(r, "pid", pid)) {
		client_end(c, false, r);
		return;
	}
	(void)snprintf(c->url, sizeof c->url, "%.600s/%.200s?wait=FINALIZED,TERMINATED&timeout=%d",
		       c->b->base, pid, WAIT_SECONDS);
	call(c, "GET", STR_NONE, waited);
}

static void client_begin(struct client *c)
{
	c->began = clock_mono();
	(void)snprintf(c->url, sizeof c->url, "%s", c->b->base);
	call(c, "POST", str_of(c->b->body), asked);
}

static int by_size(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return a < b ? -1 : a > b;
}

static uint32_t quantile(const struct bench *b, size_t permille)
{
	return b->samples_n ? b->samples[(b->samples_n - 1) * permille / 1000] : 0;
}

static int run(struct bench *b, size_t clients, double seconds)
{
	struct client *all = calloc(clients, sizeof *all);
	usec_t began = clock_mono();
	double took;

	must(all);
	b->until = began + (usec_t)(seconds * 1e6);
	b->running = clients;
	for (size_t i = 0; i < clients; i++) {
		all[i].b = b;
		client_begin(&all[i]);
	}
	pthread_mutex_lock(&b->lock);
	while (b->running) pthread_cond_wait(&b->ended, &b->lock);
	pthread_mutex_unlock(&b->lock);
	took = (double)(clock_mono() - began) / 1e6;
	qsort(b->samples, b->samples_n, sizeof *b->samples, by_size);
	printf("{\"negotiations\":%zu,\"failed\":%zu,\"seconds\":%.3f,\"rate\":%.1f,\"p50_us\":%u,\"p90_"
	       "us\":%u,"
	       "\"p99_us\":%u,\"max_us\":%u}\n",
	       b->samples_n, b->failed, took, (double)b->samples_n / took, quantile(b, 500),
	       quantile(b, 900), quantile(b, 990), quantile(b, 1000));
	if (b->failed) fprintf(stderr, "bench-negotiate: %zu failed, first: %s\n", b->failed, b->failure);
	free(all);
	return b->failed || !b->samples_n;
}

int main(int argc, char **argv)
{
	static struct bench b = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
	struct courier_options o = {.allow_private = true};
	uint64_t clients = 0;
	char *end = NULL;
	double seconds = argc == 9 ? strtod(argv[8], &end) : 0;
	int failed;

	if (argc != 9 || str_u64(str_of(argv[7]), &clients) || !clients || clients > CLIENTS_MAX || *end ||
	    seconds <= 0) {
		fprintf(
		    stderr,
		    "usage: bench-negotiate URL CA TOKEN PARTICIPANT PROVIDER DATASET CLIENTS SECONDS\n");
		return 2;
	}
	o.ca_file = argv[2][0] ? argv[2] : NULL;
	(void)snprintf(b.base, sizeof b.base, "%s/participants/%s/negotiations", argv[1], argv[4]);
	(void)snprintf(b.authorization, sizeof b.authorization, "Bearer %s", argv[3]);
	(void)snprintf(b.body, sizeof b.body, "{\"provider\":\"%s\",\"dataset\":\"%s\"}", argv[5], argv[6]);
	b.header[0] = (struct courier_header){"content-type", "application/json"};
	b.header[1] = (struct courier_header){"authorization", b.authorization};
	b.samples = calloc(SAMPLES_MAX, sizeof *b.samples);
	if (!b.samples || courier_start(&o, &b.courier)) return 1;
	failed = run(&b, clients, seconds);
	courier_stop(b.courier);
	free(b.samples);
	return failed;
}
