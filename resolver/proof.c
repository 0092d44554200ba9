#include "resolver/proof.h"

#include "base/text64.h"
#include "base/wire.h"

enum { RANDOM = 16, SIGNED = 8 + RANDOM, OCTETS = SIGNED + SIGN_SIGNATURE, SCRATCH = 4096 };

static const char challenge_context[] = "kanhe-challenge-v1";

static struct str with_code(struct str octets, struct str code, char room[SIGNED + CREDIT_CODE])
{
	struct wire w = wire_writer(room, SIGNED + CREDIT_CODE);
	wire_put(&w, octets);
	wire_put(&w, code);
	must(wire_ok(&w));
	return wire_str(&w);
}

struct str proof_challenge(const struct sign_key *node, struct str code, usec_t now, struct arena *a)
{
	unsigned char octets[OCTETS];
	char room[SIGNED + CREDIT_CODE];
	struct wire w = wire_writer(octets, 8);
	wire_put_u64(&w, (uint64_t)now);
	random_bytes(octets + 8, RANDOM);
	sign_make(node, challenge_context, with_code(str_n(octets, SIGNED), code, room), octets + SIGNED);
	return base64url_write(a, str_n(octets, sizeof octets));
}

static enum err refuse(struct flaw *f, const char *rule, const char *text)
{
	return flaw_set(f, ERR_FORBIDDEN, FLAW_NO_OFFSET, "challenge", rule, "%s", text);
}

enum err proof_challenge_open(const unsigned char node[SIGN_PUBLIC], struct str code, struct str text,
			      usec_t now, struct flaw *f, usec_t *ret_made)
{
	char room[SIGNED + CREDIT_CODE];
	struct str octets = STR_NONE;
	struct arena *a = arena_new(SCRATCH);
	enum err e = a ? ERR_OK : ERR_NO_MEMORY;
	if (!e && (text.n > OCTETS * 2 || base64url_parse(a, text, &octets) || octets.n != OCTETS ||
		   sign_verify(node, challenge_context, with_code(str_first(octets, SIGNED), code, room),
			       (const unsigned char *)octets.p + SIGNED)))
		e = refuse(f, "challenge", "this node gave no such challenge to this enterprise");
	if (!e) {
		struct wire w = wire_reader(octets);
		usec_t made = (usec_t)wire_u64(&w);
		if (now - made > PROOF_SECONDS * USEC_PER_SEC ||
		    made - now > PROOF_SKEW_SECONDS * USEC_PER_SEC)
			e = refuse(f, "challenge-expired", "the challenge is too old: ask for another");
		if (!e) *ret_made = made;
	}
	arena_free(a);
	return e;
}

struct str proof_message(struct arena *a, struct str did, struct str code, struct str challenge)
{
	size_t n = did.n + code.n + challenge.n + 2;
	char *room = arena_bytes(a, n);
	if (!room) return STR_NONE;
	struct wire w = wire_writer(room, n);
	wire_put(&w, did);
	wire_put_u8(&w, 0);
	wire_put(&w, code);
	wire_put_u8(&w, 0);
	wire_put(&w, challenge);
	must(wire_ok(&w));
	return wire_str(&w);
}
