#include "tests/proto/pb_cases.h"

#include "base/sign.h"
#include "proto/id/id.h"
#include "proto/pb/answer.h"
#include "proto/pb/delegation.h"
#include "proto/pb/envelope.h"
#include "proto/pb/kanhe.pb-c.h"
#include "proto/pb/message.h"
#include "proto/pb/record.h"

static struct value values[] = {
    {.index = 1,
     .type = {"URL", 3},
     .data = {"https://maker.example/m/1", 25},
     .ttl = 300,
     .timestamp = 1764000000,
     .permissions = 0x0e},
    {.index = 100,
     .type = {"HS_ADMIN", 8},
     .data = {"\x00\xf2\x00", 3},
     .ttl_absolute = true,
     .ttl = 1900000000,
     .permissions = 0x0c},
};
static struct reference references[] = {{{"88.118.8/ADMIN", 14}, 300}, {{"88.118.8/x", 10}, 0}};

static struct record sample(void)
{
	values[1].references = references;
	values[1].references_n = 2;
	return (struct record){.id = STR("88.118.8/JXDY"),
			       .values = values,
			       .values_n = 2,
			       .created = 1764000000123456,
			       .modified = 1764000001123456,
			       .revision = 7,
			       .owner = STR("\x01"
					    "88.118.8.")};
}

static void records_come_back_as_they_went(void **state)
{
	struct buf b = BUF_INIT(1 << 20);
	struct record r = sample(), back;
	assert_int_equal(record_pack(&r, &b), ERR_OK);
	canonical(&kanhe__record__descriptor, buf_str(&b));
	struct flaw f;
	char *copy = exact(buf_str(&b));
	assert_int_equal(record_unpack(*state, str_n(copy, b.n), &f, &back), ERR_OK);
	record_same(&r, &back);

	struct record_head h;
	assert_int_equal(record_peek(buf_str(&b), &h), ERR_OK);
	assert_true(str_eq(h.id, r.id) && str_eq(h.owner, r.owner) && h.revision == 7);
	assert_int_equal(h.ttl, 300);
	struct str rest = buf_str(&b);
	struct value v;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(record_next_value(&rest, &v), ERR_OK);
		assert_true(v.index == values[i].index && str_eq(v.data, values[i].data));
	}
	assert_int_equal(record_next_value(&rest, &v), ERR_NOT_FOUND);
	free(copy);
	buf_done(&b);
}

static void put_backwards(struct buf *b, const struct value *v)
{
	size_t mark = pb_open(b, 3);
	pb_put_u64(b, 7, v->permissions);
	pb_put_bytes(b, 99, STR("unknown"));
	pb_put_u64(b, 6, v->timestamp);
	pb_put_u64(b, 5, 1); /* of two the last counts */
	pb_put_u64(b, 5, v->ttl);
	pb_put_u64(b, 4, v->ttl_absolute);
	pb_put_bytes(b, 3, v->data);
	pb_put_bytes(b, 2, v->type);
	pb_put_u64(b, 1, v->index);
	pb_close(b, mark);
}

/* Protobuf lets fields stand in any order; ours is only the quickest to read. */
static void order_does_not_matter(void **state)
{
	struct buf usual = BUF_INIT(1 << 16), other = BUF_INIT(1 << 16), one = BUF_INIT(1 << 16),
		   two = BUF_INIT(1 << 16);
	struct record r = sample();
	struct record_head h, k;
	(void)state;
	values[1].references_n = 0;
	assert_int_equal(record_pack(&r, &usual), ERR_OK);
	pb_put_bytes(&other, 8, r.owner);
	pb_put_u64(&other, 6, r.revision);
	put_backwards(&other, &values[0]);
	pb_put_u64(&other, 5, (uint64_t)r.modified);
	put_backwards(&other, &values[1]);
	pb_put_u64(&other, 4, (uint64_t)r.created);
	pb_put_bytes(&other, 2, r.id);
	pb_put_u64(&other, 1, RECORD_VERSION);
	assert_int_equal(record_peek(buf_str(&usual), &h), ERR_OK);
	assert_int_equal(record_peek(buf_str(&other), &k), ERR_OK);
	assert_true(str_eq(h.id, k.id) && str_eq(h.owner, k.owner) && h.revision == k.revision);
	assert_true(h.created == k.created && h.modified == k.modified && h.status == k.status);
	assert_int_equal(h.ttl, 300);
	assert_int_equal(k.ttl, 300);
	assert_int_equal(record_write_json_peeked(&h, RECORD_ADMIN, &one), ERR_OK);
	assert_int_equal(record_write_json_peeked(&k, RECORD_ADMIN, &two), ERR_OK);
	assert_true(one.n > 200 && str_eq(buf_str(&one), buf_str(&two)));
	buf_clear(&two);
	assert_int_equal(record_write_json(buf_str(&other), RECORD_ADMIN, &two), ERR_OK);
	assert_true(str_eq(buf_str(&one), buf_str(&two)));
	buf_done(&usual);
	buf_done(&other);
	buf_done(&one);
	buf_done(&two);
}

