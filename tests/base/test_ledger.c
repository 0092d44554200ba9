#include "tests/base/cases.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/ledger.h"
#include "base/ledger_state.h"
#include "base/sign.h"
#include "base/text64.h"
#include "base/writer.h"
#include "tests/base/folder.h"
#include "tests/base/shared_file.h"

static const char origin[] = "node.example/registry";

struct fixture {
	struct folder folder;
	struct store *store;
	struct writer *writer;
	struct arena *arena;
	struct sign_key *key;
};

static int set_up(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);
	const unsigned char seed[32] = {7};
	x->folder = folder_new();
	x->store = folder_open(x->folder.path);
	must(!writer_start(&(struct writer_options){.store = x->store, .origin = origin}, &x->writer));
	x->arena = arena_new(64 << 20);
	x->key = sign_key_from_seed(seed);
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;
	writer_stop(x->writer);
	store_close(x->store);
	folder_remove(x->folder.path);
	sign_key_free(x->key);
	arena_free(x->arena);
	free(x);
	return 0;
}

struct entry {
	struct writer_cmd cmd;
	struct str text;
	unsigned times;
	uint64_t last;
};

static enum err apply_entry(struct writer_cmd *c, struct writer_txn *t)
{
	struct entry *x = (struct entry *)c;
	enum err e = ERR_OK;
	for (unsigned i = 0; i < x->times && !e; i++)
		e = ledger_append(t->ledger, t->store, x->text, &x->last);
	return e;
}

static enum err append(struct fixture *x, struct str text, unsigned times, uint64_t *ret_last)
{
	struct entry c = {.cmd = {.apply = apply_entry}, .text = text, .times = times};
	enum err e = writer_run(x->writer, &c.cmd);
	if (!e && ret_last) *ret_last = c.last;
	return e;
}

static struct store_txn *reader(struct store *s)
{
	struct store_txn *t;
	assert_int_equal(store_read(s, &t), ERR_OK);
	return t;
}

static void an_empty_ledger_has_the_root_of_nothing(void **state)
{
	struct fixture *x = *state;
	struct merkle_hash root, empty = merkle_empty();
	struct ledger_leaf leaf;
	struct store_txn *t = reader(x->store);
	assert_string_equal(ledger_origin(writer_ledger(x->writer)), origin);
	assert_int_equal(ledger_size(t), 0);
	assert_int_equal(ledger_root(t, &root), ERR_OK);
	assert_memory_equal(root.b, empty.b, MERKLE_HASH);
	assert_int_equal(ledger_read(t, 0, &leaf), ERR_NOT_FOUND);
	store_read_end(t);
}

static void leaves_are_salted_digests_as_promised(void **state)
{
	struct fixture *x = *state;
	uint64_t index;
	unsigned char want[32];
	struct ledger_leaf a, b;
	struct str entry = STR("{\"kind\":\"k\"}");
	assert_int_equal(append(x, entry, 2, &index), ERR_OK);
	assert_int_equal(index, 1);
	struct store_txn *t = reader(x->store);
	assert_int_equal(ledger_read(t, 0, &a), ERR_OK);
	assert_int_equal(ledger_read(t, 1, &b), ERR_OK);
	assert_int_equal(b.index, 1);
	assert_true(str_eq(a.entry, entry) && str_eq(b.entry, entry));
	assert_memory_not_equal(a.salt, b.salt, LEDGER_SALT); /* equal entries have different leaves */
	char text[128] = "kanhe-leaf-v1";
	memcpy(text + 14, a.salt, LEDGER_SALT);
	memcpy(text + 14 + LEDGER_SALT, entry.p, entry.n);
	hash_sha256(str_n(text, 14 + LEDGER_SALT + entry.n), want);
	struct merkle_hash leaf = merkle_leaf(str_n(want, 32)), got = ledger_leaf_hash(a.salt, entry);
	assert_memory_equal(got.b, leaf.b, MERKLE_HASH);
	store_read_end(t);
}

