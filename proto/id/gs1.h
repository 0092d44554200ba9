/* GS1 messages: what a GS1 Digital Link, an element string or a barcode says, and how to say it again.
 *
 * Purpose: read any printed form into elements (Application Identifier and value), each checked by
 * the GS1 Barcode Syntax Dictionary, and write them in any other form. The identifier among them, as
 * the registry knows it, is id_parse's (id.h), which reads by this module.
 *
 * Forms that are read:
 *   GS1_LINK        https://example.com/stem/01/09506000134352/10/ABC?17=261231, HTTP or HTTPS, any host
 *                   and stem; also from the path on: /01/09506000134352, 01/09506000134352
 *   GS1_COMPRESSED  https://example.com/stem/ARFKk4XBoA, and /01/09506000134352/ and the rest compressed
 *   GS1_BRACKETED   (01)09506000134352(10)ABC; a bracket inside a value is written \(
 *   GS1_BARCODE     ^010950600013435210ABC^21X, FNC1 being ^ or the octet 0x1d, or with the symbology
 *                   identifier ]C1 ]e0 ]d2 ]Q3 ]J1 (ISO/IEC 15424) instead of the first FNC1; with
 *                   nothing in front when it begins with 01 and a GTIN or 00 and an SSCC, whose check
 *                   digit is right; ]d1 and ]Q1 in front of a link
 *   GS1_PLAIN       a GTIN of 8, 12, 13 or 14 digits alone, also behind ]E0 ]E4 ]I1; padded to 14
 * Each may have gs1: in front.
 *
 * Invariants:
 *  1. Values are decoded: without percent-encoding and backslashes.
 *  2. What is written parses to the same elements; link, bracketed and barcode forms write themselves.
 *  3. elements[key] is the first primary key given; qualifiers[] are those that specify it, in the
 *     order of the dictionary, whichever order they were given in.
 * Limits: GS1_TEXT_MAX octets, GS1_ELEMENTS_MAX elements, GS1_IGNORED_MAX foreign query parameters.
 * Ownership: structs are the caller's; values and ignored parameters borrow from the text parsed or
 * live in the arena; written texts live in the arena. Threads: any.
 * Specifications: GS1 Digital Link URI Syntax 1.3 and later; GS1 Digital Link Compression; GS1 General
 * Specifications 3, 7.8, 7.9; GS1 Barcode Syntax Dictionary; ONS 2.0.1. */
#ifndef PROTO_ID_GS1_H
#define PROTO_ID_GS1_H

#include "base/arena.h"

enum {
	GS1_TEXT_MAX = 2048,         /* as of all identifiers (ID_TEXT_MAX) */
	GS1_ELEMENTS_MAX = 64,       /* a carrier has fewer */
	GS1_IGNORED_MAX = 64,        /* so has a link */
	GS1_SPECIFIERS_MAX = 3,      /* qualifiers of one key: the dictionary's longest sequence */
	GS1_NONE = GS1_ELEMENTS_MAX, /* no such element */
};

enum gs1_form { GS1_LINK, GS1_COMPRESSED, GS1_BRACKETED, GS1_BARCODE, GS1_PLAIN };

enum gs1_role {
	GS1_KEY,
	GS1_QUALIFIER, /* of the key */
	GS1_ATTRIBUTE,
	GS1_UNLINKED, /* stands in carriers only: no link can have it */
	GS1_REPEATED, /* the same AI and value as an element before it */
};

struct gs1_ai; /* gs1_ai.h, private */

struct gs1_element {
	struct str ai; /* "3103" */
	struct str value;
	const char *title; /* the dictionary's: "NET WEIGHT (kg)"; "" when it has none */
	enum gs1_role role;
	size_t offset; /* of the value in the text; in a compressed link, of its segment */
	const struct gs1_ai *row;
};

struct gs1_message {
	enum gs1_form form;
	size_t n;
	struct gs1_element elements[GS1_ELEMENTS_MAX];       /* in the order given */
	size_t key;                                          /* index, or GS1_NONE */
	size_t qualifiers_n, qualifiers[GS1_SPECIFIERS_MAX]; /* indices */
	struct str root; /* of a URI: "https://example.com/stem", as given; else empty */
	size_t ignored_n;
	struct str ignored[GS1_IGNORED_MAX]; /* query parameters that are no AI, as given; "a=1", "b" */
	/* Why no link can be written, and the offset of the element to blame; NULL: one can.
	 * "no-key", "qualifiers-mixed", "not-an-attribute" */
	const char *unlinkable;
	size_t unlinkable_at;
};

enum gs1_option {
	/* The text is all that the item carries: the dictionary's `req=` holds as well. Without it, what
	 * is missing may stand on another carrier; what excludes each other (`ex=`) never stands. */
	GS1_WHOLE = 1,
	GS1_SHORT_GTINS = 2, /* links may have 8, 12 or 13 digits in 01, as before Digital Link 1.2 */
	GS1_WORDS = 4,       /* links may say gtin, lot, ser … for AIs in the path, as before 1.2 */
};

/* options: bits of gs1_option, 0 is the rule. ERR_BAD_ID with the offset of the offending octet and
 * a stable rule; ERR_NO_MEMORY. *ret is in use only after success. */
enum err gs1_parse(struct arena *a, struct str text, unsigned options, struct flaw *f,
		   struct gs1_message *ret) MUST_USE;

/* Does the text look like one of the forms above, before its values are looked at? A URI does when its
 * path has a primary key in its place or its last segment decompresses; plain digits do when the check
 * digit is right. For choosing among schemes. */
bool gs1_claims(struct str text);

/* All writers: ERR_NO_MEMORY. Repeated elements are left out of links, and kept elsewhere. */

/* root/01/…/10/…?17=…; attributes of predefined length come first, else in the order given. An empty
 * root is https://id.gs1.org, which is the canonical link. ERR_UNSUPPORTED: m->unlinkable says why. */
enum err gs1_write_link(struct arena *a, const struct gs1_message *m, struct str root,
			struct str *ret) MUST_USE;
/* (01)…(10)… in the order given. */
enum err gs1_write_bracketed(struct arena *a, const struct gs1_message *m, struct str *ret) MUST_USE;
/* In the order given; fnc1: '^' for people, 0x1d for transmission. */
enum err gs1_write_barcode(struct arena *a, const struct gs1_message *m, char fnc1,
			   struct str *ret) MUST_USE;

enum gs1_packing {
	GS1_PACK_PLAIN,    /* each AI by its digits */
	GS1_PACK_OPTIMISED /* pre-defined sequences of AIs by their code: shorter */
};
/* root/…, without ignored parameters. ERR_UNSUPPORTED: no link, or the message has two primary keys or a
 * qualifier as an attribute and would not be the same when decompressed. */
enum err gs1_write_compressed(struct arena *a, const struct gs1_message *m, struct str root,
			      enum gs1_packing packing, struct str *ret) MUST_USE;

/* ONS 2.0.1: the domain name of a GTIN, "0.0.6.2.2.3.1.4.1.4.1.6.0.gtin.gs1.id.onsepc.com.", and the
 * application unique string "|en|gtin|00614141322602". ERR_UNSUPPORTED when the key is no GTIN. */
enum err gs1_write_ons(struct arena *a, const struct gs1_message *m, struct str *ret) MUST_USE;
enum err gs1_write_aus(struct arena *a, const struct gs1_message *m, struct str language,
		       struct str *ret) MUST_USE;

/* The release of the dictionary compiled in: "2026-01-27". */
const char *gs1_dictionary_release(void);

#endif
