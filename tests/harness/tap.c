// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXIT_SKIP 77

/* What the child tells its parent besides its exit status; one page shared between them. */
struct report {
	bool failed;
	bool skipped;
	char reason[256];
};

static struct tap_test *first_test;
static struct tap_test **last_test = &first_test;
static struct report *report;

void tap_register(struct tap_test *test)
{
	*last_test = test;
	last_test = &test->next;
}

/* ---- in the test ---- */

static bool verdict(bool held, const char *file, int line, const char *expr)
{
	if (held)
		return true;
	report->failed = true;
	printf("%s:%d: %s\n", file, line, expr);
	return false;
}

bool tap_ok(bool held, const char *file, int line, const char *expr, const char *format, ...)
{
	if (!verdict(held, file, line, expr) && format[1]) {
		va_list args;

		va_start(args, format);
		printf(" ");
		vprintf(format, args);
		printf("\n");
		va_end(args);
	}
	return held;
}

bool tap_is_int(intmax_t got, intmax_t want, const char *file, int line, const char *expr)
{
	if (verdict(got == want, file, line, expr))
		return true;
	printf("  got %jd, want %jd\n", got, want);
	return false;
}

bool tap_is_uint(uintmax_t got, uintmax_t want, const char *file, int line, const char *expr)
{
	if (verdict(got == want, file, line, expr))
		return true;
	printf("  got %ju, want %ju\n", got, want);
	return false;
}

bool tap_is_str(const char *got, const char *want, const char *file, int line, const char *expr)
{
	if (verdict(got && want ? strcmp(got, want) == 0 : got == want, file, line, expr))
		return true;
	printf("  got  %s%s%s\n", got ? "'" : "", got ? got : "NULL", got ? "'" : "");
	printf("  want %s%s%s\n", want ? "'" : "", want ? want : "NULL", want ? "'" : "");
	return false;
}

bool tap_is_ptr(const void *got, const void *want, const char *file, int line, const char *expr)
{
	if (verdict(got == want, file, line, expr))
		return true;
	printf("  got %p, want %p\n", got, want);
	return false;
}

bool tap_is_mem(const void *got, const void *want, size_t len, const char *file, int line,
		const char *expr)
{
	const unsigned char *g = got, *w = want;
	size_t at = 0;

	while (at < len && g[at] == w[at])
		at++;
	if (verdict(at == len, file, line, expr))
		return true;
	printf("  byte %zu of %zu: got 0x%02x, want 0x%02x\n", at, len, g[at], w[at]);
	return false;
}

bool tap_is_near(double got, double want, double slack, const char *file, int line,
		 const char *expr)
{
	if (verdict(fabs(got - want) <= slack, file, line, expr))
		return true;
	printf("  got %g, want %g within %g\n", got, want, slack);
	return false;
}

bool tap_has_str(const char *text, const char *part, const char *file, int line, const char *expr)
{
	if (verdict(text && part && strstr(text, part), file, line, expr))
		return true;
	printf("  '%s' is not in '%s'\n", part ? part : "NULL", text ? text : "NULL");
	return false;
}

/* No call that is asked for takes these arguments. */
bool tap_has_call(long number)
{
	return syscall(number, -1L, 0L, 0L, 0L, 0L, 0L) >= 0 || errno != ENOSYS;
}

void tap_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(report->reason, sizeof(report->reason), format, args);
	va_end(args);
	report->skipped = true;
}

void tap_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static int run_here(const struct tap_test *test)
{
	test->run();
	fflush(stdout);
	if (report->failed)
		return EXIT_FAILURE;
	return report->skipped ? EXIT_SKIP : EXIT_SUCCESS;
}

/* ---- around the test ---- */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

struct output {
	char *text;
	size_t len, size;
};

/* Appends what the pipe holds now. Returns 0 at its end, 1 while more may come. */
static int drain(int fd, struct output *out)
{
	for (;;) {
		ssize_t n;

		if (out->size - out->len < 4096) {
			char *bigger = realloc(out->text, out->size * 2 + 8192);

			if (!bigger)
				return 0;
			out->text = bigger;
			out->size = out->size * 2 + 8192;
		}
		n = read(fd, out->text + out->len, out->size - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0)
			return 0;
		out->len += n;
	}
}

