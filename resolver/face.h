/* What the HTTP faces share. Private to this folder. Threads: the request's shard. */
#ifndef RESOLVER_FACE_H
#define RESOLVER_FACE_H

#include "base/json.h"
#include "net/access.h"
#include "resolver/state.h"

#define MEDIA_JSON "application/json"
#define MEDIA_RECORD "application/vnd.kanhe.record+protobuf"   /* one Record */
#define MEDIA_RECORDS "application/vnd.kanhe.records+protobuf" /* Records, each after its varint length */
#define MEDIA_BATCH "application/vnd.kanhe.batch+protobuf"     /* BatchRequest, BatchAnswer */

enum {
	FACE_RECORD_BODY = 1 << 20,  /* JSON of a record of 256 KiB, escaped */
	FACE_RECORDS_BODY = 8 << 20, /* 2,000 records of 4 KiB */
	FACE_BODY = 64 * 1024,
	FACE_LIST = 100, /* items of a page when the request names none */
	FACE_LIST_MAX = 1000,
};

/* All rows of the resolver, in the arena; ctx is set by the caller. china: the SNMS and DOIP faces too. */
enum err face_routes(struct arena *a, bool china, struct net_routes *ret) MUST_USE;
/* Rows of one file. */
extern const struct net_route face_resolve_rows[], face_registry_rows[], face_delegation_rows[],
    face_credential_rows[], face_node_rows[], face_list_rows[], face_find_rows[], face_history_rows[],
    face_series_rows[], face_enterprise_rows[], face_dossier_rows[], face_account_rows[],
    face_statistics_rows[], face_template_rows[], face_snms_rows[], face_doip_rows[], face_meta_rows[],
    face_report_rows[], face_import_rows[], face_export_rows[];
extern const size_t face_resolve_rows_n, face_registry_rows_n, face_delegation_rows_n,
    face_credential_rows_n, face_node_rows_n, face_list_rows_n, face_find_rows_n, face_history_rows_n,
    face_series_rows_n, face_enterprise_rows_n, face_dossier_rows_n, face_account_rows_n,
    face_statistics_rows_n, face_template_rows_n, face_snms_rows_n, face_doip_rows_n, face_meta_rows_n,
    face_report_rows_n, face_import_rows_n, face_export_rows_n;

/* The route's first parameter, percent-decoded and parsed. ERR_BAD_ID, ERR_BAD_INPUT. */
enum err face_id(struct net_req *r, struct flaw *f, struct id *ret) MUST_USE;
/* The content type without its parameters; JSON when there is none. */
bool face_content(const struct net_req *r, const char *media_type);

/* A message of a version we do not know is the client's fault: BAD_PROTO, rule "message-version". */
enum err face_proto_err(enum err e, struct flaw *f) MUST_USE;

/* problem+json like net_reply_err, with more members: raw JSON without the outer braces, or "". */
void face_problem(struct net_req *r, enum err e, const struct flaw *f, struct str more);
/* Ends a request whose answer is JSON in out: with it, or with the first error, e or the buffer's. out may
 * be NULL when e is not OK. */
void face_answer(struct net_req *r, enum err e, const struct flaw *f, const struct buf *out);
void face_json(struct net_req *r, int status, json_t *j); /* j belongs to the request's arena */
/* A buffer that lives as long as the request. NULL without memory. */
struct buf *face_buf(struct net_req *r, size_t max);

/* Prefixes of a credential. */
struct scope {
	bool all;
	struct id_prefix *prefixes;
	size_t n;
};
enum err face_scope(struct net_req *r, struct scope *ret) MUST_USE;
enum err scope_parse(struct arena *a, struct str text, struct scope *ret) MUST_USE; /* of a credential */
bool scope_covers(const struct scope *s, struct str key);

/* Whether the prefix lies under one that this node is authoritative for, or has one under it:
 * ERR_NOT_RESPONSIBLE. (face_list.c) */
enum err face_check_ours(const struct rs *rs, const struct id_prefix *p, struct flaw *f) MUST_USE;

#endif
