// SPDX-License-Identifier: GPL-2.0-or-later
/* state.json: what is told of a container, and its cgroup, from a record with anything in it. */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "kernel/cgroup.h"
#include "oci/config.h"
#include "runtime/container.h"
#include "runtime/record.h"

/* A state directory with the one container `fuzz`. */
static char root[] = "/tmp/behalf-fuzz.XXXXXX";

static void remove_root(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/fuzz/" RECORD_STATE, root);
	unlink(path);
	snprintf(path, sizeof(path), "%s/fuzz", root);
	rmdir(path);
	rmdir(root);
}

static int open_container(void)
{
	static int dir = -EBADF;
	char path[64];

	if (dir >= 0)
		return dir;
	if (!mkdtemp(root))
		abort();
	atexit(remove_root);
	snprintf(path, sizeof(path), "%s/fuzz", root);
	if (mkdir(path, 0700) < 0)
		abort();
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir;
}

static int write_state(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = openat(open_container(), RECORD_STATE,
					O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd_write_all(fd, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(cleanup_container) struct container *container = NULL;
	_cleanup_(cleanup_oci_config) struct oci_config *hooks = NULL;
	_cleanup_(cleanup_cgroup) struct cgroup *cgroup = NULL;
	_cleanup_json_ struct json_object *state = NULL;
	struct json_object *member;
	struct error err = {0};
	const char *text;
	int r;

	if (write_state(data, size) < 0)
		return 0;
	r = container_load(root, "fuzz", &container, &err);
	fuzz_check_error(r, &err);
	if (r < 0)
		return 0;
	state = container_state_json(container);
	json_text(state, true);
	if (json_object_object_get_ex(container->json, "cgroup", &member)) {
		r = cgroup_from_json(member, &cgroup, &err);
		fuzz_check_error(r, &err);
	}
	if (json_object_object_get_ex(container->json, "hooks", &member)) {
		text = json_text(member, false);
		r = oci_hooks_parse("state.json", text, strlen(text), &hooks, &err);
		fuzz_check_error(r, &err);
	}
	return 0;
}
