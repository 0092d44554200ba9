/* Steps of enterprises: each checks first and writes after, in one writer command. */
#include "base/hash.h"
#include "resolver/account.h"
#include "resolver/admission.h"
#include "resolver/allocation.h"
#include "resolver/delegation.h"
#include "resolver/enterprise.h"
#include "resolver/entry.h"
#include "resolver/face.h"
#include "resolver/prefix_record.h"

static const struct {
	enum enterprise_state to;
	const char *kind;
} steps[] = {
#define X(name, word, from, to, kind) {ENTERPRISE_##to, kind},
    ENTERPRISE_STEPS(X)
#undef X
};

/* ---- what is common to all -------------------------------------------------------------- */

/* The enterprise as it is; for a step that may begin one, ERR_OK and the state none. */
static enum err find(const struct enterprise_act *act, struct store_txn *t, struct arena *a,
		     struct enterprise *ret)
{
	enum err e = enterprise_find(t, a, enterprise_code(&act->x), ret);
	if (e != ERR_NOT_FOUND) return e;
	*ret = (struct enterprise){.state = ENTERPRISE_NONE};
	memcpy(ret->code, act->x.code, CREDIT_CODE);
	return ERR_OK;
}

/* A registrar decides about enterprises whose prefixes all lie in its scope. */
static enum err check_scope(const struct enterprise_act *act, const struct enterprise *x, struct flaw *f)
{
	if (!act->scope) return ERR_OK;
	for (size_t i = 0; i < x->prefixes_n; i++)
		if (!scope_covers(act->scope, x->prefixes[i]))
			return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "scope",
					"the credential's scope does not cover the enterprise's prefixes");
	return ERR_OK;
}

static enum err must_be_approved(const struct enterprise *x, struct flaw *f)
{
	if (x->state == ENTERPRISE_APPROVED) return ERR_OK;
	if (x->state == ENTERPRISE_NONE)
		return flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "code", "enterprise",
				"no enterprise of that code has applied");
	return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "state", "enterprise-state",
			"the enterprise is %s; this needs: approved", enterprise_state_word(x->state));
}

static void entry_prefixes(struct buf *entry, struct arena *a, const struct enterprise *x)
{
	struct buf all = BUF_INIT(ACCESS_SCOPE_MAX * 2);
	struct id_prefix p;
	for (size_t i = 0; i < x->prefixes_n; i++) {
		if (id_prefix_from_key(a, x->prefixes[i], NULL, &p)) continue;
		if (all.n) buf_byte(&all, ' ');
		buf_add(&all, p.text);
	}
	if (all.n) entry_text(entry, "prefixes", buf_str(&all));
	buf_done(&all);
}

/* Stores the enterprise and notes what happened. What a person can be reached by stands in the ledger as
 * part of a digest only: it can be forgotten one day. */
static enum err settle(const struct enterprise_act *act, const char *kind, struct enterprise *x,
		       struct writer_txn *t, struct arena *a)
{
	unsigned char digest[HASH_SHA256];
	struct buf entry, row = BUF_INIT(ENTERPRISE_PACKED_MAX);
	x->changed = t->now;
	enum err e = enterprise_pack(x, &row);
	hash_sha256(buf_str(&row), digest);
	if (!e) e = store_put(t->store, RS_TABLE_enterprise, enterprise_code(x), buf_str(&row));
	buf_done(&row);
	if (e) return e;
	entry_open(&entry);
	entry_text(&entry, "code", enterprise_code(x));
	entry_digest(&entry, "digest", digest);
	entry_text(&entry, "kind", str_of(kind));
	entry_text(&entry, "name", x->name);
	if (x->node.n) entry_text(&entry, "node", x->node);
	entry_prefixes(&entry, a, x);
	if (x->quota) entry_number(&entry, "quota", x->quota);
	if (x->reason.n) entry_text(&entry, "reason", x->reason);
	if (x->withheld) entry_text(&entry, "resolve", STR("no"));
	if (x->review.n) entry_text(&entry, "review", x->review);
	uint64_t leaf;
	e = entry_append(&entry, t, act->who, &leaf);
	return e ? e : enterprise_note(t, enterprise_code(x), leaf);
}

