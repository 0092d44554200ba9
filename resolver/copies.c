/* Rows of this file's tables:
 *   copy      tag(8) ‖ be32 generation ‖ u8 table ‖ key  →  be16 length and key (length 0: the row's key
 * holds it whole), value. tag: first 8 octets of SHA-256 of the reporter's name; a key that would not fit
 * is cut and ends in its SHA-256. reporter  name  →  u8 1, be64 position, be64 ledger size, root (32), be32
 * generation, be32 building, be64 time, u8 partial report    tag(8) ‖ be64 time  →  JSON */
#include "resolver/copies.h"

#include "base/hash.h"
#include "base/wire.h"
#include "resolver/entry.h"
#include "resolver/tables.h"

enum {
	TAG = 8,
	STEM = TAG + 4 + 1,
	KEY_ROOM = STORE_KEY_MAX - STEM,
	KEY_HEAD = KEY_ROOM - HASH_SHA256,
	STATE_VERSION = 1,
	STATE_MAX = 128,
};

static void tag_of(struct str reporter, unsigned char ret[TAG])
{
	unsigned char digest[HASH_SHA256];
	hash_sha256(reporter, digest);
	memcpy(ret, digest, TAG);
}

struct row_key {
	char octets[STORE_KEY_MAX];
	size_t n;
};

static void stem_of(struct str reporter, uint64_t generation, unsigned table, struct row_key *k)
{
	unsigned char tag[TAG];
	tag_of(reporter, tag);
	struct wire w = wire_writer(k->octets, STEM);
	wire_put(&w, str_n(tag, TAG));
	wire_put_u32(&w, (uint32_t)generation);
	wire_put_u8(&w, (uint8_t)table);
	must(wire_ok(&w));
	k->n = STEM;
}

/* True when the row's key holds the key whole. */
static bool key_add(struct row_key *k, struct str key)
{
	bool whole = key.n <= KEY_ROOM;
	size_t n = whole ? key.n : KEY_HEAD;
	if (n) memcpy(k->octets + STEM, key.p, n);
	k->n = STEM + n;
	if (whole) return true;
	hash_sha256(key, (unsigned char *)k->octets + k->n);
	k->n += HASH_SHA256;
	return false;
}

/* ---- state ------------------------------------------------------------------------------ */

static enum err state_parse(struct str row, struct copy_state *ret)
{
	struct wire w = wire_reader(row);
	struct copy_state s;
	uint8_t version = wire_u8(&w);
	s.position = wire_u64(&w);
	s.ledger_size = wire_u64(&w);
	struct str root = wire_bytes(&w, 32);
	s.generation = wire_u32(&w);
	s.building = wire_u32(&w);
	s.at = (usec_t)wire_u64(&w);
	s.partial = wire_u8(&w);
	if (!wire_ok(&w) || wire_left(&w) || version != STATE_VERSION) return ERR_CORRUPT;
	memcpy(s.ledger_root, root.p, 32);
	*ret = s;
	return ERR_OK;
}

static enum err state_put(struct store_txn *t, struct str reporter, const struct copy_state *s)
{
	char room[STATE_MAX];
	struct wire w = wire_writer(room, sizeof room);
	wire_put_u8(&w, STATE_VERSION);
	wire_put_u64(&w, s->position);
	wire_put_u64(&w, s->ledger_size);
	wire_put(&w, str_n(s->ledger_root, 32));
	wire_put_u32(&w, (uint32_t)s->generation);
	wire_put_u32(&w, (uint32_t)s->building);
	wire_put_u64(&w, (uint64_t)s->at);
	wire_put_u8(&w, s->partial);
	must(wire_ok(&w));
	return store_put(t, RS_TABLE_reporter, reporter, wire_str(&w));
}

enum err copies_state(struct store_txn *t, struct str reporter, struct copy_state *ret)
{
	struct str row;
	enum err e = store_get(t, RS_TABLE_reporter, reporter, &row);
	return e ? e : state_parse(row, ret);
}

static enum err note(struct writer_txn *t, const char *kind, struct str reporter, uint64_t position)
{
	struct buf entry;
	entry_open(&entry);
	entry_text(&entry, "kind", str_of(kind));
	entry_number(&entry, "position", position);
	entry_text(&entry, "reporter", reporter);
	return entry_append(&entry, t, reporter, NULL);
}

/* ---- applying --------------------------------------------------------------------------- */

