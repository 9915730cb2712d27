// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making a container, the parent's side (the child's is init.c).
 *
 * The order is what makes it safe to be killed anywhere: the record names a thing before the thing
 * is made, and the first process, which no record can name before it exists, ends by itself until the
 * record does.
 *
 *     ROOT/ID, locked
 *     state.json: phase "creating", the cgroups as planned
 *     cgroups and their limits, groups of resctrl; the socket for `start`
 *     clone3
 *     with systemd: the unit, with the first process in it; it has entered nothing until then
 *     ids mapped, rlimits, oom score      ->  PLACED
 *                                         <-  CONSOLE, READY
 *     state.json: phase "created", pid; the pid file
 *                                         ->  COMMIT: from here on init outlives us
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/strings.h"
#include "kernel/cgroup.h"
#include "kernel/pidfd.h"
#include "runtime/container.h"
#include "runtime/delete.h"
#include "runtime/hooks.h"
#include "runtime/idmap.h"
#include "runtime/init.h"
#include "runtime/intel_rdt.h"
#include "runtime/labels.h"
#include "runtime/launch.h"
#include "runtime/namespaces.h"
#include "runtime/net_devices.h"
#include "runtime/place.h"
#include "runtime/record.h"
#include "runtime/resources.h"
#include "runtime/scope.h"
#include "runtime/scheduling.h"
#include "runtime/seccomp.h"
#include "runtime/sync.h"

/* Everything that lives from the beginning of a create to its end. */
struct creation {
	const struct container_create_options *options;
	const struct oci_config *config;
	struct container *container;
	struct cgroup_layout *layout;
	struct cgroup *cgroup;
	struct scope *scope; /* the cgroup is made by systemd; NULL: by us */
	struct seccomp_program *seccomp;
	struct namespaces ns;
	struct launch launch;
	int *mapped_mounts;
	struct json_object *hook_state; /* NULL: the first process runs no hooks */
	bool hooked;			/* hooks may have run: poststop has to */
	int sync;			/* our end */
};

static void cleanup_creation(struct creation *c)
{
	if (c->hook_state)
		json_object_put(c->hook_state);
	idmap_free(c->config, c->mapped_mounts);
	namespaces_close(&c->ns);
	seccomp_free(c->seccomp);
	cgroup_free(c->cgroup);
	scope_free(c->scope);
	cgroup_layout_free(c->layout);
	cleanup_close(&c->sync);
	cleanup_close(&c->launch.sync);
	cleanup_close(&c->launch.listener);
}

static int check_config(const struct oci_config *config, const struct container_create_options *o,
			struct error *err)
{
	if (!config->process || !config->process->args || !config->process->args[0])
		return error_set(err, EINVAL, "config.json: process.args: must not be empty");
	if (config->process->terminal && !o->console_socket && !o->console_master)
		return error_set(
			err, EINVAL,
			"config.json: process.terminal: needs --console-socket when detached");
	if (!config->process->terminal && o->console_socket)
		return error_set(err, EINVAL,
				 "--console-socket: config.json does not ask for a terminal "
				 "(process.terminal)");
	return 0;
}

static void record_now(struct json_object *json)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	json_add_string(json, "created", clock_format_utc(now).text);
}

static void record_rootfs(struct json_object *json, const char *bundle, const char *path)
{
	_cleanup_free_ char *absolute = NULL;

	if (*path != '/')
		absolute = string_format("%s/%s", bundle, path);
	json_add_string(json, "rootfs", absolute ? absolute : path);
}

/* What is known before anything is made; the plan of the cgroups above all. */
static int write_first_record(struct creation *c, struct error *err)
{
	struct json_object *json = c->container->json, *annotations;
	int r;
	char owner[16];

	json_add_string(json, "phase", "creating");
	json_add_string(json, "ociVersion", c->config->version);
	json_add_string(json, "bundle", c->options->bundle);
	record_rootfs(json, c->options->bundle, c->config->root_path);
	record_now(json);
	snprintf(owner, sizeof(owner), "%u", geteuid());
	json_add_string(json, "owner", geteuid() == 0 ? "root" : owner);
	annotations = json_add_object(json, "annotations");
	for (size_t i = 0; i < c->config->n_annotations; i++)
		json_add_string(annotations, c->config->annotations[i].key,
				c->config->annotations[i].value);
	if (c->cgroup)
		json_object_object_add(json, "cgroup", cgroup_to_json(c->cgroup));
	if (c->scope)
		scope_record(c->scope, json);
	hooks_record(json, c->config);
	r = net_devices_record(json, c->config, err);
	if (r == 0)
		r = intel_rdt_record(-EBADF, json, c->options->id, c->config, err);
	if (r < 0)
		return r;
	return record_write_first(c->container, err);
}

