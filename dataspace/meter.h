/* Meters: what was used under an agreement, counted on both sides, exactly, whatever crashes.
 *
 * Three counts: transfers that were started; requests: distinct data requests; octets: distinct payload
 * octets that the consumer has. One Usage row for each transfer, one Meter row of sums for each agreement.
 *
 * Invariants, and what they give:
 *  1. Consumer: a number is durable before the request that carries it (Kanhe-Request: n). A number whose
 *     answer never came is used again. So its count is never below what the provider has seen.
 *  2. Provider: a number is counted in the command that grants the request, before the first octet
 *     leaves. The same number again is not counted again. So its count is at most one behind.
 *  3. Provider: octets are granted (durable) before they leave. So no consumer can have an octet that
 *     is not granted, and a policy's limit on octets holds over a crash.
 *  4. A request that begins at X says that the consumer has [0, X): confirmed, if it was granted.
 *     Provider's octets = what is confirmed; never more than granted; never goes back.
 *  5. Consumer's octets = the largest extent its file had: known again after a crash from the file.
 *  6. When a transfer has ended and its file is quiet, the consumer states its counts (receipt.h). The
 *     provider takes them over when requests are its own count or one more (2) and octets lie between
 *     confirmed and granted (3, 4): from then on both hold the same numbers, signed by both. Other
 *     counts are a dispute. The statement and what it settles are one command on either side.
 *  7. A settled transfer grants nothing any more.
 *  8. A consumer that numbers nothing knows no receipts: each granted request counts, and the octets
 *     that went out; the provider settles alone.
 * Sums change in the command that changes a Usage row, by the difference: reading them costs one row.
 *
 * Threads: find and each with any transaction; everything that changes in a command. */
#ifndef DATASPACE_METER_H
#define DATASPACE_METER_H

#include "dataspace/space.h"
#include "dataspace/spans.h"

struct meter_use {
	Ds__Usage *row; /* in the arena */
	Ds__Usage before;
	struct spans granted, sent;
	struct arena *arena;
};

/* The row, a fresh one when there is none. ERR_CORRUPT, ERR_NO_MEMORY. */
enum err meter_use_open(struct store_txn *t, struct arena *a, struct str participant, struct str agreement,
			struct str pid, Ds__Side side, struct meter_use *ret) MUST_USE;
/* In a command: puts the row, the sums and the index of unsettled transfers. */
enum err meter_use_close(struct writer_txn *t, struct str participant, struct meter_use *u) MUST_USE;
bool meter_settled(const Ds__Usage *u);

/* The sums; zeros when nothing was used. */
enum err meter_find(struct store_txn *t, struct arena *a, struct str participant, struct str agreement,
		    Ds__Meter **ret) MUST_USE;
typedef enum err meter_fn(void *arg, const Ds__Meter *m);
/* Ascending by agreement, behind `after` (may be empty), until fn gives an error (ERR_NOT_FOUND: enough).
 */
enum err meter_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
		    meter_fn *fn, void *arg) MUST_USE;
typedef enum err meter_use_fn(void *arg, const Ds__Usage *u);
enum err meter_use_each(struct store_txn *t, struct arena *a, struct str participant, struct str agreement,
			meter_use_fn *fn, void *arg) MUST_USE;
typedef enum err meter_open_fn(void *arg, struct str participant, struct str pid, struct str agreement);
/* Every transfer of every participant whose counts are not settled. */
enum err meter_each_open(struct store_txn *t, struct arena *a, meter_open_fn *fn, void *arg) MUST_USE;

/* ---- provider ---- */

/* A granted request: number 0 = the consumer does not number. ERR_BAD_INPUT: a number was skipped. */
enum err meter_request(struct meter_use *u, uint64_t number, uint64_t from, struct flaw *f) MUST_USE;
/* ERR_QUOTA: too many separate ranges. */
enum err meter_grant(struct meter_use *u, uint64_t from, uint64_t to) MUST_USE;
void meter_sent(struct meter_use *u, uint64_t from, uint64_t to);

/* ---- consumer ---- */

/* The number for a request that begins at `from`; the file has on_disk octets. */
uint64_t meter_number(struct meter_use *u, uint64_t from, uint64_t on_disk);
void meter_arrived(struct meter_use *u, uint64_t on_disk);

/* ---- settlement ---- */

void meter_settle(struct meter_use *u, uint64_t requests, uint64_t octets, Ds__Settlement how,
		  uint64_t sequence);

#endif
