/* Attributes whose values no two records of a template share. Rows, in the table template_use beside those
 * of templates.c:
 *   'q' ‖ tag ‖ be32 index ‖ SHA-256 of the value  →  text of the identifier that has it
 * A row stands as long as its record names the template and has the value. */
#include <stdio.h>

#include "base/hash.h"
#include "resolver/tables.h"
#include "resolver/templates.h"

enum { BUCKETS = 256 };

struct taken {
	unsigned char row[TEMPLATE_UNIQUE_KEY];
	struct taken *next;
};
struct templates_taken {
	struct taken *buckets[BUCKETS];
};

static struct str key_of(const struct template_claim *c)
{
	return str_n((const char *)c->key, sizeof c->key);
}

static void claim(const unsigned char tag[TEMPLATE_TAG], uint32_t index, struct str data,
		  struct template_claim *ret)
{
	unsigned char *to = ret->key;
	*to++ = 'q';
	memcpy(to, tag, TEMPLATE_TAG);
	to += TEMPLATE_TAG;
	for (int shift = 24; shift >= 0; shift -= 8) *to++ = (unsigned char)(index >> shift);
	hash_sha256(data, to);
}

static bool has_unique(const struct template *x)
{
	for (size_t i = 0; i < x->attributes_n; i++)
		if (x->attributes[i].unique) return true;
	return false;
}

/* One for each unique attribute: indexes stand once in a record. */
static enum err room(struct arena *a, const struct template *x, size_t *ret_n, struct template_claims *ret)
{
	*ret_n = 0;
	for (size_t i = 0; i < x->attributes_n; i++) *ret_n += x->attributes[i].unique;
	*ret = (struct template_claims){ARENA_ARRAY(a, struct template_claim, *ret_n + 1), 0};
	return ret->items ? ERR_OK : ERR_NO_MEMORY;
}

enum err templates_claims_old(struct arena *a, const struct template *x,
			      const unsigned char tag[TEMPLATE_TAG], struct str packed,
			      struct template_claims *ret)
{
	struct str rest = packed;
	struct value v;
	size_t most;
	enum err e;
	if (!has_unique(x)) return ERR_OK;
	e = room(a, x, &most, ret);
	while (!e && !(e = record_next_value(&rest, &v))) {
		const struct template_attribute *y = template_at(x, v.index);
		if (y && y->unique && ret->n < most) claim(tag, v.index, v.data, &ret->items[ret->n++]);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err refuse(const struct template_attribute *y, size_t i, const char *en, const char *zh,
		       struct template_fault *f)
{
	int n = y->name.n > 60 ? 60 : (int)y->name.n;
	*f = (struct template_fault){.value = i, .attribute = y->name, .index = y->index};
	snprintf(f->rule, sizeof f->rule, "template-unique");
	snprintf(f->text, sizeof f->text, "attribute %.*s (index %llu): %s", n, y->name.p,
		 (unsigned long long)y->index, en);
	snprintf(f->zh, sizeof f->zh, "属性%.*s（索引%llu）%s", n, y->name.p, (unsigned long long)y->index,
		 zh);
	return ERR_BAD_MESSAGE;
}

static struct taken **bucket(struct templates_taken *t, const struct template_claim *c)
{
	return &t->buckets[c->key[sizeof c->key - 1]];
}

static bool in_set(struct templates_taken *t, const struct template_claim *c)
{
	if (!t) return false;
	for (const struct taken *x = *bucket(t, c); x; x = x->next)
		if (memcmp(x->row, c->key, sizeof c->key) == 0) return true;
	return false;
}

static enum err take(struct arena *a, struct templates_taken **t, const struct template_claims *claims)
{
	if (!claims->n) return ERR_OK;
	if (!*t) *t = ARENA_NEW(a, struct templates_taken);
	if (!*t) return ERR_NO_MEMORY;
	for (size_t i = 0; i < claims->n; i++) {
		struct taken *x = ARENA_NEW(a, struct taken), **head = bucket(*t, &claims->items[i]);
		if (!x) return ERR_NO_MEMORY;
		memcpy(x->row, claims->items[i].key, sizeof x->row);
		x->next = *head;
		*head = x;
	}
	return ERR_OK;
}

static enum err check_one(struct store_txn *t, const struct templates_record *r,
			  const struct template_attribute *y, size_t i, const struct template_claim *c,
			  struct template_fault *fault)
{
	struct str other;
	if (r->series)
		return refuse(y, i, "must be unique, which members of a series are not",
			      "须唯一，系列标识不支持", fault);
	if (in_set(r->taken ? *r->taken : NULL, c))
		return refuse(y, i, "must be unique, and stands in another record of the batch too",
			      "的值须唯一，本批次中重复", fault);
	enum err e = store_get(t, RS_TABLE_template_use, key_of(c), &other);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (str_eq(other, r->id->text)) return ERR_OK;
	return refuse(y, i, "must be unique, and another identifier of the template has the same value",
		      "的值须唯一，已被其他标识使用", fault);
}

enum err templates_claims_new(struct store_txn *t, struct arena *a, const struct template *x,
			      const unsigned char tag[TEMPLATE_TAG], const struct templates_record *r,
			      struct template_fault *fault, struct template_claims *ret)
{
	size_t most;
	enum err e;
	if (!has_unique(x)) return ERR_OK;
	e = room(a, x, &most, ret);
	for (size_t i = 0; i < r->values_n && !e; i++) {
		const struct template_attribute *y = template_at(x, r->values[i].index);
		if (!y || !y->unique || ret->n == most) continue;
		struct template_claim *c = &ret->items[ret->n++];
		claim(tag, r->values[i].index, r->values[i].data, c);
		e = check_one(t, r, y, i, c, fault);
	}
	return e || !r->taken ? e : take(a, r->taken, ret);
}

static bool stands(const struct template_claims *claims, const struct template_claim *c)
{
	for (size_t i = 0; i < claims->n; i++)
		if (memcmp(claims->items[i].key, c->key, sizeof c->key) == 0) return true;
	return false;
}

enum err templates_claim(struct store_txn *t, const struct id *id, const struct template_bond *b)
{
	struct str row;
	enum err e = ERR_OK;
	for (size_t i = 0; i < b->gone.n && !e; i++) {
		const struct template_claim *c = &b->gone.items[i];
		if (stands(&b->claimed, c)) continue;
		e = store_get(t, RS_TABLE_template_use, key_of(c), &row);
		if (!e && str_eq(row, id->text)) e = store_del(t, RS_TABLE_template_use, key_of(c));
		if (e == ERR_NOT_FOUND) e = ERR_OK; /* from before the attribute was unique */
	}
	for (size_t i = 0; i < b->claimed.n && !e; i++)
		if (!stands(&b->gone, &b->claimed.items[i]))
			e = store_put(t, RS_TABLE_template_use, key_of(&b->claimed.items[i]), id->text);
	return e;
}
