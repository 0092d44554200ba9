/* Who uses a template: rows of the table template_use.
 *   'u' ‖ tag ‖ identifier key           →  identifier's text
 *   's' ‖ tag ‖ key of the first member  →  pattern of a series
 *   'c', 'd' ‖ tag                       →  be64 how many of the former, of the latter
 * tag: first 16 octets of SHA-256 of the template's key. An identifier key that would not fit is cut and
 * ends in its SHA-256. Series have rows of their own, so that lists of identifiers stay what they are. */
#include "resolver/templates.h"

#include "base/hash.h"
#include "resolver/tables.h"

enum { STEM_MAX = STORE_KEY_MAX - 1 - TEMPLATE_TAG, STEM_HEAD = STEM_MAX - HASH_SHA256 };

struct kind {
	char row, count;
};
static const struct kind identifiers = {'u', 'c'}, series = {'s', 'd'};

struct use_key {
	char octets[STORE_KEY_MAX];
	size_t n;
};

static struct str use_key(struct use_key *k, char row, const unsigned char tag[TEMPLATE_TAG],
			  struct str id_key)
{
	k->octets[0] = row;
	memcpy(k->octets + 1, tag, TEMPLATE_TAG);
	char *to = k->octets + 1 + TEMPLATE_TAG;
	if (id_key.n <= STEM_MAX) {
		if (id_key.n) memcpy(to, id_key.p, id_key.n);
		return str_n(k->octets, 1 + TEMPLATE_TAG + id_key.n);
	}
	memcpy(to, id_key.p, STEM_HEAD);
	hash_sha256(id_key, (unsigned char *)to + STEM_HEAD);
	return str_n(k->octets, 1 + TEMPLATE_TAG + STEM_MAX);
}

static struct str count_key(char room[1 + TEMPLATE_TAG], char count, const unsigned char tag[TEMPLATE_TAG])
{
	room[0] = count;
	memcpy(room + 1, tag, TEMPLATE_TAG);
	return str_n(room, 1 + TEMPLATE_TAG);
}

static enum err count_get(struct store_txn *t, char count, const unsigned char tag[TEMPLATE_TAG],
			  uint64_t *ret)
{
	char room[1 + TEMPLATE_TAG];
	struct str row;
	enum err e = store_get(t, RS_TABLE_template_use, count_key(room, count, tag), &row);
	*ret = 0;
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (row.n != 8) return ERR_CORRUPT;
	*ret = store_u64(row);
	return ERR_OK;
}

static enum err count_add(struct store_txn *t, char count, const unsigned char tag[TEMPLATE_TAG],
			  int64_t add)
{
	char room[1 + TEMPLATE_TAG];
	unsigned char row[8];
	uint64_t n;
	enum err e = count_get(t, count, tag, &n);
	if (e) return e;
	if (!n && add < 0) return ERR_CORRUPT;
	return store_put(t, RS_TABLE_template_use, count_key(room, count, tag),
			 store_key_u64(row, n + (uint64_t)add));
}

static enum err uses_of(struct store_txn *t, struct arena *a, const struct template *x, char count,
			uint64_t *ret)
{
	unsigned char tag[TEMPLATE_TAG];
	struct str key;
	enum err e = templates__key(a, x->prefix, x->version, &key);
	if (e) return e;
	templates__tag(key, tag);
	return count_get(t, count, tag, ret);
}

enum err templates_uses(struct store_txn *t, struct arena *a, const struct template *x, uint64_t *ret)
{
	return uses_of(t, a, x, identifiers.count, ret);
}

enum err templates_series_uses(struct store_txn *t, struct arena *a, const struct template *x,
			       uint64_t *ret)
{
	return uses_of(t, a, x, series.count, ret);
}

enum err templates_each_use(struct store_txn *t, struct arena *a, const struct template *x, uint64_t skip,
			    templates_use_fn *fn, void *arg)
{
	unsigned char tag[TEMPLATE_TAG];
	struct store_cursor *c;
	struct use_key k;
	struct str key, row, from;
	enum err e = templates__key(a, x->prefix, x->version, &key);
	if (e) return e;
	templates__tag(key, tag);
	from = use_key(&k, identifiers.row, tag, STR(""));
	e = store_cursor_open(t, RS_TABLE_template_use, &c);
	if (e) return e;
	e = store_cursor_seek(c, from, &key, &row);
	for (; !e && skip && str_starts(key, from); skip--) e = store_cursor_next(c, &key, &row);
	while (!e && str_starts(key, from) && fn(arg, row)) e = store_cursor_next(c, &key, &row);
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err bond(struct store_txn *t, const struct kind *kind, const struct id *id, struct str text,
		     const struct template_bond *b)
{
	struct use_key k;
	enum err e = ERR_OK;
	if (b->was) {
		struct str was = use_key(&k, kind->row, b->old, id->key), row;
		e = store_get(t, RS_TABLE_template_use, was, &row);
		if (!e) e = store_del(t, RS_TABLE_template_use, was);
		if (!e) e = count_add(t, kind->count, b->old, -1);
		if (e == ERR_NOT_FOUND) e = ERR_OK; /* its template was not known then */
	}
	if (e || !b->is) return e;
	struct str key = use_key(&k, kind->row, b->new, id->key), there;
	e = store_get(t, RS_TABLE_template_use, key, &there);
	bool counted = !e;
	if (!e || e == ERR_NOT_FOUND) e = store_put(t, RS_TABLE_template_use, key, text);
	if (!e && !counted) e = count_add(t, kind->count, b->new, 1);
	return e;
}

enum err templates_bond(struct store_txn *t, const struct id *id, const struct template_bond *b)
{
	enum err e = templates_claim(t, id, b);
	if (e || (b->was && b->is && memcmp(b->old, b->new, TEMPLATE_TAG) == 0)) return e;
	return bond(t, &identifiers, id, id->text, b);
}

enum err templates_bond_series(struct store_txn *t, const struct id *first, struct str pattern,
			       const struct template_bond *b)
{
	return bond(t, &series, first, pattern, b);
}
