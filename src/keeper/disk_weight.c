// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/disk_weight.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "kernel/cgroup.h"

#define FILE_MAX_BYTES 65536
#define BFQ_V1 "blkio.bfq.weight_device"
#define BFQ_V2 "io.bfq.weight"
#define COST "io.weight"
#define BFQ_WEIGHT_MAX 1000

/*
 * By a setting that no other scheduler has. Whoever reads which one it is waits for whoever is changing the queue of the
 * disk (block/elevator.c), and that waits for the disk; to look whether a file is there waits for nobody.
 */
static bool has_bfq(const char *disk)
{
	_cleanup_free_ char *path =
		string_format("/sys/dev/block/%s/queue/iosched/strict_guarantees", disk);

	return path && access(path, F_OK) == 0;
}

/* "8:0 enable=1 ctrl=auto ...", in the root group alone */
static bool has_cost(const char *disk)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	_cleanup_free_ char *path = NULL, *text = NULL, *wanted = NULL;
	const char *mount;

	if (cgroup_layout_read(&layout, NULL) < 0)
		return false;
	mount = cgroup_layout_mount(layout, CGROUP_IO);
	path = mount ? string_format("%s/io.cost.qos", mount) : NULL;
	wanted = string_format("%s enable=1", disk);
	return path && wanted &&
	       file_read_at(AT_FDCWD, path, FILE_MAX_BYTES, &text, NULL, NULL) == 0 &&
	       strstr(text, wanted);
}

int disk_weight_file(const char *disk, int version, const char **file, struct error *err)
{
	if (has_bfq(disk)) {
		*file = version == 2 ? BFQ_V2 : BFQ_V1;
		return 0;
	}
	if (version == 2 && has_cost(disk)) {
		*file = COST;
		return 0;
	}
	return error_set(err, EOPNOTSUPP,
			 "nothing weighs who uses the disk %s: its scheduler would have to be bfq "
			 "(/sys/dev/block/%s/queue/scheduler)%s",
			 disk, disk,
			 version == 2 ? ", or io.cost.qos of the root group be enabled for it"
				      : "");
}

uint32_t disk_weight_of_share(const char *file, uint32_t share)
{
	return strcmp(file, COST) != 0 && share > BFQ_WEIGHT_MAX ? BFQ_WEIGHT_MAX : share;
}
