#include "tests/dataspace/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/feed.h"
#include "base/hash.h"
#include "base/ledger.h"
#include "dataspace/document.h"
#include "dataspace/evidence.h"
#include "dataspace/participant.h"
#include "tests/base/folder_remove.h"

enum { WORLD_ARENA = 256 << 20 };

static void open_space(struct world *w)
{
	struct store_options so = {
	    .folder = w->folder, .tables = ds_tables, .tables_n = ds_tables_n, .format = DS_FORMAT};
	struct writer_options wo = {.origin = "node.example/space"};
	struct ds_options o = {.sealer = w->sealer,
			       .key = w->key,
			       .did = "did:web:node.example%3A8443",
			       .url = WORLD_URL,
			       .folder = w->folder,
			       .auto_agree = true};
	struct flaw f = {0};

	assert_int_equal(store_open(&so, &f, &w->store), ERR_OK);
	wo.store = w->store;
	assert_int_equal(writer_start(&wo, &w->writer), ERR_OK);
	o.store = w->store;
	o.writer = w->writer;
	assert_int_equal(ds_open(&o, &f, &w->d), ERR_OK);
}

static void close_space(struct world *w)
{
	writer_stop(w->writer);
	ds_close(w->d);
	store_close(w->store);
}

void world_open(struct world *w)
{
	static const char *const names[] = {"maker", "buyer", "thief"};
	char unlock[80];
	struct sign_lock lock = {.unlock_file = unlock};
	struct flaw f = {0};

	*w = (struct world){.folder = "/tmp/kanhe-world-XXXXXX", .now = INT64_C(1800000000) * USEC_PER_SEC};
	fake_plane = (struct fake_plane){.count_max = 0};
	assert_int_equal(sign_setup(), ERR_OK);
	assert_non_null(mkdtemp(w->folder));
	clock_fake(&w->now);
	(void)snprintf(unlock, sizeof unlock, "%s/unlock", w->folder);
	assert_int_equal(sign_unlock_file_make(unlock, &f), ERR_OK);
	assert_int_equal(sign_sealer_open(&lock, &f, &w->sealer), ERR_OK);
	w->key = sign_key_new();
	w->arena = arena_new(WORLD_ARENA);
	open_space(w);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_int_equal(
		    ds_participant_add(
			w->writer, w->sealer,
			&(struct ds_new_participant){WORLD_URL, str_of(names[i]), str_of(names[i]), false},
			&f),
		    ERR_OK);
}

void world_reopen(struct world *w)
{
	close_space(w);
	open_space(w);
}

void world_close(struct world *w)
{
	close_space(w);
	sign_sealer_close(w->sealer);
	sign_key_free(w->key);
	arena_free(w->arena);
	clock_fake(NULL);
	folder_remove(w->folder);
}

/* ---- commands ---- */

struct command {
	struct writer_cmd cmd;
	struct world *w;
	const char *participant, *who;
	struct str message;
	world_fn *fn;
	void *arg;
	struct flaw flaw;
	struct ds_fx fx;
	enum err result; /* with around */
};

static struct ds_did *doc_of(struct world *w, struct store_txn *t, const char *participant)
{
	struct ds_did *doc = ARENA_NEW(w->arena, struct ds_did);
	const struct ds_self *self;
	struct flaw f = {0};

	assert_int_equal(ds_self_find(w->d, t, str_of(participant), &self), ERR_OK);
	assert_int_equal(document_parse(w->arena, document_write(w->arena, w->d, self), self->did, &f, doc),
			 ERR_OK);
	return doc;
}

/* As from the wire: with a token of the sender. */
static void evidence_of(struct world *w, const struct turn *u, const struct ds_self *from,
			struct str message, struct evidence_in *ret)
{
	struct ds_peer peer = {.did = from->did, .doc = u->doc, .method = str_of(from->kid)};
	json_t *j;

	assert_int_equal(json_read(w->arena, message, NULL, &j), ERR_OK);
	assert_int_equal(ds_token_make(w->d, from, u->self->did, w->arena, &peer.bearer), ERR_OK);
	peer.bearer = str_skip(peer.bearer, 7); /* "Bearer " */
	memcpy(peer.key.pub, sign_public(from->key), SIGN_PUBLIC);
	assert_int_equal(
	    evidence_receive(w->arena, &peer, json_string_value(json_object_get(j, "@type")), message, ret),
	    ERR_OK);
}

