#include "tools/kanhed/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "dataspace/connector.h"
#include "net/tls.h"
#include "proto/did/name.h"

/* Format numbers of the two environments' contents: raised when a stored value changes its form. */
/* 3: the feed has records by key (base/feed_kept.c); older rows of it stay as they are
 * 4: series of several ranges; series are uses of metadata templates (resolver/migrate.c) */
enum { REGISTRY_FORMAT = RS_FORMAT, REGISTRY_READ = 2, SPACE_FORMAT = 1, PASSPHRASE_MAX = 1024 };

static enum err read_passphrase(const char *path, char *line, size_t room, struct str *ret, struct flaw *f)
{
	FILE *in = fopen(path, "re");
	if (!in)
		return flaw_set(f, ERR_BAD_KEY, FLAW_NO_OFFSET, "node.passphrase", "readable", "%s: %m",
				path);
	struct stat st;
	bool private_file = fstat(fileno(in), &st) == 0 && !(st.st_mode & 077);
	bool got = private_file && fgets(line, (int)room, in);
	fclose(in);
	if (!private_file)
		return flaw_set(f, ERR_BAD_KEY, FLAW_NO_OFFSET, "node.passphrase", "mode-0600",
				"%s: others may read it; chmod 600", path);
	*ret = str_trim(str_of(got ? line : ""));
	if (!ret->n)
		return flaw_set(f, ERR_BAD_KEY, FLAW_NO_OFFSET, "node.passphrase", "first-line",
				"%s: its first line is empty", path);
	return ERR_OK;
}

static enum err open_keys(struct node *n, struct flaw *f)
{
	char line[PASSPHRASE_MAX] = "";
	struct sign_lock lock = {0};
	const char *passphrase = conf_text(n->conf, "node", "passphrase");
	enum err e = ERR_OK;
	if (passphrase[0])
		e = read_passphrase(passphrase, line, sizeof line, &lock.passphrase, f);
	else
		lock.unlock_file = conf_text(n->conf, "node", "unlock");
	if (!e) e = sign_key_load(conf_text(n->conf, "node", "key"), &lock, f, &n->key);
	if (!e) e = sign_sealer_open(&lock, f, &n->sealer);
	explicit_bzero(line, sizeof line);
	return e;
}

/* A worker that was killed may take a moment to let go of its folder: its successor waits that long. */
#define LOCK_PATIENCE (2 * USEC_PER_SEC)
#define LOCK_LOOK (20 * USEC_PER_MSEC)

static enum err open_when_free(const struct store_options *o, struct flaw *f, struct store **ret)
{
	usec_t until = clock_mono() + LOCK_PATIENCE;
	for (;;) {
		enum err e = store_open(o, f, ret);
		if (e != ERR_LOCKED || clock_mono() > until) return e;
		usleep(LOCK_LOOK);
	}
}

struct environment {
	const char *folder, *origin;
	const struct store_table *tables;
	size_t tables_n;
	enum store_told (*told)(unsigned table);
	uint32_t format;
	enum err (*migrate)(struct store_txn *t, uint32_t from);
};

static enum err open_environment(struct node *n, const struct environment *env, struct flaw *f,
				 struct store **ret_store, struct storage *storage,
				 struct writer **ret_writer)
{
	char folder[4096], origin[NODE_DID_MAX + 16];
	const char *data = conf_text(n->conf, "node", "data");
	snprintf(folder, sizeof folder, "%s/%s", data, env->folder);
	if (mkdir(data, 0700) && access(data, W_OK))
		return flaw_set(f, ERR_IO, FLAW_NO_OFFSET, "node.data", "writable", "%s: %m", data);
	struct store_options so = {.folder = folder,
				   .tables = env->tables,
				   .tables_n = env->tables_n,
				   .told = env->told,
				   .format = env->format,
				   .migrate = env->migrate,
				   .map_max = (size_t)conf_number(n->conf, "store", "map_max")};
	enum err e = open_when_free(&so, f, ret_store);
	if (e) return e;
	/* C2SP checkpoint origins are schema-less names: the DID without "did:web:" and the log's name */
	snprintf(origin, sizeof origin, "%s/%s", n->did + strlen("did:web:"), env->origin);
	*storage = (struct storage){.store = *ret_store, .name = env->folder, .map_max = so.map_max};
	struct writer_options wo = {.store = *ret_store,
				    .settled = storage_settled,
				    .settled_arg = storage,
				    .origin = origin,
				    .queue_max = (size_t)conf_number(n->conf, "store", "queue"),
				    .feed_keep = (uint64_t)conf_number(n->conf, "store", "feed_keep")};
	e = writer_start(&wo, ret_writer);
	return e ? flaw_set(f, e, FLAW_NO_OFFSET, folder, "writer", "the writer of %s does not start",
			    folder)
		 : ERR_OK;
}

