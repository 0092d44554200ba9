#include "tests/base/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/say.h"

static const struct conf_row rows[] = {
    {"node", "name", CONF_TEXT, "kanhe", 0, 20, NULL, "name of the node", "节点名称"},
    {"node", "data", CONF_PATH, "data", 0, 0, NULL, "folder of the data", "数据目录"},
    {"net", "https", CONF_LISTEN, "127.0.0.1:8443", 0, 0, NULL, "TLS", NULL},
    {"net", "shards", CONF_NUMBER, "1", 0, 64, NULL, "threads\n0: one per core", NULL},
    {"net", "bias", CONF_NUMBER, "-1", -5, 5, NULL, NULL, NULL},
    {"net", "body_max", CONF_SIZE, "1 MiB", 1024, INT64_C(1) << 40, NULL, "largest body", NULL},
    {"net", "patience", CONF_DURATION, "5 s", 1000, 0, NULL, "deadline", NULL},
    {"log", "level", CONF_CHOICE, "info", 0, 0, "error|warn|info|debug", "what is logged", NULL},
    {"log", "colour", CONF_SWITCH, "no", 0, 0, NULL, NULL, NULL},
    {"trust", "anchors", CONF_LIST, "", 0, 4000, NULL, "DIDs", NULL},
    {"node", "home", CONF_PATH, "", 0, 0, NULL, NULL, NULL}, /* apart from its section's rows */
};

static const struct conf_row required[] = {
    {"a", "x", CONF_TEXT, NULL, 0, 0, NULL, NULL, NULL},
    {"a", "y", CONF_NUMBER, NULL, 0, 9, NULL, NULL, NULL},
};

static char folder[64], file[128];
static struct buf errors;

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "%s", "/tmp/kanhe-conf-XXXXXX");
	if (!mkdtemp(folder)) return 1;
	snprintf(file, sizeof file, "%s/k.conf", folder);
	buf_init(&errors, 1 << 20);
	say_set_language(SAY_EN);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(file);
	rmdir(folder);
	buf_done(&errors);
	return 0;
}

static void write_file(struct str text)
{
	FILE *f = fopen(file, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(text.p ? text.p : "", 1, text.n, f), text.n);
	assert_int_equal(fclose(f), 0);
}

static struct conf *load(struct str text, const char *const *sets, size_t n)
{
	struct conf *c = NULL;
	write_file(text);
	buf_clear(&errors);
	enum err e = conf_load(rows, COUNT(rows), file, sets, n, &errors, &c);
	if (e) print_error("%.*s", STR_ARG(buf_str(&errors)));
	assert_int_equal(e, ERR_OK);
	assert_int_equal(errors.n, 0);
	return c;
}

/* Loads what must be refused; the errors without the file's folder. */
static struct str refused(struct str text)
{
	struct conf *c = NULL;
	write_file(text);
	buf_clear(&errors);
	assert_int_equal(conf_load(rows, COUNT(rows), file, NULL, 0, &errors, &c), ERR_BAD_CONF);
	assert_null(c);
	static char out[8192];
	size_t n = 0, skip = strlen(folder) + 1;
	for (size_t i = 0; i < errors.n;) {
		if (str_starts(str_skip(buf_str(&errors), i), str_of(folder))) i += skip;
		assert_true(n < sizeof out);
		out[n++] = errors.p[i++];
	}
	return str_n(out, n);
}

static void defaults_hold_without_a_file(void **state)
{
	(void)state;
	struct conf *c;
	const char *const *items;
	assert_int_equal(conf_load(rows, COUNT(rows), NULL, NULL, 0, &errors, &c), ERR_OK);
	assert_string_equal(conf_text(c, "node", "name"), "kanhe");
	char here[4096], want[4200];
	assert_non_null(getcwd(here, sizeof here));
	snprintf(want, sizeof want, "%s/data", here);
	assert_string_equal(conf_text(c, "node", "data"), want);
	assert_string_equal(conf_text(c, "node", "home"), "");
	assert_int_equal(conf_number(c, "net", "body_max"), 1 << 20);
	assert_int_equal(conf_number(c, "net", "patience"), 5 * USEC_PER_SEC);
	assert_int_equal(conf_number(c, "net", "bias"), -1);
	assert_false(conf_switch(c, "log", "colour"));
	assert_int_equal(conf_list(c, "trust", "anchors", &items), 0);
	assert_int_equal(conf_where(c, "log", "level"), CONF_STANDARD);
	conf_free(c);
	conf_free(NULL);
}

