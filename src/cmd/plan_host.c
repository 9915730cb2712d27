// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/plan_host.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strings.h"
#include "kernel/machine.h"
#include "keeper/uplink.h"
#include "kernel/topology.h"
#include "promises/marks.h"

#define PROFILE_MAX_BYTES (16u << 20)
#define MIB (UINT64_C(1) << 20)

/* ---- the host ---- */

static int take_nodes(const struct topology *topology, struct plan_host *host, struct error *err)
{
	for (size_t i = 0; i < topology->n_nodes; i++) {
		struct plan_node *node = plan_host_add_node(host);

		if (!node)
			return error_oom(err);
		node->number = topology->nodes[i].number;
		node->memory_bytes = topology->nodes[i].memory_bytes;
		if (cpus_parse(topology->nodes[i].cpus, &node->cpus) < 0)
			return error_set(err, EINVAL, "node%u/cpulist: '%s' is no list of CPUs",
					 node->number, topology->nodes[i].cpus);
		node->cpus = cpus_intersect(&node->cpus, &host->cpus);
	}
	return 0;
}

static int take_disks(const struct topology *topology, struct plan_host *host, struct error *err)
{
	for (size_t i = 0; i < topology->n_disks; i++) {
		struct plan_disk *disk = plan_host_add_disk(host);

		if (!disk)
			return error_oom(err);
		snprintf(disk->target, sizeof(disk->target), "%s", topology->disks[i].whole);
		snprintf(disk->name, sizeof(disk->name), "/dev/%.58s", topology->disks[i].name);
	}
	return 0;
}

/* Whether the file system of PATH is on a disk of the list; then that is the one. */
static bool find_state_disk(const struct topology *topology, const char *path,
			    struct plan_host *host)
{
	char device[32];
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	snprintf(device, sizeof(device), "%u:%u", major(st.st_dev), minor(st.st_dev));
	for (size_t i = 0; i < topology->n_disks; i++) {
		if (strcmp(topology->disks[i].device, device) != 0)
			continue;
		snprintf(host->state_disk, sizeof(host->state_disk), "%s",
			 topology->disks[i].whole);
		return true;
	}
	return false;
}

/* The keeper has to go by the same. */
static int take_uplink(const struct topology *topology, struct plan_host *host, struct error *err)
{
	struct uplink uplink = {0};
	int r = uplink_choose(secure_getenv("BEHALF_UPLINK"), topology, &uplink, err);

	if (r < 0)
		return r;
	snprintf(host->uplink, sizeof(host->uplink), "%s", uplink.name);
	host->uplink_bps = uplink.rate_bps;
	return 0;
}

static int take_topology(const struct topology *topology, const char *state_path,
			 struct plan_host *host, struct error *err)
{
	int r;

	if (cpus_parse(topology->online, &host->cpus) < 0)
		return error_set(err, EINVAL, "cpu/online: '%s' is no list of CPUs",
				 topology->online);
	host->memory_bytes = topology->memory_bytes;
	r = take_uplink(topology, host, err);
	if (r == 0)
		r = take_nodes(topology, host, err);
	if (r == 0)
		r = take_disks(topology, host, err);
	if (r == 0 && !find_state_disk(topology, state_path, host))
		find_state_disk(topology, "/", host);
	return r;
}

int plan_host_read(const char *state_path, struct plan_host **host, struct error *err)
{
	_cleanup_(cleanup_plan_host) struct plan_host *read = plan_host_new();
	_cleanup_(topology_clear) struct topology topology = {0};
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (!read)
		return error_oom(err);
	if (root < 0)
		return error_errno(err, errno, "open '/'");
	if (gethostname(read->name, sizeof(read->name) - 1) < 0)
		return error_errno(err, errno, "ask for the host's name");
	r = topology_read(root, &topology, err);
	if (r == 0)
		r = take_topology(&topology, state_path, read, err);
	if (r == 0)
		*host = take_ptr(read);
	return r;
}

uint64_t plan_host_memory_kept(const struct plan_host *host)
{
	uint64_t part = host->memory_bytes / 20;

	return part > 256 * MIB || host->memory_bytes < 256 * MIB ? part : 256 * MIB;
}

/* ---- its profile ---- */

void plan_profile_clear(struct plan_profile *profile)
{
	profile_free(profile->profile);
	free(profile->from);
	free(profile->warning);
	*profile = (struct plan_profile){0};
}

static int use_built_in(struct plan_profile *profile, char *warning, struct error *err)
{
	profile->profile = profile_built_in();
	profile->from = strdup("built in, conservative");
	profile->warning = warning;
	return profile->profile && profile->from && profile->warning ? 0 : error_oom(err);
}

/* The profile that is there is not used. */
static int pass_over(struct plan_profile *profile, char *warning, struct error *err)
{
	profile->passed_over = true;
	return use_built_in(profile, warning, err);
}

