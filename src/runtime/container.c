// SPDX-License-Identifier: GPL-2.0-or-later
/* What can be asked of a container, and signals. Making and unmaking are create.c and delete.c. */
#include "runtime/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "kernel/cgroup.h"
#include "kernel/pidfd.h"
#include "runtime/hooks.h"
#include "runtime/record.h"
#include "runtime/scope.h"
#include "runtime/seccomp_listener.h"
#include "runtime/sync.h"

const char *container_default_root(void)
{
	static char path[PATH_MAX];
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0 || !runtime_dir || *runtime_dir != '/')
		return "/run/behalf";
	snprintf(path, sizeof(path), "%s/behalf", runtime_dir);
	return path;
}

void container_free(struct container *container)
{
	if (!container)
		return;
	if (container->dir >= 0)
		close(container->dir);
	if (container->pidfd >= 0)
		close(container->pidfd);
	if (container->netns >= 0)
		close(container->netns);
	if (container->starter >= 0)
		close(container->starter);
	if (container->written >= 0)
		close(container->written);
	if (container->json)
		json_object_put(container->json);
	free(container->root);
	free(container->id);
	free(container);
}

void cleanup_container(struct container **container)
{
	container_free(*container);
}

int container_load(const char *root, const char *id, struct container **container,
		   struct error *err)
{
	_cleanup_(cleanup_container) struct container *c = NULL;
	int r = record_open(root, id, &c, err);

	if (r == 0)
		r = record_read(c, err);
	if (r < 0)
		return r;
	*container = take_ptr(c);
	return 0;
}

static bool is_frozen(const struct container *container)
{
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
	struct json_object *record;
	struct error unused;

	return json_object_object_get_ex(container->json, "cgroup", &record) &&
	       cgroup_from_json(record, &cg, &unused) == 0 && cgroup_is_frozen(cg) == 1;
}

enum container_status container_status(const struct container *container)
{
	const char *phase = record_string(container, "phase");

	if (container->pidfd < 0)
		return phase && strcmp(phase, "creating") == 0 && container->pid == 0
			       ? CONTAINER_CREATING
			       : CONTAINER_STOPPED;
	if (is_frozen(container))
		return CONTAINER_PAUSED;
	if (faccessat(container->dir, RECORD_START, F_OK, 0) == 0)
		return CONTAINER_CREATED;
	return CONTAINER_RUNNING;
}

const char *container_status_name(enum container_status status)
{
	static const char *const names[] = {
		[CONTAINER_CREATING] = "creating", [CONTAINER_CREATED] = "created",
		[CONTAINER_RUNNING] = "running",   [CONTAINER_PAUSED] = "paused",
		[CONTAINER_STOPPED] = "stopped",
	};

	return names[status];
}

bool container_is_apart(const struct container *container)
{
	return scope_is_apart(container->json);
}

const char *container_id(const struct container *container)
{
	return container->id;
}

const char *container_bundle(const struct container *container)
{
	return record_string(container, "bundle");
}

pid_t container_pid(const struct container *container)
{
	return container->pidfd >= 0 ? container->pid : 0;
}

int container_pidfd(const struct container *container)
{
	return container->pidfd;
}

const char *container_cgroup(const struct container *container)
{
	struct json_object *record, *path;

	if (!json_object_object_get_ex(container->json, "cgroup", &record) ||
	    !json_object_object_get_ex(record, "path", &path))
		return NULL;
	return json_object_get_string(path);
}

const char *container_created(const struct container *container)
{
	return record_string(container, "created");
}

struct json_object *container_state_json(const struct container *container)
{
	struct json_object *state = json_object_new_object(), *annotations;

	json_add_string(state, "ociVersion", record_string(container, "ociVersion"));
	json_add_string(state, "id", container->id);
	json_add_string(state, "status", container_status_name(container_status(container)));
	json_add_i64(state, "pid", container_pid(container));
	json_add_string(state, "bundle", container_bundle(container));
	json_add_string(state, "rootfs", record_string(container, "rootfs"));
	json_add_string(state, "created", container_created(container));
	json_add_string(state, "owner", record_string(container, "owner"));
	if (json_object_object_get_ex(container->json, "annotations", &annotations))
		json_object_object_add(state, "annotations", json_object_get(annotations));
	return state;
}

int container_annotate_all(struct container *container, const struct oci_pair *pairs, size_t n,
			   struct error *err)
{
	struct json_object *annotations;
	int r = record_lock(container, true, err);

	if (r < 0)
		return r;
	r = record_read(container, err);
	if (r == 0) {
		if (!json_object_object_get_ex(container->json, "annotations", &annotations))
			annotations = json_add_object(container->json, "annotations");
		for (size_t i = 0; i < n; i++) {
			json_object_object_del(annotations, pairs[i].key);
			json_add_string(annotations, pairs[i].key, pairs[i].value);
		}
		r = record_write(container, err);
	}
	record_unlock(container);
	return r;
}

int container_annotate(struct container *container, const char *key, const char *value,
		       struct error *err)
{
	struct json_object *annotations;

	if (!json_object_object_get_ex(container->json, "annotations", &annotations))
		annotations = json_add_object(container->json, "annotations");
	json_add_string(annotations, key, value);
	return record_write(container, err);
}

