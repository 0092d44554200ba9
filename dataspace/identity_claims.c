/* Credentials as facts for policies. */
#include <stdio.h>

#include "dataspace/identity.h"

struct gathering {
	json_t *facts;
	size_t n;
};

static void fact_add(struct gathering *g, const char *name, const json_t *v)
{
	json_t *all = json_object_get(g->facts, name);
	char number[32];
	struct str text = json_text(v);

	if (json_is_boolean(v)) text = json_is_true(v) ? STR("true") : STR("false");
	if (json_is_integer(v)) {
		(void)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		text = str_of(number);
	}
	if (!text.n || text.n > IDENTITY_CLAIM_MAX || g->n == IDENTITY_CLAIMS_MAX) return;
	if (!all) {
		all = json_array();
		must(all);
		json_put(g->facts, name, all);
	}
	must(!json_array_append_new(all, json_stringn(text.p, text.n)));
	g->n++;
}

static void credential_add(struct gathering *g, struct str type, json_t *subject)
{
	char name[IDENTITY_CLAIM_MAX];
	json_t *active = json_string("active"), *v, *item;
	const char *member;
	size_t i;

	must(active);
	(void)snprintf(name, sizeof name, "%.*s", STR_ARG(type));
	fact_add(g, name, active);
	json_decref(active);
	json_object_foreach(subject, member, v)
	{
		int n = snprintf(name, sizeof name, "%.*s.%s", STR_ARG(type), member);

		if (!strcmp(member, "id") || n < 0 || n >= (int)sizeof name) continue;
		if (!json_is_array(v)) fact_add(g, name, v);
		json_array_foreach(v, i, item)
		{
			fact_add(g, name, item);
		}
	}
}

struct str identity_claims(struct arena *a, const struct ds_peer *peer)
{
	struct gathering g = {json_keep(a, json_object()), 0};
	json_t *c, *type;
	size_t i, k;

	if (!g.facts) return STR_NONE;
	json_array_foreach(peer->credentials, i, c)
	{
		json_array_foreach(json_object_get(c, "type"), k, type)
		{
			credential_add(&g, json_text(type), json_object_get(c, "credentialSubject"));
		}
	}
	return g.n ? json_write(a, g.facts, false) : STR_NONE;
}
