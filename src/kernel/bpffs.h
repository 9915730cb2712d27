/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/* Where BPF objects are pinned on every distribution; Documentation/bpf/bpf_design_QA.rst. */
#define BPFFS_PATH "/sys/fs/bpf"

/* Whether PATH is (in) a BPF file system. */
bool bpffs_is_mounted(const char *path);

/*
 * Sees to it that a BPF file system is mounted at BPFFS_PATH. One that is mounted here carries a mark
 * (its source), by which bpffs_release knows it, whoever calls that. -EPERM and -ENODEV (no
 * CONFIG_BPF_SYSCALL) among others.
 */
int bpffs_ensure(struct error *err);

/*
 * Unmounts BPFFS_PATH if bpffs_ensure mounted it and nothing is pinned there any more; not an error
 * otherwise.
 */
int bpffs_release(struct error *err);
