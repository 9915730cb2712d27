// SPDX-License-Identifier: GPL-2.0-or-later
#include "ledger/pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strings.h"

int ledger_pins_lock(int *lock, struct error *err)
{
	_cleanup_close_ int fd = open(BPFFS_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "open '%s'", BPFFS_PATH);
	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return error_errno(err, errno, "lock '%s'", BPFFS_PATH);
	}
	*lock = take_fd(&fd);
	return 0;
}

static int make_directory(const char *path, struct error *err)
{
	if (mkdir(path, 0700) < 0)
		return error_errno(err, errno, "make the directory '%s'", path);
	return 0;
}

int ledger_pins_begin(struct error *err)
{
	if (make_directory(LEDGER_BUILD_PATH, err) < 0 ||
	    make_directory(LEDGER_BUILD_PATH "/links", err) < 0)
		return -err->code;
	return 0;
}

/* The file system exchanges two names since Linux 5.17 (fs/libfs.c, simple_rename_exchange). */
int ledger_pins_publish(struct error *err)
{
	if (rename(LEDGER_BUILD_PATH, LEDGER_PATH) == 0)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST) {
		if (renameat2(AT_FDCWD, LEDGER_BUILD_PATH, AT_FDCWD, LEDGER_PATH,
			      RENAME_EXCHANGE) == 0)
			return 0;
	}
	return error_errno(err, errno, "rename '%s' to '%s'", LEDGER_BUILD_PATH, LEDGER_PATH);
}

/* Removes a directory of pins; its one level of subdirectories too. */
static int remove_pins(const char *path, struct error *err)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : error_errno(err, errno, "open '%s'", path);
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *child = NULL;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		child = string_format("%s/%s", path, entry->d_name);
		if (!child)
			return error_oom(err);
		if (entry->d_type == DT_DIR) {
			if (remove_pins(child, err) < 0)
				return -err->code;
		} else if (unlink(child) < 0) {
			return error_errno(err, errno, "remove '%s'", child);
		}
	}
	if (rmdir(path) < 0)
		return error_errno(err, errno, "remove '%s'", path);
	return 0;
}

int ledger_pins_remove_builds(struct error *err)
{
	_cleanup_closedir_ DIR *dir = opendir(BPFFS_PATH);
	const struct dirent *entry;

	if (!dir)
		return error_errno(err, errno, "open '%s'", BPFFS_PATH);
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *path = NULL;

		if (!string_starts_with(entry->d_name, LEDGER_BUILD_PREFIX))
			continue;
		path = string_format(BPFFS_PATH "/%s", entry->d_name);
		if (!path)
			return error_oom(err);
		if (remove_pins(path, err) < 0)
			return -err->code;
	}
	return 0;
}

static uint64_t misses_of(const char *path)
{
	struct bpf_link_info link = {0};
	struct bpf_prog_info info = {0};
	__u32 link_bytes = sizeof(link), info_bytes = sizeof(info);
	_cleanup_close_ int link_fd = bpf_obj_get(path);
	_cleanup_close_ int program_fd = -EBADF;

	if (link_fd < 0 || bpf_obj_get_info_by_fd(link_fd, &link, &link_bytes) < 0)
		return 0;
	program_fd = bpf_prog_get_fd_by_id(link.prog_id);
	if (program_fd < 0 || bpf_obj_get_info_by_fd(program_fd, &info, &info_bytes) < 0)
		return 0;
	return info.recursion_misses;
}

uint64_t ledger_pins_misses(const char *path)
{
	_cleanup_free_ char *links = string_format("%s/links", path);
	_cleanup_closedir_ DIR *dir = links ? opendir(links) : NULL;
	const struct dirent *entry;
	uint64_t misses = 0;

	while (dir && (entry = readdir(dir))) {
		_cleanup_free_ char *link = string_format("%s/%s", links, entry->d_name);

		if (link && entry->d_name[0] != '.')
			misses += misses_of(link);
	}
	return misses;
}

/* Out of the way at once: who is killed in between leaves no ledger that lacks hooks. */
int ledger_pins_remove(struct error *err)
{
	if (rename(LEDGER_PATH, LEDGER_BUILD_PATH) < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "rename '%s'", LEDGER_PATH);
	return remove_pins(LEDGER_BUILD_PATH, err);
}
