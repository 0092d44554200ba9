/* What every cmocka program here begins with: cmocka's own headers in the order it wants, and
 * assertions on slices. */
#ifndef TESTS_BASE_CASES_H
#define TESTS_BASE_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/str.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

#define assert_str(s, lit) assert_str_at((s), (lit), __FILE__, __LINE__)

static inline void assert_str_at(struct str s, const char *want, const char *file, int line)
{
	if (str_is(s, want)) return;
	fprintf(stderr, "got  %.*s\nwant %s\n", STR_ARG(s), want); /* print_error cuts at 1,024 */
	_fail(file, line);
}

#endif
