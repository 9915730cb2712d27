/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What an engine calls a container: its cgroup has only the id that the engine made up. Where it is cheap to know, from
 * the files that engines of root keep:
 *
 *	docker		/var/lib/docker/containers/ID/config.v2.json
 *	podman		/var/lib/containers/storage/DRIVER-containers/containers.json
 *	containerd	/run/containerd/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json: annotations of
 *			Kubernetes (namespace/pod/container) and of nerdctl
 */
#include "base/error.h"
#include "ledger/names.h"

struct ledger_engines;

/*
 * With files below the directory ROOT_FD, and the groups of the accounts below CGROUPS_FD, below 0: none can be looked
 * at. Both stay the caller's. NULL when memory is out. The caller's to free.
 */
struct ledger_engines *ledger_engines_open(int root_fd, int cgroups_fd);
/* The same of this host. */
int ledger_engines_of_host(struct ledger_engines **engines, struct error *err);
void ledger_engines_free(struct ledger_engines *engines);
void cleanup_ledger_engines(struct ledger_engines **engines);

/*
 * A container's id can be had by anybody who can give a group that name: it is believed where nobody but the engines'
 * own user can have made the group. So each group above must be that user's alone to write to, and must not be
 * delegated by systemd (Delegate= in systemd.resource-control(5)): what is below such a one is its service's affair.
 *
 * The name of the outermost container of the cgroup at PATH, with what comes below it; the caller's to free. NULL: not
 * known. Each container is asked for once: engines are to be opened anew for each snapshot.
 */
char *ledger_engines_name(struct ledger_engines *engines, const char *path);

/* What the views call the cgroup at PATH: that, or else ledger_name_of_path. NULL when memory is out. */
char *ledger_engines_call(struct ledger_engines *engines, const char *path);
