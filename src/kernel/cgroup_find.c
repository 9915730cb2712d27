// SPDX-License-Identifier: GPL-2.0-or-later
/* A group that somebody else made: wherever its path is, with its processes; nothing of it is ours to remove. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/cgroup_internal.h"

/* A path with a mount point before it, as people copy it, without that. */
static const char *below_mount(const struct cgroup_layout *layout, const char *path)
{
	const char *below = path;
	size_t longest = 0;

	for (size_t i = 0; i < layout->n; i++) {
		const char *mount = layout->hierarchies[i].mount;
		size_t length = strlen(mount);

		if (length > longest && strncmp(path, mount, length) == 0 &&
		    (path[length] == '/' || !path[length])) {
			longest = length;
			below = path + length;
		}
	}
	return below;
}

static int check(const char *path, const char *given, struct error *err)
{
	if (path[0] != '/' || !path[1])
		return error_set(err, EINVAL,
				 "'%s' is no path of a control group: it begins with / and is "
				 "not the root",
				 given);
	if (strlen(path) > PATH_MAX / 2 || strstr(path, "//") || strstr(path, "/../") ||
	    string_ends_with(path, "/..") || strstr(path, "/./") || string_ends_with(path, "/."))
		return error_set(err, EINVAL, "'%s' is no plain path of a control group", given);
	return 0;
}

static int add_if_there(struct cgroup *cg, const struct cgroup_hierarchy *h, struct error *err)
{
	_cleanup_free_ char *directory = string_format("%s%s", h->mount, cg->path);
	struct stat st;

	if (!directory)
		return error_oom(err);
	if (lstat(directory, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	cg->places[cg->n++] = (struct cgroup_place){.version = h->version,
						    .controllers = h->controllers,
						    .mount_length = strlen(h->mount),
						    .entrance = -EBADF,
						    .directory = take_ptr(directory)};
	return 0;
}

int cgroup_find(const struct cgroup_layout *layout, const char *given, struct cgroup **cg,
		struct error *err)
{
	_cleanup_(cleanup_cgroup) struct cgroup *new = calloc(1, sizeof(*new));
	size_t length;
	int r = 0;

	if (!new)
		return error_oom(err);
	new->path = strdup(below_mount(layout, given));
	if (!new->path)
		return error_oom(err);
	for (length = strlen(new->path); length > 1 && new->path[length - 1] == '/';)
		new->path[--length] = '\0';
	r = check(new->path, given, err);
	for (size_t i = 0; r == 0 && i < layout->n; i++)
		r = add_if_there(new, &layout->hierarchies[i], err);
	if (r < 0)
		return r;
	if (new->n == 0)
		return error_set(err, ENOENT, "there is no control group '%s'", new->path);
	*cg = take_ptr(new);
	return 0;
}
