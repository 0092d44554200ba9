/* The files of DOIP over HTTP: objects, metadata, grants. Private to this folder. */
#ifndef RESOLVER_FACE_DOIP_H
#define RESOLVER_FACE_DOIP_H

#include "proto/doip/doip.h"
#include "resolver/face_china.h"

enum { DOIP_PAGE = 10, DOIP_PAGE_MAX = 1000, DOIP_MANY = 200 /* metadata in one request */ };

/* ---- answers ---------------------------------------------------------------------------- */

/* message NULL: the code's own. data is stolen; NULL: none. */
void doip_reply(struct net_req *r, enum doip_code code, const char *message, json_t *data);
/* ERR_BAD_MESSAGE lists the field that the flaw names; other errors get their code. */
void doip_refuse(struct net_req *r, enum err e, const struct flaw *f);
/* 106, naming the parameter or member that is missing or wrong. */
void doip_refuse_parameter(struct net_req *r, const char *name);

/* ---- who asks --------------------------------------------------------------------------- */

/* An anonymous caller gets roles 0 and ERR_OK when roles is 0; a bad token never passes. */
enum err doip_session(struct net_req *r, uint32_t roles, struct session *ret) MUST_USE;
/* Prefix of the caller: of its identity, else the only one of its scope. STR_NONE. */
struct str doip_prefix(struct net_req *r, const struct session *s);
/* Whether the caller may see the template: its own, opened to all, or to it. */
bool doip_owns(struct net_req *r, const struct session *s, const struct template *t); /* its own */
bool doip_sees(struct net_req *r, const struct session *s, const struct template *t);
/* "88.608.8889/App_erp" under our authority without a credential is no identity: false. */
bool doip_identity_ok(struct net_req *r, struct str handle);
/* Company and name that the record of an identity tells, else what its handle tells. */
struct str doip_identity_text(struct net_req *r, struct str handle, const char *type, struct str otherwise);

/* Template that a record names, by handle; p NULL: none. ERR_NOT_FOUND: it is not known here. */
enum err doip_record_template(struct net_req *r, const struct id *id, const struct record *record,
			      struct str *ret_handle, struct template *ret) MUST_USE;
/* The record's own grant. */
enum err doip_record_grant(struct arena *a, const struct record *record, struct doip_grant *ret) MUST_USE;
/* Texts of a template's times; room lives as long as the answer is made. */
struct doip_clock {
	char created[CHINA_TIME], modified[CHINA_TIME], published[CHINA_TIME];
	struct doip_times times;
};
void doip_clock_set(struct net_req *r, const struct template *t, struct doip_clock *ret);

/* ---- changes of metadata (face_meta_change.c) ------------------------------------------- */

struct meta_item {
	struct templates_change change;
	struct str handle;
	enum err err; /* set before: not tried */
	struct flaw flaw;
};
struct meta_notice {
	struct str handle, json; /* whom, what: written when all went well */
};
/* Changes or deletes templates. together: all or none; else each on its own. */
struct meta_job {
	struct job job;
	struct meta_item *items;
	size_t n;
	bool remove, together;
	struct meta_notice *notices;
	size_t notices_n;
};
struct meta_job *meta_job_new(struct net_req *r, size_t items); /* NULL without memory */
/* Answers of one change: `code` when it went well. */
void meta_answer_done(struct job *j);
/* The caller's right to change items[0]'s template: sets its error. */
enum err meta_may_change(struct net_req *r, struct meta_job *g, struct template *t) MUST_USE;
void meta_refuse(struct net_req *r, struct meta_job *g, enum err e, const struct flaw *f);
/* Tells each identity of the list of a grant or its end; kind 1 metadata, 2 one record, 3 its class. */
struct meta_told {
	json_t *users;
	struct str what; /* handle of the metadata or record */
	int kind;
	bool ends, edit;
};
enum err meta_notify(struct net_req *r, struct meta_job *g, const struct session *s,
		     const struct meta_told *told) MUST_USE;

/* face_grant.c */
void doip_post_public(struct net_req *r);
void doip_post_class_grant(struct net_req *r);
void doip_post_single_grant(struct net_req *r);
void doip_post_meta_grant(struct net_req *r);
/* face_meta_change.c */
void doip_post_meta(struct net_req *r);
void doip_put_meta_basic(struct net_req *r);
void doip_put_meta_items(struct net_req *r);
void doip_put_meta_state(struct net_req *r);
void doip_delete_meta(struct net_req *r);
void doip_post_meta_copy(struct net_req *r);

#endif
