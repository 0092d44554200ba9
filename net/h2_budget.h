/* Budgets for what an HTTP/2 peer can send at no cost to itself.
 *
 * Purpose: SETTINGS, PING, PRIORITY, empty DATA, WINDOW_UPDATE and unknown frames make work and
 * carry nothing; streams that we must reset (CVE-2025-8671) make work without counting as
 * concurrent. Each kind has a bucket: `burst` at once, `rate` more each second. An empty bucket
 * ends the connection with ENHANCE_YOUR_CALM. nghttp2 1.52 has no such limiter of its own.
 * Ownership: embedded in struct h2. Pure: time comes in. */
#ifndef NET_H2_BUDGET_H
#define NET_H2_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* name, burst, per second, why so many */
#define H2_BUDGETS(X)                                                                                      \
	X(SETTINGS, 20, 2, "a client sends one or two in the life of a connection")                        \
	X(PING, 50, 10, "keep-alive and round-trip probes: a few each second")                             \
	X(PRIORITY, 500, 100, "old clients send one or two per request")                                   \
	X(EMPTY_DATA, 200, 50, "the end of a body of unknown length: one per request")                     \
	X(WINDOW, 1000, 200, "besides those that answer DATA frames of ours")                              \
	X(UNKNOWN, 50, 10, "grease: a few per connection")                                                 \
	X(RESET_BY_PEER, 500, 50, "a browser that leaves a page takes back all it asked for")              \
	X(RESET_BY_US, 100, 10, "streams that broke the protocol: 100 in 10 seconds")

enum h2_budget_kind {
#define X(name, burst, rate, why) H2_BUDGET_##name,
	H2_BUDGETS(X)
#undef X
	    H2_BUDGETS_N
};

struct h2_budget {
	uint32_t spent[H2_BUDGETS_N];
	uint64_t since; /* milliseconds when refilled last */
};

/* False when the budget is used up. Cheap: looks at the clock only when the burst is spent. */
bool h2_budget_spend(struct h2_budget *b, enum h2_budget_kind kind, uint64_t now);
/* Gives credit back: a DATA frame of ours allows the window updates that answer it. */
void h2_budget_credit(struct h2_budget *b, enum h2_budget_kind kind, uint32_t n);

#endif
