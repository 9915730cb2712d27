// SPDX-License-Identifier: GPL-2.0-or-later
/* What several fields of a configuration say together. */
#include <sched.h>
#include <string.h>

#include "oci/parse.h"

/* include/uapi/linux/utsname.h */
#define UTS_NAME_MAX 64

static int check_required(const struct oci_reader *r, const struct oci_node *root,
			  const struct oci_config *config)
{
	const struct oci_node node = {.parent = root, .key = "linux"};

	if (!config->version)
		return oci_fail_member(r, root, "ociVersion", "missing");
	if (!config->root_path)
		return oci_fail_member(r, root, "root", "missing");
	if (!oci_config_namespace(config, CLONE_NEWNS))
		return oci_fail_member(r, &node, "namespaces",
				       "no mount namespace, a container needs one of its own");
	return 0;
}

static int check_uts_name(const struct oci_reader *r, const struct oci_node *root,
			  const struct oci_config *config, const char *key, const char *value)
{
	if (!value)
		return 0;
	if (!oci_config_namespace(config, CLONE_NEWUTS))
		return oci_fail_member(r, root, key, "needs a uts namespace");
	if (strlen(value) > UTS_NAME_MAX)
		return oci_fail_member(r, root, key, "longer than %d bytes", UTS_NAME_MAX);
	return 0;
}

/* ---- user namespaces ---- */

static bool is_mapped(uint32_t id, const struct oci_id_map *maps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (id >= maps[i].container_id && id - maps[i].container_id < maps[i].size)
			return true;
	return false;
}

static int check_user_is_mapped(const struct oci_reader *r, const struct oci_node *root,
				const struct oci_config *config)
{
	const struct oci_node process = {.parent = root, .key = "process"};
	const struct oci_node node = {.parent = &process, .key = "user"};
	const struct oci_node gids = {.parent = &node, .key = "additionalGids"};
	const struct oci_user *user;

	if (!config->process)
		return 0;
	user = &config->process->user;
	if (!is_mapped(user->uid, config->uid_maps, config->n_uid_maps))
		return oci_fail_member(r, &node, "uid", "%u is not mapped by linux.uidMappings",
				       user->uid);
	if (!is_mapped(user->gid, config->gid_maps, config->n_gid_maps))
		return oci_fail_member(r, &node, "gid", "%u is not mapped by linux.gidMappings",
				       user->gid);
	for (size_t i = 0; i < user->n_additional_gids; i++)
		if (!is_mapped(user->additional_gids[i], config->gid_maps, config->n_gid_maps))
			return oci_fail_element(r, &gids, i,
						"%u is not mapped by linux.gidMappings",
						user->additional_gids[i]);
	return 0;
}

static int check_user_namespace(const struct oci_reader *r, const struct oci_node *root,
				const struct oci_config *config)
{
	const struct oci_namespace *user = oci_config_namespace(config, CLONE_NEWUSER);
	const struct oci_node node = {.parent = root, .key = "linux"};

	if (!user && config->n_uid_maps)
		return oci_fail_member(r, &node, "uidMappings", "needs a user namespace");
	if (!user && config->n_gid_maps)
		return oci_fail_member(r, &node, "gidMappings", "needs a user namespace");
	if (!user || user->path)
		return 0;
	if (!config->n_uid_maps)
		return oci_fail_member(r, &node, "uidMappings",
				       "missing, a new user namespace needs it");
	if (!config->n_gid_maps)
		return oci_fail_member(r, &node, "gidMappings",
				       "missing, a new user namespace needs it");
	return check_user_is_mapped(r, root, config);
}

static int check_mapped_mounts(const struct oci_reader *r, const struct oci_node *root,
			       const struct oci_config *config)
{
	const struct oci_node node = {.parent = root, .key = "mounts"};

	if (oci_config_namespace(config, CLONE_NEWUSER))
		return 0;
	for (size_t i = 0; i < config->n_mounts; i++)
		if (config->mounts[i].idmap && !config->mounts[i].n_uid_maps)
			return oci_fail_element(
				r, &node, i,
				"an id-mapped mount needs uidMappings and "
				"gidMappings, or a user namespace of the container");
	return 0;
}

static int check_net_devices(const struct oci_reader *r, const struct oci_node *root,
			     const struct oci_config *config)
{
	const struct oci_node node = {.parent = root, .key = "linux"};

	if (config->n_net_devices && !oci_config_namespace(config, CLONE_NEWNET))
		return oci_fail_member(r, &node, "netDevices", "needs a network namespace");
	return 0;
}

static int check_time_offsets(const struct oci_reader *r, const struct oci_node *root,
			      const struct oci_config *config)
{
	const struct oci_namespace *time = oci_config_namespace(config, CLONE_NEWTIME);
	const struct oci_node node = {.parent = root, .key = "linux"};

	if (config->n_time_offsets && (!time || time->path))
		return oci_fail_member(r, &node, "timeOffsets", "needs a new time namespace");
	return 0;
}

static int check_sysctls(const struct oci_reader *r, const struct oci_node *root,
			 const struct oci_config *config)
{
	const struct oci_node linux_node = {.parent = root, .key = "linux"};
	const struct oci_node node = {.parent = &linux_node, .key = "sysctl"};

	for (size_t i = 0; i < config->n_sysctl; i++) {
		const struct oci_node member = {.parent = &node, .key = config->sysctl[i].key};
		int ret = oci_check_sysctl(r, &member, config);

		if (ret < 0)
			return ret;
	}
	return 0;
}

int oci_check_config(const struct oci_reader *r, const struct oci_node *at,
		     const struct oci_config *config)
{
	int ret = check_required(r, at, config);

	if (ret == 0)
		ret = check_uts_name(r, at, config, "hostname", config->hostname);
	if (ret == 0)
		ret = check_uts_name(r, at, config, "domainname", config->domainname);
	if (ret == 0)
		ret = check_user_namespace(r, at, config);
	if (ret == 0)
		ret = check_mapped_mounts(r, at, config);
	if (ret == 0)
		ret = check_net_devices(r, at, config);
	if (ret == 0)
		ret = check_time_offsets(r, at, config);
	if (ret == 0)
		ret = check_sysctls(r, at, config);
	return ret;
}
