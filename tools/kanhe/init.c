/* kanhe init: makes a node's folder: keys, certificate, configuration, stores, tokens, participant.
 *
 * Everything is made in FOLDER.new and renamed at the end: a failed init leaves nothing behind
 * that looks like a node. */
#include "tools/kanhe/client.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/access.h"
#include "net/cert.h"
#include "tools/kanhed/node.h"
#include "tools/kanhed/settings.h"

enum { ITEMS_MAX = 64, CONF_TEXT_MAX = 32 * 1024, DEPTH_MAX = 16 };

struct plan {
	struct cli *cli;
	const char *folder, *building; /* final place, and where it is made */
	const char *name, *listen, *http, *url, *authority, *anchors, *anchor_node, *participant, *ca,
	    *hosts, *passphrase, *tokens;
	bool recursive;
};

static const char *inside(struct plan *p, const char *name)
{
	return client_path(p->cli, "%s/%s", p->building, name);
}

static int failed(struct plan *p, const char *path, const struct flaw *f)
{
	if (f && f->text[0])
		print_error(p->cli, "%s: %s", path, f->text);
	else
		print_error(p->cli, "%s: %s", path, strerror(errno));
	return CLI_FAILED;
}

static int write_file(struct plan *p, const char *name, mode_t mode, struct str text)
{
	const char *path = inside(p, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0) return failed(p, path, NULL);
	bool good = write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;
	if (close(fd) || !good) return failed(p, path, NULL);
	return CLI_OK;
}

