/* Streams of records in three forms: what is read, what is refused and where, and that all that a registry
 * may hold survives being written and read again. */
#include "tests/base/cases.h"

#include <stdio.h>

#include "proto/bulk/bulk.h"

static struct arena *arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(64 << 20);
	return !arena;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct bulk_columns columns_of(const char *header)
{
	struct bulk_columns c = {0};
	struct flaw f = {0};
	if (bulk_columns_parse(arena, str_of(header), &f, &c)) fail_msg("%s: %s", header, f.text);
	return c;
}

static void header_names_columns(void **state)
{
	(void)state;
	struct bulk_columns c = columns_of("\xef\xbb\xbf"
					   "DESC,id,7:gs1:pip,2:URL,\"a,b\",ttl,3:ttl,timestamp,values");
	static const struct {
		enum bulk_column_kind kind;
		uint32_t index;
		const char *type;
	} want[] = {{BULK_VALUE, 1, "DESC"}, {BULK_ID, 0, ""},        {BULK_VALUE, 7, "gs1:pip"},
		    {BULK_VALUE, 2, "URL"},  {BULK_VALUE, 4, "a,b"},  {BULK_TTL, 0, ""},
		    {BULK_VALUE, 3, "ttl"},  {BULK_TIMESTAMP, 0, ""}, {BULK_VALUES, 0, ""}};
	assert_int_equal(c.n, sizeof want / sizeof *want);
	for (size_t i = 0; i < c.n; i++) {
		assert_int_equal(c.all[i].kind, want[i].kind);
		assert_int_equal(c.all[i].index, want[i].index);
		assert_true(str_is(c.all[i].type, want[i].type));
	}
}

static void bad_headers_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *header, *rule;
	} table[] = {{"URL,DESC", "id-column"},      {"id,1:URL,1:DESC", "duplicate-index"},
		     {"id,URL,id", "column-twice"},  {"id,0:URL", "index"},
		     {"id,4294967296:URL", "index"}, {"id,,URL", "type"},
		     {"id,\"URL", "quotes"},         {"id,\"URL\"x", "quotes"},
		     {"id,UR\"L", "quotes"},         {"id,\xff", "type"}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct bulk_columns c;
		struct flaw f = {0};
		assert_int_not_equal(bulk_columns_parse(arena, str_of(table[i].header), &f, &c), ERR_OK);
		assert_string_equal(f.rule, table[i].rule);
	}
	struct buf many = BUF_INIT(1 << 20);
	struct bulk_columns c;
	struct flaw f = {0};
	buf_add(&many, STR("id"));
	for (int i = 0; i < BULK_COLUMNS_MAX; i++) buf_printf(&many, ",T%d", i);
	assert_int_equal(bulk_columns_parse(arena, buf_str(&many), &f, &c), ERR_TOO_LARGE);
	assert_string_equal(f.rule, "columns");
	buf_done(&many);
}

static void cells_become_values(void **state)
{
	(void)state;
	struct bulk_columns c = columns_of("id,URL,DESC,ttl,values");
	struct record r;
	struct flaw f = {0};
	assert_int_equal(
	    bulk_record(arena, BULK_CSV, &c,
			STR("88.1/a,\"say \"\"hi\"\", all\",,60,\"[{\"\"index\"\":9,\"\"type\"\":\"\"X\"\","
			    "\"\"data\"\":\"\"d\"\"}]\""),
			&f, &r),
	    ERR_OK);
	assert_true(str_is(r.id, "88.1/a"));
	assert_int_equal(r.values_n, 2);
	assert_true(str_is(r.values[0].data, "say \"hi\", all"));
	assert_int_equal(r.values[0].ttl, 60);
	assert_int_equal(r.values[0].permissions, VALUE_PERMISSIONS);
	assert_int_equal(r.values[1].index, 9);
	assert_int_equal(r.values[1].ttl, VALUE_TTL);
}

