/* Answers in gzip, for clients that take it (RFC 9110 8.4, 12.5.3); zlib stays behind this pair.
 * Threads: the request's shard. */
#ifndef NET_ZIP_H
#define NET_ZIP_H

#include "net/net.h"

enum {
	ZIP_LEAST = 1024, /* shorter bodies fit a packet or two as they are */
	ZIP_LEVEL = 3,    /* catalogs shrink to a tenth; higher levels cost more than they save */
};

/* True when Accept-Encoding takes gzip: named, or by "*", with a quality above zero. */
bool net_takes_gzip(const struct net_req *r);
/* s as one gzip member in the arena; ERR_NO_MEMORY. */
enum err zip_pack(struct arena *a, struct str s, struct str *ret) MUST_USE;
/* net_reply, compressed when the client takes it and it pays; sets Vary. The body need not last. */
void net_reply_zip(struct net_req *r, int status, const char *type, struct str body);

#endif
