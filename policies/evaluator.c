#include "policies/policy.h"

struct run {
	struct arena *arena;
	const struct pol_policy *policy;
	const struct pol_facts *facts;
	unsigned steps;
	bool over;
	/* the rule in hand */
	struct pol_premise *premises;
	size_t premises_n;
};

static bool step(struct run *r)
{
	if (r->steps < POL_STEPS_MAX) {
		r->steps++;
		return true;
	}
	r->over = true;
	return false;
}

/* ---- values ------------------------------------------------------------------------------------- */

static enum pol_truth truth(bool b)
{
	return b ? POL_TRUE : POL_FALSE;
}

/* Where the instant or number v lies against [from, until]. */
static enum pol_truth order(enum pol_operator o, int64_t v, int64_t from, int64_t until)
{
	switch (o) {
	case POL_LT: return truth(v < from);
	case POL_LTEQ: return truth(v <= until);
	case POL_GT: return truth(v > until);
	case POL_GTEQ: return truth(v >= from);
	case POL_NEQ: return truth(v < from || v > until);
	default: return truth(v >= from && v <= until);
	}
}

static enum pol_truth order_number(enum pol_operator o, uint64_t v, uint64_t limit)
{
	switch (o) {
	case POL_LT: return truth(v < limit);
	case POL_LTEQ: return truth(v <= limit);
	case POL_GT: return truth(v > limit);
	case POL_GTEQ: return truth(v >= limit);
	case POL_NEQ: return truth(v != limit);
	default: return truth(v == limit);
	}
}

/* "CN-31" is a part of "CN" and of itself. */
static bool part_of(struct str part, struct str whole)
{
	return str_eq(part, whole) ||
	       (str_starts(part, whole) && whole.n && part.n > whole.n && part.p[whole.n] == '-');
}

static bool term_matches(enum pol_operator o, struct str actual, struct str right)
{
	if (o == POL_IS_PART_OF) return part_of(actual, right);
	if (o == POL_HAS_PART) return part_of(right, actual);
	return str_eq(actual, right);
}

static enum pol_truth compare_term(struct run *r, const struct pol_constraint *c, struct str actual)
{
	size_t hits = 0;
	for (size_t i = 0; i < c->right_n; i++) {
		if (!step(r)) return POL_UNDECIDED;
		if (term_matches(c->op, actual, c->right[i].text)) hits++;
	}
	if (c->op == POL_IS_ALL_OF) return truth(hits == c->right_n);
	if (c->op == POL_NEQ || c->op == POL_IS_NONE_OF) return truth(!hits);
	return truth(hits > 0);
}

static struct str named(const struct pol_facts *f, struct str name)
{
	name = pol_local(name);
	for (size_t i = 0; i < f->named_n; i++)
		if (str_eq(pol_local(f->named[i].name), name)) return f->named[i].value;
	return STR_NONE;
}

/* ---- constraints -------------------------------------------------------------------------------- */

static enum pol_truth undecided(struct pol_premise *p, enum pol_lack lack)
{
	p->lack = lack;
	return POL_UNDECIDED;
}

static enum pol_truth atom_time(struct run *r, const struct pol_constraint *c, struct pol_premise *p)
{
	const struct pol_right *right = &c->right[0];
	char text[CLOCK_TEXT];
	usec_t base = right->since_agreement ? r->facts->agreed : 0;
	p->actual = arena_dup(r->arena, str_of(clock_print(r->facts->now, true, text)));
	if (right->since_agreement && !base) return undecided(p, POL_LACK_FACT);
	enum pol_operator o = pol_operand_kind(c->operand) == POL_END ? POL_LTEQ : c->op;
	return order(o, r->facts->now, base + right->from, base + right->until);
}

static enum pol_truth atom_span(struct run *r, const struct pol_constraint *c, struct pol_premise *p)
{
	if (!r->facts->agreed) return undecided(p, POL_LACK_FACT);
	usec_t span = r->facts->now - r->facts->agreed;
	p->actual = arena_printf(r->arena, "PT%lld.%06dS", (long long)(span / USEC_PER_SEC),
				 (int)(span < 0 ? -(span % USEC_PER_SEC) : span % USEC_PER_SEC));
	return order(c->op, span, c->right[0].from, c->right[0].from);
}

