// SPDX-License-Identifier: GPL-2.0-or-later
#include "calibrate/schedule.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/random.h"

/* By which CPUs its processes are on, a load costs a tenth more or less: that tells, more than how long each is. */
#define PASSES 3
#define PROBE_BYTES 128
#define PROBE_RATE 1000

/* Which calibrations have a load. */
enum presence { FULL, QUICK_BRIDGE, QUICK };

/* How a disk is used: without the page cache, with what that does for one, and so that it does least. */
enum access { DIRECT, HELPED, HINDERED };

/* SIZE_BYTES as on the wire. */
struct load {
	enum flow_kind kind;
	uint32_t size_bytes;
	double rate;
	enum presence presence;
	enum access access; /* of a disk's */
};

/*
 * Rates lie on both sides of the sender's 1000 wake-ups a second, which is where the cost of a packet
 * changes most; the smallest and the largest packets span the sizes.
 */
static const struct load net_loads[] = {
	{FLOW_UDP, 64, 1000, QUICK},
	{FLOW_UDP, 64, 20000, QUICK},
	{FLOW_UDP, 1400, 8000, QUICK},
	{FLOW_UDP, 64, 4000, QUICK},
	{FLOW_UDP, 1400, 2000, QUICK_BRIDGE},
	{FLOW_UDP, 512, 40000, QUICK_BRIDGE},
	{FLOW_UDP, 64, 500, FULL},
	{FLOW_UDP, 64, 10000, FULL},
	{FLOW_UDP, 64, 60000, FULL},
	{FLOW_UDP, 256, 2000, FULL},
	{FLOW_UDP, 512, 1000, FULL},
	{FLOW_UDP, 1400, 30000, FULL},
	{FLOW_TCP, 256, 1000, QUICK},
	{FLOW_TCP, 1514, 8000, QUICK},
	{FLOW_TCP, 16450, 2000, QUICK},
	{FLOW_TCP, 256, 10000, QUICK},
	{FLOW_TCP, 1514, 2000, QUICK_BRIDGE},
	{FLOW_TCP, 256, 4000, FULL},
	{FLOW_TCP, 4162, 5000, FULL},
	{FLOW_TCP, 16450, 6000, FULL},
	{FLOW_TCP, 32834, 1000, FULL},
	{FLOW_CONNECT, 1, 500, QUICK},
	{FLOW_CONNECT, 1, 2500, QUICK},
	{FLOW_CONNECT, 1, 300, FULL},
	{FLOW_CONNECT, 1, 1000, FULL},
};

/* Those that are read ahead are fast enough for several steps in each measurement. */
static const struct load disk_loads[] = {
	{FLOW_READ, 4096, 300, QUICK},
	{FLOW_READ, 4096, 1500, QUICK},
	{FLOW_READ, 65536, 300, QUICK},
	{FLOW_READ, 16384, 600, FULL},
	{FLOW_READ, 4096, 800, FULL},
	{FLOW_READ, 131072, 200, FULL},
	{FLOW_WRITE, 4096, 300, QUICK},
	{FLOW_WRITE, 4096, 1500, QUICK},
	{FLOW_WRITE, 65536, 300, QUICK},
	{FLOW_WRITE, 16384, 600, FULL},
	{FLOW_WRITE, 4096, 800, FULL},
	{FLOW_WRITE, 131072, 200, FULL},
	{FLOW_READ, 4096, 2000, QUICK, HELPED},
	{FLOW_READ, 4096, 8000, QUICK, HELPED},
	{FLOW_READ, 65536, 300, QUICK, HELPED},
	{FLOW_READ, 16384, 1000, FULL, HELPED},
	{FLOW_READ, 131072, 200, FULL, HELPED},
	{FLOW_READ, 4096, 400, QUICK, HINDERED},
	{FLOW_READ, 4096, 2000, QUICK, HINDERED},
	{FLOW_READ, 65536, 300, QUICK, HINDERED},
	{FLOW_READ, 16384, 600, FULL, HINDERED},
	{FLOW_WRITE, 4096, 400, QUICK, HELPED},
	{FLOW_WRITE, 4096, 2000, QUICK, HELPED},
	{FLOW_WRITE, 65536, 300, QUICK, HELPED},
	{FLOW_WRITE, 16384, 600, FULL, HELPED},
	{FLOW_WRITE, 4096, 400, QUICK, HINDERED},
	{FLOW_WRITE, 4096, 2000, QUICK, HINDERED},
	{FLOW_WRITE, 65536, 300, QUICK, HINDERED},
	{FLOW_WRITE, 16384, 600, FULL, HINDERED},
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
		.buffered = load->access != DIRECT,
		.sequential = load->access == HELPED && load->kind == FLOW_READ,
		.synced = load->access == HINDERED && load->kind == FLOW_WRITE,
	};

	if (load->kind == FLOW_UDP)
		spec.size_bytes -= FLOW_UDP_HEADER_BYTES;
	if (load->kind == FLOW_TCP)
		spec.size_bytes -= SCHEDULE_TCP_HEADER_BYTES;
	return spec;
}

