#include "base/merkle.h"

#include "base/hash.h"

struct merkle_hash merkle_leaf(struct str data)
{
	struct merkle_hash h;
	unsigned char short_form[1 + 1024];
	if (data.n < sizeof short_form) {
		short_form[0] = 0;
		if (data.n) memcpy(short_form + 1, data.p, data.n);
		hash_sha256(str_n(short_form, data.n + 1), h.b);
		return h;
	}
	struct hash *run = hash_new();
	must(run != NULL);
	hash_add(run, str_n("", 1));
	hash_add(run, data);
	hash_finish(run, h.b);
	hash_free(run);
	return h;
}

struct merkle_hash merkle_node(const struct merkle_hash *left, const struct merkle_hash *right)
{
	struct merkle_hash h;
	unsigned char both[1 + 2 * MERKLE_HASH] = {1};
	memcpy(both + 1, left->b, MERKLE_HASH);
	memcpy(both + 1 + MERKLE_HASH, right->b, MERKLE_HASH);
	hash_sha256(str_n(both, sizeof both), h.b);
	return h;
}

struct merkle_hash merkle_empty(void)
{
	struct merkle_hash h;
	hash_sha256(STR(""), h.b);
	return h;
}

enum err merkle_add(uint64_t size, const struct merkle_hash *leaf, merkle_read_fn *read,
		    merkle_write_fn *write, void *arg)
{
	struct merkle_hash h = *leaf;
	enum err e = write(arg, 0, size, &h);
	for (unsigned level = 0; !e && (size >> level & 1); level++) {
		struct merkle_hash left;
		e = read(arg, level, (size >> level) - 1, &left);
		if (e) break;
		h = merkle_node(&left, &h);
		e = write(arg, level + 1, size >> (level + 1), &h);
	}
	return e;
}

/* Largest power of two smaller than n, n >= 2 (RFC 9162 2.1.1: k). */
static uint64_t split_of(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* Hash of leaves [start, start + n); start is a multiple of the largest power of two in n. */
static enum err range_hash(uint64_t start, uint64_t n, merkle_read_fn *read, void *arg,
			   struct merkle_hash *ret)
{
	if ((n & (n - 1)) == 0) {
		unsigned level = (unsigned)__builtin_ctzll(n);
		return read(arg, level, start >> level, ret);
	}
	struct merkle_hash left, right;
	uint64_t k = split_of(n);
	enum err e = range_hash(start, k, read, arg, &left);
	if (!e) e = range_hash(start + k, n - k, read, arg, &right);
	if (!e) *ret = merkle_node(&left, &right);
	return e;
}

enum err merkle_root(uint64_t size, merkle_read_fn *read, void *arg, struct merkle_hash *ret)
{
	if (!size) {
		*ret = merkle_empty();
		return ERR_OK;
	}
	return range_hash(0, size, read, arg, ret);
}

static enum err proof_push(struct merkle_proof *p, uint64_t start, uint64_t n, merkle_read_fn *read,
			   void *arg)
{
	must(p->n < MERKLE_PROOF_MAX);
	enum err e = range_hash(start, n, read, arg, &p->hash[p->n]);
	if (!e) p->n++;
	return e;
}

/* PATH(m, D[start:start+n]) of RFC 9162 2.1.3.1 */
static enum err path(uint64_t m, uint64_t start, uint64_t n, merkle_read_fn *read, void *arg,
		     struct merkle_proof *p)
{
	if (n == 1) return ERR_OK;
	uint64_t k = split_of(n);
	enum err e = m < k ? path(m, start, k, read, arg, p) : path(m - k, start + k, n - k, read, arg, p);
	if (e) return e;
	return m < k ? proof_push(p, start + k, n - k, read, arg) : proof_push(p, start, k, read, arg);
}

enum err merkle_prove_inclusion(uint64_t index, uint64_t size, merkle_read_fn *read, void *arg,
				struct merkle_proof *ret)
{
	struct merkle_proof p = {.n = 0};
	if (index >= size) return ERR_NOT_FOUND;
	enum err e = path(index, 0, size, read, arg, &p);
	if (!e) *ret = p;
	return e;
}

/* SUBPROOF(m, D[start:start+n], whole) of RFC 9162 2.1.4.1 */
static enum err
subproof(uint64_t m, uint64_t start, uint64_t n, bool whole, merkle_read_fn *read, void *arg,
	 struct merkle_proof *p) /* six arguments: those of the specification and where to read */
{
	if (m == n) return whole ? ERR_OK : proof_push(p, start, n, read, arg);
	uint64_t k = split_of(n);
	enum err e = m <= k ? subproof(m, start, k, whole, read, arg, p)
			    : subproof(m - k, start + k, n - k, false, read, arg, p);
	if (e) return e;
	return m <= k ? proof_push(p, start + k, n - k, read, arg) : proof_push(p, start, k, read, arg);
}

enum err merkle_prove_consistency(uint64_t old_size, uint64_t size, merkle_read_fn *read, void *arg,
				  struct merkle_proof *ret)
{
	struct merkle_proof p = {.n = 0};
	enum err e = ERR_OK;
	if (old_size > size) return ERR_NOT_FOUND;
	if (old_size && old_size < size) e = subproof(old_size, 0, size, true, read, arg, &p);
	if (!e) *ret = p;
	return e;
}

static bool hash_eq(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->b, b->b, MERKLE_HASH) == 0;
}

/* RFC 9162 2.1.3.2 */
enum err merkle_verify_inclusion(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
				 const struct merkle_proof *p, const struct merkle_hash *root)
{
	if (index >= size) return ERR_BAD_SIGNATURE;
	uint64_t fn = index, sn = size - 1;
	struct merkle_hash r = *leaf;
	for (size_t i = 0; i < p->n; i++) {
		if (!sn) return ERR_BAD_SIGNATURE;
		if ((fn & 1) || fn == sn) {
			r = merkle_node(&p->hash[i], &r);
			while (!(fn & 1) && fn) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			r = merkle_node(&r, &p->hash[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return !sn && hash_eq(&r, root) ? ERR_OK : ERR_BAD_SIGNATURE;
}

/* RFC 9162 2.1.4.2 */
enum err merkle_verify_consistency(uint64_t old_size, uint64_t size, const struct merkle_proof *p,
				   const struct merkle_hash *old_root, const struct merkle_hash *root)
{
	if (old_size > size) return ERR_BAD_SIGNATURE;
	if (!old_size) return ERR_BAD_SIGNATURE; /* "0 < m": the empty tree proves nothing of the other */
	if (old_size == size) return !p->n && hash_eq(old_root, root) ? ERR_OK : ERR_BAD_SIGNATURE;
	bool power = (old_size & (old_size - 1)) == 0;
	size_t i = 0;
	if (!power && !p->n) return ERR_BAD_SIGNATURE;
	struct merkle_hash fr = power ? *old_root : p->hash[i++], sr = fr;
	uint64_t fn = old_size - 1, sn = size - 1;
	while (fn & 1) {
		fn >>= 1;
		sn >>= 1;
	}
	for (; i < p->n; i++) {
		if (!sn) return ERR_BAD_SIGNATURE;
		if ((fn & 1) || fn == sn) {
			fr = merkle_node(&p->hash[i], &fr);
			sr = merkle_node(&p->hash[i], &sr);
			while (!(fn & 1) && fn) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			sr = merkle_node(&sr, &p->hash[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return !sn && hash_eq(&fr, old_root) && hash_eq(&sr, root) ? ERR_OK : ERR_BAD_SIGNATURE;
}
