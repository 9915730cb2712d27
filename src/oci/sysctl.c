// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which kernel parameters a container may set: those of a namespace it does not share with the host
 * (Documentation/admin-guide/sysctl/). Anything else would set the host's.
 */
#include <sched.h>
#include <string.h>

#include "base/cleanup.h"
#include "oci/parse.h"

static const struct {
	const char *name; /* ends in '.': everything below */
	int namespace;
} sysctls[] = {
	{"fs.mqueue.", CLONE_NEWIPC},
	{"kernel.domainname", CLONE_NEWUTS},
	{"kernel.hostname", CLONE_NEWUTS},
	{"kernel.msg_next_id", CLONE_NEWIPC},
	{"kernel.msgmax", CLONE_NEWIPC},
	{"kernel.msgmnb", CLONE_NEWIPC},
	{"kernel.msgmni", CLONE_NEWIPC},
	{"kernel.sem", CLONE_NEWIPC},
	{"kernel.sem_next_id", CLONE_NEWIPC},
	{"kernel.shm_next_id", CLONE_NEWIPC},
	{"kernel.shm_rmid_forced", CLONE_NEWIPC},
	{"kernel.shmall", CLONE_NEWIPC},
	{"kernel.shmmax", CLONE_NEWIPC},
	{"kernel.shmmni", CLONE_NEWIPC},
	{"net.", CLONE_NEWNET},
	{"user.", CLONE_NEWUSER},
};

/* Like sysctl(8), a key may be written with slashes as well: net/ipv4/conf/eth0.1/forwarding. */
static bool matches(const char *key, const char *name)
{
	for (; *name; key++, name++)
		if (*key != *name && !(*name == '.' && *key == '/'))
			return false;
	return *key == '\0' || name[-1] == '.';
}

int oci_sysctl_namespace(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(sysctls); i++)
		if (matches(key, sysctls[i].name))
			return sysctls[i].namespace;
	return 0;
}

static bool has_empty_component(const char *key)
{
	if (strchr("./", key[0]))
		return true;
	for (; *key; key++)
		if (strchr("./", key[0]) && (key[1] == '\0' || strchr("./", key[1])))
			return true;
	return false;
}

int oci_check_sysctl(const struct oci_reader *r, const struct oci_node *at,
		     const struct oci_config *config)
{
	int type;

	if (has_empty_component(at->key))
		return oci_fail(r, at, "not the name of a kernel parameter");
	type = oci_sysctl_namespace(at->key);
	if (!type)
		return oci_fail(r, at, "belongs to no namespace, setting it would change the host");
	if (!oci_config_namespace(config, type))
		return oci_fail(r, at, "needs a %s namespace of the container's own",
				oci_namespace_name(type));
	if (config->hostname && matches(at->key, "kernel.hostname"))
		return oci_fail(r, at, "conflicts with hostname");
	if (config->domainname && matches(at->key, "kernel.domainname"))
		return oci_fail(r, at, "conflicts with domainname");
	return 0;
}
