/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LEDGER_CONTAINER_ID_LENGTH 64

/* The innermost container on the path of a cgroup: where its name is in there, and what comes below it. */
struct ledger_container {
	const char *name;
	size_t length;
	const char *rest; /* "" or "/..." */
	bool has_id;	  /* the name is one that an engine made up: 64 hexadecimal digits */
};

/* Whether there is one. */
bool ledger_container_of_path(const char *path, struct ledger_container *container);

/*
 * The same for the outermost container, which engines of the host have made: who is inside may call what is
 * below as it likes. None in /user.slice, where users do.
 */
bool ledger_container_of_host(const char *path, struct ledger_container *container);

/*
 * What people call the cgroup at PATH ("/a/b"): the id of its container where an engine's form of
 * path is known (podman, docker, containerd, CRI-O, Kubernetes, LXC, nspawn, behalf), the unit where
 * systemd made it, Slurm's job, else the path; "host" for "/". The caller's to free, NULL when memory
 * is out.
 */
char *ledger_name_of_path(const char *path);
