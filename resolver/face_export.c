/* GET /exports?prefix=P&format=csv|ndjson|protobuf&status=active|retired|all&series=yes|no|only: every
 * series and then every record under a prefix, in order of the keys, as a stream that POST /imports takes
 * (proto/bulk).
 *
 * Consistency. An export reads one snapshot for EXPORT_SNAPSHOT at most, for an old one keeps pages of the
 * store from being used again and its map from growing. Then it goes on behind its last record in a newer
 * one, and leaves out what was registered after the export began (the record's leaf in the ledger tells).
 * So what takes less than EXPORT_SNAPSHOT, some hundred thousand records to a client that keeps up, is one
 * snapshot; in a longer one a record that was replaced meanwhile stands as it is now, and one that was
 * retired is missing. Values that nobody may read are left out, and retired identifiers unless the query
 * wants them: then each record tells its status, and an import makes a tombstone of it. A series counts as
 * one record, without the records of their own that members have, which follow.
 *
 * Columns of CSV: those that the query names (columns=1:URL,2:DESC), else those of the first EXPORT_LOOK
 * records; what does not fit stands in the column `values`.
 * Where there is a series, a column `pattern` comes last. */
#include <stdio.h>
#include <stdlib.h>

#include "base/ledger.h"
#include "proto/bulk/bulk.h"
#include "resolver/face.h"
#include "resolver/registry.h"
#include "resolver/series.h"

enum {
	EXPORT_SHARD_MAX = 8, /* at once on a shard: each holds a reader's slot of the store */
	EXPORT_SLICE = 64,    /* records at once: some hundred microseconds on the loop */
	EXPORT_SLICE_OCTETS = 64 << 10,
	EXPORT_SLICES = 4, /* that give nothing, all of them retired, before others have their turn */
	EXPORT_LOOK = 256, /* records looked at for columns */
	EXPORT_COLUMNS = 64,
	EXPORT_LOOK_SERIES =
	    2000, /* rows looked at for a series under the prefix: after so many, there may be one */
	OUT_MAX = 16 << 20, /* a slice, its last record 256 KiB with every octet escaped */
	SCRATCH = 64 << 20,
	OWN = 1 << 20,
	ONLY_ACTIVE = 1 << RECORD_ACTIVE,
};
#define EXPORT_SNAPSHOT (2 * USEC_PER_SEC)

struct export
{
	struct net_source source;
	struct rs_shard *shard;
	struct net_req *req;
	struct arena *arena, *scratch;
	enum bulk_form form;
	struct bulk_columns columns;
	struct str prefix;
	unsigned statuses;        /* a bit for each that is wanted */
	bool series, records;     /* which are wanted */
	bool in_series;           /* they come first */
	char last[STORE_KEY_MAX]; /* key of the record given last, or of the row of a series */
	size_t last_n;
	usec_t began;
	uint64_t leaves; /* of the ledger when it began */
	struct store_txn *txn;
	bool live, whole; /* it holds a snapshot; all was read */
	struct net_timer *timer, *next_turn;
	struct buf out;
	size_t out_at;
	/* of a slice */
	size_t left;
	uint64_t given;
	enum err err;
};

static void export_free(struct export *x)
{
	net_timer_stop(x->timer);
	net_timer_stop(x->next_turn);
	if (x->txn) store_read_end(x->txn);
	buf_done(&x->out);
	arena_free(x->scratch);
	arena_free(x->arena);
	x->shard->exports_n--;
	free(x);
}

/* ---- snapshots -------------------------------------------------------------------------- */

static void let_go(void *arg)
{
	struct export *x = arg;
	x->timer = NULL;
	if (x->live) store_read_reset(x->txn);
	x->live = false;
}

static enum err take_hold(struct export *x)
{
	if (x->live) return ERR_OK;
	enum err e = store_read_renew(x->txn);
	if (e) return e;
	x->live = true;
	x->timer = net_timer_start(x->shard->net, EXPORT_SNAPSHOT, let_go, x);
	return x->timer ? ERR_OK : ERR_NO_MEMORY;
}

