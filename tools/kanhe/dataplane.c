/* kanhe dataplane: which outside control planes the node's data plane serves, and their data flows. */
#include "tools/kanhe/client.h"

static void print_words(const json_t *o, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!text_of(o, keys[i])[0]) continue;
		if (i) printf("  ");
		print_safe(stdout, str_of(text_of(o, keys[i])));
	}
	putchar('\n');
}

static int list(struct cli *c, const char *who, bool flows)
{
	static const char *const plane[] = {"controlplaneId", "endpoint", "admitted", "by"};
	static const char *const flow[] = {"dataFlowId", "state",  "controlplaneId", "dataset",
					   "profile",    "reason", "error"};
	const char *key = flows ? "dataflows" : "controlplanes";
	json_t *all, *one;
	size_t i;
	int status = client_list(c, client_path(c, "/participants/%s/%s", who, key), key, &all);

	if (status) return status;
	if (c->json) {
		print_json(all);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(all, key), i, one)
	    print_words(one, flows ? flow : plane, flows ? 7 : 4);
	return CLI_OK;
}

static int admit(struct cli *c, const char *who, const char *id, const char *url)
{
	static const char *const keys[] = {"credential"};
	struct call call = {.method = "PUT", .path = client_path(c, "/participants/%s/controlplanes", who)};
	struct reply r;
	int status;

	call.json = json_object();
	json_put_str(call.json, "controlplaneId", str_of(id));
	json_put_str(call.json, "endpoint", str_of(url));
	json_put(call.json, "authorization", json_object());
	status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else
		print_words(r.json, keys, 1);
	return CLI_OK;
}

static int dismiss(struct cli *c, const char *who, const char *id)
{
	struct call call = {
	    .method = "DELETE",
	    .path = client_path(c, "/participants/%s/controlplanes/%s", who, path_word(c, id, false))};
	struct reply r;
	int status = client_call(c, &call, &r);

	if (!status && c->json) print_json(r.json);
	return status;
}

int command_dataplane(struct cli *c, int argc, char **argv)
{
	struct words w;
	int status = options_read(c, argc, argv, NULL, 0, &w);
	const char *verb, *who;

	if (status) return status;
	verb = w.n ? w.word[0] : "list";
	bool adds = strcmp(verb, "admit") == 0, removes = strcmp(verb, "dismiss") == 0;
	bool lists = strcmp(verb, "list") == 0, flows = strcmp(verb, "flows") == 0;
	if (!adds && !removes && !lists && !flows)
		return usage_error(c, SAY_MISSING_WORD, "admit|list|dismiss|flows");
	if (adds && w.n != 3) return usage_error(c, SAY_MISSING_WORD, "ID URL");
	if (removes && w.n != 2) return usage_error(c, SAY_MISSING_WORD, "ID");
	if (!adds && !removes && w.n > 1)
		return usage_error(c, SAY_MISSING_WORD, "admit|list|dismiss|flows");
	who = client_participant(c);
	if (!who) return CLI_USAGE;
	if (adds) return admit(c, who, w.word[1], w.word[2]);
	return removes ? dismiss(c, who, w.word[1]) : list(c, who, flows);
}
