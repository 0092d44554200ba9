/* kanhe publish --batch, --withdraw: many datasets at once, and none any more. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/kanhe/client.h"

enum {
	BATCH_LINES = 500,         /* datasets of one request: well under what the node takes */
	BATCH_OCTETS = 900 * 1024, /* under the 1 MiB of one request */
};

struct batch {
	struct cli *c;
	const char *path;
	struct buf lines;
	size_t n, begun; /* datasets waiting; datasets before them */
	uint64_t published, made, empty;
};

static int flush(struct batch *b)
{
	struct reply r;
	uint64_t n = 0, made = 0, empty = 0;
	if (!b->n) return CLI_OK;
	struct call send = {.method = "POST",
			    .path = b->path,
			    .body = buf_str(&b->lines),
			    .type = "application/x-ndjson",
			    .quiet_errors = true};
	int status = client_call(b->c, &send, &r);
	if (status) {
		if (b->begun) print_error(b->c, say(SAY_BATCH_BEHIND), b->begun);
		return client_problem(b->c, &r);
	}
	if (json_u64_opt(r.json, "", "published", NULL, &n) ||
	    json_u64_opt(r.json, "", "new", NULL, &made) ||
	    json_u64_opt(r.json, "", "without_content", NULL, &empty))
		return CLI_FAILED;
	b->published += n;
	b->made += made;
	b->empty += empty;
	b->begun += b->n;
	b->n = 0;
	buf_clear(&b->lines);
	return CLI_OK;
}

static int batch_add(struct batch *b, struct str line, const char *file)
{
	if (!line.n) return CLI_OK;
	if (line.n + 1 > BATCH_OCTETS) {
		print_error(b->c, say(SAY_BATCH_LINE_LONG), file);
		return CLI_FAILED;
	}
	int status = b->n == BATCH_LINES || b->lines.n + line.n + 1 > BATCH_OCTETS ? flush(b) : CLI_OK;
	if (status) return status;
	buf_add(&b->lines, line);
	buf_byte(&b->lines, '\n');
	b->n++;
	return buf_err(&b->lines) ? CLI_FAILED : CLI_OK;
}

int publish_batch(struct cli *c, const char *file)
{
	const char *who = client_participant(c);
	if (!who) return CLI_USAGE;
	FILE *in = strcmp(file, "-") ? fopen(file, "re") : stdin;
	if (!in) {
		print_error(c, "%s: %s", file, strerror(errno));
		return CLI_FAILED;
	}
	struct batch b = {.c = c,
			  .path = client_path(c, "/participants/%s/datasets", who),
			  .lines = BUF_INIT(BATCH_OCTETS)};
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int status = CLI_OK;
	while (!status && (n = getline(&line, &room, in)) >= 0)
		status = batch_add(&b, str_trim(str_n(line, (size_t)n)), file);
	if (!status) status = flush(&b);
	free(line);
	if (in != stdin) fclose(in);
	buf_done(&b.lines);
	if (status) return status;
	if (c->json) {
		json_t *o = json_keep(c->arena, json_object());
		json_put_u64(o, "published", b.published);
		json_put_u64(o, "new", b.made);
		json_put_u64(o, "without_content", b.empty);
		print_json(o);
	} else {
		printf(say(SAY_BATCH_DONE), (unsigned long long)b.published, (unsigned long long)b.made);
		if (b.empty) printf(say(SAY_BATCH_EMPTY), (unsigned long long)b.empty);
	}
	return CLI_OK;
}

int publish_withdraw(struct cli *c, const char *id)
{
	const char *who = client_participant(c);
	struct reply r;
	if (!who) return CLI_USAGE;
	struct call take = {
	    .method = "DELETE",
	    .path = client_path(c, "/participants/%s/datasets/%s", who, path_word(c, id, false))};
	return client_call(c, &take, &r);
}
