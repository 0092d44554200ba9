/* Ledger entries of the data space and their indexes. */
#include "dataspace/event.h"

#include "base/ledger.h"
#include "dataspace/space.h"

enum { EVENT_SHA_TEXT = 7 + 64 };

const char *ds_event_text(enum ds_event_kind k)
{
	static const char *const text[] = {[DS_EVENT_NONE] = "none",
#define X(name, txt, meaning) [DS_EVENT_##name] = txt,
					   DS_EVENTS(X)
#undef X
	};
	must(k < DS_EVENT_END);
	return text[k];
}

static void put_if(json_t *j, const char *key, struct str s)
{
	if (s.n) json_put_str(j, key, s);
}

static json_t *event_entry(const struct ds_event *e, usec_t now)
{
	char when[CLOCK_TEXT], sha[EVENT_SHA_TEXT];
	json_t *j = json_object();

	must(j);
	json_put_u64(j, "v", 1);
	json_put_str(j, "kind", str_of(ds_event_text(e->kind)));
	json_put_str(j, "time", str_of(clock_print(now, true, when)));
	json_put_str(j, "participant", e->participant);
	put_if(j, "who", e->who);
	put_if(j, "agreement", e->agreement);
	put_if(j, "negotiation", e->negotiation);
	put_if(j, "transfer", e->transfer);
	put_if(j, "dataset", e->dataset);
	put_if(j, "peer", e->peer);
	if (e->message) {
		memcpy(sha, "sha256:", 7);
		hex_write(e->message, 32, sha + 7);
		json_put_str(j, "message", str_n(sha, sizeof sha));
	}
	if (e->detail) json_put(j, "detail", e->detail);
	return j;
}

static enum err event_index(struct writer_txn *t, const struct ds_event *e, uint64_t leaf)
{
	char kind = (char)e->kind;
	struct ds_key k = ds_key(e->participant, STR_NONE, STR_NONE);
	enum err err;

	ds_key_u64(&k, leaf);
	err = store_put(t->store, DS_TABLE_event, ds_key_str(&k), str_n(&kind, 1));
	if (err || !e->agreement.n) return err;
	k = ds_key(e->participant, e->agreement, STR_NONE);
	ds_key_u64(&k, leaf);
	return store_put(t->store, DS_TABLE_event_agreement, ds_key_str(&k), str_n(&kind, 1));
}

enum err ds_event_append(struct writer_txn *t, const struct ds_event *e, uint64_t *ret_index)
{
	struct buf b = BUF_INIT(LEDGER_ENTRY_MAX);
	json_t *j = event_entry(e, t->now);
	enum err err = json_jcs(j, &b);
	uint64_t leaf = 0;

	json_decref(j);
	if (!err) err = buf_err(&b);
	if (!err) err = ledger_append(t->ledger, t->store, buf_str(&b), &leaf);
	buf_done(&b);
	if (!err) err = event_index(t, e, leaf);
	if (!err && ret_index) *ret_index = leaf;
	return err;
}

enum err ds_event_list(struct store_txn *t, struct str participant, struct str agreement, uint64_t from,
		       size_t max, uint64_t *ret_indexes, size_t *ret_n, uint64_t *ret_next)
{
	enum ds_table table = agreement.n ? DS_TABLE_event_agreement : DS_TABLE_event;
	struct ds_key k = ds_key(participant, agreement.n ? agreement : STR_NONE, STR_NONE);
	struct str prefix, key, value;
	struct store_cursor *c;
	size_t plen = k.n, n = 0;
	uint64_t next = UINT64_MAX;
	enum err e = store_cursor_open(t, table, &c);

	if (e) return e;
	ds_key_u64(&k, from);
	prefix = str_n(k.b, plen);
	for (e = store_cursor_seek(c, ds_key_str(&k), &key, &value); !e && str_starts(key, prefix);
	     e = store_cursor_next(c, &key, &value)) {
		uint64_t leaf = store_u64(str_skip(key, plen));

		if (n == max) {
			next = leaf;
			break;
		}
		ret_indexes[n++] = leaf;
	}
	store_cursor_close(c);
	if (e && e != ERR_NOT_FOUND) return e;
	*ret_n = n;
	*ret_next = next;
	return ERR_OK;
}
