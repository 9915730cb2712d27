// SPDX-License-Identifier: GPL-2.0-or-later
/* create and run: the same options, and the same way up to the container. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"
#include "cmd/admit.h"
#include "cmd/attend.h"
#include "cmd/cmd.h"
#include "cmd/descriptors.h"
#include "cmd/options.h"
#include "cmd/pidfd_socket.h"
#include "runtime/capabilities.h"
#include "runtime/container.h"
#include "runtime/self.h"

enum {
	OPT_PID_FILE = 256,
	OPT_CONSOLE_SOCKET,
	OPT_PIDFD_SOCKET,
	OPT_PRESERVE_FDS,
	OPT_NO_PIVOT,
	OPT_NO_NEW_KEYRING,
	OPT_NO_SUBREAPER,
	OPT_KEEP,
	OPT_FORCE,
};

static const struct option options[] = {
	{"bundle", required_argument, NULL, 'b'},
	{"config", required_argument, NULL, 'f'},
	{"detach", no_argument, NULL, 'd'},
	{"keep", no_argument, NULL, OPT_KEEP},
	{"pid-file", required_argument, NULL, OPT_PID_FILE},
	{"console-socket", required_argument, NULL, OPT_CONSOLE_SOCKET},
	{"pidfd-socket", required_argument, NULL, OPT_PIDFD_SOCKET},
	{"preserve-fds", required_argument, NULL, OPT_PRESERVE_FDS},
	{"no-pivot", no_argument, NULL, OPT_NO_PIVOT},
	{"no-new-keyring", no_argument, NULL, OPT_NO_NEW_KEYRING},
	{"no-subreaper", no_argument, NULL, OPT_NO_SUBREAPER},
	{"force", no_argument, NULL, OPT_FORCE},
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct request {
	struct container_create_options create;
	char *bundle; /* absolute */
	const char *config, *pidfd_socket;
	bool detach, keep;
	bool force;   /* terms that do not fit are promised all the same */
	bool refused; /* they do not fit */
};

static void print_help(const char *verb)
{
	printf("Usage: behalf %s [OPTIONS] ID\n"
	       "\n"
	       "  -b, --bundle DIR         directory with config.json (default: the working directory)\n"
	       "  -f, --config FILE        instead of config.json of the bundle\n"
	       "%s"
	       "      --pid-file FILE      write the pid of the container's first process there\n"
	       "      --console-socket S   Unix socket that receives the master of the terminal\n"
	       "      --pidfd-socket S     Unix socket that receives a pidfd of that process\n"
	       "      --preserve-fds N     pass descriptors 3 to 3+N-1 on\n"
	       "      --no-pivot           move the root instead of pivoting, for a root on a ramdisk\n"
	       "      --no-new-keyring     keep the session keyring of the caller\n"
	       "      --force              promise its terms though they do not fit\n",
	       verb,
	       strcmp(verb, "run") == 0
		       ? "  -d, --detach             do not wait: leave the container running\n"
			 "      --keep               do not delete the container when it has ended\n"
		       : "");
}

static int parse_count(const char *text, unsigned int *count)
{
	uint64_t value;

	if (string_to_u64(text, 10, &value) < 0 || value > 1024) {
		log_error("--preserve-fds '%s': a number from 0 to 1024", text);
		return -EINVAL;
	}
	*count = (unsigned int)value;
	return 0;
}

static bool refuse_for_create(bool is_run, const char *verb, const char *option)
{
	if (!is_run)
		log_error("%s: --%s is an option of run", verb, option);
	return !is_run;
}