static void bad_lines_are_named(void **state)
{
	(void)state;
	struct bulk_columns c = columns_of("id,URL,ttl,timestamp,values");
	static const struct {
		const char *line, *rule;
		size_t offset;
	} table[] = {{"88.1/a,u,,", "columns", FLAW_NO_OFFSET},
		     {"88.1/a,u,,,,x", "columns", FLAW_NO_OFFSET},
		     {"88.1/a,u\",,,", "quotes", 8},
		     {"88.1/a,\"u,,,", "quotes", 7},
		     {"88.1/a,\"u\"x,,,", "quotes", 10},
		     {"88.1/a,u\xff,,,", "utf-8", 1},
		     {"88.1/a,u,1d,,", "number", FLAW_NO_OFFSET},
		     {"88.1/a,u,4294967296,,", "number", FLAW_NO_OFFSET},
		     {"88.1/a,u,,today,", "time", FLAW_NO_OFFSET},
		     {"88.1/a,u,,,\"[{\"\"index\"\":1,\"\"type\"\":\"\"X\"\",\"\"data\"\":\"\"d\"\"}]\"",
		      "duplicate-index", FLAW_NO_OFFSET},
		     {",u,,,", "length", FLAW_NO_OFFSET},
		     {"x\xff,u,,,", "utf-8", 1}};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct record r;
		struct flaw f = {.offset = FLAW_NO_OFFSET};
		enum err e = bulk_record(arena, BULK_CSV, &c, str_of(table[i].line), &f, &r);
		if (!e || strcmp(f.rule, table[i].rule) || f.offset != table[i].offset)
			fail_msg("%s: %s @%zu", table[i].line, f.rule, f.offset);
		assert_int_equal(f.err, e);
		if (table[i].line[0] == '8') assert_true(str_is(r.id, "88.1/a"));
	}
}

/* Each line of the input, whatever the size of the pieces in which it comes. */
static size_t split(enum bulk_form form, struct str input, size_t piece, struct bulk_line *lines,
		    size_t room)
{
	struct bulk_split s = {.form = form};
	size_t at = 0, given = 0, n = 0;
	struct flaw f;
	for (;;) {
		enum err e =
		    bulk_next(&s, str_n(input.p + at, given - at), given == input.n, &f, &lines[n]);
		if (e == ERR_NOT_FOUND && given == input.n) return n;
		if (e == ERR_NOT_FOUND) {
			given = input.n - given > piece ? given + piece : input.n;
			continue;
		}
		assert_int_equal(e, ERR_OK);
		at += lines[n].n;
		if (!lines[n].empty) n++;
		if (n >= room) fail_msg("%zu lines", n);
	}
}

static void lines_end_where_they_end(void **state)
{
	(void)state;
	struct str csv = STR("id,T\r\n\r\na,\"two\nlines \"\"x\"\"\"\nb,5\" pipe\nc,\"d\ne\",f\nlast,x");
	for (size_t piece = 1; piece < csv.n + 2; piece++) {
		struct bulk_line l[10];
		assert_int_equal(split(BULK_CSV, csv, piece, l, 10), 5);
		assert_true(str_is(l[0].octets, "id,T"));
		assert_true(str_is(l[1].octets, "a,\"two\nlines \"\"x\"\"\""));
		assert_int_equal(l[1].lines, 2);
		/* a mark inside a cell opens nothing: the next line is a line of its own */
		assert_true(str_is(l[2].octets, "b,5\" pipe"));
		assert_true(str_is(l[3].octets, "c,\"d\ne\",f"));
		assert_true(str_is(l[4].octets, "last,x"));
	}
}

static void a_line_without_end_is_left_behind(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(4 << 20);
	struct bulk_line l[30];
	buf_add(&b, STR("id,T\na,\"open\n"));
	while (b.n < BULK_LINE_MAX + 20) buf_add(&b, STR("x,y\n"));
	buf_add(&b, STR("last,x\n"));
	size_t n = split(BULK_CSV, buf_str(&b), 65536, l, 30);
	assert_true(n > 4); /* what came after the limit are lines again */
	assert_false(l[0].too_long);
	assert_true(l[1].too_long);
	assert_true(str_is(l[n - 1].octets, "last,x"));
	buf_done(&b);
}

