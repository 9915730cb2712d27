// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of units and slices, from linux.cgroupsPath. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/cgroup_internal.h"
#include "kernel/systemd.h"

/* systemd.unit(5): "unit name prefix must consist of ...", and at most 255 with the suffix. */
#define UNIT_NAME_MAX 255

bool systemd_is_of_user(void)
{
	return cgroup_is_ordinary_user();
}

static int check_unit_name(const char *name, struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:-_.\\@";

	if (strlen(name) > UNIT_NAME_MAX)
		return error_set(err, ENAMETOOLONG, "the unit name '%.32s...' is longer than %d",
				 name, UNIT_NAME_MAX);
	if (name[strspn(name, allowed)])
		return error_set(err, EINVAL, "'%s' is no name of a systemd unit: it has a '%c'",
				 name, name[strspn(name, allowed)]);
	return 0;
}

/* Cuts *REST off at the next colon. */
static char *next_part(char **rest)
{
	char *part = *rest;

	if (!part)
		return NULL;
	*rest = strchr(part, ':');
	if (*rest)
		*(*rest)++ = '\0';
	return part;
}

int systemd_names_of(const char *path, const char *id, bool user, char **slice, char **unit,
		     struct error *err)
{
	_cleanup_free_ char *copy = strdup(path && *path ? path : "::");
	_cleanup_free_ char *of_slice = NULL, *of_unit = NULL;
	const char *parts[3];
	char *rest = copy;
	int r;

	if (!copy)
		return error_oom(err);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		parts[i] = next_part(&rest);
	if (!parts[2] || rest)
		return error_set(err, EINVAL,
				 "'%s' is not in the form of the systemd driver, slice:prefix:name",
				 path);
	of_slice = strdup(*parts[0] ? parts[0] : user ? "user.slice" : "system.slice");
	of_unit = string_format("%s-%s.scope", *parts[1] ? parts[1] : "behalf",
				*parts[2] ? parts[2] : id);
	if (!of_slice || !of_unit)
		return error_oom(err);
	r = check_unit_name(of_unit, err);
	if (r < 0)
		return r;
	*slice = take_ptr(of_slice);
	*unit = take_ptr(of_unit);
	return 0;
}

int systemd_slice_path(const char *slice, char **path, struct error *err)
{
	static const char suffix[] = ".slice";
	size_t length, used = 0;
	char *out;
	int r = check_unit_name(slice, err);

	if (r < 0)
		return r;
	if (!string_ends_with(slice, suffix))
		return error_set(err, EINVAL, "'%s' is not the name of a slice", slice);
	length = strlen(slice) - strlen(suffix);
	if (!strcmp(slice, "-.slice"))
		length = 0;
	else if (!length || slice[0] == '-' || slice[length - 1] == '-' || strstr(slice, "--"))
		return error_set(err, EINVAL, "'%s' is not the name of a slice", slice);
	/* A component for each dash, none longer than the whole. */
	out = calloc(length + 2, strlen(slice) + 2);
	if (!out)
		return error_oom(err);
	for (size_t i = 1; i <= length; i++) {
		if (i < length && slice[i] != '-')
			continue;
		out[used++] = '/';
		memcpy(out + used, slice, i);
		used += i;
		memcpy(out + used, suffix, sizeof(suffix));
		used += strlen(suffix);
	}
	*path = out;
	return 0;
}
