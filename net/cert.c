#include "net/cert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/sign.h"

enum {
	FILE_MAX = 64 * 1024, /* octets of a key file */
	SKEW = 3600,          /* seconds that a peer's clock may be behind ours */
	SERIAL = 16,          /* octets; RFC 5280 4.1.2.2 allows 20, CAs use at least 8 random ones */
	DAY = 86400
};

/* A certificate in the making. For a CA issuer and issuer_key are its own. */
struct making {
	EVP_PKEY *key, *issuer_key;
	X509 *cert, *issuer;
	struct flaw *f;
};

static enum err refuse(struct flaw *f, enum err e, const char *at, const char *rule, const char *why)
{
	return flaw_set(f, e, FLAW_NO_OFFSET, at, rule, "%s: %s", at, why);
}

static enum err failed(struct flaw *f, const char *what)
{
	char why[128];
	ERR_error_string_n(ERR_get_error(), why, sizeof why);
	ERR_clear_error();
	return refuse(f, ERR_INTERNAL, what, "openssl", why);
}

static void making_done(struct making *m)
{
	if (m->issuer_key != m->key) EVP_PKEY_free(m->issuer_key);
	if (m->issuer != m->cert) X509_free(m->issuer);
	EVP_PKEY_free(m->key);
	X509_free(m->cert);
}

/* ---- what goes in -------------------------------------------------------------------------- */

static bool set_serial(X509 *cert)
{
	unsigned char octets[SERIAL];
	random_bytes(octets, sizeof octets);
	octets[0] = (unsigned char)((octets[0] & 0x7f) | 0x40); /* positive, and of full length */
	BIGNUM *n = BN_bin2bn(octets, sizeof octets, NULL);
	bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
	return ok;
}

static bool set_validity(X509 *cert, int days)
{
	time_t from = (time_t)(clock_wall() / USEC_PER_SEC) - SKEW;
	/* the last second counts too (RFC 5280 4.1.2.5) */
	time_t to = from + (time_t)days * DAY - 1;
	return ASN1_TIME_set(X509_getm_notBefore(cert), from) &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), to);
}

static enum err set_subject(struct making *m, const char *name)
{
	size_t n = name ? strlen(name) : 0;
	if (n == 0 || n > CERT_NAME_MAX || !str_utf8_ok(str_of(name), NULL))
		return refuse(m->f, ERR_BAD_INPUT, "name", "name", "a name has 1 to 64 octets of UTF-8");
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return refuse(m->f, ERR_BAD_INPUT, "name", "name",
				      "a name has no control characters");
	X509_NAME *subject = X509_get_subject_name(m->cert);
	if (!X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)name,
					(int)n, -1, 0))
		return failed(m->f, "subject");
	return ERR_OK;
}

static bool add_extension(struct making *m, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, m->issuer, m->cert, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = e && X509_add_ext(m->cert, e, -1);
	X509_EXTENSION_free(e);
	return ok;
}

/* A host name as the web knows them: labels of letters, digits and hyphens (RFC 5890 2.3.1). */
static bool is_host_name(const char *host)
{
	struct str rest = str_of(host), label;
	bool digits = true;
	if (str_starts(rest, STR("*."))) rest = str_skip(rest, 2);
	if (!rest.n || rest.n > 253) return false;
	while (str_split(&rest, '.', &label)) {
		if (!label.n || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
			return false;
		digits = true;
		for (size_t i = 0; i < label.n; i++) {
			char c = label.p[i];
			bool digit = c >= '0' && c <= '9';
			digits &= digit;
			if (!digit && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '-')
				return false;
		}
	}
	return !digits; /* 1.2.3.400 is an address gone wrong */
}

static GENERAL_NAME *name_of(int type, const void *octets, int n)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_STRING *s = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	if (g && s && ASN1_STRING_set(s, octets, n)) {
		GENERAL_NAME_set0_value(g, type, s);
		return g;
	}
	GENERAL_NAME_free(g);
	ASN1_STRING_free(s);
	return NULL;
}

