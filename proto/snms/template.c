/* Templates as the interface writes them: "idType" is the attribute's name, "name" its title. */
#include <stdio.h>

#include "proto/snms/snms.h"

enum { PATH = 96 };

static enum err bad(struct flaw *f, const char *path, const char *key, const char *rule, const char *form)
{
	char at[PATH];
	snprintf(at, sizeof at, "%s%s%s", path, *path ? "." : "", key);
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, form, at);
}

static enum err read_number(json_t *j, const char *path, const char *key, uint64_t most, struct flaw *f,
			    uint64_t *ret)
{
	return template_number_read(j, key, most, ret) ? bad(f, path, key, "number", "请求参数类型错误: %s")
						       : ERR_OK;
}

static enum err read_metadata(json_t *item, const char *path, struct flaw *f, struct template_attribute *x)
{
	json_t *m = json_object_get(item, "metadata"), *type = json_object_get(m, "type");
	char below[PATH];
	snprintf(below, sizeof below, "%s.metadata", path);
	if (!json_is_object(m)) return bad(f, path, "metadata", "required", "缺少必要的请求参数: %s");
	if (type && !str_is(json_text(type), "string"))
		return bad(f, below, "type", "type", "只支持string类型: %s");
	if (!json_object_get(m, "minLength"))
		return bad(f, below, "minLength", "required", "缺少必要的请求参数: %s");
	if (!json_object_get(m, "maxLength"))
		return bad(f, below, "maxLength", "required", "缺少必要的请求参数: %s");
	enum err e = read_number(m, below, "minLength", RECORD_DATA_MAX, f, &x->min_length);
	return e ? e : read_number(m, below, "maxLength", RECORD_DATA_MAX, f, &x->max_length);
}

static enum err read_item(json_t *j, const char *path, struct flaw *f, struct template_attribute *x)
{
	uint64_t state = 0;
	json_t *required = json_object_get(j, "required");
	*x = (struct template_attribute){.type = TEMPLATE_STRING, .decimals = UINT64_MAX, .input = true};
	if (!json_is_object(j)) return bad(f, path, "", "object", "请求参数类型错误: %s");
	enum err e = snms_text(j, path, "name", TEMPLATE_NAME_MAX, f, &x->title);
	if (!e) e = snms_text(j, path, "idType", SNMS_TYPE_MAX, f, &x->name);
	if (!e) e = read_number(j, path, "idIndex", TEMPLATE_INDEX_LAST, f, &x->index);
	if (!e) e = read_number(j, path, "state", TEMPLATE_PENDING, f, &state);
	if (!e && required && !json_is_boolean(required))
		e = bad(f, path, "required", "type", "请求参数类型错误: %s");
	if (e) return e;
	x->required = json_is_true(required);
	x->state = (enum template_state)state;
	return read_metadata(j, path, f, x);
}

static enum err read_items(struct arena *a, json_t *list, struct flaw *f, struct template *t)
{
	char path[PATH];
	if (!json_is_array(list)) return bad(f, "", "items", "required", "缺少必要的请求参数: %s");
	t->attributes_n = json_array_size(list);
	if (t->attributes_n > TEMPLATE_ATTRIBUTES_MAX)
		return bad(f, "", "items", "count", "模板属性过多: %s");
	t->attributes = ARENA_ARRAY(a, struct template_attribute, t->attributes_n + 1);
	if (!t->attributes) return ERR_NO_MEMORY;
	for (size_t i = 0; i < t->attributes_n; i++) {
		snprintf(path, sizeof path, "items[%zu]", i);
		enum err e = read_item(json_array_get(list, i), path, f, &t->attributes[i]);
		if (e) return e;
	}
	uint64_t next = TEMPLATE_INDEX_FIRST;
	for (size_t i = 0; i < t->attributes_n; i++) {
		if (t->attributes[i].index) continue;
		while (template_at(t, next)) next++;
		t->attributes[i].index = next;
	}
	return ERR_OK;
}

