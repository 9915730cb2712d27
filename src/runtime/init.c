// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The stages of a container's first process.
 *
 * It begins as a copy of the runtime, with the runtime's memory and descriptors, in new namespaces,
 * and ends as the program of the configuration. In between it goes through the stages below, each of
 * which gives something up:
 *
 *   settle     signals as if fresh; enters the cgroups, so that all it does is charged to the
 *              container; dies with the parent until the parent has written it down
 *   placed     the parent has mapped ids and set limits, and systemd has put us into our group, where it
 *              is one of systemd; becomes root of a new user namespace
 *   open       what is needed of the host's files
 *   join       namespaces given by path that could not be entered before the clone
 *   name       host name, sysctls, loopback: through the host's /proc, which can be trusted
 *   mount      the root, mounts, devices, terminal, masks: every path inside is looked up in the root
 *   hooks      those that want the mounts and the host's root, by the parent and by us
 *   enter      the host's root becomes unreachable
 *   ready      the parent is told, answers with COMMIT once the record is on disk
 *   wait       until `start` connects
 *   become     user, groups, capabilities, seccomp
 *   hooks      those of the container's own programs
 *   execute
 *
 * From `enter` on, nothing of the host is trusted to be named by a path, and nothing that the
 * container's files say is believed. The process is not dumpable, so processes of a namespace it shares
 * can neither trace it nor look into its /proc entries. The kernel gives the files of such a process in
 * /proc to root (fs/proc/base.c, task_dump_owner); an ordinary user who is to write uid_map can only do
 * so before, which is why it waits until `placed` then. Until then its new user namespace is what keeps
 * others off: whoever is in another one, and is not its owner, has no rights over it
 * (security/commoncap.c, cap_ptrace_access_check).
 */
#include "runtime/init.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "kernel/cgroup.h"
#include "runtime/console.h"
#include "runtime/devices.h"
#include "runtime/hooks.h"
#include "runtime/labels.h"
#include "runtime/mask.h"
#include "runtime/mounts.h"
#include "runtime/process.h"
#include "runtime/rootfs.h"
#include "runtime/scheduling.h"
#include "runtime/sync.h"

/*
 * By system call: the C library keeps 32 and 33 to itself and refuses to touch them, also when the
 * caller handed them on ignored, as some do. All zeros is SIG_DFL, whatever the layout of the kernel's
 * struct sigaction.
 */
