/* Accounts and keys of enterprises: never wider than who issued them, bound to what was proved. */
#include "tests/resolver/enterprises.h"

#include "base/text64.h"
#include "resolver/account.h"
#include "resolver/proof.h"

/* ---- accounts --------------------------------------------------------------------------- */

/* Wider, longer, stronger, without the right, of others. */
static void refuses_what_passes_the_issuer(const char *mine, const char *root, const char *plant,
					   const char *line)
{
	refused(403, "account-scope", "POST", plant, mine, "accounts",
		"{\"label\":\"x\",\"scope\":\"88.118.8.20\"}");
	refused(403, "account-scope", "POST", root, mine, "accounts",
		"{\"label\":\"x\",\"scope\":\"88.118.8.21\"}");
	refused(403, "account-scope", "POST", root, mine, "accounts",
		"{\"label\":\"x\",\"scope\":\"@maker\"}");
	refused(403, "account-scope", "POST", reg, mine, "accounts",
		"{\"label\":\"x\",\"scope\":\"88.118.8.5\"}");
	refused(403, "account-term", "POST", plant, mine, "accounts",
		"{\"label\":\"x\",\"expires\":\"2999-02-01\"}");
	refused(403, "account-right", "POST", line, mine, "accounts", "{\"label\":\"x\"}");
	refused(403, "account-right", "PATCH", line, mine, "", "{\"contact\":{\"phone\":\"2\"}}");
	refused(403, "own-enterprise", "POST", root, CODE, "accounts", "{\"label\":\"x\"}");
	refused(403, "own-enterprise", "GET", root, CODE, "", NULL);
	refused(403, "own-enterprise", "GET", root, CODE, "accounts", NULL);
	refused(403, "own-enterprise", "GET", root, CODE, "records", NULL);
	refused(409, "account-taken", "POST", root, mine, "accounts", "{\"label\":\"plant\"}");
	refused(400, "label", "POST", root, mine, "accounts", "{\"label\":\"a b\"}");
	refused(400, "label", "POST", root, mine, "accounts", "{\"label\":\"key\"}"); /* that of proofs */
	refused(400, "rights", "POST", root, mine, "accounts", "{\"label\":\"x\",\"rights\":\"king\"}");
	refused(400, "time", "POST", root, mine, "accounts",
		"{\"label\":\"x\",\"expires\":\"2001-01-01\"}");
	refused(403, "role", "POST", aud, mine, "accounts", "{\"label\":\"x\"}");
}

static void accounts_never_pass_their_issuer(void **state)
{
	const char *code = code_from("91350100M000200A1");
	char root[ACCESS_TOKEN_TEXT], plant[ACCESS_TOKEN_TEXT], line[ACCESS_TOKEN_TEXT],
	    viewer[ACCESS_TOKEN_TEXT];
	char mine[CREDIT_CODE + 1];
	(void)state;
	snprintf(mine, sizeof mine, "%s", code);
	admit(mine, "88.118.8.20", 100);
	account(reg, mine, "{\"label\":\"root\",\"expires\":\"2999-01-01\"}", root);
	account(root, mine, "{\"label\":\"plant\",\"scope\":\"88.118.8.20.1\",\"rights\":\"change issue\"}",
		plant);
	account(plant, mine, "{\"label\":\"line\",\"scope\":\"88.118.8.20.1.4\"}", line);
	account(plant, mine, "{\"label\":\"viewer\",\"rights\":\"read\"}", viewer);
	register_as(plant, "88.118.8.20.1/a", 201, NULL);
	register_as(plant, "88.118.8.20.2/a", 403, "scope");
	register_as(line, "88.118.8.20.1.4/a", 201, NULL);
	register_as(line, "88.118.8.20.1/b", 403, "scope");
	register_as(viewer, "88.118.8.20.1/b", 403, "account-right");
	refuses_what_passes_the_issuer(mine, root, plant, line);
	/* nobody takes what is above it */
	refused(403, "account-right", "DELETE", plant, mine, "accounts/root", NULL);
	struct http_reply r = expect(200, "GET", root, mine, "accounts", NULL);
	assert_int_equal(json_array_size(json_object_get(r.json, "accounts")), 4);
	assert_null(memmem(r.body.p, r.body.n, root + 3, 20));
	http_done(&r);
	/* what an account issued goes with it */
	done(204, "DELETE", root, mine, "accounts/plant", NULL);
	register_as(plant, "88.118.8.20.1/b", 401, NULL);
	register_as(line, "88.118.8.20.1.4/b", 401, NULL);
	register_as(viewer, "88.118.8.20.1.4/b", 401, NULL);
	register_as(root, "88.118.8.20.1/b", 201, NULL);
	done(404, "DELETE", root, mine, "accounts/plant", NULL);
	done(200, "PATCH", root, mine, "", "{\"contact\":{\"phone\":\"2\"}}");
	/* a list for an enterprise holds itself */
	r = expect(200, "GET", root, "", "", NULL);
	assert_int_equal(json_array_size(json_object_get(r.json, "enterprises")), 1);
	http_done(&r);
}

