#include "proto/id/gs1_message.h"

enum err gs1__full(struct flaw *f)
{
	return flaw_set(f, ERR_NO_MEMORY, FLAW_NO_OFFSET, "", "memory", "%s", err_text(ERR_NO_MEMORY));
}

enum err gs1__add(const struct gs1_reading *r, const struct gs1_ai *ai, struct str value, size_t offset)
{
	struct gs1_message *m = r->m;
	if (m->n == GS1_ELEMENTS_MAX)
		return flaw_set(r->f, ERR_BAD_ID, offset, ai->ai, "too-many-elements",
				"a GS1 message has at most %d elements", GS1_ELEMENTS_MAX);
	struct gs1_element *e = &m->elements[m->n++];
	e->ai = str_n(ai->ai, ai->n);
	e->value = value;
	e->title = ai->title;
	e->role = GS1_ATTRIBUTE;
	e->offset = offset;
	e->row = ai;
	return ERR_OK;
}

enum err gs1__repeats_find(const struct gs1_reading *r, bool allowed)
{
	struct gs1_message *m = r->m;
	for (size_t i = 1; i < m->n; i++) {
		struct gs1_element *e = &m->elements[i];
		size_t k = 0;
		while (k < i && m->elements[k].row != e->row) k++;
		if (k == i) continue;
		if (!allowed || !str_eq(m->elements[k].value, e->value))
			return flaw_set(r->f, ERR_BAD_ID, e->offset, e->row->ai, "duplicate",
					allowed ? "(%s) is given twice with different values"
						: "(%s) is given twice",
					e->row->ai);
		e->role = GS1_REPEATED;
	}
	return ERR_OK;
}

static void unlinkable(struct gs1_message *m, const char *why, size_t at)
{
	if (m->unlinkable) return;
	m->unlinkable = why;
	m->unlinkable_at = at;
}

/* Takes the element among the qualifiers if it goes together with those that are there, at its place. */
static bool qualify(struct gs1_message *m, size_t i)
{
	const struct gs1_ai *key = m->elements[m->key].row, *others[GS1_QUALIFIERS_MAX];
	for (size_t k = 0; k < m->qualifiers_n; k++) others[k] = m->elements[m->qualifiers[k]].row;
	int rank = gs1_qualifier_rank(key, m->elements[i].row, others, m->qualifiers_n);
	if (rank < 0 || m->qualifiers_n == GS1_QUALIFIERS_MAX) return false;
	size_t k = m->qualifiers_n++;
	for (; k > 0; k--) {
		const struct gs1_ai *before = others[k - 1], *self = m->elements[i].row;
		if (gs1_qualifier_rank(key, before, &self, 1) < rank) break;
		m->qualifiers[k] = m->qualifiers[k - 1];
	}
	m->qualifiers[k] = i;
	m->elements[i].role = GS1_QUALIFIER;
	return true;
}

void gs1__roles_find(struct gs1_message *m)
{
	m->key = 0;
	while (m->key < m->n && !m->elements[m->key].row->key) m->key++;
	bool keyed = m->key < m->n;
	if (keyed)
		m->elements[m->key].role = GS1_KEY;
	else {
		m->key = GS1_NONE;
		unlinkable(m, "no-key", 0);
	}
	for (size_t i = 0; i < m->n; i++) {
		struct gs1_element *e = &m->elements[i];
		if (e->role == GS1_REPEATED || i == m->key) continue;
		if (keyed && !e->row->key &&
		    gs1_qualifier_rank(m->elements[m->key].row, e->row, NULL, 0) >= 0) {
			if (qualify(m, i)) continue;
			unlinkable(m, "qualifiers-mixed", e->offset);
		}
		e->role = e->row->attribute ? GS1_ATTRIBUTE : GS1_UNLINKED;
	}
	for (size_t i = 0; keyed && i < m->n; i++)
		if (m->elements[i].role == GS1_UNLINKED)
			unlinkable(m, "not-an-attribute", m->elements[i].offset);
}

static bool before(const struct gs1_ai *a, const struct gs1_ai *b)
{
	if (a->predefined != b->predefined) return a->predefined;
	return a->n != b->n ? a->n < b->n : a < b;
}

void gs1__elements_sort(struct gs1_message *m)
{
	struct gs1_element sorted[GS1_ELEMENTS_MAX];
	size_t n = 0, fixed;
	sorted[n++] = m->elements[m->key];
	for (size_t i = 0; i < m->qualifiers_n; i++) sorted[n++] = m->elements[m->qualifiers[i]];
	fixed = n;
	for (size_t i = 0; i < m->n; i++) {
		const struct gs1_element *e = &m->elements[i];
		if (e->role != GS1_ATTRIBUTE) continue;
		size_t k = n++;
		for (; k > fixed && before(e->row, sorted[k - 1].row); k--) sorted[k] = sorted[k - 1];
		sorted[k] = *e;
	}
	memcpy(m->elements, sorted, n * sizeof *sorted);
	m->key = 0;
	for (size_t i = 0; i < m->qualifiers_n; i++) m->qualifiers[i] = i + 1;
}

/* An element other than `self` whose row is in the term; NULL: none. An AI does not exclude itself. */
static const struct gs1_element *term_find(const struct gs1_message *m, const struct gs1_term *t,
					   const struct gs1_ai *self)
{
	for (size_t i = 0; i < m->n; i++) {
		size_t row = gs1_row(m->elements[i].row);
		if (row >= t->first && row <= t->last && m->elements[i].row != self) return &m->elements[i];
	}
	return NULL;
}

/* Conditions split by ';' must all hold, one of the alternatives split by ',' will do, and of an
 * alternative all split by '+' must be there. */
static bool needs_met(const struct gs1_message *m, const struct gs1_ai *ai)
{
	bool condition = false, alternative = true;
	for (const struct gs1_term *t = ai->needs; t; t++) {
		alternative = alternative && term_find(m, t, NULL);
		if (t->joint == '+') continue;
		condition = condition || alternative;
		alternative = true;
		if (t->joint == ',') continue;
		if (!condition) return false;
		if (!t->joint) break;
		condition = false;
	}
	return true;
}

static enum err excluded(const struct gs1_reading *r, const struct gs1_element *e,
			 const struct gs1_element *other)
{
	const struct gs1_element *later = other->offset > e->offset ? other : e;
	return flaw_set(r->f, ERR_BAD_ID, later->offset, later->row->ai, "excluded",
			"(%s) does not stand beside (%s)", e->row->ai, other->row->ai);
}

enum err gs1__rules_check(const struct gs1_reading *r)
{
	const struct gs1_message *m = r->m;
	for (size_t i = 0; m->n > 1 && i < m->n; i++) {
		const struct gs1_element *e = &m->elements[i], *other = NULL;
		for (const struct gs1_term *t = e->row->excludes; t; t = t->joint ? t + 1 : NULL)
			if ((other = term_find(m, t, e->row))) return excluded(r, e, other);
	}
	for (size_t i = 0; (r->options & GS1_WHOLE) && i < m->n; i++) {
		const struct gs1_ai *ai = m->elements[i].row;
		if (!needs_met(m, ai))
			return flaw_set(r->f, ERR_BAD_ID, m->elements[i].offset, ai->ai, "missing",
					"(%s) needs %s beside it", ai->ai, ai->needs_text);
	}
	return ERR_OK;
}

const char *gs1_dictionary_release(void)
{
	return gs1_release;
}
