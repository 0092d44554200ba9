/* Removes what a test has made. */
#ifndef TESTS_BASE_FOLDER_REMOVE_H
#define TESTS_BASE_FOLDER_REMOVE_H

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

static inline char *folder_file(const char *folder, const char *name, char out[128])
{
	snprintf(out, 128, "%s/%s", folder, name);
	return out;
}

/* Files and, one level down, folders of files. */
static inline void folder_remove(const char *path)
{
	char file[128];
	DIR *d = opendir(path);
	if (!d) return;
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
		folder_file(path, e->d_name, file);
		if (unlink(file)) folder_remove(file);
	}
	closedir(d);
	must(!rmdir(path)); /* a test leaves nothing behind */
}

#endif
