// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/extrapolate.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "plan/bounds.h"

/* Far more than there is, far less than makes sums overflow. */
#define NCORES_MOST 1e16

uint64_t ncores_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

uint64_t ncores_times(uint64_t a, uint64_t n)
{
	uint64_t product;

	return __builtin_mul_overflow(a, n, &product) ? UINT64_MAX : product;
}

static uint64_t round_up(double ncores)
{
	return (uint64_t)ceil(ncores < NCORES_MOST ? ncores : NCORES_MOST);
}

static double at_most_once_in(double gap_ns, double per_s)
{
	return smaller(per_s, gap_ns > 0 ? 1e9 / gap_ns : INFINITY);
}

double extrapolate_wakeups(const struct profile_operation *operation, double per_s)
{
	return at_most_once_in(operation->gap_ns, per_s);
}

double extrapolate_part_wakeups(const struct profile_operation *operation, enum profile_part part,
				double per_s)
{
	return at_most_once_in(part == PROFILE_HOST ? operation->host_gap_ns : operation->gap_ns,
			       per_s);
}

double extrapolate_connection_wakeups(const struct profile_operation *operation,
				      enum profile_part part, const struct extrapolate_load *load)
{
	double all = larger(load->connections, load->all_connections);

	if (part != PROFILE_HOST || all <= 0)
		return extrapolate_part_wakeups(operation, part, load->connections);
	/* never more than its own, rounding included */
	return smaller(extrapolate_part_wakeups(operation, part, load->connections),
		       extrapolate_part_wakeups(operation, part, all) * (load->connections / all));
}

double extrapolate_sleepers(const struct profile_operation *operation,
			    const struct extrapolate_load *load)
{
	double wakeups = extrapolate_wakeups(operation, load->units);

	if (load->company <= 0 || operation->awake_per_s <= 0)
		return wakeups * operation->asleep_share;
	/* alone, and monotone in this form, rounding included */
	if (load->company <= wakeups)
		return 1 / (1 / wakeups + 1 / operation->awake_per_s);
	return wakeups / (1 + load->company / operation->awake_per_s);
}

double extrapolate_crowded(const struct profile_operation *operation,
			   const struct extrapolate_load *load)
{
	double wakeups = extrapolate_wakeups(operation, load->units);

	if (load->company <= 0 || operation->awake_per_s <= 0)
		return wakeups * larger(0, 1 - operation->asleep_share);
	if (wakeups <= 0)
		return 0;
	/* what is left of all, in a form that is monotone, too */
	return wakeups / (1 + operation->awake_per_s / larger(load->company, wakeups));
}

/* Of the wake-ups that depend on company. What they all cost is apart, so that no rounding makes the sum more than all. */
static double company_cost(const struct profile_operation *operation,
			   const struct profile_cost *cost, const struct extrapolate_load *load)
{
	double all = smaller(cost->asleep_ns, cost->crowded_ns);

	if (cost->asleep_ns <= 0 && cost->crowded_ns <= 0)
		return 0;
	return all * extrapolate_wakeups(operation, load->units) +
	       (cost->asleep_ns - all) * extrapolate_sleepers(operation, load) +
	       (cost->crowded_ns - all) * extrapolate_crowded(operation, load);
}

enum profile_payer extrapolate_payer_of(enum profile_part part)
{
	if (part < PROFILE_WORKSPACE_PARTS)
		return PROFILE_PAYER_WORKSPACE;
	return part == PROFILE_HOST ? PROFILE_PAYER_HOST : PROFILE_PAYER_UNATTRIBUTED;
}

double extrapolate_busy(const struct profile_operation *operation, enum profile_part part,
			const struct extrapolate_load *load)
{
	double busy = load->busy > 0 ? load->busy : operation->busy;

	if (extrapolate_payer_of(part) != PROFILE_PAYER_WORKSPACE)
		return 1;
	return 1 + operation->busy_share * smaller(busy, operation->busy_most);
}

