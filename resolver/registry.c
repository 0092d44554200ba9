/* Rows of this file's tables are laid out in resolver/tables.h; the past is registry_history.c's. */
#include "resolver/registry.h"

#include <stdlib.h>

#include "base/ledger.h"
#include "base/wire.h"
#include "base/processor.h"
#include "resolver/admission.h"
#include "resolver/delegation.h"
#include "resolver/entry.h"
#include "resolver/registry_history.h"
#include "resolver/reverse.h"
#include "resolver/series.h"
#include "resolver/statistics.h"

enum {
	ROW_LEAF = 8, /* octets before the record in its row */
	/* A row lies where the search for it ended, but nobody has looked into it: its lines are sent for
	 * together, or reading it waits for one after the other. */
	ROW_SOON = 512,
	LINE = 64,
};

/* ---- reading ---------------------------------------------------------------------------- */

static enum err row_of(struct str row, const struct id *id, uint64_t *ret_leaf, struct str *ret_packed)
{
	struct record_head head;
	if (row.n <= ROW_LEAF) return ERR_CORRUPT;
	struct str packed = str_skip(row, ROW_LEAF);
	for (size_t i = 0; i < row.n && i < ROW_SOON; i += LINE) __builtin_prefetch(row.p + i);
	if (id->hashed) {
		enum err e = record_peek(packed, &head);
		if (e) return e;
		if (!str_eq(head.id, id->text)) return ERR_NOT_FOUND;
	}
	*ret_leaf = store_u64(str_first(row, ROW_LEAF));
	*ret_packed = packed;
	return ERR_OK;
}

enum err registry_row(struct store_txn *t, const struct id *id, uint64_t *ret_leaf, struct str *ret_packed)
{
	struct str row;
	enum err e = store_get(t, RS_TABLE_record, id->key, &row);
	return e ? e : row_of(row, id, ret_leaf, ret_packed);
}

enum err registry_find(struct store_txn *t, const struct id *id, struct str *ret_packed)
{
	uint64_t leaf;
	return registry_row(t, id, &leaf, ret_packed);
}

enum err registry_find_key(struct store_txn *t, struct str key, uint64_t *ret_leaf, struct str *ret_packed)
{
	return registry_row(t, &(struct id){.key = key}, ret_leaf, ret_packed);
}

enum err registry_row_split(struct str row, uint64_t *ret_leaf, struct str *ret_packed)
{
	if (row.n <= ROW_LEAF) return ERR_CORRUPT;
	*ret_leaf = store_u64(str_first(row, ROW_LEAF));
	*ret_packed = str_skip(row, ROW_LEAF);
	return ERR_OK;
}

