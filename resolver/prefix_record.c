/* HS_ADMIN (RFC 3651 3.2.1): int2 permissions ‖ bytes admin handle ‖ int index; bytes after their int
 * length. HS_PUBKEY: bytes key type ‖ int2 flags ‖ key fields. The Handle System knows RSA, DSA and DH,
 * China's nodes SM2 with one field, the key as X.509 SubjectPublicKeyInfo; Ed25519 is written that way. */
#include "resolver/prefix_record.h"

#include "base/wire.h"
#include "net/access.h"
#include "resolver/registry.h"
#include "resolver/state.h"

enum {
	INDEX_ADMIN = 100, /* as the Handle System's tools have it */
	INDEX_KEY = 300,
	ADMIN_ALL = 0x0fff, /* identifiers and prefixes below, values, admin values, reading, listing */
	DATA_MAX = 512,
};

/* RFC 8410 4: SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 octets } */
static const unsigned char spki_head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
					  0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static struct str admin_data(struct arena *a, struct str handle)
{
	char *room = arena_bytes(a, DATA_MAX);
	if (!room) return STR_NONE;
	struct wire w = wire_writer(room, DATA_MAX);
	wire_put_u16(&w, ADMIN_ALL);
	wire_put_bytes32(&w, handle);
	wire_put_u32(&w, INDEX_KEY);
	must(wire_ok(&w));
	return wire_str(&w);
}

static struct str key_data(struct arena *a, const unsigned char key[SIGN_PUBLIC])
{
	unsigned char spki[sizeof spki_head + SIGN_PUBLIC];
	char *room = arena_bytes(a, DATA_MAX);
	if (!room) return STR_NONE;
	memcpy(spki, spki_head, sizeof spki_head);
	memcpy(spki + sizeof spki_head, key, SIGN_PUBLIC);
	struct wire w = wire_writer(room, DATA_MAX);
	wire_put_bytes32(&w, STR("ED25519_PUB_KEY"));
	wire_put_u16(&w, 0);
	wire_put_bytes32(&w, str_n(spki, sizeof spki));
	must(wire_ok(&w));
	return wire_str(&w);
}

/* Fills id and authority; ERR_NOT_FOUND for what is no Handle prefix. */
static enum err address(const struct id_prefix *p, struct arena *a, struct registry_change *c)
{
	struct id_prefix home;
	struct str text = p->text;
	if (p->scheme != ID_HANDLE || str_find(text, '/') < text.n) return ERR_NOT_FOUND;
	if (str_starts(text, STR("hdl:"))) text = str_skip(text, 4);
	text = arena_printf(a, "0.NA/%.*s", STR_ARG(text));
	enum err e = text.p ? id_parse_as(ID_HANDLE, a, text, NULL, &c->id) : ERR_NO_MEMORY;
	if (!e) e = id_prefix_parse_as(ID_HANDLE, a, STR("0.NA/"), NULL, &home);
	if (!e) c->authority = home.key;
	return e;
}

enum err prefix_record_retire(const struct id_prefix *p, struct str who, struct writer_txn *t,
			      struct arena *a)
{
	struct registry_change c = {.act = REGISTRY_RETIRE};
	struct registry_set set = {.changes = &c, .n = 1, .who = who, .roles = ROLE_REGISTRAR};
	struct flaw f = {0};
	enum err e = address(p, a, &c);
	if (!e) e = registry_apply(&set, t, a, false, &f);
	return e == ERR_NOT_FOUND || e == ERR_GONE ? ERR_OK : e;
}

enum err prefix_record_write(const struct rs *rs, const struct enterprise *x, const struct id_prefix *p,
			     struct str who, struct writer_txn *t, struct arena *a)
{
	struct registry_change c = {.act = REGISTRY_PUT};
	struct registry_set set = {.changes = &c, .n = 1, .who = who, .roles = ROLE_REGISTRAR};
	struct value values[2] = {{.index = INDEX_ADMIN, .type = STR("HS_ADMIN")},
				  {.index = INDEX_KEY, .type = STR("HS_PUBKEY")}};
	struct record_head old;
	struct str packed;
	struct flaw f = {0};
	(void)rs;
	enum err e = address(p, a, &c);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	/* one that was retired with an earlier allocation comes back by its revision */
	e = registry_find(t->store, &c.id, &packed);
	if (!e) e = record_peek(packed, &old);
	if (e && e != ERR_NOT_FOUND) return e;
	if (!e) {
		set.condition = REGISTRY_REVISION;
		set.revision = old.revision;
	}
	values[0].data = admin_data(a, c.id.text);
	values[1].data = x->has_key ? key_data(a, x->key) : STR("");
	if (arena_overflowed(a)) return ERR_NO_MEMORY;
	for (size_t i = 0; i < 2; i++) {
		values[i].ttl = VALUE_TTL;
		values[i].permissions = VALUE_PERMISSIONS;
	}
	c.record = (struct record){.values = values, .values_n = x->has_key ? 2 : 1};
	return registry_apply(&set, t, a, false, &f);
}