/* ---- prefixes --------------------------------------------------------------------------- */

/* Settles which prefix is meant: the one named, the next number, or the one the applicant wanted. */
static enum err choose(const struct enterprise_act *act, const struct enterprise *x, struct store_txn *t,
		       struct arena *a, struct flaw *f, struct id_prefix *ret)
{
	const struct rs *rs = act->rs;
	if (act->prefix.key.n) {
		*ret = act->prefix;
		return ERR_OK;
	}
	if (!act->under.key.n && x->wanted.n) return id_prefix_parse(a, x->wanted, f, ret);
	struct id_prefix under = act->under;
	for (size_t i = 0; !under.key.n && i < rs->o.authority_n; i++)
		if (rs->ours[i].scheme == ID_HANDLE && scope_covers(act->scope, rs->ours[i].key))
			under = rs->ours[i];
	if (!under.key.n)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "prefix", "required",
				"name a prefix, or one of this node's to number under");
	return allocation_next(t, a, &under, f, ret);
}

static enum err check_room(const struct enterprise *x, const struct id_prefix *p, struct arena *a,
			   struct flaw *f)
{
	size_t octets = p->text.n;
	struct id_prefix one;
	for (size_t i = 0; i < x->prefixes_n; i++) {
		enum err e = id_prefix_from_key(a, x->prefixes[i], NULL, &one);
		if (e) return e;
		octets += one.text.n + 1;
	}
	if (x->prefixes_n < ENTERPRISE_PREFIXES_MAX && octets <= ACCESS_SCOPE_MAX) return ERR_OK;
	return flaw_set(f, ERR_QUOTA, FLAW_NO_OFFSET, "prefix", "prefixes-number",
			"an enterprise has at most %d prefixes, together of %d octets",
			ENTERPRISE_PREFIXES_MAX, ACCESS_SCOPE_MAX);
}

/* All checks, then all writes: *ret has the prefix, x has it at its end. */
static enum err allocate(const struct enterprise_act *act, struct enterprise *x, struct writer_txn *t,
			 struct arena *a, struct flaw *f)
{
	struct id_prefix p;
	uint64_t there;
	enum err e = choose(act, x, t->store, a, f, &p);
	if (e) return e;
	const struct id_prefix *above = allocation_authority(act->rs->ours, act->rs->o.authority_n, p.key);
	if (!above)
		return flaw_set(f, ERR_NOT_RESPONSIBLE, FLAW_NO_OFFSET, "prefix", "authority",
				"%.*s does not lie under a prefix that this node answers for",
				STR_ARG(str_first(p.text, 80)));
	if (above->key.n == p.key.n && !act->whole)
		return flaw_set(f, ERR_NOT_RESPONSIBLE, FLAW_NO_OFFSET, "prefix", "authority",
				"%.*s is all of a prefix that this node answers for: confirm it by whole",
				STR_ARG(str_first(p.text, 80)));
	if (!scope_covers(act->scope, p.key))
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "prefix", "scope",
				"the credential's scope does not cover %.*s",
				STR_ARG(str_first(p.text, 80)));
	e = check_room(x, &p, a, f);
	if (!e) e = allocation_check(t->store, &p, above->key.n, act->adopt, f, &there);
	if (e) return e;
	x->prefixes[x->prefixes_n++] = p.key;
	e = allocation_put(t, p.key, enterprise_code(x));
	bool numbered = !act->prefix.key.n && (act->under.key.n || !x->wanted.n);
	if (!e && numbered) {
		struct id_prefix under = {.text = str_first(p.text, str_rfind(p.text, '.'))};
		under.key = act->under.key.n ? act->under.key : above->key;
		e = allocation_taken(t, &under, &p);
	}
	if (!e && there) e = admission_adopt(t, enterprise_code(x), there);
	return e ? e : prefix_record_write(act->rs, x, &p, act->who, t, a);
}

