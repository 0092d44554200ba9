/* /statistics: what was registered and asked, by prefix and day; and what was asked for most. */
#include <stdlib.h>

#include "base/text64.h"
#include "resolver/allocation.h"
#include "resolver/face_enterprise.h"

enum {
	DAYS_STANDARD = 30,
	DAYS_MAX = 366,
	STATISTICS_ARENA = 1 << 20,
	STATISTICS_OCTETS = 16 << 20,
	PREFIXES_PAGE = 100, /* each has up to 366 rows to sum up */
	TOP_STANDARD = 20,
	TOP_ASKED_MAX = 100,
	TOP_OF_SHARD = TOP_LIST_MAX,
};

struct asking {
	struct job job;
	struct flush flush;
	struct caller caller;
	struct id_prefix prefix; /* empty: all that the caller sees */
	struct str after;        /* of the list of prefixes: key octets */
	bool started;            /* after is set */
	uint64_t limit;
	uint32_t from, to;
};

struct sums {
	uint64_t n[STATISTICS_N];
};

/* ---- writing ---------------------------------------------------------------------------- */

static void put_sums(struct buf *b, const uint64_t n[STATISTICS_N])
{
	uint64_t resolutions = 0, errors = n[STATISTIC_not_found] + n[STATISTIC_gone] + n[STATISTIC_failed];
#define X(name, resolution, help)                                                                          \
	buf_add(b, STR(",\"" #name "\":"));                                                                \
	buf_u64(b, n[STATISTIC_##name]);                                                                   \
	if (resolution) resolutions += n[STATISTIC_##name];
	STATISTICS(X)
#undef X
	buf_add(b, STR(",\"resolutions\":"));
	buf_u64(b, resolutions);
	buf_printf(b, ",\"error_rate\":%.6f", resolutions ? (double)errors / (double)resolutions : 0.0);
}

static void put_day(struct buf *b, const char *name, uint32_t day)
{
	char time[CLOCK_TEXT];
	buf_printf(b, "\"%s\":\"%.10s\"", name, clock_print((usec_t)day * USEC_PER_DAY, false, time));
}

static void put_term(struct buf *b, const struct asking *q)
{
	put_day(b, "from", q->from);
	buf_byte(b, ',');
	put_day(b, "to", q->to);
}

/* ---- which prefixes --------------------------------------------------------------------- */

/* What a caller sees without naming a prefix: an enterprise its own, a desk those of ours in its scope. */
typedef enum err each_fn(void *arg, struct str prefix);

struct walk {
	const struct asking *q;
	each_fn *fn;
	void *arg;
};

static bool in_scope(const struct asking *q, struct str prefix)
{
	return q->caller.scope.all || scope_covers(&q->caller.scope, prefix);
}

static enum err each_allocated(void *arg, const struct allocation *x)
{
	struct walk *w = arg;
	const struct caller *c = &w->q->caller;
	const struct rs *rs = w->q->job.shard->rs;
	const struct id_prefix *above = allocation_authority(rs->ours, rs->o.authority_n, x->prefix);
	if (c->desk ? above && above->key.n == x->prefix.n : !str_eq(c->own, x->code)) return ERR_OK;
	return in_scope(w->q, x->prefix) ? w->fn(w->arg, x->prefix) : ERR_OK;
}

static enum err each_ours(struct asking *q, each_fn *fn, void *arg)
{
	const struct rs *rs = q->job.shard->rs;
	enum err e = ERR_OK;
	for (size_t i = 0; i < rs->o.authority_n && !e && q->caller.desk; i++)
		if (in_scope(q, rs->ours[i].key)) e = fn(arg, rs->ours[i].key);
	return e;
}

static enum err each_enterprise(struct asking *q, each_fn *fn, void *arg)
{
	struct walk w = {q, fn, arg};
	return allocation_each(q->job.shard->txn, each_allocated, &w);
}

/* ---- by day ----------------------------------------------------------------------------- */

struct days {
	struct asking *q;
	struct sums *day; /* from the first one asked for */
	struct sums total;
};

static enum err add_day(void *arg, uint32_t day, const uint64_t n[STATISTICS_N])
{
	struct days *d = arg;
	for (int k = 0; k < STATISTICS_N; k++) {
		if (d->day) d->day[day - d->q->from].n[k] += n[k];
		d->total.n[k] += n[k];
	}
	return ERR_OK;
}

static enum err add_prefix(void *arg, struct str prefix)
{
	struct days *d = arg;
	return statistics_read(d->q->job.shard->txn, prefix, d->q->from, d->q->to, add_day, d);
}

/* Counted are prefixes of ours and of enterprises; others have no row. */
static enum err check_counted(const struct asking *q, struct flaw *f)
{
	const struct rs *rs = q->job.shard->rs;
	struct allocation x;
	for (size_t i = 0; i < rs->o.authority_n; i++)
		if (str_eq(rs->ours[i].key, q->prefix.key)) return ERR_OK;
	enum err e = allocation_find(q->job.shard->txn, q->prefix.key, 0, &x);
	if (!e && x.prefix.n == q->prefix.key.n) return ERR_OK;
	if (e && e != ERR_NOT_FOUND) return e;
	return flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "prefix", "counted",
			"counted are the prefixes of this node and of its enterprises");
}

static enum err sum_up(struct asking *q, struct days *d, struct flaw *f)
{
	enum err e;
	if (q->prefix.key.n) {
		e = check_counted(q, f);
		return e ? e : add_prefix(d, q->prefix.key);
	}
	e = each_ours(q, add_prefix, d);
	if (!e && !q->caller.desk) e = each_enterprise(q, add_prefix, d);
	/* identifiers of others, and what is none */
	if (!e && q->caller.desk && q->caller.scope.all) e = add_prefix(d, STR(""));
	return e;
}

static void answer_days(struct job *j)
{
	struct asking *q = (struct asking *)j;
	struct net_req *r = j->req;
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct buf *b = face_buf(r, STATISTICS_OCTETS);
	struct days d = {.q = q, .day = ARENA_ARRAY(j->arena, struct sums, q->to - q->from + 1)};
	enum err e = b && d.day ? sum_up(q, &d, &f) : ERR_NO_MEMORY;
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	buf_byte(b, '{');
	if (q->prefix.key.n) {
		buf_add(b, STR("\"prefix\":"));
		buf_json(b, q->prefix.text);
		buf_byte(b, ',');
	}
	put_term(b, q);
	buf_add(b, STR(",\"total\":{\"days\":"));
	buf_u64(b, q->to - q->from + 1);
	put_sums(b, d.total.n);
	buf_add(b, STR("},\"days\":["));
	for (uint32_t i = 0, any = 0; i <= q->to - q->from; i++) {
		uint64_t some = 0;
		for (int k = 0; k < STATISTICS_N; k++) some |= d.day[i].n[k];
		if (!some) continue;
		buf_add(b, any++ ? STR(",{") : STR("{"));
		put_day(b, "day", q->from + i);
		put_sums(b, d.day[i].n);
		buf_byte(b, '}');
	}
	buf_add(b, STR("]}"));
	face_answer(r, ERR_OK, NULL, b);
}

/* ---- by prefix -------------------------------------------------------------------------- */

struct page {
	struct asking *q;
	struct str *keys; /* the least limit + 1 behind `after`, in order */
	size_t n;
};

static enum err gather(void *arg, struct str prefix)
{
	struct page *p = arg;
	size_t at = p->n, room = p->q->limit + 1;
	if (p->q->started && str_cmp(prefix, p->q->after) <= 0) return ERR_OK;
	while (at && str_cmp(p->keys[at - 1], prefix) > 0) at--;
	if (at == room) return ERR_OK;
	if (p->n == room) p->n--;
	memmove(p->keys + at + 1, p->keys + at, (p->n - at) * sizeof *p->keys);
	p->keys[at] = prefix;
	p->n++;
	return ERR_OK;
}

static enum err put_prefix(struct asking *q, struct str key, struct buf *b)
{
	struct days d = {.q = q};
	struct id_prefix p;
	enum err e = id_prefix_from_key(q->job.arena, key, NULL, &p);
	if (!e) e = add_prefix(&d, key);
	if (e) return e;
	buf_add(b, STR("{\"prefix\":"));
	buf_json(b, p.text);
	put_sums(b, d.total.n);
	buf_byte(b, '}');
	return buf_err(b);
}

static void answer_prefixes(struct job *j)
{
	struct asking *q = (struct asking *)j;
	struct net_req *r = j->req;
	struct buf *b = face_buf(r, STATISTICS_OCTETS);
	struct page p = {.q = q, .keys = ARENA_ARRAY(j->arena, struct str, q->limit + 2)};
	enum err e = b && p.keys ? each_ours(q, gather, &p) : ERR_NO_MEMORY;
	if (!e) e = each_enterprise(q, gather, &p);
	if (!e) {
		buf_byte(b, '{');
		put_term(b, q);
		buf_add(b, STR(",\"prefixes\":["));
	}
	for (size_t i = 0; !e && i < p.n && i < q->limit; i++) {
		if (i) buf_byte(b, ',');
		e = put_prefix(q, p.keys[i], b);
	}
	if (!e) {
		buf_byte(b, ']');
		if (p.n > q->limit && q->limit) {
			buf_add(b, STR(",\"next\":"));
			buf_json(b, base64url_write(r->arena, p.keys[q->limit - 1]));
		}
		buf_byte(b, '}');
	}
	face_answer(r, e, NULL, b);
}

/* ---- asking ----------------------------------------------------------------------------- */

static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	return flush_take(&((struct asking *)c)->flush, t);
}

/* What could not be written down, for a full disk perhaps, is not in the answer; the rest is. */
static void settled(struct job *j)
{
	flush_settle(&((struct asking *)j)->flush, j->err);
}

static enum err read_day(struct net_req *r, const char *name, struct flaw *f, uint32_t *ret)
{
	struct str text;
	usec_t at;
	if (!net_query(r, name, &text) || !text.n) return ERR_OK;
	if (clock_parse(text, &at) || at < 0 || at / USEC_PER_DAY >= UINT32_MAX)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, name, "date",
				"expected a date such as 2026-11-26");
	*ret = (uint32_t)(at / USEC_PER_DAY);
	return ERR_OK;
}

static enum err read_term(struct net_req *r, struct flaw *f, struct asking *q)
{
	q->to = (uint32_t)(clock_wall() / USEC_PER_DAY);
	enum err e = read_day(r, "to", f, &q->to);
	q->from = q->to >= DAYS_STANDARD ? q->to - DAYS_STANDARD + 1 : 0;
	if (!e) e = read_day(r, "from", f, &q->from);
	if (!e && (q->from > q->to || q->to - q->from >= DAYS_MAX))
		e = flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "from", "term",
			     "the term has 1 to %d days, the first not after the last", DAYS_MAX);
	return e;
}

static enum err read_prefix(struct net_req *r, struct flaw *f, struct asking *q)
{
	struct str text;
	if (!net_query(r, "prefix", &text) || !text.n) return ERR_OK;
	enum err e = id_prefix_parse(q->job.arena, text, f, &q->prefix);
	if (e || in_scope(q, q->prefix.key)) return e;
	return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "authorization", "scope",
			"the credential's scope does not cover the prefix");
}

