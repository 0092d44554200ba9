/* Which form a text has, and the message that it says. */
#include "proto/id/gs1_elements.h"
#include "proto/id/gs1_link.h"
#include "proto/id/gs1_lint.h"

enum carrier { NO_CARRIER, OF_ELEMENTS, OF_LINK, OF_DIGITS };

/* ISO/IEC 15424: what a reader says in three octets about the symbol it read. */
static enum carrier carrier_of(struct str text)
{
	static const char *const elements[] = {"]C1", "]e0", "]d2", "]Q3", "]J1"};
	static const char *const links[] = {"]d1", "]Q1"};
	static const char *const digits[] = {"]E0", "]E4", "]I1"};
	if (text.n < 3 || text.p[0] != ']') return NO_CARRIER;
	for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
		if (str_starts(text, str_of(elements[i]))) return OF_ELEMENTS;
	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		if (str_starts(text, str_of(links[i]))) return OF_LINK;
	for (size_t i = 0; i < sizeof digits / sizeof *digits; i++)
		if (str_starts(text, str_of(digits[i]))) return OF_DIGITS;
	return NO_CARRIER;
}

/* Octets in front of the form proper. */
static size_t marked(struct str text)
{
	size_t n = str_starts_nocase(text, STR("gs1:")) ? 4 : 0;
	return carrier_of(str_skip(text, n)) == OF_LINK ? n + 3 : n;
}

static bool plain(struct str text)
{
	return (text.n == 8 || (text.n >= 12 && text.n <= 14)) && gs1_set_has_all(GS1_N, text);
}

static bool separator(struct str text)
{
	return text.n && (text.p[0] == '^' || text.p[0] == GS1_SEPARATOR);
}

static enum err form_parse(const struct gs1_reading *r)
{
	enum carrier carrier = carrier_of(r->text);
	if (carrier == OF_ELEMENTS) return gs1__barcode_parse(r, 3);
	if (carrier == OF_DIGITS) return gs1__plain_parse(r, 3);
	if (r->text.n && r->text.p[0] == '(') return gs1__bracketed_parse(r);
	if (separator(r->text)) return gs1__barcode_parse(r, 0);
	if (plain(r->text)) return gs1__plain_parse(r, 0);
	if (gs1__unmarked(r->text)) return gs1__barcode_parse(r, 0);
	return gs1__link_parse(r);
}

enum err gs1_parse(struct arena *a, struct str text, unsigned options, struct flaw *f,
		   struct gs1_message *ret)
{
	size_t mark = marked(text);
	const struct gs1_reading r = {a, str_skip(text, mark), options, f, ret};
	if (text.n > GS1_TEXT_MAX)
		return flaw_set(f, ERR_BAD_ID, GS1_TEXT_MAX, "", "too-long",
				"a GS1 message has at most %d octets", GS1_TEXT_MAX);
	ret->n = ret->qualifiers_n = ret->ignored_n = 0;
	ret->key = GS1_NONE;
	ret->root = STR_NONE;
	ret->unlinkable = NULL;
	ret->unlinkable_at = 0;
	enum err e = form_parse(&r);
	if (!e) e = gs1__rules_check(&r);
	if (e && f && f->offset != FLAW_NO_OFFSET) f->offset += mark;
	for (size_t i = 0; !e && mark && i < ret->n; i++) ret->elements[i].offset += mark;
	ret->unlinkable_at += mark;
	return e;
}

bool gs1_claims(struct str text)
{
	size_t at = 0;
	text = str_skip(text, marked(text));
	if (!text.n) return false;
	if (carrier_of(text) != NO_CARRIER) return true;
	if (plain(text)) return gs1_lint_holds(GS1_LINT_csum, text, &at);
	return text.p[0] == '(' || separator(text) || gs1__unmarked(text) || gs1__link_claims(text);
}
