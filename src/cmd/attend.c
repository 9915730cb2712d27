// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One poll loop over four descriptors: a signalfd (what we are told), the pidfd (the end), the
 * local terminal and the master of the container's terminal. When the child ends, what is still in
 * the master is drained first, so that the last words of a program are not lost.
 */
#include "cmd/attend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "runtime/reaper.h"

struct relay {
	int master; /* negative: no terminal */
	bool input_open;
	bool restore;
	struct termios before;
};

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

static void copy_window_size(int master)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(master, TIOCSWINSZ, &size);
}

static void relay_open(struct relay *relay, int master)
{
	struct termios raw;

	*relay = (struct relay){.master = master, .input_open = master >= 0};
	if (master < 0)
		return;
	copy_window_size(master);
	if (tcgetattr(STDIN_FILENO, &relay->before) < 0)
		return;
	raw = relay->before;
	cfmakeraw(&raw);
	relay->restore = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static void relay_close(struct relay *relay)
{
	if (relay->restore)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &relay->before);
}

/* Copies what is there. Returns false at the end of FROM. */
static bool copy_some(int from, int to)
{
	char buffer[8192];
	ssize_t n;

	do
		n = read(from, buffer, sizeof(buffer));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN;
	return n > 0 && fd_write_all(to, buffer, (size_t)n) == 0;
}

/* The master gives EIO once the last process of the container has closed its terminal. */
static void drain(int master)
{
	struct pollfd p = {.fd = master, .events = POLLIN};

	while (poll(&p, 1, 0) > 0 && (p.revents & POLLIN) && copy_some(master, STDOUT_FILENO))
		;
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
		copy_window_size(relay->master);
		return 0;
	}
	send_signal(pidfd, &info);
	/* Stopped from the keyboard: the shell that started us waits for us to stop as well. */
	if (info.ssi_signo == SIGTSTP && info.ssi_code == SI_KERNEL)
		raise(SIGSTOP);
	return 0;
}

static int attend_loop(int signal_fd, int pidfd, struct relay *relay, struct error *err)
{
	for (;;) {
		struct pollfd polled[] = {
			{.fd = pidfd, .events = POLLIN},
			{.fd = signal_fd, .events = POLLIN},
			{.fd = relay->master, .events = POLLIN},
			{.fd = relay->input_open ? STDIN_FILENO : -1, .events = POLLIN},
		};

		if (poll(polled, ARRAY_SIZE(polled), -1) < 0) {
			if (errno == EINTR)
				continue;
			return error_errno(err, errno, "wait for the container");
		}
		if (polled[1].revents)
			hand_on_signal(signal_fd, pidfd, relay);
		if (polled[2].revents && !copy_some(relay->master, STDOUT_FILENO))
			relay->master = -EBADF;
		if (polled[3].revents && !copy_some(STDIN_FILENO, relay->master))
			relay->input_open = false;
		if (polled[0].revents) {
			if (relay->master >= 0)
				drain(relay->master);
			return 0;
		}
	}
}

int attend_child(pid_t pid, int pidfd, int console_master, int *exit_status, struct error *err)
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
	relay_close(&relay);
	if (r < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return error_errno(err, errno, "wait for process %d", pid);
	}
	*exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}
