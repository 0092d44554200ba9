/* GET /registry and GET /count: what there is under a prefix, in order of identifiers or of their last
 * change, and how much. */
#include <stdio.h>

#include "base/text64.h"
#include "base/wire.h"
#include "resolver/face_registry.h"
#include "resolver/series.h"
#include "resolver/timeline.h"

enum {
	LIST_MAX_OCTETS = 16 << 20,
	CURSOR_TEXT_MAX = 1024, /* base64url of the longest key */
	LIST_LOOKS = 10000,     /* records of one request that a filter leaves out, and those it takes */
	SERIES_ROWS = 10000,    /* added up for one count: some milliseconds */
	PLACE_OCTETS = 8 + 4,
};

enum order { ORDER_ID, ORDER_NEWEST, ORDER_OLDEST };

struct listing {
	struct net_req *req;
	struct buf *out;
	struct id_prefix prefix;
	enum order order;
	struct str status; /* "active", "retired"; empty: any */
	usec_t since, until;
	struct str after; /* ID */
	struct timeline_place place;
	uint64_t left, looks;
	struct str last; /* key looked at last: borrowed from the snapshot */
	bool any, more;
	enum err err;
};

/* ---- the question ----------------------------------------------------------------------- */

static enum err bad(struct flaw *f, const char *name, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, name, rule, "%s", text);
}

static enum err prefix_read(struct net_req *r, struct flaw *f, struct id_prefix *ret)
{
	struct str text;
	if (!net_query(r, "prefix", &text) || !text.n)
		return bad(f, "prefix", "required", "the query parameter prefix is missing");
	enum err e = id_prefix_parse(r->arena, text, f, ret);
	return e ? e : registry_may_read(r, ret->key, f);
}

static enum err time_read(struct net_req *r, const char *name, struct flaw *f, usec_t *ret)
{
	struct str text;
	if (!net_query(r, name, &text)) return ERR_OK;
	return clock_parse(text, ret) ? bad(f, name, "time", "expected a date or an RFC 3339 time")
				      : ERR_OK;
}

static enum err filters_read(struct net_req *r, struct flaw *f, struct listing *l)
{
	struct str order;
	enum err e = time_read(r, "since", f, &l->since);
	if (!e) e = time_read(r, "until", f, &l->until);
	if (e) return e;
	if (!net_query(r, "status", &l->status)) l->status = STR_NONE;
	if (l->status.n && !str_is(l->status, "active") && !str_is(l->status, "retired"))
		return bad(f, "status", "status", "expected active or retired");
	if (!net_query(r, "order", &order) || str_is(order, "id")) return ERR_OK;
	l->order = str_is(order, "newest") ? ORDER_NEWEST : ORDER_OLDEST;
	if (l->order == ORDER_OLDEST && !str_is(order, "oldest"))
		return bad(f, "order", "order", "expected id, newest or oldest");
	return ERR_OK;
}

static enum err cursor_read(struct net_req *r, struct flaw *f, struct listing *l)
{
	struct str text, octets;
	bool ok;
	if (!net_query(r, "cursor", &text) || !text.n) return ERR_OK;
	ok = text.n <= CURSOR_TEXT_MAX && !base64url_parse(r->arena, text, &octets);
	if (ok && l->order == ORDER_ID) {
		ok = octets.n <= STORE_KEY_MAX && str_starts(octets, l->prefix.key);
		l->after = octets;
	} else if (ok) {
		struct wire w = wire_reader(octets);
		l->place = (struct timeline_place){.position = wire_u64(&w)};
		l->place.offset = wire_u32(&w);
		ok = wire_ok(&w) && octets.n == PLACE_OCTETS && l->place.position;
	}
	return ok ? ERR_OK : bad(f, "cursor", "cursor", "not a cursor that this list gave out");
}

static enum err listing_read(struct net_req *r, struct flaw *f, struct listing *l)
{
	l->left = FACE_LIST;
	l->until = INT64_MAX;
	enum err e = net_query_number(r, "limit", FACE_LIST_MAX, f, &l->left);
	if (!e && !l->left) e = bad(f, "limit", "number", "at least 1");
	if (!e) e = prefix_read(r, f, &l->prefix);
	if (!e) e = filters_read(r, f, l);
	if (!e && l->since >= l->until) e = bad(f, "until", "order", "until is not later than since");
	return e ? e : cursor_read(r, f, l);
}

/* ---- the answer ------------------------------------------------------------------------- */

static bool wanted(const struct listing *l, const struct record_head *h)
{
	if (h->modified < l->since || h->modified >= l->until) return false;
	return !l->status.n || str_is(l->status, "retired") == (h->status == RECORD_RETIRED);
}

