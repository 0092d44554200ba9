/* Bodies of the SNMS interface: every refusal has its sentence; what is read is written as it was. */
#include "proto/snms/snms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_refusal(enum err e, const struct flaw *f)
{
	must(!e || e == ERR_NO_MEMORY || (e == ERR_BAD_MESSAGE && f->err == e && f->text[0]));
}

static void check_template(struct arena *a, json_t *j)
{
	struct flaw f = {0};
	struct template t, again;
	enum err e = snms_template_read(a, j, &f, &t);
	check_refusal(e, &f);
	if (e) return;
	for (int version = 3; version <= 5; version += 2) {
		json_t *out = json_keep(a, snms_template_write(&t, version));
		must(out); /* all of its attributes are strings */
		/* an answer has no indexes: they are given anew */
		must(!snms_template_read(a, out, &f, &again) && again.attributes_n == t.attributes_n);
		must(str_eq(again.version, t.version) && str_eq(again.prefix, t.prefix));
	}
}

static void check_record(struct arena *a, json_t *j)
{
	struct flaw f = {0};
	struct snms_record r, again;
	struct value *values;
	size_t n;
	enum err e = snms_record_read(a, j, &f, &r);
	check_refusal(e, &f);
	if (e) return;
	must(!snms_record_values(a, &r, &values, &n) && n == r.values_n + 1);
	json_t *out = json_keep(
	    a, snms_record_write(&(struct record){.id = r.handle, .values = values, .values_n = n}, true));
	must(out && json_array_size(json_object_get(out, "value")) == n);
	/* the answer names its template at 1001, where a request must not */
	must(!json_array_remove(json_object_get(out, "value"), n - 1));
	must(!snms_record_read(a, out, &f, &again) && again.values_n == r.values_n &&
	     str_eq(again.version, r.version));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(32 << 20);
	struct flaw f = {0};
	struct snms_login login;
	struct template key;
	json_t *j;
	must(a);
	if (!json_read(a, str_n(data, n), &f, &j)) {
		check_template(a, j);
		check_record(a, j);
		f = (struct flaw){0};
		check_refusal(snms_login_read(j, &f, &login), &f);
		f = (struct flaw){0};
		check_refusal(snms_template_key_read(j, &f, &key), &f);
	}
	arena_free(a);
	return 0;
}
