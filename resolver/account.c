/* A row of the table account: name of the credential (CODE.LABEL) → u8 version = 1, u8 rights, u8 flags
 * (1 by key), name of the issuing account after its u8 length. */
#include "resolver/account.h"

#include "base/wire.h"

enum { ROW_VERSION = 1, ROW_MAX = 4 + ACCOUNT_NAME_MAX, FLAG_KEY = 1, RIGHTS_ALL = 3 };

_Static_assert((int)ACCOUNT_NAME_MAX <= (int)ACCESS_NAME_MAX, "an account's name is a credential's");

enum err account_row_read(struct str name, struct str row, struct account *ret)
{
	struct wire w = wire_reader(row);
	uint8_t version = wire_u8(&w), rights = wire_u8(&w), flags = wire_u8(&w);
	struct account x = {.name = name, .code = str_first(name, CREDIT_CODE), .rights = rights};
	x.parent = wire_bytes(&w, wire_u8(&w));
	x.by_key = flags & FLAG_KEY;
	if (!wire_ok(&w) || wire_left(&w) || version != ROW_VERSION || rights > RIGHTS_ALL ||
	    flags > FLAG_KEY || name.n <= CREDIT_CODE + 1)
		return ERR_CORRUPT;
	*ret = x;
	return ERR_OK;
}

enum err account_find(struct store_txn *t, struct str name, struct account *ret)
{
	struct str row;
	enum err e = name.n > CREDIT_CODE + 1 && name.n <= ACCOUNT_NAME_MAX
			 ? store_get(t, RS_TABLE_account, name, &row)
			 : ERR_NOT_FOUND;
	return e ? e : account_row_read(name, row, ret);
}

enum err account_each(struct store_txn *t, struct str code, account_each_fn *fn, void *arg)
{
	struct store_cursor *c;
	struct account x;
	struct str key, row;
	enum err e = store_cursor_open(t, RS_TABLE_account, &c), stop = ERR_OK;
	if (e) return e;
	for (e = store_cursor_seek(c, code, &key, &row); !e && !stop && str_starts(key, code);
	     e = store_cursor_next(c, &key, &row)) {
		stop = account_row_read(key, row, &x);
		if (!stop) stop = fn(arg, &x);
	}
	store_cursor_close(c);
	return stop ? stop : e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err account_rights_parse(struct str text, unsigned *ret)
{
	unsigned rights = 0;
	struct str rest = text, part;
	while (str_split(&rest, ' ', &part)) {
		unsigned bit = !part.n || str_is(part, "read") ? RIGHTS_ALL + 1 : 0;
#define X(name, number, word)                                                                              \
	if (str_is(part, word)) bit = number;
		ACCOUNT_RIGHTS(X)
#undef X
		if (!bit) return ERR_BAD_INPUT;
		rights |= bit & RIGHTS_ALL;
	}
	*ret = rights;
	return ERR_OK;
}

void account_rights_print(unsigned rights, struct buf *out)
{
	buf_add(out, STR("read"));
#define X(name, bit, word)                                                                                 \
	if (rights & (bit)) buf_add(out, STR(" " word));
	ACCOUNT_RIGHTS(X)
#undef X
}

bool account_label_ok(struct str label)
{
	for (size_t i = 0; i < label.n; i++) {
		char c = label.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!plain && c != '-' && c != '_') return false;
	}
	return label.n >= 1 && label.n <= ACCOUNT_LABEL_MAX;
}

/* ---- issuing ---------------------------------------------------------------------------- */

/* What the issuer has to give. */
struct purse {
	struct str prefixes[ENTERPRISE_PREFIXES_MAX]; /* key octets */
	size_t n;
	unsigned rights, standard; /* at most; when none are named */
	usec_t expires;
};

static enum err refuse(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, at, rule, "%s", text);
}

static enum err add_prefixes(struct arena *a, struct str scope, struct purse *p)
{
	struct str rest = scope, part;
	struct id_prefix one;
	while (str_split(&rest, ' ', &part)) {
		if (!part.n) continue;
		if (p->n == ENTERPRISE_PREFIXES_MAX) return ERR_TOO_LARGE;
		enum err e = id_prefix_parse(a, part, NULL, &one);
		if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
		p->prefixes[p->n++] = one.key;
	}
	return ERR_OK;
}

