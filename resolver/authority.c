#include "resolver/authority.h"

#include <stdlib.h>

#include "resolver/delegation.h"

enum { ZONES_MIN = 16, PREFIX_LENGTHS = ID_KEY_MAX + 1 };

struct zones {
	struct arena *arena;
	struct zone **slots; /* open addressing, a power of two, at most half full */
	size_t slots_n, children, longest; /* the longest prefix of a zone */
	bool length[PREFIX_LENGTHS]; /* some zone has a prefix of this length */
};

/* FNV-1a, so that the hashes of all boundaries of an identifier come from one pass. The zones are
 * the operator's own: nobody gains by making them collide. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
static uint64_t hash_on(uint64_t h, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);
	return h;
}

enum err authority_parse(struct arena *a, const char *const *texts, size_t n, struct flaw *f,
			 struct id_prefix **ret)
{
	struct id_prefix *p = ARENA_ARRAY(a, struct id_prefix, n + 1);
	struct flaw why = {0};
	if (!p) return ERR_NO_MEMORY;
	if (n > AUTHORITY_PREFIXES_MAX)
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "resolver.authority", "authority-max",
				"more than %d prefixes", AUTHORITY_PREFIXES_MAX);
	for (size_t i = 0; i < n; i++) {
		if (id_prefix_parse(a, str_of(texts[i]), &why, &p[i]))
			return flaw_set(f, ERR_BAD_CONF, why.offset, "resolver.authority",
					why.rule[0] ? why.rule : "prefix", "\"%s\": %s", texts[i],
					why.text);
		for (size_t j = 0; j < i; j++)
			if (id_prefix_covers(p[i].key, p[j].key) || id_prefix_covers(p[j].key, p[i].key))
				return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "resolver.authority",
						"authority-overlap",
						"\"%s\" and \"%s\": one of them covers the other", texts[j],
						texts[i]);
	}
	*ret = p;
	return ERR_OK;
}

static struct zone **slot_of(const struct zones *z, uint64_t hash, struct str prefix)
{
	size_t mask = z->slots_n - 1;
	for (size_t i = (hash ^ (hash >> 29)) & mask;; i = (i + 1) & mask) {
		struct zone *at = z->slots[i];
		if (!at || (at->hash == hash && str_eq(at->prefix, prefix))) return &z->slots[i];
	}
}

static struct zone *add(struct zones *z, struct str prefix)
{
	struct zone *n = ARENA_NEW(z->arena, struct zone);
	uint64_t hash = hash_on(HASH_START, prefix.p, prefix.n);
	struct zone **slot = slot_of(z, hash, prefix);
	if (!n || *slot) return *slot;
	*n = (struct zone){.prefix = arena_dup(z->arena, prefix), .hash = hash};
	if (!n->prefix.p) return NULL;
	z->length[prefix.n] = true;
	if (prefix.n > z->longest) z->longest = prefix.n;
	*slot = n;
	return n;
}

static enum err add_child(void *arg, struct str prefix, struct str delegation)
{
	struct zones *z = arg;
	const struct zone *parent = zones_find_prefix(z, prefix);
	/* a delegation outside of what is ours by now, or of what became ours itself, sleeps */
	while (parent && parent->parent) parent = parent->parent;
	if (!parent || str_eq(parent->prefix, prefix)) return ERR_OK;
	struct zone *n = add(z, prefix);
	if (!n) return ERR_NO_MEMORY;
	n->parent = parent;
	n->delegation = arena_dup(z->arena, delegation);
	struct id_prefix printed;
	enum err e = id_prefix_from_key(z->arena, prefix, NULL, &printed);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	n->text = printed.text;
	z->children++;
	return n->delegation.p ? ERR_OK : ERR_NO_MEMORY;
}

static enum err fill(struct zones *z, const struct id_prefix *ours, size_t ours_n, struct store_txn *t)
{
	size_t want = (ours_n + store_count(t, RS_TABLE_delegation)) * 2;
	for (z->slots_n = ZONES_MIN; z->slots_n <= want;) z->slots_n *= 2;
	z->slots = calloc(z->slots_n, sizeof(struct zone *));
	if (!z->slots) return ERR_NO_MEMORY;
	for (size_t i = 0; i < ours_n; i++) {
		struct zone *n = add(z, ours[i].key);
		if (!n) return ERR_NO_MEMORY;
		n->index = (unsigned)i;
		n->text = arena_dup(z->arena, ours[i].text);
		if (!n->text.p) return ERR_NO_MEMORY;
	}
	return delegation_each(t, add_child, z);
}

enum err zones_new(const struct id_prefix *ours, size_t ours_n, struct store_txn *t, struct zones **ret)
{
	struct zones *z = calloc(1, sizeof *z);
	if (!z) return ERR_NO_MEMORY;
	z->arena = arena_new((size_t)1 << 30); /* bounded by the delegation table, not by a request */
	enum err e = z->arena ? fill(z, ours, ours_n, t) : ERR_NO_MEMORY;
	if (e) {
		zones_free(z);
		return e;
	}
	*ret = z;
	return ERR_OK;
}

void zones_free(struct zones *z)
{
	if (!z) return;
	free(z->slots);
	arena_free(z->arena);
	free(z);
}

static const struct zone *deepest(const struct zones *z, struct str key, const size_t *ends, size_t n)
{
	const struct zone *found = NULL;
	uint64_t h = HASH_START;
	size_t at = 0;
	for (size_t i = 0; i < n && ends[i] <= key.n; i++) {
		h = hash_on(h, key.p + at, ends[i] - at);
		at = ends[i];
		if (!z->length[at]) continue;
		const struct zone *here = *slot_of(z, h, str_first(key, at));
		if (here) found = here;
	}
	return found;
}

const struct zone *zones_find(const struct zones *z, const struct id *id)
{
	size_t ends[ID_BOUNDARIES_MAX];
	size_t n = id_boundaries(id, ends);
	return deepest(z, id->key, ends, n);
}

/* What lies under a prefix begins with its octets, and no prefix is longer than the longest. */
const struct zone *zones_find_near(const struct zones *z, const struct id *id, struct zones_near *near)
{
	struct str head = str_first(id->key, z->longest);
	if (near->n && str_eq(head, str_n(near->octets, near->n))) return near->zone;
	near->zone = zones_find(z, id);
	near->n = head.n == z->longest ? head.n : 0;
	memcpy(near->octets, head.p, near->n);
	return near->zone;
}

const struct zone *zones_find_prefix(const struct zones *z, struct str prefix_key)
{
	size_t ends[ID_BOUNDARIES_MAX];
	size_t n = id_key_boundaries(prefix_key, ends);
	return deepest(z, prefix_key, ends, n);
}

size_t zones_children(const struct zones *z)
{
	return z->children;
}
