// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"

/* A terminal that nobody has open is looked at so often: no event tells that somebody has opened it. */
#define ABSENT_MS 100

enum { MASTER, OUTPUT, INPUT };

static bool is_empty(const struct relay_stream *s)
{
	return s->from == s->to;
}

/* Returns what read(2) does; there is nothing in S. */
static ssize_t fill(struct relay_stream *s, int fd)
{
	ssize_t n;

	do
		n = read(fd, s->bytes, sizeof(s->bytes));
	while (n < 0 && errno == EINTR);
	s->from = 0;
	s->to = n > 0 ? (size_t)n : 0;
	return n;
}

/* Writes what FD takes now. False: it takes nothing any more. */
static bool flush(struct relay_stream *s, int fd)
{
	ssize_t n = write(fd, s->bytes + s->from, s->to - s->from);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	s->from += (size_t)n;
	return true;
}

void relay_copy_window_size(const struct relay *relay)
{
	struct winsize size;

	if (relay->master >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(relay->master, TIOCSWINSZ, &size);
}

/* Its description is ours alone: the container has the other end. */
static void make_nonblocking(int master)
{
	int flags = fcntl(master, F_GETFL);

	if (flags >= 0)
		fcntl(master, F_SETFL, flags | O_NONBLOCK);
}

void relay_open(struct relay *relay, int *master)
{
	struct termios raw;

	*relay = (struct relay){.master = take_fd(master)};
	if (relay->master < 0)
		return;
	/* An output that is gone is told by write(2); we are still needed. */
	signal(SIGPIPE, SIG_IGN);
	make_nonblocking(relay->master);
	relay_copy_window_size(relay);
	if (tcgetattr(STDIN_FILENO, &relay->before) < 0)
		return;
	raw = relay->before;
	cfmakeraw(&raw);
	relay->restore = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

/* One that is hung up is always ready to say so, so it is not asked while nobody is there. */
int relay_poll(const struct relay *relay, struct pollfd polled[RELAY_POLLED])
{
	bool reads = is_empty(&relay->output), writes = !is_empty(&relay->input);
	short events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));

	for (int i = 0; i < RELAY_POLLED; i++)
		polled[i] = (struct pollfd){.fd = -1};
	if (relay->master < 0)
		return -1;
	if (events && !relay->absent)
		polled[MASTER] = (struct pollfd){.fd = relay->master, .events = events};
	if (!reads)
		polled[OUTPUT] = (struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT};
	if (!writes && !relay->input_ended)
		polled[INPUT] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	return relay->absent ? ABSENT_MS : -1;
}

/* A program that closes its terminal may open it again, as inits do with /dev/console. */
static void read_master(struct relay *relay)
{
	ssize_t n = fill(&relay->output, relay->master);

	relay->absent = n == 0 || (n < 0 && errno != EAGAIN);
}

static void read_input(struct relay *relay)
{
	ssize_t n = fill(&relay->input, STDIN_FILENO);

	relay->input_ended = n == 0 || (n < 0 && errno != EAGAIN);
}

/* To those inside it is as if the window of a terminal had been closed. */
static void hang_up(struct relay *relay)
{
	close(take_fd(&relay->master));
}

void relay_serve(struct relay *relay, const struct pollfd polled[RELAY_POLLED])
{
	if (relay->master < 0)
		return;
	if (polled[OUTPUT].revents && !flush(&relay->output, STDOUT_FILENO)) {
		hang_up(relay);
		return;
	}
	if (is_empty(&relay->output) && (relay->absent || polled[MASTER].revents))
		read_master(relay);
	if (polled[INPUT].revents)
		read_input(relay);
	if (!is_empty(&relay->input) && !flush(&relay->input, relay->master))
		relay->input = (struct relay_stream){0};
}

/* The last words of a program are not lost. What we write to may be slow, or not wait by itself. */
static void drain(struct relay *relay)
{
	struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};

	while (!is_empty(&relay->output) || fill(&relay->output, relay->master) > 0)
		if (poll(&output, 1, -1) > 0 && !flush(&relay->output, STDOUT_FILENO))
			return;
}

void relay_close(struct relay *relay)
{
	if (relay->restore)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &relay->before);
	if (relay->master >= 0)
		close(take_fd(&relay->master));
}

void relay_finish(struct relay *relay)
{
	if (relay->master >= 0)
		drain(relay);
	relay_close(relay);
}
