// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One more process in a container. The container's own processes may be hostile and share its pid
 * namespace with the new one: until the exec it is not dumpable (they can neither trace it nor reach
 * its descriptors), and it believes nothing it reads there.
 *
 * The pid namespace is entered by the parent, for its next child only; everything else by the child,
 * after it has entered the cgroups through descriptors that were opened outside. An ordinary user has
 * the right to enter a pid namespace only once the container's user namespace has been entered
 * (kernel/pid_namespace.c, pidns_install), which is a way of no return: an intermediate process does it
 * (namespaces.c). Root of a user namespace cannot come back either where the own one belongs to the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "kernel/cgroup.h"
#include "kernel/pidfd.h"
#include "runtime/container.h"
#include "runtime/init.h"
#include "runtime/intel_rdt.h"
#include "runtime/labels.h"
#include "runtime/launch.h"
#include "runtime/namespaces.h"
#include "runtime/place.h"
#include "runtime/record.h"
#include "runtime/scheduling.h"
#include "runtime/seccomp.h"
#include "runtime/seccomp_listener.h"
#include "runtime/sync.h"

int container_config(const struct container *container, struct oci_config **config,
		     struct error *err)
{
	int r = oci_config_load(container->dir, RECORD_CONFIG, config, err);

	return r < 0 ? error_prefix(err, "container '%s'", container->id) : 0;
}

static int check_status(const struct container *container, bool ignore_paused, struct error *err)
{
	enum container_status status = container_status(container);

	if (status == CONTAINER_RUNNING || status == CONTAINER_CREATED ||
	    (status == CONTAINER_PAUSED && ignore_paused))
		return 0;
	/* Engines know these words. */
	return error_set(err, EINVAL, "cannot exec in a %s container: '%s'",
			 container_status_name(status), container->id);
}

/* Those in which init is not where we are; entering one's own user namespace is refused. */
static int differing_namespaces(const struct container *container, int *types, struct error *err)
{
	static const int all[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWNET,	CLONE_NEWIPC,
				  CLONE_NEWUTS,	 CLONE_NEWPID, CLONE_NEWCGROUP, CLONE_NEWTIME};

	*types = 0;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const char *file = oci_namespace_file(all[i]);
		char path[64];
		struct stat ours, theirs;
		int r;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", file);
		r = stat(path, &ours);
		/* A kernel without that kind has one for all. */
		if (r < 0 && errno == ENOENT)
			continue;
		if (r == 0) {
			snprintf(path, sizeof(path), "/proc/%d/ns/%s", container->pid, file);
			r = stat(path, &theirs);
		}
		if (r < 0)
			return error_errno(err, errno, "look at the namespaces of container '%s'",
					   container->id);
		if (ours.st_ino != theirs.st_ino)
			*types |= all[i];
	}
	return 0;
}

/*
 * Without a mount namespace of its own, and where we are in a chroot ourselves, the container's root is
 * not that of a mount namespace. An ordinary user may be refused a look at init before its exec, and
 * has no container of that kind.
 */
static int open_root(const struct container *container, int namespaces, int *root,
		     struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", container->pid);
	*root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*root < 0 && !(namespaces & CLONE_NEWNS))
		return error_errno(err, errno, "open the root of container '%s'", container->id);
	return 0;
}

/* Ours is other than FD, which is one of the kind FILE; 0 when not. */
static int differs(int fd, const char *file)
{
	char path[64];
	struct stat ours, theirs;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", file);
	if (stat(path, &ours) < 0 || fstat(fd, &theirs) < 0)
		return -errno;
	return ours.st_ino != theirs.st_ino;
}

/*
 * An ordinary user may not look at a first process that has not executed the program yet (init.c): it is
 * asked, and gives its namespaces itself.
 */
static int ask_for_namespaces(const struct container *container, struct launch *l,
			      struct error *err)
{
	_cleanup_close_ int connection = container_reach_init(container, SYNC_NAMESPACES, err);

	if (connection < 0)
		return connection;
	l->target_namespaces = 0;
	l->namespaces_given = true;
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		int type = namespaces_type(i), r;

		r = sync_receive(connection, &l->namespaces[i], err);
		if (r < 0)
			return r;
		if (r != SYNC_NAMESPACES)
			return error_set(err, EPROTO, "container '%s' gives no namespaces",
					 container->id);
		if (l->namespaces[i] < 0)
			continue;
		r = differs(l->namespaces[i], oci_namespace_file(type));
		if (r < 0)
			return error_errno(err, r, "look at the %s namespace of container '%s'",
					   oci_namespace_name(type), container->id);
		l->target_namespaces |= r ? type : 0;
	}
	return 0;
}