static enum err apply_op(struct store_txn *t, struct str reporter, uint64_t generation,
			 const struct copy_op *op)
{
	struct row_key k;
	struct str there, key;
	unsigned char length[2] = {0, 0};
	struct buf value;
	stem_of(reporter, generation, op->table, &k);
	bool whole = key_add(&k, op->key);
	key = str_n(k.octets, k.n);
	if (op->remove) {
		enum err e = store_get(t, RS_TABLE_copy, key, &there);
		return e == ERR_NOT_FOUND ? ERR_OK : e ? e : store_del(t, RS_TABLE_copy, key);
	}
	buf_init(&value, 2 + op->key.n + op->value.n);
	if (!whole) {
		length[0] = (unsigned char)(op->key.n >> 8);
		length[1] = (unsigned char)op->key.n;
	}
	buf_add(&value, str_n(length, 2));
	if (!whole) buf_add(&value, op->key);
	buf_add(&value, op->value);
	enum err e = buf_err(&value);
	if (!e) e = store_put(t, RS_TABLE_copy, key, buf_str(&value));
	buf_done(&value);
	return e;
}

/* Rows of generations that are neither served nor built, some with each message. */
static enum err sweep(struct store_txn *t, struct str reporter, const struct copy_state *s)
{
	struct row_key k;
	struct str key, value;
	enum err e = ERR_OK;
	stem_of(reporter, 0, 0, &k);
	for (int i = 0; i < COPY_SWEEP && !e; i++) {
		struct store_cursor *c;
		char room[STORE_KEY_MAX];
		e = store_cursor_open(t, RS_TABLE_copy, &c);
		if (e) return e;
		e = store_cursor_seek(c, str_n(k.octets, k.n), &key, &value);
		uint32_t generation = 0;
		size_t n = 0;
		bool ours = !e && key.n >= STEM && memcmp(key.p, k.octets, TAG) == 0;
		if (ours) {
			struct wire w = wire_reader(str_skip(key, TAG));
			generation = wire_u32(&w);
			n = key.n;
			memcpy(room, key.p, n); /* borrowed until the next write */
		}
		store_cursor_close(c);
		if (!ours) return e == ERR_NOT_FOUND ? ERR_OK : e;
		if (generation == s->generation || generation == s->building) {
			/* on to what comes after it */
			stem_of(reporter, generation + 1, 0, &k);
			continue;
		}
		e = store_del(t, RS_TABLE_copy, str_n(room, n));
	}
	return e;
}

static enum err apply_full(struct writer_txn *t, const struct copy_message *m, struct copy_state *s)
{
	enum err e = ERR_OK;
	if (m->begin) {
		s->building = (s->building > s->generation ? s->building : s->generation) + 1;
		e = note(t, "copy.begun", m->reporter, m->to);
	} else if (!s->building) {
		return ERR_PRECONDITION;
	}
	for (size_t i = 0; i < m->n && !e; i++)
		e = apply_op(t->store, m->reporter, s->building, &m->ops[i]);
	if (e || !m->end) return e;
	s->generation = s->building;
	s->building = 0;
	s->position = m->to;
	s->ledger_size = m->ledger_size;
	memcpy(s->ledger_root, m->ledger_root, sizeof s->ledger_root);
	s->partial = false;
	return note(t, "copy.replaced", m->reporter, m->to);
}

static enum err apply_changes(struct writer_txn *t, const struct copy_message *m, struct copy_state *s)
{
	enum err e = ERR_OK;
	for (size_t i = 0; i < m->n && !e; i++)
		e = apply_op(t->store, m->reporter, s->generation, &m->ops[i]);
	s->partial = m->more;
	if (m->more) return e; /* the position comes with the last part */
	s->position = m->to;
	s->ledger_size = m->ledger_size;
	memcpy(s->ledger_root, m->ledger_root, sizeof s->ledger_root);
	return e;
}

enum err copies_apply(struct writer_txn *t, const struct copy_message *m)
{
	struct copy_state s = {.generation = 1};
	enum err e = copies_state(t->store, m->reporter, &s);
	if (e && e != ERR_NOT_FOUND) return e;
	if (!m->full && m->to <= s.position) return ERR_OK;
	if (!m->full && m->from != s.position + 1) return ERR_PRECONDITION;
	if (m->full && !m->begin && !s.building) return ERR_PRECONDITION;
	e = m->full ? apply_full(t, m, &s) : apply_changes(t, m, &s);
	s.at = t->now;
	if (!e) e = sweep(t->store, m->reporter, &s);
	return e ? e : state_put(t->store, m->reporter, &s);
}

/* ---- reports ---------------------------------------------------------------------------- */

static struct str report_key(struct str reporter, usec_t at, char room[TAG + 8])
{
	unsigned char tag[TAG], octets[8];
	tag_of(reporter, tag);
	memcpy(room, tag, TAG);
	store_key_u64(octets, (uint64_t)at);
	memcpy(room + TAG, octets, 8);
	return str_n(room, TAG + 8);
}

