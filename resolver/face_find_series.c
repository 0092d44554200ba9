/* /find among series. One whose members all, or some of them, have the value is told as a series; the only
 * member that has it as an identifier. A member with a record of its own has its own values. */
#include "resolver/face_find.h"
#include "resolver/reverse_series.h"
#include "resolver/series_match.h"
#include "resolver/series_template.h"

enum { LOOKS = 1000 /* values of one request that are compared, each some ten microseconds */ };

/* A value of the series at hand that matches. */
struct match {
	enum series_matched matched;
	struct id id; /* of the only member */
	struct value v;
	bool hidden, here; /* here: this row is the one that tells it */
};

struct looking {
	struct finding_page *p;
	struct series_wanted wanted;
	const struct str *under;
	size_t under_n;
	uint64_t looks;
	bool hidden;
	/* of the row at hand: */
	struct series_pattern pattern;
	struct record_head head;
};

/* ---- one series ---------------------------------------------------------------------------- */

static bool same(const struct match *x, const struct match *y)
{
	return x->matched == y->matched &&
	       (x->matched == SERIES_MATCHES_SOME || str_eq(x->id.key, y->id.key));
}

/* Told by a public value, or one with a lower index. */
static bool told(const struct match *all, size_t n, const struct match *one)
{
	for (size_t i = 0; i < n; i++) {
		const struct match *x = &all[i];
		if (x == one || !same(x, one)) continue;
		if (one->hidden && !x->hidden) return true;
		if (one->hidden == x->hidden && x->v.index < one->v.index) return true;
	}
	return false;
}

static bool may_see(const struct looking *l, struct str key)
{
	const struct finding_page *p = l->p;
	const struct zone *z = zones_find_prefix(p->shard->zones, key);
	/* what was given to another node is answered for by that */
	return z && !z->parent && str_starts(key, p->prefix.key) &&
	       (!l->hidden || scope_covers(&p->scope, key));
}

/* Nobody answers for it by a record of its own, retired or not. */
static enum err is_of_series(const struct looking *l, const struct id *id, bool *ret)
{
	struct str packed;
	uint64_t leaf;
	enum err e = registry_find_key(l->p->shard->txn, id->key, &leaf, &packed);
	*ret = e == ERR_NOT_FOUND;
	return *ret ? ERR_OK : e;
}

static enum err put_value(struct looking *l, const struct match *m)
{
	struct finding_page *p = l->p;
	struct template_words words;
	struct str data = m->v.data;
	enum err e = ERR_OK;
	if (!l->wanted.begins) return ERR_OK;
	if (m->matched == SERIES_MATCHES_ONE && template_is(data)) {
		const struct series_pattern *s = &l->pattern;
		series_words(&s->range, m->id.text,
			     str_first(str_skip(m->id.key, s->head), s->range.from.n), &words);
		e = template_fill(p->req->arena, data, &words, &data);
	}
	if (e || !str_utf8_ok(data, NULL)) return e;
	buf_add(p->out, STR(",\"value\":"));
	buf_json(p->out, data);
	return ERR_OK;
}

static enum err put_match(struct looking *l, const struct match *m)
{
	struct finding_page *p = l->p;
	const bool one = m->matched == SERIES_MATCHES_ONE;
	bool tell = one ? may_see(l, m->id.key)
			: may_see(l, l->pattern.first.key) && may_see(l, l->pattern.last.key);
	enum err e = tell && one ? is_of_series(l, &m->id, &tell) : ERR_OK;
	if (e || !tell) return e;
	buf_add(p->out, p->any ? STR(",{") : STR("{"));
	if (one) {
		buf_add(p->out, STR("\"id\":"));
		buf_json(p->out, m->id.text);
		buf_byte(p->out, ',');
	}
	buf_add(p->out, STR("\"series\":"));
	buf_json(p->out, l->head.id);
	if (!one) buf_printf(p->out, ",\"members\":%llu", (unsigned long long)l->pattern.members);
	buf_printf(p->out, ",\"index\":%u,\"public\":%s", m->v.index, l->hidden ? "false" : "true");
	e = put_value(l, m);
	buf_byte(p->out, '}');
	p->any = true;
	p->left--;
	return e;
}

