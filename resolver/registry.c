/* Rows of this file's tables are laid out in resolver/tables.h. A history key is the identifier's key
 * and the be64 leaf index; a key of more than 503 octets is cut to its first 471 and the SHA-256 of the
 * whole key first, so that it fits.
 *
 * The table history lacks the last change of each identifier: the record's own row tells it, by its leaf
 * and its octets, and what was before is what the change before it left. So a registration, which for
 * most identifiers is the only change ever, writes one row and not two in different places. */
#include "resolver/registry.h"

#include <stdlib.h>

#include "base/ledger.h"
#include "resolver/delegation.h"
#include "resolver/entry.h"

enum {
	HISTORY_STEM_MAX = STORE_KEY_MAX - 8,
	HISTORY_HEAD = HISTORY_STEM_MAX - HASH_SHA256,
	COUNT_ROW = 16,
	ROW_LEAF = 8, /* octets before the record in its row */
};

struct history_key {
	char octets[STORE_KEY_MAX];
	size_t stem_n;
};

static void history_stem(struct str key, struct history_key *k)
{
	k->stem_n = key.n;
	if (key.n <= HISTORY_STEM_MAX) {
		memcpy(k->octets, key.p, key.n);
		return;
	}
	memcpy(k->octets, key.p, HISTORY_HEAD);
	hash_sha256(key, (unsigned char *)k->octets + HISTORY_HEAD);
	k->stem_n = HISTORY_STEM_MAX;
}

static struct str history_row(struct history_key *k, uint64_t leaf)
{
	unsigned char tail[8];
	store_key_u64(tail, leaf);
	memcpy(k->octets + k->stem_n, tail, sizeof tail);
	return str_n(k->octets, k->stem_n + sizeof tail);
}

/* ---- reading ---------------------------------------------------------------------------- */

static enum err find_row(struct store_txn *t, const struct id *id, uint64_t *ret_leaf,
			 struct str *ret_packed)
{
	struct record_head head;
	struct str row;
	enum err e = store_get(t, RS_TABLE_record, id->key, &row);
	if (e) return e;
	if (row.n <= ROW_LEAF) return ERR_CORRUPT;
	struct str packed = str_skip(row, ROW_LEAF);
	if (id->hashed) {
		e = record_peek(packed, &head);
		if (e) return e;
		if (!str_eq(head.id, id->text)) return ERR_NOT_FOUND;
	}
	*ret_leaf = store_u64(str_first(row, ROW_LEAF));
	*ret_packed = packed;
	return ERR_OK;
}

