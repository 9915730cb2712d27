// SPDX-License-Identifier: GPL-2.0-or-later
/* The keeper beside a workspace of `spawn`, in a child of its supervisor. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "keeper/keeper.h"

static void become_beside(pid_t parent)
{
	const struct keeper_options options = {.kind = KEEPER_BESIDE};
	struct error err = {0};
	sigset_t none;
	int null;

	prctl(PR_SET_NAME, "behalf-keeper");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* what the keyboard sends is meant for the command */
	setsid();
	if (getppid() != parent)
		_exit(0);
	sigemptyset(&none);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	/* a pipe of the command's must not stay open for us; what cannot be opened stays as it is */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close(null);
	}
	for (;;) {
		/* while we wait for the lock, a signal is to end us */
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (keeper_run(&options, &err) < 0) {
			log_warning("keeper: %s", err.text);
			_exit(EXIT_FAILURE);
		}
		/* our workspace has ended, or one is taking over: not to be faster than that one */
		if (getppid() != parent)
			_exit(EXIT_SUCCESS);
		sleep(1);
	}
}

int keeper_run_beside(struct error *err)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return error_errno(err, errno, "fork");
	if (pid == 0)
		become_beside(parent);
	return pid;
}
