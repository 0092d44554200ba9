/* How a thread shares its processor with the others of the process.
 *
 * Purpose: a shard works for some microseconds at a time and sleeps; beside a thread that works on and on
 * (the writer under a load, an import) it waited for the end of that one's turn: milliseconds. Linux 6.12
 * and later let a thread ask for short turns, and give it the processor sooner for that. Older ones do not
 * know it. Threads: of the calling one. */
#ifndef BASE_PROCESSOR_H
#define BASE_PROCESSOR_H

#include <stddef.h>

void processor_short_turns(void); /* what the system refuses is no error: answers come, only later */

/* Between two steps of long work: every so often the processor is offered to who waits for it. The system
 * looks for such by itself only when a thread wakes up and at its tick, which is 4 ms. Goes by the clock;
 * an offer that is taken costs the work its caches. */
enum { PROCESSOR_TURN_USEC = 100 };
void processor_offer(void); /* for steps of a microsecond and more: reads the clock each time */

/* The same between steps of some 0.1 to 0.5 us, i counting them: reads the clock after so many. */
enum { PROCESSOR_TURN_STEPS = 64 };
void processor_offer_each(size_t i);

#endif
