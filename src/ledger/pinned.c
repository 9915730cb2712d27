// SPDX-License-Identifier: GPL-2.0-or-later
/* The pinned ledger as memory: the tables are mapped, so reading them is not seen by the kernel. */
#include "ledger/pinned.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "ledger/pins.h"

#define ATTEMPTS 10
#define OTHER_VERSION                                                                              \
	"a ledger of another version of behalf is on; 'behalf ledger upgrade' takes its books over"

/*
 * By way of the directory that is open: another ledger may be published in its place, or it be removed,
 * between two maps.
 */
static int open_map(int dir, const char *name, struct error *err)
{
	_cleanup_free_ char *path = string_format("/proc/self/fd/%d/%s", dir, name);
	int fd;

	if (!path)
		return error_oom(err);
	/* not read-only: the kernel then refuses to map it shared (kernel/bpf/syscall.c) */
	fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return fd;
	if (fd == -EPERM || fd == -EACCES)
		return error_set(err, -fd, "reading the ledger needs root");
	if (fd < 0)
		return error_errno(err, -fd, "open the pinned map '%s'", name);
	return fd;
}

/* Maps all of the array NAME, which must have values of VALUE_BYTES. */
static int map_array(int dir, const char *name, size_t value_bytes, const void **memory,
		     size_t *bytes, struct error *err)
{
	_cleanup_close_ int fd = open_map(dir, name, err);
	struct bpf_map_info info = {0};
	__u32 info_bytes = sizeof(info);
	void *mapped;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &info_bytes) < 0)
		return error_errno(err, errno, "look at the pinned map '%s'", name);
	if (info.value_size != value_bytes)
		return error_set(err, EPROTO, OTHER_VERSION " (map '%s')", name);
	*bytes = value_bytes * info.max_entries;
	mapped = mmap(NULL, *bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		return error_errno(err, errno, "map the pinned map '%s'", name);
	*memory = mapped;
	return 0;
}

/* The book alone, whatever its size: its first words are the same in all versions. */
static int check_version(int dir, struct error *err)
{
	_cleanup_close_ int fd = open_map(dir, "book", err);
	struct bpf_map_info info = {0};
	__u32 info_bytes = sizeof(info), key = 0;
	_cleanup_free_ uint32_t *head = NULL;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &info_bytes) < 0)
		return error_errno(err, errno, "look at the pinned map 'book'");
	head = calloc(1, info.value_size + 2 * sizeof(*head));
	if (!head)
		return error_oom(err);
	if (bpf_map_lookup_elem(fd, &key, head) < 0)
		return error_errno(err, errno, "read the pinned map 'book'");
	if (head[0] == WIRE_MAGIC && head[1] == WIRE_VERSION)
		return 0;
	return error_set(err, EPROTO, OTHER_VERSION " (layout %u, this one reads %u)", head[1],
			 WIRE_VERSION);
}

static int open_all(int dir, struct ledger_pinned *p, struct error *err)
{
	const void *book = NULL, *cpus = NULL, *totals = NULL, *slots = NULL;
	int r;

	r = check_version(dir, err);
	if (r < 0)
		return r;
	r = map_array(dir, "book", sizeof(*p->book), &book, &p->book_bytes, err);
	p->book = book;
	if (r < 0)
		return r;
	r = map_array(dir, "cpus", sizeof(*p->cpus), &cpus, &p->cpus_bytes, err);
	p->cpus = cpus;
	if (r < 0)
		return r;
	r = map_array(dir, "totals", sizeof(*p->totals), &totals, &p->totals_bytes, err);
	p->totals = totals;
	if (r < 0)
		return r;
	r = map_array(dir, "slots", sizeof(*p->slots), &slots, &p->slots_bytes, err);
	p->slots = slots;
	if (r < 0)
		return r;
	p->netns = open_map(dir, "netns", err);
	if (p->netns < 0)
		return p->netns;
	p->baseline = open_map(dir, "baseline", err);
	if (p->baseline < 0)
		return p->baseline;
	p->requests = open_map(dir, "requests", err);
	/* one that was switched on before it was pinned */
	if (p->requests == -ENOENT)
		p->requests = -EBADF;
	return p->requests < 0 && p->requests != -EBADF ? p->requests : 0;
}

static int open_once(struct ledger_pinned *pinned, struct error *err)
{
	_cleanup_pinned_ struct ledger_pinned p = LEDGER_PINNED_CLOSED;
	_cleanup_close_ int dir = open(LEDGER_PATH, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dir < 0 && errno == ENOENT)
		return error_set(err, ENOENT,
				 "the ledger is off (behalf ledger on switches it on)");
	if (dir < 0 && errno == EACCES)
		return error_set(err, EACCES, "reading the ledger needs root");
	if (dir < 0)
		return error_errno(err, errno, "open '%s'", LEDGER_PATH);
	r = open_all(dir, &p, err);
	if (r == -ENOENT)
		return error_set(err, EAGAIN,
				 "the ledger was switched off, or taken over, meanwhile");
	if (r < 0)
		return r;
	*pinned = p;
	p = (struct ledger_pinned)LEDGER_PINNED_CLOSED;
	return 0;
}

int ledger_pinned_open(struct ledger_pinned *pinned, struct error *err)
{
	int r = -EAGAIN;

	for (int i = 0; i < ATTEMPTS && r == -EAGAIN; i++)
		r = open_once(pinned, err);
	return r;
}

static void unmap(const void *memory, size_t bytes)
{
	if (memory)
		munmap((void *)memory, bytes);
}

void ledger_pinned_close(struct ledger_pinned *p)
{
	unmap(p->book, p->book_bytes);
	unmap(p->cpus, p->cpus_bytes);
	unmap(p->totals, p->totals_bytes);
	unmap(p->slots, p->slots_bytes);
	if (p->netns >= 0)
		close(p->netns);
	if (p->baseline >= 0)
		close(p->baseline);
	if (p->requests >= 0)
		close(p->requests);
	*p = (struct ledger_pinned)LEDGER_PINNED_CLOSED;
}

uint64_t ledger_recursion_misses(const struct ledger_pinned *pinned)
{
	return pinned->book->misses + ledger_pins_misses(LEDGER_PATH);
}
