/* What nodes hand up and answer: a message that is read is written and read as the same; digests and places
 * of the other side are understood or refused. */
#include "resolver/copies.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void write_again(struct arena *a, const struct copy_message *m)
{
	const struct report_driver *driver = report_drivers[0];
	struct report_batch b = {m->from, m->to,   m->ledger_size, m->ledger_root,
				 m->more, m->full, m->begin,       m->end};
	struct report_call call;
	struct copy_message again;
	struct flaw f = {0};
	json_t *j;
	driver->batch_open(&b, &call);
	for (size_t i = 0; i < m->n; i++)
		driver->batch_op(&call, m->ops[i].table, m->ops[i].key,
				 m->ops[i].remove ? NULL : &m->ops[i].value);
	driver->batch_close(&call, &b);
	must(!buf_err(&call.body) && !json_read_large(a, buf_str(&call.body), &f, &j));
	must(!report_message_read(a, j, &f, &again));
	must(again.from == m->from && again.to == m->to && again.n == m->n && again.more == m->more &&
	     again.full == m->full && again.begin == m->begin && again.end == m->end);
	for (size_t i = 0; i < m->n; i++)
		must(str_eq(again.ops[i].key, m->ops[i].key) &&
		     str_eq(again.ops[i].value, m->ops[i].value) &&
		     again.ops[i].remove == m->ops[i].remove && again.ops[i].table == m->ops[i].table);
	buf_done(&call.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct report_driver *driver = report_drivers[0];
	struct arena *a = arena_new(32 << 20);
	struct copy_message m;
	struct report_place place;
	struct report_page page;
	struct flaw f = {0};
	json_t *j;
	must(a);
	enum err e = driver->read_place(a, str_n(data, n), &place);
	must(!e || e == ERR_UPSTREAM);
	e = driver->read_page(a, str_n(data, n), &page);
	must(!e || e == ERR_UPSTREAM);
	if (!json_read(a, str_n(data, n), &f, &j)) {
		f = (struct flaw){0};
		e = report_message_read(a, j, &f, &m);
		must(!e || e == ERR_NO_MEMORY || (f.err == e && f.text[0]));
		if (!e) write_again(a, &m);
	}
	arena_free(a);
	return 0;
}
