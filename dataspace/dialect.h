/* Versions of the Dataspace Protocol: one path each, one set of engines.
 *
 * Engines, rows and parsers know 2025-1; what comes in or goes out in 2024-1 is mapped at the edge
 * (proto/dsp/v2024.h). A process stays in the version in which it began: its row says which.
 * Threads: any. */
#ifndef DATASPACE_DIALECT_H
#define DATASPACE_DIALECT_H

#include "dataspace/space.h"

/* name in C, name on the wire, as Eclipse connectors name it, path below a participant's root; the first is
 * preferred */
#define DS_DIALECTS(X)                                                                                     \
	X(2025_1, "2025-1", "2025-1", DS_DSP_PATH)                                                         \
	X(2024_1, "2024-1", "2024/1", DS_DSP_PATH_2024)

/* Values are stored in rows. */
enum ds_dialect {
#define X(name, text, other, path) DS_DIALECT_##name,
	DS_DIALECTS(X)
#undef X
	    DS_DIALECT_END
};

const char *ds_dialect_name(uint32_t v);
const char *ds_dialect_path(uint32_t v);
/* Whether the node speaks it (struct ds_options, `dsp`). */
bool ds_dialect_spoken(const struct ds *d, uint32_t v);
uint32_t ds_dialect_preferred(const struct ds *d);
/* Of a partner's base, whose path ends in the name of a version as partners name it. */
bool ds_dialect_of_base(struct str base, uint32_t *ret);
/* Of a route by its pattern. */
uint32_t ds_dialect_of(const struct net_req *r);
/* Our base for partners of that version. In the arena; p NULL without memory. */
struct str ds_dialect_base(struct arena *a, const struct ds_self *self, uint32_t v);

/* A partner's message or answer as one of 2025-1. Errors of dsp_v2024_read. */
enum err ds_dialect_read(struct arena *a, uint32_t v, json_t *j, struct flaw *f, json_t **ret) MUST_USE;
/* Ours, of 2025-1, in that version; NULL without memory (also when j is NULL). provider: assigner of offers
 * that name none. */
json_t *ds_dialect_write(struct arena *a, uint32_t v, const struct ds_self *self, struct str provider,
			 json_t *j);

/* The same message, for the partner of that base: Eclipse connectors read 2024-1 by JSON-LD. */
void ds_dialect_suit(const char *base, json_t *j);

/* Answers in the version of the route; a failed write is ERR_NO_MEMORY. */
void ds_dialect_reply(struct net_req *r, const struct ds_self *self, int status, json_t *j);

/* Where the versions of a partner are told, and what of them is taken: 2025-1 where both speak it, else
 * 2024-1. root: the URL in front of DS_VERSIONS_PATH. ERR_BAD_MESSAGE; ERR_NOT_FOUND: none in common. */
#define DS_VERSIONS_PATH "/.well-known/dspace-version"
enum err ds_dialect_choose(struct arena *a, const struct ds *d, json_t *answer, struct str root,
			   struct flaw *f, uint32_t *ret, struct str *ret_base) MUST_USE;

#endif
