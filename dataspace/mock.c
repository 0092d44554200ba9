#include "dataspace/mock.h"

#include "base/log.h"

enum { MOCK_TOKEN_MAX = 4096 };

void mock_announce(const struct ds *d)
{
	if (d->o.iam_mock[0])
		log_msg(LOG_WARN, "space", NULL,
			"TEST MODE for EDC's iam-mock: whoever calls himself %s is let in WITHOUT ANY "
			"PROOF; never do "
			"this in production (space.iam_mock)",
			d->o.iam_mock);
}

bool mock_is(const struct ds *d, struct str did)
{
	return d->o.iam_mock[0] && str_is(did, d->o.iam_mock);
}

enum err mock_token_make(const struct ds_self *self, struct str audience, struct arena *a, struct str *ret)
{
	json_t *j = json_object();

	if (!j) return ERR_NO_MEMORY;
	json_put_str(j, "region", STR("eu"));
	json_put_str(j, "audience", audience);
	json_put_str(j, "clientId", self->did);
	*ret = json_write(a, j, false);
	json_decref(j);
	return ret->p ? ERR_OK : ERR_NO_MEMORY;
}

bool mock_token_seen(const struct ds *d, struct str header)
{
	return d->o.iam_mock[0] && str_starts(header, STR("{"));
}

static enum err refuse(struct flaw *f, const char *at, const char *rule, const char *text)
{
	return flaw_set(f, ERR_UNAUTHORISED, FLAW_NO_OFFSET, at, rule, "%s", text);
}

/* The audience is the address that was called: the participant's base or something below it. */
enum err mock_token_read(const struct ds *d, const struct ds_self *self, struct str header, struct arena *a,
			 struct flaw *f, struct str *ret)
{
	size_t base = strlen(self->base);
	struct str who, audience;
	json_t *j;

	if (header.n > MOCK_TOKEN_MAX) return refuse(f, "authorization", "size", "the token is too long");
	if (json_read(a, header, f, &j) || json_str(j, "", "clientId", f, &who) ||
	    json_str(j, "", "audience", f, &audience)) {
		f->err = ERR_UNAUTHORISED;
		return ERR_UNAUTHORISED;
	}
	if (!mock_is(d, who))
		return refuse(f, "clientId", "mock-partner",
			      "no unsigned tokens are taken of this partner");
	if (!str_eq(audience, self->did) &&
	    (!str_starts(audience, str_of(self->base)) || (audience.n > base && audience.p[base] != '/')))
		return refuse(f, "audience", "audience", "the token is for somebody else");
	*ret = arena_dup(a, who);
	return ret->p ? ERR_OK : ERR_NO_MEMORY;
}
