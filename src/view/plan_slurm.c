// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "view/plan.h"

#define MIB_SHIFT 20

/* I/O as a generic resource: its count is in millions per second. */
struct gres {
	const char *name, *unit;
	uint64_t count;
};

enum { GRES_EGRESS, GRES_INGRESS, GRES_READ, GRES_WRITE, GRES_KINDS };

static uint64_t millions(uint64_t rate, uint32_t count)
{
	return ncores_times(rate, count) / 1000000;
}

/* Of bytes and requests, whichever are more. */
static uint64_t bytes_of(const struct terms_disk_flow *flow)
{
	uint32_t size = flow->request_bytes ? flow->request_bytes : TERMS_REQUEST_BYTES;
	uint64_t bytes = (uint64_t)flow->reserve_iops * size;

	return bytes > flow->reserve_bytes ? bytes : flow->reserve_bytes;
}

static void add_workspace(struct gres *gres, const struct plan_workspace *workspace)
{
	const struct terms *terms = &workspace->terms;
	uint32_t n = workspace->count;

	gres[GRES_EGRESS].count += millions(terms->net[TERMS_EGRESS].reserve_bps, n);
	gres[GRES_INGRESS].count += millions(terms->net[TERMS_INGRESS].reserve_bps, n);
	for (unsigned int disk = 0; disk < terms->n_disks; disk++) {
		const struct terms_disk_flow *flow = terms->disks[disk].flow;

		gres[GRES_READ].count += millions(bytes_of(&flow[TERMS_READ]), n);
		gres[GRES_WRITE].count += millions(bytes_of(&flow[TERMS_WRITE]), n);
	}
}

/* The host's part, and all that is not done by the jobs' own threads. */
static uint64_t specialised(const struct view_plan *view)
{
	uint64_t sum = view->plan->host_worst.total;

	for (size_t i = 0; i < view->plan->n_needs; i++)
		sum = ncores_add(sum, ncores_times(extrapolate_behalf_worst(&view->plan->needs[i]),
						   view->request->workspaces[i].count));
	return sum;
}

static void put_list(FILE *out, const struct gres *gres, bool with_counts)
{
	const char *comma = "";

	for (int i = 0; i < GRES_KINDS; i++) {
		if (!gres[i].count)
			continue;
		fprintf(out, "%s%s", comma, gres[i].name);
		if (with_counts)
			fprintf(out, ":%" PRIu64, gres[i].count);
		comma = ",";
	}
}

static bool has_any(const struct gres *gres)
{
	for (int i = 0; i < GRES_KINDS; i++) {
		if (gres[i].count)
			return true;
	}
	return false;
}

/* The CPUs with the highest numbers, as Slurm takes them by itself. */
static struct cpus last_cpus(const struct cpus *cpus, uint64_t n)
{
	struct cpus last = {0};

	for (unsigned int cpu = CPUS_MAX; cpu-- > 0 && n > 0;) {
		if (!cpus_has(cpus, cpu))
			continue;
		cpus_add(&last, cpu);
		n--;
	}
	return last;
}

static void put_node(FILE *out, const struct view_plan *view, const struct gres *gres)
{
	const struct plan_host *host = view->request->host;
	uint64_t sum = specialised(view);
	uint64_t cores = sum / NCORES_PER_CORE + (sum % NCORES_PER_CORE > 0);
	struct cpus last = last_cpus(&host->cpus, cores);
	_cleanup_free_ char *list = cpus_format(&last);

	fprintf(out,
		"NodeName=%s CPUs=%u RealMemory=%" PRIu64 " CoreSpecCount=%" PRIu64
		" MemSpecLimit=%" PRIu64,
		host->name[0] ? host->name : "localhost", cpus_count(&host->cpus),
		host->memory_bytes >> MIB_SHIFT, cores,
		view->request->host_memory_bytes >> MIB_SHIFT);
	if (has_any(gres)) {
		fputs(" Gres=", out);
		put_list(out, gres, true);
	}
	fprintf(out, "\n# instead of CoreSpecCount, by number: CpuSpecList=%s\n", list ? list : "");
}

static void put_gres(FILE *out, const struct view_plan *view, const struct gres *gres)
{
	const char *name = view->request->host->name;

	fputs("\n# gres.conf\n", out);
	for (int i = 0; i < GRES_KINDS; i++) {
		if (gres[i].count)
			fprintf(out, "NodeName=%s Name=%s Count=%" PRIu64 "\n",
				*name ? name : "localhost", gres[i].name, gres[i].count);
	}
}

static void put_refusals(FILE *out, const struct view_plan *view)
{
	fputs("# nothing for slurm.conf: the plan is refused\n", out);
	for (char *const *refusal = view->refusals; refusal && *refusal; refusal++)
		fprintf(out, "# %s\n", *refusal);
}

int view_plan_slurm(FILE *out, const struct view_plan *view, struct error *err)
{
	struct gres gres[GRES_KINDS] = {
		[GRES_EGRESS] = {"net_egress", "mbit/s"},
		[GRES_INGRESS] = {"net_ingress", "mbit/s"},
		[GRES_READ] = {"disk_read", "MB/s"},
		[GRES_WRITE] = {"disk_write", "MB/s"},
	};

	/* a node that has no cores left for jobs is none */
	if (!view->plan->admitted) {
		put_refusals(out, view);
		return ferror(out) ? error_errno(err, EIO, "the plan could not be written") : 0;
	}
	for (size_t i = 0; i < view->plan->n_needs; i++)
		add_workspace(gres, &view->request->workspaces[i]);
	fputs("# slurm.conf\n", out);
	for (int i = 0; i < GRES_KINDS; i++) {
		if (gres[i].count)
			fprintf(out, "# %s is counted in %s: --gres=%s:N\n", gres[i].name,
				gres[i].unit, gres[i].name);
	}
	if (has_any(gres)) {
		fputs("GresTypes=", out);
		put_list(out, gres, false);
		fputc('\n', out);
	}
	put_node(out, view, gres);
	if (has_any(gres))
		put_gres(out, view, gres);
	return ferror(out) ? error_errno(err, EIO, "the plan could not be written") : 0;
}