/* What is to be entered, and by what. */
static int find_namespaces(const struct container *container, struct launch *l, struct error *err)
{
	int r = differing_namespaces(container, &l->target_namespaces, err);

	if (r == -EACCES && container_status(container) == CONTAINER_CREATED)
		return ask_for_namespaces(container, l, err);
	return r < 0 ? r : open_root(container, l->target_namespaces, &l->target_root, err);
}

struct entry {
	struct launch launch;
	struct oci_config *config; /* for its seccomp */
	struct cgroup *cgroup;
	struct seccomp_program *seccomp;
	int sync;
};

static void cleanup_entry(struct entry *e)
{
	oci_config_free(e->config);
	cgroup_free(e->cgroup);
	seccomp_free(e->seccomp);
	cleanup_close(&e->sync);
	cleanup_close(&e->launch.sync);
	cleanup_close(&e->launch.target_root);
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		cleanup_close(&e->launch.namespaces[i]);
}

/* A process that says nothing of them gets those of the container's first one, never the host's. */
static const struct oci_capabilities *capabilities_of(const struct oci_process *process,
						      const struct oci_process *first)
{
	if (process->has_capabilities)
		return &process->capabilities;
	return first && first->has_capabilities ? &first->capabilities : NULL;
}

/* Where the new process goes: opened out here, entered by itself. */
static int open_cgroup(struct container *container, const struct container_exec_options *o,
		       struct entry *e, struct error *err)
{
	struct json_object *record;
	int r;

	if (!json_object_object_get_ex(container->json, "cgroup", &record))
		return !o->cgroups
			       ? 0
			       : error_set(err, ENODEV, "--cgroup: container '%s' has no cgroup",
					   container->id);
	r = cgroup_from_json(record, &e->cgroup, err);
	if (r < 0)
		return r;
	if (!o->cgroups)
		return cgroup_open_beside(e->cgroup, container->pid, err);
	r = cgroup_open_below(e->cgroup, o->cgroups, err);
	return r < 0 ? error_prefix(err, "--cgroup") : 0;
}

static int prepare(struct container *container, const struct container_exec_options *o,
		   struct entry *e, struct error *err)
{
	struct launch *l = &e->launch;
	int pair[2], r;

	r = container_config(container, &e->config, err);
	if (r == 0)
		r = open_cgroup(container, o, e, err);
	if (r == 0)
		r = labels_check(o->process, err);
	if (r == 0 && e->config->seccomp)
		r = seccomp_compile(e->config->seccomp, &e->seccomp, err);
	if (r == 0)
		r = find_namespaces(container, l, err);
	if (r == 0)
		r = sync_pair(pair, err);
	if (r < 0)
		return r;
	e->sync = pair[0];
	l->sync = pair[1];
	l->id = container->id;
	l->config = e->config;
	l->process = o->process;
	l->preserve_fds = o->preserve_fds;
	l->target = container->pidfd;
	l->cgroup = e->cgroup;
	l->seccomp = e->seccomp;
	l->capabilities = capabilities_of(o->process, e->config->process);
	return 0;
}

/* Through the pid namespace alone: everything else can be entered later. */
static pid_t clone_as_root(struct entry *e, int cgroup, int *pidfd, struct error *err)
{
	static const struct namespaces none = NAMESPACES_NONE;
	bool pid_namespace = e->launch.target_namespaces & CLONE_NEWPID;
	_cleanup_close_ int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	pid_t pid;

	if (own < 0)
		return error_errno(err, errno, "open '/proc/self/ns/pid'");
	if (pid_namespace && setns(e->launch.target, CLONE_NEWPID) < 0)
		return error_errno(err, errno, "join the pid namespace of container '%s'",
				   e->launch.id);
	e->launch.target_namespaces &= ~CLONE_NEWPID;
	pid = namespaces_clone(&none, cgroup, pidfd, err);
	if (pid != 0 && pid_namespace && setns(own, CLONE_NEWPID) < 0)
		return error_errno(err, errno, "go back to the own pid namespace");
	return pid;
}

