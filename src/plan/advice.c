// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/advice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"

/* Less than a hundredth of what is promised is not worth telling. */
#define PERMILLE_LEAST 10

/* A request whose workspaces can be changed. */
struct trial {
	struct plan_request request;
	struct plan_workspace *workspaces;
};

static void free_trial(struct trial *trial)
{
	free(trial->workspaces);
}

static int make_trial(const struct plan_request *request, struct trial *trial)
{
	size_t n = request->n_workspaces;

	trial->workspaces = calloc(n + 1, sizeof(*trial->workspaces));
	if (!trial->workspaces)
		return -ENOMEM;
	if (n)
		memcpy(trial->workspaces, request->workspaces, n * sizeof(*trial->workspaces));
	trial->request = *request;
	trial->request.workspaces = trial->workspaces;
	return 0;
}

static bool concerns(size_t subject, size_t workspace)
{
	return subject == PLAN_ALL || subject == workspace;
}

/* ---- smaller terms ---- */

static uint64_t scale(uint64_t value, uint32_t permille)
{
	return value / 1000 * permille + value % 1000 * permille / 1000;
}

static void scale_io(struct terms *terms, uint32_t permille)
{
	for (int direction = 0; direction < TERMS_DIRECTIONS; direction++) {
		struct terms_net *net = &terms->net[direction];

		net->reserve_bps = scale(net->reserve_bps, permille);
		net->connections = (uint32_t)scale(net->connections, permille);
	}
	for (unsigned int disk = 0; disk < terms->n_disks; disk++) {
		for (int access = 0; access < TERMS_ACCESSES; access++) {
			struct terms_disk_flow *flow = &terms->disks[disk].flow[access];

			flow->reserve_bytes = scale(flow->reserve_bytes, permille);
			flow->reserve_iops = (uint32_t)scale(flow->reserve_iops, permille);
		}
	}
}

struct terms plan_scale_terms(const struct terms *terms, unsigned int levers, uint32_t permille)
{
	struct terms scaled = *terms;

	if (levers & PLAN_LEVER_IO)
		scale_io(&scaled, permille);
	if (levers & PLAN_LEVER_CPU)
		scaled.cpu.reserve_mcores = (uint32_t)scale(scaled.cpu.reserve_mcores, permille);
	if (levers & PLAN_LEVER_MEMORY)
		scaled.memory.reserve_bytes = scale(scaled.memory.reserve_bytes, permille);
	return scaled;
}

static int fits_at(struct trial *trial, const struct plan_request *request, size_t subject,
		   unsigned int levers, uint32_t permille, bool *fits)
{
	for (size_t i = 0; i < request->n_workspaces; i++) {
		if (concerns(subject, i))
			trial->workspaces[i].terms =
				plan_scale_terms(&request->workspaces[i].terms, levers, permille);
	}
	return plan_fits(&trial->request, fits);
}

int plan_largest_scale(const struct plan_request *request, size_t subject, unsigned int levers,
		       uint32_t *permille)
{
	_cleanup_(free_trial) struct trial trial = {0};
	uint32_t low = 0, high = 1001; /* low fits (or is 0), high does not */
	int r = make_trial(request, &trial);

	while (r == 0 && high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		bool fits = false;

		r = fits_at(&trial, request, subject, levers, middle, &fits);
		if (fits)
			low = middle;
		else
			high = middle;
	}
	if (r == 0)
		*permille = low;
	return r;
}

/* ---- how many more ---- */

static int fits_with_more(struct trial *trial, const struct plan_request *request, size_t subject,
			  uint32_t more, bool *fits)
{
	uint32_t count = request->workspaces[subject].count;

	trial->workspaces[subject].count = count > UINT32_MAX - more ? UINT32_MAX : count + more;
	return plan_fits(&trial->request, fits);
}

int plan_how_many_more(const struct plan_request *request, size_t subject, uint32_t *more)
{
	_cleanup_(free_trial) struct trial trial = {0};
	uint32_t low = 0, high = 1; /* low fits, or is 0 */
	bool fits = true;
	int r = make_trial(request, &trial);

	while (r == 0 && low < PLAN_MORE_MAX) {
		r = fits_with_more(&trial, request, subject, high, &fits);
		if (!fits)
			break;
		low = high;
		high = high < PLAN_MORE_MAX / 2 ? 2 * high : PLAN_MORE_MAX;
	}
	while (r == 0 && !fits && high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		bool middle_fits = false;

		r = fits_with_more(&trial, request, subject, middle, &middle_fits);
		if (middle_fits)
			low = middle;
		else
			high = middle;
	}
	if (r == 0)
		*more = low;
	return r;
}

