// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/paths.h"
#include "base/strings.h"
#include "kernel/pidfd.h"
#include "oci/reader.h"

#define RECORD_ID_MAX 255 /* NAME_MAX: it is a directory */
#define RECORD_MAX_BYTES (16u << 20)

int record_check_id(const char *id, struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_+-.";

	if (!*id)
		return error_set(err, EINVAL, "container id: must not be empty");
	if (strlen(id) > RECORD_ID_MAX)
		return error_set(err, EINVAL, "container id: longer than %d bytes", RECORD_ID_MAX);
	if (id[strspn(id, allowed)] || !path_is_component(id))
		return error_set(
			err, EINVAL,
			"container id '%s': only letters, digits, '_', '+', '-' and '.' are "
			"allowed",
			oci_quote(id).text);
	return 0;
}

static int container_new(const char *root, const char *id, struct container **container,
			 struct error *err)
{
	struct container *c = calloc(1, sizeof(*c));

	if (!c)
		return error_oom(err);
	c->dir = c->pidfd = c->starter = c->netns = c->written = -EBADF;
	c->root = strdup(root);
	c->id = strdup(id);
	if (!c->root || !c->id) {
		container_free(c);
		return error_oom(err);
	}
	*container = c;
	return 0;
}

int record_open_root(const char *path, struct error *err)
{
	_cleanup_close_ int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (root < 0)
		return error_errno(err, errno, "open the state directory '%s'", path);
	if (fstat(root, &st) < 0)
		return error_errno(err, errno, "look at the state directory '%s'", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return error_set(
			err, EPERM,
			"the state directory '%s' belongs to another user (%u): what is in "
			"it cannot be trusted",
			path, st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(
			err, EPERM,
			"the state directory '%s' can be written by others (mode %04o): what "
			"is in it cannot be trusted",
			path, st.st_mode & 07777);
	return take_fd(&root);
}

static int open_directory(int root, struct container *c)
{
	c->dir = openat(root, c->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return c->dir < 0 ? -errno : 0;
}

/* The root is there but for the first container since boot, so it is made only when missed. */
static int make_root(const char *path, struct error *err)
{
	int root = record_open_root(path, err), r;

	if (root != -ENOENT)
		return root;
	r = path_make_directories(path, 0700);
	return r < 0 ? error_errno(err, r, "make the state directory '%s'", path)
		     : record_open_root(path, err);
}

int record_create(const char *root, const char *id, struct container **container, struct error *err)
{
	_cleanup_(cleanup_container) struct container *c = NULL;
	_cleanup_close_ int dir = -EBADF;
	int r = container_new(root, id, &c, err);

	if (r < 0)
		return r;
	dir = make_root(root, err);
	if (dir < 0)
		return dir;
	if (mkdirat(dir, id, 0700) < 0 && errno == EEXIST)
		return error_set(err, EEXIST, "container with given ID already exists: '%s'", id);
	r = open_directory(dir, c);
	if (r < 0)
		error_errno(err, r, "make the state directory '%s/%s'", root, id);
	else
		r = record_lock(c, true, err);
	if (r < 0) {
		unlinkat(dir, id, AT_REMOVEDIR);
		return r;
	}
	c->json = json_object_new_object();
	*container = take_ptr(c);
	return 0;
}

int record_open(const char *root, const char *id, struct container **container, struct error *err)
{
	_cleanup_(cleanup_container) struct container *c = NULL;
	_cleanup_close_ int dir = -EBADF;
	int r = record_check_id(id, err);

	if (r == 0)
		r = container_new(root, id, &c, err);
	if (r < 0)
		return r;
	dir = record_open_root(root, err);
	if (dir < 0 && dir != -ENOENT)
		return dir;
	r = dir < 0 ? dir : open_directory(dir, c);
	if (r == -ENOENT)
		return error_set(err, ENOENT, "container does not exist: '%s'", id);
	if (r < 0)
		return error_errno(err, r, "open the state of container '%s'", id);
	*container = take_ptr(c);
	return 0;
}

int record_lock(struct container *container, bool wait, struct error *err)
{
	while (flock(container->dir, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EWOULDBLOCK)
			return error_set(err, EWOULDBLOCK,
					 "container '%s' is being changed by "
					 "another command",
					 container->id);
		return error_errno(err, errno, "lock container '%s'", container->id);
	}
	return 0;
}

void record_unlock(struct container *container)
{
	flock(container->dir, LOCK_UN);
}

/*
 * A pid is believed only with its start time; pids are used again. That init is gone must be known, not
 * supposed because it could not be looked at: it would be deleted as stopped, and live on.
 */
static int open_init(struct container *c, struct error *err)
{
	_cleanup_close_ int fd = c->pid > 0 ? pidfd_open_process(c->pid) : -ESRCH;
	bool zombie = false;
	uint64_t start = 0;
	int r = fd;

	if (r >= 0)
		r = process_start_time(c->pid, &start, &zombie);
	/* EINVAL: it is the id of a thread by now. */
	if (r == -ESRCH || r == -ENOENT || r == -EINVAL)
		return 0;
	if (r < 0)
		return error_errno(err, r, "look at process %d of container '%s'", c->pid, c->id);
	if (start == c->pid_start && !zombie && !pidfd_ended(fd, 0))
		c->pidfd = take_fd(&fd);
	return 0;
}

int record_read(struct container *container, struct error *err)
{
	struct json_object *json, *value;
	int r = json_parse_file_at(container->dir, RECORD_STATE, RECORD_MAX_BYTES, &json, err);

	if (r < 0)
		return error_prefix(err, "container '%s'", container->id);
	if (!json_object_is_type(json, json_type_object)) {
		json_object_put(json);
		return error_set(err, EINVAL, "container '%s': state.json is not an object",
				 container->id);
	}
	if (container->json)
		json_object_put(container->json);
	container->json = json;
	if (json_object_object_get_ex(json, "pid", &value))
		container->pid = json_object_get_int(value);
	if (json_object_object_get_ex(json, "pidStart", &value))
		container->pid_start = json_object_get_uint64(value);
	return open_init(container, err);
}

static const char *record_text(struct container *container)
{
	json_add_i64(container->json, "pid", container->pid);
	json_add_u64(container->json, "pidStart", container->pid_start);
	return json_text(container->json, false);
}

int record_write_first(struct container *container, struct error *err)
{
	return file_create_at(container->dir, RECORD_STATE, record_text(container), 0600, err);
}

int record_write(struct container *container, struct error *err)
{
	return file_replace_at(container->dir, RECORD_STATE, record_text(container), 0600, false,
			       err);
}

static int remove_entry(int dir, const char *name, unsigned int depth);

static int remove_children(int dir, unsigned int depth)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *entry;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(d)) && r == 0)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = remove_entry(fd, entry->d_name, depth + 1);
	return r;
}

