/* /history: who changed an identifier, what it was before and after, and what it was at any time. */
#include "base/ledger.h"
#include "resolver/face_registry.h"
#include "resolver/series.h"
#include "resolver/timeline.h"

enum {
	HISTORY_MAX_OCTETS = 16 << 20,
	CUTS_MAX = 64 /* of one series into parts that are walked back: each costs its history */
};

struct history {
	struct store_txn *txn;
	struct buf *out;
	uint64_t left, last;
	bool any, more;
};

static void put_digest(struct buf *b, const char *name, struct str sha256)
{
	char hex[64];
	bool none = true;
	for (size_t i = 0; i < sha256.n; i++) none &= !sha256.p[i];
	buf_printf(b, ",\"%s\":", name);
	if (none) {
		buf_add(b, STR("null"));
		return;
	}
	hex_write(sha256.p, sha256.n, hex);
	buf_json(b, str_n(hex, sizeof hex));
}

enum err face_put_change(struct store_txn *t, uint64_t leaf, struct str digests, bool first,
			 struct buf *out)
{
	struct ledger_leaf entry;
	enum err e = ledger_read(t, leaf, &entry);
	if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	buf_add(out, first ? STR("{\"index\":") : STR(",{\"index\":"));
	buf_u64(out, leaf);
	put_digest(out, "before", str_first(digests, HASH_SHA256));
	put_digest(out, "after", str_skip(digests, HASH_SHA256));
	buf_add(out, STR(",\"entry\":"));
	buf_add(out, entry.entry);
	buf_byte(out, '}');
	return buf_err(out);
}

static enum err put_history(void *arg, uint64_t leaf, struct str digests)
{
	struct history *h = arg;
	if (!h->left) {
		h->more = true;
		return ERR_EXISTS; /* enough: ends the walk */
	}
	enum err e = face_put_change(h->txn, leaf, digests, !h->any, h->out);
	if (e) return e;
	h->any = true;
	h->last = leaf;
	h->left--;
	return ERR_OK;
}

/* ---- as of a time ------------------------------------------------------------------------ */

struct as_of {
	struct store_txn *txn;
	usec_t at;
	struct registry_moment moment;
	usec_t since, until;      /* of the change; of the next one, 0: there is none */
	struct str entry, packed; /* packed: STR_NONE when the feed has lost it */
};

/* The member of an entry that its writer put there (resolver/entry.h). A quote inside of a string is
 * escaped, so that no text of a client can look like a member. */
static enum err entry_time(struct str entry, usec_t *ret)
{
	static const char name[] = ",\"time\":\"";
	const char *p = memmem(entry.p, entry.n, name, sizeof name - 1);
	if (!p) return ERR_CORRUPT;
	struct str rest = str_skip(entry, (size_t)(p - entry.p) + sizeof name - 1);
	return clock_parse(str_first(rest, str_find(rest, '"')), ret) ? ERR_CORRUPT : ERR_OK;
}

