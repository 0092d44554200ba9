#include "proto/pb/answer.h"
#include "proto/pb/kanhe.pb-c.h"
#include "proto/pb/message.h"

/* Field numbers of kanhe.proto. */
enum { REQ_VERSION = 1, REQ_IDS, REQ_SIGNED };
enum { ANS_VERSION = 1, ANS_ITEMS };
enum { ITEM_ID = 1, ITEM_ERROR, ITEM_DETAIL, ITEM_ANSWER };

static const struct pb_kind request_kind = {&kanhe__batch_request__descriptor, ANSWER_VERSION,
					    BATCH_REQUEST_MAX};

static const struct pb_kind batch_kind = {&kanhe__batch_answer__descriptor, ANSWER_VERSION,
					  BATCH_ANSWER_MAX};

static enum err no_memory(struct flaw *f)
{
	return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, "", "memory", "%s", err_text(ERR_NO_MEMORY));
}

enum err batch_request_pack(const struct batch_request *m, struct buf *out)
{
	size_t from = out->n;
	must(m->ids_n && m->ids_n <= BATCH_MAX);
	pb_put_u64(out, REQ_VERSION, ANSWER_VERSION);
	for (size_t i = 0; i < m->ids_n; i++) pb_put_element(out, REQ_IDS, m->ids[i]);
	pb_put_u64(out, REQ_SIGNED, m->signed_answers);
	return pb_done(out, from, BATCH_REQUEST_MAX);
}

/* Identifiers are taken as they stand: a malformed one gets its own error in the answer. */
enum err batch_request_unpack(struct arena *a, struct str packed, struct flaw *f, struct batch_request *ret)
{
	struct pb_cursor c = pb_cursor(packed);
	struct pb_field p;
	struct batch_request m = {0};
	enum err e = pb_check(&request_kind, packed, f);
	if (e) return e;
	m.ids = ARENA_ARRAY(a, struct str, BATCH_MAX);
	if (!m.ids) return no_memory(f);
	while (!pb_next(&c, &p)) {
		if (p.id == REQ_SIGNED) m.signed_answers = p.number;
		if (p.id != REQ_IDS) continue;
		if (m.ids_n == BATCH_MAX)
			return flaw_set(f, ERR_TOO_LARGE, p.at, "ids", "count",
					"a batch has at most %d identifiers", BATCH_MAX);
		m.ids[m.ids_n++] = p.bytes;
	}
	if (!m.ids_n) return pb_flaw(f, "empty", "ids");
	*ret = m;
	return ERR_OK;
}

void batch_answer_open(struct buf *out)
{
	pb_put_u64(out, ANS_VERSION, ANSWER_VERSION);
}

void batch_answer_add(struct buf *out, const struct batch_item *item)
{
	size_t mark = pb_open(out, ANS_ITEMS);
	pb_put_bytes(out, ITEM_ID, item->id);
	if (item->err) pb_put_bytes(out, ITEM_ERROR, str_of(err_name(item->err)));
	pb_put_bytes(out, ITEM_DETAIL, item->detail);
	pb_put_bytes(out, ITEM_ANSWER, item->answer);
	pb_close(out, mark);
}

enum err batch_answer_pack(const struct batch_answer *m, struct buf *out)
{
	size_t from = out->n;
	must(m->items_n && m->items_n <= BATCH_MAX);
	batch_answer_open(out);
	for (size_t i = 0; i < m->items_n; i++) batch_answer_add(out, &m->items[i]);
	return pb_done(out, from, BATCH_ANSWER_MAX);
}

/* A name that this version does not have is still an error. */
static enum err err_of(struct str name)
{
	if (!name.n) return ERR_OK;
	for (int e = ERR_OK + 1; e < ERR_COUNT; e++)
		if (str_is(name, err_name((enum err)e))) return (enum err)e;
	return ERR_INTERNAL;
}

static struct batch_item item_read(struct str octets)
{
	struct pb_cursor c = pb_cursor(octets);
	struct pb_field p;
	struct batch_item item = {0};
	while (!pb_next(&c, &p)) {
		if (p.id == ITEM_ID) item.id = p.bytes;
		if (p.id == ITEM_ERROR) item.err = err_of(p.bytes);
		if (p.id == ITEM_DETAIL) item.detail = p.bytes;
		if (p.id == ITEM_ANSWER) item.answer = p.bytes;
	}
	return item;
}

enum err batch_answer_unpack(struct arena *a, struct str packed, struct flaw *f, struct batch_answer *ret)
{
	struct pb_cursor c = pb_cursor(packed);
	struct pb_field p;
	struct batch_answer m = {0};
	enum err e = pb_check(&batch_kind, packed, f);
	if (e) return e;
	m.items = ARENA_ARRAY(a, struct batch_item, BATCH_MAX);
	if (!m.items) return no_memory(f);
	while (!pb_next(&c, &p)) {
		if (p.id != ANS_ITEMS) continue;
		if (m.items_n == BATCH_MAX)
			return flaw_set(f, ERR_TOO_LARGE, p.at, "items", "count",
					"a batch has at most %d items", BATCH_MAX);
		m.items[m.items_n] = item_read(p.bytes);
		if (!m.items[m.items_n].err == !m.items[m.items_n].answer.n)
			return pb_flaw(f, "one-of", "items[%zu]", m.items_n);
		m.items_n++;
	}
	if (!m.items_n) return pb_flaw(f, "empty", "items");
	*ret = m;
	return ERR_OK;
}
