/* What the checks of all parts of a proof bundle need: a report, and whether an entry of the ledger stands
 * where the bundle says it does. */
#include "dataspace/bundle_checking.h"

#include "base/text64.h"

bool bundle_note(struct bundle_checking *k, bool ok, struct str name, const char *fmt, ...)
{
	struct bundle_report *r = k->r;
	va_list ap;

	if (!ok) r->ok = false;
	/* the last line is kept for what failed */
	if (r->checks_n == BUNDLE_CHECKS_MAX || (ok && r->checks_n == BUNDLE_CHECKS_MAX - 1)) return ok;
	struct bundle_check *c = &r->check[r->checks_n++];
	c->ok = ok;
	c->name = arena_dup(k->a, name);
	va_start(ap, fmt);
	c->detail = arena_vprintf(k->a, fmt, ap);
	va_end(ap);
	return ok;
}

static bool octets_read(struct bundle_checking *k, const json_t *v, void *out, size_t n)
{
	struct str o;

	if (base64_parse(k->a, json_text(v), &o) || o.n != n) return false;
	memcpy(out, o.p, n);
	return true;
}

static bool proof_read(struct bundle_checking *k, const json_t *list, struct merkle_proof *ret)
{
	ret->n = json_array_size(list);
	if (!json_is_array(list) || ret->n > MERKLE_PROOF_MAX) return false;
	for (size_t i = 0; i < ret->n; i++)
		if (!octets_read(k, json_array_get(list, i), ret->hash[i].b, MERKLE_HASH)) return false;
	return true;
}

/* NULL: it stands where it says it does; else what is wrong. */
const char *bundle_place_wrong(struct bundle_checking *k, const json_t *j, int64_t *last)
{
	json_t *entry = json_object_get(j, "entry"), *index = json_object_get(j, "index");
	unsigned char salt[LEDGER_SALT];
	struct merkle_proof proof;
	struct merkle_hash leaf;
	struct buf b = BUF_INIT(LEDGER_ENTRY_MAX);
	bool canonical;

	if (!json_is_object(entry) || !json_is_integer(index) || json_integer_value(index) <= *last)
		return "the entries are not in ascending order";
	*last = json_integer_value(index);
	if (!str_eq(bundle_text(entry, "participant"), k->participant))
		return "it belongs to another participant";
	if (!octets_read(k, json_object_get(j, "salt"), salt, sizeof salt) ||
	    !proof_read(k, json_object_get(j, "proof"), &proof))
		return "salt or proof is malformed";
	canonical = !json_jcs(entry, &b) && !buf_err(&b);
	if (canonical) leaf = ledger_leaf_hash(salt, buf_str(&b));
	buf_done(&b);
	if (!canonical) return "it has no canonical form";
	if (merkle_verify_inclusion(&leaf, (uint64_t)*last, k->tree.size, &proof, &k->tree.root))
		return "the inclusion proof does not lead to the checkpoint";
	return NULL;
}
