// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/whatif.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"

struct plan_request plan_request_of(const struct plan_scenario *scenario,
				    const struct profile *profile)
{
	return (struct plan_request){
		.host = scenario->host,
		.profile = profile,
		.protocol = scenario->protocol,
		.peer = scenario->peer,
		.cache = scenario->cache,
		.host_ncores = scenario->host_ncores,
		.host_memory_bytes = scenario->host_memory_bytes,
		.workspaces = scenario->workspaces,
		.n_workspaces = scenario->n_workspaces,
	};
}

static int parse_unit(const char *change, const char *value, enum unit unit, uint64_t *number,
		      struct error *err)
{
	int r = unit_parse(unit, value, number);

	return r < 0 ? error_set(err, EINVAL, "%s: %s", change, unit_wanted(unit)) : 0;
}

static int parse_cpus(const char *change, const char *value, struct cpus *cpus, struct error *err)
{
	struct cpus parsed = {0};

	if (!*value || cpus_parse(value, &parsed) < 0)
		return error_set(err, EINVAL, "%s: a list of CPUs is wanted, as 0-3,8", change);
	*cpus = parsed;
	return 0;
}

/* ---- the host ---- */

static int set_cpus(struct plan_scenario *s, const char *change, const char *value,
		    struct error *err)
{
	uint64_t n;

	if (string_to_u64(value, 10, &n) < 0)
		return parse_cpus(change, value, &s->host->cpus, err);
	if (n < 1 || n > CPUS_MAX)
		return error_set(err, EINVAL, "%s: from 1 to %d CPUs", change, CPUS_MAX);
	s->host->cpus = (struct cpus){0};
	for (unsigned int cpu = 0; cpu < n; cpu++)
		cpus_add(&s->host->cpus, cpu);
	/* which of its nodes they would be in is not known */
	s->host->n_nodes = 0;
	return 0;
}

static int set_memory(struct plan_scenario *s, const char *change, const char *value,
		      struct error *err)
{
	return parse_unit(change, value, UNIT_SIZE, &s->host->memory_bytes, err);
}

static int set_uplink(struct plan_scenario *s, const char *change, const char *value,
		      struct error *err)
{
	int r = parse_unit(change, value, UNIT_BIT_RATE, &s->host->uplink_bps, err);

	if (r == 0 && !s->host->uplink[0])
		strcpy(s->host->uplink, "uplink");
	return r;
}

static int set_host_cpu(struct plan_scenario *s, const char *change, const char *value,
			struct error *err)
{
	uint64_t mcores = 0;
	int r = strcmp(value, "0") == 0 ? 0 : parse_unit(change, value, UNIT_CORES, &mcores, err);

	if (r == 0)
		s->host_ncores = mcores * NCORES_PER_MCORE;
	return r;
}

static int set_host_memory(struct plan_scenario *s, const char *change, const char *value,
			   struct error *err)
{
	uint64_t bytes = 0;
	int r = strcmp(value, "0") == 0 ? 0 : parse_unit(change, value, UNIT_SIZE, &bytes, err);

	if (r == 0)
		s->host_memory_bytes = bytes;
	return r;
}

static int set_protocol(struct plan_scenario *s, const char *change, const char *value,
			struct error *err)
{
	static const char *const names[] = {
		[EXTRAPOLATE_ANY] = "any", [EXTRAPOLATE_UDP] = "udp", [EXTRAPOLATE_TCP] = "tcp"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			s->protocol = (enum extrapolate_protocol)i;
			return 0;
		}
	}
	return error_set(err, EINVAL, "%s: udp, tcp or any is wanted", change);
}

static int set_peer(struct plan_scenario *s, const char *change, const char *value,
		    struct error *err)
{
	static const char *const peers[][2] = {{"any", NULL},
					       {"workspace", "bridge"},
					       {"host", "local"},
					       {"network", "forward"},
					       {"outside", "uplink"}};

	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		if (strcmp(value, peers[i][0]) == 0) {
			s->peer = peers[i][1];
			return 0;
		}
	}
	return error_set(err, EINVAL, "%s: workspace, host, network, outside or any is wanted",
			 change);
}

static int set_cache(struct plan_scenario *s, const char *change, const char *value,
		     struct error *err)
{
	static const char *const names[] = {[EXTRAPOLATE_CACHE_ANY] = "any",
					    [EXTRAPOLATE_CACHE_HELPS] = "helps",
					    [EXTRAPOLATE_CACHE_HINDERS] = "hinders"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			s->cache = (enum extrapolate_cache)i;
			return 0;
		}
	}
	return error_set(err, EINVAL, "%s: helps, hinders or any is wanted", change);
}

