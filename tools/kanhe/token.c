/* A token in a file of its own, which nobody else may read: a node refuses one that others may. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "tools/kanhe/client.h"

/* In the place of the token that it renews. */
int token_write(struct cli *c, const char *out, const char *token)
{
	struct flaw f = {0};
	const char *fresh = client_path(c, "%s.new", out);
	unlink(fresh);
	if (file_create(fresh, 0600, arena_printf(c->arena, "%s\n", token), &f)) {
		print_error(c, "%s", f.text);
		return CLI_FAILED;
	}
	if (!rename(fresh, out)) return CLI_OK;
	print_error(c, say(SAY_CANNOT_WRITE), out, strerror(errno));
	return CLI_FAILED;
}
