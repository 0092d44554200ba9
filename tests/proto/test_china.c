/* Templates, bodies of the SNMS interface and of DOIP over HTTP: what no request over a node shows as well.
 */
#include "tests/base/arena_cases.h"

#include "base/hash.h"
#include "base/rsa.h"
#include "base/sm2.h"
#include "proto/doip/doip.h"
#include "proto/snms/snms.h"
#include "tests/base/shared_file.h"

static json_t *parse(const char *text)
{
	json_t *j;
	struct flaw f;
	assert_int_equal(json_read(a, str_of(text), &f, &j), ERR_OK);
	return j;
}

static enum err value_of(const char *attribute, const char *data, struct template_fault *fault)
{
	struct template t;
	struct flaw f = {0};
	char text[600];
	snprintf(text, sizeof text, "{\"prefix\":\"88.1\",\"version\":\"1\",\"attributes\":[%s]}",
		 attribute);
	assert_int_equal(template_read(a, parse(text), false, &f, &t), ERR_OK);
	return template_check_value(a, &t.attributes[0], str_of(data), fault);
}

static void values_at_the_edges_of_their_rules(void **state)
{
	static const struct {
		const char *attribute, *data, *rule; /* rule NULL: good */
	} rows[] = {
	    {"{\"name\":\"a\",\"max_length\":2}", "标识", NULL}, /* characters, not octets */
	    {"{\"name\":\"a\",\"max_length\":2}", "标识x", "template-length"},
	    {"{\"name\":\"a\",\"min_length\":1}", "", "template-length"},
	    {"{\"name\":\"a\"}", "\xff", "template-text"},
	    {"{\"name\":\"a\",\"type\":\"number\"}", "-0.5", NULL},
	    {"{\"name\":\"a\",\"type\":\"number\"}", "1e5", "template-number"},
	    {"{\"name\":\"a\",\"type\":\"number\"}", "0x1", "template-number"},
	    {"{\"name\":\"a\",\"type\":\"number\"}", "nan", "template-number"},
	    {"{\"name\":\"a\",\"type\":\"number\"}", "1.", "template-number"},
	    {"{\"name\":\"a\",\"type\":\"number\"}", "", "template-number"},
	    {"{\"name\":\"a\",\"type\":\"number\",\"decimals\":0}", "1", NULL},
	    {"{\"name\":\"a\",\"type\":\"number\",\"decimals\":0}", "1.0", "template-decimals"},
	    {"{\"name\":\"a\",\"type\":\"number\",\"min\":\"-1.5\",\"max\":\"1.5\"}", "-1.5", NULL},
	    {"{\"name\":\"a\",\"type\":\"number\",\"min\":\"-1.5\",\"max\":\"1.5\"}", "1.51",
	     "template-range"},
	    {"{\"name\":\"a\",\"type\":\"number\",\"min\":-1,\"max\":10}", "-1", NULL},
	    {"{\"name\":\"a\",\"type\":\"number\",\"min\":-1,\"max\":10}", "-2", "template-range"},
	    {"{\"name\":\"a\",\"type\":\"number\",\"min\":-1,\"max\":10}", "11", "template-range"},
	    {"{\"name\":\"a\",\"type\":\"date\"}", "2024-02-29", NULL},
	    {"{\"name\":\"a\",\"type\":\"date\"}", "2100-02-29", "template-date"},
	    {"{\"name\":\"a\",\"type\":\"date\"}", "2024-2-29", "template-date"},
	    {"{\"name\":\"a\",\"type\":\"date\",\"format\":\"YYYY-MM-DD HH:mm:ss\"}", "2024-12-31 23:59:59",
	     NULL},
	    {"{\"name\":\"a\",\"type\":\"date\",\"format\":\"YYYY-MM-DD HH:mm:ss\"}", "2024-12-31 24:00:00",
	     "template-date"},
	    {"{\"name\":\"a\",\"type\":\"date\",\"format\":\"YYYYMMDD\",\"max\":\"20241231\"}", "20250101",
	     "template-range"},
	    {"{\"name\":\"a\",\"pattern\":\"a|b\"}", "a", NULL},
	    {"{\"name\":\"a\",\"pattern\":\"a|b\"}", "ab", "template-pattern"}, /* the whole of it */
	    {"{\"name\":\"a\",\"pattern\":\"[0-9]{13}\"}", "9506000134352", NULL},
	    {"{\"name\":\"a\",\"type\":\"boolean\"}", "true", NULL},
	    {"{\"name\":\"a\",\"type\":\"boolean\"}", "1", "template-boolean"},
	    {"{\"name\":\"a\",\"type\":\"reference\"}", "88.1/x", NULL},
	    {"{\"name\":\"a\",\"type\":\"reference\"}", "88.1", "template-reference"},
	    {"{\"name\":\"a\",\"type\":\"enum\",\"choices\":[\"x\",\"y\"]}", "z", "template-choice"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct template_fault fault = {.index = 0};
		enum err e = value_of(rows[i].attribute, rows[i].data, &fault);
		if ((e == ERR_OK) != !rows[i].rule ||
		    (rows[i].rule && strcmp(fault.rule, rows[i].rule) != 0))
			fail_msg("%s with \"%s\": %s", rows[i].attribute, rows[i].data,
				 e ? fault.rule : "accepted");
	}
}

static struct template template_of(const char *attributes)
{
	struct template t;
	struct flaw f = {0};
	json_t *j = parse("{\"prefix\":\"88.1\",\"version\":\"1\"}");
	json_put(j, "attributes", json_incref(parse(attributes)));
	assert_int_equal(template_read(a, j, false, &f, &t), ERR_OK);
	return t;
}

static void what_a_template_in_use_may_become(void **state)
{
	static const struct {
		const char *new;
		bool may;
	} rows[] = {
	    {"[{\"name\":\"a\",\"max_length\":5}]", true},
	    {"[{\"name\":\"a\",\"max_length\":5,\"title\":\"T\",\"comment\":\"c\",\"state\":\"disabled\"}]",
	     true},
	    {"[{\"name\":\"a\",\"max_length\":5},{\"name\":\"b\"}]", true},
	    {"[{\"name\":\"a\",\"max_length\":5},{\"name\":\"b\",\"required\":true}]", false},
	    {"[{\"name\":\"a\",\"max_length\":4}]", false},
	    {"[{\"name\":\"a\",\"max_length\":5,\"type\":\"number\"}]", false},
	    {"[{\"name\":\"b\",\"max_length\":5}]", false},
	    {"[{\"name\":\"a\",\"index\":2001,\"max_length\":5}]", false},
	    {"[]", false},
	};
	struct template old = template_of("[{\"name\":\"a\",\"max_length\":5}]");
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct template new = template_of(rows[i].new);
		struct flaw f = {0};
		assert_int_equal(template_check_change(&old, &new, &f),
				 rows[i].may ? ERR_OK : ERR_CONFLICT);
	}
}

