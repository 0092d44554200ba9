/* The reporter's thread: when to report, what to hand up, where to go on. It reads rows of tables that
 * others own, as a copy of the whole store would: octets in, octets out, none of them looked into. */
#include "resolver/report.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/feed.h"
#include "base/hash.h"
#include "base/ledger.h"
#include "base/log.h"
#include "base/text64.h"
#include "base/writer.h"
#include "net/courier.h"
#include "resolver/registry.h"
#include "resolver/state.h"

enum { ANSWER_MAX = 1 << 20, COMPARE_TRIES = 8, STEP_ARENA = 4 << 20, TOKEN_HEADER = 80 };
#define LOOK_EVERY (100 * USEC_PER_MSEC)
#define CALL_DEADLINE (60 * USEC_PER_SEC)

struct exchange {
	bool over;
	enum err err;
	int status;
	struct buf body;
	char text[200];
};

struct reporter {
	struct rs *rs;
	const struct report_driver *driver;
	struct feed *feed;
	char url[300], token[TOKEN_HEADER];
	usec_t every, since;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t woken;
	/* under the lock */
	struct report_ask *asks, **asks_end;
	size_t asks_n;
	bool stopping, flying;
	uint64_t ticket;
	struct exchange exchange;
	struct report_status status;
	/* the thread's */
	bool placed;             /* it is known what the other side has */
	uint64_t acked, scanned; /* it has; looked at here without anything to hand up since */
	size_t offset;           /* octets of the operations of entry acked + 1 that it has in part */
	usec_t next_report, next_sync, report_pause, sync_pause;
};

static const struct {
	unsigned number, table;
} tables[] = {
#define X(up, number, low) {number, RS_TABLE_##low},
    REPORT_TABLES(X)
#undef X
};
enum { TABLES = sizeof tables / sizeof *tables };

static unsigned number_of(unsigned table)
{
	for (size_t i = 0; i < TABLES; i++)
		if (tables[i].table == table) return tables[i].number;
	return 0;
}

/* ---- exchanges -------------------------------------------------------------------------- */

/* On the courier's thread. */
static void on_done(void *arg, const struct courier_result *c)
{
	struct reporter *r = arg;
	pthread_mutex_lock(&r->lock);
	struct exchange *x = &r->exchange;
	x->err = c->err;
	x->status = c->status;
	snprintf(x->text, sizeof x->text, "%s", c->text);
	buf_add(&x->body, c->body);
	if (!x->err) x->err = buf_err(&x->body);
	x->over = true;
	r->flying = false;
	pthread_cond_broadcast(&r->woken);
	pthread_mutex_unlock(&r->lock);
}

static enum err submit(struct reporter *r, const struct report_call *call, uint64_t *ret_ticket)
{
	char url[1600];
	struct courier_header headers[] = {{"authorization", r->token},
					   {"content-type", call->content_type}};
	snprintf(url, sizeof url, "%s%s", r->url, call->path);
	struct courier_req q = {.method = call->method,
				.url = url,
				.headers = headers,
				.headers_n = 2,
				.body = buf_str(&call->body),
				.deadline = CALL_DEADLINE,
				.retries = 1,
				.body_max = ANSWER_MAX,
				.done = on_done,
				.arg = r};
	return courier_submit(r->rs->o.courier, &q, ret_ticket);
}

/* Sends and waits. The answer's body is r->exchange.body until the next one. ERR_UPSTREAM with the status
 * told in r->exchange.text for other answers than 200 and 409. */
static enum err exchange(struct reporter *r, struct report_call *call)
{
	struct exchange *x = &r->exchange;
	uint64_t ticket = 0;
	enum err e = buf_err(&call->body);
	pthread_mutex_lock(&r->lock);
	buf_clear(&x->body);
	x->over = false;
	x->text[0] = 0;
	if (!e && r->stopping) e = ERR_STOPPING;
	pthread_mutex_unlock(&r->lock);
	if (!e) e = submit(r, call, &ticket);
	buf_done(&call->body);
	if (e) {
		snprintf(x->text, sizeof x->text, "%s", err_text(e));
		return e;
	}
	pthread_mutex_lock(&r->lock);
	r->ticket = ticket;
	r->flying = !x->over;
	bool stop = r->stopping;
	pthread_mutex_unlock(&r->lock);
	if (stop) courier_cancel(r->rs->o.courier, ticket);
	pthread_mutex_lock(&r->lock);
	while (!x->over) pthread_cond_wait(&r->woken, &r->lock);
	e = x->err;
	pthread_mutex_unlock(&r->lock);
	if (e || x->status == 200 || x->status == 409) return e;
	snprintf(x->text, sizeof x->text, "%s answered %d: %.*s", call->path, x->status,
		 STR_ARG(str_first(buf_str(&x->body), 120)));
	return ERR_UPSTREAM;
}

