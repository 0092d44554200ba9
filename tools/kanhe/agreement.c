/* kanhe agreement show, verify: what of an agreement is proven, and by whom. */
#include "tools/kanhe/client.h"

#include <unistd.h>

#include "base/proof.h"
#include "dataspace/bundle.h"
#include "dataspace/evidence_check.h"

enum { AGREEMENT_FILE_MAX = BUNDLE_SIZE_MAX, PROOFS_MAX = 8 };

/* One party and what its proof says. */
struct standing {
	const char *party, *did; /* "provider", "consumer" */
	const char *method;      /* NULL: it has not signed */
	enum err err;            /* of its proof */
};

static const json_t *proof_at(const json_t *proof, size_t i)
{
	if (json_is_array(proof)) return json_array_get(proof, i);
	return i == 0 && json_is_object(proof) ? proof : NULL;
}

/* Only a method "<did>#…" speaks for that DID. */
static bool method_of(const char *method, const char *did)
{
	size_t n = strlen(did);

	return n && strncmp(method, did, n) == 0 && method[n] == '#';
}

/* doc: the signed document; keys: verification method → key, as stored when the proof was accepted. */
static void stand(const json_t *doc, const json_t *keys, struct standing *s)
{
	const json_t *p;
	unsigned char pub[SIGN_PUBLIC];

	for (size_t i = 0; i < PROOFS_MAX && (p = proof_at(json_object_get(doc, "proof"), i)); i++) {
		const char *method = text_of(p, "verificationMethod");

		if (!method_of(method, s->did)) continue;
		s->method = method;
		s->err = sign_public_parse(str_of(text_of(keys, method)), pub)
			     ? ERR_BAD_SIGNATURE
			     : proof_verify(doc, method, pub, NULL);
		if (s->err) return;
	}
}

static void print_standing(const struct standing *s, const json_t *keys)
{
	enum say text = !s->method ? SAY_AGREEMENT_UNSIGNED
			: s->err   ? SAY_AGREEMENT_FALSE
				   : SAY_AGREEMENT_PROVEN;

	printf("%s %s ",
	       s->method && !s->err ? "✓"
	       : s->method          ? "✗"
				    : "–",
	       say(strcmp(s->party, "provider") ? SAY_AGREEMENT_CONSUMER : SAY_AGREEMENT_PROVIDER));
	print_safe(stdout, str_of(s->did));
	printf(": %s\n", say(text));
	if (!s->method) return;
	printf("    ");
	print_safe(stdout, str_of(s->method));
	printf("  ");
	print_safe(stdout, str_of(text_of(keys, s->method)));
	putchar('\n');
}

static json_t *standing_json(const struct standing *s, const json_t *keys)
{
	json_t *o = json_object();

	json_put_str(o, "party", str_of(s->party));
	json_put_str(o, "did", str_of(s->did));
	json_put(o, "signed", json_boolean(s->method != NULL));
	json_put(o, "verified", json_boolean(s->method && !s->err));
	if (s->method) {
		json_put_str(o, "method", str_of(s->method));
		json_put_str(o, "key", str_of(text_of(keys, s->method)));
	}
	return o;
}

/* How it is known who sent it: no more than is so. */
static enum say evidence_how(const struct evidence_report *r)
{
	if (r->token) return SAY_EVIDENCE_TOKEN;
	if (str_is(r->by, "tls")) return SAY_EVIDENCE_TLS;
	return str_is(r->by, "test") ? SAY_EVIDENCE_TEST : SAY_EVIDENCE_UNKEPT;
}

static void print_evidence(const struct evidence_report *r)
{
	printf("  %s ", r->wrong ? "✗" : r->token ? "·" : "–");
	print_safe(stdout, r->time);
	printf("  ");
	print_safe(stdout, r->type);
	printf("  ");
	print_safe(stdout, r->digest);
	printf("\n      ");
	if (r->wrong)
		print_said(stdout, r->wrong);
	else
		printf("%s", say(evidence_how(r)));
	if (!r->wrong && r->method.n) {
		printf(" (");
		print_safe(stdout, r->by);
		printf(": ");
		print_safe(stdout, r->method);
		putchar(')');
	}
	putchar('\n');
}

static json_t *evidence_json(const struct evidence_report *r)
{
	json_t *o = json_object();

	json_put_str(o, "type", r->type);
	json_put_str(o, "time", r->time);
	json_put_str(o, "from", r->from);
	json_put_str(o, "by", r->by);
	json_put_str(o, "message", r->digest);
	json_put(o, "kept", json_boolean(r->octets.p != NULL));
	json_put(o, "token_verified", json_boolean(r->token));
	if (r->wrong) json_put_str(o, "wrong", str_of(r->wrong));
	return o;
}

/* Which messages are printed: of a partner that has signed the agreement, only what does not fit. */
enum evidence_which { EVIDENCE_ALL, EVIDENCE_WRONG };

