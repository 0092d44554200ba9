/* Values of a series: whether its templates can be filled, and whether every member keeps to the metadata
 * template that the values name. */
#include "resolver/series.h"

#include <stdio.h>

#include "resolver/series_decide.h"
#include "resolver/series_template.h"

static enum err name_value(struct flaw *f, enum err e, size_t i)
{
	if (f) snprintf(f->at, sizeof f->at, "values[%zu].data", i);
	return e;
}

/* The values of the member that the words are of. */
static enum err fill(struct arena *a, const struct record *r, const struct template_words *w,
		     struct flaw *f, struct value **ret)
{
	struct value *all = ARENA_ARRAY(a, struct value, r->values_n + 1);
	enum err e = all ? ERR_OK : ERR_NO_MEMORY;
	for (size_t i = 0; i < r->values_n && !e; i++) {
		struct str *data = &all[i].data;
		all[i] = r->values[i];
		if (template_is(*data)) e = template_fill(a, *data, w, data);
		if (!e && data->n > RECORD_DATA_MAX) {
			flaw_set(f, ERR_TOO_LARGE, FLAW_NO_OFFSET, "", "length",
				 "the value is too long when it is filled");
			e = name_value(f, ERR_TOO_LARGE, i);
		}
	}
	if (!e) *ret = all;
	return e;
}

static enum err try_member(struct arena *a, const struct series_pattern *p, const struct record *r,
			   struct flaw *f)
{
	struct template_words w;
	series_words(&p->range, p->last.text, p->range.to, &w);
	struct record filled = *r;
	struct buf out = BUF_INIT(RECORD_PACKED_MAX);
	enum err e = fill(a, r, &w, f, &filled.values);
	if (e) return e;
	filled.id = p->last.text;
	e = record_pack(&filled, &out);
	if (!e && out.n > SERIES_RECORD_MAX) e = ERR_TOO_LARGE;
	buf_done(&out);
	if (e != ERR_TOO_LARGE) return e;
	return flaw_set(f, e, FLAW_NO_OFFSET, "values", "record-size",
			"the record of a member has at most %d octets", SERIES_RECORD_MAX);
}

/* All members are equally long, but for {number}, which is longest for the last. */
enum err series_check_values(struct arena *a, const struct series_pattern *p, const struct record *r,
			     struct flaw *f)
{
	bool numeric = series_range_numeric(&p->range);
	for (size_t i = 0; i < r->values_n; i++) {
		enum err e = template_check_parts(r->values[i].data, numeric, p->ranges_n, f);
		if (e) return name_value(f, e, i);
	}
	struct arena_mark mark = arena_mark(a);
	enum err e = try_member(a, p, r, f);
	arena_rollback(a, mark);
	return e;
}

/* ---- every member's metadata ------------------------------------------------------------ */

struct check {
	const struct series_change *c;
	struct store_txn *txn;
	struct arena *arena;
	struct templates_seen seen;
	struct flaw *flaw;
	struct str old; /* packed */
	struct template_bond bond;
	uint64_t budget; /* of series_decide */
	bool each;       /* every member was looked at */
};

/* Which member it is that does not keep to it. */
static enum err name_member(struct flaw *f, enum err e, const struct id *id)
{
	struct flaw why = *f;
	if (e != ERR_BAD_MESSAGE || f->err != e || !str_starts(str_of(f->rule), STR("template-"))) return e;
	if (str_is(str_of(f->rule), "template-known") || str_is(str_of(f->rule), "template-name")) return e;
	return flaw_set(f, e, FLAW_NO_OFFSET, why.at, why.rule, "%.*s: %s", STR_ARG(str_cut(id->text, 80)),
			why.text);
}

static enum err check_member(struct check *k, const struct id *id, struct str serial)
{
	const struct series_change *c = k->c;
	struct template_words words;
	series_words(&c->pattern.range, id->text, serial, &words);
	struct value *values;
	enum err e = fill(k->arena, &c->record, &words, k->flaw, &values);
	struct templates_record r = {id, values, c->record.values_n, k->old, .series = true};
	if (!e) e = templates_check(k->txn, k->arena, &r, &k->seen, NULL, k->flaw, &k->bond);
	return name_member(k->flaw, e, id);
}

/* Numbers of digits alone grow with the serial, but for {number} as decimals: 0.9, 0.10. */
static bool number_grows(const struct series_pattern *p, struct str data)
{
	size_t point = str_find(data, '.');
	struct str behind = str_skip(data, point);
	return series_range_numeric(&p->range) &&
	       !memmem(behind.p ? behind.p : "", behind.n, "{number", strlen("{number"));
}

/* The places of the serial lie behind the slash of a Handle, which takes whatever a range has; and what is
 * a member is an identifier. */
static bool refers(struct arena *a, struct str data)
{
	struct id id;
	struct str head = str_first(data, str_find(data, '{'));
	struct str one = arena_printf(a, "%.*s0", STR_ARG(head));
	if (str_is(data, "{id}")) return true;
	return one.p && !id_parse(a, one, NULL, &id) && id.scheme == ID_HANDLE;
}

/* Whether the values of all members are right when the first and the last are: they are equally long but
 * for {number}, which is shortest and least for the first, longest and greatest for the last. */