static void fail(struct reporter *r, enum err e, usec_t *pause, usec_t *next)
{
	*pause = *pause ? *pause * 2 : REPORT_WAIT_MIN;
	if (*pause > REPORT_WAIT_MAX) *pause = REPORT_WAIT_MAX;
	*next = clock_mono() + *pause;
	pthread_mutex_lock(&r->lock);
	r->status.failures++;
	snprintf(r->status.error, sizeof r->status.error, "%s",
		 r->exchange.text[0] ? r->exchange.text : err_text(e));
	pthread_mutex_unlock(&r->lock);
	if (e != ERR_STOPPING)
		log_line(LOG_WARN, "report", NULL, "error", err_name(e), "url", r->url, "msg",
			 r->status.error, NULL);
}

/* ---- reports ---------------------------------------------------------------------------- */

static enum err facts_of(struct reporter *r, struct store_txn *t, struct arena *a, struct report_facts *f)
{
	static const char *const names[] = {
#define X(name, help) #name,
	    RS_COUNTERS(X)
#undef X
	};
	struct rs *rs = r->rs;
	struct rs_counters all = {0};
	struct merkle_hash root;
	uint64_t *counters = ARENA_ARRAY(a, uint64_t, sizeof names / sizeof *names);
	struct report_prefix *prefixes = ARENA_ARRAY(a, struct report_prefix, rs->o.authority_n + 1);
	size_t n = 0;
	if (!counters || !prefixes) return ERR_NO_MEMORY;
	rs__counters(rs, &all);
#define X(name, help) counters[n++] = atomic_load(&all.name);
	RS_COUNTERS(X)
#undef X
	*f = (struct report_facts){.node = rs->did,
				   .name = rs->name,
				   .at = clock_wall(),
				   .since = r->since,
				   .prefixes = prefixes,
				   .prefixes_n = rs->o.authority_n,
				   .counter_names = names,
				   .counters = counters,
				   .counters_n = n,
				   .ledger_size = ledger_size(t)};
	enum err e = r->feed->driver->head(r->feed, t, &f->feed_position);
	if (!e) e = ledger_root(t, &root);
	if (!e) memcpy(f->ledger_root, &root, 32);
	for (size_t i = 0; i < rs->o.authority_n && !e; i++) {
		struct registry_count count;
		e = registry_count(t, rs->ours[i].key, &count);
		prefixes[i] = (struct report_prefix){rs->ours[i].text, count.active, count.retired};
	}
	return e;
}

static enum err send_report(struct reporter *r)
{
	struct arena *a = arena_new(STEP_ARENA);
	struct store_txn *t = NULL;
	struct report_facts f;
	struct report_call call;
	enum err e = a ? store_read(r->rs->o.store, &t) : ERR_NO_MEMORY;
	if (!e) e = facts_of(r, t, a, &f);
	if (!e) r->driver->report(&f, &call);
	store_read_end(t);
	if (!e) e = exchange(r, &call);
	if (!e && r->exchange.status != 200) e = ERR_UPSTREAM;
	arena_free(a);
	if (e) {
		fail(r, e, &r->report_pause, &r->next_report);
		return e;
	}
	r->report_pause = 0;
	r->next_report = clock_mono() + r->every;
	pthread_mutex_lock(&r->lock);
	r->status.reports++;
	r->status.last_report = clock_wall();
	r->status.error[0] = 0;
	pthread_mutex_unlock(&r->lock);
	return ERR_OK;
}

/* ---- handing up ------------------------------------------------------------------------- */

struct note_cmd {
	struct writer_cmd cmd;
	uint64_t position;
};

static enum err apply_note(struct writer_cmd *c, struct writer_txn *t)
{
	unsigned char row[8];
	store_key_u64(row, ((struct note_cmd *)c)->position);
	return store_put(t->store, RS_TABLE_handed, STR("position"), str_n(row, sizeof row));
}