static void a_login_digest_follows_the_guide(void **state)
{
	unsigned char secret[HASH_SHA256];
	char digest[64];
	(void)state;
	hash_sha256(STR("123456"), secret);
	snms_login_digest(secret, STR("2019-08-15"), digest);
	/* the digest that the guide prints (example 14): of this password, on this day */
	assert_str(str_n(digest, 64), "58e2c92c46485fdbc35fdcd0814d6c0f000cad5aa156848ca5edaf29406b7661");
}

/* Every body of the examples that a parser here reads, by what it is. */
static void the_examples_are_read(void **state)
{
	json_t *j, *c;
	size_t i, records = 0, templates = 0, objects = 0, metas = 0;
	(void)state;
	struct str text = shared_file(a, "vectors/china/node-api-examples.json");
	if (!text.p) skip();
	assert_int_equal(json_read(a, text, NULL, &j), ERR_OK);
	json_t *cases = json_object_get(j, "cases");
	assert_int_equal(json_array_size(cases), 48);
	json_array_foreach(cases, i, c)
	{
		json_t *body = json_object_get(c, "json");
		struct snms_record r;
		struct template t, m = {.prefix = STR("88.1"), .version = STR("META_1")};
		struct doip_object o;
		records += !snms_record_read(a, body, NULL, &r);
		for (size_t k = 0; json_is_array(body) && k < json_array_size(body); k++)
			records += !snms_record_read(a, json_array_get(body, k), NULL, &r);
		templates += !snms_template_read(a, body, NULL, &t);
		objects += !doip_object_read(body, NULL, &o);
		metas += !doip_meta_read(a, body, NULL, &m);
	}
	printf("examples: %zu records, %zu templates, %zu objects, %zu metadata\n", records, templates,
	       objects, metas);
	assert_int_equal(records, 3);
	assert_int_equal(templates, 2);
	assert_int_equal(objects, 1);
	assert_int_equal(metas, 1);
}