static enum err withhold(struct enterprise *x, bool withheld, struct writer_txn *t)
{
	enum err e = ERR_OK;
	for (size_t i = 0; i < x->prefixes_n && !e; i++)
		e = allocation_withhold(t, x->prefixes[i], withheld);
	x->withheld = withheld;
	return e;
}

static enum err write_prefix_records(const struct enterprise_act *act, const struct enterprise *x,
				     struct writer_txn *t, struct arena *a)
{
	enum err e = ERR_OK;
	for (size_t i = 0; i < x->prefixes_n && !e; i++) {
		struct id_prefix p;
		e = id_prefix_from_key(a, x->prefixes[i], NULL, &p);
		if (!e) e = prefix_record_write(act->rs, x, &p, act->who, t, a);
	}
	return e;
}

/* ---- the steps -------------------------------------------------------------------------- */

static enum err apply(const struct enterprise_act *act, struct enterprise *x, struct writer_txn *t,
		      struct flaw *f)
{
	const struct enterprise *said = &act->x;
	uint64_t waiting;
	enum err e = admission_waiting(t->store, &waiting);
	if (e) return e;
	if (waiting >= ENTERPRISE_WAITING_MAX)
		return flaw_set(f, ERR_QUOTA, FLAW_NO_OFFSET, "code", "applications-waiting",
				"%d applications wait for their review already", ENTERPRISE_WAITING_MAX);
	x->name = said->name;
	x->person = said->person;
	x->phone = said->phone;
	x->email = said->email;
	x->wanted = said->wanted;
	x->open = said->open;
	x->has_key = said->has_key;
	memcpy(x->key, said->key, sizeof x->key);
	x->review = x->reason = x->node = STR("");
	x->applied = t->now;
	return ERR_OK;
}

/* Who sent an application from outside may have put a key of its own under another's name: the registrar
 * repeats the key as the enterprise has told it. */
static enum err confirm_key(const struct enterprise_act *act, const struct enterprise *x, struct flaw *f)
{
	bool same = act->x.has_key && memcmp(act->x.key, x->key, sizeof x->key) == 0;
	if (x->has_key && (act->x.has_key ? !same : x->open))
		return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "key", "key-unconfirmed",
				act->x.has_key
				    ? "the application names another key"
				    : "anybody may have sent the application: ask the enterprise for its "
				      "key and name it here");
	if (!x->has_key && act->x.has_key)
		return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "key", "key-unconfirmed",
				"the application names no key");
	return ERR_OK;
}

static enum err approve(const struct enterprise_act *act, struct enterprise *x, struct writer_txn *t,
			struct arena *a, struct flaw *f)
{
	enum err e = confirm_key(act, x, f);
	if (e) return e;
	x->open = false;
	/* one that comes back has its prefixes still */
	bool another = !x->prefixes_n || act->prefix.key.n || act->under.key.n;
	x->review = act->review;
	x->quota = act->has_quota ? act->quota : act->rs->o.quota;
	if (another) e = allocate(act, x, t, a, f);
	if (!e) e = withhold(x, false, t);
	return e ? e : write_prefix_records(act, x, t, a);
}

/* What was delegated to this node as a whole is not this node's to delegate. */
static enum err check_not_all(const struct rs *rs, const struct id_prefix *p, struct flaw *f)
{
	const struct id_prefix *above = allocation_authority(rs->ours, rs->o.authority_n, p->key);
	if (!above || above->key.n < p->key.n) return ERR_OK;
	return flaw_set(f, ERR_NOT_RESPONSIBLE, FLAW_NO_OFFSET, "prefix", "authority",
			"%.*s is a prefix of this node itself: its superior delegates it to the other node",
			STR_ARG(str_first(p->text, 80)));
}

