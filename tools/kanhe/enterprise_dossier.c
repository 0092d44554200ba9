/* kanhe enterprise dossier, verify: a folder with all that an enterprise has, from one node to
 * another:
 *   records.ndjson    series and records under its prefixes, retired ones too (kanhe import)
 *   templates.ndjson  metadata templates and classes of its prefixes, one a line
 *   dossier.json      what the node says of the enterprise, with the proof from its ledger, digests of the
 *                     two files included (resolver/dossier.h) */
#include <errno.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/retell.h"
#include "base/text64.h"
#include "resolver/dossier.h"
#include "tools/kanhe/enterprise.h"

enum { VERIFY_ARENA = 8 * DOSSIER_SIZE_MAX };

const char *dossier_file(struct cli *c, const char *folder, const char *name)
{
	struct str s = arena_printf(c->arena, "%s/%s", folder, name);
	must(s.p != NULL);
	return s.p;
}

/* ---- files ------------------------------------------------------------------------------ */

static int digest_file(struct cli *c, const char *file, struct enterprise_file *ret)
{
	char piece[1 << 16];
	size_t n;
	struct enterprise_file x = {.lines = 0};
	struct hash *h = hash_new();
	FILE *f = h ? fopen(file, "re") : NULL;
	bool ok = f != NULL;
	while (ok && (n = fread(piece, 1, sizeof piece, f)) > 0) {
		hash_add(h, str_n(piece, n));
		for (size_t i = 0; i < n; i++) x.lines += piece[i] == '\n';
	}
	ok = ok && !ferror(f);
	if (!ok) print_error(c, say(SAY_CANNOT_READ), file, strerror(errno));
	if (ok) hash_finish(h, x.sha256);
	if (f) fclose(f);
	hash_free(h);
	if (ok) *ret = x;
	return ok ? CLI_OK : CLI_FAILED;
}

static void put_file(json_t *o, const char *name, const struct enterprise_file *x)
{
	char hex[2 * HASH_SHA256];
	json_t *file = json_object();
	hex_write(x->sha256, sizeof x->sha256, hex);
	json_put_u64(file, "lines", x->lines);
	json_put_str(file, "sha256", str_n(hex, sizeof hex));
	json_put(o, name, file);
}

static int write_line(FILE *f, const json_t *o)
{
	return json_dumpf(o, f, JSON_COMPACT | JSON_SORT_KEYS) || fputc('\n', f) < 0 ? CLI_FAILED : CLI_OK;
}

/* ---- making one ------------------------------------------------------------------------- */

/* What a template says of itself, without what its node adds. */
static int write_template(struct cli *c, const json_t *listed, FILE *f)
{
	static const char *const added[] = {"base",     "revision", "creator", "created",
					    "modified", "uses",     "series"};
	struct reply r;
	const char *path =
	    client_path(c, "/templates/%s/%s", path_word(c, text_of(listed, "prefix"), false),
			path_word(c, text_of(listed, "version"), false));
	int status = client_call(c, &(struct call){.method = "GET", .path = path}, &r);
	if (status) return status;
	for (size_t i = 0; i < sizeof added / sizeof *added; i++) json_object_del(r.json, added[i]);
	return write_line(f, r.json);
}

static int write_classes(struct cli *c, const char *prefix, FILE *f)
{
	struct reply r;
	const char *path = client_path(c, "/classifications/%s", path_word(c, prefix, false));
	int status = client_call(c, &(struct call){.method = "GET", .path = path}, &r);
	if (status || !json_array_size(json_object_get(r.json, "classes"))) return status;
	return write_line(f, r.json);
}

static int write_prefix(struct cli *c, const char *prefix, FILE *f)
{
	json_t *all;
	const json_t *x;
	size_t i;
	const char *path = client_path(c, "/templates?prefix=%s", path_word(c, prefix, false));
	int status = write_classes(c, prefix, f);
	if (!status) status = client_list(c, path, "templates", &all);
	if (status) return status;
	json_array_foreach(json_object_get(all, "templates"), i, x)
	{
		struct arena_mark mark = arena_mark(c->arena);
		status = write_template(c, x, f);
		arena_rollback(c->arena, mark);
		if (status) return status;
	}
	return CLI_OK;
}

static int write_templates(struct cli *c, const json_t *prefixes, const char *file)
{
	size_t i;
	const json_t *p;
	int status = CLI_OK;
	FILE *f = fopen(file, "we");
	json_array_foreach(prefixes, i, p)
	{
		if (f && !status) status = write_prefix(c, json_string_value(p), f);
	}
	if (f && !fclose(f)) return status;
	print_error(c, say(SAY_CANNOT_WRITE), file, strerror(errno));
	return CLI_FAILED;
}

int enterprise_dossier(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	struct enterprise_file records, templates;
	struct reply r;
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "CODE");
	if (!o->out) return usage_error(c, SAY_MISSING_WORD, "--out FOLDER");
	int status = enterprise_call(c, "GET", w->word[1], "", NULL, &r);
	if (status) return status;
	umask(077); /* it tells how people are reached */
	if (mkdir(o->out, 0700) && errno != EEXIST) {
		print_error(c, say(SAY_CANNOT_WRITE), o->out, strerror(errno));
		return CLI_FAILED;
	}
	const char *records_file = dossier_file(c, o->out, "records.ndjson");
	const char *templates_file = dossier_file(c, o->out, "templates.ndjson");
	status = write_templates(c, json_object_get(r.json, "prefixes"), templates_file);
	if (!status) status = enterprise_records(c, w->word[1], records_file);
	if (!status) status = digest_file(c, records_file, &records);
	if (!status) status = digest_file(c, templates_file, &templates);
	if (status) return status;
	json_t *body = json_object();
	put_file(body, "records", &records);
	put_file(body, "templates", &templates);
	struct call call = {.method = "POST",
			    .path =
				client_path(c, "/enterprises/%s/dossier", path_word(c, w->word[1], false)),
			    .json = body,
			    .to_file = dossier_file(c, o->out, "dossier.json")};
	status = client_call(c, &call, &r);
	if (!status && !c->quiet)
		fprintf(stderr, say(SAY_DOSSIER_WRITTEN), o->out, (unsigned long long)records.lines,
			(unsigned long long)templates.lines);
	return status;
}