static void every_kind_is_read(void **state)
{
	(void)state;
	const char *const *items;
	struct conf *c = load(STR("\xef\xbb\xbf# a comment\r\n"
				  "[node]\r\n"
				  "name = 勘合 #1 ; not part of it\r\n"
				  "data: ./d/e\r\n"
				  "home = /srv\r\n"
				  "[net]\n"
				  "https = [::1]:443\n"
				  "shards=64\n"
				  "bias = -5\n"
				  "body_max = 3KiB\n"
				  "patience = 250 ms\n"
				  "; another\n"
				  "\n"
				  "[log]\n"
				  "level = debug\n"
				  "colour = yes\n"
				  "[trust]\n"
				  "anchors = did:web:a, did:web:b\n"
				  "\tdid:web:c did:web:d,\n"
				  "  # between\n"
				  "  did:web:e"),
			      NULL, 0);
	char want[128];
	assert_string_equal(conf_text(c, "node", "name"), "勘合 #1");
	snprintf(want, sizeof want, "%s/d/e", folder);
	assert_string_equal(conf_text(c, "node", "data"), want);
	assert_string_equal(conf_text(c, "node", "home"), "/srv");
	assert_string_equal(conf_text(c, "net", "https"), "[::1]:443");
	assert_int_equal(conf_number(c, "net", "shards"), 64);
	assert_int_equal(conf_number(c, "net", "bias"), -5);
	assert_int_equal(conf_number(c, "net", "body_max"), 3072);
	assert_int_equal(conf_number(c, "net", "patience"), 250000);
	assert_string_equal(conf_text(c, "log", "level"), "debug");
	assert_true(conf_switch(c, "log", "colour"));
	assert_int_equal(conf_list(c, "trust", "anchors", &items), 5);
	assert_string_equal(items[0], "did:web:a");
	assert_string_equal(items[4], "did:web:e");
	assert_int_equal(conf_where(c, "trust", "anchors"), CONF_FILE);
	conf_free(c);
}

static void each_error_names_its_line(void **state)
{
	(void)state;
	assert_str(
	    refused(STR("[node]\n"
			"name = aaaaaaaaaaaaaaaaaaaaa\n"
			"nmae = x\n"
			"what is this\n"
			"[net]\n"
			"https = 8443\n"
			"shards = 65\n"
			"shards = 2\n"
			"bias = 1.5\n"
			"body_max = 3 KB\n"
			"patience = 10\n"
			"[log\n"
			"[log]\n"
			"level = loud\n"
			"colour = true\n"
			"  continued\n"
			"[trust]\n"
			"zzz = 1\n")),
	    "k.conf:2: node.name: must have from 0 to 20 octets\n"
	    "k.conf:3: node.nmae: no such setting; did you mean node.name?\n"
	    "k.conf:4: expected [section], key = value or a comment\n"
	    "k.conf:6: net.https: expected host:port, [v6]:port or off\n"
	    "k.conf:7: net.shards: must be from 0 to 64\n"
	    "k.conf:8: net.shards: set twice, first in line 7\n"
	    "k.conf:9: net.bias: expected a whole number\n"
	    "k.conf:10: net.body_max: expected a size such as 512, 64 KiB, 10 MiB, 2 GiB\n"
	    "k.conf:11: net.patience: expected a duration such as 250 ms, 5 s, 10 m, 2 h, 30 d\n"
	    "k.conf:12: expected [section], key = value or a comment\n"
	    "k.conf:14: log.level: expected one of error|warn|info|debug\n"
	    "k.conf:16: log.colour: an indented line continues the value above it, which only lists may "
	    "have\n"
	    "k.conf:15: log.colour: expected yes or no\n"
	    "k.conf:18: trust.zzz: no such setting\n");
}

static void what_no_file_could_say_is_refused(void **state)
{
	(void)state;
	assert_str(refused(STR("[node]\nname = a\x01z\ndata = \xff\n")),
		   "k.conf:2: node.name: holds a control character or ill-formed UTF-8\n"
		   "k.conf:3: node.data: holds a control character or ill-formed UTF-8\n");
	assert_str(refused(STR("[node]\nname = a\0z\n")), "k.conf:2: the line holds a NUL octet\n");
	static const char *const sets[] = {"node.name=a\nb", "node.name=a ;b", "node.name=;b"};
	write_file(STR(""));
	for (size_t i = 0; i < COUNT(sets); i++) {
		struct conf *c;
		buf_clear(&errors);
		assert_int_equal(conf_load(rows, COUNT(rows), file, &sets[i], 1, &errors, &c),
				 ERR_BAD_CONF);
		assert_true(str_starts(buf_str(&errors), STR("--set: node.name: ")));
	}
}