static void long_entries_hash_as_short_ones_do(void **state)
{
	struct fixture *x = *state;
	static char text[14 + LEDGER_SALT + LEDGER_ENTRY_MAX + 1];
	const unsigned char salt[LEDGER_SALT] = {1, 2, 3};
	unsigned char want[32];
	memset(text, 'e', sizeof text);
	memcpy(text, "kanhe-leaf-v1", 14);
	memcpy(text + 14, salt, LEDGER_SALT);
	char *entry = text + 14 + LEDGER_SALT;
	static const size_t sizes[] = {0, 1, 2047, 2048, 2049, LEDGER_ENTRY_MAX};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		hash_sha256(str_n(text, 14 + LEDGER_SALT + sizes[i]), want);
		struct merkle_hash leaf = merkle_leaf(str_n(want, 32)),
				   got = ledger_leaf_hash(salt, str_n(entry, sizes[i]));
		assert_memory_equal(got.b, leaf.b, MERKLE_HASH);
	}
	assert_int_equal(append(x, str_n(entry, LEDGER_ENTRY_MAX + 1), 1, NULL), ERR_TOO_LARGE);
	assert_int_equal(append(x, str_n(entry, LEDGER_ENTRY_MAX), 1, NULL), ERR_OK);
	assert_int_equal(append(x, STR(""), 1, NULL), ERR_OK);
	struct store_txn *t = reader(x->store);
	struct ledger_leaf leaf;
	assert_int_equal(ledger_size(t), 2);
	assert_int_equal(ledger_read(t, 0, &leaf), ERR_OK);
	assert_int_equal(leaf.entry.n, LEDGER_ENTRY_MAX);
	assert_int_equal(ledger_read(t, 1, &leaf), ERR_OK);
	assert_int_equal(leaf.entry.n, 0);
	store_read_end(t);
}

static void proofs_hold_against_every_published_root(void **state)
{
	struct fixture *x = *state;
	enum { BATCHES = 24 };
	struct merkle_hash roots[BATCHES];
	uint64_t sizes[BATCHES];
	struct store_txn *t = NULL;
	struct merkle_proof p;
	for (unsigned i = 0; i < BATCHES; i++) {
		if (i % 6 == 5) { /* also over a restart: the edge is read again */
			writer_stop(x->writer);
			must(!writer_start(&(struct writer_options){.store = x->store, .origin = origin},
					   &x->writer));
		}
		assert_int_equal(append(x, STR("{}"), i % 7 + 1, NULL), ERR_OK);
		t = reader(x->store);
		sizes[i] = ledger_size(t);
		assert_int_equal(ledger_root(t, &roots[i]), ERR_OK);
		if (i + 1 < BATCHES) store_read_end(t);
	}
	for (unsigned i = 0; i < BATCHES; i++) {
		for (unsigned k = i; k < BATCHES; k++) {
			assert_int_equal(ledger_prove_consistency(t, sizes[i], sizes[k], &p), ERR_OK);
			assert_int_equal(
			    merkle_verify_consistency(sizes[i], sizes[k], &p, &roots[i], &roots[k]),
			    ERR_OK);
		}
		for (uint64_t n = 0; n < sizes[i]; n++) {
			struct ledger_leaf leaf;
			assert_int_equal(ledger_read(t, n, &leaf), ERR_OK);
			struct merkle_hash h = ledger_leaf_hash(leaf.salt, leaf.entry);
			assert_int_equal(ledger_prove(t, n, sizes[i], &p), ERR_OK);
			assert_int_equal(merkle_verify_inclusion(&h, n, sizes[i], &p, &roots[i]), ERR_OK);
		}
	}
	assert_int_equal(ledger_prove(t, 0, sizes[BATCHES - 1] + 1, &p), ERR_NOT_FOUND);
	assert_int_equal(ledger_prove(t, 5, 5, &p), ERR_NOT_FOUND);
	assert_int_equal(ledger_prove_consistency(t, 1, sizes[BATCHES - 1] + 1, &p), ERR_NOT_FOUND);
	store_read_end(t);
}

