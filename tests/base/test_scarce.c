/* Each allocation in turn fails: the call says so, writes nothing to its output, and leaks nothing.
 * Linked with --wrap for malloc, calloc and realloc: what is compiled here is meant, and the JSON
 * library, which base/json.c gives its memory. */
#include "tests/base/cases.h"

#include <stdlib.h>

#include "base/jose.h"
#include "base/proof.h"
#include "base/text64.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

enum { PLENTY = -1, SWEEP_MAX = 500 };
static int left = PLENTY; /* allocations that succeed from now on */

static bool refused(void)
{
	if (left == PLENTY) return false;
	if (left == 0) return true;
	left--;
	return false;
}

void *__wrap_malloc(size_t n)
{
	return refused() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return refused() ? NULL : __real_realloc(p, n);
}

static struct sign_key *key;
static struct str token, document;
static json_t *value;
static struct arena *a;

static int set_up(void **state)
{
	(void)state;
	a = arena_new(1 << 20);
	if (!a || sign_setup()) return -1;
	key = sign_key_new();
	json_t *claims =
	    json_keep(a, json_pack("{s:s,s:[s,s],s:i}", "iss", "x", "aud", "a", "b", "exp", 5));
	assert_int_equal(jws_write(a, key, "did:web:a#k", "JWT", claims, &token), ERR_OK);
	json_t *doc =
	    json_keep(a, json_pack("{s:[s],s:{s:f,s:n,s:b}}", "@context", "c", "o", "r", 0.1, "n", "b", 1));
	assert_int_equal(proof_add(doc, key, "did:web:a#k", "assertionMethod", 0), ERR_OK);
	document = json_write(a, doc, false);
	return json_read(a, document, NULL, &value);
}

static int tear_down(void **state)
{
	(void)state;
	sign_key_free(key);
	arena_free(a);
	return 0;
}

/* fn gives ERR_NO_MEMORY until enough succeed, then ERR_OK, and needs at least `least` of them. */
static void sweep(enum err (*fn)(void), int least)
{
	for (int n = 0; n < SWEEP_MAX; n++) {
		left = n;
		enum err e = fn();
		left = PLENTY;
		if (!e) {
			assert_true(n >= least);
			return;
		}
		if (e != ERR_NO_MEMORY) fail_msg("allocation %d: %s", n, err_name(e));
	}
	fail_msg("never enough");
}

static enum err with_arena(enum err (*fn)(struct arena *own))
{
	struct arena *own = arena_new(1 << 20);
	if (!own) return ERR_NO_MEMORY;
	enum err e = fn(own);
	arena_free(own);
	return e;
}

static enum err read_in(struct arena *own)
{
	json_t *j = NULL;
	struct flaw f;
	enum err e = json_read(own, document, &f, &j);
	assert_true(!e == (j != NULL));
	return e;
}

static enum err do_read(void)
{
	return with_arena(read_in);
}

static enum err write_in(struct arena *own)
{
	return json_write(own, value, true).p ? ERR_OK : ERR_NO_MEMORY;
}

static enum err do_write(void)
{
	return with_arena(write_in);
}

static enum err do_jcs(void)
{
	struct buf b = BUF_INIT(1 << 16);
	enum err e = json_jcs(value, &b);
	buf_done(&b);
	return e;
}

static enum err parse_in(struct arena *own)
{
	struct jws j = {0};
	struct flaw f;
	enum err e = jws_parse(own, token, &f, &j);
	assert_true(!e == (j.claims != NULL));
	return e;
}

static enum err do_parse(void)
{
	return with_arena(parse_in);
}

static enum err do_verify(void)
{
	struct flaw f;
	return proof_verify(value, "did:web:a#k", sign_public(key), &f);
}

static enum err texts_in(struct arena *own)
{
	struct str s = base64_write(own, document), back = STR_NONE;
	if (!s.p) return ERR_NO_MEMORY;
	enum err e = base64_parse(own, s, &back);
	if (!e) assert_true(str_eq(back, document));
	return e;
}

static enum err do_texts(void)
{
	return with_arena(texts_in);
}

static enum err do_key(void)
{
	struct sign_key *k = sign_key_new();
	sign_key_free(k);
	return k ? ERR_OK : ERR_NO_MEMORY;
}

static void reading_json(void **state)
{
	(void)state;
	sweep(do_read, 20);
}

static void writing_json(void **state)
{
	(void)state;
	sweep(do_write, 5);
	sweep(do_jcs, 5);
}

static void taking_a_token_apart(void **state)
{
	(void)state;
	sweep(do_parse, 20);
}

static void verifying_a_proof(void **state)
{
	(void)state;
	sweep(do_verify, 10);
}

static void texts_and_keys(void **state)
{
	(void)state;
	sweep(do_texts, 2);
	sweep(do_key, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reading_json),         cmocka_unit_test(writing_json),
	    cmocka_unit_test(taking_a_token_apart), cmocka_unit_test(verifying_a_proof),
	    cmocka_unit_test(texts_and_keys),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
