// SPDX-License-Identifier: GPL-2.0-or-later
/* The configurations that `behalf spec` writes: a shell in ./rootfs, with few privileges (spec.json). */
#include "oci/config.h"

#include <string.h>

#include "base/json.h"
#include "oci/spec.json.h"

const char *oci_spec_default(void)
{
	return spec_json;
}

static const char *text_of(struct json_object *object, const char *key)
{
	return json_object_get_string(json_object_object_get(object, key));
}

static void add_map(struct json_object *linux_object, const char *key, unsigned int host_id)
{
	struct json_object *map = json_object_new_object();

	json_add_u64(map, "containerID", 0);
	json_add_u64(map, "hostID", host_id);
	json_add_u64(map, "size", 1);
	json_object_array_add(json_add_array(linux_object, key), map);
}

/* A network namespace without anybody who could connect it is of no use. */
static void exchange_namespaces(struct json_object *linux_object)
{
	struct json_object *old = json_object_object_get(linux_object, "namespaces");
	struct json_object *new = json_object_new_array(), *user = json_object_new_object();

	for (size_t i = 0; i < json_object_array_length(old); i++) {
		struct json_object *n = json_object_array_get_idx(old, i);

		if (strcmp(text_of(n, "type"), "network") != 0)
			json_object_array_add(new, json_object_get(n));
	}
	json_add_string(user, "type", "user");
	json_object_array_add(new, user);
	json_object_object_add(linux_object, "namespaces", new);
}

/* sysfs is of the network namespace, which is the host's: the host's own mount of it is shown. */
static void bind_sysfs(struct json_object *mount)
{
	struct json_object *options = json_object_object_get(mount, "options");

	json_add_string(mount, "type", "none");
	json_add_string(mount, "source", "/sys");
	json_object_array_add(options, json_object_new_string("rbind"));
}

/* The group of terminals is not among the ids. */
static void drop_group(struct json_object *mount)
{
	struct json_object *old = json_object_object_get(mount, "options");
	struct json_object *new = json_object_new_array();

	for (size_t i = 0; old && i < json_object_array_length(old); i++) {
		struct json_object *option = json_object_array_get_idx(old, i);

		if (strncmp(json_object_get_string(option), "gid=", strlen("gid=")) != 0)
			json_object_array_add(new, json_object_get(option));
	}
	json_object_object_add(mount, "options", new);
}

int oci_spec_rootless(unsigned int uid, unsigned int gid, struct json_object **spec,
		      struct error *err)
{
	_cleanup_json_ struct json_object *json = NULL;
	struct json_object *linux_object, *mounts;
	const char *text = oci_spec_default();
	int r = json_parse("spec", text, strlen(text), &json, err);

	if (r < 0)
		return r;
	linux_object = json_object_object_get(json, "linux");
	mounts = json_object_object_get(json, "mounts");
	json_object_object_del(linux_object, "resources");
	add_map(linux_object, "uidMappings", uid);
	add_map(linux_object, "gidMappings", gid);
	exchange_namespaces(linux_object);
	for (size_t i = 0; i < json_object_array_length(mounts); i++) {
		struct json_object *mount = json_object_array_get_idx(mounts, i);

		if (strcmp(text_of(mount, "destination"), "/sys") == 0)
			bind_sysfs(mount);
		if (strcmp(text_of(mount, "type"), "devpts") == 0)
			drop_group(mount);
	}
	*spec = json_object_get(json);
	return 0;
}