/* EBUSY is a mount point: never go into what is mounted, detach it. */
static int remove_entry(int dir, const char *name, unsigned int depth)
{
	_cleanup_close_ int child = -EBADF;
	char path[64 + NAME_MAX];
	int r;

	if (unlinkat(dir, name, 0) == 0 || unlinkat(dir, name, AT_REMOVEDIR) == 0 ||
	    errno == ENOENT)
		return 0;
	if (errno == EBUSY) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return -errno;
	}
	if (depth > 64)
		return -ELOOP;
	child = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (child >= 0) {
		r = remove_children(child, depth);
		if (r < 0)
			return r;
	}
	if (unlinkat(dir, name, child >= 0 ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/* What most containers leave there, whose names need not be read from the directory. False: there is more. */
static bool remove_usual(const struct container *container, int root)
{
	unlinkat(container->dir, RECORD_CONFIG, 0);
	unlinkat(container->dir, RECORD_STATE, 0);
	return unlinkat(root, container->id, AT_REMOVEDIR) == 0;
}

/*
 * state.json goes with the directory's last entries: while anything is left to undo there is a record
 * of it, since everything that is outside of the directory has been undone by now.
 */
int record_remove(struct container *container, struct error *err)
{
	_cleanup_close_ int root = record_open_root(container->root, err);
	int r = root;

	if (root >= 0)
		r = remove_usual(container, root) ? 0 : remove_entry(root, container->id, 0);
	if (r < 0)
		return error_errno(err, r, "remove the state of container '%s'", container->id);
	return 0;
}

const char *record_string(const struct container *container, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(container->json, key, &value))
		return NULL;
	return json_object_get_string(value);
}

int record_start_address(const struct container *container, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	return snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s",
			container->dir, RECORD_START);
}
