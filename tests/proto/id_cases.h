/* What the tests of identifiers share beside cases.h. */
#ifndef TESTS_PROTO_ID_CASES_H
#define TESTS_PROTO_ID_CASES_H

#include "tests/proto/cases.h"

#include "proto/id/id.h"

static inline struct id parsed(struct arena *a, const char *text)
{
	struct id id;
	struct flaw f = {0};
	char *copy = exact(str_of(text)); /* what is made of it does not point there */
	if (id_parse(a, str_n(copy, strlen(text)), &f, &id))
		fail_msg("%s refused at %zu: %s", text, f.offset, f.text);
	free(copy);
	return id;
}

static inline struct id_prefix prefixed(struct arena *a, const char *text)
{
	struct id_prefix p;
	struct flaw f = {0};
	if (id_prefix_parse(a, str_of(text), &f, &p))
		fail_msg("%s refused at %zu: %s", text, f.offset, f.text);
	return p;
}

/* ID_NONE: whoever claims it. */
static inline void refused_as(struct arena *a, enum id_scheme s, const char *text, size_t offset,
			      const char *rule)
{
	struct id id = {0};
	struct flaw f = {0};
	char *copy = exact(str_of(text));
	struct str t = str_n(copy, strlen(text));
	enum err e = s ? id_parse_as(s, a, t, &f, &id) : id_parse(a, t, &f, &id);
	free(copy);
	if (e != ERR_BAD_ID) fail_msg("%s: taken", text);
	if (strcmp(f.rule, rule) || f.offset != offset)
		fail_msg("%s: rule %s at %zu, not %s at %zu", text, f.rule, f.offset, rule, offset);
	assert_null(id.key.p);
	assert_int_equal(f.err, ERR_BAD_ID);
	assert_true(f.text[0]);
}

static inline void refused(struct arena *a, const char *text, size_t offset, const char *rule)
{
	refused_as(a, ID_NONE, text, offset, rule);
}

/* Parse, print, parse: the same text and key; and from the key again. */
static inline void stable(struct arena *a, struct id id)
{
	struct id again, back;
	struct flaw f = {0};
	if (id_parse(a, id.text, &f, &again)) fail_msg("%.*s: %s", STR_ARG(id.text), f.text);
	assert_true(str_eq(again.key, id.key) && str_eq(again.text, id.text) && again.scheme == id.scheme);
	if (id.hashed) return;
	assert_int_equal(id_from_key(a, id.key, NULL, &back), ERR_OK);
	assert_true(str_eq(back.text, id.text));
}

/* The part of that name of what the text stands for; STR_NONE when there is none. */
static inline struct str part(struct arena *a, struct str text, const struct id *id, const char *name)
{
	struct id_parts parts;
	assert_int_equal(id_explain(a, text, id, NULL, &parts), ERR_OK);
	for (size_t i = 0; i < parts.n; i++)
		if (strcmp(parts.part[i].name, name) == 0) return parts.part[i].text;
	return STR_NONE;
}

#endif
