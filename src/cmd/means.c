// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/means.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strings.h"
#include "keeper/ask.h"
#include "keeper/disk_weight.h"
#include "keeper/gate.h"
#include "keeper/shape.h"
#include "keeper/standing.h"
#include "keeper/uplink.h"
#include "kernel/napi.h"

enum means {
	NONE,	    /* nothing keeps it yet */
	NOT_NEEDED, /* it describes another promise, and is none itself */
	CONTROLLER,
	CONTROLLER_V2, /* v1 of it does not keep that */
	SHAPING,       /* at a link of its own */
	UPLINK,	       /* towards the outside, at the host's uplink */
	GATE,
	WEIGHT, /* of a disk, which something has to weigh */
};

/* By the end of a term's name, the first that fits. */
static const struct {
	const char *prefix, *suffix;
	enum means means;
	enum cgroup_controller controller;
	bool kept_by_keeper; /* no static limit stands for it */
} table[] = {
	{"cpu-", "-reserve", CONTROLLER, CGROUP_CPU},
	{"cpu-", "-limit", CONTROLLER, CGROUP_CPU},
	{"cpu-", "-share", CONTROLLER, CGROUP_CPU},
	{"memory-", "-reserve", CONTROLLER_V2, CGROUP_MEMORY},
	{"memory-", "-limit", CONTROLLER, CGROUP_MEMORY},
	{"pids-", "-limit", CONTROLLER, CGROUP_PIDS},
	{"net-", "-packet-size", NOT_NEEDED, CGROUP_CORE},
	{"net-", "-packet-size-worst", NOT_NEEDED, CGROUP_CORE},
	{"net-", "-connections", NOT_NEEDED, CGROUP_CORE},
	{"net-", "-path", NOT_NEEDED, CGROUP_CORE},
	{"net-", "-limit", SHAPING, CGROUP_CORE, true},
	{"net-", "-reserve", UPLINK, CGROUP_CORE, true},
	{"net-", "-share", UPLINK, CGROUP_CORE, true},
	{"net-", "-strict", GATE, CGROUP_CORE, true},
	{"disk-", "-limit", CONTROLLER, CGROUP_IO, true},
	{"disk-", "-limit-iops", CONTROLLER, CGROUP_IO, true},
	{"disk-", "-reserve", CONTROLLER, CGROUP_IO, true},
	{"disk-", "-reserve-iops", CONTROLLER, CGROUP_IO, true},
	{"disk-", "-share", WEIGHT, CGROUP_IO, true},
	{"disk-", "-request-size", NOT_NEEDED, CGROUP_CORE},
	{"disk-", "-buffered", NOT_NEEDED, CGROUP_CORE},
};

static int need_controller(const struct term_kind *kind, const struct cgroup_layout *layout,
			   enum cgroup_controller controller, bool v2, struct error *err)
{
	int version = cgroup_layout_version(layout, controller);

	if (!version)
		return error_set(err, ENODEV, "%s: this host has no %s controller to keep it with",
				 kind->name, cgroup_controller_name(controller, 2));
	if (v2 && version != 2)
		return error_set(err, ENODEV,
				 "%s: version 1 of the %s controller, which this host has, cannot "
				 "keep it",
				 kind->name, cgroup_controller_name(controller, 2));
	return 0;
}

/* Links that are the workspace's alone are its veth pairs. */
static int need_link(const struct term_kind *kind, const struct terms *terms, struct error *err)
{
	if (!terms->path[0] || strcmp(terms->path, "bridge") == 0)
		return 0;
	return error_set(err, EOPNOTSUPP,
			 "%s: it is kept at the host's end of the workspace's link, and with the "
			 "network '%s' there is none",
			 kind->name, terms->path);
}

static int need_shaping(const struct term_kind *kind, const struct terms *terms, struct error *err)
{
	int r = need_link(kind, terms, err);

	if (r < 0)
		return r;
	r = shape_probe(err);
	return r < 0 ? error_prefix(err, "%s", kind->name) : 0;
}

/* What others have reserved is the planner's affair; here it is whether there can be so much at all. */
static int need_room(const struct term_kind *kind, const struct terms *terms,
		     const struct uplink *uplink, struct error *err)
{
	bool egress = string_starts_with(kind->name, "net-egress");
	uint64_t wanted = terms->net[egress ? TERMS_EGRESS : TERMS_INGRESS].reserve_bps;
	struct class_terms alone = {.reserve_bps = wanted};
	uint64_t rate = egress ? uplink->rate_bps : uplink_arriving_bps(uplink->rate_bps);

	if (classes_check(uplink->name, rate, &alone, 1, NULL) == 0)
		return 0;
	return error_set(err, EBUSY, "%s: '%s' carries %s, and a little of it is everybody's",
			 kind->name, uplink->name,
			 unit_format(UNIT_BIT_RATE, uplink->rate_bps).text);
}

static int need_uplink(const struct term_kind *kind, const struct terms *terms, struct error *err)
{
	struct uplink uplink = {0};
	int r = need_shaping(kind, terms, err);

	if (r == 0)
		r = uplink_find(secure_getenv("BEHALF_UPLINK"), &uplink, err);
	if (r < 0)
		return r;
	if (uplink.name[0] && !if_nametoindex(uplink.name))
		return error_set(err, ENODEV,
				 "%s: it is kept at the host's uplink, and there is no '%s'",
				 kind->name, uplink.name);
	if (uplink.name[0] && uplink.rate_bps)
		return need_room(kind, terms, &uplink, err);
	return error_set(
		err, ENODEV,
		"%s: it is kept at the host's uplink, and %s%s%s; BEHALF_UPLINK=eth0=1gbit "
		"would tell",
		kind->name, uplink.name[0] ? "what '" : "there is none by the default route",
		uplink.name, uplink.name[0] ? "' carries is not known" : "");
}