static enum err acknowledged(struct reporter *r, uint64_t position)
{
	struct note_cmd c = {.cmd = {.apply = apply_note}, .position = position};
	r->acked = r->scanned = position;
	r->offset = 0;
	pthread_mutex_lock(&r->lock);
	r->status.batches++;
	r->status.position = position;
	r->status.last_sync = clock_wall();
	r->status.error[0] = 0;
	pthread_mutex_unlock(&r->lock);
	return writer_run(r->rs->o.writer, &c.cmd);
}

/* Takes over what the other side says it has. */
static enum err take_place(struct reporter *r)
{
	struct report_place p;
	struct arena *a = arena_new(STEP_ARENA);
	enum err e = a ? r->driver->read_place(a, buf_str(&r->exchange.body), &p) : ERR_NO_MEMORY;
	arena_free(a);
	if (e) return e;
	r->acked = r->scanned = p.position;
	r->offset =
	    0; /* an entry that came in part comes again from its beginning: the same rows once more */
	r->placed = true;
	pthread_mutex_lock(&r->lock);
	r->status.position = p.position;
	pthread_mutex_unlock(&r->lock);
	return ERR_OK;
}

static enum err ask_place(struct reporter *r)
{
	struct report_call call;
	r->driver->where(&call);
	enum err e = exchange(r, &call);
	if (!e && r->exchange.status != 200) e = ERR_UPSTREAM;
	return e ? e : take_place(r);
}

static enum err send_batch(struct reporter *r, struct report_call *call, const struct report_batch *b)
{
	r->driver->batch_close(call, b);
	return exchange(r, call);
}

struct batch {
	struct report_call call;
	struct report_batch b;
	unsigned char root[32];
	size_t ops;
};

static void batch_open(struct reporter *r, struct batch *b)
{
	b->b.ledger_root = b->root;
	b->ops = 0;
	r->driver->batch_open(&b->b, &b->call);
}

/* Operations of one entry from an offset; true when the batch is full before its end. */
static bool add_entry(struct reporter *r, struct batch *b, const struct feed_entry *entry, size_t *offset)
{
	struct str rest = str_skip(entry->ops, *offset);
	struct feed_op op;
	while (b->call.body.n < REPORT_BODY && !feed_op_next(&rest, &op)) {
		unsigned number = number_of(op.table);
		*offset = entry->ops.n - rest.n;
		/* the counter of templates is this node's own */
		if (!number || !op.key.p[0]) continue;
		r->driver->batch_op(&b->call, number, op.key, op.kind == FEED_PUT ? &op.value : NULL);
		b->ops++;
	}
	b->b.to = entry->position;
	b->b.ledger_size = entry->ledger_size;
	memcpy(b->root, entry->ledger_root, 32);
	return rest.n > 0;
}

/* Fills a batch with what comes after what is acknowledged. */
static enum err fill(struct reporter *r, struct store_txn *t, struct batch *b, size_t *ret_offset,
		     bool *ret_idle)
{
	uint64_t head, p;
	struct feed_entry entry;
	size_t offset = r->offset;
	enum err e = r->feed->driver->head(r->feed, t, &head);
	pthread_mutex_lock(&r->lock);
	r->status.head = head;
	pthread_mutex_unlock(&r->lock);
	if (!e && r->acked > head)
		e = ERR_GONE; /* a registry put back from a backup: nothing fits any more */
	b->b = (struct report_batch){.from = r->acked + 1, .to = r->acked};
	batch_open(r, b);
	for (p = r->scanned + 1; !e && p <= head && p - r->scanned <= REPORT_ENTRIES; p++) {
		e = r->feed->driver->read(r->feed, t, p, &entry);
		if (e) break;
		b->b.more = add_entry(r, b, &entry, &offset);
		if (b->b.more) break;
		offset = 0;
		if (b->call.body.n >= REPORT_BODY) break;
	}
	*ret_offset = offset;
	*ret_idle = !e && !b->ops && !b->b.more;
	if (*ret_idle) r->scanned = b->b.to > r->scanned ? b->b.to : r->scanned;
	return e;
}

static enum err whole_copy(struct reporter *r);

