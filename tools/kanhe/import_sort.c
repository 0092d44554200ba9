/* Runs in the temporary file, one after another: of each record be16 length of its key, the key, then the
 * record with its length in front, as it is sent. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "proto/id/id.h"
#include "tools/kanhe/import_input.h"
#include "tools/kanhe/load_run.h"

enum {
	RUNS_MAX = 1024, /* 256 GiB of records with the memory that is the default */
	READ_AHEAD = 1 << 20,
	ITEM_MAX = 2 + ID_KEY_MAX + 5 + RECORD_PACKED_MAX,
	PIECE = 1 << 20,
	LINE_ARENA = 64 << 20,
};

/* A run in the file while it is merged. */
struct strand {
	uint64_t at, end; /* not read yet */
	struct buf buf;
	size_t used;
	struct str key, record; /* the next one, in buf; key.p NULL: none left */
};

struct sorted {
	struct run run; /* the only one, or the one being made */
	int fd;         /* of the temporary file, unlinked; -1: there is none */
	uint64_t written;
	struct strand *strands;
	size_t strands_n;
	size_t next;       /* of the only run */
	struct str giving; /* what is left of the record being given */
	uint64_t records;
};

void sorted_free(struct sorted *s)
{
	if (!s) return;
	for (size_t i = 0; i < s->strands_n; i++) buf_done(&s->strands[i].buf);
	free(s->strands);
	run_done(&s->run);
	if (s->fd >= 0) close(s->fd);
	free(s);
}

/* ---- writing runs ----------------------------------------------------------------------- */

static enum err write_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t k = write(fd, s.p, s.n);
		if (k < 0 && errno == EINTR) continue;
		if (k < 0) return err_errno(errno);
		s = str_skip(s, (size_t)k);
	}
	return ERR_OK;
}

static enum err open_file(struct sorted *s, const char *folder)
{
	char path[4096];
	if (s->fd >= 0) return ERR_OK;
	snprintf(path, sizeof path, "%s/kanhe-sort-XXXXXX", folder);
	s->fd = mkostemp(path, O_CLOEXEC);
	if (s->fd < 0) return err_errno(errno);
	unlink(path);
	return ERR_OK;
}

static enum err write_run(struct sorted *s, const char *folder)
{
	struct buf out = BUF_INIT(PIECE + ITEM_MAX);
	enum err e = open_file(s, folder);
	struct strand *more = e ? NULL : realloc(s->strands, (s->strands_n + 1) * sizeof *more);
	if (!e && !more) e = ERR_NO_MEMORY;
	if (e) return e;
	s->strands = more;
	struct strand *x = &s->strands[s->strands_n++];
	*x = (struct strand){.at = s->written, .end = s->written, .buf = BUF_INIT(READ_AHEAD + ITEM_MAX)};
	run_sort(&s->run);
	for (size_t i = 0; i < s->run.n && !e; i++) {
		struct str key = run_key(&s->run, i), record = run_record(&s->run, i);
		buf_byte(&out, (char)(key.n >> 8));
		buf_byte(&out, (char)key.n);
		buf_add(&out, key);
		buf_add(&out, record);
		if (out.n < PIECE && i + 1 < s->run.n) continue;
		x->end += out.n;
		e = buf_err(&out) ? buf_err(&out) : write_all(s->fd, buf_str(&out));
		buf_clear(&out);
	}
	s->written = x->end;
	run_clear(&s->run);
	buf_done(&out);
	return e;
}

/* ---- merging ---------------------------------------------------------------------------- */

static enum err fill(struct sorted *s, struct strand *x)
{
	if (x->used) buf_drop(&x->buf, x->used);
	x->used = 0;
	while (x->buf.n < ITEM_MAX && x->at < x->end) {
		size_t want = x->end - x->at < READ_AHEAD ? (size_t)(x->end - x->at) : READ_AHEAD;
		char *p = buf_room(&x->buf, want);
		if (!p) return ERR_NO_MEMORY;
		ssize_t k = pread(s->fd, p, want, (off_t)x->at);
		if (k < 0 && errno == EINTR) continue;
		if (k <= 0) return ERR_IO;
		buf_grew(&x->buf, (size_t)k);
		x->at += (uint64_t)k;
	}
	return ERR_OK;
}