static enum err open_purse(const struct account_issue *i, const struct enterprise *x, struct store_txn *t,
			   struct arena *a, struct purse *p, struct flaw *f)
{
	struct account issuer;
	struct principal has;
	*p = (struct purse){.rights = RIGHTS_ALL, .standard = RIGHTS_ALL, .n = x->prefixes_n};
	memcpy(p->prefixes, x->prefixes, x->prefixes_n * sizeof *x->prefixes);
	if (!i->issuer.n) return ERR_OK;
	enum err e = account_find(t, i->issuer, &issuer);
	if (!e) e = access_named(t, RS_TABLE_credential, a, i->issuer, &has);
	if (e == ERR_NOT_FOUND || (!e && !(issuer.rights & ACCOUNT_ISSUE)))
		return refuse(f, "authorization", "account-right", "this account may not issue accounts");
	if (e) return e;
	p->n = 0;
	p->rights = issuer.rights;
	p->standard = issuer.rights & ACCOUNT_CHANGE;
	p->expires = has.expires;
	return add_prefixes(a, has.scope, p);
}

static bool purse_covers(const struct purse *p, struct str key)
{
	for (size_t i = 0; i < p->n; i++)
		if (id_prefix_covers(p->prefixes[i], key)) return true;
	return false;
}

static enum err whole_scope(const struct purse *p, struct arena *a, struct str *ret)
{
	struct buf b = BUF_INIT(ACCESS_SCOPE_MAX);
	struct id_prefix one;
	enum err e = ERR_OK;
	for (size_t i = 0; i < p->n && !e; i++) {
		e = id_prefix_from_key(a, p->prefixes[i], NULL, &one);
		if (b.n) buf_byte(&b, ' ');
		if (!e) buf_add(&b, one.text);
	}
	if (!e) e = buf_err(&b);
	if (!e) *ret = arena_dup(a, buf_str(&b));
	buf_done(&b);
	return !e && !ret->p ? ERR_NO_MEMORY : e;
}

static enum err check_scope(const struct account_issue *i, const struct purse *p, struct arena *a,
			    struct flaw *f, struct str *ret)
{
	struct str rest = i->scope, part;
	struct id_prefix one;
	struct flaw why = {0};
	if (!str_trim(i->scope).n) return whole_scope(p, a, ret);
	while (str_split(&rest, ' ', &part)) {
		if (!part.n) continue;
		enum err e = id_prefix_parse(a, part, &why, &one);
		if (e == ERR_NO_MEMORY) return e;
		if (e)
			return flaw_set(f, ERR_BAD_INPUT, why.offset, "scope", why.rule, "\"%.*s\": %s",
					STR_ARG(str_first(part, 60)), why.text);
		if (!purse_covers(p, one.key))
			return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "scope", "account-scope",
					"%.*s does not lie in what the issuer has",
					STR_ARG(str_first(part, 100)));
	}
	*ret = i->scope;
	return ERR_OK;
}

static enum err check_issue(const struct account_issue *i, const struct purse *p, struct arena *a,
			    struct flaw *f, struct principal *ret)
{
	struct principal g = {.roles = ROLE_ENTERPRISE, .expires = i->expires ? i->expires : p->expires};
	g.name = arena_printf(a, "%.*s.%.*s", STR_ARG(i->code), STR_ARG(i->label));
	if (!g.name.p) return ERR_NO_MEMORY;
	if (p->expires && g.expires > p->expires)
		return refuse(f, "expires", "account-term", "an account ends no later than its issuer");
	if (i->has_rights && i->rights & ~p->rights)
		return refuse(f, "rights", "account-rights",
			      "an account has no right that its issuer lacks");
	enum err e = p->n ? check_scope(i, p, a, f, &g.scope)
			  : refuse(f, "scope", "account-scope", "no prefix has been allocated yet");
	if (!e) e = access_check(&g, f);
	if (!e) *ret = g;
	return e;
}

static enum err count_one(void *arg, const struct account *x)
{
	(void)x;
	++*(size_t *)arg;
	return ERR_OK;
}

static enum err check_number(struct store_txn *t, struct str code, struct flaw *f)
{
	size_t n = 0;
	enum err e = account_each(t, code, count_one, &n);
	if (e || n < ACCOUNTS_MAX) return e;
	return flaw_set(f, ERR_QUOTA, FLAW_NO_OFFSET, "label", "accounts-number",
			"an enterprise has at most %d accounts", ACCOUNTS_MAX);
}

static enum err row_put(struct writer_txn *t, const struct account *x)
{
	char row[ROW_MAX];
	struct wire w = wire_writer(row, sizeof row);
	wire_put_u8(&w, ROW_VERSION);
	wire_put_u8(&w, (uint8_t)x->rights);
	wire_put_u8(&w, x->by_key ? FLAG_KEY : 0);
	wire_put_u8(&w, (uint8_t)x->parent.n);
	wire_put(&w, x->parent);
	must(wire_ok(&w));
	return store_put(t->store, RS_TABLE_account, x->name, wire_str(&w));
}

/* Makes room for the name: an account by key is renewed, and what it issued goes on, for the key is the
 * same; one that the operator revoked is forgotten. */
