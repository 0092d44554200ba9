#include "proto/dcp/message.h"

static enum err refuse(struct flaw *f, const char *at, const char *rule, const char *why)
{
	return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, rule, "%s %s", at, why);
}

/* A text that may become part of a key and of a line of text. */
static enum err name_check(struct str s, size_t max, const char *at, struct flaw *f)
{
	if (!s.n || s.n > max) return refuse(f, at, "length", "is empty or too long");
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return refuse(f, at, "letters", "holds a control character");
	return ERR_OK;
}

static enum err name_read(json_t *j, const char *key, size_t max, struct flaw *f, struct str *ret)
{
	struct str s = STR_NONE;
	enum err e = json_str(j, "", key, f, &s);
	if (!e) e = name_check(s, max, key, f);
	if (!e) *ret = s;
	return e;
}

/* "type", or the keyword "@type" that DCP's context makes of it and that EDC writes; not two that differ.
 */
bool dcp_type_is(json_t *j, const char *type)
{
	json_t *plain = json_object_get(j, "type"), *keyword = json_object_get(j, "@type");
	if (!plain && !keyword) return false;
	return (!plain || str_is(json_text(plain), type)) && (!keyword || str_is(json_text(keyword), type));
}

enum err dcp_message_check(json_t *j, const char *type, struct flaw *f)
{
	json_t *context, *item;
	bool ours = false;
	size_t i;
	if (!json_is_object(j)) return refuse(f, "message", "type", "must be an object");
	enum err e = json_arr(j, "", "@context", f, &context);
	if (e) return e;
	json_array_foreach(context, i, item)
	{
		ours = ours || str_is(json_text(item), DCP_CONTEXT);
	}
	if (!ours) return refuse(f, "@context", "value", "does not hold " DCP_CONTEXT);
	if (!dcp_type_is(j, type))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "type", "value", "type must be %s",
				type);
	return ERR_OK;
}

static json_t *message_new(struct arena *a, const char *type)
{
	return json_keep(a, json_pack("{s:[s],s:s}", "@context", DCP_CONTEXT, "type", type));
}

/* ---- presentations ---- */

struct str dcp_scope_type(struct str scope)
{
	static const char *const aliases[] = {
	    "org.eclipse.dspace.dcp.vc.type:", "org.eclipse.edc.vc.type:", "org.eclipse.tractusx.vc.type:"};
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (str_starts(scope, str_of(aliases[i]))) return str_skip(scope, strlen(aliases[i]));
	return STR_NONE;
}

enum err dcp_query_read(json_t *j, struct flaw *f, struct dcp_query *ret)
{
	struct dcp_query q = {.scopes_n = 0};
	enum err e = dcp_message_check(j, "PresentationQueryMessage", f);
	if (e) return e;
	json_t *all = json_object_get(j, "scope"),
	       *definition = json_object_get(j, "presentationDefinition");
	/* "It is an error to contain both" */
	if (all && definition)
		return refuse(f, "scope", "one-of", "and presentationDefinition exclude each other");
	if (definition && !json_object_size(definition))
		return refuse(f, "presentationDefinition", "type", "must be an object with members");
	q.definition = definition != NULL;
	if (!definition && (!json_array_size(all) || json_array_size(all) > DCP_ITEMS_MAX))
		return refuse(f, "scope", "count", "must hold 1 to 32 texts");
	for (size_t i = 0; i < json_array_size(all); i++) {
		q.scopes[q.scopes_n] = json_text(json_array_get(all, i));
		if (!q.scopes[q.scopes_n++].n) return refuse(f, "scope", "type", "must hold texts");
	}
	*ret = q;
	return ERR_OK;
}

enum err dcp_response_read(json_t *j, struct flaw *f, struct dcp_response *ret)
{
	struct dcp_response m = {.presentations_n = 0};
	json_t *all, *item;
	size_t i;
	if (!dcp_type_is(j, "PresentationResponseMessage"))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "type", "value",
				"the answer is not a PresentationResponseMessage");
	enum err e = json_arr(j, "", "presentation", f, &all);
	if (e) return e;
	if (json_array_size(all) > DCP_PRESENTATIONS_MAX)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "presentation", "count",
				"there are too many presentations");
	json_array_foreach(all, i, item)
	{
		if (!json_text(item).n)
			return flaw_set(
			    f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "presentation", "format",
			    "only JWT are read here: proofs embedded in JSON-LD are not supported");
		m.presentations[m.presentations_n++] = json_text(item);
	}
	*ret = m;
	return ERR_OK;
}

json_t *dcp_response_write(struct arena *a, const struct dcp_response *m)
{
	json_t *j = message_new(a, "PresentationResponseMessage"), *all = json_array();
	if (!j || !all) {
		json_decref(all);
		return NULL;
	}
	for (size_t i = 0; i < m->presentations_n; i++)
		must(!json_array_append_new(all,
					    json_stringn(m->presentations[i].p, m->presentations[i].n)));
	json_put(j, "presentation", all);
	return j;
}

