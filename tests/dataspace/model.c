#include "tests/dataspace/model.h"

#include <stdlib.h>

#include "base/hash.h"

enum { ROWS = 64, LETTERS = 8, STALE = 12, ANSWERS = 2, VISITED = 1 << 20 };

static const enum ds_table tables[] = {
    DS_TABLE_negotiation,   DS_TABLE_negotiation_peer,   DS_TABLE_agreement, DS_TABLE_transfer,
    DS_TABLE_transfer_peer, DS_TABLE_transfer_agreement, DS_TABLE_outbox,    DS_TABLE_dead,
    DS_TABLE_inbox};
enum { TABLES = sizeof tables / sizeof *tables };

struct row {
	enum ds_table table;
	struct str key, value;
};
struct held {
	struct letter_copy letter;
	int status;
	struct str body;
};
/* A state; texts in the world's arena, which is rolled back when the search returns. */
struct node {
	struct row row[ROWS];
	size_t rows;
	struct letter_copy letter[LETTERS], stale[STALE];
	size_t letters, stales;
	struct held held[ANSWERS];
	size_t helds;
	unsigned wished, again, away;
	usec_t now;
};

struct world w;
struct model m;
static const struct node *from;
static struct node *to;
static unsigned char (*visited)[17]; /* 16 octets of the state's digest, depth left */

int setup(void **state)
{
	(void)state;
	world_open(&w);
	world_publish(&w, "telemetry", "{\"permission\":[{\"action\":\"use\"}]}");
	visited = calloc(VISITED, sizeof *visited);
	assert_non_null(visited);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	w.around = NULL;
	free(visited);
	world_close(&w);
	return 0;
}

/* ---- rows in and out of a transaction ---- */

static void rows_take(struct store_txn *t, struct node *n)
{
	n->rows = 0;
	for (size_t i = 0; i < TABLES; i++) {
		struct store_cursor *c;
		struct str key, value;

		assert_int_equal(store_cursor_open(t, tables[i], &c), ERR_OK);
		for (enum err e = store_cursor_seek(c, STR_NONE, &key, &value); !e;
		     e = store_cursor_next(c, &key, &value)) {
			assert_true(n->rows < ROWS);
			n->row[n->rows++] =
			    (struct row){tables[i], arena_dup(w.arena, key), arena_dup(w.arena, value)};
		}
		store_cursor_close(c);
	}
}

static void rows_put(struct store_txn *t, const struct node *n)
{
	struct node *old = calloc(1, sizeof *old);

	rows_take(t, old);
	for (size_t i = 0; i < old->rows; i++)
		assert_int_equal(store_del(t, old->row[i].table, old->row[i].key), ERR_OK);
	for (size_t i = 0; i < n->rows; i++)
		assert_int_equal(store_put(t, n->row[i].table, n->row[i].key, n->row[i].value), ERR_OK);
	free(old);
}

static enum err around(const struct turn *u, world_fn *fn, void *arg)
{
	enum err e;

	rows_put(u->t->store, from);
	e = fn(u, arg);
	if (!e) rows_take(u->t->store, to);
	return e;
}

static void *row_of(const struct node *n, enum ds_table table, const char *participant, size_t nth,
		    const ProtobufCMessageDescriptor *desc)
{
	ProtobufCMessage *msg;

	for (size_t i = 0; i < n->rows; i++) {
		if (n->row[i].table != table || !str_is(str_of(n->row[i].key.p), participant)) continue;
		if (nth--) continue;
		assert_int_equal(ds_row_unpack(n->row[i].value, w.arena, desc, &msg), ERR_OK);
		return msg;
	}
	return NULL;
}

static size_t count(const struct node *n, enum ds_table table)
{
	size_t k = 0;

	for (size_t i = 0; i < n->rows; i++) k += n->row[i].table == table;
	return k;
}

/* Letters that wait now; those that no longer do may still come once more. */
static void letters_find(struct node *n, const struct node *before)
{
	n->letters = 0;
	for (size_t i = 0; i < n->rows; i++) {
		ProtobufCMessage *msg;
		Ds__Outbox *e;

		if (n->row[i].table != DS_TABLE_outbox) continue;
		assert_int_equal(ds_row_unpack(n->row[i].value, w.arena, &ds__outbox__descriptor, &msg),
				 ERR_OK);
		e = (Ds__Outbox *)msg;
		assert_true(n->letters < LETTERS);
		n->letter[n->letters++] = (struct letter_copy){.seq = e->seq,
							       .participant = e->participant,
							       .peer = e->peer,
							       .url = e->url,
							       .body = e->body,
							       .kind = e->kind,
							       .target = e->target,
							       .due = e->due};
	}
	for (size_t i = 0; before && i < before->letters; i++) {
		bool there = false;

		for (size_t k = 0; k < n->letters; k++) there |= n->letter[k].seq == before->letter[i].seq;
		if (!there && n->stales < STALE) n->stale[n->stales++] = before->letter[i];
	}
}

/* ---- what a state is ---- */

static struct str process_text(const struct node *n, const char *who)
{
	Ds__Agreement *g = row_of(n, DS_TABLE_agreement, who, 0, &ds__agreement__descriptor);
	struct buf b = BUF_INIT(4096);
	struct str out;

