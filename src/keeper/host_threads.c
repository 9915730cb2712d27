// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/host_threads.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define KTHREADD "2"
#define KWORKER "kworker/"
#define LIST_MAX_BYTES (1u << 20)
#define STARVED 0.6	/* of the time between two looks that it, or its pool, waited, */
#define RAN_MOST 0.3	/* and at most ran */
#define RAN_LEAST 0.001 /* what counts */
/* Of one of a pool: what it waited at least, and how often as long as it ran. */
#define WAITED_LEAST 0.05
#define WAITED_RATIO (STARVED / RAN_MOST)

struct host_thread {
	int pid;
	uint64_t ran_ns, waited_ns;
};

void host_threads_forget(struct host_threads *t)
{
	free(t->items);
	t->items = NULL;
	t->n = 0;
	t->at_ns = 0;
	t->starved = false;
}

void host_threads_clear(struct host_threads *t)
{
	host_threads_forget(t);
	free(t->lost);
	free(t->waiting);
	*t = (struct host_threads){0};
}

static bool read_file(int pid, const char *file, char *text, size_t size)
{
	_cleanup_close_ int fd = -EBADF;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, size - 1) : -1;
	if (n < 0)
		return false;
	text[n] = '\0';
	return true;
}

static bool read_thread(int pid, struct host_thread *thread)
{
	char text[128];

	thread->pid = pid;
	return read_file(pid, "schedstat", text, sizeof(text)) &&
	       sscanf(text, "%" SCNu64 " %" SCNu64, &thread->ran_ns, &thread->waited_ns) == 2;
}

static int by_pid(const void *a, const void *b)
{
	const struct host_thread *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Whether it is in the groups that the kernel's threads begin in; what receives for a workspace is in its (threads.h). */
static bool is_hosts(int pid)
{
	char text[4096];

	if (!read_file(pid, "cgroup", text, sizeof(text)))
		return false;
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		const char *path;

		line += *line == '\n';
		path = *line ? strstr(line, ":/") : NULL;
		if (path && path[2] != '\n' && path[2] != '\0')
			return false;
	}
	return true;
}

static bool is_worker(const char *name)
{
	return strncmp(name, KWORKER, strlen(KWORKER)) == 0;
}

void host_threads_pool(const char *name, int pid, char pool[static HOST_POOL_BYTES])
{
	size_t length = strcspn(name, ":");
	const char *after = name + length + (name[length] == ':');

	/* format_worker_id, kernel/workqueue.c */
	if (is_worker(name))
		snprintf(pool, HOST_POOL_BYTES, "%.*s%s", (int)length, name,
			 after[strspn(after, "0123456789")] == 'H' ? "H" : "");
	else
		snprintf(pool, HOST_POOL_BYTES, "%d", pid);
}

/*
 * The CPU it ran on last is the 39th value; the name, which may have anything in it, is the second. False: it is none
 * that counts. ksoftirqd does what came in too fast to be done at once: that it waits holds floods back, and what of
 * it is in the way of whom is told by the ledger.
 */
static bool read_place(int pid, struct host_waiting *waiting)
{
	char text[1024], *name, *end;
	const char *at;

	if (!read_file(pid, "stat", text, sizeof(text)) || strstr(text, "(ksoftirqd/"))
		return false;
	name = strchr(text, '(');
	end = strrchr(text, ')');
	at = end;
	for (int i = 2; at && i < 39; i++) {
		at = strchr(at, ' ');
		at += at != NULL;
	}
	if (!name || !at)
		return false;
	waiting->cpu = atoi(at);
	*end = '\0';
	host_threads_pool(name + 1, pid, waiting->pool);
	return true;
}

static bool is_starved(double waited, double ran)
{
	return waited >= STARVED && ran <= RAN_MOST;
}

