/* JSON of a policy to struct pol_policy. */
#include "policies/policy.h"

struct reader {
	struct arena *arena;
	struct flaw *flaw;
	size_t constraints, rules;
};

static enum err flaw_at(const struct reader *r, struct str path, const char *rule, const char *text)
{
	struct str shown = path.n ? path : STR("policy");
	return flaw_set(r->flaw, ERR_BAD_POLICY, FLAW_NO_OFFSET, shown.p, rule, "%.*s: %s", STR_ARG(shown),
			text);
}

/* The member by its plain name or with "odrl:". */
static json_t *member(json_t *obj, const char *name)
{
	char prefixed[48];
	json_t *v = json_object_get(obj, name);
	if (v) return v;
	snprintf(prefixed, sizeof prefixed, "odrl:%s", name);
	return json_object_get(obj, prefixed);
}

/* Items of an array, of {"@list": […]}, or the value itself as one. */
static size_t items(json_t *v, json_t **ret_array)
{
	json_t *list = json_is_object(v) ? json_object_get(v, "@list") : NULL;
	if (list) v = list;
	*ret_array = json_is_array(v) ? v : NULL;
	return json_is_array(v) ? json_array_size(v) : 1;
}

static json_t *item(json_t *v, json_t *array, size_t i)
{
	return array ? json_array_get(array, i) : v;
}

/* A string, or the one inside {"@id"}, {"@value"}, {"rdf:value"}, {"value"}. */
static struct str name_of(json_t *v)
{
	static const char *const wraps[] = {"@id", "@value", "rdf:value", "value"};
	for (int depth = 0; depth < 4 && json_is_object(v); depth++) {
		json_t *inner = NULL;
		for (size_t i = 0; !inner && i < sizeof wraps / sizeof *wraps; i++)
			inner = json_object_get(v, wraps[i]);
		v = inner;
	}
	return json_text(v);
}

static struct str path_join(const struct reader *r, struct str path, const char *name)
{
	return arena_printf(r->arena, "%.*s%s%s", STR_ARG(path), path.n ? "." : "", name);
}

static struct str path_item(const struct reader *r, struct str path, json_t *array, size_t i)
{
	return array ? arena_printf(r->arena, "%.*s[%zu]", STR_ARG(path), i) : path;
}

static enum err atom_parse(struct reader *r, json_t *v, struct pol_constraint *c)
{
	struct str op = name_of(member(v, "operator"));
	json_t *right = member(v, "rightOperand");
	c->left = name_of(member(v, "leftOperand"));
	if (!c->left.n)
		return flaw_at(r, path_join(r, c->path, "leftOperand"), "missing", "a name is needed");
	if (!op.n) return flaw_at(r, path_join(r, c->path, "operator"), "missing", "a name is needed");
	if (!pol_operator_find(op, &c->op))
		return flaw_at(r, path_join(r, c->path, "operator"), "operator",
			       "there is no such operator");
	c->operand = pol_operand_find(c->left);
	if (c->operand == POL_CREDENTIAL)
		c->left = pol_credential(c->left);
	else if (c->operand != POL_UNKNOWN)
		c->left = str_of(pol_operand_text(c->operand));
	if (right) return pol__right_parse(r->arena, right, c);
	if (!member(v, "rightOperandReference"))
		return flaw_at(r, path_join(r, c->path, "rightOperand"), "missing", "a value is needed");
	c->unusable = POL_UNUSABLE_REFERENCE;
	return ERR_OK;
}

static enum err constraints_parse(struct reader *r, json_t *v, struct str path, unsigned depth,
				  struct pol_constraint *out);

/* The one logical member of v, if any: *ret_logic stays POL_ATOM without. */
static enum err logic_find(struct reader *r, json_t *v, struct str path, enum pol_logic *ret_logic,
			   json_t **ret_of)
{
	static const char *const names[] = {
#define X(name, text) text,
	    POL_LOGICS(X)
#undef X
	};
	for (size_t i = POL_AND; i < sizeof names / sizeof *names; i++) {
		json_t *of = member(v, names[i]);
		if (!of) continue;
		if (*ret_of) return flaw_at(r, path, "one-of", "more than one logical operator");
		*ret_logic = (enum pol_logic)i;
		*ret_of = of;
	}
	if (*ret_of && member(v, "leftOperand"))
		return flaw_at(r, path, "one-of", "both a logical operator and a left operand");
	return ERR_OK;
}

