// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/delete.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "kernel/cgroup.h"
#include "kernel/pidfd.h"
#include "runtime/hooks.h"
#include "runtime/intel_rdt.h"
#include "runtime/net_devices.h"
#include "runtime/network.h"
#include "runtime/record.h"
#include "runtime/scope.h"
#include "runtime/scratch.h"

#define DELETE_TIMEOUT_MS 10000

static int end_init(struct container *c, struct error *err)
{
	int r;

	if (c->pidfd < 0)
		return 0;
	r = pidfd_signal(c->pidfd, SIGKILL);
	if (r < 0 && r != -ESRCH)
		return error_errno(err, r, "kill container '%s'", c->id);
	return 0;
}

/* A frozen process does not die: cgroup_kill thaws. A group of systemd's is not for us to remove. */
static int end_processes(const struct container *c, const struct cgroup *cg, struct error *err)
{
	bool ours = !json_object_object_get_ex(c->json, "systemd", NULL);

	return ours && cgroup_remove_empty(cg) ? 0 : cgroup_kill(cg, DELETE_TIMEOUT_MS, err);
}

static int end_cgroup(struct container *c, struct error *err)
{
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
	struct json_object *record;
	int r;

	if (!json_object_object_get_ex(c->json, "cgroup", &record))
		return 0;
	r = cgroup_from_json(record, &cg, err);
	if (r == 0)
		r = end_processes(c, cg, err);
	if (r == 0)
		r = scope_stop(c->json, err);
	if (r == 0)
		r = cgroup_remove(cg, err);
	return r;
}

static int await_init(struct container *c, struct error *err)
{
	if (c->pidfd < 0 || pidfd_ended(c->pidfd, DELETE_TIMEOUT_MS))
		return 0;
	return error_set(err, ETIMEDOUT, "container '%s': process %d does not end", c->id, c->pid);
}

int container_undo(struct container *container, struct error *err)
{
	int r;

	/* Held before the last process goes: what is lent would end with the namespace. */
	if (container->netns < 0)
		container->netns = net_devices_find_namespace(
			container->json, container->pidfd >= 0 ? container->pid : 0);
	r = end_init(container, err);
	if (r == 0)
		r = end_cgroup(container, err);
	if (r == 0)
		r = await_init(container, err);
	if (r == 0)
		r = intel_rdt_remove(container->json, container->pid, err);
	if (r == 0)
		r = net_devices_take_back(container->json, container->netns, err);
	if (r == 0)
		r = network_release(container->root, container->id, err);
	if (r < 0)
		return r;
	return record_remove(container, err);
}

/*
 * A record that is not there or not whole says nothing that could be undone: `create` was killed before
 * it. One that could not be read this time says nothing of the kind.
 */
static int read_for_delete(struct container *c, bool force, struct error *err)
{
	int r = record_read(c, err);

	if (!force || c->json || (r != -ENOENT && r != -EINVAL && r != -ERANGE && r != -EFBIG))
		return r;
	c->json = json_object_new_object();
	return c->json ? 0 : error_oom(err);
}

/*
 * Whoever changes a record puts another file in its place, so while the one that was written last has a
 * name nothing has changed. -ENOENT: somebody has removed the container. What cannot be read for another
 * reason is left as it is known.
 */
static int refresh(struct container *c)
{
	struct error unused;
	struct stat st;

	/* Its pid may be another process's soon. */
	if (c->pidfd >= 0 && pidfd_ended(c->pidfd, 0))
		close(take_fd(&c->pidfd));
	if (c->written >= 0 && fstat(c->written, &st) == 0 && st.st_nlink > 0)
		return 0;
	if (c->pidfd >= 0)
		close(take_fd(&c->pidfd));
	return record_read(c, &unused) == -ENOENT ? -ENOENT : 0;
}

int container_end(struct container *container, struct error *err)
{
	int r = record_lock(container, true, err);

	if (r == 0 && refresh(container) == 0) {
		r = container_undo(container, err);
		if (r == 0)
			hooks_run_after_delete(container);
	}
	scratch_sweep(container->root);
	return r;
}

int container_delete(const char *root, const char *id, bool force, struct error *err)
{
	_cleanup_(cleanup_container) struct container *c = NULL;
	enum container_status status;
	int r = record_open(root, id, &c, err);

	if (r == -ENOENT && force) {
		scratch_sweep(root);
		return 0;
	}
	if (r == 0)
		r = record_lock(c, force, err);
	if (r == 0)
		r = read_for_delete(c, force, err);
	if (r < 0)
		return r;
	if (scope_is_apart(c->json))
		return error_set(err, ENOEXEC, "container '%s' is in a unit of systemd's", id);
	status = container_status(c);
	/* A container that was never started has nothing to lose, as runc has it. */
	if (!force && status != CONTAINER_STOPPED && status != CONTAINER_CREATED)
		return error_set(err, EBUSY,
				 "cannot delete container '%s' that is not stopped: it is %s", id,
				 container_status_name(status));
	r = container_undo(c, err);
	if (r == 0)
		hooks_run_after_delete(c);
	if (force)
		scratch_sweep(root);
	return r;
}
