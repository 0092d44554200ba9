/* kanhe import: sends a file in one stream, which is read again from wherever the node says; and what
 * cannot be read twice in pieces, each of which the node answers when it is durable.
 *
 * The node's state of the import is the only one that counts: after whatever went wrong it is asked how far
 * it has come, and the digest of the octets before that place must be that of our own octets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/retell.h"
#include "tools/kanhe/client.h"
#include "tools/kanhe/import_window.h"

enum {
	NAME_MAX_OCTETS = 64,
	SHOWN = 10, /* refused lines told on a terminal */
	MEMORY_DEFAULT = 256,
	MEMORY_MAX = 2048, /* MiB; places in a run are 32 bits */
	PATIENCE = 60,
	REPORT_PAGE = 1000,
};
#define PIECE_DEADLINE (600 * USEC_PER_SEC) /* of a stream: without progress */
#define LOOK_EVERY USEC_PER_SEC             /* at how far a stream has come */
/* Between two pieces the node waits for us: more at once, as long as one takes no time to speak of. */
#define PIECE_QUICK (USEC_PER_SEC / 2)

struct importing {
	struct cli *cli;
	const char *file, *format, *name, *existing, *report_file, *memory, *temp, *patience;
	const char *status, *errors, *remove;
	bool list, sort, told; /* told: why the input cannot be read */
	enum bulk_form form, sent_as;
	struct input input;
	struct window window; /* at where the node goes on */
	size_t piece;         /* octets to send next */
	json_t *state;        /* the node's last */
	uint64_t read_before, refused_here;
	usec_t started, heard, patience_usec;
	struct progress progress;
	char label[128];
	FILE *report;
	struct arena_mark mark;
};

static uint64_t number_of(const json_t *o, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

/* ---- name and form ---------------------------------------------------------------------- */

static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("._@-", c);
}

/* The file's name and size: a file that has changed is most likely another import. */
static const char *default_name(struct importing *m)
{
	const char *slash = strrchr(m->file, '/'), *base = slash ? slash + 1 : m->file;
	char tail[24], *to = arena_bytes(m->cli->arena, NAME_MAX_OCTETS + 1);
	must(to != NULL);
	size_t n = (size_t)snprintf(tail, sizeof tail, "-%llu", (unsigned long long)m->input.size), at = 0;
	for (; *base && at < NAME_MAX_OCTETS - n; base++) to[at++] = plain(*base) ? *base : '_';
	memcpy(to + at, tail, n + 1);
	return to;
}

static enum bulk_form form_of_name(const char *file)
{
	static const struct {
		const char *end;
		enum bulk_form form;
	} ends[] = {{".csv", BULK_CSV},     {".ndjson", BULK_NDJSON}, {".jsonl", BULK_NDJSON},
		    {".json", BULK_NDJSON}, {".pb", BULK_PROTOBUF},   {".binpb", BULK_PROTOBUF}};
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (str_ends(str_of(file), str_of(ends[i].end))) return ends[i].form;
	return BULK_NONE;
}

static int choose_form(struct importing *m)
{
	if (m->format) {
		if (!bulk_form_find(str_of(m->format), &m->form)) return CLI_OK;
		return usage_error(m->cli, SAY_IMPORT_FORM, m->format);
	}
	m->form = form_of_name(m->file);
	if (m->form) return CLI_OK;
	if (!m->input.first) return usage_error(m->cli, SAY_MISSING_WORD, "--format");
	m->form = m->input.first == '{' ? BULK_NDJSON : m->input.first < ' ' ? BULK_PROTOBUF : BULK_CSV;
	return CLI_OK;
}

static int read_number(struct importing *m, const char *text, uint64_t most, uint64_t *ret)
{
	if (!text || (!str_u64(str_of(text), ret) && *ret && *ret <= most)) return CLI_OK;
	return usage_error(m->cli, SAY_NOT_NUMBER, text);
}

/* ---- the node's state ------------------------------------------------------------------- */

static void keep_state(struct importing *m, json_t *state)
{
	json_decref(m->state);
	m->state = json_incref(state);
}

/* CLI_NOT_FOUND: there is none yet. */
static int ask_state(struct importing *m, struct reply *r)
{
	struct call call = {.method = "GET",
			    .path = client_path(m->cli, "/imports/%s", path_word(m->cli, m->name, false)),
			    .quiet_errors = true};
	int status = client_call(m->cli, &call, r);
	if (!status) keep_state(m, r->json);
	return status;
}