static enum err command_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct command *x = (struct command *)c;
	unsigned char digest[HASH_SHA256];
	struct turn u = {.d = x->w->d, .t = t, .fx = &x->fx, .a = x->w->arena, .flaw = &x->flaw};
	const struct ds_self *peer;
	struct evidence_in evidence;
	enum err e;

	ds_fx_init(&x->fx, x->w->arena);
	x->flaw = (struct flaw){0};
	e = ds_self_find(x->w->d, t->store, str_of(x->participant), &u.self);
	if (e) return e;
	u.who = STR("owner");
	if (x->who) {
		assert_int_equal(ds_self_find(x->w->d, t->store, str_of(x->who), &peer), ERR_OK);
		hash_sha256(x->message, digest);
		u.who = peer->did;
		u.partner = true;
		u.claims = x->w->claims;
		u.doc = doc_of(x->w, t->store, x->who);
		u.digest = digest;
		if (x->w->evidence) {
			evidence_of(x->w, &u, peer, x->message, &evidence);
			u.evidence = &evidence;
		}
	}
	if (x->w->around) {
		x->result = x->w->around(&u, x->fn, x->arg);
		return ERR_BUSY; /* so that the store forgets it */
	}
	e = x->fn(&u, x->arg);
	return e ? e : x->fx.err;
}

enum err world_turn(struct world *w, const char *participant, const char *who, struct str message,
		    world_fn *fn, void *arg, struct flaw *f)
{
	struct command x = {.cmd = {.apply = command_apply},
			    .w = w,
			    .participant = participant,
			    .who = who,
			    .message = message,
			    .fn = fn,
			    .arg = arg};
	enum err e = writer_run(w->writer, &x.cmd);

	if (w->around) e = x.result;
	if (!e && !w->around) ds_fx_run(w->d, &x.fx);
	if (f) *f = x.flaw;
	return e;
}

/* ---- datasets ---- */

struct publish {
	const char *id, *policy;
};

static enum err publish_fn(const struct turn *u, void *arg)
{
	struct publish *p = arg;
	unsigned char digest[32];
	Ds__Dataset s;
	struct ds_key k = ds_key(u->self->id, str_of(p->id), STR_NONE);

	hash_sha256(str_of(p->id), digest);
	ds__dataset__init(&s);
	s.format = 1;
	s.id = turn_text(u, str_of(p->id));
	s.title = turn_text(u, STR("a dataset"));
	s.media_type = turn_text(u, STR("text/csv"));
	s.policy = turn_text(u, str_of(p->policy));
	s.revision = 1;
	s.offer_id = turn_text(u, arena_printf(u->a, "offer:%s:1", p->id));
	s.digest = (ProtobufCBinaryData){32, digest};
	s.size = 4096;
	return ds_row_put(u->t, DS_TABLE_dataset, &k, &s.base);
}

void world_publish(struct world *w, const char *id, const char *policy)
{
	struct publish p = {id, policy};

	assert_int_equal(world_turn(w, "maker", NULL, STR_NONE, publish_fn, &p, NULL), ERR_OK);
}

static struct store_txn *reader(struct world *w)
{
	struct store_txn *t;

	assert_int_equal(store_read(w->store, &t), ERR_OK);
	return t;
}

const char *world_offer(struct world *w, const char *id)
{
	struct store_txn *t = reader(w);
	Ds__Dataset *s;

	assert_int_equal(ds_dataset_find(t, w->arena, STR("maker"), str_of(id), &s), ERR_OK);
	store_read_end(t);
	return s->offer_id;
}

struct wanting {
	struct world *w;
	const char *dataset, *pid;
};

static enum err want_fn(const struct turn *u, void *arg)
{
	struct wanting *x = arg;
	struct negotiation_wish wish = {.dataset = str_of(x->dataset)};
	const struct ds_self *maker;
	Ds__Negotiation *n;
	Ds__Dataset *s;
	enum err e = ds_self_find(u->d, u->t->store, STR("maker"), &maker);

	if (!e) e = ds_dataset_find(u->t->store, u->a, STR("maker"), wish.dataset, &s);
	if (!e) e = json_read(u->a, str_of(s->policy), u->flaw, &wish.offer);
	if (e) return e;
	wish.offer_id = str_of(s->offer_id);
	wish.provider = maker->did;
	wish.base = arena_printf(u->a, "%s" DS_DSP_PATH, maker->base);
	e = negotiation_start(u, &wish, &n);
	if (!e) x->pid = arena_strdup(x->w->arena, str_of(n->pid));
	return e;
}

const char *world_negotiate(struct world *w, const char *dataset)
{
	struct wanting x = {w, dataset, NULL};

	assert_int_equal(world_turn(w, "buyer", NULL, STR_NONE, want_fn, &x, NULL), ERR_OK);
	return x.pid;
}

