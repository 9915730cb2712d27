// SPDX-License-Identifier: GPL-2.0-or-later
/* linux (config-linux.md), but for what has a file of its own. */
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "oci/parse.h"

/* ---- namespaces ---- */

static int read_namespace_type(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *name;
	int type, ret = oci_read_string(r, at, &name);

	if (ret < 0)
		return ret;
	type = oci_namespace_type(name);
	if (!type)
		return oci_fail(r, at, "unknown namespace '%s'", oci_quote(name).text);
	*(int *)into = type;
	return 0;
}

static int read_namespace(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD("type", read_namespace_type, oci_namespace, type),
		OCI_FIELD("path", oci_read_absolute_path_or_null, oci_namespace, path),
		{0},
	};
	const struct oci_namespace *namespace = into;
	int ret = oci_read_object(r, at, fields, into);

	if (ret == 0 && !namespace->type)
		return oci_fail_member(r, at, "type", "missing");
	return ret;
}

static int read_namespaces(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_config *config = into;
	int seen = 0, ret;

	ret = oci_read_array(r, at, sizeof(*config->namespaces), read_namespace,
			     &config->namespaces, &config->n_namespaces);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < config->n_namespaces; i++) {
		if (seen & config->namespaces[i].type)
			return oci_fail_element(r, at, i, "namespace '%s' is given twice",
						oci_namespace_name(config->namespaces[i].type));
		seen |= config->namespaces[i].type;
	}
	return 0;
}

/* ---- offsets of clocks ---- */

static int read_nanoseconds(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	uint64_t n;
	int ret = oci_read_unsigned(r, at, 999999999, &n);

	if (ret == 0)
		*(uint32_t *)into = (uint32_t)n;
	return ret;
}

static int read_time_offset(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD("secs", oci_read_i64, oci_time_offset, seconds),
		OCI_FIELD("nanosecs", read_nanoseconds, oci_time_offset, nanoseconds),
		{0},
	};
	struct oci_config *config = r->config;
	struct oci_time_offset *offset = &config->time_offsets[config->n_time_offsets++];

	(void)into;
	offset->clock = at->key;
	return oci_read_object(r, at, fields, offset);
}

/* Other clocks have no offsets: "the name of the clock", which is one of these (config-linux.md). */
static int read_time_offsets(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD_SELF("monotonic", read_time_offset),
		OCI_FIELD_SELF("boottime", read_time_offset),
		{0},
	};
	struct oci_config *config = into;

	config->time_offsets = oci_config_allocate(config, 2, sizeof(*config->time_offsets));
	if (!config->time_offsets)
		return error_oom(r->err);
	if (json_object_is_type(at->value, json_type_object)) {
		json_object_object_foreach(at->value, key, value) {
			(void)value;
			if (strcmp(key, "monotonic") != 0 && strcmp(key, "boottime") != 0)
				return oci_fail_member(r, at, key, "no clock that has an offset");
		}
	}
	return oci_read_object(r, at, fields, config);
}

/* ---- id maps ---- */

/* user_namespaces(7): at most 340 lines since Linux 4.15 */
#define ID_MAPS_MAX 340

static int read_id_map(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct seen {
		struct oci_id_map map;
		bool has_container, has_host, has_size;
	} seen = {0};
	static const struct oci_field fields[] = {
		OCI_FIELD_HAS("containerID", oci_read_u32, seen, map.container_id, has_container),
		OCI_FIELD_HAS("hostID", oci_read_u32, seen, map.host_id, has_host),
		OCI_FIELD_HAS("size", oci_read_u32, seen, map.size, has_size),
		{0},
	};
	const struct oci_id_map *map = &seen.map;
	int ret = oci_read_object(r, at, fields, &seen);

	if (ret < 0)
		return ret;
	if (!seen.has_container || !seen.has_host || !seen.has_size)
		return oci_fail_member(r, at,
				       !seen.has_container ? "containerID"
				       : !seen.has_host	   ? "hostID"
							   : "size",
				       "missing");
	if (map->size == 0)
		return oci_fail_member(r, at, "size", "0 ids map nothing");
	if (map->size > UINT32_MAX - map->container_id || map->size > UINT32_MAX - map->host_id)
		return oci_fail_member(r, at, "size", "%u ids from there go beyond the last one",
				       map->size);
	*(struct oci_id_map *)into = *map;
	return 0;
}

