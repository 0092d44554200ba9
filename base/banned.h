/* Calls nobody makes here: the build includes this file before every source of ours, and a call
 * to one of them does not compile. Each has a bounded or checked counterpart:
 * strcpy strcat sprintf vsprintf gets: struct str, struct buf, arena_printf, snprintf.
 * strtok: str_split. atoi atol atof: str_u64. system popen: no shell is ever run.
 * rand random: random_bytes. alloca: arena_alloc. tmpnam mktemp: mkstemp, mkdtemp. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* Declared first, so that the macros below meet calls only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BANNED(name) name##_is_banned_see_base_banned_h

#undef strcpy
#undef strcat
#undef sprintf
#undef vsprintf
#undef gets
#undef strtok
#undef atoi
#undef atol
#undef atof
#undef system
#undef popen
#undef rand
#undef srand
#undef random
#undef srandom
#undef alloca
#undef tmpnam
#undef mktemp

#define strcpy(...) BANNED(strcpy)
#define strcat(...) BANNED(strcat)
#define sprintf(...) BANNED(sprintf)
#define vsprintf(...) BANNED(vsprintf)
#define gets(...) BANNED(gets)
#define strtok(...) BANNED(strtok)
#define atoi(...) BANNED(atoi)
#define atol(...) BANNED(atol)
#define atof(...) BANNED(atof)
#define system(...) BANNED(system)
#define popen(...) BANNED(popen)
#define rand(...) BANNED(rand)
#define srand(...) BANNED(srand)
#define random(...) BANNED(random)
#define srandom(...) BANNED(srandom)
#define alloca(...) BANNED(alloca)
#define tmpnam(...) BANNED(tmpnam)
#define mktemp(...) BANNED(mktemp)

#endif
