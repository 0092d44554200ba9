#include "tests/base/cases.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static const usec_t at = INT64_C(1795507750123456);
static int fd = -1;
static char text[1 << 20];

/* What was logged since the last call. */
static struct str logged(void)
{
	ssize_t n = pread(fd, text, sizeof text, 0);
	assert_true(n >= 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return str_n(text, (size_t)n);
}

static int setup(void **state)
{
	(void)state;
	fd = memfd_create("log", 0);
	clock_fake(&at);
	log_setup(LOG_INFO, fd);
	return fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	clock_fake(NULL);
	log_setup(LOG_INFO, STDERR_FILENO);
	return close(fd);
}

#define HEAD "2026-11-24T08:09:10.123456Z "

static void lines_are_pairs(void **state)
{
	(void)state;
	log_line(LOG_INFO, "store", NULL, "folder", "/var/lib", "n", "12", NULL);
	log_line(LOG_ERROR, "net", "01J", "why", "it failed", "empty", "", "none", NULL, NULL);
	log_msg(LOG_WARN, "net", "01J", "%s took %d ms", "commit", 12);
	assert_str(logged(), HEAD "info tag=store folder=/var/lib n=12\n" HEAD
				  "error tag=net req=01J why=\"it failed\" empty=\"\" none=-\n" HEAD
				  "warn tag=net req=01J msg=\"commit took 12 ms\"\n");
}

static void levels_filter(void **state)
{
	(void)state;
	enum log_level l = LOG_DEBUG;
	assert_int_equal(log_level_parse(STR("warn"), &l), ERR_OK);
	assert_int_equal(l, LOG_WARN);
	assert_int_equal(log_level_parse(STR("Warn"), &l), ERR_BAD_INPUT);
	assert_int_equal(log_level_parse(STR(""), &l), ERR_BAD_INPUT);
	log_setup(l, fd);
	assert_true(log_on(LOG_ERROR) && log_on(LOG_WARN) && !log_on(LOG_INFO) && !log_on(LOG_DEBUG));
	log_msg(LOG_INFO, "x", NULL, "unseen");
	log_line(LOG_DEBUG, "x", NULL, "k", "v", NULL);
	assert_str(logged(), "");
	log_msg(LOG_ERROR, "x", NULL, "seen");
	assert_str(logged(), HEAD "error tag=x msg=seen\n");
}

static void a_value_cannot_forge(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
	    {"a\n" HEAD "error tag=x", "\"a\\n" HEAD "error tag=x\""},
	    {"x role=operator", "\"x role=operator\""},
	    {"role=operator", "\"role=operator\""},
	    {"\" role=\"operator", "\"\\\" role=\\\"operator\""},
	    {"\\", "\"\\\\\""},
	    {"\\\" role=operator", "\"\\\\\\\" role=operator\""},
	    {"\x1b[2J\x07\r\t", "\"\\u001b[2J\\u0007\\r\\t\""},
	    {"\x7f", "\"\\u007f\""},
	    {"\xc2\x9b", "\"\\u009b\""}, /* C1: CSI to some terminals */
	    {"a\xe2\x80\xae"
	     "b",
	     "\"a\\u202eb\""}, /* right-to-left override */
	    {"a\xe2\x80\xa8"
	     "b",
	     "\"a\\u2028b\""}, /* line separator */
	    {"\xef\xbb\xbf", "\"\\ufeff\""},
	    {"\x9b\xff", "\"\\x9b\\xff\""},
	    {"\xe5\x8b", "\"\\xe5\\x8b\""},
	    {"勘合", "勘合"},
	    {"😀 x", "\"😀 x\""},
	};
	char want[300];
	for (size_t i = 0; i < COUNT(cases); i++) {
		log_line(LOG_INFO, "t", NULL, "k", cases[i][0], NULL);
		snprintf(want, sizeof want, HEAD "info tag=t k=%s\n", cases[i][1]);
		assert_str(logged(), want);
	}
	log_line(LOG_INFO, "t", "id\nforged", "k", "v", NULL);
	assert_str(logged(), HEAD "info tag=t req=\"id\\nforged\" k=v\n");
}