static char *describe(const struct profile *profile, const char *path)
{
	time_t created = (time_t)profile->created_s;
	char date[32] = "";
	struct tm tm;

	if (profile->source == PROFILE_BUILT_IN)
		return string_format("%s, built in, conservative", path);
	if (gmtime_r(&created, &tm))
		strftime(date, sizeof(date), " %Y-%m-%d", &tm);
	return string_format("%s, calibrated%s%s", path, date,
			     profile->quick ? ", the quick way" : "");
}

static int check_here(const struct profile *profile, enum profile_standing *standing, char *why,
		      size_t size, struct error *err)
{
	struct profile_host here = {0};
	struct machine machine;
	int r = machine_read(&machine, err);

	if (r < 0)
		return r;
	snprintf(here.kernel, sizeof(here.kernel), "%s", machine.kernel);
	snprintf(here.cpu_model, sizeof(here.cpu_model), "%s", machine.cpu_model);
	here.cpus = machine.cpus;
	*standing = profile_check(profile, &here, time(NULL), why, size);
	return 0;
}

/* Uses what was READ from PATH, or not. */
static int judge(struct profile **read, const char *path, bool named, struct plan_profile *profile,
		 struct error *err)
{
	enum profile_standing standing = PROFILE_FITS;
	char why[512];
	int r = check_here(*read, &standing, why, sizeof(why), err);

	if (r < 0)
		return r;
	if (!named && (standing == PROFILE_FOREIGN || standing == PROFILE_UNTRUSTED))
		return pass_over(profile,
				 string_format("the profile %s is not used: %s; calibrate anew "
					       "(behalf calibrate)",
					       path, why),
				 err);
	profile->foreign = standing == PROFILE_FOREIGN;
	profile->from = describe(*read, path);
	if (!profile->from)
		return error_oom(err);
	if (standing != PROFILE_FITS) {
		profile->warning = string_format("the profile %s may not hold here: %s", path, why);
		if (!profile->warning)
			return error_oom(err);
	}
	profile->profile = take_ptr(*read);
	return 0;
}

static int read_profile(const char *path, struct profile **profile, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = file_read_at(AT_FDCWD, path, PROFILE_MAX_BYTES, &text, &size, err);

	return r < 0 ? r : profile_parse(path, text, size, profile, err);
}

bool plan_profile_is_trusted(const char *path)
{
	_cleanup_(cleanup_profile) struct profile *profile = NULL;

	return read_profile(path, &profile, NULL) == 0 && profile->source == PROFILE_CALIBRATED &&
	       profile->trusted;
}

static int load(const char *path, bool named, struct plan_profile *profile, struct error *err)
{
	_cleanup_(cleanup_profile) struct profile *read = NULL;
	int r = read_profile(path, &read, err);

	if (r == -ENOENT && !named)
		return use_built_in(
			profile,
			strdup("this host was never calibrated, the figures are those of a "
			       "conservative profile that is built in (behalf calibrate)"),
			err);
	if (r < 0 && !named && err)
		return pass_over(profile, string_format("the profile is not used: %s", err->text),
				 err);
	return r < 0 ? r : judge(&read, path, named, profile, err);
}

/* NULL: nobody names one. */
static const char *find_named(const char *named)
{
	const char *path = named ? named : getenv("BEHALF_PROFILE");

	return path && *path ? path : NULL;
}

const char *plan_profile_path(void)
{
	const char *path = find_named(NULL);

	return path ? path : PROFILE_PATH;
}

int plan_profile_load(const char *named, struct plan_profile *profile, struct error *err)
{
	_cleanup_(plan_profile_clear) struct plan_profile loaded = {0};
	const char *path = find_named(named);
	int r = load(path ? path : PROFILE_PATH, path != NULL, &loaded, err);

	if (r < 0)
		return r;
	*profile = loaded;
	loaded = (struct plan_profile){0};
	return 0;
}

void plan_profile_take_base(struct plan_profile *profile, uint32_t n_cpus,
			    const struct lately_promised *promised)
{
	uint64_t now_ns = clock_monotonic_ns();
	struct lately_marks marks;
	struct error err = {0};
	struct lately lately;

	if (profile->foreign)
		return;
	if (marks_read(&marks, &err) < 0) {
		log_debug("the host's base is the profile's: %s", err.text);
		return;
	}
	if (!lately_measure(&marks, now_ns, &lately))
		return;
	profile->base_beyond_ncores = (uint64_t)fmin(
		lately_set_base(&lately, promised, n_cpus, &profile->profile->base), 1e18);
	profile->base_s = (double)(lately.to_ns - lately.from_ns) / 1e9;
	profile->base_age_s = now_ns > lately.to_ns ? (double)(now_ns - lately.to_ns) / 1e9 : 0;
}
