/* The Dataspace Protocol over HTTPS (DSP 2025-1, HTTPS bindings), both roles under one base path.
 * Threads: shards. */
#ifndef DATASPACE_FACE_DSP_H
#define DATASPACE_FACE_DSP_H

#include "dataspace/space.h"

extern const struct net_route face_dsp_routes[];
extern const size_t face_dsp_routes_n;

/* Answers a DSP request with the error type of its path (CatalogError, ContractNegotiationError,
 * TransferError). f may be NULL. */
void ds_dsp_refuse(struct net_req *r, enum err e, const struct flaw *f);

#endif
