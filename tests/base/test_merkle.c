#include "tests/base/cases.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/merkle.h"
#include "base/text64.h"
#include "tests/base/shared_file.h"

enum { FILE_ARENA = 64 << 20 };

/* 2^64 - 1 is in the vectors and beyond what JSON integers hold here: -1 stands for it. */
static void tame(struct str text)
{
	static const char large[] = "18446744073709551615", small[] = "-1                  ";
	char *p = (char *)(uintptr_t)text.p;
	for (size_t i = 0; i + sizeof large - 1 <= text.n; i++)
		if (!memcmp(p + i, large, sizeof large - 1)) memcpy(p + i, small, sizeof small - 1);
}

/* The arena is the test's own; NULL when the file is absent. */
static json_t *load(struct arena *a, const char *name)
{
	json_t *j;
	struct str text = shared_file(a, name);
	if (!text.p) return NULL;
	tame(text);
	assert_int_equal(json_read_large(a, text, NULL, &j), ERR_OK);
	return j;
}

enum { WORDS = 12 }; /* "don't care 2", say, for roots in some vectors: whether they are equal counts */

static bool hash_of(struct arena *a, const json_t *j, struct merkle_hash *ret)
{
	struct str octets;
	*ret = (struct merkle_hash){0};
	if (base64_parse(a, json_text(j), &octets) || (octets.n != MERKLE_HASH && octets.n != WORDS))
		return false;
	memcpy(ret->b, octets.p, octets.n);
	return true;
}

/* False: no such proof can be given to the verifier at all. */
static bool proof_of(struct arena *a, const json_t *j, struct merkle_proof *ret)
{
	ret->n = json_array_size(j);
	if (ret->n > MERKLE_PROOF_MAX) return false;
	for (size_t i = 0; i < ret->n; i++)
		if (!hash_of(a, json_array_get(j, i), &ret->hash[i])) return false;
	return true;
}

static uint64_t number(const json_t *c, const char *key)
{
	const json_t *j = json_object_get(c, key);
	assert_true(json_is_integer(j));
	return (uint64_t)json_integer_value(j);
}

static enum err judge_inclusion(struct arena *a, const json_t *c)
{
	struct merkle_hash leaf, root;
	struct merkle_proof p;
	if (!hash_of(a, json_object_get(c, "leafHash"), &leaf) ||
	    !hash_of(a, json_object_get(c, "root"), &root) || !proof_of(a, json_object_get(c, "proof"), &p))
		return ERR_BAD_SIGNATURE;
	return merkle_verify_inclusion(&leaf, number(c, "leafIdx"), number(c, "treeSize"), &p, &root);
}

static enum err judge_consistency(struct arena *a, const json_t *c)
{
	struct merkle_hash old_root, root;
	struct merkle_proof p;
	if (!hash_of(a, json_object_get(c, "root1"), &old_root) ||
	    !hash_of(a, json_object_get(c, "root2"), &root) ||
	    !proof_of(a, json_object_get(c, "proof"), &p))
		return ERR_BAD_SIGNATURE;
	return merkle_verify_consistency(number(c, "size1"), number(c, "size2"), &p, &old_root, &root);
}

static void judge_all(const char *file, enum err (*judge)(struct arena *, const json_t *))
{
	struct arena *a = arena_new(FILE_ARENA);
	const json_t *cases = load(a, file), *c;
	size_t i, held = 0, refused = 0;
	if (!cases) {
		arena_free(a);
		skip();
	}
	json_array_foreach(cases, i, c)
	{
		bool bad = json_is_true(json_object_get(c, "wantErr"));
		enum err e = judge(a, c);
		if (e != (bad ? ERR_BAD_SIGNATURE : ERR_OK))
			fprintf(stderr, "%s gave %s\n", json_string_value(json_object_get(c, "case")),
				err_name(e));
		assert_int_equal(e, bad ? ERR_BAD_SIGNATURE : ERR_OK);
		if (bad)
			refused++;
		else
			held++;
	}
	printf("%s: %zu hold, %zu corrupted ones are refused\n", file, held, refused);
	assert_true(held > 0 && refused > 0);
	arena_free(a);
}

