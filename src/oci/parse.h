/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The readers of the parts of a configuration, one per file of this room. */
#include "oci/reader.h"

/* process.c: into struct oci_process **, newly allocated */
oci_read_fn oci_read_process;
/* mounts.c: into struct oci_config */
oci_read_fn oci_read_mounts;
/* mount_maps.c: TEXT, behind "idmap=" of the element INDEX of the array AT, into MOUNT */
int oci_read_mount_maps(const struct oci_reader *r, const struct oci_node *at, size_t index,
			const char *text, struct oci_mount *mount);
/* hooks.c: into struct oci_hooks */
oci_read_fn oci_read_hooks;
/* linux.c: into struct oci_config */
oci_read_fn oci_read_linux;
/* resources.c: into struct oci_resources */
oci_read_fn oci_read_resources;
/* seccomp.c: into struct oci_seccomp **, newly allocated */
oci_read_fn oci_read_seccomp;
/* intel_rdt.c: into struct oci_intel_rdt */
oci_read_fn oci_read_intel_rdt;
/* memory_policy.c: into struct oci_memory_policy */
oci_read_fn oci_read_memory_policy;
/* net_devices.c: into struct oci_config */
oci_read_fn oci_read_net_devices;
/* scheduling.c: into struct oci_scheduler **, newly allocated, and the structs of the others */
oci_read_fn oci_read_scheduler;
oci_read_fn oci_read_io_priority;
oci_read_fn oci_read_exec_affinity;
/* linux.c: uidMappings or gidMappings, of the container or of a mount */
int oci_read_id_maps(const struct oci_reader *r, const struct oci_node *at,
		     struct oci_id_map **maps, size_t *n);
/* sysctl.c: whether the key of AT may be set in a container with the namespaces of INTO, a config */
int oci_check_sysctl(const struct oci_reader *r, const struct oci_node *at,
		     const struct oci_config *config);
/* annotations.c: those of crun's that change something; AT is the root */
int oci_read_known_annotations(const struct oci_reader *r, const struct oci_node *at,
			       struct oci_config *config);
/* check.c: what several fields say together; AT is the root */
int oci_check_config(const struct oci_reader *r, const struct oci_node *at,
		     const struct oci_config *config);

/* ---- numbers.c ---- */

/* The value of a string of NAMES; WHAT such a string is called in the sentence. */
int oci_read_name(const struct oci_reader *r, const struct oci_node *at,
		  const struct oci_name *names, const char *what, uint32_t *value);
/* The values of an array of such strings, or-ed. */
int oci_read_name_set(const struct oci_reader *r, const struct oci_node *at,
		      const struct oci_name *names, const char *what, uint32_t *bits);
/* A string like "0-3,7" of numbers below MAX, a multiple of 64; *SET is untouched when it is empty. */
int oci_read_number_set(const struct oci_reader *r, const struct oci_node *at, unsigned int max,
			struct oci_number_set *set);