/* Every prefix and every single changed octet is either refused or a record that packs again. */
static void broken_records_never_crash(void **state)
{
	struct buf b = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
	struct record r = sample(), back;
	struct flaw f;
	assert_int_equal(record_pack(&r, &b), ERR_OK);
	for (size_t n = 0; n < b.n; n++) {
		char *cut = exact(str_n(b.p, n));
		(void)!record_unpack(*state, str_n(cut, n), &f, &back);
		struct record_head h;
		(void)!record_peek(str_n(cut, n), &h);
		free(cut);
	}
	size_t refused = 0;
	for (size_t i = 0; i < b.n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			b.p[i] ^= (char)(1u << bit);
			buf_clear(&again);
			enum err e = record_unpack(*state, buf_str(&b), &f, &back);
			refused += e != ERR_OK;
			if (!e) assert_int_equal(record_pack(&back, &again), ERR_OK);
			buf_clear(&again);
			(void)!record_write_json(buf_str(&b), RECORD_ADMIN, &again);
			b.p[i] ^= (char)(1u << bit);
			arena_reset(*state);
		}
	assert_true(refused > b.n);
	buf_done(&again);
	buf_done(&b);
}

static void refused(struct arena *a, struct str octets, enum err want, size_t offset, const char *at,
		    const char *rule)
{
	struct record r;
	struct flaw f = {0};
	char *copy = exact(octets);
	enum err e = record_unpack(a, str_n(copy, octets.n), &f, &r);
	free(copy);
	if (e != want || f.offset != offset || strcmp(f.at, at) || strcmp(f.rule, rule))
		fail_msg("%s at %zu in \"%s\" rule %s", err_name(e), f.offset, f.at, f.rule);
}

static void refusals_name_field_and_offset(void **state)
{
	refused(*state, STR(""), ERR_BAD_PROTO, FLAW_NO_OFFSET, "version", "missing");
	refused(*state,
		STR("\x08\x02\x12\x01"
		    "a"),
		ERR_UNSUPPORTED, 0, "version", "version");
	refused(*state,
		STR("\x08\x01\x12\x05"
		    "a"),
		ERR_BAD_PROTO, 2, "", "wire");
	refused(*state, STR("\x08\x01\x10\x05"), ERR_BAD_PROTO, 2, "id", "wire-type");
	refused(*state,
		STR("\x08\x01\x12\x01"
		    "a"
		    "\x12\x01"
		    "b"),
		ERR_BAD_PROTO, 5, "id", "duplicate");
	refused(*state,
		STR("\x08\x01\x12\x02"
		    "a\xff"),
		ERR_BAD_PROTO, 4, "id", "utf-8");
	refused(*state,
		STR("\x08\x01\x12\x02"
		    "a\0"),
		ERR_BAD_PROTO, 4, "id", "nul");
	refused(*state, STR("\x08\x01"), ERR_BAD_PROTO, FLAW_NO_OFFSET, "id", "length");
	refused(*state,
		STR("\x08\x01\x12\x01"
		    "a"
		    "\x0b"),
		ERR_BAD_PROTO, 5, "", "wire");
}

