/* kanhe catalog, negotiate, agreements, revoke: dealing with partners. */
#include "tools/kanhe/client.h"

#include "base/clock.h"

enum { WAIT_SECONDS = 30, LOOK_SECONDS = 2 };

static json_t *object_of(const char *key, const char *value)
{
	json_t *o = json_object();
	json_put_str(o, key, str_of(value));
	return o;
}

void print_offer(const json_t *offer)
{
	size_t i, k;
	json_t *rule, *con;
	json_array_foreach(json_object_get(offer, "permission"), i, rule)
	{
		printf("    %s", safe(text_of(rule, "action")));
		json_array_foreach(json_object_get(rule, "constraint"), k, con)
		{
			char *right = json_dumps(json_object_get(con, "rightOperand"),
						 JSON_COMPACT | JSON_ENCODE_ANY);
			printf("%s %s %s ", k ? "," : ":", safe(text_of(con, "leftOperand")),
			       safe(text_of(con, "operator")));
			print_safe(stdout, str_of(right ? right : "…"));
			free(right);
		}
		putchar('\n');
	}
	printf("    offer ");
	print_safe(stdout, str_of(text_of(offer, "@id")));
	putchar('\n');
}

void print_dataset(const json_t *d)
{
	size_t i;
	json_t *offer;
	/* the catalog of a partner is DCAT, our own list is plain */
	print_safe(stdout, str_of(text_of(d, "@id")[0] ? text_of(d, "@id") : text_of(d, "id")));
	printf("  ");
	const json_t *titles = json_object_get(d, "title");
	const char *first = json_is_object(titles)
				? json_object_iter_key(json_object_iter((json_t *)(uintptr_t)titles))
				: NULL;
	print_safe(stdout, str_of(first ? text_of(titles, first) : text_of(d, "title")));
	putchar('\n');
	json_array_foreach(json_object_get(d, "hasPolicy"), i, offer) print_offer(offer);
}

static int tell_negotiation(const struct cli *c, const json_t *n)
{
	const char *state = text_of(n, "state");
	if (c->json) {
		print_json(n);
	} else {
		printf("%s: %s", text_of(n, "pid"), state);
		if (text_of(n, "agreement")[0])
			printf("  %s %s", say(SAY_AGREEMENT), safe(text_of(n, "agreement")));
		if (text_of(n, "reason")[0]) {
			printf("  ");
			print_said(stdout, text_of(n, "reason"));
		}
		putchar('\n');
	}
	return strcmp(state, "TERMINATED") == 0 ? CLI_FAILED : CLI_OK;
}

static bool negotiated(const json_t *n)
{
	return strcmp(text_of(n, "state"), "FINALIZED") == 0 ||
	       strcmp(text_of(n, "state"), "TERMINATED") == 0;
}

/* Until it has ended, or for WAIT_SECONDS; then it goes on without us. */
static int await_negotiation(struct cli *c, const char *who, const char *pid)
{
	char told[UNDER_WAY_TOLD] = "";
	struct reply r = {0};
	int status = CLI_OK;
	struct call wait = {
	    .method = "GET",
	    .path = client_path(c, "/participants/%s/negotiations/%s?wait=FINALIZED,TERMINATED&timeout=%d",
				who, path_word(c, pid, false), LOOK_SECONDS)};
	for (usec_t from = clock_mono(); !status && !negotiated(r.json);) {
		status = client_call(c, &wait, &r);
		if (status) return status;
		if (negotiated(r.json)) break;
		under_way_tell(c, r.json, told);
		if (clock_mono() - from < WAIT_SECONDS * USEC_PER_SEC) continue;
		(void)tell_negotiation(c, r.json);
		(void)fflush(stdout);
		print_error(c, say(SAY_STILL_WAITING), text_of(r.json, "state"), WAIT_SECONDS, pid,
			    c->node);
		return CLI_FAILED;
	}
	return tell_negotiation(c, r.json);
}

