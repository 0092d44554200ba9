/* Metadata templates: the members of "metaItemCreateDTOS" and their likes, both ways. */
#include <stdio.h>

#include "proto/doip/doip.h"

enum { PATH = 96, STRING_MAX = 4000, NUMBER_DIGITS = 38, NAME_MAX = 100, ITEM_MAX = 50 };

static enum err bad(struct flaw *f, const char *path, const char *key, const char *rule, const char *text)
{
	char at[PATH];
	snprintf(at, sizeof at, "%s%s%s", path, *path && *key ? "." : "", key);
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "入参%s%s", at, text);
}

struct text_row {
	const char *key;
	size_t max;
	bool required;
	struct str *to;
};

static enum err read_texts(json_t *j, const char *path, const struct text_row *rows, size_t n,
			   struct flaw *f)
{
	for (size_t i = 0; i < n; i++) {
		json_t *v = json_object_get(j, rows[i].key);
		struct str s = json_text(v);
		if (v && !json_is_null(v) && !json_is_string(v))
			return bad(f, path, rows[i].key, "type", "类型错误");
		if (!s.n && rows[i].required) return bad(f, path, rows[i].key, "required", "不能为空");
		if (s.n > rows[i].max * 3 || (s.n && memchr(s.p, 0, s.n)))
			return bad(f, path, rows[i].key, "length", "长度超限");
		if (s.n) *rows[i].to = s;
	}
	return ERR_OK;
}

static enum err read_number(json_t *j, const char *path, const char *key, uint64_t most, struct flaw *f,
			    uint64_t *ret)
{
	return template_number_read(j, key, most, ret) ? bad(f, path, key, "number", "不是合法数值")
						       : ERR_OK;
}

static enum err read_switch(json_t *j, const char *path, const char *key, struct flaw *f, bool *ret)
{
	uint64_t n = *ret;
	enum err e = read_number(j, path, key, 1, f, &n);
	if (!e) *ret = n;
	return e;
}

/* "[1,10]" */
static enum err read_range(json_t *schema, const char *path, struct flaw *f, struct template_attribute *x)
{
	struct str s = json_text(json_object_get(schema, "numberRange"));
	if (!s.n) return ERR_OK;
	size_t comma = str_find(s, ',');
	if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']' || comma == s.n)
		return bad(f, path, "numberRange", "range", "不是[最小,最大]");
	x->min = str_trim(str_n(s.p + 1, comma - 1));
	x->max = str_trim(str_n(s.p + comma + 1, s.n - comma - 2));
	return ERR_OK;
}

static enum err read_schema(json_t *item, const char *path, struct flaw *f, struct template_attribute *x)
{
	static const char *const names[] = {"itemSchemaCreateDTO", "itemSchemaDTO", "itemSchemaVO"};
	json_t *s = NULL, *reference = json_object_get(item, "itemReferenceDTO");
	char below[PATH];
	uint64_t type = 0;
	for (size_t i = 0; i < 3 && !s; i++) s = json_object_get(item, names[i]);
	snprintf(below, sizeof below, "%s.itemSchemaCreateDTO", path);
	if (!json_is_object(s)) return bad(f, path, "itemSchemaCreateDTO", "required", "不能为空");
	enum err e = read_number(s, below, "dataType", TEMPLATE_IMAGE, f, &type);
	if (!e && !type) e = bad(f, below, "dataType", "required", "不能为空");
	if (e) return e;
	x->type = (enum template_type)type;
	x->max_length = type == TEMPLATE_STRING ? STRING_MAX : type == TEMPLATE_NUMBER ? NUMBER_DIGITS : 0;
	x->decimals = type == TEMPLATE_NUMBER ? 0 : UINT64_MAX;
	e = read_number(s, below, "minLength", RECORD_DATA_MAX, f, &x->min_length);
	if (!e) e = read_number(s, below, "maxLength", RECORD_DATA_MAX, f, &x->max_length);
	if (!e && type == TEMPLATE_NUMBER)
		e = read_number(s, below, "accuracy", NUMBER_DIGITS, f, &x->decimals);
	if (!e) e = read_number(s, below, "maxFileCount", UINT32_MAX, f, &x->files);
	if (x->files > 50) x->files = 50; /* the interface says so */
	if (!e) e = read_number(s, below, "fileRange", 2, f, &x->file_range);
	if (!e) e = read_number(s, below, "referenceType", 9, f, &x->reference_type);
	const struct text_row rows[] = {{"dateFormat", 32, false, &x->format},
					{"charRange", 200, false, &x->char_range},
					{"selfDefFileSuffix", 60, false, &x->file_suffix},
					{"fileType", 60, false, &x->file_types}};
	if (!e) e = read_texts(s, below, rows, 4, f);
	if (!e && type == TEMPLATE_DATE && !x->format.n) x->format = STR("YYYY-MM-DD");
	if (!e) e = read_range(s, below, f, x);
	if (e || type != TEMPLATE_REFERENCE) return e;
	snprintf(below, sizeof below, "%s.itemReferenceDTO", path);
	const struct text_row row = {"referenceMetaHandle", DOIP_HANDLE_MAX, true, &x->reference};
	return read_texts(reference, below, &row, 1, f);
}

