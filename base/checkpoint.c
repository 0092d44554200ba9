/* C2SP tlog-checkpoint in a C2SP signed-note:
 *   origin LF size LF base64(root) LF [extension lines] LF "— " origin " " base64(key id ‖ signature) LF
 * key id: first 4 octets of SHA-256(origin ‖ LF ‖ 0x01 ‖ Ed25519 public key). */
#include "base/hash.h"
#include "base/ledger.h"
#include "base/sign.h"
#include "base/text64.h"

enum { KEY_ID = 4, NOTE_ARENA = 16 * 1024 };

static void key_id(struct str name, const unsigned char public_key[SIGN_PUBLIC], unsigned char out[KEY_ID])
{
	unsigned char digest[HASH_SHA256];
	struct hash *h = hash_new();
	must(h != NULL);
	hash_add(h, name);
	hash_add(h, STR("\n\x01"));
	hash_add(h, str_n(public_key, SIGN_PUBLIC));
	hash_finish(h, digest);
	hash_free(h);
	memcpy(out, digest, KEY_ID);
}

enum err ledger_checkpoint(const struct ledger *l, struct store_txn *t, const struct sign_key *key,
			   struct arena *a, struct str *ret_note)
{
	struct merkle_hash root;
	unsigned char blob[KEY_ID + SIGN_SIGNATURE];
	const char *origin = ledger_origin(l);
	enum err e = ledger_root(t, &root);
	if (e) return e;
	struct str root64 = base64_write(a, str_n(root.b, MERKLE_HASH));
	struct str body = arena_printf(a, "%s\n%llu\n%.*s\n", origin, (unsigned long long)ledger_size(t),
				       STR_ARG(root64));
	if (!body.p) return ERR_NO_MEMORY;
	key_id(str_of(origin), sign_public(key), blob);
	sign_make(key, "", body, blob + KEY_ID);
	struct str sig = base64_write(a, str_n(blob, sizeof blob));
	struct str note =
	    arena_printf(a, "%.*s\n\xe2\x80\x94 %s %.*s\n", STR_ARG(body), origin, STR_ARG(sig));
	if (!note.p) return ERR_NO_MEMORY;
	*ret_note = note;
	return ERR_OK;
}

static enum err parse_body(struct str body, struct arena *a, struct flaw *f, struct checkpoint *ret)
{
	struct str rest = body, size, root, octets;
	struct checkpoint c;
	if (!str_split(&rest, '\n', &c.origin) || !c.origin.n || !str_split(&rest, '\n', &size) ||
	    !str_split(&rest, '\n', &root))
		return flaw_set(f, ERR_BAD_INPUT, 0, "checkpoint", "lines",
				"a checkpoint has origin, size and root lines");
	if (str_u64(size, &c.size) || (size.n > 1 && size.p[0] == '0'))
		return flaw_set(f, ERR_BAD_INPUT, c.origin.n + 1, "size", "decimal",
				"the size is not a decimal number");
	if (base64_parse(a, root, &octets) || octets.n != MERKLE_HASH)
		return flaw_set(f, ERR_BAD_INPUT, (size_t)(root.p - body.p), "root", "base64",
				"the root is not base64 of 32 octets");
	memcpy(c.root.b, octets.p, MERKLE_HASH);
	*ret = c;
	return ERR_OK;
}

/* One "— name base64" line; ERR_NOT_FOUND when it is by another name or key. */
static enum err check_line(struct str line, struct str body, struct str name,
			   const unsigned char public_key[SIGN_PUBLIC], struct arena *a)
{
	unsigned char id[KEY_ID], sig[SIGN_SIGNATURE];
	struct str blob;
	if (!str_starts(line, STR("\xe2\x80\x94 "))) return ERR_BAD_INPUT;
	line = str_skip(line, 4);
	size_t blank = str_find(line, ' ');
	if (blank == line.n || !blank || base64_parse(a, str_skip(line, blank + 1), &blob) ||
	    blob.n <= KEY_ID)
		return ERR_BAD_INPUT;
	key_id(name, public_key, id);
	if (!str_eq(str_first(line, blank), name) || !str_eq(str_first(blob, KEY_ID), str_n(id, KEY_ID)))
		return ERR_NOT_FOUND;
	if (blob.n != KEY_ID + SIGN_SIGNATURE) return ERR_BAD_INPUT;
	memcpy(sig, blob.p + KEY_ID, sizeof sig);
	return sign_verify(public_key, "", body, sig);
}

static enum err verify(struct str note, const unsigned char public_key[SIGN_PUBLIC], struct arena *a,
		       struct flaw *f, struct checkpoint *ret)
{
	size_t gap = 0;
	while (gap + 1 < note.n && !(note.p[gap] == '\n' && note.p[gap + 1] == '\n')) gap++;
	if (gap + 2 >= note.n || note.p[note.n - 1] != '\n')
		return flaw_set(f, ERR_BAD_INPUT, note.n, "note", "signature-lines",
				"the note has no signature lines");
	struct str body = str_first(note, gap + 1), lines = str_skip(note, gap + 2), line;
	struct checkpoint c;
	enum err e = parse_body(body, a, f, &c), found = ERR_NOT_FOUND;
	lines.n--; /* the last line end */
	while (!e && str_split(&lines, '\n', &line)) {
		enum err one = check_line(line, body, c.origin, public_key, a);
		if (one == ERR_BAD_INPUT)
			return flaw_set(f, ERR_BAD_INPUT, (size_t)(line.p - note.p), "note",
					"signature-line", "a signature line is malformed");
		if (one != ERR_NOT_FOUND && found != ERR_OK) found = one;
	}
	if (e) return e;
	if (found)
		return flaw_set(f, ERR_BAD_SIGNATURE, gap + 2, "note", "signature",
				"no signature of that name and key verifies");
	*ret = c;
	return ERR_OK;
}

enum err checkpoint_verify(struct str note, const unsigned char public_key[32], struct flaw *f,
			   struct checkpoint *ret)
{
	struct arena *a = arena_new(NOTE_ARENA);
	if (!a) return ERR_NO_MEMORY;
	enum err e = verify(note, public_key, a, f, ret);
	arena_free(a);
	return e;
}