static enum err leaf_time(struct store_txn *t, uint64_t leaf, struct str *ret_entry, usec_t *ret)
{
	struct ledger_leaf entry;
	enum err e = ledger_read(t, leaf, &entry);
	if (!e) e = entry_time(entry.entry, ret);
	if (!e) *ret_entry = entry.entry;
	return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

/* The first leaf later than `at`: times of the ledger never go back. */
static enum err leaf_after(struct store_txn *t, usec_t at, uint64_t *ret)
{
	uint64_t low = 0, high = ledger_size(t);
	struct str entry;
	enum err e = ERR_OK;
	while (!e && low < high) {
		uint64_t mid = low + (high - low) / 2;
		usec_t time;
		e = leaf_time(t, mid, &entry, &time);
		if (!e && time <= at)
			low = mid + 1;
		else
			high = mid;
	}
	if (!e) *ret = low;
	return e;
}

/* The last change of the series before `bound`. */
struct series_look {
	uint64_t bound;
	struct registry_moment *moment;
	bool found;
};

static enum err look_at_series(void *arg, uint64_t leaf, struct str digests)
{
	struct series_look *k = arg;
	if (leaf >= k->bound) {
		if (k->moment->next == UINT64_MAX) k->moment->next = leaf;
		return ERR_OK;
	}
	k->found = true;
	k->moment->leaf = leaf;
	memcpy(k->moment->after, str_skip(digests, HASH_SHA256).p, HASH_SHA256);
	return ERR_OK;
}

/* The series as it was at the moment, checked against its digest. ERR_GONE: the feed has lost it. */
static enum err series_then(struct net_req *r, struct as_of *w, struct series *s)
{
	unsigned char digest[HASH_SHA256];
	struct str row;
	const struct timeline line = {
	    .feed = writer_feed(rs__shard(r)->rs->o.writer), .txn = w->txn, .prefix = s->key};
	if (w->moment.leaf == s->leaf) return ERR_OK;
	enum err e = timeline_series(&line, w->moment.leaf, w->moment.next, &row);
	if (!e) e = series_row_read(s->key, row, s);
	if (e) return e;
	hash_sha256(s->packed, digest);
	return memcmp(digest, w->moment.after, sizeof digest) == 0 ? ERR_OK : ERR_CORRUPT;
}

/* One that was cut off from another goes on from there: the row of that one, if the entry of the change
 * with the leaf says so. ERR_NOT_FOUND. */
static enum err series_before_cut(struct net_req *r, struct as_of *w, uint64_t leaf, struct series *ret)
{
	struct ledger_leaf entry;
	struct series_pattern p;
	struct series_key *k = ARENA_NEW(r->arena, struct series_key);
	struct flaw f;
	struct str text, row;
	json_t *j;
	enum err e = k ? ledger_read(w->txn, leaf, &entry) : ERR_NO_MEMORY;
	if (!e) e = json_read_large(r->arena, entry.entry, &f, &j);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	text = json_text(json_object_get(j, "second"));
	if (!text.n) return ERR_NOT_FOUND;
	e = series_pattern_parse(r->arena, text, &f, &p);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	series_key_of(&p, k);
	e = store_get(w->txn, RS_TABLE_series, str_n(k->octets, k->n), &row);
	return e ? e : series_row_read(str_n(k->octets, k->n), row, ret);
}

/* What a series made of its member at the last change before `bound`. ERR_NOT_FOUND: it is a member of
 * none; ERR_GONE: there was no series yet, or what it was is not kept. */
static enum err member_at(const struct id *id, struct net_req *r, uint64_t bound, struct as_of *w)
{
	struct series s;
	struct record_head head;
	enum err e = series_find(w->txn, id, &s);
	for (size_t cuts = 0; !e; cuts++) {
		struct series_look k = {.bound = bound, .moment = &w->moment};
		w->moment = (struct registry_moment){.next = UINT64_MAX};
		e = series_history(w->txn, &s, look_at_series, &k);
		if (e || k.found) break;
		e = cuts < CUTS_MAX ? series_before_cut(r, w, w->moment.next, &s) : ERR_NOT_FOUND;
		if (e == ERR_NOT_FOUND) e = ERR_GONE;
	}
	if (!e) e = series_then(r, w, &s);
	if (!e) e = series_fill(r->arena, &s, id, &w->packed, &head);
	if (e) return e;
	memset(w->moment.before, 0, HASH_SHA256);
	hash_sha256(w->packed, w->moment.after);
	return ERR_OK;
}

/* What the feed does not have may be what its series made of it: the digest tells. */
static enum err record_of_series(struct net_req *r, const struct id *id, struct as_of *w)
{
	struct as_of other = {.txn = w->txn, .at = w->at};
	enum err e = member_at(id, r, w->moment.leaf + 1, &other);
	if (e) return e == ERR_NOT_FOUND || e == ERR_GONE ? ERR_OK : e;
	if (memcmp(other.moment.after, w->moment.after, HASH_SHA256) == 0) w->packed = other.packed;
	return ERR_OK;
}

/* The record as the change left it, checked against the digest that the history has. STR_NONE when the
 * feed has lost it. */
static enum err record_then(struct net_req *r, const struct id *id, struct as_of *w)
{
	unsigned char digest[HASH_SHA256];
	struct rs *rs = rs__shard(r)->rs;
	const struct timeline line = {.feed = writer_feed(rs->o.writer), .txn = w->txn, .prefix = id->key};
	struct str packed = STR_NONE;
	enum err e = timeline_record(&line, w->moment.leaf, w->moment.next, &packed);
	if (e) return e == ERR_GONE ? record_of_series(r, id, w) : e;
	hash_sha256(packed, digest);
	if (memcmp(digest, w->moment.after, sizeof digest) != 0) return ERR_CORRUPT;
	w->packed = packed;
	return ERR_OK;
}

/* A member of a series had no change of its own: it was what the series made of it then. */
static enum err member_then(struct net_req *r, const struct id *id, uint64_t bound, struct as_of *w,
			    struct flaw *f)
{
	enum err e = member_at(id, r, bound, w);
	if (e == ERR_NOT_FOUND)
		return flaw_set(f, e, FLAW_NO_OFFSET, "at", "registered",
				"no such identifier was registered at that time");
	if (e == ERR_GONE)
		return flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "at", "series-changed",
				"its series was registered or changed after that time: see the history of "
				"the series");
	return e;
}

static enum err look_back(struct net_req *r, const struct id *id, struct as_of *w, struct flaw *f)
{
	uint64_t bound;
	struct str entry;
	enum err e = leaf_after(w->txn, w->at, &bound);
	if (!e) e = registry_history_at(w->txn, id, bound, &w->moment);
	if (e == ERR_NOT_FOUND) e = member_then(r, id, bound, w, f);
	if (!e) e = leaf_time(w->txn, w->moment.leaf, &w->entry, &w->since);
	if (!e && w->moment.next != UINT64_MAX) e = leaf_time(w->txn, w->moment.next, &entry, &w->until);
	return e || w->packed.n ? e : record_then(r, id, w);
}

struct counting {
	uint64_t n, last;
};

