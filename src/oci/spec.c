// SPDX-License-Identifier: GPL-2.0-or-later
/* The configurations that `behalf spec` writes: a shell in ./rootfs, with few privileges. */
#include "oci/config.h"

#include <string.h>

#include "base/json.h"

const char *oci_spec_default(void)
{
	/* clang-format off */
	static const char text[] =
		"{\n"
		"  \"ociVersion\": \"1.3.0\",\n"
		"  \"process\": {\n"
		"    \"terminal\": true,\n"
		"    \"user\": {\n"
		"      \"uid\": 0,\n"
		"      \"gid\": 0\n"
		"    },\n"
		"    \"args\": [\n"
		"      \"sh\"\n"
		"    ],\n"
		"    \"env\": [\n"
		"      \"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\n"
		"      \"TERM=xterm\"\n"
		"    ],\n"
		"    \"cwd\": \"/\",\n"
		"    \"capabilities\": {\n"
		"      \"bounding\": [\n"
		"        \"CAP_AUDIT_WRITE\",\n"
		"        \"CAP_KILL\",\n"
		"        \"CAP_NET_BIND_SERVICE\"\n"
		"      ],\n"
		"      \"effective\": [\n"
		"        \"CAP_AUDIT_WRITE\",\n"
		"        \"CAP_KILL\",\n"
		"        \"CAP_NET_BIND_SERVICE\"\n"
		"      ],\n"
		"      \"permitted\": [\n"
		"        \"CAP_AUDIT_WRITE\",\n"
		"        \"CAP_KILL\",\n"
		"        \"CAP_NET_BIND_SERVICE\"\n"
		"      ],\n"
		"      \"ambient\": [\n"
		"        \"CAP_AUDIT_WRITE\",\n"
		"        \"CAP_KILL\",\n"
		"        \"CAP_NET_BIND_SERVICE\"\n"
		"      ]\n"
		"    },\n"
		"    \"rlimits\": [\n"
		"      {\n"
		"        \"type\": \"RLIMIT_NOFILE\",\n"
		"        \"hard\": 1024,\n"
		"        \"soft\": 1024\n"
		"      }\n"
		"    ],\n"
		"    \"noNewPrivileges\": true\n"
		"  },\n"
		"  \"root\": {\n"
		"    \"path\": \"rootfs\",\n"
		"    \"readonly\": true\n"
		"  },\n"
		"  \"hostname\": \"behalf\",\n"
		"  \"mounts\": [\n"
		"    {\n"
		"      \"destination\": \"/proc\",\n"
		"      \"type\": \"proc\",\n"
		"      \"source\": \"proc\"\n"
		"    },\n"
		"    {\n"
		"      \"destination\": \"/dev\",\n"
		"      \"type\": \"tmpfs\",\n"
		"      \"source\": \"tmpfs\",\n"
		"      \"options\": [\n"
		"        \"nosuid\",\n"
		"        \"strictatime\",\n"
		"        \"mode=755\",\n"
		"        \"size=65536k\"\n"
		"      ]\n"
		"    },\n"
		"    {\n"
		"      \"destination\": \"/dev/pts\",\n"
		"      \"type\": \"devpts\",\n"
		"      \"source\": \"devpts\",\n"
		"      \"options\": [\n"
		"        \"nosuid\",\n"
		"        \"noexec\",\n"
		"        \"newinstance\",\n"
		"        \"ptmxmode=0666\",\n"
		"        \"mode=0620\",\n"
		"        \"gid=5\"\n"
		"      ]\n"
		"    },\n"
		"    {\n"
		"      \"destination\": \"/dev/shm\",\n"
		"      \"type\": \"tmpfs\",\n"
		"      \"source\": \"shm\",\n"
		"      \"options\": [\n"
		"        \"nosuid\",\n"
		"        \"noexec\",\n"
		"        \"nodev\",\n"
		"        \"mode=1777\",\n"
		"        \"size=65536k\"\n"
		"      ]\n"
		"    },\n"
		"    {\n"
		"      \"destination\": \"/dev/mqueue\",\n"
		"      \"type\": \"mqueue\",\n"
		"      \"source\": \"mqueue\",\n"
		"      \"options\": [\n"
		"        \"nosuid\",\n"
		"        \"noexec\",\n"
		"        \"nodev\"\n"
		"      ]\n"
		"    },\n"
		"    {\n"
		"      \"destination\": \"/sys\",\n"
		"      \"type\": \"sysfs\",\n"
		"      \"source\": \"sysfs\",\n"
		"      \"options\": [\n"
		"        \"nosuid\",\n"
		"        \"noexec\",\n"
		"        \"nodev\",\n"
		"        \"ro\"\n"
		"      ]\n"
		"    },\n"
		"    {\n"
		"      \"destination\": \"/sys/fs/cgroup\",\n"
		"      \"type\": \"cgroup\",\n"
		"      \"source\": \"cgroup\",\n"
		"      \"options\": [\n"
		"        \"nosuid\",\n"
		"        \"noexec\",\n"
		"        \"nodev\",\n"
		"        \"relatime\",\n"
		"        \"ro\"\n"
		"      ]\n"
		"    }\n"
		"  ],\n"
		"  \"linux\": {\n"
		"    \"resources\": {\n"
		"      \"devices\": [\n"
		"        {\n"
		"          \"allow\": false,\n"
		"          \"access\": \"rwm\"\n"
		"        }\n"
		"      ]\n"
		"    },\n"
		"    \"namespaces\": [\n"
		"      {\n"
		"        \"type\": \"pid\"\n"
		"      },\n"
		"      {\n"
		"        \"type\": \"network\"\n"
		"      },\n"
		"      {\n"
		"        \"type\": \"ipc\"\n"
		"      },\n"
		"      {\n"
		"        \"type\": \"uts\"\n"
		"      },\n"
		"      {\n"
		"        \"type\": \"mount\"\n"
		"      }\n"
		"    ],\n"
		"    \"maskedPaths\": [\n"
		"      \"/proc/acpi\",\n"
		"      \"/proc/asound\",\n"
		"      \"/proc/kcore\",\n"
		"      \"/proc/keys\",\n"
		"      \"/proc/latency_stats\",\n"
		"      \"/proc/timer_list\",\n"
		"      \"/proc/timer_stats\",\n"
		"      \"/proc/sched_debug\",\n"
		"      \"/sys/firmware\",\n"
		"      \"/proc/scsi\"\n"
		"    ],\n"
		"    \"readonlyPaths\": [\n"
		"      \"/proc/bus\",\n"
		"      \"/proc/fs\",\n"
		"      \"/proc/irq\",\n"
		"      \"/proc/sys\",\n"
		"      \"/proc/sysrq-trigger\"\n"
		"    ]\n"
		"  }\n"
		"}\n";
	/* clang-format on */

	return text;
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
