// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/topology.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"

#define FILE_MAX_BYTES (1u << 20)

void topology_clear(struct topology *topology)
{
	for (size_t i = 0; i < topology->n_nodes; i++)
		free(topology->nodes[i].cpus);
	free(topology->nodes);
	free(topology->disks);
	free(topology->online);
	*topology = (struct topology){0};
}

/* A file of one line, without its end. */
static int read_line(int dir, const char *path, char **line, struct error *err)
{
	int r = file_read_at(dir, path, FILE_MAX_BYTES, line, NULL, err);

	if (r == 0)
		(*line)[strcspn(*line, "\n")] = '\0';
	return r;
}

/* "MemTotal:  16316412 kB", "Node 0 MemTotal:  16316412 kB": 0 when it is not there. */
static uint64_t mem_total(const char *text)
{
	const char *at = strstr(text, "MemTotal:");
	uint64_t kib;

	return at && sscanf(at, "MemTotal: %" SCNu64 " kB", &kib) == 1 ? kib * 1024 : 0;
}

static int read_memory(int root, struct topology *topology, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = file_read_at(root, "proc/meminfo", FILE_MAX_BYTES, &text, NULL, err);

	if (r < 0)
		return r;
	topology->memory_bytes = mem_total(text);
	if (!topology->memory_bytes)
		return error_set(err, EINVAL, "proc/meminfo: has no MemTotal");
	return 0;
}

/* The entries of a directory, sorted as numbers in names want to be; none when it is not there. */
static int list_directory(int root, const char *path, struct dirent ***entries)
{
	_cleanup_close_ int dir = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int n;

	if (dir < 0)
		return 0;
	n = scandirat(dir, ".", entries, NULL, versionsort);
	return n < 0 ? -errno : n;
}

static void free_entries(struct dirent **entries, int n)
{
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
}

/* ---- nodes ---- */

