#include "policies/vocabulary.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const operators[] = {
#define X(name, text) text,
    POL_OPERATORS(X)
#undef X
};

static const struct {
	const char *text;
	enum pol_kind kind;
} operands[] = {
#define X(name, text, kind) {text, POL_##kind},
    POL_OPERANDS(X)
#undef X
};

/* other spellings, after pol_local */
static const struct {
	const char *text;
	enum pol_operand operand;
} spellings[] = {
    {"bytes", POL_BYTES},          {"inForceDate", POL_DATE_TIME}, /* EDC */
    {"UsagePurpose", POL_PURPOSE},                                 /* Catena-X */
    {"assignee", POL_RECIPIENT},   {"party", POL_RECIPIENT},
};

static const struct str prefixes[] = {
    {"odrl:", 5},
    {"edc:", 4},
    {"cx-policy:", 10},
    {"cx:", 3},
    {"http://www.w3.org/ns/odrl/2/", 28},
    {"https://w3id.org/edc/v0.0.1/ns/", 31},
    {"https://w3id.org/catenax/policy/", 32},
    {"https://w3id.org/catenax/2025/9/policy/", 39},
};

/* action, the one that includes it (ODRL Vocabulary 3.6): what transfers of data may ask for */
static const struct {
	const char *action, *in;
} actions[] = {
    {"read", "use"},      {"display", "play"},     {"present", "play"},   {"play", "use"},
    {"print", "play"},    {"stream", "use"},       {"execute", "use"},    {"index", "use"},
    {"aggregate", "use"}, {"annotate", "use"},     {"anonymize", "use"},  {"archive", "use"},
    {"derive", "use"},    {"digitize", "use"},     {"distribute", "use"}, {"extract", "reproduce"},
    {"reproduce", "use"}, {"install", "use"},      {"modify", "use"},     {"move", "use"},
    {"delete", "use"},    {"textToSpeech", "use"}, {"transform", "use"},  {"translate", "use"},
    {"grantUse", "use"},  {"give", "transfer"},    {"sell", "transfer"},
};

const char *pol_operator_text(enum pol_operator o)
{
	return operators[o];
}

const char *pol_operand_text(enum pol_operand o)
{
	return operands[o].text;
}

enum pol_kind pol_operand_kind(enum pol_operand o)
{
	return operands[o].kind;
}

struct str pol_local(struct str name)
{
	for (size_t i = 0; i < COUNT(prefixes); i++)
		if (str_starts(name, prefixes[i])) return str_skip(name, prefixes[i].n);
	return name;
}

bool pol_operator_find(struct str text, enum pol_operator *ret)
{
	text = pol_local(text);
	if (str_is(text, "term-lteq")) text = STR("lteq");
	if (str_is(text, "in")) text = STR("isAnyOf");
	for (size_t i = 0; i < COUNT(operators); i++) {
		if (!str_is(text, operators[i])) continue;
		*ret = (enum pol_operator)i;
		return true;
	}
	return false;
}

enum pol_operand pol_operand_find(struct str text)
{
	text = pol_local(text);
	for (size_t i = 0; i < POL_CREDENTIAL; i++)
		if (str_is(text, operands[i].text)) return (enum pol_operand)i;
	for (size_t i = 0; i < COUNT(spellings); i++)
		if (str_is(text, spellings[i].text)) return spellings[i].operand;
	return pol_credential(text).n ? POL_CREDENTIAL : POL_UNKNOWN;
}

struct str pol_credential(struct str name)
{
	static const char suffix[] = "Credential";
	struct str type;

	name = pol_local(name);
	if (str_is(name, "Membership")) return STR("MembershipCredential");
	type = str_first(name, str_find(name, '.'));
	if (type.n < sizeof suffix || !str_ends(type, STR("Credential"))) return STR_NONE;
	return type.n + 1 == name.n ? STR_NONE : name; /* "TypeCredential." names no claim */
}

bool pol_action_covers(struct str covering, struct str asked)
{
	covering = pol_local(covering);
	asked = pol_local(asked);
	for (;;) {
		if (str_eq(covering, asked)) return true;
		size_t i = 0;
		while (i < COUNT(actions) && !str_is(asked, actions[i].action)) i++;
		if (i == COUNT(actions)) return false;
		asked = str_of(actions[i].in);
	}
}
