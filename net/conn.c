#include "net/conn.h"

#include "net/h1.h"
#include "net/h2.h"
#include "net/tls.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

void conn_open(struct conn *c, struct net_shard *s, struct tls *tls)
{
	c->shard = s;
	c->tls = tls;
	c->kind = CONN_SNIFF;
	c->open = c->reading = true;
	c->born = c->idle_since = shard_now(s);
	c->next = s->conns;
	if (s->conns) s->conns->prev = c;
	s->conns = c;
	s->conns_n++;
	shard_count(&s->counters.connections, 1);
	shard_count(&s->counters.connections_open, 1);
}

/* The end, at the top of the stack. */
static void conn_end(struct conn *c)
{
	if (!c->open) return;
	struct net_shard *s = c->shard;
	c->open = false;
	shard_clean(s, c);
	while (c->requests) request_give(c->requests);
	if (c->kind == CONN_H1) h1_close(c->h1);
	if (c->kind == CONN_H2) h2_close(c->h2);
	tls_free(c->tls);
	if (c->prev)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next) c->next->prev = c->prev;
	s->conns_n--;
	shard_count(&s->counters.connections_open, UINT64_MAX); /* minus one */
	c->carrier->end(c, c->doom_reset);
}

void conn_doom(struct conn *c, bool reset)
{
	c->doomed = true;
	if (reset) c->doom_reset = true;
	conn_wake(c);
}

void conn_finish(struct conn *c)
{
	c->finishing = true;
	conn_wake(c);
}

void conn_wake(struct conn *c)
{
	/* conn_input flushes when it is done */
	if (!c->in_input) shard_dirty(c->shard, c);
}

/* ---- in ---------------------------------------------------------------------------------- */

static void choose(struct conn *c, enum conn_kind kind)
{
	enum err e = kind == CONN_H2 ? h2_open(c, &c->h2) : h1_open(c, &c->h1);
	if (e)
		conn_doom(c, true);
	else
		c->kind = kind;
}

static void protocol_input(struct conn *c, const char *p, size_t n)
{
	if (c->kind == CONN_H1) {
		h1_input(c->h1, p, n);
	} else if (h2_input(c->h2, p, n)) {
		shard_count(&c->shard->counters.protocol_errors, 1);
		conn_finish(c);
	}
}

/* RFC 9113 3.3: a clear-text client with prior knowledge opens with the preface. */
static void sniff(struct conn *c, const char *p, size_t n)
{
	size_t had = c->sniffed, take = CONN_PREFACE - had;
	if (take > n) take = n;
	memcpy(c->sniff + c->sniffed, p, take);
	c->sniffed = (unsigned char)(c->sniffed + take);
	if (memcmp(c->sniff, preface, c->sniffed) != 0)
		choose(c, CONN_H1);
	else if (c->sniffed == CONN_PREFACE)
		choose(c, CONN_H2);
	else
		return;
	if (c->doomed) return;
	if (!had) {
		protocol_input(c, p, n);
		return;
	}
	protocol_input(c, c->sniff, c->sniffed);
	if (n > take && !c->doomed && !c->finishing) protocol_input(c, p + take, n - take);
}

static void plain_input(void *arg, const char *p, size_t n)
{
	struct conn *c = arg;
	if (c->doomed || c->finishing || !n) return;
	if (c->kind == CONN_SNIFF && c->tls) {
		/* here and not after the read: the first request may come with the handshake's end */
		c->has_cert = tls_client_cert(c->tls, c->cert);
		/* RFC 9113 3.2: over TLS the protocol is what ALPN chose */
		choose(c, tls_h2(c->tls) ? CONN_H2 : CONN_H1);
		if (c->doomed) return;
	}
	if (c->kind == CONN_SNIFF)
		sniff(c, p, n);
	else
		protocol_input(c, p, n);
}

static void tls_input(struct conn *c, const char *p, size_t n)
{
	struct net_shard *s = c->shard;
	bool done = tls_done(c->tls);
	enum err e = tls_unseal(c->tls, str_n(p, n), plain_input, c);
	if (!done && tls_done(c->tls)) shard_count(&s->counters.tls_handshakes, 1);
	if (!e) return;
	if (!tls_done(c->tls)) shard_count(&s->counters.tls_failures, 1);
	c->eof = true; /* an alert may be on its way out, nothing more comes in */
	conn_finish(c);
}

