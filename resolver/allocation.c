/* Rows of the table allocation, by their first octet:
 *   'p' ‖ prefix key → u8 version = 1, u8 flags (1 withheld), u32 slot, credit code (18)
 *   'n' ‖ key of a prefix of ours → be64 last number given out under it
 *   's' → be64 slots given out */
#include "resolver/allocation.h"

#include "base/wire.h"
#include "resolver/delegation.h"
#include "resolver/registry.h"
#include "resolver/series.h"

enum { ROW_VERSION = 1, ROW = 1 + 1 + 4 + CREDIT_CODE, FLAG_WITHHELD = 1, TRIES = 100000 };
enum { MEMBER_ARENA = 64 * 1024 }; /* of one identifier, when a member is looked for */

static struct str key_of(char kind, struct str prefix, char k[STORE_KEY_MAX])
{
	must(prefix.n < STORE_KEY_MAX);
	k[0] = kind;
	memcpy(k + 1, prefix.p, prefix.n);
	return str_n(k, 1 + prefix.n);
}

static enum err row_parse(struct str prefix, struct str row, struct allocation *ret)
{
	struct wire w = wire_reader(row);
	uint8_t version = wire_u8(&w), flags = wire_u8(&w);
	struct allocation x = {.prefix = prefix, .slot = wire_u32(&w)};
	x.code = wire_bytes(&w, CREDIT_CODE);
	if (!wire_ok(&w) || wire_left(&w) || version != ROW_VERSION || flags > FLAG_WITHHELD)
		return ERR_CORRUPT;
	x.withheld = flags & FLAG_WITHHELD;
	*ret = x;
	return ERR_OK;
}

static enum err row_put(struct writer_txn *t, const struct allocation *x)
{
	char k[STORE_KEY_MAX], row[ROW];
	struct wire w = wire_writer(row, sizeof row);
	wire_put_u8(&w, ROW_VERSION);
	wire_put_u8(&w, x->withheld ? FLAG_WITHHELD : 0);
	wire_put_u32(&w, x->slot);
	wire_put(&w, x->code);
	must(wire_ok(&w) && !wire_left(&w));
	return store_put(t->store, RS_TABLE_allocation, key_of('p', x->prefix, k), wire_str(&w));
}

enum err allocation_find(struct store_txn *t, struct str key, size_t from, struct allocation *ret)
{
	size_t ends[ID_BOUNDARIES_MAX];
	char k[STORE_KEY_MAX];
	struct str row;
	size_t n = id_key_boundaries(key, ends);
	for (size_t i = 0; i < n; i++) {
		if (ends[i] < from || ends[i] > key.n) continue;
		struct str prefix = str_first(key, ends[i]);
		enum err e = store_get(t, RS_TABLE_allocation, key_of('p', prefix, k), &row);
		if (e != ERR_NOT_FOUND) return e ? e : row_parse(prefix, row, ret);
	}
	return ERR_NOT_FOUND;
}

bool allocation_any(struct store_txn *t)
{
	return store_count(t, RS_TABLE_allocation) > 0;
}

