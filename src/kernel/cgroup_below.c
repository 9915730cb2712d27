// SPDX-License-Identifier: GPL-2.0-or-later
/* Groups below a container's own, which somebody has made there: `exec --cgroup`. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/strings.h"
#include "kernel/cgroup_internal.h"

/* "a/b", with or without slashes around it, "" or "/": the group itself. */
static int check_below(const char *path, struct error *err)
{
	_cleanup_free_ char *copy = strdup(path);
	char *part, *save = NULL;

	if (!copy)
		return error_oom(err);
	if (strlen(path) >= PATH_MAX)
		return error_set(err, ENAMETOOLONG, "the path of the cgroup is too long");
	for (part = strtok_r(copy, "/", &save); part; part = strtok_r(NULL, "/", &save))
		if (!path_is_component(part))
			return error_set(err, EINVAL, "'%s' contains '%s'", path, part);
	return 0;
}

/* Lets PLACE's entrance be that of the group BELOW: -ENOENT when there is none. */
static int enter_below(struct cgroup_place *place, const char *below)
{
	char path[2 * PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s%s", place->directory, below,
		 place->version == 2 ? "" : "/tasks");
	fd = open(path,
		  place->version == 2 ? O_PATH | O_DIRECTORY | O_CLOEXEC : O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(place->entrance);
	place->entrance = fd;
	return 0;
}

static int open_one_below(struct cgroup *cg, const char *text, struct error *err)
{
	const char *colon = strchr(text, ':'), *below = colon ? colon + 1 : text;
	_cleanup_free_ char *names = colon ? strndup(text, (size_t)(colon - text)) : NULL;
	bool found = false;
	int r = check_below(below, err);

	if (r < 0)
		return r;
	if (colon && !names)
		return error_oom(err);
	for (size_t i = 0; i < cg->n; i++) {
		struct cgroup_place *place = &cg->places[i];

		if (names &&
		    !(place->controllers & cgroup_controllers_parse(names, ",", place->version)))
			continue;
		r = enter_below(place, below);
		if (r < 0 && r != -ENOENT)
			return error_errno(err, r, "enter '%s' below the cgroup '%s'", below,
					   place->directory);
		found |= r == 0;
	}
	return found ? 0 : error_set(err, ENOENT, "'%s' is no group below '%s'", text, cg->path);
}

int cgroup_open_below(struct cgroup *cg, char *const *groups, struct error *err)
{
	int r = cgroup_open(cg, err);

	for (; r == 0 && *groups; groups++)
		r = open_one_below(cg, *groups, err);
	return r;
}