static void listening_addresses(void **state)
{
	(void)state;
	static const char *const good[] = {"off", "localhost:0", "0.0.0.0:65535", "[::]:1",
					   "a-b.example:80"};
	static const char *const bad[] = {
	    "",       ":80",          "host",     "host:",      "host:65536", "host:-1",
	    "::1:80", "[::1]",        "[::g]:80", "[]:80",      "a b:80",     "host:80x",
	    "[:80",   "[1.2.3.4]:80", "OFF",      "http://a:80"};
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		bool is_good = i < COUNT(good);
		char set[64];
		const char *sets[] = {set};
		struct conf *c = NULL;
		snprintf(set, sizeof set, "net.https=%s", is_good ? good[i] : bad[i - COUNT(good)]);
		buf_clear(&errors);
		enum err e = conf_load(rows, COUNT(rows), NULL, sets, 1, &errors, &c);
		if (e != (is_good ? ERR_OK : ERR_BAD_CONF)) fail_msg("%s: %s", set, err_name(e));
		conf_free(c);
	}
}

static void numbers_have_bounds(void **state)
{
	(void)state;
	static const struct {
		const char *set, *error; /* NULL: fine */
	} cases[] = {
	    {"net.body_max=1024", NULL},
	    {"net.body_max=1023", "--set: net.body_max: must be from 1 KiB to 1 TiB\n"},
	    {"net.body_max=1 TiB", NULL},
	    {"net.body_max=1025 GiB", "--set: net.body_max: must be from 1 KiB to 1 TiB\n"},
	    {"net.patience=106751991 d", NULL},
	    {"net.patience=106751992 d", /* more than 2^63 microseconds */
	     "--set: net.patience: expected a duration such as 250 ms, 5 s, 10 m, 2 h, 30 d\n"},
	    {"net.patience=999 us", "--set: net.patience: must be at least 1 ms\n"},
	    {"net.patience=0", "--set: net.patience: must be at least 1 ms\n"},
	    {"net.shards=-1", "--set: net.shards: must be from 0 to 64\n"},
	    {"net.bias=-6", "--set: net.bias: must be from -5 to 5\n"},
	    {"net.shards=99999999999999999999", "--set: net.shards: expected a whole number\n"},
	    {"net.shards=", "--set: net.shards: expected a whole number\n"},
	    {"net.shards=4 # cores", "--set: net.shards: '#' begins a comment only on a line of its own; "
				     "behind a value it is ';'\n"},
	    {"net.shards", "--set: expected section.key=value\n"},
	    {"shards=1", "--set: expected section.key=value\n"},
	    {"net.shard=1", "--set: net.shard: no such setting; did you mean net.shards?\n"},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct conf *c = NULL;
		buf_clear(&errors);
		enum err e = conf_load(rows, COUNT(rows), NULL, &cases[i].set, 1, &errors, &c);
		assert_int_equal(e, cases[i].error ? ERR_BAD_CONF : ERR_OK);
		assert_str(buf_str(&errors), cases[i].error ? cases[i].error : "");
		conf_free(c);
	}
}

static void the_later_source_wins(void **state)
{
	(void)state;
	static const char *const sets[] = {"net.shards=4", "log.level = warn "};
	setenv("KANHE_NET_SHARDS", "3", 1);
	setenv("KANHE_NET_BODY_MAX", "4 KiB", 1);
	struct conf *c = load(STR("[net]\nshards = 2\nbody_max = 2 KiB\nbias = 3\n"), sets, COUNT(sets));
	assert_int_equal(conf_number(c, "net", "shards"), 4);
	assert_int_equal(conf_where(c, "net", "shards"), CONF_ARGUMENT);
	assert_int_equal(conf_number(c, "net", "body_max"), 4096);
	assert_int_equal(conf_where(c, "net", "body_max"), CONF_ENVIRONMENT);
	assert_int_equal(conf_where(c, "net", "bias"), CONF_FILE);
	assert_int_equal(conf_where(c, "net", "patience"), CONF_STANDARD);
	assert_string_equal(conf_text(c, "log", "level"), "warn");
	static const char *const places[][2] = {{"net.shards", "--set"},
						{"net.body_max", "KANHE_NET_BODY_MAX"},
						{"net.bias", "k.conf:4"},
						{"net.patience", "k.conf"},
						{"nothing", "k.conf"}};
	for (size_t i = 0; i < COUNT(places); i++) {
		char place[200];
		conf_place(c, str_of(places[i][0]), place, sizeof place);
		assert_true(str_ends(str_of(place), str_of(places[i][1])));
	}
	conf_free(c);

	/* overridden or not, a wrong line refuses the file */
	assert_str(refused(STR("[net]\nshards = many\n")),
		   "k.conf:2: net.shards: expected a whole number\n");
	setenv("KANHE_NET_BODY_MAX", "x", 1);
	assert_true(str_starts(refused(STR("")), STR("KANHE_NET_BODY_MAX: net.body_max: expected a size")));
	unsetenv("KANHE_NET_SHARDS");
	unsetenv("KANHE_NET_BODY_MAX");
}