static void refusals_inside_a_value_name_it(void **state)
{
	/* an index that does not fit 32 bits, offset of the field itself */
	refused(*state,
		STR("\x08\x01\x12\x01"
		    "a"
		    "\x1a\x07\x08\xff\xff\xff\xff\x1f\x00"),
		ERR_BAD_PROTO, 7, "values[0].index", "range");
	refused(*state,
		STR("\x08\x01\x12\x01"
		    "a"
		    "\x1a\x05\x08\x01\x12\x01"
		    "T"
		    "\x1a\x05\x08\x01\x12\x01"
		    "T"),
		ERR_BAD_PROTO, FLAW_NO_OFFSET, "values.index 1", "duplicate-index");
	refused(*state,
		STR("\x08\x01\x12\x01"
		    "a"
		    "\x1a\x03\x12\x01"
		    "T"),
		ERR_BAD_PROTO, FLAW_NO_OFFSET, "values.index", "index");
	refused(*state,
		STR("\x08\x01\x12\x01"
		    "a"
		    "\x1a\x07\x08\x01\x12\x01"
		    "T"
		    "\x38\x10"),
		ERR_BAD_PROTO, FLAW_NO_OFFSET, "values[0].permissions", "range");
}

static void a_field_of_tomorrow_is_skipped(void **state)
{
	struct record r;
	assert_int_equal(record_unpack(*state,
				       STR("\x08\x01\x12\x01"
					   "a"
					   "\xfa\x07\x02"
					   "xx"),
				       NULL, &r),
			 ERR_OK);
}

static struct sign_key *key_of(unsigned char first)
{
	unsigned char seed[32] = {first};
	assert_int_equal(sign_setup(), ERR_OK);
	return sign_key_from_seed(seed);
}

static void envelopes_verify_only_what_was_signed(void **state)
{
	(void)state;
	struct sign_key *key = key_of(1), *other = key_of(2);
	struct buf b = BUF_INIT(1 << 20);
	struct envelope e;
	struct flaw f;
	assert_int_equal(envelope_sign(ENVELOPE_DELEGATION, STR("payload"), key, STR("did:web:a#k"), &b),
			 ERR_OK);
	canonical(&kanhe__signed__descriptor, buf_str(&b));
	assert_int_equal(envelope_unpack(buf_str(&b), &f, &e), ERR_OK);
	assert_str(e.payload, "payload");
	assert_str(e.kid, "did:web:a#k");
	assert_int_equal(envelope_verify(&e, ENVELOPE_DELEGATION, sign_public(key), &f), ERR_OK);
	assert_int_equal(envelope_verify(&e, ENVELOPE_ANSWER, sign_public(key), &f), ERR_BAD_SIGNATURE);
	assert_string_equal(f.rule, "kind");
	assert_int_equal(envelope_verify(&e, ENVELOPE_DELEGATION, sign_public(other), &f),
			 ERR_BAD_SIGNATURE);
	/* a relabelled kind does not verify: the context is signed */
	struct envelope relabelled = e;
	relabelled.kind = ENVELOPE_ANSWER;
	assert_int_equal(envelope_verify(&relabelled, ENVELOPE_ANSWER, sign_public(key), &f),
			 ERR_BAD_SIGNATURE);
	assert_string_equal(f.rule, "signature");
	/* any octet changed: refused as a message, or as a signature, unless only the kid changed */
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 1;
		struct str kid = STR_NONE;
		bool ok = !envelope_unpack(buf_str(&b), &f, &e) && (kid = e.kid, true) &&
			  !envelope_verify(&e, ENVELOPE_DELEGATION, sign_public(key), &f);
		if (ok && str_is(kid, "did:web:a#k")) fail_msg("octet %zu changed unseen", i);
		b.p[i] ^= 1;
	}
	struct buf m = BUF_INIT(90);
	assert_int_equal(envelope_sign(ENVELOPE_ANSWER, STR("payload"), key, STR("did:web:a#k"), &m),
			 ERR_TOO_LARGE);
	assert_int_equal(m.n, 0);
	buf_done(&m);
	assert_int_equal(envelope_unpack(STR("\x08\x01\x10\x63\x1a\x01"
					     "p"),
					 &f, &e),
			 ERR_UNSUPPORTED);
	assert_string_equal(f.at, "kind");
	buf_done(&b);
	sign_key_free(key);
	sign_key_free(other);
}

