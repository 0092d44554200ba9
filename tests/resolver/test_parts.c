/* Zones, cache, credentials and ledger entries by themselves. */
#include "tests/base/cases.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/ledger.h"
#include "net/access.h"
#include "resolver/authority.h"
#include "resolver/cache.h"
#include "resolver/delegation.h"
#include "resolver/entry.h"
#include "resolver/registry.h"
#include "resolver/resolver.h"
#include "resolver/upstream.h"

struct room {
	char folder[64];
	struct store *store;
	struct writer *writer;
	struct sign_key *key;
	struct arena *arena;
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *w)
{
	(void)st;
	(void)kind;
	(void)w;
	return remove(path);
}

static int setup(void **state)
{
	struct room *r = calloc(1, sizeof *r);
	struct flaw f;
	must(r && !sign_setup());
	snprintf(r->folder, sizeof r->folder, "/tmp/kanhe-parts-XXXXXX");
	must(mkdtemp(r->folder));
	struct store_options so = {.folder = r->folder,
				   .tables = rs_tables,
				   .tables_n = rs_tables_n,
				   .told = rs_table_told,
				   .format = 1};
	must(!store_open(&so, &f, &r->store));
	struct writer_options wo = {.store = r->store, .origin = "parts.example/registry"};
	must(!writer_start(&wo, &r->writer));
	r->key = sign_key_new();
	r->arena = arena_new((size_t)64 << 20);
	must(r->key && r->arena);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct room *r = *state;
	writer_stop(r->writer);
	store_close(r->store);
	sign_key_free(r->key);
	arena_free(r->arena);
	nftw(r->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(r);
	return 0;
}

/* ---- zones ------------------------------------------------------------------------------ */

struct give {
	struct writer_cmd cmd;
	struct room *room;
	const char *prefix;
	size_t many; /* 0: just prefix; else that many children below it */
	enum err expect;
};

static enum err give_one(struct give *g, struct writer_txn *t, const char *text)
{
	struct id_prefix p;
	struct node_key key = {SIGN_SUITE_ED25519, str_n(sign_public(g->room->key), SIGN_PUBLIC), STR("k")};
	struct endpoint end = {STR("https"), STR("https://child.example")};
	struct buf out = BUF_INIT(ENVELOPE_PACKED_MAX);
	must(!id_prefix_parse(g->room->arena, str_of(text), NULL, &p));
	struct delegation d = {.scheme = p.scheme,
			       .prefix = p.key,
			       .prefix_text = p.text,
			       .child = STR("did:web:child.example"),
			       .keys = &key,
			       .keys_n = 1,
			       .endpoints = &end,
			       .endpoints_n = 1,
			       .not_before = 0,
			       .not_after = INT64_C(1) << 60};
	struct delegation_signer s = {g->room->key, STR("did:web:p#k"), STR("did:web:p")};
	enum err e = delegation_put(t, &s, STR("test"), &d, &out);
	buf_done(&out);
	return e;
}

static enum err apply_give(struct writer_cmd *c, struct writer_txn *t)
{
	struct give *g = (struct give *)c;
	char text[64];
	if (!g->many) return give_one(g, t, g->prefix);
	for (size_t i = 0; i < g->many; i++) {
		snprintf(text, sizeof text, "%s.%zu", g->prefix, i);
		enum err e = give_one(g, t, text);
		if (e) return e;
	}
	return ERR_OK;
}

static enum err give(struct room *r, const char *prefix, size_t many)
{
	struct give g = {.cmd = {.apply = apply_give}, .room = r, .prefix = prefix, .many = many};
	return writer_run(r->writer, &g.cmd);
}

static struct id id_of(struct room *r, const char *text)
{
	struct id id;
	must(!id_parse(r->arena, str_of(text), NULL, &id));
	return id;
}

static void deepest_zone_decides(void **state)
{
	static const char *const ours[] = {"88.118", "gs1:950600"};
	static const struct {
		const char *id, *zone;
		bool child;
	} cases[] = {
	    {"88.118/x", "88.118", false},        {"88.118.8/x", "88.118.8", true},
	    {"88.118.8.1/x", "88.118.8", true},   {"88.118.80/x", "88.118", false},
	    {"88.1180/x", NULL, false},           {"88.11/x", NULL, false},
	    {"88.118.7.7/x", "88.118.7.7", true}, {"88.118.7/x", "88.118", false},
	    {"88.118.7.70/x", "88.118", false},   {"01/09506000134352", "950600", false},
	    {"01/04006381333931", NULL, false},
	};
	struct room *r = *state;
	struct id_prefix *parsed;
	struct zones *z;
	struct store_txn *t;
	struct flaw f = {0};
	assert_int_equal(give(r, "88.118.8", 0), ERR_OK);
	assert_int_equal(give(r, "88.118.7.7", 0), ERR_OK);
	assert_int_equal(give(r, "99.1", 0), ERR_OK); /* outside of what is ours: sleeps */
	assert_int_equal(give(r, "88.118.8.4", 0), ERR_CONFLICT);
	assert_int_equal(authority_parse(r->arena, ours, 2, &f, &parsed), ERR_OK);
	assert_int_equal(store_read(r->store, &t), ERR_OK);
	assert_int_equal(zones_new(parsed, 2, t, &z), ERR_OK);
	assert_int_equal(zones_children(z), 2);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct id id = id_of(r, cases[i].id);
		const struct zone *found = zones_find(z, &id);
		for (size_t k = 0; k < COUNT(cases); k++) { /* whatever was asked for before */
			struct zones_near near = {.n = 0};
			struct id before = id_of(r, cases[k].id);
			assert_ptr_equal(zones_find_near(z, &before, &near), zones_find(z, &before));
			assert_ptr_equal(zones_find_near(z, &id, &near), found);
			assert_ptr_equal(zones_find_near(z, &id, &near), found);
		}
		if (!cases[i].zone) {
			assert_null(found);
			continue;
		}
		assert_non_null(found);
		assert_int_equal(found->parent != NULL, cases[i].child);
		if (id.scheme == ID_HANDLE) assert_str(found->text, cases[i].zone);
	}
	zones_free(z);
	store_read_end(t);
}

