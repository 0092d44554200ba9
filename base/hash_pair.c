/* SHA-256 (FIPS 180-4) of two messages side by side. One message cannot keep the processor's SHA unit busy:
 * each two rounds wait for the two before. Two that have nothing to do with each other take little longer
 * than one. Where there is no such unit libcrypto does them one after the other.
 *
 * A state is two vectors, from the highest word: a b e f and c d g h, as the instructions want it. */
#include "base/hash.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <endian.h>
#include <immintrin.h>
#include <stdatomic.h>

#define WITH_SHA __attribute__((target("sha,sse4.1")))

#define INLINE_SHA WITH_SHA static inline __attribute__((always_inline))

enum { BLOCK = 64, ROUNDS = 64, LENGTH = 8 };

static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

struct lane {
	__m128i abef, cdgh;
	const unsigned char *at;       /* the next whole block */
	size_t blocks;                 /* of these, then those of the tail */
	unsigned char tail[2 * BLOCK]; /* the rest of the message, and what ends it */
	const unsigned char *tail_at;
	size_t tail_blocks;
};

WITH_SHA static void lane_open(struct lane *l, struct str s)
{
	size_t rest = s.n % BLOCK, n = rest + 1 + LENGTH <= BLOCK ? BLOCK : 2 * BLOCK;
	uint64_t bits = htobe64((uint64_t)s.n * 8);
	l->abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
	l->cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
	l->at = (const unsigned char *)s.p;
	l->blocks = s.n / BLOCK;
	l->tail_at = l->tail;
	l->tail_blocks = n / BLOCK;
	/* vector by vector: clearing so few octets in one go takes longer to begin than to do */
	for (size_t i = 0; i < sizeof l->tail; i += sizeof(__m128i))
		_mm_storeu_si128((void *)(l->tail + i), _mm_setzero_si128());
	if (rest) memcpy(l->tail, s.p + s.n - rest, rest);
	l->tail[rest] = 0x80;
	memcpy(l->tail + n - LENGTH, &bits, LENGTH);
}

static bool lane_more(const struct lane *l)
{
	return l->blocks || l->tail_blocks;
}

static const unsigned char *lane_next(struct lane *l)
{
	const unsigned char **at = l->blocks ? &l->at : &l->tail_at, *block = *at;
	--*(l->blocks ? &l->blocks : &l->tail_blocks);
	*at += BLOCK;
	return block;
}

/* A block under way: its words, of which those used up give way to those that follow. */
struct block {
	__m128i w0, w1, w2, w3, abef, cdgh;
};

INLINE_SHA struct block block_load(struct lane *l)
{
	const __m128i turned = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	const __m128i *at = (const void *)lane_next(l);
	return (struct block){_mm_shuffle_epi8(_mm_loadu_si128(at), turned),
			      _mm_shuffle_epi8(_mm_loadu_si128(at + 1), turned),
			      _mm_shuffle_epi8(_mm_loadu_si128(at + 2), turned),
			      _mm_shuffle_epi8(_mm_loadu_si128(at + 3), turned),
			      l->abef,
			      l->cdgh};
}

/* Four rounds; the words 16 to 19 after those used up come in behind the others. */
INLINE_SHA void four_rounds(struct block *b, const uint32_t *constant, bool last)
{
	__m128i sum = _mm_add_epi32(b->w0, _mm_loadu_si128((const void *)constant));
	b->cdgh = _mm_sha256rnds2_epu32(b->cdgh, b->abef, sum);
	b->abef = _mm_sha256rnds2_epu32(b->abef, b->cdgh, _mm_shuffle_epi32(sum, 0x0e));
	__m128i more = _mm_add_epi32(_mm_sha256msg1_epu32(b->w0, b->w1), _mm_alignr_epi8(b->w3, b->w2, 4));
	if (!last) more = _mm_sha256msg2_epu32(more, b->w3);
	b->w0 = b->w1;
	b->w1 = b->w2;
	b->w2 = b->w3;
	b->w3 = more;
}

/* Of one block, or of two in turns. */
INLINE_SHA void sixteen_rounds(struct block *b, struct block *c, const uint32_t *constant, bool last)
{
	four_rounds(b, constant, last);
	if (c) four_rounds(c, constant, last);
	four_rounds(b, constant + 4, last);
	if (c) four_rounds(c, constant + 4, last);
	four_rounds(b, constant + 8, last);
	if (c) four_rounds(c, constant + 8, last);
	four_rounds(b, constant + 12, last);
	if (c) four_rounds(c, constant + 12, last);
}

INLINE_SHA void all_rounds(struct block *b, struct block *c)
{
	sixteen_rounds(b, c, constants, false);
	sixteen_rounds(b, c, constants + 16, false);
	sixteen_rounds(b, c, constants + 32, false);
	sixteen_rounds(b, c, constants + 48, true);
}

INLINE_SHA void block_store(const struct block *b, struct lane *l)
{
	l->abef = _mm_add_epi32(l->abef, b->abef);
	l->cdgh = _mm_add_epi32(l->cdgh, b->cdgh);
}

WITH_SHA static void compress(struct lane *l)
{
	struct block b = block_load(l);
	all_rounds(&b, NULL);
	block_store(&b, l);
}

WITH_SHA static void compress_both(struct lane *x, struct lane *y)
{
	struct block b = block_load(x), c = block_load(y);
	all_rounds(&b, &c);
	block_store(&b, x);
	block_store(&c, y);
}

WITH_SHA static void lane_close(const struct lane *l, unsigned char out[HASH_SHA256])
{
	const __m128i turned = _mm_set_epi64x(0x08090a0b0c0d0e0f, 0x0001020304050607);
	__m128i high = _mm_unpackhi_epi64(l->abef, l->cdgh), low = _mm_unpacklo_epi64(l->abef, l->cdgh);
	_mm_storeu_si128((void *)out, _mm_shuffle_epi8(high, turned));
	_mm_storeu_si128((void *)(out + 16), _mm_shuffle_epi8(low, turned));
}

WITH_SHA static void pair(struct str first, struct str second, unsigned char ret_first[HASH_SHA256],
			  unsigned char ret_second[HASH_SHA256])
{
	struct lane x, y;
	lane_open(&x, first);
	lane_open(&y, second);
	while (lane_more(&x) && lane_more(&y)) compress_both(&x, &y);
	while (lane_more(&x)) compress(&x);
	while (lane_more(&y)) compress(&y);
	lane_close(&x, ret_first);
	lane_close(&y, ret_second);
}

static bool has_unit(void)
{
	enum { NO = 1, YES };
	static _Atomic int known;
	int has = atomic_load_explicit(&known, memory_order_relaxed);
	if (has) return has == YES;
	unsigned a, b, c, d;
	bool ok = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSSE3) && (c & bit_SSE4_1) &&
		  __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
	atomic_store_explicit(&known, ok ? YES : NO, memory_order_relaxed);
	return ok;
}
#else
static bool has_unit(void)
{
	return false;
}

static void pair(struct str first, struct str second, unsigned char ret_first[HASH_SHA256],
		 unsigned char ret_second[HASH_SHA256])
{
	(void)first, (void)second, (void)ret_first, (void)ret_second;
}
#endif

void hash_sha256_pair(struct str first, struct str second, unsigned char ret_first[HASH_SHA256],
		      unsigned char ret_second[HASH_SHA256])
{
	if (has_unit()) {
		pair(first, second, ret_first, ret_second);
		return;
	}
	hash_sha256(first, ret_first);
	hash_sha256(second, ret_second);
}