static void messages_have_lengths(void **state)
{
	(void)state;
	struct bulk_split s = {.form = BULK_PROTOBUF};
	struct bulk_line line;
	struct flaw f = {0};
	assert_int_equal(bulk_next(&s, STR("\x03xyz\x02"), false, &f, &line), ERR_OK);
	assert_int_equal(line.n, 4);
	assert_true(str_is(line.octets, "xyz"));
	assert_int_equal(bulk_next(&s, STR("\x02x"), false, &f, &line), ERR_NOT_FOUND);
	/* a message that the end of input cuts is a line that cannot be read, wherever it is cut */
	struct record r;
	struct arena *a = arena_new(1 << 16);
	const struct str cut[] = {STR("\x02x"), STR("\x02"), STR("\x82")};
	for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
		assert_int_equal(bulk_next(&s, cut[i], true, &f, &line), ERR_OK);
		assert_true(line.n == cut[i].n && !line.empty && !line.octets.n && line.lines == 1);
		assert_int_equal(bulk_record(a, BULK_PROTOBUF, NULL, line.octets, &f, &r), ERR_BAD_PROTO);
		assert_string_equal(f.rule, "cut");
	}
	arena_free(a);
	assert_int_equal(bulk_next(&s, STR("\xff\xff\xff\xff\xff\x01"), false, &f, &line), ERR_BAD_PROTO);
	assert_string_equal(f.rule, "length");
	assert_int_equal(bulk_next(&s, STR("\x81\x80\x40"), false, &f, &line), ERR_BAD_PROTO);
}

static void survives_writing(void **state)
{
	(void)state;
	struct reference refs[] = {{STR("0.NA/88.1"), 300}, {STR("88.1/\"odd\""), 1}};
	struct value values[] = {
	    {1, STR("URL"), STR("https://x/?a=\"1\",2"), false, 3600, 1700000000, VALUE_PERMISSIONS, NULL,
	     0},
	    {2, STR("DESC"), STR("水泵\r\nzwei"), false, 3600, 1700000000, VALUE_PERMISSIONS, NULL, 0},
	    {3, STR("DESC"), STR("another age"), false, 3600, 1700000001, VALUE_PERMISSIONS, NULL, 0},
	    {4, STR("BIN"), {"\0\1\xff", 3}, false, 86400, 1700000000, VALUE_PERMISSIONS, NULL, 0},
	    {5, STR("HS_ADMIN"), STR("x"), true, 1900000000, 1700000000, VALUE_ADMIN_READ, refs, 2},
	    {6, STR("EMPTY"), STR(""), false, 0, 1700000000, VALUE_PERMISSIONS, NULL, 0},
	    {7, STR("SECRET"), STR("never"), false, 0, 1700000000, VALUE_ADMIN_WRITE, NULL, 0},
	    {2000, STR(" a,\"b\""), STR(" blank "), false, 3600, 1700000000, VALUE_PERMISSIONS, NULL, 0}};
	struct record r = {.id = STR("88.1/\"a,b\""), .values = values, .values_n = 8, .revision = 3}, back;
	struct bulk_columns c =
	    columns_of("id,1:URL,2:DESC,3:DESC,4:BIN,\"2000: a,\"\"b\"\"\",ttl,timestamp,values");
	struct buf packed = BUF_INIT(RECORD_PACKED_MAX), out = BUF_INIT(1 << 20);
	assert_int_equal(record_pack(&r, &packed), ERR_OK);
	for (enum bulk_form form = BULK_CSV; form <= BULK_PROTOBUF; form++) {
		struct bulk_line l[4];
		struct flaw f = {0};
		buf_clear(&out);
		if (form == BULK_CSV) bulk_write_header(&c, &out);
		assert_int_equal(bulk_write(arena, form, &c, buf_str(&packed), &out), ERR_OK);
		assert_int_equal(buf_err(&out), ERR_OK);
		size_t n = split(form, buf_str(&out), 7, l, 4);
		assert_int_equal(n, form == BULK_CSV ? 2 : 1);
		if (form == BULK_CSV) assert_int_equal(columns_of(arena_strdup(arena, l[0].octets)).n, c.n);
		assert_int_equal(bulk_record(arena, form, &c, l[n - 1].octets, &f, &back), ERR_OK);
		assert_true(str_eq(back.id, r.id));
		assert_int_equal(back.values_n, 7);
		for (size_t i = 0, found = 0; i < 7; i++) {
			const struct value *v = &back.values[i], *w = NULL;
			for (size_t k = 0; k < r.values_n; k++)
				if (values[k].index == v->index) w = &values[k];
			assert_non_null(w);
			assert_true(w->permissions != VALUE_ADMIN_WRITE);
			assert_true(str_eq(v->type, w->type) && str_eq(v->data, w->data));
			assert_int_equal(v->ttl, w->ttl);
			assert_int_equal(v->ttl_absolute, w->ttl_absolute);
			assert_int_equal(v->timestamp, w->timestamp);
			assert_int_equal(v->permissions, w->permissions);
			assert_int_equal(v->references_n, w->references_n);
			for (size_t k = 0; k < v->references_n; k++)
				assert_true(str_eq(v->references[k].handle, refs[k].handle) &&
					    v->references[k].index == refs[k].index);
			found++;
		}
	}
	/* what columns can say stands in them */
	buf_clear(&out);
	assert_int_equal(bulk_write(arena, BULK_CSV, &c, buf_str(&packed), &out), ERR_OK);
	assert_true(str_starts(
	    buf_str(&out),
	    STR("\"88.1/\"\"a,b\"\"\",\"https://x/?a=\"\"1\"\",2\",\"水泵\r\nzwei\",,,\" blank \",3600,"
		"2023-11-14T22:13:20Z,\"[{\"\"index\"\":3,")));
	buf_done(&packed);
	buf_done(&out);
}

