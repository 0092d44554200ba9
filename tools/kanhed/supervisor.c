#include "tools/kanhed/supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "tools/kanhed/serve.h"

/* A worker that lived this long earns an immediate restart. */
#define LONG_LIFE (10 * USEC_PER_SEC)
#define PAUSE_FIRST (50 * USEC_PER_MSEC)
#define PAUSE_LONGEST (5 * USEC_PER_SEC)

struct ward {
	pid_t pid;
	usec_t born, pause;
	bool leaving, renewing;
};

static void signals_of_interest(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
}

static enum err start_worker(const struct supervised *s, struct ward *w)
{
	pid_t parent = getpid(), pid = fork();
	if (pid < 0) return ERR_IO;
	if (pid == 0) {
		sigset_t set;
		signals_of_interest(&set);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		signal(SIGHUP, SIG_IGN);
		/* a worker must not outlive a killed supervisor: its successor would find the folder locked
		 */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) _exit(EXIT_STOPPED);
		_exit(s->work(s->arg));
	}
	w->pid = pid;
	w->born = clock_mono();
	return ERR_OK;
}

static void write_pid_file(const char *path)
{
	FILE *f = path ? fopen(path, "we") : NULL;
	if (!f) {
		if (path) log_msg(LOG_WARN, "supervisor", NULL, "cannot write %s: %m", path);
		return;
	}
	fprintf(f, "%d\n", (int)getpid());
	fclose(f);
}

/* The file may be a successor's by now: only our own number is taken away. */
static void drop_pid_file(const char *path)
{
	int pid = 0;
	FILE *f = path ? fopen(path, "re") : NULL;
	if (!f) return;
	if (fscanf(f, "%d", &pid) != 1) pid = 0;
	fclose(f);
	if (pid == (int)getpid()) unlink(path);
}

static void describe_death(pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		log_msg(LOG_ERROR, "supervisor", NULL, "worker %d was ended by signal %d (%s)", (int)pid,
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_msg(LOG_ERROR, "supervisor", NULL, "worker %d left with status %d", (int)pid,
			WEXITSTATUS(status));
}

/* The worker has ended. True when the supervisor must leave, with its exit status. */
static bool after_death(const struct supervised *s, struct ward *w, int status, int *ret_exit)
{
	bool wanted = w->leaving || w->renewing;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	if (!wanted) describe_death(w->pid, status);
	*ret_exit = code;
	w->pid = 0;
	if (w->leaving ||
	    (!w->renewing && WIFEXITED(status) && (code == EXIT_CONFIGURATION || code == EXIT_STOPPED)))
		return true;
	if (w->renewing || clock_mono() - w->born > LONG_LIFE)
		w->pause = 0;
	else
		w->pause = w->pause ? w->pause * 2 : PAUSE_FIRST;
	if (w->pause > PAUSE_LONGEST) w->pause = PAUSE_LONGEST;
	w->renewing = false;
	if (w->pause) usleep((useconds_t)w->pause);
	/* the file may have been changed without a signal */
	*ret_exit = s->check(s->arg);
	if (*ret_exit) return true;
	if (start_worker(s, w)) {
		log_msg(LOG_ERROR, "supervisor", NULL, "cannot fork: %m");
		*ret_exit = 1;
		return true;
	}
	log_msg(LOG_INFO, "supervisor", NULL, "worker %d started", (int)w->pid);
	return false;
}

static void on_signal(const struct supervised *s, struct ward *w, int got)
{
	if (got == SIGHUP) {
		if (s->check(s->arg)) {
			log_msg(LOG_ERROR, "supervisor", NULL,
				"the new configuration is refused, the old one stays");
			return;
		}
		w->renewing = true;
	} else {
		w->leaving = true;
		s->leave(s->arg);
	}
	kill(w->pid, SIGTERM);
}

int supervise(const struct supervised *s, const char *pid_file)
{
	struct ward w = {0};
	sigset_t set;
	int exit_status = 1;
	signals_of_interest(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (start_worker(s, &w)) {
		log_msg(LOG_ERROR, "supervisor", NULL, "cannot fork: %m");
		return 1;
	}
	write_pid_file(pid_file);
	for (bool over = false; !over;) {
		int got, status;
		if (sigwait(&set, &got)) continue;
		if (got != SIGCHLD) {
			on_signal(s, &w, got);
			continue;
		}
		if (waitpid(w.pid, &status, WNOHANG) == w.pid)
			over = after_death(s, &w, status, &exit_status);
	}
	drop_pid_file(pid_file);
	return exit_status;
}
