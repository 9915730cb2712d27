/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The capabilities of the container's process, in the two steps around the change of user:
 * capabilities_prepare(), then setgroups, setresgid and setresuid, then capabilities_apply().
 * Neither allocates. CAPS may be NULL: no capability at all.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct oci_capabilities;

/*
 * While still privileged: drops from the bounding set what CAPS->bounding lacks (needs
 * CAP_SETPCAP), and has the kernel keep the permitted set over the change of user.
 */
int capabilities_prepare(const struct oci_capabilities *caps, struct error *err);

/*
 * As the container's user: sets the permitted, effective, inheritable and ambient sets. What is asked
 * for and cannot be had is left out, as the specification asks (config.md, "Linux Process":
 * "Runtimes SHOULD NOT fail if the container configuration requests capabilities that cannot be
 * granted"); capabilities_missing() tells before.
 */
int capabilities_apply(const struct oci_capabilities *caps, struct error *err);

/*
 * The capabilities of CAPS that this process cannot grant: it does not have them, or the kernel does
 * not know them. To be asked before the user changes.
 */
uint64_t capabilities_missing(const struct oci_capabilities *caps);

/* "CAP_SYS_TIME, CAP_BPF" of a set. */
void capabilities_format(uint64_t set, char *text, size_t size);
