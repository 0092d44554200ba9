/* kanhe node: starts, stops and looks after the daemon of a folder; grants and withdraws tokens. */
#include "tools/kanhe/client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define START_WAIT (60 * USEC_PER_SEC)
#define STOP_WAIT (40 * USEC_PER_SEC)
#define LOOK_EVERY (5 * USEC_PER_MSEC)

enum { LOG_TOLD_MAX = 4096 }; /* octets of the log of a daemon that does not start */

static const char *in_folder(struct cli *c, const char *name)
{
	char full[PATH_MAX];
	if (!realpath(c->node, full)) snprintf(full, sizeof full, "%s", c->node);
	return client_path(c, "%s/%s", full, name);
}

/* Whether it is a daemon of ours: a number that was left behind may be anybody's by now. One that has ended
 * counts as gone although its parent has not asked for it yet. */
static bool alive(pid_t pid)
{
	char path[64], line[512] = "";
	if (kill(pid, 0)) return false;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	if (!f) return false;
	const char *got = fgets(line, sizeof line, f);
	fclose(f);
	const char *name = got ? strchr(line, '(') : NULL, *name_end = got ? strrchr(line, ')') : NULL;
	return name && name_end && strncmp(name, "(kanhed)", 8) == 0 && strncmp(name_end, ") Z", 3) != 0;
}

/* Process number of the folder's daemon, 0 when none runs. */
static pid_t running(struct cli *c)
{
	int pid = 0;
	FILE *f = fopen(in_folder(c, "kanhed.pid"), "re");
	if (!f) return 0;
	if (fscanf(f, "%d", &pid) != 1) pid = 0;
	fclose(f);
	return pid > 0 && alive(pid) ? pid : 0;
}

/* kanhed beside this program, else by PATH. */
static const char *daemon_path(struct cli *c)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n <= 0) return "kanhed";
	self[n] = 0;
	char *slash = strrchr(self, '/');
	*slash = 0;
	const char *beside = client_path(c, "%s/kanhed", self);
	return access(beside, X_OK) ? "kanhed" : beside;
}