/*
 * Without linux.cgroupsPath the group lies at the top: a common parent would have to be made and
 * removed in every hierarchy each time, a third of what a short run costs on v1.
 */
static int plan_cgroups(struct creation *c, struct error *err)
{
	_cleanup_free_ char *own = string_format("/behalf-%s", c->options->id);
	const char *path = c->config->cgroups_path;
	int r;

	if (!own)
		return error_oom(err);
	r = cgroup_layout_read(&c->layout, err);

	if (r < 0)
		return r;
	if (cgroup_layout_mode(c->layout) == CGROUP_NONE || c->options->no_cgroup)
		return 0;
	if (c->options->systemd_cgroup)
		return scope_plan(c->options->id, c->config, c->layout, &c->scope, &c->cgroup, err);
	r = cgroup_plan(c->layout, path && *path ? path : own, &c->cgroup, err);
	return r < 0 ? error_prefix(err, "linux.cgroupsPath") : 0;
}

/*
 * Without a group a limit is refused, as it is where one controller is missing. The rules for devices are
 * not: every configuration has them.
 */
static int refuse_limits(struct creation *c, struct error *err)
{
	_cleanup_(cleanup_cgroup) struct cgroup *nowhere = NULL;
	_cleanup_json_ struct json_object *record = json_object_new_object();
	struct oci_resources limits = c->config->resources;
	struct error missing = {0};
	int r;

	json_add_string(record, "path", "/nowhere");
	json_add_array(record, "places");
	r = cgroup_from_json(record, &nowhere, err);
	if (r < 0)
		return r;
	limits.devices = NULL;
	limits.n_devices = 0;
	r = resources_apply(nowhere, &limits, &missing);
	if (r < 0 && c->options->no_cgroup)
		return error_set(err, -r,
				 "%.*s: there is no cgroup to hold it (--cgroup-manager disabled)",
				 (int)strcspn(missing.text, ":"), missing.text);
	return r < 0 ? error_set(err, -r, "%s", missing.text) : 0;
}

static int make_cgroups(struct creation *c, struct error *err)
{
	int r;

	if (c->scope)
		return 0; /* start_scope */
	if (!c->cgroup)
		return refuse_limits(c, err);
	r = cgroup_make(c->cgroup, err);
	/* An ordinary user has been refused everywhere, and nothing is there to undo. */
	if (r == 0 && !cgroup_directory(c->cgroup, CGROUP_CORE))
		json_object_object_del(c->container->json, "cgroup");
	return r < 0 ? r : resources_apply(c->cgroup, &c->config->resources, err);
}

static int make_rdt_groups(struct creation *c, struct error *err)
{
	return intel_rdt_make(c->container->json, &c->config->intel_rdt, err);
}

static int listen_for_start(struct creation *c, struct error *err)
{
	_cleanup_close_ int fd = -EBADF;
	struct sockaddr_un address;

	if (c->options->start_here)
		return 0;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_errno(err, errno, "make a socket");
	record_start_address(c->container, &address);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		return error_errno(err, errno, "listen for start");
	c->launch.listener = take_fd(&fd);
	return 0;
}

/* Else it would be clone3 that says no, and nobody would know to what. */
static int check_rights(const struct creation *c, struct error *err)
{
	bool user_ns = (c->ns.new_types & CLONE_NEWUSER) ||
		       namespaces_joined(&c->ns, CLONE_NEWUSER) >= 0;

	if (geteuid() == 0 || user_ns || !c->ns.new_types)
		return 0;
	return error_set(err, EPERM,
			 "config.json: linux.namespaces: without root's rights a container needs a "
			 "user namespace (behalf spec --rootless writes a configuration with one)");
}

