// SPDX-License-Identifier: GPL-2.0-or-later
/* The pinned ledger as memory: the tables are mapped, so reading them is not seen by the kernel. */
#include "ledger/pinned.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "ledger/hooks.h"
#include "ledger/load.h"

static int open_map(const char *name, struct error *err)
{
	_cleanup_free_ char *path = string_format(LEDGER_PATH "/%s", name);
	int fd;

	if (!path)
		return error_oom(err);
	/* not read-only: the kernel then refuses to map it shared (kernel/bpf/syscall.c) */
	fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return error_set(err, ENOENT,
				 "the ledger is off (behalf ledger on switches it on)");
	if (fd == -EPERM || fd == -EACCES)
		return error_set(err, -fd, "reading the ledger needs root");
	if (fd < 0)
		return error_errno(err, -fd, "open the pinned map '%s'", path);
	return fd;
}

/* Maps all of the array NAME, which must have values of VALUE_BYTES. */
static int map_array(const char *name, size_t value_bytes, const void **memory, size_t *bytes,
		     struct error *err)
{
	_cleanup_close_ int fd = open_map(name, err);
	struct bpf_map_info info = {0};
	__u32 info_bytes = sizeof(info);
	void *mapped;

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &info_bytes) < 0)
		return error_errno(err, errno, "look at the pinned map '%s'", name);
	if (info.value_size != value_bytes)
		return error_set(
			err, EPROTO,
			"a ledger of another version of behalf is on (map '%s'); switch it "
			"off and on again",
			name);
	*bytes = value_bytes * info.max_entries;
	mapped = mmap(NULL, *bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		return error_errno(err, errno, "map the pinned map '%s'", name);
	*memory = mapped;
	return 0;
}

static int open_all(struct ledger_pinned *p, struct error *err)
{
	const void *book = NULL, *cpus = NULL, *totals = NULL, *slots = NULL;
	int r;

	r = map_array("book", sizeof(*p->book), &book, &p->book_bytes, err);
	p->book = book;
	if (r < 0)
		return r;
	if (p->book->magic != WIRE_MAGIC || p->book->version != WIRE_VERSION)
		return error_set(err, EPROTO,
				 "a ledger of another version of behalf is on; switch "
				 "it off and on again");
	r = map_array("cpus", sizeof(*p->cpus), &cpus, &p->cpus_bytes, err);
	p->cpus = cpus;
	if (r < 0)
		return r;
	r = map_array("totals", sizeof(*p->totals), &totals, &p->totals_bytes, err);
	p->totals = totals;
	if (r < 0)
		return r;
	r = map_array("slots", sizeof(*p->slots), &slots, &p->slots_bytes, err);
	p->slots = slots;
	if (r < 0)
		return r;
	p->netns = open_map("netns", err);
	if (p->netns < 0)
		return p->netns;
	p->baseline = open_map("baseline", err);
	return p->baseline < 0 ? p->baseline : 0;
}

int ledger_pinned_open(struct ledger_pinned *pinned, struct error *err)
{
	_cleanup_pinned_ struct ledger_pinned p = LEDGER_PINNED_CLOSED;
	int r = open_all(&p, err);

	if (r < 0)
		return r;
	*pinned = p;
	p = (struct ledger_pinned)LEDGER_PINNED_CLOSED;
	return 0;
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
	*p = (struct ledger_pinned)LEDGER_PINNED_CLOSED;
}

static uint64_t misses_of(const char *program)
{
	_cleanup_free_ char *path = string_format(LEDGER_LINKS_PATH "/%s", program);
	struct bpf_link_info link = {0};
	struct bpf_prog_info info = {0};
	__u32 link_bytes = sizeof(link), info_bytes = sizeof(info);
	_cleanup_close_ int link_fd = path ? bpf_obj_get(path) : -ENOMEM;
	_cleanup_close_ int program_fd = -EBADF;

	if (link_fd < 0 || bpf_obj_get_info_by_fd(link_fd, &link, &link_bytes) < 0)
		return 0;
	program_fd = bpf_prog_get_fd_by_id(link.prog_id);
	if (program_fd < 0 || bpf_obj_get_info_by_fd(program_fd, &info, &info_bytes) < 0)
		return 0;
	return info.recursion_misses;
}

uint64_t ledger_recursion_misses(void)
{
	uint64_t misses = 0;

	for (size_t i = 0; i < ledger_hooks_count; i++)
		misses += misses_of(ledger_hooks[i].program);
	return misses;
}
