/* HPACK (RFC 7541): header sections of answers, written straight to where they are sent from.
 *
 * Purpose: an answer has ten fields, of which seven are what they were in the answer before. The general
 * encoder of the library hashes and searches for each; this one looks where it found the field last time.
 * Strings are not Huffman-coded: what is new in an answer are a dozen digits.
 *
 * Ownership: names are borrowed for ever (static), values are copied. One encoder per connection.
 * Threads: the connection's.
 *
 * Invariants: 1. the peer's dynamic table holds at least our entries: ours are the last HPACK_ENTRIES, each
 * counted as the largest it can be, and we keep none for a peer whose table could be smaller; 2. what
 * differs from answer to answer is never put in. */
#ifndef NET_HPACK_H
#define NET_HPACK_H

#include "base/str.h"

enum {
	HPACK_ENTRIES = 16, /* a power of two; ten fields of a resolve, and room for other routes' */
	HPACK_ENTRY = 96,   /* octets of name and value; longer fields are spelt out each time */
	/* RFC 7541 4.1: 32 octets more for each. Every peer starts with 4,096. */
	HPACK_TABLE = HPACK_ENTRIES * (HPACK_ENTRY + 32),
	HPACK_PLACES = 16, /* fields of an answer whose place is remembered */
	HPACK_SPELT = HPACK_ENTRIES,
	HPACK_INDEXED = 62, /* RFC 7541 2.3.3: the newest, after the static table */
	HPACK_STRING = 6,   /* octets before a string, at most: an index and a length, below 2^21 both */
	HPACK_FIELD = 2 * HPACK_STRING
};

struct hpack_entry {
	struct str name;
	unsigned char value_n;
	char value[HPACK_ENTRY];
};

/* How the field at a place was written last. */
struct hpack_place {
	const char *name;
	unsigned char slot;  /* in entries; HPACK_SPELT: spelt out, with the name's index */
	unsigned char index; /* of the name in the static table */
};

struct hpack {
	uint64_t inserted; /* since the table was empty */
	bool off;          /* the peer's table may be too small */
	bool id_in;        /* the name of the request id is in entries[id_slot] */
	unsigned char id_slot;
	struct hpack_place places[HPACK_PLACES];
	struct hpack_entry entries[HPACK_ENTRIES];
};

/* Forgets the table: the peer was told of a new size for it, table octets by its settings. */
void hpack_reset(struct hpack *h, uint32_t table);

/* Each writes one field to `to`, which has room for HPACK_FIELD octets and its name and value, and returns
 * the octet after it. place: the how-manieth field of the answer, for finding it again. */
char *hpack_status(char *to, const char digits[3]);
static inline char *hpack_field(struct hpack *h, char *to, unsigned place, struct str name,
				struct str value);
/* A value that is never the same twice, name always the same; only the name is put into the table. */
char *hpack_id(struct hpack *h, char *to, struct str name, struct str value);

char *hpack__field(struct hpack *h, char *to, unsigned place, struct str name, struct str value);

/* A place is only remembered while its slot holds a field. */
static inline char *hpack_field(struct hpack *h, char *to, unsigned place, struct str name,
				struct str value)
{
	const struct hpack_place *p = &h->places[place & (HPACK_PLACES - 1)];
	const struct hpack_entry *e = &h->entries[p->slot & (HPACK_ENTRIES - 1)];
	if (place >= HPACK_PLACES || p->name != name.p || p->slot == HPACK_SPELT || e->name.p != name.p ||
	    e->value_n != value.n || memcmp(e->value, value.p, value.n) != 0)
		return hpack__field(h, to, place, name, value);
	*to++ = (char)(0x80 | (HPACK_INDEXED + ((h->inserted - 1 - p->slot) & (HPACK_ENTRIES - 1))));
	return to;
}

#endif
