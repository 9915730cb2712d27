// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One clone3 makes all new namespaces at once. Namespaces given by path have to be entered by somebody
 * first: without a user namespace among them that is the parent, which goes back to its own
 * afterwards; a joined user namespace cannot be left again, nor can root of one come back to what belongs
 * to the namespace above, so then an intermediate process enters and clones, with CLONE_PARENT so that the
 * result is the caller's child all the same.
 *
 * A time namespace with offsets cannot be made by the clone: whoever enters one fixes its clocks. So the
 * one who clones makes it first, which only its children enter (time_namespaces(7)), and writes the
 * offsets while it still is empty.
 */
#include "runtime/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "kernel/pidfd.h"

/*
 * The order of joining: a user namespace comes last, since it takes away the rights over the others
 * that the host owns.
 */
static const int types[NAMESPACE_TYPES] = {
	CLONE_NEWNET,  CLONE_NEWIPC,	CLONE_NEWUTS, CLONE_NEWPID,
	CLONE_NEWTIME, CLONE_NEWCGROUP, CLONE_NEWNS,  CLONE_NEWUSER,
};

/* Entered by the child itself: after its cgroups, and where the parent still needs its own files. */
#define JOINED_BY_CHILD (CLONE_NEWCGROUP | CLONE_NEWNS)

static int open_one(const struct oci_namespace *n, size_t index, struct error *err)
{
	_cleanup_close_ int fd = open(n->path, O_RDONLY | O_CLOEXEC);
	int type;

	if (fd < 0)
		return error_errno(err, errno, "linux.namespaces[%zu].path: open '%s'", index,
				   n->path);
	type = ioctl(fd, NS_GET_NSTYPE);
	if (type != n->type)
		return error_set(err, EINVAL,
				 "linux.namespaces[%zu].path: '%s' is not a %s namespace", index,
				 n->path, oci_namespace_name(n->type));
	return take_fd(&fd);
}

/* Whether the namespace of TYPE that is joined is the one we are in. */
static int is_own(int fd, int type, bool *own)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", oci_namespace_file(type));
	if (stat(path, &ours) < 0 || fstat(fd, &theirs) < 0)
		return -errno;
	*own = ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
	return 0;
}

/* The parser has seen that there is a namespace for each, but not that a path leads to the host's. */
static int check_sysctls(const struct oci_config *config, const struct namespaces *ns,
			 struct error *err)
{
	for (size_t i = 0; i < config->n_sysctl; i++) {
		const char *key = config->sysctl[i].key;
		int type = oci_sysctl_namespace(key), fd = namespaces_joined(ns, type);
		bool own = false;
		int r = fd < 0 ? 0 : is_own(fd, type, &own);

		if (r < 0)
			return error_errno(err, r, "look at the %s namespace",
					   oci_namespace_name(type));
		if (own)
			return error_set(err, EINVAL,
					 "config.json: linux.sysctl.%s: the container joins the "
					 "host's %s namespace, setting it would change the host",
					 key, oci_namespace_name(type));
	}
	return 0;
}

/* One line per clock; the range is the kernel's to know. */
static int format_time_offsets(const struct oci_config *config, struct namespaces *ns,
			       struct error *err)
{
	size_t used = 0;

	for (size_t i = 0; i < config->n_time_offsets; i++) {
		const struct oci_time_offset *o = &config->time_offsets[i];

		if (used >= sizeof(ns->time_offsets))
			break;
		used += (size_t)snprintf(ns->time_offsets + used, sizeof(ns->time_offsets) - used,
					 "%s %lld %u\n", o->clock, (long long)o->seconds,
					 o->nanoseconds);
	}
	if (used >= sizeof(ns->time_offsets))
		return error_set(err, EINVAL, "config.json: linux.timeOffsets: too many");
	return 0;
}

