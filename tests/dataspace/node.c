#include "tests/dataspace/node.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/feed.h"
#include "base/hash.h"
#include "base/ledger.h"
#include "dataspace/dataplane.h"

static const struct store_table access_tables[] = {{"credential"}};

/* ---- the server's hooks ---- */

static enum err hook_start(void *ctx, struct net_shard *s)
{
	struct node *n = ctx;
	struct store_txn *t;
	enum err e = ds_shard_start(n->d, s);

	if (e) return e;
	e = store_read(n->access_store, &t);
	if (e) return e;
	net_shard_set(s, 0, t);
	return ERR_OK;
}

static void hook_turn(void *ctx, struct net_shard *s)
{
	struct node *n = ctx;

	ds_shard_turn(n->d, s);
}

static void hook_idle(void *ctx, struct net_shard *s)
{
	struct node *n = ctx;

	ds_shard_idle(n->d, s);
}

static void hook_stop(void *ctx, struct net_shard *s)
{
	struct node *n = ctx;

	store_read_end(net_shard_get(s, 0));
	ds_shard_stop(n->d, s);
}

static enum err hook_guard(void *ctx, struct net_req *r, struct flaw *f)
{
	struct store_txn *t = net_shard_get(r->shard, 0);
	enum err e;

	(void)ctx;
	store_read_reset(t);
	e = store_read_renew(t);
	return e ? e : access_guard(t, STORE_APP, r, f);
}

/* ---- life ---- */

static uint16_t free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static void open_stores(struct node *n)
{
	struct store_options so = {
	    .folder = n->folder, .tables = ds_tables, .tables_n = ds_tables_n, .format = DS_FORMAT};
	struct store_options ao = {
	    .folder = n->access_folder, .tables = access_tables, .tables_n = 1, .format = 1};
	struct writer_options wo = {.origin = "node.test/space"}, xo = {.origin = "node.test/registry"};
	struct flaw f = {0};

	assert_int_equal(store_open(&so, &f, &n->store), ERR_OK);
	assert_int_equal(store_open(&ao, &f, &n->access_store), ERR_OK);
	wo.store = n->store;
	xo.store = n->access_store;
	assert_int_equal(writer_start(&wo, &n->writer), ERR_OK);
	assert_int_equal(writer_start(&xo, &n->access_writer), ERR_OK);
}

void node_start(struct node *n)
{
	struct net_listener l = {.host = "127.0.0.1", .port = n->port};
	struct net_options no = {.listeners = &l, .listeners_n = 1, .shards = n->shards};
	struct courier_options co = {.allow_private = true};
	struct ds_options o = {.sealer = n->sealer,
			       .key = n->key,
			       .did = "did:web:node.test",
			       .url = n->url,
			       .folder = n->folder,
			       .auto_agree = !n->manual,
			       .dsp = n->dsp,
			       .kit = n->kit};
	struct flaw f = {0};

	open_stores(n);
	assert_int_equal(courier_start(&co, &n->courier), ERR_OK);
	o.store = n->store;
	o.writer = n->writer;
	o.courier = n->courier;
	assert_int_equal(ds_open(&o, &f, &n->d), ERR_OK);
	no.routes = ds_routes(n->d, &no.routes_n);
	no.hooks = (struct net_hooks){n, hook_start, hook_turn, hook_idle, hook_stop, hook_guard};
	assert_int_equal(net_server_start(&no, &f, &n->server), ERR_OK);
	assert_int_equal(ds_start(n->d, n->server), ERR_OK);
}

void node_stop(struct node *n)
{
	ds_quiesce(n->d);
	net_server_stop(n->server, 100 * USEC_PER_MSEC);
	courier_stop(n->courier);
	if (n->stopped) n->stopped(n);
	writer_stop(n->writer);
	writer_stop(n->access_writer);
	ds_close(n->d);
	store_close(n->store);
	store_close(n->access_store);
}

void node_open(struct node *n, const char *const *participants, size_t participants_n, unsigned shards)
{
	char unlock[96];
	struct sign_lock lock = {.unlock_file = unlock};
	struct courier_options co = {.allow_private = true};
	struct flaw f = {0};

	*n = (struct node){.folder = "/tmp/kanhe-node-XXXXXX", .port = free_port(), .shards = shards};
	assert_int_equal(sign_setup(), ERR_OK);
	assert_non_null(mkdtemp(n->folder));
	(void)snprintf(n->access_folder, sizeof n->access_folder, "%s/access", n->folder);
	(void)snprintf(n->url, sizeof n->url, "http://127.0.0.1:%u", (unsigned)n->port);
	(void)snprintf(unlock, sizeof unlock, "%s/unlock", n->folder);
	assert_int_equal(sign_unlock_file_make(unlock, &f), ERR_OK);
	assert_int_equal(sign_sealer_open(&lock, &f, &n->sealer), ERR_OK);
	n->key = sign_key_new();
	n->arena = arena_new(256 << 20);
	assert_int_equal(courier_start(&co, &n->client), ERR_OK);
	node_start(n);
	for (size_t i = 0; i < participants_n; i++)
		assert_int_equal(
		    ds_participant_add(n->writer, n->sealer,
				       &(struct ds_new_participant){n->url, str_of(participants[i]),
								    str_of(participants[i]), false},
				       &f),
		    ERR_OK);
}

static void remove_all(const char *folder)
{
	pid_t child = fork();

	if (!child) {
		execl("/bin/rm", "rm", "-rf", folder, (char *)NULL);
		_exit(127);
	}
}

