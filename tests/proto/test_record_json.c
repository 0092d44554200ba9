#include "tests/proto/cases.h"

#include "base/json.h"
#include "proto/pb/record.h"

static struct record parsed(struct arena *a, const char *text)
{
	json_t *j;
	struct record r;
	struct flaw f;
	if (json_read(a, str_of(text), &f, &j)) fail_msg("%s: %s", text, f.text);
	if (record_parse_json(a, j, &f, &r)) fail_msg("%s refused: %s %s", text, f.at, f.text);
	return r;
}

static void refused(struct arena *a, const char *text, const char *at, const char *rule)
{
	json_t *j;
	struct record r;
	struct flaw f = {0};
	assert_int_equal(json_read(a, str_of(text), &f, &j), ERR_OK);
	assert_int_equal(record_parse_json(a, j, &f, &r), ERR_BAD_MESSAGE);
	if (strcmp(f.at, at) || (rule && strcmp(f.rule, rule)) || f.text[0] == ' ')
		fail_msg("%s: at %s rule %s: \"%s\"", text, f.at, f.rule, f.text);
}

static struct str printed(struct arena *a, const struct record *r, enum record_view view)
{
	struct buf packed = BUF_INIT(RECORD_PACKED_MAX), out = BUF_INIT(4 << 20);
	assert_int_equal(record_pack(r, &packed), ERR_OK);
	char *copy = exact(buf_str(&packed));
	assert_int_equal(record_write_json(str_n(copy, packed.n), view, &out), ERR_OK);
	free(copy);
	struct str s = arena_dup(a, buf_str(&out));
	buf_done(&packed);
	buf_done(&out);
	return s;
}

static void a_record_reads_as_expected(void **state)
{
	struct record r = parsed(
	    *state, "{\"id\":\"88.118.8/x\",\"values\":["
		    "{\"index\":3,\"type\":\"URL\",\"data\":{\"format\":\"string\",\"value\":\"u\"}},"
		    "{\"type\":\"DESC\",\"data\":\"\xe4\xb8\xad\\n\\\"q\\\"\",\"ttl\":5},"
		    "{\"type\":\"BIN\",\"data\":{\"format\":\"hex\",\"value\":\"00FF\"},"
		    "\"ttl\":\"2030-01-01T00:00:00Z\",\"permissions\":\"1101\"},"
		    "{\"type\":\"B64\",\"data\":{\"format\":\"base64\",\"value\":\"AAEC\"},"
		    "\"timestamp\":\"2025-11-24T16:00:00Z\","
		    "\"references\":[{\"handle\":\"0.NA/88\",\"index\":300}]}]}");
	assert_int_equal(r.values_n, 4);
	assert_int_equal(r.values[0].index, 3);
	assert_int_equal(r.values[1].index, 1);
	assert_int_equal(r.values[2].index, 2);
	assert_int_equal(r.values[3].index, 4);
	assert_int_equal(r.values[0].permissions, 0x0e);
	assert_int_equal(r.values[0].ttl, 86400);
	assert_int_equal(r.values[2].permissions, 0x0d);
	assert_true(r.values[2].ttl_absolute && r.values[2].ttl == 1893456000);
	r.modified = 1764000001 * USEC_PER_SEC;
	r.revision = 2;
	r.owner = STR("\x01"
		      "88.");
	struct str all = printed(*state, &r, RECORD_ADMIN);
	assert_str(
	    all,
	    "{\"id\":\"88.118.8/x\",\"scheme\":\"handle\",\"revision\":2,"
	    "\"modified\":\"2025-11-24T16:00:01Z\",\"values\":["
	    "{\"index\":3,\"type\":\"URL\",\"data\":{\"format\":\"string\",\"value\":\"u\"},\"ttl\":86400,"
	    "\"timestamp\":\"1970-01-01T00:00:00Z\"},"
	    "{\"index\":1,\"type\":\"DESC\",\"data\":{\"format\":\"string\",\"value\":"
	    "\"\xe4\xb8\xad\\n\\\"q\\\"\"},"
	    "\"ttl\":5,\"timestamp\":\"1970-01-01T00:00:00Z\"},"
	    "{\"index\":2,\"type\":\"BIN\",\"data\":{\"format\":\"base64\",\"value\":\"AP8=\"},"
	    "\"ttl\":\"2030-01-01T00:00:00Z\",\"timestamp\":\"1970-01-01T00:00:00Z\",\"permissions\":"
	    "\"1101\"},"
	    "{\"index\":4,\"type\":\"B64\",\"data\":{\"format\":\"base64\",\"value\":\"AAEC\"},\"ttl\":"
	    "86400,"
	    "\"timestamp\":\"2025-11-24T16:00:00Z\","
	    "\"references\":[{\"handle\":\"0.NA/88\",\"index\":300}]}]}");
	struct str open = printed(*state, &r, RECORD_PUBLIC);
	assert_null(memmem(open.p, open.n, "\"BIN\"", 5));
	assert_non_null(memmem(open.p, open.n, "\"B64\"", 5));
	/* what is shown can be registered again */
	struct record back = parsed(*state, arena_strdup(*state, all));
	assert_int_equal(back.values_n, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_true(str_eq(back.values[i].data, r.values[i].data));
		assert_int_equal(back.values[i].timestamp, r.values[i].timestamp);
		assert_int_equal(back.values[i].permissions, r.values[i].permissions);
	}
}