static void grants_are_added_and_removed(void **state)
{
	struct template_names n = {NULL, 0};
	json_t *add = parse("[\"88.1/a\",\"88.1/b\",\"88.1/a\"]"), *remove = parse("[\"88.1/a\"]");
	struct doip_grant g = {.single = true}, back;
	(void)state;
	assert_int_equal(doip_names_change(a, add, NULL, &n), ERR_OK);
	assert_int_equal(n.n, 2);
	assert_int_equal(doip_names_change(a, NULL, remove, &n), ERR_OK);
	assert_int_equal(n.n, 1);
	assert_str(n.items[0], "88.1/b");
	assert_int_equal(doip_names_change(a, parse("{}"), NULL, &n), ERR_BAD_MESSAGE);
	assert_int_equal(doip_names_change(a, parse("[7]"), NULL, &n), ERR_BAD_MESSAGE);
	g.readers = n;
	assert_int_equal(doip_grant_read(a, doip_grant_write(a, &g), &back), ERR_OK);
	assert_true(back.single && !back.open && back.readers.n == 1 && back.writers.n == 0);
	assert_int_equal(doip_grant_read(a, STR("[]"), &back), ERR_BAD_MESSAGE);
}

static void a_key_is_read_as_the_handle_system_writes_it(void **state)
{
	static const char good[] = "\0\0\0\x0bRSA_PUB_KEY\0\0\0\0\0\3\1\0\1\0\0\0\2\xab\xcd\0\0\0\0";
	struct doip_key k;
	(void)state;
	assert_int_equal(doip_key_read(str_n(good, sizeof good - 1), &k), ERR_OK);
	assert_int_equal(k.n.n, 2);
	assert_int_equal(k.e.n, 3);
	assert_int_equal(k.point.n, 0);
	assert_int_equal(doip_key_read(str_n(good, sizeof good - 1 - 4), &k),
			 ERR_OK); /* without the zeros */
	for (size_t cut = 0; cut < sizeof good - 1; cut++)
		if (cut != sizeof good - 1 - 4)
			assert_int_equal(doip_key_read(str_n(good, cut), &k), ERR_BAD_KEY);
	assert_int_equal(rsa_verify_sha256(STR("short"), STR("\3"), STR("m"), STR("s")), ERR_BAD_KEY);
	/* written, a modulus with its highest bit set gets an octet in front, as Java's numbers have */
	assert_int_equal(doip_key_read(str_n(good, sizeof good - 1), &k), ERR_OK);
	struct str value = doip_key_write(a, &k);
	assert_int_equal(value.n, sizeof good);
	assert_int_equal(doip_key_read(value, &k), ERR_OK);
	assert_true(str_eq(k.n, str_n("\0\xab\xcd", 3)) && str_eq(k.e, str_n("\1\0\1", 3)));
	assert_true(str_eq(doip_key_write(a, &k), value));
}