/* The loads of a lane, each of which is in every pass. */
struct lane {
	struct flow_spec *loads;
	size_t n;
	size_t taken;
};

static void cleanup_lanes(struct lane (*lanes)[SCHEDULE_LANES])
{
	for (size_t i = 0; i < SCHEDULE_LANES; i++)
		free((*lanes)[i].loads);
}

static int append(struct lane *lane, const struct flow_spec *spec)
{
	struct flow_spec *grown = reallocarray(lane->loads, lane->n + 1, sizeof(*lane->loads));

	if (!grown)
		return -ENOMEM;
	lane->loads = grown;
	grown[lane->n++] = *spec;
	return 0;
}

static const struct {
	size_t lane;
	enum site_workspace from, to;
} places[SITE_PATHS] = {
	[SITE_BRIDGE] = {0, SITE_A, SITE_B},  [SITE_MACVLAN] = {0, SITE_A, SITE_B},
	[SITE_FORWARD] = {1, SITE_C, SITE_D}, [SITE_LOCAL] = {1, SITE_C, SITE_J},
	[SITE_HOST] = {2, SITE_H, SITE_I},    [SITE_UPLINK] = {2, SITE_E, SITE_O},
	[SITE_DEVICE] = {0, SITE_A, SITE_B},
};
#define DISK_LANE 3
#define DISK_WORKSPACE SITE_K

/* Elsewhere both ends are workspaces, and one way tells of both. */
bool schedule_has_way(enum site_path path, enum schedule_way way)
{
	return way == SCHEDULE_FORTH || path == SITE_LOCAL || path == SITE_UPLINK;
}

static struct flow_spec place(struct flow_spec spec, enum site_path path, enum schedule_way way)
{
	spec.path = path;
	spec.from = way == SCHEDULE_FORTH ? places[path].from : places[path].to;
	spec.to = way == SCHEDULE_FORTH ? places[path].to : places[path].from;
	return spec;
}

/* What LANES are made for. */
struct wish {
	unsigned int what;
	bool quick;
	const struct schedule_silence *silence;
};

static int append_path(struct lane *lanes, enum site_path path, const struct wish *wish)
{
	enum presence least = !wish->quick ? FULL : path == SITE_BRIDGE ? QUICK_BRIDGE : QUICK;
	struct lane *lane = &lanes[places[path].lane];
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(net_loads); i++) {
		const struct flow_spec spec = spec_of(&net_loads[i]);
		bool tcp = spec.kind != FLOW_UDP;

		for (enum schedule_way way = 0; r == 0 && way < SCHEDULE_WAYS; way++) {
			const struct flow_spec placed = place(spec, path, way);

			if (net_loads[i].presence >= least && schedule_has_way(path, way) &&
			    !wish->silence->silent[path][way][tcp ? SCHEDULE_TCP : SCHEDULE_UDP])
				r = append(lane, &placed);
		}
	}
	return r;
}

static int append_disk(struct lane *lane, bool quick)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(disk_loads); i++) {
		struct flow_spec spec = spec_of(&disk_loads[i]);

		spec.from = spec.to = DISK_WORKSPACE;
		if (!quick || disk_loads[i].presence == QUICK)
			r = append(lane, &spec);
	}
	return r;
}

static int fill_lanes(struct lane *lanes, const struct wish *wish)
{
	int r = 0;

	for (enum site_path path = 0; r == 0 && path < SITE_PATHS; path++) {
		if (wish->what & 1u << path)
			r = append_path(lanes, path, wish);
	}
	if (r == 0 && wish->what & SCHEDULE_DISK)
		r = append_disk(&lanes[DISK_LANE], wish->quick);
	return r;
}

static void shuffle(struct lane *lane, uint64_t seed)
{
	for (size_t i = lane->n; i > 1; i--) {
		size_t other = random_of(seed + i) % i;
		struct flow_spec swapped = lane->loads[i - 1];

		lane->loads[i - 1] = lane->loads[other];
		lane->loads[other] = swapped;
	}
}

