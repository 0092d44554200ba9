#include <stdio.h>

#include "proto/doip/doip.h"

int doip_code_number(enum doip_code c)
{
	static const int numbers[] = {
#define X(name, code, text) code,
	    DOIP_CODES(X)
#undef X
	};
	return numbers[c];
}

const char *doip_code_text(enum doip_code c)
{
	static const char *const texts[] = {
#define X(name, code, text) text,
	    DOIP_CODES(X)
#undef X
	};
	return texts[c];
}

static enum err bad(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "入参%s%s", at, text);
}

/* ---- objects ---------------------------------------------------------------------------- */

enum err doip_object_read(json_t *j, struct flaw *f, struct doip_object *ret)
{
	struct str prefix, version, type = json_text(json_object_get(j, "type"));
	json_t *content = json_object_get(json_object_get(j, "attributes"), "content");
	if (!json_is_object(j)) return bad(f, "body", "object", "不是JSON对象");
	if (!type.n) return bad(f, "type", "required", "不能为空");
	if (template_handle_split(type, &prefix, &version)) return bad(f, "type", "handle", "格式异常");
	if (!json_is_object(content)) return bad(f, "attributes.content", "required", "不能为空");
	if (json_object_size(content) > DOIP_CONTENT_MAX)
		return bad(f, "attributes.content", "count", "过多");
	*ret = (struct doip_object){type, content};
	return ERR_OK;
}

static struct str value_text(struct arena *a, const json_t *v)
{
	if (json_is_string(v)) return json_text(v).n ? json_text(v) : STR("");
	if (json_is_boolean(v)) return json_is_true(v) ? STR("true") : STR("false");
	if (json_is_integer(v)) return arena_printf(a, "%lld", (long long)json_integer_value(v));
	/* the shortest text that reads back as the same number */
	if (json_is_real(v)) return arena_printf(a, "%.15g", json_real_value(v));
	return STR_NONE;
}

enum err doip_object_values(struct arena *a, const struct template *t, const struct doip_object *o,
			    bool naming, struct flaw *f, struct value **ret, size_t *ret_n)
{
	struct value *all = ARENA_ARRAY(a, struct value, json_object_size(o->content) + 1);
	char at[96];
	size_t n = 0;
	const char *key;
	json_t *v;
	if (!all) return ERR_NO_MEMORY;
	json_object_foreach(o->content, key, v)
	{
		const struct template_attribute *x = template_find(t, str_of(key));
		if (!x)
			return flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "attributes.content",
					"template-index", "实体%.80s不属于该元数据", key);
		struct str text = value_text(a, v);
		snprintf(at, sizeof at, "attributes.content.%.60s", key);
		if (!text.p) return bad(f, at, "type", "类型错误");
		all[n++] = (struct value){.index = (uint32_t)x->index,
					  .type = x->name,
					  .data = text,
					  .ttl = VALUE_TTL,
					  .permissions = VALUE_ADMIN_READ | VALUE_ADMIN_WRITE};
	}
	if (naming)
		all[n++] = (struct value){.index = TEMPLATE_INDEX_ID,
					  .type = STR("TEMPLATE_ID"),
					  .data = o->type,
					  .ttl = VALUE_TTL,
					  .permissions = VALUE_PERMISSIONS};
	*ret = all;
	*ret_n = n;
	return ERR_OK;
}

json_t *doip_object_write(const struct doip_object *o)
{
	json_t *j = json_object(), *attributes = json_object();
	json_put_str(j, "type", o->type);
	json_put(attributes, "content", json_incref(o->content));
	json_put(j, "attributes", attributes);
	return j;
}

static struct str text(struct str s)
{
	return s.p ? s : STR("");
}

static uint64_t type_number(enum template_type t)
{
	return t == TEMPLATE_ENUM || t == TEMPLATE_BOOLEAN ? TEMPLATE_STRING : (uint64_t)t;
}

static json_t *element(uint64_t index, struct str name, struct str title, uint64_t type)
{
	json_t *o = json_object();
	json_put_u64(o, "index", index);
	json_put_str(o, "type", name);
	json_put_str(o, "name", title.n ? title : name);
	json_put_u64(o, "dataType", type);
	return o;
}

static bool plain_text(struct str s)
{
	return str_utf8_ok(s, NULL) && !(s.n && memchr(s.p, 0, s.n));
}

static const struct value *value_at(const struct record *r, uint64_t index)
{
	for (size_t i = 0; i < r->values_n; i++)
		if (r->values[i].index == index) return &r->values[i];
	return NULL;
}

