#include "dataspace/offer.h"

#include "proto/dsp/transfer.h"

#define OFFER_EDC_PREFIX "edc:"

enum { OFFER_TEXT_MAX = JSON_SIZE_MAX, OFFER_SHOW_MAX = 80, OFFER_PATH_MAX = 160 };

static const char *const rule_members[] = {"permission", "prohibition", "obligation"};

/* Members of a rule that the pinned contexts define, and those with a prefix. What they do not define
 * drops out of the document (JSON-LD 1.1, 4.1): it says nothing and is no difference of terms. */
static bool rule_member(const char *key)
{
	static const char *const known[] = {"@id",        "@type",    "uid",     "action",
					    "constraint", "duty",     "remedy",  "target",
					    "assigner",   "assignee", "profile", "consequence"};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(key, known[i])) return true;
	return strchr(key, ':') != NULL;
}

static json_t *rules_known(struct arena *a, json_t *rules)
{
	json_t *copy = json_keep(a, json_copy(rules)), *rule, *kept, *v;
	const char *key;
	void *next;
	size_t i;

	if (!copy) return NULL;
	json_array_foreach(rules, i, rule)
	{
		kept = json_copy(rule);
		if (!kept || json_array_set_new(copy, i, kept)) return NULL;
		json_object_foreach_safe(kept, next, key, v)
		{
			if (!rule_member(key)) json_object_del(kept, key);
		}
	}
	return copy;
}

json_t *offer_rules(struct arena *a, json_t *policy)
{
	json_t *out = json_keep(a, json_object());

	if (!out) return NULL;
	for (size_t i = 0; i < sizeof rule_members / sizeof *rule_members; i++) {
		json_t *rules = json_object_get(policy, rule_members[i]);

		if (!rules || (json_is_array(rules) && !json_array_size(rules))) continue;
		rules = rules_known(a, rules);
		if (!rules) return NULL;
		json_put(out, rule_members[i], json_incref(rules));
	}
	return out;
}

typedef void member_fn(json_t *owner, const char *key, json_t *v, void *arg);

/* Has every member of every object in j seen, the inner ones first; fn may put another value in its place.
 */
static void members_each(json_t *j, member_fn *fn, void *arg)
{
	const char *key;
	json_t *v;
	void *next;
	size_t i;

	json_array_foreach(j, i, v)
	{
		members_each(v, fn, arg);
	}
	json_object_foreach_safe(j, next, key, v)
	{
		members_each(v, fn, arg);
		fn(j, key, v, arg);
	}
}

static void operand_plain(json_t *owner, const char *key, json_t *v, void *arena)
{
	if (!strcmp(key, "rightOperand") && (json_is_number(v) || json_is_boolean(v)))
		json_put_str(owner, key, json_write(arena, v, false));
}

json_t *offer_rules_plain(struct arena *a, json_t *rules)
{
	json_t *copy = json_keep(a, json_deep_copy(rules));

	if (copy) members_each(copy, operand_plain, a);
	return copy;
}

static bool same(json_t *x, json_t *y)
{
	struct buf bx = BUF_INIT(OFFER_TEXT_MAX), by = BUF_INIT(OFFER_TEXT_MAX);
	bool eq = !json_jcs(x, &bx) && !json_jcs(y, &by) && !buf_err(&bx) && !buf_err(&by) &&
		  str_eq(buf_str(&bx), buf_str(&by));

	buf_done(&bx);
	buf_done(&by);
	return eq;
}

static size_t prefix_of(struct str name, const char *const prefixes[2])
{
	for (size_t i = 0; i < 2; i++)
		if (str_starts(name, str_of(prefixes[i]))) return strlen(prefixes[i]);
	return 0;
}

/* A left operand without a prefix is in EDC's namespace when EDC has read it, and comes back as "edc:name";
 * one that ODRL defines as "odrl:name". space: what EDC's namespace is written as; "": both are left away.
 */
