/* Time. Wall time is for what is signed or shown, monotonic time for everything that waits.
 * A test may replace both. Threads: any; clock_fake only while no other thread reads. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/str.h"

typedef int64_t usec_t; /* microseconds; wall: since 1970-01-01T00:00:00Z */

#define USEC_PER_MSEC INT64_C(1000)
#define USEC_PER_SEC INT64_C(1000000)
#define USEC_PER_DAY (INT64_C(86400) * USEC_PER_SEC)

usec_t clock_wall(void);
usec_t clock_mono(void);
/* wall and mono become functions of *at until clock_fake(NULL). */
void clock_fake(const usec_t *at);

enum { CLOCK_TEXT = 28 }; /* "2026-11-24T08:09:10.123456Z" and NUL */
/* RFC 3339, UTC. With fraction: microseconds; without: whole seconds. Returns out. */
char *clock_print(usec_t t, bool fraction, char out[CLOCK_TEXT]);
/* RFC 3339 date-time with Z or offset, seconds optional (DSP examples omit them), or a plain
 * date "2026-11-24" meaning its first instant in UTC. ERR_BAD_INPUT otherwise. */
enum err clock_parse(struct str s, usec_t *ret) MUST_USE;

#endif
