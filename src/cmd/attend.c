// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One poll loop: over a signalfd (what we are told), the pidfd (the end), and what is relayed between the
 * local terminal and that of the container.
 */
#include "cmd/attend.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/relay.h"
#include "runtime/reaper.h"

/* Everything that can be handed on. SIGCHLD and the job control of our own terminal are ours. */
static void forwarded_signals(sigset_t *set)
{
	sigfillset(set);
	sigdelset(set, SIGCHLD);
	sigdelset(set, SIGTTIN);
	sigdelset(set, SIGTTOU);
	sigdelset(set, SIGSEGV);
	sigdelset(set, SIGBUS);
	sigdelset(set, SIGFPE);
	sigdelset(set, SIGILL);
	sigdelset(set, SIGABRT);
	sigdelset(set, SIGPIPE);
	sigdelset(set, SIGALRM);
	sigdelset(set, SIGPROF);
	sigdelset(set, SIGVTALRM);
}

int attend_prepare(struct error *err)
{
	sigset_t set;

	forwarded_signals(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_errno(err, errno, "block signals");
	return 0;
}

/*
 * What the keyboard makes (SI_KERNEL) is meant for all processes of a job, and shells count on that:
 * they wait for their child to end of it too. An init of ours is told so; others take no notice.
 */
static int send_signal(int pidfd, const struct signalfd_siginfo *received)
{
	siginfo_t info = {
		.si_signo = (int)received->ssi_signo,
		.si_code = SI_QUEUE,
		.si_value = {.sival_int = REAPER_WHOLE_GROUP},
	};
	bool whole = received->ssi_code == SI_KERNEL || received->ssi_signo == SIGCONT;

	if (syscall(SYS_pidfd_send_signal, pidfd, info.si_signo, whole ? &info : NULL, 0) < 0)
		return -errno;
	return 0;
}

static int hand_on_signal(int signal_fd, int pidfd, const struct relay *relay)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo == SIGWINCH && relay->master >= 0) {
		relay_copy_window_size(relay);
		return 0;
	}
	send_signal(pidfd, &info);
	/* Stopped from the keyboard: the shell that started us waits for us to stop as well. */
	if (info.ssi_signo == SIGTSTP && info.ssi_code == SI_KERNEL)
		raise(SIGSTOP);
	return 0;
}

enum { END, SIGNALS, RELAYED, POLLED = RELAYED + RELAY_POLLED };

static int attend_loop(int signal_fd, int pidfd, struct relay *relay, struct error *err)
{
	for (;;) {
		struct pollfd polled[POLLED] = {
			[END] = {.fd = pidfd, .events = POLLIN},
			[SIGNALS] = {.fd = signal_fd, .events = POLLIN},
		};
		int timeout_ms = relay_poll(relay, polled + RELAYED);

		if (poll(polled, POLLED, timeout_ms) < 0) {
			if (errno == EINTR)
				continue;
			return error_errno(err, errno, "wait for the container");
		}
		if (polled[SIGNALS].revents)
			hand_on_signal(signal_fd, pidfd, relay);
		relay_serve(relay, polled + RELAYED);
		if (polled[END].revents)
			return 0;
	}
}

int attend_child(pid_t pid, int pidfd, int *console_master, int *exit_status, struct error *err)
{
	_cleanup_close_ int signal_fd = -EBADF;
	struct relay relay;
	sigset_t set;
	int status, r;

	forwarded_signals(&set);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (signal_fd < 0)
		return error_errno(err, errno, "make a signalfd");
	relay_open(&relay, console_master);
	r = attend_loop(signal_fd, pidfd, &relay, err);
	if (r < 0) {
		relay_close(&relay);
		return r;
	}
	relay_finish(&relay);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return error_errno(err, errno, "wait for process %d", pid);
	}
	*exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}
