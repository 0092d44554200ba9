#include "resolver/dossier.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/ledger.h"
#include "base/text64.h"

static enum err bad(struct flaw *f, const char *at, const char *text)
{
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, "member", "%s %s", at, text);
}

static enum err false_word(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_SIGNATURE, FLAW_NO_OFFSET, at, rule, "%s", text);
}

static enum err read_octets(struct arena *a, struct str text, void *to, size_t n)
{
	struct str octets;
	enum err e = base64_parse(a, text, &octets);
	if (e || octets.n != n) return e == ERR_NO_MEMORY ? e : ERR_BAD_MESSAGE;
	memcpy(to, octets.p, n);
	return ERR_OK;
}

/* The checkpoint is of the ledger `registry` of the node that the dossier names. */
static enum err check_checkpoint(struct arena *a, json_t *j, const struct dossier *d, struct flaw *f,
				 struct checkpoint *ret)
{
	struct str note;
	enum err e = json_str(j, "", "checkpoint", f, &note);
	if (e) return e;
	if (checkpoint_verify(note, d->key, f, ret))
		return false_word(f, "checkpoint", "checkpoint",
				  "the checkpoint is not signed by the node's key");
	struct str name = str_starts(d->node, STR("did:web:")) ? str_skip(d->node, 8) : STR_NONE;
	struct str origin = arena_printf(a, "%.*s/registry", STR_ARG(name));
	if (!origin.p) return ERR_NO_MEMORY;
	return str_eq(origin, ret->origin)
		   ? ERR_OK
		   : false_word(f, "checkpoint", "checkpoint", "the checkpoint is of another ledger");
}

static enum err read_proof(struct arena *a, json_t *list, struct merkle_proof *ret)
{
	size_t i;
	json_t *one;
	ret->n = 0;
	if (!json_is_array(list) || json_array_size(list) > MERKLE_PROOF_MAX) return ERR_BAD_MESSAGE;
	json_array_foreach(list, i, one)
	{
		enum err e = read_octets(a, json_text(one), ret->hash[i].b, MERKLE_HASH);
		if (e) return e;
		ret->n++;
	}
	return ERR_OK;
}

/* What the entries say, each once it is proved. */
struct story {
	struct dossier *d;
	char row[2 * HASH_SHA256]; /* digest of the row, in hexadecimal */
	bool row_told, exported;
	uint64_t last;
};

static enum err read_file(json_t *entry, const char *lines, const char *sha256, struct flaw *f,
			  struct enterprise_file *ret)
{
	struct str hex;
	enum err e = json_u64(entry, "entry", lines, f, &ret->lines);
	if (!e) e = json_str(entry, "entry", sha256, f, &hex);
	if (!e && hex_parse(hex, ret->sha256, sizeof ret->sha256)) e = bad(f, sha256, "is no SHA-256");
	return e;
}

static enum err take_entry(struct arena *a, struct story *s, struct str text, struct flaw *f)
{
	struct dossier *d = s->d;
	json_t *entry;
	if (json_read(a, text, NULL, &entry) || !json_is_object(entry))
		return bad(f, "entry", "is no JSON");
	if (!str_eq(json_text(json_object_get(entry, "code")), enterprise_code(&d->x)))
		return false_word(f, "entries", "proof", "an entry is about another enterprise");
	struct str digest = json_text(json_object_get(entry, "digest"));
	/* the last one that tells of the row is the one that counts */
	if (digest.n) s->row_told = str_eq(digest, str_n(s->row, sizeof s->row));
	s->exported = str_is(json_text(json_object_get(entry, "kind")), "enterprise.exported");
	if (!s->exported) return ERR_OK;
	enum err e = read_file(entry, "records", "records_sha256", f, &d->records);
	if (!e) e = read_file(entry, "templates", "templates_sha256", f, &d->templates);
	d->exported = arena_dup(a, json_text(json_object_get(entry, "time")));
	return e ? e : d->exported.p ? ERR_OK : ERR_NO_MEMORY;
}

static enum err check_entry(struct arena *a, json_t *j, const struct checkpoint *cp, struct story *s,
			    struct flaw *f)
{
	unsigned char salt[LEDGER_SALT];
	struct merkle_proof proof;
	struct str entry;
	uint64_t index;
	enum err e = json_is_object(j) ? json_u64(j, "entries", "index", f, &index)
				       : bad(f, "entries", "has what is no object");
	if (!e) e = json_str(j, "entries", "entry", f, &entry);
	if (e) return e;
	e = read_octets(a, json_text(json_object_get(j, "salt")), salt, sizeof salt);
	if (!e) e = read_proof(a, json_object_get(j, "proof"), &proof);
	if (e) return e == ERR_NO_MEMORY ? e : bad(f, "entries", "has a malformed salt or proof");
	struct merkle_hash leaf = ledger_leaf_hash(salt, entry);
	if ((s->d->entries && index <= s->last) ||
	    merkle_verify_inclusion(&leaf, index, cp->size, &proof, &cp->root))
		return false_word(f, "entries", "proof", "an entry does not stand where it says it does");
	s->last = index;
	s->d->entries++;
	return take_entry(a, s, entry, f);
}