static enum pol_truth atom_tally(struct run *r, const struct pol_constraint *c, struct pol_premise *p)
{
	const struct pol_tally *t = c->operand == POL_COUNT ? &r->facts->count : &r->facts->bytes;
	if (!t->known) return undecided(p, POL_LACK_FACT);
	p->actual = arena_printf(r->arena, "%llu", (unsigned long long)t->used);
	p->asked = t->asked;
	uint64_t sum = t->asked > UINT64_MAX - t->used ? UINT64_MAX : t->used + t->asked;
	return order_number(c->op, sum, c->right[0].number);
}

static enum pol_truth atom_term(struct run *r, const struct pol_constraint *c, struct pol_premise *p)
{
	struct str actual =
	    c->operand == POL_RECIPIENT && r->facts->party.n ? r->facts->party : named(r->facts, c->left);
	if (!actual.p) return undecided(p, c->operand == POL_UNKNOWN ? POL_LACK_OPERAND : POL_LACK_FACT);
	p->actual = actual;
	return compare_term(r, c, actual);
}

/* A partner may have several credentials of a type: one of them must do, and for "not" each. */
static enum pol_truth atom_credential(struct run *r, const struct pol_constraint *c, struct pol_premise *p)
{
	bool all = c->op == POL_NEQ || c->op == POL_IS_NONE_OF;
	const struct pol_facts *f = r->facts;
	p->credential = true;
	for (size_t i = 0; i < f->named_n; i++) {
		if (!str_eq(f->named[i].name, c->left)) continue;
		enum pol_truth t = compare_term(r, c, f->named[i].value);
		if (p->actual.p && p->truth == (all ? POL_FALSE : POL_TRUE)) continue; /* settled */
		p->actual = f->named[i].value;
		p->truth = t;
	}
	return p->actual.p ? p->truth : undecided(p, POL_LACK_FACT);
}

static enum pol_truth atom(struct run *r, const struct pol_constraint *c, struct pol_premise *p)
{
	p->left = c->left;
	p->right = c->right_text;
	p->op = c->left.n ? pol_operator_text(c->op) : "";
	switch (c->unusable) {
	case POL_UNUSABLE_NONE: break;
	case POL_UNUSABLE_DUTY:
	case POL_UNUSABLE_REFINEMENT: return undecided(p, POL_LACK_OBSERVER);
	default: return undecided(p, POL_LACK_VALUE);
	}
	if (c->operand == POL_CREDENTIAL) return atom_credential(r, c, p);
	switch (pol_operand_kind(c->operand)) {
	case POL_TIME:
	case POL_END: return atom_time(r, c, p);
	case POL_SPAN: return atom_span(r, c, p);
	case POL_NUMBER: return atom_tally(r, c, p);
	case POL_TERM:
	case POL_OTHER: break;
	}
	return atom_term(r, c, p);
}

/* Three-valued: an undecided part leaves the whole undecided unless the others settle it. */
static enum pol_truth combine(enum pol_logic l, size_t yes, size_t no, size_t open)
{
	if (l == POL_OR) return yes ? POL_TRUE : open ? POL_UNDECIDED : POL_FALSE;
	if (l == POL_XONE) {
		if (yes > 1) return POL_FALSE;
		return open ? POL_UNDECIDED : truth(yes == 1);
	}
	return no ? POL_FALSE : open ? POL_UNDECIDED : POL_TRUE;
}

static enum pol_truth constraint(struct run *r, const struct pol_constraint *c, unsigned depth)
{
	size_t of[3] = {0};
	if (!step(r)) return POL_UNDECIDED;
	struct pol_premise *p = &r->premises[r->premises_n++];
	*p = (struct pol_premise){.path = c->path, .depth = depth, .logic = c->logic, .op = ""};
	if (c->logic == POL_ATOM) return p->truth = atom(r, c, p);
	for (size_t i = 0; i < c->of_n; i++) of[constraint(r, &c->of[i], depth + 1)]++;
	return p->truth = combine(c->logic, of[POL_TRUE], of[POL_FALSE], of[POL_UNDECIDED]);
}

