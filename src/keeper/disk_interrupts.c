// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/disk_interrupts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "keeper/cpu_mask.h"

static DIR *open_directory(int root, const char *path)
{
	int fd = path ? openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static bool is_there(int root, const char *directory, const char *file)
{
	_cleanup_free_ char *path = string_format("%s/%s", directory, file);

	return path && faccessat(root, path, F_OK, 0) == 0;
}

static int read_mask(int root, const char *interrupt, const char *file, struct cpus *cpus)
{
	_cleanup_free_ char *path = string_format("proc/irq/%s/%s", interrupt, file), *text = NULL;
	int r = path ? file_read_at(root, path, CPU_MASK_BYTES, &text, NULL, NULL) : -ENOMEM;

	return r < 0 ? r : cpu_mask_parse(text, cpus);
}

/* Those that are the kernel's own to place can be read only; root may do all. */
static bool is_placed(int root, const char *interrupt)
{
	_cleanup_free_ char *path = string_format("proc/irq/%s/smp_affinity", interrupt);
	struct stat st;

	return path && fstatat(root, path, &st, 0) == 0 && !(st.st_mode & S_IWUSR);
}

static void add_interrupt(int root, const char *interrupt, struct cpus *cpus)
{
	struct cpus from, to;

	if (!is_placed(root, interrupt) || read_mask(root, interrupt, "smp_affinity", &from) < 0 ||
	    read_mask(root, interrupt, "effective_affinity", &to) < 0 || cpus_count(&from) < 2)
		return;
	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (cpus_has(&to, cpu))
			cpus_add(cpus, cpu);
	}
}

/* The nearest device above a disk, at "sys/devices/...", that has interrupts; in its place, shortened. */
static bool find_device(int root, char *path)
{
	for (char *slash; (slash = strrchr(path, '/')); *slash = '\0') {
		if (string_ends_with(path, "sys/devices"))
			return false;
		if (is_there(root, path, "irq"))
			return is_there(root, path, "msi_irqs");
	}
	return false;
}

static void add_interrupts(int root, const char *device, struct cpus *cpus)
{
	_cleanup_free_ char *path = string_format("%s/msi_irqs", device);
	_cleanup_closedir_ DIR *dir = open_directory(root, path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			add_interrupt(root, entry->d_name, cpus);
	}
}

static bool has_requests_from_above(int root, const char *disk)
{
	_cleanup_free_ char *path = string_format("sys/block/%s/holders", disk);
	_cleanup_closedir_ DIR *dir = open_directory(root, path);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		_cleanup_free_ char *holder = string_format("sys/block/%s", entry->d_name);

		/* one that passes on what it is given has no queues */
		found = entry->d_name[0] != '.' && (!holder || is_there(root, holder, "mq"));
	}
	return found;
}

static bool look(int root, const char *disk, struct disk_interrupts *found)
{
	_cleanup_free_ char *link = string_format("sys/block/%s", disk), *device = NULL;
	char target[PATH_MAX];
	ssize_t size = link ? readlinkat(root, link, target, sizeof(target) - 1) : -1;

	*found = (struct disk_interrupts){0};
	if (size < 0 || strlen(disk) >= sizeof(found->name))
		return false;
	target[size] = '\0';
	/* "../devices/..." */
	device = string_format("sys/%s", strncmp(target, "../", 3) == 0 ? target + 3 : target);
	if (!device || !find_device(root, device) || has_requests_from_above(root, disk))
		return false;
	strcpy(found->name, disk);
	add_interrupts(root, device, &found->cpus);
	return cpus_count(&found->cpus) > 0;
}

int disk_interrupts_find(int root, struct disk_interrupts **disks, size_t *n, struct error *err)
{
	_cleanup_closedir_ DIR *dir = open_directory(root, "sys/block");
	struct dirent *entry;

	*disks = NULL;
	*n = 0;
	while (dir && (entry = readdir(dir))) {
		struct disk_interrupts found, *grown;

		if (entry->d_name[0] == '.' || !look(root, entry->d_name, &found))
			continue;
		grown = realloc(*disks, (*n + 1) * sizeof(*grown));
		if (!grown) {
			free(*disks);
			*disks = NULL;
			return error_oom(err);
		}
		*disks = grown;
		grown[(*n)++] = found;
	}
	return 0;
}
