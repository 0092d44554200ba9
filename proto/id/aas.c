/* Asset Administration Shell: asset links (specificAssetId) and identifiers (IDTA-01001, IDTA-01002).
 *
 * Key octets: 0x07, name, 0x1f, value. A prefix key ends after the 0x1f.
 *
 * An identifier alone, as in the interfaces' paths, is the link of the name globalAssetId; where its
 * text is an identifier of another scheme, it is that one (an alias). A text that another scheme claims
 * for sure and then refuses is refused; one that nobody claims, or only for its slash, stays here.
 *
 * Forms: the JSON of a link; its base64url, as in the query `assetIds`; `aas:` and the base64url of an
 * identifier; any text, when the scheme is named. Canonical is the compact JSON. */
#include "base/text64.h"
#include "proto/id/aas_link.h"
#include "proto/id/unicode.h"

enum { END = 0x1f };

#define MARK STR("aas:")
#define GLOBAL STR("globalAssetId")
#define BRACE STR("eyJ") /* base64url of {" */

static bool is_encoded_link(struct str text)
{
	return str_starts(text, BRACE) && text.n > 2 * BRACE.n && id__base64url_end(text) == text.n;
}

static enum id_claim detect(struct str text)
{
	if (text.n && text.p[0] == '{') return ID_SURE;
	return str_starts_nocase(text, MARK) || is_encoded_link(text) ? ID_SURE : ID_NOT;
}

/* A text with the way from what was read in it back to it. */
struct source {
	struct str text;
	size_t from;           /* of the base64url in it */
	bool encoded, is_link; /* is_link: json holds it; value_at is in that */
	struct str json;
	size_t value_at;
};

static size_t decoded_at(const struct source *s, size_t index)
{
	return s->encoded ? s->from + index * 4 / 3 : s->from + index;
}

/* An offset in what was decoded, as one in the text. */
static enum err placed(enum err e, const struct source *s, struct flaw *f)
{
	if (e && f && f->offset != FLAW_NO_OFFSET) f->offset = decoded_at(s, f->offset);
	return e;
}

static enum err link_read(struct arena *a, struct source *s, struct flaw *f, struct aas_link *ret)
{
	struct id__link l;
	enum err e = id__link_read(a, s->json, false, f, &l);
	if (e) return placed(e, s, f);
	s->value_at = l.value_at;
	*ret = l.link;
	return ERR_OK;
}

static enum err source_read(struct arena *a, struct str text, struct flaw *f, struct source *s,
			    struct aas_link *ret)
{
	*s = (struct source){.text = text};
	s->encoded = is_encoded_link(text) || str_starts_nocase(text, MARK);
	s->is_link = is_encoded_link(text) || (text.n && text.p[0] == '{');
	if (s->encoded && !s->is_link) s->from = MARK.n;
	if (text.n > ID__LINK_TEXT_MAX)
		return flaw_set(f, ERR_BAD_ID, ID__LINK_TEXT_MAX, "", "too-long",
				"an identifier has at most %d octets", ID__LINK_TEXT_MAX);
	struct str inner = text;
	if (s->encoded) {
		enum err e = aas_id_parse(a, str_skip(text, s->from), f, &inner);
		if (e && f && f->offset != FLAW_NO_OFFSET) f->offset += s->from;
		if (e) return e;
	}
	s->json = inner;
	if (s->is_link) return link_read(a, s, f, ret);
	*ret = (struct aas_link){GLOBAL, inner};
	if (!inner.n) return flaw_set(f, ERR_BAD_ID, text.n, "", "empty", "the identifier is empty");
	return s->encoded ? ERR_OK : id__text_check(a, text, 0, f);
}

/* The value as an identifier of another scheme; ERR_NOT_FOUND when it is none. */
static enum err alias_read(struct arena *a, const struct source *s, struct str value, struct flaw *f,
			   struct id *ret)
{
	enum id_claim claim;
	enum id_scheme other = id__detect(value, &claim);
	if (other == ID_NONE || other == ID_AAS) return ERR_NOT_FOUND;
	enum err e = id_parse_as(other, a, value, f, ret);
	if (e == ERR_BAD_ID && claim != ID_SURE) return ERR_NOT_FOUND;
	if (e && f && f->offset != FLAW_NO_OFFSET)
		f->offset =
		    decoded_at(s, s->is_link ? id__json_at(s->json, s->value_at, f->offset) : f->offset);
	return e;
}