static enum err read_cursor(struct net_req *r, struct flaw *f, struct asking *q)
{
	struct str text;
	q->limit = PREFIXES_PAGE;
	enum err e = net_query_number(r, "limit", PREFIXES_PAGE, f, &q->limit);
	if (e || !net_query(r, "cursor", &text) || !text.n) return e;
	q->started = true;
	e = base64url_parse(q->job.arena, text, &q->after);
	return e && e != ERR_NO_MEMORY ? flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "cursor", "cursor",
						  "not a cursor that this list gave out")
				       : e;
}

static void ask(struct net_req *r, bool list)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct asking *q = job_begin(r, sizeof *q, STATISTICS_ARENA);
	if (!q) return;
	enum err e = caller_of(r, &q->caller);
	/* an operator sees counts, whatever its scope */
	q->caller.scope.all |= (((const struct principal *)r->principal)->roles & ROLE_OPERATOR) != 0;
	if (!e) e = read_term(r, &f, q);
	if (!e) e = list ? read_cursor(r, &f, q) : read_prefix(r, &f, q);
	if (e) {
		job_refuse(&q->job, e, &f);
		return;
	}
	q->flush.rs = q->job.shard->rs;
	q->job.cmd.apply = apply;
	q->job.settled = settled;
	q->job.answer = list ? answer_prefixes : answer_days;
	job_submit(&q->job);
}

