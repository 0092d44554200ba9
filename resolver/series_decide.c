/* Values of all members against one rule.
 *
 * A value's text is the same for all members but for the places filled from their ranges. Members that are
 * alike up to a place, as far as the rule can tell, go on together: what is kept of each place is the
 * rule's state, and whether the range's characters so far are those of FROM or of TO. So the work is that
 * of the width, not of the number of members. Where a range is filled in twice, or a check digit, more
 * texts are tried than there are: that all of them keep to the rule is still certain, and of one that does
 * not the caller looks whether it is a member.
 *
 * {number} is as long as the serial has digits without leading zeros: each length is decided by itself.
 * Rules that take few texts (choices, truth values) are decided by as many members as there are choices and
 * one: no two have the same text. */
#include "resolver/series_decide.h"

#include "proto/template/walk.h"
#include "resolver/series_range.h"
#include "resolver/series_template.h"

enum {
	DECIDE_ARENA = 4 << 20,
	NODES_OCTETS = 1 << 20,
	NODES_MAX = 16384,
	SLOTS = 4096, /* of the states of one place; half of them are used */
	LOW = 1,      /* the characters so far are those of FROM */
	HIGH = 2,
};

struct decide {
	const struct series_question *q;
	struct arena *a;
	char *serial; /* where the one that breaks it goes */
};

/* ---- one by one ------------------------------------------------------------------------- */

/* The value of the member with this serial keeps to all rules; ERR_NOT_FOUND: its scheme knows none. */
static enum err try_serial(struct decide *d, struct str serial, bool *ret_keeps)
{
	const struct series_pattern *p = d->q->pattern;
	struct arena_mark mark = arena_mark(d->a);
	struct template_words words;
	struct template_fault fault;
	struct id id = p->first;
	struct str text;
	enum err e = ERR_OK;
	if (template_uses(d->q->data) & TEMPLATE_USES_ID) e = series_pattern_member(d->a, p, serial, &id);
	series_words(&p->range, id.text, serial, &words);
	if (!e) e = template_fill(d->a, d->q->data, &words, &text);
	if (!e) {
		e = template_check_value(d->a, d->q->attribute, text, &fault);
		*ret_keeps = !e;
		if (e == ERR_BAD_MESSAGE) e = ERR_OK;
	}
	arena_rollback(d->a, mark);
	return e;
}

/* The members that differ in what the value is filled from: the others' ranges stay at their beginning. */
static enum err used_range(struct decide *d, struct series_range *ret)
{
	const struct series_pattern *p = d->q->pattern;
	unsigned uses = template_uses(d->q->data);
	char *to;
	*ret = p->range;
	if (!p->range.parts_n || uses & TEMPLATE_USES_ID) return ERR_OK;
	if (uses & TEMPLATE_USES_SERIAL) uses |= 1u << (p->range.parts_n - 1);
	to = arena_bytes(d->a, p->range.to.n);
	if (!to) return ERR_NO_MEMORY;
	memcpy(to, p->range.to.p, p->range.to.n);
	for (size_t k = 0; k < p->range.parts_n; k++) {
		struct series_part part = p->range.parts[k];
		if (!(uses >> k & 1)) memcpy(to + part.at, p->range.from.p + part.at, part.n);
	}
	ret->to = str_n(to, p->range.to.n);
	return ERR_OK;
}

static enum err try_each(struct decide *d, enum series_verdict *ret)
{
	struct series_range r;
	char serial[SERIES_WINDOW_MAX];
	enum err e = used_range(d, &r);
	if (e) return e;
	memcpy(serial, r.from.p, r.from.n);
	const uint64_t cost =
	    d->q->attribute->pattern.n ? 20000 : 2000; /* a pattern is compiled each time */
	*ret = SERIES_OPEN;
	for (size_t i = 0; i <= SERIES_EACH_MAX && *d->q->budget >= cost; i++) {
		bool keeps = true;
		*d->q->budget -= cost;
		e = try_serial(d, str_n(serial, r.from.n), &keeps);
		if (e && e != ERR_NOT_FOUND) return e;
		if (!keeps) memcpy(d->serial, serial, r.from.n);
		if (keeps && series_range_next(&r, serial)) continue;
		*ret = keeps ? SERIES_KEEPS : SERIES_BREAKS;
		return ERR_OK;
	}
	return ERR_OK;
}

/* ---- all together ----------------------------------------------------------------------- */