static void note_partial(struct conn *c)
{
	bool partial = c->kind == CONN_H1   ? h1_partial(c->h1)
		       : c->kind == CONN_H2 ? h2_partial(c->h2)
					    : false;
	if (!partial)
		c->head_since = 0;
	else if (!c->head_since)
		c->head_since = shard_now(c->shard);
}

void conn_input(struct conn *c, const char *p, size_t n)
{
	if (!c->open) return;
	shard_count(&c->shard->counters.octets_in, n);
	if (c->lingering) {
		c->linger_octets += n;
		if (c->linger_octets > CONN_LINGER_OCTETS) conn_end(c);
		return;
	}
	c->in_input = true;
	c->shard->fresh = false; /* what was acknowledged before this was sent must be seen */
	if (c->tls)
		tls_input(c, p, n);
	else
		plain_input(c, p, n);
	note_partial(c);
	c->in_input = false;
	conn_flush(c);
}

void conn_eof(struct conn *c)
{
	if (!c->open) return;
	c->eof = true;
	if (c->lingering || c->kind == CONN_SNIFF) {
		conn_end(c);
		return;
	}
	if (c->kind == CONN_H1 && h1_eof(c->h1)) {
		c->carrier->read(c, false);
		conn_flush(c);
		return;
	}
	conn_end(c);
}

void conn_writable(struct conn *c)
{
	if (!c->open) return;
	c->blocked = false;
	c->blocked_since = 0;
	conn_flush(c);
}

/* ---- out --------------------------------------------------------------------------------- */

static size_t carry(struct conn *c, struct out *o)
{
	size_t n = o->n;
	if (!n) return 0;
	o->n = 0;
	c->written += n;
	shard_count(&c->shard->counters.octets_out, n);
	c->carrier->write(c, o->p, n);
	return n;
}

/* One write: what the protocol has to say, sealed if need be. */
static size_t gather(struct conn *c)
{
	struct net_shard *s = c->shard;
	if (c->kind == CONN_H1)
		h1_fill(c->h1, &s->out);
	else if (c->kind == CONN_H2)
		h2_fill(c->h2, &s->out);
	if (!c->tls) return carry(c, &s->out);
	if (s->out.n && tls_seal(c->tls, str_n(s->out.p, s->out.n))) conn_doom(c, true);
	s->out.n = 0;
	return carry(c, &s->sealed);
}

/* FIN, then wait for the peer's: closing at once could reset the connection and lose the answer. */
static void shut(struct conn *c)
{
	while (c->requests) request_give(c->requests);
	if (c->tls) {
		tls_shut(c->tls);
		carry(c, &c->shard->sealed);
	}
	c->lingering = true;
	c->linger_since = shard_now(c->shard);
	if (c->eof) {
		conn_end(c);
		return;
	}
	c->carrier->shut(c);
	c->carrier->read(c, true);
}

static bool wants_input(const struct conn *c)
{
	return !c->eof && (c->kind != CONN_H1 || h1_wants(c->h1));
}

static bool is_over(const struct conn *c)
{
	if (c->finishing) return true;
	return c->kind == CONN_H2 && h2_over(c->h2);
}

static void deliver(struct conn *c)
{
	c->unpaused = false;
	c->in_input = true;
	for (struct request *r = c->requests, *next; r; r = next) {
		next = r->next;
		request_deliver(r);
	}
	if (c->kind == CONN_H1) h1_go_on(c->h1);
	c->in_input = false;
}

void conn_flush(struct conn *c)
{
	/* a lingering peer that never closes is cut like any other when the grace has passed */
	if (!c->open || (c->lingering && !c->doomed)) return;
	size_t sent = 0, n = 0;
	if (c->unpaused) deliver(c);
	while (!c->doomed && !c->blocked && (n = gather(c)) > 0) {
		sent += n;
		if (sent < CONN_FLUSH_MAX) continue;
		shard_dirty(c->shard, c); /* the others' turn */
		break;
	}
	if (c->doomed) {
		c->shard->out.n = c->shard->sealed.n = 0;
		conn_end(c);
		return;
	}
	if (c->blocked && !c->blocked_since) c->blocked_since = shard_now(c->shard);
	if (!n && !c->blocked && is_over(c)) {
		shut(c);
		return;
	}
	bool on = wants_input(c);
	if (on != c->reading) {
		c->reading = on;
		c->carrier->read(c, on);
	}
}

void conn_drain(struct conn *c, bool hard)
{
	if (!c->open || c->lingering) return;
	if (c->kind == CONN_H2)
		h2_drain(c->h2, hard);
	else if (hard && !c->requests && !c->head_since)
		c->finishing = true;
	conn_wake(c);
}

