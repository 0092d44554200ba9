/* kanhe credential type|offer|request|approve|decline|client|trust: issuance between nodes, the token
 * service, whom to believe. */
#include "tools/kanhe/credential.h"

enum { WAIT_SECONDS = 25 };

static void print_types(const json_t *row)
{
	const json_t *types = json_object_get(row, "types"), *t;
	size_t i;

	if (json_is_string(json_object_get(row, "type"))) print_safe(stdout, str_of(text_of(row, "type")));
	json_array_foreach(types, i, t)
	{
		if (i) printf(",");
		print_safe(stdout, json_text(t));
	}
}

static void print_row(const json_t *row, const char *kind, const char *partner)
{
	const char *status = text_of(row, "status");

	printf("%s  %s%s%s  ", kind, text_of(row, "id"), status[0] ? "  " : "", status);
	print_types(row);
	printf("  ");
	print_safe(stdout, str_of(text_of(row, partner)));
	if (json_object_get(row, "reason")) {
		printf("  ");
		print_said(stdout, text_of(row, "reason"));
	}
	printf("\n");
}

static int tell(struct cli *c, const json_t *j, const char *what)
{
	if (c->json)
		print_json(j);
	else if (!c->quiet)
		printf("%s %s\n", text_of(j, "id"), what);
	return CLI_OK;
}

static int get(struct cli *c, const char *path, struct reply *r)
{
	struct call call = {.method = "GET", .path = path};

	return client_call(c, &call, r);
}

static int post(struct cli *c, const char *path, json_t *body, struct reply *r)
{
	struct call call = {.method = "POST", .path = path, .json = body};

	return client_call(c, &call, r);
}

/* Each of the rows that the answer has under that name, by `print`; or all of it, as JSON. */
static int list_rows(struct cli *c, const char *path, const char *name, void (*print)(const json_t *row))
{
	struct reply r;
	json_t *row;
	size_t i;
	int status = get(c, path, &r);

	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(r.json, name), i, row)
	{
		print(row);
	}
	return CLI_OK;
}

/* Someone, and the types that it is about: all words from that one on. */
static json_t *body_of(const char *name, const char *value, const struct words *w, size_t from)
{
	json_t *body = json_object(), *types = json_array();

	for (size_t i = from; i < w->n; i++) json_array_append_new(types, json_string(w->word[i]));
	json_put_str(body, name, str_of(value));
	json_put(body, "types", types);
	return body;
}

json_t *credential_claims(const struct cli *c, const struct words *w, size_t i)
{
	json_t *claims = json_object();

	for (; i < w->n; i++) {
		struct str s = str_of(w->word[i]);
		size_t at = str_find(s, '=');
		char name[128];

		if (!at || at == s.n || at >= sizeof name) {
			json_decref(claims);
			(void)usage_error(c, SAY_NOT_PAIR, safe(w->word[i]));
			return NULL;
		}
		memcpy(name, s.p, at);
		name[at] = 0;
		if (json_object_get(claims, name)) {
			json_decref(claims);
			(void)usage_error(c, SAY_PAIR_TWICE, safe(name));
			return NULL;
		}
		json_put_str(claims, name, str_skip(s, at + 1));
	}
	return claims;
}

/* ---- types ---- */

static int type_add(struct cli *c, const struct words *w, const struct credential_options *o)
{
	uint64_t days;
	struct reply r;
	json_t *body, *claims;

	if (w->n < 3) return usage_error(c, SAY_MISSING_WORD, "TYPE");
	if (o->days && str_u64(str_of(o->days), &days)) return usage_error(c, SAY_NOT_NUMBER, o->days);
	claims = credential_claims(c, w, 3);
	if (!claims) return CLI_USAGE;
	body = json_object();
	json_put_str(body, "type", str_of(w->word[2]));
	json_put(body, "claims", claims);
	json_put(body, "open", json_boolean(o->open));
	if (o->id) json_put_str(body, "id", str_of(o->id));
	if (o->days) json_put_u64(body, "days", days);
	if (o->profile) json_put_str(body, "profile", str_of(o->profile));
	int status = post(c, client_path(c, "/participants/%s/credential-types", o->who), body, &r);
	return status ? status : tell(c, r.json, text_of(r.json, "type"));
}

static void print_type(const json_t *row)
{
	printf("%s  ", text_of(row, "id"));
	print_types(row);
	printf("  %s", text_of(row, "profile"));
	if (json_is_true(json_object_get(row, "open"))) printf("  %s", say(SAY_CREDENTIAL_OPEN));
	printf("\n");
}

static int type_list(struct cli *c, const char *who)
{
	return list_rows(c, client_path(c, "/participants/%s/credential-types", who), "types", print_type);
}

static int remove_one(struct cli *c, const struct words *w, const char *what, const char *who)
{
	struct reply r;

	if (w->n != 3) return words_wrong(c, w, 3, "ID");
	struct call call = {
	    .method = "DELETE",
	    .path = client_path(c, "/participants/%s/%s/%s", who, what, path_word(c, w->word[2], false))};
	return client_call(c, &call, &r);
}

