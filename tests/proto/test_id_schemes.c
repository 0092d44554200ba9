/* Every scheme: forms that name one thing, keys, boundaries, refusals with offset and rule. Cases of our
 * own; those of GS1 and most of Handle are in test_id.c. */
#include "tests/proto/id_cases.h"

#include "base/buf.h"

/* All texts, up to NULL, name what the first is printed as. */
static void same(struct arena *a, enum id_scheme s, const char *const *texts)
{
	struct id first = parsed(a, texts[0]);
	assert_int_equal(first.scheme, s);
	assert_str(first.text, texts[0]);
	stable(a, first);
	for (size_t i = 1; texts[i]; i++) {
		struct id id = parsed(a, texts[i]);
		if (!str_eq(id.key, first.key) || !str_eq(id.text, first.text))
			fail_msg("%s prints %.*s", texts[i], STR_ARG(id.text));
	}
}

#define SAME(a, s, ...) same(a, s, (const char *const[]){__VA_ARGS__, NULL})

/* The boundaries of the text print as exactly these, and each is read as the same prefix. */
static void bounded(struct arena *a, const char *text, const char *const *prefixes)
{
	struct id id = parsed(a, text);
	size_t b[ID_BOUNDARIES_MAX], n = id_boundaries(&id, b), i = 0;
	for (; prefixes[i]; i++) {
		struct id_prefix p = prefixed(a, prefixes[i]), back;
		if (i == n || !str_eq(p.key, str_first(id.key, b[i])))
			fail_msg("%s: no boundary %s", text, prefixes[i]);
		assert_int_equal(p.scheme, id.scheme);
		assert_str(p.text, prefixes[i]);
		assert_true(id_prefix_covers(p.key, id.key));
		assert_int_equal(id_prefix_from_key(a, p.key, NULL, &back), ERR_OK);
		assert_str(back.text, prefixes[i]);
	}
	assert_int_equal(n, i);
}

#define BOUNDED(a, text, ...) bounded(a, text, (const char *const[]){__VA_ARGS__, NULL})

static bool covers(struct arena *a, const char *prefix, const char *text)
{
	return id_prefix_covers(prefixed(a, prefix).key, parsed(a, text).key);
}

static void no_prefix(struct arena *a, const char *text, size_t offset, const char *rule)
{
	struct id_prefix p;
	struct flaw f = {0};
	assert_int_equal(id_prefix_parse(a, str_of(text), &f, &p), ERR_BAD_ID);
	if (strcmp(f.rule, rule) || f.offset != offset)
		fail_msg("%s: rule %s at %zu, not %s at %zu", text, f.rule, f.offset, rule, offset);
}

/* ---- detection -------------------------------------------------------------------------- */

static void one_box_takes_every_form(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum id_scheme scheme;
	} cases[] = {
	    {"88.118.8/JXDY", ID_HANDLE},
	    {"hdl:1.2/x", ID_HANDLE},
	    {"1.2/x", ID_HANDLE},
	    {"info:doi/10.1000/182", ID_HANDLE},
	    {"HTTPS://DOI.org/10.1000/182", ID_HANDLE},
	    {"http://hdl.handle.net/88.1/x", ID_HANDLE},
	    {"id.example.com/1", ID_HANDLE},
	    {"\xe5\x8e\x8b/7", ID_HANDLE},
	    {"1.2.156", ID_OID},
	    {"/2/16/156", ID_OID},
	    {"/iso/member-body", ID_OID},
	    {"urn:oid:1.2", ID_OID},
	    {"oid:/1/2", ID_OID},
	    {"URN:UUID:24953458-7bd0-40b8-888f-3191d8d6af26", ID_URN},
	    {"24953458-7bd0-40b8-888f-3191d8d6af26", ID_URN},
	    {"urn:isbn:9780131103627", ID_URN},
	    {"did:bid:ef:zkD8", ID_DID},
	    {"E=10036123", ID_ECODE},
	    {"https://www.iotroot.com/E=10036123", ID_ECODE},
	    {"https://example.com/P-100", ID_IEC61406},
	    {"https://example.com/01/", ID_IEC61406},
	    {"https://example.com/p?x=/01/09506000134352", ID_IEC61406},
	    {"http:x", ID_IEC61406},
	    {"https://example.com/a/01/09506000134352", ID_GS1},
	    {"https://example.com/2024/01/15", ID_GS1},
	    {"https://id.gs1.org/CxFKk4XB0MpZyemo", ID_GS1},
	    {"(01)09506000134352", ID_GS1},
	    {"/01/09506000134352", ID_GS1},
	    {"010950600013435210A/B", ID_GS1},
	    {"00395241045750040793", ID_GS1},
	    {"0109506000134353/x", ID_HANDLE},
	    {"hdl:0109506000134352/x", ID_HANDLE},
	    {"gs1:01/09506000134352", ID_GS1},
	    {"{\"name\":\"x\"", ID_AAS},
	    {"eyJuYW1lIjoieCJ9", ID_AAS},
	    {"aas:YQ", ID_AAS},
	    {"coap://example.com/a", ID_URI},
	    {"tag:example.com,2005:a/b", ID_URI},
	    {"mailto:a@example.com", ID_URI},
	    {"88.118.8", ID_NONE},
	    {"10.1000", ID_NONE},
	    {"1000012345678901234567890", ID_NONE},
	    {"3.1", ID_NONE},
	    {"eyJ", ID_NONE},
	    {"pump 7", ID_NONE},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (id_detect(str_of(cases[i].text)) != cases[i].scheme)
			fail_msg("%s is taken for \"%s\"", cases[i].text,
				 id_scheme_name(id_detect(str_of(cases[i].text))));
}