static int make_folders(struct plan *p)
{
	static const char *const names[] = {"", "keys", "tls", "tokens", "data"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (mkdir(inside(p, names[i]), 0700)) return failed(p, inside(p, names[i]), NULL);
	return CLI_OK;
}

static int make_keys(struct plan *p)
{
	struct flaw f = {0};
	struct str passphrase;
	char text[SIGN_MULTIBASE + 1];
	struct sign_lock lock = {.unlock_file = inside(p, "keys/unlock")};
	if (p->passphrase) {
		int status = file_read(p->cli, p->passphrase, 1024, &passphrase);
		if (status) return status;
		struct str first = str_trim(str_first(passphrase, str_find(passphrase, '\n')));
		lock = (struct sign_lock){.passphrase = first};
	} else if (sign_unlock_file_make(lock.unlock_file, &f)) {
		return failed(p, lock.unlock_file, &f);
	}
	struct sign_key *key = sign_key_new();
	if (!key) return failed(p, "keys/node.key", NULL);
	sign_public_multibase(sign_public(key), text);
	enum err e = sign_key_save(key, inside(p, "keys/node.key"), &lock, &f);
	sign_key_free(key);
	if (e) return failed(p, "keys/node.key", &f);
	return write_file(p, "keys/node.pub", 0644, arena_printf(p->cli->arena, "%s\n", text));
}

/* Splits "a,b" into items of the arena. */
static size_t items_of(struct plan *p, const char *list, const char **items)
{
	struct str rest = str_of(list), item;
	size_t n = 0;
	while (rest.n && n < ITEMS_MAX && str_split(&rest, ',', &item))
		if (str_trim(item).n) items[n++] = arena_strdup(p->cli->arena, str_trim(item));
	return n;
}

/* The host of HOST:PORT or of a URL. */
static const char *host_of(struct plan *p, const char *text)
{
	struct str s = str_of(text);
	size_t scheme = 0;
	for (size_t i = 0; i + 2 < s.n; i++)
		if (memcmp(s.p + i, "://", 3) == 0) scheme = i + 3;
	s = str_skip(s, scheme);
	s = str_first(s, str_find(s, '/'));
	if (s.n && s.p[0] == '[') return arena_strdup(p->cli->arena, str_n(s.p + 1, str_find(s, ']') - 1));
	return arena_strdup(p->cli->arena, str_first(s, str_find(s, ':')));
}

static int copy_file(struct plan *p, const char *from, const char *name)
{
	struct str text;
	int status = file_read(p->cli, from, 1 << 20, &text);
	return status ? status : write_file(p, name, 0644, text);
}

static int make_certificate(struct plan *p)
{
	struct flaw f = {0};
	const char *hosts[ITEMS_MAX + 2];
	size_t n = p->hosts ? items_of(p, p->hosts, hosts) : 0;
	const char *listen = host_of(p, p->listen), *url = host_of(p, p->url);
	hosts[n++] = url;
	if (strcmp(listen, url) != 0 && strcmp(listen, "0.0.0.0") != 0 && strcmp(listen, "::") != 0)
		hosts[n++] = listen;
	const char *ca = p->ca ? p->ca : inside(p, "ca");
	const char *ca_cert = client_path(p->cli, "%s/ca.pem", ca),
		   *ca_key = client_path(p->cli, "%s/ca-key.pem", ca);
	if (access(ca_cert, R_OK)) {
		if (mkdir(ca, 0700) && errno != EEXIST) return failed(p, ca, NULL);
		if (cert_make_ca(ca_cert, ca_key, "Kanhe demonstration authority", &f))
			return failed(p, ca, &f);
	}
	struct cert_subject subject = {
	    .ca_cert = ca_cert, .ca_key = ca_key, .name = p->name, .hosts = hosts, .hosts_n = n};
	if (cert_make_node(&subject, inside(p, "tls/node.pem"), inside(p, "tls/node-key.pem"), &f))
		return failed(p, "tls/node.pem", &f);
	return copy_file(p, ca_cert, "tls/ca.pem");
}

/* Anchors from another node's folder: each prefix it answers for, its key, its URL. */
static int anchors_of_node(struct plan *p, struct buf *out)
{
	struct buf errors = BUF_INIT(CONF_TEXT_MAX);
	struct conf *c;
	struct str key;
	const char *const *prefixes;
	enum err e = conf_load(settings_rows, settings_n,
			       client_path(p->cli, "%s/kanhed.conf", p->anchor_node), NULL, 0, &errors, &c);
	if (e) print_error(p->cli, "%s: %.*s", p->anchor_node, STR_ARG(buf_str(&errors)));
	buf_done(&errors);
	if (e) return CLI_FAILED;
	int status = file_read(p->cli, client_path(p->cli, "%s/keys/node.pub", p->anchor_node), 256, &key);
	size_t n = conf_list(c, "resolver", "authority", &prefixes);
	for (size_t i = 0; !status && i < n; i++)
		buf_printf(out, "%s%s=%.*s@%s", out->n ? " " : "", prefixes[i], STR_ARG(str_trim(key)),
			   conf_text(c, "node", "url"));
	conf_free(c);
	return status;
}

static void setting(struct buf *b, const char *key, const char *value)
{
	if (value && value[0]) buf_printf(b, "%s = %s\n", key, value);
}

static void list_setting(struct plan *p, struct buf *b, const char *key, const char *list)
{
	const char *items[ITEMS_MAX];
	size_t n = list ? items_of(p, list, items) : 0;
	if (!n) return;
	buf_printf(b, "%s =", key);
	for (size_t i = 0; i < n; i++) buf_printf(b, " %s", items[i]);
	buf_byte(b, '\n');
}

static int make_configuration(struct plan *p)
{
	struct buf b = BUF_INIT(CONF_TEXT_MAX), anchors = BUF_INIT(CONF_TEXT_MAX);
	buf_printf(&b, "# A Kanhe node. Every setting: kanhe config --node . --explain\n\n[node]\n");
	setting(&b, "name", p->name);
	setting(&b, "url", p->url);
	setting(&b, "passphrase",
		p->passphrase ? client_path(p->cli, "%s", realpath(p->passphrase, NULL)) : NULL);
	buf_printf(&b, "\n[net]\n");
	setting(&b, "https", p->listen);
	setting(&b, "http", p->http);
	buf_printf(&b, "\n[out]\n# outbound TLS trusts this authority; private addresses are for "
		       "demonstrations on one machine\n");
	setting(&b, "ca", "tls/ca.pem");
	setting(&b, "private", "yes");
	buf_printf(&b, "\n[resolver]\n");
	list_setting(p, &b, "authority", p->authority);
	setting(&b, "recursive", p->recursive ? "yes" : "no");
	int status = p->anchor_node ? anchors_of_node(p, &anchors) : CLI_OK;
	if (!status && anchors.n) buf_printf(&b, "anchors = %.*s\n", STR_ARG(buf_str(&anchors)));
	list_setting(p, &b, "anchors", p->anchors);
	if (p->participant) buf_printf(&b, "\n[space]\nparticipant = %s\n", p->participant);
	if (!status) status = write_file(p, "kanhed.conf", 0640, buf_str(&b));
	buf_done(&b);
	buf_done(&anchors);
	return status;
}

/* Tokens of the first hour: one for each role a folder's owner plays. */
static int make_tokens(struct plan *p, struct writer *w)
{
	const struct {
		const char *name;
		uint32_t roles;
		const char *scope;
	} rows[] = {
	    {"operator", ROLE_OPERATOR, "*"},
	    {"registrar", ROLE_REGISTRAR, "*"},
	    {"auditor", ROLE_AUDITOR, "*"},
	    {"owner", ROLE_OWNER, p->participant ? client_path(p->cli, "@%s", p->participant) : NULL}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char token[ACCESS_TOKEN_TEXT];
		if (!rows[i].scope) continue;
		access_token_make(token);
		enum err e = rs_credential_add(w, str_of(rows[i].name), rows[i].roles,
					       str_of(rows[i].scope), str_of(token));
		if (e) {
			print_error(p->cli, "%s: %s", rows[i].name, err_text(e));
			return CLI_FAILED;
		}
		const char *file = client_path(p->cli, "tokens/%s.token", rows[i].name);
		int status = write_file(p, file, 0600, arena_printf(p->cli->arena, "%s\n", token));
		if (status) return status;
	}
	return CLI_OK;
}

static int make_stores(struct plan *p, char *ret_did, size_t room)
{
	struct buf errors = BUF_INIT(CONF_TEXT_MAX);
	struct node n;
	struct conf *c;
	struct flaw f = {0};
	if (conf_load(settings_rows, settings_n, inside(p, "kanhed.conf"), NULL, 0, &errors, &c)) {
		print_error(p->cli, "%.*s", STR_ARG(buf_str(&errors)));
		buf_done(&errors);
		return CLI_USAGE;
	}
	buf_done(&errors);
	int status =
	    node_open_stores(&n, c, &f) ? failed(p, p->folder, &f) : make_tokens(p, n.registry_writer);
	struct ds_new_participant made = {.node_url = conf_text(c, "node", "url"),
					  .title = str_of(p->name),
					  .es256 = p->tokens && strcmp(p->tokens, "ES256") == 0};
	if (p->participant) made.id = str_of(p->participant);
	if (!status && p->participant && ds_participant_add(n.space_writer, n.sealer, &made, &f))
		status = failed(p, p->participant, &f);
	snprintf(ret_did, room, "%s", n.did);
	node_close(&n);
	conf_free(c);
	return status;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static int make(struct plan *p)
{
	char did[NODE_DID_MAX] = "";
	struct str key = STR_NONE;
	int status = make_folders(p);
	if (!status) status = make_keys(p);
	if (!status) status = make_certificate(p);
	if (!status) status = make_configuration(p);
	if (!status) status = make_stores(p, did, sizeof did);
	if (!status) status = file_read(p->cli, inside(p, "keys/node.pub"), 256, &key);
	if (!status && rename(p->building, p->folder)) status = failed(p, p->folder, NULL);
	if (status) {
		nftw(p->building, drop, DEPTH_MAX, FTW_DEPTH | FTW_PHYS);
		return status;
	}
	key = str_trim(key);
	if (p->cli->json)
		printf("{\"folder\":\"%s\",\"did\":\"%s\",\"key\":\"%.*s\",\"url\":\"%s\"}\n", p->folder,
		       did, STR_ARG(key), p->url);
	else if (!p->cli->quiet)
		printf(say(SAY_INIT_DONE), p->folder, did, STR_ARG(key), p->folder);
	return CLI_OK;
}

int command_init(struct cli *c, int argc, char **argv)
{
	struct plan p = {.cli = c};
	struct words w;
	const struct option_row own[] = {{"name", &p.name, NULL},
					 {"listen", &p.listen, NULL},
					 {"http", &p.http, NULL},
					 {"url", &p.url, NULL},
					 {"authority", &p.authority, NULL},
					 {"anchor", &p.anchors, NULL},
					 {"anchor-node", &p.anchor_node, NULL},
					 {"recursive", NULL, &p.recursive},
					 {"participant", &p.participant, NULL},
					 {"hosts", &p.hosts, NULL},
					 {"passphrase", &p.passphrase, NULL},
					 {"tokens", &p.tokens, NULL}};
	int status = options_read(c, argc, argv, own, sizeof own / sizeof *own, &w);
	if (status) return status;
	if (w.n != 1) return words_wrong(c, &w, 1, "FOLDER");
	if (p.tokens && strcmp(p.tokens, "ES256") != 0 && strcmp(p.tokens, "EdDSA") != 0)
		return usage_error(c, SAY_NOT_TOKENS, "EdDSA|ES256");
	p.folder = w.word[0];
	p.ca = c->ca_file;
	p.building = client_path(c, "%s.new", p.folder);
	if (!p.name) p.name = strrchr(p.folder, '/') ? strrchr(p.folder, '/') + 1 : p.folder;
	if (!p.listen) p.listen = "127.0.0.1:8443";
	if (!p.url) p.url = client_path(c, "https://%s", p.listen);
	if (access(p.folder, F_OK) == 0 && rmdir(p.folder))
		return usage_error(c, SAY_INIT_EXISTS, p.folder);
	nftw(p.building, drop, DEPTH_MAX, FTW_DEPTH | FTW_PHYS);
	return make(&p);
}
