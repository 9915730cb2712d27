// SPDX-License-Identifier: GPL-2.0-or-later
/* What is done to a living container through its cgroups: pause, resume, new limits, who is in it. */
#include <errno.h>

#include "base/json.h"
#include "kernel/cgroup.h"
#include "runtime/container.h"
#include "runtime/intel_rdt.h"
#include "runtime/record.h"
#include "runtime/resources.h"
#include "runtime/scope.h"

int container_open_cgroup(const struct container *container, struct cgroup **cg, struct error *err)
{
	struct json_object *record;

	if (!json_object_object_get_ex(container->json, "cgroup", &record))
		return error_set(err, ENODEV, "container '%s' has no cgroup", container->id);
	return cgroup_from_json(record, cg, err);
}

static bool is_alive(enum container_status status)
{
	return status == CONTAINER_CREATED || status == CONTAINER_RUNNING ||
	       status == CONTAINER_PAUSED;
}

int container_check_alive(const struct container *container, struct error *err)
{
	enum container_status status = container_status(container);

	if (is_alive(status))
		return 0;
	return error_set(err, EINVAL, "container not running: '%s' is %s", container->id,
			 container_status_name(status));
}

int container_freeze(struct container *container, bool frozen, struct error *err)
{
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
	enum container_status status;
	int r = record_lock(container, true, err);

	if (r < 0)
		return r;
	status = container_status(container);
	if (!is_alive(status) || (status == CONTAINER_PAUSED) == frozen)
		return error_set(err, EINVAL, "container not %s: '%s' is %s",
				 frozen ? "running" : "paused", container->id,
				 container_status_name(status));
	r = container_open_cgroup(container, &cg, err);
	if (r == 0)
		r = cgroup_freeze(cg, frozen, err);
	record_unlock(container);
	return r;
}

int container_update(struct container *container, const struct oci_resources *resources,
		     struct error *err)
{
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
	int r = record_lock(container, true, err);

	if (r == 0)
		r = container_check_alive(container, err);
	if (r < 0)
		return r;
	r = container_open_cgroup(container, &cg, err);
	if (r == 0)
		r = scope_update(container->json, resources, cg, err);
	if (r == 0)
		r = resources_update(cg, resources, err);
	record_unlock(container);
	return r;
}

int container_update_rdt(struct container *container, const char *l3_cache_schema,
			 const char *mem_bw_schema, struct error *err)
{
	int r = record_lock(container, true, err);

	if (r == 0)
		r = container_check_alive(container, err);
	if (r < 0)
		return r;
	r = intel_rdt_update(container->json, l3_cache_schema, mem_bw_schema, err);
	record_unlock(container);
	return r;
}

int container_processes(const struct container *container, pid_t **pids, size_t *n,
			struct error *err)
{
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
	int r = container_open_cgroup(container, &cg, err);

	return r < 0 ? r : cgroup_procs(cg, pids, n, err);
}
