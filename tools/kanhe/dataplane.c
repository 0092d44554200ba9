/* kanhe dataplane: which outside control planes the node's data plane serves, and their data flows; which
 * outside data planes move data for us. */
#include "proto/dps/message.h"
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

enum listing { LIST_FLOWS, LIST_DATA };

static int list(struct cli *c, const char *who, enum listing what)
{
	static const struct {
		const char *key;
		size_t words;
	} kinds[] = {{"dataflows", 7}, {"dataplanes", 4}};
	static const char *const data[] = {"dataplaneId", "endpoint", "registered", "by"};
	static const char *const flow[] = {"dataFlowId", "state",  "controlplaneId", "dataset",
					   "profile",    "reason", "error"};
	const char *key = kinds[what].key;
	json_t *all, *one;
	size_t i;
	int status = client_list(c, client_path(c, "/participants/%s/%s", who, key), key, &all);

	if (status) return status;
	if (c->json) {
		print_json(all);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(all, key), i, one)
	    print_words(one, what == LIST_FLOWS ? flow : data, kinds[what].words);
	return CLI_OK;
}

/* What has been let in and what has been registered: who made one of them looks for it here. */
static int list_both(struct cli *c, const char *who)
{
	static const char *const control[] = {"controlplaneId", "endpoint", "admitted", "by"};
	static const char *const data[] = {"dataplaneId", "endpoint", "registered", "by"};
	json_t *of_control, *of_data, *one;
	size_t i;
	int status = client_list(c, client_path(c, "/participants/%s/controlplanes", who), "controlplanes",
				 &of_control);

	if (!status)
		status = client_list(c, client_path(c, "/participants/%s/dataplanes", who), "dataplanes",
				     &of_data);
	if (status) return status;
	if (c->json) {
		json_put(of_control, "dataplanes", json_incref(json_object_get(of_data, "dataplanes")));
		print_json(of_control);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(of_control, "controlplanes"), i, one)
	{
		printf("%s  ", say(SAY_CONTROL_PLANE));
		print_words(one, control, 4);
	}
	json_array_foreach(json_object_get(of_data, "dataplanes"), i, one)
	{
		printf("%s  ", say(SAY_DATA_PLANE));
		print_words(one, data, 4);
	}
	return CLI_OK;
}

/* Enrols the other side with what the members say of it, and shows its credential. */
static int put_plane(struct cli *c, const char *who, const char *kind, json_t *members)
{
	static const char *const keys[] = {"credential"};
	struct call call = {
	    .method = "PUT", .path = client_path(c, "/participants/%s/%s", who, kind), .json = members};
	struct reply r;
	int status;

	json_put(members, "authorization", json_object());
	status = client_call(c, &call, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else
		print_words(r.json, keys, 1);
	return CLI_OK;
}

static int admit(struct cli *c, const char *who, const char *id, const char *url)
{
	json_t *o = json_object();

	json_put_str(o, "controlplaneId", str_of(id));
	json_put_str(o, "endpoint", str_of(url));
	return put_plane(c, who, "controlplanes", o);
}

static json_t *words_of(const char *list)
{
	struct str rest = str_of(list), one;
	json_t *all = json_array();

	while (rest.n && str_split(&rest, ',', &one))
		if (str_trim(one).n)
			json_array_append_new(all, json_stringn(str_trim(one).p, str_trim(one).n));
	return all;
}

static int enrol(struct cli *c, const char *who, const char *id, const char *url, const char *profiles)
{
	json_t *o = json_object();

	json_put_str(o, "dataplaneId", str_of(id));
	json_put_str(o, "endpoint", str_of(url));
	json_put(o, "profiles", words_of(profiles ? profiles : DPS_PROFILE_PULL "," DPS_PROFILE_PUSH));
	return put_plane(c, who, "dataplanes", o);
}

static int leave(struct cli *c, const char *who, const char *kind, const char *id)
{
	struct call call = {
	    .method = "DELETE",
	    .path = client_path(c, "/participants/%s/%s/%s", who, kind, path_word(c, id, false))};
	struct reply r;
	int status = client_call(c, &call, &r);

	if (!status && c->json && r.json) print_json(r.json);
	return status;
}

/* What a flow brought. */
static int fetch(struct cli *c, const char *who, const char *flow, const char *to)
{
	struct call call = {
	    .method = "GET",
	    .path = client_path(c, "/participants/%s/dataflows/%s/content", who, path_word(c, flow, false)),
	    .accept = "*/*",
	    .to_file = to ? to : "-",
	    .deadline = INT64_C(600000000)};
	struct reply r;

	return client_call(c, &call, &r);
}

enum verb {
	VERB_LIST,
	VERB_ADMIT,
	VERB_DISMISS,
	VERB_FLOWS,
	VERB_REGISTER,
	VERB_REMOVE,
	VERB_PLANES,
	VERB_CONTENT,
	VERBS
};
#define VERB_NAMES "list|admit|dismiss|flows|content|register|remove|planes"

/* name, words with it, what is missing otherwise */
static const struct {
	const char *name;
	size_t words;
	const char *missing;
} verbs[VERBS] = {{"list", 1, VERB_NAMES},   {"admit", 3, "ID URL"},    {"dismiss", 2, "ID"},
		  {"flows", 1, VERB_NAMES},  {"register", 3, "ID URL"}, {"remove", 2, "ID"},
		  {"planes", 1, VERB_NAMES}, {"content", 2, "FLOW"}};

int command_dataplane(struct cli *c, int argc, char **argv)
{
	const char *profiles = NULL, *to = NULL, *who;
	const struct option_row own[] = {{"profiles", &profiles, NULL}, {"to", &to, NULL}};
	struct words w;
	int status = options_read(c, argc, argv, own, 2, &w);
	size_t v = 0;

	if (status) return status;
	if (!w.n) w.word[w.n++] = "list";
	while (v < VERBS && strcmp(w.word[0], verbs[v].name) != 0) v++;
	if (v == VERBS) return verb_error(c, w.word[0], VERB_NAMES);
	if (w.n != verbs[v].words) return words_wrong(c, &w, verbs[v].words, verbs[v].missing);
	if (profiles && v != VERB_REGISTER) return usage_error(c, SAY_MISSING_WORD, "register");
	if (to && v != VERB_CONTENT) return usage_error(c, SAY_MISSING_WORD, "content");
	who = client_participant(c);
	if (!who) return CLI_USAGE;
	switch ((enum verb)v) {
	case VERB_ADMIT: return admit(c, who, w.word[1], w.word[2]);
	case VERB_DISMISS: return leave(c, who, "controlplanes", w.word[1]);
	case VERB_REGISTER: return enrol(c, who, w.word[1], w.word[2], profiles);
	case VERB_REMOVE: return leave(c, who, "dataplanes", w.word[1]);
	case VERB_FLOWS: return list(c, who, LIST_FLOWS);
	case VERB_PLANES: return list(c, who, LIST_DATA);
	case VERB_CONTENT: return fetch(c, who, w.word[1], to);
	default: return list_both(c, who);
	}
}