static enum err read_item(json_t *j, const char *path, struct flaw *f, struct template_attribute *x)
{
	uint64_t state = 0;
	*x = (struct template_attribute){.decimals = UINT64_MAX, .input = true};
	const struct text_row rows[] = {{"itemCode", ITEM_MAX, true, &x->code},
					{"englishName", ITEM_MAX, true, &x->name},
					{"chineseName", ITEM_MAX, true, &x->title},
					{"definition", 200, false, &x->definition},
					{"comment", 200, false, &x->comment}};
	if (!json_is_object(j)) return bad(f, path, "", "object", "类型错误");
	enum err e = read_texts(j, path, rows, 5, f);
	if (!e) e = read_switch(j, path, "inputNecessary", f, &x->input);
	if (!e) e = read_switch(j, path, "listItemNecessary", f, &x->listed);
	if (!e) e = read_switch(j, path, "required", f, &x->required);
	if (!e) e = read_switch(j, path, "uniqueField", f, &x->unique);
	if (!e) e = read_number(j, path, "itemIndex", TEMPLATE_INDEX_LAST, f, &x->index);
	if (!e) e = read_number(j, path, "itemState", TEMPLATE_PENDING, f, &state);
	if (e) return e;
	x->state = (enum template_state)state;
	return read_schema(j, path, f, x);
}

enum err doip_meta_items_read(struct arena *a, json_t *list, const char *key, struct flaw *f,
			      struct template *ret)
{
	char path[PATH];
	size_t n = json_array_size(list);
	if (!json_is_array(list)) return bad(f, "", key, "required", "不能为空");
	if (n > TEMPLATE_ATTRIBUTES_MAX) return bad(f, "", key, "count", "过多");
	struct template t = {.attributes = ARENA_ARRAY(a, struct template_attribute, n + 1),
			     .attributes_n = n};
	if (!t.attributes) return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s[%zu]", key, i);
		enum err e = read_item(json_array_get(list, i), path, f, &t.attributes[i]);
		if (e) return e;
	}
	uint64_t next = TEMPLATE_INDEX_FIRST;
	for (size_t i = 0; i < n; i++) {
		if (t.attributes[i].index) continue;
		while (template_at(&t, next)) next++;
		t.attributes[i].index = next;
	}
	ret->attributes = t.attributes;
	ret->attributes_n = n;
	return ERR_OK;
}

enum err doip_meta_basic_read(json_t *j, struct flaw *f, struct template *ret)
{
	struct template t = *ret;
	const struct text_row rows[] = {{"classifyCode", TEMPLATE_VERSION_MAX / 3, true, &t.classification},
					{"metaName", NAME_MAX, true, &t.title},
					{"metaCode", TEMPLATE_VERSION_MAX / 3, true, &t.code},
					{"industryCategory", 5, true, &t.category},
					{"industrySpecific", 5, true, &t.specific},
					{"industryTrade", 5, true, &t.trade},
					{"industrySubclass", 5, true, &t.subclass},
					{"standard", 200, false, &t.standard},
					{"metaDesc", TEMPLATE_TEXT_MAX / 3, false, &t.description}};
	if (!json_is_object(j)) return bad(f, "", "body", "object", "不是JSON对象");
	enum err e = read_texts(j, "", rows, sizeof rows / sizeof *rows, f);
	if (!e) *ret = t;
	return e;
}

enum err doip_meta_handle_read(json_t *j, const char *key, struct flaw *f, struct template *ret)
{
	struct str handle = json_text(json_object_get(j, key));
	if (!handle.n) return bad(f, "", key, "required", "不能为空");
	if (handle.n > DOIP_HANDLE_MAX || template_handle_split(handle, &ret->prefix, &ret->version))
		return bad(f, "", key, "handle", "格式异常");
	return ERR_OK;
}

