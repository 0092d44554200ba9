/* kanhe report: what a node tells its superior, and what nodes below have told it. */
#include "tools/kanhe/client.h"

enum { COPY_PAGE = 1000 };

static long long number_of(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static int show_status(struct cli *c)
{
	struct reply r;
	int status = client_call(c, &(struct call){.method = "GET", .path = "/report"}, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	printf(say(SAY_REPORT_STATUS), text_of(r.json, "to"), text_of(r.json, "driver"),
	       number_of(r.json, "position"), number_of(r.json, "head"), number_of(r.json, "reports"),
	       number_of(r.json, "failures"));
	if (text_of(r.json, "error")[0]) {
		print_safe(stdout, str_of(text_of(r.json, "error")));
		printf("\n");
	}
	return CLI_OK;
}

static int send_now(struct cli *c, bool full)
{
	struct reply r;
	struct call call = {.method = "POST",
			    .path = full ? "/report?full=1" : "/report",
			    .deadline = full ? INT64_C(3600000000) : INT64_C(600000000)};
	int status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else if (!c->quiet)
		printf(say(SAY_REPORT_SENT), number_of(r.json, "position"));
	return CLI_OK;
}

static int compare(struct cli *c)
{
	struct reply r;
	int status = client_call(
	    c, &(struct call){.method = "POST", .path = "/report/compare", .deadline = INT64_C(3600000000)},
	    &r);
	if (status) return status;
	bool same = json_is_true(json_object_get(r.json, "same"));
	const json_t *rows = json_object_get(r.json, "rows");
	if (c->json)
		print_json(r.json);
	else if (!same)
		print_error(c, say(SAY_REPORT_DIFFERS), text_of(r.json, "table"), text_of(r.json, "after"));
	else if (!c->quiet)
		printf(say(SAY_REPORT_SAME), number_of(rows, "record"), number_of(rows, "delegation"),
		       number_of(rows, "template"), number_of(rows, "series"),
		       number_of(rows, "enterprise"), number_of(rows, "account"),
		       number_of(r.json, "position"));
	return same ? CLI_OK : CLI_BOGUS;
}

static long long identifiers(const json_t *report)
{
	long long n = 0;
	size_t i;
	json_t *p;
	json_array_foreach(json_object_get(report, "prefixes"), i, p) n += number_of(p, "active");
	return n;
}

static int received(struct cli *c, const char *name)
{
	struct reply r;
	size_t i;
	json_t *one;
	const char *path = name ? client_path(c, "/reports/%s", path_word(c, name, false)) : "/reports";
	int status = client_call(c, &(struct call){.method = "GET", .path = path}, &r);
	if (status) return status;
	if (c->json || name) {
		print_json(r.json);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(r.json, "reporters"), i, one)
	{
		print_safe(stdout, str_of(text_of(one, "reporter")));
		printf(say(SAY_REPORT_LINE), number_of(one, "position"), text_of(one, "received"),
		       identifiers(json_object_get(one, "report")));
	}
	return CLI_OK;
}

static int copy_rows(struct cli *c, const char *name, const char *table)
{
	const char *next = "", *key;
	size_t i;
	json_t *one, *rows;
	do {
		struct reply r;
		const char *path =
		    client_path(c, "/copies/%s?table=%s&limit=%d&cursor=%s", path_word(c, name, false),
				path_word(c, table, false), COPY_PAGE, next);
		int status =
		    client_call(c, &(struct call){.method = "GET", .path = path, .token = "auditor"}, &r);
		if (status) return status;
		json_object_foreach(r.json, key, rows) json_array_foreach(rows, i, one) print_json(one);
		next = text_of(r.json, "next");
	} while (next[0]);
	return CLI_OK;
}

/* Without a table: what kanhe import takes, series and then records. */
static int copy(struct cli *c, const char *name, const char *table)
{
	/* what kanhe template put takes: classes go before what they sort */
	int classes =
	    table && strcmp(table, "template") == 0 ? copy_rows(c, name, "classification") : CLI_OK;
	if (classes) return classes;
	if (table) return copy_rows(c, name, table);
	int status = copy_rows(c, name, "series");
	return status ? status : copy_rows(c, name, "record");
}

int command_report(struct cli *c, int argc, char **argv)
{
	static const char *const verbs[] = {"status", "send", "compare", "received", "copy"};
	struct words w;
	const char *table = NULL;
	bool full = false;
	const struct option_row own[] = {{"table", &table, NULL}, {"full", NULL, &full}};
	int status = options_read(c, argc, argv, own, 2, &w);
	if (status) return status;
	const char *verb = w.n ? w.word[0] : "";
	if (strcmp(verb, "status") == 0) return show_status(c);
	if (strcmp(verb, "send") == 0) return send_now(c, full);
	if (strcmp(verb, "compare") == 0) return compare(c);
	if (strcmp(verb, "received") == 0) return received(c, w.n > 1 ? w.word[1] : NULL);
	if (strcmp(verb, "copy") == 0 && w.n > 1) return copy(c, w.word[1], table);
	if (strcmp(verb, "copy") == 0) return usage_error(c, SAY_MISSING_WORD, "NAME");
	const char *near = verb[0] ? suggest(verb, verbs, 5) : NULL;
	status = verb_error(c, verb, "status|send|compare|received|copy");
	if (near) fprintf(stderr, say(SAY_DID_YOU_MEAN), near);
	return status;
}
