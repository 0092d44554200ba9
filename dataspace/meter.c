#include "dataspace/meter.h"

enum { METER_FORMAT = 1 };

bool meter_settled(const Ds__Usage *u)
{
	return u->settlement != DS__SETTLEMENT__SETTLEMENT_OPEN;
}

/* ---- rows ---- */

static void spans_load(struct spans *s, Ds__Span *const *rows, size_t n)
{
	s->n = 0;
	for (size_t i = 0; i < n; i++) (void)spans_add(s, rows[i]->from, rows[i]->to);
}

static enum err spans_store(struct arena *a, const struct spans *s, Ds__Span ***ret, size_t *ret_n)
{
	Ds__Span **rows = ARENA_ARRAY(a, Ds__Span *, s->n + 1);
	Ds__Span *all = ARENA_ARRAY(a, Ds__Span, s->n + 1);

	if (!rows || !all) return ERR_NO_MEMORY;
	for (size_t i = 0; i < s->n; i++) {
		ds__span__init(&all[i]);
		all[i].from = s->s[i].from;
		all[i].to = s->s[i].to;
		rows[i] = &all[i];
	}
	*ret = rows;
	*ret_n = s->n;
	return ERR_OK;
}

static enum err use_new(struct arena *a, struct str agreement, struct str pid, Ds__Side side,
			Ds__Usage **ret)
{
	Ds__Usage *u = ARENA_NEW(a, Ds__Usage);

	if (!u) return ERR_NO_MEMORY;
	ds__usage__init(u);
	u->format = METER_FORMAT;
	u->agreement = arena_strdup(a, agreement);
	u->pid = arena_strdup(a, pid);
	u->side = side;
	*ret = u;
	return u->agreement && u->pid ? ERR_OK : ERR_NO_MEMORY;
}

enum err meter_use_open(struct store_txn *t, struct arena *a, struct str participant, struct str agreement,
			struct str pid, Ds__Side side, struct meter_use *ret)
{
	struct ds_key k = ds_key(participant, agreement, pid);
	ProtobufCMessage *m;
	Ds__Usage *row;
	enum err e = ds_row_get(t, DS_TABLE_usage, &k, a, &ds__usage__descriptor, &m);

	if (e && e != ERR_NOT_FOUND) return e;
	if (!e)
		row = (Ds__Usage *)m;
	else if ((e = use_new(a, agreement, pid, side, &row)))
		return e;
	ret->row = row;
	ret->arena = a;
	spans_load(&ret->granted, row->granted, row->n_granted);
	spans_load(&ret->sent, row->sent, row->n_sent);
	ret->before = *row;
	return ERR_OK;
}

enum err meter_find(struct store_txn *t, struct arena *a, struct str participant, struct str agreement,
		    Ds__Meter **ret)
{
	struct ds_key k = ds_key(participant, agreement, STR_NONE);
	ProtobufCMessage *msg;
	enum err e = ds_row_get(t, DS_TABLE_meter, &k, a, &ds__meter__descriptor, &msg);
	Ds__Meter *m;

	if (!e) *ret = (Ds__Meter *)msg;
	if (e != ERR_NOT_FOUND) return e;
	m = ARENA_NEW(a, Ds__Meter);
	if (!m) return ERR_NO_MEMORY;
	ds__meter__init(m);
	m->format = METER_FORMAT;
	m->agreement = arena_strdup(a, agreement);
	if (!m->agreement) return ERR_NO_MEMORY;
	*ret = m;
	return ERR_OK;
}

/* What a row adds to the sums. */
static void sums_add(Ds__Meter *m, const Ds__Usage *u, uint64_t granted, uint64_t sign)
{
	bool settled = meter_settled(u);

	m->granted += sign * (settled ? u->octets : granted);
	if (!u->counted) return;
	m->transfers += sign;
	m->requests += sign * u->requests;
	m->octets += sign * u->octets;
	m->open += sign * (!settled || u->settlement == DS__SETTLEMENT__SETTLEMENT_STATED);
	m->disputed += sign * (u->settlement == DS__SETTLEMENT__SETTLEMENT_DISPUTED);
	m->lone += sign * (u->settlement == DS__SETTLEMENT__SETTLEMENT_LONE);
	if (!settled) return;
	m->settled_transfers += sign;
	m->settled_requests += sign * u->requests;
	m->settled_octets += sign * u->octets;
}

static enum err open_index(struct writer_txn *t, struct str participant, const Ds__Usage *u)
{
	struct ds_key k = ds_key(participant, str_of(u->pid), STR_NONE);
	enum err e;

