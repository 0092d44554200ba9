/* A row in a run: the octets of struct head, key, value. The file is this process's own and never read by
 * another, so that numbers stand in it as in memory. */
#include "resolver/reverse_runs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/store.h"

struct head {
	uint16_t key_n, stem_n, value_n;
};

enum { ROW_MAX = sizeof(struct head) + 2 * STORE_KEY_MAX + 16, ROW_LEAST = 40, ROWS_LEAST = 1024 };

struct run {
	off_t at, end; /* not read yet */
	char *octets;  /* REVERSE_READ_OCTETS */
	size_t from, to;
	struct reverse_row row; /* the next one */
};

struct reverse_runs {
	int fd;
	off_t end;
	char *rows;
	uint32_t *at; /* of each row */
	size_t used, max, n, n_max;
	struct run *runs;
	size_t runs_n;
	struct run **heap; /* the run whose row is the first of all at its top */
	size_t heap_n;
	bool begun; /* the row at the top was given out */
};

static int open_file(const char *folder)
{
	char path[4096];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
	if (snprintf(path, sizeof path, "%s/runs-XXXXXX", folder) >= (int)sizeof path) return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0) unlink(path);
	return fd;
}

enum err reverse_runs_new(const char *folder, size_t run_octets, struct reverse_runs **ret)
{
	struct reverse_runs *r = calloc(1, sizeof *r);
	if (!r) return ERR_NO_MEMORY;
	r->fd = open_file(folder);
	r->max = run_octets < ROW_MAX ? ROW_MAX : run_octets;
	r->n_max = r->max / ROW_LEAST + ROWS_LEAST;
	r->rows = malloc(r->max);
	r->at = malloc(r->n_max * sizeof *r->at);
	r->runs = calloc(REVERSE_RUNS_MAX, sizeof *r->runs);
	enum err e = r->fd < 0 ? ERR_IO : r->rows && r->at && r->runs ? ERR_OK : ERR_NO_MEMORY;
	if (e)
		reverse_runs_free(r);
	else
		*ret = r;
	return e;
}

void reverse_runs_free(struct reverse_runs *r)
{
	if (!r) return;
	for (size_t i = 0; r->runs && i < r->runs_n; i++) free(r->runs[i].octets);
	if (r->fd >= 0) close(r->fd);
	free(r->heap);
	free(r->runs);
	free(r->rows);
	free(r->at);
	free(r);
}

static struct str key_at(const char *p)
{
	struct head h;
	memcpy(&h, p, sizeof h);
	return str_n(p + sizeof h, h.key_n);
}

static int by_key(const void *a, const void *b, void *rows)
{
	const char *all = rows;
	return str_cmp(key_at(all + *(const uint32_t *)a), key_at(all + *(const uint32_t *)b));
}

static size_t row_octets(const char *p)
{
	struct head h;
	memcpy(&h, p, sizeof h);
	return sizeof h + h.key_n + h.value_n;
}

static enum err write_out(struct reverse_runs *r, const char *p, size_t n)
{
	while (n) {
		ssize_t done = pwrite(r->fd, p, n, r->end);
		if (done < 0 && errno == EINTR) continue;
		if (done <= 0) return errno == ENOSPC || errno == EDQUOT ? ERR_NO_SPACE : ERR_IO;
		p += done;
		n -= (size_t)done;
		r->end += done;
	}
	return ERR_OK;
}

/* What was gathered becomes a run. */
static enum err spill(struct reverse_runs *r)
{
	char piece[REVERSE_READ_OCTETS];
	size_t n = 0;
	enum err e = ERR_OK;
	if (!r->n) return ERR_OK;
	if (r->runs_n == REVERSE_RUNS_MAX) return ERR_TOO_LARGE;
	qsort_r(r->at, r->n, sizeof *r->at, by_key, r->rows);
	struct run *run = &r->runs[r->runs_n++];
	run->at = r->end;
	for (size_t i = 0; i < r->n && !e; i++) {
		size_t octets = row_octets(r->rows + r->at[i]);
		if (n + octets > sizeof piece) {
			e = write_out(r, piece, n);
			n = 0;
		}
		memcpy(piece + n, r->rows + r->at[i], octets);
		n += octets;
	}
	if (!e) e = write_out(r, piece, n);
	run->end = r->end;
	r->used = r->n = 0;
	return e;
}

