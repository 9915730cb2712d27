// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The profile of hosts that were never calibrated: about half as much again as was measured on a small virtual
 * machine, where system calls and requests to disks are dear, and an upper quantile half as much again. Too
 * dear is safe here, since what a promise is short of cannot be made up for, and what is left over goes to
 * whoever has work.
 */
#include "plan/profile.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* Of every payer. */
#define FIT .fit = {{.upper = 1.5}, {.upper = 1.5}, {.upper = 1.5}}

/* A thousand wakeups a second: what comes oftener finds somebody awake. */
#define GAP .gap_ns = 1e6, .host_gap_ns = 1e6

/* clang-format off */

/* unit_ns, byte_ns, connection_ns, wakeup_ns. The disk called "" is any. */
static const struct profile_operation operations[] = {
	{PROFILE_SEND, PROFILE_UDP, "bridge", {
		[PROFILE_OWN] = {2500, 0.4, 30000, 20000},
		[PROFILE_NET_RX] = {2000, 0.1, 10000, 4000},
		[PROFILE_TIMER] = {0, 0, 0, 10000},
		[PROFILE_HOST] = {200},
		[PROFILE_UNATTRIBUTED] = {100, 0.002, 0, 100},
	}, GAP, FIT},
	{PROFILE_SEND, PROFILE_TCP, "bridge", {
		[PROFILE_OWN] = {2500, 0.4, 60000, 25000},
		[PROFILE_NET_RX] = {3500, 0.2, 30000, 7000},
		[PROFILE_TIMER] = {0, 0, 0, 10000},
		[PROFILE_HOST] = {200, 0.05, 50000},
		[PROFILE_UNATTRIBUTED] = {100, 0.002, 300, 100},
	}, GAP, FIT},
	{PROFILE_RECEIVE, PROFILE_UDP, "bridge", {
		[PROFILE_OWN] = {2000, 0.2, 20000, 4000},
		[PROFILE_NET_RX] = {1500, 0.2, 10000, 4000},
		[PROFILE_HOST] = {200},
		[PROFILE_UNATTRIBUTED] = {100, 0.002, 0, 100},
	}, GAP, FIT},
	{PROFILE_RECEIVE, PROFILE_TCP, "bridge", {
		[PROFILE_OWN] = {1500, 0.2, 20000, 5000},
		[PROFILE_NET_RX] = {2500, 0.2, 25000, 7000},
		[PROFILE_HOST] = {200, 0.05, 50000},
		[PROFILE_UNATTRIBUTED] = {100, 0.002, 300, 100},
	}, GAP, FIT},

	{PROFILE_SEND, PROFILE_UDP, "macvlan", {
		[PROFILE_OWN] = {2000, 1.0, 30000, 20000},
		[PROFILE_NET_RX] = {500},
		[PROFILE_TIMER] = {0, 0, 0, 10000},
		[PROFILE_HOST] = {200, 0.6},
		[PROFILE_UNATTRIBUTED] = {100, 0.002, 0, 100},
	}, GAP, FIT},
	{PROFILE_SEND, PROFILE_TCP, "macvlan", {
		[PROFILE_OWN] = {2000, 0.4, 70000, 25000},
		[PROFILE_NET_RX] = {1000},
		[PROFILE_TIMER] = {0, 0, 0, 10000},
		[PROFILE_HOST] = {400, 0, 30000},
		[PROFILE_UNATTRIBUTED] = {100, 0.002, 300, 100},
	}, GAP, FIT},
	{PROFILE_RECEIVE, PROFILE_UDP, "macvlan", {
		[PROFILE_OWN] = {1500, 0.4, 20000, 4000},
		[PROFILE_NET_RX] = {1000, 0.1},
		[PROFILE_HOST] = {200, 0.6},
		[PROFILE_UNATTRIBUTED] = {100, 0.002, 0, 100},
	}, GAP, FIT},
	{PROFILE_RECEIVE, PROFILE_TCP, "macvlan", {
		[PROFILE_OWN] = {2000, 0.2, 25000, 5000},
		[PROFILE_NET_RX] = {1000, 0.1},
		[PROFILE_HOST] = {400, 0, 30000},
		[PROFILE_UNATTRIBUTED] = {100, 0.002, 300, 100},
	}, GAP, FIT},

	{PROFILE_SEND, PROFILE_UDP, "host", {
		[PROFILE_OWN] = {2000, 0.1, 30000, 20000},
		[PROFILE_NET_RX] = {500},
		[PROFILE_TIMER] = {0, 0, 0, 10000},
		[PROFILE_HOST] = {400, 0, 0, 200},
		[PROFILE_UNATTRIBUTED] = {100, 0, 0, 100},
	}, GAP, FIT},
	{PROFILE_SEND, PROFILE_TCP, "host", {
		[PROFILE_OWN] = {2000, 0.1, 60000, 20000},
		[PROFILE_NET_RX] = {1000, 0.05, 10000, 3000},
		[PROFILE_TIMER] = {0, 0, 0, 10000},
		[PROFILE_HOST] = {200, 0, 10000},
		[PROFILE_UNATTRIBUTED] = {100, 0, 300, 100},
	}, GAP, FIT},
	{PROFILE_RECEIVE, PROFILE_UDP, "host", {
		[PROFILE_OWN] = {1500, 0.1, 20000, 4000},
		[PROFILE_NET_RX] = {1000},
		[PROFILE_HOST] = {400},
		[PROFILE_UNATTRIBUTED] = {100, 0, 0, 100},
	}, GAP, FIT},
	{PROFILE_RECEIVE, PROFILE_TCP, "host", {
		[PROFILE_OWN] = {1500, 0.1, 20000, 4000},
		[PROFILE_NET_RX] = {1500, 0.05, 10000, 3000},
		[PROFILE_HOST] = {200, 0, 10000},
		[PROFILE_UNATTRIBUTED] = {100, 0, 300, 100},
	}, GAP, FIT},

	{PROFILE_SEND, PROFILE_UDP, "device", {
		[PROFILE_OWN] = {2000, 0.4, 30000, 20000},
		[PROFILE_NET_RX] = {1000, 0.1},
		[PROFILE_TIMER] = {0, 0, 0, 10000},
		[PROFILE_HOST] = {200},
		[PROFILE_UNATTRIBUTED] = {100, 0, 0, 100},
	}, GAP, FIT},
	{PROFILE_SEND, PROFILE_TCP, "device", {
		[PROFILE_OWN] = {2000, 0.4, 60000, 20000},
		[PROFILE_NET_RX] = {1000, 0.1, 20000},
		[PROFILE_TIMER] = {0, 0, 0, 10000},
		[PROFILE_HOST] = {200, 0, 10000},
		[PROFILE_UNATTRIBUTED] = {100, 0, 300, 100},
	}, GAP, FIT},
	{PROFILE_RECEIVE, PROFILE_UDP, "device", {
		[PROFILE_OWN] = {1500, 0.2, 20000, 4000},
		[PROFILE_NET_RX] = {2000, 0.2},
		[PROFILE_HOST] = {200},
		[PROFILE_UNATTRIBUTED] = {100, 0, 0, 100},
	}, GAP, FIT},
	{PROFILE_RECEIVE, PROFILE_TCP, "device", {
		[PROFILE_OWN] = {1500, 0.2, 20000, 4000},
		[PROFILE_NET_RX] = {2000, 0.2, 20000},
		[PROFILE_HOST] = {200, 0, 10000},
		[PROFILE_UNATTRIBUTED] = {100, 0, 300, 100},
	}, GAP, FIT},

	{PROFILE_READ, PROFILE_DIRECT, "", {
		[PROFILE_OWN] = {60000, 0.3},
		[PROFILE_BLOCK] = {6000, 0.02},
		[PROFILE_HOST] = {2000},
		[PROFILE_UNATTRIBUTED] = {2000, 0.01},
	}, FIT},
	{PROFILE_READ, PROFILE_BUFFERED, "", {
		[PROFILE_OWN] = {10000, 1.0, 0, 50000},
		[PROFILE_BLOCK] = {8000, 0.1},
		[PROFILE_HOST] = {1000},
		[PROFILE_UNATTRIBUTED] = {1000, 0.01},
	}, GAP, FIT},
	{PROFILE_READ, PROFILE_RANDOM, "", {
		[PROFILE_OWN] = {70000, 0.6, 0, 50000},
		[PROFILE_BLOCK] = {8000, 0.1},
		[PROFILE_HOST] = {2000},
		[PROFILE_UNATTRIBUTED] = {2000, 0.01},
	}, GAP, FIT},
	{PROFILE_WRITE, PROFILE_DIRECT, "", {
		[PROFILE_OWN] = {50000, 0.4},
		[PROFILE_BLOCK] = {5000, 0.03},
		[PROFILE_HOST] = {4000},
		[PROFILE_UNATTRIBUTED] = {2000, 0.01},
	}, FIT},
	{PROFILE_WRITE, PROFILE_BUFFERED, "", {
		[PROFILE_OWN] = {8000, 1.5, 0, 60000},
		[PROFILE_BLOCK] = {6000, 0.1},
		[PROFILE_WRITEBACK] = {20000, 0.8, 0, 20000},
		[PROFILE_HOST] = {2000, 0.2},
		[PROFILE_UNATTRIBUTED] = {1000, 0.01},
	}, GAP, FIT},
	{PROFILE_WRITE, PROFILE_SYNCED, "", {
		[PROFILE_OWN] = {40000, 1.5, 0, 60000},
		[PROFILE_BLOCK] = {6000, 0.2},
		[PROFILE_WRITEBACK] = {2000, 0.2},
		[PROFILE_HOST] = {4000, 0.2},
		[PROFILE_UNATTRIBUTED] = {1000, 0.01},
	}, GAP, FIT},
};
/* clang-format on */

static const struct profile_base base = {
	.host_cpu_ns = 20e6,
	.host_cpu_upper_ns = 60e6,
	.workspace_ns = 1e5,
};

const struct profile_operation *profile_built_in_find(enum profile_kind kind,
						      enum profile_mode mode, const char *target)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		const struct profile_operation *operation = &operations[i];

		if (operation->kind == kind && operation->mode == mode &&
		    (kind >= PROFILE_READ || strcmp(operation->target, target) == 0))
			return operation;
	}
	return NULL;
}

struct profile *profile_built_in(void)
{
	_cleanup_(cleanup_profile) struct profile *profile = profile_new();

	if (!profile)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		struct profile_operation *added = profile_add_operation(profile);

		if (!added)
			return NULL;
		*added = operations[i];
	}
	profile->source = PROFILE_BUILT_IN;
	snprintf(profile->version, sizeof(profile->version), "%s", BEHALF_VERSION);
	profile->trusted = true;
	profile->quantile = 0.95;
	profile->base = base;
	return take_ptr(profile);
}
