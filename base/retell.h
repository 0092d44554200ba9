/* A sentence that a node said in English, told again in the reader's language.
 *
 * Purpose: refusals and reasons are written in English where they arise, and travel so between nodes.
 * Whoever shows one to a person looks it up here: the rows SAID_… and POL_… of the catalogue
 * (base/say_detail.def) are taken as patterns, whose conversions stand for any text, and the row that says
 * most of the sentence gives the other one. Texts inside it are told again likewise; "member: text" keeps
 * the member. What no row fits stays. Threads: any. */
#ifndef BASE_RETELL_H
#define BASE_RETELL_H

#include "base/arena.h"
#include "base/say.h"

enum { RETELL_MAX = 1024 }; /* octets: longer texts, which no sentence of ours has, stay as they are */

/* Borrowed from text, or in the arena; text itself in English, and when there is no room. */
struct str retell(enum say_language l, struct arena *a, struct str text);

enum { SAY_FLAW_MAX = 512 /* octets: a flaw's own text, and the words of a row around what it names */ };
/* What a flaw says to people: its own text in English; else as retell tells it, or of an identifier
 * (ERR_BAD_ID) the row of the rule, or for lack of both its text. Lives in *room, in *f, or for ever. */
const char *say_flaw(enum say_language l, const struct flaw *f, char room[SAY_FLAW_MAX]);

#endif
