/* Shard: one thread, one loop, and what its connections share.
 *
 * Purpose: the libuv loop with its phases, the post queue, timers, the application's hooks, and
 * the memory that only one connection at a time needs: the read buffer, the buffer where frames
 * are gathered, the buffer of sealed TLS records, the free list of requests.
 *
 * Ownership: the server owns its shards; a shard owns its connections, listeners and requests.
 * Threads: everything belongs to the shard's thread, except net_post, shard_count (written by the
 * shard, read by any).
 *
 * Invariants: 1. hooks.turn has run after a read and before any function of the application that it leads
 * to;
 * 2. `out` and `sealed` are empty whenever control returns to the loop: one connection at a time
 * fills and empties them. */
#ifndef NET_SHARD_H
#define NET_SHARD_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "net/mailbox.h"
#include "net/net.h"
#include "net/pool.h"

struct conn;
struct request;
struct listener;
struct net_server;

/* Octets gathered for one write. */
struct out {
	char *p;
	size_t n, room;
};

enum {
	SHARD_READ = 64 * 1024, /* one read; what a busy connection sends in a turn */
	/* One write: 64 KiB gathered, and room for one more frame so that none has to be split. */
	SHARD_OUT_FULL = 64 * 1024,
	SHARD_OUT = SHARD_OUT_FULL + 16 * 1024 + 4096,
	/* SHARD_OUT as records of 16 KiB with their overhead, and a handshake flight. */
	SHARD_SEALED = SHARD_OUT + 32 * 1024,
	SHARD_SLOTS = 8,
	SHARD_FREE_MAX = 512, /* requests kept for use again; 5 KiB each */
	/* A request id of our own: 40 random bits for the life of the shard and a counter of 40 bits. Each
	 * octet more stands in every answer. */
	SHARD_ID_RANDOM = 8,
	SHARD_ID = 16
};

struct shard_counters {
#define X(name, help) _Atomic uint64_t name;
	NET_COUNTERS(X)
#undef X
};

struct net_timer {
	uv_timer_t uv;
	struct net_shard *shard;
	void (*fn)(void *arg);
	void *arg;
	struct net_timer *prev, *next;
};

struct net_shard {
	uv_loop_t loop;
	struct net_server *server;
	const struct net_options *options; /* with the defaults filled in */
	unsigned index;
	void *slots[SHARD_SLOTS];

	uint64_t turn; /* of the loop, counted */
	bool turned;   /* in this turn of the loop the application has run */
	bool fresh;    /* hooks.turn has run since anything was read */
	bool draining, ending;
	struct conn *conns, *dirty;
	unsigned conns_n;
	struct request *free;
	unsigned free_n;
	char *read;
	struct out out, sealed;
	struct pool pool;
	char date[32];
	uint64_t date_checked; /* loop time when `date` was last compared with the clock */
	int64_t date_second;
	char id[SHARD_ID];
	struct shard_counters counters;

	struct listener *listeners;
	size_t listeners_n;
	struct net_timer *timers;
	struct mailbox mailbox;
	bool looped;                     /* the loop is there */
	uv_check_t after;                /* after the poll: write what the turn made */
	uv_prepare_t before;             /* before the poll: the same for timers, then hooks.idle */
	uv_idle_t spin;                  /* runs while a connection has more to write than one turn may */
	uv_timer_t tick;                 /* slowness */
	uint64_t drain_soft, drain_hard; /* loop time, milliseconds */

	pthread_t thread;
};

/* Prepares everything but the thread. ERR_NO_MEMORY, ERR_IO. */
enum err shard_init(struct net_shard *s, struct net_server *server, const struct net_options *o,
		    unsigned index) MUST_USE;
void shard_done(struct net_shard *s); /* after the thread has ended, or was never started */
/* Runs the loop until it was drained; the caller has set up the listeners. */
void shard_run(struct net_shard *s);
/* On the shard's thread: begins to end; grace in milliseconds. */
void shard_drain(struct net_shard *s, uint64_t grace);

/* Before any function of the application is called. */
void shard_turn(struct net_shard *s);
/* The connection has something to write: it will be flushed in this turn. */
void shard_dirty(struct net_shard *s, struct conn *c);
/* It has ended: not any more. */
void shard_clean(struct net_shard *s, struct conn *c);
static inline uint64_t shard_now(const struct net_shard *s)
{
	return uv_now(&s->loop);
}
/* IMF-fixdate (RFC 9110 5.6.7), 29 octets, renewed each second. */
struct str shard_date(struct net_shard *s);
/* SHARD_ID octets that this process has not given before; written to out. */
void shard_id(struct net_shard *s, char *out);

static inline void shard_count(_Atomic uint64_t *counter, uint64_t n)
{
	/* one writer: a plain add, visible to readers */
	uint64_t v = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, v + n, memory_order_relaxed);
}

#endif