static void an_account_gives_no_right_that_it_lacks(void **state)
{
	const char *code = code_from("91350100M000203A1");
	char mine[CREDIT_CODE + 1], clerk[ACCESS_TOKEN_TEXT], token[ACCESS_TOKEN_TEXT];
	(void)state;
	snprintf(mine, sizeof mine, "%s", code);
	admit(mine, "88.118.8.23", 100);
	account(reg, mine, "{\"label\":\"clerk\",\"rights\":\"issue\"}", clerk);
	register_as(clerk, "88.118.8.23/a", 403, "account-right");
	refused(403, "account-rights", "POST", clerk, mine, "accounts",
		"{\"label\":\"x\",\"rights\":\"change\"}");
	refused(403, "account-rights", "POST", clerk, mine, "accounts",
		"{\"label\":\"x\",\"rights\":\"change issue\"}");
	account(clerk, mine, "{\"label\":\"x\"}", token); /* none named: none that it lacks */
	register_as(token, "88.118.8.23/a", 403, "account-right");
	account(clerk, mine, "{\"label\":\"y\",\"rights\":\"issue\"}", token);
}

/* Its scope says so still. */
static void an_account_changes_nothing_under_a_prefix_that_went_to_another(void **state)
{
	char mine[CREDIT_CODE + 1], token[ACCESS_TOKEN_TEXT];
	(void)state;
	snprintf(mine, sizeof mine, "%s", code_from("91350100M000205A1"));
	admit(mine, "88.118.8.25", 100);
	account(reg, mine, "{\"label\":\"x\"}", token);
	done(200, "DELETE", reg, mine, "prefixes/88.118.8.25", NULL);
	admit(code_from("91350100M000206A1"), "88.118.8.25", 100);
	register_as(token, "88.118.8.25/a", 403, "foreign-prefix");
}

static void an_enterprise_has_so_many_accounts_and_no_more(void **state)
{
	const char *code = code_from("91350100M000204A1");
	char mine[CREDIT_CODE + 1], token[ACCESS_TOKEN_TEXT], body[64];
	(void)state;
	snprintf(mine, sizeof mine, "%s", code);
	admit(mine, "88.118.8.24", 100);
	for (unsigned i = 0; i < ACCOUNTS_MAX; i++) {
		snprintf(body, sizeof body, "{\"label\":\"a%u\"}", i);
		account(reg, mine, body, token);
	}
	refused(429, "accounts-number", "POST", reg, mine, "accounts", "{\"label\":\"one-more\"}");
	refused(409, "account-taken", "POST", reg, mine, "accounts", "{\"label\":\"a7\"}");
	done(204, "DELETE", reg, mine, "accounts/a7", NULL);
	account(reg, mine, "{\"label\":\"one-more\"}", token);
}

/* ---- keys ------------------------------------------------------------------------------- */

struct keyed {
	struct sign_key *key;
	char text[SIGN_MULTIBASE];
};

static void key_open(struct keyed *k)
{
	k->key = sign_key_new();
	sign_public_multibase(sign_public(k->key), k->text);
}

/* A body for proof or key, over a fresh challenge for code. */
static void prove(const struct keyed *k, const char *code, const char *did, bool with_key, char body[BODY])
{
	unsigned char sig[SIGN_SIGNATURE];
	struct http_reply r = expect(200, "POST", NULL, code, "challenge", NULL);
	struct str challenge = str_of(http_text(&r, "challenge"));
	struct str m =
	    proof_message(r.arena, str_of(did ? did : http_text(&r, "did")), str_of(code), challenge);
	sign_make(k->key, PROOF_CONTEXT, m, sig);
	struct str s = base64url_write(r.arena, str_n(sig, sizeof sig));
	snprintf(body, BODY, "{\"challenge\":\"%.*s\",\"signature\":\"%.*s\"%s%s%s}", STR_ARG(challenge),
		 STR_ARG(s), with_key ? ",\"key\":\"" : "", with_key ? k->text : "", with_key ? "\"" : "");
	http_done(&r);
}

