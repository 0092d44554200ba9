/* Private keys at rest.
 *
 * Unlock file: 32 random octets, nothing else.
 *
 * Key file, text in ASCII, each line ended by LF, nothing before, between or after:
 *
 *   kanhe-key-v1
 *   public z6Mk…                    multibase of the multicodec Ed25519 key
 *   lock unlock-file | lock passphrase 2 67108864       Argon2id passes, octets of memory
 *   salt <22 base64url characters>  16 random octets
 *   sealed <96 base64url characters>  72 octets: nonce (24) ‖ encrypted seed (32) ‖ tag (16)
 *
 * Sealed by XChaCha20-Poly1305; the additional data is the text before "sealed". Its key:
 *   unlock-file  keyed BLAKE2b-256 (key: the unlock file's octets) of "kanhe-key-v1" 0x00 ‖ salt;
 *                a random secret needs no slow hash, and a daemon starts in milliseconds
 *   passphrase   Argon2id version 1.3 of the passphrase with the salt
 *
 * A key sealed for a table is the same 72 octets with the additional data "kanhe-sealed-key-v1". The
 * sealer's key is derived once, in the same two ways, from the fixed salt "kanhe-table-keys" (16
 * octets): a passphrase is then as good as it is by itself, so daemons use unlock files. */
#include "base/sign.h"

#include <stdlib.h>

#include <sodium.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/sign_secret.h"
#include "base/text64.h"

enum {
	UNLOCK = 32,
	SALT = 16,
	NONCE = 24,
	TAG = 16,
	SEALED = SIGN_SEED + SIGN_SEAL,
	FILE_MAX = 1024,      /* octets of a key file: four short lines and 96 characters */
	PASSES_MAX = 16,      /* of Argon2id: a file that asks for more only holds us up */
	MEMORY_MAX = 1 << 30, /* octets for Argon2id: the same */
	PASSPHRASE_MAX = 4096 /* octets */
};

_Static_assert(NONCE + TAG == SIGN_SEAL && NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
		   TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES && SALT == crypto_pwhash_SALTBYTES,
	       "the format is what libsodium makes");

#define MAGIC "kanhe-key-v1"
#define SEAL_DATA "kanhe-sealed-key-v1"
#define SEALER_SALT "kanhe-table-keys"

struct sign_sealer {
	unsigned char *key; /* sodium_malloc */
};

/* How a key is derived, as the file says it. */
struct derivation {
	bool passphrase;
	uint64_t passes, memory;
	unsigned char salt[SALT];
};

static enum err refuse(struct flaw *f, const char *path, const char *rule, const char *why)
{
	return flaw_set(f, ERR_BAD_KEY, FLAW_NO_OFFSET, path, rule, "%s: %s", path, why);
}

enum err sign_unlock_file_make(const char *path, struct flaw *f)
{
	unsigned char secret[UNLOCK];
	random_bytes(secret, sizeof secret);
	enum err e = file_create(path, 0600, str_n(secret, sizeof secret), f);
	sodium_memzero(secret, sizeof secret);
	return e;
}

static enum err derive_unlock(const struct derivation *d, const char *path, struct flaw *f,
			      unsigned char *key)
{
	unsigned char *secret = sodium_malloc(UNLOCK), text[sizeof MAGIC + SALT];
	size_t n = 0;
	if (!secret) return ERR_NO_MEMORY;
	enum err e = file_read_private(path, FILE_SECRET, f, secret, UNLOCK, &n);
	if (!e && n != UNLOCK) e = refuse(f, path, "size", "is not an unlock file: 32 octets");
	if (!e) {
		memcpy(text, MAGIC, sizeof MAGIC); /* with its NUL */
		memcpy(text + sizeof MAGIC, d->salt, SALT);
		must(crypto_generichash(key, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, text, sizeof text,
					secret, UNLOCK) == 0);
	}
	sodium_free(secret);
	return e;
}

/* A new sodium_malloc key in *ret, to be freed with sodium_free. */
static enum err derive(const struct derivation *d, const struct sign_lock *l, struct flaw *f,
		       unsigned char **ret)
{
	enum { KEY = crypto_aead_xchacha20poly1305_ietf_KEYBYTES };
	if (l->passphrase.n > PASSPHRASE_MAX)
		return refuse(f, "passphrase", "size", "is longer than 4,096 octets");
	unsigned char *key = sodium_malloc(KEY);
	if (!key) return ERR_NO_MEMORY;
	enum err e = ERR_OK;
	if (!d->passphrase)
		e = derive_unlock(d, l->unlock_file, f, key);
	else if (crypto_pwhash(key, KEY, l->passphrase.p, l->passphrase.n, d->salt, d->passes,
			       (size_t)d->memory, crypto_pwhash_ALG_ARGON2ID13))
		e = ERR_NO_MEMORY;
	if (e)
		sodium_free(key);
	else
		*ret = key;
	return e;
}

