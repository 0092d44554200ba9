/* A store in a folder of its own for each test. */
#ifndef TESTS_BASE_OPENED_H
#define TESTS_BASE_OPENED_H

#include "tests/base/cases.h"
#include "tests/base/folder.h"

struct fixture {
	struct folder folder;
	struct store *store;
};

static int set_up(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);
	x->folder = folder_new();
	x->store = folder_open(x->folder.path);
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;
	store_close(x->store);
	folder_remove(x->folder.path);
	free(x);
	return 0;
}

#endif
