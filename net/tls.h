/* TLS by OpenSSL: 1.3, and 1.2 with AEAD suites; ALPN h2 and http/1.1.
 *
 * Purpose: octets of the socket to octets of the protocol and back, without copies of our own:
 * OpenSSL reads from the chunk at hand and writes its records into the shard's `sealed` buffer.
 * No early data, no renegotiation, no compression. Session tickets are on.
 * The only file that includes OpenSSL's TLS.
 * Ownership: the context is the server's and shared by the shards; a struct tls is its
 * connection's. Threads: the context any, a struct tls its shard's. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/shard.h"

struct tls_context;
struct tls;

enum {
	TLS_CERT_DEPTH = 4,           /* of a client's chain */
	TLS_CERT_LIST_MAX = 32 * 1024 /* octets of a client's chain */
};

/* ERR_BAD_CONF with *f (unreadable, key does not fit), ERR_BAD_KEY (key readable by others). */
enum err tls_context_open(const struct net_tls_options *o, struct flaw *f,
			  struct tls_context **ret) MUST_USE;
void tls_context_close(struct tls_context *x); /* NULL is allowed */

/* sealed: where records go, emptied by the caller after every call. ERR_NO_MEMORY. */
enum err tls_new(struct tls_context *x, struct out *sealed, struct tls **ret) MUST_USE;
void tls_free(struct tls *t); /* NULL is allowed */

typedef void tls_plain_fn(void *arg, const char *p, size_t n);
/* Octets from the socket; plain(arg, …) for each piece of data in them. ERR_BAD_INPUT: the
 * handshake failed, a record is forged, or the peer has closed; `sealed` may hold an alert. */
enum err tls_unseal(struct tls *t, struct str in, tls_plain_fn *plain, void *arg) MUST_USE;
enum err tls_seal(struct tls *t, struct str plain) MUST_USE;
void tls_shut(struct tls *t); /* close_notify */

bool tls_done(const struct tls *t);                                  /* handshake completed */
bool tls_h2(const struct tls *t);                                    /* ALPN chose h2 */
bool tls_client_cert(const struct tls *t, unsigned char sha256[32]); /* false: none presented */

#endif