static bool worth_waiting(int status, const struct reply *r)
{
	return status == CLI_UNREACHABLE || r->status == 503 || r->status == 429 || r->status == 504;
}

static int tell(struct importing *m, int status, const struct reply *r)
{
	if (m->told) return status;
	if (r->status) return client_problem(m->cli, r);
	print_error(m->cli, say(SAY_UNREACHABLE), STR_ARG(m->cli->target->url), err_text(ERR_UPSTREAM));
	return status;
}

/* Sleeps a little. False when nothing was heard for too long. */
static bool be_patient(struct importing *m, const struct reply *r)
{
	if (clock_mono() - m->heard > m->patience_usec) return false;
	if (m->progress.on) fprintf(stderr, "\r\033[K");
	if (m->progress.on)
		fprintf(stderr, say(SAY_IMPORT_WAITS),
			r->status ? text_of(r->json, "title") : err_text(ERR_UPSTREAM));
	nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	return true;
}

/* ---- octets ----------------------------------------------------------------------------- */

static int tell_input(struct importing *m, enum err e)
{
	if (!e) return CLI_OK;
	m->told = true;
	if (e == ERR_NOT_FOUND)
		print_error(m->cli, say(SAY_IMPORT_SHORTER), m->name);
	else
		print_error(m->cli, say(SAY_CANNOT_READ), m->file,
			    e == ERR_IO ? strerror(errno) : err_text(e));
	return CLI_FAILED;
}

/* Our place becomes the node's. What lies between was sent before, perhaps by somebody who was killed. */
static int advance(struct importing *m, uint64_t to)
{
	char hex[2 * HASH_SHA256 + 1];
	int status = tell_input(m, window_advance(&m->window, to));
	if (status) return status;
	window_digest(&m->window, hex);
	if (m->window.offset == to && strcmp(hex, text_of(m->state, "digest")) == 0) return CLI_OK;
	print_error(m->cli, say(SAY_IMPORT_OTHER), m->name);
	return CLI_FAILED;
}

static bool finished(const struct importing *m)
{
	return m->state && strcmp(text_of(m->state, "state"), "finished") == 0;
}

static void show(struct importing *m)
{
	snprintf(m->label, sizeof m->label, "%s · %llu", m->name,
		 (unsigned long long)number_of(m->state, "read"));
	progress_show(&m->progress, number_of(m->state, "offset"));
}

/* ---- sending ---------------------------------------------------------------------------- */

static bool is_stream(const struct importing *m)
{
	return m->input.size && !m->sort && strcmp(m->file, "-") != 0;
}

static struct call call_of(struct importing *m)
{
	bool more = !is_stream(m) && !window_is_last(&m->window);
	char hex[2 * HASH_SHA256 + 1];
	window_digest(&m->window, hex);
	return (struct call){.method = "POST",
			     .path =
				 client_path(m->cli, "/imports?name=%s&format=%s&from=%llu&digest=%s%s%s",
					     path_word(m->cli, m->name, false), bulk_form_name(m->sent_as),
					     (unsigned long long)m->window.offset, hex,
					     more ? "&more=1" : "", m->existing ? "&existing=refuse" : ""),
			     .type = bulk_form_media(m->sent_as),
			     .deadline = PIECE_DEADLINE,
			     .quiet_errors = true};
}

/* An error of the input is told when all before it has been sent. */
static int send_piece(struct importing *m, struct reply *r)
{
	*r = (struct reply){.status = 0};
	int status = tell_input(m, window_fill(&m->window, m->piece));
	if (status) return status;
	struct call call = call_of(m);
	struct sent *sent;
	usec_t from = clock_mono();
	call.body = window_octets(&m->window);
	call.body_stays = true;
	status = client_send(m->cli, &call, &sent);
	if (status) return status;
	/* a pipe may give its next octets much later */
	enum err e = m->input.size ? window_look_ahead(&m->window, m->piece) : ERR_OK;
	status = client_finish(m->cli, sent, r);
	if (!status) keep_state(m, r->json);
	if (status)
		m->piece = PIECE_LEAST;
	else if (clock_mono() - from < PIECE_QUICK && m->piece < PIECE_MOST)
		m->piece *= 2;
	return status ? status : tell_input(m, e);
}

