#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PLAIN_PIECE = 16 * 1024 /* what one record can hold */ };

struct tls_context {
	SSL_CTX *ssl;
	BIO_METHOD *bio;
};

struct tls {
	SSL *ssl;
	struct str in; /* octets of the socket not yet read by OpenSSL */
	struct out *sealed;
	bool done;
};

/* ---- BIO: reads what is at hand, writes to the shard's buffer ------------------------------ */

static int bio_read(BIO *b, char *to, int room)
{
	struct tls *t = BIO_get_data(b);
	BIO_clear_retry_flags(b);
	if (!t->in.n) {
		BIO_set_retry_read(b);
		return -1;
	}
	size_t n = t->in.n < (size_t)room ? t->in.n : (size_t)room;
	memcpy(to, t->in.p, n);
	t->in = str_skip(t->in, n);
	return (int)n;
}

static int bio_write(BIO *b, const char *p, int n)
{
	struct tls *t = BIO_get_data(b);
	struct out *o = t->sealed;
	BIO_clear_retry_flags(b);
	if ((size_t)n > o->room - o->n) return -1; /* not a retry: a peer that makes so many answers goes */
	memcpy(o->p + o->n, p, (size_t)n);
	o->n += (size_t)n;
	return n;
}

static long bio_ctrl(BIO *b, int cmd, long n, void *p)
{
	(void)b;
	(void)n;
	(void)p;
	return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "kanhe");
	if (!m) return NULL;
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_ctrl(m, bio_ctrl);
	return m;
}

/* ---- context ----------------------------------------------------------------------------- */

static enum err conf_failed(struct flaw *f, const char *path, const char *rule)
{
	char why[120];
	ERR_error_string_n(ERR_get_error(), why, sizeof why);
	ERR_clear_error();
	return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, path, rule, "%s: %s", rule, why);
}

static enum err check_key_mode(const char *path, struct flaw *f)
{
	struct stat st;
	if (stat(path, &st))
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, path, "key-file",
				"the key file is absent");
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return flaw_set(f, ERR_BAD_KEY, FLAW_NO_OFFSET, path, "key-mode",
				"the key file is open to others; chmod 600");
	return ERR_OK;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
		   unsigned in_n, void *arg)
{
	static const unsigned char ours[] = "\x02h2\x08http/1.1";
	unsigned char *chosen;
	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_n, ours, sizeof ours - 1, in, in_n) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static enum err load_files(SSL_CTX *x, const struct net_tls_options *o, struct flaw *f)
{
	if (!o->certificate || !o->key)
		return flaw_set(f, ERR_BAD_CONF, FLAW_NO_OFFSET, "tls", "certificate",
				"a TLS listener needs a certificate and a key");
	enum err e = check_key_mode(o->key, f);
	if (e) return e;
	if (SSL_CTX_use_certificate_chain_file(x, o->certificate) != 1)
		return conf_failed(f, o->certificate, "certificate");
	if (SSL_CTX_use_PrivateKey_file(x, o->key, SSL_FILETYPE_PEM) != 1)
		return conf_failed(f, o->key, "key");
	if (SSL_CTX_check_private_key(x) != 1) return conf_failed(f, o->key, "key-fits-certificate");
	if (!o->client_ca) return ERR_OK;
	if (SSL_CTX_load_verify_file(x, o->client_ca) != 1)
		return conf_failed(f, o->client_ca, "client-ca");
	SSL_CTX_set_client_CA_list(x, SSL_load_client_CA_file(o->client_ca));
	SSL_CTX_set_verify(x, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, NULL);
	SSL_CTX_set_verify_depth(x, TLS_CERT_DEPTH);
	SSL_CTX_set_max_cert_list(x, TLS_CERT_LIST_MAX);
	return ERR_OK;
}

