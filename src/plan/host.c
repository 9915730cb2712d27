// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct plan_host *plan_host_new(void)
{
	return calloc(1, sizeof(struct plan_host));
}

void plan_host_free(struct plan_host *host)
{
	if (!host)
		return;
	free(host->nodes);
	free(host->disks);
	free(host);
}

void cleanup_plan_host(struct plan_host **host)
{
	plan_host_free(*host);
}

struct plan_node *plan_host_add_node(struct plan_host *host)
{
	struct plan_node *nodes = reallocarray(host->nodes, host->n_nodes + 1, sizeof(*nodes));

	if (!nodes)
		return NULL;
	host->nodes = nodes;
	return memset(&nodes[host->n_nodes++], 0, sizeof(*nodes));
}

struct plan_disk *plan_host_add_disk(struct plan_host *host)
{
	struct plan_disk *disks = reallocarray(host->disks, host->n_disks + 1, sizeof(*disks));

	if (!disks)
		return NULL;
	host->disks = disks;
	return memset(&disks[host->n_disks++], 0, sizeof(*disks));
}

void plan_host_take_rates(struct plan_host *host, const struct profile *profile)
{
	for (size_t i = 0; i < host->n_disks; i++) {
		struct plan_disk *disk = &host->disks[i];
		const struct profile_disk *measured = profile_find_disk(profile, disk->target);

		if (!measured)
			continue;
		memcpy(disk->bytes_per_s, measured->bytes_per_s, sizeof(disk->bytes_per_s));
		memcpy(disk->requests_per_s, measured->requests_per_s,
		       sizeof(disk->requests_per_s));
	}
}

const struct plan_disk *plan_host_find_disk(const struct plan_host *host, const char *device)
{
	if (!*device)
		device = host->state_disk;
	for (size_t i = 0; *device && i < host->n_disks; i++) {
		const struct plan_disk *disk = &host->disks[i];

		if (strcmp(disk->name, device) == 0 || strcmp(disk->target, device) == 0)
			return disk;
	}
	return NULL;
}

const char *plan_host_disk_target(const void *host, const char *device)
{
	const struct plan_disk *disk = plan_host_find_disk(host, device);

	return disk ? disk->target : device;
}
