/* kanhe transfer: shows transfers and steers them. */
#include "tools/kanhe/client.h"

static void print_row(const json_t *t)
{
	printf("%s  %s", safe(text_of(t, "pid")), safe(text_of(t, "state")));
	if (text_of(t, "pending")[0]) printf(" → %s", text_of(t, "pending"));
	printf("  %s  %s  ", safe(text_of(t, "role")), safe(text_of(t, "format")));
	print_safe(stdout, str_of(text_of(t, "peer")));
	if (text_of(t, "reason")[0]) {
		printf("  ");
		print_said(stdout, text_of(t, "reason"));
	}
	putchar('\n');
}

static int list(struct cli *c, const char *who)
{
	json_t *all, *t;
	size_t i;
	int status = client_list(c, client_path(c, "/participants/%s/transfers", who), "transfers", &all);

	if (status) return status;
	if (c->json) {
		print_json(all);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(all, "transfers"), i, t) print_row(t);
	return CLI_OK;
}

static bool is_verb(const char *word)
{
	return strcmp(word, "suspend") == 0 || strcmp(word, "resume") == 0 ||
	       strcmp(word, "terminate") == 0;
}

int command_transfer(struct cli *c, int argc, char **argv)
{
	const char *reason = NULL, *verb = NULL;
	char told[UNDER_WAY_TOLD] = "";
	struct words words;
	struct reply r;
	const struct option_row own[] = {{"reason", &reason, NULL}};
	int status = options_read(c, argc, argv, own, 1, &words);

	if (status) return status;
	if (words.n && strcmp(words.word[0], "list") == 0) words.n = 0;
	if (words.n && strcmp(words.word[0], "show") == 0) {
		if (words.n != 2) return words_wrong(c, &words, 2, "PID");
		words.word[0] = words.word[1];
		words.n = 1;
	}
	if (words.n && is_verb(words.word[0])) verb = words.word[0];
	if (verb && words.n != 2) return words_wrong(c, &words, 2, "PID");
	if (!verb && words.n > 1) return verb_error(c, words.word[0], "list|show|suspend|resume|terminate");
	const char *who = client_participant(c);
	if (!who) return CLI_USAGE;
	if (!words.n) return list(c, who);
	const char *pid = path_word(c, words.word[verb ? 1 : 0], false);
	struct call call = {.method = verb ? "POST" : "GET"};
	if (verb) {
		call.path = client_path(c, "/participants/%s/transfers/%s/%s", who, pid, verb);
		call.json = json_object();
		if (reason) json_put_str(call.json, "reason", str_of(reason));
	} else {
		call.path = client_path(c, "/participants/%s/transfers/%s", who, pid);
	}
	status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else if (!c->quiet)
		print_row(r.json);
	if (!c->json) under_way_tell(c, r.json, told);
	return CLI_OK;
}
