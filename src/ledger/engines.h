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
#include "ledger/names.h"

struct ledger_engines;

/* With files below the directory ROOT_FD; NULL when memory is out. The caller's to free. */
struct ledger_engines *ledger_engines_open(int root_fd);
void ledger_engines_free(struct ledger_engines *engines);
void cleanup_ledger_engines(struct ledger_engines **engines);

/*
 * The name of the outermost container of the cgroup at PATH, with what comes below it; the caller's to free. NULL: not
 * known. Each container is asked for once: engines are to be opened anew for each snapshot.
 */
char *ledger_engines_name(struct ledger_engines *engines, const char *path);
