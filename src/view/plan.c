// SPDX-License-Identifier: GPL-2.0-or-later
#include "view/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "plan/words.h"

const char *const view_plan_headings[VIEW_PLAN_COLUMNS] = {
	[VIEW_PLAN_RESERVE] = "RESERVE", [VIEW_PLAN_OWN] = "OWN",   [VIEW_PLAN_NET] = "NET",
	[VIEW_PLAN_BLK] = "BLK",	 [VIEW_PLAN_REST] = "REST", [VIEW_PLAN_CHARGE] = "CHARGE",
	[VIEW_PLAN_HOST] = "HOST",
};

uint64_t view_plan_figure(const struct extrapolate_need *need, enum view_plan_column column,
			  bool worst)
{
	const uint64_t *part = worst ? need->worst : need->expected;

	switch (column) {
	case VIEW_PLAN_RESERVE:
		return need->reserve;
	case VIEW_PLAN_OWN:
		return part[PROFILE_OWN];
	case VIEW_PLAN_NET:
		return ncores_add(part[PROFILE_NET_RX], part[PROFILE_NET_TX]);
	case VIEW_PLAN_BLK:
		return ncores_add(part[PROFILE_BLOCK], part[PROFILE_WRITEBACK]);
	case VIEW_PLAN_REST:
		return ncores_add(ncores_add(part[PROFILE_TIMER], part[PROFILE_WORK]),
				  ncores_add(part[PROFILE_IRQ], part[PROFILE_REST]));
	case VIEW_PLAN_CHARGE:
		return worst ? need->charge_worst : need->charge_expected;
	default:
		return worst ? need->host_worst : need->host_expected;
	}
}

/* A time as people say it: "118 s", "25 min", "3.2 h". */
static void put_time(char *text, size_t size, double seconds)
{
	if (seconds < 600)
		snprintf(text, size, "%.0f s", seconds);
	else if (seconds < 36000)
		snprintf(text, size, "%.0f min", seconds / 60);
	else
		snprintf(text, size, "%.1f h", seconds / 3600);
}

struct view_plan_base view_plan_base(const struct view_plan *view)
{
	struct view_plan_base base = {""};
	char length[32], ago[48] = "";

	if (view->base_s <= 0)
		return base;
	put_time(length, sizeof(length), view->base_s);
	if (view->base_age_s >= 1)
		snprintf(ago, sizeof(ago), " until %.0f s ago", view->base_age_s);
	snprintf(base.text, sizeof(base.text), "as the ledger counted it in %s%s", length, ago);
	return base;
}

struct unit_text view_plan_cores(uint64_t ncores)
{
	return ncores ? words_cores(ncores) : (struct unit_text){"0"};
}

const char *view_plan_path(const struct terms *terms)
{
	bool has_net =
		terms->net[TERMS_EGRESS].reserve_bps || terms->net[TERMS_EGRESS].connections ||
		terms->net[TERMS_INGRESS].reserve_bps || terms->net[TERMS_INGRESS].connections;

	if (terms->path[0])
		return terms->path;
	return has_net ? "(bridge)" : "-";
}

char *view_plan_resource_name(const struct plan_resource *resource)
{
	_cleanup_free_ char *list = NULL;

	switch (resource->kind) {
	case PLAN_CPU:
		if (resource->whole)
			return strdup("CPU");
		list = cpus_format(&resource->cpus);
		return list ? string_format("CPU %s", *list ? list : "(none)") : NULL;
	case PLAN_MEMORY:
		return strdup("memory");
	case PLAN_DISK:
		return string_format("disk %s", *resource->name ? resource->name : "(none)");
	default:
		return string_format("%s %s", *resource->name ? resource->name : "network",
				     resource->kind == PLAN_EGRESS ? "egress" : "ingress");
	}
}

struct unit_text view_plan_amount(const struct plan_resource *resource, uint64_t value)
{
	switch (resource->kind) {
	case PLAN_CPU:
		return words_cores(value);
	case PLAN_MEMORY:
		return words_size(value);
	case PLAN_DISK:
		return words_percent(value);
	default:
		return words_bit_rate(value);
	}
}
