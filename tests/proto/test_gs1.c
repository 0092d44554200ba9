/* GS1 messages: forms, rules and limits, with cases of our own. The shared vectors are
 * test_gs1_vectors.c's. */
#include "tests/proto/cases.h"

#include "proto/id/gs1.h"

#define GTIN "09506000134352"

static struct gs1_message parsed(struct arena *a, const char *text, unsigned options)
{
	struct gs1_message m;
	struct flaw f = {0};
	if (gs1_parse(a, str_of(text), options, &f, &m))
		fail_msg("%s refused: %s at %zu: %s", text, f.rule, f.offset, f.text);
	return m;
}

static void refused(struct arena *a, const char *text, unsigned options, size_t offset, const char *rule)
{
	struct gs1_message m;
	struct flaw f = {0};
	char *copy = exact(str_of(text));
	enum err e = gs1_parse(a, str_n(copy, strlen(text)), options, &f, &m);
	free(copy);
	if (e != ERR_BAD_ID || strcmp(f.rule, rule) || f.offset != offset)
		fail_msg("%s: %s, rule %s at %zu, not %s at %zu", text, err_name(e), f.rule, f.offset, rule,
			 offset);
	assert_int_equal(gs1_parse(a, str_of(text), options, NULL, &m), ERR_BAD_ID);
}

static struct str bracketed(struct arena *a, const char *text, unsigned options)
{
	struct str s = STR_NONE;
	struct gs1_message m = parsed(a, text, options);
	assert_int_equal(gs1_write_bracketed(a, &m, &s), ERR_OK);
	return s;
}

static struct str linked(struct arena *a, const char *text, unsigned options)
{
	struct str s = STR_NONE;
	struct gs1_message m = parsed(a, text, options);
	assert_int_equal(gs1_write_link(a, &m, STR_NONE, &s), ERR_OK);
	return s;
}

static void every_form_says_the_same(void **state)
{
	static const struct {
		const char *text;
		enum gs1_form form;
	} texts[] = {
	    {"(01)" GTIN "(10)AB-1(21)7", GS1_BRACKETED},
	    {"^01" GTIN "10AB-1^217", GS1_BARCODE},
	    {"^01" GTIN "^10AB-1^217^", GS1_BARCODE},
	    {"\x1d"
	     "01" GTIN "10AB-1\x1d"
	     "217",
	     GS1_BARCODE},
	    {"]C101" GTIN "10AB-1\x1d"
	     "217",
	     GS1_BARCODE},
	    {"]e001" GTIN "10AB-1^217", GS1_BARCODE},
	    {"]d2^01" GTIN "10AB-1^217", GS1_BARCODE},
	    {"]Q301" GTIN "10AB-1^217", GS1_BARCODE},
	    {"]J101" GTIN "10AB-1^217", GS1_BARCODE},
	    {"01" GTIN "10AB-1\x1d"
	     "217",
	     GS1_BARCODE},
	    {"gs1:01" GTIN "10AB-1^217", GS1_BARCODE},
	    {"gs1:(01)" GTIN "(10)AB-1(21)7", GS1_BRACKETED},
	    {"https://id.gs1.org/01/" GTIN "/10/AB-1/21/7", GS1_LINK},
	    {"]Q1https://a/01/" GTIN "/10/AB%2d1/21/7#x", GS1_LINK},
	    {"]d1HTTPS://a:8/b/01/" GTIN "/10/AB-1/21/7?x=1", GS1_LINK},
	    {"/01/" GTIN "/10/AB-1/21/7", GS1_LINK},
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct gs1_message m = parsed(*state, texts[i].text, GS1_WHOLE);
		assert_int_equal(m.form, texts[i].form);
		assert_true(gs1_claims(str_of(texts[i].text)));
		assert_str(bracketed(*state, texts[i].text, 0), "(01)" GTIN "(10)AB-1(21)7");
		assert_str(linked(*state, texts[i].text, 0), "https://id.gs1.org/01/" GTIN "/10/AB-1/21/7");
		for (size_t k = 0; k < 3; k++)
			assert_true(str_starts(str_skip(str_of(texts[i].text), m.elements[k].offset),
					       str_first(m.elements[k].value, 2)));
	}
}

