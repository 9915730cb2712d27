// SPDX-License-Identifier: GPL-2.0-or-later
/* linux.resources.devices: rules on v1, a program on v2 (kernel/cgroup_devices.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/cgroup.h"
#include "kernel/cgroup_devices.h"
#include "oci/config.h"
#include "runtime/resources.h"
#include "runtime/resources_internal.h"

#define DEVICE_ALL (CGROUP_DEVICE_READ | CGROUP_DEVICE_WRITE | CGROUP_DEVICE_MKNOD)

/* What every container may use, whatever its configuration says: as in runc and crun. */
static const struct cgroup_device_rule default_devices[] = {
	{true, 'c', -1, -1, CGROUP_DEVICE_MKNOD},
	{true, 'b', -1, -1, CGROUP_DEVICE_MKNOD},
	{true, 'c', 1, 3, DEVICE_ALL},	  /* null */
	{true, 'c', 1, 5, DEVICE_ALL},	  /* zero */
	{true, 'c', 1, 7, DEVICE_ALL},	  /* full */
	{true, 'c', 1, 8, DEVICE_ALL},	  /* random */
	{true, 'c', 1, 9, DEVICE_ALL},	  /* urandom */
	{true, 'c', 5, 0, DEVICE_ALL},	  /* tty */
	{true, 'c', 5, 1, DEVICE_ALL},	  /* console */
	{true, 'c', 5, 2, DEVICE_ALL},	  /* ptmx */
	{true, 'c', 136, -1, DEVICE_ALL}, /* pts */
};

static unsigned int parse_access(const char *access)
{
	unsigned int mask = 0;

	for (; access && *access; access++)
		mask |= *access == 'r'	 ? CGROUP_DEVICE_READ
			: *access == 'w' ? CGROUP_DEVICE_WRITE
			: *access == 'm' ? CGROUP_DEVICE_MKNOD
					 : 0;
	return mask ? mask : DEVICE_ALL;
}

struct cgroup_device_rule *resources_device_rules(const struct oci_resources *resources, size_t *n)
{
	struct cgroup_device_rule *rules;

	*n = resources->n_devices + ARRAY_SIZE(default_devices);
	rules = calloc(*n, sizeof(*rules));
	if (!rules)
		return NULL;
	for (size_t i = 0; i < resources->n_devices; i++) {
		const struct oci_device_rule *rule = &resources->devices[i];

		rules[i] = (struct cgroup_device_rule){rule->allow, rule->type ? rule->type : 'a',
						       rule->major, rule->minor,
						       parse_access(rule->access)};
	}
	memcpy(rules + resources->n_devices, default_devices, sizeof(default_devices));
	return rules;
}

int resources_set_devices(const struct resources_target *t, const struct oci_resources *resources)
{
	_cleanup_free_ struct cgroup_device_rule *rules = NULL;
	size_t n = resources->n_devices, n_rules;
	int r;

	if (!n && !t->fresh)
		return 0;
	rules = resources_device_rules(resources, &n_rules);
	if (!rules)
		return error_oom(t->err);
	r = cgroup_devices_set(t->cg, rules, n_rules, t->err);
	/* Nothing was asked for, and nothing can be done. */
	if (r == -ENODEV && !n)
		return 0;
	return resources_name_key(t, "devices", r);
}