/* Another handle on the same table, as after an aborted batch: its edge is ahead of what was committed. */
struct elsewhere {
	struct writer_cmd cmd;
	struct ledger *ledger;
	enum err end;
};

static enum err apply_elsewhere(struct writer_cmd *c, struct writer_txn *t)
{
	struct elsewhere *x = (struct elsewhere *)c;
	enum err e = ledger_append(x->ledger, t->store, STR("{}"), NULL);
	return e ? e : x->end;
}

static void the_edge_of_a_history_that_was_aborted_is_not_believed(void **state)
{
	struct fixture *x = *state;
	struct elsewhere c = {.cmd = {.apply = apply_elsewhere}, .end = ERR_CONFLICT};
	struct merkle_hash root, head;
	struct merkle_proof p;
	struct ledger_leaf leaf;
	uint64_t size;
	assert_int_equal(ledger_new(origin, &c.ledger), ERR_OK);
	assert_int_equal(append(x, STR("{}"), 2, NULL), ERR_OK);
	assert_int_equal(writer_run(x->writer, &c.cmd), ERR_CONFLICT);
	assert_int_equal(append(x, STR("{}"), 1, NULL), ERR_OK); /* as many leaves, but not that one */
	c.end = ERR_OK;
	assert_int_equal(writer_run(x->writer, &c.cmd), ERR_OK);
	struct store_txn *t = reader(x->store);
	assert_int_equal(ledger_head(c.ledger, t, &size, &head), ERR_OK);
	assert_int_equal(size, 4);
	assert_int_equal(ledger_root(t, &root), ERR_OK);
	assert_memory_equal(root.b, head.b, MERKLE_HASH);
	for (uint64_t n = 0; n < size; n++) {
		assert_int_equal(ledger_read(t, n, &leaf), ERR_OK);
		struct merkle_hash h = ledger_leaf_hash(leaf.salt, leaf.entry);
		assert_int_equal(ledger_prove(t, n, size, &p), ERR_OK);
		assert_int_equal(merkle_verify_inclusion(&h, n, size, &p, &root), ERR_OK);
	}
	store_read_end(t);
	ledger_free(c.ledger);
}

/* A row that does not say what the tree needs is corrupt, not a wrong proof. */
static enum err apply_damage(struct writer_cmd *c, struct writer_txn *w)
{
	struct store_txn *t = w->store;
	struct str row;
	char copy[256];
	unsigned char k[8];
	struct ledger_leaf leaf;
	struct merkle_hash root;
	(void)c;
	must(!store_get(t, STORE_LEAF, store_key_u64(k, 3), &row) && row.n < sizeof copy);
	memcpy(copy, row.p, row.n);
	copy[LEDGER_SALT] = 1; /* says one hash where leaf 3 completes three subtrees */
	must(!store_put(t, STORE_LEAF, store_key_u64(k, 3), str_n(copy, row.n)));
	must(ledger_read(t, 3, &leaf) == ERR_CORRUPT);
	must(!store_put(t, STORE_LEAF, store_key_u64(k, 3), str_n(copy, 10)));
	must(ledger_read(t, 3, &leaf) == ERR_CORRUPT);
	must(ledger_append(w->ledger, t, STR("{}"), NULL) == ERR_CORRUPT);
	must(!store_put(t, STORE_LEAF, store_key_u64(k, 4), str_n(copy, row.n)));
	must(!store_del(t, STORE_LEAF, store_key_u64(k, 3)));
	must(ledger_root(t, &root) == ERR_CORRUPT);
	return ERR_CONFLICT;
}

static void a_damaged_row_is_noticed(void **state)
{
	struct fixture *x = *state;
	struct writer_cmd damage = {.apply = apply_damage};
	assert_int_equal(append(x, STR("{}"), 4, NULL), ERR_OK);
	assert_int_equal(writer_run(x->writer, &damage), ERR_CONFLICT);
	assert_int_equal(append(x, STR("{}"), 1, NULL), ERR_OK); /* none of it stayed */
}

/* Checkpoints. */