/* ---- messages ---- */

struct collecting {
	struct world *w;
	struct letter_copy *out;
	size_t n, max;
};

static char *keep(struct world *w, const char *z)
{
	return arena_strdup(w->arena, str_of(z));
}

static enum err collect(void *arg, const Ds__Outbox *e)
{
	struct collecting *c = arg;

	assert_true(c->n < c->max);
	c->out[c->n++] = (struct letter_copy){.seq = e->seq,
					      .participant = keep(c->w, e->participant),
					      .peer = keep(c->w, e->peer),
					      .url = keep(c->w, e->url),
					      .body = keep(c->w, e->body),
					      .kind = e->kind,
					      .target = e->target,
					      .attempts = e->attempts,
					      .due = e->due};
	return ERR_OK;
}

static int by_seq(const void *a, const void *b)
{
	const struct letter_copy *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

size_t world_letters(struct world *w, struct letter_copy *out, size_t max)
{
	struct collecting c = {w, out, 0, max};
	struct arena *a = arena_new(16 << 20);
	struct store_txn *t = reader(w);

	assert_int_equal(outbox_each(t, a, collect, &c), ERR_OK);
	store_read_end(t);
	arena_free(a);
	qsort(out, c.n, sizeof *out, by_seq);
	return c.n;
}

static const struct {
	const char *end;
	enum dsp_type type;
	bool transfer, first;
} paths[] = {
    {"/negotiations/request", DSP_CONTRACT_REQUEST, false, true},
    {"/negotiations/offers", DSP_CONTRACT_OFFER, false, true},
    {"/transfers/request", DSP_TRANSFER_REQUEST, true, true},
    {"/request", DSP_CONTRACT_REQUEST, false, false},
    {"/offers", DSP_CONTRACT_OFFER, false, false},
    {"/events", DSP_NEGOTIATION_EVENT, false, false},
    {"/agreement", DSP_CONTRACT_AGREEMENT, false, false},
    {"/agreement/verification", DSP_AGREEMENT_VERIFICATION, false, false},
    {"/start", DSP_TRANSFER_START, true, false},
    {"/completion", DSP_TRANSFER_COMPLETION, true, false},
    {"/suspension", DSP_TRANSFER_SUSPENSION, true, false},
};

struct posting {
	struct world *w;
	enum dsp_type type;
	bool transfer;
	struct str pid;
	struct negotiation_message negotiation;
	struct transfer_message message;
	int status;
	struct str body;
};

static enum err post_fn(const struct turn *u, void *arg)
{
	struct posting *p = arg;
	struct transfer_denial denial = {.err = ERR_OK};
	Ds__Negotiation *n;
	Ds__Transfer *x;
	json_t *out = NULL;
	bool fresh;
	enum err e;

	if (p->transfer) {
		e = transfer_receive(u, p->pid, &p->message, &x, &fresh, &denial);
		if (!e && !denial.err) out = transfer_write(u->a, x);
	} else {
		e = negotiation_receive(u, p->pid, &p->negotiation, &n, &fresh);
		if (!e) out = negotiation_write(u->a, n);
	}
	if (e) return e;
	p->status = denial.err ? err_http(denial.err) : fresh ? 201 : 200;
	p->body = out ? json_write(u->a, out, false)
		      : arena_printf(u->a, "{\"code\":\"%.*s\",\"reason\":[\"%.*s\"]}",
				     STR_ARG(denial.code), STR_ARG(denial.reason));
	return ERR_OK;
}

static enum err posting_read(struct posting *p, const char *path, struct str body, struct flaw *f)
{
	bool transfer_path = strstr(path, "/transfers/") != NULL, found = false;
	const char *slash;
	json_t *j;
	enum err e;

	for (size_t i = 0; i < sizeof paths / sizeof *paths && !found; i++) {
		if (paths[i].first ? strcmp(path, paths[i].end)
				   : !str_ends(str_of(path), str_of(paths[i].end)))
			continue;
		found = true;
		p->type = paths[i].type;
		p->transfer = paths[i].transfer;
		p->pid = paths[i].first ? STR_NONE : STR("?");
	}
	if (!found) {
		assert_true(str_ends(str_of(path), STR("/termination")));
		p->transfer = transfer_path;
		p->type = transfer_path ? DSP_TRANSFER_TERMINATION : DSP_NEGOTIATION_TERMINATION;
		p->pid = STR("?");
	}
	if (p->pid.n) { /* "/negotiations/<pid>/…" */
		slash = strchr(path + 1, '/') + 1;
		p->pid = str_n(slash, strcspn(slash, "/"));
	}
	e = json_read(p->w->arena, body, f, &j);
	if (e) return e;
	return p->transfer ? transfer_message_parse(j, p->type, f, &p->message)
			   : negotiation_message_parse(j, p->type, f, &p->negotiation);
}

int world_post(struct world *w, const char *participant, const char *who, const char *path,
	       const char *body, struct str *ret_body)
{
	struct posting p = {.w = w};
	struct flaw f = {0};
	enum err e = posting_read(&p, path, str_of(body), &f);

	if (!e) e = world_turn(w, participant, who, str_of(body), post_fn, &p, &f);
	if (!e) {
		if (ret_body) *ret_body = p.body;
		return p.status;
	}
	if (ret_body)
		*ret_body = arena_printf(w->arena, "{\"code\":\"%s\",\"reason\":[\"%s: %s (%s)\"]}",
					 err_name(e), f.at, f.text, f.rule);
	return err_http(e);
}

static const char *name_of_did(const char *did)
{
	return strrchr(did, ':') + 1;
}

int world_deliver(struct world *w, const struct letter_copy *l, struct str *ret_body)
{
	const char *path = strstr(l->url, DS_DSP_PATH);

	assert_non_null(path);
	return world_post(w, name_of_did(l->peer), l->participant, path + strlen(DS_DSP_PATH), l->body,
			  ret_body);
}

struct answering {
	const struct letter_copy *l;
	int status;
	struct str body;
};

static enum err answer_fn(const struct turn *u, void *arg)
{
	struct answering *x = arg;

	return outbox_answered(u->d, u->t, u->fx, u->a, str_of(x->l->participant), x->l->seq, x->status,
			       x->body, x->status ? STR("refused") : STR("nobody answered"));
}

void world_answer(struct world *w, const struct letter_copy *l, int status, struct str body)
{
	struct answering x = {l, status, body};

	assert_int_equal(world_turn(w, l->participant, NULL, STR_NONE, answer_fn, &x, NULL), ERR_OK);
}

unsigned world_settle(struct world *w)
{
	struct letter_copy l[32];
	unsigned carried = 0;

	while (world_letters(w, l, 32)) {
		struct str body;
		int status;

		assert_true(carried < 200); /* a conversation that does not end */
		w->now = l[0].due > w->now ? l[0].due : w->now + 1000;
		status = world_deliver(w, &l[0], &body);
		world_answer(w, &l[0], status, body);
		carried++;
	}
	return carried;
}

/* ---- looking ---- */

Ds__Negotiation *world_negotiation(struct world *w, const char *participant, const char *pid)
{
	struct store_txn *t = reader(w);
	Ds__Negotiation *n = NULL;

	(void)!negotiation_find(t, w->arena, str_of(participant), str_of(pid), &n);
	store_read_end(t);
	return n;
}

Ds__Transfer *world_transfer(struct world *w, const char *participant, const char *pid)
{
	struct store_txn *t = reader(w);
	Ds__Transfer *x = NULL;

	(void)!ds_transfer_find(t, w->arena, str_of(participant), str_of(pid), &x);
	store_read_end(t);
	return x;
}

Ds__Agreement *world_agreement(struct world *w, const char *participant, const char *id)
{
	struct store_txn *t = reader(w);
	Ds__Agreement *g = NULL;

	(void)!ds_agreement_find(t, w->arena, str_of(participant), str_of(id), &g);
	store_read_end(t);
	return g;
}

struct world_mark world_mark(struct world *w)
{
	struct store_txn *t = reader(w);
	struct feed *feed = writer_feed(w->writer);
	struct world_mark m = {.ledger = ledger_size(t)};

	assert_int_equal(feed->driver->head(feed, t, &m.feed), ERR_OK);
	store_read_end(t);
	return m;
}

void world_assert_unchanged(struct world *w, struct world_mark before)
{
	struct world_mark now = world_mark(w);

	assert_int_equal(now.ledger, before.ledger);
	assert_int_equal(now.feed, before.feed);
}

Ds__Negotiation *world_makers(struct world *w, const char *pid)
{
	Ds__Negotiation *n = world_negotiation(w, "buyer", pid);

	assert_non_null(n);
	return world_negotiation(w, "maker", n->peer_pid);
}

bool text_has(struct str s, const char *part)
{
	return memmem(s.p, s.n, part, strlen(part)) != NULL;
}

const char *world_did(struct world *w, const char *participant)
{
	struct store_txn *t = reader(w);
	const struct ds_self *self;

	assert_int_equal(ds_self_find(w->d, t, str_of(participant), &self), ERR_OK);
	store_read_end(t);
	return self->did.p;
}