	if (m.transfer) {
		Ds__Transfer *x = row_of(n, DS_TABLE_transfer, who, 0, &ds__transfer__descriptor);

		if (x) {
			buf_printf(&b, "%u %u %d %s %d:", x->state, x->pending, x->peer_pid[0] != 0,
				   x->code, x->suspended_by_peer);
			for (size_t i = 0; i < x->n_history; i++)
				buf_printf(&b, "%u%d ", x->history[i]->state, x->history[i]->by_peer);
		}
	} else {
		Ds__Negotiation *x = row_of(n, DS_TABLE_negotiation, who, 0, &ds__negotiation__descriptor);

		if (x) {
			buf_printf(&b, "%u %u %d %s %d:", x->state, x->pending, x->peer_pid[0] != 0,
				   x->code, x->offer_ours);
			for (size_t i = 0; i < x->n_history; i++)
				buf_printf(&b, "%u%d ", x->history[i]->state, x->history[i]->by_peer);
		}
	}
	buf_printf(&b, "|%d", g ? (int)g->state : -1);
	out = arena_dup(w.arena, buf_str(&b));
	buf_done(&b);
	return out;
}

static void digest_of(const struct node *n, unsigned char out[32])
{
	struct buf b = BUF_INIT(1 << 16);

	buf_printf(&b, "%.*s/%.*s/", STR_ARG(process_text(n, "buyer")), STR_ARG(process_text(n, "maker")));
	for (size_t i = 0; i < n->letters; i++)
		buf_printf(&b, "L%s%u", n->letter[i].participant, n->letter[i].target);
	for (size_t i = 0; i < n->stales; i++)
		buf_printf(&b, "S%s%u", n->stale[i].participant, n->stale[i].target);
	for (size_t i = 0; i < n->helds; i++) {
		bool waits = false;

		for (size_t k = 0; k < n->letters; k++) waits |= n->letter[k].seq == n->held[i].letter.seq;
		buf_printf(&b, "H%s%u%d%d", n->held[i].letter.participant, n->held[i].letter.target,
			   n->held[i].status, waits);
	}
	buf_printf(&b, "W%x,%u,%u,%zu,%zu", n->wished, n->again, n->away, count(n, DS_TABLE_dead),
		   count(n, DS_TABLE_inbox));
	hash_sha256(buf_str(&b), out);
	buf_done(&b);
}

/* True when the state was explored at least so deep. */
static bool known(const struct node *n, unsigned left)
{
	unsigned char d[32];
	uint32_t i;

	digest_of(n, d);
	memcpy(&i, d + 16, sizeof i);
	for (i %= VISITED; visited[i][16]; i = (i + 1) % VISITED) {
		if (memcmp(visited[i], d, 16)) continue;
		if (visited[i][16] > left) return true;
		visited[i][16] = (unsigned char)(left + 1);
		return false;
	}
	memcpy(visited[i], d, 16);
	visited[i][16] = (unsigned char)(left + 1);
	m.states++;
	assert_true(m.states < VISITED / 2);
	return false;
}

static void fail_state(const struct node *n, const char *why)
{
	print_error("%s: buyer %.*s, maker %.*s, wished %x, again %u\n", why,
		    STR_ARG(process_text(n, "buyer")), STR_ARG(process_text(n, "maker")), n->wished,
		    n->again);
	fail();
}

/* A state in which no letter is under way. */
static void check_quiet(const struct node *n)
{
	Ds__Agreement *bg = row_of(n, DS_TABLE_agreement, "buyer", 0, &ds__agreement__descriptor);
	Ds__Agreement *mg = row_of(n, DS_TABLE_agreement, "maker", 0, &ds__agreement__descriptor);
	uint32_t b = 0, k = 0;
	const char *reasons[2] = {"", ""};

	m.quiet++;
	if (m.transfer) {
		Ds__Transfer *x = row_of(n, DS_TABLE_transfer, "buyer", 0, &ds__transfer__descriptor);
		Ds__Transfer *y = row_of(n, DS_TABLE_transfer, "maker", 0, &ds__transfer__descriptor);

		b = x->state, reasons[0] = x->reason;
		if (y) k = y->state, reasons[1] = y->reason;
		if (b == DSP_TRANSFER_REQUESTED) fail_state(n, "stuck");
		if (!y && b == DSP_TRANSFER_TERMINATED) return;
	} else {
		Ds__Negotiation *x =
		    row_of(n, DS_TABLE_negotiation, "buyer", 0, &ds__negotiation__descriptor);
		Ds__Negotiation *y =
		    row_of(n, DS_TABLE_negotiation, "maker", 0, &ds__negotiation__descriptor);

		b = x->state, reasons[0] = x->reason;
		if (y) k = y->state, reasons[1] = y->reason;
		if (!y && b == DSP_NEGOTIATION_TERMINATED) return;
		if (!n->away && !dsp_negotiation_final((enum dsp_negotiation_state)b) &&
		    !count(n, DS_TABLE_inbox))
			fail_state(n, "stuck without an inbox row");
	}
	if (n->away) {
		if (b != k && !count(n, DS_TABLE_dead) && !reasons[0][0] && !reasons[1][0])
			fail_state(n, "apart without a visible reason");
		return;
	}
	if (b != k) fail_state(n, "the sides differ");
	if (bg && mg && bg->state != mg->state) fail_state(n, "the agreements differ");
}