enum place_kind { FIXED, RANGE, DIGIT };
struct place {
	enum place_kind kind;
	char c;
	size_t at;   /* RANGE: in the window */
	bool begins; /* a range */
	size_t rest; /* RANGE: places of its range behind this one */
};

struct text {
	struct place *places;
	size_t n;
};

struct node {
	uint32_t before; /* the node it was come to from */
	char c;
	uint8_t flags;
	unsigned char state[];
};

struct walking {
	struct decide *d;
	const struct template_walk *rule;
	const struct series_range *r;
	struct text text;
	char *nodes;
	size_t stride, n, most;
	uint32_t *slots;
};

static struct node *node_at(const struct walking *w, size_t i)
{
	return (struct node *)(void *)(w->nodes + i * w->stride);
}

/* The places of a range in the window that this octet was taken from. */
static void place_of(const struct series_pattern *p, const struct template_words *words, struct str serial,
		     const char *from, struct place *ret)
{
	uintptr_t at = (uintptr_t)from, id = (uintptr_t)words->id.p, window = (uintptr_t)serial.p;
	size_t n = p->range.parts_n ? p->range.parts_n : 1;
	for (size_t k = 0; k < n; k++) {
		struct series_part part = p->range.parts_n
					      ? p->range.parts[k]
					      : (struct series_part){0, (uint8_t)p->range.from.n};
		size_t i = SIZE_MAX;
		if (at >= id && at < id + words->id.n)
			i = at - id - p->text_at[k];
		else if (at >= window && at < window + serial.n)
			i = at - window - part.at;
		if (i >= part.n) continue;
		*ret = (struct place){
		    .kind = RANGE, .at = part.at + i, .rest = (size_t)part.n - 1 - i, .begins = i == 0};
	}
	if (ret->kind == FIXED && p->check_at && at == id + p->check_at) ret->kind = DIGIT;
}

static enum err read_text(struct decide *d, const struct series_range *r, struct text *ret)
{
	const struct series_pattern *p = d->q->pattern;
	struct template_words words;
	const char *const *from;
	struct str text;
	struct id id = p->first;
	enum err e = ERR_OK;
	if (template_uses(d->q->data) & TEMPLATE_USES_ID) e = series_pattern_member(d->a, p, r->from, &id);
	series_words(&p->range, id.text, r->from, &words);
	if (!e) e = template_trace(d->a, d->q->data, &words, &text, &from);
	if (e) return e;
	ret->n = text.n;
	ret->places = ARENA_ARRAY(d->a, struct place, text.n + 1);
	if (!ret->places) return ERR_NO_MEMORY;
	for (size_t i = 0; i < text.n; i++) {
		struct place *one = &ret->places[i];
		*one = (struct place){.c = text.p[i]};
		if (from[i]) place_of(p, &words, r->from, from[i], one);
		/* of {number} the zeros in front are left out: both ends have them */
		const struct place *before = i ? one - 1 : NULL;
		if (one->kind == RANGE && (!before || before->kind != RANGE || before->at + 1 != one->at))
			one->begins = true;
	}
	return ERR_OK;
}

/* The serial whose text leads to the node and goes on with c there; the rest so that it is of the range. */
static void keep_serial(const struct walking *w, size_t node, size_t place, char c, unsigned flags)
{
	char *serial = w->d->serial;
	const struct place *p = &w->text.places[place];
	memcpy(serial, w->r->from.p, w->r->from.n);
	for (size_t i = place; i-- > 0; node = node_at(w, node)->before)
		if (w->text.places[i].kind == RANGE) serial[w->text.places[i].at] = node_at(w, node)->c;
	if (place == w->text.n || p->kind != RANGE) return;
	serial[p->at] = c;
	if (!(flags & LOW) && flags & HIGH) memcpy(serial + p->at + 1, w->r->to.p + p->at + 1, p->rest);
}

static bool same_state(const struct walking *w, size_t i, unsigned flags, const unsigned char *state)
{
	const struct node *n = node_at(w, i);
	return n->flags == flags && !memcmp(n->state, state, template_walk_state(w->rule));
}

