#include "dataspace/dataset_access.h"

#include "dataspace/dataset.h"

#include <stdio.h>

static enum err patterns_check(json_t *rule, const char *key, struct flaw *f)
{
	json_t *list = json_object_get(rule, key);
	char at[64];

	snprintf(at, sizeof at, "access.%s", key);
	if (!list) return ERR_OK;
	if (!json_is_array(list))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, "type", "an array is expected");
	if (json_array_size(list) > ACCESS_PATTERNS_MAX)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, "limit", "at most %d patterns",
				ACCESS_PATTERNS_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct str s = json_text(json_array_get(list, i));
		size_t star = str_find(s, '*');

		snprintf(at, sizeof at, "access.%s[%zu]", key, i);
		if (s.n > DS_DID_MAX || (star < s.n && star != s.n - 1) ||
		    (!str_starts(s, STR("did:")) && !str_is(s, "*")))
			return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, "pattern",
					"a DID, or the beginning of one and a '*' at the end");
	}
	return ERR_OK;
}

enum err access_read(struct arena *a, json_t *rule, struct flaw *f, struct str *ret)
{
	struct buf b = BUF_INIT(JSON_SIZE_MAX);
	const char *key;
	json_t *v;
	enum err e = ERR_OK;

	*ret = STR("");
	if (json_is_null(rule)) return ERR_OK;
	if (!json_is_object(rule))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "access", "type",
				"an object is expected");
	json_object_foreach(rule, key, v)
	{
		if (strcmp(key, "allow") && strcmp(key, "deny"))
			return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "access", "unknown",
					"it has allow and deny");
	}
	e = patterns_check(rule, "allow", f);
	if (!e) e = patterns_check(rule, "deny", f);
	if (!e && json_object_size(rule)) {
		e = json_jcs(rule, &b);
		if (!e) *ret = arena_dup(a, buf_str(&b));
		if (!e && !ret->p) e = ERR_NO_MEMORY;
	}
	buf_done(&b);
	return e;
}

static bool listed(json_t *list, struct str did)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct str s = json_text(json_array_get(list, i));

		if (s.n && s.p[s.n - 1] == '*' ? str_starts(did, str_first(s, s.n - 1)) : str_eq(s, did))
			return true;
	}
	return false;
}

bool access_allows(const char *rule, struct str did)
{
	json_t *j, *allow;
	bool yes;

	if (!rule[0]) return true;
	j = json_loads(rule, 0, NULL);
	allow = json_object_get(j, "allow");
	yes = j && !listed(json_object_get(j, "deny"), did) && (!allow || listed(allow, did));
	json_decref(j);
	return yes;
}

bool dataset_visible(const Ds__Dataset *s, struct str did)
{
	return dataset_published(s) && access_allows(s->access, did);
}

bool dataset_was_visible(const Ds__Dataset *s, struct str did)
{
	for (size_t i = 0; i < s->n_was; i++)
		if (access_allows(s->was[i], did)) return true;
	return false;
}

enum err dataset_access_note(struct arena *a, Ds__Dataset *s)
{
	size_t n = 0;
	char **was = ARENA_ARRAY(a, char *, ACCESS_WAS_MAX);

	if (!was) return ERR_NO_MEMORY;
	for (size_t i = 0; i < s->n_was; i++)
		if (!strcmp(s->was[i], s->access)) return ERR_OK;
	/* The oldest goes when there are too many: who had seen only that learns it by its next full crawl.
	 */
	for (size_t i = s->n_was < ACCESS_WAS_MAX ? 0 : 1; i < s->n_was; i++) was[n++] = s->was[i];
	was[n++] = s->access;
	s->was = was;
	s->n_was = n;
	return ERR_OK;
}

enum err dataset_access_set(struct arena *a, Ds__Dataset *s, struct str rule, bool offered)
{
	enum err e = ERR_OK;

	if (str_is(rule, s->access)) return ERR_OK;
	if (offered) e = dataset_access_note(a, s);
	if (!e && !(s->access = arena_strdup(a, rule))) e = ERR_NO_MEMORY;
	return e;
}
