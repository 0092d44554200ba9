/* Layout of HS_PUBKEY: int4 length and octets of the key type, int2 flags, int4 and octets of the public
 * exponent, int4 and octets of the modulus, then four zeros that the reference library allocates and never
 * fills. */
#include "base/wire.h"
#include "proto/doip/doip.h"

enum { KEY_FIELD_MAX = 2048 };

static struct str field(struct wire *w)
{
	uint32_t n = wire_u32(w);
	return n <= KEY_FIELD_MAX ? wire_bytes(w, n) : STR_NONE;
}

enum err doip_key_read(struct str data, struct str *ret_n, struct str *ret_e)
{
	struct wire w = wire_reader(data);
	struct str type = field(&w);
	wire_u16(&w);
	struct str e = field(&w), n = field(&w);
	size_t left = wire_left(&w);
	bool zeros = left == 0 || (left == 4 && wire_u32(&w) == 0);
	if (!wire_ok(&w) || !zeros || !str_is(type, "RSA_PUB_KEY") || !e.n || !n.n) return ERR_BAD_KEY;
	*ret_n = n;
	*ret_e = e;
	return ERR_OK;
}
