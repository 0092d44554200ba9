/* A program whose cases share one arena. */
#ifndef TESTS_BASE_ARENA_CASES_H
#define TESTS_BASE_ARENA_CASES_H

#include "tests/base/cases.h"

#include "base/arena.h"

static struct arena *a;

static int set_up(void **state)
{
	(void)state;
	a = arena_new(64 << 20);
	return a ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

#endif
