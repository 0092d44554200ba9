#include "resolver/top.h"

#include <stdlib.h>

#include "base/sign.h"

_Static_assert((int)TOP_TEXT <= UINT8_MAX, "a length is one octet");

struct set {
	uint64_t hash[TOP_WAYS]; /* 0: free */
	uint64_t count[TOP_WAYS], error[TOP_WAYS];
};

struct text {
	unsigned char n;
	char octets[TOP_TEXT];
};

struct top {
	uint64_t seed; /* nobody outside can choose identifiers of one set */
	struct set sets[TOP_SETS];
	struct text texts[TOP_SETS][TOP_WAYS];
};

struct top *top_new(void)
{
	struct top *t = calloc(1, sizeof *t);
	if (t) random_bytes(&t->seed, sizeof t->seed);
	return t;
}

void top_free(struct top *t)
{
	free(t);
}

void top_clear(struct top *t)
{
	memset(t->sets, 0, sizeof t->sets);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9fb21c651e98df25);
	return h ^ (h >> 35);
}

static uint64_t hash_of(uint64_t seed, struct str s)
{
	uint64_t h = seed ^ s.n, v = 0;
	size_t i = 0;
	for (; i + 8 <= s.n; i += 8) {
		memcpy(&v, s.p + i, 8);
		h = mix(h, v);
	}
	v = 0;
	if (i < s.n) memcpy(&v, s.p + i, s.n - i);
	h = mix(mix(h, v), seed >> 7);
	return h ? h : 1;
}

void top_add(struct top *t, struct str id)
{
	if (!id.n || id.n > TOP_TEXT) return;
	uint64_t h = hash_of(t->seed, id);
	size_t at = (h >> 20) % TOP_SETS, least = 0;
	struct set *s = &t->sets[at];
	for (size_t i = 0; i < TOP_WAYS; i++) {
		if (s->hash[i] == h) {
			s->count[i]++;
			return;
		}
		if (s->count[i] < s->count[least]) least = i;
	}
	struct text *x = &t->texts[at][least];
	s->hash[least] = h;
	s->error[least] = s->count[least];
	s->count[least]++;
	x->n = (unsigned char)id.n;
	memcpy(x->octets, id.p, id.n);
}

static int by_count(const void *a, const void *b)
{
	const struct top_entry *x = a, *y = b;
	if (x->count != y->count) return x->count < y->count ? 1 : -1;
	return str_cmp(str_n(x->text, x->n), str_n(y->text, y->n));
}

static int by_text(const void *a, const void *b)
{
	const struct top_entry *x = a, *y = b;
	return str_cmp(str_n(x->text, x->n), str_n(y->text, y->n));
}

/* Takes e into the heap of the greatest: the least of them stands first. */
static void sift(struct top_entry *heap, size_t n, size_t i)
{
	for (;;) {
		size_t least = i, l = 2 * i + 1, r = l + 1;
		if (l < n && by_count(&heap[l], &heap[least]) > 0) least = l;
		if (r < n && by_count(&heap[r], &heap[least]) > 0) least = r;
		if (least == i) return;
		struct top_entry x = heap[i];
		heap[i] = heap[least];
		heap[least] = x;
		i = least;
	}
}

size_t top_list(const struct top *t, struct top_entry *ret, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < TOP_SETS && max; i++)
		for (size_t w = 0; w < TOP_WAYS; w++) {
			const struct set *s = &t->sets[i];
			struct top_entry x = {s->count[w], s->error[w], t->texts[i][w].n, ""};
			if (!s->hash[w]) continue;
			memcpy(x.text, t->texts[i][w].octets, x.n);
			if (n < max) {
				ret[n++] = x;
				if (n == max)
					for (size_t k = n / 2 + 1; k-- > 0;) sift(ret, n, k);
			} else if (by_count(&x, &ret[0]) < 0) {
				ret[0] = x;
				sift(ret, n, 0);
			}
		}
	qsort(ret, n, sizeof *ret, by_count);
	return n;
}

size_t top_merge(struct top_entry *entries, size_t n, size_t max)
{
	size_t kept = 0;
	qsort(entries, n, sizeof *entries, by_text);
	for (size_t i = 0; i < n; i++) {
		if (kept && by_text(&entries[kept - 1], &entries[i]) == 0) {
			entries[kept - 1].count += entries[i].count;
			entries[kept - 1].error += entries[i].error;
		} else {
			entries[kept++] = entries[i];
		}
	}
	qsort(entries, kept, sizeof *entries, by_count);
	return kept < max ? kept : max;
}
