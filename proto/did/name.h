/* DID names: did:web (W3C CCG did:web method) and did:key of Ed25519 and P-256 (W3C CCG did:key method).
 *
 * Purpose: between names, URLs and keys, both ways. Pure; threads: any.
 *
 * did:web:HOST[%3APORT][:SEGMENT…] stands for https://HOST[:PORT]/SEGMENT…/did.json, or
 * /.well-known/did.json without segments; nodes of a closed network that serve clear text look it up
 * over http. Host names in lower case, ports without leading zeros;
 * segments of letters, digits, ". - _" and percent-encoded octets that are not slashes, backslashes
 * or controls; "." and "..", also encoded, are no segments. An IPv4 address is taken for a host: a
 * demonstration runs on one. */
#ifndef PROTO_DID_NAME_H
#define PROTO_DID_NAME_H

#include "base/arena.h"
#include "base/es256.h"

enum {
	DID_MAX = 512,    /* octets of a name; a host has 253 at most */
	DID_KEY_TEXT = 64 /* "did:key:z6Mk…" and NUL */
};

/* ERR_BAD_INPUT with offset and rule: "method", "host", "port", "segment", "size". */
enum err did_web_check(struct str did, struct flaw *f) MUST_USE;
/* URL of the document, NUL-terminated; scheme: "https" or "http". As check; ERR_NO_MEMORY. */
enum err did_web_document_url(struct arena *a, struct str did, const char *scheme, struct flaw *f,
			      struct str *ret) MUST_USE;
/* The name whose root is that URL (http or https, no query, no fragment; one trailing slash is
 * ignored): "https://host:8443/p/maker" gives "did:web:host%3A8443:p:maker". NUL-terminated. */
enum err did_web_from_url(struct arena *a, struct str url, struct flaw *f, struct str *ret) MUST_USE;

/* Returns out. */
char *did_key_write(const unsigned char key[SIGN_PUBLIC], char out[DID_KEY_TEXT]);
enum err did_key_parse(struct str did, struct flaw *f, unsigned char ret[SIGN_PUBLIC]) MUST_USE;
/* The same of P-256 ("did:key:zDn…"): x and y. */
enum err did_key_parse_p256(struct str did, struct flaw *f, unsigned char ret[ES256_PUBLIC]) MUST_USE;
/* A did:key of either kind. ERR_BAD_INPUT with the rules "method" and "key". */
enum err did_key_check(struct str did, struct flaw *f) MUST_USE;

#endif
