// SPDX-License-Identifier: GPL-2.0-or-later
#include "keeper/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/netlink_link.h"
#include "kernel/topology.h"
#include "plan/terms.h"
#include "plan/units.h"

#define QDISC QDISC_HANDLE(SHAPE_MAJOR, 0)
#define CLASS_ALL 1
#define CLASS_REST 2
#define CLASS_FIRST 0x10 /* of workspaces, by number */

/* What is left to lend is lent in portions of this for a share of 100; the kernel's bounds (net/sched/sch_htb.c). */
#define QUANTUM_BYTES 15140
#define QUANTUM_MIN_BYTES 1514
#define QUANTUM_MAX_BYTES 200000

/* Of the link there is at least so much for everybody else. */
#define REST_LEAST 0.01

/* ---- which it is ---- */

static int read_host(struct topology *topology, struct error *err)
{
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return error_errno(err, errno, "open '/'");
	return topology_read(root, topology, err);
}

static int parse(const char *text, struct uplink *uplink, struct error *err)
{
	size_t length = strcspn(text, "=");

	if (!length || length >= sizeof(uplink->name))
		return error_set(err, EINVAL, "uplink '%s': an interface is wanted, as eth0=1gbit",
				 text);
	memcpy(uplink->name, text, length);
	uplink->name[length] = '\0';
	if (!text[length])
		return 0;
	if (unit_parse(UNIT_BIT_RATE, text + length + 1, &uplink->rate_bps) < 0 ||
	    !uplink->rate_bps)
		return error_set(err, EINVAL, "uplink '%s': its rate is wanted, as eth0=1gbit",
				 text);
	return 0;
}

int uplink_find(const char *text, struct uplink *uplink, struct error *err)
{
	_cleanup_(topology_clear) struct topology host = {0};
	struct uplink found = {0};
	int r = text ? parse(text, &found, err) : 0;

	if (r == 0 && !found.rate_bps)
		r = read_host(&host, err);
	if (r < 0)
		return r;
	if (!found.name[0])
		snprintf(found.name, sizeof(found.name), "%s", host.uplink);
	if (!found.rate_bps && host.uplink[0] && strcmp(found.name, host.uplink) == 0)
		found.rate_bps = host.uplink_bps;
	*uplink = found;
	return 0;
}

/* ---- classes ---- */

static uint32_t handle_of(int number)
{
	return QDISC_HANDLE(SHAPE_MAJOR, CLASS_FIRST + number);
}

static int set_class(const struct uplink *uplink, const struct shaper *shaper, uint32_t minor,
		     uint64_t rate_bps, uint32_t share, struct error *err)
{
	uint32_t quantum = QUANTUM_BYTES / TERMS_SHARE * (share ? share : TERMS_SHARE);
	struct qdisc_htb_class class = {
		.parent = minor == CLASS_ALL ? QDISC : QDISC_HANDLE(SHAPE_MAJOR, CLASS_ALL),
		.handle = QDISC_HANDLE(SHAPE_MAJOR, minor),
		.rate_bytes = rate_bps / 8,
		.ceil_bytes = uplink->rate_bps / 8,
		.quantum = quantum,
	};

	if (quantum < QUANTUM_MIN_BYTES)
		class.quantum = QUANTUM_MIN_BYTES;
	if (quantum > QUANTUM_MAX_BYTES)
		class.quantum = QUANTUM_MAX_BYTES;
	return netlink_class_set_htb(shaper->netlink, uplink->index, &class, err);
}

static int set_rest(struct uplink *uplink, const struct shaper *shaper, uint64_t rest_bps,
		    struct error *err)
{
	int r;

	if (uplink->rest_bps == rest_bps)
		return 0;
	r = set_class(uplink, shaper, CLASS_REST, rest_bps, 0, err);
	if (r == 0)
		uplink->rest_bps = rest_bps;
	return r;
}

static int take(struct uplink *uplink, const struct shaper *shaper, struct error *err)
{
	struct netlink_link link;
	int r = netlink_link_by_name(shaper->netlink, uplink->name, &link, err);

	if (r < 0 || uplink->index == link.index)
		return r;
	/* the interface of before is gone, and our classes with it */
	uplink->n_set = 0;
	uplink->rest_bps = 0;
	r = shape_take_root(shaper, uplink->name, link.index, CLASS_REST, err);
	if (r < 0)
		return r;
	uplink->index = link.index;
	r = set_class(uplink, shaper, CLASS_ALL, uplink->rate_bps, 0, err);
	if (r == 0)
		r = netlink_filter_classify(shaper->netlink, link.index, QDISC, SHAPE_PRIORITY,
					    gates_program(shaper->gates, UPLINK_CLASSIFY),
					    "behalf_class", err);
	/* half of it is nothing: the next round begins anew */
	if (r < 0)
		uplink->index = 0;
	return r;
}