static enum err key_make(struct arena *a, const struct aas_link *l, struct flaw *f, struct str *ret)
{
	char *key = arena_bytes(a, 2 + l->name.n + l->value.n);
	if (!key) return id__no_memory(f);
	key[0] = ID_AAS;
	memcpy(key + 1, l->name.p, l->name.n);
	key[1 + l->name.n] = END;
	if (l->value.n) memcpy(key + 2 + l->name.n, l->value.p, l->value.n);
	*ret = str_n(key, 2 + l->name.n + l->value.n);
	return ERR_OK;
}

static enum err parse(struct arena *a, struct str text, struct flaw *f, struct id *ret)
{
	struct source s;
	struct aas_link l;
	struct str key;
	enum err e = source_read(a, text, f, &s, &l);
	if (e) return e;
	if (str_eq(l.name, GLOBAL)) {
		e = alias_read(a, &s, l.value, f, ret);
		if (e != ERR_NOT_FOUND) return e;
	}
	e = key_make(a, &l, f, &key);
	if (e) return e;
	ret->text = aas_link_write(a, &l);
	if (!ret->text.p) return id__no_memory(f);
	if (ret->text.n > ID_TEXT_MAX)
		return flaw_set(f, ERR_BAD_ID, text.n, "value", "too-long",
				"an asset link has at most %d octets, written compactly", ID_TEXT_MAX);
	return id__key_fit(a, key, ret) ? id__no_memory(f) : ERR_OK;
}

static size_t boundaries(struct str key, size_t *ret)
{
	return id__ends(key, 1, END, 1, ret);
}

static struct str print(struct arena *a, struct str key)
{
	struct str body = str_skip(key, 1);
	size_t end = str_find(body, END);
	if (!body.n) return arena_dup(a, MARK);
	if (end == body.n) return STR_NONE;
	struct aas_link l = {str_first(body, end), str_skip(body, end + 1)};
	if (l.value.n) return aas_link_write(a, &l);
	l.value = STR_NONE;
	return id__link_write(a, &l, " ,"); /* lists of prefixes are split there */
}

static enum err prefix_parse(struct arena *a, struct str text, struct flaw *f, struct id_prefix *ret)
{
	static const char all[] = {ID_AAS};
	struct id__link l;
	ret->key = str_n(all, 1);
	if (!str_eq_nocase(text, MARK)) {
		enum err e = id__link_read(a, text, true, f, &l);
		if (e) return e;
		if (l.link.value.p)
			return flaw_set(f, ERR_BAD_ID, l.value_at, "value", "prefix-only",
					"a prefix has the name alone");
		l.link.value = STR("");
		e = key_make(a, &l.link, f, &ret->key);
		if (e) return e;
	}
	ret->text = print(a, ret->key);
	return ret->text.p ? ERR_OK : id__no_memory(f);
}

/* The id of an asset or a shell, as interfaces of AAS write it into paths and queries. */
static void global_parts(struct arena *a, struct str value, struct id_parts *ret)
{
	id__part_text(ret, "identifier", value);
	id__part_text(ret, "base64url_no_padding", aas_id_write(a, value));
}

static void query_part(struct arena *a, const struct aas_link *l, struct id_parts *ret)
{
	struct str json = aas_link_write(a, l);
	if (json.p) id__part_text(ret, "asset_ids_query", base64url_write(a, json));
}

static void alias_parts(struct arena *a, struct str text, struct id_parts *ret)
{
	struct source s;
	struct aas_link l;
	if (source_read(a, text, NULL, &s, &l)) return;
	global_parts(a, l.value, ret);
	query_part(a, &l, ret);
}

static void parts(struct arena *a, struct str text, const struct id *id, struct id_parts *ret)
{
	struct aas_link l;
	(void)text;
	if (aas_link_parse(a, id->text, NULL, &l)) return;
	id__part_text(ret, "name", l.name);
	id__part_text(ret, "value", l.value);
	if (str_eq(l.name, GLOBAL)) global_parts(a, l.value, ret);
	query_part(a, &l, ret);
}

const struct id_scheme_ops id__ops_aas = {
    .scheme = ID_AAS,
    .name = "aas",
    .detect = detect,
    .detect_prefix = detect,
    .parse = parse,
    .prefix_parse = prefix_parse,
    .print = print,
    .boundaries = boundaries,
    .parts = parts,
    .alias_parts = alias_parts,
};
