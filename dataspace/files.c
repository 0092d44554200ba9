/* Where contents lie: <folder>/blobs/<SHA-256 in hex> and <folder>/pulled/<participant>/<pid>[.part|.bad],
 * of data flows flow-<32 hex of the SHA-256 of their name>[.part]
 *
 * A blob never changes and belongs to every dataset and agreement that names its digest. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "dataspace/plane.h"

bool dp_blob_path(const struct ds *d, const unsigned char digest[32], char out[DP_PATH_MAX])
{
	char hex[65] = {0};
	int n;

	hex_write(digest, 32, hex);
	n = snprintf(out, DP_PATH_MAX, "%s/blobs/%s", d->o.folder, hex);
	return n > 0 && n < DP_PATH_MAX;
}

bool dp_pulled_path(const struct ds *d, struct str participant, struct str pid, const char *suffix,
		    char out[DP_PATH_MAX])
{
	struct str urn = STR("urn:uuid:");
	char hex[65] = {0};
	unsigned char digest[HASH_SHA256];
	int n;

	/* ids of data flows are others' texts */
	if (str_starts(pid, STR("flow:"))) {
		hash_sha256(pid, digest);
		hex_write(digest, sizeof digest, hex);
		n = snprintf(out, DP_PATH_MAX, "%s/pulled/%.*s/flow-%.32s%s", d->o.folder,
			     STR_ARG(participant), hex, suffix);
		return n > 0 && n < DP_PATH_MAX;
	}
	/* our own pids have this form, and so nothing that a path could stumble over */
	if (!str_starts(pid, urn)) return false;
	pid = str_skip(pid, urn.n);
	if (str_find(pid, '/') != pid.n || !pid.n || pid.p[0] == '.') return false;
	n = snprintf(out, DP_PATH_MAX, "%s/pulled/%.*s/%.*s%s", d->o.folder, STR_ARG(participant),
		     STR_ARG(pid), suffix);
	return n > 0 && n < DP_PATH_MAX;
}

enum err dp_folder_make(const char *path, struct flaw *f)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST) return ERR_OK;
	return flaw_set(f, err_errno(errno), FLAW_NO_OFFSET, path, "folder", "cannot be made: %m");
}

enum err dp_folder_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err e = fd < 0 || fsync(fd) ? err_errno(errno) : ERR_OK;

	if (fd >= 0) close(fd);
	return e;
}
