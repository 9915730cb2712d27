/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * linux.seccomp as a program of the kernel's filter machine. Compiling needs no privilege and
 * happens before the container exists; loading is one system call of its first process.
 */
#include <linux/filter.h>

#include "base/error.h"

struct oci_seccomp;

struct seccomp_program {
	struct sock_fprog filter;
	unsigned int flags; /* SECCOMP_FILTER_FLAG_* */
};

/*
 * Compiles SECCOMP for this machine. Names of system calls that are unknown are left out, as runc
 * and crun do: profiles are written for newer and for older kernels. *PROGRAM is the caller's to
 * free. Returns 0 or a negative errno.
 */
int seccomp_compile(const struct oci_seccomp *seccomp, struct seccomp_program **program,
		    struct error *err);

/*
 * The same through libseccomp's own compiler, 40 times slower: used on machines whose system call
 * conventions seccomp_compile() does not know itself, and by the tests as the reference.
 */
int seccomp_compile_with_library(const struct oci_seccomp *seccomp,
				 struct seccomp_program **program, struct error *err);

/*
 * seccomp(2): from now on PROGRAM holds for the calling thread and its children. Needs
 * CAP_SYS_ADMIN or no_new_privs. Allocates nothing. Returns 0, or the descriptor of the listener (never
 * 0, which is open) where the program notifies one, or a negative errno.
 */
int seccomp_install(const struct seccomp_program *program, struct error *err);

/* PROGRAM may be NULL. */
void seccomp_free(struct seccomp_program *program);
