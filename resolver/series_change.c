#include "resolver/series.h"

#include <stdio.h>

#include "resolver/admission.h"
#include "resolver/delegation.h"
#include "resolver/entry.h"
#include "resolver/reverse_series.h"
#include "resolver/series_template.h"
#include "resolver/statistics.h"

enum { COUNT_ROW = 32 };

/* ---- checking --------------------------------------------------------------------------- */

struct state { /* what there is, and what will be */
	bool there;
	struct series old;
	struct record_head head;
	struct buf row; /* of the change, or of the first half */
	struct buf second;
	unsigned char before[HASH_SHA256], after[HASH_SHA256], after_second[HASH_SHA256];
	struct template_bond bond;
	struct series_among among;
	struct str old_packed; /* a copy */
	struct str allocation; /* the prefix of its enterprise, or none: a part of the first member's key */
};

static enum err refuse(enum err e, const char *rule, struct flaw *f)
{
	return flaw_set(f, e, FLAW_NO_OFFSET, "pattern", rule, "the series: %s", err_text(e));
}

static enum err refuse_revision(const struct state *s, const char *rule, struct flaw *f)
{
	if (!s->there) return refuse(ERR_PRECONDITION, rule, f);
	return flaw_set(f, ERR_PRECONDITION, FLAW_NO_OFFSET, "pattern", rule,
			"the series is registered, at revision %llu", (unsigned long long)s->head.revision);
}

static enum err check_condition(const struct series_change *c, const struct state *s, struct flaw *f)
{
	bool named = c->condition == REGISTRY_REVISION;
	bool retired = s->there && s->head.status == RECORD_RETIRED;
	if (named && (!s->there || s->head.revision != c->revision))
		return refuse_revision(s, "revision", f);
	if (c->act != SERIES_PUT && !s->there && !c->tombstone)
		return refuse(ERR_NOT_FOUND, "registered", f);
	if (s->there && c->condition == REGISTRY_ABSENT) return refuse_revision(s, "absent", f);
	if (retired && c->tombstone) return ERR_OK;
	if (retired && (c->act != SERIES_PUT || !named)) return refuse(ERR_GONE, "retired", f);
	return ERR_OK;
}

static enum err check(const struct series_change *c, struct writer_txn *t, struct state *s, struct flaw *f)
{
	const struct series_pattern *p = &c->pattern;
	struct series_key k;
	series_key_of(p, &k);
	enum err e = series_get(t->store, p, &s->old);
	if (e && e != ERR_NOT_FOUND) return e;
	s->there = !e;
	e = s->there ? record_peek(s->old.packed, &s->head) : ERR_OK;
	if (!e) e = check_condition(c, s, f);
	/* what was given away since a series was made is the child's, and does not hinder its changes */
	if (e || s->there) return e;
	e = delegation_check_range(t->store, p->first.key, p->last.key, c->authority.n);
	if (e == ERR_NOT_RESPONSIBLE)
		return flaw_set(f, e, FLAW_NO_OFFSET, "pattern", "delegated",
				"a prefix within the range is delegated to another node");
	struct series own = series_of_pattern(p, &k);
	if (!e) e = series_check_free(t->store, &own, f);
	return e;
}

/* ---- changing --------------------------------------------------------------------------- */

static enum err pack(const struct series_pattern *p, const struct record *r, struct buf *row,
		     unsigned char digest[HASH_SHA256])
{
	buf_clear(row);
	series_row_put(p, r, row);
	size_t from = row->n;
	enum err e = buf_err(row);
	if (!e) e = record_pack(r, row);
	if (!e) hash_sha256(str_skip(buf_str(row), from), digest);
	return e;
}

/* The values with a time each: that of the value before it that is the same, else now. */
static enum err make_new(struct series_change *c, struct state *s, usec_t now, struct arena *a,
			 struct record *r)
{
	struct record old = {.values_n = 0};
	enum err e = s->there ? record_unpack(a, s->old.packed, NULL, &old) : ERR_OK;
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	*r = c->record;
	r->values = ARENA_ARRAY(a, struct value, r->values_n + 1);
	if (!r->values) return ERR_NO_MEMORY;
	for (size_t i = 0; i < r->values_n; i++) {
		struct value *v = &r->values[i];
		*v = c->record.values[i];
		if (v->timestamp) continue;
		bool same = i < old.values_n && str_eq(old.values[i].data, v->data);
		v->timestamp = same ? old.values[i].timestamp : (uint64_t)(now / USEC_PER_SEC);
	}
	r->id = c->pattern.text;
	r->owner = c->authority;
	r->status = RECORD_ACTIVE;
	/* as it was: are the octets those that there are? */
	r->created = s->there ? s->head.created : now;
	r->modified = s->there ? s->head.modified : now;
	r->revision = s->there ? s->head.revision : 1;
	return ERR_OK;
}

