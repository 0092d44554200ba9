/* Records as they are written: against protobuf-c, and at their limits. */
#include "tests/proto/pb_cases.h"

/* A value's length has one octet, two or three, and what is in front of it never depends on a guess. */
static void lengths_of_any_size_are_written(void **state)
{
	enum { MOST = 20000 };
	static char octets[MOST];
	struct buf b = BUF_INIT(1 << 20);
	struct reference reference = {STR("88.118.8/x"), 7};
	memset(octets, 'x', sizeof octets);
	for (size_t n = 0; n <= MOST; n += n < 200 ? 1 : n < 16200 ? 800 : 20) {
		struct value v[3] = {{.index = 1, .type = STR("T"), .data = str_n(octets, n), .ttl = 9},
				     {.index = 2,
				      .type = STR("T"),
				      .data = str_n(octets, n),
				      .ttl = UINT32_MAX,
				      .timestamp = UINT64_MAX,
				      .permissions = 15,
				      .references = &reference,
				      .references_n = n % 2},
				     {.index = UINT32_MAX, .type = str_n(octets, 1 + n % 128)}};
		struct record r = {.id = STR("88.118.8/x"), .values = v, .values_n = 3}, back;
		buf_clear(&b);
		assert_int_equal(record_pack(&r, &b), ERR_OK);
		assert_true(b.n <= record_room(&r));
		canonical(&kanhe__record__descriptor, buf_str(&b));
		char *copy = exact(buf_str(&b));
		assert_int_equal(record_unpack_borrowed(*state, str_n(copy, b.n), NULL, &back), ERR_OK);
		record_same(&r, &back);
		assert_int_equal(record_unpack(*state, str_n(copy, b.n), NULL, &back), ERR_OK);
		free(copy);
		record_same(&r, &back);
		arena_reset(*state);
	}
	buf_done(&b);
}

static void a_record_has_so_many_octets_and_no_more(void **state)
{
	static char octets[RECORD_DATA_MAX];
	struct value v[5];
	struct record r = {.id = STR("88.118.8/x"), .values = v, .values_n = 5};
	struct buf b = BUF_INIT(RECORD_PACKED_MAX + 1);
	(void)state;
	for (size_t i = 0; i < 5; i++)
		v[i] = (struct value){
		    .index = (uint32_t)i + 1, .type = STR("T"), .data = str_n(octets, 50000)};
	assert_int_equal(record_pack(&r, &b), ERR_OK);
	v[4].data.n += RECORD_PACKED_MAX - b.n;
	buf_clear(&b);
	buf_byte(&b, 0); /* no more room than it needs */
	assert_int_equal(record_pack(&r, &b), ERR_OK);
	assert_int_equal(b.n, 1 + RECORD_PACKED_MAX);
	assert_int_equal(record_room(&r), RECORD_PACKED_MAX);
	v[4].data.n++;
	b.n = 1;
	assert_int_equal(record_pack(&r, &b), ERR_TOO_LARGE);
	assert_int_equal(b.n, 1);
	assert_int_equal(record_room(&r), RECORD_PACKED_MAX + 1);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(lengths_of_any_size_are_written),
	    CASE(a_record_has_so_many_octets_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
