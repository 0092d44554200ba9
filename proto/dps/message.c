#include "proto/dps/message.h"

#include <stddef.h>

#include "proto/dsp/fields.h"

/* What a member holds: IDENT is a text that is not empty, TEXT one that may be. */
enum kind { IDENT, TEXT, OBJECT, TEXTS, ADDRESS, STATE, AUTHORIZATION, USAGE };

struct field {
	const char *key;
	enum kind kind;
	bool required;
	size_t at; /* in struct dps_message */
};

#define F(key, kind, required, member)                                                                     \
	{                                                                                                  \
		key, kind, required, offsetof(struct dps_message, member)                                  \
	}

/* DataFlowBaseMessage.schema.json */
#define BASE                                                                                               \
	F("messageId", IDENT, true, message_id), F("participantId", IDENT, true, participant),             \
	    F("counterPartyId", IDENT, true, counter_party), F("dataspaceContext", TEXT, true, context),   \
	    F("processId", IDENT, true, process), F("agreementId", IDENT, true, agreement),                \
	    F("datasetId", IDENT, true, dataset), F("profile", IDENT, true, profile),                      \
	    F("claims", OBJECT, true, claims), F("metadata", OBJECT, false, metadata),                     \
	    F("labels", TEXTS, false, labels)

static const struct field prepare[] = {BASE, {0}};
static const struct field start[] = {BASE, F("dataAddress", ADDRESS, false, address), {0}};
/* DataFlowStartedNotificationMessage and DataFlowResumeMessage */
static const struct field go_on[] = {
    F("messageId", IDENT, true, message_id), F("dataAddress", ADDRESS, false, address), {0}};
/* DataFlowSuspendMessage and DataFlowTerminateMessage */
static const struct field stop[] = {
    F("messageId", IDENT, true, message_id), F("reason", TEXT, false, reason), {0}};
static const struct field status[] = {F("messageId", IDENT, true, message_id),
				      F("dataFlowId", IDENT, true, flow),
				      F("dataAddress", ADDRESS, false, address),
				      F("state", STATE, true, state),
				      F("error", TEXT, false, error),
				      F(DPS_USAGE, USAGE, false, usage),
				      {0}};
static const struct field status_response[] = {
    F("state", STATE, true, state), F("dataFlowId", IDENT, true, flow), {0}};
static const struct field data_plane[] = {
    F("dataplaneId", IDENT, true, data_plane), F("endpoint", IDENT, true, endpoint),
    F("profiles", TEXTS, true, profiles),      F("authorization", AUTHORIZATION, true, authorization),
    F("labels", TEXTS, false, labels),         {0}};
static const struct field control_plane[] = {F("controlplaneId", IDENT, true, control_plane),
					     F("endpoint", IDENT, true, endpoint),
					     F("authorization", AUTHORIZATION, true, authorization),
					     {0}};

static const struct {
	const char *name;
	const struct field *fields;
} types[DPS_TYPE_COUNT] = {
    [DPS_PREPARE] = {"DataFlowPrepareMessage", prepare},
    [DPS_START] = {"DataFlowStartMessage", start},
    [DPS_STARTED] = {"DataFlowStartedNotificationMessage", go_on},
    [DPS_SUSPEND] = {"DataFlowSuspendMessage", stop},
    [DPS_RESUME] = {"DataFlowResumeMessage", go_on},
    [DPS_TERMINATE] = {"DataFlowTerminateMessage", stop},
    [DPS_STATUS] = {"DataFlowStatusMessage", status},
    [DPS_STATUS_RESPONSE] = {"DataFlowStatusResponseMessage", status_response},
    [DPS_DATA_PLANE] = {"DataPlaneRegistrationMessage", data_plane},
    [DPS_CONTROL_PLANE] = {"ControlPlaneRegistrationMessage", control_plane},
};

static const char *const states[DPS_STATE_END] = {"",
#define X(name) #name,
						  DPS_STATES(X)
#undef X
};

const char *dps_type_name(enum dps_type t)
{
	return (unsigned)t < DPS_TYPE_COUNT ? types[t].name : "";
}

const char *dps_state_name(enum dps_state s)
{
	return (unsigned)s < DPS_STATE_END ? states[s] : "";
}

bool dps_state_final(enum dps_state s)
{
	return s == DPS_COMPLETED_STATE || s == DPS_TERMINATED_STATE;
}

/* ---- reading ---- */

static struct str text_read(struct dsp_in *in, const struct field *x)
{
	if (x->kind == IDENT) return x->required ? dsp__text(in, x->key) : dsp__text_opt(in, x->key);
	if (x->required && !dsp__has(in, x->key)) dsp__fail(in, x->key, "missing", "is missing");
	return dsp__text_any(in, x->key);
}

static json_t *texts_read(struct dsp_in *in, const struct field *x)
{
	json_t *all = x->required ? dsp__array(in, x->key, 0, DPS_ITEMS_MAX)
				  : dsp__array_opt(in, x->key, 0, DPS_ITEMS_MAX);
	char at[DSP_PATH];
	json_t *one;
	size_t i;

	json_array_foreach(all, i, one)
	{
		dsp__path_at(at, "", x->key, i);
		if (!json_is_string(one))
			dsp__fail(in, at, "type", "is not a string");
		else if (json_text(one).n > DSP_TEXT_MAX)
			dsp__fail(in, at, "limit", "is too long");
	}
	return in->err ? NULL : all;
}

