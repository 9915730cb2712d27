// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * crun's own way to give a mount its maps, which podman hands on from `-v SOURCE:TARGET:idmap=...` (crun(1),
 * "idmap mount options"): idmap=uids=0-1000-1#10-2000-10;gids=0-1000-1. The three numbers are an id of the
 * files, the one that is seen instead, and how many; "@" before them: that id is one of the container's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strings.h"
#include "oci/parse.h"

/* One number before END; *TEXT moves behind it. */
static bool take_number(const char **text, const char *end, char after, uint32_t *number)
{
	char *rest;
	unsigned long long n;

	if (*text >= end || **text < '0' || **text > '9')
		return false;
	errno = 0;
	n = strtoull(*text, &rest, 10);
	if (errno || n > UINT32_MAX || rest > end || (rest == end) != !after ||
	    (after && *rest != after))
		return false;
	*number = (uint32_t)n;
	*text = rest + (after ? 1 : 0);
	return true;
}

static bool take_map(const char *text, const char *end, struct oci_id_map *map)
{
	map->of_container = *text == '@';
	text += map->of_container;
	return take_number(&text, end, '-', &map->container_id) &&
	       take_number(&text, end, '-', &map->host_id) &&
	       take_number(&text, end, 0, &map->size) && map->size &&
	       map->size <= UINT32_MAX - map->container_id &&
	       map->size <= UINT32_MAX - map->host_id;
}

static int take_maps(const struct oci_reader *r, const char *text, const char *end,
		     struct oci_id_map **maps, size_t *n)
{
	size_t count = 1;

	for (const char *at = text; at < end; at++)
		count += *at == '#';
	*maps = oci_config_allocate(r->config, count, sizeof(**maps));
	if (!*maps)
		return error_oom(r->err);
	for (*n = 0; *n < count; (*n)++) {
		const char *stop = memchr(text, '#', (size_t)(end - text));

		if (!take_map(text, stop ? stop : end, &(*maps)[*n]))
			return -EINVAL;
		text = stop ? stop + 1 : end;
	}
	return 0;
}

int oci_read_mount_maps(const struct oci_reader *r, const struct oci_node *at, size_t index,
			const char *text, struct oci_mount *mount)
{
	const char *end = text + strlen(text);
	int ret = 0;

	for (const char *part = text; ret == 0 && part < end;) {
		size_t length = strcspn(part, ";");

		if (string_starts_with(part, "uids=") && !mount->n_uid_maps)
			ret = take_maps(r, part + 5, part + length, &mount->uid_maps,
					&mount->n_uid_maps);
		else if (string_starts_with(part, "gids=") && !mount->n_gid_maps)
			ret = take_maps(r, part + 5, part + length, &mount->gid_maps,
					&mount->n_gid_maps);
		else
			ret = -EINVAL;
		part += length + (part[length] == ';');
	}
	if (ret == 0 && (!mount->n_uid_maps || !mount->n_gid_maps))
		ret = -EINVAL;
	if (ret == -EINVAL)
		return oci_fail_element(r, at, index,
					"'%s' is not like uids=0-1000-1;gids=0-1000-1",
					oci_quote(text).text);
	return ret;
}
