#include "tests/net/asking.h"

#include <stdio.h>

#include "base/sign.h"

struct answering server;

int set_up(void **state)
{
	(void)state;
	answering_start(&server);
	return (int)sign_setup();
}

int tear_down(void **state)
{
	(void)state;
	answering_stop(&server);
	return 0;
}

void outcome_init(struct outcome *o)
{
	memset(o, 0, sizeof *o);
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->came, NULL);
}

void on_done(void *arg, const struct courier_result *r)
{
	struct outcome *o = arg;
	pthread_mutex_lock(&o->lock);
	o->done++;
	o->err = r->err;
	o->status = r->status;
	o->attempts = r->attempts;
	o->took = r->took;
	snprintf(o->body, sizeof o->body, "%.*s", STR_ARG(r->body));
	snprintf(o->text, sizeof o->text, "%s", r->text);
	snprintf(o->content_type, sizeof o->content_type, "%.*s", STR_ARG(r->content_type));
	snprintf(o->location, sizeof o->location, "%.*s", STR_ARG(r->location));
	if (!o->pieces) o->got = r->body.n;
	pthread_cond_signal(&o->came);
	pthread_mutex_unlock(&o->lock);
}

enum err on_data(void *arg, const struct courier_result *r, struct str piece)
{
	struct outcome *o = arg;
	pthread_mutex_lock(&o->lock);
	o->pieces++;
	o->got += piece.n;
	o->status = r->status;
	enum err e = o->stop_after && o->got >= o->stop_after ? o->data_err : ERR_OK;
	pthread_cond_signal(&o->came);
	pthread_mutex_unlock(&o->lock);
	return e;
}

void wait_done(struct outcome *o)
{
	pthread_mutex_lock(&o->lock);
	while (!o->done) pthread_cond_wait(&o->came, &o->lock);
	pthread_mutex_unlock(&o->lock);
	/* nothing here waits for an answer that will not come: ctest's own time-out is the net */
}

const char *url_of(const char *path)
{
	static _Thread_local char url[128];
	snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.port, path);
	return url;
}

struct courier *start(void)
{
	const struct courier_options o = {.allow_private = true};
	struct courier *c;
	assert_int_equal(courier_start(&o, &c), ERR_OK);
	return c;
}

struct courier_req get(const char *path)
{
	return (struct courier_req){.method = "GET", .url = url_of(path), .done = on_done};
}

uint64_t submit(struct courier *c, struct courier_req r, struct outcome *o)
{
	uint64_t ticket = 0;
	outcome_init(o);
	r.arg = o;
	assert_int_equal(courier_submit(c, &r, &ticket), ERR_OK);
	return ticket;
}

void ask(struct courier *c, struct courier_req r, struct outcome *o)
{
	submit(c, r, o);
	wait_done(o);
}

struct courier_req stream(const char *path)
{
	struct courier_req r = get(path);
	r.data = on_data;
	return r;
}