/* ---- requests ---- */

static enum err items_read(json_t *j, const char *key, bool empty, struct flaw *f, json_t **ret)
{
	json_t *all;
	enum err e = json_arr(j, "", key, f, &all);
	if (e) return e;
	if ((!empty && !json_array_size(all)) || json_array_size(all) > DCP_ITEMS_MAX)
		return refuse(f, key, "count", "must hold 1 to 32 credentials");
	for (size_t i = 0; i < json_array_size(all); i++)
		if (!json_is_object(json_array_get(all, i)))
			return refuse(f, key, "type", "must hold objects");
	*ret = all;
	return ERR_OK;
}

enum err dcp_request_read(json_t *j, struct flaw *f, struct dcp_request *ret)
{
	struct dcp_request m = {.ids_n = 0};
	json_t *all, *item;
	size_t i;
	enum err e = dcp_message_check(j, "CredentialRequestMessage", f);
	if (!e) e = name_read(j, "holderPid", DCP_ID_MAX, f, &m.holder_pid);
	if (!e) e = items_read(j, "credentials", false, f, &all);
	if (e) return e;
	json_array_foreach(all, i, item)
	{
		e = name_read(item, "id", DCP_ID_MAX, f, &m.ids[m.ids_n]);
		for (size_t k = 0; !e && k < m.ids_n; k++)
			if (str_eq(m.ids[k], m.ids[m.ids_n]))
				e = refuse(f, "credentials", "twice", "names one object twice");
		if (e) return e;
		m.ids_n++;
	}
	*ret = m;
	return ERR_OK;
}

static void append(json_t *array, json_t *stolen)
{
	must(stolen && json_array_append_new(array, stolen) == 0);
}

json_t *dcp_request_write(struct arena *a, const struct dcp_request *m)
{
	json_t *j = message_new(a, "CredentialRequestMessage"), *all = json_array();
	must(all);
	for (size_t i = 0; i < m->ids_n; i++)
		append(all, json_pack("{s:s%}", "id", m->ids[i].p, m->ids[i].n));
	if (!j) {
		json_decref(all);
		return NULL;
	}
	json_put_str(j, "holderPid", m->holder_pid);
	json_put(j, "credentials", all);
	return j;
}

/* ---- offers and metadata ---- */

/* Issuers that tell of every member write null where there is nothing. */
static enum err object_str(json_t *item, const char *key, struct flaw *f, struct str *ret)
{
	if (json_is_null(json_object_get(item, key))) return ERR_OK;
	return json_str_opt(item, "credentials", key, f, ret);
}

static enum err object_read(json_t *item, bool sparse, struct flaw *f, struct dcp_object *ret)
{
	struct dcp_object o = {.id = STR_NONE};
	enum err e = name_read(item, "id", DCP_ID_MAX, f, &o.id);
	if (e) return e;
	if (json_object_get(item, "type") &&
	    !str_is(json_text(json_object_get(item, "type")), "CredentialObject"))
		return refuse(f, "credentials.type", "value", "must be CredentialObject");
	if (!sparse || json_object_get(item, "credentialType"))
		e = name_read(item, "credentialType", DCP_TYPE_MAX, f, &o.type);
	if (!e) e = object_str(item, "credentialSchema", f, &o.schema);
	if (!e) e = object_str(item, "offerReason", f, &o.reason);
	if (!e) e = object_str(item, "profile", f, &o.profile);
	if (!e) *ret = o;
	return e;
}

static enum err objects_read(json_t *j, const char *key, bool offer, struct flaw *f,
			     struct dcp_objects *ret)
{
	struct dcp_objects m = {.items_n = 0};
	json_t *all, *item;
	size_t i;
	enum err e = name_read(j, "issuer", DCP_ID_MAX * 2, f, &m.issuer);
	if (!e) e = items_read(j, key, !offer, f, &all);
	if (e) return e;
	json_array_foreach(all, i, item)
	{
		e = object_read(item, offer, f, &m.items[m.items_n++]);
		if (e) return e;
	}
	*ret = m;
	return ERR_OK;
}

enum err dcp_offer_read(json_t *j, struct flaw *f, struct dcp_objects *ret)
{
	enum err e = dcp_message_check(j, "CredentialOfferMessage", f);
	return e ? e : objects_read(j, "credentials", true, f, ret);
}

enum err dcp_metadata_read(json_t *j, struct flaw *f, struct dcp_objects *ret)
{
	enum err e = dcp_message_check(j, "IssuerMetadata", f);
	return e ? e : objects_read(j, "credentialsSupported", false, f, ret);
}

