// SPDX-License-Identifier: MIT
#include "api/processes.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "common/when.h"

enum { AGAIN_S = 1, CANNOT_S = 5 };

struct parent {
	struct api *api;
	unsigned n;
	pid_t child[PROCESSES_MAX];    /* 0: none */
	int64_t due_ms[PROCESSES_MAX]; /* then there is another */
	bool another[PROCESSES_MAX];   /* it is not the first in its place */
	sigset_t signals, before;
	bool stopping, failed;
};

/* True in the new process. */
static bool start(struct parent *p, unsigned i)
{
	pid_t self = getpid(), pid = fork();

	if (pid < 0) {
		log_error("process %u: cannot fork: %s", i, strerror(errno));
		return false;
	}
	if (pid) {
		p->child[i] = pid;
		return false;
	}
	/* Nobody serves whom nobody watches. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != self)
		_exit(0);
	/* What a terminal sends is for the first one, which passes it on. */
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, &p->before, NULL);
	return true;
}

static void pass_on(const struct parent *p, int sig)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->child[i])
			kill(p->child[i], sig);
}

static void stop(struct parent *p, int sig)
{
	if (!p->stopping)
		close(p->api->listen_fd);
	p->stopping = true;
	pass_on(p, sig);
}

/* It ends by itself only when it was told to, or cannot work at all: with what
 * is set, or, where others worked before it, with what has become of the
 * files, which is no reason to end those that serve. */
static void ended(struct parent *p, unsigned i, int status)
{
	bool cannot = WIFEXITED(status) && WEXITSTATUS(status);
	bool first = !p->another[i];

	/* One that cannot live costs little. */
	p->child[i] = 0;
	p->due_ms[i] = when_clock_ms() + 1000 * (cannot ? CANNOT_S : AGAIN_S);
	p->another[i] = true;
	if (WIFSIGNALED(status))
		log_error("process %u: died of signal %d", i, WTERMSIG(status));
	if (cannot && first) {
		p->failed = true;
		stop(p, SIGTERM);
	} else if (cannot && !p->stopping) {
		log_error("process %u: cannot start; the others go on", i);
	}
}

static void reap(struct parent *p)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < p->n; i++)
			if (p->child[i] == pid)
				ended(p, i, status);
}

static bool any_left(const struct parent *p)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->child[i])
			return true;
	return false;
}

void processes_run(struct api *api, processes_again_fn take_again,
	unsigned *process, int *status)
{
	struct parent p = {.api = api, .n = (unsigned)api->conf.api_processes};
	const struct timespec again = {AGAIN_S, 0};
	int sig;

	*process = PROCESSES_MAX;
	sigemptyset(&p.signals);
	sigaddset(&p.signals, SIGTERM);
	sigaddset(&p.signals, SIGINT);
	sigaddset(&p.signals, SIGHUP);
	sigaddset(&p.signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &p.signals, &p.before);
	do {
		for (unsigned i = 0; i < p.n && !p.stopping; i++)
			if (!p.child[i] && when_clock_ms() >= p.due_ms[i] &&
				start(&p, i)) {
				*process = i;
				return;
			}
		sig = sigtimedwait(&p.signals, NULL, &again);
		if (sig == SIGTERM || sig == SIGINT)
			stop(&p, sig);
		else if (sig == SIGHUP) {
			/* For who takes the place of one that dies. */
			take_again(api);
			pass_on(&p, sig);
		}
		reap(&p);
	} while (!p.stopping || any_left(&p));
	*status = p.failed;
}
