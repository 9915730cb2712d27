// SPDX-License-Identifier: GPL-2.0-or-later
/* Making a planned group in every hierarchy, and removing it. The theory is in cgroup.c. */
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
#include "base/strings.h"
#include "kernel/cgroup_internal.h"

#define REMOVE_TIMEOUT_NS 5000000000ll
/* How often a directory that somebody else removes while it is made is made again. */
#define MAKE_ATTEMPTS 100

/* What engines read statistics of; others are enabled when a resource needs them. */
#define ENABLED_CONTROLLERS                                                                        \
	(1u << CGROUP_CPU | 1u << CGROUP_CPUSET | 1u << CGROUP_MEMORY | 1u << CGROUP_IO |          \
	 1u << CGROUP_PIDS)

static int read_trimmed(const char *path, char *text, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		return -errno;
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	text[n] = '\0';
	return 0;
}

/*
 * Copies FILE of the nearest group above that has something in it to DIRECTORY and to all that are
 * empty in between: a v1 cpuset without cpus or mems lets nobody in (cpusets(7)).
 */
static int fill_from_parent(const char *directory, size_t mount_length, const char *file,
			    char *text, size_t size, struct error *err)
{
	char path[CGROUP_FILE_BYTES], parent[PATH_MAX];
	size_t length = (size_t)(strrchr(directory, '/') - directory);
	int r;

	snprintf(parent, sizeof(parent), "%.*s", (int)length, directory);
	snprintf(path, sizeof(path), "%s/%s", parent, file);
	r = read_trimmed(path, text, size);
	if (r == 0 && !text[0] && length > mount_length)
		r = fill_from_parent(parent, mount_length, file, text, size, err);
	if (r < 0)
		return err && err->code ? r : error_errno(err, r, "read '%s'", path);
	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return file_write_at(AT_FDCWD, path, text, err);
}

static int fill_cpuset(const char *directory, size_t mount_length, struct error *err)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
	bool below_root = (size_t)(strrchr(directory, '/') - directory) == mount_length;
	char path[CGROUP_FILE_BYTES], text[4096];
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++) {
		/* A parent with cgroup.clone_children has filled it; the root rarely has that set. */
		snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
		if (!below_root && read_trimmed(path, text, sizeof(text)) == 0 && text[0])
			continue;
		r = fill_from_parent(directory, mount_length, files[i], text, sizeof(text), err);
	}
	return r;
}

/*
 * Only the kernel's own root may have both processes and groups with controllers. Elsewhere it would
 * take "+cpu" and "+pids" all the same, and turn the groups below into parts of a threaded one that
 * no process can enter (cgroup-v2.rst, "Threads"). A cgroup namespace's root is such a place.
 */
static bool keeps_controllers(const char *directory)
{
	char path[CGROUP_FILE_BYTES];

	snprintf(path, sizeof(path), "%s/cgroup.type", directory);
	return faccessat(AT_FDCWD, path, F_OK, 0) == 0 && cgroup_has_processes(directory);
}

/* Whether the groups below have the controller already: then an ordinary user need not be able to say so. */
static bool hands_on(const char *subtree_control, const char *name)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;

	if (file_read_at(AT_FDCWD, subtree_control, CGROUP_FILE_BYTES, &text, NULL, NULL) < 0)
		return false;
	for (char *word = strtok_r(text, " \n", &save); word; word = strtok_r(NULL, " \n", &save))
		if (strcmp(word, name) == 0)
			return true;
	return false;
}

