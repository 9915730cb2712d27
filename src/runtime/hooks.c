// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/table.h"
#include "runtime/record.h"

#define NS_PER_S 1000000000u
/* Of what a failing hook said, the end is told. */
#define SAID_BYTES 400

/* Files in memory on both sides: a hook that does not read or that says much blocks nobody. */
static int memory_file(const char *text)
{
	_cleanup_close_ int fd = memfd_create("behalf-hook", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, text, strlen(text));
	if (r < 0)
		return r;
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : take_fd(&fd);
}

/* Where a hook reads, and writes. */
struct streams {
	int input, said;   /* files in memory */
	int output, error; /* files of who asked for it; negative: SAID */
};

static void close_streams(struct streams *s)
{
	cleanup_close(&s->input);
	cleanup_close(&s->said);
	cleanup_close(&s->output);
	cleanup_close(&s->error);
}

static int open_for_hooks(const char *path, int *fd, struct error *err)
{
	if (!path)
		return 0;
	*fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	return *fd < 0 ? error_errno(err, errno, "open '%s' for what hooks say", path) : 0;
}

static int open_streams(struct streams *s, const struct hooks *hooks, const char *state,
			struct error *err)
{
	int r;

	s->input = memory_file(state);
	s->said = memory_file("");
	if (s->input < 0 || s->said < 0)
		return error_errno(err, s->input < 0 ? s->input : s->said, "make a file in memory");
	r = open_for_hooks(hooks->stdout_path, &s->output, err);
	return r == 0 ? open_for_hooks(hooks->stderr_path, &s->error, err) : r;
}