static void put_one(struct listing *l, const struct record_head *h)
{
	char modified[CLOCK_TEXT], created[CLOCK_TEXT];
	buf_add(l->out, l->any ? STR(",{\"id\":") : STR("{\"id\":"));
	buf_json(l->out, h->id);
	buf_printf(l->out, ",\"revision\":%llu,\"created\":\"%s\",\"modified\":\"%s\",\"status\":\"%s\"}",
		   (unsigned long long)h->revision, clock_print(h->created, false, created),
		   clock_print(h->modified, false, modified),
		   h->status == RECORD_RETIRED ? "retired" : "active");
	l->any = true;
	l->left--;
}

/* false: the page is full, or enough was looked at; this record is the first of the next page. */
static bool list_one(void *arg, struct str key, struct str packed)
{
	struct listing *l = arg;
	struct record_head head;
	if (!l->left || l->looks == LIST_LOOKS) {
		l->more = true;
		return false;
	}
	l->err = record_peek(packed, &head);
	if (l->err) return false;
	if (wanted(l, &head)) put_one(l, &head);
	l->looks++;
	l->last = key;
	return true;
}

static enum err list_by_id(struct rs_shard *s, struct listing *l, struct str *ret_cursor)
{
	enum err e = registry_list(s->txn, l->prefix.key, l->after, list_one, l);
	if (l->more) *ret_cursor = l->last;
	return e ? e : l->err;
}

static enum err list_by_time(struct rs_shard *s, struct listing *l, struct flaw *f, struct str *ret_cursor)
{
	struct timeline line = {.feed = writer_feed(s->rs->o.writer),
				.txn = s->txn,
				.prefix = l->prefix.key,
				.since = l->since,
				.until = l->until,
				.newest = l->order == ORDER_NEWEST};
	struct timeline_place next;
	unsigned char octets[PLACE_OCTETS];
	enum err e = timeline_walk(&line, l->place, list_one, l, &next, &l->more);
	if (e == ERR_BAD_INPUT) return bad(f, "cursor", "cursor", "not a cursor that this list gave out");
	if (e == ERR_GONE)
		return flaw_set(
		    f, e, FLAW_NO_OFFSET, "since", "feed-trimmed",
		    "changes of that time are not kept any more (store.feed_keep); name a later "
		    "since, or order=id");
	if (e || l->err) return e ? e : l->err;
	if (!l->more) return ERR_OK;
	struct wire w = wire_writer(octets, sizeof octets);
	wire_put_u64(&w, next.position);
	wire_put_u32(&w, next.offset);
	*ret_cursor = arena_dup(l->req->arena, wire_str(&w));
	return ret_cursor->p ? ERR_OK : ERR_NO_MEMORY;
}

enum err face_check_ours(const struct rs *rs, const struct id_prefix *p, struct flaw *f)
{
	for (size_t i = 0; i < rs->o.authority_n; i++)
		if (id_prefix_covers(rs->ours[i].key, p->key) || id_prefix_covers(p->key, rs->ours[i].key))
			return ERR_OK;
	return flaw_set(f, ERR_NOT_RESPONSIBLE, FLAW_NO_OFFSET, "prefix", "authority",
			"this node is not authoritative for the prefix, nor for one under it");
}

static void get_list(struct net_req *r)
{
	struct rs_shard *s = rs__shard(r);
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct listing l = {.req = r, .out = face_buf(r, LIST_MAX_OCTETS)};
	struct str cursor = STR_NONE;
	enum err e = l.out ? listing_read(r, &f, &l) : ERR_NO_MEMORY;
	if (!e) {
		buf_add(l.out, STR("{\"records\":["));
		e = l.order == ORDER_ID ? list_by_id(s, &l, &cursor) : list_by_time(s, &l, &f, &cursor);
	}
	if (!e && !l.any && !l.more) e = face_check_ours(s->rs, &l.prefix, &f);
	if (!e && l.more) {
		buf_add(l.out, STR("],\"next\":"));
		buf_json(l.out, base64url_write(r->arena, cursor));
		buf_byte(l.out, '}');
	} else if (!e) {
		buf_add(l.out, STR("]}"));
	}
	face_answer(r, e, &f, l.out);
}

/* ---- counts ----------------------------------------------------------------------------- */

/* The identifier that is the prefix itself: its row of the census has those below. */
static enum err add_own(struct store_txn *t, struct str key, struct registry_count *n)
{
	struct record_head head;
	struct str packed;
	uint64_t leaf;
	enum err e = registry_find_key(t, key, &leaf, &packed);
	if (e) return e == ERR_NOT_FOUND ? ERR_OK : e;
	e = record_peek(packed, &head);
	if (e) return e;
	*(head.status == RECORD_RETIRED ? &n->retired : &n->active) += 1;
	return ERR_OK;
}