static enum dps_state state_read(struct dsp_in *in, const struct field *x)
{
	struct str s = dsp__text(in, x->key);

	for (int i = DPS_NONE + 1; !in->err && i < DPS_STATE_END; i++)
		if (str_is(s, states[i])) return (enum dps_state)i;
	dsp__fail(in, x->key, "value", "is no state of a data flow");
	return DPS_NONE;
}

/* AuthorizationEntry.schema.json requires nothing. */
static void authorization_read(struct dsp_in *up, const struct field *x, struct dps_authorization *ret)
{
	json_t *j = dsp__object(up, x->key);
	struct dps_authorization z = {.root = j};
	struct dsp_in in;

	if (up->err) return;
	in = dsp__in(j, x->key, ERR_BAD_MESSAGE, up->f);
	z.type = dsp__text_any(&in, "type");
	z.token_endpoint = dsp__text_any(&in, "tokenEndpoint");
	z.client_id = dsp__text_any(&in, "clientId");
	z.client_secret = dsp__text_any(&in, "clientSecret");
	up->err = in.err;
	*ret = z;
}

static void usage_read(struct dsp_in *up, const struct field *x, struct dps_usage *ret)
{
	json_t *j = dsp__has(up, x->key) ? dsp__object(up, x->key) : NULL;
	struct dps_usage u = {.present = true};

	if (!j || up->err) return;
	up->err = json_u64(j, x->key, "requests", up->f, &u.requests);
	if (!up->err) up->err = json_u64(j, x->key, "octets", up->f, &u.octets);
	if (!up->err) *ret = u;
}

static void *member(struct dps_message *m, const struct field *x)
{
	return (char *)m + x->at;
}

static void field_read(struct dsp_in *in, const struct field *x, struct dps_message *m)
{
	switch (x->kind) {
	case IDENT:
	case TEXT: *(struct str *)member(m, x) = text_read(in, x); break;
	case OBJECT:
		if (x->required || dsp__has(in, x->key)) *(json_t **)member(m, x) = dsp__object(in, x->key);
		break;
	case TEXTS: *(json_t **)member(m, x) = texts_read(in, x); break;
	case ADDRESS: dsp__address(in, member(m, x)); break;
	case STATE: m->state = state_read(in, x); break;
	case AUTHORIZATION: authorization_read(in, x, member(m, x)); break;
	case USAGE: usage_read(in, x, member(m, x)); break;
	}
}

enum err dps_parse(enum dps_type t, json_t *j, struct flaw *f, struct dps_message *ret)
{
	struct dsp_in in = dsp__in(j, "", ERR_BAD_MESSAGE, f);
	struct dps_message m = {.root = j};

	in.untyped = true;
	for (const struct field *x = types[t].fields; !in.err && x->key; x++) field_read(&in, x, &m);
	if (!in.err) *ret = m;
	return in.err;
}

enum err dps_address_type(struct arena *a, json_t *address, json_t **ret)
{
	json_t *j = json_keep(a, json_deep_copy(address)), *one;
	size_t i;

	if (!j) return ERR_NO_MEMORY;
	json_put_str(j, "@type", STR("DataAddress"));
	json_array_foreach(json_object_get(j, "endpointProperties"), i, one)
	{
		json_put_str(one, "@type", STR("EndpointProperty"));
	}
	*ret = j;
	return ERR_OK;
}

/* ---- writing ---- */

static void authorization_put(json_t *obj, const char *key, const struct dps_authorization *z)
{
	json_t *j = json_object();

	must(j);
	dsp__put(j, "type", z->type);
	dsp__put(j, "tokenEndpoint", z->token_endpoint);
	dsp__put(j, "clientId", z->client_id);
	dsp__put(j, "clientSecret", z->client_secret);
	dsp__put_others(j, z->root, true);
	json_put(obj, key, j);
}

static void text_put(json_t *obj, const struct field *x, struct str s)
{
	must(s.n || !x->required || x->kind == TEXT);
	if (s.n || x->required) json_put_str(obj, x->key, s.n ? s : STR(""));
}

static void json_member_put(json_t *obj, const struct field *x, json_t *value)
{
	must(value || !x->required);
	dsp__put_json(obj, x->key, value);
}

static void usage_put(json_t *obj, const char *key, const struct dps_usage *u)
{
	json_t *j = u->present ? json_object() : NULL;

	if (!u->present) return;
	must(j);
	json_put_u64(j, "requests", u->requests);
	json_put_u64(j, "octets", u->octets);
	json_put(obj, key, j);
}

static void field_put(json_t *obj, const struct field *x, const struct dps_message *m)
{
	const void *at = (const char *)m + x->at;

	switch (x->kind) {
	case IDENT:
	case TEXT: text_put(obj, x, *(const struct str *)at); break;
	case OBJECT:
	case TEXTS: json_member_put(obj, x, *(json_t *const *)at); break;
	case ADDRESS: dsp__address_put(obj, at); break;
	case STATE:
		must(m->state != DPS_NONE);
		json_put_str(obj, x->key, str_of(dps_state_name(m->state)));
		break;
	case AUTHORIZATION: authorization_put(obj, x->key, at); break;
	case USAGE: usage_put(obj, x->key, at); break;
	}
}

json_t *dps_write(struct arena *a, enum dps_type t, const struct dps_message *m)
{
	json_t *j = json_object();

	must(j);
	for (const struct field *x = types[t].fields; x->key; x++) field_put(j, x, m);
	return json_keep(a, j);
}
