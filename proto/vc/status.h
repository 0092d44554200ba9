/* Status lists (W3C Bitstring Status List 1.0 and StatusList2021): one bit a credential, gzip, base64url.
 *
 * Bit 0 is the most significant of the first octet. Pure; threads: any. */
#ifndef PROTO_VC_STATUS_H
#define PROTO_VC_STATUS_H

#include "base/arena.h"

enum {
	VC_STATUS_BITS = 131072, /* entries: the least that both specifications allow, so that a list tells
				  * nobody whom it is about; ours have as many */
	VC_STATUS_SIZE_MAX = 8,  /* bits of an entry: 256 messages */
	VC_STATUS_OCTETS_MAX = 2 << 20, /* unpacked: 16 million credentials */
	VC_STATUS_TEXT_MAX = 1 << 20
};

/* Unpacks an encodedList: with the multibase letter "u" or without, base64url or base64.
 * ERR_BAD_INPUT (not base64, not gzip, cut off), ERR_TOO_LARGE (beyond VC_STATUS_OCTETS_MAX). */
enum err vc_status_unpack(struct arena *a, struct str text, struct flaw *f, struct str *ret) MUST_USE;
/* The gzipped octets: in base64, as StatusList2021 says (EDC takes no base64url there), or with the
 * multibase letter "u" in base64url, as Bitstring Status List says. Empty when the arena is full. */
struct str vc_status_pack(struct arena *a, struct str octets, bool multibase);
/* The entry at index of a list whose entries have size bits (1 to VC_STATUS_SIZE_MAX), the most significant
 * first. ERR_BAD_INPUT: the list has fewer than VC_STATUS_BITS entries (rule "list-short"), or none at this
 * place ("list-index"). */
enum err vc_status_value(struct str octets, uint64_t index, unsigned size, struct flaw *f,
			 unsigned *ret) MUST_USE;

#endif
