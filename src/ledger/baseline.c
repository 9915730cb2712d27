// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's own usage figures, and what they were when the ledger was switched on: they count from
 * the making of a cgroup, the ledger from its own beginning.
 */
#include "ledger/baseline.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"

#define USAGE_LIMIT_BYTES 65536

int ledger_usage_read(const struct ledger_hierarchy *hierarchy, const char *path,
		      uint64_t *usage_ns)
{
	const char *mount = hierarchy->unified ? hierarchy->mount : hierarchy->usage;
	_cleanup_free_ char *name = NULL, *text = NULL;
	unsigned long long value;
	const char *line;
	int r;

	if (!mount)
		return -ENOENT;
	name = string_format("%s%s/%s", mount, strcmp(path, "/") == 0 ? "" : path,
			     hierarchy->unified ? "cpu.stat" : "cpuacct.usage");
	if (!name)
		return -ENOMEM;
	r = file_read_at(AT_FDCWD, name, USAGE_LIMIT_BYTES, &text, NULL, NULL);
	if (r < 0)
		return r;
	line = hierarchy->unified ? strstr(text, "usage_usec ") : text;
	if (!line ||
	    sscanf(hierarchy->unified ? line + strlen("usage_usec ") : line, "%llu", &value) != 1)
		return -ENOENT;
	*usage_ns = hierarchy->unified ? value * 1000 : value;
	return 0;
}

static int store_below(const struct ledger_hierarchy *hierarchy, const char *path, int map_fd)
{
	_cleanup_free_ char *full = string_format("%s%s", hierarchy->mount, path);
	_cleanup_closedir_ DIR *dir = full ? opendir(full) : NULL;
	const struct dirent *entry;
	struct stat st;
	uint64_t usage_ns, id;

	/* a cgroup that is gone by now needs no figure */
	if (!dir || fstat(dirfd(dir), &st) < 0)
		return full ? 0 : -ENOMEM;
	id = st.st_ino;
	if (ledger_usage_read(hierarchy, path, &usage_ns) == 0)
		bpf_map_update_elem(map_fd, &id, &usage_ns, BPF_ANY);
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *child = NULL;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = string_format("%s/%s", strcmp(path, "/") == 0 ? "" : path, entry->d_name);
		if (!child || store_below(hierarchy, child, map_fd) < 0)
			return -ENOMEM;
	}
	return 0;
}

int ledger_baseline_store(int map_fd, struct error *err)
{
	_cleanup_hierarchy_ struct ledger_hierarchy hierarchy = {0};
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (ledger_hierarchy_find(proc, &hierarchy, err) < 0)
		return -err->code;
	if (!hierarchy.mount)
		return 0;
	return store_below(&hierarchy, "/", map_fd) < 0 ? error_oom(err) : 0;
}

uint64_t ledger_baseline_of(int map_fd, uint64_t id)
{
	uint64_t usage_ns;

	return bpf_map_lookup_elem(map_fd, &id, &usage_ns) == 0 ? usage_ns : 0;
}
