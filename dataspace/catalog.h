/* The catalog of a participant (DSP 2025-1, Catalog Protocol) and the catalogs of partners.
 *
 * Each published dataset has one offer and two distributions, HttpData-PULL and HttpData-PUSH, at the participant's own
 * data service. What plain peers may ignore: "kanhe:content" {digest, size, mediaType} of the dataset,
 * its title, description and identifiers, and an SPDX checksum and size of the distribution. The
 * catalog is given in pages of CATALOG_PAGE datasets with a Link header.
 * Threads: shards. */
#ifndef DATASPACE_CATALOG_H
#define DATASPACE_CATALOG_H

#include "dataspace/space.h"

enum { CATALOG_PAGE = 500 /* datasets of one answer: well under 1 MiB */ };

void catalog_on_request(struct net_req *r); /* POST /catalog/request */
void catalog_on_dataset(struct net_req *r); /* GET /catalog/datasets/{d} */

/* A partner's catalog, asked for by an owner or agent: POST /participants/{p}/catalog */
void catalog_on_ask(struct net_req *r);

#endif