enum err registry_find(struct store_txn *t, const struct id *id, struct str *ret_packed)
{
	uint64_t leaf;
	return find_row(t, id, &leaf, ret_packed);
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

/* Changes in their order: what one left is what the next found. */
struct telling {
	registry_history_fn *fn;
	void *arg;
	char digests[HISTORY_DIGEST]; /* before and after */
};

static enum err tell(struct telling *h, uint64_t leaf, const void *after)
{
	memcpy(h->digests, h->digests + HASH_SHA256, HASH_SHA256);
	memcpy(h->digests + HASH_SHA256, after, HASH_SHA256);
	return h->fn(h->arg, leaf, str_n(h->digests, sizeof h->digests));
}

static enum err tell_earlier(struct telling *h, struct store_txn *t, const struct id *id)
{
	struct history_key k;
	struct store_cursor *c;
	struct str key, after;
	enum err stop = ERR_OK;
	history_stem(id->key, &k);
	struct str stem = str_n(k.octets, k.stem_n);
	enum err e = store_cursor_open(t, RS_TABLE_history, &c);
	if (e) return e;
	for (e = store_cursor_seek(c, stem, &key, &after); !e && !stop && str_starts(key, stem);
	     e = store_cursor_next(c, &key, &after)) {
		/* keys of other identifiers may begin alike; theirs are longer or shorter */
		if (key.n != stem.n + 8) continue;
		stop = after.n == HASH_SHA256 ? tell(h, store_u64(str_skip(key, stem.n)), after.p)
					      : ERR_CORRUPT;
	}
	store_cursor_close(c);
	return stop ? stop : e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err registry_history(struct store_txn *t, const struct id *id, registry_history_fn *fn, void *arg)
{
	struct telling h = {.fn = fn, .arg = arg};
	unsigned char after[HASH_SHA256];
	struct str packed;
	uint64_t leaf;
	enum err e = find_row(t, id, &leaf, &packed);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = tell_earlier(&h, t, id);
	if (e) return e;
	hash_sha256(packed, after);
	return tell(&h, leaf, after);
}

enum err registry_count(struct store_txn *t, struct str authority, struct registry_count *ret)
{
	struct str row;
	enum err e = store_get(t, RS_TABLE_counter, authority, &row);
	*ret = (struct registry_count){0, 0};
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (row.n != COUNT_ROW) return ERR_CORRUPT;
	ret->active = store_u64(str_first(row, 8));
	ret->retired = store_u64(str_skip(row, 8));
	return ERR_OK;
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

static enum err check_condition(const struct registry_set *s, const struct registry_change *c,
				const struct record_head *old, struct flaw *f)
{
	bool named = s->condition == REGISTRY_REVISION;
	if (named && (!old || old->revision != s->revision))
		return refuse(s, c, ERR_PRECONDITION, "revision", f);
	if (c->act == REGISTRY_RETIRE && !old) return refuse(s, c, ERR_NOT_FOUND, "registered", f);
	if (c->act == REGISTRY_RETIRE && old->status == RECORD_RETIRED)
		return refuse(s, c, ERR_GONE, "retired", f);
	if (c->act == REGISTRY_PUT && old && s->condition == REGISTRY_ABSENT)
		return refuse(s, c, s->batch ? ERR_EXISTS : ERR_PRECONDITION, "absent", f);
	if (c->act == REGISTRY_PUT && old && old->status == RECORD_RETIRED && !named)
		return refuse(s, c, ERR_GONE, "retired", f);
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
	struct record r;
	enum err e = record_unpack(a, old, NULL, &r);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	r.values_n = 0; /* what is retired says nothing any more; history keeps the digests */
	r.modified = now;
	r.revision = c->revision;
	r.status = RECORD_RETIRED;
	return pack(c, &r, a);
}

static enum err prepare(const struct registry_set *s, struct registry_change *c, struct writer_txn *t,
			struct arena *a, struct flaw *f)
{
	struct str old = STR_NONE;
	struct record_head head;
	enum err e = find_row(t->store, &c->id, &c->old_leaf, &old);
	if (e && e != ERR_NOT_FOUND) return e;
	bool there = !e;
	e = there ? record_peek(old, &head) : ERR_OK;
	if (!e) e = check_condition(s, c, there ? &head : NULL, f);
	if (e) return e;
	memset(c->before, 0, sizeof c->before);
	if (there) hash_sha256(old, c->before);
	c->created = !there;
	c->unchanged = false;
	c->revived = there && c->act == REGISTRY_PUT && head.status == RECORD_RETIRED;
	c->revision = there ? head.revision + 1 : 1;
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
		   c->act == REGISTRY_RETIRE ? STR("record.retired")
		   : c->created              ? STR("record.registered")
					     : STR("record.replaced"));
	entry_number(&entry, "revision", c->revision);
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
		unsigned char length[2] = {(unsigned char)(c->id.key.n >> 8), (unsigned char)c->id.key.n};
		if (c->unchanged) continue;
		hash_add(h, str_n(length, sizeof length));
		hash_add(h, c->id.key);
		hash_add(h, str_n(c->before, sizeof c->before));
		hash_add(h, str_n(c->after, sizeof c->after));
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

static enum err add_count(struct writer_txn *t, struct str authority, int64_t active, int64_t retired)
{
	struct registry_count n;
	unsigned char row[COUNT_ROW];
	if (!active && !retired) return ERR_OK;
	enum err e = registry_count(t->store, authority, &n);
	if (e) return e;
	store_key_u64(row, n.active + (uint64_t)active);
	store_key_u64(row + 8, n.retired + (uint64_t)retired);
	return store_put(t->store, RS_TABLE_counter, authority, str_n(row, sizeof row));
}

static enum err write_one(const struct registry_change *c, struct writer_txn *t, uint64_t leaf)
{
	struct history_key k;
	store_key_u64(c->row, leaf);
	enum err e = store_put(t->store, RS_TABLE_record, c->id.key, str_n(c->row, ROW_LEAF + c->packed.n));
	if (e || c->created) return e;
	/* the change before this one was the last so far */
	history_stem(c->id.key, &k);
	return store_put(t->store, RS_TABLE_history, history_row(&k, c->old_leaf),
			 str_n(c->before, sizeof c->before));
}

/* Changes of one authority stand together, keys being in order: one counter row for each run. */
static enum err write_all(const struct registry_set *s, struct writer_txn *t, uint64_t leaf)
{
	int64_t active = 0, retired = 0;
	enum err e = ERR_OK;
	for (size_t i = 0; i < s->n && !e; i++) {
		const struct registry_change *c = &s->changes[i];
		if (!c->unchanged) {
			active += c->act == REGISTRY_RETIRE ? -1 : c->created || c->revived;
			retired += c->act == REGISTRY_RETIRE ? 1 : -(int64_t)c->revived;
			e = write_one(c, t, leaf);
		}
		bool last = i + 1 == s->n || !str_eq(s->changes[i + 1].authority, c->authority);
		if (!e && last) {
			e = add_count(t, c->authority, active, retired);
			active = retired = 0;
		}
	}
	return e;
}

enum err registry_apply(struct registry_set *s, struct writer_txn *t, struct arena *a,
			bool check_delegations, struct flaw *f)
{
	struct arena_mark mark = arena_mark(a);
	size_t changed = 0;
	uint64_t leaf = 0;
	enum err e = ERR_OK;
	for (size_t i = 0; i < s->n && !e; i++) {
		struct registry_change *c = &s->changes[i];
		if (check_delegations) e = delegation_check_free(t->store, c->id.key, c->authority.n);
		if (e == ERR_NOT_RESPONSIBLE) e = refuse(s, c, e, "delegated", f);
		if (!e) e = prepare(s, c, t, a, f);
		if (s->judge) e = s->judge(s, c, t->store, e, f);
		changed += !c->unchanged;
	}
	if (!e && changed) {
		e = s->batch ? note_batch(s, t, &leaf) : note_one(s->changes, t, s->who, &leaf);
		if (!e) e = write_all(s, t, leaf);
	}
	arena_rollback(a, mark);
	return e;
}
