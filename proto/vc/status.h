/* Status lists (W3C Bitstring Status List 1.0 and StatusList2021): one bit a credential, gzip, base64url.
 *
 * Bit 0 is the most significant of the first octet. Pure; threads: any. */
#ifndef PROTO_VC_STATUS_H
#define PROTO_VC_STATUS_H

#include "base/arena.h"

enum {
	VC_STATUS_BITS = 131072,        /* of a list of ours: the least the specification allows */
	VC_STATUS_OCTETS_MAX = 2 << 20, /* unpacked: 16 million credentials */
	VC_STATUS_TEXT_MAX = 1 << 20
};

/* Unpacks an encodedList: with the multibase letter "u" or without, base64url or base64.
 * ERR_BAD_INPUT (not base64, not gzip, cut off), ERR_TOO_LARGE (beyond VC_STATUS_OCTETS_MAX). */
enum err vc_status_unpack(struct arena *a, struct str text, struct flaw *f, struct str *ret) MUST_USE;
/* Base64 of the gzipped octets, as StatusList2021 says; EDC takes no base64url. Empty when the arena is
 * full. */
struct str vc_status_pack(struct arena *a, struct str octets);
/* ERR_BAD_INPUT: the list has no such bit. */
enum err vc_status_bit(struct str octets, uint64_t index, bool *ret) MUST_USE;

#endif
