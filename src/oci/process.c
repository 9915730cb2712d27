// SPDX-License-Identifier: GPL-2.0-or-later
/* process (config.md, "Process"). */
#include <string.h>

#include "base/json.h"
#include "oci/parse.h"
#include "oci/rlimit.h"

static int read_console_size(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD("height", oci_read_u16, oci_process, console_height),
		OCI_FIELD("width", oci_read_u16, oci_process, console_width),
		{0},
	};

	return oci_read_object(r, at, fields, into);
}

/* (uid_t)-1 means "leave it" to the kernel's calls and can be nobody's id. */
static int read_id(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	uint64_t id;
	int ret = oci_read_unsigned(r, at, UINT32_MAX - 1, &id);

	if (ret == 0)
		*(uint32_t *)into = (uint32_t)id;
	return ret;
}

static int read_umask(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	uint64_t mask;
	int ret = oci_read_unsigned(r, at, 0777, &mask);

	if (ret == 0)
		*(mode_t *)into = (mode_t)mask;
	return ret;
}

static int read_additional_gids(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_user *user = into;

	return oci_read_array(r, at, sizeof(*user->additional_gids), read_id,
			      &user->additional_gids, &user->n_additional_gids);
}

static int read_user(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD("uid", read_id, oci_user, uid),
		OCI_FIELD("gid", read_id, oci_user, gid),
		OCI_FIELD_HAS("umask", read_umask, oci_user, umask, has_umask),
		OCI_FIELD_SELF("additionalGids", read_additional_gids),
		OCI_FIELD("username", oci_read_string_or_null, oci_user, username),
		{0},
	};

	return oci_read_object(r, at, fields, into);
}

static int read_args(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	char ***args = into;
	int ret = oci_read_strings(r, at, args);

	if (ret < 0)
		return ret;
	if (!*args)
		return oci_fail(r, at, "the array is empty");
	if (!(*args)[0][0])
		return oci_fail_element(r, at, 0, "the string is empty");
	return 0;
}

static int read_env(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	char **env;
	int ret = oci_read_strings(r, at, &env);

	if (ret < 0)
		return ret;
	for (size_t i = 0; env && env[i]; i++) {
		const char *equals = strchr(env[i], '=');

		if (!equals)
			return oci_fail_element(r, at, i, "'%s' has no '='",
						oci_quote(env[i]).text);
		if (equals == env[i])
			return oci_fail_element(r, at, i, "'%s' has no name before the '='",
						oci_quote(env[i]).text);
	}
	*(char ***)into = env;
	return 0;
}

/*
 * A capability nobody knows is logged and left out: "Any value which cannot be mapped to a relevant
 * kernel interface ... MUST be logged as a warning by the runtime" (config.md, "Linux Process").
 */
static int read_capability_set(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	uint64_t set = 0;
	char **names;
	int ret = oci_read_strings(r, at, &names);

	if (ret < 0)
		return ret;
	for (size_t i = 0; names && names[i]; i++) {
		const struct oci_node element = {.parent = at, .index = i};
		int number = oci_capability_number(names[i]);

		if (number >= 0) {
			set |= UINT64_C(1) << number;
			continue;
		}
		ret = oci_warn(r, &element, "unknown capability '%s' is left out",
			       oci_quote(names[i]).text);
		if (ret < 0)
			return ret;
	}
	*(uint64_t *)into = set;
	return 0;
}

static int read_capabilities(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD("bounding", read_capability_set, oci_capabilities, bounding),
		OCI_FIELD("effective", read_capability_set, oci_capabilities, effective),
		OCI_FIELD("inheritable", read_capability_set, oci_capabilities, inheritable),
		OCI_FIELD("permitted", read_capability_set, oci_capabilities, permitted),
		OCI_FIELD("ambient", read_capability_set, oci_capabilities, ambient),
		{0},
	};

	return oci_read_object(r, at, fields, into);
}

/* ---- rlimits ---- */

struct rlimit_seen {
	struct oci_rlimit limit;
	bool has_type, has_soft, has_hard;
};

static int read_rlimit_type(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *name;
	int resource, ret = oci_read_string(r, at, &name);

	if (ret < 0)
		return ret;
	resource = oci_rlimit_resource(name);
	if (resource < 0)
		return oci_fail(r, at, "unknown resource limit '%s'", oci_quote(name).text);
	*(int *)into = resource;
	return 0;
}

