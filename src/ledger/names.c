// SPDX-License-Identifier: GPL-2.0-or-later
/* From paths of cgroups to names people know. */
#include "ledger/names.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"

/* PREFIX-ID or PREFIX-ID.scope: the engines' own groups, with either cgroup driver. */
static const char *const engine_prefixes[] = {
	"libpod-",  "docker-", "cri-containerd-", "crio-",    "nerdctl-",
	"buildah-", "behalf-", "lxc.payload.",	  "machine-",
};

/* PARENT/ID: the parents that engines put all their containers into. */
static const char *const engine_parents[] = {"docker", "behalf", "lxc", "garden", "actions_job"};

static bool is_container_id(const char *text, size_t length)
{
	if (length != LEDGER_CONTAINER_ID_LENGTH)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return false;
	}
	return true;
}

static bool is_one_of(const char *const *list, size_t n, const char *text, size_t length)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(list[i]) == length && strncmp(list[i], text, length) == 0)
			return true;
	}
	return false;
}

/*
 * The container's name in one component, which PARENT of PARENT_LENGTH precedes; its length in
 * *LENGTH. NULL when the component is not a container's.
 */
static const char *container_in(const char *component, size_t *length, const char *parent,
				size_t parent_length)
{
	static const char scope[] = ".scope";
	size_t n = *length;

	if (n > strlen(scope) && strncmp(component + n - strlen(scope), scope, strlen(scope)) == 0)
		n -= strlen(scope);
	for (size_t i = 0; i < ARRAY_SIZE(engine_prefixes); i++) {
		size_t skip = strlen(engine_prefixes[i]);

		if (n <= skip || strncmp(component, engine_prefixes[i], skip) != 0)
			continue;
		/* machine-qemu\x2d...: an escaped name is left to the fallback */
		if (memchr(component, '\\', n))
			return NULL;
		*length = n - skip;
		return component + skip;
	}
	if (is_container_id(component, n) ||
	    (parent &&
	     is_one_of(engine_parents, ARRAY_SIZE(engine_parents), parent, parent_length))) {
		*length = n;
		return component;
	}
	/* containerd's CRI without systemd: /k8s.io/ID */
	if (parent && parent_length == 6 && strncmp(parent, "k8s.io", 6) == 0) {
		*length = n;
		return component;
	}
	return NULL;
}

static bool find_container(const char *path, bool outermost, struct ledger_container *container)
{
	const char *parent = NULL;
	size_t parent_length = 0;

	*container = (struct ledger_container){.rest = ""};
	for (const char *at = path; *at && !(outermost && container->name);) {
		size_t length = strcspn(at, "/"), name_length = length;
		const char *name;

		if (length == 0) {
			at++;
			continue;
		}
		name = container_in(at, &name_length, parent, parent_length);
		/* systemd's machine of an escaped name, whose own are not the host's either */
		if (outermost && !name && string_starts_with(at, "machine-") &&
		    memchr(at, '\\', length))
			return false;
		if (name)
			*container = (struct ledger_container){
				.name = name, .length = name_length, .rest = at + length};
		parent = at;
		parent_length = length;
		at += length;
	}
	container->has_id = container->name && is_container_id(container->name, container->length);
	return container->name;
}

bool ledger_container_of_path(const char *path, struct ledger_container *container)
{
	return find_container(path, false, container);
}

bool ledger_container_of_host(const char *path, struct ledger_container *container)
{
	static const char users[] = "/user.slice/";

	*container = (struct ledger_container){.rest = ""};
	return !string_starts_with(path, users) && find_container(path, true, container);
}

static char *container_name(const char *path)
{
	struct ledger_container c;

	return ledger_container_of_path(path, &c)
		       ? string_format("%.*s%s", (int)c.length, c.name, c.rest)
		       : NULL;
}

char *ledger_name_of_path(const char *path)
{
	const char *last = strrchr(path, '/');
	const char *job, *pod;
	char *name;

	if (strcmp(path, "/") == 0)
		return strdup("host");
	if (!last)
		return strdup(path);
	last++;
	name = container_name(path);
	if (name)
		return name;
	/* the group of a pod: kubepods/.../podUID, kubepods-...-podUID.slice */
	pod = string_starts_with(last, "pod") ? last : strstr(last, "-pod");
	if (pod && *pod == '-')
		pod++;
	if (pod && string_starts_with(path, "/kubepods"))
		return string_format("%.*s", (int)strcspn(pod, "."), pod);
	job = strstr(path, "/job_");
	if (job && string_starts_with(path, "/slurm"))
		return strdup(job + 1);
	if (string_ends_with(last, ".service") || string_ends_with(last, ".scope") ||
	    string_ends_with(last, ".slice"))
		return strdup(last);
	return strdup(path + 1);
}
