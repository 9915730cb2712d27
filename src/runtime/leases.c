// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /run/behalf-net.INODE/		INODE names the host's network namespace
 *	range				"10.177.0.0/16"
 *	10.177.0.2			{"link": "bh2", "root": "/run/behalf", "id": "web"}
 *
 * The directory is the lock, and goes with the last lease.
 */
#include "runtime/leases.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/strings.h"
#include "runtime/directory_lock.h"

#define RANGE_FILE "range"
#define LEASE_MAX_BYTES 16384

struct leases {
	char *path;
	int dir;
	struct ipv4_range range;
	struct lease *list;
	size_t n;
};

static int directory_path(char **path, struct error *err)
{
	struct stat st;

	if (stat("/proc/thread-self/ns/net", &st) < 0)
		return error_errno(err, errno, "look at '/proc/thread-self/ns/net'");
	*path = string_format("/run/behalf-net.%llu", (unsigned long long)st.st_ino);
	return *path ? 0 : error_oom(err);
}

static int read_range(struct leases *leases, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = file_read_at(leases->dir, RANGE_FILE, LEASE_MAX_BYTES, &text, NULL, err);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return error_prefix(err, "%s", leases->path);
	if (ipv4_range_parse(text, &leases->range) < 0)
		return error_set(err, EINVAL, "%s/" RANGE_FILE ": '%s' is no range", leases->path,
				 text);
	return 0;
}

static const char *member(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value)
							      : NULL;
}

static int append(struct leases *leases, uint32_t address, const char *link, const char *root,
		  const char *id)
{
	struct lease *grown = reallocarray(leases->list, leases->n + 1, sizeof(*grown));
	struct lease *lease;

	if (!grown)
		return -ENOMEM;
	leases->list = grown;
	lease = &grown[leases->n];
	*lease = (struct lease){.address = address, .root = strdup(root), .id = strdup(id)};
	snprintf(lease->link, sizeof(lease->link), "%s", link);
	leases->n++;
	return lease->root && lease->id ? 0 : -ENOMEM;
}

static int read_lease(struct leases *leases, const char *name, uint32_t address, struct error *err)
{
	_cleanup_json_ struct json_object *json = NULL;
	const char *link, *root, *id;
	int r = json_parse_file_at(leases->dir, name, LEASE_MAX_BYTES, &json, err);

	if (r < 0)
		return error_prefix(err, "%s", leases->path);
	link = member(json, "link");
	root = member(json, "root");
	id = member(json, "id");
	if (!link || strlen(link) >= IFNAMSIZ || !root || !id)
		return error_set(err, EINVAL, "%s/%s is no lease", leases->path, name);
	return append(leases, address, link, root, id) < 0 ? error_oom(err) : 0;
}