/* ---- steps ---- */

static void explore(const struct node *n, unsigned left);

static struct node *step_start(const struct node *n)
{
	struct node *x = malloc(sizeof *x);

	assert_non_null(x);
	*x = *n;
	x->now += USEC_PER_SEC;
	w.now = x->now;
	from = n;
	to = x;
	m.steps++;
	return x;
}

static void step_done(struct node *x, const struct node *before, unsigned left)
{
	letters_find(x, before);
	explore(x, left);
	free(x);
}

static void hear(struct node *x, const struct letter_copy *l, int status, struct str body)
{
	struct node *mid = malloc(sizeof *mid);

	assert_non_null(mid);
	*mid = *x;
	from = mid;
	to = x;
	w.now = x->now += 1000;
	world_answer(&w, l, status, body);
	free(mid);
}

enum answer { HEARD, LOST, KEPT };

static void try_letter(const struct node *n, const struct letter_copy *l, enum answer a, unsigned left)
{
	struct node *x = step_start(n);
	struct str body = STR_NONE;
	int status = world_deliver(&w, l, &body);

	if (a == HEARD) hear(x, l, status, body);
	if (a == KEPT) x->held[x->helds++] = (struct held){*l, status, body};
	step_done(x, n, left);
}

static void try_held(const struct node *n, size_t i, unsigned left)
{
	struct node *x = step_start(n);
	struct held h = n->held[i];

	x->held[i] = x->held[--x->helds];
	hear(x, &h.letter, h.status, h.body);
	step_done(x, n, left);
}

static void try_again(const struct node *n, const struct letter_copy *l, unsigned left)
{
	struct node *x = step_start(n);

	x->again++;
	(void)world_deliver(&w, l, NULL);
	step_done(x, n, left);
}

static void try_away(const struct node *n, const struct letter_copy *l, unsigned left)
{
	struct node *x = step_start(n);

	x->away++;
	x->now += OUTBOX_AGE_MAX;
	hear(x, l, 0, STR_NONE);
	step_done(x, n, left);
}

static void try_wish(const struct node *n, size_t i, unsigned left)
{
	struct node *x = step_start(n);
	enum err e = world_turn(&w, m.wish[i].who, NULL, STR_NONE, m.wish[i].fn,
				(void *)(uintptr_t)m.wish[i].who, NULL);

	x->wished |= 1u << i;
	if (e)
		free(x); /* not possible now */
	else
		step_done(x, n, left);
}

static void explore(const struct node *n, unsigned left)
{
	struct arena_mark mark = arena_mark(w.arena);

	if (!known(n, left)) {
		if (!n->letters) check_quiet(n);
		for (size_t i = 0; left && i < n->letters; i++) {
			try_letter(n, &n->letter[i], HEARD, left - 1);
			try_letter(n, &n->letter[i], LOST, left - 1);
			if (n->helds < ANSWERS) try_letter(n, &n->letter[i], KEPT, left - 1);
			if (n->away < m.away_max) try_away(n, &n->letter[i], left - 1);
		}
		for (size_t i = 0; left && i < n->helds; i++) try_held(n, i, left - 1);
		for (size_t i = 0; left && n->again < m.again_max && i < n->stales; i++)
			try_again(n, &n->stale[i], left - 1);
		for (size_t i = 0; left && i < m.wishes; i++)
			if (!(n->wished & 1u << i)) try_wish(n, i, left - 1);
	}
	arena_rollback(w.arena, mark);
}

static enum err look_fn(const struct turn *u, void *arg)
{
	rows_take(u->t->store, arg);
	return ERR_OK;
}

void model_run(const char *name, unsigned depth)
{
	struct node *start = calloc(1, sizeof *start);

	assert_non_null(start);
	assert_int_equal(world_turn(&w, "buyer", NULL, STR_NONE, look_fn, start, NULL), ERR_OK);
	letters_find(start, NULL);
	start->now = w.now;
	w.around = around;
	explore(start, depth);
	w.around = NULL;
	free(start);
	print_message("%s: %lu states, %lu steps, %lu checks where no letter was under way, depth %u\n",
		      name, m.states, m.steps, m.quiet, depth);
	assert_true(m.states > 100 && m.quiet > 0);
}

struct str own_pid(const struct turn *u)
{
	const struct node *n = from;
	const char *who = arena_strdup(w.arena, u->self->id);

	if (m.transfer) {
		Ds__Transfer *x = row_of(n, DS_TABLE_transfer, who, 0, &ds__transfer__descriptor);
		return x ? str_of(x->pid) : STR("none");
	}
	Ds__Negotiation *x = row_of(n, DS_TABLE_negotiation, who, 0, &ds__negotiation__descriptor);
	return x ? str_of(x->pid) : STR("none");
}
