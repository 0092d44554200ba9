/* A folder of its own for each test, and an environment with two tables in it. */
#ifndef TESTS_BASE_FOLDER_H
#define TESTS_BASE_FOLDER_H

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/store.h"
#include "tests/base/folder_remove.h"

enum { TABLE_A = STORE_APP, TABLE_B };

static const struct store_table folder_tables[] = {{"a"}, {"b"}};

struct folder {
	char path[64];
};

static inline struct folder folder_new(void)
{
	struct folder f = {"/tmp/kanhe-test-XXXXXX"};
	must(mkdtemp(f.path) != NULL);
	return f;
}

static inline struct store_options folder_options(const char *path)
{
	return (struct store_options){.folder = path, .tables = folder_tables, .tables_n = 2, .format = 1};
}

static inline struct store *folder_open(const char *path)
{
	struct store_options o = folder_options(path);
	struct store *s;
	struct flaw f;
	enum err e = store_open(&o, &f, &s);
	if (e) fprintf(stderr, "%s: %s\n", err_name(e), f.text);
	must(!e);
	return s;
}

#endif
