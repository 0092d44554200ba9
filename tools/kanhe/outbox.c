/* kanhe outbox, negotiation, transfer: what is under way with partners, and an owner's hand in it. */
#include "base/retell.h"
#include "tools/kanhe/client.h"

static int show_one(const struct cli *c, const json_t *j)
{
	if (c->json)
		print_json(j);
	else
		print_json_pretty(j);
	return CLI_OK;
}

static const char *retold(struct cli *c, const char *text)
{
	return arena_strdup(c->arena, retell(say_language(), c->arena, str_of(text)));
}

const char *answer_reason(struct cli *c, const char *answer)
{
	struct str text = str_of(answer), status = str_first(text, str_find(text, ' '));
	json_t *j, *why;
	struct flaw f;

	if (json_read(c->arena, str_skip(text, status.n), &f, &j)) return answer;
	why = json_object_get(j, "reason");
	if (!why) why = json_object_get(j, "dspace:reason");
	if (json_is_array(why)) why = json_array_get(why, 0);
	if (json_is_object(why)) why = json_object_get(why, "@value");
	if (!why) why = json_object_get(j, "detail");
	if (!json_text(why).n) return answer;
	return arena_printf(c->arena, "%.*s %.*s", STR_ARG(status),
			    STR_ARG(retell(say_language(), c->arena, json_text(why))))
	    .p;
}

void under_way_tell(struct cli *c, const json_t *j, char told[UNDER_WAY_TOLD])
{
	const json_t *refused = json_object_get(j, "refused"), *letter = json_object_get(j, "waiting"),
		     *fetching = json_object_get(j, "fetching");
	struct str text = STR_NONE;

	if (c->quiet) return;
	if (refused)
		text = arena_printf(c->arena, say(SAY_UNDER_WAY_REFUSED), text_of(refused, "message"),
				    retold(c, text_of(refused, "reason")));
	else if (letter && json_integer_value(json_object_get(letter, "attempts")))
		text = arena_printf(c->arena, say(SAY_UNDER_WAY_WAITING), text_of(letter, "leads_to"),
				    answer_reason(c, text_of(letter, "reason")));
	else if (fetching)
		text = arena_printf(c->arena, say(SAY_UNDER_WAY_FETCHING),
				    retold(c, text_of(fetching, "reason")));
	if (!text.p || str_is(str_first(text, UNDER_WAY_TOLD - 1), told)) return;
	snprintf(told, UNDER_WAY_TOLD, "%s", text.p);
	print_safe(stderr, text);
	fputc('\n', stderr);
}

static void print_letter(struct cli *c, const json_t *x)
{
	const char *to = text_of(x, "leads_to"); /* nothing: a notice, of no state of a process */

	printf(say(SAY_OUTBOX_LINE), text_of(x, "letter"), text_of(x, "state"), text_of(x, "kind"),
	       to[0] ? " → " : "", to, (long long)json_integer_value(json_object_get(x, "attempts")));
	printf("\n    ");
	print_safe(stdout, str_of(text_of(x, "url")));
	printf("\n    ");
	print_said(stdout, answer_reason(c, text_of(x, "reason")));
	putchar('\n');
}

static int outbox_list(struct cli *c, const char *who)
{
	struct reply r;
	size_t i;
	json_t *x;
	int status = client_call(
	    c, &(struct call){.method = "GET", .path = client_path(c, "/participants/%s/outbox", who)}, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	json_t *waiting = json_object_get(r.json, "waiting"), *dead = json_object_get(r.json, "dead");
	json_array_foreach(waiting, i, x) print_letter(c, x);
	json_array_foreach(dead, i, x) print_letter(c, x);
	if (!json_array_size(waiting) && !json_array_size(dead) && !c->quiet)
		printf("%s\n", say(SAY_OUTBOX_EMPTY));
	return CLI_OK;
}

static void print_process(const json_t *x)
{
	printf("%s  %s  %s", safe(text_of(x, "pid")), safe(text_of(x, "role")), safe(text_of(x, "state")));
	if (text_of(x, "pending")[0]) printf(" → %s", text_of(x, "pending"));
	printf("  ");
	print_safe(stdout, str_of(text_of(x, "peer")));
	if (text_of(x, "reason")[0]) printf("  ");
	print_said(stdout, text_of(x, "reason"));
	putchar('\n');
}

static int process_list(struct cli *c, const char *who, const char *what)
{
	json_t *list, *x;
	size_t i;
	int status = client_list(c, client_path(c, "/participants/%s/%s", who, what), what, &list);
	if (status) return status;
	if (c->json)
		print_json(list);
	else
		json_array_foreach(json_object_get(list, what), i, x) print_process(x);
	return CLI_OK;
}

/* GET of one thing, or POST of a verb that its owner has over it. */
static int one(struct cli *c, const char *who, const char *what, const char *verb, const char *id,
	       const char *reason)
{
	bool look = strcmp(verb, "show") == 0;
	struct reply r;
	json_t *body = look ? NULL : json_object();
	if (body && reason) json_put_str(body, "reason", str_of(reason));
	struct call call = {.method = look ? "GET" : "POST",
			    .path = client_path(c, "/participants/%s/%s/%s%s%s", who, what,
						path_word(c, id, false), look ? "" : "/", look ? "" : verb),
			    .json = body};
	int status = client_call(c, &call, &r);
	if (status) return status;
	if (look || c->json) return show_one(c, r.json);
	if (!c->quiet) {
		printf(say(SAY_OUTBOX_DONE), id);
		putchar('\n');
	}
	return CLI_OK;
}

/* what: path of the collection. A word that is no verb but may be an id is shown. */
static int under_way(struct cli *c, int argc, char **argv, const char *what, const char *verbs)
{
	const char *reason = NULL;
	struct words words;
	const struct option_row own[] = {{"reason", &reason, NULL}};
	int status = options_read(c, argc, argv, own, 1, &words);
	if (status) return status;
	const char *who = client_participant(c), *verb = words.n ? words.word[0] : "list";
	if (!who) return CLI_USAGE;
	if (strcmp(verb, "list") == 0 && words.n > 1) return usage_error(c, SAY_EXTRA_WORD, words.word[1]);
	if (strcmp(verb, "list") == 0)
		return strcmp(what, "outbox") ? process_list(c, who, what) : outbox_list(c, who);
	if (words.n == 1 && !verb_known(verb, verbs) && strpbrk(verb, ":0123456789"))
		return one(c, who, what, "show", verb, NULL);
	if (!verb_known(verb, verbs)) return verb_error(c, verb, verbs);
	if (words.n != 2) return words_wrong(c, &words, 2, "ID");
	return one(c, who, what, verb, words.word[1], reason);
}

int command_outbox(struct cli *c, int argc, char **argv)
{
	return under_way(c, argc, argv, "outbox", "list|show|retry|drop");
}

int command_negotiation(struct cli *c, int argc, char **argv)
{
	return under_way(c, argc, argv, "negotiations", "list|show|terminate");
}
