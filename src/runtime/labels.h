/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What security modules are to know of a container: process.apparmorProfile, selinuxLabel,
 * linux.mountLabel. */
#include <stdbool.h>

#include "base/error.h"
#include "oci/config.h"

bool labels_have_apparmor(void);
bool labels_have_selinux(void);

/* Whether this machine can give PROCESS (may be NULL) what it asks for. */
int labels_check(const struct oci_process *process, struct error *err);

/* Whether it can give linux.mountLabel. */
int labels_check_mounts(const struct oci_config *config, struct error *err);

/* The label of what FD, O_PATH or not, is open on; /proc is the host's. */
int labels_set_file(int fd, const char *label, struct error *err);

/*
 * From the next exec on the calling process has the profile and the label. HOST_PROC is a /proc that the
 * container's files cannot have replaced (CVE-2019-16884, CVE-2019-19921).
 */
int labels_apply(int host_proc, const struct oci_process *process, struct error *err);
