/* Rows of the table idempotency:
 *
 *   0x01, SHA-256 of (name of the credential, 0x00, key) → be64 place, be64 wall time in µs, 32 octets
 *         digest of the request, be16 status, be64 revision, body
 *   0x02, be64 place → the 32 octets of the first row's key
 *
 * Places count up: the rows of the second kind are the order in which the first ones go. */
#include "resolver/idempotency.h"

#include "base/buf.h"
#include "base/wire.h"

enum {
	BY_KEY = 1,
	BY_PLACE = 2,
	PLACE_ROW = 1 + 8,
	HEAD = 8 + 8 + HASH_SHA256 + 2 + 8,
	/* rows dropped with each one kept: more than one, so that the table shrinks after a burst */
	TRIM = 4,
};

/* ---- reading the request ------------------------------------------------------------------ */

/* The header field is a structured-field string (draft-ietf-httpapi-idempotency-key-header), which many
 * clients send without its quotes. */
static enum err key_read(struct str field, struct flaw *f, struct str *ret)
{
	struct str key = str_trim(field);
	bool quoted = key.n >= 2 && key.p[0] == '"' && key.p[key.n - 1] == '"';
	if (quoted) key = str_n(key.p + 1, key.n - 2);
	bool ok = key.n >= 1 && key.n <= IDEMPOTENCY_KEY_MAX;
	for (size_t i = 0; ok && i < key.n; i++)
		ok = key.p[i] > ' ' && key.p[i] < 0x7f && key.p[i] != '"' && key.p[i] != '\\';
	if (!ok)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "idempotency-key", "idempotency-key",
				"expected 1 to %d printable characters without blanks, quotes and "
				"backslashes",
				IDEMPOTENCY_KEY_MAX);
	*ret = key;
	return ERR_OK;
}

/* Each part after its length: no two requests give the same octets. */
static void part(struct hash *h, struct str s)
{
	unsigned char n[8];
	hash_add(h, store_key_u64(n, s.n));
	hash_add(h, s);
}

static enum err digest(const struct net_req *r, struct str who, struct str key, struct idempotency *k)
{
	struct hash *h = hash_new();
	unsigned char method = (unsigned char)r->method;
	if (!h) return ERR_NO_MEMORY;
	hash_add(h, who);
	hash_add(h, str_n("", 1));
	hash_add(h, key);
	k->row[0] = BY_KEY;
	hash_finish(h, k->row + 1);
	part(h, str_n(&method, 1));
	part(h, r->path);
	part(h, r->query);
	part(h, net_header(r, "if-match"));
	part(h, net_header(r, "if-none-match"));
	part(h, net_header(r, "content-type"));
	part(h, r->body);
	hash_finish(h, k->request);
	hash_free(h);
	return ERR_OK;
}

enum err idempotency_read(const struct net_req *r, struct str who, struct flaw *f, struct idempotency *ret)
{
	struct str field = net_header(r, "idempotency-key"), key;
	struct idempotency k = {.keyed = true};
	if (!field.p) return ERR_OK;
	enum err e = key_read(field, f, &key);
	if (!e) e = digest(r, who, key, &k);
	if (!e) *ret = k;
	return e;
}

/* ---- the table -------------------------------------------------------------------------- */

struct row {
	uint64_t place;
	usec_t made;
	struct str request, body;
	int status;
	uint64_t revision;
};

static enum err row_read(struct store_txn *t, struct str key, struct row *ret)
{
	struct str value;
	enum err e = store_get(t, RS_TABLE_idempotency, key, &value);
	if (e) return e;
	struct wire w = wire_reader(value);
	struct row r = {.place = wire_u64(&w), .made = (usec_t)wire_u64(&w)};
	r.request = wire_bytes(&w, HASH_SHA256);
	r.status = wire_u16(&w);
	r.revision = wire_u64(&w);
	r.body = wire_bytes(&w, wire_left(&w));
	if (!wire_ok(&w)) return ERR_CORRUPT;
	*ret = r;
	return ERR_OK;
}

static bool ended(usec_t made, usec_t now)
{
	return made + IDEMPOTENCY_TERM <= now;
}