/* One more state of the place whose first one is `first`. ERR_QUOTA: too many. */
static enum err node_add(struct walking *w, size_t first, size_t before, char c, unsigned flags,
			 const unsigned char *state)
{
	size_t size = template_walk_state(w->rule);
	uint64_t hash = 1469598103934665603u ^ flags;
	for (size_t i = 0; i < size; i++) hash = (hash ^ state[i]) * 1099511628211u;
	size_t slot = (hash ^ hash >> 32) % SLOTS;
	for (; w->slots[slot]; slot = (slot + 1) % SLOTS)
		if (same_state(w, w->slots[slot] - 1, flags, state)) return ERR_OK;
	if (w->n == w->most || w->n - first >= SLOTS / 2) return ERR_QUOTA;
	struct node *n = node_at(w, w->n);
	n->before = (uint32_t)before;
	n->c = c;
	n->flags = (uint8_t)flags;
	memcpy(n->state, state, size);
	w->slots[slot] = (uint32_t)++w->n;
	return ERR_OK;
}

static bool may_stand(const struct walking *w, const struct place *p, unsigned *flags, char c)
{
	const struct series_range *r = w->r;
	if (p->kind == FIXED) return c == p->c;
	if (p->kind == DIGIT) return c >= '0' && c <= '9';
	unsigned f = p->begins ? LOW | HIGH : *flags;
	if (!series_range_allows(r, p->at, c)) return false;
	if ((f & LOW && c < r->from.p[p->at]) || (f & HIGH && c > r->to.p[p->at])) return false;
	if (c != r->from.p[p->at]) f &= ~(unsigned)LOW;
	if (c != r->to.p[p->at]) f &= ~(unsigned)HIGH;
	*flags = f;
	return true;
}

/* From a node through all characters that may stand there. ERR_BAD_MESSAGE: one breaks the rule. */
static enum err node_go(struct walking *w, size_t node, size_t place, size_t first)
{
	const struct place *p = &w->text.places[place];
	unsigned char state[TEMPLATE_WALK_STATE_MAX];
	const uint64_t cost = 16 + 8 * template_walk_state(w->rule);
	char from = p->kind == FIXED ? p->c : '-', to = p->kind == FIXED ? p->c : 'z';
	for (int c = from; c <= to; c++) {
		unsigned flags = node_at(w, node)->flags;
		if (!may_stand(w, p, &flags, (char)c)) continue;
		if (*w->d->q->budget < cost) return ERR_QUOTA;
		*w->d->q->budget -= cost;
		if (!template_walk_step(w->rule, node_at(w, node)->state, (char)c, state)) {
			keep_serial(w, node, place, (char)c, flags);
			return ERR_BAD_MESSAGE;
		}
		enum err e = node_add(w, first, node, (char)c, flags, state);
		if (e) return e;
	}
	return ERR_OK;
}

static enum err walk_places(struct walking *w)
{
	unsigned char state[TEMPLATE_WALK_STATE_MAX];
	template_walk_begin(w->rule, state);
	enum err e = node_add(w, 0, 0, 0, 0, state);
	size_t first = 0;
	for (size_t place = 0; place < w->text.n && !e; place++) {
		size_t end = w->n;
		memset(w->slots, 0, SLOTS * sizeof *w->slots);
		for (size_t i = first; i < end && !e; i++) e = node_go(w, i, place, end);
		first = end;
	}
	for (size_t i = first; i < w->n && !e; i++) {
		if (template_walk_ends(w->rule, node_at(w, i)->state)) continue;
		keep_serial(w, i, w->text.n, 0, 0);
		e = ERR_BAD_MESSAGE;
	}
	return e;
}

