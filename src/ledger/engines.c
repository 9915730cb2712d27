// SPDX-License-Identifier: GPL-2.0-or-later
#include "ledger/engines.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"
#include "ledger/hierarchy.h"

#define LIST_LIMIT_BYTES (16u << 20) /* of all containers of podman */
#define FILE_LIMIT_BYTES (1u << 20)  /* of one container, which may have chosen what is in there */
#define NAME_MAX_BYTES 200

static const char *const storages[] = {"overlay", "vfs", "btrfs", "zfs"};
static const char *const namespaces[] = {"k8s.io", "default", "moby"};

enum engine { PODMAN, DOCKER, CONTAINERD };

struct known {
	enum engine engine;
	char id[LEDGER_CONTAINER_ID_LENGTH + 1];
	char *name; /* NULL: the engine does not tell one */
};

/* Whether nobody but the engines' user can make groups in one. */
struct place {
	char *path; /* "/machine.slice" */
	bool trusted;
};

struct ledger_engines {
	int root, cgroups;
	int own_root, own_cgroups; /* to be closed */
	uid_t owner;		   /* of what engines write */
	void *places;		   /* tree of struct place: many containers are in one */
	void *known;		   /* tree of struct known: many cgroups are of one container */
	bool podman_read;
	struct json_object *podman[ARRAY_SIZE(storages)]; /* arrays of containers */
};

static int compare_known(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return x->engine != y->engine ? (int)x->engine - (int)y->engine : strcmp(x->id, y->id);
}

static void free_known(void *known)
{
	free(((struct known *)known)->name);
	free(known);
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void free_place(void *place)
{
	free(((struct place *)place)->path);
	free(place);
}

struct ledger_engines *ledger_engines_open(int root_fd, int cgroups_fd)
{
	struct ledger_engines *engines = calloc(1, sizeof(*engines));
	struct stat st;

	if (!engines)
		return NULL;
	engines->root = root_fd;
	engines->cgroups = cgroups_fd;
	engines->own_root = engines->own_cgroups = -EBADF;
	engines->owner = fstat(root_fd, &st) == 0 ? st.st_uid : 0;
	return engines;
}

int ledger_engines_of_host(struct ledger_engines **engines, struct error *err)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int cgroups = -EBADF;
	_cleanup_hierarchy_ struct ledger_hierarchy hierarchy = {0};
	struct ledger_engines *opened;
	int r = ledger_hierarchy_find(proc, &hierarchy, err);

	if (r < 0)
		return r;
	if (hierarchy.mount)
		cgroups = open(hierarchy.mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	opened = ledger_engines_open(root, cgroups);
	if (!opened)
		return error_oom(err);
	opened->own_root = take_fd(&root);
	opened->own_cgroups = take_fd(&cgroups);
	*engines = opened;
	return 0;
}

void ledger_engines_free(struct ledger_engines *engines)
{
	if (!engines)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(storages); i++)
		json_object_put(engines->podman[i]);
	tdestroy(engines->known, free_known);
	tdestroy(engines->places, free_place);
	cleanup_close(&engines->own_root);
	cleanup_close(&engines->own_cgroups);
	free(engines);
}

void cleanup_ledger_engines(struct ledger_engines **engines)
{
	ledger_engines_free(*engines);
}

static struct json_object *read_file(const struct ledger_engines *engines, const char *path,
				     size_t limit_bytes)
{
	struct json_object *value = NULL;
	struct error ignored;

	return json_parse_file_at(engines->root, path, limit_bytes, &value, &ignored) < 0 ? NULL
											  : value;
}

static const char *text_in(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_is_type(object, json_type_object) &&
			       json_object_object_get_ex(object, key, &value) &&
			       json_object_is_type(value, json_type_string)
		       ? json_object_get_string(value)
		       : NULL;
}

/* What the views say of no container, and what does not print, is no name. */
static bool is_name(const char *name)
{
	static const char *const taken[] = {"host", "unattributed", "idle", "total", "other"};

	if (!name || !*name || strlen(name) > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		if (strcmp(name, taken[i]) == 0)
			return false;
	}
	for (const char *c = name; *c; c++) {
		if (!isgraph((unsigned char)*c))
			return false;
	}
	return true;
}

static char *docker_name(const struct ledger_engines *engines, const char *id)
{
	_cleanup_free_ char *path =
		string_format("var/lib/docker/containers/%s/config.v2.json", id);
	_cleanup_json_ struct json_object *config =
		path ? read_file(engines, path, FILE_LIMIT_BYTES) : NULL;
	const char *name = text_in(config, "Name");

	if (name && *name == '/')
		name++;
	return is_name(name) ? strdup(name) : NULL;
}

/* All containers are in one file, which is read once. */
static void read_podman(struct ledger_engines *engines)
{
	engines->podman_read = true;
	for (size_t i = 0; i < ARRAY_SIZE(storages); i++) {
		_cleanup_free_ char *path = string_format(
			"var/lib/containers/storage/%s-containers/containers.json", storages[i]);

		if (path)
			engines->podman[i] = read_file(engines, path, LIST_LIMIT_BYTES);
	}
}

static const char *name_in_list(struct json_object *list, const char *id)
{
	struct json_object *names, *first;

	if (!json_object_is_type(list, json_type_array))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *container = json_object_array_get_idx(list, i);
		const char *its_id = text_in(container, "id");

		if (!its_id || strcmp(its_id, id) != 0 ||
		    !json_object_object_get_ex(container, "names", &names) ||
		    !json_object_is_type(names, json_type_array))
			continue;
		first = json_object_array_get_idx(names, 0);
		return json_object_is_type(first, json_type_string) ? json_object_get_string(first)
								    : NULL;
	}
	return NULL;
}

