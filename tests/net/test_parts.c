/* The pure parts: chunked coding, header sections, budgets, the pool. */
#include "tests/net/fixture.h"
#include "net/h1_chunk.h"
#include "net/h1_head.h"
#include "net/h2_budget.h"
#include "net/pool.h"

/* ---- chunks ------------------------------------------------------------------------------- */

/* Feeds `in` in pieces of `step` octets. */
static enum err unchunk(const char *in, size_t step, struct buf *out, bool *ret_done, size_t *ret_left)
{
	struct h1_chunk c;
	struct str all = str_of(in), piece;
	h1_chunk_init(&c);
	while (all.n && c.state != H1_CHUNK_DONE) {
		struct str part = str_first(all, step);
		size_t had = part.n;
		do {
			enum err e = h1_chunk_next(&c, &part, &piece);
			if (e) return e;
			buf_add(out, piece);
		} while (part.n && c.state != H1_CHUNK_DONE);
		all = str_skip(all, had - part.n);
	}
	*ret_done = c.state == H1_CHUNK_DONE;
	*ret_left = all.n;
	return ERR_OK;
}

static void chunks_whole(void **state)
{
	(void)state;
	static const char in[] = "5\r\nhello\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nx-trailer: 1\r\n\r\nGET";
	for (size_t step = 1; step < sizeof in; step++) {
		struct buf out = BUF_INIT(1000);
		bool done = false;
		size_t left = 0;
		assert_int_equal(unchunk(in, step, &out, &done, &left), ERR_OK);
		assert_true(done);
		assert_int_equal(left, 3);
		assert_true(str_is(buf_str(&out), "hello0123456789"));
		buf_done(&out);
	}
}

static void chunks_refused(void **state)
{
	(void)state;
	static const char *const table[] = {"5\nhello\r\n",
					    "5\rXhello\r\n",
					    "5 \r\nhello\r\n",
					    "g\r\n",
					    "\r\n",
					    "-1\r\n",
					    "+5\r\nhello\r\n",
					    "0x5\r\nhello\r\n",
					    "5\r\nhelloXX",
					    "5\r\nhello\n0\r\n",
					    "0\r\n\n",
					    "0\r\nA: b\nC: d\r",
					    "0\r\n folded\r\n",
					    "5;\x01\r\nhello\r\n",
					    "0\r\n\rX",
					    "1000000000000000\r\n"};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct buf out = BUF_INIT(1000);
		bool done = false;
		size_t left;
		if (!unchunk(table[i], 1000, &out, &done, &left)) fail_msg("accepted: %s", table[i]);
		buf_done(&out);
	}
}

static void chunk_lines_are_bounded(void **state)
{
	(void)state;
	char in[H1_TRAILER_MAX + 100];
	struct buf out = BUF_INIT(10);
	bool done = false;
	size_t left;
	memset(in, 'x', sizeof in - 1);
	in[sizeof in - 1] = 0;
	memcpy(in, "5;", 2);
	assert_int_equal(unchunk(in, 7, &out, &done, &left), ERR_TOO_LARGE);
	memcpy(in, "0\r\n", 3);
	assert_int_equal(unchunk(in, 7, &out, &done, &left), ERR_TOO_LARGE);
}

/* ---- header sections ------------------------------------------------------------------------ */

static void on_field(void *arg, struct str name, struct str value)
{
	struct buf *b = arg;
	buf_printf(b, "%.*s=%.*s;", STR_ARG(name), STR_ARG(value));
}

static void head_splits(void **state)
{
	(void)state;
	struct str in = STR("GET /a?b HTTP/1.1\r\nHost: x\r\nEmpty:\r\nAccept: \t a, b \r\n\r\n");
	struct buf b = BUF_INIT(1000);
	struct h1_head h = {.field = on_field, .arg = &b};
	assert_int_equal(h1_head_find(in), in.n);
	assert_int_equal(h1_head_find(str_first(in, in.n - 1)), 0);
	assert_int_equal(h1_head_parse(in, NULL, &h), ERR_OK);
	assert_int_equal(h.method, NET_GET);
	assert_true(str_is(h.target, "/a?b"));
	assert_int_equal(h.minor, 1);
	assert_true(str_is(buf_str(&b), "Host=x;Empty=;Accept=a, b;"));
	buf_done(&b);
}