static enum err name_node(struct node *n, struct flaw *f)
{
	struct str did;
	struct arena *a = arena_new(NODE_DID_MAX * 4);
	if (!a) return ERR_NO_MEMORY;
	enum err e = did_web_from_url(a, str_of(conf_text(n->conf, "node", "url")), f, &did);
	if (e && !f->at[0]) memcpy(f->at, "node.url", 9);
	if (!e && did.n >= sizeof n->did)
		e = flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "node.url", "length", "the URL is too long");
	if (!e) memcpy(n->did, did.p, did.n);
	arena_free(a);
	return e;
}

static enum err migrate_registry(struct store_txn *t, uint32_t from)
{
	return from >= REGISTRY_READ ? rs_migrate(t, from) : ERR_UNSUPPORTED;
}

/* PREFIX=KEY@URL. Prefixes of some schemes hold both signs; keys and a node's URL do not. */
static enum err anchor_parse(char *text, struct flaw *f, struct rs_anchor *ret)
{
	char *url = strrchr(text, '@'), *key = NULL;
	for (char *p = text; url && p < url; p++)
		if (*p == '=') key = p;
	if (!key)
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "resolver.anchors", "anchor-form",
				"\"%s\" is not PREFIX=KEY@URL", text);
	*key++ = *url++ = 0;
	ret->prefix = text;
	ret->url = url;
	if (sign_public_parse(str_of(key), ret->public_key))
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "resolver.anchors", "anchor-key",
				"\"%s\" is not an Ed25519 key in multibase form (z6Mk…)", key);
	return ERR_OK;
}

static enum err read_anchors(struct node *n, struct flaw *f)
{
	const char *const *items;
	size_t count = conf_list(n->conf, "resolver", "anchors", &items), octets = 0;
	if (count > NODE_ANCHORS_MAX)
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "resolver.anchors", "anchors-max",
				"more than %d anchors", NODE_ANCHORS_MAX);
	for (size_t i = 0; i < count; i++) octets += strlen(items[i]) + 1;
	char *at = n->anchor_texts = malloc(octets + 1);
	if (!at)
		return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, "resolver.anchors", "memory",
				"out of memory");
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(items[i]) + 1;
		memcpy(at, items[i], len);
		enum err e = anchor_parse(at, f, &n->anchors[n->anchors_n]);
		if (e) return e;
		n->anchors_n++;
		at += len;
	}
	return ERR_OK;
}

enum err node_open_stores(struct node *n, const struct conf *c, struct flaw *f)
{
	*n = (struct node){.conf = c, .started = clock_mono()};
	struct environment registry = {"registry",    "registry",      rs_tables,       rs_tables_n,
				       rs_table_told, REGISTRY_FORMAT, migrate_registry};
	struct environment space = {"space", "space", ds_tables, ds_tables_n, NULL, SPACE_FORMAT, NULL};
	enum err e = sign_setup();
	if (!e) e = name_node(n, f);
	if (!e) e = read_anchors(n, f);
	if (!e) e = open_keys(n, f);
	if (!e)
		e = open_environment(n, &registry, f, &n->registry, &n->registry_storage,
				     &n->registry_writer);
	if (!e) e = open_environment(n, &space, f, &n->space, &n->space_storage, &n->space_writer);
	return e;
}

static const char *path_or_null(const struct conf *c, const char *section, const char *key)
{
	const char *path = conf_text(c, section, key);
	return path[0] ? path : NULL;
}

static enum err check_report_token(const struct conf *c, struct flaw *f)
{
	if (!conf_text(c, "report", "to")[0] || conf_text(c, "report", "token")[0]) return ERR_OK;
	return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "report.token", "required",
			"report.to is set: report.token names the file of the superior's token");
}

/* The superior's token, of one line. */
static enum err read_report_token(struct node *n, struct flaw *f)
{
	const char *path = conf_text(n->conf, "report", "token");
	size_t got = 0;
	if (!conf_text(n->conf, "report", "to")[0]) return ERR_OK;
	enum err e = file_read_private(path, FILE_SECRET, f, n->report_token, NODE_TOKEN_MAX - 1, &got);
	if (e) return e;
	struct str token = str_trim(str_n(n->report_token, got));
	memmove(n->report_token, token.p, token.n);
	n->report_token[token.n] = 0;
	return ERR_OK;
}