static void reset_signals(void)
{
	static const unsigned long zeros[8];
	sigset_t none;

	for (int n = 1; n < NSIG; n++)
		syscall(SYS_rt_sigaction, n, zeros, NULL, 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Once we are in our groups: the root of the namespace is where its maker is (cgroup_namespaces(7)). */
static int make_cgroup_namespace(struct launch *l, struct error *err)
{
	if (l->new_cgroup_ns && unshare(CLONE_NEWCGROUP) < 0)
		return error_errno(err, errno, "make a cgroup namespace");
	return 0;
}

static int stage_settle(struct launch *l, struct error *err)
{
	int r;

	reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	    (!l->unmapped && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
		return error_errno(err, errno, "prctl");
	if (l->cgroup_later)
		return 0;
	r = l->cgroup ? cgroup_enter_self(l->cgroup, cgroup_clone_fd(l->cgroup) >= 0, err) : 0;
	return r == 0 ? make_cgroup_namespace(l, err) : r;
}

/* With an id that the namespace does not know nothing can be made there (EOVERFLOW). */
static int become_namespace_root(struct error *err)
{
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return error_errno(err, errno, "become root of the user namespace");
	/* Changing ids has made us dumpable by the rules of commit_creds (kernel/cred.c). */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, errno, "prctl");
	return 0;
}

/* The maps of a new user namespace are there from now on. */
static int stage_placed(struct launch *l, struct error *err)
{
	int r = sync_expect(l->sync, SYNC_PLACED, err);

	if (r == 0 && l->cgroup_later)
		r = make_cgroup_namespace(l, err);
	return r == 0 && l->in_user_ns ? become_namespace_root(err) : r;
}

/* /dev/null is checked while it still is the host's: it will cover masked files. */
static int stage_open(struct launch *l, struct error *err)
{
	struct stat st;

	l->bundle = open(l->bundle_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l->bundle < 0)
		return error_errno(err, errno, "open the bundle '%s'", l->bundle_path);
	l->host_proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l->host_proc < 0)
		return error_errno(err, errno, "open '/proc'");
	l->host_null = open("/dev/null", O_PATH | O_CLOEXEC);
	if (l->host_null < 0 || fstat(l->host_null, &st) < 0)
		return error_errno(err, errno, "open '/dev/null'");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return error_set(err, ENODEV, "'/dev/null' of the host is not the null device");
	return 0;
}

static int stage_join(struct launch *l, struct error *err)
{
	if (l->joined_cgroup_ns >= 0 && setns(l->joined_cgroup_ns, CLONE_NEWCGROUP) < 0)
		return error_errno(err, errno, "join the cgroup namespace");
	if (l->joined_mount_ns >= 0 && setns(l->joined_mount_ns, CLONE_NEWNS) < 0)
		return error_errno(err, errno, "join the mount namespace");
	return 0;
}

/* A key with slashes is a path already; in one with dots they separate (sysctl.d(5)). */
static int set_sysctl(struct launch *l, const struct oci_pair *s, struct error *err)
{
	char path[512];
	_cleanup_close_ int fd = -EBADF;
	size_t n = strlen(s->value);

	if (snprintf(path, sizeof(path), "sys/%s", s->key) >= (int)sizeof(path))
		return error_set(err, ENAMETOOLONG, "linux.sysctl: '%s' is too long", s->key);
	for (char *p = path; *p && !strchr(s->key, '/'); p++)
		if (*p == '.')
			*p = '/';
	fd = path_open_in_root(l->host_proc, path, O_WRONLY, 0);
	if (fd < 0)
		return error_errno(err, fd, "linux.sysctl: open '%s'", s->key);
	if (write(fd, s->value, n) != (ssize_t)n)
		return error_errno(err, errno, "linux.sysctl: write '%s' to '%s'", s->value,
				   s->key);
	return 0;
}

static int bring_loopback_up(struct error *err)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo"};

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return error_errno(err, errno, "look at the loopback interface");
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return error_errno(err, errno, "bring the loopback interface up");
	return 0;
}

