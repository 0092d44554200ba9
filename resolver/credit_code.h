/* Unified social credit codes (统一社会信用代码), GB 32100-2015: what names an enterprise here.
 *
 * 18 characters of 0-9 and A-Z without I, O, S, V, Z: registering department, kind of organisation,
 * six digits of the administrative division, nine characters of the organisation, one check character.
 * Pure. Threads: any. */
#ifndef RESOLVER_CREDIT_CODE_H
#define RESOLVER_CREDIT_CODE_H

#include "base/str.h"

enum { CREDIT_CODE = 18 };

/* Letters of either case; out is upper case, not terminated. ERR_BAD_INPUT with offset and rule:
 * credit-code-length, credit-code-character, credit-code-division, credit-code-check. */
enum err credit_code_parse(struct str text, struct flaw *f, char out[CREDIT_CODE]) MUST_USE;

#endif
