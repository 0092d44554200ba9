/* Certificates of a node that has no authority of its own yet: a local demonstration CA and what
 * it issues, by OpenSSL. ECDSA P-256, version 3, random serial numbers.
 *
 * Files are PEM; keys are PKCS #8 with mode 0600 (they are read by the TLS library at start, so they
 * are not encrypted); certificates 0644. Nothing is overwritten, and of the two files of one
 * certificate both are made or none. Files are read and written: never on a loop thread.
 * Threads: any.
 *
 * Errors: ERR_EXISTS, ERR_NOT_FOUND, ERR_BAD_KEY (of the CA: unreadable, too open, or not that of its
 * certificate), ERR_BAD_INPUT (a name or host, or a file that is no certificate), ERR_NO_SPACE, ERR_IO,
 * ERR_INTERNAL (the library), each with a flaw that names the file or the host and the rule. */
#ifndef NET_CERT_H
#define NET_CERT_H

#include "base/clock.h"
#include "base/str.h"

enum {
	CERT_CA_DAYS = 3650,
	CERT_DAYS = 398,     /* what browsers accept at most */
	CERT_NAME_MAX = 64,  /* octets of a common name (RFC 5280 A.1 ub-common-name) */
	CERT_HOSTS_MAX = 64, /* subject alternative names of one certificate */
	CERT_FINGERPRINT = 32
};

/* CA:TRUE, path length 0, ten years. name: its common name. */
enum err cert_make_ca(const char *cert, const char *key, const char *name, struct flaw *f) MUST_USE;

struct cert_subject {
	const char *ca_cert, *ca_key;
	const char *name;         /* common name */
	const char *const *hosts; /* DNS names ("*." allowed in front), IPv4 and IPv6 addresses */
	size_t hosts_n;
};
/* For a server that is also a client: serverAuth and clientAuth, at least one host. */
enum err cert_make_node(const struct cert_subject *s, const char *cert, const char *key,
			struct flaw *f) MUST_USE;
/* clientAuth only; no hosts. */
enum err cert_make_client(const struct cert_subject *s, const char *cert, const char *key,
			  struct flaw *f) MUST_USE;

/* Of the first certificate in a PEM file: SHA-256 of its DER, and the end of its validity. */
enum err cert_fingerprint(const char *pem, struct flaw *f, unsigned char ret[CERT_FINGERPRINT]) MUST_USE;
enum err cert_expiry(const char *pem, struct flaw *f, usec_t *ret) MUST_USE;

#endif