static const char *logic_text(enum pol_logic l)
{
	static const char *const names[] = {
#define X(name, text) text,
	    POL_LOGICS(X)
#undef X
	};
	return names[l];
}

static enum err constraint_parse(struct reader *r, json_t *v, unsigned depth, struct pol_constraint *c)
{
	json_t *of = NULL, *array;
	if (!json_is_object(v)) return flaw_at(r, c->path, "type", "a constraint is an object");
	if (++r->constraints > POL_CONSTRAINTS_MAX)
		return flaw_at(r, c->path, "limit", "too many constraints");
	enum err e = logic_find(r, v, c->path, &c->logic, &of);
	if (e) return e;
	if (!of) return atom_parse(r, v, c);
	if (depth >= POL_DEPTH_MAX) return flaw_at(r, c->path, "limit", "logical constraints too deep");
	c->of_n = items(of, &array);
	struct str path = path_join(r, c->path, logic_text(c->logic));
	if (!c->of_n) return flaw_at(r, path, "empty", "a logical constraint has at least one part");
	if (c->of_n > POL_CONSTRAINTS_MAX) return flaw_at(r, path, "limit", "too many constraints");
	c->of = ARENA_ARRAY(r->arena, struct pol_constraint, c->of_n);
	return c->of ? constraints_parse(r, of, path, depth + 1, c->of) : ERR_NO_MEMORY;
}

static enum err constraints_parse(struct reader *r, json_t *v, struct str path, unsigned depth,
				  struct pol_constraint *out)
{
	json_t *array;
	size_t n = items(v, &array);
	for (size_t i = 0; i < n; i++) {
		out[i].path = path_item(r, path, array, i);
		enum err e = constraint_parse(r, item(v, array, i), depth, &out[i]);
		if (e) return e;
	}
	return ERR_OK;
}

/* What cannot be observed stands as a constraint that is never decided. */
static void unobserved(struct pol_rule *rule, struct str path, enum pol_unusable why)
{
	rule->constraints[rule->constraints_n++] =
	    (struct pol_constraint){.path = path, .unusable = why, .operand = POL_UNKNOWN};
}

static bool refined(json_t *v)
{
	json_t *array;
	size_t n = v ? items(v, &array) : 0;
	for (size_t i = 0; i < n; i++)
		if (json_is_object(item(v, array, i)) && member(item(v, array, i), "refinement"))
			return true;
	return false;
}

static enum err actions_parse(struct reader *r, json_t *v, struct pol_rule *rule)
{
	json_t *array, *action = member(v, "action");
	struct str path = path_join(r, rule->path, "action");
	if (!action) return flaw_at(r, path, "missing", "an action is needed");
	rule->actions_n = items(action, &array);
	if (!rule->actions_n) return flaw_at(r, path, "empty", "an action is needed");
	if (rule->actions_n > POL_RULES_MAX) return flaw_at(r, path, "limit", "too many actions");
	rule->actions = ARENA_ARRAY(r->arena, struct str, rule->actions_n);
	if (!rule->actions) return ERR_NO_MEMORY;
	for (size_t i = 0; i < rule->actions_n; i++) {
		rule->actions[i] = name_of(item(action, array, i));
		if (!rule->actions[i].n)
			return flaw_at(r, path_item(r, path, array, i), "type", "an action is a name");
	}
	return ERR_OK;
}

enum { UNOBSERVED_MAX = 3 }; /* duty, refined action, refined party */

