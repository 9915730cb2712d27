// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"

#define PIECE_BYTES (1u << 20)

static int open_nameless(const char *directory, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (errno != EOPNOTSUPP && errno != EISDIR)
		return error_errno(err, errno, "make a scratch file in '%s'", directory);
	path = string_format("%s/.behalf-calibrate-XXXXXX", directory);
	if (!path)
		return error_oom(err);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "make a scratch file in '%s'", directory);
	unlink(path);
	return fd;
}

static int fill(int fd, const char *directory, uint64_t size_bytes, const volatile int *stop,
		struct error *err)
{
	_cleanup_free_ char *piece = malloc(PIECE_BYTES);

	if (!piece)
		return error_oom(err);
	memset(piece, 'b', PIECE_BYTES);
	for (uint64_t done = 0; done < size_bytes; done += PIECE_BYTES) {
		int r = *stop ? -EINTR : fd_write_all(fd, piece, PIECE_BYTES);

		if (r == -EINTR)
			return r;
		if (r < 0)
			return error_errno(err, r, "fill a scratch file in '%s'", directory);
	}
	if (fdatasync(fd) < 0)
		return error_errno(err, errno, "fill a scratch file in '%s'", directory);
	return 0;
}

/* Into the page cache, in folios of SCRATCH_PIECE_BYTES at most, none of which is across one's end. */
static int read_all(int fd, uint64_t size_bytes, const volatile int *stop, struct error *err)
{
	_cleanup_free_ char *piece = malloc(SCRATCH_PIECE_BYTES);

	if (!piece)
		return error_oom(err);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	for (uint64_t at = 0; at < size_bytes; at += SCRATCH_PIECE_BYTES) {
		if (*stop)
			return -EINTR;
		readahead(fd, (off_t)at, SCRATCH_PIECE_BYTES);
		if (pread(fd, piece, SCRATCH_PIECE_BYTES, (off_t)at) < 0)
			return error_errno(err, errno, "read a scratch file");
	}
	return 0;
}

int scratch_open(const char *directory, uint64_t size_bytes, const volatile int *stop,
		 struct flow_scratch *scratch, struct error *err)
{
	_cleanup_close_ int fd = open_nameless(directory, err);
	char again[64];
	int r;

	if (fd < 0)
		return fd;
	r = fill(fd, directory, size_bytes, stop, err);
	if (r == 0)
		r = read_all(fd, size_bytes, stop, err);
	if (r < 0)
		return r;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	scratch->direct = open(again, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (scratch->direct < 0)
		scratch->direct = -EBADF;
	scratch->size_bytes = size_bytes;
	scratch->buffered = take_fd(&fd);
	return 0;
}

void scratch_close(struct flow_scratch *scratch)
{
	cleanup_close(&scratch->direct);
	cleanup_close(&scratch->buffered);
	scratch->direct = scratch->buffered = -EBADF;
}

/* A partition is accounted, and throttled, as its disk: blkcg knows whole disks only. */
static void whole_disk(unsigned int *major_number, unsigned int *minor_number)
{
	_cleanup_free_ char *text = NULL;
	char path[96];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", *major_number,
		 *minor_number);
	if (access(path, F_OK) < 0)
		return;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", *major_number, *minor_number);
	if (file_read_at(AT_FDCWD, path, 64, &text, NULL, NULL) == 0)
		sscanf(text, "%u:%u", major_number, minor_number);
}

int scratch_device(const struct flow_scratch *scratch, struct scratch_device *device,
		   struct error *err)
{
	unsigned int major_number, minor_number;
	_cleanup_free_ char *text = NULL;
	char path[96], *name;
	struct stat st;

	if (fstat(scratch->buffered, &st) < 0)
		return error_errno(err, errno, "look at the scratch file");
	major_number = major(st.st_dev);
	minor_number = minor(st.st_dev);
	whole_disk(&major_number, &minor_number);
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/uevent", major_number, minor_number);
	if (file_read_at(AT_FDCWD, path, 4096, &text, NULL, NULL) < 0 ||
	    !(name = strstr(text, "DEVNAME=")))
		return error_set(err, ENOTBLK, "the scratch file is on no block device");
	name += strlen("DEVNAME=");
	name[strcspn(name, "\n")] = '\0';
	snprintf(device->target, sizeof(device->target), "%u:%u", major_number, minor_number);
	snprintf(device->name, sizeof(device->name), "/dev/%.50s", name);
	return 0;
}
