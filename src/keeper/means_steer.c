// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/means_steer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "kernel/netlink.h"
#include "kernel/netlink_peers.h"

#define LINKS_MAX 16
#define MASK_BYTES (CPUS_MAX / 4 + CPUS_MAX / 32 + 2)

/* "f", "00000001,ffffffff": words of 32 CPUs, the highest first (lib/bitmap.c, bitmap_parse). */
static int parse_mask(const char *text, struct cpus *mask)
{
	unsigned int words = 1, word = 0;

	*mask = (struct cpus){0};
	for (const char *at = text; *at; at++)
		words += *at == ',';
	for (const char *at = text; words - word > 0; word++) {
		char *end;
		unsigned long bits = strtoul(at, &end, 16);
		unsigned int first = (words - 1 - word) * 32;

		if (end == at || (*end && *end != ','))
			return -EINVAL;
		for (unsigned int bit = 0; bit < 32 && first + bit < CPUS_MAX; bit++) {
			if (bits >> bit & 1)
				cpus_add(mask, first + bit);
		}
		at = *end ? end + 1 : end;
	}
	return 0;
}

static void format_mask(const struct cpus *mask, char *text, size_t size)
{
	unsigned int words = 1;
	size_t used = 0;

	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (cpus_has(mask, cpu))
			words = cpu / 32 + 1;
	}
	for (unsigned int word = words; word-- > 0 && used < size;) {
		unsigned int bits = 0;

		for (unsigned int bit = 0; bit < 32; bit++)
			bits |= (unsigned int)cpus_has(mask, word * 32 + bit) << bit;
		used += (size_t)snprintf(text + used, size - used, "%s%08x", used ? "," : "", bits);
	}
}

static int steer_queue(struct writer *writer, const char *name, const char *queue,
		       const struct cpus *avoid, bool *changed, struct error *err)
{
	_cleanup_free_ char *file = string_format("%s/rps_cpus", queue), *now = NULL;
	struct cpus mask, left = {0};
	char text[MASK_BYTES];
	int r = file ? file_read_at(AT_FDCWD, file, MASK_BYTES, &now, NULL, err) : error_oom(err);

	if (r < 0)
		return r;
	now[strcspn(now, "\n")] = '\0';
	if (parse_mask(now, &mask) < 0)
		return error_set(err, EINVAL, "'%s' holds '%s', not a mask of CPUs", file, now);
	for (unsigned int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (cpus_has(&mask, cpu) && !cpus_has(avoid, cpu))
			cpus_add(&left, cpu);
	}
	if (cpus_count(&left) == cpus_count(&mask))
		return 0;
	free(take_ptr(now));
	r = writer_note_file(writer, "steer", queue, "rps_cpus", &now, err);
	if (r == 0 && writer->book && !writer->dry)
		r = book_flush(writer->book, err);
	if (r < 0)
		return r;
	format_mask(&left, text, sizeof(text));
	*changed = true;
	return writer_set_file(writer, name, queue, "rps_cpus", text, err);
}

static int steer_link(struct writer *writer, const char *name, const char *link,
		      const struct cpus *avoid, bool *changed, struct error *err)
{
	_cleanup_free_ char *queues = string_format("/sys/class/net/%s/queues", link);
	_cleanup_closedir_ DIR *dir = queues ? opendir(queues) : NULL;
	struct dirent *entry;
	int r = 0;

	while (dir && r == 0 && (entry = readdir(dir))) {
		_cleanup_free_ char *queue = NULL;

		if (!string_starts_with(entry->d_name, "rx-"))
			continue;
		queue = string_format("%s/%s", queues, entry->d_name);
		r = queue ? steer_queue(writer, name, queue, avoid, changed, err) : error_oom(err);
	}
	return r;
}

/* The network of somebody in the group, or -ENOENT. */
static int open_netns(const char *directory)
{
	_cleanup_free_ char *procs = string_format("%s/cgroup.procs", directory), *text = NULL;
	char path[64];
	long pid;
	int fd;

	if (!procs || file_read_at(AT_FDCWD, procs, 1u << 20, &text, NULL, NULL) < 0)
		return -ENOENT;
	pid = strtol(text, NULL, 10);
	snprintf(path, sizeof(path), "/proc/%ld/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -ENOENT : fd;
}

int means_steer(struct writer *writer, const char *name, const char *directory,
		const struct cpus *avoid, bool *changed, struct error *err)
{
	_cleanup_close_ int netns = open_netns(directory);
	_cleanup_(cleanup_netlink) struct netlink *netlink = NULL;
	struct netlink_peer peers[LINKS_MAX];
	size_t n = 0;
	int r;

	*changed = false;
	if (netns < 0)
		return 0;
	r = netlink_open(&netlink, err);
	if (r < 0)
		return r;
	r = netlink_peers_in(netlink, netns, peers, LINKS_MAX, &n, err);
	if (r == -ENODEV) {
		*err = (struct error){0};
		return 0;
	}
	for (size_t i = 0; r == 0 && i < n; i++)
		r = steer_link(writer, name, peers[i].name, avoid, changed, err);
	return r;
}