/* A GTIN or an SSCC with its AI and the right check digit in front tells a barcode; nothing else does. */
static void barcodes_without_fnc1_are_known_by_their_check_digit(void **state)
{
	assert_int_equal(parsed(*state, "01" GTIN, 0).form, GS1_BARCODE);
	assert_str(linked(*state, "00395241045750040793", 0), "https://id.gs1.org/00/395241045750040793");
	refused(*state, "01" GTIN "10", 0, 18, "too-short");
	refused(*state, "01" GTIN "/x", 0, 16, "ai");
	static const char *const others[] = {
	    "0109506000134353", "010950600013435",  "00395241045750040794", "0039524104575004079",
	    "02" GTIN "371",    "8006" GTIN "0102", "01950600013435X10ABC", "10ABC"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(gs1_claims(str_of(others[i])));
}

static void gtins_alone_are_padded(void **state)
{
	static const char *const gtins[][2] = {
	    {"96385074", "00000096385074"},         {"614141007349", "00614141007349"},
	    {"4006381333931", "04006381333931"},    {GTIN, GTIN},
	    {"]E04006381333931", "04006381333931"}, {"]E496385074", "00000096385074"},
	};
	for (size_t i = 0; i < sizeof gtins / sizeof *gtins; i++) {
		struct gs1_message m = parsed(*state, gtins[i][0], 0);
		assert_int_equal(m.form, GS1_PLAIN);
		assert_str(m.elements[0].value, gtins[i][1]);
		assert_true(gs1_claims(str_of(gtins[i][0])));
	}
	refused(*state, "4006381333932", 0, 12, "check-digit");
	assert_false(gs1_claims(STR("4006381333932")));
	refused(*state, "]E0400638133393", 0, 14, "check-digit");
	refused(*state, "]E01234567", 0, 3, "gtin-length");
	refused(*state, "]E0400638133393X", 0, 15, "characters");
}

static void short_gtins_and_words_are_options(void **state)
{
	refused(*state, "https://a/01/4006381333931", 0, 26, "too-short");
	assert_str(linked(*state, "https://a/01/4006381333931", GS1_SHORT_GTINS),
		   "https://id.gs1.org/01/04006381333931");
	refused(*state, "https://a/01/4006381333932", GS1_SHORT_GTINS, 25, "check-digit");
	refused(*state, "https://a/gtin/" GTIN "/lot/A", 0, 10, "no-key");
	assert_str(linked(*state, "https://a/gtin/" GTIN "/lot/A/ser/7", GS1_WORDS),
		   "https://id.gs1.org/01/" GTIN "/10/A/21/7");
	assert_str(linked(*state, "https://a/partyGln/9506000134352", GS1_WORDS),
		   "https://id.gs1.org/417/9506000134352");
}

static void roles_are_found(void **state)
{
	struct gs1_message m = parsed(*state, "(21)7(8200)http://a(01)" GTIN "(10)A(17)261231(10)A", 0);
	static const enum gs1_role roles[] = {GS1_QUALIFIER, GS1_UNLINKED,  GS1_KEY,
					      GS1_QUALIFIER, GS1_ATTRIBUTE, GS1_REPEATED};
	assert_int_equal(m.n, 6);
	for (size_t i = 0; i < 6; i++) assert_int_equal(m.elements[i].role, roles[i]);
	assert_int_equal(m.key, 2);
	assert_int_equal(m.qualifiers_n, 2);
	assert_int_equal(m.qualifiers[0], 3);
	assert_int_equal(m.qualifiers[1], 0);
	assert_string_equal(m.elements[4].title, "USE BY or EXPIRY");
	assert_string_equal(m.unlinkable, "not-an-attribute");
	struct str s;
	assert_int_equal(gs1_write_link(*state, &m, STR_NONE, &s), ERR_UNSUPPORTED);
	m = parsed(*state, "(17)261231", 0);
	assert_int_equal(m.key, GS1_NONE);
	assert_string_equal(m.unlinkable, "no-key");
	m = parsed(*state, "(01)" GTIN "(235)A(10)B", 0);
	assert_string_equal(m.unlinkable, "qualifiers-mixed");
	assert_int_equal(m.unlinkable_at, 28);
}

static void associations_hold(void **state)
{
	refused(*state, "(01)" GTIN "(37)5", 0, 22, "excluded");
	refused(*state, "(37)5(01)" GTIN, 0, 9, "excluded");
	refused(*state, "(01)" GTIN "(3100)000001(3101)000001", 0, 36, "excluded");
	refused(*state, "https://a/01/" GTIN "?37=5", 0, 31, "excluded");
	refused(*state, "(10)A", GS1_WHOLE, 4, "missing");
	refused(*state, "(01)" GTIN "(7004)1", GS1_WHOLE, 24, "missing");
	parsed(*state, "(01)" GTIN "(7004)1(10)A", GS1_WHOLE);
	refused(*state, "(01)" GTIN "(3920)15", GS1_WHOLE, 24, "missing");
	parsed(*state, "(01)" GTIN "(3920)15(3103)000500", GS1_WHOLE);
	refused(*state, "(01)" GTIN "(250)A", GS1_WHOLE, 23, "missing");
	parsed(*state, "(01)" GTIN "(250)A(21)7", GS1_WHOLE);
	refused(*state, "(37)5(02)" GTIN, GS1_WHOLE, 4, "missing");
	parsed(*state, "(37)5(02)" GTIN "(00)395241045750040793", GS1_WHOLE);
}

static void element_strings_are_refused_with_rule_and_offset(void **state)
{
	refused(*state, "(01)" GTIN "x", 0, 18, "too-long");
	refused(*state, "(01)" GTIN "(89)A", 0, 19, "ai");
	refused(*state, "(01)" GTIN "(10)A\\(%\\(~", 0, 28, "characters");
	refused(*state, "(01)" GTIN "(10)", 0, 22, "empty-value");
	refused(*state, "(01)" GTIN "A(10)B", 0, 18, "too-long");
	/* what does not belong there says more than that there is too much */
	refused(*state, "(01) " GTIN, 0, 4, "characters");
	refused(*state, "(01)" GTIN " (10)B", 0, 18, "too-long");
	refused(*state,
		"(8030)ab="
		"cdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl",
		0, 96, "too-long");
	refused(*state, "()1", 0, 1, "ai");
	refused(*state, "(10)A(10)B", 0, 9, "duplicate");
	refused(*state, "^", 0, 1, "empty");
	refused(*state, "]C1", 0, 3, "empty");
	refused(*state, "^8901", 0, 1, "ai");
	refused(*state, "^1", 0, 1, "ai");
	refused(*state, "^10", 0, 3, "too-short");
	refused(*state, "^10AB^^21C", 0, 6, "ai");
	refused(*state, "^01095060001343^", 0, 15, "too-short");
	refused(*state, "^01" GTIN "10123456789012345678901", 0, 39, "too-long");
	refused(*state, "^8200http://example.com/a b", 0, 25, "characters");
	refused(*state, "gs1:(10)A(10)B", 0, 13, "duplicate");
}

static void links_are_refused_with_rule_and_offset(void **state)
{
	refused(*state, "", 0, 0, "no-key");
	refused(*state, "ftp://a/01/" GTIN "/x", 0, 0, "no-key");
	refused(*state, "https://a/01/" GTIN "/17/261231", 0, 31, "qualifier-order");
	refused(*state, "https://a/01/" GTIN "?17=", 0, 31, "empty-value");
	refused(*state, "https://a/01/" GTIN "?89=A", 0, 28, "ai");
	refused(*state, "https://a/01/" GTIN "?x&8200=A", 0, 30, "not-an-attribute");
	refused(*state, "https://a/01/" GTIN "?99=%4&98=A", 0, 31, "percent-encoding");
	refused(*state, "https://a/01/" GTIN "?99=A%20B", 0, 32, "characters");
	refused(*state, "https://a/01/" GTIN "?99=A+B", 0, 32, "characters");
	refused(*state, "]Q1https://a/01/" GTIN "?89=A", 0, 31, "ai");
	refused(*state, "https://a/01/" GTIN "/", 0, 10, "no-key");
	/* a plus is itself in the path */
	assert_str(linked(*state, "https://a/01/" GTIN "/10/A+B", 0),
		   "https://id.gs1.org/01/" GTIN "/10/A%2BB");
}

static void foreign_parameters_are_kept_apart(void **state)
{
	struct gs1_message m =
	    parsed(*state, "https://a/s/01/" GTIN "?linkType=all&&99=A%2FB&10&x=%zz&&", 0);
	static const char *const ignored[] = {"linkType=all", "10", "x=%zz", ""};
	assert_int_equal(m.ignored_n, 4);
	for (size_t i = 0; i < 4; i++) assert_str(m.ignored[i], ignored[i]);
	assert_str(m.root, "https://a/s");
	struct str s;
	assert_int_equal(gs1_write_link(*state, &m, m.root, &s), ERR_OK);
	assert_str(s, "https://a/s/01/" GTIN "?99=A%2FB");
	m = parsed(*state, "/01/" GTIN, 0);
	assert_int_equal(m.root.n, 0);
}

static struct str packed(struct arena *a, const char *text, enum err expected)
{
	struct str s = STR_NONE;
	struct gs1_message m = parsed(a, text, 0);
	assert_int_equal(gs1_write_compressed(a, &m, STR("https://a/s"), GS1_PACK_OPTIMISED, &s), expected);
	return s;
}

static void what_is_compressed_comes_back(void **state)
{
	static const char *const texts[] = {
	    "(00)395241045750040793",
	    "(253)9506000134352",
	    "(255)9506000134352(3900)0000",
	    "(8003)09506000134352X!",
	    "(8004)9506\"%&",
	    "(8010)9506AB#(8011)1",
	    "(414)9506000134352(254)a-_",
	    "(414)9506000134352(7040)1ABc",
	    "(8013)1987654Ad4X4bL5ttr2310c2K",
	    "(8018)395241045750040793(8019)007",
	    "(01)" GTIN "(235)abcdef0123",
	    "(01)" GTIN "(10)AB(21)7(11)260101(17)261231",
	    "(01)" GTIN "(3103)000195(3922)0299",
	    "(01)" GTIN "(423)156276(7003)2612312359",
	    "(01)" GTIN "(91)a:b(8008)26123123",
	    "(01)" GTIN "(91)0123456789012345678901234567890123456789012345678901234567890123456789",
	    "(00)395241045750040793(4309)00000000013600000000(4330)000123-",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct str s = packed(*state, texts[i], ERR_OK);
		struct gs1_message m = parsed(*state, arena_strdup(*state, s), 0);
		assert_int_equal(m.form, GS1_COMPRESSED);
		assert_str(m.root, "https://a/s");
		assert_str(linked(*state, arena_strdup(*state, s), 0),
			   arena_strdup(*state, linked(*state, texts[i], 0)));
	}
}

static void what_would_change_is_not_compressed(void **state)
{
	packed(*state, "https://a/8004/9506123?01=" GTIN, ERR_UNSUPPORTED);
	packed(*state, "https://a/01/" GTIN "/235/A?10=B", ERR_UNSUPPORTED);
	packed(*state, "(17)261231", ERR_UNSUPPORTED);
	/* repetitions are left out */
	assert_str(packed(*state, "(01)" GTIN "(01)" GTIN, ERR_OK), "https://a/s/ARFKk4XBoA");
}

static void compressed_links_are_read_strictly(void **state)
{
	assert_str(linked(*state, "https://a/ARFKk4XBoA?99=X", 0), "https://id.gs1.org/01/" GTIN "?99=X");
	/* the key in clear, the rest compressed: 10=LOT01 */
	assert_str(bracketed(*state, "https://a/01/" GTIN "/EGUs5PTU", 0), "(01)" GTIN "(10)LOT01");
	assert_true(gs1_claims(STR("https://a/01/" GTIN "/EGUs5PTU")));
	/* foreign parameters may be compressed too */
	struct gs1_message m = parsed(*state, "https://a/ARFKk4XBoeBagNivZA?b", 0);
	assert_int_equal(m.ignored_n, 2);
	assert_str(m.ignored[0], "a=1/2");
	assert_str(m.ignored[1], "b");
	m = parsed(*state, "https://a/ARFKk4XBoeBnAMBw", 0);
	assert_str(m.ignored[0], "n=007");
	refused(*state, "https://a/ARFKk4XBoeBagNimZA", 0, 10, "no-key"); /* a=1&2 would be two */
	refused(*state, "https://a/EGUs5PTU", 0, 10, "no-key");
	refused(*state, "https://a/ARFKk4XBoB", 0, 10, "no-key"); /* a bit too much at the end */
	refused(*state, "https://a/ARFKk4XBo", 0, 10, "no-key");  /* cut off */
	refused(*state, "https://a/ARFKk4XBoAA", 0, 10, "no-key");
	refused(*state, "https://a/ARFKk4XB4A", 0, 10, "check-digit");
	refused(*state, "https://a/ARFKk4XBoA?01=" GTIN, 0, 21, "duplicate");
	refused(*state, "https://a/ARFKk4XBoA?10=A", 0, 21, "qualifier-in-query");
	refused(*state, "https://a/_", 0, 10, "no-key");
	assert_false(gs1_claims(STR("https://a/ARFKk4XB4A")));
	assert_false(gs1_claims(STR("https://a/about-us")));
	assert_false(gs1_claims(STR("https://a/")));
	assert_true(gs1_claims(STR("https://a/01/1")));
	assert_false(gs1_claims(STR("88.118/1")));
	assert_false(gs1_claims(STR("")));
}

/* Values by the rule that they keep or break. */
static const struct {
	const char *text;
	size_t offset; /* 0: it holds */
	const char *rule;
} values[] = {
    {"(00)395241045750040793", 0, ""},
    {"(00)395241045750040794", 21, "check-digit"},
    {"(00)3A5241045750040793", 5, "characters"},
    {"(11)240229", 0, ""},
    {"(11)230229", 8, "date"},
    {"(11)000229", 0, ""},
    {"(11)261300", 6, "date"},
    {"(11)261200", 0, ""},
    {"(4326)261200", 10, "date"},
    {"(4324)2612312359", 0, ""},
    {"(4324)2612312360", 14, "time"},
    {"(4324)2612312400", 12, "time"},
    {"(7250)20000229", 0, ""},
    {"(7250)19000229", 12, "date"},
    {"(7250)19001301", 10, "date"},
    {"(7251)199912312359", 0, ""},
    {"(8008)26123123", 0, ""},
    {"(8008)261231235959", 0, ""},
    {"(8008)26123124", 12, "time"},
    {"(8008)2612312360", 14, "time"},
    {"(8008)261231235960", 16, "time"},
    {"(8008)261231235", 15, "too-short"},
    {"(422)156", 0, ""},
    {"(422)999", 5, "country"},
    {"(423)156276", 0, ""},
    {"(423)156277", 8, "country"},
    {"(423)15627", 10, "too-short"},
    {"(7030)999ABC", 0, ""},
    {"(7030)998ABC", 6, "country"},
    {"(4307)CN", 0, ""},
    {"(4307)XX", 6, "country"},
    {"(3910)1561250", 0, ""},
    {"(3910)0011250", 6, "currency"},
    {"(7252)9", 0, ""},
    {"(7252)3", 6, "sex"},
    {"(8007)DE89370400440532013000", 0, ""},
    {"(8007)DE88370400440532013000", 8, "iban"},
    {"(8007)XX89370400440532013000", 6, "iban"},
    {"(8007)DE8937040044053201300a", 27, "iban"},
    {"(8007)DE8937", 6, "iban"},
    {"(4309)18000000003600000000", 0, ""},
    {"(4309)18000000013600000000", 6, "latitude"},
    {"(4309)18000000003600000001", 16, "longitude"},
    {"(8006)095060001343520103", 0, ""},
    {"(8006)095060001343520003", 20, "piece-of-total"},
    {"(8006)095060001343520100", 22, "piece-of-total"},
    {"(8006)095060001343520403", 20, "piece-of-total"},
    {"(7258)2/2", 0, ""},
    {"(7258)3/2", 6, "position"},
    {"(7258)0/2", 6, "position"},
    {"(7258)1/0", 8, "position"},
    {"(7258)1-2", 6, "position"},
    {"(4300)A%20b%e4", 0, ""},
    {"(4300)A%20b%2", 11, "percent-encoding"},
    {"(4300)A%zz", 7, "percent-encoding"},
    {"(7040)1ABc", 0, ""},
    {"(7040)1AB-", 0, ""},
    {"(7040)1AB/", 9, "importer-index"},
    {"(7041)BX", 0, ""},
    {"(7041)8", 0, ""},
    {"(7041)bx", 6, "package-type"},
    {"(7241)10", 0, ""},
    {"(7241)11", 6, "media-type"},
    {"(7241)99", 0, ""},
    {"(8001)00010000100110", 0, ""},
    {"(8001)00000000100110", 6, "nonzero"},
    {"(8001)00010000000110", 10, "nonzero"},
    {"(8001)00010000100120", 18, "winding"},
    {"(8003)09506000134352X", 0, ""},
    {"(8003)19506000134352X", 6, "zero"},
    {"(8011)1", 0, ""},
    {"(8011)0", 6, "zero-start"},
    {"(8013)1987654Ad4X4bL5ttr2310c2K", 0, ""},
    {"(8013)1987654Ad4X4bL5ttr2310cK2", 29, "check-pair"},
    {"(8013)19AB", 8, "check-pair"},
    {"(8014)9521234A3", 13, "check-pair"},
    {"(8013)95060000000262", 0, ""},
    {"(8014)95060000000262", 6, "non-digit"},
    {"(7023)1234", 0, ""},
    {"(7023)123A", 9, "company-prefix"},
    {"(7023)12", 8, "company-prefix"},
    {"(4321)1", 0, ""},
    {"(4321)2", 6, "yes-no"},
    {"(4330)000123-", 0, ""},
    {"(4330)000123", 0, ""},
    {"(4330)000123+", 12, "hyphen"},
    {"(8030)abc-_9", 0, ""},
    {"(8030)ab=", 0, ""},
    {"(8030)a==", 0, ""},
    {"(8030)abc=", 9, "padding"},
    {"(8030)===", 6, "padding"},
    {"(8030)a=b", 7, "characters"},
    {"(8010)9506AB#-/", 0, ""},
    {"(8010)9506Ab", 11, "characters"},
};

static void dictionary_rules_hold(void **state)
{
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		if (values[i].offset)
			refused(*state, values[i].text, 0, values[i].offset, values[i].rule);
		else
			parsed(*state, values[i].text, 0);
	}
}

