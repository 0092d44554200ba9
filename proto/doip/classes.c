/* The tree of classes: the kept list, parents before their children, as the interface nests it. */
#include <stdio.h>

#include "proto/doip/doip.h"

enum { TOP = -1, CLASSES_MAX = 512 /* more than a registry keeps */, LEVELS_MAX = 16 };

#define UNCLASSIFIED "UN_CLASSIFIED"

struct classes {
	json_t *list;
	size_t n;
	int parent[CLASSES_MAX];  /* TOP, or the first of that code that stands before it */
	uint64_t id[CLASSES_MAX]; /* its own where it has one, else a number behind all that are taken */
	uint64_t next;
};

static struct str member(const json_t *list, size_t i, const char *name)
{
	struct str s = json_text(json_object_get(json_array_get(list, i), name));
	return s.p ? s : STR("");
}

static uint64_t number(const json_t *list, size_t i, const char *name, uint64_t otherwise)
{
	const json_t *v = json_object_get(json_array_get(list, i), name);
	return json_is_integer(v) && json_integer_value(v) >= 0 ? (uint64_t)json_integer_value(v)
								: otherwise;
}

static void read_list(json_t *list, struct classes *c)
{
	*c = (struct classes){.list = list};
	c->n = json_array_size(list) < CLASSES_MAX ? json_array_size(list) : CLASSES_MAX;
	for (size_t i = 0; i < c->n; i++) {
		struct str above = member(list, i, "parent");
		c->parent[i] = TOP;
		for (size_t k = 0; above.n && k < i && c->parent[i] == TOP; k++)
			if (str_eq(member(list, k, "code"), above)) c->parent[i] = (int)k;
		c->id[i] = number(list, i, "id", 0);
		if (c->id[i] > c->next) c->next = c->id[i];
	}
	c->next++; /* of what is in no class: the first, where nothing has a number */
}

static json_t *class_write(struct str name, struct str code, uint64_t id, uint64_t above, uint64_t sort)
{
	json_t *o = json_object();
	json_put_u64(o, "id", id);
	json_put_u64(o, "parentId", above);
	json_put_u64(o, "sort", sort);
	json_put(o, "children", json_array());
	json_put_str(o, "classifyName", name);
	json_put_str(o, "classifyCode", code);
	return o;
}

static void put_level(const struct classes *c, int parent, struct str ancestors, uint64_t level, json_t *to)
{
	uint64_t sort = 0;
	for (size_t i = (size_t)(parent + 1); i < c->n && level <= LEVELS_MAX; i++) {
		struct str code = member(c->list, i, "code");
		char line[400];
		if (c->parent[i] != parent || (parent == TOP && str_is(code, UNCLASSIFIED))) continue;
		json_t *o =
		    class_write(member(c->list, i, "name"), code, c->id[i],
				parent == TOP ? 0 : c->id[parent], number(c->list, i, "sort", sort + 1));
		sort = number(c->list, i, "sort", sort + 1);
		json_put_str(o, "ancestors", ancestors);
		json_put_u64(o, "level", level);
		must(!json_array_append_new(to, o));
		snprintf(line, sizeof line, "%.*s,%llu", STR_ARG(ancestors), (unsigned long long)c->id[i]);
		put_level(c, (int)i, str_of(line), level + 1, json_object_get(o, "children"));
	}
}

/* What is in no class goes first. */
static json_t *unclassified_write(struct classes *c)
{
	struct str name = STR("未分类");
	uint64_t id = 0, sort = 0;
	for (size_t i = 0; i < c->n && !id; i++) {
		if (c->parent[i] != TOP || !str_is(member(c->list, i, "code"), UNCLASSIFIED)) continue;
		name = member(c->list, i, "name");
		sort = number(c->list, i, "sort", 0);
		id = c->id[i];
	}
	json_t *o = class_write(name, STR(UNCLASSIFIED), id ? id : c->next++, 0, sort);
	json_put_str(o, "ancestors", STR("0"));
	json_put_u64(o, "level", 1);
	return o;
}

json_t *doip_classes_write(json_t *list)
{
	struct classes c;
	json_t *all = json_array();
	read_list(list, &c);
	must(!json_array_append_new(all, unclassified_write(&c)));
	for (size_t i = 0; i < c.n; i++)
		if (!c.id[i]) c.id[i] = c.next++;
	put_level(&c, TOP, STR("0"), 1, all);
	return all;
}
