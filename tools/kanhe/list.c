/* kanhe find, list, count, history: what there is, who has this value, what it was. */
#include <stdlib.h>

#include "tools/kanhe/client.h"

/* ---- page after page --------------------------------------------------------------------- */

typedef void print_fn(const json_t *one);

/* Prints as pages come, so that a list may be longer than memory. limit: of all in all, NULL for no end. */
static int pages(struct cli *c, const char *path, const char *key, const char *limit, print_fn *print)
{
	uint64_t left = UINT64_MAX;
	bool any = false;
	char cursor[2048] = "";
	struct reply r;
	const json_t *one;
	size_t i;
	if (limit && (str_u64(str_of(limit), &left) || !left))
		return usage_error(c, SAY_NOT_FROM_ONE, limit);
	int status = client_open(c); /* what it keeps must outlive a page */
	while (!status && left) {
		struct arena_mark mark = arena_mark(c->arena);
		const char *page = client_path(c, "%s&limit=%d%s%s", path, left < 1000 ? (int)left : 1000,
					       cursor[0] ? "&cursor=" : "", cursor);
		status = client_call(c, &(struct call){.method = "GET", .path = page}, &r);
		if (!status) {
			json_array_foreach(json_object_get(r.json, key), i, one)
			{
				if (c->json)
					print_json(one);
				else
					print(one);
			}
			left -= i;
			any |= i > 0;
			snprintf(cursor, sizeof cursor, "%s", text_of(r.json, "next"));
		}
		arena_rollback(c->arena, mark);
		if (!cursor[0]) break;
	}
	if (!status && !any && !c->json && !c->quiet) fputs(say(SAY_NOTHING_FOUND), stderr);
	return status;
}

static const char *with(struct cli *c, const char *path, const char *name, const char *value)
{
	return value ? client_path(c, "%s&%s=%s", path, name, path_word(c, value, false)) : path;
}

/* ---- find ------------------------------------------------------------------------------- */

/* An identifier, or a series with the number of its members. */
static void print_found(const json_t *o)
{
	const json_t *members = json_object_get(o, "members");
	print_safe(stdout, str_of(text_of(o, members ? "series" : "id")));
	if (members) printf(say(SAY_FOUND_MEMBERS), (long long)json_integer_value(members));
	if (json_object_get(o, "value")) {
		printf("  ");
		print_safe(stdout, str_of(text_of(o, "value")));
	}
	putchar('\n');
}

static int types(struct cli *c)
{
	struct reply r;
	size_t i;
	const json_t *one;
	struct call call = {.method = "GET", .path = "/find/types", .token = "operator"};
	int status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(r.json, "types"), i, one)
	{
		const json_t *records = json_object_get(one, "records");
		print_safe(stdout, str_of(text_of(one, "type")));
		printf("  %s", text_of(one, "state"));
		if (records) printf("  %lld", (long long)json_integer_value(records));
		putchar('\n');
	}
	return CLI_OK;
}

static int rebuild(struct cli *c, const struct words *w)
{
	struct reply r;
	if (w->n > 1) return usage_error(c, SAY_EXTRA_WORD, w->word[1]);
	json_t *o = json_object();
	if (w->n) json_put_str(o, "type", str_of(w->word[0]));
	struct call call = {.method = "POST", .path = "/find/rebuild", .json = o, .token = "operator"};
	int status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else if (!c->quiet)
		printf("%s", say(SAY_REBUILDING));
	return CLI_OK;
}

int command_find(struct cli *c, int argc, char **argv)
{
	const char *prefix = NULL, *limit = NULL;
	bool show_types = false, again = false, begins = false;
	struct words w;
	const struct option_row own[] = {{"prefix", &prefix, NULL},
					 {"limit", &limit, NULL},
					 {"types", NULL, &show_types},
					 {"rebuild", NULL, &again},
					 {"begins", NULL, &begins}};
	int status = options_read(c, argc, argv, own, 5, &w);
	if (status) return status;
	if (show_types) return types(c);
	if (again) return rebuild(c, &w);
	if (w.n < 2) return usage_error(c, SAY_MISSING_WORD, w.n ? "VALUE" : "TYPE");
	if (w.n > 2) return usage_error(c, SAY_EXTRA_WORD, w.word[2]);
	const char *path = client_path(c, "/find?type=%s", path_word(c, w.word[0], false));
	path = with(c, with(c, path, begins ? "begins" : "value", w.word[1]), "prefix", prefix);
	return pages(c, path, "identifiers", limit, print_found);
}

/* ---- list and count ---------------------------------------------------------------------- */

static void print_listed(const json_t *o)
{
	printf("%s  %-7s  %6lld  ", text_of(o, "modified"), text_of(o, "status"),
	       (long long)json_integer_value(json_object_get(o, "revision")));
	print_found(o);
}

