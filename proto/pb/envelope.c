#include "proto/pb/envelope.h"

#include "proto/pb/kanhe.pb-c.h"
#include "proto/pb/message.h"

/* Field numbers of kanhe.proto. */
enum { VERSION = 1, KIND, PAYLOAD, SUITE, KID, SIGNATURE };

static const struct pb_kind signed_kind = {&kanhe__signed__descriptor, ENVELOPE_VERSION,
					   ENVELOPE_PACKED_MAX};

const char *envelope_context(enum envelope_kind k)
{
	switch (k) {
#define X(name, number, context)                                                                           \
	case ENVELOPE_##name: return context;
		ENVELOPE_KINDS(X)
#undef X
	}
	return NULL;
}

enum err envelope_pack(const struct envelope *e, struct buf *out)
{
	size_t from = out->n;
	must(envelope_context(e->kind) && e->kid.n <= ENVELOPE_KID_MAX);
	pb_put_u64(out, VERSION, ENVELOPE_VERSION);
	pb_put_u64(out, KIND, e->kind);
	pb_put_bytes(out, PAYLOAD, e->payload);
	pb_put_u64(out, SUITE, e->suite);
	pb_put_bytes(out, KID, e->kid);
	pb_put_bytes(out, SIGNATURE, e->signature);
	return pb_done(out, from, ENVELOPE_PACKED_MAX);
}

enum err envelope_sign(enum envelope_kind kind, struct str payload, const struct sign_key *key,
		       struct str kid, struct buf *out)
{
	unsigned char sig[SIGN_SIGNATURE];
	must(envelope_context(kind) && payload.n);
	sign_make(key, envelope_context(kind), payload, sig);
	struct envelope e = {kind, payload, SIGN_SUITE_ED25519, kid, str_n(sig, sizeof sig)};
	return envelope_pack(&e, out);
}

static enum err content_check(const struct envelope *e, struct flaw *f)
{
	if (!envelope_context(e->kind))
		return flaw_set(f, ERR_UNSUPPORTED, FLAW_NO_OFFSET, "kind", "kind", "kind %u is not known",
				(unsigned)e->kind);
	if (e->suite != SIGN_SUITE_ED25519)
		return flaw_set(f, ERR_UNSUPPORTED, FLAW_NO_OFFSET, "suite", "suite",
				"signature suite %u is not known", e->suite);
	if (!e->payload.n) return pb_flaw(f, "missing", "payload");
	if (!e->kid.n || e->kid.n > ENVELOPE_KID_MAX) return pb_flaw(f, "length", "kid");
	if (e->signature.n != SIGN_SIGNATURE) return pb_flaw(f, "length", "signature");
	return ERR_OK;
}

enum err envelope_unpack(struct str packed, struct flaw *f, struct envelope *ret)
{
	struct pb_cursor c = pb_cursor(packed);
	struct pb_field p;
	struct envelope e = {0};
	enum err err = pb_check(&signed_kind, packed, f);
	if (err) return err;
	while (!pb_next(&c, &p)) {
		switch (p.id) {
		case KIND: e.kind = (enum envelope_kind)p.number; break;
		case PAYLOAD: e.payload = p.bytes; break;
		case SUITE: e.suite = (unsigned)p.number; break;
		case KID: e.kid = p.bytes; break;
		case SIGNATURE: e.signature = p.bytes; break;
		default: break;
		}
	}
	err = content_check(&e, f);
	if (!err) *ret = e;
	return err;
}

enum err envelope_verify(const struct envelope *e, enum envelope_kind expected,
			 const unsigned char pub[SIGN_PUBLIC], struct flaw *f)
{
	must(envelope_context(expected));
	if (e->kind != expected)
		return flaw_set(f, ERR_BAD_SIGNATURE, FLAW_NO_OFFSET, "kind", "kind",
				"the envelope holds another kind of payload");
	if (e->suite != SIGN_SUITE_ED25519 || e->signature.n != SIGN_SIGNATURE ||
	    sign_verify(pub, envelope_context(expected), e->payload, (const unsigned char *)e->signature.p))
		return flaw_set(f, ERR_BAD_SIGNATURE, FLAW_NO_OFFSET, "signature", "signature",
				"the signature does not verify with the key");
	return ERR_OK;
}
