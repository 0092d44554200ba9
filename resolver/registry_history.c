/* The past of an identifier. Keys of the table history are the identifier's key and the be64 leaf index; a
 * key of more than 503 octets is cut to its first 471 and the SHA-256 of the whole key first, so that it
 * fits.
 *
 * The table lacks the last change of each identifier: the record's own row tells it, by its leaf and its
 * octets, and what was before is what the change before it left. So a registration, which for most
 * identifiers is the only change ever, writes one row and not two in different places. */
#include "resolver/registry_history.h"

enum { HISTORY_STEM_MAX = STORE_KEY_MAX - 8, HISTORY_HEAD = HISTORY_STEM_MAX - HASH_SHA256 };

void history_stem(struct str key, struct history_key *k)
{
	k->stem_n = key.n;
	if (key.n <= HISTORY_STEM_MAX) {
		memcpy(k->octets, key.p, key.n);
		return;
	}
	memcpy(k->octets, key.p, HISTORY_HEAD);
	hash_sha256(key, (unsigned char *)k->octets + HISTORY_HEAD);
	k->stem_n = HISTORY_STEM_MAX;
}

struct str history_row(struct history_key *k, uint64_t leaf)
{
	unsigned char tail[8];
	store_key_u64(tail, leaf);
	memcpy(k->octets + k->stem_n, tail, sizeof tail);
	return str_n(k->octets, k->stem_n + sizeof tail);
}
/* Changes in their order: what one left is what the next found. */
struct telling {
	registry_history_fn *fn;
	void *arg;
	char digests[HISTORY_DIGEST]; /* before and after */
};

static enum err tell(struct telling *h, uint64_t leaf, const void *after)
{
	memcpy(h->digests, h->digests + HASH_SHA256, HASH_SHA256);
	memcpy(h->digests + HASH_SHA256, after, HASH_SHA256);
	return h->fn(h->arg, leaf, str_n(h->digests, sizeof h->digests));
}

/* Whether it is a row of the history whose keys begin with stem. Leaf indexes begin with a zero octet for
 * ages to come, and identifiers have none: the rows of one stand together, before those of identifiers
 * that begin like it. */
static bool history_own(struct str key, struct str stem)
{
	return key.n == stem.n + 8 && str_starts(key, stem);
}

/* From the change `from` on. */
static enum err tell_earlier(struct telling *h, struct store_txn *t, const struct id *id, uint64_t from)
{
	struct history_key k;
	struct store_cursor *c;
	struct str key, after;
	enum err stop = ERR_OK;
	history_stem(id->key, &k);
	struct str stem = str_n(k.octets, k.stem_n), first = history_row(&k, from);
	enum err e = store_cursor_open(t, RS_TABLE_history, &c);
	if (e) return e;
	for (e = store_cursor_seek(c, first, &key, &after); !e && !stop && history_own(key, stem);
	     e = store_cursor_next(c, &key, &after)) {
		stop = after.n == HASH_SHA256 ? tell(h, store_u64(str_skip(key, stem.n)), after.p)
					      : ERR_CORRUPT;
	}
	store_cursor_close(c);
	return stop ? stop : e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err registry_history(struct store_txn *t, const struct id *id, registry_history_fn *fn, void *arg)
{
	struct telling h = {.fn = fn, .arg = arg};
	unsigned char after[HASH_SHA256];
	struct str packed;
	uint64_t leaf;
	enum err e = registry_row(t, id, &leaf, &packed);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = tell_earlier(&h, t, id, 0);
	if (e) return e;
	hash_sha256(packed, after);
	return tell(&h, leaf, after);
}

/* The changes around a bound: the last before it, the one before that, the first after. */
static enum err look_around(struct store_txn *t, const struct id *id, uint64_t bound,
			    struct registry_moment *m, bool *ret_found)
{
	struct history_key k;
	struct store_cursor *c;
	struct str key, after;
	history_stem(id->key, &k);
	struct str stem = str_n(k.octets, k.stem_n), row = history_row(&k, bound);
	enum err e = store_cursor_open(t, RS_TABLE_history, &c);
	if (e) return e;
	e = store_cursor_seek(c, row, &key, &after);
	bool next = !e && history_own(key, stem);
	if (next) m->next = store_u64(str_skip(key, stem.n));
	if (!e || e == ERR_NOT_FOUND) e = store_cursor_prev(c, &key, &after);
	*ret_found = !e && history_own(key, stem) && after.n == HASH_SHA256;
	if (*ret_found) {
		m->leaf = store_u64(str_skip(key, stem.n));
		memcpy(m->after, after.p, HASH_SHA256);
		e = store_cursor_prev(c, &key, &after);
		if (!e && history_own(key, stem) && after.n == HASH_SHA256)
			memcpy(m->before, after.p, HASH_SHA256);
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err registry_history_at(struct store_txn *t, const struct id *id, uint64_t bound,
			     struct registry_moment *ret)
{
	struct registry_moment m = {.next = UINT64_MAX};
	struct str packed;
	uint64_t last;
	bool found;
	enum err e = registry_row(t, id, &last, &packed);
	if (!e) e = look_around(t, id, bound, &m, &found);
	if (e) return e;
	if (last < bound) { /* what was found is the change before it */
		memcpy(m.before, m.after, HASH_SHA256);
		hash_sha256(packed, m.after);
		m.leaf = last;
	} else if (m.next == UINT64_MAX) {
		m.next = last;
	}
	*ret = m;
	return last < bound || found ? ERR_OK : ERR_NOT_FOUND;
}

enum err registry_history_page(struct store_txn *t, const struct id *id, uint64_t after,
			       registry_history_fn *fn, void *arg)
{
	struct telling h = {.fn = fn, .arg = arg};
	struct registry_moment m;
	struct str packed;
	uint64_t last;
	enum err e = registry_history_at(t, id, after + 1, &m);
	if (e) return e;
	memcpy(h.digests + HASH_SHA256, m.after, HASH_SHA256);
	e = tell_earlier(&h, t, id, after + 1);
	if (!e) e = registry_row(t, id, &last, &packed);
	if (e || last <= after) return e;
	hash_sha256(packed, m.after);
	return tell(&h, last, m.after);
}
