// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One container's group in every hierarchy: plan, enter, read and write; cgroup_make.c makes and
 * removes it.
 *
 * In: a layout and a path. Out: directories, and a record of them that is complete before the first
 * one is made. A plan says of every hierarchy how many components of the path, counted from the
 * leaf, are missing; those are the container's, and are what cgroup_remove takes away, whether all,
 * some or none of them were made. Nothing else is ever removed, except an empty /behalf: containers
 * that start at the same time find it missing or there by chance, so the last one clears it away.
 *
 * Invariants
 *  - The v2 hierarchy, if any, is the first place. A process is put there first (by clone3), then
 *    into the v1 hierarchies in order; so whoever is in any of them is in the first.
 *  - A group that was there before is used when it is empty and never removed; one that has
 *    processes is refused: they would be frozen and killed with the container.
 *
 * Entering. In the kernel, moving a process takes cgroup_threadgroup_rwsem for writing, and the
 * first to do so waits for an RCU grace period: 4 to 14 ms. Two ways do without: clone3 with
 * CLONE_INTO_CGROUP on v2, and on v1 a thread that writes "0" to `tasks`, since current alone can
 * neither exit nor exec meanwhile (kernel/cgroup/cgroup.c, cgroup_procs_write_start, since 5.5).
 * Ten hierarchies then cost about 0.3 ms together.
 */
#include "kernel/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/paths.h"
#include "base/strings.h"
#include "kernel/cgroup_internal.h"

#define CGROUP_READ_MAX_BYTES (1u << 20)

void cgroup_free(struct cgroup *cg)
{
	if (!cg)
		return;
	for (size_t i = 0; i < cg->n; i++) {
		free(cg->places[i].directory);
		if (cg->places[i].entrance >= 0)
			close(cg->places[i].entrance);
	}
	free(cg->path);
	free(cg);
}

void cleanup_cgroup(struct cgroup **cg)
{
	cgroup_free(*cg);
}

const char *cgroup_path(const struct cgroup *cg)
{
	return cg->path;
}

struct cgroup_place *cgroup_place_of(const struct cgroup *cg, enum cgroup_controller controller)
{
	/* The places belong to whoever holds CG, const or not. */
	struct cgroup_place *places = (struct cgroup_place *)cg->places;

	if (controller == CGROUP_CORE)
		return cg->n ? &places[0] : NULL;
	for (size_t i = 0; i < cg->n; i++)
		if (places[i].controllers & 1u << controller)
			return &places[i];
	return NULL;
}

int cgroup_version(const struct cgroup *cg, enum cgroup_controller controller)
{
	const struct cgroup_place *place = cgroup_place_of(cg, controller);

	return place ? place->version : 0;
}

const char *cgroup_directory(const struct cgroup *cg, enum cgroup_controller controller)
{
	const struct cgroup_place *place = cgroup_place_of(cg, controller);

	return place ? place->directory : NULL;
}

/* Plan. */

