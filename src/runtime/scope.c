// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/strings.h"
#include "kernel/cgroup.h"
#include "kernel/systemd.h"
#include "runtime/resources.h"

#define ANNOTATION_PREFIX "org.systemd.property."

struct scope {
	struct systemd *systemd;
	char *id, *slice, *unit;
	bool of_user;
};

void scope_free(struct scope *scope)
{
	if (!scope)
		return;
	systemd_close(scope->systemd);
	free(scope->id);
	free(scope->slice);
	free(scope->unit);
	free(scope);
}

static void cleanup_scope(struct scope **scope)
{
	scope_free(*scope);
}

/* The path of the unit's group. */
static int find_path(struct scope *scope, char **path, struct error *err)
{
	_cleanup_free_ char *of_slice = NULL, *of_manager = NULL;
	int r = systemd_slice_path(scope->slice, &of_slice, err);

	if (r == 0)
		r = systemd_open(scope->of_user, &scope->systemd, err);
	if (r == 0)
		r = systemd_group(scope->systemd, &of_manager, err);
	if (r < 0)
		return r;
	*path = string_format("%s%s/%s", of_manager, of_slice, scope->unit);
	return *path ? 0 : error_oom(err);
}

/* Whoever is in it would be killed with the container. */
static int check_unit(const struct scope *scope, struct error *err)
{
	int r = systemd_has_unit(scope->systemd, scope->unit, err);

	return r > 0 ? error_set(err, EBUSY, "systemd has a unit '%s' already", scope->unit) : r;
}

int scope_plan(const char *id, const struct oci_config *config, const struct cgroup_layout *layout,
	       struct scope **scope, struct cgroup **cg, struct error *err)
{
	_cleanup_(cleanup_scope) struct scope *new = calloc(1, sizeof(*new));
	_cleanup_free_ char *path = NULL;
	int r;

	if (new)
		new->id = strdup(id);
	if (!new || !new->id)
		return error_oom(err);
	new->of_user = systemd_is_of_user();
	r = systemd_names_of(config->cgroups_path, id, new->of_user, &new->slice, &new->unit, err);
	if (r < 0)
		return error_prefix(err, "linux.cgroupsPath");
	r = find_path(new, &path, err);
	if (r == 0)
		r = check_unit(new, err);
	if (r == 0)
		r = cgroup_plan(layout, path, cg, err);
	if (r < 0)
		return r;
	cgroup_leave_to_systemd(*cg);
	*scope = take_ptr(new);
	return 0;
}

void scope_record(const struct scope *scope, struct json_object *record)
{
	struct json_object *systemd = json_add_object(record, "systemd");

	json_add_string(systemd, "unit", scope->unit);
	json_add_bool(systemd, "user", scope->of_user);
}

static int add_annotations(struct systemd_properties *p, const struct oci_config *config,
			   struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->n_annotations; i++) {
		const struct oci_pair *pair = &config->annotations[i];

		if (!string_starts_with(pair->key, ANNOTATION_PREFIX))
			continue;
		r = systemd_add_parsed(p, pair->key + strlen(ANNOTATION_PREFIX), pair->value, err);
		if (r < 0)
			error_prefix(err, "annotations: %s", pair->key);
	}
	return r;
}

/*
 * Delegated: what is below is the container's, and systemd keeps its hands off. Collected also after a
 * failure: a unit that nobody looks at has no state worth keeping. Without the default dependencies it
 * would not be stopped at shutdown; engines stop their containers before, and runc and crun leave these
 * out, too.
 */
static int add_all(struct systemd_properties *p, const struct scope *scope,
		   const struct oci_config *config, const struct cgroup *cg, struct error *err)
{
	_cleanup_free_ char *description = string_format("container %s", scope->id);

	if (!description)
		return error_oom(err);
	systemd_add_text(p, "Description", description);
	systemd_add_text(p, "Slice", scope->slice);
	systemd_add_bool(p, "Delegate", true);
	systemd_add_bool(p, "DefaultDependencies", false);
	systemd_add_text(p, "CollectMode", "inactive-or-failed");
	systemd_add_bool(p, "CPUAccounting", true);
	systemd_add_bool(p, "MemoryAccounting", true);
	systemd_add_bool(p, "TasksAccounting", true);
	systemd_add_bool(
		p, cgroup_version(cg, CGROUP_IO) == 2 ? "IOAccounting" : "BlockIOAccounting", true);
	scope_add_resources(p, &config->resources, cg, true, scope->of_user);
	return add_annotations(p, config, err);
}

/* systemd has moved PID in the hierarchies that it knows. */
static int enter_others(struct cgroup *cg, pid_t pid, struct error *err)
{
	for (int c = CGROUP_CORE + 1; c < CGROUP_CONTROLLERS; c++)
		if (cgroup_version(cg, c) == 1)
			return cgroup_enter(cg, pid, err);
	return 0;
}

int scope_start(struct scope *scope, pid_t pid, const struct oci_config *config, struct cgroup *cg,
		struct error *err)
{
	struct systemd_properties p = {0};
	int r = add_all(&p, scope, config, cg, err);

	if (r == 0)
		r = systemd_start_scope(scope->systemd, scope->unit, pid, &p, err);
	systemd_properties_free(&p);
	if (r == 0)
		r = cgroup_adopt(cg, err);
	if (r == 0)
		r = enter_others(cg, pid, err);
	return r < 0 ? r : resources_apply(cg, &config->resources, err);
}

/* The unit in RECORD, which belongs to that; NULL: none. */
static const char *unit_of(struct json_object *record, bool *of_user)
{
	struct json_object *systemd, *unit, *user;

	if (!json_object_object_get_ex(record, "systemd", &systemd) ||
	    !json_object_object_get_ex(systemd, "unit", &unit))
		return NULL;
	*of_user = json_object_object_get_ex(systemd, "user", &user) &&
		   json_object_get_boolean(user);
	return json_object_get_string(unit);
}

bool scope_is_apart(struct json_object *record)
{
	bool of_user;

	return systemd_is_apart() && unit_of(record, &of_user);
}

int scope_update(struct json_object *record, const struct oci_resources *resources,
		 const struct cgroup *cg, struct error *err)
{
	_cleanup_(cleanup_systemd) struct systemd *systemd = NULL;
	struct systemd_properties p = {0};
	bool of_user = false;
	const char *unit = unit_of(record, &of_user);
	int r;

	if (!unit)
		return 0;
	scope_add_resources(&p, resources, cg, false, of_user);
	r = systemd_open(of_user, &systemd, err);
	if (r == 0)
		r = systemd_set(systemd, unit, &p, err);
	systemd_properties_free(&p);
	return r;
}

/*
 * By now nobody is in the unit's group any more, and systemd sees that by itself; so where it cannot be
 * reached that is no reason to keep the container.
 */
int scope_stop(struct json_object *record, struct error *err)
{
	_cleanup_(cleanup_systemd) struct systemd *systemd = NULL;
	bool of_user = false;
	const char *unit = unit_of(record, &of_user);

	if (!unit)
		return 0;
	if (systemd_open(of_user, &systemd, err) < 0) {
		log_warning("the unit '%s' is not stopped: %s", unit, err->text);
		return 0;
	}
	return systemd_stop(systemd, unit, err);
}
