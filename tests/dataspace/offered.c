#include "tests/dataspace/offered.h"

struct world w;

int setup(void **state)
{
	(void)state;
	world_open(&w);
	world_publish(&w, "telemetry", POLICY);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}
