// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/quota_check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "keeper/ask.h"
#include "keeper/book.h"
#include "keeper/means_cpu.h"

static bool read_i64(const char *directory, const char *file, int64_t *first, int64_t *second)
{
	_cleanup_free_ char *path = string_format("%s/%s", directory, file), *text = NULL;

	if (!path || file_read_at(AT_FDCWD, path, 4096, &text, NULL, NULL) < 0)
		return false;
	return sscanf(text, "%" SCNd64 " %" SCNd64, first, second) >= 1;
}

/* Thousandths of a core; 0: no quota, or no such group. "max" is no number. */
static uint64_t quota_mcores(const char *directory, int version)
{
	int64_t quota_us = 0, period_us = 100000, none;

	if (version == 2) {
		if (!read_i64(directory, "cpu.max", &quota_us, &period_us))
			return 0;
	} else if (!read_i64(directory, "cpu.cfs_quota_us", &quota_us, &none) ||
		   !read_i64(directory, "cpu.cfs_period_us", &period_us, &none)) {
		return 0;
	}
	return quota_us > 0 && period_us > 0 ? (uint64_t)(quota_us * 1000 / period_us) : 0;
}

/* Where it is, or will be; NULL: not known, or memory is out. */
static char *place_of(const struct promise *promise, const struct cgroup_layout *layout)
{
	const char *mount = cgroup_layout_mount(layout, CGROUP_CPU);
	const char *there = promise->cgroup ? cgroup_directory(promise->cgroup, CGROUP_CPU) : NULL;

	if (there)
		return strdup(there);
	if (!mount || !promise->intended || promise->intended[0] != '/')
		return NULL;
	return string_format("%s%s", mount, promise->intended);
}

/* What the keeper has found there when it first set something; false: it has not, or there is no book. */
static bool find_quota(const char *directory, int version, uint64_t *mcores)
{
	const struct means_cpu *means = means_cpu_of(version);
	_cleanup_(cleanup_book) struct book *book = NULL;
	_cleanup_close_ int dir = open(keeper_directory(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool damaged, term = false;
	struct found found;
	struct stat st;
	double cores;

	if (dir < 0 || !means || book_open(dir, &book, &damaged, NULL) < 0 ||
	    !book_find(book, directory, means->quota_file, &found) || stat(directory, &st) < 0 ||
	    st.st_ino != found.inode)
		return false;
	cores = means->found_quota(book, directory, &term);
	*mcores = term ? 0 : (uint64_t)(cores * 1000);
	return true;
}

/* Of its own group: what nobody will raise. */
static uint64_t own_quota_mcores(const char *directory, int version, const struct terms *before)
{
	uint64_t quota, limit = before->cpu.limit_mcores;

	if (find_quota(directory, version, &quota))
		return quota;
	quota = quota_mcores(directory, version);
	/* set for the limit, by the container's maker */
	return limit && quota + 2 >= limit && quota <= limit + 2 ? 0 : quota;
}

int quota_check(const struct promise *promise, const struct cgroup_layout *layout,
		const struct terms *before, struct error *err)
{
	const int version = cgroup_layout_version(layout, CGROUP_CPU);
	const char *mount = cgroup_layout_mount(layout, CGROUP_CPU);
	_cleanup_free_ char *place = place_of(promise, layout);
	uint32_t reserve = promise->terms.cpu.reserve_mcores;
	size_t top = mount ? strlen(mount) : 0;
	bool own = true;
	char *slash;

	if (!reserve || !place || !string_starts_with(place, mount))
		return 0;
	for (; strlen(place) > top; own = false) {
		uint64_t quota = 0;

		if (!own)
			quota = quota_mcores(place, version);
		else if (before)
			quota = own_quota_mcores(place, version, before);
		if (quota && quota < reserve)
			return error_set(err, EINVAL,
					 "cpu-reserve %s: the control group '%s' has a quota of "
					 "%s, and nobody in it can have more",
					 cores_format(reserve).text, place + top,
					 cores_format((uint32_t)quota).text);
		slash = strrchr(place, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	return 0;
}

static bool needs(const struct terms *terms, enum cgroup_controller controller)
{
	switch (controller) {
	case CGROUP_CPU:
		return terms->cpu.reserve_mcores || terms->cpu.limit_mcores || terms->cpu.share;
	case CGROUP_MEMORY:
		return terms->memory.reserve_bytes || terms->memory.limit_bytes;
	case CGROUP_PIDS:
		return terms->pids_limit;
	default:
		return terms->n_disks;
	}
}

int quota_check_controllers(const struct promise *promise, struct error *err)
{
	static const struct {
		enum cgroup_controller controller;
		const char *file;
	} all[] = {{CGROUP_CPU, "cpu.max"},
		   {CGROUP_MEMORY, "memory.max"},
		   {CGROUP_PIDS, "pids.max"},
		   {CGROUP_IO, "io.max"}};

	for (size_t i = 0; promise->cgroup && i < ARRAY_SIZE(all); i++) {
		const char *directory = cgroup_directory(promise->cgroup, all[i].controller);
		_cleanup_free_ char *path = NULL;

		if (!needs(&promise->terms, all[i].controller))
			continue;
		if (!directory)
			return error_set(
				err, ENODEV,
				"the control group '%s' is in no hierarchy that has the %s "
				"controller",
				cgroup_path(promise->cgroup),
				cgroup_controller_name(all[i].controller, 2));
		if (cgroup_version(promise->cgroup, all[i].controller) != 2)
			continue;
		path = string_format("%s/%s", directory, all[i].file);
		if (!path)
			return error_oom(err);
		if (access(path, F_OK) < 0 && access(directory, F_OK) == 0)
			return error_set(
				err, ENODEV,
				"the %s controller is not switched on for the control group "
				"'%s' (cgroup.subtree_control of those above it)",
				cgroup_controller_name(all[i].controller, 2),
				cgroup_path(promise->cgroup));
	}
	return 0;
}
