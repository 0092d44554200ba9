/* Credentials in their table, two rows each:
 *   's' ‖ SHA-256 of the secret (32)  →  u8 version = 1, u32 roles, u64 expires (microseconds, wall;
 *                                        0 never), u16 length and name, u16 length and scope
 *   'n' ‖ name                        →  SHA-256 of the secret (32)
 * Integers are big-endian. The secret itself (a token's text, a certificate's DER) is never stored. */
#include "net/access.h"

#include "base/hash.h"
#include "base/ledger.h"
#include "base/sign.h"
#include "base/text64.h"
#include "base/wire.h"

enum {
	CREDENTIAL_VERSION = 1,
	TOKEN_RANDOM = 32, /* 256 bits */
	TOKEN_CHARS = 46,  /* "kt_" and 43 of base64url */
	ROW_MAX = 1 + 4 + 8 + 2 + ACCESS_NAME_MAX + 2 + ACCESS_SCOPE_MAX,
	ENTRY_MAX = 32 * 1024, /* every octet of a scope escaped is still less */
};

static struct str secret_key(struct str sha256, char k[1 + HASH_SHA256])
{
	must(sha256.n == HASH_SHA256);
	k[0] = 's';
	memcpy(k + 1, sha256.p, HASH_SHA256);
	return str_n(k, 1 + HASH_SHA256);
}

static struct str name_key(struct str name, char k[1 + ACCESS_NAME_MAX])
{
	must(name.n && name.n <= ACCESS_NAME_MAX);
	k[0] = 'n';
	memcpy(k + 1, name.p, name.n);
	return str_n(k, 1 + name.n);
}

static bool name_ok(struct str name);

static enum err row_parse(struct str row, struct principal *ret)
{
	struct wire w = wire_reader(row);
	uint8_t version = wire_u8(&w);
	struct principal p = {.roles = wire_u32(&w), .expires = (usec_t)wire_u64(&w)};
	p.name = wire_bytes(&w, wire_u16(&w));
	p.scope = wire_bytes(&w, wire_u16(&w));
	if (!wire_ok(&w) || wire_left(&w) || version != CREDENTIAL_VERSION) return ERR_CORRUPT;
	*ret = p;
	return ERR_OK;
}

static struct str row_write(const struct principal *p, char room[ROW_MAX])
{
	struct wire w = wire_writer(room, ROW_MAX);
	wire_put_u8(&w, CREDENTIAL_VERSION);
	wire_put_u32(&w, p->roles);
	wire_put_u64(&w, (uint64_t)p->expires);
	wire_put_u16(&w, (uint16_t)p->name.n);
	wire_put(&w, p->name);
	wire_put_u16(&w, (uint16_t)p->scope.n);
	wire_put(&w, p->scope);
	must(wire_ok(&w));
	return wire_str(&w);
}

bool access_scope_has(const struct principal *p, struct str item)
{
	struct str rest = p->scope, part;
	while (str_split(&rest, ' ', &part))
		if (part.n && (str_is(part, "*") || str_eq(part, item))) return true;
	return false;
}

enum err access_find(struct store_txn *t, unsigned table, struct arena *a, struct str token,
		     struct str cert_sha256, struct principal *ret)
{
	unsigned char digest[HASH_SHA256];
	char key[1 + HASH_SHA256];
	struct str row;
	if (token.n) {
		if (token.n != TOKEN_CHARS || !str_starts(token, STR("kt_"))) return ERR_UNAUTHORISED;
		access_token_hash(token, digest);
	} else {
		if (cert_sha256.n != HASH_SHA256) return ERR_UNAUTHORISED;
		memcpy(digest, cert_sha256.p, HASH_SHA256);
	}
	enum err e = store_get(t, table, secret_key(str_n(digest, sizeof digest), key), &row);
	if (e) return e == ERR_NOT_FOUND ? ERR_UNAUTHORISED : e;
	struct principal p;
	e = row_parse(row, &p);
	if (e) return e;
	if (p.expires && clock_wall() >= p.expires) return ERR_EXPIRED;
	p.name = arena_dup(a, p.name);
	p.scope = arena_dup(a, p.scope);
	if (!p.name.p || !p.scope.p) return ERR_NO_MEMORY;
	*ret = p;
	return ERR_OK;
}

enum err access_find_name(struct store_txn *t, unsigned table, struct arena *a, struct str name,
			  struct principal *ret, unsigned char ret_secret_sha256[32])
{
	char key[1 + ACCESS_NAME_MAX];
	struct str digest;
	if (!name_ok(name)) return ERR_UNAUTHORISED;
	enum err e = store_get(t, table, name_key(name, key), &digest);
	if (e) return e == ERR_NOT_FOUND ? ERR_UNAUTHORISED : e;
	if (digest.n != HASH_SHA256) return ERR_CORRUPT;
	memcpy(ret_secret_sha256, digest.p, HASH_SHA256);
	return access_find(t, table, a, STR_NONE, str_n(ret_secret_sha256, HASH_SHA256), ret);
}

