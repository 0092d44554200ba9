/* kanhe audit --registry: entries of the registry's ledger, each proved to stand where it says in the tree
 * that the node's checkpoint signs. */
#include "tools/kanhe/audit.h"

#include "base/ledger.h"
#include "base/sign.h"
#include "base/text64.h"

enum { LIMIT_USUAL = 50, LIMIT_MAX = 1000, DIGEST = 64 /* digits; their beginning is shown */ };
#define HEX "0123456789abcdef"

struct log {
	struct cli *c;
	struct checkpoint tree;
};

static int bogus(const struct log *l, const char *what, uint64_t index)
{
	print_error(l->c, say(SAY_LEDGER_BOGUS), what, (unsigned long long)index);
	return CLI_BOGUS;
}

/* The newest tree, by the key that the node names. */
static int open_log(struct log *l)
{
	unsigned char key[SIGN_PUBLIC];
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct reply node, note;
	int status =
	    client_call(l->c, &(struct call){.method = "GET", .path = "/.well-known/kanhe-node"}, &node);
	if (!status)
		status = client_call(l->c,
				     &(struct call){.method = "GET",
						    .path = "/ledger/registry/checkpoint",
						    .accept = "text/plain"},
				     &note);
	if (status) return status;
	struct str text = json_text(json_array_get(json_object_get(node.json, "keys"), 0));
	if (sign_public_parse(text, key) || checkpoint_verify(note.body, key, &f, &l->tree))
		return bogus(l, "checkpoint", 0);
	return CLI_OK;
}

static bool octets_are(struct arena *a, const json_t *j, void *to, size_t n)
{
	struct str octets;
	bool good = !base64_parse(a, json_text(j), &octets) && octets.n == n;
	if (good) memcpy(to, octets.p, n);
	return good;
}

static bool proved(const struct log *l, const json_t *leaf, uint64_t index)
{
	unsigned char salt[LEDGER_SALT];
	struct merkle_proof proof = {.n = json_array_size(json_object_get(leaf, "proof"))};
	struct arena *a = l->c->arena;
	if (proof.n > MERKLE_PROOF_MAX || !octets_are(a, json_object_get(leaf, "salt"), salt, sizeof salt))
		return false;
	for (size_t i = 0; i < proof.n; i++)
		if (!octets_are(a, json_array_get(json_object_get(leaf, "proof"), i), proof.hash[i].b,
				MERKLE_HASH))
			return false;
	struct merkle_hash hash = ledger_leaf_hash(salt, json_text(json_object_get(leaf, "entry")));
	return !merkle_verify_inclusion(&hash, index, l->tree.size, &proof, &l->tree.root);
}

/* An entry that is proved; lives in the arena. */
static int read_entry(const struct log *l, uint64_t index, json_t **ret)
{
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct reply r;
	const char *path = client_path(l->c, "/ledger/registry/leaf/%llu?size=%llu",
				       (unsigned long long)index, (unsigned long long)l->tree.size);
	int status =
	    client_call(l->c, &(struct call){.method = "GET", .path = path, .token = "auditor"}, &r);
	if (status) return status;
	if (!json_object_get(r.json, "entry")) {
		print_error(l->c, "%s", say(SAY_LEDGER_CLOSED));
		return CLI_UNAUTHORISED;
	}
	if (!proved(l, r.json, index)) return bogus(l, "entry", index);
	return json_read_large(l->c->arena, json_text(json_object_get(r.json, "entry")), &f, ret)
		   ? bogus(l, "entry", index)
		   : CLI_OK;
}

/* The first entry at or after the time: entries stand in their order. */
static int first_since(const struct log *l, const char *since, uint64_t *ret)
{
	uint64_t low = 0, high = l->tree.size;
	usec_t from, at;
	json_t *entry;
	if (clock_parse(str_of(since), &from)) return usage_error(l->c, SAY_NOT_DATE, since);
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		int status = read_entry(l, middle, &entry);
		if (status) return status;
		if (clock_parse(str_of(text_of(entry, "time")), &at) || at < from)
			low = middle + 1;
		else
			high = middle;
	}
	*ret = low;
	return CLI_OK;
}

static void print_entry(uint64_t index, const json_t *entry)
{
	const char *key;
	json_t *v;
	printf("%6llu  %s  %-24s ", (unsigned long long)index, text_of(entry, "time"),
	       safe(text_of(entry, "kind")));
	print_safe(stdout, str_of(text_of(entry, "who")));
	json_object_foreach((json_t *)(uintptr_t)entry, key, v)
	{
		if (!strcmp(key, "time") || !strcmp(key, "kind") || !strcmp(key, "who")) continue;
		if (json_is_integer(v)) printf("  %s=%lld", safe(key), (long long)json_integer_value(v));
		if (!json_is_string(v)) continue;
		bool digest =
		    json_string_length(v) == DIGEST && strspn(json_string_value(v), HEX) == DIGEST;
		printf("  %s=", safe(key));
		print_safe(stdout, str_cut(json_text(v), digest ? 12 : 100));
	}
	putchar('\n');
}

static int list(const struct log *l, uint64_t from, uint64_t to)
{
	json_t *all = json_array(), *o = json_object(), *entry;
	int status = CLI_OK;
	json_keep(l->c->arena, o);
	json_put(o, "entries", all);
	json_put_u64(o, "size", l->tree.size);
	for (uint64_t i = from; i < to && !status; i++) {
		status = read_entry(l, i, &entry);
		if (status) break;
		if (!l->c->json) print_entry(i, entry);
		json_put_u64(entry, "index", i);
		json_array_append(all, entry);
	}
	if (status) return status;
	if (to < l->tree.size) json_put_u64(o, "next", to);
	if (l->c->json)
		print_json(o);
	else if (from >= to && !l->c->quiet)
		fputs(say(SAY_NOTHING_FOUND), stderr);
	else if (to < l->tree.size)
		printf(say(SAY_MORE_ENTRIES), arena_printf(l->c->arena, "%llu", (unsigned long long)to).p);
	return CLI_OK;
}

int audit_registry(struct cli *c, const struct audit_options *o)
{
	struct log l = {.c = c};
	uint64_t n = LIMIT_USUAL, from = 0;
	if (o->limit && (str_u64(str_of(o->limit), &n) || !n))
		return usage_error(c, SAY_NOT_FROM_ONE, o->limit);
	if (n > LIMIT_MAX) n = LIMIT_MAX; /* the cursor goes on */
	if (o->cursor && str_u64(str_of(o->cursor), &from))
		return usage_error(c, SAY_NOT_NUMBER, o->cursor);
	int status = open_log(&l);
	if (status) return status;
	if (!o->cursor && o->since)
		status = first_since(&l, o->since, &from);
	else if (!o->cursor)
		from = l.tree.size > n ? l.tree.size - n : 0; /* the newest */
	if (status) return status;
	uint64_t to = from < l.tree.size && l.tree.size - from > n ? from + n : l.tree.size;
	return list(&l, from, to);
}