/* Returns -1 to go on, or the exit status. */
static int parse(int argc, char **argv, struct request *r)
{
	bool is_run = strcmp(argv[0], "run") == 0;
	int opt;

	while ((opt = options_next(argc, argv, is_run ? "b:f:dh" : "b:f:h", options)) != -1) {
		switch (opt) {
		case 'b':
			r->create.bundle = optarg;
			break;
		case 'f':
			r->config = optarg;
			break;
		case 'd':
		case OPT_KEEP:
			if (refuse_for_create(is_run, argv[0], opt == 'd' ? "detach" : "keep"))
				return EXIT_FAILURE;
			*(opt == 'd' ? &r->detach : &r->keep) = true;
			break;
		case OPT_PIDFD_SOCKET:
			r->pidfd_socket = optarg;
			break;
		case OPT_NO_SUBREAPER: /* there is none */
			break;
		case OPT_PID_FILE:
			r->create.pid_file = optarg;
			break;
		case OPT_CONSOLE_SOCKET:
			r->create.console_socket = optarg;
			break;
		case OPT_PRESERVE_FDS:
			if (parse_count(optarg, &r->create.preserve_fds) < 0)
				return EXIT_FAILURE;
			break;
		case OPT_FORCE:
			r->force = true;
			break;
		case OPT_NO_PIVOT:
			r->create.no_pivot = true;
			break;
		case OPT_NO_NEW_KEYRING:
			r->create.no_new_keyring = true;
			break;
		case 'h':
			print_help(argv[0]);
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (optind != argc - 1) {
		log_error("%s: exactly one container id is needed, see behalf %s --help", argv[0],
			  argv[0]);
		return EXIT_FAILURE;
	}
	r->create.id = argv[optind];
	return -1;
}

static int load_other_config(const char *path, struct oci_config **config, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int code = file_read_at(AT_FDCWD, path, OCI_CONFIG_MAX_BYTES, &text, &size, err);

	if (code < 0)
		return error_prefix(err, "--config");
	return oci_config_parse(path, text, size, config, err);
}

static int load_config(struct request *r, struct oci_config **config, struct error *err)
{
	const char *given = r->create.bundle ? r->create.bundle : ".";
	_cleanup_close_ int dir = -EBADF;
	_cleanup_free_ char *name = NULL;

	r->bundle = realpath(given, NULL);
	if (!r->bundle)
		return error_errno(err, errno, "--bundle '%s'", given);
	r->create.bundle = r->bundle;
	dir = open(r->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_errno(err, errno, "--bundle '%s'", given);
	if (r->config)
		return load_other_config(r->config, config, err);
	name = string_format("%s/config.json", r->bundle);
	if (!name)
		return error_oom(err);
	return oci_config_load(dir, name, config, err);
}

/*
 * Socket activation (sd_listen_fds(3)): the sockets come first, before what --preserve-fds adds, and
 * the container's first process is told of them.
 */
static int pass_sockets_on(struct request *r, struct oci_config *config, struct error *err)
{
	const char *text = getenv("LISTEN_FDS");
	char **before = config->process ? config->process->env : NULL, **env;
	size_t n = strv_length(before);
	char variable[32];
	uint64_t count;

	if (!text || !config->process)
		return 0;
	if (string_to_u64(text, 10, &count) < 0 || count > 1024)
		return error_set(err, EINVAL, "LISTEN_FDS '%s': a number from 0 to 1024", text);
	env = oci_config_allocate(config, n + 3, sizeof(char *));
	if (!env)
		return error_oom(err);
	if (n)
		memcpy(env, before, n * sizeof(char *));
	snprintf(variable, sizeof(variable), "LISTEN_FDS=%u", (unsigned int)count);
	env[n] = oci_config_strdup(config, variable);
	env[n + 1] = oci_config_strdup(config, "LISTEN_PID=1");
	if (!env[n] || !env[n + 1])
		return error_oom(err);
	config->process->env = env;
	r->create.preserve_fds += (unsigned int)count;
	return 0;
}

static bool has_user_namespace(const struct oci_config *config)
{
	for (size_t i = 0; i < config->n_namespaces; i++)
		if (config->namespaces[i].type == CLONE_NEWUSER)
			return true;
	return false;
}

/*
 * What the specification wants logged instead of refused: config.md, "Linux Process", of capabilities
 * that nobody knows or that cannot be granted here.
 */
static void log_left_out(const struct oci_config *config)
{
	const struct oci_process *process = config->process;
	/* In a user namespace of its own a process has them all to begin with. */
	bool own_user_ns = has_user_namespace(config);
	uint64_t missing = process && process->has_capabilities && !own_user_ns
				   ? capabilities_missing(&process->capabilities)
				   : 0;
	char names[512];

	for (size_t i = 0; i < config->n_warnings; i++)
		log_warning("%s", config->warnings[i]);
	if (!missing)
		return;
	capabilities_format(missing, names, sizeof(names));
	log_warning("process.capabilities: cannot be granted here: %s", names);
}

/*
 * Of the container that this process makes. It is not freed: the end of the process does that at once, and
 * to take the tree apart takes as long as half of reading it.
 */
static struct oci_config *config;

static int create(const struct cmd_context *ctx, struct request *r, struct container **container,
		  struct error *err)
{
	_cleanup_(cleanup_admission) struct admission *admission = NULL;
	_cleanup_close_ int pidfd_connection = -EBADF;
	struct error undo_err = {0};
	int code = self_protect(ctx->argv, err);

	r->create.root = ctx->root;
	r->create.no_cgroup = ctx->no_cgroup;
	r->create.systemd_cgroup = ctx->systemd_cgroup;
	if (code == 0)
		code = load_config(r, &config, err);
	if (code == 0 && !r->pidfd_socket)
		r->pidfd_socket = config->pidfd_receiver;
	if (code == 0)
		code = pass_sockets_on(r, config, err);
	if (code == 0)
		code = descriptors_check_preserved(r->create.preserve_fds, err);
	if (code == 0 && r->pidfd_socket)
		code = pidfd_socket_connect(r->pidfd_socket, &pidfd_connection, err);
	if (code == 0) {
		code = admit_container(&r->create, config, r->force, &admission, err);
		r->refused = code == -EBUSY;
	}
	if (code == 0)
		code = container_create(&r->create, config, container, err);
	if (code == 0)
		admission_done(admission);
	/* A failure is one sentence: it may well be about the same thing. */
	if (code == 0) {
		log_left_out(config);
		admission_warn(admission);
	}
	if (code == 0 && r->pidfd_socket) {
		code = pidfd_socket_send(pidfd_connection, container_pidfd(*container), err);
		if (code < 0)
			container_delete(ctx->root, r->create.id, true, &undo_err);
	}
	return code;
}

int cmd_create(const struct cmd_context *ctx, int argc, char **argv)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	struct request r = {0};
	struct error err = {0};
	int status = parse(argc, argv, &r);

	if (status >= 0)
		return status;
	if (create(ctx, &r, &container, &err) < 0) {
		log_error("%s", err.text);
		status = r.refused ? EXIT_REFUSED : EXIT_FAILURE;
	} else {
		status = EXIT_SUCCESS;
	}
	free(r.bundle);
	return status;
}

/* Whether there is something for us to do when the program begins: else we need not wake up for it. */
static bool is_awaited(const struct oci_config *c)
{
	return c->hooks.n_poststart || (c->seccomp && c->seccomp->listener_path);
}

/* Starts what was created and, unless detached, stays until it ends. */
static int start_and_attend(struct container *container, bool detach, int *console, int *status,
			    struct error *err)
{
	bool await = detach || is_awaited(config);
	int code = container_start_unseen(container, err);

	if (code == 0 && await)
		code = container_await_start(container, err);
	if (code < 0 || detach)
		return code;
	code = attend_child(container_pid(container), container_pidfd(container), console, status,
			    err);
	return code == 0 && !await ? container_await_start(container, err) : code;
}

static int run(const struct cmd_context *ctx, struct request *r, int *status, struct error *err)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	_cleanup_close_ int console = -EBADF;
	struct error delete_err = {0};
	int code;

	r->create.start_here = true;
	if (!r->detach && !r->create.console_socket)
		r->create.console_master = &console;
	code = create(ctx, r, &container, err);
	if (code < 0)
		return code;
	code = start_and_attend(container, r->detach, &console, status, err);
	if (code == 0 && (r->detach || r->keep))
		return 0;
	if (container_end(container, &delete_err) < 0 && code == 0) {
		*err = delete_err;
		return -err->code;
	}
	return code;
}

int cmd_run(const struct cmd_context *ctx, int argc, char **argv)
{
	struct request r = {0};
	struct error err = {0};
	int exit_status = EXIT_SUCCESS, status = parse(argc, argv, &r);

	if (status >= 0)
		return status;
	if ((!r.detach && attend_prepare(&err) < 0) || run(ctx, &r, &exit_status, &err) < 0) {
		log_error("%s", err.text);
		exit_status = r.refused ? EXIT_REFUSED : EXIT_FAILURE;
	}
	free(r.bundle);
	return exit_status;
}
