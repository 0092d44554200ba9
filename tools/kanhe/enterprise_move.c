/* kanhe enterprise export, hand-over: an enterprise goes to another node. */
#include "tools/kanhe/enterprise.h"

#include <errno.h>

#include "base/clock.h"
#include "base/conf.h"
#include "proto/id/id.h"

enum { DAYS_STANDARD = 365, DAYS_MAX = 36500 };

/* ---- export ----------------------------------------------------------------------------- */

/* What `kanhe load` reads: one record in a line. Tombstones have nothing to load. */
static int write_page(struct cli *c, FILE *f, const json_t *records, uint64_t *n, uint64_t *retired)
{
	size_t i;
	const json_t *x;
	json_array_foreach(records, i, x)
	{
		if (strcmp(text_of(x, "status"), "retired") == 0) {
			++*retired;
			continue;
		}
		json_t *line = json_keep(c->arena, json_object());
		must(line != NULL);
		json_put_str(line, "id", str_of(text_of(x, "id")));
		json_put(line, "values", json_incref(json_object_get(x, "values")));
		struct str text = json_write(c->arena, line, false);
		must(text.p != NULL);
		if (fprintf(f, "%.*s\n", STR_ARG(text)) < 0) return CLI_FAILED;
		++*n;
	}
	return CLI_OK;
}

static int write_records(struct cli *c, const char *code, FILE *f, uint64_t *n, uint64_t *retired)
{
	const char *rest = "records";
	struct reply r;
	for (;;) {
		/* an enterprise may have millions: what a page took is given back */
		struct arena_mark mark = arena_mark(c->arena);
		char next[1024];
		int status = enterprise_call(c, "GET", code, rest, NULL, &r);
		if (!status) status = write_page(c, f, json_object_get(r.json, "records"), n, retired);
		if (status) return status;
		snprintf(next, sizeof next, "%s", text_of(r.json, "next"));
		arena_rollback(c->arena, mark);
		if (!next[0]) return CLI_OK;
		rest = client_path(c, "records?cursor=%s", next);
	}
}

static int export_to(struct cli *c, const char *code, const char *file)
{
	uint64_t n = 0, retired = 0;
	int status = client_open(c); /* before the arena is marked: it keeps the connection */
	if (status) return status;
	FILE *f = strcmp(file, "-") == 0 ? stdout : fopen(file, "we");
	if (!f) {
		print_error(c, say(SAY_CANNOT_WRITE), file, strerror(errno));
		return CLI_FAILED;
	}
	status = write_records(c, code, f, &n, &retired);
	if (fflush(f) || (f != stdout && fclose(f))) {
		print_error(c, say(SAY_CANNOT_WRITE), file, strerror(errno));
		status = CLI_FAILED;
	}
	if (!status && !c->quiet)
		fprintf(stderr, say(SAY_ENTERPRISE_EXPORTED), (unsigned long long)n,
			(unsigned long long)retired);
	return status;
}

int enterprise_export(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "CODE");
	return export_to(c, w->word[1], o->out ? o->out : "-");
}

/* ---- hand-over -------------------------------------------------------------------------- */

/* Asks the node that takes over who it is. */
static int ask_node(struct cli *c, const char *to, struct reply *ret)
{
	struct cli other = *c;
	other.node = to;
	other.token_file = NULL;
	other.target = NULL;
	int status =
	    client_call(&other, &(struct call){.method = "GET", .path = "/.well-known/kanhe-node"}, ret);
	client_close(&other);
	return status;
}

/* A node that does not answer for the prefixes would be led to in vain. */
static int check_authority(struct cli *c, const json_t *node, const json_t *prefixes)
{
	size_t i, k;
	const json_t *p, *a;
	json_array_foreach(prefixes, i, p)
	{
		struct id_prefix want, has;
		bool covered = false;
		if (id_prefix_parse(c->arena, json_text(p), NULL, &want)) continue;
		json_array_foreach(json_object_get(node, "authority"), k, a)
		{
			if (!id_prefix_parse(c->arena, json_text(a), NULL, &has))
				covered |= id_prefix_covers(has.key, want.key);
		}
		if (covered) continue;
		print_error(c, say(SAY_ENTERPRISE_NOT_THERE), text_of(node, "name"), STR_ARG(want.text));
		return CLI_FAILED;
	}
	return CLI_OK;
}

static json_t *child_of(const json_t *node, uint64_t days)
{
	char text[CLOCK_TEXT];
	const char *url = text_of(node, "url");
	json_t *o = json_object(), *endpoints = json_array(), *e = json_object();
	json_put_str(o, "did", str_of(text_of(node, "did")));
	json_put(o, "keys", json_incref(json_object_get(node, "keys")));
	json_put_str(e, "protocol", strncmp(url, "https:", 6) == 0 ? STR("https") : STR("http"));
	json_put_str(e, "url", str_of(url));
	json_array_append_new(endpoints, e);
	json_put(o, "endpoints", endpoints);
	json_put_str(o, "not_after",
		     str_of(clock_print(clock_wall() + (usec_t)days * USEC_PER_DAY, false, text)));
	return o;
}

int enterprise_hand_over(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	struct reply own, node;
	uint64_t days = DAYS_STANDARD;
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "CODE");
	if (!o->to) return usage_error(c, SAY_MISSING_WORD, "--to NODE");
	if (o->days && (str_u64(str_of(o->days), &days) || !days || days > DAYS_MAX))
		return usage_error(c, SAY_NOT_DAYS, o->days);
	/* before this node is opened: each folder has an authority of its own */
	int status = ask_node(c, o->to, &node);
	if (!status) status = enterprise_call(c, "GET", w->word[1], "", NULL, &own);
	if (!status) status = check_authority(c, node.json, json_object_get(own.json, "prefixes"));
	if (!status && o->out) status = export_to(c, w->word[1], o->out);
	return status ? status
		      : enterprise_show(c, "POST", w->word[1], "hand-over", child_of(node.json, days));
}