static enum err hand_over(const struct enterprise_act *act, struct enterprise *x, struct writer_txn *t,
			  struct arena *a, struct flaw *f)
{
	const struct rs *rs = act->rs;
	struct delegation_signer signer = {rs->o.key, rs->kid, rs->did};
	struct buf packed = BUF_INIT(ENVELOPE_PACKED_MAX);
	enum err e = ERR_OK;
	/* once more renews the delegation, to the node that has it */
	if (x->state == ENTERPRISE_HANDED_OVER && !str_eq(x->node, act->to->child))
		e = flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "did", "handed-over",
			     "the enterprise was handed over to %.*s", STR_ARG(str_first(x->node, 120)));
	for (size_t i = 0; i < x->prefixes_n && !e; i++) {
		struct delegation d = *act->to;
		struct id_prefix p;
		e = id_prefix_from_key(a, x->prefixes[i], NULL, &p);
		if (!e) e = check_not_all(rs, &p, f);
		d.scheme = p.scheme;
		d.prefix = p.key;
		d.prefix_text = p.text;
		if (!e) e = delegation_put(t, &signer, act->who, &d, &packed);
		if (e == ERR_CONFLICT)
			e = flaw_set(f, e, FLAW_NO_OFFSET, "prefix", "delegated",
				     "a prefix above %.*s is delegated to another node",
				     STR_ARG(str_first(p.text, 80)));
	}
	buf_done(&packed);
	x->node = act->to->child;
	if (!e) e = withhold(x, false, t);
	return e ? e : account_revoke_all(t, a, act->who, enterprise_code(x), false);
}

static enum err take(struct enterprise_act *act, struct enterprise *x, struct writer_txn *t,
		     struct arena *a, struct flaw *f)
{
	enum err e = ERR_OK;
	switch (act->step) {
	case STEP_APPLY: return apply(act, x, t, f);
	case STEP_APPROVE: return approve(act, x, t, a, f);
	case STEP_REJECT: x->reason = act->reason; return ERR_OK;
	case STEP_SUSPEND: x->reason = act->reason; return withhold(x, act->withhold, t);
	case STEP_REINSTATE: x->reason = STR(""); return withhold(x, false, t);
	case STEP_HAND_OVER: return hand_over(act, x, t, a, f);
	case STEP_CLOSE:
		x->reason = act->reason;
		e = withhold(x, act->withhold, t);
		return e ? e : account_revoke_all(t, a, act->who, enterprise_code(x), false);
	}
	return ERR_INTERNAL;
}

enum err enterprise_take(struct enterprise_act *act, struct writer_txn *t, struct arena *a, struct flaw *f)
{
	struct enterprise x;
	enum err e = find(act, t->store, a, &x);
	if (!e) e = check_scope(act, &x, f);
	if (!e) e = enterprise_step_check(act->step, x.state, f);
	if (e) return e;
	enum enterprise_state from = x.state;
	e = take(act, &x, t, a, f);
	if (e) return e;
	x.state = steps[act->step].to;
	if (from == ENTERPRISE_APPLIED || x.state == ENTERPRISE_APPLIED)
		e = admission_wait(t, x.state == ENTERPRISE_APPLIED ? 1 : -1);
	if (!e) e = settle(act, steps[act->step].kind, &x, t, a);
	if (!e) act->after = x;
	return e;
}

/* ---- changes without a step ------------------------------------------------------------- */

static enum err find_approved(const struct enterprise_act *act, struct writer_txn *t, struct arena *a,
			      struct flaw *f, struct enterprise *ret)
{
	enum err e = find(act, t->store, a, ret);
	if (!e) e = check_scope(act, ret, f);
	return e ? e : must_be_approved(ret, f);
}

enum err enterprise_allocate(struct enterprise_act *act, struct writer_txn *t, struct arena *a,
			     struct flaw *f)
{
	struct enterprise x;
	enum err e = find_approved(act, t, a, f, &x);
	if (e) return e;
	x.wanted = STR(""); /* the first prefix was that one */
	e = allocate(act, &x, t, a, f);
	if (!e) e = settle(act, "enterprise.prefix-allocated", &x, t, a);
	if (!e) act->after = x;
	return e;
}