static int join_first(const struct launch *l, struct namespaces *ns, pid_t init, int type,
		      struct error *err)
{
	if (!l->namespaces_given)
		return namespaces_join_of(ns, init, type, err);
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		if (namespaces_type(i) != type)
			continue;
		ns->joined[i] = fcntl(l->namespaces[i], F_DUPFD_CLOEXEC, 3);
		if (ns->joined[i] < 0)
			return error_errno(err, errno, "keep a namespace");
	}
	return 0;
}

static pid_t clone_as_user(struct entry *e, pid_t init, int cgroup, int *pidfd, struct error *err)
{
	static const int first[] = {CLONE_NEWUSER, CLONE_NEWPID};
	struct namespaces ns = NAMESPACES_NONE;
	pid_t pid;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(first); i++) {
		if (e->launch.target_namespaces & first[i])
			r = join_first(&e->launch, &ns, init, first[i], err);
		e->launch.target_namespaces &= ~first[i];
	}
	pid = r < 0 ? r : namespaces_clone(&ns, cgroup, pidfd, err);
	namespaces_close(&ns);
	return pid;
}

static bool can_return(const struct launch *l)
{
	return !(l->target_namespaces & CLONE_NEWPID) || namespaces_can_return(CLONE_NEWPID);
}

static pid_t clone_into(struct entry *e, pid_t init, int *pidfd, struct error *err)
{
	int cgroup = e->cgroup ? cgroup_clone_fd(e->cgroup) : -EBADF;
	pid_t pid;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, errno, "prctl");
	e->launch.in_user_ns = e->launch.target_namespaces & CLONE_NEWUSER;
	if ((geteuid() != 0 && e->launch.in_user_ns) || !can_return(&e->launch))
		pid = clone_as_user(e, init, cgroup, pidfd, err);
	else
		pid = clone_as_root(e, cgroup, pidfd, err);
	if (pid == 0) {
		/* With our end the child would not see the connection end. */
		close(e->sync);
		init_exec_main(&e->launch);
	}
	return pid;
}

/* Until the exec closes the other end; a terminal comes along before. */
static int await_exec(struct entry *e, const struct container *container, pid_t pid,
		      const struct container_exec_options *o, struct error *err)
{
	for (;;) {
		_cleanup_close_ int fd = -EBADF;
		int type = sync_receive(e->sync, &fd, err), r;

		if (type <= 0)
			return type;
		if (type == SYNC_LISTENER && fd >= 0) {
			r = seccomp_listener_hand_over(container, e->config->seccomp, pid, fd, err);
			if (r < 0)
				return r;
			continue;
		}
		if (type != SYNC_CONSOLE || fd < 0)
			return error_set(err, EPROTO, "unexpected message %d in exec", type);
		r = place_hand_over_console(o->console_socket, o->console_master, &fd, err);
		if (r < 0)
			return r;
	}
}

static int see_off(struct entry *e, const struct container *container,
		   const struct container_exec_options *o, pid_t pid, struct error *err)
{
	int r = place_set_limits(pid, o->process, err);

	if (r == 0)
		r = intel_rdt_add(container->json, pid, err);
	if (r == 0)
		r = scheduling_apply(pid, o->process, err);
	close(take_fd(&e->launch.sync));
	if (r == 0)
		r = place_write_pid_file(o->pid_file, pid, err);
	if (r < 0)
		return r;
	r = sync_send(e->sync, SYNC_PLACED, -1);
	/* A child that is gone has said why. */
	if (r < 0 && r != -EPIPE)
		return error_errno(err, r, "talk to the new process");
	return await_exec(e, container, pid, o, err);
}

int container_exec(struct container *container, const struct container_exec_options *options,
		   pid_t *pid, int *pidfd, struct error *err)
{
	_cleanup_(cleanup_entry) struct entry e = {
		.sync = -EBADF,
		.launch = LAUNCH_NONE,
	};
	_cleanup_close_ int child_pidfd = -EBADF;
	pid_t child;
	int r = check_status(container, options->ignore_paused, err);

	if (r == 0)
		r = prepare(container, options, &e, err);
	if (r == 0)
		r = scheduling_begin_exec(&options->process->exec_affinity, err);
	if (r < 0)
		return r;
	child = clone_into(&e, container->pid, &child_pidfd, err);
	if (child < 0)
		return child;
	r = see_off(&e, container, options, child, err);
	if (r < 0) {
		pidfd_signal(child_pidfd, SIGKILL);
		waitpid(child, NULL, 0);
		return r;
	}
	*pid = child;
	*pidfd = take_fd(&child_pidfd);
	return 0;
}
