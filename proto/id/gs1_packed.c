/* Compressed links (GS1 Digital Link Compression).
 *
 * The last segment of the path is base64url of a string of bits, filled with zeros to a multiple of six:
 *   for each element   its AI, four bits a digit, then the parts of its value (gs1_ai.packs)
 *   or for several     an octet of the table below, which has a letter in it, then their values in order
 *   foreign parameter  1111, 7 bits length of the name, 6 bits each character of it, a value
 * Parts: digits of fixed length: the number in as few bits as its digits can need. Digits of variable
 * length: the length in as many bits as the longest needs, then the number. Other characters: 3 bits that
 * name the alphabet, the length unless it is fixed, the characters. A foreign value is such a part with a
 * length of 7 bits. Numbers of variable length keep their leading zeros, their length being known; the
 * public toolkit loses them. */
#include "proto/id/gs1_packed.h"

enum { SEQUENCE_MAX = 4, ALPHABETS = 5, FOREIGN_BITS = 7, FOREIGN_MAX = 127, NUMBER_OCTETS = 56 };

static const struct {
	unsigned char code;
	char ais[SEQUENCE_MAX][5];
} sequences[] = {
    {0x0a, {"01", "22"}},
    {0x0b, {"01", "10"}},
    {0x0c, {"01", "21"}},
    {0x0d, {"01", "17"}},
    {0x0e, {"01", "7003"}},
    {0x0f, {"01", "30"}},
    {0x1a, {"01", "10", "21", "17"}},
    {0x1b, {"01", "15"}},
    {0x1c, {"01", "11"}},
    {0x1d, {"01", "16"}},
    {0x1e, {"01", "91"}},
    {0x1f, {"01", "10", "15"}},
    {0x2a, {"01", "3100"}},
    {0x2b, {"01", "3101"}},
    {0x2c, {"01", "3102"}},
    {0x2d, {"01", "3103"}},
    {0x2e, {"01", "3104"}},
    {0x2f, {"01", "3105"}},
    {0x3a, {"01", "3200"}},
    {0x3b, {"01", "3201"}},
    {0x3c, {"01", "3202"}},
    {0x3d, {"01", "3203"}},
    {0x3e, {"01", "3204"}},
    {0x3f, {"01", "3205"}},
    {0x9a, {"8010", "8011"}},
    {0x9b, {"8017", "8019"}},
    {0x9c, {"8018", "8019"}},
    {0x9d, {"414", "254"}},
    {0xa0, {"01", "3920"}},
    {0xa1, {"01", "3921"}},
    {0xa2, {"01", "3922"}},
    {0xa3, {"01", "3923"}},
    {0xa4, {"01", "3924"}},
    {0xa5, {"01", "3925"}},
    {0xa6, {"01", "3926"}},
    {0xa7, {"01", "3927"}},
    {0xa8, {"01", "3928"}},
    {0xa9, {"01", "3929"}},
    {0xc0, {"255", "3900"}},
    {0xc1, {"255", "3901"}},
    {0xc2, {"255", "3902"}},
    {0xc3, {"255", "3903"}},
    {0xc4, {"255", "3904"}},
    {0xc5, {"255", "3905"}},
    {0xc6, {"255", "3906"}},
    {0xc7, {"255", "3907"}},
    {0xc8, {"255", "3908"}},
    {0xc9, {"255", "3909"}},
    {0xca, {"255", "3940"}},
    {0xcb, {"255", "3941"}},
    {0xcc, {"255", "3942"}},
    {0xcd, {"255", "3943"}},
};

enum { SEQUENCES = sizeof sequences / sizeof *sequences };

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* By the three bits that name them; the first is of numbers, the last is ASCII. */
static const struct {
	const char *chars;
	unsigned bits;
} alphabets[ALPHABETS] = {
    {"0123456789", 0}, {"0123456789abcdef", 4}, {"0123456789ABCDEF", 4}, {base64url, 6}, {NULL, 7}};

enum { NUMBERS, HEX_SMALL, HEX_CAPITAL, BASE64, ASCII };

static unsigned length_bits(unsigned max)
{
	unsigned n = 0;
	for (; max; max >>= 1) n++;
	return n;
}