/* Of 8110: company 0 123456, offer 654321, save value 3 250, purchase 1 5 0 123; from 29 on options. */
#define HEAD "(8110)01234566543213250150123"
static const struct {
	const char *text;
	size_t offset; /* 0: it holds */
} coupons[] = {
    {HEAD, 0},
    {HEAD "111404569326123142601015012345661765432190001", 0},
    {HEAD "11140456098765421307899", 0},
    {HEAD "7", 29},              /* no such option */
    {HEAD "14", 30},             /* rules code */
    {HEAD "21305897", 36},       /* length of a company prefix */
    {HEAD "3261331", 30},        /* month */
    {HEAD "32601014261231", 36}, /* ends before it begins */
    {HEAD "42612313260101", 36}, /* wrong order */
    {HEAD "93", 30},             /* save value code */
    {HEAD "903", 31},            /* applies to */
    {HEAD "90002", 33},          /* multiply flag */
    {"(8110)712345612345611110123", 6},
    {"(8110)01234566543216", 19}, /* length of the save value */
    {"(8110)0123456654321150", 21},
    {"(8112)001234566543210123456", 0},
    {"(8112)161234567890126543219123456789012345", 0},
    {"(8112)201234566543210123456", 6},
    {"(8112)0012345665432101234567", 27}, /* too much */
    {"(8112)001234566543211123456", 21},  /* too little */
    {"(8112)0A", 7},
};

