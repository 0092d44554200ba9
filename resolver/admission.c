/* Rows of the table usage: credit code (18) → be64 identifiers; "applied" → be64 applications waiting. */
#include "resolver/admission.h"

#include "net/access.h"
#include "resolver/account.h"
#include "resolver/allocation.h"

#define WAITING STR("applied")

static enum err read_count(struct store_txn *t, struct str key, uint64_t *ret)
{
	struct str row;
	enum err e = store_get(t, RS_TABLE_usage, key, &row);
	*ret = 0;
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (row.n != 8) return ERR_CORRUPT;
	*ret = store_u64(row);
	return ERR_OK;
}

static enum err add_count(struct writer_txn *t, struct str key, int64_t more)
{
	unsigned char row[8];
	uint64_t n;
	enum err e = read_count(t->store, key, &n);
	return e ? e : store_put(t->store, RS_TABLE_usage, key, store_key_u64(row, n + (uint64_t)more));
}

enum err admission_usage(struct store_txn *t, struct str code, uint64_t *ret)
{
	return read_count(t, code, ret);
}

enum err admission_adopt(struct writer_txn *t, struct str code, uint64_t n)
{
	return add_count(t, code, (int64_t)n);
}

enum err admission_waiting(struct store_txn *t, uint64_t *ret)
{
	return read_count(t, WAITING, ret);
}

enum err admission_wait(struct writer_txn *t, int more)
{
	return add_count(t, WAITING, more);
}

/* ---- a change set ----------------------------------------------------------------------- */

/* What one set does to one enterprise. */
struct party {
	struct str code;                     /* in the arena */
	uint64_t created, room;              /* new ones of the set; that the quota leaves */
	const struct registry_change *first; /* for the flaw */
	struct party *next;
};

struct review {
	const struct registry_set *set;
	struct store_txn *txn;
	struct arena *arena;
	struct flaw *flaw;
	struct party *parties;
	bool registrar, account_known, is_account;
	struct account account;
};

static enum err refuse(const struct review *v, const struct registry_change *c, enum err e,
		       const char *rule, const char *text)
{
	char at[64] = "id";
	if (v->set->batch) snprintf(at, sizeof at, "records[%zu].id", c->place);
	return flaw_set(v->flaw, e, FLAW_NO_OFFSET, at, rule, "%.*s: %s",
			c->id.text.n > 80 ? 80 : (int)c->id.text.n, c->id.text.p, text);
}

/* Whose account asks; nobody's is the operator's own credential, or the node itself. */
static enum err know_account(struct review *v)
{
	struct account found;
	if (v->account_known) return ERR_OK;
	enum err e = account_find(v->txn, v->set->who, &found);
	if (e && e != ERR_NOT_FOUND) return e;
	v->account_known = true;
	v->is_account = !e;
	if (!e)
		v->account =
		    (struct account){.code = str_first(v->set->who, CREDIT_CODE), .rights = found.rights};
	return ERR_OK;
}

static enum err check_account(struct review *v, const struct registry_change *c, struct str code)
{
	if (v->registrar) return ERR_OK;
	enum err e = know_account(v);
	if (e || !v->is_account) return e;
	if (!str_eq(v->account.code, code))
		return refuse(v, c, ERR_FORBIDDEN, "foreign-prefix",
			      "it lies under another enterprise's prefix");
	if (!(v->account.rights & ACCOUNT_CHANGE))
		return refuse(v, c, ERR_FORBIDDEN, "account-right", "this account may only read");
	return ERR_OK;
}

static enum err check_state(struct review *v, const struct registry_change *c, const struct enterprise *x)
{
	if (x->state == ENTERPRISE_HANDED_OVER)
		return refuse(v, c, ERR_NOT_RESPONSIBLE, "handed-over",
			      "its prefix was handed over to another node");
	/* a registrar may still retire what must not stay */
	if (v->registrar || x->state == ENTERPRISE_APPROVED) return ERR_OK;
	if (x->state == ENTERPRISE_SUSPENDED)
		return refuse(v, c, ERR_FORBIDDEN, "enterprise-suspended", "its enterprise is suspended");
	return refuse(v, c, ERR_FORBIDDEN, "enterprise-closed", "its enterprise is not admitted any more");
}

