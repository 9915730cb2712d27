/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The place where calibration happens: workspaces of its own, joined by links of its own, in the host's
 * network namespace as those of real containers are.
 *
 *	a, b, c   each a cgroup and a network namespace, on bridge behalf-cal0
 *	d         the same on bridge behalf-cal1: reached from the others by forwarding only
 *	e         the same on behalf-cal0, which has to do with
 *	o         who is outside: reached through behalf-cal-u only, which plays the host's uplink
 *	h, i      cgroups in the host's network namespace, joined by its loopback interface
 *	j         one there that stands for a program of the host
 *	k         one there that uses the disk
 *	a and b have a macvlan interface besides, on a link of the site's own, and one device each that is
 *	handed over to them: the two ends of a pair, or two of the host's that were named
 *
 * Nothing of the host's is changed: forwarding is switched on for the site's own links alone. All that a killed
 * process leaves (links, empty cgroups) has fixed names, and the next site takes it over or away. Of devices
 * that were handed over real ones come back by themselves when their namespace goes, virtual ones end with it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum site_workspace {
	SITE_A,
	SITE_B,
	SITE_C,
	SITE_D,
	SITE_E,
	SITE_O,
	SITE_H,
	SITE_I,
	SITE_J,
	SITE_K,
	SITE_WORKSPACES
};

static inline bool site_is_of_host(enum site_workspace workspace)
{
	return workspace >= SITE_H;
}

/* How a packet gets from one workspace to another. */
enum site_path {
	SITE_BRIDGE,  /* veth pair, bridge, veth pair */
	SITE_LOCAL,   /* veth pair, bridge, a process of the host; or back */
	SITE_FORWARD, /* from bridge to bridge, by the host's routing */
	SITE_MACVLAN, /* two interfaces on one device */
	SITE_HOST,    /* the host's loopback interface */
	SITE_UPLINK,  /* veth pair, bridge, the host's routing, the uplink; or back */
	SITE_DEVICE,  /* from one handed-over device to another, nothing of the host's between */
	SITE_PATHS
};

/* "bridge", ...: as the terms call it. */
const char *site_path_name(enum site_path path);

struct site;

/* Two devices of the host's to be handed over, each of which reaches the other; NULL: a pair of the site's own. */
#define SITE_DEVICES 2

struct site_devices {
	const char *names[SITE_DEVICES];
};

/*
 * Makes it, once what an earlier one left is gone. -EBUSY when there is another one at this moment. What
 * this kernel has no macvlan or no forwarding for is left out: site_has_path. DEVICES may be NULL.
 */
int site_open(const struct site_devices *devices, struct site **site, struct error *err);

/* Takes all of it back. Safe on a site that was made in part. */
int site_close(struct site *site, struct error *err);

bool site_has_path(const struct site *site, enum site_path path);
/* Why it has not, for people; NULL when it has. */
const char *site_path_missing(const struct site *site, enum site_path path);
/* It turned out that nothing gets through. */
void site_miss_path(struct site *site, enum site_path path, const char *why);

/* Where WORKSPACE is reached by PATH, in host byte order; 0: it is not. */
uint32_t site_address(const struct site *site, enum site_workspace workspace, enum site_path path);

/* Its path in the accounted hierarchy. */
const char *site_cgroup(const struct site *site, enum site_workspace workspace);

/*
 * A new process in the workspace, which dies with the caller. Returns as fork(2) does; the child has
 * to end by _exit.
 */
pid_t site_fork(const struct site *site, enum site_workspace workspace, struct error *err);
