/* Object identifiers (ITU-T X.660, X.680 32; RFC 3061 `urn:oid:`; OID-IRI of X.680 34; ORS of X.672).
 *
 * Key octets: 0x03, then each arc in decimal digits and a dot: "1.2.156.". A prefix key ends after any
 * of the first ARCS_PREFIX_MAX dots that lie in the head; an identifier's key is a prefix itself.
 * Arcs are digit strings, of any size: 2.25 has arcs of 128 bits.
 *
 * An OID-IRI names arcs by numbers or by Unicode labels. Labels are known here for the roots, for what
 * X.660 and its register fix below them (long arcs too), and for China; any other label is refused
 * ("label"), for only its registration authority knows the number. */
#include "proto/id/scheme.h"

enum {
	ARCS_PREFIX_MAX = 32, /* delegation boundaries that an answer may have to look up */
	DNS_NAME_MAX = 253,   /* RFC 1035 2.3.4, in text without the last dot */
	DNS_LABEL_MAX = 63,
};

static const struct str marks[] = {{"urn:oid:", 8}, {"oid:", 4}};

/* Labels of OID-IRIs: arcs from the root on, as text. */
static const struct label {
	struct str above; /* arcs that lead there, or "" at the root */
	struct str name, arcs;
} known_labels[] = {
#define L(above, name, arcs)                                                                               \
	{                                                                                                  \
		{above, sizeof above - 1}, {name, sizeof name - 1},                                        \
		{                                                                                          \
			arcs, sizeof arcs - 1                                                              \
		}                                                                                          \
	}
    L("", "ITU-T", "0"),
    L("", "ISO", "1"),
    L("", "Joint-ISO-ITU-T", "2"),
    L("", "ASN.1", "2.1"),
    L("", "Country", "2.16"),
    L("", "International-Organizations", "2.23"),
    L("", "UUID", "2.25"),
    L("", "Tag-Based", "2.27"),
    L("", "BIP", "2.41"),
    L("", "Telebiometrics", "2.42"),
    L("", "Cybersecurity", "2.48"),
    L("", "Alerting", "2.49"),
    L("", "Example", "2.999"),
    L("0.", "Recommendation", "0"),
    L("0.", "Administration", "2"),
    L("0.", "Network-Operator", "3"),
    L("0.", "Identified-Organization", "4"),
    L("1.", "Standard", "0"),
    L("1.", "Registration-Authority", "1"),
    L("1.", "Member-Body", "2"),
    L("1.", "Identified-Organization", "3"),
    L("2.", "ASN.1", "1"),
    L("2.", "Country", "16"),
    L("2.", "International-Organizations", "23"),
    L("2.", "UUID", "25"),
    L("2.", "Example", "999"),
    L("1.2.", "CN", "156"), /* of the countries (X.660 A.5.5: ISO 3166-1) the one at home here */
    L("2.16.", "CN", "156"),
#undef L
};

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static const struct label *label_find(struct str above, struct str name)
{
	for (size_t i = 0; i < sizeof known_labels / sizeof *known_labels; i++)
		if (str_eq(known_labels[i].above, above) && str_eq_nocase(known_labels[i].name, name))
			return &known_labels[i];
	return NULL;
}

static bool is_iri(struct str text)
{
	if (!text.n || text.p[0] != '/') return false;
	struct str first = str_skip(text, 1);
	first.n = str_find(first, '/');
	if (first.n == 1 && first.p[0] >= '0' && first.p[0] <= '2') return true;
	return label_find(STR(""), first);
}

/* A root, a dot, and nothing but digits and dots. */
static bool is_dotted(struct str text)
{
	if (text.n < 2 || text.p[1] != '.' || text.p[0] < '0' || text.p[0] > '2') return false;
	for (size_t i = 2; i < text.n; i++)
		if (!digit(text.p[i]) && text.p[i] != '.') return false;
	return true;
}

static enum id_claim detect(struct str text)
{
	if (text.n && digit(text.p[0])) return is_dotted(text) ? ID_SURE : ID_NOT;
	return is_iri(text) || id__marked(text, marks, 2) ? ID_SURE : ID_NOT;
}

/* One arc in digits, at text[at, at + n). */
static enum err arc_check(struct str text, size_t at, size_t n, struct flaw *f)
{
	if (!n) return flaw_set(f, ERR_BAD_ID, at, "", "empty-arc", "an arc is empty");
	for (size_t i = at; i < at + n; i++)
		if (!digit(text.p[i]))
			return flaw_set(f, ERR_BAD_ID, i, "", "arc",
					"an arc is a number in decimal digits");
	if (n > 1 && text.p[at] == '0')
		return flaw_set(f, ERR_BAD_ID, at, "", "leading-zero", "an arc has no leading zeros");
	return ERR_OK;
}

/* X.660 A.2: three roots; 40 arcs under 0 and 1. `to` holds the arcs read before, each with its dot. */
static enum err arc_range(struct str to, struct str text, size_t at, size_t n, struct flaw *f)
{
	if (!to.n && (n > 1 || text.p[at] > '2'))
		return flaw_set(f, ERR_BAD_ID, at, "", "root-arc", "the first arc is 0, 1 or 2");
	bool limited = to.n == 2 && to.p[0] < '2';
	if (limited && (n > 2 || (n == 2 && text.p[at] > '3')))
		return flaw_set(f, ERR_BAD_ID, at, "", "second-arc",
				"under 0 and 1, the second arc is from 0 to 39");
	return ERR_OK;
}

