/* Outside data planes: who moves the data of datasets and transfers that name them.
 *
 * Purpose: Data Plane Signaling 1.0-rc3, "Data Plane Registration", the control plane's side. A data
 * plane is registered by the participant's owner (PUT /participants/{p}/dataplanes) with the endpoint of
 * its signaling interface and its transfer profiles; how it and we prove ourselves: enrolled.h.
 *
 * Profiles and the protocol's formats: http-pull and http-push of the HTTP profile are HttpData-PULL and
 * HttpData-PUSH; the name of any other profile is its format. What ends with "push" is pushed.
 *
 * Invariants: 1. the endpoint is a plain http(s) URL; the courier refuses those that are not public.
 * 2. a registration replaces the former one, credential and all. 3. removing one ends its transfers.
 * Owner of table data_plane. Threads: finding with any transaction; changes in commands. */
#ifndef DATASPACE_DATA_PLANE_H
#define DATASPACE_DATA_PLANE_H

#include "dataspace/turn.h"
#include "proto/dps/message.h"

enum {
	DATA_PLANES_MAX =
	    100, /* of one participant: each callback compares with all of their credentials */
	DATA_PLANE_LABELS_MAX = 20,
	DATA_PLANE_WORD_MAX = 256, /* a profile or label */
};

/* ERR_NOT_FOUND, ERR_CORRUPT. */
enum err data_plane_find(struct store_txn *t, struct arena *a, struct str participant, struct str id,
			 Ds__DataPlane **ret) MUST_USE;
/* The same for what an owner names: ERR_BAD_INPUT with rule "unknown" at that member. */
enum err data_plane_named(struct store_txn *t, struct arena *a, struct str participant, struct str id,
			  const char *at, struct flaw *f, Ds__DataPlane **ret) MUST_USE;
bool data_plane_serves(const Ds__DataPlane *p, struct str profile);

/* The protocol's format of a profile and back; borrowed or constant. Pure. */
struct str data_plane_format(struct str profile);
struct str data_plane_profile(struct str format);

extern const struct net_route data_plane_routes[];
extern const size_t data_plane_routes_n;

#endif
