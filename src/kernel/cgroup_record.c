// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A container's groups as JSON and back:
 *
 *	{"path": "/behalf/x", "places": [
 *		{"mount": "/sys/fs/cgroup/cpu,cpuacct", "version": 1,
 *		 "controllers": "cpu,cpuacct", "missing": 2}, ...]}
 *
 * "missing" components of the path, from the leaf up, were not there before: they are removed with
 * the container.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "kernel/cgroup_internal.h"

static void add_controllers(struct json_object *object, const struct cgroup_place *place)
{
	char text[256] = "";
	size_t used = 0;

	for (int c = CGROUP_CORE + 1; c < CGROUP_CONTROLLERS; c++)
		if (place->controllers & 1u << c)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used ? "," : "",
						 cgroup_controller_name(c, place->version));
	json_add_string(object, "controllers", text);
}

struct json_object *cgroup_to_json(const struct cgroup *cg)
{
	struct json_object *record = json_object_new_object();
	struct json_object *places;

	json_add_string(record, "path", cg->path);
	places = json_add_array(record, "places");
	for (size_t i = 0; i < cg->n; i++) {
		const struct cgroup_place *place = &cg->places[i];
		struct json_object *object = json_object_new_object();

		json_object_object_add(object, "mount",
				       json_object_new_string_len(place->directory,
								  (int)place->mount_length));
		json_add_i64(object, "version", place->version);
		add_controllers(object, place);
		json_add_i64(object, "missing", place->missing);
		json_object_array_add(places, object);
	}
	return record;
}

static int bad_record(struct error *err)
{
	return error_set(err, EINVAL, "the record of the cgroups is damaged");
}

static const char *member_string(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static int64_t member_int(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return -1;
	return json_object_get_int64(value);
}

/* A record decides what is removed, so it is believed only as far as it can have been written. */
static bool is_clean_path(const char *path)
{
	return path && path[0] == '/' && path[1] && strlen(path) < PATH_MAX / 2 &&
	       !strstr(path, "/../") && !string_ends_with(path, "/..") && !strstr(path, "//") &&
	       !string_ends_with(path, "/");
}

static int read_place(struct json_object *object, struct cgroup *cg, struct error *err)
{
	struct cgroup_place *place = &cg->places[cg->n];
	const char *mount = member_string(object, "mount");
	const char *controllers = member_string(object, "controllers");
	int64_t version = member_int(object, "version"), missing = member_int(object, "missing");
	int64_t depth = 0;

	for (const char *at = cg->path; *at; at++)
		depth += *at == '/';
	if (cg->n == CGROUP_MAX_HIERARCHIES || !is_clean_path(mount) || !controllers ||
	    version < 1 || version > 2 || missing < 0 || missing > depth)
		return bad_record(err);
	place->directory = string_format("%s%s", mount, cg->path);
	if (!place->directory)
		return error_oom(err);
	place->mount_length = strlen(mount);
	place->version = (int)version;
	place->missing = (unsigned int)missing;
	place->controllers = cgroup_controllers_parse(controllers, ",", place->version);
	place->entrance = -EBADF;
	cg->n++;
	return 0;
}

int cgroup_from_json(struct json_object *record, struct cgroup **cg, struct error *err)
{
	_cleanup_(cleanup_cgroup) struct cgroup *new = calloc(1, sizeof(*new));
	const char *path = member_string(record, "path");
	struct json_object *places;
	int r = 0;

	if (!new)
		return error_oom(err);
	if (!is_clean_path(path) || !json_object_object_get_ex(record, "places", &places) ||
	    !json_object_is_type(places, json_type_array))
		return bad_record(err);
	new->path = strdup(path);
	if (!new->path)
		return error_oom(err);
	for (size_t i = 0; r == 0 && i < json_object_array_length(places); i++)
		r = read_place(json_object_array_get_idx(places, i), new, err);
	if (r < 0)
		return r;
	*cg = take_ptr(new);
	return 0;
}