/* Sums of products of what is not negative: each step is monotone, rounding included. */
static double cost_of(const struct profile_operation *operation, enum profile_part part,
		      const struct extrapolate_load *load)
{
	const struct profile_cost *cost = &operation->cost[part];

	return extrapolate_busy(operation, part, load) *
	       (cost->unit_ns * load->units + cost->byte_ns * load->bytes +
		cost->connection_ns * load->connections +
		cost->wakeup_ns * extrapolate_part_wakeups(operation, part, load->units) +
		cost->connection_wakeup_ns * extrapolate_connection_wakeups(operation, part, load) +
		company_cost(operation, cost, load));
}

uint64_t extrapolate_part(const struct profile_operation *operation, enum profile_part part,
			  const struct extrapolate_load *load)
{
	return round_up(cost_of(operation, part, load));
}

uint64_t extrapolate_threads(const struct profile_operation *operation,
			     const struct extrapolate_load *load)
{
	return round_up(operation->connection_threads_ns *
				extrapolate_connection_wakeups(operation, PROFILE_HOST, load) +
			operation->byte_threads_ns * load->bytes);
}

double extrapolate_worst(const struct profile_operation *operation, enum profile_part part,
			 struct extrapolate_load *load)
{
	double upper = operation->fit[extrapolate_payer_of(part)].upper;
	const struct profile_cost *cost = &operation->cost[part];
	struct extrapolate_load dearest = *load;

	/* what was measured was measured in some company; by S the cost is a line, so it is dearest in none, or in the most */
	dearest.company = cost->asleep_ns > cost->crowded_ns
				  ? extrapolate_wakeups(operation, load->units)
				  : INFINITY;
	dearest.busy = 1;
	if (cost_of(operation, part, &dearest) <= cost_of(operation, part, load) * upper)
		return upper;
	*load = dearest;
	return 1;
}

uint64_t extrapolate_upper_part(const struct profile_operation *operation, enum profile_part part,
				const struct extrapolate_load *load)
{
	struct extrapolate_load worst = *load;
	double times = extrapolate_worst(operation, part, &worst);

	return round_up(cost_of(operation, part, &worst) * times);
}

static uint64_t sum_parts(uint64_t (*cost)(const struct profile_operation *, enum profile_part,
					   const struct extrapolate_load *),
			  const struct profile_operation *operation, enum profile_payer payer,
			  const struct extrapolate_load *load)
{
	uint64_t sum = 0;

	for (unsigned int part = 0; part < PROFILE_PARTS; part++) {
		if (extrapolate_payer_of(part) == payer)
			sum += cost(operation, part, load);
	}
	return sum;
}

uint64_t extrapolate_expected(const struct profile_operation *operation, enum profile_payer payer,
			      const struct extrapolate_load *load)
{
	return sum_parts(extrapolate_part, operation, payer, load);
}

uint64_t extrapolate_upper(const struct profile_operation *operation, enum profile_payer payer,
			   const struct extrapolate_load *load)
{
	return sum_parts(extrapolate_upper_part, operation, payer, load);
}

/* ---- flows ---- */

static bool is_outside(const struct profile_operation *operation, uint64_t size_bytes)
{
	return operation->size_most_bytes && (size_bytes < operation->size_least_bytes ||
					      size_bytes > operation->size_most_bytes);
}

/* OPERATION prices FLOW in the worst case for those for whom it is the dearest so far: payers, and all together. */
static void consider(struct extrapolate_flow *flow, const struct profile_operation *operation)
{
	uint64_t all = 0;

	if (!operation)
		return;
	for (enum profile_payer payer = 0; payer < PROFILE_PAYERS; payer++) {
		uint64_t ncores = extrapolate_upper(operation, payer, &flow->worst_load);

		all = ncores_add(all, ncores);
		if (flow->worst[payer] && ncores <= flow->worst_ncores[payer])
			continue;
		flow->worst[payer] = operation;
		flow->worst_ncores[payer] = ncores;
	}
	if (all > flow->all_ncores)
		flow->all_ncores = all;
}

/*
 * The target in the profile: of a bridge, by who is at the other end, where that was measured. Expected is somebody
 * outside, as what is promised has to fit on the host's uplink, too (plan/plan.c).
 */
