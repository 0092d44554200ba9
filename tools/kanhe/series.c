/* kanhe series: many identifiers in one record. */
#include "tools/kanhe/client.h"

#include <string.h>

struct wish {
	const char *file, *member, *at, *revision, *reason;
	bool history;
};

static const char *series_path(struct cli *c, const char *pattern)
{
	return client_path(c, "/series/%s", path_word(c, pattern, true));
}

/* Its rows: pattern, members, status. */
static void print_row(const json_t *s)
{
	const char *status = text_of(s, "status");
	printf("%16lld  %-8s  ", (long long)json_integer_value(json_object_get(s, "members")),
	       status[0] ? status : "active");
	print_safe(stdout, str_of(text_of(s, "pattern")));
	putchar('\n');
}

static void print_value(const json_t *v)
{
	const json_t *data = json_object_get(v, "data");
	printf("%6lld  %-22s ", (long long)json_integer_value(json_object_get(v, "index")),
	       text_of(v, "type"));
	print_safe(stdout, str_of(text_of(data, "value")));
	putchar('\n');
}

static void print_overrides(const json_t *s)
{
	const json_t *n = json_object_get(s, "overrides");
	bool more = json_is_true(json_object_get(s, "overrides_more"));
	if (json_integer_value(n))
		printf(say(SAY_SERIES_OVERRIDES), (long long)json_integer_value(n), more ? "+" : "");
}

static void print_series(const json_t *s)
{
	size_t i;
	json_t *v;
	print_row(s);
	printf("  ");
	print_safe(stdout, str_of(text_of(s, "first")));
	printf(" … ");
	print_safe(stdout, str_of(text_of(s, "last")));
	printf("  (%s %lld)\n", say(SAY_REVISION),
	       (long long)json_integer_value(json_object_get(s, "revision")));
	json_array_foreach(json_object_get(s, "values"), i, v) print_value(v);
	print_overrides(s);
}

static int add(struct cli *c, const struct words *w, const struct wish *o)
{
	struct reply r;
	json_t *body = NULL;
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "PATTERN");
	if (!o->file && w->n < 3) return usage_error(c, SAY_MISSING_WORD, "TYPE=DATA");
	int status = record_body(c, o->file, w, 2, &body);
	if (status) {
		json_decref(body);
		return status;
	}
	struct call call = {
	    .method = "PUT", .path = series_path(c, w->word[1]), .json = body, .if_match = o->revision};
	status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
	} else if (!c->quiet) {
		printf(say(SAY_SERIES_ADDED),
		       (long long)json_integer_value(json_object_get(r.json, "members")), w->word[1]);
		print_overrides(r.json);
	}
	return CLI_OK;
}

/* The pattern of the series that a member is of. */
static int pattern_of(struct cli *c, const char *member, const char **ret)
{
	struct reply r;
	const char *path = client_path(c, "/series?member=%s", path_word(c, member, false));
	int status = client_call(c, &(struct call){.method = "GET", .path = path}, &r);
	if (status) return status;
	const json_t *one = json_array_get(json_object_get(r.json, "series"), 0);
	if (!one) {
		print_error(c, say(SAY_SERIES_OF_NONE), member);
		return CLI_NOT_FOUND;
	}
	*ret = text_of(one, "pattern");
	return CLI_OK;
}

static void print_history(const json_t *reply)
{
	size_t i;
	json_t *one;
	json_array_foreach(json_object_get(reply, "history"), i, one)
	{
		const json_t *entry = json_object_get(one, "entry");
		printf("%8lld  %s  %-18s  ", (long long)json_integer_value(json_object_get(one, "index")),
		       text_of(entry, "time"), text_of(entry, "kind"));
		print_safe(stdout, str_of(text_of(entry, "who")));
		if (text_of(entry, "reason")[0]) printf("  ");
		print_safe(stdout, str_of(text_of(entry, "reason")));
		putchar('\n');
	}
}

