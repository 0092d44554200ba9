/* Idempotency keys: a repeated request gives its answer again, and makes no change again. */
#include "tests/resolver/desk.h"

#include "resolver/idempotency.h"

#define BODY(data) "{\"values\":[{\"type\":\"URL\",\"data\":\"" data "\"}]}"

static struct http_reply call(const char *method, const char *path, const char *body, const char *key,
			      const char *more)
{
	char header[400];
	snprintf(header, sizeof header, "idempotency-key: %s", key);
	return http_call(&node, &(struct http_call){.method = method,
						    .path = path,
						    .token = registrar,
						    .headers = {header, more},
						    .body = body ? str_of(body) : STR_NONE});
}

static bool repeated(const struct http_reply *r)
{
	return str_is(http_header(r, "idempotency-replayed"), "true");
}

/* A counter of /metrics. */
static uint64_t counted(const char *name)
{
	struct buf out = BUF_INIT(1 << 20);
	char line[96];
	uint64_t n = 0;
	rs_metrics(node.rs, &out);
	buf_byte(&out, 0);
	snprintf(line, sizeof line, "\nkanhe_resolver_%s_total ", name);
	const char *at = strstr(out.p, line);
	assert_non_null(at);
	struct str digits = str_of(at + strlen(line));
	assert_int_equal(str_u64(str_first(digits, str_find(digits, '\n')), &n), ERR_OK);
	buf_done(&out);
	return n;
}

/* Each route that changes the registry: the second request gives the first one's answer, octet for octet.
 */
static void every_changing_route_answers_again(void **state)
{
	static const struct {
		const char *method, *path, *body, *key, *more;
		int status;
	} cases[] = {
	    {"PUT", "/registry/88.118.8/i1", BODY("1"), "k-put", "if-none-match: *", 201},
	    {"PATCH", "/registry/88.118.8/i1",
	     "{\"operations\":[{\"op\":\"add\",\"value\":{\"type\":\"T\",\"data\":\"x\"}}]}", "\"k-patch\"",
	     "if-match: \"1\"", 200},
	    {"POST", "/registry", "{\"records\":[{\"id\":\"88.118.8/i2\",\"values\":[]}]}", "k-post",
	     "if-none-match: *", 200},
	    {"DELETE", "/registry/88.118.8/i1?reason=gone", NULL, "k-delete", NULL, 200},
	};
	uint64_t feed, ledger, feed2, ledger2;
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_reply a =
		    call(cases[i].method, cases[i].path, cases[i].body, cases[i].key, cases[i].more);
		EXPECT(a, cases[i].status);
		assert_false(repeated(&a));
		site_heads(&node, &feed, &ledger);
		struct http_reply b =
		    call(cases[i].method, cases[i].path, cases[i].body, cases[i].key, cases[i].more);
		EXPECT(b, cases[i].status);
		assert_true(repeated(&b));
		assert_true(str_eq(a.body, b.body));
		assert_true(str_eq(http_header(&a, "etag"), http_header(&b, "etag")));
		assert_true(str_eq(http_header(&a, "content-type"), http_header(&b, "content-type")));
		site_heads(&node, &feed2, &ledger2);
		assert_int_equal(feed, feed2);
		assert_int_equal(ledger, ledger2);
		assert_int_equal(counted("changes"), i + 1);
		assert_int_equal(counted("repeated"), i + 1);
		http_done(&a);
		http_done(&b);
	}
}

static void same_key_with_another_request_is_refused(void **state)
{
	static const struct {
		const char *method, *path, *body, *more;
	} others[] = {
	    {"PUT", "/registry/88.118.8/i3", BODY("2"), NULL},
	    {"PUT", "/registry/88.118.8/i4", BODY("1"), NULL},
	    {"PUT", "/registry/88.118.8/i3", BODY("1"), "if-match: \"1\""},
	    {"DELETE", "/registry/88.118.8/i3", NULL, NULL},
	};
	(void)state;
	struct http_reply r = call("PUT", "/registry/88.118.8/i3", BODY("1"), "k3", NULL);
	EXPECT(r, 201);
	http_done(&r);
	for (size_t i = 0; i < COUNT(others); i++) {
		r = call(others[i].method, others[i].path, others[i].body, "k3", others[i].more);
		EXPECT(r, 409);
		assert_string_equal(http_text(&r, "rule"), "idempotency-key");
		http_done(&r);
	}
	r = get(NULL, "/resolve/88.118.8/i4");
	EXPECT(r, 404);
	http_done(&r);
	/* another credential's key of that name is another key */
	r = http_call(&node, &(struct http_call){.method = "PUT",
						 .path = "/registry/88.118.8.2/i3",
						 .token = enterprise,
						 .headers = {"idempotency-key: k3"},
						 .body = STR(BODY("1"))});
	EXPECT(r, 201);
	http_done(&r);
}

/* What was refused is decided anew: the key is free. Whoever may not, does not learn what was answered. */
static void refusals_are_not_kept(void **state)
{
	(void)state;
	struct http_reply r = call("PUT", "/registry/88.118.8/i5", BODY("1"), "k5", "if-match: \"1\"");
	EXPECT(r, 412);
	http_done(&r);
	assert_int_equal(site_register(&node, registrar, "88.118.8/i5", "0"), 201);
	r = call("PUT", "/registry/88.118.8/i5", BODY("1"), "k5", "if-match: \"1\"");
	EXPECT(r, 200);
	assert_false(repeated(&r));
	http_done(&r);
	r = http_call(&node, &(struct http_call){.method = "PUT",
						 .path = "/registry/88.118.8/i5",
						 .token = enterprise,
						 .headers = {"idempotency-key: k5"},
						 .body = STR(BODY("1"))});
	EXPECT(r, 403);
	http_done(&r);
}