static void resolver_options(const struct node *n, struct rs_options *ret)
{
	const struct conf *c = n->conf;
	struct rs_options o = {.store = n->registry,
			       .writer = n->registry_writer,
			       .key = n->key,
			       .did = n->did,
			       .name = conf_text(c, "node", "name"),
			       .url = conf_text(c, "node", "url"),
			       .anchors = n->anchors,
			       .anchors_n = n->anchors_n,
			       .recursive = conf_switch(c, "resolver", "recursive"),
			       .courier = n->courier,
			       .cache_octets = (size_t)conf_number(c, "resolver", "cache"),
			       .answer_validity = conf_number(c, "resolver", "answer_validity"),
			       .ttl = (uint32_t)conf_number(c, "resolver", "ttl"),
			       .ttl_negative = (uint32_t)conf_number(c, "resolver", "ttl_negative")};
	o.applications = conf_switch(c, "enterprise", "applications");
	o.quota = (uint64_t)conf_number(c, "enterprise", "quota");
	o.rate_clients = (size_t)conf_number(c, "limit", "clients");
#define X(name, setting, help)                                                                             \
	o.rates[RATE_##name] = (struct rate_rule){(uint32_t)conf_number(c, "limit", #setting),             \
						  (uint32_t)conf_number(c, "limit", #setting "_burst")};
	RATE_CLASSES(X)
#undef X
	o.china_off = !conf_switch(c, "resolver", "china");
	o.report = (struct rs_report){.url = conf_text(c, "report", "to"),
				      .token = n->report_token,
				      .driver = conf_text(c, "report", "driver"),
				      .every = conf_number(c, "report", "every"),
				      .sync = conf_switch(c, "report", "sync")};
	o.authority_n = conf_list(c, "resolver", "authority", &o.authority);
	o.find_types_n = conf_list(c, "resolver", "find_types", &o.find_types);
	static const char *const no_types[] = {NULL};
	if (!o.find_types_n) o.find_types = no_types; /* an empty list means none, not the standard ones */
	*ret = o;
}

static enum err open_resolver(struct node *n, struct flaw *f)
{
	struct rs_options o;
	enum err e = check_report_token(n->conf, f);
	if (!e) e = read_report_token(n, f);
	if (e) return e;
	resolver_options(n, &o);
	return rs_open(&o, f, &n->rs);
}

static enum err read_identity(const struct conf *c, struct flaw *f, struct ds_identity *ret)
{
	static const struct {
		const char *name;
		unsigned mode;
	} modes[] = {{"did", DS_BY_DID}, {"dcp", DS_BY_DCP}, {"pinned", DS_BY_PIN}, {"tls", DS_BY_TLS}};
	struct ds_identity o = {.present = conf_switch(c, "identity", "present"),
				.schemas = conf_switch(c, "identity", "schemas"),
				.recheck = conf_number(c, "identity", "recheck"),
				.lenient = !strcmp(conf_text(c, "identity", "purposes"), "declared")};
	const char *const *words;
	size_t n = conf_list(c, "identity", "accept", &words);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (k < 4 && strcmp(words[i], modes[k].name) != 0) k++;
		if (k == 4)
			return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "identity.accept", "mode",
					"\"%s\" is none of did, dcp, pinned, tls", words[i]);
		o.modes |= modes[k].mode;
	}
	o.issuers_n = conf_list(c, "identity", "issuers", &o.issuers);
	o.required_n = conf_list(c, "identity", "require", &o.required);
	o.partners_n = conf_list(c, "identity", "partners", &o.partners);
	o.asked_n = conf_list(c, "identity", "ask", &o.asked);
	o.disclosed_n = conf_list(c, "identity", "disclose", &o.disclosed);
	enum err e = ds_identity_check(&o, f);
	if (e) return e;
	if ((o.modes & DS_BY_TLS) && !conf_text(c, "net", "client_ca")[0])
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "net.client_ca", "required",
				"identity.accept says tls: net.client_ca names the authority of partners' "
				"certificates");
	*ret = o;
	return ERR_OK;
}

const char *node_test_mode(const struct conf *c)
{
	if (!conf_switch(c, "space", "enabled")) return "";
	if (conf_text(c, "space", "kit")[0])
		return "TEST MODE: space.kit lets ANYBODY in as the DSP conformance kit; never in "
		       "production";
	if (conf_text(c, "space", "iam_mock")[0])
		return "TEST MODE: space.iam_mock lets one partner in WITHOUT ANY PROOF; never in "
		       "production";
	return "";
}

