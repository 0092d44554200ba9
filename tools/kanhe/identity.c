/* kanhe identity: applications that log in to China's interfaces: a credential, and a record with name and
 * key. */
#include "base/text64.h"
#include "proto/doip/doip.h"
#include "tools/kanhe/client.h"

enum { KEY_FILE_MAX = 64 << 10, INDEX_NAME = 1, INDEX_COMPANY = 2, INDEX_KEY = 300 };

struct about {
	const char *key, *name, *company, *expires, *revision; /* NULL: not told */
};

/* Name of the credential (resolver/session.h) and scope: what lies directly under its prefix. */
struct names {
	const char *handle, *credential, *scope;
};

static int names_of(struct cli *c, const char *handle, struct names *ret)
{
	const char *slash = strchr(handle, '/');
	if (!slash || slash == handle || !slash[1]) return usage_error(c, SAY_MISSING_WORD, "PREFIX/NAME");
	struct str prefix = str_n(handle, (size_t)(slash - handle));
	*ret = (struct names){handle, client_path(c, "%s@%.*s", slash + 1, STR_ARG(prefix)),
			      client_path(c, "%.*s/", STR_ARG(prefix))};
	return CLI_OK;
}

static void put_value(json_t *list, uint64_t index, const char *type, const char *format, struct str text)
{
	json_t *v = json_object(), *data = json_object();
	json_put_u64(v, "index", index);
	json_put_str(v, "type", str_of(type));
	json_put_str(data, "format", str_of(format));
	json_put_str(data, "value", text);
	json_put(v, "data", data);
	must(!json_array_append_new(list, v));
}

static int put_key(struct cli *c, const char *file, json_t *list)
{
	struct str pem, value;
	struct doip_key key;
	int status = file_read(c, file, KEY_FILE_MAX, &pem);
	if (status) return status;
	if (doip_key_pem_read(c->arena, pem, &key)) {
		print_error(c, say(SAY_IDENTITY_KEY), file);
		return CLI_FAILED;
	}
	value = doip_key_write(c->arena, &key);
	put_value(list, INDEX_KEY, "HS_PUBKEY", "base64", base64_write(c->arena, value));
	return CLI_OK;
}

static int record_of(struct cli *c, const struct about *about, json_t **ret)
{
	json_t *o = json_object(), *list = json_array();
	json_put(o, "values", list);
	if (about->name) put_value(list, INDEX_NAME, "NAME", "string", str_of(about->name));
	if (about->company) put_value(list, INDEX_COMPANY, "COMPANY", "string", str_of(about->company));
	int status = about->key ? put_key(c, about->key, list) : CLI_OK;
	if (status)
		json_decref(o);
	else
		*ret = o;
	return status;
}

static int withdraw(struct cli *c, const struct names *n)
{
	struct reply r;
	struct call call = {.method = "DELETE",
			    .path = client_path(c, "/credentials/%s", path_word(c, n->credential, false)),
			    .token = "operator"};
	return client_call(c, &call, &r);
}

static int add(struct cli *c, const struct names *n, const struct about *about)
{
	struct reply r, record;
	json_t *values = NULL, *o = json_object();
	int status = record_of(c, about, &values);
	if (status) {
		json_decref(o);
		return status;
	}
	json_put_str(o, "name", str_of(n->credential));
	json_put_str(o, "roles", STR("enterprise"));
	json_put_str(o, "scope", str_of(n->scope));
	if (about->expires) json_put_str(o, "expires", str_of(about->expires));
	struct call grant = {.method = "POST", .path = "/credentials", .json = o, .token = "operator"};
	status = client_call(c, &grant, &r);
	if (status) {
		json_decref(values);
		return status;
	}
	struct call put = {.method = "PUT",
			   .path = client_path(c, "/registry/%s", path_word(c, n->handle, true)),
			   .json = values,
			   .if_match = about->revision,
			   .if_absent = !about->revision};
	status = client_call(c, &put, &record);
	if (status) {
		withdraw(c, n); /* nothing is left of what failed */
		return status;
	}
	if (c->json) {
		json_put_str(r.json, "handle", str_of(n->handle));
		print_json(r.json);
	} else {
		printf("%s\n", text_of(r.json, "token"));
	}
	return CLI_OK;
}

static int remove_one(struct cli *c, const struct names *n)
{
	struct reply r;
	int status = withdraw(c, n);
	if (status) return status;
	struct call retire = {.method = "DELETE",
			      .path = client_path(c, "/registry/%s", path_word(c, n->handle, true))};
	status = client_call(c, &retire, &r);
	if (!status && !c->quiet && !c->json) printf(say(SAY_IDENTITY_GONE), n->handle);
	return status;
}

int command_identity(struct cli *c, int argc, char **argv)
{
	struct about about = {NULL, NULL, NULL, NULL, NULL};
	const struct option_row own[] = {{"key", &about.key, NULL},
					 {"name", &about.name, NULL},
					 {"company", &about.company, NULL},
					 {"expires", &about.expires, NULL},
					 {"if-revision", &about.revision, NULL}};
	struct words w;
	struct names n;
	int status = options_read(c, argc, argv, own, 5, &w);
	if (status) return status;
	bool adds = w.n && strcmp(w.word[0], "add") == 0;
	if (!adds && (!w.n || strcmp(w.word[0], "remove") != 0))
		return verb_error(c, w.n ? w.word[0] : "", "add|remove");
	if (w.n != 2) return words_wrong(c, &w, 2, "PREFIX/NAME");
	status = names_of(c, w.word[1], &n);
	if (status) return status;
	return adds ? add(c, &n, &about) : remove_one(c, &n);
}