static void a_proved_key_gives_a_credential_bound_to_it(void **state)
{
	char mine[CREDIT_CODE + 1], more[BODY], body[BODY], again[BODY], old[ACCESS_TOKEN_TEXT],
	    sub[ACCESS_TOKEN_TEXT];
	struct keyed first, second;
	(void)state;
	key_open(&first);
	key_open(&second);
	snprintf(mine, sizeof mine, "%s", code_from("91350100M000300A1"));
	snprintf(more, sizeof more, ",\"key\":\"%s\"", first.text);
	apply_as(mine, "Keyed", more);
	prove(&first, mine, NULL, false, body);
	refused(409, "enterprise-state", "POST", NULL, mine, "proof", body); /* not admitted yet */
	done(200, "POST", reg, mine, "approve", "{\"review\":\"x\",\"prefix\":\"88.118.8.30\"}");
	prove(&second, mine, NULL, false, body);
	refused(401, "proof", "POST", NULL, mine, "proof", body); /* another's key */
	prove(&first, mine, "did:web:elsewhere", false, body);
	refused(401, "proof", "POST", NULL, mine, "proof", body); /* signed for another node */
	prove(&first, CODE, NULL, false, body);
	refused(403, "challenge", "POST", NULL, mine, "proof", body); /* another's challenge */
	refused(401, "proof", "POST", NULL, code_from("91350100M000400A1"), "proof",
		body); /* unknown: as a bad key */
	prove(&first, mine, NULL, false, again);
	prove(&first, mine, NULL, false, body);
	struct http_reply r = expect(201, "POST", NULL, mine, "proof", body);
	snprintf(old, sizeof old, "%s", http_text(&r, "token"));
	assert_string_equal(http_text(&r, "scope"), "88.118.8.30");
	http_done(&r);
	refused(403, "challenge-used", "POST", NULL, mine, "proof", body);
	refused(403, "challenge-used", "POST", NULL, mine, "proof", again); /* overtaken */
	register_as(old, "88.118.8.30/a", 201, NULL);
	account(old, mine, "{\"label\":\"sub\"}", sub);
	register_as(sub, "88.118.8.30/b", 201, NULL);
	/* proved again: a new token in the place of the old one, which issued what goes on */
	prove(&first, mine, NULL, false, body);
	r = expect(201, "POST", NULL, mine, "proof", body);
	register_as(old, "88.118.8.30/c", 401, NULL);
	snprintf(old, sizeof old, "%s", http_text(&r, "token"));
	http_done(&r);
	register_as(sub, "88.118.8.30/d", 201, NULL);
	done(204, "DELETE", old, mine, "accounts/sub", NULL);
	register_as(sub, "88.118.8.30/e", 401, NULL);
	refused(404, "account", "DELETE", old, mine, "accounts/sub", NULL);
	account(old, mine, "{\"label\":\"sub\"}", sub);
	/* another key: what hung on the old one is gone */
	prove(&first, mine, NULL, true, body);
	memcpy(strstr(body, "\"key\":\"") + 7, second.text, strlen(second.text));
	refused(401, "proof", "PUT", old, mine, "key", body);
	prove(&second, mine, NULL, true, body);
	done(200, "PUT", old, mine, "key", body);
	register_as(old, "88.118.8.30/c", 401, NULL);
	register_as(sub, "88.118.8.30/c", 401, NULL);
	prove(&second, mine, NULL, false, body);
	r = expect(201, "POST", NULL, mine, "proof", body);
	register_as(http_text(&r, "token"), "88.118.8.30/c", 201, NULL);
	http_done(&r);
	sign_key_free(first.key);
	sign_key_free(second.key);
}