static struct uplink_reserve *find(struct uplink_reserve *list, size_t n, int number)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].number == number)
			return &list[i];
	}
	return NULL;
}

static int drop_unlisted(struct uplink *uplink, const struct shaper *shaper,
			 const struct uplink_reserve *reserves, size_t n, struct error *err)
{
	size_t kept = 0;
	int result = 0;

	for (size_t i = 0; i < uplink->n_set; i++) {
		int number = uplink->set[i].number, r;

		if (find((struct uplink_reserve *)reserves, n, number)) {
			uplink->set[kept++] = uplink->set[i];
			continue;
		}
		gates_set_class(shaper->gates, number, 0);
		r = netlink_class_delete(shaper->netlink, uplink->index, handle_of(number), err);
		result = r < 0 ? r : result;
	}
	uplink->n_set = kept;
	return result;
}

static int set_reserve(struct uplink *uplink, const struct shaper *shaper,
		       const struct uplink_reserve *reserve, struct error *err)
{
	struct uplink_reserve *known = find(uplink->set, uplink->n_set, reserve->number);
	int r;

	if (known && known->reserve_bps == reserve->reserve_bps && known->share == reserve->share)
		return 0;
	r = set_class(uplink, shaper, CLASS_FIRST + (uint32_t)reserve->number, reserve->reserve_bps,
		      reserve->share, err);
	if (r < 0)
		return r;
	gates_set_class(shaper->gates, reserve->number, handle_of(reserve->number));
	if (!known)
		known = &uplink->set[uplink->n_set++];
	*known = *reserve;
	return 0;
}

/* Room for N more. */
static int make_room(struct uplink *uplink, size_t n, struct error *err)
{
	struct uplink_reserve *more =
		realloc(uplink->set, (uplink->n_set + n) * sizeof(*uplink->set));

	if (!more)
		return error_oom(err);
	uplink->set = more;
	return 0;
}

static int let_go(struct uplink *uplink, const struct shaper *shaper, struct error *err)
{
	int r;

	if (!uplink->index)
		return 0;
	r = netlink_qdisc_delete_root(shaper->netlink, uplink->index, err);
	if (r == 0)
		shape_forget(shaper, uplink->name, uplink->index);
	for (size_t i = 0; i < uplink->n_set; i++)
		gates_set_class(shaper->gates, uplink->set[i].number, 0);
	uplink->n_set = 0;
	uplink->rest_bps = 0;
	uplink->index = 0;
	return r;
}

static int check(const struct uplink *uplink, const struct uplink_reserve *reserves, size_t n,
		 uint64_t *rest_bps, struct error *err)
{
	uint64_t sum_bps = 0, least_bps = (uint64_t)((double)uplink->rate_bps * REST_LEAST);

	if (!uplink->name[0] || !uplink->rate_bps)
		return error_set(err, ENODEV, "the host's uplink, or its rate, is not known");
	for (size_t i = 0; i < n; i++) {
		if (__builtin_add_overflow(sum_bps, reserves[i].reserve_bps, &sum_bps))
			sum_bps = UINT64_MAX;
	}
	if (least_bps > uplink->rate_bps || sum_bps > uplink->rate_bps - least_bps)
		return error_set(err, ERANGE, "more is reserved than '%s' carries", uplink->name);
	*rest_bps = uplink->rate_bps - sum_bps;
	return 0;
}

int uplink_set(struct uplink *uplink, const struct shaper *shaper,
	       const struct uplink_reserve *reserves, size_t n, struct error *err)
{
	uint64_t rest_bps = 0;
	int r;

	if (n == 0 || shaper->writer->dry)
		return let_go(uplink, shaper, err);
	r = check(uplink, reserves, n, &rest_bps, err);
	if (r == 0)
		r = take(uplink, shaper, err);
	if (r == 0)
		r = make_room(uplink, n, err);
	if (r == 0)
		r = drop_unlisted(uplink, shaper, reserves, n, err);
	if (r == 0)
		r = set_rest(uplink, shaper, rest_bps, err);
	for (size_t i = 0; i < n && r == 0; i++)
		r = set_reserve(uplink, shaper, &reserves[i], err);
	return r;
}

int uplink_counts(const struct uplink *uplink, const struct shaper *shaper, int number,
		  struct qdisc_counts *counts)
{
	if (!uplink->index || !find(uplink->set, uplink->n_set, number))
		return -ENOENT;
	return netlink_class_counts(shaper->netlink, uplink->index, handle_of(number), counts,
				    NULL);
}

void uplink_clear(struct uplink *uplink)
{
	free(uplink->set);
	uplink->set = NULL;
	uplink->n_set = 0;
}
