// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A workspace without an engine. This process is its supervisor, in the foreground or, detached, a
 * child of its own session; it does in order
 *
 *	the lock, a mount namespace		scratch_enter
 *	the root				scratch_make_overlay
 *	may the terms be promised?		admit_container
 *	the container, up to its start		container_create: from here on the record tells all
 *	back in the host's mounts, unlocked	scratch_leave
 *	the network				network_attach
 *	start, attend, and when the command has ended, delete
 *
 * Whatever fails before the start takes the container with it. When the supervisor is killed the
 * command is too (runtime/reaper.c), and `delete -f` clears the rest by the record.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "cmd/admit.h"
#include "cmd/attend.h"
#include "cmd/cmd.h"
#include "cmd/spawn_config.h"
#include "cmd/spawn_cpus.h"
#include "cmd/spawn_options.h"
#include "keeper/keeper.h"
#include "kernel/cgroup_oom.h"
#include "runtime/container.h"
#include "runtime/etc_files.h"
#include "runtime/network.h"
#include "runtime/record.h"
#include "runtime/scratch.h"
#include "runtime/self.h"
#include "runtime/user.h"

/* As podman and chroot(1) have them, so that a failure of ours is not taken for the command's. */
enum { STATUS_OURS = 125, STATUS_CANNOT_EXECUTE = 126, STATUS_NOT_FOUND = 127 };

struct workspace {
	const char *state_root;
	const struct spawn_options *options;
	struct container *container;
	int root;    /* its root, while it can be written to as the host's copy; else -EBADF */
	int console; /* master of its terminal, or -EBADF */
};

static void cleanup_workspace(struct workspace *w)
{
	container_free(w->container);
	cleanup_close(&w->root);
	cleanup_close(&w->console);
}

/* The sentence about the command itself begins with "exec", whoever of the runtime says it. */
static int status_of_failure(const struct error *err)
{
	if (!string_starts_with(err->text, "exec '"))
		return STATUS_OURS;
	return err->code == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_EXECUTE;
}

static int prepare_root(struct workspace *w, struct scratch *scratch, const char **path, int *root,
			struct error *err)
{
	const struct spawn_options *options = w->options;
	bool copy = !options->rootfs || options->rootfs_overlay;
	int r = 0;

	*path = options->rootfs;
	if (copy)
		r = scratch_make_overlay(scratch, options->rootfs, path, err);
	if (r < 0)
		return r;
	*root = open(*path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*root < 0)
		return error_errno(err, errno, "open the root '%s'", *path);
	if (options->rootfs)
		return 0;
	r = etc_files_write(*root, options->name, err);
	w->root = r == 0 ? fcntl(*root, F_DUPFD_CLOEXEC, 3) : -EBADF;
	return r;
}

static int create_in(struct workspace *w, struct scratch *scratch, struct error *err)
{
	_cleanup_(cleanup_oci_config) struct oci_config *config = NULL;
	_cleanup_(cleanup_admission) struct admission *admission = NULL;
	_cleanup_(user_clear) struct user user = {0};
	_cleanup_free_ char *bundle = string_format("%s/%s", w->state_root, w->options->name);
	_cleanup_close_ int root = -EBADF;
	struct container_create_options create = {
		.root = w->state_root,
		.id = w->options->name,
		.bundle = bundle,
		.console_master = &w->console,
		.start_here = true,
		.reaper = true,
	};
	const char *path;
	int r;

	if (!bundle)
		return error_oom(err);
	r = prepare_root(w, scratch, &path, &root, err);
	if (r == 0 && w->options->user)
		r = user_resolve(root, w->options->user, &user, err);
	if (r == 0)
		r = spawn_config_make(w->options, path, &user, &config, err);
	if (r == 0)
		r = admit_container(&create, config, w->options->force, &admission, err);
	if (r == 0)
		r = container_create(&create, config, &w->container, err);
	if (r == 0)
		admission_done(admission);
	return r;
}

