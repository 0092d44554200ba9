/* kanhe resolve: asks a node what an identifier is; --trace shows each hop. */
#include "tools/kanhe/client.h"

#include <stdlib.h>

static const char *paint(const char *state)
{
	if (!colour_on(stdout)) return "";
	if (strcmp(state, "secure") == 0 || strcmp(state, "authoritative") == 0) return "\033[32m";
	return strcmp(state, "bogus") == 0 ? "\033[31m" : "\033[33m";
}

static const char *unpaint(void)
{
	return colour_on(stdout) ? "\033[0m" : "";
}

static void print_hop(size_t i, const json_t *hop)
{
	const char *state = text_of(hop, "state");
	double ms = json_number_value(json_object_get(hop, "ms"));
	printf("%3zu  ", i + 1);
	print_safe(stdout, str_of(text_of(hop, "node")));
	printf("%*s %8.2f ms  ",
	       (int)(14 - (strlen(text_of(hop, "node")) < 14 ? strlen(text_of(hop, "node")) : 14)), "", ms);
	printf("%-10s %s%-13s%s", text_of(hop, "kind"), paint(state), state, unpaint());
	print_safe(stdout, str_of(text_of(hop, "url")));
	if (json_is_true(json_object_get(hop, "cached"))) printf("  (%s)", say(SAY_FROM_CACHE));
	if (text_of(hop, "detail")[0]) {
		printf("  ");
		print_safe(stdout, str_of(text_of(hop, "detail")));
	}
	putchar('\n');
}

static void print_trace(const json_t *reply)
{
	size_t i;
	json_t *hop;
	json_array_foreach(json_object_get(reply, "trace"), i, hop) print_hop(i, hop);
}

static void print_value(const json_t *v)
{
	const json_t *data = json_object_get(v, "data");
	const json_t *value = json_is_object(data) ? json_object_get(data, "value") : data;
	printf("%6lld  %-22s ", (long long)json_integer_value(json_object_get(v, "index")),
	       text_of(v, "type"));
	if (json_is_string(value)) {
		print_safe(stdout, str_of(json_string_value(value)));
	} else {
		char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		print_safe(stdout, str_of(text));
		free(text);
	}
	putchar('\n');
}

static void print_record(const json_t *record)
{
	size_t i;
	json_t *v;
	print_safe(stdout, str_of(text_of(record, "id")));
	printf("  (%s, %s %lld)\n", text_of(record, "scheme"), say(SAY_REVISION),
	       (long long)json_integer_value(json_object_get(record, "revision")));
	json_array_foreach(json_object_get(record, "values"), i, v) print_value(v);
}

/* With --trace: the walk, then the answer, then the verdict. */
static int print_traced(const struct cli *c, const struct reply *r)
{
	const char *state = text_of(r->json, "state"), *kind = text_of(r->json, "kind");
	if (c->json) {
		print_json(r->json);
	} else {
		const json_t *answer = json_object_get(r->json, "answer");
		print_trace(r->json);
		if (json_is_object(answer)) print_record(answer);
		if (!json_is_object(answer) && text_of(r->json, "detail")[0]) {
			print_safe(stdout, str_of(text_of(r->json, "detail")));
			putchar('\n');
		}
		printf("%s: %s, %s%s%s (%s)\n", say(SAY_STATE), kind, paint(state), state, unpaint(),
		       text_of(r->json, "scheme"));
	}
	if (strcmp(state, "bogus") == 0) return CLI_BOGUS;
	return r->status / 100 == 2                   ? CLI_OK
	       : r->status == 404 || r->status == 410 ? CLI_NOT_FOUND
						      : CLI_FAILED;
}

static int resolve_one(struct cli *c, const char *id, bool trace, bool iterative, const char *type)
{
	struct reply r;
	const char *path = client_path(c, "/resolve/%s?%s%s%s%s", path_word(c, id, true),
				       trace ? "trace=1" : "", iterative ? "&rd=0" : "",
				       type ? "&type=" : "", type ? path_word(c, type, false) : "");
	struct call call = {.method = "GET", .path = path, .quiet_errors = trace};
	int status = client_call(c, &call, &r);
	if (trace && r.json && json_object_get(r.json, "trace")) return print_traced(c, &r);
	if (trace && status) {
		/* an error before any hop: tell it as usual */
		call.quiet_errors = false;
		status = client_call(c, &call, &r);
	}
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else
		print_record(r.json);
	return CLI_OK;
}

int command_resolve(struct cli *c, int argc, char **argv)
{
	bool trace = false, iterative = false;
	const char *type = NULL;
	struct words words;
	const struct option_row own[] = {
	    {"trace", NULL, &trace}, {"iterative", NULL, &iterative}, {"type", &type, NULL}};
	int worst = options_read(c, argc, argv, own, 3, &words);
	if (worst) return worst;
	if (!words.n) return usage_error(c, SAY_MISSING_WORD, "ID");
	for (size_t i = 0; i < words.n; i++) {
		int status = resolve_one(c, words.word[i], trace, iterative, type);
		if (status && !worst) worst = status;
	}
	return worst;
}
