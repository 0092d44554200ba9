/* On disk.
 * STORE_LEAF: be64 index → salt, 16 octets; u8 n; n Merkle hashes of 32 octets; entry, the rest.
 * The hashes are those of the complete subtrees that end with this leaf, by level from 0 (the leaf
 * itself): n - 1 is the number of ones at the low end of the index. So every node of the tree lies
 * in the row of its last leaf, an append dirties one place only, and the number of leaves is the
 * last index plus one. */
#include "base/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/ledger_state.h"
#include "base/sign.h"
#include "base/wire.h"

#define LEAF_CONTEXT "kanhe-leaf-v1"
/* salt and n; the most a row can hold: 64 levels, as many as an index has bits */
enum { ROW_HEAD = LEDGER_SALT + 1, ROW_MAX = ROW_HEAD + 64 * MERKLE_HASH + LEDGER_ENTRY_MAX };
/* Salts asked of the system at once: a call for each would cost more than the leaf's hashes. */
enum { SALTS = 64 };
_Static_assert(sizeof((struct ledger *)0)->row >= ROW_MAX, "a row has room");

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

/* The digest of a short entry in one go; the running hash of a long one costs an allocation. */
enum { SHORT_ENTRY = 2048 };

struct merkle_hash ledger_leaf_hash(const unsigned char salt[LEDGER_SALT], struct str entry)
{
	unsigned char digest[HASH_SHA256], whole[sizeof LEAF_CONTEXT + LEDGER_SALT + SHORT_ENTRY];
	struct str context = str_n(LEAF_CONTEXT, sizeof LEAF_CONTEXT); /* with its NUL */
	if (entry.n <= SHORT_ENTRY) {
		struct wire w = wire_writer(whole, sizeof whole);
		wire_put(&w, context);
		wire_put(&w, str_n(salt, LEDGER_SALT));
		wire_put(&w, entry);
		hash_sha256(wire_str(&w), digest);
	} else {
		struct hash *h = hash_new();
		must(h != NULL);
		hash_add(h, context);
		hash_add(h, str_n(salt, LEDGER_SALT));
		hash_add(h, entry);
		hash_finish(h, digest);
		hash_free(h);
	}
	return merkle_leaf(str_n(digest, sizeof digest));
}

struct row {
	struct str salt, hashes, entry;
};

static enum err parse_row(struct str value, uint64_t index, struct row *ret)
{
	struct wire w = wire_reader(value);
	struct row r = {.salt = wire_bytes(&w, LEDGER_SALT)};
	unsigned n = wire_u8(&w);
	r.hashes = wire_bytes(&w, (size_t)n * MERKLE_HASH);
	r.entry = wire_bytes(&w, wire_left(&w));
	if (!wire_ok(&w) || n != (unsigned)__builtin_ctzll(~index) + 1) return ERR_CORRUPT;
	*ret = r;
	return ERR_OK;
}

static enum err read_row(struct store_txn *t, uint64_t index, struct row *ret)
{
	unsigned char k[8];
	struct str v;
	enum err e = store_get(t, STORE_LEAF, store_key_u64(k, index), &v);
	return e ? e : parse_row(v, index, ret);
}

/* Number of leaves, and the last one's row unless there is none. */
static enum err read_last(struct store_txn *t, uint64_t *ret_size, struct row *ret)
{
	struct store_cursor *c;
	struct str key, value;
	enum err e = store_cursor_open(t, STORE_LEAF, &c);
	if (e) return e;
	e = store_cursor_last(c, &key, &value);
	store_cursor_close(c);
	if (e == ERR_NOT_FOUND) {
		*ret_size = 0;
		return ERR_OK;
	}
	if (e) return e;
	if (key.n != 8) return ERR_CORRUPT;
	e = parse_row(value, store_u64(key), ret);
	if (!e) *ret_size = store_u64(key) + 1;
	return e;
}

uint64_t ledger_size(struct store_txn *t)
{
	uint64_t size;
	struct row last;
	return read_last(t, &size, &last) ? 0 : size;
}

