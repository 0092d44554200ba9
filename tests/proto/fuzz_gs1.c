/* GS1 messages: whatever is accepted is written in every form it has, and each form parses to the same
 * elements; what is claimed and what is accepted agree with id_parse. The first octet chooses options. */
#include "proto/id/gs1.h"
#include "proto/id/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct gs1_message again(struct arena *a, struct str text, unsigned options)
{
	struct gs1_message m;
	struct flaw f = {0};
	must(!gs1_parse(a, text, options, &f, &m));
	return m;
}

static bool same(const struct gs1_message *a, const struct gs1_message *b)
{
	if (a->n != b->n) return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_eq(a->elements[i].ai, b->elements[i].ai) ||
		    !str_eq(a->elements[i].value, b->elements[i].value))
			return false;
	return true;
}

static void elements_hold(struct arena *a, const struct gs1_message *m, unsigned options)
{
	struct gs1_message back;
	struct str s;
	must(!gs1_write_bracketed(a, m, &s));
	if (s.n > GS1_TEXT_MAX) return;
	back = again(a, s, options);
	must(same(m, &back));
	must(!gs1_write_barcode(a, m, '^', &s));
	back = again(a, s, options);
	must(same(m, &back));
	must(!gs1_write_barcode(a, m, 0x1d, &s));
	back = again(a, s, options);
	must(same(m, &back));
}

static void key_holds(const struct gs1_message *m, const struct gs1_message *back)
{
	must(str_eq(m->elements[m->key].ai, back->elements[back->key].ai));
	must(str_eq(m->elements[m->key].value, back->elements[back->key].value));
	must(m->qualifiers_n == back->qualifiers_n);
	for (size_t i = 0; i < m->qualifiers_n; i++) {
		const struct gs1_element *q = &m->elements[m->qualifiers[i]];
		must(q->role == GS1_QUALIFIER);
		must(str_eq(q->value, back->elements[back->qualifiers[i]].value));
	}
}

/* The link, then what its compressed forms say, which is the link in its own order. */
static void link_holds(struct arena *a, const struct gs1_message *m, unsigned options)
{
	struct gs1_message back;
	struct str link, s, link_again;
	must(!gs1_write_link(a, m, STR_NONE, &link));
	if (link.n > GS1_TEXT_MAX) return;
	back = again(a, link, options);
	key_holds(m, &back);
	must(!gs1_write_link(a, &back, STR_NONE, &link_again) && str_eq(link, link_again));
	for (int packing = GS1_PACK_PLAIN; packing <= GS1_PACK_OPTIMISED; packing++) {
		if (gs1_write_compressed(a, m, STR_NONE, (enum gs1_packing)packing, &s)) continue;
		/* a value of many kinds of characters takes 7 bits each, in text of 6 */
		must(s.n <= link.n + link.n / 6 + 8 && gs1_claims(s));
		struct gs1_message unpacked = again(a, s, options);
		must(unpacked.form == GS1_COMPRESSED && unpacked.n == back.n);
		key_holds(m, &unpacked);
		must(!gs1_write_link(a, &unpacked, STR_NONE, &s));
		back = again(a, s, options);
		must(same(&unpacked, &back));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(4 << 20);
	struct gs1_message m;
	struct flaw f = {0};
	struct id id;
	must(a);
	if (!n) {
		arena_free(a);
		return 0;
	}
	unsigned options = data[0] & 7;
	struct str s = str_n(data + 1, n - 1);
	bool claimed = gs1_claims(s);
	enum err e = gs1_parse(a, s, options, &f, &m);
	must(!e || (f.err == e && f.rule[0] && (f.offset <= s.n || f.offset == FLAW_NO_OFFSET)));
	if (!e) {
		must(claimed || (options & GS1_WORDS) || m.form == GS1_COMPRESSED);
		elements_hold(a, &m, options & GS1_WHOLE);
		if (!m.unlinkable) link_holds(a, &m, options & GS1_WHOLE);
	}
	if (!(options & (GS1_WORDS | GS1_SHORT_GTINS)) && !id_parse_as(ID_GS1, a, s, NULL, &id)) {
		must(!gs1_parse(a, s, 0, NULL, &m) && m.key != GS1_NONE);
		m = again(a, id.text, 0);
		must(m.n == m.qualifiers_n + 1);
	}
	arena_free(a);
	return 0;
}