/* Those whose prefix begins with `under`. */
static enum err each_under(struct store_txn *t, struct str under, allocation_each_fn *fn, void *arg)
{
	struct store_cursor *c;
	struct allocation x;
	struct str key, row;
	char k[STORE_KEY_MAX];
	struct str from = key_of('p', under, k);
	enum err e = store_cursor_open(t, RS_TABLE_allocation, &c), stop = ERR_OK;
	if (e) return e;
	for (e = store_cursor_seek(c, from, &key, &row); !e && !stop && str_starts(key, from);
	     e = store_cursor_next(c, &key, &row)) {
		stop = row_parse(str_skip(key, 1), row, &x);
		if (!stop) stop = fn(arg, &x);
	}
	store_cursor_close(c);
	return stop ? stop : e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err allocation_each(struct store_txn *t, allocation_each_fn *fn, void *arg)
{
	return each_under(t, STR(""), fn, arg);
}

const struct id_prefix *allocation_authority(const struct id_prefix *ours, size_t n, struct str key)
{
	for (size_t i = 0; i < n; i++)
		if (id_prefix_covers(ours[i].key, key)) return &ours[i];
	return NULL;
}

/* ---- is it free? ------------------------------------------------------------------------ */

static enum err note_code(void *arg, const struct allocation *x)
{
	memcpy(arg, x->code.p, CREDIT_CODE);
	return ERR_EXISTS;
}

struct below {
	struct str prefix;
	bool found;
};

static enum err look_below(void *arg, struct str prefix, struct str packed)
{
	struct below *b = arg;
	(void)packed;
	if (!str_starts(prefix, b->prefix)) return ERR_OK;
	b->found = true;
	return ERR_EXISTS;
}

struct tally {
	struct store_txn *txn;
	struct arena *arena; /* NULL: there is no series */
	uint64_t n, members; /* that have records of their own: looked at, and not counted */
	enum err err;
};

/* A member's own record does not count: its series does. One with a hashed key is too long for a series. */
static bool count_one(void *arg, struct str key, struct str packed)
{
	struct tally *x = arg;
	struct series s;
	struct id id;
	(void)packed;
	if (x->arena) {
		struct arena_mark mark = arena_mark(x->arena);
		enum err e = id_from_key(x->arena, key, NULL, &id);
		if (!e) e = series_find(x->txn, &id, &s);
		arena_rollback(x->arena, mark);
		if (!e && ++x->members <= ALLOCATION_ADOPT_MAX) return true;
		if (!e) x->n = ALLOCATION_ADOPT_MAX; /* more than one look is for */
		if (e && e != ERR_NOT_FOUND && e != ERR_UNSUPPORTED) x->err = e;
		if (x->err) return false;
	}
	return ++x->n <= ALLOCATION_ADOPT_MAX;
}

static bool find_one(void *arg, struct str key, struct str packed)
{
	struct tally *x = arg;
	(void)key;
	(void)packed;
	x->n++;
	return false;
}

static bool count_series(void *arg, const struct series *s, bool under)
{
	struct tally *x = arg;
	(void)s;
	x->n += under;
	return x->n <= ALLOCATION_ADOPT_MAX;
}

/* Identifiers under the prefix, each series as one; past the most that can be adopted, or unless all are
 * wanted past the first, it may be too few. */
static enum err count_under(struct store_txn *t, const struct id_prefix *p, bool all, uint64_t *ret)
{
	struct tally x = {.txn = t};
	if (all && series_any(t) && !(x.arena = arena_new(MEMBER_ARENA))) return ERR_NO_MEMORY;
	enum err e = registry_list(t, p->key, STR_NONE, all ? count_one : find_one, &x);
	arena_free(x.arena);
	if (!e) e = x.err;
	if (!e) e = series_list(t, p->key, STR_NONE, count_series, &x);
	if (!e) *ret = x.n;
	return e;
}

static enum err taken(struct flaw *f, const char *rule, const struct id_prefix *p, const char *by)
{
	return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "prefix", rule, "%.*s %s",
			STR_ARG(str_first(p->text, 80)), by);
}

static enum err check_allocations(struct store_txn *t, const struct id_prefix *p, size_t from,
				  struct flaw *f)
{
	struct allocation above;
	char code[CREDIT_CODE];
	enum err e = allocation_find(t, p->key, from, &above);
	if (!e)
		e = note_code(code, &above);
	else if (e == ERR_NOT_FOUND)
		e = each_under(t, p->key, note_code, code);
	if (e != ERR_EXISTS) return e;
	return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "prefix", "prefix-allocated",
			"%.*s overlaps a prefix of the enterprise %.*s", STR_ARG(str_first(p->text, 80)),
			CREDIT_CODE, code);
}

static enum err check_delegations(struct store_txn *t, const struct id_prefix *p, size_t from,
				  struct flaw *f)
{
	struct below b = {.prefix = p->key};
	enum err e = delegation_check_free(t, p->key, from);
	if (!e) e = delegation_each(t, look_below, &b);
	if (e == ERR_NOT_RESPONSIBLE || b.found)
		return taken(f, "prefix-delegated", p,
			     "overlaps a prefix that is delegated to another node");
	return e;
}