static void get_statistics(struct net_req *r)
{
	ask(r, false);
}

static void get_prefixes(struct net_req *r)
{
	ask(r, true);
}

/* ---- top -------------------------------------------------------------------------------- */

/* Goes from shard to shard, each copies its own list, and comes home. On the heap: the client may leave. */
struct tour {
	struct net_req *req; /* NULL once it has left */
	struct rs_shard *home;
	unsigned next;
	struct top_entry *entries;
	size_t n;
	usec_t since;
	uint64_t limit;
};

static void tour_free(struct tour *t)
{
	free(t->entries);
	free(t);
}

static void put_top(struct tour *t, const struct caller *c, struct buf *b)
{
	char time[CLOCK_TEXT];
	uint64_t left = t->limit;
	buf_printf(b, "{\"since\":\"%s\",\"top\":[", clock_print(t->since, false, time));
	for (size_t i = 0, any = 0; i < t->n && left; i++) {
		const struct top_entry *x = &t->entries[i];
		struct str text = str_n(x->text, x->n);
		struct arena_mark mark = arena_mark(t->req->arena);
		struct id id;
		bool seen = c->scope.all ||
			    (!id_parse(t->req->arena, text, NULL, &id) && scope_covers(&c->scope, id.key));
		arena_rollback(t->req->arena, mark);
		if (!seen) continue;
		buf_add(b, any++ ? STR(",{\"id\":") : STR("{\"id\":"));
		buf_json(b, text);
		buf_printf(b, ",\"count\":%llu,\"error\":%llu}", (unsigned long long)x->count,
			   (unsigned long long)x->error);
		left--;
	}
	buf_add(b, STR("]}"));
}

