/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What people call the cgroup at PATH ("/a/b"): the id of its container where an engine's form of
 * path is known (podman, docker, containerd, CRI-O, Kubernetes, LXC, nspawn, behalf), the unit where
 * systemd made it, Slurm's job, else the path; "host" for "/". The caller's to free, NULL when memory
 * is out.
 */
char *ledger_name_of_path(const char *path);
