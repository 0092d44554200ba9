/* Files that must not be lost or read by others: keys, certificates, tokens.
 *
 * Purpose: make a file whole or not at all, never over another one; read a private file only when
 * nobody else can. Threads: any. Blocking: never on a loop thread. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/str.h"

/* Writes a new file of exactly that mode, flushed to the disk with its folder's entry; after a
 * crash it is there whole or not at all. ERR_EXISTS (left as it is), ERR_NOT_FOUND (no such
 * folder), ERR_NO_SPACE, ERR_IO; the flaw names the path. */
enum err file_create(const char *path, unsigned mode, struct str contents, struct flaw *f) MUST_USE;

enum file_private {
	FILE_OWN,    /* ours, no rights for group and others */
	FILE_SECRET, /* or root's, also group-readable when we are not root: how a service manager
		      * hands a credential over (its access list shows as group bits) */
};
/* Reads a regular file of at most room octets. ERR_BAD_KEY (another owner, too open a mode, not a
 * regular file, longer than room), ERR_NOT_FOUND, ERR_IO; the flaw names the path and the rule. */
enum err file_read_private(const char *path, enum file_private kind, struct flaw *f, void *out, size_t room,
			   size_t *ret_n) MUST_USE;

#endif
