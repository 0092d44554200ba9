/* Rows of this file's tables:
 *   template        prefix key ‖ ff ‖ version  →  the template's JSON with what the node sets
 *                   00                         →  be64 last number given to a template or attribute
 *   notice          digest(16) of the handle ‖ be64 number → JSON
 * ff stands in no natural key (proto/id/id.h). */
#include "resolver/templates.h"

#include <stdio.h>

#include "base/hash.h"
#include "resolver/entry.h"
#include "resolver/registry.h"
#include "resolver/tables.h"

static struct str key_of(struct arena *a, struct str prefix_key, struct str version)
{
	char *p = arena_bytes(a, prefix_key.n + 1 + version.n);
	if (!p) return STR_NONE;
	memcpy(p, prefix_key.p, prefix_key.n);
	p[prefix_key.n] = (char)ID_KEY_MARK;
	memcpy(p + prefix_key.n + 1, version.p, version.n);
	return str_n(p, prefix_key.n + 1 + version.n);
}

void templates__tag(struct str key, unsigned char ret[TEMPLATE_TAG])
{
	unsigned char digest[HASH_SHA256];
	hash_sha256(key, digest);
	memcpy(ret, digest, TEMPLATE_TAG);
}

enum err templates__key(struct arena *a, struct str prefix, struct str version, struct str *ret)
{
	struct id_prefix p;
	enum err e = id_prefix_parse(a, prefix, NULL, &p);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_BAD_MESSAGE;
	*ret = key_of(a, p.key, version);
	if (!ret->p) return ERR_NO_MEMORY;
	return ret->n > STORE_KEY_MAX ? ERR_BAD_MESSAGE : ERR_OK;
}

/* ---- templates -------------------------------------------------------------------------- */

static enum err find_key(struct store_txn *t, struct arena *a, struct str key, struct template *ret)
{
	struct str row;
	json_t *j;
	enum err e = store_get(t, RS_TABLE_template, key, &row);
	if (e) return e;
	e = json_read_large(a, row, NULL, &j);
	if (!e) e = template_read(a, j, true, NULL, ret);
	return !e || e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
}

enum err templates_find(struct store_txn *t, struct arena *a, struct str prefix, struct str version,
			struct template *ret)
{
	struct str key;
	enum err e = templates__key(a, prefix, version, &key);
	return e ? e : find_key(t, a, key, ret);
}

enum err templates_find_handle(struct store_txn *t, struct arena *a, struct str handle,
			       struct template *ret)
{
	struct str prefix, version;
	enum err e = template_handle_split(handle, &prefix, &version);
	return e ? ERR_NOT_FOUND : templates_find(t, a, prefix, version, ret);
}

static enum err next_numbers(struct writer_txn *t, uint64_t n, uint64_t *ret_first)
{
	unsigned char octets[8];
	struct str row;
	uint64_t last = 0;
	enum err e = store_get(t->store, RS_TABLE_template, str_n("\0", 1), &row);
	if (!e) last = store_u64(row);
	if (e && e != ERR_NOT_FOUND) return e;
	*ret_first = last + 1;
	return n ? store_put(t->store, RS_TABLE_template, str_n("\0", 1), store_key_u64(octets, last + n))
		 : ERR_OK;
}

static enum err number_all(struct writer_txn *t, struct template *x, const struct template *old)
{
	uint64_t first, n = !old;
	for (size_t i = 0; i < x->attributes_n; i++) {
		const struct template_attribute *was =
		    old ? template_at(old, x->attributes[i].index) : NULL;
		x->attributes[i].id = was ? was->id : 0;
		n += !was;
	}
	enum err e = next_numbers(t, n, &first);
	if (e) return e;
	x->id = old ? old->id : first++;
	for (size_t i = 0; i < x->attributes_n; i++)
		if (!x->attributes[i].id) x->attributes[i].id = first++;
	return ERR_OK;
}

