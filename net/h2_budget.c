#include "net/h2_budget.h"

static const struct {
	uint32_t burst, rate;
} table[H2_BUDGETS_N] = {
#define X(name, burst, rate, why) {burst, rate},
    H2_BUDGETS(X)
#undef X
};

static void refill(struct h2_budget *b, uint64_t now)
{
	uint64_t seconds = (now - b->since) / 1000;
	if (!seconds) return;
	b->since += seconds * 1000;
	for (int i = 0; i < H2_BUDGETS_N; i++) {
		uint64_t back = seconds * table[i].rate;
		b->spent[i] = back >= b->spent[i] ? 0 : b->spent[i] - (uint32_t)back;
	}
}

bool h2_budget_spend(struct h2_budget *b, enum h2_budget_kind kind, uint64_t now)
{
	if (b->spent[kind] >= table[kind].burst) refill(b, now);
	if (b->spent[kind] >= table[kind].burst) return false;
	b->spent[kind]++;
	return true;
}

void h2_budget_credit(struct h2_budget *b, enum h2_budget_kind kind, uint32_t n)
{
	b->spent[kind] = n >= b->spent[kind] ? 0 : b->spent[kind] - n;
}