/* The standard's ceil(digits * log2(10) + 0.01): one bit also for no digits. */
static unsigned number_bits(size_t digits)
{
	return (unsigned)((digits * 332193 + 1000 + 99999) / 100000);
}

/* Reading: sticky, once bits ran out or made no sense everything is nothing. */
struct bits {
	struct str segment;
	size_t at, n; /* bits */
	bool broken;
	char *to; /* where texts go */
};

static unsigned sextet(char c)
{
	if (c >= 'a') return (unsigned)(c - 'a') + 26;
	if (c == '_') return 63;
	if (c >= 'A') return (unsigned)(c - 'A');
	return c == '-' ? 62 : (unsigned)(c - '0') + 52;
}

static unsigned bits_take(struct bits *b, unsigned n)
{
	unsigned v = 0;
	if (b->broken || b->n - b->at < n) {
		b->broken = true;
		return 0;
	}
	for (; n; n--, b->at++) v = v << 1 | (sextet(b->segment.p[b->at / 6]) >> (5 - b->at % 6) & 1);
	return v;
}

/* The number in the next bits as `digits` decimal digits. */
static void number_take(struct bits *b, size_t digits)
{
	unsigned char n[NUMBER_OCTETS] = {0}; /* little end first */
	unsigned count = number_bits(digits), octets = (count + 7) / 8;
	for (unsigned left = count; left; left--) {
		size_t bit = left - 1;
		n[bit / 8] = (unsigned char)(n[bit / 8] | bits_take(b, 1) << bit % 8);
	}
	if (b->broken) return;
	for (size_t i = digits; i-- > 0;) {
		unsigned rest = 0;
		for (unsigned k = octets; k-- > 0;) {
			rest = rest << 8 | n[k];
			n[k] = (unsigned char)(rest / 10);
			rest %= 10;
		}
		b->to[i] = (char)('0' + rest);
	}
	b->to += digits;
	for (unsigned k = 0; k < octets; k++) b->broken = b->broken || n[k];
}

/* Characters with their alphabet; length: of fixed length, or 0 and then it is in length_n bits. */
static void chars_take(struct bits *b, size_t length, unsigned length_n)
{
	unsigned alphabet = bits_take(b, 3);
	if (!length) length = bits_take(b, length_n);
	if (alphabet >= ALPHABETS) b->broken = true;
	if (b->broken) return;
	if (alphabet == NUMBERS) {
		number_take(b, length);
		return;
	}
	for (size_t i = 0; i < length && !b->broken; i++) {
		unsigned v = bits_take(b, alphabets[alphabet].bits);
		*b->to++ = alphabet == ASCII ? (char)v : alphabets[alphabet].chars[v];
	}
}

static void part_take(struct bits *b, const struct gs1_pack *p)
{
	unsigned n = length_bits(p->max);
	if (!p->digits)
		chars_take(b, p->fixed ? p->max : 0, n);
	else
		number_take(b, p->fixed ? p->max : bits_take(b, n));
}

static void element_take(struct bits *b, const struct gs1_ai *ai, size_t offset, struct gs1_message *m)
{
	char *from = b->to;
	const struct gs1_reading r = {.m = m};
	if (!ai) b->broken = true;
	for (size_t i = 0; !b->broken && i < ai->packs_n; i++) part_take(b, &ai->packs[i]);
	if (!b->broken && gs1__add(&r, ai, str_n(from, (size_t)(b->to - from)), offset)) b->broken = true;
}

/* A foreign parameter has no character that would end it or the query. */
static void foreign_take(struct bits *b, struct gs1_message *m)
{
	char *from = b->to;
	unsigned name = bits_take(b, 7);
	for (unsigned i = 0; i < name && !b->broken; i++) *b->to++ = base64url[bits_take(b, 6)];
	if (!b->broken) *b->to++ = '=';
	chars_take(b, 0, FOREIGN_BITS);
	struct str s = str_n(from, (size_t)(b->to - from));
	if (!name || m->ignored_n == GS1_IGNORED_MAX || !gs1_set_has_all(GS1_URI, s) ||
	    str_find(s, '&') < s.n || str_find(s, '#') < s.n)
		b->broken = true;
	if (!b->broken) m->ignored[m->ignored_n++] = s;
}

