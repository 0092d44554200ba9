#include "net/ledger_face.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/text64.h"
#include "net/access.h"
#include "net/shard.h"

enum { PATTERN_MAX = 64, ROUTES = 3 };

struct ledger_face {
	const struct ledger *ledger;
	ledger_face_txn_fn *txn;
	const struct sign_key *key;
	char pattern[ROUTES][PATTERN_MAX];
	struct net_route rows[ROUTES];
	struct net_routes table;
};

static void put_octets(json_t *obj, const char *key, struct arena *a, const void *p, size_t n)
{
	json_put_str(obj, key, base64_write(a, str_n(p, n)));
}

static void put_proof(json_t *obj, struct arena *a, const struct merkle_proof *p)
{
	json_t *list = json_array();

	must(list);
	for (size_t i = 0; i < p->n; i++) {
		struct str s = base64_write(a, str_n(p->hash[i].b, MERKLE_HASH));
		must(json_array_append_new(list, json_stringn(s.p ? s.p : "", s.n)) == 0);
	}
	json_put(obj, "proof", list);
}

/* The query parameter, at most max; max when it is absent. */
static enum err query_size(struct net_req *r, const char *name, uint64_t max, uint64_t *ret, struct flaw *f)
{
	struct str text;

	*ret = max;
	if (!net_query(r, name, &text)) return ERR_OK;
	if (str_u64(text, ret) || *ret > max)
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, name, "tree-size",
				"the tree has %llu entries", (unsigned long long)max);
	return ERR_OK;
}

static void answer(struct net_req *r, json_t *out, enum err e, const struct flaw *f)
{
	struct str body = e ? STR_NONE : json_write(r->arena, out, false);

	if (!e && body.p)
		net_reply(r, 200, "application/json", body);
	else
		net_reply_err(r, e ? e : ERR_NO_MEMORY, f->err ? f : NULL);
}

/* ---- routes ---- */

static void on_checkpoint(struct net_req *r)
{
	const struct ledger_face *face = net_ctx(r);
	struct str note;
	enum err e = ledger_checkpoint(face->ledger, face->txn(r->shard), face->key, r->arena, &note);

	if (e)
		net_reply_err(r, e, NULL);
	else
		net_reply(r, 200, "text/plain; charset=utf-8", note);
}

/* The route is everybody's; what salts and entries say is not. */
static bool sees_entries(struct net_req *r)
{
	static const struct net_route entries = {.roles = ROLE_AUDITOR | ROLE_OPERATOR};
	const struct net_hooks *hooks = &r->shard->options->hooks;
	const struct net_route *route = r->route;
	struct flaw f;
	bool may;

	if (!hooks->guard) return false;
	r->route = &entries;
	may = hooks->guard(hooks->ctx, r, &f) == ERR_OK;
	r->route = route;
	return may;
}

static enum err leaf_read(struct net_req *r, json_t *out, struct flaw *f)
{
	const struct ledger_face *face = net_ctx(r);
	struct store_txn *t = face->txn(r->shard);
	struct ledger_leaf leaf;
	struct merkle_proof proof;
	struct merkle_hash root, hash;
	uint64_t index, size, now = ledger_size(t);
	enum err e = str_u64(r->param[0], &index) ? ERR_NOT_FOUND : query_size(r, "size", now, &size, f);

	if (!e) e = ledger_read(t, index, &leaf);
	if (!e) e = ledger_prove(t, index, size, &proof);
	if (e) return e;
	hash = ledger_leaf_hash(leaf.salt, leaf.entry);
	json_put_u64(out, "index", index);
	json_put_u64(out, "size", size);
	put_octets(out, "leaf_hash", r->arena, hash.b, MERKLE_HASH);
	put_proof(out, r->arena, &proof);
	if (size == now) {
		e = ledger_root(t, &root);
		if (e) return e;
		put_octets(out, "root", r->arena, root.b, MERKLE_HASH);
	}
	if (!sees_entries(r)) return ERR_OK;
	put_octets(out, "salt", r->arena, leaf.salt, LEDGER_SALT);
	json_put_str(out, "entry", leaf.entry);
	return ERR_OK;
}

static void on_leaf(struct net_req *r)
{
	json_t *out = json_keep(r->arena, json_object());
	struct flaw f = {0};
	enum err e = out ? leaf_read(r, out, &f) : ERR_NO_MEMORY;

	answer(r, out, e, &f);
}

static void on_consistency(struct net_req *r)
{
	const struct ledger_face *face = net_ctx(r);
	struct store_txn *t = face->txn(r->shard);
	json_t *out = json_keep(r->arena, json_object());
	struct merkle_proof proof;
	struct flaw f = {0};
	uint64_t from, to;
	enum err e = out ? query_size(r, "to", ledger_size(t), &to, &f) : ERR_NO_MEMORY;

	if (!e) e = query_size(r, "from", to, &from, &f);
	if (!e) e = ledger_prove_consistency(t, from, to, &proof);
	if (!e) {
		json_put_u64(out, "from", from);
		json_put_u64(out, "to", to);
		put_proof(out, r->arena, &proof);
	}
	answer(r, out, e, &f);
}

/* ---- life ---- */

enum err ledger_face_open(const char *name, const struct ledger *l, ledger_face_txn_fn *txn,
			  const struct sign_key *key, struct ledger_face **ret)
{
	static const struct {
		const char *path;
		net_handler_fn *fn;
		const char *summary;
	} routes[ROUTES] = {
	    {"checkpoint", on_checkpoint, "the ledger's signed checkpoint"},
	    {"leaf/{n}", on_leaf, "a leaf with its inclusion proof; its entry for auditors and operators"},
	    {"consistency", on_consistency, "proof that a later tree contains an earlier one"},
	};
	struct ledger_face *face = calloc(1, sizeof *face);

	if (!face) return ERR_NO_MEMORY;
	face->ledger = l;
	face->txn = txn;
	face->key = key;
	for (size_t i = 0; i < ROUTES; i++) {
		int n = snprintf(face->pattern[i], PATTERN_MAX, "/ledger/%s/%s", name, routes[i].path);

		must(n > 0 && n < PATTERN_MAX);
		face->rows[i] = (struct net_route){.method = NET_GET,
						   .pattern = face->pattern[i],
						   .handler = routes[i].fn,
						   .summary = routes[i].summary};
	}
	face->table = (struct net_routes){face->rows, ROUTES, face};
	*ret = face;
	return ERR_OK;
}

const struct net_routes *ledger_face_routes(const struct ledger_face *f)
{
	return &f->table;
}

void ledger_face_close(struct ledger_face *f)
{
	free(f);
}