/* All values of the type: which of them match, and which row is theirs. */
static enum err match_values(struct looking *l, struct str packed, unsigned char length, struct arena *a,
			     struct match **ret, size_t *ret_n)
{
	struct str rest = packed;
	struct value v;
	size_t n = 0, at = 0;
	enum err e;
	while (!(e = record_next_value(&rest, &v))) n += str_eq_nocase(v.type, l->p->type);
	if (e != ERR_NOT_FOUND) return e;
	struct match *all = ARENA_ARRAY(a, struct match, n + 1);
	if (!all) return ERR_NO_MEMORY;
	while (!(e = record_next_value(&packed, &v))) {
		struct match *m = &all[at];
		struct series_stem stem;
		if (!str_eq_nocase(v.type, l->p->type)) continue;
		*m = (struct match){.v = v, .hidden = !(v.permissions & VALUE_PUBLIC_READ)};
		l->looks++;
		e = series_match(a, &l->pattern, v.data, &l->wanted, &m->matched, &m->id);
		if (!e && m->matched) e = series_stem(a, &l->pattern, v.data, &stem);
		if (e) return e;
		if (!m->matched) continue;
		m->here = m->hidden == l->hidden && stem.octets.n == length;
		at++;
	}
	*ret = all;
	*ret_n = at;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err look_at(struct looking *l, const struct reverse_series_row *row)
{
	struct arena *a = l->p->req->arena;
	struct arena_mark mark = arena_mark(a);
	struct series s;
	struct str octets;
	struct match *all;
	size_t n = 0;
	enum err e = store_get(l->p->shard->txn, RS_TABLE_series, row->series, &octets);
	if (!e) e = series_row_read(row->series, octets, &s);
	if (!e) e = record_peek(s.packed, &l->head);
	if (!e) e = series_pattern_parse(a, l->head.id, NULL, &l->pattern);
	if (!e) e = match_values(l, s.packed, row->length, a, &all, &n);
	for (size_t i = 0; i < n && !e; i++)
		if (all[i].here && !told(all, n, &all[i])) e = put_match(l, &all[i]);
	arena_rollback(a, mark);
	return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

static bool take(void *arg, const struct reverse_series_row *row)
{
	struct looking *l = arg;
	struct finding_page *p = l->p;
	if (!p->left || l->looks >= LOOKS || p->out->n > FIND_OCTETS) {
		p->more = true;
		return false;
	}
	p->err = look_at(l, row);
	p->last = row->key;
	p->last_part = p->part;
	return !p->err;
}

/* ---- all of them --------------------------------------------------------------------------- */

bool face_find_is_series_row(const struct finding_page *p, char part, struct str row)
{
	unsigned char first =
	    (unsigned char)(p->query.number | (part == PART_SERIES_HIDDEN ? REVERSE_SERIES : 0));
	return row.n > 2 && row.n <= STORE_KEY_MAX && (unsigned char)row.p[0] == first;
}

enum err face_find_series(struct finding_page *p, bool hidden)
{
	char part = hidden ? PART_SERIES_HIDDEN : PART_SERIES;
	struct looking l = {.p = p, .hidden = hidden, .wanted = {p->query.data, false}};
	struct str prefix = p->prefix.key, *under = &prefix;
	size_t under_n = 1;
	if (p->more || p->err || part < p->part || !series_any(p->shard->txn)) return p->err;
	if (p->beginning.n) l.wanted = (struct series_wanted){p->beginning, true};
	/* a series that goes beyond the prefix has members under it */
	if (prefix.n)
		prefix =
		    str_first(prefix, series_scope((enum id_scheme)(unsigned char)prefix.p[0], prefix));
	enum err e = hidden && !p->scope.all ? face_find_scope(p, &under, &under_n) : ERR_OK;
	if (e || !under_n) return e;
	struct reverse_series_query q = {.number = p->query.number,
					 .data = l.wanted.octets,
					 .begins = l.wanted.begins,
					 .hidden = hidden,
					 .under = under,
					 .under_n = under_n,
					 .after = p->part == part ? p->after : STR_NONE};
	p->part = part;
	p->after = q.after;
	e = reverse_series_find(p->shard->txn, &q, take, &l);
	return e ? e : p->err;
}
