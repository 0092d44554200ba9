#include "net/turn.h"

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

void net_turn_short(void)
{
	struct attributes a = {.size = sizeof a};
	if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) || a.policy != SCHED_OTHER) return;
	a.flags = RESET_ON_FORK;
	a.runtime = TURN_NSEC;
	(void)syscall(SYS_sched_setattr, 0, &a, 0);
}

void net_turn_offer(size_t i)
{
	static _Thread_local usec_t last;
	if (i % NET_TURN_STEPS != NET_TURN_STEPS - 1) return;
	usec_t now = clock_mono();
	if (now - last < NET_TURN_USEC) return;
	(void)sched_yield();
	last = clock_mono();
}