static int create(struct workspace *w, struct error *err)
{
	_cleanup_(cleanup_scratch) struct scratch *scratch = NULL;
	int r = scratch_enter(w->state_root, &scratch, err);

	if (r == 0)
		r = spawn_check_cpus(w->options, err);
	return r == 0 ? create_in(w, scratch, err) : r;
}

static int attach_network(struct workspace *w, struct error *err)
{
	const struct spawn_options *options = w->options;
	const char *address = "127.0.1.1";
	struct network_attachment attachment;
	_cleanup_close_ int netns = -EBADF;
	struct ipv4_text text;
	char path[64];
	int r = 0;

	if (options->net == SPAWN_NET_PRIVATE) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", container_pid(w->container));
		netns = open(path, O_RDONLY | O_CLOEXEC);
		if (netns < 0)
			return error_errno(err, errno, "open '%s'", path);
		r = network_attach(w->state_root, options->name, netns,
				   options->has_subnet ? &options->subnet : NULL, &attachment, err);
		if (r < 0)
			return r;
		text = ipv4_format(attachment.address);
		address = text.text;
		r = container_annotate(w->container, "io.behalf.address", address, err);
	}
	if (r == 0 && w->root >= 0)
		r = etc_hosts_write(w->root, options->name, address, options->net == SPAWN_NET_HOST,
				    err);
	close(take_fd(&w->root));
	return r;
}

/*
 * Somebody else may have deleted the workspace, and another one may have its name by now: only what
 * was made at our moment is ours to delete.
 */
static int delete (struct workspace *w, struct error *err)
{
	_cleanup_(cleanup_container) struct container *now = NULL;

	if (container_load(w->state_root, w->options->name, &now, NULL) == 0 &&
	    strcmp(container_created(now), container_created(w->container)) != 0)
		return 0;
	return container_delete(w->state_root, w->options->name, true, err);
}

static int bring_up(struct workspace *w, struct error *err)
{
	struct error delete_err = {0};
	int r = create(w, err);

	if (r < 0)
		return r;
	r = attach_network(w, err);
	if (r == 0)
		r = container_start(w->container, err);
	if (r < 0)
		delete (w, &delete_err);
	return r;
}

/*
 * Where no keeper runs, one of the supervisors keeps the terms of all. Without one they are static limits; that
 * is said, and no reason to end.
 */
static void keep_terms(const struct workspace *w)
{
	struct error err = {0};

	if (terms_any(&w->options->terms) && keeper_run_beside(&err) < 0)
		log_warning("the terms of '%s' are static limits: %s", w->options->name, err.text);
}

/* Else one has to guess why something was killed. */
static void tell_of_memory(const struct workspace *w)
{
	_cleanup_(cleanup_cgroup) struct cgroup *cg = NULL;
	struct error err = {0};
	uint64_t killed;

	if (!w->options->terms.memory.limit_bytes ||
	    container_open_cgroup(w->container, &cg, &err) < 0)
		return;
	killed = cgroup_oom_killed(cg);
	if (killed)
		log_warning("'%s' has run into its memory limit: %" PRIu64
			    " of its processes %s killed",
			    w->options->name, killed, killed == 1 ? "was" : "were");
}

static int attend(struct workspace *w, int *status, struct error *err)
{
	struct error delete_err = {0};
	int r, d;

	keep_terms(w);
	r = attend_child(container_pid(w->container), container_pidfd(w->container), &w->console,
			 status, err);
	tell_of_memory(w);
	d = delete (w, &delete_err);
	if (r == 0 && d < 0) {
		*err = delete_err;
		return d;
	}
	return r;
}

static int run_in_foreground(struct workspace *w)
{
	struct error err = {0};
	int status = 0, r = attend_prepare(&err);

	if (r == 0)
		r = bring_up(w, &err);
	if (r == 0)
		r = attend(w, &status, &err);
	if (r == 0)
		return status;
	log_error("%s", err.text);
	return status_of_failure(&err);
}