static struct derivation derivation_of(const struct sign_lock *l)
{
	must(!l->unlock_file != !l->passphrase.n);
	return (struct derivation){.passphrase = !l->unlock_file,
				   .passes = crypto_pwhash_OPSLIMIT_INTERACTIVE,
				   .memory = crypto_pwhash_MEMLIMIT_INTERACTIVE};
}

static void seal(const unsigned char *key, struct str data, const unsigned char secret[SIGN_SEED],
		 unsigned char out[SEALED])
{
	random_bytes(out, NONCE);
	must(crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE, NULL, secret, SIGN_SEED,
							(const unsigned char *)data.p, data.n, NULL, out,
							key) == 0);
}

static enum err unseal(const unsigned char *key, struct str data, struct str sealed,
		       unsigned char secret[SIGN_SEED])
{
	if (sealed.n != SEALED) return ERR_BAD_KEY;
	const unsigned char *in = (const unsigned char *)sealed.p;
	return crypto_aead_xchacha20poly1305_ietf_decrypt(secret, NULL, NULL, in + NONCE, SIGN_SEED + TAG,
							  (const unsigned char *)data.p, data.n, in,
							  key) == 0
		   ? ERR_OK
		   : ERR_BAD_KEY;
}

static enum err unseal_key(const unsigned char *key, struct str data, struct str sealed,
			   struct sign_key **ret)
{
	unsigned char *seed = sodium_malloc(SIGN_SEED);
	enum err e = seed ? unseal(key, data, sealed, seed) : ERR_NO_MEMORY;
	if (!e) {
		struct sign_key *k = sign_key_from_seed(seed);
		e = k ? ERR_OK : ERR_NO_MEMORY;
		if (k) *ret = k;
	}
	sodium_free(seed);
	return e;
}

/* The text before "sealed". */
static struct str head_write(struct arena *a, const struct sign_key *k, const struct derivation *d)
{
	char public[SIGN_MULTIBASE];
	sign_public_multibase(k->pub, public);
	struct str lock = STR("unlock-file");
	if (d->passphrase)
		lock = arena_printf(a, "passphrase %llu %llu", (unsigned long long)d->passes,
				    (unsigned long long)d->memory);
	struct str salt = base64url_write(a, str_n(d->salt, SALT));
	return arena_printf(a, MAGIC "\npublic %s\nlock %.*s\nsalt %.*s\n", public, STR_ARG(lock),
			    STR_ARG(salt));
}

static enum err save(struct arena *a, const struct sign_key *k, const char *path, const struct sign_lock *l,
		     struct flaw *f)
{
	unsigned char *key, sealed[SEALED];
	struct derivation d = derivation_of(l);
	random_bytes(d.salt, SALT);
	enum err e = derive(&d, l, f, &key);
	if (e) return e;
	struct str head = head_write(a, k, &d);
	seal(key, head, k->secret, sealed);
	sodium_free(key);
	struct str text = base64url_write(a, str_n(sealed, SEALED));
	text = arena_printf(a, "%.*ssealed %.*s\n", STR_ARG(head), STR_ARG(text));
	if (arena_overflowed(a)) return ERR_NO_MEMORY;
	return file_create(path, 0600, text, f);
}

enum err sign_key_save(const struct sign_key *k, const char *path, const struct sign_lock *l,
		       struct flaw *f)
{
	struct arena *a = arena_new(4 * FILE_MAX);
	if (!a) return ERR_NO_MEMORY;
	enum err e = save(a, k, path, l, f);
	arena_free(a);
	return e;
}

static bool take_line(struct str *rest, struct str name, struct str *ret)
{
	size_t n = str_find(*rest, '\n');
	if (n == rest->n || !str_starts(*rest, name)) return false;
	*ret = str_skip(str_first(*rest, n), name.n);
	*rest = str_skip(*rest, n + 1);
	return true;
}

static bool lock_parse(struct str s, struct derivation *d)
{
	struct str passes, memory;
	d->passphrase = !str_is(s, "unlock-file");
	if (!d->passphrase) return true;
	if (!str_starts(s, STR("passphrase "))) return false;
	s = str_skip(s, 11);
	return str_split(&s, ' ', &passes) && str_split(&s, ' ', &memory) && !s.p &&
	       !str_u64(passes, &d->passes) && !str_u64(memory, &d->memory) && d->passes >= 1 &&
	       d->passes <= PASSES_MAX && d->memory >= crypto_pwhash_MEMLIMIT_MIN &&
	       d->memory <= MEMORY_MAX;
}