int command_negotiate(struct cli *c, int argc, char **argv)
{
	bool no_wait = false;
	const char *offer = NULL;
	struct words words;
	struct reply r;
	const struct option_row own[] = {{"offer", &offer, NULL}, {"no-wait", NULL, &no_wait}};
	int status = options_read(c, argc, argv, own, 2, &words);
	if (status) return status;
	if (words.n != 2) return words_wrong(c, &words, 2, words.n ? "DATASET" : "PROVIDER");
	const char *who = client_participant(c);
	if (!who) return CLI_USAGE;
	json_t *body = object_of("provider", words.word[0]);
	json_put_str(body, "dataset", str_of(words.word[1]));
	if (offer) json_put_str(body, "offer", str_of(offer));
	struct call start = {
	    .method = "POST", .path = client_path(c, "/participants/%s/negotiations", who), .json = body};
	status = client_call(c, &start, &r);
	if (status == CLI_NOT_FOUND && !c->json &&
	    (strcmp(text_of(r.json, "field"), "dataset") == 0 ||
	     strcmp(text_of(r.json, "field"), "offer") == 0))
		fprintf(stderr, say(SAY_HINT_OFFERED), words.word[0], c->node);
	if (status || no_wait) return status ? status : tell_negotiation(c, r.json);
	return await_negotiation(c, who, text_of(r.json, "pid"));
}

static void print_agreement(const json_t *a)
{
	printf("%s  %s  %s  %s\n", safe(text_of(a, "id")), safe(text_of(a, "role")),
	       safe(text_of(a, "state")), safe(text_of(a, "dataset")));
	printf("    %s %s\n", say(SAY_PARTNER), safe(text_of(a, "peer")));
}

static long long number_of(const json_t *j, const char *key)
{
	return (long long)json_integer_value(json_object_get(j, key));
}

static void print_meter(const json_t *m)
{
	const json_t *outside = json_object_get(m, "outside");

	printf(say(SAY_METER), safe(text_of(m, "agreement")), number_of(m, "transfers"),
	       number_of(m, "requests"), number_of(m, "octets"), text_of(m, "state"));
	if (outside) printf(say(SAY_METER_OUTSIDE), number_of(outside, "transfers"));
	if (outside && number_of(outside, "said"))
		printf(say(SAY_METER_SAID), number_of(outside, "said"), number_of(outside, "requests"),
		       number_of(outside, "octets"));
}

/* What was counted under agreements, by us and by the partner, and whether both have signed it. */
static int show_meters(struct cli *c, const char *who, const char *agreement)
{
	size_t i;
	json_t *m, *all;
	const char *path =
	    client_path(c, "/participants/%s/meters%s%s", who, agreement ? "?agreement=" : "",
			agreement ? path_word(c, agreement, false) : "");
	int status = client_list(c, path, "meters", &all);
	if (status) return status;
	if (c->json) {
		print_json(all);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(all, "meters"), i, m) print_meter(m);
	return CLI_OK;
}

int command_agreements(struct cli *c, int argc, char **argv)
{
	bool meters = false;
	struct words words;
	struct reply r;
	size_t i;
	json_t *a;
	const struct option_row own[] = {{"meters", NULL, &meters}};
	int status = options_read(c, argc, argv, own, 1, &words);
	if (status) return status;
	const char *who = client_participant(c);
	if (!who) return CLI_USAGE;
	if (words.n > 1) return usage_error(c, SAY_EXTRA_WORD, words.word[1]);
	if (meters) return show_meters(c, who, words.n ? words.word[0] : NULL);
	const char *path = words.n ? client_path(c, "/participants/%s/agreements/%s", who,
						 path_word(c, words.word[0], false))
				   : client_path(c, "/participants/%s/agreements", who);
	if (words.n)
		status = client_call(c, &(struct call){.method = "GET", .path = path}, &r);
	else
		status = client_list(c, path, "agreements", &r.json);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else if (words.n)
		print_json_pretty(r.json);
	else
		json_array_foreach(json_object_get(r.json, "agreements"), i, a) print_agreement(a);
	return CLI_OK;
}

int command_revoke(struct cli *c, int argc, char **argv)
{
	const char *reason = NULL;
	struct words words;
	struct reply r;
	const struct option_row own[] = {{"reason", &reason, NULL}};
	int status = options_read(c, argc, argv, own, 1, &words);
	if (status) return status;
	if (words.n != 1) return words_wrong(c, &words, 1, "AGREEMENT");
	const char *who = client_participant(c);
	if (!who) return CLI_USAGE;
	struct call call = {.method = "POST",
			    .path = client_path(c, "/participants/%s/agreements/%s/revoke", who,
						path_word(c, words.word[0], false)),
			    .json = object_of("reason", reason ? reason : "revoked by its owner")};
	status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else if (!c->quiet)
		printf(say(SAY_REVOKED), words.word[0]);
	return CLI_OK;
}
