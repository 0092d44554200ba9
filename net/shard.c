#include "net/shard.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/sign.h"
#include "net/bound.h"
#include "net/request.h"
#include "net/server.h"
#include "net/socket.h"

enum {
	TICK_MOST = 1000, /* milliseconds between looks at slow peers */
	TICK_LEAST = 10,
	/* What clients need to hear of the stop before new streams are refused: a round trip. */
	DRAIN_SOFT = 250
};

/* ---- what the application may do --------------------------------------------------------- */

void shard_turn(struct net_shard *s)
{
	if (s->fresh) return;
	s->fresh = s->turned = true;
	const struct net_hooks *h = &s->options->hooks;
	if (h->turn) h->turn(h->ctx, s);
}

unsigned net_shard_index(const struct net_shard *s)
{
	return s->index;
}

void net_shard_set(struct net_shard *s, unsigned slot, void *p)
{
	must(slot < SHARD_SLOTS);
	s->slots[slot] = p;
}

void *net_shard_get(const struct net_shard *s, unsigned slot)
{
	must(slot < SHARD_SLOTS);
	return s->slots[slot];
}

enum err net_post(struct net_shard *s, void (*fn)(void *arg), void *arg)
{
	return mailbox_put(&s->mailbox, fn, arg);
}

static void run_posts(void *arg)
{
	struct net_shard *s = arg;
	size_t n;
	struct post *posts = mailbox_take(&s->mailbox, &n);
	if (n) shard_turn(s);
	for (size_t i = 0; i < n; i++) posts[i].fn(posts[i].arg);
	free(posts);
}

/* ---- timers ------------------------------------------------------------------------------ */

static void timer_freed(uv_handle_t *h)
{
	free(h->data);
}

static void timer_end(struct net_timer *t)
{
	if (t->prev)
		t->prev->next = t->next;
	else
		t->shard->timers = t->next;
	if (t->next) t->next->prev = t->prev;
	uv_close((uv_handle_t *)&t->uv, timer_freed);
}

static void timer_fired(uv_timer_t *uv)
{
	struct net_timer *t = uv->data;
	void (*fn)(void *) = t->fn;
	void *arg = t->arg;
	timer_end(t);
	shard_turn(t->shard);
	fn(arg);
}

struct net_timer *net_timer_start(struct net_shard *s, usec_t in, void (*fn)(void *arg), void *arg)
{
	struct net_timer *t = calloc(1, sizeof *t);
	if (!t) return NULL;
	t->shard = s;
	t->fn = fn;
	t->arg = arg;
	uv_timer_init(&s->loop, &t->uv);
	t->uv.data = t;
	t->next = s->timers;
	if (t->next) t->next->prev = t;
	s->timers = t;
	uv_update_time(&s->loop);
	uint64_t ms = in > 0 ? (uint64_t)((in + USEC_PER_MSEC - 1) / USEC_PER_MSEC) : 0;
	uv_timer_start(&t->uv, timer_fired, ms, 0);
	return t;
}

void net_timer_stop(struct net_timer *t)
{
	if (t) timer_end(t);
}

/* ---- texts ------------------------------------------------------------------------------- */