static void come_home(void *arg)
{
	struct tour *t = arg;
	struct net_req *r = t->req;
	struct caller c;
	if (r) {
		struct buf *b = face_buf(r, STATISTICS_OCTETS);
		enum err e = b ? caller_of(r, &c) : ERR_NO_MEMORY;
		t->n = top_merge(t->entries, t->n, t->n);
		if (!e) put_top(t, &c, b);
		face_answer(r, e, NULL, b);
	}
	tour_free(t);
}

static void copy_own(struct tour *t, struct rs_shard *s)
{
	if (!s->top) return;
	struct top_entry *more = realloc(t->entries, (t->n + TOP_OF_SHARD) * sizeof *more);
	if (!more) return;
	t->entries = more;
	t->n += top_list(s->top, t->entries + t->n, TOP_OF_SHARD);
	if (s->top_since < t->since) t->since = s->top_since;
}

static void visit(void *arg);

static void go_on(struct tour *t, struct rs_shard *at)
{
	struct rs *rs = t->home->rs;
	while (t->next < atomic_load(&rs->shards_n)) {
		struct rs_shard *s = atomic_load(&rs->shards[t->next]);
		if (s && s == at) {
			copy_own(t, s);
		} else if (s && !rs__post(s, visit, t)) {
			return;
		}
		t->next++;
	}
	if (at == t->home)
		come_home(t);
	else if (rs__post(t->home, come_home, t))
		tour_free(t); /* home has ended, and its clients with it */
}

static void visit(void *arg)
{
	struct tour *t = arg;
	go_on(t, atomic_load(&t->home->rs->shards[t->next]));
}

static void gone(void *arg)
{
	((struct tour *)arg)->req = NULL;
}

static void get_top(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	uint64_t limit = TOP_STANDARD;
	enum err e = net_query_number(r, "limit", TOP_ASKED_MAX, &f, &limit);
	struct tour *t = e ? NULL : calloc(1, sizeof *t);
	if (!t) {
		net_reply_err(r, e ? e : ERR_NO_MEMORY, &f);
		return;
	}
	*t = (struct tour){.req = r, .home = rs__shard(r), .limit = limit, .since = clock_wall()};
	net_hold(r, gone, t);
	go_on(t, t->home);
}

enum { READERS = ROLE_REGISTRAR | ROLE_AUDITOR | ROLE_OPERATOR | ROLE_ENTERPRISE };

const struct net_route face_statistics_rows[] = {
    {NET_GET, "/statistics", get_statistics, READERS, 0, 0, "registrations and resolutions by day"},
    {NET_GET, "/statistics/prefixes", get_prefixes, READERS, 0, 0, "the same by prefix"},
    {NET_GET, "/statistics/top", get_top, READERS & ~(uint32_t)ROLE_OPERATOR, 0, 0,
     "identifiers asked for most"},
};
const size_t face_statistics_rows_n = sizeof face_statistics_rows / sizeof *face_statistics_rows;