static int need_gate(const struct term_kind *kind, const struct terms *terms, struct error *err)
{
	_cleanup_(cleanup_gates) struct gates *gates = NULL;
	int r;

	if (terms->gate == TERMS_GATE_NONE)
		return 0;
	r = need_link(kind, terms, err);
	if (r == 0 && terms->gate == TERMS_GATE_THREADED)
		return napi_has_threads() ? 0
					  : error_set(err, EOPNOTSUPP,
						      "%s: this kernel does not receive in threads "
						      "(/sys/class/net/lo/threaded)",
						      kind->name);
	if (r == 0)
		r = gates_open(&gates, err);
	return r;
}

static int need_weight(const struct term_kind *kind, const struct terms *terms,
		       const struct cgroup_layout *layout, struct error *err)
{
	int r = need_controller(kind, layout, CGROUP_IO, false, err);

	for (unsigned int i = 0; i < terms->n_disks && r == 0; i++) {
		const struct terms_disk *disk = &terms->disks[i];
		struct standing_disk found;
		const char *file;

		if (!disk->flow[TERMS_READ].share && !disk->flow[TERMS_WRITE].share)
			continue;
		r = standing_find_disk(disk->device, &found, err);
		if (r == 0)
			r = disk_weight_file(found.number, cgroup_layout_version(layout, CGROUP_IO),
					     &file, err);
		if (r < 0)
			error_prefix(err, "%s", kind->name);
	}
	return r;
}

static const char *first_term_of(const struct terms_disk *disk)
{
	const struct terms alone = {.disks = {*disk}, .n_disks = 1};
	const struct term_kind *kind = term_kinds;

	while (kind->name && !terms_has(&alone, kind))
		kind++;
	return kind->name ? kind->name : "disk";
}

/* Whatever is promised of a disk, it has to be there. */
static int need_disks(const struct terms *terms, struct error *err)
{
	int r = 0;

	for (unsigned int i = 0; i < terms->n_disks && r == 0; i++) {
		struct standing_disk found;

		r = standing_find_disk(terms->disks[i].device, &found, err);
		if (r < 0)
			error_prefix(err, "%s", first_term_of(&terms->disks[i]));
	}
	return r;
}

static bool fits(size_t row, const struct term_kind *kind)
{
	return string_starts_with(kind->name, table[row].prefix) &&
	       string_ends_with(kind->name, table[row].suffix);
}

static int check_one(const struct term_kind *kind, const struct terms *terms,
		     const struct cgroup_layout *layout, struct error *err)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(table) && !fits(i, kind))
		i++;
	switch (i < ARRAY_SIZE(table) ? table[i].means : NONE) {
	case NOT_NEEDED:
		return 0;
	case CONTROLLER:
	case CONTROLLER_V2:
		return need_controller(kind, layout, table[i].controller,
				       table[i].means == CONTROLLER_V2, err);
	case SHAPING:
		return need_shaping(kind, terms, err);
	case UPLINK:
		return need_uplink(kind, terms, err);
	case GATE:
		return need_gate(kind, terms, err);
	case WEIGHT:
		return need_weight(kind, terms, layout, err);
	case NONE:
		break;
	}
	return error_set(err, EOPNOTSUPP,
			 "%s: nothing keeps that term yet, and what cannot be kept is not promised",
			 kind->name);
}

int means_check(const struct terms *terms, const struct cgroup_layout *layout, struct error *err)
{
	int r = 0;

	for (const struct term_kind *kind = term_kinds; r == 0 && kind->name; kind++)
		if (terms_has(terms, kind))
			r = check_one(kind, terms, layout, err);
	return r == 0 ? need_disks(terms, err) : r;
}

bool means_has_truth(const struct term_kind *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (fits(i, kind))
			return table[i].means != NOT_NEEDED;
	return false;
}

bool means_kernel_keeps(const struct term_kind *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (fits(i, kind))
			return table[i].controller == CGROUP_MEMORY ||
			       table[i].controller == CGROUP_PIDS;
	return false;
}

bool means_want_keeper(const struct terms *terms)
{
	for (const struct term_kind *kind = term_kinds; kind->name; kind++)
		if (terms_has(terms, kind) && means_has_truth(kind) && !means_kernel_keeps(kind))
			return true;
	return false;
}

static bool needs_keeper(const struct term_kind *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (fits(i, kind))
			return table[i].kept_by_keeper;
	return false;
}

void means_warn_without_keeper(const char *name, const struct terms *terms)
{
	const struct term_kind *first = NULL;
	unsigned int more = 0;

	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		if (!terms_has(terms, kind) || !needs_keeper(kind))
			continue;
		more += first != NULL;
		first = first ? first : kind;
	}
	if (!first || keeper_runs())
		return;
	if (more)
		log_warning("'%s': %s and %u more are not kept until a keeper runs (behalf keeper)",
			    name, first->name, more);
	else
		log_warning("'%s': %s is not kept until a keeper runs (behalf keeper)", name,
			    first->name);
}
