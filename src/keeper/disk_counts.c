// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/disk_counts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"

#define FILE_MAX_BYTES (256u << 10)
#define PROCESSES_MAX 64

static char *read_in(const char *directory, const char *file)
{
	_cleanup_free_ char *path = string_format("%s/%s", directory, file);
	char *text = NULL;

	if (!path || file_read_at(AT_FDCWD, path, FILE_MAX_BYTES, &text, NULL, NULL) < 0)
		return NULL;
	return text;
}

static uint64_t number_after(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6" */
static void take_v2(const char *text, const char *disk, struct disk_counts *counts)
{
	size_t length = strlen(disk);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		_cleanup_free_ char *copy = NULL;

		line += *line == '\n';
		if (strncmp(line, disk, length) != 0 || line[length] != ' ')
			continue;
		copy = strndup(line, strcspn(line, "\n"));
		if (!copy)
			return;
		counts->bytes[TERMS_READ] = number_after(copy, " rbytes=");
		counts->bytes[TERMS_WRITE] = number_after(copy, " wbytes=");
		counts->requests[TERMS_READ] = number_after(copy, " rios=");
		counts->requests[TERMS_WRITE] = number_after(copy, " wios=");
		return;
	}
}

/* "8:0 Read 1\n8:0 Write 2\n..." */
static void take_v1(const char *text, const char *disk, uint64_t values[TERMS_ACCESSES])
{
	size_t length = strlen(disk);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		uint64_t value;
		char what[16];

		line += *line == '\n';
		if (strncmp(line, disk, length) != 0 ||
		    sscanf(line + length, " %15s %" SCNu64, what, &value) != 2)
			continue;
		if (strcmp(what, "Read") == 0)
			values[TERMS_READ] = value;
		else if (strcmp(what, "Write") == 0)
			values[TERMS_WRITE] = value;
	}
}

int disk_counts_read(const char *directory, int version, const char *disk,
		     struct disk_counts *counts)
{
	_cleanup_free_ char *bytes = NULL, *requests = NULL;

	*counts = (struct disk_counts){0};
	bytes = read_in(directory,
			version == 2 ? "io.stat" : "blkio.throttle.io_service_bytes_recursive");
	if (!bytes)
		return -ENOENT;
	if (version == 2) {
		take_v2(bytes, disk, counts);
		return 0;
	}
	requests = read_in(directory, "blkio.throttle.io_serviced_recursive");
	take_v1(bytes, disk, counts->bytes);
	if (requests)
		take_v1(requests, disk, counts->requests);
	return 0;
}

/* The line that begins with KEY, wherever it is. */
static uint64_t line_of(const char *text, const char *key)
{
	_cleanup_free_ char *inside = string_format("\n%s ", key);

	if (inside && string_starts_with(text, inside + 1))
		return strtoull(text + strlen(key) + 1, NULL, 10);
	return inside ? number_after(text, inside) : 0;
}

uint64_t disk_counts_dirty_bytes(const char *directory, int version)
{
	_cleanup_free_ char *text = directory ? read_in(directory, "memory.stat") : NULL;

	if (!text)
		return 0;
	if (version == 2)
		return line_of(text, "file_dirty") + line_of(text, "file_writeback");
	return line_of(text, "total_dirty") + line_of(text, "total_writeback");
}

int disk_counts_waited_ns(const char *directory, uint64_t *ns)
{
	_cleanup_free_ char *text = directory ? read_in(directory, "io.pressure") : NULL;
	const char *total = text ? strstr(text, "total=") : NULL;

	if (!total)
		return -ENOENT;
	*ns = strtoull(total + strlen("total="), NULL, 10) * 1000;
	return 0;
}

/* The state is behind the name, which may have anything in it. */
static bool waits(int pid)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	const char *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read_at(AT_FDCWD, path, 4096, &text, NULL, NULL) < 0)
		return false;
	end = strrchr(text, ')');
	return end && strncmp(end, ") D", 3) == 0;
}

bool disk_counts_anybody_waits(const char *directory)
{
	_cleanup_free_ char *text = read_in(directory, "cgroup.procs");
	unsigned int looked = 0;

	for (const char *line = text; line && *line && looked < PROCESSES_MAX; looked++) {
		if (waits(atoi(line)))
			return true;
		line = strchr(line, '\n');
		line += line != NULL;
	}
	return false;
}
