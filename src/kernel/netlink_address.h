/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * IPv4 addresses of interfaces, and routes. Addresses are in host byte order throughout.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct netlink;

/* A range of addresses: all that share the first PREFIX (0-32) bits of BASE. */
struct ipv4_range {
	uint32_t base;
	unsigned int prefix;
};

/* "a.b.c.d", for messages and records. */
struct ipv4_text {
	char text[16];
};
struct ipv4_text ipv4_format(uint32_t address);
/* -EINVAL unless TEXT is a dotted quad. */
int ipv4_parse(const char *text, uint32_t *address);
/* "a.b.c.d/n"; -EINVAL also when a bit behind the prefix is set. */
int ipv4_range_parse(const char *text, struct ipv4_range *range);

uint32_t ipv4_range_mask(const struct ipv4_range *range);
bool ipv4_range_overlap(const struct ipv4_range *a, const struct ipv4_range *b);

/* Gives the interface of INDEX the address, and with it the route to RANGE. 0 when it has it. */
int netlink_address_add(struct netlink *netlink, int index, uint32_t address, unsigned int prefix,
			struct error *err);

/* A default route by GATEWAY, which must be on a network of the interface of INDEX. */
int netlink_route_add_default(struct netlink *netlink, int index, uint32_t gateway,
			      struct error *err);

/*
 * Whether a route of the main table, other than the default, leads into RANGE by an interface that
 * is not of index EXCEPT: 1 with *CONFLICT, 0, or a negative errno.
 */
int netlink_route_find_overlap(struct netlink *netlink, const struct ipv4_range *range, int except,
			       struct ipv4_range *conflict, struct error *err);