static void digest_does_not_depend_on_cuts(void **state)
{
	(void)state;
	struct bulk_chain whole = {.rest_n = 0};
	unsigned char want[HASH_SHA256], got[HASH_SHA256], one[HASH_SHA256 + 3] = {0};
	char octets[10000];
	for (size_t i = 0; i < sizeof octets; i++) octets[i] = (char)(i * 7 % 253);
	bulk_chain_add(&whole, str_n(octets, sizeof octets));
	bulk_chain_digest(&whole, want);
	for (size_t piece = 1; piece < sizeof octets; piece = piece * 3 + 1) {
		struct bulk_chain c = {.rest_n = 0};
		for (size_t at = 0; at < sizeof octets; at += piece)
			bulk_chain_add(&c, str_first(str_n(octets + at, sizeof octets - at), piece));
		bulk_chain_digest(&c, got);
		assert_memory_equal(got, want, sizeof want);
	}
	struct bulk_chain small = {.rest_n = 0};
	bulk_chain_digest(&small, got);
	memset(want, 0, sizeof want);
	assert_memory_equal(got, want, sizeof want);
	bulk_chain_add(&small, STR("abc"));
	bulk_chain_digest(&small, got);
	memcpy(one + HASH_SHA256, "abc", 3);
	hash_sha256(str_n(one, sizeof one), want);
	assert_memory_equal(got, want, sizeof want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(header_names_columns),
	    cmocka_unit_test(bad_headers_are_named),
	    cmocka_unit_test(cells_become_values),
	    cmocka_unit_test(bad_lines_are_named),
	    cmocka_unit_test(lines_end_where_they_end),
	    cmocka_unit_test(a_line_without_end_is_left_behind),
	    cmocka_unit_test(messages_have_lengths),
	    cmocka_unit_test(survives_writing),
	    cmocka_unit_test(digest_does_not_depend_on_cuts),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
