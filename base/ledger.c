/* On disk.
 * STORE_LEAF: be64 index → salt, 16 octets; entry, the rest.
 * STORE_NODE: u8 level (1 and up), be64 index in that level → hash, 32 octets. Level 0 is not
 * stored: it is computed from the leaf.
 * STORE_META "ledger": be64 number of leaves; absent for none. */
#include "base/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/ledger_state.h"
#include "base/sign.h"
#include "base/wire.h"

#define LEAF_CONTEXT "kanhe-leaf-v1"
static const struct str head_key = {"ledger", 6};

enum err ledger_new(const char *origin, struct ledger **ret)
{
	size_t n = strlen(origin);
	/* C2SP signed-note: a name has no blanks, no plus, no line ends */
	if (!n || n > LEDGER_ORIGIN_MAX || strpbrk(origin, " \t\r\n+")) return ERR_BAD_INPUT;
	struct ledger *l = calloc(1, sizeof *l);
	if (!l) return ERR_NO_MEMORY;
	memcpy(l->origin, origin, n + 1);
	*ret = l;
	return ERR_OK;
}

void ledger_free(struct ledger *l)
{
	free(l);
}

const char *ledger_origin(const struct ledger *l)
{
	return l->origin;
}

struct merkle_hash ledger_leaf_hash(const unsigned char salt[LEDGER_SALT], struct str entry)
{
	unsigned char digest[HASH_SHA256];
	struct hash *h = hash_new();
	must(h != NULL);
	hash_add(h, str_n(LEAF_CONTEXT, sizeof LEAF_CONTEXT)); /* with its NUL */
	hash_add(h, str_n(salt, LEDGER_SALT));
	hash_add(h, entry);
	hash_finish(h, digest);
	hash_free(h);
	return merkle_leaf(str_n(digest, sizeof digest));
}

uint64_t ledger_size(struct store_txn *t)
{
	struct str v;
	return store_get(t, STORE_META, head_key, &v) ? 0 : store_u64(v);
}

static struct str node_key(unsigned char k[9], unsigned level, uint64_t index)
{
	struct wire w = wire_writer(k, 9);
	wire_put_u8(&w, (uint8_t)level);
	wire_put_u64(&w, index);
	return wire_str(&w);
}

static enum err read_node(void *arg, unsigned level, uint64_t index, struct merkle_hash *ret)
{
	unsigned char k[9];
	struct ledger_leaf leaf;
	struct str v;
	if (!level) {
		enum err e = ledger_read(arg, index, &leaf);
		if (!e) *ret = ledger_leaf_hash(leaf.salt, leaf.entry);
		return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	}
	enum err e = store_get(arg, STORE_NODE, node_key(k, level, index), &v);
	if (e || v.n != MERKLE_HASH) return e && e != ERR_NOT_FOUND ? e : ERR_CORRUPT;
	memcpy(ret->b, v.p, MERKLE_HASH);
	return ERR_OK;
}

enum err ledger_read(struct store_txn *t, uint64_t index, struct ledger_leaf *ret)
{
	unsigned char k[8];
	struct str v;
	enum err e = store_get(t, STORE_LEAF, store_key_u64(k, index), &v);
	if (e) return e;
	if (v.n < LEDGER_SALT) return ERR_CORRUPT;
	ret->index = index;
	memcpy(ret->salt, v.p, LEDGER_SALT);
	ret->entry = str_skip(v, LEDGER_SALT);
	return ERR_OK;
}

/* ---- appending -------------------------------------------------------------------------- */

struct appending {
	struct ledger *ledger;
	struct store_txn *txn;
	/* the largest subtree that the leaf completes: the edge's new end, set once all were read */
	unsigned top;
	struct merkle_hash top_hash;
};

static enum err know_edge(struct ledger *l, struct store_txn *t)
{
	uint64_t size = ledger_size(t);
	if (l->known && l->size == size) return ERR_OK;
	l->known = false;
	for (unsigned level = 0; level < 64; level++) {
		if (!(size >> level & 1)) continue;
		enum err e = read_node(t, level, (size >> level) - 1, &l->edge[level]);
		if (e) return e;
	}
	l->size = size;
	l->known = true;
	return ERR_OK;
}

static enum err read_edge(void *arg, unsigned level, uint64_t index, struct merkle_hash *ret)
{
	struct appending *a = arg;
	(void)index; /* merkle_add asks only for what ends at the tree's edge */
	*ret = a->ledger->edge[level];
	return ERR_OK;
}

static enum err write_node(void *arg, unsigned level, uint64_t index, const struct merkle_hash *h)
{
	struct appending *a = arg;
	unsigned char k[9];
	a->top = level;
	a->top_hash = *h;
	if (!level) return ERR_OK;
	return store_put(a->txn, STORE_NODE, node_key(k, level, index), str_n(h->b, MERKLE_HASH));
}

enum err ledger_append(struct ledger *l, struct store_txn *t, struct str entry, uint64_t *ret_index)
{
	unsigned char value[LEDGER_SALT + LEDGER_ENTRY_MAX], k[8];
	struct appending a = {.ledger = l, .txn = t};
	if (entry.n > LEDGER_ENTRY_MAX) return ERR_TOO_LARGE;
	enum err e = know_edge(l, t);
	if (e) return e;
	uint64_t index = l->size;
	random_bytes(value, LEDGER_SALT);
	if (entry.n) memcpy(value + LEDGER_SALT, entry.p, entry.n);
	struct merkle_hash leaf = ledger_leaf_hash(value, entry);
	l->known = false;
	e = store_append(t, STORE_LEAF, store_key_u64(k, index), str_n(value, LEDGER_SALT + entry.n));
	if (!e) e = merkle_add(index, &leaf, read_edge, write_node, &a);
	if (!e) e = store_put(t, STORE_META, head_key, store_key_u64(k, index + 1));
	if (e) return e;
	l->edge[a.top] = a.top_hash;
	l->size = index + 1;
	l->known = true;
	if (ret_index) *ret_index = index;
	return ERR_OK;
}

enum err ledger_head(struct ledger *l, struct store_txn *t, uint64_t *ret_size,
		     struct merkle_hash *ret_root)
{
	enum err e = know_edge(l, t);
	if (e) return e;
	*ret_size = l->size;
	*ret_root = merkle_empty();
	bool first = true;
	/* the subtrees at the edge, smallest first, each joined from the left (RFC 9162 2.1.1) */
	for (unsigned level = 0; level < 64; level++) {
		if (!(l->size >> level & 1)) continue;
		*ret_root = first ? l->edge[level] : merkle_node(&l->edge[level], ret_root);
		first = false;
	}
	return ERR_OK;
}

/* ---- reading ---------------------------------------------------------------------------- */

enum err ledger_root(struct store_txn *t, struct merkle_hash *ret)
{
	return merkle_root(ledger_size(t), read_node, t, ret);
}

enum err ledger_prove(struct store_txn *t, uint64_t index, uint64_t size, struct merkle_proof *ret)
{
	if (size > ledger_size(t)) return ERR_NOT_FOUND;
	return merkle_prove_inclusion(index, size, read_node, t, ret);
}

enum err ledger_prove_consistency(struct store_txn *t, uint64_t old_size, uint64_t size,
				  struct merkle_proof *ret)
{
	if (size > ledger_size(t)) return ERR_NOT_FOUND;
	return merkle_prove_consistency(old_size, size, read_node, t, ret);
}