static enum err walk_range(struct decide *d, const struct series_range *r, const struct template_walk *rule,
			   enum series_verdict *ret)
{
	struct walking w = {.d = d, .rule = rule, .r = r};
	w.stride = (sizeof(struct node) + template_walk_state(rule) + 7) & ~(size_t)7;
	w.most = NODES_OCTETS / w.stride < NODES_MAX ? NODES_OCTETS / w.stride : NODES_MAX;
	w.nodes = arena_alloc(d->a, w.most * w.stride);
	w.slots = ARENA_ARRAY(d->a, uint32_t, SLOTS);
	if (!w.nodes || !w.slots) return ERR_NO_MEMORY;
	memset(w.slots, 0, SLOTS * sizeof *w.slots);
	enum err e = read_text(d, r, &w.text);
	if (!e) e = walk_places(&w);
	*ret = e == ERR_BAD_MESSAGE ? SERIES_BREAKS : e ? SERIES_OPEN : SERIES_KEEPS;
	return e == ERR_BAD_MESSAGE || e == ERR_QUOTA || e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Numbers of one length grow with the serial: the ends decide about bounds. */
static enum err try_ends(struct decide *d, const struct series_range *r, enum series_verdict *ret)
{
	const struct str ends[] = {r->from, r->to};
	*ret = SERIES_KEEPS;
	for (size_t i = 0; i < 2 && *ret == SERIES_KEEPS; i++) {
		bool keeps = true;
		enum err e = try_serial(d, ends[i], &keeps);
		if (e && e != ERR_NOT_FOUND) return e;
		if (e) *ret = SERIES_OPEN;
		if (keeps) continue;
		*ret = SERIES_BREAKS;
		memcpy(d->serial, ends[i].p, ends[i].n);
	}
	return ERR_OK;
}

/* The serials with that many zeros in front; false: there are none. */
static bool with_zeros(const struct series_range *all, size_t zeros, char *from, char *to,
		       struct series_range *ret)
{
	size_t n = all->from.n;
	memset(from, '0', n);
	memset(to, '9', n);
	memset(to, '0', zeros);
	if (zeros + 1 < n) from[zeros] = '1'; /* 0 alone is a number of one digit too */
	if (memcmp(from, all->from.p, n) < 0) memcpy(from, all->from.p, n);
	if (memcmp(to, all->to.p, n) > 0) memcpy(to, all->to.p, n);
	*ret = *all;
	ret->from = str_n(from, n);
	ret->to = str_n(to, n);
	return memcmp(from, to, n) <= 0;
}

static enum err walk_lengths(struct decide *d, const struct template_walk *rule, bool number,
			     enum series_verdict *ret)
{
	const struct series_range *all = &d->q->pattern->range;
	bool lengths = template_uses(d->q->data) & TEMPLATE_USES_NUMBER;
	char from[SERIES_WINDOW_MAX], to[SERIES_WINDOW_MAX];
	enum err e = ERR_OK;
	*ret = SERIES_KEEPS;
	for (size_t zeros = 0; zeros < (lengths ? all->from.n : 1) && !e && *ret == SERIES_KEEPS; zeros++) {
		struct arena_mark mark = arena_mark(d->a);
		struct series_range r = *all;
		if (lengths && !with_zeros(all, zeros, from, to, &r)) continue;
		e = walk_range(d, &r, rule, ret);
		if (!e && *ret == SERIES_KEEPS && number) e = try_ends(d, &r, ret);
		arena_rollback(d->a, mark);
	}
	return e;
}

static enum err walk_rule(struct decide *d, enum template_rule rule, enum series_verdict *ret)
{
	struct template_walk *walk;
	enum err e = template_walk_new(d->a, d->q->attribute, rule, &walk);
	bool number = rule == TEMPLATE_RULE_TYPE && d->q->attribute->type == TEMPLATE_NUMBER;
	*ret = SERIES_OPEN;
	if (!e) return walk_lengths(d, walk, number, ret);
	return e == ERR_UNSUPPORTED ? ERR_OK : e;
}

static enum err decide(struct decide *d, enum series_verdict *ret)
{
	const struct template_attribute *x = d->q->attribute;
	bool walked = x->type == TEMPLATE_DATE || x->type == TEMPLATE_NUMBER, pattern = x->pattern.n;
	if (x->type == TEMPLATE_ENUM || x->type == TEMPLATE_BOOLEAN) return try_each(d, ret);
	*ret = SERIES_KEEPS;
	enum err e = walked ? walk_rule(d, TEMPLATE_RULE_TYPE, ret) : ERR_OK;
	if (!e && *ret == SERIES_KEEPS && pattern) e = walk_rule(d, TEMPLATE_RULE_PATTERN, ret);
	return !e && *ret == SERIES_OPEN ? try_each(d, ret) : e;
}

enum err series_decide(const struct series_question *q, enum series_verdict *ret,
		       char ret_serial[SERIES_WINDOW_MAX])
{
	struct decide d = {.q = q, .serial = ret_serial};
	d.a = arena_new(DECIDE_ARENA);
	if (!d.a) return ERR_NO_MEMORY;
	enum err e = decide(&d, ret);
	if (e == ERR_NO_MEMORY && arena_overflowed(d.a)) { /* the value is too long for that */
		*ret = SERIES_OPEN;
		e = ERR_OK;
	}
	arena_free(d.a);
	return e;
}
