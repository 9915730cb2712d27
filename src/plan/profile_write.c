// SPDX-License-Identifier: GPL-2.0-or-later
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "base/strings.h"
#include "plan/profile.h"
#include "plan/profile_numbers.h"

/* Six digits are more than a measurement has; 17, as json-c prints, are none to look at. */
static struct json_object *new_double(double value)
{
	char text[32];

	if (!isfinite(value))
		value = 0;
	snprintf(text, sizeof(text), "%.6g", value);
	return json_object_new_double_s(value, text);
}

static void put_numbers(struct json_object *object, const struct profile_number *numbers,
			const void *from)
{
	for (; numbers->key; numbers++) {
		const void *at = (const char *)from + numbers->offset;

		if (numbers->kind == PROFILE_DOUBLE)
			json_object_object_add(object, numbers->key,
					       new_double(*(const double *)at));
		else if (numbers->kind == PROFILE_U32)
			json_add_u64(object, numbers->key, *(const uint32_t *)at);
		else
			json_add_u64(object, numbers->key, *(const uint64_t *)at);
	}
}

static bool costs_nothing(const struct profile_cost *cost)
{
	return cost->unit_ns <= 0 && cost->byte_ns <= 0 && cost->connection_ns <= 0 &&
	       cost->wakeup_ns <= 0 && cost->connection_wakeup_ns <= 0 && cost->asleep_ns <= 0 &&
	       cost->crowded_ns <= 0;
}

static void put_points(struct json_object *object, const struct profile_operation *operation)
{
	struct json_object *points = json_add_array(object, "points");

	for (size_t i = 0; i < operation->n_points; i++) {
		const struct profile_point *point = &operation->points[i];
		struct json_object *row = json_object_new_array();

		json_object_array_add(row, new_double(point->units));
		json_object_array_add(row, new_double(point->bytes));
		json_object_array_add(row, new_double(point->connections));
		for (int payer = 0; payer < PROFILE_PAYERS; payer++)
			json_object_array_add(row, new_double(point->cost_ns[payer]));
		json_object_array_add(points, row);
	}
}

static struct json_object *operation_json(const struct profile_operation *operation)
{
	struct json_object *object = json_object_new_object(), *cost, *fit;

	json_add_string(object, "kind", profile_kind_name(operation->kind));
	json_add_string(object, "mode", profile_mode_name(operation->mode));
	json_add_string(object, "target", operation->target);
	cost = json_add_object(object, "cost");
	for (int part = 0; part < PROFILE_PARTS; part++) {
		if (!costs_nothing(&operation->cost[part]))
			put_numbers(json_add_object(cost, profile_part_name(part)),
				    profile_cost_numbers, &operation->cost[part]);
	}
	fit = json_add_object(object, "fit");
	for (int payer = 0; payer < PROFILE_PAYERS; payer++)
		put_numbers(json_add_object(fit, profile_payer_name(payer)), profile_fit_numbers,
			    &operation->fit[payer]);
	put_numbers(object, profile_operation_numbers, operation);
	if (operation->stand_in)
		json_add_bool(object, "stand_in", true);
	put_points(object, operation);
	return object;
}

static void put_time(struct json_object *object, int64_t created_s)
{
	char text[32];
	time_t seconds = (time_t)created_s;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return;
	json_add_string(object, "created", text);
}

static void put_head(struct json_object *object, const struct profile *profile)
{
	struct json_object *host;

	json_add_u64(object, "behalf_profile", PROFILE_FORMAT);
	json_add_string(object, "source",
			profile->source == PROFILE_CALIBRATED ? "calibrated" : "built-in");
	json_add_string(object, "version", profile->version);
	if (profile->source == PROFILE_CALIBRATED) {
		put_time(object, profile->created_s);
		host = json_add_object(object, "host");
		json_add_string(host, "name", profile->host.name);
		json_add_string(host, "kernel", profile->host.kernel);
		json_add_string(host, "cpu_model", profile->host.cpu_model);
		put_numbers(host, profile_host_numbers, &profile->host);
		json_add_bool(object, "quick", profile->quick);
	}
	json_add_bool(object, "trusted", profile->trusted);
	json_add_string(object, "distrust", profile->distrust);
	put_numbers(object, profile_own_numbers, profile);
	put_numbers(json_add_object(object, "base"), profile_base_numbers, &profile->base);
}

char *profile_format(const struct profile *profile)
{
	_cleanup_json_ struct json_object *object = json_object_new_object();
	struct json_object *list;

	put_head(object, profile);
	list = json_add_array(object, "operations");
	for (size_t i = 0; i < profile->n_operations; i++)
		json_object_array_add(list, operation_json(&profile->operations[i]));
	list = json_add_array(object, "disks");
	for (size_t i = 0; i < profile->n_disks; i++) {
		struct json_object *disk = json_object_new_object();

		json_add_string(disk, "target", profile->disks[i].target);
		json_add_string(disk, "name", profile->disks[i].name);
		put_numbers(disk, profile_disk_numbers, &profile->disks[i]);
		json_object_array_add(list, disk);
	}
	return string_format("%s\n", json_text(object, true));
}
