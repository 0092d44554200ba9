/* kanhe inbox: what waits for a person's decision. */
#include "tools/kanhe/client.h"

#include "base/clock.h"

enum { WATCH_SECONDS = 60 };

static void print_waiting(const json_t *x)
{
	const char *kind = text_of(x, "kind");
	enum say does = strcmp(kind, "counter-offer") == 0 ? SAY_INBOX_COUNTERS
			: strcmp(kind, "offer") == 0       ? SAY_INBOX_OFFERS
							   : SAY_INBOX_ASKS;
	size_t i;
	json_t *d;

	printf("%s\n    ", text_of(x, "pid"));
	print_safe(stdout, str_of(text_of(x, "peer")));
	printf(" %s ", say(does));
	print_safe(stdout, str_of(text_of(x, "dataset")));
	printf("\n    ");
	printf(say(SAY_INBOX_SINCE), text_of(x, "since"), text_of(x, "until"));
	print_said(stdout, text_of(x, "verified_by"));
	putchar('\n');
	if (does == SAY_INBOX_OFFERS) print_offer(json_object_get(x, "offer"));
	json_array_foreach(json_object_get(x, "differs"), i, d)
	{
		printf("    ! ");
		print_said(stdout, json_text(d).n ? json_string_value(d) : "");
		putchar('\n');
	}
}

static int show_list(const struct cli *c, const json_t *list)
{
	size_t i;
	json_t *x;

	if (c->json) {
		print_json(list);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(list, "inbox"), i, x) print_waiting(x);
	if (!json_array_size(json_object_get(list, "inbox")) && !c->quiet)
		printf("%s\n", say(SAY_INBOX_EMPTY));
	return CLI_OK;
}

/* Held at the node until something new waits; nobody polls. */
static int watch(struct cli *c, const char *who)
{
	long long mark = 0;

	for (;;) {
		struct reply r;
		size_t i;
		json_t *x;
		struct call call = {.method = "GET",
				    .path = client_path(c, "/participants/%s/inbox?since=%lld&timeout=%d",
							who, mark, WATCH_SECONDS),
				    .deadline = (WATCH_SECONDS + 30) * USEC_PER_SEC};
		int status = client_call(c, &call, &r);

		if (status) return status;
		json_array_foreach(json_object_get(r.json, "inbox"), i, x)
		{
			if (c->json)
				print_json(x);
			else
				print_waiting(x);
		}
		(void)fflush(stdout);
		mark = json_integer_value(json_object_get(r.json, "mark"));
	}
}

static int decide(struct cli *c, const char *who, const char *verb, const char *id, const char *reason)
{
	json_t *body = json_object();
	struct reply r;

	if (reason) json_put_str(body, "reason", str_of(reason));
	struct call call = {
	    .method = "POST",
	    .path = client_path(c, "/participants/%s/inbox/%s/%s", who, path_word(c, id, false), verb),
	    .json = body};
	int status = client_call(c, &call, &r);

	if (status) return status;
	if (c->json) {
		print_json(r.json);
	} else if (!c->quiet) {
		const char *next = text_of(r.json, "pending");

		printf(say(SAY_INBOX_DECIDED), id, next[0] ? next : text_of(r.json, "state"));
		putchar('\n');
	}
	return CLI_OK;
}

int command_inbox(struct cli *c, int argc, char **argv)
{
	bool watching = false;
	const char *reason = NULL;
	struct words words;
	struct reply r;
	const struct option_row own[] = {{"watch", NULL, &watching}, {"reason", &reason, NULL}};
	int status = options_read(c, argc, argv, own, 2, &words);
	if (status) return status;
	const char *who = client_participant(c), *verb = words.n ? words.word[0] : "list";
	if (!who) return CLI_USAGE;
	if (strcmp(verb, "list") == 0) {
		if (words.n > 1) return usage_error(c, SAY_EXTRA_WORD, words.word[1]);
		if (watching) return watch(c, who);
		status = client_list(c, client_path(c, "/participants/%s/inbox", who), "inbox", &r.json);
		return status ? status : show_list(c, r.json);
	}
	if (!verb_known(verb, "show|approve|decline"))
		return verb_error(c, verb, "list|show|approve|decline");
	if (words.n != 2) return words_wrong(c, &words, 2, "ID");
	if (strcmp(verb, "show")) return decide(c, who, verb, words.word[1], reason);
	struct call call = {
	    .method = "GET",
	    .path = client_path(c, "/participants/%s/inbox/%s", who, path_word(c, words.word[1], false))};
	status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else
		print_json_pretty(r.json);
	return CLI_OK;
}
