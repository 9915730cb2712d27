// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define CPUINFO_LIMIT_BYTES (16u << 20)

/* The keys by which architectures give it: x86, then arm64, POWER and RISC-V, s390x. */
static const char *const model_keys[] = {"model name", "CPU part", "cpu", "uarch", "processor 0"};

/* The value of the first line "KEY : value" of TEXT, cut to SIZE. */
static int find_value(const char *text, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *rest;

		line += *line == '\n';
		if (strncmp(line, key, length) != 0)
			continue;
		rest = line + length + strspn(line + length, " \t");
		if (*rest != ':')
			continue;
		rest += 1 + strspn(rest + 1, " \t");
		snprintf(value, size, "%.*s", (int)strcspn(rest, "\n"), rest);
		return 0;
	}
	return -ENOENT;
}

int machine_read_at(int proc, struct machine *machine, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct machine read = {0};
	struct utsname names;
	int r = file_read_at(proc, "cpuinfo", CPUINFO_LIMIT_BYTES, &text, NULL, err);

	if (r < 0)
		return r;
	if (uname(&names) < 0)
		return error_errno(err, errno, "ask for the name of the system");
	snprintf(read.name, sizeof(read.name), "%.64s", names.nodename);
	snprintf(read.kernel, sizeof(read.kernel), "%.64s", names.release);
	for (size_t i = 0; i < ARRAY_SIZE(model_keys); i++) {
		if (find_value(text, model_keys[i], read.cpu_model, sizeof(read.cpu_model)) == 0)
			break;
	}
	read.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	*machine = read;
	return 0;
}

int machine_read(struct machine *machine, struct error *err)
{
	_cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (proc < 0)
		return error_errno(err, errno, "open '/proc'");
	return machine_read_at(proc, machine, err);
}
