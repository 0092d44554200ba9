/* What the programs say to people: one catalogue, English and Chinese (base/say.def).
 *
 * say.def holds rows SAY(NAME, "English", "中文"), in groups by the part that says them; both
 * texts of a row take the same printf arguments in the same order (checked by tests/base/say).
 * The language is taken once from LC_ALL, LC_MESSAGES, LANG (first one set): "zh…" is Chinese.
 * Threads: any after say_setup. */
#ifndef BASE_SAY_H
#define BASE_SAY_H

#include "base/str.h"

enum say {
#define SAY(name, en, zh) SAY_##name,
#include "base/say.def"
#undef SAY
	SAY_COUNT
};

enum say_language { SAY_EN, SAY_ZH };

void say_setup(void);
void say_set_language(enum say_language l);
enum say_language say_language(void);
/* From an Accept-Language header (RFC 9110 12.5.4): the better of the two, English by default. */
enum say_language say_accepted(struct str header);
const char *say(enum say name);
const char *say_in(enum say_language l, enum say name);
/* What the row RULE_CHECK_DIGIT says of the rule "check-digit"; NULL when the catalogue has no such row. */
const char *say_rule(enum say_language l, const char *rule);
const char *say_name(enum say name); /* "STILL_WAITING" */

#endif
