/* kanhe enterprise take-over: an enterprise of another node is admitted here, with all that its dossier
 * has. Each step is left out where it is done already: after whatever went wrong the same command goes on.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/text64.h"
#include "resolver/dossier.h"
#include "tools/kanhe/enterprise.h"

struct taking {
	struct cli *cli;
	const char *folder, *code;
	const struct dossier *d;
	json_t *there; /* the enterprise at this node; NULL: none yet */
};

static const char *prefix_text(struct taking *t, size_t i)
{
	struct id_prefix p;
	must(!id_prefix_from_key(t->cli->arena, t->d->x.prefixes[i], NULL, &p));
	return arena_strdup(t->cli->arena, p.text);
}

static bool has_prefix(const json_t *x, const char *prefix)
{
	size_t i;
	const json_t *p;
	json_array_foreach(json_object_get(x, "prefixes"), i, p)
	{
		if (strcmp(json_string_value(p), prefix) == 0) return true;
	}
	return false;
}

static void put_key(json_t *body, const struct enterprise *x)
{
	char key[SIGN_MULTIBASE];
	if (!x->has_key) return;
	sign_public_multibase(x->key, key);
	json_put_str(body, "key", str_of(key));
}

static int call_there(struct taking *t, const char *method, const char *rest, json_t *body)
{
	struct reply r;
	int status = enterprise_call(t->cli, method, t->code, rest, body, &r);
	if (!status && json_object_get(r.json, "prefixes")) t->there = r.json;
	return status;
}

static int apply(struct taking *t)
{
	const struct enterprise *x = &t->d->x;
	struct reply r;
	json_t *body = json_object(), *contact = json_object();
	json_put_str(body, "code", enterprise_code(x));
	json_put_str(body, "name", x->name);
	json_put_str(contact, "person", x->person);
	if (x->phone.n) json_put_str(contact, "phone", x->phone);
	if (x->email.n) json_put_str(contact, "email", x->email);
	json_put(body, "contact", contact);
	json_put_str(body, "prefix", str_of(prefix_text(t, 0)));
	put_key(body, x);
	return enterprise_call(t->cli, "POST", "", "", body, &r);
}

/* No quota until its records are in: they were registered under that of the other node. */
static int approve(struct taking *t)
{
	const struct dossier *d = t->d;
	json_t *body = json_object();
	struct str review =
	    arena_printf(t->cli->arena, "taken over from %.*s, its ledger of %llu entries: %.*s",
			 STR_ARG(d->node), (unsigned long long)d->tree_size, STR_ARG(d->x.review));
	json_put_str(body, "review", str_first(review, ENTERPRISE_TEXT_MAX));
	json_put_str(body, "prefix", str_of(prefix_text(t, 0)));
	json_put(body, "whole", json_true());
	json_put_u64(body, "quota", 0);
	put_key(body, &d->x);
	return call_there(t, "POST", "approve", body);
}

/* As far as it has not been done by an earlier call. */
static int admit(struct taking *t)
{
	struct reply r;
	const char *path = client_path(t->cli, "/enterprises/%s", t->code);
	struct call call = {.method = "GET", .path = path, .quiet_errors = true};
	int status = client_call(t->cli, &call, &r);
	if (status && r.status != 404) return r.status ? client_problem(t->cli, &r) : status;
	const char *state = status ? "" : text_of(r.json, "state");
	t->there = status ? NULL : r.json;
	status = CLI_OK;
	if (strcmp(state, "approved") != 0) {
		if (strcmp(state, "applied") != 0) status = apply(t);
		if (!status) status = approve(t);
	}
	for (size_t i = 0; i < t->d->x.prefixes_n && !status; i++) {
		const char *prefix = prefix_text(t, i);
		if (has_prefix(t->there, prefix)) continue;
		json_t *body = json_object();
		json_put_str(body, "prefix", str_of(prefix));
		json_put(body, "whole", json_true());
		status = call_there(t, "POST", "prefixes", body);
	}
	return status;
}

static int put_template(struct cli *c, struct str line)
{
	json_t *j;
	struct reply r;
	if (json_read_large(c->arena, line, NULL, &j)) return CLI_FAILED;
	const char *prefix = path_word(c, text_of(j, "prefix"), false);
	const char *version = text_of(j, "version");
	const char *path = version[0]
			       ? client_path(c, "/templates/%s/%s", prefix, path_word(c, version, false))
			       : client_path(c, "/classifications/%s", prefix);
	return client_call(c, &(struct call){.method = "PUT", .path = path, .json = json_incref(j)}, &r);
}

static int put_templates(struct taking *t)
{
	struct cli *c = t->cli;
	const char *file = dossier_file(c, t->folder, "templates.ndjson");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int status = CLI_OK;
	FILE *f = fopen(file, "re");
	while (f && !status && (n = getline(&line, &room, f)) > 0) {
		struct arena_mark mark = arena_mark(c->arena);
		status = put_template(c, str_n(line, (size_t)n));
		arena_rollback(c->arena, mark);
	}
	free(line);
	if (f) fclose(f);
	return status;
}

/* The import has a name of its own, so that the same command goes on with it. */
static int import_records(struct taking *t)
{
	char hex[2 * HASH_SHA256 + 1] = {0};
	hex_write(t->d->records.sha256, HASH_SHA256, hex);
	struct str name = arena_printf(t->cli->arena, "%s-%.12s", t->code, hex);
	must(name.p != NULL);
	char *argv[] = {
	    arena_strdup(t->cli->arena, STR("import")),
	    arena_strdup(t->cli->arena, str_of(dossier_file(t->cli, t->folder, "records.ndjson"))),
	    arena_strdup(t->cli->arena, STR("--name")), arena_strdup(t->cli->arena, name), NULL};
	return command_import(t->cli, 4, argv);
}

static int set_quota(struct taking *t)
{
	if (!t->d->x.quota) return CLI_OK;
	json_t *body = json_object();
	json_put_u64(body, "identifiers", t->d->x.quota);
	return call_there(t, "PUT", "quota", body);
}

static int take_over(struct cli *c, const char *folder, const struct dossier *d, bool known)
{
	struct taking t = {.cli = c, .folder = folder, .d = d};
	if (!d->x.prefixes_n) return dossier_refuse(c, folder, say(SAY_DOSSIER_EMPTY));
	t.code = arena_strdup(c->arena, enterprise_code(&d->x));
	if (!c->json && !c->quiet) dossier_tell(c, d, known);
	int status = client_open(c);
	if (!status) status = admit(&t);
	if (!status) status = put_templates(&t);
	if (!status) status = import_records(&t);
	return status ? status : set_quota(&t);
}

int enterprise_take_over(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	struct dossier d;
	bool known;
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "FOLDER");
	if (w->n < 3 && !o->from) return usage_error(c, SAY_MISSING_WORD, "--from NODE | DID=KEY");
	struct arena *a = dossier_arena();
	int status = dossier_check(c, w, o, a, &d, &known);
	if (!status) status = take_over(c, w->word[1], &d, known);
	arena_free(a);
	return status;
}