static enum err note(struct writer_txn *t, struct str who, const struct template *x, const char *kind,
		     struct str row)
{
	struct buf entry;
	unsigned char digest[HASH_SHA256];
	entry_open(&entry);
	if (row.n) {
		hash_sha256(row, digest);
		entry_digest(&entry, "digest", digest);
	}
	entry_text(&entry, "kind", str_of(kind));
	entry_text(&entry, "prefix", x->prefix);
	if (row.n) entry_number(&entry, "revision", x->revision);
	entry_text(&entry, "template", x->version);
	return entry_append(&entry, t, who, NULL);
}

static enum err check_there(const struct templates_change *c, const struct template *old, struct flaw *f)
{
	if (old && c->condition == TEMPLATES_ABSENT)
		return flaw_set(f, ERR_EXISTS, FLAW_NO_OFFSET, "version", "template-absent",
				"the template %.*s/%.*s exists", STR_ARG(old->prefix),
				STR_ARG(old->version));
	if (!old && c->condition == TEMPLATES_PRESENT)
		return flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "version", "template-present",
				"there is no template %.*s/%.*s", STR_ARG(c->template.prefix),
				STR_ARG(c->template.version));
	if (c->revision && (!old || old->revision != c->revision))
		return flaw_set(f, ERR_PRECONDITION, FLAW_NO_OFFSET, "if-match", "revision",
				"the template has another revision");
	return ERR_OK;
}

static enum err find_old(struct writer_txn *t, struct arena *a, const struct template *x, struct str *key,
			 struct template *room, const struct template **ret, uint64_t *ret_uses)
{
	*ret = NULL;
	*ret_uses = 0;
	enum err e = templates__key(a, x->prefix, x->version, key);
	if (!e) e = find_key(t->store, a, *key, room);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	*ret = room;
	uint64_t series = 0;
	e = templates_uses(t->store, a, room, ret_uses);
	if (!e) e = templates_series_uses(t->store, a, room, &series);
	*ret_uses += series;
	return e;
}

enum err templates_put(struct writer_txn *t, struct arena *a, struct templates_change *c, struct flaw *f)
{
	struct template room, *x = &c->template;
	const struct template *old;
	struct str key, text;
	uint64_t uses;
	enum err e = find_old(t, a, x, &key, &room, &old, &uses);
	if (!e) e = check_there(c, old, f);
	if (!e && old && c->edit) e = c->edit(c, a, old, f);
	if (!e && old && uses) e = template_check_change(old, x, f);
	if (e) return e;
	c->created = !old;
	x->revision = old ? old->revision + 1 : 1;
	x->created = old ? old->created : t->now;
	x->modified = t->now;
	x->creator = old ? old->creator : c->who;
	if (old && !x->base.n) x->base = old->base;
	x->published_at = !x->published ? 0 : old && old->published ? old->published_at : t->now;
	e = number_all(t, x, old);
	if (e) return e;
	json_t *j = json_keep(a, template_write(x, true));
	text = j ? json_write(a, j, false) : STR_NONE;
	if (!text.p) return ERR_NO_MEMORY;
	e = store_put(t->store, RS_TABLE_template, key, text);
	return e ? e : note(t, c->who, x, old ? "template.changed" : "template.created", text);
}

enum err templates_delete(struct writer_txn *t, struct arena *a, const struct templates_change *c,
			  struct flaw *f)
{
	struct template room;
	const struct template *old;
	struct str key;
	uint64_t uses;
	enum err e = find_old(t, a, &c->template, &key, &room, &old, &uses);
	if (!e) e = check_there(c, old, f);
	if (!e && uses)
		e = flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "version", "template-in-use",
			     "%llu identifiers and series use the template", (unsigned long long)uses);
	if (!e) e = store_del(t->store, RS_TABLE_template, key);
	return e ? e : note(t, c->who, old, "template.deleted", STR_NONE);
}