/* ---- Handle ----------------------------------------------------------------------------- */

static void dois_are_handles_without_case(void **state)
{
	SAME(*state, ID_HANDLE, "10.1000/ABC<1>", "10.1000/abc<1>", "doi:10.1000/Abc<1>",
	     "info:doi/10.1000/abc%3c1%3e", "https://doi.org/10.1000/abc%3C1%3E?noredirect#x",
	     "http://dx.doi.org/10.1000/aBC<1>", "https://hdl.handle.net/10.1000/aBC%3C1>",
	     "hdl:10.1000/abc<1>", "info:hdl/10.1000/abc%3C1%3E");
	/* other prefixes that begin with the same digits keep the case of their suffixes */
	assert_str(parsed(*state, "100.1/a").text, "100.1/a");
	assert_str(parsed(*state, "20.10.1/a").text, "20.10.1/a");
	assert_str(parsed(*state, "hdl:https://doi.org/10.1/a").text, "hdl:HTTPS://doi.org/10.1/a");
	refused(*state, "doi:88.118/x", 4, "doi-prefix");
	refused(*state, "https://doi.org/100.1/x", 16, "doi-prefix");
	refused(*state, "https://doi.org/10.1/%zz", 21, "percent-encoding");
	refused(*state, "https://doi.org/10.1/a%00", 22, "control");
	refused(*state, "https://doi.org/10%2e%2e1/a", 21, "empty-label");
	no_prefix(*state, "doi:", 4, "no-prefix");
	assert_str(prefixed(*state, "doi:10.1000").text, "10.1000");
}

/* It keeps its mark, and above it digits are its prefixes still. */
static void a_handle_that_looks_like_a_barcode_is_one(void **state)
{
	struct id id = parsed(*state, "hdl:0109506000134352/x");
	assert_str(id.text, "hdl:0109506000134352/x");
	stable(*state, id);
	struct id_prefix p = prefixed(*state, "0109506000134352");
	assert_int_equal(p.scheme, ID_HANDLE);
	assert_true(id_prefix_covers(p.key, id.key));
	assert_str(parsed(*state, "0109506000134353/x").text, "0109506000134353/x");
}

static void a_prefix_of_handles_has_no_lookalike(void **state)
{
	refused(*state, "88.11\xd0\xbe.8/x", 5, "prefix-characters"); /* CYRILLIC O */
	refused(*state,
		"hdl:\xef\xbc\x98"
		"8.118/x",
		4, "prefix-characters"); /* FULLWIDTH 8 */
	no_prefix(*state, "88.\xd1\x81", 3, "prefix-characters");
	refused(*state, "\xe5\x8e\x8b/7", 0, "prefix-characters");
}

static void parts_of_a_handle(void **state)
{
	struct id id = parsed(*state, "88.118.8/a/b");
	struct str text = id.text;
	assert_str(part(*state, text, &id, "prefix"), "88.118.8");
	assert_str(part(*state, text, &id, "suffix"), "a/b");
	assert_str(part(*state, text, &id, "zero_na"), "0.NA/88.118.8");
	assert_str(part(*state, text, &id, "secondary"), "88.118");
	id = parsed(*state, "86.709/cc");
	assert_str(part(*state, id.text, &id, "country"), "86");
	assert_null(part(*state, id.text, &id, "enterprise").p);
	id = parsed(*state, "20.500/x");
	assert_null(part(*state, id.text, &id, "country").p);
	id = parsed(*state, "hdl:8004/abc");
	assert_str(part(*state, id.text, &id, "prefix"), "8004");
}

