/* The ledger's public face, read as an outsider would: checkpoints, inclusion and consistency proofs are
 * verified here, and entries stay hidden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text64.h"
#include "base/writer.h"
#include "net/access.h"
#include "net/courier.h"
#include "net/ledger_face.h"
#include "tests/base/folder_remove.h"

enum { ENTRIES = 13 };

static struct {
	char folder[40];
	struct store *store;
	struct writer *writer;
	struct sign_key *key;
	struct ledger_face *face;
	struct net_server *server;
	struct courier *courier;
	struct arena *arena;
} site;

/* ---- the site ---- */

static enum err on_start(void *ctx, struct net_shard *s)
{
	struct store_txn *t;
	enum err e = store_read(site.store, &t);

	(void)ctx;
	if (!e) net_shard_set(s, 0, t);
	return e;
}

static void on_stop(void *ctx, struct net_shard *s)
{
	(void)ctx;
	store_read_end(net_shard_get(s, 0));
}

static struct store_txn *fresh(struct net_shard *s)
{
	struct store_txn *t = net_shard_get(s, 0);

	store_read_reset(t);
	assert_int_equal(store_read_renew(t), ERR_OK);
	return t;
}

static enum err on_guard(void *ctx, struct net_req *r, struct flaw *f)
{
	(void)ctx, (void)f;
	assert_int_equal(r->route->roles, ROLE_AUDITOR | ROLE_OPERATOR);
	return str_is(net_header(r, "authorization"), "Bearer auditor") ? ERR_OK : ERR_UNAUTHORISED;
}

struct appending {
	struct writer_cmd cmd;
	int number;
};

static enum err append_apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct appending *a = (struct appending *)c;
	char entry[40];
	int n = snprintf(entry, sizeof entry, "{\"n\":%d}", a->number);

	return ledger_append(t->ledger, t->store, str_n(entry, (size_t)n), NULL);
}

static void append(int number)
{
	struct appending a = {.cmd = {.apply = append_apply}, .number = number};

	assert_int_equal(writer_run(site.writer, &a.cmd), ERR_OK);
}

static int setup(void **state)
{
	static const struct store_table tables[] = {{"unused"}};
	struct store_options so = {.tables = tables, .tables_n = 1, .format = 1};
	struct writer_options wo = {.origin = "test.example/space"};
	struct courier_options co = {.allow_private = true};
	struct net_listener l = {.host = "127.0.0.1"};
	struct net_options no = {.listeners = &l, .listeners_n = 1, .shards = 1};
	struct flaw f = {0};

	(void)state;
	assert_int_equal(sign_setup(), ERR_OK);
	snprintf(site.folder, sizeof site.folder, "/tmp/kanhe-face-XXXXXX");
	assert_non_null(mkdtemp(site.folder));
	so.folder = site.folder;
	assert_int_equal(store_open(&so, &f, &site.store), ERR_OK);
	wo.store = site.store;
	assert_int_equal(writer_start(&wo, &site.writer), ERR_OK);
	site.key = sign_key_new();
	site.arena = arena_new(16 << 20);
	assert_int_equal(courier_start(&co, &site.courier), ERR_OK);
	assert_int_equal(ledger_face_open("space", writer_ledger(site.writer), fresh, site.key, &site.face),
			 ERR_OK);
	no.routes = ledger_face_routes(site.face);
	no.routes_n = 1;
	no.hooks = (struct net_hooks){.start = on_start, .stop = on_stop, .guard = on_guard};
	assert_int_equal(net_server_start(&no, &f, &site.server), ERR_OK);
	for (int i = 0; i < ENTRIES; i++) append(i);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	net_server_stop(site.server, 0);
	ledger_face_close(site.face);
	courier_stop(site.courier);
	writer_stop(site.writer);
	store_close(site.store);
	sign_key_free(site.key);
	arena_free(site.arena);
	folder_remove(site.folder);
	return 0;
}

/* ---- asking ---- */

struct asking {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
	int status;
	struct str body;
};

static void on_done(void *arg, const struct courier_result *r)
{
	struct asking *q = arg;

	pthread_mutex_lock(&q->lock);
	q->status = r->err ? -(int)r->err : r->status;
	q->body = arena_dup(site.arena, r->body);
	q->done = true;
	pthread_cond_signal(&q->ended);
	pthread_mutex_unlock(&q->lock);
}

static int ask(const char *path, const char *authorization, struct str *ret)
{
	struct asking q = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
	struct courier_header h = {"authorization", authorization};
	struct courier_req r = {
	    .method = "GET", .headers = &h, .headers_n = authorization ? 1 : 0, .done = on_done, .arg = &q};
	uint64_t ticket;

	r.url = arena_printf(site.arena, "http://127.0.0.1:%u/ledger/space/%s",
			     (unsigned)net_server_port(site.server, 0), path)
		    .p;
	assert_int_equal(courier_submit(site.courier, &r, &ticket), ERR_OK);
	pthread_mutex_lock(&q.lock);
	while (!q.done) pthread_cond_wait(&q.ended, &q.lock);
	pthread_mutex_unlock(&q.lock);
	*ret = q.body;
	return q.status;
}

