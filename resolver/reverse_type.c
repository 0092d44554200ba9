/* Rows of the table reverse_type:
 *
 *   "types"       → u8 0, u8 LAYOUT, for each type u8 number, u8 state, u8 length, name
 *   u8 number     → be64 records looked at or rows dropped, key of the last of them; until it is READY
 *   u8 number|128 → the same of series */
#include "resolver/reverse_type.h"

#include "base/wire.h"
#include "resolver/registry.h"
#include "resolver/reverse_series.h"

/* Of the table reverse. Without the two octets: 1, where hidden rows lay among the public ones; its types
 * are read as CLEARING, so that they are built anew. */
enum { LAYOUT = 2 };
enum { PLACE_HEAD = 8, TYPE_ROW = 3 + RECORD_TYPE_MAX };

const char *reverse_state_word(enum reverse_state s)
{
	static const char *const words[] = {"",
#define X(name, word) word,
					    REVERSE_STATES(X)
#undef X
	};
	return words[s];
}

static bool noted(enum reverse_state s)
{
	return s == REVERSE_READY || s == REVERSE_BUILDING || s == REVERSE_SORTING;
}

static enum err add(struct reverse_types *types, const struct reverse_type *type)
{
	if (types->n == REVERSE_TYPES_MAX) return ERR_TOO_LARGE;
	types->type[types->n++] = *type;
	if (noted(type->state)) types->lengths[type->name.n / 64] |= UINT64_C(1) << type->name.n % 64;
	return ERR_OK;
}

enum err reverse_types_read(struct store_txn *t, struct reverse_types *ret)
{
	struct str row;
	ret->n = 0;
	memset(ret->lengths, 0, sizeof ret->lengths);
	enum err e = store_get(t, RS_TABLE_reverse_type, STR("types"), &row);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	bool old = row.n < 2 || row.p[0];
	if (!old && row.p[1] != LAYOUT) return ERR_CORRUPT;
	struct wire w = wire_reader(old ? row : str_skip(row, 2));
	while (wire_ok(&w) && wire_left(&w)) {
		struct reverse_type type = {.number = wire_u8(&w),
					    .state = (enum reverse_state)wire_u8(&w)};
		type.name = wire_bytes(&w, wire_u8(&w));
		bool good = wire_ok(&w) && type.number && type.name.n && type.name.n <= RECORD_TYPE_MAX &&
			    type.state && type.state <= REVERSE_SORTING;
		if (old && noted(type.state)) type.state = REVERSE_CLEARING;
		if (!good || add(ret, &type)) return ERR_CORRUPT;
	}
	return ERR_OK;
}

const struct reverse_type *reverse_type_find(const struct reverse_types *types, struct str type)
{
	for (size_t i = 0; i < types->n; i++)
		if (str_eq_nocase(types->type[i].name, type)) return &types->type[i];
	return NULL;
}

const struct reverse_type *reverse_type_noted(const struct reverse_types *types, struct str type)
{
	if (type.n > RECORD_TYPE_MAX || !(types->lengths[type.n / 64] >> type.n % 64 & 1)) return NULL;
	const struct reverse_type *found = reverse_type_find(types, type);
	return found && noted(found->state) ? found : NULL;
}

bool reverse_types_any_noted(const struct reverse_types *types)
{
	for (size_t i = 0; i < sizeof types->lengths / sizeof *types->lengths; i++)
		if (types->lengths[i]) return true;
	return false;
}

/* ---- changing --------------------------------------------------------------------------- */

