/* kanhe load: registers the identifiers of files, in atomic batches, with a progress bar. */
#include "tools/kanhe/load.h"

#include "tools/kanhe/client.h"

#include "base/clock.h"

enum { BATCH = 1000, FILE_MAX = 1 << 30 };

struct loading {
	struct cli *cli;
	struct progress progress;
	uint64_t registered, left_out;
	usec_t started;
};

static int send_batch(struct loading *l, json_t *records)
{
	struct reply r;
	struct arena_mark mark = arena_mark(l->cli->arena);
	json_t *body = json_object();
	size_t n = json_array_size(records);
	json_put(body, "records", json_incref(records));
	struct call call = {.method = "POST", .path = "/registry", .json = body};
	int status = client_call(l->cli, &call, &r);
	if (!status) l->registered += n;
	arena_rollback(l->cli->arena, mark);
	return status;
}

static int load_source(struct loading *l, const char *file, struct str whole, struct load_source *s)
{
	json_t *records = json_array(), *record;
	struct flaw f;
	enum err e = ERR_OK;
	int status = CLI_OK;
	while (!status && !(e = load_next(s, &f, &record))) {
		json_array_append_new(records, record);
		if (json_array_size(records) < BATCH) continue;
		status = send_batch(l, records);
		json_array_clear(records);
		progress_show(&l->progress, whole.n - s->rest.n);
	}
	if (!status && e && e != ERR_NOT_FOUND) {
		print_error(l->cli, "%s:%llu: %s", file, (unsigned long long)s->line, f.text);
		status = CLI_FAILED;
	}
	if (!status && json_array_size(records)) status = send_batch(l, records);
	l->left_out += s->left_out;
	json_decref(records);
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
	status = client_open(c); /* before the first batch: what it keeps must outlive that */
	for (size_t i = 0; !status && i < words.n; i++) status = load_file(&l, words.word[i]);
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
