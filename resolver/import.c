/* Rows, integers big-endian.
 * import: u8 version = 1, u8 form, u8 finished, u8 flags (1: only new ones, 2: skipping), then u64:
 * started, modified, offset, lines, read, created, replaced, unchanged, refused, flaws, first leaf; digest
 * (32) and rest of the chain (u16 length); header (u16 length). import_flaw: u8 version = 1, u64 offset,
 * u64 position (all ones: none), then with a u16 length each: name of the error, id, field, rule, text. */
#include "resolver/import.h"

#include <stdio.h>

#include "base/ledger.h"
#include "base/wire.h"
#include "resolver/entry.h"

enum {
	VERSION = 1,
	ONLY_NEW = 1,
	SKIPPING = 2,
	KEY_MAX = IMPORT_NAME_MAX + 1 + IMPORT_NAME_MAX + 1 + 8,
	NUMBERS = 11,
	ROW_MAX = 4 + 8 * NUMBERS + HASH_SHA256 + 2 + BULK_CHAIN_BLOCK + 2 + BULK_HEADER_MAX,
	FLAW_ROW_MAX = 1 + 16 + 5 * 2 + 64 + IMPORT_ID_SHOWN + 3 * 256,
};

enum err import_name_check(struct str name, struct flaw *f)
{
	bool ok = name.n >= 1 && name.n <= IMPORT_NAME_MAX;
	for (size_t i = 0; ok && i < name.n; i++) {
		char c = name.p[i];
		ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		     (c && strchr("._@-", c));
	}
	if (ok) return ERR_OK;
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "name", "name",
			"an import's name is 1 to %d characters of A-Z a-z 0-9 . _ @ -", IMPORT_NAME_MAX);
}

/* ---- keys and rows ---------------------------------------------------------------------- */

static struct str key_of(struct str who, struct str name, char room[KEY_MAX])
{
	must(who.n <= IMPORT_NAME_MAX && name.n <= IMPORT_NAME_MAX);
	memcpy(room, who.p, who.n);
	room[who.n] = 0;
	if (name.n) memcpy(room + who.n + 1, name.p, name.n);
	return str_n(room, who.n + 1 + name.n);
}

static struct str flaw_key(const struct import *m, uint64_t line, char room[KEY_MAX])
{
	struct str stem = key_of(m->who, m->name, room);
	unsigned char tail[8];
	store_key_u64(tail, line);
	room[stem.n] = 0;
	memcpy(room + stem.n + 1, tail, sizeof tail);
	return str_n(room, stem.n + 1 + sizeof tail);
}

static enum err row_read(struct str key, struct str row, struct import *ret)
{
	struct wire w = wire_reader(row);
	size_t split = str_find(key, 0);
	struct import m = {.who = str_first(key, split), .name = str_skip(key, split + 1)};
	uint8_t version = wire_u8(&w);
	m.form = (enum bulk_form)wire_u8(&w);
	m.finished = wire_u8(&w);
	uint8_t flags = wire_u8(&w);
	m.only_new = flags & ONLY_NEW;
	m.skipping = flags & SKIPPING;
	m.started = (usec_t)wire_u64(&w);
	m.modified = (usec_t)wire_u64(&w);
	uint64_t *const numbers[] = {&m.offset,    &m.lines,   &m.read,  &m.created,   &m.replaced,
				     &m.unchanged, &m.refused, &m.flaws, &m.first_leaf};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) *numbers[i] = wire_u64(&w);
	struct str digest = wire_bytes(&w, HASH_SHA256), rest = wire_bytes(&w, wire_u16(&w));
	m.header = wire_bytes(&w, wire_u16(&w));
	if (!wire_ok(&w) || wire_left(&w) || version != VERSION || rest.n >= BULK_CHAIN_BLOCK)
		return ERR_CORRUPT;
	memcpy(m.chain.digest, digest.p, HASH_SHA256);
	if (rest.n) memcpy(m.chain.rest, rest.p, rest.n);
	m.chain.rest_n = rest.n;
	*ret = m;
	return ERR_OK;
}

enum err import_put(const struct import *m, struct store_txn *t)
{
	unsigned char row[ROW_MAX];
	char key[KEY_MAX];
	const uint64_t numbers[NUMBERS] = {
	    (uint64_t)m->started, (uint64_t)m->modified, m->offset,  m->lines, m->read,      m->created,
	    m->replaced,          m->unchanged,          m->refused, m->flaws, m->first_leaf};
	struct wire w = wire_writer(row, sizeof row);
	wire_put_u8(&w, VERSION);
	wire_put_u8(&w, (uint8_t)m->form);
	wire_put_u8(&w, m->finished);
	wire_put_u8(&w, (uint8_t)((m->only_new ? ONLY_NEW : 0) | (m->skipping ? SKIPPING : 0)));
	for (size_t i = 0; i < NUMBERS; i++) wire_put_u64(&w, numbers[i]);
	wire_put(&w, str_n(m->chain.digest, HASH_SHA256));
	wire_put_u16(&w, (uint16_t)m->chain.rest_n);
	wire_put(&w, str_n(m->chain.rest, m->chain.rest_n));
	wire_put_u16(&w, (uint16_t)m->header.n);
	wire_put(&w, m->header);
	must(wire_ok(&w));
	return store_put(t, RS_TABLE_import, key_of(m->who, m->name, key), wire_str(&w));
}

