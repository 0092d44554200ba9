/* Reports for people and programs. */
#include "policies/policy.h"

static const char *const verdicts[] = {
#define X(name, text) text,
    POL_VERDICTS(X)
#undef X
};

static const enum say verdict_says[] = {
#define X(name, text) SAY_POL_VERDICT_##name,
    POL_VERDICTS(X)
#undef X
};

static const char *const logics[] = {
#define X(name, text) text,
    POL_LOGICS(X)
#undef X
};

static const char *const kinds[] = {"permission", "prohibition", "obligation"};
static const char *const lacks[] = {"", "operand", "fact", "value", "observer"};

/* say() texts take NUL-terminated arguments */
enum { SHOWN = 256 };
struct shown {
	char left[SHOWN], right[SHOWN], actual[SHOWN];
};

static void shown_set(char out[SHOWN], struct str s)
{
	/* cut at a character, so that the sentence stays UTF-8 */
	while (s.n >= SHOWN) {
		s.n = SHOWN - 1;
		while (s.n && ((unsigned char)s.p[s.n] & 0xc0) == 0x80) s.n--;
	}
	snprintf(out, SHOWN, "%.*s", STR_ARG(s));
}

static struct shown shown_of(const struct pol_premise *p)
{
	struct shown s;
	shown_set(s.left, p->left);
	shown_set(s.right, p->right);
	shown_set(s.actual, p->actual);
	return s;
}

void pol_premise_sentence(const struct pol_premise *p, enum say_language l, struct buf *out)
{
	static const enum say lack_says[] = {SAY_POL_COMPARED, SAY_POL_LACKS_OPERAND, SAY_POL_LACKS_FACT,
					     SAY_POL_LACKS_VALUE};
	struct shown s = shown_of(p);
	if (p->logic != POL_ATOM)
		buf_add(out, str_of(logics[p->logic]));
	else if (p->lack == POL_LACK_OBSERVER)
		buf_printf(out, say_in(l, SAY_POL_LACKS_OBSERVER), p->path.p);
	else if (p->lack)
		buf_printf(out, say_in(l, lack_says[p->lack]), s.left, p->op, s.right);
	else if (p->asked && strcmp(p->op, "lteq") == 0)
		buf_printf(out, say_in(l, SAY_POL_LIMIT), s.left, s.right, s.actual);
	else
		buf_printf(out, say_in(l, SAY_POL_COMPARED), s.left, p->op, s.right, s.actual);
}

static size_t failing(const struct pol_rule_report *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->premises_n; i++) n += r->premises[i].truth != POL_TRUE;
	return n;
}

/* The first premise without parts that is not satisfied; NULL when all are. */
static const struct pol_premise *first_failing(const struct pol_rule_report *r)
{
	for (size_t i = 0; i < r->premises_n; i++) {
		const struct pol_premise *p = &r->premises[i];
		if (p->logic == POL_ATOM && p->truth != POL_TRUE) return p;
	}
	return NULL;
}

/* The permission that comes nearest to being active; the one of another action last. */
static const struct pol_rule_report *nearest(const struct pol_report *r)
{
	const struct pol_rule_report *best = NULL;
	for (size_t i = 0; i < r->rules_n; i++) {
		const struct pol_rule_report *rule = &r->rules[i];
		bool acts = rule->premises_n && rule->premises[0].truth == POL_TRUE;
		if (rule->kind != POL_PERMISSION || !acts) continue;
		if (!best || failing(rule) < failing(best)) best = rule;
	}
	return best;
}