static void a_required_setting_must_be_there(void **state)
{
	(void)state;
	struct conf *c = NULL;
	static const char *const one[] = {"a.x=1", "a.y=2"};
	assert_int_equal(conf_load(required, 2, NULL, NULL, 0, &errors, &c), ERR_BAD_CONF);
	assert_str(buf_str(&errors), "a.x: must be set\na.y: must be set\n");
	buf_clear(&errors);
	assert_int_equal(conf_load(required, 2, NULL, one, 1, &errors, &c), ERR_BAD_CONF);
	assert_str(buf_str(&errors), "a.y: must be set\n");
	buf_clear(&errors);
	assert_int_equal(conf_load(required, 2, NULL, one, 2, &errors, &c), ERR_OK);
	conf_free(c);
	static const char *const empty[] = {"a.x=", "a.y=2"};
	assert_int_equal(conf_load(required, 2, NULL, empty, 2, &errors, &c), ERR_BAD_CONF);
}

static void a_file_that_is_not_there(void **state)
{
	(void)state;
	struct conf *c = NULL;
	char want[200];
	assert_int_equal(conf_load(rows, COUNT(rows), file, NULL, 0, &errors, &c), ERR_NOT_FOUND);
	snprintf(want, sizeof want, "%s: no such file\n", file);
	assert_str(buf_str(&errors), want);
	buf_clear(&errors);
	assert_int_equal(conf_load(rows, COUNT(rows), "/no/such/folder/k.conf", NULL, 0, &errors, &c),
			 ERR_NOT_FOUND);
	assert_int_equal(conf_load(rows, COUNT(rows), folder, NULL, 0, &errors, &c), ERR_IO);
	static char big[(1 << 20) + 1];
	memset(big, '#', sizeof big);
	write_file(str_n(big, sizeof big));
	assert_int_equal(conf_load(rows, COUNT(rows), file, NULL, 0, &errors, &c), ERR_BAD_CONF);
}

static void lines_longer_than_the_parser_takes(void **state)
{
	(void)state;
	const char *const *items;
	struct buf b = BUF_INIT(100000);
	buf_add(&b, STR("# "));
	for (int i = 0; i < 300; i++) buf_add(&b, STR("x = 1 "));
	buf_add(&b, STR("\n[trust]\nanchors = "));
	for (int i = 0; i < 150; i++) buf_printf(&b, "did:web:host-%03d#k, ", i);
	buf_add(&b, STR(" ; and a comment"));
	for (int i = 0; i < 300; i++) buf_add(&b, STR(" of some length"));
	buf_add(&b, STR("\n[node]\ndata = /"));
	for (int i = 0; i < 100; i++) buf_printf(&b, "%03d=;#/ ", i); /* where no cut may be */
	buf_add(&b, STR("end\n[net]\nshards = 7\n"));
	struct conf *c = load(buf_str(&b), NULL, 0);
	char want[1000];
	assert_int_equal(conf_list(c, "trust", "anchors", &items), 150);
	for (int i = 0; i < 150; i++) {
		snprintf(want, sizeof want, "did:web:host-%03d#k", i);
		assert_string_equal(items[i], want);
	}
	size_t n = 1;
	want[0] = '/';
	for (int i = 0; i < 100; i++) n += (size_t)snprintf(want + n, sizeof want - n, "%03d=;#/ ", i);
	snprintf(want + n, sizeof want - n, "end");
	assert_string_equal(conf_text(c, "node", "data"), want);
	assert_int_equal(conf_number(c, "net", "shards"), 7);
	conf_free(c);
	buf_clear(&b);
	buf_add(&b, STR("[trust]\nanchors ="));
	for (int i = 0; i < 150; i++) buf_add(&b, STR(" a"));
	buf_add(&b, STR("\n[net]\nshards = x\n"));
	assert_str(refused(buf_str(&b)),
		   "k.conf:2: the line is longer than 200 octets and has no place to be split\n"
		   "k.conf:4: net.shards: expected a whole number\n");
	buf_done(&b);
}

