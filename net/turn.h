/* How a thread shares its processor with the others of the process.
 *
 * Purpose: a shard works for some microseconds at a time and sleeps; beside a thread that works on and on
 * (the writer under a load, an import) it waited for the end of that one's turn: milliseconds. Linux 6.12
 * and later let a thread ask for short turns, and give it the processor sooner for that. Older ones do not
 * know it. Threads: of the calling one. */
#ifndef NET_TURN_H
#define NET_TURN_H

void net_turn_short(void); /* what the system refuses is no error: answers come, only later */

#endif