static struct node_key child_keys[1];
static struct endpoint child_endpoints[] = {{{"https", 5}, {"https://b.example:8443", 22}},
					    {{"handle", 6}, {"handle://b.example:2641", 23}}};

static struct delegation delegation_sample(struct arena *a, const struct sign_key *key, struct id_prefix *p)
{
	assert_int_equal(id_prefix_parse(a, STR("88.118"), NULL, p), ERR_OK);
	child_keys[0] =
	    (struct node_key){SIGN_SUITE_ED25519, str_n(sign_public(key), SIGN_PUBLIC), STR("did:web:b#k")};
	return (struct delegation){.scheme = p->scheme,
				   .prefix = p->key,
				   .prefix_text = p->text,
				   .parent = STR("did:web:a"),
				   .child = STR("did:web:b"),
				   .keys = child_keys,
				   .keys_n = 1,
				   .endpoints = child_endpoints,
				   .endpoints_n = 2,
				   .not_before = 1,
				   .not_after = 1764000000000000,
				   .serial = 3};
}

static void delegations_come_back_and_bind_prefix_to_text(void **state)
{
	struct sign_key *key = key_of(3);
	struct id_prefix p;
	struct buf b = BUF_INIT(1 << 20);
	struct delegation d = delegation_sample(*state, key, &p), back;
	struct flaw f;
	assert_int_equal(delegation_pack(&d, &b), ERR_OK);
	canonical(&kanhe__delegation__descriptor, buf_str(&b));
	assert_int_equal(delegation_unpack(*state, buf_str(&b), &f, &back), ERR_OK);
	assert_true(str_eq(back.prefix, d.prefix) && str_eq(back.child, d.child) && back.serial == 3);
	assert_true(str_eq(back.keys[0].public, d.keys[0].public));
	assert_str(delegation_endpoint(&back, "handle"), "handle://b.example:2641");
	assert_null(delegation_endpoint(&back, "dns").p);

	static const struct {
		const char *text, *at;
	} lies[] = {{"88.11", "prefix_text"}, {"hdl:88.118", "prefix_text"}};
	for (size_t i = 0; i < 2; i++) {
		buf_clear(&b);
		d.prefix_text = str_of(lies[i].text);
		assert_int_equal(delegation_pack(&d, &b), ERR_OK);
		assert_int_equal(delegation_unpack(*state, buf_str(&b), &f, &back), ERR_BAD_PROTO);
		assert_string_equal(f.at, lies[i].at);
	}
	d.prefix_text = p.text;
	d.prefix.n--; /* "88.118" without its end would cover 88.1180 */
	buf_clear(&b);
	assert_int_equal(delegation_pack(&d, &b), ERR_OK);
	assert_int_equal(delegation_unpack(*state, buf_str(&b), &f, &back), ERR_BAD_PROTO);
	assert_string_equal(f.rule, "boundary");
	d.prefix.n++;
	d.not_after = 1;
	buf_clear(&b);
	assert_int_equal(delegation_pack(&d, &b), ERR_OK);
	assert_int_equal(delegation_unpack(*state, buf_str(&b), &f, &back), ERR_BAD_PROTO);
	assert_string_equal(f.rule, "validity");
	sign_key_free(key);
	buf_done(&b);
}

static struct answer answer_sample(struct arena *a, const char *text, enum answer_kind kind)
{
	struct id id;
	struct id_prefix p;
	assert_int_equal(id_parse(a, str_of(text), NULL, &id), ERR_OK);
	assert_int_equal(id_prefix_parse(a, STR("88"), NULL, &p), ERR_OK);
	return (struct answer){.key = id.key,
			       .id = id.text,
			       .kind = kind,
			       .authority = p.key,
			       .node = STR("did:web:a"),
			       .inception = 5,
			       .expiry = 6,
			       .ttl = 60,
			       .feed_position = 9};
}

/* Packs and reads again; *ret lives until the next call, or drop_packed. */
static struct buf packed = BUF_INIT(1 << 20);

