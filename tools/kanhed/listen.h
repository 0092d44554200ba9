/* Where the node listens, and the sockets of that. The supervisor binds and keeps them; each worker that it
 * forks takes its copies. So while no worker runs, connections wait instead of being refused.
 *
 * Ownership: the holder's process owns its copies of the sockets. Threads: the main thread. */
#ifndef TOOLS_KANHED_LISTEN_H
#define TOOLS_KANHED_LISTEN_H

#include "base/conf.h"
#include "net/net.h"

enum { LISTEN_MAX = 2, LISTEN_HOST_MAX = 256 };

struct listen {
	struct net_listener all[LISTEN_MAX]; /* https, http: those that are not off */
	char hosts[LISTEN_MAX][LISTEN_HOST_MAX];
	const char *keys[LISTEN_MAX]; /* the settings, of section net, that name them */
	size_t n;
	unsigned shards;
	struct net_bound *bound;
};

/* Binds what the configuration names, unless it is held already; what is no longer named is closed. After
 * an error all is as it was: ERR_BAD_CONF when nothing is named, or an error of net_bind; then ret_key is
 * the setting that names what cannot be listened on, and NULL when it is none of them alone. */
enum err listen_renew(struct listen *l, const struct conf *c, struct flaw *f,
		      const char **ret_key) MUST_USE;
/* From now on connections are refused once the worker closes its own. */
void listen_drop(struct listen *l);

#endif
