// SPDX-License-Identifier: GPL-2.0-or-later
#include "promises/foreign.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"

#define FILE_MAX_BYTES (1u << 20)
#define DEPTH_MAX 16
#define DEFAULT_SHARES 1024
#define DEFAULT_WEIGHT 100
#define SHARES_PER_CORE 1024 /* of a request */
/* What a pod has that requests nothing (kubelet's MinShares), and its weight. */
#define MIN_SHARES 2

struct reading {
	const struct promise_list *own;
	struct foreign_claims claims;
	int cpu, cpuset, memory; /* directories of the hierarchies, or -EBADF */
	int cpu_version, memory_version;
};

/* The file of a group, without its last newline; NULL: it has none. */
static char *read_file(int hierarchy, const char *group, const char *file)
{
	char path[PATH_MAX], *text = NULL;

	if (hierarchy < 0 || snprintf(path, sizeof(path), "%s/%s", group, file) >= PATH_MAX ||
	    file_read_at(hierarchy, path, FILE_MAX_BYTES, &text, NULL, NULL) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static uint64_t read_number(int hierarchy, const char *group, const char *file, uint64_t otherwise)
{
	_cleanup_free_ char *text = read_file(hierarchy, group, file);
	uint64_t value;

	return text && string_to_u64(text, 10, &value) == 0 ? value : otherwise;
}

/* UINT32_MAX: no limit. */
static uint32_t limit_mcores(const struct reading *r, const char *group)
{
	uint64_t quota = 0, period = 0;

	if (r->cpu_version == 2) {
		_cleanup_free_ char *text = read_file(r->cpu, group, "cpu.max");

		if (!text || sscanf(text, "%" SCNu64 " %" SCNu64, &quota, &period) != 2)
			return UINT32_MAX;
	} else {
		quota = read_number(r->cpu, group, "cpu.cfs_quota_us", 0);
		period = read_number(r->cpu, group, "cpu.cfs_period_us", 0);
	}
	if (!quota || !period || quota / period >= CPUS_MAX)
		return UINT32_MAX;
	return (uint32_t)(quota * 1000 / period);
}

/* As shares for each core of a request: kubelet makes weights of v2 out of shares. */
static uint64_t read_shares(const struct reading *r, const char *group)
{
	uint64_t weight;

	if (r->cpu_version != 2)
		return read_number(r->cpu, group, "cpu.shares", MIN_SHARES);
	weight = read_number(r->cpu, group, "cpu.weight", 1);
	return MIN_SHARES + (weight - 1) * 262142 / 9999;
}

static uint32_t requested_mcores(const struct reading *r, const char *group)
{
	uint64_t shares = read_shares(r, group);

	if (shares <= MIN_SHARES || shares > 262144)
		return 0;
	return (uint32_t)(shares * 1000 / SHARES_PER_CORE);
}

static uint32_t weighted_mcores(const struct reading *r, const char *group)
{
	uint64_t weight;

	if (r->cpu_version == 2) {
		weight = read_number(r->cpu, group, "cpu.weight", DEFAULT_WEIGHT);
		return weight > DEFAULT_WEIGHT && weight <= 10000
			       ? (uint32_t)(weight * 1000 / terms_cpu_weight(1000))
			       : 0;
	}
	weight = read_number(r->cpu, group, "cpu.shares", DEFAULT_SHARES);
	return weight > DEFAULT_SHARES && weight <= 262144
		       ? (uint32_t)(weight * 1000 / terms_cpu_shares(1000))
		       : 0;
}

static void read_cpus(const struct reading *r, const char *group, struct foreign_claim *claim)
{
	_cleanup_free_ char *list = read_file(r->cpuset, group, "cpuset.cpus");

	claim->has_cpus = list && *list && cpus_parse(list, &claim->cpus) == 0 &&
			  cpus_count(&claim->cpus);
}

/* v1 says nothing of groups below. */
static bool somebody_is_in_v1(int hierarchy, const char *group, unsigned int depth)
{
	_cleanup_closedir_ DIR *d = NULL;
	_cleanup_free_ char *procs = read_file(hierarchy, group, "cgroup.procs");
	struct dirent *entry;
	int fd;

	if (procs && *procs)
		return true;
	fd = depth ? openat(hierarchy, group, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d && fd >= 0)
		close(fd);
	while (d && (entry = readdir(d)))
		if (entry->d_type == DT_DIR && *entry->d_name != '.' &&
		    somebody_is_in_v1(fd, entry->d_name, depth - 1))
			return true;
	return false;
}

static bool somebody_is_in(const struct reading *r, const char *group)
{
	_cleanup_free_ char *events = NULL;
	char path[PATH_MAX];

	if (r->cpu_version != 2)
		return somebody_is_in_v1(r->cpu, group, DEPTH_MAX);
	if (snprintf(path, sizeof(path), "%s/cgroup.events", group) >= PATH_MAX ||
	    file_read_at(r->cpu, path, FILE_MAX_BYTES, &events, NULL, NULL) < 0)
		return false;
	return strstr(events, "populated 1") != NULL;
}

static int add_claim(struct reading *r, const char *group, uint32_t mcores, uint64_t memory)
{
	struct foreign_claim claim = {.memory_bytes = memory}, *grown;
	uint32_t limit = limit_mcores(r, group);

	claim.reserve_mcores = mcores < limit ? mcores : limit;
	if ((!claim.reserve_mcores && !memory) || !somebody_is_in(r, group))
		return 0;
	grown = reallocarray(r->claims.items, r->claims.n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	r->claims.items = grown;
	claim.path = string_format("/%s", group);
	if (!claim.path)
		return -ENOMEM;
	read_cpus(r, group, &claim);
	grown[r->claims.n++] = claim;
	return 0;
}

/* Whether PATH, without a slash at its front, is GROUP's or below it. */
static bool is_in(const char *path, const char *group)
{
	size_t length = strlen(group);

	return strncmp(path, group, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* What linux.cgroupsPath will become: a path, or "slice:prefix:name", whose slice is the last part of GROUP. */
static bool will_be_in(const char *intended, const char *group)
{
	size_t slice = strcspn(intended, ":");
	const char *last = strrchr(group, '/');

	last = last ? last + 1 : group;
	if (intended[slice] != ':')
		return is_in(intended + strspn(intended, "/"), group);
	return slice > 0 && strlen(last) == slice && strncmp(last, intended, slice) == 0;
}

/*
 * Whether GROUP is a promise's, or one above it: what weight that has, it has for the promise. A promise that
 * has no group yet will have one of this name, unless its configuration says another.
 */
static bool is_of(const struct promise *promise, const char *group)
{
	if (promise->cgroup)
		return is_in(cgroup_path(promise->cgroup) + 1, group);
	if (promise->intended)
		return will_be_in(promise->intended, group);
	return string_starts_with(group, "behalf-") &&
	       strcmp(group + strlen("behalf-"), promise->name) == 0;
}

static bool is_own(const struct reading *r, const char *group)
{
	for (size_t i = 0; i < r->own->n; i++)
		if (is_of(&r->own->items[i], group))
			return true;
	return false;
}

typedef int visit_function(struct reading *r, const char *group, const char *name);

/* Calls VISIT for each group directly below GROUP ("": the root). */
static int visit_below(struct reading *r, int hierarchy, const char *group, visit_function *visit)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *entry;
	int fd = openat(hierarchy, *group ? group : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	    code = 0;

	if (fd < 0)
		return 0; /* it has gone meanwhile */
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (code == 0 && (entry = readdir(d))) {
		char below[PATH_MAX];

		if (entry->d_type != DT_DIR || *entry->d_name == '.' ||
		    snprintf(below, sizeof(below), "%s%s%s", group, *group ? "/" : "",
			     entry->d_name) >= PATH_MAX)
			continue;
		code = visit(r, below, entry->d_name);
	}
	return code;
}

/* "pod<uid>" made by cgroupfs, "kubepods-burstable-pod<uid>.slice" by systemd; else a class of them. */
static int visit_pod(struct reading *r, const char *group, const char *name)
{
	if (string_starts_with(name, "pod") || strstr(name, "-pod"))
		return is_own(r, group) ? 0 : add_claim(r, group, requested_mcores(r, group), 0);
	if (strstr(name, "burstable") || strstr(name, "besteffort"))
		return visit_below(r, r->cpu, group, visit_pod);
	return 0;
}

static int visit_top(struct reading *r, const char *group, const char *name)
{
	/* a promise in one of the pods leaves what others request as it is */
	if (strcmp(name, "kubepods") == 0 || strcmp(name, "kubepods.slice") == 0)
		return visit_below(r, r->cpu, group, visit_pod);
	return is_own(r, group) ? 0 : add_claim(r, group, weighted_mcores(r, group), 0);
}

static int visit_memory(struct reading *r, const char *group, const char *name)
{
	if (is_own(r, group))
		return 0;
	for (size_t i = 0; i < r->claims.n; i++)
		if (strcmp(r->claims.items[i].path + 1, group) == 0) {
			r->claims.items[i].memory_bytes =
				read_number(r->memory, group, "memory.min", 0);
			return 0;
		}
	return add_claim(r, group, 0, read_number(r->memory, group, "memory.min", 0));
}

static int open_hierarchy(int root, const struct cgroup_layout *layout,
			  enum cgroup_controller controller)
{
	const char *mount = cgroup_layout_mount(layout, controller);

	if (!mount)
		return -EBADF;
	return openat(root, root < 0 ? mount : mount + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int foreign_read(int root, const struct cgroup_layout *layout, const struct promise_list *own,
		 struct foreign_claims *claims, struct error *err)
{
	_cleanup_close_ int cpu = open_hierarchy(root, layout, CGROUP_CPU);
	_cleanup_close_ int cpuset = open_hierarchy(root, layout, CGROUP_CPUSET);
	_cleanup_close_ int memory = open_hierarchy(root, layout, CGROUP_MEMORY);
	struct reading r = {
		.own = own,
		.cpu = cpu,
		.cpuset = cpuset,
		.memory = memory,
		.cpu_version = cgroup_layout_version(layout, CGROUP_CPU),
		.memory_version = cgroup_layout_version(layout, CGROUP_MEMORY),
	};
	int code = cpu >= 0 ? visit_below(&r, cpu, "", visit_top) : 0;

	if (code == 0 && memory >= 0 && r.memory_version == 2)
		code = visit_below(&r, memory, "", visit_memory);
	if (code < 0) {
		foreign_clear(&r.claims);
		return error_oom(err);
	}
	*claims = r.claims;
	return 0;
}

struct plan_workspace foreign_workspace(const struct foreign_claim *claim)
{
	return (struct plan_workspace){
		.name = claim->path,
		.terms.cpu.reserve_mcores = claim->reserve_mcores,
		.terms.memory.reserve_bytes = claim->memory_bytes,
		.cpus = claim->cpus,
		.has_cpus = claim->has_cpus,
		.count = 1,
	};
}

void foreign_clear(struct foreign_claims *claims)
{
	for (size_t i = 0; i < claims->n; i++)
		free(claims->items[i].path);
	free(claims->items);
	*claims = (struct foreign_claims){0};
}
