// SPDX-License-Identifier: GPL-2.0-or-later
/* Terms that contradict each other, and what the kernel is told of them. */
#include "plan/terms.h"

#include <errno.h>
#include <string.h>

#define CPU_SHARES_PER_CORE 65536
#define CPU_SHARES_MIN 2
#define CPU_SHARES_MAX 262144
#define CPU_WEIGHT_PER_CORE 2500
#define CPU_WEIGHT_MIN 1
#define CPU_WEIGHT_MAX 10000

/* NAME is of the reserve; of the limit it is the same with the other word. */
static int check_reserve(uint64_t reserve, uint64_t limit, enum unit unit, const char *name,
			 const char *limit_name, struct error *err)
{
	if (!limit || reserve <= limit)
		return 0;
	return error_set(err, EINVAL, "%s %s is more than %s %s lets it use", name,
			 unit_format(unit, reserve).text, limit_name,
			 unit_format(unit, limit).text);
}

static int check_net(const struct terms *terms, enum terms_direction direction, struct error *err)
{
	static const char *const names[TERMS_DIRECTIONS][4] = {
		{"net.egress.reserve", "net.egress.limit", "net.egress.packet-size-worst",
		 "net.egress.packet-size"},
		{"net.ingress.reserve", "net.ingress.limit", "net.ingress.packet-size-worst",
		 "net.ingress.packet-size"},
	};
	const struct terms_net *net = &terms->net[direction];
	const char *const *name = names[direction];
	int r = check_reserve(net->reserve_bps, net->limit_bps, UNIT_BIT_RATE, name[0], name[1],
			      err);

	if (r < 0)
		return r;
	if (net->packet_bytes && net->packet_worst_bytes > net->packet_bytes)
		return error_set(err, EINVAL,
				 "%s %u is more than %s %u: the worst are the smallest", name[2],
				 net->packet_worst_bytes, name[3], net->packet_bytes);
	if (net->reserve_bps && strcmp(terms->path, "none") == 0)
		return error_set(err, EINVAL, "%s %s: net.path is none", name[0],
				 unit_format(UNIT_BIT_RATE, net->reserve_bps).text);
	return 0;
}

static int check_disk(const struct terms_disk *disk, struct error *err)
{
	static const char *const names[TERMS_ACCESSES][4] = {
		{"disk.read.reserve", "disk.read.limit", "disk.read.reserve-iops",
		 "disk.read.limit-iops"},
		{"disk.write.reserve", "disk.write.limit", "disk.write.reserve-iops",
		 "disk.write.limit-iops"},
	};

	for (int access = 0; access < TERMS_ACCESSES; access++) {
		const struct terms_disk_flow *flow = &disk->flow[access];
		const char *const *name = names[access];
		int r = check_reserve(flow->reserve_bytes, flow->limit_bytes, UNIT_BYTE_RATE,
				      name[0], name[1], err);

		if (r == 0)
			r = check_reserve(flow->reserve_iops, flow->limit_iops, UNIT_IOPS, name[2],
					  name[3], err);
		if (r < 0)
			return *disk->device ? error_prefix(err, "%s", disk->device) : r;
	}
	return 0;
}

int terms_check(const struct terms *terms, struct error *err)
{
	int r = check_reserve(terms->cpu.reserve_mcores, terms->cpu.limit_mcores, UNIT_CORES,
			      "cpu.reserve", "cpu.limit", err);

	if (r == 0)
		r = check_reserve(terms->memory.reserve_bytes, terms->memory.limit_bytes, UNIT_SIZE,
				  "memory.reserve", "memory.limit", err);
	for (int direction = 0; r == 0 && direction < TERMS_DIRECTIONS; direction++)
		r = check_net(terms, direction, err);
	for (unsigned int i = 0; r == 0 && i < terms->n_disks; i++)
		r = check_disk(&terms->disks[i], err);
	return r;
}

int64_t terms_cpu_quota_us(uint32_t limit_mcores)
{
	return (int64_t)limit_mcores * (TERMS_CPU_PERIOD_US / 1000);
}

uint64_t terms_cpu_shares(uint32_t reserve_mcores)
{
	uint64_t shares = (uint64_t)reserve_mcores * CPU_SHARES_PER_CORE / 1000;

	if (shares < CPU_SHARES_MIN)
		return CPU_SHARES_MIN;
	return shares < CPU_SHARES_MAX ? shares : CPU_SHARES_MAX;
}

uint64_t terms_cpu_weight(uint32_t reserve_mcores)
{
	uint64_t weight = (uint64_t)reserve_mcores * CPU_WEIGHT_PER_CORE / 1000;

	if (weight < CPU_WEIGHT_MIN)
		return CPU_WEIGHT_MIN;
	return weight < CPU_WEIGHT_MAX ? weight : CPU_WEIGHT_MAX;
}