/* Every attribute of the template; the value when there is one that may be seen. */
static void put_attributes(json_t *list, const struct record *r, const struct template *t,
			   const struct doip_view *view, size_t *hidden)
{
	for (size_t i = 0; i < t->attributes_n; i++) {
		const struct template_attribute *x = &t->attributes[i];
		const struct value *v = value_at(r, x->index);
		bool seen = v && view->may(view->arg, v, x);
		if (v && !seen) {
			++*hidden;
			continue;
		}
		json_t *o = element(x->index, x->name, x->title, type_number(x->type));
		if (seen && plain_text(v->data)) json_put_str(o, "value", text(v->data));
		must(!json_array_append_new(list, o));
	}
}

static void put_values(json_t *list, const struct record *r, const struct doip_view *view, size_t *hidden)
{
	for (size_t i = 0; i < r->values_n; i++) {
		const struct value *v = &r->values[i];
		if (v->index == TEMPLATE_INDEX_GRANT) continue;
		if (!view->may(view->arg, v, NULL)) {
			++*hidden;
			continue;
		}
		json_t *o = element(v->index, v->type, v->type, TEMPLATE_STRING);
		if (plain_text(v->data)) json_put_str(o, "value", text(v->data));
		must(!json_array_append_new(list, o));
	}
}

json_t *doip_record_write(const struct record *r, const struct template *t, struct str type,
			  const struct doip_view *view, size_t *ret_hidden)
{
	json_t *o = json_object(), *attributes = json_object(), *list = json_array();
	*ret_hidden = 0;
	if (t)
		put_attributes(list, r, t, view, ret_hidden);
	else
		put_values(list, r, view, ret_hidden);
	json_put_str(o, "id", r->id);
	json_put_str(o, "type", text(type));
	json_put_str(attributes, "id", r->id);
	json_put_str(attributes, "type", text(type));
	json_put(attributes, "elements", list);
	json_put(o, "attributes", attributes);
	return o;
}

/* ---- grants ----------------------------------------------------------------------------- */

static enum err names_of(struct arena *a, json_t *list, struct template_names *ret)
{
	*ret = (struct template_names){NULL, 0};
	return doip_names_change(a, list, NULL, ret);
}

enum err doip_grant_read(struct arena *a, struct str data, struct doip_grant *ret)
{
	struct doip_grant g = {.single = false};
	json_t *j;
	enum err e = json_read(a, data, NULL, &j);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_BAD_MESSAGE;
	if (!json_is_object(j)) return ERR_BAD_MESSAGE;
	g.single = json_is_true(json_object_get(j, "single"));
	g.open = json_is_true(json_object_get(j, "open"));
	e = names_of(a, json_object_get(j, "readers"), &g.readers);
	if (!e) e = names_of(a, json_object_get(j, "writers"), &g.writers);
	if (!e) *ret = g;
	return e;
}

static json_t *names_write(const struct template_names *n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n->n; i++)
		must(!json_array_append_new(list, json_stringn(n->items[i].p, n->items[i].n)));
	return list;
}

struct str doip_grant_write(struct arena *a, const struct doip_grant *g)
{
	json_t *o = json_keep(a, json_object());
	if (!o) return STR_NONE;
	json_put(o, "single", json_boolean(g->single));
	json_put(o, "open", json_boolean(g->open));
	json_put(o, "readers", names_write(&g->readers));
	json_put(o, "writers", names_write(&g->writers));
	return json_write(a, o, false);
}

static bool listed(json_t *list, struct str name)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (str_eq(json_text(json_array_get(list, i)), name)) return true;
	return false;
}

enum err doip_names_change(struct arena *a, json_t *add, json_t *remove, struct template_names *n)
{
	size_t more = json_array_size(add);
	if ((add && !json_is_null(add) && !json_is_array(add)) ||
	    (remove && !json_is_null(remove) && !json_is_array(remove)) || more > TEMPLATE_USERS_MAX)
		return ERR_BAD_MESSAGE;
	struct template_names out = {ARENA_ARRAY(a, struct str, n->n + more + 1), 0};
	if (!out.items) return ERR_NO_MEMORY;
	for (size_t i = 0; i < n->n; i++)
		if (!listed(remove, n->items[i])) out.items[out.n++] = n->items[i];
	for (size_t i = 0; i < more; i++) {
		struct str name = json_text(json_array_get(add, i));
		if (!name.n || name.n > DOIP_HANDLE_MAX || memchr(name.p, 0, name.n))
			return ERR_BAD_MESSAGE;
		/* what stands in both lists is given: the removal is that of an older grant */
		if (!template_names_have(&out, name)) out.items[out.n++] = name;
	}
	if (out.n > TEMPLATE_USERS_MAX) return ERR_BAD_MESSAGE;
	*n = out;
	return ERR_OK;
}
