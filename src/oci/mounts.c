// SPDX-License-Identifier: GPL-2.0-or-later
/* mounts (config.md, "Mounts" and "Linux mount options"). */
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "oci/parse.h"

/* glibc's sys/mount.h and the kernel's linux/mount.h do not always bring these */
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

enum kind {
	SET,	       /* flags |= value */
	CLEAR,	       /* flags &= ~value, and remembered in clear_flags */
	PROPAGATION,   /* propagation = value */
	RECURSIVE_SET, /* recursive_set |= value */
	RECURSIVE_CLEAR,
	TMPCOPYUP,
	COPY_SYMLINK,
	IDMAP, /* value: of the mounts below, too */
};

/* Sorted by name, looked up by halving. */
static const struct mount_option {
	const char *name;
	enum kind kind;
	unsigned long value;
} mount_options[] = {
	{"acl", SET, MS_POSIXACL},
	{"async", CLEAR, MS_SYNCHRONOUS},
	{"atime", CLEAR, MS_NOATIME},
	{"bind", SET, MS_BIND},
	{"copy-symlink", COPY_SYMLINK, 0},
	{"defaults", SET, 0},
	{"dev", CLEAR, MS_NODEV},
	{"diratime", CLEAR, MS_NODIRATIME},
	{"dirsync", SET, MS_DIRSYNC},
	{"exec", CLEAR, MS_NOEXEC},
	{"idmap", IDMAP, 0},
	{"iversion", SET, MS_I_VERSION},
	{"lazytime", SET, MS_LAZYTIME},
	{"loud", CLEAR, MS_SILENT},
	{"mand", SET, MS_MANDLOCK},
	{"noacl", CLEAR, MS_POSIXACL},
	{"noatime", SET, MS_NOATIME},
	{"nodev", SET, MS_NODEV},
	{"nodiratime", SET, MS_NODIRATIME},
	{"noexec", SET, MS_NOEXEC},
	{"noiversion", CLEAR, MS_I_VERSION},
	{"nolazytime", CLEAR, MS_LAZYTIME},
	{"nomand", CLEAR, MS_MANDLOCK},
	{"norelatime", CLEAR, MS_RELATIME},
	{"nostrictatime", CLEAR, MS_STRICTATIME},
	{"nosuid", SET, MS_NOSUID},
	{"nosymfollow", SET, MS_NOSYMFOLLOW},
	{"private", PROPAGATION, MS_PRIVATE},
	{"ratime", RECURSIVE_CLEAR, MOUNT_ATTR_NOATIME},
	{"rbind", SET, MS_BIND | MS_REC},
	{"rdev", RECURSIVE_CLEAR, MOUNT_ATTR_NODEV},
	{"rdiratime", RECURSIVE_CLEAR, MOUNT_ATTR_NODIRATIME},
	{"relatime", SET, MS_RELATIME},
	{"remount", SET, MS_REMOUNT},
	{"rexec", RECURSIVE_CLEAR, MOUNT_ATTR_NOEXEC},
	{"ridmap", IDMAP, 1},
	{"rnoatime", RECURSIVE_SET, MOUNT_ATTR_NOATIME},
	{"rnodev", RECURSIVE_SET, MOUNT_ATTR_NODEV},
	{"rnodiratime", RECURSIVE_SET, MOUNT_ATTR_NODIRATIME},
	{"rnoexec", RECURSIVE_SET, MOUNT_ATTR_NOEXEC},
	{"rnorelatime", RECURSIVE_CLEAR, MOUNT_ATTR__ATIME},
	{"rnostrictatime", RECURSIVE_CLEAR, MOUNT_ATTR_STRICTATIME},
	{"rnosuid", RECURSIVE_SET, MOUNT_ATTR_NOSUID},
	{"rnosymfollow", RECURSIVE_SET, MOUNT_ATTR_NOSYMFOLLOW},
	{"ro", SET, MS_RDONLY},
	{"rprivate", PROPAGATION, MS_PRIVATE | MS_REC},
	{"rrelatime", RECURSIVE_SET, MOUNT_ATTR_RELATIME},
	{"rro", RECURSIVE_SET, MOUNT_ATTR_RDONLY},
	{"rrw", RECURSIVE_CLEAR, MOUNT_ATTR_RDONLY},
	{"rshared", PROPAGATION, MS_SHARED | MS_REC},
	{"rslave", PROPAGATION, MS_SLAVE | MS_REC},
	{"rstrictatime", RECURSIVE_SET, MOUNT_ATTR_STRICTATIME},
	{"rsuid", RECURSIVE_CLEAR, MOUNT_ATTR_NOSUID},
	{"rsymfollow", RECURSIVE_CLEAR, MOUNT_ATTR_NOSYMFOLLOW},
	{"runbindable", PROPAGATION, MS_UNBINDABLE | MS_REC},
	{"rw", CLEAR, MS_RDONLY},
	{"shared", PROPAGATION, MS_SHARED},
	{"silent", SET, MS_SILENT},
	{"slave", PROPAGATION, MS_SLAVE},
	{"strictatime", SET, MS_STRICTATIME},
	{"suid", CLEAR, MS_NOSUID},
	{"symfollow", CLEAR, MS_NOSYMFOLLOW},
	{"sync", SET, MS_SYNCHRONOUS},
	{"tmpcopyup", TMPCOPYUP, 0},
	{"unbindable", PROPAGATION, MS_UNBINDABLE},
};

