/* kanhe load: registers the identifiers of files, in atomic batches, with a progress bar.
 *
 * Records are packed here, which spares the node the JSON, and sent in order of their keys, which spares
 * it most of the writing. While some batches are made durable, two at a time with one flush, the node
 * reads the next ones, and one more is made ready here. */
#include "tools/kanhe/load.h"

#include "base/clock.h"
#include "base/retell.h"
#include "tools/kanhe/client.h"
#include "tools/kanhe/load_run.h"

enum {
	BATCH = 1000,
	BATCH_OCTETS = 4 << 20, /* half of what the route takes; one record adds 256 KiB at most */
	BODY_MAX = 2 * BATCH_OCTETS,
	IN_FLIGHT = 4,
	FILE_MAX = 1 << 30
};

/* A batch on its way. */
struct flight {
	struct sent *sent;
	size_t records, place; /* for the progress bar, in octets of the file */
};

struct loading {
	struct cli *cli;
	struct progress progress;
	uint64_t registered, left_out;
	usec_t started;
	struct flight flights[IN_FLIGHT]; /* oldest first */
	size_t flights_n;
	struct run run;
	struct buf body; /* the batch being made */
	size_t records;  /* in it */
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

/* The run that was read from the octets of the file up to `to`. */
static int send_run(struct loading *l, size_t from, size_t to)
{
	struct run *r = &l->run;
	int status = CLI_OK;
	run_sort(r);
	for (size_t i = 0; i < r->n && !status; i++) {
		size_t place = from + (size_t)((double)(to - from) * (double)i / (double)r->n);
		bool again = run_again(r, i);
		if (again || l->records == BATCH || l->body.n > BATCH_OCTETS) status = send_batch(l, place);
		/* batches under way are not in order; what follows on another of them has to wait */
		if (again) status = finish_all(l, status);
		buf_add(&l->body, run_record(r, i));
		l->records++;
	}
	if (!status) status = send_batch(l, to);
	run_clear(r);
	return finish_all(l, status);
}

static int load_source(struct loading *l, const char *file, struct str whole, struct load_source *s)
{
	json_t *record;
	struct flaw f;
	enum err e = ERR_OK;
	int status = CLI_OK;
	size_t from = 0, to = 0;
	while (!status && !(e = load_next(s, &f, &record))) {
		e = run_add(&l->run, record, &f);
		json_decref(record);
		if (e) break;
		to = whole.n - s->rest.n;
		if (!run_full(&l->run)) continue;
		status = send_run(l, from, to);
		from = to;
	}
	if (!status && e && e != ERR_NOT_FOUND) {
		print_error(l->cli, "%s:%llu: %s%s%.*s", file, (unsigned long long)s->line, f.at,
			    f.at[0] ? ": " : "", STR_ARG(retell_flaw(say_language(), l->cli->arena, &f)));
		status = CLI_FAILED;
	}
	if (!status && l->run.n) status = send_run(l, from, to);
	l->left_out += s->left_out;
	return status;
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
		print_error(l->cli, "%s: %.*s", file,
			    STR_ARG(retell_flaw(say_language(), l->cli->arena, &f)));
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
	run_init(&l.run);
	buf_init(&l.body, BODY_MAX);
	status = client_open(c); /* before the first batch: what it keeps must outlive that */
	for (size_t i = 0; !status && i < words.n; i++) status = load_file(&l, words.word[i]);
	run_done(&l.run);
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