/* ---- slices ----------------------------------------------------------------------------- */

static bool in_export(const struct export *x, const struct record_head *h, uint64_t leaf)
{
	return x->statuses >> h->status & 1 && (leaf < x->leaves || h->revision > 1);
}

static bool put_record(void *arg, struct str key, struct str packed)
{
	struct export *x = arg;
	struct record_head head;
	if (!x->left) return false;
	x->left--;
	x->err = record_peek(packed, &head);
	if (!x->err && in_export(x, &head, registry_leaf(packed))) {
		x->err = bulk_write(x->scratch, x->form, &x->columns, packed, &x->out);
		arena_reset(x->scratch);
		x->given++;
	}
	if (!x->err) x->err = buf_err(&x->out);
	memcpy(x->last, key.p, key.n);
	x->last_n = key.n;
	return !x->err && x->out.n < EXPORT_SLICE_OCTETS;
}

/* A split makes rows anew: the time tells what was there. */
static bool put_series(void *arg, const struct series *s, bool under)
{
	struct export *x = arg;
	struct record_head head;
	if (!x->left) return false;
	x->left--;
	x->err = record_peek(s->packed, &head);
	if (!x->err && under && x->statuses >> head.status & 1 && head.created <= x->began) {
		x->err = bulk_write_series(x->scratch, x->form, &x->columns, s->packed, &x->out);
		arena_reset(x->scratch);
		x->given++;
	}
	if (!x->err) x->err = buf_err(&x->out);
	memcpy(x->last, s->key.p, s->key.n);
	x->last_n = s->key.n;
	return !x->err && x->out.n < EXPORT_SLICE_OCTETS;
}

static enum err read_slice(struct export *x)
{
	buf_clear(&x->out);
	x->out_at = 0;
	x->left = EXPORT_SLICE;
	x->given = 0;
	enum err e = take_hold(x);
	struct str after = str_n(x->last, x->last_n);
	if (!e)
		e = x->in_series ? series_list(x->txn, x->prefix, after, put_series, x)
				 : registry_list(x->txn, x->prefix, after, put_record, x);
	if (!e) e = x->err;
	rs__count(&x->shard->counters.export_records, x->given);
	/* the list ended by itself */
	bool over = !e && x->left && x->out.n < EXPORT_SLICE_OCTETS;
	x->whole = over && !(x->in_series && x->records);
	if (over && x->in_series) {
		x->in_series = false;
		x->last_n = 0;
	}
	return e;
}

static void go_on(void *arg)
{
	struct export *x = arg;
	x->next_turn = NULL;
	net_resume(x->req);
}

static enum err pull(struct net_source *s, char *out, size_t room, size_t *ret_n, bool *ret_end)
{
	struct export *x = (struct export *)(void *)s;
	enum err e = ERR_OK;
	for (int i = 0; i < EXPORT_SLICES && x->out_at == x->out.n && !x->whole && !e; i++)
		e = read_slice(x);
	if (e) return e;
	if (x->out_at == x->out.n && !x->whole) {
		x->next_turn = net_timer_start(x->shard->net, 0, go_on, x);
		return x->next_turn ? ERR_OK : ERR_NO_MEMORY;
	}
	size_t n = x->out.n - x->out_at < room ? x->out.n - x->out_at : room;
	if (n) memcpy(out, x->out.p + x->out_at, n);
	x->out_at += n;
	*ret_n = n;
	*ret_end = x->whole && x->out_at == x->out.n;
	return ERR_OK;
}

static void gone(struct net_source *s)
{
	export_free((struct export *)(void *)s);
}

/* ---- columns ---------------------------------------------------------------------------- */

static bool has_column(const struct bulk_columns *c, const struct value *v)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->all[i].kind == BULK_VALUE && c->all[i].index == v->index) return true;
	return false;
}

struct look {
	struct export *x;
	size_t left;
};

