/* kanhe register: one identifier from the command line or a JSON file. */
#include "proto/template/template.h"
#include "tools/kanhe/client.h"

enum { FILE_MAX = 1 << 20 };

/* The index in front of INDEX:TYPE, which is taken off; else that of a type that has one of its own; 0: the
 * node gives the lowest free one. */
static uint64_t index_of(struct str *type)
{
	uint64_t index = 0;
	size_t colon = str_find(*type, ':');
	if (colon && colon + 1 < type->n && !str_u64(str_first(*type, colon), &index) && index) {
		*type = str_skip(*type, colon + 1);
		return index;
	}
	if (str_is(*type, "TEMPLATE_ID")) return TEMPLATE_INDEX_ID;
	return str_is(*type, "TEMPLATE") ? TEMPLATE_INDEX_VERSION : 0;
}

/* Words TYPE=DATA or INDEX:TYPE=DATA. */
static int values_of_words(struct cli *c, const struct words *w, size_t from, json_t *values)
{
	for (size_t i = from; i < w->n; i++) {
		const char *equals = strchr(w->word[i], '=');
		if (!equals || equals == w->word[i]) return usage_error(c, SAY_NOT_TYPE_DATA, w->word[i]);
		struct str type = str_n(w->word[i], (size_t)(equals - w->word[i]));
		json_t *v = json_object(), *data = json_object();
		uint64_t index = index_of(&type);
		if (index) json_put_u64(v, "index", index);
		json_put_str(v, "type", type);
		json_put_str(data, "format", STR("string"));
		json_put_str(data, "value", str_of(equals + 1));
		json_put(v, "data", data);
		json_array_append_new(values, v);
	}
	return CLI_OK;
}

int record_body(struct cli *c, const char *file, const struct words *w, size_t from, json_t **ret)
{
	if (file) return file_json(c, file, FILE_MAX, ret);
	json_t *values = json_array();
	*ret = json_object();
	json_put(*ret, "values", values);
	return values_of_words(c, w, from, values);
}

/* A member of a series that has a record of its own from now on. */
static void print_series_left(const json_t *reply)
{
	if (!text_of(reply, "series")[0]) return;
	printf("  %s ", say(SAY_SERIES_LEFT));
	print_safe(stdout, str_of(text_of(reply, "series")));
	putchar('\n');
}

/* Handles may have braces; whoever writes a range most likely means all that lie in it. */
static bool looks_like_series(const char *id)
{
	const char *brace = strchr(id, '{'), *dots = brace ? strstr(brace, "..") : NULL;
	return dots && strchr(dots, '}');
}

int command_register(struct cli *c, int argc, char **argv)
{
	bool retire = false;
	const char *file = NULL, *reason = NULL, *key = NULL, *revision = NULL;
	struct words words;
	struct reply r;
	json_t *body = NULL;
	const struct option_row own[] = {{"file", &file, NULL},
					 {"retire", NULL, &retire},
					 {"reason", &reason, NULL},
					 {"if-revision", &revision, NULL},
					 {"key", &key, NULL}};
	int status = options_read(c, argc, argv, own, 5, &words);
	if (status) return status;
	if (!words.n) return usage_error(c, SAY_MISSING_WORD, "ID");
	if (!retire && !file && words.n < 2) return usage_error(c, SAY_MISSING_WORD, "TYPE=DATA");
	if (!retire) status = record_body(c, file, &words, 1, &body);
	if (status) {
		json_decref(body);
		return status;
	}
	struct call call = {.method = retire ? "DELETE" : "PUT",
			    .path = client_path(c, "/registry/%s%s%s", path_word(c, words.word[0], true),
						retire && reason ? "?reason=" : "",
						retire && reason ? path_word(c, reason, false) : ""),
			    .json = body,
			    .if_match = revision,
			    .idempotency_key = key};
	status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json && r.json) {
		print_json(r.json);
	} else if (!c->quiet) {
		printf(say(retire ? SAY_RETIRED : SAY_REGISTERED), words.word[0]);
		print_series_left(r.json);
		if (!retire && looks_like_series(words.word[0]))
			fprintf(stderr, "%s", say(SAY_REGISTERED_BRACES));
	}
	return CLI_OK;
}
