// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "cmd/attend.h"
#include "cmd/cmd.h"
#include "cmd/descriptors.h"
#include "cmd/exec_process.h"
#include "cmd/options.h"
#include "cmd/pidfd_socket.h"
#include "kernel/pidfd.h"
#include "runtime/container.h"
#include "runtime/self.h"

/* As crun and runc have it: many a program ends with 1 itself. */
#define EXIT_NOT_RUN 255

enum {
	OPT_PID_FILE = 256,
	OPT_CONSOLE_SOCKET,
	OPT_PIDFD_SOCKET,
	OPT_PRESERVE_FDS,
	OPT_CWD,
	OPT_NO_NEW_PRIVS,
	OPT_CGROUP,
	OPT_APPARMOR,
	OPT_PROCESS_LABEL,
	OPT_IGNORE_PAUSED,
	OPT_NO_SUBREAPER,
};

static const struct option options[] = {
	{"process", required_argument, NULL, 'p'},
	{"detach", no_argument, NULL, 'd'},
	{"tty", optional_argument, NULL, 't'},
	{"env", required_argument, NULL, 'e'},
	{"user", required_argument, NULL, 'u'},
	{"additional-gids", required_argument, NULL, 'g'},
	{"cap", required_argument, NULL, 'c'},
	{"cwd", required_argument, NULL, OPT_CWD},
	{"cgroup", required_argument, NULL, OPT_CGROUP},
	{"apparmor", required_argument, NULL, OPT_APPARMOR},
	{"process-label", required_argument, NULL, OPT_PROCESS_LABEL},
	{"ignore-paused", no_argument, NULL, OPT_IGNORE_PAUSED},
	{"no-subreaper", no_argument, NULL, OPT_NO_SUBREAPER},
	{"no-new-privs", no_argument, NULL, OPT_NO_NEW_PRIVS},
	{"pid-file", required_argument, NULL, OPT_PID_FILE},
	{"console-socket", required_argument, NULL, OPT_CONSOLE_SOCKET},
	{"pidfd-socket", required_argument, NULL, OPT_PIDFD_SOCKET},
	{"preserve-fds", required_argument, NULL, OPT_PRESERVE_FDS},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static void print_help(void)
{
	puts("Usage: behalf exec [OPTIONS] ID COMMAND [ARGUMENT...]\n"
	     "       behalf exec [OPTIONS] --process FILE ID\n"
	     "Runs one more process in a container, with the rights of its first one.\n"
	     "\n"
	     "  -p, --process FILE       the whole process as JSON (config.md, \"process\")\n"
	     "  -t, --tty                give it a terminal\n"
	     "  -d, --detach             do not wait for it\n"
	     "  -e, --env NAME=VALUE     add to the environment; may be repeated\n"
	     "  -u, --user UID[:GID]     run as that user\n"
	     "  -g, --additional-gids N  be in these groups too; N,M or repeated\n"
	     "  -c, --cap CAP            have this capability too; may be repeated\n"
	     "      --cwd DIR            working directory\n"
	     "      --no-new-privs       let no program gain privileges\n"
	     "      --cgroup PATH        run in a group below the container's, which is there;\n"
	     "                           CONTROLLER:PATH for one hierarchy of cgroup v1; repeatable\n"
	     "      --ignore-paused      also in a paused container: waits until it is resumed\n"
	     "      --apparmor PROFILE   AppArmor profile of the process\n"
	     "      --process-label L    SELinux label of the process\n"
	     "      --pid-file FILE      write its pid there\n"
	     "      --console-socket S   Unix socket that receives the master of the terminal\n"
	     "      --pidfd-socket S     Unix socket that receives a pidfd of the process\n"
	     "      --preserve-fds N     pass descriptors 3 to 3+N-1 on");
}

static int parse_preserve_fds(const char *text, unsigned int *count)
{
	uint64_t value;

	if (string_to_u64(text, 10, &value) < 0 || value > 1024) {
		log_error("--preserve-fds '%s': a number from 0 to 1024", text);
		return -EINVAL;
	}
	*count = (unsigned int)value;
	return 0;
}

/* What the new process will be. */
static int parse_process_option(int opt, struct exec_request *r)
{
	switch (opt) {
	case 'p':
		r->process_file = optarg;
		return 0;
	case 't':
		r->tty = !optarg || (strcmp(optarg, "false") != 0 && strcmp(optarg, "no") != 0);
		return 0;
	case 'e':
		return strv_append(&r->env, optarg);
	case 'u':
		r->user = optarg;
		return 0;
	case 'g':
		return strv_append(&r->groups, optarg);
	case 'c':
		return strv_append(&r->capabilities, optarg);
	case OPT_CWD:
		r->cwd = optarg;
		return 0;
	case OPT_NO_NEW_PRIVS:
		r->no_new_privs = true;
		return 0;
	case OPT_APPARMOR:
		r->apparmor = optarg;
		return 0;
	case OPT_PROCESS_LABEL:
		r->label = optarg;
		return 0;
	default:
		return -EINVAL;
	}
}

/* How it is run. */
static int parse_option(int opt, struct exec_request *r)
{
	switch (opt) {
	case 'd':
		r->detach = true;
		return 0;
	case OPT_CGROUP:
		return strv_append(&r->cgroups, optarg);
	case OPT_IGNORE_PAUSED:
		r->exec.ignore_paused = true;
		return 0;
	case OPT_NO_SUBREAPER: /* there is none */
		return 0;
	case OPT_PID_FILE:
		r->exec.pid_file = optarg;
		return 0;
	case OPT_CONSOLE_SOCKET:
		r->exec.console_socket = optarg;
		return 0;
	case OPT_PIDFD_SOCKET:
		r->pidfd_socket = optarg;
		return 0;
	case OPT_PRESERVE_FDS:
		return parse_preserve_fds(optarg, &r->exec.preserve_fds);
	default:
		return parse_process_option(opt, r);
	}
}

/*
 * Returns -1 to go on, or the exit status. "+": the options of COMMAND are not ours; those between the
 * id and COMMAND are.
 */
static int parse(int argc, char **argv, struct exec_request *r)
{
	int opt;

	do {
		while ((opt = options_next(argc, argv, "+p:dte:u:g:c:h", options)) != -1) {
			if (opt == 'h') {
				print_help();
				return EXIT_SUCCESS;
			}
			if (parse_option(opt, r) < 0)
				return EXIT_FAILURE;
		}
		if (r->id)
			break;
		if (optind >= argc) {
			log_error("exec: a container id is needed, see behalf exec --help");
			return EXIT_FAILURE;
		}
		r->id = argv[optind++];
	} while (true);
	r->command = argv + optind;
	r->exec.cgroups = r->cgroups;
	if (!r->process_file != (optind < argc)) {
		log_error(r->process_file ? "exec: a command and --process exclude each other"
					  : "exec: a command is needed, see behalf exec --help");
		return EXIT_FAILURE;
	}
	return -1;
}

static int check_terminal(const struct exec_request *r, struct error *err)
{
	bool terminal = r->exec.process->terminal;

	if (terminal && r->detach && !r->exec.console_socket)
		return error_set(err, EINVAL, "exec: a detached terminal needs --console-socket");
	if (!terminal && r->exec.console_socket)
		return error_set(err, EINVAL, "--console-socket: the process asks for no terminal");
	return 0;
}

static int execute(const struct cmd_context *ctx, struct exec_request *r, int *status,
		   struct error *err)
{
	_cleanup_(cleanup_oci_config) struct oci_config *holder = NULL;
	_cleanup_(cleanup_container) struct container *container = NULL;
	_cleanup_close_ int console = -EBADF, pidfd = -EBADF, pidfd_socket = -EBADF;
	pid_t pid;
	int code = descriptors_check_preserved(r->exec.preserve_fds, err);

	if (code == 0)
		code = self_protect(ctx->argv, err);
	if (code == 0)
		code = container_load(ctx->root, r->id, &container, err);
	if (code == 0)
		code = exec_make_process(container, r, &holder, err);
	if (code < 0)
		return code;
	r->exec.process = holder->process;
	if (!r->detach && !r->exec.console_socket)
		r->exec.console_master = &console;
	code = check_terminal(r, err);
	if (code == 0 && r->pidfd_socket)
		code = pidfd_socket_connect(r->pidfd_socket, &pidfd_socket, err);
	if (code == 0)
		code = container_exec(container, &r->exec, &pid, &pidfd, err);
	if (code == 0 && pidfd_socket >= 0) {
		code = pidfd_socket_send(pidfd_socket, pidfd, err);
		if (code < 0)
			pidfd_signal(pidfd, SIGKILL);
	}
	if (code < 0 || r->detach)
		return code;
	return attend_child(pid, pidfd, &console, status, err);
}

int cmd_exec(const struct cmd_context *ctx, int argc, char **argv)
{
	struct exec_request r = {0};
	struct error err = {0};
	int exit_status = EXIT_SUCCESS, status = parse(argc, argv, &r);

	if (status < 0) {
		status = EXIT_SUCCESS;
		if ((!r.detach && attend_prepare(&err) < 0) ||
		    execute(ctx, &r, &exit_status, &err) < 0) {
			log_error("%s", err.text);
			exit_status = EXIT_NOT_RUN;
		}
		status = exit_status;
	}
	strv_free(r.env);
	strv_free(r.groups);
	strv_free(r.capabilities);
	strv_free(r.cgroups);
	return status;
}