static void a_checkpoint_is_the_signed_note_of_the_tree(void **state)
{
	struct fixture *x = *state;
	struct str note;
	struct checkpoint c;
	struct flaw f;
	struct merkle_hash root;
	assert_int_equal(append(x, STR("{}"), 5, NULL), ERR_OK);
	struct store_txn *t = reader(x->store);
	assert_int_equal(ledger_checkpoint(writer_ledger(x->writer), t, x->key, x->arena, &note), ERR_OK);
	assert_true(str_starts(note, STR("node.example/registry\n5\n")));
	assert_int_equal(checkpoint_verify(note, sign_public(x->key), &f, &c), ERR_OK);
	assert_str(c.origin, origin);
	assert_int_equal(c.size, 5);
	assert_int_equal(ledger_root(t, &root), ERR_OK);
	assert_memory_equal(c.root.b, root.b, MERKLE_HASH);
	store_read_end(t);
	/* no octet may change, none may be missing at the end */
	char *copy = arena_strdup(x->arena, note);
	for (size_t i = 0; i < note.n; i++) {
		copy[i] ^= 1;
		assert_int_not_equal(checkpoint_verify(str_n(copy, note.n), sign_public(x->key), &f, &c),
				     ERR_OK);
		copy[i] ^= 1;
		assert_int_not_equal(checkpoint_verify(str_first(note, i), sign_public(x->key), &f, &c),
				     ERR_OK);
	}
	unsigned char other[SIGN_PUBLIC];
	memcpy(other, sign_public(x->key), SIGN_PUBLIC);
	other[3] ^= 1;
	assert_int_equal(checkpoint_verify(note, other, &f, &c), ERR_BAD_SIGNATURE);
	struct str witnessed =
	    arena_printf(x->arena, "%.*s\xe2\x80\x94 witness.example AAAAAAAA\n", STR_ARG(note));
	assert_int_equal(checkpoint_verify(witnessed, sign_public(x->key), &f, &c), ERR_OK);
}

static json_t *load(struct arena *a, const char *name)
{
	json_t *j;
	struct str text = shared_file(a, name);
	if (!text.p) skip();
	assert_int_equal(json_read_large(a, text, NULL, &j), ERR_OK);
	return j;
}

/* "name+hex key id+base64(0x01 ‖ key)" of C2SP signed-note */
static void verifier_key(struct arena *a, struct str text, unsigned char out[SIGN_PUBLIC])
{
	struct str name, id, octets;
	assert_true(str_split(&text, '+', &name) && str_split(&text, '+', &id));
	assert_int_equal(base64_parse(a, text, &octets), ERR_OK);
	assert_int_equal(octets.n, 1 + SIGN_PUBLIC);
	assert_int_equal(octets.p[0], 1);
	memcpy(out, octets.p + 1, SIGN_PUBLIC);
}

struct nodes {
	struct merkle_hash node[8][16];
};

static enum err read_nodes(void *arg, unsigned level, uint64_t index, struct merkle_hash *ret)
{
	*ret = ((struct nodes *)arg)->node[level][index];
	return ERR_OK;
}

static enum err write_nodes(void *arg, unsigned level, uint64_t index, const struct merkle_hash *h)
{
	((struct nodes *)arg)->node[level][index] = *h;
	return ERR_OK;
}

static void another_logs_checkpoints_verify(void **state)
{
	struct fixture *x = *state;
	json_t *log = load(x->arena, "dataspace/tlog/tessera-testdata-log.json"), *j;
	const json_t *entries = json_object_get(log, "entriesUtf8");
	const char *name;
	unsigned char key[SIGN_PUBLIC];
	struct nodes n = {0};
	size_t i, count = 0;
	verifier_key(x->arena, json_text(json_object_get(log, "verifierKey")), key);
	for (i = 0; i < json_array_size(entries); i++) {
		struct merkle_hash leaf = merkle_leaf(json_text(json_array_get(entries, i)));
		assert_int_equal(merkle_add(i, &leaf, read_nodes, write_nodes, &n), ERR_OK);
	}
	json_object_foreach(json_object_get(log, "checkpoints"), name, j)
	{
		struct checkpoint c;
		struct merkle_hash root;
		struct flaw f;
		assert_int_equal(checkpoint_verify(json_text(j), key, &f, &c), ERR_OK);
		assert_str(c.origin, "example.com/log/testdata");
		assert_int_equal(merkle_root(c.size, read_nodes, &n, &root), ERR_OK);
		assert_memory_equal(c.root.b, root.b, MERKLE_HASH);
		count++;
	}
	printf(
	    "tessera-testdata-log.json: %zu checkpoints verify and have the roots of their %zu entries\n",
	    count, json_array_size(entries));
	assert_true(count >= 16);
}