static void inclusion_vectors(void **state)
{
	(void)state;
	judge_all("dataspace/merkle/inclusion.json", judge_inclusion);
}

static void consistency_vectors(void **state)
{
	(void)state;
	judge_all("dataspace/merkle/consistency.json", judge_consistency);
}

/* A tree in memory, of which every complete subtree is kept. */
enum { LEVELS = 10, LEAVES = 1 << LEVELS };

struct tree {
	struct merkle_hash node[LEVELS + 1][LEAVES];
	bool there[LEVELS + 1][LEAVES];
	uint64_t size;
};

static enum err read_tree(void *arg, unsigned level, uint64_t index, struct merkle_hash *ret)
{
	struct tree *t = arg;
	must(level <= LEVELS && index < LEAVES && t->there[level][index]);
	*ret = t->node[level][index];
	return ERR_OK;
}

static enum err write_tree(void *arg, unsigned level, uint64_t index, const struct merkle_hash *h)
{
	struct tree *t = arg;
	must(level <= LEVELS && index < LEAVES && !t->there[level][index]); /* never twice */
	t->node[level][index] = *h;
	t->there[level][index] = true;
	return ERR_OK;
}

static void grow(struct tree *t, struct str data)
{
	struct merkle_hash leaf = merkle_leaf(data);
	assert_int_equal(merkle_add(t->size, &leaf, read_tree, write_tree, t), ERR_OK);
	t->size++;
}

static struct merkle_hash root_of(struct tree *t, uint64_t size)
{
	struct merkle_hash h;
	assert_int_equal(merkle_root(size, read_tree, t, &h), ERR_OK);
	return h;
}

static void assert_hex(const struct merkle_hash *h, const json_t *want)
{
	char hex[2 * MERKLE_HASH];
	hex_write(h->b, MERKLE_HASH, hex);
	assert_true(str_eq(str_n(hex, sizeof hex), json_text(want)));
}

static void the_reference_tree_of_rfc_6962(void **state)
{
	(void)state;
	struct arena *a = arena_new(FILE_ARENA);
	const json_t *j = load(a, "dataspace/merkle/rfc6962-reference-tree.json"), *level, *hash;
	const json_t *roots = json_object_get(j, "rootHashesHexByTreeSize");
	size_t i, k, n = 0;
	if (!j) {
		arena_free(a);
		skip();
	}
	struct tree *t = calloc(1, sizeof *t);
	struct merkle_hash empty = merkle_empty(), root;
	assert_hex(&empty, json_array_get(roots, 0));
	json_array_foreach(json_object_get(j, "leafInputsHex"), i, hash)
	{
		unsigned char octets[64];
		struct str hex = json_text(hash);
		assert_int_equal(hex_parse(hex, octets, hex.n / 2), ERR_OK);
		grow(t, str_n(octets, hex.n / 2));
		root = root_of(t, t->size);
		assert_hex(&root, json_array_get(roots, i + 1));
	}
	json_array_foreach(json_object_get(j, "nodeHashesHexByLevel"), i, level)
	{
		json_array_foreach(level, k, hash)
		{
			assert_hex(&t->node[i][k], hash);
			n++;
		}
	}
	printf("rfc6962-reference-tree.json: %zu roots, %zu nodes\n", json_array_size(roots), n);
	assert_int_equal(n, 15);
	free(t);
	arena_free(a);
}

/* MTH of RFC 9162 2.1.1, as it is written there. */
static struct merkle_hash mth(struct tree *t, uint64_t from, uint64_t n)
{
	if (!n) return merkle_empty();
	if (n == 1) return t->node[0][from];
	uint64_t k = 1;
	while (k * 2 < n) k *= 2;
	struct merkle_hash l = mth(t, from, k), r = mth(t, from + k, n - k);
	return merkle_node(&l, &r);
}

static struct tree *tree_of(uint64_t n)
{
	struct tree *t = calloc(1, sizeof *t);
	for (uint64_t i = 0; i < n; i++) grow(t, str_n(&i, sizeof i));
	return t;
}

