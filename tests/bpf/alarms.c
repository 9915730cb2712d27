// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A thread that timers wake again and again.
 *
 *	alarms sleep | timer | timerfd MICROSECONDS SECONDS
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static struct timespec in_us(long us)
{
	return (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
}

static void by_sleep(struct timespec pause, time_t end)
{
	while (time(NULL) < end)
		nanosleep(&pause, NULL);
}

static void by_timer(struct timespec pause, time_t end)
{
	struct itimerspec each = {.it_interval = pause, .it_value = pause};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	sigset_t signals;
	timer_t timer;
	int got;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 ||
	    timer_settime(timer, 0, &each, NULL) < 0)
		exit(EXIT_FAILURE);
	while (time(NULL) < end)
		sigwait(&signals, &got);
}

static void by_timerfd(struct timespec pause, time_t end)
{
	struct itimerspec each = {.it_interval = pause, .it_value = pause};
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t times;

	if (fd < 0 || timerfd_settime(fd, 0, &each, NULL) < 0)
		exit(EXIT_FAILURE);
	while (time(NULL) < end) {
		if (read(fd, &times, sizeof(times)) < 0)
			exit(EXIT_FAILURE);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: alarms sleep | timer | timerfd MICROSECONDS SECONDS\n");
		return EXIT_FAILURE;
	}
	struct timespec pause = in_us(atol(argv[2]));
	time_t end = time(NULL) + atol(argv[3]);

	if (strcmp(argv[1], "sleep") == 0)
		by_sleep(pause, end);
	else if (strcmp(argv[1], "timer") == 0)
		by_timer(pause, end);
	else
		by_timerfd(pause, end);
	return EXIT_SUCCESS;
}