static void overlapping_authorities_are_refused(void **state)
{
	static const char *const cases[][2] = {
	    {"88.118", "88.118.8"}, {"88.118.8", "88.118"}, {"88", "88"}};
	struct room *r = *state;
	struct id_prefix *parsed;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct flaw f = {0};
		assert_int_equal(authority_parse(r->arena, cases[i], 2, &f, &parsed), ERR_BAD_CONF);
		assert_string_equal(f.rule, "authority-overlap");
	}
	static const char *const bad[] = {"88..1"};
	struct flaw f = {0};
	assert_int_equal(authority_parse(r->arena, bad, 1, &f, &parsed), ERR_BAD_CONF);
}

static void thousands_of_children_are_found_as_fast(void **state)
{
	static const char *const ours[] = {"88"};
	enum { CHILDREN = 3000, ROUNDS = 20000 };
	struct room *r = *state;
	struct id_prefix *parsed;
	struct zones *z;
	struct store_txn *t;
	char text[64];
	assert_int_equal(give(r, "88.118", CHILDREN), ERR_OK);
	assert_int_equal(authority_parse(r->arena, ours, 1, NULL, &parsed), ERR_OK);
	assert_int_equal(store_read(r->store, &t), ERR_OK);
	usec_t from = clock_mono();
	assert_int_equal(zones_new(parsed, 1, t, &z), ERR_OK);
	usec_t built = clock_mono() - from;
	assert_int_equal(zones_children(z), CHILDREN);
	struct id id = id_of(r, "88.118.2999/x");
	from = clock_mono();
	for (size_t i = 0; i < ROUNDS; i++) assert_non_null(zones_find(z, &id));
	usec_t found = clock_mono() - from;
	fprintf(stderr, "%d children: picture in %lld us, probe %lld ns\n", CHILDREN, (long long)built,
		(long long)(found * 1000 / ROUNDS));
	for (size_t i = 0; i < CHILDREN; i += 97) {
		snprintf(text, sizeof text, "88.118.%zu/x", i);
		id = id_of(r, text);
		assert_non_null(zones_find(z, &id)->parent);
	}
	zones_free(z);
	store_read_end(t);
}

/* ---- changes ---------------------------------------------------------------------------- */

struct registering {
	struct writer_cmd cmd;
	struct registry_set set;
	struct registry_change change;
	struct value value;
	struct arena *arena;
	struct flaw flaw;
};

static enum err apply_registering(struct writer_cmd *c, struct writer_txn *t)
{
	struct registering *g = (struct registering *)c;
	return registry_apply(&g->set, t, g->arena, true, &g->flaw);
}