/* Prints the partner's messages, or appends them to list. false: one does not fit. */
static bool evidence_tell(struct cli *c, const json_t *a, enum evidence_which which, json_t *list)
{
	const json_t *all = json_object_get(a, "evidence"), *item;
	struct str peer = str_of(text_of(a, "peer")), own = str_of(text_of(a, text_of(a, "role")));
	bool good = true, titled = false;
	struct evidence_report r;
	size_t i;

	json_array_foreach(all, i, item)
	{
		bool fits = !evidence_check(c->arena, item, peer, own, &r);

		good = good && fits;
		if (list) json_array_append_new(list, evidence_json(&r));
		if (list || (fits && which == EVIDENCE_WRONG)) continue;
		if (!titled) printf(say(SAY_EVIDENCE_OF), json_array_size(all), safe(text_of(a, "peer")));
		titled = true;
		print_evidence(&r);
	}
	if (titled) printf("  %s\n", say(SAY_EVIDENCE_LIMIT));
	return good;
}

static int verify(struct cli *c, const json_t *a)
{
	const json_t *doc = json_object_get(a, "agreement"), *keys = json_object_get(a, "keys");
	struct standing s[2] = {{.party = "provider", .did = text_of(doc, "assigner")},
				{.party = "consumer", .did = text_of(doc, "assignee")}};
	bool bad = false, whole = true, nobody = true, unlike;
	json_t *o, *parties, *sent;

	for (size_t i = 0; i < 2; i++) {
		stand(doc, keys, &s[i]);
		bad = bad || s[i].err;
		whole = whole && s[i].method && !s[i].err;
		nobody = nobody && !s[i].method;
	}
	if (!c->json) {
		for (size_t i = 0; i < 2; i++) print_standing(&s[i], keys);
		unlike = !evidence_tell(c, a, whole ? EVIDENCE_WRONG : EVIDENCE_ALL, NULL);
		printf("%s\n", say(bad      ? SAY_AGREEMENT_BAD
				   : unlike ? SAY_EVIDENCE_BAD
				   : nobody ? SAY_AGREEMENT_NOBODY
				   : whole  ? SAY_AGREEMENT_BOTH
					    : SAY_AGREEMENT_PARTLY));
		return bad || unlike || nobody ? CLI_BOGUS : CLI_OK;
	}
	o = json_object();
	parties = json_array();
	sent = json_array();
	bad = bad || !evidence_tell(c, a, EVIDENCE_ALL, sent);
	json_put_str(o, "agreement", str_of(text_of(doc, "@id")));
	for (size_t i = 0; i < 2; i++) json_array_append_new(parties, standing_json(&s[i], keys));
	json_put(o, "parties", parties);
	json_put(o, "evidence", sent);
	json_put(o, "verified", json_boolean(whole && !bad));
	print_json(o);
	json_decref(o);
	return bad || nobody ? CLI_BOGUS : CLI_OK;
}

/* From a file that `show --json` wrote, or from the node. A proof bundle: *ret is NULL. */
static int obtain(struct cli *c, const char *word, bool file, json_t **ret)
{
	struct flaw f = {0};
	struct reply r;
	struct str text;
	const char *who;
	int status;

	if (file) {
		status = file_read(c, word, AGREEMENT_FILE_MAX, &text);
		if (status) return status;
		if (json_read_large(c->arena, text, &f, ret)) {
			print_error(c, "%s: %s", word, f.text);
			return CLI_FAILED;
		}
		if (strcmp(text_of(*ret, "@type"), "kanhe:ProofBundle") == 0) *ret = NULL;
		if (!*ret) return CLI_OK;
	} else {
		if (!(who = client_participant(c))) return CLI_USAGE;
		struct call call = {.method = "GET",
				    .path = client_path(c, "/participants/%s/agreements/%s", who,
							path_word(c, word, false))};
		status = client_call(c, &call, &r);
		if (status) return status;
		*ret = r.json;
	}
	if (json_is_object(json_object_get(*ret, "agreement"))) return CLI_OK;
	print_error(c, say(SAY_AGREEMENT_NONE), word);
	return CLI_FAILED;
}

/* Partners give agreements ids of any form: what is no file, and does not look like one, is an id. */
static bool is_file(const char *word)
{
	if (str_starts(str_of(word), STR("urn:"))) return false;
	return access(word, R_OK) == 0 || strchr(word, '/') || str_ends(str_of(word), STR(".json"));
}

int command_agreement(struct cli *c, int argc, char **argv)
{
	struct words words;
	json_t *a;
	int status = options_read(c, argc, argv, NULL, 0, &words);
	if (status) return status;
	if (words.n < 1) return usage_error(c, SAY_MISSING_WORD, "show|verify");
	bool check = strcmp(words.word[0], "verify") == 0;
	if (!check && strcmp(words.word[0], "show")) return verb_error(c, words.word[0], "show|verify");
	if (words.n != 2) return words_wrong(c, &words, 2, "AGREEMENT");
	bool file = check && is_file(words.word[1]);
	status = obtain(c, words.word[1], file, &a);
	if (!status && !a) return bundle_tell(c, words.word[1], NULL, 0);
	if (status || check) return status ? status : verify(c, a);
	if (c->json) {
		print_json(a);
		return CLI_OK;
	}
	printf("%s  %s  %s  %s\n", safe(text_of(a, "id")), safe(text_of(a, "role")),
	       safe(text_of(a, "state")), safe(text_of(a, "dataset")));
	if (text_of(a, "ended_by")[0]) {
		printf(say(SAY_AGREEMENT_ENDED), safe(text_of(a, "ended_by")));
		print_said(stdout, text_of(a, "reason"));
		putchar('\n');
	}
	return verify(c, a);
}