/* Writes "+cpu +memory"; when the kernel refuses that, one by one. Returns what failed last. */
static int enable_at(const char *directory, uint32_t controllers, struct error *err)
{
	char path[CGROUP_FILE_BYTES], all[256] = "", one[64];
	size_t used = 0;
	int r, failed = 0;

	if (keeps_controllers(directory))
		return error_set(err, EBUSY,
				 "the cgroup '%s' has processes and can hand no controllers on",
				 directory);
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", directory);
	for (int c = 0; c < CGROUP_CONTROLLERS; c++)
		if (controllers & 1u << c)
			used += (size_t)snprintf(all + used, sizeof(all) - used, "%s+%s",
						 used ? " " : "", cgroup_controller_name(c, 2));
	if (!used || file_write_at(AT_FDCWD, path, all, err) == 0)
		return 0;
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		if (!(controllers & 1u << c))
			continue;
		snprintf(one, sizeof(one), "+%s", cgroup_controller_name(c, 2));
		r = file_write_at(AT_FDCWD, path, one, err);
		if (r < 0 && !hands_on(path, cgroup_controller_name(c, 2)))
			failed = r;
	}
	return failed;
}

int cgroup_enable(const struct cgroup_place *place, uint32_t controllers, struct error *err)
{
	char path[PATH_MAX];
	size_t length = place->mount_length;
	int r = 0, failed = 0;

	if (place->version != 2 || !controllers)
		return 0;
	/* Each group down to the parent of the leaf. */
	while (place->directory[length]) {
		snprintf(path, sizeof(path), "%.*s", (int)length, place->directory);
		r = enable_at(path, controllers, err);
		if (r == -EBUSY)
			return r;
		if (r < 0)
			failed = r;
		length += 1 + strcspn(place->directory + length + 1, "/");
	}
	return failed;
}

/*
 * Makes one component. -EEXIST is fine for parents, which others need too, and fatal for the leaf,
 * which somebody else has made since the plan.
 */
static int make_component(struct cgroup_place *place, const char *directory, struct error *err)
{
	char path[CGROUP_FILE_BYTES];

	if (mkdir(directory, 0755) < 0)
		return -errno;
	if (!(place->version == 1 && place->controllers & 1u << CGROUP_CPUSET))
		return 0;
	/* The groups below a parent are filled by the kernel, which is the cheaper way. */
	if (strlen(directory) < strlen(place->directory)) {
		snprintf(path, sizeof(path), "%s/cgroup.clone_children", directory);
		file_write_at(AT_FDCWD, path, "1", NULL);
	}
	return fill_cpuset(directory, place->mount_length, err);
}

/* The length of the first N components of what follows the mount point, and of the mount point. */
static size_t prefix_length(const struct cgroup_place *place, unsigned int components)
{
	size_t length = place->mount_length;

	while (components-- && place->directory[length])
		length += 1 + strcspn(place->directory + length + 1, "/");
	return length;
}

static unsigned int count_components(const struct cgroup_place *place)
{
	unsigned int n = 0;

	for (const char *at = place->directory + place->mount_length; *at; at++)
		n += *at == '/';
	return n;
}

/* Returns -EAGAIN when a parent was removed meanwhile. */
static int make_missing(struct cgroup_place *place, unsigned int from, struct error *err)
{
	unsigned int depth = count_components(place);
	char path[PATH_MAX];
	int r;

	for (unsigned int i = from; i <= depth; i++) {
		struct error fill = {0};

		snprintf(path, sizeof(path), "%.*s", (int)prefix_length(place, i),
			 place->directory);
		r = make_component(place, path, &fill);
		if (r == -EEXIST && i < depth)
			continue;
		if (r == -ENOENT || r == -ENODEV)
			return -EAGAIN;
		if (r < 0 && fill.code)
			return error_set(err, r, "%s", fill.text);
		if (r < 0)
			return error_errno(err, r, "create the cgroup '%s'", path);
	}
	return 0;
}