int namespaces_open(const struct oci_config *config, struct namespaces *ns, struct error *err)
{
	int r;

	*ns = (struct namespaces){0};
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		ns->joined[i] = -EBADF;
	for (size_t i = 0; i < config->n_namespaces; i++) {
		const struct oci_namespace *n = &config->namespaces[i];
		int fd;

		if (!n->path) {
			ns->new_types |= n->type;
			continue;
		}
		fd = open_one(n, i, err);
		if (fd < 0) {
			namespaces_close(ns);
			return fd;
		}
		for (size_t t = 0; t < NAMESPACE_TYPES; t++)
			if (types[t] == n->type)
				ns->joined[t] = fd;
	}
	r = check_sysctls(config, ns, err);
	if (r == 0)
		r = format_time_offsets(config, ns, err);
	if (r < 0)
		namespaces_close(ns);
	return r;
}

int namespaces_type(size_t nth)
{
	return types[nth];
}

int namespaces_open_own(int proc, int own[NAMESPACE_TYPES], struct error *err)
{
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		char path[32];

		snprintf(path, sizeof(path), "self/ns/%s", oci_namespace_file(types[i]));
		own[i] = openat(proc, path, O_RDONLY | O_CLOEXEC);
		if (own[i] < 0 && errno != ENOENT)
			return error_errno(err, errno, "open '/proc/%s'", path);
	}
	return 0;
}

int namespaces_join_of(struct namespaces *ns, pid_t pid, int type, struct error *err)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, oci_namespace_file(type));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "open '%s'", path);
	for (size_t t = 0; t < NAMESPACE_TYPES; t++)
		if (types[t] == type)
			ns->joined[t] = fd;
	return 0;
}

void namespaces_close(struct namespaces *ns)
{
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		if (ns->joined[i] >= 0)
			close(ns->joined[i]);
		ns->joined[i] = -EBADF;
	}
}

int namespaces_joined(const struct namespaces *ns, int type)
{
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (types[i] == type)
			return ns->joined[i];
	return -EBADF;
}

static pid_t clone_now(uint64_t flags, int cgroup, int *pidfd)
{
	struct clone_args args = {
		.flags = flags | (pidfd ? CLONE_PIDFD : 0) | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
		.cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	return pid < 0 ? -errno : (pid_t)pid;
}

static uint64_t clone_flags(const struct namespaces *ns)
{
	int made_otherwise = CLONE_NEWCGROUP | (ns->time_offsets[0] ? CLONE_NEWTIME : 0);

	return (uint64_t)(unsigned int)(ns->new_types & ~made_otherwise);
}

/* For the next child of the caller, who stays in the time namespace it is in. */
static int make_time_namespace(const struct namespaces *ns, struct error *err)
{
	int r;

	if (!ns->time_offsets[0])
		return 0;
	if (unshare(CLONE_NEWTIME) < 0)
		return error_errno(err, errno, "make a time namespace with offsets");
	/* Its own sentence holds the text, which has two lines. */
	r = file_write_at(AT_FDCWD, "/proc/self/timens_offsets", ns->time_offsets, NULL);
	return r < 0 ? error_errno(err, r, "linux.timeOffsets: set them") : 0;
}

static int join(const struct namespaces *ns, size_t i, struct error *err)
{
	if (setns(ns->joined[i], types[i]) < 0)
		return error_errno(err, errno, "join the %s namespace",
				   oci_namespace_name(types[i]));
	return 0;
}

static bool is_joined_before_clone(const struct namespaces *ns, size_t i)
{
	return ns->joined[i] >= 0 && !(types[i] & JOINED_BY_CHILD);
}

/* Of the parent's own namespaces, by index of types; opened only where one is left. */
static void go_back(int own[NAMESPACE_TYPES])
{
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		if (own[i] < 0)
			continue;
		/* It was ours a moment ago and a descriptor holds it: this cannot fail. */
		if (setns(own[i], types[i]) < 0)
			abort();
		close(own[i]);
	}
}

