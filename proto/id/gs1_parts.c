/* What `kanhe id` tells of GS1 messages, under the names that GS1's own test data use. */
#include "proto/id/gs1_parts.h"

#include "proto/id/gs1_ai.h"

enum err gs1__carrier_check(struct arena *a, struct str text, struct flaw *f, bool *ret_nameless)
{
	struct gs1_message m;
	enum err e = gs1_parse(a, text, 0, f, &m);
	/* an element alone is somebody's question about that element; more of them are a carrier, whose
	 * elements must have the company that the dictionary asks for */
	if (!e && m.n > 1) e = gs1_parse(a, text, GS1_WHOLE, f, &m);
	if (e) return e;
	*ret_nameless = m.unlinkable && strcmp(m.unlinkable, "not-an-attribute") != 0;
	return ERR_OK;
}

static void list_elements(struct arena *a, const struct gs1_message *m, struct id_parts *ret)
{
	struct str *list = ARENA_ARRAY(a, struct str, m->n);
	if (!list) return;
	for (size_t i = 0; i < m->n; i++)
		list[i] = arena_printf(a, "(%.*s) %.*s", STR_ARG(m->elements[i].ai),
				       STR_ARG(m->elements[i].value));
	id__part_list(ret, "elements", list, m->n);
}

static void list_ignored(struct arena *a, const struct gs1_message *m, struct id_parts *ret)
{
	struct str *list = ARENA_ARRAY(a, struct str, m->ignored_n + 1);
	if (!list) return;
	for (size_t i = 0; i < m->ignored_n; i++) list[i] = m->ignored[i];
	id__part_list(ret, "ignored_query_params", list, m->ignored_n);
}

/* An element alone is well-formed, and no item carries it so. */
static void warn_of_needs(struct arena *a, struct str text, struct id_parts *ret)
{
	static const struct str warnings[] = {{"missing", 7}};
	struct gs1_message m;
	struct flaw f;
	if (!gs1_parse(a, text, GS1_WHOLE, &f, &m) || strcmp(f.rule, "missing") != 0) return;
	id__part_text(ret, "needs", str_of(gs1_ai_find(str_of(f.at))->needs_text));
	id__part_list(ret, "warnings", warnings, 1);
}

/* Compressed at the root that the text has, of a link; else at that of canonical_uri. */
static void write_compressed(struct arena *a, const struct gs1_message *m, struct id_parts *ret)
{
	struct str s;
	if (!gs1_write_compressed(a, m, STR_NONE, GS1_PACK_OPTIMISED, &s))
		id__part_text(ret, "compressed", s);
	if (!gs1_write_compressed(a, m, m->root, GS1_PACK_OPTIMISED, &s))
		id__part_text(ret, "compressed_optimised", s);
	if (!gs1_write_compressed(a, m, m->root, GS1_PACK_PLAIN, &s))
		id__part_text(ret, "compressed_plain", s);
}

static void write_names(struct arena *a, const struct gs1_message *m, struct id_parts *ret)
{
	struct str s;
	if (!gs1_write_ons(a, m, &s)) id__part_text(ret, "ons_fqdn", s);
	if (!gs1_write_aus(a, m, STR("<lang>"), &s)) id__part_text(ret, "aus", s);
	for (size_t i = 0; i < m->n; i++)
		if (str_is(m->elements[i].ai, "01")) {
			id__part_text(ret, "gtin14", m->elements[i].value);
			return; /* it may be repeated */
		}
}

/* A form that this message does not have is left out. */
static void write_forms(struct arena *a, const struct gs1_message *m, struct id_parts *ret)
{
	struct str s;
	if (!gs1_write_link(a, m, STR_NONE, &s)) id__part_text(ret, "canonical_uri", s);
	if (!gs1_write_bracketed(a, m, &s)) id__part_text(ret, "element_string", s);
	if (!gs1_write_barcode(a, m, '^', &s)) id__part_text(ret, "barcode_message", s);
	list_elements(a, m, ret);
	list_ignored(a, m, ret);
	write_compressed(a, m, ret);
	write_names(a, m, ret);
}

/* The text may be another scheme's that means this identifier: then what it names is told. */
void gs1__parts(struct arena *a, struct str text, const struct id *id, struct id_parts *ret)
{
	struct gs1_message m;
	if (gs1_parse(a, text, 0, NULL, &m) && (!id->text.n || gs1_parse(a, id->text, 0, NULL, &m))) return;
	write_forms(a, &m, ret);
	if (m.n == 1) warn_of_needs(a, text, ret);
}
