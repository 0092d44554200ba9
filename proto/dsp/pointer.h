/* The path of a flaw ("offer.permission[0].action") as a JSON pointer (RFC 6901):
 * "/offer/permission/0/action". at: as in struct flaw; "" is the whole message. In the arena; STR_NONE
 * without memory. Threads: any. */
#ifndef PROTO_DSP_POINTER_H
#define PROTO_DSP_POINTER_H

#include "base/arena.h"

struct str dsp_pointer(struct arena *a, const char *at);

#endif