enum err enterprise_release(struct enterprise_act *act, struct writer_txn *t, struct arena *a,
			    struct flaw *f)
{
	struct enterprise x;
	size_t i = 0;
	enum err e = find_approved(act, t, a, f, &x);
	if (e) return e;
	while (i < x.prefixes_n && !str_eq(x.prefixes[i], act->prefix.key)) i++;
	if (i == x.prefixes_n)
		return flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "prefix", "prefix",
				"the enterprise has no such prefix");
	e = allocation_release(t, &act->prefix, f);
	if (e) return e;
	memmove(x.prefixes + i, x.prefixes + i + 1, (x.prefixes_n - i - 1) * sizeof *x.prefixes);
	x.prefixes_n--;
	e = prefix_record_retire(&act->prefix, act->who, t, a);
	if (!e) e = settle(act, "enterprise.prefix-released", &x, t, a);
	if (!e) act->after = x;
	return e;
}

enum err enterprise_set_quota(struct enterprise_act *act, struct writer_txn *t, struct arena *a,
			      struct flaw *f)
{
	struct enterprise x;
	enum err e = find(act, t->store, a, &x);
	if (!e) e = check_scope(act, &x, f);
	/* a suspended one may be given its bounds before it is reinstated */
	if (!e && x.state != ENTERPRISE_SUSPENDED) e = must_be_approved(&x, f);
	if (e) return e;
	x.quota = act->quota;
	e = settle(act, "enterprise.quota", &x, t, a);
	if (!e) act->after = x;
	return e;
}

enum err enterprise_set_contact(struct enterprise_act *act, struct writer_txn *t, struct arena *a,
				struct flaw *f)
{
	struct enterprise x;
	enum err e = find_approved(act, t, a, f, &x);
	if (e) return e;
	if (act->x.person.p) x.person = act->x.person;
	if (act->x.phone.p) x.phone = act->x.phone;
	if (act->x.email.p) x.email = act->x.email;
	e = settle(act, "enterprise.changed", &x, t, a);
	if (!e) act->after = x;
	return e;
}

enum err enterprise_set_key(struct enterprise_act *act, struct writer_txn *t, struct arena *a,
			    struct flaw *f)
{
	struct enterprise x;
	enum err e = find_approved(act, t, a, f, &x);
	if (e) return e;
	if (act->x.proved <= x.proved)
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "challenge", "challenge-used",
				"the challenge was answered before, or a newer one was: ask for another");
	bool same = x.has_key && memcmp(x.key, act->x.key, sizeof x.key) == 0;
	x.has_key = true;
	x.proved = act->x.proved;
	memcpy(x.key, act->x.key, sizeof x.key);
	if (!same) e = account_revoke_all(t, a, act->who, enterprise_code(&x), true);
	if (!e) e = write_prefix_records(act, &x, t, a);
	if (!e) e = settle(act, "enterprise.key", &x, t, a);
	if (!e) act->after = x;
	return e;
}

enum err enterprise_note_export(struct enterprise_act *act, struct writer_txn *t, struct arena *a,
				struct flaw *f)
{
	struct enterprise x;
	struct buf entry;
	uint64_t leaf;
	enum err e = find(act, t->store, a, &x);
	if (!e) e = check_scope(act, &x, f);
	if (!e && x.state == ENTERPRISE_NONE) e = must_be_approved(&x, f);
	if (!e && x.state != ENTERPRISE_SUSPENDED)
		e = flaw_set(
		    f, ERR_CONFLICT, FLAW_NO_OFFSET, "state", "enterprise-state",
		    "the enterprise is %s; this needs: suspended, so that nothing changes any more",
		    enterprise_state_word(x.state));
	if (e) return e;
	entry_open(&entry);
	entry_text(&entry, "code", enterprise_code(&x));
	entry_text(&entry, "kind", STR("enterprise.exported"));
	entry_number(&entry, "records", act->records.lines);
	entry_digest(&entry, "records_sha256", act->records.sha256);
	entry_number(&entry, "templates", act->templates.lines);
	entry_digest(&entry, "templates_sha256", act->templates.sha256);
	e = entry_append(&entry, t, act->who, &leaf);
	if (!e) e = enterprise_note(t, enterprise_code(&x), leaf);
	if (!e) act->after = x;
	return e;
}
