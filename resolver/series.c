/* Rows of the table series (resolver/tables.h names what else this file and series_change.c own).
 *
 * key    scope, be16 length of the members' keys, be16 length of the tail, tail, then the last member's key
 *        after the scope and before the tail
 * row    be64 leaf index of its last change, u8 flags (1: values with references, 2: several ranges; the
 * other six bits: how many series have their first and last member around this one's last), be16 scope,
 * be16 head, u8 width, u8 rest, be16 length of the alphabet, be16 number of values, FROM, the alphabet; of
 * several ranges u8 their number, u8 place and u8 width of each; then the packed Record
 *
 * The members of a series have keys of one length, which are alike but for the range and, behind it, the
 * check digit: head, range, rest (up to the check digit, if there is one), tail. Scope is the part of the
 * head by which series lie together, so that nobody's shapes are another's matter: a Handle prefix with its
 * slash, four digits of a company prefix.
 *
 * So an identifier, whose scope and length are known, is looked for with the tail that is nearest: the
 * first row that does not end before it is the only one of that tail that may have it, for ranges of one
 * tail do not overlap. If no series there has a tail of that length, the row found tells the next length in
 * use; there are SERIES_TAILS_MAX at most, nearly always one. Series of several ranges may lie among each
 * other's members, as the halves of one that was cut in its second range do: a row that ends among the
 * members of others says so, and only then the next one is looked at too (series_among.c). */
#include "resolver/series.h"

#include "resolver/series_template.h"

enum {
	HEAD_ROW = 19, /* of a row, before FROM */
	FLAG_REFERENCES = 1,
	FLAG_PARTS = 2,
	AMONG_SHIFT = 2,                     /* the rest of the flags' octet */
	WALK_MAX = 2 * SERIES_TAILS_MAX + 2, /* lookups of one identifier */
};

static void put16(char *p, size_t n)
{
	p[0] = (char)(n >> 8);
	p[1] = (char)n;
}