static enum err say_check(const struct template *t, struct flaw *f)
{
	struct flaw why = {.offset = FLAW_NO_OFFSET};
	if (!template_check_rules(t, &why)) return ERR_OK;
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, why.at, why.rule, "模板内容不合法: %s (%s)",
			why.at, why.rule);
}

enum err snms_template_read(struct arena *a, json_t *j, struct flaw *f, struct template *ret)
{
	struct template t = {.published = true};
	const struct {
		const char *key;
		size_t max;
		struct str *to;
	} texts[] = {{"prefix", TEMPLATE_PREFIX_MAX, &t.prefix},
		     {"version", SNMS_VERSION_MAX, &t.version},
		     {"industryCategory", 16, &t.category},
		     {"industrySpecific", 16, &t.specific},
		     {"industryTrade", 16, &t.trade},
		     {"industrySubclass", 16, &t.subclass}};
	if (!json_is_object(j)) return bad(f, "", "body", "object", "请求参数类型错误: %s");
	enum err e = ERR_OK;
	for (size_t i = 0; i < sizeof texts / sizeof *texts && !e; i++)
		e = snms_text(j, "", texts[i].key, texts[i].max, f, texts[i].to);
	if (!e && !json_object_get(j, "type")) e = bad(f, "", "type", "required", "缺少必要的请求参数: %s");
	if (!e) e = read_number(j, "", "type", 2, f, &t.kind);
	if (!e && !t.kind) e = bad(f, "", "type", "number", "请求参数类型错误: %s");
	json_t *name = json_object_get(j, "name"), *description = json_object_get(j, "description");
	if (!e && json_text(name).n) e = snms_text(j, "", "name", TEMPLATE_NAME_MAX, f, &t.title);
	if (!e && json_text(description).n) e = snms_text(j, "", "description", 300, f, &t.description);
	if (!e) e = read_items(a, json_object_get(j, "items"), f, &t);
	if (!e) e = say_check(&t, f);
	if (!e) *ret = t;
	return e;
}

enum err snms_template_key_read(json_t *j, struct flaw *f, struct template *ret)
{
	struct template t = {.kind = 0};
	if (!json_is_object(j)) return bad(f, "", "body", "object", "请求参数类型错误: %s");
	enum err e = snms_text(j, "", "prefix", TEMPLATE_PREFIX_MAX, f, &t.prefix);
	if (!e) e = snms_text(j, "", "version", SNMS_VERSION_MAX, f, &t.version);
	if (!e) *ret = t;
	return e;
}

static struct str text(struct str s)
{
	return s.p ? s : STR("");
}

json_t *snms_template_write(const struct template *t, int version)
{
	json_t *o = json_object(), *items = json_array();
	json_put_u64(o, "id", t->id);
	json_put_str(o, "prefix", t->prefix);
	json_put_str(o, "name", text(t->title));
	json_put_str(o, "version", t->version);
	json_put_str(o, "industryCategory", text(t->category));
	json_put_str(o, "industrySpecific", text(t->specific));
	json_put_str(o, "industryTrade", text(t->trade));
	json_put_str(o, "industrySubclass", text(t->subclass));
	json_put_u64(o, "type", t->kind);
	json_put_str(o, "description", text(t->description));
	json_put(o, "items", items);
	for (size_t i = 0; i < t->attributes_n; i++) {
		const struct template_attribute *x = &t->attributes[i];
		json_t *one = json_object(), *m = json_object();
		if (x->type != TEMPLATE_STRING) {
			json_decref(one);
			json_decref(m);
			json_decref(o);
			return NULL;
		}
		json_put_str(one, "name", text(x->title));
		json_put_str(one, "idType", x->name);
		if (version >= 5) json_put_u64(one, "metadataId", x->id);
		json_put_str(m, "type", STR("string"));
		json_put_u64(m, "minLength", x->min_length);
		json_put_u64(m, "maxLength", x->max_length);
		json_put(one, "metadata", m);
		json_put(one, "required", json_boolean(x->required));
		if (version >= 5) json_put_u64(one, "state", x->state);
		must(!json_array_append_new(items, one));
	}
	return o;
}