enum err allocation_check(struct store_txn *t, const struct id_prefix *p, size_t from, bool adopt,
			  struct flaw *f, uint64_t *ret_there)
{
	uint64_t n = 0;
	enum err e = check_allocations(t, p, from, f);
	if (!e) e = check_delegations(t, p, from, f);
	if (!e) e = count_under(t, p, adopt, &n);
	if (e) return e;
	if (n && !adopt) return taken(f, "prefix-in-use", p, "has registered identifiers: adopt them");
	if (n > ALLOCATION_ADOPT_MAX)
		return taken(f, "prefix-in-use", p, "has more registered identifiers than can be adopted");
	*ret_there = n;
	return ERR_OK;
}

/* ---- giving out ------------------------------------------------------------------------- */

static enum err read_number(struct store_txn *t, struct str key, uint64_t *ret)
{
	struct str row;
	enum err e = store_get(t, RS_TABLE_allocation, key, &row);
	*ret = 0;
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (row.n != 8) return ERR_CORRUPT;
	*ret = store_u64(row);
	return ERR_OK;
}

static enum err write_number(struct writer_txn *t, struct str key, uint64_t n)
{
	unsigned char row[8];
	return store_put(t->store, RS_TABLE_allocation, key, store_key_u64(row, n));
}

enum err allocation_next(struct store_txn *t, struct arena *a, const struct id_prefix *under,
			 struct flaw *f, struct id_prefix *ret)
{
	char k[STORE_KEY_MAX];
	uint64_t last, there;
	if (under->scheme != ID_HANDLE || !under->text.n || under->text.p[under->text.n - 1] == '/')
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "under", "next-number",
				"only prefixes of Handles are numbered here: name the prefix");
	enum err e = read_number(t, key_of('n', under->key, k), &last);
	for (int i = 1; !e && i <= TRIES; i++) {
		struct flaw why = {0};
		struct str text = arena_printf(a, "%.*s.%llu", STR_ARG(under->text),
					       (unsigned long long)(last + (unsigned)i));
		e = text.p ? id_prefix_parse_as(ID_HANDLE, a, text, f, ret) : ERR_NO_MEMORY;
		if (e) return e;
		e = allocation_check(t, ret, under->key.n, false, &why, &there);
		if (e != ERR_CONFLICT) return e;
		e = ERR_OK;
	}
	return e ? e
		 : flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "under", "next-number", "no number is free");
}

enum err allocation_taken(struct writer_txn *t, const struct id_prefix *under,
			  const struct id_prefix *taken_one)
{
	char k[STORE_KEY_MAX];
	uint64_t n;
	enum err e = str_u64(str_skip(taken_one->text, under->text.n + 1), &n);
	return e ? e : write_number(t, key_of('n', under->key, k), n);
}

enum err allocation_put(struct writer_txn *t, struct str prefix, struct str code)
{
	uint64_t slot;
	enum err e = read_number(t->store, STR("s"), &slot);
	if (!e && slot >= UINT32_MAX) e = ERR_TOO_LARGE;
	if (!e) e = write_number(t, STR("s"), slot + 1);
	struct allocation x = {.prefix = prefix, .code = code, .slot = (uint32_t)slot};
	return e ? e : row_put(t, &x);
}

enum err allocation_withhold(struct writer_txn *t, struct str prefix, bool withheld)
{
	char k[STORE_KEY_MAX], code[CREDIT_CODE];
	struct allocation x;
	struct str row;
	enum err e = store_get(t->store, RS_TABLE_allocation, key_of('p', prefix, k), &row);
	if (!e) e = row_parse(prefix, row, &x);
	if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	if (x.withheld == withheld) return ERR_OK;
	memcpy(code, x.code.p, CREDIT_CODE); /* borrowed octets end with the next write */
	x.code = str_n(code, CREDIT_CODE);
	x.withheld = withheld;
	return row_put(t, &x);
}

enum err allocation_release(struct writer_txn *t, const struct id_prefix *p, struct flaw *f)
{
	char k[STORE_KEY_MAX];
	uint64_t n = 0;
	enum err e = check_delegations(t->store, p, 0, f);
	if (!e) e = count_under(t->store, p, false, &n);
	if (!e && n) e = taken(f, "prefix-in-use", p, "has registered identifiers and stays");
	return e ? e : store_del(t->store, RS_TABLE_allocation, key_of('p', p->key, k));
}