/* The strand's next record. What the one before it said is gone. */
static enum err step(struct sorted *s, struct strand *x)
{
	if (x->buf.n - x->used < ITEM_MAX && x->at < x->end) {
		enum err e = fill(s, x);
		if (e) return e;
	}
	struct str rest = str_skip(buf_str(&x->buf), x->used);
	x->key = x->record = STR_NONE;
	if (!rest.n) return ERR_OK;
	size_t key_n = (size_t)((unsigned char)rest.p[0] << 8 | (unsigned char)rest.p[1]);
	struct bulk_split split = {.form = BULK_PROTOBUF};
	struct bulk_line line;
	if (bulk_next(&split, str_skip(rest, 2 + key_n), true, NULL, &line)) return ERR_CORRUPT;
	x->key = str_n(rest.p + 2, key_n);
	x->record = str_n(rest.p + 2 + key_n, line.n);
	x->used += 2 + key_n + line.n;
	return ERR_OK;
}

/* The strand with the least key; of equal ones the earliest. They are few: all are looked at. */
static struct strand *least(struct sorted *s)
{
	struct strand *best = NULL;
	for (size_t i = 0; i < s->strands_n; i++) {
		struct strand *x = &s->strands[i];
		if (x->key.p && (!best || str_cmp(x->key, best->key) < 0)) best = x;
	}
	return best;
}

static enum err next_record(struct sorted *s)
{
	s->giving = STR_NONE;
	if (s->fd < 0) {
		if (s->next < s->run.n) s->giving = run_record(&s->run, s->next++);
		return ERR_OK;
	}
	struct strand *x = least(s);
	if (!x) return ERR_OK;
	/* copied: the step moves what it stands in */
	buf_clear(&s->run.octets);
	buf_add(&s->run.octets, x->record);
	s->giving = buf_str(&s->run.octets);
	return buf_err(&s->run.octets) ? ERR_NO_MEMORY : step(s, x);
}

enum err sorted_read(struct sorted *s, char *p, size_t n, size_t *ret_n)
{
	size_t got = 0;
	while (got < n) {
		if (!s->giving.n) {
			enum err e = next_record(s);
			if (e) return e;
			if (!s->giving.n) break;
		}
		struct str part = str_first(s->giving, n - got);
		memcpy(p + got, part.p, part.n);
		got += part.n;
		s->giving = str_skip(s->giving, part.n);
	}
	*ret_n = got;
	return ERR_OK;
}

/* ---- reading the input ------------------------------------------------------------------ */

struct reading {
	struct cli *cli;
	const struct sort_wish *wish;
	struct sorted *s;
	struct arena *arena, *line_arena; /* of the header, of a line */
	struct bulk_split split;
	struct bulk_columns columns;
	bool header;
	uint64_t lines, octets;
	struct progress progress;
};

static void refuse(struct reading *d, struct str id, struct flaw *f, enum err e)
{
	if (f->err != e) flaw_set(f, e, FLAW_NO_OFFSET, "", "", "%s", err_text(e));
	d->wish->refused(d->wish->arg, d->lines + 1, id, f);
}