enum err templates_list(struct store_txn *t, struct str prefix_key, struct str after, templates_list_fn *fn,
			void *arg)
{
	struct store_cursor *c;
	struct str key, row;
	enum err e = store_cursor_open(t, RS_TABLE_template, &c);
	if (e) return e;
	e = store_cursor_seek(c, after.n ? after : prefix_key, &key, &row);
	if (!e && after.n && str_eq(key, after)) e = store_cursor_next(c, &key, &row);
	while (!e && str_starts(key, prefix_key) && fn(arg, key, row)) e = store_cursor_next(c, &key, &row);
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- records ---------------------------------------------------------------------------- */

/* The Handle's own prefix: its version means a template of exactly that one. */
static enum err own_prefix(const struct id *id, struct str *ret)
{
	size_t ends[ID_BOUNDARIES_MAX], n = id_boundaries(id, ends);
	if (id->scheme != ID_HANDLE || n < 2) return ERR_BAD_MESSAGE;
	*ret = str_first(id->key, ends[n - 2]);
	return ERR_OK;
}

static enum err named_key(struct arena *a, const struct id *id, enum template_naming how, struct str name,
			  struct str *ret)
{
	struct str prefix, version;
	enum err e;
	if (!name.n || name.n > TEMPLATE_PREFIX_MAX + 1 + TEMPLATE_VERSION_MAX) return ERR_BAD_MESSAGE;
	if (how == TEMPLATE_BY_VERSION) {
		e = name.n > TEMPLATE_VERSION_MAX ? ERR_BAD_MESSAGE : own_prefix(id, &prefix);
		if (e) return e;
		*ret = key_of(a, prefix, name);
		if (!ret->p) return ERR_NO_MEMORY;
		return ret->n > STORE_KEY_MAX ? ERR_BAD_MESSAGE : ERR_OK;
	}
	e = template_handle_split(name, &prefix, &version);
	return e ? e : templates__key(a, prefix, version, ret);
}

/* ret_key: of the template it names; p NULL: none. */
static enum err old_bond(struct arena *a, const struct templates_record *r, struct template_bond *b,
			 struct str *ret_key)
{
	struct str rest = r->old, name, key;
	enum template_naming how;
	struct value v;
	enum err e;
	*ret_key = STR_NONE;
	while (!(e = record_next_value(&rest, &v))) {
		if (v.index != TEMPLATE_INDEX_ID && v.index != TEMPLATE_INDEX_VERSION) continue;
		/* one that was registered before templates were kept names nothing */
		if (template_named(&v, 1, NULL, &how, &name) || how == TEMPLATE_NONE) continue;
		e = named_key(a, r->id, how, name, &key);
		if (e) return e == ERR_NO_MEMORY ? e : ERR_OK;
		templates__tag(key, b->old);
		b->was = true;
		*ret_key = key;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static bool may_use(struct arena *a, const struct template *x, const struct id *id)
{
	struct id_prefix p;
	struct id reader;
	size_t ends[ID_BOUNDARIES_MAX];
	if (!id_prefix_parse(a, x->prefix, NULL, &p) && id_prefix_covers(p.key, id->key)) return true;
	if (x->open) return true;
	for (size_t i = 0; i < x->readers.n; i++) {
		if (id_parse(a, x->readers.items[i], NULL, &reader)) continue;
		size_t n = id_boundaries(&reader, ends);
		if (n >= 2 && id_prefix_covers(str_first(reader.key, ends[n - 2]), id->key)) return true;
	}
	return false;
}

static enum err look_up(struct store_txn *t, struct arena *a, struct str key, struct templates_seen *seen,
			const struct template **ret)
{
	struct template_seen *s = seen->first;
	while (s && !str_eq(s->key, key)) s = s->next;
	if (!s) {
		if (seen->keep && seen->n < TEMPLATES_SEEN_MAX) a = seen->keep;
		s = ARENA_NEW(a, struct template_seen);
		if (!s) return ERR_NO_MEMORY;
		enum err e = find_key(t, a, key, &s->template);
		if (e) return e;
		s->key = arena_dup(a, key);
		if (!s->key.p) return ERR_NO_MEMORY;
		if (seen->n < TEMPLATES_SEEN_MAX) {
			s->next = seen->first;
			seen->first = s;
			seen->n++;
		}
	}
	*ret = &s->template;
	return ERR_OK;
}

static enum err refuse(const struct template_fault *x, struct flaw *f)
{
	char at[32] = "values";
	if (x->value != SIZE_MAX) snprintf(at, sizeof at, "values[%zu]", x->value);
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, x->rule, "%s", x->text);
}

/* A referenced record that is registered here must name the template that the attribute asks for. */
static enum err check_references(struct store_txn *t, struct arena *a, const struct template *x,
				 const struct templates_record *r, struct template_fault *fault)
{
	for (size_t i = 0; i < r->values_n; i++) {
		const struct template_attribute *y = template_at(x, r->values[i].index);
		struct template_bond b = {.was = false};
		unsigned char tag[TEMPLATE_TAG];
		struct id other;
		struct str packed, key, named, prefix, version;
		if (!y || !y->reference.n || id_parse(a, r->values[i].data, NULL, &other)) continue;
		enum err e = registry_find(t, &other, &packed);
		if (e == ERR_NOT_FOUND) continue; /* another node's, or not there yet */
		if (!e)
			e = old_bond(a, &(struct templates_record){.id = &other, .old = packed}, &b,
				     &named);
		if (!e) e = template_handle_split(y->reference, &prefix, &version);
		if (!e) e = templates__key(a, prefix, version, &key);
		if (e) return e;
		templates__tag(key, tag);
		if (b.was && memcmp(tag, b.old, sizeof tag) == 0) continue;
		*fault = (struct template_fault){.value = i, .attribute = y->name, .index = y->index};
		snprintf(fault->rule, sizeof fault->rule, "template-reference");
		snprintf(fault->text, sizeof fault->text,
			 "attribute %.*s: the identifier it refers to has another template",
			 STR_ARG(str_first(y->name, 60)));
		snprintf(fault->zh, sizeof fault->zh, "属性%.*s引用的标识不属于规定的元数据",
			 STR_ARG(str_first(y->name, 60)));
		return ERR_BAD_MESSAGE;
	}
	return ERR_OK;
}

static enum err check_new(struct store_txn *t, struct arena *a, const struct templates_record *r,
			  struct templates_seen *seen, struct template_fault *fault, struct flaw *f,
			  struct template_bond *b)
{
	enum template_naming how;
	const struct template *x = NULL;
	struct str name, key;
	enum err e = template_named(r->values, r->values_n, f, &how, &name);
	if (e || how == TEMPLATE_NONE) return e;
	const char *at = how == TEMPLATE_BY_ID ? "TEMPLATE_ID" : "TEMPLATE";
	e = named_key(a, r->id, how, name, &key);
	if (e == ERR_BAD_MESSAGE)
		return flaw_set(
		    f, e, FLAW_NO_OFFSET, at, "template-name",
		    "\"%.*s\" names no template: a version goes with a Handle, else PREFIX/VERSION",
		    STR_ARG(str_first(name, 80)));
	if (!e) e = look_up(t, a, key, seen, &x);
	if (e == ERR_NOT_FOUND)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, "template-known",
				"there is no template \"%.*s\"", STR_ARG(str_first(name, 80)));
	if (e) return e;
	b->is = true;
	templates__tag(key, b->new);
	bool same = b->was && memcmp(b->old, b->new, TEMPLATE_TAG) == 0;
	if (!same && !may_use(a, x, r->id))
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, at, "template-granted",
				"the template is another enterprise's and not opened to this one");
	if (!same && !x->published)
		return flaw_set(f, ERR_BAD_STATE, FLAW_NO_OFFSET, at, "template-published",
				"the template is not published");
	e = template_check_record(a, x, r->values, r->values_n, fault);
	if (!e) e = check_references(t, a, x, r, fault);
	if (!e) e = templates_claims_new(t, a, x, b->new, r, fault, &b->claimed);
	return e == ERR_BAD_MESSAGE ? refuse(fault, f) : e;
}