static int read_rlimit(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD_HAS("type", read_rlimit_type, rlimit_seen, limit.resource, has_type),
		OCI_FIELD_HAS("soft", oci_read_u64, rlimit_seen, limit.soft, has_soft),
		OCI_FIELD_HAS("hard", oci_read_u64, rlimit_seen, limit.hard, has_hard),
		{0},
	};
	struct rlimit_seen seen = {0};
	int ret = oci_read_object(r, at, fields, &seen);

	if (ret < 0)
		return ret;
	if (!seen.has_type || !seen.has_soft || !seen.has_hard)
		return oci_fail_member(r, at,
				       !seen.has_type	? "type"
				       : !seen.has_soft ? "soft"
							: "hard",
				       "missing");
	if (seen.limit.soft > seen.limit.hard)
		return oci_fail_member(r, at, "soft", "%llu is more than the hard limit of %llu",
				       (unsigned long long)seen.limit.soft,
				       (unsigned long long)seen.limit.hard);
	*(struct oci_rlimit *)into = seen.limit;
	return 0;
}

static int read_rlimits(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_process *process = into;
	uint32_t seen = 0;
	int ret = oci_read_array(r, at, sizeof(*process->rlimits), read_rlimit, &process->rlimits,
				 &process->n_rlimits);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < process->n_rlimits; i++) {
		uint32_t bit = UINT32_C(1) << process->rlimits[i].resource;

		if (seen & bit)
			return oci_fail_element(r, at, i, "%s is given twice",
						oci_rlimit_name(process->rlimits[i].resource));
		seen |= bit;
	}
	return 0;
}

/* ---- the process ---- */

static int read_oom_score_adj(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	int64_t score;
	int ret = oci_read_integer(r, at, -1000, 1000, &score);

	if (ret == 0)
		*(int *)into = (int)score;
	return ret;
}

/* "unconfined" is what a process is without a profile. */
static int read_apparmor_profile(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *profile;
	int ret = oci_read_string_or_null(r, at, &profile);

	if (ret == 0 && profile && strcmp(profile, "unconfined") != 0)
		*(const char **)into = profile;
	return ret;
}

static const struct oci_field process_fields[] = {
	OCI_FIELD("terminal", oci_read_bool, oci_process, terminal),
	OCI_FIELD_SELF("consoleSize", read_console_size),
	OCI_FIELD("user", read_user, oci_process, user),
	OCI_FIELD("args", read_args, oci_process, args),
	OCI_FIELD("env", read_env, oci_process, env),
	OCI_FIELD("cwd", oci_read_absolute_path, oci_process, cwd),
	OCI_FIELD_HAS("capabilities", read_capabilities, oci_process, capabilities,
		      has_capabilities),
	OCI_FIELD_SELF("rlimits", read_rlimits),
	OCI_FIELD("noNewPrivileges", oci_read_bool, oci_process, no_new_privileges),
	OCI_FIELD_HAS("oomScoreAdj", read_oom_score_adj, oci_process, oom_score_adj,
		      has_oom_score_adj),
	OCI_FIELD("apparmorProfile", read_apparmor_profile, oci_process, apparmor_profile),
	OCI_FIELD("selinuxLabel", oci_read_string_or_null, oci_process, selinux_label),
	OCI_FIELD_REFUSED("commandLine"),
	OCI_FIELD("scheduler", oci_read_scheduler, oci_process, scheduler),
	OCI_FIELD_HAS("ioPriority", oci_read_io_priority, oci_process, io_priority,
		      has_io_priority),
	OCI_FIELD("execCPUAffinity", oci_read_exec_affinity, oci_process, exec_affinity),
	{0},
};

int oci_read_process(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_process *process = oci_config_allocate(r->config, 1, sizeof(*process));
	int ret;

	if (!process)
		return error_oom(r->err);
	ret = oci_read_object(r, at, process_fields, process);
	if (ret < 0)
		return ret;
	if (!process->args)
		return oci_fail_member(r, at, "args", "missing");
	if (!process->cwd)
		return oci_fail_member(r, at, "cwd", "missing");
	*(struct oci_process **)into = process;
	return 0;
}
