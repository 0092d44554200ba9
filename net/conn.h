/* Connection: the octets of one peer, whatever carries them.
 *
 * Purpose: choose the protocol (ALPN, or the HTTP/2 preface), pass octets through TLS, gather
 * what the protocol has to say into one write per loop turn, watch for slowness, end in order.
 * The carrier (net/socket.c, or a fuzz target) is a table of functions.
 *
 * Ownership: the carrier allocates the connection and frees it after `ended`; the shard lists it.
 * Threads: the shard's.
 *
 * Invariants: 1. nothing in a callback of a protocol library frees the connection: it is doomed
 * and ends at the top of the stack; 2. while `blocked`, nothing more is taken from the protocol,
 * so what waits for a slow reader is bounded by one write; 3. every end after output is FIN first,
 * then a bounded wait for the peer, so that a last answer is not lost to a reset. */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "net/shard.h"

struct tls;
struct h1;
struct h2;

enum conn_kind { CONN_SNIFF, CONN_H1, CONN_H2 };

struct conn_carrier {
	/* Takes all n octets; sets c->blocked when the peer did not, clears it through conn_writable. */
	void (*write)(struct conn *c, const char *p, size_t n);
	void (*read)(struct conn *c, bool on);   /* wants octets or not */
	void (*shut)(struct conn *c);            /* FIN after what was written */
	void (*end)(struct conn *c, bool reset); /* close; the connection is freed later */
	size_t (*waiting)(const struct conn *c); /* octets taken but not yet with the kernel */
};

enum {
	CONN_PREFACE = 24,            /* octets of the HTTP/2 connection preface (RFC 9113 3.4) */
	CONN_FLUSH_MAX = 256 * 1024,  /* octets one connection may write in one turn */
	CONN_LINGER = 2000,           /* milliseconds to wait for a peer's FIN after ours */
	CONN_LINGER_DRAINING = 100,   /* the same once the server stops: pooled clients look up late */
	CONN_LINGER_OCTETS = 1 << 20, /* octets it may still send meanwhile */
	CONN_STALL_OCTETS = 512,      /* what must move in one stall_timeout; less is a trickle attack */
	CONN_PEER = 56
};

struct conn {
	struct net_shard *shard;
	const struct conn_carrier *carrier;
	struct conn *prev, *next, *next_dirty;
	struct request *requests;
	unsigned requests_n;
	enum conn_kind kind;
	struct tls *tls;
	union {
		struct h1 *h1;
		struct h2 *h2;
	};
	bool in_dirty, in_input, blocked, doomed, doom_reset, finishing, lingering, eof, reading, open,
	    unpaused;
	unsigned char sniffed;
	char sniff[CONN_PREFACE];
	char peer[CONN_PEER];
	unsigned char peer_n;
	unsigned char cert[32]; /* SHA-256 of the client's certificate */
	bool has_cert;
	uint64_t born, head_since, idle_since, blocked_since, linger_since;
	uint64_t served, served_seen;
	uint64_t written, written_seen; /* octets given to the peer's socket */
	size_t linger_octets;
};

/* c is zeroed memory with carrier and peer set; tls may be NULL (taken). Links it in the shard. */
void conn_open(struct conn *c, struct net_shard *s, struct tls *tls);
/* Octets from the peer. At the top of the stack only; may end c. */
void conn_input(struct conn *c, const char *p, size_t n);
void conn_eof(struct conn *c);
void conn_writable(struct conn *c);
/* Writes what there is. At the top of the stack only; may end c. */
void conn_flush(struct conn *c);
/* Looks for slowness. At the top of the stack only; may end c. */
void conn_tick(struct conn *c, uint64_t now);
/* Server is stopping: hard = now is the time to refuse new requests. */
void conn_drain(struct conn *c, bool hard);

/* From anywhere: ends soon, without more output. reset: the peer must not take it for a good end. */
void conn_doom(struct conn *c, bool reset);
/* From anywhere: no more requests; ends when what is on its way has been written. */
void conn_finish(struct conn *c);
/* The protocol has something to write. */
void conn_wake(struct conn *c);

/* To the protocol. */
void conn_answer(struct request *r); /* an answer was begun */
void conn_resume(struct request *r); /* its source has more */
void conn_cut(struct request *r);
void conn_unpause(struct request *r);
void conn_continue(struct request *r); /* 100 Continue */
/* The request has taken n octets of its body. */
void conn_consumed(struct request *r, size_t n);

#endif
