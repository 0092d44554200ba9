/* Rows made ahead of the writer, and the digest of a batch. */
#include "resolver/registry_made.h"

#include "base/processor.h"

enum {
	/* Changes between the one that is looked at and the one whose octets are sent for: what another
	 * thread has made lies in its caches, and waiting for each line of it in turn took more than all
	 * the rest. */
	AHEAD = 6,
	SOON = 512, /* octets of a row or change that are sent for */
	CACHE_LINE = 64,
	LINE = 2 + ID_KEY_MAX + 2 * HASH_SHA256, /* of what the digest is of */
	LINES = 16,                              /* a call for each would cost as much as the digest */
};

static void send_for(const void *p, size_t n)
{
	for (size_t at = 0; at < n && at < SOON; at += CACHE_LINE)
		__builtin_prefetch((const char *)p + at, 1);
}

void registry__send_for(const struct registry_set *s, size_t i, enum registry_soon what)
{
	i += AHEAD;
	if (i >= s->n) return;
	const struct registry_change *c = &s->changes[i];
	if (what == REGISTRY_SOON_CHANGE) {
		send_for(c, offsetof(struct registry_change, revision));
	} else if (c->made.n) {
		__builtin_prefetch(c->id.key.p);
		if (what == REGISTRY_SOON_ROW) send_for(c->made.p, c->made.n);
		__builtin_prefetch(c->made.p + c->made.n - HASH_SHA256);
		__builtin_prefetch(c->made.p + c->made.n - 1);
	}
}

/* made: be64 of the leaf, still empty, the packed record, its SHA-256. */
struct str registry__row(const struct registry_change *c)
{
	if (c->as_made) return str_first(c->made, c->made.n - HASH_SHA256);
	return str_n(c->row, REGISTRY_LEAF + c->packed.n);
}

struct str registry__after(const struct registry_change *c)
{
	if (c->as_made) return str_skip(c->made, c->made.n - HASH_SHA256);
	return str_n(c->after, sizeof c->after);
}

/* The values that a row was made of, which is not used. */
enum err registry__unmake(struct registry_change *c, struct arena *a)
{
	size_t n = c->made.n - HASH_SHA256 - REGISTRY_LEAF;
	enum err e = record_unpack(a, str_n(c->made.p + REGISTRY_LEAF, n), NULL, &c->record);
	for (size_t i = 0; i < c->record.values_n && !e; i++) c->record.values[i].timestamp = 0;
	return e == ERR_NO_MEMORY || !e ? e : ERR_INTERNAL;
}

enum err registry_make(struct registry_change *c, usec_t now, struct arena *a)
{
	enum template_naming how;
	struct str name;
	struct record r = c->record;
	bool unstamped = true;
	must(c->act == REGISTRY_PUT);
	for (size_t i = 0; i < r.values_n; i++) unstamped &= !r.values[i].timestamp;
	if (!unstamped || template_named(r.values, r.values_n, NULL, &how, &name) || how != TEMPLATE_NONE)
		return ERR_OK;
	r.id = c->id.text;
	r.created = r.modified = now;
	r.revision = 1;
	r.status = RECORD_ACTIVE;
	r.owner = c->authority;
	for (size_t i = 0; i < r.values_n; i++) r.values[i].timestamp = (uint64_t)(now / USEC_PER_SEC);
	size_t room = record_room(&r), n = 0;
	bool fits = room <= RECORD_PACKED_MAX; /* else who applies it tells */
	char *p = fits ? arena_bytes(a, REGISTRY_LEAF + room + HASH_SHA256) : NULL;
	if (p) n = record_pack_to(&r, p + REGISTRY_LEAF);
	for (size_t i = 0; i < r.values_n; i++) r.values[i].timestamp = 0;
	if (!p) return fits ? ERR_NO_MEMORY : ERR_OK;
	arena_give_back(a, room - n);
	hash_sha256(str_n(p + REGISTRY_LEAF, n), (unsigned char *)p + REGISTRY_LEAF + n);
	c->made = str_n(p, REGISTRY_LEAF + n + HASH_SHA256);
	return ERR_OK;
}

/* One of what the digest is of; returns its octets. */
static size_t put_line(unsigned char *p, const struct registry_change *c)
{
	size_t n = c->id.key.n;
	must(n <= ID_KEY_MAX);
	p[0] = (unsigned char)(n >> 8);
	p[1] = (unsigned char)n;
	p = memcpy(p + 2, c->id.key.p, n);
	if (c->as_made)
		memset(p + n, 0, HASH_SHA256);
	else
		memcpy(p + n, c->before, HASH_SHA256);
	memcpy(p + n + HASH_SHA256, registry__after(c).p, HASH_SHA256);
	return 2 + n + 2 * HASH_SHA256;
}

enum err registry__digest(const struct registry_set *s, uint64_t *ret_n, unsigned char ret[HASH_SHA256])
{
	unsigned char lines[LINES * LINE];
	size_t at = 0;
	uint64_t n = 0;
	struct hash *h = hash_new();
	if (!h) return ERR_NO_MEMORY;
	for (size_t i = 0; i < s->n; i++) {
		const struct registry_change *c = &s->changes[i];
		registry__send_for(s, i, REGISTRY_SOON_DIGEST);
		processor_offer_each(i);
		if (c->unchanged) continue;
		if (sizeof lines - at < LINE) {
			hash_add(h, str_n(lines, at));
			at = 0;
		}
		at += put_line(lines + at, c);
		n++;
	}
	hash_add(h, str_n(lines, at));
	hash_finish(h, ret);
	hash_free(h);
	*ret_n = n;
	return ERR_OK;
}