/* What people read in the dossier: as the row, which the ledger vouches for, has it. */
static enum err check_told(struct arena *a, json_t *j, const struct dossier *d, struct flaw *f)
{
	static const char other[] = "the enterprise is not as its row has it";
	const json_t *told = json_object_get(j, "enterprise"), *contact = json_object_get(told, "contact");
	const struct {
		const char *at;
		const json_t *of;
		const char *key;
		struct str is;
	} texts[] = {
	    {"enterprise.code", told, "code", enterprise_code(&d->x)},
	    {"enterprise.name", told, "name", d->x.name},
	    {"enterprise.review", told, "review", d->x.review},
	    {"enterprise.contact.person", contact, "person", d->x.person},
	    {"enterprise.contact.phone", contact, "phone", d->x.phone},
	    {"enterprise.contact.email", contact, "email", d->x.email},
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (!str_eq(json_text(json_object_get(texts[i].of, texts[i].key)), texts[i].is))
			return false_word(f, texts[i].at, "row", other);
	const json_t *prefixes = json_object_get(told, "prefixes");
	enum err e = ERR_OK;
	bool same = json_array_size(prefixes) == d->x.prefixes_n;
	for (size_t i = 0; !e && same && i < d->x.prefixes_n; i++) {
		struct id_prefix p;
		e = id_prefix_from_key(a, d->x.prefixes[i], NULL, &p);
		same = !e && str_eq(p.text, json_text(json_array_get(prefixes, i)));
	}
	if (e == ERR_NO_MEMORY) return e;
	return same ? ERR_OK : false_word(f, "enterprise.prefixes", "row", other);
}

static enum err read_head(struct arena *a, json_t *j, const unsigned char *pin, struct flaw *f,
			  struct dossier *d, struct str *ret_row)
{
	struct str code, key, row;
	uint64_t version;
	enum err e = json_u64(j, "", "version", f, &version);
	if (!e && version != 1) e = bad(f, "version", "is not 1");
	if (!e) e = json_str(j, "", "code", f, &code);
	if (!e) e = json_str(j, "", "node", f, &d->node);
	if (!e) e = json_str(j, "", "key", f, &key);
	if (!e) e = json_str(j, "", "row", f, &row);
	if (e) return e;
	if (sign_public_parse(key, d->key)) return bad(f, "key", "is no Ed25519 key");
	if (pin && memcmp(pin, d->key, sizeof d->key) != 0)
		return false_word(f, "key", "key", "the dossier names another key than the node has");
	e = base64_parse(a, row, ret_row);
	if (!e) e = enterprise_unpack(code, *ret_row, &d->x);
	if (!e) return check_told(a, j, d, f);
	return e == ERR_NO_MEMORY ? e : bad(f, "row", "is no row of an enterprise");
}

enum err dossier_verify(struct arena *a, struct str text, const unsigned char *pin, struct flaw *f,
			struct dossier *ret)
{
	struct dossier d = {.entries = 0};
	struct story s = {.d = &d};
	unsigned char digest[HASH_SHA256];
	struct checkpoint cp;
	struct str row;
	json_t *j, *list, *one;
	size_t i;
	enum err e = json_read_large(a, text, f, &j);
	if (!e && !json_is_object(j)) e = bad(f, "", "the dossier is no object");
	if (!e) e = read_head(a, j, pin, f, &d, &row);
	if (!e) e = check_checkpoint(a, j, &d, f, &cp);
	if (!e) e = json_arr(j, "", "entries", f, &list);
	if (e) return e;
	hash_sha256(row, digest);
	hex_write(digest, sizeof digest, s.row);
	json_array_foreach(list, i, one)
	{
		e = check_entry(a, one, &cp, &s, f);
		if (e) return e;
	}
	if (!s.row_told)
		return false_word(f, "row", "row", "the enterprise is not as its last entry says it is");
	if (!s.exported)
		return false_word(f, "entries", "exported",
				  "the last entry does not tell what was written down");
	d.tree_size = cp.size;
	*ret = d;
	return ERR_OK;
}