static int type(struct cli *c, const struct words *w, const struct credential_options *o)
{
	const char *verb = w->n > 1 ? w->word[1] : "list";

	if (strcmp(verb, "add") == 0) return type_add(c, w, o);
	if (strcmp(verb, "list") == 0) return type_list(c, o->who);
	if (strcmp(verb, "remove") == 0) return remove_one(c, w, "credential-types", o->who);
	return verb_error(c, verb, "add|list|remove");
}

/* ---- offers ---- */

static int offer(struct cli *c, const struct words *w, const struct credential_options *o)
{
	struct reply r;
	json_t *body, *claims;

	if (w->n < 3) return usage_error(c, SAY_MISSING_WORD, w->n < 2 ? "HOLDER" : "TYPE");
	claims = credential_claims(c, w, 3);
	if (!claims) return CLI_USAGE;
	body = json_object();
	json_put_str(body, "holder", str_of(w->word[1]));
	json_put_str(body, "type", str_of(w->word[2]));
	json_put(body, "claims", claims);
	int status = post(c, client_path(c, "/participants/%s/credential-offers", o->who), body, &r);
	return status ? status : tell(c, r.json, text_of(r.json, "type"));
}

static void print_all(const json_t *all, const char *kind, const char *partner)
{
	const json_t *row;
	size_t i;

	json_array_foreach(all, i, row)
	{
		print_row(row, kind, partner);
	}
}

static int two_lists(struct cli *c, const char *path, const char *const names[2],
		     const char *const partners[2], const char *const kinds[2])
{
	struct reply r;
	int status = get(c, path, &r);

	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	for (int i = 0; i < 2; i++) print_all(json_object_get(r.json, names[i]), kinds[i], partners[i]);
	return CLI_OK;
}

static int offers(struct cli *c, const char *who)
{
	const char *const names[] = {"made", "received"}, *const partners[] = {"holder", "issuer"};
	const char *const kinds[] = {say(SAY_CREDENTIAL_MADE), say(SAY_CREDENTIAL_RECEIVED)};

	return two_lists(c, client_path(c, "/participants/%s/credential-offers", who), names, partners,
			 kinds);
}

/* ---- requests ---- */

static int requests(struct cli *c, const char *who)
{
	const char *const names[] = {"asked", "received"}, *const partners[] = {"issuer", "holder"};
	const char *const kinds[] = {say(SAY_CREDENTIAL_ASKED), say(SAY_CREDENTIAL_RECEIVED)};

	return two_lists(c, client_path(c, "/participants/%s/credential-requests", who), names, partners,
			 kinds);
}

static bool same_type(const json_t *held, const json_t *types)
{
	const json_t *type;
	size_t i, k;
	const json_t *one;

	json_array_foreach(types, i, type)
	{
		json_array_foreach(json_object_get(held, "type"), k, one)
		{
			if (json_equal(one, type)) return true;
		}
	}
	return false;
}

/* All that are held are shown, and one that was revoked closes doors beside a good one. */
static int tell_older(struct cli *c, const struct credential_options *o, const json_t *row)
{
	const json_t *held, *types = json_object_get(row, "types");
	struct str issuer = str_of(text_of(row, "issuer"));
	struct reply r;
	size_t i, n = 0;
	int status = get(c, client_path(c, "/participants/%s/credentials", o->who), &r);

	if (status) return status;
	for (int pass = 0; pass < 2; pass++) {
		json_array_foreach(json_object_get(r.json, "held"), i, held)
		{
			if (!str_is(issuer, text_of(held, "issuer")) || !same_type(held, types) ||
			    json_object_get(held, "status")) /* not presented anyway */
				continue;
			if (pass && n > 1) fprintf(stderr, "  %s\n", safe(text_of(held, "id")));
			if (!pass) n++;
		}
		if (!pass && n > 1) fprintf(stderr, "%s\n", say(SAY_CREDENTIAL_OLDER));
	}
	return CLI_OK;
}

static int told(struct cli *c, const struct credential_options *o, const json_t *row)
{
	const char *s = text_of(row, "status");
	bool bad = strcmp(s, "REJECTED") == 0 || strcmp(s, "FAILED") == 0;

	if (c->json)
		print_json(row);
	else if (!c->quiet)
		print_row(row, say(SAY_CREDENTIAL_ASKED), "issuer");
	if (!bad && strcmp(s, "ISSUED") != 0 && !c->quiet && !c->json)
		fprintf(stderr, "%s\n", say(SAY_CREDENTIAL_WAITS));
	if (!strcmp(s, "ISSUED") && !c->quiet && !c->json) return tell_older(c, o, row);
	return bad ? CLI_FAILED : CLI_OK;
}

