/* Rows of data flows. */
#include "dataspace/flow.h"

enum err flow_find(struct store_txn *t, struct arena *a, struct str participant, struct str id,
		   Ds__Flow **ret)
{
	ProtobufCMessage *m;
	struct ds_key k;
	enum err e;

	if (turn_name_check(id, DS_PID_MAX, "dataFlowId", NULL)) return ERR_NOT_FOUND;
	k = ds_key(participant, id, STR_NONE);
	e = ds_row_get(t, DS_TABLE_flow, &k, a, &ds__flow__descriptor, &m);
	if (!e) *ret = (Ds__Flow *)m;
	return e;
}

enum err flow_put(struct writer_txn *t, struct str participant, Ds__Flow *x)
{
	struct ds_key k = ds_key(participant, str_of(x->id), STR_NONE);

	x->format = 1;
	x->changed = t->now;
	return ds_row_put(t, DS_TABLE_flow, &k, &x->base);
}

enum err flow_each(struct store_txn *t, struct arena *a, struct str participant, struct str after,
		   flow_fn *fn, void *arg)
{
	struct ds_key k = ds_key(participant, STR_NONE, STR_NONE);
	struct ds_row_scan scan;
	struct str key, value;
	ProtobufCMessage *m;
	enum err e = ds_row_scan_open(&scan, t, DS_TABLE_flow, &k, after);

	if (e) return e;
	while (!(e = ds_row_scan_next(&scan, &key, &value))) {
		e = ds_row_unpack(value, a, &ds__flow__descriptor, &m);
		if (!e) e = fn(arg, (const Ds__Flow *)m);
		if (e) break;
	}
	ds_row_scan_close(&scan);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

struct str flow_item(struct arena *a, struct str id)
{
	return arena_printf(a, FLOW_ITEM_PREFIX "%.*s", STR_ARG(id));
}

bool flow_pushed(const Ds__Flow *x)
{
	return str_is(str_of(x->profile), DPS_PROFILE_PUSH);
}