struct keyfile {
	unsigned char pub[SIGN_PUBLIC];
	struct derivation d;
	struct str head, sealed;
};

static bool keyfile_parse(struct arena *a, struct str text, struct keyfile *ret)
{
	struct str rest = text, line, salt;
	if (!take_line(&rest, STR(MAGIC), &line) || line.n) return false;
	if (!take_line(&rest, STR("public "), &line) || sign_public_parse(line, ret->pub)) return false;
	if (!take_line(&rest, STR("lock "), &line) || !lock_parse(line, &ret->d)) return false;
	if (!take_line(&rest, STR("salt "), &line) || base64url_parse(a, line, &salt) || salt.n != SALT)
		return false;
	memcpy(ret->d.salt, salt.p, SALT);
	ret->head = str_first(text, text.n - rest.n);
	if (!take_line(&rest, STR("sealed "), &line) || rest.n) return false;
	return !base64url_parse(a, line, &ret->sealed) && ret->sealed.n == SEALED;
}

static enum err load(struct arena *a, const char *path, const struct sign_lock *l, struct flaw *f,
		     struct sign_key **ret)
{
	struct keyfile file = {0};
	unsigned char *key;
	struct sign_key *k = NULL;
	size_t n;
	char *text = arena_bytes(a, FILE_MAX);
	if (!text) return ERR_NO_MEMORY;
	enum err e = file_read_private(path, FILE_OWN, f, text, FILE_MAX, &n);
	if (e) return e;
	if (!keyfile_parse(a, str_n(text, n), &file))
		return refuse(f, path, "format", "is not a key file of this version, or is damaged");
	if (file.d.passphrase != derivation_of(l).passphrase)
		return refuse(f, path, "lock",
			      file.d.passphrase ? "is locked by a passphrase"
						: "is locked by an unlock file");
	e = derive(&file.d, l, f, &key);
	if (e) return e;
	e = unseal_key(key, file.head, file.sealed, &k);
	sodium_free(key);
	if (e == ERR_BAD_KEY) return refuse(f, path, "secret", "another secret locks it, or it is damaged");
	if (e) return e;
	/* authenticated, so it can only differ when whoever sealed it was wrong */
	if (memcmp(k->pub, file.pub, SIGN_PUBLIC) != 0) {
		sign_key_free(k);
		return refuse(f, path, "public", "the public key is not the private key's");
	}
	*ret = k;
	return ERR_OK;
}

enum err sign_key_load(const char *path, const struct sign_lock *l, struct flaw *f, struct sign_key **ret)
{
	struct arena *a = arena_new(4 * FILE_MAX);
	if (!a) return ERR_NO_MEMORY;
	enum err e = load(a, path, l, f, ret);
	arena_free(a);
	return e;
}

enum err sign_sealer_open(const struct sign_lock *l, struct flaw *f, struct sign_sealer **ret)
{
	struct derivation d = derivation_of(l);
	memcpy(d.salt, SEALER_SALT, SALT);
	struct sign_sealer *s = calloc(1, sizeof *s);
	if (!s) return ERR_NO_MEMORY;
	enum err e = derive(&d, l, f, &s->key);
	if (e) {
		free(s);
		return e;
	}
	sodium_mprotect_readonly(s->key);
	*ret = s;
	return ERR_OK;
}

void sign_sealer_close(struct sign_sealer *s)
{
	if (!s) return;
	sodium_free(s->key);
	free(s);
}

void sign_key_seal(const struct sign_sealer *s, const struct sign_key *k, unsigned char out[32 + SIGN_SEAL])
{
	seal(s->key, STR(SEAL_DATA), k->secret, out);
}

enum err sign_key_unseal(const struct sign_sealer *s, struct str sealed, struct sign_key **ret)
{
	return unseal_key(s->key, STR(SEAL_DATA), sealed, ret);
}

void sign__seal(const struct sign_sealer *s, struct str data, const unsigned char secret[SIGN_SEED],
		unsigned char out[SEALED])
{
	seal(s->key, data, secret, out);
}

enum err sign__unseal(const struct sign_sealer *s, struct str data, struct str sealed,
		      unsigned char secret[SIGN_SEED])
{
	return unseal(s->key, data, sealed, secret);
}