static bool ranges_overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a < b ? b - a < a_size : a - b < b_size;
}

int oci_read_id_maps(const struct oci_reader *r, const struct oci_node *at,
		     struct oci_id_map **maps, size_t *n)
{
	const struct oci_id_map *map;
	int ret = oci_read_array(r, at, sizeof(**maps), read_id_map, maps, n);

	if (ret < 0)
		return ret;
	if (*n > ID_MAPS_MAX)
		return oci_fail(r, at, "%zu entries, the kernel takes at most %d", *n, ID_MAPS_MAX);
	map = *maps;
	for (size_t i = 1; i < *n; i++)
		for (size_t j = 0; j < i; j++)
			if (ranges_overlap(map[i].container_id, map[i].size, map[j].container_id,
					   map[j].size) ||
			    ranges_overlap(map[i].host_id, map[i].size, map[j].host_id,
					   map[j].size))
				return oci_fail_element(r, at, i, "overlaps entry %zu", j);
	return 0;
}

static int read_uid_maps(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_config *config = into;

	return oci_read_id_maps(r, at, &config->uid_maps, &config->n_uid_maps);
}

static int read_gid_maps(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_config *config = into;

	return oci_read_id_maps(r, at, &config->gid_maps, &config->n_gid_maps);
}

/* ---- devices ---- */

/* include/linux/kdev_t.h: MINORBITS is 20 of 32 bits */
#define MAJOR_MAX ((1 << 12) - 1)
#define MINOR_MAX ((1 << 20) - 1)

static int read_major(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_integer(r, at, 0, MAJOR_MAX, into);
}

static int read_minor(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_integer(r, at, 0, MINOR_MAX, into);
}

static int read_device_type(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *type;
	int ret = oci_read_string(r, at, &type);

	if (ret < 0)
		return ret;
	if (strlen(type) != 1 || !strchr("cbup", type[0]))
		return oci_fail(r, at, "unknown device type '%s'", oci_quote(type).text);
	*(char *)into = type[0] == 'u' ? 'c' : type[0];
	return 0;
}

/* Engines that stat a device pass its whole st_mode; the type in it is said by "type" already. */
static int read_file_mode(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	uint64_t mode;
	int ret = oci_read_unsigned(r, at, S_IFMT | 07777, &mode);

	if (ret == 0)
		*(mode_t *)into = (mode_t)mode & 07777;
	return ret;
}

static int read_device(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct seen {
		struct oci_device device;
		bool has_major, has_minor;
	} seen = {0};
	static const struct oci_field fields[] = {
		OCI_FIELD("path", oci_read_absolute_path, seen, device.path),
		OCI_FIELD("type", read_device_type, seen, device.type),
		OCI_FIELD_HAS("major", read_major, seen, device.major, has_major),
		OCI_FIELD_HAS("minor", read_minor, seen, device.minor, has_minor),
		OCI_FIELD_HAS("fileMode", read_file_mode, seen, device.mode, device.has_mode),
		OCI_FIELD_HAS("uid", oci_read_u32, seen, device.uid, device.has_uid),
		OCI_FIELD_HAS("gid", oci_read_u32, seen, device.gid, device.has_gid),
		{0},
	};
	int ret = oci_read_object(r, at, fields, &seen);

	if (ret < 0)
		return ret;
	if (!seen.device.path)
		return oci_fail_member(r, at, "path", "missing");
	if (!seen.device.type)
		return oci_fail_member(r, at, "type", "missing");
	if (seen.device.type != 'p' && (!seen.has_major || !seen.has_minor))
		return oci_fail_member(r, at, seen.has_major ? "minor" : "major", "missing");
	*(struct oci_device *)into = seen.device;
	return 0;
}