static void a_key_is_read_from_pem(void **state)
{
	/* of the openssl command: 2048 bits; SM2; 1024 bits; P-256 */
	static const char *const pem[] = {
	    "-----BEGIN PUBLIC KEY-----\n"
	    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArb7i9014wL7YgQGgNHAU\n"
	    "vALXibrUoFkHCRd5ac62lHCDgXs9AU0xaagsHohQcR1F3tEAH7z47PuPRsjhn8Qy\n"
	    "PUt+yIAlKZvqKlc/ySwbYDSRkjwJaYqFZyjWd/f0GXprBQ63zMZ26EJa7USML6QO\n"
	    "vPllfpiiL1dZP6DSS9Fwd4X3By2z1NJUg9BemuEeCZNFZ8vV9mtPYO2MlSIJ2Tt1\n"
	    "89fC0xqAoayQc2Ymr0atOUA9ekf+8/JubvmDiQqSi8TdxwSO5lWf5vIUEZNWqOy4\n"
	    "fQZkowH4SS2Zi0gZ8oy4ugPhT9GiGtukvRfgek7mClgEKSI0iKheI3oT9mWijmb1\n"
	    "PwIDAQAB\n"
	    "-----END PUBLIC KEY-----\n",
	    "-----BEGIN PUBLIC KEY-----\n"
	    "MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAEdrRRlk8x1xAYG2zHQeg7SAWIV+E9\n"
	    "w5z2qz9k2NPIXNbEqkcd2A0iM4YH9s8ty0Fi0RKz7gw+JYNk7rrl8uiBOg==\n"
	    "-----END PUBLIC KEY-----\n",
	    "-----BEGIN PUBLIC KEY-----\n"
	    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC6UePHS6p9xib8RqwPHR94j7FE\n"
	    "PHqTbNCGK6UNkj4DtLj4JUeft/sFNRcCDTsVLuSp775SfM/WiEQBq2xk/EeYI41Y\n"
	    "mM/dHYk1I5dOSevJx3zl8UgxbmQ1DuKij19nBnoc/PKiKbuvWZ+NsbCELHwzrLF0\n"
	    "c64BC9mU+UxwF9UcjwIDAQAB\n"
	    "-----END PUBLIC KEY-----\n",
	    "-----BEGIN PUBLIC KEY-----\n"
	    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPm9eC/2nh+Kctyrfhpvig+GztmvO\n"
	    "loYAjTG+gvKtteYwEjJu4lLJd1pmUiY8MrZznnCZc2n+nIucjFXn1x0Qhw==\n"
	    "-----END PUBLIC KEY-----\n",
	};
	struct doip_key k, back;
	(void)state;
	for (size_t i = 0; i < COUNT(pem); i++) {
		enum err e = doip_key_pem_read(a, str_of(pem[i]), &k);
		assert_int_equal(e, i < 2 ? ERR_OK : ERR_BAD_KEY);
		if (e) continue;
		assert_int_equal(k.point.n, i == 1 ? SM2_POINT : 0);
		assert_int_equal(k.n.n, i == 0 ? 256 : 0);
		assert_int_equal(doip_key_read(doip_key_write(a, &k), &back), ERR_OK);
		for (size_t cut = 0; cut < strlen(pem[i]); cut++)
			if (pem[i][cut] != '\n')
				assert_int_equal(doip_key_pem_read(a, str_n(pem[i], cut), &k), ERR_BAD_KEY);
	}
}

/* Key and signature made by the openssl command, over "a nonce of the node". */
static const char sm2_key[] = "\0\0\0\x0bSM2_PUB_KEY\0\0\0\0\0\x5b"
			      "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a"
			      "\x81\x1c\xcf\x55\x01\x82\x2d\x03\x42\x00\x04\x74\x16\xdd\x7b\x22"
			      "\x92\x00\x94\xda\x3e\x14\x28\x3a\x1c\xe1\x2e\x03\xf5\xef\xda\xd2"
			      "\xac\xaf\x9b\x0a\xf5\x1b\x02\xe2\xe9\xba\xcd\x38\xb0\xd2\x52\x27"
			      "\x84\x67\x57\xf6\xfe\x07\x56\xd3\x1e\x63\xd5\xf7\x89\x83\x41\x7a"
			      "\xfa\xca\x65\xd8\x19\x1d\xf9\x8b\x34\x8a\x87";