enum err registry_list(struct store_txn *t, struct str prefix, struct str after, registry_list_fn *fn,
		       void *arg)
{
	struct store_cursor *c;
	struct str key, row;
	enum err e = store_cursor_open(t, RS_TABLE_record, &c);
	if (e) return e;
	e = store_cursor_seek(c, after.n ? after : prefix, &key, &row);
	if (!e && after.n && str_eq(key, after)) e = store_cursor_next(c, &key, &row);
	while (!e && str_starts(key, prefix) && fn(arg, key, str_skip(row, ROW_LEAF)))
		e = store_cursor_next(c, &key, &row);
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

uint64_t registry_leaf(struct str packed)
{
	return store_u64(str_n(packed.p - ROW_LEAF, ROW_LEAF));
}

/* ---- checking --------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	const struct registry_change *x = a, *y = b;
	int order = str_cmp(x->id.key, y->id.key);
	return order ? order : (x->place > y->place) - (x->place < y->place);
}

enum err registry_sort(struct registry_set *s, struct flaw *f)
{
	char at[64];
	qsort(s->changes, s->n, sizeof *s->changes, by_key);
	for (size_t i = 1; i < s->n; i++) {
		if (!str_eq(s->changes[i - 1].id.key, s->changes[i].id.key)) continue;
		snprintf(at, sizeof at, "records[%zu].id", s->changes[i].place);
		return flaw_set(f, ERR_EXISTS, FLAW_NO_OFFSET, at, "id-twice",
				"the identifier stands in records[%zu] already", s->changes[i - 1].place);
	}
	return ERR_OK;
}

static enum err refuse(const struct registry_set *s, const struct registry_change *c, enum err e,
		       const char *rule, struct flaw *f)
{
	char at[64] = "id";
	if (s->batch) snprintf(at, sizeof at, "records[%zu].id", c->place);
	return flaw_set(f, e, FLAW_NO_OFFSET, at, rule, "%.*s: %s",
			c->id.text.n > 100 ? 100 : (int)c->id.text.n, c->id.text.p, err_text(e));
}

/* The condition that does not hold, and what does. */
static enum err refuse_condition(const struct registry_set *s, const struct registry_change *c, enum err e,
				 const struct record_head *old, struct flaw *f)
{
	char at[64] = "id";
	const char *rule = e == ERR_GONE                       ? "retired"
			   : s->condition == REGISTRY_REVISION ? "revision"
							       : "absent";
	if (s->batch) snprintf(at, sizeof at, "records[%zu].id", c->place);
	struct str id = str_first(c->id.text, 100);
	if (!old)
		return flaw_set(f, e, FLAW_NO_OFFSET, at, rule, "%.*s: it is not registered", STR_ARG(id));
	return flaw_set(f, e, FLAW_NO_OFFSET, at, rule, "%.*s: it is %s, at revision %llu%s", STR_ARG(id),
			old->status == RECORD_RETIRED ? "retired" : "registered",
			(unsigned long long)old->revision,
			e == ERR_GONE ? "; naming that revision (If-Match) brings it back" : "");
}

static enum err check_condition(const struct registry_set *s, const struct registry_change *c,
				const struct record_head *old, struct flaw *f)
{
	bool named = s->condition == REGISTRY_REVISION;
	if (named && (!old || old->revision != s->revision))
		return refuse_condition(s, c, ERR_PRECONDITION, old, f);
	if (c->tombstone)
		return old && s->condition == REGISTRY_ABSENT ? refuse_condition(s, c, ERR_EXISTS, old, f)
							      : ERR_OK;
	if (c->act != REGISTRY_PUT && !old) return refuse(s, c, ERR_NOT_FOUND, "registered", f);
	if (c->act != REGISTRY_PUT && old->status == RECORD_RETIRED)
		return refuse(s, c, ERR_GONE, "retired", f);
	if (c->act == REGISTRY_PUT && old && s->condition == REGISTRY_ABSENT)
		return refuse_condition(s, c, s->batch ? ERR_EXISTS : ERR_PRECONDITION, old, f);
	if (c->act == REGISTRY_PUT && old && old->status == RECORD_RETIRED && !named)
		return refuse_condition(s, c, ERR_GONE, old, f);
	return ERR_OK;
}

static bool value_eq(const struct value *a, const struct value *b)
{
	bool eq = a->index == b->index && a->ttl_absolute == b->ttl_absolute && a->ttl == b->ttl &&
		  a->permissions == b->permissions && a->references_n == b->references_n &&
		  str_eq(a->type, b->type) && str_eq(a->data, b->data) &&
		  (!a->timestamp || a->timestamp == b->timestamp);
	for (size_t i = 0; eq && i < a->references_n; i++)
		eq = a->references[i].index == b->references[i].index &&
		     str_eq(a->references[i].handle, b->references[i].handle);
	return eq;
}

/* Whether the new values are those of the old record. The quick look spares most the unpacking. */
static enum err same_values(const struct record *new, struct str old, struct arena *a, bool *ret)
{
	struct str rest = old;
	struct value v;
	size_t i = 0;
	enum err e;
	*ret = false;
	while (!(e = record_next_value(&rest, &v))) {
		if (i >= new->values_n || !str_eq(new->values[i].data, v.data)) return ERR_OK;
		i++;
	}
	if (e != ERR_NOT_FOUND) return e;
	if (i != new->values_n) return ERR_OK;
	struct record full;
	e = record_unpack(a, old, NULL, &full);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	for (i = 0; i < full.values_n; i++)
		if (!value_eq(&new->values[i], &full.values[i])) return ERR_OK;
	*ret = true;
	return ERR_OK;
}

/* ---- making rows ahead ------------------------------------------------------------------ */

/* made: be64 of the leaf, still empty, the packed record, its SHA-256. */
static void take_made(struct registry_change *c)
{
	size_t n = c->made.n - HASH_SHA256;
	c->row = (unsigned char *)(uintptr_t)c->made.p;
	c->packed = str_n(c->made.p + ROW_LEAF, n - ROW_LEAF);
	memcpy(c->after, c->made.p + n, HASH_SHA256);
	c->bond = (struct template_bond){.was = false};
}

/* The values that a row was made of, which is not used. */
static enum err unmake(struct registry_change *c, struct arena *a)
{
	size_t n = c->made.n - HASH_SHA256 - ROW_LEAF;
	enum err e = record_unpack(a, str_n(c->made.p + ROW_LEAF, n), NULL, &c->record);
	for (size_t i = 0; i < c->record.values_n && !e; i++) c->record.values[i].timestamp = 0;
	return e == ERR_NO_MEMORY || !e ? e : ERR_INTERNAL;
}

enum err registry_make(struct registry_change *c, usec_t now, struct arena *a)
{
	enum template_naming how;
	struct str name;
	struct record r = c->record;
	bool unstamped = true;
	must(c->act == REGISTRY_PUT);
	for (size_t i = 0; i < r.values_n; i++) unstamped &= !r.values[i].timestamp;
	if (!unstamped || template_named(r.values, r.values_n, NULL, &how, &name) || how != TEMPLATE_NONE)
		return ERR_OK;
	r.id = c->id.text;
	r.created = r.modified = now;
	r.revision = 1;
	r.status = RECORD_ACTIVE;
	r.owner = c->authority;
	for (size_t i = 0; i < r.values_n; i++) r.values[i].timestamp = (uint64_t)(now / USEC_PER_SEC);
	size_t room = record_room(&r), n = 0;
	bool fits = room <= RECORD_PACKED_MAX; /* else who applies it tells */
	char *p = fits ? arena_bytes(a, ROW_LEAF + room + HASH_SHA256) : NULL;
	if (p) n = record_pack_to(&r, p + ROW_LEAF);
	for (size_t i = 0; i < r.values_n; i++) r.values[i].timestamp = 0;
	if (!p) return fits ? ERR_NO_MEMORY : ERR_OK;
	arena_give_back(a, room - n);
	c->made = str_n(p, ROW_LEAF + n + HASH_SHA256);
	return ERR_OK;
}

static struct str made_octets(const struct registry_change *c, unsigned char **ret_digest)
{
	size_t n = c->made.n - HASH_SHA256;
	*ret_digest = (unsigned char *)(uintptr_t)c->made.p + n;
	return str_n(c->made.p + ROW_LEAF, n - ROW_LEAF);
}

void registry_digest(const struct registry_change *c, const struct registry_change *also)
{
	unsigned char *to, *other_to;
	struct str octets = made_octets(c, &to);
	if (also) {
		struct str other = made_octets(also, &other_to);
		hash_sha256_pair(octets, other, to, other_to);
	} else {
		hash_sha256(octets, to);
	}
}

/* ---- changing --------------------------------------------------------------------------- */

static enum err pack(struct registry_change *c, const struct record *r, struct arena *a)
{
	struct buf out = BUF_INIT(RECORD_PACKED_MAX);
	enum err e = record_pack(r, &out);
	if (!e) {
		c->row = (unsigned char *)arena_bytes(a, ROW_LEAF + out.n);
		if (!c->row) e = ERR_NO_MEMORY;
	}
	if (!e) {
		memcpy(c->row + ROW_LEAF, out.p, out.n);
		c->packed = str_n(c->row + ROW_LEAF, out.n);
		hash_sha256(c->packed, c->after);
	}
	buf_done(&out);
	return e;
}

static enum err pack_new(struct registry_change *c, const struct record_head *old, usec_t now,
			 struct arena *a)
{
	struct record r = c->record;
	struct value *values = ARENA_ARRAY(a, struct value, r.values_n + 1);
	if (!values) return ERR_NO_MEMORY;
	/* a copy: the command may be applied again, at another time */
	if (r.values_n) memcpy(values, r.values, r.values_n * sizeof *values);
	for (size_t i = 0; i < r.values_n; i++)
		if (!values[i].timestamp) values[i].timestamp = (uint64_t)(now / USEC_PER_SEC);
	r.values = values;
	r.id = c->id.text;
	r.created = old ? old->created : now;
	r.modified = now;
	r.revision = c->revision;
	r.status = RECORD_ACTIVE;
	r.owner = c->authority;
	return pack(c, &r, a);
}

static enum err pack_retired(struct registry_change *c, struct str old, usec_t now, struct arena *a)
{
	struct record r = {
	    .id = c->id.text, .created = now, .owner = c->authority}; /* of what was not there */
	enum err e = old.n ? record_unpack(a, old, NULL, &r) : ERR_OK;
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	/* what is retired says nothing any more but why; history keeps the digests */
	struct value why = {.index = 1,
			    .type = STR(RETIRE_REASON_TYPE),
			    .data = c->reason,
			    .ttl = VALUE_TTL,
			    .timestamp = (uint64_t)(now / USEC_PER_SEC),
			    .permissions = VALUE_PERMISSIONS};
	r.values = &why;
	r.values_n = c->reason.n > 0;
	r.modified = now;
	r.revision = c->revision;
	r.status = RECORD_RETIRED;
	return pack(c, &r, a);
}

/* Holds the record to the template it names (resolver/templates.h). */
static enum err check_template(struct registry_set *s, struct registry_change *c, struct str old,
			       struct store_txn *t, struct arena *a, struct flaw *f)
{
	/* a member of a series had no record of its own, and so no part in a template's use */
	struct templates_record r = {.id = &c->id,
				     .values = c->record.values,
				     .values_n = c->record.values_n,
				     .old = c->series.n ? STR_NONE : old,
				     .taken = s->n > 1 ? &s->taken : NULL};
	char at[sizeof f->at];
	if (c->act == REGISTRY_RETIRE) r.values_n = 0;
	enum err e = templates_check(t, a, &r, s->shared ? s->shared : &s->seen, NULL, f, &c->bond);
	if (!e || !s->batch || !f || f->err != e) return e;
	snprintf(at, sizeof at, "records[%zu].%.60s", c->place, f->at);
	memcpy(f->at, at, sizeof at);
	return e;
}

static bool all_equal(const struct record *x, const struct record *y)
{
	bool eq = x->values_n == y->values_n;
	for (size_t i = 0; eq && i < x->values_n; i++) eq = value_eq(&x->values[i], &y->values[i]);
	return eq;
}

/* The values that the operations make of the present ones, as if they had been put. */
static enum err amend(struct registry_change *c, struct str old, struct arena *a, struct flaw *f)
{
	static const struct amendments none = {NULL, 0};
	struct record present, sorted;
	enum err e = record_unpack(a, old, NULL, &present);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	c->record = sorted = present;
	e = amendments_apply(a, &none, f, &sorted);
	if (!e) e = amendments_apply(a, &c->amendments, f, &c->record);
	/* another order alone is no change */
	if (!e && all_equal(&c->record, &sorted)) c->record = present;
	return e;
}

/* What the identifier was so far as a member of a series; ERR_NOT_FOUND. */
static enum err find_member(struct registry_change *c, struct store_txn *t, struct arena *a,
			    struct str *ret)
{
	struct series s;
	struct record_head head, own;
	enum err e = series_find(t, &c->id, &s);
	if (!e) e = record_peek(s.packed, &head);
	if (!e) e = series_fill(a, &s, &c->id, ret, &own);
	if (e) return e;
	c->old_leaf = s.leaf;
	c->series = arena_dup(a, head.id);
	return c->series.p ? ERR_OK : ERR_NO_MEMORY;
}

/* Where identifiers of a set are looked for, before anything of it is written. Of a set in order, those
 * that lie in one gap of the table are looked for once. */
struct lookup {
	struct store_cursor *cursor; /* NULL: a set of one */
	bool known, last;            /* nothing lies between the key looked for last and `next`; the end */
	struct str next;
};

struct preparing {
	struct arena *arena;
	struct lookup lookup;
};

static enum err look_up(struct lookup *l, struct store_txn *t, const struct id *id, uint64_t *ret_leaf,
			struct str *ret_packed)
{
	struct str key, row;
	if (!l->cursor) return registry_row(t, id, ret_leaf, ret_packed);
	if (l->known && (l->last || str_cmp(id->key, l->next) < 0)) return ERR_NOT_FOUND;
	enum err e = store_cursor_seek(l->cursor, id->key, &key, &row);
	if (e && e != ERR_NOT_FOUND) return e;
	l->known = e || !str_eq(key, id->key);
	l->last = e == ERR_NOT_FOUND;
	l->next = key;
	return l->known ? ERR_NOT_FOUND : row_of(row, id, ret_leaf, ret_packed);
}

static enum err prepare(struct registry_set *s, struct registry_change *c, struct writer_txn *t,
			struct preparing *p, struct flaw *f)
{
	struct arena *a = p->arena;
	struct str old = STR_NONE;
	struct record_head head;
	enum err e = look_up(&p->lookup, t->store, &c->id, &c->old_leaf, &old);
	c->series = STR_NONE;
	if (e == ERR_NOT_FOUND && !s->no_series) e = find_member(c, t->store, a, &old);
	if (e && e != ERR_NOT_FOUND) return e;
	bool there = !e;
	e = there ? record_peek(old, &head) : ERR_OK;
	bool beside = false;
	if (!e && c->series.n && head.status == RECORD_RETIRED && c->act == REGISTRY_PUT && s->beside)
		e = s->beside(s, t->store, c->old_leaf, &beside);
	if (!e && !beside) e = check_condition(s, c, there ? &head : NULL, f);
	if (e) return e;
	memset(c->before, 0, sizeof c->before);
	if (there) hash_sha256(old, c->before);
	c->created = !there;
	c->unchanged = false;
	c->revived = there && c->act == REGISTRY_PUT && head.status == RECORD_RETIRED;
	c->revision = there ? head.revision + 1 : 1;
	if (c->tombstone && there && head.status == RECORD_RETIRED && !c->series.n) {
		c->unchanged = true;
		c->revision = head.revision;
		return ERR_OK;
	}
	if (c->made.n && !there) {
		take_made(c);
		return ERR_OK;
	}
	if (c->made.n) e = unmake(c, a);
	if (e) return e;
	if (c->act == REGISTRY_AMEND) e = amend(c, old, a, f);
	if (!e) e = check_template(s, c, old, t->store, a, f);
	if (e) return e;
	if (c->act == REGISTRY_RETIRE) return pack_retired(c, old, t->now, a);
	if (there && head.status == RECORD_ACTIVE) {
		e = same_values(&c->record, old, a, &c->unchanged);
		if (e) return e;
		if (c->unchanged) {
			c->revision = head.revision;
			return ERR_OK;
		}
	}
	e = pack_new(c, there ? &head : NULL, t->now, a);
	return e == ERR_TOO_LARGE ? refuse(s, c, e, "record-size", f) : e;
}

static enum err note_one(const struct registry_change *c, struct writer_txn *t, struct str who,
			 uint64_t *ret_leaf)
{
	struct buf entry;
	entry_open(&entry);
	entry_digest(&entry, "after", c->after);
	if (!c->created) entry_digest(&entry, "before", c->before);
	entry_text(&entry, "id", c->id.text);
	entry_text(&entry, "kind",
		   c->act == REGISTRY_RETIRE  ? c->series.n ? STR("member.retired") : STR("record.retired")
		    : c->act == REGISTRY_AMEND ? STR("record.amended")
		   : c->created               ? STR("record.registered")
					      : STR("record.replaced"));
	if (c->reason.n) entry_text(&entry, "reason", c->reason);
	entry_number(&entry, "revision", c->revision);
	if (c->series.n) entry_text(&entry, "series", c->series);
	return entry_append(&entry, t, who, ret_leaf);
}

static enum err note_batch(const struct registry_set *s, struct writer_txn *t, uint64_t *ret_leaf)
{
	unsigned char digest[HASH_SHA256];
	struct hash *h = hash_new();
	struct buf entry;
	uint64_t n = 0;
	if (!h) return ERR_NO_MEMORY;
	for (size_t i = 0; i < s->n; i++) {
		const struct registry_change *c = &s->changes[i];
		processor_offer_each(i);
		unsigned char line[2 + ID_KEY_MAX + 2 * HASH_SHA256];
		struct wire w = wire_writer(line, sizeof line);
		if (c->unchanged) continue;
		wire_put_u16(&w, (uint16_t)c->id.key.n);
		wire_put(&w, c->id.key);
		wire_put(&w, str_n(c->before, sizeof c->before));
		wire_put(&w, str_n(c->after, sizeof c->after));
		must(wire_ok(&w));
		hash_add(h, wire_str(&w)); /* a call for each part would cost more than the digest */
		n++;
	}
	hash_finish(h, digest);
	hash_free(h);
	entry_open(&entry);
	entry_digest(&entry, "digest", digest);
	if (s->import.n) entry_text(&entry, "import", s->import);
	entry_text(&entry, "kind", STR("record.batch"));
	entry_number(&entry, "n", n);
	return entry_append(&entry, t, s->who, ret_leaf);
}

/* What the writing of one set needs beside it. */
struct writing {
	struct writer_txn *txn;
	struct arena *arena;
	uint64_t leaf;
	struct reverse_types types;
	struct census census;
};

/* The row so far; empty when there was none. */
static enum err old_row(struct store_txn *t, const struct registry_change *c, struct str *ret)
{
	*ret = STR_NONE;
	if (c->created || c->series.n) return ERR_OK;
	enum err e = store_get(t, RS_TABLE_record, c->id.key, ret);
	return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

static enum err write_one(struct writing *w, const struct registry_change *c)
{
	struct history_key k;
	struct store_txn *t = w->txn->store;
	struct str old;
	enum err e = old_row(t, c, &old);
	struct str old_new[2] = {old.n ? str_skip(old, ROW_LEAF) : STR_NONE, c->packed};
	if (!e) e = reverse_note(t, &w->types, w->arena, c->id.key, old_new);
	store_key_u64(c->row, w->leaf);
	if (!e)
		e = store_put_over(t, RS_TABLE_record, c->id.key, old,
				   str_n(c->row, ROW_LEAF + c->packed.n));
	if (!e) e = templates_bond(t, &c->id, &c->bond);
	if (e || c->created) return e;
	/* the change before this one was the last so far */
	history_stem(c->id.key, &k);
	return store_put(t, RS_TABLE_history, history_row(&k, c->old_leaf),
			 str_n(c->before, sizeof c->before));
}

static enum err write_all(const struct registry_set *s, struct writing *w)
{
	enum err e = reverse_types_read(w->txn->store, &w->types);
	census_open(&w->census, w->txn->store);
	for (size_t i = 0; i < s->n && !e; i++) {
		const struct registry_change *c = &s->changes[i];
		bool retired = c->act == REGISTRY_RETIRE;
		bool new = c->created || c->series.n; /* a record where there was none */
		processor_offer_each(i);
		if (c->unchanged) continue;
		e = write_one(w, c);
		if (!e)
			e = census_add(&w->census, c->id.key, c->authority,
				       retired ? -(int)!new : new || c->revived,
				       retired ? 1 : -(int)(c->revived && !new));
	}
	return e ? e : census_close(&w->census);
}

static enum err prepare_all(struct registry_set *s, struct writer_txn *t, struct arena *a,
			    bool check_delegations, struct flaw *f)
{
	struct preparing p = {.arena = a};
	enum err e = s->n > 1 ? store_cursor_open(t->store, RS_TABLE_record, &p.lookup.cursor) : ERR_OK;
	for (size_t i = 0; i < s->n && !e; i++) {
		struct registry_change *c = &s->changes[i];
		processor_offer_each(i);
		if (check_delegations) e = delegation_check_free(t->store, c->id.key, c->authority.n);
		if (e == ERR_NOT_RESPONSIBLE) e = refuse(s, c, e, "delegated", f);
		if (!e) e = prepare(s, c, t, &p, f);
		if (s->judge) e = s->judge(s, c, t->store, e, f);
	}
	store_cursor_close(p.lookup.cursor);
	return e;
}

enum err registry_apply(struct registry_set *s, struct writer_txn *t, struct arena *a,
			bool check_delegations, struct flaw *f)
{
	struct arena_mark mark = arena_mark(a);
	struct writing w = {.txn = t, .arena = a};
	size_t changed = 0;
	s->seen = (struct templates_seen){.n = 0};
	s->taken = NULL;
	enum err e = prepare_all(s, t, a, check_delegations, f);
	if (!e) e = admission_pass(s, t, a, f);
	for (size_t i = 0; i < s->n && !e; i++) changed += !s->changes[i].unchanged;
	if (!e && changed) {
		e = s->batch ? note_batch(s, t, &w.leaf) : note_one(s->changes, t, s->who, &w.leaf);
		if (!e) e = write_all(s, &w);
		if (!e) e = statistics_registered(s, t);
	}
	/* the answer to a change of a member names its series */
	if (e || s->batch || !s->changes[0].series.n) arena_rollback(a, mark);
	return e;
}