static json_t *ask_json(const char *path, const char *authorization)
{
	struct str body;
	json_t *j;

	assert_int_equal(ask(path, authorization, &body), 200);
	assert_int_equal(json_read(site.arena, body, NULL, &j), ERR_OK);
	return j;
}

static struct checkpoint checkpoint(void)
{
	struct checkpoint c;
	struct str note;

	assert_int_equal(ask("checkpoint", NULL, &note), 200);
	assert_int_equal(checkpoint_verify(note, sign_public(site.key), NULL, &c), ERR_OK);
	return c;
}

static void take(const json_t *v, void *out, size_t n)
{
	struct str s;

	assert_int_equal(base64_parse(site.arena, json_text(v), &s), ERR_OK);
	assert_int_equal(s.n, n);
	memcpy(out, s.p, n);
}

static struct merkle_proof proof_of(json_t *j)
{
	struct merkle_proof p = {.n = json_array_size(json_object_get(j, "proof"))};

	for (size_t i = 0; i < p.n; i++)
		take(json_array_get(json_object_get(j, "proof"), i), p.hash[i].b, MERKLE_HASH);
	return p;
}

/* ---- tests ---- */

static void test_every_leaf_leads_to_the_checkpoint(void **state)
{
	struct checkpoint c = checkpoint();

	(void)state;
	assert_int_equal(c.size, ENTRIES);
	for (uint64_t i = 0; i < c.size; i++) {
		json_t *j = ask_json(arena_printf(site.arena, "leaf/%u", (unsigned)i).p, NULL);
		struct merkle_proof p = proof_of(j);
		struct merkle_hash leaf, root;

		take(json_object_get(j, "leaf_hash"), leaf.b, MERKLE_HASH);
		take(json_object_get(j, "root"), root.b, MERKLE_HASH);
		assert_memory_equal(root.b, c.root.b, MERKLE_HASH);
		assert_int_equal(merkle_verify_inclusion(&leaf, i, c.size, &p, &c.root), ERR_OK);
	}
}

static void test_entries_are_for_auditors(void **state)
{
	unsigned char salt[LEDGER_SALT];
	struct merkle_hash leaf, made;
	json_t *j = ask_json("leaf/3", NULL);

	(void)state;
	assert_null(json_object_get(j, "entry"));
	assert_null(json_object_get(j, "salt"));
	assert_null(json_object_get(ask_json("leaf/3", "Bearer someone"), "entry"));
	j = ask_json("leaf/3", "Bearer auditor");
	assert_string_equal(json_string_value(json_object_get(j, "entry")), "{\"n\":3}");
	take(json_object_get(j, "salt"), salt, sizeof salt);
	take(json_object_get(j, "leaf_hash"), leaf.b, MERKLE_HASH);
	made = ledger_leaf_hash(salt, STR("{\"n\":3}"));
	assert_memory_equal(made.b, leaf.b, MERKLE_HASH);
}

static void test_later_trees_hold_earlier_ones(void **state)
{
	struct checkpoint old = checkpoint(), now;
	struct merkle_proof p;
	json_t *j;

	(void)state;
	for (int i = 0; i < 6; i++) append(100 + i);
	now = checkpoint();
	assert_int_equal(now.size, old.size + 6);
	j = ask_json(
	    arena_printf(site.arena, "consistency?from=%u&to=%u", (unsigned)old.size, (unsigned)now.size).p,
	    NULL);
	p = proof_of(j);
	assert_int_equal(merkle_verify_consistency(old.size, now.size, &p, &old.root, &now.root), ERR_OK);
	/* an old leaf against the old tree */
	j = ask_json(arena_printf(site.arena, "leaf/2?size=%u", (unsigned)old.size).p, NULL);
	p = proof_of(j);
	take(json_object_get(j, "leaf_hash"), now.root.b, MERKLE_HASH);
	assert_int_equal(merkle_verify_inclusion(&now.root, 2, old.size, &p, &old.root), ERR_OK);
	assert_null(json_object_get(j, "root"));
}

static void test_refuses_what_is_not_there(void **state)
{
	static const struct {
		const char *path;
		int status;
	} cases[] = {{"leaf/1000", 404},        {"leaf/x", 404},
		     {"leaf/-1", 404},          {"leaf/1?size=1000", 400},
		     {"leaf/5?size=5", 404},    {"consistency?from=9&to=5", 400},
		     {"consistency?to=x", 400}, {"consistency?to=99999", 400},
		     {"entries", 404}};
	struct str body;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (ask(cases[i].path, NULL, &body) != cases[i].status)
			fail_msg("%s: %.*s", cases[i].path, STR_ARG(body));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_leaf_leads_to_the_checkpoint),
	    cmocka_unit_test(test_entries_are_for_auditors),
	    cmocka_unit_test(test_later_trees_hold_earlier_ones),
	    cmocka_unit_test(test_refuses_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