static void roots_are_those_of_the_definition(void **state)
{
	(void)state;
	struct tree *t = tree_of(LEAVES - 1);
	for (uint64_t n = 0; n < LEAVES; n += n < 70 ? 1 : 13) {
		struct merkle_hash want = mth(t, 0, n), got = root_of(t, n);
		assert_memory_equal(got.b, want.b, MERKLE_HASH);
	}
	free(t);
}

static void every_inclusion_proof_holds_for_its_leaf_only(void **state)
{
	(void)state;
	struct tree *t = tree_of(70);
	struct merkle_proof p;
	for (uint64_t n = 1; n <= 70; n++) {
		struct merkle_hash root = root_of(t, n);
		for (uint64_t i = 0; i < n; i++) {
			assert_int_equal(merkle_prove_inclusion(i, n, read_tree, t, &p), ERR_OK);
			assert_int_equal(merkle_verify_inclusion(&t->node[0][i], i, n, &p, &root), ERR_OK);
			assert_int_equal(merkle_verify_inclusion(&t->node[0][i ^ 1], i, n, &p, &root),
					 ERR_BAD_SIGNATURE);
			if (n > 1)
				assert_int_equal(
				    merkle_verify_inclusion(&t->node[0][i], (i + 1) % n, n, &p, &root),
				    ERR_BAD_SIGNATURE);
			if (!p.n) continue;
			p.hash[(i + n) % p.n].b[i % 32] ^= 1;
			assert_int_equal(merkle_verify_inclusion(&t->node[0][i], i, n, &p, &root),
					 ERR_BAD_SIGNATURE);
			p.hash[(i + n) % p.n].b[i % 32] ^= 1;
			p.n--;
			assert_int_equal(merkle_verify_inclusion(&t->node[0][i], i, n, &p, &root),
					 ERR_BAD_SIGNATURE);
		}
		assert_int_equal(merkle_prove_inclusion(n, n, read_tree, t, &p), ERR_NOT_FOUND);
	}
	free(t);
}

static void every_consistency_proof_holds_for_its_roots_only(void **state)
{
	(void)state;
	struct tree *t = tree_of(70);
	struct merkle_proof p;
	for (uint64_t n = 1; n <= 70; n++) {
		struct merkle_hash root = root_of(t, n);
		for (uint64_t m = 0; m <= n; m++) {
			struct merkle_hash old = root_of(t, m), forged = old;
			forged.b[m % 32] ^= 1;
			assert_int_equal(merkle_prove_consistency(m, n, read_tree, t, &p), ERR_OK);
			assert_int_equal(merkle_verify_consistency(m, n, &p, &old, &root),
					 m ? ERR_OK : ERR_BAD_SIGNATURE);
			assert_int_equal(merkle_verify_consistency(m, n, &p, &forged, &root),
					 ERR_BAD_SIGNATURE);
			if (m && m < n)
				assert_int_equal(merkle_verify_consistency(m, n, &p, &old, &old),
						 ERR_BAD_SIGNATURE);
			for (size_t i = 0; i < p.n; i++) {
				p.hash[i].b[n % 32] ^= 1;
				assert_int_equal(merkle_verify_consistency(m, n, &p, &old, &root),
						 ERR_BAD_SIGNATURE);
				p.hash[i].b[n % 32] ^= 1;
			}
		}
		struct merkle_hash old = root_of(t, n);
		assert_int_equal(
		    merkle_verify_consistency(n + 1, n, &(struct merkle_proof){0}, &old, &root),
		    ERR_BAD_SIGNATURE);
		assert_int_not_equal(merkle_prove_consistency(n + 1, n, read_tree, t, &p), ERR_OK);
	}
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(inclusion_vectors),
	    cmocka_unit_test(consistency_vectors),
	    cmocka_unit_test(the_reference_tree_of_rfc_6962),
	    cmocka_unit_test(roots_are_those_of_the_definition),
	    cmocka_unit_test(every_inclusion_proof_holds_for_its_leaf_only),
	    cmocka_unit_test(every_consistency_proof_holds_for_its_roots_only),
	};
	return cmocka_run_group_tests_name("merkle", tests, NULL, NULL);
}
