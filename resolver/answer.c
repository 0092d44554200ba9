#include "resolver/answer.h"

#include "base/feed.h"
#include "resolver/series.h"

const char *answer_word(enum answer_kind k)
{
	switch (k) {
	case ANSWER_RECORD: return "record";
	case ANSWER_NOT_FOUND: return "not_found";
	case ANSWER_REFERRAL: return "referral";
	case ANSWER_RETIRED: return "retired";
	}
	return "";
}

/* Whose identifier it is: the enterprise's, else that of the prefix of ours. */
static void place(const struct rs_shard *s, const struct id *id, struct local *l)
{
	const struct zone *ours = l->zone->parent ? l->zone->parent : l->zone;
	const struct prefix_mark *m = s->prefixes ? prefixes_find(s->prefixes, id->key) : NULL;
	l->tally = TALLY_OURS + ours->index;
	if (!m) return;
	l->withheld = m->withheld;
	if (tallies_has(s->tallies, TALLY_ALLOCATED + (size_t)m->slot))
		l->tally = TALLY_ALLOCATED + m->slot;
}

void answer_seek(const struct rs_shard *s, const struct id *id, struct sought *ret)
{
	struct sought k = {.id = id, .zone = zones_find(s->zones, id), .err = ERR_NOT_FOUND};
	if (k.zone && !k.zone->parent) k.err = registry_find(s->txn, id, &k.record);
	*ret = k;
}

static enum err find_member(const struct rs_shard *s, struct arena *a, const struct id *id, struct local *l)
{
	struct series series;
	enum err e = series_find(s->txn, id, &series);
	return e ? e : series_fill(a, &series, id, &l->record, &l->head);
}

enum err answer_read(const struct rs_shard *s, struct arena *a, const struct sought *k, struct local *ret)
{
	const struct rs_options *o = &s->rs->o;
	struct local l = {.kind = ANSWER_REFERRAL, .ttl = o->ttl, .zone = k->zone};
	if (!l.zone) return ERR_NOT_RESPONSIBLE;
	place(s, k->id, &l);
	if (l.zone->parent) {
		*ret = l;
		return ERR_OK;
	}
	enum err e = l.withheld ? ERR_NOT_FOUND : k->err;
	l.record = k->record;
	if (e == ERR_NOT_FOUND && !l.withheld &&
	    atomic_load_explicit(&s->rs->series_any, memory_order_relaxed))
		e = find_member(s, a, k->id, &l);
	else if (!e)
		e = record_peek(l.record, &l.head);
	if (e == ERR_NOT_FOUND) {
		l.record = STR_NONE;
		l.kind = ANSWER_NOT_FOUND;
		l.ttl = o->ttl_negative;
		*ret = l;
		return ERR_OK;
	}
	if (e) return e;
	l.kind = l.head.status == RECORD_RETIRED ? ANSWER_RETIRED : ANSWER_RECORD;
	if (l.kind == ANSWER_RETIRED)
		l.ttl = o->ttl_negative;
	else if (l.head.ttl < l.ttl)
		l.ttl = l.head.ttl;
	*ret = l;
	return ERR_OK;
}

enum err answer_find(const struct rs_shard *s, struct arena *a, const struct id *id, struct local *ret)
{
	struct sought k;
	answer_seek(s, id, &k);
	return answer_read(s, a, &k, ret);
}