static enum err say_check(const struct template *t, struct flaw *f)
{
	struct flaw why = {.offset = FLAW_NO_OFFSET};
	if (!template_check_rules(t, &why)) return ERR_OK;
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, why.at, why.rule, "元数据内容不合法: %s (%s)",
			why.at, why.rule);
}

enum err doip_meta_read(struct arena *a, json_t *j, struct flaw *f, struct template *ret)
{
	struct template t = {.kind = 2, .prefix = ret->prefix, .version = ret->version};
	enum err e = doip_meta_basic_read(j, f, &t);
	if (!e && json_object_get(j, "metaHandle")) e = doip_meta_handle_read(j, "metaHandle", f, &t);
	if (!e)
		e = doip_meta_items_read(a, json_object_get(j, "metaItemCreateDTOS"), "metaItemCreateDTOS",
					 f, &t);
	if (!e && !str_starts(t.version, STR("META_")))
		e = bad(f, "", "metaHandle", "meta-handle", "后缀须以META_开头");
	if (!e) e = say_check(&t, f);
	if (!e) *ret = t;
	return e;
}

/* ---- writing ---------------------------------------------------------------------------- */

static struct str text(struct str s)
{
	return s.p ? s : STR("");
}

static bool as_string(enum template_type t)
{
	return t == TEMPLATE_STRING || t == TEMPLATE_ENUM || t == TEMPLATE_BOOLEAN;
}

static json_t *schema_write(const struct template_attribute *x, bool with_name)
{
	json_t *o = json_object();
	enum template_type type = as_string(x->type) ? TEMPLATE_STRING : x->type;
	json_put_u64(o, "dataType", type);
	if (with_name) json_put_str(o, "dataTypeString", str_of(template_type_name_zh(type)));
	if (type == TEMPLATE_STRING || type == TEMPLATE_NUMBER) {
		json_put_u64(o, "minLength", x->min_length);
		json_put_u64(o, "maxLength", x->max_length);
	}
	if (type == TEMPLATE_NUMBER && x->decimals != UINT64_MAX) json_put_u64(o, "accuracy", x->decimals);
	if (type == TEMPLATE_NUMBER && (x->min.n || x->max.n)) {
		char range[160];
		snprintf(range, sizeof range, "[%.*s,%.*s]", STR_ARG(x->min), STR_ARG(x->max));
		json_put_str(o, "numberRange", str_of(range));
	}
	if (type == TEMPLATE_DATE)
		json_put_str(o, "dateFormat", x->format.n ? x->format : STR("YYYY-MM-DD"));
	if (x->char_range.n) json_put_str(o, "charRange", x->char_range);
	if (x->files) json_put_u64(o, "maxFileCount", x->files);
	if (x->file_range) json_put_u64(o, "fileRange", x->file_range);
	if (x->file_types.n) json_put_str(o, "fileType", x->file_types);
	if (x->file_suffix.n) json_put_str(o, "selfDefFileSuffix", x->file_suffix);
	if (x->reference_type) json_put_u64(o, "referenceType", x->reference_type);
	return o;
}

static struct str handle_of(const struct template *t, char *room, size_t n)
{
	snprintf(room, n, "%.*s/%.*s", STR_ARG(t->prefix), STR_ARG(t->version));
	return str_of(room);
}

static json_t *basic_write(const struct template *t, const struct doip_times *w)
{
	json_t *o = json_object();
	json_put_str(o, "metaName", text(t->title));
	json_put_str(o, "metaCode", text(t->code));
	json_put_str(o, "industry", text(t->industry));
	json_put_str(o, "industryCategory", text(t->category));
	json_put_str(o, "industrySpecific", text(t->specific));
	json_put_str(o, "industryTrade", text(t->trade));
	json_put_str(o, "industrySubclass", text(t->subclass));
	json_put_u64(o, "metaState", t->published);
	json_put_str(o, "metaContributor", t->prefix);
	json_put_str(o, "standard", text(t->standard));
	json_put_str(o, "metaDesc", text(t->description));
	json_put_u64(o, "isQuote", t->base.n > 0);
	json_put_str(o, "publishedTime", str_of(w->published));
	json_put_str(o, "effectiveTime", str_of(w->created));
	json_put_str(o, "latestUpdateTime", str_of(w->modified));
	return o;
}

static void add_name(json_t *list, const struct template_attribute *x)
{
	must(!json_array_append_new(list, json_stringn(x->name.p, x->name.n)));
}

