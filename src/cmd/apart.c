// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"

struct self {
	char path[PATH_MAX];
	size_t directory; /* the length of what is before the last slash */
	uid_t owner;
};

/* False: nothing lies beside it, as on a mount of its own (runtime/self.h), or that is not to be executed. */
static bool find_self(struct self *self)
{
	ssize_t n = readlink("/proc/self/exe", self->path, sizeof(self->path) - 1);
	const char *slash;
	struct stat st;

	if (n <= 0 || stat("/proc/self/exe", &st) < 0 || getauxval(AT_SECURE))
		return false;
	self->path[n] = '\0';
	slash = strrchr(self->path, '/');
	if (!slash || slash == self->path)
		return false;
	self->directory = (size_t)(slash - self->path);
	self->owner = st.st_uid;
	return true;
}

static bool is_trusted(const struct self *self, const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == self->owner) && !(st->st_mode & S_IWOTH);
}

/* These as the launcher does it, where it is said why. */
static bool is_trusted_beside(const struct self *self, int dir)
{
	struct stat st;

	return fstat(dir, &st) == 0 && is_trusted(self, &st) &&
	       (st.st_mode & (S_ISVTX | S_IWGRP)) != (S_ISVTX | S_IWGRP);
}

static bool is_trusted_elsewhere(const struct self *self, int dir)
{
	struct stat st, above;

	return fstat(dir, &st) == 0 && fstatat(dir, "..", &above, 0) == 0 &&
	       is_trusted(self, &st) && is_trusted(self, &above) &&
	       !((st.st_mode | above.st_mode) & S_IWGRP);
}

static int open_place(const struct self *self, const char *path, const char *program)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	_cleanup_free_ char *whole =
		string_format("%.*s/%s", (int)self->directory, self->path, path);
	_cleanup_close_ int dir = -EBADF;
	struct stat st;
	bool trusted;

	if (!whole)
		return -ENOMEM;
	dir = (int)syscall(SYS_openat2, AT_FDCWD, whole, &how, sizeof(how));
	if (dir < 0)
		return errno == ELOOP ? -EPERM : -errno;
	if (fstatat(dir, program, &st, 0) < 0)
		return -errno;
	trusted = *path ? is_trusted_elsewhere(self, dir) : is_trusted_beside(self, dir);
	return trusted && is_trusted(self, &st) ? take_fd(&dir) : -EPERM;
}

/* Returns only when it cannot, a negative errno. */
static int execute_near(const struct self *self, const char *path, const char *program, char **argv)
{
	_cleanup_close_ int dir = open_place(self, path, program);

	if (dir < 0)
		return dir;
	execveat(dir, program, argv, environ, 0);
	return -errno;
}

int apart_execute(const char *program, char **argv, struct error *err)
{
	_cleanup_free_ char *installed = string_format("%s/%s", BEHALF_LIBEXEC, program);
	bool refused = false;
	struct self self;

	if (!installed)
		return error_oom(err);
	if (find_self(&self)) {
		refused = execute_near(&self, "", program, argv) == -EPERM;
		refused |= execute_near(&self, BEHALF_LIBEXEC_FROM_BIN, program, argv) == -EPERM;
	}
	execv(installed, argv);
	if (errno == ENOENT && refused)
		return error_set(err, EPERM,
				 "execute '%s': No such file or directory, and the one near behalf "
				 "itself is not executed, since others could have put it there",
				 installed);
	return error_errno(err, errno, "execute '%s'", installed);
}

/* All of main's up to the verb, with ARGS in its place; the caller's to free. */
static char **with_options(const struct cmd_context *ctx, char *const *args)
{
	size_t before = (size_t)ctx->verb, n = strv_length((char **)args);
	char **all = calloc(before + n + 1, sizeof(char *));

	if (!all)
		return NULL;
	memcpy(all, ctx->argv, before * sizeof(char *));
	memcpy(all + before, args, n * sizeof(char *));
	return all;
}

int apart_run_full(const struct cmd_context *ctx, char *const *args, int *status, struct error *err)
{
	_cleanup_free_ char **all = with_options(ctx, args);
	pid_t pid = all ? fork() : -1;
	int ended;

	if (!all)
		return error_oom(err);
	if (pid < 0)
		return error_errno(err, errno, "start '" APART_FULL "'");
	if (pid == 0) {
		if (apart_execute(APART_FULL, all, err) < 0)
			log_error("%s", err->text);
		_exit(EXIT_FAILURE);
	}
	while (waitpid(pid, &ended, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, errno, "wait for '" APART_FULL "'");
	*status = WIFEXITED(ended) ? WEXITSTATUS(ended) : EXIT_FAILURE;
	return 0;
}

int apart_execute_full(const struct cmd_context *ctx, int argc, char **argv)
{
	struct error err = {0};

	apart_execute(APART_FULL, ctx->argv, &err);
	log_error("%s: %s", argv[0], err.text);
	return EXIT_FAILURE;
}
