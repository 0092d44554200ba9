/* The classes of an enterprise's templates: one row a prefix, the whole list. */
#include <stdio.h>

#include "base/hash.h"
#include "resolver/entry.h"
#include "resolver/tables.h"
#include "resolver/templates.h"

enum err templates_classes(struct store_txn *t, struct str prefix_key, struct str *ret)
{
	enum err e = store_get(t, RS_TABLE_classification, prefix_key, ret);
	if (e == ERR_NOT_FOUND) *ret = STR("[]");
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err bad_class(struct flaw *f, size_t i, const char *member, const char *rule, const char *text)
{
	char at[64];
	snprintf(at, sizeof at, "classes[%zu].%s", i, member);
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s %s", at, text);
}

/* Numbers that come along from another node: clients know classes by them. */
static enum err check_class_numbers(json_t *list, size_t i, struct flaw *f)
{
	static const char *const names[] = {"id", "sort"};
	for (size_t m = 0; m < 2; m++) {
		const json_t *v = json_object_get(json_array_get(list, i), names[m]);
		if (!v) continue;
		if (!json_is_integer(v) || json_integer_value(v) < !m || json_integer_value(v) > INT32_MAX)
			return bad_class(f, i, names[m], "number", "is no number in its range");
		for (size_t k = 0; k < i && !m; k++)
			if (json_equal(json_object_get(json_array_get(list, k), "id"), v))
				return bad_class(f, i, "id", "twice", "stands twice");
	}
	return ERR_OK;
}

enum err templates_classes_check(json_t *list, struct flaw *f)
{
	size_t i, k, n = json_array_size(list);
	json_t *one;
	if (!json_is_array(list) || n > CLASSIFICATIONS_MAX)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "classes", "count",
				"classes: a list of up to %d", CLASSIFICATIONS_MAX);
	json_array_foreach(list, i, one)
	{
		struct str code = json_text(json_object_get(one, "code"));
		struct str name = json_text(json_object_get(one, "name"));
		struct str parent = json_text(json_object_get(one, "parent"));
		bool found = !parent.n;
		if (!code.n || code.n > TEMPLATE_VERSION_MAX)
			return bad_class(f, i, "code", "required", "is no code");
		if (!name.n || name.n > TEMPLATE_TEXT_MAX)
			return bad_class(f, i, "name", "required", "is no name");
		for (k = 0; k < i; k++) {
			struct str other = json_text(json_object_get(json_array_get(list, k), "code"));
			if (str_eq(other, code)) return bad_class(f, i, "code", "twice", "stands twice");
			found |= str_eq(other, parent);
		}
		if (!found) return bad_class(f, i, "parent", "parent", "does not stand before it");
		enum err e = check_class_numbers(list, i, f);
		if (e) return e;
	}
	return ERR_OK;
}

enum err templates_classes_put(struct writer_txn *t, struct str who, const struct id_prefix *prefix,
			       struct str json)
{
	struct buf entry;
	unsigned char digest[HASH_SHA256];
	enum err e = store_put(t->store, RS_TABLE_classification, prefix->key, json);
	if (e) return e;
	hash_sha256(json, digest);
	entry_open(&entry);
	entry_digest(&entry, "digest", digest);
	entry_text(&entry, "kind", STR("classification.changed"));
	entry_text(&entry, "prefix", prefix->text);
	return entry_append(&entry, t, who, NULL);
}