/* Reads text[from, end) into arcs, each with a dot behind it. What is written is never longer than
 * what was read, and a dot. */
static enum err arcs_read(struct str text, size_t from, char *to, struct flaw *f, size_t *ret)
{
	bool iri = from < text.n && text.p[from] == '/';
	size_t n = 0;
	for (size_t at = from + iri; at <= text.n;) {
		struct str rest = str_skip(text, at);
		size_t len = str_find(rest, iri ? '/' : '.');
		const struct label *l =
		    iri && len && !digit(rest.p[0]) ? label_find(str_n(to, n), str_first(rest, len)) : NULL;
		if (iri && !l && len && !digit(rest.p[0]))
			return flaw_set(
			    f, ERR_BAD_ID, at, "", "label",
			    "only the arc's authority knows the number of this label: write the number");
		enum err e = l ? ERR_OK : arc_check(text, at, len, f);
		if (!e && !l) e = arc_range(str_n(to, n), text, at, len, f);
		if (e) return e;
		struct str arcs = l ? l->arcs : str_first(rest, len);
		memcpy(to + n, arcs.p, arcs.n);
		n += arcs.n;
		to[n++] = '.';
		at += len + 1;
	}
	*ret = n;
	return ERR_OK;
}

/* The natural key; its arcs without the last dot are the text. */
static enum err key_read(struct arena *a, struct str text, struct flaw *f, struct str *ret)
{
	size_t from = id__marked(text, marks, 2), n = 0;
	enum err e = id__length_check(text, from, f);
	if (e) return e;
	char *key = arena_bytes(a, 2 + (text.n - from));
	if (!key) return id__no_memory(f);
	key[0] = ID_OID;
	e = arcs_read(text, from, key + 1, f, &n);
	*ret = str_n(key, 1 + n);
	return e;
}

static enum err parse(struct arena *a, struct str text, struct flaw *f, struct id *ret)
{
	struct str key;
	enum err e = key_read(a, text, f, &key);
	if (e) return e;
	ret->text = str_n(key.p + 1, key.n - 2);
	if (str_find(ret->text, '.') == ret->text.n)
		return flaw_set(f, ERR_BAD_ID, text.n, "", "too-few-arcs",
				"an object identifier has at least two arcs");
	return id__key_fit(a, key, ret) ? id__no_memory(f) : ERR_OK;
}

static size_t boundaries(struct str key, size_t *ret)
{
	return id__ends(key, 1, '.', ARCS_PREFIX_MAX, ret);
}

/* Key octets → dotted text, marked when it is too short to be told by its form. */
static struct str print(struct arena *a, struct str key)
{
	if (key.n > 1 && key.p[key.n - 1] != '.') return STR_NONE;
	struct str arcs = key.n > 1 ? str_n(key.p + 1, key.n - 2) : STR("");
	bool bare = str_find(arcs, '.') < arcs.n;
	return id__joined(a, bare ? STR("") : marks[0], arcs);
}

static enum err prefix_parse(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret)
{
	size_t ends[ARCS_PREFIX_MAX], from = id__marked(text, marks, 2);
	static const char all[] = {ID_OID};
	ret->key = str_n(all, 1);
	if (from < text.n) {
		enum err e = key_read(a, text, f, &ret->key);
		if (e) return e;
		size_t n = boundaries(ret->key, ends);
		if (!n || ends[n - 1] != ret->key.n)
			return flaw_set(f, ERR_BAD_ID, text.n, "", "prefix-too-long",
					"a prefix has at most %d arcs and %d octets", ARCS_PREFIX_MAX,
					ID_KEY_HEAD - 1);
	}
	ret->text = print(a, ret->key);
	return ret->text.p ? ERR_OK : id__no_memory(f);
}

/* Labels in reverse, then the apex (X.672 6): none when it would be no DNS name. */
static struct str ors_fqdn(struct arena *a, struct str arcs)
{
	static const struct str apex = {".oid-res.org.", 13};
	struct str rest = arcs, arc;
	if (arcs.n + apex.n - 1 > DNS_NAME_MAX) return STR_NONE;
	char *p = arena_bytes(a, arcs.n + apex.n);
	if (!p) return STR_NONE;
	size_t at = arcs.n;
	while (str_split(&rest, '.', &arc)) {
		if (arc.n > DNS_LABEL_MAX) return STR_NONE;
		at -= arc.n;
		memcpy(p + at, arc.p, arc.n);
		if (at) p[--at] = '.';
	}
	memcpy(p + arcs.n, apex.p, apex.n);
	return str_n(p, arcs.n + apex.n);
}

static void parts(struct arena *a, struct str text, const struct id *id, struct id_parts *ret)
{
	(void)text;
	char *iri = arena_bytes(a, id->text.n + 1);
	id__part_text(ret, "oid", id->text);
	id__part_text(ret, "urn", id__joined(a, marks[0], id->text));
	if (iri) {
		iri[0] = '/';
		for (size_t i = 0; i < id->text.n; i++)
			iri[i + 1] = id->text.p[i] == '.' ? '/' : id->text.p[i];
		id__part_text(ret, "iri", str_n(iri, id->text.n + 1));
	}
	id__part_text(ret, "ors_fqdn", ors_fqdn(a, id->text));
}

const struct id_scheme_ops id__ops_oid = {
    .scheme = ID_OID,
    .name = "oid",
    .detect = detect,
    .detect_prefix = detect,
    .parse = parse,
    .prefix_parse = prefix_parse,
    .print = print,
    .boundaries = boundaries,
    .parts = parts,
};