/* The next load of LANE; one that is through begins again in another order. */
static const struct flow_spec *next_load(struct lane *lane, uint64_t seed)
{
	size_t at = lane->taken++ % lane->n;

	if (at == 0)
		shuffle(lane, random_of(seed) + lane->taken);
	return &lane->loads[at];
}

/* Half of the rounds have all lanes, the others one or two less: a host is not always full. */
static void fill_round(struct lane *lanes, size_t number, struct schedule_round *round)
{
	uint64_t random = random_of(number);
	size_t left_out = random % 4 < 2 ? 0 : random % 4 - 1, had = 0;

	for (size_t i = 0; i < SCHEDULE_LANES; i++)
		had += lanes[i].n > 0;
	if (had < left_out + 2)
		left_out = had > 2 ? had - 2 : 0;
	for (size_t i = 0; i < SCHEDULE_LANES; i++) {
		size_t lane = (random / 4 + i) % SCHEDULE_LANES;

		if (!lanes[lane].n || (left_out && left_out--))
			continue;
		round->specs[round->n++] = *next_load(&lanes[lane], lane);
	}
}

static bool is_through(const struct lane *lanes, const size_t *passes_of)
{
	for (size_t i = 0; i < SCHEDULE_LANES; i++) {
		if (lanes[i].taken < passes_of[i] * lanes[i].n)
			return false;
	}
	return true;
}

static int fill_schedule(struct schedule *schedule, struct lane *lanes, const size_t *passes_of)
{
	while (!is_through(lanes, passes_of)) {
		struct schedule_round *grown =
			reallocarray(schedule->rounds, schedule->n + 1, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		schedule->rounds = grown;
		grown[schedule->n] = (struct schedule_round){0};
		fill_round(lanes, schedule->n, &grown[schedule->n]);
		schedule->n++;
	}
	return 0;
}

/* Beside what is wanted two lanes at least are never empty, if anything gets through. */
static int add_company(struct lane *lanes, const struct wish *wish)
{
	int r = 0;

	if (!lanes[0].n)
		r = append_path(lanes, SITE_BRIDGE, wish);
	if (r == 0 && !(wish->what & 1u << SITE_HOST))
		r = append_path(lanes, SITE_HOST, wish);
	return r;
}

int schedule_make(unsigned int what, bool quick, const struct schedule_silence *silence,
		  struct schedule *schedule)
{
	_cleanup_(cleanup_lanes) struct lane lanes[SCHEDULE_LANES] = {0};
	const struct wish wish = {what, quick, silence};
	size_t passes_of[SCHEDULE_LANES];
	struct schedule made = {0};
	int r = fill_lanes(lanes, &wish);

	/* company comes as often as it is needed */
	for (size_t i = 0; i < SCHEDULE_LANES; i++)
		passes_of[i] = lanes[i].n ? PASSES : 0;
	if (r == 0)
		r = add_company(lanes, &wish);
	if (r == 0)
		r = fill_schedule(&made, lanes, passes_of);
	if (r < 0) {
		schedule_free(&made);
		return r;
	}
	*schedule = made;
	return 0;
}

struct flow_spec schedule_probe(enum site_path path, enum schedule_way way,
				enum schedule_protocol protocol)
{
	const struct load load = {.kind = protocol == SCHEDULE_TCP ? FLOW_TCP : FLOW_UDP,
				  .size_bytes = PROBE_BYTES,
				  .rate = PROBE_RATE};

	return place(spec_of(&load), path, way);
}

unsigned int schedule_part(const struct flow_spec *spec)
{
	return flow_is_net(spec) ? 1u << spec->path : SCHEDULE_DISK;
}

void schedule_free(struct schedule *schedule)
{
	free(schedule->rounds);
	*schedule = (struct schedule){0};
}

static const char *access_name(const struct flow_spec *spec)
{
	if (!spec->buffered)
		return "direct";
	if (spec->kind == FLOW_READ)
		return spec->sequential ? "buffered" : "random";
	return spec->synced ? "synced" : "buffered";
}

void schedule_describe(const struct flow_spec *spec, char *text, size_t size)
{
	if (spec->kind == FLOW_CONNECT)
		snprintf(text, size, "%s connect %.0f/s", site_path_name(spec->path), spec->rate);
	else if (flow_is_net(spec))
		snprintf(text, size, "%s %s %.0f bytes %.0f/s", site_path_name(spec->path),
			 flow_kind_name(spec->kind), schedule_unit_bytes(spec), spec->rate);
	else
		snprintf(text, size, "disk %s %s %u bytes %.0f/s", access_name(spec),
			 flow_kind_name(spec->kind), spec->size_bytes, spec->rate);
}