static void every_octet_survives_the_json_face(void **state)
{
	/* each octet alone at each place of a word, amid plain text: string or base64, never lost */
	for (unsigned c = 0; c < 256; c++)
		for (size_t place = 0; place < 18; place++) {
			char data[18];
			json_t *j;
			struct flaw f;
			struct record back;
			memset(data, 'a', sizeof data);
			data[place] = (char)c;
			struct value v = {.index = 1,
					  .type = STR("T"),
					  .data = str_n(data, sizeof data),
					  .permissions = 0x0e};
			struct record r = {.id = STR("88/x"), .values = &v, .values_n = 1};
			struct str s = printed(*state, &r, RECORD_PUBLIC);
			if (json_read(*state, s, &f, &j)) fail_msg("octet %u: %s", c, f.text);
			assert_int_equal(record_parse_json(*state, j, &f, &back), ERR_OK);
			assert_true(str_eq(back.values[0].data, v.data));
			arena_reset(*state);
		}
}

static void times_agree_with_the_clock(void **state)
{
	static const int64_t seconds[] = {0,          951782399,   951782400,   951868800,
					  1078012800, 1709164800,  4107542400,  4102444799,
					  1764000001, 13569465600, 253402300799};
	for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
		char text[CLOCK_TEXT];
		struct value v = {
		    .index = 1, .type = STR("T"), .timestamp = (uint64_t)seconds[i], .permissions = 2};
		struct record r = {
		    .id = STR("88/x"), .values = &v, .values_n = 1, .modified = seconds[i] * USEC_PER_SEC};
		struct str s = printed(*state, &r, RECORD_PUBLIC);
		clock_print(seconds[i] * USEC_PER_SEC, false, text);
		char *first = memmem(s.p, s.n, text, strlen(text));
		if (!first) fail_msg("%s not in %.*s", text, STR_ARG(s));
		assert_non_null(memmem(first + 1, (size_t)(s.p + s.n - first - 1), text, strlen(text)));
	}
}

static void retired_and_gs1_are_said(void **state)
{
	struct record r = {.id = STR("https://id.gs1.org/01/09506000134352"), .status = RECORD_RETIRED};
	assert_str(printed(*state, &r, RECORD_PUBLIC),
		   "{\"id\":\"https://id.gs1.org/01/09506000134352\",\"scheme\":\"gs1\",\"revision\":0,"
		   "\"modified\":\"1970-01-01T00:00:00Z\",\"status\":\"retired\",\"values\":[]}");
}