static enum err read_node(void *arg, unsigned level, uint64_t index, struct merkle_hash *ret)
{
	struct row r;
	enum err e = read_row(arg, ((index + 1) << level) - 1, &r);
	if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	if (r.hashes.n < (level + 1) * (size_t)MERKLE_HASH) return ERR_CORRUPT;
	memcpy(ret->b, r.hashes.p + (size_t)level * MERKLE_HASH, MERKLE_HASH);
	return ERR_OK;
}

enum err ledger_read(struct store_txn *t, uint64_t index, struct ledger_leaf *ret)
{
	struct row r;
	enum err e = read_row(t, index, &r);
	if (e) return e;
	ret->index = index;
	memcpy(ret->salt, r.salt.p, LEDGER_SALT);
	ret->entry = r.entry;
	return ERR_OK;
}

/* ---- appending -------------------------------------------------------------------------- */

/* The edge is known when the table ends with the leaf that ended it. An aborted batch leaves the
 * edge ahead of the table, and the salted hash of its last leaf is in no other history. */
static enum err know_edge(struct ledger *l, struct store_txn *t)
{
	uint64_t size;
	struct row last;
	enum err e = read_last(t, &size, &last);
	if (e) return e;
	if (size && size == l->size && !memcmp(last.hashes.p, l->last.b, MERKLE_HASH)) return ERR_OK;
	l->size = 0;
	for (unsigned level = 0; level < 64; level++) {
		if (!(size >> level & 1)) continue;
		e = read_node(t, level, (size >> level) - 1, &l->edge[level]);
		if (e) return e;
	}
	l->size = size;
	if (size) memcpy(l->last.b, last.hashes.p, MERKLE_HASH);
	return ERR_OK;
}

static enum err read_edge(void *arg, unsigned level, uint64_t index, struct merkle_hash *ret)
{
	struct ledger *l = arg;
	(void)index; /* merkle_add asks only for what ends at the tree's edge */
	*ret = l->edge[level];
	return ERR_OK;
}

/* Into the row; the edge moves once the row is written. */
static enum err note_node(void *arg, unsigned level, uint64_t index, const struct merkle_hash *h)
{
	struct ledger *l = arg;
	(void)index;
	memcpy(l->row + ROW_HEAD + (size_t)level * MERKLE_HASH, h->b, MERKLE_HASH);
	l->row[LEDGER_SALT] = (unsigned char)(level + 1);
	return ERR_OK;
}

static void take_salt(struct ledger *l, unsigned char out[LEDGER_SALT])
{
	if (!l->salts_left) {
		random_bytes(l->salts, sizeof l->salts);
		l->salts_left = SALTS;
	}
	memcpy(out, l->salts[--l->salts_left], LEDGER_SALT);
}

enum err ledger_append(struct ledger *l, struct store_txn *t, struct str entry, uint64_t *ret_index)
{
	unsigned char k[8];
	if (entry.n > LEDGER_ENTRY_MAX) return ERR_TOO_LARGE;
	enum err e = know_edge(l, t);
	if (e) return e;
	uint64_t index = l->size;
	take_salt(l, l->row);
	struct merkle_hash leaf = ledger_leaf_hash(l->row, entry);
	e = merkle_add(index, &leaf, read_edge, note_node, l);
	if (e) return e;
	unsigned top = l->row[LEDGER_SALT] - 1u;
	size_t n = ROW_HEAD + (top + 1) * (size_t)MERKLE_HASH;
	struct merkle_hash joined;
	memcpy(joined.b, l->row + n - MERKLE_HASH, MERKLE_HASH);
	if (entry.n) memcpy(l->row + n, entry.p, entry.n);
	e = store_append(t, STORE_LEAF, store_key_u64(k, index), str_n(l->row, n + entry.n));
	if (e) return e;
	l->edge[top] = joined; /* what lay below it is part of it now */
	l->last = leaf;
	l->size = index + 1;
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