static enum err add_host(struct making *m, GENERAL_NAMES *names, const char *host)
{
	unsigned char address[16];
	GENERAL_NAME *g;
	if (inet_pton(AF_INET, host, address) == 1)
		g = name_of(GEN_IPADD, address, 4);
	else if (inet_pton(AF_INET6, host, address) == 1)
		g = name_of(GEN_IPADD, address, 16);
	else if (is_host_name(host))
		g = name_of(GEN_DNS, host, (int)strlen(host));
	else
		return refuse(m->f, ERR_BAD_INPUT, host, "host", "is neither a DNS name nor an IP address");
	if (g && sk_GENERAL_NAME_push(names, g)) return ERR_OK;
	GENERAL_NAME_free(g);
	return failed(m->f, "subjectAltName");
}

static enum err add_hosts(struct making *m, const char *const *hosts, size_t n)
{
	if (n == 0 || n > CERT_HOSTS_MAX)
		return refuse(m->f, ERR_BAD_INPUT, "hosts", "count",
			      "a server has 1 to 64 names and addresses");
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	enum err e = names ? ERR_OK : failed(m->f, "subjectAltName");
	for (size_t i = 0; !e && i < n; i++) e = add_host(m, names, hosts[i]);
	if (!e && X509_add1_ext_i2d(m->cert, NID_subject_alt_name, names, 0, 0) != 1)
		e = failed(m->f, "subjectAltName");
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	return e;
}

static enum err begin(struct making *m, const char *name, int days)
{
	m->key = EVP_EC_gen("P-256");
	m->cert = X509_new();
	if (!m->key || !m->cert) return failed(m->f, "key");
	if (!X509_set_version(m->cert, X509_VERSION_3) || !set_serial(m->cert) ||
	    !set_validity(m->cert, days) || !X509_set_pubkey(m->cert, m->key))
		return failed(m->f, "certificate");
	return set_subject(m, name);
}

/* ---- files ----------------------------------------------------------------------------------- */

typedef int pem_write_fn(BIO *b, const struct making *m);

static int write_key(BIO *b, const struct making *m)
{
	return PEM_write_bio_PKCS8PrivateKey(b, m->key, NULL, NULL, 0, NULL, NULL);
}

static int write_cert(BIO *b, const struct making *m)
{
	return PEM_write_bio_X509(b, m->cert);
}

static enum err save(const struct making *m, pem_write_fn *write_pem, const char *path, unsigned mode)
{
	char *text;
	BIO *b = BIO_new(BIO_s_secmem());
	enum err e;
	if (!b || !write_pem(b, m)) {
		e = failed(m->f, path);
	} else {
		long n = BIO_get_mem_data(b, &text);
		e = file_create(path, mode, str_n(text, (size_t)n), m->f);
	}
	BIO_free(b);
	return e;
}

static enum err sign_and_save(struct making *m, const char *cert, const char *key)
{
	if (!X509_set_issuer_name(m->cert, X509_get_subject_name(m->issuer)) ||
	    !X509_sign(m->cert, m->issuer_key, EVP_sha256()))
		return failed(m->f, "signature");
	enum err e = save(m, write_key, key, 0600);
	if (e) return e;
	e = save(m, write_cert, cert, 0644);
	if (e) unlink(key); /* of no use without its certificate, and in the way of the next attempt */
	return e;
}

static enum err read_cert(const char *path, struct flaw *f, X509 **ret)
{
	FILE *file = fopen(path, "re");
	if (!file) {
		enum err e = err_errno(errno);
		return refuse(f, e, path, e == ERR_NOT_FOUND ? "not-found" : "io", strerror(errno));
	}
	X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	ERR_clear_error();
	if (!cert) return refuse(f, ERR_BAD_INPUT, path, "certificate", "holds no certificate in PEM");
	*ret = cert;
	return ERR_OK;
}

/* Never asks at the terminal. */
static int no_passphrase(char *out, int n, int writing, void *arg)
{
	(void)out, (void)n, (void)writing, (void)arg;
	return -1;
}

static enum err read_key(const char *path, struct flaw *f, EVP_PKEY **ret)
{
	size_t n;
	char *text = OPENSSL_malloc(FILE_MAX);
	if (!text) return ERR_NO_MEMORY;
	enum err e = file_read_private(path, FILE_OWN, f, text, FILE_MAX, &n);
	if (!e) {
		BIO *b = BIO_new_mem_buf(text, (int)n);
		EVP_PKEY *key = b ? PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL) : NULL;
		BIO_free(b);
		ERR_clear_error();
		if (key)
			*ret = key;
		else
			e = refuse(f, ERR_BAD_KEY, path, "key", "holds no private key in PEM");
	}
	OPENSSL_clear_free(text, FILE_MAX);
	return e;
}