void pol_report_reason(const struct pol_report *r, enum say_language l, struct buf *out)
{
	char asked[SHOWN];
	const struct pol_rule_report *rule = nearest(r);
	const struct pol_premise *p = rule ? first_failing(rule) : NULL;
	shown_set(asked, r->asked);
	if (r->verdict == POL_PERMITTED || r->verdict == POL_OVER_BUDGET) {
		buf_add(out, str_of(say_in(l, verdict_says[r->verdict])));
		return;
	}
	if (r->verdict == POL_PROHIBITED) {
		for (size_t i = 0; i < r->rules_n; i++)
			if (r->rules[i].active && r->rules[i].kind == POL_PROHIBITION) rule = &r->rules[i];
		buf_printf(out, say_in(l, SAY_POL_FORBIDS), asked, rule->path.p);
	} else if (p) {
		pol_premise_sentence(p, l, out);
	} else if (rule && !failing(rule)) {
		buf_add(out, str_of(say_in(l, SAY_POL_INHERITS)));
	} else if (rule) {
		buf_printf(out, say_in(l, SAY_POL_LOGIC), rule->path.p);
	} else {
		buf_printf(out, say_in(l, SAY_POL_NO_RULE), asked);
	}
}

void pol_report_text(const struct pol_report *r, enum say_language l, struct buf *out)
{
	static const char *const marks[] = {"✗", "✓", "?"};
	buf_add(out, str_of(say_in(l, verdict_says[r->verdict])));
	if (r->verdict == POL_NOT_PERMITTED || r->verdict == POL_PROHIBITED) {
		buf_add(out, STR(": "));
		pol_report_reason(r, l, out);
	}
	buf_byte(out, '\n');
	for (size_t i = 0; i < r->rules_n; i++) {
		const struct pol_rule_report *rule = &r->rules[i];
		buf_add(out, STR("  "));
		buf_printf(out, say_in(l, rule->active ? SAY_POL_APPLIES : SAY_POL_APPLIES_NOT),
			   rule->path.p);
		buf_byte(out, '\n');
		for (size_t n = 0; n < rule->premises_n; n++) {
			const struct pol_premise *p = &rule->premises[n];
			buf_printf(out, "    %*s%s ", (int)(2 * p->depth), "", marks[p->truth]);
			pol_premise_sentence(p, l, out);
			buf_byte(out, '\n');
		}
	}
}

static json_t *truth_json(enum pol_truth t)
{
	return t == POL_UNDECIDED ? json_null() : json_boolean(t == POL_TRUE);
}

static json_t *premise_json(const struct pol_premise *p)
{
	json_t *j = json_object();
	must(j);
	json_put_str(j, "path", p->path);
	if (p->logic != POL_ATOM) {
		json_put_str(j, "logic", str_of(logics[p->logic]));
	} else if (p->left.n) {
		json_put_str(j, "leftOperand", p->left);
		json_put_str(j, "operator", str_of(p->op));
		json_put_str(j, "rightOperand", p->right);
		json_put(j, "actual", p->actual.p ? json_stringn(p->actual.p, p->actual.n) : json_null());
	}
	if (p->asked) json_put_u64(j, "asked", p->asked);
	if (p->depth) json_put_u64(j, "depth", p->depth);
	json_put(j, "satisfied", truth_json(p->truth));
	if (p->lack) json_put_str(j, "lack", str_of(lacks[p->lack]));
	return j;
}

static json_t *rule_json(const struct pol_rule_report *rule)
{
	json_t *j = json_object(), *premises = json_array();
	must(j && premises);
	json_put_str(j, "rule", rule->path);
	json_put_str(j, "kind", str_of(kinds[rule->kind]));
	json_put(j, "active", json_boolean(rule->active));
	for (size_t i = 0; i < rule->premises_n; i++)
		must(json_array_append_new(premises, premise_json(&rule->premises[i])) == 0);
	json_put(j, "premises", premises);
	return j;
}

json_t *pol_report_json(struct arena *a, const struct pol_report *r)
{
	enum { REASON_MAX = 2048 }; /* three values of SHOWN octets and the sentence around them */
	struct buf reason = BUF_INIT(REASON_MAX);
	json_t *j = json_object(), *rules = json_array();
	must(j && rules);
	pol_report_reason(r, SAY_EN, &reason);
	json_put_str(j, "verdict", str_of(verdicts[r->verdict]));
	json_put_str(j, "reason", buf_str(&reason));
	json_put_str(j, "action", r->asked);
	for (size_t i = 0; i < r->rules_n; i++)
		must(json_array_append_new(rules, rule_json(&r->rules[i])) == 0);
	json_put(j, "rules", rules);
	buf_done(&reason);
	return json_keep(a, j);
}
