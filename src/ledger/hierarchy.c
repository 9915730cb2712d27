// SPDX-License-Identifier: GPL-2.0-or-later
/* Which cgroup hierarchy is accounted: v1's cpu, or v2. */
#include "ledger/hierarchy.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strings.h"

#define PROC_FILE_LIMIT_BYTES (16u << 20)

/* Whether WORD is one of the words of a comma-separated LIST. */
static bool list_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	while (list && *list) {
		if (strncmp(list, word, length) == 0 && (list[length] == ',' || !list[length]))
			return true;
		list = strchr(list, ',');
		if (list)
			list++;
	}
	return false;
}

/* mountinfo writes blanks and backslashes as \ooo (proc(5)). */
static void unescape(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] && from[3]) {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
				       (from[3] - '0'));
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

static int keep(char **where, const char *mount, struct error *err)
{
	if (*where)
		return 0;
	*where = strdup(mount);
	return *where ? 0 : error_oom(err);
}

/* One line of mountinfo: ... ROOT MOUNT OPTIONS [TAGS] - TYPE SOURCE SUPER-OPTIONS */
static int mount_line(char *line, struct ledger_hierarchy *v1, struct ledger_hierarchy *v2,
		      struct error *err)
{
	char *field[6], *tail = strstr(line, " - "), *type, *options, *save = NULL;

	if (!tail)
		return 0;
	*tail = '\0';
	for (int i = 0; i < 5; i++) {
		field[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!field[i])
			return 0;
	}
	type = strtok_r(tail + 3, " ", &save);
	strtok_r(NULL, " ", &save);
	options = strtok_r(NULL, " ", &save);
	/* a part of a hierarchy does not show all groups */
	if (!type || strcmp(field[3], "/") != 0)
		return 0;
	unescape(field[4]);
	if (strcmp(type, "cgroup2") == 0)
		return keep(&v2->mount, field[4], err);
	if (strcmp(type, "cgroup") != 0 || !options)
		return 0;
	if (list_has(options, "cpuacct") && keep(&v1->usage, field[4], err) < 0)
		return -err->code;
	return list_has(options, "cpu") ? keep(&v1->mount, field[4], err) : 0;
}

/* Lines of /proc/self/cgroup are ID:CONTROLLERS:PATH; the id of v1's cpu, or -1. */
static int hierarchy_id(char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *list = strchr(line, ':'), *end = list ? strchr(list + 1, ':') : NULL;

		if (!end)
			continue;
		*end = '\0';
		if (list_has(list + 1, "cpu"))
			return atoi(line);
	}
	return -1;
}

int ledger_hierarchy_find(int proc, struct ledger_hierarchy *hierarchy, struct error *err)
{
	_cleanup_hierarchy_ struct ledger_hierarchy v1 = {0};
	_cleanup_hierarchy_ struct ledger_hierarchy v2 = {.unified = true};
	_cleanup_free_ char *mounts = NULL, *groups = NULL;
	char *save = NULL;
	int r;

	r = file_read_at(proc, "self/mountinfo", PROC_FILE_LIMIT_BYTES, &mounts, NULL, err);
	if (r < 0)
		return r;
	r = file_read_at(proc, "self/cgroup", PROC_FILE_LIMIT_BYTES, &groups, NULL, err);
	if (r < 0)
		return r;
	for (char *line = strtok_r(mounts, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		r = mount_line(line, &v1, &v2, err);
		if (r < 0)
			return r;
	}
	v1.id = hierarchy_id(groups);
	*hierarchy = v1.id > 0 ? v1 : v2;
	if (v1.id > 0)
		v1.mount = v1.usage = NULL;
	else
		v2.mount = NULL;
	return 0;
}

void ledger_hierarchy_free(struct ledger_hierarchy *hierarchy)
{
	free(hierarchy->mount);
	free(hierarchy->usage);
	hierarchy->mount = hierarchy->usage = NULL;
}
