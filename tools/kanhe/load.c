/* kanhe load: registers the identifiers of files, in atomic batches, with a progress bar.
 *
 * Records are packed here, which spares the node the JSON. While some batches are made durable, two at a
 * time with one flush, the node reads the next ones, and one more is made ready here. */
#include "tools/kanhe/load.h"

#include "base/clock.h"
#include "proto/pb/record.h"
#include "tools/kanhe/client.h"

enum {
	BATCH = 1000,
	BATCH_OCTETS = 4 << 20, /* half of what the route takes; one record adds 256 KiB at most */
	IN_FLIGHT = 4,
	FILE_MAX = 1 << 30,
	RECORD_ARENA = 16 << 20, /* one record while it is read */
	VARINT_MAX = 10
};

/* A batch on its way. */
struct flight {
	struct sent *sent;
	size_t records, place; /* octets of the file up to its end */
};

struct loading {
	struct cli *cli;
	struct progress progress;
	uint64_t registered, left_out;
	usec_t started;
	struct flight flights[IN_FLIGHT]; /* oldest first */
	size_t flights_n;
	struct arena *arena;     /* of one record */
	struct buf packed, body; /* one record; the batch being made */
	size_t records;          /* in the body */
};

static int finish_oldest(struct loading *l)
{
	struct reply r;
	struct flight f = l->flights[0];
	struct arena_mark mark = arena_mark(l->cli->arena);
	l->flights_n--;
	memmove(l->flights, l->flights + 1, l->flights_n * sizeof *l->flights);
	int status = client_finish(l->cli, f.sent, &r);
	arena_rollback(l->cli->arena, mark);
	if (status) return status;
	l->registered += f.records;
	progress_show(&l->progress, f.place);
	return CLI_OK;
}

static int send_batch(struct loading *l, size_t place)
{
	int status = l->flights_n == IN_FLIGHT ? finish_oldest(l) : CLI_OK;
	if (status) return status;
	struct flight f = {.records = l->records, .place = place};
	struct arena_mark mark = arena_mark(l->cli->arena);
	struct call call = {.method = "POST",
			    .path = "/registry",
			    .body = buf_str(&l->body),
			    .type = "application/vnd.kanhe.records+protobuf"};
	status = client_send(l->cli, &call, &f.sent);
	arena_rollback(l->cli->arena, mark);
	if (!status) l->flights[l->flights_n++] = f;
	buf_clear(&l->body);
	l->records = 0;
	return status;
}

/* What is on its way is waited for also after a failure: it may have been registered. */
static int finish_all(struct loading *l, int status)
{
	while (l->flights_n) {
		int s = finish_oldest(l);
		if (!status) status = s;
	}
	return status;
}

/* Into the body, after its length (the delimited form of protobuf libraries). */
static enum err add_record(struct loading *l, json_t *j, struct flaw *f)
{
	struct record r;
	buf_clear(&l->packed);
	enum err e = record_parse_json(l->arena, j, f, &r);
	if (!e) e = record_pack(&r, &l->packed);
	if (!e) {
		for (size_t n = l->packed.n;; n >>= 7) {
			buf_byte(&l->body, (char)((n & 0x7f) | (n > 0x7f ? 0x80 : 0)));
			if (n <= 0x7f) break;
		}
		buf_add(&l->body, buf_str(&l->packed));
		e = buf_err(&l->body);
	}
	arena_reset(l->arena);
	l->records += !e;
	if (e && f->err != e) flaw_set(f, e, FLAW_NO_OFFSET, "", NULL, "%s", err_text(e));
	return e;
}

static int load_source(struct loading *l, const char *file, struct str whole, struct load_source *s)
{
	json_t *record;
	struct flaw f;
	enum err e = ERR_OK;
	int status = CLI_OK;
	while (!status && !(e = load_next(s, &f, &record))) {
		e = add_record(l, record, &f);
		json_decref(record);
		if (e) break;
		if (l->records == BATCH || l->body.n > BATCH_OCTETS)
			status = send_batch(l, whole.n - s->rest.n);
	}
	if (!status && e && e != ERR_NOT_FOUND) {
		print_error(l->cli, "%s:%llu: %s%s%s", file, (unsigned long long)s->line, f.at,
			    f.at[0] ? ": " : "", f.text);
		status = CLI_FAILED;
	} else if (!status && l->records) {
		status = send_batch(l, whole.n);
	}
	l->left_out += s->left_out;
	return finish_all(l, status);
}

static int load_file(struct loading *l, const char *file)
{
	struct str text;
	struct flaw f;
	struct load_source s;
	struct arena *a = arena_new(FILE_MAX);
	if (!a) {
		print_error(l->cli, "%s", err_text(ERR_NO_MEMORY));
		return CLI_FAILED;
	}
	int status = file_read(l->cli, file, FILE_MAX, &text);
	if (!status && load_open(&s, a, text, &f)) {
		print_error(l->cli, "%s: %s", file, f.text);
		status = CLI_FAILED;
	}
	if (!status) {
		progress_start(&l->progress, l->cli, file, text.n);
		status = load_source(l, file, text, &s);
		progress_end(&l->progress);
	}
	arena_free(a);
	return status;
}

int command_load(struct cli *c, int argc, char **argv)
{
	struct words words;
	struct loading l = {.cli = c, .started = clock_mono()};
	int status = options_read(c, argc, argv, NULL, 0, &words);
	if (status) return status;
	if (!words.n) return usage_error(c, SAY_MISSING_WORD, "FILE");
	l.arena = arena_new(RECORD_ARENA);
	must(l.arena != NULL);
	buf_init(&l.packed, RECORD_PACKED_MAX);
	buf_init(&l.body, BATCH_OCTETS + RECORD_PACKED_MAX + VARINT_MAX);
	status = client_open(c); /* before the first batch: what it keeps must outlive that */
	for (size_t i = 0; !status && i < words.n; i++) status = load_file(&l, words.word[i]);
	arena_free(l.arena);
	buf_done(&l.packed);
	buf_done(&l.body);
	double seconds = (double)(clock_mono() - l.started) / USEC_PER_SEC;
	if (c->json) {
		json_t *o = json_object();
		json_put_u64(o, "registered", l.registered);
		json_put_u64(o, "left_out", l.left_out);
		json_put(o, "seconds", json_real(seconds));
		print_json(o);
		json_decref(o);
	} else if (!c->quiet) {
		printf(say(SAY_LOADED), (unsigned long long)l.registered, seconds);
		if (l.left_out) printf(say(SAY_LEFT_OUT), (unsigned long long)l.left_out);
	}
	return status;
}