enum err reverse_runs_add(struct reverse_runs *r, const struct reverse_row *row)
{
	struct head h = {(uint16_t)row->key.n, (uint16_t)row->stem_n, (uint16_t)row->value.n};
	size_t n = sizeof h + row->key.n + row->value.n;
	must(n <= ROW_MAX && r->rows);
	if (r->used + n > r->max || r->n == r->n_max) {
		enum err e = spill(r);
		if (e) return e;
	}
	char *p = r->rows + r->used;
	memcpy(p, &h, sizeof h);
	memcpy(p + sizeof h, row->key.p, row->key.n);
	memcpy(p + sizeof h + row->key.n, row->value.p, row->value.n);
	r->at[r->n++] = (uint32_t)r->used;
	r->used += n;
	return ERR_OK;
}

/* ---- merging ----------------------------------------------------------------------------- */

static enum err fill(struct reverse_runs *r, struct run *x)
{
	memmove(x->octets, x->octets + x->from, x->to - x->from);
	x->to -= x->from;
	x->from = 0;
	while (x->at < x->end && x->to < REVERSE_READ_OCTETS) {
		size_t room = REVERSE_READ_OCTETS - x->to;
		if ((off_t)room > x->end - x->at) room = (size_t)(x->end - x->at);
		ssize_t got = pread(r->fd, x->octets + x->to, room, x->at);
		if (got < 0 && errno == EINTR) continue;
		if (got <= 0) return ERR_IO;
		x->to += (size_t)got;
		x->at += got;
	}
	return ERR_OK;
}

/* ERR_NOT_FOUND: the run is at its end. */
static enum err step(struct reverse_runs *r, struct run *x)
{
	struct head h;
	if (x->to - x->from < ROW_MAX && x->at < x->end) {
		enum err e = fill(r, x);
		if (e) return e;
	}
	if (x->from == x->to) return ERR_NOT_FOUND;
	const char *p = x->octets + x->from;
	memcpy(&h, p, sizeof h);
	x->row = (struct reverse_row){str_n(p + sizeof h, h.key_n),
				      str_n(p + sizeof h + h.key_n, h.value_n), h.stem_n};
	x->from += sizeof h + h.key_n + h.value_n;
	return ERR_OK;
}

static void sink(struct reverse_runs *r, size_t i)
{
	for (size_t child; (child = 2 * i + 1) < r->heap_n; i = child) {
		struct run **h = r->heap;
		if (child + 1 < r->heap_n && str_cmp(h[child + 1]->row.key, h[child]->row.key) < 0) child++;
		if (str_cmp(h[i]->row.key, h[child]->row.key) <= 0) return;
		struct run *x = h[i];
		h[i] = h[child];
		h[child] = x;
	}
}

enum err reverse_runs_merge(struct reverse_runs *r)
{
	enum err e = spill(r);
	if (e) return e;
	free(r->rows);
	free(r->at);
	r->rows = NULL;
	r->at = NULL;
	r->heap = calloc(r->runs_n + 1, sizeof *r->heap);
	if (!r->heap) return ERR_NO_MEMORY;
	for (size_t i = 0; i < r->runs_n; i++) {
		struct run *x = &r->runs[i];
		x->octets = malloc(REVERSE_READ_OCTETS);
		e = x->octets ? step(r, x) : ERR_NO_MEMORY;
		if (e) return e == ERR_NOT_FOUND ? ERR_IO : e;
		r->heap[r->heap_n++] = x;
	}
	for (size_t i = r->heap_n; i-- > 0;) sink(r, i);
	return ERR_OK;
}

enum err reverse_runs_next(struct reverse_runs *r, struct reverse_row *ret)
{
	if (r->begun && r->heap_n) {
		enum err e = step(r, r->heap[0]);
		if (e && e != ERR_NOT_FOUND) return e;
		if (e) r->heap[0] = r->heap[--r->heap_n];
		sink(r, 0);
	}
	r->begun = true;
	if (!r->heap_n) return ERR_NOT_FOUND;
	*ret = r->heap[0]->row;
	return ERR_OK;
}