/* Once for each enterprise of the set. */
static enum err begin_party(struct review *v, const struct registry_change *c, struct str code,
			    struct party **ret)
{
	struct enterprise x;
	for (struct party *p = v->parties; p; p = p->next)
		if (str_eq(p->code, code)) {
			*ret = p;
			return ERR_OK;
		}
	struct arena_mark mark = arena_mark(v->arena);
	enum err e = enterprise_find(v->txn, v->arena, code, &x);
	if (e == ERR_NOT_FOUND) e = ERR_CORRUPT;
	if (!e) e = check_state(v, c, &x);
	if (!e) e = check_account(v, c, code);
	uint64_t used = 0;
	if (!e) e = admission_usage(v->txn, code, &used);
	arena_rollback(v->arena, mark);
	if (e) return e;
	struct party *p = ARENA_NEW(v->arena, struct party);
	if (!p) return ERR_NO_MEMORY;
	*p = (struct party){.code = arena_dup(v->arena, code),
			    .first = c,
			    .room = !x.quota         ? UINT64_MAX
				    : used < x.quota ? x.quota - used
						     : 0,
			    .next = v->parties};
	if (!p->code.p) return ERR_NO_MEMORY;
	*ret = v->parties = p;
	return ERR_OK;
}

/* An enterprise's account may have a scope over what was taken back since. */
static enum err check_unallocated(struct review *v, const struct registry_change *c)
{
	enum err e = v->registrar ? ERR_OK : know_account(v);
	if (e || v->registrar || !v->is_account) return e;
	return refuse(v, c, ERR_FORBIDDEN, "foreign-prefix", "it lies under no prefix of its enterprise");
}

/* Where the changes before this one were: their order is that of keys, so that those of one allocation
 * stand together. */
struct run {
	struct party *party;
	struct str allocation; /* a part of a change's own key; p NULL: none */
};

static enum err look_at(struct review *v, struct run *r, struct registry_change *c)
{
	struct allocation x;
	if (!r->allocation.p || !str_starts(c->id.key, r->allocation)) {
		r->allocation = STR_NONE;
		enum err e = allocation_find(v->txn, c->id.key, c->authority.n, &x);
		if (e == ERR_NOT_FOUND) return check_unallocated(v, c);
		if (!e) e = begin_party(v, c, x.code, &r->party);
		if (e) return e;
		r->allocation = x.prefix;
	}
	/* a set that is judged change by change loses those beyond the quota; any other is refused whole */
	if (v->set->judge && c->created && r->party->created >= r->party->room)
		return refuse(v, c, ERR_QUOTA, "enterprise-quota",
			      "the quota of its enterprise is used up");
	c->allocation = r->allocation;
	r->party->created += c->created;
	return ERR_OK;
}

static enum err look_at_all(struct review *v, struct registry_set *s)
{
	struct run r = {.party = NULL};
	for (size_t i = 0; i < s->n; i++) {
		struct registry_change *c = &s->changes[i];
		if (s->judge && c->unchanged) continue; /* the same as it was, or refused already */
		enum err e = look_at(v, &r, c);
		if (e && s->judge) {
			r.allocation = STR_NONE; /* the next one is told for itself */
			e = s->judge(s, c, v->txn, e, v->flaw);
		}
		if (e) return e;
	}
	return ERR_OK;
}

static enum err check_quota(const struct review *v, const struct party *p)
{
	struct enterprise x;
	uint64_t used;
	struct arena_mark mark = arena_mark(v->arena);
	enum err e = enterprise_find(v->txn, v->arena, p->code, &x);
	if (!e) e = admission_usage(v->txn, p->code, &used);
	arena_rollback(v->arena, mark);
	if (e || !p->created || !x.quota || (used <= x.quota && p->created <= x.quota - used)) return e;
	return flaw_set(
	    v->flaw, ERR_QUOTA, FLAW_NO_OFFSET, v->set->batch ? "records" : "id", "enterprise-quota",
	    "%.*s may register %llu identifiers, has %llu and asks for %llu more", STR_ARG(p->code),
	    (unsigned long long)x.quota, (unsigned long long)used, (unsigned long long)p->created);
}

enum err admission_pass(struct registry_set *s, struct writer_txn *t, struct arena *a, struct flaw *f)
{
	if (!allocation_any(t->store)) return ERR_OK;
	struct review v = {
	    .set = s, .txn = t->store, .arena = a, .flaw = f, .registrar = s->roles & ROLE_REGISTRAR};
	enum err e = look_at_all(&v, s);
	for (struct party *p = v.parties; p && !e && !s->judge; p = p->next) e = check_quota(&v, p);
	for (struct party *p = v.parties; p && !e; p = p->next)
		if (p->created) e = add_count(t, p->code, (int64_t)p->created);
	return e;
}