static void operand_spell(json_t *owner, const char *key, json_t *v, void *space)
{
	static const char *const edc[] = {OFFER_EDC_PREFIX, DSP_ADDRESS_EDC},
				 *const odrl[] = {"odrl:", "http://www.w3.org/ns/odrl/2/"};
	struct str name = json_text(json_is_object(v) ? json_object_get(v, "@id") : v);
	size_t prefix = prefix_of(name, edc);

	if (!prefix && !*(const char *)space) prefix = prefix_of(name, odrl);

	if (!strcmp(key, "leftOperand") && prefix)
		json_put(owner, key,
			 json_sprintf("%s%.*s", (const char *)space, STR_ARG(str_skip(name, prefix))));
}

void offer_spell_out(json_t *offer)
{
	members_each(offer, operand_spell, DSP_ADDRESS_EDC);
}

static json_t *plain_operands(json_t *rules)
{
	json_t *copy = json_deep_copy(rules);

	must(copy);
	members_each(copy, operand_spell, "");
	return copy;
}

bool offer_same(json_t *rules1, json_t *rules2)
{
	json_t *x = plain_operands(rules1), *y = plain_operands(rules2);
	bool eq = same(x, y);

	json_decref(x);
	json_decref(y);
	return eq;
}

struct diff {
	struct arena *a;
	json_t *out;
};

static struct str shown(struct diff *d, json_t *j)
{
	struct str s = j ? json_write(d->a, j, false) : STR("nothing");

	if (s.n > OFFER_SHOW_MAX) {
		s.n = OFFER_SHOW_MAX;
		while (s.n && ((unsigned char)s.p[s.n] & 0xC0) == 0x80) s.n--; /* not inside a character */
		return arena_printf(d->a, "%.*s…", STR_ARG(s));
	}
	return s;
}

static void differ(struct diff *d, struct str path, json_t *x, json_t *y);

static void differ_objects(struct diff *d, struct str path, json_t *x, json_t *y)
{
	const char *key, *dot = path.n ? "." : "";
	json_t *v;

	json_object_foreach(x, key, v)
	{
		differ(d, arena_printf(d->a, "%.*s%s%s", STR_ARG(path), dot, key), v,
		       json_object_get(y, key));
	}
	json_object_foreach(y, key, v)
	{
		if (!json_object_get(x, key))
			differ(d, arena_printf(d->a, "%.*s%s%s", STR_ARG(path), dot, key), NULL, v);
	}
}

static void differ(struct diff *d, struct str path, json_t *x, json_t *y)
{
	struct str text;

	if (json_array_size(d->out) >= OFFER_DIFFS_MAX || arena_overflowed(d->a)) return;
	if (x && y && same(x, y)) return;
	if (json_is_object(x) && json_is_object(y)) {
		differ_objects(d, path, x, y);
		return;
	}
	if (json_is_array(x) && json_is_array(y)) {
		size_t n =
		    json_array_size(x) > json_array_size(y) ? json_array_size(x) : json_array_size(y);

		for (size_t i = 0; i < n; i++)
			differ(d, arena_printf(d->a, "%.*s[%zu]", STR_ARG(path), i), json_array_get(x, i),
			       json_array_get(y, i));
		return;
	}
	text =
	    arena_printf(d->a, "%.*s: offered %.*s, asked %.*s", STR_ARG(str_first(path, OFFER_PATH_MAX)),
			 STR_ARG(shown(d, x)), STR_ARG(shown(d, y)));
	if (text.p) must(!json_array_append_new(d->out, json_stringn(text.p, text.n)));
}

json_t *offer_diff(struct arena *a, json_t *offered, json_t *asked)
{
	struct diff d = {.a = a, .out = json_keep(a, json_array())};

	if (!d.out) return NULL;
	offered = json_keep(a, plain_operands(offered));
	asked = json_keep(a, plain_operands(asked));
	if (!offered || !asked) return NULL;
	differ(&d, STR(""), offered, asked);
	return d.out;
}

json_t *offer_write(struct arena *a, json_t *rules, struct str id, struct str target, struct str assigner)
{
	json_t *out = json_keep(a, json_object()), *v;
	const char *key;

	if (!out) return NULL;
	json_put_str(out, "@type", STR("Offer"));
	json_put_str(out, "@id", id);
	if (target.n) json_put_str(out, "target", target);
	if (assigner.n) json_put_str(out, "assigner", assigner);
	json_object_foreach(rules, key, v)
	{
		json_put(out, key, json_incref(v));
	}
	return out;
}
