// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/gate.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/netlink_bridge.h"
/* the skeleton speaks of the types of gate.h */
#include "bpf/gate.h"
#include "bpf/gate.skel.h"

/* A bucket holds what comes in this time: a burst is no flood. */
#define BURST_NS 20000000u
#define BURST_MIN_BYTES 131072u /* two of the largest packets */

struct gates {
	struct gate_bpf *bpf;
	struct gate *all; /* the kernel's own, mapped */
	bool taken[GATES_MAX];
};

static size_t map_bytes(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (GATES_MAX * sizeof(struct gate) + page - 1) / page * page;
}

int gates_open(struct gates **gates, struct error *err)
{
	struct gates *opened = calloc(1, sizeof(*opened));
	int r;

	if (!opened)
		return error_oom(err);
	opened->all = MAP_FAILED;
	opened->bpf = gate_bpf__open_and_load();
	if (!opened->bpf) {
		r = error_errno(err, errno, "load the programs of the gate");
		gates_close(opened);
		return r;
	}
	opened->all = mmap(NULL, map_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED,
			   bpf_map__fd(opened->bpf->maps.gates), 0);
	if (opened->all == MAP_FAILED) {
		r = error_errno(err, errno, "map the gates");
		gates_close(opened);
		return r;
	}
	*gates = opened;
	return 0;
}

void gates_close(struct gates *gates)
{
	if (!gates)
		return;
	if (gates->all != MAP_FAILED)
		munmap(gates->all, map_bytes());
	gate_bpf__destroy(gates->bpf);
	free(gates);
}

void cleanup_gates(struct gates **gates)
{
	gates_close(*gates);
}

int gates_program(const struct gates *gates, enum gate_program program)
{
	const struct bpf_program *programs[] = {
		[GATE_LINK] = gates->bpf->progs.gate_link,
		[UPLINK_MARK] = gates->bpf->progs.uplink_mark,
		[LINK_HOLD] = gates->bpf->progs.link_hold,
		[UPLINK_HOLD] = gates->bpf->progs.uplink_hold,
		[UPLINK_CLASSIFY] = gates->bpf->progs.uplink_classify,
		[UPLINK_COUNT] = gates->bpf->progs.uplink_count,
		[UPLINK_LEARN] = gates->bpf->progs.uplink_learn,
		[LINK_LEARN] = gates->bpf->progs.link_learn,
		[UPLINK_ARRIVES] = gates->bpf->progs.uplink_arrives,
		[GATE_UPLINK] = gates->bpf->progs.gate_uplink,
	};

	return bpf_program__fd(programs[program]);
}

int gates_new(struct gates *gates)
{
	for (int number = 0; number < GATES_MAX; number++) {
		if (gates->taken[number])
			continue;
		gates->taken[number] = true;
		gates->all[number] = (struct gate){.generation = gates->all[number].generation};
		return number;
	}
	return -ENOSPC;
}

/* There are no more of them than the host has links. */
static void unbind_links(struct gates *gates, uint32_t number)
{
	int map = bpf_map__fd(gates->bpf->maps.gate_links);
	uint32_t key, next, found;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (bpf_map_lookup_elem(map, &key, &found) == 0 && found == number)
			bpf_map_delete_elem(map, &key);
	}
}

void gates_free(struct gates *gates, int number)
{
	gates_open_wide(gates, number);
	gates_set_class(gates, TERMS_EGRESS, number, 0);
	gates_set_class(gates, TERMS_INGRESS, number, 0);
	unbind_links(gates, (uint32_t)number);
	/* of connections and addresses there may be as many as somebody outside likes: they are nobody's by this */
	__atomic_store_n(&gates->all[number].generation,
			 (gates->all[number].generation + 1) % GATE_GENERATIONS, __ATOMIC_RELEASE);
	gates->taken[number] = false;
}

/* libbpf 1.x returns a negative errno. */
int gates_bind_link(struct gates *gates, int ifindex, int number)
{
	uint32_t value = (uint32_t)number;

	return bpf_map_update_elem(bpf_map__fd(gates->bpf->maps.gate_links), &ifindex, &value,
				   BPF_ANY);
}

uint32_t gates_tag(const struct gates *gates, int number)
{
	return (uint32_t)gates->all[number].generation << GATE_TAG_SHIFT | (uint32_t)number;
}

void gates_set_vlans(struct gates *gates, const struct netlink_bridge_vlans *vlans)
{
	gates->bpf->bss->vlans = (struct gate_vlans){.filters = vlans->filters,
						     .protocol = htons(vlans->protocol),
						     .untagged = vlans->untagged};
}

static struct gate_station key_of(const struct netlink_station *station)
{
	struct gate_station key = {.vlan = station->vlan};

	memcpy(key.address, station->address, sizeof(key.address));
	return key;
}