/* The rest of the AI whose first two digits are `two`. */
static const struct gs1_ai *ai_take(struct bits *b, unsigned two)
{
	char digits[4] = {(char)('0' + two / 16), (char)('0' + two % 16)};
	unsigned n = gs1_digits[two / 16 * 10 + two % 16];
	for (unsigned i = 2; i < n; i++) {
		unsigned d = bits_take(b, 4);
		if (d > 9) return NULL;
		digits[i] = (char)('0' + d);
	}
	return b->broken || !n ? NULL : gs1_ai_find(str_n(digits, n));
}

static void sequence_take(struct bits *b, unsigned code, size_t offset, struct gs1_message *m)
{
	for (size_t i = 0; i < SEQUENCES; i++) {
		if (sequences[i].code != code) continue;
		for (size_t k = 0; k < SEQUENCE_MAX && sequences[i].ais[k][0]; k++)
			element_take(b, gs1_ai_find(str_of(sequences[i].ais[k])), offset, m);
		return;
	}
	b->broken = true;
}

bool gs1__unpack(struct str segment, size_t offset, char *room, struct gs1_message *m)
{
	struct bits b = {.segment = segment, .n = 6 * segment.n, .to = room};
	if (!segment.n || segment.n > GS1_TEXT_MAX || !gs1_set_has_all(GS1_Z, segment)) return false;
	while (!b.broken && b.n - b.at >= 8) {
		unsigned code = bits_take(&b, 8);
		if (code >> 4 < 10 && (code & 15) < 10)
			element_take(&b, ai_take(&b, code), offset, m);
		else if (code >> 4 == 15) {
			b.at -= 4;
			foreign_take(&b, m);
		} else
			sequence_take(&b, code, offset, m);
	}
	size_t left = b.n - b.at;
	return !b.broken && left < 6 && bits_take(&b, (unsigned)left) == 0 && m->n > 0;
}

/* Writing: base64url as the bits come. */
struct packing {
	char *to;
	size_t n; /* bits */
};

static void bits_put(struct packing *p, unsigned v, unsigned n)
{
	for (; n; n--, p->n++) {
		size_t at = p->n / 6;
		if (p->n % 6 == 0) p->to[at] = 0;
		p->to[at] = (char)(p->to[at] | (int)((v >> (n - 1) & 1) << (5 - p->n % 6)));
	}
}

static void number_put(struct packing *p, struct str digits)
{
	unsigned char n[NUMBER_OCTETS] = {0}; /* little end first */
	for (size_t i = 0; i < digits.n; i++) {
		unsigned carry = (unsigned)(digits.p[i] - '0');
		for (size_t k = 0; k < NUMBER_OCTETS; k++) {
			carry += n[k] * 10U;
			n[k] = (unsigned char)carry;
			carry >>= 8;
		}
	}
	for (unsigned left = number_bits(digits.n); left; left--)
		bits_put(p, n[(left - 1) / 8] >> (left - 1) % 8 & 1, 1);
}

static bool fits(unsigned alphabet, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr(alphabets[alphabet].chars, s.p[i])) return false;
	return s.n > 0;
}

static unsigned alphabet_of(struct str s)
{
	static const unsigned char order[] = {NUMBERS, HEX_CAPITAL, HEX_SMALL, BASE64};
	for (size_t i = 0; i < sizeof order; i++)
		if (fits(order[i], s)) return order[i];
	return ASCII;
}

static void chars_put(struct packing *p, struct str s, unsigned length_n)
{
	unsigned alphabet = alphabet_of(s);
	bits_put(p, alphabet, 3);
	bits_put(p, (unsigned)s.n, length_n);
	if (alphabet == NUMBERS) {
		number_put(p, s);
		return;
	}
	const char *chars = alphabets[alphabet].chars;
	for (size_t i = 0; i < s.n; i++)
		bits_put(p, chars ? (unsigned)(strchr(chars, s.p[i]) - chars) : (unsigned char)s.p[i],
			 alphabets[alphabet].bits);
}

