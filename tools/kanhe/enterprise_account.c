/* kanhe enterprise account, key, prove: credentials of an enterprise and the key that gives them. */
#include "tools/kanhe/enterprise.h"

#include <errno.h>

#include "base/sign.h"
#include "base/text64.h"
#include "resolver/proof.h"

enum { PROOF_ARENA = 16 * 1024 };

/* ---- accounts --------------------------------------------------------------------------- */

/* A token is shown once: to a private file with --out, else alone on a line. */
static int give_token(struct cli *c, const char *out, const struct reply *r)
{
	const char *token = text_of(r->json, "token");
	if (out && token_write(c, out, token)) return CLI_FAILED;
	if (c->json)
		print_json(r->json);
	else if (!out)
		printf("%s\n", token);
	else if (!c->quiet)
		printf(say(SAY_ENTERPRISE_TOKEN), out, text_of(r->json, "scope"),
		       text_of(r->json, "rights"));
	return CLI_OK;
}

static int add(struct cli *c, const char *code, const char *label, const struct enterprise_options *o)
{
	struct reply r;
	if (o->days) return usage_error(c, SAY_DAYS_NOT_HERE, "--expires DATE");
	json_t *body = json_object();
	json_put_str(body, "label", str_of(label));
	put_text_option(body, "scope", o->scope);
	put_text_option(body, "rights", o->rights);
	put_text_option(body, "expires", o->expires);
	int status = enterprise_call(c, "POST", code, "accounts", body, &r);
	return status ? status : give_token(c, o->out, &r);
}

static int list(struct cli *c, const char *code)
{
	struct reply r;
	size_t i;
	const json_t *x;
	int status = enterprise_call(c, "GET", code, "accounts", NULL, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(r.json, "accounts"), i, x)
	{
		printf("%-20s %-18s ", text_of(x, "label"), text_of(x, "rights"));
		print_safe(stdout, str_of(text_of(x, "scope")));
		printf("  %s %s\n", text_of(x, "by"), text_of(x, "expires"));
	}
	return CLI_OK;
}

int enterprise_account(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	struct reply r;
	const char *verb = w->n > 1 ? w->word[1] : "";
	bool adds = strcmp(verb, "add") == 0, revokes = strcmp(verb, "revoke") == 0;
	if (!adds && !revokes && strcmp(verb, "list") != 0) return verb_error(c, verb, "add|list|revoke");
	if (w->n < 3) return usage_error(c, SAY_MISSING_WORD, "CODE");
	if (!adds && !revokes) return list(c, w->word[2]);
	if (w->n < 4) return usage_error(c, SAY_MISSING_WORD, "LABEL");
	if (adds) return add(c, w->word[2], w->word[3], o);
	const char *rest = client_path(c, "accounts/%s", path_word(c, w->word[3], false));
	return enterprise_call(c, "DELETE", w->word[2], rest, NULL, &r);
}

/* ---- keys ------------------------------------------------------------------------------- */

static int tell(const struct cli *c, const char *file, const struct flaw *f)
{
	if (strncmp(f->text, file, strlen(file)) == 0) /* most say which file by themselves */
		print_error(c, "%s", f->text);
	else
		print_error(c, "%s: %s", file, f->text);
	return CLI_FAILED;
}

static int open_key(struct cli *c, const char *file, struct sign_key **ret)
{
	struct flaw f = {0};
	struct sign_lock lock = {.unlock_file = client_path(c, "%s.unlock", file)};
	return sign_key_load(file, &lock, &f, ret) ? tell(c, file, &f) : CLI_OK;
}

int enterprise_public_key(struct cli *c, const char *file, char out[SIGN_MULTIBASE])
{
	struct sign_key *k;
	int status = open_key(c, file, &k);
	if (status) return status;
	sign_public_multibase(sign_public(k), out);
	sign_key_free(k);
	return CLI_OK;
}

static int make_key(struct cli *c, const char *file)
{
	char text[SIGN_MULTIBASE];
	struct flaw f = {0};
	struct sign_lock lock = {.unlock_file = client_path(c, "%s.unlock", file)};
	struct sign_key *k = sign_key_new();
	enum err e = k ? sign_unlock_file_make(lock.unlock_file, &f) : ERR_NO_MEMORY;
	if (!e) e = sign_key_save(k, file, &lock, &f);
	if (!e) sign_public_multibase(sign_public(k), text);
	sign_key_free(k);
	if (e) return tell(c, file, &f);
	if (c->json)
		printf("{\"key\":\"%s\"}\n", text);
	else
		printf("%s\n", text);
	return CLI_OK;
}

/* A body with a fresh challenge and its answer. */
static int answer_challenge(struct cli *c, const char *code, const char *file, json_t *body)
{
	unsigned char sig[SIGN_SIGNATURE];
	char text[SIGN_MULTIBASE];
	struct sign_key *k;
	struct reply r;
	int status = open_key(c, file, &k);
	if (status) return status;
	status = enterprise_call(c, "POST", code, "challenge", NULL, &r);
	if (!status) {
		/* the node knows the code in capitals */
		char *upper = arena_strdup(c->arena, str_of(code));
		must(upper != NULL);
		for (char *p = upper; *p; p++)
			if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 32);
		struct str challenge = str_of(text_of(r.json, "challenge"));
		struct str message =
		    proof_message(c->arena, str_of(text_of(r.json, "did")), str_of(upper), challenge);
		must(message.p != NULL);
		sign_make(k, PROOF_CONTEXT, message, sig);
		json_put_str(body, "challenge", challenge);
		json_put_str(body, "signature", base64url_write(c->arena, str_n(sig, sizeof sig)));
		sign_public_multibase(sign_public(k), text);
		json_put_str(body, "key", str_of(text));
	}
	sign_key_free(k);
	return status;
}

int enterprise_keys(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	struct reply r;
	const char *verb = w->n > 1 ? w->word[1] : "";
	if (strcmp(verb, "new") == 0)
		return w->n < 3 ? usage_error(c, SAY_MISSING_WORD, "FILE") : make_key(c, w->word[2]);
	if (strcmp(verb, "set") != 0) return verb_error(c, verb, "new|set");
	if (w->n < 3) return usage_error(c, SAY_MISSING_WORD, "CODE");
	if (!o->key) return usage_error(c, SAY_MISSING_WORD, "--key FILE");
	json_t *body = json_object();
	int status = answer_challenge(c, w->word[2], o->key, body);
	if (status) {
		json_decref(body);
		return status;
	}
	status = enterprise_call(c, "PUT", w->word[2], "key", body, &r);
	if (!status && c->json) print_json(r.json);
	return status;
}

int enterprise_prove(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	struct reply r;
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "CODE");
	if (!o->key) return usage_error(c, SAY_MISSING_WORD, "--key FILE");
	json_t *body = json_object();
	int status = answer_challenge(c, w->word[1], o->key, body);
	if (status) {
		json_decref(body);
		return status;
	}
	json_object_del(body, "key");
	status = enterprise_call(c, "POST", w->word[1], "proof", body, &r);
	return status ? status : give_token(c, o->out, &r);
}