static enum err prepare_put(struct series_change *c, struct state *s, usec_t now, struct arena *a)
{
	struct record r;
	enum err e = make_new(c, s, now, a, &r);
	if (!e) e = pack(&c->pattern, &r, &s->row, s->after);
	if (e || !s->there) return e;
	if (!memcmp(s->before, s->after, sizeof s->after)) {
		c->unchanged = true;
		return ERR_OK;
	}
	r.modified = now;
	r.revision++;
	c->now = r.revision;
	return pack(&c->pattern, &r, &s->row, s->after);
}

/* What is retired says nothing any more but why; history keeps the digests. */
static void keep_reason(const struct series_change *c, usec_t now, struct value *why, struct record *r)
{
	*why = (struct value){.index = 1,
			      .type = STR(RETIRE_REASON_TYPE),
			      .data = c->reason,
			      .ttl = VALUE_TTL,
			      .timestamp = (uint64_t)(now / USEC_PER_SEC),
			      .permissions = VALUE_PERMISSIONS};
	r->values = why;
	r->values_n = c->reason.n > 0;
	r->status = RECORD_RETIRED;
	r->modified = now;
}

/* A series that is retired here because it is retired where it came from. */
static enum err prepare_tombstone(struct series_change *c, struct state *s, usec_t now)
{
	struct record r = {.id = c->pattern.text, .owner = c->authority, .created = now, .revision = 1};
	struct value why;
	keep_reason(c, now, &why, &r);
	c->unchanged = s->there;
	return c->unchanged ? ERR_OK : pack(&c->pattern, &r, &s->row, s->after);
}

static enum err prepare_rest(struct series_change *c, struct state *s, usec_t now, struct arena *a)
{
	struct record r;
	struct value why;
	enum err e = record_unpack(a, s->old.packed, NULL, &r);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	if (c->act == SERIES_RETIRE) {
		keep_reason(c, now, &why, &r);
		c->now = ++r.revision;
		return pack(&c->pattern, &r, &s->row, s->after);
	}
	r.id = c->halves[0].text;
	e = pack(&c->halves[0], &r, &s->row, s->after);
	r.id = c->halves[1].text;
	return e ? e : pack(&c->halves[1], &r, &s->second, s->after_second);
}

static enum err note(const struct series_change *c, const struct state *s, struct writer_txn *t,
		     uint64_t *ret_leaf)
{
	struct buf entry;
	entry_open(&entry);
	entry_digest(&entry, "after", s->after);
	if (s->there) entry_digest(&entry, "before", s->before);
	if (c->import.n) entry_text(&entry, "import", c->import);
	entry_text(&entry, "kind",
		   c->act == SERIES_RETIRE ? STR("series.retired")
		   : s->there              ? STR("series.replaced")
					   : STR("series.registered"));
	entry_number(&entry, "members", c->pattern.members);
	entry_text(&entry, "pattern", c->pattern.text);
	if (c->reason.n) entry_text(&entry, "reason", c->reason);
	entry_number(&entry, "revision", c->now);
	return entry_append(&entry, t, c->who, ret_leaf);
}

static enum err note_split(const struct series_change *c, const struct state *s, struct writer_txn *t,
			   uint64_t *ret_leaf)
{
	struct buf entry;
	entry_open(&entry);
	entry_digest(&entry, "after_first", s->after);
	entry_digest(&entry, "after_second", s->after_second);
	entry_digest(&entry, "before", s->before);
	entry_text(&entry, "first", c->halves[0].text);
	entry_text(&entry, "kind", STR("series.split"));
	entry_text(&entry, "pattern", c->pattern.text);
	entry_text(&entry, "second", c->halves[1].text);
	return entry_append(&entry, t, c->who, ret_leaf);
}

static enum err write_row(struct writer_txn *t, const struct series_pattern *p, struct buf *row,
			  size_t among, uint64_t leaf)
{
	struct series_key k;
	series_key_of(p, &k);
	store_key_u64((unsigned char *)row->p, leaf);
	series_row_among(row->p, among);
	return store_put(t->store, RS_TABLE_series, str_n(k.octets, k.n), buf_str(row));
}