/* ---- Unicode ---------------------------------------------------------------------------- */

static void text_is_nfc_and_seen(void **state)
{
	assert_str(parsed(*state, "88.8/\xc3\xa9").text, "88.8/\xc3\xa9");
	refused(*state, "88.8/xe\xcc\x81", 6, "not-nfc");
	refused(*state, "88.8/\xe2\x84\xab", 5, "not-nfc");              /* ANGSTROM SIGN */
	refused(*state, "88.8/\xe1\x84\x80\xe1\x85\xa1", 5, "not-nfc");  /* Hangul in pieces */
	refused(*state, "88.8/q\xcc\x87\xcc\xa3", 6, "not-nfc");         /* marks in the wrong order */
	refused(*state, "88.8/a\xe2\x80\x8b", 6, "unsafe-character");    /* ZERO WIDTH SPACE */
	refused(*state, "88.8/a\xe2\x80\x8d", 6, "unsafe-character");    /* ZERO WIDTH JOINER */
	refused(*state, "88.8/\xef\xbb\xbfx", 5, "unsafe-character");    /* BOM */
	refused(*state, "88.8/\xc2\xad", 5, "unsafe-character");         /* SOFT HYPHEN */
	refused(*state, "88.8/a\xef\xb8\x8f", 6, "unsafe-character");    /* VARIATION SELECTOR */
	refused(*state, "88.8/\xf3\xa0\x81\x81", 5, "unsafe-character"); /* TAG */
	refused(*state, "88.8/\xef\xbf\xbf", 5, "unsafe-character");     /* noncharacter */
	refused(*state, "88.8/\xe2\x81\xa6", 5, "unsafe-character");     /* LEFT-TO-RIGHT ISOLATE */
	refused(*state, "https://a/%E2%80%AE", 10, "unsafe-character");
	refused(*state, "https://a/x%65%CC%81", 11, "not-nfc");
	refused(*state, "https://a/%FF%0A", 13, "control");
	refused(*state, "urn:example:a%7f", 13, "control");
	refused(*state, "did:example:a%00", 13, "control");
	assert_str(parsed(*state, "https://a/%c4%e3").text, "https://a/%C4%E3"); /* GBK */
	assert_int_equal(id_columns(STR("a\xe4\xb8\xad\xe2\x80\xa6")), 4);
}

static void long_text_that_is_not_nfc_is_refused_in_bounded_memory(void **state)
{
	char *p = arena_bytes(*state, ID_TEXT_MAX);
	struct id id;
	struct flaw f;
	memcpy(p, "88.8/x", 6);
	for (size_t i = 6; i + 2 <= ID_TEXT_MAX; i += 2) memcpy(p + i, i % 4 ? "\xcc\x81" : "\xcc\xa3", 2);
	assert_int_equal(id_parse(*state, str_n(p, ID_TEXT_MAX), &f, &id), ERR_BAD_ID);
	assert_string_equal(f.rule, "not-nfc");
}

/* ---- OID -------------------------------------------------------------------------------- */

static void forms_of_an_oid(void **state)
{
	SAME(*state, ID_OID, "2.16.156.101818", "urn:oid:2.16.156.101818", "URN:OID:2.16.156.101818",
	     "oid:2.16.156.101818", "/2/16/156/101818", "oid:/2/16/156/101818",
	     "/Joint-ISO-ITU-T/16/156/101818", "oid:/joint-iso-itu-t/Country/156/101818",
	     "/Country/156/101818", "/Country/CN/101818");
	SAME(*state, ID_OID, "2.41", "/BIP", "oid:/BIP", "/2/41");
	SAME(*state, ID_OID, "1.2.156.3001", "/ISO/Member-Body/156/3001");
	assert_str(parsed(*state, "1.2.156").key, "\x03"
						  "1.2.156.");
	/* arcs are no machine numbers */
	SAME(*state, ID_OID, "2.25.340282366920938463463374607431768211455999999",
	     "/UUID/340282366920938463463374607431768211455999999");
	SAME(*state, ID_OID, "2.48.0", "2.48.0");
}