static json_t *object_write(const struct dcp_object *o)
{
	struct str profile = o->profile.n ? o->profile : STR(DCP_PROFILE_11);
	json_t *j = json_pack("{s:s%,s:s,s:s%,s:s%,s:[s,s],s:s%}", "id", o->id.p, o->id.n, "type",
			      "CredentialObject", "credentialType", o->type.p, o->type.n, "offerReason",
			      o->reason.n ? o->reason.p : "issue", o->reason.n ? o->reason.n : 5,
			      "bindingMethods", "did:web", "did:key", "profile", profile.p, profile.n);
	must(j);
	json_put_str(j, "credentialSchema", o->schema);
	return j;
}

static json_t *objects_write(struct arena *a, const char *type, const char *key,
			     const struct dcp_objects *m)
{
	json_t *j = message_new(a, type), *all = json_array();
	must(all);
	for (size_t i = 0; i < m->items_n; i++) append(all, object_write(&m->items[i]));
	if (!j) {
		json_decref(all);
		return NULL;
	}
	json_put_str(j, "issuer", m->issuer);
	json_put(j, key, all);
	return j;
}

json_t *dcp_offer_write(struct arena *a, const struct dcp_objects *m)
{
	return objects_write(a, "CredentialOfferMessage", "credentials", m);
}

json_t *dcp_metadata_write(struct arena *a, const struct dcp_objects *m)
{
	return objects_write(a, "IssuerMetadata", "credentialsSupported", m);
}

/* ---- delivery ---- */

static enum err items_of(json_t *j, struct flaw *f, struct dcp_delivery *m)
{
	json_t *all, *item;
	size_t i;
	enum err e = items_read(j, "credentials", false, f, &all);
	if (e) return e;
	json_array_foreach(all, i, item)
	{
		e = name_read(item, "credentialType", DCP_TYPE_MAX, f, &m->items[i].type);
		if (!e) e = json_str(item, "credentials", "payload", f, &m->items[i].payload);
		if (!e) e = name_read(item, "format", DCP_TYPE_MAX, f, &m->items[i].format);
		if (e) return e;
		m->items_n++;
	}
	return ERR_OK;
}

enum err dcp_delivery_read(json_t *j, struct flaw *f, struct dcp_delivery *ret)
{
	struct dcp_delivery m = {.items_n = 0};
	struct str status;
	enum err e = dcp_message_check(j, "CredentialMessage", f);
	if (!e) e = name_read(j, "issuerPid", DCP_ID_MAX, f, &m.issuer_pid);
	if (!e) e = name_read(j, "holderPid", DCP_ID_MAX, f, &m.holder_pid);
	if (!e) e = json_str(j, "", "status", f, &status);
	if (!e) e = json_str_opt(j, "", "rejectionReason", f, &m.reason);
	if (e) return e;
	m.issued = str_is(status, "ISSUED");
	if (!m.issued && !str_is(status, "REJECTED"))
		return refuse(f, "status", "value", "must be ISSUED or REJECTED");
	if (m.issued) e = items_of(j, f, &m);
	if (!e) *ret = m;
	return e;
}

json_t *dcp_delivery_write(struct arena *a, const struct dcp_delivery *m)
{
	json_t *j = message_new(a, "CredentialMessage"), *all;
	if (!j) return NULL;
	json_put_str(j, "issuerPid", m->issuer_pid);
	json_put_str(j, "holderPid", m->holder_pid);
	json_put_str(j, "status", m->issued ? STR("ISSUED") : STR("REJECTED"));
	if (!m->issued) {
		if (m->reason.n) json_put_str(j, "rejectionReason", m->reason);
		return j;
	}
	all = json_array();
	must(all);
	for (size_t i = 0; i < m->items_n; i++)
		append(all, json_pack("{s:s%,s:s%,s:s%}", "credentialType", m->items[i].type.p,
				      m->items[i].type.n, "payload", m->items[i].payload.p,
				      m->items[i].payload.n, "format", m->items[i].format.p,
				      m->items[i].format.n));
	json_put(j, "credentials", all);
	return j;
}

/* ---- status ---- */

enum err dcp_status_read(json_t *j, struct flaw *f, struct dcp_status *ret)
{
	struct dcp_status m;
	enum err e = dcp_message_check(j, "CredentialStatus", f);
	if (!e) e = name_read(j, "issuerPid", DCP_ID_MAX, f, &m.issuer_pid);
	if (!e) e = name_read(j, "holderPid", DCP_ID_MAX, f, &m.holder_pid);
	if (!e) e = json_str(j, "", "status", f, &m.status);
	if (e) return e;
	if (!str_is(m.status, "RECEIVED") && !str_is(m.status, "ISSUED") && !str_is(m.status, "REJECTED"))
		return refuse(f, "status", "value", "must be RECEIVED, ISSUED or REJECTED");
	*ret = m;
	return ERR_OK;
}

json_t *dcp_status_write(struct arena *a, const struct dcp_status *m)
{
	json_t *j = message_new(a, "CredentialStatus");
	if (!j) return NULL;
	json_put_str(j, "issuerPid", m->issuer_pid);
	json_put_str(j, "holderPid", m->holder_pid);
	json_put_str(j, "status", m->status);
	return j;
}
