#include "dataspace/connector.h"

#include "dataspace/participant.h"

static bool base_ok(struct str s)
{
	size_t at = str_starts(s, STR("https://")) ? 8 : str_starts(s, STR("http://")) ? 7 : 0;

	if (!at || s.n <= at || s.n >= DS_URL_MAX || s.p[at] == '/') return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] > '~' ||
		    strchr("?#@\\\"<>", s.p[i]))
			return false;
	return true;
}

/* "id=URL" */
static struct str entry_split(const char *entry, struct str *ret_id)
{
	struct str s = str_of(entry);
	size_t at = str_find(s, '=');
	struct str base = str_skip(s, at + 1);

	*ret_id = str_first(s, at);
	while (str_ends(base, STR("/"))) base.n--;
	return base;
}

enum err connectors_check(const struct ds_options *o, struct flaw *f)
{
	for (size_t i = 0; i < o->connectors_n; i++) {
		struct str id, other, base = entry_split(o->connectors[i], &id);

		if (participant_id_check(id, NULL) || !base_ok(base))
			return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "space.connectors", "entry",
					"\"%s\" is not PARTICIPANT=URL with http or https",
					o->connectors[i]);
		for (size_t k = 0; k < i; k++) {
			(void)entry_split(o->connectors[k], &other);
			if (str_eq(id, other))
				return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "space.connectors",
						"twice", "participant %.*s is named twice", STR_ARG(id));
		}
	}
	return ERR_OK;
}

struct str connector_of(const struct ds_options *o, struct str participant)
{
	for (size_t i = 0; i < o->connectors_n; i++) {
		struct str id, base = entry_split(o->connectors[i], &id);

		if (str_eq(id, participant)) return base;
	}
	return STR_NONE;
}

enum err connector_here(const struct ds_self *self, struct flaw *f)
{
	if (!self->connector.n) return ERR_OK;
	return flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "participant", "connector",
			"the connector of this participant is at %.*s", STR_ARG(self->connector));
}
