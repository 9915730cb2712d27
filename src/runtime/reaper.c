// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first process of a pid namespace is its init, which the kernel treats in a special way: signals
 * it has no handler for do nothing to it, and orphans become its children. Most programs are not
 * written for that: `sleep` would not end on an interrupt, abort() would not abort. So a workspace's
 * program gets an init: what is left of the runtime's own process, with everything given up but the
 * wait.
 *
 *	a signal comes	it is handed on to the program; to its whole process group when it is
 *			queued with REAPER_WHOLE_GROUP, as what a keyboard makes is
 *	an orphan ends	it is reaped
 *	the program ends	init ends with its exit status, 128 + n when signal n ended it, and
 *			the kernel kills what else is in the namespace
 *	the supervisor ends	init is killed, and with it the container: nothing runs on that
 *			nobody looks after
 *
 * It holds no descriptor, is not dumpable (so nobody inside reads its memory or finds its executable)
 * and has given up the same privileges as the program.
 */
#include "runtime/reaper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Who started us holds the other end of the connection until the program is executed. When it is
 * closed already, the signal of its death has been missed.
 */
static int die_with_supervisor(const struct launch *l, struct error *err)
{
	struct pollfd connection = {.fd = l->sync, .events = POLLIN};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_errno(err, errno, "ask to die with the supervisor");
	if (poll(&connection, 1, 0) > 0 && (connection.revents & POLLHUP))
		return error_set(err, ECANCELED, "the supervisor is gone");
	return 0;
}

/*
 * A process group of its own, in the foreground of the terminal if there is one, so that the
 * terminal's signals reach the program and not init as well, which would hand on a second one.
 */
static void become_program(const sigset_t *before)
{
	setpgid(0, 0);
	tcsetpgrp(STDIN_FILENO, getpid());
	sigprocmask(SIG_SETMASK, before, NULL);
}

static void reap(pid_t program)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == program)
			_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	}
}

/* A program that has left its first group, and nobody in it, gets the signal itself. */
static void hand_on(pid_t program, const siginfo_t *info)
{
	bool whole = info->si_code == SI_QUEUE && info->si_value.sival_int == REAPER_WHOLE_GROUP;

	if (!whole || kill(-program, info->si_signo) < 0)
		kill(program, info->si_signo);
}

__attribute__((noreturn)) static void be_init(pid_t program, const sigset_t *all)
{
	siginfo_t info;
	int signal;

	prctl(PR_SET_NAME, "behalf-init", 0, 0, 0);
	syscall(SYS_close_range, 0, ~0U, 0);
	for (;;) {
		/* SIGCHLD of two children can be one: all who ended are looked for each time. */
		signal = sigwaitinfo(all, &info);
		if (signal == SIGCHLD)
			reap(program);
		else if (signal > 0)
			hand_on(program, &info);
	}
}

int reaper_split(struct launch *l, struct error *err)
{
	sigset_t all, before;
	pid_t pid;
	int r = die_with_supervisor(l, err);

	if (r < 0)
		return r;
	/* Before the fork, so that nothing that comes from now on is lost or ends us. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid < 0)
		return error_errno(err, errno, "fork");
	if (pid > 0)
		be_init(pid, &all);
	become_program(&before);
	return 0;
}