static void value_put(struct packing *p, const struct gs1_element *e)
{
	struct str rest = e->value;
	for (size_t i = 0; i < e->row->packs_n; i++) {
		const struct gs1_pack *part = &e->row->packs[i];
		struct str s = part->fixed ? str_first(rest, part->max) : rest;
		unsigned length_n = part->fixed ? 0 : length_bits(part->max);
		rest = str_skip(rest, s.n);
		if (!part->digits) {
			chars_put(p, s, length_n);
			continue;
		}
		bits_put(p, (unsigned)s.n, length_n);
		number_put(p, s);
	}
}

/* The elements of a link in order of their AIs; those that are written leave. */
struct left {
	const struct gs1_element *e[GS1_ELEMENTS_MAX];
	size_t n;
};

static void left_fill(struct left *l, const struct gs1_message *m)
{
	l->n = 0;
	for (size_t i = 0; i < m->n; i++) {
		if (m->elements[i].role == GS1_REPEATED) continue;
		size_t k = l->n++;
		for (; k > 0 && l->e[k - 1]->row > m->elements[i].row; k--) l->e[k] = l->e[k - 1];
		l->e[k] = &m->elements[i];
	}
}

static size_t left_find(const struct left *l, const char *ai)
{
	size_t i = 0;
	while (i < l->n && strcmp(l->e[i]->row->ai, ai) != 0) i++;
	return i;
}

/* Digits of AIs that the sequence saves; 0: not all of them are left. */
static size_t saving(const struct left *l, size_t sequence)
{
	size_t digits = 0;
	for (size_t k = 0; k < SEQUENCE_MAX && sequences[sequence].ais[k][0]; k++) {
		if (left_find(l, sequences[sequence].ais[k]) == l->n) return 0;
		digits += strlen(sequences[sequence].ais[k]);
	}
	return digits;
}

static void sequences_put(struct packing *p, struct left *l)
{
	for (;;) {
		size_t best = 0, most = 0;
		for (size_t i = 0; i < SEQUENCES; i++) {
			size_t s = saving(l, i);
			if (s <= most) continue;
			most = s;
			best = i;
		}
		if (!most) return;
		bits_put(p, sequences[best].code, 8);
		for (size_t k = 0; k < SEQUENCE_MAX && sequences[best].ais[k][0]; k++) {
			size_t i = left_find(l, sequences[best].ais[k]);
			value_put(p, l->e[i]);
			l->n--;
			for (; i < l->n; i++) l->e[i] = l->e[i + 1];
		}
	}
}

/* A compressed message does not say which of its elements is the key, nor which qualify it. */
static bool packable(const struct gs1_message *m)
{
	if (m->unlinkable) return false;
	const struct gs1_ai *key = m->elements[m->key].row;
	for (size_t i = 0; i < m->n; i++) {
		const struct gs1_element *e = &m->elements[i];
		if (e->role != GS1_ATTRIBUTE) continue;
		if (e->row->key || gs1_qualifier_rank(key, e->row, NULL, 0) >= 0) return false;
	}
	return true;
}

enum err gs1_write_compressed(struct arena *a, const struct gs1_message *m, struct str root,
			      enum gs1_packing packing, struct str *ret)
{
	struct left left;
	if (!packable(m)) return ERR_UNSUPPORTED;
	if (!root.n) root = STR("https://id.gs1.org");
	size_t octets = 1;
	left_fill(&left, m);
	/* at most 16 bits of AI, 10 of alphabet and length for each part, 7 a character */
	for (size_t i = 0; i < left.n; i++)
		octets += (16 + 10U * left.e[i]->row->packs_n + 7 * left.e[i]->value.n) / 6 + 1;
	char *text = arena_bytes(a, root.n + 1 + octets);
	if (!text) return ERR_NO_MEMORY;
	memcpy(text, root.p, root.n);
	text[root.n] = '/';
	struct packing p = {.to = text + root.n + 1};
	if (packing == GS1_PACK_OPTIMISED) sequences_put(&p, &left);
	for (size_t i = 0; i < left.n; i++) {
		for (const char *digit = left.e[i]->row->ai; *digit; digit++)
			bits_put(&p, (unsigned)(*digit - '0'), 4);
		value_put(&p, left.e[i]);
	}
	size_t n = (p.n + 5) / 6;
	for (size_t i = 0; i < n; i++) p.to[i] = base64url[(unsigned char)p.to[i]];
	*ret = str_n(text, root.n + 1 + n);
	return ERR_OK;
}