/* All that is left. What the node has answered for meanwhile is seen, and told. */
static int send_stream(struct importing *m, struct reply *r)
{
	struct call call = call_of(m);
	struct sent *sent;
	struct reply seen;
	*r = (struct reply){.status = 0};
	call.body_file = m->file;
	call.body_from = m->window.offset;
	int status = client_send(m->cli, &call, &sent);
	if (status) return status;
	while (!client_wait(sent, LOOK_EVERY)) {
		struct arena_mark mark = arena_mark(m->cli->arena);
		if (!ask_state(m, &seen)) {
			m->heard = clock_mono();
			show(m);
		}
		arena_rollback(m->cli->arena, mark);
	}
	status = client_finish(m->cli, sent, r);
	if (!status) keep_state(m, r->json);
	return status;
}

/* Somebody else has moved the import on, or an answer of ours was lost. */
static bool moved(const struct reply *r)
{
	const char *rule = text_of(r->json, "rule");
	return r->status == 409 &&
	       (strcmp(rule, "import-moved") == 0 || strcmp(rule, "import-offset") == 0 ||
		strcmp(rule, "import-finished") == 0);
}

/* Asks where the node is until it answers, and goes there. */
static int catch_up(struct importing *m)
{
	struct reply r;
	for (;;) {
		int status = ask_state(m, &r);
		if (status == CLI_NOT_FOUND && r.status == 404 && !m->window.offset) return CLI_OK;
		if (!status) return advance(m, number_of(m->state, "offset"));
		if (!worth_waiting(status, &r) || !be_patient(m, &r)) return tell(m, status, &r);
	}
}

/* That our input does not go on behind what is finished. */
static int check_end(struct importing *m)
{
	struct stat st;
	bool goes_on;
	if (is_stream(m)) {
		goes_on = !fstat(m->input.fd, &st) && (uint64_t)st.st_size > number_of(m->state, "offset");
	} else {
		int status = tell_input(m, window_fill(&m->window, 1));
		if (status) return status;
		goes_on = window_octets(&m->window).n > 0;
	}
	if (goes_on) print_error(m->cli, say(SAY_IMPORT_OTHER), m->name);
	return goes_on ? CLI_FAILED : CLI_OK;
}

static int send_all(struct importing *m)
{
	int status = catch_up(m);
	if (!status && m->window.offset && !m->cli->quiet && !m->cli->json && !finished(m))
		fprintf(stderr, say(SAY_IMPORT_RESUMED), m->name, (unsigned long long)m->window.offset,
			(unsigned long long)number_of(m->state, "read"));
	m->read_before = m->state ? number_of(m->state, "read") : 0;
	progress_start(&m->progress, m->cli, m->label, m->input.size);
	while (!status && !finished(m)) {
		struct reply r;
		struct arena_mark mark = arena_mark(m->cli->arena);
		status = is_stream(m) ? send_stream(m, &r) : send_piece(m, &r);
		if (!status) {
			m->heard = clock_mono();
			if (!is_stream(m)) status = advance(m, number_of(m->state, "offset"));
			show(m);
		} else if (moved(&r) || (worth_waiting(status, &r) && be_patient(m, &r))) {
			status = catch_up(m);
		} else {
			status = tell(m, status, &r);
		}
		arena_rollback(m->cli->arena, mark);
	}
	progress_end(&m->progress);
	return status ? status : check_end(m);
}

/* ---- what was refused ------------------------------------------------------------------- */

/* Refusals of the registry begin with the identifier, which is told already: told in which language, says
 * the colon. */
static struct str without_id(struct str text, struct str id)
{
	static const struct str colons[] = {{": ", 2}, {"：", 3}};
	if (!id.n || !str_starts(text, id)) return text;
	struct str rest = str_skip(text, id.n);
	for (size_t i = 0; i < sizeof colons / sizeof *colons; i++)
		if (str_starts(rest, colons[i])) return str_skip(rest, colons[i].n);
	return text;
}

static void tell_line(uint64_t line, struct str id, struct str text)
{
	fprintf(stderr, say(SAY_IMPORT_LINE), (unsigned long long)line);
	print_safe(stderr, str_first(id, 100));
	if (id.n) fputs(say(SAY_ID_COLON), stderr);
	print_safe(stderr, without_id(text, id));
	fputc('\n', stderr);
}

