#include "proto/dsp/odrl.h"

#include "proto/dsp/fields.h"

static const char *const operators[] = {
#define X(name, text) text,
    ODRL_OPERATORS(X)
#undef X
};

static const char *const logical[] = {"and", "andSequence", "or", "xone"};

enum { LOGICAL = sizeof logical / sizeof *logical };

/* What one policy may use up. */
struct budget {
	size_t rules, constraints;
};

static void operator_check(struct dsp_in *in)
{
	struct str s = dsp__text(in, "operator");
	bool known = false;
	for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) known |= str_is(s, operators[i]);
	if (!in->err && !known) dsp__fail(in, "operator", "value", "is no operator of the protocol");
}

static void atomic_check(struct dsp_in *in)
{
	json_t *right = in->err ? NULL : json_object_get(in->obj, "rightOperand");
	dsp__text(in, "leftOperand");
	operator_check(in);
	if (!right) dsp__fail(in, "rightOperand", "missing", "is missing");
	if (right && !json_is_string(right) && !json_is_object(right) && !json_is_array(right))
		dsp__fail(in, "rightOperand", "type", "is not a string, an object or an array");
}

static enum err constraints_check(json_t *all, const char *path, size_t depth, struct flaw *f,
				  struct budget *b);

/* A constraint is atomic or has exactly one logical operator; one that is both is refused, because
 * two readers could decide it differently. */
static enum err constraint_check(json_t *one, const char *path, size_t depth, struct flaw *f,
				 struct budget *b)
{
	struct dsp_in in = dsp__in(one, path, ERR_BAD_POLICY, f);
	const char *op = NULL;
	if (++b->constraints > ODRL_CONSTRAINTS_MAX)
		dsp__fail(&in, "", "limit", "is one constraint too many");
	if (depth > ODRL_DEPTH_MAX) dsp__fail(&in, "", "limit", "lies too deep");
	for (size_t i = 0; i < LOGICAL; i++) {
		if (!dsp__has(&in, logical[i])) continue;
		if (op) dsp__fail(&in, logical[i], "one-of", "stands beside another logical operator");
		op = logical[i];
	}
	if (!op) {
		atomic_check(&in);
		return in.err;
	}
	if (dsp__has(&in, "leftOperand") || dsp__has(&in, "operator") || dsp__has(&in, "rightOperand"))
		dsp__fail(&in, op, "one-of", "stands beside operands");
	json_t *inner = dsp__array(&in, op, 0, ODRL_CONSTRAINTS_MAX);
	if (in.err) return in.err;
	char at[DSP_PATH];
	dsp__path(at, path, op);
	return constraints_check(inner, at, depth + 1, f, b);
}

static enum err constraints_check(json_t *all, const char *path, size_t depth, struct flaw *f,
				  struct budget *b)
{
	size_t i;
	json_t *one;
	json_array_foreach(all, i, one)
	{
		char at[DSP_PATH];
		dsp__path_at(at, path, "", i);
		enum err e = constraint_check(one, at, depth, f, b);
		if (e) return e;
	}
	return ERR_OK;
}

static enum err rule_check(json_t *rule, const char *path, struct flaw *f, struct budget *b)
{
	struct dsp_in in = dsp__in(rule, path, ERR_BAD_POLICY, f);
	if (++b->rules > ODRL_RULES_MAX) dsp__fail(&in, "", "limit", "is one rule too many");
	dsp__text(&in, "action");
	/* "Rules MUST NOT have their own target": a policy is about one thing */
	if (dsp__has(&in, "target")) dsp__fail(&in, "target", "target", "stands in a rule");
	json_t *all = dsp__array_opt(&in, "constraint", 0, ODRL_CONSTRAINTS_MAX);
	if (in.err) return in.err;
	char at[DSP_PATH];
	dsp__path(at, path, "constraint");
	return constraints_check(all, at, 1, f, b);
}

static json_t *rules_check(struct dsp_in *in, const char *key, struct budget *b)
{
	json_t *all = dsp__array_opt(in, key, 1, ODRL_RULES_MAX), *rule;
	size_t i;
	json_array_foreach(all, i, rule)
	{
		char at[DSP_PATH];
		dsp__path_at(at, in->path, key, i);
		if (!in->err) in->err = rule_check(rule, at, in->f, b);
	}
	return all;
}