static enum err write_types(struct store_txn *t, const struct reverse_types *types)
{
	struct buf out = BUF_INIT(2 + REVERSE_TYPES_MAX * TYPE_ROW);
	if (types->n) {
		buf_byte(&out, 0);
		buf_byte(&out, LAYOUT);
	}
	for (size_t i = 0; i < types->n; i++) {
		buf_byte(&out, (char)types->type[i].number);
		buf_byte(&out, (char)types->type[i].state);
		buf_byte(&out, (char)types->type[i].name.n);
		buf_add(&out, types->type[i].name);
	}
	enum err e = buf_err(&out);
	if (!e && out.n) e = store_put(t, RS_TABLE_reverse_type, STR("types"), buf_str(&out));
	if (!e && !out.n) e = store_del(t, RS_TABLE_reverse_type, STR("types"));
	buf_done(&out);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* A copy whose names stay when the row is written. */
static enum err read_copy(struct store_txn *t, struct arena *a, struct reverse_types *ret)
{
	enum err e = reverse_types_read(t, ret);
	for (size_t i = 0; i < ret->n && !e; i++) {
		ret->type[i].name = arena_dup(a, ret->type[i].name);
		if (!ret->type[i].name.p) e = ERR_NO_MEMORY;
	}
	return e;
}

static enum err drop_place(struct store_txn *t, unsigned char number)
{
	unsigned char of_series = number | REVERSE_SERIES;
	enum err e = store_del(t, RS_TABLE_reverse_type, str_n(&number, 1));
	if (!e || e == ERR_NOT_FOUND) e = store_del(t, RS_TABLE_reverse_type, str_n(&of_series, 1));
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static bool there_is_one(void *arg, struct str key, struct str packed)
{
	(void)key;
	(void)packed;
	*(bool *)arg = false;
	return false;
}

static enum err no_records(struct store_txn *t, bool *ret)
{
	*ret = !series_any(t);
	return *ret ? registry_list(t, STR(""), STR_NONE, there_is_one, ret) : ERR_OK;
}

static enum err add_wanted(struct arena *a, struct str name, bool empty, struct reverse_types *types)
{
	struct reverse_type type = {.number = 1, .state = empty ? REVERSE_READY : REVERSE_BUILDING};
	char *lower = arena_bytes(a, name.n);
	if (!lower) return ERR_NO_MEMORY;
	for (size_t i = 0; i < name.n; i++)
		lower[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
	type.name = str_n(lower, name.n);
	for (size_t i = 0; i < types->n; i++) {
		if (types->type[i].number != type.number) continue;
		type.number++; /* at most REVERSE_TYPES_MAX are taken */
		i = (size_t)-1;
	}
	return add(types, &type);
}

static bool wanted_has(const char *const *wanted, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_nocase(str_of(wanted[i]), name)) return true;
	return false;
}

/* Types that are there and wanted, or not. True when something changed. */
static enum err settle(struct store_txn *t, const char *const *wanted, size_t n,
		       struct reverse_types *types, bool *changed)
{
	enum err e = ERR_OK;
	for (size_t i = 0; i < types->n && !e; i++) {
		struct reverse_type *type = &types->type[i];
		enum reverse_state old = type->state;
		bool want = wanted_has(wanted, n, type->name);
		if (want && old == REVERSE_LEAVING) type->state = REVERSE_CLEARING;
		if (!want) type->state = REVERSE_LEAVING;
		if (type->state == old) continue;
		*changed = true;
		e = drop_place(t, type->number);
	}
	return e;
}

/* From an older layout: places of what was being built then are of no use. */
static enum err take_over(struct store_txn *t, const struct reverse_types *types, bool *changed)
{
	struct str row;
	enum err e = store_get(t, RS_TABLE_reverse_type, STR("types"), &row);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (!row.n || !row.p[0]) return ERR_OK;
	*changed = true;
	for (size_t i = 0; i < types->n && !(e && e != ERR_NOT_FOUND); i++)
		e = drop_place(t, types->type[i].number);
	return e;
}

enum err reverse_types_set(struct store_txn *t, struct arena *a, const char *const *wanted, size_t wanted_n,
			   bool *ret_work)
{
	struct reverse_types types;
	bool changed = false, empty = false, work = false;
	enum err e = read_copy(t, a, &types);
	if (!e) e = no_records(t, &empty);
	if (!e) e = take_over(t, &types, &changed);
	if (!e) e = settle(t, wanted, wanted_n, &types, &changed);
	for (size_t i = 0; i < wanted_n && !e; i++) {
		struct str name = str_of(wanted[i]);
		if (!name.n || name.n > RECORD_TYPE_MAX) e = ERR_TOO_LARGE;
		if (e || reverse_type_find(&types, name)) continue;
		e = add_wanted(a, name, empty, &types);
		changed = true;
	}
	if (!e && changed) e = write_types(t, &types);
	for (size_t i = 0; i < types.n; i++) work |= types.type[i].state != REVERSE_READY;
	if (!e) *ret_work = work;
	return e;
}

enum err reverse_types_rebuild(struct store_txn *t, struct arena *a, struct str type)
{
	struct reverse_types types;
	bool any = false;
	enum err e = read_copy(t, a, &types);
	for (size_t i = 0; i < types.n && !e; i++) {
		struct reverse_type *one = &types.type[i];
		if (!noted(one->state) || (type.n && !str_eq_nocase(one->name, type))) continue;
		one->state = REVERSE_CLEARING;
		any = true;
		e = drop_place(t, one->number);
	}
	if (!e && !any) {
		const struct reverse_type *there = type.n ? reverse_type_find(&types, type) : NULL;
		bool under_way =
		    there && (there->state == REVERSE_CLEARING || there->state == REVERSE_LOADING);
		return under_way ? ERR_OK : ERR_NOT_FOUND;
	}
	return e ? e : write_types(t, &types);
}

enum err reverse_type_move(struct store_txn *t, struct arena *a, unsigned char number,
			   enum reverse_state to)
{
	struct reverse_types types;
	size_t kept = 0;
	enum err e = read_copy(t, a, &types);
	for (size_t i = 0; i < types.n; i++) {
		if (types.type[i].number == number) types.type[i].state = to;
		if (types.type[i].state) types.type[kept++] = types.type[i];
	}
	types.n = kept;
	if (!e) e = drop_place(t, number);
	return e ? e : write_types(t, &types);
}

void reverse_types_only(struct reverse_types *types, enum reverse_state s)
{
	struct reverse_types all = *types;
	types->n = 0;
	memset(types->lengths, 0, sizeof types->lengths);
	for (size_t i = 0; i < all.n; i++)
		if (all.type[i].state == s) must(!add(types, &all.type[i]));
}

enum err reverse_types_shift(struct store_txn *t, struct arena *a, enum reverse_state from,
			     enum reverse_state to)
{
	struct reverse_types types;
	bool any = false;
	enum err e = read_copy(t, a, &types);
	for (size_t i = 0; i < types.n && !e; i++) {
		if (types.type[i].state != from) continue;
		types.type[i].state = to;
		any = true;
		e = drop_place(t, types.type[i].number);
	}
	return e || !any ? e : write_types(t, &types);
}

enum err reverse_types_load(struct store_txn *t, struct arena *a, uint64_t records)
{
	struct reverse_types types;
	bool ready = false;
	enum err e = reverse_types_read(t, &types);
	for (size_t i = 0; i < types.n; i++) ready |= types.type[i].state == REVERSE_READY;
	if (e || !ready || store_count(t, RS_TABLE_record) > records) return e;
	return reverse_types_shift(t, a, REVERSE_READY, REVERSE_LOADING);
}

/* ---- places ----------------------------------------------------------------------------- */

enum err reverse_place_read(struct store_txn *t, unsigned char number, struct reverse_place *ret)
{
	struct str row;
	*ret = (struct reverse_place){.after = STR_NONE};
	enum err e = store_get(t, RS_TABLE_reverse_type, str_n(&number, 1), &row);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (row.n <= PLACE_HEAD) return ERR_CORRUPT;
	*ret = (struct reverse_place){str_skip(row, PLACE_HEAD), store_u64(str_first(row, PLACE_HEAD))};
	return ERR_OK;
}

enum err reverse_place_write(struct store_txn *t, unsigned char number, const struct reverse_place *p)
{
	unsigned char row[PLACE_HEAD + STORE_KEY_MAX];
	must(p->after.n && p->after.n <= STORE_KEY_MAX);
	store_key_u64(row, p->records);
	memcpy(row + PLACE_HEAD, p->after.p, p->after.n);
	return store_put(t, RS_TABLE_reverse_type, str_n(&number, 1), str_n(row, PLACE_HEAD + p->after.n));
}
