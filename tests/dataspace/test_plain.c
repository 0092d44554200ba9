/* Contracts with a partner that signs none: what its node's bundle proves, and every way to forge that by
 * somebody who holds the node's key. */
#include "tests/dataspace/world.h"

#include "base/hash.h"
#include "base/proof.h"
#include "base/text64.h"
#include "dataspace/bundle_make.h"
#include "dataspace/evidence.h"
#include "dataspace/receipt.h"

static struct world w;
static struct str by_provider,
    by_consumer; /* bundles of two agreements, each signed by its own side alone */

/* The letter without its sender's proof. */
static const char *plain(const char *body, bool agreement)
{
	json_t *j, *a;

	assert_int_equal(json_read(w.arena, str_of(body), NULL, &j), ERR_OK);
	a = json_object_get(j, "agreement");
	assert_int_equal(agreement ? json_object_del(a, "proof") : json_object_del(j, AGREEMENT_PROOF), 0);
	return arena_strdup(w.arena, json_write(w.arena, j, false));
}

static const char *path_of(const struct letter_copy *l)
{
	return strstr(l->url, DS_DSP_PATH) + strlen(DS_DSP_PATH);
}

static struct letter_copy next(void)
{
	struct letter_copy l[4];

	assert_true(world_letters(&w, l, 4) >= 1);
	return l[0];
}

static void carry(void)
{
	struct letter_copy l = next();
	struct str body;
	int status = world_deliver(&w, &l, &body);

	assert_in_range(status, 200, 201);
	world_answer(&w, &l, status, body);
}

static struct str prove(const char *participant, const char *agreement)
{
	struct buf b = BUF_INIT(BUNDLE_SIZE_MAX);
	struct store_txn *t;
	struct flaw f = {0};
	struct str text;

	assert_int_equal(store_read(w.store, &t), ERR_OK);
	assert_int_equal(
	    ds_bundle_make(w.d, t, w.arena, str_of(participant), str_of(agreement), false, &f, &b), ERR_OK);
	store_read_end(t);
	text = arena_dup(w.arena, buf_str(&b));
	buf_done(&b);
	return text;
}