static int show(struct cli *c, const struct words *w, const struct wish *o)
{
	struct reply r;
	const char *pattern = w->n > 1 ? w->word[1] : NULL;
	int status = CLI_OK;
	if (!pattern && !o->member) return usage_error(c, SAY_MISSING_WORD, "PATTERN");
	if (!pattern) status = pattern_of(c, o->member, &pattern);
	if (status) return status;
	const char *path = client_path(c, "%s%s", series_path(c, pattern), o->history ? "?history=1" : "");
	status = client_call(c, &(struct call){.method = "GET", .path = path}, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else if (o->history)
		print_history(r.json);
	else
		print_series(r.json);
	return CLI_OK;
}

static int list(struct cli *c, const struct words *w, const struct wish *o)
{
	size_t i;
	json_t *all, *one;
	(void)o;
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "PREFIX");
	const char *path = client_path(c, "/series?limit=1000&prefix=%s", path_word(c, w->word[1], false));
	int status = client_list(c, path, "series", &all);
	if (status) return status;
	if (c->json)
		print_json(all);
	else
		json_array_foreach(json_object_get(all, "series"), i, one) print_row(one);
	return CLI_OK;
}

static int split(struct cli *c, const struct words *w, const struct wish *o)
{
	struct reply r;
	size_t i;
	json_t *one, *body;
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "PATTERN");
	if (!o->at) return usage_error(c, SAY_MISSING_WORD, "--at MEMBER");
	body = json_object();
	json_put_str(body, "pattern", str_of(w->word[1]));
	json_put_str(body, "at", str_of(o->at));
	struct call call = {
	    .method = "POST", .path = "/series/split", .json = body, .if_match = o->revision};
	int status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else if (!c->quiet)
		json_array_foreach(json_object_get(r.json, "series"), i, one) print_row(one);
	return CLI_OK;
}

static int retire(struct cli *c, const struct words *w, const struct wish *o)
{
	struct reply r;
	struct call call = {.method = "DELETE", .if_match = o->revision};
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "PATTERN");
	if (o->member) {
		json_t *body = json_object();
		json_put_str(body, "pattern", str_of(w->word[1]));
		json_put_str(body, "member", str_of(o->member));
		call = (struct call){.method = "POST",
				     .path = "/series/retire-member",
				     .json = body,
				     .if_match = o->revision};
	} else {
		call.path = series_path(c, w->word[1]);
	}
	if (o->reason)
		call.path = client_path(c, "%s?reason=%s", call.path, path_word(c, o->reason, false));
	int status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else if (!c->quiet)
		printf(say(SAY_RETIRED), o->member ? o->member : w->word[1]);
	return CLI_OK;
}

int command_series(struct cli *c, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct cli *c, const struct words *w, const struct wish *o);
		size_t words; /* at most, its own name included */
	} verbs[] = {{"add", add, CLI_ARGS_MAX},
		     {"show", show, 2},
		     {"list", list, 2},
		     {"split", split, 2},
		     {"retire", retire, 2}};
	enum { VERBS = sizeof verbs / sizeof *verbs };
	const char *names[VERBS];
	struct wish o = {0};
	struct words w;
	const struct option_row own[] = {{"file", &o.file, NULL},
					 {"member", &o.member, NULL},
					 {"at", &o.at, NULL},
					 {"revision", &o.revision, NULL},
					 {"if-revision", &o.revision, NULL},
					 {"reason", &o.reason, NULL},
					 {"history", NULL, &o.history}};
	int status = options_read(c, argc, argv, own, 7, &w);
	if (status) return status;
	const char *verb = w.n ? w.word[0] : "";
	for (size_t i = 0; i < VERBS; i++) {
		names[i] = verbs[i].name;
		if (strcmp(verb, names[i]) != 0) continue;
		if (w.n > verbs[i].words) return usage_error(c, SAY_EXTRA_WORD, w.word[verbs[i].words]);
		return verbs[i].run(c, &w, &o);
	}
	const char *near = suggest(verb, names, VERBS);
	status = verb_error(c, verb, "add|show|list|split|retire");
	if (near) fprintf(stderr, say(SAY_DID_YOU_MEAN), near);
	return status;
}
