// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/truths.h"

static const struct {
	const char *name, *unit;
} kinds[] = {
	[TRUTH_CPU_RESERVE] = {"cpu.reserve", "CPU"},
	[TRUTH_CPU_LIMIT] = {"cpu.limit", "CPU"},
	[TRUTH_EGRESS_RESERVE] = {"net.egress.reserve", "bit/s"},
	[TRUTH_EGRESS_LIMIT] = {"net.egress.limit", "bit/s"},
	[TRUTH_INGRESS_RESERVE] = {"net.ingress.reserve", "bit/s"},
	[TRUTH_INGRESS_LIMIT] = {"net.ingress.limit", "bit/s"},
	[TRUTH_READ_RESERVE] = {"disk.read.reserve", "B/s"},
	[TRUTH_READ_RESERVE_IOPS] = {"disk.read.reserve-iops", "1/s"},
	[TRUTH_READ_LIMIT] = {"disk.read.limit", "B/s"},
	[TRUTH_WRITE_RESERVE] = {"disk.write.reserve", "B/s"},
	[TRUTH_WRITE_RESERVE_IOPS] = {"disk.write.reserve-iops", "1/s"},
	[TRUTH_WRITE_LIMIT] = {"disk.write.limit", "B/s"},
};

const char *truth_name(enum truth_kind kind)
{
	return kinds[kind].name;
}

const char *truth_unit(enum truth_kind kind)
{
	return kinds[kind].unit;
}

static const struct control_truth *net(const struct truth_sources *s, size_t i,
				       enum terms_direction direction, bool reserve)
{
	const struct roster_entry *e = &s->roster->items[i];
	const struct terms_net *terms = &e->terms.net[direction];

	/* most have none, and are not to be looked for */
	if (!s->network || !(reserve ? terms->reserve_bps : terms->limit_bps))
		return NULL;
	return network_truth(s->network, e->directory, direction, reserve);
}

static const struct control_truth *disk(const struct truth_sources *s, size_t i,
					enum terms_access access, enum disk_term term)
{
	const struct roster_entry *e = &s->roster->items[i];

	return s->disks && e->terms.n_disks ? disks_truth(s->disks, e->directory, access, term)
					    : NULL;
}

static const struct control_truth *cpu(const struct control_truth *t)
{
	return t->state == CONTROL_NO_TERM ? NULL : t;
}

const struct control_truth *truth_of(const struct truth_sources *s, size_t i, enum truth_kind kind)
{
	switch (kind) {
	case TRUTH_CPU_RESERVE:
		return cpu(&s->roster->control.workspaces[i].reserve);
	case TRUTH_CPU_LIMIT:
		return cpu(&s->roster->control.workspaces[i].limit);
	case TRUTH_EGRESS_RESERVE:
	case TRUTH_EGRESS_LIMIT:
		return net(s, i, TERMS_EGRESS, kind == TRUTH_EGRESS_RESERVE);
	case TRUTH_INGRESS_RESERVE:
	case TRUTH_INGRESS_LIMIT:
		return net(s, i, TERMS_INGRESS, kind == TRUTH_INGRESS_RESERVE);
	case TRUTH_READ_RESERVE:
		return disk(s, i, TERMS_READ, DISK_RESERVE);
	case TRUTH_READ_RESERVE_IOPS:
		return disk(s, i, TERMS_READ, DISK_RESERVE_IOPS);
	case TRUTH_READ_LIMIT:
		return disk(s, i, TERMS_READ, DISK_LIMIT);
	case TRUTH_WRITE_RESERVE:
		return disk(s, i, TERMS_WRITE, DISK_RESERVE);
	case TRUTH_WRITE_RESERVE_IOPS:
		return disk(s, i, TERMS_WRITE, DISK_RESERVE_IOPS);
	case TRUTH_WRITE_LIMIT:
		return disk(s, i, TERMS_WRITE, DISK_LIMIT);
	case TRUTHS:
		break;
	}
	return NULL;
}

const char *truth_culprit(const struct roster *roster, int by)
{
	switch (by) {
	case CONTROL_BY_NOBODY:
		return NULL;
	case CONTROL_BY_HOST:
		return "host";
	case CONTROL_BY_THREADS:
		return "threads of others";
	case CONTROL_BY_QUOTA:
		return "its own quota";
	default:
		return (size_t)by < roster->control.n ? roster->items[by].called : NULL;
	}
}
