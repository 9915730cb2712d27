// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/stations.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/gate.h"

#define NOBODY (-1)
/* Of one port so many are told: whoever makes addresses up takes the room of nobody else. */
#define PORT_ADDRESSES 256

struct station {
	struct netlink_station at;
	int number;
	uint32_t tag; /* of the number, as it was told */
};

struct making {
	struct stations next;
	size_t room;
	struct station_port *ports; /* in order */
	size_t n_ports;
	bool failed;
};

static int by_port(const void *a, const void *b)
{
	const struct station_port *x = a, *y = b;

	return x->port < y->port ? -1 : x->port > y->port;
}

static struct station_port *port_of(const struct making *m, int port)
{
	const struct station_port key = {.port = port};

	return m->n_ports ? bsearch(&key, m->ports, m->n_ports, sizeof(key), by_port) : NULL;
}

static int by_address(const void *a, const void *b)
{
	const struct netlink_station *x = &((const struct station *)a)->at;
	const struct netlink_station *y = &((const struct station *)b)->at;
	int order = memcmp(x->address, y->address, sizeof(x->address));

	return order ? order : x->vlan < y->vlan ? -1 : x->vlan > y->vlan;
}

/*
 * Everybody, nobody's too: an address may move from port to port while the list is read. What the bridge has learned with
 * a VLAN while it filters is not what it goes by when it does not, and the other way round.
 */
static void take(void *data, const struct netlink_station *seen)
{
	struct making *m = data;
	struct station_port *port = port_of(m, seen->port);
	struct station *more;

	if ((seen->vlan != 0) != m->next.vlans.filters)
		return;
	if (port && port->n_addresses++ >= PORT_ADDRESSES)
		return;
	if (m->next.n == m->room) {
		size_t room = m->room ? m->room * 2 : 64;

		more = realloc(m->next.items, room * sizeof(*more));
		m->failed |= !more;
		if (!more)
			return;
		m->next.items = more;
		m->room = room;
	}
	more = &m->next.items[m->next.n++];
	*more = (struct station){.at = *seen, .number = port ? port->number : NOBODY};
}

/* Each once; what is at ports of two is nobody's, and nobody's needs not be kept. */
static void sort(struct stations *stations)
{
	size_t kept = 0;

	if (stations->n)
		qsort(stations->items, stations->n, sizeof(*stations->items), by_address);
	for (size_t i = 0, next; i < stations->n; i = next) {
		struct station one = stations->items[i];

		for (next = i + 1;
		     next < stations->n && by_address(&one, &stations->items[next]) == 0; next++) {
			if (stations->items[next].number != one.number)
				one.number = NOBODY;
		}
		if (one.number >= 0)
			stations->items[kept++] = one;
	}
	stations->n = kept;
}

/* Both are sorted: who was there and is no more goes, who is new or somebody else's is told. */
static int tell(const struct stations *before, struct stations *next, struct gates *gates)
{
	size_t old = 0;
	int result = 0;

	for (size_t i = 0; i < next->n; i++) {
		struct station *s = &next->items[i];
		int order = -1;

		for (; old < before->n; old++) {
			order = by_address(&before->items[old], s);
			if (order >= 0)
				break;
			gates_forget_station(gates, &before->items[old].at);
		}
		s->tag = gates_tag(gates, s->number);
		if (old < before->n && order == 0 && before->items[old++].tag == s->tag)
			continue;
		if (gates_set_station(gates, &s->at, s->number) < 0) {
			/* there is no room: again with the next look */
			s->tag = GATE_TAG_NONE;
			result = -ENOSPC;
		}
	}
	for (; old < before->n; old++)
		gates_forget_station(gates, &before->items[old].at);
	return result;
}

int stations_follow(struct stations *stations, struct netlink *netlink, struct gates *gates,
		    const struct station_bridge *at, struct station_port *ports, size_t n,
		    struct error *err)
{
	struct making m = {.ports = ports, .n_ports = n};
	int r = 0;

	if (n)
		qsort(ports, n, sizeof(*ports), by_port);
	if (at->bridge && n)
		r = netlink_bridge_vlans(netlink, at->bridge, at->port, &m.next.vlans, err);
	if (r == 0 && at->bridge && n)
		r = netlink_bridge_stations(netlink, at->bridge, take, &m, err);
	if (r == 0 && m.failed)
		r = error_oom(err);
	if (r < 0) {
		stations_clear(&m.next);
		return r;
	}
	sort(&m.next);
	if (gates)
		gates_set_vlans(gates, &m.next.vlans);
	r = tell(stations, &m.next, gates);
	stations_clear(stations);
	*stations = m.next;
	return r < 0 ? error_set(err, -r,
				 "there are more addresses of workspaces than can be known")
		     : 0;
}

void stations_clear(struct stations *stations)
{
	free(stations->items);
	*stations = (struct stations){0};
}
