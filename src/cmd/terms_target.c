// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/terms_target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "cmd/called.h"
#include "ledger/names.h"

#define DEPTH_MAX 16

struct search {
	struct ledger_engines *engines;
	const char *name;
	size_t skip; /* of paths: the mount point */
	char *found; /* path in the hierarchy */
	bool exact;
	unsigned int matches;
};

static bool is_exactly(const char *name, const char *wanted)
{
	return name && strcmp(name, wanted) == 0;
}

static bool begins_with(const char *name, const char *wanted)
{
	return name && name[0] != '/' && string_starts_with(name, wanted);
}

/* Groups below a container's are the container's own affair. */
static bool consider(struct search *s, const char *directory)
{
	_cleanup_free_ char *name = ledger_name_of_path(directory + s->skip);
	_cleanup_free_ char *called =
		s->engines ? ledger_engines_name(s->engines, directory + s->skip) : NULL;
	bool exact = is_exactly(name, s->name) || is_exactly(called, s->name);

	if (!exact && !begins_with(name, s->name) && !begins_with(called, s->name))
		return false;
	if (s->exact && !exact)
		return true;
	if (exact && !s->exact)
		s->matches = 0;
	s->exact = exact;
	if (s->matches++ == 0 || !exact) {
		free(s->found);
		s->found = strdup(directory + s->skip);
	}
	return true;
}

static void walk(struct search *s, const char *directory, int depth)
{
	_cleanup_closedir_ DIR *dir = opendir(directory);
	struct dirent *entry;

	while (dir && depth < DEPTH_MAX && (entry = readdir(dir))) {
		_cleanup_free_ char *path = NULL;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		path = string_format("%s/%s", directory, entry->d_name);
		if (path && !consider(s, path))
			walk(s, path, depth + 1);
	}
}

static int find_container(const struct cgroup_layout *layout, const char *name, char **path,
			  struct error *err)
{
	const char *mount = cgroup_layout_mount(layout, CGROUP_CPU);
	_cleanup_(cleanup_ledger_engines) struct ledger_engines *engines = called_engines();
	struct search s = {.engines = engines, .name = name, .skip = mount ? strlen(mount) : 0};

	if (mount)
		walk(&s, mount, 0);
	if (s.matches == 1 && s.found) {
		*path = s.found;
		return 0;
	}
	free(s.found);
	if (s.matches > 1)
		return error_set(err, ENOTUNIQ, "more than one container is called '%s...'", name);
	return error_set(
		err, ENOENT,
		"no container that runs has an id, or a name that its engine gives, that begins "
		"with '%s'; or give the path of a control group, which begins with /",
		name);
}

static bool is_meant(const struct promise *p, const char *state_root, const char *name)
{
	if (p->kind == PROMISE_CGROUP || strcmp(p->name, name) != 0)
		return p->kind == PROMISE_CGROUP && strcmp(p->name, name) == 0;
	return p->state_root && strcmp(p->state_root, state_root) == 0;
}

static bool take(struct promise_list *list, const char *state_root, const char *name,
		 struct promise *promise)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!is_meant(&list->items[i], state_root, name))
			continue;
		*promise = list->items[i];
		list->items[i] = (struct promise){0};
		return true;
	}
	return false;
}

int terms_target_find(const char *state_root, const char *name, struct promise *promise,
		      struct error *err)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	_cleanup_(promise_list_clear) struct promise_list list = {0};
	_cleanup_(cleanup_cgroup) struct cgroup *cgroup = NULL;
	_cleanup_free_ char *path = NULL;
	int r = promises_read(-EBADF, &list, err);

	if (r < 0 || take(&list, state_root, name, promise))
		return r;
	r = cgroup_layout_read(&layout, err);
	if (r == 0 && name[0] != '/')
		r = find_container(layout, name, &path, err);
	if (r == 0)
		r = cgroup_find(layout, path ? path : name, &cgroup, err);
	if (r < 0)
		return r;
	if (!cgroup_directory(cgroup, CGROUP_CPU))
		return error_set(err, ENODEV,
				 "the control group '%s' is not in the hierarchy of the cpu "
				 "controller",
				 cgroup_path(cgroup));
	if (take(&list, state_root, cgroup_path(cgroup), promise))
		return 0;
	promise->kind = PROMISE_CGROUP;
	promise->name = strdup(cgroup_path(cgroup));
	if (!promise->name)
		return error_oom(err);
	return promise_set_cgroup(promise, cgroup, err);
}
