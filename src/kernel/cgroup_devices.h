/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which devices a group may use: devices.allow and devices.deny on v1, a program of type
 * BPF_PROG_TYPE_CGROUP_DEVICE on v2 (cgroup-v2.rst, "Device controller").
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct bpf_insn;
struct cgroup;

#define CGROUP_DEVICE_READ (1u << 0)
#define CGROUP_DEVICE_WRITE (1u << 1)
#define CGROUP_DEVICE_MKNOD (1u << 2)

struct cgroup_device_rule {
	bool allow;
	char type;	      /* 'a' all, 'c', 'b' */
	int64_t major, minor; /* -1: any */
	unsigned int access;  /* CGROUP_DEVICE_* */
};

/*
 * Lets the group use what RULES say, read in order, the last that matches counts; what none matches
 * is denied. Replaces what was set before.
 */
int cgroup_devices_set(struct cgroup *cg, const struct cgroup_device_rule *rules, size_t n,
		       struct error *err);

/* The program that cgroup_devices_set attaches on v2; *INSNS is the caller's to free. -ENOMEM. */
int cgroup_devices_program(const struct cgroup_device_rule *rules, size_t n,
			   struct bpf_insn **insns, size_t *n_insns);
