#include "base/processor.h"

#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

/* The shortest that Linux takes. */
enum { TURN_NSEC = 100000 };
enum { RESET_ON_FORK = 1 }; /* threads that a shard makes work on and on */

/* struct sched_attr in its first version; headers of libc may lack it. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

void processor_short_turns(void)
{
	struct attributes a = {.size = sizeof a};
	if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) || a.policy != SCHED_OTHER) return;
	a.flags = RESET_ON_FORK;
	a.runtime = TURN_NSEC;
	(void)syscall(SYS_sched_setattr, 0, &a, 0);
}

void processor_offer(void)
{
	static _Thread_local usec_t last;
	usec_t now = clock_mono();
	if (now - last < PROCESSOR_TURN_USEC) return;
	(void)sched_yield();
	last = clock_mono();
}

void processor_offer_each(size_t i)
{
	if (i % PROCESSOR_TURN_STEPS == PROCESSOR_TURN_STEPS - 1) processor_offer();
}