/* One message. *ret_more: there is more to hand up. */
static enum err hand_up(struct reporter *r, bool *ret_more)
{
	struct store_txn *t;
	struct batch b;
	size_t offset;
	bool idle;
	*ret_more = false;
	enum err e = r->placed ? ERR_OK : ask_place(r);
	if (!e) e = store_read(r->rs->o.store, &t);
	if (e) return e;
	e = fill(r, t, &b, &offset, &idle);
	uint64_t head = r->status.head;
	store_read_end(t);
	if (e || idle) {
		buf_done(&b.call.body);
		*ret_more = !e && r->scanned < head;
		return e == ERR_GONE ? whole_copy(r) : e;
	}
	*ret_more = true;
	e = send_batch(r, &b.call, &b.b);
	if (e) return e;
	if (r->exchange.status == 409) return take_place(r);
	if (!b.b.more) return acknowledged(r, b.b.to);
	r->offset = offset;
	r->scanned = b.b.to - 1; /* the rest of it next */
	return ERR_OK;
}

/* ---- a whole copy ----------------------------------------------------------------------- */

static enum err flush(struct reporter *r, struct batch *b, bool end)
{
	b->b.end = end;
	enum err e = send_batch(r, &b->call, &b->b);
	if (!e && r->exchange.status != 200) e = ERR_UPSTREAM;
	b->b.begin = false;
	return e;
}