static enum err set_up(SSL_CTX *x, const struct net_tls_options *o, struct flaw *f)
{
	static const unsigned char session_context[] = "kanhe";
	SSL_CTX_set_min_proto_version(x, TLS1_2_VERSION);
	SSL_CTX_set_options(x, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
				   SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* idle connections give their record buffers back */
	SSL_CTX_set_mode(x, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(x, 1);
	SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_OFF); /* tickets only: nothing is kept */
	SSL_CTX_set_session_id_context(x, session_context, sizeof session_context - 1);
	SSL_CTX_set_num_tickets(x, 1);
	SSL_CTX_set_max_early_data(x, 0);
	SSL_CTX_set_alpn_select_cb(x, on_alpn, NULL);
	if (SSL_CTX_set_cipher_list(x, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
	    SSL_CTX_set1_groups_list(x, "X25519:P-256:P-384") != 1)
		return conf_failed(f, "tls", "suites");
	return load_files(x, o, f);
}

enum err tls_context_open(const struct net_tls_options *o, struct flaw *f, struct tls_context **ret)
{
	struct tls_context *x = calloc(1, sizeof *x);
	if (!x) return ERR_NO_MEMORY;
	x->ssl = SSL_CTX_new(TLS_server_method());
	x->bio = bio_method();
	enum err e = x->ssl && x->bio ? set_up(x->ssl, o, f) : ERR_NO_MEMORY;
	if (e)
		tls_context_close(x);
	else
		*ret = x;
	return e;
}

void tls_context_close(struct tls_context *x)
{
	if (!x) return;
	SSL_CTX_free(x->ssl);
	BIO_meth_free(x->bio);
	free(x);
}

/* ---- connections ------------------------------------------------------------------------- */

enum err tls_new(struct tls_context *x, struct out *sealed, struct tls **ret)
{
	struct tls *t = calloc(1, sizeof *t);
	BIO *b = t ? BIO_new(x->bio) : NULL;
	if (b) t->ssl = SSL_new(x->ssl);
	if (!b || !t->ssl) {
		BIO_free(b);
		free(t);
		return ERR_NO_MEMORY;
	}
	t->sealed = sealed;
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	SSL_set_bio(t->ssl, b, b);
	SSL_set_accept_state(t->ssl);
	*ret = t;
	return ERR_OK;
}

void tls_free(struct tls *t)
{
	if (!t) return;
	SSL_free(t->ssl);
	free(t);
}

static bool fatal(struct tls *t, int result)
{
	int why = SSL_get_error(t->ssl, result);
	ERR_clear_error();
	return why != SSL_ERROR_WANT_READ;
}

enum err tls_unseal(struct tls *t, struct str in, tls_plain_fn *plain, void *arg)
{
	char piece[PLAIN_PIECE];
	t->in = in;
	if (!t->done) {
		int ok = SSL_do_handshake(t->ssl);
		if (ok != 1) return fatal(t, ok) ? ERR_BAD_INPUT : ERR_OK;
		t->done = true;
	}
	for (;;) {
		int n = SSL_read(t->ssl, piece, sizeof piece);
		if (n <= 0) return fatal(t, n) ? ERR_BAD_INPUT : ERR_OK;
		plain(arg, piece, (size_t)n);
	}
}

enum err tls_seal(struct tls *t, struct str plain)
{
	if (!t->done) return ERR_BAD_STATE;
	int n = SSL_write(t->ssl, plain.p, (int)plain.n);
	if (n == (int)plain.n) return ERR_OK;
	ERR_clear_error();
	return ERR_IO;
}

void tls_shut(struct tls *t)
{
	if (t->done) SSL_shutdown(t->ssl);
	ERR_clear_error();
}

bool tls_done(const struct tls *t)
{
	return t->done;
}

bool tls_h2(const struct tls *t)
{
	const unsigned char *p;
	unsigned n;
	SSL_get0_alpn_selected(t->ssl, &p, &n);
	return str_eq(str_n(p, n), STR("h2"));
}

bool tls_client_cert(const struct tls *t, unsigned char sha256[32])
{
	X509 *cert = SSL_get1_peer_certificate(t->ssl);
	unsigned n = 32;
	bool ok = cert && SSL_get_verify_result(t->ssl) == X509_V_OK &&
		  X509_digest(cert, EVP_sha256(), sha256, &n) == 1;
	X509_free(cert);
	return ok;
}
