/* Ecode (GB/T 31866): version, numbering system identifier (NSI), main code (MD).
 *
 * Key octets: 0x04, version (one digit), NSI, MD. The NSI's length follows from the version, so that
 * nothing needs an end. A prefix key ends after the version or after the NSI.
 *
 * The table below is recollection, not the standard's text, which is sold: nothing here claims
 * conformance. Version 0 is binary and has no printed form; 5 to 9 are reserved. A bare code looks like
 * any number, also like a GTIN, so it is read only when the scheme is named; printed with `E=` it is
 * told apart. The case of letters is kept. */
#include "proto/id/percent.h"
#include "proto/id/unicode.h"

static const struct version {
	size_t nsi, md_max; /* characters */
	enum { MD_DIGITS, MD_ALPHANUMERIC, MD_TEXT } md;
} versions[] = {
    [1] = {4, 20, MD_DIGITS},
    [2] = {4, 28, MD_DIGITS},
    [3] = {5, 39, MD_ALPHANUMERIC},
    [4] = {5, ID_TEXT_MAX, MD_TEXT},
};

enum { VERSIONS = sizeof versions / sizeof *versions };

/* The last of them are what the codes of the national platform carry. */
static const struct str marks[] = {
    {"E=", 2},
    {"ecode:", 6},
    {"https://www.iotroot.com/E=", 26},
    {"http://www.iotroot.com/E=", 25},
    {"https://iotroot.com/E=", 22},
    {"http://iotroot.com/E=", 21},
};

static size_t marked(struct str text)
{
	return id__marked(text, marks, sizeof marks / sizeof *marks);
}

static enum id_claim detect(struct str text)
{
	return marked(text) ? ID_SURE : ID_NOT;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum err version_read(struct str code, struct flaw *f, const struct version **ret)
{
	size_t v = code.n && digit(code.p[0]) ? (size_t)(code.p[0] - '0') : 0;
	if (v < VERSIONS && versions[v].nsi) {
		*ret = &versions[v];
		return ERR_OK;
	}
	return flaw_set(f, ERR_BAD_ID, 0, "v", "version",
			"an Ecode begins with its version, a digit from 1 to 4");
}

static enum err nsi_check(struct str code, const struct version *v, struct flaw *f)
{
	for (size_t i = 1; i <= v->nsi; i++)
		if (i >= code.n || !digit(code.p[i]))
			return flaw_set(f, ERR_BAD_ID, i < code.n ? i : code.n, "nsi", "nsi",
					"the NSI of this version has %zu digits", v->nsi);
	return ERR_OK;
}

static enum err md_check(struct arena *a, struct str code, const struct version *v, struct flaw *f)
{
	size_t at = 1 + v->nsi;
	if (at == code.n) return flaw_set(f, ERR_BAD_ID, at, "md", "no-md", "the main code is empty");
	if (code.n - at > v->md_max)
		return flaw_set(f, ERR_BAD_ID, at + v->md_max, "md", "too-long",
				"the main code of this version has at most %zu characters", v->md_max);
	if (v->md == MD_TEXT) return id__text_check(a, code, at, f);
	for (; at < code.n; at++) {
		char c = code.p[at];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!digit(c) && !(letter && v->md == MD_ALPHANUMERIC))
			return flaw_set(f, ERR_BAD_ID, at, "md", "characters",
					"the character stands in no main code of this version");
	}
	return ERR_OK;
}

/* The code in a text, without its mark, decoded when it came in a URI. */
static enum err code_read(struct arena *a, struct str text, struct flaw *f, struct str *ret)
{
	size_t from = marked(text);
	enum err e = id__length_check(text, from, f);
	*ret = str_skip(text, from);
	if (!e && from > marks[1].n) e = id__percent_decode(a, text, from, f, ret);
	return e;
}

/* An offset in the code, as one in the text. */
static enum err placed(enum err e, struct str text, struct flaw *f)
{
	size_t from = marked(text);
	if (e && f && f->offset != FLAW_NO_OFFSET)
		f->offset = from > marks[1].n ? id__percent_at(text, from, f->offset) : from + f->offset;
	return e;
}

/* "E=" and the code; the key is cut out of it. */
static struct str marked_copy(struct arena *a, struct str code)
{
	return id__joined(a, marks[0], code);
}

static enum err make(struct arena *a, struct str code, struct flaw *f, struct str *ret_key,
		     struct str *ret_text)
{
	char *key = arena_bytes(a, 1 + code.n);
	*ret_text = marked_copy(a, code);
	if (!key || !ret_text->p) return id__no_memory(f);
	key[0] = ID_ECODE;
	if (code.n) memcpy(key + 1, code.p, code.n);
	*ret_key = str_n(key, 1 + code.n);
	return ERR_OK;
}

static enum err parse(struct arena *a, struct str text, struct flaw *f, struct id *ret)
{
	const struct version *v = NULL;
	struct str code, key;
	enum err e = code_read(a, text, f, &code);
	if (e) return e;
	e = version_read(code, f, &v);
	if (!e) e = nsi_check(code, v, f);
	if (!e) e = md_check(a, code, v, f);
	if (e) return placed(e, text, f);
	e = make(a, code, f, &key, &ret->text);
	if (e) return e;
	return id__key_fit(a, key, ret) ? id__no_memory(f) : ERR_OK;
}

static enum err prefix_parse(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret)
{
	const struct version *v = NULL;
	struct str code;
	enum err e = code_read(a, text, f, &code);
	if (e) return e;
	if (code.n) e = version_read(code, f, &v);
	if (!e && code.n > 1) e = nsi_check(code, v, f);
	if (!e && code.n > 1 && code.n > 1 + v->nsi)
		e = flaw_set(f, ERR_BAD_ID, 1 + v->nsi, "md", "prefix-only",
			     "an Ecode prefix ends with the version or the NSI");
	if (e) return placed(e, text, f);
	return make(a, code, f, &ret->key, &ret->text);
}

static struct str print(struct arena *a, struct str key)
{
	return marked_copy(a, str_skip(key, 1));
}

static size_t boundaries(struct str key, size_t *ret)
{
	const struct version *v;
	size_t n = 0;
	if (version_read(str_skip(key, 1), NULL, &v)) return 0;
	ret[n++] = 2;
	if (!nsi_check(str_skip(key, 1), v, NULL)) ret[n++] = 2 + v->nsi;
	return n;
}

static void parts(struct arena *a, struct str text, const struct id *id, struct id_parts *ret)
{
	const struct version *v;
	struct str code = str_skip(id->text, marks[0].n);
	(void)a;
	(void)text;
	if (version_read(code, NULL, &v)) return;
	id__part_number(ret, "v", (uint64_t)(code.p[0] - '0'));
	id__part_text(ret, "nsi", str_n(code.p + 1, v->nsi));
	id__part_text(ret, "md", str_skip(code, 1 + v->nsi));
}

const struct id_scheme_ops id__ops_ecode = {
    .scheme = ID_ECODE,
    .name = "ecode",
    .detect = detect,
    .detect_prefix = detect,
    .parse = parse,
    .prefix_parse = prefix_parse,
    .print = print,
    .boundaries = boundaries,
    .parts = parts,
};
