#include "proto/dsp/transfer.h"

#include "proto/dsp/fields.h"

enum { PROPERTIES_MAX = 64 /* endpoint properties: credentials and a few parameters */ };

static void property_check(struct dsp_in *up, json_t *one, size_t i)
{
	char at[DSP_PATH];
	dsp__path_at(at, up->path, "endpointProperties", i);
	if (up->err) return;
	struct dsp_in in = dsp__in(one, at, ERR_BAD_MESSAGE, up->f);
	if (!up->untyped || dsp__has(&in, "@type")) dsp__const(&in, "@type", "EndpointProperty");
	dsp__text(&in, "name");
	dsp__text_any(&in, "value");
	if (!in.err && !dsp__has(&in, "value")) dsp__fail(&in, "value", "missing", "is missing");
	up->err = in.err;
}

/* DataAddress (data-address-schema.json). */
void dsp__address(struct dsp_in *up, struct dsp_data_address *ret)
{
	size_t i;
	json_t *one;
	if (!dsp__has(up, "dataAddress")) return;
	json_t *j = json_object_get(up->obj, "dataAddress");
	struct dsp_in in = dsp__in(j, "dataAddress", ERR_BAD_MESSAGE, up->f);
	struct dsp_data_address d = {.present = true, .root = j};
	in.untyped = up->untyped;
	if (!up->untyped || dsp__has(&in, "@type")) dsp__const(&in, "@type", "DataAddress");
	d.endpoint_type = dsp__text(&in, "endpointType");
	d.endpoint = dsp__text_opt(&in, "endpoint");
	d.properties = dsp__array_opt(&in, "endpointProperties", 1, PROPERTIES_MAX);
	json_array_foreach(d.properties, i, one) property_check(&in, one, i);
	up->err = in.err;
	*ret = d;
}

void dsp__address_put(json_t *obj, const struct dsp_data_address *d)
{
	if (!d->present) return;
	json_t *j = json_object();
	must(j);
	json_put_str(j, "@type", STR("DataAddress"));
	dsp__put(j, "endpointType", d->endpoint_type);
	dsp__put(j, "endpoint", d->endpoint);
	dsp__put_json(j, "endpointProperties", d->properties);
	dsp__put_others(j, d->root, true);
	json_put(obj, "dataAddress", j);
}

struct str dsp_data_address_text(json_t *address, const char *name)
{
	struct str found = json_text(json_object_get(address, name));
	size_t i;
	json_t *one;
	json_array_foreach(json_object_get(address, "endpointProperties"), i, one)
	{
		struct str s = json_text(json_object_get(one, "name"));
		if (found.n) break;
		if (str_starts(s, STR(DSP_ADDRESS_EDC))) s = str_skip(s, sizeof DSP_ADDRESS_EDC - 1);
		if (str_is(s, name)) found = json_text(json_object_get(one, "value"));
	}
	return found;
}

struct str dsp_data_address_url(json_t *address)
{
	struct str url = dsp_data_address_text(address, "endpoint");

	return url.n ? url : dsp_data_address_text(address, "baseUrl");
}

struct str dsp_data_address_property(const struct dsp_data_address *d, const char *name)
{
	size_t i;
	json_t *one;
	json_array_foreach(d->properties, i,
			   one) if (str_is(json_text(json_object_get(one, "name")),
					   name)) return json_text(json_object_get(one, "value"));
	return STR_NONE;
}

enum err dsp_data_address_add(struct arena *a, struct dsp_data_address *d, const char *name,
			      struct str value)
{
	if (!d->properties) {
		json_t *all = json_keep(a, json_array());
		if (!all) return ERR_NO_MEMORY;
		d->properties = all;
	}
	json_t *one = json_object();
	must(one);
	json_put_str(one, "@type", STR("EndpointProperty"));
	json_put_str(one, "name", str_of(name));
	json_put_str(one, "value", value);
	must(!json_array_append_new(d->properties, one));
	return ERR_OK;
}

