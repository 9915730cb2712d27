// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/apart.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
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

int apart_execute_full(const struct cmd_context *ctx, int argc, char **argv)
{
	struct error err = {0};

	apart_execute(APART_FULL, ctx->argv, &err);
	log_error("%s: %s", argv[0], err.text);
	return EXIT_FAILURE;
}