/* Found while sorting, before anything was sent. */
static void refused_line(void *arg, uint64_t line, struct str id, const struct flaw *f)
{
	struct importing *m = arg;
	struct arena_mark mark = arena_mark(m->cli->arena);
	struct str text = retell_flaw(say_language(), m->cli->arena, f);
	if (m->refused_here++ < SHOWN && !m->cli->quiet && !m->cli->json) tell_line(line, id, text);
	if (m->report) {
		json_t *o = json_object();
		json_put_u64(o, "line", line);
		json_put_str(o, "error", str_of(err_name(f->err)));
		if (id.n) json_put_str(o, "id", id);
		if (f->at[0]) json_put_str(o, "field", str_of(f->at));
		if (f->rule[0]) json_put_str(o, "rule", str_of(f->rule));
		if (f->offset != FLAW_NO_OFFSET) json_put_u64(o, "position", f->offset);
		json_put_str(o, "message", text);
		json_dumpf(o, m->report, JSON_COMPACT);
		fputc('\n', m->report);
		json_decref(o);
	}
	arena_rollback(m->cli->arena, mark);
}

/* All refused lines to `to` (may be NULL), some to the terminal. */
static int fetch_errors(struct importing *m, const char *name, FILE *to, size_t shown)
{
	const char *cursor = "0";
	while (cursor[0]) {
		struct reply r;
		json_t *e;
		size_t i;
		struct call call = {.method = "GET",
				    .path =
					client_path(m->cli, "/imports/%s/report?limit=%d&cursor=%s",
						    path_word(m->cli, name, false), REPORT_PAGE, cursor)};
		int status = client_call(m->cli, &call, &r);
		if (status) return status;
		json_array_foreach(json_object_get(r.json, "errors"), i, e)
		{
			if (to) json_dumpf(e, to, JSON_COMPACT);
			if (to) fputc('\n', to);
			if (shown) {
				tell_line(number_of(e, "line"), str_of(text_of(e, "id")),
					  str_of(text_of(e, "message")));
				shown--;
			}
		}
		cursor = to || shown ? text_of(r.json, "next") : "";
	}
	return CLI_OK;
}

static int tell_result(struct importing *m, double seconds)
{
	uint64_t refused = number_of(m->state, "refused") + m->refused_here;
	uint64_t done = number_of(m->state, "read") - m->read_before;
	double rate = seconds > 0 ? (double)done / seconds : 0;
	if (m->cli->json) {
		json_t *o = json_copy(m->state);
		must(o != NULL);
		json_put_u64(o, "refused_before_sending", m->refused_here);
		json_put_u64(o, "records_now", done);
		json_put(o, "seconds", json_real(seconds));
		json_put(o, "records_per_second", json_real(rate));
		print_json(o);
		json_decref(o);
	} else if (!m->cli->quiet) {
		printf(say(SAY_IMPORTED), m->name, (unsigned long long)number_of(m->state, "created"),
		       (unsigned long long)number_of(m->state, "replaced"),
		       (unsigned long long)number_of(m->state, "unchanged"), (unsigned long long)refused,
		       seconds, rate);
	}
	bool shows = !m->cli->json && !m->cli->quiet;
	int status = CLI_OK;
	if (number_of(m->state, "refused") && (m->report || shows))
		status = fetch_errors(m, m->name, m->report, shows ? SHOWN : 0);
	if (shows && number_of(m->state, "refused") > SHOWN)
		fprintf(stderr, say(SAY_IMPORT_MORE_ERRORS), m->name);
	return status ? status : refused ? CLI_FAILED : CLI_OK;
}

/* ---- the command ------------------------------------------------------------------------ */

static int sort_input(struct importing *m)
{
	uint64_t memory = MEMORY_DEFAULT, records;
	usec_t from = clock_mono();
	const char *temp = getenv("TMPDIR");
	int status = read_number(m, m->memory, MEMORY_MAX, &memory);
	if (status) return status;
	struct sort_wish w = {.form = m->form,
			      .memory = (size_t)memory << 20,
			      .folder = m->temp           ? m->temp
					: temp && temp[0] ? temp
							  : "/var/tmp",
			      .refused = refused_line,
			      .arg = m};
	status = input_sort(m->cli, &w, &m->input, &records);
	if (status) return status;
	m->sent_as = BULK_PROTOBUF;
	if (!m->cli->quiet && !m->cli->json)
		fprintf(stderr, say(SAY_IMPORT_SORTED), (unsigned long long)records,
			(double)(clock_mono() - from) / USEC_PER_SEC);
	return CLI_OK;
}

