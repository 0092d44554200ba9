#include "tests/base/cases.h"

#include "base/feed.h"
#include "base/ledger.h"
#include "base/sign.h"
#include "base/writer.h"
#include "tests/base/folder.h"

struct put {
	struct writer_cmd cmd;
	const char *key, *value;
};

static enum err apply_put(struct writer_cmd *c, struct writer_txn *t)
{
	struct put *p = (struct put *)c;
	enum err e = store_put(t->store, TABLE_A, str_of(p->key), str_of(p->value));
	return e ? e : ledger_append(t->ledger, t->store, str_of(p->value), NULL);
}

static void smoke(void **state)
{
	(void)state;
	struct folder f = folder_new();
	struct store *s = folder_open(f.path);
	struct writer *w;
	assert_int_equal(writer_start(&(struct writer_options){.store = s, .origin = "test/log"}, &w),
			 ERR_OK);
	struct put p = {.cmd = {.apply = apply_put}, .key = "k", .value = "v"};
	for (int i = 0; i < 20; i++) assert_int_equal(writer_run(w, &p.cmd), ERR_OK);
	struct store_txn *t;
	struct str v;
	assert_int_equal(store_read(s, &t), ERR_OK);
	assert_int_equal(store_get(t, TABLE_A, STR("k"), &v), ERR_OK);
	assert_str(v, "v");
	assert_int_equal(ledger_size(t), 20);
	store_read_end(t);
	writer_stop(w);
	store_close(s);
	s = folder_open(f.path);
	store_close(s);
	folder_remove(f.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(smoke),
	};
	if (sign_setup()) return 1;
	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
