/* kanhe credential: verifiable credentials, issued and held. */
#include "tools/kanhe/credential.h"

#include <errno.h>

enum { FILE_MAX = 32 << 10 };

/* done: what happened to it, for people */
static int tell(const struct cli *c, const json_t *row, bool jwt, const char *done)
{
	if (c->json)
		print_json(row);
	else if (jwt)
		printf("%s\n", text_of(row, "jwt"));
	else if (!c->quiet)
		printf("%s  %s\n", text_of(row, "id"), done);
	return CLI_OK;
}

static int issue(struct cli *c, const struct words *w, const struct credential_options *o)
{
	uint64_t n = 0;
	struct reply r;
	json_t *claims, *body;

	if (w->n < 3) return usage_error(c, SAY_MISSING_WORD, w->n < 2 ? "SUBJECT" : "TYPE");
	if (o->days && str_u64(str_of(o->days), &n)) return usage_error(c, SAY_NOT_NUMBER, o->days);
	claims = credential_claims(c, w, 3);
	if (!claims) return CLI_USAGE;
	body = json_object();
	json_put_str(body, "subject", str_of(w->word[1]));
	json_put_str(body, "type", str_of(w->word[2]));
	json_put(body, "claims", claims);
	if (o->days) json_put_u64(body, "days", n);
	if (o->profile) json_put_str(body, "profile", str_of(o->profile));
	struct call call = {
	    .method = "POST", .path = client_path(c, "/participants/%s/credentials", o->who), .json = body};
	int status = client_call(c, &call, &r);
	return status ? status : tell(c, r.json, true, "");
}

static int add(struct cli *c, const struct words *w, bool unchecked, const char *who)
{
	char text[FILE_MAX];
	struct reply r;
	FILE *in;
	size_t n;

	if (w->n != 2) return words_wrong(c, w, 2, "FILE");
	in = strcmp(w->word[1], "-") == 0 ? stdin : fopen(w->word[1], "re");
	if (!in) {
		print_error(c, say(SAY_CANNOT_READ), w->word[1], strerror(errno));
		return CLI_FAILED;
	}
	n = fread(text, 1, sizeof text, in);
	if (in != stdin) fclose(in);
	json_t *body = json_object();
	json_put_str(body, "jwt", str_trim(str_n(text, n)));
	if (unchecked) json_put(body, "unchecked", json_true());
	struct call call = {
	    .method = "POST", .path = client_path(c, "/participants/%s/wallet", who), .json = body};
	int status = client_call(c, &call, &r);
	return status ? status
		      : tell(c, r.json, false,
			     say(unchecked ? SAY_CREDENTIAL_HELD_UNVERIFIED : SAY_CREDENTIAL_HELD));
}

/* What stands against one that is held: its own column, in the reader's language. */
static const char *status_said(const json_t *row)
{
	static const struct {
		const char *status;
		enum say said;
	} all[] = {{"revoked", SAY_CREDENTIAL_REVOKED},
		   {"suspended", SAY_CREDENTIAL_SUSPENDED},
		   {"expired", SAY_CREDENTIAL_EXPIRED}};
	struct str status = json_text(json_object_get(row, "status"));

	if (json_object_get(row, "revoked")) status = STR("revoked");
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (str_is(status, all[i].status)) return say(all[i].said);
	return json_object_get(row, "unchecked") ? say(SAY_CREDENTIAL_UNCHECKED) : "";
}

static void print_rows(const json_t *all, const char *kind)
{
	size_t i;
	json_t *row;

	json_array_foreach(all, i, row)
	{
		const json_t *types = json_object_get(row, "type");
		struct str type = json_text(json_is_array(types) ? json_array_get(types, 0) : types);

		printf("%s  %s  ", kind, text_of(row, "id"));
		print_safe(stdout, type);
		printf("  ");
		print_safe(stdout, str_of(text_of(row, json_is_array(types) ? "issuer" : "subject")));
		printf("%s%s", status_said(row)[0] ? "  " : "", status_said(row));
		if (json_object_get(row, "unverified")) printf("  %s", say(SAY_CREDENTIAL_UNVERIFIED));
		if (json_object_get(row, "unchecked")) {
			printf(": ");
			print_safe(stdout, str_of(text_of(row, "unchecked")));
		}
		printf("\n");
	}
}

static int list(struct cli *c, const char *who)
{
	struct reply r;
	struct call call = {.method = "GET", .path = client_path(c, "/participants/%s/credentials", who)};
	int status = client_call(c, &call, &r);

	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	print_rows(json_object_get(r.json, "held"), say(SAY_CREDENTIAL_HELD));
	print_rows(json_object_get(r.json, "issued"), say(SAY_CREDENTIAL_ISSUED));
	return CLI_OK;
}

static int revoke(struct cli *c, const struct words *w, const char *who)
{
	struct reply r;

	if (w->n != 2) return words_wrong(c, w, 2, "ID");
	struct call call = {.method = "POST",
			    .path = client_path(c, "/participants/%s/credentials/%s/revoke", who,
						path_word(c, w->word[1], false)),
			    .json = json_object()};
	int status = client_call(c, &call, &r);
	return status ? status : tell(c, r.json, false, say(SAY_CREDENTIAL_REVOKED));
}

static int take_out(struct cli *c, const struct words *w, const char *who)
{
	struct reply r;

	if (w->n != 2) return words_wrong(c, w, 2, "ID");
	struct call call = {
	    .method = "DELETE",
	    .path = client_path(c, "/participants/%s/wallet/%s", who, path_word(c, w->word[1], false))};
	int status = client_call(c, &call, &r);
	return status ? status : tell(c, r.json, false, say(SAY_CREDENTIAL_TAKEN));
}

int command_credential(struct cli *c, int argc, char **argv)
{
	static const char verbs[] =
	    "issue|add|remove|list|revoke|type|offer|offers|request|requests|approve|decline|client|"
	    "trust|distrust";
	struct credential_options o = {NULL};
	struct words words;
	const struct option_row own[] = {{"days", &o.days, NULL},      {"id", &o.id, NULL},
					 {"reason", &o.reason, NULL},  {"profile", &o.profile, NULL},
					 {"open", NULL, &o.open},      {"unchecked", NULL, &o.unchecked},
					 {"no-wait", NULL, &o.no_wait}};
	int status = options_read(c, argc, argv, own, sizeof own / sizeof *own, &words);
	if (status) return status;
	const char *verb = words.n ? words.word[0] : "";
	if (!verb[0]) return usage_error(c, SAY_MISSING_WORD, verbs);
	const char *who = o.who = client_participant(c);
	if (!who) return CLI_USAGE;
	if (strcmp(verb, "issue") == 0) return issue(c, &words, &o);
	if (strcmp(verb, "add") == 0) return add(c, &words, o.unchecked, who);
	if (strcmp(verb, "list") == 0)
		return words.n > 1 ? words_wrong(c, &words, 1, "list") : list(c, who);
	if (strcmp(verb, "remove") == 0) return take_out(c, &words, who);
	if (strcmp(verb, "revoke") == 0) return revoke(c, &words, who);
	status = credential_issuance(c, &words, &o);
	return status >= 0 ? status : verb_error(c, verb, verbs);
}