/* "Bearer", blanks, token (RFC 6750 2.1). */
static enum err bearer_token(struct str header, struct str *ret)
{
	*ret = STR_NONE;
	if (!header.p) return ERR_OK;
	if (!str_starts_nocase(header, STR("Bearer "))) return ERR_UNAUTHORISED;
	*ret = str_trim(str_skip(header, sizeof "Bearer " - 1));
	return ret->n ? ERR_OK : ERR_UNAUTHORISED;
}

static enum err refuse(struct net_req *r, enum err e, struct flaw *f)
{
	if (e != ERR_UNAUTHORISED && e != ERR_EXPIRED) return e;
	net_set(r, "www-authenticate",
		e == ERR_EXPIRED ? STR("Bearer error=\"invalid_token\"") : STR("Bearer"));
	return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, "authorization",
			e == ERR_EXPIRED ? "expired" : "credentials",
			e == ERR_EXPIRED
			    ? "the credential has expired"
			    : "a bearer token or client certificate known to this node is needed");
}

enum err access_guard(struct store_txn *t, unsigned table, struct net_req *r, struct flaw *f)
{
	if (!r->route->roles) return ERR_OK;
	struct str token;
	struct principal *p = ARENA_NEW(r->arena, struct principal);
	if (!p) return ERR_NO_MEMORY;
	enum err e = bearer_token(net_header(r, "authorization"), &token);
	if (!e) e = access_find(t, table, r->arena, token, r->client_cert, p);
	if (e) return refuse(r, e, f);
	if (!(p->roles & r->route->roles)) {
		struct buf need = BUF_INIT(256);
		access_roles_print(r->route->roles, &need);
		e = flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "role",
			     "this needs one of the roles: %.*s", STR_ARG(buf_str(&need)));
		buf_done(&need);
		return e;
	}
	r->principal = p;
	return ERR_OK;
}

static bool name_ok(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!plain && (!c || !strchr("._@-", c))) return false;
	}
	return name.n >= 1 && name.n <= ACCESS_NAME_MAX;
}

static bool scope_ok(struct str scope)
{
	size_t items = 0;
	struct str rest = scope, part;
	while (str_split(&rest, ' ', &part)) items += part.n > 0;
	for (size_t i = 0; i < scope.n; i++)
		if ((unsigned char)scope.p[i] < ' ' || scope.p[i] == 0x7f) return false;
	return items && scope.n <= ACCESS_SCOPE_MAX && str_utf8_ok(scope, NULL);
}

enum err access_check(const struct principal *p, struct flaw *f)
{
	if (!name_ok(p->name))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "name", "credential-name",
				"a name has 1 to %d characters of A-Z a-z 0-9 . _ @ -", ACCESS_NAME_MAX);
	if (!p->roles)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "roles", "roles",
				"at least one role is needed");
	if (!scope_ok(p->scope))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "scope", "scope",
				"a scope is \"*\" or items separated by blanks, %d octets in all",
				ACCESS_SCOPE_MAX);
	if (p->expires < 0)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "expires", "time",
				"the end lies before 1970");
	return ERR_OK;
}

/* RFC 8785: members in order of name, no blanks; buf_json escapes as it demands. */
static void entry_member(struct buf *b, const char *name, struct str value)
{
	buf_byte(b, b->n ? ',' : '{');
	buf_json(b, str_of(name));
	buf_byte(b, ':');
	buf_json(b, value);
}

static enum err ledger_note(struct writer_txn *t, const char *kind, struct str who,
			    const struct principal *p)
{
	char time[CLOCK_TEXT], expires[CLOCK_TEXT];
	struct buf entry = BUF_INIT(ENTRY_MAX), roles = BUF_INIT(256);
	if (p->expires) entry_member(&entry, "expires", str_of(clock_print(p->expires, false, expires)));
	entry_member(&entry, "kind", str_of(kind));
	entry_member(&entry, "name", p->name);
	access_roles_print(p->roles, &roles);
	entry_member(&entry, "roles", buf_str(&roles));
	entry_member(&entry, "scope", p->scope);
	entry_member(&entry, "time", str_of(clock_print(t->now, true, time)));
	entry_member(&entry, "who", who);
	buf_byte(&entry, '}');
	enum err e = buf_err(&roles) ? buf_err(&roles) : buf_err(&entry);
	if (!e) e = ledger_append(t->ledger, t->store, buf_str(&entry), NULL);
	buf_done(&roles);
	buf_done(&entry);
	return e;
}

