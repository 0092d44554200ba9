/* Reads a file of the shared test data, or says loudly that it is not there. */
#ifndef TESTS_BASE_SHARED_FILE_H
#define TESTS_BASE_SHARED_FILE_H

#include <stdio.h>

#include "base/arena.h"

/* p = NULL when the file is absent; the caller then calls skip(). */
static inline struct str shared_file(struct arena *into, const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", SHARED_DIR, name);
	FILE *f = fopen(path, "rb");
	if (!f) {
		printf("SKIPPED: %s is not there\n", path);
		return STR_NONE;
	}
	fseek(f, 0, SEEK_END);
	long size = ftell(f);
	rewind(f);
	char *p = size >= 0 ? arena_bytes(into, (size_t)size + 1) : NULL;
	must(p);
	size_t n = fread(p, 1, (size_t)size, f);
	fclose(f);
	return str_n(p, n);
}

#endif
