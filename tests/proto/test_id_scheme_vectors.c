/* Identifiers of all schemes but GS1 against the shared vectors; the number of cases is printed. */
#include "tests/proto/id_cases.h"

#include "base/text64.h"
#include "proto/id/aas.h"

/* The member of a case, when it has it, is the part of the same name. */
static void part_is(struct arena *a, json_t *c, struct str text, const struct id *id, const char *name)
{
	struct str want = member(c, name), got;
	if (!want.p) return;
	got = part(a, text, id, name);
	if (!str_eq(got, want))
		fail_msg("%.*s: %s is %.*s, not %.*s", STR_ARG(text), name, STR_ARG(got), STR_ARG(want));
}

/* A verdict that binds: true when the case is valid and was parsed. */
static bool verdict(struct str text, enum err e, const struct flaw *f, bool valid)
{
	if ((e == ERR_OK) != valid)
		fail_msg("%.*s: %s", STR_ARG(text), e ? f->text : "taken, though it is not valid");
	if (e) assert_true(f->rule[0] && f->text[0] && f->offset <= text.n);
	return valid;
}

static bool valid(json_t *c)
{
	return !json_is_false(json_object_get(c, "valid"));
}

/* Each case of a file; `more` is said behind their number. */
static void each_case(struct arena *a, const char *name, const char *more,
		      void (*one)(struct arena *a, json_t *c))
{
	char path[64];
	snprintf(path, sizeof path, "vectors/%s.json", name);
	json_t *j = shared_json(path), *c;
	size_t i, n = 0;
	if (!j) return;
	json_array_foreach(json_object_get(j, "cases"), i, c)
	{
		one(a, c);
		n++;
	}
	printf("%s: %zu cases passed%s\n", name, n, more);
	assert_true(n > 0);
	json_decref(j);
}

static void handle_case(struct arena *a, json_t *c)
{
	static const char *const levels[] = {"country", "secondary", "enterprise", "prefix"};
	static const char *const names[] = {"prefix",    "suffix",     "country",
					    "secondary", "enterprise", "zero_na"};
	struct id id;
	struct flaw f;
	struct str input = member(c, "input");
	if (!verdict(input, id_parse(a, input, &f, &id), &f, valid(c))) return;
	assert_int_equal(id.scheme, ID_HANDLE);
	stable(a, id);
	for (size_t k = 0; k < 6; k++) part_is(a, c, input, &id, names[k]);
	for (size_t k = 0; k < 4; k++) {
		struct id_prefix p;
		struct str level = member(c, levels[k]);
		if (!level.p) continue;
		assert_int_equal(id_prefix_parse(a, level, NULL, &p), ERR_OK);
		assert_true(id_prefix_covers(p.key, id.key));
		assert_true(str_eq(p.text, level));
	}
}

static void handles_of_the_chinese_system(void **state)
{
	each_case(*state, "china/identifier-syntax", "", handle_case);
}

static void doi_case(struct arena *a, json_t *c)
{
	struct id id;
	struct flaw f;
	struct str input = member(c, "input");
	if (!verdict(input, id_parse(a, input, &f, &id), &f, valid(c))) return;
	stable(a, id);
	assert_true(str_eq(id.text, member(c, "case_insensitive_key")));
	part_is(a, c, input, &id, "handle");
	part_is(a, c, input, &id, "case_insensitive_key");
	part_is(a, c, input, &id, "zero_na");
}

static void doi_names(void **state)
{
	each_case(*state, "doi/doi-names", "", doi_case);
}

static void ors_case(struct arena *a, json_t *c)
{
	struct id id, other;
	struct flaw f;
	struct str oid = member(c, "oid"), forms[] = {member(c, "iri"), member(c, "urn")};
	enum err e = id_parse_as(ID_OID, a, oid, &f, &id);
	if (!verdict(oid, e, &f, valid(c))) {
		assert_int_equal(id_parse(a, oid, NULL, &id), ERR_BAD_ID);
		return;
	}
	assert_int_equal(id_detect(oid), ID_OID);
	stable(a, id);
	part_is(a, c, oid, &id, "ors_fqdn");
	part_is(a, c, oid, &id, "iri");
	part_is(a, c, oid, &id, "urn");
	for (size_t k = 0; k < 2; k++) {
		if (!forms[k].p) continue;
		assert_int_equal(id_parse(a, forms[k], NULL, &other), ERR_OK);
		assert_true(str_eq(other.key, id.key));
	}
}

static void ors_names(void **state)
{
	each_case(*state, "oid/ors-names", "", ors_case);
}