static enum err there_and_back(struct arena *a, const struct answer *m, struct flaw *f, struct answer *ret)
{
	buf_clear(&packed);
	assert_int_equal(answer_pack(m, &packed), ERR_OK);
	canonical(&kanhe__answer__descriptor, buf_str(&packed));
	return answer_unpack(a, buf_str(&packed), f, ret);
}

static void records_in_answers_are_of_the_identifier_and_its_state(void **state)
{
	struct buf rec = BUF_INIT(1 << 20);
	struct record r = sample();
	struct answer m = answer_sample(*state, "88.118.8/JXDY", ANSWER_RECORD), back;
	struct flaw f;
	assert_int_equal(record_pack(&r, &rec), ERR_OK);
	m.record = buf_str(&rec);
	assert_int_equal(there_and_back(*state, &m, &f, &back), ERR_OK);
	assert_true(str_eq(back.record, m.record) && str_eq(back.key, m.key) && back.feed_position == 9);
	/* the record of another identifier */
	m = answer_sample(*state, "88.118.8/OTHER", ANSWER_RECORD);
	m.record = buf_str(&rec);
	assert_int_equal(there_and_back(*state, &m, &f, &back), ERR_BAD_PROTO);
	assert_string_equal(f.rule, "other-id");
	/* an active record called retired */
	m = answer_sample(*state, "88.118.8/JXDY", ANSWER_RETIRED);
	m.record = buf_str(&rec);
	assert_int_equal(there_and_back(*state, &m, &f, &back), ERR_BAD_PROTO);
	assert_string_equal(f.at, "record.status");
	buf_done(&rec);
	buf_done(&packed);
}

static void referrals_carry_their_delegations(void **state)
{
	struct sign_key *key = key_of(4);
	struct id_prefix p;
	struct buf del = BUF_INIT(1 << 20), env = BUF_INIT(1 << 20);
	struct delegation d = delegation_sample(*state, key, &p);
	struct answer m = answer_sample(*state, "88.118.8/JXDY", ANSWER_REFERRAL), back;
	struct flaw f;
	assert_int_equal(delegation_pack(&d, &del), ERR_OK);
	assert_int_equal(envelope_sign(ENVELOPE_DELEGATION, buf_str(&del), key, STR("did:web:a#k"), &env),
			 ERR_OK);
	struct str step = buf_str(&env);
	m.delegations = &step;
	m.delegations_n = 1;
	assert_int_equal(there_and_back(*state, &m, &f, &back), ERR_OK);
	assert_int_equal(back.delegations_n, 1);
	assert_true(str_eq(back.delegations[0], step));
	buf_done(&del);
	buf_done(&env);
	buf_done(&packed);
	sign_key_free(key);
}

static void answers_agree_with_themselves(void **state)
{
	struct answer n = answer_sample(*state, "88.118.8/OTHER", ANSWER_NOT_FOUND), back;
	struct flaw f;
	n.id = STR("88.118.8/JXDY"); /* key and text differ */
	assert_int_equal(there_and_back(*state, &n, &f, &back), ERR_BAD_PROTO);
	assert_string_equal(f.at, "key");
	n = answer_sample(*state, "88.118.8/JXDY", ANSWER_NOT_FOUND);
	assert_int_equal(there_and_back(*state, &n, &f, &back), ERR_OK);
	for (size_t cut = 0; cut < packed.n; cut++) {
		char *copy = exact(str_n(packed.p, cut));
		(void)!answer_unpack(*state, str_n(copy, cut), &f, &back);
		free(copy);
	}
	/* the authority must cover the key */
	char *at = memmem(packed.p, packed.n,
			  "\x3a\x04\x01"
			  "88.",
			  6);
	assert_non_null(at);
	at[3] = '7';
	assert_int_equal(answer_unpack(*state, buf_str(&packed), &f, &back), ERR_BAD_PROTO);
	assert_string_equal(f.at, "authority");
	buf_done(&packed);
}