static int prepare_launch(struct creation *c, struct error *err)
{
	struct launch *l = &c->launch;
	int pair[2], r;

	r = namespaces_open(c->config, &c->ns, err);
	if (r == 0)
		r = check_rights(c, err);
	if (r == 0)
		r = labels_check(c->config->process, err);
	if (r == 0)
		r = labels_check_mounts(c->config, err);
	if (r == 0 && c->config->seccomp)
		r = seccomp_compile(c->config->seccomp, &c->seccomp, err);
	if (r == 0)
		r = idmap_make(c->config, c->options->bundle,
			       namespaces_joined(&c->ns, CLONE_NEWUSER), &c->mapped_mounts, err);
	if (r == 0)
		r = listen_for_start(c, err);
	if (r == 0)
		r = sync_pair(pair, err);
	if (r < 0)
		return r;
	c->sync = pair[0];
	l->sync = pair[1];
	l->id = c->options->id;
	l->bundle_path = c->options->bundle;
	l->config = c->config;
	l->process = c->config->process;
	l->preserve_fds = c->options->preserve_fds;
	l->no_pivot = c->options->no_pivot;
	l->no_new_keyring = c->options->no_new_keyring;
	l->reaper = c->options->reaper;
	l->new_namespaces = c->ns.new_types;
	l->in_user_ns = (c->ns.new_types & CLONE_NEWUSER) ||
			namespaces_joined(&c->ns, CLONE_NEWUSER) >= 0;
	l->unmapped = (c->ns.new_types & CLONE_NEWUSER) && geteuid() != 0;
	l->new_cgroup_ns = c->ns.new_types & CLONE_NEWCGROUP;
	l->joined_mount_ns = namespaces_joined(&c->ns, CLONE_NEWNS);
	l->joined_cgroup_ns = namespaces_joined(&c->ns, CLONE_NEWCGROUP);
	if (c->config->hooks.n_create_container || c->config->hooks.n_start_container)
		c->hook_state = container_state_json(c->container);
	l->hook_state = c->hook_state;
	l->mapped_mounts = c->mapped_mounts;
	l->seccomp = c->seccomp;
	if (c->config->process->has_capabilities)
		l->capabilities = &c->config->process->capabilities;
	l->cgroup = c->cgroup;
	l->cgroup_later = c->scope != NULL;
	l->layout = c->layout;
	return 0;
}

static int clone_init(struct creation *c, struct error *err)
{
	struct container *container = c->container;
	int cgroup = c->cgroup ? cgroup_clone_fd(c->cgroup) : -EBADF;
	pid_t pid;

	/* The child begins as our copy: nobody who shares its namespaces may look into it (init.c). */
	if (!c->launch.unmapped && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, errno, "prctl");
	pid = namespaces_clone(&c->ns, cgroup, &container->pidfd, err);
	if (pid == 0) {
		/*
		 * Our lock is on the open file: kept open here it would outlive us. And with our end
		 * of the connection the child would not see it end.
		 */
		close(container->dir);
		close(c->sync);
		init_main(&c->launch);
	}
	if (pid < 0)
		return pid;
	container->pid = pid;
	close(take_fd(&c->launch.sync));
	if (c->launch.listener >= 0)
		close(take_fd(&c->launch.listener));
	return 0;
}

/* systemd can only make a scope for a process that is there. */
static int start_scope(struct creation *c, struct error *err)
{
	int r;

	if (!c->scope)
		return 0;
	r = scope_start(c->scope, c->container->pid, c->config, c->cgroup, err);
	/* It is somebody else's, since a moment ago: nothing of it is to be undone. */
	if (r == -EEXIST) {
		json_object_object_del(c->container->json, "systemd");
		json_object_object_del(c->container->json, "cgroup");
	}
	return r;
}

static int place_init(struct creation *c, struct error *err)
{
	const struct oci_config *config = c->config;
	pid_t pid = c->container->pid;
	int r = 0;

	if (c->ns.new_types & CLONE_NEWUSER)
		r = place_map_ids(pid, config, err);
	if (r == 0)
		r = place_set_limits(pid, config->process, err);
	if (r == 0)
		r = intel_rdt_add(c->container->json, pid, err);
	if (r == 0)
		r = net_devices_lend(pid, config, &c->container->netns, err);
	if (r < 0)
		return r;
	r = sync_send(c->sync, SYNC_PLACED, -1);
	/* A child that is gone has said why. */
	return r == -EPIPE ? 0 : r < 0 ? error_errno(err, r, "talk to the first process") : 0;
}