/* ---- reading ---------------------------------------------------------------------------- */

enum err import_find(struct store_txn *t, struct str who, struct str name, struct import *ret)
{
	char key[KEY_MAX];
	struct str row;
	enum err e = store_get(t, RS_TABLE_import, key_of(who, name, key), &row);
	if (!e) e = row_read(key_of(who, name, key), row, ret);
	if (e) return e;
	ret->who = who;
	ret->name = name;
	return ERR_OK;
}

enum err import_list(struct store_txn *t, struct str who, struct str after, import_list_fn *fn, void *arg)
{
	char from_room[KEY_MAX], stem_room[KEY_MAX];
	struct str from = key_of(who, after, from_room), stem = key_of(who, STR_NONE, stem_room), key, row;
	struct store_cursor *c;
	struct import m;
	enum err e = store_cursor_open(t, RS_TABLE_import, &c);
	if (e) return e;
	e = store_cursor_seek(c, from, &key, &row);
	if (!e && after.n && str_eq(key, from)) e = store_cursor_next(c, &key, &row);
	while (!e && str_starts(key, stem)) {
		e = row_read(key, row, &m);
		if (e || !fn(arg, &m)) break;
		e = store_cursor_next(c, &key, &row);
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err err_named(struct str name)
{
	for (int e = ERR_OK + 1; e < ERR_COUNT; e++)
		if (str_is(name, err_name((enum err)e))) return (enum err)e;
	return ERR_INTERNAL;
}

static enum err flaw_read(struct str key, struct str row, struct import_flaw *ret)
{
	struct wire w = wire_reader(row);
	struct import_flaw x = {.line = store_u64(str_skip(key, key.n - 8))};
	uint8_t version = wire_u8(&w);
	x.offset = wire_u64(&w);
	x.position = (size_t)wire_u64(&w);
	x.err = err_named(wire_bytes(&w, wire_u16(&w)));
	x.id = wire_bytes(&w, wire_u16(&w));
	x.at = wire_bytes(&w, wire_u16(&w));
	x.rule = wire_bytes(&w, wire_u16(&w));
	x.text = wire_bytes(&w, wire_u16(&w));
	if (!wire_ok(&w) || wire_left(&w) || version != VERSION) return ERR_CORRUPT;
	*ret = x;
	return ERR_OK;
}

enum err import_flaws(struct store_txn *t, const struct import *m, uint64_t after, import_flaw_fn *fn,
		      void *arg)
{
	char room[KEY_MAX], stem_room[KEY_MAX];
	struct str from = flaw_key(m, after + 1, room), stem = flaw_key(m, 0, stem_room), key, row;
	struct store_cursor *c;
	struct import_flaw x;
	enum err e = store_cursor_open(t, RS_TABLE_import_flaw, &c);
	if (e) return e;
	stem.n -= 8;
	e = store_cursor_seek(c, from, &key, &row);
	while (!e && str_starts(key, stem) && key.n == stem.n + 8) {
		e = flaw_read(key, row, &x);
		if (e || !fn(arg, &x)) break;
		e = store_cursor_next(c, &key, &row);
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

void import_write_json(const struct import *m, struct buf *out)
{
	unsigned char digest[HASH_SHA256];
	char hex[2 * HASH_SHA256], time[CLOCK_TEXT];
	const struct {
		const char *name;
		uint64_t v;
	} numbers[] = {{"offset", m->offset},   {"lines", m->lines},       {"read", m->read},
		       {"created", m->created}, {"replaced", m->replaced}, {"unchanged", m->unchanged},
		       {"refused", m->refused}, {"errors_kept", m->flaws}};
	bulk_chain_digest(&m->chain, digest);
	hex_write(digest, sizeof digest, hex);
	buf_add(out, STR("{\"name\":"));
	buf_json(out, m->name);
	buf_add(out, STR(",\"of\":"));
	buf_json(out, m->who);
	buf_printf(out, ",\"format\":\"%s\",\"state\":\"%s\",\"existing\":\"%s\"", bulk_form_name(m->form),
		   m->finished ? "finished" : "open", m->only_new ? "refuse" : "replace");
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		buf_printf(out, ",\"%s\":%llu", numbers[i].name, (unsigned long long)numbers[i].v);
	buf_printf(out, ",\"digest\":\"%.64s\",\"started\":\"%s\"", hex,
		   clock_print(m->started, false, time));
	buf_printf(out, ",\"modified\":\"%s\"}", clock_print(m->modified, false, time));
}

/* ---- changing --------------------------------------------------------------------------- */

static bool count_one(void *arg, const struct import *m)
{
	(void)m;
	return ++*(size_t *)arg < IMPORT_KEPT_MAX;
}

enum err import_begin(struct import *m, struct writer_txn *t, struct flaw *f)
{
	struct import old;
	struct buf entry;
	size_t kept = 0;
	enum err e = import_find(t->store, m->who, m->name, &old);
	if (!e) return ERR_EXISTS;
	if (e == ERR_NOT_FOUND) e = import_list(t->store, m->who, STR_NONE, count_one, &kept);
	if (e) return e;
	if (kept == IMPORT_KEPT_MAX)
		return flaw_set(f, ERR_QUOTA, FLAW_NO_OFFSET, "name", "imports-kept",
				"%d imports are kept for a credential; remove some", IMPORT_KEPT_MAX);
	m->started = m->modified = t->now;
	entry_open(&entry);
	entry_text(&entry, "format", str_of(bulk_form_name(m->form)));
	entry_text(&entry, "import", m->name);
	entry_text(&entry, "kind", STR("import.started"));
	return entry_append(&entry, t, m->who, &m->first_leaf);
}

enum err import_put_flaw(const struct import *m, const struct import_flaw *x, struct store_txn *t)
{
	unsigned char row[FLAW_ROW_MAX];
	char key[KEY_MAX];
	const struct str texts[] = {str_of(err_name(x->err)), str_first(x->id, IMPORT_ID_SHOWN), x->at,
				    x->rule, x->text};
	struct wire w = wire_writer(row, sizeof row);
	wire_put_u8(&w, VERSION);
	wire_put_u64(&w, x->offset);
	wire_put_u64(&w, x->position == FLAW_NO_OFFSET ? UINT64_MAX : x->position);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		wire_put_u16(&w, (uint16_t)texts[i].n);
		wire_put(&w, texts[i]);
	}
	must(wire_ok(&w));
	return store_put(t, RS_TABLE_import_flaw, flaw_key(m, x->line, key), wire_str(&w));
}

enum err import_finish(struct import *m, struct writer_txn *t)
{
	unsigned char digest[HASH_SHA256];
	struct buf entry;
	m->finished = true;
	bulk_chain_digest(&m->chain, digest);
	entry_open(&entry);
	entry_number(&entry, "created", m->created);
	entry_digest(&entry, "digest", digest);
	entry_text(&entry, "import", m->name);
	entry_text(&entry, "kind", STR("import.finished"));
	entry_number(&entry, "lines", m->lines);
	entry_number(&entry, "octets", m->offset);
	entry_number(&entry, "refused", m->refused);
	entry_number(&entry, "replaced", m->replaced);
	entry_number(&entry, "same", m->unchanged);
	return entry_append(&entry, t, m->who, NULL);
}

enum err import_remove(struct str who, struct str name, struct writer_txn *t)
{
	char room[KEY_MAX], key_room[KEY_MAX];
	struct store_cursor *c;
	struct str key, row;
	struct buf entry;
	struct import m;
	enum err e = import_find(t->store, who, name, &m);
	if (!e) e = store_cursor_open(t->store, RS_TABLE_import_flaw, &c);
	if (e) return e;
	/* keys first: a write moves what the cursor stands on */
	struct buf lines = BUF_INIT(8 * (IMPORT_FLAWS_MAX + 1));
	struct str stem = flaw_key(&m, 0, room);
	stem.n -= 8;
	for (e = store_cursor_seek(c, stem, &key, &row);
	     !e && str_starts(key, stem) && key.n == stem.n + 8 && !buf_err(&lines);
	     e = store_cursor_next(c, &key, &row))
		buf_add(&lines, str_skip(key, stem.n));
	store_cursor_close(c);
	e = e == ERR_NOT_FOUND || !e ? buf_err(&lines) : e;
	for (size_t i = 0; i < lines.n && !e; i += 8)
		e = store_del(t->store, RS_TABLE_import_flaw,
			      flaw_key(&m, store_u64(str_n(lines.p + i, 8)), key_room));
	buf_done(&lines);
	if (!e) e = store_del(t->store, RS_TABLE_import, key_of(who, name, key_room));
	if (e) return e;
	entry_open(&entry);
	entry_text(&entry, "import", name);
	entry_text(&entry, "kind", STR("import.removed"));
	return entry_append(&entry, t, who, NULL);
}
