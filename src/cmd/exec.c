// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "cmd/attend.h"
#include "cmd/cmd.h"
#include "cmd/descriptors.h"
#include "runtime/container.h"
#include "runtime/self.h"

enum { OPT_PID_FILE = 256, OPT_CONSOLE_SOCKET, OPT_PRESERVE_FDS, OPT_CWD, OPT_NO_NEW_PRIVS };

static const struct option options[] = {
	{"process", required_argument, NULL, 'p'},
	{"detach", no_argument, NULL, 'd'},
	{"tty", no_argument, NULL, 't'},
	{"env", required_argument, NULL, 'e'},
	{"user", required_argument, NULL, 'u'},
	{"cwd", required_argument, NULL, OPT_CWD},
	{"no-new-privs", no_argument, NULL, OPT_NO_NEW_PRIVS},
	{"pid-file", required_argument, NULL, OPT_PID_FILE},
	{"console-socket", required_argument, NULL, OPT_CONSOLE_SOCKET},
	{"preserve-fds", required_argument, NULL, OPT_PRESERVE_FDS},
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct request {
	struct container_exec_options exec;
	const char *id;
	char **command;		  /* NULL-terminated, may be empty */
	const char *process_file; /* --process */
	const char *cwd, *user;
	char **env;
	bool detach, tty, no_new_privs;
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
	     "      --cwd DIR            working directory\n"
	     "      --no-new-privs       let no program gain privileges\n"
	     "      --pid-file FILE      write its pid there\n"
	     "      --console-socket S   Unix socket that receives the master of the terminal\n"
	     "      --preserve-fds N     pass descriptors 3 to 3+N-1 on");
}

static int parse_option(int opt, struct request *r)
{
	uint64_t count;

	switch (opt) {
	case 'p':
		r->process_file = optarg;
		return 0;
	case 'd':
		r->detach = true;
		return 0;
	case 't':
		r->tty = true;
		return 0;
	case 'e':
		return strv_append(&r->env, optarg);
	case 'u':
		r->user = optarg;
		return 0;
	case OPT_CWD:
		r->cwd = optarg;
		return 0;
	case OPT_NO_NEW_PRIVS:
		r->no_new_privs = true;
		return 0;
	case OPT_PID_FILE:
		r->exec.pid_file = optarg;
		return 0;
	case OPT_CONSOLE_SOCKET:
		r->exec.console_socket = optarg;
		return 0;
	case OPT_PRESERVE_FDS:
		if (string_to_u64(optarg, 10, &count) < 0 || count > 1024) {
			log_error("--preserve-fds '%s': a number from 0 to 1024", optarg);
			return -EINVAL;
		}
		r->exec.preserve_fds = (unsigned int)count;
		return 0;
	default:
		return -EINVAL;
	}
}

/* Returns -1 to go on, or the exit status. */
static int parse(int argc, char **argv, struct request *r)
{
	bool needs_command;
	int opt;

	/*
	 * "+": the options of COMMAND are not ours. Engines put some of ours behind the id, though,
	 * when there is no command.
	 */
	while ((opt = getopt_long(argc, argv, "+p:dte:u:h", options, NULL)) != -1) {
		if (opt == 'h') {
			print_help();
			return EXIT_SUCCESS;
		}
		if (parse_option(opt, r) < 0)
			return EXIT_FAILURE;
	}
	needs_command = !r->process_file;
	if (optind >= argc) {
		log_error("exec: a container id is needed, see behalf exec --help");
		return EXIT_FAILURE;
	}
	r->id = argv[optind++];
	r->command = argv + optind;
	if (needs_command != (optind < argc)) {
		log_error(needs_command ? "exec: a command is needed, see behalf exec --help"
					: "exec: a command and --process exclude each other");
		return EXIT_FAILURE;
	}
	return -1;
}