static void head_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *in, *rule;
		enum err err;
	} table[] = {
	    {"GET / HTTP/1.1\nHost: a\n\n", "line-ending", ERR_BAD_INPUT},
	    {"GET / HTTP/1.1\r\nHost: a\n\r\n", "line-ending", ERR_BAD_INPUT},
	    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "field-name", ERR_BAD_INPUT},
	    {"GET / HTTP/1.1\r\nHo st: a\r\n\r\n", "field-name", ERR_BAD_INPUT},
	    {"GET / HTTP/1.1\r\n: a\r\n\r\n", "field-name", ERR_BAD_INPUT},
	    {"GET / HTTP/1.1\r\nHost\r\n\r\n", "field-name", ERR_BAD_INPUT},
	    {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", "folded-line", ERR_BAD_INPUT},
	    {"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", "control-character", ERR_BAD_INPUT},
	    {"GET / HTTP/1.1\r\nX: a\x7f\r\n\r\n", "control-character", ERR_BAD_INPUT},
	    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "target", ERR_BAD_INPUT},
	    {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "version", ERR_BAD_INPUT},
	    {"GET /\r\nHost: a\r\n\r\n", "target", ERR_BAD_INPUT},
	    {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", "method", ERR_BAD_INPUT},
	    {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "method", ERR_BAD_INPUT},
	    {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", "version", ERR_UNSUPPORTED},
	    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "version", ERR_UNSUPPORTED},
	    {"GET / http/1.1\r\nHost: a\r\n\r\n", "version", ERR_BAD_INPUT},
	    {"GET / HTTP/1.11\r\nHost: a\r\n\r\n", "version", ERR_BAD_INPUT},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct buf b = BUF_INIT(1000);
		struct h1_head h = {.field = on_field, .arg = &b};
		struct flaw f = {0};
		enum err e = h1_head_parse(str_of(table[i].in), &f, &h);
		if (e != table[i].err || strcmp(f.rule, table[i].rule) != 0)
			fail_msg("%s: %s %s", table[i].in, err_name(e), f.rule);
		buf_done(&b);
	}
}

/* ---- budgets ------------------------------------------------------------------------------- */

static void budget_empties_and_refills(void **state)
{
	(void)state;
	struct h2_budget b = {.since = 1000};
	for (int i = 0; i < 20; i++) assert_true(h2_budget_spend(&b, H2_BUDGET_SETTINGS, 1500));
	assert_false(h2_budget_spend(&b, H2_BUDGET_SETTINGS, 1999));
	assert_true(h2_budget_spend(&b, H2_BUDGET_PING, 1999));
	assert_true(h2_budget_spend(&b, H2_BUDGET_SETTINGS, 2000));
	assert_true(h2_budget_spend(&b, H2_BUDGET_SETTINGS, 2000));
	assert_false(h2_budget_spend(&b, H2_BUDGET_SETTINGS, 2999));
	h2_budget_credit(&b, H2_BUDGET_SETTINGS, 1);
	assert_true(h2_budget_spend(&b, H2_BUDGET_SETTINGS, 2999));
	/* a long rest gives back no more than the burst */
	for (int i = 0; i < 20; i++) assert_true(h2_budget_spend(&b, H2_BUDGET_SETTINGS, 9000000));
	assert_false(h2_budget_spend(&b, H2_BUDGET_SETTINGS, 9000000));
}

/* ---- pool ---------------------------------------------------------------------------------- */

static void pool_gives_and_takes(void **state)
{
	(void)state;
	struct pool p = {0};
	char *kept[200];
	for (size_t i = 0; i < 200; i++) {
		kept[i] = pool_malloc(i * 11, &p);
		memset(kept[i], (int)i, i * 11);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t k = 0; k < i * 11; k++) assert_int_equal((unsigned char)kept[i][k], i);
	for (size_t i = 0; i < 200; i++) kept[i] = pool_realloc(kept[i], i * 11 + 100, &p);
	for (size_t i = 0; i < 200; i++)
		for (size_t k = 0; k < i * 11; k++) assert_int_equal((unsigned char)kept[i][k], i);
	for (size_t i = 0; i < 200; i++) pool_free(kept[i], &p);
	char *z = pool_calloc(7, 9, &p);
	for (int i = 0; i < 63; i++) assert_int_equal(z[i], 0);
	pool_free(z, &p);
	assert_null(pool_calloc(SIZE_MAX, 2, &p));
	assert_null(pool_malloc(SIZE_MAX - 3, &p));
	pool_free(NULL, &p);
	pool_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(chunks_whole),
	    cmocka_unit_test(chunks_refused),
	    cmocka_unit_test(chunk_lines_are_bounded),
	    cmocka_unit_test(head_splits),
	    cmocka_unit_test(head_refuses),
	    cmocka_unit_test(budget_empties_and_refills),
	    cmocka_unit_test(pool_gives_and_takes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