/* The oldest goes when there are too many: one comes, at most one goes. */
static enum err trim(struct store_txn *t, struct str reporter)
{
	char room[TAG + 8];
	struct str from = report_key(reporter, 0, room), key, value, stem = str_first(from, TAG);
	struct store_cursor *c;
	size_t n = 0;
	enum err e = store_cursor_open(t, RS_TABLE_report, &c);
	if (e) return e;
	for (e = store_cursor_seek(c, from, &key, &value); !e && str_starts(key, stem);
	     e = store_cursor_next(c, &key, &value))
		if (!n++) memcpy(room, key.p, sizeof room);
	store_cursor_close(c);
	if (e && e != ERR_NOT_FOUND) return e;
	return n > REPORTS_KEPT ? store_del(t, RS_TABLE_report, str_n(room, sizeof room)) : ERR_OK;
}

enum err copies_report(struct writer_txn *t, struct str reporter, struct str json)
{
	char room[TAG + 8];
	unsigned char digest[HASH_SHA256];
	struct copy_state s = {.generation = 1};
	struct buf entry;
	enum err e = copies_state(t->store, reporter, &s);
	/* a reporter that only reports is listed as well */
	if (e == ERR_NOT_FOUND) e = state_put(t->store, reporter, &s);
	if (!e) e = store_put(t->store, RS_TABLE_report, report_key(reporter, t->now, room), json);
	if (!e) e = trim(t->store, reporter);
	if (e) return e;
	hash_sha256(json, digest);
	entry_open(&entry);
	entry_digest(&entry, "digest", digest);
	entry_text(&entry, "kind", STR("report.received"));
	entry_text(&entry, "reporter", reporter);
	return entry_append(&entry, t, reporter, NULL);
}

/* ---- reading ---------------------------------------------------------------------------- */

enum err copies_each(struct store_txn *t, copies_each_fn *fn, void *arg)
{
	struct store_cursor *c;
	struct str key, row;
	struct copy_state s;
	enum err e = store_cursor_open(t, RS_TABLE_reporter, &c), stop = ERR_OK;
	if (e) return e;
	for (e = store_cursor_seek(c, STR(""), &key, &row); !e; e = store_cursor_next(c, &key, &row)) {
		stop = state_parse(row, &s);
		if (stop || !fn(arg, key, &s)) break;
	}
	store_cursor_close(c);
	return stop ? stop : e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err copies_reports(struct store_txn *t, struct str reporter, copies_reports_fn *fn, void *arg)
{
	char room[TAG + 8];
	struct store_cursor *c;
	struct str key, row, end = report_key(reporter, INT64_MAX, room), stem = str_first(end, TAG);
	enum err e = store_cursor_open(t, RS_TABLE_report, &c);
	if (e) return e;
	e = store_cursor_seek(c, end, &key, &row);
	e = e ? store_cursor_last(c, &key, &row) : store_cursor_prev(c, &key, &row);
	while (!e && str_starts(key, stem) && fn(arg, (usec_t)store_u64(str_skip(key, TAG)), row))
		e = store_cursor_prev(c, &key, &row);
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err copies_rows(struct store_txn *t, struct str reporter, unsigned table, struct str after,
		     report_row_fn *fn, void *arg)
{
	struct copy_state s;
	struct row_key stem, from;
	struct store_cursor *c;
	struct str key, row;
	enum err e = copies_state(t, reporter, &s);
	if (e) return e;
	stem_of(reporter, s.generation, table, &stem);
	from = stem;
	if (after.n) key_add(&from, after);
	e = store_cursor_open(t, RS_TABLE_copy, &c);
	if (e) return e;
	e = store_cursor_seek(c, str_n(from.octets, from.n), &key, &row);
	if (!e && after.n && str_eq(key, str_n(from.octets, from.n))) e = store_cursor_next(c, &key, &row);
	for (; !e && str_starts(key, str_n(stem.octets, STEM)); e = store_cursor_next(c, &key, &row)) {
		size_t n = row.n < 2 ? 0 : (size_t)(unsigned char)row.p[0] << 8 | (unsigned char)row.p[1];
		if (row.n < 2 + n) {
			e = ERR_CORRUPT;
			break;
		}
		struct str own = n ? str_n(row.p + 2, n) : str_skip(key, STEM);
		if (!fn(arg, own, str_skip(row, 2 + n))) break;
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err copies_row(struct store_txn *t, struct str reporter, unsigned table, struct str key,
		    struct str *ret)
{
	struct copy_state s;
	struct row_key k;
	struct str row;
	enum err e = copies_state(t, reporter, &s);
	if (e) return e;
	stem_of(reporter, s.generation, table, &k);
	key_add(&k, key);
	e = store_get(t, RS_TABLE_copy, str_n(k.octets, k.n), &row);
	if (e) return e;
	size_t n = row.n < 2 ? 0 : (size_t)(unsigned char)row.p[0] << 8 | (unsigned char)row.p[1];
	if (row.n < 2 + n) return ERR_CORRUPT;
	*ret = str_skip(row, 2 + n);
	return ERR_OK;
}
