#include "tests/base/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sign.h"
#include "net/cert.h"

static char folder[] = "/tmp/kanhe-cert-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return sign_setup() || !mkdtemp(folder) || chdir(folder) ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	static const char *const made[] = {"ca.pem",   "ca.key",    "node.pem",  "node.key",
					   "user.pem", "user.key",  "ca2.pem",   "ca2.key",
					   "junk.pem", "other.pem", "other.key", "out"};
	for (size_t i = 0; i < COUNT(made); i++) unlink(made[i]);
	return chdir("/") || rmdir(folder);
}

/* Exit status of the openssl program; what it printed is in the file "out". */
static int openssl(const char *const *args)
{
	pid_t pid = fork();
	if (pid == 0) {
		char *argv[16] = {NULL};
		size_t n = 0;
		argv[n++] = strdup("openssl");
		for (; *args; args++) argv[n++] = strdup(*args);
		if (!freopen("out", "w", stdout) || dup2(1, 2) < 0) _exit(126);
		execvp("openssl", argv);
		_exit(127);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define OPENSSL(...) openssl((const char *const[]){__VA_ARGS__, NULL})

static bool printed(const char *text)
{
	static char all[16384];
	FILE *f = fopen("out", "r");
	size_t n = fread(all, 1, sizeof all - 1, f);
	fclose(f);
	all[n] = 0;
	return strstr(all, text) != NULL;
}

static const char *const hosts[] = {"maker.example", "*.maker.example", "127.0.0.1", "::1", "localhost"};
static const struct cert_subject node = {
    .ca_cert = "ca.pem", .ca_key = "ca.key", .name = "maker", .hosts = hosts, .hosts_n = COUNT(hosts)};

static unsigned mode_of(const char *path)
{
	struct stat s;
	assert_int_equal(stat(path, &s), 0);
	return s.st_mode & 07777;
}

static void an_authority_is_made(void **state)
{
	(void)state;
	struct flaw f = {0};
	assert_int_equal(cert_make_ca("ca.pem", "ca.key", "Demonstration authority 示范", &f), ERR_OK);
	assert_int_equal(mode_of("ca.key"), 0600);
	assert_int_equal(mode_of("ca.pem"), 0644);
	assert_int_equal(OPENSSL("verify", "-x509_strict", "-CAfile", "ca.pem", "ca.pem"), 0);
	assert_int_equal(OPENSSL("x509", "-in", "ca.pem", "-noout", "-text"), 0);
	assert_true(printed("CA:TRUE, pathlen:0"));
	assert_true(printed("prime256v1"));
	assert_int_equal(cert_make_ca("ca.pem", "ca2.key", "Another", &f), ERR_EXISTS);
	assert_string_equal(f.at, "ca.pem");
	assert_int_not_equal(access("ca2.key", F_OK), 0); /* both or none */
	assert_int_equal(cert_make_ca("ca2.pem", "ca.key", "Another", &f), ERR_EXISTS);
	assert_int_not_equal(access("ca2.pem", F_OK), 0);
}

static void a_node_is_accepted_under_its_names_only(void **state)
{
	(void)state;
	struct flaw f = {0};
	assert_int_equal(cert_make_node(&node, "node.pem", "node.key", &f), ERR_OK);
	assert_int_equal(mode_of("node.key"), 0600);
	for (int client = 0; client < 2; client++)
		assert_int_equal(OPENSSL("verify", "-x509_strict", "-purpose",
					 client ? "sslclient" : "sslserver", "-CAfile", "ca.pem",
					 "node.pem"),
				 0);
	static const struct {
		const char *kind, *host;
		bool ok;
	} rows[] = {
	    {"-verify_hostname", "maker.example", true},
	    {"-verify_hostname", "a.maker.example", true},
	    {"-verify_hostname", "localhost", true},
	    {"-verify_ip", "127.0.0.1", true},
	    {"-verify_ip", "::1", true},
	    {"-verify_hostname", "buyer.example", false},
	    {"-verify_hostname", "a.b.maker.example", false},
	    {"-verify_hostname", "maker", false},
	    {"-verify_ip", "127.0.0.2", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		int status = OPENSSL("verify", "-CAfile", "ca.pem", rows[i].kind, rows[i].host, "node.pem");
		if ((status == 0) != rows[i].ok) fail_msg("%s %s: %d", rows[i].kind, rows[i].host, status);
	}
	assert_int_equal(cert_make_node(&node, "node.pem", "node.key", &f), ERR_EXISTS);
}

static void it_ends_when_it_says(void **state)
{
	(void)state;
	usec_t at, now = clock_wall();
	assert_int_equal(cert_expiry("node.pem", NULL, &at), ERR_OK);
	assert_in_range((at - now) / USEC_PER_DAY, 397, 398);
	assert_int_equal(cert_expiry("ca.pem", NULL, &at), ERR_OK);
	assert_in_range((at - now) / USEC_PER_DAY, 3649, 3650);
	assert_int_equal(OPENSSL("x509", "-in", "node.pem", "-noout", "-checkend", "34214400"),
			 0); /* 396 days */
	assert_int_equal(OPENSSL("x509", "-in", "node.pem", "-noout", "-checkend", "34387200"),
			 1); /* 398 days */
}

static void a_client_is_no_server(void **state)
{
	(void)state;
	struct cert_subject s = {.ca_cert = "ca.pem", .ca_key = "ca.key", .name = "erp-7"};
	assert_int_equal(cert_make_client(&s, "user.pem", "user.key", NULL), ERR_OK);
	assert_int_equal(OPENSSL("verify", "-purpose", "sslclient", "-CAfile", "ca.pem", "user.pem"), 0);
	assert_int_not_equal(OPENSSL("verify", "-purpose", "sslserver", "-CAfile", "ca.pem", "user.pem"),
			     0);
	assert_int_equal(OPENSSL("x509", "-in", "user.pem", "-noout", "-subject"), 0);
	assert_true(printed("CN = erp-7"));
	/* nor an authority */
	struct flaw f = {0};
	s.ca_cert = "user.pem";
	s.ca_key = "user.key";
	assert_int_equal(cert_make_client(&s, "other.pem", "other.key", &f), ERR_BAD_KEY);
	assert_string_equal(f.rule, "authority");
}

static void the_fingerprint_is_that_of_openssl(void **state)
{
	(void)state;
	unsigned char print[CERT_FINGERPRINT], other[CERT_FINGERPRINT];
	char text[3 * CERT_FINGERPRINT + 1];
	assert_int_equal(cert_fingerprint("node.pem", NULL, print), ERR_OK);
	for (int i = 0; i < CERT_FINGERPRINT; i++)
		snprintf(text + 3 * i, 4, "%02X%s", print[i], i + 1 < CERT_FINGERPRINT ? ":" : "");
	assert_int_equal(OPENSSL("x509", "-in", "node.pem", "-noout", "-fingerprint", "-sha256"), 0);
	assert_true(printed(text));
	assert_int_equal(cert_fingerprint("ca.pem", NULL, other), ERR_OK);
	assert_memory_not_equal(print, other, sizeof print);
}

static void bad_names_are_refused_and_leave_nothing(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",       "a..b",    "-a.b",  "a-.b",           "a b",     "a_b.c",
	    "*",      "*.",      "a.*.b", "1.2.3.400",      "1.2.3",   "[::1]",
	    "::1%lo", "a.b,c.d", "a\nb",  "caf\xc3\xa9.fr", "DNS:a.b", "a.b."};
	char label[70], whole[300];
	memset(label, 'a', sizeof label);
	label[64] = 0;
	memset(whole, 'a', sizeof whole);
	for (size_t i = 50; i < sizeof whole; i += 51) whole[i] = '.';
	whole[260] = 0;
	struct cert_subject s = node;
	s.hosts_n = 2;
	for (size_t i = 0; i < COUNT(bad) + 2; i++) {
		struct flaw f = {0};
		const char *host = i < COUNT(bad) ? bad[i] : i == COUNT(bad) ? label : whole;
		const char *two[] = {"good.example", host};
		s.hosts = two;
		assert_int_equal(cert_make_node(&s, "other.pem", "other.key", &f), ERR_BAD_INPUT);
		assert_string_equal(f.rule, "host");
	}
	s.hosts_n = 0;
	assert_int_equal(cert_make_node(&s, "other.pem", "other.key", NULL), ERR_BAD_INPUT);
	static const char *const names[] = {
	    "", "a\nb", "\xff", "12345678901234567890123456789012345678901234567890123456789012345"};
	s = node;
	for (size_t i = 0; i < COUNT(names); i++) {
		s.name = names[i];
		assert_int_equal(cert_make_node(&s, "other.pem", "other.key", NULL), ERR_BAD_INPUT);
	}
	assert_int_not_equal(access("other.pem", F_OK), 0);
	assert_int_not_equal(access("other.key", F_OK), 0);
}

static void the_authority_must_be_whole(void **state)
{
	(void)state;
	struct flaw f = {0};
	struct cert_subject s = node;
	assert_int_equal(cert_make_ca("ca2.pem", "ca2.key", "Another", &f), ERR_OK);
	s.ca_key = "ca2.key";
	assert_int_equal(cert_make_node(&s, "other.pem", "other.key", &f), ERR_BAD_KEY);
	assert_string_equal(f.rule, "key");
	s.ca_key = "absent";
	assert_int_equal(cert_make_node(&s, "other.pem", "other.key", &f), ERR_NOT_FOUND);
	s = node;
	assert_int_equal(chmod("ca.key", 0644), 0);
	assert_int_equal(cert_make_node(&s, "other.pem", "other.key", &f), ERR_BAD_KEY);
	assert_string_equal(f.rule, "mode");
	assert_int_equal(chmod("ca.key", 0600), 0);
	FILE *junk = fopen("junk.pem", "w");
	fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", junk);
	fclose(junk);
	usec_t at = 7;
	assert_int_equal(cert_expiry("junk.pem", &f, &at), ERR_BAD_INPUT);
	assert_int_equal(at, 7);
	assert_int_equal(cert_expiry("absent", &f, &at), ERR_NOT_FOUND);
	/* a certificate of another authority does not pass for one of ours */
	assert_int_not_equal(OPENSSL("verify", "-CAfile", "ca2.pem", "node.pem"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_authority_is_made),
	    cmocka_unit_test(a_node_is_accepted_under_its_names_only),
	    cmocka_unit_test(it_ends_when_it_says),
	    cmocka_unit_test(a_client_is_no_server),
	    cmocka_unit_test(the_fingerprint_is_that_of_openssl),
	    cmocka_unit_test(bad_names_are_refused_and_leave_nothing),
	    cmocka_unit_test(the_authority_must_be_whole),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
