/* Real clients: curl, nghttp, h2load, openssl; in clear text and over TLS. */
#include "tests/net/h2_client.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fixture x;
static char ca[100], pem[100], key[100], stranger[100], stranger_key[100], clear[40], tls[40];

static int start(void **state)
{
	(void)state;
	struct net_options o = {.shards = 2};
	fixture_start(&x, &o, FIXTURE_TLS | FIXTURE_CLIENT_CA);
	snprintf(ca, sizeof ca, "%s/ca.pem", x.folder);
	snprintf(pem, sizeof pem, "%s/client.pem", x.folder);
	snprintf(key, sizeof key, "%s/client.key", x.folder);
	snprintf(stranger, sizeof stranger, "%s/stranger.pem", x.folder);
	snprintf(stranger_key, sizeof stranger_key, "%s/stranger.key", x.folder);
	snprintf(clear, sizeof clear, "http://127.0.0.1:%u", x.port);
	snprintf(tls, sizeof tls, "https://127.0.0.1:%u", x.tls_port);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&x, USEC_PER_SEC);
	return 0;
}

enum { ARGS = 24 };

/* curl -sS with the arguments given (ended by NULL); the base URL is put before the last one. */
static int curl(const char *base, const char *const *args, struct buf *out)
{
	const char *argv[ARGS] = {"curl", "-sS", "--max-time", "60", "--cacert", ca};
	char url[200];
	size_t n = 6;
	while (args[n - 6] && n < ARGS - 1) {
		argv[n] = args[n - 6];
		n++;
	}
	snprintf(url, sizeof url, "%s%s", base, argv[n - 1]);
	argv[n - 1] = url;
	*out = BUF_INIT(256 << 20);
	int status = run_program(argv, out);
	buf_byte(out, 0);
	return status;
}

static const char *const versions[][2] = {
    {"c", "--http1.1"}, {"c", "--http2-prior-knowledge"}, {"t", "--http1.1"}, {"t", "--http2"}};

static void curl_gets(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct buf out;
		const char *base = versions[i][0][0] == 't' ? tls : clear;
		char want[40];
		assert_int_equal(curl(base, (const char *[]){versions[i][1], "/show?q=x", NULL}, &out), 0);
		snprintf(want, sizeof want, "h2=%d\ntls=%d\n", i % 2, i / 2);
		assert_non_null(strstr(out.p, want));
		assert_non_null(strstr(out.p, i / 2 ? "scheme=https\n" : "scheme=http\n"));
		assert_null(strstr(out.p, "cert="));
		buf_done(&out);
		assert_int_equal(curl(base, (const char *[]){versions[i][1], "-I", "/fixed", NULL}, &out),
				 0);
		assert_true(strstr(out.p, "ontent-") && strstr(out.p, "ength: 5"));
		buf_done(&out);
	}
}

static void curl_moves_megabytes(void **state)
{
	(void)state;
	char path[100], data[110];
	snprintf(path, sizeof path, "%s/upload", x.folder);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	for (int i = 0; i < 5000000; i++) fputc(i % 251, f);
	fclose(f);
	snprintf(data, sizeof data, "@%s", path);
	for (int i = 0; i < 4; i++) {
		struct buf out;
		const char *base = versions[i][0][0] == 't' ? tls : clear;
		assert_int_equal(
		    curl(base, (const char *[]){versions[i][1], "-T", path, "/sink", NULL}, &out), 0);
		assert_string_equal(out.p, "5000000 octets, 0 wrong");
		buf_done(&out);
		assert_int_equal(
		    curl(base, (const char *[]){versions[i][1], "/stream?n=5000001", NULL}, &out), 0);
		assert_int_equal(out.n, 5000002); /* and the NUL */
		for (size_t k = 0; k < 5000001; k++) assert_int_equal((unsigned char)out.p[k], k % 251);
		buf_done(&out);
		/* cut: curl must say so: 18 short, 56 receive error, 92 stream error */
		int e = curl(base,
			     (const char *[]){versions[i][1], "-o", "/dev/null",
					      "/stream?n=5000000&cut=1000000", NULL},
			     &out);
		assert_true(e == 18 || e == 56 || e == 92);
		buf_done(&out);
		/* too large, told before: the answer arrives although the body was not read */
		e = curl(base,
			 (const char *[]){versions[i][1], "-X", "POST", "--data-binary", data, "-w",
					  "%{http_code}", "-o", "/dev/null", "/echo", NULL},
			 &out);
		if (!strstr(out.p, "413")) fail_msg("%s %d: %s", versions[i][1], e, out.p);
		buf_done(&out);
	}
}

static void client_certificate_is_seen(void **state)
{
	(void)state;
	unsigned char hash[32];
	char hex[65] = {0};
	unsigned n = sizeof hash;
	FILE *f = fopen(pem, "rb");
	X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	assert_int_equal(X509_digest(cert, EVP_sha256(), hash, &n), 1);
	X509_free(cert);
	hex_write(hash, 32, hex);
	for (int i = 0; i < 2; i++) {
		struct buf out;
		const char *version = i ? "--http2" : "--http1.1";
		assert_int_equal(
		    curl(tls, (const char *[]){version, "--cert", pem, "--key", key, "/show", NULL}, &out),
		    0);
		assert_non_null(strstr(out.p, hex));
		buf_done(&out);
		/* TLS 1.2 shows it too */
		assert_int_equal(curl(tls,
				      (const char *[]){version, "--tls-max", "1.2", "--cert", pem, "--key",
						       key, "/show", NULL},
				      &out),
				 0);
		assert_non_null(strstr(out.p, hex));
		buf_done(&out);
		/* another authority's certificate is refused */
		assert_int_not_equal(curl(tls,
					  (const char *[]){version, "--cert", stranger, "--key",
							   stranger_key, "/show", NULL},
					  &out),
				     0);
		buf_done(&out);
	}
}

