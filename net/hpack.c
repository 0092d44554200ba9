#include "net/hpack.h"

#include <string.h>

#include "base/err.h"

enum { STATUS = 8 /* first ":status" of the static table */ };

/* RFC 7541 6: the first bits of an octet. */
enum { INDEXED = 0x80, WITH_INDEXING = 0x40, WITHOUT_INDEXING = 0x00 };

/* RFC 7541 appendix A: the names an answer of ours can have. once: the value is another in every answer. */
static const struct {
	const char *name;
	unsigned char index;
	bool once;
} names[] = {{"accept-ranges", 18, false},
	     {"allow", 22, false},
	     {"cache-control", 24, false},
	     {"content-disposition", 25, true},
	     {"content-language", 27, false},
	     {"content-length", 28, true},
	     {"content-range", 30, true},
	     {"content-type", 31, false},
	     {"date", 33, false},
	     {"etag", 34, true},
	     {"expires", 36, true},
	     {"last-modified", 44, true},
	     {"link", 45, true},
	     {"location", 46, true},
	     {"retry-after", 53, false},
	     {"server", 54, false},
	     {"set-cookie", 55, true},
	     {"vary", 59, false},
	     {"www-authenticate", 61, false}};

/* ---- octets ------------------------------------------------------------------------------ */

/* RFC 7541 5.1: the bits of `kind` above, the number in the lowest `bits`. */
static char *put_number(char *to, unsigned kind, unsigned bits, size_t n)
{
	size_t most = ((size_t)1 << bits) - 1;
	if (n < most) {
		*to++ = (char)(kind | n);
		return to;
	}
	*to++ = (char)(kind | most);
	for (n -= most; n >= 0x80; n >>= 7) *to++ = (char)(n | 0x80);
	*to++ = (char)n;
	return to;
}

static char *put_string(char *to, struct str s)
{
	to = put_number(to, 0, 7, s.n);
	if (s.n) memcpy(to, s.p, s.n);
	return to + s.n;
}

/* index 0: the name is spelt out. */
static char *put_literal(char *to, unsigned kind, unsigned index, struct str name, struct str value)
{
	to = put_number(to, kind, kind == WITH_INDEXING ? 6 : 4, index);
	if (!index) to = put_string(to, name);
	return put_string(to, value);
}

/* ---- table ------------------------------------------------------------------------------- */

void hpack_reset(struct hpack *h, uint32_t table)
{
	memset(h, 0, offsetof(struct hpack, entries));
	h->off = table < HPACK_TABLE;
}

static bool taken(const struct hpack *h, unsigned slot)
{
	return slot < HPACK_ENTRIES && slot < h->inserted;
}

static unsigned index_of(const struct hpack *h, unsigned slot)
{
	return HPACK_INDEXED + (unsigned)((h->inserted - 1 - slot) & (HPACK_ENTRIES - 1));
}

static bool same_name(struct str a, struct str b)
{
	return a.n == b.n && (a.p == b.p || memcmp(a.p, b.p, a.n) == 0);
}

static bool same(const struct hpack_entry *e, struct str name, struct str value)
{
	return e->value_n == value.n && same_name(e->name, name) && memcmp(e->value, value.p, value.n) == 0;
}

static unsigned insert(struct hpack *h, struct str name, struct str value)
{
	unsigned slot = (unsigned)(h->inserted % HPACK_ENTRIES);
	struct hpack_entry *e = &h->entries[slot];
	if (h->id_in && slot == h->id_slot) h->id_in = false;
	e->name = name;
	e->value_n = (unsigned char)value.n;
	memcpy(e->value, value.p, value.n);
	h->inserted++;
	return slot;
}

static bool fits(const struct hpack *h, struct str name, struct str value)
{
	return !h->off && value.n && name.n + value.n <= HPACK_ENTRY;
}

/* ---- fields ------------------------------------------------------------------------------ */

char *hpack_status(char *to, const char digits[3])
{
	static const char known[][4] = {"200", "204", "206", "304", "400", "404", "500"};
	for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
		if (memcmp(known[i], digits, 3) != 0) continue;
		*to++ = (char)(INDEXED | (STATUS + i));
		return to;
	}
	return put_literal(to, WITHOUT_INDEXING, STATUS, STR_NONE, str_n(digits, 3));
}

static void find_name(struct str name, unsigned *ret_index, bool *ret_once)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!str_is(name, names[i].name)) continue;
		*ret_index = names[i].index;
		*ret_once = names[i].once;
		return;
	}
}

static __attribute__((noinline)) char *search_field(struct hpack *h, char *to, struct hpack_place *place,
						    struct str name, struct str value)
{
	unsigned index = 0;
	bool once = false;
	for (unsigned slot = 0; taken(h, slot); slot++) {
		if (!same(&h->entries[slot], name, value)) continue;
		*place = (struct hpack_place){name.p, (unsigned char)slot, 0};
		return put_number(to, INDEXED, 7, index_of(h, slot));
	}
	find_name(name, &index, &once);
	if (once || !fits(h, name, value)) {
		*place = (struct hpack_place){once ? name.p : NULL, HPACK_SPELT, (unsigned char)index};
		return put_literal(to, WITHOUT_INDEXING, index, name, value);
	}
	to = put_literal(to, WITH_INDEXING, index, name, value);
	*place = (struct hpack_place){name.p, (unsigned char)insert(h, name, value), 0};
	return to;
}

char *hpack__field(struct hpack *h, char *to, unsigned place, struct str name, struct str value)
{
	struct hpack_place other, *p = place < HPACK_PLACES ? &h->places[place] : &other;
	if (p != &other && p->name == name.p && p->slot == HPACK_SPELT)
		return put_literal(to, WITHOUT_INDEXING, p->index, name, value);
	return search_field(h, to, p, name, value);
}

char *hpack_id(struct hpack *h, char *to, struct str name, struct str value)
{
	if (h->id_in) return put_literal(to, WITHOUT_INDEXING, index_of(h, h->id_slot), name, value);
	if (!fits(h, name, value)) return put_literal(to, WITHOUT_INDEXING, 0, name, value);
	to = put_literal(to, WITH_INDEXING, 0, name, value);
	h->id_slot = (unsigned char)insert(h, name, value);
	h->id_in = true;
	return to;
}
