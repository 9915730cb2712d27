// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/listing.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

static int parse_unit(const char *text, enum view_unit *unit, struct error *err)
{
	static const char *const names[VIEW_UNITS] = {
		[VIEW_SECONDS] = "seconds",
		[VIEW_CPUS] = "cpus",
		[VIEW_PERCENT] = "percent",
	};

	for (size_t i = 0; i < VIEW_UNITS; i++) {
		if (strcmp(names[i], text) == 0) {
			*unit = (enum view_unit)i;
			return 0;
		}
	}
	return error_set(err, EINVAL, "--unit '%s': seconds, cpus or percent", text);
}

static int parse_sort(const char *heading, const struct view_field **sort, struct error *err)
{
	const struct view_field *field = view_field_find(heading);

	if (!field)
		return error_set(err, EINVAL, "--sort: there is no column '%s'", heading);
	*sort = field;
	return 0;
}

static int parse_columns(const char *list, struct view_columns *columns, struct error *err)
{
	return view_columns_parse(list, columns, err) < 0 ? error_prefix(err, "--columns") : 0;
}

int listing_option(int opt, struct view_choice *choice, struct error *err)
{
	int r = 0;

	switch (opt) {
	case 'a':
		choice->all = true;
		break;
	case 'o':
		r = parse_columns(optarg, &choice->columns, err);
		break;
	case 's':
		r = parse_sort(optarg, &choice->sort, err);
		break;
	case 'r':
		choice->reverse = true;
		break;
	case 'u':
		r = parse_unit(optarg, &choice->unit, err);
		break;
	default:
		return 0;
	}
	return r < 0 ? r : 1;
}
