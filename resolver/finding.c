#include "resolver/finding.h"

#include <stdlib.h>

const char *chain_state_name(enum chain_state s)
{
	switch (s) {
#define X(name, word)                                                                                      \
	case CHAIN_##name: return word;
		CHAIN_STATES(X)
#undef X
	}
	return "";
}

static struct str put(char **at, struct str s)
{
	struct str copy = str_n(*at, s.n);
	if (s.n) memcpy(*at, s.p, s.n);
	*at += s.n;
	return copy;
}

static size_t text_octets(const struct finding *p)
{
	size_t n = p->key.n + p->octets.n + p->record.n + p->node.n + p->rule.n + p->text.n;
	for (size_t i = 0; i < p->hops_n; i++)
		n += p->hops[i].node.n + p->hops[i].url.n + p->hops[i].detail.n;
	return n;
}

/* The record stands inside the signed octets as a rule, and need not be kept twice. */
static bool inside(struct str part, struct str whole)
{
	uintptr_t p = (uintptr_t)part.p, w = (uintptr_t)whole.p;
	return part.n && p >= w && p + part.n <= w + whole.n;
}

struct finding *finding_new(const struct finding *parts)
{
	struct finding copy = *parts;
	bool shared = inside(parts->record, parts->octets);
	size_t at_record = shared ? (size_t)(parts->record.p - parts->octets.p) : 0;
	if (shared) copy.record = STR_NONE;
	copy.size = sizeof copy + copy.hops_n * sizeof *copy.hops + text_octets(&copy);
	struct finding *f = malloc(copy.size);
	if (!f) return NULL;
	*f = copy;
	atomic_init(&f->refs, 1);
	f->hops = (struct hop *)(f + 1);
	char *at = (char *)(f->hops + f->hops_n);
	f->key = put(&at, parts->key);
	f->octets = put(&at, parts->octets);
	f->record = shared ? str_n(f->octets.p + at_record, parts->record.n) : put(&at, copy.record);
	f->node = put(&at, parts->node);
	f->rule = put(&at, parts->rule);
	f->text = put(&at, parts->text);
	for (size_t i = 0; i < f->hops_n; i++) {
		f->hops[i] = parts->hops[i];
		f->hops[i].node = put(&at, parts->hops[i].node);
		f->hops[i].url = put(&at, parts->hops[i].url);
		f->hops[i].detail = put(&at, parts->hops[i].detail);
	}
	return f;
}

struct finding *finding_use(struct finding *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}

void finding_release(struct finding *f)
{
	if (f && atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1) free(f);
}
