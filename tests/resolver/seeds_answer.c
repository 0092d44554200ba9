/* seeds-answer FOLDER: writes the corpus of the fuzz target `answer` again, after a change of the
 * messages. */
#include <stdio.h>

#include "resolver/verify.h"

#define NOON INT64_C(1800000000000000)

static const unsigned char seed[32] = "kanhe fuzz: verification of ans";
static struct sign_key *key;
static struct arena *arena;

static struct str signed_octets(enum envelope_kind kind, struct str payload)
{
	struct buf out = BUF_INIT(ENVELOPE_PACKED_MAX);
	must(!envelope_sign(kind, payload, key, STR("did:web:n.example#k"), &out));
	struct str s = arena_dup(arena, buf_str(&out));
	buf_done(&out);
	return s;
}

static struct str record_of(struct str id, bool retired)
{
	struct value v = {.index = 1,
			  .type = STR("URL"),
			  .data = STR("https://a/"),
			  .ttl = 60,
			  .permissions = VALUE_PERMISSIONS};
	struct record r = {.id = id,
			   .values = &v,
			   .values_n = !retired,
			   .revision = 1,
			   .status = retired ? RECORD_RETIRED : RECORD_ACTIVE};
	struct buf out = BUF_INIT(RECORD_PACKED_MAX);
	must(!record_pack(&r, &out));
	struct str s = arena_dup(arena, buf_str(&out));
	buf_done(&out);
	return s;
}

static struct str delegation_of(const char *text, usec_t not_after)
{
	struct id_prefix p;
	struct node_key k = {SIGN_SUITE_ED25519, str_n(sign_public(key), SIGN_PUBLIC),
			     STR("did:web:c.example#k")};
	struct endpoint end = {STR("https"), STR("https://c.example")};
	struct buf out = BUF_INIT(DELEGATION_PACKED_MAX);
	must(!id_prefix_parse(arena, str_of(text), NULL, &p));
	struct delegation d = {.scheme = p.scheme,
			       .prefix = p.key,
			       .prefix_text = p.text,
			       .parent = STR("did:web:n.example"),
			       .child = STR("did:web:c.example"),
			       .keys = &k,
			       .keys_n = 1,
			       .endpoints = &end,
			       .endpoints_n = 1,
			       .not_before = NOON - USEC_PER_DAY,
			       .not_after = not_after,
			       .serial = 1};
	must(!delegation_pack(&d, &out));
	struct str s = signed_octets(ENVELOPE_DELEGATION, buf_str(&out));
	buf_done(&out);
	return s;
}

struct seed {
	const char *name, *id;
	char mode;
	enum answer_kind kind;
	usec_t expiry;
	const char *child;
	usec_t child_until;
	enum envelope_kind envelope;
};

static void write_seed(const char *folder, const struct seed *s)
{
	struct id id;
	struct id_prefix ours;
	struct str delegation;
	struct buf out = BUF_INIT(ANSWER_PACKED_MAX);
	char path[512];
	must(!id_parse(arena, str_of(s->id), NULL, &id) &&
	     !id_prefix_parse(arena, STR("88.118"), NULL, &ours));
	struct answer m = {.key = id.key,
			   .id = id.text,
			   .kind = s->kind,
			   .authority = ours.key,
			   .node = STR("did:web:n.example"),
			   .inception = NOON - USEC_PER_SEC,
			   .expiry = s->expiry,
			   .ttl = 60};
	if (s->kind == ANSWER_RECORD || s->kind == ANSWER_RETIRED)
		m.record = record_of(id.text, s->kind == ANSWER_RETIRED);
	if (s->child) {
		delegation = delegation_of(s->child, s->child_until);
		m.delegations = &delegation;
		m.delegations_n = 1;
	}
	must(!answer_pack(&m, &out));
	struct str octets = signed_octets(s->envelope, buf_str(&out));
	snprintf(path, sizeof path, "%s/%s", folder, s->name);
	FILE *f = fopen(path, "we");
	must(f);
	must(fputc(s->mode, f) != EOF && fwrite(octets.p, 1, octets.n, f) == octets.n && !fclose(f));
	buf_done(&out);
}

int main(int argc, char **argv)
{
	const usec_t later = NOON + USEC_PER_DAY;
	const struct seed seeds[] = {
	    {"record", "88.118.8/lathe", 1, ANSWER_RECORD, later, NULL, 0, ENVELOPE_ANSWER},
	    {"record-resigned", "88.118.8/lathe", 3, ANSWER_RECORD, later, NULL, 0, ENVELOPE_ANSWER},
	    {"not-found", "88.118/x", 0, ANSWER_NOT_FOUND, later, NULL, 0, ENVELOPE_ANSWER},
	    {"retired", "88.118/x", 2, ANSWER_RETIRED, later, NULL, 0, ENVELOPE_ANSWER},
	    {"referral", "88.118.8/lathe", 1, ANSWER_REFERRAL, later, "88.118.8", NOON + USEC_PER_DAY,
	     ENVELOPE_ANSWER},
	    {"referral-aside", "88.118.8/lathe", 3, ANSWER_REFERRAL, later, "88.118.9", NOON + USEC_PER_DAY,
	     ENVELOPE_ANSWER},
	    {"referral-to-itself", "88.118.8/lathe", 3, ANSWER_REFERRAL, later, "88.118",
	     NOON + USEC_PER_DAY, ENVELOPE_ANSWER},
	    {"referral-up", "88.118.8/lathe", 3, ANSWER_REFERRAL, later, "88", NOON + USEC_PER_DAY,
	     ENVELOPE_ANSWER},
	    {"referral-expired", "88.118.8/lathe", 1, ANSWER_REFERRAL, later, "88.118.8", NOON - 1,
	     ENVELOPE_ANSWER},
	    {"other-identifier", "88.118.8/other", 1, ANSWER_NOT_FOUND, later, NULL, 0, ENVELOPE_ANSWER},
	    {"expired", "88.118/x", 0, ANSWER_NOT_FOUND, NOON - 1, NULL, 0, ENVELOPE_ANSWER},
	    {"other-kind", "88.118/x", 0, ANSWER_NOT_FOUND, later, NULL, 0, ENVELOPE_DELEGATION},
	};
	if (argc != 2) return 2;
	arena = arena_new(1 << 24);
	must(arena && !sign_setup() && (key = sign_key_from_seed(seed)));
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) write_seed(argv[1], &seeds[i]);
	sign_key_free(key);
	arena_free(arena);
	return 0;
}