/* A stranger may apply under a company's code with a key of its own. */
static void a_key_from_outside_must_be_confirmed(void **state)
{
	char mine[CREDIT_CODE + 1], body[BODY];
	struct keyed k, other;
	(void)state;
	key_open(&k);
	key_open(&other);
	snprintf(mine, sizeof mine, "%s", code_from("91350100M000310A1"));
	snprintf(body, sizeof body,
		 "{\"code\":\"%s\",\"name\":\"x\",\"contact\":{\"person\":\"L\",\"phone\":\"1\"},\"key\":"
		 "\"%s\"}",
		 mine, k.text);
	done(202, "POST", NULL, "", "applications", body);
	refused(409, "key-unconfirmed", "POST", reg, mine, "approve",
		"{\"review\":\"x\",\"prefix\":\"88.118.8.31\"}");
	snprintf(body, sizeof body, "{\"review\":\"x\",\"prefix\":\"88.118.8.31\",\"key\":\"%s\"}",
		 other.text);
	refused(409, "key-unconfirmed", "POST", reg, mine, "approve", body);
	snprintf(body, sizeof body, "{\"review\":\"x\",\"prefix\":\"88.118.8.31\",\"key\":\"%s\"}", k.text);
	done(200, "POST", reg, mine, "approve", body);
	/* one that was given no key confirms none */
	snprintf(mine, sizeof mine, "%s", code_from("91350100M000320A1"));
	apply_as(mine, "B", "");
	refused(409, "key-unconfirmed", "POST", reg, mine, "approve", body);
	done(200, "POST", reg, mine, "reject", "{\"reason\":\"r\"}");
	sign_key_free(k.key);
	sign_key_free(other.key);
}

static void old_challenges_are_refused(void **state)
{
	struct sign_key *node_key = sign_key_new();
	struct arena *a = arena_new(4096);
	usec_t made;
	struct flaw f = {0};
	const usec_t now = 1000 * USEC_PER_SEC;
	(void)state;
	struct str text = proof_challenge(node_key, STR(CODE), now, a);
	const unsigned char *pub = sign_public(node_key);
	assert_int_equal(proof_challenge_open(pub, STR(CODE), text, now + 300 * USEC_PER_SEC, &f, &made),
			 ERR_OK);
	assert_int_equal(made, now);
	assert_int_equal(
	    proof_challenge_open(pub, STR(CODE), text, now + 300 * USEC_PER_SEC + 1, &f, &made),
	    ERR_FORBIDDEN);
	assert_string_equal(f.rule, "challenge-expired");
	assert_int_equal(proof_challenge_open(pub, STR(OTHER), text, now, &f, &made), ERR_FORBIDDEN);
	assert_string_equal(f.rule, "challenge");
	assert_int_equal(proof_challenge_open(pub, STR(CODE), str_first(text, text.n - 1), now, &f, &made),
			 ERR_FORBIDDEN);
	arena_free(a);
	sign_key_free(node_key);
}

/* 0.NA/PREFIX: HS_ADMIN naming the key, HS_PUBKEY when there is one. */
static void the_prefix_has_its_record(void **state)
{
	char all[ACCESS_TOKEN_TEXT];
	(void)state;
	site_grant(&desk, "everything", ROLE_AUDITOR, "*", all);
	struct http_reply r =
	    http_call(&desk, &(struct http_call){.path = "/registry/0.NA/88.118.8.30", .token = all});
	EXPECT(r, 200);
	const json_t *values = json_object_get(r.json, "values");
	assert_int_equal(json_array_size(values), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(values, 0), "type")),
			    "HS_ADMIN");
	assert_string_equal(json_string_value(json_object_get(json_array_get(values, 1), "type")),
			    "HS_PUBKEY");
	/* 0fff, the handle after its length, index 300 */
	static const unsigned char admin[] = {0x0f, 0xff, 0,   0,   0,   16,  '0', '.', 'N',
					      'A',  '/',  '8', '8', '.', '1', '1', '8', '.',
					      '8',  '.',  '3', '0', 0,   0,   1,   44};
	const char *text =
	    json_string_value(json_object_get(json_object_get(json_array_get(values, 0), "data"), "value"));
	const char *format = json_string_value(
	    json_object_get(json_object_get(json_array_get(values, 0), "data"), "format"));
	struct str octets;
	assert_string_equal(format, "base64");
	assert_int_equal(base64_parse(r.arena, str_of(text), &octets), ERR_OK);
	assert_int_equal(octets.n, sizeof admin - 1 + (admin[5] == 16));
	assert_memory_equal(octets.p, admin, sizeof admin);
	http_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(accounts_never_pass_their_issuer),
	    cmocka_unit_test(an_account_gives_no_right_that_it_lacks),
	    cmocka_unit_test(an_account_changes_nothing_under_a_prefix_that_went_to_another),
	    cmocka_unit_test(an_enterprise_has_so_many_accounts_and_no_more),
	    cmocka_unit_test(a_proved_key_gives_a_credential_bound_to_it),
	    cmocka_unit_test(a_key_from_outside_must_be_confirmed),
	    cmocka_unit_test(old_challenges_are_refused),
	    cmocka_unit_test(the_prefix_has_its_record),
	};
	return cmocka_run_group_tests(tests, open_desk, close_desk);
}
