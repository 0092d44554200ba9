/* kanhe delegate: a parent signs a prefix over to a child node. */
#include "tools/kanhe/client.h"

#include "base/clock.h"
#include "base/conf.h"

enum { YEARS_DEFAULT_DAYS = 365 };

static int list(struct cli *c)
{
	struct reply r;
	size_t i;
	json_t *d;
	int status = client_call(c, &(struct call){.method = "GET", .path = "/delegations"}, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(r.json, "delegations"), i, d)
	{
		print_safe(stdout, str_of(text_of(d, "prefix")));
		printf("  → ");
		print_safe(stdout, str_of(text_of(d, "did")));
		printf("  %s %s\n", say(SAY_UNTIL), text_of(d, "not_after"));
	}
	return CLI_OK;
}

json_t *delegation_of(const json_t *node, usec_t until)
{
	char text[CLOCK_TEXT];
	json_t *o = json_object(), *endpoints = json_array(), *e = json_object();
	const char *url = text_of(node, "url");
	json_put_str(o, "did", str_of(text_of(node, "did")));
	json_put(o, "keys", json_incref(json_object_get(node, "keys")));
	json_put_str(e, "protocol", strncmp(url, "https:", 6) == 0 ? STR("https") : STR("http"));
	json_put_str(e, "url", str_of(url));
	json_array_append_new(endpoints, e);
	json_put(o, "endpoints", endpoints);
	json_put_str(o, "not_after", str_of(clock_print(until, false, text)));
	return o;
}

int command_delegate(struct cli *c, int argc, char **argv)
{
	bool listing = false, withdraw = false;
	const char *to = NULL, *days_text = NULL;
	uint64_t days = YEARS_DEFAULT_DAYS;
	struct words words;
	struct reply child, r;
	const struct option_row own[] = {{"to", &to, NULL},
					 {"days", &days_text, NULL},
					 {"list", NULL, &listing},
					 {"withdraw", NULL, &withdraw}};
	int status = options_read(c, argc, argv, own, 4, &words);
	if (status) return status;
	if (listing) return list(c);
	if (!words.n) return usage_error(c, SAY_MISSING_WORD, "PREFIX");
	if (days_text && (str_u64(str_of(days_text), &days) || !days || days > 36500))
		return usage_error(c, SAY_NOT_DAYS, days_text);
	if (withdraw) {
		const char *path = client_path(c, "/delegations/%s", path_word(c, words.word[0], true));
		return client_call(c, &(struct call){.method = "DELETE", .path = path}, &r);
	}
	if (!to) return usage_error(c, SAY_MISSING_WORD, "--to CHILD");
	status = client_ask_node(c, to, &child);
	if (status) return status;
	for (size_t i = 0; i < words.n; i++) {
		char text[CLOCK_TEXT];
		usec_t now = clock_wall();
		struct call call = {.method = "POST",
				    .path = "/delegations",
				    .json = delegation_of(child.json, now + (usec_t)days * USEC_PER_DAY)};
		json_put_str(call.json, "prefix", str_of(words.word[i]));
		json_put_str(call.json, "not_before", str_of(clock_print(now, false, text)));
		status = client_call(c, &call, &r);
		if (status) return status;
		if (c->json)
			print_json(r.json);
		else if (!c->quiet)
			printf(say(SAY_DELEGATED), words.word[i], text_of(child.json, "name"),
			       text_of(child.json, "did"));
	}
	return CLI_OK;
}
