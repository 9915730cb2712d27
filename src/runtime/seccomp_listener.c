// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/seccomp_listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "oci/config.h"
#include "runtime/container.h"

static int connect_to_agent(const char *path, struct error *err)
{
	_cleanup_close_ int fd = -EBADF;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(err, ENAMETOOLONG, "linux.seccomp.listenerPath: '%s' is too long",
				 path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(err, errno, "linux.seccomp.listenerPath: connect to '%s'", path);
	return take_fd(&fd);
}

/* config-linux.md, "The Container Process State". */
static struct json_object *process_state(const struct container *container,
					 const struct oci_seccomp *seccomp, pid_t pid)
{
	struct json_object *state = json_object_new_object();

	json_add_string(state, "ociVersion", OCI_VERSION_MAX);
	json_object_array_add(json_add_array(state, "fds"), json_object_new_string("seccompFd"));
	json_add_i64(state, "pid", pid);
	json_add_string(state, "metadata", seccomp->listener_metadata);
	json_object_object_add(state, "state", container_state_json(container));
	return state;
}

int seccomp_listener_hand_over(const struct container *container, const struct oci_seccomp *seccomp,
			       pid_t pid, int listener, struct error *err)
{
	_cleanup_json_ struct json_object *state = NULL;
	_cleanup_close_ int agent = connect_to_agent(seccomp->listener_path, err);

	if (agent < 0)
		return agent;
	state = process_state(container, seccomp, pid);
	if (fd_send(agent, listener, json_text(state, false), NULL) < 0)
		return error_errno(err, errno, "linux.seccomp.listenerPath: send to '%s'",
				   seccomp->listener_path);
	return 0;
}
