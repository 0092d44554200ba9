/* Courier: outbound HTTP by libcurl on one thread; pooled HTTP/2 connections, deadlines, retries.
 *
 * Purpose: recursion upstream, callbacks of the Dataspace Protocol, DID documents, data pulls.
 * Only http and https; no redirects; addresses checked after name resolution and pinned:
 * loopback and private ones are refused unless `allow_private`, link-local, metadata and others that
 * are no host's always.
 *
 * Long bodies are sent over HTTP/1.1: over HTTP/2 they wait for windows, and libcurl 7.88 is told again and
 * again meanwhile that the socket is writable; neighbours on the connection would wait with them.
 *
 * Ownership: the request is copied at submit; the result is the courier's and lives during done.
 * Threads: submit and cancel from any; data and done run on the courier's thread, must not block,
 * and come back to a shard with net_post. done runs exactly once for each submitted request, also
 * at courier_stop (ERR_STOPPING). */
#ifndef NET_COURIER_H
#define NET_COURIER_H

#include "base/clock.h"
#include "base/str.h"

struct courier;

struct courier_header {
	const char *name, *value;
};

struct courier_result {
	enum err err; /* OK: an HTTP answer of any status arrived whole */
	int status;
	struct str body; /* empty when `data` took it */
	struct str content_type;
	struct str location, retry_after, etag, link; /* link: fields joined by ", " */
	char text[200];                               /* the failure in words */
	usec_t took;
	unsigned attempts;
};

struct courier_req {
	const char *method, *url;
	const struct courier_header *headers;
	size_t headers_n;
	struct str body;
	bool body_stays;       /* until done: it need not be copied */
	const char *body_file; /* sent as it is read, instead of body; NULL: none. Not retried */
	uint64_t body_from;    /* octet of the file where the body begins */
	/* http:// URLs: HTTP/2 with prior knowledge, where libcurl is 8.0 or newer; else HTTP/1.1. */
	bool h2_prior;
	/* Whole exchange, retries included; 0 = 30 s. For streams: nothing moved for this long. */
	usec_t deadline;
	bool stream; /* so also without `data`: a body_file that takes as long as it takes */
	/* Of connection failures (of POST only before anything was sent), 502, 503, 504, with backoff;
	 * Retry-After is heeded; a stream is not retried once `data` has run. 0 = none. */
	unsigned retries;
	bool gzip;       /* the answer may come compressed; body_max counts what it unfolds to */
	size_t body_max; /* of the answer; 0 = 1 MiB, for streams unbounded; ERR_TOO_LARGE beyond */
	/* Streaming answers: each piece in turn. Returning an error ends the exchange with it. status
	 * and headers are known by then (NULL body in *r). NULL: collected into result.body. */
	enum err (*data)(void *arg, const struct courier_result *r, struct str piece);
	uint64_t rate; /* octets a second at most, over a connection of its own; 0 = unbounded */
	void (*done)(void *arg, const struct courier_result *r);
	void *arg;
};

struct courier_options {
	const char *ca_file;                  /* PEM of trusted authorities; NULL: the system's */
	const char *client_cert, *client_key; /* PEM; NULL: none presented */
	bool allow_private;
	unsigned per_host;  /* connections at once; 0 = 8 */
	size_t waiting_max; /* 0 = 10,000; beyond it ERR_BUSY */
};

enum err courier_start(const struct courier_options *o, struct courier **ret) MUST_USE;
/* ERR_BUSY, ERR_STOPPING, ERR_NO_MEMORY, ERR_BAD_INPUT (a method or header that cannot be sent as it
 * stands): done is then not called. Everything else comes through done: ERR_BAD_INPUT (the URL),
 * ERR_FORBIDDEN (an address that is not public), ERR_TIMEOUT, ERR_TOO_LARGE, ERR_UPSTREAM (no
 * connection, TLS, broken answer), ERR_NOT_FOUND and ERR_IO (body_file), ERR_STOPPING, and what
 * `data` returned. */
enum err courier_submit(struct courier *c, const struct courier_req *r, uint64_t *ret_ticket) MUST_USE;
/* done comes with ERR_STOPPING unless it has run already. */
void courier_cancel(struct courier *c, uint64_t ticket);
void courier_stop(struct courier *c);

struct courier_stat {
	uint64_t sent, answered, failed, retried, refused_address;
};
void courier_stat(struct courier *c, struct courier_stat *ret);

#endif
