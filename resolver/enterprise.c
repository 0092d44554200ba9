/* A row of the table enterprise: credit code (18) →
 *   u8 version = 1, u8 state, u8 flags (1 withheld, 2 key, 4 open), key (32), u64 applied, u64 changed, u64
 * proved (microseconds, wall), u64 quota, then name, person, phone, email, wanted, review, reason, node,
 * each after its u16 length; u8 number of prefixes, each after its u16 length;
 * and for each entry of the ledger about it: credit code (18) ‖ be64 leaf index → nothing.
 * Integers are big-endian. */
#include "resolver/enterprise.h"

#include "base/wire.h"

enum { ROW_VERSION = 1, FLAG_WITHHELD = 1, FLAG_KEY = 2, FLAG_OPEN = 4, TEXTS = 8 };

static const char *const state_words[] = {"",
#define X(name, word) word,
					  ENTERPRISE_STATES(X)
#undef X
};
enum { STATES = sizeof state_words / sizeof *state_words };

static const struct {
	const char *word;
	unsigned from;
} steps[] = {
#define X(name, word, from, to, kind) {word, from},
    ENTERPRISE_STEPS(X)
#undef X
};

const char *enterprise_state_word(enum enterprise_state s)
{
	must((size_t)s < STATES);
	return state_words[s];
}

enum err enterprise_state_parse(struct str word, enum enterprise_state *ret)
{
	for (size_t i = 1; i < STATES; i++)
		if (str_is(word, state_words[i])) {
			*ret = (enum enterprise_state)i;
			return ERR_OK;
		}
	return ERR_BAD_INPUT;
}

const char *enterprise_step_word(enum enterprise_step s)
{
	must((size_t)s < sizeof steps / sizeof *steps);
	return steps[s].word;
}

enum err enterprise_step_check(enum enterprise_step step, enum enterprise_state from, struct flaw *f)
{
	struct buf may = BUF_INIT(256);
	must((size_t)step < sizeof steps / sizeof *steps);
	if (steps[step].from & 1u << from) return ERR_OK;
	if (from == ENTERPRISE_NONE)
		return flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "code", "enterprise",
				"no enterprise of that code has applied");
	for (size_t i = 1; i < STATES; i++)
		if (steps[step].from & 1u << i) buf_printf(&may, "%s%s", may.n ? ", " : "", state_words[i]);
	enum err e = flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "state", "enterprise-state",
			      "the enterprise is %s; %s needs: %.*s", state_words[from], steps[step].word,
			      STR_ARG(buf_str(&may)));
	buf_done(&may);
	return e;
}

static struct str *text_at(struct enterprise *x, size_t i)
{
	struct str *const texts[TEXTS] = {&x->name,   &x->person, &x->phone,  &x->email,
					  &x->wanted, &x->review, &x->reason, &x->node};
	return texts[i];
}

enum err enterprise_pack(const struct enterprise *x, struct buf *out)
{
	struct enterprise copy = *x;
	char *p = buf_room(out, ENTERPRISE_PACKED_MAX);
	if (!p) return buf_err(out);
	struct wire w = wire_writer(p, ENTERPRISE_PACKED_MAX);
	wire_put_u8(&w, ROW_VERSION);
	wire_put_u8(&w, (uint8_t)x->state);
	wire_put_u8(&w, (uint8_t)((x->withheld ? FLAG_WITHHELD : 0) | (x->has_key ? FLAG_KEY : 0) |
				  (x->open ? FLAG_OPEN : 0)));
	wire_put(&w, str_n(x->key, sizeof x->key));
	wire_put_u64(&w, (uint64_t)x->applied);
	wire_put_u64(&w, (uint64_t)x->changed);
	wire_put_u64(&w, (uint64_t)x->proved);
	wire_put_u64(&w, x->quota);
	for (size_t i = 0; i < TEXTS; i++) {
		must(text_at(&copy, i)->n <= UINT16_MAX);
		wire_put_u16(&w, (uint16_t)text_at(&copy, i)->n);
		wire_put(&w, *text_at(&copy, i));
	}
	must(x->prefixes_n <= ENTERPRISE_PREFIXES_MAX);
	wire_put_u8(&w, (uint8_t)x->prefixes_n);
	for (size_t i = 0; i < x->prefixes_n; i++) {
		wire_put_u16(&w, (uint16_t)x->prefixes[i].n);
		wire_put(&w, x->prefixes[i]);
	}
	if (!wire_ok(&w)) return ERR_TOO_LARGE;
	buf_grew(out, w.at);
	return ERR_OK;
}