/* ---- sentences ---- */

struct advice {
	const struct plan_request *request;
	const struct plan *plan;
	size_t subject;
	char **sentences;
};

static int say(struct advice *advice, char *sentence)
{
	_cleanup_free_ char *owned = sentence;

	return owned ? strv_append(&advice->sentences, owned) : -ENOMEM;
}

/* "net-egress-reserve 142mbit, disk-read-reserve 30MB/s": what SCALED has otherwise than TERMS. */
static char *list_changes(const struct terms *terms, const struct terms *scaled)
{
	_cleanup_fclose_ FILE *out = NULL;
	const char *comma = "";
	char *text = NULL;
	size_t size;

	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	for (const struct term_kind *kind = term_kinds; kind->name; kind++) {
		_cleanup_free_ char *before = terms_format(terms, kind);
		_cleanup_free_ char *after = terms_format(scaled, kind);

		if ((!before && !after) || (before && after && strcmp(before, after) == 0))
			continue;
		fprintf(out, "%s%s %s", comma, kind->name, after ? after : "none");
		comma = ", ";
	}
	if (fclose(take_ptr(out)) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int say_scale(struct advice *advice, unsigned int levers, uint32_t permille,
		     const char *what)
{
	const struct plan_workspace *workspace;
	struct terms scaled;
	_cleanup_free_ char *changes = NULL;

	if (advice->subject == PLAN_ALL)
		return say(advice, string_format("with %s of all at %" PRIu32 ".%" PRIu32 "%%",
						 what, permille / 10, permille % 10));
	workspace = &advice->request->workspaces[advice->subject];
	scaled = plan_scale_terms(&workspace->terms, levers, permille);
	changes = list_changes(&workspace->terms, &scaled);
	return changes ? say(advice, string_format("with %s", changes)) : -ENOMEM;
}

/* Whether anything is left of what was scaled: advice to promise nothing is none. */
static bool leaves_something(const struct plan_request *request, size_t subject,
			     unsigned int levers, uint32_t permille)
{
	struct terms scaled, none;

	if (subject == PLAN_ALL)
		return permille >= PERMILLE_LEAST;
	scaled = plan_scale_terms(&request->workspaces[subject].terms, levers, permille);
	none = plan_scale_terms(&request->workspaces[subject].terms, levers, 0);
	return memcmp(&scaled, &none, sizeof(scaled)) != 0;
}

/* The smallest change of terms: I/O alone, else the CPU reserve alone, else everything. */
static int advise_terms(struct advice *advice)
{
	static const struct {
		unsigned int levers;
		const char *what;
	} ways[] = {
		{PLAN_LEVER_IO, "the promised I/O"},
		{PLAN_LEVER_CPU, "the CPU reserve"},
		{PLAN_LEVER_MEMORY, "the memory reserve"},
		{PLAN_LEVER_ALL, "the reserves"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		uint32_t permille = 0;
		int r = plan_largest_scale(advice->request, advice->subject, ways[i].levers,
					   &permille);

		if (r < 0)
			return r;
		if (leaves_something(advice->request, advice->subject, ways[i].levers, permille))
			return say_scale(advice, ways[i].levers, permille, ways[i].what);
	}
	return 0;
}

static const char *path_of(const struct terms *terms)
{
	return terms->path[0] ? terms->path : "bridge";
}

static bool has_net(const struct terms *terms)
{
	return terms->net[TERMS_EGRESS].reserve_bps || terms->net[TERMS_INGRESS].reserve_bps ||
	       terms->net[TERMS_EGRESS].connections || terms->net[TERMS_INGRESS].connections;
}

/* As if packets smaller than SIZE were not promised; those that are expected still are. */
static void forbid_small_packets(struct terms *terms, uint32_t size)
{
	for (int direction = 0; direction < TERMS_DIRECTIONS; direction++) {
		struct terms_net *net = &terms->net[direction];
		uint32_t expected = net->packet_bytes ? net->packet_bytes : TERMS_PACKET_BYTES;
		uint32_t worst = net->packet_worst_bytes ? net->packet_worst_bytes
							 : TERMS_PACKET_WORST_BYTES;
		uint32_t least = size < expected ? size : expected;

		if (net->reserve_bps && worst < least)
			net->packet_worst_bytes = least;
	}
}

static int fits_without_small(const struct advice *advice, uint32_t size, bool *fits)
{
	_cleanup_(free_trial) struct trial trial = {0};
	int r = make_trial(advice->request, &trial);

	for (size_t i = 0; r == 0 && i < trial.request.n_workspaces; i++) {
		if (concerns(advice->subject, i))
			forbid_small_packets(&trial.workspaces[i].terms, size);
	}
	return r == 0 ? plan_fits(&trial.request, fits) : r;
}

static int say_packets(struct advice *advice, uint32_t size)
{
	const struct plan_workspace *workspace;
	_cleanup_free_ char *changes = NULL;
	struct terms changed;

	if (advice->subject == PLAN_ALL)
		return say(advice,
			   string_format("with no promise for packets under %" PRIu32 " bytes",
					 size));
	workspace = &advice->request->workspaces[advice->subject];
	changed = workspace->terms;
	forbid_small_packets(&changed, size);
	changes = list_changes(&workspace->terms, &changed);
	return changes ? say(advice, string_format("with %s", changes)) : -ENOMEM;
}

/* The smallest packets that can be promised, where those that are expected would do. */
static int advise_packets(struct advice *advice)
{
	uint32_t low = 0, high = UINT16_MAX + 14; /* high fits, low does not */
	bool fits = false;
	int r = fits_without_small(advice, high, &fits);

	if (r < 0 || !fits)
		return r;
	while (r == 0 && high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		r = fits_without_small(advice, middle, &fits);
		if (fits)
			high = middle;
		else
			low = middle;
	}
	return r == 0 ? say_packets(advice, high) : r;
}

/* Whether all would fit if what is on FROM were on TO. */
static int fits_on(const struct advice *advice, size_t subject, const char *from, const char *to,
		   bool *fits)
{
	_cleanup_(free_trial) struct trial trial = {0};
	bool changed = false;
	int r = make_trial(advice->request, &trial);

	for (size_t i = 0; r == 0 && i < trial.request.n_workspaces; i++) {
		struct terms *terms = &trial.workspaces[i].terms;

		if (!concerns(subject, i) || !has_net(terms) || strcmp(path_of(terms), from) != 0)
			continue;
		snprintf(terms->path, sizeof(terms->path), "%s", to);
		changed = true;
	}
	*fits = false;
	return r == 0 && changed ? plan_fits(&trial.request, fits) : r;
}

/* Which of those on a bridge costs most, or PLAN_ALL when there is none. */
static size_t dearest_on(const struct advice *advice, const char *path)
{
	size_t dearest = PLAN_ALL;
	uint64_t most = 0;

	for (size_t i = 0; i < advice->request->n_workspaces; i++) {
		const struct plan_workspace *workspace = &advice->request->workspaces[i];
		uint64_t cost = ncores_times(advice->plan->needs[i].charge_worst, workspace->count);

		if (!has_net(&workspace->terms) || strcmp(path_of(&workspace->terms), path) != 0 ||
		    cost <= most)
			continue;
		most = cost;
		dearest = i;
	}
	return dearest;
}

static int advise_path_to(struct advice *advice, const char *from, const char *to)
{
	size_t dearest = advice->subject == PLAN_ALL ? dearest_on(advice, from) : advice->subject;
	bool fits = false;
	int r;

	if (dearest == PLAN_ALL)
		return 0;
	r = fits_on(advice, dearest, from, to, &fits);
	if (r == 0 && fits && advice->subject == PLAN_ALL)
		return say(advice,
			   string_format("with %s on %s instead of %s",
					 advice->request->workspaces[dearest].name, to, from));
	if (r == 0 && fits)
		return say(advice, string_format("with path %s instead of %s", to, from));
	if (r < 0 || advice->subject != PLAN_ALL)
		return r;
	r = fits_on(advice, PLAN_ALL, from, to, &fits);
	if (r == 0 && fits)
		r = say(advice, string_format("with all on %s that are on %s", to, from));
	return r;
}

static int advise_paths(struct advice *advice)
{
	static const char *const ways[][2] = {
		{"bridge", "macvlan"}, {"bridge", "device"}, {"macvlan", "device"}};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(ways); i++)
		r = advise_path_to(advice, ways[i][0], ways[i][1]);
	return r;
}

/* The CPUs of which too much is asked, or NULL. */
static const struct plan_resource *tight_cpus(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_resources; i++) {
		const struct plan_resource *resource = &plan->resources[i];

		if (resource->kind == PLAN_CPU && !resource->whole)
			return resource;
	}
	return NULL;
}

/* Whether all would fit if those that can run on nothing but TIGHT could on CPUS. */
static int fits_with_cpus(const struct advice *advice, const struct cpus *tight,
			  const struct cpus *cpus, bool *fits)
{
	_cleanup_(free_trial) struct trial trial = {0};
	int r = make_trial(advice->request, &trial);

	for (size_t i = 0; r == 0 && i < trial.request.n_workspaces; i++) {
		struct plan_workspace *workspace = &trial.workspaces[i];
		struct cpus here = cpus_intersect(&workspace->cpus, &advice->request->host->cpus);

		if (concerns(advice->subject, i) && workspace->has_cpus &&
		    cpus_first_missing(&here, tight) < 0)
			workspace->cpus = *cpus;
	}
	return r == 0 ? plan_fits(&trial.request, fits) : r;
}

static int say_cpus(struct advice *advice, const struct cpus *tight, const struct cpus *cpus)
{
	_cleanup_free_ char *from = cpus_format(tight), *to = cpus_format(cpus);
	bool one = cpus_count(cpus) == 1;

	if (!from || !to)
		return -ENOMEM;
	if (advice->subject == PLAN_ALL)
		return say(advice,
			   string_format("with those that run on nothing but %s on CPU%s %s",
					 *from ? from : "CPUs that are not there", one ? "" : "s",
					 to));
	return say(advice, string_format("on CPU%s %s", one ? "" : "s", to));
}

/* The first node that would do, else all CPUs. */
static int advise_cpus(struct advice *advice)
{
	const struct plan_host *host = advice->request->host;
	const struct plan_resource *resource = tight_cpus(advice->plan);
	bool fits = false;
	int r = 0;

	if (!resource)
		return 0;
	for (size_t i = 0; r == 0 && host->n_nodes > 1 && i < host->n_nodes; i++) {
		r = fits_with_cpus(advice, &resource->cpus, &host->nodes[i].cpus, &fits);
		if (r == 0 && fits)
			return say_cpus(advice, &resource->cpus, &host->nodes[i].cpus);
	}
	if (r == 0)
		r = fits_with_cpus(advice, &resource->cpus, &host->cpus, &fits);
	if (r == 0 && fits)
		r = say_cpus(advice, &resource->cpus, &host->cpus);
	return r;
}

/* How many more CPUs like those that are there. */
static int advise_more_cpus(struct advice *advice)
{
	const struct plan *plan = advice->plan;
	const struct plan_resource *all = &plan->resources[0];
	uint64_t missing = plan_missing(all), n;
	uint64_t base = plan->host_worst.base / (cpus_count(&all->cpus) + !cpus_count(&all->cpus));

	if (!missing || base >= NCORES_PER_CORE || tight_cpus(plan))
		return 0;
	for (size_t i = 1; i < plan->n_resources; i++) {
		if (plan_missing(&plan->resources[i]))
			return 0; /* they would not do */
	}
	n = missing / (NCORES_PER_CORE - base) + (missing % (NCORES_PER_CORE - base) > 0);
	return say(advice, string_format("with %" PRIu64 " more CPU%s", n, n == 1 ? "" : "s"));
}

int plan_advise(const struct plan_request *request, const struct plan *plan, size_t subject,
		char ***sentences)
{
	struct advice advice = {.request = request, .plan = plan, .subject = subject};
	int r;

	*sentences = NULL;
	if (plan->admitted)
		return 0;
	r = advise_terms(&advice);
	if (r == 0)
		r = advise_packets(&advice);
	if (r == 0)
		r = advise_paths(&advice);
	if (r == 0)
		r = advise_cpus(&advice);
	if (r == 0)
		r = advise_more_cpus(&advice);
	if (r < 0)
		strv_free(advice.sentences);
	else
		*sentences = advice.sentences;
	return r;
}