static const char *target_of(const struct profile *profile, enum profile_kind kind,
			     enum profile_mode mode, const char *path, const char *peer)
{
	const char *target = peer ? peer : "uplink";
	bool borrowed;

	if (strcmp(path, "bridge") != 0)
		return path;
	profile_find(profile, kind, mode, target, &borrowed);
	return borrowed || profile->source == PROFILE_BUILT_IN ? path : target;
}

/*
 * A promise over the bridge holds whoever is at the other end: a workspace, the host, or somebody behind the host's
 * routing, here or outside, where that was measured; unless PEER says who it is.
 */
static void consider_path(struct extrapolate_flow *flow, const struct profile *profile,
			  enum profile_mode mode, const char *path, const char *peer)
{
	static const char *const others[] = {"local", "forward", "uplink"};
	const char *target = peer ? target_of(profile, flow->kind, mode, path, peer) : path;
	const struct profile_operation *found =
		profile_find(profile, flow->kind, mode, target, NULL);
	bool borrowed;

	consider(flow, found);
	/* what a driver and its interrupts cost was not measured: no less than is built in */
	if (found->stand_in)
		consider(flow, profile_built_in_find(flow->kind, mode, target));
	for (size_t i = 0; !peer && strcmp(path, "bridge") == 0 && i < ARRAY_SIZE(others); i++) {
		const struct profile_operation *operation =
			profile_find(profile, flow->kind, mode, others[i], &borrowed);

		if (!borrowed)
			consider(flow, operation);
	}
}

static const char *path_of(const struct terms *terms,
			   const struct extrapolate_assumptions *assumptions)
{
	if (terms->path[0] && strcmp(terms->path, "none") != 0)
		return terms->path;
	return assumptions->path ? assumptions->path : "bridge";
}

