#include "tests/base/cases.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

static void every_error_can_be_answered(void **state)
{
	(void)state;
	for (int e = 0; e < ERR_COUNT; e++) {
		assert_true(strlen(err_name(e)) > 0);
		assert_true(strlen(err_text(e)) > 0);
		assert_true(str_utf8_ok(str_of(err_text_zh(e)), NULL));
		assert_true((unsigned char)err_text_zh(e)[0] >= 0x80 || e == ERR_BAD_JSON ||
			    e == ERR_BAD_PROTO);
		assert_true(e == ERR_OK ? err_http(e) == 200 : err_http(e) >= 400 && err_http(e) < 600);
		/* RCODE 0 or response code 1 would tell a client that it worked */
		assert_true(e == ERR_OK ? err_dns(e) == 0 : err_dns(e) > 0 && err_dns(e) <= 10);
		assert_true(e == ERR_OK ? err_handle(e) == 1 : err_handle(e) > 1);
		for (int other = 0; other < e; other++)
			assert_string_not_equal(err_name(e), err_name(other));
	}
}

static void a_number_outside_the_table_is_internal(void **state)
{
	(void)state;
	assert_string_equal(err_name((enum err)ERR_COUNT), "INTERNAL");
	assert_int_equal(err_http((enum err) - 1), 500);
}

static void errno_maps(void **state)
{
	(void)state;
	assert_int_equal(err_errno(0), ERR_OK);
	assert_int_equal(err_errno(ENOSPC), ERR_NO_SPACE);
	assert_int_equal(err_errno(EDQUOT), ERR_NO_SPACE);
	assert_int_equal(err_errno(ENOMEM), ERR_NO_MEMORY);
	assert_int_equal(err_errno(ENOENT), ERR_NOT_FOUND);
	assert_int_equal(err_errno(EEXIST), ERR_EXISTS);
	assert_int_equal(err_errno(EBADF), ERR_IO);
}

static void a_flaw_is_cut_not_overrun(void **state)
{
	(void)state;
	struct flaw f;
	char longer[400];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	assert_int_equal(flaw_set(&f, ERR_BAD_ID, 7, longer, longer, "%s", longer), ERR_BAD_ID);
	assert_int_equal(f.err, ERR_BAD_ID);
	assert_int_equal(f.offset, 7);
	assert_int_equal(strlen(f.at), sizeof f.at - 1);
	assert_int_equal(strlen(f.rule), sizeof f.rule - 1);
	assert_int_equal(strlen(f.text), sizeof f.text - 1);
	assert_int_equal(flaw_set(&f, ERR_BAD_JSON, FLAW_NO_OFFSET, NULL, NULL, "%d", 5), ERR_BAD_JSON);
	assert_string_equal(f.at, "");
	assert_string_equal(f.rule, "");
	assert_string_equal(f.text, "5");
	assert_int_equal(flaw_set(NULL, ERR_IO, 0, "a", "b", "c"), ERR_IO);
}

static void a_flaw_is_cut_behind_a_character(void **state)
{
	static const char text[] = "色色色色色色色色色色色色色色色色色色色色色色色色色色色色色色色色色色色"
				   "色色色色色色色色色色色色色色色色色色色色色色色色色色色色色色色色色色色";
	(void)state;
	for (size_t n = 0; n < 4; n++) {
		struct flaw f;
		(void)flaw_set(&f, ERR_BAD_ID, 0, "", "r", "%.*s%s", (int)n, "abc", text);
		assert_true(str_utf8_ok(str_of(f.text), NULL));
		assert_true(strlen(f.text) > sizeof f.text - 4);
	}
	assert_int_equal(str_cut(STR("a色b"), 3).n, 1);
	assert_int_equal(str_cut(STR("a色b"), 4).n, 4);
	assert_int_equal(str_cut(STR("a色b"), 9).n, 5);
}

static void must_aborts(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		close(STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		must(1 == 1);
		must(1 == 2);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_error_can_be_answered),
	    cmocka_unit_test(a_number_outside_the_table_is_internal),
	    cmocka_unit_test(errno_maps),
	    cmocka_unit_test(a_flaw_is_cut_not_overrun),
	    cmocka_unit_test(a_flaw_is_cut_behind_a_character),
	    cmocka_unit_test(must_aborts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