static enum err count_below(struct store_txn *t, const struct id_prefix *ours, const struct id_prefix *p,
			    struct flaw *f, struct registry_count *ret)
{
	if (!census_counted(ours->key, p->key))
		return flaw_set(f, ERR_BAD_INPUT, FLAW_NO_OFFSET, "prefix", "count-depth",
				"counted are %d boundaries below %.*s and no deeper; list what is there",
				CENSUS_DEPTH, STR_ARG(ours->text));
	enum err e = registry_count(t, p->key, ret);
	return e || str_eq(ours->key, p->key) ? e : add_own(t, p->key, ret);
}

static enum err count(const struct rs_shard *s, const struct id_prefix *p, struct flaw *f,
		      struct registry_count *ret)
{
	const struct rs *rs = s->rs;
	struct registry_count all = {0, 0}, one;
	bool any = false;
	for (size_t i = 0; i < rs->o.authority_n; i++) {
		if (id_prefix_covers(rs->ours[i].key, p->key))
			return count_below(s->txn, &rs->ours[i], p, f, ret);
		if (!id_prefix_covers(p->key, rs->ours[i].key)) continue;
		enum err e = registry_count(s->txn, rs->ours[i].key, &one);
		if (e) return e;
		all.active += one.active;
		all.retired += one.retired;
		any = true;
	}
	if (!any) return face_check_ours(rs, p, f);
	*ret = all;
	return ERR_OK;
}

/* Series have counters for each prefix of ours; below one, their rows are added up, which are few. */
struct series_sum {
	struct series_count n;
	uint64_t left;
	bool more;
	enum err err;
};

static bool add_series(void *arg, const struct series *s, bool under)
{
	struct series_sum *x = arg;
	struct record_head head;
	x->more = !x->left;
	if (x->more) return false;
	x->left--;
	if (!under) return true;
	x->err = record_peek(s->packed, &head);
	if (x->err) return false;
	bool retired = head.status == RECORD_RETIRED;
	uint64_t members = series_range_count(&s->range);
	*(retired ? &x->n.retired : &x->n.active) += 1;
	*(retired ? &x->n.members_retired : &x->n.members) += members;
	return true;
}

static enum err sum_series(const struct rs_shard *s, const struct id_prefix *p, struct series_sum *x)
{
	const struct rs *rs = s->rs;
	for (size_t i = 0; i < rs->o.authority_n; i++) {
		struct series_count one;
		if (!id_prefix_covers(p->key, rs->ours[i].key)) {
			if (!id_prefix_covers(rs->ours[i].key, p->key)) continue;
			enum err e = series_list(s->txn, p->key, STR_NONE, add_series, x);
			return e ? e : x->err;
		}
		enum err e = series_count(s->txn, rs->ours[i].key, &one);
		if (e) return e;
		x->n.active += one.active;
		x->n.members += one.members;
		x->n.retired += one.retired;
		x->n.members_retired += one.members_retired;
	}
	return ERR_OK;
}

static void put_series(json_t *o, const struct series_sum *x)
{
	json_t *j = json_object();
	json_put_u64(j, "active", x->n.active);
	json_put_u64(j, "members", x->n.members);
	json_put_u64(j, "retired", x->n.retired);
	json_put_u64(j, "members_retired", x->n.members_retired);
	if (x->more) json_put(j, "more", json_true());
	json_put(o, "series", j);
}

static void get_count(struct net_req *r)
{
	struct series_sum series = {.left = SERIES_ROWS};
	struct flaw f = {.offset = FLAW_NO_OFFSET};
	struct id_prefix prefix;
	struct registry_count n;
	enum err e = prefix_read(r, &f, &prefix);
	if (!e) e = count(rs__shard(r), &prefix, &f, &n);
	if (!e) e = sum_series(rs__shard(r), &prefix, &series);
	json_t *o = e ? NULL : json_keep(r->arena, json_object());
	if (!e && !o) e = ERR_NO_MEMORY;
	if (e) {
		net_reply_err(r, e, &f);
		return;
	}
	json_put_str(o, "prefix", prefix.text);
	json_put_u64(o, "active", n.active);
	json_put_u64(o, "retired", n.retired);
	put_series(o, &series);
	face_json(r, 200, o);
}

const struct net_route face_list_rows[] = {
    {NET_GET, "/registry", get_list, REGISTRY_READERS, 0, 0,
     "identifiers under a prefix, by id or by their last change"},
    {NET_GET, "/count", get_count, REGISTRY_READERS, 0, 0, "how many identifiers there are under a prefix"},
};
const size_t face_list_rows_n = sizeof face_list_rows / sizeof *face_list_rows;