static void print_commented(struct output *out)
{
	char *line, *rest;

	if (!out->len)
		return;
	out->text[out->len] = '\0';
	rest = out->text;
	while ((line = strsep(&rest, "\n"))) {
		if (rest || *line)
			printf("# %s\n", line);
	}
}

/* Reads the child's output until the child itself is gone; what it started may still hold the pipe. */
static bool wait_for_child(pid_t pid, int pipe_fd, unsigned int timeout_s, struct output *out,
			   int *status)
{
	int64_t deadline_ms = now_ms() + timeout_s * 1000LL;
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd fds[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = pipe_fd, .events = POLLIN}};
	bool in_time = true;

	for (;;) {
		int64_t left_ms = deadline_ms - now_ms();

		/* without a pidfd the end of the output has to do */
		if (poll(fds, 2, left_ms > 0 ? left_ms : 0) < 0 && errno != EINTR)
			break;
		if (fds[1].revents && !drain(pipe_fd, out)) {
			fds[1].fd = -1;
			if (pidfd < 0)
				break;
		}
		if (fds[0].revents)
			break;
		if (now_ms() >= deadline_ms) {
			in_time = false;
			break;
		}
	}
	kill(-pid, SIGKILL);
	kill(pid, in_time ? 0 : SIGKILL);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	drain(pipe_fd, out);
	if (pidfd >= 0)
		close(pidfd);
	return in_time;
}

static bool print_result(unsigned int number, const struct tap_test *test, bool in_time,
			 unsigned int timeout_s, int status, int64_t took_ms)
{
	bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP;
	bool passed = in_time && WIFEXITED(status) && (WEXITSTATUS(status) == 0 || skipped);

	printf("%s %u %s%s%s\n", passed ? "ok" : "not ok", number, test->name,
	       skipped ? " # SKIP " : "",
	       !skipped		   ? ""
	       : report->reason[0] ? report->reason
				   : "exit status 77");
	if (!in_time)
		printf("# %s: no end after %u s, killed\n", test->name, timeout_s);
	else if (WIFSIGNALED(status))
		printf("# %s: killed by signal %d (%s)\n", test->name, WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	else if (!passed && !report->failed)
		printf("# %s: exit status %d\n", test->name, WEXITSTATUS(status));
	if (took_ms >= 1000)
		printf("# %s: %lld ms\n", test->name, (long long)took_ms);
	return passed;
}

static bool run_forked(unsigned int number, const struct tap_test *test)
{
	const char *limit = getenv("TAP_TIMEOUT");
	unsigned int timeout_s = limit ? strtoul(limit, NULL, 10) : test->timeout_s;
	struct output out = {0};
	int64_t start_ms = now_ms();
	bool in_time, passed;
	int fds[2], status = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		setvbuf(stdout, NULL, _IOLBF, 0);
		exit(run_here(test));
	}
	close(fds[1]);
	if (pid < 0) {
		printf("not ok %u %s\n# fork: %s\n", number, test->name, strerror(errno));
		close(fds[0]);
		return false;
	}
	setpgid(pid, pid);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	in_time = wait_for_child(pid, fds[0], timeout_s, &out, &status);
	close(fds[0]);
	passed = print_result(number, test, in_time, timeout_s, status, now_ms() - start_ms);
	if (!passed || getenv("TAP_VERBOSE"))
		print_commented(&out);
	free(out.text);
	return passed;
}

static bool wanted(const struct tap_test *test, char **patterns)
{
	if (!*patterns)
		return true;
	for (; *patterns; patterns++) {
		if (fnmatch(*patterns, test->name, 0) == 0)
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	unsigned int count = 0, number = 0, failed = 0;
	bool list = argc > 1 && strcmp(argv[1], "-l") == 0;
	char **patterns = argv + (list ? 2 : argc > 0);

	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (report == MAP_FAILED)
		return EXIT_FAILURE;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (struct tap_test *test = first_test; test; test = test->next) {
		count += wanted(test, patterns);
		if (list)
			printf("%s\n", test->name);
	}
	if (list)
		return EXIT_SUCCESS;
	printf("1..%u\n", count);
	for (struct tap_test *test = first_test; test; test = test->next) {
		if (!wanted(test, patterns))
			continue;
		memset(report, 0, sizeof(*report));
		number++;
		if (getenv("TAP_NOFORK"))
			failed += !print_result(number, test, true, 0, run_here(test) << 8, 0);
		else
			failed += !run_forked(number, test);
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