static void profile_check(struct dsp_in *in)
{
	json_t *v = in->err ? NULL : json_object_get(in->obj, "profile"), *one;
	size_t i;
	if (v && !json_is_string(v) && !json_is_array(v))
		dsp__fail(in, "profile", "type", "is not a string or an array");
	json_array_foreach(v, i, one) if (!json_is_string(one))
	    dsp__fail(in, "profile", "type", "holds something that is no string");
}

static bool digits(struct str *s, unsigned min, unsigned max, unsigned low, unsigned high)
{
	unsigned n = 0, v = 0;
	for (; n < max && n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++)
		v = v * 10 + (unsigned)(s->p[n] - '0');
	*s = str_skip(*s, n);
	return n >= min && v >= low && v <= high;
}

static bool literal(struct str *s, char c)
{
	bool ok = s->n && s->p[0] == c;
	if (ok) *s = str_skip(*s, 1);
	return ok;
}

/* xsd:dateTime as contract-schema.json spells it; the zone may be absent. */
static bool date_time_ok(struct str s)
{
	literal(&s, '-');
	if (!digits(&s, 4, 9, 0, 999999999) || !literal(&s, '-') || !digits(&s, 2, 2, 1, 12) ||
	    !literal(&s, '-') || !digits(&s, 2, 2, 1, 31) || !literal(&s, 'T'))
		return false;
	struct str time = s;
	bool midnight = str_starts(s, STR("24:00:00"));
	if (!digits(&s, 2, 2, 0, 24) || !literal(&s, ':') || !digits(&s, 2, 2, 0, 59) ||
	    !literal(&s, ':') || !digits(&s, 2, 2, 0, 59) || (str_starts(time, STR("24")) && !midnight))
		return false;
	if (literal(&s, '.') && !digits(&s, 1, 9, 0, midnight ? 0 : 999999999)) return false;
	if (literal(&s, 'Z') || !s.n) return !s.n;
	struct str zone = str_skip(s, 1);
	if ((!literal(&s, '+') && !literal(&s, '-')) || !digits(&s, 2, 2, 0, 14) || !literal(&s, ':') ||
	    !digits(&s, 2, 2, 0, 59) || s.n)
		return false;
	return !str_starts(zone, STR("14")) || str_is(zone, "14:00");
}

static void agreement_check(struct dsp_in *in, struct odrl_policy *p)
{
	p->target = dsp__text(in, "target");
	p->assigner = dsp__text(in, "assigner");
	p->assignee = dsp__text(in, "assignee");
	p->timestamp = dsp__text_opt(in, "timestamp");
	if (p->timestamp.n && !date_time_ok(p->timestamp))
		dsp__fail(in, "timestamp", "value", "is not an xsd:dateTime");
}

enum err odrl_check(json_t *policy, enum odrl_kind kind, const char *path, struct flaw *f,
		    struct odrl_policy *ret)
{
	struct dsp_in in = dsp__in(policy, path, ERR_BAD_POLICY, f);
	struct odrl_policy p = {.root = policy};
	struct budget b = {0};
	if (!in.err && json_dumpb(policy, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) > ODRL_SIZE_MAX)
		dsp__fail(&in, "", "limit", "is too large");
	/* contract-schema.json demands the type of offers in messages and of agreements, and not of those
	 * in a catalog. */
	if (kind != ODRL_OFFER || dsp__has(&in, "@type"))
		dsp__const(&in, "@type", kind == ODRL_AGREEMENT ? "Agreement" : "Offer");
	p.id = dsp__text(&in, "@id");
	if (kind == ODRL_AGREEMENT) agreement_check(&in, &p);
	if (kind == ODRL_OFFER && dsp__has(&in, "target"))
		dsp__fail(&in, "target", "target", "must not stand in the offer of a catalog");
	if (kind == ODRL_MESSAGE_OFFER) p.target = dsp__text_opt(&in, "target");
	if (kind == ODRL_TARGET_OFFER) p.target = dsp__text(&in, "target");
	profile_check(&in);
	p.permission = rules_check(&in, "permission", &b);
	p.prohibition = rules_check(&in, "prohibition", &b);
	p.obligation = rules_check(&in, "obligation", &b);
	if (!in.err && !p.permission && !p.prohibition)
		dsp__fail(&in, "permission", "missing", "is missing, and so is prohibition");
	if (!in.err) *ret = p;
	return in.err;
}
