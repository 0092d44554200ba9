/* The catalog of a participant (DSP 2025-1, Catalog Protocol) and the catalogs of partners.
 *
 * Each published dataset has one offer and two distributions, HttpData-PULL and -PUSH, at the participant's
 * own data service; a partner who may not see the offer (dataset_access.h) does not see the dataset. What
 * plain peers may ignore: DCAT and Dublin Core members (dataset_meta.h), "kanhe:content" {digest, size,
 * mediaType}, an SPDX checksum and size of the distribution, "kanhe:feed" and "kanhe:removed"
 * (catalog_page.h). Pages with a Link header, gzip, a weak ETag; If-None-Match gives 304 to a GET and, as
 * RFC 9110 13.1.2 has it, 412 to a POST. Threads: shards. */
#ifndef DATASPACE_CATALOG_H
#define DATASPACE_CATALOG_H

#include "dataspace/space.h"

void catalog_on_request(struct net_req *r); /* POST /catalog/request */
void catalog_on_dataset(struct net_req *r); /* GET /catalog/datasets/{d} */

/* A partner's catalog, asked for by an owner or agent: POST /participants/{p}/catalog with provider and, if
 * wanted, filter and next (the member kanhe:next of the page before). */
void catalog_on_ask(struct net_req *r);

extern const struct net_route catalog_routes[];
extern const size_t catalog_routes_n;

#endif
