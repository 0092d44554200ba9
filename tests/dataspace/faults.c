#include "tests/dataspace/faults.h"

void carry(struct world *w, const struct letter_copy *l, bool answer)
{
	struct str body;
	int status = world_deliver(w, l, &body);

	if (answer) world_answer(w, l, status, body);
}

void misbehave(struct world *w, enum fault fault, struct letter_copy *l, size_t n)
{
	struct str body = STR_NONE;
	int status;

	switch (fault) {
	case LOSE_MESSAGE: world_answer(w, l, 0, STR_NONE); break;
	case LOSE_ANSWER:
		carry(w, l, false);
		world_answer(w, l, 0, STR_NONE);
		break;
	case TWICE:
		carry(w, l, false);
		carry(w, l, true);
		break;
	case OVERTAKEN: carry(w, &l[n - 1], true); break;
	case ANSWER_LAST:
		status = world_deliver(w, l, &body);
		for (size_t m = world_letters(w, l + 1, 30); m > 1; m = 0) carry(w, &l[m], true);
		world_answer(w, l, status, body);
		break;
	case CRASH_BEFORE: world_reopen(w); break;
	case CRASH_BETWEEN:
		carry(w, l, false);
		world_reopen(w);
		break;
	case FAULTS: break;
	}
}
