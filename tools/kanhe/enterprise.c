/* kanhe enterprise: applications, decisions and lists. */
#include "tools/kanhe/enterprise.h"

#include "base/sign.h"

static int need(const struct cli *c, const struct words *w, size_t n, const char *what)
{
	if (w->n <= n) return usage_error(c, SAY_MISSING_WORD, what);
	return CLI_OK;
}

static json_t *contact_of(const struct enterprise_options *o)
{
	json_t *contact = json_object();
	put_text_option(contact, "person", o->person);
	put_text_option(contact, "phone", o->phone);
	put_text_option(contact, "email", o->email);
	return contact;
}

/* A key as text, or the file that holds it. */
static int key_text(struct cli *c, const char *key, char out[SIGN_MULTIBASE])
{
	if (strncmp(key, "z6Mk", 4) != 0) return enterprise_public_key(c, key, out);
	snprintf(out, SIGN_MULTIBASE, "%s", key);
	return CLI_OK;
}

static int apply(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	char key[SIGN_MULTIBASE];
	struct reply r;
	int status = need(c, w, 2, "CODE NAME");
	if (!status && o->key) status = key_text(c, o->key, key);
	if (status) return status;
	json_t *body = json_object();
	json_put_str(body, "code", str_of(w->word[1]));
	json_put_str(body, "name", str_of(w->word[2]));
	json_put(body, "contact", contact_of(o));
	put_text_option(body, "prefix", o->prefix);
	if (o->key) put_text_option(body, "key", key);
	status = enterprise_call(c, "POST", "", o->open ? "applications" : "", body, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else if (!c->quiet)
		printf(say(SAY_ENTERPRISE_APPLIED), text_of(r.json, "code"));
	return CLI_OK;
}

static int list(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	json_t *all;
	const json_t *x;
	size_t i;
	if (w->n > 1) return usage_error(c, SAY_EXTRA_WORD, w->word[1]);
	const char *path = o->state ? client_path(c, "/enterprises?state=%s", path_word(c, o->state, false))
				    : "/enterprises";
	int status = client_list(c, path, "enterprises", &all);
	if (status) return status;
	if (c->json)
		print_json(all);
	else
		json_array_foreach(json_object_get(all, "enterprises"), i, x) enterprise_print_line(x);
	return CLI_OK;
}

static int number_of(const struct cli *c, const char *text, json_t *body, const char *key)
{
	uint64_t n;
	if (str_u64(str_of(text), &n)) return usage_error(c, SAY_NOT_NUMBER, text);
	json_put_u64(body, key, n);
	return CLI_OK;
}

static json_t *allocation_of(const struct enterprise_options *o)
{
	json_t *body = json_object();
	put_text_option(body, "prefix", o->prefix);
	put_text_option(body, "under", o->under);
	if (o->adopt) json_put(body, "adopt", json_true());
	if (o->whole) json_put(body, "whole", json_true());
	return body;
}

static int approve(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	char key[SIGN_MULTIBASE];
	int status = need(c, w, 1, "CODE");
	if (!status && !o->review) status = usage_error(c, SAY_MISSING_WORD, "--review TEXT");
	if (!status && o->key) status = key_text(c, o->key, key);
	if (status) return status;
	json_t *body = allocation_of(o);
	if (o->key) put_text_option(body, "key", key);
	put_text_option(body, "review", o->review);
	if (o->quota) status = number_of(c, o->quota, body, "quota");
	if (!status) return enterprise_show(c, "POST", w->word[1], "approve", body);
	json_decref(body);
	return status;
}

/* reject, suspend, close: with a reason. */
static int end(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	int status = need(c, w, 1, "CODE");
	if (!status && !o->reason) status = usage_error(c, SAY_MISSING_WORD, "--reason TEXT");
	if (status) return status;
	json_t *body = json_object();
	put_text_option(body, "reason", o->reason);
	if (o->no_resolve) json_put(body, "resolve", json_false());
	return enterprise_show(c, "POST", w->word[1], w->word[0], body);
}

static int reinstate(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	(void)o;
	int status = need(c, w, 1, "CODE");
	return status ? status : enterprise_show(c, "POST", w->word[1], "reinstate", json_object());
}

static int show(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	(void)o;
	int status = need(c, w, 1, "CODE");
	return status ? status : enterprise_show(c, "GET", w->word[1], "", NULL);
}

static int prefix(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	int status = need(c, w, 1, "CODE");
	if (!status && o->release && !o->prefix)
		status = usage_error(c, SAY_MISSING_WORD, "--prefix PREFIX");
	if (status) return status;
	if (!o->release) return enterprise_show(c, "POST", w->word[1], "prefixes", allocation_of(o));
	return enterprise_show(c, "DELETE", w->word[1],
			       client_path(c, "prefixes/%s", path_word(c, o->prefix, true)), NULL);
}

static int quota(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	(void)o;
	int status = need(c, w, 2, "CODE IDENTIFIERS");
	if (status) return status;
	json_t *body = json_object();
	status = number_of(c, w->word[2], body, "identifiers");
	if (!status) return enterprise_show(c, "PUT", w->word[1], "quota", body);
	json_decref(body);
	return status;
}

static int contact(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	int status = need(c, w, 1, "CODE");
	if (status) return status;
	json_t *body = json_object();
	json_put(body, "contact", contact_of(o));
	return enterprise_show(c, "PATCH", w->word[1], "", body);
}

/* What the entry is about, beside its kind: entries repeat what else is known of the enterprise. */
static void print_matter(const json_t *e)
{
	static const struct {
		const char *kind, *member;
	} matters[] = {
	    {"enterprise.approved", "review"},          {"enterprise.rejected", "reason"},
	    {"enterprise.suspended", "reason"},         {"enterprise.closed", "reason"},
	    {"enterprise.handed-over", "node"},         {"enterprise.prefix-allocated", "prefixes"},
	    {"enterprise.prefix-released", "prefixes"}, {"enterprise.exported", "records_sha256"}};
	for (size_t i = 0; i < sizeof matters / sizeof *matters; i++)
		if (strcmp(text_of(e, "kind"), matters[i].kind) == 0)
			print_safe(stdout, str_of(text_of(e, matters[i].member)));
	if (strcmp(text_of(e, "kind"), "enterprise.quota") == 0)
		printf("%lld", (long long)json_integer_value(json_object_get(e, "quota")));
}

static int history(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	json_t *all;
	const json_t *x;
	size_t i;
	(void)o;
	int status = need(c, w, 1, "CODE");
	if (status) return status;
	const char *path = client_path(c, "/enterprises/%s/history", path_word(c, w->word[1], false));
	status = client_list(c, path, "history", &all);
	if (status) return status;
	if (c->json) {
		print_json(all);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(all, "history"), i, x)
	{
		const json_t *e = json_object_get(x, "entry");
		printf("%-8lld %s  %-28s ", (long long)json_integer_value(json_object_get(x, "index")),
		       text_of(e, "time"), text_of(e, "kind"));
		print_safe(stdout, str_of(text_of(e, "who")));
		printf("  ");
		print_matter(e);
		putchar('\n');
	}
	return CLI_OK;
}

/* ---- the table -------------------------------------------------------------------------- */

typedef int verb_fn(struct cli *c, const struct words *w, const struct enterprise_options *o);

/* word, function */
#define VERBS(X)                                                                                           \
	X("apply", apply)                                                                                  \
	X("list", list)                                                                                    \
	X("show", show)                                                                                    \
	X("approve", approve)                                                                              \
	X("reject", end)                                                                                   \
	X("suspend", end)                                                                                  \
	X("reinstate", reinstate)                                                                          \
	X("hand-over", enterprise_hand_over)                                                               \
	X("close", end)                                                                                    \
	X("prefix", prefix)                                                                                \
	X("quota", quota)                                                                                  \
	X("contact", contact)                                                                              \
	X("account", enterprise_account)                                                                   \
	X("key", enterprise_keys)                                                                          \
	X("prove", enterprise_prove)                                                                       \
	X("export", enterprise_export)                                                                     \
	X("dossier", enterprise_dossier)                                                                   \
	X("verify", enterprise_verify)                                                                     \
	X("take-over", enterprise_take_over)                                                               \
	X("history", history)

static const struct {
	const char *word;
	verb_fn *run;
} verbs[] = {
#define X(word, run) {word, run},
    VERBS(X)
#undef X
};
enum { VERBS_N = sizeof verbs / sizeof *verbs };

#define X(word, run) "|" word
static const char verb_names[] = VERBS(X); /* behind a | each */
#undef X

int command_enterprise(struct cli *c, int argc, char **argv)
{
	struct enterprise_options o = {.person = NULL};
	struct words w;
	const struct option_row own[] = {{"person", &o.person, NULL},   {"phone", &o.phone, NULL},
					 {"email", &o.email, NULL},     {"prefix", &o.prefix, NULL},
					 {"under", &o.under, NULL},     {"key", &o.key, NULL},
					 {"review", &o.review, NULL},   {"reason", &o.reason, NULL},
					 {"quota", &o.quota, NULL},     {"state", &o.state, NULL},
					 {"to", &o.to, NULL},           {"days", &o.days, NULL},
					 {"scope", &o.scope, NULL},     {"rights", &o.rights, NULL},
					 {"expires", &o.expires, NULL}, {"out", &o.out, NULL},
					 {"from", &o.from, NULL},       {"adopt", NULL, &o.adopt},
					 {"whole", NULL, &o.whole},     {"no-resolve", NULL, &o.no_resolve},
					 {"public", NULL, &o.open},     {"release", NULL, &o.release}};
	int status = options_read(c, argc, argv, own, sizeof own / sizeof *own, &w);
	if (status) return status;
	const char *word = w.n ? w.word[0] : "";
	for (size_t i = 0; i < VERBS_N; i++)
		if (strcmp(word, verbs[i].word) == 0) return verbs[i].run(c, &w, &o);
	return verb_error(c, word, verb_names + 1);
}
