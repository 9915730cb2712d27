// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/schedule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define COMPANION_RATE 8000

/* Which calibrations have a load. */
enum presence { FULL, QUICK_BRIDGE, QUICK };

/* SIZE_BYTES as on the wire. */
struct load {
	enum flow_kind kind;
	uint32_t size_bytes;
	double rate;
	enum presence presence;
	bool buffered;
};

/*
 * Rates lie on both sides of the sender's 1000 wake-ups a second, which is where the cost of a packet
 * changes most; the smallest and the largest packets span the sizes.
 */
static const struct load net_loads[] = {
	{FLOW_UDP, 64, 1000, QUICK, false},
	{FLOW_UDP, 64, 20000, QUICK, false},
	{FLOW_UDP, 1400, 8000, QUICK, false},
	{FLOW_UDP, 64, 4000, QUICK, false},
	{FLOW_UDP, 1400, 2000, QUICK_BRIDGE, false},
	{FLOW_UDP, 512, 40000, QUICK_BRIDGE, false},
	{FLOW_UDP, 64, 500, FULL, false},
	{FLOW_UDP, 64, 10000, FULL, false},
	{FLOW_UDP, 64, 60000, FULL, false},
	{FLOW_UDP, 256, 2000, FULL, false},
	{FLOW_UDP, 512, 1000, FULL, false},
	{FLOW_UDP, 1400, 30000, FULL, false},
	{FLOW_TCP, 256, 1000, QUICK, false},
	{FLOW_TCP, 1514, 8000, QUICK, false},
	{FLOW_TCP, 16450, 2000, QUICK, false},
	{FLOW_TCP, 256, 10000, QUICK, false},
	{FLOW_TCP, 1514, 2000, QUICK_BRIDGE, false},
	{FLOW_TCP, 256, 4000, FULL, false},
	{FLOW_TCP, 4162, 5000, FULL, false},
	{FLOW_TCP, 16450, 6000, FULL, false},
	{FLOW_TCP, 32834, 1000, FULL, false},
	{FLOW_CONNECT, 1, 1000, QUICK, false},
	{FLOW_CONNECT, 1, 400, QUICK_BRIDGE, false},
	{FLOW_CONNECT, 1, 2500, FULL, false},
};

static const struct load disk_loads[] = {
	{FLOW_READ, 4096, 300, QUICK, false},	{FLOW_READ, 4096, 1500, QUICK, false},
	{FLOW_READ, 65536, 300, QUICK, false},	{FLOW_READ, 16384, 600, FULL, false},
	{FLOW_READ, 4096, 800, FULL, false},	{FLOW_READ, 131072, 200, FULL, false},
	{FLOW_WRITE, 4096, 300, QUICK, false},	{FLOW_WRITE, 4096, 1500, QUICK, false},
	{FLOW_WRITE, 65536, 300, QUICK, false}, {FLOW_WRITE, 16384, 600, FULL, false},
	{FLOW_WRITE, 4096, 800, FULL, false},	{FLOW_WRITE, 131072, 200, FULL, false},
	{FLOW_READ, 4096, 400, QUICK, true},	{FLOW_READ, 65536, 300, QUICK, true},
	{FLOW_READ, 4096, 2000, QUICK, true},	{FLOW_READ, 16384, 600, FULL, true},
	{FLOW_WRITE, 4096, 400, QUICK, true},	{FLOW_WRITE, 65536, 300, QUICK, true},
	{FLOW_WRITE, 4096, 2000, QUICK, true},	{FLOW_WRITE, 16384, 600, FULL, true},
};

double schedule_unit_bytes(const struct flow_spec *spec)
{
	switch (spec->kind) {
	case FLOW_UDP:
		return spec->size_bytes + FLOW_UDP_HEADER_BYTES;
	case FLOW_TCP:
		return spec->size_bytes + SCHEDULE_TCP_HEADER_BYTES;
	default:
		return spec->size_bytes;
	}
}

static struct flow_spec spec_of(const struct load *load)
{
	struct flow_spec spec = {
		.kind = load->kind,
		.size_bytes = load->size_bytes,
		.rate = load->rate,
		.buffered = load->buffered,
		.sequential = load->buffered && load->kind == FLOW_READ,
	};

	if (load->kind == FLOW_UDP)
		spec.size_bytes -= FLOW_UDP_HEADER_BYTES;
	if (load->kind == FLOW_TCP)
		spec.size_bytes -= SCHEDULE_TCP_HEADER_BYTES;
	return spec;
}