static enum err copy_table(struct reporter *r, struct store_txn *t, struct batch *b, size_t i)
{
	struct store_cursor *c;
	struct str key, value;
	enum err e = store_cursor_open(t, tables[i].table, &c);
	if (e) return e;
	for (e = store_cursor_seek(c, STR(""), &key, &value); !e; e = store_cursor_next(c, &key, &value)) {
		/* the counter of templates is this node's own */
		if (!key.p[0]) continue;
		r->driver->batch_op(&b->call, tables[i].number, key, &value);
		if (b->call.body.n < REPORT_BODY) continue;
		e = flush(r, b, false);
		if (e) break;
		batch_open(r, b);
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Everything, from one snapshot, when the feed does not reach back any more. */
static enum err whole_copy(struct reporter *r)
{
	struct store_txn *t;
	struct batch b = {.ops = 0};
	struct merkle_hash root;
	uint64_t head;
	enum err e = store_read(r->rs->o.store, &t);
	if (e) return e;
	e = r->feed->driver->head(r->feed, t, &head);
	if (!e) e = ledger_root(t, &root);
	if (!e) {
		b.b = (struct report_batch){
		    .from = head, .to = head, .ledger_size = ledger_size(t), .full = true, .begin = true};
		memcpy(b.root, &root, 32);
		batch_open(r, &b);
		for (size_t i = 0; i < TABLES && !e; i++) e = copy_table(r, t, &b, i);
		if (!e)
			e = flush(r, &b, true);
		else
			buf_done(&b.call.body);
	}
	store_read_end(t);
	return e ? e : acknowledged(r, head);
}

/* ---- comparing -------------------------------------------------------------------------- */

/* Until nothing is left to hand up; then a snapshot of exactly that. */
static enum err settle(struct reporter *r, struct store_txn **ret)
{
	for (int i = 0; i < COMPARE_TRIES; i++) {
		bool more = true;
		uint64_t head;
		enum err e = ERR_OK;
		while (more && !e) e = hand_up(r, &more);
		if (!e) e = store_read(r->rs->o.store, ret);
		if (e) return e;
		e = r->feed->driver->head(r->feed, *ret, &head);
		if (!e && head == r->scanned) return ERR_OK;
		store_read_end(*ret);
		if (e) return e;
	}
	snprintf(r->exchange.text, sizeof r->exchange.text, "the registry changes too fast to be compared");
	return ERR_BUSY;
}

static enum err own_page(struct store_txn *t, size_t i, struct str after, const struct report_page *page,
			 uint64_t *ret_rows, char digest[64])
{
	unsigned char out[HASH_SHA256];
	struct store_cursor *c;
	struct str key, value;
	struct hash *h = hash_new();
	uint64_t rows = 0;
	if (!h) return ERR_NO_MEMORY;
	enum err e = store_cursor_open(t, tables[i].table, &c);
	if (!e) {
		e = store_cursor_seek(c, after, &key, &value);
		if (!e && after.n && str_eq(key, after)) e = store_cursor_next(c, &key, &value);
		for (; !e && (page->end || str_cmp(key, page->last) <= 0);
		     e = store_cursor_next(c, &key, &value)) {
			if (!key.p[0]) continue;
			report_digest_row(h, key, value);
			rows++;
		}
		store_cursor_close(c);
	}
	hash_finish(h, out);
	hash_free(h);
	hex_write(out, sizeof out, digest);
	*ret_rows = rows;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static void differ(struct arena *a, size_t i, struct str after, struct report_outcome *o)
{
	struct str text = base64url_write(a, after);
	o->same = false;
	o->table = tables[i].number;
	snprintf(o->after, sizeof o->after, "%.*s", STR_ARG(str_first(text, sizeof o->after - 1)));
}

static enum err compare_table(struct reporter *r, struct store_txn *t, size_t i, struct report_outcome *o)
{
	struct arena *a = arena_new(STEP_ARENA);
	char own[64], room[STORE_KEY_MAX];
	struct str after = STR("");
	struct report_page page = {.end = false};
	enum err e = a ? ERR_OK : ERR_NO_MEMORY;
	while (!e && !page.end && o->same) {
		struct report_call call;
		uint64_t rows;
		arena_reset(a);
		r->driver->digest(tables[i].number, after, a, &call);
		e = exchange(r, &call);
		if (!e) e = r->driver->read_page(a, buf_str(&r->exchange.body), &page);
		if (!e && page.position != r->acked) e = ERR_PRECONDITION;
		if (!e && (page.last.n > sizeof room || (!page.end && str_cmp(page.last, after) <= 0)))
			e = ERR_UPSTREAM;
		if (!e) e = own_page(t, i, after, &page, &rows, own);
		if (e) break;
		o->rows[i] += rows;
		if (rows != page.rows || memcmp(own, page.digest, sizeof own) != 0) differ(a, i, after, o);
		if (page.last.n) memcpy(room, page.last.p, page.last.n);
		after = str_n(room, page.last.n);
	}
	arena_free(a);
	return e;
}

static enum err compare(struct reporter *r, struct report_outcome *o)
{
	struct store_txn *t;
	r->placed = false; /* what the other side has, not what it once acknowledged */
	enum err e = settle(r, &t);
	if (e) return e;
	o->same = true;
	o->position = r->acked;
	for (size_t i = 0; i < TABLES && !e && o->same; i++) e = compare_table(r, t, i, o);
	store_read_end(t);
	return e;
}

/* ---- the thread ------------------------------------------------------------------------- */

static void serve_ask(struct reporter *r, struct report_ask *k)
{
	struct report_outcome o = {.err = ERR_OK};
	r->exchange.text[0] = 0;
	if (k->work == REPORT_COMPARE) {
		o.err = compare(r, &o);
	} else {
		bool more = r->status.sync;
		o.err = send_report(r);
		while (more && !o.err) o.err = hand_up(r, &more);
		o.position = r->acked;
	}
	if (o.err)
		snprintf(o.text, sizeof o.text, "%s",
			 r->exchange.text[0] ? r->exchange.text : err_text(o.err));
	k->outcome = o;
	k->done(k);
}

static struct report_ask *take_ask(struct reporter *r, bool *ret_stop)
{
	pthread_mutex_lock(&r->lock);
	struct report_ask *k = r->asks;
	if (k) {
		r->asks = k->next;
		if (!r->asks) r->asks_end = &r->asks;
		r->asks_n--;
	}
	*ret_stop = r->stopping;
	pthread_mutex_unlock(&r->lock);
	return k;
}

static void sync_turn(struct reporter *r)
{
	bool more = false;
	if (clock_mono() < r->next_sync) return;
	enum err e = hand_up(r, &more);
	if (e) {
		r->placed = false;
		fail(r, e, &r->sync_pause, &r->next_sync);
		return;
	}
	r->sync_pause = 0;
	r->next_sync = more ? 0 : clock_mono() + LOOK_EVERY;
}

static void *run(void *arg)
{
	struct reporter *r = arg;
	for (;;) {
		bool stop;
		struct report_ask *k = take_ask(r, &stop);
		if (k) {
			if (stop) {
				k->outcome = (struct report_outcome){.err = ERR_STOPPING};
				k->done(k);
			} else {
				serve_ask(r, k);
			}
			continue;
		}
		if (stop) return NULL;
		if (clock_mono() >= r->next_report) (void)!send_report(r);
		if (r->status.sync) sync_turn(r);
		if (!r->status.sync || r->next_sync)
			(void)!r->feed->driver->wait(r->feed, r->scanned, LOOK_EVERY);
		if (!r->status.sync || r->next_sync > clock_mono() + LOOK_EVERY) {
			/* a feed that moves on must not keep the thread busy while the other side is away
			 */
			struct timespec until;
			clock_gettime(CLOCK_MONOTONIC, &until);
			until.tv_nsec += LOOK_EVERY * 1000;
			until.tv_sec += until.tv_nsec / 1000000000;
			until.tv_nsec %= 1000000000;
			pthread_mutex_lock(&r->lock);
			if (!r->asks && !r->stopping) pthread_cond_timedwait(&r->woken, &r->lock, &until);
			pthread_mutex_unlock(&r->lock);
		}
	}
}

/* ---- opening and closing ---------------------------------------------------------------- */

static enum err settings(struct reporter *r, const struct rs_report *o, struct flaw *f)
{
	struct str url = str_of(o->url);
	while (url.n && url.p[url.n - 1] == '/') url.n--;
	if (!delegation_url_ok(url) || url.n >= sizeof r->url)
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "report.to", "report-url",
				"\"%s\" is no http or https URL to append a path to", o->url);
	for (size_t i = 0; i < report_drivers_n; i++)
		if (!o->driver || strcmp(report_drivers[i]->name, o->driver) == 0)
			r->driver = report_drivers[i];
	if (!r->driver)
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "report.driver", "report-driver",
				"there is no driver \"%s\"", o->driver);
	snprintf(r->url, sizeof r->url, "%.*s", STR_ARG(url));
	snprintf(r->token, sizeof r->token, "Bearer %s", o->token ? o->token : "");
	snprintf(r->status.url, sizeof r->status.url, "%s", r->url);
	snprintf(r->status.driver, sizeof r->status.driver, "%s", r->driver->name);
	r->every = o->every ? o->every : 3600 * USEC_PER_SEC;
	r->status.sync = o->sync;
	return ERR_OK;
}

static void kept_position(struct reporter *r)
{
	struct store_txn *t;
	struct str row;
	if (store_read(r->rs->o.store, &t)) return;
	if (!store_get(t, RS_TABLE_handed, STR("position"), &row) && row.n == 8)
		r->status.position = store_u64(row);
	store_read_end(t);
}

enum err reporter_open(struct rs *rs, struct flaw *f, struct reporter **ret)
{
	pthread_condattr_t attr;
	*ret = NULL;
	if (!rs->o.report.url || !rs->o.report.url[0]) return ERR_OK;
	struct reporter *r = calloc(1, sizeof *r);
	if (!r) return ERR_NO_MEMORY;
	r->rs = rs;
	enum err e = settings(r, &rs->o.report, f);
	if (e) {
		free(r);
		return e;
	}
	r->feed = writer_feed(rs->o.writer);
	r->since = clock_wall();
	r->asks_end = &r->asks;
	buf_init(&r->exchange.body, ANSWER_MAX);
	must(!pthread_mutex_init(&r->lock, NULL) && !pthread_condattr_init(&attr) &&
	     !pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) && !pthread_cond_init(&r->woken, &attr));
	pthread_condattr_destroy(&attr);
	kept_position(r);
	if (pthread_create(&r->thread, NULL, run, r)) {
		free(r);
		return ERR_NO_MEMORY;
	}
	*ret = r;
	return ERR_OK;
}

