/* Decentralized identifiers (W3C DID Core 1.0, 3.1): did:method:part:part…
 *
 * Key octets: 0x05, then method and parts, each with a colon behind it: "web:example.com:user:". A
 * prefix key ends after any of the first PARTS_PREFIX_MAX colons that lie in the head; a DID's key is a
 * prefix itself, and covers the DIDs that go on from it.
 *
 * did:web is held to the rules of its method (proto/did/name.h), did:key to multibase, multicodec and
 * the key's length; other methods to the syntax of all DIDs, in which empty parts are refused here:
 * they would make two prefixes print alike. Percent-encodings get digits in upper case (RFC 3986 6.2.2.1).
 */
#include "base/text64.h"
#include "proto/did/name.h"
#include "proto/id/percent.h"

enum { PARTS_PREFIX_MAX = 32 /* delegation boundaries that an answer may have to look up */ };

#define MARK STR("did:")

/* Multicodec keys of did:key: unsigned varint, octets of the key behind it; 0: any. */
static const struct codec {
	const char *name;
	unsigned char varint[2];
	unsigned short multicodec;
	size_t octets;
} codecs[] = {
    {"ed25519-pub", {0xed, 0x01}, 0xed, 32},      {"x25519-pub", {0xec, 0x01}, 0xec, 32},
    {"secp256k1-pub", {0xe7, 0x01}, 0xe7, 33},    {"bls12_381-g1-pub", {0xea, 0x01}, 0xea, 48},
    {"bls12_381-g2-pub", {0xeb, 0x01}, 0xeb, 96}, {"p256-pub", {0x80, 0x24}, 0x1200, 33},
    {"p384-pub", {0x81, 0x24}, 0x1201, 49},       {"p521-pub", {0x82, 0x24}, 0x1202, 67},
    {"rsa-pub", {0x85, 0x24}, 0x1205, 0},         {"sm2-pub", {0x86, 0x24}, 0x1206, 33},
};

static enum id_claim detect(struct str text)
{
	return str_starts_nocase(text, MARK) ? ID_SURE : ID_NOT;
}

static bool lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* "did:" and the method; *ret is where the method ends. */
static enum err method_read(struct str text, struct flaw *f, size_t *ret)
{
	size_t at = 0;
	while (at < MARK.n && at < text.n && text.p[at] == MARK.p[at]) at++;
	if (at < MARK.n)
		return flaw_set(f, ERR_BAD_ID, at, "", "did-scheme",
				"a DID begins with did: in lower case");
	while (at < text.n && lower_or_digit(text.p[at])) at++;
	if (at == MARK.n || (at < text.n && text.p[at] != ':'))
		return flaw_set(f, ERR_BAD_ID, at, "method", "method",
				"a method has lower-case letters and digits");
	*ret = at;
	return ERR_OK;
}

/* The parts behind the method, text[at, end), which begin with a colon. */
static enum err parts_check(struct str text, size_t at, struct flaw *f)
{
	for (size_t start = at + 1; at < text.n; at++) {
		char c = text.p[at];
		if (c == '/' || c == '?' || c == '#')
			return flaw_set(f, ERR_BAD_ID, at, "", "did-url",
					"a DID has no path, query or fragment: those make it a DID URL");
		if (c != ':' && c != '%' && (c == '~' || !id__unreserved((unsigned char)c)))
			return flaw_set(f, ERR_BAD_ID, at, "", "did-characters",
					"the character is not allowed in a DID");
		bool end = at + 1 == text.n;
		if (c == ':' && (at == start || end))
			return flaw_set(f, ERR_BAD_ID, end ? text.n : at, "", "empty-part",
					"a part between colons is empty");
		if (c == ':') start = at + 1;
	}
	return ERR_OK;
}

static const struct codec *codec_of(struct str octets)
{
	for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
		if (str_starts(octets, str_n(codecs[i].varint, 2))) return &codecs[i];
	return NULL;
}

static bool base58_digit(char c)
{
	return (c >= '1' && c <= '9') || (c >= 'A' && c <= 'Z' && c != 'I' && c != 'O') ||
	       (c >= 'a' && c <= 'z' && c != 'l');
}

/* did:key: "z" and base58btc of codec and key. Longer ones than base58 is read of pass unread. */
static enum err key_read(struct arena *a, struct str did, struct flaw *f, const struct codec **ret,
			 struct str *ret_key)
{
	static const size_t from = 8;
	struct str multibase = str_skip(did, from), octets;
	*ret = NULL;
	if (!str_starts(multibase, STR("z")))
		return flaw_set(f, ERR_BAD_ID, from, "", "multibase",
				"a did:key goes on with z, for base58btc");
	for (size_t i = 1; i < multibase.n; i++)
		if (!base58_digit(multibase.p[i]))
			return flaw_set(f, ERR_BAD_ID, from + i, "", "base58",
					"the character is no digit of base58btc");
	if (multibase.n - 1 > BASE58_TEXT_MAX) return ERR_OK;
	enum err e = base58_parse(a, str_skip(multibase, 1), &octets);
	if (e == ERR_NO_MEMORY) return id__no_memory(f);
	if (e) return flaw_set(f, ERR_BAD_ID, from + 1, "", "base58", "the key is not in base58btc");
	const struct codec *c = codec_of(octets);
	if (!c)
		return flaw_set(f, ERR_BAD_ID, from + 1, "", "multicodec",
				"the key is of no kind that is known here");
	if (c->octets && octets.n != 2 + c->octets)
		return flaw_set(f, ERR_BAD_ID, from + 1, "", "key-length", "a key of %s has %zu octets",
				c->name, c->octets);
	*ret = c;
	*ret_key = str_skip(octets, 2);
	return ERR_OK;
}

