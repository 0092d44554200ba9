/* A data plane that does nothing but remember what it was asked. */
#ifndef TESTS_DATASPACE_FAKE_PLANE_H
#define TESTS_DATASPACE_FAKE_PLANE_H

#include "dataspace/dataplane.h"

struct fake_plane {
	_Atomic unsigned pulls, pushes, cuts, ended, receipts;
	uint64_t count_max;  /* the policy: at most so many transfers; 0 = unbounded */
	const char *purpose; /* and for this purpose only; NULL = any */
	bool finish;         /* a pull reports success at once */
	bool undecidable;    /* dp_allow_start fails */
};
extern struct fake_plane fake_plane;

#endif
