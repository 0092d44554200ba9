/* kanhe audit, prove, verify: what happened, and the proof of it. */
#include "tools/kanhe/client.h"

#include "dataspace/bundle.h"

enum { BUNDLE_MAX = 64 << 20 };

static void print_entry(const json_t *e)
{
	static const char *const more[] = {"agreement", "transfer", "negotiation",
					   "dataset",   "peer",     "detail"};
	printf("%6lld  %s  %-24s ", (long long)json_integer_value(json_object_get(e, "index")),
	       text_of(e, "time"), text_of(e, "kind"));
	print_safe(stdout, str_of(text_of(e, "who")));
	for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
		if (!text_of(e, more[i])[0]) continue;
		printf("  %s=", more[i]);
		print_safe(stdout, str_of(text_of(e, more[i])));
	}
	putchar('\n');
}

int command_audit(struct cli *c, int argc, char **argv)
{
	const char *agreement = NULL, *since = NULL, *cursor = NULL, *limit = NULL;
	struct words words;
	struct reply r;
	size_t i;
	json_t *e;
	const struct option_row own[] = {{"agreement", &agreement, NULL},
					 {"since", &since, NULL},
					 {"cursor", &cursor, NULL},
					 {"limit", &limit, NULL}};
	int status = options_read(c, argc, argv, own, 4, &words);
	if (status) return status;
	if (words.n) return usage_error(c, SAY_EXTRA_WORD, words.word[0]);
	const char *who = client_participant(c);
	if (!who) return CLI_USAGE;
	const char *path =
	    client_path(c, "/participants/%s/audit?limit=%s%s%s%s%s%s%s", who,
			limit ? path_word(c, limit, false) : "1000", agreement ? "&agreement=" : "",
			agreement ? path_word(c, agreement, false) : "", since ? "&since=" : "",
			since ? path_word(c, since, false) : "", cursor ? "&cursor=" : "",
			cursor ? path_word(c, cursor, false) : "");
	status = client_call(c, &(struct call){.method = "GET", .path = path}, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(r.json, "entries"), i, e) print_entry(e);
	const json_t *next = json_object_get(r.json, "next");
	if (json_is_string(next)) printf(say(SAY_MORE_ENTRIES), json_string_value(next));
	return CLI_OK;
}

int command_prove(struct cli *c, int argc, char **argv)
{
	const char *to = NULL;
	struct words words;
	struct reply r;
	const struct option_row own[] = {{"to", &to, NULL}};
	int status = options_read(c, argc, argv, own, 1, &words);
	if (status) return status;
	if (words.n != 1) return usage_error(c, SAY_MISSING_WORD, "AGREEMENT");
	const char *who = client_participant(c);
	if (!who) return CLI_USAGE;
	struct call call = {.method = "GET",
			    .path = client_path(c, "/participants/%s/agreements/%s/proof", who,
						path_word(c, words.word[0], false)),
			    .to_file = to ? to : "-"};
	status = client_call(c, &call, &r);
	if (status) return status;
	if (to && !c->quiet) fprintf(stderr, say(SAY_PROVED), to);
	return CLI_OK;
}
