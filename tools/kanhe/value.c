/* kanhe value: adds, replaces and removes single values of an identifier, all or none; shows all of them.
 */
#include <stdlib.h>

#include "tools/kanhe/client.h"

enum { FILE_MAX = 1 << 20, TTL_USUAL = 86400 };

struct options {
	const char *index, *ttl, *permissions, *reference, *revision, *key, *file;
};

static int number(struct cli *c, const char *word, json_t *o, const char *name)
{
	uint64_t n;
	if (str_u64(str_of(word), &n)) return usage_error(c, SAY_NOT_NUMBER, word);
	json_put_u64(o, name, n);
	return CLI_OK;
}

/* 300:88.118.8/ADMIN, as the Handle System writes it. */
static int reference(struct cli *c, const char *word, json_t *value)
{
	struct str s = str_of(word);
	size_t colon = str_find(s, ':');
	uint64_t index;
	if (colon == s.n || str_u64(str_first(s, colon), &index))
		return usage_error(c, SAY_NOT_REFERENCE, word);
	json_t *all = json_array(), *one = json_object();
	json_put_u64(one, "index", index);
	json_put_str(one, "handle", str_skip(s, colon + 1));
	json_array_append_new(all, one);
	json_put(value, "references", all);
	return CLI_OK;
}

static int value_of(struct cli *c, const struct options *o, const char *word, json_t *value)
{
	const char *equals = strchr(word, '=');
	int status = CLI_OK;
	if (!equals || equals == word) return usage_error(c, SAY_NOT_TYPE_DATA, word);
	json_put_str(value, "type", str_n(word, (size_t)(equals - word)));
	json_put_str(value, "data", str_of(equals + 1));
	if (o->ttl) status = number(c, o->ttl, value, "ttl");
	if (o->permissions) json_put_str(value, "permissions", str_of(o->permissions));
	if (!status && o->reference) status = reference(c, o->reference, value);
	return status;
}

static json_t *operation(json_t *all, const char *op)
{
	json_t *o = json_object();
	json_put_str(o, "op", str_of(op));
	json_array_append_new(all, o);
	return o;
}

static int add(struct cli *c, const struct options *o, const struct words *w, json_t *all)
{
	if (w->n < 3) return usage_error(c, SAY_MISSING_WORD, "TYPE=DATA");
	if (w->n > 3 && o->index) return usage_error(c, SAY_EXTRA_WORD, w->word[3]);
	for (size_t i = 2; i < w->n; i++) {
		json_t *value = json_object();
		json_put(operation(all, "add"), "value", value);
		int status = o->index ? number(c, o->index, value, "index") : CLI_OK;
		if (!status) status = value_of(c, o, w->word[i], value);
		if (status) return status;
	}
	return CLI_OK;
}

static int set(struct cli *c, const struct options *o, const struct words *w, json_t *all)
{
	if (w->n < 4) return usage_error(c, SAY_MISSING_WORD, w->n < 3 ? "INDEX" : "TYPE=DATA");
	if (w->n > 4) return usage_error(c, SAY_EXTRA_WORD, w->word[4]);
	json_t *value = json_object();
	json_put(operation(all, "modify"), "value", value);
	int status = number(c, w->word[2], value, "index");
	return status ? status : value_of(c, o, w->word[3], value);
}

static int remove_some(struct cli *c, const struct words *w, json_t *all)
{
	if (w->n < 3) return usage_error(c, SAY_MISSING_WORD, "INDEX");
	for (size_t i = 2; i < w->n; i++) {
		int status = number(c, w->word[i], operation(all, "remove"), "index");
		if (status) return status;
	}
	return CLI_OK;
}

static int apply(struct cli *c, const struct options *o, json_t **body)
{
	json_t *j;
	if (!o->file) return usage_error(c, SAY_MISSING_WORD, "--file");
	int status = file_json(c, o->file, FILE_MAX, &j);
	if (status) return status;
	json_decref(*body);
	*body = j;
	return CLI_OK;
}