static int request(struct cli *c, const struct words *w, const struct credential_options *o)
{
	json_t *body;
	struct reply r;

	if (w->n < 3) return usage_error(c, SAY_MISSING_WORD, w->n < 2 ? "ISSUER" : "TYPE");
	body = body_of("issuer", w->word[1], w, 2);
	if (o->id) json_put_str(body, "id", str_of(o->id));
	int status = post(c, client_path(c, "/participants/%s/credential-requests", o->who), body, &r);
	if (status || o->no_wait) return status ? status : told(c, o, r.json);
	status =
	    get(c,
		client_path(c, "/participants/%s/credential-requests/%s?wait=RECEIVED,ISSUED&timeout=%d",
			    o->who, path_word(c, text_of(r.json, "id"), false), WAIT_SECONDS),
		&r);
	/* issuers that decide by themselves say so, or say nothing: then for a moment */
	const char *said = text_of(r.json, "issuerStatus");
	bool comes = strcmp(said, "ISSUED") == 0;
	if (!status && strcmp(text_of(r.json, "status"), "RECEIVED") == 0 && (comes || !said[0]))
		status = get(
		    c,
		    client_path(c, "/participants/%s/credential-requests/%s?wait=ISSUED&timeout=%d", o->who,
				path_word(c, text_of(r.json, "id"), false), comes ? WAIT_SECONDS : 2),
		    &r);
	return status ? status : told(c, o, r.json);
}

static int decide(struct cli *c, const struct words *w, const struct credential_options *o, bool yes)
{
	struct reply r;
	json_t *body;

	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "ID");
	body = json_object();
	if (yes) {
		json_t *claims = credential_claims(c, w, 2);

		if (!claims) return CLI_USAGE;
		json_put(body, "claims", claims);
	} else if (o->reason) {
		json_put_str(body, "reason", str_of(o->reason));
	}
	int status = post(c,
			  client_path(c, "/participants/%s/credential-requests/%s/%s", o->who,
				      path_word(c, w->word[1], false), yes ? "approve" : "decline"),
			  body, &r);
	return status ? status : tell(c, r.json, text_of(r.json, "status"));
}

/* ---- clients of the token service ---- */

static int client_add(struct cli *c, const struct words *w, const char *who)
{
	struct reply r;

	if (w->n < 3) return usage_error(c, SAY_MISSING_WORD, "NAME");
	int status = post(c, client_path(c, "/participants/%s/token-clients", who),
			  body_of("client_id", w->word[2], w, 3), &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else
		printf("%s\n", text_of(r.json, "client_secret"));
	if (!c->quiet && !c->json)
		fprintf(stderr, say(SAY_CREDENTIAL_CLIENT), text_of(r.json, "token_url"));
	return CLI_OK;
}

static void print_client(const json_t *row)
{
	printf("%s  ", text_of(row, "client_id"));
	print_types(row);
	printf("\n");
}

static int client(struct cli *c, const struct words *w, const char *who)
{
	const char *verb = w->n > 1 ? w->word[1] : "list";

	if (strcmp(verb, "add") == 0) return client_add(c, w, who);
	if (strcmp(verb, "remove") == 0) return remove_one(c, w, "token-clients", who);
	if (strcmp(verb, "list") != 0) return verb_error(c, verb, "add|list|remove");
	return list_rows(c, client_path(c, "/participants/%s/token-clients", who), "clients", print_client);
}

/* ---- whom we trust ---- */

static void print_issuer(const json_t *row)
{
	printf("%s  ", text_of(row, "issuer"));
	print_types(row);
	printf("\n");
}

static int trust(struct cli *c, const struct words *w, const char *who)
{
	const char *path = client_path(c, "/participants/%s/trusted-issuers", who);
	struct reply r;

	return w->n > 1 ? post(c, path, body_of("issuer", w->word[1], w, 2), &r)
			: list_rows(c, path, "issuers", print_issuer);
}

static int distrust(struct cli *c, const struct words *w, const char *who)
{
	struct reply r;

	if (w->n != 2) return words_wrong(c, w, 2, "ISSUER");
	struct call call = {.method = "DELETE",
			    .path = client_path(c, "/participants/%s/trusted-issuers/%s", who,
						path_word(c, w->word[1], false))};
	return client_call(c, &call, &r);
}

int credential_issuance(struct cli *c, const struct words *w, const struct credential_options *o)
{
	const char *verb = w->word[0];

	if (strcmp(verb, "type") == 0) return type(c, w, o);
	if (strcmp(verb, "offer") == 0) return offer(c, w, o);
	if (strcmp(verb, "offers") == 0) return offers(c, o->who);
	if (strcmp(verb, "request") == 0) return request(c, w, o);
	if (strcmp(verb, "requests") == 0) return requests(c, o->who);
	if (strcmp(verb, "approve") == 0) return decide(c, w, o, true);
	if (strcmp(verb, "decline") == 0) return decide(c, w, o, false);
	if (strcmp(verb, "client") == 0) return client(c, w, o->who);
	if (strcmp(verb, "trust") == 0) return trust(c, w, o->who);
	if (strcmp(verb, "distrust") == 0) return distrust(c, w, o->who);
	return -1;
}
