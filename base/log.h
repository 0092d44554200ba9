/* Log: lines of key=value on standard error, levels, a request id.
 *
 * 2026-11-24T08:09:10.123456Z info tag=negotiation req=01J… pid=urn:uuid:… state=AGREED msg="…"
 * Values are quoted when they hold blanks, quotes, '=' or control characters (escaped: a peer's
 * text cannot forge a line or drive a terminal). One write(2) per line; a line that cannot be
 * written is counted and dropped, never waited for. Threads: any. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_setup(enum log_level level, int fd);
enum err log_level_parse(struct str s, enum log_level *ret) MUST_USE;
bool log_on(enum log_level level);
uint64_t log_dropped(void);

/* Pairs of key, value (both const char *), ended by NULL:
 * log_line(LOG_INFO, "store", NULL, "folder", path, NULL). req may be NULL. A line is cut at 4 KiB. */
void log_line(enum log_level level, const char *tag, const char *req, ...) __attribute__((sentinel));
/* One message in printf form: msg="…". */
void log_msg(enum log_level level, const char *tag, const char *req, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

#endif
