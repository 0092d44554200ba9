/* A row of the table statistic: prefix key ‖ be32 day since 1970 → u8 version = 1, then each of STATISTICS
 * as a be64. The key of a prefix without octets is the day alone. */
#include "resolver/statistics.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/wire.h"
#include "resolver/allocation.h"
#include "resolver/registry.h"
#include "resolver/state.h"

enum { ROW_VERSION = 1, ROW = 1 + 8 * STATISTICS_N, DAY = 4, CHUNKS = TALLIES_MAX / TALLY_CHUNK };

struct delta {
	uint32_t place;
	uint64_t n[TALLIES_N];
};

struct taken {
	uint64_t n[TALLIES_N];
};

struct statistics {
	struct taken *chunk[CHUNKS];
	_Atomic uint64_t flushes;
};

/* ---- counting --------------------------------------------------------------------------- */

struct tallies *tallies_new(void)
{
	return calloc(1, sizeof(struct tallies));
}

void tallies_free(struct tallies *t)
{
	if (!t) return;
	for (size_t i = 0; i < CHUNKS; i++) free(atomic_load(&t->chunk[i]));
	free(t);
}

enum err tallies_cover(struct tallies *t, size_t place)
{
	if (place >= TALLIES_MAX) return ERR_TOO_LARGE;
	if (tallies_has(t, place)) return ERR_OK;
	struct tally *c = calloc(TALLY_CHUNK, sizeof *c);
	if (!c) return ERR_NO_MEMORY;
	atomic_store_explicit(&t->chunk[place / TALLY_CHUNK], c, memory_order_release);
	return ERR_OK;
}

/* ---- rows ------------------------------------------------------------------------------- */

static struct str key_of(struct str prefix, uint32_t day, char k[STORE_KEY_MAX])
{
	struct wire w = wire_writer(k, STORE_KEY_MAX);
	wire_put(&w, prefix);
	wire_put_u32(&w, day);
	must(wire_ok(&w));
	return wire_str(&w);
}

static enum err row_parse(struct str row, uint64_t ret[STATISTICS_N])
{
	struct wire w = wire_reader(row);
	if (wire_u8(&w) != ROW_VERSION) return ERR_CORRUPT;
	for (int i = 0; i < STATISTICS_N; i++) ret[i] = wire_u64(&w);
	return wire_ok(&w) && !wire_left(&w) ? ERR_OK : ERR_CORRUPT;
}

static enum err add_row(struct writer_txn *t, struct str prefix, const uint64_t more[STATISTICS_N])
{
	uint64_t n[STATISTICS_N] = {0};
	char k[STORE_KEY_MAX], octets[ROW];
	struct str row, key = key_of(prefix, (uint32_t)(t->now / USEC_PER_DAY), k);
	enum err e = store_get(t->store, RS_TABLE_statistic, key, &row);
	if (!e) e = row_parse(row, n);
	if (e && e != ERR_NOT_FOUND) return e;
	struct wire w = wire_writer(octets, sizeof octets);
	wire_put_u8(&w, ROW_VERSION);
	for (int i = 0; i < STATISTICS_N; i++) wire_put_u64(&w, n[i] + more[i]);
	must(wire_ok(&w) && !wire_left(&w));
	return store_put(t->store, RS_TABLE_statistic, key, wire_str(&w));
}

