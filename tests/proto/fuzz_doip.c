/* Bodies of DOIP over HTTP, and keys: every refusal names its field; metadata survives its own form. */
#include "proto/doip/doip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool see_all(void *arg, const struct value *v, const struct template_attribute *x)
{
	(void)arg;
	(void)v;
	(void)x;
	return true;
}

static void check_refusal(enum err e, const struct flaw *f)
{
	must(!e || e == ERR_NO_MEMORY || (e == ERR_BAD_MESSAGE && f->err == e && f->text[0]));
}

static void check_object(struct arena *a, json_t *j, const struct template *t)
{
	struct flaw f = {0};
	struct doip_object o;
	struct value *values;
	struct doip_view view = {see_all, NULL};
	size_t n, hidden;
	enum err e = doip_object_read(j, &f, &o);
	check_refusal(e, &f);
	if (e) return;
	must(json_keep(a, doip_object_write(&o)));
	e = doip_object_values(a, t, &o, true, &f, &values, &n);
	must(!e || e == ERR_NOT_FOUND || e == ERR_BAD_MESSAGE || e == ERR_NO_MEMORY);
	if (e) return;
	must(values[n - 1].index == TEMPLATE_INDEX_ID);
	json_t *out = json_keep(
	    a, doip_record_write(&(struct record){.id = STR("88.1/x"), .values = values, .values_n = n}, t,
				 o.type, &view, &hidden));
	must(out && !hidden);
}

static struct str number(struct str s)
{
	while (s.n && !s.p[0]) s = str_skip(s, 1);
	return s;
}

static void check_key(struct arena *a, const struct doip_key *k)
{
	struct doip_key back;
	struct str value = doip_key_write(a, k);
	must(value.p && !doip_key_read(value, &back));
	must(str_eq(back.point, k->point) && str_eq(back.e, k->e) && str_eq(number(back.n), number(k->n)));
}

static void check_meta(struct arena *a, json_t *j)
{
	struct flaw f = {0};
	struct template t = {.prefix = STR("88.1"), .version = STR("META_x")}, items = {.kind = 0};
	struct doip_times times = {"c", "m", "p", STR("who"), STR("class")};
	enum err e = doip_meta_read(a, j, &f, &t);
	check_refusal(e, &f);
	if (e) return;
	must(json_keep(a, doip_meta_object_write(&t, &times)) &&
	     json_keep(a, doip_meta_line_write(&t, &times)));
	json_t *info = json_keep(a, doip_meta_info_write(&t, &times));
	json_t *list = json_object_get(info, "itemVOS");
	must(json_array_size(list) == t.attributes_n);
	/* what info tells of an item can be sent again, but for the names of its parts */
	for (size_t i = 0; i < t.attributes_n; i++) {
		json_t *one = json_array_get(list, i), *reference = json_object_get(one, "itemReferenceVO");
		if (reference) json_put(one, "itemReferenceDTO", json_incref(reference));
		if (t.attributes[i].title.n == 0 || t.attributes[i].code.n == 0) return;
	}
	must(!doip_meta_items_read(a, list, "items", &f, &items) && items.attributes_n == t.attributes_n);
	for (size_t i = 0; i < t.attributes_n; i++)
		must(items.attributes[i].index == t.attributes[i].index &&
		     items.attributes[i].type == t.attributes[i].type &&
		     items.attributes[i].decimals == t.attributes[i].decimals &&
		     items.attributes[i].unique == t.attributes[i].unique &&
		     items.attributes[i].file_range == t.attributes[i].file_range &&
		     str_eq(items.attributes[i].char_range, t.attributes[i].char_range));
	check_object(a, j, &t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(32 << 20);
	struct template_attribute x = {
	    .index = 2000, .name = STR("en1"), .decimals = UINT64_MAX, .type = TEMPLATE_STRING};
	struct template t = {
	    .prefix = STR("88.1"), .version = STR("v"), .attributes = &x, .attributes_n = 1};
	struct doip_grant g, back;
	struct doip_key key;
	struct flaw f = {0};
	json_t *j;
	must(a);
	if (!doip_key_read(str_n(data, n), &key)) check_key(a, &key);
	if (!doip_key_pem_read(a, str_n(data, n), &key)) check_key(a, &key);
	if (!doip_grant_read(a, str_n(data, n), &g)) {
		struct str text = doip_grant_write(a, &g);
		must(text.p && !doip_grant_read(a, text, &back) && back.readers.n == g.readers.n &&
		     back.open == g.open);
	}
	if (!json_read(a, str_n(data, n), &f, &j)) {
		check_object(a, j, &t);
		check_meta(a, j);
		json_keep(a, doip_classes_write(j));
	}
	arena_free(a);
	return 0;
}
