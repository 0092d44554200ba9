#include "tests/dataspace/agreed.h"

struct world w;
char *agreement;

int setup(void **state)
{
	const char *pid;

	(void)state;
	memset(&fake_plane, 0, sizeof fake_plane);
	world_open(&w);
	world_publish(&w, "telemetry", POLICY);
	pid = world_negotiate(&w, "telemetry");
	world_settle(&w);
	agreement = world_negotiation(&w, "buyer", pid)->agreement;
	return 0;
}

int teardown(void **state)
{
	(void)state;
	world_close(&w);
	memset(&fake_plane, 0, sizeof fake_plane);
	return 0;
}

Ds__Transfer *buyers(const char *pid)
{
	return world_transfer(&w, "buyer", pid);
}

Ds__Transfer *makers(const char *pid)
{
	return world_transfer(&w, "maker", buyers(pid)->peer_pid);
}