/* What the change before this one left. */
static enum err write_history(struct writer_txn *t, const struct series_pattern *p, const struct state *s,
			      uint64_t old_leaf)
{
	struct series_key k;
	if (!s->there) return ERR_OK;
	series_key_of(p, &k);
	store_key_u64((unsigned char *)k.octets + k.n, old_leaf);
	return store_put(t->store, RS_TABLE_series_history, str_n(k.octets, k.n + SERIES_ROW_LEAF),
			 str_n(s->before, sizeof s->before));
}

static enum err add_count(const struct series_change *c, const struct state *s, struct writer_txn *t)
{
	struct series_count n;
	unsigned char row[COUNT_ROW];
	bool was_retired = s->there && s->head.status == RECORD_RETIRED,
	     was_active = s->there && !was_retired;
	uint64_t members = c->pattern.members;
	if (c->act == SERIES_PUT && was_active) return ERR_OK;
	enum err e = series_count(t->store, c->authority, &n);
	if (e) return e;
	if (c->act != SERIES_SPLIT) {
		n.active -= was_active;
		n.members -= was_active ? members : 0;
	}
	n.retired -= was_retired;
	n.members_retired -= was_retired ? members : 0;
	if (c->act == SERIES_RETIRE) {
		n.retired++;
		n.members_retired += members;
	} else {
		n.active++;
		n.members += c->act == SERIES_PUT ? members : 0;
	}
	store_key_u64(row, n.active);
	store_key_u64(row + 8, n.members);
	store_key_u64(row + 16, n.retired);
	store_key_u64(row + 24, n.members_retired);
	return store_put(t->store, RS_TABLE_series_count, c->authority, str_n(row, sizeof row));
}

/* Which metadata template it uses: both halves do, after a split. */
static enum err write_bond(const struct series_change *c, struct state *s, struct writer_txn *t)
{
	struct template_bond b = s->bond;
	bool split = c->act == SERIES_SPLIT;
	if (split && b.was) {
		b.is = true;
		memcpy(b.new, b.old, sizeof b.new);
	}
	const struct series_pattern *p = split ? &c->halves[0] : &c->pattern;
	enum err e = templates_bond_series(t->store, &p->first, p->text, &b);
	b.was = false;
	if (!e && split) e = templates_bond_series(t->store, &c->halves[1].first, c->halves[1].text, &b);
	return e;
}

/* A series counts as one identifier there; one that is cut as replaced. */
static enum err add_statistics(const struct series_change *c, const struct state *s, struct writer_txn *t)
{
	struct registry_change one = {.id = c->pattern.first,
				      .act = c->act == SERIES_RETIRE ? REGISTRY_RETIRE : REGISTRY_PUT,
				      .authority = c->authority,
				      .allocation = s->allocation,
				      .created = c->created};
	return statistics_registered(&(struct registry_set){.changes = &one, .n = 1}, t);
}

static struct str packed_of(const struct series_pattern *p, const struct buf *row)
{
	struct series_key k;
	struct series s;
	series_key_of(p, &k);
	must(!series_row_read(str_n(k.octets, k.n), buf_str(row), &s));
	return s.packed;
}

/* What may be found by its values: the index forgets what was, and knows what is. */
static enum err note_values(const struct series_change *c, const struct state *s, struct writer_txn *t,
			    struct arena *a)
{
	struct str old = s->there ? s->old_packed : STR_NONE;
	if (c->act != SERIES_SPLIT)
		return reverse_series_note(t->store, a, &c->pattern,
					   (struct str[]){old, packed_of(&c->pattern, &s->row)});
	enum err e = reverse_series_note(t->store, a, &c->pattern, (struct str[]){old, STR_NONE});
	for (size_t i = 0; i < 2 && !e; i++)
		e = reverse_series_note(
		    t->store, a, &c->halves[i],
		    (struct str[]){STR_NONE, packed_of(&c->halves[i], i ? &s->second : &s->row)});
	return e;
}

static enum err write_all(struct series_change *c, struct state *s, struct writer_txn *t, struct arena *a)
{
	const bool split = c->act == SERIES_SPLIT;
	uint64_t leaf = 0, old_leaf = s->there ? s->old.leaf : 0;
	enum err e = split ? note_split(c, s, t, &leaf) : note(c, s, t, &leaf);
	if (!e) e = write_row(t, split ? &c->halves[0] : &c->pattern, &s->row, s->among.own[0], leaf);
	/* the second half ends where the whole did: its row takes the place of the whole's */
	if (!e && split) e = write_row(t, &c->halves[1], &s->second, s->among.own[1], leaf);
	if (!e) e = series_among_write(t->store, &s->among);
	if (!e) e = note_values(c, s, t, a);
	if (!e) e = write_history(t, &c->pattern, s, old_leaf);
	if (!e) e = write_bond(c, s, t);
	if (!e) e = add_statistics(c, s, t);
	return e ? e : add_count(c, s, t);
}

