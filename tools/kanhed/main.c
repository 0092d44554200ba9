/* kanhed: the daemon. Parses its arguments, checks the configuration, runs the supervisor. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/retell.h"
#include "base/say.h"
#include "tools/kanhed/serve.h"
#include "tools/kanhed/settings.h"
#include "tools/kanhed/supervisor.h"
#include "tools/kanhed/version.h"

enum { SETS_MAX = 64, ERRORS_MAX = 64 * 1024, PLACE_MAX = 4096 + 16, EXIT_USAGE = 2, SAID_ROOM = 32 << 10 };

struct args {
	const char *file, *pid_file;
	const char *sets[SETS_MAX];
	size_t sets_n;
	bool check, alone;
	struct listen listen;
};

/* place: what is wrong there, in the reader's language. */
static void complain(const char *place, const char *text)
{
	struct arena *a = arena_new(SAID_ROOM);
	must(a != NULL);
	fprintf(stderr, "%s: %.*s\n", place, STR_ARG(retell(say_language(), a, str_of(text))));
	arena_free(a);
}

static void tell(void *arg, const struct flaw *f)
{
	const struct conf *c = arg;
	char place[PLACE_MAX];
	conf_place(c, str_of(f->at), place, sizeof place);
	fprintf(stderr, "%s: %s: ", place, f->at);
	complain(f->rule, f->text);
}

static int load(const struct args *a, struct conf **ret)
{
	struct buf errors = BUF_INIT(ERRORS_MAX);
	enum err e = conf_load(settings_rows, settings_n, a->file, a->sets, a->sets_n, &errors, ret);
	if (e) fprintf(stderr, "%.*s", STR_ARG(buf_str(&errors)));
	if (!e) {
		e = node_check(*ret, tell, *ret);
		if (e) conf_free(*ret);
	}
	if (e) fprintf(stderr, say(SAY_KANHED_REFUSED), a->file);
	buf_done(&errors);
	return e ? EXIT_CONFIGURATION : 0;
}

static int check(const struct args *a)
{
	struct conf *c;
	int status = load(a, &c);
	if (status) return status;
	if (node_test_mode(c)[0]) complain(a->file, node_test_mode(c));
	conf_free(c);
	return 0;
}

/* The configuration, and the sockets that it names. */
static int load_and_bind(struct args *a, struct conf **ret)
{
	struct conf *c;
	struct flaw f = {0};
	int status = load(a, &c);
	if (status) return status;
	const char *key;
	enum err e = listen_renew(&a->listen, c, &f, &key);
	if (!e) {
		*ret = c;
		return 0;
	}
	if (!f.err) flaw_set(&f, e, FLAW_NO_OFFSET, "net", "listen", "%s", err_text(e));
	log_flaw(&f);
	if (e == ERR_EXISTS && key)
		fprintf(stderr, say(SAY_KANHED_PORT), key, conf_text(c, "net", key), a->file, key);
	conf_free(c);
	return EXIT_CONFIGURATION;
}

static int take_over(void *arg)
{
	struct conf *c;
	int status = load_and_bind(arg, &c);
	if (!status) conf_free(c);
	return status;
}

static void leave(void *arg)
{
	struct args *a = arg;
	listen_drop(&a->listen);
}

static int work(void *arg)
{
	struct args *a = arg;
	struct conf *c;
	enum log_level level = LOG_INFO;
	int status = load_and_bind(a, &c);
	if (status) return status;
	must(!log_level_parse(str_of(conf_text(c, "log", "level")), &level));
	log_setup(level, STDERR_FILENO);
	status = serve(c, &a->listen);
	listen_drop(&a->listen);
	conf_free(c);
	return status;
}

static bool parse(int argc, char **argv, struct args *a, int *ret_status)
{
	static const struct option options[] = {{"check", no_argument, NULL, 'k'},
						{"set", required_argument, NULL, 's'},
						{"pid-file", required_argument, NULL, 'p'},
						{"no-supervisor", no_argument, NULL, '1'},
						{"help", no_argument, NULL, 'h'},
						{"version", no_argument, NULL, 'V'},
						{NULL, 0, NULL, 0}};
	*ret_status = 0;
	for (int c; (c = getopt_long(argc, argv, "ks:p:1hV", options, NULL)) != -1;) {
		switch (c) {
		case 'k': a->check = true; break;
		case '1': a->alone = true; break;
		case 'p': a->pid_file = optarg; break;
		case 's':
			if (a->sets_n == SETS_MAX) {
				fprintf(stderr, say(SAY_KANHED_SETS_MAX), SETS_MAX);
				*ret_status = EXIT_USAGE;
				return false;
			}
			a->sets[a->sets_n++] = optarg;
			break;
		case 'h': printf("%s", say(SAY_KANHED_HELP)); return false;
		case 'V': printf("kanhed %s\n", KANHE_VERSION); return false;
		default: *ret_status = EXIT_USAGE; return false;
		}
	}
	if (optind < argc - 1) {
		fprintf(stderr, say(SAY_KANHED_EXTRA), argv[optind + 1]);
		*ret_status = EXIT_USAGE;
		return false;
	}
	a->file = optind < argc ? argv[optind] : "kanhed.conf";
	return true;
}

int main(int argc, char **argv)
{
	struct args a = {0};
	int status;
	say_setup();
	log_setup(LOG_INFO, STDERR_FILENO);
	if (!parse(argc, argv, &a, &status)) return status;
	if (a.check) {
		status = check(&a);
		if (!status) printf(say(SAY_KANHED_SOUND), a.file);
		return status;
	}
	if (a.alone) return work(&a);
	status = take_over(&a);
	if (!status) status = supervise(&(struct supervised){work, take_over, leave, &a}, a.pid_file);
	leave(&a);
	return status;
}