json_t *doip_meta_object_write(const struct template *t, const struct doip_times *w)
{
	char room[TEMPLATE_PREFIX_MAX + TEMPLATE_VERSION_MAX + 2];
	json_t *o = json_object(), *attributes = json_object(), *content = json_object(),
	       *meta = json_object();
	json_t *items = json_array(), *required = json_array(), *input = json_array(),
	       *listed = json_array(), *unique = json_array();
	for (size_t i = 0; i < t->attributes_n; i++) {
		const struct template_attribute *x = &t->attributes[i];
		json_t *one = json_object(), *basic = json_object();
		json_put_u64(basic, "itemIndex", x->index);
		json_put_str(basic, "itemCode", text(x->code));
		json_put_str(basic, "enName", x->name);
		json_put_str(basic, "cnName", text(x->title));
		json_put_u64(basic, "state", x->state);
		json_put(one, "itemBasicInfo", basic);
		json_put(one, "itemSchemaInfo", schema_write(x, true));
		if (x->reference.n) {
			json_t *r = json_object();
			json_put_str(r, "referenceMetaHandle", x->reference);
			json_put(one, "itemReferenceInfo", r);
		}
		must(!json_array_append_new(items, one));
		if (x->required) add_name(required, x);
		if (x->unique) add_name(unique, x);
		if (x->input) add_name(input, x);
		if (x->listed) add_name(listed, x);
	}
	json_put(content, "basicInfo", basic_write(t, w));
	json_put(content, "itemInfos", items);
	json_put(content, "required", required);
	json_put(content, "uniqueness", unique);
	json_put(content, "inputItem", input);
	json_put(content, "listItem", listed);
	json_put_str(meta, "createTime", str_of(w->created));
	json_put_str(meta, "updateTime", str_of(w->modified));
	json_put_str(meta, "creator", text(w->creator));
	json_put(attributes, "content", content);
	json_put(attributes, "metaData", meta);
	json_put_str(o, "id", handle_of(t, room, sizeof room));
	json_put_str(o, "type", STR(DOIP_META_TYPE));
	json_put(o, "attributes", attributes);
	return o;
}

static json_t *item_info_write(const struct template_attribute *x)
{
	json_t *o = json_object();
	json_put_u64(o, "itemIndex", x->index);
	json_put_str(o, "itemCode", text(x->code));
	json_put_str(o, "englishName", x->name);
	json_put_str(o, "chineseName", text(x->title));
	json_put_u64(o, "itemState", x->state);
	json_put_str(o, "definition", text(x->definition));
	json_put_u64(o, "inputNecessary", x->input);
	json_put_u64(o, "listItemNecessary", x->listed);
	json_put_u64(o, "required", x->required);
	json_put_u64(o, "uniqueField", x->unique);
	json_put_str(o, "comment", text(x->comment));
	json_put(o, "itemSchemaVO", schema_write(x, false));
	if (x->reference.n) {
		json_t *r = json_object();
		json_put_str(r, "referenceMetaHandle", x->reference);
		json_put(o, "itemReferenceVO", r);
	}
	return o;
}

json_t *doip_meta_info_write(const struct template *t, const struct doip_times *w)
{
	char room[TEMPLATE_PREFIX_MAX + TEMPLATE_VERSION_MAX + 2];
	json_t *o = basic_write(t, w), *items = json_array();
	json_put_str(o, "classifyCode", text(t->classification));
	json_put_str(o, "classifyName", text(w->class_name));
	json_put_str(o, "metaHandle", handle_of(t, room, sizeof room));
	json_put_str(o, "createdTime", str_of(w->created));
	json_put_str(o, "updatedTime", str_of(w->modified));
	for (size_t i = 0; i < t->attributes_n; i++)
		must(!json_array_append_new(items, item_info_write(&t->attributes[i])));
	json_put(o, "itemVOS", items);
	return o;
}

json_t *doip_meta_line_write(const struct template *t, const struct doip_times *w)
{
	char room[TEMPLATE_PREFIX_MAX + TEMPLATE_VERSION_MAX + 2];
	json_t *o = json_object();
	json_put_str(o, "metaHandle", handle_of(t, room, sizeof room));
	json_put_str(o, "metaCode", text(t->code));
	json_put_str(o, "metaName", text(t->title));
	json_put_u64(o, "metaState", t->published);
	json_put_u64(o, "isQuote", t->base.n > 0);
	json_put_str(o, "createdTime", str_of(w->created));
	json_put_str(o, "classifyName", text(w->class_name));
	return o;
}