/* Of a pool, all together, or one by itself: another that runs does not do what one that waits has taken up. */
bool host_threads_starve(const struct host_waiting *list, size_t n, double *lost)
{
	bool starved = false;

	for (size_t i = 0; i < n; i++) {
		double ran = 0, waited = 0;

		for (size_t other = 0; other < n; other++) {
			if (strcmp(list[other].pool, list[i].pool) != 0)
				continue;
			ran += list[other].ran;
			waited += list[other].waited;
		}
		if (!list[i].waits ||
		    !(is_starved(waited, ran) || is_starved(list[i].waited, list[i].ran)))
			continue;
		lost[list[i].cpu] += list[i].waited;
		starved = true;
	}
	return starved;
}

bool host_threads_count(struct host_waiting *one)
{
	one->waits = one->waited >= WAITED_LEAST && one->waited >= WAITED_RATIO * one->ran;
	return one->waits || (one->ran >= RAN_LEAST && is_worker(one->pool));
}

static void see(struct host_threads *t, const struct host_thread *now,
		const struct host_thread *then, double elapsed_ns, unsigned int n_cpus)
{
	double ran = then->ran_ns < now->ran_ns ? (double)(now->ran_ns - then->ran_ns) : 0;
	double waited =
		then->waited_ns < now->waited_ns ? (double)(now->waited_ns - then->waited_ns) : 0;
	struct host_waiting one = {.ran = ran / elapsed_ns, .waited = waited / elapsed_ns};

	if ((one.waited < WAITED_LEAST && one.ran < RAN_LEAST) || !is_hosts(now->pid))
		return;
	t->got += one.ran;
	if (read_place(now->pid, &one) && one.cpu >= 0 && (unsigned int)one.cpu < n_cpus &&
	    host_threads_count(&one))
		t->waiting[t->n_waiting++] = one;
}

static size_t read_all(struct host_thread **items)
{
	_cleanup_free_ char *text = NULL;
	size_t n = 0, room = 0;
	char *save = NULL;

	*items = NULL;
	if (file_read_at(AT_FDCWD, "/proc/" KTHREADD "/task/" KTHREADD "/children", LIST_MAX_BYTES,
			 &text, NULL, NULL) < 0)
		return 0;
	for (char *pid = strtok_r(text, " ", &save); pid; pid = strtok_r(NULL, " ", &save)) {
		if (n == room) {
			struct host_thread *more = realloc(*items, (room + 128) * sizeof(*more));

			if (!more)
				break;
			*items = more;
			room += 128;
		}
		n += read_thread(atoi(pid), &(*items)[n]);
	}
	if (n)
		qsort(*items, n, sizeof(**items), by_pid);
	return n;
}

bool host_threads_look(struct host_threads *t, unsigned int n_cpus, uint64_t now_ns)
{
	struct host_thread *now;
	size_t n = read_all(&now), before = 0;
	double elapsed_ns = t->at_ns && now_ns > t->at_ns ? (double)(now_ns - t->at_ns) : 0;
	bool known = n && t->n && elapsed_ns > 0;

	if (!t->lost)
		t->lost = calloc(n_cpus, sizeof(*t->lost));
	free(t->waiting);
	t->waiting = calloc(n + 1, sizeof(*t->waiting));
	t->n_waiting = 0;
	if (!t->lost || !t->waiting) {
		free(now);
		return false;
	}
	memset(t->lost, 0, n_cpus * sizeof(*t->lost));
	t->got = 0;
	t->starved = false;
	for (size_t i = 0; known && i < n; i++) {
		while (before < t->n && t->items[before].pid < now[i].pid)
			before++;
		if (before < t->n && t->items[before].pid == now[i].pid)
			see(t, &now[i], &t->items[before], elapsed_ns, n_cpus);
	}
	t->starved = host_threads_starve(t->waiting, t->n_waiting, t->lost);
	free(t->items);
	t->items = now;
	t->n = n;
	t->at_ns = now_ns;
	return known;
}