/* Its enterprise, if it has one. Both ends are looked at before one of them, which stands for the series,
 * is counted: a refusal leaves no trace. */
static enum err admit(const struct series_change *c, struct writer_txn *t, struct arena *a, struct flaw *f,
		      struct str *ret_allocation)
{
	struct registry_change ends[] = {{.id = c->pattern.first, .authority = c->authority},
					 {.id = c->pattern.last, .authority = c->authority}};
	struct registry_set set = {.changes = ends, .n = 2, .who = c->who, .roles = c->roles};
	enum err e = admission_pass(&set, t, a, f);
	if (!e && !str_eq(ends[0].allocation, ends[1].allocation))
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "pattern", "foreign-prefix",
				"the series lies under prefixes of more than one enterprise");
	if (!e) *ret_allocation = ends[0].allocation;
	/* each part of one that is cut counts, as it does where it is written down and registered anew */
	if (e || (!c->created && c->act != SERIES_SPLIT)) return e;
	ends[0].created = true;
	set.n = 1;
	return admission_pass(&set, t, a, f);
}

static enum err prepare(struct series_change *c, struct state *s, usec_t now, struct arena *a)
{
	bool retired = s->there && s->head.status == RECORD_RETIRED;
	if (c->act == SERIES_PUT) return prepare_put(c, s, now, a);
	return c->tombstone && (!s->there || retired) ? prepare_tombstone(c, s, now)
						      : prepare_rest(c, s, now, a);
}

/* Whose members the new rows lie among, and theirs among which; one that stays keeps its place. */
static enum err find_neighbours(const struct series_change *c, struct state *s, struct store_txn *t,
				struct arena *a, struct flaw *f)
{
	const bool split = c->act == SERIES_SPLIT;
	struct series_key k[2];
	struct series new[2];
	if (s->there && !split) {
		s->among.own[0] = s->old.among;
		return ERR_OK;
	}
	for (size_t i = 0; i < (split ? 2 : 1); i++) {
		const struct series_pattern *p = split ? &c->halves[i] : &c->pattern;
		series_key_of(p, &k[i]);
		new[i] = series_of_pattern(p, &k[i]);
	}
	return series_among_find(t, a, split ? &s->old : NULL, new, split ? 2 : 1, f, &s->among);
}

/* What the metadata templates, whoever asks and its enterprise say of it. */
static enum err judge(struct series_change *c, struct state *s, struct writer_txn *t, struct arena *a,
		      struct flaw *f)
{
	struct str old = s->there ? s->old.packed : STR_NONE;
	enum err e = c->act == SERIES_PUT ? series_check_metadata(c, t->store, old, a, f, &s->bond)
					  : series_bond_of(t->store, old, &c->pattern.first, a, &s->bond);
	if (!e && c->judge && s->there) e = c->judge(c, t->store, s->old.leaf, f);
	if (!e) e = admit(c, t, a, f, &s->allocation);
	return e ? e : find_neighbours(c, s, t->store, a, f);
}

static enum err apply(struct series_change *c, struct state *s, struct writer_txn *t, struct arena *a,
		      struct flaw *f)
{
	enum err e = check(c, t, s, f);
	if (e) return e;
	c->created = !s->there;
	c->unchanged = false;
	c->now = s->there ? s->head.revision : 1;
	if (s->there) hash_sha256(s->old.packed, s->before);
	e = prepare(c, s, t->now, a);
	if (e == ERR_TOO_LARGE) return refuse(e, "record-size", f);
	if (!e && !c->unchanged) e = judge(c, s, t, a, f);
	if (e || c->unchanged) return e;
	/* the old row is over once it is written anew */
	s->old_packed = s->there ? arena_dup(a, s->old.packed) : STR_NONE;
	return s->there && !s->old_packed.p ? ERR_NO_MEMORY : write_all(c, s, t, a);
}

enum err series_apply(struct series_change *c, struct writer_txn *t, struct arena *a, struct flaw *f)
{
	struct arena_mark mark = arena_mark(a);
	struct state s = {.row = BUF_INIT(SERIES_ROW_MAX), .second = BUF_INIT(SERIES_ROW_MAX)};
	enum err e = apply(c, &s, t, a, f);
	buf_done(&s.row);
	buf_done(&s.second);
	arena_rollback(a, mark);
	return e;
}