static enum err registers(struct room *r, struct id id, size_t authority_n, struct flaw *ret_flaw)
{
	struct registering g = {
	    .cmd = {.apply = apply_registering},
	    .set = {.n = 1, .who = STR("test"), .no_series = true},
	    .change = {.act = REGISTRY_PUT, .id = id, .authority = str_first(id.key, authority_n)},
	    .value = {.index = 1, .type = STR("URL"), .data = STR("https://a"), .ttl = 1},
	    .arena = r->arena};
	g.set.changes = &g.change;
	g.change.record = (struct record){.values = &g.value, .values_n = 1};
	enum err e = writer_run(r->writer, &g.cmd);
	*ret_flaw = g.flaw;
	return e;
}

/* Whoever asked looked at zones that did not have the delegation yet. */
static void the_writer_sees_a_delegation_that_came_meanwhile(void **state)
{
	struct room *r = *state;
	struct flaw f;
	struct str packed;
	struct store_txn *t;
	struct id given = id_of(r, "88.118.8/x"), kept = id_of(r, "88.118.9/x");
	struct id_prefix ours;
	must(!id_prefix_parse(r->arena, STR("88"), NULL, &ours));
	assert_int_equal(give(r, "88.118.8", 0), ERR_OK);
	assert_int_equal(registers(r, given, ours.key.n, &f), ERR_NOT_RESPONSIBLE);
	assert_string_equal(f.rule, "delegated");
	assert_int_equal(registers(r, kept, ours.key.n, &f), ERR_OK);
	assert_int_equal(store_read(r->store, &t), ERR_OK);
	assert_int_equal(registry_find(t, &given, &packed), ERR_NOT_FOUND);
	assert_int_equal(registry_find(t, &kept, &packed), ERR_OK);
	store_read_end(t);
}

static void a_range_is_free_unless_one_of_its_own_was_given_away(void **state)
{
	struct room *r = *state;
	struct store_txn *t;
	struct id first = id_of(r, "1.2.156.1000"), last = id_of(r, "1.2.156.1999");
	assert_int_equal(first.key.n, last.key.n);
	assert_int_equal(give(r, "1.2.156.1500.7", 0), ERR_OK); /* below one of them */
	assert_int_equal(give(r, "1.2.156.2000", 0), ERR_OK);
	assert_int_equal(store_read(r->store, &t), ERR_OK);
	assert_int_equal(delegation_check_range(t, first.key, last.key, 1), ERR_OK);
	store_read_end(t);
	assert_int_equal(give(r, "1.2.156.1600", 0), ERR_OK);
	assert_int_equal(store_read(r->store, &t), ERR_OK);
	assert_int_equal(delegation_check_range(t, first.key, last.key, 1), ERR_NOT_RESPONSIBLE);
	store_read_end(t);
}

static void a_shortened_key_answers_for_its_own_identifier_only(void **state)
{
	struct room *r = *state;
	char text[ID_KEY_MAX + 64] = "88.118/";
	struct flaw f;
	struct str packed;
	struct store_txn *t;
	memset(text + 7, 'a', sizeof text - 8);
	struct id id = id_of(r, text), alike = id;
	assert_true(id.hashed);
	assert_int_equal(registers(r, id, 4, &f), ERR_OK);
	alike.text = STR("88.118/another-of-the-same-digest");
	assert_int_equal(store_read(r->store, &t), ERR_OK);
	assert_int_equal(registry_find(t, &id, &packed), ERR_OK);
	assert_int_equal(registry_find(t, &alike, &packed), ERR_NOT_FOUND);
	store_read_end(t);
}

/* ---- cache ------------------------------------------------------------------------------ */

static void put(struct cache *c, enum cache_class class, const char *key, size_t octets, usec_t until)
{
	static char room[64 << 10];
	struct finding parts = {.key = str_of(key), .octets = str_n(room, octets), .until = until};
	struct finding *f = finding_new(&parts);
	must(f);
	cache_put(c, class, f);
	finding_release(f);
}

static bool has(struct cache *c, enum cache_class class, const char *key, usec_t now)
{
	struct finding *f = cache_find(c, class, str_of(key), now);
	finding_release(f);
	return f;
}