static enum err read_issuer(struct making *m, const struct cert_subject *s)
{
	enum err e = read_cert(s->ca_cert, m->f, &m->issuer);
	if (!e) e = read_key(s->ca_key, m->f, &m->issuer_key);
	if (e) return e;
	if (X509_check_ca(m->issuer) != 1)
		return refuse(m->f, ERR_BAD_KEY, s->ca_cert, "authority",
			      "is not an authority's certificate");
	bool fits = X509_check_private_key(m->issuer, m->issuer_key);
	ERR_clear_error();
	return fits ? ERR_OK
		    : refuse(m->f, ERR_BAD_KEY, s->ca_key, "key", "is not the key of the authority");
}

/* ---- what is made ----------------------------------------------------------------------------- */

static enum err make_ca(struct making *m, const char *cert, const char *key, const char *name)
{
	enum err e = begin(m, name, CERT_CA_DAYS);
	if (e) return e;
	m->issuer = m->cert;
	m->issuer_key = m->key;
	if (!add_extension(m, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
	    !add_extension(m, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !add_extension(m, NID_subject_key_identifier, "hash"))
		return failed(m->f, "certificate");
	return sign_and_save(m, cert, key);
}

enum err cert_make_ca(const char *cert, const char *key, const char *name, struct flaw *f)
{
	struct making m = {.f = f};
	enum err e = make_ca(&m, cert, key, name);
	making_done(&m);
	return e;
}

static enum err make_leaf(struct making *m, const struct cert_subject *s, const char *usage)
{
	enum err e = read_issuer(m, s);
	if (!e) e = begin(m, s->name, CERT_DAYS);
	if (e) return e;
	if (!add_extension(m, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_extension(m, NID_key_usage, "critical,digitalSignature") ||
	    !add_extension(m, NID_ext_key_usage, usage) ||
	    !add_extension(m, NID_subject_key_identifier, "hash") ||
	    !add_extension(m, NID_authority_key_identifier, "keyid:always"))
		return failed(m->f, "certificate");
	return ERR_OK;
}

enum err cert_make_node(const struct cert_subject *s, const char *cert, const char *key, struct flaw *f)
{
	struct making m = {.f = f};
	enum err e = make_leaf(&m, s, "serverAuth,clientAuth");
	if (!e) e = add_hosts(&m, s->hosts, s->hosts_n);
	if (!e) e = sign_and_save(&m, cert, key);
	making_done(&m);
	return e;
}

enum err cert_make_client(const struct cert_subject *s, const char *cert, const char *key, struct flaw *f)
{
	struct making m = {.f = f};
	must(s->hosts_n == 0);
	enum err e = make_leaf(&m, s, "clientAuth");
	if (!e) e = sign_and_save(&m, cert, key);
	making_done(&m);
	return e;
}

/* ---- what is asked ----------------------------------------------------------------------------- */

enum err cert_fingerprint(const char *pem, struct flaw *f, unsigned char ret[CERT_FINGERPRINT])
{
	X509 *cert = NULL;
	unsigned char *der = NULL;
	enum err e = read_cert(pem, f, &cert);
	if (e) return e;
	int n = i2d_X509(cert, &der);
	if (n > 0)
		hash_sha256(str_n(der, (size_t)n), ret);
	else
		e = failed(f, pem);
	OPENSSL_free(der);
	X509_free(cert);
	return e;
}

enum err cert_expiry(const char *pem, struct flaw *f, usec_t *ret)
{
	X509 *cert = NULL;
	int days = 0, seconds = 0;
	enum err e = read_cert(pem, f, &cert);
	if (e) return e;
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	if (epoch && ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(cert)))
		*ret = days * USEC_PER_DAY + seconds * USEC_PER_SEC;
	else
		e = failed(f, pem);
	ASN1_TIME_free(epoch);
	X509_free(cert);
	return e;
}
