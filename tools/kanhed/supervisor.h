/* Supervisor: a small process that keeps one worker alive.
 *
 * It forks the worker, waits, and forks again when the worker dies: at once after a long life,
 * with growing pauses when it keeps dying. It passes SIGTERM and SIGINT on and leaves when the
 * worker has; SIGHUP checks the configuration and, when it is sound, replaces the worker by one
 * that reads it anew. A worker that says EXIT_CONFIGURATION before it was ready is not restarted.
 * The supervisor opens no store and holds no key. It holds the sockets that the workers listen on, and
 * accepts nothing itself: while one worker has ended and the next has not begun, connections wait. */
#ifndef TOOLS_KANHED_SUPERVISOR_H
#define TOOLS_KANHED_SUPERVISOR_H

#include "base/err.h"

struct supervised {
	int (*work)(void *arg);   /* the worker's life; its result is the exit status */
	int (*check)(void *arg);  /* 0: the next worker may have the configuration, its sockets are bound */
	void (*leave)(void *arg); /* no worker comes after this one: lets the sockets go */
	void *arg;
};

/* Returns the exit status for the process. pid_file may be NULL. */
int supervise(const struct supervised *s, const char *pid_file);

#endif
