/* Transfers in the store, on the wire and on the owner's screen. */
#include "dataspace/said.h"
#include "dataspace/transfer.h"

#include "proto/dps/message.h"

enum dsp_role transfer_role(const Ds__Transfer *x)
{
	return x->side == DS__SIDE__SIDE_PROVIDER ? DSP_PROVIDER : DSP_CONSUMER;
}

enum dsp_transfer_state transfer_state(const Ds__Transfer *x)
{
	return (enum dsp_transfer_state)(x->state ? x->state : x->pending);
}

bool ds_transfer_pushed(const Ds__Transfer *x)
{
	struct str format = str_of(x->transfer_format);

	if (str_is(format, TRANSFER_PUSH)) return true;
	return x->plane[0] && format.n >= 4 && str_eq_nocase(str_skip(format, format.n - 4), STR("push"));
}

bool ds_transfer_open(const Ds__Transfer *x)
{
	return x->state == DSP_TRANSFER_STARTED
		   ? x->pending == DSP_TRANSFER_NONE || x->pending == DSP_TRANSFER_COMPLETED
		   : x->pending == DSP_TRANSFER_STARTED;
}

struct dsp_pids transfer_pids(const Ds__Transfer *x)
{
	struct str ours = str_of(x->pid), theirs = str_of(x->peer_pid);

	return x->side == DS__SIDE__SIDE_PROVIDER ? (struct dsp_pids){.consumer = theirs, .provider = ours}
						  : (struct dsp_pids){.consumer = ours, .provider = theirs};
}

enum err ds_transfer_find(struct store_txn *t, struct arena *a, struct str participant, struct str pid,
			  Ds__Transfer **ret)
{
	ProtobufCMessage *m;
	struct ds_key k;
	enum err e;

	if (turn_name_check(pid, DS_PID_MAX, "pid", NULL)) return ERR_NOT_FOUND;
	k = ds_key(participant, pid, STR_NONE);
	e = ds_row_get(t, DS_TABLE_transfer, &k, a, &ds__transfer__descriptor, &m);
	if (!e) *ret = (Ds__Transfer *)m;
	return e;
}

enum err transfer_find_peer(struct store_txn *t, struct arena *a, struct str participant, struct str peer,
			    struct str peer_pid, Ds__Transfer **ret)
{
	struct ds_key k = ds_key(participant, peer, peer_pid);
	struct str pid;
	enum err e = store_get(t, DS_TABLE_transfer_peer, ds_key_str(&k), &pid);

	return e ? e : ds_transfer_find(t, a, participant, arena_dup(a, pid), ret);
}

enum err ds_transfer_put(struct writer_txn *t, struct str participant, const Ds__Transfer *x)
{
	struct ds_key k = ds_key(participant, str_of(x->pid), STR_NONE);
	char state = (char)x->state;
	enum err e = ds_row_put(t, DS_TABLE_transfer, &k, &x->base);

	if (e) return e;
	k = ds_key(participant, str_of(x->agreement), str_of(x->pid));
	e = ds_row_keep(t, DS_TABLE_transfer_agreement, &k, str_n(&state, 1));
	if (e || !x->peer_pid[0]) return e;
	k = ds_key(participant, str_of(x->peer), str_of(x->peer_pid));
	return ds_row_keep(t, DS_TABLE_transfer_peer, &k, str_of(x->pid));
}

enum err transfer_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
		       transfer_fn *fn, void *arg)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	ProtobufCMessage *m;
	enum err e = ds_row_scan_open(&scan, t, DS_TABLE_transfer, &k, after);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = ds_row_unpack(value, a, &ds__transfer__descriptor, &m);
		if (!e) e = fn(arg, (const Ds__Transfer *)m);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

struct each {
	ds_transfer_fn *fn;
	void *arg;
	struct str participant;
};

static enum err each_one(void *arg, const Ds__Transfer *x)
{
	struct each *e = arg;

	return e->fn(e->arg, e->participant, x);
}

