#include "base/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/wire.h"

enum { MAGIC = 8, SIGNED = JOURNAL_HEAD - HASH_SHA256 };
static const char magic[MAGIC + 1] = "kanheJ1\n";
/* Zeros are laid ahead of the records, in steps, so that a record is written into blocks that are
 * there already: otherwise each flush would wait for the file system's own journal too. A step costs
 * a millisecond once in about a thousand small commits, in the first use of the file only. */
enum { LAY_STEP = 1 << 20, ZEROS = 64 << 10 };

enum err journal_open(const char *path, uint64_t store, struct journal *ret)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) return errno == ENOSPC || errno == EDQUOT ? ERR_NO_SPACE : ERR_IO;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return ERR_IO;
	}
	*ret = (struct journal){.fd = fd, .store = store, .laid = (size_t)st.st_size};
	return ERR_OK;
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0) close(j->fd);
	j->fd = -1;
}

size_t journal_octets(const struct journal *j)
{
	return j->at;
}

void journal_restart(struct journal *j)
{
	j->at = 0;
}

/* ---- writing ---------------------------------------------------------------------------- */

static void lay(struct journal *j, size_t end)
{
	static const char zeros[ZEROS];
	struct iovec v[LAY_STEP / ZEROS];
	for (size_t i = 0; i < LAY_STEP / ZEROS; i++)
		v[i] = (struct iovec){.iov_base = (void *)(uintptr_t)zeros, .iov_len = ZEROS};
	if (j->laid < j->at) j->laid = j->at; /* an earlier try found the disk full, its record did not */
	while (j->laid < end) {
		ssize_t n = pwritev(j->fd, v, LAY_STEP / ZEROS, (off_t)j->laid);
		if (n <= 0) return; /* a full disk shows itself as the record is written */
		j->laid += (size_t)n;
	}
}

static void digest(const unsigned char head[JOURNAL_HEAD], const struct str payload[2],
		   unsigned char out[HASH_SHA256])
{
	struct hash *h = hash_new();
	must(h != NULL);
	hash_add(h, str_n(head, SIGNED));
	hash_add(h, payload[0]);
	hash_add(h, payload[1]);
	hash_finish(h, out);
	hash_free(h);
}

static void write_head(const struct journal *j, const struct journal_record *r,
		       unsigned char head[JOURNAL_HEAD])
{
	struct wire w = wire_writer(head, SIGNED);
	wire_put(&w, str_n(magic, MAGIC));
	wire_put_u64(&w, j->store);
	wire_put_u64(&w, r->commit);
	wire_put_u32(&w, r->kind);
	wire_put_u32(&w, (uint32_t)(r->payload[0].n + r->payload[1].n));
	must(wire_ok(&w) && !wire_left(&w));
	digest(head, r->payload, head + SIGNED);
}

/* All of it, however the system parts it. */
static bool write_all(int fd, struct iovec *v, int n, off_t at)
{
	while (n) {
		ssize_t done = pwritev(fd, v, n, at);
		if (done < 0 && errno == EINTR) continue;
		if (done <= 0) return false;
		at += done;
		for (; n && (size_t)done >= v->iov_len; v++, n--) done -= (ssize_t)v->iov_len;
		if (!n) break;
		v->iov_base = (char *)v->iov_base + done;
		v->iov_len -= (size_t)done;
	}
	return true;
}

/* The next start must not bring it back: it is answered with an error. */
static void strike_out(struct journal *j)
{
	static const char none[JOURNAL_HEAD];
	(void)!pwrite(j->fd, none, JOURNAL_HEAD, (off_t)j->at);
}

enum err journal_append(struct journal *j, const struct journal_record *r)
{
	unsigned char head[JOURNAL_HEAD];
	size_t n = JOURNAL_HEAD + r->payload[0].n + r->payload[1].n;
	must(n <= JOURNAL_HEAD + JOURNAL_PAYLOAD_MAX);
	if (j->laid < j->at + n) lay(j, j->at + n);
	write_head(j, r, head);
	struct iovec v[] = {{head, JOURNAL_HEAD},
			    {(void *)(uintptr_t)r->payload[0].p, r->payload[0].n},
			    {(void *)(uintptr_t)r->payload[1].p, r->payload[1].n}};
	if (!write_all(j->fd, v, r->payload[1].n ? 3 : 2, (off_t)j->at) || fdatasync(j->fd)) {
		enum err e = errno == ENOSPC || errno == EDQUOT ? ERR_NO_SPACE : ERR_IO;
		strike_out(j);
		return e;
	}
	j->at += n;
	return ERR_OK;
}

/* ---- reading ---------------------------------------------------------------------------- */

static bool read_all(int fd, char *p, size_t n, size_t at, enum err *ret)
{
	while (n) {
		ssize_t got = pread(fd, p, n, (off_t)at);
		if (got < 0 && errno == EINTR) continue;
		if (got <= 0) {
			*ret = got ? ERR_IO : ERR_NOT_FOUND;
			return false;
		}
		p += got;
		at += (size_t)got;
		n -= (size_t)got;
	}
	return true;
}

enum err journal_read(const struct journal *j, size_t *at, char *payload, struct journal_record *ret)
{
	unsigned char head[JOURNAL_HEAD], want[HASH_SHA256];
	enum err e;
	if (!read_all(j->fd, (char *)head, JOURNAL_HEAD, *at, &e)) return e;
	struct wire w = wire_reader(str_n(head, SIGNED));
	bool ours = str_is(wire_bytes(&w, MAGIC), magic) && wire_u64(&w) == j->store;
	struct journal_record r = {.commit = wire_u64(&w), .kind = wire_u32(&w)};
	uint32_t n = wire_u32(&w);
	if (!ours || n > JOURNAL_PAYLOAD_MAX) return ERR_NOT_FOUND;
	if (!read_all(j->fd, payload, n, *at + JOURNAL_HEAD, &e)) return e;
	r.payload[0] = str_n(payload, n);
	digest(head, r.payload, want);
	if (memcmp(want, head + SIGNED, sizeof want) != 0) return ERR_NOT_FOUND;
	*at += JOURNAL_HEAD + n;
	*ret = r;
	return ERR_OK;
}