static void oids_are_refused_with_rule_and_offset(void **state)
{
	refused_as(*state, ID_OID, "3.1", 0, "root-arc");
	refused_as(*state, ID_OID, "10.1", 0, "root-arc");
	refused_as(*state, ID_OID, "1", 1, "too-few-arcs");
	refused(*state, "urn:oid:1", 9, "too-few-arcs");
	refused(*state, "1.40", 2, "second-arc");
	refused(*state, "0.100", 2, "second-arc");
	refused(*state, "/1/40/3", 3, "second-arc");
	refused(*state, "1.2.", 4, "empty-arc");
	refused(*state, "1..2", 2, "empty-arc");
	refused(*state, "/2/16/", 6, "empty-arc");
	refused(*state, "1.2.01", 4, "leading-zero");
	refused(*state, "oid:1.2.x", 8, "arc");
	refused(*state, "/2/16/Nowhere", 6, "label");
	refused(*state, "oid:/Nobody/1", 5, "label");
	refused(*state, "urn:oid:", 8, "empty-arc");
}

static void an_oid_covers_what_is_below_it(void **state)
{
	BOUNDED(*state, "1.2.156.3001", "urn:oid:", "urn:oid:1", "1.2", "1.2.156", "1.2.156.3001");
	assert_true(covers(*state, "1.2.156.3001", "1.2.156.3001.1.7"));
	assert_true(covers(*state, "/1/2/156", "1.2.156.3001"));
	assert_false(covers(*state, "1.2.156.300", "1.2.156.3001"));
	assert_str(prefixed(*state, "hdl:1.2").text, "hdl:1.2");
	assert_int_equal(prefixed(*state, "1").scheme, ID_HANDLE);
}

static void an_oid_has_any_number_of_arcs_and_32_boundaries(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct id id, back;
	size_t at[ID_BOUNDARIES_MAX];
	struct id_prefix p;
	struct flaw f;
	buf_byte(&b, '2');
	while (b.n + 4 <= ID_TEXT_MAX) buf_printf(&b, ".%zu", b.n % 900 + 100);
	assert_int_equal(id_parse(*state, buf_str(&b), NULL, &id), ERR_OK);
	assert_true(id.hashed && str_eq(id.text, buf_str(&b)));
	assert_int_equal(id_boundaries(&id, at), 1 + 32);
	stable(*state, id);
	assert_int_equal(id_prefix_from_key(*state, str_first(id.key, at[32]), NULL, &p), ERR_OK);
	assert_int_equal(id_parse(*state, p.text, NULL, &back), ERR_OK);
	struct str deeper = arena_printf(*state, "%.*s.1", STR_ARG(p.text));
	assert_int_equal(id_prefix_parse(*state, deeper, &f, &p), ERR_BAD_ID);
	assert_string_equal(f.rule, "prefix-too-long");
	buf_printf(&b, ".1");
	while (b.n <= ID_TEXT_MAX) buf_byte(&b, '1');
	assert_int_equal(id_parse(*state, buf_str(&b), &f, &id), ERR_BAD_ID);
	assert_string_equal(f.rule, "too-long");
	buf_done(&b);
}

static void an_ors_name_is_told_only_when_it_is_one(void **state)
{
	struct id id = parsed(*state, "1.2.156");
	assert_str(part(*state, id.text, &id, "ors_fqdn"), "156.2.1.oid-res.org.");
	struct str label = arena_printf(*state, "2.25.1%063d", 0),
		   name = arena_printf(*state, "1.2%0120d", 0);
	assert_int_equal(id_parse(*state, label, NULL, &id), ERR_OK);
	assert_null(part(*state, id.text, &id, "ors_fqdn").p);
	assert_int_equal(id_parse_as(ID_OID, *state, name, NULL, &id), ERR_BAD_ID);
}

/* ---- Ecode ------------------------------------------------------------------------------ */

static void forms_of_an_ecode(void **state)
{
	SAME(*state, ID_ECODE, "E=1003612345", "ecode:1003612345", "e=1003612345",
	     "https://www.iotroot.com/E=1003612345", "HTTP://iotroot.com/e=1003612345");
	SAME(*state, ID_ECODE, "E=400020\xe9\x98\x80/7", "https://iotroot.com/E=400020%E9%98%80%2F7");
	BOUNDED(*state, "E=1003612345", "E=", "E=1", "E=10036");
	BOUNDED(*state, "E=300020A1z", "E=", "E=3", "E=300020");
	assert_true(covers(*state, "E=10036", "E=100361"));
	assert_false(covers(*state, "E=10036", "E=100371"));
	refused(*state, "E=", 2, "version");
	refused(*state, "E=01234", 2, "version");
	refused(*state, "E=5000012", 2, "version");
	refused(*state, "E=100A0123", 5, "nsi");
	refused(*state, "E=100", 5, "nsi");
	refused(*state, "E=10036", 7, "no-md");
	refused(*state, "E=10000123456789012345678901", 27, "too-long");
	refused(*state, "E=1003612A", 9, "characters");
	refused(*state, "E=30002012-", 10, "characters");
	refused(*state, "E=400020e\xcc\x81", 8, "not-nfc");
	refused(*state, "https://iotroot.com/E=400020%0A", 28, "control");
	no_prefix(*state, "E=100361", 7, "prefix-only");
	no_prefix(*state, "E=100", 5, "nsi");
	no_prefix(*state, "E=9", 2, "version");
}

