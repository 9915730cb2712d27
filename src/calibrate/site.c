// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Order of making: lock, leftovers away, cgroups, a holder in each network namespace, links. A holder is a
 * process that enters its cgroup after it has made its network namespace, which is how the ledger learns
 * whose the namespace is. Namespaces live as long as their holder, holders no longer than we do.
 */
#include "calibrate/site.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "calibrate/site_links.h"
#include "kernel/cgroup.h"
#include "runtime/directory_lock.h"

#define LEFTOVER_TRIES 40
#define LOCK_PATH "/run/behalf-calibrate"

struct site {
	int lock;
	struct cgroup *cgroups[SITE_WORKSPACES];
	pid_t holders[SITE_WORKSPACES];
	int netns[SITE_WORKSPACES]; /* -EBADF: the host's */
	struct site_links links;
	bool links_made;
};

static const char *const workspace_names[SITE_WORKSPACES] = {"a", "b", "c", "d", "e",
							     "o", "h", "i", "j", "k"};
static const char *const path_names[SITE_PATHS] = {
	[SITE_BRIDGE] = "bridge",   [SITE_LOCAL] = "local", [SITE_FORWARD] = "forward",
	[SITE_MACVLAN] = "macvlan", [SITE_HOST] = "host",   [SITE_UPLINK] = "uplink",
	[SITE_DEVICE] = "device",
};

const char *site_path_name(enum site_path path)
{
	return path_names[path];
}

/*
 * One that a killed calibration has left is taken over, and removed by us like one that we made; its last
 * processes may be dying yet.
 */
static int make_cgroup(struct site *site, const struct cgroup_layout *layout,
		       enum site_workspace workspace, struct error *err)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	char path[64];
	int r = -EBUSY;

	snprintf(path, sizeof(path), "/behalf-calibrate-%s", workspace_names[workspace]);
	for (int i = 0; i < LEFTOVER_TRIES; i++) {
		r = cgroup_create(layout, path, &site->cgroups[workspace], err);
		if (r == 0)
			cgroup_leave_to_systemd(site->cgroups[workspace]);
		if (r != -EBUSY)
			break;
		nanosleep(&pause, NULL);
	}
	return r;
}

/* In the child: never returns. */
static void hold(const struct site *site, enum site_workspace workspace, int ready)
{
	struct error err = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (unshare(CLONE_NEWNET) < 0)
		error_errno(&err, errno, "make a network namespace");
	else
		cgroup_enter_self(site->cgroups[workspace], false, &err);
	if (write(ready, &err, sizeof(err)) != sizeof(err))
		_exit(EXIT_FAILURE);
	for (;;)
		pause();
}

static int start_holder(struct site *site, enum site_workspace workspace, struct error *err)
{
	struct error told = {0};
	char path[64];
	int pair[2];
	ssize_t n;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return error_errno(err, errno, "make a pipe");
	site->holders[workspace] = fork();
	if (site->holders[workspace] == 0)
		hold(site, workspace, pair[1]);
	close(pair[1]);
	n = site->holders[workspace] < 0 ? 0 : read(pair[0], &told, sizeof(told));
	close(pair[0]);
	if (n != sizeof(told))
		return error_set(err, EIO, "the first process of a workspace did not come up");
	if (told.code)
		return error_set(err, told.code, "%s", told.text);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", site->holders[workspace]);
	site->netns[workspace] = open(path, O_RDONLY | O_CLOEXEC);
	if (site->netns[workspace] < 0)
		return error_errno(err, errno, "open '%s'", path);
	return 0;
}

static int make_workspaces(struct site *site, struct error *err)
{
	_cleanup_(cleanup_cgroup_layout) struct cgroup_layout *layout = NULL;
	int r = cgroup_layout_read(&layout, err);

	for (enum site_workspace w = 0; r == 0 && w < SITE_WORKSPACES; w++) {
		r = make_cgroup(site, layout, w, err);
		if (r == 0 && !site_is_of_host(w))
			r = start_holder(site, w, err);
	}
	return r;
}

static struct site *new_site(void)
{
	struct site *site = calloc(1, sizeof(*site));

	if (!site)
		return NULL;
	site->lock = -EBADF;
	for (enum site_workspace w = 0; w < SITE_WORKSPACES; w++)
		site->netns[w] = -EBADF;
	return site;
}

static int make_site(struct site *site, struct error *err)
{
	int r = directory_lock(LOCK_PATH, true, false, &site->lock);

	if (r == -EWOULDBLOCK)
		return error_set(err, EBUSY, "another calibration is running");
	if (r < 0)
		return error_errno(err, r, "lock '" LOCK_PATH "'");
	r = site_links_remove(err);
	if (r == 0)
		r = make_workspaces(site, err);
	if (r == 0) {
		site->links_made = true;
		r = site_links_make(site->netns, &site->links, err);
	}
	return r;
}

int site_open(const struct site_devices *devices, struct site **site, struct error *err)
{
	struct site *made = new_site();
	int r;

	if (!made)
		return error_oom(err);
	for (int i = 0; devices && i < SITE_DEVICES; i++)
		made->links.devices[i] = devices->names[i];
	r = make_site(made, err);
	if (r < 0) {
		site_close(made, NULL);
		return r;
	}
	*site = made;
	return 0;
}

static void end_holder(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void keep_first(int *kept, int r)
{
	if (*kept == 0)
		*kept = r;
}

int site_close(struct site *site, struct error *err)
{
	int r = 0;

	if (!site)
		return 0;
	if (site->links_made) {
		keep_first(&r, site_links_return_devices(site->netns, &site->links, err));
		keep_first(&r, site_links_remove(r == 0 ? err : NULL));
	}
	for (enum site_workspace w = 0; w < SITE_WORKSPACES; w++) {
		end_holder(site->holders[w]);
		cleanup_close(&site->netns[w]);
		if (!site->cgroups[w])
			continue;
		cgroup_kill(site->cgroups[w], 5000, NULL);
		keep_first(&r, cgroup_remove(site->cgroups[w], r == 0 ? err : NULL));
		cgroup_free(site->cgroups[w]);
	}
	if (site->lock >= 0) {
		rmdir(LOCK_PATH);
		close(site->lock);
	}
	free(site);
	return r;
}

bool site_has_path(const struct site *site, enum site_path path)
{
	return !site->links.missing[path][0];
}

const char *site_path_missing(const struct site *site, enum site_path path)
{
	return site_has_path(site, path) ? NULL : site->links.missing[path];
}

void site_miss_path(struct site *site, enum site_path path, const char *why)
{
	site_links_miss(&site->links, path, why);
}

uint32_t site_address(const struct site *site, enum site_workspace workspace, enum site_path path)
{
	return site_has_path(site, path) ? site_links_address(&site->links, workspace, path) : 0;
}

const char *site_cgroup(const struct site *site, enum site_workspace workspace)
{
	return cgroup_path(site->cgroups[workspace]);
}

static void enter(const struct site *site, enum site_workspace workspace)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (cgroup_enter_self(site->cgroups[workspace], false, NULL) < 0)
		_exit(EXIT_FAILURE);
	if (site->netns[workspace] >= 0 && setns(site->netns[workspace], CLONE_NEWNET) < 0)
		_exit(EXIT_FAILURE);
}

pid_t site_fork(const struct site *site, enum site_workspace workspace, struct error *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return error_errno(err, errno, "make a process");
	if (pid == 0)
		enter(site, workspace);
	return pid;
}
