/* Header sections of answers, read back by the library's decoder. */
#include <nghttp2/nghttp2.h>

#include "net/hpack.h"
#include "tests/net/fixture.h"

struct field {
	struct str name, value;
};

static void read_back(nghttp2_hd_inflater *in, struct str block, const struct field *want, size_t n)
{
	nghttp2_nv nv;
	const uint8_t *p = (const uint8_t *)block.p;
	size_t left = block.n, got = 0;
	int flags = 0;
	while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
		ssize_t used = nghttp2_hd_inflate_hd2(in, &nv, &flags, p, left, 1);
		assert_true(used >= 0);
		p += used;
		left -= (size_t)used;
		if (!(flags & NGHTTP2_HD_INFLATE_EMIT)) continue;
		assert_true(got < n);
		assert_true(str_eq(str_n(nv.name, nv.namelen), want[got].name));
		assert_true(str_eq(str_n(nv.value, nv.valuelen), want[got].value));
		got++;
	}
	assert_int_equal(left, 0);
	assert_int_equal(got, n);
	nghttp2_hd_inflate_end_headers(in);
}

/* want[0] is the status, the last one the request id. */
static struct str put(struct hpack *h, char *block, const struct field *want, size_t n)
{
	char *to = hpack_status(block, want[0].value.p);
	for (unsigned i = 1; i + 1 < n; i++) to = hpack_field(h, to, i - 1, want[i].name, want[i].value);
	to = hpack_id(h, to, want[n - 1].name, want[n - 1].value);
	return str_n(block, (size_t)(to - block));
}

static void same_answers_are_short(void **state)
{
	(void)state;
	struct hpack h = {0};
	nghttp2_hd_inflater *in;
	char block[1024];
	struct field want[] = {{STR(":status"), STR("200")},
			       {STR("date"), STR("Thu, 26 Nov 2026 01:22:08 GMT")},
			       {STR("content-type"), STR("application/json")},
			       {STR("content-length"), STR("373")},
			       {STR("kanhe-state"), STR("authoritative")},
			       {STR("vary"), STR("accept, accept-language")},
			       {STR("etag"), STR("\"1\"")},
			       {STR("x-request-id"), STR("0123456789abcdef")}};
	enum { N = sizeof want / sizeof *want };
	assert_int_equal(nghttp2_hd_inflate_new(&in), 0);
	read_back(in, put(&h, block, want, N), want, N);
	want[3].value = STR("99");
	want[6].value = STR("\"22\"");
	want[7].value = STR("0123456789abcdeg");
	struct str again = put(&h, block, want, N);
	/* five indexed; two with the name's index; the id with its name in the table */
	assert_int_equal(again.n, 5 + (2 + 1 + 2) + (2 + 1 + 4) + (2 + 1 + 16));
	read_back(in, again, want, N);
	/* what changes once moves the others back by one */
	want[1].value = STR("Thu, 26 Nov 2026 01:22:09 GMT");
	read_back(in, put(&h, block, want, N), want, N);
	assert_int_equal(put(&h, block, want, N).n, again.n);
	read_back(in, put(&h, block, want, N), want, N);
	nghttp2_hd_inflate_del(in);
}

static void statuses(void **state)
{
	(void)state;
	struct hpack h = {0};
	nghttp2_hd_inflater *in;
	char block[256];
	assert_int_equal(nghttp2_hd_inflate_new(&in), 0);
	for (int status = 100; status < 600; status++) {
		char digits[4];
		snprintf(digits, sizeof digits, "%d", status);
		struct field want[] = {{STR(":status"), str_n(digits, 3)}, {STR("x-request-id"), STR("a")}};
		read_back(in, put(&h, block, want, 2), want, 2);
	}
	nghttp2_hd_inflate_del(in);
}

/* Fields of all lengths in any order, at any place, in and out of the table, for a peer whose table is as
 * small as we take it to be. */
static void any_answers(void **state)
{
	(void)state;
	static const char *const names[] = {
	    "date", "etag", "kanhe-node", "kanhe-state", "location", "server", "x-content-type-options",
	    "link"};
	static char values[24][400];
	char block[8192];
	uint32_t seed = 7;
	memset(values, 'v', sizeof values);
	for (uint32_t table = 0; table <= HPACK_TABLE; table += HPACK_TABLE / 2) {
		struct hpack h;
		nghttp2_hd_inflater *in;
		assert_int_equal(nghttp2_hd_inflate_new(&in), 0);
		hpack_reset(&h, table);
		for (int round = 0; round < 3000; round++) {
			struct field want[24] = {{STR(":status"), STR("404")}};
			size_t n = 1;
			seed = seed * 1664525 + 1013904223;
			for (uint32_t bits = seed; n < 2 + (seed >> 28); n++, bits = bits * 69069 + 1) {
				size_t length = (bits >> 8) % (bits & 64 ? 400 : 20);
				values[n][0] = (char)('a' + (bits >> 16) % 3);
				want[n] =
				    (struct field){str_of(names[bits >> 29]), str_n(values[n], length)};
			}
			want[n++] = (struct field){STR("x-request-id"), STR("0123456789abcdef")};
			read_back(in, put(&h, block, want, n), want, n);
		}
		if (table < HPACK_TABLE) assert_int_equal(h.inserted, 0);
		nghttp2_hd_inflate_del(in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(same_answers_are_short),
					   cmocka_unit_test(statuses), cmocka_unit_test(any_answers)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
