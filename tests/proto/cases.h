/* What the tests of proto/ share: cmocka with its includes, an arena a test, the shared vectors. */
#ifndef TESTS_PROTO_CASES_H
#define TESTS_PROTO_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/arena.h"

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, arena_setup, arena_teardown)

static inline int arena_setup(void **state)
{
	*state = arena_new(64 << 20);
	return *state ? 0 : -1;
}

static inline int arena_teardown(void **state)
{
	arena_free(*state);
	return 0;
}

/* A slice in memory of exactly its size, so that the sanitizer sees a read past its end. */
static inline char *exact(struct str s)
{
	char *p = malloc(s.n ? s.n : 1);
	assert_non_null(p);
	if (s.n) memcpy(p, s.p, s.n);
	return p;
}

static inline bool shared_there(void)
{
	if (!access(SHARED_DIR "/README.md", R_OK)) return true;
	printf("SKIPPED: no shared vectors at " SHARED_DIR "\n");
	return false;
}

/* The parsed file, or NULL after saying loudly that the test is skipped. */
static inline json_t *shared_json(const char *path)
{
	char full[512];
	json_error_t error;
	if (!shared_there()) return NULL;
	snprintf(full, sizeof full, "%s/%s", SHARED_DIR, path);
	json_t *j = json_load_file(full, JSON_ALLOW_NUL, &error);
	if (!j) fail_msg("%s: %s", full, error.text);
	return j;
}

static inline struct str member(json_t *j, const char *key)
{
	json_t *s = json_object_get(j, key);
	return json_is_string(s) ? str_n(json_string_value(s), json_string_length(s)) : STR_NONE;
}

#define assert_str(s, z)                                                                                   \
	do {                                                                                               \
		struct str got_ = (s);                                                                     \
		if (!str_is(got_, z)) fail_msg("got \"%.*s\", not \"%s\"", STR_ARG(got_), z);              \
	} while (0)

#endif
