// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sends frames through vhost-net as the driver in a virtual machine would, by a ring in this program's
 * memory; the kernel's worker receives them at a tap device of this network namespace, where nobody knows
 * their protocol.
 *
 *	vhost_send DEVICE FRAMES
 *
 * Prints how many frames the worker has taken at least, whether it is a "thread" of this program (since Linux 6.4) or
 * one of the "kernel", and for how many ns it ran. Status 77: there is no vhost-net here.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define RING 256
#define TX_QUEUE 1
#define NOT_HERE 77

/* What the worker reads and writes; its addresses are ours. */
struct shared {
	struct vring_desc desc[RING];
	struct {
		uint16_t flags;
		uint16_t idx;
		uint16_t ring[RING];
		uint16_t used_event;
	} avail;
	struct {
		uint16_t flags;
		uint16_t idx;
		struct vring_used_elem ring[RING];
	} __attribute__((aligned(4096))) used;
	struct {
		struct virtio_net_hdr header;
		struct ethhdr ethernet;
		uint8_t data[64];
	} __attribute__((packed, aligned(64))) frame;
};

static int fail(const char *what)
{
	fprintf(stderr, "vhost_send: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static int open_tap(const char *name)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || control < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		return -1;
	request.ifr_flags = IFF_UP;
	return ioctl(control, SIOCSIFFLAGS, &request) < 0 ? -1 : fd;
}

/* Every descriptor is the same frame. */
static struct shared *make_ring(void)
{
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		return NULL;
	memset(s->frame.ethernet.h_dest, 0xff, ETH_ALEN);
	s->frame.ethernet.h_source[0] = 2;
	s->frame.ethernet.h_proto = 0xb588; /* 0x88b5: for experiments */
	for (uint16_t i = 0; i < RING; i++) {
		s->desc[i].addr = (uintptr_t)&s->frame;
		s->desc[i].len = sizeof(s->frame);
		s->avail.ring[i] = i;
	}
	return s;
}

/* Returns the eventfd that wakes the worker, or -1. */
static int start_worker(int vhost, int tap, struct shared *s)
{
	struct {
		struct vhost_memory head;
		struct vhost_memory_region region;
	} memory = {
		.head.nregions = 1,
		.region = {.guest_phys_addr = (uintptr_t)s,
			   .userspace_addr = (uintptr_t)s,
			   .memory_size = sizeof(*s)},
	};
	struct vhost_vring_addr address = {
		.index = TX_QUEUE,
		.desc_user_addr = (uintptr_t)s->desc,
		.avail_user_addr = (uintptr_t)&s->avail,
		.used_user_addr = (uintptr_t)&s->used,
	};
	struct vhost_vring_state size = {.index = TX_QUEUE, .num = RING},
				 base = {.index = TX_QUEUE};
	struct vhost_vring_file kick = {.index = TX_QUEUE, .fd = eventfd(0, EFD_CLOEXEC)};
	struct vhost_vring_file backend = {.index = TX_QUEUE, .fd = tap};
	uint64_t features = 0;

	if (kick.fd < 0 || ioctl(vhost, VHOST_SET_OWNER) < 0 ||
	    ioctl(vhost, VHOST_SET_FEATURES, &features) < 0 ||
	    ioctl(vhost, VHOST_SET_MEM_TABLE, &memory) < 0 ||
	    ioctl(vhost, VHOST_SET_VRING_NUM, &size) < 0 ||
	    ioctl(vhost, VHOST_SET_VRING_BASE, &base) < 0 ||
	    ioctl(vhost, VHOST_SET_VRING_ADDR, &address) < 0 ||
	    ioctl(vhost, VHOST_SET_VRING_KICK, &kick) < 0 ||
	    ioctl(vhost, VHOST_NET_SET_BACKEND, &backend) < 0)
		return -1;
	return kick.fd;
}

/* Fills the ring as often as the worker has emptied it, until it has taken all frames; 0 if it does not. */
static int send_frames(struct shared *s, int kick, unsigned long frames)
{
	const uint64_t one = 1;
	unsigned long sent = 0;

	for (int idle = 0; idle < 30000; idle++) {
		uint16_t used = __atomic_load_n(&s->used.idx, __ATOMIC_ACQUIRE);

		if (used == s->avail.idx) {
			if (sent >= frames)
				return 1;
			__atomic_store_n(&s->avail.idx, (uint16_t)(used + RING), __ATOMIC_RELEASE);
			if (write(kick, &one, sizeof(one)) < 0)
				return 0;
			sent += RING;
			idle = 0;
		}
		usleep(1000);
	}
	return 0;
}

/* How long the worker ran that is among the tasks of a directory of /proc; 0: none of them is it. */
static unsigned long long ran_ns(const char *path)
{
	char name[32], file[300], comm[32];
	unsigned long long ns = 0;
	DIR *dir = opendir(path);
	struct dirent *entry;
	FILE *f;

	snprintf(name, sizeof(name), "vhost-%d\n", (int)getpid());
	while (!ns && dir && (entry = readdir(dir))) {
		snprintf(file, sizeof(file), "%s/%s/comm", path, entry->d_name);
		f = fopen(file, "re");
		if (!f)
			continue;
		if (fgets(comm, sizeof(comm), f) && strcmp(comm, name) == 0) {
			snprintf(file, sizeof(file), "%s/%s/schedstat", path, entry->d_name);
			f = freopen(file, "re", f);
			if (!f || fscanf(f, "%llu", &ns) != 1)
				ns = 0;
		}
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return ns;
}

int main(int argc, char **argv)
{
	int vhost = open("/dev/vhost-net", O_RDWR | O_CLOEXEC), tap, kick;
	unsigned long long ns;
	struct shared *s;

	if (argc != 3) {
		fprintf(stderr, "usage: vhost_send DEVICE FRAMES\n");
		return EXIT_FAILURE;
	}
	if (vhost < 0) {
		fail("/dev/vhost-net");
		return NOT_HERE;
	}
	tap = open_tap(argv[1]);
	if (tap < 0)
		return fail(argv[1]);
	s = make_ring();
	kick = s ? start_worker(vhost, tap, s) : -1;
	if (kick < 0)
		return fail("vhost-net");
	if (!send_frames(s, kick, strtoul(argv[2], NULL, 10)))
		return fail("the worker takes no frames");
	ns = ran_ns("/proc/self/task");
	printf("%s %s %llu\n", argv[2], ns ? "thread" : "kernel", ns ? ns : ran_ns("/proc"));
	return EXIT_SUCCESS;
}