static int prepare(struct importing *m)
{
	uint64_t patience = PATIENCE;
	int status = choose_form(m);
	if (!status) status = read_number(m, m->patience, 86400, &patience);
	if (status) return status;
	m->patience_usec = (usec_t)patience * USEC_PER_SEC;
	m->sent_as = m->form;
	if (!m->name && strcmp(m->file, "-") == 0)
		return usage_error(m->cli, SAY_IMPORT_NEEDS_NAME, "--name");
	if (!m->name) m->name = default_name(m);
	if (!m->name[0]) return usage_error(m->cli, SAY_OPTION_NEEDS_VALUE, "name");
	if (m->existing && strcmp(m->existing, "replace") == 0) m->existing = NULL;
	if (m->existing && strcmp(m->existing, "refuse") != 0)
		return usage_error(m->cli, SAY_IMPORT_EXISTING, m->existing);
	if (m->report_file) {
		m->report = fopen(m->report_file, "we");
		if (!m->report) {
			print_error(m->cli, say(SAY_CANNOT_WRITE), m->report_file, strerror(errno));
			return CLI_FAILED;
		}
	}
	return m->sort ? sort_input(m) : CLI_OK;
}

static int import_file(struct importing *m)
{
	int status = client_open(m->cli);
	if (!status) status = input_open(m->cli, m->file, &m->input);
	if (status) return status;
	must(!window_open(&m->window, &m->input));
	m->piece = PIECE_LEAST;
	m->started = m->heard = clock_mono();
	status = prepare(m);
	if (!status) status = send_all(m);
	if (!status) status = tell_result(m, (double)(clock_mono() - m->started) / USEC_PER_SEC);
	if (m->report && fclose(m->report) && !status) {
		print_error(m->cli, say(SAY_CANNOT_WRITE), m->report_file, strerror(errno));
		status = CLI_FAILED;
	}
	input_close(&m->input);
	window_close(&m->window);
	json_decref(m->state);
	return status;
}

static int list_imports(struct importing *m)
{
	json_t *all, *one;
	size_t i;
	int status = client_list(m->cli, "/imports", "imports", &all);
	if (status) return status;
	if (m->cli->json) {
		print_json(all);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(all, "imports"), i, one)
	    printf("%-40s %-9s %12llu %8llu  %s\n", text_of(one, "name"), text_of(one, "state"),
		   (unsigned long long)number_of(one, "read"),
		   (unsigned long long)number_of(one, "refused"), text_of(one, "modified"));
	return CLI_OK;
}

static int show_status(struct importing *m)
{
	struct reply r;
	struct call call = {.method = "GET",
			    .path =
				client_path(m->cli, "/imports/%s", path_word(m->cli, m->status, false))};
	const char *key;
	json_t *v;
	int status = client_call(m->cli, &call, &r);
	if (status) return status;
	if (m->cli->json) {
		print_json(r.json);
		return CLI_OK;
	}
	json_object_foreach(r.json, key, v)
	{
		printf("%-12s ", key);
		if (json_is_string(v))
			print_safe(stdout, json_text(v));
		else
			printf("%lld", (long long)json_integer_value(v));
		putchar('\n');
	}
	return CLI_OK;
}

static int remove_import(struct importing *m)
{
	struct reply r;
	struct call call = {.method = "DELETE",
			    .path =
				client_path(m->cli, "/imports/%s", path_word(m->cli, m->remove, false))};
	int status = client_call(m->cli, &call, &r);
	if (!status && !m->cli->quiet && !m->cli->json) printf(say(SAY_IMPORT_REMOVED), m->remove);
	return status;
}

int command_import(struct cli *c, int argc, char **argv)
{
	struct importing m = {.cli = c};
	struct words words;
	const struct option_row own[] = {
	    {"format", &m.format, NULL},      {"name", &m.name, NULL},     {"existing", &m.existing, NULL},
	    {"report", &m.report_file, NULL}, {"memory", &m.memory, NULL}, {"temp", &m.temp, NULL},
	    {"patience", &m.patience, NULL},  {"status", &m.status, NULL}, {"errors", &m.errors, NULL},
	    {"remove", &m.remove, NULL},      {"list", NULL, &m.list},     {"sort", NULL, &m.sort}};
	int status = options_read(c, argc, argv, own, sizeof own / sizeof *own, &words);
	if (status) return status;
	if (m.list) return list_imports(&m);
	if (m.status) return show_status(&m);
	if (m.errors) return fetch_errors(&m, m.errors, stdout, 0);
	if (m.remove) return remove_import(&m);
	if (!words.n) return usage_error(c, SAY_MISSING_WORD, "FILE");
	if (words.n > 1) return usage_error(c, SAY_EXTRA_WORD, words.word[1]);
	m.file = words.word[0];
	return import_file(&m);
}
