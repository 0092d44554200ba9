/* Octets to a connection without sockets.
 *
 * Input: u8 mode, then what the peer sends. mode bits 0..5: octets per read (0: all at once);
 * bit 6: the peer reads slowly (every second write blocks until the next read);
 * bit 7: the HTTP/2 preface and an empty SETTINGS frame come first, so that frames need no luck. */
#include <stdlib.h>

#include "tests/net/fixture_routes.h"
#include "net/conn.h"
#include "net/h2.h"
#include "net/request.h"
#include "net/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct peer {
	struct conn conn; /* first */
	bool ended, slow, want_read;
	unsigned writes;
};

static void peer_write(struct conn *c, const char *p, size_t n)
{
	struct peer *peer = (struct peer *)c;
	volatile char touch = 0;
	for (size_t i = 0; i < n; i++) touch = (char)(touch ^ p[i]);
	if (peer->slow && peer->writes++ % 2) c->blocked = true;
}

static void peer_read(struct conn *c, bool on)
{
	((struct peer *)c)->want_read = on;
}

static void peer_shut(struct conn *c)
{
	(void)c;
}

static void peer_end(struct conn *c, bool reset)
{
	(void)reset;
	must(!((struct peer *)c)->ended);
	((struct peer *)c)->ended = true;
}

static size_t peer_waiting(const struct conn *c)
{
	(void)c;
	return 0;
}

static const struct conn_carrier carrier = {peer_write, peer_read, peer_shut, peer_end, peer_waiting};

static struct net_server server;
static struct net_shard shard;

static void set_up(void)
{
	static bool done;
	if (done) return;
	done = true;
	server.options = (struct net_options){.request_arena = 65536,
					      .streams_max = 20,
					      .connections_max = 10,
					      .header_timeout = USEC_PER_SEC,
					      .idle_timeout = USEC_PER_SEC,
					      .stall_timeout = USEC_PER_SEC,
					      .shards = 1};
	must(!h2_setup());
	must(!route_compile(&fixture_routes, 1, NULL, &server.routes));
	must(!shard_init(&shard, &server, &server.options, 0));
}

static void feed(struct peer *peer, const char *p, size_t n, size_t step)
{
	while (n && !peer->ended) {
		size_t take = step && step < n ? step : n;
		if (take > SHARD_READ) take = SHARD_READ;
		if (peer->conn.blocked) conn_writable(&peer->conn);
		if (peer->ended || !peer->want_read) break;
		conn_input(&peer->conn, p, take);
		must(!shard.out.n && !shard.sealed.n);
		p += take;
		n -= take;
	}
}

/* Timers that the handlers started, and what they make dirty. */
static void turn_loop(void)
{
	uv_run(&shard.loop, UV_RUN_NOWAIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char opening[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
	if (n < 1) return 0;
	set_up();
	struct peer *peer = calloc(1, sizeof *peer);
	must(peer);
	peer->conn.carrier = &carrier;
	peer->slow = data[0] & 0x40;
	peer->want_read = true;
	conn_open(&peer->conn, &shard, NULL);
	if (data[0] & 0x80) feed(peer, opening, sizeof opening - 1, 0);
	feed(peer, (const char *)data + 1, n - 1, data[0] & 0x3f);
	turn_loop();
	for (int i = 0; i < 4 && !peer->ended; i++) {
		conn_writable(&peer->conn);
		turn_loop();
	}
	if (!peer->ended) conn_tick(&peer->conn, shard_now(&shard) + 500);
	if (!peer->ended) conn_tick(&peer->conn, shard_now(&shard) + 3000);
	if (!peer->ended) conn_eof(&peer->conn);
	if (!peer->ended) conn_doom(&peer->conn, true);
	turn_loop();
	must(peer->ended && !shard.conns && !shard.dirty);
	free(peer);
	return 0;
}
