/* How a thread shares its processor with the others of the process.
 *
 * Purpose: a shard works for some microseconds at a time and sleeps; beside a thread that works on and on
 * (the writer under a load, an import) it waited for the end of that one's turn: milliseconds. Linux 6.12
 * and later let a thread ask for short turns, and give it the processor sooner for that. Older ones do not
 * know it. Threads: of the calling one. */
#ifndef NET_TURN_H
#define NET_TURN_H

#include <stddef.h>

void net_turn_short(void); /* what the system refuses is no error: answers come, only later */

/* Between two of many equal steps of long work, i counting them: every so often the processor is offered to
 * who waits for it. The system looks for such by itself only when a thread wakes up and at its tick, which
 * is 4 ms. The clock is read after so many steps, of some 0.1 to 0.5 us each; an offer that is taken costs
 * the work its caches. */
enum { NET_TURN_STEPS = 64, NET_TURN_USEC = 100 };
void net_turn_offer(size_t i);

#endif
