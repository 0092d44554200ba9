/* kanhe publish: a file becomes a dataset with an offer. */
#include "tools/kanhe/client.h"

#include <sys/stat.h>

#include "base/clock.h"

enum { POLICY_MAX = 64 * 1024 };

struct publishing {
	const char *id, *title, *description, *media_type, *policy, *count, *until, *purpose, *identifiers,
	    *meta, *keywords, *license, *version, *plane;
	bool approval, no_approval, non_finite, append;
};

static json_t *constraint(const char *left, const char *op, json_t *right)
{
	json_t *o = json_object();
	json_put_str(o, "leftOperand", str_of(left));
	json_put_str(o, "operator", str_of(op));
	json_put(o, "rightOperand", right);
	return o;
}

/* The usual policy from --count, --until and --purpose. */
static json_t *policy_of_options(const struct publishing *p)
{
	json_t *policy = json_object(), *permissions = json_array(), *permission = json_object(),
	       *all = json_array();
	/* right operands are strings in the Dataspace Protocol's schemas, numbers too */
	if (p->count) json_array_append_new(all, constraint("count", "lteq", json_string(p->count)));
	if (p->until) json_array_append_new(all, constraint("dateTime", "lteq", json_string(p->until)));
	if (p->purpose) json_array_append_new(all, constraint("purpose", "eq", json_string(p->purpose)));
	json_put_str(permission, "action", STR("use"));
	if (json_array_size(all))
		json_put(permission, "constraint", all);
	else
		json_decref(all);
	json_array_append_new(permissions, permission);
	json_put(policy, "permission", permissions);
	return policy;
}

static int check_options(const struct cli *c, const struct publishing *p)
{
	uint64_t n;
	usec_t t;
	if (p->approval && p->no_approval) return usage_error(c, SAY_NOT_BOTH, "--approval, --no-approval");
	if (p->policy && (p->count || p->until || p->purpose))
		return usage_error(c, SAY_POLICY_TWICE, p->policy);
	if (p->count && str_u64(str_of(p->count), &n)) return usage_error(c, SAY_NOT_NUMBER, p->count);
	if (p->until && clock_parse(str_of(p->until), &t)) return usage_error(c, SAY_NOT_DATE, p->until);
	return CLI_OK;
}

/* NULL: it stays as it is. */
static int read_policy(struct cli *c, const struct publishing *p, bool known, json_t **ret)
{
	if (p->policy) return file_json(c, p->policy, POLICY_MAX, ret);
	*ret = known && !p->count && !p->until && !p->purpose ? NULL : policy_of_options(p);
	return CLI_OK;
}

/* Whether the dataset is there, with a policy: what is not named of it then stays. */
static int known_before(struct cli *c, const char *at, bool *ret)
{
	struct reply r;
	struct call look = {.method = "GET", .path = at, .quiet_errors = true};
	int status = client_call(c, &look, &r);
	*ret = !status && json_object_get(r.json, "policy");
	if (!status || r.status == 404) return CLI_OK;
	look.quiet_errors = false;
	return client_call(c, &look, &r);
}

static void words_put(json_t *o, const char *key, const char *list)
{
	struct str rest = str_of(list), one;
	json_t *all = json_array();
	while (rest.n && str_split(&rest, ',', &one))
		if (str_trim(one).n)
			json_array_append_new(all, json_stringn(str_trim(one).p, str_trim(one).n));
	json_put(o, key, all);
}

/* Options go before the file's members. */
static int add_meta(struct cli *c, const struct publishing *p, json_t *o)
{
	json_t *meta;
	if (p->keywords) words_put(o, "keywords", p->keywords);
	if (p->license) json_put_str(o, "license", str_of(p->license));
	if (p->version) json_put_str(o, "version", str_of(p->version));
	if (!p->meta) return CLI_OK;
	int status = file_json(c, p->meta, JSON_SIZE_MAX, &meta);
	if (status) return status;
	if (!p->title && json_object_get(meta, "title")) json_object_del(o, "title");
	if (!p->description && json_object_get(meta, "description")) json_object_del(o, "description");
	json_object_update_missing(o, meta);
	json_decref(meta);
	return CLI_OK;
}

/* What is named; of a dataset that is new also what it has without being named. policy: stolen, may be
 * NULL. */
static json_t *description_of(const struct publishing *p, const char *file, bool known, json_t *policy)
{
	json_t *o = json_object(), *ids = json_array();
	struct str rest = str_of(p->identifiers ? p->identifiers : ""), id;
	const char *slash = strrchr(file, '/');
	if (p->title || !known)
		json_put_str(o, "title", str_of(p->title ? p->title : slash ? slash + 1 : file));
	if (p->description || !known)
		json_put_str(o, "description", str_of(p->description ? p->description : ""));
	if (p->media_type) json_put_str(o, "media_type", str_of(p->media_type));
	while (rest.n && str_split(&rest, ',', &id))
		if (id.n) json_array_append_new(ids, json_stringn(id.p, id.n));
	if (p->identifiers || !known)
		json_put(o, "identifiers", ids);
	else
		json_decref(ids);
	if (policy) json_put(o, "policy", policy);
	if (p->approval || p->no_approval || !known) json_put(o, "approval", json_boolean(p->approval));
	return o;
}