static int append(struct schedule *schedule, const struct flow_spec *spec)
{
	struct flow_spec *grown =
		reallocarray(schedule->loads, schedule->n + 1, sizeof(*schedule->loads));

	if (!grown)
		return -ENOMEM;
	schedule->loads = grown;
	grown[schedule->n++] = *spec;
	return 0;
}

static const struct {
	enum site_workspace from, to;
} ends[SITE_PATHS] = {
	[SITE_BRIDGE] = {SITE_A, SITE_B},  [SITE_LOCAL] = {SITE_A, SITE_H},
	[SITE_FORWARD] = {SITE_A, SITE_D}, [SITE_MACVLAN] = {SITE_A, SITE_B},
	[SITE_HOST] = {SITE_H, SITE_I},
};

static int append_path(struct schedule *schedule, enum site_path path, bool quick)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(net_loads); i++) {
		struct flow_spec spec = spec_of(&net_loads[i]);

		if (quick && net_loads[i].presence < (path == SITE_BRIDGE ? QUICK_BRIDGE : QUICK))
			continue;
		spec.path = path;
		spec.from = ends[path].from;
		spec.to = ends[path].to;
		r = append(schedule, &spec);
		/* to a process of the host and from one differ; elsewhere both ends are workspaces */
		if (r == 0 && path == SITE_LOCAL) {
			spec.from = ends[path].to;
			spec.to = ends[path].from;
			r = append(schedule, &spec);
		}
	}
	return r;
}

static int append_disk(struct schedule *schedule, bool quick)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(disk_loads); i++) {
		struct flow_spec spec = spec_of(&disk_loads[i]);

		spec.from = spec.to = SITE_A;
		if (!quick || disk_loads[i].presence == QUICK)
			r = append(schedule, &spec);
	}
	return r;
}

static size_t gcd(size_t a, size_t b)
{
	return b ? gcd(b, a % b) : a;
}

/* Every load goes where the multiples of a number that is prime to N lead. */
static int spread(struct schedule *schedule)
{
	size_t n = schedule->n, step = 37;
	struct flow_spec *spread = calloc(n ? n : 1, sizeof(*spread));

	if (!spread)
		return -ENOMEM;
	while (n > 1 && gcd(n, step) != 1)
		step++;
	for (size_t i = 0; i < n; i++)
		spread[i] = schedule->loads[i * step % n];
	free(schedule->loads);
	schedule->loads = spread;
	return 0;
}

int schedule_make(unsigned int what, bool quick, struct schedule *schedule)
{
	struct schedule made = {0};
	int r = 0;

	for (enum site_path path = 0; r == 0 && path < SITE_PATHS; path++) {
		if (what & 1u << path)
			r = append_path(&made, path, quick);
	}
	if (r == 0 && what & SCHEDULE_DISK)
		r = append_disk(&made, quick);
	if (r == 0)
		r = spread(&made);
	if (r < 0) {
		schedule_free(&made);
		return r;
	}
	*schedule = made;
	return 0;
}

size_t schedule_companions(const struct flow_spec *spec, size_t wanted,
			   struct flow_spec *companions)
{
	bool host = flow_is_net(spec) && (spec->path == SITE_LOCAL || spec->path == SITE_HOST);
	size_t n = wanted < SCHEDULE_COMPANIONS_MAX ? wanted : SCHEDULE_COMPANIONS_MAX;

	for (size_t i = 0; i < n; i++) {
		struct flow_spec *companion = &companions[i];

		*companion = (struct flow_spec){
			.kind = FLOW_UDP,
			.path = host ? SITE_BRIDGE : SITE_HOST,
			.from = host ? SITE_B : SITE_H,
			.to = host ? SITE_C : SITE_I,
			.size_bytes = 256,
			.rate = COMPANION_RATE,
		};
		if (i % 2) {
			companion->from = companions[i - 1].to;
			companion->to = companions[i - 1].from;
		}
	}
	return n;
}

void schedule_free(struct schedule *schedule)
{
	free(schedule->loads);
	*schedule = (struct schedule){0};
}

void schedule_describe(const struct flow_spec *spec, char *text, size_t size)
{
	if (spec->kind == FLOW_CONNECT)
		snprintf(text, size, "%s connect %.0f/s", site_path_name(spec->path), spec->rate);
	else if (flow_is_net(spec))
		snprintf(text, size, "%s %s %.0f bytes %.0f/s", site_path_name(spec->path),
			 flow_kind_name(spec->kind), schedule_unit_bytes(spec), spec->rate);
	else
		snprintf(text, size, "disk %s %s %u bytes %.0f/s",
			 spec->buffered ? "buffered" : "direct", flow_kind_name(spec->kind),
			 spec->size_bytes, spec->rate);
}
