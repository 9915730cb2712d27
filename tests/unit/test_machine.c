// SPDX-License-Identifier: GPL-2.0-or-later
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "kernel/machine.h"

/* A proc file system with nothing but that cpuinfo. */
static int open_proc(const char *cpuinfo)
{
	char path[] = "/tmp/behalf-machine-XXXXXX";
	int dir;

	if (!mkdtemp(path))
		return -errno;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && cpuinfo)
		file_create_at(dir, "cpuinfo", cpuinfo, 0644, NULL);
	return dir;
}

static void remove_proc(int dir)
{
	char path[64], target[128];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	n = readlink(path, target, sizeof(target) - 1);
	unlinkat(dir, "cpuinfo", 0);
	if (n > 0) {
		target[n] = '\0';
		rmdir(target);
	}
	close(dir);
}

TEST(machine_knows_its_cpu)
{
	int proc = open_proc("processor\t: 0\nvendor_id\t: X\ncpu family\t: 6\n"
			     "model name\t: Some CPU @ 3 GHz\nmodel name\t: another\n");
	struct machine machine;
	struct error err = {0};

	must(proc >= 0);
	ok(machine_read_at(proc, &machine, &err) == 0, "%s", err.text);
	is_str(machine.cpu_model, "Some CPU @ 3 GHz");
	ok(machine.cpus > 0);
	ok(machine.kernel[0]);
	remove_proc(proc);
}

TEST(machine_without_a_model_name)
{
	int proc = open_proc("processor\t: 0\nBogoMIPS\t: 50.00\nCPU part\t: 0xd0c\n");
	struct machine machine;

	must(proc >= 0);
	is_int(machine_read_at(proc, &machine, NULL), 0);
	is_str(machine.cpu_model, "0xd0c");
	remove_proc(proc);
}

TEST(machine_says_what_is_missing)
{
	int proc = open_proc(NULL);
	struct machine machine;
	struct error err = {0};

	must(proc >= 0);
	is_int(machine_read_at(proc, &machine, &err), -ENOENT);
	ok(strstr(err.text, "cpuinfo"), "%s", err.text);
	remove_proc(proc);
}