static enum err method_check(struct arena *a, struct str did, struct flaw *f)
{
	const struct codec *c;
	struct str key;
	if (str_starts(did, STR("did:key:"))) return key_read(a, did, f, &c, &key);
	if (!str_starts(did, STR("did:web:"))) return ERR_OK;
	enum err e = did_web_check(did, f);
	if (!e) return ERR_OK;
	if (f) f->err = ERR_BAD_ID;
	return ERR_BAD_ID;
}

/* Natural key of text[0, n), which method_read and parts_check let pass, and the canonical text. */
static enum err make(struct arena *a, struct str text, struct flaw *f, struct str *ret_key,
		     struct str *ret_text)
{
	size_t n = 0;
	char *out = arena_bytes(a, text.n + 1), *key = arena_bytes(a, text.n + 2);
	if (!out || !key) return id__no_memory(f);
	enum err e = id__percent_normal(text, 0, false, out, f, &n);
	if (e) return e;
	*ret_text = str_n(out, n);
	size_t rest = n > MARK.n ? n - MARK.n : 0;
	key[0] = ID_DID;
	memcpy(key + 1, out + MARK.n, rest);
	key[1 + rest] = ':';
	*ret_key = str_n(key, rest ? rest + 2 : 1);
	return ERR_OK;
}

static enum err parse(struct arena *a, struct str text, struct flaw *f, struct id *ret)
{
	size_t at = 0;
	struct str key;
	enum err e = id__length_check(text, 0, f);
	if (!e) e = method_read(text, f, &at);
	if (!e && at == text.n)
		e = flaw_set(f, ERR_BAD_ID, at, "", "no-identifier", "nothing follows the method");
	if (!e) e = parts_check(text, at, f);
	if (!e) e = id__percent_check(a, text, at, f);
	if (!e) e = make(a, text, f, &key, &ret->text);
	if (!e) e = method_check(a, ret->text, f);
	if (e) return e;
	return id__key_fit(a, key, ret) ? id__no_memory(f) : ERR_OK;
}

static size_t boundaries(struct str key, size_t *ret)
{
	return id__ends(key, 1, ':', PARTS_PREFIX_MAX, ret);
}

static enum err prefix_check(struct arena *a, struct str text, struct flaw *f)
{
	size_t at = 0;
	enum err e = id__length_check(text, 0, f);
	if (!e) e = method_read(text, f, &at);
	if (!e && at < text.n) e = parts_check(text, at, f);
	if (!e && at < text.n) e = id__percent_check(a, text, at, f);
	return e;
}

/* "did:web:" is the method like "did:web". */
static enum err prefix_parse(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret)
{
	size_t ends[PARTS_PREFIX_MAX], n;
	struct str t = text;
	bool all = str_eq(t, MARK);
	if (!all && str_find(str_skip(t, MARK.n), ':') + MARK.n + 1 == t.n) t.n--;
	enum err e = all ? ERR_OK : prefix_check(a, t, f);
	if (!e) e = make(a, t, f, &ret->key, &ret->text);
	if (e || all) return e;
	n = boundaries(ret->key, ends);
	if (!n || ends[n - 1] != ret->key.n)
		return flaw_set(f, ERR_BAD_ID, text.n, "", "prefix-too-long",
				"a prefix has at most %d parts and %d octets", PARTS_PREFIX_MAX,
				ID_KEY_HEAD - 1);
	return n > 1 ? method_check(a, ret->text, f) : ERR_OK;
}

static struct str print(struct arena *a, struct str key)
{
	if (key.n == 1) return arena_dup(a, MARK);
	if (key.p[key.n - 1] != ':') return STR_NONE;
	return id__joined(a, MARK, str_n(key.p + 1, key.n - 2));
}

static void parts(struct arena *a, struct str text, const struct id *id, struct id_parts *ret)
{
	const struct codec *c = NULL;
	struct str key, url;
	struct str method = str_skip(id->text, MARK.n);
	(void)text;
	method.n = str_find(method, ':');
	id__part_text(ret, "did", id->text);
	id__part_text(ret, "method", method);
	if (str_is(method, "web") && !did_web_document_url(a, id->text, "https", NULL, &url))
		id__part_text(ret, "document_url", url);
	if (!str_is(method, "key") || key_read(a, id->text, NULL, &c, &key) || !c) return;
	char *hex = arena_bytes(a, 2 * key.n + 1);
	id__part_text(ret, "codec", str_of(c->name));
	id__part_text(ret, "multicodec", arena_printf(a, "0x%x", c->multicodec));
	if (!hex) return;
	hex_write(key.p, key.n, hex);
	id__part_text(ret, "public_key_hex", str_n(hex, 2 * key.n));
}

const struct id_scheme_ops id__ops_did = {
    .scheme = ID_DID,
    .name = "did",
    .detect = detect,
    .detect_prefix = detect,
    .parse = parse,
    .prefix_parse = prefix_parse,
    .print = print,
    .boundaries = boundaries,
    .parts = parts,
};
