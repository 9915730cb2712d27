// SPDX-License-Identifier: GPL-2.0-or-later
/* A recorded tree of proc, and this machine's own. */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "kernel/kernel_threads.h"

static char tree[] = "/tmp/behalf-threads-XXXXXX";

static void remove_tree(const int *root)
{
	_cleanup_free_ char *command = string_format("rm -rf '%s'", tree);

	close(*root);
	ok(system(command) == 0);
}

static void put(int root, const char *pid, const char *stat, const char *schedstat)
{
	_cleanup_free_ char *stat_path = string_format("%s/stat", pid);
	_cleanup_free_ char *schedstat_path = string_format("%s/schedstat", pid);

	ok(mkdirat(root, pid, 0755) == 0);
	ok(file_create_at(root, stat_path, stat, 0644, NULL) == 0);
	ok(!schedstat || file_create_at(root, schedstat_path, schedstat, 0644, NULL) == 0);
}

TEST(threads_of_the_kernel_are_told_from_programs)
{
	int root = mkdtemp(tree) ? open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	_cleanup_(remove_tree) int clean = root;
	struct kernel_threads *threads = NULL;
	struct rlimit files, few;
	struct error err = {0};
	uint64_t set;

	(void)clean;
	must(root >= 0);
	put(root, "1", "1 (init) S 0 1 1 0\n", "1000000 1 1\n");
	put(root, "2", "2 (kthreadd) S 0 0 0 0\n", "10 1 1\n");
	put(root, "16", "16 (rcu_preempt) I 2 0 0 0\n", "2000 5 7\n");
	put(root, "17", "17 (ksoftirqd/0) S 2 0 0 0\n", "40000 5 7\n");
	put(root, "18", "18 (kworker/0:1) S 2 0 0 0\n", "80000 5 7\n");
	put(root, "900", "900 (odd) S 2 (name) S 1 0 0\n", "160000 5 7\n");
	put(root, "901", "901 (jbd2/sda1-8) S 2 0 0 0\n", "300 5 7\n");
	put(root, "902", "902 (none) S 2 0 0 0\n", NULL);
	must(kernel_threads_open(root, &threads, &err) == 0);
	is_uint(kernel_threads_read(threads, &set), 2300);
	is_uint(set, 16 * 16 + 901 * 901);
	is_uint(kernel_threads_read_rcu(threads), 2000);
	kernel_threads_close(threads);

	/* the directory, and one thread or the look at another */
	must(getrlimit(RLIMIT_NOFILE, &files) == 0);
	few = files;
	few.rlim_cur = (rlim_t)root + 3;
	must(setrlimit(RLIMIT_NOFILE, &few) == 0);
	is_int(kernel_threads_open(root, &threads, &err), -EMFILE);
	must(setrlimit(RLIMIT_NOFILE, &files) == 0);
}

TEST(this_machine_has_some)
{
	_cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct kernel_threads *threads = NULL;
	struct error err = {0};
	uint64_t before;

	must(kernel_threads_open(proc, &threads, &err) == 0);
	before = kernel_threads_read(threads, NULL);
	ok(kernel_threads_read(threads, NULL) >= before);
	kernel_threads_close(threads);
}