static enum err clear_name(const struct account_issue *i, struct str name, struct writer_txn *t,
			   struct arena *a, struct flaw *f)
{
	struct account old;
	struct principal p;
	enum err e = account_find(t->store, name, &old);
	if (e == ERR_NOT_FOUND) return check_number(t->store, i->code, f);
	if (e) return e;
	if (i->by_key && old.by_key) {
		e = access_revoke(t, RS_TABLE_credential, i->who, name);
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	e = access_named(t->store, RS_TABLE_credential, a, name, &p);
	if (e == ERR_NOT_FOUND) return account_revoke(t, a, i->who, name);
	return e ? e
		 : flaw_set(f, ERR_EXISTS, FLAW_NO_OFFSET, "label", "account-taken",
			    "an account of that name exists");
}

enum err account_issue(struct account_issue *i, const struct enterprise *x, struct writer_txn *t,
		       struct arena *a, struct flaw *f)
{
	struct purse p;
	enum err e = open_purse(i, x, t->store, a, &p, f);
	if (!e) e = check_issue(i, &p, a, f, &i->given);
	if (!e) e = clear_name(i, i->given.name, t, a, f);
	struct account row = {.name = i->given.name,
			      .rights = i->has_rights ? i->rights : p.standard,
			      .by_key = i->by_key,
			      .parent = i->issuer};
	if (e) return e;
	i->rights = row.rights;
	e = access_grant(t, RS_TABLE_credential, i->who, str_n(i->digest, sizeof i->digest), &i->given);
	return e ? e : row_put(t, &row);
}

/* ---- revoking --------------------------------------------------------------------------- */

struct flock {
	struct arena *arena;
	struct account all[ACCOUNTS_MAX];
	bool doomed[ACCOUNTS_MAX];
	size_t n;
};

static enum err gather(void *arg, const struct account *x)
{
	struct flock *k = arg;
	if (k->n == ACCOUNTS_MAX) return ERR_CORRUPT;
	struct account *to = &k->all[k->n++];
	to->by_key = x->by_key;
	to->name = arena_dup(k->arena, x->name);
	to->parent = arena_dup(k->arena, x->parent);
	return arena_overflowed(k->arena) ? ERR_NO_MEMORY : ERR_OK;
}

/* The doomed take along what they issued. */
static void doom_children(struct flock *k)
{
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < k->n; i++)
			for (size_t j = 0; j < k->n && !k->doomed[i]; j++)
				if (k->doomed[j] && str_eq(k->all[i].parent, k->all[j].name))
					more = k->doomed[i] = true;
	}
}

static enum err revoke_doomed(struct writer_txn *t, struct str who, const struct flock *k)
{
	enum err e = ERR_OK;
	for (size_t i = 0; i < k->n && !e; i++) {
		if (!k->doomed[i]) continue;
		e = access_revoke(t, RS_TABLE_credential, who, k->all[i].name);
		if (e == ERR_NOT_FOUND) e = ERR_OK; /* the operator was faster */
		if (!e) e = store_del(t->store, RS_TABLE_account, k->all[i].name);
	}
	return e;
}

static enum err flock_new(struct store_txn *t, struct arena *a, struct str code, struct flock **ret)
{
	struct flock *k = ARENA_NEW(a, struct flock);
	if (!k) return ERR_NO_MEMORY;
	k->arena = a;
	*ret = k;
	return account_each(t, code, gather, k);
}

bool account_descends(struct store_txn *t, struct arena *a, struct str name, struct str above)
{
	struct account x;
	for (size_t i = 0; i < ACCOUNTS_MAX && name.n; i++) {
		if (str_eq(name, above)) return true;
		if (account_find(t, name, &x)) return false;
		name = arena_dup(a, x.parent);
	}
	return false;
}

enum err account_revoke(struct writer_txn *t, struct arena *a, struct str who, struct str name)
{
	struct flock *k;
	bool found = false;
	if (name.n <= CREDIT_CODE) return ERR_NOT_FOUND;
	enum err e = flock_new(t->store, a, str_first(name, CREDIT_CODE), &k);
	for (size_t i = 0; !e && i < k->n; i++) found |= k->doomed[i] = str_eq(k->all[i].name, name);
	if (!e && !found) e = ERR_NOT_FOUND;
	if (e) return e;
	doom_children(k);
	return revoke_doomed(t, who, k);
}

enum err account_revoke_all(struct writer_txn *t, struct arena *a, struct str who, struct str code,
			    bool by_key_only)
{
	struct flock *k;
	enum err e = flock_new(t->store, a, code, &k);
	if (e) return e;
	for (size_t i = 0; i < k->n; i++) k->doomed[i] = !by_key_only || k->all[i].by_key;
	doom_children(k);
	return revoke_doomed(t, who, k);
}