/* ---- slowness ---------------------------------------------------------------------------- */

static void time_out(struct conn *c)
{
	shard_count(&c->shard->counters.timeouts, 1);
	c->doom_reset = true;
	conn_end(c);
}

/* The peer owes us octets of a body, or window for an answer. */
static bool request_waits(struct request *r)
{
	if (!r->begun) return false;
	if (!r->remote_end && !r->discard && !r->paused && !r->answer.begun) return true;
	/* answered early: the client may send the rest for a while (some take a reset for a failure) */
	if (r->answer.ended) return !r->remote_end;
	if (!r->answer.begun || r->answer.deferred) return false;
	return r->conn->kind == CONN_H2 && h2_stream_choked(r);
}

static bool request_stalled(struct request *r, uint64_t now, uint64_t limit)
{
	if (!request_waits(r) || r->moved >= CONN_STALL_OCTETS || !r->stall_at) {
		r->stall_at = now;
		r->moved = 0;
		return false;
	}
	return now - r->stall_at > limit;
}

static bool output_stalled(struct conn *c, uint64_t now, uint64_t limit)
{
	bool choked = c->blocked || (c->kind == CONN_H2 && h2_choked(c->h2));
	uint64_t moved = c->written - c->carrier->waiting(c);
	if (!choked || !c->blocked_since || moved - c->written_seen >= CONN_STALL_OCTETS) {
		c->blocked_since = choked ? now : 0;
		c->written_seen = moved;
		return false;
	}
	return now - c->blocked_since > limit;
}

/* Streams that stall are cut alone, a connection that stalls as a whole. */
static void tick_requests(struct conn *c, uint64_t now, uint64_t limit)
{
	for (struct request *r = c->requests, *next; r; r = next) {
		next = r->next;
		if (!request_stalled(r, now, limit)) continue;
		shard_count(&c->shard->counters.timeouts, 1);
		r->stall_at = now;
		conn_cut(r);
	}
}

static bool is_idle_too_long(struct conn *c, uint64_t now, uint64_t limit)
{
	if (c->requests || c->served != c->served_seen) {
		c->served_seen = c->served;
		c->idle_since = now;
		return false;
	}
	return now - c->idle_since > limit;
}

void conn_tick(struct conn *c, uint64_t now)
{
	const struct net_options *o = c->shard->options;
	uint64_t header = (uint64_t)(o->header_timeout / USEC_PER_MSEC);
	uint64_t stall = (uint64_t)(o->stall_timeout / USEC_PER_MSEC);
	uint64_t idle = (uint64_t)(o->idle_timeout / USEC_PER_MSEC);
	if (!c->open) return;
	if (c->lingering) {
		uint64_t wait = c->shard->draining ? CONN_LINGER_DRAINING : CONN_LINGER;
		if (now - c->linger_since > wait) conn_end(c);
		return;
	}
	bool opening = c->kind == CONN_SNIFF && now - c->born > header;
	bool partial = c->head_since && now - c->head_since > header;
	if (opening || partial || output_stalled(c, now, stall)) {
		time_out(c);
		return;
	}
	tick_requests(c, now, stall);
	if (!is_idle_too_long(c, now, idle)) return;
	c->idle_since = now;
	if (c->kind == CONN_H2)
		h2_drain(c->h2, true);
	else
		c->finishing = true;
	conn_wake(c);
}

/* ---- to the protocol --------------------------------------------------------------------- */

void conn_answer(struct request *r)
{
	struct conn *c = r->conn;
	if (c->kind == CONN_H2)
		h2_answer(r);
	else
		h1_answer(r);
	conn_wake(c);
}

void conn_resume(struct request *r)
{
	if (r->conn->kind == CONN_H2) h2_resume(r);
	conn_wake(r->conn);
}

void conn_cut(struct request *r)
{
	if (r->conn->kind == CONN_H2)
		h2_cut(r);
	else
		h1_cut(r);
	conn_wake(r->conn);
}

void conn_continue(struct request *r)
{
	if (r->conn->kind == CONN_H2)
		h2_continue(r);
	else
		h1_continue(r);
	conn_wake(r->conn);
}

void conn_consumed(struct request *r, size_t n)
{
	if (r->conn->kind == CONN_H2) h2_consumed(r, n);
}

/* Not at once: the application may be in the middle of something. */
void conn_unpause(struct request *r)
{
	r->conn->unpaused = true;
	shard_dirty(r->conn->shard, r->conn);
}