static int read_devices(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_config *config = into;

	return oci_read_array(r, at, sizeof(*config->devices), read_device, &config->devices,
			      &config->n_devices);
}

/* ---- the rest ---- */

static int read_cgroups_path(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *path;
	int ret = oci_read_string_or_null(r, at, &path);

	if (ret < 0)
		return ret;
	for (const char *p = path; p && *p; p += strcspn(p, "/"), p += strspn(p, "/"))
		if (strcspn(p, "/") == 2 && p[0] == '.' && p[1] == '.')
			return oci_fail(r, at, "'%s' leads upwards by '..'", oci_quote(path).text);
	*(const char **)into = path;
	return 0;
}

static int read_propagation(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct {
		const char *name;
		unsigned long flags;
	} kinds[] = {
		{"", 0},
		{"private", MS_PRIVATE},
		{"rprivate", MS_PRIVATE | MS_REC},
		{"shared", MS_SHARED},
		{"rshared", MS_SHARED | MS_REC},
		{"slave", MS_SLAVE},
		{"rslave", MS_SLAVE | MS_REC},
		{"unbindable", MS_UNBINDABLE},
		{"runbindable", MS_UNBINDABLE | MS_REC},
	};
	const char *name;
	int ret = oci_read_string(r, at, &name);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			*(unsigned long *)into = kinds[i].flags;
			return 0;
		}
	}
	return oci_fail(r, at, "unknown propagation '%s'", oci_quote(name).text);
}

static int read_sysctl(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_config *config = into;

	return oci_read_pairs(r, at, NULL, &config->sysctl, &config->n_sysctl);
}

/* include/uapi/linux/personality.h */
static const struct oci_name personalities[] = {
	{"LINUX", 0x0000},
	{"LINUX32", 0x0008},
	{NULL, 0},
};

static int read_domain(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_name(r, at, personalities, "personality", into);
}

/* "flags": the specification has no value for it yet. */
static int read_personality(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD_HAS("domain", read_domain, oci_config, personality, has_personality),
		OCI_FIELD_REFUSED("flags"),
		{0},
	};
	struct oci_config *config = into;
	int ret = oci_read_object(r, at, fields, config);

	if (ret == 0 && !config->has_personality)
		return oci_fail_member(r, at, "domain", "missing");
	return ret;
}

static const struct oci_field linux_fields[] = {
	OCI_FIELD_SELF("namespaces", read_namespaces),
	OCI_FIELD_SELF("uidMappings", read_uid_maps),
	OCI_FIELD_SELF("gidMappings", read_gid_maps),
	OCI_FIELD_SELF("devices", read_devices),
	OCI_FIELD("cgroupsPath", read_cgroups_path, oci_config, cgroups_path),
	OCI_FIELD("resources", oci_read_resources, oci_config, resources),
	OCI_FIELD("rootfsPropagation", read_propagation, oci_config, rootfs_propagation),
	OCI_FIELD("seccomp", oci_read_seccomp, oci_config, seccomp),
	OCI_FIELD("maskedPaths", oci_read_absolute_paths, oci_config, masked_paths),
	OCI_FIELD("readonlyPaths", oci_read_absolute_paths, oci_config, readonly_paths),
	OCI_FIELD_SELF("sysctl", read_sysctl),
	OCI_FIELD("mountLabel", oci_read_string_or_null, oci_config, mount_label),
	OCI_FIELD_SELF("personality", read_personality),
	OCI_FIELD_HAS("intelRdt", oci_read_intel_rdt, oci_config, intel_rdt, has_intel_rdt),
	OCI_FIELD_SELF("netDevices", oci_read_net_devices),
	OCI_FIELD_SELF("timeOffsets", read_time_offsets),
	OCI_FIELD_HAS("memoryPolicy", oci_read_memory_policy, oci_config, memory_policy,
		      has_memory_policy),
	{0},
};

int oci_read_linux(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	return oci_read_object(r, at, linux_fields, into);
}