static enum err all_public(struct str packed, bool *ret)
{
	struct value v;
	enum err e;
	*ret = true;
	while (!(e = record_next_value(&packed, &v)))
		if (!(v.permissions & VALUE_PUBLIC_READ)) *ret = false;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err answer_public(struct arena *a, struct str packed, struct str *ret)
{
	struct record r;
	bool whole;
	size_t kept = 0;
	enum err e = all_public(packed, &whole);
	if (!e && whole) *ret = packed;
	if (e || whole) return e;
	e = record_unpack(a, packed, NULL, &r);
	if (e) return e == ERR_NO_MEMORY ? e : ERR_CORRUPT;
	for (size_t i = 0; i < r.values_n; i++)
		if (r.values[i].permissions & VALUE_PUBLIC_READ) r.values[kept++] = r.values[i];
	r.values_n = kept;
	struct buf out = BUF_INIT(RECORD_PACKED_MAX);
	e = record_pack(&r, &out);
	struct str copy = e ? STR_NONE : arena_dup(a, buf_str(&out));
	buf_done(&out);
	if (!e && !copy.p) e = ERR_NO_MEMORY;
	if (!e) *ret = copy;
	return e;
}

/* Terms begin at whole quarters of the validity, so that answers to the same question agree. */
static void set_term(const struct rs_shard *s, struct answer *m)
{
	usec_t now = clock_wall(), quarter = s->rs->o.answer_validity / 4;
	if (quarter < 1) quarter = 1;
	m->inception = now - now % quarter;
	m->expiry = m->inception + s->rs->o.answer_validity;
	usec_t left = (m->expiry - now) / USEC_PER_SEC;
	if (left < (usec_t)m->ttl) m->ttl = left > 0 ? (uint32_t)left : 0;
}

static enum err fill(const struct rs_shard *s, struct arena *a, const struct id *id, const struct local *l,
		     struct answer *m)
{
	struct rs *r = s->rs;
	const struct zone *ours = l->zone->parent ? l->zone->parent : l->zone;
	*m = (struct answer){.key = id->key,
			     .id = id->text,
			     .kind = l->kind,
			     .authority = ours->prefix,
			     .node = r->did,
			     .ttl = l->ttl};
	set_term(s, m);
	if (r->o.writer) {
		struct feed *feed = writer_feed(r->o.writer);
		enum err e = feed->driver->head(feed, s->txn, &m->feed_position);
		if (e && e != ERR_NOT_FOUND) return e;
	}
	if (l->kind == ANSWER_REFERRAL) {
		m->delegations = ARENA_NEW(a, struct str);
		if (!m->delegations) return ERR_NO_MEMORY;
		m->delegations[0] = l->zone->delegation;
		m->delegations_n = 1;
	}
	return l->record.n ? answer_public(a, l->record, &m->record) : ERR_OK;
}

enum err answer_plain(struct rs_shard *s, struct arena *a, const struct id *id, const struct local *l,
		      struct buf *out)
{
	struct answer m;
	enum err e = fill(s, a, id, l, &m);
	return e ? e : answer_pack(&m, out);
}

/* A number that changes whenever what we would say about the identifier does. */
static uint64_t stamp_of(const struct rs_shard *s, const struct local *l)
{
	return l->kind == ANSWER_REFERRAL ? s->zones_version : l->record.n ? l->head.revision : 0;
}

static void keep(struct rs_shard *s, const struct id *id, const struct local *l, struct str octets)
{
	usec_t now = clock_wall(), quarter = s->rs->o.answer_validity / 4;
	struct finding parts = {.kind = l->kind,
				.state = CHAIN_AUTHORITATIVE,
				.key = id->key,
				.octets = octets,
				.made = clock_mono(),
				.stamp = stamp_of(s, l)};
	/* at most a quarter of the term has passed when it is given out last */
	parts.until = parts.made + (quarter > 0 ? quarter - now % quarter : 0);
	struct finding *f = finding_new(&parts);
	if (!f) return;
	bool record = l->kind == ANSWER_RECORD;
	cache_put(s->signatures, record ? CACHE_POSITIVE : CACHE_NEGATIVE, f);
	finding_release(f);
}

static bool kept(struct rs_shard *s, struct arena *a, const struct id *id, const struct local *l,
		 struct str *ret)
{
	bool record = l->kind == ANSWER_RECORD;
	struct finding *f =
	    cache_find(s->signatures, record ? CACHE_POSITIVE : CACHE_NEGATIVE, id->key, clock_mono());
	if (!f) return false;
	bool same = f->kind == l->kind && f->stamp == stamp_of(s, l);
	if (same) *ret = arena_dup(a, f->octets);
	finding_release(f);
	return same && ret->p;
}

enum err answer_sign(struct rs_shard *s, struct arena *a, const struct id *id, const struct local *l,
		     struct str *ret)
{
	struct str copy = STR_NONE;
	if (kept(s, a, id, l, &copy)) {
		RS_COUNT(&s->counters, signatures_kept);
		*ret = copy;
		return ERR_OK;
	}
	struct buf payload = BUF_INIT(ANSWER_PACKED_MAX), out = BUF_INIT(ENVELOPE_PACKED_MAX);
	enum err e = answer_plain(s, a, id, l, &payload);
	if (!e) e = envelope_sign(ENVELOPE_ANSWER, buf_str(&payload), s->rs->o.key, s->rs->kid, &out);
	if (!e) {
		RS_COUNT(&s->counters, signatures);
		keep(s, id, l, buf_str(&out));
		copy = arena_dup(a, buf_str(&out));
		if (!copy.p) e = ERR_NO_MEMORY;
	}
	buf_done(&payload);
	buf_done(&out);
	if (!e) *ret = copy;
	return e;
}