static int set_user(struct oci_user *user, const char *text, struct error *err)
{
	const char *colon = strchr(text, ':');
	_cleanup_free_ char *uid_text =
		strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	uint64_t uid, gid = 0;

	if (!uid_text)
		return error_oom(err);
	if (string_to_u64(uid_text, 10, &uid) < 0 || uid >= UINT32_MAX ||
	    (colon && (string_to_u64(colon + 1, 10, &gid) < 0 || gid >= UINT32_MAX)))
		return error_set(err, EINVAL, "--user '%s': UID or UID:GID, as numbers", text);
	*user = (struct oci_user){.uid = (uid_t)uid, .gid = (gid_t)gid};
	return 0;
}

/* A variable given on the command line replaces the one of the same name. */
static int merge_environment(struct oci_config *config, struct oci_process *p, char **added,
			     struct error *err)
{
	size_t n = 0;
	char **merged = oci_config_allocate(config, strv_length(p->env) + strv_length(added) + 1,
					    sizeof(char *));

	if (!merged)
		return error_oom(err);
	for (char **e = p->env; e && *e; e++)
		merged[n++] = *e;
	for (char **a = added; a && *a; a++) {
		const char *equals = strchr(*a, '=');
		size_t i, length = equals ? (size_t)(equals - *a) + 1 : 0;

		if (!equals)
			return error_set(err, EINVAL, "--env '%s': NAME=VALUE is needed", *a);
		for (i = 0; i < n && strncmp(merged[i], *a, length) != 0; i++)
			;
		merged[i] = *a;
		n += i == n;
	}
	p->env = merged;
	return 0;
}

/* Without --process: as the first process, but for the command and what the options say. */
static int make_process(const struct container *container, struct request *r,
			struct oci_config **holder, struct error *err)
{
	struct oci_process *p;
	int code;

	if (r->process_file)
		return oci_process_load(r->process_file, holder, err);
	code = container_config(container, holder, err);
	if (code < 0)
		return code;
	p = (*holder)->process;
	p->args = r->command;
	p->terminal = r->tty;
	p->no_new_privileges |= r->no_new_privs;
	if (r->cwd)
		p->cwd = r->cwd;
	if (r->user)
		code = set_user(&p->user, r->user, err);
	if (code == 0 && r->env)
		code = merge_environment(*holder, p, r->env, err);
	return code;
}

static int check_terminal(const struct request *r, struct error *err)
{
	bool terminal = r->exec.process->terminal;

	if (terminal && r->detach && !r->exec.console_socket)
		return error_set(err, EINVAL, "exec: a detached terminal needs --console-socket");
	if (!terminal && r->exec.console_socket)
		return error_set(err, EINVAL, "--console-socket: the process asks for no terminal");
	return 0;
}

static int execute(const struct cmd_context *ctx, struct request *r, int *status, struct error *err)
{
	_cleanup_(cleanup_oci_config) struct oci_config *holder = NULL;
	_cleanup_(cleanup_container) struct container *container = NULL;
	_cleanup_close_ int console = -EBADF, pidfd = -EBADF;
	pid_t pid;
	int code = descriptors_check_preserved(r->exec.preserve_fds, err);

	if (code == 0)
		code = self_protect(ctx->argv, err);
	if (code == 0)
		code = container_load(ctx->root, r->id, &container, err);
	if (code == 0)
		code = make_process(container, r, &holder, err);
	if (code < 0)
		return code;
	r->exec.process = holder->process;
	if (!r->detach && !r->exec.console_socket)
		r->exec.console_master = &console;
	code = check_terminal(r, err);
	if (code == 0)
		code = container_exec(container, &r->exec, &pid, &pidfd, err);
	if (code < 0 || r->detach)
		return code;
	return attend_child(pid, pidfd, console, status, err);
}

int cmd_exec(const struct cmd_context *ctx, int argc, char **argv)
{
	struct request r = {0};
	struct error err = {0};
	int exit_status = EXIT_SUCCESS, status = parse(argc, argv, &r);

	if (status < 0) {
		status = EXIT_SUCCESS;
		if ((!r.detach && attend_prepare(&err) < 0) ||
		    execute(ctx, &r, &exit_status, &err) < 0) {
			log_error("%s", err.text);
			exit_status = EXIT_FAILURE;
		}
		status = exit_status;
	}
	strv_free(r.env);
	return status;
}