/* ---- DID -------------------------------------------------------------------------------- */

static void dids_are_checked_by_their_method(void **state)
{
	SAME(*state, ID_DID, "did:web:example.com%3A3000:user", "did:web:example.com%3a3000:user");
	SAME(*state, ID_DID, "did:bid:ef:zkD8", "did:bid:ef:zkD8");
	assert_str(parsed(*state, "did:web:example.com").key, "\x05web:example.com:");
	refused(*state, "DID:web:example.com", 0, "did-scheme");
	refused(*state, "did:Web:example.com", 4, "method");
	refused(*state, "did:web", 7, "no-identifier");
	refused(*state, "did:", 4, "method");
	refused(*state, "did:web:", 8, "empty-part");
	refused(*state, "did:ex:a::b", 9, "empty-part");
	refused(*state, "did:web:exa mple.com", 11, "did-characters");
	refused(*state, "did:web:\xd0\xb0.com", 8, "did-characters"); /* CYRILLIC A */
	refused(*state, "did:web:Example.com", 8, "host");
	refused(*state, "did:web:example.com%3A0", 19, "port");
	refused(*state, "did:web:example.com:..", 20, "segment");
	refused(*state, "did:web:example.com#key-1", 19, "did-url");
	refused(*state, "did:web:example.com?versionId=1", 19, "did-url");
	refused(*state, "did:ex:a%2", 8, "percent-encoding");
	refused(*state, "did:key:z", 9, "multicodec");
	refused(*state, "did:key:6Mkf5", 8, "multibase");
	refused(*state, "did:key:z6Mkf5rGMoatrSj1f4CyvuHBeXJELe9RPdzo2PKGNCKVtZx0", 55, "base58");
	refused(*state, "did:key:z2DQUyFVAEfvDjYRPtvHSJtztMsCSrYpntBE51RxhhkqQhb", 9, "key-length");
	/* a key of another kind (secp256k1), from the method's specification */
	struct id id = parsed(*state, "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme");
	assert_str(part(*state, id.text, &id, "codec"), "secp256k1-pub");
}

static void a_did_covers_what_goes_on_from_it(void **state)
{
	BOUNDED(*state, "did:web:example.com:user", "did:", "did:web", "did:web:example.com",
		"did:web:example.com:user");
	assert_true(covers(*state, "did:web:example.com", "did:web:example.com:user:alice"));
	assert_true(covers(*state, "did:web:example.com", "did:web:example.com"));
	assert_false(covers(*state, "did:web:example.com", "did:web:example.community"));
	assert_true(covers(*state, "did:web:", "did:web:example.com"));
	assert_str(prefixed(*state, "did:web:").text, "did:web");
	no_prefix(*state, "did:web:Example.com", 8, "host");
}

/* ---- links and URIs --------------------------------------------------------------------- */

static void links_have_one_form(void **state)
{
	SAME(*state, ID_IEC61406, "https://example.com/~p/a%2Fb?s=1#x",
	     "HTTPS://Example.COM:443/%7ep/a%2fb?s=1#x");
	SAME(*state, ID_IEC61406, "http://example.com/", "http://example.com", "HTTP://example.com:80",
	     "http://example.com:80/");
	SAME(*state, ID_IEC61406, "http://example.com:8080/?a", "http://example.com:8080?a");
	SAME(*state, ID_IEC61406, "http://[2001:db8::1]:8080/a", "http://[2001:DB8::1]:8080/a");
	/* what is asked of a host is not what another asks, nor is clear text what TLS is */
	assert_false(str_eq(parsed(*state, "http://a/x").key, parsed(*state, "https://a/x").key));
	assert_false(str_eq(parsed(*state, "https://a/x").key, parsed(*state, "https://a/X").key));
	refused(*state, "https:///x", 8, "no-host");
	refused(*state, "https:/x", 6, "no-host");
	refused(*state, "https://user@example.com/", 12, "user-information");
	refused(*state, "https://example.com/a b", 21, "uri-character");
	refused(*state, "https://example.com/\xe4\xb8\xad", 20, "uri-character");
	refused(*state, "https://ex%61mple.com/", 10, "host-character");
	refused(*state, "https://example..com/", 16, "empty-label");
	refused(*state, "https://example.com:0/", 20, "port");
	refused(*state, "https://example.com:65536/", 20, "port");
	refused(*state, "https://[::1/", 12, "host-character");
	refused(*state, "https://example.com/a/../b", 22, "dot-segment");
	refused(*state, "https://example.com/a/%2E%2e/b", 22, "dot-segment");
	refused(*state, "https://example.com/a/.", 22, "dot-segment");
	refused(*state, "https://example.com/a[1]", 21, "uri-character");
	refused(*state, "https://example.com/a#b#c", 23, "uri-character");
	refused(*state, "https://example.com/%4", 20, "percent-encoding");
	refused_as(*state, ID_IEC61406, "coap://example.com/", 0, "uri-scheme");
	assert_str(parsed(*state, "https://example.com/a/...").text, "https://example.com/a/...");
}

