/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * linux.resources of the OCI runtime specification (config-linux.md, "Control groups") to the files
 * of cgroup v1 or v2.
 */
#include <stddef.h>

#include "base/error.h"

struct cgroup;
struct cgroup_device_rule;
struct oci_resources;

/* The rules about devices that resources_apply sets; the caller's to free, NULL: no memory. */
struct cgroup_device_rule *resources_device_rules(const struct oci_resources *resources, size_t *n);

/*
 * Sets up a new group: everything RESOURCES asks for, and the devices it may use: what
 * resources.devices says, and after that what every container has (making any device node; null,
 * zero, full, random, urandom, tty, console, ptmx and pts).
 * What is asked for and cannot be had is one sentence that names the key:
 * "linux.resources.cpu.shares: this host has no cpu controller".
 */
int resources_apply(struct cgroup *cg, const struct oci_resources *resources, struct error *err);

/* Changes a living group (`update`): only what RESOURCES has; devices only when it lists some. */
int resources_update(struct cgroup *cg, const struct oci_resources *resources, struct error *err);
