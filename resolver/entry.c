#include "resolver/entry.h"

#include "base/ledger.h"

static void member(struct buf *b, const char *name)
{
	if (b->n > 1) buf_byte(b, ',');
	buf_byte(b, '"');
	buf_add(b, str_of(name));
	buf_add(b, STR("\":"));
}

void entry_open(struct buf *b)
{
	buf_init(b, ENTRY_MAX);
	buf_byte(b, '{');
}

void entry_text(struct buf *b, const char *name, struct str value)
{
	member(b, name);
	buf_json(b, value);
}

void entry_number(struct buf *b, const char *name, uint64_t value)
{
	member(b, name);
	buf_u64(b, value);
}

void entry_digest(struct buf *b, const char *name, const unsigned char sha256[32])
{
	char hex[64];
	hex_write(sha256, 32, hex);
	entry_text(b, name, str_n(hex, sizeof hex));
}

enum err entry_append(struct buf *b, struct writer_txn *t, struct str who, uint64_t *ret_index)
{
	char time[CLOCK_TEXT];
	entry_text(b, "time", str_of(clock_print(t->now, true, time)));
	entry_text(b, "who", who);
	buf_byte(b, '}');
	enum err e = buf_err(b);
	if (!e) e = ledger_append(t->ledger, t->store, buf_str(b), ret_index);
	buf_done(b);
	return e;
}
