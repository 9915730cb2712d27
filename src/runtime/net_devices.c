// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/net_devices.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "kernel/netlink.h"
#include "kernel/netlink_link.h"
#include "kernel/netlink_move.h"

static const char *const own_namespace = "/proc/self/ns/net";

static void format_address(const struct netlink_link *link, char text[static 18])
{
	const unsigned char *a = link->address;

	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int record_device(struct json_object *devices, struct netlink *host,
			 const struct oci_net_device *device, struct error *err)
{
	struct json_object *object;
	struct netlink_link link;
	char address[18];
	int r = netlink_link_by_name(host, device->host_name, &link, err);

	if (r < 0)
		return r;
	format_address(&link, address);
	object = json_object_new_object();
	json_object_array_add(devices, object);
	json_add_string(object, "hostName", device->host_name);
	json_add_string(object, "name", device->name);
	json_add_string(object, "address", address);
	json_add_bool(object, "up", link.up);
	return 0;
}

int net_devices_record(struct json_object *record, const struct oci_config *config,
		       struct error *err)
{
	const struct oci_namespace *net = oci_config_namespace(config, CLONE_NEWNET);
	_cleanup_netlink_ struct netlink *host = NULL;
	struct json_object *lent, *devices;
	int r;

	if (!config->n_net_devices)
		return 0;
	r = netlink_open(&host, err);
	if (r < 0)
		return r;
	lent = json_add_object(record, "netDevices");
	if (net && net->path)
		json_add_string(lent, "namespace", net->path);
	devices = json_add_array(lent, "devices");
	for (size_t i = 0; i < config->n_net_devices; i++) {
		r = record_device(devices, host, &config->net_devices[i], err);
		if (r < 0)
			return error_prefix(err, "linux.netDevices");
	}
	return 0;
}

/* Both sides, as a move needs them. */
struct sides {
	struct netlink *host, *container;
	int host_fd, container_fd;
};

static void close_sides(struct sides *s)
{
	netlink_close(s->host);
	netlink_close(s->container);
	cleanup_close(&s->host_fd);
}

static int open_sides(struct sides *s, int container_fd, struct error *err)
{
	int r;

	*s = (struct sides){.container_fd = container_fd};
	s->host_fd = open(own_namespace, O_RDONLY | O_CLOEXEC);
	if (s->host_fd < 0)
		return error_errno(err, errno, "open '%s'", own_namespace);
	r = netlink_open(&s->host, err);
	return r < 0 ? r : netlink_open_in(container_fd, &s->container, err);
}

static bool is_own_namespace(int fd)
{
	struct stat ours, theirs;

	return stat(own_namespace, &ours) == 0 && fstat(fd, &theirs) == 0 &&
	       ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

static int open_of_process(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int net_devices_lend(pid_t pid, const struct oci_config *config, int *held, struct error *err)
{
	_cleanup_(close_sides) struct sides s = {.host_fd = -EBADF};
	_cleanup_close_ int opened = -EBADF;
	int netns, r;

	if (!config->n_net_devices)
		return 0;
	opened = open_of_process(pid);
	if (opened < 0)
		return error_errno(err, errno, "open the network namespace of process %d", pid);
	if (is_own_namespace(opened))
		return error_set(err, EINVAL,
				 "config.json: linux.netDevices: the container has the host's "
				 "network namespace");
	*held = netns = take_fd(&opened);
	r = open_sides(&s, netns, err);
	for (size_t i = 0; r == 0 && i < config->n_net_devices; i++) {
		const struct netlink_move move = {
			.from = s.host,
			.to = s.container,
			.to_fd = netns,
			.name = config->net_devices[i].host_name,
			.wanted_name = config->net_devices[i].name,
			.up = true,
		};

		r = netlink_link_move(&move, err);
	}
	return r < 0 ? error_prefix(err, "linux.netDevices") : 0;
}

int net_devices_find_namespace(struct json_object *record, pid_t pid)
{
	struct json_object *lent, *path;
	int fd = -EBADF;

	if (!json_object_object_get_ex(record, "netDevices", &lent))
		return -EBADF;
	if (pid)
		fd = open_of_process(pid);
	if (fd < 0 && json_object_object_get_ex(lent, "namespace", &path))
		fd = open(json_object_get_string(path), O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && is_own_namespace(fd))
		cleanup_close(&fd);
	return fd < 0 ? -EBADF : fd;
}

static const char *member(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value))
		return "";
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

/* Whether there is an interface of that name that is the recorded one. */
static bool is_there(struct json_object *device, struct netlink *netlink, const char *name,
		     struct netlink_link *link)
{
	char address[18];

	if (netlink_link_by_name(netlink, name, link, NULL) < 0)
		return false;
	format_address(link, address);
	return strcmp(address, member(device, "address")) == 0;
}

/* A move that failed in the middle has not renamed it yet. */
static int move_back(struct json_object *device, const struct sides *s, struct error *err)
{
	const char *name = member(device, "name"), *host_name = member(device, "hostName");
	struct json_object *up;
	struct netlink_link link;
	struct netlink_move move = {
		.from = s->container,
		.to = s->host,
		.to_fd = s->host_fd,
		.name = name,
		.wanted_name = host_name,
		.up = json_object_object_get_ex(device, "up", &up) && json_object_get_boolean(up),
	};

	if (!is_there(device, s->container, name, &link)) {
		if (!is_there(device, s->container, host_name, &link))
			return 0; /* never arrived, or ended meanwhile */
		move.name = host_name;
	}
	return netlink_link_move(&move, err);
}

/* Hardware that the kernel has given back still has the name it had in the container. */
static int rename_back(struct json_object *device, struct netlink *host, struct error *err)
{
	const char *name = member(device, "name"), *host_name = member(device, "hostName");
	struct netlink_link link;

	if (strcmp(name, host_name) == 0 ||
	    netlink_link_by_name(host, host_name, &link, NULL) == 0 ||
	    !is_there(device, host, name, &link))
		return 0;
	return netlink_link_rename(host, link.index, host_name, err);
}

int net_devices_take_back(struct json_object *record, int netns, struct error *err)
{
	_cleanup_(close_sides) struct sides s = {.host_fd = -EBADF};
	struct json_object *lent, *devices;
	int r;

	if (!json_object_object_get_ex(record, "netDevices", &lent) ||
	    !json_object_object_get_ex(lent, "devices", &devices) ||
	    !json_object_is_type(devices, json_type_array))
		return 0;
	r = netns >= 0 ? open_sides(&s, netns, err) : netlink_open(&s.host, err);
	for (size_t i = 0; r == 0 && i < json_object_array_length(devices); i++) {
		struct json_object *device = json_object_array_get_idx(devices, i);

		r = netns >= 0 ? move_back(device, &s, err) : rename_back(device, s.host, err);
	}
	return r < 0 ? error_prefix(err, "take the network devices back") : 0;
}
