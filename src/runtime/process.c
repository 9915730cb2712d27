// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "runtime/capabilities.h"
#include "runtime/reaper.h"
#include "runtime/seccomp.h"
#include "runtime/sync.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* A name that comes twice has its last value, as in the environment that is made of ENV. */
static const char *environment_get(char *const *env, const char *name)
{
	const char *value = NULL;
	size_t n = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			value = *env + n + 1;
	return value;
}

/* 0 when PATH can be executed as far as can be told before the user changes. */
static int check_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode) || !(st.st_mode & 0111))
		return -EACCES;
	return 0;
}

static int search_path(const char *name, const char *path, char **found)
{
	int result = -ENOENT;

	while (*path) {
		size_t n = strcspn(path, ":");
		_cleanup_free_ char *candidate = NULL;
		int r;

		/* An empty element is the working directory; nobody wants that in a container. */
		candidate = n ? string_format("%.*s/%s", (int)n, path, name) : NULL;
		if (n && !candidate)
			return -ENOMEM;
		r = n ? check_executable(candidate) : -ENOENT;
		if (r == 0) {
			*found = take_ptr(candidate);
			return 0;
		}
		if (r == -EACCES)
			result = r;
		path += n;
		path += *path == ':';
	}
	return result;
}

int process_find(struct launch *l, struct error *err)
{
	const char *name = l->process->args[0];
	const char *path = environment_get(l->process->env, "PATH");
	char *found = NULL;
	int r;

	if (!*name)
		return error_set(err, ENOENT, "exec '': no such file or directory");
	if (strchr(name, '/')) {
		/* Relative to process.cwd, so only an absolute one can be looked at here. */
		r = *name == '/' ? check_executable(name) : 0;
		found = (char *)name;
	} else {
		r = search_path(name, path ? path : DEFAULT_PATH, &found);
		if (r == -ENOENT)
			return error_set(err, ENOENT,
					 "exec '%s': executable file not found in $PATH", name);
	}
	if (r == -EACCES)
		return error_set(err, EACCES, "exec '%s': permission denied", name);
	if (r == -ENOENT)
		return error_set(err, ENOENT, "exec '%s': no such file or directory", name);
	if (r < 0)
		return error_errno(err, r, "exec '%s'", name);
	l->path = found;
	return 0;
}

static int close_between(unsigned int first, unsigned int last)
{
	return first <= last && syscall(SYS_close_range, first, last, 0) < 0 ? -errno : 0;
}

/*
 * Close-on-exec would be too late: as long as a directory of the host is open, the container's files
 * can name it (a working directory, or a program that is a symlink, to /proc/self/fd/N/../...;
 * CVE-2024-21626).
 */
static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int process_close_foreign(struct launch *l, struct error *err)
{
	int kept[2 + NAMESPACE_TYPES] = {l->sync, l->listener};
	unsigned int first = 3 + l->preserve_fds;
	int r = 0;

	memcpy(kept + 2, l->namespaces, sizeof(l->namespaces));
	qsort(kept, ARRAY_SIZE(kept), sizeof(int), compare_fds);
	for (size_t i = 0; i < ARRAY_SIZE(kept) && r == 0; i++) {
		if (kept[i] < (int)first)
			continue;
		r = close_between(first, (unsigned int)kept[i] - 1);
		first = (unsigned int)kept[i] + 1;
	}
	if (r == 0)
		r = close_between(first, ~0U);
	l->bundle = l->host_proc = l->host_null = l->rootfs = l->console = -EBADF;
	l->joined_mount_ns = l->joined_cgroup_ns = l->target = -EBADF;
	return r < 0 ? error_errno(err, r, "close the descriptors of the host") : 0;
}

/*
 * A session keyring of its own: the container must not find the keys of who started it. Kernels
 * without keys, and seccomp filters around us, refuse; the quota of a user's keys can be used up.
 */
static void new_session_keyring(const struct launch *l)
{
	_cleanup_free_ char *name = string_format("_ses.%s", l->id);

	if (!l->no_new_keyring && name)
		syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
}

static int enter_directory(const struct launch *l, struct error *err)
{
	char where[PATH_MAX];

	if (chdir(l->process->cwd) < 0)
		return error_errno(err, errno, "process.cwd: enter '%s'", l->process->cwd);
	/*
	 * A working directory outside the root, through a leaked descriptor, shows as
	 * "(unreachable)..." or not at all (CVE-2024-21626).
	 */
	if (!getcwd(where, sizeof(where)) || where[0] != '/')
		return error_set(err, EPERM,
				 "process.cwd: '%s' is outside the container's root, refused",
				 l->process->cwd);
	return 0;
}

/* crun's annotation, by which podman asks for --group-add keep-groups: those of who called us. */
static bool keeps_groups(const struct launch *l)
{
	return oci_config_annotation(l->config, OCI_ANNOTATION_KEEP_GROUPS) != NULL;
}

