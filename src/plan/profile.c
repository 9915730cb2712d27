// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define DAY_S 86400

static const char *const kind_names[PROFILE_KINDS] = {
	[PROFILE_SEND] = "send",
	[PROFILE_RECEIVE] = "receive",
	[PROFILE_READ] = "read",
	[PROFILE_WRITE] = "write",
};

static const char *const mode_names[PROFILE_MODES] = {
	[PROFILE_UDP] = "udp",		 [PROFILE_TCP] = "tcp",	      [PROFILE_DIRECT] = "direct",
	[PROFILE_BUFFERED] = "buffered", [PROFILE_RANDOM] = "random", [PROFILE_SYNCED] = "synced",
};

/* clang-format off */
static const char *const part_names[PROFILE_PARTS] = {
	[PROFILE_OWN] = "own",
	[PROFILE_NET_RX] = "net_rx",
	[PROFILE_NET_TX] = "net_tx",
	[PROFILE_BLOCK] = "block",
	[PROFILE_TIMER] = "timer",
	[PROFILE_WORK] = "work",
	[PROFILE_WRITEBACK] = "writeback",
	[PROFILE_IRQ] = "irq",
	[PROFILE_REST] = "rest",
	[PROFILE_HOST] = "host",
	[PROFILE_UNATTRIBUTED] = "unattributed",
};
/* clang-format on */

static const char *const payer_names[PROFILE_PAYERS] = {
	[PROFILE_PAYER_WORKSPACE] = "workspace",
	[PROFILE_PAYER_HOST] = "host",
	[PROFILE_PAYER_UNATTRIBUTED] = "unattributed",
};

bool profile_belongs(enum profile_kind kind, enum profile_mode mode)
{
	if (mode == PROFILE_RANDOM || mode == PROFILE_SYNCED)
		return kind == (mode == PROFILE_RANDOM ? PROFILE_READ : PROFILE_WRITE);
	return (kind >= PROFILE_READ) == (mode >= PROFILE_DIRECT);
}

const char *profile_kind_name(enum profile_kind kind)
{
	return kind_names[kind];
}

const char *profile_mode_name(enum profile_mode mode)
{
	return mode_names[mode];
}

const char *profile_part_name(enum profile_part part)
{
	return part_names[part];
}

const char *profile_payer_name(enum profile_payer payer)
{
	return payer_names[payer];
}

struct profile *profile_new(void)
{
	return calloc(1, sizeof(struct profile));
}

void profile_free(struct profile *profile)
{
	if (!profile)
		return;
	for (size_t i = 0; i < profile->n_operations; i++)
		free(profile->operations[i].points);
	free(profile->operations);
	free(profile->disks);
	free(profile->distrust);
	free(profile);
}

void cleanup_profile(struct profile **profile)
{
	profile_free(*profile);
}

/* One more element of SIZE bytes behind the N of *ARRAY, zeroed. */
static void *grow(void *array, size_t *n, size_t size)
{
	char **elements = array;
	char *grown = reallocarray(*elements, *n + 1, size);

	if (!grown)
		return NULL;
	*elements = grown;
	return memset(grown + (*n)++ * size, 0, size);
}

struct profile_operation *profile_add_operation(struct profile *profile)
{
	struct profile_operation *operation =
		grow(&profile->operations, &profile->n_operations, sizeof(*operation));

	if (!operation)
		return NULL;
	for (int payer = 0; payer < PROFILE_PAYERS; payer++)
		operation->fit[payer].upper = 1;
	return operation;
}

struct profile_disk *profile_add_disk(struct profile *profile)
{
	return grow(&profile->disks, &profile->n_disks, sizeof(struct profile_disk));
}

int profile_add_point(struct profile_operation *operation, const struct profile_point *point)
{
	struct profile_point *added =
		grow(&operation->points, &operation->n_points, sizeof(*point));

	if (!added)
		return -ENOMEM;
	*added = *point;
	return 0;
}

static const struct profile_operation *find(const struct profile *profile, enum profile_kind kind,
					    enum profile_mode mode, const char *target)
{
	for (size_t i = 0; i < profile->n_operations; i++) {
		const struct profile_operation *operation = &profile->operations[i];

		if (operation->kind == kind && operation->mode == mode &&
		    strcmp(operation->target, target) == 0)
			return operation;
	}
	return NULL;
}

const struct profile_operation *profile_find(const struct profile *profile, enum profile_kind kind,
					     enum profile_mode mode, const char *target,
					     bool *borrowed)
{
	const struct profile_operation *found = find(profile, kind, mode, target);

	if (borrowed)
		*borrowed = !found && profile->source == PROFILE_CALIBRATED;
	return found ? found : profile_built_in_find(kind, mode, target);
}

const struct profile_disk *profile_find_disk(const struct profile *profile, const char *target)
{
	for (size_t i = 0; i < profile->n_disks; i++) {
		if (strcmp(profile->disks[i].target, target) == 0)
			return &profile->disks[i];
	}
	return NULL;
}

static enum profile_standing check_host(const struct profile *profile,
					const struct profile_host *here, char *why, size_t size)
{
	const struct profile_host *there = &profile->host;

	if (strcmp(there->kernel, here->kernel) != 0)
		snprintf(why, size, "it was measured with kernel %s, this is %s", there->kernel,
			 here->kernel);
	else if (strcmp(there->cpu_model, here->cpu_model) != 0)
		snprintf(why, size, "it was measured on a CPU '%s', this is '%s'", there->cpu_model,
			 here->cpu_model);
	else if (there->cpus != here->cpus)
		snprintf(why, size, "it was measured with %" PRIu32 " CPUs, here are %" PRIu32,
			 there->cpus, here->cpus);
	else
		return PROFILE_FITS;
	return PROFILE_FOREIGN;
}

enum profile_standing profile_check(const struct profile *profile, const struct profile_host *here,
				    int64_t now_s, char *why, size_t size)
{
	int64_t age_s = now_s - profile->created_s;

	if (size)
		why[0] = '\0';
	if (profile->source == PROFILE_BUILT_IN) {
		snprintf(why, size, "nothing was measured on this host");
		return PROFILE_IS_BUILT_IN;
	}
	if (check_host(profile, here, why, size) == PROFILE_FOREIGN)
		return PROFILE_FOREIGN;
	if (!profile->trusted) {
		snprintf(why, size, "it does not trust itself: %s",
			 profile->distrust ? profile->distrust : "no reason was given");
		return PROFILE_UNTRUSTED;
	}
	if (age_s > PROFILE_AGE_MAX_S || age_s < -DAY_S) {
		snprintf(why, size,
			 age_s < 0 ? "it was measured %" PRId64 " days in the future"
				   : "it was measured %" PRId64 " days ago",
			 (age_s < 0 ? -age_s : age_s) / DAY_S);
		return PROFILE_STALE;
	}
	return PROFILE_FITS;
}