enum err enterprise_unpack(struct str code, struct str packed, struct enterprise *ret)
{
	struct wire w = wire_reader(packed);
	struct enterprise x = {.state = ENTERPRISE_NONE};
	if (code.n != CREDIT_CODE) return ERR_CORRUPT;
	memcpy(x.code, code.p, CREDIT_CODE);
	uint8_t version = wire_u8(&w), state = wire_u8(&w), flags = wire_u8(&w);
	struct str key = wire_bytes(&w, sizeof x.key);
	if (key.n == sizeof x.key) memcpy(x.key, key.p, sizeof x.key);
	x.applied = (usec_t)wire_u64(&w);
	x.changed = (usec_t)wire_u64(&w);
	x.proved = (usec_t)wire_u64(&w);
	x.quota = wire_u64(&w);
	for (size_t i = 0; i < TEXTS; i++) *text_at(&x, i) = wire_bytes(&w, wire_u16(&w));
	x.prefixes_n = wire_u8(&w);
	if (version != ROW_VERSION || !state || state >= STATES ||
	    flags > (FLAG_WITHHELD | FLAG_KEY | FLAG_OPEN) || x.prefixes_n > ENTERPRISE_PREFIXES_MAX)
		return ERR_CORRUPT;
	for (size_t i = 0; i < x.prefixes_n; i++) x.prefixes[i] = wire_bytes(&w, wire_u16(&w));
	if (!wire_ok(&w) || wire_left(&w)) return ERR_CORRUPT;
	x.state = (enum enterprise_state)state;
	x.withheld = flags & FLAG_WITHHELD;
	x.has_key = flags & FLAG_KEY;
	x.open = flags & FLAG_OPEN;
	*ret = x;
	return ERR_OK;
}

enum err enterprise_find(struct store_txn *t, struct arena *a, struct str code, struct enterprise *ret)
{
	struct str row;
	enum err e = code.n == CREDIT_CODE ? store_get(t, RS_TABLE_enterprise, code, &row) : ERR_NOT_FOUND;
	if (e) return e;
	row = arena_dup(a, row);
	return row.p ? enterprise_unpack(code, row, ret) : ERR_NO_MEMORY;
}

enum err enterprise_each(struct store_txn *t, struct str after, enterprise_each_fn *fn, void *arg)
{
	struct store_cursor *c;
	struct enterprise x;
	struct str key, row;
	enum err e = store_cursor_open(t, RS_TABLE_enterprise, &c), bad = ERR_OK;
	if (e) return e;
	e = store_cursor_seek(c, after, &key, &row);
	if (!e && after.n && str_eq(key, after)) e = store_cursor_next(c, &key, &row);
	while (!e) {
		/* entries of the ledger stand behind their enterprise */
		if (key.n == CREDIT_CODE) {
			bad = enterprise_unpack(key, row, &x);
			if (bad || !fn(arg, &x)) break;
		}
		e = store_cursor_next(c, &key, &row);
	}
	store_cursor_close(c);
	return bad ? bad : e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err enterprise_put(struct writer_txn *t, const struct enterprise *x)
{
	struct buf row = BUF_INIT(ENTERPRISE_PACKED_MAX);
	enum err e = enterprise_pack(x, &row);
	if (!e) e = store_put(t->store, RS_TABLE_enterprise, enterprise_code(x), buf_str(&row));
	buf_done(&row);
	return e;
}

/* ---- history ---------------------------------------------------------------------------- */

static struct str note_key(struct str code, uint64_t leaf, char k[CREDIT_CODE + 8])
{
	unsigned char n[8];
	must(code.n == CREDIT_CODE);
	store_key_u64(n, leaf);
	memcpy(k, code.p, CREDIT_CODE);
	memcpy(k + CREDIT_CODE, n, sizeof n);
	return str_n(k, CREDIT_CODE + sizeof n);
}

enum err enterprise_note(struct writer_txn *t, struct str code, uint64_t leaf)
{
	char k[CREDIT_CODE + 8];
	return store_put(t->store, RS_TABLE_enterprise, note_key(code, leaf, k), STR(""));
}

enum err enterprise_history(struct store_txn *t, struct str code, uint64_t from, enterprise_history_fn *fn,
			    void *arg)
{
	struct store_cursor *c;
	struct str key, row;
	char k[CREDIT_CODE + 8];
	enum err e = store_cursor_open(t, RS_TABLE_enterprise, &c);
	if (e) return e;
	e = store_cursor_seek(c, note_key(code, from, k), &key, &row);
	while (!e && key.n == sizeof k && str_starts(key, code) &&
	       fn(arg, store_u64(str_skip(key, CREDIT_CODE))))
		e = store_cursor_next(c, &key, &row);
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