static void coupons_hold(void **state)
{
	for (size_t i = 0; i < sizeof coupons / sizeof *coupons; i++) {
		if (coupons[i].offset)
			refused(*state, coupons[i].text, 0, coupons[i].offset, "coupon");
		else
			parsed(*state, coupons[i].text, 0);
	}
}

static struct str repeated(struct arena *a, const char *head, const char *part, size_t n)
{
	struct str s = str_of(head);
	for (size_t i = 0; i < n; i++) s = arena_printf(a, "%.*s%s", STR_ARG(s), part);
	return s;
}

static void limits_are_exact(void **state)
{
	struct gs1_message m;
	struct flaw f;
	struct str s = repeated(*state, "", "(10)A", GS1_ELEMENTS_MAX);
	assert_int_equal(gs1_parse(*state, s, 0, &f, &m), ERR_OK);
	s = repeated(*state, "", "(10)A", GS1_ELEMENTS_MAX + 1);
	assert_int_equal(gs1_parse(*state, s, 0, &f, &m), ERR_BAD_ID);
	assert_string_equal(f.rule, "too-many-elements");
	s = repeated(*state, "/01/" GTIN "?", "&x", GS1_IGNORED_MAX);
	assert_int_equal(gs1_parse(*state, s, 0, &f, &m), ERR_OK);
	s = repeated(*state, "/01/" GTIN "?", "&x", GS1_IGNORED_MAX + 1);
	assert_int_equal(gs1_parse(*state, s, 0, &f, &m), ERR_BAD_ID);
	assert_string_equal(f.rule, "too-many-parameters");
	s = repeated(*state, "/01/" GTIN "?", "x", GS1_TEXT_MAX - 19);
	assert_int_equal(gs1_parse(*state, s, 0, &f, &m), ERR_OK);
	s = repeated(*state, "/01/" GTIN "?", "x", GS1_TEXT_MAX - 18);
	assert_int_equal(gs1_parse(*state, s, 0, &f, &m), ERR_BAD_ID);
	assert_string_equal(f.rule, "too-long");
	assert_int_equal(f.offset, GS1_TEXT_MAX);
}