enum err access_grant(struct writer_txn *t, unsigned table, struct str who, struct str secret_sha256,
		      const struct principal *p)
{
	char skey[1 + HASH_SHA256], nkey[1 + ACCESS_NAME_MAX], row[ROW_MAX];
	struct str there, sk = secret_key(secret_sha256, skey), nk = name_key(p->name, nkey);
	must(!access_check(p, NULL));
	enum err e = store_get(t->store, table, nk, &there);
	if (e == ERR_NOT_FOUND) e = store_get(t->store, table, sk, &there);
	if (e != ERR_NOT_FOUND) return e ? e : ERR_EXISTS;
	e = store_put(t->store, table, sk, row_write(p, row));
	if (!e) e = store_put(t->store, table, nk, secret_sha256);
	return e ? e : ledger_note(t, "credential.granted", who, p);
}

enum err access_revoke(struct writer_txn *t, unsigned table, struct str who, struct str name)
{
	char skey[1 + HASH_SHA256], nkey[1 + ACCESS_NAME_MAX], row[ROW_MAX];
	struct str digest, stored;
	struct principal p;
	if (!name_ok(name)) return ERR_NOT_FOUND;
	struct str nk = name_key(name, nkey);
	enum err e = store_get(t->store, table, nk, &digest);
	if (e) return e;
	if (digest.n != HASH_SHA256) return ERR_CORRUPT;
	struct str sk = secret_key(digest, skey);
	e = store_get(t->store, table, sk, &stored);
	if (!e && stored.n > ROW_MAX) e = ERR_CORRUPT;
	if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	memcpy(row, stored.p, stored.n); /* borrowed octets end with the next write */
	e = row_parse(str_n(row, stored.n), &p);
	if (!e) e = store_del(t->store, table, nk);
	if (!e) e = store_del(t->store, table, sk);
	return e ? e : ledger_note(t, "credential.revoked", who, &p);
}

enum err access_each(struct store_txn *t, unsigned table, access_each_fn *fn, void *arg)
{
	struct store_cursor *c;
	struct str key, digest, row;
	char skey[1 + HASH_SHA256];
	enum err e = store_cursor_open(t, table, &c);
	if (e) return e;
	for (e = store_cursor_seek(c, STR("n"), &key, &digest); !e && key.n && key.p[0] == 'n';
	     e = store_cursor_next(c, &key, &digest)) {
		struct principal p;
		e = digest.n == HASH_SHA256 ? store_get(t, table, secret_key(digest, skey), &row)
					    : ERR_CORRUPT;
		if (e == ERR_NOT_FOUND) e = ERR_CORRUPT;
		if (!e) e = row_parse(row, &p);
		if (!e) e = fn(arg, &p, digest);
		if (e) break;
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err access_named(struct store_txn *t, unsigned table, struct arena *a, struct str name,
		      struct principal *ret)
{
	char skey[1 + HASH_SHA256], nkey[1 + ACCESS_NAME_MAX];
	struct str digest, row;
	struct principal p;
	enum err e = name_ok(name) ? store_get(t, table, name_key(name, nkey), &digest) : ERR_NOT_FOUND;
	if (e) return e;
	e = digest.n == HASH_SHA256 ? store_get(t, table, secret_key(digest, skey), &row) : ERR_CORRUPT;
	if (!e) e = row_parse(row, &p);
	if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	p.name = arena_dup(a, p.name);
	p.scope = arena_dup(a, p.scope);
	if (!p.name.p || !p.scope.p) return ERR_NO_MEMORY;
	*ret = p;
	return ERR_OK;
}

void access_token_make(char out[ACCESS_TOKEN_TEXT])
{
	unsigned char secret[TOKEN_RANDOM];
	struct arena *a = arena_new(512);
	must(a);
	random_bytes(secret, sizeof secret);
	struct str text = base64url_write(a, str_n(secret, sizeof secret));
	must(text.p && text.n + 3 == TOKEN_CHARS);
	memcpy(out, "kt_", 3);
	memcpy(out + 3, text.p, text.n);
	out[TOKEN_CHARS] = 0;
	explicit_bzero((void *)(uintptr_t)text.p, text.n);
	explicit_bzero(secret, sizeof secret);
	arena_free(a);
}

void access_token_hash(struct str token, unsigned char out[32])
{
	hash_sha256(token, out);
}

enum err access_roles_parse(struct str text, uint32_t *ret)
{
	uint32_t roles = 0;
	struct str rest = text, part;
	while (str_split(&rest, ' ', &part)) {
		uint32_t bit = 0;
		if (!part.n) continue;
#define X(up, low, number, help)                                                                           \
	if (str_is(part, #low)) bit = number;
		ACCESS_ROLES(X)
#undef X
		if (!bit) return ERR_BAD_INPUT;
		roles |= bit;
	}
	if (!roles) return ERR_BAD_INPUT;
	*ret = roles;
	return ERR_OK;
}

void access_roles_print(uint32_t roles, struct buf *out)
{
	const char *gap = "";
#define X(up, low, bit, help)                                                                              \
	if (roles & (bit)) {                                                                               \
		buf_add(out, str_of(gap));                                                                 \
		buf_add(out, STR(#low));                                                                   \
		gap = " ";                                                                                 \
	}
	ACCESS_ROLES(X)
#undef X
	(void)gap;
}
