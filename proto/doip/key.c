/* Layout of HS_PUBKEY: int4 length and octets of the key type, int2 flags, then the key's fields, each int4
 * length and octets. RSA_PUB_KEY: public exponent, modulus, and four zeros that the reference library
 * allocates and never fills. SM2_PUB_KEY, of China's system: the key in X.509's form. */
#include "base/rsa.h"
#include "base/sm2.h"
#include "base/text64.h"
#include "base/wire.h"
#include "proto/doip/doip.h"

enum { KEY_FIELD_MAX = 2048 };

static struct str field(struct wire *w)
{
	uint32_t n = wire_u32(w);
	return n <= KEY_FIELD_MAX ? wire_bytes(w, n) : STR_NONE;
}

enum err doip_key_read(struct str data, struct doip_key *ret)
{
	struct wire w = wire_reader(data);
	struct doip_key k = {.n = STR_NONE};
	struct str type = field(&w);
	wire_u16(&w);
	if (str_is(type, "SM2_PUB_KEY")) {
		struct str spki = field(&w);
		if (!wire_ok(&w) || wire_left(&w) || sm2_key_read(spki, &k.point)) return ERR_BAD_KEY;
		*ret = k;
		return ERR_OK;
	}
	k.e = field(&w);
	k.n = field(&w);
	size_t left = wire_left(&w);
	bool zeros = left == 0 || (left == 4 && wire_u32(&w) == 0);
	if (!wire_ok(&w) || !zeros || !str_is(type, "RSA_PUB_KEY") || !k.e.n || !k.n.n) return ERR_BAD_KEY;
	*ret = k;
	return ERR_OK;
}

struct str doip_key_write(struct arena *a, const struct doip_key *k)
{
	struct str type = k->point.n ? STR("SM2_PUB_KEY") : STR("RSA_PUB_KEY");
	struct str one = k->point.n ? sm2_key_write(a, k->point) : k->e;
	size_t most = 4 + type.n + 2 + 4 + one.n + 4 + 1 + k->n.n + 4;
	char *to = arena_bytes(a, most);
	if (!one.p || !to) return STR_NONE;
	struct wire w = wire_writer(to, most);
	wire_put_bytes32(&w, type);
	wire_put_u16(&w, 0);
	wire_put_bytes32(&w, one);
	if (!k->point.n) {
		/* a number of Java's: it must not begin with the sign */
		bool high = k->n.p[0] & 0x80;
		wire_put_u32(&w, (uint32_t)(k->n.n + high));
		if (high) wire_put_u8(&w, 0);
		wire_put(&w, k->n);
		wire_put_u32(&w, 0);
	}
	return wire_ok(&w) ? str_n(to, most - wire_left(&w)) : STR_NONE;
}

enum err doip_key_pem_read(struct arena *a, struct str pem, struct doip_key *ret)
{
	const struct str begin = STR("-----BEGIN PUBLIC KEY-----"), end = STR("-----END PUBLIC KEY-----");
	struct doip_key k = {.n = STR_NONE};
	struct str spki;
	pem = str_trim(pem);
	if (pem.n > KEY_FIELD_MAX || pem.n < begin.n + end.n || !str_starts(pem, begin) ||
	    !str_ends(pem, end))
		return ERR_BAD_KEY;
	pem = str_n(pem.p + begin.n, pem.n - begin.n - end.n);
	char *text = arena_bytes(a, pem.n + 1);
	size_t n = 0;
	if (!text) return ERR_NO_MEMORY;
	for (size_t i = 0; i < pem.n; i++)
		if (pem.p[i] != '\n' && pem.p[i] != '\r') text[n++] = pem.p[i];
	enum err e = base64_parse(a, str_n(text, n), &spki);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_BAD_KEY;
	if (sm2_key_read(spki, &k.point)) e = rsa_key_read(a, spki, &k.n, &k.e);
	if (!e) *ret = k;
	return e;
}

enum err doip_key_verify(const struct doip_key *k, struct str msg, struct str sig)
{
	return k->point.n ? sm2_verify(k->point, msg, sig) : rsa_verify_sha256(k->n, k->e, msg, sig);
}