static char *podman_name(struct ledger_engines *engines, const char *id)
{
	if (!engines->podman_read)
		read_podman(engines);
	for (size_t i = 0; i < ARRAY_SIZE(storages); i++) {
		const char *name = name_in_list(engines->podman[i], id);

		if (is_name(name))
			return strdup(name);
	}
	return NULL;
}

static char *name_by_annotations(struct json_object *annotations)
{
	const char *pod = text_in(annotations, "io.kubernetes.cri.sandbox-name");
	const char *space = text_in(annotations, "io.kubernetes.cri.sandbox-namespace");
	const char *container = text_in(annotations, "io.kubernetes.cri.container-name");
	const char *nerdctl = text_in(annotations, "nerdctl/name");

	if (is_name(pod) && is_name(space))
		return is_name(container) ? string_format("%s/%s/%s", space, pod, container)
					  : string_format("%s/%s", space, pod);
	return is_name(nerdctl) ? strdup(nerdctl) : NULL;
}

static char *containerd_name(const struct ledger_engines *engines, const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		_cleanup_free_ char *path = string_format(
			"run/containerd/io.containerd.runtime.v2.task/%s/%s/config.json",
			namespaces[i], id);
		_cleanup_json_ struct json_object *config =
			path ? read_file(engines, path, FILE_LIMIT_BYTES) : NULL;
		struct json_object *annotations;

		if (config && json_object_is_type(config, json_type_object) &&
		    json_object_object_get_ex(config, "annotations", &annotations))
			return name_by_annotations(annotations);
	}
	return NULL;
}

static char *ask(struct ledger_engines *engines, const struct known *known)
{
	switch (known->engine) {
	case PODMAN:
		return podman_name(engines, known->id);
	case DOCKER:
		return docker_name(engines, known->id);
	case CONTAINERD:
		break;
	}
	return containerd_name(engines, known->id);
}

/* What is known of the container of KEY, asked for once. NULL when memory is out. */
static const struct known *look_up(struct ledger_engines *engines, const struct known *key)
{
	void *node = tfind(key, &engines->known, compare_known);
	struct known *known;

	if (node)
		return *(struct known **)node;
	known = malloc(sizeof(*known));
	if (!known)
		return NULL;
	*known = *key;
	if (!tsearch(known, &engines->known, compare_known)) {
		free(known);
		return NULL;
	}
	known->name = ask(engines, known);
	return known;
}

/* ---- who can have made a group ---- */

/* systemd marks what it leaves to others: for all to see, or, before it did that, for the privileged. */
static bool is_delegated(int dir)
{
	static const char *const names[] = {"user.delegate", "trusted.delegate"};
	char value[2];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (fgetxattr(dir, names[i], value, sizeof(value)) == 1 && value[0] == '1')
			return true;
	}
	return false;
}

static bool is_engines_own(const struct ledger_engines *engines, const char *path)
{
	_cleanup_close_ int dir =
		openat(engines->cgroups, path + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	return dir >= 0 && fstat(dir, &st) == 0 && st.st_uid == engines->owner &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH)) && !is_delegated(dir);
}

/* That, and all above it. PATH is taken over; "" is the root. */
static bool is_trusted(struct ledger_engines *engines, char *path)
{
	_cleanup_free_ char *taken = path;
	struct place key = {.path = path}, *place;
	char *slash = strrchr(path, '/');
	void *node;

	if (!slash)
		return engines->cgroups >= 0;
	node = tfind(&key, &engines->places, compare_places);
	if (node)
		return (*(struct place **)node)->trusted;
	place = malloc(sizeof(*place));
	if (!place)
		return false;
	*place = (struct place){.path = take_ptr(taken), .trusted = is_engines_own(engines, path)};
	if (place->trusted) {
		char *above = strndup(path, (size_t)(slash - path));

		place->trusted = above && is_trusted(engines, above);
	}
	if (!tsearch(place, &engines->places, compare_places)) {
		free_place(place);
		return false;
	}
	return place->trusted;
}

/* The group itself may be its container's, which is why what is above it counts. */
static bool is_made_by_engine(struct ledger_engines *engines, const char *path,
			      const struct ledger_container *container)
{
	const char *end = container->name;
	char *above;

	while (end > path && *end != '/')
		end--;
	above = strndup(path, (size_t)(end - path));
	return above && is_trusted(engines, above);
}

/* ---- all of it ---- */

/* By the engine's part of the path, not by what the container has below. */
static enum engine engine_of(const char *path, const struct ledger_container *container)
{
	size_t length = (size_t)(container->rest - path);

	if (memmem(path, length, "libpod", strlen("libpod")))
		return PODMAN;
	return memmem(path, length, "docker", strlen("docker")) ? DOCKER : CONTAINERD;
}

char *ledger_engines_name(struct ledger_engines *engines, const char *path)
{
	struct ledger_container container;
	const struct known *known;
	struct known key = {0};

	if (!ledger_container_of_host(path, &container) || !container.has_id ||
	    !is_made_by_engine(engines, path, &container))
		return NULL;
	key.engine = engine_of(path, &container);
	memcpy(key.id, container.name, container.length);
	known = look_up(engines, &key);
	return known && known->name ? string_format("%s%s", known->name, container.rest) : NULL;
}

char *ledger_engines_call(struct ledger_engines *engines, const char *path)
{
	char *name = ledger_engines_name(engines, path);

	return name ? name : ledger_name_of_path(path);
}
