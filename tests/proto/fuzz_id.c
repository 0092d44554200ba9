/* Identifiers: any text in any role; what is accepted prints and parses to itself, and every boundary
 * of its key is a prefix that covers it; every other form that is told of it is read as it. */
#include "proto/id/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void boundaries_hold(struct arena *a, const struct id *id)
{
	size_t b[ID_BOUNDARIES_MAX], n = id_boundaries(id, b);
	must(n > 0 && b[0] == 1);
	for (size_t i = 0; i < n; i++) {
		struct id_prefix p, again;
		must(b[i] <= id->key.n && (i == 0 || b[i] > b[i - 1]));
		must(!id_prefix_from_key(a, str_first(id->key, b[i]), NULL, &p));
		must(id_prefix_covers(p.key, id->key) && p.key.n == b[i]);
		must(!id_prefix_parse(a, p.text, NULL, &again) && str_eq(again.key, p.key));
	}
}

static void id_holds(struct arena *a, const struct id *id)
{
	struct id again;
	must(id->key.n <= ID_KEY_MAX && id->key.p[0] == (char)id->scheme);
	must(!id_parse(a, id->text, NULL, &again));
	must(str_eq(again.text, id->text) && str_eq(again.key, id->key));
	boundaries_hold(a, id);
	enum err e = id_from_key(a, id->key, NULL, &again);
	must(id->hashed ? e == ERR_UNSUPPORTED : !e && str_eq(again.text, id->text));
}

/* Elements outside of a link do not say which of two qualifiers that exclude each other was an attribute.
 */
static bool says_less(const char *form, const struct flaw *f)
{
	return (!strcmp(form, "element_string") || !strcmp(form, "barcode_message")) &&
	       !strcmp(f->rule, "qualifiers-mixed");
}

static void forms_hold(struct arena *a, const struct id *id, const struct id_parts *parts)
{
	static const char *const forms[] = {"handle",
					    "oid",
					    "urn",
					    "iri",
					    "did",
					    "link",
					    "compressed",
					    "canonical_uri",
					    "element_string",
					    "barcode_message"};
	for (size_t i = 0; i < parts->n; i++)
		for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
			const struct id_part *p = &parts->part[i];
			struct id again;
			struct flaw f;
			if (strcmp(p->name, forms[k]) != 0 || p->text.n > ID_TEXT_MAX) continue;
			must(p->kind == ID_PART_TEXT);
			if (id_parse_as(id->scheme, a, p->text, &f, &again))
				must(says_less(p->name, &f));
			else
				must(str_eq(again.key, id->key) && again.scheme == id->scheme);
		}
}

/* Read as a scheme's, by its octet. Parts are told of whatever was read, also of an alias. */
static void forced(struct arena *a, enum id_scheme scheme, struct str s)
{
	struct id id;
	struct id_prefix p, again;
	struct id_parts parts;
	struct id_description d;
	struct flaw f = {0};
	enum err e = id_parse_as(scheme, a, s, &f, &id);
	must(!e || (f.err == e && f.rule[0] && (f.offset <= s.n || f.offset == FLAW_NO_OFFSET)));
	if (!e) {
		id_holds(a, &id);
		must(!id_explain(a, s, &id, NULL, &parts) && parts.n <= ID_PARTS_MAX);
	}
	/* what kanhe id tells: also of messages that name no identifier */
	e = id_describe(scheme, a, s, &f, &d);
	must(!e || (f.err == e && f.rule[0] && (f.offset <= s.n || f.offset == FLAW_NO_OFFSET)));
	must(e || d.parts.n <= ID_PARTS_MAX);
	if (!e && d.id.key.n) forms_hold(a, &d.id, &d.parts);
	e = id_prefix_parse_as(scheme, a, s, &f, &p);
	must(!e || (f.err == e && f.rule[0] && (f.offset <= s.n || f.offset == FLAW_NO_OFFSET)));
	if (e) return;
	must(!id_prefix_parse(a, p.text, NULL, &again) && str_eq(again.key, p.key));
	must(!id_prefix_from_key(a, p.key, NULL, &again) && str_eq(again.text, p.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(4 << 20);
	struct str s = str_n(data, n);
	struct id id;
	struct id_prefix p, again;
	struct flaw f = {0};
	must(a);
	enum err e = id_parse(a, s, &f, &id);
	if (!e) id_holds(a, &id);
	must(!e || (f.err == e && (f.offset <= n || f.offset == FLAW_NO_OFFSET)));
#define X(name, octet, text, code, leads) forced(a, ID_##name, s);
	ID_SCHEMES(X)
#undef X
	if (!id_prefix_parse(a, s, NULL, &p)) {
		must(!id_prefix_parse(a, p.text, NULL, &again) && str_eq(again.key, p.key));
		must(!id_prefix_from_key(a, p.key, NULL, &again) && str_eq(again.text, p.text));
	}
	if (!id_prefix_from_key(a, s, NULL, &p)) must(str_eq(p.key, s));
	if (!id_from_key(a, s, NULL, &id)) id_holds(a, &id);
	size_t b[ID_BOUNDARIES_MAX];
	must(id_key_boundaries(s, b) <= ID_BOUNDARIES_MAX);
	arena_free(a);
	return 0;
}