static _Noreturn void become_daemon(const char *program, const char *conf, const char *pid_file,
				    const char *log_file)
{
	int log = open(log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	setsid();
	dup2(nothing, 0);
	dup2(nothing, 1);
	if (log >= 0) dup2(log, 2);
	execlp(program, program, "--pid-file", pid_file, conf, (char *)NULL);
	fprintf(stderr, "cannot run %s: %s\n", program, strerror(errno));
	_exit(127);
}

static bool ready(struct cli *c, struct reply *r)
{
	struct call call = {
	    .method = "GET", .path = "/readyz", .quiet_errors = true, .deadline = USEC_PER_SEC};
	return client_call(c, &call, r) == CLI_OK;
}

/* What the daemon said before it left. */
static void tell_log(const char *log, off_t from)
{
	char said[LOG_TOLD_MAX];
	int fd = open(log, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : pread(fd, said, sizeof said, from);
	if (n > 0) fprintf(stderr, "%.*s", (int)n, said);
	if (fd >= 0) close(fd);
}

static int start(struct cli *c)
{
	int status = client_open(c);
	if (status) return status;
	if (!c->target->folder) return usage_error(c, SAY_NEEDS_FOLDER, c->node);
	if (running(c)) {
		print_error(c, say(SAY_RUNS_ALREADY), c->node, (int)running(c));
		return CLI_FAILED;
	}
	const char *program = daemon_path(c), *log = in_folder(c, "kanhed.log");
	const char *conf = in_folder(c, "kanhed.conf"), *pid_file = in_folder(c, "kanhed.pid");
	usec_t from = clock_mono();
	struct stat was;
	struct reply r;
	if (stat(log, &was)) was.st_size = 0;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) become_daemon(program, conf, pid_file, log);
	if (pid < 0) {
		print_error(c, "fork: %s", strerror(errno));
		return CLI_FAILED;
	}
	/* by its number, which it writes once it has its port: somebody else may answer there */
	while (running(c) != pid || !ready(c, &r)) {
		int ended;
		if (waitpid(pid, &ended, WNOHANG) == pid || clock_mono() - from > START_WAIT) {
			print_error(c, say(SAY_DID_NOT_START), c->node, log);
			tell_log(log, was.st_size);
			return CLI_FAILED;
		}
		usleep(LOOK_EVERY);
	}
	double ms = (double)(clock_mono() - from) / USEC_PER_MSEC;
	if (c->json)
		printf("{\"pid\":%d,\"url\":\"%.*s\",\"ms\":%.1f}\n", (int)pid, STR_ARG(c->target->url),
		       ms);
	else if (!c->quiet)
		printf(say(SAY_STARTED), STR_ARG(c->target->url), (int)pid, ms);
	/* a test mode is told even to who wants no chatter */
	struct str mode = str_trim(str_skip(r.body, STR("ready\n").n));
	if (mode.n) {
		print_said(stderr, arena_strdup(c->arena, mode));
		fprintf(stderr, "\n");
	}
	return CLI_OK;
}

static int stop(struct cli *c)
{
	pid_t pid = running(c);
	usec_t from = clock_mono();
	if (!pid) {
		if (!c->quiet) fprintf(stderr, say(SAY_RUNS_NOT), c->node);
		return CLI_OK;
	}
	kill(pid, SIGTERM);
	while (alive(pid)) {
		if (clock_mono() - from > STOP_WAIT) {
			print_error(c, say(SAY_DID_NOT_STOP), (int)pid);
			return CLI_FAILED;
		}
		usleep(LOOK_EVERY);
	}
	if (!c->quiet && !c->json) printf(say(SAY_STOPPED), c->node);
	return CLI_OK;
}

struct grant {
	const char *scope, *expires, *certificate, *out;
};

static int grant(struct cli *c, const struct words *w, const struct grant *g)
{
	struct reply r;
	if (w->n < 4) return usage_error(c, SAY_MISSING_WORD, w->n < 3 ? "NAME" : "ROLES");
	json_t *o = json_object();
	json_put_str(o, "name", str_of(w->word[2]));
	json_put_str(o, "roles", str_of(w->word[3]));
	json_put_str(o, "scope", str_of(g->scope ? g->scope : ""));
	if (g->expires) json_put_str(o, "expires", str_of(g->expires));
	if (g->certificate) json_put_str(o, "certificate", str_of(g->certificate));
	int status =
	    client_call(c, &(struct call){.method = "POST", .path = "/credentials", .json = o}, &r);
	if (!status && g->out) status = token_write(c, g->out, text_of(r.json, "token"));
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else if (!g->out)
		printf("%s\n", text_of(r.json, "token"));
	else if (!c->quiet)
		printf(say(SAY_ENTERPRISE_TOKEN), g->out, g->scope ? g->scope : "-", w->word[3]);
	return CLI_OK;
}

static int tokens(struct cli *c)
{
	struct reply r;
	size_t i;
	json_t *t;
	int status = client_call(c, &(struct call){.method = "GET", .path = "/credentials"}, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(r.json, "credentials"), i, t)
	    printf("%-20s %-24s %s %s\n", text_of(t, "name"), text_of(t, "roles"), text_of(t, "scope"),
		   text_of(t, "expires"));
	return CLI_OK;
}

static int withdraw(struct cli *c, const struct words *w)
{
	struct reply r;
	if (w->n < 3) return usage_error(c, SAY_MISSING_WORD, "NAME");
	const char *path = client_path(c, "/credentials/%s", path_word(c, w->word[2], false));
	return client_call(c, &(struct call){.method = "DELETE", .path = path}, &r);
}

static int participant_add(struct cli *c, const char *id, const char *title, const char *kind)
{
	struct reply r;
	json_t *o = json_object();
	json_put_str(o, "id", str_of(id));
	json_put_str(o, "title", str_of(title));
	if (kind) json_put_str(o, "tokens", str_of(kind));
	int status =
	    client_call(c, &(struct call){.method = "POST", .path = "/participants", .json = o}, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else
		printf("%s  %s\n", text_of(r.json, "id"), text_of(r.json, "did"));
	if (!c->quiet && !c->json) fprintf(stderr, say(SAY_PARTICIPANT_TOKEN), id, id, c->node, id);
	return CLI_OK;
}

/* With what a partner needs to know of each: its DID, and the line for its identity.partners. */
static int participants(struct cli *c)
{
	struct reply r;
	size_t i;
	json_t *p;
	int status = client_call(c, &(struct call){.method = "GET", .path = "/participants"}, &r);
	if (status) return status;
	if (c->json) {
		print_json(r.json);
		return CLI_OK;
	}
	json_array_foreach(json_object_get(r.json, "participants"), i, p)
	{
		printf("%s  %s  %s  %s\n", text_of(p, "id"), text_of(p, "did"), text_of(p, "tokens"),
		       safe(text_of(p, "title")));
		printf("  %s %s\n", say(SAY_PARTICIPANT_PIN), text_of(p, "pin"));
	}
	return CLI_OK;
}

int command_node(struct cli *c, int argc, char **argv)
{
	static const char *const verbs[] = {"start", "stop", "restart", "token", "participant"};
	struct grant g = {.scope = NULL};
	const char *title = NULL, *kind = NULL;
	struct words w;
	const struct option_row own[] = {
	    {"scope", &g.scope, NULL}, {"expires", &g.expires, NULL}, {"certificate", &g.certificate, NULL},
	    {"out", &g.out, NULL},     {"title", &title, NULL},       {"tokens", &kind, NULL}};
	int status = options_read(c, argc, argv, own, 6, &w);
	if (status) return status;
	const char *verb = w.n ? w.word[0] : "";
	if (strcmp(verb, "start") == 0) return start(c);
	if (strcmp(verb, "stop") == 0) return stop(c);
	if (strcmp(verb, "restart") == 0) {
		status = stop(c);
		return status ? status : start(c);
	}
	if (strcmp(verb, "participant") == 0 && (w.n == 1 || (w.n == 2 && !strcmp(w.word[1], "list"))))
		return participants(c);
	if (strcmp(verb, "participant") == 0 && w.n == 2)
		return participant_add(c, w.word[1], title ? title : w.word[1], kind);
	if (strcmp(verb, "token") == 0 && w.n > 1) {
		if (strcmp(w.word[1], "add") == 0) return grant(c, &w, &g);
		if (strcmp(w.word[1], "list") == 0) return tokens(c);
		if (strcmp(w.word[1], "revoke") == 0) return withdraw(c, &w);
	}
	const char *near = suggest(verb, verbs, 5);
	status = verb_error(c, verb, "start|stop|restart|token|participant");
	if (near && strcmp(near, verb) != 0) fprintf(stderr, say(SAY_DID_YOU_MEAN), near);
	return status;
}