static int add_node(int root, struct topology *topology, const char *name)
{
	struct topology_node node = {0}, *nodes;
	_cleanup_free_ char *cpus = NULL, *meminfo = NULL;
	char path[128];
	int used = 0;

	if (sscanf(name, "node%u%n", &node.number, &used) != 1 || name[used])
		return 0;
	snprintf(path, sizeof(path), "sys/devices/system/node/node%u/cpulist", node.number);
	if (read_line(root, path, &cpus, NULL) < 0)
		return 0;
	snprintf(path, sizeof(path), "sys/devices/system/node/node%u/meminfo", node.number);
	if (file_read_at(root, path, FILE_MAX_BYTES, &meminfo, NULL, NULL) == 0)
		node.memory_bytes = mem_total(meminfo);
	nodes = reallocarray(topology->nodes, topology->n_nodes + 1, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	topology->nodes = nodes;
	node.cpus = take_ptr(cpus);
	nodes[topology->n_nodes++] = node;
	return 0;
}

static int read_nodes(int root, struct topology *topology)
{
	struct dirent **entries = NULL;
	int n = list_directory(root, "sys/devices/system/node", &entries), r = n < 0 ? n : 0;

	for (int i = 0; r == 0 && i < n; i++)
		r = add_node(root, topology, entries[i]->d_name);
	free_entries(entries, n);
	return r;
}

/* ---- disks ---- */

/* Adds the disk at PATH when it has a number; "" for WHOLE when it is one. */
static int add_disk(int root, struct topology *topology, const char *path, const char *name,
		    const char *whole)
{
	_cleanup_free_ char *file = string_format("%s/dev", path), *device = NULL;
	struct topology_disk *disks, *disk;

	if (!file)
		return -ENOMEM;
	if (read_line(root, file, &device, NULL) < 0)
		return 0;
	disks = reallocarray(topology->disks, topology->n_disks + 1, sizeof(*disks));
	if (!disks)
		return -ENOMEM;
	topology->disks = disks;
	disk = &disks[topology->n_disks++];
	snprintf(disk->name, sizeof(disk->name), "%s", name);
	snprintf(disk->device, sizeof(disk->device), "%s", device);
	snprintf(disk->whole, sizeof(disk->whole), "%s", *whole ? whole : device);
	return 0;
}

/* sys/block/sda/sda1 has a file "partition"; other directories in there do not. */
static int add_partitions(int root, struct topology *topology, const char *disk, const char *whole)
{
	_cleanup_free_ char *path = string_format("sys/block/%s", disk);
	struct dirent **entries = NULL;
	int n, r;

	if (!path)
		return -ENOMEM;
	n = list_directory(root, path, &entries);
	r = n < 0 ? n : 0;
	for (int i = 0; r == 0 && i < n; i++) {
		const char *name = entries[i]->d_name;
		_cleanup_free_ char *part = NULL, *mark = NULL;

		if (!string_starts_with(name, disk))
			continue;
		part = string_format("%s/%s", path, name);
		mark = string_format("%s/%s/partition", path, name);
		if (!part || !mark)
			r = -ENOMEM;
		else if (faccessat(root, mark, F_OK, 0) == 0)
			r = add_disk(root, topology, part, name, whole);
	}
	free_entries(entries, n);
	return r;
}

static int read_disks(int root, struct topology *topology)
{
	struct dirent **entries = NULL;
	int n = list_directory(root, "sys/block", &entries), r = n < 0 ? n : 0;

	for (int i = 0; r == 0 && i < n; i++) {
		const char *name = entries[i]->d_name;
		_cleanup_free_ char *path = string_format("sys/block/%s", name);
		size_t before = topology->n_disks;
		char whole[24];

		if (name[0] == '.')
			continue;
		r = path ? add_disk(root, topology, path, name, "") : -ENOMEM;
		if (r < 0 || topology->n_disks == before)
			continue;
		memcpy(whole, topology->disks[before].device, sizeof(whole));
		r = add_partitions(root, topology, name, whole);
	}
	free_entries(entries, n);
	return r;
}

/* ---- the link to the outside ---- */

/* proc/net/route, as net/ipv4/fib_trie.c writes it: the mask of a default route is 0. */
static void find_uplink(const char *routes, struct topology *topology)
{
	unsigned int best = UINT32_MAX;
	const char *line = strchr(routes, '\n');

	for (; line; line = strchr(line, '\n')) {
		unsigned int destination, flags, metric, mask;
		char name[16];

		line++;
		if (sscanf(line, "%15s %x %*x %x %*d %*d %u %x", name, &destination, &flags,
			   &metric, &mask) != 5)
			continue;
		if (destination || mask || !(flags & 1 /* RTF_UP */) || metric >= best)
			continue;
		best = metric;
		memcpy(topology->uplink, name, sizeof(name));
	}
}

/* "DESTINATION PREFIX SOURCE PREFIX GATEWAY METRIC USES USE FLAGS LINK" (net/ipv6/route.c, rt6_info_route). */
static void find_uplink_v6(const char *routes, struct topology *topology)
{
	unsigned int best = UINT32_MAX;

	for (const char *line = routes; line && *line; line = strchr(line, '\n')) {
		unsigned int prefix, metric, flags;
		char name[16];

		line += *line == '\n';
		if (sscanf(line, "%*32s %x %*32s %*x %*32s %x %*x %*x %x %15s", &prefix, &metric,
			   &flags, name) != 4)
			continue;
		if (prefix || !(flags & 1 /* RTF_UP */) || flags & 0x200 /* RTF_REJECT */ ||
		    metric >= best || strcmp(name, "lo") == 0)
			continue;
		best = metric;
		memcpy(topology->uplink, name, sizeof(name));
	}
}

/* In mbit/s; -1, or an error, where the driver does not know. */
static uint64_t read_speed(int root, const char *link)
{
	_cleanup_free_ char *path = string_format("sys/class/net/%s/speed", link), *text = NULL;
	int64_t speed;

	if (!path || read_line(root, path, &text, NULL) < 0 ||
	    string_to_i64(text, 10, &speed) < 0 || speed <= 0)
		return 0;
	return (uint64_t)speed * 1000000;
}

static bool is_there(int root, const char *link, const char *what)
{
	_cleanup_free_ char *path = string_format("sys/class/net/%s/%s", link, what);

	return path && faccessat(root, path, F_OK, 0) == 0;
}

/* Hardware, or something on top of it (bond, VLAN): the ends of containers and of virtual machines are neither. */
static bool leads_outside(int root, const char *port)
{
	_cleanup_free_ char *path = string_format("sys/class/net/%s", port);
	struct dirent **entries = NULL;
	bool found = is_there(root, port, "device");
	int n = path && !found ? list_directory(root, path, &entries) : 0;

	for (int i = 0; i < n && !found; i++)
		found = string_starts_with(entries[i]->d_name, "lower_");
	free_entries(entries, n);
	return found;
}

/* What is sent from a bridge's port to another one does not pass the bridge's own end: the way out is that port. */
static void find_port(int root, struct topology *topology)
{
	_cleanup_free_ char *path = string_format("sys/class/net/%s/brif", topology->uplink);
	struct dirent **entries = NULL;
	const char *outside = NULL;
	int n = path ? list_directory(root, path, &entries) : 0;
	bool many = false;

	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] == '.' || !leads_outside(root, entries[i]->d_name))
			continue;
		many |= outside != NULL;
		outside = entries[i]->d_name;
	}
	if (outside && !many && strlen(outside) < sizeof(topology->uplink))
		strcpy(topology->uplink, outside);
	free_entries(entries, n);
}

static void read_uplink(int root, struct topology *topology)
{
	_cleanup_free_ char *routes = NULL, *routes_v6 = NULL;

	if (file_read_at(root, "proc/net/route", FILE_MAX_BYTES, &routes, NULL, NULL) == 0)
		find_uplink(routes, topology);
	if (!topology->uplink[0] &&
	    file_read_at(root, "proc/net/ipv6_route", FILE_MAX_BYTES, &routes_v6, NULL, NULL) == 0)
		find_uplink_v6(routes_v6, topology);
	if (topology->uplink[0])
		find_port(root, topology);
	if (topology->uplink[0])
		topology->uplink_bps = read_speed(root, topology->uplink);
}

int topology_read(int root, struct topology *topology, struct error *err)
{
	_cleanup_(topology_clear) struct topology read = {0};
	int r = read_line(root, "sys/devices/system/cpu/online", &read.online, err);

	if (r == 0)
		r = read_memory(root, &read, err);
	if (r < 0)
		return r;
	if (read_nodes(root, &read) < 0 || read_disks(root, &read) < 0)
		return error_oom(err);
	read_uplink(root, &read);
	*topology = read;
	read = (struct topology){0};
	return 0;
}