/* Types that the record's values have and no column yet. */
static bool look_at(void *arg, struct str key, struct str packed)
{
	struct look *l = arg;
	struct bulk_columns *c = &l->x->columns;
	struct value v;
	(void)key;
	while (!record_next_value(&packed, &v)) {
		if (c->n == EXPORT_COLUMNS || has_column(c, &v) || !bulk_plain(&v)) continue;
		struct str type = arena_dup(l->x->arena, v.type);
		if (type.p) c->all[c->n++] = (struct bulk_column){BULK_VALUE, v.index, type};
	}
	return --l->left > 0;
}

struct any {
	size_t left;
	bool found;
};

static bool look_for_series(void *arg, const struct series *s, bool under)
{
	struct any *a = arg;
	(void)s;
	a->found = under || !--a->left;
	return !a->found;
}

static enum err any_series(const struct export *x, bool *ret)
{
	struct any a = {.left = EXPORT_LOOK_SERIES};
	enum err e = x->series ? series_list(x->txn, x->prefix, STR_NONE, look_for_series, &a) : ERR_OK;
	*ret = a.found;
	return e;
}

static int by_index(const void *a, const void *b)
{
	const struct bulk_column *x = a, *y = b;
	return (x->index > y->index) - (x->index < y->index);
}

static enum err choose_columns(struct export *x, bool series)
{
	struct bulk_columns *c = &x->columns;
	struct look l = {x, EXPORT_LOOK};
	c->all = ARENA_ARRAY(x->arena, struct bulk_column, EXPORT_COLUMNS + 6);
	if (!c->all) return ERR_NO_MEMORY;
	c->all[c->n++] = (struct bulk_column){.kind = BULK_ID};
	enum err e = registry_list(x->txn, x->prefix, STR_NONE, look_at, &l);
	if (e) return e;
	qsort(c->all + 1, c->n - 1, sizeof *c->all, by_index);
	c->all[c->n++] = (struct bulk_column){.kind = BULK_TTL};
	c->all[c->n++] = (struct bulk_column){.kind = BULK_TIMESTAMP};
	c->all[c->n++] = (struct bulk_column){.kind = BULK_VALUES};
	if (x->statuses != ONLY_ACTIVE) c->all[c->n++] = (struct bulk_column){.kind = BULK_STATUS};
	if (series) c->all[c->n++] = (struct bulk_column){.kind = BULK_PATTERN};
	return ERR_OK;
}

/* "1:URL,2:DESC": as the header says them, between what stands there always. */
static enum err named_columns(struct export *x, struct str text, bool series, struct flaw *f)
{
	struct str header =
	    arena_printf(x->arena, "id,%.*s,ttl,timestamp,values%s%s", STR_ARG(text),
			 x->statuses != ONLY_ACTIVE ? ",record-status" : "", series ? ",pattern" : "");
	enum err e = header.p ? bulk_columns_parse(x->arena, header, f, &x->columns) : ERR_NO_MEMORY;
	if (e && f->err == e) snprintf(f->at, sizeof f->at, "columns");
	return e;
}

/* ---- the request ------------------------------------------------------------------------ */

static enum err read_series(struct net_req *r, struct export *x, struct flaw *f)
{
	struct str text;
	if (!net_query(r, "series", &text)) text = STR("yes");
	if (!str_is(text, "yes") && !str_is(text, "no") && !str_is(text, "only"))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "series", "series",
				"series is one of yes, no, only");
	x->series = x->in_series = !str_is(text, "no");
	x->records = !str_is(text, "only");
	return ERR_OK;
}

