#include "tests/base/cases.h"

#include "base/wire.h"

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	unsigned char room[64];
	struct wire w = wire_writer(room, sizeof room);
	wire_put_u8(&w, 0xfe);
	wire_put_u16(&w, 0x0102);
	wire_put_u32(&w, 0xdeadbeef);
	wire_put_u64(&w, UINT64_MAX - 1);
	wire_put(&w, STR("raw"));
	wire_put_bytes32(&w, STR("counted"));
	wire_put_bytes32(&w, STR_NONE);
	assert_true(wire_ok(&w));
	assert_memory_equal(room, "\xfe\x01\x02\xde\xad\xbe\xef", 7); /* big-endian */

	struct wire r = wire_reader(wire_str(&w));
	assert_int_equal(wire_u8(&r), 0xfe);
	assert_int_equal(wire_u16(&r), 0x0102);
	assert_int_equal(wire_u32(&r), 0xdeadbeef);
	assert_true(wire_u64(&r) == UINT64_MAX - 1);
	assert_str(wire_bytes(&r, 3), "raw");
	assert_str(wire_bytes32(&r, 7), "counted");
	assert_int_equal(wire_bytes32(&r, 0).n, 0);
	assert_true(wire_ok(&r));
	assert_int_equal(wire_left(&r), 0);
}

static void the_first_failure_sticks(void **state)
{
	(void)state;
	struct wire r = wire_reader(STR("\x01\x02\x03"));
	assert_int_equal(wire_u16(&r), 0x0102);
	assert_int_equal(wire_u32(&r), 0);
	assert_false(wire_ok(&r));
	assert_int_equal(r.at, 2);
	assert_int_equal(wire_u8(&r), 0); /* one octet is left, but the message is spoilt */
	assert_null(wire_bytes(&r, 0).p);
	assert_int_equal(r.at, 2);
	assert_int_equal(r.err, ERR_BAD_INPUT);
}

static void a_count_is_checked_before_it_is_believed(void **state)
{
	(void)state;
	struct wire r = wire_reader(STR("\xff\xff\xff\xffxx"));
	assert_null(wire_bytes32(&r, SIZE_MAX).p);
	assert_int_equal(r.err, ERR_BAD_INPUT);
	r = wire_reader(STR("\0\0\0\3abc"));
	assert_null(wire_bytes32(&r, 2).p);
	assert_int_equal(r.err, ERR_TOO_LARGE);
	r = wire_reader(STR_NONE);
	assert_int_equal(wire_bytes(&r, 0).n, 0);
	assert_true(wire_ok(&r));
	assert_null(wire_bytes(&r, 1).p);
	assert_false(wire_ok(&r));
}

static void a_full_span_takes_nothing_more(void **state)
{
	(void)state;
	unsigned char room[8] = {0};
	struct wire w = wire_writer(room, 6);
	wire_put_u32(&w, 1);
	wire_put_u32(&w, 0xffffffff);
	assert_false(wire_ok(&w));
	wire_put_u8(&w, 0xff);
	assert_memory_equal(room, "\0\0\0\1\0\0\0\0", 8);
	assert_int_equal(wire_str(&w).n, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_read_back),
	    cmocka_unit_test(the_first_failure_sticks),
	    cmocka_unit_test(a_count_is_checked_before_it_is_believed),
	    cmocka_unit_test(a_full_span_takes_nothing_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