static void a_link_that_looks_like_another_keeps_its_mark(void **state)
{
	static const char *const links[] = {"https://example.com/2024/01/15", "https://doi.org/10.1/x",
					    "https://id.gs1.org/x", "http://iotroot.com/E=1"};
	for (size_t i = 0; i < 4; i++) {
		struct id id, again;
		struct str marked = arena_printf(*state, "iec61406:%s", links[i]);
		assert_int_equal(id_parse_as(ID_IEC61406, *state, str_of(links[i]), NULL, &id), ERR_OK);
		assert_true(str_eq(id.text, marked));
		assert_int_equal(id_parse(*state, marked, NULL, &again), ERR_OK);
		assert_true(str_eq(again.key, id.key));
		assert_str(part(*state, id.text, &id, "link"), links[i]);
		stable(*state, id);
	}
	BOUNDED(*state, "iec61406:https://example.com/2024/01/15/x", "iec61406:", "https://example.com/",
		"https://example.com/2024/", "https://example.com/2024/01/",
		"iec61406:https://example.com/2024/01/15/");
}

static void a_link_is_under_its_host_and_folders(void **state)
{
	BOUNDED(*state, "https://example.com/p/7?a/b", "iec61406:", "https://example.com/",
		"https://example.com/p/");
	assert_true(covers(*state, "https://example.com", "https://example.com/x"));
	assert_false(covers(*state, "https://example.com", "https://example.com.cn/x"));
	assert_false(covers(*state, "https://example.com", "https://example.com:8443/x"));
	no_prefix(*state, "https://example.com/x", 21, "boundary");
	no_prefix(*state, "https://example.com/?x/", 23, "boundary");
}

static void plain_uris(void **state)
{
	SAME(*state, ID_URI, "coap://example.com/ab", "COAP://Example.com/%61b");
	SAME(*state, ID_URI, "tag:example.com,2005:a/b", "TAG:example.com,2005:a/b");
	BOUNDED(*state, "coap://example.com/a/b", "uri:", "coap:", "coap://example.com/",
		"coap://example.com/a/");
	BOUNDED(*state, "mailto:a@example.com", "uri:", "mailto:");
	refused_as(*state, ID_URI, "https://example.com/", 0, "other-scheme");
	refused_as(*state, ID_URI, "did:web:example.com", 0, "other-scheme");
	refused_as(*state, ID_URI, "88.118/x", 0, "uri-scheme");
	refused(*state, "uri:x", 0, "uri-scheme");
	refused(*state, "tag:", 4, "no-path");
	refused(*state, "a:b c", 3, "uri-character");
	no_prefix(*state, "coap://example.com/a", 20, "boundary");
}

/* ---- URN -------------------------------------------------------------------------------- */