/* The pids first: fn may write. */
static enum err each_of_agreement(struct store_txn *t, struct arena *a, struct each *each,
				  struct str agreement)
{
	struct ds_key k = ds_key(each->participant, agreement, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value, pid;
	json_t *pids = json_keep(a, json_array());
	Ds__Transfer *x;
	enum err e =
	    pids ? ds_row_scan_open(&scan, t, DS_TABLE_transfer_agreement, &k, STR_NONE) : ERR_NO_MEMORY;

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		if ((e = ds_key_part(&key, &pid))) break;
		must(!json_array_append_new(pids, json_stringn(pid.p, pid.n)));
	}
	ds_row_scan_close(&scan);
	if (e != ERR_NOT_FOUND) return e;
	for (size_t i = 0; i < json_array_size(pids); i++) {
		e = ds_transfer_find(t, a, each->participant, json_text(json_array_get(pids, i)), &x);
		if (!e) e = each_one(each, x);
		if (e) return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	}
	return ERR_OK;
}

enum err ds_transfer_each(struct store_txn *t, struct arena *a, struct str participant,
			  struct str agreement, ds_transfer_fn *fn, void *arg)
{
	struct each each = {fn, arg, participant};

	if (agreement.n) return each_of_agreement(t, a, &each, agreement);
	return transfer_each(t, a, participant, STR_NONE, each_one, &each);
}

json_t *transfer_write(struct arena *a, const Ds__Transfer *x)
{
	struct dsp_transfer m = {.pids = transfer_pids(x), .state = transfer_state(x)};

	return dsp_transfer_write(a, &m);
}

static const char *state_name(uint32_t s)
{
	return s < DSP_TRANSFER_STATE_COUNT ? dsp_transfer_state_name((enum dsp_transfer_state)s) : "?";
}

static const char *digest_name(Ds__DigestState s)
{
	switch (s) {
	case DS__DIGEST_STATE__DIGEST_OK: return "ok";
	case DS__DIGEST_STATE__DIGEST_MISMATCH: return "mismatch";
	case DS__DIGEST_STATE__DIGEST_UNPROMISED: return "unpromised";
	default: return "unknown";
	}
}

static void show_data(const Ds__Transfer *x, json_t *j)
{
	char sha[64];

	json_put_u64(j, "octets", x->octets);
	json_put_u64(j, "size", x->size);
	json_put_u64(j, "requests", x->requests);
	if (x->rate) json_put_u64(j, "rate", x->rate);
	if (x->side != DS__SIDE__SIDE_CONSUMER) return;
	json_put_str(j, "digest_state", str_of(digest_name(x->digest_state)));
	if (x->digest.len == 32) {
		hex_write(x->digest.data, 32, sha);
		json_put(j, "digest", json_sprintf("sha256:%.64s", sha));
	}
}

static void show_flow(const Ds__Transfer *x, json_t *j)
{
	json_put_str(j, "dataplane", str_of(x->plane));
	json_put_str(j, "dataflow", str_of(dps_state_name((enum dps_state)x->flow_state)));
	if (x->flow_error[0]) json_put_str(j, "dataflow_error", str_of(x->flow_error));
	json_put(j, "metered", json_false());
	if (x->said_at) json_put(j, "said", said_show(x));
}

json_t *transfer_show(struct arena *a, const Ds__Transfer *x, bool whole)
{
	char when[CLOCK_TEXT];
	json_t *j = json_object(), *report;

	must(j);
	json_put_str(j, "pid", str_of(x->pid));
	json_put_str(j, "role", str_of(dsp_role_name(transfer_role(x))));
	json_put_str(j, "state",
		     transfer_state(x) ? str_of(state_name(transfer_state(x))) : STR("PREPARING"));
	json_put_str(j, "peer", str_of(x->peer));
	json_put_str(j, "agreement", str_of(x->agreement));
	json_put_str(j, "format", str_of(x->transfer_format));
	if (x->purpose[0]) json_put_str(j, "purpose", str_of(x->purpose));
	if (x->pending) json_put_str(j, "pending", str_of(state_name(x->pending)));
	if (x->peer_pid[0]) json_put_str(j, "peer_pid", str_of(x->peer_pid));
	if (x->code[0]) json_put_str(j, "code", str_of(x->code));
	if (x->reason[0]) json_put_str(j, "reason", str_of(x->reason));
	if (x->report[0] && !json_read(a, str_of(x->report), NULL, &report))
		json_put(j, "report", json_incref(report));
	show_data(x, j);
	if (x->plane[0]) show_flow(x, j);
	if (x->non_finite) json_put(j, "nonFinite", json_true());
	json_put_str(j, "created", str_of(clock_print(x->created, true, when)));
	json_put_str(j, "changed", str_of(clock_print(x->changed, true, when)));
	if (whole) json_put(j, "history", turn_history_show(x->history, x->n_history, state_name));
	return j;
}