static enum err read_and_write(struct arena *a, const char *text)
{
	struct gs1_message m;
	struct str s;
	enum err e = gs1_parse(a, str_of(text), 0, NULL, &m);
	if (!e) e = gs1_write_bracketed(a, &m, &s);
	if (!e) e = gs1_write_barcode(a, &m, '^', &s);
	if (!e) e = gs1_write_link(a, &m, STR_NONE, &s);
	if (!e) e = gs1_write_compressed(a, &m, STR_NONE, GS1_PACK_PLAIN, &s);
	if (!e) e = gs1_write_ons(a, &m, &s);
	return e ? e : gs1_write_aus(a, &m, STR("zh"), &s);
}

static void a_full_arena_is_said(void **state)
{
	(void)state;
	static const char *const texts[] = {"(01)" GTIN "(10)A\\(", "https://a/01/" GTIN "/10/%41?99=%42",
					    "https://a/ARFKk4XBoA", "https://a/01/" GTIN "/EGUs5PTU",
					    "4006381333931"};
	for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
		enum err e = ERR_NO_MEMORY;
		for (size_t cap = 1; e; cap++) {
			struct arena *a = arena_new(cap);
			e = read_and_write(a, texts[t]);
			assert_true(e == ERR_OK || e == ERR_NO_MEMORY);
			arena_free(a);
			assert_true(cap < 4096);
		}
	}
}