void node_close(struct node *n)
{
	node_stop(n);
	courier_stop(n->client);
	sign_sealer_close(n->sealer);
	sign_key_free(n->key);
	arena_free(n->arena);
	remove_all(n->folder);
}

/* ---- credentials ---- */

struct granting {
	struct writer_cmd cmd;
	struct principal p;
	unsigned char sum[32];
};

static enum err grant_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct granting *g = (struct granting *)c;

	return access_grant(t, STORE_APP, STR("test"), str_n(g->sum, sizeof g->sum), &g->p);
}

const char *node_token(struct node *n, const char *name, uint32_t roles, const char *scope)
{
	struct granting g = {.cmd = {.apply = grant_apply}, .p = {roles, str_of(name), str_of(scope), 0}};
	char *token = arena_alloc(n->arena, ACCESS_TOKEN_TEXT);

	access_token_make(token);
	access_token_hash(str_of(token), g.sum);
	assert_int_equal(writer_run(n->access_writer, &g.cmd), ERR_OK);
	return token;
}

/* ---- calls ---- */

struct calling {
	struct node *n;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
	struct answer answer;
};

static void call_done(void *arg, const struct courier_result *r)
{
	struct calling *c = arg;

	pthread_mutex_lock(&c->lock);
	c->answer.status = r->err ? -(int)r->err : r->status;
	c->answer.body = arena_dup(c->n->arena, r->body);
	c->done = true;
	pthread_cond_signal(&c->ended);
	pthread_mutex_unlock(&c->lock);
}

struct answer node_call(struct node *n, const char *method, const char *path, const char *authorization,
			const char *body)
{
	struct calling c = {.n = n, .lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
	struct courier_header h[2] = {{"content-type", "application/json"},
				      {"authorization", authorization}};
	struct courier_req q = {.method = method,
				.headers = h,
				.headers_n = authorization ? 2 : 1,
				.body = str_of(body),
				.done = call_done,
				.arg = &c,
				.deadline = NODE_SILENCE_SECONDS * USEC_PER_SEC};
	uint64_t ticket;

	q.url = arena_printf(n->arena, "%s%s", n->url, path).p;
	assert_int_equal(courier_submit(n->client, &q, &ticket), ERR_OK);
	pthread_mutex_lock(&c.lock);
	while (!c.done) pthread_cond_wait(&c.ended, &c.lock);
	pthread_mutex_unlock(&c.lock);
	if (json_read(n->arena, c.answer.body, NULL, &c.answer.json)) c.answer.json = NULL;
	return c.answer;
}

struct answer node_manage(struct node *n, const char *token, const char *method, const char *path,
			  const char *body)
{
	return node_call(n, method, path, token ? arena_printf(n->arena, "Bearer %s", token).p : NULL,
			 body);
}

const char *answer_text(const struct answer *a, const char *member)
{
	const char *s = json_string_value(json_object_get(a->json, member));

	return s ? s : "";
}

static bool is_one_of(const char *state, const char *states)
{
	struct str left = str_of(states), one;

	while (str_split(&left, ',', &one))
		if (str_is(one, state)) return true;
	return false;
}

struct answer node_await(struct node *n, const char *token, const char *path, const char *states)
{
	usec_t until = clock_mono() + NODE_PATIENCE_SECONDS * USEC_PER_SEC;
	struct answer a;

	do {
		a = node_manage(
		    n, token, "GET",
		    arena_printf(n->arena, "%s?wait=%s&timeout=%d", path, states, NODE_POLL_SECONDS).p,
		    NULL);
		assert_int_equal(a.status, 200);
		if (is_one_of(answer_text(&a, "state"), states)) return a;
	} while (clock_mono() < until);
	fail_msg("%s is never %s: %.*s", path, states, STR_ARG(a.body));
	return a;
}

/* ---- participants ---- */

const struct ds_self *node_self(struct node *n, const char *participant)
{
	const struct ds_self *self;
	struct store_txn *t;

	assert_int_equal(store_read(n->store, &t), ERR_OK);
	assert_int_equal(ds_self_find(n->d, t, str_of(participant), &self), ERR_OK);
	store_read_end(t);
	return self;
}

const char *node_did(struct node *n, const char *participant)
{
	return node_self(n, participant)->did.p;
}

const char *node_partner_token(struct node *from, const char *participant, const char *audience)
{
	struct str token;

	assert_int_equal(
	    ds_token_make(from->d, node_self(from, participant), str_of(audience), from->arena, &token),
	    ERR_OK);
	return token.p;
}

struct filling {
	struct writer_cmd cmd;
	struct node *n;
	const char *participant, *dataset;
};

static enum err fill_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct filling *x = (struct filling *)c;
	unsigned char digest[32];

	hash_sha256(str_of(x->dataset), digest);
	return ds_dataset_content_set(t, x->n->arena, str_of(x->participant), str_of(x->dataset), digest,
				      1000, STR("text/csv"), STR("test"));
}

void node_content(struct node *n, const char *participant, const char *dataset)
{
	struct filling x = {
	    .cmd = {.apply = fill_apply}, .n = n, .participant = participant, .dataset = dataset};

	assert_int_equal(writer_run(n->writer, &x.cmd), ERR_OK);
}

struct node_mark node_mark(struct node *n)
{
	struct feed *feed = writer_feed(n->writer);
	struct node_mark m;
	struct store_txn *t;

	assert_int_equal(store_read(n->store, &t), ERR_OK);
	m.ledger = ledger_size(t);
	assert_int_equal(feed->driver->head(feed, t, &m.feed), ERR_OK);
	store_read_end(t);
	return m;
}