/* ---- rules -------------------------------------------------------------------------------------- */

static size_t count_constraints(const struct pol_constraint *c, size_t n)
{
	size_t sum = n;
	for (size_t i = 0; i < n; i++) sum += count_constraints(c[i].of, c[i].of_n);
	return sum;
}

static enum pol_truth premise(struct run *r, struct str path, const char *left, struct str right,
			      struct str actual, enum pol_truth t)
{
	r->premises[r->premises_n++] = (struct pol_premise){.path = path,
							    .left = str_of(left),
							    .op = "eq",
							    .right = right,
							    .actual = actual,
							    .truth = t,
							    .lack = t == POL_UNDECIDED ? POL_LACK_FACT : 0};
	return t;
}

static enum pol_truth action_premise(struct run *r, const struct pol_rule *rule)
{
	struct str shown = rule->actions[0];
	bool covers = false;
	for (size_t i = 0; i < rule->actions_n && !covers; i++) {
		if (!step(r)) return POL_UNDECIDED;
		covers = pol_action_covers(rule->actions[i], r->facts->action);
		if (covers) shown = rule->actions[i];
	}
	return premise(r, rule->path, "action", shown, r->facts->action, truth(covers));
}

static enum pol_truth party_premise(struct run *r, const struct pol_rule *rule)
{
	struct str want = rule->assignee.n ? rule->assignee : r->policy->assignee;
	struct str party = r->facts->party;
	if (!want.n || rule->kind == POL_OBLIGATION) return POL_TRUE;
	return premise(r, rule->path, "assignee", want, party,
		       party.n ? truth(str_eq(want, party)) : POL_UNDECIDED);
}

static enum pol_truth target_premise(struct run *r, const struct pol_rule *rule)
{
	struct str want = rule->target.n ? rule->target : r->policy->target;
	if (!want.n || !r->facts->target.n || rule->kind == POL_OBLIGATION) return POL_TRUE;
	return premise(r, rule->path, "target", want, r->facts->target,
		       truth(str_eq(want, r->facts->target)));
}

static enum err rule_evaluate(struct run *r, const struct pol_rule *rule, struct pol_rule_report *out)
{
	size_t of[3] = {0};
	size_t room = 3 + count_constraints(rule->constraints, rule->constraints_n);
	*out = (struct pol_rule_report){.kind = rule->kind, .path = rule->path};
	out->premises = ARENA_ARRAY(r->arena, struct pol_premise, room);
	if (!out->premises) return ERR_NO_MEMORY;
	r->premises = out->premises;
	r->premises_n = 0;
	of[action_premise(r, rule)]++;
	of[party_premise(r, rule)]++;
	of[target_premise(r, rule)]++;
	for (size_t i = 0; i < rule->constraints_n; i++) of[constraint(r, &rule->constraints[i], 0)]++;
	out->premises_n = r->premises_n;
	/* what nobody can decide closes a permission and leaves a prohibition in force */
	out->active = !of[POL_FALSE] && (rule->kind == POL_PROHIBITION || !of[POL_UNDECIDED]);
	return ERR_OK;
}

enum err pol_evaluate(struct arena *a, const struct pol_policy *p, const struct pol_facts *f,
		      struct pol_report **ret)
{
	struct run r = {.arena = a, .policy = p, .facts = f};
	bool permitted = false, prohibited = false;
	struct pol_report *out = ARENA_NEW(a, struct pol_report);
	if (!out || !(out->rules = ARENA_ARRAY(a, struct pol_rule_report, p->rules_n + 1)))
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < p->rules_n; i++) {
		struct pol_rule_report *rule = &out->rules[out->rules_n++];
		enum err e = rule_evaluate(&r, &p->rules[i], rule);
		if (e) return e;
		permitted |= rule->active && rule->kind == POL_PERMISSION;
		prohibited |= rule->active && rule->kind == POL_PROHIBITION;
	}
	if (arena_overflowed(a)) return ERR_NO_MEMORY;
	out->steps = r.steps;
	out->asked = f->action;
	out->verdict = r.over        ? POL_OVER_BUDGET
		       : prohibited  ? POL_PROHIBITED
		       : !permitted  ? POL_NOT_PERMITTED
		       : p->unusable ? POL_NOT_PERMITTED
				     : POL_PERMITTED;
	*ret = out;
	return ERR_OK;
}

