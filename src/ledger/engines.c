// SPDX-License-Identifier: GPL-2.0-or-later
#include "ledger/engines.h"

#include <ctype.h>
#include <fcntl.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strings.h"

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

struct ledger_engines {
	int root;
	void *known; /* tree of struct known: many cgroups are of one container */
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

struct ledger_engines *ledger_engines_open(int root_fd)
{
	struct ledger_engines *engines = calloc(1, sizeof(*engines));

	if (engines)
		engines->root = root_fd;
	return engines;
}

void ledger_engines_free(struct ledger_engines *engines)
{
	if (!engines)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(storages); i++)
		json_object_put(engines->podman[i]);
	tdestroy(engines->known, free_known);
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

	if (!ledger_container_of_host(path, &container) || !container.has_id)
		return NULL;
	key.engine = engine_of(path, &container);
	memcpy(key.id, container.name, container.length);
	known = look_up(engines, &key);
	return known && known->name ? string_format("%s%s", known->name, container.rest) : NULL;
}