static enum err take_record(struct reading *d, const struct bulk_line *line)
{
	struct record r = {0};
	struct flaw f;
	struct id id;
	flaw_init(&f);
	enum err e = line->too_long
			 ? flaw_set(&f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "", "line-length",
				    "a line has at most %d octets", BULK_LINE_MAX)
			 : bulk_record(d->line_arena, d->wish->form, &d->columns, line->octets, &f, &r);
	if (!e && r.series)
		id = (struct id){.key = STR("")}; /* before all records: its pattern says nothing here */
	else if (!e)
		e = id_parse(d->line_arena, r.id, &f, &id);
	buf_clear(&d->s->run.packed);
	if (!e) {
		/* what the registry sets itself */
		r.created = r.modified = 0;
		r.revision = 0;
		r.owner = STR_NONE;
		e = record_pack(&r, &d->s->run.packed);
	}
	if (e == ERR_NO_MEMORY) return e;
	if (e) {
		refuse(d, r.id, &f, e);
	} else {
		e = run_keep(&d->s->run, id.key, buf_str(&d->s->run.packed));
		if (e) return e;
		d->s->records++;
	}
	arena_reset(d->line_arena);
	return d->s->strands_n < RUNS_MAX && run_full(&d->s->run) ? write_run(d->s, d->wish->folder)
								  : ERR_OK;
}

static enum err take_line(struct reading *d, const struct bulk_line *line, struct flaw *f)
{
	enum err e = ERR_OK;
	if (!line->empty && d->header) {
		d->header = false;
		e = bulk_columns_parse(d->arena, line->octets, f, &d->columns);
	} else if (!line->empty) {
		e = take_record(d, line);
	}
	d->lines += line->lines;
	return e;
}

static enum err read_lines(struct reading *d, struct input *in, struct buf *work, struct flaw *f)
{
	bool last = false;
	size_t at = 0;
	for (;;) {
		struct bulk_line line;
		enum err e = bulk_next(&d->split, str_skip(buf_str(work), at), last, f, &line);
		if (!e) {
			e = take_line(d, &line, f);
			at += line.n;
			d->octets += line.n;
		} else if (e == ERR_NOT_FOUND && last) {
			return ERR_OK;
		} else if (e == ERR_NOT_FOUND) {
			size_t got;
			if (at) buf_drop(work, at);
			at = 0;
			char *p = buf_room(work, PIECE);
			e = p ? input_read(in, p, PIECE, &got) : ERR_NO_MEMORY;
			if (!e) buf_grew(work, got);
			if (!e) last = got < PIECE;
			progress_show(&d->progress, d->octets);
		}
		if (e) return e;
	}
}

static enum err prepare(struct sorted *s, const char *folder)
{
	enum err e = ERR_OK;
	if (s->fd < 0) {
		run_sort(&s->run);
		return ERR_OK;
	}
	if (s->run.n) e = write_run(s, folder);
	for (size_t i = 0; i < s->strands_n && !e; i++) e = step(s, &s->strands[i]);
	return e;
}

int input_sort(struct cli *c, const struct sort_wish *w, struct input *in, uint64_t *ret_records)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct buf work = BUF_INIT(BULK_LINE_MAX + 4 * PIECE);
	struct sorted *s = calloc(1, sizeof *s);
	must(s != NULL);
	s->fd = -1;
	run_init(&s->run);
	s->run.full = w->memory;
	struct reading d = {.cli = c,
			    .wish = w,
			    .s = s,
			    .arena = arena_new(LINE_ARENA),
			    .line_arena = arena_new(LINE_ARENA),
			    .split = {.form = w->form},
			    .header = w->form == BULK_CSV};
	must(d.arena && d.line_arena);
	progress_start(&d.progress, c, "sort", in->size);
	enum err e = read_lines(&d, in, &work, &f);
	if (!e) e = prepare(s, w->folder);
	progress_end(&d.progress);
	arena_free(d.arena);
	arena_free(d.line_arena);
	buf_done(&work);
	if (e) {
		print_error(c, "%s%s%s", f.err == e ? f.at : "", f.err == e && f.at[0] ? ": " : "",
			    f.err == e ? f.text : err_text(e));
		sorted_free(s);
		return CLI_FAILED;
	}
	in->sorted = s;
	in->size = s->fd < 0 ? s->run.octets.n : s->written; /* about */
	*ret_records = s->records;
	return CLI_OK;
}