static int run_hooks(struct creation *c, struct error *err)
{
	int r = hooks_run_in_create(c->container, &c->config->hooks, err);

	if (r < 0)
		return r;
	r = sync_send(c->sync, SYNC_HOOKED, -1);
	return r < 0 && r != -EPIPE ? error_errno(err, r, "talk to the first process") : 0;
}

static int await_ready(struct creation *c, struct error *err)
{
	c->hooked = true;
	for (;;) {
		_cleanup_close_ int fd = -EBADF;
		int type = sync_receive(c->sync, &fd, err), r;

		if (type < 0)
			return type;
		if (type == SYNC_READY)
			return 0;
		if (type == 0)
			return error_set(err, EPIPE,
					 "the container's first process ended unexpectedly");
		if (type == SYNC_MOUNTED) {
			r = run_hooks(c, err);
			if (r < 0)
				return r;
			continue;
		}
		if (type != SYNC_CONSOLE || fd < 0)
			return error_set(err, EPROTO, "unexpected message %d while creating", type);
		r = place_hand_over_console(c->options->console_socket, c->options->console_master,
					    &fd, err);
		if (r < 0)
			return r;
	}
}

/* For `exec`. As it was read, when it was: that is cheaper than to write it anew. */
static int record_config(const struct creation *c, struct error *err)
{
	const char *text = c->config->text;

	if (!text && c->config->json)
		text = json_text(c->config->json, false);
	return text ? file_create_at(c->container->dir, RECORD_CONFIG, text, 0600, err) : 0;
}

static int commit(struct creation *c, struct error *err)
{
	struct container *container = c->container;
	int r = process_start_time(container->pid, &container->pid_start, NULL);

	if (r < 0)
		return error_errno(err, r, "look at process %d", container->pid);
	if (c->options->before_commit) {
		r = c->options->before_commit(c->options->data, c->cgroup, err);
		if (r < 0)
			return r;
	}
	json_add_string(container->json, "phase", "created");
	r = record_config(c, err);
	if (r == 0)
		r = record_write(container, err);
	if (r == 0)
		r = place_write_pid_file(c->options->pid_file, container->pid, err);
	if (r < 0)
		return r;
	/* As late as can be: a process under SCHED_DEADLINE may have no children, hooks for instance. */
	r = scheduling_apply(container->pid, c->config->process, err);
	if (r < 0)
		return r;
	/* Who starts it at once says this too: it wakes up once for both. */
	if (c->options->start_here) {
		container->starter = take_fd(&c->sync);
		container->written = openat(container->dir, RECORD_STATE, O_PATH | O_CLOEXEC);
		return 0;
	}
	r = sync_send(c->sync, SYNC_COMMIT, -1);
	return r < 0 ? error_errno(err, r, "release the first process") : 0;
}

typedef int step_function(struct creation *c, struct error *err);

static int run_steps(struct creation *c, struct error *err)
{
	static step_function *const steps[] = {
		plan_cgroups, write_first_record, make_cgroups, make_rdt_groups, prepare_launch,
		clone_init,   start_scope,	  place_init,	await_ready,	 commit,
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int r = steps[i](c, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int container_create(const struct container_create_options *options, struct oci_config *config,
		     struct container **container, struct error *err)
{
	_cleanup_(cleanup_container) struct container *made = NULL;
	_cleanup_(cleanup_creation) struct creation c = {
		.options = options,
		.config = config,
		.sync = -EBADF,
		.launch = LAUNCH_NONE,
		.ns = NAMESPACES_NONE,
	};
	struct error undo_err = {0};
	int r = check_config(config, options, err);

	if (r == 0)
		r = record_check_id(options->id, err);
	if (r == 0)
		r = record_create(options->root, options->id, &made, err);
	if (r < 0)
		return r;
	c.container = made;
	r = run_steps(&c, err);
	if (r < 0) {
		/* The first failure is the one to tell. */
		if (container_undo(made, &undo_err) == 0 && c.hooked)
			hooks_run_after_delete(made);
		return r;
	}
	record_unlock(made);
	*container = take_ptr(made);
	return 0;
}
