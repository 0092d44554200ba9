/* kanhe template: metadata templates of an enterprise, and the classes they are sorted by. */
#include <stdlib.h>

#include "tools/kanhe/client.h"

enum { FILE_MAX = 16 << 20 };

static const char *path_of(struct cli *c, const char *prefix, const char *version)
{
	const char *p = path_word(c, prefix, false), *v = path_word(c, version, false);
	return client_path(c, "/templates/%s/%s", p, v);
}

static int list(struct cli *c, const char *prefix)
{
	json_t *all, *t;
	size_t i;
	int status = client_list(c, client_path(c, "/templates?prefix=%s", path_word(c, prefix, false)),
				 "templates", &all);
	if (status) return status;
	if (c->json) {
		print_json(all);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(all, "templates"), i, t)
	{
		print_safe(stdout, str_of(text_of(t, "prefix")));
		printf("  ");
		print_safe(stdout, str_of(text_of(t, "version")));
		printf(say(SAY_TEMPLATE_LINE),
		       (long long)json_integer_value(json_object_get(t, "attributes")),
		       (long long)json_integer_value(json_object_get(t, "uses")),
		       (long long)json_integer_value(json_object_get(t, "series")));
		print_safe(stdout, str_of(text_of(t, "title")));
		printf("\n");
	}
	return CLI_OK;
}

static void show_attribute(const json_t *x)
{
	static const char *const told[] = {"min_length", "max_length", "min",     "max",      "decimals",
					   "format",     "pattern",    "choices", "reference"};
	printf("%8lld  ", (long long)json_integer_value(json_object_get(x, "index")));
	print_safe(stdout, str_of(text_of(x, "name")));
	printf("  %s%s%s  ", text_of(x, "type"), json_is_true(json_object_get(x, "required")) ? "!" : "",
	       json_is_true(json_object_get(x, "unique")) ? "=" : "");
	print_safe(stdout, str_of(text_of(x, "title")));
	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		const json_t *v = json_object_get(x, told[i]);
		char *text = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
		if (!text) continue;
		printf(" %s ", told[i]);
		print_safe(stdout, str_of(text));
		free(text);
	}
	printf("\n");
}

static int show(struct cli *c, const char *prefix, const char *version)
{
	struct reply r;
	json_t *x;
	size_t i;
	int status =
	    client_call(c, &(struct call){.method = "GET", .path = path_of(c, prefix, version)}, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	print_safe(stdout, str_of(prefix));
	printf("  ");
	print_safe(stdout, str_of(version));
	printf(say(SAY_TEMPLATE_LINE), (long long)json_array_size(json_object_get(r.json, "attributes")),
	       (long long)json_integer_value(json_object_get(r.json, "uses")),
	       (long long)json_integer_value(json_object_get(r.json, "series")));
	print_safe(stdout, str_of(text_of(r.json, "title")));
	printf("\n");
	long long series = (long long)json_integer_value(json_object_get(r.json, "series"));
	if (series) printf(say(SAY_TEMPLATE_SERIES), series);
	json_array_foreach(json_object_get(r.json, "attributes"), i, x) show_attribute(x);
	return CLI_OK;
}

/* {"prefix","classes"}, as dossiers and copies have them among templates. */
static int put_classes(struct cli *c, json_t *j)
{
	struct reply r;
	const char *path = client_path(c, "/classifications/%s", path_word(c, text_of(j, "prefix"), false));
	return client_call(c, &(struct call){.method = "PUT", .path = path, .json = json_incref(j)}, &r);
}

static int put_one(struct cli *c, json_t *j, bool add)
{
	struct reply r;
	const char *prefix = text_of(j, "prefix"), *version = text_of(j, "version");
	struct call call = {.method = "POST", .path = "/templates", .json = j};
	if (!add && prefix[0] && json_object_get(j, "classes")) return put_classes(c, j);
	if (!add && (!prefix[0] || !version[0]))
		return usage_error(c, SAY_MISSING_WORD, prefix[0] ? "version" : "prefix");
	if (!add) {
		call.method = "PUT";
		call.path = path_of(c, prefix, version);
	}
	json_incref(j);
	int status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else if (!c->quiet)
		printf(say(SAY_TEMPLATE_KEPT), text_of(r.json, "prefix"), text_of(r.json, "version"),
		       (long long)json_integer_value(json_object_get(r.json, "revision")));
	return CLI_OK;
}

/* One, or one a line. */
static int put(struct cli *c, const char *file, bool add)
{
	struct str text, line;
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	json_t *j;
	int status = file_read(c, file, FILE_MAX, &text);
	if (status) return status;
	if (!json_read_large(c->arena, text, &f, &j)) return put_one(c, j, add);
	status = client_open(c); /* what it keeps in the arena stays */
	for (bool first = true; !status && str_split(&text, '\n', &line); first = false) {
		struct arena_mark mark = arena_mark(c->arena);
		struct flaw of_line = {.offset = FLAW_NO_OFFSET};
		if (!str_trim(line).n) continue;
		if (json_read(c->arena, line, &of_line, &j)) {
			print_error(c, "%s: %s", file, first ? f.text : of_line.text);
			return CLI_FAILED;
		}
		status = put_one(c, j, add);
		arena_rollback(c->arena, mark);
	}
	return status;
}

static int remove_one(struct cli *c, const char *prefix, const char *version)
{
	struct reply r;
	int status =
	    client_call(c, &(struct call){.method = "DELETE", .path = path_of(c, prefix, version)}, &r);
	if (!status && !c->quiet && !c->json) printf(say(SAY_TEMPLATE_GONE), prefix, version);
	return status;
}

static int classes(struct cli *c, const char *prefix, const char *file)
{
	struct reply r;
	json_t *j = NULL;
	int status = file ? file_json(c, file, FILE_MAX, &j) : CLI_OK;
	if (status) return status;
	const char *path = client_path(c, "/classifications/%s", path_word(c, prefix, false));
	status =
	    client_call(c, &(struct call){.method = file ? "PUT" : "GET", .path = path, .json = j}, &r);
	if (!status && !file) print_json(r.json);
	return status;
}

int command_template(struct cli *c, int argc, char **argv)
{
	static const char *const verbs[] = {"list", "show", "add", "put", "delete", "classes"};
	static const char *const needs[][2] = {{"PREFIX", NULL}, {"PREFIX", "VERSION"}, {"FILE", NULL},
					       {"FILE", NULL},   {"PREFIX", "VERSION"}, {"PREFIX", NULL}};
	struct words w;
	size_t v = 0;
	int status = options_read(c, argc, argv, NULL, 0, &w);
	if (status) return status;
	const char *verb = w.n ? w.word[0] : "";
	while (v < 6 && strcmp(verb, verbs[v]) != 0) v++;
	if (v == 6) return verb_error(c, verb, "list|show|add|put|delete|classes");
	for (size_t i = 0; i < 2 && needs[v][i]; i++)
		if (w.n < i + 2) return usage_error(c, SAY_MISSING_WORD, needs[v][i]);
	switch (v) {
	case 0: return list(c, w.word[1]);
	case 1: return show(c, w.word[1], w.word[2]);
	case 2: return put(c, w.word[1], true);
	case 3: return put(c, w.word[1], false);
	case 4: return remove_one(c, w.word[1], w.word[2]);
	default: return classes(c, w.word[1], w.n > 2 ? w.word[2] : NULL);
	}
}