static void cache_keeps_its_bound_and_its_term(void **state)
{
	struct cache *c = cache_new(1 << 20);
	struct cache_stat st;
	char key[32];
	(void)state;
	put(c, CACHE_POSITIVE, "a", 100, 50);
	assert_true(has(c, CACHE_POSITIVE, "a", 49));
	assert_false(has(c, CACHE_NEGATIVE, "a", 49));
	assert_false(has(c, CACHE_POSITIVE, "a", 50));
	put(c, CACHE_DELEGATION, "keep", 100, 1000);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof key, "n%d", i);
		put(c, CACHE_NEGATIVE, key, 300, 1000);
		put(c, CACHE_POSITIVE, "hot", 100, 1000);
	}
	cache_stat(c, &st);
	assert_true(st.octets[CACHE_NEGATIVE] <= cache_share(c, CACHE_NEGATIVE));
	assert_int_equal(st.entries[CACHE_POSITIVE], 1);
	assert_true(st.entries[CACHE_NEGATIVE] > 300);
	assert_true(has(c, CACHE_DELEGATION, "keep", 1));
	assert_true(has(c, CACHE_NEGATIVE, "n4999", 1));
	assert_false(has(c, CACHE_NEGATIVE, "n0", 1));
	put(c, CACHE_NEGATIVE, "huge", 60 << 10, 1000); /* more than a stripe's share */
	assert_false(has(c, CACHE_NEGATIVE, "huge", 1));
	cache_forget(c, STR("n49"));
	assert_false(has(c, CACHE_NEGATIVE, "n4999", 1));
	assert_true(has(c, CACHE_NEGATIVE, "n4899", 1));
	cache_free(c);
}

/* what is used stays, what is not goes first */
static void cache_drops_the_least_recently_used(void **state)
{
	struct cache *c = cache_new(1 << 20);
	char key[32];
	(void)state;
	put(c, CACHE_POSITIVE, "used", 1000, 1000);
	for (int i = 0; i < 3000; i++) {
		snprintf(key, sizeof key, "p%d", i);
		put(c, CACHE_POSITIVE, key, 1000, 1000);
		assert_true(has(c, CACHE_POSITIVE, "used", 1));
	}
	assert_false(has(c, CACHE_POSITIVE, "p0", 1));
	cache_free(c);
}

/* ---- credentials ------------------------------------------------------------------------ */

static void credentials_expire(void **state)
{
	struct room *r = *state;
	struct store_txn *t;
	struct principal p;
	char token[ACCESS_TOKEN_TEXT], other[ACCESS_TOKEN_TEXT];
	access_token_make(token);
	access_token_make(other);
	assert_string_not_equal(token, other);
	assert_int_equal(rs_credential_add(r->writer, STR("a"), ROLE_OWNER | ROLE_AUDITOR,
					   STR("@a @b 88.1"), str_of(token)),
			 ERR_OK);
	assert_int_equal(rs_credential_add(r->writer, STR("a"), ROLE_OWNER, STR("@c"), str_of(other)),
			 ERR_EXISTS);
	assert_int_equal(rs_credential_add(r->writer, STR("b"), ROLE_OWNER, STR("@c"), str_of(token)),
			 ERR_EXISTS);
	assert_int_equal(rs_credential_add(r->writer, STR("b b"), ROLE_OWNER, STR("@c"), str_of(other)),
			 ERR_BAD_MESSAGE);
	assert_int_equal(store_read(r->store, &t), ERR_OK);
	assert_int_equal(access_find(t, rs_table_credential, r->arena, str_of(token), STR_NONE, &p),
			 ERR_OK);
	assert_str(p.name, "a");
	assert_true(access_scope_has(&p, STR("@b")) && access_scope_has(&p, STR("88.1")));
	assert_false(access_scope_has(&p, STR("@")) || access_scope_has(&p, STR("*")) ||
		     access_scope_has(&p, STR("@a @b")));
	assert_int_equal(access_find(t, rs_table_credential, r->arena, str_of(other), STR_NONE, &p),
			 ERR_UNAUTHORISED);
	assert_int_equal(ledger_size(t), 1); /* the refused ones left no entry */
	store_read_end(t);
}

struct expiring {
	struct writer_cmd cmd;
	struct principal p;
	unsigned char digest[32];
	bool revoke;
};

static enum err apply_expiring(struct writer_cmd *c, struct writer_txn *t)
{
	struct expiring *x = (struct expiring *)c;
	if (x->revoke) return access_revoke(t, rs_table_credential, STR("test"), x->p.name);
	return access_grant(t, rs_table_credential, STR("test"), str_n(x->digest, 32), &x->p);
}

