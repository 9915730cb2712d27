/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* Where BPF objects are pinned on every distribution; Documentation/bpf/bpf_design_QA.rst. */
#define BPFFS_PATH "/sys/fs/bpf"

/* Whether PATH is (in) a BPF file system. */
bool bpffs_is_mounted(const char *path);

/*
 * Sees to it that a BPF file system is mounted at BPFFS_PATH. *MOUNTED tells whether this call had
 * to mount it. -EPERM and -ENODEV (no CONFIG_BPF_SYSCALL) among others.
 */
int bpffs_ensure(bool *mounted, struct error *err);

/* Unmounts BPFFS_PATH; not an error when others still use it. */
int bpffs_unmount(struct error *err);
