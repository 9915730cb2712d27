// SPDX-License-Identifier: GPL-2.0-or-later
/* From ids of cgroups to paths: an id is the handle of the directory (fs/kernfs/mount.c). */
#include "ledger/cgroups.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strings.h"

/* FILEID_KERNFS of include/linux/exportfs.h: eight bytes, the kernfs id */
#define FILEID_KERNFS 0xfe

uint64_t ledger_cgroup_root_id(int mount_fd)
{
	struct stat st;

	return fstat(mount_fd, &st) == 0 ? st.st_ino : 0;
}

bool ledger_cgroup_is_below(const char *path, const char *ancestor)
{
	size_t length = strlen(ancestor);

	if (strcmp(ancestor, "/") == 0)
		return path[1] != '\0';
	return strncmp(path, ancestor, length) == 0 && path[length] == '/';
}

static int open_id(int mount_fd, uint64_t id)
{
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + sizeof(uint64_t)];
	} u = {.handle = {.handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS}};

	memcpy(u.handle.f_handle, &id, sizeof(id));
	return open_by_handle_at(mount_fd, &u.handle, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

char *ledger_cgroup_path(int mount_fd, const char *mount, uint64_t id)
{
	_cleanup_close_ int fd = mount_fd >= 0 ? open_id(mount_fd, id) : -1;
	char link[64], path[PATH_MAX];
	size_t skip = mount ? strlen(mount) : 0;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = fd >= 0 ? readlink(link, path, sizeof(path) - 1) : -1;
	if (n < 0)
		return string_format("cgroup-%llu", (unsigned long long)id);
	path[n] = '\0';
	if (strncmp(path, mount, skip) != 0 || path[skip] != '/' ||
	    string_ends_with(path, " (deleted)"))
		return string_format("cgroup-%llu", (unsigned long long)id);
	return strdup(path + skip);
}

/* Whom ID was below, by the slot that is or was its own; 0: of the root, or not known. */
static uint64_t parent_of(const struct wire_slot_info *slots, uint32_t n_slots, uint64_t id)
{
	for (uint32_t slot = WIRE_SLOT_FIRST; slot < n_slots; slot++) {
		if (slots[slot].id == id)
			return slots[slot].parent_id;
	}
	return 0;
}

char *ledger_slot_path(int mount_fd, const char *mount, const struct wire_slot_info *slots,
		       uint32_t n_slots, uint32_t slot)
{
	uint64_t id = slots[slot].id, above = slots[slot].parent_id;
	char *path = ledger_cgroup_path(mount_fd, mount, id);

	while (path && path[0] != '/' && above) {
		_cleanup_free_ char *ancestor = ledger_cgroup_path(mount_fd, mount, above);

		if (!ancestor || ancestor[0] == '/') {
			free(path);
			return ancestor ? string_format("%s/cgroup-%llu", ancestor,
							(unsigned long long)id)
					: NULL;
		}
		above = parent_of(slots, n_slots, above);
	}
	return path;
}