static size_t get16(const char *p)
{
	return (size_t)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

/* ---- rows ------------------------------------------------------------------------------- */

/* The first key that a row of this shape may have for an identifier with this key, or after it. */
static void key_make(struct str key, size_t scope, size_t tail, struct series_key *ret)
{
	char *to = ret->octets;
	memcpy(to, key.p, scope);
	put16(to + scope, key.n);
	put16(to + scope + 2, tail);
	memcpy(to + scope + SERIES_KEY_HEAD, key.p + key.n - tail, tail);
	memcpy(to + scope + SERIES_KEY_HEAD + tail, key.p + scope, key.n - tail - scope);
	ret->n = key.n + SERIES_KEY_HEAD;
}

static size_t tail_of(const struct series_pattern *p)
{
	return p->last.key.n - p->head - p->range.from.n - p->rest;
}

void series_key_of(const struct series_pattern *p, struct series_key *ret)
{
	key_make(p->last.key, p->scope, tail_of(p), ret);
}

static struct str body_of(const struct series *s)
{
	return str_skip(s->key, s->scope + SERIES_KEY_HEAD + s->tail);
}

enum err series_row_member(struct str key, struct str row, char room[STORE_KEY_MAX], struct str *ret)
{
	size_t scope = row.n >= HEAD_ROW ? get16(row.p + 9) : 0;
	if (!scope || key.n < scope + SERIES_KEY_HEAD) return ERR_CORRUPT;
	size_t tail = get16(key.p + scope + 2), n = key.n - SERIES_KEY_HEAD;
	if (tail > n - scope || n > STORE_KEY_MAX) return ERR_CORRUPT;
	memcpy(room, key.p, scope);
	memcpy(room + scope, key.p + scope + SERIES_KEY_HEAD + tail, n - scope - tail);
	memcpy(room + n - tail, key.p + scope + SERIES_KEY_HEAD, tail);
	*ret = str_n(room, n);
	return ERR_OK;
}

/* Where the ranges lie in the window. */
static bool parts_read(struct str *rest, size_t width, struct series_range *r)
{
	size_t n = rest->n ? (unsigned char)rest->p[0] : 0, end = 0;
	if (n < 2 || n > SERIES_RANGES_MAX || rest->n < 1 + 2 * n) return false;
	for (size_t i = 0; i < n; i++) {
		struct series_part p = {(uint8_t)rest->p[1 + 2 * i], (uint8_t)rest->p[2 + 2 * i]};
		if (!p.n || p.at < end) return false;
		end = (size_t)p.at + p.n;
		r->parts[i] = p;
	}
	r->parts_n = n;
	*rest = str_skip(*rest, 1 + 2 * n);
	return end == width;
}

enum err series_row_read(struct str key, struct str row, struct series *ret)
{
	struct series s = {.key = key};
	if (row.n <= HEAD_ROW) return ERR_CORRUPT;
	size_t width = (unsigned char)row.p[13], alphabet = get16(row.p + 15);
	s.leaf = store_u64(str_first(row, SERIES_ROW_LEAF));
	s.references = row.p[8] & FLAG_REFERENCES;
	s.among = (unsigned char)row.p[8] >> AMONG_SHIFT;
	s.scope = get16(row.p + 9);
	s.head = get16(row.p + 11);
	s.rest = (unsigned char)row.p[14];
	s.values_n = get16(row.p + 17);
	if (row.n <= HEAD_ROW + width + alphabet || key.n < s.scope + SERIES_KEY_HEAD || s.head < s.scope)
		return ERR_CORRUPT;
	s.tail = get16(key.p + s.scope + 2);
	if (key.n != s.head + width + s.rest + s.tail + SERIES_KEY_HEAD ||
	    get16(key.p + s.scope) + SERIES_KEY_HEAD != key.n)
		return ERR_CORRUPT;
	s.range.from = str_n(row.p + HEAD_ROW, width);
	s.range.to = str_first(str_skip(body_of(&s), s.head - s.scope), width);
	s.range.alphabet = alphabet ? str_n(row.p + HEAD_ROW + width, alphabet) : STR_NONE;
	s.packed = str_skip(row, HEAD_ROW + width + alphabet);
	if (row.p[8] & FLAG_PARTS && !parts_read(&s.packed, width, &s.range)) return ERR_CORRUPT;
	*ret = s;
	return ERR_OK;
}

static bool any_references(const struct record *r)
{
	for (size_t i = 0; i < r->values_n; i++)
		if (r->values[i].references_n) return true;
	return false;
}

void series_row_put(const struct series_pattern *p, const struct record *r, struct buf *out)
{
	char head[HEAD_ROW] = {0};
	head[8] = (char)((any_references(r) ? FLAG_REFERENCES : 0) | (p->range.parts_n ? FLAG_PARTS : 0));
	put16(head + 9, p->scope);
	put16(head + 11, p->head);
	head[13] = (char)p->range.from.n;
	head[14] = (char)p->rest;
	put16(head + 15, p->range.alphabet.n);
	put16(head + 17, r->values_n);
	buf_add(out, str_n(head, sizeof head));
	buf_add(out, p->range.from);
	buf_add(out, p->range.alphabet);
	if (!p->range.parts_n) return;
	buf_byte(out, (char)p->range.parts_n);
	for (size_t i = 0; i < p->range.parts_n; i++) {
		buf_byte(out, (char)p->range.parts[i].at);
		buf_byte(out, (char)p->range.parts[i].n);
	}
}

void series_row_among(char *row, size_t among)
{
	must(among <= UINT8_MAX >> AMONG_SHIFT);
	row[8] = (char)((row[8] & (FLAG_REFERENCES | FLAG_PARTS)) | (int)(among << AMONG_SHIFT));
}

struct series series_of_pattern(const struct series_pattern *p, const struct series_key *k)
{
	return (struct series){.key = str_n(k->octets, k->n),
			       .range = p->range,
			       .scope = p->scope,
			       .head = p->head,
			       .rest = p->rest,
			       .tail = tail_of(p)};
}

struct series_place series_place_at(const struct series *s, size_t i)
{
	struct series_place p = {.range = SIZE_MAX};
	size_t width = s->range.from.n, n = s->key.n - SERIES_KEY_HEAD;
	if (i >= s->head && i < s->head + width)
		p.range = i - s->head;
	else if (s->rest && i == s->head + width + s->rest - 1)
		p.check = true;
	else if (i < s->scope)
		p.literal = s->key.p[i];
	else if (i >= n - s->tail)
		p.literal = s->key.p[s->scope + SERIES_KEY_HEAD + i - (n - s->tail)];
	else
		p.literal = body_of(s).p[i - s->scope];
	return p;
}

/* ---- finding ---------------------------------------------------------------------------- */

/* The row's scope, length and tail are the key's. A check digit was checked when the key was made. */
static bool has(const struct series *s, struct str key)
{
	struct str body = body_of(s), mine = str_skip(key, s->scope);
	size_t head = s->head - s->scope, width = s->range.from.n;
	if (memcmp(body.p, mine.p, head) != 0) return false;
	if (s->rest > 1 && memcmp(body.p + head + width, mine.p + head + width, s->rest - 1) != 0)
		return false;
	return series_range_has(&s->range, str_first(str_skip(mine, head), width));
}

/* The row at the cursor, and while rows end among others' members the next ones: the first `alike` octets
 * of their keys are the same. */
static enum err look(struct store_cursor *c, struct str key, struct str at, struct str row, size_t alike,
		     struct series *ret)
{
	struct str first = str_first(at, alike);
	char octets[STORE_KEY_MAX];
	memcpy(octets, first.p, first.n);
	for (size_t i = 0; i <= SERIES_AMONG_MAX; i++) {
		struct series s;
		enum err e = series_row_read(at, row, &s);
		if (e) return e;
		if (s.scope + SERIES_KEY_HEAD + s.tail == alike && has(&s, key)) {
			*ret = s;
			return ERR_OK;
		}
		if (!s.among) break;
		e = store_cursor_next(c, &at, &row);
		if (e) return e;
		if (at.n < alike || memcmp(at.p, octets, alike) != 0) break;
	}
	return ERR_NOT_FOUND;
}

static enum err find(struct store_cursor *c, struct str key, size_t scope, size_t tail, struct series *ret)
{
	struct series_key k;
	struct str at, row;
	for (size_t i = 0; i < WALK_MAX && tail <= key.n - scope; i++) {
		key_make(key, scope, tail, &k);
		enum err e = store_cursor_seek(c, str_n(k.octets, k.n), &at, &row);
		if (e) return e;
		if (at.n != k.n || memcmp(at.p, k.octets, scope + 2) != 0) return ERR_NOT_FOUND;
		size_t found = get16(at.p + scope + 2);
		if (found != tail) {
			tail = found;
			continue;
		}
		if (!memcmp(at.p, k.octets, scope + SERIES_KEY_HEAD + tail)) {
			e = look(c, key, at, row, scope + SERIES_KEY_HEAD + tail, ret);
			if (e != ERR_NOT_FOUND) return e;
		}
		tail++;
	}
	return ERR_NOT_FOUND;
}

enum err series_find(struct store_txn *t, const struct id *id, struct series *ret)
{
	struct store_cursor *c;
	size_t scope = series_scope(id->scheme, id->key);
	if (id->hashed || id->key.n > SERIES_KEY_MAX || !scope || scope > id->key.n) return ERR_NOT_FOUND;
	enum err e = store_cursor_open(t, RS_TABLE_series, &c);
	if (e) return e;
	/* a GS1 key ends with a separator, which no range has */
	e = find(c, id->key, scope, id->scheme == ID_GS1, ret);
	store_cursor_close(c);
	return e;
}

static enum err get_at(struct store_cursor *c, const struct series_pattern *p, struct series *ret)
{
	struct series_key k;
	struct series s;
	struct record_head head;
	struct str key, row;
	series_key_of(p, &k);
	enum err e = store_cursor_seek(c, str_n(k.octets, k.n), &key, &row);
	if (!e && !str_eq(key, str_n(k.octets, k.n))) return ERR_NOT_FOUND;
	if (!e) e = series_row_read(key, row, &s);
	if (!e) e = record_peek(s.packed, &head);
	if (e) return e;
	if (!str_eq(head.id, p->text)) return ERR_NOT_FOUND; /* another one ends there */
	*ret = s;
	return ERR_OK;
}

enum err series_get(struct store_txn *t, const struct series_pattern *p, struct series *ret)
{
	struct store_cursor *c;
	enum err e = store_cursor_open(t, RS_TABLE_series, &c);
	if (e) return e;
	e = get_at(c, p, ret);
	store_cursor_close(c);
	return e;
}

bool series_any(struct store_txn *t)
{
	return store_count(t, RS_TABLE_series) > 0;
}

/* ---- members ---------------------------------------------------------------------------- */

static enum err values_take(struct arena *a, const struct series *s, struct record *r)
{
	struct str rest = s->packed;
	if (s->references) return record_unpack(a, s->packed, NULL, r);
	r->values = ARENA_ARRAY(a, struct value, s->values_n + 1);
	if (!r->values) return ERR_NO_MEMORY;
	for (; r->values_n < s->values_n; r->values_n++) {
		enum err e = record_next_value(&rest, &r->values[r->values_n]);
		if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	}
	return ERR_OK;
}

static enum err pack(struct arena *a, const struct record *r, size_t about, struct str *ret)
{
	struct buf out = BUF_INIT(RECORD_PACKED_MAX);
	(void)buf_room(&out, about); /* at once, not by doubling */
	enum err e = record_pack(r, &out);
	struct str copy = e ? STR_NONE : arena_dup(a, buf_str(&out));
	buf_done(&out);
	if (!e && !copy.p) e = ERR_NO_MEMORY;
	if (!e) *ret = copy;
	return e;
}

void series_words(const struct series_range *r, struct str id, struct str serial,
		  struct template_words *ret)
{
	_Static_assert((int)TEMPLATE_PARTS_MAX == (int)SERIES_RANGES_MAX, "a word for each range");
	size_t n = r->parts_n ? r->parts_n : 1;
	*ret = (struct template_words){.id = id};
	for (size_t i = 0; i < n; i++) ret->serial = ret->part[i] = series_range_part(r, serial, i);
}

enum err series_fill(struct arena *a, const struct series *s, const struct id *id, struct str *ret_packed,
		     struct record_head *ret_head)
{
	struct template_words w;
	series_words(&s->range, id->text, str_first(str_skip(id->key, s->head), s->range.from.n), &w);
	struct record r = {.values_n = 0};
	struct record_head head;
	size_t about = s->packed.n;
	enum err e = values_take(a, s, &r);
	if (!e) e = record_peek(s->packed, &head);
	for (size_t i = 0; i < r.values_n && !e; i++) {
		struct str *data = &r.values[i].data;
		/* of what is retired there is the reason, as it was given */
		if (head.status == RECORD_RETIRED || !template_is(*data)) continue;
		e = template_fill(a, *data, &w, data);
		about += data->n;
	}
	if (e) return e;
	r.id = id->text;
	r.owner = head.owner;
	r.created = head.created;
	r.modified = head.modified;
	r.revision = head.revision;
	r.status = head.status;
	e = pack(a, &r, about, ret_packed);
	return e ? e : record_peek(*ret_packed, ret_head);
}

/* ---- lists and history ------------------------------------------------------------------ */

/* All members lie under the prefix: the first and the last do. */
static bool under(const struct series *s, struct str prefix)
{
	size_t n = s->key.n - SERIES_KEY_HEAD;
	if (prefix.n > n) return false;
	for (size_t i = 0; i < prefix.n; i++) {
		struct series_place p = series_place_at(s, i);
		if (p.check) return false;
		if (p.range == SIZE_MAX
			? p.literal != prefix.p[i]
			: s->range.from.p[p.range] != prefix.p[i] || s->range.to.p[p.range] != prefix.p[i])
			return false;
	}
	return true;
}

enum err series_list(struct store_txn *t, struct str prefix, struct str after, series_list_fn *fn,
		     void *arg)
{
	struct store_cursor *c;
	struct str key, row, start;
	struct series s;
	start = str_first(prefix, series_scope((enum id_scheme)(unsigned char)prefix.p[0], prefix));
	enum err e = store_cursor_open(t, RS_TABLE_series, &c);
	if (e) return e;
	e = store_cursor_seek(c, after.n ? after : start, &key, &row);
	if (!e && after.n && str_eq(key, after)) e = store_cursor_next(c, &key, &row);
	while (!e && str_starts(key, start)) {
		e = series_row_read(key, row, &s);
		if (!e && !fn(arg, &s, under(&s, prefix))) break;
		if (!e) e = store_cursor_next(c, &key, &row);
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err tell(struct store_cursor *c, const struct series *s, registry_history_fn *fn, void *arg)
{
	char digests[HISTORY_DIGEST] = {0};
	struct str key, after;
	enum err e = store_cursor_seek(c, s->key, &key, &after);
	for (; !e && str_starts(key, s->key); e = store_cursor_next(c, &key, &after)) {
		if (key.n != s->key.n + SERIES_ROW_LEAF) continue;
		if (after.n != HASH_SHA256) return ERR_CORRUPT;
		memcpy(digests + HASH_SHA256, after.p, HASH_SHA256);
		e = fn(arg, store_u64(str_skip(key, s->key.n)), str_n(digests, sizeof digests));
		if (e) return e;
		memcpy(digests, digests + HASH_SHA256, HASH_SHA256);
	}
	if (e && e != ERR_NOT_FOUND) return e;
	hash_sha256(s->packed, (unsigned char *)digests + HASH_SHA256);
	return fn(arg, s->leaf, str_n(digests, sizeof digests));
}

enum err series_history(struct store_txn *t, const struct series *s, registry_history_fn *fn, void *arg)
{
	struct store_cursor *c;
	enum err e = store_cursor_open(t, RS_TABLE_series_history, &c);
	if (e) return e;
	e = tell(c, s, fn, arg);
	store_cursor_close(c);
	return e;
}

enum err series_count(struct store_txn *t, struct str authority, struct series_count *ret)
{
	struct series_count n = {0};
	struct str row;
	enum err e = store_get(t, RS_TABLE_series_count, authority, &row);
	if (!e && row.n != 32) return ERR_CORRUPT;
	if (!e) {
		n.active = store_u64(str_first(row, 8));
		n.members = store_u64(str_first(str_skip(row, 8), 8));
		n.retired = store_u64(str_first(str_skip(row, 16), 8));
		n.members_retired = store_u64(str_skip(row, 24));
	}
	if (e && e != ERR_NOT_FOUND) return e;
	*ret = n;
	return ERR_OK;
}