const char *oci_mount_option_name(size_t nth)
{
	return nth < ARRAY_SIZE(mount_options) ? mount_options[nth].name : NULL;
}

static const struct mount_option *find_option(const char *name)
{
	size_t low = 0, high = ARRAY_SIZE(mount_options);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(name, mount_options[middle].name);

		if (order == 0)
			return &mount_options[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/*
 * mount_setattr(2): the access-time settings are one field, not bits; whoever changes it clears all
 * of it first.
 */
static void apply_recursive(struct oci_mount *mount, enum kind kind, uint64_t value)
{
	bool is_atime = (value & MOUNT_ATTR__ATIME) || value == MOUNT_ATTR_RELATIME;

	if (is_atime) {
		mount->recursive_clear |= MOUNT_ATTR__ATIME;
		mount->recursive_set &= ~(uint64_t)MOUNT_ATTR__ATIME;
	}
	if (kind == RECURSIVE_SET) {
		mount->recursive_set |= value;
		if (!is_atime)
			mount->recursive_clear &= ~value;
	} else if (!is_atime) {
		mount->recursive_clear |= value;
		mount->recursive_set &= ~value;
	}
}

static void apply_option(struct oci_mount *mount, const struct mount_option *option)
{
	switch (option->kind) {
	case SET:
		mount->flags |= option->value;
		mount->clear_flags &= ~option->value;
		break;
	case CLEAR:
		mount->flags &= ~option->value;
		mount->clear_flags |= option->value;
		break;
	case PROPAGATION:
		mount->propagation = option->value;
		break;
	case RECURSIVE_SET:
	case RECURSIVE_CLEAR:
		apply_recursive(mount, option->kind, option->value);
		break;
	case TMPCOPYUP:
		mount->tmpcopyup = true;
		break;
	case COPY_SYMLINK:
		mount->copy_symlink = true;
		break;
	case IDMAP:
		mount->idmap = true;
		mount->idmap_recursive = option->value;
		break;
	}
}

/* "idmap=uids=...;gids=...": what is behind the first equals sign, else NULL. */
static const char *maps_of_option(const char *option)
{
	const char *name = option[0] == 'r' ? option + 1 : option;

	return string_starts_with(name, "idmap=") ? name + strlen("idmap=") : NULL;
}

/*
 * Applies the options; those that are not ours are the file system's and are joined into one
 * string. The join cannot be longer than the options and their commas.
 */
static int apply_options(const struct oci_reader *r, const struct oci_node *at,
			 struct oci_mount *mount, char **options)
{
	size_t size = 1, used = 0;
	char *data;

	for (size_t i = 0; options[i]; i++)
		size += strlen(options[i]) + 1;
	data = oci_config_allocate(r->config, size, 1);
	if (!data)
		return error_oom(r->err);
	for (size_t i = 0; options[i]; i++) {
		const struct mount_option *option = find_option(options[i]);
		size_t length = strlen(options[i]);

		if (maps_of_option(options[i])) {
			int ret = oci_read_mount_maps(r, at, i, maps_of_option(options[i]), mount);

			if (ret < 0)
				return ret;
			mount->idmap = true;
			mount->idmap_recursive = options[i][0] == 'r';
			continue;
		}
		if (option) {
			apply_option(mount, option);
			continue;
		}
		if (used && length)
			data[used++] = ',';
		memcpy(data + used, options[i], length);
		used += length;
	}
	mount->data = used ? data : NULL;
	return 0;
}

/*
 * A bind mount, and the view of the cgroups that is built from bind mounts, have no file system that
 * could make sense of an option; so nobody would ever tell that it is unknown. Any other mount is
 * told by the kernel.
 */
static int check_no_data(const struct oci_reader *r, const struct oci_node *at,
			 const struct oci_mount *mount, char **options)
{
	if (!mount->data || (!mount->bind && !(mount->type && strcmp(mount->type, "cgroup") == 0)))
		return 0;
	for (size_t i = 0; options[i]; i++) {
		if (!options[i][0] || find_option(options[i]) || maps_of_option(options[i]))
			continue;
		return oci_fail_element(r, at, i, "unknown mount option '%s'",
					oci_quote(options[i]).text);
	}
	return 0;
}

static int read_destination(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	int ret = oci_read_string(r, at, into);

	if (ret == 0 && !**(const char **)into)
		return oci_fail(r, at, "the path is empty");
	return ret;
}

static int read_options(const struct oci_reader *r, const struct oci_node *at,
			struct oci_mount *mount, char **options)
{
	const struct oci_node node = {.parent = at, .key = "options"};
	int ret = options ? apply_options(r, &node, mount, options) : 0;

	if (ret < 0)
		return ret;
	if ((mount->flags & MS_BIND) || (mount->type && strcmp(mount->type, "bind") == 0)) {
		mount->bind = true;
		mount->flags |= MS_BIND;
	}
	return options ? check_no_data(r, &node, mount, options) : 0;
}

/* The mount is the first member of what is read into. */
static int read_uid_maps(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_mount *mount = into;

	return oci_read_id_maps(r, at, &mount->uid_maps, &mount->n_uid_maps);
}

static int read_gid_maps(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_mount *mount = into;

	return oci_read_id_maps(r, at, &mount->gid_maps, &mount->n_gid_maps);
}

/* "If specified, ... the runtime MUST" map (config.md, "Mounts"), with the option or without it. */
static int check_idmap(const struct oci_reader *r, const struct oci_node *at,
		       struct oci_mount *mount)
{
	if (!mount->n_uid_maps != !mount->n_gid_maps)
		return oci_fail_member(r, at, mount->n_uid_maps ? "gidMappings" : "uidMappings",
				       "missing beside the other one");
	mount->idmap |= mount->n_uid_maps != 0;
	if (mount->idmap && !mount->bind)
		return oci_fail(r, at, "only a bind mount can be id-mapped");
	return 0;
}

static int read_mount(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct seen {
		struct oci_mount mount;
		char **options;
	} seen = {0};
	static const struct oci_field fields[] = {
		OCI_FIELD("destination", read_destination, seen, mount.destination),
		OCI_FIELD("type", oci_read_string_or_null, seen, mount.type),
		OCI_FIELD("source", oci_read_string_or_null, seen, mount.source),
		OCI_FIELD("options", oci_read_strings, seen, options),
		OCI_FIELD_SELF("uidMappings", read_uid_maps),
		OCI_FIELD_SELF("gidMappings", read_gid_maps),
		{0},
	};
	const struct oci_mount *mount = &seen.mount;
	int ret = oci_read_object(r, at, fields, &seen);

	if (ret < 0)
		return ret;
	if (!mount->destination)
		return oci_fail_member(r, at, "destination", "missing");
	ret = read_options(r, at, &seen.mount, seen.options);
	if (ret < 0)
		return ret;
	ret = check_idmap(r, at, &seen.mount);
	if (ret < 0)
		return ret;
	if (mount->bind && !mount->source && !(mount->flags & MS_REMOUNT))
		return oci_fail_member(r, at, "source", "missing, a bind mount needs one");
	if (!mount->bind && !mount->type && !(mount->flags & MS_REMOUNT) && !mount->propagation)
		return oci_fail_member(r, at, "type", "missing");
	*(struct oci_mount *)into = *mount;
	return 0;
}

int oci_read_mounts(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	struct oci_config *config = into;

	return oci_read_array(r, at, sizeof(*config->mounts), read_mount, &config->mounts,
			      &config->n_mounts);
}