static void urns_and_uuids(void **state)
{
	SAME(*state, ID_URN, "urn:uuid:24953458-7bd0-40b8-888f-3191d8d6af26",
	     "URN:UUID:24953458-7BD0-40B8-888F-3191D8D6AF26", "24953458-7bd0-40b8-888f-3191d8d6af26",
	     "24953458-7BD0-40b8-888f-3191d8d6af26");
	/* the examples of RFC 8141 3.2 */
	SAME(*state, ID_URN, "urn:example:a123,z456", "URN:example:a123,z456", "urn:EXAMPLE:a123,z456",
	     "urn:example:a123,z456?+abc", "urn:example:a123,z456?=xyz", "urn:example:a123,z456#789");
	SAME(*state, ID_URN, "urn:example:a123%2Cz456", "URN:EXAMPLE:a123%2cz456");
	assert_false(str_eq(parsed(*state, "urn:example:a123%2Cz456").key,
			    parsed(*state, "urn:example:a123,z456").key));
	assert_false(str_eq(parsed(*state, "urn:example:A123,z456").key,
			    parsed(*state, "urn:example:a123,z456").key));
	BOUNDED(*state, "urn:uuid:24953458-7bd0-40b8-888f-3191d8d6af26", "urn:", "urn:uuid:");
	BOUNDED(*state, "urn:epc:id:sgtin:0614141.1.4",
		"urn:", "urn:epc:", "urn:epc:id:", "urn:epc:id:sgtin:");
	struct id id = parsed(*state, "urn:uuid:24953458-7bd0-40b8-888f-3191d8d6af26");
	assert_str(part(*state, id.text, &id, "nss"), "24953458-7bd0-40b8-888f-3191d8d6af26");
	refused(*state, "urn:uuid:24953458-7bd0-40b8-888f-3191d8d6af2g", 44, "uuid");
	refused(*state, "urn:uuid:24953458-7bd0-40b8-888f", 32, "uuid");
	refused(*state, "urn:uuid:", 9, "no-identifier");
	refused(*state, "urn:a:b", 5, "namespace");
	refused(*state, "urn:-ab:c", 4, "namespace");
	refused(*state, "urn:example", 11, "namespace");
	refused(*state, "urn:example:/a", 12, "urn-characters");
	refused(*state, "urn:example:a b", 13, "urn-characters");
	refused(*state, "urn:example:a?b", 13, "urn-component");
	refused_as(*state, ID_URN, "urn:oid:1.2", 4, "other-scheme");
	refused_as(*state, ID_URN, "uuid", 0, "urn");
	no_prefix(*state, "urn:uuid", 8, "namespace");
	no_prefix(*state, "urn:epc:id", 10, "boundary");
	no_prefix(*state, "urn:uuid:24953458:", 18, "boundary");
}

/* ---- AAS -------------------------------------------------------------------------------- */

static void asset_links(void **state)
{
	SAME(*state, ID_AAS, "{\"name\":\"serialNumber\",\"value\":\"SN \\\"1\\\"\"}",
	     "{ \"value\" : \"SN \\u00221\\\"\",\n\"name\":\"serial\\u004eumber\" }",
	     "eyJuYW1lIjoic2VyaWFsTnVtYmVyIiwidmFsdWUiOiJTTiBcIjFcIiJ9");
	SAME(*state, ID_AAS, "{\"name\":\"x\",\"value\":\"\xf0\x9f\x94\xa7\"}",
	     "{\"name\":\"x\",\"value\":\"\\ud83d\\udd27\"}");
	BOUNDED(*state, "{\"name\":\"serialNumber\",\"value\":\"7\"}",
		"aas:", "{\"name\":\"serialNumber\"}");
	BOUNDED(*state, "{\"name\":\"a, b\",\"value\":\"7\"}", "aas:", "{\"name\":\"a\\u002c\\u0020b\"}");
	refused(*state, "{", 1, "asset-link");
	refused(*state, "{\"name\":\"x\"}", 12, "asset-link");
	refused(*state, "{\"name\":\"x\",\"value\":7}", 20, "asset-link");
	refused(*state, "{\"name\":\"x\",\"name\":\"y\"}", 13, "asset-link");
	refused(*state, "{\"name\":\"x\",\"semanticId\":\"y\"}", 13, "asset-link");
	refused(*state, "{\"name\":\"\",\"value\":\"y\"}", 9, "asset-link");
	refused(*state, "{\"name\":\"x\",\"value\":\"y\"}z", 24, "asset-link");
	refused(*state, "{\"name\":\"x\",\"value\":\"\\ud83d\"}", 21, "asset-link");
	refused(*state, "{\"name\":\"x\",\"value\":\"ab\\u0007\"}", 23, "control");
	refused(*state, "{\"name\":\"x\",\"value\":\"\\u0065\\u0301\"}", 21, "not-nfc");
	refused(*state, "{\"name\":\"s\xd0\xb5rial\",\"value\":\"7\"}", 10,
		"mixed-script"); /* CYRILLIC IE */
	assert_str(parsed(*state, "{\"name\":\"\xd1\x81\xd0\xb5\xd1\x80\",\"value\":\"7\"}").text,
		   "{\"name\":\"\xd1\x81\xd0\xb5\xd1\x80\",\"value\":\"7\"}");
	no_prefix(*state, "{\"name\":\"x\",\"value\":\"y\"}", 21, "prefix-only");
}