int gates_set_station(struct gates *gates, const struct netlink_station *station, int number)
{
	struct gate_station key = key_of(station);
	uint32_t tag = gates_tag(gates, number);

	return bpf_map_update_elem(bpf_map__fd(gates->bpf->maps.stations), &key, &tag, BPF_ANY);
}

void gates_forget_station(struct gates *gates, const struct netlink_station *station)
{
	struct gate_station key = key_of(station);

	bpf_map_delete_elem(bpf_map__fd(gates->bpf->maps.stations), &key);
}

int gates_hold_link(struct gates *gates, int ifindex, uint64_t bytes_per_s)
{
	int map = bpf_map__fd(gates->bpf->maps.holds), r;
	struct gate_hold hold = {0};
	bool is_new;

	if (!bytes_per_s) {
		r = bpf_map_delete_elem(map, &ifindex);
		return r == -ENOENT ? 0 : r;
	}
	/* with another rate it is in debt as it was, and counts on */
	is_new = bpf_map_lookup_elem(map, &ifindex, &hold) < 0;
	hold.rate = bytes_per_s;
	hold.burst = (uint64_t)((double)bytes_per_s * BURST_NS / 1e9);
	if (hold.burst < BURST_MIN_BYTES)
		hold.burst = BURST_MIN_BYTES;
	if (is_new) {
		hold.tokens = (int64_t)hold.burst;
		hold.filled_ns = clock_monotonic_ns();
	}
	return bpf_map_update_elem(map, &ifindex, &hold, BPF_ANY);
}

void gates_hold_counts(const struct gates *gates, int ifindex, uint64_t *bytes, uint64_t *packets)
{
	struct gate_hold hold = {0};

	bpf_map_lookup_elem(bpf_map__fd(gates->bpf->maps.holds), &ifindex, &hold);
	*bytes = hold.passed_bytes;
	*packets = hold.passed;
}

bool gates_hold_is_on(const struct gates *gates, int ifindex)
{
	struct gate_hold hold = {0};

	bpf_map_lookup_elem(bpf_map__fd(gates->bpf->maps.holds), &ifindex, &hold);
	return hold.held;
}

void gates_set_class(struct gates *gates, enum terms_direction direction, int number,
		     uint32_t class)
{
	const struct bpf_map *map = direction == TERMS_EGRESS ? gates->bpf->maps.uplink_classes
							      : gates->bpf->maps.arrival_classes;
	uint32_t key = (uint32_t)number;

	/* an element of an array: it is there */
	bpf_map_update_elem(bpf_map__fd(map), &key, &class, BPF_ANY);
}

void gates_add_sent(struct gates *gates, int number, uint64_t bytes, uint64_t packets)
{
	__atomic_fetch_add(&gates->all[number].sent_bytes, bytes, __ATOMIC_RELAXED);
	__atomic_fetch_add(&gates->all[number].sent, packets, __ATOMIC_RELAXED);
}

void gates_shut(struct gates *gates, int number, const struct gate_terms *terms)
{
	struct gate *gate = &gates->all[number];
	uint64_t now_ns = clock_monotonic_ns();
	bool was_shut = gates_is_shut(gates, number);

	gate->packet_ns = terms->packet_ns;
	gate->burst_ns = terms->rate * BURST_NS / 1000000000u;
	/* one packet must always fit, or none would ever pass */
	if (gate->burst_ns < terms->packet_ns)
		gate->burst_ns = terms->packet_ns;
	gate->rate = terms->rate;
	if (!was_shut) {
		/* it is in debt: nothing is left to spend */
		__atomic_store_n(&gate->tokens_ns, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&gate->filled_ns, now_ns, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&gate->renewed_ns, now_ns, __ATOMIC_RELEASE);
}

void gates_open_wide(struct gates *gates, int number)
{
	__atomic_store_n(&gates->all[number].renewed_ns, 0, __ATOMIC_RELEASE);
}

bool gates_is_shut(const struct gates *gates, int number)
{
	uint64_t renewed_ns = __atomic_load_n(&gates->all[number].renewed_ns, __ATOMIC_ACQUIRE);

	return renewed_ns && clock_monotonic_ns() - renewed_ns <= GATE_LEASE_NS;
}

struct gate_counts gates_counts(const struct gates *gates, int number)
{
	const struct gate *gate = &gates->all[number];

	return (struct gate_counts){
		.passed = __atomic_load_n(&gate->passed, __ATOMIC_RELAXED),
		.dropped = __atomic_load_n(&gate->dropped, __ATOMIC_RELAXED),
		.dropped_bytes = __atomic_load_n(&gate->dropped_bytes, __ATOMIC_RELAXED),
		.arrived = __atomic_load_n(&gate->arrived, __ATOMIC_RELAXED),
		.arrived_bytes = __atomic_load_n(&gate->arrived_bytes, __ATOMIC_RELAXED),
		.sent = __atomic_load_n(&gate->sent, __ATOMIC_RELAXED),
		.sent_bytes = __atomic_load_n(&gate->sent_bytes, __ATOMIC_RELAXED),
	};
}
