/* The three files of the face /resolve: single questions, batches, pages. Private to this folder. */
#ifndef RESOLVER_FACE_RESOLVE_H
#define RESOLVER_FACE_RESOLVE_H

#include "resolver/face.h"
#include "resolver/outcome.h"

void post_resolve(struct net_req *r); /* face_batch.c */
/* face_page.c: the outcome as a page, headers of the answer being set already. */
void page_reply(struct net_req *r, const struct id *id, const struct outcome *o);
/* That the text is no identifier, with the place where it is none; scheme: taken for one of it, or ID_NONE.
 */
void page_refuse(struct net_req *r, struct str text, enum id_scheme scheme, const struct flaw *f);

#endif