static int make_place(struct cgroup_place *place, struct error *err)
{
	unsigned int from = count_components(place) - place->missing + 1;
	int r = -EAGAIN;

	if (!place->missing)
		return place->controllers & 1u << CGROUP_CPUSET && place->version == 1
			       ? fill_cpuset(place->directory, place->mount_length, err)
			       : 0;
	for (unsigned int i = 0; r == -EAGAIN && i < MAKE_ATTEMPTS; i++) {
		r = make_missing(place, from, err);
		/* Another container's end has taken a common parent away: make that too. */
		from = 1;
	}
	if (r == -EAGAIN)
		return error_set(err, r,
				 "create the cgroup '%s': its parent is removed again and "
				 "again",
				 place->directory);
	/* Not ours, and not to be removed. */
	if (r == -EEXIST)
		place->missing = 0;
	return r;
}

static bool is_unified(const struct cgroup *cg)
{
	return cg->n == 1 && cg->places[0].version == 2;
}

static enum { ORDINARY_UNKNOWN, ORDINARY_YES, ORDINARY_NO } ordinary_user;

void cgroup_set_ordinary_user(bool ordinary)
{
	ordinary_user = ordinary ? ORDINARY_YES : ORDINARY_NO;
}

bool cgroup_is_ordinary_user(void)
{
	unsigned int inside = 0, outside = 0, length = 0;
	_cleanup_fclose_ FILE *f = NULL;

	if (ordinary_user)
		return ordinary_user == ORDINARY_YES;
	if (geteuid() != 0)
		return true;
	f = fopen("/proc/self/uid_map", "re");
	/* The first user namespace maps all there is (user_namespaces(7)). */
	return f && fscanf(f, "%u %u %u", &inside, &outside, &length) == 3 && length != UINT_MAX;
}

bool cgroup_drop_denied(struct cgroup *cg, size_t i, int r)
{
	/* Not there: it was dropped when the group was made, but after it was recorded. */
	if (r != -EACCES && r != -EPERM && r != -EROFS && r != -ENOENT)
		return false;
	if (!cgroup_is_ordinary_user())
		return false;
	free(cg->places[i].directory);
	memmove(&cg->places[i], &cg->places[i + 1], (--cg->n - i) * sizeof(cg->places[0]));
	cg->denied = true;
	return true;
}

static void take_back(const struct cgroup *cg, const struct cgroup_place *place);

int cgroup_make(struct cgroup *cg, struct error *err)
{
	size_t i = 0;
	int r;

	while (i < cg->n) {
		r = make_place(&cg->places[i], err);
		if (r < 0 && cgroup_is_ordinary_user())
			take_back(cg, &cg->places[i]);
		if (r < 0 && !cgroup_drop_denied(cg, i, r))
			return r;
		i += r == 0;
	}
	/* On a hybrid the few v2 controllers are enabled when a resource asks for them. */
	if (is_unified(cg))
		cgroup_enable(&cg->places[0], cg->places[0].controllers & ENABLED_CONTROLLERS,
			      NULL);
	return cgroup_open(cg, err);
}

/* What systemd makes groups for. The hierarchy without controllers is its own. */
#define SYSTEMD_CONTROLLERS                                                                        \
	(1u << CGROUP_CPU | 1u << CGROUP_CPUACCT | 1u << CGROUP_MEMORY | 1u << CGROUP_IO |         \
	 1u << CGROUP_PIDS | 1u << CGROUP_DEVICES)

static bool is_of_systemd(const struct cgroup_place *place)
{
	return place->version == 2 || !place->controllers ||
	       place->controllers & SYSTEMD_CONTROLLERS;
}

void cgroup_leave_to_systemd(struct cgroup *cg)
{
	for (size_t i = 0; i < cg->n; i++)
		if (is_of_systemd(&cg->places[i]) || !cg->places[i].missing)
			cg->places[i].missing = 1;
}

static int adopt_place(struct cgroup_place *place, bool first, struct error *err)
{
	unsigned int missing = place->missing;
	int r;

	if (faccessat(AT_FDCWD, place->directory, F_OK, 0) < 0) {
		if (first)
			return error_errno(err, errno, "systemd has not made the cgroup '%s'",
					   place->directory);
		return make_place(place, err);
	}
	place->missing = 0;
	r = make_place(place, err);
	place->missing = missing;
	return r;
}