static enum err read_question(struct net_req *r, struct export *x, struct flaw *f,
			      struct id_prefix *ret_prefix)
{
	struct scope scope;
	struct str text;
	if (!net_query(r, "prefix", &text) || !text.n)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "prefix", "required",
				"the query parameter prefix is missing");
	enum err e = id_prefix_parse(x->arena, text, f, ret_prefix);
	if (!e) e = face_scope(r, &scope);
	if (e) return e;
	if (!scope_covers(&scope, ret_prefix->key))
		return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "scope",
				"the credential's scope does not cover this");
	x->prefix = ret_prefix->key;
	x->form = BULK_NDJSON;
	if (net_query(r, "format", &text) && bulk_form_find(text, &x->form))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "format", "format",
				"the format is one of csv, ndjson, protobuf");
	x->statuses = ONLY_ACTIVE;
	if (!net_query(r, "status", &text) || str_is(text, "active")) return ERR_OK;
	if (!str_is(text, "retired") && !str_is(text, "all"))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "status", "status",
				"the status is one of active, retired, all");
	x->statuses = 1U << RECORD_RETIRED | (str_is(text, "all") ? ONLY_ACTIVE : 0U);
	return ERR_OK;
}

static bool one_is_enough(void *arg, struct str key, struct str packed)
{
	bool *found = arg;
	(void)key;
	(void)packed;
	*found = true;
	return false;
}

/* Nothing under a prefix that is another node's is no answer; what is there is given, for the node may have
 * been responsible for it. */
static enum err check_prefix(const struct export *x, const struct id_prefix *prefix, struct flaw *f)
{
	struct flaw foreign;
	bool found = false, series = false;
	if (!face_check_ours(x->shard->rs, prefix, &foreign)) return ERR_OK;
	enum err e = registry_list(x->txn, prefix->key, STR_NONE, one_is_enough, &found);
	if (!e && !found) e = any_series(x, &series);
	return e || found || series ? e : face_check_ours(x->shard->rs, prefix, f);
}

static enum err prepare(struct net_req *r, struct export *x, struct flaw *f)
{
	struct id_prefix prefix;
	struct str columns;
	enum err e = read_question(r, x, f, &prefix);
	if (!e) e = read_series(r, x, f);
	if (e) return e;
	e = store_read(x->shard->rs->o.store, &x->txn);
	if (e) return e;
	x->live = true;
	e = check_prefix(x, &prefix, f);
	if (e) return e;
	x->leaves = ledger_size(x->txn);
	x->timer = net_timer_start(r->shard, EXPORT_SNAPSHOT, let_go, x);
	if (!x->timer) return ERR_NO_MEMORY;
	x->began = clock_wall();
	if (x->form != BULK_CSV) return ERR_OK;
	bool series;
	e = any_series(x, &series);
	if (e) return e;
	e = net_query(r, "columns", &columns) && columns.n ? named_columns(x, columns, series, f)
							   : choose_columns(x, series);
	if (!e) bulk_write_header(&x->columns, &x->out);
	return e;
}

static struct export *export_new(struct net_req *r)
{
	struct export *x = calloc(1, sizeof *x);
	if (!x) return NULL;
	x->source = (struct net_source){pull, gone};
	x->shard = rs__shard(r);
	x->req = r;
	x->shard->exports_n++;
	buf_init(&x->out, OUT_MAX);
	x->arena = arena_new(OWN);
	x->scratch = arena_new(SCRATCH);
	if (x->arena && x->scratch) return x;
	export_free(x);
	return NULL;
}

static void get_export(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	if (rs__shard(r)->exports_n >= EXPORT_SHARD_MAX) {
		flaw_set(&f, ERR_QUOTA, FLAW_NO_OFFSET, "", "exports-running", "%d exports run already",
			 EXPORT_SHARD_MAX);
		net_reply_flaw(r, &f);
		return;
	}
	struct export *x = export_new(r);
	enum err e = x ? prepare(r, x, &f) : ERR_NO_MEMORY;
	if (e) {
		net_reply_err(r, e, &f);
		if (x) export_free(x);
		return;
	}
	net_set(r, "cache-control", STR("no-store"));
	net_reply_stream(r, 200, bulk_form_media(x->form), UINT64_MAX, &x->source);
}

enum { READERS = ROLE_REGISTRAR | ROLE_ENTERPRISE | ROLE_AUDITOR };

const struct net_route face_export_rows[] = {
    {NET_GET, "/exports", get_export, READERS, 0, 0, "all series and records under a prefix, as a stream"},
};
const size_t face_export_rows_n = sizeof face_export_rows / sizeof *face_export_rows;
