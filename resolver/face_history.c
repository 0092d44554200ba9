/* /history: who changed an identifier, what it was before and after, and what it was at any time. */
#include "base/ledger.h"
#include "resolver/face_registry.h"
#include "resolver/timeline.h"

enum { HISTORY_MAX_OCTETS = 16 << 20 };

struct history {
	struct store_txn *txn;
	struct buf *out;
	bool any;
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

static enum err put_history(void *arg, uint64_t leaf, struct str digests)
{
	struct history *h = arg;
	struct ledger_leaf entry;
	enum err e = ledger_read(h->txn, leaf, &entry);
	if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	buf_add(h->out, h->any ? STR(",{\"index\":") : STR("{\"index\":"));
	buf_u64(h->out, leaf);
	put_digest(h->out, "before", str_first(digests, HASH_SHA256));
	put_digest(h->out, "after", str_skip(digests, HASH_SHA256));
	buf_add(h->out, STR(",\"entry\":"));
	buf_add(h->out, entry.entry);
	buf_byte(h->out, '}');
	h->any = true;
	return buf_err(h->out);
}

/* ---- as of a time ------------------------------------------------------------------------ */

struct as_of {
	struct store_txn *txn;
	usec_t at;
	/* the last change at or before it; revisions count up by one with each change */
	uint64_t revision, leaf;
	char digests[HISTORY_DIGEST];
	struct str entry;
	usec_t since, until; /* of the next change; 0: there is none */
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

static enum err look_at(void *arg, uint64_t leaf, struct str digests)
{
	struct as_of *w = arg;
	struct ledger_leaf entry;
	usec_t time;
	if (w->until) return ERR_OK;
	enum err e = ledger_read(w->txn, leaf, &entry);
	if (!e) e = entry_time(entry.entry, &time);
	if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	if (time > w->at) {
		w->until = time;
		return ERR_OK;
	}
	w->revision++;
	w->leaf = leaf;
	w->since = time;
	w->entry = entry.entry;
	memcpy(w->digests, digests.p, sizeof w->digests);
	return ERR_OK;
}

/* The record as the change left it, checked against the digest that the history has. STR_NONE when the
 * feed has lost it. */
static enum err record_then(struct net_req *r, const struct id *id, const struct as_of *w, struct str *ret)
{
	unsigned char digest[HASH_SHA256];
	struct rs *rs = rs__shard(r)->rs;
	struct str packed = STR_NONE;
	uint64_t last;
	enum err e = registry_find_key(w->txn, id->key, &last, &packed);
	if (!e && last != w->leaf)
		e = timeline_record(writer_feed(rs->o.writer), w->txn, id->key, w->leaf, &packed);
	if (e == ERR_GONE) {
		*ret = STR_NONE;
		return ERR_OK;
	}
	if (e) return e;
	hash_sha256(packed, digest);
	if (memcmp(digest, w->digests + HASH_SHA256, sizeof digest) != 0) return ERR_CORRUPT;
	*ret = packed;
	return ERR_OK;
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
	struct str packed = STR_NONE;
	if (clock_parse(at, &w.at))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "at", "time",
				"expected a date or an RFC 3339 time");
	enum err e = registry_history(w.txn, id, look_at, &w);
	if (!e && !w.revision)
		e = flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "at", "registered",
			     w.until ? "the identifier was not registered yet"
				     : "no such identifier is registered");
	if (!e) e = record_then(r, id, &w, &packed);
	if (e) return e;
	buf_add(out, STR("{\"id\":"));
	buf_json(out, id->text);
	put_time(out, "at", w.at);
	buf_printf(out, ",\"revision\":%llu,\"index\":%llu", (unsigned long long)w.revision,
		   (unsigned long long)w.leaf);
	put_time(out, "since", w.since);
	put_time(out, "until", w.until);
	put_digest(out, "before", str_n(w.digests, HASH_SHA256));
	put_digest(out, "after", str_n(w.digests + HASH_SHA256, HASH_SHA256));
	buf_add(out, STR(",\"entry\":"));
	buf_add(out, w.entry);
	buf_add(out, STR(",\"record\":"));
	if (packed.n)
		e = record_write_json(packed, RECORD_ADMIN, out);
	else
		buf_add(out, STR("null")); /* never made up: the digests say what it was */
	buf_byte(out, '}');
	return e;
}

static void get_history(struct net_req *r)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct id id;
	struct str at;
	struct history h = {.txn = rs__shard(r)->txn, .out = face_buf(r, HISTORY_MAX_OCTETS)};
	enum err e = h.out ? face_id(r, &f, &id) : ERR_NO_MEMORY;
	if (!e) e = registry_may_read(r, id.key, &f);
	bool as_of = !e && net_query(r, "at", &at);
	if (as_of) e = put_as_of(r, &id, at, &f, h.out);
	if (!e && !as_of) {
		buf_add(h.out, STR("{\"id\":"));
		buf_json(h.out, id.text);
		buf_add(h.out, STR(",\"history\":["));
		e = registry_history(h.txn, &id, put_history, &h);
		buf_add(h.out, STR("]}"));
	}
	if (!e && !as_of && !h.any) e = ERR_NOT_FOUND;
	if (!e) e = buf_err(h.out);
	if (e)
		net_reply_err(r, e, f.err == e ? &f : NULL);
	else
		net_reply(r, 200, MEDIA_JSON, buf_str(h.out));
}

const struct net_route face_history_rows[] = {
    {NET_GET, "/history/{id...}", get_history, REGISTRY_READERS, 0, 0,
     "changes of an identifier; with at=TIME what it was then"},
};
const size_t face_history_rows_n = sizeof face_history_rows / sizeof *face_history_rows;
