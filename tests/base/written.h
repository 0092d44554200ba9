/* A store in a folder of its own for each test, and the writer that the test starts. */
#ifndef TESTS_BASE_WRITTEN_H
#define TESTS_BASE_WRITTEN_H

#include "base/feed.h"
#include "base/writer.h"
#include "tests/base/cases.h"
#include "tests/base/folder.h"

struct fixture {
	struct folder folder;
	struct store *store;
	struct writer *writer; /* NULL until it is started */
	struct feed *feed;     /* the writer's */
};

static inline struct fixture *fixture_new(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);
	x->folder = folder_new();
	*state = x;
	return x;
}

static inline int set_up(void **state)
{
	struct fixture *x = fixture_new(state);
	x->store = folder_open(x->folder.path);
	return 0;
}

static inline void start_writer(struct fixture *x, struct writer_options o)
{
	o.store = x->store;
	o.origin = "test.example/log";
	assert_int_equal(writer_start(&o, &x->writer), ERR_OK);
	x->feed = writer_feed(x->writer);
}

static inline int tear_down(void **state)
{
	struct fixture *x = *state;
	if (x->writer) writer_stop(x->writer);
	store_close(x->store);
	folder_remove(x->folder.path);
	free(x);
	return 0;
}

#endif