static uint32_t or_else(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

static bool net_flow(const struct terms *terms, enum terms_direction direction,
		     const struct profile *profile,
		     const struct extrapolate_assumptions *assumptions,
		     struct extrapolate_flow *flow)
{
	const struct terms_net *net = &terms->net[direction];
	uint32_t size = or_else(net->packet_bytes, TERMS_PACKET_BYTES);
	uint32_t worst = or_else(net->packet_worst_bytes, TERMS_PACKET_WORST_BYTES);
	enum profile_mode mode = assumptions->protocol == EXTRAPOLATE_TCP ? PROFILE_TCP
									  : PROFILE_UDP;
	const char *path = path_of(terms, assumptions), *peer = assumptions->peer;
	double bytes = (double)net->reserve_bps / 8;

	if (!net->reserve_bps && !net->connections)
		return false;
	worst = worst < size ? worst : size;
	*flow = (struct extrapolate_flow){
		.kind = direction == TERMS_EGRESS ? PROFILE_SEND : PROFILE_RECEIVE,
		.expected_load = {bytes / size, bytes, net->connections, assumptions->company,
				  assumptions->busy, assumptions->all_connections},
		.worst_load = {.units = bytes / worst,
			       .bytes = bytes,
			       .connections = net->connections},
	};
	flow->expected = profile_find(profile, flow->kind, mode,
				      target_of(profile, flow->kind, mode, path, peer),
				      &flow->borrowed);
	flow->outside = is_outside(flow->expected, size);
	flow->stand_in = flow->expected->stand_in;
	consider_path(flow, profile, mode, path, peer);
	if (assumptions->protocol == EXTRAPOLATE_ANY)
		consider_path(flow, profile, PROFILE_TCP, path, peer);
	return true;
}

/* With what the page cache does for it, and (HINDERED) so that it does least. */
static enum profile_mode disk_mode(enum profile_kind kind, bool buffered, bool hindered)
{
	if (!buffered)
		return PROFILE_DIRECT;
	if (!hindered)
		return PROFILE_BUFFERED;
	return kind == PROFILE_READ ? PROFILE_RANDOM : PROFILE_SYNCED;
}

/*
 * Bytes and requests may both be promised; then either can be asked for. Requests are never smaller than
 * their size says, so there is no other worst case than the measured one.
 */
static bool disk_flow(const struct terms *terms, unsigned int disk, enum terms_access access,
		      const struct profile *profile,
		      const struct extrapolate_assumptions *assumptions,
		      struct extrapolate_flow *flow)
{
	const struct terms_disk_flow *promise = &terms->disks[disk].flow[access];
	const char *device = terms->disks[disk].device;
	const struct profile_operation *hindered;
	bool borrowed;
	uint32_t size = or_else(promise->request_bytes, TERMS_REQUEST_BYTES);
	struct extrapolate_load load = {
		.units = larger(promise->reserve_iops, (double)promise->reserve_bytes / size),
		.bytes = larger((double)promise->reserve_bytes,
				(double)promise->reserve_iops * size),
	};

	if (!promise->reserve_bytes && !promise->reserve_iops)
		return false;
	if (assumptions->disk_target)
		device = assumptions->disk_target(assumptions->host, device);
	*flow = (struct extrapolate_flow){
		.kind = access == TERMS_READ ? PROFILE_READ : PROFILE_WRITE,
		.disk = disk,
		.expected_load = load,
		.worst_load = load,
	};
	flow->expected_load.company = assumptions->company;
	flow->expected_load.busy = assumptions->busy;
	flow->expected = profile_find(profile, flow->kind,
				      disk_mode(flow->kind, promise->buffered,
						assumptions->cache == EXTRAPOLATE_CACHE_HINDERS),
				      device, &flow->borrowed);
	flow->outside = is_outside(flow->expected, size);
	consider(flow, flow->expected);
	hindered = profile_find(profile, flow->kind, disk_mode(flow->kind, promise->buffered, true),
				device, &borrowed);
	if (assumptions->cache == EXTRAPOLATE_CACHE_ANY && !borrowed)
		consider(flow, hindered);
	return true;
}

size_t extrapolate_flows(const struct terms *terms, const struct profile *profile,
			 const struct extrapolate_assumptions *assumptions,
			 struct extrapolate_flow *flows)
{
	size_t n = 0;

	for (int direction = 0; direction < TERMS_DIRECTIONS; direction++)
		n += net_flow(terms, direction, profile, assumptions, &flows[n]);
	for (unsigned int disk = 0; disk < terms->n_disks; disk++) {
		for (int access = 0; access < TERMS_ACCESSES; access++)
			n += disk_flow(terms, disk, access, profile, assumptions, &flows[n]);
	}
	return n;
}

void extrapolate_add_company(const struct terms *terms, uint32_t count,
			     const struct profile *profile,
			     const struct extrapolate_assumptions *assumptions,
			     struct extrapolate_company *company)
{
	struct extrapolate_flow flows[EXTRAPOLATE_FLOWS_MAX];
	size_t n = extrapolate_flows(terms, profile, assumptions, flows);

	for (size_t i = 0; i < n; i++) {
		const struct extrapolate_load *load = &flows[i].expected_load;
		uint64_t wakeups =
			round_up(extrapolate_wakeups(flows[i].expected, load->units) +
				 extrapolate_wakeups(flows[i].expected, load->connections));
		uint64_t *to = flows[i].kind == PROFILE_SEND	  ? &company->sent
			       : flows[i].kind == PROFILE_RECEIVE ? &company->received
								  : &company->requests;

		*to = ncores_add(*to, ncores_times(wakeups, count));
		to = flows[i].kind == PROFILE_SEND ? &company->connections_out
						   : &company->connections_in;
		*to = ncores_add(*to, ncores_times(round_up(load->connections), count));
	}
}

/* ---- a workspace ---- */

/*
 * What the host has for FLOW at the end that is expected, in whatever company. Others may make
 * what is expected cheaper, so that itself may fall while more is promised.
 */
static uint64_t host_least(const struct extrapolate_flow *flow)
{
	struct extrapolate_load alone = flow->expected_load;
	uint64_t least = 0;

	alone.company = extrapolate_wakeups(flow->expected, alone.units);
	alone.all_connections = 0;
	for (unsigned int part = PROFILE_WORKSPACE_PARTS; part < PROFILE_PARTS; part++) {
		uint64_t expected = extrapolate_part(flow->expected, part, &flow->expected_load);
		uint64_t by_itself = extrapolate_part(flow->expected, part, &alone);

		least = ncores_add(least, expected > by_itself ? expected : by_itself);
	}
	return least;
}

static void add_flow(struct extrapolate_need *need, const struct extrapolate_flow *flow)
{
	for (unsigned int part = 0; part < PROFILE_PARTS; part++) {
		const struct profile_operation *worst = flow->worst[extrapolate_payer_of(part)];

		need->expected[part] =
			ncores_add(need->expected[part],
				   extrapolate_part(flow->expected, part, &flow->expected_load));
		need->worst[part] = ncores_add(
			need->worst[part], extrapolate_upper_part(worst, part, &flow->worst_load));
	}
	need->host_threads = ncores_add(need->host_threads,
					extrapolate_threads(flow->expected, &flow->expected_load));
	need->io_worst = ncores_add(need->io_worst, flow->all_ncores);
	need->host_least = ncores_add(need->host_least, host_least(flow));
	need->borrowed |= flow->borrowed;
	need->outside |= flow->outside;
	need->stand_in |= flow->stand_in;
}

/* What LIMIT leaves of a charge: the keeper gives no more, whatever was promised. */
static uint64_t limited(uint64_t charge, uint32_t limit_mcores)
{
	uint64_t limit = limit_mcores * NCORES_PER_MCORE;

	return limit && charge > limit ? limit : charge;
}

static void sum_up(struct extrapolate_need *need, const struct profile *profile, uint32_t limit)
{
	uint64_t expected = need->reserve;
	uint64_t worst = expected, all, rest;

	for (unsigned int part = 0; part < PROFILE_WORKSPACE_PARTS; part++) {
		expected = ncores_add(expected, need->expected[part]);
		worst = ncores_add(worst, need->worst[part]);
	}
	need->charge_expected = limited(expected, limit);
	need->charge_worst = limited(worst, limit);
	need->limited = need->charge_expected < expected;
	need->host_expected = need->host_worst = round_up(profile->base.workspace_ns);
	need->host_least = ncores_add(need->host_least, need->host_expected);
	all = ncores_add(ncores_add(need->reserve, need->io_worst), need->host_worst);
	for (unsigned int part = PROFILE_WORKSPACE_PARTS; part < PROFILE_PARTS; part++) {
		need->host_expected = ncores_add(need->host_expected, need->expected[part]);
		need->host_worst = ncores_add(need->host_worst, need->worst[part]);
	}
	/*
	 * A flow has one other end: who is the dearest for the workspace is not the dearest for the host as well. So both
	 * are not more than all at the dearest end, but of the host not less than at the end that is expected.
	 */
	rest = all > need->charge_worst ? all - need->charge_worst : 0;
	if (rest < need->host_least)
		rest = need->host_least;
	if (need->host_worst > rest)
		need->host_worst = rest;
}

uint64_t extrapolate_behalf_worst(const struct extrapolate_need *need)
{
	uint64_t room = need->charge_worst > need->reserve ? need->charge_worst - need->reserve : 0;
	uint64_t behalf = 0, io;

	for (unsigned int part = PROFILE_OWN + 1; part < PROFILE_WORKSPACE_PARTS; part++)
		behalf = ncores_add(behalf, need->worst[part]);
	io = ncores_add(behalf, need->worst[PROFILE_OWN]);
	return io <= room ? behalf : (uint64_t)((unsigned __int128)behalf * room / io);
}

struct extrapolate_need extrapolate_workspace(const struct terms *terms,
					      const struct profile *profile,
					      const struct extrapolate_assumptions *assumptions)
{
	struct extrapolate_need need = {.reserve = terms->cpu.reserve_mcores * NCORES_PER_MCORE};
	struct extrapolate_flow flows[EXTRAPOLATE_FLOWS_MAX];
	size_t n = extrapolate_flows(terms, profile, assumptions, flows);

	for (size_t i = 0; i < n; i++)
		add_flow(&need, &flows[i]);
	sum_up(&need, profile, terms->cpu.limit_mcores);
	return need;
}