static void a_global_asset_id_is_what_it_names(void **state)
{
	SAME(*state, ID_HANDLE, "88.118.8/SN-000123", "aas:ODguMTE4LjgvU04tMDAwMTIz",
	     "{\"name\":\"globalAssetId\",\"value\":\"88.118.8/SN-000123\"}");
	SAME(*state, ID_GS1, "https://id.gs1.org/01/09506000134352",
	     "{\"name\":\"globalAssetId\",\"value\":\"(01)09506000134352\"}");
	SAME(*state, ID_IEC61406, "https://example.com/x", "aas:aHR0cHM6Ly9leGFtcGxlLmNvbS94");
	/* no identifier of another scheme: its own, also with a slash */
	SAME(*state, ID_AAS, "{\"name\":\"globalAssetId\",\"value\":\"a\"}", "aas:YQ");
	SAME(*state, ID_AAS, "{\"name\":\"globalAssetId\",\"value\":\"\xe5\x8e\x8b/7\"}", "aas:5Y6LLzc");
	SAME(*state, ID_AAS, "{\"name\":\"globalAssetId\",\"value\":\"aas:YQ\"}", "aas:YWFzOllR");
	/* claimed for sure and refused: refused, with the offset in what was given */
	refused(*state, "{\"name\":\"globalAssetId\",\"value\":\"(01)09506000134353\"}", 50, "check-digit");
	refused(*state, "{\"name\":\"globalAssetId\",\"value\":\"d\\u0069d:Ex:x\"}", 42, "method");
	refused(*state, "aas:dXJuOnV1aWQ6MQ", 17, "uuid"); /* urn:uuid:1 */
	refused(*state, "aas:YQ==", 6, "base64url");
	refused(*state, "aas:YR", 6, "base64url");
}

static void a_full_arena_is_said(void **state)
{
	(void)state;
	static const char *const texts[] = {"https://doi.org/10.1000/%41",
					    "88.8/\xc3\xa9",
					    "/ISO/Member-Body/156",
					    "24953458-7bd0-40b8-888f-3191d8d6af26",
					    "urn:example:%C3%A9",
					    "did:key:z6Mkf5rGMoatrSj1f4CyvuHBeXJELe9RPdzo2PKGNCKVtZxP",
					    "did:web:example.com%3A80",
					    "https://iotroot.com/E=400020%C3%A9",
					    "iec61406:https://id.gs1.org/x%C3%A9",
					    "coap://example.com/%C3%A9",
					    "{\"name\":\"x\",\"value\":\"\\u00e9\"}",
					    "aas:ODguMTE4LjgvU04tMDAwMTIz"};
	for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
		enum err e = ERR_NO_MEMORY;
		for (size_t cap = 1; e; cap += 3) {
			struct arena *a = arena_new(cap);
			struct id id = {0};
			struct id_parts parts = {.n = 0};
			struct flaw f = {0};
			e = id_parse(a, str_of(texts[t]), &f, &id);
			if (e) assert_null(id.text.p);
			if (!e) e = id_explain(a, str_of(texts[t]), &id, &f, &parts);
			if (e && e != ERR_NO_MEMORY) fail_msg("%s: %s", texts[t], f.text);
			if (e) assert_int_equal(parts.n, 0);
			arena_free(a);
			assert_true(cap < 8192);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(one_box_takes_every_form),
	    CASE(dois_are_handles_without_case),
	    CASE(a_prefix_of_handles_has_no_lookalike),
	    CASE(a_handle_that_looks_like_a_barcode_is_one),
	    CASE(parts_of_a_handle),
	    CASE(text_is_nfc_and_seen),
	    CASE(long_text_that_is_not_nfc_is_refused_in_bounded_memory),
	    CASE(forms_of_an_oid),
	    CASE(oids_are_refused_with_rule_and_offset),
	    CASE(an_oid_covers_what_is_below_it),
	    CASE(an_oid_has_any_number_of_arcs_and_32_boundaries),
	    CASE(an_ors_name_is_told_only_when_it_is_one),
	    CASE(forms_of_an_ecode),
	    CASE(dids_are_checked_by_their_method),
	    CASE(a_did_covers_what_goes_on_from_it),
	    CASE(links_have_one_form),
	    CASE(a_link_that_looks_like_another_keeps_its_mark),
	    CASE(a_link_is_under_its_host_and_folders),
	    CASE(plain_uris),
	    CASE(urns_and_uuids),
	    CASE(asset_links),
	    CASE(a_global_asset_id_is_what_it_names),
	    CASE(a_full_arena_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
