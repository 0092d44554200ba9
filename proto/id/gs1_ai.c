#include "proto/id/gs1_ai.h"

static const struct gs1_ai *row_at(const char *digits, size_t n)
{
	unsigned v = 0;
	for (size_t i = 0; i < n; i++) v = v * 10 + (unsigned)(digits[i] - '0');
	unsigned row = n == 2 ? gs1_rows2[v] : n == 3 ? gs1_rows3[v] : gs1_rows4[v];
	return row ? &gs1_ais[row - 1] : NULL;
}

const struct gs1_ai *gs1_ai_find(struct str ai)
{
	if (ai.n < 2 || ai.n > 4 || !gs1_set_has_all(GS1_N, ai)) return NULL;
	return row_at(ai.p, ai.n);
}

const struct gs1_ai *gs1_ai_first(struct str text)
{
	if (text.n < 2 || !gs1_set_has_all(GS1_N, str_first(text, 2))) return NULL;
	size_t n = gs1_digits[(text.p[0] - '0') * 10 + text.p[1] - '0'];
	return n && n <= text.n ? gs1_ai_find(str_first(text, n)) : NULL;
}

/* Place of a row in the chain that begins at *chain, whose end *chain is set to; -1: not in it. */
static int place_of(const unsigned short **chain, const struct gs1_ai *ai)
{
	int place = -1;
	for (int i = 0; **chain < GS1_CHAIN_NEXT; (*chain)++, i++)
		if (**chain == gs1_row(ai)) place = i;
	return place;
}

int gs1_qualifier_rank(const struct gs1_ai *key, const struct gs1_ai *qualifier,
		       const struct gs1_ai *const *others, size_t others_n)
{
	for (const unsigned short *chain = key->chains;; chain++) {
		const unsigned short *start = chain;
		int place = place_of(&chain, qualifier);
		for (size_t i = 0; place >= 0 && i < others_n; i++) {
			const unsigned short *again = start;
			if (place_of(&again, others[i]) < 0) place = -1;
		}
		if (place >= 0) return place;
		if (*chain == GS1_CHAIN_END) return -1;
	}
}
