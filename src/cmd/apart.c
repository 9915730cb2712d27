// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/apart.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strings.h"

/* NULL when memory is out. */
static char *beside_this(const char *program)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	slash = strrchr(self, '/');
	return slash ? string_format("%.*s/%s", (int)(slash - self), self, program) : NULL;
}

int apart_execute(const char *program, char **argv, struct error *err)
{
	_cleanup_free_ char *beside = beside_this(program);
	_cleanup_free_ char *installed = string_format("%s/%s", BEHALF_LIBEXEC, program);

	if (!installed)
		return error_oom(err);
	if (beside)
		execv(beside, argv);
	execv(installed, argv);
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