static void old_protocols_and_suites_are_refused(void **state)
{
	(void)state;
	char at[40];
	snprintf(at, sizeof at, "127.0.0.1:%u", x.tls_port);
	static const char *const refused[][4] = {
	    {"-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", NULL},
	    {"-tls1_2", "-cipher", "AES128-SHA256", NULL},
	    {"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256", NULL},
	    {"-alpn", "spdy/3", "-quiet", NULL},
	};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct buf out = BUF_INIT(1 << 20);
		const char *argv[] = {"timeout", "10",          "openssl",     "s_client",    "-connect",
				      at,        refused[i][0], refused[i][1], refused[i][2], NULL};
		assert_int_not_equal(run_program(argv, &out), 0);
		buf_done(&out);
	}
	struct net_stat stat;
	net_server_stat(x.server, &stat);
	assert_true(stat.tls_failures >= 4);
	/* garbage instead of a handshake */
	struct buf all = BUF_INIT(1000);
	exchange(x.tls_port, "GET / HTTP/1.1\r\n\r\n", &all);
	buf_done(&all);
}

static void sessions_resume_without_early_data(void **state)
{
	(void)state;
	char at[40], session[100];
	snprintf(at, sizeof at, "127.0.0.1:%u", x.tls_port);
	snprintf(session, sizeof session, "%s/session", x.folder);
	struct buf out = BUF_INIT(1 << 20);
	const char *first[] = {
	    "sh",
	    "-c",
	    "printf 'GET /fixed HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | "
	    "timeout 10 openssl s_client -quiet -connect \"$0\" -sess_out \"$1\"",
	    at,
	    session,
	    NULL};
	run_program(first, &out);
	buf_clear(&out);
	const char *again[] = {
	    "sh",
	    "-c",
	    "printf 'GET /fixed HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | "
	    "timeout 10 openssl s_client -ign_eof -connect \"$0\" -sess_in \"$1\"",
	    at,
	    session,
	    NULL};
	run_program(again, &out);
	buf_byte(&out, 0);
	assert_non_null(strstr(out.p, "Reused, TLSv1.3"));
	assert_non_null(strstr(out.p, "Early data was not sent"));
	assert_non_null(strstr(out.p, "fixed"));
	buf_done(&out);
}

static void load(const char *base, const char *path, const char *n, const char *more)
{
	struct buf out = BUF_INIT(1 << 20);
	char url[120], want[80];
	snprintf(url, sizeof url, "%s%s", base, path);
	const char *argv[] = {"timeout", "60", "h2load", "-n", n, "-c", "20", "-m", "20", url, more, NULL};
	assert_int_equal(run_program(argv, &out), 0);
	buf_byte(&out, 0);
	snprintf(want, sizeof want, "%s succeeded, 0 failed, 0 errored", n);
	if (!strstr(out.p, want)) fail_msg("%s", out.p);
	buf_done(&out);
}

static void h2load_succeeds(void **state)
{
	(void)state;
	load(clear, "/fixed", "20000", NULL);
	load(tls, "/fixed", "20000", NULL);
	load(clear, "/stream?n=100000", "1000", NULL);
	load(tls, "/stream?n=100000", "1000", NULL);
	load(clear, "/fixed", "20000", "--h1");
	load(tls, "/hold?ms=1", "4000", NULL);
}

static void nghttp_multiplexes(void **state)
{
	(void)state;
	struct buf out = BUF_INIT(1 << 24);
	char url[3][120];
	static const char *const paths[] = {"/fixed", "/stream?n=50000&slow=1&piece=5000", "/hold?ms=10"};
	for (int i = 0; i < 3; i++) snprintf(url[i], sizeof url[i], "%s%s", clear, paths[i]);
	const char *argv[] = {"timeout", "20", "nghttp", "-nvs", url[0], url[1], url[2], NULL};
	assert_int_equal(run_program(argv, &out), 0);
	buf_byte(&out, 0);
	assert_null(strstr(out.p, "GOAWAY frame <length=8, flags=0x00, stream_id=0>\n          "
				  "(last_stream_id=0, error_code=PROTOCOL"));
	buf_done(&out);
}

static void open_keys_are_refused(void **state)
{
	(void)state;
	char path[100], node[100];
	snprintf(path, sizeof path, "%s/client.key", x.folder);
	snprintf(node, sizeof node, "%s/client.pem", x.folder);
	assert_int_equal(chmod(path, 0644), 0);
	struct net_listener l = {"127.0.0.1", 0, true};
	struct net_options o = {.listeners = &l, .listeners_n = 1, .shards = 1};
	o.tls = (struct net_tls_options){node, path, NULL};
	struct net_server *s = NULL;
	struct flaw f;
	assert_int_equal(net_server_start(&o, &f, &s), ERR_BAD_KEY);
	assert_int_equal(chmod(path, 0600), 0);
	snprintf(path, sizeof path, "%s/stranger.key", x.folder);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(net_server_start(&o, &f, &s), ERR_BAD_CONF);
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(curl_gets),
	    cmocka_unit_test(curl_moves_megabytes),
	    cmocka_unit_test(client_certificate_is_seen),
	    cmocka_unit_test(old_protocols_and_suites_are_refused),
	    cmocka_unit_test(sessions_resume_without_early_data),
	    cmocka_unit_test(h2load_succeeds),
	    cmocka_unit_test(nghttp_multiplexes),
	    cmocka_unit_test(open_keys_are_refused),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
