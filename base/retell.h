/* A sentence that a node said in English, told again in the reader's language.
 *
 * Purpose: refusals and reasons are written in English where they arise, and travel so between nodes.
 * Whoever shows one to a person looks it up here: the rows SAID_…, FLAW_… and POL_… of the catalogue
 * (base/say_detail.def) are taken as patterns, whose conversions stand for any text, and the row that says
 * most of the sentence gives the other one. Texts inside it are told again likewise; "member: text" keeps
 * the member. What no row fits stays. Threads: any. */
#ifndef BASE_RETELL_H
#define BASE_RETELL_H

#include "base/arena.h"
#include "base/say.h"

enum {
	RETELL_MAX = 1024, /* octets: longer texts, which no sentence of ours has, stay as they are */
	/* Octets looked at for one text, all rows and all that stands inside it together. A sentence of
	 * ours takes some 120; one as long as may be, in two others, 13,000; one that may be read in many
	 * ways, 21,000. What takes more was made for it and stays. */
	RETELL_STEPS = 24000
};

/* Borrowed from text, or in the arena; text itself in English, and when there is no room. */
struct str retell(enum say_language l, struct arena *a, struct str text);
/* The same with the steps that are left; it takes off what it used. */
struct str retell_within(enum say_language l, struct arena *a, struct str text, int *steps);
/* What a flaw says; of an identifier (ERR_BAD_ID) that no row FLAW_… fits, what the catalogue says of its
 * rule. Lives in the flaw, in the arena, or for ever. */
struct str retell_flaw(enum say_language l, struct arena *a, const struct flaw *f);

#endif
