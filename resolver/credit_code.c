#include "resolver/credit_code.h"

enum { MODULUS = 31, DIVISION_FROM = 2, DIVISION_TO = 8 };

static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRTUWXY"; /* its place is a character's value */

static int value_of(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

static enum err bad(struct flaw *f, size_t offset, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BAD_INPUT, offset, "code", rule, "%s", text);
}

/* GB 32100-2015 5.2: the weights are the powers of 3 modulo 31; the 18 characters weigh 0. */
static char check_of(const char code[CREDIT_CODE])
{
	int sum = 0, weight = 1;
	for (int i = 0; i < CREDIT_CODE - 1; i++, weight = weight * 3 % MODULUS)
		sum += value_of(code[i]) * weight;
	return alphabet[(MODULUS - sum % MODULUS) % MODULUS];
}

enum err credit_code_parse(struct str text, struct flaw *f, char out[CREDIT_CODE])
{
	char code[CREDIT_CODE];
	if (text.n != CREDIT_CODE)
		return bad(f, text.n < CREDIT_CODE ? text.n : CREDIT_CODE, "credit-code-length",
			   "a unified social credit code has 18 characters");
	for (size_t i = 0; i < CREDIT_CODE; i++) {
		char c = text.p[i];
		code[i] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
		if (value_of(code[i]) < 0)
			return bad(f, i, "credit-code-character",
				   "expected a digit or a capital letter other than I, O, S, V and Z");
		if (i >= DIVISION_FROM && i < DIVISION_TO && (c < '0' || c > '9'))
			return bad(f, i, "credit-code-division",
				   "characters 3 to 8 are the digits of an administrative division");
	}
	if (check_of(code) != code[CREDIT_CODE - 1])
		return flaw_set(f, ERR_BAD_INPUT, CREDIT_CODE - 1, "code", "credit-code-check",
				"the check character would be %c (GB 32100)", check_of(code));
	memcpy(out, code, sizeof code);
	return ERR_OK;
}