static bool ends_decide(const struct check *k, const struct template_attribute *x, struct str data)
{
	if (x->pattern.n) return false;
	switch (x->type) {
	case TEMPLATE_NUMBER: return number_grows(&k->c->pattern, data);
	case TEMPLATE_REFERENCE: return refers(k->arena, data);
	case TEMPLATE_DATE:
	case TEMPLATE_ENUM:
	case TEMPLATE_BOOLEAN: return false;
	default: return true;
	}
}

static enum err check_naming(const struct record *r, struct flaw *f)
{
	for (size_t i = 0; i < r->values_n; i++) {
		uint32_t index = r->values[i].index;
		bool naming = index == TEMPLATE_INDEX_ID || index == TEMPLATE_INDEX_VERSION;
		if (!naming || !template_is(r->values[i].data)) continue;
		flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "", "template-name",
			 "all members of a series have one metadata template");
		return name_value(f, ERR_BAD_MESSAGE, i);
	}
	return ERR_OK;
}

/* What is said of a value that neither a rule's states nor a look at each member can decide. */
static enum err undecided(const struct check *k, const struct template_attribute *x, size_t value)
{
	const char *what = x->type == TEMPLATE_REFERENCE ? "whether it is an identifier"
			   : x->pattern.n                ? "its pattern"
							 : "its rule";
	flaw_set(k->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, "", "template-series",
		 "attribute %.*s (index %llu): %s cannot be decided for all members at once, and looking "
		 "at each "
		 "is for series of up to %d: cut the series, or fill in less",
		 STR_ARG(str_cut(x->name, 60)), (unsigned long long)x->index, what, SERIES_EACH_MAX);
	return name_value(k->flaw, ERR_BAD_MESSAGE, value);
}

static enum err check_each(struct check *k)
{
	const struct series_pattern *p = &k->c->pattern;
	char serial[SERIES_WINDOW_MAX];
	memcpy(serial, p->range.from.p, p->range.from.n);
	do {
		struct str word = str_n(serial, p->range.from.n);
		struct arena_mark mark = arena_mark(k->arena);
		struct id id;
		enum err e = series_pattern_member(k->arena, p, word, &id);
		if (!e) e = check_member(k, &id, word);
		arena_rollback(k->arena, mark);
		if (e && e != ERR_NOT_FOUND) return e; /* not found: its scheme knows no such member */
	} while (series_range_next(&p->range, serial));
	k->each = true;
	return ERR_OK;
}

/* One that seems to break the rule: does it? */
static enum err check_found(struct check *k, struct str serial)
{
	struct arena_mark mark = arena_mark(k->arena);
	struct id id;
	enum err e = series_pattern_member(k->arena, &k->c->pattern, serial, &id);
	if (!e) e = check_member(k, &id, serial);
	arena_rollback(k->arena, mark);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err check_value(struct check *k, const struct template_attribute *x, size_t value)
{
	const struct series_pattern *p = &k->c->pattern;
	struct str data = k->c->record.values[value].data;
	struct series_question q = {p, x, data, &k->budget};
	enum series_verdict verdict = SERIES_OPEN;
	char serial[SERIES_WINDOW_MAX];
	enum err e = ERR_OK;
	if (k->each || ends_decide(k, x, data)) return ERR_OK;
	if (x->type != TEMPLATE_REFERENCE || refers(k->arena, data))
		e = series_decide(&q, &verdict, serial);
	if (!e && verdict == SERIES_BREAKS) e = check_found(k, str_n(serial, p->range.from.n));
	if (e || verdict == SERIES_KEEPS) return e;
	return p->members <= SERIES_EACH_MAX ? check_each(k) : undecided(k, x, value);
}

/* The values that the first and the last member do not decide. */
static enum err check_values(struct check *k)
{
	const struct record *r = &k->c->record;
	const struct template *t;
	enum err e =
	    templates_of(k->txn, k->arena, &k->c->pattern.first, r->values, r->values_n, &k->seen, &t);
	for (size_t i = 0; i < r->values_n && !e && t; i++) {
		const struct template_attribute *x = template_at(t, r->values[i].index);
		if (x && template_is(r->values[i].data)) e = check_value(k, x, i);
	}
	return e;
}

enum err series_check_metadata(const struct series_change *c, struct store_txn *t, struct str old,
			       struct arena *a, struct flaw *f, struct template_bond *ret)
{
	const struct series_pattern *p = &c->pattern;
	struct check k = {.c = c,
			  .txn = t,
			  .arena = a,
			  .flaw = f,
			  .old = old,
			  .seen = {.keep = a},
			  .budget = SERIES_BUDGET};
	struct template_bond bond;
	enum err e = check_naming(&c->record, f);
	if (!e) e = check_member(&k, &p->first, p->range.from);
	bond = k.bond;
	if (!e && bond.is) e = check_member(&k, &p->last, p->range.to);
	if (!e && bond.is) e = check_values(&k);
	if (!e) *ret = bond;
	return e;
}

/* ---- which template is used ------------------------------------------------------------- */

/* Of a series that goes or is cut: what its row says. */
enum err series_bond_of(struct store_txn *t, struct str packed, const struct id *first, struct arena *a,
			struct template_bond *ret)
{
	struct templates_seen seen = {.n = 0};
	struct templates_record r = {.id = first, .old = packed};
	return templates_check(t, a, &r, &seen, NULL, NULL, ret);
}
