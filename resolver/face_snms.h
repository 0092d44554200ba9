/* The two files of the SNMS interface: records, templates. Private to this folder. */
#ifndef RESOLVER_FACE_SNMS_H
#define RESOLVER_FACE_SNMS_H

#include "proto/snms/snms.h"
#include "resolver/face_china.h"

/* data is stolen; NULL: null. */
void snms_reply(struct net_req *r, enum snms_status status, const char *message, json_t *data);
/* The answer of an error; message: the sentence when it is the client's fault, or NULL. */
void snms_refuse(struct net_req *r, enum err e, const char *message);

void snms_get_template(struct net_req *r); /* face_snms_template.c */
void snms_post_template(struct net_req *r);
void snms_put_template(struct net_req *r);
void snms_delete_template(struct net_req *r);

#endif
