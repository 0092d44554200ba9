#include "dataspace/replay.h"

#include <stdlib.h>

#include "base/hash.h"

enum {
	REPLAY_ROOM_MIN = 256,
	REPLAY_LOOK = 300, /* seconds, a token's life: then what a busy time has left is let go of */
	REPLAY_SWEEP = 4   /* expired rows deleted by each command that adds one */
};

struct replay {
	unsigned char id[REPLAY_ID];
	int64_t expires; /* 0: free */
};

/* Open addressing; rebuilt without the expired ones, at most half full, when it is three quarters full, and
 * now and then. */
struct replays {
	pthread_mutex_t lock;
	struct replay *slot;
	size_t room, used; /* used: expired ones too */
	int64_t looked;    /* when it was rebuilt last, or would have been */
};

enum err replays_open(struct replays **ret)
{
	struct replays *r = calloc(1, sizeof *r);

	if (r) r->slot = calloc(REPLAY_ROOM_MIN, sizeof *r->slot);
	if (!r || !r->slot) {
		free(r);
		return ERR_NO_MEMORY;
	}
	r->room = REPLAY_ROOM_MIN;
	must(!pthread_mutex_init(&r->lock, NULL));
	*ret = r;
	return ERR_OK;
}

void replays_close(struct replays *r)
{
	if (!r) return;
	pthread_mutex_destroy(&r->lock);
	free(r->slot);
	free(r);
}

void replay_digest(struct str iss, struct str jti, unsigned char out[REPLAY_ID])
{
	struct buf b = BUF_INIT(DS_DID_MAX + 512);
	unsigned char sum[HASH_SHA256];

	buf_add(&b, iss);
	buf_byte(&b, '\0');
	buf_add(&b, jti);
	must(!buf_err(&b));
	hash_sha256(buf_str(&b), sum);
	buf_done(&b);
	memcpy(out, sum, REPLAY_ID);
}

static struct replay *slot_find(struct replay *slot, size_t room, const unsigned char id[REPLAY_ID])
{
	size_t i;

	memcpy(&i, id, sizeof i); /* the id is a digest: its octets are spread evenly */
	for (i &= room - 1; slot[i].expires; i = (i + 1) & (room - 1))
		if (!memcmp(slot[i].id, id, REPLAY_ID)) break;
	return &slot[i];
}

static enum err rebuild(struct replays *r, int64_t now)
{
	size_t live = 0, room = REPLAY_ROOM_MIN;
	struct replay *slot;

	r->looked = now;
	for (size_t i = 0; i < r->room; i++) live += r->slot[i].expires > now;
	if (live >= REPLAY_MAX) return ERR_BUSY;
	while (room < live * 2) room *= 2;
	slot = calloc(room, sizeof *slot);
	if (!slot) return ERR_NO_MEMORY;
	for (size_t i = 0; i < r->room; i++)
		if (r->slot[i].expires > now) *slot_find(slot, room, r->slot[i].id) = r->slot[i];
	free(r->slot);
	r->slot = slot;
	r->room = room;
	r->used = live;
	return ERR_OK;
}

/* At the maximum it is looked at once a second, not for each of a flood. */
static enum err make_room(struct replays *r, int64_t now)
{
	bool full = r->used >= REPLAY_MAX, large = r->room > REPLAY_ROOM_MIN;

	if (full && r->looked == now) return ERR_BUSY;
	if (full || r->used * 4 >= r->room * 3 || (large && now - r->looked >= REPLAY_LOOK))
		return rebuild(r, now);
	return ERR_OK;
}

size_t replays_octets(struct replays *r)
{
	size_t n;

	pthread_mutex_lock(&r->lock);
	n = r->room * sizeof *r->slot;
	pthread_mutex_unlock(&r->lock);
	return n;
}

enum err replays_use(struct replays *r, const unsigned char id[REPLAY_ID], int64_t expires, int64_t now)
{
	struct replay *s;
	enum err e;

	must(expires > 0);
	pthread_mutex_lock(&r->lock);
	e = make_room(r, now);
	s = slot_find(r->slot, r->room, id);
	if (!e && s->expires > now) e = ERR_UNAUTHORISED;
	if (!e) {
		if (!s->expires) r->used++;
		memcpy(s->id, id, REPLAY_ID);
		s->expires = expires;
	}
	pthread_mutex_unlock(&r->lock);
	return e;
}

/* Key in table jti: participant, be64 expiry, id. */
enum err ds_jti_spend(struct writer_txn *t, struct str participant, const struct ds_peer *peer)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE), old[REPLAY_SWEEP];
	struct ds_row_scan scan;
	struct str key, value;
	size_t n = 0, prefix = k.n;
	enum err e = ds_row_scan_open(&scan, t->store, DS_TABLE_jti, &k, STR_NONE);

	if (e) return e;
	while (n < REPLAY_SWEEP && !(e = ds_row_scan_next(&scan, &key, &value))) {
		if (key.n < 8 || (int64_t)store_u64(str_first(key, 8)) * USEC_PER_SEC >= t->now) break;
		old[n] = k;
		memcpy(old[n].b + prefix, key.p, key.n);
		old[n++].n = prefix + key.n;
	}
	ds_row_scan_close(&scan);
	if (e && e != ERR_NOT_FOUND) return e;
	for (size_t i = 0; i < n; i++)
		if ((e = store_del(t->store, DS_TABLE_jti, ds_key_str(&old[i])))) return e;
	ds_key_u64(&k, (uint64_t)peer->jti_expires);
	must(k.n + REPLAY_ID <= sizeof k.b);
	memcpy(k.b + k.n, peer->jti, REPLAY_ID);
	k.n += REPLAY_ID;
	return store_put(t->store, DS_TABLE_jti, ds_key_str(&k), STR("\1"));
}

enum err replays_load(struct replays *r, struct store_txn *t, int64_t now)
{
	struct store_cursor *c;
	struct str key, value, participant;
	enum err e = store_cursor_open(t, DS_TABLE_jti, &c);

	if (e) return e;
	for (e = store_cursor_seek(c, STR_NONE, &key, &value); !e; e = store_cursor_next(c, &key, &value)) {
		int64_t expires;

		if ((e = ds_key_part(&key, &participant))) break;
		if (key.n != 8 + REPLAY_ID) {
			e = ERR_CORRUPT;
			break;
		}
		expires = (int64_t)store_u64(str_first(key, 8));
		if (expires <= now) continue;
		e = replays_use(r, (const unsigned char *)key.p + 8, expires, now);
		if (e == ERR_UNAUTHORISED) e = ERR_OK;
		if (e) break;
	}
	store_cursor_close(c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