static int go_in(const struct namespaces *ns, int own[NAMESPACE_TYPES], struct error *err)
{
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		char path[64];
		int r;

		bool made = types[i] == CLONE_NEWTIME && ns->time_offsets[0];

		if (!made && !is_joined_before_clone(ns, i))
			continue;
		snprintf(path, sizeof(path), "/proc/self/ns/%s", oci_namespace_file(types[i]));
		own[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (own[i] < 0)
			return error_errno(err, errno, "open '%s'", path);
		r = made ? make_time_namespace(ns, err) : join(ns, i, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Joins everything: what the host owns before the user namespace, what the user namespace owns (and
 * refused us before) after it.
 */
static int join_all(const struct namespaces *ns, struct error *err)
{
	bool later[NAMESPACE_TYPES] = {0};
	int r;

	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		if (!is_joined_before_clone(ns, i))
			continue;
		r = join(ns, i, err);
		if (r == -EPERM && types[i] != CLONE_NEWUSER)
			later[i] = true;
		else if (r < 0)
			return r;
	}
	for (size_t i = 0; i < NAMESPACE_TYPES; i++) {
		r = later[i] ? join(ns, i, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

struct intermediate_result {
	pid_t pid; /* or a negative errno */
	struct error error;
};

/* Runs in the intermediate process; comes back only in the child it clones. */
static void intermediate_main(const struct namespaces *ns, int cgroup, int report)
{
	struct intermediate_result result = {0};

	result.pid = join_all(ns, &result.error);
	if (result.pid == 0)
		result.pid = make_time_namespace(ns, &result.error);
	if (result.pid == 0) {
		result.pid = clone_now(clone_flags(ns) | CLONE_PARENT, cgroup, NULL);
		if (result.pid == 0)
			return;
		if (result.pid < 0)
			error_errno(&result.error, result.pid, "clone");
	}
	_exit(write(report, &result, sizeof(result)) == sizeof(result) ? 0 : 1);
}

static pid_t clone_through_intermediate(const struct namespaces *ns, int cgroup, int *pidfd,
					struct error *err)
{
	struct intermediate_result result = {0};
	_cleanup_close_ int reader = -EBADF, writer = -EBADF;
	int ends[2], status;
	pid_t pid;
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	reader = ends[0];
	writer = ends[1];
	pid = clone_now(0, -1, NULL);
	if (pid < 0)
		return error_errno(err, pid, "clone");
	if (pid == 0) {
		intermediate_main(ns, cgroup, writer);
		return 0;
	}
	close(take_fd(&writer));
	n = read(reader, &result, sizeof(result));
	waitpid(pid, &status, 0);
	if (n != sizeof(result))
		return error_set(err, EPROTO, "joining the user namespace ended unexpectedly");
	if (result.pid < 0) {
		*err = result.error;
		return result.pid;
	}
	*pidfd = pidfd_open_process(result.pid);
	if (*pidfd < 0)
		return error_errno(err, *pidfd, "pidfd_open");
	return result.pid;
}

bool namespaces_can_return(int type)
{
	_cleanup_close_ int own = -EBADF;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", oci_namespace_file(type));
	own = open(path, O_RDONLY | O_CLOEXEC);
	/* The same rights are asked for as on the way back. */
	return own >= 0 && setns(own, type) == 0;
}

static bool can_return(const struct namespaces *ns)
{
	for (size_t i = 0; i < NAMESPACE_TYPES; i++)
		if (is_joined_before_clone(ns, i) && !namespaces_can_return(types[i]))
			return false;
	return true;
}

pid_t namespaces_clone(const struct namespaces *ns, int cgroup, int *pidfd, struct error *err)
{
	int own[NAMESPACE_TYPES] = {-1, -1, -1, -1, -1, -1, -1, -1};
	pid_t pid;
	int r;

	if (namespaces_joined(ns, CLONE_NEWUSER) >= 0 || !can_return(ns))
		return clone_through_intermediate(ns, cgroup, pidfd, err);
	r = go_in(ns, own, err);
	if (r < 0) {
		go_back(own);
		return r;
	}
	pid = clone_now(clone_flags(ns), cgroup, pidfd);
	if (pid == 0)
		return 0;
	go_back(own);
	if (pid == -EACCES && cgroup >= 0)
		return error_errno(err, pid, "clone3 into the container's cgroup");
	if (pid < 0)
		return error_errno(err, pid, "clone3 with the container's namespaces");
	return pid;
}
