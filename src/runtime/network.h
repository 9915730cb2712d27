/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The private network of workspaces: a bridge `behalf0` on the host, and for each workspace a veth
 * pair, one end a port of the bridge, the other `eth0` inside. All reach each other and the host;
 * nothing is forwarded beyond the host.
 */
#include <net/if.h>
#include <stdint.h>

#include "base/error.h"
#include "kernel/netlink_address.h"

#define NETWORK_BRIDGE "behalf0"

struct network_attachment {
	uint32_t address, gateway;
	unsigned int prefix;
	char link[IFNAMSIZ]; /* the host's end */
};

/*
 * Attaches the network namespace NETNS_FD of container ID, kept in state directory ROOT, which must
 * exist already: it is by that directory that a lease left by a killed process is told.
 * RANGE is where addresses come from when the network has to be made; NULL: BEHALF_SUBNET of the
 * environment, else the first of 10.177.0.0/16 .. 10.191.0.0/16 that no route of the host leads to. A
 * network that is there already and has another range than the one asked for is an error.
 */
int network_attach(const char *root, const char *id, int netns_fd, const struct ipv4_range *range,
		   struct network_attachment *attachment, struct error *err);

/*
 * Takes back all that network_attach made or began to make for the container, and with the last
 * container the bridge. 0 also when there is nothing.
 */
int network_release(const char *root, const char *id, struct error *err);