static int setup(void **state)
{
	const char *pid;
	struct letter_copy l;

	(void)state;
	world_open(&w);
	w.now = clock_wall();
	w.evidence = true;
	world_publish(&w, "d", "{\"permission\":[{\"action\":\"use\"}]}");
	/* the consumer signs nothing */
	pid = world_negotiate(&w, "d");
	carry();
	carry();
	l = next();
	assert_non_null(strstr(l.url, "/verification"));
	assert_int_equal(world_post(&w, "maker", "buyer", path_of(&l), plain(l.body, false), NULL), 200);
	world_answer(&w, &l, 200, STR_NONE);
	world_settle(&w);
	assert_int_equal(world_makers(&w, pid)->state, DSP_NEGOTIATION_FINALIZED);
	by_provider = prove("maker", world_makers(&w, pid)->agreement);
	/* the provider signs nothing */
	pid = world_negotiate(&w, "d");
	carry();
	l = next();
	assert_non_null(strstr(l.url, "/agreement"));
	assert_int_equal(world_post(&w, "buyer", "maker", path_of(&l), plain(l.body, true), NULL), 200);
	world_answer(&w, &l, 200, STR_NONE);
	l = next();
	assert_int_equal(world_post(&w, "maker", "buyer", path_of(&l), plain(l.body, false), NULL), 200);
	world_answer(&w, &l, 200, STR_NONE);
	world_settle(&w);
	assert_int_equal(world_negotiation(&w, "buyer", pid)->state, DSP_NEGOTIATION_FINALIZED);
	by_consumer = prove("buyer", world_negotiation(&w, "buyer", pid)->agreement);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static enum err verify(struct str text, struct bundle_report *r)
{
	struct arena *a = arena_new(64 << 20);
	enum err e = ds_bundle_verify(a, text, NULL, 0, r);

	for (size_t i = 0; i < r->checks_n; i++)
		print_message("  %s %.*s: %.*s\n",
			      !r->check[i].ok    ? "BAD"
			      : r->check[i].open ? " - "
						 : "ok ",
			      STR_ARG(r->check[i].name), STR_ARG(r->check[i].detail));
	arena_free(a);
	return e;
}

static size_t lines(const struct bundle_report *r, bool open)
{
	size_t n = 0;

	for (size_t i = 0; i < r->checks_n; i++) n += r->check[i].ok && r->check[i].open == open;
	return n;
}

static void test_says_who_has_signed_and_what_is_kept_of_the_other(void **state)
{
	struct bundle_report r;

	(void)state;
	assert_int_equal(verify(by_provider, &r), ERR_OK);
	assert_true(r.provider_signed && !r.consumer_signed);
	assert_int_equal(r.evidence, 2); /* request, verification */
	assert_int_equal(lines(&r, true), 1);
	assert_int_equal(verify(by_consumer, &r), ERR_OK);
	assert_true(!r.provider_signed && r.consumer_signed);
	assert_int_equal(r.evidence, 2); /* agreement, event */
	assert_int_equal(lines(&r, true), 1);
}

/* ---- forgeries ---- */

static json_t *item(json_t *doc, size_t i)
{
	return json_array_get(json_object_get(doc, "evidence"), i);
}

static json_t *record(json_t *doc, size_t i)
{
	return json_object_get(item(doc, i), "record");
}

static void put_sha(json_t *j, const char *key, struct str octets)
{
	unsigned char digest[HASH_SHA256];
	char hex[7 + 64];

	hash_sha256(octets, digest);
	memcpy(hex, "sha256:", 7);
	hex_write(digest, sizeof digest, hex + 7);
	json_put_str(j, key, str_n(hex, sizeof hex));
}

/* The whole of the message, as if it had come so: only the ledger knows better. */
static void put_message(json_t *doc, size_t i, struct str octets)
{
	json_put_str(item(doc, i), "message", base64_write(w.arena, octets));
	json_put_u64(record(doc, i), "size", octets.n);
	put_sha(record(doc, i), "message", octets);
}

static void forge_message(json_t *doc)
{
	struct str o;

	assert_int_equal(base64_parse(w.arena, json_text(json_object_get(item(doc, 0), "message")), &o),
			 ERR_OK);
	put_message(doc, 0, arena_printf(w.arena, " %.*s", STR_ARG(o)));
}

/* And as if the ledger had told so, too. */
static void forge_entry(json_t *doc)
{
	json_t *entry = json_object_get(item(doc, 0), "entry");

	forge_message(doc);
	json_object_set(entry, "message", json_object_get(record(doc, 0), "message"));
}

static void forge_record(json_t *doc)
{
	json_put_str(record(doc, 0), "state", STR("TERMINATED"));
}

static void forge_method(json_t *doc)
{
	json_put_str(record(doc, 0), "method", STR("did:web:elsewhere#k"));
}

static void forge_way(json_t *doc)
{
	json_object_del(item(doc, 0), "token");
	json_object_del(record(doc, 0), "token");
	json_put_str(record(doc, 0), "by", STR("tls"));
}

/* A good token of the same sender, but another. */
static void forge_token(json_t *doc)
{
	struct str token = json_text(json_object_get(item(doc, 1), "token"));

	json_put_str(item(doc, 0), "token", token);
	put_sha(record(doc, 0), "token", token);
}

static void forge_token_only(json_t *doc)
{
	json_object_set(item(doc, 0), "token", json_object_get(item(doc, 1), "token"));
}

static void forge_order(json_t *doc)
{
	json_t *list = json_object_get(doc, "evidence"), *first = json_incref(json_array_get(list, 0));

	json_array_remove(list, 0);
	json_array_append_new(list, first);
}

static void forge_swap(json_t *doc)
{
	json_t *one = json_incref(json_object_get(item(doc, 0), "entry"));

	json_object_set(item(doc, 0), "entry", json_object_get(item(doc, 1), "entry"));
	json_object_set_new(item(doc, 1), "entry", one);
}

static void forge_no_list(json_t *doc)
{
	json_object_del(doc, "evidence");
}

static void forge_inclusion(json_t *doc)
{
	json_array_clear(json_object_get(item(doc, 0), "proof"));
}

static json_t *other_party(json_t *doc)
{
	bool provider = str_is(json_text(json_object_get(doc, "role")), "provider");

	return json_object_get(json_object_get(doc, "keys"), provider ? "consumer" : "provider");
}

/* It would have signed: but there is no signature. */
static void forge_key(json_t *doc)
{
	json_t *node = json_object_get(json_object_get(doc, "keys"), "node"), *to = other_party(doc);
	struct str did = json_text(json_object_get(to, "did"));

	json_object_set(to, "key", json_object_get(node, "key"));
	json_put_str(to, "method", arena_printf(w.arena, "%.*s#key-1", STR_ARG(did)));
}

static void forge_party(json_t *doc)
{
	json_put_str(other_party(doc), "did", STR("did:web:elsewhere"));
}

/* Its own side's signature away: nobody would have signed. */
static void forge_unsigned(json_t *doc)
{
	json_t *keys = json_object_get(doc, "keys"), *own;

	json_object_del(json_object_get(doc, "agreement"), "proof");
	own = json_object_get(keys, json_string_value(json_object_get(doc, "role")));
	json_object_del(own, "key");
	json_object_del(own, "method");
}

static json_t *opened(struct str text)
{
	json_t *doc;

	assert_int_equal(json_read_large(w.arena, text, NULL, &doc), ERR_OK);
	doc = json_keep(w.arena, json_deep_copy(doc));
	assert_non_null(doc);
	json_object_del(doc, "proof");
	return doc;
}

static enum err resigned(json_t *doc, struct bundle_report *r)
{
	const char *method = json_string_value(
	    json_object_get(json_object_get(json_object_get(doc, "keys"), "node"), "method"));
	struct buf b = BUF_INIT(BUNDLE_SIZE_MAX);
	enum err e;

	assert_int_equal(proof_add(doc, w.key, method, "assertionMethod", clock_wall()), ERR_OK);
	assert_int_equal(json_jcs(doc, &b), ERR_OK);
	e = verify(buf_str(&b), r);
	buf_done(&b);
	return e;
}

static void test_forgeries(void **state)
{
	static const struct {
		const char *name;
		void (*forge)(json_t *doc);
	} cases[] = {{"message and its record", forge_message},
		     {"and the ledger's entry", forge_entry},
		     {"state", forge_record},
		     {"method", forge_method},
		     {"way in", forge_way},
		     {"another token and its record", forge_token},
		     {"another token", forge_token_only},
		     {"order", forge_order},
		     {"entries swapped", forge_swap},
		     {"no list", forge_no_list},
		     {"no inclusion", forge_inclusion},
		     {"a key without a signature", forge_key},
		     {"another party", forge_party},
		     {"no signature at all", forge_unsigned}};
	const struct str bundles[] = {by_provider, by_consumer};
	struct bundle_report r;

	(void)state;
	for (size_t b = 0; b < 2; b++) {
		assert_int_equal(resigned(opened(bundles[b]), &r), ERR_OK);
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			json_t *doc = opened(bundles[b]);

			cases[i].forge(doc);
			if (resigned(doc, &r) != ERR_BAD_SIGNATURE)
				fail_msg("bundle %zu passes: %s", b, cases[i].name);
		}
	}
	print_message("%zu forgeries refused\n", 2 * sizeof cases / sizeof *cases);
}

