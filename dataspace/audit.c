/* GET /participants/{p}/audit?agreement=&since=&limit=&cursor=: the ledger's entries of a participant.
 *
 * {"entries": [{"index", "kind", "time", "who", "agreement", …, "detail"}…], "next": cursor or null}
 * ascending; since: RFC 3339, entries from then on; cursor: as an answer gave it. Entries are as the ledger
 * has them, with their index. */
#include "base/ledger.h"
#include "dataspace/plane.h"

enum { AUDIT_LIMIT = 200, AUDIT_LIMIT_MAX = 1000 };

struct asking {
	struct str participant, agreement;
	usec_t since;
	uint64_t from, limit;
};

static enum err asking_read(struct net_req *r, struct asking *q, struct flaw *f)
{
	struct str since;
	enum err e;

	q->limit = AUDIT_LIMIT;
	(void)net_query(r, "agreement", &q->agreement);
	if (q->agreement.n > DS_PID_MAX || memchr(q->agreement.n ? q->agreement.p : "", 0, q->agreement.n))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "agreement", "length",
				"no agreement is called so");
	if (net_query(r, "since", &since) && clock_parse(since, &q->since))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "since", "time",
				"a time such as 2026-11-24T08:09:10Z, or a date");
	e = net_query_number(r, "limit", AUDIT_LIMIT_MAX, f, &q->limit);
	if (!e && !q->limit) q->limit = 1;
	return e ? e : net_query_number(r, "cursor", UINT64_MAX - 1, f, &q->from);
}

/* The entry with its index; NULL when it is before `since`. */
static enum err entry_read(struct store_txn *t, struct arena *a, uint64_t index, usec_t since, json_t **ret)
{
	struct ledger_leaf leaf;
	usec_t at = 0;
	json_t *j;
	enum err e = ledger_read(t, index, &leaf);

	*ret = NULL;
	if (!e) e = json_read(a, leaf.entry, NULL, &j);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	if (since && !clock_parse(json_text(json_object_get(j, "time")), &at) && at < since) return ERR_OK;
	json_put_u64(j, "index", index);
	*ret = j;
	return ERR_OK;
}

/* Fills list from q->from on. *ret_next: where to go on, UINT64_MAX at the end. */
static enum err entries_read(struct store_txn *t, struct arena *a, const struct asking *q, json_t *list,
			     uint64_t *ret_next)
{
	uint64_t *index = ARENA_ARRAY(a, uint64_t, q->limit);
	uint64_t next = q->from;
	enum err e = index ? ERR_OK : ERR_NO_MEMORY;

	while (!e && next != UINT64_MAX && json_array_size(list) < q->limit) {
		size_t n, i;

		e = ds_event_list(t, q->participant, q->agreement, next, q->limit - json_array_size(list),
				  index, &n, &next);
		for (i = 0; !e && i < n; i++) {
			struct arena_mark mark = arena_mark(a);
			json_t *j;

			e = entry_read(t, a, index[i], q->since, &j);
			if (!e && j) must(json_array_append(list, j) == 0);
			arena_rollback(a, mark);
		}
	}
	*ret_next = next;
	return e;
}

void audit_get(struct net_req *r)
{
	struct asking q = {.from = 0};
	struct flaw f = {0};
	json_t *out = json_keep(r->arena, json_object()), *list = json_keep(r->arena, json_array());
	uint64_t next = UINT64_MAX;
	enum err e = ds_req_participant(r, &q.participant);

	if (e) return;
	e = out && list ? asking_read(r, &q, &f) : ERR_NO_MEMORY;
	if (!e) e = entries_read(ds_txn(r->shard), r->arena, &q, list, &next);
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	json_put(out, "entries", json_incref(list));
	json_put(out, "next",
		 next == UINT64_MAX ? json_null() : json_sprintf("%llu", (unsigned long long)next));
	net_reply(r, 200, "application/json", json_write(r->arena, out, false));
}