	if (!meter_settled(u))
		return store_put(t->store, DS_TABLE_usage_open, ds_key_str(&k), str_of(u->agreement));
	e = store_del(t->store, DS_TABLE_usage_open, ds_key_str(&k));
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err meter_use_close(struct writer_txn *t, struct str participant, struct meter_use *u)
{
	Ds__Usage *row = u->row;
	struct ds_key k = ds_key(participant, str_of(row->agreement), str_of(row->pid));
	struct ds_key mk = ds_key(participant, str_of(row->agreement), STR_NONE);
	struct spans granted_before;
	Ds__Meter *m;
	enum err e = meter_find(t->store, u->arena, participant, str_of(row->agreement), &m);

	if (e) return e;
	spans_load(&granted_before, u->before.granted, u->before.n_granted);
	if (!row->first) row->first = t->now;
	row->last = t->now;
	e = spans_store(u->arena, &u->granted, &row->granted, &row->n_granted);
	if (!e) e = spans_store(u->arena, &u->sent, &row->sent, &row->n_sent);
	if (!e) e = ds_row_put(t, DS_TABLE_usage, &k, &row->base);
	if (!e && (!u->before.first || meter_settled(row) != meter_settled(&u->before)))
		e = open_index(t, participant, row);
	if (e) return e;
	sums_add(m, &u->before, spans_total(&granted_before), UINT64_MAX); /* minus one */
	sums_add(m, row, spans_total(&u->granted), 1);
	if (row->sequence > m->sequence) m->sequence = row->sequence;
	if (!m->first) m->first = t->now;
	m->last = t->now;
	return ds_row_put(t, DS_TABLE_meter, &mk, &m->base);
}

/* ---- walking ---- */

enum err meter_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
		    meter_fn *fn, void *arg)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	ProtobufCMessage *m;
	enum err e = ds_row_scan_open(&scan, t, DS_TABLE_meter, &k, after);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = ds_row_unpack(value, a, &ds__meter__descriptor, &m);
		if (!e) e = fn(arg, (const Ds__Meter *)m);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err meter_use_each(struct store_txn *t, struct arena *a, struct str participant, struct str agreement,
			meter_use_fn *fn, void *arg)
{
	struct ds_key k = ds_key(participant, agreement, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	ProtobufCMessage *m;
	enum err e = ds_row_scan_open(&scan, t, DS_TABLE_usage, &k, STR_NONE);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = ds_row_unpack(value, a, &ds__usage__descriptor, &m);
		if (!e) e = fn(arg, (const Ds__Usage *)m);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static bool key_part(struct str *key, struct str *ret)
{
	size_t n = str_find(*key, '\0');

	if (n == key->n) return false;
	*ret = str_first(*key, n);
	*key = str_skip(*key, n + 1);
	return true;
}

enum err meter_each_open(struct store_txn *t, struct arena *a, meter_open_fn *fn, void *arg)
{
	struct store_cursor *c;
	struct str key, value, participant, pid;
	enum err e = store_cursor_open(t, DS_TABLE_usage_open, &c);

	if (e) return e;
	for (e = store_cursor_seek(c, STR_NONE, &key, &value); !e; e = store_cursor_next(c, &key, &value)) {
		if (!key_part(&key, &participant) || !key_part(&key, &pid))
			e = ERR_CORRUPT;
		else
			e = fn(arg, arena_dup(a, participant), arena_dup(a, pid), arena_dup(a, value));
		if (!e && arena_overflowed(a)) e = ERR_NO_MEMORY;
		if (e) break;
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- provider ---- */

enum err meter_request(struct meter_use *u, uint64_t number, uint64_t from, struct flaw *f)
{
	Ds__Usage *row = u->row;

	if (number > row->requests + 1)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "kanhe-request", "sequence",
				"request %llu follows request %llu", (unsigned long long)number,
				(unsigned long long)row->requests);
	row->counted = true;
	if (!number) {
		row->requests++;
		return ERR_OK;
	}
	row->numbered = true;
	if (number > row->requests) row->requests = number;
	/* it has what comes before, as far as we have given it */
	if (from > row->octets) {
		uint64_t had = from - spans_missing(&u->granted, 0, from);

		if (had > row->octets) row->octets = had;
	}
	return ERR_OK;
}

enum err meter_grant(struct meter_use *u, uint64_t from, uint64_t to)
{
	return spans_add(&u->granted, from, to) ? ERR_OK : ERR_QUOTA;
}

void meter_sent(struct meter_use *u, uint64_t from, uint64_t to)
{
	uint64_t total;

	if (meter_settled(u->row) || !spans_add(&u->sent, from, to)) return;
	total = spans_total(&u->sent);
	if (!u->row->numbered && total > u->row->octets) u->row->octets = total;
}

/* ---- consumer ---- */

uint64_t meter_number(struct meter_use *u, uint64_t from, uint64_t on_disk)
{
	Ds__Usage *row = u->row;

	/* more on disk than where the last one began: it was answered, though we fell before saying so */
	bool answered = row->answered || on_disk > row->request_from;

	row->counted = true;
	if (!row->requests || answered) row->requests++;
	row->answered = false;
	row->request_from = from;
	meter_arrived(u, on_disk);
	return row->requests;
}

void meter_arrived(struct meter_use *u, uint64_t on_disk)
{
	if (on_disk > u->row->octets) u->row->octets = on_disk;
}

/* ---- settlement ---- */

void meter_settle(struct meter_use *u, uint64_t requests, uint64_t octets, Ds__Settlement how,
		  uint64_t sequence)
{
	u->row->counted = true;
	u->row->ended = true;
	u->row->requests = requests;
	u->row->octets = octets;
	u->row->settlement = how;
	u->row->sequence = sequence;
}