static const char sm2_signature[] = "\x30\x44\x02\x20\x62\xb7\x77\xaa\x3d\xd2\x96\xa6\x13\x50\xcc\xfa"
				    "\x40\x49\xc9\xfb\x5e\x04\xba\xbc\x0a\xed\x98\x68\x86\xc5\x0f\xac"
				    "\xed\xdb\xda\xe6\x02\x20\x72\x2f\xb8\xf1\xf1\x2c\x86\xb4\xff\x1b"
				    "\xaa\xed\x5d\x32\x7c\x43\x00\x37\xf4\xa0\x43\x6f\x75\x99\xfb\xf8"
				    "\xbe\x7d\x9e\xe1\x42\x38";

static void a_key_of_sm2_verifies_and_nothing_else(void **state)
{
	struct str key = str_n(sm2_key, sizeof sm2_key - 1),
		   sig = str_n(sm2_signature, sizeof sm2_signature - 1);
	char other[sizeof sm2_key], wrong[sizeof sm2_signature];
	struct doip_key k;
	(void)state;
	assert_int_equal(doip_key_read(key, &k), ERR_OK);
	assert_int_equal(k.point.n, SM2_POINT);
	assert_int_equal(doip_key_verify(&k, STR("a nonce of the node"), sig), ERR_OK);
	assert_int_equal(doip_key_verify(&k, STR("a nonce of the nodf"), sig), ERR_BAD_SIGNATURE);
	assert_int_equal(doip_key_verify(&k, STR("a nonce of the node"), STR("")), ERR_BAD_SIGNATURE);
	for (size_t i = 0; i < sig.n; i++) {
		memcpy(wrong, sm2_signature, sizeof wrong);
		wrong[i] ^= 1;
		assert_int_equal(doip_key_verify(&k, STR("a nonce of the node"), str_n(wrong, sig.n)),
				 ERR_BAD_SIGNATURE);
		assert_int_equal(doip_key_verify(&k, STR("a nonce of the node"), str_first(sig, i)),
				 ERR_BAD_SIGNATURE);
	}
	for (size_t cut = 0; cut < key.n; cut++)
		assert_int_equal(doip_key_read(str_first(key, cut), &k), ERR_BAD_KEY);
	/* another curve's name; a compressed point; what stands behind */
	memcpy(other, sm2_key, sizeof other);
	other[39] ^= 1;
	assert_int_equal(doip_key_read(str_n(other, key.n), &k), ERR_BAD_KEY);
	assert_int_equal(doip_key_read(str_n(sm2_key, sizeof sm2_key), &k), ERR_BAD_KEY);
	memcpy(other, sm2_key, sizeof other);
	other[key.n - SM2_POINT] = 2;
	assert_int_equal(doip_key_read(str_n(other, key.n), &k), ERR_BAD_KEY);
	/* a point that is none of the curve */
	memcpy(other, sm2_key, sizeof other);
	other[key.n - 1] ^= 1;
	assert_int_equal(doip_key_read(str_n(other, key.n), &k), ERR_OK);
	assert_int_equal(doip_key_verify(&k, STR("a nonce of the node"), sig), ERR_BAD_KEY);
}
int main(void)
{
	const struct CMUnitTest cases[] = {
	    cmocka_unit_test(values_at_the_edges_of_their_rules),
	    cmocka_unit_test(what_a_template_in_use_may_become),
	    cmocka_unit_test(a_login_digest_follows_the_guide),
	    cmocka_unit_test(the_examples_are_read),
	    cmocka_unit_test(grants_are_added_and_removed),
	    cmocka_unit_test(a_key_is_read_as_the_handle_system_writes_it),
	    cmocka_unit_test(a_key_is_read_from_pem),
	    cmocka_unit_test(a_key_of_sm2_verifies_and_nothing_else),
	};
	return cmocka_run_group_tests(cases, set_up, tear_down);
}
