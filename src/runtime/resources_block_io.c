// SPDX-License-Identifier: GPL-2.0-or-later
/* linux.resources.blockIO: "blkio" on v1, "io" on v2. */
#include <errno.h>
#include <stdio.h>

#include "kernel/cgroup.h"
#include "oci/config.h"
#include "runtime/resources_convert.h"
#include "runtime/resources_internal.h"

/* A weight is in either of two files, by I/O scheduler; PREFIX is "" or "MAJOR:MINOR ". */
static int set_weight(const struct resources_target *t, const char *key, const char *prefix,
		      uint16_t weight)
{
	bool device = prefix[0];
	int r;

	if (cgroup_version(t->cg, CGROUP_IO) == 2) {
		r = resources_set(t, key, CGROUP_IO, "io.bfq.weight", "%s%u", prefix, weight);
		return r != -ENOENT
			       ? r
			       : resources_set(t, key, CGROUP_IO, "io.weight", "%s%llu", prefix,
					       (unsigned long long)resources_io_weight(weight));
	}
	r = resources_set(t, key, CGROUP_IO, device ? "blkio.weight_device" : "blkio.weight",
			  "%s%u", prefix, weight);
	return r != -ENOENT ? r
			    : resources_set(t, key, CGROUP_IO,
					    device ? "blkio.bfq.weight_device" : "blkio.bfq.weight",
					    "%s%u", prefix, weight);
}

static int set_leaf_weight(const struct resources_target *t, const char *key, const char *prefix,
			   uint16_t weight)
{
	if (cgroup_version(t->cg, CGROUP_IO) == 2)
		return resources_refuse_on_v2(t, key);
	return resources_set(t, key, CGROUP_IO,
			     prefix[0] ? "blkio.leaf_weight_device" : "blkio.leaf_weight", "%s%u",
			     prefix, weight);
}

static int set_device_weights(const struct resources_target *t, const struct oci_block_io *io)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < io->n_weights; i++) {
		const struct oci_block_weight *w = &io->weights[i];
		char prefix[48];

		snprintf(prefix, sizeof(prefix), "%lld:%lld ", (long long)w->major,
			 (long long)w->minor);
		if (w->has_weight && w->weight)
			r = set_weight(t, "blockIO.weightDevice", prefix, w->weight);
		if (r == 0 && w->has_leaf_weight && w->leaf_weight)
			r = set_leaf_weight(t, "blockIO.weightDevice", prefix, w->leaf_weight);
	}
	return r;
}

static int set_throttles(const struct resources_target *t, const char *key, const char *v1,
			 const char *v2, const struct oci_block_limit *limits, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct oci_block_limit *l = &limits[i];
		unsigned long long rate = l->rate;

		if (cgroup_version(t->cg, CGROUP_IO) != 2)
			r = resources_set(t, key, CGROUP_IO, v1, "%lld:%lld %llu",
					  (long long)l->major, (long long)l->minor, rate);
		else if (rate)
			r = resources_set(t, key, CGROUP_IO, "io.max", "%lld:%lld %s=%llu",
					  (long long)l->major, (long long)l->minor, v2, rate);
		else
			r = resources_set(t, key, CGROUP_IO, "io.max", "%lld:%lld %s=max",
					  (long long)l->major, (long long)l->minor, v2);
	}
	return r;
}

int resources_set_block_io(const struct resources_target *t, const struct oci_resources *resources)
{
	const struct oci_block_io *io = &resources->block_io;
	int r = 0;

	if (io->has_weight && io->weight)
		r = set_weight(t, "blockIO.weight", "", io->weight);
	if (r == 0 && io->has_leaf_weight && io->leaf_weight)
		r = set_leaf_weight(t, "blockIO.leafWeight", "", io->leaf_weight);
	if (r == 0)
		r = set_device_weights(t, io);
	if (r == 0)
		r = set_throttles(t, "blockIO.throttleReadBpsDevice",
				  "blkio.throttle.read_bps_device", "rbps", io->read_bps,
				  io->n_read_bps);
	if (r == 0)
		r = set_throttles(t, "blockIO.throttleWriteBpsDevice",
				  "blkio.throttle.write_bps_device", "wbps", io->write_bps,
				  io->n_write_bps);
	if (r == 0)
		r = set_throttles(t, "blockIO.throttleReadIOPSDevice",
				  "blkio.throttle.read_iops_device", "riops", io->read_iops,
				  io->n_read_iops);
	if (r == 0)
		r = set_throttles(t, "blockIO.throttleWriteIOPSDevice",
				  "blkio.throttle.write_iops_device", "wiops", io->write_iops,
				  io->n_write_iops);
	return r;
}
