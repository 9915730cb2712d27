// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"

#define SAID_BYTES 4096u

static int start(char *const *argv, int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int code = posix_spawn_file_actions_init(&actions);

	if (code)
		return -code;
	code = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!code)
		code = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (!code)
		code = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	if (!code)
		code = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -code;
}

/* Of TEXT, which is changed, the line that says so, or the last one. */
static const char *reason(char *text)
{
	size_t n = strlen(text);
	char *newline;

	if (string_starts_with(text, "error: ")) {
		text[strcspn(text, "\n")] = '\0';
		return text + strlen("error: ");
	}
	while (n && text[n - 1] == '\n')
		text[--n] = '\0';
	newline = strrchr(text, '\n');
	return newline ? newline + 1 : text;
}

int helper_read(char *const *argv, size_t limit_bytes, char **said, struct error *err)
{
	_cleanup_close_ int reader = -EBADF, writer = -EBADF;
	_cleanup_free_ char *all = NULL;
	int ends[2], status = 0, r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	reader = ends[0];
	writer = ends[1];
	r = start(argv, writer, &pid);
	if (r < 0)
		return error_errno(err, r, "execute '%s'", argv[0]);
	close(take_fd(&writer));
	r = fd_read_all(reader, argv[0], limit_bytes, &all, NULL, err);
	close(take_fd(&reader)); /* one that says more than that is not to wait for us */
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, errno, "wait for '%s'", argv[0]);
	if (r < 0)
		return r;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(err, EPERM, "'%s' failed: %s", argv[0], reason(all));
	*said = take_ptr(all);
	return 0;
}

int helper_run(char *const *argv, struct error *err)
{
	_cleanup_free_ char *said = NULL;

	return helper_read(argv, SAID_BYTES, &said, err);
}