static void batches_keep_order_and_errors(void **state)
{
	struct buf b = BUF_INIT(1 << 20);
	struct str ids[] = {STR("88.118.8/a"), STR(""), STR("not an id")};
	struct batch_request q = {ids, 3, true}, q_back;
	struct batch_item items[] = {{.id = ids[0], .answer = STR("octets")},
				     {.id = ids[2], .err = ERR_BAD_ID, .detail = STR("no slash")}};
	struct batch_answer m = {items, 2}, back;
	struct flaw f;
	assert_int_equal(batch_request_pack(&q, &b), ERR_OK);
	canonical(&kanhe__batch_request__descriptor, buf_str(&b));
	assert_int_equal(batch_request_unpack(*state, buf_str(&b), &f, &q_back), ERR_OK);
	assert_int_equal(q_back.ids_n, 3);
	assert_true(q_back.signed_answers && str_eq(q_back.ids[2], ids[2]) && !q_back.ids[1].n);
	buf_clear(&b);
	assert_int_equal(batch_answer_pack(&m, &b), ERR_OK);
	canonical(&kanhe__batch_answer__descriptor, buf_str(&b));
	assert_int_equal(batch_answer_unpack(*state, buf_str(&b), &f, &back), ERR_OK);
	assert_int_equal(back.items_n, 2);
	assert_int_equal(back.items[1].err, ERR_BAD_ID);
	assert_str(back.items[1].detail, "no slash");
	assert_str(back.items[0].answer, "octets");
	buf_clear(&b);
	buf_add(&b, STR("\x08\x01"));
	for (size_t i = 0; i <= BATCH_MAX; i++) buf_add(&b, STR("\x12\x01x"));
	assert_int_equal(batch_request_unpack(*state, buf_str(&b), &f, &q_back), ERR_TOO_LARGE);
	b.n -= 3;
	assert_int_equal(batch_request_unpack(*state, buf_str(&b), &f, &q_back), ERR_OK);
	assert_int_equal(batch_request_unpack(*state, STR("\x08\x01"), &f, &q_back), ERR_BAD_PROTO);
	buf_done(&b);
}

/* A field of n octets of number, `after` octets behind it: read quickly and slowly, with the same result.
 */
static void both_ways(uint64_t v, size_t after, size_t cut)
{
	unsigned char octets[32] = {2 << 3};
	size_t n = 1;
	for (uint64_t left = v;; left >>= 7) {
		octets[n++] = (unsigned char)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
		if (left <= 0x7f) break;
	}
	for (size_t i = 0; i < after; i++) octets[n++] = i & 1 ? 0x01 : 0x08;
	n = cut < n ? cut : n;
	unsigned char *copy = malloc(n); /* its own, so that a sanitizer sees a read beyond */
	assert_non_null(copy);
	memcpy(copy, octets, n);
	struct pb_cursor quick = pb_cursor(str_n(copy, n)), slow = quick;
	struct pb_field a, b;
	enum err e = pb_next(&quick, &a);
	assert_int_equal(e, pb__next(&slow, &b));
	if (!e) assert_int_equal(a.number, b.number);
	if (!e) assert_int_equal(a.number, v);
	if (!e) assert_ptr_equal(quick.p, slow.p);
	free(copy);
}

static void numbers_of_every_length_are_read_alike(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 64; bits++)
		for (size_t after = 0; after <= 12; after += 2)
			for (size_t cut = 1; cut <= 32; cut++) {
				both_ways(UINT64_C(1) << bits, after, cut);
				both_ways((UINT64_C(1) << bits) - 1, after, cut);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(numbers_of_every_length_are_read_alike),
	    CASE(records_come_back_as_they_went),
	    CASE(order_does_not_matter),
	    CASE(broken_records_never_crash),
	    CASE(refusals_name_field_and_offset),
	    CASE(refusals_inside_a_value_name_it),
	    CASE(a_field_of_tomorrow_is_skipped),
	    CASE(envelopes_verify_only_what_was_signed),
	    CASE(delegations_come_back_and_bind_prefix_to_text),
	    CASE(records_in_answers_are_of_the_identifier_and_its_state),
	    CASE(referrals_carry_their_delegations),
	    CASE(answers_agree_with_themselves),
	    CASE(batches_keep_order_and_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