static enum err rule_parse(struct reader *r, json_t *v, struct pol_rule *rule)
{
	json_t *array, *constraint;
	if (!json_is_object(v)) return flaw_at(r, rule->path, "type", "a rule is an object");
	enum err e = actions_parse(r, v, rule);
	if (e) return e;
	rule->target = name_of(member(v, "target"));
	rule->assignee = name_of(member(v, "assignee"));
	constraint = member(v, "constraint");
	size_t n = constraint ? items(constraint, &array) : 0;
	if (n > POL_CONSTRAINTS_MAX)
		return flaw_at(r, path_join(r, rule->path, "constraint"), "limit", "too many constraints");
	rule->constraints = ARENA_ARRAY(r->arena, struct pol_constraint, n + UNOBSERVED_MAX);
	if (!rule->constraints) return ERR_NO_MEMORY;
	rule->constraints_n = n;
	if (n)
		e = constraints_parse(r, constraint, path_join(r, rule->path, "constraint"), 0,
				      rule->constraints);
	if (e) return e;
	if (rule->kind == POL_PERMISSION && member(v, "duty"))
		unobserved(rule, path_join(r, rule->path, "duty"), POL_UNUSABLE_DUTY);
	if (refined(member(v, "action")))
		unobserved(rule, path_join(r, rule->path, "action"), POL_UNUSABLE_REFINEMENT);
	if (refined(member(v, "assignee")))
		unobserved(rule, path_join(r, rule->path, "assignee"), POL_UNUSABLE_REFINEMENT);
	return ERR_OK;
}

static const char *const kinds[] = {"permission", "prohibition", "obligation"};

static enum err rules_parse(struct reader *r, json_t *policy, struct str at, struct pol_policy *p)
{
	for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
		json_t *array, *list = member(policy, kinds[kind]);
		struct str path = path_join(r, at, kinds[kind]);
		if (!list) continue;
		if (!json_is_array(list) && !json_is_object(list))
			return flaw_at(r, path, "type", "rules are an array of objects");
		size_t n = items(list, &array);
		for (size_t i = 0; i < n; i++) {
			if (p->rules_n == POL_RULES_MAX) return flaw_at(r, path, "limit", "too many rules");
			struct pol_rule *rule = &p->rules[p->rules_n++];
			rule->kind = (enum pol_rule_kind)kind;
			rule->path = path_item(r, path, array, i);
			enum err e = rule_parse(r, item(list, array, i), rule);
			if (e) return e;
		}
	}
	return ERR_OK;
}

/* ODRL lets a policy say that permissions win over prohibitions; here they never do. */
static void strategy_read(struct reader *r, json_t *policy, struct str at, struct pol_policy *p)
{
	json_t *conflict = member(policy, "conflict");
	struct str strategy = pol_local(name_of(conflict));
	if (member(policy, "inheritFrom")) {
		p->unusable = true;
		p->unusable_path = path_join(r, at, "inheritFrom");
	} else if (conflict && !str_is(strategy, "prohibit") && !str_is(strategy, "invalid")) {
		p->unusable = true;
		p->unusable_path = path_join(r, at, "conflict");
	}
}

enum err pol_parse(struct arena *a, json_t *policy, const char *path, struct flaw *f,
		   struct pol_policy **ret)
{
	struct reader r = {.arena = a, .flaw = f};
	struct str at = str_of(path);
	if (!json_is_object(policy)) return flaw_at(&r, at, "type", "a policy is an object");
	if (json_dumpb(policy, NULL, 0, JSON_COMPACT) > POL_SIZE_MAX)
		return flaw_at(&r, at, "limit", "the policy is larger than 64 KiB");
	struct pol_policy *p = ARENA_NEW(a, struct pol_policy);
	if (!p || !(p->rules = ARENA_ARRAY(a, struct pol_rule, POL_RULES_MAX))) return ERR_NO_MEMORY;
	p->target = name_of(member(policy, "target"));
	p->assignee = name_of(member(policy, "assignee"));
	strategy_read(&r, policy, at, p);
	enum err e = rules_parse(&r, policy, at, p);
	if (e) return e;
	if (arena_overflowed(a)) return ERR_NO_MEMORY;
	*ret = p;
	return ERR_OK;
}

enum err pol_parse_text(struct arena *a, struct str text, struct flaw *f, struct pol_policy **ret)
{
	json_t *j;
	if (text.n > POL_SIZE_MAX)
		return flaw_set(f, ERR_BAD_POLICY, POL_SIZE_MAX, "policy", "limit",
				"the policy is larger than 64 KiB");
	enum err e = json_read(a, text, f, &j);
	return e ? e : pol_parse(a, j, "", f, ret);
}