struct str shard_date(struct net_shard *s)
{
	if (s->date_checked == shard_now(s)) return str_n(s->date, 29);
	s->date_checked = shard_now(s);
	int64_t now = clock_wall() / USEC_PER_SEC;
	if (now != s->date_second) {
		static const char days[] = "SunMonTueWedThuFriSat";
		static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
		time_t t = (time_t)now;
		struct tm tm;
		gmtime_r(&t, &tm);
		/* not strftime: names do not follow the locale */
		snprintf(s->date, sizeof s->date, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
			 days + tm.tm_wday * 3, tm.tm_mday, months + tm.tm_mon * 3,
			 (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
		s->date_second = now;
	}
	return str_n(s->date, 29);
}

/* Crockford's base32 in lower case: random digits for the shard's life, then a counter. */
static const char digits32[] = "0123456789abcdefghjkmnpqrstvwxyz";

static const char next32[128] = {
    ['0'] = '1', ['1'] = '2', ['2'] = '3', ['3'] = '4', ['4'] = '5', ['5'] = '6', ['6'] = '7', ['7'] = '8',
    ['8'] = '9', ['9'] = 'a', ['a'] = 'b', ['b'] = 'c', ['c'] = 'd', ['d'] = 'e', ['e'] = 'f', ['f'] = 'g',
    ['g'] = 'h', ['h'] = 'j', ['j'] = 'k', ['k'] = 'm', ['m'] = 'n', ['n'] = 'p', ['p'] = 'q', ['q'] = 'r',
    ['r'] = 's', ['s'] = 't', ['t'] = 'v', ['v'] = 'w', ['w'] = 'x', ['x'] = 'y', ['y'] = 'z', ['z'] = '0'};

static void id_start(struct net_shard *s)
{
	unsigned char r[SHARD_ID_RANDOM];
	random_bytes(r, sizeof r);
	for (int i = 0; i < SHARD_ID_RANDOM; i++) s->id[i] = digits32[r[i] & 31];
	memset(s->id + SHARD_ID_RANDOM, '0', SHARD_ID - SHARD_ID_RANDOM);
}

void shard_id(struct net_shard *s, char *out)
{
	for (int i = SHARD_ID - 1; i >= SHARD_ID_RANDOM; i--) {
		s->id[i] = next32[(unsigned char)s->id[i]];
		if (s->id[i] != '0') break;
	}
	memcpy(out, s->id, SHARD_ID);
}

/* ---- the loop ---------------------------------------------------------------------------- */

void shard_dirty(struct net_shard *s, struct conn *c)
{
	if (c->in_dirty || !c->open) return;
	c->in_dirty = true;
	c->next_dirty = s->dirty;
	s->dirty = c;
}

void shard_clean(struct net_shard *s, struct conn *c)
{
	if (!c->in_dirty) return;
	struct conn **at = &s->dirty;
	while (*at && *at != c) at = &(*at)->next_dirty;
	if (*at) *at = c->next_dirty;
	c->in_dirty = false;
}

static void on_spin(uv_idle_t *i)
{
	uv_idle_stop(i);
}

static void flush_dirty(struct net_shard *s)
{
	/* those that have more than a turn's worth come back on the list: next turn */
	struct conn *c, *later = NULL;
	while ((c = s->dirty)) {
		s->dirty = c->next_dirty;
		c->in_dirty = false;
		conn_flush(c);
		if (s->dirty != c) continue;
		s->dirty = c->next_dirty;
		c->next_dirty = later;
		later = c;
	}
	s->dirty = later;
}

static void end_if_drained(struct net_shard *s)
{
	if (!s->draining || s->conns || s->ending) return;
	s->ending = true;
	uv_stop(&s->loop);
}

static void on_after(uv_check_t *h)
{
	flush_dirty(h->data);
}

static void on_before(uv_prepare_t *h)
{
	struct net_shard *s = h->data;
	s->turn++;
	flush_dirty(s);
	end_if_drained(s);
	/* somebody has more to write: poll without sleeping */
	if (s->dirty) uv_idle_start(&s->spin, on_spin);
	if (!s->turned) return;
	s->turned = s->fresh = false;
	if (s->options->hooks.idle) s->options->hooks.idle(s->options->hooks.ctx, s);
}

static void cut_all(struct net_shard *s)
{
	for (struct conn *c = s->conns; c; c = c->next) conn_doom(c, true);
}

static void on_tick(uv_timer_t *t)
{
	struct net_shard *s = t->data;
	uint64_t now = shard_now(s);
	if (s->draining && now >= s->drain_hard) {
		cut_all(s);
		return;
	}
	for (struct conn *c = s->conns, *next; c; c = next) {
		next = c->next;
		if (s->draining && now >= s->drain_soft) conn_drain(c, true);
		conn_tick(c, now);
	}
}

static uint64_t tick_length(const struct net_options *o)
{
	usec_t least = o->header_timeout;
	if (o->idle_timeout < least) least = o->idle_timeout;
	if (o->stall_timeout < least) least = o->stall_timeout;
	int64_t ms = least / 4 / USEC_PER_MSEC;
	return ms < TICK_LEAST ? TICK_LEAST : ms > TICK_MOST ? TICK_MOST : (uint64_t)ms;
}

void shard_drain(struct net_shard *s, uint64_t grace)
{
	if (s->draining) return;
	s->draining = true;
	uv_update_time(&s->loop);
	s->drain_hard = shard_now(s) + grace;
	s->drain_soft = shard_now(s) + (grace / 2 < DRAIN_SOFT ? grace / 2 : DRAIN_SOFT);
	for (size_t i = 0; i < s->listeners_n; i++) socket_unlisten(&s->listeners[i]);
	for (struct conn *c = s->conns; c; c = c->next) conn_drain(c, false);
	uv_timer_start(&s->tick, on_tick, TICK_LEAST, TICK_LEAST);
}

static enum err init_handles(struct net_shard *s)
{
	uv_timer_init(&s->loop, &s->tick);
	uv_check_init(&s->loop, &s->after);
	uv_prepare_init(&s->loop, &s->before);
	uv_idle_init(&s->loop, &s->spin);
	s->after.data = s->before.data = s->tick.data = s;
	uv_check_start(&s->after, on_after);
	uv_prepare_start(&s->before, on_before);
	return mailbox_open(&s->mailbox, &s->loop, run_posts, s);
}

enum err shard_init(struct net_shard *s, struct net_server *server, const struct net_options *o,
		    unsigned index)
{
	s->server = server;
	s->options = o;
	s->index = index;
	if (uv_loop_init(&s->loop)) return ERR_IO;
	s->looped = true; /* shard_done closes what init_handles has made */
	s->read = malloc(SHARD_READ);
	s->out = (struct out){malloc(SHARD_OUT), 0, SHARD_OUT};
	s->sealed = (struct out){malloc(SHARD_SEALED), 0, SHARD_SEALED};
	size_t sockets = o->bound ? 0 : o->listeners_n;
	for (size_t k = 0; o->bound && k < o->listeners_n; k++) sockets += bound_share(o->bound, index, k);
	s->listeners = calloc(sockets, sizeof *s->listeners);
	id_start(s);
	s->date_second = -1;
	s->date_checked = UINT64_MAX;
	enum err e = init_handles(s);
	return !e && (!s->read || !s->out.p || !s->sealed.p || !s->listeners) ? ERR_NO_MEMORY : e;
}

static void close_handle(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h)) uv_close(h, NULL);
}

void shard_done(struct net_shard *s)
{
	if (s->looped) {
		while (s->timers) timer_end(s->timers);
		uv_walk(&s->loop, close_handle, NULL);
		uv_run(&s->loop, UV_RUN_DEFAULT);
		must(uv_loop_close(&s->loop) == 0);
		mailbox_close(&s->mailbox);
	}
	while (s->free) {
		struct request *r = s->free;
		s->free = r->next;
		request_free(r);
	}
	free(s->read);
	free(s->out.p);
	free(s->sealed.p);
	free(s->listeners);
	pool_done(&s->pool);
}

void shard_run(struct net_shard *s)
{
	uint64_t tick = tick_length(s->options);
	uv_timer_start(&s->tick, on_tick, tick, tick);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	/* from here on nothing can be posted; what was posted before still runs */
	mailbox_end(&s->mailbox);
	run_posts(s);
	if (s->options->hooks.stop) s->options->hooks.stop(s->options->hooks.ctx, s);
}