bool pol_allows(const struct pol_report *r)
{
	return r->verdict == POL_PERMITTED;
}

/* Whether the premise and its parts are about credentials alone; *ret_n: how many these are. */
static bool about_credentials(const struct pol_rule_report *r, size_t at, size_t *ret_n)
{
	size_t n = 1;
	bool only = r->premises[at].logic != POL_ATOM || r->premises[at].credential;
	for (; at + n < r->premises_n && r->premises[at + n].depth > r->premises[at].depth; n++)
		if (r->premises[at + n].logic == POL_ATOM && !r->premises[at + n].credential) only = false;
	*ret_n = n;
	return only && (r->premises[at].credential || n > 1);
}

static const struct pol_premise *rule_unmet(const struct pol_rule_report *r)
{
	size_t n;
	for (size_t i = 0; i < r->premises_n; i += n)
		if (about_credentials(r, i, &n) && r->premises[i].truth != POL_TRUE) return &r->premises[i];
	return NULL;
}

const struct pol_premise *pol_unmet_credential(const struct pol_report *r)
{
	const struct pol_premise *unmet = NULL, *p;
	for (size_t i = 0; i < r->rules_n; i++) {
		if (r->rules[i].kind != POL_PERMISSION) continue;
		p = rule_unmet(&r->rules[i]);
		if (!p) return NULL;
		if (!unmet) unmet = p;
	}
	return unmet;
}

static bool allows_octets(struct arena *a, const struct pol_policy *p, const struct pol_facts *f,
			  uint64_t octets)
{
	struct arena_mark m = arena_mark(a);
	struct pol_facts with = *f;
	struct pol_report *r = NULL;
	with.bytes.asked = octets;
	bool ok = !pol_evaluate(a, p, &with, &r) && pol_allows(r);
	arena_rollback(a, m);
	return ok;
}

uint64_t pol_octets_allowed(struct arena *a, const struct pol_policy *p, const struct pol_facts *f,
			    uint64_t want)
{
	uint64_t low = 0, high = want; /* low is allowed, or nothing is; high is not */
	if (allows_octets(a, p, f, want)) return want;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;
		if (allows_octets(a, p, f, middle))
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* ---- what an owner may publish ------------------------------------------------------------------ */

static enum err constraint_check(const struct pol_constraint *c, struct flaw *f)
{
	enum pol_unusable u = c->unusable;
	if (!u && c->logic == POL_ATOM && c->operand == POL_UNKNOWN) u = POL_UNUSABLE_OPERAND;
	if (u)
		return flaw_set(f, ERR_BAD_POLICY, FLAW_NO_OFFSET, c->path.p, pol__unusable_rule(u),
				"%s (%.*s)", pol__unusable_text(u), STR_ARG(c->left));
	for (size_t i = 0; i < c->of_n; i++) {
		enum err e = constraint_check(&c->of[i], f);
		if (e) return e;
	}
	return ERR_OK;
}

enum err pol_check(const struct pol_policy *p, struct flaw *f)
{
	bool permits = false;
	if (p->unusable)
		return flaw_set(f, ERR_BAD_POLICY, FLAW_NO_OFFSET, p->unusable_path.p, "inherit",
				"policies that inherit or let permissions win are not evaluated here");
	for (size_t i = 0; i < p->rules_n; i++) {
		const struct pol_rule *rule = &p->rules[i];
		permits |= rule->kind == POL_PERMISSION;
		for (size_t n = 0; n < rule->constraints_n; n++) {
			enum err e = constraint_check(&rule->constraints[n], f);
			if (e) return e;
		}
	}
	if (!permits)
		return flaw_set(f, ERR_BAD_POLICY, FLAW_NO_OFFSET, "permission", "no-permission",
				"nothing is permitted by this policy");
	return ERR_OK;
}