/* linux.cgroupsPath -> "/a/b": without doubled or trailing slashes. */
static int normalise_path(const char *path, char **normal, struct error *err)
{
	_cleanup_free_ char *copy = NULL, *out = NULL;
	char *part, *save = NULL;
	size_t used = 0;

	if (path[0] != '/' && strchr(path, ':'))
		return error_set(
			err, ENOTSUP,
			"'%s' is in the form of the systemd driver, which was not asked for "
			"(--systemd-cgroup); give a path like /behalf/ID",
			path);
	copy = string_format("%s/%s", path[0] == '/' ? "" : CGROUP_OWN_PARENT, path);
	out = copy ? calloc(1, strlen(copy) + 2) : NULL;
	if (!out)
		return error_oom(err);
	for (part = strtok_r(copy, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (!path_is_component(part))
			return error_set(err, EINVAL, "'%s' contains '%s'", path, part);
		if (strlen(part) > NAME_MAX)
			return error_set(err, ENAMETOOLONG, "'%.32s...' is longer than %d bytes",
					 part, NAME_MAX);
		out[used++] = '/';
		memcpy(out + used, part, strlen(part));
		used += strlen(part);
	}
	if (!used || path[0] == '\0')
		return error_set(err, EINVAL, "'%s' is the root, not a group of its own", path);
	if (used > PATH_MAX / 2)
		return error_set(err, ENAMETOOLONG, "the path is longer than %d bytes",
				 PATH_MAX / 2);
	*normal = take_ptr(out);
	return 0;
}

bool cgroup_has_processes(const char *directory)
{
	_cleanup_free_ char *path = string_format("%s/cgroup.procs", directory);
	_cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -EBADF;
	char byte;

	return fd >= 0 && read(fd, &byte, 1) > 0;
}

/* How many components from the leaf up are not there. */
static int count_missing(struct cgroup_place *place, struct error *err)
{
	char path[PATH_MAX];
	size_t length = strlen(place->directory);

	memcpy(path, place->directory, length + 1);
	place->missing = 0;
	while (length > place->mount_length && faccessat(AT_FDCWD, path, F_OK, 0) < 0) {
		place->missing++;
		while (path[--length] != '/')
			;
		path[length] = '\0';
	}
	if (!place->missing && cgroup_has_processes(place->directory))
		return error_set(err, EBUSY, "the cgroup '%s' exists and has processes",
				 place->directory);
	return 0;
}

static int add_place(struct cgroup *cg, int version, uint32_t controllers, const char *mount,
		     struct error *err)
{
	struct cgroup_place *place = &cg->places[cg->n];

	place->directory = string_format("%s%s", mount, cg->path);
	if (!place->directory)
		return error_oom(err);
	place->entrance = -EBADF;
	cg->n++;
	if (strlen(place->directory) + NAME_MAX >= PATH_MAX)
		return error_set(err, ENAMETOOLONG, "the path of the cgroup '%s' is too long",
				 cg->path);
	place->mount_length = strlen(mount);
	place->version = version;
	place->controllers = controllers;
	return 0;
}

int cgroup_plan(const struct cgroup_layout *layout, const char *path, struct cgroup **cg,
		struct error *err)
{
	_cleanup_(cleanup_cgroup) struct cgroup *new = calloc(1, sizeof(*new));
	int r;

	if (!new)
		return error_oom(err);
	r = normalise_path(path, &new->path, err);
	for (size_t i = 0; r == 0 && i < layout->n; i++) {
		const struct cgroup_hierarchy *h = &layout->hierarchies[i];

		r = add_place(new, h->version, h->controllers, h->mount, err);
		if (r == 0)
			r = count_missing(&new->places[i], err);
	}
	if (r < 0)
		return r;
	*cg = take_ptr(new);
	return 0;
}

/* Enter. */

static int open_place(struct cgroup_place *place)
{
	char path[CGROUP_FILE_BYTES];

	if (place->entrance >= 0)
		return 0;
	if (place->version == 2) {
		place->entrance = open(place->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	} else {
		snprintf(path, sizeof(path), "%s/tasks", place->directory);
		place->entrance = open(path, O_WRONLY | O_CLOEXEC);
	}
	return place->entrance < 0 ? -errno : 0;
}

int cgroup_open(struct cgroup *cg, struct error *err)
{
	size_t i = 0;
	int r;

	while (i < cg->n) {
		r = open_place(&cg->places[i]);
		if (r < 0 && !cgroup_drop_denied(cg, i, r))
			return error_errno(err, r, "open the cgroup '%s'", cg->places[i].directory);
		i += r == 0;
	}
	return 0;
}

/* Whether the v2 group at DIRECTORY hands controllers on, and so takes no processes. */
static bool is_inner(int directory)
{
	_cleanup_free_ char *text = NULL;

	return file_read_at(directory, "cgroup.subtree_control", 4096, &text, NULL, NULL) == 0 &&
	       text[0] && text[0] != '\n';
}

/* The group PID is in, below PLACE's: what follows PLACE's own path, or NULL. */
static char *path_below(const struct cgroup *cg, pid_t pid)
{
	_cleanup_free_ char *path = string_format("/proc/%d/cgroup", pid), *text = NULL;
	size_t length = strlen(cg->path);
	char *line, *save = NULL;

	if (!path || file_read_at(AT_FDCWD, path, 65536, &text, NULL, NULL) < 0)
		return NULL;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *group = line + strlen("0::");

		if (!string_starts_with(line, "0::/"))
			continue;
		if (!strncmp(group, cg->path, length) && group[length] == '/')
			return strdup(group + length + 1);
	}
	return NULL;
}

int cgroup_open_beside(struct cgroup *cg, pid_t pid, struct error *err)
{
	_cleanup_free_ char *below = NULL;
	struct cgroup_place *place;
	int fd, r;

	r = cgroup_open(cg, err);
	place = cgroup_place_of(cg, CGROUP_CORE);
	if (r < 0 || !place || place->version != 2 || !is_inner(place->entrance))
		return r;
	below = path_below(cg, pid);
	fd = below ? openat(place->entrance, below, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0)
		return error_set(err, EBUSY,
				 "the cgroup '%s' has groups below it, and none is found for "
				 "another process",
				 place->directory);
	close(place->entrance);
	place->entrance = fd;
	return 0;
}

int cgroup_clone_fd(const struct cgroup *cg)
{
	return cg->n && cg->places[0].version == 2 ? cg->places[0].entrance : -EBADF;
}

int cgroup_enter_self(const struct cgroup *cg, bool cloned_into, struct error *err)
{
	for (size_t i = 0; i < cg->n; i++) {
		const struct cgroup_place *place = &cg->places[i];
		_cleanup_close_ int procs = -EBADF;
		int fd = place->entrance;

		if (place->version == 2) {
			if (cloned_into)
				continue;
			fd = procs = openat(fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
		}
		if (fd < 0 || write(fd, "0", 1) < 0)
			return error_errno(err, errno, "enter the cgroup '%s'", place->directory);
	}
	return 0;
}

int cgroup_enter(struct cgroup *cg, pid_t pid, struct error *err)
{
	char path[PATH_MAX], text[16];
	int r;

	snprintf(text, sizeof(text), "%d", pid);
	for (size_t i = 0; i < cg->n; i++) {
		snprintf(path, sizeof(path), "%s/cgroup.procs", cg->places[i].directory);
		r = file_write_at(AT_FDCWD, path, text, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Files. */

static int find_file(const struct cgroup *cg, enum cgroup_controller controller, const char *file,
		     const struct cgroup_place **place, char *path, struct error *err)
{
	*place = cgroup_place_of(cg, controller);
	if (!*place && cg->denied)
		return error_set(err, EACCES, "this user may not use the cgroup controller '%s'",
				 cgroup_controller_name(controller, 2));
	if (!cg->n)
		return error_set(err, ENODEV, "no cgroup hierarchy is mounted");
	if (!*place)
		return error_set(err, ENODEV, "this host has no cgroup controller '%s'",
				 cgroup_controller_name(controller, cg->places[0].version));
	snprintf(path, CGROUP_FILE_BYTES, "%s/%s", (*place)->directory, file);
	return 0;
}

/*
 * After an access to PATH failed with R: 0 when it is worth another try because its controller has
 * been enabled now, else the failure, told in words of controllers.
 */
static int explain(const struct cgroup_place *place, enum cgroup_controller controller,
		   const char *path, int r, struct error *err)
{
	if (r != -ENOENT || faccessat(AT_FDCWD, path, F_OK, 0) == 0 ||
	    faccessat(AT_FDCWD, place->directory, F_OK, 0) < 0)
		return r;
	if (place->version == 2 && controller != CGROUP_CORE) {
		r = cgroup_enable(place, 1u << controller, err);
		if (r < 0 || faccessat(AT_FDCWD, path, F_OK, 0) == 0)
			return r;
	}
	return error_set(err, ENOENT, "the cgroup controller '%s' has no '%s' on this host",
			 cgroup_controller_name(controller, place->version),
			 strrchr(path, '/') + 1);
}

int cgroup_write(struct cgroup *cg, enum cgroup_controller controller, const char *file,
		 const char *text, struct error *err)
{
	const struct cgroup_place *place;
	char path[CGROUP_FILE_BYTES];
	int r;

	r = find_file(cg, controller, file, &place, path, err);
	if (r < 0)
		return r;
	r = file_write_at(AT_FDCWD, path, text, err);
	if (r == 0)
		return 0;
	r = explain(place, controller, path, r, err);
	return r < 0 ? r : file_write_at(AT_FDCWD, path, text, err);
}

int cgroup_read(struct cgroup *cg, enum cgroup_controller controller, const char *file, char **text,
		struct error *err)
{
	const struct cgroup_place *place;
	char path[CGROUP_FILE_BYTES];
	size_t size = 0;
	int r;

	r = find_file(cg, controller, file, &place, path, err);
	if (r < 0)
		return r;
	r = file_read_at(AT_FDCWD, path, CGROUP_READ_MAX_BYTES, text, &size, err);
	if (r < 0) {
		r = explain(place, controller, path, r, err);
		if (r == 0)
			r = file_read_at(AT_FDCWD, path, CGROUP_READ_MAX_BYTES, text, &size, err);
	}
	if (r < 0)
		return r;
	while (size && (*text)[size - 1] == '\n')
		(*text)[--size] = '\0';
	return 0;
}
