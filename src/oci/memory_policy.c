// SPDX-License-Identifier: GPL-2.0-or-later
/* linux.memoryPolicy (config-linux.md, "Memory policy"). */
#include "base/cleanup.h"
#include "oci/parse.h"

/* include/uapi/linux/mempolicy.h */
static const struct oci_name modes[] = {
	{"MPOL_DEFAULT", 0},
	{"MPOL_PREFERRED", 1},
	{"MPOL_BIND", 2},
	{"MPOL_INTERLEAVE", 3},
	{"MPOL_LOCAL", 4},
	{"MPOL_PREFERRED_MANY", 5},
	{"MPOL_WEIGHTED_INTERLEAVE", 6},
	{NULL, 0},
};

static const struct oci_name flags[] = {
	{"MPOL_F_NUMA_BALANCING", 1 << 13},
	{"MPOL_F_RELATIVE_NODES", 1 << 14},
	{"MPOL_F_STATIC_NODES", 1 << 15},
	{NULL, 0},
};

const struct oci_name *const oci_memory_policy_modes = modes;
const struct oci_name *const oci_memory_policy_flags = flags;

static int read_mode(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_name(r, at, modes, "memory policy", into);
}

static int read_flags(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_name_set(r, at, flags, "flag of a memory policy", into);
}

static int read_nodes(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_number_set(r, at, OCI_NODES_MAX, into);
}

int oci_read_memory_policy(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD_HAS("mode", read_mode, oci_memory_policy, mode, has_mode),
		OCI_FIELD("nodes", read_nodes, oci_memory_policy, nodes),
		OCI_FIELD("flags", read_flags, oci_memory_policy, flags),
		{0},
	};
	struct oci_memory_policy *policy = into;
	int ret = oci_read_object(r, at, fields, policy);

	if (ret == 0 && !policy->has_mode)
		return oci_fail_member(r, at, "mode", "missing");
	return ret;
}