/* Nothing is kept of a message that is refused, and no more than the bounds allow. */
static void test_bounds(void **state)
{
	static char filler[EVIDENCE_MESSAGE_MAX + 1];
	struct world_mark before = world_mark(&w);
	const char *pid = world_negotiate(&w, "d");
	struct letter_copy l = next();
	Ds__Negotiation *n;
	struct str body;
	json_t *j;

	(void)state;
	before = world_mark(&w);
	assert_int_equal(world_post(&w, "maker", "buyer", "/negotiations/request", "{}", NULL), 400);
	world_assert_unchanged(&w, before);
	memset(filler, 'x', sizeof filler - 1);
	assert_int_equal(json_read(w.arena, str_of(l.body), NULL, &j), ERR_OK);
	json_put_str(j, "filler", str_of(filler));
	assert_int_equal(world_post(&w, "maker", "buyer", path_of(&l),
				    arena_strdup(w.arena, json_write(w.arena, j, false)), &body),
			 201);
	world_answer(&w, &l, 201, body);
	n = world_makers(&w, pid);
	assert_int_equal(n->evidence, 1);
	assert_in_range(n->evidence_octets, 100, 2000); /* the token alone */
	assert_string_equal(n->by, "did");
}

/* ---- a bundle that would be too large ---- */

static enum err fill(const struct turn *u, void *arg)
{
	static char filler[RECEIPT_TEXT_MAX - 100];
	Ds__Receipt r;
	enum err e = ERR_OK;

	memset(filler, 'x', sizeof filler - 1);
	ds__receipt__init(&r);
	r.agreement = arg;
	r.json = arena_strdup(u->a, arena_printf(u->a, "{\"filler\":\"%s\"}", filler));
	for (r.sequence = 1; !e && r.sequence <= BUNDLE_SIZE_MAX / sizeof filler + 1; r.sequence++)
		e = receipt_put(u->t, u->self->id, &r);
	return e;
}

static enum err make(char *agreement, bool brief, struct flaw *f, size_t *ret_n)
{
	struct buf b = BUF_INIT(BUNDLE_SIZE_MAX);
	struct store_txn *t;
	enum err e;

	assert_int_equal(store_read(w.store, &t), ERR_OK);
	e = ds_bundle_make(w.d, t, w.arena, STR("maker"), str_of(agreement), brief, f, &b);
	store_read_end(t);
	*ret_n = b.n;
	buf_done(&b);
	return e;
}

static void test_too_large_tells_what_to_do(void **state)
{
	const char *pid = world_negotiate(&w, "d");
	struct flaw f = {0};
	char *agreement;
	size_t n;

	(void)state;
	world_settle(&w);
	agreement = world_makers(&w, pid)->agreement;
	assert_int_equal(make(agreement, false, &f, &n), ERR_OK);
	assert_int_equal(world_turn(&w, "maker", NULL, STR_NONE, fill, agreement, NULL), ERR_OK);
	assert_int_equal(make(agreement, false, &f, &n), ERR_TOO_LARGE);
	assert_string_equal(f.rule, "bundle-size");
	assert_non_null(strstr(f.text, "16 MiB"));
	assert_non_null(strstr(f.text, "--brief"));
	assert_int_equal(make(agreement, true, &f, &n), ERR_OK);
	assert_in_range(n, 1000, 64 << 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_says_who_has_signed_and_what_is_kept_of_the_other),
	    cmocka_unit_test(test_forgeries),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_too_large_tells_what_to_do),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