static enum err count_one(void *arg, uint64_t leaf, struct str digests)
{
	struct counting *c = arg;
	(void)digests;
	c->n += leaf <= c->last;
	return ERR_OK;
}

/* Changes of an identifier count up: said by the record, else by the entry's place among them. */
static enum err revision_then(const struct id *id, const struct as_of *w, uint64_t *ret)
{
	struct record_head head;
	struct counting c = {0, w->moment.leaf};
	if (w->packed.n) {
		enum err e = record_peek(w->packed, &head);
		if (!e) *ret = head.revision;
		return e;
	}
	enum err e = registry_history(w->txn, id, count_one, &c);
	if (!e) *ret = c.n;
	return e;
}

static void put_time(struct buf *b, const char *name, usec_t t)
{
	char text[CLOCK_TEXT];
	if (t)
		buf_printf(b, ",\"%s\":\"%s\"", name, clock_print(t, true, text));
	else
		buf_printf(b, ",\"%s\":null", name);
}

static enum err put_as_of(struct net_req *r, const struct id *id, struct str at, struct flaw *f,
			  struct buf *out)
{
	struct as_of w = {.txn = rs__shard(r)->txn};
	uint64_t revision = 0;
	if (clock_parse(at, &w.at))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "at", "time",
				"expected a date or an RFC 3339 time");
	enum err e = look_back(r, id, &w, f);
	if (!e) e = revision_then(id, &w, &revision);
	if (e) return e;
	buf_add(out, STR("{\"id\":"));
	buf_json(out, id->text);
	put_time(out, "at", w.at);
	buf_printf(out, ",\"revision\":%llu,\"index\":%llu", (unsigned long long)revision,
		   (unsigned long long)w.moment.leaf);
	put_time(out, "since", w.since);
	put_time(out, "until", w.until);
	put_digest(out, "before", str_n(w.moment.before, HASH_SHA256));
	put_digest(out, "after", str_n(w.moment.after, HASH_SHA256));
	buf_add(out, STR(",\"entry\":"));
	buf_add(out, w.entry);
	buf_add(out, STR(",\"record\":"));
	if (w.packed.n)
		e = record_write_json(w.packed, RECORD_ADMIN, out);
	else
		buf_add(out, STR("null")); /* never made up: the digests say what it was */
	buf_byte(out, '}');
	return e;
}

/* A member of a series without a record of its own: the last change of the series made it. */
static enum err put_member(struct net_req *r, const struct id *id, struct flaw *f, struct history *h)
{
	unsigned char digests[HISTORY_DIGEST] = {0};
	struct str packed;
	uint64_t leaf;
	enum err e = face_member(r, id, &packed, &leaf);
	if (e == ERR_NOT_FOUND)
		return flaw_set(f, e, FLAW_NO_OFFSET, "id", "registered",
				"no such identifier was ever registered here");
	if (e) return e;
	hash_sha256(packed, digests + HASH_SHA256);
	return put_history(h, leaf, str_n(digests, sizeof digests));
}

/* ---- the whole of it --------------------------------------------------------------------- */

static enum err put_changes(struct net_req *r, const struct id *id, struct flaw *f, struct history *h)
{
	uint64_t after = UINT64_MAX;
	h->left = FACE_LIST_MAX;
	enum err e = net_query_number(r, "limit", FACE_LIST_MAX, f, &h->left);
	if (!e && !h->left) e = flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "limit", "number", "at least 1");
	if (!e) e = net_query_number(r, "cursor", INT64_MAX, f, &after);
	if (e) return e;
	buf_add(h->out, STR("{\"id\":"));
	buf_json(h->out, id->text);
	buf_add(h->out, STR(",\"history\":["));
	e = after == UINT64_MAX ? registry_history(h->txn, id, put_history, h)
				: registry_history_page(h->txn, id, after, put_history, h);
	if (!e && !h->any && after == UINT64_MAX) e = put_member(r, id, f, h);
	buf_byte(h->out, ']');
	if (h->more) buf_printf(h->out, ",\"next\":\"%llu\"", (unsigned long long)h->last);
	buf_byte(h->out, '}');
	return h->more ? ERR_OK : e; /* more: it was put_history that ended the walk */
}

static void get_history(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct id id;
	struct str at;
	struct history h = {.txn = rs__shard(r)->txn, .out = face_buf(r, HISTORY_MAX_OCTETS)};
	enum err e = h.out ? face_id(r, &f, &id) : ERR_NO_MEMORY;
	if (!e) e = registry_may_read(r, id.key, &f);
	if (!e)
		e = net_query(r, "at", &at) ? put_as_of(r, &id, at, &f, h.out)
					    : put_changes(r, &id, &f, &h);
	face_answer(r, e, &f, h.out);
}

const struct net_route face_history_rows[] = {
    {NET_GET, "/history/{id...}", get_history, REGISTRY_READERS, 0, 0,
     "changes of an identifier; with at=TIME what it was then"},
};
const size_t face_history_rows_n = sizeof face_history_rows / sizeof *face_history_rows;