/* TransferRequestMessage (transfer-request-message-schema.json). */
enum err dsp_transfer_request_parse(json_t *j, struct flaw *f, struct dsp_transfer_request *ret)
{
	struct dsp_in in = dsp__root(j, DSP_TRANSFER_REQUEST, f);
	struct dsp_transfer_request m = {.root = j};
	m.consumer_pid = dsp__text(&in, "consumerPid");
	m.agreement_id = dsp__text(&in, "agreementId");
	m.format = dsp__text(&in, "format");
	m.callback = dsp__text(&in, "callbackAddress");
	dsp__address(&in, &m.address);
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_transfer_request_write(struct arena *a, const struct dsp_transfer_request *m)
{
	json_t *j = dsp__begin(DSP_TRANSFER_REQUEST);
	dsp__put(j, "consumerPid", m->consumer_pid);
	dsp__put(j, "agreementId", m->agreement_id);
	dsp__put(j, "format", m->format);
	dsp__address_put(j, &m->address);
	dsp__put(j, "callbackAddress", m->callback);
	return dsp__end(a, j, m->extra);
}

/* TransferStartMessage (transfer-start-message-schema.json). */
enum err dsp_transfer_start_parse(json_t *j, struct flaw *f, struct dsp_transfer_start *ret)
{
	struct dsp_in in = dsp__root(j, DSP_TRANSFER_START, f);
	struct dsp_transfer_start m = {.root = j};
	dsp__pids(&in, &m.pids);
	dsp__address(&in, &m.address);
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_transfer_start_write(struct arena *a, const struct dsp_transfer_start *m)
{
	json_t *j = dsp__begin(DSP_TRANSFER_START);
	dsp__put_pids(j, &m->pids);
	dsp__address_put(j, &m->address);
	return dsp__end(a, j, m->extra);
}

/* TransferCompletionMessage (transfer-completion-message-schema.json). */
enum err dsp_transfer_completion_parse(json_t *j, struct flaw *f, struct dsp_transfer_completion *ret)
{
	struct dsp_in in = dsp__root(j, DSP_TRANSFER_COMPLETION, f);
	struct dsp_transfer_completion m = {.root = j};
	dsp__pids(&in, &m.pids);
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_transfer_completion_write(struct arena *a, const struct dsp_transfer_completion *m)
{
	json_t *j = dsp__begin(DSP_TRANSFER_COMPLETION);
	dsp__put_pids(j, &m->pids);
	return dsp__end(a, j, m->extra);
}

/* AbstractTransferCodeMessage (transfer-schema.json). The schema of the termination message forgets to
 * require its members at the root; they are required all the same, as the text has them. */
static enum err notice_parse(json_t *j, enum dsp_type t, struct flaw *f, struct dsp_transfer_notice *ret)
{
	struct dsp_in in = dsp__root(j, t, f);
	struct dsp_transfer_notice m = {.root = j};
	dsp__pids(&in, &m.pids);
	dsp__reason(&in, 1, &m.reason);
	if (!in.err) *ret = m;
	return in.err;
}

static json_t *notice_write(struct arena *a, enum dsp_type t, const struct dsp_transfer_notice *m)
{
	json_t *j = dsp__begin(t);
	dsp__put_pids(j, &m->pids);
	dsp__put_reason(j, &m->reason);
	return dsp__end(a, j, m->extra);
}

enum err dsp_transfer_suspension_parse(json_t *j, struct flaw *f, struct dsp_transfer_notice *ret)
{
	return notice_parse(j, DSP_TRANSFER_SUSPENSION, f, ret);
}

json_t *dsp_transfer_suspension_write(struct arena *a, const struct dsp_transfer_notice *m)
{
	return notice_write(a, DSP_TRANSFER_SUSPENSION, m);
}

enum err dsp_transfer_termination_parse(json_t *j, struct flaw *f, struct dsp_transfer_notice *ret)
{
	return notice_parse(j, DSP_TRANSFER_TERMINATION, f, ret);
}

json_t *dsp_transfer_termination_write(struct arena *a, const struct dsp_transfer_notice *m)
{
	return notice_write(a, DSP_TRANSFER_TERMINATION, m);
}

enum err dsp_transfer_error_parse(json_t *j, struct flaw *f, struct dsp_transfer_notice *ret)
{
	return notice_parse(j, DSP_TRANSFER_ERROR, f, ret);
}

json_t *dsp_transfer_error_write(struct arena *a, const struct dsp_transfer_notice *m)
{
	return notice_write(a, DSP_TRANSFER_ERROR, m);
}

/* TransferProcess (transfer-process-schema.json). */
enum err dsp_transfer_parse(json_t *j, struct flaw *f, struct dsp_transfer *ret)
{
	struct dsp_in in = dsp__root(j, DSP_TRANSFER, f);
	struct dsp_transfer m = {.root = j};
	dsp__pids(&in, &m.pids);
	struct str s = dsp__text(&in, "state");
	if (!in.err && dsp_transfer_state_parse(s, &m.state))
		dsp__fail(&in, "state", "value", "is no state of a transfer");
	if (!in.err) *ret = m;
	return in.err;
}

json_t *dsp_transfer_write(struct arena *a, const struct dsp_transfer *m)
{
	json_t *j = dsp__begin(DSP_TRANSFER);
	dsp__put_pids(j, &m->pids);
	dsp__put(j, "state", str_of(dsp_transfer_state_name(m->state)));
	return dsp__end(a, j, m->extra);
}
