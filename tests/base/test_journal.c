#include "tests/base/cases.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/journal.h"
#include "tests/base/folder.h"

struct fixture {
	struct folder folder;
	char path[128];
	struct journal journal;
	char *payload;
};

static int set_up(void **state)
{
	struct fixture *x = calloc(1, sizeof *x);
	x->folder = folder_new();
	folder_file(x->folder.path, "journal", x->path);
	x->payload = malloc(JOURNAL_PAYLOAD_MAX);
	assert_int_equal(journal_open(x->path, 7, &x->journal), ERR_OK);
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *x = *state;
	journal_close(&x->journal);
	folder_remove(x->folder.path);
	free(x->payload);
	free(x);
	return 0;
}

static void append(struct fixture *x, uint64_t commit, const char *one, const char *two)
{
	struct journal_record r = {commit, JOURNAL_OPS, {str_of(one), str_of(two)}};
	assert_int_equal(journal_append(&x->journal, &r), ERR_OK);
}

/* The commits that are there, as the text of their numbers; each payload is what it was. */
static void assert_there(struct fixture *x, uint64_t store, const char *want)
{
	struct journal j;
	struct journal_record r;
	char there[256] = "";
	size_t at = 0, n = 0;
	assert_int_equal(journal_open(x->path, store, &j), ERR_OK);
	while (!journal_read(&j, &at, x->payload, &r)) {
		n += (size_t)snprintf(there + n, sizeof there - n, "%llu ", (unsigned long long)r.commit);
		assert_int_equal(r.kind, JOURNAL_OPS);
		assert_true(str_starts(r.payload[0], STR("payload")));
	}
	journal_close(&j);
	assert_string_equal(there, want);
}

static void records_are_read_in_order(void **state)
{
	struct fixture *x = *state;
	assert_there(x, 7, "");
	append(x, 1, "payload", "");
	append(x, 2, "payload", " and more");
	append(x, 3, "payload 3", "");
	assert_there(x, 7, "1 2 3 ");
	assert_there(x, 8, ""); /* another store's */
	assert_int_equal(journal_octets(&x->journal), 3 * JOURNAL_HEAD + 7 + 16 + 9);
}

static void a_file_is_used_again_without_being_emptied(void **state)
{
	struct fixture *x = *state;
	for (uint64_t i = 1; i < 9; i++) append(x, i, "payload", "");
	journal_restart(&x->journal);
	append(x, 9, "payload", ""); /* as long as the first: what follows is read, and is older */
	assert_there(x, 7, "9 2 3 4 5 6 7 8 ");
	append(x, 10, "payload of another length", "");
	assert_there(x, 7, "9 10 ");
}

static void a_torn_or_changed_record_ends_it(void **state)
{
	struct fixture *x = *state;
	append(x, 1, "payload", "");
	append(x, 2, "payload", "");
	append(x, 3, "payload", "");
	int fd = open(x->path, O_RDWR);
	const off_t second = JOURNAL_HEAD + 7;
	for (off_t at = second; at < 2 * second; at++) {
		char octet, other;
		assert_int_equal(pread(fd, &octet, 1, at), 1);
		other = (char)(octet ^ 0x10);
		assert_int_equal(pwrite(fd, &other, 1, at), 1);
		assert_there(x, 7, "1 ");
		assert_int_equal(pwrite(fd, &octet, 1, at), 1);
	}
	assert_there(x, 7, "1 2 3 ");
	assert_int_equal(ftruncate(fd, 3 * second - 1), 0); /* also one that the file does not hold whole */
	assert_there(x, 7, "1 2 ");
	close(fd);
}

static void the_largest_payload_fits(void **state)
{
	struct fixture *x = *state;
	char *large = calloc(1, JOURNAL_PAYLOAD_MAX);
	memcpy(large, "payload", 7);
	struct journal_record r = {
	    1, JOURNAL_OPS, {str_n(large, JOURNAL_PAYLOAD_MAX - 5), str_n(large, 5)}};
	assert_int_equal(journal_append(&x->journal, &r), ERR_OK);
	append(x, 2, "payload", "");
	assert_there(x, 7, "1 2 ");
	free(large);
}

static void what_is_no_file_is_refused(void **state)
{
	struct fixture *x = *state;
	struct journal j;
	assert_int_equal(journal_open(x->folder.path, 7, &j), ERR_IO);
	assert_int_equal(journal_open("/dev/null", 7, &j), ERR_IO);
	struct journal_record r = {1, JOURNAL_OPS, {STR("payload"), STR_NONE}};
	int fd = open("/dev/full", O_RDWR);
	struct journal full = {.fd = fd, .laid = 1 << 20};
	assert_int_equal(journal_append(&full, &r), ERR_NO_SPACE);
	assert_int_equal(journal_octets(&full), 0);
	close(fd);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(records_are_read_in_order),        CASE(a_file_is_used_again_without_being_emptied),
	    CASE(a_torn_or_changed_record_ends_it), CASE(the_largest_payload_fits),
	    CASE(what_is_no_file_is_refused),
	};
	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