static void a_full_buffer_leaves_nothing(void **state)
{
	(void)state;
	struct value v = {.index = 1, .type = STR("T"), .data = STR("data"), .permissions = 2};
	struct record r = {.id = STR("88/x"), .values = &v, .values_n = 1};
	struct buf packed = BUF_INIT(1000);
	assert_int_equal(record_pack(&r, &packed), ERR_OK);
	for (size_t max = 1; max < 700; max += 13) {
		struct buf out = BUF_INIT(max);
		enum err e = record_write_json(buf_str(&packed), RECORD_PUBLIC, &out);
		assert_true(e == ERR_OK || (e == ERR_TOO_LARGE && out.n == 0));
		buf_done(&out);
	}
	buf_done(&packed);
}

#define V(members) "{\"id\":\"88/x\",\"values\":[{" members "}]}"
#define D "\"data\":\"d\","

static void refusals_name_the_member(void **state)
{
	refused(*state, "[]", "", "type");
	refused(*state, "{\"values\":[]}", "id", NULL);
	refused(*state, "{\"id\":7,\"values\":[]}", "id", NULL);
	refused(*state, "{\"id\":\"\",\"values\":[]}", "id", "empty");
	refused(*state, "{\"id\":\"88/x\"}", "values", NULL);
	refused(*state, "{\"id\":\"88/x\",\"vlaues\":[],\"values\":[]}", "vlaues", "unknown-member");
	refused(*state, "{\"id\":\"88/x\",\"values\":[7]}", "values[0]", "type");
	refused(*state, V("\"data\":\"d\""), "values[0].type", NULL);
	refused(*state, V("\"type\":\"\",\"data\":\"d\""), "values[0].type", "length");
	refused(*state, V("\"type\":\"T\""), "values[0].data", NULL);
	refused(*state, V("\"type\":\"T\",\"data\":{\"format\":\"utf9\",\"value\":\"\"}"),
		"values[0].data.format", "value");
	refused(*state, V("\"type\":\"T\",\"data\":{\"format\":\"hex\",\"value\":\"0\"}"),
		"values[0].data.value", "format");
	refused(*state, V("\"type\":\"T\",\"data\":{\"format\":\"base64\",\"value\":\"A\"}"),
		"values[0].data.value", "format");
	refused(*state, V("\"type\":\"T\",\"data\":{\"format\":\"string\",\"vlaue\":\"A\"}"),
		"values[0].data.vlaue", "unknown-member");
	refused(*state, V(D "\"type\":\"T\",\"index\":0"), "values[0].index", "range");
	refused(*state, V(D "\"type\":\"T\",\"index\":4294967296"), "values[0].index", "range");
	refused(*state, V(D "\"type\":\"T\",\"ttl\":4294967296"), "values[0].ttl", "range");
	refused(*state, V(D "\"type\":\"T\",\"ttl\":\"soon\""), "values[0].ttl", "time");
	refused(*state, V(D "\"type\":\"T\",\"permissions\":\"111\""), "values[0].permissions", "format");
	refused(*state, V(D "\"type\":\"T\",\"references\":[{\"handle\":\"\",\"index\":1}]"),
		"values[0].references[0].handle", "length");
	refused(*state, V(D "\"type\":\"T\",\"references\":[{\"handle\":\"h\"}]"),
		"values[0].references[0].index", NULL);
	refused(*state, V(D "\"type\":\"T\",\"index\":1},{" D "\"type\":\"T\",\"index\":1"),
		"values[1].index", "duplicate-index");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_record_reads_as_expected),   CASE(every_octet_survives_the_json_face),
	    CASE(times_agree_with_the_clock),   CASE(retired_and_gs1_are_said),
	    CASE(a_full_buffer_leaves_nothing), CASE(refusals_name_the_member),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
