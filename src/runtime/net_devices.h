/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * linux.netDevices: interfaces of the host that are a container's while it lives. What is lent is in the
 * record before it is moved, so that it is found again whatever happens.
 */
#include <sys/types.h>

#include "base/error.h"
#include "oci/config.h"

struct json_object;

/* Looks the interfaces up and writes into RECORD which they are; nothing is moved. */
int net_devices_record(struct json_object *record, const struct oci_config *config,
		       struct error *err);

/*
 * Moves them into the network namespace of process PID, which must not be our own. *NETNS becomes a
 * descriptor of it as soon as something may have moved, whatever is returned; untouched without devices.
 */
int net_devices_lend(pid_t pid, const struct oci_config *config, int *netns, struct error *err);

/*
 * The network namespace of a container with lent interfaces, while there is one: that of PID (0: it has
 * ended) or the one that was joined by a path. -EBADF when RECORD lends none or there is none any more.
 */
int net_devices_find_namespace(struct json_object *record, pid_t pid);

/*
 * Takes back what is in the network namespace NETNS (-EBADF: gone, then the kernel has given hardware
 * back to the first namespace and has ended all else), under the old names. Interfaces that are not there
 * any more are no failure.
 */
int net_devices_take_back(struct json_object *record, int netns, struct error *err);