__attribute__((noreturn)) static void become_hook(const struct oci_hook *hook,
						  const struct streams *s)
{
	int output = s->output >= 0 ? s->output : s->said;
	int error = s->error >= 0 ? s->error : s->said;
	char *const path_alone[] = {(char *)hook->path, NULL};
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	setpgid(0, 0); /* so that a timeout ends its children as well */
	for (int n = 1; n < NSIG; n++)
		signal(n, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(s->input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
	    dup2(error, STDERR_FILENO) >= 0 &&
	    syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		execve(hook->path, hook->args ? hook->args : path_alone,
		       hook->env ? hook->env : environ);
	dprintf(s->said, "execute: %s", strerror(errno));
	_exit(127);
}

/* What a user says to end us, and which only tells of it where it is blocked: `run` hands it on later. */
static void add_ending(sigset_t *set, const sigset_t *blocked)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

	for (size_t i = 0; i < ARRAY_SIZE(ending); i++) {
		if (sigismember(blocked, ending[i]) == 1)
			sigaddset(set, ending[i]);
	}
}

/*
 * SIGCHLD and all others of SIGNALS are blocked. Returns 0 with *STATUS, -ETIMEDOUT, or the number of the signal that
 * was to end us.
 */
static int await_end(pid_t pid, unsigned int timeout_s, const sigset_t *signals, int *status)
{
	uint64_t deadline = clock_monotonic_ns() + (uint64_t)timeout_s * NS_PER_S;

	for (;;) {
		pid_t ended = waitpid(pid, status, WNOHANG);
		uint64_t now = clock_monotonic_ns();
		struct timespec left;
		int got;

		if (ended == pid)
			return 0;
		if (ended < 0 && errno != EINTR)
			return -errno;
		if (timeout_s && now >= deadline)
			return -ETIMEDOUT;
		left = (struct timespec){
			.tv_sec = (time_t)((deadline - now) / NS_PER_S),
			.tv_nsec = (long)((deadline - now) % NS_PER_S),
		};
		got = sigtimedwait(signals, NULL, timeout_s ? &left : NULL);
		if (got > 0 && got != SIGCHLD)
			return got;
	}
}

static void end_hook(pid_t pid)
{
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL); /* when it is not in a group of its own yet */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Appends the end of what is in the file to the sentence. */
static void append_said(int output, struct error *err)
{
	_cleanup_free_ char *printable = NULL;
	char said[SAID_BYTES + 1];
	off_t size = lseek(output, 0, SEEK_END), from = size > SAID_BYTES ? size - SAID_BYTES : 0;
	ssize_t n = pread(output, said, SAID_BYTES, from);
	size_t used = strlen(err->text);

	while (n > 0 && said[n - 1] == '\n')
		n--;
	if (n <= 0)
		return;
	said[n] = '\0';
	for (char *p = said; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	printable = text_printable(said);
	if (printable)
		snprintf(err->text + used, sizeof(err->text) - used, ": %s", printable);
}

static int judge(const struct oci_hook *hook, int status, int output, struct error *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		error_set(err, ECANCELED, "'%s' failed: killed by signal %d", hook->path,
			  WTERMSIG(status));
	else
		error_set(err, ECANCELED, "'%s' failed: exit status %d", hook->path,
			  WEXITSTATUS(status));
	append_said(output, err);
	return -ECANCELED;
}

static int run_one(const struct hooks *hooks, size_t i, const char *state, struct error *err)
{
	_cleanup_(close_streams) struct streams streams = {-EBADF, -EBADF, -EBADF, -EBADF};
	const struct oci_hook *hook = &hooks->hooks[i];
	sigset_t signals, before;
	int status = 0, r = open_streams(&streams, hooks, state, err);
	pid_t pid;

	if (r < 0)
		return r;
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, &before);
	add_ending(&signals, &before);
	pid = fork();
	if (pid == 0)
		become_hook(hook, &streams);
	r = pid < 0 ? error_errno(err, errno, "fork")
		    : await_end(pid, hook->timeout_s, &signals, &status);
	if (r == -ETIMEDOUT) {
		end_hook(pid);
		error_set(err, ETIMEDOUT, "'%s' failed: no end after %u s, killed", hook->path,
			  hook->timeout_s);
	} else if (r > 0) {
		end_hook(pid);
		r = error_set(err, ECANCELED, "'%s' failed: killed, as signal %d came meanwhile",
			      hook->path, r);
	} else if (r < 0 && pid > 0) {
		error_errno(err, r, "wait for '%s'", hook->path);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r < 0 ? r : judge(hook, status, streams.said, err);
}

/* The same object again with another status; the members of the specification (runtime.md, "State"). */
static const char *state_text(struct json_object *state, const char *status, pid_t pid)
{
	json_add_string(state, "status", status);
	if (pid)
		json_add_i64(state, "pid", pid);
	else
		json_object_object_del(state, "pid");
	return json_text(state, false);
}

int hooks_run(const struct hooks *hooks, struct json_object *state, const char *status, pid_t pid,
	      struct error *err)
{
	for (size_t i = 0; i < hooks->n; i++) {
		int r = run_one(hooks, i, state_text(state, status, pid), err);

		if (r < 0)
			return error_prefix(err, "hooks.%s[%zu]", hooks->name, i);
	}
	return 0;
}

int hooks_run_in_create(const struct container *container, const struct oci_hooks *hooks,
			struct error *err)
{
	const struct hooks lists[] = {
		{"prestart", hooks->prestart, hooks->n_prestart, hooks->stdout_path,
		 hooks->stderr_path},
		{"createRuntime", hooks->create_runtime, hooks->n_create_runtime,
		 hooks->stdout_path, hooks->stderr_path},
	};
	_cleanup_json_ struct json_object *state = container_state_json(container);

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		int r = hooks_run(&lists[i], state, "creating", container->pid, err);

		if (r < 0)
			return r;
	}
	return 0;
}

void hooks_record(struct json_object *record, const struct oci_config *config)
{
	static const char *const later[] = {"poststart", "poststop"};
	struct json_object *all, *list, *kept;

	if (!config->hooks.n_poststart && !config->hooks.n_poststop)
		return;
	if (!json_object_object_get_ex(config->json, "hooks", &all))
		return;
	kept = json_add_object(record, "hooks");
	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (json_object_object_get_ex(all, later[i], &list))
			json_object_object_add(kept, later[i], json_object_get(list));
}

/* 1 with *HOLDER when the record has hooks, 0 when it has none. */
static int read_recorded(const struct container *container, struct oci_config **holder,
			 struct error *err)
{
	struct json_object *kept;
	const char *text;
	int r;

	if (!json_object_object_get_ex(container->json, "hooks", &kept))
		return 0;
	text = json_text(kept, false);
	r = oci_hooks_parse(RECORD_STATE, text, strlen(text), holder, err);
	return r < 0 ? r : 1;
}

static const char *annotation_of(const struct container *container, const char *key)
{
	struct json_object *annotations, *value;

	return json_object_object_get_ex(container->json, "annotations", &annotations) &&
			       json_object_object_get_ex(annotations, key, &value)
		       ? json_object_get_string(value)
		       : NULL;
}

/* Of the record's hooks, which are without the configuration's annotations. */
static struct hooks recorded(const struct container *container, const char *name,
			     const struct oci_hook *hooks, size_t n)
{
	return (struct hooks){
		name,
		hooks,
		n,
		annotation_of(container, OCI_ANNOTATION_HOOKS_STDOUT),
		annotation_of(container, OCI_ANNOTATION_HOOKS_STDERR),
	};
}

int hooks_run_after_start(const struct container *container, struct error *err)
{
	_cleanup_(cleanup_oci_config) struct oci_config *holder = NULL;
	_cleanup_json_ struct json_object *state = NULL;
	struct hooks hooks;
	int r = read_recorded(container, &holder, err);

	if (r <= 0 || !holder->hooks.n_poststart)
		return r < 0 ? r : 0;
	state = container_state_json(container);
	hooks = recorded(container, "poststart", holder->hooks.poststart,
			 holder->hooks.n_poststart);
	return hooks_run(&hooks, state, "running", container->pid, err);
}

void hooks_run_after_delete(const struct container *container)
{
	_cleanup_(cleanup_oci_config) struct oci_config *holder = NULL;
	_cleanup_json_ struct json_object *state = NULL;
	struct error err = {0};
	struct hooks hooks;
	int r = read_recorded(container, &holder, &err);

	if (r < 0)
		log_warning("container '%s': %s", container->id, err.text);
	if (r <= 0)
		return;
	state = container_state_json(container);
	hooks = recorded(container, "poststop", holder->hooks.poststop, holder->hooks.n_poststop);
	for (size_t i = 0; i < hooks.n; i++) {
		const char *text = state_text(state, "stopped", 0);

		/* "the runtime MUST log a warning, but the remaining hooks and lifecycle continue" */
		if (run_one(&hooks, i, text, &err) < 0)
			log_warning("container '%s': hooks.poststop[%zu]: %s", container->id, i,
				    err.text);
	}
}