static int refuse_start(const struct container *container, struct error *err)
{
	return error_set(err, EINVAL, "cannot start container '%s': it is %s, not created",
			 container->id, container_status_name(container_status(container)));
}

/* The one who was first counts: a second `start` finds no socket, or no listener. */
static int connect_to_init(const struct container *container, struct error *err)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;

	if (fd < 0)
		return error_errno(err, errno, "make a socket");
	record_start_address(container, &address);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return take_fd(&fd);
	if (errno != ENOENT && errno != ECONNREFUSED)
		return error_errno(err, errno, "reach container '%s'", container->id);
	return refuse_start(container, err);
}

int container_reach_init(const struct container *container, int what, struct error *err)
{
	_cleanup_close_ int fd = connect_to_init(container, err);
	int r = fd < 0 ? fd : sync_send(fd, (enum sync_type)what, -1);

	if (fd >= 0 && r < 0)
		return error_errno(err, r, "reach container '%s'", container->id);
	return r < 0 ? r : take_fd(&fd);
}

/* Until the exec; a listener of seccomp comes along before. */
static int await_start(struct container *container, int connection, struct error *err)
{
	for (;;) {
		_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;
		_cleanup_close_ int fd = -EBADF;
		int type = sync_receive(connection, &fd, err), r;

		if (type <= 0)
			return type;
		if (type != SYNC_LISTENER || fd < 0)
			return error_set(err, EPROTO, "unexpected message %d while starting", type);
		r = container_config(container, &config, err);
		if (r == 0)
			r = seccomp_listener_hand_over(container, config->seccomp, container->pid,
						       fd, err);
		if (r < 0)
			return r;
	}
}

/*
 * The socket is taken away before the word is given: should we die in between, init sees the
 * connection end and exits, and the container is stopped rather than started unseen.
 */
static int call_init(struct container *container, struct error *err)
{
	int connection;

	/* It would hear us when it is resumed, and who knows when that is. */
	if (is_frozen(container))
		return refuse_start(container, err);
	connection = container_reach_init(container, SYNC_STARTING, err);
	if (connection < 0)
		return connection;
	container->starter = connection;
	/* Left there it would say `created` for ever. */
	if (unlinkat(container->dir, RECORD_START, 0) < 0 && errno != ENOENT)
		return error_errno(err, errno, "start container '%s': remove its socket",
				   container->id);
	return 0;
}

int container_start_unseen(struct container *container, struct error *err)
{
	int r = container->starter >= 0 ? 0 : call_init(container, err);

	if (r < 0)
		return r;
	r = sync_send(container->starter, SYNC_COMMIT, -1);
	return r < 0 ? error_errno(err, r, "start container '%s'", container->id) : 0;
}

int container_await_start(struct container *container, struct error *err)
{
	_cleanup_close_ int connection = take_fd(&container->starter);
	int r = await_start(container, connection, err);

	if (r == 0)
		r = hooks_run_after_start(container, err);
	/* runtime.md, step 9: "generate an error, stop the container" */
	if (r < 0 && container->pidfd >= 0)
		pidfd_signal(container->pidfd, SIGKILL);
	return r;
}

int container_start(struct container *container, struct error *err)
{
	int r = container_start_unseen(container, err);

	return r == 0 ? container_await_start(container, err) : r;
}

int container_kill(struct container *container, int signal, bool all, struct error *err)
{
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
	struct json_object *record;
	int r;

	if (all && json_object_object_get_ex(container->json, "cgroup", &record)) {
		r = cgroup_from_json(record, &cg, err);
		return r < 0 ? r : cgroup_signal(cg, signal, err);
	}
	if (container->pidfd < 0)
		return all ? 0
			   : error_set(err, ESRCH, "container not running: '%s'", container->id);
	r = pidfd_signal(container->pidfd, signal);
	if (r < 0)
		return error_errno(err, r, "kill container '%s'", container->id);
	return 0;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static DIR *open_directory(int fd)
{
	_cleanup_close_ int readable = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = readable < 0 ? NULL : fdopendir(readable);

	if (dir)
		take_fd(&readable);
	return dir;
}

int container_list(const char *root, char ***ids, struct error *err)
{
	_cleanup_close_ int checked = record_open_root(root, err);
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_strv_ char **found = NULL;
	struct error unused;
	struct dirent *entry;

	if (checked < 0)
		return checked == -ENOENT ? 0 : checked;
	dir = open_directory(checked);
	if (!dir)
		return error_errno(err, errno, "read the state directory '%s'", root);
	while ((entry = readdir(dir))) {
		_cleanup_free_ char *state = string_format("%s/" RECORD_STATE, entry->d_name);

		if (!state)
			return error_oom(err);
		if (record_check_id(entry->d_name, &unused) < 0 ||
		    faccessat(dirfd(dir), state, F_OK, 0) < 0)
			continue;
		if (strv_append(&found, entry->d_name) < 0)
			return error_oom(err);
	}
	if (found)
		qsort(found, strv_length(found), sizeof(char *), compare_strings);
	*ids = take_ptr(found);
	return 0;
}