void reporter_close(struct reporter *r)
{
	if (!r) return;
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	uint64_t ticket = r->ticket;
	bool flying = r->flying;
	pthread_cond_broadcast(&r->woken);
	pthread_mutex_unlock(&r->lock);
	if (flying) courier_cancel(r->rs->o.courier, ticket);
	pthread_join(r->thread, NULL);
	pthread_cond_destroy(&r->woken);
	pthread_mutex_destroy(&r->lock);
	buf_done(&r->exchange.body);
	explicit_bzero(r->token, sizeof r->token);
	free(r);
}

enum err reporter_ask(struct reporter *r, struct report_ask *k)
{
	enum err e = ERR_OK;
	pthread_mutex_lock(&r->lock);
	if (r->stopping) e = ERR_STOPPING;
	if (!e && r->asks_n == REPORT_WAITING_MAX) e = ERR_BUSY;
	if (!e) {
		k->next = NULL;
		*r->asks_end = k;
		r->asks_end = &k->next;
		r->asks_n++;
		pthread_cond_broadcast(&r->woken);
	}
	pthread_mutex_unlock(&r->lock);
	return e;
}

void reporter_status(struct reporter *r, struct store_txn *t, struct report_status *ret)
{
	uint64_t head = 0;
	pthread_mutex_lock(&r->lock);
	*ret = r->status;
	pthread_mutex_unlock(&r->lock);
	if (!r->feed->driver->head(r->feed, t, &head)) ret->head = head;
}