int command_list(struct cli *c, int argc, char **argv)
{
	const char *status_of = NULL, *since = NULL, *until = NULL, *limit = NULL;
	bool newest = false, oldest = false;
	struct words w;
	const struct option_row own[] = {{"status", &status_of, NULL}, {"since", &since, NULL},
					 {"until", &until, NULL},      {"limit", &limit, NULL},
					 {"newest", NULL, &newest},    {"oldest", NULL, &oldest}};
	int status = options_read(c, argc, argv, own, 6, &w);
	if (status) return status;
	if (!w.n) return usage_error(c, SAY_MISSING_WORD, "PREFIX");
	if (w.n > 1) return usage_error(c, SAY_EXTRA_WORD, w.word[1]);
	if (newest && oldest) return usage_error(c, SAY_NOT_BOTH, "--newest, --oldest");
	const char *path = client_path(c, "/registry?prefix=%s", path_word(c, w.word[0], false));
	path = with(c, with(c, with(c, path, "status", status_of), "since", since), "until", until);
	path = with(c, path, "order", newest ? "newest" : oldest ? "oldest" : NULL);
	return pages(c, path, "records", limit, print_listed);
}

static void print_count(const json_t *r)
{
	const json_t *series = json_object_get(r, "series");
	long long active = (long long)json_integer_value(json_object_get(series, "active"));
	long long retired = (long long)json_integer_value(json_object_get(series, "retired"));
	printf(say(SAY_COUNTED), text_of(r, "prefix"),
	       (long long)json_integer_value(json_object_get(r, "active")),
	       (long long)json_integer_value(json_object_get(r, "retired")));
	if (active || retired)
		printf(say(SAY_COUNTED_SERIES), active,
		       json_is_true(json_object_get(series, "more")) ? "+" : "",
		       (long long)json_integer_value(json_object_get(series, "members")), retired);
}

int command_count(struct cli *c, int argc, char **argv)
{
	struct words w;
	struct reply r;
	int status = options_read(c, argc, argv, NULL, 0, &w);
	if (status) return status;
	if (!w.n) return usage_error(c, SAY_MISSING_WORD, "PREFIX");
	for (size_t i = 0; i < w.n && !status; i++) {
		const char *path = client_path(c, "/count?prefix=%s", path_word(c, w.word[i], false));
		status = client_call(c, &(struct call){.method = "GET", .path = path}, &r);
		if (status) break;
		if (c->json)
			print_json(r.json);
		else
			print_count(r.json);
	}
	return status;
}

/* ---- history ---------------------------------------------------------------------------- */

static void print_change(const json_t *one)
{
	const json_t *entry = json_object_get(one, "entry"), *revision = json_object_get(entry, "revision");
	printf("%s  %-18s ", text_of(entry, "time"), text_of(entry, "kind"));
	if (revision) printf("revision %lld  ", (long long)json_integer_value(revision));
	print_safe(stdout, str_of(text_of(entry, "who")));
	printf("  %.12s → %.12s", text_of(one, "before")[0] ? text_of(one, "before") : "-",
	       text_of(one, "after"));
	if (text_of(entry, "reason")[0]) printf("  ");
	print_safe(stdout, str_of(text_of(entry, "reason")));
	putchar('\n');
}

static void print_then(const json_t *o)
{
	const json_t *record = json_object_get(o, "record"), *v;
	size_t i;
	printf("%s %lld  %s  %s\n", say(SAY_REVISION),
	       (long long)json_integer_value(json_object_get(o, "revision")), text_of(o, "since"),
	       text_of(o, "after"));
	if (!json_is_object(record)) printf("%s", say(SAY_VALUES_GONE));
	json_array_foreach(json_object_get(record, "values"), i, v)
	{
		printf("%6lld  ", (long long)json_integer_value(json_object_get(v, "index")));
		print_safe(stdout, str_of(text_of(v, "type")));
		printf("  ");
		print_safe(stdout, str_of(text_of(json_object_get(v, "data"), "value")));
		putchar('\n');
	}
}

static int then(struct cli *c, const char *path, const char *at)
{
	struct reply r;
	path = client_path(c, "%s?at=%s", path, path_word(c, at, false));
	int status = client_call(c, &(struct call){.method = "GET", .path = path}, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else
		print_then(r.json);
	return CLI_OK;
}

static int changes(struct cli *c, const char *path)
{
	json_t *all;
	size_t i;
	const json_t *one;
	int status = client_list(c, path, "history", &all);
	if (status) return status;
	if (c->json) {
		print_json(all);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(all, "history"), i, one) print_change(one);
	return CLI_OK;
}

int command_history(struct cli *c, int argc, char **argv)
{
	const char *at = NULL;
	struct words w;
	const struct option_row own[] = {{"at", &at, NULL}};
	int status = options_read(c, argc, argv, own, 1, &w);
	if (status) return status;
	if (!w.n) return usage_error(c, SAY_MISSING_WORD, "ID");
	if (w.n > 1) return usage_error(c, SAY_EXTRA_WORD, w.word[1]);
	const char *path = client_path(c, "/history/%s", path_word(c, w.word[0], true));
	return at ? then(c, path, at) : changes(c, path);
}
