#include "tools/kanhe/import_input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of one read: the system does not leave it for others before its end. */
enum { STEP = 256 << 10 };

int input_open(struct cli *c, const char *path, struct input *ret)
{
	struct stat st;
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		print_error(c, say(SAY_CANNOT_READ), path, strerror(errno));
		if (fd > STDIN_FILENO) close(fd);
		return CLI_FAILED;
	}
	*ret = (struct input){.fd = fd};
	if (S_ISREG(st.st_mode)) {
		ret->size = (uint64_t)st.st_size;
		if (pread(fd, &ret->first, 1, 0) != 1) ret->first = 0;
	}
	return CLI_OK;
}

void input_close(struct input *in)
{
	sorted_free(in->sorted);
	if (in->fd > STDIN_FILENO) close(in->fd);
	*in = (struct input){.fd = -1};
}

enum err input_read(struct input *in, char *p, size_t n, size_t *ret_n)
{
	size_t got = 0;
	if (in->sorted) return sorted_read(in->sorted, p, n, ret_n);
	while (got < n) {
		size_t step = n - got < STEP ? n - got : STEP;
		ssize_t k = read(in->fd, p + got, step);
		if (k < 0 && errno == EINTR) continue;
		if (k < 0) return ERR_IO;
		if (!k) break;
		got += (size_t)k;
	}
	*ret_n = got;
	return ERR_OK;
}