/*
 * What the caller has open is not ours to keep open: a pipe would never end, a file system stay busy.
 * All of our own descriptors are close-on-exec, so the others are those we were started with.
 */
static void close_inherited(void)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
			close(fd);
	}
}

static int redirect_streams(const char *output, struct error *err)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC), out = -EBADF;

	if (null < 0)
		return error_errno(err, errno, "open '/dev/null'");
	if (output) {
		out = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
		if (out < 0)
			return error_errno(err, errno, "--output '%s'", output);
	}
	if (dup2(null, STDIN_FILENO) < 0 || dup2(out < 0 ? null : out, STDOUT_FILENO) < 0 ||
	    dup2(out < 0 ? null : out, STDERR_FILENO) < 0)
		return error_errno(err, errno, "redirect the standard streams");
	return 0;
}

/* The background part. REPORT hears "" when the command runs, or why it does not; see await_report. */
static int run_in_background(struct workspace *w, int report)
{
	struct error err = {0};
	int status = 0, r = 0;

	if (setsid() < 0)
		r = error_errno(&err, errno, "make a session");
	if (r == 0)
		r = attend_prepare(&err);
	if (r == 0)
		r = redirect_streams(w->options->output, &err);
	close_inherited();
	if (r == 0 && chdir("/") < 0)
		r = error_errno(&err, errno, "go to '/'");
	if (r == 0)
		r = bring_up(w, &err);
	if (r < 0) {
		fd_write_all(report, &err, sizeof(err));
		return status_of_failure(&err);
	}
	fd_write_all(report, &(struct error){0}, sizeof(struct error));
	close(report);
	r = attend(w, &status, &err);
	if (r < 0)
		log_error("%s", err.text);
	return status;
}

/* The same program on both sides of the pipe: a struct error goes through as it is. */
static int await_report(int report, const char *name)
{
	_cleanup_free_ char *text = NULL;
	struct error err = {0};
	size_t size = 0;

	if (fd_read_all(report, "report", sizeof(err), &text, &size, &err) == 0 &&
	    size != sizeof(err))
		error_set(&err, ECHILD, "the supervisor of workspace '%s' has died", name);
	else if (!err.code)
		memcpy(&err, text, sizeof(err));
	if (err.code) {
		log_error("%s", err.text);
		return status_of_failure(&err);
	}
	printf("%s\n", name);
	return EXIT_SUCCESS;
}

static int detach(struct workspace *w)
{
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		log_error("make a pipe: %s", strerror(errno));
		return STATUS_OURS;
	}
	pid = fork();
	if (pid < 0) {
		log_error("fork: %s", strerror(errno));
		return STATUS_OURS;
	}
	if (pid == 0) {
		close(ends[0]);
		exit(run_in_background(w, ends[1]));
	}
	close(ends[1]);
	status = await_report(ends[0], w->options->name);
	close(ends[0]);
	return status;
}

static int spawn(const struct cmd_context *ctx, const struct spawn_options *options)
{
	_cleanup_(cleanup_workspace) struct workspace w = {
		.state_root = ctx->root,
		.options = options,
		.root = -EBADF,
		.console = -EBADF,
	};
	struct error err = {0};

	if (self_protect(ctx->argv, &err) < 0) {
		log_error("%s", err.text);
		return STATUS_OURS;
	}
	return options->detach ? detach(&w) : run_in_foreground(&w);
}

int cmd_spawn(const struct cmd_context *ctx, int argc, char **argv)
{
	_cleanup_(spawn_options_clear) struct spawn_options options = {0};
	struct error err = {0};

	if (spawn_options_parse(argc, argv, &options, &err) < 0) {
		log_error("%s", err.text);
		return STATUS_OURS;
	}
	if (options.help) {
		spawn_print_help();
		return EXIT_SUCCESS;
	}
	return spawn(ctx, &options);
}