static int stage_name(struct launch *l, struct error *err)
{
	const struct oci_config *c = l->config;
	int r;

	if (setsid() < 0)
		return error_errno(err, errno, "make a session");
	if (c->hostname && sethostname(c->hostname, strlen(c->hostname)) < 0)
		return error_errno(err, errno, "hostname: set '%s'", c->hostname);
	if (c->domainname && setdomainname(c->domainname, strlen(c->domainname)) < 0)
		return error_errno(err, errno, "domainname: set '%s'", c->domainname);
	if (l->new_namespaces & CLONE_NEWNET) {
		r = bring_loopback_up(err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < c->n_sysctl; i++) {
		r = set_sysctl(l, &c->sysctl[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The working directory is made when the image lacks it, as runc and crun do. */
static void make_working_directory(struct launch *l)
{
	if (strcmp(l->process->cwd, "/") != 0)
		path_make_directories_in_root(l->rootfs, l->process->cwd, 0755);
}

static int stage_mount(struct launch *l, struct error *err)
{
	int r;

	umask(0);
	r = rootfs_prepare(l, err);
	if (r < 0)
		return r;
	make_working_directory(l);
	if (l->new_namespaces & CLONE_NEWNS) {
		r = mounts_make(l, err);
		if (r == 0)
			r = devices_make(l, err);
	}
	if (r == 0 && l->process->terminal)
		r = console_make(l, l->new_namespaces & CLONE_NEWNS, err);
	if (r == 0 && (l->new_namespaces & CLONE_NEWNS)) {
		r = mask_paths(l, err);
		if (r == 0)
			r = mounts_finish(l, err);
	}
	return r;
}

static int await_hooks_of_parent(struct launch *l, struct error *err)
{
	int r;

	if (!hooks_wanted_in_create(&l->config->hooks))
		return 0;
	r = sync_send(l->sync, SYNC_MOUNTED, -1);
	if (r < 0)
		return error_errno(err, r, "report to the parent");
	return sync_expect(l->sync, SYNC_HOOKED, err);
}

/* Programs of the host, beginning in the container's root, which is not ours yet. */
static int stage_hooks(struct launch *l, struct error *err)
{
	const struct oci_hooks *hooks = &l->config->hooks;
	const struct hooks own = {"createContainer", hooks->create_container,
				  hooks->n_create_container, hooks->stdout_path,
				  hooks->stderr_path};
	int r = await_hooks_of_parent(l, err);

	if (r < 0 || !own.n)
		return r;
	umask(0022);
	if (fchdir(l->rootfs) < 0)
		return error_errno(err, errno, "enter the root");
	return hooks_run(&own, l->hook_state, "creating", getpid(), err);
}

/*
 * After `become`, since what is run is a file of the container: it gets the rights of the program, not
 * ours, and no file of the host to write to.
 */
static int stage_start_hooks(struct launch *l, struct error *err)
{
	const struct oci_hooks *hooks = &l->config->hooks;
	const struct hooks own = {"startContainer", hooks->start_container,
				  hooks->n_start_container, NULL, NULL};

	return own.n ? hooks_run(&own, l->hook_state, "created", getpid(), err) : 0;
}

static int stage_enter(struct launch *l, struct error *err)
{
	int r = rootfs_enter(l, err);

	if (r == 0 && l->console >= 0)
		r = console_take(l, err);
	if (r == 0)
		r = labels_apply(l->host_proc, l->process, err);
	/* Its user has no other way to them: this process is not dumpable, and of the host's memory still. */
	if (r == 0 && l->unmapped && l->listener >= 0)
		r = namespaces_open_own(l->host_proc, l->namespaces, err);
	if (r == 0)
		r = process_close_foreign(l, err);
	return r == 0 ? process_find(l, err) : r;
}

/*
 * From here on it is the end of the connection that tells of a parent's death before COMMIT; the
 * signal must be off by then, since the parent may be gone the moment after.
 */
static int stage_ready(struct launch *l, struct error *err)
{
	int r;

	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
		return error_errno(err, errno, "prctl");
	r = sync_send(l->sync, SYNC_READY, -1);
	if (r < 0)
		return error_errno(err, r, "report to the parent");
	return sync_expect(l->sync, SYNC_COMMIT, err);
}

static void give_namespaces(struct launch *l, int connection)
{
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (sync_send(connection, SYNC_NAMESPACES, l->namespaces[i]) < 0)
			return;
}

/* Who connects is our user, or root: nobody else reaches the socket. One that says nothing is gone. */
static int accept_start(struct launch *l, struct error *err)
{
	for (;;) {
		_cleanup_close_ int connection = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC);
		int type;

		if (connection < 0 && errno == EINTR)
			continue;
		if (connection < 0)
			return error_errno(err, errno, "wait for start");
		type = sync_receive(connection, NULL, NULL);
		if (type == SYNC_STARTING)
			return take_fd(&connection);
		if (type == SYNC_NAMESPACES)
			give_namespaces(l, connection);
	}
}

/*
 * Only the first `start` counts. It replaces the parent as the one who hears of failures, and the exec
 * closes it: that is how `start` learns of success.
 */
static int stage_wait(struct launch *l, struct error *err)
{
	int connection;

	if (l->listener < 0) /* the parent starts us itself: its word has been COMMIT */
		return 0;
	connection = accept_start(l, err);
	if (connection < 0)
		return connection;
	close(l->sync);
	l->sync = connection;
	close(l->listener);
	l->listener = -EBADF;
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (l->namespaces[i] >= 0)
			close(take_fd(&l->namespaces[i]));
	return sync_expect(l->sync, SYNC_COMMIT, err);
}

typedef int stage_function(struct launch *l, struct error *err);

static void run_stages(struct launch *l, stage_function *const *stages)
{
	struct error err = {0};

	for (; *stages; stages++) {
		if ((*stages)(l, &err) < 0) {
			sync_send_error(l->sync, &err);
			_exit(1);
		}
	}
	_exit(1); /* the last stage is an exec */
}

void init_main(struct launch *l)
{
	static stage_function *const stages[] = {
		stage_settle,	stage_placed,	   stage_open,	    stage_join,	 stage_name,
		stage_mount,	stage_hooks,	   stage_enter,	    stage_ready, stage_wait,
		process_become, stage_start_hooks, process_execute, NULL,
	};

	run_stages(l, stages);
	__builtin_unreachable();
}

static int stage_exec_settle(struct launch *l, struct error *err)
{
	int r = stage_settle(l, err);

	if (r == 0)
		r = sync_expect(l->sync, SYNC_PLACED, err);
	if (r < 0)
		return r;
	if (l->process->apparmor_profile || l->process->selinux_label) {
		l->host_proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (l->host_proc < 0)
			return error_errno(err, errno, "open '/proc'");
	}
	return scheduling_finish_exec(&l->process->exec_affinity, err);
}

/*
 * One setns for all: the kernel sorts out the order and either all are entered or none (Linux 5.8).
 * The root and the working directory are the container's from here on.
 */
static int join_given(struct launch *l, struct error *err)
{
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		int type = namespaces_type(i);

		if ((l->target_namespaces & type) && setns(l->namespaces[i], type) < 0)
			return error_errno(err, errno, "join the %s namespace of container '%s'",
					   oci_namespace_name(type), l->id);
	}
	l->target_namespaces = 0;
	return 0;
}

static int stage_exec_join(struct launch *l, struct error *err)
{
	int r = l->namespaces_given ? join_given(l, err) : 0;

	if (r < 0)
		return r;
	if (l->target_namespaces && setns(l->target, l->target_namespaces) < 0)
		return error_errno(err, errno, "join the namespaces of container '%s'", l->id);
	/* setns has made it the root of the namespace, which is not always init's. */
	if (l->target_root >= 0 && (fchdir(l->target_root) < 0 || chroot(".") < 0))
		return error_errno(err, errno, "enter the root of container '%s'", l->id);
	return l->in_user_ns ? become_namespace_root(err) : 0;
}

static int stage_exec_terminal(struct launch *l, struct error *err)
{
	int r;

	if (setsid() < 0)
		return error_errno(err, errno, "make a session");
	l->rootfs = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l->rootfs < 0)
		return error_errno(err, errno, "open the container's root");
	r = l->process->terminal ? console_make(l, false, err) : 0;
	if (r == 0 && l->console >= 0)
		r = console_take(l, err);
	if (r == 0)
		r = labels_apply(l->host_proc, l->process, err);
	return r == 0 ? process_close_foreign(l, err) : r;
}

/* A detached one outlives the parent, which goes as soon as the exec has happened. */
static int stage_exec_release(struct launch *l, struct error *err)
{
	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) < 0)
		return error_errno(err, errno, "prctl");
	return 0;
}

void init_exec_main(struct launch *l)
{
	static stage_function *const stages[] = {
		stage_exec_settle,  stage_exec_join, stage_exec_terminal, process_find,
		stage_exec_release, process_become,  process_execute,	  NULL,
	};

	run_stages(l, stages);
	__builtin_unreachable();
}
