#include "resolver/outcome.h"

#include <stdio.h>

#include "resolver/registry.h"

static enum err referral(struct arena *a, const struct local *l, struct outcome *o)
{
	struct delegation d;
	enum err e = delegation_open(a, l->zone->delegation, &d);
	if (e) return e;
	o->err = ERR_NOT_RESPONSIBLE;
	o->prefix = l->zone->text;
	o->url = delegation_endpoint(&d, "https");
	if (!o->url.p) o->url = delegation_endpoint(&d, "http");
	flaw_set(&o->flaw, ERR_NOT_RESPONSIBLE, FLAW_NO_OFFSET, "id", "delegated",
		 "the prefix %.*s is served by another node: %.*s", STR_ARG(o->prefix), STR_ARG(o->url));
	return ERR_OK;
}

/* "…was retired", and why when the tombstone says so. */
static void say_retired(struct outcome *o)
{
	struct str rest = o->record, why = STR_NONE;
	struct value v;
	if (!record_next_value(&rest, &v) && (v.permissions & VALUE_PUBLIC_READ) &&
	    str_is(v.type, RETIRE_REASON_TYPE))
		why = str_first(v.data, sizeof o->flaw.text - 40);
	while (why.n && !str_utf8_ok(why, NULL)) why.n--; /* not within a character */
	flaw_set(&o->flaw, ERR_GONE, FLAW_NO_OFFSET, "id", "retired", "the identifier was retired%s%.*s",
		 why.n ? ": " : "", STR_ARG(why));
}

enum err outcome_local(struct rs_shard *s, struct arena *a, const struct id *id, struct outcome *ret)
{
	struct sought k;
	answer_seek(s, id, &k);
	return outcome_sought(s, a, &k, ret);
}

enum err outcome_sought(struct rs_shard *s, struct arena *a, const struct sought *k, struct outcome *ret)
{
	struct local l;
	struct outcome o;
	memset(&o, 0, offsetof(struct outcome, flaw));
	flaw_init(&o.flaw);
	o.state = CHAIN_AUTHORITATIVE;
	o.ours = true;
	enum err e = answer_read(s, a, k, &l);
	if (e == ERR_NOT_RESPONSIBLE) {
		o.err = e;
		o.state = CHAIN_NONE;
		flaw_set(&o.flaw, e, FLAW_NO_OFFSET, "id", "authority",
			 "this node does not answer for the prefix and does not ask others");
		*ret = o;
		return ERR_OK;
	}
	if (e) return e;
	o.kind = l.kind;
	o.record = l.record;
	o.ttl = l.ttl;
	o.tally = l.tally;
	if (l.record.n) o.head = l.head;
	if (l.kind == ANSWER_REFERRAL)
		e = referral(a, &l, &o);
	else if (l.kind == ANSWER_NOT_FOUND)
		o.err = flaw_set(&o.flaw, ERR_NOT_FOUND, FLAW_NO_OFFSET, "id",
				 l.withheld ? "withheld" : "registered",
				 l.withheld ? "the enterprise of this prefix is not admitted at present"
					    : "no such identifier is registered");
	if (!e && l.kind == ANSWER_RETIRED) {
		o.err = ERR_GONE;
		say_retired(&o);
	}
	if (!e) *ret = o;
	return e;
}

static void name_failing_hop(const struct finding *f, struct outcome *o)
{
	const struct hop *h = f->hops_n ? &f->hops[f->hops_n - 1] : NULL;
	for (size_t i = 0; i < f->hops_n && f->err == ERR_BOGUS; i++)
		if (f->hops[i].state == CHAIN_BOGUS) h = &f->hops[i];
	flaw_set(&o->flaw, f->err, FLAW_NO_OFFSET, "walk", NULL, "%.*s%s%.*s%s",
		 STR_ARG(str_first(f->text, 120)), h ? " (hop " : "",
		 STR_ARG(h ? str_first(h->url, 60) : STR_NONE), h ? ")" : "");
	snprintf(o->flaw.rule, sizeof o->flaw.rule, "%.*s", STR_ARG(f->rule));
}

void outcome_found(const struct finding *f, bool cached, struct outcome *ret)
{
	struct outcome o = {.err = f->err,
			    .kind = f->kind,
			    .state = f->state,
			    .record = f->record,
			    .octets = f->octets,
			    .hops = f->hops,
			    .hops_n = f->hops_n,
			    .cached = cached};
	usec_t left = f->until - clock_mono();
	o.ttl = left > 0 ? (uint32_t)(left / USEC_PER_SEC) : 0;
	/* verified before it was kept, so it can be read */
	if (f->record.n) must(!record_peek(f->record, &o.head));
	if (f->kind == ANSWER_NOT_FOUND)
		flaw_set(&o.flaw, ERR_NOT_FOUND, FLAW_NO_OFFSET, "id", "registered",
			 "no such identifier is registered");
	else if (f->kind == ANSWER_RETIRED)
		say_retired(&o);
	else if (f->err)
		name_failing_hop(f, &o);
	*ret = o;
}

bool outcome_open(const struct rs_shard *s, const struct outcome *o)
{
	return s->rs->o.recursive && o->err == ERR_NOT_RESPONSIBLE;
}

enum err outcome_sign(struct rs_shard *s, struct arena *a, const struct id *id, struct outcome *o)
{
	struct local l;
	if (o->octets.n || !o->ours || !o->kind) return ERR_OK;
	enum err e = answer_find(s, a, id, &l);
	return e ? e : answer_sign(s, a, id, &l, &o->octets);
}

static enum statistic statistic_of(enum answer_kind k)
{
	switch (k) {
	case ANSWER_RECORD: return STATISTIC_records;
	case ANSWER_NOT_FOUND: return STATISTIC_not_found;
	case ANSWER_REFERRAL: return STATISTIC_referrals;
	case ANSWER_RETIRED: return STATISTIC_gone;
	}
	return STATISTIC_failed;
}

void outcome_count(struct rs_shard *s, const struct outcome *o)
{
	struct rs_counters *c = &s->counters;
	tally_count(s->tallies, o->tally, statistic_of(o->kind));
	switch (o->kind) {
	case ANSWER_RECORD:
		RS_COUNT(c, records);
		top_add(s->top, o->head.id);
		return;
	case ANSWER_NOT_FOUND: RS_COUNT(c, not_found); return;
	case ANSWER_REFERRAL: RS_COUNT(c, referrals); return;
	case ANSWER_RETIRED: RS_COUNT(c, retired); return;
	}
	if (o->err == ERR_BOGUS)
		RS_COUNT(c, bogus);
	else if (o->err == ERR_NOT_RESPONSIBLE)
		RS_COUNT(c, refused);
	else
		RS_COUNT(c, unreachable);
}