/* The settings of a printed configuration, without its comments. */
static void settings(struct str printed, struct buf *out)
{
	struct str line;
	while (str_split(&printed, '\n', &line))
		if (!str_starts(line, STR("#"))) buf_printf(out, "%.*s\n", STR_ARG(line));
}

static void what_is_printed_loads_as_the_same(void **state)
{
	(void)state;
	static const char *const sets[] = {
	    "node.name=  # \xe5\x8b\x98=:[x] ",
	    "net.patience=90s",
	    "log.colour=yes",
	    "net.https=off",
	    "trust.anchors=did:web:a#1,did:web:b;x\tc",
	};
	for (int round = 0; round < 4; round++) {
		struct buf first = BUF_INIT(1 << 20), second = BUF_INIT(1 << 20), a = BUF_INIT(1 << 20),
			   b = BUF_INIT(1 << 20);
		say_set_language(round & 2 ? SAY_ZH : SAY_EN);
		struct conf *c = load(STR("[node]\ndata = x y/z\n"), sets, COUNT(sets));
		conf_print(c, round & 1, &first);
		assert_string_equal(conf_text(c, "node", "name"), "# \xe5\x8b\x98=:[x]");
		conf_free(c);
		c = load(buf_str(&first), NULL, 0);
		conf_print(c, round & 1, &second);
		assert_int_equal(conf_number(c, "net", "patience"), 90 * USEC_PER_SEC);
		assert_string_equal(conf_text(c, "node", "name"), "# \xe5\x8b\x98=:[x]");
		conf_free(c);
		settings(buf_str(&first), &a);
		settings(buf_str(&second), &b);
		assert_true(a.n > 200);
		assert_true(str_eq(buf_str(&a), buf_str(&b)));
		buf_done(&first);
		buf_done(&second);
		buf_done(&a);
		buf_done(&b);
	}
}

static void printing_tells_where_from(void **state)
{
	(void)state;
	static const char *const sets[] = {"log.level=debug"};
	struct buf out = BUF_INIT(1 << 20);
	char want[256];
	setenv("KANHE_LOG_COLOUR", "yes", 1);
	struct conf *c = load(STR("[net]\n\nshards = 2\n"), sets, 1);
	conf_print(c, true, &out);
	buf_byte(&out, 0);
	snprintf(want, sizeof want, "# threads\n# 0: one per core\n# from %s:3\nshards = 2\n", file);
	assert_non_null(strstr(out.p, want));
	assert_non_null(strstr(out.p, "# from the defaults\nbias = -1\n"));
	assert_non_null(strstr(out.p, "# from the command line\nlevel = debug\n"));
	assert_non_null(strstr(out.p, "# from the environment: KANHE_LOG_COLOUR\ncolour = yes\n"));
	assert_ptr_equal(strstr(strstr(out.p, "[node]") + 1, "[node]"), NULL);
	unsetenv("KANHE_LOG_COLOUR");

	buf_clear(&out);
	conf_print_json(c, &out);
	json_error_t why;
	json_t *j = json_loadb(out.p, out.n, JSON_REJECT_DUPLICATES, &why);
	assert_non_null(j);
	json_t *net = json_object_get(j, "net"), *shards = json_object_get(net, "shards");
	assert_int_equal(json_integer_value(json_object_get(shards, "value")), 2);
	assert_string_equal(json_string_value(json_object_get(shards, "source")), "file");
	json_t *size = json_object_get(json_object_get(net, "body_max"), "value");
	assert_int_equal(json_integer_value(size), 1 << 20);
	json_t *log = json_object_get(j, "log");
	assert_true(json_is_true(json_object_get(json_object_get(log, "colour"), "value")));
	assert_int_equal(json_array_size(json_object_get(
			     json_object_get(json_object_get(j, "trust"), "anchors"), "value")),
			 0);
	assert_non_null(json_object_get(json_object_get(j, "node"), "home"));
	json_decref(j);
	conf_free(c);
	buf_done(&out);
}

#define WITH_FILE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_FILE(defaults_hold_without_a_file),
	    WITH_FILE(every_kind_is_read),
	    WITH_FILE(each_error_names_its_line),
	    WITH_FILE(what_no_file_could_say_is_refused),
	    WITH_FILE(listening_addresses),
	    WITH_FILE(numbers_have_bounds),
	    WITH_FILE(the_later_source_wins),
	    WITH_FILE(a_required_setting_must_be_there),
	    WITH_FILE(a_file_that_is_not_there),
	    WITH_FILE(lines_longer_than_the_parser_takes),
	    WITH_FILE(what_is_printed_loads_as_the_same),
	    WITH_FILE(printing_tells_where_from),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