/* ---- checking one ----------------------------------------------------------------------- */

/* The key that the words or the node named give; *ret_known false: none is known. */
static int known_key(struct cli *c, const struct words *w, const struct enterprise_options *o,
		     unsigned char ret[SIGN_PUBLIC], struct str *ret_did, bool *ret_known)
{
	struct reply r;
	bool pair = o->from && strncmp(o->from, "did:", 4) == 0; /* no folder of that name is meant */
	*ret_known = w->n > 2 || o->from;
	if (w->n > 2 || pair) {
		struct str s = str_of(pair ? o->from : w->word[2]);
		size_t equals = str_rfind(s, '=');
		if (equals == s.n || sign_public_parse(str_skip(s, equals + 1), ret))
			return usage_error(c, SAY_NOT_DID_KEY, s.p);
		*ret_did = str_first(s, equals);
	} else if (o->from) {
		int status = client_ask_node(c, o->from, &r);
		if (status) return status;
		const json_t *key = json_array_get(json_object_get(r.json, "keys"), 0);
		if (sign_public_parse(json_text(key), ret)) return usage_error(c, SAY_NOT_DID_KEY, o->from);
		*ret_did = str_of(text_of(r.json, "did"));
	}
	return CLI_OK;
}

int dossier_refuse(struct cli *c, const char *folder, const char *why)
{
	print_error(c, say(SAY_DOSSIER_BAD), folder, why);
	return CLI_BOGUS;
}

static bool same_file(const struct enterprise_file *a, const struct enterprise_file *b)
{
	return a->lines == b->lines && memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0;
}

static int check_file(struct cli *c, const char *folder, const char *name,
		      const struct enterprise_file *want)
{
	struct enterprise_file has;
	int status = digest_file(c, dossier_file(c, folder, name), &has);
	if (status || same_file(&has, want)) return status;
	return dossier_refuse(c, dossier_file(c, folder, name), say(SAY_DOSSIER_FILE));
}

struct arena *dossier_arena(void)
{
	struct arena *a = arena_new(VERIFY_ARENA);
	must(a != NULL);
	return a;
}

int dossier_check(struct cli *c, const struct words *w, const struct enterprise_options *o, struct arena *a,
		  struct dossier *ret, bool *ret_known)
{
	unsigned char key[SIGN_PUBLIC];
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct str text, did = STR_NONE;
	const char *folder = w->word[1];
	int status = known_key(c, w, o, key, &did, ret_known);
	if (!status)
		status = file_read(c, dossier_file(c, folder, "dossier.json"), DOSSIER_SIZE_MAX, &text);
	if (status) return status;
	enum err e = dossier_verify(a, text, *ret_known ? key : NULL, &f, ret);
	if (e == ERR_NO_MEMORY) return CLI_FAILED;
	if (e)
		return dossier_refuse(c, folder,
				      arena_strdup(c->arena, retell_flaw(say_language(), c->arena, &f)));
	if (*ret_known && !str_eq(did, ret->node)) return dossier_refuse(c, folder, say(SAY_DOSSIER_NODE));
	status = check_file(c, folder, "records.ndjson", &ret->records);
	return status ? status : check_file(c, folder, "templates.ndjson", &ret->templates);
}

void dossier_tell(struct cli *c, const struct dossier *d, bool known)
{
	char key[SIGN_MULTIBASE];
	sign_public_multibase(d->key, key);
	if (c->json) {
		json_t *o = json_object();
		json_put(o, "verified", json_true());
		json_put(o, "key_known", json_boolean(known));
		json_put_str(o, "code", enterprise_code(&d->x));
		json_put_str(o, "name", d->x.name);
		json_put_str(o, "node", d->node);
		json_put_str(o, "key", str_of(key));
		json_put_u64(o, "entries", d->entries);
		json_put_u64(o, "tree_size", d->tree_size);
		json_put_str(o, "exported", d->exported);
		put_file(o, "records", &d->records);
		put_file(o, "templates", &d->templates);
		print_json(o);
		json_decref(o);
		return;
	}
	printf(say(SAY_DOSSIER_GOOD), STR_ARG(enterprise_code(&d->x)), STR_ARG(d->x.name), STR_ARG(d->node),
	       d->entries, (unsigned long long)d->tree_size, (unsigned long long)d->records.lines);
	if (!known) printf(say(SAY_DOSSIER_UNKNOWN_KEY), key);
}

int enterprise_verify(struct cli *c, const struct words *w, const struct enterprise_options *o)
{
	struct dossier d;
	bool known;
	if (w->n < 2) return usage_error(c, SAY_MISSING_WORD, "FOLDER");
	struct arena *a = dossier_arena();
	int status = dossier_check(c, w, o, a, &d, &known);
	if (!status) dossier_tell(c, &d, known);
	arena_free(a);
	return status;
}