int cgroup_adopt(struct cgroup *cg, struct error *err)
{
	size_t i = 0;
	int r;

	while (i < cg->n) {
		r = adopt_place(&cg->places[i], i == 0, err);
		if (r < 0 && (i == 0 || !cgroup_drop_denied(cg, i, r)))
			return r;
		i += r == 0;
	}
	return cgroup_open(cg, err);
}

int cgroup_create(const struct cgroup_layout *layout, const char *path, struct cgroup **cg,
		  struct error *err)
{
	_cleanup_(cleanup_cgroup) struct cgroup *new = NULL;
	int r;

	r = cgroup_plan(layout, path, &new, err);
	if (r < 0)
		return r;
	r = cgroup_make(new, err);
	if (r < 0) {
		cgroup_remove(new, NULL);
		return r;
	}
	*cg = take_ptr(new);
	return 0;
}

/* Remove. */

void cgroup_pause(long *ns)
{
	nanosleep(&(struct timespec){.tv_nsec = *ns}, NULL);
	if (*ns < 10000000)
		*ns *= 2;
}

static int remove_visited(const char *directory, void *data)
{
	(void)data;
	return rmdir(directory) < 0 && errno != ENOENT && errno != ENODEV ? -errno : 0;
}

/* An exiting process keeps its group busy until it is off the CPU, so EBUSY is worth some patience. */
static int remove_leaf(const struct cgroup_place *place, long long *patience_ns, struct error *err)
{
	long pause_ns = 50000;
	int r;

	r = remove_visited(place->directory, NULL);
	while (r == -EBUSY) {
		r = cgroup_walk(place->directory, remove_visited, NULL);
		if (r != -EBUSY)
			break;
		if (*patience_ns <= 0)
			return error_set(err, EBUSY,
					 "remove the cgroup '%s': there are processes in it",
					 place->directory);
		*patience_ns -= pause_ns;
		cgroup_pause(&pause_ns);
	}
	return r < 0 ? error_errno(err, r, "remove the cgroup '%s'", place->directory) : 0;
}

static void remove_parents(const struct cgroup *cg, const struct cgroup_place *place)
{
	unsigned int depth = count_components(place), keep = depth - place->missing;
	char path[PATH_MAX];

	if (string_starts_with(cg->path, CGROUP_OWN_PARENT "/"))
		keep = 0;
	for (unsigned int i = depth - 1; i > keep; i--) {
		snprintf(path, sizeof(path), "%.*s", (int)prefix_length(place, i),
			 place->directory);
		/* Others are in it, or it is gone: either is well. */
		if (rmdir(path) < 0 && errno != ENOENT)
			return;
	}
}

/* A place that is going to be dropped may have been made in part; nobody is in it. */
static void take_back(const struct cgroup *cg, const struct cgroup_place *place)
{
	if (place->missing && (rmdir(place->directory) == 0 || errno == ENOENT))
		remove_parents(cg, place);
}

int cgroup_remove(struct cgroup *cg, struct error *err)
{
	long long patience_ns = REMOVE_TIMEOUT_NS;
	int r, failed = 0;

	for (size_t i = 0; i < cg->n; i++) {
		struct cgroup_place *place = &cg->places[i];

		if (place->entrance >= 0)
			close(take_fd(&place->entrance));
		if (!place->missing)
			continue;
		/* What can go goes, also after a failure; the first one is told. */
		r = remove_leaf(place, &patience_ns, failed ? NULL : err);
		if (r < 0)
			failed = failed ? failed : r;
		else
			remove_parents(cg, place);
	}
	return failed;
}

bool cgroup_remove_empty(const struct cgroup *cg)
{
	const struct cgroup_place *core = cgroup_place_of(cg, CGROUP_CORE);

	return core && core->missing && rmdir(core->directory) == 0;
}
