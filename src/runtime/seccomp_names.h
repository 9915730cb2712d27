/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The names of linux.seccomp as numbers of the kernel, of libseccomp, and of seccomp_bpf.h. */
#include <stdbool.h>
#include <stdint.h>

/*
 * SECCOMP_RET_* of an action. Without an error number it is EPERM, for SCMP_ACT_ERRNO and
 * SCMP_ACT_TRACE. Returns 0 or -EINVAL.
 */
int seccomp_names_returns(const char *action, bool has_errno, uint32_t errno_value,
			  uint32_t *returns);

/* SCMP_ARCH_*, or 0: unknown here. */
uint32_t seccomp_names_arch(const char *name);

/* enum seccomp_bpf_operator, or -EINVAL. */
int seccomp_names_operator(const char *name);

struct oci_seccomp;

/* Those of seccomp(2) for the whole profile, with the listener when it notifies one. */
unsigned int seccomp_names_flags(const struct oci_seccomp *seccomp);

/* SECCOMP_FILTER_FLAG_*, or 0. */
unsigned int seccomp_names_flag(const char *name);

/* Whether this kernel has the flag. */
bool seccomp_names_has_flag(const char *name);
