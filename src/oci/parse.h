/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The readers of the parts of a configuration, one per file of this room. */
#include "oci/reader.h"

/* process.c: into struct oci_process **, newly allocated */
oci_read_fn oci_read_process;
/* mounts.c: into struct oci_config */
oci_read_fn oci_read_mounts;
/* hooks.c: into struct oci_hooks */
oci_read_fn oci_read_hooks;
/* linux.c: into struct oci_config */
oci_read_fn oci_read_linux;
/* resources.c: into struct oci_resources */
oci_read_fn oci_read_resources;
/* seccomp.c: into struct oci_seccomp **, newly allocated */
oci_read_fn oci_read_seccomp;
/* sysctl.c: whether the key of AT may be set in a container with the namespaces of INTO, a config */
int oci_check_sysctl(const struct oci_reader *r, const struct oci_node *at,
		     const struct oci_config *config);
/* check.c: what several fields say together; AT is the root */
int oci_check_config(const struct oci_reader *r, const struct oci_node *at,
		     const struct oci_config *config);

/* config.c: whether CONFIG has a namespace of TYPE (CLONE_NEW*), new or joined; NULL: no. */
const struct oci_namespace *oci_config_namespace(const struct oci_config *config, int type);
