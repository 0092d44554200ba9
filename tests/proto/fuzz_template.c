/* Templates in JSON: what is read is written and read as the same; values are checked without harm. */
#include "proto/template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct str text_of(struct arena *a, const struct template *t, bool stored)
{
	json_t *j = json_keep(a, template_write(t, stored));
	return j ? json_write(a, j, false) : STR_NONE;
}

static void check_values(struct arena *a, const struct template *t, struct str data)
{
	struct template_fault fault = {.index = 0};
	struct value *all = ARENA_ARRAY(a, struct value, t->attributes_n + 1);
	must(all);
	for (size_t i = 0; i < t->attributes_n; i++) {
		const struct template_attribute *x = &t->attributes[i];
		all[i] = (struct value){.index = (uint32_t)x->index,
					.type = x->name,
					.data = x->min.n ? x->min : str_first(data, 40)};
		enum err e = template_check_value(a, x, all[i].data, &fault);
		must(!e || e == ERR_NO_MEMORY || (e == ERR_BAD_MESSAGE && fault.rule[0] && fault.zh[0]));
	}
	enum err e = template_check_record(a, t, all, t->attributes_n, &fault);
	must(!e || e == ERR_NO_MEMORY || (e == ERR_BAD_MESSAGE && fault.rule[0]));
	must(!template_check_change(t, t, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(16 << 20);
	struct flaw f = {0};
	json_t *j;
	must(a);
	for (int stored = 0; stored < 2 && !json_read(a, str_n(data, n), &f, &j); stored++) {
		struct template t, again;
		f = (struct flaw){0};
		enum err e = template_read(a, j, stored, &f, &t);
		must(!e || e == ERR_NO_MEMORY || (f.err == e && f.rule[0]));
		if (e) continue;
		struct str text = text_of(a, &t, stored);
		must(text.p && !json_read_large(a, text, &f, &j) &&
		     !template_read(a, j, stored, &f, &again));
		must(str_eq(text, text_of(a, &again, stored)));
		check_values(a, &t, str_n(data, n));
		json_read(a, str_n(data, n), &f, &j) ? must(false) : (void)0;
	}
	arena_free(a);
	return 0;
}