static void did_case(struct arena *a, json_t *c)
{
	static const char *const names[] = {"document_url", "multicodec", "codec", "public_key_hex"};
	struct id id;
	struct flaw f;
	struct str did = member(c, "did");
	if (!verdict(did, id_parse(a, did, &f, &id), &f, valid(c))) return;
	assert_int_equal(id.scheme, ID_DID);
	assert_true(str_eq(id.text, did));
	stable(a, id);
	for (size_t k = 0; k < 4; k++) part_is(a, c, did, &id, names[k]);
}

static void did_names(void **state)
{
	each_case(*state, "did/did-names", "", did_case);
}

/* "valid": null is over the length recommended for a label: a warning, not a refusal. */
static size_t warned;

static void link_case(struct arena *a, json_t *c)
{
	struct id id;
	struct flaw f;
	struct id_parts parts;
	struct str link = member(c, "link");
	enum err e = id_parse_as(ID_IEC61406, a, link, &f, &id);
	if (!verdict(link, e, &f, valid(c))) return;
	assert_int_equal(id_detect(link), ID_IEC61406);
	assert_true(str_eq(id.text, link));
	stable(a, id);
	assert_int_equal(id_explain(a, link, &id, NULL, &parts), ERR_OK);
	const struct id_part *last = &parts.part[parts.n - 1];
	assert_string_equal(last->name, "warnings");
	assert_int_equal(last->list_n, json_is_null(json_object_get(c, "valid")));
	warned += last->list_n;
}

static void identification_links(void **state)
{
	warned = 0;
	each_case(*state, "iec61406/identification-links", "", link_case);
	printf("%zu of them with a warning\n", warned);
}

static void aas_link_case(struct arena *a, json_t *c)
{
	json_t *o = json_object_get(c, "asset_link");
	struct aas_link want = {member(o, "name"), member(o, "value")}, got;
	struct str query = member(c, "asset_ids_query"), json;
	struct id id;
	assert_true(str_eq(base64url_write(a, aas_link_write(a, &want)), query));
	assert_int_equal(base64url_parse(a, query, &json), ERR_OK);
	assert_int_equal(aas_link_parse(a, json, NULL, &got), ERR_OK);
	assert_true(str_eq(got.name, want.name) && str_eq(got.value, want.value));
	assert_int_equal(id_parse(a, query, NULL, &id), ERR_OK);
	assert_int_equal(id.scheme, ID_AAS);
	assert_true(str_eq(id.text, json));
	part_is(a, c, query, &id, "asset_ids_query");
	stable(a, id);
}

static void aas_case(struct arena *a, json_t *c)
{
	struct str text = member(c, "identifier"), encoded = member(c, "base64url_no_padding"), back;
	struct id id, same;
	if (!text.p) {
		aas_link_case(a, c);
		return;
	}
	assert_true(str_eq(aas_id_write(a, text), encoded));
	assert_int_equal(aas_id_parse(a, encoded, NULL, &back), ERR_OK);
	assert_true(str_eq(back, text));
	if (!text.n) return; /* encoded, but no identifier */
	struct str marked = arena_printf(a, "aas:%.*s", STR_ARG(encoded));
	assert_int_equal(id_parse(a, marked, NULL, &id), ERR_OK);
	assert_int_equal(id_parse_as(ID_AAS, a, text, NULL, &same), ERR_OK);
	assert_true(str_eq(id.key, same.key));
	stable(a, id);
}

static void aas_id_encoding(void **state)
{
	each_case(*state, "aas/id-encoding", "", aas_case);
}

/* The file marks itself as of low confidence: it binds nothing, and passing it claims no conformance with
 * GB/T 31866. It is held to here so that a change of our reading is seen. */
static void ecode_case(struct arena *a, json_t *c)
{
	struct id id;
	struct flaw f;
	struct id_parts parts;
	struct str input = member(c, "input");
	enum err e = id_parse_as(ID_ECODE, a, input, &f, &id);
	if (!verdict(input, e, &f, valid(c))) return;
	stable(a, id);
	part_is(a, c, input, &id, "nsi");
	part_is(a, c, input, &id, "md");
	assert_int_equal(id_explain(a, input, &id, NULL, &parts), ERR_OK);
	assert_string_equal(parts.part[0].name, "v");
	assert_int_equal(parts.part[0].number, json_integer_value(json_object_get(c, "v")));
}

static void ecode_structure(void **state)
{
	json_t *j = shared_json("vectors/ecode/ecode-structure.json");
	if (!j) return;
	assert_true(str_is(member(j, "confidence"), "low"));
	json_decref(j);
	each_case(*state, "ecode/ecode-structure", " (low confidence: they bind nothing)", ecode_case);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(handles_of_the_chinese_system),
	    CASE(doi_names),
	    CASE(ors_names),
	    CASE(did_names),
	    CASE(identification_links),
	    CASE(aas_id_encoding),
	    CASE(ecode_structure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