static enum err open_space(struct node *n, struct flaw *f)
{
	const struct conf *c = n->conf;
	if (!conf_switch(c, "space", "enabled")) return ERR_OK;
	struct ds_options o = {.store = n->space,
			       .writer = n->space_writer,
			       .key = n->key,
			       .sealer = n->sealer,
			       .did = n->did,
			       .url = conf_text(c, "node", "url"),
			       .folder = conf_text(c, "node", "data"),
			       .courier = n->courier,
			       .auto_agree = conf_switch(c, "space", "auto_agree"),
			       .token_validity = conf_number(c, "space", "token_validity"),
			       .dsp = conf_text(c, "space", "dsp"),
			       .content_max = (uint64_t)conf_number(c, "space", "content_max"),
			       .kit = conf_text(c, "space", "kit"),
			       .data_token = conf_number(c, "space", "data_token"),
			       .kit_delay = conf_number(c, "space", "kit_delay"),
			       .iam_mock = conf_text(c, "space", "iam_mock"),
			       .outbox_age = conf_number(c, "space", "outbox_age"),
			       .outbox_retry = conf_number(c, "space", "outbox_retry"),
			       .outbox_retry_max = conf_number(c, "space", "outbox_retry_max"),
			       .outbox_tries = (unsigned)conf_number(c, "space", "outbox_tries"),
			       .inbox_wait = conf_number(c, "space", "inbox_wait"),
			       .flow_wait = conf_number(c, "space", "flow_wait"),
			       .flow_ready = conf_number(c, "space", "flow_ready")};
	o.connectors_n = conf_list(c, "space", "connectors", &o.connectors);
	enum err e = read_identity(c, f, &o.identity);
	return e ? e : ds_open(&o, f, &n->ds);
}

static enum err check_client_pair(const struct conf *c, struct flaw *f)
{
	if (!conf_text(c, "out", "client_cert")[0] == !conf_text(c, "out", "client_key")[0]) return ERR_OK;
	return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "out.client_cert", "one-of",
			"out.client_cert and out.client_key go together");
}

static enum err check_space(const struct conf *c, struct flaw *f)
{
	struct ds_options o = {.did = ""};
	const char *mock = conf_text(c, "space", "iam_mock");
	if (!conf_switch(c, "space", "enabled")) return ERR_OK;
	if (mock[0] && !str_starts(str_of(mock), STR("did:")))
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "space.iam_mock", "did",
				"it must be a DID");
	o.connectors_n = conf_list(c, "space", "connectors", &o.connectors);
	enum err e = connectors_check(&o, f);
	return e ? e : read_identity(c, f, &o.identity);
}

struct complaints {
	node_tell_fn *tell;
	void *arg;
	enum err first;
};

static void complain(struct complaints *all, enum err e, struct flaw *f)
{
	if (e && !f->err) (void)!flaw_set(f, e, FLAW_NO_OFFSET, "node", "check", "%s", err_text(e));
	if (e) all->tell(all->arg, f);
	if (!all->first) all->first = e;
	flaw_init(f);
}

/* Each setting for itself, so that one that is wrong does not hide another. */
static void check_resolver(struct node *n, struct complaints *all, struct flaw *f)
{
	struct rs_options o;
	enum err e = read_anchors(n, f);
	complain(all, e, f);
	resolver_options(n, &o);
	const struct rs_options parts[] = {{.authority = o.authority, .authority_n = o.authority_n},
					   {.anchors = o.anchors, .anchors_n = e ? 0 : o.anchors_n},
					   {.find_types = o.find_types, .find_types_n = o.find_types_n},
					   {.report = o.report}};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) complain(all, rs_check(&parts[i], f), f);
}

static enum err check_tls(const char *certificate, const char *key, const char *client_ca, struct flaw *f)
{
	struct net_tls_options tls = {.certificate = certificate, .key = key, .client_ca = client_ca};
	struct tls_context *x;
	if (!certificate) return ERR_OK;
	enum err e = tls_context_open(&tls, f, &x);
	if (!e) tls_context_close(x);
	return e;
}

/* The files that a start reads. A reload looks at them first: one that is missing or broken must not end
 * the node. */
static const struct {
	const char *section, *key;
} read_at_start[] = {
    {"node", "key"},      {"node", "passphrase"}, {"net", "certificate"}, {"net", "certificate_key"},
    {"net", "client_ca"}, {"out", "ca"},          {"out", "client_cert"}, {"out", "client_key"},
    {"report", "token"}};
enum { READ_AT_START = sizeof read_at_start / sizeof *read_at_start };

