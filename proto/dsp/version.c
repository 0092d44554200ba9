#include "proto/dsp/version.h"

#include "proto/dsp/fields.h"

enum { PROFILES_MAX = 32 };

static void auth_read(struct dsp_in *up, struct dsp_version *v)
{
	size_t i;
	json_t *one;
	char at[DSP_PATH];
	if (!dsp__has(up, "auth")) return;
	dsp__path(at, up->path, "auth");
	struct dsp_in in = dsp__in(json_object_get(up->obj, "auth"), at, ERR_BAD_MESSAGE, up->f);
	v->auth_protocol = dsp__text(&in, "protocol");
	v->auth_version = dsp__text(&in, "version");
	v->auth_profile = dsp__array_opt(&in, "profile", 0, PROFILES_MAX);
	json_array_foreach(v->auth_profile, i, one) if (!json_is_string(one))
	    dsp__fail(&in, "profile", "type", "holds something that is no string");
	up->err = in.err;
}

static enum err version_read(json_t *j, size_t i, struct flaw *f, struct dsp_version *v)
{
	char at[DSP_PATH];
	dsp__path_at(at, "", "protocolVersions", i);
	struct dsp_in in = dsp__in(j, at, ERR_BAD_MESSAGE, f);
	v->version = dsp__text(&in, "version");
	v->path = dsp__text(&in, "path");
	dsp__const(&in, "binding", "HTTPS");
	v->binding = dsp__text(&in, "binding");
	v->service_id = dsp__text_opt(&in, "serviceId");
	v->identifier_type = dsp__text_opt(&in, "identifierType");
	auth_read(&in, v);
	return in.err;
}

/* VersionResponse (protocol-version-schema.json): no @context, it is read before the version is known. */
enum err dsp_versions_parse(struct arena *a, json_t *j, struct flaw *f, struct dsp_versions *ret)
{
	struct dsp_in in = dsp__in(j, "", ERR_BAD_MESSAGE, f);
	json_t *all = dsp__array(&in, "protocolVersions", 1, DSP_VERSIONS_MAX);
	if (in.err) return in.err;
	struct dsp_versions m = {.versions_n = json_array_size(all), .root = j};
	m.versions = ARENA_ARRAY(a, struct dsp_version, m.versions_n);
	if (!m.versions)
		return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, "protocolVersions", "memory", "%s",
				err_text(ERR_NO_MEMORY));
	for (size_t i = 0; i < m.versions_n; i++) {
		enum err e = version_read(json_array_get(all, i), i, f, &m.versions[i]);
		if (e) return e;
	}
	*ret = m;
	return ERR_OK;
}

json_t *dsp_versions_write(struct arena *a, const struct dsp_versions *m)
{
	json_t *j = json_object(), *all = json_array();
	must(j && all && m->versions_n);
	for (size_t i = 0; i < m->versions_n; i++) {
		const struct dsp_version *v = &m->versions[i];
		json_t *one = json_object(), *auth = json_object();
		must(one && auth);
		dsp__put(one, "version", v->version);
		dsp__put(one, "path", v->path);
		dsp__put(one, "binding", STR("HTTPS"));
		dsp__put(one, "serviceId", v->service_id);
		dsp__put(one, "identifierType", v->identifier_type);
		dsp__put(auth, "protocol", v->auth_protocol);
		dsp__put(auth, "version", v->auth_version);
		dsp__put_json(auth, "profile", v->auth_profile);
		if (json_object_size(auth)) dsp__put_json(one, "auth", auth);
		json_decref(auth);
		must(!json_array_append_new(all, one));
	}
	json_put(j, "protocolVersions", all);
	return json_keep(a, j);
}

const struct dsp_version *dsp_versions_find(const struct dsp_versions *m, struct str version)
{
	for (size_t i = 0; i < m->versions_n; i++)
		if (str_eq(m->versions[i].version, version)) return &m->versions[i];
	return NULL;
}

/* It may be absent; when it stands there it holds both. */
static void did_context_check(struct dsp_in *in)
{
	json_t *all = json_object_get(in->obj, "@context"), *one;
	bool found = false;
	size_t i;

	dsp__context(in);
	json_array_foreach(all, i, one) found |= str_is(json_text(one), "https://www.w3.org/ns/did/v1");
	if (!found) dsp__fail(in, "@context", "context", "does not hold the context of DIDs");
}

/* DidService (did-service-schema.json), whose pattern for the endpoint refuses the specification's own
 * example of a DataService: only a CatalogService has to end in /catalog. */
enum err dsp_did_service_parse(json_t *j, struct flaw *f, struct dsp_did_service *ret)
{
	struct dsp_in in = dsp__in(j, "", ERR_BAD_MESSAGE, f);
	struct dsp_did_service m = {0};
	if (dsp__has(&in, "@context")) did_context_check(&in);
	m.id = dsp__text(&in, "id");
	m.type = dsp__text(&in, "type");
	m.endpoint = dsp__text(&in, "serviceEndpoint");
	if (!in.err && !str_is(m.type, "CatalogService") && !str_is(m.type, "DataService"))
		dsp__fail(&in, "type", "value", "is not CatalogService or DataService");
	bool http = str_starts(m.endpoint, STR("http://")) || str_starts(m.endpoint, STR("https://"));
	bool catalog = !str_is(m.type, "CatalogService") || str_ends(m.endpoint, STR("/catalog"));
	if (!in.err && (!http || !catalog))
		dsp__fail(&in, "serviceEndpoint", "value", "is no http(s) address of such a service");
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_did_service_write(struct arena *a, const struct dsp_did_service *m)
{
	json_t *j = json_object(), *context = json_array();
	must(j && context);
	must(!json_array_append_new(context, json_string(DSP_CONTEXT)));
	must(!json_array_append_new(context, json_string("https://www.w3.org/ns/did/v1")));
	json_put(j, "@context", context);
	dsp__put(j, "id", m->id);
	dsp__put(j, "type", m->type);
	dsp__put(j, "serviceEndpoint", m->endpoint);
	return json_keep(a, j);
}
