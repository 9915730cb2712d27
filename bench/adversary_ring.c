// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An io_uring whose requests a thread of the kernel's fetches (IORING_SETUP_SQPOLL), on a CPU of the caller's
 * choice, wherever the caller itself may run (io_uring_setup(2)). The thread polls, and the requests do nothing.
 */
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "adversary.h"

#define ENTRIES 256u

struct ring {
	uint32_t *sq_head, *sq_tail, *sq_mask, *sq_flags, *sq_array, *cq_head, *cq_tail;
	struct io_uring_sqe *requests;
};

static void *map(int fd, size_t size, off_t what)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, what);
}

/* Both queues are in one mapping (IORING_FEAT_SINGLE_MMAP, since Linux 5.4). */
static int map_ring(int fd, const struct io_uring_params *p, struct ring *ring)
{
	size_t sq = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
	size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	char *queues = map(fd, sq > cq ? sq : cq, IORING_OFF_SQ_RING);
	void *requests =
		map(fd, p->sq_entries * sizeof(struct io_uring_sqe), (off_t)IORING_OFF_SQES);

	if (queues == MAP_FAILED || requests == MAP_FAILED)
		return -1;
	*ring = (struct ring){
		.sq_head = (uint32_t *)(queues + p->sq_off.head),
		.sq_tail = (uint32_t *)(queues + p->sq_off.tail),
		.sq_mask = (uint32_t *)(queues + p->sq_off.ring_mask),
		.sq_flags = (uint32_t *)(queues + p->sq_off.flags),
		.sq_array = (uint32_t *)(queues + p->sq_off.array),
		.cq_head = (uint32_t *)(queues + p->cq_off.head),
		.cq_tail = (uint32_t *)(queues + p->cq_off.tail),
		.requests = requests,
	};
	return 0;
}

/* As many requests as there is room for; what came back is thrown away. */
static void fill(struct ring *ring)
{
	uint32_t tail = *ring->sq_tail;

	while (tail - __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE) < ENTRIES) {
		uint32_t slot = tail & *ring->sq_mask;

		ring->requests[slot] = (struct io_uring_sqe){.opcode = IORING_OP_NOP};
		ring->sq_array[slot] = slot;
		tail++;
	}
	__atomic_store_n(ring->sq_tail, tail, __ATOMIC_RELEASE);
	__atomic_store_n(ring->cq_head, __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELEASE);
}

int adversary_sqpoll(unsigned int cpu)
{
	struct io_uring_params params = {.flags = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF,
					 .sq_thread_cpu = cpu,
					 .sq_thread_idle = 1000};
	int fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &params);
	struct ring ring;

	if (fd < 0 || map_ring(fd, &params, &ring) < 0)
		return adversary_fail("sqpoll");
	while (!adversary_is_over()) {
		fill(&ring);
		if (__atomic_load_n(ring.sq_flags, __ATOMIC_ACQUIRE) & IORING_SQ_NEED_WAKEUP)
			syscall(SYS_io_uring_enter, fd, 0, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0);
	}
	return EXIT_SUCCESS;
}