enum err idempotency_look(struct idempotency *k, struct writer_txn *t, struct arena *a, struct flaw *f)
{
	struct row r;
	k->repeated = false;
	if (!k->keyed) return ERR_OK;
	enum err e = row_read(t->store, str_n(k->row, sizeof k->row), &r);
	if (e || ended(r.made, t->now)) return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (!str_eq(r.request, str_n(k->request, sizeof k->request)))
		return flaw_set(f, ERR_CONFLICT, FLAW_NO_OFFSET, "idempotency-key", "idempotency-key",
				"this key came with another request before");
	struct str body = arena_dup(a, r.body);
	if (!body.p) return ERR_NO_MEMORY;
	k->told = (struct told){r.status, r.revision, body};
	k->repeated = true;
	return ERR_OK;
}

static struct str place_row(unsigned char row[PLACE_ROW], uint64_t place)
{
	row[0] = BY_PLACE;
	store_key_u64(row + 1, place);
	return str_n(row, PLACE_ROW);
}

/* First and last place in use; ERR_NOT_FOUND when there is none. */
static enum err places(struct store_txn *t, uint64_t *ret_first, uint64_t *ret_last)
{
	static const char start[] = {BY_PLACE};
	struct store_cursor *c;
	struct str key, value, last;
	uint64_t first = 0;
	enum err e = store_cursor_open(t, RS_TABLE_idempotency, &c);
	if (e) return e;
	e = store_cursor_seek(c, str_n(start, 1), &key, &value);
	if (!e) first = store_u64(str_skip(key, 1));
	if (!e) e = store_cursor_last(c, &last, &value);
	if (!e) {
		*ret_last = store_u64(str_skip(last, 1));
		*ret_first = first;
	}
	store_cursor_close(c);
	return e;
}

static enum err drop(struct store_txn *t, uint64_t place, bool even_in_term, usec_t now, bool *ret)
{
	unsigned char row[PLACE_ROW], key[IDEMPOTENCY_ROW] = {BY_KEY};
	struct str digest;
	struct row r = {0};
	*ret = false;
	enum err e = store_get(t, RS_TABLE_idempotency, place_row(row, place), &digest);
	if (e == ERR_NOT_FOUND) { /* its key was taken again */
		*ret = true;
		return ERR_OK;
	}
	if (e || digest.n != HASH_SHA256) return e ? e : ERR_CORRUPT;
	memcpy(key + 1, digest.p, HASH_SHA256);
	e = row_read(t, str_n(key, sizeof key), &r);
	if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	if (!even_in_term && !ended(r.made, now)) return ERR_OK;
	*ret = true;
	e = store_del(t, RS_TABLE_idempotency, str_n(key, sizeof key));
	return e ? e : store_del(t, RS_TABLE_idempotency, str_n(row, sizeof row));
}

static enum err trim(struct store_txn *t, uint64_t first, uint64_t last, usec_t now)
{
	bool dropped = true;
	enum err e = ERR_OK;
	for (int i = 0; i < TRIM && dropped && first <= last && !e; i++, first++)
		e = drop(t, first, last - first + 1 >= IDEMPOTENCY_KEYS_MAX, now, &dropped);
	return e;
}

enum err idempotency_keep(const struct idempotency *k, struct writer_txn *t)
{
	unsigned char row[PLACE_ROW], head[HEAD];
	uint64_t first = 1, last = 0;
	struct row old;
	struct str key = str_n(k->row, sizeof k->row);
	if (!k->keyed) return ERR_OK;
	enum err e = places(t->store, &first, &last);
	if (e && e != ERR_NOT_FOUND) return e;
	/* a key whose term has ended may be used anew */
	e = row_read(t->store, key, &old);
	if (!e) e = store_del(t->store, RS_TABLE_idempotency, place_row(row, old.place));
	if (e == ERR_NOT_FOUND) e = ERR_OK;
	if (!e) e = trim(t->store, first, last, t->now);
	struct wire w = wire_writer(head, sizeof head);
	wire_put_u64(&w, last + 1);
	wire_put_u64(&w, (uint64_t)t->now);
	wire_put(&w, str_n(k->request, sizeof k->request));
	wire_put_u16(&w, (uint16_t)k->told.status);
	wire_put_u64(&w, k->told.revision);
	struct buf value = BUF_INIT(HEAD + IDEMPOTENCY_BODY_MAX);
	buf_add(&value, wire_str(&w));
	buf_add(&value, k->told.body);
	if (!e) e = buf_err(&value);
	if (!e) e = store_put(t->store, RS_TABLE_idempotency, key, buf_str(&value));
	if (!e) e = store_put(t->store, RS_TABLE_idempotency, place_row(row, last + 1), str_skip(key, 1));
	buf_done(&value);
	return e;
}