static void names_in_ons_are_of_gtins(void **state)
{
	struct str s;
	struct gs1_message m = parsed(*state, "(01)10614141000415(21)7", 0);
	assert_int_equal(gs1_write_ons(*state, &m, &s), ERR_OK);
	assert_str(s, "1.1.4.0.0.0.1.4.1.4.1.6.0.gtin.gs1.id.onsepc.com.");
	assert_int_equal(gs1_write_aus(*state, &m, STR("zh"), &s), ERR_OK);
	assert_str(s, "|zh|gtin|10614141000415");
	m = parsed(*state, "(00)395241045750040793", 0);
	assert_int_equal(gs1_write_ons(*state, &m, &s), ERR_UNSUPPORTED);
	assert_int_equal(gs1_write_aus(*state, &m, STR("zh"), &s), ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(every_form_says_the_same),
	    CASE(gtins_alone_are_padded),
	    CASE(barcodes_without_fnc1_are_known_by_their_check_digit),
	    CASE(short_gtins_and_words_are_options),
	    CASE(roles_are_found),
	    CASE(associations_hold),
	    CASE(element_strings_are_refused_with_rule_and_offset),
	    CASE(links_are_refused_with_rule_and_offset),
	    CASE(foreign_parameters_are_kept_apart),
	    CASE(what_is_compressed_comes_back),
	    CASE(what_would_change_is_not_compressed),
	    CASE(compressed_links_are_read_strictly),
	    CASE(dictionary_rules_hold),
	    CASE(coupons_hold),
	    CASE(limits_are_exact),
	    CASE(a_full_arena_is_said),
	    CASE(names_in_ons_are_of_gtins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
