#include "resolver/amendment.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATH_MAX_TEXT = 48 };

static const char *const words[] = {
#define X(kind, word) word,
    AMENDMENTS(X)
#undef X
};
enum { KINDS = sizeof words / sizeof *words };

/* ---- reading ---------------------------------------------------------------------------- */

static enum err bad(struct flaw *f, const char *path, const char *key, const char *rule, const char *text)
{
	char at[96];
	snprintf(at, sizeof at, "%s%s%s", path, *key ? "." : "", key);
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s %s", at, text);
}

static enum err kind_read(json_t *j, const char *path, struct flaw *f, enum amendment_kind *ret)
{
	struct str word;
	enum err e = json_str(j, path, "op", f, &word);
	if (e) return e;
	for (size_t i = 0; i < KINDS; i++) {
		if (!str_is(word, words[i])) continue;
		*ret = (enum amendment_kind)i;
		return ERR_OK;
	}
	return bad(f, path, "op", "operation", "is one of add, modify, remove");
}

static enum err members_known(json_t *j, const char *path, const char *operand, struct flaw *f)
{
	const char *key;
	json_t *v;
	json_object_foreach(j, key, v) if (strcmp(key, "op") != 0 && strcmp(key, operand) != 0) return bad(
	    f, path, key, "unknown-member", "is not a member here");
	return ERR_OK;
}

static enum err index_read(json_t *j, const char *path, struct flaw *f, uint32_t *ret)
{
	uint64_t index;
	enum err e = json_u64(j, path, "index", f, &index);
	if (e) return e;
	if (!index || index > UINT32_MAX)
		return bad(f, path, "index", "range", "is a number from 1 to 2^32-1");
	*ret = (uint32_t)index;
	return ERR_OK;
}

static enum err one_read(struct arena *a, json_t *j, const char *path, struct flaw *f,
			 struct amendment *ret)
{
	struct amendment m = {.kind = AMENDMENT_ADD};
	char inner[PATH_MAX_TEXT];
	json_t *value;
	if (!json_is_object(j)) return bad(f, path, "", "type", "is an object");
	enum err e = kind_read(j, path, f, &m.kind);
	if (!e) e = members_known(j, path, m.kind == AMENDMENT_REMOVE ? "index" : "value", f);
	if (!e && m.kind == AMENDMENT_REMOVE) {
		e = index_read(j, path, f, &m.value.index);
	} else if (!e) {
		snprintf(inner, sizeof inner, "%s.value", path);
		e = json_obj(j, path, "value", f, &value);
		if (!e) e = record_parse_value(a, value, inner, f, &m.value);
		if (!e && m.kind == AMENDMENT_MODIFY && !m.value.index)
			e = bad(f, inner, "index", "required", "is missing: which value is meant?");
	}
	if (!e) *ret = m;
	return e;
}

enum err amendments_parse(struct arena *a, json_t *j, struct flaw *f, struct amendments *ret)
{
	struct amendments m;
	json_t *all;
	if (!json_is_object(j))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "", "object", "expected a JSON object");
	if (json_object_size(j) > 1)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "", "unknown-member",
				"expected the member \"operations\" and no other");
	enum err e = json_arr(j, "", "operations", f, &all);
	if (e) return e;
	m.n = json_array_size(all);
	if (!m.n) return bad(f, "operations", "", "empty", "holds nothing to do");
	if (m.n > AMENDMENTS_MAX)
		return flaw_set(f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "operations", "operations-number",
				"a request has at most %d operations", AMENDMENTS_MAX);
	m.list = ARENA_ARRAY(a, struct amendment, m.n);
	if (!m.list) return ERR_NO_MEMORY;
	for (size_t i = 0; i < m.n && !e; i++) {
		char path[PATH_MAX_TEXT - 8];
		snprintf(path, sizeof path, "operations[%zu]", i);
		e = one_read(a, json_array_get(all, i), path, f, &m.list[i]);
	}
	if (!e) *ret = m;
	return e;
}

/* ---- applying --------------------------------------------------------------------------- */

/* The values being changed, in order of index. */
struct values {
	struct value *p;
	size_t n, room;
};

/* Place of the index, or where it would stand. */
static size_t place_of(const struct values *v, uint32_t index)
{
	size_t low = 0, high = v->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (v->p[mid].index < index)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static uint32_t lowest_free(const struct values *v)
{
	uint32_t index = 1;
	for (size_t i = 0; i < v->n && v->p[i].index == index; i++) index++;
	return index;
}

static enum err refuse(struct flaw *f, size_t i, enum err e, const char *rule, uint32_t index)
{
	char at[PATH_MAX_TEXT];
	snprintf(at, sizeof at, "operations[%zu]", i);
	return flaw_set(f, e, FLAW_NO_OFFSET, at, rule, "value %u: %s", index,
			e == ERR_EXISTS      ? "the record has it already"
			: e == ERR_NOT_FOUND ? "the record has no such value"
			: e == ERR_FORBIDDEN ? "administrators may not write it"
					     : "the record would have too many values");
}

static enum err apply_one(struct values *v, struct amendment *m, size_t i, struct flaw *f)
{
	struct value new = m->value;
	if (m->kind == AMENDMENT_ADD && !new.index) new.index = lowest_free(v);
	size_t at = place_of(v, new.index);
	bool there = at < v->n && v->p[at].index == new.index;
	m->index = new.index;
	if (m->kind == AMENDMENT_ADD) {
		if (there) return refuse(f, i, ERR_EXISTS, "index-exists", new.index);
		if (v->n == RECORD_VALUES_MAX)
			return refuse(f, i, ERR_TOO_LARGE, "values-number", new.index);
		memmove(v->p + at + 1, v->p + at, (v->n++ - at) * sizeof *v->p);
		v->p[at] = new;
		return ERR_OK;
	}
	if (!there) return refuse(f, i, ERR_NOT_FOUND, "index-absent", new.index);
	if (!(v->p[at].permissions & VALUE_ADMIN_WRITE))
		return refuse(f, i, ERR_FORBIDDEN, "value-read-only", new.index);
	if (m->kind == AMENDMENT_MODIFY)
		v->p[at] = new;
	else
		memmove(v->p + at, v->p + at + 1, (--v->n - at) * sizeof *v->p);
	return ERR_OK;
}

static int by_index(const void *a, const void *b)
{
	const struct value *x = a, *y = b;
	return (x->index > y->index) - (x->index < y->index);
}

enum err amendments_apply(struct arena *a, const struct amendments *m, struct flaw *f, struct record *r)
{
	struct values v = {.n = r->values_n, .room = r->values_n + m->n};
	enum err e = ERR_OK;
	v.p = ARENA_ARRAY(a, struct value, v.room + 1);
	if (!v.p) return ERR_NO_MEMORY;
	if (v.n) memcpy(v.p, r->values, v.n * sizeof *v.p);
	qsort(v.p, v.n, sizeof *v.p, by_index);
	for (size_t i = 0; i < m->n && !e; i++) e = apply_one(&v, &m->list[i], i, f);
	if (e) return e;
	r->values = v.p;
	r->values_n = v.n;
	return ERR_OK;
}