/* A directory descriptor of its own: the locked one must keep its offset and not be closed. */
static DIR *open_listing(const struct leases *leases)
{
	int fd = openat(leases->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static int read_all(struct leases *leases, struct error *err)
{
	_cleanup_closedir_ DIR *dir = open_listing(leases);
	struct dirent *entry;
	uint32_t address;
	int r = read_range(leases, err);

	if (!dir)
		return error_errno(err, errno, "list '%s'", leases->path);
	while (r == 0 && (entry = readdir(dir))) {
		/* half-written files of a killed process have other names */
		if (ipv4_parse(entry->d_name, &address) == 0)
			r = read_lease(leases, entry->d_name, address, err);
	}
	return r;
}

int leases_open(bool make, struct leases **leases, struct error *err)
{
	_cleanup_(cleanup_leases) struct leases *opened = calloc(1, sizeof(*opened));
	int r;

	if (!opened)
		return error_oom(err);
	opened->dir = -EBADF;
	r = directory_path(&opened->path, err);
	if (r < 0)
		return r;
	r = directory_lock(opened->path, make, true, &opened->dir);
	if (r == -ENOENT && !make)
		return r;
	if (r < 0)
		return error_errno(err, r, "open the leases of addresses in '%s'", opened->path);
	r = read_all(opened, err);
	if (r < 0)
		return r;
	*leases = take_ptr(opened);
	return 0;
}

struct ipv4_range leases_range(const struct leases *leases)
{
	return leases->range;
}

int leases_set_range(struct leases *leases, const struct ipv4_range *range, struct error *err)
{
	char text[32];
	int r;

	snprintf(text, sizeof(text), "%s/%u", ipv4_format(range->base).text, range->prefix);
	r = file_replace_at(leases->dir, RANGE_FILE, text, 0600, false, err);
	if (r < 0)
		return error_prefix(err, "%s", leases->path);
	leases->range = *range;
	return 0;
}

size_t leases_count(const struct leases *leases)
{
	return leases->n;
}

const struct lease *leases_get(const struct leases *leases, size_t i)
{
	return &leases->list[i];
}

static bool is_taken(const struct leases *leases, uint32_t address)
{
	for (size_t i = 0; i < leases->n; i++) {
		if (leases->list[i].address == address)
			return true;
	}
	return false;
}

static int write_lease(const struct leases *leases, const struct lease *lease, struct error *err)
{
	_cleanup_json_ struct json_object *json = json_object_new_object();
	int r;

	json_add_string(json, "link", lease->link);
	json_add_string(json, "root", lease->root);
	json_add_string(json, "id", lease->id);
	r = file_replace_at(leases->dir, ipv4_format(lease->address).text, json_text(json, false),
			    0600, false, err);
	return r < 0 ? error_prefix(err, "%s", leases->path) : 0;
}

int leases_add(struct leases *leases, const char *root, const char *id, const struct lease **lease,
	       struct error *err)
{
	uint32_t last = leases->range.base | ~ipv4_range_mask(&leases->range);
	uint32_t address = leases->range.base + 2;
	char link[IFNAMSIZ];
	int r;

	while (address < last && is_taken(leases, address))
		address++;
	if (address >= last)
		return error_set(err, ENOSPC, "all addresses of %s/%u are given out",
				 ipv4_format(leases->range.base).text, leases->range.prefix);
	/* As unique as the address is: there is one private network in a namespace. */
	snprintf(link, sizeof(link), "bh%u", address - leases->range.base);
	if (append(leases, address, link, root, id) < 0)
		return error_oom(err);
	r = write_lease(leases, &leases->list[leases->n - 1], err);
	if (r < 0)
		return r;
	*lease = &leases->list[leases->n - 1];
	return 0;
}

static void forget(struct lease *lease)
{
	free(lease->root);
	free(lease->id);
}

int leases_remove(struct leases *leases, uint32_t address, struct error *err)
{
	struct ipv4_text name = ipv4_format(address);

	if (unlinkat(leases->dir, name.text, 0) < 0 && errno != ENOENT)
		return error_errno(err, errno, "remove '%s/%s'", leases->path, name.text);
	for (size_t i = 0; i < leases->n; i++) {
		if (leases->list[i].address != address)
			continue;
		forget(&leases->list[i]);
		leases->list[i] = leases->list[--leases->n];
		break;
	}
	return 0;
}

int leases_destroy(struct leases *leases, struct error *err)
{
	_cleanup_closedir_ DIR *dir = open_listing(leases);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(leases->dir, entry->d_name, 0);
	}
	if (rmdir(leases->path) < 0 && errno != ENOENT)
		return error_errno(err, errno, "remove '%s'", leases->path);
	return 0;
}

void leases_close(struct leases *leases)
{
	if (!leases)
		return;
	cleanup_close(&leases->dir);
	for (size_t i = 0; i < leases->n; i++)
		forget(&leases->list[i]);
	free(leases->list);
	free(leases->path);
	free(leases);
}

void cleanup_leases(struct leases **leases)
{
	leases_close(*leases);
}
