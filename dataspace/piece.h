/* Pieces: the content of a dataset that does not end (DSP, "Non-Finite Data").
 *
 * Each content that its owner puts becomes the next piece of one stream of octets that only grows. A
 * transfer of it stays open until one side suspends or terminates it. Its data address carries the
 * property "kanhe:nonFinite"; what a request gets:
 *   no Range: the last piece (a peer that polls for the present state)
 *   Range: bytes=N-: from octet N of the stream to the end of the piece that holds it, 206
 *   Range: bytes=N- at the end of the stream: 204 and Retry-After: nothing more yet
 * Each is judged by the policy and counted as any other data request; octets are counted by their place in
 * the stream; a 204 is judged and not counted. Nothing of it is promised beforehand; each answer has the
 * digest of its piece.
 * Owner of table piece. Threads: finding with any transaction; adding in commands. */
#ifndef DATASPACE_PIECE_H
#define DATASPACE_PIECE_H

#include "dataspace/space.h"

#define PIECE_ADDRESS_MARK "kanhe:nonFinite"

/* The dataset's size grows; its row is the caller's to put. ERR_BAD_INPUT: an empty one. */
enum err piece_add(struct writer_txn *t, struct arena *a, struct str participant, Ds__Dataset *s,
		   const unsigned char digest[32], uint64_t size) MUST_USE;
/* The piece that holds octet `at` of the stream, and where it begins. ERR_NOT_FOUND behind the end. */
enum err piece_find(struct store_txn *t, struct arena *a, struct str participant, struct str dataset,
		    uint64_t at, Ds__Piece **ret, uint64_t *ret_from) MUST_USE;

#endif