static void malformed_keys_are_explained(void **state)
{
	static const char *const bad[] = {"\"\"", "two words", "quo\"te", "back\\slash", "caf\xc3\xa9"};
	char path[64], long_key[300];
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(path, sizeof path, "/registry/88.118.8/bad%zu", i);
		struct http_reply r = call("PUT", path, BODY("1"), bad[i], NULL);
		EXPECT(r, 400);
		assert_string_equal(http_text(&r, "field"), "idempotency-key");
		http_done(&r);
	}
	memset(long_key, 'k', sizeof long_key);
	long_key[IDEMPOTENCY_KEY_MAX + 1] = 0;
	struct http_reply r = call("PUT", "/registry/88.118.8/bad", BODY("1"), long_key, NULL);
	EXPECT(r, 400);
	http_done(&r);
	long_key[IDEMPOTENCY_KEY_MAX] = 0;
	r = call("PUT", "/registry/88.118.8/bad", BODY("1"), long_key, NULL);
	EXPECT(r, 201);
	http_done(&r);
}

/* ---- the table itself -------------------------------------------------------------------- */

struct keeping {
	struct writer_cmd cmd;
	usec_t now;
	unsigned from, n;
	bool look; /* else keep */
	struct idempotency last;
	struct arena *arena;
};

static void key_of(unsigned i, struct idempotency *k)
{
	char text[32];
	*k = (struct idempotency){.keyed = true, .told = {200, i, STR("{}")}};
	snprintf(text, sizeof text, "%u", i);
	k->row[0] = 1;
	hash_sha256(str_of(text), k->row + 1);
}

static enum err apply(struct writer_cmd *c, struct writer_txn *t)
{
	struct keeping *k = (struct keeping *)c;
	struct writer_txn then = {.store = t->store, .ledger = t->ledger, .now = k->now};
	enum err e = ERR_OK;
	for (unsigned i = 0; i < k->n && !e; i++) {
		key_of(k->from + i, &k->last);
		e = k->look ? idempotency_look(&k->last, &then, k->arena, NULL)
			    : idempotency_keep(&k->last, &then);
	}
	return e;
}

static void keep(usec_t now, unsigned from, unsigned n)
{
	struct keeping k = {.cmd = {.apply = apply}, .now = now, .from = from, .n = n};
	assert_int_equal(writer_run(node.writer, &k.cmd), ERR_OK);
}

static bool kept(usec_t now, unsigned i)
{
	struct keeping k = {
	    .cmd = {.apply = apply}, .now = now, .from = i, .n = 1, .look = true, .arena = arena_new(4096)};
	assert_int_equal(writer_run(node.writer, &k.cmd), ERR_OK);
	if (k.last.repeated) assert_int_equal(k.last.told.revision, i);
	arena_free(k.arena);
	return k.last.repeated;
}

static uint64_t rows(void)
{
	struct store_txn *t;
	assert_int_equal(store_read(node.store, &t), ERR_OK);
	uint64_t n = store_count(t, RS_TABLE_idempotency);
	store_read_end(t);
	return n;
}

static void keys_last_their_term_and_then_go(void **state)
{
	usec_t now = clock_wall() + 10 * USEC_PER_DAY;
	(void)state;
	keep(now, 1000, 100);
	assert_true(kept(now + IDEMPOTENCY_TERM - 1, 1000));
	assert_false(kept(now + IDEMPOTENCY_TERM, 1000));
	/* a key whose term has ended may be used again, and lasts its term anew */
	usec_t later = now + IDEMPOTENCY_TERM;
	keep(later, 1050, 1);
	assert_true(kept(later + 1, 1050));
	/* each new one takes old ones along; what is in its term stays */
	keep(later, 2000, 100);
	keep(later, 3000, 100);
	assert_true(rows() <= 2 * (1 + 200));
	assert_true(kept(later + 1, 1050));
	assert_true(kept(later + 1, 2000) && kept(later + 1, 3099));
}

static void keys_survive_a_restart(void **state)
{
	(void)state;
	struct http_reply a = call("PUT", "/registry/88.118.8/i6", BODY("1"), "k6", NULL);
	EXPECT(a, 201);
	site_restart(&node);
	struct http_reply b = call("PUT", "/registry/88.118.8/i6", BODY("1"), "k6", NULL);
	EXPECT(b, 201);
	assert_true(repeated(&b));
	assert_true(str_eq(a.body, b.body));
	http_done(&a);
	http_done(&b);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(every_changing_route_answers_again),
	    cmocka_unit_test(same_key_with_another_request_is_refused),
	    cmocka_unit_test(refusals_are_not_kept),
	    cmocka_unit_test(malformed_keys_are_explained),
	    cmocka_unit_test(keys_last_their_term_and_then_go),
	    cmocka_unit_test(keys_survive_a_restart),
	};
	return cmocka_run_group_tests(cases, setup, teardown);
}
