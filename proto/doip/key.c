/* Layout of HS_PUBKEY: int4 length and octets of the key type, int2 flags, then the key's fields, each int4
 * length and octets. RSA_PUB_KEY: public exponent, modulus, and four zeros that the reference library
 * allocates and never fills. SM2_PUB_KEY, of China's system: the key in X.509's form. */
#include "base/rsa.h"
#include "base/sm2.h"
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

enum err doip_key_verify(const struct doip_key *k, struct str msg, struct str sig)
{
	return k->point.n ? sm2_verify(k->point, msg, sig) : rsa_verify_sha256(k->n, k->e, msg, sig);
}