/* "/dev/sda.read": the name may hold dots, what is behind the last one does not. */
static int set_disk(struct plan_scenario *s, const char *change, const char *key, const char *value,
		    struct error *err)
{
	static const char *const rates[] = {"read", "write", "read-iops", "write-iops"};
	const char *dot = strrchr(key, '.');
	_cleanup_free_ char *name = dot ? strndup(key, (size_t)(dot - key)) : NULL;
	const struct plan_disk *found;
	struct plan_disk *disk;
	uint64_t number;
	int r;

	if (!name)
		return error_set(err, EINVAL, "%s: disk.NAME.read is wanted", change);
	found = plan_host_find_disk(s->host, name);
	if (!found)
		return error_set(err, ENODEV, "%s: there is no disk '%s'", change, name);
	disk = &s->host->disks[plan_host_find_disk(s->host, found->target) - s->host->disks];
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		if (strcmp(dot + 1, rates[i]) != 0)
			continue;
		r = parse_unit(change, value, i < 2 ? UNIT_BYTE_RATE : UNIT_IOPS, &number, err);
		if (r == 0)
			*(i < 2 ? &disk->bytes_per_s[i] : &disk->requests_per_s[i - 2]) = number;
		return r;
	}
	return error_set(err, EINVAL, "%s: read, write, read-iops or write-iops is wanted", change);
}

/* ---- workspaces ---- */

static int set_count(struct plan_workspace *workspace, const char *change, const char *value,
		     struct error *err)
{
	uint64_t count;

	if (string_to_u64(value, 10, &count) < 0 || count > 1000000)
		return error_set(err, EINVAL, "%s: a number from 0 to 1000000 is wanted", change);
	workspace->count = (uint32_t)count;
	return 0;
}

static int set_of_workspace(struct plan_workspace *workspace, const char *change, const char *key,
			    const char *value, struct error *err)
{
	const struct term_kind *kind = terms_find(strcmp(key, "path") == 0 ? "net.path" : key);
	struct terms terms = workspace->terms;
	int r;

	if (strcmp(key, "count") == 0)
		return set_count(workspace, change, value, err);
	if (strcmp(key, "cpus") == 0) {
		r = parse_cpus(change, value, &workspace->cpus, err);
		workspace->has_cpus |= r == 0;
		return r;
	}
	if (!kind)
		return error_set(err, EINVAL, "%s: there is no term '%s'", change, key);
	r = terms_set(&terms, kind, change, value, err);
	if (r == 0)
		r = terms_check(&terms, err);
	if (r == 0)
		workspace->terms = terms;
	return r;
}

/* What is behind the name in KEY, or NULL when this is not its workspace. */
static const char *behind_name(const char *key, const char *name)
{
	size_t length = strlen(name);

	return string_starts_with(key, name) && key[length] == '.' ? key + length + 1 : NULL;
}

/* How long the longest name is that KEY begins with: "web.1" is meant before "web". */
static size_t longest_name(const struct plan_scenario *s, const char *key)
{
	size_t longest = 0;

	for (size_t i = 0; i < s->n_workspaces; i++) {
		size_t length = strlen(s->workspaces[i].name);

		if (length > longest && behind_name(key, s->workspaces[i].name))
			longest = length;
	}
	return longest;
}

/* All that have the name: of what runs, several may. */
static int set_workspaces(struct plan_scenario *s, const char *change, const char *key,
			  const char *value, struct error *err)
{
	const char *all = behind_name(key, "*");
	size_t length = all ? 0 : longest_name(s, key);
	int r = 0;

	if (!all && !length)
		return error_set(err, EINVAL, "%s: there is nothing called '%s' to change", change,
				 key);
	for (size_t i = 0; r == 0 && i < s->n_workspaces; i++) {
		const char *rest = all ? all : behind_name(key, s->workspaces[i].name);

		if (rest && (all || strlen(s->workspaces[i].name) == length))
			r = set_of_workspace(&s->workspaces[i], change, rest, value, err);
	}
	return r;
}

int plan_what_if(struct plan_scenario *scenario, const char *change, struct error *err)
{
	static const struct {
		const char *key;
		int (*set)(struct plan_scenario *, const char *, const char *, struct error *);
	} keys[] = {
		{"cpus", set_cpus},	    {"memory", set_memory},
		{"uplink", set_uplink},	    {"host.cpu", set_host_cpu},
		{"protocol", set_protocol}, {"peer", set_peer},
		{"cache", set_cache},	    {"host.memory", set_host_memory},
	};
	const char *equals = strchr(change, '=');
	_cleanup_free_ char *key = NULL;

	if (!equals)
		return error_set(err, EINVAL, "%s: KEY=VALUE is wanted", change);
	key = strndup(change, (size_t)(equals - change));
	if (!key)
		return error_oom(err);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(key, keys[i].key) == 0)
			return keys[i].set(scenario, change, equals + 1, err);
	}
	if (string_starts_with(key, "disk."))
		return set_disk(scenario, change, key + strlen("disk."), equals + 1, err);
	return set_workspaces(scenario, change, key, equals + 1, err);
}
