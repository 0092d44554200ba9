/* What the interfaces of China's nodes share: sessions, record changes item by item, times. Private to this
 * folder.
 *
 * Both interfaces answer HTTP 200 and tell the outcome in the body, as their clients expect; 500 and above
 * are kept for what is the node's own failure. Threads: the request's shard; the command on the writer's
 * thread. */
#ifndef RESOLVER_FACE_CHINA_H
#define RESOLVER_FACE_CHINA_H

#include "resolver/face_registry.h"
#include "resolver/face_template.h"
#include "resolver/session.h"

enum {
	CHINA_READERS = ROLE_REGISTRAR | ROLE_ENTERPRISE | ROLE_AUDITOR,
	CHINA_CHANGERS = ROLE_REGISTRAR | ROLE_ENTERPRISE,
	CHINA_TIME = 20 /* "2024-07-04 18:59:13" and NUL */
};

/* The session of a request, which must hold one of the roles. ERR_UNAUTHORISED (also: none), ERR_EXPIRED,
 * ERR_FORBIDDEN; ERR_QUOTA: too many changes a second. */
enum err china_session(struct net_req *r, uint32_t roles, struct session *ret) MUST_USE;
enum err china_admit(struct net_req *r) MUST_USE; /* the last of these alone */
/* The body as JSON. ERR_BAD_JSON, ERR_TOO_LARGE … */
enum err china_body(struct net_req *r, struct arena *a, json_t **ret) MUST_USE;
/* China's time, UTC+8. */
char *china_time(usec_t t, char out[CHINA_TIME]);
enum err china_time_parse(struct str s, usec_t *ret) MUST_USE;
char *china_date(usec_t t, char out[CHINA_TIME]); /* "2024-07-04" */

/* An active record of this node. ERR_BAD_ID, ERR_NOT_RESPONSIBLE, ERR_NOT_FOUND (retired ones too). */
enum err china_record(struct net_req *r, struct str handle, struct id *ret_id, struct record *ret) MUST_USE;
/* Whether the session may see values that are not public, and change them. */
bool china_covers(struct net_req *r, const struct session *s, struct str key);

/* ---- changes of records ----------------------------------------------------------------- */

enum china_act { CHINA_CREATE, CHINA_REPLACE, CHINA_MERGE, CHINA_DELETE };

struct china_item {
	enum china_act act;
	struct str handle; /* as asked */
	struct id id;
	struct str authority;
	struct value *values; /* with the one that names the template */
	size_t values_n;
	enum err err; /* set before: not tried; by the command: its outcome */
	struct flaw flaw;
	struct template_fault fault; /* of a rule template-… */
};

/* Applies each item on its own; all that succeed are one transaction. A retired identifier that is created
 * again keeps its history. A replacement keeps values below index 2000, which are no attributes, but for
 * those that name the template. */
struct china_job {
	struct job job;
	struct china_item *items;
	size_t n;
	uint64_t zones_version; /* delegations that the items' places have seen */
	uint32_t roles;         /* of the session */
	void *more;             /* the face's */
};
struct china_job *china_job_new(struct net_req *r, size_t items,
				size_t arena_cap); /* NULL without memory */
/* Parses item->handle and finds its authority; sets item->err. */
void china_item_place(struct china_job *g, struct china_item *i, const struct scope *scope);
/* The sentence of a failure. single: not one item of a batch. */
const char *china_message(const struct china_item *i, bool single);

#endif