static int set_groups(const struct launch *l, const struct oci_user *user, struct error *err)
{
	if (keeps_groups(l))
		return 0;
	/* In a user namespace without setgroups an empty list is refused, and is what there is. */
	if (setgroups(user->n_additional_gids, user->additional_gids) < 0 &&
	    (user->n_additional_gids || errno != EPERM))
		return error_errno(err, errno, "process.user.additionalGids");
	return 0;
}

static int set_ids(const struct launch *l, const struct oci_user *user, struct error *err)
{
	int r = set_groups(l, user, err);

	if (r < 0)
		return r;
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return error_errno(err, errno, "process.user.gid %u", user->gid);
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return error_errno(err, errno, "process.user.uid %u", user->uid);
	return 0;
}

/* HOME from the container's own /etc/passwd, as login would set it, when process.env has none. */
static int home_of(uid_t uid, char **home)
{
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_fclose_ FILE *file = fd < 0 ? NULL : fdopen(fd, "re");
	struct passwd *entry;
	struct stat st;

	if (!file || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	while ((entry = fgetpwent(file)))
		if (entry->pw_uid == uid && *entry->pw_dir) {
			*home = strdup(entry->pw_dir);
			return *home ? 0 : -ENOMEM;
		}
	return 0;
}

static int set_environment(const struct launch *l, struct error *err)
{
	_cleanup_free_ char *home = NULL;

	clearenv();
	for (char **e = l->process->env; e && *e; e++) {
		if (!strchr(*e, '='))
			continue;
		if (putenv(*e) != 0)
			return error_oom(err);
	}
	if (getenv("HOME"))
		return 0;
	if (home_of(l->process->user.uid, &home) < 0 || setenv("HOME", home ? home : "/", 1) < 0)
		return error_oom(err);
	return 0;
}

static int set_memory_policy(const struct oci_config *config, struct error *err)
{
	const struct oci_memory_policy *p = &config->memory_policy;

	/* The kernel takes one from the number of bits (mm/mempolicy.c, get_nodes). */
	if (config->has_memory_policy &&
	    syscall(SYS_set_mempolicy, p->mode | p->flags, p->nodes.words,
		    p->nodes.words ? p->nodes.bits + 1UL : 0UL) < 0)
		return error_errno(err, errno, "linux.memoryPolicy: set it");
	return 0;
}

/*
 * The parent knows the agent's socket. It has the listener before anything of ours can be a system call
 * that waits for the agent, but for sendmsg, which a profile cannot have (oci/seccomp.c).
 */
static int install_filter(struct launch *l, struct error *err)
{
	int listener = seccomp_install(l->seccomp, err), r;

	if (listener <= 0)
		return listener;
	r = sync_send(l->sync, SYNC_LISTENER, listener);
	close(listener);
	return r < 0 ? error_errno(err, r, "hand over the listener of seccomp") : 0;
}

/*
 * Order: the filter needs CAP_SYS_ADMIN or no_new_privs, so without the latter it is loaded while
 * there still are capabilities; with it, as late as can be.
 */
int process_become(struct launch *l, struct error *err)
{
	const struct oci_process *p = l->process;
	bool entered;
	int r;

	new_session_keyring(l);
	r = set_memory_policy(l->config, err);
	if (r < 0)
		return r;
	if (l->config->has_personality && personality(l->config->personality) < 0)
		return error_errno(err, errno, "linux.personality.domain");
	r = set_environment(l, err);
	if (r < 0)
		return r;
	if (p->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, errno, "process.noNewPrivileges");
	if (l->seccomp && !p->no_new_privileges) {
		r = install_filter(l, err);
		if (r < 0)
			return r;
	}
	/* Root may enter what the user may not, and the other way round on network file systems. */
	entered = enter_directory(l, err) == 0;
	if (!entered && err->code == EPERM)
		return -EPERM;
	r = capabilities_prepare(l->capabilities, err);
	if (r == 0)
		r = set_ids(l, &p->user, err);
	if (r == 0)
		r = capabilities_apply(l->capabilities, err);
	if (r == 0 && !entered)
		r = enter_directory(l, err);
	if (r < 0)
		return r;
	umask(p->user.has_umask ? p->user.umask : 0022);
	if (l->seccomp && p->no_new_privileges)
		return install_filter(l, err);
	return 0;
}

int process_execute(struct launch *l, struct error *err)
{
	int code;

	if (l->reaper) {
		code = reaper_split(l, err);
		if (code < 0)
			return code;
	}
	execve(l->path, l->process->args, environ);
	code = errno;
	if (code == ENOENT)
		return error_set(err, code, "exec '%s': no such file or directory",
				 l->process->args[0]);
	if (code == EACCES)
		return error_set(err, code, "exec '%s': permission denied", l->process->args[0]);
	return error_errno(err, code, "exec '%s'", l->process->args[0]);
}
