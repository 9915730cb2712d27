// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/means.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

enum means {
	NONE,	    /* nothing keeps it yet */
	NOT_NEEDED, /* it describes another promise, and is none itself */
	CONTROLLER,
};

/* By the end of a term's name, the first that fits. */
static const struct {
	const char *prefix, *suffix;
	enum means means;
	enum cgroup_controller controller;
} table[] = {
	{"cpu-", "-reserve", CONTROLLER, CGROUP_CPU},
	{"cpu-", "-limit", CONTROLLER, CGROUP_CPU},
	{"memory-", "-limit", CONTROLLER, CGROUP_MEMORY},
	{"pids-", "-limit", CONTROLLER, CGROUP_PIDS},
	{"net-", "-packet-size", NOT_NEEDED, CGROUP_CORE},
	{"net-", "-packet-size-worst", NOT_NEEDED, CGROUP_CORE},
	{"net-", "-connections", NOT_NEEDED, CGROUP_CORE},
	{"net-", "-path", NOT_NEEDED, CGROUP_CORE},
	{"disk-", "-request-size", NOT_NEEDED, CGROUP_CORE},
	{"disk-", "-buffered", NOT_NEEDED, CGROUP_CORE},
};

static int check_one(const struct term_kind *kind, const struct cgroup_layout *layout,
		     struct error *err)
{
	size_t length = strlen(kind->name);

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		size_t end = strlen(table[i].suffix);

		if (strncmp(kind->name, table[i].prefix, strlen(table[i].prefix)) != 0 ||
		    length < end || strcmp(kind->name + length - end, table[i].suffix) != 0)
			continue;
		if (table[i].means == NOT_NEEDED ||
		    cgroup_layout_version(layout, table[i].controller))
			return 0;
		return error_set(err, ENODEV, "%s: this host has no %s controller to keep it with",
				 kind->name, cgroup_controller_name(table[i].controller, 2));
	}
	return error_set(err, EOPNOTSUPP,
			 "%s: nothing keeps that term yet, and what cannot be kept is not promised",
			 kind->name);
}

int means_check(const struct terms *terms, const struct cgroup_layout *layout, struct error *err)
{
	int r = 0;

	for (const struct term_kind *kind = term_kinds; r == 0 && kind->name; kind++)
		if (terms_has(terms, kind))
			r = check_one(kind, layout, err);
	return r;
}