static const char *media_type_of(const char *file)
{
	struct str s = str_of(file);
	return str_ends(s, STR(".csv"))    ? "text/csv"
	       : str_ends(s, STR(".json")) ? "application/json"
	       : str_ends(s, STR(".xml"))  ? "application/xml"
					   : "application/octet-stream";
}

static int send_content(struct cli *c, const struct publishing *p, const char *at, const char *file,
			struct reply *ret)
{
	struct stat st;
	if (stat(file, &st) || !S_ISREG(st.st_mode)) return usage_error(c, SAY_NOT_A_FILE, file);
	struct call send = {.method = "PUT",
			    .path = client_path(c, "%s/content%s", at, p->append ? "?append=yes" : ""),
			    .body_file = file,
			    .type = p->media_type,
			    .deadline = 600 * USEC_PER_SEC};
	return client_call(c, &send, ret);
}

/* file NULL: an outside data plane holds it. */
static int publish(struct cli *c, const char *who, struct publishing *p, const char *file)
{
	struct reply content = {0}, dataset;
	json_t *policy;
	const char *at = client_path(c, "/participants/%s/datasets/%s", who, path_word(c, p->id, false));
	bool known;
	int status = known_before(c, at, &known);
	if (!status) status = read_policy(c, p, known, &policy);
	if (status) return status;
	if (!p->media_type && (file || !known)) p->media_type = media_type_of(file ? file : p->id);
	json_t *body = description_of(p, file ? file : p->id, known, policy);
	if (p->plane) json_put_str(body, "dataplane", str_of(p->plane));
	if (p->non_finite) json_put(body, "nonFinite", json_true());
	status = add_meta(c, p, body);
	if (!status && file && !p->non_finite) {
		/* what would be refused leaves no content behind */
		struct call check = {.method = "PUT",
				     .path = client_path(c, "%s?check=yes", at),
				     .json = json_deep_copy(body)};
		status = client_call(c, &check, &content);
		if (!status) status = send_content(c, p, at, file, &content);
	}
	if (status) {
		json_decref(body);
		return status;
	}
	status = client_call(c, &(struct call){.method = "PUT", .path = at, .json = body}, &dataset);
	/* the first piece of what does not end: the node must know that it is one */
	if (!status && file && p->non_finite) status = send_content(c, p, at, file, &content);
	if (status) return status;
	if (c->json) {
		json_t *o = json_keep(c->arena, json_deep_copy(dataset.json));
		if (content.json) json_object_update_missing(o, content.json);
		print_json(o);
	} else if (p->plane) {
		printf(say(SAY_PUBLISHED_AT), p->id, p->plane, text_of(dataset.json, "offer"));
	} else {
		printf(say(SAY_PUBLISHED), p->id, text_of(content.json, "digest"),
		       text_of(dataset.json, "offer"));
	}
	return CLI_OK;
}

/* The next piece of a dataset that does not end. */
static int publish_append(struct cli *c, const char *id, const char *file)
{
	struct publishing p = {.id = id, .media_type = media_type_of(file), .append = true};
	const char *who = client_participant(c);
	struct reply r;
	if (!who) return CLI_USAGE;
	int status = send_content(
	    c, &p, client_path(c, "/participants/%s/datasets/%s", who, path_word(c, id, false)), file, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else
		printf(say(SAY_APPENDED),
		       (unsigned long long)json_integer_value(json_object_get(r.json, "size")), id);
	return CLI_OK;
}

int command_publish(struct cli *c, int argc, char **argv)
{
	struct publishing p = {0};
	const char *batch = NULL, *withdraw = NULL, *append = NULL;
	struct words words;
	const struct option_row own[] = {{"id", &p.id, NULL},
					 {"title", &p.title, NULL},
					 {"description", &p.description, NULL},
					 {"media-type", &p.media_type, NULL},
					 {"policy", &p.policy, NULL},
					 {"count", &p.count, NULL},
					 {"until", &p.until, NULL},
					 {"purpose", &p.purpose, NULL},
					 {"identifiers", &p.identifiers, NULL},
					 {"meta", &p.meta, NULL},
					 {"keywords", &p.keywords, NULL},
					 {"license", &p.license, NULL},
					 {"version", &p.version, NULL},
					 {"batch", &batch, NULL},
					 {"withdraw", &withdraw, NULL},
					 {"approval", NULL, &p.approval},
					 {"no-approval", NULL, &p.no_approval},
					 {"plane", &p.plane, NULL},
					 {"non-finite", NULL, &p.non_finite},
					 {"append", &append, NULL}};
	int status = options_read(c, argc, argv, own, sizeof own / sizeof *own, &words);
	if (status) return status;
	if (batch) return publish_batch(c, batch);
	if (withdraw) return publish_withdraw(c, withdraw);
	if (p.plane && !p.id) return usage_error(c, SAY_MISSING_WORD, "--id NAME");
	if (words.n != !p.plane) return usage_error(c, SAY_MISSING_WORD, p.plane ? "--id NAME" : "FILE");
	if (append) return publish_append(c, append, words.word[0]);
	status = check_options(c, &p);
	if (status) return status;
	const char *who = client_participant(c);
	if (!who) return CLI_USAGE;
	if (!p.id) p.id = strrchr(words.word[0], '/') ? strrchr(words.word[0], '/') + 1 : words.word[0];
	return publish(c, who, &p, p.plane ? NULL : words.word[0]);
}