static int body_of(struct cli *c, const struct options *o, const struct words *w, json_t **body)
{
	static const char verbs[] = "add|set|remove|apply|show";
	const char *verb = w->n ? w->word[0] : "";
	json_t *all = json_array();
	json_put(*body, "operations", all);
	if (!verb_known(verb, verbs)) return verb_error(c, verb, verbs);
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "ID");
	if (strcmp(verb, "add") == 0) return add(c, o, w, all);
	if (strcmp(verb, "set") == 0) return set(c, o, w, all);
	if (strcmp(verb, "remove") == 0) return remove_some(c, w, all);
	return apply(c, o, body);
}

static void print_setting(bool *any, const char *name, const char *value)
{
	printf("%s%s ", *any ? "  " : "          ", name);
	print_safe(stdout, str_of(value));
	*any = true;
}

/* What `kanhe value add` and `set` would be told to make it so, but for what is usual. */
static void print_settings(struct cli *c, const json_t *v)
{
	const json_t *ttl = json_object_get(v, "ttl"), *reference;
	const char *format = text_of(json_object_get(v, "data"), "format");
	const char *permissions = text_of(v, "permissions");
	bool any = false;
	size_t i;
	if (strcmp(format, "string") != 0) print_setting(&any, "format", format);
	if (json_is_string(ttl)) print_setting(&any, "ttl", json_string_value(ttl));
	if (json_is_integer(ttl) && json_integer_value(ttl) != TTL_USUAL)
		print_setting(&any, "ttl",
			      arena_printf(c->arena, "%lld", (long long)json_integer_value(ttl)).p);
	if (permissions[0]) print_setting(&any, "permissions", permissions);
	json_array_foreach(json_object_get(v, "references"), i, reference)
	    print_setting(&any, "reference",
			  arena_printf(c->arena, "%lld:%s",
				       (long long)json_integer_value(json_object_get(reference, "index")),
				       text_of(reference, "handle"))
			      .p);
	if (any) putchar('\n');
}

static int show(struct cli *c, const struct words *w)
{
	struct reply r;
	const json_t *v;
	size_t i;
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "ID");
	if (w->n > 2) return usage_error(c, SAY_EXTRA_WORD, w->word[2]);
	const char *path = client_path(c, "/registry/%s", path_word(c, w->word[1], true));
	int status = client_call(c, &(struct call){.method = "GET", .path = path}, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	print_safe(stdout, str_of(text_of(r.json, "id")));
	printf("  (%s %lld%s%s)\n", say(SAY_REVISION),
	       (long long)json_integer_value(json_object_get(r.json, "revision")),
	       text_of(r.json, "status")[0] ? ", " : "", text_of(r.json, "status"));
	json_array_foreach(json_object_get(r.json, "values"), i, v)
	{
		printf("%6lld  %-22s ", (long long)json_integer_value(json_object_get(v, "index")),
		       safe(text_of(v, "type")));
		print_safe(stdout, str_of(text_of(json_object_get(v, "data"), "value")));
		putchar('\n');
		print_settings(c, v);
	}
	return CLI_OK;
}

int command_value(struct cli *c, int argc, char **argv)
{
	struct options o = {.index = NULL};
	struct words w;
	struct reply r;
	const struct option_row own[] = {{"index", &o.index, NULL},
					 {"ttl", &o.ttl, NULL},
					 {"permissions", &o.permissions, NULL},
					 {"reference", &o.reference, NULL},
					 {"if-revision", &o.revision, NULL},
					 {"key", &o.key, NULL},
					 {"file", &o.file, NULL}};
	int status = options_read(c, argc, argv, own, sizeof own / sizeof *own, &w);
	if (status) return status;
	if (w.n && strcmp(w.word[0], "show") == 0) return show(c, &w);
	json_t *body = json_object();
	status = body_of(c, &o, &w, &body);
	if (status) {
		json_decref(body);
		return status;
	}
	struct call call = {.method = "PATCH",
			    .path = client_path(c, "/registry/%s", path_word(c, w.word[1], true)),
			    .json = body,
			    .if_match = o.revision,
			    .idempotency_key = o.key};
	status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else if (!c->quiet)
		printf(say(SAY_AMENDED), w.word[1],
		       (long long)json_integer_value(json_object_get(r.json, "revision")));
	return CLI_OK;
}
