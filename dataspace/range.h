/* Range requests (RFC 9110 14): one range of octets. Pure; any thread. */
#ifndef DATASPACE_RANGE_H
#define DATASPACE_RANGE_H

#include "base/str.h"

enum range_kind {
	RANGE_WHOLE, /* no Range, or one that RFC 9110 14.2 lets a server ignore: 200 */
	RANGE_PART,  /* 206 */
	RANGE_NONE,  /* nothing of the content: 416 */
};

/* header: the Range field (p = NULL: absent). *ret_to is exclusive. Several ranges, other units and
 * ill-formed fields are ignored. */
enum range_kind range_parse(struct str header, uint64_t size, uint64_t *ret_from, uint64_t *ret_to);

#endif