/* The examples of the specification name no key: they must be read, and fail by the signature only. */
static void examples_of_the_specification_are_well_formed(void **state)
{
	struct fixture *x = *state;
	static const char *const files[] = {"dataspace/tlog/c2sp-examples/tlog-checkpoint.json",
					    "dataspace/tlog/c2sp-examples/tlog-cosignature.json"};
	for (size_t i = 0; i < COUNT(files); i++) {
		const json_t *blocks = json_object_get(load(x->arena, files[i]), "codeBlocks");
		struct str note = json_text(json_array_get(blocks, 0));
		struct checkpoint c;
		struct flaw f;
		if (!str_ends(note, STR("\n"))) note = arena_printf(x->arena, "%.*s\n", STR_ARG(note));
		assert_int_equal(checkpoint_verify(note, sign_public(x->key), &f, &c), ERR_BAD_SIGNATURE);
	}
}

static void texts_that_are_no_checkpoints_are_refused(void **state)
{
	struct fixture *x = *state;
	const char *root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
	static const char *const bodies[] = {"",
					     "o\n",
					     "o\n0\n",
					     "\n0\n%s\n",
					     "o\n01\n%s\n",
					     "o\n-1\n%s\n",
					     "o\n+1\n%s\n",
					     "o\n 1\n%s\n",
					     "o\n18446744073709551616\n%s\n",
					     "o\n1\n%.40s\n",
					     "o\n1\n%s=\n",
					     "o\n1\n%s",
					     "o\n1\n\n"};
	struct checkpoint c;
	struct flaw f;
	for (size_t i = 0; i < COUNT(bodies); i++) {
		struct str body = arena_printf(x->arena, bodies[i], root);
		unsigned char blob[4 + SIGN_SIGNATURE] = {0};
		sign_make(x->key, "", body, blob + 4);
		struct str sig = base64_write(x->arena, str_n(blob, sizeof blob));
		struct str note =
		    arena_printf(x->arena, "%.*s\n\xe2\x80\x94 o %.*s\n", STR_ARG(body), STR_ARG(sig));
		f = (struct flaw){0};
		assert_int_equal(checkpoint_verify(note, sign_public(x->key), &f, &c), ERR_BAD_INPUT);
		assert_true(f.rule[0] != 0);
	}
}

static void origins_are_names_of_signed_notes(void **state)
{
	struct fixture *x = *state;
	static const char *const bad[] = {"", "a b", "a+b", "a\nb"};
	struct writer *w;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(
		    writer_start(&(struct writer_options){.store = x->store, .origin = bad[i]}, &w),
		    ERR_BAD_INPUT);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(an_empty_ledger_has_the_root_of_nothing),
	    CASE(leaves_are_salted_digests_as_promised),
	    CASE(long_entries_hash_as_short_ones_do),
	    CASE(proofs_hold_against_every_published_root),
	    CASE(the_edge_of_a_history_that_was_aborted_is_not_believed),
	    CASE(a_damaged_row_is_noticed),
	    CASE(a_checkpoint_is_the_signed_note_of_the_tree),
	    CASE(another_logs_checkpoints_verify),
	    CASE(examples_of_the_specification_are_well_formed),
	    CASE(texts_that_are_no_checkpoints_are_refused),
	    CASE(origins_are_names_of_signed_notes),
	};
	if (sign_setup()) return 1;
	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