static void certificates_and_ends(void **state)
{
	struct room *r = *state;
	struct store_txn *t;
	struct principal p;
	usec_t now = clock_wall();
	struct expiring x = {.cmd = {.apply = apply_expiring},
			     .p = {ROLE_ENTERPRISE, STR("cert"), STR("88.1"), now + 10 * USEC_PER_SEC}};
	memset(x.digest, 7, 32);
	assert_int_equal(writer_run(r->writer, &x.cmd), ERR_OK);
	struct str cert = str_n(x.digest, 32);
	assert_int_equal(store_read(r->store, &t), ERR_OK);
	assert_int_equal(access_find(t, rs_table_credential, r->arena, STR_NONE, cert, &p), ERR_OK);
	assert_int_equal(p.roles, ROLE_ENTERPRISE);
	now += 10 * USEC_PER_SEC;
	clock_fake(&now);
	assert_int_equal(access_find(t, rs_table_credential, r->arena, STR_NONE, cert, &p), ERR_EXPIRED);
	clock_fake(NULL);
	store_read_end(t);
	x.revoke = true;
	assert_int_equal(writer_run(r->writer, &x.cmd), ERR_OK);
	assert_int_equal(writer_run(r->writer, &x.cmd), ERR_NOT_FOUND);
	assert_int_equal(store_read(r->store, &t), ERR_OK);
	assert_int_equal(access_find(t, rs_table_credential, r->arena, STR_NONE, cert, &p),
			 ERR_UNAUTHORISED);
	store_read_end(t);
}

/* ---- ledger entries --------------------------------------------------------------------- */

/* Entries are written by hand: they must be what RFC 8785 makes of the same object. */
static void entries_are_canonical(void **state)
{
	struct room *r = *state;
	struct store_txn *t;
	char token[ACCESS_TOKEN_TEXT];
	access_token_make(token);
	assert_int_equal(give(r, "88.1", 0), ERR_OK);
	assert_int_equal(
	    rs_credential_add(r->writer, STR("x"), ROLE_OWNER, STR("@a\" @\xc3\xa9"), str_of(token)),
	    ERR_OK);
	assert_int_equal(store_read(r->store, &t), ERR_OK);
	assert_int_equal(ledger_size(t), 2);
	for (uint64_t i = 0; i < 2; i++) {
		struct ledger_leaf leaf;
		json_t *j;
		struct buf canon = BUF_INIT(ENTRY_MAX);
		assert_int_equal(ledger_read(t, i, &leaf), ERR_OK);
		assert_int_equal(json_read(r->arena, leaf.entry, NULL, &j), ERR_OK);
		assert_int_equal(json_jcs(j, &canon), ERR_OK);
		assert_true(str_eq(buf_str(&canon), leaf.entry));
		buf_done(&canon);
	}
	store_read_end(t);
}

static void urls_of_questions(void **state)
{
	struct room *r = *state;
	assert_str(upstream_url(r->arena, STR("https://n.example/kanhe"), STR("88.118.8/../x y%\xe6")),
		   "https://n.example/kanhe/resolve/88.118.8%2F..%2Fx%20y%25%E6?rd=0");
	static const char *const bad[] = {"",
					  "ftp://x",
					  "https://",
					  "https:///x",
					  "https://u@x",
					  "https://x?y",
					  "https://x/#y",
					  "https://x y",
					  "http://x\r\nHost: y",
					  "file:///etc/passwd",
					  "nowhere",
					  "https://x:",
					  "https://x:y",
					  "https://x:0",
					  "https://x:65536/a",
					  "https://a:1:2",
					  "https://[::1",
					  "https://[::1]8443"};
	for (size_t i = 0; i < COUNT(bad); i++) assert_false(delegation_url_ok(str_of(bad[i])));
	assert_true(delegation_url_ok(STR("https://[::1]:8443/a")));
	assert_true(delegation_url_ok(STR("http://x:65535")));
	assert_true(delegation_url_ok(STR("https://x.example/a:b")));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
	    CASE(deepest_zone_decides),
	    CASE(overlapping_authorities_are_refused),
	    CASE(thousands_of_children_are_found_as_fast),
	    CASE(the_writer_sees_a_delegation_that_came_meanwhile),
	    CASE(a_range_is_free_unless_one_of_its_own_was_given_away),
	    CASE(a_shortened_key_answers_for_its_own_identifier_only),
	    cmocka_unit_test(cache_keeps_its_bound_and_its_term),
	    cmocka_unit_test(cache_drops_the_least_recently_used),
	    CASE(credentials_expire),
	    CASE(certificates_and_ends),
	    CASE(entries_are_canonical),
	    CASE(urls_of_questions),
	};
	return cmocka_run_group_tests(cases, NULL, NULL);
}