static void check_cut(struct str got)
{
	assert_true(got.n <= 4096);
	assert_true(got.n > 4096 - 24);
	assert_int_equal(str_find(got, '\n'), got.n - 1);
	assert_true(str_ends(got, STR(" cut=yes\n")));
	assert_true(str_utf8_ok(got, NULL));
}

static void a_long_line_is_cut_between_characters(void **state)
{
	(void)state;
	static const char *const units[] = {"x", "勘", "\n", "\"", "\x01", "\xff", "x ", "😀"};
	char value[9000];
	for (size_t u = 0; u < COUNT(units); u++) {
		for (size_t shift = 0; shift < 6; shift++) {
			size_t n = strlen(units[u]), at_most = sizeof value - 8;
			memset(value, 'p', shift);
			size_t used = shift;
			for (; used < at_most; used += n) memcpy(value + used, units[u], n);
			value[used] = 0;
			log_line(LOG_INFO, "t", NULL, "k", value, "after", "this", NULL);
			struct str got = logged();
			check_cut(got);
			assert_int_equal(str_find(got, '\n'), got.n - 1);
			/* a quote that was opened is closed, and not by an escaped one */
			if (!memchr(got.p, '"', got.n)) continue;
			struct str body = str_first(got, got.n - strlen(" cut=yes\n"));
			assert_true(str_ends(body, STR("\"")));
			size_t back = 0;
			while (body.p[body.n - 2 - back] == '\\') back++;
			assert_int_equal(back % 2, 0);
		}
	}
	memset(value, 'y', sizeof value - 1);
	value[sizeof value - 1] = 0;
	log_msg(LOG_INFO, "t", NULL, "%s", value);
	check_cut(logged());
}

static void a_line_that_just_fits_is_whole(void **state)
{
	(void)state;
	char value[5000];
	size_t whole = 0;
	for (size_t n = 4000; n < 4096; n++) {
		memset(value, 'z', n);
		value[n] = 0;
		log_line(LOG_INFO, "t", NULL, "k", value, NULL);
		struct str got = logged();
		assert_true(got.n <= 4096);
		if (!str_ends(got, STR("cut=yes\n"))) whole = n;
	}
	assert_true(whole > 4000);
}

static void nobody_waits_for_a_reader(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe(ends), 0); /* blocking, and never read */
	log_setup(LOG_INFO, ends[1]);
	uint64_t before = log_dropped();
	for (int i = 0; i < 3000; i++) log_msg(LOG_INFO, "t", NULL, "%0200d", i);
	uint64_t lost = log_dropped() - before;
	assert_true(lost > 0 && lost < 3000);
	close(ends[1]);
	/* what did arrive is whole lines */
	size_t lines = 0, n = 0;
	for (ssize_t got; (got = read(ends[0], text + n, sizeof text - n)) > 0;) n += (size_t)got;
	for (size_t i = 0; i < n; i++) lines += text[i] == '\n';
	assert_int_equal(text[n - 1], '\n');
	assert_int_equal(lines + lost, 3000);
	close(ends[0]);
	log_setup(LOG_INFO, -1);
	log_msg(LOG_INFO, "t", NULL, "nowhere");
	assert_int_equal(log_dropped() - before, lost + 1);
}

enum { THREADS = 4, LINES = 200 };

static void *chatter(void *name)
{
	for (int i = 0; i < LINES; i++) log_line(LOG_INFO, name, NULL, "n", "1", NULL);
	return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
	(void)state;
	pthread_t t[THREADS];
	static char names[THREADS][2] = {"a", "b", "c", "d"};
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, chatter, names[i]), 0);
	for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
	struct str rest = logged(), line;
	size_t n = 0;
	while (str_split(&rest, '\n', &line) && line.n) {
		assert_int_equal(line.n, strlen(HEAD "info tag=a n=1"));
		n++;
	}
	assert_int_equal(n, THREADS * LINES);
}

#define WITH_LOG(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_LOG(lines_are_pairs),
	    WITH_LOG(levels_filter),
	    WITH_LOG(a_value_cannot_forge),
	    WITH_LOG(a_long_line_is_cut_between_characters),
	    WITH_LOG(a_line_that_just_fits_is_whole),
	    WITH_LOG(nobody_waits_for_a_reader),
	    WITH_LOG(lines_of_threads_do_not_mix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