/* The values that the record so far kept others from. */
static enum err check_old(struct store_txn *t, struct arena *a, const struct templates_record *r,
			  struct templates_seen *seen, struct template_bond *b)
{
	const struct template *x;
	struct str key;
	enum err e = old_bond(a, r, b, &key);
	if (e || !key.p) return e;
	e = look_up(t, a, key, seen, &x);
	if (e == ERR_NOT_FOUND) return ERR_OK; /* its template was not known then */
	return e ? e : templates_claims_old(a, x, b->old, r->old, &b->gone);
}

enum err templates_of(struct store_txn *t, struct arena *a, const struct id *id, const struct value *values,
		      size_t n, struct templates_seen *seen, const struct template **ret)
{
	enum template_naming how;
	struct str name, key;
	*ret = NULL;
	enum err e = template_named(values, n, NULL, &how, &name);
	if (e || how == TEMPLATE_NONE) return e;
	e = named_key(a, id, how, name, &key);
	return e ? e : look_up(t, a, key, seen, ret);
}

enum err templates_check(struct store_txn *t, struct arena *a, const struct templates_record *r,
			 struct templates_seen *seen, struct template_fault *fault, struct flaw *f,
			 struct template_bond *ret)
{
	struct template_bond b = {.was = false};
	struct template_fault own;
	enum err e = r->old.n ? check_old(t, a, r, seen, &b) : ERR_OK;
	if (!e && r->values_n) e = check_new(t, a, r, seen, fault ? fault : &own, f, &b);
	if (!e) *ret = b;
	return e;
}

