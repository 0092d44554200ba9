#include "dataspace/dialect.h"

#include "dataspace/face_dsp.h"
#include "proto/dsp/v2024.h"
#include "proto/dsp/version.h"

static const struct {
	const char *name, *other, *path;
} dialects[DS_DIALECT_END] = {
#define X(name, text, other, path) [DS_DIALECT_##name] = {text, other, path},
    DS_DIALECTS(X)
#undef X
};

const char *ds_dialect_name(uint32_t v)
{
	return v < DS_DIALECT_END ? dialects[v].name : "?";
}

const char *ds_dialect_path(uint32_t v)
{
	must(v < DS_DIALECT_END);
	return dialects[v].path;
}

bool ds_dialect_spoken(const struct ds *d, uint32_t v)
{
	return v < DS_DIALECT_END &&
	       (!d->o.dsp || !strcmp(d->o.dsp, "both") || !strcmp(d->o.dsp, dialects[v].name));
}

uint32_t ds_dialect_preferred(const struct ds *d)
{
	for (uint32_t v = 0; v < DS_DIALECT_END; v++)
		if (ds_dialect_spoken(d, v)) return v;
	return DS_DIALECT_2025_1;
}

bool ds_dialect_of_base(struct str base, uint32_t *ret)
{
	for (uint32_t v = 0; v < DS_DIALECT_END; v++) {
		if (!str_ends(base, str_of(dialects[v].name)) && !str_ends(base, str_of(dialects[v].other)))
			continue;
		*ret = v;
		return true;
	}
	return false;
}

uint32_t ds_dialect_of(const struct net_req *r)
{
	return r->route && strstr(r->route->pattern, DS_DSP_PATH_2024 "/") ? DS_DIALECT_2024_1
									   : DS_DIALECT_2025_1;
}

struct str ds_dialect_base(struct arena *a, const struct ds_self *self, uint32_t v)
{
	return arena_printf(a, "%s%s", self->base, ds_dialect_path(v));
}

enum err ds_dialect_read(struct arena *a, uint32_t v, json_t *j, struct flaw *f, json_t **ret)
{
	if (v == DS_DIALECT_2024_1) return dsp_v2024_read(a, j, f, ret);
	*ret = j;
	return ERR_OK;
}

json_t *ds_dialect_write(struct arena *a, uint32_t v, const struct ds_self *self, struct str provider,
			 json_t *j)
{
	struct dsp_v2024_more more = {.provider = provider};

	if (!j || v != DS_DIALECT_2024_1) return j;
	if (self) more.callback = ds_dialect_base(a, self, v);
	return dsp_v2024_write(a, j, &more);
}

void ds_dialect_suit(const char *base, json_t *j)
{
	if (str_ends(str_of(base), str_of(dialects[DS_DIALECT_2024_1].other))) dsp_v2024_refer(j);
}

void ds_dialect_reply(struct net_req *r, const struct ds_self *self, int status, json_t *j)
{
	json_t *out = ds_dialect_write(r->arena, ds_dialect_of(r), self, self->did, j);

	if (out)
		net_reply(r, status, DSP_MEDIA_TYPE, json_write(r->arena, out, false));
	else
		ds_dsp_refuse(r, ERR_NO_MEMORY, NULL);
}

/* A path is appended to the partner's root: one that does not begin with a slash could change the host. */
static bool path_ok(struct str path)
{
	for (size_t i = 0; i < path.n; i++)
		if ((unsigned char)path.p[i] <= ' ' || strchr("?#@\\", path.p[i])) return false;
	return path.n && path.p[0] == '/' && !str_starts(path, STR("//"));
}

enum err ds_dialect_choose(struct arena *a, const struct ds *d, json_t *answer, struct str root,
			   struct flaw *f, uint32_t *ret, struct str *ret_base)
{
	struct dsp_versions all;
	enum err e = dsp_versions_parse(a, answer, f, &all);

	if (e) return e;
	for (uint32_t v = 0; v < DS_DIALECT_END; v++) {
		const struct dsp_version *one = dsp_versions_find(&all, str_of(dialects[v].name));
		struct str base;

		if (!one) one = dsp_versions_find(&all, str_of(dialects[v].other));
		if (!one || !ds_dialect_spoken(d, v)) continue;
		if (!path_ok(one->path))
			return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "protocolVersions.path",
					"value", "the path of version %s is no absolute path",
					dialects[v].name);
		base = arena_printf(a, "%.*s%.*s", STR_ARG(root), STR_ARG(one->path));
		if (!base.p) return ERR_NO_MEMORY;
		while (str_ends(base, STR("/"))) base.n--;
		*ret = v;
		*ret_base = base;
		return ERR_OK;
	}
	return flaw_set(f, ERR_NOT_FOUND, FLAW_NO_OFFSET, "protocolVersions", "version",
			"the partner speaks no version of the protocol that this node speaks");
}