static const char *file_at_start(const struct conf *c, size_t i)
{
	const char *section = read_at_start[i].section;
	bool used = strcmp(section, "net") == 0      ? strcmp(conf_text(c, "net", "https"), "off") != 0
		    : strcmp(section, "report") == 0 ? conf_text(c, "report", "to")[0] != 0
						     : true;
	return used ? path_or_null(c, section, read_at_start[i].key) : NULL;
}

/* root checks the files of a node that another user runs: whose they are, only that user can tell. */
static bool others_node(const struct conf *c)
{
	struct stat key;
	return geteuid() == 0 && stat(conf_text(c, "node", "key"), &key) == 0 && key.st_uid != 0;
}

/* A flaw of a file is told of the setting that names it, whose line is known. */
static void complain_of_file(const struct conf *c, struct complaints *all, enum err e, struct flaw *f)
{
	bool others = strcmp(f->rule, "owner") == 0 && others_node(c);
	for (size_t i = 0; i < READ_AT_START && e && !others; i++) {
		const char *path = file_at_start(c, i);
		struct flaw was = *f;
		if (!path || strcmp(was.at, path) != 0) continue;
		const char *before = str_starts(str_of(was.text), str_of(path)) ? "" : path;
		(void)!flaw_set(f, e, FLAW_NO_OFFSET, "", was.rule, "%s%s%s", before, *before ? ": " : "",
				was.text);
		snprintf(f->at, sizeof f->at, "%s.%s", read_at_start[i].section, read_at_start[i].key);
	}
	complain(all, others ? ERR_OK : e, f);
}

static void check_files(struct node *n, struct complaints *all, struct flaw *f)
{
	const struct conf *c = n->conf;
	const char *path;
	for (size_t i = 0; i < READ_AT_START; i++)
		if ((path = file_at_start(c, i)) && access(path, R_OK))
			complain_of_file(
			    c, all,
			    flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, path, "readable", "%s: %m", path), f);
	if (all->first) return;
	complain_of_file(c, all, read_report_token(n, f), f);
	explicit_bzero(n->report_token, sizeof n->report_token);
	complain_of_file(
	    c, all,
	    check_tls(path_or_null(c, "out", "client_cert"), path_or_null(c, "out", "client_key"), NULL, f),
	    f);
	if (strcmp(conf_text(c, "net", "https"), "off") == 0) return;
	complain_of_file(c, all,
			 check_tls(path_or_null(c, "net", "certificate"),
				   path_or_null(c, "net", "certificate_key"),
				   path_or_null(c, "net", "client_ca"), f),
			 f);
}

enum err node_check(const struct conf *c, node_tell_fn *tell, void *arg)
{
	struct node n = {.conf = c};
	struct complaints all = {.tell = tell, .arg = arg};
	struct flaw f = {0};
	complain(&all, sign_setup(), &f);
	complain(&all, name_node(&n, &f), &f);
	check_resolver(&n, &all, &f);
	complain(&all, check_report_token(c, &f), &f);
	complain(&all, check_client_pair(c, &f), &f);
	complain(&all, check_space(c, &f), &f);
	if (!all.first) check_files(&n, &all, &f);
	free(n.anchor_texts);
	return all.first;
}

enum err node_open_halves(struct node *n, struct flaw *f)
{
	struct courier_options co = {.ca_file = path_or_null(n->conf, "out", "ca"),
				     .client_cert = path_or_null(n->conf, "out", "client_cert"),
				     .client_key = path_or_null(n->conf, "out", "client_key"),
				     .allow_private = conf_switch(n->conf, "out", "private")};
	enum err e = check_client_pair(n->conf, f);
	if (!e)
		e = check_tls(co.client_cert, co.client_key, NULL,
			      f); /* not with the first partner that asks */
	if (e) return e;
	e = courier_start(&co, &n->courier);
	if (e) return flaw_set(f, e, FLAW_NO_OFFSET, "out", "courier", "the courier does not start");
	e = open_resolver(n, f);
	if (!e) e = open_space(n, f);
	return e;
}

void node_close(struct node *n)
{
	if (n->rs) rs_quiesce(n->rs);
	if (n->courier) courier_stop(n->courier);
	if (n->space_writer) writer_stop(n->space_writer);
	if (n->registry_writer) writer_stop(n->registry_writer);
	if (n->ds) ds_close(n->ds);
	if (n->rs) rs_close(n->rs);
	if (n->space) store_close(n->space);
	if (n->registry) store_close(n->registry);
	sign_sealer_close(n->sealer);
	sign_key_free(n->key);
	free(n->anchor_texts);
	*n = (struct node){0};
}