/* ---- notices ---------------------------------------------------------------------------- */

static enum err notice_last(struct store_txn *t, const char stem[TEMPLATE_TAG], uint64_t *ret)
{
	char from[TEMPLATE_TAG + 8];
	struct store_cursor *c;
	struct str key, row;
	memcpy(from, stem, TEMPLATE_TAG);
	memset(from + TEMPLATE_TAG, 0xff, 8);
	enum err e = store_cursor_open(t, RS_TABLE_notice, &c);
	if (e) return e;
	e = store_cursor_seek(c, str_n(from, sizeof from), &key, &row);
	e = e ? store_cursor_last(c, &key, &row) : store_cursor_prev(c, &key, &row);
	*ret =
	    !e && str_starts(key, str_n(stem, TEMPLATE_TAG)) ? store_u64(str_skip(key, TEMPLATE_TAG)) : 0;
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static struct str notice_key(char room[TEMPLATE_TAG + 8], uint64_t number)
{
	unsigned char octets[8];
	store_key_u64(octets, number);
	memcpy(room + TEMPLATE_TAG, octets, 8);
	return str_n(room, TEMPLATE_TAG + 8);
}

static void notice_stem(struct str handle, char room[TEMPLATE_TAG + 8])
{
	unsigned char tag[TEMPLATE_TAG];
	templates__tag(handle, tag);
	memcpy(room, tag, sizeof tag);
}

enum err templates_notice_put(struct store_txn *t, struct str handle, struct str json)
{
	char room[TEMPLATE_TAG + 8];
	uint64_t last;
	notice_stem(handle, room);
	enum err e = notice_last(t, room, &last);
	if (e) return e;
	e = store_put(t, RS_TABLE_notice, notice_key(room, last + 1), json);
	if (e || last + 1 <= NOTICES_KEPT) return e;
	e = store_del(t, RS_TABLE_notice, notice_key(room, last + 1 - NOTICES_KEPT));
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err templates_notices(struct store_txn *t, struct str handle, templates_notice_fn *fn, void *arg)
{
	char room[TEMPLATE_TAG + 8];
	uint64_t number;
	struct str row;
	notice_stem(handle, room);
	enum err e = notice_last(t, room, &number);
	for (; !e && number; number--) {
		e = store_get(t, RS_TABLE_notice, notice_key(room, number), &row);
		if (e || !fn(arg, number, row)) break;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