enum err statistics_read(struct store_txn *t, struct str prefix, uint32_t from, uint32_t to,
			 statistics_fn *fn, void *arg)
{
	struct store_cursor *c;
	struct str key, row;
	uint64_t n[STATISTICS_N];
	char k[STORE_KEY_MAX], last[STORE_KEY_MAX];
	struct str end = key_of(prefix, to, last);
	enum err e = store_cursor_open(t, RS_TABLE_statistic, &c), stop = ERR_OK;
	if (e) return e;
	for (e = store_cursor_seek(c, key_of(prefix, from, k), &key, &row);
	     !e && !stop && str_cmp(key, end) <= 0; e = store_cursor_next(c, &key, &row)) {
		/* keys of longer prefixes may stand between */
		if (key.n != prefix.n + DAY) continue;
		struct wire w = wire_reader(str_skip(key, prefix.n));
		stop = row_parse(row, n);
		if (!stop) stop = fn(arg, wire_u32(&w), n);
	}
	store_cursor_close(c);
	return stop ? stop : e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- registrations ---------------------------------------------------------------------- */

static void count_change(const struct registry_change *c, uint64_t n[STATISTICS_N])
{
	if (c->unchanged) return;
	if (c->act == REGISTRY_RETIRE)
		n[STATISTIC_retired]++;
	else if (c->created)
		n[STATISTIC_registered]++;
	else
		n[STATISTIC_replaced]++;
}

/* Sums of neighbours with one prefix. */
struct run {
	struct str prefix;
	uint64_t n[STATISTICS_N];
};

static bool same(struct str a, struct str b)
{
	return a.n == b.n && (a.p == b.p || str_eq(a, b));
}

static enum err end_run(struct run *r, struct writer_txn *t)
{
	bool any = false;
	for (int i = 0; i < STATISTICS_N; i++) any |= r->n[i] != 0;
	return any ? add_row(t, r->prefix, r->n) : ERR_OK;
}

static enum err add_to_run(struct run *r, struct writer_txn *t, struct str prefix,
			   const struct registry_change *c)
{
	enum err e = ERR_OK;
	if (!prefix.n) return ERR_OK;
	if (!same(prefix, r->prefix)) {
		e = end_run(r, t);
		*r = (struct run){.prefix = prefix};
	}
	count_change(c, r->n);
	return e;
}

/* Changes stand in order of key: one row for each run of the same prefix. */
enum err statistics_registered(const struct registry_set *s, struct writer_txn *t)
{
	struct run authority = {.prefix = STR_NONE}, allocation = {.prefix = STR_NONE};
	enum err e = ERR_OK;
	for (size_t i = 0; i < s->n && !e; i++) {
		const struct registry_change *c = &s->changes[i];
		e = add_to_run(&authority, t, c->authority, c);
		/* one that is all of the authority has its row already */
		if (!e && c->allocation.n > c->authority.n)
			e = add_to_run(&allocation, t, c->allocation, c);
	}
	if (!e) e = end_run(&authority, t);
	return e ? e : end_run(&allocation, t);
}

/* ---- resolutions ------------------------------------------------------------------------ */

struct statistics *statistics_new(void)
{
	return calloc(1, sizeof(struct statistics));
}

uint64_t statistics_flushes(const struct statistics *s)
{
	return atomic_load_explicit(&s->flushes, memory_order_relaxed);
}

void statistics_free(struct statistics *s)
{
	if (!s) return;
	for (size_t i = 0; i < CHUNKS; i++) free(s->chunk[i]);
	free(s);
}

static bool add_delta(struct flush *f, const struct delta *d)
{
	if (f->n == f->room) {
		size_t room = f->room ? f->room * 2 : 16;
		struct delta *more = realloc(f->deltas, room * sizeof *more);
		if (!more) return false;
		f->deltas = more;
		f->room = room;
	}
	f->deltas[f->n++] = *d;
	return true;
}

/* What all shards counted at one place. */
static void sum_place(struct rs *rs, uint32_t place, uint64_t n[TALLIES_N])
{
	memset(n, 0, TALLIES_N * sizeof *n);
	for (unsigned i = 0; i < atomic_load(&rs->shards_n); i++) {
		struct rs_shard *s = atomic_load(&rs->shards[i]);
		struct tally *c =
		    s ? atomic_load_explicit(&s->tallies->chunk[place / TALLY_CHUNK], memory_order_acquire)
		      : NULL;
		for (int k = 0; c && k < TALLIES_N; k++)
			n[k] += atomic_load_explicit(&c[place % TALLY_CHUNK].n[k], memory_order_relaxed);
	}
}

static bool chunk_used(struct rs *rs, size_t i)
{
	for (unsigned k = 0; k < atomic_load(&rs->shards_n); k++) {
		struct rs_shard *s = atomic_load(&rs->shards[k]);
		if (s && atomic_load_explicit(&s->tallies->chunk[i], memory_order_relaxed)) return true;
	}
	return false;
}

static enum err take_place(struct flush *f, uint32_t place, struct taken *was)
{
	struct delta d = {.place = place};
	uint64_t now[TALLIES_N];
	bool any = false;
	sum_place(f->rs, place, now);
	for (int k = 0; k < TALLIES_N; k++) any |= (d.n[k] = now[k] - was->n[k]) != 0;
	if (!any) return ERR_OK;
	if (!add_delta(f, &d)) return ERR_NO_MEMORY;
	memcpy(was->n, now, sizeof now);
	return ERR_OK;
}

/* The first run of a command takes; when it is applied again it has what it took. */
static enum err take(struct flush *f)
{
	struct statistics *st = f->rs->statistics;
	if (f->taken) return ERR_OK;
	f->taken = true;
	for (size_t i = 0; i < CHUNKS; i++) {
		if (!chunk_used(f->rs, i)) continue;
		if (!st->chunk[i]) st->chunk[i] = calloc(TALLY_CHUNK, sizeof *st->chunk[i]);
		if (!st->chunk[i]) return ERR_NO_MEMORY;
		for (size_t k = 0; k < TALLY_CHUNK; k++) {
			enum err e = take_place(f, (uint32_t)(i * TALLY_CHUNK + k), &st->chunk[i][k]);
			if (e) return e;
		}
	}
	return ERR_OK;
}

struct spreading {
	const struct flush *f;
	struct writer_txn *txn;
	uint64_t (*ours)[TALLIES_N]; /* other, then each prefix of ours */
};

static int by_place(const void *key, const void *row)
{
	uint32_t a = *(const uint32_t *)key, b = ((const struct delta *)row)->place;
	return (a > b) - (a < b);
}

static const struct delta *delta_of(const struct flush *f, uint32_t place)
{
	return f->n ? bsearch(&place, f->deltas, f->n, sizeof *f->deltas, by_place) : NULL;
}

static enum err add_tallies(struct writer_txn *t, struct str prefix, const uint64_t n[TALLIES_N])
{
	uint64_t row[STATISTICS_N] = {0};
	bool any = false;
	for (int k = 0; k < TALLIES_N; k++) any |= (row[STATISTIC_records + k] = n[k]) != 0;
	return any ? add_row(t, prefix, row) : ERR_OK;
}

/* An enterprise's share, in its own row and in that of the prefix of ours it lies under. */
static enum err spread_allocated(void *arg, const struct allocation *x)
{
	struct spreading *s = arg;
	const struct rs *rs = s->f->rs;
	const struct delta *d =
	    x->slot < TALLIES_MAX - TALLY_ALLOCATED ? delta_of(s->f, TALLY_ALLOCATED + x->slot) : NULL;
	if (!d) return ERR_OK;
	const struct id_prefix *above = allocation_authority(rs->ours, rs->o.authority_n, x->prefix);
	size_t place = above ? TALLY_OURS + (size_t)(above - rs->ours) : TALLY_OTHER;
	for (int k = 0; k < TALLIES_N; k++) s->ours[place][k] += d->n[k];
	bool whole = above && above->key.n == x->prefix.n; /* its row is that of the prefix of ours */
	return whole ? ERR_OK : add_tallies(s->txn, x->prefix, d->n);
}

enum err flush_take(struct flush *f, struct writer_txn *t)
{
	const struct rs *rs = f->rs;
	struct spreading s = {.f = f, .txn = t, .ours = calloc(TALLY_ALLOCATED, sizeof *s.ours)};
	enum err e = s.ours ? take(f) : ERR_NO_MEMORY;
	for (size_t i = 0; !e && i < f->n && f->deltas[i].place < TALLY_ALLOCATED; i++)
		memcpy(s.ours[f->deltas[i].place], f->deltas[i].n, sizeof f->deltas[i].n);
	if (!e && f->n && f->deltas[f->n - 1].place >= TALLY_ALLOCATED)
		e = allocation_each(t->store, spread_allocated, &s);
	if (!e) e = add_tallies(t, STR(""), s.ours[TALLY_OTHER]);
	for (size_t i = 0; !e && i < rs->o.authority_n; i++)
		e = add_tallies(t, rs->ours[i].key, s.ours[TALLY_OURS + i]);
	free(s.ours);
	return e;
}

void flush_settle(struct flush *f, enum err result)
{
	struct statistics *st = f->rs->statistics;
	if (!result && f->n) atomic_fetch_add_explicit(&st->flushes, 1, memory_order_relaxed);
	for (size_t i = 0; result && i < f->n; i++) {
		struct taken *was =
		    &st->chunk[f->deltas[i].place / TALLY_CHUNK][f->deltas[i].place % TALLY_CHUNK];
		for (int k = 0; k < TALLIES_N; k++) was->n[k] -= f->deltas[i].n[k];
	}
	free(f->deltas);
	f->deltas = NULL;
	f->n = f->room = 0;
	f->taken = false;
}
